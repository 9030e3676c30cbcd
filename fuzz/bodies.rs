//! Requests as somebody hostile would write them, to every path that takes a body, through the whole service: parsing, engine,
//! store. Must not panic, and must not answer with a fault of the service's own.
//!
//! `FIRSTLINE_FUZZ_BUNDLE` names a bundle: `firstline dev generate --tickets 700 --out h.jsonl`, then `firstline train --model
//! tiny-random --fine-tune never --tickets h.jsonl --bundle DIR`.
#![no_main]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, mpsc};

use firstline_drafts::Voice;
use firstline_serve::{App, DEFAULT_SETTINGS, NewKey, Parts, Scope, Settings, serve};
use firstline_store::{CustomerSet, Location, Store, open};
use firstline_ticket::Clock;
use firstline_triage::Policy;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use ureq::Agent;

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
    address: SocketAddr,
    agent: Agent,
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
    settings.listen = "127.0.0.1:0".to_owned();
    settings.limits.requests_per_second = 1_000_000;
    settings.limits.draft_wait_ms = 1;
    let parts = Arc::new(|_: &Path| Ok(Parts { policy: Policy::built_in()?, voice: Voice::built_in()?, writer: None }));
    let app = App::start(settings, store, parts, Clock::real()).expect("a service");
    let (listens, address) = mpsc::channel();
    std::thread::spawn(move || serve(&app, |at| listens.send(at).expect("heard")).expect("a service"));
    let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
    Service { _dir: dir, address: address.recv().expect("it listens"), agent, key: key.token.expose().to_owned() }
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let service = &*SERVICE;
    let send = || {
        let request = service
            .agent
            .post(format!("http://{}{path}", service.address))
            .header("authorization", format!("Bearer {}", service.key))
            .header("if-match", "\"1\"")
            .content_type("application/json");
        let mut answer = request.send(body)?;
        let status = answer.status().as_u16();
        answer.body_mut().read_to_vec().map(|_| status)
    };
    // The service may close a connection that waits, and says so only when the next request is on its way. What a panic says is
    // not printed: the service keeps it back.
    let status = send().or_else(|_| send()).inspect_err(|e| eprintln!("{path}: {e}")).unwrap_or(599);
    if status >= 500 && status != 504 {
        eprintln!("{path}: {status}");
        std::process::abort();
    }
});
