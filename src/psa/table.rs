//! Rows of cells as tickets: finds the header, then takes row after row, wherever the rows come from.

use firstline_fault::{Code, Result};
use firstline_ticket::Ticket;
use serde_json::Value;

use crate::aliases;
use crate::convert::{self, Convert, Given};
use crate::fault::Fault;
use crate::import::too_long;
use crate::layout::{Layout, NoHeader};
use crate::options::ImportOptions;
use crate::records::Record;
use crate::sink::{Row, Sink};
use crate::summary::ColumnUse;

/// Rows among which the header is looked for: titles and filters stand above it in some exports.
const HEADER_ROWS: usize = 20;

/// What takes a file's rows.
pub(crate) struct Table<'t> {
    options: &'t ImportOptions,
    convert: &'t mut Convert,
    /// Whether rows come from sheets, which leave out empty cells at the end and keep dates as dates.
    is_sheet: bool,
    found: Option<Found>,
    /// The best of the rows that were no header, with its number.
    missed: Option<(NoHeader, u64)>,
    passed_over: usize,
    repeated: u64,
}

/// The header, once it is found.
struct Found {
    layout: Layout,
    /// Rows in which each column says anything.
    filled: Vec<u64>,
}

impl<'t> Table<'t> {
    pub(crate) fn new(options: &'t ImportOptions, convert: &'t mut Convert, is_sheet: bool) -> Self {
        Self { options, convert, is_sheet, found: None, missed: None, passed_over: 0, repeated: 0 }
    }

    pub(crate) fn has_header(&self) -> bool {
        self.found.is_some()
    }

    /// Takes a row; `replaced` as for [`Sink::put`]. Gives whether more rows make sense: no header among the first rows, no table.
    ///
    /// # Errors
    /// As [`Sink::put`].
    pub(crate) fn take(&mut self, record: &Record, replaced: bool, sink: &mut Sink<'_>) -> Result<bool> {
        let Some(found) = &mut self.found else {
            return Ok(self.find_header(record));
        };
        if found.layout.is_header(record) {
            self.repeated += 1;
            return Ok(true);
        }
        let ticket = ticket_of(record, found, self.convert, self.is_sheet);
        sink.put(Row::Record(record), ticket, replaced, self.convert.dates.any_clear())?;
        Ok(true)
    }

    fn find_header(&mut self, record: &Record) -> bool {
        match Layout::new(record, self.options) {
            Ok(layout) => {
                let filled = vec![0; layout.columns.len()];
                self.found = Some(Found { layout, filled });
            }
            Err(no_header) => {
                self.passed_over += 1;
                if self.missed.as_ref().is_none_or(|(best, _)| no_header.known > best.known) {
                    self.missed = Some((no_header, record.row));
                }
            }
        }
        self.passed_over < HEADER_ROWS
    }

    /// What became of each column, and notes; `name` is the file that an error names.
    ///
    /// # Errors
    /// No row is a header.
    pub(crate) fn finish(self, name: &str) -> Result<(Vec<ColumnUse>, Vec<String>)> {
        let Some(Found { layout, filled }) = self.found else {
            let missed = self.missed.or_else(|| {
                let mut record = Record::default();
                record.restart(1, 1);
                Layout::new(&record, self.options).err().map(|no_header| (no_header, 1))
            });
            return match missed {
                Some((no_header, row)) => Err(no_header.fault.at(format!("{name}, row {row}"))),
                None => Ok((Vec::new(), Vec::new())),
            };
        };
        let mut notes = layout.notes;
        for (count, what) in [
            (self.passed_over as u64, "rows above the column names were passed over"),
            (self.repeated, "rows repeated the column names and were left out"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        let columns = layout.columns.into_iter().zip(filled).map(|(column, filled)| ColumnUse {
            extra: column.is_extra().then_some(column.extra),
            column: column.header,
            fields: column.slots,
            messages: column.is_message,
            filled,
        });
        Ok((columns.collect(), notes))
    }
}

fn ticket_of(
    record: &Record,
    found: &mut Found,
    convert: &mut Convert,
    is_sheet: bool,
) -> std::result::Result<Ticket, Fault> {
    let columns = &found.layout.columns;
    check_shape(record, columns.len(), is_sheet)?;
    let mut ticket = Ticket::default();
    let mut author_ids: Vec<(bool, String)> = Vec::new();
    for ((cell, column), filled) in record.cells().zip(columns).zip(&mut found.filled) {
        let cell = unwrapped(cell);
        if cell.is_empty() {
            continue;
        }
        *filled += u64::from(!cell.trim().is_empty());
        if column.is_message {
            convert.comment(&mut ticket, &cell);
        } else if column.slots.is_empty() {
            match aliases::normalise(&column.header).as_str() {
                "reporterid" | "creatorid" => author_ids.push((false, cell.trim().to_owned())),
                "assigneeid" => author_ids.push((true, cell.trim().to_owned())),
                _ => {}
            }
            ticket.extra.insert(column.extra.clone(), Value::from(cell.as_ref()));
        }
        for slot in &column.slots {
            let given = Given { column: &column.header, text: &cell, native: is_sheet };
            let filled = convert.fill(&mut ticket, *slot, given);
            filled.map_err(|fault| fault.of(&format!("column {:?}", column.header)))?;
        }
    }
    let (contact, technician) = (ticket.contact.clone(), ticket.technician.clone());
    let is = |who: &Option<String>, owner: bool, author: &str| {
        who.as_deref() == Some(author)
            || author_ids.iter().any(|(is_owner, id)| *is_owner == owner && id == author)
    };
    convert::attribute(&mut ticket, |a| is(&contact, false, a), |a| is(&technician, true, a));
    convert.finish(&mut ticket, record.row);
    Ok(ticket)
}

/// The text of `="00123"`, as exports write what a spreadsheet must not take for a number.
fn unwrapped(cell: &str) -> std::borrow::Cow<'_, str> {
    let inner = cell.trim().strip_prefix("=\"").and_then(|cell| cell.strip_suffix('"'));
    match inner.filter(|inner| !inner.replace("\"\"", "").contains('"')) {
        Some(inner) => inner.replace("\"\"", "\"").into(),
        None => cell.into(),
    }
}

/// A record must be as wide as the header; empty cells beyond it come from a trailing delimiter.
fn check_shape(record: &Record, width: usize, is_sheet: bool) -> std::result::Result<(), Fault> {
    if record.too_long {
        return Err(too_long("record"));
    }
    let spare = (width..record.len()).all(|i| record.cell(i).trim().is_empty());
    if (is_sheet || record.len() >= width) && spare {
        return Ok(());
    }
    let problem = format!("the row has {} cells, the header {width}", record.len());
    Err(Fault::new(Code::Csv, problem, "Quote cells that hold the delimiter or a line end"))
}
