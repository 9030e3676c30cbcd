//! Finds out what a file is from its first text: JSON, a table of markup, or CSV and the byte between its cells.

use std::collections::BTreeMap;

use crate::objects;
use crate::options::Format;
use crate::records::{Record, Records};

/// How much text is looked at, in bytes.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// The delimiters tried, in order of preference.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// How much of a text is searched for a table, in bytes: style sheets may stand before it.
const MARKUP_BYTES: usize = 32 << 10;

/// How many records decide.
const SAMPLE_RECORDS: usize = 100;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Csv,
    /// One JSON object a line.
    Lines,
    /// JSON over any number of lines: lists of objects, in envelopes or not.
    Document,
    /// A table of HTML or XML.
    Markup,
}

/// What a text with this `head` is, unless the user has said.
pub(crate) fn shape(head: &[u8], asked: Format) -> Shape {
    let start = head.trim_ascii_start();
    let mut marks = start.iter().filter(|b| !b.is_ascii_whitespace());
    let is_json = match (marks.next(), marks.next()) {
        (Some(b'{'), _) => true,
        // Autotask's `[required] Title` begins with a bracket, too.
        (Some(b'['), second) => matches!(second, Some(b'{' | b']')),
        _ => false,
    };
    match asked {
        Format::Csv => Shape::Csv,
        Format::Auto if is_markup(start) => Shape::Markup,
        Format::Auto if !is_json => Shape::Csv,
        Format::Auto | Format::Jsonl if is_document(start) => Shape::Document,
        Format::Auto | Format::Jsonl => Shape::Lines,
    }
}

/// Whether a table of markup begins here: HTML, or XML as Excel once wrote it.
fn is_markup(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&start[..start.len().min(MARKUP_BYTES)]).to_ascii_lowercase();
    let opens = ["<!doctype html", "<html", "<table", "<?xml", "<head", "<meta", "<style", "<!--"];
    opens.iter().any(|open| text.starts_with(open))
        && ["<table", "<worksheet", ":table"].iter().any(|t| text.contains(t))
}

/// Whether JSON goes over several lines or holds a list of tickets. A first line that is broken says nothing: the others are read.
fn is_document(start: &[u8]) -> bool {
    if start.starts_with(b"[") {
        return true;
    }
    let (first, rest) = match start.iter().position(|b| *b == b'\n') {
        Some(end) => (&start[..end], start[end..].trim_ascii_start()),
        None => (start, &[][..]),
    };
    match serde_json::from_slice::<serde::de::IgnoredAny>(first) {
        Ok(_) => false,
        // A long first line: a list of tickets in an envelope, or one long ticket.
        Err(e) if e.is_eof() && rest.is_empty() => objects::opens_list(first),
        Err(e) => e.is_eof() && matches!(rest.first(), Some(b'"' | b'}' | b'[' | b']')),
    }
}

/// The delimiter that a first line such as `sep=;` names, as spreadsheets write it.
pub(crate) fn named_delimiter(head: &[u8]) -> Option<u8> {
    match head {
        [a, b, c, b'=', delimiter, b'\r' | b'\n', ..] if [*a, *b, *c].eq_ignore_ascii_case(b"sep") => {
            Some(*delimiter).filter(|d| CANDIDATES.contains(d))
        }
        _ => None,
    }
}

/// The candidate under which most records are of one width; the greater width breaks a tie, then the order of the candidates. A
/// title above the header does not count. A file of one column reads as comma separated.
pub(crate) fn delimiter(head: &[u8]) -> u8 {
    let mut best = (b',', 0.0, 1);
    for candidate in CANDIDATES {
        let widths = widths(head, candidate);
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        widths.iter().filter(|width| **width > 1).for_each(|width| *counts.entry(*width).or_default() += 1);
        let Some((&width, &alike)) = counts.iter().max_by_key(|(width, n)| (**n, **width)) else { continue };
        let share = alike as f64 / widths.len() as f64;
        if (share, width) > (best.1, best.2) {
            best = (candidate, share, width);
        }
    }
    best.0
}

fn widths(head: &[u8], delimiter: u8) -> Vec<usize> {
    let mut records = Records::new(head, delimiter);
    let (mut record, mut widths) = (Record::default(), Vec::new());
    // The head may end within a quote or a record: what was whole until then decides.
    while widths.len() < SAMPLE_RECORDS && matches!(records.read(&mut record), Ok(true)) {
        widths.push(record.len());
    }
    let cut = head.len() >= HEAD_BYTES && widths.len() < SAMPLE_RECORDS && widths.len() > 1;
    widths.truncate(widths.len() - usize::from(cut));
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        let cases: &[(&str, u8)] = &[
            ("id,subject\n1,a;b;c\n", b','),
            ("id;subject;body\n1;a,b;c,d\n", b';'),
            ("id\tsubject, or title\n1\tx\n2\ty, z, w\n", b'\t'),
            ("id|subject\n1|x", b'|'),
            ("\"id\",\"a;b;c;d\"\n1,2\n", b','),
            ("subject\n", b','),
            ("", b','),
        ];
        for (text, expected) in cases {
            assert_eq!(delimiter(text.as_bytes()), *expected, "{text:?}");
        }
        assert_eq!(named_delimiter(b"sep=;\r\na;b"), Some(b';'));
        assert_eq!(named_delimiter(b"separator"), None);
    }

    #[test]
    fn formats_are_told_apart() {
        let long = format!("{{\"id\":1,\"body\":\"{}", "x".repeat(100));
        for (text, expected) in [
            (" \n{\"id\":1}", Shape::Lines),
            ("{\"id\":1}\n{\"id\":", Shape::Lines),
            ("{\"id\":\n{\"id\":2}", Shape::Lines),
            (long.as_str(), Shape::Lines),
            ("{\"tickets\":[{\"id\":1},{\"id\":2},{\"id\"", Shape::Document),
            ("{\n  \"id\": 1\n}", Shape::Document),
            ("[ {\"id\":1}]", Shape::Document),
            ("[required] Title,x", Shape::Csv),
            ("<html><body><table><tr>", Shape::Markup),
            ("<?xml version=\"1.0\"?><Workbook><Worksheet><Table>", Shape::Markup),
            ("<html> is broken,id\n", Shape::Csv),
            ("id,body\n1,<table>", Shape::Csv),
        ] {
            assert_eq!(shape(text.as_bytes(), Format::Auto), expected, "{text}");
        }
        assert_eq!(shape(b"{\"id\":1}", Format::Csv), Shape::Csv);
    }

    #[test]
    fn a_title_above_the_header_does_not_hide_the_delimiter() {
        assert_eq!(delimiter(b"Tickets, all of them\n\nid;subject\n1;a\n2;b, c\n"), b';');
    }
}
