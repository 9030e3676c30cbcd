//! Patterns of what is private whatever the desk: addresses, numbers, keys, hosts, links.
//!
//! Must never take a date, a version or an error code for a telephone number.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::PrivateKind;

/// Everything in `text` that a pattern finds, those of the patterns that decide first in front.
pub(super) fn matches(text: &str) -> impl Iterator<Item = (Range<usize>, PrivateKind)> {
    PATTERNS.iter().flat_map(move |(kind, pattern)| {
        let hits = pattern.captures_iter(text);
        let ranges = hits.filter_map(|hit| hit.get(1).or_else(|| hit.get(0)).map(|m| m.range()));
        ranges
            .filter(move |range| *kind != PrivateKind::Phone || is_phone(text, range))
            .map(move |range| (range, *kind))
    })
}

/// Patterns, the ones that decide first in front. Where a pattern has a group, only the group is private.
static PATTERNS: LazyLock<Vec<(PrivateKind, Regex)>> = LazyLock::new(|| {
    let secret = r"(?i)\b(?:pass(?:word|code|phrase|wort)|pwd|pin|kennwort|mot de passe|contraseña|senha|api[ _-]?key|secret|token|otp|(?:access|verification|recovery|temporary) (?:code|pass))\b(?:\s+(?:is|ist|est|es|to|lautet)|\s*[:=])\s*\W?([^\s,;]{3,})";
    let key = r"\b(?:[A-Z0-9]{4,8}-){2,}[A-Z0-9]{4,8}\b";
    let address = r"\b(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?\b|\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}\b";
    let host = r"\\\\[^\s\\]+(?:\\[^\s]*)?|\b[A-Za-z][\w.-]*\\[\w.-]+|\b[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]+)*-[A-Z]*\d+[A-Z0-9-]*\b|\b(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|io|de|fr|uk|eu|ch|at|ca|us|local|lan|internal|corp|intra|example|test|invalid)\b";
    let serial = r"(?i)\b(?:s/n|serial(?: (?:no|number))?|asset(?: tag)?|inventory(?: (?:no|number))?|seriennummer|numéro de série)\b[\s.:#]*([A-Z0-9][A-Z0-9-]{3,})|\b(?:[A-Z]+\d|\d+[A-Z])[A-Z0-9]{5,}\b";
    [
        (PrivateKind::Link, r#"(?i)\b(?:https?|ftp|file|ssh|rdp)://[^\s<>"']+|\bwww\.[^\s<>"']+"#),
        (PrivateKind::Mail, r"(?i)[\w.+'-]+@[\w-]+(?:\.[\w-]+)*"),
        (PrivateKind::Secret, secret),
        (PrivateKind::Key, key),
        (PrivateKind::Address, address),
        (PrivateKind::Phone, r"(?i)(?:\+|\b00)?\(?\d{1,5}\)?(?:[ ./-]?\(?\d{2,5}\)?){1,5}(?:\s*(?:ext|x|durchwahl|poste)\.?\s*\d{1,6})?"),
        (PrivateKind::Serial, serial),
        (PrivateKind::Host, host),
    ]
    .into_iter()
    .map(|(kind, pattern)| (kind, Regex::new(pattern).expect("the pattern is tested")))
    .collect()
});

/// Whether digits are no date, no version, no error code and no amount.
fn is_phone(text: &str, range: &Range<usize>) -> bool {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        // A day, and perhaps the hour after it.
        Regex::new(r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})(?: \d{1,2})?$")
            .expect("tested")
    });
    let hit = &text[range.clone()];
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let within =
        before.is_some_and(|c| c.is_alphanumeric() || c == '.') || after.is_some_and(char::is_alphanumeric);
    let digits = hit.bytes().filter(u8::is_ascii_digit).count();
    let dialled = hit.starts_with(['+', '0', '(']) || hit.contains([' ', '-', '/', '(']);
    (7..=18).contains(&digits) && dialled && !within && !DATE.is_match(hit)
}
