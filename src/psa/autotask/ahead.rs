//! Tickets that are read next, read together: three requests for many, where one alone takes three.
//!
//! What was read is given out once and forgotten within a minute. Must never be what a write is decided by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_fault::Result;
use serde_json::json;

use super::client::Client;
use super::talk::{self, Talk};
use super::wire::Ticket;

/// How long it is held.
const HOLDS: Duration = Duration::from_secs(60);
/// Tickets of a request.
const TOGETHER: usize = 100;

/// Tickets that are read ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    read_at: Option<Instant>,
    tickets: BTreeMap<i64, Ticket>,
    talks: BTreeMap<i64, Arc<Talk>>,
}

impl Ahead {
    /// Reads the tickets of `ids`, and nothing for one alone.
    pub(super) fn read(client: &mut Client, ids: &[String]) -> Result<Self> {
        let mut ahead = Self { read_at: Some(Instant::now()), ..Self::default() };
        let ids: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        for ids in ids.chunks(TOGETHER).filter(|ids| ids.len() > 1) {
            ahead.part(client, ids)?;
        }
        Ok(ahead)
    }

    fn part(&mut self, client: &mut Client, ids: &[i64]) -> Result<()> {
        let of = |field: &str| [json!({"op": "in", "field": field, "value": ids})];
        client.each("Tickets", &of("id"), &[], &mut |ticket: Ticket| {
            self.tickets.extend(ticket.id.map(|id| (id, ticket)));
            Ok(())
        })?;
        let mut talks: BTreeMap<i64, Talk> = ids.iter().map(|id| (*id, Talk::default())).collect();
        talk::notes(client, &of("ticketID"), &mut |note| {
            if let Some(talk) = note.ticket.and_then(|id| talks.get_mut(&id)) {
                talk.notes.push(note);
            }
        })?;
        let timed = talk::times(client, &of("ticketID"), &mut |entry| {
            if let Some(talk) = entry.ticket.and_then(|id| talks.get_mut(&id)) {
                talk.times.push(entry);
            }
        })?;
        talks.values_mut().for_each(|talk| talk.timed = timed);
        self.talks.extend(talks.into_iter().map(|(id, talk)| (id, Arc::new(talk))));
        Ok(())
    }

    fn holds(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < HOLDS)
    }

    /// The ticket, given out once.
    pub(super) fn ticket(&mut self, id: &str) -> Option<Ticket> {
        let id: i64 = id.parse().ok()?;
        self.tickets.remove(&id).filter(|_| self.holds())
    }

    /// What was said of it and worked at it.
    pub(super) fn talk(&self, id: &str) -> Option<Arc<Talk>> {
        let id: i64 = id.parse().ok()?;
        self.talks.get(&id).filter(|_| self.holds()).cloned()
    }

    /// The same, given out for the last time.
    pub(super) fn take_talk(&mut self, id: &str) -> Option<Arc<Talk>> {
        let id: i64 = id.parse().ok()?;
        self.talks.remove(&id).filter(|_| self.holds())
    }
}
