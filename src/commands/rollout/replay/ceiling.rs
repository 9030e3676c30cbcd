//! How far technicians agree with each other on tickets that say nearly the same: more than that can't be expected of any model.

use firstline_rollout::Alike;
use firstline_ticket::Field;
use firstline_training::{Pairs, Progress, interrupted};
use firstline_triage::{Policy, Reader, what_is_read};

use super::History;
use crate::failure::Failure;
use crate::ui::Ui;

/// The pairs of the history, each with when both outcomes were known.
pub(super) fn alike(history: &History, policy: &Policy, ui: &Ui) -> Result<Vec<Alike>, Failure> {
    let reader = Reader::default().under(&policy.words);
    let (mut pairs, mut bars) = (Pairs::default(), ui.bars());
    bars.stage("pairing near-identical tickets", history.tickets.len() as u64);
    let mut outcomes = Vec::with_capacity(history.tickets.len());
    for (done, (facts, ticket)) in history.facts.iter().zip(&history.tickets).enumerate() {
        let label = |field| facts.closing_label_at(field, history.until);
        let labels = label(Field::Board).zip(label(Field::Type));
        let technician = label(Field::Technician).filter(|_| labels.is_some());
        pairs.add(&reader.compose(&what_is_read(ticket)).text(), technician);
        let known_at = facts.resolved_at.max(facts.outcome_reported_at);
        outcomes.push(labels.map(|(board, kind)| format!("{board}\0{kind}")).zip(known_at));
        if done % 64 == 0 && bars.done(done as u64).is_break() {
            return Err(interrupted("pairing near-identical tickets").into());
        }
    }
    let pairs = pairs.finish().into_iter().filter_map(|(a, b)| {
        let ((first, first_at), (second, second_at)) = (outcomes[a].clone()?, outcomes[b].clone()?);
        Some(Alike { known_at: first_at.max(second_at), labels: [first, second] })
    });
    let pairs = pairs.collect();
    bars.finish();
    Ok(pairs)
}
