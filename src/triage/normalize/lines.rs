//! A text as lines, each with the form in which phrases are looked up and the fate that a pass gave it.
//!
//! Passes only mark lines; [`Page::apply`] cuts. A pass that would leave nothing is taken back as a whole
//! ([`Page::attempt`]), so that no ticket ends up empty.

use std::ops::Range;

use super::removed::{Kind, Removed};
use super::text::{Editor, Text};

/// Bytes of a line that are folded: no phrase lies beyond.
const MAX_FOLD: usize = 400;

/// The lines that stand for the start and the end of an element that holds a signature.
pub(super) const MARKED: &str = "-- -";
pub(super) const ENDED: &str = "-- /-";

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// Stays without its `>`.
    Unquote,
    Cut(Kind),
}

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// The whole line with its newline.
    range: Range<usize>,
    /// The line without `>` before it and blanks around it.
    body: Range<usize>,
    /// The start of the body as [`fold`] leaves it.
    pub(super) folded: String,
    /// Whether the line starts with `>`.
    pub(super) quoted: bool,
    /// Whether it starts with two of them.
    pub(super) nested: bool,
    /// Letters and digits.
    pub(super) substance: usize,
    pub(super) fate: Fate,
}

impl Line {
    fn new(text: &str, range: Range<usize>) -> Self {
        let line = &text[range.clone()];
        let quoted = line.trim_start().starts_with('>');
        let body = if quoted { line.trim_start_matches(['>', ' ']) } else { line.trim_start() };
        let start = range.end - body.len();
        let body = body.trim_end();
        Self {
            body: start..start + body.len(),
            folded: fold(&body[..body.floor_char_boundary(MAX_FOLD)]),
            quoted,
            nested: quoted && line.trim_start().trim_start_matches('>').trim_start().starts_with('>')
                || line.trim_start().starts_with(">>"),
            substance: substance(body),
            fate: Fate::Keep,
            range,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.fate, Fate::Cut(_))
    }

    pub(super) fn is_blank(&self) -> bool {
        self.body.is_empty()
    }

    /// Length of the body in bytes.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }
}

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Page<'a> {
    text: &'a Text,
    pub(super) lines: Vec<Line>,
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a Text) -> Self {
        let mut at = 0;
        let lines = text.as_str().split_inclusive('\n').map(|line| {
            at += line.len();
            Line::new(text.as_str(), at - line.len()..at)
        });
        Self { text, lines: lines.collect() }
    }

    /// Indices of the lines that hold something and are not cut.
    pub(super) fn live(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.lines.len()).filter(|&i| self.lines[i].is_live() && !self.lines[i].is_blank())
    }

    pub(super) fn cut(&mut self, lines: Range<usize>, kind: Kind) {
        for line in &mut self.lines[lines] {
            if line.is_live() {
                line.fate = Fate::Cut(kind);
            }
        }
    }

    /// The line as it was written, without `>` before it and blanks around it.
    pub(super) fn raw(&self, line: usize) -> &str {
        &self.text.as_str()[self.lines[line].body.clone()]
    }

    /// The line of something before `line` that is not cut.
    pub(super) fn live_before(&self, line: usize) -> Option<usize> {
        (0..line).rev().find(|&i| self.lines[i].is_live() && !self.lines[i].is_blank())
    }

    /// Runs a pass and takes it back if it cut the last words.
    pub(super) fn attempt(&mut self, pass: impl FnOnce(&mut Self)) {
        let before: Vec<Fate> = self.lines.iter().map(|l| l.fate).collect();
        let had = self.weight();
        pass(self);
        if weighs_less(self.weight(), had) {
            for (line, fate) in self.lines.iter_mut().zip(before) {
                line.fate = fate;
            }
        }
    }

    /// As [`attempt`](Self::attempt), unless nothing of the text may be left.
    pub(super) fn attempt_or(&mut self, may_be_empty: bool, mut pass: impl FnMut(&mut Self)) {
        if may_be_empty { pass(self) } else { self.attempt(pass) }
    }

    /// Letters and digits left, and lines left.
    fn weight(&self) -> (usize, usize) {
        self.live().fold((0, 0), |(words, lines), i| (words + self.lines[i].substance, lines + 1))
    }

    /// The text without what was cut, or `None` where nothing was.
    pub(super) fn apply(&self, removed: &mut Removed) -> Option<Text> {
        if self.lines.iter().all(|l| l.fate == Fate::Keep) {
            return None;
        }
        let mut editor = Editor::new(self.text);
        for line in &self.lines {
            match line.fate {
                Fate::Keep => editor.keep(line.range.clone()),
                Fate::Unquote => {
                    removed.add(Kind::Quote, line.body.start - line.range.start);
                    editor.keep(line.body.start..line.range.end);
                }
                Fate::Cut(kind) => removed.cut(kind, line.range.len(), self.text.source(line.body.clone())),
            }
        }
        Some(editor.finish())
    }
}

/// Whether a pass went too far: no letters left of some, or no line left of some.
pub(super) fn weighs_less(now: (usize, usize), before: (usize, usize)) -> bool {
    (now.0 == 0 && before.0 > 0) || (now.1 == 0 && before.1 > 0)
}

/// Letters, digits and pictures in a text.
pub(super) fn substance(text: &str) -> usize {
    text.chars().filter(|&c| says(c)).count()
}

/// Whether [`substance`] of a text is more than nothing.
pub(super) fn has_substance(text: &str) -> bool {
    text.contains(says)
}

fn says(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}

/// The form in which phrases are compared: lower case, straight quotes, plain hyphens, single spaces, no
/// asterisks, `email` for `e-mail`.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let (mut space, mut hyphen) = (false, false);
    for c in text.chars() {
        let letter = c.is_ascii_alphanumeric();
        if !letter && (c.is_whitespace() || c == '*') {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) && !folded.is_empty() {
            folded.push(' ');
        }
        match c {
            _ if letter => folded.push(c.to_ascii_lowercase()),
            '’' | '‘' | '´' | '`' => folded.push('\''),
            // Its lower case would be two characters.
            'İ' => folded.push('i'),
            '“' | '”' | '„' | '«' | '»' => folded.push('"'),
            '-' | '–' | '—' | '‐' | '‑' | '−' => {
                hyphen = true;
                folded.push('-');
            }
            '：' | '﹕' => folded.push(':'),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    if hyphen && folded.contains("e-mail") { folded.replace("e-mail", "email") } else { folded }
}

/// A folded line `key: value` in its two parts.
pub(super) fn key_value(folded: &str) -> Option<(&str, &str)> {
    let (key, value) = folded.split_once(':')?;
    (key.len() <= 60).then(|| (key.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_levels_spelling() {
        assert_eq!(fold("  *From:*  “E-Mail” – l’été "), "from: \"email\" - l'été");
    }

    #[test]
    fn quotes_and_blanks_are_seen() {
        let text = Text::new("> > Hi\n\n>\nplain");
        let page = Page::new(&text);
        let seen: Vec<_> = page.lines.iter().map(|l| (l.folded.as_str(), l.quoted, l.is_blank())).collect();
        assert_eq!(seen, [("hi", true, false), ("", false, true), ("", true, true), ("plain", false, false)]);
    }

    #[test]
    fn a_pass_that_leaves_nothing_is_taken_back() {
        let text = Text::new("one\ntwo");
        let mut page = Page::new(&text);
        page.attempt(|p| p.cut(0..2, Kind::Quote));
        assert!(page.apply(&mut Removed::default()).is_none());
        page.attempt(|p| p.cut(0..1, Kind::Quote));
        let mut removed = Removed::default();
        assert_eq!(page.apply(&mut removed).unwrap().as_str(), "two");
        assert_eq!(removed.bytes(Kind::Quote), 4);
    }
}
