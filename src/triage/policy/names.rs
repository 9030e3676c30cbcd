//! What a priority's name says about its rank, in any usual spelling: `P1 - Critical`, `3 high`, `Sehr hoch`, `Sev-2`.
//!
//! Words decide, since desks number their priorities in either direction; a number counts only behind a word that says what it
//! counts (`P1`, `Priority 2`), 1 the most urgent. Must never rank a number that stands alone, by its size or otherwise, nor
//! guess where a name says two things: such a name has no rank.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words before which a word no longer says what it says: "not critical", "less urgent", "do not use: high".
const TURNING: [&str; 34] = [
    "not", "no", "non", "un", "less", "semi", "below", "above", "under", "over", "lower", "higher", "nicht",
    "kein", "keine", "weniger", "unter", "uber", "ueber", "pas", "peu", "moins", "menos", "poco", "nao",
    "pouco", "abaixo", "acima", "meno", "niet", "geen", "minder", "onder", "boven",
];
/// How many words before it can turn a word: "not very urgent".
const TURNED_BY: usize = 2;
/// The highest number that is read as a place in an order; beyond it stand hours, ports and years.
const LAST_PLACE: usize = 9;

/// The names of an order's ranks, ready to be looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Names {
    ranks: usize,
    /// Whole names as they were written, in lower case.
    written: HashMap<String, usize>,
    /// Whole names by their words.
    whole: HashMap<String, usize>,
    /// Names that are looked for in longer ones.
    within: HashMap<String, usize>,
    /// Words behind which a number is a place in the order.
    numbered: HashSet<String>,
    /// Words of the longest of the last two.
    longest: usize,
}

/// What one part of a name says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    /// A word, of a rank.
    Rank(usize),
    /// A place in the order, or a name with a number in it.
    Place(usize),
}

impl Names {
    /// The names of `ranks`, most urgent first, where a number behind one of `numbered` is a place in the order. Of two ranks
    /// with one name the first has it.
    pub(super) fn new(ranks: &[Vec<String>], numbered: &[String]) -> Self {
        let mut names = Self { ranks: ranks.len(), ..Self::default() };
        for (rank, name) in ranks.iter().enumerate().flat_map(|(rank, of)| of.iter().map(move |n| (rank, n)))
        {
            names.written.entry(name.trim().to_lowercase()).or_insert(rank);
            let words = words(name);
            // "a" and "p1" are found in too many names to be looked for.
            if name.chars().filter(|c| c.is_alphabetic()).count() > 1 {
                names.longest = names.longest.max(words.len());
                names.within.entry(words.join(" ")).or_insert(rank);
            }
            if !words.is_empty() {
                names.whole.entry(words.join(" ")).or_insert(rank);
            }
        }
        for words in numbered.iter().map(|name| words(name)).filter(|words| !words.is_empty()) {
            names.longest = names.longest.max(words.len());
            names.numbered.insert(words.join(" "));
        }
        names
    }

    /// The rank that `name` says, 0 the most urgent; `None` where it says none, or more than one.
    pub(super) fn rank(&self, name: &str) -> Option<usize> {
        let words = words(name);
        let whole = || self.whole.get(&words.join(" "));
        if let Some(&rank) = self.written.get(&name.trim().to_lowercase()).or_else(whole) {
            return Some(rank);
        }
        let (mut said, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < words.len() {
            let Some((says, length)) = self.says(&words[at..]) else {
                at += 1;
                continue;
            };
            let before = &words[at.saturating_sub(TURNED_BY)..at];
            match says {
                Says::Rank(rank) => {
                    said.push((!before.iter().any(|w| TURNING.contains(&w.as_str()))).then_some(rank));
                }
                Says::Place(rank) => places.push(Some(rank)),
            }
            at += length;
        }
        agreed(&said).or_else(|| agreed(&places))
    }

    /// What the longest name says that `words` begin with, and its length.
    fn says(&self, words: &[String]) -> Option<(Says, usize)> {
        (1..=self.longest.min(words.len())).rev().find_map(|length| {
            let name = words[..length].join(" ");
            if let Some(&rank) = self.within.get(&name) {
                let has_number = name.contains(|c: char| c.is_ascii_digit());
                return Some((if has_number { Says::Place(rank) } else { Says::Rank(rank) }, length));
            }
            let place: usize = words.get(length)?.parse().ok()?;
            (self.numbered.contains(&name) && place <= LAST_PLACE && self.ranks > 0)
                .then(|| (Says::Place(place.saturating_sub(1).min(self.ranks - 1)), length + 1))
        })
    }
}

/// The rank that all of `said` name; `None` where there is none, one was turned, or two differ.
fn agreed(said: &[Option<usize>]) -> Option<usize> {
    let first = *said.first()?;
    first.filter(|_| said.iter().all(|other| *other == first))
}

/// The words of a name, in lower case and without accents. A word also ends before a digit and where `camelCase` begins
/// another: "P1" is two, "4h" is one.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut last = ' ';
    for c in name.nfkd().filter(|c| !is_combining_mark(*c)) {
        let begins = (c.is_numeric() && last.is_alphabetic())
            || (c.is_uppercase() && (last.is_lowercase() || last.is_numeric()));
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match c {
            'ß' => word.push_str("ss"),
            c if c.is_alphanumeric() => word.extend(c.to_lowercase()),
            _ => {}
        }
        last = c;
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_words_whatever_stands_between_them() {
        for name in ["P1 - Élevée", "p-1: ELEVEE", "P#1_elevee", "p 1 (e\u{301}leve\u{301}e)", "P1Elevee"] {
            assert_eq!(words(name), ["p", "1", "elevee"], "{name}");
        }
        assert_eq!(words("größte 4h 24x7"), ["grosste", "4h", "24x", "7"]);
        assert_eq!(words("VeryHigh SLA"), ["very", "high", "sla"]);
        assert_eq!(words(" - !"), [""; 0]);
    }

    fn names() -> Names {
        let of = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let ranks =
            [of(&["critical", "a"]), of(&["high", "2 - fast"]), of(&["normal", "not urgent", "7", "🐌"])];
        Names::new(&ranks, &of(&["P", "priority level"]))
    }

    #[test]
    fn a_listed_name_has_its_rank_and_a_word_has_it_within_longer_names() {
        let rank = |name: &str| names().rank(name);
        assert_eq!(
            ["a", " A ", "7", "🐌", "Critical", "2 fast"].map(rank),
            [Some(0), Some(0), Some(2), Some(2), Some(0), Some(1)]
        );
        assert_eq!(["very critical", "VIP - high", "4 - High (24x7)"].map(rank), [Some(0), Some(1), Some(1)]);
        // One letter, or a number, says nothing within a longer name; nor does a part of a word.
        assert_eq!(["plan a", "7 days", "Highland", "🐌🐌", ""].map(rank), [None; 5]);
    }

    #[test]
    fn a_number_is_a_place_behind_the_words_that_say_so() {
        let rank = |name: &str| names().rank(name);
        assert_eq!(
            ["P1", "p-2", "P 0", "P9", "Priority Level: 3"].map(rank),
            [Some(0), Some(1), Some(0), Some(2), Some(2)]
        );
        assert_eq!(["1", "Level 1", "P10", "P4h", "P1 or P2", "1P", "P"].map(rank), [None; 7]);
        assert_eq!([rank("P1 - High"), rank("2 - fast lane")], [Some(1), Some(1)], "the word decides");
    }

    #[test]
    fn a_name_that_says_two_things_or_its_opposite_has_no_rank() {
        let rank = |name: &str| names().rank(name);
        assert_eq!(
            ["normal to high", "not critical", "less very high", "do not use - high"].map(rank),
            [None; 4]
        );
        assert_eq!([rank("not urgent"), rank("normal - Normal")], [Some(2), Some(2)]);
        // A place in the order still counts.
        assert_eq!([rank("P2 - normal to high"), rank("P3 - not critical")], [Some(1), Some(2)]);
    }
}
