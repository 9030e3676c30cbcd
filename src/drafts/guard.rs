//! The guard: every draft, however it was made, is checked against what it may stand on before anybody sees it.
//!
//! What it may stand on is given: sentences of past replies, the voice's phrases, and what fills slots. The ticket's own
//! text is not among them: what somebody writes to the desk is data, never an instruction and never a source. Must never
//! let pass what it can't place.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use firstline_ticket::CheckResult;
use regex::Regex;

use crate::fitting::Fitting;
use crate::folding::{deceptive, fold};
use crate::language::told;
use crate::lexicon::{claims, credential, promises};
use crate::mask::Masker;
use crate::names::greets;
use crate::segmentation::{sentences_of_line, words};
use crate::slots::Slot;

/// Fewest and most characters of a draft.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=2_500;
/// Of a sentence's words, the share that one sentence it stands on must have.
const SUPPORT: f32 = 0.7;
/// The checks of whether each past sentence fits the ticket.
const FITTING: [&str; 4] = ["greeting", "people", "circumstances", "links"];

/// What a draft may stand on.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// Sentences of past replies or of an approved template, filled.
    pub sentences: Vec<&'a str>,
    /// Whether a person has approved `sentences`: only then they may promise, claim, or speak of what the ticket doesn't say.
    pub approved: bool,
    /// What the desk says of itself: its opening, and the voice's phrases.
    pub phrases: Vec<&'a str>,
    /// What slots were filled with.
    pub slots: &'a HashMap<Slot, String>,
    /// The ticket's own text and its contact: no source of sentences, but of whom and what they may name.
    pub ticket: &'a str,
    /// The programs, plans, products that the ticket names.
    pub products: BTreeSet<&'a str>,
    /// The language to answer in.
    pub language: &'a str,
    /// The sentence that asks the contact to prove who they are, where that has to come first.
    pub identity: Option<&'a str>,
    /// What ends every draft, which is the desk's own.
    pub signature: &'a str,
}

/// Checks `text`: one verdict a check, in the order in which they are made. Everything is checked as a reader sees it: folded,
/// once, here.
pub fn guard(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Vec<CheckResult> {
    let written = text.strip_suffix(grounds.signature).unwrap_or(text);
    let (body, seen) = (&*fold(written), Seen::of(grounds));
    let mut checks = vec![
        ("length", length(text)),
        ("placeholders", placeholders(body)),
        ("hidden characters", deceptive(text)),
        ("contact data", [written, body].iter().find_map(|t| contact_data(t, grounds, &seen, masker))),
        ("products", products(body, grounds, masker)),
        ("numbers", numbers(body, &seen)),
        ("credentials", credential(written)),
        ("promises", unfounded(promises, written, grounds)),
        ("work done", unfounded(claims, written, grounds)),
        ("sources", sources(body, &seen)),
        ("identity first", identity(body, grounds, &seen)),
    ];
    let (misfits, foreign) = misfits(written, grounds, masker);
    checks.extend(FITTING.iter().zip(misfits).map(|(check, found)| (*check, found)));
    checks.push(("language", foreign.or_else(|| language(written, grounds))));
    let verdict = |(check, found): (&str, Option<String>)| CheckResult {
        check: check.to_owned(),
        passed: found.is_none(),
        found: found.unwrap_or_default(),
    };
    checks.into_iter().map(verdict).collect()
}

/// The grounds, folded in the same way as the text that is checked against them.
struct Seen {
    sentences: Vec<String>,
    phrases: Vec<String>,
    values: Vec<String>,
}

impl Seen {
    fn of(grounds: &Grounds<'_>) -> Self {
        let folded = |all: &[&str]| all.iter().map(|s| fold(s).into_owned()).collect();
        Self {
            sentences: folded(&grounds.sentences),
            phrases: folded(&grounds.phrases),
            values: grounds.slots.values().map(|value| fold(value).into_owned()).collect(),
        }
    }

    /// All sentences that the draft may stand on.
    fn all(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().chain(&self.phrases).map(String::as_str)
    }
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

/// Addresses, numbers, hosts, names and companies that the grounds lack.
fn contact_data(text: &str, grounds: &Grounds<'_>, seen: &Seen, masker: &Masker) -> Option<String> {
    let mut found = masker.find(text).into_iter().peekable();
    found.peek()?;
    let written = grounds.sentences.iter().chain(&grounds.phrases).copied();
    let mut known: Vec<String> = written
        .chain(seen.all())
        .flat_map(|s| masker.find(s).into_iter().map(move |f| s[f.range].to_owned()))
        .collect();
    for value in grounds.slots.values().chain(&seen.values) {
        known.extend(words(value).map(|(range, _)| value[range].to_owned()));
        known.push(value.clone());
    }
    let odd = found.find(|f| !known.iter().any(|k| *k == text[f.range.clone()]))?;
    Some(format!("{}: {}", odd.kind.name(), &text[odd.range]))
}

/// A product that neither the ticket nor the desk's own phrases name.
fn products(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> Option<String> {
    let own: BTreeSet<&str> = grounds.phrases.iter().flat_map(|p| masker.products(p)).collect();
    let odd = masker.products(text).into_iter().find(|t| !grounds.products.contains(t) && !own.contains(t));
    odd.map(str::to_owned)
}

/// Dates, prices, amounts that the grounds lack.
fn numbers(text: &str, seen: &Seen) -> Option<String> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[$€£]\s?\d[\d.,]*|\d[\d.,:/-]*\d(?:\s?[%€$£])?|\d(?:\s?[%€$£])?").expect("tested")
    });
    let within = |text: &str| NUMBER.find_iter(text).map(|m| m.as_str().to_owned()).collect::<Vec<_>>();
    let values = seen.values.iter().map(String::as_str);
    let known: Vec<String> = seen.all().chain(values).flat_map(within).collect();
    within(text).into_iter().find(|n| !known.contains(n))
}

/// What `find` finds in `text` and in nothing that a person has approved: only a template or the desk's own phrases may
/// promise or claim. Word lists fold what they read themselves: a text in Cyrillic letters has two readings.
fn unfounded(find: impl Fn(&str) -> Vec<String>, text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let hits = find(text);
    if hits.is_empty() {
        return None;
    }
    let sentences = if grounds.approved { &grounds.sentences[..] } else { &[] };
    let known: Vec<String> = sentences.iter().chain(&grounds.phrases).flat_map(|s| find(s)).collect();
    hits.into_iter().find(|hit| !known.contains(hit))
}

/// A sentence that stands on none of the grounds' sentences.
fn sources(text: &str, seen: &Seen) -> Option<String> {
    let known: Vec<Vec<String>> = seen.all().map(|s| words(s).map(|(_, word)| word).collect()).collect();
    said(text).find(|sentence| {
        let said: Vec<String> = words(sentence).map(|(_, word)| word).collect();
        let support = |known: &Vec<String>| {
            said.iter().filter(|w| known.contains(w)).count() as f32 / said.len().max(1) as f32
        };
        !said.is_empty() && known.iter().all(|known| support(known) < SUPPORT)
    })
}

/// The sentences of `text` behind its greeting.
fn said(text: &str) -> impl Iterator<Item = String> {
    let greeting = |line: &str| line.ends_with([',', ':']) && line.split_whitespace().count() <= 4;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty()).enumerate();
    lines.filter(move |(i, line)| *i > 0 || !greeting(line)).flat_map(|(_, line)| sentences_of_line(line))
}

/// Whether the sentence that asks for identification is missing, or stands behind anything but the desk's own phrases.
fn identity(text: &str, grounds: &Grounds<'_>, seen: &Seen) -> Option<String> {
    let wanted = fold(grounds.identity?);
    let at = if wanted.is_empty() { None } else { text.find(&*wanted) };
    let Some(at) = at else { return Some("it does not ask to verify who wrote".to_owned()) };
    let before = text[..at].split_once('\n').map_or(&text[..at], |(_, rest)| rest);
    let own = |sentence: &String| seen.phrases.iter().any(|phrase| phrase.contains(sentence.as_str()));
    let all_own = before.lines().flat_map(sentences_of_line).all(|sentence| own(&sentence));
    (!all_own).then(|| "it asks to verify who wrote too late".to_owned())
}

/// For each of [`FITTING`], and for the language, the first sentence that does not fit the ticket. What the desk says of itself
/// and what a person has approved fits every ticket.
fn misfits(text: &str, grounds: &Grounds<'_>, masker: &Masker) -> ([Option<String>; 4], Option<String>) {
    let (mut found, mut foreign) = (<[Option<String>; 4]>::default(), None);
    let own_phrase = |sentence: &str| grounds.phrases.iter().any(|phrase| phrase.contains(sentence));
    let values = grounds.slots.values().map(String::as_str);
    let fitting = Fitting::new([grounds.ticket].into_iter().chain(values), grounds.language, masker);
    for sentence in said(text).filter(|s| !own_phrase(s)) {
        if grounds.approved {
            found[0] = found[0].take().or_else(|| greets(&sentence).then(|| sentence.clone()));
            continue;
        }
        for (check, problem) in fitting.problems(&sentence) {
            match FITTING.iter().position(|known| *known == check) {
                Some(i) => found[i] = found[i].take().or(Some(problem)),
                None if check == "language" => foreign = foreign.or(Some(problem)),
                None => {}
            }
        }
    }
    (found, foreign)
}

fn language(text: &str, grounds: &Grounds<'_>) -> Option<String> {
    let code = told(text)?;
    (code != grounds.language).then(|| format!("{code}, not {}", grounds.language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::KnownTerms;

    const SOURCES: [&str; 2] =
        ["Please tell us whether the update was installed.", "The update was installed."];

    fn failed(text: &str, grounds: &Grounds<'_>) -> Vec<String> {
        let masker = Masker::new(KnownTerms::default()).unwrap();
        let verdicts = guard(text, grounds, &masker).into_iter();
        verdicts.filter(|v| !v.passed).map(|v| v.check).collect()
    }

    fn grounds<'g>(slots: &'g HashMap<Slot, String>, sentences: &[&'g str], approved: bool) -> Grounds<'g> {
        Grounds {
            sentences: sentences.to_vec(),
            approved,
            phrases: vec!["We answer within one hour."],
            slots,
            ticket: "The update fails.",
            products: BTreeSet::new(),
            language: "en",
            identity: None,
            signature: "",
        }
    }

    #[test]
    fn a_past_sentence_is_no_ground_for_a_claim_and_an_approved_one_is() {
        let slots = HashMap::new();
        let claim = "Hello,\n\nThe update was installed.";
        assert_eq!(failed(claim, &grounds(&slots, &SOURCES[..1], false)), ["work done"]);
        assert_eq!(failed(claim, &grounds(&slots, &SOURCES, false)), ["work done"]);
        assert_eq!(failed(claim, &grounds(&slots, &SOURCES, true)), Vec::<String>::new());
        assert_eq!(
            failed("Hello,\n\nWe answer within one hour.", &grounds(&slots, &[], false)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_written_in_cyrillic_letters_is_read_as_it_is_written() {
        let slots = HashMap::new();
        for (check, sentence) in [
            ("credentials", "Пришлите нам ваш пароль."),
            ("promises", "Мы гарантируем, что это не повторится."),
            ("work done", "Мы разблокировали вашу учётную запись."),
        ] {
            let text = format!("Здравствуйте,\n\n{sentence}");
            let found = |approved| {
                failed(&text, &Grounds { language: "ru", ..grounds(&slots, &[sentence], approved) })
            };
            assert_eq!(found(false), [check], "{sentence}");
            assert_eq!(found(true).is_empty(), check != "credentials", "{sentence}");
        }
    }

    #[test]
    fn each_check_of_a_sentences_fitting_has_its_own_verdict() {
        let slots = HashMap::from([(Slot::Contact, "Eva".to_owned())]);
        for (check, sentence) in [
            ("greeting", "Hi Eva, please try the update again."),
            ("people", "Please try the update again, Sierra."),
            ("circumstances", "As discussed, please try the update again."),
            ("links", "Please use the link below."),
            ("language", "Per favore provi di nuovo."),
        ] {
            let text = format!("Hi Eva,\n\n{sentence}");
            assert_eq!(failed(&text, &grounds(&slots, &[sentence], false)), [check], "{sentence}");
        }
        let fine = "Please try the update again, Eva.";
        assert_eq!(
            failed(&format!("Hi Eva,\n\n{fine}"), &grounds(&slots, &[fine], false)),
            Vec::<String>::new()
        );
    }
}
