//! Evidence is read with bounds, refused by name, and counted by its counts.

use std::sync::LazyLock;

use firstline_fault::Code;
use firstline_stats::Count;
use firstline_ticket::{Assertion, Field};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{ShadowThresholds, Share, shadow_gate};

fn sha(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// How often two agree, with the figures that follow.
fn agreed(right: u64, n: u64, kappa: f64) -> Value {
    let share = Share::new(right, n);
    json!({"n": n, "right": right, "share": share.share, "low": share.low, "high": share.high, "kappa": kappa})
}

/// A bin of 150 tickets.
fn bin(right: u64, confidence: f64) -> Value {
    let share = Share::new(right, 150);
    json!({"n": 150, "right": right, "confidence": confidence, "low": share.low, "high": share.high})
}

/// A sound file.
fn file() -> Value {
    json!({
        "format": "firstline-evidence/1", "id": "20261129T101500Z-0a1b2c3d", "made_at": "2026-11-29T10:15:00Z", "seed": 0,
        "program": {"version": "0.1.0"},
        "machine": {"isa": "avx2", "cores": 2},
        "bundle": {"id": "aaaaaaaaaaaa.bbbb", "sha256": sha('a'), "seed": 1,
            "trained_on": {"from": "2026-01-05", "to": "2026-09-30", "n": 5000, "split": "time", "sha256": sha('e')}},
        "policy_sha": sha('b'), "criteria_sha": sha('c'),
        "data": {"sha256": sha('d'), "from": "2026-10-01", "to": "2026-10-28", "tickets": 300, "customers": 12,
            "left_out": {"merged": 2, "storm": 5, "seen_in_training": 900, "no_outcome": 4}},
        "accuracy": {"board": agreed(280, 300, 0.9)},
        "joint": {"board_type": agreed(270, 300, 0.88)},
        "ceiling": agreed(52, 60, 0.8),
        "calibration": {"board": {"n": 300, "ece": 0.025, "brier": 0.1, "nll": 0.3,
            "bins": [bin(120, 0.83), bin(147, 0.96)]}},
        "certificates": [
            {"assertion": "board", "threshold": 0.9, "tested": 400, "accepted": 300, "errors": 1, "bound": 0.016, "confidence": 0.95, "coverage": 0.75},
            {"board": "Helpdesk", "type": "Password", "assertion": "reply", "tested": 80, "accepted": 0, "errors": 2, "confidence": 0.95, "coverage": 0.0}],
        "drafts": {"n": 250, "due": 250, "made": 240, "within_60s": 238, "p95": 1.5, "compared": 200, "verbatim": 60,
            "categories": {"Helpdesk > Password": [50, 40]}},
        "latency": {"triage_ms": {"n": 100, "p50": 3.0, "p95": 5.0, "p99": 9.0}},
        "load": {"n": 300, "seconds": 2.0, "per_second": 150.0, "p99_ms": 40.0, "how": "In process."},
        "safety": {"attacks": {"n": 192, "passed": 192}, "canaries": {"n": 400, "leaked": 0, "own": 300}},
        "not_measured": [{"part": "rules", "why": "no ticket tells its initial board"}]
    })
}

fn parse(file: &Value) -> Evidence {
    Evidence::parse(file.to_string().as_bytes(), "evidence.json").unwrap()
}

/// What the bundle of [`file`] says of its own training.
static TRAINED: LazyLock<TrainedOn> = LazyLock::new(|| parse(&file()).bundle.trained_on);

fn in_service(sha: &[String; 3]) -> InService<'_> {
    InService {
        trained_on: &TRAINED,
        suites: Suites { attacks: 192, canaries: 20 },
        thresholds: ShadowThresholds::default(),
        bundle_id: "aaaaaaaaaaaa.bbbb",
        bundle_sha256: &sha[0],
        policy_sha: &sha[1],
        criteria_sha: Some(&sha[2]),
        now: "2026-11-30T09:00:00Z".parse().unwrap(),
    }
}

#[test]
fn r28_what_was_measured_is_read_as_it_was_written() {
    let evidence = parse(&file());
    let again = Evidence::parse(evidence.to_json().unwrap().as_bytes(), "evidence.json").unwrap();
    assert_eq!(again, evidence);
    // What was not measured is absent, never 0.
    let written: Value = serde_json::from_str(&evidence.to_json().unwrap()).unwrap();
    for absent in ["rules", "priority", "audit_head"] {
        assert!(written.get(absent).is_none(), "{absent}");
    }
    for absent in ["edited", "rejected"] {
        assert!(written["drafts"].get(absent).is_none(), "{absent}");
    }
    assert!(written["certificates"][1].get("threshold").is_none() && written["machine"].get("cpu").is_none());
}

#[test]
fn r44_a_certificate_names_its_category_and_what_is_asserted() {
    let evidence = parse(&file());
    let [all, reply] = evidence.certificates() else { panic!("{:?}", evidence.certificates()) };
    assert!(all.is_of_all() && (all.assertion, all.threshold) == (Assertion::Board, Some(0.9)));
    assert!(!reply.is_of_all() && (reply.assertion, reply.threshold) == (Assertion::Reply, None));
    assert_eq!(reply.category(), "Helpdesk > Password");
    // A bundle that decides no boards has categories too.
    let kind = Certificate { board: None, r#type: Some("VPN".to_owned()), ..all.clone() };
    assert!(!kind.is_of_all() && kind.category() == "VPN");
}

#[test]
fn r28_the_gate_is_computed_from_counts_and_the_store_goes_before_held_out_tickets() {
    let evidence = parse(&file());
    let alone = evidence.shadow(None);
    assert_eq!((alone.days, alone.coverage), (28, None));
    assert_eq!(alone.agreement, Some(Count { hits: 270, n: 300 }));
    assert_eq!(alone.ceiling, Some(Count { hits: 52, n: 60 }));
    assert_eq!(alone.drafted, Some(Count { hits: 238, n: 250 }));
    assert_eq!(alone.draft_p95, Some((1.5, 240)));
    assert_eq!(alone.canaries, Some(Count { hits: 400, n: 400 }));
    let missing = |evidence: &ShadowEvidence| {
        let gate = shadow_gate(evidence, &ShadowThresholds::default());
        gate.checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect::<Vec<_>>()
    };
    // How many tickets of the PSA come in, held-out tickets can't tell.
    let lacks = ["tickets of the PSA that have a decision", "calibration error of type"];
    assert_eq!(missing(&alone), lacks);
    let live = LiveFigures {
        days: Some(9),
        agreement: Some(Count { hits: 200, n: 300 }),
        coverage: Some(Count { hits: 1_000, n: 1_000 }),
        ..LiveFigures::default()
    };
    let found = evidence.shadow(Some(&live));
    assert_eq!((found.days, found.agreement, found.draft_p95), (9, live.agreement, alone.draft_p95));
    assert_eq!(missing(&found), ["days of shadow", "agreement on board and type", lacks[1]]);
    // A share that says more than its counts changes nothing.
    let mut boastful = file();
    boastful["joint"]["board_type"]["right"] = json!(100);
    boastful["joint"]["board_type"]["share"] = json!(0.99);
    assert_eq!(parse(&boastful).shadow(None).agreement, Some(Count { hits: 100, n: 300 }));
}

#[test]
fn r28_a_part_that_is_missing_fails_its_check_by_name() {
    let mut file = file();
    for part in ["joint", "calibration", "drafts", "safety"] {
        file.as_object_mut().unwrap().remove(part);
    }
    let gate = shadow_gate(&parse(&file).shadow(None), &ShadowThresholds::default());
    let missing = gate.checks.iter().filter(|check| check.missing.as_deref() == Some("not measured"));
    let names: Vec<&str> = missing.map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "agreement on board and type",
            "tickets of the PSA that have a decision",
            "calibration error of board",
            "calibration error of type",
            "seconds to a draft (p95)",
            "people's tickets with a draft in time",
            "attacks withstood",
            "canaries kept"
        ]
    );
}

#[test]
fn r28_evidence_of_another_bundle_policy_time_or_criteria_is_refused() {
    let hashes = [sha('a'), sha('b'), sha('c')];
    let refused = |change: &dyn Fn(&mut Value), service: &dyn Fn(&mut InService<'_>)| {
        let mut file = file();
        change(&mut file);
        let mut now = in_service(&hashes);
        service(&mut now);
        parse(&file).refusals(&now)
    };
    let (same, nothing) = (|_: &mut Value| {}, |_: &mut InService<'_>| {});
    assert_eq!(refused(&same, &nothing), []);
    let found = refused(&|file| file["bundle"]["sha256"] = json!(sha('9')), &nothing);
    assert!(matches!(&found[..], [EvidenceRefusal::OtherBundle { .. }]), "{found:?}");
    assert_eq!(
        refused(&|file| file["policy_sha"] = json!(sha('9')), &nothing),
        [EvidenceRefusal::OtherPolicy]
    );
    let criteria = |value: Value| refused(&move |file| file["criteria_sha"] = value.clone(), &nothing);
    assert_eq!(criteria(json!(sha('9'))), [EvidenceRefusal::CriteriaNotSigned]);
    assert_eq!(criteria(Value::Null), [EvidenceRefusal::NoCriteria]);
    assert_eq!(refused(&same, &|now| now.criteria_sha = None), [EvidenceRefusal::CriteriaNotSigned]);
    let made: Timestamp = "2026-11-29T10:15:00Z".parse().unwrap();
    let aged = |age: SignedDuration| refused(&same, &move |now| now.now = made + age);
    assert_eq!(aged(SignedDuration::from_hours(14 * 24)), []);
    assert_eq!(aged(SignedDuration::from_hours(14 * 24 + 1)), [EvidenceRefusal::TooOld { days: 14 }]);
    assert_eq!(aged(SignedDuration::from_mins(-4)), []);
    assert_eq!(aged(SignedDuration::from_mins(-6)), [EvidenceRefusal::FromTheFuture]);
}

#[test]
fn r28_tickets_of_the_time_that_training_learnt_from_are_refused() {
    let hashes = [sha('a'), sha('b'), sha('c')];
    let refused = |from: &str, split: &str, learnt_to: Value| {
        let mut file = file();
        file["data"]["from"] = json!(from);
        file["bundle"]["trained_on"]["split"] = json!(split);
        file["bundle"]["trained_on"]["to"] = learnt_to;
        let evidence = parse(&file);
        let trained_on = &evidence.bundle.trained_on;
        evidence.refusals(&InService { trained_on, ..in_service(&hashes) })
    };
    assert_eq!(refused("2026-09-30", "time", json!("2026-09-30")), []);
    let found = refused("2026-09-29", "time", json!("2026-09-30"));
    assert!(matches!(&found[..], [EvidenceRefusal::TrainingOverlap { learnt_to: Some(_), .. }]), "{found:?}");
    assert!(found[0].to_string().contains("2026-09-29") && found[0].to_string().contains("2026-09-30"));
    // A random split has tickets of one time on both sides.
    let found = refused("2026-10-05", "random", Value::Null);
    assert!(matches!(&found[..], [EvidenceRefusal::TrainingOverlap { learnt_to: None, .. }]), "{found:?}");
}

#[test]
fn r28_evidence_that_says_other_training_than_the_bundle_does_is_refused() {
    let hashes = [sha('a'), sha('b'), sha('c')];
    for (part, value) in [
        ("from", json!("2026-01-06")),
        ("from", Value::Null),
        ("to", json!("2026-09-29")),
        ("n", json!(5001)),
        ("split", json!("given")),
        ("sha256", json!(sha('9'))),
    ] {
        let mut file = file();
        file["bundle"]["trained_on"][part] = value;
        let found = parse(&file).refusals(&in_service(&hashes));
        assert_eq!(found, [EvidenceRefusal::OtherTraining { differs: vec![part] }], "{part}");
        assert!(found[0].to_string().contains(&format!("trained_on ({part})")), "{}", found[0]);
    }
    // An early end of training, written into the file, does not make tickets of before fresh.
    let mut file = file();
    file["bundle"]["trained_on"]["to"] = json!("2026-02-01");
    file["data"]["from"] = json!("2026-03-01");
    assert!(!parse(&file).refusals(&in_service(&hashes)).is_empty());
}

#[test]
fn r28_a_suite_that_was_tried_in_part_is_refused_and_a_longer_one_is_not() {
    let hashes = [sha('a'), sha('b'), sha('c')];
    let refused = |attacks: u64, canaries: u64| {
        let mut file = file();
        file["safety"] = json!({"attacks": {"n": attacks, "passed": attacks},
            "canaries": {"n": canaries, "leaked": 0, "own": canaries}});
        parse(&file).refusals(&in_service(&hashes))
    };
    let cut = |suite, tried, needed| EvidenceRefusal::SuiteCut { suite, tried, needed };
    assert_eq!(refused(192, 20), []);
    assert_eq!(refused(250, 900), []);
    assert_eq!(refused(191, 20), [cut("attacks", 191, 192)]);
    assert_eq!(refused(1, 1), [cut("attacks", 1, 192), cut("canaries", 1, 20)]);
    assert_eq!(refused(0, 19), [cut("attacks", 0, 192), cut("canaries", 19, 20)]);
}

#[test]
fn r28_figures_that_their_counts_do_not_give_are_refused_by_name() {
    let hashes = [sha('a'), sha('b'), sha('c')];
    let mut sound = file();
    sound["rules"] = json!({"n": 300, "rules_right": 210, "model_right": 270, "agreement": 0.7, "difference": -0.2,
        "low": -0.25, "high": -0.15, "mcnemar_p": 0.001});
    let gate = shadow_gate(&parse(&sound).shadow(None), &ShadowThresholds::default());
    sound["gates"] = json!(gate.checks.iter().map(GateRow::from).collect::<Vec<_>>());
    assert_eq!(parse(&sound).refusals(&in_service(&hashes)), []);
    for (path, value, named) in [
        ("/accuracy/board/right", json!(299), "accuracy.board"),
        ("/accuracy/board/share", json!(0.94), "accuracy.board"),
        ("/joint/board_type/low", json!(0.89), "joint.board_type"),
        ("/joint/board_type/high", json!(0.99), "joint.board_type"),
        ("/joint/board_type/n", json!(271), "joint.board_type"),
        ("/ceiling/share", json!(0.5), "ceiling"),
        ("/calibration/board/ece", json!(0.01), "calibration.board"),
        ("/calibration/board/bins/0/right", json!(124), "calibration.board"),
        ("/calibration/board/bins/1/low", json!(0.5), "calibration.board"),
        ("/calibration/board/bins", json!([]), "calibration.board"),
        ("/calibration/board/n", json!(299), "calibration.board"),
        ("/certificates/0/coverage", json!(0.9), "certificates of board"),
        ("/certificates/0/bound", json!(0.012), "certificates of board"),
        ("/certificates/1/coverage", json!(0.5), "certificates of reply, \"Helpdesk > Password\""),
        ("/rules/agreement", json!(0.6), "rules"),
        ("/rules/difference", json!(-0.3), "rules"),
        ("/gates/1/passed", json!(false), "tickets with an outcome"),
        ("/gates/2/found", json!(0.99), "agreement on board and type"),
        ("/gates/2/needed", json!(0.5), "agreement on board and type"),
        ("/gates/2/low", json!(0.89), "agreement on board and type"),
        ("/gates/3/passed", json!(true), "tickets of the PSA"),
        ("/gates/3/name", json!("nothing"), "nothing"),
    ] {
        let mut file = sound.clone();
        *file.pointer_mut(path).unwrap() = value.clone();
        let found = parse(&file).refusals(&in_service(&hashes));
        let [EvidenceRefusal::Contradicts { parts }] = &found[..] else {
            panic!("{path} = {value}: {found:?}")
        };
        assert!(parts.iter().any(|part| part.contains(named)), "{path} = {value}: {parts:?}");
    }
    let mut shorter = sound.clone();
    shorter["gates"].as_array_mut().unwrap().pop();
    assert!(matches!(
        &parse(&shorter).refusals(&in_service(&hashes))[..],
        [EvidenceRefusal::Contradicts { .. }]
    ));
}

#[test]
fn r28_every_reason_is_a_sentence_of_its_own() {
    let mut evidence = parse(&file());
    evidence.format = "firstline-evidence/2".to_owned();
    evidence.bundle.sha256 = sha('9');
    evidence.policy_sha = sha('9');
    evidence.criteria_sha = None;
    evidence.bundle.trained_on.split = "random".to_owned();
    evidence.safety.attacks.as_mut().unwrap().n = 191;
    evidence.joint.get_mut(BOARD_TYPE).unwrap().share = 0.99;
    let hashes = [sha('a'), sha('b'), sha('c')];
    let old = InService { now: "2027-01-01T00:00:00Z".parse().unwrap(), ..in_service(&hashes) };
    let said: Vec<String> = evidence.refusals(&old).iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 8, "{said:?}");
    for part in [
        "firstline-evidence/2",
        "aaaaaaaaaaaa.bbbb is in service",
        "policy",
        "32 days old",
        "random",
        "--criteria",
        "191 of 192 attacks",
        "joint.board_type",
    ] {
        assert!(said.iter().any(|sentence| sentence.contains(part)), "{part}: {said:?}");
    }
}

#[test]
fn r28_a_file_that_is_no_evidence_is_refused_by_name() {
    let fault = |bytes: &[u8]| {
        let fault = Evidence::parse(bytes, "evidence.json").unwrap_err();
        assert_eq!(fault.code(), Some(Code::Config));
        fault.to_string()
    };
    assert!(fault(b"PK\x03\x04").contains("no evidence file"));
    assert!(
        fault(b"{\"gate\": true}").contains("\\\"format\\\"")
            || fault(b"{\"gate\": true}").contains("\"format\"")
    );
    assert!(fault(br#"{"format":"firstline-evidence/2"}"#).contains("firstline-evidence/2"));
    assert!(fault(br#"{"format":"firstline-evidence/1"}"#).contains("missing field"));
    assert!(fault(&vec![b' '; Evidence::MOST_BYTES + 1]).contains("longer than 16 MiB"));
    let deep =
        format!(r#"{{"format":"firstline-evidence/1","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        fault(deep.as_bytes()).contains("missing field"),
        "what is not known is passed over, however deep"
    );
    let long = format!(r#"{{"format":"{}"}}"#, "x".repeat(100_000));
    assert!(fault(long.as_bytes()).len() < 400);
}

#[test]
fn r28_figures_that_can_not_be_are_refused_by_name() {
    for (path, value, named) in [
        ("/id", json!("../../etc"), "id"),
        ("/id", json!(""), "id"),
        ("/bundle/sha256", json!("abc"), "bundle"),
        ("/policy_sha", json!("z".repeat(64)), "policy_sha"),
        ("/criteria_sha", json!("1"), "criteria_sha"),
        ("/data/to", json!("2026-09-01"), "data"),
        ("/accuracy/board/right", json!(301), "board"),
        ("/accuracy/board/kappa", json!(1.5), "board"),
        ("/joint/board_type/n", json!(0), "board_type"),
        ("/joint/board_type/share", json!(1.2), "board_type"),
        ("/ceiling/right", json!(61), "ceiling"),
        ("/calibration/board/ece", json!(-0.1), "calibration"),
        ("/calibration/board/bins/0/right", json!(151), "calibration"),
        ("/certificates/0/accepted", json!(401), "certificate"),
        ("/certificates/0/bound", json!(2.0), "certificate"),
        ("/certificates/0/bound", Value::Null, "certificate of board"),
        ("/certificates/1/errors", json!(81), "certificate of reply"),
        ("/certificates/1", file()["certificates"][0].clone(), "stands twice"),
        ("/drafts/within_60s", json!(241), "drafts"),
        ("/drafts/verbatim", json!(201), "drafts"),
        ("/drafts/p95", json!(-1.0), "drafts"),
        ("/safety/attacks/passed", json!(193), "safety"),
        ("/safety/canaries/leaked", json!(401), "safety"),
        ("/latency/triage_ms/p99", json!(-1.0), "time"),
        ("/load/per_second", json!(1e300), "time"),
    ] {
        let mut file = file();
        *file.pointer_mut(path).unwrap() = value.clone();
        let fault = Evidence::parse(file.to_string().as_bytes(), "evidence.json").unwrap_err();
        assert!(fault.to_string().contains(named), "{path} = {value}: {fault}");
    }
    // What this version does not know is passed over.
    let mut newer = file();
    newer["weather"] = json!("fine");
    assert_eq!(parse(&newer), parse(&file()));
}

#[test]
fn r24_the_ceiling_stands_beside_the_agreement_and_figures_name_their_n() {
    let evidence = parse(&file());
    let report = evidence.report();
    let sheet = report.tables.iter().find(|sheet| sheet.heading.starts_with("How often")).unwrap();
    let rows: Vec<&str> = sheet.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(rows, ["board and type", "board", "technicians with each other, board and type"]);
    assert_eq!(sheet.rows[0][1..3], ["300".to_owned(), "90.0 %".to_owned()]);
    // A table of nothing is left out, and its absence is said.
    assert!(!report.tables.iter().any(|sheet| sheet.heading.contains("rules")));
    assert_eq!(report.notes[0].1, ["rules: no ticket tells its initial board."]);
}

#[test]
fn r28_the_page_has_every_table_a_diagram_and_no_markup_of_others() {
    let mut evidence = parse(&file());
    let evil = "<script>alert(1)</script>";
    evidence.certificates[0].board = Some(evil.to_owned());
    evidence.safety.attacks.as_mut().unwrap().failed = vec![evil.to_owned()];
    evidence.notes = vec![evil.to_owned()];
    let gate = shadow_gate(&evidence.shadow(None), &ShadowThresholds::default());
    evidence.gates = gate.checks.iter().map(GateRow::from).collect();
    let mut short = evidence.gates[2].clone();
    (short.passed, short.short_by) = (false, Some(0.32));
    evidence.gates.push(short);
    let html = evidence.html();
    assert!(html.contains("short by 32.0 points"));
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    for part in [
        "What the gate to assist asks for",
        "What it may do alone",
        "First responses",
        "Attacks and canaries",
        "<svg",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("NaN") && !html.contains("could not be drawn"));
    assert_eq!(evidence.calibration.keys().collect::<Vec<_>>(), [&Field::Board]);
}

#[test]
fn quantiles_are_of_what_was_measured() {
    assert_eq!(Quantiles::of(vec![]), None);
    let found = Quantiles::of((1..=200).rev().map(f64::from).collect()).unwrap();
    assert_eq!((found.n, found.p50, found.p95, found.p99), (200, 100.0, 190.0, 198.0));
    assert_eq!(Quantiles::of(vec![f64::NAN, 1.0]).unwrap().n, 1);
}
