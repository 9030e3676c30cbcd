//! Signatures: the delimiter `--`, closing phrases with a short block of names below, lines that phones add,
//! and contact blocks at the end.
//!
//! Must never cut a line that reads like a request: a sender who goes on after "Thanks," is heard.

use super::lines::{Page, contains_any, key_value, starts_with_any};
use super::phrases::{CLOSINGS, CONTACT_LABELS, MOBILE_LINES, REQUEST_WORDS};
use super::removed::Kind;

/// Lines at the end of a text among which a signature is looked for.
const MAX_LINES: usize = 20;
/// Longest line of a signature, in bytes.
const MAX_LENGTH: usize = 120;
/// Most words a name has after a closing phrase in the same line.
const MAX_NAME: usize = 3;

/// Marks signatures for cutting.
pub(super) fn mark(page: &mut Page<'_>) {
    mobile_lines(page);
    let mut tail: Vec<usize> = page.live().rev().take(MAX_LINES + 1).collect();
    tail.reverse();
    if let Some(start) =
        delimited(page, &tail).or_else(|| closed(page, &tail)).or_else(|| contacts(page, &tail))
    {
        page.cut(start..page.lines.len(), Kind::Signature);
    }
}

fn mobile_lines(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        let folded = page.lines[line].folded.trim_start_matches(|c: char| !c.is_alphanumeric());
        if page.lines[line].len() <= 70 && starts_with_any(folded, MOBILE_LINES) && !is_request(folded) {
            page.cut(line..line + 1, Kind::Signature);
        }
    }
}

fn delimited(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    let at = tail.iter().rposition(|&i| page.lines[i].folded == "--" || page.lines[i].folded == "-- -")?;
    tail[at + 1..].iter().all(|&i| may_be_signed(page, i)).then(|| tail[at])
}

fn closed(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    for (at, &line) in tail.iter().enumerate().rev() {
        if is_closing(&page.lines[line].folded) {
            return Some(tail[at]);
        }
        if !may_be_signed(page, line) {
            return None;
        }
    }
    None
}

/// Two contact lines or more at the very end, one of them a telephone number with its label.
fn contacts(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    let block = tail.iter().rev().take_while(|&&i| is_contact(page, i));
    let (mut count, mut phone, mut start) = (0, false, None);
    for &line in block {
        count += 1;
        phone |= is_phone(&page.lines[line].folded);
        start = Some(line);
    }
    start.filter(|_| count >= 2 && phone)
}

/// Whether a line is a closing phrase, alone or with a name: "Thanks, Jo".
pub(super) fn is_closing(folded: &str) -> bool {
    let line = folded.trim_matches(|c: char| !c.is_alphanumeric());
    if line.len() > 60 {
        return false;
    }
    if CLOSINGS.contains(&line) {
        return true;
    }
    let Some((phrase, name)) = line.split_once([',', '!', '.']) else { return false };
    CLOSINGS.contains(&phrase.trim())
        && name.split_whitespace().count() <= MAX_NAME
        && !is_request(name)
        && !line.contains(|c: char| c.is_ascii_digit())
        || (CLOSINGS.contains(&phrase.trim()) && CLOSINGS.contains(&name.trim()))
}

/// A short line that asks for nothing and reports nothing.
fn may_be_signed(page: &Page<'_>, line: usize) -> bool {
    let folded = &page.lines[line].folded;
    page.lines[line].len() <= MAX_LENGTH && !is_request(folded) && !is_sentence(folded)
}

fn is_request(folded: &str) -> bool {
    folded.contains('?') || contains_any(&format!(" {folded} "), REQUEST_WORDS)
}

fn is_sentence(folded: &str) -> bool {
    let words = folded.split_whitespace().count();
    let data = folded.contains(['@', '|', '·', '•']) || folded.contains(|c: char| c.is_ascii_digit());
    !data && ((words >= 5 && folded.ends_with(['.', '!'])) || words >= 11)
}

fn is_contact(page: &Page<'_>, line: usize) -> bool {
    let folded = page.lines[line].folded.as_str();
    page.lines[line].len() <= MAX_LENGTH && !is_request(folded) && (is_phone(folded) || is_address(folded))
}

/// "Tel: +44 20 7946 0000". Digits without a label or a plus may be anything.
fn is_phone(folded: &str) -> bool {
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let label = key_value(folded).map(|(key, _)| key.trim_end_matches('.'));
    let first = folded.split([' ', '.']).next().unwrap_or_default();
    let labelled = label.is_some_and(|l| CONTACT_LABELS.contains(&l)) || CONTACT_LABELS.contains(&first);
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    (7..=45).contains(&digits) && letters <= 40 && (labelled || folded.starts_with('+'))
}

/// A mail or web address alone in its line, with or without a label.
fn is_address(folded: &str) -> bool {
    let value = match key_value(folded) {
        Some((key, value)) if CONTACT_LABELS.contains(&key) => value,
        _ => folded,
    };
    let one = !value.contains(' ') && value.contains('.');
    one && (value.contains('@') || value.starts_with("www.") || value.starts_with("http"))
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut(text: &str) -> String {
        let text = Text::new(text);
        let mut page = Page::new(&text);
        page.attempt(mark);
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn closings_take_the_block_below() {
        for closing in [
            "Kind regards,\nJo Doe\nOffice Manager\nAcme Ltd\n+44 20 7946 0000",
            "Thanks, Jo",
            "Thanks!",
            "Mit freundlichen Grüßen\n\nMax Muster\nMusterfirma GmbH\nHauptstr. 1, 10115 Berlin",
            "Cordialement,\nJeanne Dupont",
            "Saludos,\nAna",
            "Met vriendelijke groet,\nJan",
            "-- \nJo Doe | Acme | www.acme.example",
            "Sent from my iPhone",
            "Von meinem iPhone gesendet",
            "Tel: 020 7946 0000\nwww.acme.example",
        ] {
            assert_eq!(
                cut(&format!("The printer is broken.\n{closing}")),
                "The printer is broken.",
                "{closing}"
            );
        }
    }

    #[test]
    fn requests_are_never_cut() {
        for text in [
            "Thanks for looking at the printer\nIt fails on floor 2",
            "Hi\nThanks,\nCan you also reset my password?",
            "Printer broken\nRegards\nJo\nPS the scanner does not work",
            "Best laptop for video work",
            "See\n-- \nplease call me, the VPN is down",
            "Servers down:\n10.0.0.1\n10.0.0.2",
            "This link fails:\nhttps://example.com/a",
            "Thanks",
        ] {
            assert_eq!(cut(text), text);
        }
    }
}
