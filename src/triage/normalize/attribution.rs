//! The line that introduces a quotation, wrapped or not: somebody's address or name, and a date.
//!
//! Must never take a sentence that leads to the sender's own quotation for one: `At 10:12 the server printed:`.

use super::facts::{Address, address, has_clock, is_dated};
use super::lines::{Line, Page, fold};
use super::words::WORDS;

/// Lines over which it may be wrapped, and its length.
const MAX_LINES: usize = 4;
const MAX_LENGTH: usize = 300;
/// Words beside address and date.
const MAX_WORDS: usize = 16;
/// Words of a verb, at most.
const VERB_WORDS: usize = 3;
/// Words of a name before a verb, as of a service desk's.
const NAME_WORDS: usize = 4;

/// The line after an attribution that starts at `at`.
pub(super) fn end(page: &Page<'_>, at: usize) -> Option<usize> {
    let first = &page.lines[at];
    if first.folded.len() > MAX_LENGTH {
        return None;
    }
    let mut length = 0;
    for (end, line) in page.lines.iter().enumerate().skip(at).take(MAX_LINES) {
        if line.is_blank() || line.quoted != first.quoted || length + line.folded.len() > MAX_LENGTH {
            return None;
        }
        length += 1 + line.folded.len();
        let quoted = quote_follows(page, end + 1);
        if quoted || line.folded.ends_with(':') {
            if !may_start(&first.folded) {
                return None;
            }
            let (mut joined, mut written) = (String::new(), String::new());
            for (i, line) in page.lines.iter().enumerate().take(end + 1).skip(at) {
                joined.push(' ');
                joined.push_str(&line.folded);
                written.push(' ');
                written.push_str(page.raw(i));
            }
            let whole = joined.trim_start().replace("< ", "<").replace(" >", ">");
            let named = address(&whole).is_some() || names_writer(&written, quoted);
            return (named && is_attribution(&whole, quoted)).then_some(end + 1);
        }
    }
    None
}

/// A line that a wrapped attribution may start with has part of its date or address.
fn may_start(folded: &str) -> bool {
    folded.contains(|c: char| c.is_numeric() || c == '@' || c == '<')
        || WORDS.attribution_verbs.within(folded)
}

fn is_attribution(joined: &str, quote_follows: bool) -> bool {
    let colon = joined.ends_with(':');
    let dated = is_dated(joined);
    let words = joined.split_whitespace().count();
    if words > MAX_WORDS + 10 || joined.contains('?') || !(dated || colon) {
        return false;
    }
    let verb = WORDS.attribution_verbs.within_as_words(joined);
    let tail = joined.rsplit(['>', ')', ',']).next().unwrap_or_default();
    match address(joined) {
        Some(Address::Bracketed) if !dated => colon && words <= 10 && (verb || quote_follows),
        // A date and a name with its address, as programs write them: no verb is needed.
        Some(Address::Bracketed) => {
            dated
                && words <= MAX_WORDS + 8
                && (colon || (quote_follows && verb))
                && (verb || tail.split_whitespace().count() <= 6)
        }
        Some(Address::Bare) => verb && colon && (dated || words <= 8),
        None if !dated => false,
        // Without an address: a verb that programs write, and a date with its time or its year, close together.
        None if verb => {
            colon && words <= MAX_WORDS && (has_clock(joined) || quote_follows || has_full_date(joined))
        }
        // `04.03.2024 10:12, Jo Doe:` over quoted lines.
        None => {
            colon && quote_follows && words <= 8 && has_clock(joined) && joined.starts_with(char::is_numeric)
        }
    }
}

/// Whether a person's name stands beside the verb: two words with capitals, or one over quoted lines. A server, `Excel` or `the
/// system` write too. Where letters have no case, nothing tells.
fn names_writer(written: &str, quoted: bool) -> bool {
    let words: Vec<&str> = written.split_whitespace().collect();
    let capital = |word: &&str| {
        word.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase)
            && !word.contains(char::is_numeric)
    };
    let needed = if quoted { 1 } else { 2 };
    // "Service desk", "Centre de services" over quoted lines.
    let beside = |start: usize, end: usize| {
        let name = |words: &[&str]| words.iter().filter(|word| capital(word)).count() >= needed;
        let (before, after) = (&words[start.saturating_sub(NAME_WORDS)..start], &words[end..]);
        let joined = |words: &[&str]| quoted && name(words);
        let before =
            joined(before) || (before.iter().rev().take_while(|word| capital(word)).count() >= needed);
        before || after.iter().take_while(|word| capital(word)).count() >= needed || joined(after)
    };
    let verbs = (0..words.len())
        .flat_map(|start| (start + 1..=(start + VERB_WORDS).min(words.len())).map(move |end| (start, end)));
    let is_verb = |start: usize, end: usize| {
        let verb = fold(&words[start..end].join(" "));
        verb.contains(char::is_lowercase)
            && WORDS.attribution_verbs.is(verb.trim_matches(|c: char| !c.is_alphanumeric()))
    };
    let mut found = verbs.filter(|&(start, end)| is_verb(start, end)).peekable();
    found.peek().is_none() || found.any(|(start, end)| beside(start, end))
}

fn has_full_date(joined: &str) -> bool {
    joined.split(|c: char| !c.is_numeric()).filter(|n| !n.is_empty()).count() >= 2
}

/// Whether the next line of something is quoted.
pub(super) fn quote_follows(page: &Page<'_>, at: usize) -> bool {
    page.lines
        .get(at..)
        .is_some_and(|lines| lines.iter().find(|l: &&Line| !l.is_blank()).is_some_and(|l| l.quoted))
}
