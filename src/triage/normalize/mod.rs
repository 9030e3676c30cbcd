//! Ticket text made fit for a model: HTML to text; quotations, signatures, disclaimers, headers and portal
//! lines cut off; characters put right; and, for every byte that is left, where it came from.
//!
//! A pipeline of passes over `text::Text`, each linear in time and memory; HTML depth is a counter. It
//! must never fail, never panic, and never leave nothing where a reader would see words: a pass that would
//! is taken back.
//!
//! `normalize(normalize(x).text).text == normalize(x).text`, save where the first run brings to light what the
//! second takes for its own: HTML that shows HTML (`&lt;p&gt;`), damaged letters that an invisible character
//! kept apart, and cuts nested more than `MAX_ROUNDS` deep.

mod alert;
mod attribution;
mod boilerplate;
mod chars;
mod codepages;
mod contact_data;
mod disclaimer;
#[rustfmt::skip]
mod elements;
mod entity;
mod escaped;
mod facts;
mod headers;
mod html;
mod intake;
mod lines;
mod marked;
mod marks;
mod markup;
mod mojibake;
mod name_block;
mod phone_lines;
mod quotes;
mod reading;
mod recurrence;
mod removed;
mod runs;
mod signature;
mod subject;
mod text;
mod tokens;
mod topics;
mod transfer;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use reading::{FieldCut, Reading, read};
pub use removed::{Cut, Kind, Removed};
pub use text::Segment;
pub(crate) use words::{PHRASES, SitePhrases, has_list, under};

use lines::Page;
use name_block::Signer;
use recurrence::Earlier;
use subject::Hint;
use text::{Editor, Text};

/// Bytes kept of the start and the end of a text that is longer than both together: of the text as it was sent, and of what is
/// visible of it. The encoder reads some hundred tokens; what is kept holds any quotation, signature and notice around them.
const SENT: [usize; 2] = [192 << 10, 64 << 10];
const VISIBLE: [usize; 2] = [24 << 10, 8 << 10];

/// Cutting one thing may lay another bare, as a signature under a disclaimer.
const MAX_ROUNDS: usize = 6;

/// A text as the model reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Normalized {
    /// The text that is left. No line has blanks at its ends, no two blank lines follow one another.
    pub text: String,
    /// How much was taken away, and why.
    pub removed: Removed,
    /// Whether the original was HTML.
    pub is_html: bool,
    /// Whether a monitoring system wrote it.
    pub is_alert: bool,
    segments: Vec<Segment>,
}

impl Normalized {
    /// The byte range of the original that `output`, a byte range of [`text`](Self::text), came from. It is
    /// empty for what the normaliser put in, and covers the whole of a character that was changed, such as
    /// an entity. Ranges out of bounds are clamped.
    pub fn source_range(&self, output: Range<usize>) -> Range<usize> {
        text::source_of(&self.segments, output)
    }

    /// The text in order, piece by piece, with where each came from.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Leaves these bytes of the text, without blank lines at their ends, and cuts the others for `reason`.
    fn keep(&mut self, kept: Range<usize>, reason: Kind) {
        let whole = &self.text;
        let trimmed = |range: Range<usize>| {
            let text = &whole[range.clone()];
            let start = range.start + text.len() - text.trim_start().len();
            start..start + text.trim().len()
        };
        let [before, kept, after] = [0..kept.start, kept.clone(), kept.end..whole.len()].map(trimmed);
        for gap in [before, after].into_iter().filter(|gap| !gap.is_empty()) {
            self.removed.cut(reason, gap.len(), text::source_of(&self.segments, gap));
        }
        let text = Text::from_parts(std::mem::take(&mut self.text), std::mem::take(&mut self.segments));
        let mut editor = Editor::new(&text);
        editor.keep(kept);
        (self.text, self.segments) = editor.finish().into_parts();
        self.join_cuts();
    }

    /// Cuts what is not the sender's message again, once something was taken away that had hidden it.
    fn cut_again(&mut self, setting: &Setting<'_>) {
        let text = Text::from_parts(std::mem::take(&mut self.text), std::mem::take(&mut self.segments));
        let (text, _) = cut(text, setting, &mut self.removed);
        (self.text, self.segments) = text.into_parts();
        self.join_cuts();
    }

    /// Forgets where the text came from, to take less memory.
    fn forget_source(&mut self) {
        (self.text, self.segments) = Text::new(&self.text).into_parts();
        self.removed.forget_cuts();
    }

    fn join_cuts(&mut self) {
        let segments = &self.segments;
        self.removed.join(|gap| {
            let first = segments.partition_point(|s| s.source.end <= gap.start);
            segments.get(first).is_some_and(|s| s.source.start < gap.end)
        });
    }
}

/// What is known of a text beside its words.
#[derive(Debug, Default)]
struct Setting<'a> {
    /// What the subject above it says.
    hint: Hint,
    /// Who wrote it.
    contact: Option<&'a str>,
    /// What the ticket's other messages hold.
    earlier: Earlier,
    /// Whether nothing of it may be left: another field says what the ticket is about.
    may_be_empty: bool,
}

/// Normalises a subject, a mail or a note of any kind by itself; [`read`] does so with a ticket, which knows more. The cost is linear
/// in the text and bounded: of a text over 256 KiB, and of what is visible over 32 KiB, the first three quarters of so much and the
/// last quarter are kept ([`Kind::Truncated`]).
pub fn normalize(original: &str) -> Normalized {
    normalize_in(original, &Setting::default())
}

fn normalize_in(original: &str, setting: &Setting<'_>) -> Normalized {
    let mut removed = Removed::default();
    let text = bounded(Text::new(original), SENT, &mut removed);
    let text = chars::line_ends(&text).unwrap_or(text);
    let text = transfer::decode(&text).unwrap_or(text);
    let text = escaped_markup(&text).unwrap_or(text);
    let is_html = html::is_html(text.as_str());
    let text = match is_html {
        true => {
            let plain = counted(&text, markup::to_text(&text, &mut removed), Kind::Markup, &mut removed);
            marked::cut(&plain, &mut removed).unwrap_or(plain)
        }
        false => text,
    };
    let text = bounded(text, VISIBLE, &mut removed);
    let text = escaped::unescape(&text, is_html).unwrap_or(text);
    let text = mojibake::repair(&text).unwrap_or(text);
    let text = match chars::visible(&text) {
        Some(visible) => counted(&text, visible, Kind::Invisible, &mut removed),
        None => text,
    };
    let text = chars::nfc(&text).unwrap_or(text);
    let text = marks::cut(&text, setting.may_be_empty, &mut removed).unwrap_or(text);
    let text = tidy(&text, &mut removed);
    let (text, is_alert) = cut(text, setting, &mut removed);
    let (text, segments) = text.into_parts();
    let mut normalized = Normalized { text, removed, is_html, is_alert, segments };
    normalized.join_cuts();
    normalized
}

/// Whether a line asks for something, in a language that is known.
pub(crate) fn is_request(line: &str) -> bool {
    contact_data::is_request(&lines::fold(line))
}

/// HTML that was stored as text, each `<` an entity.
fn escaped_markup(text: &Text) -> Option<Text> {
    let whole = text.as_str();
    if !["&lt;", "&#60;", "&#x3c;", "&#x3C;", "&amp;lt;"].iter().any(|sign| whole.contains(sign))
        || html::is_html(whole)
    {
        return None;
    }
    Some(escaped::decoded(text)).filter(|decoded| html::is_html(decoded.as_str()))
}

/// The head and the tail of a text that is longer than both, a line break between them.
fn bounded(text: Text, [head, tail]: [usize; 2], removed: &mut Removed) -> Text {
    let whole = text.as_str();
    if whole.len() <= head + tail {
        return text;
    }
    let start = whole.ceil_char_boundary(whole.len() - tail);
    // Half a line would have lost the sign that it starts with.
    let line = whole[start..whole.floor_char_boundary(start + tail / 4)]
        .find('\n')
        .map_or(start, |at| start + at + 1);
    let gap = whole.floor_char_boundary(head)..line;
    removed.cut(Kind::Truncated, gap.len(), text.source(gap.clone()));
    let mut editor = Editor::new(&text);
    editor.keep(0..gap.start);
    editor.put(gap.clone(), "\n");
    editor.keep(gap.end..whole.len());
    editor.finish()
}

fn tidy(text: &Text, removed: &mut Removed) -> Text {
    let short = runs::repeats(text);
    let short = runs::tokens(short.as_ref().unwrap_or(text)).or(short);
    let tidied = runs::space(short.as_ref().unwrap_or(text));
    counted(text, tidied, Kind::Run, removed)
}

fn counted(old: &Text, new: Text, kind: Kind, removed: &mut Removed) -> Text {
    removed.add(kind, old.as_str().len().saturating_sub(new.as_str().len()));
    new
}

/// Cuts what is not the sender's message, until nothing more is found.
fn cut(mut text: Text, setting: &Setting<'_>, removed: &mut Removed) -> (Text, bool) {
    let mut is_alert = false;
    for _ in 0..MAX_ROUNDS {
        let noted = disclaimer::cut(&text, setting.may_be_empty, removed);
        let ruled = cut_lines(noted.as_ref().unwrap_or(&text), setting, removed, &mut is_alert);
        let Some(next) = ruled.or(noted) else { break };
        text = tidy(&next, removed);
    }
    (text, is_alert)
}

/// Whether a legal note was cut below all that is left.
fn is_noted(text: &Text, removed: &Removed) -> bool {
    if removed.bytes(Kind::Disclaimer) == 0 {
        return false;
    }
    let words = text.as_str().trim_end();
    let Some(last) = words.char_indices().next_back() else { return false };
    let end = text.source(last.0..words.len()).end;
    removed.cuts().iter().any(|cut| cut.reason == Kind::Disclaimer && cut.source.start >= end)
}

fn cut_lines(text: &Text, setting: &Setting<'_>, removed: &mut Removed, is_alert: &mut bool) -> Option<Text> {
    let mut page = Page::new(text);
    let empty = setting.may_be_empty;
    page.attempt_or(empty, boilerplate::mark);
    page.attempt(intake::mark);
    page.attempt(|page| quotes::mark(page, setting.hint));
    page.attempt(|page| recurrence::mark(page, &setting.earlier));
    if alert::is_alert(&page) {
        *is_alert = true;
        page.attempt(alert::mark_noise);
    }
    page.attempt_or(empty, phone_lines::mark);
    let signer = Signer {
        contact: setting.contact,
        signed: removed.bytes(Kind::Signature) > 0,
        may_be_empty: empty,
        noted: is_noted(text, removed),
    };
    page.attempt_or(empty, |page| signature::mark(page, &signer));
    page.apply(removed)
}
