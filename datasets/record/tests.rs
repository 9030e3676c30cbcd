//! Tests of what the PSA keeps: each fact occurs as often as the settings say, and nothing contradicts the ticket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Ticket};
use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::history::{Plan, generate};
use crate::settings::Settings;

const SEEDS: [u64; 2] = [3, 8];
const COUNT: usize = 6_000;

/// The histories of both seeds with the default settings.
static HISTORIES: LazyLock<[Vec<Ticket>; 2]> =
    LazyLock::new(|| SEEDS.map(|seed| generate(&Settings::default(), COUNT, seed).collect()));

fn histories() -> impl Iterator<Item = (u64, &'static [Ticket])> {
    SEEDS.into_iter().zip(HISTORIES.iter().map(Vec::as_slice))
}

fn trail(ticket: &Ticket) -> Vec<Event> {
    serde_json::from_value(ticket.extra["events"].clone()).unwrap()
}

fn time(ticket: &Ticket, key: &str) -> Option<Timestamp> {
    ticket.extra_str(key).map(|text| text.parse().unwrap())
}

fn merged(ticket: &Ticket) -> bool {
    ticket.extra.contains_key("merged_into")
}

/// `hits` of `n` lie within four standard deviations of `share`.
fn assert_rate(what: &str, (hits, n): (usize, usize), share: f64) {
    let deviation = (share * (1.0 - share) / n as f64).sqrt();
    let found = hits as f64 / n as f64;
    assert!(n > 0 && (found - share).abs() <= 4.0 * deviation, "{what}: {hits} of {n} for {share}");
}

/// Counts those of `tickets` for which `is` says so, of those for which it says anything.
fn count<T>(tickets: &[T], is: impl Fn(&T) -> Option<bool>) -> (usize, usize) {
    let found: Vec<bool> = tickets.iter().filter_map(is).collect();
    (found.iter().filter(|is| **is).count(), found.len())
}

/// What each value was, in order, with when and by whom it was changed.
fn changes(events: &[Event], of: Changed) -> Vec<(Timestamp, ActorKind, Option<String>, Option<String>)> {
    let change = |event: &Event| match &event.what {
        Happening::Change { of: found, from, to } if *found == of => {
            Some((event.at, event.actor_kind, from.clone(), to.clone()))
        }
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

#[test]
fn a_trail_is_in_order_of_time_and_within_the_history() {
    let settings = Settings::default();
    for (seed, all) in histories() {
        let end = Timestamp::from_second(Plan::new(&settings, 1, seed).end()).unwrap();
        for ticket in all {
            let (events, opened) = (trail(ticket), ticket.opened_at.unwrap());
            assert!(events.is_sorted_by_key(|event| event.at), "{}", ticket.id);
            assert!(events.iter().all(|event| event.at >= opened && event.at < end), "{}", ticket.id);
            let keys: BTreeSet<&str> = events.iter().map(|event| event.psa_key.as_str()).collect();
            assert_eq!(keys.len(), events.len());
            for key in ["outcome_reported_at", "sla_credit_at"] {
                assert!(time(ticket, key).is_none_or(|at| at > ticket.resolved_at.unwrap() && at < end));
            }
        }
    }
}

#[test]
fn a_trail_begins_with_the_initial_labels_and_ends_with_the_tickets_own() {
    for (_, all) in histories() {
        for ticket in all {
            let events = trail(ticket);
            let initial = &ticket.extra["initial_labels"];
            for field in Field::ALL {
                let changes = changes(&events, changed(field));
                assert!(changes.windows(2).all(|pair| pair[0].3 == pair[1].2), "{} {field}", ticket.id);
                let last = changes.last().map(|change| change.3.clone());
                let label = ticket.label(field).map(str::to_owned);
                assert!(last.is_none_or(|last| last == label), "{} {field}: {changes:?}", ticket.id);
                // What stands when the rules have run, within a minute.
                let until = ticket.opened_at.unwrap() + jiff::SignedDuration::from_secs(60);
                let by_rule = |change: &&(Timestamp, ActorKind, _, _)| {
                    change.1 == ActorKind::System && change.0 <= until
                };
                let stood = match (changes.iter().take_while(by_rule).last(), changes.first()) {
                    (Some(last), _) => last.3.clone(),
                    (None, Some(first)) => first.2.clone(),
                    (None, None) => label,
                };
                assert_eq!(stood.as_deref(), initial[field.name()].as_str(), "{} {field}", ticket.id);
            }
            let customers = changes(&events, Changed::Customer);
            assert!(
                customers.iter().all(|change| change.3 == ticket.customer && change.2 != ticket.customer)
            );
        }
    }
}

#[test]
fn a_status_says_whether_a_ticket_is_done_and_since_when() {
    for (_, all) in histories() {
        for ticket in all {
            let statuses = changes(&trail(ticket), Changed::Status);
            assert!(statuses.windows(2).all(|pair| pair[0].3 == pair[1].2), "{}", ticket.id);
            assert!(statuses.iter().all(|change| change.2 != change.3), "{}: {statuses:?}", ticket.id);
            let done = |status: &Option<String>| CLOSED.contains(&status.as_deref().unwrap_or_default());
            let closed = statuses.last().filter(|change| done(&change.3)).map(|change| change.0);
            assert_eq!(closed, ticket.resolved_at, "{}: {statuses:?}", ticket.id);
            let again = statuses.iter().any(|change| done(&change.2) && !done(&change.3));
            assert_eq!(ticket.reopened, Some(again), "{}", ticket.id);
        }
    }
}

#[test]
fn each_message_is_an_event_and_each_such_event_a_message() {
    for (_, all) in histories() {
        for ticket in all {
            let events = trail(ticket);
            let spoken = events.iter().filter(|e| matches!(e.what, Happening::Message { .. }));
            let spoken: BTreeMap<&str, &Event> = spoken.map(|e| (e.psa_key.as_str(), e)).collect();
            assert_eq!(spoken.len(), ticket.messages.len());
            for message in &ticket.messages {
                let event = spoken[message.extra["psa_key"].as_str().unwrap()];
                let Happening::Message { visible, automatic, .. } = event.what else { unreachable!() };
                assert_eq!((Some(event.at), Some(visible)), (message.at, message.visible));
                assert_eq!(automatic, message.extra.contains_key("headers"));
                let kind =
                    if message.from == "technician" { ActorKind::Technician } else { ActorKind::Customer };
                assert_eq!(event.actor_kind, kind);
            }
        }
    }
}

#[test]
fn merged_tickets_end_in_an_earlier_one_that_is_still_open_and_say_no_more() {
    let settings = Settings::default();
    for (seed, all) in histories() {
        let by_id: BTreeMap<&str, &Ticket> = all.iter().map(|t| (t.id.as_str(), t)).collect();
        let mut hits = 0;
        for ticket in all.iter().filter(|ticket| merged(ticket)) {
            let parent = by_id[ticket.extra_str("merged_into").unwrap()];
            let at = ticket.resolved_at.unwrap();
            assert!(!merged(parent) && parent.id != ticket.id && parent.customer == ticket.customer);
            assert!(parent.opened_at.unwrap() < at && parent.resolved_at.is_none_or(|done| done > at));
            let merges: Vec<Event> =
                trail(ticket).into_iter().filter(|e| matches!(e.what, Happening::Merge { .. })).collect();
            assert_eq!((merges.len(), merges[0].at), (1, at));
            assert_eq!(merges[0].what, Happening::Merge { into: parent.id.clone() });
            assert!(ticket.messages.len() <= 1 && ticket.escalated == Some(false));
            assert!(!ticket.extra.contains_key("handle_seconds"));
            hits += 1;
        }
        let plan = Plan::new(&settings, COUNT, seed);
        let course = |merged| {
            let mut settings = settings.clone();
            settings.desk.merged = merged;
            Plan::new(&settings, COUNT, seed).courses.iter().filter(|c| c.merged.is_some()).count()
        };
        assert_eq!(plan.courses.iter().filter(|c| c.merged.is_some()).count(), hits);
        assert_rate("merged", (hits, course(1.0)), settings.desk.merged);
        assert_eq!(course(0.0), 0);
    }
}

#[test]
fn time_entries_are_the_seconds_of_work_but_for_rounding() {
    for (seed, all) in histories() {
        let plan = Plan::new(&Settings::default(), COUNT, seed);
        let staff = &plan.catalog.staff;
        let exact: BTreeMap<&str, bool> =
            staff.iter().map(|t| t.name.as_str()).zip(plan.exact.iter().copied()).collect();
        assert_eq!(
            exact.values().filter(|exact| **exact).count(),
            (0.25 * staff.len() as f64 + 0.5) as usize
        );
        let (mut compared, mut rounded) = (0, 0);
        for ticket in all {
            let mut entries = Vec::new();
            for event in trail(ticket) {
                if let Happening::TimeEntry { seconds, .. } = event.what {
                    let quarters = seconds / QUARTER as f64;
                    let exact = exact[event.actor.as_deref().unwrap()];
                    assert!(
                        exact || (quarters >= 1.0 && quarters.fract() == 0.0),
                        "{}: {seconds}",
                        ticket.id
                    );
                    rounded += usize::from(!exact);
                    entries.push((seconds, exact));
                }
            }
            let Some(work) = ticket.extra.get("handle_seconds").and_then(Value::as_f64) else { continue };
            if entries.is_empty() || ticket.reopened == Some(true) {
                continue;
            }
            let off: f64 = entries.iter().map(|(_, exact)| if *exact { 0.0 } else { QUARTER as f64 }).sum();
            let sum: f64 = entries.iter().map(|(seconds, _)| seconds).sum();
            assert!((sum - work).abs() <= off, "{}: {sum} for {work}", ticket.id);
            compared += 1;
        }
        assert!(compared > COUNT / 2 && rounded > COUNT / 2, "{compared}, {rounded}");
    }
}

#[test]
fn escalated_tickets_pass_through_the_second_tier_and_no_others_do() {
    let settings = Settings::default();
    for (_, all) in histories() {
        let catalog = crate::catalog::Catalog::load();
        let seniors: BTreeSet<&str> =
            catalog.staff.iter().filter(|t| t.tier == 2).map(|t| t.name.as_str()).collect();
        let is_senior = |name: &Option<String>| name.as_deref().is_some_and(|name| seniors.contains(name));
        let (mut by_board, mut back, mut of) = (0, 0, 0);
        for ticket in all {
            let events = trail(ticket);
            let owners = changes(&events, Changed::Owner);
            let passed = owners.iter().any(|change| is_senior(&change.3));
            assert_eq!(ticket.escalated, Some(passed), "{}", ticket.id);
            let boards = changes(&events, Changed::Board);
            let on_board = boards.iter().any(|change| change.3.as_deref() == Some(SECOND_TIER));
            assert!((passed || !on_board) && ticket.board.as_deref() != Some(SECOND_TIER));
            if passed && ticket.resolved_at.is_some() {
                of += 1;
                by_board += usize::from(on_board);
                back += usize::from(!is_senior(&ticket.technician));
            }
        }
        assert_rate("by board", (by_board, of), settings.desk.escalated_by_board);
        assert_rate("handed back", (back, of), settings.desk.handed_back);
    }
}

#[test]
fn each_fact_occurs_as_often_as_the_settings_say() {
    let settings = Settings::default();
    let desk = &settings.desk;
    for (seed, all) in histories() {
        let end = Timestamp::from_second(Plan::new(&settings, 1, seed).end()).unwrap();
        let people: Vec<&Ticket> = all.iter().filter(|ticket| ticket.contact.is_some()).collect();
        let unmerged: Vec<&Ticket> = people.iter().copied().filter(|ticket| !merged(ticket)).collect();
        let moved = count(&people, |t| Some(!changes(&trail(t), Changed::Customer).is_empty()));
        assert_rate("moved", moved, desk.moved);
        let handed = |t: &&Ticket| {
            let owners = changes(&trail(t), Changed::Owner);
            (t.escalated == Some(false)).then_some(owners.len() > 1)
        };
        assert_rate("handed over", count(&unmerged, handed), desk.handed_over);
        let is_ack = |m: &firstline_ticket::Message| {
            m.text.contains(|c: char| c.is_ascii_digit()) && m.from == "technician"
        };
        let soon = |t: &&Ticket| {
            let first = t.messages.first().filter(|m| is_ack(m) && m.at == t.first_response_at);
            Some(first.is_some_and(|m| m.at.unwrap().duration_since(t.opened_at.unwrap()).as_secs() <= 45))
        };
        assert_rate("acknowledged", count(&people, soon), desk.acknowledged);
        let header = |t: &&Ticket| soon(t)?.then(|| t.messages[0].extra.contains_key("headers"));
        assert_rate("with header", count(&people, header), desk.acknowledged_with_header);
        let old = |t: &&Ticket, days: i64| {
            let done = t.resolved_at?;
            (!merged(t) && end.duration_since(done).as_hours() > days * 24).then_some(())
        };
        let every: Vec<&Ticket> = all.iter().collect();
        let late = |t: &&Ticket| old(t, 35).map(|()| time(t, "outcome_reported_at").is_some());
        assert_rate("late", count(&every, late), desk.reported_late);
        let credit = |t: &&Ticket| {
            old(t, 45)?;
            let hours = t.resolved_at?.duration_since(t.opened_at?).as_secs() as f64 / 3600.0;
            let missed = match t.priority.as_deref()?.as_bytes() {
                [b'P', b'1', ..] => hours > 8.0,
                [b'P', b'2', ..] => hours > 24.0,
                _ => false,
            };
            let credited = time(t, "sla_credit_at").is_some();
            assert!(missed || !credited, "{}", t.id);
            missed.then_some(credited)
        };
        assert_rate("credited", count(&people, credit), desk.sla_credits);
    }
}

#[test]
fn customers_confirm_thank_contradict_and_are_away_in_their_languages() {
    let mut settings = Settings::default();
    (settings.desk.reopened, settings.replies.out_of_office) = (0.3, 0.15);
    let replies = settings.replies.clone();
    for seed in SEEDS {
        let plan = Plan::new(&settings, COUNT, seed);
        let said: Vec<(String, Role, String)> =
            (0..COUNT).flat_map(|i| crate::history::said(&plan, i)).collect();
        for language in ["en", "de", "fr"] {
            for role in [Role::Closes, Role::Reopens, Role::OutOfOffice] {
                let texts: BTreeSet<&str> =
                    said.iter().filter(|s| s.0 == language && s.1 == role).map(|s| s.2.as_str()).collect();
                assert!(texts.len() > 1, "{language} {role:?} {texts:?}");
                assert!(texts.iter().all(|text| !text.contains('{')));
            }
        }
        let people = (0..COUNT).filter(|i| {
            let done = plan.handled[*i].resolved_at + 7_200 < plan.end() && plan.courses[*i].merged.is_none();
            done && !plan.catalog.kinds[plan.events[*i].kind].traits.alert
        });
        let n = people.count();
        let away = said.iter().filter(|s| s.1 == Role::OutOfOffice).count();
        assert!(away.abs_diff((replies.out_of_office * n as f64) as usize) < 120, "{away} of {n}");
        let again: Vec<_> = (0..COUNT).filter_map(|i| plan.handled[i].reopening).collect();
        use crate::desk::Reopening::{Contradicted, Relapsed};
        let contradicted = count(&again, |why| Some(*why == Contradicted));
        assert_rate("contradicted", contradicted, replies.contradicted);
        let confirmed = count(&again, |why| match why {
            Relapsed { confirmed } => Some(*confirmed),
            Contradicted => None,
        });
        assert_rate("wrongly confirmed", confirmed, replies.wrongly_confirmed);
    }
}

#[test]
fn what_was_confirmed_and_is_back_comes_a_day_later_at_the_earliest() {
    for (_, all) in histories() {
        for ticket in all.iter().filter(|t| t.reopened == Some(true)) {
            let statuses = changes(&trail(ticket), Changed::Status);
            let closed = statuses.iter().find(|change| change.3.as_deref() == Some(CLOSED[0])).unwrap().0;
            let said = ticket.messages.iter().find(|m| m.from == "customer" && m.text.contains("for a day"));
            assert!(
                said.is_none_or(|m| m.at.unwrap().duration_since(closed).as_hours() >= 24),
                "{}",
                ticket.id
            );
        }
    }
}

#[test]
fn only_the_one_on_call_begins_on_a_holiday_and_shifts_follow_the_clocks() {
    let settings = Settings::default();
    for seed in SEEDS {
        let plan = Plan::new(&settings, COUNT, seed);
        let calendar = crate::desk::calendar(&settings);
        let (mut on_holiday, mut early) = (0, [0, 0]);
        let summer = "2026-03-08T07:00:00Z".parse::<Timestamp>().unwrap().as_second();
        for handling in &plan.handled {
            let local = calendar.zone.local(handling.started_at);
            let (day, hour) = (local.div_euclid(86_400), local.rem_euclid(86_400) / 3_600);
            if handling.priority == 0 {
                on_holiday += usize::from(calendar.closed.contains(&day));
                continue;
            }
            assert!(!calendar.closed.contains(&day), "work on a holiday");
            assert!((6..21).contains(&hour), "work at {hour}");
            // The first shift begins at 6 by the desk's clock: at 11 in winter, at 10 in summer.
            let utc = handling.started_at.rem_euclid(86_400) / 3_600;
            early[usize::from(handling.started_at >= summer)] += usize::from(utc == 10);
        }
        assert!(early[0] == 0 && early[1] > 0, "{early:?}");
        assert!(on_holiday < 20);
        let holiday = crate::calendar::day_of(jiff::civil::date(2026, 5, 25));
        let on = |day: i64| {
            plan.events.iter().filter(|e| calendar.zone.local(e.at).div_euclid(86_400) == day).count()
        };
        assert!(2 * on(holiday) < on(holiday + 7), "{} and {}", on(holiday), on(holiday + 7));
    }
}

#[test]
fn without_its_history_a_ticket_has_nothing_of_it_and_all_else() {
    let settings = Settings::default();
    let bare = Settings { include_history: false, ..settings.clone() };
    for (full, bare) in generate(&settings, 400, 5).zip(generate(&bare, 400, 5)) {
        let mut left = full;
        for key in ["events", "initial_labels", "handle_seconds", "outcome_reported_at", "sla_credit_at"] {
            left.extra.remove(key);
        }
        left.messages.iter_mut().for_each(|message| {
            message.extra.remove("psa_key");
        });
        assert_eq!(left, bare);
    }
}

#[test]
fn the_rules_put_most_tickets_but_not_all_on_the_board_where_they_end() {
    for (seed, all) in histories() {
        let right = |t: &Ticket| Some(t.extra["initial_labels"]["board"].as_str() == t.label(Field::Board));
        let (hits, n) = count(all, right);
        println!("seed {seed}: {hits} of {n} boards right at intake");
        assert!((0.55..0.85).contains(&(hits as f64 / n as f64)), "{hits} of {n}");
    }
}
