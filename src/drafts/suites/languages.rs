//! Measures the word lists on `languages.toml`: claims, promises and corrections as technicians write them, and harmless sentences.
//!
//! Half of the sentences may be mended for, the other half is only counted. Must never show a counted sentence.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::corrections::takes_back;
use crate::lexicon::{claim, knows, promise};

/// Fewest counted sentences that come out right, by kind: claims, promises, corrections, harmless ones.
const FLOORS: [(&str, usize); 4] = [("claims", 0), ("promises", 0), ("corrections", 0), ("harmless", 0)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Halves {
    seen: Vec<String>,
    counted: Vec<String>,
}

type Kinds = BTreeMap<String, Halves>;

fn languages() -> BTreeMap<String, Kinds> {
    toml::from_str(include_str!("languages.toml")).unwrap()
}

/// Whether `sentence`, of this kind, comes out right.
fn is_right(kind: &str, sentence: &str) -> bool {
    match kind {
        "claims" => claim(sentence).is_some(),
        "promises" => promise(sentence).is_some(),
        "corrections" => takes_back(sentence).is_some(),
        _ => claim(sentence).or_else(|| promise(sentence)).is_none() && takes_back(sentence).is_none(),
    }
}

#[test]
fn every_language_has_sentences_of_every_kind() {
    let all = languages();
    assert_eq!(all.len(), 15);
    for (code, kinds) in &all {
        assert!(knows(code), "{code}");
        for (kind, fewest) in [("claims", 6), ("promises", 6), ("corrections", 4), ("harmless", 8)] {
            let halves = &kinds[kind];
            assert!(halves.seen.len() >= fewest && halves.counted.len() >= fewest, "{code}: {kind}");
        }
    }
}

#[test]
fn what_was_seen_comes_out_right() {
    let mut wrong = Vec::new();
    for (code, kinds) in languages() {
        for (kind, halves) in kinds {
            let odd = halves.seen.into_iter().filter(|sentence| !is_right(&kind, sentence));
            wrong.extend(odd.map(|sentence| format!("{code} {kind}: {sentence}")));
        }
    }
    assert!(wrong.is_empty(), "{} sentences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn most_of_what_is_only_counted_comes_out_right() {
    let mut totals: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (code, kinds) in languages() {
        let mut line = code;
        for (kind, halves) in kinds {
            let right = halves.counted.iter().filter(|sentence| is_right(&kind, sentence)).count();
            line += &format!("  {kind} {right}/{}", halves.counted.len());
            let total = totals.entry(kind).or_default();
            *total = (total.0 + right, total.1 + halves.counted.len());
        }
        println!("{line}");
    }
    println!("all {totals:?}");
    for (kind, floor) in FLOORS {
        assert!(totals[kind].0 >= floor, "{kind}: {:?}, the floor is {floor}", totals[kind]);
    }
}
