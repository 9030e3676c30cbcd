//! What people have said of a ticket, and how long they worked at it.

use firstline_fault::Result;
use serde_json::Value;

use super::client::{Client, is};
use super::refusal::Refused;
use super::wire::{Note, TimeEntry};

/// What people have said of a ticket, and how long they worked.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) notes: Vec<Note>,
    pub(super) times: Vec<TimeEntry>,
    /// Whether time may be read.
    pub(super) timed: bool,
}

impl Talk {
    /// What was said of a ticket, notes oldest first.
    pub(super) fn of(client: &mut Client, id: &str) -> Result<Self> {
        let mut talk = Self::default();
        let of: [Value; 1] = [of_ticket(id)];
        notes(client, &of, &mut |note| talk.notes.push(note))?;
        talk.timed = times(client, &of, &mut |entry| talk.times.push(entry))?;
        Ok(talk)
    }
}

/// The condition that something is of a ticket.
pub(super) fn of_ticket(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| is("ticketID", id), |id| is("ticketID", id))
}

/// Tells `each` the notes that meet `of`.
pub(super) fn notes(client: &mut Client, of: &[Value], each: &mut dyn FnMut(Note)) -> Result<()> {
    let told = client.each("TicketNotes", of, &[], &mut |note: Note| {
        each(note);
        Ok(())
    });
    Ok(told?)
}

/// Tells `each` the time that meets `of`, and whether it may be read at all. What is not billed is hidden without a right of its own.
pub(super) fn times(client: &mut Client, of: &[Value], each: &mut dyn FnMut(TimeEntry)) -> Result<bool> {
    let told = client.each("TimeEntries", of, &[], &mut |entry: TimeEntry| {
        each(entry);
        Ok(())
    });
    match told {
        Err(Refused::NoEndpoint | Refused::Forbidden(_)) => Ok(false),
        told => Ok(told.map(|()| true)?),
    }
}
