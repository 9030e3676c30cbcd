//! `firstline demo --psa`: days of an invented desk through a stand-in for its PSA, the connect loop and the service.

use serde_json::Value;

use crate::tool::Dir;

/// The days that are played: nothing in the store may have a time outside of them.
const DAYS: [&str; 4] = ["2026-06-23", "2026-06-24", "2026-06-25", "2026-06-26"];
const COLUMNS: [&str; 13] = [
    "opened",
    "decided",
    "decided_twice",
    "decided_again",
    "drafts_due",
    "drafted",
    "closed",
    "joined",
    "back_open",
    "requests",
    "refused",
    "writes",
    "agreed",
];

fn lines(dir: &Dir, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a time of the history lies in the days that are played.
fn is_played(at: &Value) -> bool {
    at.as_str().is_some_and(|at| (DAYS[0]..DAYS[3]).contains(&at))
}

#[test]
fn days_go_through_every_part_once_in_their_own_time() {
    let dir = Dir::new();
    let args = ["demo", "--psa", "connectwise", "--tickets", "800", "--days", "3", "--until", DAYS[3]];
    let run = dir.ok(&[&args[..], &["--dir", "d", "--model", "tiny-random", "--json"]].concat());
    let shown = run.json();
    let total = &shown["total"];
    let count = |of: &Value, name: &str| match name {
        "agreed" => of["agreement"]["board"]["of"].as_u64().unwrap_or(0),
        name => of[name].as_u64().unwrap(),
    };
    // Each ticket that the desk opened in those days was decided, once, and nothing was written.
    let opened =
        lines(&dir, "d/history.jsonl").iter().filter(|ticket| is_played(&ticket["opened_at"])).count();
    assert!(opened >= 8, "{opened}");
    assert_eq!([count(total, "opened"), count(total, "decided")], [opened as u64; 2], "{shown}");
    for none in ["decided_twice", "refused", "writes"] {
        assert_eq!(count(total, none), 0, "{none}: {shown}");
    }
    assert_eq!(
        (&shown["played"]["failed_rounds"], &shown["played"]["faults"]),
        (&0.into(), &Value::Array(vec![]))
    );
    // Every end was joined to its decision, unless the ticket was opened again at once, and every draft that was due was written.
    assert!(count(total, "closed") > 0 && count(total, "drafts_due") > 0, "{shown}");
    assert_eq!(count(total, "joined") + count(total, "back_open"), count(total, "closed"), "{shown}");
    assert_eq!(count(total, "drafted"), count(total, "drafts_due"), "{shown}");
    assert!(count(total, "agreed") > 0 && count(total, "agreed") <= count(total, "joined"), "{shown}");
    // The days add up.
    let days = shown["days"].as_object().unwrap();
    assert_eq!(days.keys().collect::<Vec<_>>(), DAYS[..3].iter().collect::<Vec<_>>());
    for name in COLUMNS {
        assert_eq!(days.values().map(|day| count(day, name)).sum::<u64>(), count(total, name), "{name}");
    }
    // Training saw nothing of them.
    let learnt = lines(&dir, "d/learnt.jsonl");
    assert_eq!(shown["tickets_learnt_from"], learnt.len());
    assert!(learnt.iter().all(|ticket| ticket["resolved_at"].as_str().unwrap() < DAYS[0]));
    times_are_of_those_days(&dir, shown["store"].as_str().unwrap());
    let page = std::fs::read_to_string(dir.path(shown["page"].as_str().unwrap())).unwrap();
    assert!(page.contains("invented") && page.contains("simulated") && page.contains("2026-06-23"));
}

/// The machine's clock has left no time in the store, and the log's times never go back.
fn times_are_of_those_days(dir: &Dir, store: &str) {
    let log = dir.ok(&["store", "--store", store, "audit", "export"]).lines();
    let times: Vec<&str> = log.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "{times:?}");
    // What was under way at the end was finished shortly after it.
    assert!(times.iter().all(|at| (DAYS[0]..="2026-06-26T01").contains(at)), "{times:?}");
    // Nothing outside of the store shows that it is whole; that is another's test.
    let verified = dir.run(&["store", "--store", store, "audit", "verify", "--json"]).json();
    assert_eq!(verified["findings"], Value::Array(vec![]), "{verified}");
}

#[test]
fn what_plays_days_needs_a_psa_and_days_that_exist() {
    let dir = Dir::new();
    let both = ["--rollout", "--psa", "halo", "--days", "3"];
    for wrong in [&["--days", "3"][..], &["--json"], &["--until", "2026-06-26"], &both] {
        assert_eq!(dir.run(&[&["demo"][..], wrong].concat()).code, 2, "{wrong:?}");
    }
    for until in ["1200-01-01", "9999-12-31"] {
        let args = ["demo", "--psa", "halo", "--until", until, "--tickets", "500", "--model", "tiny-random"];
        let run = dir.fails(&args, "E_CONFIG");
        assert!(run.stderr.contains("--until"), "{}", run.stderr);
    }
}
