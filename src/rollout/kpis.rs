//! The figures of a time: agreement, drafts, first response, resolution, errors that customers saw.

use std::collections::BTreeMap;

use firstline_stats::{mean, select_quantiles};
use firstline_ticket::{Counted, DraftState, Field, JudgedTicket, Route, Verdict, VisibleAction};
use serde::Serialize;

use crate::facts::LONGEST;
use crate::{Share, Week};

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
    fn of(mut seconds: Vec<f64>) -> Self {
        let mean = mean(&seconds);
        let [p50, p95] = select_quantiles(&mut seconds, [0.5, 0.95]);
        Self { count: seconds.len() as u64, mean, p50, p95 }
    }
}

/// Counts out of a total, as they grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Of {
    count: u64,
    of: u64,
}

impl Of {
    fn add(&mut self, holds: bool) {
        self.count += u64::from(holds);
        self.of += 1;
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.of += other.of;
    }

    fn share(self) -> Share {
        Share::new(self.count, self.of)
    }
}

/// Tells whether the bundle in service could have decided a label of a field.
pub type KnownLabel<'a> = &'a dyn Fn(Field, &str) -> bool;

/// What figures are computed from, as it grows ticket by ticket: a pass over a year counts each of its weeks, and the year is their sum.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    routes: BTreeMap<Route, u64>,
    fields: [Of; Field::ALL.len()],
    unknown: [u64; Field::ALL.len()],
    all: Of,
    /// Board and type, of decisions that nobody had seen, and that people had.
    joint: [Of; 2],
    made: u64,
    drafted_in_time: Of,
    /// By what people did with them.
    reviewed: [u64; REVIEWED.len()],
    distances: Vec<f64>,
    confidences: Vec<f64>,
    draft_seconds: Vec<f64>,
    first_response: Vec<f64>,
    resolution: Vec<f64>,
    handle: Vec<f64>,
    reported: u64,
    reopened: Of,
    escalated: Of,
    errors: Of,
    errors_explicit: u64,
    acted: Acted,
}

/// Actions that customers could see, once they were done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acted {
    /// A person had approved them.
    pub approved: u64,
    /// Nobody had.
    pub alone: u64,
}

const REVIEWED: [DraftState; 3] = [DraftState::Approved, DraftState::Edited, DraftState::Rejected];

/// Adds a duration, but for those of a clock that goes wrong: answered before it was opened, or decades later.
fn put(seconds: &mut Vec<f64>, one: Option<f64>) {
    seconds.extend(one.filter(|seconds| (0.0..=LONGEST).contains(seconds)));
}

impl Tally {
    /// Adds a ticket, or an action that was done.
    pub fn add(&mut self, counted: &Counted<'_>, known: KnownLabel<'_>) {
        match counted {
            Counted::Ticket(ticket) => self.add_ticket(ticket, known),
            Counted::Action(VisibleAction { alone: true, .. }) => self.acted.alone += 1,
            Counted::Action(_) => self.acted.approved += 1,
        }
    }

    fn add_ticket(&mut self, ticket: &JudgedTicket<'_>, known: KnownLabel<'_>) {
        *self.routes.entry(ticket.route).or_insert(0) += 1;
        self.add_agreement(ticket, known);
        self.add_draft(ticket);
        // Nobody waits where a machine wrote, and nobody gets credit for an answer to it.
        put(&mut self.first_response, ticket.first_response.filter(|_| ticket.waits));
        put(&mut self.resolution, ticket.resolution);
        put(&mut self.handle, ticket.handle);
        self.reported += u64::from(ticket.reported);
        ticket.reopened.into_iter().for_each(|yes| self.reopened.add(yes));
        ticket.escalated.into_iter().for_each(|yes| self.escalated.add(yes));
        self.errors.add(ticket.customer_visible_error == Some(true));
        self.errors_explicit += u64::from(ticket.customer_visible_error.is_some());
    }

    fn add_agreement(&mut self, ticket: &JudgedTicket<'_>, known: KnownLabel<'_>) {
        let (mut any, mut agrees) = (false, true);
        for (n, (field, verdict)) in Field::ALL.into_iter().zip(&ticket.verdicts).enumerate() {
            let holds = match verdict {
                Verdict::Open => continue,
                Verdict::Same => true,
                Verdict::Other(label) | Verdict::Undecided(label) if !known(field, label.trim()) => {
                    self.unknown[n] += 1;
                    continue;
                }
                Verdict::Undecided(_) => continue,
                Verdict::Other(_) => false,
            };
            self.fields[n].add(holds);
            if field != Field::Technician {
                (any, agrees) = (true, agrees && holds);
            }
        }
        if any {
            self.all.add(agrees);
        }
        let [board, kind, ..] = &ticket.verdicts;
        let judged = |verdict: &Verdict<'_>| matches!(verdict, Verdict::Same | Verdict::Other(_));
        if let Some(seen) = ticket.seen.filter(|_| judged(board) && judged(kind)) {
            self.joint[usize::from(seen)].add(*board == Verdict::Same && *kind == Verdict::Same);
        }
    }

    fn add_draft(&mut self, ticket: &JudgedTicket<'_>) {
        if ticket.draft_due {
            self.drafted_in_time.add(ticket.drafted.is_some_and(|seconds| seconds <= DRAFT_SECONDS));
        }
        if ticket.drafted.is_none() {
            return;
        }
        self.made += 1;
        put(&mut self.draft_seconds, ticket.drafted);
        if let Some(place) = REVIEWED.iter().position(|state| *state == ticket.draft_state) {
            self.reviewed[place] += 1;
        }
        self.distances.extend(ticket.distance);
        self.confidences.extend(ticket.draft_confidence);
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        other.routes.iter().for_each(|(route, n)| *self.routes.entry(*route).or_insert(0) += n);
        for n in 0..Field::ALL.len() {
            self.fields[n].merge(other.fields[n]);
            self.unknown[n] += other.unknown[n];
        }
        for seen in 0..self.joint.len() {
            self.joint[seen].merge(other.joint[seen]);
        }
        for n in 0..REVIEWED.len() {
            self.reviewed[n] += other.reviewed[n];
        }
        for (own, others) in [
            (&mut self.all, other.all),
            (&mut self.drafted_in_time, other.drafted_in_time),
            (&mut self.reopened, other.reopened),
            (&mut self.escalated, other.escalated),
            (&mut self.errors, other.errors),
        ] {
            own.merge(others);
        }
        for (own, others) in [
            (&mut self.distances, &other.distances),
            (&mut self.confidences, &other.confidences),
            (&mut self.draft_seconds, &other.draft_seconds),
            (&mut self.first_response, &other.first_response),
            (&mut self.resolution, &other.resolution),
            (&mut self.handle, &other.handle),
        ] {
            own.extend_from_slice(others);
        }
        self.made += other.made;
        self.reported += other.reported;
        self.errors_explicit += other.errors_explicit;
        self.acted.approved += other.acted.approved;
        self.acted.alone += other.acted.alone;
    }

    /// Actions that customers could see.
    pub fn acted(&self) -> Acted {
        self.acted
    }

    /// Tickets of which board and type were decided and told, and both right: of those whose decision people had `seen`, or of those
    /// that nobody had. The two are never added up: a label that stands there already is kept more often than it would be chosen.
    pub fn board_and_type(&self, seen: bool) -> Share {
        self.joint[usize::from(seen)].share()
    }

    /// The figures.
    pub fn kpis(self) -> Kpis {
        let by_field = |(n, field): (usize, Field)| (field, self.fields[n].share());
        let fields = Field::ALL.into_iter().enumerate().map(by_field).filter(|(_, share)| share.of > 0);
        let unknown = Field::ALL.into_iter().zip(self.unknown).filter(|(_, n)| *n > 0);
        let agreement =
            Agreement { fields: fields.collect(), all: self.all.share(), unknown: unknown.collect() };
        let reviewed = self.reviewed.iter().sum();
        let [verbatim, edited, rejected] = self.reviewed.map(|count| Share::new(count, reviewed));
        let drafts = Drafts {
            made: self.made,
            within_60_seconds: self.drafted_in_time.share(),
            seconds: Durations::of(self.draft_seconds),
            verbatim,
            edited,
            rejected,
            mean_distance: mean(&self.distances),
            distances: self.distances.len() as u64,
            expected_verbatim: mean(&self.confidences),
        };
        Kpis {
            tickets: self.errors.of,
            routes: self.routes,
            agreement,
            drafts,
            first_response: Durations::of(self.first_response),
            resolution: Durations::of(self.resolution),
            handle: Durations::of(self.handle),
            reported: self.reported,
            reopened: self.reopened.share(),
            escalated: self.escalated.share(),
            customer_visible_errors: self.errors.share(),
            customer_visible_errors_explicit: self.errors_explicit,
        }
    }
}

/// Tallies of weeks, filled in one pass.
#[derive(Debug, Clone)]
pub struct WeekTallies {
    weeks: Vec<(Week, Tally)>,
    /// Where the last one was: what comes next is most often of the same week.
    last: usize,
}

impl WeekTallies {
    /// Empty tallies of `weeks`, which are in order.
    pub fn new(weeks: impl IntoIterator<Item = Week>) -> Self {
        Self { weeks: weeks.into_iter().map(|week| (week, Tally::default())).collect(), last: 0 }
    }

    /// Adds a ticket or an action to its week; one that lies in none is left out.
    pub fn add(&mut self, counted: &Counted<'_>, known: KnownLabel<'_>) {
        let at = counted.at();
        if !self.weeks.get(self.last).is_some_and(|(week, _)| week.has(at)) {
            self.last = self.weeks.partition_point(|(week, _)| week.end <= at);
        }
        if let Some((_, tally)) = self.weeks.get_mut(self.last).filter(|(week, _)| week.has(at)) {
            tally.add(counted, known);
        }
    }

    /// All weeks together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.weeks.iter().for_each(|(_, tally)| total.merge(tally));
        total
    }

    /// The weeks, in order.
    pub fn weeks(self) -> Vec<(Week, Tally)> {
        self.weeks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{Confidence, Decision, FieldDecision, JudgedDecision, Kept, Kind, Outcome, Phase};
    use jiff::{Timestamp, ToSpan};

    /// The figures where the bundle knows all labels but those that are made up.
    fn of<'a>(tickets: impl IntoIterator<Item = &'a JudgedDecision>) -> Kpis {
        let tickets: Vec<JudgedTicket<'_>> = tickets.into_iter().map(JudgedTicket::from).collect();
        tally(&tickets).kpis()
    }

    fn tally(tickets: &[JudgedTicket<'_>]) -> Tally {
        let mut tally = Tally::default();
        for ticket in tickets {
            tally.add(&Counted::Ticket(ticket), &|_, label| label != "Made up");
        }
        tally
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
        let whole = ticket("A", Some("A"));
        let mut unseen = JudgedTicket::from(&whole);
        (unseen.seen, unseen.verdicts[1]) = (Some(false), Verdict::Same);
        let mut wrong = unseen;
        wrong.verdicts[1] = Verdict::Other("X");
        let open = JudgedTicket { verdicts: ticket_verdicts(Verdict::Open), ..unseen };
        let seen = JudgedTicket { seen: Some(true), ..unseen };
        let odd = JudgedTicket { seen: None, ..unseen };
        let all = [unseen, wrong, open, seen, odd];
        assert_eq!(
            [false, true].map(|seen| tally(&all).board_and_type(seen)),
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
            one
        };
        let judged =
            |one| JudgedTicket { verdicts: ticket_verdicts(Verdict::Same), ..JudgedTicket::from(one) };
        let all = [-86_400, -1, 0, 1, 3_600].map(|seconds| closed(seconds, Phase::Shadow));
        let all = all.each_ref().map(judged);
        assert_eq!(all.map(|ticket| ticket.seen), [None, None, None, Some(false), Some(false)]);
        assert_eq!(tally(&all).board_and_type(false), Share::new(2, 2));
        let shown = [-1, 1].map(|seconds| closed(seconds, Phase::Assist));
        assert_eq!(tally(&shown.each_ref().map(judged)).board_and_type(true), Share::new(1, 1));
    }

    fn ticket_verdicts(kind: Verdict<'_>) -> [Verdict<'_>; 5] {
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

    #[test]
    fn a_year_is_the_sum_of_its_weeks_and_what_lies_in_none_is_left_out() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let zone = jiff::tz::TimeZone::get("Asia/Kathmandu").unwrap();
        let weeks = crate::weeks(at("2026-11-02T00:00:00Z"), at("2026-11-16T00:00:00Z"), &zone).unwrap();
        let mut by_week = WeekTallies::new(weeks.iter().copied());
        let whole = ticket("A", Some("A"));
        // Monday begins at 18:15 UTC there. In no order; the last two lie before and after all weeks.
        let times = [
            "2026-11-09T00:00:00Z",
            "2026-11-08T18:14:59Z",
            "2026-11-08T18:15:00Z",
            "2026-11-01T18:14:59Z",
            "2026-12-24T00:00:00Z",
        ];
        let mut alone = Tally::default();
        for (n, text) in times.into_iter().enumerate() {
            let resolution = Some(n as f64);
            let one = JudgedTicket { received_at: at(text), resolution, ..JudgedTicket::from(&whole) };
            for counted in
                [Counted::Ticket(&one), Counted::Action(VisibleAction { at: at(text), alone: n == 1 })]
            {
                by_week.add(&counted, &|_, _| true);
                if n < 3 {
                    alone.add(&counted, &|_, _| true);
                }
            }
        }
        let total = by_week.total();
        assert_eq!((total.acted(), alone.acted()), (Acted { approved: 2, alone: 1 }, total.acted()));
        assert_eq!((total.kpis().resolution.count, alone.kpis().resolution.p50), (3, Some(1.0)));
        let counts = by_week.weeks().into_iter().map(|(week, tally)| (week.number, tally.kpis().tickets));
        assert_eq!(counts.collect::<Vec<_>>(), [(45, 1), (46, 2), (47, 0)]);
    }
}
