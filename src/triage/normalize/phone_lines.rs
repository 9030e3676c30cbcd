//! The lines that phones and mail programs add: "Sent from my phone", "Get Outlook for Android".
//!
//! Must never cut a line that asks for something, nor one in the middle of a paragraph.

use super::lines::Page;
use super::removed::Kind;
use super::signature::is_request;
use super::words::WORDS;

/// Longest such line, in bytes.
const MAX_LENGTH: usize = 110;
/// Words of such a line, of one in which no device is named, of one that offers a program, and of an excuse for its spelling, at most.
const MAX_WORDS: usize = 11;
const FEW_WORDS: usize = 5;
const OFFER_WORDS: usize = 8;
const APOLOGY_WORDS: usize = 12;
/// Words after the device, at most, and letters of such a word that only links.
const AFTER_DEVICE: usize = 2;
const LINK_LETTERS: usize = 3;
/// Programs that are offered below a mail, and for what.
const PROGRAMS: [&str; 5] = ["outlook", "yahoo", "bluemail", "typeapp", "spark"];
const SYSTEMS: [&str; 5] = ["android", "ios", "iphone", "ipad", "mac"];

/// Marks the lines that phones add.
pub(super) fn mark(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live() && page.lines[line].len() <= MAX_LENGTH && is_mobile(page, line) {
            page.cut(line..line + 1, Kind::Signature);
        }
    }
}

/// "Sent from my phone": names a phone or a mail program, starts or ends with the word for sent, and says nothing more.
fn is_mobile(page: &Page<'_>, at: usize) -> bool {
    let line = page.lines[at].folded.trim_matches(|c: char| !c.is_alphanumeric());
    let line = line.split_once("<http").map_or(line, |(line, _)| line).trim_end();
    // "Please get Outlook for Android", as some languages say.
    let offer = is_offer(line);
    (offer || is_sent(page.raw(at), line) || is_program(line))
        && ends_paragraph(page, at)
        && (!is_request(line) || (offer && !line.is_ascii()))
}

/// "Get Outlook for Android"; the system ends the line, or the verb does.
fn is_offer(line: &str) -> bool {
    let system = |text: &str| SYSTEMS.iter().any(|name| text.contains(name));
    let last = line.split_whitespace().next_back().unwrap_or_default();
    let verb = WORDS.sent_words.after_start(line).is_some() || WORDS.mobile_lines.start(line);
    let ends = WORDS.sent_words.end_as_words(line);
    line.split_whitespace().count() <= OFFER_WORDS
        && PROGRAMS.iter().any(|name| line.contains(name))
        && system(line)
        && ((verb && system(last)) || ends)
}

/// "Sent from my phone": a word that links follows, or the device does; or "from my phone sent".
fn is_sent(raw: &str, line: &str) -> bool {
    let words = line.split_whitespace().count();
    if words > MAX_WORDS {
        return false;
    }
    if WORDS.sent_words.end_as_words(line) && has_device(line) {
        return true;
    }
    let listed = line.len() <= 70 && WORDS.mobile_lines.start(line);
    let Some(rest) = WORDS.sent_words.after_start(line) else {
        return listed && (has_device(line) || words <= FEW_WORDS) && ends_with_device(raw, line);
    };
    let rest = rest.trim_start();
    let first = rest.split([' ', '\'', '’']).next().unwrap_or_default();
    let uncased = !rest.contains(|c: char| c.is_lowercase());
    let linked = uncased || WORDS.sent_links.is(first) || has_device(first);
    (has_device(rest) || (listed && words <= FEW_WORDS)) && linked && ends_with_device(raw, line)
}

/// Whether nothing but the rest of a device's name follows the device: `Samsung Galaxy`, `my mobile device`.
fn ends_with_device(raw: &str, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some(last) = words.iter().rposition(|word| has_device(word)) else { return true };
    let after = &words[last + 1..];
    let written: Vec<&str> = raw.split_whitespace().collect();
    let small = |at: usize| {
        let word = written.get(at).copied().unwrap_or_default();
        word.starts_with(char::is_lowercase) && word.chars().count() > LINK_LETTERS
    };
    let small = (last + 1..words.len()).filter(|&at| small(at)).count();
    let cut_off = words[last].ends_with([':', ',', ';']);
    after.len() <= AFTER_DEVICE && small <= 1 && !(cut_off && !after.is_empty())
}

/// Other lines of mail programs: the phrase and little more.
fn is_program(line: &str) -> bool {
    let Some(rest) = WORDS.programs.after_start(line) else { return false };
    // "Yahoo Mail: Search, Organize, Conquer"
    let slogan =
        line.starts_with("yahoo mail") && line.matches(',').count() > 1 && !line.contains(['.', ';']);
    let named = rest.split_whitespace().count() <= 1 && !rest.trim_start().starts_with(char::is_alphabetic);
    let apology = !has_device(line) && line.split_whitespace().count() <= APOLOGY_WORDS;
    let sent = WORDS.sent_words.end_as_words(line) && has_device(line);
    slogan || named || apology || sent
}

/// Devices' names may be bent, as in `iPhonesta`, but start a word.
fn has_device(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || c == '"' || c == '-').any(|word| WORDS.devices.start(word))
        || ["iphone", "ipad", "android", "outlook", "手机", "휴대", "điện thoại"]
            .iter()
            .any(|name| line.contains(name))
}

/// Whether a line is the last of its paragraph, or a paragraph of its own.
fn ends_paragraph(page: &Page<'_>, at: usize) -> bool {
    page.lines.get(at + 1).is_none_or(|next| next.is_blank() || !next.is_live() || next.quoted)
        || at == 0
        || page.lines[at - 1].is_blank()
}
