//! Savings by hand, on small facts.

use firstline_ticket::{Event, Field};

use super::*;
use crate::facts::tests::{at, event, ticket};
use crate::figures::measure;
use crate::hours::tests::desk as open_hours;
use crate::{Desk, Reviewed, Tiers};

/// A resolved ticket of a type on which so many minutes were logged.
fn logged(kind: &str, minutes: f64) -> TicketFacts {
    let mut facts = untimed(kind);
    let entry = Happening::TimeEntry { seconds: 60.0 * minutes, visible: false };
    facts.events.push(event(20, ActorKind::Technician, entry));
    facts
}

fn untimed(kind: &str) -> TicketFacts {
    let mut facts = ticket(kind);
    facts.labels.insert(Field::Type, kind.into());
    facts.resolved_at = Some(at("2026-11-02T09:00:00Z"));
    facts
}

fn reported(kind: &str, minutes: f64) -> TicketFacts {
    TicketFacts { handle_seconds: Some(60.0 * minutes), ..untimed(kind) }
}

fn before(tickets: &[TicketFacts]) -> Before {
    let (hours, tiers) = (open_hours(), Tiers::default());
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    let all: Vec<&TicketFacts> = tickets.iter().collect();
    let now = at("2026-11-03T00:00:00Z");
    Before::of(&measure(&all, &desk, now, now), &desk)
}

fn worked(tickets: &[TicketFacts]) -> Vec<Worked<'_>> {
    let of = |facts| Worked { facts, autonomy: Autonomy::People, assisted: false, error_at: None };
    tickets.iter().map(of).collect()
}

fn found(before: &Before, after: &[Worked<'_>]) -> Saving {
    saving(Some(before), after, &[], &Aliases::new(), 1).unwrap()
}

#[test]
fn r80_what_was_saved_is_before_at_the_mix_of_after_less_what_was_needed() {
    let was = before(&[vec![logged("Reset", 20.0); 60], vec![logged("Move", 60.0); 20]].concat());
    let now = [vec![logged("Reset", 15.0); 40], vec![logged("Move", 45.0); 10]].concat();
    let saving = found(&was, &worked(&now));
    // 40 x 5 + 10 x 15 minutes, of 40 x 20 + 10 x 60.
    assert_eq!(
        (saving.basis, saving.before, saving.saved, saving.n),
        (SavingBasis::TimeEntries, 1_400.0, 350.0, 50)
    );
    assert!((saving.change + 0.25).abs() < 1e-12);
    assert_eq!(saved(Some(&was), &worked(&now), &Aliases::new(), 1).unwrap().share, 0.25);
    // 15 and 45 minutes are whole quarters; 7.5 minutes less would look like much more.
    assert_eq!(saving.quarter_hours, Some(1.0));
    let [shorter, longer] = saving.rounding.unwrap();
    assert!((shorter + 0.517_857).abs() < 1e-6 && (longer - 0.017_857).abs() < 1e-6, "{shorter} {longer}");
}

#[test]
fn r72_reviews_and_corrections_are_no_saving() {
    let was = before(&vec![logged("Reset", 20.0); 60]);
    let review = Some(Reviewed { at: at("2026-11-02T08:30:00Z"), seconds: Some(120.0) });
    let now: Vec<TicketFacts> = (0..40)
        .map(|_| TicketFacts { review, ..logged("Reset", 15.0) })
        .chain([logged("New kind", 30.0)])
        .collect();
    let saving = found(&was, &worked(&now));
    // 5 minutes less on each, and 2 at its review.
    assert_eq!((saving.reviews, saving.saved, saving.left_out), (80.0, 120.0, 1));
    // The customer saw an error in the ticket that has nothing to be compared with: its 30 minutes set it right.
    let mut after = worked(&now);
    after[40].error_at = Some(at("2026-11-02T08:10:00Z"));
    let corrected = found(&was, &after);
    assert_eq!((corrected.corrections, corrected.saved), (30.0, 90.0));
    // In one that is compared they are part of what it took, and count once.
    after[40].error_at = None;
    after[0].error_at = Some(at("2026-11-02T08:10:00Z"));
    assert_eq!(found(&was, &after), saving);
}

#[test]
fn r80_what_nobody_touched_took_no_time_and_what_nobody_logged_is_left_out() {
    let was = before(&vec![logged("Reset", 20.0); 60]);
    let now = [vec![untimed("Reset"); 10], vec![logged("Reset", 20.0); 10]].concat();
    let unknown = found(&was, &worked(&now));
    assert_eq!((unknown.saved, unknown.n, unknown.left_out), (0.0, 10, 10));
    let mut after = worked(&now);
    after[..10].iter_mut().for_each(|one| one.autonomy = Autonomy::Confirmed);
    let alone = found(&was, &after);
    assert_eq!((alone.saved, alone.n), (200.0, 20));
    // Tickets that are still open have not taken what they will.
    let open: Vec<TicketFacts> = (0..10)
        .map(|_| TicketFacts { resolved_at: None, ..logged("Reset", 1.0) })
        .chain(now.clone())
        .collect();
    assert_eq!(found(&was, &worked(&open)), unknown);
}

#[test]
fn r40_times_that_are_known_in_different_ways_are_not_compared() {
    let (logs, sums) = (vec![logged("Reset", 20.0); 30], vec![reported("Reset", 10.0); 30]);
    let none = Aliases::new();
    assert_eq!(saving(Some(&before(&logs)), &worked(&sums), &[], &none, 1), None);
    assert_eq!(
        saving(Some(&before(&sums)), &worked(&sums), &[], &none, 1).unwrap().basis,
        SavingBasis::Reported
    );
    assert_eq!(saving(None, &worked(&logs), &[], &none, 1), None);
    assert_eq!(saving(Some(&before(&logs)), &[], &[], &none, 1), None);
    // Minutes at reviews are never held against hours that were logged.
    let review = Some(Reviewed { at: at("2026-11-02T08:30:00Z"), seconds: Some(40.0) });
    let reviewed: Vec<TicketFacts> = (0..30).map(|_| TicketFacts { review, ..untimed("Reset") }).collect();
    assert_eq!(saving(Some(&before(&logs)), &worked(&reviewed), &[], &none, 1), None);
    let both = saving(Some(&before(&reviewed)), &worked(&reviewed), &[], &none, 1).unwrap();
    assert_eq!((both.basis, both.saved), (SavingBasis::Reviews, 0.0));
}

#[test]
fn r40_an_estimate_is_marked_has_no_interval_and_judges_nothing() {
    let signed = [SignedMinutes {
        board: "Service Desk".to_owned(),
        r#type: "Reset".to_owned(),
        minutes: 12.0,
        assisted_minutes: Some(5.0),
    }];
    let review = Some(Reviewed { at: at("2026-11-02T08:30:00Z"), seconds: Some(60.0) });
    let now =
        [untimed("Reset"), TicketFacts { review, ..untimed("Reset") }, untimed("Reset"), untimed("Other")];
    let mut after = worked(&now);
    after[0].autonomy = Autonomy::Confirmed;
    after[1].assisted = true;
    let found = saving(None, &after, &signed, &Aliases::new(), 1).unwrap();
    // 12 alone, 12 - 5 - 1 with a draft, nothing by hand, and a category that nobody has signed for.
    assert_eq!((found.basis, found.saved, found.n, found.left_out), (SavingBasis::Estimate, 18.0, 3, 1));
    assert_eq!((found.interval, found.judged()), (None, None));
    // Where time is logged, estimates are not asked.
    let was = before(&vec![logged("Reset", 20.0); 30]);
    let logs = vec![logged("Reset", 20.0); 5];
    let by_time = saving(Some(&was), &worked(&logs), &signed, &Aliases::new(), 1).unwrap();
    assert_eq!(by_time.basis, SavingBasis::TimeEntries);
}

#[test]
fn r24_a_category_that_was_renamed_is_compared_with_itself() {
    let was = before(&vec![logged("VPN", 30.0); 30]);
    let now = vec![logged("Fernzugriff", 15.0); 10];
    assert_eq!(saving(Some(&was), &worked(&now), &[], &Aliases::new(), 1), None);
    let aliases: Aliases = [((Field::Type, "VPN".to_owned()), "Fernzugriff".to_owned())].into();
    assert_eq!(saving(Some(&was), &worked(&now), &[], &aliases, 1).unwrap().saved, 150.0);
}

#[test]
fn the_same_event_told_twice_counts_once() {
    let was = before(&vec![logged("Reset", 20.0); 30]);
    let mut twice = logged("Reset", 10.0);
    let again: Vec<Event> = twice.events.clone();
    twice.events.extend(again);
    assert_eq!(found(&was, &worked(&[twice])).saved, 10.0);
}

#[test]
fn r40_minutes_of_a_ticket_are_named_by_how_they_are_known() {
    let none = Aliases::new();
    let review = Some(Reviewed { at: at("2026-11-02T08:30:00Z"), seconds: Some(60.0) });
    let logs = [logged("Reset", 10.0), TicketFacts { review, ..logged("Reset", 20.0) }, untimed("Reset")];
    let mut after = worked(&logs);
    let found = minutes_per_ticket(&after, &[], &none).unwrap();
    assert_eq!((found.basis, found.mean, found.n), (SavingBasis::TimeEntries, 15.5, 2));
    after[2].autonomy = Autonomy::Confirmed;
    let found = minutes_per_ticket(&after, &[], &none).unwrap();
    assert!((found.mean - 31.0 / 3.0).abs() < 1e-12 && found.n == 3);
    let reviewed = [TicketFacts { review, ..untimed("Reset") }, untimed("Reset")];
    let found = minutes_per_ticket(&worked(&reviewed), &[], &none).unwrap();
    assert_eq!((found.basis, found.mean, found.n), (SavingBasis::Reviews, 1.0, 1));
    let signed = [SignedMinutes {
        board: "Service Desk".to_owned(),
        r#type: "Reset".to_owned(),
        minutes: 12.0,
        assisted_minutes: None,
    }];
    let found = minutes_per_ticket(&worked(&[untimed("Reset")]), &signed, &none).unwrap();
    assert_eq!((found.basis, found.mean, found.n), (SavingBasis::Estimate, 12.0, 1));
    assert_eq!(minutes_per_ticket(&worked(&[untimed("Reset")]), &[], &none), None);
}
