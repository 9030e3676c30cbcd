//! One week of a replay: its tickets that count, each with its decision.
//!
//! Must never compare with a label that was not known at the moment that is asked about.

use std::collections::BTreeMap;

use firstline_stats::{Count, Scored};
use firstline_ticket::Field;
use jiff::Timestamp;

use super::told::{Alone, Counterfactual, Rehearsal, ReplayPhase, ReplayedWeek, WeekDecisions};
use crate::{Judged, LeftOut, Population, Share, TicketFacts, Week, select, usable_drafts, week_figures};

/// Days after its end from which a week is settled.
const SETTLE_DAYS: u16 = 7;

/// A week with the tickets that count.
pub(super) struct OfWeek<'a> {
    pub(super) week: &'a Week,
    decisions: &'a WeekDecisions,
    tickets: Vec<(&'a TicketFacts, &'a Counterfactual)>,
    left_out: LeftOut,
    /// When it is settled; `None` where the history ends before.
    pub(super) settles_at: Option<Timestamp>,
}

impl<'a> OfWeek<'a> {
    pub(super) fn new(input: &Rehearsal<'a>, (week, decisions): &'a (Week, WeekDecisions)) -> Self {
        let decided: BTreeMap<&str, &Counterfactual> =
            decisions.decided.iter().map(|decided| (decided.id.as_str(), decided)).collect();
        let opened = input.facts.iter().filter(|ticket| week.has(ticket.opened_at));
        let selected = select(opened, Population::All);
        let tickets = selected.tickets.into_iter();
        Self {
            week,
            decisions,
            tickets: tickets.filter_map(|t| Some((t, *decided.get(t.id.as_str())?))).collect(),
            left_out: selected.left_out,
            settles_at: week
                .settles_at(SETTLE_DAYS, input.desk.hours.zone())
                .ok()
                .filter(|at| *at <= input.until),
        }
    }

    /// Of each ticket with a decision on `field` and a label at closing as known at `moment`, whether both are the same.
    pub(super) fn right(&self, field: Field, moment: Timestamp) -> impl Iterator<Item = Scored> {
        self.tickets.iter().filter_map(move |(ticket, decided)| {
            let (label, confidence) = decided.fields.get(&field)?;
            let correct = ticket.closing_label_at(field, moment)? == label.trim();
            Some(Scored { confidence: *confidence, correct })
        })
    }

    /// Board and type both right, as known at `moment`.
    pub(super) fn joint(&self, moment: Timestamp) -> Count {
        let both = |ticket: &TicketFacts, decided: &Counterfactual| joint(ticket, decided, moment);
        let found: Vec<bool> = self.tickets.iter().filter_map(|(t, decided)| both(t, decided)).collect();
        Count { hits: found.iter().filter(|right| **right).count(), n: found.len() }
    }

    /// Wrong decisions of those that would have stood alone.
    pub(super) fn wrong(&self, moment: Timestamp) -> Count {
        let Alone { closed, wrong, .. } = self.alone(moment);
        Count { hits: wrong as usize, n: closed as usize }
    }

    /// Drafts of the sample that could have been sent as they were. The sample is of answered tickets.
    pub(super) fn usable(&self) -> Count {
        let sample = self.decisions.drafts.iter().flatten().map(|draft| ("", draft.distance));
        let found = usable_drafts(sample).into_values().next();
        found.map_or(Count { hits: 0, n: 0 }, |share| Count {
            hits: share.count as usize,
            n: share.of as usize,
        })
    }

    pub(super) fn alone(&self, moment: Timestamp) -> Alone {
        let mut alone = Alone::default();
        for (ticket, decided) in self.tickets.iter().filter(|(_, decided)| decided.alone) {
            alone.n += 1;
            let Some(right) = joint(ticket, decided, moment) else { continue };
            alone.closed += 1;
            alone.wrong += u64::from(!right);
            if let Some(seconds) = ticket.as_of(moment).handle_time().filter(|_| right) {
                alone.minutes = Some(alone.minutes.unwrap_or(0.0) + seconds / 60.0);
                alone.timed += 1;
            }
        }
        alone
    }

    /// The decisions beside the labels at closing, as known at `moment`.
    pub(super) fn judged(&self, moment: Timestamp) -> Vec<Judged> {
        let one = |(ticket, decided): &(&TicketFacts, &Counterfactual)| {
            let closing = |field| Some((field, ticket.closing_label_at(field, moment)?.to_owned()));
            ticket.outcome_known(moment).then(|| Judged {
                ticket_id: ticket.id.clone(),
                decided_at: ticket.opened_at,
                bundle: format!("learnt from {} tickets", self.decisions.learnt_from),
                decided: decided.fields.iter().map(|(field, (label, _))| (*field, label.clone())).collect(),
                closing: Field::ALL.into_iter().filter_map(closing).collect(),
                technician: ticket.closing_label_at(Field::Technician, moment).map(str::to_owned),
                seen: false,
            })
        };
        self.tickets.iter().filter_map(one).collect()
    }

    pub(super) fn told(&self, input: &Rehearsal<'_>, number: u32, phase: ReplayPhase) -> ReplayedWeek {
        let share = |count: Count| Share::new(count.hits as u64, count.n as u64);
        let moment = self.settles_at.unwrap_or(input.until);
        let field = |field| {
            let share = Share::of(self.right(field, input.until).map(|scored| scored.correct));
            (share.of > 0).then_some((field, share))
        };
        ReplayedWeek {
            number,
            week: self.week.to_string(),
            from: self.week.start,
            to: self.week.end,
            phase,
            learnt_from: self.decisions.learnt_from,
            certified: self.decisions.certified,
            tickets: self.tickets.len() as u64,
            left_out: self.left_out,
            settled: self.settles_at.map(|at| share(self.joint(at))),
            agreement: share(self.joint(input.until)),
            fields: Field::ALL.into_iter().filter_map(field).collect(),
            alone: self.alone(input.until),
            desk: week_figures(input.facts, input.desk, (self.week, Population::People), moment),
        }
    }
}

/// Whether board and type were both decided as the ticket was closed; `None` where one of the labels is not known at `moment`.
fn joint(ticket: &TicketFacts, decided: &Counterfactual, moment: Timestamp) -> Option<bool> {
    let same = |field| Some(ticket.closing_label_at(field, moment)? == decided.fields.get(&field)?.0.trim());
    let [board, kind] = [Field::Board, Field::Type].map(same);
    Some(board? && kind?)
}
