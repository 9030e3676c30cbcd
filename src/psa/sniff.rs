//! Finds out what a file is from its first text: JSONL or CSV, and the byte between cells.

use firstline_fault::Code;

use crate::fault::Fault;
use crate::options::Format;
use crate::records::{Record, Records};

/// How much text is looked at, in bytes.
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// The delimiters tried, in order of preference.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// How many records decide.
const SAMPLE_RECORDS: usize = 100;

/// JSONL when the text begins with a brace.
///
/// # Errors
/// A JSON array: nothing else begins with a bracket and a brace (Autotask's `[required] Title` does not).
pub(crate) fn format(head: &[u8]) -> Result<Format, Fault> {
    let mut marks = head.iter().filter(|b| !b.is_ascii_whitespace());
    match (marks.next(), marks.next()) {
        (Some(b'{'), _) => Ok(Format::Jsonl),
        (Some(b'['), Some(b'{')) => Err(Fault::new(
            Code::TicketJson,
            "the file is one JSON array",
            "Write one object a line, for example with `jq -c '.[]'`",
        )),
        _ => Ok(Format::Csv),
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

/// The candidate under which most records are as wide as the header; the wider header breaks a tie, then
/// the order of the candidates. A file of one column reads as comma separated.
pub(crate) fn delimiter(head: &[u8]) -> u8 {
    let mut best = (b',', 0.0, 1);
    for candidate in CANDIDATES {
        let widths = widths(head, candidate);
        let Some((&header, rows)) = widths.split_first() else { continue };
        let alike = rows.iter().filter(|w| **w == header).count();
        let share = if rows.is_empty() { 1.0 } else { alike as f64 / rows.len() as f64 };
        if header > 1 && (share, header) > (best.1, best.2) {
            best = (candidate, share, header);
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
        assert_eq!(format(b" \n{\"id\":1}").unwrap(), Format::Jsonl);
        assert_eq!(format(b"[required] Title,x").unwrap(), Format::Csv);
        assert_eq!(format(b"[ {\"id\":1}]").unwrap_err().code, Code::TicketJson);
    }
}
