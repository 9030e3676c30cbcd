//! The figures of a time: agreement, drafts, first response, resolution, errors that customers saw.

use std::collections::BTreeMap;

use firstline_ticket::{DraftState, Field, Judged, Kept, Route};
use serde::Serialize;

use crate::Share;

/// Within so many seconds of intake a first draft is to stand.
const DRAFT_SECONDS: f64 = 60.0;

/// Ten years: no desk takes longer.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// The figures of some tickets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Kpis {
    /// Tickets decided.
    pub tickets: u64,
    /// Of them, by where the decision went.
    pub routes: BTreeMap<Route, u64>,
    /// How often people ended with the same label.
    pub agreement: Agreement,
    /// What became of drafts.
    pub drafts: Drafts,
    /// Seconds from opening, or intake where that is not known, to the first response.
    pub first_response: Durations,
    /// Seconds from there to the resolution.
    pub resolution: Durations,
    /// Seconds of work on a ticket.
    pub handle: Durations,
    /// Tickets of which it is known whether they were opened again, and were.
    pub reopened: Share,
    /// Tickets of which it is known whether a customer saw an error, and did.
    pub customer_visible_errors: Share,
}

/// How often what was decided is what people ended with. What a person had set before is no decision and does not count.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Field by field.
    pub fields: BTreeMap<Field, Share>,
    /// Board, type, subtype and priority, as far as known, all the same: the technician is another question.
    pub all: Share,
}

/// What became of drafts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Drafts {
    /// Drafts that were made.
    pub made: u64,
    /// Of them ready within 60 seconds of intake.
    pub within_60_seconds: Share,
    /// Seconds from intake to the draft.
    pub seconds: Durations,
    /// Of those that people decided on: sent as they were.
    pub verbatim: Share,
    /// Sent in other words.
    pub edited: Share,
    /// Not sent.
    pub rejected: Share,
    /// Mean distance of what was sent from the draft, 0 for the same, 1 for nothing in common; where both are known.
    pub mean_distance: Option<f64>,
    /// Over so many.
    pub distances: u64,
    /// Sent as they were, by the confidences that the drafts had: what that would be were these right.
    pub expected_verbatim: Option<f64>,
}

/// Some durations, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Durations {
    /// How many.
    pub count: u64,
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
        let rank = |p: f64| {
            let rank = (p * all.len() as f64).ceil() as usize;
            all.get(rank.saturating_sub(1)).copied()
        };
        Self { count: all.len() as u64, p50: rank(0.5), p95: rank(0.95) }
    }
}

/// The figures of these tickets.
pub fn kpis(tickets: &[Judged]) -> Kpis {
    let mut routes = BTreeMap::new();
    tickets.iter().for_each(|ticket| *routes.entry(ticket.route).or_insert(0) += 1);
    let opened = |ticket: &Judged| ticket.opened_at.unwrap_or(ticket.received_at);
    let since = |from: jiff::Timestamp, to: Option<jiff::Timestamp>| {
        to.map(|to| to.duration_since(from).as_secs_f64())
    };
    Kpis {
        tickets: tickets.len() as u64,
        routes,
        agreement: agreement(tickets),
        drafts: drafts(tickets),
        first_response: Durations::of(tickets.iter().filter_map(|t| since(opened(t), t.first_response_at))),
        resolution: Durations::of(tickets.iter().filter_map(|t| since(opened(t), t.resolved_at))),
        handle: Durations::of(tickets.iter().filter_map(|t| t.handle_seconds)),
        reopened: Share::of(tickets.iter().filter_map(|t| t.reopened)),
        customer_visible_errors: Share::of(tickets.iter().filter_map(|t| t.customer_visible_error)),
    }
}

/// Whether the decision on `field` is how the ticket ended; `None` where there is no decision, or no outcome.
fn agrees(ticket: &Judged, field: Field) -> Option<bool> {
    let decided = ticket.decision.fields.get(&field)?;
    let ended = ticket.labels.get(&field)?;
    (ticket.decision.kept.get(&field) != Some(&Kept::Person)).then(|| decided.label.trim() == ended.trim())
}

fn agreement(tickets: &[Judged]) -> Agreement {
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
    Agreement { fields, all: Share::of(all) }
}

fn drafts(tickets: &[Judged]) -> Drafts {
    let made: Vec<&Judged> = tickets.iter().filter(|ticket| ticket.drafted_at.is_some()).collect();
    let seconds =
        |ticket: &&Judged| ticket.drafted_at.map(|at| at.duration_since(ticket.received_at).as_secs_f64());
    let ended = |state: DraftState| {
        let reviewed = [DraftState::Approved, DraftState::Edited, DraftState::Rejected];
        let reviewed = made.iter().filter(move |ticket| reviewed.contains(&ticket.draft_state));
        Share::of(reviewed.map(move |ticket| ticket.draft_state == state))
    };
    let distances: Vec<f64> = made.iter().filter_map(|ticket| ticket.distance).collect();
    let confidences: Vec<f64> = made.iter().filter_map(|ticket| ticket.draft_confidence).collect();
    Drafts {
        made: made.len() as u64,
        within_60_seconds: Share::of(made.iter().filter_map(seconds).map(|s| s <= DRAFT_SECONDS)),
        seconds: Durations::of(made.iter().filter_map(seconds)),
        verbatim: ended(DraftState::Approved),
        edited: ended(DraftState::Edited),
        rejected: ended(DraftState::Rejected),
        mean_distance: mean(&distances),
        distances: distances.len() as u64,
        expected_verbatim: mean(&confidences),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{Confidence, Decision, FieldDecision};
    use jiff::{Timestamp, ToSpan};

    fn ticket(board: &str, ended: Option<&str>) -> Judged {
        let field =
            FieldDecision { label: board.into(), confidence: Confidence::new(0.9), alternatives: vec![] };
        let at: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        Judged {
            decision_id: "d".into(),
            ticket_id: "t".into(),
            customer: "c".into(),
            received_at: at,
            opened_at: Some(at - 10.seconds()),
            route: Route::Review,
            decision: Decision { fields: [(Field::Board, field)].into(), ..Decision::default() },
            drafted_at: None,
            draft_state: DraftState::None,
            draft_confidence: None,
            labels: ended.map(|label| (Field::Board, label.to_owned())).into_iter().collect(),
            first_response_at: None,
            resolved_at: None,
            reopened: None,
            customer_visible_error: None,
            handle_seconds: None,
            distance: None,
        }
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
        let drafted = |state, seconds: i64, distance| Judged {
            drafted_at: Some(ticket("A", None).received_at + seconds.seconds()),
            draft_state: state,
            distance,
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
    fn durations_count_from_the_opening_and_leave_wrong_clocks_out() {
        let answered = |seconds: i64| Judged {
            first_response_at: Some(ticket("A", None).received_at + seconds.seconds()),
            ..ticket("A", None)
        };
        let tickets = [answered(0), answered(20), answered(-60)];
        assert_eq!(kpis(&tickets).first_response, Durations { count: 2, p50: Some(10.0), p95: Some(30.0) });
        assert_eq!(kpis(&[]).first_response, Durations::default());
    }
}
