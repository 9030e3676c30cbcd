//! A string that remembers which bytes of the original each of its bytes came from.
//!
//! Every pass reads one [`Text`] and writes the next through an [`Editor`], strictly from left to right, so
//! a pass is linear and the map stays ordered. No pass may build a `Text` by hand.

use std::ops::Range;

/// A stretch of the output and the stretch of the original it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Byte range in the normalised text.
    pub output: Range<usize>,
    /// Byte range in the original text; may be empty where the normaliser put something in.
    pub source: Range<usize>,
    /// Whether both ranges hold the very same bytes.
    pub verbatim: bool,
}

/// Text with its source map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    text: String,
    segments: Vec<Segment>,
}

impl Text {
    /// The original itself, mapped to itself.
    pub(super) fn new(text: &str) -> Self {
        let mut new = Self::default();
        new.push(text, 0..text.len(), true);
        new
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Where `range` of this text came from in the original.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        source_of(&self.segments, range)
    }

    /// What [`into_parts`](Self::into_parts) gave.
    pub(super) fn from_parts(text: String, segments: Vec<Segment>) -> Self {
        Self { text, segments }
    }

    pub(super) fn into_parts(self) -> (String, Vec<Segment>) {
        (self.text, self.segments)
    }

    fn push(&mut self, text: &str, source: Range<usize>, verbatim: bool) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        if let Some(last) = self.segments.last_mut() {
            let touches = verbatim && last.source.end == source.start;
            let same = !verbatim && last.source == source;
            if last.verbatim == verbatim && (touches || same) {
                last.output.end = end;
                last.source.end = source.end;
                return;
            }
        }
        self.segments.push(Segment { output: start..end, source, verbatim });
    }

    /// Rewrites the text one character at a time.
    pub(super) fn map_chars(&self, mut change: impl FnMut(char) -> Change) -> Self {
        let mut editor = Editor::new(self);
        let mut kept = 0;
        for (at, c) in self.text.char_indices() {
            let to = match change(c) {
                Change::Keep => continue,
                Change::To(to) => to,
            };
            editor.keep(kept..at);
            kept = at + c.len_utf8();
            editor.put(at..kept, to);
        }
        editor.keep(kept..self.text.len());
        editor.finish()
    }
}

/// What becomes of one character.
pub(super) enum Change {
    Keep,
    /// Replaced; by nothing if the string is empty.
    To(&'static str),
}

/// The source of `output` under `segments`, which are ordered; ranges out of bounds are clamped.
pub(super) fn source_of(segments: &[Segment], output: Range<usize>) -> Range<usize> {
    let first = segments.partition_point(|s| s.output.end <= output.start);
    source_from(segments, first, output).0
}

/// As [`source_of`], where `first` is the first segment that ends after the start of `output`. Also gives
/// the first segment that ends at or after the end of `output`.
fn source_from(segments: &[Segment], first: usize, output: Range<usize>) -> (Range<usize>, usize) {
    let Some(head) = segments.get(first) else {
        let end = segments.last().map_or(0, |s| s.source.end);
        return (end..end, first);
    };
    if output.end <= output.start {
        let at = start_in(head, output.start);
        return (at..at, first);
    }
    let mut last = first;
    while last + 1 < segments.len() && segments[last].output.end < output.end {
        last += 1;
    }
    (start_in(head, output.start)..end_in(&segments[last], output.end), last)
}

fn start_in(segment: &Segment, at: usize) -> usize {
    let skipped = if segment.verbatim { at.saturating_sub(segment.output.start) } else { 0 };
    segment.source.start + skipped
}

fn end_in(segment: &Segment, at: usize) -> usize {
    let left = if segment.verbatim { segment.output.end.saturating_sub(at) } else { 0 };
    segment.source.end - left
}

/// Writes a new [`Text`] out of an old one, left to right. What is neither kept nor put is dropped.
pub(super) struct Editor<'a> {
    from: &'a Text,
    segment: usize,
    to: Text,
}

impl<'a> Editor<'a> {
    pub(super) fn new(from: &'a Text) -> Self {
        let to = Text { text: String::with_capacity(from.text.len()), segments: Vec::new() };
        Self { from, segment: 0, to }
    }

    /// Copies `range` of the old text. Ranges must come in order.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        self.seek(range.start);
        while let Some(segment) = self.from.segments.get(self.segment) {
            if segment.output.start >= range.end {
                break;
            }
            let part = segment.output.start.max(range.start)..segment.output.end.min(range.end);
            let source = start_in(segment, part.start)..end_in(segment, part.end);
            self.to.push(&self.from.text[part], source, segment.verbatim);
            if segment.output.end > range.end {
                break;
            }
            self.segment += 1;
        }
    }

    /// Writes `new` in the place of `range` of the old text. Ranges must come in order.
    pub(super) fn put(&mut self, range: Range<usize>, new: &str) {
        self.seek(range.start);
        if !new.is_empty() {
            let (source, last) = source_from(&self.from.segments, self.segment, range);
            self.segment = last;
            self.to.push(new, source, false);
        }
    }

    fn seek(&mut self, at: usize) {
        while self.from.segments.get(self.segment).is_some_and(|s| s.output.end <= at) {
            self.segment += 1;
        }
    }

    pub(super) fn finish(self) -> Text {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &Text) -> Vec<(&str, Range<usize>, bool)> {
        text.segments.iter().map(|s| (&text.text[s.output.clone()], s.source.clone(), s.verbatim)).collect()
    }

    #[test]
    fn edits_keep_the_map() {
        let first = Text::new("one &amp; two");
        let mut editor = Editor::new(&first);
        editor.keep(0..4);
        editor.put(4..9, "&");
        editor.keep(9..13);
        let second = editor.finish();
        assert_eq!(sources(&second), [("one ", 0..4, true), ("&", 4..9, false), (" two", 9..13, true)]);

        let mut editor = Editor::new(&second);
        editor.keep(2..4);
        editor.put(4..7, "+t");
        editor.keep(7..9);
        let third = editor.finish();
        assert_eq!(sources(&third), [("e ", 2..4, true), ("+t", 4..11, false), ("wo", 11..13, true)]);
        assert_eq!(source_of(&third.segments, 1..3), 3..11);
        assert_eq!(source_of(&third.segments, 3..3), 4..4);
        assert_eq!(source_of(&third.segments, 5..99), 12..13);
        assert_eq!(source_of(&third.segments, 99..100), 13..13);
    }

    #[test]
    fn neighbours_merge_only_where_the_source_is_whole() {
        let text = Text::new("abcdef");
        let mut editor = Editor::new(&text);
        editor.keep(0..2);
        editor.keep(2..3);
        editor.keep(4..6);
        assert_eq!(sources(&editor.finish()), [("abc", 0..3, true), ("ef", 4..6, true)]);
    }

    #[test]
    fn characters_are_mapped_one_by_one() {
        let text = Text::new("a\u{a0}b\u{200b}c");
        let mapped = text.map_chars(|c| match c {
            '\u{a0}' => Change::To(" "),
            '\u{200b}' => Change::To(""),
            _ => Change::Keep,
        });
        let want = [("a", 0..1, true), (" ", 1..3, false), ("b", 3..4, true), ("c", 7..8, true)];
        assert_eq!(sources(&mapped), want);
    }
}
