//! Who writes drafts and how far they are trusted: a language model that is taught and measured, and people's reviews.

use crate::served::Service;
use crate::tool::{Dir, TRAINED};

/// A copy of what all tests share, to be changed.
fn copy() -> Dir {
    let dir = Dir::new();
    let mut folders = vec![String::from("bundle")];
    while let Some(folder) = folders.pop() {
        std::fs::create_dir_all(dir.path(&folder)).unwrap();
        for entry in std::fs::read_dir(TRAINED.path(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(name);
            } else {
                std::fs::copy(entry.path(), dir.path(&name)).unwrap();
            }
        }
    }
    std::fs::copy(TRAINED.path("history.jsonl"), dir.path("history.jsonl")).unwrap();
    dir
}

#[test]
fn a_model_is_taught_and_kept_only_if_its_drafts_are_better() {
    let dir = copy();
    firstline_nn::write_tiny_decoder(&dir.path("tiny.gguf"), "llama").unwrap();
    let tune = [
        "drafts",
        "tune",
        "--bundle",
        "bundle",
        "--tickets",
        "history.jsonl",
        "--model",
        "tiny.gguf",
        "--json",
    ];
    let choice =
        dir.ok(&[&tune[..], &["--lessons", "24", "--epochs", "2", "--compare", "12"]].concat()).json();
    let loss = |i: usize| choice["loss"][i].as_f64().unwrap();
    assert!(loss(1) < loss(0), "{choice}");
    let ways = choice["ways"].as_array().unwrap();
    assert_eq!(
        ways.iter().map(|w| w["writer"].as_str().unwrap()).collect::<Vec<_>>(),
        ["none", "tiny.gguf", "tuned"]
    );
    // A model of random weights can't be better: it is not kept, and drafts are made without.
    assert!(choice["better"].is_null(), "{choice}");
    assert!(dir.path("bundle/writer/writer.json").exists() && !dir.path("bundle/writer/tuned.gguf").exists());
    let first =
        std::fs::read_to_string(dir.path("history.jsonl")).unwrap().lines().next().unwrap().to_owned();
    dir.file("one.jsonl", first);
    dir.ok(&["draft", "--bundle", "bundle", "one.jsonl"]);
    dir.fails(&["draft", "--bundle", "bundle", "one.jsonl", "--writer", "all-minilm-l6-v2"], "E_MODEL");
    dir.fails(&["draft", "--bundle", "bundle", "one.jsonl", "--writer", "not-there.gguf"], "E_IO");
    std::fs::write(dir.path("bundle/writer/writer.json"), "{}").unwrap();
    dir.fails(&["draft", "--bundle", "bundle", "one.jsonl"], "E_BUNDLE");
}

#[test]
fn reviews_are_learnt_from_once_there_are_enough() {
    let dir = copy();
    let evaluate = ["drafts", "evaluate", "--bundle", "bundle", "--tickets", "history.jsonl", "--json"];
    let report = dir.ok(&[&evaluate[..], &["--reviews", "reviews.jsonl"]].concat()).json();
    let reviews = std::fs::read_to_string(dir.path("reviews.jsonl")).unwrap();
    assert_eq!(Some(reviews.lines().count() as u64), report["drafted"].as_u64());
    let learnt = dir.ok(&["drafts", "learn-reviews", "--bundle", "bundle", "reviews.jsonl", "--json"]).json();
    assert_eq!(learnt["enough"], true, "{learnt}");
    assert!(learnt["learnt"]["log_loss"].as_f64() < learnt["prior"]["log_loss"].as_f64(), "{learnt}");
    let people = std::fs::read_to_string(dir.path("history.jsonl")).unwrap();
    let people: Vec<&str> = people.lines().filter(|l| l.contains("\"email\"")).take(20).collect();
    dir.file("people.jsonl", people.join("\n"));
    let basis = |dir: &Dir| {
        let lines = dir.ok(&["draft", "--bundle", "bundle", "people.jsonl"]).lines();
        lines.iter().filter_map(|l| l["draft"]["basis"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let told = basis(&dir);
    assert!(!told.is_empty() && told.iter().all(|b| b == "feedback"), "{told:?}");
    // A line that is no review is named and left out; a few say nothing yet.
    dir.file(
        "few.jsonl",
        "{\"origin\": \"template\", \"prior\": 0.5, \"review\": {\"edited\": \"x\"}}\nno\n",
    );
    let run = dir.run(&["drafts", "learn-reviews", "--bundle", "bundle", "few.jsonl"]);
    assert!(
        run.code == 3 && run.stderr.contains("line 2") && run.stdout.contains("Too few"),
        "{}",
        run.stdout
    );
    assert!(basis(&dir).iter().all(|b| b == "prior"));
    dir.file("none.jsonl", "");
    dir.fails(&["drafts", "learn-reviews", "--bundle", "bundle", "none.jsonl"], "E_EMPTY");
}

#[test]
fn retraining_drops_the_writer_and_can_leave_the_index_out() {
    let dir = copy();
    std::fs::create_dir(dir.path("bundle/writer")).unwrap();
    dir.file("bundle/writer/writer.json", "{}");
    let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--fine-tune", "never"];
    let bare = ["--fields", "board", "--no-index", "--bundle", "bundle"];
    let run = dir.ok(&[&train[..], &bare].concat());
    for part in
        ["was dropped", "firstline drafts tune --bundle bundle", "firstline drafts index --bundle bundle"]
    {
        assert!(run.stderr.contains(part), "{part} is not in {}", run.stderr);
    }
    assert!(!dir.path("bundle/writer").exists() && !dir.path("bundle/index").exists());
    let again = dir.ok(&[&train[..], &bare].concat());
    assert!(!again.stderr.contains("was dropped"), "there was no writer any more: {}", again.stderr);

    let ticket = serde_json::json!({"id": "1", "customer": "Amaro Foods", "contact": "Eva Stone", "source": "email",
        "subject": "Printer", "body": "The printer on the second floor has not printed since this morning, please help."});
    dir.file("one.jsonl", format!("{ticket}\n"));
    assert!(
        dir.ok(&["classify", "--bundle", "bundle", "one.jsonl"]).lines()[0]["fields"]["board"].is_object()
    );
    let run = dir.fails(&["draft", "--bundle", "bundle", "one.jsonl"], "E_BUNDLE");
    assert!(run.stderr.contains("firstline drafts index --bundle bundle"), "{}", run.stderr);
    // The service decides without one, says what is missing, and only acknowledges.
    let service = Service::start(&[&format!("bundle={}", dir.path("bundle").display())]);
    service.wait_for(|| service.log().contains("The bundle has no index"));
    let key = service.key("admin", &[]);
    service.post("/v1/triage", &key, &serde_json::json!({"tickets": [ticket], "drafts": true})).ok();
    let queue = || service.get("/v1/review", &key).ok();
    service.wait_for(|| !queue()["items"].as_array().unwrap().is_empty());
    assert_eq!(queue()["items"][0]["draft"]["origin"], "acknowledgement", "{}", queue());

    dir.ok(&["drafts", "index", "--bundle", "bundle", "--tickets", "history.jsonl"]);
    assert!(dir.ok(&["draft", "--bundle", "bundle", "one.jsonl"]).lines()[0]["draft"]["text"].is_string());
}
