//! The whole way of one file, from bytes to canonical tickets.

use std::io::{Read, Write};
use std::ops::ControlFlow;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_ticket::Ticket;
use serde_json::Value;

use crate::MAX_RECORD_BYTES;
use crate::convert::{self, Filled};
use crate::decode::Decode;
use crate::fault::Fault;
use crate::json::Objects;
use crate::layout::Layout;
use crate::lines::LineReader;
use crate::options::{Checked, Format, ImportOptions};
use crate::records::{Record, RecordError, Records};
use crate::sink::{Row, Sink};
use crate::sniff;
use crate::source::{self, read_error};
use crate::summary::ImportSummary;

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
    let source = source::open(input, name, progress)?;
    let mut text = Decode::new(source.bytes, checked.encoding).map_err(|e| read_error(name, &e))?;
    let head = text.peek(sniff::HEAD_BYTES).map_err(|e| read_error(name, &e))?;
    if head.iter().all(u8::is_ascii_whitespace) && head.len() < sniff::HEAD_BYTES {
        let next = "Check that the export has finished and the right file was named";
        return Err(UserError::new(Code::Empty, name, "the file is empty", next).into());
    }
    let format = match options.format {
        Format::Auto => sniff::format(head).map_err(|fault| fault.at(name))?,
        given => given,
    };
    let summary = ImportSummary::new(format, source.gzip);
    let sink = Sink::new(name, options.strict, tickets, rejects, summary);
    let run = Run { name, options, checked, sink, not_flags: 0, nuls: 0, empty_messages: 0 };
    match format {
        Format::Jsonl => run.jsonl(text),
        _ => run.csv(text),
    }
}

/// One import under way.
struct Run<'r> {
    name: &'r str,
    options: &'r ImportOptions,
    checked: Checked,
    sink: Sink<'r>,
    not_flags: u64,
    nuls: u64,
    empty_messages: u64,
}

impl Run<'_> {
    fn csv(mut self, mut text: Decode<'_>) -> Result<ImportSummary> {
        let head = text.peek(0).map_err(|e| read_error(self.name, &e))?;
        let named = sniff::named_delimiter(head);
        let delimiter = self.checked.delimiter.or(named).unwrap_or_else(|| sniff::delimiter(head));
        let mut records = Records::new(text, delimiter);
        let mut record = Record::default();
        // The header, after the line that names the delimiter if there is one.
        for _ in 0..=usize::from(named.is_some()) {
            self.read(&mut records, &mut record)?;
        }
        let layout = Layout::new(&record, self.options)
            .map_err(|fault| fault.at(format!("{}, row {}", self.name, record.row)))?;
        self.sink.summary.delimiter = Some(char::from(delimiter));
        while self.read(&mut records, &mut record)? {
            let ticket = self.ticket_of(&record, &layout);
            let replaced = records.input().tally().replaced > 0;
            let any_date = self.checked.dates.read_count() > 0;
            self.sink.put(Row::Record(&record), ticket, replaced, any_date)?;
        }
        self.sink.summary.columns = layout.uses();
        self.sink.summary.notes.extend(layout.notes);
        self.finish(records.input())
    }

    fn read(&self, records: &mut Records<Decode<'_>>, record: &mut Record) -> Result<bool> {
        records.read(record).map_err(|e| match e {
            RecordError::Io(e) => read_error(self.name, &e),
            RecordError::Unclosed { row, line, cell } => {
                let place = format!("{}, row {row}", self.name);
                let problem = format!("the quote that opens on line {line} in cell {cell} never closes");
                let next = "Close it, or double each quote that is part of the text";
                Error::from(UserError::new(Code::Csv, place, problem, next))
            }
        })
    }

    fn ticket_of(&mut self, record: &Record, layout: &Layout) -> std::result::Result<Ticket, Fault> {
        check_shape(record, layout.columns.len())?;
        let mut ticket = Ticket::default();
        for (cell, column) in record.cells().zip(&layout.columns) {
            if cell.is_empty() {
                continue;
            }
            if column.slots.is_empty() {
                ticket.extra.insert(column.extra.clone(), Value::from(cell));
            }
            for slot in &column.slots {
                let filled = convert::fill(&mut ticket, *slot, cell, &mut self.checked.dates)
                    .map_err(|fault| fault.of(&format!("column {:?}", column.header)))?;
                if filled == Filled::NotAFlag {
                    self.not_flags += 1;
                    convert::keep(&mut ticket, &column.header, Value::from(cell));
                }
            }
        }
        Ok(ticket)
    }

    fn jsonl(mut self, text: Decode<'_>) -> Result<ImportSummary> {
        let mut lines = LineReader::new(text);
        while let Some(line) = lines.read().map_err(|e| read_error(self.name, &e))? {
            let text = String::from_utf8_lossy(lines.bytes());
            let ticket = match line.too_long {
                true => Err(too_long("line")),
                false => self.ticket_of_line(&text),
            };
            let row = Row::Line { number: line.number, text: &text, too_long: line.too_long };
            let replaced = lines.input().tally().replaced > 0;
            let any_date = self.checked.dates.read_count() > 0;
            self.sink.put(row, ticket, replaced, any_date)?;
        }
        self.finish(lines.input())
    }

    fn ticket_of_line(&mut self, line: &str) -> std::result::Result<Ticket, Fault> {
        let (ticket, told) = Objects::new(&self.options.map, &mut self.checked.dates).read(line)?;
        self.not_flags += told.not_flags;
        self.empty_messages += told.empty_messages;
        self.nuls += told.nuls;
        Ok(ticket)
    }

    fn finish(mut self, text: &Decode<'_>) -> Result<ImportSummary> {
        let tally = text.tally();
        let summary = &mut self.sink.summary;
        summary.encoding = text.encoding();
        summary.replaced = tally.replaced;
        summary.assumed_utc = self.checked.dates.assumed_utc();
        if tally.guessed {
            let note = "the encoding was guessed from the text; --encoding says otherwise";
            summary.notes.push(note.to_owned());
        }
        for (count, what) in [
            (tally.replaced, "byte sequences were no text in that encoding and became U+FFFD"),
            (summary.assumed_utc, "dates had no zone and were taken as UTC; --time-zone says otherwise"),
            (tally.nuls + self.nuls, "NUL characters were left out"),
            (self.not_flags, "flags were neither yes nor no; they pass through"),
            (self.empty_messages, "messages without text were left out"),
        ] {
            if count > 0 {
                summary.notes.push(format!("{count} {what}"));
            }
        }
        self.sink.finish()
    }
}

/// A record must be as wide as the header; empty cells beyond it come from a trailing delimiter.
fn check_shape(record: &Record, width: usize) -> std::result::Result<(), Fault> {
    if record.too_long {
        return Err(too_long("record"));
    }
    let spare = (width..record.len()).all(|i| record.cell(i).trim().is_empty());
    if record.len() >= width && spare {
        return Ok(());
    }
    let problem = format!("the row has {} cells, the header {width}", record.len());
    Err(Fault::new(Code::Csv, problem, "Quote cells that hold the delimiter or a line end"))
}

fn too_long(what: &str) -> Fault {
    let problem = format!("the {what} is longer than {} MiB", MAX_RECORD_BYTES >> 20);
    Fault::new(Code::LineLength, problem, "Cut attachments out of the export")
}
