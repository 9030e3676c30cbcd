//! Patterns of the word lists, compiled.
//!
//! Texts in Latin letters are plain ASCII once they are folded, so that most patterns do without Unicode's tables: they compile
//! and search many times faster. Must never split a character.

use regex::bytes::{Regex, RegexBuilder};

use crate::folding::plain;

/// A pattern, held against folded texts.
pub(super) struct Pattern(Regex);

/// Where a pattern was found.
pub(super) struct Hit<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl Pattern {
    /// A pattern of the files, folded like the texts that it is held against; `unicode` for other than Latin letters.
    pub(super) fn new(pattern: &str, unicode: bool) -> Self {
        Self(RegexBuilder::new(&folded(pattern)).unicode(unicode).build().expect("tested"))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }

    pub(super) fn find<'t>(&self, text: &'t str) -> Option<Hit<'t>> {
        self.find_iter(text).next()
    }

    /// All places, one behind the other.
    pub(super) fn find_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Hit<'t>> {
        self.0.find_iter(text.as_bytes()).map(|m| Hit::new(text, m.start(), m.end()))
    }

    /// All places, each with its first group.
    pub(super) fn captures_iter<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = (Hit<'t>, Option<Hit<'t>>)> {
        let hit = |m: regex::bytes::Match<'_>| Hit::new(text, m.start(), m.end());
        self.0.captures_iter(text.as_bytes()).filter_map(move |c| Some((hit(c.get(0)?), c.get(1).map(hit))))
    }

    /// `text` without what the pattern finds.
    pub(super) fn cut_out(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), 0);
        for hit in self.find_iter(text) {
            out += &text[rest..hit.start];
            out.push(' ');
            rest = hit.end;
        }
        out + &text[rest..]
    }
}

impl<'t> Hit<'t> {
    fn new(text: &'t str, start: usize, end: usize) -> Self {
        let start = (0..=start).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let end = (end..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        Self { text, start, end }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn end(&self) -> usize {
        self.end
    }

    pub(super) fn as_str(&self) -> &'t str {
        &self.text[self.start..self.end]
    }
}

/// `pattern` without accents. Escapes stay as they are.
pub(crate) fn folded(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(['\\'].into_iter().chain(rest.next())),
            _ => out += &plain(c.encode_utf8(&mut [0; 4])),
        }
    }
    out
}
