//! Tests of the baseline.

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Kind};
use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::facts::tests::{at, change, event, ticket};
use crate::hours::tests::desk as open_hours;
use crate::{Share, Tiers};

const START: &str = "2027-01-04T08:00:00Z";

fn tiers() -> Tiers {
    let boards = [("Service Desk".to_owned(), 1), ("Network".to_owned(), 2)].into();
    Tiers {
        boards,
        closed: ["Closed".to_owned()].into(),
        waiting: ["Waiting".to_owned()].into(),
        ..Tiers::default()
    }
}

/// Ticket `i`, opened `i` hours into 2 November 2026, answered after 30 minutes and resolved after three hours.
fn history(n: usize) -> Vec<TicketFacts> {
    let one = |i: usize| {
        let opened_at = at("2026-11-02T08:00:00Z") + SignedDuration::from_hours(i as i64);
        let mut facts = TicketFacts { opened_at, ..ticket(&format!("T{i}")) };
        facts.resolved_at = Some(opened_at + 3.hours());
        let message = Happening::Message { visible: true, automatic: false, text_key: None };
        facts.events =
            vec![Event { at: opened_at + 30.minutes(), ..event(0, ActorKind::Technician, message) }];
        facts
    };
    (0..n).map(one).collect()
}

fn of(tickets: &[TicketFacts]) -> Baseline {
    let (hours, tiers) = (open_hours(), tiers());
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    baseline(tickets, &desk, (at(START), 90), at(START)).unwrap()
}

#[test]
fn r1_a_history_of_less_than_30_days_is_refused_and_a_short_one_warned_of() {
    let (hours, tiers) = (open_hours(), Tiers::default());
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    let mut tickets = history(50);
    let found = baseline(&tickets, &desk, (at("2026-12-01T08:00:00Z"), 90), at(START));
    assert!(found.unwrap_err().to_string().contains("29 days"));
    let short = baseline(&tickets, &desk, (at("2026-12-02T08:00:00Z"), 90), at(START)).unwrap();
    assert!(short.warnings[0].contains("30 days with 50 tickets"), "{:?}", short.warnings);
    assert!(short.warnings[1].contains("tier of 50 resolved"), "{:?}", short.warnings);
    assert!(
        short.warnings[2].contains("of 50 tickets nobody knows")
            && short.warnings[3].contains("no time is logged on 50")
    );
    tickets.iter_mut().for_each(|ticket| {
        ticket.events.clear();
        ticket.response_stamp = ticket.resolved_at;
    });
    let stamped = baseline(&tickets, &desk, (at("2026-12-02T08:00:00Z"), 90), at(START)).unwrap();
    assert!(stamped.warnings[1].contains("50 of 50 first responses"), "{:?}", stamped.warnings);
    tickets.clear();
    assert!(baseline(&tickets, &desk, (at(START), 90), at(START)).is_err());
}

#[test]
fn r1_what_was_opened_before_counts_where_it_was_resolved_in_the_time() {
    let mut tickets = history(100);
    // 90 days before the start are 6 October. Resolved in the time; resolved before it; still open; opened after it.
    let early = |id: &str, resolved: Option<&str>| TicketFacts {
        opened_at: at("2026-09-01T08:00:00Z"),
        resolved_at: resolved.map(at),
        ..ticket(id)
    };
    tickets.push(early("in", Some("2026-11-10T08:00:00Z")));
    tickets.push(early("out", Some("2026-09-10T08:00:00Z")));
    tickets.push(early("open", None));
    tickets.push(TicketFacts { opened_at: at("2027-01-05T08:00:00Z"), ..ticket("later") });
    let open_in = TicketFacts { opened_at: at("2026-12-28T08:00:00Z"), ..ticket("open in") };
    tickets.push(open_in);
    let found = of(&tickets);
    assert_eq!((found.people.tickets, found.opened_before, found.days), (102, 1, 90));
    let resolution = found.people.resolution;
    assert_eq!((resolution.n, resolution.open), (101, 1));
    assert_eq!((resolution.median_with_open, resolution.p50), (Some(10_800.0), Some(10_800.0)));
}

#[test]
fn r1_as_json_every_figure_has_a_name() {
    let json = serde_json::to_value(of(&history(100))).unwrap();
    assert_eq!(json["people"]["first_response"]["n"], 100);
    assert_eq!(json["people"]["bases"]["message"], 100);
    assert_eq!(json["segments"]["hour_band"].as_array().unwrap().len(), 4);
    assert_eq!(json["left_out"]["merged"], 0);
}

#[test]
fn r3_r5_times_are_by_the_clock_and_in_open_hours() {
    let mut tickets = history(24 * 40);
    let whole = of(&tickets).people;
    assert_eq!((whole.first_response.mean, whole.resolution.mean), (Some(1_800.0), Some(10_800.0)));
    assert!(whole.first_response_open_hours.mean.unwrap() < 900.0);
    assert_eq!(whole.bases, [(Basis::Message, 960)].into());
    tickets[0].events.clear();
    tickets[1].opened_by_technician = true;
    tickets[2].resolved_at = None;
    tickets[2].events.clear();
    tickets[3].resolved_at = Some(tickets[3].opened_at - 1.hours());
    let odd = of(&tickets).people;
    assert_eq!((odd.never_answered, odd.opened_by_technician), (1, 1));
    assert_eq!((odd.first_response.n, odd.first_response.open), (957, 1));
    assert_eq!((odd.resolution.n, odd.resolution.open, odd.resolution.left_out), (958, 1, 1));
}

#[test]
fn r3_a_clearing_out_is_no_resolution_time() {
    let mut tickets = history(100);
    let cleared = at("2026-12-20T10:00:00Z");
    for ticket in &mut tickets[..25] {
        ticket.resolved_at = Some(cleared);
        let closing = change(0, Changed::Status, "Open", "Closed");
        // The PSA stamps the resolution two seconds later.
        ticket.events.push(Event { at: cleared - 2.seconds(), actor: Some("mira".into()), ..closing });
    }
    let found = of(&tickets).people;
    assert_eq!((found.closed_in_bulk, found.resolution.n, found.resolution.mean), (25, 75, Some(10_800.0)));
    // Nineteen within a minute are a busy hour.
    let found = of(&tickets[6..]).people;
    assert_eq!(found.closed_in_bulk, 0);
}

#[test]
fn r4_l1_counts_resolved_tickets_of_which_the_tier_is_known() {
    let mut tickets = history(100);
    tickets[0].labels.insert(Field::Board, "Network".into());
    tickets[1].labels.insert(Field::Board, "Cabling".into());
    tickets[2].resolved_at = None;
    let found = of(&tickets).people;
    assert_eq!((found.level_one, found.level_one_unknown), (Share::new(97, 98), 1));
    assert_eq!(found.single_touch, Share::new(99, 99));
}

#[test]
fn r1_alerts_stand_apart_and_segments_add_up() {
    let mut tickets = history(120);
    tickets.iter_mut().take(20).for_each(|ticket| ticket.kind = Kind::Alert);
    tickets[30].merged_into = Some("T31".into());
    tickets[40].customer = "Osprey GmbH".into();
    let found = of(&tickets);
    assert_eq!((found.people.tickets, found.alerts.tickets, found.left_out.merged), (99, 20, 1));
    for (segment, groups) in &found.segments {
        assert_eq!(groups.iter().map(|(_, figures)| figures.tickets).sum::<u64>(), 99, "{segment:?}");
    }
    let customers: Vec<&str> =
        found.segments[&Segment::Customer].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(customers, ["Corvid Ltd", "Osprey GmbH"]);
}

/// The figures of the second week of November, as known at `moment`.
fn second_week(tickets: &[TicketFacts], moment: &str) -> WeekFigures {
    let (hours, tiers) = (open_hours(), tiers());
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    let week = Week::of(at("2026-11-10T12:00:00Z"), hours.zone()).unwrap();
    week_figures(tickets, &desk, (&week, Population::People), at(moment))
}

const SETTLED: &str = "2026-11-22T23:00:00Z";

#[test]
fn r60_reopened_after_the_week_settled_changes_the_live_figure_only() {
    let mut tickets = history(24 * 21);
    let before = second_week(&tickets, SETTLED);
    assert_eq!((before.figures.tickets, before.figures.reopened), (168, Share::new(0, 168)));
    let again = &mut tickets[24 * 8];
    let reopening = change(0, Changed::Status, "Closed", "Open");
    again.events.push(Event { at: at("2026-11-25T09:00:00Z"), ..reopening });
    again.resolved_at = Some(at("2026-11-26T09:00:00Z"));
    let settled = second_week(&tickets, SETTLED).figures;
    // That it was resolved once is not kept by the facts, only its last resolution: it counts as open then.
    assert_eq!((settled.reopened, settled.resolution.n), (Share::new(0, 168), 167));
    let live = second_week(&tickets, START).figures;
    assert_eq!((live.reopened, live.resolution.n), (Share::new(1, 168), 168));
}

#[test]
fn r60_an_outcome_three_weeks_late_is_in_the_live_figure_only() {
    let mut tickets = history(24 * 21);
    tickets[24 * 8].outcome_reported_at = Some(at("2026-12-03T09:00:00Z"));
    assert_eq!(second_week(&tickets, SETTLED).figures.resolution.n, 167);
    assert_eq!(second_week(&tickets, START).figures.resolution.n, 168);
}

#[test]
fn r60_a_week_without_tickets_and_one_with_a_holiday() {
    let empty = second_week(&[], SETTLED);
    assert_eq!((empty.figures, empty.open_days, empty.per_open_day), (Figures::default(), 6, Some(0.0)));
    let (hours, tiers) = (open_hours(), tiers());
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    let christmas = Week::of(at("2026-12-24T12:00:00Z"), hours.zone()).unwrap();
    let tickets: Vec<TicketFacts> = history(24 * 60);
    let found = week_figures(&tickets, &desk, (&christmas, Population::All), at(START));
    assert_eq!((found.figures.tickets, found.open_days, found.per_open_day), (168, 5, Some(33.6)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_tickets_or_events_changes_a_figure(
        seed in proptest::collection::vec(0u32..1_000, 60),
        again in 0usize..60,
    ) {
        let mut tickets = history(60);
        for (i, ticket) in tickets.iter_mut().enumerate() {
            let minutes = i64::from(seed[i]) % 90;
            ticket.events.push(change(minutes, Changed::Owner, "ada", "ben"));
            ticket.events.push(change(minutes, Changed::Status, "Closed", "Waiting"));
            ticket.events.push(change(minutes, Changed::Status, "Waiting", "Closed"));
        }
        let wanted = of(&tickets);
        for (i, ticket) in tickets.iter_mut().enumerate() {
            let by = seed[i] as usize % ticket.events.len();
            ticket.events.rotate_left(by);
            if i == again {
                let twice = ticket.events[0].clone();
                ticket.events.push(twice);
            }
        }
        let mut order: Vec<usize> = (0..tickets.len()).collect();
        order.sort_by_key(|i| seed[*i]);
        let shuffled: Vec<TicketFacts> = order.into_iter().map(|i| tickets[i].clone()).collect();
        prop_assert_eq!(of(&shuffled), wanted);
    }

    #[test]
    fn no_order_of_events_and_nothing_later_changes_a_settled_week(
        picks in proptest::collection::vec((0usize..504, 0i64..60, 0usize..9), 40),
    ) {
        let mut tickets = history(24 * 21);
        for (i, days, _) in &picks {
            tickets[*i].resolved_at = None;
            tickets[*i].events.push(change(days * 1_440, Changed::Status, "Closed", "Waiting"));
            tickets[*i].events.push(change(days * 1_440 + 30, Changed::Owner, "ada", "ben"));
        }
        let wanted = second_week(&tickets, SETTLED);
        for (i, days, turn) in &picks {
            // Later than the week settles, whatever the day.
            tickets[*i].events.push(change((days + 21) * 1_440, Changed::Status, "Waiting", "Closed"));
            tickets[*i].resolved_at = Some(at(SETTLED) + (days * 24 + 1).hours());
            let by = turn % tickets[*i].events.len();
            tickets[*i].events.rotate_right(by);
        }
        tickets.reverse();
        prop_assert_eq!(second_week(&tickets, SETTLED), wanted);
    }
}
