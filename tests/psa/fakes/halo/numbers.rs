//! Numbers of actions: each ticket's own, from 1. What becomes an action is a note, time, or a change that agents see.
//!
//! A number, once given, never changes. UNCONFIRMED: which changes Halo shows as actions, and that a merged ticket's actions are copied
//! to the other; changes of type, category, summary and customer are in the audit only.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;

use crate::deed::Deed;
use crate::world::{Change, Id, World};

/// What an action tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A note.
    Note(Id),
    /// Time.
    Time(Id),
    /// A change, by its place in the history.
    Change(usize),
}

/// An action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    /// Its number in the ticket.
    pub(super) id: Id,
    /// What it tells.
    pub(super) what: What,
    /// When.
    pub(super) at: Timestamp,
    /// The ticket that it came from with a merge.
    pub(super) from: Option<Id>,
}

/// Actions of all tickets.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    of: BTreeMap<Id, Vec<Numbered>>,
    note: Id,
    time: Id,
    change: usize,
    told: BTreeSet<usize>,
    history: BTreeMap<Id, Vec<usize>>,
}

impl Numbers {
    /// The actions of a ticket, oldest first.
    pub(super) fn of(&self, ticket: Id) -> &[Numbered] {
        self.of.get(&ticket).map_or(&[], Vec::as_slice)
    }

    /// All changes of a ticket, oldest first.
    pub(super) fn changes<'a>(
        &'a self,
        world: &'a World,
        ticket: Id,
    ) -> impl DoubleEndedIterator<Item = &'a Change> + 'a {
        let places = self.history.get(&ticket).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&n| world.changes.get(n))
    }

    /// Tickets that have actions.
    pub(super) fn tickets(&self) -> impl Iterator<Item = Id> + '_ {
        self.of.keys().copied()
    }

    /// The changes from `first` on are told by an action already.
    pub(super) fn told(&mut self, first: usize, world: &World) {
        self.told.extend(first..world.changes.len());
    }

    /// Numbers what is new on the desk.
    pub(super) fn follow(&mut self, world: &World) {
        let after = |id: Id| (Bound::Excluded(id), Bound::Unbounded);
        let notes = world.notes.range(after(self.note)).map(|(id, n)| (n.at, 1, n.ticket, What::Note(*id)));
        let times = world.times.range(after(self.time)).map(|(id, t)| (t.from, 2, t.ticket, What::Time(*id)));
        let changes = world.changes.iter().enumerate().skip(self.change);
        let told = changes
            .filter(|(n, change)| shown(world, change) && !self.told.contains(n))
            .map(|(n, change)| (change.at, 0, change.ticket, What::Change(n)));
        let mut new: Vec<(Timestamp, u8, Id, What)> = notes.chain(times).chain(told).collect();
        new.sort_by_key(|&(at, rank, _, _)| (at, rank));
        self.note = world.notes.keys().next_back().copied().unwrap_or(0).max(self.note);
        self.time = world.times.keys().next_back().copied().unwrap_or(0).max(self.time);
        for (n, change) in world.changes.iter().enumerate().skip(self.change) {
            self.history.entry(change.ticket).or_default().push(n);
        }
        self.change = world.changes.len();
        for (at, _, ticket, what) in new {
            self.add(world, ticket, what, at);
        }
    }

    fn add(&mut self, world: &World, ticket: Id, what: What, at: Timestamp) {
        self.push(ticket, what, (at, None));
        let Some(parent) = world.tickets.get(&ticket).and_then(|now| now.merged_into) else { return };
        for action in self.of(ticket).to_vec() {
            let note = matches!(action.what, What::Note(_));
            if note && !self.of(parent).iter().any(|known| known.what == action.what) {
                self.push(parent, action.what, (action.at, Some(ticket)));
            }
        }
    }

    fn push(&mut self, ticket: Id, what: What, (at, from): (Timestamp, Option<Id>)) {
        let list = self.of.entry(ticket).or_default();
        let id = Id::try_from(list.len()).unwrap_or(Id::MAX - 1) + 1;
        list.push(Numbered { id, what, at, from });
    }
}

/// Whether a change is an action. That a ticket was opened is one where no note tells what it says.
fn shown(world: &World, change: &Change) -> bool {
    match change.deed {
        Deed::Status | Deed::Board | Deed::Priority | Deed::Owner | Deed::Merged => true,
        Deed::Opened => !world.notes.values().any(|note| note.ticket == change.ticket && note.first),
        _ => false,
    }
}
