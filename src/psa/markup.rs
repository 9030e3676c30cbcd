//! Rows of tables of markup: HTML that poses as `.xls`, Excel's XML of 2003, and the content of an `.ods` file.
//!
//! One pass over tags and text, in bounded memory, whatever the nesting. A table within a cell is part of the cell's text. Must
//! never follow a reference, nor expand more than the entities of single characters.

use std::io::{self, BufRead};

use crate::MAX_RECORD_BYTES;
use crate::lines::feed;
use crate::records::Record;

/// Longer tags are cut. The attributes that matter stand at the beginning of a tag.
const TAG_BYTES: usize = 16 << 10;
/// A row has no more cells, however often one is repeated.
const MAX_COLUMNS: usize = 1024;
/// Elements whose content nobody reads.
const SKIPPED: [&str; 4] = ["script", "style", "annotation", "title"];
/// Elements that end a line.
const LINES: [&str; 13] =
    ["br", "p", "div", "li", "line-break", "tr", "h1", "h2", "h3", "h4", "blockquote", "pre", "table"];
/// The entities of U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute \
    micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave \
    Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml \
    Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth \
    ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// Reader of rows.
pub(crate) struct Rows<R> {
    input: R,
    scan: Scan,
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, scan: Scan { line: 1, ..Scan::default() } }
    }

    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// How many tables have begun before the end of the row read last.
    pub(crate) fn tables(&self) -> usize {
        self.scan.tables
    }

    /// Reads the next row; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> io::Result<bool> {
        while feed(&mut self.input, |byte| self.scan.step(byte))? {
            if self.scan.hand_over(record) {
                return Ok(true);
            }
        }
        self.scan.flush(false);
        Ok(self.scan.end_row() && self.scan.hand_over(record))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a `<`.
    Open,
    /// Within a tag; in a quoted value with that quote.
    Tag(Option<u8>),
    Comment,
    Cdata,
}

/// A cell's text so far, and what its tag says of it.
#[derive(Debug, Default)]
struct Cell {
    text: String,
    /// The value that the tag gives.
    value: Option<String>,
    repeated: usize,
    /// Whether blanks and line ends are kept.
    verbatim: bool,
}

#[derive(Debug, Default)]
struct Scan {
    state: State,
    tag: Vec<u8>,
    /// Text since the last tag.
    run: Vec<u8>,
    /// The last two bytes.
    tail: [u8; 2],
    /// Tables that are open.
    depth: usize,
    tables: usize,
    skipped: Option<&'static str>,
    cell: Option<Cell>,
    cells: Vec<String>,
    in_row: bool,
    /// Bytes held of the row.
    size: usize,
    too_long: bool,
    /// The row that is complete.
    done: Vec<String>,
    row: u64,
    line: u64,
    start: u64,
}

impl Scan {
    /// Takes one byte: whether a row is complete with it.
    fn step(&mut self, byte: u8) -> bool {
        self.line += u64::from(byte == b'\n');
        let tail = self.tail;
        self.tail = [tail[1], byte];
        match self.state {
            State::Text if byte == b'<' => self.state = State::Open,
            State::Text => self.text(byte),
            State::Open if byte.is_ascii_alphabetic() || b"/!?".contains(&byte) => {
                self.tag.clear();
                self.tag.push(byte);
                self.state = State::Tag(None);
            }
            State::Open => {
                self.text(b'<');
                self.text(byte);
                self.state = State::Text;
            }
            State::Comment if byte == b'>' && tail == *b"--" => self.state = State::Text,
            State::Comment => {}
            State::Cdata if byte == b'>' && tail == *b"]]" => {
                self.run.truncate(self.run.len().saturating_sub(2));
                self.flush(true);
                self.state = State::Text;
            }
            State::Cdata => self.text(byte),
            State::Tag(quote) => return self.tag_byte(byte, quote),
        }
        false
    }

    fn text(&mut self, byte: u8) {
        if self.cell.is_some() && self.skipped.is_none() {
            self.too_long |= self.size >= MAX_RECORD_BYTES;
            if !self.too_long {
                self.size += 1;
                self.run.push(byte);
            }
        }
    }

    fn tag_byte(&mut self, byte: u8, quote: Option<u8>) -> bool {
        match (byte, quote) {
            (b'>', None) => {
                self.state = State::Text;
                return self.tag_done();
            }
            (b'"' | b'\'', None) if self.tag.trim_ascii_end().ends_with(b"=") => {
                self.state = State::Tag(Some(byte));
            }
            (_, Some(open)) if open == byte => self.state = State::Tag(None),
            _ => {}
        }
        if self.tag.len() < TAG_BYTES {
            self.tag.push(byte);
        }
        match self.tag.as_slice() {
            b"!--" => self.state = State::Comment,
            b"![CDATA[" => {
                self.flush(false);
                self.state = State::Cdata;
            }
            _ => {}
        }
        false
    }

    /// A tag is complete: whether a row is, too.
    fn tag_done(&mut self) -> bool {
        self.flush(false);
        let tag = String::from_utf8_lossy(&std::mem::take(&mut self.tag)).into_owned();
        let (closes, rest) = match tag.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, tag.as_str()),
        };
        let end = rest.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(rest.len());
        let full = rest[..end].to_ascii_lowercase();
        let name = full.rsplit(':').next().unwrap_or_default();
        let alone = tag.ends_with('/');
        if let Some(skipped) = self.skipped {
            if closes && name == skipped {
                self.skipped = None;
            }
            return false;
        }
        match name {
            "table" if self.table(closes, alone) => return self.end_row(),
            "tr" | "row" | "table-row" if self.depth <= 1 => return self.row(closes, alone),
            "td" | "th" | "cell" | "table-cell" | "covered-table-cell" if self.depth <= 1 => {
                self.end_cell();
                if !closes && self.in_row {
                    self.begin_cell(name, rest);
                }
                if alone {
                    self.end_cell();
                }
            }
            _ => {
                self.inner(name, &full, closes, rest);
                if !closes && !alone {
                    self.skipped = SKIPPED.into_iter().find(|skipped| *skipped == name);
                }
            }
        }
        false
    }

    /// A table opens or closes: whether it is one at the top level that closes.
    fn table(&mut self, closes: bool, alone: bool) -> bool {
        match (closes, alone) {
            (_, true) => false,
            (true, _) => {
                self.depth = self.depth.saturating_sub(1);
                self.depth == 0
            }
            (false, _) => {
                self.tables += usize::from(self.depth == 0);
                self.depth += 1;
                false
            }
        }
    }

    fn row(&mut self, closes: bool, alone: bool) -> bool {
        let complete = self.end_row();
        if !closes {
            self.row += 1;
            self.in_row = !alone;
            self.start = self.line;
        }
        complete
    }

    fn begin_cell(&mut self, name: &str, tag: &str) {
        let number = |name| attribute(tag, name).and_then(|n| n.parse::<usize>().ok());
        // Excel leaves out empty cells and says at which place the next one stands, from 1.
        if let Some(at) = number("Index") {
            self.cells.resize(
                at.saturating_sub(1).clamp(self.cells.len(), MAX_COLUMNS.max(self.cells.len())),
                String::new(),
            );
        }
        let value = ["date-value", "boolean-value"].iter().find_map(|name| attribute(tag, name));
        let value = value.or_else(|| attribute(tag, "office:value"));
        self.cell = Some(Cell {
            text: String::new(),
            value: value.map(decoded),
            repeated: number("number-columns-repeated").or_else(|| number("colspan")).unwrap_or(1).max(1),
            verbatim: name.ends_with("cell"),
        });
    }

    /// A tag within a cell's text.
    fn inner(&mut self, name: &str, full: &str, closes: bool, tag: &str) {
        let Some(cell) = &mut self.cell else { return };
        match name {
            "s" if full == "text:s" => {
                let count = attribute(tag, "text:c").and_then(|n| n.parse().ok()).unwrap_or(1);
                cell.text.push_str(&" ".repeat(std::cmp::min(count, 80)));
            }
            "tab" if full == "text:tab" => cell.text.push('\t'),
            _ if LINES.contains(&name) && (closes || matches!(name, "br" | "line-break")) => {
                cell.text.truncate(cell.text.trim_end_matches([' ', '\t']).len());
                cell.text.push('\n');
            }
            "td" | "th" | "table-cell" if !cell.text.ends_with(char::is_whitespace) => cell.text.push(' '),
            _ => {}
        }
    }

    /// Puts the text since the last tag into the cell; `plain` text has no entities.
    fn flush(&mut self, plain: bool) {
        let run = std::mem::take(&mut self.run);
        let Some(cell) = &mut self.cell else { return };
        let text = String::from_utf8_lossy(&run);
        let text = if plain { text.into_owned() } else { decoded(&text) };
        if cell.verbatim {
            cell.text.push_str(&text);
            return;
        }
        for c in text.chars() {
            let blank = c.is_ascii_whitespace();
            match blank {
                true if cell.text.ends_with(|last: char| last.is_whitespace()) || cell.text.is_empty() => {}
                true => cell.text.push(' '),
                false => cell.text.push(c),
            }
        }
    }

    fn end_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        let text = cell.value.unwrap_or_else(|| cell.text.trim().to_owned());
        let room = MAX_COLUMNS.saturating_sub(self.cells.len());
        for _ in 0..cell.repeated.min(room) {
            // Repeated text counts each time.
            self.size += text.len();
            self.too_long |= self.size > 2 * MAX_RECORD_BYTES;
            self.cells.push(if self.too_long { String::new() } else { text.clone() });
        }
        self.too_long |= room == 0 && !text.is_empty();
    }

    /// Ends the row that is open: whether it says anything.
    fn end_row(&mut self) -> bool {
        self.end_cell();
        self.in_row = false;
        self.size = 0;
        let filled = self.cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        self.cells.truncate(filled);
        self.done = std::mem::take(&mut self.cells);
        filled > 0
    }

    fn hand_over(&mut self, record: &mut Record) -> bool {
        record.restart(self.row, self.start.max(1));
        self.done.drain(..).for_each(|cell| record.push(&cell));
        record.too_long |= std::mem::take(&mut self.too_long);
        true
    }
}

/// The value of an attribute whose name is `name`, whatever its prefix.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut from = 0;
    while let Some(found) = tag[from..].find(name) {
        let at = from + found;
        let begins = tag[..at].ends_with(|c: char| c.is_whitespace() || c == ':');
        let rest = tag[at + name.len()..].trim_start();
        if let Some(value) = rest.strip_prefix('=').filter(|_| begins) {
            let value = value.trim_start();
            return Some(match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
                _ => value.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default(),
            });
        }
        from = at + name.len();
    }
    None
}

/// The text with its entities as characters; what is no entity stays.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "hellip" => '\u{2026}',
        "lsquo" => '\u{2018}',
        "rsquo" => '\u{2019}',
        "ldquo" => '\u{201c}',
        "rdquo" => '\u{201d}',
        "bdquo" => '\u{201e}',
        "euro" => '\u{20ac}',
        "bull" => '\u{2022}',
        _ => char::from_u32(0xa0 + u32::try_from(LATIN.split_whitespace().position(|n| n == name)?).ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, chunk: usize) -> Vec<Vec<String>> {
        let mut rows = Rows::new(io::BufReader::with_capacity(chunk, text.as_bytes()));
        let (mut record, mut all) = (Record::default(), Vec::new());
        while rows.read(&mut record).unwrap() {
            all.push(record.cells().map(String::from).collect());
        }
        all
    }

    #[test]
    fn tables_of_every_kind_are_rows() {
        for (text, expected) in [
            (
                "<html><style>td {x > y}</style><table border=1><tr><th>Id<th>Text</tr>\n<tr><td>7</td><td>M&uuml;ller &amp; S&#246;hne<br>\n two  lines\
                 <table><tr><td>in</td><td>ner</td></tr></table></td></tr></table>",
                &[&["Id", "Text"][..], &["7", "Müller & Söhne\ntwo lines in ner"]][..],
            ),
            (
                "<?xml version=\"1.0\"?><Workbook><Worksheet ss:Name=\"a>b\"><Table><Row><Cell><Data ss:Type=\"String\">Id</Data></Cell>\
                 <Cell ss:Index=\"3\"><Data>Text</Data></Cell></Row><Row><Cell><Data><![CDATA[1 < 2 &amp;]]></Data></Cell></Row></Table></Worksheet></Workbook>",
                &[&["Id", "", "Text"], &["1 < 2 &amp;"]],
            ),
            (
                "<office:spreadsheet><table:table table:name=\"S\"><table:table-row><table:table-cell office:value-type=\"string\"><text:p>a</text:p>\
                 <text:p>b<text:s text:c=\"2\"/>c</text:p><office:annotation><text:p>note</text:p></office:annotation></table:table-cell>\
                 <table:table-cell office:value-type=\"date\" office:date-value=\"2024-03-04\"><text:p>4.3.24</text:p></table:table-cell>\
                 <table:table-cell table:number-columns-repeated=\"2\"/><table:table-cell office:value-type=\"float\" office:value=\"12\"><text:p>12,00</text:p></table:table-cell>\
                 <table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
                 <table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table>",
                &[&["a\nb  c", "2024-03-04", "", "", "12"]],
            ),
            (
                "<table><tr><td>a <!-- <td>x</td> --> b &nosuch; 1 < 2<tr><td>c",
                &[&["a b &nosuch; 1 < 2"], &["c"]],
            ),
            ("<p>no table</p>", &[]),
        ] {
            for chunk in [1, 5, 4096] {
                assert_eq!(rows(text, chunk), expected, "{text}");
            }
        }
    }

    #[test]
    fn hostile_markup_is_bounded() {
        let wide = format!("<table><tr><td colspan=4000000000>{}</td></tr>", "x".repeat(1 << 20));
        let mut record = Record::default();
        assert!(Rows::new(wide.as_bytes()).read(&mut record).unwrap() && record.too_long);
        for text in [
            "<table>".repeat(1 << 16),
            "<".repeat(1 << 20),
            format!("<table><tr><td a=\"{}", "x".repeat(1 << 20)),
            "<tr><td>".repeat(1 << 16),
        ] {
            let mut rows = Rows::new(text.as_bytes());
            while rows.read(&mut record).unwrap() {}
            assert!(rows.scan.tag.len() <= TAG_BYTES);
        }
    }
}
