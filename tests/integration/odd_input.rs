//! Odd input gets a clear answer, and nothing is lost.

use std::process::Stdio;
use std::time::Duration;

use crate::tool::{Dir, TRAINED};

#[test]
fn empty_files_are_named_as_such() {
    let dir = Dir::new();
    dir.file("empty", "");
    dir.fails(&["import", "empty", "--out", "o.jsonl"], "E_EMPTY");
    dir.fails(&["train", "--tickets", "empty", "--bundle", "b", "--model", "tiny-random"], "E_EMPTY");
    dir.fails(&["train", "--tickets", "absent", "--bundle", "b"], "E_IO");
    assert!(!dir.path("o.jsonl").exists() && !dir.path("b").exists());
}

#[test]
fn utf16_with_a_mark_is_read() {
    let dir = Dir::new();
    let text = "\u{feff}Ticket #,Summary\n1,Größe prüfen\n";
    dir.file("u.csv", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    dir.ok(&["import", "u.csv", "--out", "o.jsonl"]);
    assert!(std::fs::read_to_string(dir.path("o.jsonl")).unwrap().contains("Größe prüfen"));
}

#[test]
fn an_export_is_never_overwritten_by_its_import() {
    let dir = Dir::new();
    dir.file("e.csv", "Ticket #,Summary\n1,x\n");
    dir.fails(&["import", "e.csv", "--out", "e.csv"], "E_CONFIG");
    dir.fails(&["import", "e.csv", "--out", "x/../e.csv"], "E_CONFIG");
    dir.fails(&["import", "e.csv", "--out", "o.jsonl", "--rejects", "e.csv"], "E_CONFIG");
    dir.fails(&["import", "e.csv", "--out", "o.jsonl", "--rejects", "o.jsonl"], "E_CONFIG");
    assert_eq!(std::fs::read_to_string(dir.path("e.csv")).unwrap(), "Ticket #,Summary\n1,x\n");
}

#[test]
fn rejects_are_kept_where_no_row_was_usable() {
    let dir = Dir::new();
    dir.file("bad.csv", "Ticket #,Summary\n1,\n2,\n");
    dir.fails(&["import", "bad.csv", "--out", "o.jsonl"], "E_EMPTY");
    assert_eq!(std::fs::read_to_string(dir.path("o.rejects.jsonl")).unwrap().lines().count(), 2);
    assert!(!dir.path("o.jsonl").exists());
}

#[test]
fn a_missing_column_is_named_with_the_ones_there() {
    let dir = Dir::new();
    dir.file("c.csv", "Nr,Betreff\n1,x\n");
    let run = dir.fails(&["import", "c.csv", "--out", "o.jsonl", "--map", "subject=Titel"], "E_CSV_COLUMN");
    assert!(run.stderr.contains("Betreff"), "{}", run.stderr);
}

#[test]
fn ambiguous_dates_ask_for_a_format() {
    let dir = Dir::new();
    dir.file("d.csv", "Ticket #,Summary,Date Entered\n1,x,3/4/2026 8:14 AM\n");
    let run = dir.fails(&["import", "d.csv", "--out", "o.jsonl", "--strict"], "E_DATE");
    assert!(run.stderr.contains("--date-format"), "{}", run.stderr);
}

#[test]
fn long_hostile_and_broken_tickets_are_decided_or_named() {
    let dir = &*TRAINED;
    let lines = [
        serde_json::json!({"id": "long", "body": "word ".repeat(200_000)}).to_string(),
        serde_json::json!({"id": "div", "body": "<div>".repeat(200_000)}).to_string(),
        serde_json::json!({"id": "nul", "subject": "a\u{0}b", "body": "\u{202e}\u{200b}"}).to_string(),
        "{\"id\":\"1\"}".into(),
        "{\"id\":\"\",\"body\":\"x\"}".into(),
        "[1,2]".into(),
        "\"\\ud800\"".into(),
    ];
    let path = dir.file("odd.jsonl", lines.join("\n"));
    let run = dir.run(&["classify", "--bundle", "bundle", &path]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let codes: Vec<_> =
        run.lines().iter().map(|l| l["error"]["code"].as_str().unwrap_or("decided").to_owned()).collect();
    assert_eq!(
        codes,
        ["decided", "decided", "decided", "E_TICKET_TEXT", "E_TICKET_ID", "E_TICKET_JSON", "E_TICKET_JSON"]
    );
}

#[test]
fn a_label_never_seen_counts_as_an_error() {
    let dir = &*TRAINED;
    let path = dir.file(
        "unseen.jsonl",
        "{\"id\":\"new-1\",\"body\":\"printer jam\",\"board\":\"Board of the Moon\"}\n",
    );
    let result = dir.ok(&["evaluate", "--bundle", "bundle", "--tickets", &path, "--json"]).json();
    assert_eq!(result["fields"]["board"]["accuracy"], 0.0);
    assert_eq!(result["fields"]["board"]["n"], 1);
}

#[test]
fn nothing_unseen_to_score_is_a_fault_not_a_table_of_zeros() {
    let dir = &*TRAINED;
    let first =
        std::fs::read_to_string(dir.path("history.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let path = dir.file("seen.jsonl", first);
    dir.fails(&["evaluate", "--bundle", "bundle", "--tickets", &path], "E_EMPTY");
}

#[test]
fn a_damaged_bundle_is_refused() {
    let dir = Dir::new();
    dir.fails(&["classify", "--bundle", "nowhere"], "E_BUNDLE");
    copy(&TRAINED.path("bundle"), &dir.path("bundle"));
    let weights = dir.path("bundle/weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let run = dir.fails(&["classify", "--bundle", "bundle"], "E_BUNDLE");
    assert!(run.stderr.contains("sha256"), "{}", run.stderr);
    let info = dir.path("bundle/bundle.json");
    let whole = std::fs::read_to_string(&info).unwrap();
    std::fs::write(&info, whole.replace("\"sealed\": true", "\"sealed\": false")).unwrap();
    let run = dir.fails(&["classify", "--bundle", "bundle"], "E_BUNDLE");
    assert!(run.stderr.contains("bundle.json"), "{}", run.stderr);
    std::fs::write(&info, &whole).unwrap();
    std::fs::remove_file(dir.path("bundle/bundle.sha256")).unwrap();
    let run = dir.fails(&["classify", "--bundle", "bundle"], "E_BUNDLE");
    assert!(run.stderr.contains("bundle.sha256"), "{}", run.stderr);
    std::fs::write(&info, whole.replace("\"format\": 2", "\"format\": 99")).unwrap();
    assert!(dir.fails(&["classify", "--bundle", "bundle"], "E_BUNDLE").stderr.contains("format 99"));
}

#[test]
fn a_folder_that_is_no_bundle_is_not_overwritten() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("mine")).unwrap();
    dir.file("mine/thesis.txt", "dear to me");
    let history = TRAINED.path("history.jsonl");
    let args = [
        "train",
        "--tickets",
        history.to_str().unwrap(),
        "--model",
        "tiny-random",
        "--fields",
        "board",
        "--bundle",
        "mine",
    ];
    dir.fails(&args, "E_BUNDLE");
    assert_eq!(std::fs::read_to_string(dir.path("mine/thesis.txt")).unwrap(), "dear to me");
}

#[test]
fn too_little_to_learn_from_says_so() {
    let dir = Dir::new();
    let row = |i: u32| {
        format!(
            "{}\n",
            serde_json::json!({"id": i.to_string(), "body": format!("text {i}"), "board": "Only One"})
        )
    };
    dir.file("one.jsonl", (0..60).map(row).collect::<String>());
    let base = ["train", "--tickets", "one.jsonl", "--model", "tiny-random", "--bundle", "b"];
    dir.fails(&base, "E_SPLIT");
    let run = dir.fails(&[&base[..], &["--split", "random", "--fields", "board"]].concat(), "E_");
    assert!(run.stderr.contains("E_LABELS") || run.stderr.contains("E_SPLIT"), "{}", run.stderr);
    dir.fails(&[&base[..], &["--fields", "queue"]].concat(), "E_FIELD");
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_training_leaves_nothing_half_written() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "20000", "--out", "big.jsonl"]);
    let args = [
        "train",
        "--tickets",
        "big.jsonl",
        "--model",
        "tiny-random",
        "--bundle",
        "b",
        "--embedding-cache",
        "cache",
    ];
    let child = dir
        .command(&args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The cache appears when embedding begins, with all of the learning still ahead.
    while !dir.path("cache").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let before = names(&dir);
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("E_INTERRUPTED"));
    assert_eq!(names(&dir), before, "something was left behind");
}

fn names(dir: &Dir) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    names
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
