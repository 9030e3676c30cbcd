//! First responses to people's tickets: whether there is one in time, and whether it could have been sent as it is.

use std::collections::BTreeMap;
use std::time::Instant;

use firstline_drafts::Drafter;
use firstline_rollout::evidence::{DraftFigures, Quantiles};
use firstline_rollout::{Share, usable_drafts};
use firstline_serve::distance;
use firstline_ticket::Ticket;
use firstline_training::{Progress, interrupted, said_and_sent};

use super::Extent;
use super::assemble::Measured;
use super::automation::category;
use super::material::{as_it_came, drawn};
use crate::failure::Failure;

/// Seconds in which a draft has to be there.
const IN_TIME: f64 = 60.0;

/// What became of the tickets that a draft was asked for.
#[derive(Default)]
struct Drafted {
    /// Seconds from the ticket to its draft, of those that got one.
    seconds: Vec<f64>,
    /// The category at closing, and the distance from what was sent, where that is known.
    compared: Vec<((String, String), f64)>,
}

impl Measured<'_> {
    /// Drafts people's tickets one by one, from the ticket as it came in.
    pub(super) fn drafts(
        &mut self,
        drafter: &Drafter<'_>,
        extent: &Extent,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        let waiting = self.material.tickets.iter().zip(&self.decisions);
        let people: Vec<&Ticket> =
            waiting.filter(|(_, decision)| decision.kind.wants_answer()).map(|(ticket, _)| ticket).collect();
        if people.is_empty() {
            self.missing("drafts", "no person wrote any of the tickets");
            return Ok(());
        }
        if drafter.index().is_empty() {
            self.notes.push(
                "The bundle has no resolved tickets to draft from: what is drafted acknowledges the ticket and no more."
                    .to_owned(),
            );
        }
        let places = drawn(people.len(), extent.drafted, extent.seed);
        bars.stage("drafting", places.len() as u64);
        let mut drafted = Drafted::default();
        for (done, &place) in places.iter().enumerate() {
            drafted.one(people[place], drafter)?;
            if bars.done(done as u64 + 1).is_break() {
                return Err(interrupted("drafting").into());
            }
        }
        self.repeats = drafted.usable();
        self.drafts = Some(drafted.figures(people.len() as u64, places.len() as u64));
        if let Some(latency) = &mut self.latency {
            latency.draft_s = Quantiles::of(drafted.seconds);
        }
        if self.drafts.as_ref().is_some_and(|drafts| drafts.compared.is_none()) {
            self.missing("verbatim drafts", "no ticket has the reply that was sent: import `messages`");
        }
        self.missing("edited and rejected drafts", "only people's reviews in service tell");
        Ok(())
    }
}

impl Drafted {
    fn one(&mut self, ticket: &Ticket, drafter: &Drafter<'_>) -> Result<(), Failure> {
        let fresh = as_it_came(ticket);
        let start = Instant::now();
        let decided = drafter.engine().decide(std::slice::from_ref(&fresh), 1)?;
        let draft =
            decided.first().map(|decision| drafter.draft_decided(&fresh, decision)).transpose()?.flatten();
        let Some(draft) = draft else { return Ok(()) };
        self.seconds.push(start.elapsed().as_secs_f64());
        let mut answered = ticket.clone();
        drafter.index().acknowledgements().set_aside(&mut answered);
        if let Some([said, sent]) = said_and_sent(drafter, &answered, &draft) {
            let category = category(ticket).unwrap_or_else(|| ("-".to_owned(), "-".to_owned()));
            self.compared.push((category, distance(&said, &sent)));
        }
        Ok(())
    }

    /// Those that could have been sent as they were, by category.
    fn usable(&self) -> BTreeMap<(String, String), Share> {
        usable_drafts(self.compared.iter().map(|(category, distance)| (category, *distance)))
    }

    fn figures(&self, n: u64, due: u64) -> DraftFigures {
        let categories: BTreeMap<String, [u64; 2]> = self
            .usable()
            .into_iter()
            .map(|((board, kind), share)| (format!("{board} > {kind}"), [share.of, share.count]))
            .collect();
        let sum = |which: usize| categories.values().map(|counts| counts[which]).sum::<u64>();
        let known = !self.compared.is_empty();
        DraftFigures {
            n,
            due,
            made: self.seconds.len() as u64,
            within_60s: self.seconds.iter().filter(|seconds| **seconds <= IN_TIME).count() as u64,
            p95: Quantiles::of(self.seconds.clone()).map(|found| found.p95),
            compared: known.then(|| sum(0)),
            verbatim: known.then(|| sum(1)),
            edited: None,
            rejected: None,
            categories,
        }
    }
}
