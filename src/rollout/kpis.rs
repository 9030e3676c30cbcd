//! The figures of a time: agreement, drafts, first response, resolution, errors that customers saw.

use std::collections::BTreeMap;

use firstline_stats::{mean, select_quantile};
use firstline_ticket::{DraftState, Field, JudgedTicket, Route, Verdict};
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
        let mean = mean(&all);
        let (p50, p95) = (select_quantile(&mut all, 0.5), select_quantile(&mut all, 0.95));
        Self { count: all.len() as u64, mean, p50, p95 }
    }
}

/// The figures of these tickets. `known` tells whether the bundle in service could have decided a label of a field.
pub fn kpis(tickets: &[JudgedTicket], known: &dyn Fn(Field, &str) -> bool) -> Kpis {
    let mut routes = BTreeMap::new();
    tickets.iter().for_each(|ticket| *routes.entry(ticket.route).or_insert(0) += 1);
    // Nobody waits where a machine wrote, and nobody gets credit for an answer to it.
    let waiting = tickets.iter().filter(|ticket| ticket.waits);
    let errors = || tickets.iter().map(|ticket| ticket.customer_visible_error);
    Kpis {
        tickets: tickets.len() as u64,
        routes,
        agreement: agreement(tickets, known),
        drafts: drafts(tickets),
        first_response: Durations::of(waiting.filter_map(|ticket| ticket.first_response)),
        resolution: Durations::of(tickets.iter().filter_map(|ticket| ticket.resolution)),
        handle: Durations::of(tickets.iter().filter_map(|ticket| ticket.handle)),
        reported: tickets.iter().filter(|ticket| ticket.reported).count() as u64,
        reopened: Share::of(tickets.iter().filter_map(|ticket| ticket.reopened)),
        escalated: Share::of(tickets.iter().filter_map(|ticket| ticket.escalated)),
        customer_visible_errors: Share::of(errors().map(|error| error == Some(true))),
        customer_visible_errors_explicit: errors().flatten().count() as u64,
    }
}

fn agreement(tickets: &[JudgedTicket], known: &dyn Fn(Field, &str) -> bool) -> Agreement {
    let (mut same, mut counted) = ([0; Field::ALL.len()], [0; Field::ALL.len()]);
    let (mut all, mut unknown) = ((0, 0), BTreeMap::new());
    for ticket in tickets {
        let (mut any, mut agrees) = (false, true);
        for (n, (field, verdict)) in Field::ALL.into_iter().zip(&ticket.verdicts).enumerate() {
            let holds = match verdict {
                Verdict::Open => continue,
                Verdict::Same => true,
                Verdict::Other(label) | Verdict::Undecided(label) if !known(field, label.trim()) => {
                    *unknown.entry(field).or_insert(0) += 1;
                    continue;
                }
                Verdict::Undecided(_) => continue,
                Verdict::Other(_) => false,
            };
            counted[n] += 1;
            same[n] += u64::from(holds);
            if field != Field::Technician {
                (any, agrees) = (true, agrees && holds);
            }
        }
        all = (all.0 + u64::from(any && agrees), all.1 + u64::from(any));
    }
    let share = |(n, field)| (field, Share::new(same[n], counted[n]));
    let fields = Field::ALL.into_iter().enumerate().map(share).filter(|(_, share)| share.of > 0).collect();
    Agreement { fields, all: Share::new(all.0, all.1), unknown }
}

/// Tickets of which board and type were decided and told, and both right: of those whose decision people had `seen`, or of those that
/// nobody had. The two are never added up: a label that stands there already is kept more often than it would be chosen.
pub fn board_and_type(tickets: &[JudgedTicket], seen: bool) -> Share {
    let both = tickets.iter().filter(|ticket| ticket.seen == Some(seen)).filter_map(|ticket| {
        let [board, kind, ..] = &ticket.verdicts;
        let judged = |verdict: &Verdict| matches!(verdict, Verdict::Same | Verdict::Other(_));
        (judged(board) && judged(kind)).then(|| *board == Verdict::Same && *kind == Verdict::Same)
    });
    Share::of(both)
}

fn drafts(tickets: &[JudgedTicket]) -> Drafts {
    let made = || tickets.iter().filter(|ticket| ticket.drafted.is_some());
    let due = tickets.iter().filter(|ticket| ticket.draft_due);
    let ended = |state: DraftState| {
        let reviewed = [DraftState::Approved, DraftState::Edited, DraftState::Rejected];
        let reviewed = made().filter(move |ticket| reviewed.contains(&ticket.draft_state));
        Share::of(reviewed.map(move |ticket| ticket.draft_state == state))
    };
    let distances: Vec<f64> = made().filter_map(|ticket| ticket.distance).collect();
    let confidences: Vec<f64> = made().filter_map(|ticket| ticket.draft_confidence).collect();
    Drafts {
        made: made().count() as u64,
        within_60_seconds: Share::of(due.map(|ticket| ticket.drafted.is_some_and(|s| s <= DRAFT_SECONDS))),
        seconds: Durations::of(made().filter_map(|ticket| ticket.drafted)),
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
    use super::*;
    use firstline_ticket::{Confidence, Decision, FieldDecision, JudgedDecision, Kept, Kind, Outcome, Phase};
    use jiff::{Timestamp, ToSpan};

    /// The figures where the bundle knows all labels but those that are made up.
    fn of<'a>(tickets: impl IntoIterator<Item = &'a JudgedDecision>) -> Kpis {
        let tickets: Vec<JudgedTicket> = tickets.into_iter().map(JudgedTicket::from).collect();
        kpis(&tickets, &|_, label| label != "Made up")
    }

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
            phase: None,
            blind: false,
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
        }
    }

    #[test]
    fn labels_that_the_bundle_does_not_know_are_counted_apart() {
        let odd = ticket("A", Some("Made up"));
        let found = of([&ticket("A", Some("A")), &ticket("A", Some("B")), &odd]).agreement;
        assert_eq!((found.fields[&Field::Board].count, found.fields[&Field::Board].of), (1, 2));
        assert_eq!((found.all.of, found.unknown), (2, [(Field::Board, 1)].into()));
    }

    #[test]
    fn r31_agreement_where_people_saw_the_decision_is_told_apart() {
        let mut unseen = JudgedTicket::from(&ticket("A", Some("A")));
        (unseen.seen, unseen.verdicts[1]) = (Some(false), Verdict::Same);
        let mut wrong = unseen.clone();
        wrong.verdicts[1] = Verdict::Other("X".into());
        let open = JudgedTicket { verdicts: ticket_verdicts(Verdict::Open), ..unseen.clone() };
        let seen = JudgedTicket { seen: Some(true), ..unseen.clone() };
        let odd = JudgedTicket { seen: None, ..unseen.clone() };
        let all = [unseen, wrong, open, seen, odd];
        assert_eq!(
            [false, true].map(|seen| board_and_type(&all, seen)),
            [Share::new(1, 2), Share::new(1, 1)]
        );
        let phases = [
            (None, false),
            (Some(Phase::Shadow), false),
            (Some(Phase::Assist), false),
            (Some(Phase::Assist), true),
        ];
        let seen = phases.map(|(phase, blind)| {
            JudgedTicket::from(&JudgedDecision { phase, blind, ..ticket("A", None) }).seen
        });
        assert_eq!(seen, [None, Some(false), Some(true), Some(false)]);
    }

    #[test]
    fn r31_a_ticket_that_came_in_closed_is_no_agreement_that_nobody_saw() {
        let closed = |seconds: i64, phase| {
            let mut one = JudgedDecision { phase: Some(phase), ..ticket("A", Some("A")) };
            one.outcome.resolved_at = Some(one.received_at + seconds.seconds());
            JudgedTicket { verdicts: ticket_verdicts(Verdict::Same), ..JudgedTicket::from(&one) }
        };
        let all = [-86_400, -1, 0, 1, 3_600].map(|seconds| closed(seconds, Phase::Shadow));
        assert_eq!(all.each_ref().map(|ticket| ticket.seen), [None, None, None, Some(false), Some(false)]);
        assert_eq!(board_and_type(&all, false), Share::new(2, 2));
        let shown = [-1, 1].map(|seconds| closed(seconds, Phase::Assist));
        assert_eq!(board_and_type(&shown, true), Share::new(1, 1));
    }

    fn ticket_verdicts(kind: Verdict) -> [Verdict; 5] {
        [Verdict::Same, kind, Verdict::Open, Verdict::Open, Verdict::Open]
    }

    #[test]
    fn agreement_counts_decisions_with_an_outcome_that_no_person_had_made() {
        let mut locked = ticket("A", Some("A"));
        locked.decision.kept.insert(Field::Board, Kept::Person);
        let tickets = [ticket("A", Some("A ")), ticket("A", Some("B")), ticket("A", None), locked];
        let kpis = of(&tickets);
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
        let drafts = of(&tickets).drafts;
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
        let drafts = of(&tickets).drafts;
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
        let kpis = of(&tickets);
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
            of(&tickets).first_response,
            Durations { count: 2, mean: Some(20.0), p50: Some(10.0), p95: Some(30.0) }
        );
        assert_eq!(of(&[]).first_response, Durations::default());
    }
}
