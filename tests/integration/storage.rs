//! The store of a running service against what happens to files, and its audit log against whoever writes to the database itself.

use std::path::Path;

use serde_json::json;

use crate::served::{Service, tickets, triage};
use crate::tool::{Dir, TRAINED};

/// Runs a statement behind the service's back, with Python's SQLite.
fn meddle(dir: &Dir, store: &str, sql: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2])";
    let run =
        std::process::Command::new("python3").args(["-c", script]).arg(dir.path(store)).arg(sql).status();
    assert!(run.unwrap().success());
}

/// Copies a store with what lies beside it.
fn copied(dir: &Dir, from: &str, to: &str) {
    for beside in ["", "-wal"] {
        let from = dir.path(&format!("{from}{beside}"));
        if from.exists() {
            std::fs::copy(from, dir.path(&format!("{to}{beside}"))).unwrap();
        }
    }
}

fn serve_fails(dir: &Dir, says: &str) {
    let bundle = TRAINED.path("bundle").display().to_string();
    let run = dir.fails(&["serve", "--bundle", &bundle, "--listen", "127.0.0.1:0"], "E_STORE");
    assert!(run.stderr.contains(says), "{}", run.stderr);
}

#[test]
fn a_service_whose_store_is_gone_says_so_and_a_backup_brings_it_back() {
    let mut service = Service::start(&[]);
    let key = service.key("admin", &[]);
    let sent = tickets(6);
    triage(&service, &key, &sent[..3]);
    service.dir.ok(&["store", "backup", "--to", "backup.db"]);
    assert_eq!(service.get("/readyz", "").status, 200);
    // A backup is not put in place under a service.
    service.dir.fails(&["store", "restore", "backup.db"], "another process serves");
    std::fs::remove_file(service.dir.path("firstline.db")).unwrap();
    service.wait_for(|| service.get("/readyz", "").status == 503);
    let answer = service.post("/v1/triage", &key, &json!({"tickets": &sent[3..]}));
    assert!(
        answer.status == 503 || answer.json()["results"][0]["error"]["code"] == "E_STORE",
        "{}",
        answer.text
    );
    service.wait_for(|| service.log().contains("removed or replaced"));
    assert_ne!(service.terminate(), 0);
    assert!(!service.log().contains("is on record"), "{}", service.log());
    // No empty store comes in its place unseen.
    serve_fails(&service.dir, "firstline store restore");
    service.dir.ok(&["store", "restore", "backup.db"]);
    service.dir.ok(&["store", "audit", "verify"]);
    // A backup copied over a store that was killed, beside its log.
    let mut service = service.again();
    triage(&service, &key, &sent[3..]);
    service.kill();
    std::fs::copy(service.dir.path("backup.db"), service.dir.path("firstline.db")).unwrap();
    serve_fails(&service.dir, "another database's");
    service.dir.ok(&["store", "restore", "backup.db"]);
    let service = service.again();
    let decided = service.dir.ok(&["store", "audit", "export"]).lines();
    assert_eq!(decided.iter().filter(|entry| entry["action"] == "decide").count(), 3);
    service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn the_log_is_verified_against_what_was_signed_elsewhere_and_rows_against_the_log() {
    let mut service = Service::start(&[]);
    let key = service.key("triage", &[]);
    triage(&service, &key, &tickets(4));
    assert_eq!(service.terminate(), 0, "{}", service.log());
    let dir = &service.dir;
    let verified = dir.ok(&["store", "audit", "verify", "--json"]).json();
    assert_eq!((&verified["whole"], &verified["signed"]["entry"]), (&json!(true), &verified["entries"]));
    let anchors =
        std::fs::read_dir(dir.path("state/firstline/anchors")).unwrap().next().unwrap().unwrap().path();
    let anchors = anchors.to_str().unwrap();
    let head = "UPDATE meta SET setting = (SELECT seq || ':' || hash FROM audit_log ORDER BY seq DESC LIMIT 1) WHERE name = 'head'";
    for (sql, says) in [
        ("DELETE FROM audit_log; UPDATE meta SET setting = '' WHERE name = 'head'".to_owned(), "empty"),
        (format!("DELETE FROM audit_log WHERE seq > 2; {head}"), "it was cut"),
        ("UPDATE decisions SET route = 'auto' WHERE seq = 1".to_owned(), "decision: 1 not"),
        ("UPDATE api_keys SET scopes = '[\"admin\"]'".to_owned(), "key: 1 not"),
    ] {
        let copy = "copy.db";
        copied(dir, "firstline.db", copy);
        meddle(dir, copy, &sql);
        let run = dir.fails(&["store", "audit", "verify", "--store", copy, "--anchors", anchors], "E_AUDIT");
        assert!(run.stderr.contains(says), "{sql}: {}", run.stderr);
    }
    // Without anything signed, nothing is called whole.
    let run = dir.fails(&["store", "audit", "verify", "--store", "copy.db"], "E_AUDIT");
    assert!(run.stderr.contains("rows are not"), "{}", run.stderr);
    std::fs::rename(Path::new(anchors), dir.path("elsewhere.jsonl")).unwrap();
    let run = dir.fails(&["store", "audit", "verify"], "E_AUDIT");
    assert!(run.stderr.contains("nothing outside of the store"), "{}", run.stderr);
    dir.ok(&["store", "audit", "verify", "--anchors", "elsewhere.jsonl"]);
    dir.ok(&["store", "audit", "keygen", "--out", "other.key"]);
    dir.fails(&["store", "audit", "keygen", "--out", "other.key"], "E_IO");
    dir.fails(
        &["store", "audit", "verify", "--anchors", "elsewhere.jsonl", "--key", "other.key.pub"],
        "E_AUDIT",
    );
    // A key that was raised in the database is refused by the service.
    meddle(dir, "firstline.db", "UPDATE api_keys SET scopes = '[\"admin\"]'");
    let service = service.again();
    service.get("/v1/kpis", &key).problem(401, "E_AUTH");
    service.wait_for(|| service.log().contains("not what the audit log says"));
}
