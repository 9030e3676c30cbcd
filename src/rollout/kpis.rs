//! The figures of a time: agreement, drafts, first response, resolution, errors that customers saw.

use std::collections::BTreeMap;

use firstline_stats::{mean, quantile};
use firstline_ticket::{DraftState, Field, JudgedDecision, Kept, Route};
use jiff::Timestamp;
use serde::Serialize;

use crate::Share;
use crate::facts::LONGEST;

/// Seconds from intake within which a first draft is to be ready.
const DRAFT_SECONDS: f64 = 60.0;

/// The figures of some tickets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Kpis {
    /// Tickets decided.
    pub tickets: u64,
    /// Tickets by where their decision went.
    pub routes: BTreeMap<Route, u64>,
    /// How often people ended with the same label.
    pub agreement: Agreement,
    /// What became of drafts.
    pub drafts: Drafts,
    /// Seconds from opening, or intake where that is not known, to the first response, of tickets that a person waits for.
    pub first_response: Durations,
    /// Seconds from there to the resolution.
    pub resolution: Durations,
    /// Seconds of work on a ticket.
    pub handle: Durations,
    /// Tickets whose end was reported: the more, the more the figures below can be trusted.
    pub reported: u64,
    /// Tickets of which it is known whether they were opened again, and were.
    pub reopened: Share,
    /// Tickets of which it is known whether they went to a higher tier, and did.
    pub escalated: Share,
    /// Tickets in which a customer is reported to have seen an error, of all that were decided. A ticket that nobody reported on,
    /// and a report that does not mention errors, count as none: glue that only reports errors must not make every ticket one.
    pub customer_visible_errors: Share,
    /// Tickets whose report said whether there was such an error, yes or no. Of the others nothing is known.
    pub customer_visible_errors_explicit: u64,
}

/// How often what was decided is what people ended with. What a person had set before is no decision and does not count.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Field by field.
    pub fields: BTreeMap<Field, Share>,
    /// Board, type, subtype and priority, as far as known, all the same: the technician is another question.
    pub all: Share,
    /// Labels that people ended with and the bundle does not know, field by field. They are no part of the shares above: nobody can
    /// spoil or pad those with names that are made up.
    pub unknown: BTreeMap<Field, u64>,
}

/// What became of drafts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Drafts {
    /// Drafts that were made.
    pub made: u64,
    /// Tickets with a draft ready within 60 seconds of intake, of those for which one was due. A draft is due where it was
    /// asked for, unless the drafter found that none may be sent, as to a machine's mail. One that is still being written, was
    /// given up or was overtaken by the technician's own reply counts as missed.
    pub within_60_seconds: Share,
    /// Seconds from intake to the draft.
    pub seconds: Durations,
    /// Drafts sent unchanged, of those that people decided on.
    pub verbatim: Share,
    /// Drafts sent in other words, of the same.
    pub edited: Share,
    /// Drafts not sent, of the same.
    pub rejected: Share,
    /// Mean distance of what was sent from the draft, 0 for the same, 1 for nothing in common; where both are known.
    pub mean_distance: Option<f64>,
    /// How many tickets that mean is over.
    pub distances: u64,
    /// Mean confidence of the drafts that were made: the share that should be sent unchanged if confidences are right.
    pub expected_verbatim: Option<f64>,
}

/// Some durations, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Durations {
    /// How many.
    pub count: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 95 % quantile: nearest rank.
    pub p95: Option<f64>,
}

impl Durations {
    fn of(seconds: impl Iterator<Item = f64>) -> Self {
        // A ticket that was answered before it was opened, or decades later, has a clock that goes wrong.
        let mut all: Vec<f64> = seconds.filter(|s| (0.0..=LONGEST).contains(s)).collect();
        all.sort_by(f64::total_cmp);
        let (p50, p95) = (quantile(&all, 0.5), quantile(&all, 0.95));
        Self { count: all.len() as u64, mean: mean(&all), p50, p95 }
    }
}

/// The figures of these tickets.
pub fn kpis<'a>(tickets: impl IntoIterator<Item = &'a JudgedDecision>) -> Kpis {
    let tickets: Vec<&JudgedDecision> = tickets.into_iter().collect();
    let mut routes = BTreeMap::new();
    tickets.iter().for_each(|ticket| *routes.entry(ticket.route).or_insert(0) += 1);
    let since_opening = |ticket: &JudgedDecision, to: Option<Timestamp>| {
        let from = ticket.opened_at.unwrap_or(ticket.received_at);
        to.map(|to| to.duration_since(from).as_secs_f64())
    };
    let outcomes = || tickets.iter().map(|ticket| &ticket.outcome);
    // Nobody waits where a machine wrote, and nobody gets credit for an answer to it.
    let waiting = tickets.iter().filter(|t| t.decision.kind.wants_answer());
    let first_response = waiting.filter_map(|t| since_opening(t, t.outcome.first_response_at));
    let resolution = tickets.iter().filter_map(|t| since_opening(t, t.outcome.resolved_at));
    Kpis {
        tickets: tickets.len() as u64,
        routes,
        agreement: agreement(&tickets),
        drafts: drafts(&tickets),
        first_response: Durations::of(first_response),
        resolution: Durations::of(resolution),
        handle: Durations::of(outcomes().filter_map(|outcome| outcome.handle_seconds)),
        reported: tickets.iter().filter(|ticket| ticket.reported).count() as u64,
        reopened: Share::of(outcomes().filter_map(|outcome| outcome.reopened)),
        escalated: Share::of(outcomes().filter_map(|outcome| outcome.escalated)),
        customer_visible_errors: Share::of(outcomes().map(|o| o.customer_visible_error == Some(true))),
        customer_visible_errors_explicit: outcomes().filter(|o| o.customer_visible_error.is_some()).count()
            as u64,
    }
}

/// Whether the decision on `field` is how the ticket ended; `None` where there is no decision, or no outcome.
fn agrees(ticket: &JudgedDecision, field: Field) -> Option<bool> {
    let decided = ticket.decision.fields.get(&field).filter(|_| !ticket.unknown.contains(&field))?;
    let ended = ticket.outcome.labels.get(&field)?;
    (ticket.decision.kept.get(&field) != Some(&Kept::Person)).then(|| decided.label.trim() == ended.trim())
}

fn agreement(tickets: &[&JudgedDecision]) -> Agreement {
    let of = |field| Share::of(tickets.iter().filter_map(move |ticket| agrees(ticket, field)));
    let fields =
        Field::ALL.into_iter().map(|field| (field, of(field))).filter(|(_, share)| share.of > 0).collect();
    let all = tickets.iter().filter_map(|ticket| {
        let known: Vec<bool> = [Field::Board, Field::Type, Field::Subtype, Field::Priority]
            .into_iter()
            .filter_map(|field| agrees(ticket, field))
            .collect();
        (!known.is_empty()).then(|| known.into_iter().all(|same| same))
    });
    let mut unknown = BTreeMap::new();
    for field in tickets.iter().flat_map(|ticket| &ticket.unknown) {
        *unknown.entry(*field).or_insert(0) += 1;
    }
    Agreement { fields, all: Share::of(all), unknown }
}

fn drafts(tickets: &[&JudgedDecision]) -> Drafts {
    let made: Vec<&JudgedDecision> =
        tickets.iter().copied().filter(|ticket| ticket.drafted_at.is_some()).collect();
    let seconds = |ticket: &JudgedDecision| {
        ticket.drafted_at.map(|at| at.duration_since(ticket.received_at).as_secs_f64())
    };
    let due = tickets.iter().filter(|ticket| ticket.draft_due);
    let ended = |state: DraftState| {
        let reviewed = [DraftState::Approved, DraftState::Edited, DraftState::Rejected];
        let reviewed = made.iter().filter(move |ticket| reviewed.contains(&ticket.draft_state));
        Share::of(reviewed.map(move |ticket| ticket.draft_state == state))
    };
    let distances: Vec<f64> = made.iter().filter_map(|ticket| ticket.outcome.distance).collect();
    let confidences: Vec<f64> = made.iter().filter_map(|ticket| ticket.draft_confidence).collect();
    Drafts {
        made: made.len() as u64,
        within_60_seconds: Share::of(due.map(|ticket| seconds(ticket).is_some_and(|s| s <= DRAFT_SECONDS))),
        seconds: Durations::of(made.iter().filter_map(|ticket| seconds(ticket))),
        verbatim: ended(DraftState::Approved),
        edited: ended(DraftState::Edited),
        rejected: ended(DraftState::Rejected),
        mean_distance: mean(&distances),
        distances: distances.len() as u64,
        expected_verbatim: mean(&confidences),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use firstline_ticket::{Confidence, Decision, FieldDecision, Kind, Outcome};
    use jiff::ToSpan;

    fn ticket(board: &str, ended: Option<&str>) -> JudgedDecision {
        let field =
            FieldDecision { label: board.into(), confidence: Confidence::new(0.9), alternatives: vec![] };
        let at: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        JudgedDecision {
            decision_id: "d".into(),
            ticket_id: "t".into(),
            customer: "c".into(),
            received_at: at,
            opened_at: Some(at - 10.seconds()),
            route: Route::Review,
            decision: Decision { fields: [(Field::Board, field)].into(), ..Decision::default() },
            draft_due: false,
            drafted_at: None,
            draft_state: DraftState::None,
            draft_confidence: None,
            reported: ended.is_some(),
            outcome: Outcome {
                labels: ended.map(|label| (Field::Board, label.to_owned())).into_iter().collect(),
                ..Outcome::default()
            },
            unknown: BTreeSet::new(),
        }
    }

    #[test]
    fn labels_that_the_bundle_does_not_know_are_counted_apart() {
        let mut odd = ticket("A", Some("Made up"));
        odd.unknown.insert(Field::Board);
        let found = kpis([&ticket("A", Some("A")), &ticket("A", Some("B")), &odd]).agreement;
        assert_eq!((found.fields[&Field::Board].count, found.fields[&Field::Board].of), (1, 2));
        assert_eq!((found.all.of, found.unknown), (2, [(Field::Board, 1)].into()));
    }

    #[test]
    fn agreement_counts_decisions_with_an_outcome_that_no_person_had_made() {
        let mut locked = ticket("A", Some("A"));
        locked.decision.kept.insert(Field::Board, Kept::Person);
        let tickets = [ticket("A", Some("A ")), ticket("A", Some("B")), ticket("A", None), locked];
        let kpis = kpis(&tickets);
        assert_eq!((kpis.tickets, kpis.agreement.fields[&Field::Board]), (4, Share::new(1, 2)));
        assert_eq!(kpis.agreement.all, Share::new(1, 2));
    }

    #[test]
    fn drafts_are_counted_by_what_people_did_with_them() {
        let drafted = |state, seconds: i64, distance| JudgedDecision {
            draft_due: true,
            drafted_at: Some(ticket("A", None).received_at + seconds.seconds()),
            draft_state: state,
            outcome: Outcome { distance, ..Outcome::default() },
            ..ticket("A", None)
        };
        let tickets = [
            drafted(DraftState::Approved, 2, Some(0.0)),
            drafted(DraftState::Edited, 61, Some(0.5)),
            drafted(DraftState::Pending, 3, None),
        ];
        let drafts = kpis(&tickets).drafts;
        assert_eq!((drafts.made, drafts.within_60_seconds), (3, Share::new(2, 3)));
        assert_eq!(
            (drafts.verbatim, drafts.edited, drafts.rejected),
            (Share::new(1, 2), Share::new(1, 2), Share::new(0, 2))
        );
        assert_eq!((drafts.mean_distance, drafts.distances), (Some(0.25), 2));
    }

    #[test]
    fn a_draft_that_was_due_and_is_not_there_is_missed() {
        let with = |draft_due, state| JudgedDecision { draft_due, draft_state: state, ..ticket("A", None) };
        let mut ready = with(true, DraftState::Pending);
        ready.drafted_at = Some(ready.received_at + 60.seconds());
        let tickets = [
            ready,
            with(true, DraftState::Writing),
            with(true, DraftState::Superseded),
            // Given up after an error.
            with(true, DraftState::None),
            // Not asked for, or a machine's mail.
            with(false, DraftState::None),
        ];
        let drafts = kpis(&tickets).drafts;
        assert_eq!((drafts.made, drafts.within_60_seconds), (1, Share::new(1, 4)));
    }

    #[test]
    fn glue_that_reports_only_errors_makes_no_other_ticket_one() {
        let with = |reported, error, escalated| JudgedDecision {
            reported,
            outcome: Outcome { customer_visible_error: error, escalated, ..Outcome::default() },
            ..ticket("A", None)
        };
        let tickets = [
            with(true, Some(true), Some(true)),
            with(true, Some(false), Some(false)),
            with(true, None, None),
            with(true, None, Some(false)),
            with(false, None, None),
        ];
        let kpis = kpis(&tickets);
        assert_eq!((kpis.customer_visible_errors, kpis.reported), (Share::new(1, 5), 4));
        assert_eq!((kpis.customer_visible_errors_explicit, kpis.escalated), (2, Share::new(1, 3)));
    }

    #[test]
    fn durations_count_from_the_opening_and_leave_wrong_clocks_out() {
        let answered = |seconds: i64| {
            let mut answered = ticket("A", None);
            answered.outcome.first_response_at = Some(answered.received_at + seconds.seconds());
            answered
        };
        // Nobody waits for an answer to an out-of-office note.
        let mut machine = answered(3_000);
        machine.decision.kind = Kind::AutoReply;
        let tickets = [answered(0), answered(20), answered(-60), machine];
        assert_eq!(
            kpis(&tickets).first_response,
            Durations { count: 2, mean: Some(20.0), p50: Some(10.0), p95: Some(30.0) }
        );
        assert_eq!(kpis(&[]).first_response, Durations::default());
    }
}
