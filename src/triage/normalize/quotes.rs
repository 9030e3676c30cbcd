//! Quoted replies, forwarded mail and mail headers.
//!
//! An answer's quotation is cut; a forwarded mail under a short note *is* the ticket, and only its headers
//! go. Must never judge by a single sign that people also type, such as `From:` alone.

use std::ops::Range;

use super::lines::{Fate, Line, Page, contains_any, key_value, starts_with_any};
use super::phrases::{
    ATTRIBUTION_OPENERS, ATTRIBUTION_VERBS, DATE_KEYS, FORWARD_MARKERS, FROM_KEYS, GREETINGS,
    ORIGINAL_MARKERS, OTHER_KEYS, RAW_KEYS, REPLY_LINES, SUBJECT_KEYS, TO_KEYS,
};
use super::removed::Kind;
use super::signature::is_closing;

/// A note above a forwarded mail with fewer letters than this does not replace it.
const SHORT_NOTE: usize = 200;
/// Outlook writes the same headers for an answer as for a forwarded mail: a note as short as "please help,
/// see below" means the latter.
const SHORT_ANSWER: usize = 30;
/// Fewer letters than this are no text of one's own.
const NOTHING: usize = 3;
/// Lines over which an "On ... wrote:" may be wrapped, and its length.
const ATTRIBUTION_LINES: usize = 3;
const ATTRIBUTION_LENGTH: usize = 300;
/// Lines of a header block, lists of recipients included.
const MAX_HEADERS: usize = 40;
/// Longest line that may be a marker.
const MARKER_LENGTH: usize = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Forward,
    /// A mail that is answered, or passed on without saying so.
    Original,
    Attribution,
    ReplyLine,
}

impl Marker {
    /// With fewer letters than this above it, what the marker stands over is kept.
    fn keeps_below(self) -> usize {
        match self {
            Marker::Forward => SHORT_NOTE,
            Marker::Original => SHORT_ANSWER,
            Marker::Attribution | Marker::ReplyLine => NOTHING,
        }
    }
}

/// Marks quotations and headers for cutting.
pub(super) fn mark(page: &mut Page<'_>) {
    let markers = find_markers(page);
    let own = has_own_words(page, &markers);
    let mut walk = Walk { above: 0, signed: None, keep_quoted: !own };
    let mut markers = markers.into_iter().peekable();
    let mut line = 0;
    while line < page.lines.len() {
        let marker = markers.next_if(|(_, lines)| lines.start == line);
        let quoted = page.lines[line].quoted;
        match marker {
            Some((marker, lines)) if !quoted || walk.keep_quoted || marker == Marker::Forward => {
                line = lines.end;
                if !walk.marker(page, marker, lines) {
                    return;
                }
            }
            _ => {
                walk.line(page, line);
                line += 1;
            }
        }
        while markers.next_if(|(_, lines)| lines.start < line).is_some() {}
    }
}

/// The state on the way down a mail.
struct Walk {
    /// Letters and digits kept so far, greetings and signatures apart.
    above: usize,
    /// Where the words above close.
    signed: Option<usize>,
    keep_quoted: bool,
}

impl Walk {
    /// Deals with a marker; false if all below was cut with it.
    fn marker(&mut self, page: &mut Page<'_>, marker: Marker, lines: Range<usize>) -> bool {
        let start = lines.start - usize::from(lines.start > 0 && is_rule(page, lines.start - 1));
        let end = page.lines.len();
        if marker == Marker::Attribution && !page.lines[lines.start].quoted && quote_follows(page, lines.end)
        {
            page.cut(start..lines.end, Kind::Header);
        } else if self.above < marker.keeps_below() {
            page.cut(start..lines.end, Kind::Header);
            if let Some(signed) = self.signed.take().filter(|_| self.above >= NOTHING) {
                page.cut(signed..start, Kind::Signature);
            }
            self.keep_quoted |= marker == Marker::Forward;
        } else {
            page.cut(start..end, Kind::Quote);
            return false;
        }
        true
    }

    fn line(&mut self, page: &mut Page<'_>, at: usize) {
        let line = &mut page.lines[at];
        if !line.is_live() {
            return;
        }
        if line.quoted && !self.keep_quoted {
            line.fate = Fate::Cut(Kind::Quote);
            return;
        }
        if line.quoted {
            line.fate = Fate::Unquote;
        }
        if is_closing(&line.folded) || line.folded == "--" {
            self.signed.get_or_insert(at);
        } else if self.signed.is_none() && !is_greeting(&line.folded) {
            self.above += line.substance;
        }
    }
}

fn find_markers(page: &Page<'_>) -> Vec<(Marker, Range<usize>)> {
    let mut markers = Vec::new();
    let mut at = 0;
    while at < page.lines.len() {
        match marker_at(page, at) {
            Some((marker, end)) => {
                markers.push((marker, at..end));
                at = end;
            }
            None => at += 1,
        }
    }
    markers
}

fn has_own_words(page: &Page<'_>, markers: &[(Marker, Range<usize>)]) -> bool {
    let mut markers = markers.iter().peekable();
    let mut own = |i: &usize| {
        while markers.next_if(|(_, lines)| lines.end <= *i).is_some() {}
        let in_marker = markers.peek().is_some_and(|(_, lines)| lines.contains(i));
        let line = &page.lines[*i];
        !in_marker && !line.quoted && line.substance > 0 && !is_greeting(&line.folded)
    };
    page.live().any(|i| own(&i))
}

/// The marker that starts at a line, and the line after its last.
fn marker_at(page: &Page<'_>, at: usize) -> Option<(Marker, usize)> {
    let line = &page.lines[at];
    if !line.is_live() || line.substance == 0 {
        return None;
    }
    if line.len() <= MARKER_LENGTH {
        let words = line.folded.trim_matches(|c: char| !c.is_alphanumeric());
        if contains_any(words, REPLY_LINES) {
            return Some((Marker::ReplyLine, at + 1));
        }
        let ruled = line.folded.starts_with(['-', '_', '=']);
        let named = line.folded.ends_with(':');
        if FORWARD_MARKERS.contains(&words) && (ruled || named) || is_gmail_forward(words, ruled) {
            return Some((Marker::Forward, after_headers(page, at + 1)));
        }
        if ORIGINAL_MARKERS.contains(&words) && ruled {
            return Some((Marker::Original, after_headers(page, at + 1)));
        }
    }
    if let Some(end) = header_block(page, at) {
        return Some((Marker::Original, end));
    }
    attribution(page, at).map(|end| (Marker::Attribution, end))
}

fn is_gmail_forward(words: &str, ruled: bool) -> bool {
    ruled && words.len() <= 60 && starts_with_any(words, FORWARD_MARKERS)
}

/// Skips the headers, and one blank line, that follow a marker.
fn after_headers(page: &Page<'_>, at: usize) -> usize {
    let start = at + usize::from(page.lines.get(at).is_some_and(Line::is_blank));
    let headers = Headers::read(page, start);
    if headers.count > 0 { headers.end } else { at }
}

fn header_block(page: &Page<'_>, at: usize) -> Option<usize> {
    let key = header_key(&page.lines[at].folded)?;
    if !matches!(key, Key::From | Key::Raw) && page.live().next() != Some(at) {
        return None;
    }
    let headers = Headers::read(page, at);
    headers.are_a_mails().then_some(headers.end)
}

/// A "Key: value" of a mail's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    From,
    Date,
    To,
    Subject,
    Other,
    Raw,
}

fn header_key(folded: &str) -> Option<Key> {
    let (key, _) = key_value(folded)?;
    let tables =
        [(FROM_KEYS, Key::From), (DATE_KEYS, Key::Date), (TO_KEYS, Key::To), (SUBJECT_KEYS, Key::Subject)];
    if let Some((_, key)) = tables.iter().find(|(keys, _)| keys.contains(&key)) {
        return Some(*key);
    }
    if RAW_KEYS.contains(&key) || (key.starts_with("x-") && !key.contains(' ')) {
        return Some(Key::Raw);
    }
    OTHER_KEYS.contains(&key).then_some(Key::Other)
}

/// What a run of header lines holds.
struct Headers {
    end: usize,
    count: usize,
    seen: [bool; 6],
    address: bool,
}

impl Headers {
    fn read(page: &Page<'_>, start: usize) -> Self {
        let mut headers = Self { end: start, count: 0, seen: [false; 6], address: false };
        let mut last = None;
        for (at, line) in page.lines.iter().enumerate().skip(start).take(MAX_HEADERS) {
            let key = header_key(&line.folded);
            let goes_on = match last {
                Some(Key::Raw) => {
                    !line.is_blank() && (line.folded.contains('=') || line.folded.contains(';'))
                }
                Some(Key::To | Key::Other) => line.folded.contains('@') || line.folded.ends_with(';'),
                _ => false,
            };
            if let Some(key) = key {
                headers.seen[key as usize] = true;
                headers.count += 1;
                headers.address |= key == Key::From && line.folded.contains('@');
                last = Some(key);
            } else if line.is_blank() && Self::blank_inside(page, at, headers.count) {
                continue;
            } else if !goes_on {
                break;
            }
            headers.end = at + 1;
        }
        headers
    }

    /// A blank line between two headers, as HTML paragraphs leave it.
    fn blank_inside(page: &Page<'_>, at: usize, count: usize) -> bool {
        count > 0 && page.lines.get(at + 1).is_some_and(|l| header_key(&l.folded).is_some())
    }

    /// A sender and a subject, or a sender with an address and a date; or two headers of a raw mail. People
    /// ask for a shift "From: ... To: ..." too.
    fn are_a_mails(&self) -> bool {
        let seen = |key: Key| self.seen[key as usize];
        let read = seen(Key::From) && (seen(Key::Subject) || (seen(Key::Date) && self.address));
        read || (seen(Key::Raw) && self.count >= 2)
    }
}

/// "On Monday, Jo wrote:", also when wrapped: the line after it.
fn attribution(page: &Page<'_>, at: usize) -> Option<usize> {
    let first = &page.lines[at];
    let opens = starts_with_any(&first.folded, ATTRIBUTION_OPENERS)
        || first.folded.contains('@')
        || first.folded.starts_with(|c: char| c.is_ascii_digit());
    if !opens || first.folded.len() > ATTRIBUTION_LENGTH {
        return None;
    }
    let mut joined = String::new();
    for (end, line) in page.lines.iter().enumerate().skip(at).take(ATTRIBUTION_LINES) {
        if line.is_blank() || line.quoted != first.quoted || joined.len() > ATTRIBUTION_LENGTH {
            return None;
        }
        joined.push(' ');
        joined.push_str(&line.folded);
        if joined.ends_with(':') {
            return is_attribution(joined.trim_start()).then_some(end + 1);
        }
    }
    None
}

fn is_attribution(joined: &str) -> bool {
    let verb = contains_any(joined, ATTRIBUTION_VERBS);
    let number = joined.contains(|c: char| c.is_ascii_digit());
    let address = joined.contains('@') && joined.contains(['<', '(']);
    let opener = starts_with_any(joined, ATTRIBUTION_OPENERS);
    let dated = joined.starts_with(|c: char| c.is_ascii_digit()) && joined.ends_with(">:");
    (verb && (address || (opener && number && is_dated(joined)))) || (dated && address)
}

/// Whether a year, a clock time or a day with its month stands in the line: two numbers at least.
fn is_dated(joined: &str) -> bool {
    joined.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).take(2).count() == 2
}

fn quote_follows(page: &Page<'_>, at: usize) -> bool {
    page.lines[at..].iter().find(|l| !l.is_blank()).is_some_and(|l| l.quoted)
}

/// A line of dashes or underscores.
fn is_rule(page: &Page<'_>, at: usize) -> bool {
    let line = &page.lines[at].folded;
    line.len() >= 3 && line.bytes().all(|b| b"-_=".contains(&b))
}

fn is_greeting(folded: &str) -> bool {
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(5).count();
    words <= 4 && starts_with_any(folded, GREETINGS) && !folded.ends_with(['?', '.'])
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
    fn attributions_in_the_main_languages() {
        for line in [
            "On Mon, 4 Mar 2024 at 10:12, Jo Doe <jo@example.com> wrote:",
            "On Mon, Mar 4, 2024 at 10:12 AM Jo Doe\n<jo@example.com> wrote:",
            "Am 04.03.2024 um 10:12 schrieb Jo Doe:",
            "Am Mo., 4. März 2024 um 10:12 Uhr schrieb Jo Doe <jo@example.com>:",
            "Le lun. 4 mars 2024 à 10:12, Jo Doe <jo@example.com> a écrit :",
            "El lun, 4 mar 2024 a las 10:12, Jo Doe (<jo@example.com>) escribió:",
            "Em seg., 4 de mar. de 2024 às 10:12, Jo Doe escreveu:",
            "Il giorno lun 4 mar 2024 alle ore 10:12 Jo Doe ha scritto:",
            "Op ma 4 mrt 2024 om 10:12 schreef Jo Doe <jo@example.com>:",
            "2024-03-04 10:12 GMT+01:00 Jo Doe <jo@example.com>:",
        ] {
            assert_eq!(cut(&format!("It works now.\n\n{line}\nThe old text")), "It works now.", "{line}");
            assert_eq!(cut(&format!("It works now.\n\n{line}\n> The old text\n> more")), "It works now.");
        }
    }

    #[test]
    fn what_only_resembles_a_quotation_stays() {
        for text in [
            "On the screen it says:\nfatal error",
            "Please move me\nFrom: desk 12\nTo: desk 40\nDate: Monday",
            "From: London\nTo: Paris\nI need a laptop for the trip",
            "Name: Jo\nSubject: printer\nMessage: it is broken",
            "The printer says: paper jam\nIt is on floor 2",
        ] {
            assert_eq!(cut(text), text);
        }
    }

    #[test]
    fn answers_between_and_below_quoted_lines_stay() {
        let text = "On 4 Mar 2024 at 10:12 Jo wrote:\n> Which PC?\nPC-0042\n> Since when?\nSince Monday";
        assert_eq!(cut(text), "PC-0042\nSince Monday");
    }

    #[test]
    fn a_forwarded_mail_is_the_ticket_under_a_short_note() {
        let mail =
            "From: Jo <jo@example.com>\nSent: Monday\nTo: IT\nSubject: VPN\n\nThe VPN drops every hour.";
        assert_eq!(cut(&format!("FYI\n\n{mail}")), "FYI\n\n\nThe VPN drops every hour.");
        assert_eq!(cut(mail), "The VPN drops every hour.");
        let marked = format!(
            "Hi team, can you look at what our client writes?\n\n---------- Forwarded message ---------\n{mail}"
        );
        assert!(cut(&marked).ends_with("The VPN drops every hour."));
        let long = format!("{}\n\n{mail}", "I called them and we agreed on a new date. ".repeat(3).trim());
        assert!(!cut(&long).contains("VPN"));
    }

    #[test]
    fn only_quoted_text_loses_its_marks() {
        assert_eq!(cut("> The printer\n> is broken"), "The printer\nis broken");
    }
}
