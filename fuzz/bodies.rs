//! Requests as somebody hostile would write them, to every path that takes a body, through the whole service: parsing, engine,
//! store. Must not panic, and must not answer with a fault of the service's own.
//!
//! `FIRSTLINE_FUZZ_BUNDLE` names a bundle: `firstline dev generate --tickets 700 --out h.jsonl`, then `firstline train --model
//! tiny-random --fine-tune never --tickets h.jsonl --bundle DIR`.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use firstline_serve::{App, DEFAULT_SETTINGS, NewKey, Parts, Scope, Settings, router};
use firstline_store::{CustomerSet, Location, Store, open};
use firstline_drafts::Voice;
use firstline_triage::Policy;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PATHS: [&str; 10] = [
    "/v1/triage",
    "/v1/feedback",
    "/v1/similar",
    "/v1/jobs",
    "/v1/review/x",
    "/v1/outbox/claim",
    "/v1/outbox/1",
    "/v1/embeddings",
    "/embed",
    "/predict",
];

struct Service {
    _dir: TempDir,
    runtime: Runtime,
    router: Router,
    key: String,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn Store> = Arc::from(open(&Location::Sqlite(dir.path().join("store.db"))).expect("a store"));
    let (now, scopes) = (Timestamp::now(), [Scope::Admin].into());
    let key = NewKey::new("fuzz", &scopes, CustomerSet::All, None, now).expect("a key");
    store.add_key(&key.record, "fuzz", now).expect("the key is kept");
    let mut settings: Settings = toml::from_str(DEFAULT_SETTINGS).expect("the defaults");
    settings.bundle = std::env::var_os("FIRSTLINE_FUZZ_BUNDLE").map(PathBuf::from).expect("FIRSTLINE_FUZZ_BUNDLE");
    settings.limits.requests_per_second = 1_000_000;
    settings.limits.draft_wait_ms = 1;
    let parts = Arc::new(|_: &Path| Ok(Parts { policy: Policy::built_in()?, voice: Voice::built_in()?, writer: None }));
    let app = App::start(settings, store, parts).expect("a service");
    let runtime = Runtime::new().expect("a runtime");
    Service { _dir: dir, runtime, router: router(app), key: key.token.expose().to_owned() }
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let service = &*SERVICE;
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", service.key))
        .header("if-match", "\"1\"")
        .body(Body::from(body.to_vec()))
        .expect("a request");
    let answer = service.runtime.block_on(service.router.clone().oneshot(request)).expect("an answer");
    assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
});
