//! The whole way of one file, from bytes to canonical tickets.

use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;

use calamine::Xlsx;
use firstline_fault::{Code, Error, Result, UserError};

use crate::MAX_RECORD_BYTES;
use crate::convert::Convert;
use crate::decode::Decode;
use crate::fault::Fault;
use crate::json::JsonTickets;
use crate::lines::LineReader;
use crate::markup::Rows;
use crate::objects::{Object, Objects};
use crate::options::ImportOptions;
use crate::records::{Record, RecordError, Records};
use crate::sink::{Row, Sink};
use crate::sniff::{self, Shape};
use crate::source::{self, Source, read_error};
use crate::summary::{ColumnUse, ImportSummary};
use crate::table::Table;
use crate::workbook::{self, Workbook};

/// Where an import writes; it buffers by itself.
pub struct Outputs<'w> {
    /// Canonical tickets, one JSON object a line.
    pub tickets: &'w mut dyn Write,
    /// Bad rows with number, code, reason and what stood there, one JSON object a line.
    pub rejects: &'w mut dyn Write,
}

/// Reads `input` once and writes every ticket it holds. `name` is the file that errors name; `progress` is
/// told the bytes read, packed as they are, about once a MiB and at the end, and may stop the import.
///
/// # Errors
/// The options, the file as a whole, or writing. A bad row is no error but a line of the rejects, unless
/// the options are strict. On any error the outputs are incomplete.
pub fn import(
    input: impl Read,
    name: &str,
    options: &ImportOptions,
    outputs: Outputs<'_>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<ImportSummary> {
    let Outputs { tickets, rejects } = outputs;
    let checked = options.check()?;
    let Source { bytes, gzip, zip } = source::open(input, name, progress)?;
    let run = |format| {
        let summary = ImportSummary::new(format, gzip);
        let sink = Sink::new(name, options.strict, tickets, rejects, summary);
        let convert = Convert::new(checked.dates, options.number_rows);
        Run { name, options, delimiter: checked.delimiter, convert, sink }
    };
    if zip {
        return match workbook::open(bytes, name)? {
            Workbook::Xlsx(sheets, mut xlsx) => run("xlsx").xlsx(&sheets, &mut xlsx),
            Workbook::Ods(content) => run("ods").ods(content),
        };
    }
    let mut text = Decode::new(bytes, checked.encoding).map_err(|e| read_error(name, &e))?;
    let head = text.peek(sniff::HEAD_BYTES).map_err(|e| read_error(name, &e))?;
    if head.iter().all(u8::is_ascii_whitespace) && head.len() < sniff::HEAD_BYTES {
        let next = "Check that the export has finished and the right file was named";
        return Err(UserError::new(Code::Empty, name, "the file is empty", next).into());
    }
    match sniff::shape(head, options.format) {
        Shape::Csv => run("csv").csv(text),
        Shape::Markup => run("html").markup(text),
        Shape::Lines => run("jsonl").lines(text),
        Shape::Document => run("json").document(text),
    }
}

/// One import under way.
struct Run<'r> {
    name: &'r str,
    options: &'r ImportOptions,
    delimiter: Option<u8>,
    convert: Convert,
    sink: Sink<'r>,
}

impl Run<'_> {
    fn csv(mut self, mut text: Decode<'_>) -> Result<ImportSummary> {
        let head = text.peek(0).map_err(|e| read_error(self.name, &e))?;
        let named = sniff::named_delimiter(head);
        let delimiter = self.delimiter.or(named).unwrap_or_else(|| sniff::delimiter(head));
        self.sink.summary.delimiter = Some(char::from(delimiter));
        let mut records = Records::new(text, delimiter);
        let mut record = Record::default();
        let mut table = Table::new(self.options, &mut self.convert, false);
        if named.is_some() {
            read_record(self.name, &mut records, &mut record)?;
        }
        while read_record(self.name, &mut records, &mut record)? {
            let replaced = records.input().tally().replaced > 0;
            if !table.take(&record, replaced, &mut self.sink)? {
                break;
            }
        }
        let told = table.finish(self.name)?;
        self.columns(told);
        self.finish(Some(records.input()))
    }

    fn markup(mut self, text: Decode<'_>) -> Result<ImportSummary> {
        let mut rows = Rows::new(text);
        let mut record = Record::default();
        let mut table = Table::new(self.options, &mut self.convert, true);
        while rows.read(&mut record).map_err(|e| read_error(self.name, &e))? {
            let replaced = rows.input().tally().replaced > 0;
            if !table.take(&record, replaced, &mut self.sink)? {
                break;
            }
        }
        let told = table.finish(self.name)?;
        self.columns(told);
        self.finish(Some(rows.input()))
    }

    fn ods(mut self, content: Cursor<Vec<u8>>) -> Result<ImportSummary> {
        let mut rows = Rows::new(content);
        let mut record = Record::default();
        let mut table = Table::new(self.options, &mut self.convert, true);
        let mut sheet = None;
        let mut more = false;
        while rows.read(&mut record).map_err(|e| read_error(self.name, &e))? {
            // A sheet without a header gives way to the next.
            if sheet.is_some_and(|sheet| sheet != rows.tables()) {
                if table.has_header() {
                    more = true;
                    break;
                }
                table = Table::new(self.options, &mut self.convert, true);
            }
            sheet = Some(rows.tables());
            table.take(&record, false, &mut self.sink)?;
        }
        let told = table.finish(self.name)?;
        self.columns(told);
        if more {
            self.sink
                .summary
                .notes
                .push("the sheets after the one with the tickets were not read".to_owned());
        }
        self.finish(None)
    }

    fn xlsx(mut self, sheets: &[String], xlsx: &mut Xlsx<Cursor<Vec<u8>>>) -> Result<ImportSummary> {
        let mut outcome = None;
        for (at, sheet) in sheets.iter().enumerate() {
            let mut table = Table::new(self.options, &mut self.convert, true);
            workbook::rows(xlsx, sheet, self.name, &mut |record| table.take(record, false, &mut self.sink))?;
            let found = table.has_header();
            let told = table.finish(&format!("{}, sheet {sheet:?}", self.name));
            if found {
                outcome = Some(told);
                let others = sheets.iter().enumerate().filter(|(other, _)| *other != at);
                let others: Vec<String> = others.map(|(_, name)| format!("{name:?}")).collect();
                if !others.is_empty() {
                    let note = format!("of the sheets, {sheet:?} was read, not {}", others.join(", "));
                    self.sink.summary.notes.push(note);
                }
                break;
            }
            outcome = outcome.or(Some(told));
        }
        if let Some(told) = outcome {
            self.columns(told?);
        }
        self.finish(None)
    }

    fn columns(&mut self, (columns, notes): (Vec<ColumnUse>, Vec<String>)) {
        self.sink.summary.columns = columns;
        self.sink.summary.notes.extend(notes);
    }

    fn lines(self, text: Decode<'_>) -> Result<ImportSummary> {
        let Self { name, options, convert, mut sink, .. } = self;
        let mut tickets = JsonTickets::new(&options.map, options.preset, convert);
        let mut lines = LineReader::new(text);
        while let Some(line) = lines.read().map_err(|e| read_error(name, &e))? {
            let text = String::from_utf8_lossy(lines.bytes());
            let row = Row::Line { number: line.number, text: &text, too_long: line.too_long };
            let read = match line.too_long {
                true => vec![Err(too_long("line"))],
                false => tickets.read(&text, line.number),
            };
            let replaced = lines.input().tally().replaced > 0;
            for ticket in read {
                sink.put(row, ticket, replaced, tickets.any_clear_date())?;
            }
        }
        let (convert, columns) = tickets.finish();
        sink.summary.columns = columns;
        Run { name, options, delimiter: None, convert, sink }.finish(Some(lines.input()))
    }

    fn document(self, text: Decode<'_>) -> Result<ImportSummary> {
        let Self { name, options, convert, mut sink, .. } = self;
        let mut tickets = JsonTickets::new(&options.map, options.preset, convert);
        let mut objects = Objects::new(text);
        while let Some(object) = objects.read().map_err(|e| read_error(name, &e))? {
            let text = String::from_utf8_lossy(objects.bytes());
            let Object { number, line, too_long: is_long } = object;
            let row = Row::Object { number, line, text: &text, too_long: is_long };
            let read = match is_long {
                true => vec![Err(too_long("object"))],
                false => tickets.read(&text, number),
            };
            let replaced = objects.input().tally().replaced > 0;
            for ticket in read {
                sink.put(row, ticket, replaced, tickets.any_clear_date())?;
            }
        }
        if let Some(line) = objects.unclosed() {
            let problem = format!("the bracket that opens on line {line} never closes");
            let next = "Fetch the file again: it is cut off";
            return Err(UserError::new(Code::TicketJson, name, problem, next).into());
        }
        if objects.stray() > 0 {
            let note =
                format!("{} characters between the objects are no JSON and were left out", objects.stray());
            sink.summary.notes.push(note);
        }
        let (convert, columns) = tickets.finish();
        sink.summary.columns = columns;
        Run { name, options, delimiter: None, convert, sink }.finish(Some(objects.input()))
    }

    /// Closes the summary; `text` is what was read, where it was text.
    fn finish(mut self, text: Option<&Decode<'_>>) -> Result<ImportSummary> {
        let tally = text.map(Decode::tally).unwrap_or_default();
        let summary = &mut self.sink.summary;
        summary.encoding = text.map_or("UTF-8", Decode::encoding);
        summary.replaced = tally.replaced;
        summary.assumed_utc = self.convert.dates.assumed_utc();
        if tally.guessed {
            let note = "the encoding was guessed from the text; --encoding says otherwise";
            summary.notes.push(note.to_owned());
        }
        self.convert.told.nuls += tally.nuls;
        for (count, what) in [
            (tally.replaced, "byte sequences were no text in that encoding and became U+FFFD"),
            (summary.assumed_utc, "dates had no zone and were taken as UTC; --time-zone says otherwise"),
        ] {
            if count > 0 {
                summary.notes.push(format!("{count} {what}"));
            }
        }
        summary.notes.extend(self.convert.told.notes());
        summary.notes.extend(self.convert.spellings.notes());
        self.sink.finish()
    }
}

fn read_record(name: &str, records: &mut Records<Decode<'_>>, record: &mut Record) -> Result<bool> {
    records.read(record).map_err(|e| match e {
        RecordError::Io(e) => read_error(name, &e),
        RecordError::Unclosed { row, line, cell } => {
            let place = format!("{name}, row {row}");
            let problem = format!("the quote that opens on line {line} in cell {cell} never closes");
            let next = "Close it, or double each quote that is part of the text";
            Error::from(UserError::new(Code::Csv, place, problem, next))
        }
    })
}

pub(crate) fn too_long(what: &str) -> Fault {
    let problem = format!("the {what} is longer than {} MiB", MAX_RECORD_BYTES >> 20);
    Fault::new(Code::LineLength, problem, "Cut attachments out of the export")
}
