//! What an import did, for the closing table.

use std::collections::{BTreeMap, HashMap};

use firstline_ticket::{Field, Ticket};
use jiff::Timestamp;
use serde::Serialize;

use crate::fault::clip;
use crate::slot::Slot;

/// Labels beyond this many different ones are no longer told apart.
const MAX_DISTINCT: usize = 10_000;
/// How many labels the summary names.
const TOP: usize = 10;
/// Labels are counted by their first bytes, so that hostile ones take no memory.
const LABEL_BYTES: usize = 200;

/// What was read, what was refused, and how the file was understood.
#[derive(Debug, Clone, Serialize)]
pub struct ImportSummary {
    /// Rows under the header, or lines that are not blank.
    pub rows: u64,
    /// Tickets written.
    pub imported: u64,
    /// Rows in the rejects file.
    pub rejected: u64,
    /// Rejected rows by error code.
    pub rejected_by_code: BTreeMap<&'static str, u64>,
    /// Earliest opening date.
    pub first_opened_at: Option<Timestamp>,
    /// Latest opening date.
    pub last_opened_at: Option<Timestamp>,
    /// Tickets without an opening date.
    pub undated: u64,
    /// Labels of each field that has any.
    pub labels: BTreeMap<Field, LabelCounts>,
    /// Tickets whose subject and body equal an earlier ticket's.
    pub exact_duplicates: u64,
    /// `csv`, `jsonl`, `json`, `html`, `xlsx` or `ods`.
    pub format: &'static str,
    /// Whether the file was gzip.
    pub gzip: bool,
    /// Name of the encoding.
    pub encoding: &'static str,
    /// The character between cells, for a CSV.
    pub delimiter: Option<char>,
    /// What became of each column, or of each key of JSON objects.
    pub columns: Vec<ColumnUse>,
    /// Fields that no ticket has.
    pub unfilled: Vec<Slot>,
    /// Dates without a zone that were taken as UTC because no time zone was given.
    pub assumed_utc: u64,
    /// Byte sequences that were no text in the encoding and became U+FFFD.
    pub replaced: u64,
    /// What else the user should know, one sentence each.
    pub notes: Vec<String>,
}

/// The labels of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LabelCounts {
    /// Tickets that have a label.
    pub labelled: u64,
    /// Different labels, counted up to 10,000.
    pub distinct: usize,
    /// Whether there are more.
    pub more: bool,
    /// The most frequent labels, then by name.
    pub top: Vec<(String, u64)>,
}

/// What became of one column, or of one key of JSON objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// Its header.
    pub column: String,
    /// The fields it fills.
    pub fields: Vec<Slot>,
    /// Whether its values are messages.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub messages: bool,
    /// Rows in which it says anything.
    pub filled: u64,
    /// The key it passes through under, when it fills none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
}

impl ImportSummary {
    pub(crate) fn new(format: &'static str, gzip: bool) -> Self {
        Self {
            rows: 0,
            imported: 0,
            rejected: 0,
            rejected_by_code: BTreeMap::new(),
            first_opened_at: None,
            last_opened_at: None,
            undated: 0,
            labels: BTreeMap::new(),
            exact_duplicates: 0,
            format,
            gzip,
            encoding: "",
            delimiter: None,
            columns: Vec::new(),
            unfilled: Slot::ALL.to_vec(),
            assumed_utc: 0,
            replaced: 0,
            notes: Vec::new(),
        }
    }

    /// Columns that filled nothing: they stand for no field, or say nothing in any row.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let is_extra = |column: &ColumnUse| column.fields.is_empty() && !column.messages;
        let unused = move |column: &&ColumnUse| is_extra(column) || column.filled == 0;
        self.columns.iter().filter(unused).map(|column| column.column.as_str())
    }

    /// Counts a ticket that was written.
    pub(crate) fn count(&mut self, ticket: &Ticket) {
        self.imported += 1;
        self.unfilled.retain(|slot| !slot.is_filled(ticket));
        match ticket.opened_at {
            None => self.undated += 1,
            Some(at) => {
                self.first_opened_at = Some(self.first_opened_at.map_or(at, |first| first.min(at)));
                self.last_opened_at = Some(self.last_opened_at.map_or(at, |last| last.max(at)));
            }
        }
    }
}

/// Counter of labels in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct LabelTally {
    fields: BTreeMap<Field, (LabelCounts, HashMap<String, u64>)>,
}

impl LabelTally {
    pub(crate) fn count(&mut self, ticket: &Ticket) {
        for field in Field::ALL {
            let Some(label) = ticket.label(field) else { continue };
            let label = clip(label, LABEL_BYTES);
            let (counts, seen) = self.fields.entry(field).or_default();
            counts.labelled += 1;
            if let Some(n) = seen.get_mut(label) {
                *n += 1;
            } else if seen.len() < MAX_DISTINCT {
                seen.insert(label.to_owned(), 1);
            } else {
                counts.more = true;
            }
        }
    }

    pub(crate) fn finish(self) -> BTreeMap<Field, LabelCounts> {
        let close = |(counts, seen): (LabelCounts, HashMap<String, u64>)| {
            let distinct = seen.len();
            let mut top: Vec<_> = seen.into_iter().collect();
            top.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            top.truncate(TOP);
            LabelCounts { distinct, top, ..counts }
        };
        self.fields.into_iter().map(|(field, tally)| (field, close(tally))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_counts_are_bounded_and_ordered() {
        let mut tally = LabelTally::default();
        let count = |tally: &mut LabelTally, label: &str| {
            tally.count(&Ticket { board: Some(label.into()), ..Ticket::default() });
        };
        for i in 0..MAX_DISTINCT + 5 {
            count(&mut tally, &format!("b{i}"));
        }
        count(&mut tally, "b7");
        count(&mut tally, &"ü".repeat(300));
        let labels = tally.finish();
        let board = &labels[&Field::Board];
        assert_eq!((board.labelled, board.distinct, board.more), (10_007, MAX_DISTINCT, true));
        assert_eq!(board.top[0], ("b7".into(), 2));
        assert_eq!(board.top[1].0, "b0");
        assert_eq!(labels.len(), 1);
    }
}
