//! What a desk is and does, in no PSA's words: companies, people, boards, tickets, notes, time, and the history of each change.
//!
//! Whatever happens goes through one function each, which keeps the history, the stamps and the counts in step. Ids are the tenant's own
//! and differ from world to world. Must know nothing of any wire format.

mod catalog;
mod edits;
mod parts;
mod rules;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::deed::{Deed, Happened};

pub use parts::{
    Author, Board, Change, Company, Contact, Id, Kind, Mail, NewTicket, Note, Priority, Shape, Source, Stage,
    Status, Subkind, Technician, Ticket, TimeEntry, Write,
};
pub use rules::Rule;

/// A desk.
#[derive(Debug)]
pub struct World {
    /// What is told apart by board.
    pub shape: Shape,
    /// Its time.
    pub clock: Clock,
    /// Its customers.
    pub companies: BTreeMap<Id, Company>,
    /// Their people.
    pub contacts: BTreeMap<Id, Contact>,
    /// Its own people.
    pub technicians: BTreeMap<Id, Technician>,
    /// Boards, queues or teams.
    pub boards: BTreeMap<Id, Board>,
    /// Types.
    pub kinds: BTreeMap<Id, Kind>,
    /// Subtypes.
    pub subkinds: BTreeMap<Id, Subkind>,
    /// Statuses.
    pub statuses: BTreeMap<Id, Status>,
    /// Priorities.
    pub priorities: BTreeMap<Id, Priority>,
    /// Where tickets come from.
    pub sources: BTreeMap<Id, Source>,
    /// What routes tickets as they come in.
    pub rules: Vec<Rule>,
    /// Tickets, deleted ones too.
    pub tickets: BTreeMap<Id, Ticket>,
    /// Notes of all tickets.
    pub notes: BTreeMap<Id, Note>,
    /// Time of all tickets.
    pub times: BTreeMap<Id, TimeEntry>,
    /// What was changed, oldest first.
    pub changes: Vec<Change>,
    /// What an API user wrote, oldest first: what a connector did.
    pub writes: Vec<Write>,
    /// Mails that customers got.
    pub mails: Vec<Mail>,
    /// What happened since it was last asked for, for webhooks.
    pub happened: Vec<Happened>,
    /// The text of the note that acknowledges each mail, where the desk has one.
    pub acknowledgement: Option<String>,
    /// Names by which scripts know tickets.
    pub by_name: BTreeMap<String, Id>,
    /// Statuses by other names of theirs, in lower case, where the PSA has one of its own: Autotask's Complete for what scripts close.
    pub status_names: BTreeMap<String, Id>,
    next: Id,
}

impl World {
    /// An empty desk; the first id that it gives is `first`.
    pub fn new(shape: Shape, clock: Clock, first: Id) -> Self {
        Self {
            shape,
            clock,
            companies: BTreeMap::new(),
            contacts: BTreeMap::new(),
            technicians: BTreeMap::new(),
            boards: BTreeMap::new(),
            kinds: BTreeMap::new(),
            subkinds: BTreeMap::new(),
            statuses: BTreeMap::new(),
            priorities: BTreeMap::new(),
            sources: BTreeMap::new(),
            rules: Vec::new(),
            tickets: BTreeMap::new(),
            notes: BTreeMap::new(),
            times: BTreeMap::new(),
            changes: Vec::new(),
            writes: Vec::new(),
            mails: Vec::new(),
            happened: Vec::new(),
            acknowledgement: None,
            by_name: BTreeMap::new(),
            status_names: BTreeMap::new(),
            next: first,
        }
    }

    /// A new id.
    pub fn id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens a ticket, routes it by the rules and acknowledges it.
    pub fn open(&mut self, new: NewTicket, by: Author) -> Id {
        let (id, at) = (self.id(), new.at.unwrap_or_else(|| self.now()));
        let status = new.status.or_else(|| self.first_status(new.board));
        let mut ticket = Ticket {
            id,
            summary: new.summary,
            company: new.company,
            contact: new.contact,
            board: new.board,
            kind: new.kind,
            subkind: new.subkind,
            priority: new.priority.or_else(|| self.default_priority()),
            status,
            owner: new.owner,
            source: new.source,
            entered_at: at,
            entered_by: by,
            updated_at: at,
            updated_by: by,
            ..Ticket::default()
        };
        if let Some(status) = status.and_then(|id| self.statuses.get(&id)) {
            ticket.stamp(status.stage, status.closed, at, by);
        }
        self.tickets.insert(id, ticket);
        self.changes.push(Change { ticket: id, at, by, deed: Deed::Opened, from: None, to: None });
        self.tell(id, true, by);
        if !new.description.is_empty() {
            let writer = new.contact.map_or(by, Author::Contact);
            self.note(id, Note { by: writer, at, first: true, ..Note::said(&new.description, true) });
        }
        if new.routed {
            self.route(id);
            if let Some(text) = self.acknowledgement.clone().filter(|_| new.contact.is_some()) {
                self.note(id, Note { by: Author::System, at, automatic: true, ..Note::said(&text, true) });
            }
        }
        id
    }

    /// Adds a note, whose time is now where it says none. A customer's words open a closed ticket again.
    pub fn note(&mut self, ticket: Id, note: Note) -> Id {
        let id = self.id();
        let at = if note.at == Timestamp::UNIX_EPOCH { self.now() } else { note.at };
        let note = Note { id, ticket, at, ..note };
        let (by, visible, first) = (note.by, note.visible, note.first);
        if visible && note.mailed {
            self.mails.push(Mail { ticket, note: id, at });
        }
        self.notes.insert(id, note);
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
        if !first
            && matches!(by, Author::Contact(_))
            && self.tickets.get(&ticket).is_some_and(|t| t.closed_at.is_some())
        {
            let board = self.tickets[&ticket].board;
            if let Some(open) = self.open_status(board) {
                self.set(ticket, Deed::Status, Some(open), (Author::System, at));
            }
        }
        id
    }

    /// Records time.
    pub fn time(&mut self, entry: TimeEntry) -> Id {
        let id = self.id();
        let (ticket, at) = (entry.ticket, entry.from);
        let by = if entry.by == Author::Api { Author::Api } else { Author::Technician(entry.technician) };
        self.times.insert(id, TimeEntry { id, ..entry });
        self.touch(ticket, at.max(self.tickets.get(&ticket).map_or(at, |t| t.updated_at)), by);
        self.tell(ticket, false, by);
        id
    }

    /// Sets a value of a ticket, and what follows from it: stamps of a status' stage, closing, opening again.
    pub fn set(&mut self, ticket: Id, of: Deed, to: Option<Id>, (by, at): (Author, Timestamp)) {
        let Some(now) = self.tickets.get(&ticket) else { return };
        let from = now.value(of);
        if from == to {
            return;
        }
        let names = [from, to].map(|id| id.and_then(|id| self.name_of(of, id)));
        let [from, to_name] = names;
        self.changes.push(Change { ticket, at, by, deed: of, from, to: to_name });
        let stage = to
            .filter(|_| of == Deed::Status)
            .and_then(|id| self.statuses.get(&id))
            .map(|s| (s.stage, s.closed));
        let Some(ticket_now) = self.tickets.get_mut(&ticket) else { return };
        ticket_now.set(of, to);
        if let Some((stage, closed)) = stage {
            ticket_now.stamp(stage, closed, at, by);
        }
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Changes the summary.
    pub fn rename(&mut self, ticket: Id, summary: &str, (by, at): (Author, Timestamp)) {
        let Some(now) = self.tickets.get_mut(&ticket) else { return };
        let from = std::mem::replace(&mut now.summary, summary.to_owned());
        self.changes.push(Change {
            ticket,
            at,
            by,
            deed: Deed::Summary,
            from: Some(from),
            to: Some(summary.to_owned()),
        });
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Keeps values of the wire that the world has no word for.
    pub fn keep(&mut self, ticket: Id, values: Map<String, Value>, (by, at): (Author, Timestamp)) {
        if values.is_empty() {
            return;
        }
        let Some(now) = self.tickets.get_mut(&ticket) else { return };
        now.kept.extend(values);
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Merges `child` into `parent` and closes it.
    pub fn merge(&mut self, child: Id, parent: Id, (by, at): (Author, Timestamp)) {
        let Some(now) = self.tickets.get_mut(&child) else { return };
        now.merged_into = Some(parent);
        let board = now.board;
        self.changes.push(Change {
            ticket: child,
            at,
            by,
            deed: Deed::Merged,
            from: None,
            to: Some(parent.to_string()),
        });
        if let Some(closed) = self.closed_status(board) {
            self.set(child, Deed::Status, Some(closed), (by, at));
        }
        self.touch(child, at, by);
        self.tell(child, false, by);
    }

    /// Deletes a ticket.
    pub fn delete(&mut self, ticket: Id, (by, at): (Author, Timestamp)) {
        if let Some(now) = self.tickets.get_mut(&ticket) {
            now.deleted = true;
            self.changes.push(Change { ticket, at, by, deed: Deed::Deleted, from: None, to: None });
            self.happened.push(Happened { ticket, created: false, deleted: true, by });
        }
    }

    /// Notes of a ticket, oldest first; those of tickets merged into it too where `merged`.
    pub fn notes_of(&self, ticket: Id, merged: bool) -> Vec<&Note> {
        let is_child = |child: &&Ticket| merged && child.merged_into == Some(ticket);
        let children: Vec<Id> = self.tickets.values().filter(is_child).map(|child| child.id).collect();
        let is_of = |note: &&Note| note.ticket == ticket || children.contains(&note.ticket);
        self.notes.values().filter(is_of).collect()
    }

    /// Counts a write of the API user `by` to a ticket.
    pub fn wrote(&mut self, ticket: Id, what: &str) {
        let at = self.now();
        self.writes.push(Write { ticket, at, what: what.to_owned() });
    }

    /// Writes of API users, by ticket.
    pub fn write_counts(&self) -> BTreeMap<Id, usize> {
        let mut counts = BTreeMap::new();
        self.writes.iter().for_each(|write| *counts.entry(write.ticket).or_default() += 1);
        counts
    }

    fn touch(&mut self, ticket: Id, at: Timestamp, by: Author) {
        if let Some(now) = self.tickets.get_mut(&ticket) {
            now.updated_at = now.updated_at.max(at);
            now.updated_by = by;
        }
    }

    fn tell(&mut self, ticket: Id, created: bool, by: Author) {
        self.happened.push(Happened { ticket, created, deleted: false, by });
    }

    /// Seconds from opening to `at`.
    pub fn age(&self, ticket: Id, at: Timestamp) -> Option<SignedDuration> {
        Some(at.duration_since(self.tickets.get(&ticket)?.entered_at))
    }
}
