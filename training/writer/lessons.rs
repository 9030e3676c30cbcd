//! Lessons for a language model: tickets, the sentences found for them, and which of those the technician sent.
//!
//! Must never teach a word that not everybody may see: answers consist of the sentences that drafts may use.

use firstline_drafts::{Drafter, Lesson};
use firstline_fault::Result;
use firstline_ticket::Ticket;

use crate::prepare::shuffled;
use crate::progress::{Progress, interrupted};

/// Tickets that are looked at together.
const TOGETHER: usize = 64;

/// Up to `most` lessons from `tickets`, in an order by `seed`.
///
/// # Errors
/// A fault of the engine; [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `progress` says so.
pub fn lessons(
    drafter: &Drafter<'_>,
    tickets: &[Ticket],
    most: usize,
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<Vec<Lesson>> {
    let order = shuffled(tickets.len(), seed);
    let mut all: Vec<Lesson> = Vec::new();
    progress.stage("looking for lessons", most as u64);
    for chunk in order.chunks(TOGETHER) {
        let chunk: Vec<Ticket> = chunk.iter().map(|&i| tickets[i].clone()).collect();
        all.extend(drafter.lessons(&chunk)?.into_iter().flatten());
        if progress.done(all.len().min(most) as u64).is_break() {
            return Err(interrupted("looking for lessons"));
        }
        if all.len() >= most {
            break;
        }
    }
    all.truncate(most);
    Ok(all)
}
