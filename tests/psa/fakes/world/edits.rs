//! Corrections of notes, times and sources: what a PSA lets people do to what was written before.

use jiff::Timestamp;

use super::World;
use super::parts::{Author, Id, Note, TimeEntry};

impl World {
    /// Changes where a ticket came from.
    pub fn set_source(&mut self, ticket: Id, source: Option<Id>, (by, at): (Author, Timestamp)) {
        let Some(found) = self.tickets.get_mut(&ticket) else { return };
        found.source = source;
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Changes a note.
    pub fn edit_note(&mut self, note: Id, change: impl FnOnce(&mut Note), (by, at): (Author, Timestamp)) {
        let Some(found) = self.notes.get_mut(&note) else { return };
        change(found);
        let ticket = found.ticket;
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Removes a note.
    pub fn remove_note(&mut self, note: Id, (by, at): (Author, Timestamp)) {
        let Some(found) = self.notes.remove(&note) else { return };
        self.touch(found.ticket, at, by);
        self.tell(found.ticket, false, by);
    }

    /// Changes time that was recorded.
    pub fn edit_time(
        &mut self,
        entry: Id,
        change: impl FnOnce(&mut TimeEntry),
        (by, at): (Author, Timestamp),
    ) {
        let Some(found) = self.times.get_mut(&entry) else { return };
        change(found);
        let ticket = found.ticket;
        self.touch(ticket, at, by);
        self.tell(ticket, false, by);
    }

    /// Removes time that was recorded.
    pub fn remove_time(&mut self, entry: Id, (by, at): (Author, Timestamp)) {
        let Some(found) = self.times.remove(&entry) else { return };
        self.touch(found.ticket, at, by);
        self.tell(found.ticket, false, by);
    }
}
