//! What was met on the way that the user should know, counted in bounded memory.

use std::collections::{BTreeMap, HashMap};

use firstline_ticket::{Field, Ticket};

use crate::fault::clip;

/// Columns, labels and spellings beyond these are no longer told apart.
const MAX_COLUMNS: usize = 1024;
const MAX_LABELS: usize = 50_000;
/// Notes of one kind.
const NOTES: usize = 12;
/// How much of a value a note shows, in bytes.
const SHOWN: usize = 60;

/// Counts of one import.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Flags that were neither yes nor no and passed through.
    pub(crate) not_flags: u64,
    /// Dates other than the opening that could not be read and passed through.
    pub(crate) lost_dates: u64,
    /// Objects and lists in place of single values, which passed through.
    pub(crate) not_single: u64,
    /// Messages without text, left out.
    pub(crate) empty_messages: u64,
    /// NUL characters left out of fields.
    pub(crate) nuls: u64,
    /// Resolutions that only name a state.
    pub(crate) states: u64,
    /// By column: the first placeholder met, and how many there were.
    blanks: BTreeMap<String, (String, u64)>,
}

impl Told {
    /// Counts a placeholder of `column`.
    pub(crate) fn blank(&mut self, column: &str, text: &str) {
        if let Some((_, n)) = self.blanks.get_mut(column) {
            *n += 1;
        } else if self.blanks.len() < MAX_COLUMNS {
            self.blanks.insert(column.to_owned(), (clip(text.trim(), SHOWN).to_owned(), 1));
        }
    }

    /// One sentence for each thing that happened.
    pub(crate) fn notes(&self) -> Vec<String> {
        let counts = [
            (self.not_flags, "flags were neither yes nor no; they pass through"),
            (
                self.lost_dates,
                "dates of first_response_at or resolved_at could not be read; they pass through",
            ),
            (
                self.not_single,
                "objects or lists stood where a name belongs; they pass through; --map field=key.name takes a part of them",
            ),
            (self.empty_messages, "messages without text were left out"),
            (self.nuls, "NUL characters were left out"),
            (self.states, "resolutions only named a state, such as \"Done\"; they pass through"),
        ];
        let mut notes: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let mut blanks: Vec<_> = self.blanks.iter().collect();
        blanks.sort_by_key(|(_, (_, n))| std::cmp::Reverse(*n));
        notes.extend(blanks.iter().take(NOTES).map(|(column, (text, n))| {
            format!("{n} values of {column:?} such as {text:?} stand for nothing and were left blank")
        }));
        notes
    }
}

/// One spelling for each label: the first that was met, whatever the case and blanks of the others.
#[derive(Debug, Default)]
pub(crate) struct Spellings {
    first: HashMap<(Field, String), String>,
    others: BTreeMap<(Field, String, String), u64>,
}

impl Spellings {
    /// Writes the labels of `ticket` as they were first met.
    pub(crate) fn unify(&mut self, ticket: &mut Ticket) {
        for field in Field::ALL {
            let Some(label) = ticket.label(field) else { continue };
            let key = label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let Some(first) = self.first.get(&(field, key.clone())) else {
                if self.first.len() < MAX_LABELS && label.len() <= 4 * SHOWN {
                    self.first.insert((field, key), label.to_owned());
                }
                continue;
            };
            if first == label {
                continue;
            }
            let other = (field, label.to_owned(), first.clone());
            let first = first.clone();
            if let Some(n) = self.others.get_mut(&other) {
                *n += 1;
            } else if self.others.len() < MAX_COLUMNS {
                self.others.insert(other, 1);
            }
            ticket.set_label(field, first);
        }
    }

    /// One sentence for each spelling that gave way.
    pub(crate) fn notes(&self) -> Vec<String> {
        let note = |((field, other, first), n): (&(Field, String, String), &u64)| {
            format!(
                "{field}: {other:?} ({n} tickets) is the label {first:?} in another spelling and was read as that"
            )
        };
        let mut notes: Vec<String> = self.others.iter().take(NOTES).map(note).collect();
        let more = self.others.len().saturating_sub(NOTES);
        if more > 0 {
            notes.push(format!("{more} more labels were read as another spelling of them"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_its_first_spelling() {
        let mut spellings = Spellings::default();
        let mut label = |text: &str| {
            let mut ticket = Ticket { board: Some(text.to_owned()), ..Ticket::default() };
            spellings.unify(&mut ticket);
            ticket.board.unwrap()
        };
        assert_eq!(label("Zweite Linie"), "Zweite Linie");
        assert_eq!(label("ZWEITE  LINIE"), "Zweite Linie");
        assert_eq!(label("zweite\u{a0}linie "), "Zweite Linie");
        assert_eq!(label("Zweite Linien"), "Zweite Linien");
        let notes = spellings.notes();
        assert_eq!(notes.len(), 2);
        assert!(
            notes[0].starts_with("board: \"ZWEITE  LINIE\" (1 tickets) is the label \"Zweite Linie\""),
            "{}",
            notes[0]
        );
    }
}
