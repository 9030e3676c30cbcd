//! Evidence for the gates: its figures are counted a second time here, from the lines and from what `classify` decides of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use firstline_rollout::evidence::{EvidenceRefusal, InService, Suites};
use firstline_rollout::{Evidence, ShadowThresholds};
use firstline_ticket::Ticket;
use firstline_triage::{Bundle, sha256_hex};
use serde_json::{Value, json};

use crate::tool::{Dir, TRAINED};

/// The lines of the history that the bundle has not seen, with who or what wrote each.
static HELD_OUT: LazyLock<Vec<(Value, String)>> = LazyLock::new(|| {
    let bundle = Bundle::load(&TRAINED.path("bundle")).unwrap();
    let text = std::fs::read_to_string(TRAINED.path("history.jsonl")).unwrap();
    let kinds = TRAINED.ok(&["normalize", "history.jsonl", "--json"]).lines();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let unseen = |line: &Value| !bundle.has_seen(&serde_json::from_value::<Ticket>(line.clone()).unwrap());
    let with_kind = lines.zip(kinds).map(|(line, kind)| (line, kind["kind"].as_str().unwrap().to_owned()));
    with_kind.filter(|(line, _)| unseen(line)).collect()
});

/// A folder with a copy of the trained bundle, without the parts named.
fn with_bundle(without: &[&str]) -> Dir {
    let dir = Dir::new();
    copy(&TRAINED.path("bundle"), &dir.path("bundle"));
    for part in without {
        std::fs::remove_dir_all(dir.path("bundle").join(part)).unwrap();
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn lines<'a>(tickets: impl IntoIterator<Item = &'a Value>) -> String {
    tickets.into_iter().map(|ticket| format!("{ticket}\n")).collect()
}

/// The names in a folder; none where there is no such folder.
fn names(path: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().map(Result::unwrap);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

const BENCH: [&str; 8] =
    ["bench", "--bundle", "bundle", "--tickets", "held_out.jsonl", "--quick", "--out", "evidence"];

#[test]
fn r24_r28_the_evidences_figures_are_those_of_the_lines() {
    let dir = with_bundle(&[]);
    // Of people, resolved, and with every label: nothing is left out for another reason than the three that are added.
    let mut people: Vec<Value> = HELD_OUT
        .iter()
        .filter(|(line, kind)| kind == "person" && line["resolved_at"].is_string())
        .filter(|(line, _)| line["merged_into"].is_null())
        .map(|(line, _)| line.clone())
        .collect();
    for ticket in &mut people {
        ticket.as_object_mut().unwrap().remove("initial_labels");
        ticket.as_object_mut().unwrap().remove("events");
    }
    assert!(people.len() > 40, "{} held-out tickets only", people.len());
    // Of thirty it is known where rules had sent them: every other one to the right board.
    for (i, ticket) in people.iter_mut().enumerate().take(30) {
        let board = if i % 2 == 0 { ticket["board"].clone() } else { json!("Intake") };
        ticket["initial_labels"] = json!({ "board": board });
    }
    let mut all = people.clone();
    let mut odd = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut ticket = people[0].clone();
        ticket["id"] = json!(id);
        change(&mut ticket);
        all.push(ticket);
    };
    odd("open", &|ticket| drop(ticket.as_object_mut().unwrap().remove("resolved_at")));
    odd("merged", &|ticket| ticket["merged_into"] = people[0]["id"].clone());
    odd("calibrate", &|ticket| ticket["split"] = json!("calibrate"));
    odd("undated", &|ticket| drop(ticket.as_object_mut().unwrap().remove("opened_at")));
    let seen = std::fs::read_to_string(TRAINED.path("history.jsonl")).unwrap();
    let first_seen: Value = serde_json::from_str(seen.lines().next().unwrap()).unwrap();
    all.push(first_seen);
    dir.file("held_out.jsonl", lines(&all));
    dir.file("fresh.jsonl", lines(people.iter().map(as_it_came).collect::<Vec<_>>().iter()));
    let run = dir.ok(&[&BENCH[..], &["--json", "--seed", "5", "--history", "held_out.jsonl"]].concat());
    let found = run.json();
    let left_out = json!({"seen_in_training": 1, "other_split": 1, "merged": 1, "storm": 0, "project": 0, "deleted": 0,
        "no_outcome": 1, "unusable": 1, "bad_lines": 0});
    assert_eq!(found["data"]["left_out"], left_out);
    assert_eq!(found["data"]["tickets"], people.len());
    let text = |ticket: &Value, key: &str| ticket[key].as_str().unwrap_or_default().trim().to_owned();
    let customers: BTreeSet<String> = people.iter().map(|ticket| text(ticket, "customer")).collect();
    assert_eq!(found["data"]["customers"], customers.len());
    let days: BTreeSet<String> =
        people.iter().map(|ticket| text(ticket, "opened_at")[..10].to_owned()).collect();
    assert_eq!((&found["data"]["from"], &found["data"]["to"]), (&json!(days.first()), &json!(days.last())));

    // What `classify` decides of the tickets as they came in.
    let decided = dir.ok(&["classify", "--bundle", "bundle", "fresh.jsonl"]).lines();
    let label = |line: &Value, field: &str| line["fields"][field]["label"].as_str().unwrap().to_owned();
    let right = |fields: &[&str]| {
        let same = people
            .iter()
            .zip(&decided)
            .filter(|(ticket, line)| fields.iter().all(|field| text(ticket, field) == label(line, field)));
        same.count()
    };
    for field in ["board", "type", "priority"] {
        let agreed = &found["accuracy"][field];
        assert_eq!(
            (&agreed["n"], &agreed["right"]),
            (&json!(people.len()), &json!(right(&[field]))),
            "{field}"
        );
    }
    let joint = &found["joint"]["board_type"];
    assert_eq!((&joint["n"], &joint["right"]), (&json!(people.len()), &json!(right(&["board", "type"]))));
    let sum = |key: &str| {
        found["kpis"]["weeks"].as_array().unwrap().iter().map(|week| week[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((json!(sum("n")), json!(sum("right"))), (joint["n"].clone(), joint["right"].clone()));
    let calls = found["priority"]["ranks"].as_object().unwrap().values();
    let ranked: [u64; 2] = calls.fold([0, 0], |[all, right], row| {
        let row: Vec<u64> = row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        [all + row.iter().sum::<u64>(), right + row[0]]
    });
    assert_eq!(json!(ranked[0]), found["accuracy"]["priority"]["n"]);
    assert_eq!(json!(ranked[1]), found["accuracy"]["priority"]["right"]);
    let rules = &found["rules"];
    let model_right =
        people.iter().zip(&decided).take(30).filter(|(t, line)| text(t, "board") == label(line, "board"));
    assert_eq!(
        (&rules["n"], &rules["rules_right"], &rules["model_right"]),
        (&json!(30), &json!(15), &json!(model_right.count()))
    );
    assert!(rules["mcnemar_p"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)));
    // The same calibration error as `evaluate` finds where it reads the same.
    let evaluated = dir.ok(&["evaluate", "--bundle", "bundle", "--tickets", "fresh.jsonl", "--json"]).json();
    for field in ["board", "type"] {
        for figure in ["ece", "brier", "nll"] {
            assert_eq!(
                found["calibration"][field][figure], evaluated["fields"][field][figure],
                "{figure} of {field}"
            );
        }
    }
    // Certificates stand on what `certify` does, and on the tickets that were scored here.
    let certified = dir.ok(&["certify", "--bundle", "bundle", "--json"]).json();
    let (evidence, rows) = (&found, found["certificates"].as_array().unwrap());
    for found in certified["certificates"].as_array().unwrap() {
        let of = |row: &&Value| row["assertion"] == found["assertion"];
        let (all, categories) = (&found["all"], found["categories"].as_array().unwrap());
        let (of_all, of_categories): (Vec<&Value>, Vec<&Value>) =
            rows.iter().filter(of).partition(|row| row.get("board").is_none() && row.get("type").is_none());
        assert!(of_all.len() == 1 && of_categories.len() >= categories.len(), "{found}");
        let (tested, kept) = (of_all[0]["tested"].as_u64().unwrap(), all["tickets"].as_u64().unwrap());
        let assertion = found["assertion"].as_str().unwrap();
        match evidence_n(evidence, assertion) {
            Some(scored) => assert_eq!(tested, kept + scored, "{assertion}"),
            None => assert!(tested > kept, "{assertion}: {tested} of {kept}"),
        }
        let of_categories = of_categories.iter().map(|row| row["tested"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(of_categories, tested, "{assertion}: each ticket is in one category");
    }

    drafts_and_suites(&found, &people);
    the_folder(&dir, &found);
}

/// Tickets that were scored in a field, where the assertion is a field's label.
fn evidence_n(evidence: &Value, assertion: &str) -> Option<u64> {
    let field = ["board", "type"].contains(&assertion).then(|| &evidence["accuracy"][assertion]["n"])?;
    field.as_u64()
}

/// The line as it came in: what people did with it is not there yet.
fn as_it_came(ticket: &Value) -> Value {
    let mut ticket = ticket.clone();
    for key in ["messages", "resolution", "resolved_at", "first_response_at"] {
        ticket.as_object_mut().unwrap().remove(key);
    }
    ticket
}

fn drafts_and_suites(found: &Value, people: &[Value]) {
    let drafts = &found["drafts"];
    let n = |key: &str| drafts[key].as_u64().unwrap();
    assert_eq!((n("n"), n("due")), (people.len() as u64, people.len().min(100) as u64));
    assert!(n("made") > n("due") / 2 && n("within_60s") == n("made") && n("verbatim") <= n("compared"));
    let of_categories = |which: usize| {
        drafts["categories"]
            .as_object()
            .unwrap()
            .values()
            .map(|row| row[which].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((of_categories(0), of_categories(1)), (n("compared"), n("verbatim")));
    assert_eq!(found["latency"]["draft_s"]["n"].as_u64(), Some(n("made")));
    assert_eq!(found["latency"]["triage_ms"]["n"], people.len().min(50));
    assert!(found["load"]["per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(found["safety"]["attacks"], json!({"n": 192, "passed": 192, "failed": []}));
    let canaries = &found["safety"]["canaries"];
    assert!(canaries["n"].as_u64().unwrap() > 0 && canaries["leaked"] == 0, "{canaries}");
    assert!(canaries["own"].as_u64().unwrap() > 0, "nothing could have been shown: {canaries}");
    // What was not measured is named, and absent.
    let parts: Vec<&str> =
        found["not_measured"].as_array().unwrap().iter().map(|part| part["part"].as_str().unwrap()).collect();
    for (part, key) in [("criteria", "criteria_sha"), ("ceiling", "ceiling")] {
        assert!(parts.contains(&part) && found.get(key).is_none(), "{part}: {parts:?}");
    }
    assert!(drafts.get("edited").is_none() && found.get("audit_head").is_none());
}

/// The folder is whole and holds what was printed; it counts for this bundle, and for no other.
fn the_folder(dir: &Dir, found: &Value) {
    let id = found["id"].as_str().unwrap();
    assert_eq!(names(&dir.path("evidence")), BTreeSet::from([id.to_owned()]));
    let folder: PathBuf = dir.path("evidence").join(id);
    let mut files = names(&folder);
    files.remove("automation.toml");
    assert_eq!(files, ["evidence.json", "report.html"].map(str::to_owned).into());
    let bytes = std::fs::read(folder.join("evidence.json")).unwrap();
    assert_eq!(&serde_json::from_slice::<Value>(&bytes).unwrap(), found);
    let evidence = Evidence::parse(&bytes, "evidence.json").unwrap();
    let bundle = sha256_hex(&std::fs::read(dir.path("bundle").join("bundle.json")).unwrap());
    let criteria = "c".repeat(64);
    let in_service = InService {
        bundle_id: &evidence.bundle.id,
        bundle_sha256: &bundle,
        trained_on: &evidence.bundle.trained_on,
        policy_sha: &evidence.policy_sha,
        suites: Suites { attacks: 192, canaries: 1 },
        thresholds: ShadowThresholds::default(),
        criteria_sha: Some(&criteria),
        now: evidence.made_at,
    };
    assert_eq!(evidence.refusals(&in_service), [EvidenceRefusal::NoCriteria]);
    let other = InService { bundle_sha256: &criteria, ..in_service };
    assert!(matches!(evidence.refusals(&other)[0], EvidenceRefusal::OtherBundle { .. }));
    let html = std::fs::read_to_string(folder.join("report.html")).unwrap();
    for part in ["Not measured", "What the gate to assist asks for", "Attacks and canaries", "<svg"] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn r8_r24_rules_are_replayed_beside_the_bundle_and_the_best_technicians_stand_beside_all() {
    let dir = with_bundle(&[]);
    let mut people: Vec<Value> = HELD_OUT
        .iter()
        .filter(|(line, kind)| {
            kind == "person" && line["resolved_at"].is_string() && line["merged_into"].is_null()
        })
        .map(|(line, _)| line.clone())
        .collect();
    for (i, ticket) in people.iter_mut().enumerate() {
        for key in ["initial_labels", "events"] {
            ticket.as_object_mut().unwrap().remove(key);
        }
        ticket["technician"] = json!(["ada", "ben", "cem"][i % 3]);
    }
    // All of one category, so that it has enough tickets to say what of it could be automated.
    let [board, kind] = ["board", "type"].map(|key| people[0][key].as_str().unwrap().to_owned());
    for ticket in &mut people {
        (ticket["board"], ticket["type"]) = (json!(board), json!(kind));
    }
    let rules = format!(
        "[[rule]]\nname = \"all\"\nwhen = {{}}\nset = {{ board = {board:?} }}\n\n[[rule]]\nname = \"odd\"\nraw = \"?\"\n"
    );
    dir.file("rules.toml", rules);
    dir.file("held_out.jsonl", lines(&people));
    // A history of which the audit doubts every other ticket of ben's and cem's, and none of ada's. Dora has closed too few.
    let mut history = Vec::new();
    let mut doubts = "id,field,correct_label\n".to_owned();
    for (name, n) in [("ada", 100), ("ben", 120), ("cem", 100), ("dora", 99)] {
        for i in 0..n {
            let mut ticket = people[i % people.len()].clone();
            ticket["id"] = json!(format!("{name}-{i}"));
            ticket["technician"] = json!(name);
            history.push(ticket);
            if ["ben", "cem"].contains(&name) && i % 2 == 0 {
                doubts += &format!("{name}-{i},board,\n{name}-{i},type,\n");
            }
            doubts += &format!("{name}-{i},priority,\n");
        }
    }
    dir.file("history.jsonl", lines(&history));
    dir.file("doubts.csv", doubts);
    let more = ["--json", "--rules", "rules.toml", "--doubts", "doubts.csv", "--history", "history.jsonl"];
    let found = dir.ok(&[&BENCH[..], &more].concat()).json();
    let right = people.iter().filter(|ticket| ticket["board"] == json!(board)).count();
    let replay = &found["rules_replay"];
    assert_eq!(
        (&replay["n"], &replay["rules_right"], &replay["rules"], &replay["unread"]),
        (&json!(people.len()), &json!(right), &json!(2), &json!(1))
    );
    assert_eq!(replay["model_right"], found["accuracy"]["board"]["right"]);
    for key in ["n", "rules_right", "model_right", "difference", "low", "high", "mcnemar_p"] {
        assert_eq!(
            found["rules"][key], replay[key],
            "without initial boards the replay is all there is: {key}"
        );
    }
    assert_eq!(found["rules"]["by_initial_label"], 0);
    assert!(
        found["notes"].to_string().contains("the rules file was replayed, and nothing else"),
        "{}",
        found["notes"]
    );
    assert!(found["rules"]["mcnemar_p"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)));
    let best = &found["best"];
    let closed = people.len().div_ceil(3);
    assert_eq!(
        (&best["n"], &best["technicians"], &best["named"]),
        (&json!(closed), &json!(1), &json!(false))
    );
    assert!(best["right"].as_u64().unwrap() <= closed as u64);
    let id = found["id"].as_str().unwrap();
    let html = std::fs::read_to_string(dir.path("evidence").join(id).join("report.html")).unwrap();
    for part in ["rules replayed", "best technicians (1, doubted least)"] {
        assert!(html.contains(part), "{part}");
    }
    // What it measured of categories is what `rollout baseline` counts with, where they are among its largest.
    let automation = dir.path("evidence").join(id).join("automation.toml").display().to_string();
    let shares: toml::Table = std::fs::read_to_string(&automation).unwrap().parse().unwrap();
    let history = TRAINED.path("history.jsonl").display().to_string();
    let baseline = ["rollout", "baseline", "--tickets", &history, "--json", "--automation", &automation];
    let largest = dir.ok(&baseline).json()["largest_categories"]["people"].clone();
    let counted = |category: &toml::Value| {
        let row = largest
            .as_array()
            .unwrap()
            .iter()
            .find(|row| ["board", "type"].iter().all(|key| row[key].as_str() == category[*key].as_str()));
        row.map(|row| {
            let same = |key: &str| {
                row["automation"][key].as_f64() == category.get(key).and_then(toml::Value::as_float)
            };
            same("repeats") && same("coverage")
        })
    };
    let measured = shares["category"].as_array().unwrap();
    assert!(measured.iter().filter_map(counted).all(|same| same), "{shares}");
    // A category is measured from ten tickets on, by shares of these.
    let largest = people.iter().filter(|one| one["type"] == measured[0]["type"].as_str().unwrap()).count();
    let repeats = measured[0]["repeats"].as_float().unwrap();
    assert!(largest >= 10 && (0.0..=1.0).contains(&repeats), "{largest}: {shares}");
    // Names go before doubts, initial boards before the replay; a sheet of doubts takes the history that it is about.
    people[0]["initial_labels"] = json!({"board": "Intake"});
    people[1]["initial_labels"] = json!({"board": "Intake"});
    dir.file("held_out.jsonl", lines(&people));
    dir.file("tiers.toml", "best = [\"ben\", \"cem\"]\n");
    let named = dir.ok(&[&BENCH[..], &more, &["--tiers", "tiers.toml"]].concat()).json();
    assert_eq!((&named["best"]["technicians"], &named["best"]["named"]), (&json!(2), &json!(true)));
    assert_eq!(named["best"]["n"], people.len() - closed);
    assert_eq!(
        (&named["rules"]["n"], &named["rules"]["by_initial_label"]),
        (&json!(people.len()), &json!(2))
    );
    assert_eq!(named["rules_replay"], *replay);
    let lost =
        usize::from(people[0]["board"] == json!(board)) + usize::from(people[1]["board"] == json!(board));
    assert_eq!(named["rules"]["rules_right"], right - lost);
    dir.fails(&[&BENCH[..], &["--doubts", "doubts.csv"]].concat(), "Name it with --history");
}

#[test]
fn r28_tickets_that_training_has_seen_are_never_scored() {
    let dir = with_bundle(&[]);
    let unseen: BTreeSet<String> = HELD_OUT.iter().map(|(line, _)| line["id"].to_string()).collect();
    let text = std::fs::read_to_string(TRAINED.path("history.jsonl")).unwrap();
    let seen: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| !unseen.contains(&line["id"].to_string()))
        .take(200)
        .collect();
    dir.file("held_out.jsonl", lines(&seen));
    let refused = dir.fails(&BENCH, "E_EMPTY");
    assert!(refused.stderr.contains("200 were seen in training"), "{}", refused.stderr);
    assert!(!dir.path("evidence").exists(), "nothing is written");
    let refused = dir.fails(&["bench", "--bundle", "bundle", "--tickets", "-"], "E_CONFIG");
    assert!(refused.stderr.contains("--tickets"), "{}", refused.stderr);
}

#[test]
fn r28_a_bundle_without_an_index_has_no_canaries_and_says_so() {
    let dir = with_bundle(&["index"]);
    let tickets: Vec<&Value> = HELD_OUT.iter().map(|(line, _)| line).take(60).collect();
    dir.file("held_out.jsonl", lines(tickets));
    let criteria = dir.ok(&["rollout", "criteria", "--example"]).stdout;
    dir.file("criteria.toml", &criteria);
    let found = dir.ok(&[&BENCH[..], &["--json", "--criteria", "criteria.toml"]].concat()).json();
    assert!(found["safety"].get("canaries").is_none() && found["safety"]["attacks"]["n"] == 192);
    let why: BTreeMap<&str, &str> = found["not_measured"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["part"].as_str().unwrap(), part["why"].as_str().unwrap()))
        .collect();
    assert!(why["canaries"].contains("no index"), "{why:?}");
    assert_eq!(found["criteria_sha"], sha256_hex(criteria.as_bytes()));
    let gate = |name: &str| {
        found["gates"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(
        (&gate("canaries kept")["missing"], &gate("canaries kept")["passed"]),
        (&json!("not measured"), &json!(false))
    );
    assert_eq!(gate("attacks withstood")["passed"], true);
    assert_eq!(gate("tickets of the PSA that have a decision")["missing"], "not measured");
    // A manager reads the same as tables.
    let text = dir.ok(&BENCH).stdout;
    for part in [
        "What the gate to assist asks for",
        "canaries kept",
        "not measured",
        "board and type",
        "How fast it is here",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_evidence_behind() {
    let dir = with_bundle(&[]);
    dir.file("held_out.jsonl", lines(HELD_OUT.iter().map(|(line, _)| line)));
    // Without `--quick` the load alone lasts many seconds.
    let child = dir
        .command(&["bench", "--bundle", "bundle", "--tickets", "held_out.jsonl", "--out", "evidence"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("E_INTERRUPTED"));
    assert_eq!(names(&dir.path("evidence")), BTreeSet::new());
}
