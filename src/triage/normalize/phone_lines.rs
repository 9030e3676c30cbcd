//! The lines that phones and mail programs add: "Sent from my phone", "Get Outlook for Android".
//!
//! Must never cut a line that asks for something, nor one in the middle of a paragraph.

use super::lines::Page;
use super::removed::Kind;
use super::signature::is_request;
use super::words::WORDS;

/// Longest such line, in bytes.
const MAX_LENGTH: usize = 110;

/// Marks the lines that phones add.
pub(super) fn mark(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live() && page.lines[line].len() <= MAX_LENGTH && is_mobile(page, line) {
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
    // "Please get Outlook for Android", as some languages say.
    let offer =
        !line.is_ascii() && line.contains("outlook") && (line.contains("android") || line.contains("ios"));
    (listed || (short() && sent() && has_device(line)))
        && ends_paragraph(page, at)
        && (!is_request(line) || (offer && sent()))
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
