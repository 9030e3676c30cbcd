//! Replays of a small history. What counts is that no bundle knows anything before its time: whatever becomes of tickets later, the
//! weeks before stay to the byte.

use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::tool::{Dir, Run};

/// A generated history of half a year, with what every export has and no more: no merges, and nobody logs time.
static HISTORY: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let dir = Dir::new();
    dir.file("bare.toml", "include_history = false\n[desk]\nmerged = 0.0\nacknowledged = 0.0\n");
    dir.ok(&[
        "dev",
        "generate",
        "--settings",
        "bare.toml",
        "--tickets",
        "500",
        "--seed",
        "5",
        "--out",
        "h.jsonl",
    ]);
    let text = std::fs::read_to_string(dir.path("h.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
});

/// The replay of it as it is, its weeks kept in `kept`.
static REPLAYED: LazyLock<(Dir, Value)> = LazyLock::new(|| {
    let dir = with(&HISTORY);
    let found = replay(&dir, &["--json", "--out", "kept"]).json();
    (dir, found)
});

fn write(dir: &Dir, name: &str, tickets: &[Value]) {
    dir.file(name, tickets.iter().map(|ticket| format!("{ticket}\n")).collect::<String>());
}

fn with(tickets: &[Value]) -> Dir {
    let dir = Dir::new();
    write(&dir, "h.jsonl", tickets);
    dir
}

fn time(ticket: &Value, key: &str) -> Option<Timestamp> {
    ticket[key].as_str().map(|text| text.parse().unwrap())
}

/// Five weeks before the last ticket: four or so are over by then.
fn start() -> String {
    let newest = HISTORY.iter().filter_map(|ticket| time(ticket, "opened_at")).max().unwrap();
    let from = newest - jiff::SignedDuration::from_hours(24 * 35);
    from.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// A promise that so few tickets can keep.
const EASY: [&str; 4] = ["--target-error", "0.9", "--confidence", "0.5"];

fn args(more: &[&str]) -> Vec<String> {
    let start = start();
    let all = [
        "rollout",
        "replay",
        "--tickets",
        "h.jsonl",
        "--train-until",
        &start,
        "--model",
        "tiny-random",
        "--seed",
        "3",
        "--fields",
        "board,type",
    ];
    [&all[..], &EASY, more].concat().into_iter().map(str::to_owned).collect()
}

fn replay(dir: &Dir, more: &[&str]) -> Run {
    let args = args(more);
    dir.ok(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The kept weeks, in order.
fn weeks(dir: &Dir, kept: &str) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path(kept)).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("week-"));
    names.sort();
    names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The weeks of a changed history.
fn kept_of(tickets: &[Value]) -> Vec<String> {
    let dir = with(tickets);
    replay(&dir, &["--json", "--out", "kept"]);
    weeks(&dir, "kept")
}

#[test]
fn a_replay_tells_its_weeks_its_gates_and_a_verdict_and_that_nothing_of_it_happened() {
    let (dir, found) = &*REPLAYED;
    let replay = found;
    assert_eq!(replay["counterfactual"], true);
    let told = replay["weeks"].as_array().unwrap();
    assert!(told.len() >= 3 && told.len() == weeks(dir, "kept").len(), "{}", told.len());
    let mut learnt_before = 0;
    for (number, week) in (1u64..).zip(told) {
        let [from, to] = ["from", "to"].map(|key| time(week, key).unwrap());
        let opened: Vec<&Value> =
            HISTORY.iter().filter(|t| (from..to).contains(&time(t, "opened_at").unwrap())).collect();
        let told_of =
            |t: &Value| time(t, "resolved_at").map(|at| at.max(time(t, "outcome_reported_at").unwrap_or(at)));
        let known = HISTORY.iter().filter(|t| told_of(t).is_some_and(|at| at <= from)).count() as u64;
        assert_eq!((week["number"].as_u64(), week["learnt_from"].as_u64()), (Some(number), Some(known)));
        assert!(known > learnt_before, "a later week knows more");
        learnt_before = known;
        let left_out: u64 = week["left_out"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(week["tickets"].as_u64().unwrap() + left_out, opened.len() as u64);
        // What is agreed is counted again from the lines and the decisions.
        let done: Value = serde_json::from_str(&weeks(dir, "kept")[number as usize - 1]).unwrap();
        let decided = done["decisions"]["decided"].as_array().unwrap();
        assert_eq!(decided.len(), opened.len());
        if left_out == 0 {
            let closed = opened.iter().filter(|t| !t["resolved_at"].is_null()).count() as u64;
            let right = opened.iter().filter(|t| {
                let decided = decided.iter().find(|d| d["id"] == t["id"]).unwrap();
                !t["resolved_at"].is_null()
                    && ["board", "type"].iter().all(|f| decided["fields"][f][0] == t[f])
            });
            assert_eq!(
                (week["agreement"]["of"].as_u64(), week["agreement"]["count"].as_u64()),
                (Some(closed), Some(right.count() as u64))
            );
        }
    }
    let looks = replay["gates"].as_array().unwrap();
    for look in looks {
        assert_eq!(look["gate"]["passed"], false, "a history alone passes no gate");
        for check in look["gate"]["checks"].as_array().unwrap() {
            assert!(["needed", "n", "passed"].iter().all(|key| !check[key].is_null()), "{check}");
        }
    }
    assert!(!looks.is_empty() && replay["verdict"]["text"].as_str().unwrap().contains("promoted"));
    assert!(replay["alone"]["n"].as_u64().unwrap() > 0 && replay["alone"]["minutes"].is_null());
    // The same as tables and as a page.
    let tables = replay_again(dir, &["--out", "kept", "--html", "page.html"]);
    for part in
        ["Nothing of this happened", "The weeks", "The gate from shadow to assist", "No incident is invented"]
    {
        assert!(tables.stdout.contains(part), "{part}\n{}", tables.stdout);
    }
    let page = std::fs::read_to_string(dir.path("page.html")).unwrap();
    assert!(page.contains("<h1>Replay of a history</h1>") && page.contains("Nothing of this happened"));
}

/// A replay whose weeks are all there.
fn replay_again(dir: &Dir, more: &[&str]) -> Run {
    let run = replay(dir, more);
    assert!(!run.stderr.contains("tickets decided"), "nothing is decided again:\n{}", run.stderr);
    run
}

#[test]
fn what_is_resolved_later_changes_nothing_of_the_weeks_before() {
    let (dir, found) = &*REPLAYED;
    let before = weeks(dir, "kept");
    let cut = time(&found["weeks"][2], "from").unwrap();
    let mut tickets = HISTORY.clone();
    let mut changed = 0;
    for ticket in &mut tickets {
        // A ticket that is not resolved by then has no outcome yet, whenever it was opened.
        if time(ticket, "resolved_at").is_some_and(|at| at > cut) {
            changed += 1;
            for (field, label) in
                [("board", "Beekeeping"), ("type", "Hive"), ("priority", "P0"), ("technician", "Nobody")]
            {
                ticket[field] = json!(label);
            }
            ticket["resolution"] = json!("Fed the bees.");
            ticket["escalated"] = json!(true);
            if let Some(messages) = ticket.get_mut("messages").and_then(Value::as_array_mut) {
                messages
                    .iter_mut()
                    .for_each(|m| m["text"] = json!("Your ticket has been received, do not reply."));
            }
        }
    }
    assert!(changed > 20);
    let after = kept_of(&tickets);
    assert_eq!(after[..3], before[..3]);
    assert_ne!(after[3..], before[3..], "what is known by then counts");
}

#[test]
fn replies_are_never_read_and_the_order_of_lines_and_repeated_lines_change_nothing() {
    let (dir, found) = &*REPLAYED;
    let mut tickets = HISTORY.clone();
    for ticket in &mut tickets {
        let text = ticket["body"].as_str().unwrap_or("Done.").to_owned();
        ticket["messages"] = json!([{"from": "technician", "text": text, "visible": true}]);
    }
    // The export told of them before, when they were open and unsorted.
    let mut open = HISTORY.clone();
    for ticket in open.iter_mut().take(40) {
        let ticket = ticket.as_object_mut().unwrap();
        ticket.retain(|key, _| {
            ["id", "opened_at", "subject", "body", "customer", "contact", "source"].contains(&key.as_str())
        });
        tickets.push(Value::Object(ticket.clone()));
    }
    tickets.reverse();
    let other = with(&tickets);
    let again = replay(&other, &["--json", "--out", "kept"]).json();
    assert_eq!(weeks(&other, "kept"), weeks(dir, "kept"));
    assert_eq!(again["repeated"], 40);
    for key in ["agreement", "gates", "steps", "verdict", "alone"] {
        assert_eq!(again[key], found[key], "{key}");
    }
}

#[test]
fn a_second_ticket_of_the_same_thread_is_decided_as_the_first_whatever_became_of_that() {
    // A copy of each of the week's first tickets comes in an hour later, before anything is known of the first.
    let (_, found) = &*REPLAYED;
    let [from, to] = ["from", "to"].map(|key| time(&found["weeks"][0], key).unwrap());
    let within = |t: &&Value| {
        let opened = time(t, "opened_at").unwrap();
        (from..to).contains(&opened)
            && t["contact"].is_string()
            && opened.to_zoned(jiff::tz::TimeZone::UTC).hour() % 3 == 0
    };
    let firsts: Vec<Value> = HISTORY.iter().filter(within).cloned().collect();
    assert!(!firsts.is_empty());
    let mut tickets = HISTORY.clone();
    for first in &firsts {
        let mut copy = first.clone();
        copy["id"] = json!(format!("{}-again", first["id"].as_str().unwrap()));
        let later = time(first, "opened_at").unwrap() + jiff::SignedDuration::from_mins(5);
        copy["opened_at"] = json!(later.to_string());
        (copy["board"], copy["type"]) = (json!("Beekeeping"), json!("Hive"));
        tickets.push(copy);
    }
    let week: Value = serde_json::from_str(&kept_of(&tickets)[0]).unwrap();
    let fields = |id: &str| {
        let decided = week["decisions"]["decided"].as_array().unwrap();
        decided.iter().find(|d| d["id"] == id).unwrap()["fields"].clone()
    };
    for first in &firsts {
        let id = first["id"].as_str().unwrap();
        assert_eq!(fields(id), fields(&format!("{id}-again")));
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_and_gives_the_same() {
    let (whole, found) = &*REPLAYED;
    let dir = with(&HISTORY);
    let args = args(&["--json", "--out", "kept"]);
    let mut child = dir
        .command(&args.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = dir.path("kept/week-001.json");
    while !first.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let stopped = child.wait().unwrap();
    let so_far = weeks(&dir, "kept");
    let all = weeks(whole, "kept");
    assert_eq!(stopped.code(), Some(130), "it was not done yet");
    assert!(!so_far.is_empty() && all.starts_with(&so_far));
    assert_eq!(names(&dir.path("kept")), so_far.len() + 1, "nothing half-written is left");
    let again = replay(&dir, &["--json", "--out", "kept"]);
    assert_eq!((&again.json(), weeks(&dir, "kept")), (found, all));
    assert_eq!(again.stderr.matches("tickets decided").count(), weeks(&dir, "kept").len() - so_far.len());
}

fn names(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[test]
fn a_folder_of_other_weeks_is_refused_and_a_damaged_week_is_named() {
    let (from, _) = &*REPLAYED;
    let dir = with(&HISTORY);
    std::fs::create_dir(dir.path("kept")).unwrap();
    for entry in std::fs::read_dir(from.path("kept")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path("kept").join(entry.file_name())).unwrap();
    }
    let fails = |more: &[&str], code: &str| {
        let args = args(&[&["--out", "kept"], more].concat());
        dir.fails(&args.iter().map(String::as_str).collect::<Vec<_>>(), code).stderr
    };
    for more in [&["--seed", "4"][..], &["--retrain", "off"], &["--confidence", "0.6"]] {
        let changed: Vec<String> = {
            let mut args = args(&["--out", "kept"]);
            match args.iter().position(|arg| arg == more[0]) {
                Some(at) => more[1].clone_into(&mut args[at + 1]),
                None => args.extend(more.iter().map(|arg| (*arg).to_owned())),
            }
            args
        };
        let run = dir.fails(&changed.iter().map(String::as_str).collect::<Vec<_>>(), "E_CONFIG");
        assert!(run.stderr.contains("another history, of other settings"), "{}", run.stderr);
    }
    dir.file("kept/week-002.json", "{\"week\":");
    assert!(fails(&[], "E_CONFIG").contains("week-002.json"));
    // What does not change a decision needs no new weeks.
    std::fs::copy(from.path("kept/week-002.json"), dir.path("kept/week-002.json")).unwrap();
    let criteria =
        dir.ok(&["rollout", "criteria", "--example"]).stdout.replace("day90 = 0.85", "day90 = 0.95");
    dir.file("c.toml", criteria);
    let stricter = replay_again(&dir, &["--out", "kept", "--criteria", "c.toml", "--json"]).json();
    let checks = stricter["gates"][0]["gate"]["checks"].as_array().unwrap();
    assert!(
        checks.iter().any(|check| check["name"] == "agreement on board and type" && check["needed"] == 0.95)
    );
}

#[test]
fn one_bundle_decides_all_weeks_where_nothing_is_learnt_again() {
    let dir = with(&HISTORY);
    let found = replay(&dir, &["--json", "--retrain", "off"]).json();
    let learnt: Vec<u64> =
        found["weeks"].as_array().unwrap().iter().map(|week| week["learnt_from"].as_u64().unwrap()).collect();
    let start = time(&found, "train_until").unwrap();
    let known =
        HISTORY.iter().filter(|t| time(t, "resolved_at").is_some_and(|at| at <= start)).count() as u64;
    assert!(learnt.iter().all(|n| *n == known), "{learnt:?}");
}

#[test]
fn a_day_that_leaves_nothing_to_learn_or_to_replay_is_refused() {
    let dir = with(&HISTORY[..60]);
    let fails = |day: &str, code: &str| {
        dir.fails(
            &["rollout", "replay", "--tickets", "h.jsonl", "--model", "tiny-random", "--train-until", day],
            code,
        )
        .stderr
    };
    assert!(fails("2030-01-01", "E_EMPTY").contains("no whole week after"));
    assert!(fails("1900-01-01", "E_CONFIG").contains("out of range"));
    assert!(fails("2025-01-01", "E_EMPTY").contains("no ticket was resolved"));
}
