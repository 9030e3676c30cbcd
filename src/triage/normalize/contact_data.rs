//! What a line of a name block holds: a name, a closing phrase, a telephone number, an address, an entry in a register.
//!
//! Must never call a line that asks for something contact data.

use std::borrow::Cow;

use super::facts::{digits, is_name, is_titled_name};
use super::lines::{Page, key_value};
use super::words::WORDS;

/// Longest line of a signature, in characters, and longest where its parts are separated.
pub(super) const MAX_LENGTH: usize = 160;
const MAX_PARTED: usize = 400;
/// Signs between the parts of such a line.
pub(super) const PARTS: [char; 8] = ['|', '·', '•', ';', ',', '、', '،', '／'];
/// Digits of an entry in a register, and of a telephone number, at least.
const REGISTER_DIGITS: usize = 4;
const PHONE_DIGITS: usize = 7;
/// Digits of one that needs no sign before it.
const LONG_PHONE: usize = 10;
/// Longest closing phrase with a name, in bytes.
pub(super) const MAX_CLOSING: usize = 90;
/// Signs between a closing phrase and the same in another language.
const LANGUAGES: [&str; 4] = [" / ", " | ", " - ", " // "];
/// The first letter of the scripts that write no blanks between words.
const UNSPACED: char = '\u{2e80}';
/// Most words a name has after a closing phrase in the same line.
const MAX_NAME: usize = 4;

/// "Jo Doe", "Jo Doe | Acme", "Jo Doe, Acme Ltd", "Jo Doe - Sales".
pub(super) fn starts_with_name(raw: &str) -> bool {
    // "Dipl.-Ing. (FH) Jo Doe"
    let opened = raw.split_once('(').and_then(|(before, rest)| Some((before, rest.split_once(')')?.1)));
    let raw = opened.map_or(Cow::Borrowed(raw), |(before, after)| Cow::Owned(format!("{before}{after}")));
    let part = raw.split(['|', '·', '•', ',', '<', '،', '、']).next().unwrap_or_default();
    let part =
        [" - ", " – ", " / "].iter().fold(part, |part, sign| part.split(sign).next().unwrap_or_default());
    let folded = if WORDS.name_prefixes.may_start(part) { super::lines::fold(part) } else { String::new() };
    let unprefixed = WORDS.name_prefixes.after_start(&folded).map(|rest| {
        let words = rest.split_whitespace().count();
        part.rsplitn(words + 1, ' ')
            .take(words)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join(" ")
    });
    is_titled_name(part) || unprefixed.is_some_and(|name| is_titled_name(&name)) || is_closing_text(&raw)
}

/// Whether a line is a closing phrase, alone or with a name: "Thanks, Jo".
pub(super) fn is_closing(page: &Page<'_>, line: usize) -> bool {
    page.lines[line].len() <= MAX_CLOSING && is_closing_text(page.raw(line))
}

pub(super) fn is_closing_text(raw: &str) -> bool {
    let trimmed = raw.trim_matches(|c: char| !c.is_alphanumeric());
    if trimmed.len() > MAX_CLOSING {
        return false;
    }
    if !WORDS.closings.may_start(trimmed) {
        return false;
    }
    let folded = super::lines::fold(trimmed);
    if !WORDS.closings.start(&folded) {
        return false;
    }
    // In two languages: "S pozdravem / Kind regards".
    let is_one = |part: &str| WORDS.closings.is(part.trim_matches(|c: char| !c.is_alphanumeric()));
    let in_two = |sign: &&str| folded.contains(*sign) && folded.split(*sign).all(is_one);
    if is_one(&folded) || LANGUAGES.iter().any(in_two) || is_joined(&folded) {
        return true;
    }
    let parted =
        trimmed.split_once([',', '!', '.', '，', '、']).map(|(phrase, rest)| (phrase.trim(), rest.trim()));
    let Some((phrase, rest)) = parted else { return closes_with_name(trimmed, &folded) };
    let folded = super::lines::fold(phrase);
    if !WORDS.closings.is(&folded) {
        return false;
    }
    let rest_folded = super::lines::fold(rest.trim_matches(|c: char| !c.is_alphanumeric()));
    // "Thanks, works now.", where letters have no case.
    let said = rest.ends_with(['。', '！', '।']);
    let named =
        rest.split_whitespace().count() <= MAX_NAME && is_name(rest) && !said && !is_request(&rest_folded);
    named || is_short_name(rest) || WORDS.closings.is(&rest_folded)
}

/// Two closing phrases of a script without blanks between words: `敬祝 商祺`.
fn is_joined(folded: &str) -> bool {
    let unspaced = folded.starts_with(|c: char| c >= UNSPACED);
    unspaced && WORDS.closings.after_start(folded).is_some_and(|rest| WORDS.closings.is(rest.trim()))
}

/// "Best regards Jo Doe": of one word, only a long one closes so.
fn closes_with_name(raw: &str, folded: &str) -> bool {
    let Some(rest) = WORDS.closings.after_start(folded) else { return false };
    let phrase = folded.len() - rest.len();
    let long = folded[..phrase].contains(' ') || phrase >= 8;
    let words = rest.split_whitespace().count();
    let name = raw.split_whitespace().rev().take(words).collect::<Vec<_>>();
    // "Greetings from Ulm"
    let is_link =
        |word: &&str| words > 1 && word.chars().count() <= 4 && word.chars().all(char::is_lowercase);
    let name: Vec<&str> = name.into_iter().rev().skip_while(is_link).collect();
    long && (1..=3).contains(&words) && is_name(&name.join(" "))
}

/// One word without a capital, as some sign: "thanks, jo".
fn is_short_name(rest: &str) -> bool {
    let letters = rest.trim_matches(|c: char| !c.is_alphanumeric());
    !letters.is_empty() && letters.chars().count() <= 3 && letters.chars().all(char::is_alphabetic)
}

pub(super) fn is_short(page: &Page<'_>, line: usize) -> bool {
    let raw = page.raw(line);
    let parted = raw.matches(PARTS).count() >= 2;
    raw.chars().count() <= if parted { MAX_PARTED } else { MAX_LENGTH }
}

pub(super) fn is_request(folded: &str) -> bool {
    folded.contains(['?', '？', '؟']) || WORDS.request_words.within(&format!(" {folded} "))
}

/// Pieces of contact data in a line.
pub(super) fn items(page: &Page<'_>, line: usize) -> usize {
    let folded = page.lines[line].folded.as_str();
    if !is_short(page, line) || is_request(folded) {
        return 0;
    }
    let parts = parts(folded).filter(|part| is_contact_text(part) || is_bare_phone(part)).count();
    parts.max(usize::from(is_contact_text(folded) || is_register(folded)))
}

pub(super) fn has_phone(page: &Page<'_>, line: usize) -> bool {
    let folded = page.lines[line].folded.as_str();
    is_phone(folded) || parts(folded).any(is_phone)
}

pub(super) fn phones(page: &Page<'_>, line: usize) -> usize {
    let folded = page.lines[line].folded.as_str();
    let parts = parts(folded).filter(|part| is_phone(part) || is_bare_phone(part)).count();
    parts.max(usize::from(is_phone(folded)))
}

fn parts(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(PARTS).flat_map(|part| part.split(" / ")).map(str::trim)
}

pub(super) fn is_contact(page: &Page<'_>, line: usize) -> bool {
    items(page, line) > 0
}

fn is_contact_text(folded: &str) -> bool {
    is_phone(folded) || is_address(folded)
}

/// An entry in a register of firms or of taxes: `HRB 1234`, `NIP 881-00-00-000`.
pub(super) fn is_register(folded: &str) -> bool {
    digits(folded) >= REGISTER_DIGITS && WORDS.registers.within_as_words(folded)
}

/// A firm by its legal form.
pub(super) fn is_firm(folded: &str) -> bool {
    WORDS.firms.within_as_words(folded)
}

/// "(11) 3555-4010"
pub(super) fn is_bare_phone(part: &str) -> bool {
    (PHONE_DIGITS..=15).contains(&digits(part))
        && (part.starts_with(['+', '(', '0'])
            || (digits(part) >= LONG_PHONE && part.contains(['-', ' ', '('])))
        && part.chars().all(|c| c.is_ascii_digit() || " +()-./".contains(c))
}

/// "Tel: +44 20 7946 0000". Digits without a label or a plus may be anything.
pub(super) fn is_phone(folded: &str) -> bool {
    let folded = folded.trim_start_matches(|c: char| !c.is_alphanumeric() && !"+(☎📞".contains(c));
    let label = key_value(folded).map(|(key, _)| key.trim_end_matches('.'));
    let known = |label: &str| {
        WORDS.contact_labels.is(label)
            || label.split(['/', ' ', '(']).next().is_some_and(|l| WORDS.contact_labels.is(l))
    };
    let first = folded.split([' ', '.', ':', '(', '+']).next().unwrap_or_default();
    let glued = folded.trim_end_matches(|c: char| !c.is_alphabetic()).trim_end();
    let labelled =
        label.is_some_and(known) || WORDS.contact_labels.is(first) || WORDS.contact_labels.is(glued);
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    (7..=45).contains(&digits(folded)) && letters <= 40 && (labelled || folded.starts_with(['+', '☎', '📞']))
}

/// Mail or web addresses in a line that has labels beside them and nothing else.
fn is_address(folded: &str) -> bool {
    let is_one = |word: &str| {
        word.contains('.') && (word.contains('@') || word.starts_with("www.") || word.starts_with("http"))
    };
    let is_label = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.is_empty() || WORDS.contact_labels.is(word)
    };
    let labelled = key_value(folded).filter(|(key, _)| WORDS.contact_labels.is(key.trim_end_matches('.')));
    let value = labelled.map_or(folded, |(_, value)| value);
    value.split_whitespace().any(is_one)
        && value.split_whitespace().all(|word| is_one(word) || is_label(word))
}
