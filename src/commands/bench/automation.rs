//! What of each category could be automated, as far as held-out tickets show it: the shares that `firstline rollout baseline` and
//! `pilots` read with --automation.

use std::collections::BTreeMap;

use firstline_rollout::{MeasuredCategory, Share, write_automation};
use firstline_ticket::{Decision, Field, Ticket};

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

    /// Of people's tickets by the category that they were closed in, whether board and type are both decided at a certified threshold.
    fn covered(&self) -> BTreeMap<(String, String), Vec<bool>> {
        let mut categories: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
        let tickets = self.material.tickets.iter().zip(&self.decisions);
        for (ticket, decision) in tickets.filter(|(_, decision)| decision.kind.wants_answer()) {
            let Some(category) = category(ticket) else { continue };
            let both = [Field::Board, Field::Type].iter().all(|field| self.certified(decision, *field));
            categories.entry(category).or_default().push(both);
        }
        categories
    }

    fn certified(&self, decision: &Decision, field: Field) -> bool {
        let Some(decided) = decision.fields.get(&field) else { return false };
        let of_label = self.certificates.iter().find(|certificate| {
            certificate.field == field && certificate.category.as_ref() == Some(&decided.label)
        });
        let threshold = of_label.and_then(|certificate| certificate.threshold);
        threshold.is_some_and(|threshold| decided.confidence.get() >= threshold)
    }
}

/// The board and the type that a ticket was closed with.
pub(super) fn category(ticket: &Ticket) -> Option<(String, String)> {
    let label = |field| ticket.label(field).map(|label| label.trim().to_owned());
    Some((label(Field::Board)?, label(Field::Type)?))
}
