//! The units of computing that wait in the queue: a ticket, or a piece of another call.
//!
//! Must never hold a piece that takes long: its caller cuts a call into pieces, and other keys have their turn between them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::item::Item;

/// Bytes of text that are about a token.
const BYTES_PER_TOKEN: usize = 4;
/// Bytes of text that take as long to normalise as a token takes to encode.
const BYTES_PER_UNIT: usize = 512;

/// The cost of a text of so many bytes: the tokens that the encoder will read, `most` at the most, and the reading before that.
pub(crate) fn cost_of(bytes: usize, most: usize) -> usize {
    encoding_cost(bytes, most) + bytes / BYTES_PER_UNIT
}

/// The same where the text was read before it comes into the queue.
pub(crate) fn encoding_cost(bytes: usize, most: usize) -> usize {
    (bytes / BYTES_PER_TOKEN).clamp(1, most.max(1))
}

/// A unit of work.
#[derive(Debug)]
pub(crate) enum Work {
    /// A ticket to be decided, together with others.
    Ticket(Box<Item>),
    /// A piece of a call that records nothing.
    Piece(Piece),
}

impl Work {
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Ticket(item) => item.cost,
            Self::Piece(piece) => piece.cost,
        }
    }

    /// Whether it is a job's, though it comes with calls.
    pub(super) fn is_of_job(&self) -> bool {
        matches!(self, Self::Ticket(item) if item.order.work.is_some())
    }

    pub(super) fn is_given_up(&self, now: Instant) -> bool {
        match self {
            Self::Ticket(item) => item.is_given_up(now),
            Self::Piece(piece) => piece.deadline <= now || piece.alive.strong_count() == 0,
        }
    }

    /// Tells the caller, who may be there still, that it came too late. A piece's caller hears it by itself.
    pub(super) fn give_up(self) {
        if let Self::Ticket(item) = self {
            item.give_up();
        }
    }
}

/// A piece of a call.
pub(crate) struct Piece {
    cost: usize,
    deadline: Instant,
    /// Gone when the caller is.
    alive: Weak<()>,
    run: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Piece {
    /// A piece that is skipped after `deadline`, and when `alive` is dropped.
    pub(crate) fn new(
        cost: usize,
        deadline: Instant,
        alive: &Arc<()>,
        run: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { cost: cost.max(1), deadline, alive: Arc::downgrade(alive), run: Box::new(run) }
    }

    /// Runs it. A panic ends the piece, not the lane; its caller hears of it by the reply that is dropped.
    pub(crate) fn run(self) {
        if self.alive.strong_count() > 0 && catch_unwind(AssertUnwindSafe(self.run)).is_err() {
            tracing::error!("a piece of a call panicked");
        }
    }
}

/// What is computed together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Tickets of one bundle.
    pub(crate) tickets: Vec<Item>,
    pub(crate) pieces: Vec<Piece>,
    /// The cost of all.
    pub(crate) cost: usize,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.pieces.is_empty()
    }

    /// Whether this goes into the batch too: a batch has one bundle, and costs `budget` at most unless it is one unit alone.
    pub(super) fn takes(&self, work: &Work, budget: usize) -> bool {
        let one_bundle = match (work, self.tickets.first()) {
            (Work::Ticket(item), Some(first)) => Arc::ptr_eq(&first.live, &item.live),
            _ => true,
        };
        self.is_empty() || (one_bundle && self.cost + work.cost() <= budget)
    }

    pub(super) fn push(&mut self, work: Work) {
        self.cost += work.cost();
        match work {
            Work::Ticket(item) => self.tickets.push(*item),
            Work::Piece(piece) => self.pieces.push(piece),
        }
    }
}
