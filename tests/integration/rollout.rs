//! What comes before the first of the 90 days: baseline, tiers, pilots, criteria, rules. Figures are counted a second time here,
//! from the lines of the history alone.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::tool::{Dir, Run};

/// A generated history of half a year, and who wrote each of its tickets: without what a PSA keeps beside them, which tests add.
static HISTORY: LazyLock<(Vec<Value>, BTreeMap<String, String>)> = LazyLock::new(|| {
    let dir = Dir::new();
    dir.file("bare.toml", "include_history = false\n[desk]\nmerged = 0.0\nacknowledged = 0.0\n");
    let bare = ["dev", "generate", "--settings", "bare.toml", "--tickets", "2400", "--seed", "11"];
    dir.ok(&[&bare[..], &["--out", "h.jsonl"]].concat());
    let text = std::fs::read_to_string(dir.path("h.jsonl")).unwrap();
    let tickets = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let kinds = dir.ok(&["normalize", "h.jsonl", "--json"]).lines();
    (tickets, kinds.iter().map(|line| (word(line, "id"), word(line, "kind"))).collect())
});

fn write(dir: &Dir, name: &str, tickets: &[Value]) {
    dir.file(name, tickets.iter().map(|ticket| format!("{ticket}\n")).collect::<String>());
}

/// A folder with the history, each ticket changed by `change`.
fn with(change: impl Fn(usize, &mut Value)) -> Dir {
    let dir = Dir::new();
    let mut tickets = HISTORY.0.clone();
    tickets.iter_mut().enumerate().for_each(|(i, ticket)| change(i, ticket));
    write(&dir, "h.jsonl", &tickets);
    dir
}

fn time(ticket: &Value, key: &str) -> Option<Timestamp> {
    ticket[key].as_str().map(|text| text.parse().unwrap())
}

fn seconds(ticket: &Value) -> Option<f64> {
    let opened = time(ticket, "opened_at").unwrap();
    time(ticket, "resolved_at").map(|at| at.duration_since(opened).as_secs_f64())
}

/// The 90 days before the day after the newest ticket, in UTC.
fn window() -> (Timestamp, Timestamp) {
    let newest = HISTORY.0.iter().filter_map(|ticket| time(ticket, "opened_at")).max().unwrap();
    let day = newest.to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap();
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    (start - (90 * 24).hours(), start)
}

/// People's tickets of that time: opened in it, or opened before and resolved in it.
fn people() -> Vec<&'static Value> {
    let (from, start) = window();
    let within = |at: Timestamp| at >= from && at < start;
    let counts = |ticket: &&Value| {
        let kind = HISTORY.1[ticket["id"].as_str().unwrap()].as_str();
        let opened = time(ticket, "opened_at").unwrap();
        let of_the_time = within(opened) || time(ticket, "resolved_at").is_some_and(within);
        ["person", "thanks"].contains(&kind) && of_the_time && opened < start
    };
    HISTORY.0.iter().filter(counts).collect()
}

fn baseline(dir: &Dir, more: &[&str]) -> Run {
    dir.ok(&[&["rollout", "baseline", "--tickets", "h.jsonl"], more].concat())
}

fn close(a: &Value, b: f64) -> bool {
    (a.as_f64().unwrap() - b).abs() <= 1e-9 * b.abs().max(1.0)
}

#[test]
fn r1_the_baselines_figures_are_those_of_the_lines() {
    let dir = with(|_, _| {});
    let found = baseline(&dir, &["--json"]).json();
    let (baseline, tickets) = (&found["baseline"], people());
    let figures = &baseline["people"];
    assert_eq!(figures["tickets"], tickets.len());
    assert_eq!(baseline["from"], window().0.to_string());
    assert_eq!(baseline["to"], window().1.to_string());
    let before = tickets.iter().filter(|ticket| time(ticket, "opened_at").unwrap() < window().0).count();
    assert!(before > 0 && baseline["opened_before"] == before);
    // R3: mean, median and 95 % of those that are resolved.
    let mut resolved: Vec<f64> = tickets.iter().filter_map(|ticket| seconds(ticket)).collect();
    resolved.sort_by(f64::total_cmp);
    let (n, times) = (resolved.len(), &figures["resolution"]);
    assert_eq!(
        (times["n"].as_u64(), times["open"].as_u64()),
        (Some(n as u64), Some((tickets.len() - n) as u64))
    );
    assert!(close(&times["mean"], resolved.iter().sum::<f64>() / n as f64));
    assert!(close(&times["p50"], resolved[n.div_ceil(2) - 1]));
    assert!(close(&times["p95"], resolved[(0.95 * n as f64).ceil() as usize - 1]));
    let [low, high] = [0, 1].map(|i| times["mean_interval"][i].as_f64().unwrap());
    assert!(low < times["mean"].as_f64().unwrap() && times["mean"].as_f64().unwrap() < high);
    // R4: the export says what was escalated.
    let level_one = tickets.iter().filter(|t| seconds(t).is_some() && t["escalated"] == false).count();
    assert_eq!(
        (figures["level_one"]["count"].as_u64(), figures["level_one"]["of"].as_u64()),
        (Some(level_one as u64), Some(n as u64))
    );
    let reopened = tickets.iter().filter(|ticket| ticket["reopened"] == true).count();
    assert_eq!(
        (figures["reopened"]["count"].as_u64(), figures["reopened"]["of"].as_u64()),
        (Some(reopened as u64), Some(tickets.len() as u64))
    );
    // R5: calls wait for no answer; of the others each is answered, waits, or was never answered.
    let calls = tickets.iter().filter(|ticket| ticket["source"] == "phone").count() as u64;
    let wait = &figures["first_response"];
    let others = ["n", "open", "left_out"].iter().map(|key| wait[key].as_u64().unwrap()).sum::<u64>()
        + figures["never_answered"].as_u64().unwrap();
    assert_eq!(
        (figures["opened_by_technician"].as_u64(), others),
        (Some(calls), tickets.len() as u64 - calls)
    );
    let answered: u64 = figures["bases"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(wait["n"].as_u64(), Some(answered));
    // R1: each ticket is in one group of each segment.
    for (segment, groups) in baseline["segments"].as_object().unwrap() {
        let sum: u64 =
            groups.as_array().unwrap().iter().map(|group| group[1]["tickets"].as_u64().unwrap()).sum();
        assert_eq!(sum, tickets.len() as u64, "{segment}");
    }
    let mut boards: BTreeMap<&str, u64> = BTreeMap::new();
    tickets.iter().for_each(|ticket| *boards.entry(ticket["board"].as_str().unwrap()).or_default() += 1);
    for group in baseline["segments"]["board"].as_array().unwrap() {
        assert_eq!(group[1]["tickets"].as_u64(), boards.get(group[0].as_str().unwrap()).copied());
    }
}

#[test]
fn r6_the_largest_categories_are_those_of_the_lines_and_their_potential_is_what_was_measured() {
    let dir = with(|i, ticket| ticket["handle_seconds"] = json!(60 * (5 + i % 7)));
    let mut counts: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let places: BTreeMap<&str, usize> =
        HISTORY.0.iter().enumerate().map(|(i, t)| (t["id"].as_str().unwrap(), i)).collect();
    for ticket in people().into_iter().filter(|ticket| time(ticket, "opened_at").unwrap() >= window().0) {
        let minutes = (5 + places[ticket["id"].as_str().unwrap()] % 7) as f64;
        counts
            .entry((ticket["board"].as_str().unwrap(), ticket["type"].as_str().unwrap()))
            .or_default()
            .push(minutes);
    }
    let ((board, kind), minutes) = counts.iter().max_by_key(|(_, minutes)| minutes.len()).unwrap();
    dir.file("a.toml", format!("[[category]]\nboard = {board:?}\ntype = {kind:?}\nrepeats = 0.5\ncoverage = 0.4\nblocked = 0.25\n"));
    let found = baseline(&dir, &["--json", "--automation", "a.toml"]).json();
    let people = found["largest_categories"]["people"].as_array().unwrap();
    assert_eq!(people.len(), 10);
    let (first, weeks) = (&people[0], found["baseline"]["days"].as_f64().unwrap() / 7.0);
    assert_eq!((first["board"].as_str(), first["type"].as_str()), (Some(*board), Some(*kind)));
    assert_eq!(first["tickets"], minutes.len());
    let a_week = minutes.len() as f64 / weeks;
    let mean = minutes.iter().sum::<f64>() / minutes.len() as f64;
    assert!(close(&first["per_week"], a_week) && close(&first["handle_minutes"][0], mean));
    assert!(close(&first["minutes_per_week"], a_week * 0.5 * 0.4 * 0.75 * mean));
    for other in &people[1..] {
        assert!(other["minutes_per_week"].is_null() && other["automation"]["blocked"].is_number(), "{other}");
    }
    let alerts = found["largest_categories"]["alerts"].as_array().unwrap();
    assert!(!alerts.is_empty() && alerts.iter().all(|alert| alert["automation"].is_null()));
    dir.file("a.toml", "[[category]]\nboard = \"x\"\ntype = \"y\"\nrepeats = 7\n");
    let wrong =
        dir.fails(&["rollout", "baseline", "--tickets", "h.jsonl", "--automation", "a.toml"], "E_CONFIG");
    assert!(wrong.stderr.contains("a.toml") && wrong.stderr.contains("7 is no share"), "{}", wrong.stderr);
}

#[test]
fn the_order_of_lines_changes_nothing() {
    let (forward, back) = (with(|_, _| {}), Dir::new());
    let mut tickets = HISTORY.0.clone();
    tickets.reverse();
    write(&back, "h.jsonl", &tickets);
    for args in [
        &["rollout", "baseline", "--tickets", "h.jsonl", "--by", "board,customer,hour"][..],
        &["rollout", "pilots", "--tickets", "h.jsonl"],
        &["rollout", "tiers", "--tickets", "h.jsonl", "--suggest"],
        &["rollout", "rules", "--tickets", "h.jsonl", "--learn", "r.toml", "--of", "closing"],
    ] {
        assert_eq!(forward.ok(args).stdout, back.ok(args).stdout, "{args:?}");
    }
    let figures = |dir: &Dir| {
        let mut found = baseline(dir, &["--json"]).json();
        found.as_object_mut().unwrap().remove("history_sha256").unwrap();
        found
    };
    assert_eq!(figures(&forward), figures(&back));
    // A line that comes twice counts once.
    write(&back, "h.jsonl", &[&tickets[..], &tickets[..9]].concat());
    let twice = figures(&back);
    assert_eq!((&twice["baseline"], &twice["repeated"]), (&figures(&forward)["baseline"], &json!(9)));
}

#[test]
fn r1_what_a_history_cannot_say_is_refused_by_name() {
    let (_, start) = window();
    let dir = Dir::new();
    let newest: Vec<Value> = HISTORY
        .0
        .iter()
        .filter(|ticket| time(ticket, "opened_at").unwrap() > start - (20 * 24).hours())
        .cloned()
        .collect();
    write(&dir, "short.jsonl", &newest);
    let short = dir.fails(&["rollout", "baseline", "--tickets", "short.jsonl"], "E_EMPTY");
    assert!(short.stderr.contains("fewer than 30"), "{}", short.stderr);
    let bare = with(|_, ticket| {
        let ticket = ticket.as_object_mut().unwrap();
        ["escalated", "reopened", "first_response_at", "messages"].iter().for_each(|key| {
            ticket.remove(*key);
        });
    });
    let found = baseline(&bare, &["--json"]).json();
    let refused = found["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    for part in
        ["First response", "first level", "opened again", "Hand-offs", "without waiting", "Handle time"]
    {
        assert!(refused.contains(part), "{part}:\n{refused}");
    }
    let figures = &found["baseline"]["people"];
    for key in ["level_one", "reopened", "handed_off"] {
        assert_eq!((&figures[key]["of"], &figures[key]["share"]), (&json!(0), &Value::Null), "{key}");
    }
    let text = baseline(&bare, &[]).stdout;
    assert!(text.contains("It refuses to say") && text.contains("not known"), "{text}");
    // Bad lines are named and counted; the others are measured.
    bare.file(
        "h.jsonl",
        std::fs::read_to_string(bare.path("h.jsonl")).unwrap()
            + "no json\n{\"id\":\"x\",\"subject\":\"undated\"}\n",
    );
    let run = bare.run(&["rollout", "baseline", "--tickets", "h.jsonl", "--json"]);
    assert!(run.code == 3 && run.stderr.contains("E_TICKET_JSON"), "{}", run.stderr);
    assert_eq!((&run.json()["bad_lines"], &run.json()["undated"]), (&json!(1), &json!(1)));
    let odd = with(|i, ticket| {
        if i == 4 {
            ticket["handle_seconds"] = json!("an hour");
        }
    });
    let run = odd.run(&["rollout", "baseline", "--tickets", "h.jsonl", "--json"]);
    assert!(
        run.code == 3 && run.stderr.contains("line 5") && run.stderr.contains("handle_seconds"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_hours_are_the_policys_and_a_page_is_printed() {
    let dir = with(|_, _| {});
    let policy = dir
        .ok(&["policy"])
        .stdout
        .replace("time_zone = \"UTC\"", "time_zone = \"America/Chicago\"\nholidays = [\"2026-05-25\"]");
    dir.file("p.toml", policy);
    let args = ["--json", "--policy", "p.toml", "--start", "2026-06-29", "--days", "60"];
    let found = baseline(&dir, &args).json();
    assert_eq!(found["baseline"]["to"], "2026-06-29T05:00:00Z");
    let open = |found: &Value| found["baseline"]["people"]["resolution_open_hours"]["mean"].as_f64().unwrap();
    let without = dir.file(
        "q.toml",
        std::fs::read_to_string(dir.path("p.toml")).unwrap().replace("holidays", "# holidays"),
    );
    let longer =
        baseline(&dir, &["--json", "--policy", &without, "--start", "2026-06-29", "--days", "60"]).json();
    assert!(open(&found) < open(&longer), "a holiday is closed");
    baseline(&dir, &["--html", "b.html", "--by", "customer"]);
    let page = std::fs::read_to_string(dir.path("b.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("By customer") && !page.contains("<script"));
    dir.fails(&["rollout", "baseline", "--tickets", "h.jsonl", "--html", "h.jsonl"], "E_CONFIG");
    dir.file("p.toml", dir.ok(&["policy"]).stdout.replace("[hours]", "[priority.odd]"));
    assert_eq!(dir.run(&["rollout", "baseline", "--tickets", "h.jsonl", "--policy", "p.toml"]).code, 1);
}

#[test]
fn r4_tiers_are_proposed_and_count_once_a_person_has_confirmed_them() {
    let dir = with(|_, ticket| {
        let ticket = ticket.as_object_mut().unwrap();
        ticket.remove("escalated");
        // No change happened: what the labels say held throughout.
        ticket.insert("events".into(), json!([]));
    });
    let proposed = dir.ok(&["rollout", "tiers", "--tickets", "h.jsonl", "--suggest"]).stdout;
    assert!(proposed.parse::<toml::Table>().is_ok(), "{proposed}");
    assert!(proposed.contains("# \"Service Desk\" = 1"), "{proposed}");
    dir.file(
        "t.toml",
        proposed.replace("# \"", "\"").replace("\"Network & Security\" = 1", "\"Network & Security\" = 2"),
    );
    let found = baseline(&dir, &["--json", "--tiers", "t.toml"]).json();
    let resolved = || people().into_iter().filter(|ticket| seconds(ticket).is_some());
    let first = resolved().filter(|ticket| ticket["board"] != "Network & Security").count();
    let level_one = &found["baseline"]["people"]["level_one"];
    assert_eq!((&level_one["count"], &level_one["of"]), (&json!(first), &json!(resolved().count())));
    let checked = dir.ok(&["rollout", "tiers", "--tickets", "h.jsonl", "--check", "t.toml", "--json"]).json();
    assert_eq!((&checked["unknown"], &checked["without"]), (&json!(0), &json!([])));
    let second =
        HISTORY.0.iter().filter(|t| seconds(t).is_some() && t["board"] == "Network & Security").count();
    assert_eq!(checked["known"]["2"], second);
    dir.file("t.toml", "[boards]\n\"Service Desk\" = 7\n");
    dir.fails(&["rollout", "baseline", "--tickets", "h.jsonl", "--tiers", "t.toml"], "E_CONFIG");
    assert_eq!(dir.run(&["rollout", "tiers", "--tickets", "h.jsonl"]).code, 2);
}

#[test]
fn r9_pilots_are_ranked_with_their_parts() {
    let dir = with(|_, _| {});
    let found = dir.ok(&["rollout", "pilots", "--tickets", "h.jsonl", "--json"]).json();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for ticket in people().into_iter().filter(|ticket| time(ticket, "opened_at").unwrap() >= window().0) {
        *counts.entry(ticket["customer"].as_str().unwrap()).or_default() += 1;
    }
    let pilots = found["pilots"].as_array().unwrap();
    assert_eq!(pilots.len(), counts.len());
    for pilot in pilots {
        let a_week =
            f64::from(counts[pilot["customer"].as_str().unwrap()]) / found["weeks"].as_f64().unwrap();
        assert!(close(&pilot["per_week"], a_week));
        assert_eq!(pilot["excluded"] == "few_tickets", a_week < 5.0, "{pilot}");
        assert_eq!(pilot["parts"].as_object().unwrap().len(), 5);
        assert!(pilot["parts"]["potential"].is_null(), "nobody has measured it");
    }
    let scores: Vec<f64> =
        pilots.iter().filter(|p| p["excluded"].is_null()).map(|p| p["score"].as_f64().unwrap()).collect();
    assert!(!scores.is_empty() && scores.is_sorted_by(|a, b| a >= b));
    let best = pilots[0]["customer"].as_str().unwrap();
    let without = dir.ok(&["rollout", "pilots", "--tickets", "h.jsonl", "--json", "--vip", best]).json();
    let moved = without["pilots"].as_array().unwrap().iter().find(|pilot| pilot["customer"] == best).unwrap();
    assert_eq!(moved["excluded"], "vip");
    dir.fails(&["rollout", "pilots", "--tickets", "h.jsonl", "--leaving", "Nobody Ltd"], "E_CONFIG");
}

#[test]
fn r10_criteria_are_refused_where_the_history_cannot_bear_them() {
    let dir = with(|_, _| {});
    dir.file("c.toml", dir.ok(&["rollout", "criteria", "--example"]).stdout);
    let check = ["rollout", "criteria", "--check", "c.toml", "--tickets", "h.jsonl"];
    let refused = dir.fails(&check, "E_CONFIG");
    assert!(
        refused.stderr.contains("1 of 3 thresholds") && refused.stderr.contains("handle_time"),
        "{}",
        refused.stderr
    );
    assert!(refused.stdout.contains("no facts for it"), "{}", refused.stdout);
    let timed = with(|i, ticket| ticket["handle_seconds"] = json!(600 + 60 * (i % 11)));
    timed.file("c.toml", std::fs::read(dir.path("c.toml")).unwrap());
    let found = timed.ok(&[&check[..], &["--json"]].concat()).json();
    let of = |name: &str| found.as_array().unwrap().iter().find(|kpi| kpi["name"] == name).unwrap();
    assert!(of("handle_time")["refused"].is_null() && of("handle_time")["smallest"].as_f64().unwrap() < 0.4);
    assert!(of("agreement")["smallest"].as_f64().unwrap() > 0.85, "the true share that shows the threshold");
    // What the baseline meets already, and what so few tickets can't show.
    let example = std::fs::read_to_string(dir.path("c.toml")).unwrap();
    let more = "[[kpi]]\nname = \"reopened\"\ndirection = \"at_most\"\nday90 = 0.99\n\n[[kpi]]\nname = \"resolution\"\ndirection = \"at_most\"\nday90 = -0.001\n\n[rollback]";
    timed.file("c.toml", example.replace("[rollback]", more));
    let run = timed.run(&[&check[..], &["--json"]].concat());
    assert_eq!(run.code, 1);
    let found = run.json();
    let why = |name: &str| {
        found.as_array().unwrap().iter().find(|kpi| kpi["name"] == name).unwrap()["refused"].clone()
    };
    assert_eq!(why("reopened")["why"], "already_met");
    let few = why("resolution");
    assert!(few["why"] == "too_few_tickets" && few["smallest"].as_f64().unwrap() > 0.001, "{few}");
    timed.file("c.toml", example.replace("headline = true", "headline = false"));
    timed.fails(&check, "E_CONFIG");
    assert_eq!(timed.run(&["rollout", "criteria", "--check", "c.toml"]).code, 2);
}

#[test]
fn r7_rules_are_learnt_as_found_and_replayed_beside_the_initial_boards() {
    let dir = with(|_, _| {});
    let learn = ["rollout", "rules", "--tickets", "h.jsonl", "--learn", "r.toml"];
    let unknown = dir.fails(&learn, "E_EMPTY");
    assert!(
        unknown.stderr.contains("initial_labels") && unknown.stderr.contains("--of closing"),
        "{}",
        unknown.stderr
    );
    // As a PSA's mail parser does it: by source and by one word of the subject.
    let board = |ticket: &Value| match ticket["subject"].as_str().unwrap_or_default().to_lowercase() {
        _ if ticket["source"] == "monitoring" => "Monitoring & Backup",
        subject if subject.split(|c: char| !c.is_alphanumeric()).any(|word| word == "vpn") => {
            "Network & Security"
        }
        _ => "Service Desk",
    };
    let routed = with(|_, ticket| ticket["initial_labels"] = json!({"board": board(ticket)}));
    let learnt = routed.ok(&[&learn[..], &["--json"]].concat()).json();
    assert!(learnt["fidelity"]["share"].as_f64().unwrap() > 0.97, "{}", learnt["fidelity"]);
    let first = &learnt["rules"]["rule"][0];
    let name = first["name"].as_str().unwrap();
    assert!(
        name.starts_with("source is monitoring") && first["set"]["board"] == "Monitoring & Backup",
        "{first}"
    );
    let replay = ["rollout", "rules", "--tickets", "h.jsonl", "--replay", "r.toml"];
    let found = routed.ok(&[&replay[..], &["--json"]].concat()).json();
    assert!(
        found["fidelity"]["share"].as_f64().unwrap() > 0.97 && found["routed"]["share"] == 1.0,
        "{found}"
    );
    assert!(routed.ok(&replay).stdout.contains("McNemar"));
    // What people wrote has no storms: each ticket is counted here a second time.
    let mut written: Vec<Value> =
        HISTORY.0.iter().filter(|ticket| ticket["contact"].is_string()).cloned().collect();
    written.iter_mut().for_each(|ticket| ticket["initial_labels"] = json!({"board": board(ticket)}));
    write(&routed, "h.jsonl", &written);
    let rules = "[[rule]]\nname = \"calls\"\nstop = true\nwhen = { fields = { source = [\"Phone\"] } }\nset = { board = \"Voice\" }\n\
        [[rule]]\nname = \"portal\"\nwhen = { fields = { source = [\"portal\"] } }\nset = { board = \"Service Desk\" }\n\
        [[rule]]\nname = \"unread\"\nraw = \"[x] = 7\"\n";
    routed.file("r.toml", rules);
    let given = |ticket: &Value| match ticket["source"].as_str() {
        Some("phone") => Some("Voice"),
        Some("portal") => Some("Service Desk"),
        _ => None,
    };
    let right = |ticket: &&Value| given(ticket) == ticket["board"].as_str();
    let initially = |ticket: &&Value| Some(board(ticket)) == ticket["board"].as_str();
    let count =
        |these: &dyn Fn(&&Value) -> bool| json!(written.iter().filter(|ticket| these(ticket)).count());
    let found = routed.ok(&[&replay[..], &["--json"]].concat()).json();
    assert_eq!((&found["tickets"], &found["unread"]), (&json!(written.len()), &json!(1)));
    assert_eq!(found["routed"]["count"], count(&|ticket| given(ticket).is_some()));
    assert_eq!(found["right"]["count"], count(&right));
    let beside = &found["beside_initial"];
    assert_eq!((&beside["rules"]["count"], &beside["model"]["count"]), (&count(&initially), &count(&right)));
    assert_eq!(beside["test"]["first_only"], count(&|ticket| initially(ticket) && !right(ticket)));
    assert_eq!(beside["test"]["second_only"], count(&|ticket| right(ticket) && !initially(ticket)));
    let bare = dir.path("r.toml");
    std::fs::write(&bare, "[[rule]]\nname = \"all\"\nwhen = {}\nset = { board = \"Service Desk\" }\n")
        .unwrap();
    let text = dir.ok(&replay).stdout;
    assert!(text.contains("nothing to compare"), "{text}");
    std::fs::write(&bare, "[[rule]]\nname = \"all\"\n").unwrap();
    dir.fails(&replay, "E_CONFIG");
}
