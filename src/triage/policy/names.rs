//! What a priority's name says about its rank, in any usual spelling: `P1 - Critical`, `3 high`, `Sehr hoch`, `Sev-2`.
//!
//! Words decide, since desks number their priorities in either direction; a number counts only behind a word that says what it
//! counts (`P1`, `Priority 2`), 1 the most urgent. A name is read in segments: ` - `, `(`, `,`, `:` and `/` end one. A segment
//! says the rank of a word in it only where its other words are known too, so that `Low Voltage` has no rank. Must never rank a
//! number that stands alone, by its size or otherwise, nor guess where a name says two things: such a name has no rank.

mod segment;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use segment::{Heard, Place, Segment, Token};

/// The highest number that is read as a place in an order; beyond it stand hours, ports and years.
const LAST_PLACE: usize = 9;

/// The words of a language that say something about the rank in a name, but no rank.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Words behind which the rest of a segment does not say what it says: "not", "less", "do not use".
    #[serde(default)]
    pub(super) turning: Vec<String>,
    /// Words that may stand beside a rank: "priority", "response", "SLA".
    #[serde(default)]
    pub(super) fillers: Vec<String>,
    /// Words that make a range of the place before them: "P1 or 2", "P2 and below".
    #[serde(default)]
    pub(super) joining: Vec<String>,
    /// Words that announce a number and are skipped before one: "No. 1".
    #[serde(default)]
    pub(super) number_signs: Vec<String>,
    /// Numbers in words, from one: "Priority One", "Priority I".
    #[serde(default)]
    pub(super) numerals: Vec<Vec<String>>,
}

/// The names of an order's ranks, ready to be looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Names {
    ranks: usize,
    /// Whole names as they were written, in lower case.
    written: HashMap<String, usize>,
    /// Whole names by their words.
    whole: HashMap<String, usize>,
    /// What is known within longer names.
    within: HashMap<String, Token>,
    /// Words behind which a number is a place in the order.
    numbered: HashSet<String>,
    /// Words that announce a number.
    number_signs: HashSet<String>,
    /// Numbers in words.
    numerals: HashMap<String, usize>,
    /// Words of the longest name that is looked for within another.
    longest: usize,
}

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    /// The rank, 0 the most urgent.
    pub(super) rank: usize,
    /// The explicit place: 2 for "P2 - High".
    pub(super) place: Option<usize>,
}

/// One word of a name.
#[derive(Debug, PartialEq)]
struct Word {
    text: String,
    /// The segment that the word is in.
    segment: usize,
    /// Whether no space stands before the word.
    glued: bool,
}

impl Names {
    /// The names of `ranks`, most urgent first, where a number behind one of `numbered` is a place in the order. Of two ranks
    /// with one name the first has it.
    pub(super) fn new(ranks: &[Vec<String>], numbered: &[String], words: &Words) -> Self {
        let mut names = Self { ranks: ranks.len(), ..Self::default() };
        names.number_signs = words.number_signs.iter().map(|sign| names.joined(sign)).collect();
        for (rank, name) in ranks.iter().enumerate().flat_map(|(rank, of)| of.iter().map(move |n| (rank, n)))
        {
            names.add_rank(rank, name);
        }
        for name in numbered.iter().map(|name| names.joined(name)).collect::<Vec<_>>() {
            names.add(name.clone(), Token::Filler);
            names.numbered.insert(name);
        }
        for (list, token) in
            [(&words.turning, Token::Turn), (&words.fillers, Token::Filler), (&words.joining, Token::Joint)]
        {
            list.iter().for_each(|name| names.add(names.joined(name), token));
        }
        for (number, name) in
            words.numerals.iter().zip(1..).flat_map(|(of, n)| of.iter().map(move |w| (n, w)))
        {
            names.numerals.insert(names.joined(name), number);
        }
        names.weaken(words);
        names
    }

    fn add_rank(&mut self, rank: usize, name: &str) {
        self.written.entry(name.trim().to_lowercase()).or_insert(rank);
        let words = self.joined(name);
        // "a" and "p1" are found in too many names to be looked for.
        if name.chars().filter(|c| c.is_alphabetic()).count() > 1 {
            let has_number = words.contains(|c: char| c.is_ascii_digit());
            let place = Place { rank, number: None };
            self.add(words.clone(), if has_number { Token::Place(place) } else { Token::Rank(rank) });
        }
        if !words.is_empty() {
            self.whole.entry(words).or_insert(rank);
        }
    }

    fn add(&mut self, name: String, token: Token) {
        if !name.is_empty() {
            self.longest = self.longest.max(name.split(' ').count());
            self.within.entry(name).or_insert(token);
        }
    }

    /// Makes some names say their rank only where nothing else does: those that begin with a turning word, as "no SLA" in
    /// "High - no SLA", and fillers that are or begin with a name of a rank, as "standard SLA".
    fn weaken(&mut self, words: &Words) {
        let turning: HashSet<String> = words.turning.iter().map(|name| self.joined(name)).collect();
        let fillers: HashSet<String> = words.fillers.iter().map(|name| self.joined(name)).collect();
        let aside = |(name, token): (&String, &Token)| {
            let first = name.split(' ').next()?;
            let rank = match *token {
                Token::Rank(rank) if turning.contains(first) || fillers.contains(name) => rank,
                Token::Filler => match self.within.get(first) {
                    Some(&Token::Rank(rank)) => rank,
                    _ => return None,
                },
                _ => return None,
            };
            Some((name.clone(), Token::Aside(rank)))
        };
        let asides: Vec<(String, Token)> = self.within.iter().filter_map(aside).collect();
        self.within.extend(asides);
    }

    /// What `name` says; `None` where it says no rank, or more than one.
    pub(super) fn read(&self, name: &str) -> Option<Said> {
        let listed = || self.whole.get(&self.joined(name));
        if let Some(&rank) = self.written.get(&name.trim().to_lowercase()).or_else(listed) {
            return Some(Said { rank, place: None });
        }
        let words = self.words(name);
        let mut segments: Vec<Segment> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let (token, length) = self.token(&words[at..]);
            segments.resize_with(segments.len().max(words[at].segment + 1), Segment::default);
            segments[words[at].segment].add(token);
            at += length;
        }
        Heard::of(segments).said()
    }

    /// What the longest known name says that `words` begin with, and its length.
    fn token(&self, words: &[Word]) -> (Token, usize) {
        let longest = (1..=self.longest.min(words.len())).rev().find_map(|length| {
            let name = joined(&words[..length]);
            let place = || self.place(&name, &words[length..]).map(|token| (token, length + 1));
            place().or_else(|| Some((*self.within.get(&name)?, length)))
        });
        longest.unwrap_or_else(|| {
            let has_number = words[0].text.starts_with(char::is_numeric);
            (if has_number { Token::Number } else { Token::Unknown }, 1)
        })
    }

    /// The place in the order that the first of `words` is behind `name`.
    fn place(&self, name: &str, words: &[Word]) -> Option<Token> {
        let (first, after) = words.split_first()?;
        // "P V" is no fifth place.
        let number = place_number(first).or_else(|| self.numeral(first).filter(|_| name.len() > 1))?;
        if !self.numbered.contains(name) || self.ranks == 0 {
            return None;
        }
        let place = Place { rank: number.saturating_sub(1).min(self.ranks - 1), number: Some(number) };
        Some(if self.goes_on(first, after) { Token::Unsure } else { Token::Place(place) })
    }

    /// Whether a place's `number` goes on in the words after it: "P1/2", "P1 or 2", "P1.5", but not "P1 - 4 hours".
    fn goes_on(&self, number: &Word, after: &[Word]) -> bool {
        let Some(next) = after.first() else { return false };
        let is_number = |word: &Word| match self.numeral(number) {
            Some(_) => self.numeral(word).is_some(),
            None => place_number(word).is_some(),
        };
        let joins = self.within.get(&next.text) == Some(&Token::Joint);
        let ends = after.get(1).is_none_or(|word| word.segment != next.segment || is_number(word));
        (joins && next.segment == number.segment) || (is_number(next) && (next.glued || ends))
    }

    /// The number that a word spells out.
    fn numeral(&self, word: &Word) -> Option<usize> {
        self.numerals.get(&word.text).copied()
    }

    /// The words of a name in one string.
    fn joined(&self, name: &str) -> String {
        joined(&self.words(name))
    }

    /// The words of a name, less those that only announce a number.
    fn words(&self, name: &str) -> Vec<Word> {
        let mut words = words(name);
        for at in (1..words.len()).rev() {
            let is_number = words[at].text.chars().all(|c| c.is_ascii_digit());
            if is_number && self.number_signs.contains(&words[at - 1].text) {
                words.remove(at - 1);
            }
        }
        words
    }
}

/// The number of a word that is one, as far as it can be a place.
fn place_number(word: &Word) -> Option<usize> {
    word.text.parse().ok().filter(|number| *number <= LAST_PLACE)
}

fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The words of a name, in lower case and without accents. A word also ends before a digit and where `camelCase` begins
/// another: "P1" is two, "4h" is one, and so is the "2V" of "P2V".
fn words(name: &str) -> Vec<Word> {
    let chars: Vec<char> = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let mut words: Vec<Word> = Vec::new();
    let (mut segment, mut glued, mut last) = (0, false, ' ');
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            segment += usize::from(separates(c, last, at(i + 1)));
            glued &= !c.is_whitespace();
        } else if begins(c, last, at(i + 1)) {
            words.push(Word { text: String::new(), segment, glued });
            glued = true;
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            match c {
                'ß' => word.text.push_str("ss"),
                c => word.text.extend(c.to_lowercase()),
            }
        }
        last = c;
    }
    words
}

/// Whether a word begins with `c`, which is a letter or a digit.
fn begins(c: char, last: char, next: char) -> bool {
    !last.is_alphanumeric()
        || (c.is_numeric() && last.is_alphabetic())
        || (c.is_uppercase() && (last.is_lowercase() || (last.is_numeric() && next.is_lowercase())))
}

/// Whether `c` ends a segment. A hyphen does beside a space: "Low - no SLA", but not "Non-urgent".
fn separates(c: char, last: char, next: char) -> bool {
    match c {
        '-' | '\u{2010}' | '\u{2013}' => last.is_whitespace() || next.is_whitespace(),
        c => ",;:/\\|()[]{}<>\u{2014}".contains(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(name: &str) -> Vec<String> {
        words(name).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_name_is_its_words_whatever_stands_between_them() {
        for name in ["P1 - Élevée", "p-1: ELEVEE", "P#1_elevee", "p 1 (e\u{301}leve\u{301}e)", "P1Elevee"] {
            assert_eq!(texts(name), ["p", "1", "elevee"], "{name}");
        }
        assert_eq!(texts("größte 4h 24x7"), ["grosste", "4h", "24x", "7"]);
        assert_eq!(texts("VeryHigh SLA"), ["very", "high", "sla"]);
        assert_eq!(texts("P2V P4H"), ["p", "2v", "p", "4h"]);
        assert_eq!(texts(" - !"), [""; 0]);
    }

    #[test]
    fn a_separator_ends_a_segment() {
        let segments = |name: &str| words(name).iter().map(|word| word.segment).collect::<Vec<_>>();
        assert_eq!(segments("Non-P1 - low"), [0, 0, 0, 1]);
        assert_eq!(segments("a, b: c/d (e)"), [0, 1, 2, 3, 4]);
    }

    fn names() -> Names {
        let of = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let words = Words {
            turning: of(&["not", "less"]),
            fillers: of(&["very", "lane"]),
            joining: of(&["or"]),
            number_signs: of(&["no"]),
            numerals: vec![of(&["one", "i"]), of(&["two"])],
        };
        let ranks =
            [of(&["critical", "a"]), of(&["high", "2 - fast"]), of(&["normal", "not urgent", "7", "🐌"])];
        Names::new(&ranks, &of(&["P", "priority level"]), &words)
    }

    #[test]
    fn a_listed_name_has_its_rank_and_a_word_has_it_within_longer_names() {
        let rank = |name: &str| names().read(name).map(|said| said.rank);
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
        let rank = |name: &str| names().read(name).map(|said| said.rank);
        assert_eq!(
            ["P1", "p-2", "P 0", "P9", "Priority Level: 3"].map(rank),
            [Some(0), Some(1), Some(0), Some(2), Some(2)]
        );
        assert_eq!(["1", "Level 1", "P10", "P4h", "P1 or P2", "1P", "P"].map(rank), [None; 7]);
        assert_eq!([rank("P1 - High"), rank("2 - fast lane")], [Some(1), Some(1)], "the word decides");
    }

    #[test]
    fn a_name_that_says_two_things_or_its_opposite_has_no_rank() {
        let rank = |name: &str| names().read(name).map(|said| said.rank);
        assert_eq!(
            ["normal to high", "not critical", "less very high", "do not use - high"].map(rank),
            [None; 4]
        );
        assert_eq!([rank("not urgent"), rank("normal - Normal")], [Some(2), Some(2)]);
        // A place in the order still counts.
        assert_eq!([rank("P2 - normal to high"), rank("P3 - not critical")], [Some(1), Some(2)]);
    }

    #[test]
    fn an_explicit_place_is_told_beside_the_rank() {
        let said = |name: &str| names().read(name).map(|said| (said.rank, said.place));
        assert_eq!(said("P1 - High"), Some((1, Some(1))));
        assert_eq!(said("P7"), Some((2, Some(7))));
        assert_eq!(said("Priority level no. 2"), Some((1, Some(2))));
        assert_eq!([said("Priority level one"), said("P one")], [Some((0, Some(1))), None]);
        assert_eq!(["High", "7", "1 - Critical"].map(|name| said(name).unwrap().1), [None; 3]);
        assert_eq!(["P1/2", "P1 or 2", "P1.2", "P1-2 lane"].map(said), [None; 4]);
        assert_eq!(said("P1 - 4 hours"), Some((0, Some(1))));
    }
}
