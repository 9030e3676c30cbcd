//! The main way: a history is learnt from, measured, and new tickets are decided.

use std::io::Write;
use std::process::Stdio;

use crate::tool::{Dir, Run, TRAINED};

#[test]
fn a_generated_history_is_learnt_and_unseen_tickets_are_scored() {
    let args =
        ["evaluate", "--bundle", "bundle", "--tickets", "history.jsonl", "--json", "--report", "report"];
    let result = TRAINED.ok(&args).json();
    for field in ["board", "type", "priority", "technician"] {
        let m = &result["fields"][field];
        let figure = |key: &str| m[key].as_f64().unwrap_or_else(|| panic!("{field}.{key} in {m}"));
        assert!(figure("n") > 50.0);
        assert!((0.0..=1.0).contains(&figure("ece")) && figure("nll") > 0.0);
        let interval = &m["accuracy_ci95"];
        assert!(
            interval[0].as_f64().unwrap() <= figure("accuracy")
                && figure("accuracy") <= interval[1].as_f64().unwrap()
        );
    }
    let board = &result["fields"]["board"];
    assert!(board["accuracy"].as_f64().unwrap() > board["majority"].as_f64().unwrap() + 0.1, "{board}");
    assert!(result["left_out_seen"].as_u64().unwrap() > 400, "training tickets are not scored: {result}");

    let html = std::fs::read_to_string(TRAINED.path("report/report.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("<script"));
}

#[test]
fn the_same_seed_gives_the_same_bundle() {
    let again =
        ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--seed", "1", "--bundle", "again"];
    TRAINED.ok(&again);
    let weights = |bundle: &str| std::fs::read(TRAINED.path(bundle).join("weights.safetensors")).unwrap();
    assert!(weights("bundle") == weights("again"), "weights differ from one run to the next");
}

#[test]
fn a_bundle_keeps_the_precision_it_was_trained_in() {
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--seed", "1"];
    TRAINED.ok(&[&train[..], &["--precision", "f32", "--bundle", "float"]].concat());
    let decide = |bundle: &str| {
        let ticket = b"{\"id\":\"a\",\"subject\":\"Printer does not print\"}\n";
        classify(&TRAINED, &["classify", "--bundle", bundle], ticket).lines()[0].clone()
    };
    let (int8, float) = (decide("bundle"), decide("float"));
    assert_ne!(int8, float, "one of them did not compute in its precision");
    assert_eq!(int8["fields"]["board"]["label"], float["fields"]["board"]["label"]);
}

#[test]
fn classify_keeps_the_order_and_answers_every_line() {
    let dir = &*TRAINED;
    let input = "{\"id\":\"a\",\"subject\":\"Printer does not print\"}\nnot json\n{\"id\":\"b\",\"body\":\"VPN is down again\"}\n";
    let run = classify(dir, &["classify", "--bundle", "bundle", "--top", "2"], input.as_bytes());
    assert_eq!(run.code, 3, "some lines could not be decided: {}", run.stderr);
    let lines = run.lines();
    assert_eq!((lines[0]["id"].as_str(), lines[2]["id"].as_str()), (Some("a"), Some("b")));
    assert_eq!(lines[1]["error"]["code"], "E_TICKET_JSON");
    assert_eq!(lines[1]["line"], 2);
    let board = &lines[0]["fields"]["board"];
    assert_eq!(board["alternatives"].as_array().unwrap().len(), 1);
    assert!(
        board["confidence"].as_f64().unwrap() >= board["alternatives"][0]["confidence"].as_f64().unwrap()
    );
}

#[test]
fn a_ticket_is_decided_alike_alone_and_in_a_crowd() {
    let dir = &*TRAINED;
    let crowd: String = std::fs::read_to_string(dir.path("history.jsonl"))
        .unwrap()
        .lines()
        .take(300)
        .map(|l| format!("{l}\n"))
        .collect();
    let alone = crowd.lines().nth(7).unwrap();
    let args = ["classify", "--bundle", "bundle"];
    let (crowd, alone) = (classify(dir, &args, crowd.as_bytes()), classify(dir, &args, alone.as_bytes()));
    let (in_crowd, alone) = (&crowd.lines()[7], &alone.lines()[0]);
    for (field, decided) in alone["fields"].as_object().unwrap() {
        let other = &in_crowd["fields"][field];
        assert_eq!(decided["label"], other["label"]);
        let gap = decided["confidence"].as_f64().unwrap() - other["confidence"].as_f64().unwrap();
        assert!(gap.abs() < 1e-3, "{field}: {gap}");
    }
}

fn classify(dir: &Dir, args: &[&str], input: &[u8]) -> Run {
    let mut child = dir
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let run = child.wait_with_output().unwrap().into();
    writer.join().unwrap().unwrap();
    run
}
