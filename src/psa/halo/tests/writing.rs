//! Writes happen once, by the tenant's ids, and never over a person's.

use firstline_fakes::{Deed, Trouble, TroubleBody};
use firstline_ticket::{ActorKind, mark_own_note, own_mark};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::connector::{Act, Done};

fn note(text: &str, visible: bool) -> Act {
    Act::Note { text: mark_own_note(text, 1), visible, customer: "larkspur dental".to_owned(), status: None }
}

#[test]
fn a_note_is_written_once_though_replies_are_lost() {
    let fake = start();
    let id = one(&fake);
    let lost = [
        Trouble::LostReply,
        status(503, None, TroubleBody::Html),
        status(504, None, TroubleBody::Html),
        status(429, Some(1), TroubleBody::Text),
        status(429, None, TroubleBody::Html),
        Trouble::Refused,
    ];
    for (i, trouble) in lost.into_iter().enumerate() {
        let act = note(&format!("Answer number {i}:\nturn <it> off & on."), i % 2 == 0);
        fake.faults(|faults| faults.list.push(fault("POST", "/api/Actions", trouble)));
        let mut psa = connector(settings(&fake));
        // Whether the first attempt is known to be done or not: the second finds it, or does it.
        let _first = psa.apply(&id, &act, &BTreeMap::new());
        let second = psa.apply(&id, &act, &BTreeMap::new()).unwrap();
        assert!(matches!(second, Done::WasThere { .. } | Done::Written { cut: None, .. }), "{second:?}");
        let (written, mails) = fake.world(|world| (world.writes.len(), world.mails.len()));
        assert_eq!(written, i + 1);
        assert_eq!(mails, i / 2 + 1, "an internal note is never mailed");
    }
    let hidden = fake.world(|world| world.notes.values().filter(|note| !note.visible).count());
    assert_eq!(hidden, 3);
}

#[test]
fn whatever_goes_wrong_by_chance_each_note_is_written_once_and_each_change_listed() {
    let fake = start();
    let opened = open(&fake, 120);
    let kinds = [
        Trouble::LostReply,
        Trouble::Refused,
        status(503, None, TroubleBody::Html),
        status(429, Some(1), TroubleBody::Text),
        status(429, None, TroubleBody::Html),
    ];
    fake.faults(|faults| faults.at_random(0.15, &kinds, 7));
    let mut psa = connector(settings(&fake));
    for (i, id) in opened[..60].iter().enumerate() {
        let act = note(&format!("Answer {i} for you."), i % 3 == 0);
        let tried = (0..5).find_map(|_| psa.apply(&id.to_string(), &act, &BTreeMap::new()).ok());
        assert!(matches!(tried, Some(Done::Written { .. } | Done::WasThere { .. })), "{tried:?}");
    }
    assert_eq!(changed(&mut psa), words(&opened));
    let (counts, mails) = fake.world(|world| (world.write_counts(), world.mails.len()));
    assert!(counts.len() == 60 && counts.values().all(|count| *count == 1), "{counts:?}");
    assert_eq!(mails, 20);
    assert!(fake.faults(|faults| faults.hits) > 20);
}

#[test]
fn a_note_is_known_by_ticket_and_number_and_read_as_our_own() {
    let fake = start();
    let (first, second) = (one(&fake), one(&fake));
    let mut psa = connector(settings(&fake));
    let act = note("Please try the other cable.", false);
    let Act::Note { text, .. } = &act else { unreachable!() };
    let mut refs = Vec::new();
    for id in [&first, &second] {
        let Done::Written { psa_ref: Some(psa_ref), cut: None } =
            psa.apply(id, &act, &BTreeMap::new()).unwrap()
        else {
            panic!("not written")
        };
        assert!(psa_ref.starts_with(&format!("{id}/")));
        assert_eq!(psa.find_mark(id, own_mark(text).unwrap()).unwrap().as_ref(), Some(&psa_ref));
        refs.push(psa_ref);
    }
    assert_ne!(refs[0], refs[1], "both are number 2 of their tickets");
    let record = psa.ticket(&first).unwrap().unwrap();
    let own = &record.ticket.messages[0];
    assert_eq!(
        (own.from.as_str(), own.visible, own.text.as_str()),
        ("technician", Some(false), text.as_str())
    );
    let history = psa.history(&first).unwrap();
    assert_eq!(history.events.last().unwrap().actor_kind, ActorKind::Firstline);
}

#[test]
fn an_outcome_that_would_tell_the_customer_is_refused_for_internal_notes() {
    let fake = start();
    let id = one(&fake);
    for (outcome, told) in [
        (fake::EMAIL_USER, "shows internal notes"),
        (fake::PUBLIC_NOTE, "shows internal notes"),
        (23, "changes the status"),
        (999, "no outcome 999"),
    ] {
        let mut psa = connector(HaloSettings { note_outcome: outcome, ..settings(&fake) });
        let error = psa.apply(&id, &note("Only for us.", false), &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("7 (Private Note)"), "{error}");
    }
    let mut psa = connector(HaloSettings { reply_outcome: None, ..settings(&fake) });
    let error = psa.apply(&id, &note("For you.", true), &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("\"reply_outcome\" is not set"), "{error}");
    assert_eq!(writes(&fake), 0);
    // An internal note stays internal even on a tenant whose outcomes override the request's flags.
    fake.set(&json!({"outcome_wins": true})).unwrap();
    psa.apply(&id, &note("Only for us.", false), &BTreeMap::new()).unwrap();
    let told =
        fake.world(|world| (world.mails.len(), world.notes.values().filter(|note| note.visible).count()));
    assert_eq!((writes(&fake), told), (1, (0, 1)));
}

#[test]
fn a_token_that_ends_is_renewed_once_and_the_note_written_once() {
    let fake = start();
    fake.set(&json!({"new_token_ends_old": true})).unwrap();
    let id = one(&fake);
    let (mut psa, mut other) = (connector(settings(&fake)), connector(settings(&fake)));
    let tokens = || fake.log().iter().filter(|one| one.path.starts_with("/auth/token")).count();
    psa.apply(&id, &note("One.", false), &BTreeMap::new()).unwrap();
    assert_eq!(tokens(), 1);
    fake.world(|world| world.clock.set(Timestamp::now() + SignedDuration::from_hours(2)));
    psa.apply(&id, &note("Two.", false), &BTreeMap::new()).unwrap();
    assert_eq!((tokens(), writes(&fake)), (2, 2));
    // Another process' token ends this one's: each comes back with a new one.
    other.apply(&id, &note("Three.", false), &BTreeMap::new()).unwrap();
    psa.apply(&id, &note("Four.", false), &BTreeMap::new()).unwrap();
    assert_eq!((tokens(), writes(&fake)), (4, 4));
}

#[test]
fn labels_are_set_by_the_tenants_ids_and_never_over_a_persons() {
    let fake = start();
    let id = one(&fake);
    let ticket: i64 = id.parse().unwrap();
    let mut psa = connector(settings(&fake));
    let before = labels(&mut psa, &id);
    let wanted = [
        (Field::Board, "Monitoring"),
        (Field::Type, "Alert"),
        (Field::Subtype, "Monitoring>Disk"),
        (Field::Priority, "High"),
        (Field::Technician, "Leif Tanaka"),
    ];
    let fields: BTreeMap<Field, String> =
        wanted.into_iter().map(|(field, to)| (field, to.to_owned())).collect();
    let set = Act::SetFields(fields);
    fake.faults(|faults| faults.list.push(fault("POST", "/api/Tickets", Trouble::LostReply)));
    let done = psa.apply(&id, &set, &before).unwrap();
    assert!(matches!(done, Done::Written { cut: None, .. }), "{done:?}");
    let after = labels(&mut psa, &id);
    for (field, to) in wanted {
        assert_eq!(after[&field].as_deref(), Some(to));
    }
    // The same again, as after a crash, writes nothing; and what a person has changed since stays.
    assert!(matches!(psa.apply(&id, &set, &before).unwrap(), Done::WasThere { .. }));
    assert_eq!(writes(&fake), 1);
    fake.world(|world| {
        let to = world.technician("Ottoline Brandt");
        let by = (Author::Technician(to), world.now());
        world.set(ticket, Deed::Owner, Some(to), by);
    });
    let done = psa.apply(&id, &set, &before).unwrap();
    assert!(matches!(&done, Done::Changed { what } if what.contains("Ottoline Brandt")), "{done:?}");
    assert_eq!(writes(&fake), 1);
}

#[test]
fn names_that_the_tenant_does_not_have_are_refused_with_what_to_do() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    for (field, name, told) in [
        (Field::Board, "No such team", "no team"),
        (Field::Type, "No such type", "no ticket type"),
        (Field::Subtype, "Disk>None", "no category"),
        (Field::Priority, "Extreme", "no priority"),
        (Field::Technician, "Casper Wren", "no agent"),
        (Field::Technician, fake::API_AGENT_NAME, "no agent"),
        (Field::Technician, "Unassigned", "no agent"),
        (Field::Subtype, "Disk", "2 rows"),
    ] {
        let act = Act::SetFields(BTreeMap::from([(field, name.to_owned())]));
        let error = psa.apply(&id, &act, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(writes(&fake), 0);
    let short = Act::SetFields(BTreeMap::from([(Field::Subtype, "Outlook".to_owned())]));
    // A last part that only one category has names it; what stands then is the whole path.
    let done = psa.apply(&id, &short, &BTreeMap::new()).unwrap();
    assert!(matches!(done, Done::Written { .. }), "{done:?}");
    assert_eq!(labels(&mut psa, &id)[&Field::Subtype].as_deref(), Some("Email>Outlook"));
}

#[test]
fn a_gone_ticket_takes_nothing() {
    let fake = start();
    let error =
        connector(settings(&fake)).apply("999999", &note("Hello.", false), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("not there"), "{error}");
    assert_eq!(writes(&fake), 0);
}

#[test]
fn a_reply_sets_a_status_with_the_action_and_never_the_one_that_closes() {
    let fake = start();
    for (to, stands) in [("WAITING on customer", 4), ("Closed", 1), ("Awaiting Approval", 1)] {
        let id = one(&fake);
        let text = mark_own_note(&format!("Is it back? {to}"), 1);
        let act = Act::Note {
            text,
            visible: true,
            customer: "larkspur dental".to_owned(),
            status: Some(to.to_owned()),
        };
        let done = connector(settings(&fake)).apply(&id, &act, &BTreeMap::new()).unwrap();
        let Done::Written { cut, .. } = done else { panic!("{to}") };
        let ticket: i64 = id.parse().unwrap();
        assert_eq!(fake.world(|world| world.tickets[&ticket].status), Some(stands), "{to}");
        assert_eq!(cut.is_some(), stands == 1, "{to}: {cut:?}");
    }
}

#[test]
fn nothing_is_written_to_a_ticket_that_closed_or_changed_hands_meanwhile() {
    let fake = start();
    let mut psa = connector(settings(&fake));
    let [open, closed, merged, parent] = self::open(&fake, 4)[..] else { panic!("four") };
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Priya Raman")), world.now());
        let board = world.board("1st Line Support");
        let status = world.closed_status(board);
        world.set(closed, Deed::Status, status, by);
        world.merge(merged, parent, by);
    });
    let text = mark_own_note("For others.", 1);
    let others = Act::Note { text, visible: true, customer: "northgate clinic".to_owned(), status: None };
    let set = Act::SetFields(BTreeMap::from([(Field::Priority, "Critical".to_owned())]));
    for (id, act, why) in [
        (open, others, "the ticket is another customer's"),
        (closed, note("Too late.", true), "the ticket is closed"),
        (closed, set, "the ticket is closed"),
        (merged, note("Too late.", true), "the ticket is closed"),
    ] {
        let done = psa.apply(&id.to_string(), &act, &BTreeMap::new()).unwrap();
        assert_eq!(done, Done::Changed { what: why.to_owned() }, "{act:?}");
    }
    assert_eq!(writes(&fake), 0);
}
