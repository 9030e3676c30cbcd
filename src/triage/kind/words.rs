//! The word lists of `words.toml`, and the form in which texts and phrases are compared: lower case, no accents, one blank
//! between words.

use std::cell::Cell;

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Deserializer};
use toml::Table;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::lists::{self, Lists};

/// Bytes of a line at the foot of a mail, beyond which it is a sentence of somebody's.
const LONGEST_LINE: usize = 160;
/// Bytes of a message that are read to tell an acknowledgement.
const ACKNOWLEDGEMENT: usize = 1_500;

/// The built-in lists, as a file.
pub(crate) const LISTS: &str = include_str!("words.toml");

thread_local! {
    static SITE: Cell<Option<&'static Words>> = const { Cell::new(None) };
}

/// All lists.
pub(super) static WORDS: Lists<Words> =
    Lists::new(|| toml::from_str(LISTS).expect("the built-in words are tested"), &SITE);

/// Runs `read` with a site's lists, or with the built-in ones where there are none.
pub(crate) fn under<R>(lists: Option<&'static Words>, read: impl FnOnce() -> R) -> R {
    WORDS.under(lists, read)
}

/// Whether the built-in file has a table of lists of this name.
pub(crate) fn has_list(name: &str) -> bool {
    toml::from_str::<Table>(LISTS).is_ok_and(|lists| lists.contains_key(name))
}

/// Lists of phrases, by what they are for; `words.toml` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(super) auto_reply: AutoReply,
    pub(super) bounce: Bounce,
    pub(super) receipt: Mail,
    pub(super) calendar: Mail,
    pub(super) acknowledgement: Acknowledgement,
    pub(super) newsletter: Newsletter,
    pub(super) notice: Senders,
    pub(super) talk: Talk,
    pub(super) passed_on: PassedOn,
    pub(super) thanks: Thanks,
}

impl Words {
    /// The built-in lists with the phrases of `more`.
    pub(crate) fn with(more: &Table) -> Result<Self, String> {
        let mut all: Table = toml::from_str(LISTS).map_err(|error| error.to_string())?;
        lists::add(&mut all, more, &|_, phrase| phrase.to_owned())?;
        all.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AutoReply {
    pub(super) roots: Phrases,
    pub(super) subject: Phrases,
    pub(super) body: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounce {
    pub(super) sender: Phrases,
    pub(super) system: Phrases,
    pub(super) subject: Phrases,
    pub(super) body: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) subject: Phrases,
    pub(super) body: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledgement {
    pub(super) customer: Phrases,
    pub(super) body: Phrases,
    pub(super) automatic: Phrases,
    pub(super) no_reply: Phrases,
    pub(super) yours: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Talk {
    pub(super) please: Phrases,
    pub(super) elsewhere: Phrases,
    pub(super) body: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Newsletter {
    pub(super) foot: Phrases,
    pub(super) subject: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Senders {
    pub(super) sender: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassedOn {
    pub(super) answer: Phrases,
    pub(super) forward: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thanks {
    pub(super) solved: Phrases,
    pub(super) filler: Phrases,
    pub(super) whole: Phrases,
}

/// Some phrases, folded.
#[derive(Debug)]
pub(super) struct Phrases {
    sorted: Vec<String>,
    find: AhoCorasick,
}

impl<'de> Deserialize<'de> for Phrases {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let phrases: Vec<String> = Vec::deserialize(from)?;
        let mut sorted: Vec<String> = phrases.iter().map(|phrase| fold(phrase).trim().to_owned()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let padded = sorted.iter().map(|phrase| match phrase.chars().all(is_unspaced) {
            true => phrase.clone(),
            false => format!(" {phrase} "),
        });
        let find = AhoCorasick::new(padded).map_err(serde::de::Error::custom)?;
        Ok(Self { sorted, find })
    }
}

impl Phrases {
    /// Whether the folded text `all` is one of them.
    pub(super) fn has(&self, all: &str) -> bool {
        self.sorted.binary_search_by(|phrase| phrase.as_str().cmp(all.trim())).is_ok()
    }

    /// Whether one of them stands in `text`, which is [folded](fold).
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.find.is_match(text)
    }

    /// Whether one of them stands in `text`, which is [folded](fold), be it as a part of a word.
    pub(super) fn is_part_of(&self, text: &str) -> bool {
        self.sorted.iter().any(|phrase| text.contains(phrase.as_str()))
    }

    /// How many of them stand in `text`, which is [folded](fold). What a longer one holds does not count again.
    pub(super) fn count(&self, text: &str) -> usize {
        let mut seen = vec![false; self.sorted.len()];
        let (mut count, mut reached) = (0, 0);
        for hit in self.find.find_overlapping_iter(text) {
            if !std::mem::replace(&mut seen[hit.pattern().as_usize()], true) && hit.start() + 1 >= reached {
                count += 1;
                reached = hit.end();
            }
        }
        count
    }

    /// How many lines of `text` begin with one of them; a line between two strokes counts by itself, and the first only where another
    /// does.
    pub(super) fn count_lines(&self, text: &str) -> usize {
        let lines = text.split(['\n', '|', '•', '·']).map(str::trim).filter(|line| !line.is_empty());
        let mut found = lines.map(|line| line.len() <= LONGEST_LINE && self.begin(&fold(line)));
        let first = found.next().unwrap_or_default();
        let others = found.filter(|found| *found).take(8).count();
        others + usize::from(first && others > 0)
    }

    /// Whether `text`, which is [folded](fold), begins with one of them.
    pub(super) fn begin(&self, text: &str) -> bool {
        self.find.find(text).is_some_and(|hit| hit.start() <= 1)
    }
}

/// Whether a letter is of a script that puts no blank between words, or puts prefixes on them.
fn is_unspaced(c: char) -> bool {
    c == ' ' || ('\u{590}'..='\u{8ff}').contains(&c) || c >= '\u{e00}'
}

/// `text` in lower case, without accents, one blank between words and at both ends.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    folded.push(' ');
    for c in text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            folded.push(c);
        } else if !is_combining_mark(c) && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded
}

/// Whether `text` is a service desk's automatic acknowledgement, as far as its words tell: it says two things that such mails say,
/// and asks nothing.
pub(crate) fn is_acknowledgement(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(ACKNOWLEDGEMENT)];
    if head.len() < text.len() || head.contains(['?', '？', '؟']) {
        return false;
    }
    let (said, words) = (fold(head), &WORDS.acknowledgement);
    words.body.count(&said) >= 2 && !words.customer.is_in(&said) && !WORDS.talk.body.is_in(&said)
}
