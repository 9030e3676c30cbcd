//! The report of day 90, by hand on small facts.

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening};
use jiff::SignedDuration;

use super::*;
use crate::facts::tests::{at, event, ticket};
use crate::figures::measure;
use crate::hours::tests::desk as open_hours;
use crate::{Autonomy, OpenHours, Report, Reviewed, TicketFacts, Tiers, autonomy};

/// Monday, midnight in Berlin.
const FROM: &str = "2026-11-01T23:00:00Z";

fn week(n: i64) -> Timestamp {
    at(FROM) + SignedDuration::from_hours(7 * 24 * n)
}

/// A resolved ticket of a type, opened so many weeks after the start, answered and worked on for so many minutes by `who`.
fn done(kind: &str, weeks: i64, (answered, worked): (i64, f64), who: &str) -> TicketFacts {
    let mut facts = ticket(&format!("{kind}{weeks}{answered}{worked}{who}"));
    facts.labels.insert(Field::Type, kind.into());
    facts.labels.insert(Field::Technician, who.into());
    let later = |event: Event| Event {
        at: event.at + SignedDuration::from_hours(7 * 24 * weeks),
        actor: Some(who.to_owned()),
        ..event
    };
    let message = Happening::Message { visible: true, automatic: false, text_key: None };
    let entry = Happening::TimeEntry { seconds: 60.0 * worked, visible: false };
    facts.events = vec![
        later(event(answered, ActorKind::Technician, message)),
        later(event(answered, ActorKind::Technician, entry)),
    ];
    facts.opened_at += SignedDuration::from_hours(7 * 24 * weeks);
    facts.resolved_at = Some(facts.opened_at + SignedDuration::from_hours(4));
    facts
}

/// One that Firstline resolved alone.
fn alone(weeks: i64) -> TicketFacts {
    let mut facts = done("Reset", weeks, (1, 0.0), "x");
    let status =
        Happening::Change { of: Changed::Status, from: Some("Waiting".into()), to: Some("Closed".into()) };
    facts.events.truncate(1);
    facts.events[0].actor_kind = ActorKind::Firstline;
    let closed = Event { at: facts.resolved_at.unwrap(), ..event(240, ActorKind::Firstline, status) };
    facts.events.push(closed);
    facts
}

struct Desk90 {
    hours: OpenHours,
    tiers: Tiers,
    before: Option<Before>,
    tickets: Vec<(TicketFacts, Phase)>,
    holds: Vec<PastHold>,
    criteria: Option<Criteria>,
    shares: CountedShares,
    weeks: Vec<Day90Week>,
    over: bool,
}

impl Desk90 {
    /// A desk of before: 40 resets of 20 minutes answered after 60, 20 moves of 60 minutes answered after 120, all in eight weeks.
    fn new() -> Self {
        let name = |name: &str, tier| (name.to_owned(), tier);
        let tiers = Tiers {
            boards: [name("Service Desk", 1)].into(),
            technicians: [name("ada", 1), name("sue", 2)].into(),
            closed: ["Closed".to_owned()].into(),
            ..Tiers::default()
        };
        let was: Vec<TicketFacts> = (0..40)
            .map(|i| done("Reset", -8 + i % 8, (60, 20.0), "ada"))
            .chain((0..20).map(|i| done("Move", -8 + i % 8, (120, 60.0), "sue")))
            .collect();
        let mut this = Self {
            hours: open_hours(),
            tiers,
            before: None,
            tickets: Vec::new(),
            holds: Vec::new(),
            criteria: Some(Criteria::parse(Criteria::EXAMPLE, "c").unwrap()),
            shares: CountedShares { agreement: Share::new(900, 1_000), ..CountedShares::default() },
            weeks: Vec::new(),
            over: true,
        };
        let all: Vec<&TicketFacts> = was.iter().collect();
        this.before = Some(Before::of(&measure(&all, &this.desk(), week(-8), week(0)), &this.desk()));
        this
    }

    fn desk(&self) -> Desk<'_> {
        Desk { hours: &self.hours, tiers: &self.tiers, basis: None }
    }

    fn put(&mut self, n: usize, phase: Phase, facts: &TicketFacts) {
        let first = self.tickets.len();
        self.tickets.extend((first..first + n).map(|i| {
            let id = format!("{}-{i}", facts.id);
            (TicketFacts { id, ..facts.clone() }, phase)
        }));
    }

    fn report(&self) -> Day90 {
        let told: Vec<Told<'_>> = self
            .tickets
            .iter()
            .map(|(facts, phase)| {
                let autonomy = autonomy(facts, &self.tiers);
                let worked = Worked { facts, autonomy, assisted: facts.review.is_some(), error_at: None };
                Told { worked, phase: Some(*phase) }
            })
            .collect();
        let signatures = [SignedName { name: "Bea".to_owned(), role: "owner".to_owned(), at: week(-1) }];
        let criteria = self.criteria.as_ref();
        let desk = self.desk();
        day90(&Day90Facts {
            desk: &desk,
            aliases: &Aliases::new(),
            span: (week(0), week(13)),
            over: self.over,
            now: week(14),
            before: self.before.as_ref(),
            tickets: &told,
            criteria: criteria.map(|criteria| InForce { version: 1, criteria, signatures: &signatures }),
            shares: self.shares,
            holds: &self.holds,
            weeks: &self.weeks,
            hashes: &[Hash { what: "baseline".to_owned(), sha256: "e".repeat(64) }],
            pilots: &["corvid".to_owned()],
            granted: &["corvid: assist".to_owned()],
            incidents: &[],
            next: &[],
        })
    }
}

/// In weeks 7 to 10 a hundred resets of 10 minutes answered after 15, in weeks 11 to 13 as many that Firstline resolved alone.
fn good() -> Desk90 {
    let mut desk = Desk90::new();
    desk.put(30, Phase::Shadow, &done("Reset", 3, (60, 20.0), "ada"));
    for weeks in 6..10 {
        let mut one = done("Reset", weeks, (15, 10.0), "ada");
        one.review = Some(Reviewed { at: one.opened_at, seconds: Some(120.0) });
        desk.put(25, Phase::Assist, &one);
        desk.put(2, Phase::Assist, &done("Move", weeks, (120, 60.0), "sue"));
    }
    for weeks in 10..13 {
        desk.put(33, Phase::Autonomous, &alone(weeks));
        desk.put(2, Phase::Autonomous, &done("Reset", weeks, (15, 10.0), "ada"));
    }
    desk
}

fn hold(reaction: Reaction, released: bool) -> PastHold {
    PastHold {
        hold: 7,
        level: "back_out".to_owned(),
        reaction,
        scope: "everything".to_owned(),
        at: week(10),
        by: "firstline".to_owned(),
        reason: "R70: 4 of 50 in week 10".to_owned(),
        released: released.then(|| (week(11), "bea".to_owned(), "the template was wrong".to_owned())),
    }
}

#[test]
fn r80_the_three_numbers_by_hand() {
    let report = good().report();
    let saving = report.hours_redirected.saving.unwrap();
    // Resets: 100 of 12 minutes with their review, 99 of none, 6 of 10, each of 20 before; 8 moves as before.
    assert_eq!((saving.n, saving.before, saving.after), (213, 205.0 * 20.0 + 480.0, 1_200.0 + 60.0 + 480.0));
    assert_eq!(
        (report.hours_redirected.hours, report.hours_redirected.in_scope),
        (Some(2_840.0 / 60.0), 213)
    );
    let [low, high] = report.hours_redirected.interval.unwrap();
    assert!(low < 2_840.0 / 60.0 && high > 2_840.0 / 60.0 && low > 0.0, "{low} {high}");
    let wall = report.first_response.wall.unwrap();
    // Before: 205 resets at 60 minutes, 8 moves at 120. After: 106 at 15, 99 at 1, 8 at 120.
    let mean = |sum: f64| 60.0 * sum / 213.0;
    assert!((wall.before.mean - mean(205.0 * 60.0 + 8.0 * 120.0)).abs() < 1e-6);
    assert!((wall.after.mean - mean(106.0 * 15.0 + 99.0 + 8.0 * 120.0)).abs() < 1e-6);
    assert_eq!((wall.before.median, wall.before.p95), (Some(3_600.0), Some(3_600.0)));
    assert_eq!((wall.after.median, wall.after.p95), (Some(900.0), Some(900.0)));
    assert_eq!((report.first_response.basis, report.first_response.left_out), (Some(Basis::Message), 0));
    // Seven weeks; what a ticket takes now is over all of the desk since, 1,740 minutes on 213; ada and sue were at work in each of the
    // first four weeks, ada alone in the last three.
    let capacity = &report.capacity;
    assert_eq!((capacity.weeks, capacity.technicians), (Some(7.0), Some(11.0 / 7.0)));
    assert!((capacity.minutes_per_ticket.unwrap() - 1_740.0 / 213.0).abs() < 1e-9);
    let wanted = 2_840.0 / 7.0 / (1_740.0 / 213.0) / (11.0 / 7.0);
    assert!((capacity.tickets_per_week.unwrap() - wanted).abs() < 1e-9, "{capacity:?}");
}

#[test]
fn r80_thresholds_are_met_or_missed_and_the_verdict_says_it_plainly() {
    let report = good().report();
    let found: Vec<(&str, Option<bool>)> = report.kpis.iter().map(|kpi| (kpi.name.name(), kpi.met)).collect();
    assert_eq!(
        found,
        [("agreement", Some(true)), ("handle_time", Some(true)), ("l1_autonomous", Some(true))]
    );
    assert_eq!(report.verdict.outcome, Day90Outcome::Succeeded);
    // All resets of the last weeks are 99 of 105 that first level resolved.
    let l1 = report.l1_autonomous;
    assert_eq!((l1.of_desk, l1.of_scope), (Share::new(99, 105), Share::new(99, 105)));
    // The last of them was resolved 13 days ago.
    assert_eq!((l1.confirmed, l1.provisional), (99, 99));
    assert!(report.estimated.iter().any(|note| note.contains("99 tickets") && note.contains("provisional")));
    let mut missed = good();
    missed.shares.agreement = Share::new(600, 1_000);
    let report = missed.report();
    assert_eq!((report.verdict.outcome, report.kpis[0].met), (Day90Outcome::Paused, Some(false)));
    assert!(
        report.verdict.why.iter().any(|why| why.contains("agreement: missed with 60.0 %")),
        "{:?}",
        report.verdict
    );
    let early = Desk90 { over: false, ..good() }.report();
    assert_eq!(early.verdict.outcome, Day90Outcome::Running);
}

#[test]
fn r80_a_hold_in_force_is_the_verdict_and_a_past_one_stays_visible() {
    let with = |reaction, released| Desk90 { holds: vec![hold(reaction, released)], ..good() }.report();
    for (reaction, outcome) in [
        (Reaction::BackOut, Day90Outcome::BackedOut),
        (Reaction::Stop, Day90Outcome::BackedOut),
        (Reaction::Pause, Day90Outcome::Paused),
        (Reaction::PauseExpansion, Day90Outcome::Succeeded),
    ] {
        let report = with(reaction, false);
        assert_eq!(report.verdict.outcome, outcome, "{reaction:?}");
        assert!(report.verdict.why[0].contains("R70: 4 of 50 in week 10"), "{:?}", report.verdict);
    }
    let ended = with(Reaction::BackOut, true);
    assert_eq!(ended.verdict.outcome, Day90Outcome::Succeeded);
    assert!(
        ended.verdict.why.iter().any(|why| why == "In all 0 pauses and 1 back-out."),
        "{:?}",
        ended.verdict
    );
    let html = ended.html(open_hours().zone());
    assert!(html.contains("the template was wrong") && html.contains("R70: 4 of 50"));
    let open = Desk90 { over: false, ..good() };
    let open = Desk90 { holds: vec![hold(Reaction::BackOut, false)], ..open }.report();
    assert_eq!(open.verdict.outcome, Day90Outcome::BackedOut);
}

#[test]
fn r80_what_nobody_knows_stays_unknown_and_says_why() {
    let mut desk = good();
    desk.before = None;
    let report = desk.report();
    assert_eq!((report.hours_redirected.hours, report.capacity.tickets_per_week), (None, None));
    assert_eq!((report.first_response.wall, report.seniors.freed), (None, None));
    let handle = report.kpis.iter().find(|kpi| kpi.name == crate::Kpi::HandleTime).unwrap();
    assert_eq!((handle.found, handle.met), (None, None));
    assert_eq!(report.verdict.outcome, Day90Outcome::Paused);
    let said = report.not_known.join("\n");
    for part in ["Hours redirected", "not on record", "First response", "capacity"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // A programme of no tickets at all, with nothing signed.
    let nothing = Desk90 { tickets: Vec::new(), criteria: None, before: None, ..Desk90::new() }.report();
    assert_eq!(
        (nothing.hours_redirected.hours, nothing.capacity.weeks, nothing.l1_autonomous.confirmed),
        (None, None, 0)
    );
    assert!(nothing.kpis.is_empty() && nothing.verdict.outcome == Day90Outcome::Paused);
    let html = nothing.html(open_hours().zone());
    assert!(html.contains("not known") && html.contains("no criteria are signed"), "{html}");
    // Tickets that are still open, and tickets whose history nobody knows, are no success.
    let mut open = Desk90::new();
    open.put(20, Phase::Autonomous, &TicketFacts { resolved_at: None, ..alone(10) });
    open.put(20, Phase::Autonomous, &TicketFacts { history_known: false, ..alone(10) });
    let report = open.report();
    assert_eq!((report.l1_autonomous.confirmed, report.l1_autonomous.unknown), (0, 20));
    assert_eq!(report.hours_redirected.hours, None);
}

#[test]
fn r40_without_logged_time_there_is_an_estimate_that_meets_nothing() {
    let mut desk = good();
    desk.before.as_mut().unwrap().handle.clear();
    let text = format!(
        "{}\n[[estimate]]\nboard = \"Service Desk\"\ntype = \"Reset\"\nminutes = 15\n",
        Criteria::EXAMPLE
    );
    desk.criteria = Some(Criteria::parse(&text, "c").unwrap());
    desk.tickets.iter_mut().for_each(|(facts, _)| {
        facts.events.retain(|event| !matches!(event.what, Happening::TimeEntry { .. }));
    });
    let report = desk.report();
    // 99 alone of 15 minutes each; 100 reviews of 2.
    assert_eq!(report.hours_redirected.hours, Some((99.0 * 15.0 - 200.0) / 60.0));
    assert!(report.hours_redirected.estimate && report.hours_redirected.interval.is_none());
    let handle = report.kpis.iter().find(|kpi| kpi.name == crate::Kpi::HandleTime).unwrap();
    assert_eq!(
        (handle.met, handle.note.as_deref()),
        (None, Some("only an estimate, which meets no threshold"))
    );
    let html = report.html(open_hours().zone());
    assert!(html.contains("<p class=\"mark\">ESTIMATE</p>"));
}

#[test]
fn r80_the_page_has_the_numbers_first_and_names_of_others_are_text() {
    let mut desk = good();
    desk.weeks = (1..=13)
        .map(|week| Day90Week {
            week,
            iso: format!("2026-W{}", 44 + week),
            phase: "<assist>".to_owned(),
            agreement: (week != 9).then_some(0.9),
            frt_p50: Some(60.0 * f64::from(week)),
            triggers: if week == 10 { vec!["R70".to_owned()] } else { Vec::new() },
            ..Day90Week::default()
        })
        .collect();
    desk.holds =
        vec![PastHold { reason: "<script>alert(1)</script>".to_owned(), ..hold(Reaction::Pause, false) }];
    let report = desk.report();
    let html = report.html(open_hours().zone());
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    let order = [
        "Hours redirected",
        "First response, before and after",
        "Net new capacity",
        "<b>Paused</b>",
        "The signed thresholds",
    ];
    assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])));
    assert!(html.contains("Report of day 90, 2026-11-02 to 2027-01-31"), "{html}");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;") && html.contains("&lt;assist&gt;"));
    let long = "a template for another product was sent, and nobody had looked at it for weeks: ".repeat(3);
    let told =
        Desk90 { holds: vec![PastHold { reason: long.clone(), ..hold(Reaction::Pause, false) }], ..good() };
    assert!(told.report().html(open_hours().zone()).contains(long.trim_end()), "no cause is cut");
    // Two runs of the agreement's line: nobody knows week 9.
    assert!(html.matches("<polyline").count() >= 3);
    let text = Report::of_day90(&report, open_hours().zone());
    assert!(text.facts[0].1.starts_with("47 h (95 % interval"), "{:?}", text.facts[0]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (json["format"].as_str(), json["verdict"]["outcome"].as_str()),
        (Some(DAY90_FORMAT), Some("paused"))
    );
}

#[test]
fn r56_time_of_seniors_on_first_level_work_is_freed() {
    let mut desk = good();
    let Some(Seniors { level_one, all, .. }) = desk.before.as_ref().unwrap().seniors else { panic!() };
    // sue logged 20 moves of an hour on a board of first level, and nothing else.
    assert_eq!((level_one, all), (72_000.0, 72_000.0));
    let report = desk.report();
    // Before 20 hours in 8 weeks, since 8 hours in 4 weeks with an entry.
    assert!((report.seniors.freed.unwrap() - (2.5 - 2.0) / 2.5).abs() < 1e-9, "{:?}", report.seniors);
    desk.tiers.technicians.clear();
    assert_eq!(desk.report().seniors.freed, None);
}

#[test]
fn edges_of_the_calendar_and_of_late_news_change_no_other_week() {
    // ISO week 53 of 2026 lies in the programme; a week of no tickets, and one that was closed throughout, are no fault.
    let mut desk = good();
    desk.weeks =
        vec![Day90Week { week: 9, iso: "2026-W53".to_owned(), open_days: 0, ..Day90Week::default() }];
    let report = desk.report();
    assert!(report.html(open_hours().zone()).contains("2026-W53"));
    // Opened again after its week was put on record: it is no longer resolved alone.
    let (facts, _) = desk.tickets.iter_mut().find(|(_, phase)| *phase == Phase::Autonomous).unwrap();
    facts.reopened = Some(true);
    assert_eq!(desk.report().l1_autonomous.confirmed, 98);
    // A ticket whose outcome is not reported yet is in scope, and in no saving.
    let (facts, _) = desk.tickets.last_mut().unwrap();
    facts.resolved_at = None;
    let later = desk.report();
    assert_eq!((later.hours_redirected.in_scope, later.hours_redirected.saving.unwrap().n), (213, 211));
    // The reopened one is no longer known to have taken no time: it is left out, not guessed.
    assert_eq!(later.hours_redirected.saving.unwrap().left_out, 1);
    // A forgotten customer's tickets are gone; the report is of what is left.
    desk.tickets.retain(|(_, phase)| *phase != Phase::Assist);
    let rest = desk.report();
    assert_eq!((rest.hours_redirected.in_scope, rest.capacity.weeks), (105, Some(3.0)));
    assert_eq!(Autonomy::People, autonomy(&desk.tickets[0].0, &desk.tiers));
}
