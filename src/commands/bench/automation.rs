//! What of each category could be automated, as far as held-out tickets show it: the shares that `firstline rollout baseline` and
//! `pilots` read with --automation.

use std::collections::BTreeMap;

use firstline_rollout::{MeasuredCategory, Share, write_automation};
use firstline_ticket::{Assertion, Decision, Field, Ticket};

use super::assemble::Measured;

impl Measured<'_> {
    /// The file; `None` where no category has enough tickets.
    pub(super) fn automation(&self) -> Option<String> {
        let mut categories: BTreeMap<(String, String), MeasuredCategory> = BTreeMap::new();
        for (category, share) in &self.repeats {
            categories.entry(category.clone()).or_default().repeats = Some(*share);
        }
        if !self.certificates.is_empty() {
            for (category, covered) in self.covered() {
                categories.entry(category).or_default().coverage = Some(Share::of(covered.into_iter()));
            }
        }
        write_automation(&categories)
    }

    /// Of people's tickets by the category that they were closed in, whether a reply is certified from so sure a decision on.
    fn covered(&self) -> BTreeMap<(String, String), Vec<bool>> {
        let mut categories: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
        let tickets = self.material.tickets.iter().zip(&self.decisions);
        for (ticket, decision) in tickets.filter(|(_, decision)| decision.kind.wants_answer()) {
            let Some(category) = category(ticket) else { continue };
            categories.entry(category).or_default().push(self.replies(decision));
        }
        categories
    }

    fn replies(&self, decision: &Decision) -> bool {
        let decided = |field| decision.fields.get(&field).map(|decided| &decided.label);
        let (board, kind) = (decided(Field::Board), decided(Field::Type));
        let certificate = self.certificates.iter().find(|found| {
            found.assertion == Assertion::Reply
                && !found.is_of_all()
                && (found.board.as_ref(), found.r#type.as_ref()) == (board, kind)
        });
        let threshold = certificate.and_then(|certificate| certificate.threshold);
        threshold
            .zip(Assertion::Reply.score(decision))
            .is_some_and(|(threshold, score)| score.get() >= threshold)
    }
}

/// The board and the type that a ticket was closed with.
pub(super) fn category(ticket: &Ticket) -> Option<(String, String)> {
    let label = |field| ticket.label(field).map(|label| label.trim().to_owned());
    Some((label(Field::Board)?, label(Field::Type)?))
}
