//! Spellings of customers' names that may mean one customer: accents, legal forms, punctuation, a slip of a letter.
//!
//! It proposes, for a person to confirm. Must never be what decides that two names are one customer.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that say what kind of company one is, and nothing of which.
const LEGAL: [&str; 46] = [
    "ab",
    "ag",
    "and",
    "aps",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "cv",
    "ek",
    "et",
    "ev",
    "gbr",
    "gmbh",
    "group",
    "holding",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "kgaa",
    "lda",
    "limited",
    "llc",
    "llp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "ohg",
    "oy",
    "plc",
    "pty",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "sp",
    "spa",
    "srl",
    "the",
    "ug",
    "und",
];
/// Likeness from which on two names may be one, 1 for the same.
const ALIKE: f64 = 0.93;
/// Letters that a name needs for likeness to tell anything.
const TELLING: usize = 4;

/// The words of a name that tell which company it is, as all its spellings share them.
fn words(name: &str) -> Vec<String> {
    let folded: String = name
        .to_lowercase()
        .replace('ß', "ss")
        .replace('ø', "o")
        .replace('æ', "ae")
        .replace('ł', "l")
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && *c != '.' && *c != '\'' && *c != '\u{2019}')
        .collect();
    // An umlaut may be written with an e.
    let folded = folded.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !LEGAL.contains(word)).map(str::to_owned).collect()
}

/// Whether two names may be one customer's.
fn may_be_one(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    let (joined_a, joined_b) = (a.concat(), b.concat());
    if joined_a.chars().count() < TELLING || joined_b.chars().count() < TELLING {
        return joined_a == joined_b && !joined_a.is_empty();
    }
    let within = |few: &[String], many: &[String]| few.iter().all(|word| many.contains(word));
    within(&a, &b) || within(&b, &a) || strsim::jaro_winkler(&joined_a, &joined_b) >= ALIKE
}

/// Those of `all` that may be one of `names` in another spelling, and are none of them.
pub(crate) fn similar<'a>(
    names: &BTreeSet<String>,
    all: impl IntoIterator<Item = &'a String>,
) -> Vec<String> {
    let alike = |other: &&String| !names.contains(*other) && names.iter().any(|name| may_be_one(name, other));
    all.into_iter().filter(alike).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_customer_are_found_and_others_are_not() {
        let one = [
            ("müller bau gmbh", "mueller bau"),
            ("müller bau gmbh", "muller-bau g.m.b.h."),
            ("café central", "cafe central s.a."),
            ("acme", "acme ltd"),
            ("acme ltd", "acme (berlin)"),
            ("harborgate logistics", "harbourgate logistics"),
            ("o'brien & sons", "obrien and sons"),
        ];
        for (a, b) in one {
            assert!(may_be_one(a, b) && may_be_one(b, a), "{a} / {b}");
        }
        let two = [
            ("acme", "bolt"),
            ("northwind traders", "contoso traders"),
            ("the ltd", "the inc"),
            ("abc gmbh", "abd gmbh"),
            ("larkspur school", "hollis freight lines"),
        ];
        for (a, b) in two {
            assert!(!may_be_one(a, b), "{a} / {b}");
        }
        let all = ["acme", "acme ltd", "bolt"].map(str::to_owned);
        assert_eq!(similar(&["acme".to_owned()].into(), &all), ["acme ltd"]);
    }
}
