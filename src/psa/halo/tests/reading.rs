//! Lists, tickets and histories are read as they are, whatever goes wrong meanwhile.

use firstline_fakes::{Author, Note, TimeEntry, Trouble, TroubleBody};
use firstline_ticket::{ActorKind, Changed, Happening};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::halo::{read, wire};

#[test]
fn every_change_is_listed_though_rows_move_and_requests_fail() {
    let fake = start();
    let opened = open(&fake, 350);
    fake.faults(|faults| {
        faults.list = [
            Trouble::MoveRows,
            status(503, None, TroubleBody::Html),
            status(429, Some(1), TroubleBody::Text),
            status(429, None, TroubleBody::Text),
            Trouble::LostReply,
            Trouble::MoveRows,
        ]
        .map(|what| fault("GET", "/api/Tickets", what))
        .to_vec();
    });
    assert_eq!(changed(&mut connector(settings(&fake))), words(&opened));
}

#[test]
fn rows_that_go_while_a_list_is_read_hide_no_others() {
    let fake = start();
    let opened = open(&fake, 250);
    let (mut ids, mut gone) = (Vec::new(), false);
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    connector(settings(&fake))
        .changed_since(since, &mut |seen| {
            if !std::mem::replace(&mut gone, true) {
                let by = (Author::System, Timestamp::now());
                fake.world(|world| opened[..3].iter().for_each(|id| world.delete(*id, by)));
            }
            ids.push(seen.id);
            Ok(())
        })
        .unwrap();
    ids.sort();
    ids.dedup();
    assert_eq!(ids, words(&opened));
}

#[test]
fn a_list_that_gives_page_one_again_and_again_is_read_at_once() {
    let fake = start();
    fake.set(&json!({"repeats_page_one": ["tickets"]})).unwrap();
    let opened = open(&fake, 230);
    assert_eq!(changed(&mut connector(settings(&fake))), words(&opened));
}

#[test]
fn a_row_that_was_not_asked_for_says_that_the_filter_was_not_heeded() {
    let since: Timestamp = "2026-03-03T08:00:00Z".parse().unwrap();
    let row = |last_update: &str| wire::Ticket {
        last_update: Some(last_update.to_owned()),
        lastactiondate: Some("1900-01-01T00:00:00".to_owned()),
        ..wire::Ticket::default()
    };
    for (last_update, heeded) in
        [("2026-03-03T08:00:01.5", true), ("2026-03-02T20:00:00", true), ("2025-11-01T00:00:00", false)]
    {
        assert_eq!(read::is_heeded(&row(last_update), since), heeded, "{last_update}");
    }
}

#[test]
fn a_parameter_that_is_ignored_is_noticed_before_anything_is_told() {
    let fake = start();
    fake.set(&json!({"ignored": ["lastupdatefromdate"]})).unwrap();
    fake.world(|world| {
        let (board, company) = (world.board("Projects"), world.company("Hollowell Freight"));
        let at = Some(Timestamp::now() - SignedDuration::from_hours(72));
        world.open(
            NewTicket { summary: "Old".into(), at, company, board, ..NewTicket::default() },
            Author::System,
        );
    });
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    let mut told = 0;
    let mut count = |_| {
        told += 1;
        Ok(())
    };
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    let error = psa.changed_since(since, &mut count).unwrap_err().to_string();
    assert!(error.contains("lastupdatefromdate"), "{error}");
    assert_eq!(told, 0);
    let found = psa.check();
    assert!(found.iter().any(|one| one.what == "changes" && one.next.is_some()), "{found:?}");
    fake.set(&json!({"ignored": ["ticket_id"], "all_actions_time_out": false})).unwrap();
    let error = psa.ticket(&id).unwrap_err().to_string();
    assert!(error.contains("other tickets"), "{error}");
}

#[test]
fn the_client_that_means_nobodys_is_no_customer() {
    let fake = start();
    let id = fake.world(|world| {
        let board = world.board("Projects");
        let company = fake::UNKNOWN_CLIENT;
        world.open(
            NewTicket { summary: "Whose?".into(), company, board, ..NewTicket::default() },
            Author::System,
        )
    });
    let record = connector(settings(&fake)).ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!(record.ticket.customer, None);
}

#[test]
fn a_change_that_only_an_action_tells_is_seen() {
    for moves in [true, false] {
        let fake = start();
        fake.set(&json!({"actions_move_last_update": moves})).unwrap();
        let old = Timestamp::now() - SignedDuration::from_hours(3);
        let id = fake.world(|world| {
            let (board, company) = (world.board("1st Line Support"), world.company("Hollowell Freight"));
            let new = NewTicket {
                summary: "Old one".into(),
                at: Some(old),
                company,
                board,
                ..NewTicket::default()
            };
            let id = world.open(new, Author::System);
            let by = Author::Technician(world.technician("Noor Pascoe"));
            world.note(id, Note { by, ..Note::said("On it.", true) });
            id
        });
        let since = Timestamp::now() - SignedDuration::from_mins(10);
        assert_eq!(changed_since(&mut connector(settings(&fake)), since), words(&[id]), "{moves}");
    }
}

fn worked_on(fake: &Fake) -> String {
    let id = open(fake, 1)[0];
    fake.world(|world| {
        let technician = world.technician("Marta Quill");
        let by = (Author::Technician(technician), world.now());
        let contact = world.tickets[&id].contact.unwrap();
        world.note(id, Note { by: by.0, mailed: true, ..Note::said("Which room is it in?", true) });
        world.note(id, Note { by: by.0, ..Note::said("The lamp was replaced last year.", false) });
        world.note(id, Note { by: Author::Contact(contact), ..Note::said("Room 4 <left>.", true) });
        world.note(id, Note { by: Author::System, automatic: true, ..Note::said("We have got it.", true) });
        world.change(id, Changed::Owner, Some("Marta Quill"), by);
        world.change(id, Changed::Status, Some("In Progress"), by);
        world.change(id, Changed::Board, Some("Monitoring"), by);
        world.change(id, Changed::Type, Some("Service Request"), by);
        let from = world.now();
        world.time(TimeEntry { ticket: id, technician, from, seconds: 900.0, ..TimeEntry::default() });
    });
    id.to_string()
}

#[test]
fn a_ticket_is_read_with_its_words_its_people_and_its_labels() {
    let fake = start();
    let id = worked_on(&fake);
    let mut psa = connector(settings(&fake));
    let record = psa.ticket(&id).unwrap().unwrap();
    let ticket = &record.ticket;
    assert_eq!(ticket.body.as_deref(), Some("Since this morning."));
    let people = (ticket.customer.as_deref(), ticket.contact.as_deref(), ticket.technician.as_deref());
    assert_eq!(people, (Some("Larkspur Dental"), Some("Dana Whitlock"), Some("Marta Quill")));
    let labels = (ticket.board.as_deref(), ticket.kind.as_deref(), ticket.priority.as_deref());
    assert_eq!(labels, (Some("Monitoring"), Some("Service Request"), Some("Medium")));
    let said: Vec<(&str, &str, Option<bool>)> =
        ticket.messages.iter().map(|m| (m.from.as_str(), m.text.as_str(), m.visible)).collect();
    assert_eq!(
        said,
        [
            ("technician", "Which room is it in?", Some(true)),
            ("technician", "The lamp was replaced last year.", Some(false)),
            ("customer", "Room 4 <left>.", Some(true)),
            ("system", "We have got it.", Some(true)),
        ]
    );
    assert_eq!((record.status.as_deref(), record.closed), (Some("In Progress"), false));
    assert_eq!((record.opened_by_technician, record.resolved_at), (Some(false), None));
    assert!(record.response_stamp.is_some());
    assert_eq!(psa.ticket("999999999").unwrap(), None);
    // The list and the ticket tell the same state by the same version.
    let mut versions = Vec::new();
    psa.changed_since(Timestamp::now() - SignedDuration::from_hours(1), &mut |seen| {
        versions.push(seen.version);
        Ok(())
    })
    .unwrap();
    assert_eq!(versions, [record.version]);
}

#[test]
fn a_history_is_read_from_actions_and_from_the_audit_where_that_can_be_narrowed() {
    for audit in [false, true] {
        let fake = start();
        fake.set(&json!({"audit_by_get": audit})).unwrap();
        open(&fake, 1);
        let id = worked_on(&fake);
        let history = connector(settings(&fake)).history(&id).unwrap();
        assert_eq!((history.unread.len(), history.complete), (0, audit), "{:?}", history.unread);
        let changes: Vec<_> = history
            .events
            .iter()
            .filter_map(|event| match &event.what {
                Happening::Change { of, from, to } => {
                    assert_eq!(event.actor_kind, ActorKind::Technician);
                    Some((*of, from.as_deref(), to.as_deref()))
                }
                _ => None,
            })
            .collect();
        for change in [
            (Changed::Owner, None, Some("Marta Quill")),
            (Changed::Status, Some("New"), Some("In Progress")),
            (Changed::Board, Some("1st Line Support"), Some("Monitoring")),
        ] {
            assert_eq!(changes.iter().filter(|told| **told == change).count(), 1, "{changes:?}");
        }
        // Only the audit tells this one: without it the history is not said to be whole.
        let kind =
            changes.iter().filter(|(of, _, to)| *of == Changed::Type && *to == Some("Service Request"));
        assert_eq!(kind.count(), usize::from(audit));
        let times: Vec<f64> = history
            .events
            .iter()
            .filter_map(|event| match event.what {
                Happening::TimeEntry { seconds, .. } => Some(seconds),
                _ => None,
            })
            .collect();
        assert_eq!(times, [900.0]);
        let replies = history.events.iter().filter(|event| {
            event.actor_kind == ActorKind::Technician
                && matches!(event.what, Happening::Message { visible: true, automatic: false, .. })
        });
        assert_eq!(replies.count(), 1);
        let mut keys: Vec<&str> = history.events.iter().map(|event| event.psa_key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), history.events.len());
    }
}

#[test]
fn a_ticket_that_a_technician_logged_has_no_reply_yet() {
    let fake = start();
    let id = fake.world(|world| {
        let (board, company) = (world.board("Projects"), world.company("Hollowell Freight"));
        let by = Author::Technician(world.technician("Noor Pascoe"));
        let (summary, description) = ("Call".to_owned(), "Runa rang: no sound.".to_owned());
        world.open(NewTicket { summary, description, company, board, ..NewTicket::default() }, by)
    });
    let mut psa = connector(settings(&fake));
    let history = psa.history(&id.to_string()).unwrap();
    let said = |event: &&firstline_ticket::Event| matches!(event.what, Happening::Message { .. });
    assert_eq!(history.events.iter().filter(said).count(), 0, "{:?}", history.events);
    let record = psa.ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!((record.opened_by_technician, record.ticket.messages.len()), (Some(true), 0));
    assert_eq!(record.ticket.body.as_deref(), Some("Runa rang: no sound."));
    assert_eq!(psa.history("999999999").unwrap(), crate::connector::History::default());
}

#[test]
fn the_unit_of_time_is_the_one_that_spans_show() {
    let fake = start();
    fake.set(&json!({"time_unit": "minutes"})).unwrap();
    let id = worked_on(&fake);
    let history = connector(settings(&fake)).history(&id).unwrap();
    let worked = |event: &&firstline_ticket::Event| matches!(event.what, Happening::TimeEntry { seconds, .. } if seconds == 900.0);
    assert_eq!(history.events.iter().filter(worked).count(), 1, "{:?}", history.events);
}

#[test]
fn a_line_that_is_not_understood_is_kept_and_makes_no_event() {
    let fake = start();
    let id = one(&fake);
    let ticket: i64 = id.parse().unwrap();
    fake.world(|world| {
        let kept = json!({"action_systemid": 40, "outcome_id": 13}).as_object().unwrap().clone();
        let at = world.now();
        world.note(ticket, Note { by: Author::System, at, kept, ..Note::said("Phase moved on", false) });
    });
    let mut psa = connector(settings(&fake));
    let history = psa.history(&id).unwrap();
    assert_eq!(history.unread, ["Phase moved on"]);
    assert!(!history.complete);
    assert_eq!(psa.ticket(&id).unwrap().unwrap().ticket.messages, []);
}

#[test]
fn closing_reopening_and_merging_are_told_apart() {
    let fake = start();
    let ids = open(&fake, 2);
    let (child, parent) = (ids[0].to_string(), ids[1].to_string());
    let by = |world: &mut firstline_fakes::World| {
        (Author::Technician(world.technician("Idris Vane")), world.now())
    };
    let mut psa = connector(settings(&fake));
    fake.world(|world| {
        let by = by(world);
        world.change(ids[1], Changed::Status, Some("Closed"), by);
    });
    let record = psa.ticket(&parent).unwrap().unwrap();
    assert!(record.closed && record.resolved_at.is_some());
    fake.world(|world| {
        let by = by(world);
        world.change(ids[1], Changed::Status, Some("In Progress"), by);
        world.merge(ids[0], ids[1], by);
    });
    let record = psa.ticket(&parent).unwrap().unwrap();
    assert!(!record.closed && record.resolved_at.is_none(), "the year 1900 is no date");
    // What came with the merge is another conversation's.
    assert_eq!(record.ticket.messages, []);
    let record = psa.ticket(&child).unwrap().unwrap();
    assert_eq!((record.merged_into.as_deref(), record.closed), (Some(parent.as_str()), true));
    let history = psa.history(&child).unwrap();
    let merge = Happening::Merge { into: parent };
    assert!(history.events.iter().any(|event| event.what == merge), "{:?}", history.events);
}

#[test]
fn rows_are_read_whatever_is_missing_null_or_spelled_as_a_string() {
    let row = json!({"id": "20417", "agent_id": 3.0, "client_id": null, "dateclosed": "1900-01-01T00:00:00",
        "last_update": "2026-03-03T08:31:05.113", "deleted": 0, "is_project": "true", "team": 7, "new_key": {"a": []}});
    let ticket: wire::Ticket = serde_json::from_value(row).unwrap();
    assert_eq!((ticket.id, ticket.agent_id, ticket.client_id), (Some(20_417), Some(3), None));
    assert_eq!(
        (ticket.deleted, ticket.is_project, ticket.team.as_deref()),
        (Some(false), Some(true), Some("7"))
    );
    assert_eq!(ticket.closed_at(), None);
    assert_eq!(ticket.updated_at(), "2026-03-03T08:31:05.113Z".parse().ok());
    assert_eq!(wire::at(Some("2026-03-03T08:31:05.1130000Z")), ticket.updated_at());
}
