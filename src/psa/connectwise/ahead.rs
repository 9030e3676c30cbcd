//! Tickets that are read next, read together with the time worked at them: two requests for a hundred, where each alone takes two.
//!
//! What was read is given out once and forgotten within a minute. Must never be what a write is decided by.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firstline_fault::Result;

use super::client::Client;
use super::wire::{Note, Ticket, TimeEntry};

/// How long it is held.
const HOLDS: Duration = Duration::from_secs(60);
/// Tickets of a request: an address of so many ids is short enough for any proxy.
const TOGETHER: usize = 100;

/// What was read ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    read_at: Option<Instant>,
    tickets: BTreeMap<String, Ticket>,
    times: BTreeMap<String, Vec<TimeEntry>>,
    /// The notes of the ticket that was read last: its history has them, too.
    notes: Option<(String, Instant, Vec<Note>)>,
}

impl Ahead {
    /// Reads the tickets of `ids`, and nothing for one alone.
    pub(super) fn read(client: &mut Client, ids: &[String]) -> Result<Self> {
        let mut ahead = Self { read_at: Some(Instant::now()), ..Self::default() };
        let ids: Vec<&str> = ids
            .iter()
            .map(String::as_str)
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .collect();
        for ids in ids.chunks(TOGETHER).filter(|ids| ids.len() > 1) {
            let list = ids.join(",");
            client.each(
                "service/tickets",
                &[("conditions", &format!("id in ({list})"))],
                &mut |ticket: Ticket| {
                    ahead.tickets.extend(ticket.id.map(|id| (id.to_string(), ticket)));
                    Ok(())
                },
            )?;
            ahead.times.extend(ids.iter().map(|id| ((*id).to_owned(), Vec::new())));
            let conditions = format!("chargeToType=\"ServiceTicket\" and chargeToId in ({list})");
            client.each("time/entries", &[("conditions", &conditions)], &mut |entry: TimeEntry| {
                let of = entry.charge_to_id.and_then(|id| ahead.times.get_mut(&id.to_string()));
                of.into_iter().for_each(|times| times.push(entry.clone()));
                Ok(())
            })?;
        }
        Ok(ahead)
    }

    fn holds(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < HOLDS)
    }

    /// The ticket, given out once.
    pub(super) fn ticket(&mut self, id: &str) -> Option<Ticket> {
        self.tickets.remove(id).filter(|_| self.holds())
    }

    /// The time worked at it, given out once.
    pub(super) fn times(&mut self, id: &str) -> Option<Vec<TimeEntry>> {
        self.times.remove(id).filter(|_| self.holds())
    }

    /// Keeps the notes of a ticket for its history.
    pub(super) fn keep_notes(&mut self, id: &str, notes: &[Note]) {
        self.notes = Some((id.to_owned(), Instant::now(), notes.to_vec()));
    }

    /// The notes of the ticket, where it was the last one that was read, given out once.
    pub(super) fn notes(&mut self, id: &str) -> Option<Vec<Note>> {
        let (of, at, notes) = self.notes.take()?;
        (of == id && at.elapsed() < HOLDS).then_some(notes)
    }
}
