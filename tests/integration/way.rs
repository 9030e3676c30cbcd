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
fn a_report_with_the_history_tells_of_its_labels_and_its_size() {
    let args = ["evaluate", "--bundle", "bundle", "--tickets", "history.jsonl", "--report", "grown"];
    TRAINED.ok(&[&args[..], &["--history", "history.jsonl"]].concat());
    let html = std::fs::read_to_string(TRAINED.path("grown/report.html")).unwrap();
    for part in ["How good the labels of the history are", "What more history would buy", "May act alone"] {
        assert!(html.contains(part), "the page lacks {part:?}");
    }
    assert_eq!(TRAINED.run(&["evaluate", "--bundle", "b", "--tickets", "t", "--history", "h"]).code, 2);
}

#[test]
fn the_demo_goes_on_to_week_one_and_says_that_all_of_it_is_generated() {
    let dir = Dir::new();
    let demo = dir.ok(&["demo", "--dir", "demo", "--tickets", "500", "--model", "tiny-random"]).stdout;
    // The row that begins with `name`, its cells from there on.
    let row = |name: &str| {
        let line = demo.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in:\n{demo}"))
    };
    for figure in
        ["first response, median", "resolution, median", "resolved by first level", "handle time, mean"]
    {
        assert!(!row(figure).contains("not known"), "the tiers and the record tell it: {}", row(figure));
    }
    assert!(demo.contains("The largest categories\n") && demo.contains("Service Desk > "), "{demo}");
    let (_, ranking) = demo.split_once("Customers, the best pilot first").unwrap();
    let (ranking, _) = ranking.split_once("All of it: ").unwrap();
    let customers = ranking.lines().filter(|line| line.starts_with(' ')).count() - 1;
    assert!((2..=10).contains(&customers), "{ranking}");
    assert!(row("Verdict").contains("promoted"), "{}", row("Verdict"));
    assert!(demo.contains("The gate from shadow to assist before week "), "{demo}");
    assert!(row("agreement on board and type").contains("85.0 %"));
    assert!(demo.contains("Nothing of this happened"), "{demo}");
    assert_eq!(demo.matches("are invented: no figure here").count(), 3, "each report says so");
    for page in ["report", "baseline", "pilots", "replay"] {
        let html = std::fs::read_to_string(dir.path("demo").join(format!("{page}.html"))).unwrap();
        assert!(page == "report" || html.contains("are invented: no figure here"), "{page}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bundle() {
    let again = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--seed", "1"];
    TRAINED.ok(&[&again[..], &["--fine-tune", "never", "--bundle", "again"]].concat());
    let weights = |bundle: &str| std::fs::read(TRAINED.path(bundle).join("weights.safetensors")).unwrap();
    assert!(weights("bundle") == weights("again"), "weights differ from one run to the next");
}

#[test]
fn a_bundle_keeps_the_precision_it_was_trained_in() {
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--seed", "1"];
    let float = ["--fine-tune", "never", "--precision", "f32", "--bundle", "float"];
    TRAINED.ok(&[&train[..], &float].concat());
    let decide = |bundle: &str| {
        let ticket = b"{\"id\":\"a\",\"subject\":\"Printer does not print\"}\n";
        classify(&TRAINED, &["classify", "--bundle", bundle], ticket).lines()[0].clone()
    };
    let (int8, float) = (decide("bundle"), decide("float"));
    assert_ne!(int8, float, "one of them did not compute in its precision");
    assert_eq!(int8["fields"]["board"]["label"], float["fields"]["board"]["label"]);
}

#[cfg(unix)]
#[test]
fn a_fine_tuning_that_was_killed_goes_on_to_the_same_bundle() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "400", "--seed", "3", "--out", "history.jsonl"]);
    let args = |bundle: &'static str| {
        let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--seed", "1"];
        [&train[..], &["--fine-tune", "always", "--bundle", bundle]].concat()
    };
    let whole = dir.ok(&[&args("whole")[..], &["--json"]].concat()).json();
    let tried = whole["encoders_tried"].as_array().unwrap();
    let ways: Vec<_> = tried.iter().map(|t| t["objective"].as_str().unwrap()).collect();
    assert_eq!(ways, ["labels", "contrast"], "few tickets, so ways are compared by cross-validation");
    assert!(whole["fine_tuned"] == true && tried.iter().all(|t| t["loss"].as_f64().unwrap() > 0.0));
    let mut child = dir.command(&args("killed")).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !dir.path("killed.training/checkpoint").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it was over before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!dir.path("killed").exists());
    dir.file("killed.training/mine.txt", "dear to me");
    dir.ok(&args("killed"));
    for file in ["weights.safetensors", "tuned/model.safetensors"] {
        let read = |bundle: &str| std::fs::read(dir.path(bundle).join(file)).unwrap();
        assert!(read("whole") == read("killed"), "{file} differs from that of a run that was not killed");
    }
    assert!(!dir.path("whole.training").exists());
    // What is not of fine-tuning's making is left alone.
    assert!(dir.path("killed.training/mine.txt").exists());
    assert_eq!(std::fs::read_dir(dir.path("killed.training")).unwrap().count(), 1);
    dir.ok(&["evaluate", "--bundle", "killed", "--tickets", "history.jsonl"]);
}

#[test]
fn certify_says_what_may_act_alone_and_what_is_missing() {
    let certify = |floor: &str| {
        let promise = ["--target-error", "0.3", "--confidence", "0.9", "--auto-floor", floor, "--json"];
        TRAINED.ok(&[&["certify", "--bundle", "bundle"], &promise[..]].concat()).json()
    };
    let result = certify("0");
    let found = result["certificates"].as_array().unwrap();
    let named: Vec<&str> = found.iter().map(|found| found["assertion"].as_str().unwrap()).collect();
    assert!(["reply", "board", "type", "priority"].iter().all(|name| named.contains(name)), "{named:?}");
    let (mut alone, floored) = (Vec::new(), certify("0.999"));
    for found in found {
        let (all, categories) = (&found["all"], found["categories"].as_array().unwrap());
        let of = |key: &str| categories.iter().map(|row| row[key].as_u64().unwrap()).sum::<u64>();
        assert!(all["tickets"].as_u64().unwrap() > 20, "{all}");
        assert_eq!(
            (of("tickets"), of("errors")),
            (all["tickets"].as_u64().unwrap(), all["errors"].as_u64().unwrap())
        );
        for row in categories.iter().chain([all]) {
            match row["threshold"].is_null() {
                true => assert_eq!(row["accepted"], 0),
                false => assert!(row["error_bound"].as_f64().unwrap() <= 0.3, "{row}"),
            }
        }
        alone.push(of("accepted"));
    }
    // What it would buy is what the thresholds let through.
    let buys = result["buys"].as_array().unwrap();
    assert_eq!(buys.iter().map(|buys| buys["alone"].as_u64().unwrap()).collect::<Vec<_>>(), alone);
    // So few tickets in so many categories certify none of them by itself, but all together.
    let all = found.iter().filter_map(|found| found["all"]["threshold"].as_f64()).count();
    assert!(all > 0 && alone.iter().all(|alone| *alone < 56), "{result}");
    let thresholds = floored["certificates"].as_array().unwrap().iter().flat_map(|found| {
        let categories = found["categories"].as_array().unwrap();
        categories.iter().chain([&found["all"]]).filter_map(|row| row["threshold"].as_f64())
    });
    assert!(thresholds.into_iter().all(|threshold| threshold >= 0.999));
    let strict = TRAINED.ok(&["certify", "--bundle", "bundle"]);
    assert!(
        strict.stdout.contains("more sure and right ones") || strict.stdout.contains("too few to tell"),
        "{}",
        strict.stdout
    );
    assert!(strict.stdout.contains("tickets that may get a reply alone"), "{}", strict.stdout);
    assert!(!strict.stdout.contains("from 0."), "56 tickets prove no 2 %: {}", strict.stdout);
    for wrong in [["--target-error", "2"], ["--auto-floor", "1"]] {
        assert_eq!(TRAINED.run(&[&["certify", "--bundle", "bundle"], &wrong[..]].concat()).code, 2);
    }
}

#[test]
fn a_learning_curve_grows_with_the_history() {
    let args = ["learning-curve", "--tickets", "history.jsonl", "--model", "tiny-random", "--json"];
    let curves = TRAINED.ok(&args).json();
    let board = curves["board"].as_array().unwrap();
    let figures = |key: &str| board.iter().map(|p| p[key].as_f64().unwrap()).collect::<Vec<_>>();
    let sizes = figures("tickets");
    assert!(sizes.len() >= 2 && sizes.is_sorted() && sizes[0] <= 250.0, "{board:?}");
    assert!(figures("tried").windows(2).all(|w| w[0] == w[1]), "all sizes are tried on the same: {board:?}");
    assert!(figures("accuracy").last() > figures("accuracy").first(), "{board:?}");
}

#[test]
fn doubtful_labels_are_listed_and_corrections_are_taken_back() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "400", "--seed", "3", "--out", "history.jsonl"]);
    let audit = ["audit-labels", "--tickets", "history.jsonl"];
    dir.fails(&[&audit[..], &["--out", "history.jsonl"]].concat(), "E_CONFIG");
    let look = [&audit[..], &["--model", "tiny-random", "--out", "doubts.csv", "--json"]].concat();
    let found = dir.ok(&look).json();
    let board = found.as_array().unwrap().iter().find(|f| f["field"] == "board").unwrap();
    let doubts = std::fs::read_to_string(dir.path("doubts.csv")).unwrap();
    assert!(!board["suspects"].as_array().unwrap().is_empty() && doubts.lines().count() > 1);
    let ceiling = &board["ceiling"];
    assert!(ceiling["interval"][0].as_f64() <= ceiling["estimate"].as_f64(), "{ceiling}");

    let mut lines = doubts.lines();
    let header = lines.next().unwrap();
    let first = lines.find(|l| l.contains(",board,")).unwrap();
    dir.file("fixed.csv", format!("{header}\n{first}Repaired\nnobody,board,x,y,,,,,,Repaired\n"));
    let apply = [&audit[..], &["--apply", "fixed.csv", "--out", "fixed.jsonl"]].concat();
    let run = dir.run(&apply);
    assert_eq!(run.code, 3, "one id is in no ticket: {}", run.stderr);
    assert!(run.stderr.contains("no ticket nobody (board)"), "{}", run.stderr);
    let count =
        |file: &str, what: &str| std::fs::read_to_string(dir.path(file)).unwrap().matches(what).count();
    assert_eq!(count("fixed.jsonl", "\"board\":\"Repaired\""), 1);
    assert_eq!(count("fixed.jsonl", "\n"), 400);
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
