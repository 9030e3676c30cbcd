//! Signatures: a name block at the end, below the delimiter `--`, below a closing phrase, or above telephone numbers and addresses;
//! and the lines that phones add.
//!
//! Must never cut a line that reads like a request, nor what follows a colon: a number, an address or a name may be what the ticket
//! is about.

use super::facts::{digits, is_name, is_prose};
use super::lines::{Page, key_value};
use super::removed::Kind;
use super::words::WORDS;

/// Lines at the end of a text among which a signature is looked for.
const MAX_LINES: usize = 20;
/// Longest line of a signature, in bytes.
const MAX_LENGTH: usize = 160;
/// Longest closing phrase with a name, in bytes.
const MAX_CLOSING: usize = 90;
/// Most words a name has after a closing phrase in the same line.
const MAX_NAME: usize = 4;
/// Lines above a name block in which words announce it.
const ANNOUNCED: usize = 3;
/// The delimiter that stands for a signature which HTML marks as one.
pub(super) const MARKED: &str = "-- -";

/// Marks signatures for cutting. `contact` is who wrote, where that is known.
pub(super) fn mark(page: &mut Page<'_>, contact: Option<&str>) {
    mobile_lines(page);
    let mut tail: Vec<usize> = page.live().rev().take(MAX_LINES + 1).collect();
    tail.reverse();
    let start =
        delimited(page, &tail).or_else(|| closed(page, &tail)).or_else(|| contacts(page, &tail, contact));
    if let Some(start) = start.filter(|&start| !is_led_to(page, start)) {
        page.cut(start..page.lines.len(), Kind::Signature);
    }
}

/// Whether the line above announces what follows.
fn is_led_to(page: &Page<'_>, start: usize) -> bool {
    page.live_before(start).is_some_and(|i| page.lines[i].folded.ends_with(':'))
}

fn mobile_lines(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live() && page.lines[line].len() <= 110 && is_mobile(page, line) {
            page.cut(line..line + 1, Kind::Signature);
        }
    }
}

/// "Sent from my phone": names a phone or a mail program, and starts or ends with the word for sent.
fn is_mobile(page: &Page<'_>, at: usize) -> bool {
    let line = page.lines[at].folded.trim_matches(|c: char| !c.is_alphanumeric());
    let line = line.split_once("<http").map_or(line, |(line, _)| line).trim_end();
    let listed = WORDS.programs.start(line) || (line.len() <= 70 && WORDS.mobile_lines.start(line));
    let short = || line.split_whitespace().count() <= 11;
    let sent = || WORDS.sent_words.after_start(line).is_some() || WORDS.sent_words.end_as_words(line);
    (listed || (short() && sent() && has_device(line))) && ends_paragraph(page, at) && !is_request(line)
}

/// Devices' names may be bent, as in `iPhonesta`, but start a word.
fn has_device(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || c == '"' || c == '-').any(|word| WORDS.devices.start(word))
        || ["iphone", "ipad", "android", "outlook", "手机", "휴대"].iter().any(|name| line.contains(name))
}

/// Whether a line is the last of its paragraph, or a paragraph of its own.
fn ends_paragraph(page: &Page<'_>, at: usize) -> bool {
    page.lines.get(at + 1).is_none_or(|next| next.is_blank() || !next.is_live() || next.quoted)
        || at == 0
        || page.lines[at - 1].is_blank()
}

/// Below the last delimiter stands a name block. A line `--` in a log, a list or a query has none below it.
fn delimited(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    let is_delimiter = |i: &usize| matches!(page.lines[*i].folded.as_str(), "--" | MARKED);
    let at = tail.iter().rposition(is_delimiter)?;
    let below = &tail[at + 1..];
    let marked = page.lines[tail[at]].folded == MARKED;
    let repeated = tail[..at].iter().any(is_delimiter);
    let named = below.first().is_none_or(|&i| starts_with_name(page.raw(i)));
    let contacts = below.iter().any(|&i| is_contact(page, i));
    let fits = below.iter().all(|&i| may_be_signed(page, i));
    (fits && (marked || (named && (!repeated || contacts)))).then(|| tail[at])
}

/// "Jo Doe", "Jo Doe | Acme", "Jo Doe, Acme Ltd", "Jo Doe - Sales".
fn starts_with_name(raw: &str) -> bool {
    let part = raw.split(['|', '·', '•', ',', '<', '(']).next().unwrap_or_default();
    is_name(part.split(" - ").next().unwrap_or_default()) || (is_closing_text(raw))
}

fn closed(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    for (at, &line) in tail.iter().enumerate().rev() {
        if is_closing(page, line) {
            let fits = tail.get(at + 1).is_none_or(|&below| may_name(page, below));
            return fits.then(|| tail[at]);
        }
        if !may_be_signed(page, line) {
            return None;
        }
    }
    None
}

/// Whether a line may stand right below a closing phrase: a name, a short form of one, or contact data.
fn may_name(page: &Page<'_>, line: usize) -> bool {
    let raw = page.raw(line);
    let one_word = raw.split_whitespace().count() == 1 && raw.chars().count() <= 20;
    let capital = raw.chars().find(|c| c.is_alphabetic()).is_none_or(|c| !c.is_lowercase());
    starts_with_name(raw)
        || is_contact(page, line)
        || (one_word && !raw.ends_with(['.', '!']))
        || (capital && raw.split_whitespace().count() <= 6)
}

/// Names, then two contact lines or more at the very end, one of them a telephone number.
fn contacts(page: &Page<'_>, tail: &[usize], contact: Option<&str>) -> Option<usize> {
    let block = tail.iter().rev().take_while(|&&i| is_contact(page, i)).count();
    let first = tail.len() - block;
    let phone = tail[first..].iter().any(|&i| is_phone(&page.lines[i].folded));
    if block < 2 || !phone {
        return None;
    }
    let names = tail[..first]
        .iter()
        .rev()
        .take(3)
        .take_while(|&&i| starts_with_name(page.raw(i)) || is_title(page.raw(i)));
    let names: Vec<usize> = names.copied().collect();
    let start = *names.last().filter(|&&i| starts_with_name(page.raw(i)))?;
    let above = page.live_before(start)?;
    let apart = above + 1 < start || page.raw(above).ends_with(['.', '!', '?', '。', '！']);
    (apart && !is_announced(page, start) && !is_another(page.raw(start), contact)).then_some(start)
}

/// A line such as "Head of Sales" between a name and its numbers.
fn is_title(raw: &str) -> bool {
    raw.split_whitespace().count() <= 6 && !is_prose(raw) && !raw.ends_with(['.', ':', '?', '!'])
}

/// Whether words above a name block say that it is about that person.
fn is_announced(page: &Page<'_>, start: usize) -> bool {
    let above = (0..start).rev().filter(|&i| page.lines[i].is_live() && !page.lines[i].is_blank());
    above.take(ANNOUNCED).any(|i| WORDS.introducers.within(&page.lines[i].folded))
}

/// Whether a name block names somebody else than who wrote.
fn is_another(raw: &str, contact: Option<&str>) -> bool {
    let Some(contact) = contact.map(str::to_lowercase).filter(|c| c.contains(char::is_alphabetic)) else {
        return false;
    };
    let name = raw.to_lowercase();
    !name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.chars().count() > 1)
        .any(|word| contact.contains(word))
}

/// Whether a line is a closing phrase, alone or with a name: "Thanks, Jo".
pub(super) fn is_closing(page: &Page<'_>, line: usize) -> bool {
    page.lines[line].len() <= MAX_CLOSING && is_closing_text(page.raw(line))
}

fn is_closing_text(raw: &str) -> bool {
    let trimmed = raw.trim_matches(|c: char| !c.is_alphanumeric());
    if trimmed.len() > MAX_CLOSING {
        return false;
    }
    let folded = super::lines::fold(trimmed);
    if WORDS.closings.is(&folded) {
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
    let named = rest.split_whitespace().count() <= MAX_NAME && is_name(rest) && !is_request(&rest_folded);
    named || is_short_name(rest) || WORDS.closings.is(&rest_folded)
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

/// A short line that asks for nothing and reports nothing.
fn may_be_signed(page: &Page<'_>, line: usize) -> bool {
    let folded = &page.lines[line].folded;
    page.lines[line].len() <= MAX_LENGTH && !is_request(folded) && !is_prose(page.raw(line))
}

pub(super) fn is_request(folded: &str) -> bool {
    folded.contains(['?', '？', '؟']) || WORDS.request_words.within(&format!(" {folded} "))
}

fn is_contact(page: &Page<'_>, line: usize) -> bool {
    let folded = page.lines[line].folded.as_str();
    page.lines[line].len() <= MAX_LENGTH && !is_request(folded) && (is_phone(folded) || is_address(folded))
}

/// "Tel: +44 20 7946 0000". Digits without a label or a plus may be anything.
fn is_phone(folded: &str) -> bool {
    let label = key_value(folded).map(|(key, _)| key.trim_end_matches('.'));
    let first = folded.split([' ', '.', ':']).next().unwrap_or_default();
    let labelled = label.is_some_and(|l| WORDS.contact_labels.is(l)) || WORDS.contact_labels.is(first);
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    (7..=45).contains(&digits(folded)) && letters <= 40 && (labelled || folded.starts_with(['+', '☎', '📞']))
}

/// A mail or web address alone in its line, with or without a label.
fn is_address(folded: &str) -> bool {
    let value = match key_value(folded) {
        Some((key, value)) if WORDS.contact_labels.is(key) => value,
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
        page.attempt(|page| mark(page, None));
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
            "\nJo Doe\nTel: 020 7946 0000\nwww.acme.example",
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
