//! The history as training holds it: composed texts, context and labels.
//!
//! Must never keep anything else of a ticket.

use std::collections::BTreeMap;

use firstline_ticket::{Field, Ticket};
use firstline_triage::{
    Bundle, Habits, HabitsBuilder, Input, Reader, Reading, Writer, compose, context_features,
};
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::Value;

use super::duplicates::NearDuplicates;

/// One ticket, ready to learn from.
#[derive(Debug, Clone)]
pub struct HistoryTicket {
    /// Its id.
    pub id: String,
    /// [`Bundle::ticket_hash`].
    pub hash: u64,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// Its text: as it was read, or without its sender's habits.
    pub input: Input,
    /// How it was read.
    read: Reading,
    /// Who wrote it; both empty where that is not known.
    contact: String,
    customer: String,
    /// Whether a person did, who waits for an answer.
    pub(crate) by_person: bool,
    /// Its context features.
    pub context: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<Field, String>,
    /// The data's own `split`, where it has one.
    pub split: Option<String>,
    /// The data's own `family`, where it has one.
    pub family: Option<String>,
}

/// The tickets of a history.
#[derive(Debug, Default)]
pub struct History {
    /// The tickets, in the order of the file; those of a test file of their own come last.
    pub tickets: Vec<HistoryTicket>,
    /// How many stand before the first ticket of the test file.
    pub held_out: usize,
}

impl HistoryTicket {
    /// Reads `ticket` and keeps what training needs. The reader knows no habits: training learns them from what it is given.
    pub fn new(ticket: &Ticket, reader: &Reader) -> Self {
        let read = reader.read(ticket).without_sources();
        let input = compose(&read);
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let text_of = |key: &str| match ticket.extra.get(key)? {
            Value::String(s) => Some(s.trim().to_owned()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        };
        Self {
            id: ticket.id.clone(),
            hash: Bundle::ticket_hash(ticket),
            opened_at: ticket.opened_at,
            context: context_features(ticket, input.is_alert),
            by_person: reader.kind_of(ticket, &input).wants_answer(),
            contact: name(&ticket.contact),
            customer: name(&ticket.customer),
            read,
            input,
            labels: Field::ALL.iter().filter_map(|&f| Some((f, ticket.label(f)?.to_owned()))).collect(),
            split: text_of("split"),
            family: text_of("family"),
        }
    }
}

impl History {
    /// What senders of the tickets in `rows` put around every mail; the hashes are salted with `salt`.
    pub(crate) fn habits(&self, rows: &[usize], salt: u64) -> Habits {
        let mut builder = HabitsBuilder::new(salt);
        for ticket in rows.iter().map(|&row| &self.tickets[row]).filter(|ticket| ticket.by_person) {
            let HistoryTicket { contact, customer, read, opened_at, .. } = ticket;
            let (subject, opened_at) = (read.subject.text.as_str(), *opened_at);
            builder.add(&Writer { contact, customer, subject, opened_at }, &read.body.text);
        }
        builder.finish()
    }

    /// The same tickets, read as a bundle with this reader's habits reads them.
    pub(crate) fn without_habits(&self, reader: &Reader) -> Self {
        let ticket = |ticket: &HistoryTicket| {
            let mut ticket = ticket.clone();
            reader.cut_habits(&ticket.contact, &ticket.customer, &mut ticket.read);
            ticket.input = compose(&ticket.read);
            ticket.read = Reading::default();
            ticket
        };
        Self { tickets: self.tickets.par_iter().map(ticket).collect(), held_out: self.held_out }
    }

    /// The family of each ticket: near-duplicate texts, joined with the data's own families.
    pub fn families(&self) -> Vec<u32> {
        let mut near = NearDuplicates::default();
        let mut first_of: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, ticket) in self.tickets.iter().enumerate() {
            near.add(&ticket.input.text());
            if let Some(family) = &ticket.family {
                let first = *first_of.entry(family).or_insert(i);
                near.link(first, i);
            }
        }
        near.families()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const FOOTER: &str = "Shamba la Mbuyu, mazao bora\nTunza mazingira yetu";

    fn tickets(customer: &str) -> Vec<Ticket> {
        let ticket = |i: usize| Ticket {
            id: format!("{customer}-{i}"),
            subject: Some(format!("Matter {i}")),
            body: Some(format!("The {} hums, see {i}.\n\n{FOOTER}", ["lift", "door", "till"][i % 3])),
            contact: Some(["Ann Lee", "Bob Reed", "Zoe Hart", "Kim Poe"][i % 4].into()),
            customer: Some(customer.into()),
            ..Ticket::default()
        };
        (0..24).map(ticket).collect()
    }

    fn history(tickets: &[Ticket]) -> History {
        let reader = Reader::default();
        let tickets: Vec<_> = tickets.iter().map(|ticket| HistoryTicket::new(ticket, &reader)).collect();
        History { held_out: tickets.len(), tickets }
    }

    #[test]
    fn habits_are_learnt_from_the_rows_that_are_given_and_cut_as_the_reader_cuts_them() {
        let all = [tickets("Alder"), tickets("Birch")].concat();
        let history = history(&all);
        // The rows of Birch are held out: nobody has seen its footer.
        let habits = history.habits(&(0..24).collect::<Vec<_>>(), 1);
        let reader = Reader::default().with_habits(Arc::new(habits));
        let without = history.without_habits(&reader);
        for (ticket, read) in all.iter().zip(&without.tickets) {
            assert_eq!(read.input, reader.compose(ticket));
            assert_eq!(read.input.body.contains("Mbuyu"), ticket.customer.as_deref() == Some("Birch"));
        }
        assert_eq!(without.held_out, 48);
    }

    #[test]
    fn what_no_person_wrote_teaches_no_habit() {
        let mut all = tickets("Alder");
        all.iter_mut().for_each(|ticket| {
            ticket.subject = Some("Automatic reply: Out of office".into());
            ticket.extra.insert("auto-submitted".into(), "auto-replied".into());
        });
        assert!(history(&all).habits(&(0..24).collect::<Vec<_>>(), 1).is_empty());
    }
}
