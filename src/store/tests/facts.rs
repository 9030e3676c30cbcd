//! Events and the readers: each event once, each ticket with what is known of it.

use super::*;
use crate::{EventResult, Feedback, NewEvent, TicketRow};
use firstline_ticket::{ActorKind, Changed, Event, Happening, InitialBasis, Outcome, ResponseBasis};

on_both!(
    an_event_is_on_record_once_and_what_is_new_replaces_it,
    an_event_finds_its_ticket_or_says_why_not,
    what_one_for_all_customers_told_stands,
    a_batch_is_one_entry_and_no_change_is_unseen,
    a_ticket_is_given_with_all_that_is_known_of_it,
    tickets_are_given_in_order_page_by_page,
    what_the_reader_does_not_want_ends_it,
    facts_of_an_outcome_come_one_by_one_with_their_basis,
);

fn event(key: &str, n: i64, what: Happening) -> Event {
    let actor = Some("Mira Ölander".to_owned());
    Event { psa_key: key.to_owned(), at: at(n), actor, actor_kind: ActorKind::Technician, what }
}

fn of(ticket: &str, event: Event) -> NewEvent {
    NewEvent { ticket_id: ticket.to_owned(), customer: None, event }
}

fn entry(key: &str, seconds: f64) -> Event {
    event(key, 10, Happening::TimeEntry { seconds, visible: true })
}

fn tell_as(home: &Home, customers: &CustomerSet, events: &[NewEvent]) -> Vec<EventResult> {
    home.record_events(events, customers, "key-1", at(50)).unwrap()
}

fn tell(home: &Home, events: &[NewEvent]) -> Vec<EventResult> {
    tell_as(home, &CustomerSet::All, events)
}

fn all(home: &Home, customers: &CustomerSet) -> Vec<TicketRow> {
    let mut found = Vec::new();
    let mut each = |ticket| {
        found.push(ticket);
        Ok(())
    };
    home.facts(at(-1_000), at(1_000_000), customers, &mut each).unwrap();
    found
}

fn one(home: &Home) -> TicketRow {
    all(home, &CustomerSet::All).remove(0)
}

/// An event of every kind, with all that it can say.
fn every_kind() -> Vec<Event> {
    let change = |of, from: Option<&str>, to: Option<&str>| Happening::Change {
        of,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    vec![
        event("m1", 1, Happening::Message { visible: true, automatic: false, text_key: Some(u64::MAX) }),
        event("m2", 2, Happening::Message { visible: false, automatic: true, text_key: None }),
        event("t1", 3, Happening::TimeEntry { seconds: 912.25, visible: true }),
        event("c1", 4, change(Changed::Status, Some("New"), Some("Réglé"))),
        event("c2", 5, change(Changed::Customer, None, Some("bolt"))),
        event("c3", 6, change(Changed::Owner, Some("Mira"), None)),
        Event {
            actor: None,
            actor_kind: ActorKind::System,
            ..event("g1", 7, Happening::Merge { into: "T-9".to_owned() })
        },
    ]
}

fn an_event_is_on_record_once_and_what_is_new_replaces_it(home: &Home) {
    use EventResult::{Changed as New, Known, Stored};
    record(&**home, decided("d1", "t1", 0));
    let events = every_kind();
    let batch: Vec<NewEvent> = events.iter().rev().map(|event| of("t1", event.clone())).collect();
    assert_eq!(tell(home, &batch), [Stored; 7]);
    // In order of time, whatever the order in which they were told.
    assert_eq!(one(home).events, events);
    assert_eq!(tell(home, &batch), [Known; 7]);
    let mended = of("t1", entry("t1", 600.0));
    let twice = [mended.clone(), mended, of("t1", entry("t2", 1.0)), of("t1", entry("t2", 2.0))];
    assert_eq!(tell(home, &twice), [New, Known, Stored, New]);
    let seconds = |key: &str| {
        let found = one(home).events.into_iter().find(|event| event.psa_key == key);
        found.map(|event| match event.what {
            Happening::TimeEntry { seconds, .. } => seconds,
            _ => f64::NAN,
        })
    };
    assert_eq!((seconds("t1"), seconds("t2"), one(home).events.len()), (Some(600.0), Some(2.0), 8));
    // Another kind under the same key leaves nothing of what was there.
    let message = Happening::Message { visible: false, automatic: false, text_key: None };
    assert_eq!(tell(home, &[of("t1", event("t1", 9, message.clone()))]), [New]);
    let found = one(home).events.into_iter().find(|event| event.psa_key == "t1").unwrap();
    assert_eq!(found.what, message);
    // What is no number is no work; a part of a millisecond is nothing that changes.
    let odd = |seconds| tell(home, &[of("t1", entry("t9", seconds))]).remove(0);
    assert_eq!([odd(f64::NAN), odd(0.000_1), odd(f64::INFINITY), odd(1.0)], [Stored, Known, Known, New]);
}

fn an_event_finds_its_ticket_or_says_why_not(home: &Home) {
    use EventResult::{Ambiguous, Stored, Unknown};
    record(&**home, decided("d1", "t1", 0));
    for (id, customer) in [("d2", "acme"), ("d3", "bolt")] {
        let one = Decided { customer: customer.to_owned(), sees: only(&[customer]), ..decided(id, "t2", 0) };
        record(&**home, one);
    }
    let at_customer = |ticket: &str, customer: &str| NewEvent {
        customer: Some(customer.to_owned()),
        ..of(ticket, entry("e1", 1.0))
    };
    let batch = [
        of("t1", entry("e1", 1.0)),
        of("t2", entry("e1", 1.0)),
        at_customer("t2", "bolt"),
        // Numbers are a customer's own: this one's ticket has not come in yet.
        at_customer("t1", "bolt"),
        of("t9", entry("e1", 1.0)),
    ];
    assert_eq!(tell(home, &batch), [Stored, Ambiguous, Stored, Unknown, Unknown]);
    let events = |name: &str| all(home, &only(&[name])).iter().map(|t| t.events.len()).collect::<Vec<_>>();
    assert_eq!((events("acme"), events("bolt")), (vec![1, 0], vec![1]));
    // One held to some reaches only theirs, and of two tickets of a number the one that it may see is meant.
    assert_eq!(tell_as(home, &only(&["bolt"]), &batch[..2]), [Unknown, EventResult::Known]);
    assert_eq!(tell_as(home, &only(&[]), &batch[..1]), [Unknown]);
    assert_eq!(home.counts().unwrap()["events"], 2);
}

fn what_one_for_all_customers_told_stands(home: &Home) {
    use EventResult::{Changed as New, Kept as Stands, Known, Stored};
    record(&**home, decided("d1", "t1", 0));
    let held = only(&["acme"]);
    let told =
        |customers: &CustomerSet, seconds| tell_as(home, customers, &[of("t1", entry("e", seconds))])[0];
    assert_eq!([told(&held, 1.0), told(&held, 2.0), told(&CustomerSet::All, 3.0)], [Stored, New, New]);
    assert_eq!([told(&held, 3.0), told(&held, 4.0)], [Known, Stands]);
    assert_eq!(one(home).events[0].what, Happening::TimeEntry { seconds: 3.0, visible: true });
}

fn a_batch_is_one_entry_and_no_change_is_unseen(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    record(&**home, decided("d2", "t2", 0));
    let batch: Vec<NewEvent> = every_kind().into_iter().map(|event| of("t1", event)).collect();
    tell(home, &batch);
    tell(home, &batch);
    tell(home, &[of("t1", entry("t1", 5.0)), of("t2", entry("t1", 7.0))]);
    let log = home.audit_entries(0, 99).unwrap();
    let ours: Vec<_> = log.iter().filter(|entry| entry.action == "events").collect();
    assert_eq!((ours.len(), log.len()), (2, 4));
    // Told again, nothing changed, and nothing was written.
    let detail = |i: usize| serde_json::from_str::<serde_json::Value>(&ours[i].detail).unwrap();
    assert_eq!(
        (&detail(0)["stored"], &detail(1)["stored"], &detail(1)["changed"]),
        (&7.into(), &1.into(), &1.into())
    );
    assert!(log.iter().all(|entry| !entry.detail.contains("Mira") && !entry.detail.contains("bolt")));
    let findings = || home.audit_check(&[]).unwrap().findings;
    let sound = home.audit_check(&[]).unwrap();
    assert_eq!((sound.findings, sound.undigested, sound.compared), (Vec::new(), 0, 2 + 2 + 2));
    for (change, back) in [
        (
            "UPDATE events SET seconds = 6 WHERE psa_key = 't1' AND seconds = 5",
            "UPDATE events SET seconds = 5 WHERE seconds = 6",
        ),
        (
            "UPDATE events SET actor = 'tim' WHERE psa_key = 'm1'",
            "UPDATE events SET actor = 'Mira Ölander' WHERE psa_key = 'm1'",
        ),
        (
            "UPDATE events SET at = at + 1 WHERE psa_key = 'c1'",
            "UPDATE events SET at = at - 1 WHERE psa_key = 'c1'",
        ),
        (
            "UPDATE events SET psa_key = 'c9' WHERE psa_key = 'c1'",
            "UPDATE events SET psa_key = 'c1' WHERE psa_key = 'c9'",
        ),
    ] {
        home.meddle(change);
        assert_eq!(findings(), ["events: 1 not as the log says: d1"], "{change}");
        home.meddle(back);
        assert!(findings().is_empty(), "{back}");
    }
    home.meddle("DELETE FROM events WHERE ticket_id = 'd2'");
    assert_eq!(findings(), ["events: 1 that the log tells of are not there"]);
    home.meddle("UPDATE events SET ticket_id = 'd2' WHERE psa_key = 'c1'");
    assert_eq!(findings(), ["events: 2 not as the log says: d1, d2"]);
    record(&**home, decided("d3", "t3", 0));
    home.meddle("UPDATE events SET ticket_id = 'd3' WHERE ticket_id = 'd2'");
    assert!(findings().contains(&"events: 1 that the log does not tell of: d3".to_owned()));
}

fn a_ticket_is_given_with_all_that_is_known_of_it(home: &Home) {
    let mut first = decided("d1", "t1", 0);
    first.ticket.source = Some(" Phone ".to_owned());
    (first.phase, first.blind, first.received_at) = (Some(Phase::Assist), true, at(5));
    record(&**home, first);
    let bare = one(home);
    assert_eq!(
        (bare.judged.phase, bare.judged.blind, bare.source.as_deref()),
        (Some(Phase::Assist), true, Some("Phone"))
    );
    assert_eq!((bare.decided_at, bare.first_received_at, bare.bundle.as_str()), (at(0), at(5), "bundle-1"));
    assert_eq!((bare.storm, bare.reported_at, bare.review, bare.events.len()), (None, None, None, 0));
    assert_eq!(bare.judged.outcome, Outcome::default());
    let known = home.decision("d1").unwrap().unwrap();
    assert_eq!((known.phase, known.blind), (Some(Phase::Assist), true));
    // Decided again; then reviewed, and its outcome reported.
    let again = Decided { received_at: at(8), phase: None, ..decided("d2", "t1", 1) };
    record(&**home, again);
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    assert!(home.drafted(&result(work[0].id, "w", Some(&draft("Yes."))), at(9)).unwrap());
    home.review(&review("d2", Review::Accepted, "k"), at(30)).unwrap();
    let mut news =
        Feedback { ticket_id: Some("t1".to_owned()), source: "feedback".to_owned(), ..Feedback::default() };
    news.outcome.resolved_at = Some(at(60));
    home.feedback(&[news], &CustomerSet::All, at(70)).unwrap();
    let found = one(home);
    assert_eq!(
        (found.judged.decision_id.as_str(), found.judged.phase, found.judged.blind),
        ("d2", None, false)
    );
    assert_eq!((found.first_received_at, found.judged.received_at, found.source), (at(5), at(8), None));
    assert_eq!(found.reported_at, Some(at(70)));
    let times = found.review.unwrap();
    assert_eq!((times.opened_at, times.at, times.active_seconds), (Some(at(2)), at(30), Some(4.5)));
    // Of a storm each has the decision of the first.
    let storm = |id: &str, of: &str, into: Option<&str>| Decided {
        storm: Some("s".to_owned()),
        collapsed_into: into.map(str::to_owned),
        ..decided(id, of, 0)
    };
    record(&**home, storm("d3", "t3", None));
    record(&**home, storm("d4", "t4", Some("d3")));
    let storms: Vec<_> = all(home, &CustomerSet::All).into_iter().filter_map(|ticket| ticket.storm).collect();
    assert_eq!(storms, ["d3", "d3"]);
}

fn tickets_are_given_in_order_page_by_page(home: &Home) {
    let n = 2_300;
    let mut due = Vec::new();
    let all_of: Vec<Decided> = (0..n)
        .map(|i: i64| {
            let mut one = Decided { draft: false, ..decided(&format!("d{i}"), &format!("t{i}"), 0) };
            // Many at the same moment, some whose opening nobody knows, and the last in first.
            one.ticket.opened_at = (i % 3 > 0).then(|| at((n - i) / 700));
            one.received_at = at((n - i) / 700);
            due.push(((n - i) / 700, i));
            one
        })
        .collect();
    for part in all_of.chunks(500) {
        assert!(home.record(part, at(0)).unwrap().iter().all(|r| *r == Recorded::Stored));
    }
    due.sort_unstable();
    let numbers = |tickets: Vec<TicketRow>| -> Vec<String> {
        tickets.into_iter().map(|ticket| ticket.judged.ticket_id).collect()
    };
    let due: Vec<String> = due.into_iter().map(|(_, i)| format!("t{i}")).collect();
    assert_eq!(numbers(all(home, &CustomerSet::All)), due);
    let mut some = Vec::new();
    home.facts(at(1), at(2), &CustomerSet::All, &mut |ticket| {
        some.push(ticket);
        Ok(())
    })
    .unwrap();
    assert_eq!(numbers(some).len(), 700);
}

fn what_the_reader_does_not_want_ends_it(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    record(&**home, decided("d2", "t2", 0));
    let mut seen = 0;
    let ended = home.facts(at(-99), at(99), &CustomerSet::All, &mut |_| {
        seen += 1;
        Err(firstline_fault::InternalError::new("enough").into())
    });
    assert!(ended.unwrap_err().to_string().contains("enough"));
    assert_eq!(seen, 1);
}

fn facts_of_an_outcome_come_one_by_one_with_their_basis(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    let told = |outcome: Outcome, n: i64| {
        let source = "feedback".to_owned();
        let news = Feedback { ticket_id: Some("t1".to_owned()), outcome, source, ..Feedback::default() };
        home.feedback(&[news], &CustomerSet::All, at(n)).unwrap();
    };
    let first = Outcome {
        first_response_at: Some(at(7)),
        first_response_basis: Some(ResponseBasis::Stamp),
        initial_labels: Some(labels(&[(Field::Board, "Inbox")])),
        initial_basis: Some(InitialBasis::Intake),
        project: Some(false),
        tier: Some(1),
        ..Outcome::default()
    };
    told(first.clone(), 10);
    assert_eq!((one(home).judged.outcome, one(home).reported_at), (first, Some(at(10))));
    let second = Outcome {
        // Without a basis: how this moment is known, nobody has said.
        first_response_at: Some(at(6)),
        acknowledged_at: Some(at(1)),
        resolved_at: Some(at(20)),
        tier: Some(2),
        opened_by_technician: Some(true),
        deleted: Some(true),
        merged_into: Some("T-7".to_owned()),
        history_known: Some(true),
        ..Outcome::default()
    };
    told(second.clone(), 30);
    let due = Outcome {
        initial_labels: Some(labels(&[(Field::Board, "Inbox")])),
        initial_basis: Some(InitialBasis::Intake),
        project: Some(false),
        ..second
    };
    // Reported when the resolution was, which was later than the first news.
    assert_eq!((one(home).judged.outcome, one(home).reported_at), (due, Some(at(30))));
    told(Outcome { reopened: Some(true), ..Outcome::default() }, 90);
    assert_eq!((one(home).reported_at, one(home).judged.outcome.reopened), (Some(at(30)), Some(true)));
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}
