//! Where rows end: the canonical file, or the rejects file.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::Ticket;
use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::MAX_RAW_BYTES;
use crate::fault::{Fault, check, clip};
use crate::records::Record;
use crate::summary::{ImportSummary, LabelTally};

const BUFFER: usize = 256 << 10;

/// Two 64-bit halves: half the alignment, so half the memory beside a small value.
type Hash = [u64; 2];

/// A bad row, as the rejects file keeps it.
#[derive(Serialize)]
pub(crate) struct Reject<'a> {
    row: u64,
    line: u64,
    code: &'static str,
    reason: String,
    raw: Raw<'a>,
    /// Whether `raw` is only the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    raw_cut: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Raw<'a> {
    Cells(Vec<&'a str>),
    Line(&'a str),
}

/// A row before its fate is known: where it stands and what it was.
#[derive(Clone, Copy)]
pub(crate) enum Row<'a> {
    Record(&'a Record),
    Line {
        number: u64,
        text: &'a str,
        too_long: bool,
    },
    /// An object of a JSON document.
    Object {
        number: u64,
        line: u64,
        text: &'a str,
        too_long: bool,
    },
}

impl<'a> Row<'a> {
    fn number(self) -> u64 {
        match self {
            Row::Record(record) => record.row,
            Row::Line { number, .. } | Row::Object { number, .. } => number,
        }
    }

    fn text(self) -> &'a str {
        match self {
            Row::Record(record) => record.text(),
            Row::Line { text, .. } | Row::Object { text, .. } => text,
        }
    }

    fn reject(self, fault: &Fault) -> Reject<'a> {
        let (line, raw, raw_cut) = match self {
            Row::Record(record) => {
                let (cells, cut) = cells(record);
                (record.line, Raw::Cells(cells), cut || record.too_long)
            }
            Row::Line { number: line, text, too_long } | Row::Object { line, text, too_long, .. } => {
                let held = clip(text, MAX_RAW_BYTES);
                (line, Raw::Line(held), too_long || held.len() < text.len())
            }
        };
        let reason = fault.reason();
        Reject { row: self.number(), line, code: fault.code.as_str(), reason, raw, raw_cut }
    }
}

/// The cells that fit the limit together, and whether any was cut.
fn cells(record: &Record) -> (Vec<&str>, bool) {
    let (mut room, mut cells) = (MAX_RAW_BYTES, Vec::new());
    for cell in record.cells() {
        let held = clip(cell, room);
        cells.push(held);
        if held.len() < cell.len() {
            return (cells, true);
        }
        room = room.saturating_sub(held.len() + 3);
    }
    (cells, false)
}

/// Writer of tickets and rejects that knows what was seen before.
pub(crate) struct Sink<'w> {
    name: &'w str,
    strict: bool,
    tickets: BufWriter<&'w mut dyn Write>,
    rejects: BufWriter<&'w mut dyn Write>,
    ids: HashMap<Hash, u32>,
    texts: HashSet<Hash>,
    labels: LabelTally,
    buffer: Vec<u8>,
    first_fault: Option<String>,
    pub(crate) summary: ImportSummary,
}

impl<'w> Sink<'w> {
    pub(crate) fn new(
        name: &'w str,
        strict: bool,
        tickets: &'w mut dyn Write,
        rejects: &'w mut dyn Write,
        summary: ImportSummary,
    ) -> Self {
        Self {
            name,
            strict,
            tickets: BufWriter::with_capacity(BUFFER, tickets),
            rejects: BufWriter::new(rejects),
            ids: HashMap::new(),
            texts: HashSet::new(),
            labels: LabelTally::default(),
            buffer: Vec::new(),
            first_fault: None,
            summary,
        }
    }

    /// Writes the ticket, or the row with its fault. `replaced` says that the file so far has bytes that
    /// are no text in its encoding.
    ///
    /// # Errors
    /// A file that can't be written; with `strict`, the fault itself; without, a fault of the whole file.
    pub(crate) fn put(
        &mut self,
        row: Row<'_>,
        ticket: std::result::Result<Ticket, Fault>,
        replaced: bool,
        any_date: bool,
    ) -> Result<()> {
        self.summary.rows += 1;
        let accepted = ticket.and_then(|ticket| {
            check(&ticket)?;
            if self.strict && replaced && row.text().contains('\u{FFFD}') {
                return Err(undecodable());
            }
            self.remember(&ticket, row.number())?;
            Ok(ticket)
        });
        match accepted {
            Ok(ticket) => self.accept(&ticket),
            Err(fault) if self.strict || (fault.whole_file && !any_date) => Err(fault.at(self.place(row))),
            Err(fault) => self.reject(row, &fault),
        }
    }

    fn place(&self, row: Row<'_>) -> String {
        match row {
            Row::Record(record) if record.row != record.line => {
                format!("{}, row {} (line {})", self.name, record.row, record.line)
            }
            Row::Record(record) => format!("{}, row {}", self.name, record.row),
            Row::Line { number, .. } => format!("{}, line {number}", self.name),
            Row::Object { number, line, .. } => format!("{}, object {number} (line {line})", self.name),
        }
    }

    /// Notes the id, which must be new.
    fn remember(&mut self, ticket: &Ticket, row: u64) -> std::result::Result<(), Fault> {
        match self.ids.entry(halves(xxh3_128(ticket.id.as_bytes()))) {
            Entry::Occupied(first) => {
                let problem =
                    format!("the id {:?} stood before in row {}", clip(&ticket.id, 60), first.get());
                Err(Fault::new(Code::TicketId, problem, "Keep one row a ticket"))
            }
            Entry::Vacant(free) => {
                free.insert(u32::try_from(row).unwrap_or(u32::MAX));
                Ok(())
            }
        }
    }

    fn accept(&mut self, ticket: &Ticket) -> Result<()> {
        if !self.texts.insert(text_hash(ticket)) {
            self.summary.exact_duplicates += 1;
        }
        self.summary.count(ticket);
        self.labels.count(ticket);
        write_line(&mut self.tickets, &mut self.buffer, ticket)
            .map_err(|e| UserError::io("the tickets file", &e).into())
    }

    fn reject(&mut self, row: Row<'_>, fault: &Fault) -> Result<()> {
        self.summary.rejected += 1;
        *self.summary.rejected_by_code.entry(fault.code.as_str()).or_default() += 1;
        if self.first_fault.is_none() {
            self.first_fault = Some(fault.clone().at(self.place(row)).to_string());
        }
        write_line(&mut self.rejects, &mut self.buffer, &row.reject(fault))
            .map_err(|e| UserError::io("the rejects file", &e).into())
    }

    /// Flushes both files and closes the summary.
    ///
    /// # Errors
    /// [`Code::Empty`] when not one ticket was written.
    pub(crate) fn finish(mut self) -> Result<ImportSummary> {
        self.tickets.flush().map_err(|e| UserError::io("the tickets file", &e))?;
        self.rejects.flush().map_err(|e| UserError::io("the rejects file", &e))?;
        self.summary.labels = self.labels.finish();
        if self.summary.imported > 0 {
            return Ok(self.summary);
        }
        let (problem, next) = match self.first_fault {
            None => ("there is no row with a ticket".to_owned(), "Export again with at least one ticket"),
            Some(fault) => (
                format!("none of {} rows could be used; the first: {fault}", self.summary.rows),
                "The rejects file has them all",
            ),
        };
        Err(UserError::new(Code::Empty, self.name, problem, next).into())
    }
}

fn undecodable() -> Fault {
    let problem = "the row has bytes that are no text in the file's encoding";
    Fault::new(Code::Encoding, problem, "Name the encoding with --encoding")
}

fn text_hash(ticket: &Ticket) -> Hash {
    let mut hasher = Xxh3::new();
    hasher.update(ticket.subject.as_deref().unwrap_or_default().as_bytes());
    // No byte of UTF-8 is 0xff, so that "ab" + "c" and "a" + "bc" differ.
    hasher.update(b"\xff");
    hasher.update(ticket.body.as_deref().unwrap_or_default().as_bytes());
    halves(hasher.digest128())
}

fn halves(hash: u128) -> Hash {
    [(hash >> 64) as u64, hash as u64]
}

fn write_line(out: &mut impl Write, buffer: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    buffer.clear();
    serde_json::to_writer(&mut *buffer, value)?;
    buffer.push(b'\n');
    out.write_all(buffer)
}
