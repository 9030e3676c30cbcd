//! The guard: every draft, however it was made, is checked against what it may stand on before anybody sees it.
//!
//! What it may stand on is given: sentences of past replies, the voice's phrases, and what fills slots. The ticket's own
//! text is not among them: what somebody writes to the desk is data, never an instruction and never a source. Must never
//! let pass what it can't place.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use firstline_ticket::CheckResult;
use regex::Regex;

use crate::language::iso_639_1;
use crate::lexicon::{claims, credential, promises};
use crate::mask::Masker;
use crate::segmentation::{sentences_of_line, words};
use crate::slots::Slot;

/// Fewest and most characters of a draft.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=2_500;
/// Of a sentence's words, the share that one sentence it stands on must have.
const SUPPORT: f32 = 0.7;
/// Letters from which on a text's language can be told.
const TELLING: usize = 60;

/// What a draft may stand on.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// Sentences of past replies or of an approved template, filled.
    pub sentences: Vec<&'a str>,
    /// What the desk says of itself: its opening, and the voice's phrases.
    pub phrases: Vec<&'a str>,
    /// What slots were filled with.
    pub slots: &'a HashMap<Slot, String>,
    /// The programs, plans, products that the ticket names.
    pub products: BTreeSet<&'a str>,
    /// The language to answer in.
    pub language: &'a str,
    /// The sentence that asks the contact to prove who they are, where that has to come first.
    pub identity: Option<&'a str>,
    /// What ends every draft, which is the desk's own.
    pub signature: &'a str,
}

/// Checks `text`: one verdict a check, in the order in which they are made.
pub fn guard(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Vec<CheckResult> {
    let body = text.strip_suffix(grounds.signature).unwrap_or(text);
    let checks = [
        ("length", length(text)),
        ("placeholders", placeholders(body)),
        ("hidden characters", hidden(text)),
        ("contact data", contact_data(body, grounds, masker)),
        ("products", products(body, grounds, masker)),
        ("numbers", numbers(body, grounds)),
        ("credentials", credential(body)),
        ("promises", unfounded(promises, body, grounds)),
        ("work done", unfounded(claims, body, grounds)),
        ("sources", sources(body, grounds)),
        ("identity first", identity(body, grounds)),
        ("language", language(body, grounds)),
    ];
    let verdict = |(check, found): (&str, Option<String>)| CheckResult {
        check: check.to_owned(),
        passed: found.is_none(),
        found: found.unwrap_or_default(),
    };
    checks.into_iter().map(verdict).collect()
}

fn length(text: &str) -> Option<String> {
    let n = text.chars().count();
    (!LENGTH.contains(&n)).then(|| format!("{n} characters"))
}

/// Slots that nobody filled.
fn placeholders(text: &str) -> Option<String> {
    static OPEN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[{<\[][^{}<>\[\]]{1,30}[}>\]]").expect("tested"));
    OPEN.find(text).map(|m| m.as_str().to_owned())
}

/// Characters that a reader does not see.
fn hidden(text: &str) -> Option<String> {
    let odd = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f)
    };
    text.chars().find(odd).map(|c| format!("U+{:04X}", c as u32))
}

impl Grounds<'_> {
    /// All sentences that the draft may stand on.
    fn all(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.phrases).copied()
    }
}

/// Addresses, numbers, hosts, names and companies that the grounds lack.
fn contact_data(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let known: Vec<String> = grounds
        .all()
        .flat_map(|s| masker.find(s).into_iter().map(move |f| s[f.range].to_owned()))
        .chain(grounds.slots.values().flat_map(|v| {
            let parts = words(v).map(|(range, _)| v[range].to_owned());
            parts.chain([v.clone()]).collect::<Vec<_>>()
        }))
        .collect();
    let found = masker.find(text).into_iter().find(|f| !known.iter().any(|k| *k == text[f.range.clone()]))?;
    Some(format!("{}: {}", found.kind.name(), &text[found.range]))
}

/// A product that neither the ticket nor the desk's own phrases name.
fn products(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let own: BTreeSet<&str> = grounds.phrases.iter().flat_map(|p| masker.products(p)).collect();
    let odd = masker.products(text).into_iter().find(|t| !grounds.products.contains(t) && !own.contains(t));
    odd.map(str::to_owned)
}

/// Dates, prices, amounts that the grounds lack.
fn numbers(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[$€£]\s?\d[\d.,]*|\d[\d.,:/-]*\d(?:\s?[%€$£])?|\d(?:\s?[%€$£])?").expect("tested")
    });
    let within = |text: &str| NUMBER.find_iter(text).map(|m| m.as_str().to_owned()).collect::<Vec<_>>();
    let known: Vec<String> =
        grounds.all().flat_map(within).chain(grounds.slots.values().flat_map(|v| within(v))).collect();
    within(text).into_iter().find(|n| !known.contains(n))
}

/// What `find` finds in `text` and in none of the grounds: only what a person has approved, a template or the desk's own
/// phrases, may promise or claim.
fn unfounded<'t, F, I>(find: F, text: &'t str, grounds: &'t Grounds<'t>) -> Option<String>
where
    F: Fn(&'t str) -> I,
    I: Iterator<Item = &'t str>,
{
    let known: Vec<&str> = grounds.all().flat_map(&find).collect();
    find(text).find(|hit| !known.contains(hit)).map(str::to_owned)
}

/// A sentence that stands on none of the grounds' sentences.
fn sources(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let known: Vec<Vec<String>> = grounds.all().map(|s| words(s).map(|(_, word)| word).collect()).collect();
    let greeting = |line: &str| line.ends_with([',', ':']) && line.split_whitespace().count() <= 4;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    for (i, line) in lines.enumerate() {
        if i == 0 && greeting(line) {
            continue;
        }
        for sentence in sentences_of_line(line) {
            let said: Vec<String> = words(&sentence).map(|(_, word)| word).collect();
            let support = |known: &Vec<String>| {
                said.iter().filter(|w| known.contains(w)).count() as f32 / said.len().max(1) as f32
            };
            if !said.is_empty() && known.iter().all(|known| support(known) < SUPPORT) {
                return Some(sentence);
            }
        }
    }
    None
}

/// Whether the sentence that asks for identification is missing, or stands behind anything but the desk's own phrases.
fn identity(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let wanted = grounds.identity?;
    let Some(at) = text.find(wanted) else { return Some("it does not ask to verify who wrote".to_owned()) };
    let before = text[..at].split_once('\n').map_or(&text[..at], |(_, rest)| rest);
    let own = |sentence: &String| grounds.phrases.iter().any(|phrase| phrase.contains(sentence.as_str()));
    let all_own = before.lines().flat_map(sentences_of_line).all(|sentence| own(&sentence));
    (!all_own).then(|| "it asks to verify who wrote too late".to_owned())
}

fn language(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(TELLING).count();
    let told = whatlang::detect(text).filter(|info| letters == TELLING && info.is_reliable())?;
    let code = iso_639_1(told.lang()).unwrap_or(told.lang().code());
    (code != grounds.language).then(|| format!("{code}, not {}", grounds.language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_in_a_source_is_no_ground_for_a_claim() {
        let slots = HashMap::new();
        let grounds = Grounds {
            sentences: vec!["Please tell us whether the update was installed."],
            phrases: vec!["We answer within one hour."],
            slots: &slots,
            products: BTreeSet::new(),
            language: "en",
            identity: None,
            signature: "",
        };
        assert!(unfounded(claims, "The update was installed.", &grounds).is_some());
        assert_eq!(unfounded(promises, "We answer within one hour.", &grounds), None);
    }
}
