//! Canaries: what one customer was told never reaches another's draft, and what all are told still does.
//!
//! `FIRSTLINE_CANARY_ASKS=5000 cargo test --test integration -- canaries --nocapture` asks 5,000 times, over several seeds, and
//! prints the table.

mod history;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::tool::Dir;
use history::{Canary, History};

/// Asks where nobody wants more, and asks of one seed.
const ASKS: usize = 400;
const SEED_ASKS: usize = 1_250;

/// What came of the asks about one kind of canary.
#[derive(Debug, Default)]
struct Tally {
    asks: usize,
    leaks: usize,
    own: usize,
    /// A few of the leaks, to look at.
    examples: Vec<String>,
}

/// What other customers' sentences are still good for.
#[derive(Debug, Default)]
struct Useful {
    drafts: usize,
    /// Drafts with at least one sentence that came from another customer.
    with_others: usize,
    /// Sentences of other customers' cases, and those of them that may be shown.
    sentences: usize,
    open: usize,
}

/// The words of a text, so that a canary is found however it is punctuated.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    format!(" {} ", words.map(str::to_lowercase).collect::<Vec<_>>().join(" "))
}

/// Everything of a draft that its customer may come to see.
fn shown(draft: &Value) -> String {
    let sources = draft["sources"].as_array().into_iter().flatten();
    let cited = sources.flat_map(|s| s["sentences"].as_array().into_iter().flatten());
    let all = [&draft["text"]].into_iter().chain(cited);
    plain(&all.filter_map(Value::as_str).collect::<Vec<_>>().join(" \n "))
}

fn drafts(dir: &Dir, asked: &[Value]) -> Vec<Value> {
    let lines: String = asked.iter().map(|t| format!("{t}\n")).collect();
    dir.file("asked.jsonl", lines);
    let lines = dir.ok(&["draft", "--bundle", "bundle", "asked.jsonl"]).lines();
    assert_eq!(lines.len(), asked.len());
    lines.into_iter().map(|line| line["draft"].clone()).collect()
}

/// Asks about every kind of canary, in the name of every customer in turn.
fn ask(dir: &Dir, history: &History, asks: usize, tallies: &mut BTreeMap<&'static str, Tally>) {
    let mut asked: Vec<(&Canary, &str, Value)> = Vec::new();
    let askers = history.askers();
    for n in 0..asks {
        let canary = &history.canaries[n % history.canaries.len()];
        // Now and then those who may see it.
        let asker = match (n / history.canaries.len()) % 3 {
            0 => canary.owners[n % canary.owners.len()].as_str(),
            _ => askers[(7 * n + n / askers.len()) % askers.len()],
        };
        asked.push((canary, asker, history.question(canary, asker, n)));
    }
    let tickets: Vec<Value> = asked.iter().map(|(.., ticket)| ticket.clone()).collect();
    for ((canary, asker, _), draft) in asked.iter().zip(drafts(dir, &tickets)) {
        let shown = shown(&draft);
        let tally = tallies.entry(canary.kind).or_default();
        tally.asks += 1;
        for other in &history.canaries {
            if !other.marks.iter().any(|mark| shown.contains(&plain(mark))) {
                continue;
            }
            if other.owners.iter().any(|owner| owner == asker) {
                tally.own += usize::from(other.kind == canary.kind);
            } else {
                tally.leaks += 1;
                tally.examples.push(format!("{asker} was shown {:?} of {:?}", other.marks, other.owners));
            }
        }
    }
}

/// Asks what is asked everywhere, in the name of other customers.
fn ask_everyday(dir: &Dir, history: &History, asks: usize, useful: &mut Useful) {
    let asked = history.everyday(asks);
    let own: BTreeMap<&str, BTreeSet<&str>> = history.ids();
    for (ticket, draft) in asked.iter().zip(drafts(dir, &asked)) {
        let Some(sources) = draft["sources"].as_array() else { continue };
        useful.drafts += 1;
        let mine = &own[ticket["customer"].as_str().unwrap()];
        let others = |s: &Value| !mine.contains(s["id"].as_str().unwrap());
        useful.with_others += usize::from(sources.iter().any(others));
    }
    let one: String = asked.iter().take(5).map(|t| format!("{t}\n")).collect();
    dir.file("one.jsonl", one);
    let found = dir.ok(&["drafts", "similar", "--bundle", "bundle", "one.jsonl", "--top", "1000"]).lines();
    for (ticket, line) in asked.iter().zip(found) {
        let cases =
            line["similar"].as_array().unwrap().iter().filter(|c| c["customer"] != ticket["customer"]);
        for said in cases.filter(|c| history.is_everyday(c)).flat_map(|c| c["reply"].as_array().unwrap()) {
            useful.sentences += 1;
            useful.open += usize::from(said["reach"] == "everybody");
        }
    }
}

/// What is proposed as a template is meant for everybody.
fn look_at_templates(dir: &Dir, history: &History, tallies: &mut BTreeMap<&'static str, Tally>) {
    let proposed = std::fs::read_to_string(dir.path("bundle.templates.toml")).unwrap();
    let tally = tallies.entry("templates proposed").or_default();
    for said in proposed.lines().filter(|line| line.starts_with("sentences")) {
        tally.asks += 1;
        let told = |c: &&Canary| c.marks.iter().any(|mark| plain(said).contains(&plain(mark)));
        if history.canaries.iter().any(|c| told(&c)) {
            tally.leaks += 1;
            tally.examples.push(format!("a template says {said}"));
        }
    }
}

#[test]
fn nothing_of_one_customer_reaches_another() {
    let asks = std::env::var("FIRSTLINE_CANARY_ASKS").ok().map_or(ASKS, |n| n.parse().unwrap());
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut useful = Useful::default();
    for seed in 0..asks.div_ceil(SEED_ASKS) {
        let dir = Dir::new();
        let history = History::generate(&dir, seed);
        let train = ["train", "--tickets", "history.jsonl", "--model", "tiny-random", "--fine-tune", "never"];
        dir.ok(&[&train[..], &["--fields", "board", "--bundle", "bundle"]].concat());
        // What training held out of the index belongs to it here.
        dir.ok(&["drafts", "index", "--bundle", "bundle", "--tickets", "history.jsonl"]);
        let now = (asks - seed * SEED_ASKS).min(SEED_ASKS);
        ask(&dir, &history, now * 4 / 5, &mut tallies);
        ask_everyday(&dir, &history, now - now * 4 / 5, &mut useful);
        look_at_templates(&dir, &history, &mut tallies);
    }
    println!("{:<28} {:>6} {:>6} {:>10}", "kind", "asks", "leaks", "own shown");
    for (kind, tally) in &tallies {
        println!("{kind:<28} {:>6} {:>6} {:>10}", tally.asks, tally.leaks, tally.own);
    }
    let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
    println!("{:<28} {:>6} {:>6} {:>10}", "all", sum(|t| t.asks), sum(|t| t.leaks), sum(|t| t.own));
    let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
    println!(
        "{} everyday drafts, {:.1} % with a sentence from another customer; {:.1} % of {} sentences of others may be shown",
        useful.drafts,
        percent(useful.with_others, useful.drafts),
        percent(useful.open, useful.sentences),
        useful.sentences
    );
    let leaks: Vec<&String> = tallies.values().flat_map(|t| t.examples.iter().take(3)).collect();
    assert_eq!(sum(|t| t.leaks), 0, "{leaks:#?}");
    // Habits are people's circumstances: no draft speaks of them, to nobody.
    for kind in ["words", "digits", "place", "de", "fr", "es", "pt"] {
        assert!(tallies[kind].own > 0, "no customer was shown its own {kind}: the test could not fail");
    }
    // Safety is not bought by silence.
    assert!(
        percent(useful.with_others, useful.drafts) > 30.0 && percent(useful.open, useful.sentences) > 50.0
    );
}
