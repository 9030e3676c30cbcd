//! CSV records by RFC 4180, in bounded memory.
//!
//! Own code rather than a crate's, for two promises: no record, closed or not, is held beyond
//! [`MAX_RECORD_BYTES`], and a quote that never closes is an error that says where it opened, not a last
//! cell that swallowed the rest of the file. In all else it reads as lenient readers do: a quote inside an
//! unquoted cell is a character, text after a closing quote belongs to the cell, and CR, LF and CRLF all
//! end a record. Blank lines are counted as rows and skipped. Input must be UTF-8.

use std::io::{self, BufRead};

use crate::MAX_RECORD_BYTES;

/// More cells than this make a record too long.
const MAX_CELLS: usize = 1 << 16;

/// One record: the text of its cells, end to end.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: String,
    ends: Vec<usize>,
    /// Row as a spreadsheet counts: the header is row 1.
    pub(crate) row: u64,
    /// Line of the file on which the record begins, from 1.
    pub(crate) line: u64,
    /// Over the limits: the cells are only what was held.
    pub(crate) too_long: bool,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Cell `i`, empty beyond the last.
    pub(crate) fn cell(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends.get(i - 1).copied().unwrap_or(0) };
        self.ends.get(i).map_or("", |end| &self.text[start..*end])
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.cell(i))
    }

    /// Starts over for the record at `row` and `line`.
    pub(crate) fn restart(&mut self, row: u64, line: u64) {
        self.text.clear();
        self.ends.clear();
        (self.row, self.line, self.too_long) = (row, line, false);
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &str) {
        let fits = self.text.len() + cell.len() <= MAX_RECORD_BYTES && self.ends.len() < MAX_CELLS;
        self.too_long |= !fits;
        if fits {
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
    }

    /// Whether no cell says anything.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty() && !self.too_long
    }

    /// All cells' text, end to end.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Why no record could be read.
#[derive(Debug)]
pub(crate) enum RecordError {
    Io(io::Error),
    /// The quote that opens at `line`, in the cell counted from 1, is still open at the end of the file.
    Unclosed {
        row: u64,
        line: u64,
        cell: usize,
    },
}

/// Reader of records.
pub(crate) struct Records<R> {
    input: R,
    splitter: Splitter,
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(input: R, delimiter: u8) -> Self {
        Self { input, splitter: Splitter::new(delimiter) }
    }

    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// Reads the next record that is not blank; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, RecordError> {
        loop {
            self.splitter.begin(record);
            if !self.read_one()? {
                return Ok(false);
            }
            if !self.splitter.is_blank() {
                self.splitter.hand_over(record);
                return Ok(true);
            }
        }
    }

    fn read_one(&mut self) -> Result<bool, RecordError> {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(RecordError::Io(e)),
            };
            if chunk.is_empty() {
                return self.splitter.finish();
            }
            let (used, complete) = self.splitter.feed(chunk);
            self.input.consume(used);
            if complete {
                return Ok(true);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell: a second one is a character, anything else ends the quoting.
    Closing,
}

struct Splitter {
    delimiter: u8,
    state: State,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    row: u64,
    line: u64,
    start_line: u64,
    quote_line: u64,
    too_long: bool,
    any_quote: bool,
    after_cr: bool,
}

impl Splitter {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::CellStart,
            bytes: Vec::new(),
            ends: Vec::new(),
            row: 0,
            line: 1,
            start_line: 1,
            quote_line: 1,
            too_long: false,
            any_quote: false,
            after_cr: false,
        }
    }

    /// Starts a record in the memory of the last one.
    fn begin(&mut self, record: &mut Record) {
        if self.bytes.capacity() == 0 {
            self.bytes = std::mem::take(&mut record.text).into_bytes();
        }
        self.bytes.clear();
        self.ends.clear();
        self.row += 1;
        self.start_line = self.line;
        self.too_long = false;
        self.any_quote = false;
    }

    fn hand_over(&mut self, record: &mut Record) {
        let bytes = std::mem::take(&mut self.bytes);
        record.text = match String::from_utf8(bytes) {
            Ok(text) => text,
            // Not reached from decoded text; a caller that breaks the rule loses characters, not safety.
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        };
        std::mem::swap(&mut record.ends, &mut self.ends);
        (record.row, record.line, record.too_long) = (self.row, self.start_line, self.too_long);
    }

    fn is_blank(&self) -> bool {
        self.ends.len() == 1 && self.bytes.is_empty() && !self.any_quote && !self.too_long
    }

    /// Takes bytes up to the end of the record: how many were used, and whether it is complete.
    fn feed(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = usize::from(std::mem::take(&mut self.after_cr) && chunk[0] == b'\n');
        while at < chunk.len() {
            match self.state {
                State::CellStart if chunk[at] == b'"' => {
                    (self.state, self.quote_line, self.any_quote) = (State::Quoted, self.line, true);
                    at += 1;
                }
                State::CellStart => self.state = State::Plain,
                State::Closing if chunk[at] == b'"' => {
                    self.push(b"\"");
                    self.state = State::Quoted;
                    at += 1;
                }
                State::Closing => self.state = State::Plain,
                State::Quoted => at += self.quoted(&chunk[at..]),
                State::Plain => {
                    let (used, complete) = self.plain(&chunk[at..]);
                    at += used;
                    if complete {
                        return (at, true);
                    }
                }
            }
        }
        (at, false)
    }

    fn quoted(&mut self, rest: &[u8]) -> usize {
        let quote = rest.iter().position(|b| *b == b'"');
        let cell = &rest[..quote.unwrap_or(rest.len())];
        self.push(cell);
        self.line += cell.iter().filter(|b| **b == b'\n').count() as u64;
        if quote.is_some() {
            self.state = State::Closing;
        }
        cell.len() + usize::from(quote.is_some())
    }

    fn plain(&mut self, rest: &[u8]) -> (usize, bool) {
        let delimiter = self.delimiter;
        let Some(n) = rest.iter().position(|b| *b == delimiter || *b == b'\n' || *b == b'\r') else {
            self.push(rest);
            return (rest.len(), false);
        };
        self.push(&rest[..n]);
        self.end_cell();
        let ends_record = rest[n] != delimiter;
        if ends_record {
            self.after_cr = rest[n] == b'\r';
            self.line += 1;
        }
        (n + 1, ends_record)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.too_long |= self.bytes.len() + bytes.len() > MAX_RECORD_BYTES;
        if !self.too_long {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn end_cell(&mut self) {
        self.state = State::CellStart;
        self.too_long |= self.ends.len() >= MAX_CELLS;
        if self.ends.len() < MAX_CELLS {
            self.ends.push(self.bytes.len());
        }
    }

    /// The input is over: whether a last record without a line end was under way.
    fn finish(&mut self) -> Result<bool, RecordError> {
        match self.state {
            State::Quoted => {
                Err(RecordError::Unclosed { row: self.row, line: self.quote_line, cell: self.ends.len() + 1 })
            }
            State::CellStart if self.ends.is_empty() => Ok(false),
            _ => {
                self.end_cell();
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows = Vec<(u64, u64, Vec<String>)>;

    fn read_all(text: &str, chunk: usize) -> Result<Rows, RecordError> {
        let mut records = Records::new(io::BufReader::with_capacity(chunk, text.as_bytes()), b',');
        let (mut record, mut rows) = (Record::default(), Vec::new());
        while records.read(&mut record)? {
            rows.push((record.row, record.line, record.cells().map(String::from).collect()));
        }
        Ok(rows)
    }

    #[test]
    fn odd_but_legal_records() {
        let cases: &[(&str, &[&[&str]])] = &[
            ("", &[]),
            ("\n\r\n\r", &[]),
            ("a,b", &[&["a", "b"]]),
            ("a,\n", &[&["a", ""]]),
            ("a,", &[&["a", ""]]),
            ("\"\"\n", &[&[""]]),
            ("\"a\r\nb\",\"say \"\"hi\"\"\"\r\nc,d\r\n", &[&["a\r\nb", "say \"hi\""], &["c", "d"]]),
            ("a \"b\" c,\"d\"e\n", &[&["a \"b\" c", "de"]]),
            ("a\rb\r\n\nc", &[&["a"], &["b"], &["c"]]),
            ("\"a\"", &[&["a"]]),
        ];
        for (text, expected) in cases {
            for chunk in [1, 2, 3, 64] {
                let rows = read_all(text, chunk).unwrap();
                let cells: Vec<_> = rows.iter().map(|(_, _, cells)| cells.clone()).collect();
                assert_eq!(cells, *expected, "{text:?} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn rows_and_lines_are_counted_apart() {
        let rows = read_all("h\n\n\"a\nb\"\nc\n", 5).unwrap();
        let places: Vec<_> = rows.iter().map(|(row, line, _)| (*row, *line)).collect();
        assert_eq!(places, [(1, 1), (3, 3), (4, 5)]);
    }

    #[test]
    fn an_open_quote_is_named() {
        match read_all("h,i\na,b\nc,\"d\ne\nf", 4) {
            Err(RecordError::Unclosed { row: 3, line: 3, cell: 2 }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_over_the_limit_is_not_held() {
        let long = format!("a,\"{}\"\nb,c\n", "x".repeat(MAX_RECORD_BYTES + 1));
        let mut records = Records::new(io::BufReader::new(long.as_bytes()), b',');
        let mut record = Record::default();
        assert!(records.read(&mut record).unwrap() && record.too_long);
        assert!(record.text().len() <= MAX_RECORD_BYTES);
        assert!(records.read(&mut record).unwrap() && !record.too_long);
        assert_eq!(record.cells().collect::<Vec<_>>(), ["b", "c"]);
    }
}
