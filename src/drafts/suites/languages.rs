//! Measures the word lists on `languages.toml`: claims, promises and corrections as technicians write them, and harmless sentences.
//!
//! Lists may be mended for sentences that are `seen`; the others are only counted. Must never print a counted sentence.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::corrections::takes_back;
use crate::lexicon::{claim, knows, promise};

/// Fewest sentences that come out right, of those `counted` and of those written `later`, by kind.
const FLOORS: [(&str, usize, usize); 4] =
    [("claims", 85, 20), ("promises", 87, 28), ("corrections", 57, 26), ("harmless", 118, 59)];

/// The sentences of one kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentences {
    seen: Vec<String>,
    counted: Vec<String>,
    later: Vec<String>,
}

type Kinds = BTreeMap<String, Sentences>;

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
            let sentences = &kinds[kind];
            assert!(sentences.seen.len() >= fewest && sentences.counted.len() >= fewest, "{code}: {kind}");
        }
    }
}

#[test]
fn what_was_seen_comes_out_right() {
    let mut wrong = Vec::new();
    for (code, kinds) in languages() {
        for (kind, sentences) in kinds {
            let odd = sentences.seen.into_iter().filter(|sentence| !is_right(&kind, sentence));
            wrong.extend(odd.map(|sentence| format!("{code} {kind}: {sentence}")));
        }
    }
    assert!(wrong.is_empty(), "{} sentences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn most_of_what_is_only_counted_comes_out_right() {
    let mut totals: BTreeMap<(String, &str), (usize, usize)> = BTreeMap::new();
    for (code, kinds) in languages() {
        let mut line = code;
        for (kind, sentences) in kinds {
            for (part, all) in [("counted", &sentences.counted), ("later", &sentences.later)] {
                let right = all.iter().filter(|sentence| is_right(&kind, sentence)).count();
                line += &format!("  {kind} {part} {right}/{}", all.len());
                let total = totals.entry((kind.clone(), part)).or_default();
                *total = (total.0 + right, total.1 + all.len());
            }
        }
        println!("{line}");
    }
    println!("all {totals:?}");
    for (kind, counted, later) in FLOORS {
        for (part, floor) in [("counted", counted), ("later", later)] {
            let total = totals[&(kind.to_owned(), part)];
            assert!(total.0 >= floor, "{kind} {part}: {total:?}, the floor is {floor}");
        }
    }
}
