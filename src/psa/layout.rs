//! From the header row to what each column means.

use std::collections::HashSet;

use firstline_fault::Code;

use crate::aliases::{self, Meaning};
use crate::fault::{Fault, clip};
use crate::options::{ImportOptions, Mapping, Preset};
use crate::records::Record;
use crate::slot::Slot;

/// More columns than this are no ticket export.
const MAX_COLUMNS: usize = 1024;
/// A longer header cell is text, not a name.
const MAX_NAME_BYTES: usize = 1024;
/// How many columns an error lists.
const LISTED: usize = 60;

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) header: String,
    /// The fields it fills; several only by explicit mappings.
    pub(crate) slots: Vec<Slot>,
    /// Whether each of its cells is a message of the conversation.
    pub(crate) is_message: bool,
    /// The key it passes through under when it fills none.
    pub(crate) extra: String,
}

/// The columns of a file, in their order.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Column>,
    pub(crate) notes: Vec<String>,
}

/// Why a row is no header, and how much of one it is: columns that are mapped or have a known name.
#[derive(Debug)]
pub(crate) struct NoHeader {
    pub(crate) fault: Fault,
    pub(crate) known: usize,
}

impl Column {
    /// Whether its cells pass through as they are.
    pub(crate) fn is_extra(&self) -> bool {
        self.slots.is_empty() && !self.is_message
    }
}

impl Layout {
    /// Gives each column its meaning: explicit mappings first, then for each field its best alias.
    ///
    /// # Errors
    /// [`Code::CsvColumn`]: a mapped column is missing, no column is the id, or none is subject or body.
    pub(crate) fn new(header: &Record, options: &ImportOptions) -> Result<Self, NoHeader> {
        check_header(header).map_err(|fault| NoHeader { fault, known: 0 })?;
        let preset = options.preset.or_else(|| aliases::detect(header.cells()));
        let column = |h: &str| Column {
            header: h.trim().to_owned(),
            slots: Vec::new(),
            is_message: false,
            extra: String::new(),
        };
        let mut columns: Vec<Column> = header.cells().map(column).collect();
        let named = columns.iter().filter(|c| aliases::look_up(&c.header, preset).is_some()).count();
        let found = options.map.iter().map(|mapping| find(&columns, mapping)).collect::<Vec<_>>();
        let known = named + found.iter().flatten().count();
        for (mapping, at) in options.map.iter().zip(found) {
            let at = at.map_err(|fault| NoHeader { fault, known })?;
            columns[at].slots.push(mapping.slot);
        }
        let mut layout = Self { columns, notes: Vec::new() };
        if let Some(found) = preset.filter(|_| options.preset.is_none()) {
            layout.notes.push(format!("the headings are those of {}; --preset says otherwise", found.name()));
        }
        layout.assign_aliases(options, preset);
        layout.check_complete(options.number_rows).map_err(|fault| NoHeader { fault, known })?;
        layout.name_extras();
        Ok(layout)
    }

    fn assign_aliases(&mut self, options: &ImportOptions, preset: Option<Preset>) {
        let mut offers: Vec<(Slot, usize, usize)> = Vec::new();
        for (at, column) in self.columns.iter_mut().enumerate().filter(|(_, c)| c.slots.is_empty()) {
            match aliases::look_up(&column.header, preset) {
                Some((Meaning::Field(slot), rank)) => offers.push((slot, rank, at)),
                Some((Meaning::Message, _)) => column.is_message = true,
                None => {}
            }
        }
        offers.retain(|(slot, ..)| !options.map.iter().any(|m| m.slot == *slot));
        offers.sort_unstable();
        for same in offers.chunk_by(|a, b| a.0 == b.0) {
            let (slot, _, best) = same[0];
            self.columns[best].slots.push(slot);
            if same.len() > 1 {
                let name = |at: usize| format!("{:?}", self.columns[at].header);
                let others: Vec<_> = same[1..].iter().take(LISTED).map(|o| name(o.2)).collect();
                let others = others.join(", ");
                self.notes.push(format!(
                    "{slot} is taken from {}, not from {others}; --map {slot}=... says otherwise",
                    name(best)
                ));
            }
        }
    }

    fn check_complete(&self, number_rows: bool) -> Result<(), Fault> {
        let has = |slot| self.columns.iter().any(|c| c.slots.contains(&slot));
        let (problem, next) = match () {
            () if !has(Slot::Id) && !number_rows => (
                "no column is the ticket's id",
                "Name it with --map id=\"Column\", or use --number-rows if there is none",
            ),
            () if !has(Slot::Subject) && !has(Slot::Body) => {
                ("no column is the subject or the body", "Name it with --map subject=\"Column\"")
            }
            () => return Ok(()),
        };
        let problem = format!("{problem} (have: {})", listed(&self.columns));
        Err(Fault::new(Code::CsvColumn, problem, next))
    }

    /// Whether `record` is the header once more.
    pub(crate) fn is_header(&self, record: &Record) -> bool {
        record.len() >= self.columns.len()
            && record.cells().zip(&self.columns).all(|(cell, column)| cell.trim() == column.header)
    }

    /// Keys of the columns that pass through: their header, numbered where that is taken or reserved.
    fn name_extras(&mut self) {
        let filled = self.columns.iter().filter(|c| !c.is_extra());
        let mut taken: HashSet<String> = filled.map(|c| c.header.clone()).collect();
        for (at, column) in self.columns.iter_mut().enumerate().filter(|(_, c)| c.is_extra()) {
            let base = match column.header.as_str() {
                "" => format!("column_{}", at + 1),
                header => header.to_owned(),
            };
            let is_taken = |key: &str| Slot::is_reserved(key) || taken.contains(key);
            column.extra = free_key(&base, is_taken);
            if column.extra != base && self.notes.len() < LISTED {
                self.notes.push(format!("column {base:?} passes through as {:?}", column.extra));
            }
            taken.insert(column.extra.clone());
        }
    }
}

/// `base`, or `base_2`, `base_3`... if that is taken.
pub(crate) fn free_key(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut key = base.to_owned();
    for n in 2u64.. {
        if !is_taken(&key) {
            break;
        }
        key = format!("{base}_{n}");
    }
    key
}

fn check_header(header: &Record) -> Result<(), Fault> {
    let next = "Check that the first row holds the columns' names, and --delimiter";
    let problem = match () {
        () if header.too_long || header.len() > MAX_COLUMNS => {
            format!("the header row has more than {MAX_COLUMNS} columns or is too long")
        }
        () if header.cells().any(|c| c.len() > MAX_NAME_BYTES) => {
            format!("a column's name is longer than {MAX_NAME_BYTES} bytes")
        }
        () => return Ok(()),
    };
    Err(Fault::new(Code::CsvColumn, problem, next))
}

/// The column a mapping names: by its exact header, else by the header without case and punctuation.
fn find(columns: &[Column], mapping: &Mapping) -> Result<usize, Fault> {
    let wanted = mapping.column.trim();
    let exact = columns.iter().position(|c| c.header == wanted);
    let alike = || {
        let wanted = aliases::normalise(wanted);
        columns.iter().position(|c| !wanted.is_empty() && aliases::normalise(&c.header) == wanted)
    };
    exact.or_else(alike).ok_or_else(|| {
        let problem = format!("no column {wanted:?} (have: {})", listed(columns));
        let next = format!("Give --map {}=... one of these names", mapping.slot);
        Fault::new(Code::CsvColumn, problem, next)
    })
}

fn listed(columns: &[Column]) -> String {
    let mut names: Vec<_> = columns.iter().take(LISTED).map(|c| clip(&c.header, 80)).collect();
    if columns.len() > LISTED {
        names.push("...");
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Records;

    fn layout(header: &str, preset: Option<Preset>, map: &[&str]) -> Result<Layout, Fault> {
        let mut record = Record::default();
        Records::new(header.as_bytes(), b',').read(&mut record).unwrap();
        let map = map.iter().map(|m| m.parse().unwrap()).collect();
        let options = ImportOptions { preset, map, ..Default::default() };
        Layout::new(&record, &options).map_err(|no_header| no_header.fault)
    }

    fn column_of(layout: &Layout, slot: Slot) -> Option<&str> {
        layout.columns.iter().find(|c| c.slots.contains(&slot)).map(|c| c.header.as_str())
    }

    #[test]
    fn presets_read_the_known_exports() {
        use Slot::{Board, OpenedAt, Subject, Subtype, Technician, Type};
        let connectwise = "Ticket #,Priority,Age,Status,Company,Contact,Summary Description,Type,SubType,\
            Item,Board,Resources,Last Update,Date Entered,Date Closed";
        let autotask = "External (Legacy) Ticket ID,Autotask Ticket Number (updates only),[required] Title,\
            Description,Tags,[required] Company,Location,Contact,[required] Status,[required] Priority,\
            [required] Source,Estimated Hours,[required if no Queue] Primary Resource,Role,\
            [required if no Primary Resource] Queue,[required] Ticket Type,Ticket Category,Issue Type,\
            Sub-Issue Type,Create Date/Time,Complete Date/Time,First Response Date/Time,Resolution";
        let halo = "Ticket ID,Summary,Customer,User,Status,Priority,Agent,Team,Ticket Type,Category,\
            Date Occurred,Last Action Date,Date Closed";
        type Case<'a> = (&'a str, Preset, &'a [(Slot, &'a str)]);
        let cases: [Case<'_>; 3] = [
            (
                connectwise,
                Preset::ConnectWise,
                &[
                    (Slot::Id, "Ticket #"),
                    (Subject, "Summary Description"),
                    (Board, "Board"),
                    (Type, "Type"),
                    (Subtype, "SubType"),
                    (Technician, "Resources"),
                    (OpenedAt, "Date Entered"),
                    (Slot::ResolvedAt, "Date Closed"),
                    (Slot::Customer, "Company"),
                ],
            ),
            (
                autotask,
                Preset::Autotask,
                &[
                    (Slot::Id, "Autotask Ticket Number (updates only)"),
                    (Subject, "[required] Title"),
                    (Slot::Body, "Description"),
                    (Board, "[required if no Primary Resource] Queue"),
                    (Type, "Issue Type"),
                    (Subtype, "Sub-Issue Type"),
                    (Technician, "[required if no Queue] Primary Resource"),
                    (OpenedAt, "Create Date/Time"),
                    (Slot::ResolvedAt, "Complete Date/Time"),
                    (Slot::FirstResponseAt, "First Response Date/Time"),
                    (Slot::Resolution, "Resolution"),
                    (Slot::Priority, "[required] Priority"),
                    (Slot::Source, "[required] Source"),
                ],
            ),
            (
                halo,
                Preset::HaloPsa,
                &[
                    (Slot::Id, "Ticket ID"),
                    (Subject, "Summary"),
                    (Board, "Team"),
                    (Type, "Ticket Type"),
                    (Subtype, "Category"),
                    (Technician, "Agent"),
                    (OpenedAt, "Date Occurred"),
                    (Slot::Contact, "User"),
                    (Slot::Customer, "Customer"),
                ],
            ),
        ];
        for (header, preset, expected) in cases {
            let layout = layout(header, Some(preset), &[]).unwrap();
            for (slot, column) in expected {
                assert_eq!(column_of(&layout, *slot), Some(*column), "{preset:?} {slot}");
            }
        }
    }

    #[test]
    fn a_mapping_wins_and_its_rival_passes_through() {
        let layout =
            layout("id,subject,Ticket Summary,note,note,", None, &["subject=ticket summary"]).unwrap();
        assert_eq!(column_of(&layout, Slot::Subject), Some("Ticket Summary"));
        let extras: Vec<_> = layout.columns.iter().map(|c| c.extra.as_str()).collect();
        assert_eq!(extras, ["", "subject_2", "", "note", "note_2", "column_6"]);
    }

    #[test]
    fn of_two_columns_the_better_name_is_taken_and_said() {
        let layout = layout("Title,ID,Summary,Messages,messages", None, &[]).unwrap();
        assert_eq!(column_of(&layout, Slot::Subject), Some("Summary"));
        assert!(layout.notes[0].contains("subject is taken from \"Summary\", not from \"Title\""));
        assert_eq!(layout.columns[4].extra, "messages_2");
    }

    #[test]
    fn what_is_missing_is_said_with_the_columns_there_are() {
        for (header, map, part) in [
            ("Ref,Summary", &[][..], "--map id="),
            ("ID,Status", &[][..], "--map subject="),
            ("ID,Summary", &["body=Text"][..], "no column \"Text\" (have: ID, Summary)"),
        ] {
            let fault = layout(header, None, map).unwrap_err();
            assert_eq!(fault.code, Code::CsvColumn);
            assert!(fault.reason().contains(part), "{}", fault.reason());
        }
    }
}
