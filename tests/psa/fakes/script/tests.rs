//! Scripts that are changed while they are played, since somebody else has done a part of the desk's work.

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::clock::Clock;
use crate::world::Ticket as Shown;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_mins(minute)
}

/// A ticket that a technician answers twice and closes after an hour.
fn ticket() -> Ticket {
    let by = |key: &str, minute: i64, event: serde_json::Value| {
        let mut whole =
            json!({"psa_key": key, "at": at(minute), "actor": "Mara", "actor_kind": "technician"});
        whole.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        whole
    };
    let change = |of: &str, to: &str| json!({"event": "change", "of": of, "to": to});
    let said = |minute: i64, text: &str, key: &str, visible: bool| json!({"at": at(minute), "from": "technician", "text": text, "visible": visible, "psa_key": key});
    let message = |visible: bool| json!({"event": "message", "visible": visible});
    serde_json::from_value(json!({
        "id": "A", "subject": "Printer", "body": "Offline.", "customer": "Moss", "contact": "Ida", "opened_at": at(0),
        "board": "Printing", "type": "Printer", "subtype": "Offline", "resolved_at": at(60),
        "initial_labels": {"board": "Service Desk"},
        "messages": [
            said(10, "Internal.", "m0", false), said(20, "Restart it.", "m1", true), said(50, "All good?", "m2", true),
        ],
        "events": [
            by("m0", 10, message(false)), by("m1", 20, message(true)), by("m2", 50, message(true)),
            by("b", 15, change("board", "Printing")), by("k", 15, change("type", "Printer")),
            by("s", 15, change("subtype", "Offline")),
            by("t", 55, json!({"event": "time_entry", "seconds": 600.0, "visible": false})),
            by("c", 60, change("status", "Closed")),
        ],
    }))
    .unwrap()
}

fn world() -> World {
    crate::connectwise::desk(Clock::new(at(0), 0.0))
}

fn shown(world: &World) -> Shown {
    world.tickets[&world.by_name["A"]].clone()
}

fn texts(world: &World) -> Vec<&str> {
    world.notes_of(world.by_name["A"], false).iter().map(|note| note.text.as_str()).collect()
}

#[test]
fn the_next_reply_falls_out_and_the_rest_of_the_work_takes_a_part_of_its_time() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    script.play(&mut world, at(5));
    script.relieve("A", 0.25);
    script.relieve("another", 0.5);
    script.play(&mut world, at(90));
    assert_eq!(texts(&world), ["Offline.", "Internal.", "All good?"]);
    assert_eq!(world.times.values().map(|entry| entry.seconds).collect::<Vec<_>>(), [150.0]);
    assert!(shown(&world).closed_at.is_some());
}

#[test]
fn what_somebody_waits_for_is_due_at_once_and_the_rest_within_a_while() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    let due = |script: &Script, minutes: i64| script.next_due(SignedDuration::from_mins(minutes));
    assert_eq!(due(&script, 5), Some(at(0)), "the opening");
    script.play(&mut world, at(5));
    assert_eq!(due(&script, 5), Some(at(15)), "an internal note at 10");
    assert_eq!(due(&script, 15), Some(at(20)), "a reply");
    script.play(&mut world, at(90));
    assert_eq!(due(&script, 5), None);
}

#[test]
fn people_leave_a_ticket_alone_for_a_while() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    script.play(&mut world, at(12));
    script.postpone("A", SignedDuration::from_mins(180));
    script.postpone("another", SignedDuration::from_mins(180));
    script.play(&mut world, at(190));
    assert_eq!(texts(&world), ["Offline.", "Internal."]);
    script.play(&mut world, at(241));
    assert_eq!(texts(&world), ["Offline.", "Internal.", "Restart it.", "All good?"]);
    assert_eq!(shown(&world).closed_at, Some(at(240)));
}

#[test]
fn what_was_done_before_stays_and_nothing_follows_a_cancelled_ticket() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    script.play(&mut world, at(30));
    script.cancel("A");
    assert!(script.next_at().is_none());
    script.play(&mut world, at(90));
    assert_eq!(texts(&world), ["Offline.", "Internal.", "Restart it."]);
    assert!(shown(&world).closed_at.is_none() && world.times.is_empty());
}

#[test]
fn an_answer_after_the_closing_opens_the_ticket_until_a_technician_closes_it_again() {
    for (minute, closes) in [(30, 60), (70, 90)] {
        let (mut world, mut script) = (world(), Script::of(&[ticket()]));
        script.answer(&ticket(), "It works.", at(minute));
        script.play(&mut world, at(minute) + SignedDuration::from_secs(1));
        assert!(shown(&world).closed_at.is_none() && texts(&world).contains(&"It works."), "{minute}");
        script.play(&mut world, at(200));
        assert_eq!(shown(&world).closed_at, Some(at(closes)), "{minute}");
    }
}

#[test]
fn the_technician_who_closes_a_ticket_sets_the_labels_of_its_history() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    script.play(&mut world, at(30));
    let id = world.by_name["A"];
    let api = (Author::Api, at(31));
    world.change(id, Changed::Board, Some("Network"), api);
    world.change(id, Changed::Type, Some("Connectivity"), api);
    script.label(&ticket());
    script.play(&mut world, at(90));
    let ticket = shown(&world);
    let names =
        [(Deed::Board, Some(ticket.board)), (Deed::Kind, ticket.kind), (Deed::Subkind, ticket.subkind)]
            .map(|(of, id)| world.name_of(of, id.unwrap()).unwrap());
    assert_eq!(names, ["Printing", "Printer", "Offline"]);
    assert!(ticket.closed_at.is_some());
}

#[test]
fn labels_that_stand_are_not_set_again() {
    let (mut world, mut script) = (world(), Script::of(&[ticket()]));
    script.play(&mut world, at(30));
    let before = world.changes.len();
    script.label(&ticket());
    script.play(&mut world, at(90));
    assert_eq!(world.changes.len(), before + 1, "its closing alone");
}
