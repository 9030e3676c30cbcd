//! What is written: once, to whom it is meant for, and never over what a person has done.

use firstline_fault::Code;
use firstline_ticket::{mark_own_note, own_mark};

use super::*;
use crate::connector::{Act, Done};

fn note(text: &str, visible: bool) -> Act {
    Act::Note {
        text: mark_own_note(text, 1),
        visible,
        customer: "harbour veterinary group".to_owned(),
        status: None,
    }
}

fn fields<const N: usize>(wanted: [(Field, &str); N]) -> Act {
    Act::SetFields(wanted.into_iter().map(|(field, to)| (field, to.to_owned())).collect())
}

fn none() -> BTreeMap<Field, Option<String>> {
    BTreeMap::new()
}

fn writes(fake: &Fake) -> usize {
    fake.world(|world| world.writes.len())
}

#[test]
fn a_note_is_written_once_under_each_trouble() {
    let fake = start();
    let id = one(&fake);
    let troubles = [
        Trouble::LostReply,
        status(503, None, TroubleBody::Html),
        status(429, Some(1), TroubleBody::Text),
        Trouble::Refused,
        status(500, None, TroubleBody::Html),
        status(429, None, TroubleBody::Json),
        Trouble::LostReply,
    ];
    for (i, trouble) in troubles.into_iter().enumerate() {
        let act = note(&format!("Answer number {i}, from us."), i % 2 == 0);
        fake.faults(|faults| faults.list.push(fault("POST", "/Notes", 1, trouble)));
        let mut psa = connector(settings(&fake));
        // Whether the first attempt is known to be done or not: the second finds it, or does it.
        let _first = psa.apply(&id, &act, &none());
        let second = psa.apply(&id, &act, &none()).unwrap();
        assert!(matches!(second, Done::WasThere { .. } | Done::Written { .. }));
        assert_eq!(writes(&fake), i + 1);
        let mails = fake.world(|world| world.mails.len());
        assert_eq!(mails, i / 2 + 1, "an internal note is never mailed");
    }
}

#[test]
fn each_note_is_written_once_though_a_fifth_of_all_requests_fail() {
    let fake = start();
    let ids = open(&fake, 30);
    let kinds = [
        Trouble::LostReply,
        Trouble::Refused,
        status(503, None, TroubleBody::Html),
        status(429, Some(1), TroubleBody::Text),
    ];
    fake.faults(|faults| faults.at_random(0.2, &kinds, 22));
    let mut psa = connector(settings(&fake));
    let act = note("Please restart it.", false);
    for id in &ids {
        let done = (0..20).find_map(|_| psa.apply(&id.to_string(), &act, &none()).ok());
        assert!(done.is_some(), "{id}");
    }
    let (counts, mails) = fake.world(|world| (world.write_counts(), world.mails.len()));
    assert!(fake.faults(|faults| faults.hits) > 20);
    assert_eq!((counts.len(), counts.values().copied().max(), mails), (30, Some(1), 0));
}

#[test]
fn a_reply_that_was_lost_is_found_by_its_mark_at_once() {
    let fake = start();
    let (id, act) = (one(&fake), note("We replaced the rollers.", false));
    fake.faults(|faults| faults.list.push(fault("POST", "/Notes", 1, Trouble::LostReply)));
    let mut psa = connector(settings(&fake));
    let Done::Written { psa_ref: Some(psa_ref), cut: None } = psa.apply(&id, &act, &none()).unwrap() else {
        panic!("not found")
    };
    let Act::Note { text, .. } = &act else { panic!("no note") };
    let mark = own_mark(text).unwrap();
    assert_eq!(psa.find_mark(&id, mark).unwrap(), Some(psa_ref));
    assert_eq!(psa.find_mark(&id, "[ref FL-1-00000000]").unwrap(), None);
    let note = fake.world(|world| world.notes.values().last().cloned()).unwrap();
    assert!(!note.visible && note.title.contains(mark) && note.text == *text);
    let history = psa.history(&id).unwrap();
    let ours = history.events.iter().find(|event| event.actor_kind == ActorKind::Firstline);
    assert!(ours.is_some(), "{:?}", history.events);
}

#[test]
fn a_long_note_is_cut_visibly_and_keeps_its_mark() {
    let fake = start();
    let id = one(&fake);
    for (text, cut) in
        [("ä".repeat(3_000), false), ("Long words. ".repeat(400), true), ("🖨".repeat(2_000), true)]
    {
        let act = note(&text, false);
        let Act::Note { text, .. } = &act else { panic!("no note") };
        let mut psa = connector(settings(&fake));
        let Done::Written { cut: told, .. } = psa.apply(&id, &act, &none()).unwrap() else {
            panic!("not written")
        };
        assert_eq!(told.is_some(), cut, "{told:?}");
        let note = fake.world(|world| world.notes.values().last().cloned()).unwrap();
        assert!(note.text.encode_utf16().count() <= 3_200 && note.text.ends_with(own_mark(text).unwrap()));
        assert_eq!(note.text.contains("characters left out]"), cut);
        assert!(matches!(psa.apply(&id, &act, &none()).unwrap(), Done::WasThere { .. }));
    }
}

#[test]
fn a_note_is_of_the_type_that_the_settings_name_and_in_the_name_of_a_technician() {
    let fake = start();
    let id = one(&fake);
    let named = |name: &str| AutotaskSettings {
        note_type: Some(name.to_owned()),
        act_as: Some(GRACE),
        ..settings(&fake)
    };
    let act = note("Done.", false);
    connector(named("task detail")).apply(&id, &act, &none()).unwrap();
    let written = fake.world(|world| world.notes.values().last().cloned()).unwrap();
    assert_eq!((written.kept.get("noteType"), written.as_technician), (Some(&json!(2)), Some(GRACE)));
    let history = connector(named("task detail")).history(&id).unwrap();
    assert!(history.events.iter().any(|event| event.actor_kind == ActorKind::Firstline));
    for refused in ["No such type", "Workflow Rule Note - Task"] {
        let error =
            connector(named(refused)).apply(&id, &note("Else.", false), &none()).unwrap_err().to_string();
        assert!(error.contains("note_type") && error.contains("Task Notes"), "{error}");
    }
    assert_eq!(writes(&fake), 1);
    // Who acts as another without the right to it is told so, and nothing is done.
    fake.set(&json!({"may_impersonate": false})).unwrap();
    let error =
        connector(named("Task Notes")).apply(&id, &note("More.", true), &none()).unwrap_err().to_string();
    assert!(error.contains("may not do this (500)"), "{error}");
    assert_eq!(writes(&fake), 1);
}

#[test]
fn labels_are_set_by_the_tenants_own_ids() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    let expected = labels(&mut psa, &id);
    let wanted = [
        (Field::Board, "Monitoring"),
        (Field::Type, "network"),
        (Field::Subtype, "Wireless"),
        (Field::Priority, "Critical"),
        (Field::Technician, "Priya Raman"),
    ];
    assert!(matches!(psa.apply(&id, &fields(wanted), &expected).unwrap(), Done::Written { cut: None, .. }));
    let now = labels(&mut psa, &id);
    for (field, to) in wanted {
        assert_eq!(now[&field].as_deref().map(str::to_lowercase), Some(to.to_lowercase()));
    }
    // The same again, as after a crash, sends nothing.
    assert!(matches!(psa.apply(&id, &fields(wanted), &expected).unwrap(), Done::WasThere { .. }));
    assert_eq!(writes(&fake), 1);
    // A type alone leaves no subtype of another behind.
    let now = labels(&mut psa, &id);
    let set = fields([(Field::Type, "Hardware")]);
    assert!(matches!(psa.apply(&id, &set, &now).unwrap(), Done::Written { .. }));
    let now = labels(&mut psa, &id);
    assert_eq!((now[&Field::Type].as_deref(), now[&Field::Subtype].as_deref()), (Some("Hardware"), None));
}

#[test]
fn labels_are_never_set_over_a_persons() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    let expected = labels(&mut psa, &id);
    let by = (Author::Technician(GRACE), Timestamp::now());
    fake.world(|world| world.set(id.parse().unwrap(), Deed::Subkind, Some(137), by));
    // A person's subtype would go with the type.
    for set in
        [fields([(Field::Subtype, "Wireless"), (Field::Type, "Network")]), fields([(Field::Type, "Network")])]
    {
        let Done::Changed { what } = psa.apply(&id, &set, &expected).unwrap() else { panic!("set") };
        assert!(what.contains("Delivery"), "{what}");
    }
    // An edit right after the ticket was read: what stands when it is written counts.
    fake.faults(|faults| faults.list.push(fault("GET", "/Tickets/", 1, Trouble::EditAfter)));
    psa.ticket(&id).unwrap();
    let set = fields([(Field::Priority, "Critical")]);
    let Done::Changed { what } = psa.apply(&id, &set, &expected).unwrap() else { panic!("set") };
    assert!(what.starts_with("priority"), "{what}");
    // What a person has set as it was wanted is no quarrel.
    let wanted = fields([(Field::Subtype, "Delivery")]);
    assert!(matches!(psa.apply(&id, &wanted, &expected).unwrap(), Done::WasThere { .. }));
    assert_eq!(writes(&fake), 0);
}

#[test]
fn labels_that_may_have_been_set_are_looked_at() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    for (trouble, name, done) in [
        (Trouble::LostReply, "Critical", true),
        (status(503, None, TroubleBody::Html), "High", false),
        (status(429, Some(60), TroubleBody::Html), "High", false),
    ] {
        fake.faults(|faults| faults.list.push(fault("PATCH", "/Tickets", 1, trouble)));
        let now = labels(&mut psa, &id);
        let told = psa.apply(&id, &fields([(Field::Priority, name)]), &now);
        assert_eq!(matches!(told, Ok(Done::Written { .. })), done, "{told:?}");
    }
    assert_eq!(writes(&fake), 1);
}

#[test]
fn unknown_names_are_refused_with_a_next_step() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    for (field, name, told) in [
        (Field::Board, "No such queue", "no board \"No such queue\""),
        (Field::Type, "No such type", "no type \"No such type\""),
        (Field::Subtype, "Wireless", "no subtype \"Wireless\" of the ticket's type"),
        (Field::Technician, "Nobody", "no technician \"Nobody\""),
        (Field::Technician, "Old Timer", "no longer in use"),
        (Field::Technician, "Autotask API", "no technician"),
    ] {
        let error = psa.apply(&id, &fields([(field, name)]), &none()).unwrap_err();
        assert_eq!(error.code(), Some(Code::PsaRefused), "it would be refused again");
        let error = error.to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(writes(&fake), 0);
}

#[test]
fn a_reply_sets_a_status_that_does_not_complete_the_ticket() {
    let fake = start();
    for (to, stands) in
        [("waiting customer", fake::WAITING_CUSTOMER), ("Complete", fake::NEW), ("Nowhere", fake::NEW)]
    {
        let id = one(&fake);
        let text = firstline_ticket::mark_own_note(&format!("Is it back? {to}"), 1);
        let act = Act::Note {
            text,
            visible: true,
            customer: "harbour veterinary group".to_owned(),
            status: Some(to.to_owned()),
        };
        let done = connector(settings(&fake)).apply(&id, &act, &BTreeMap::new()).unwrap();
        let Done::Written { cut, .. } = done else { panic!("{to}") };
        let ticket: Id = id.parse().unwrap();
        assert_eq!(fake.world(|world| world.tickets[&ticket].status), Some(stands), "{to}");
        assert_eq!(cut.is_some(), stands == fake::NEW, "{to}: {cut:?}");
    }
}

#[test]
fn nothing_is_written_to_a_ticket_that_was_completed_or_changed_hands_meanwhile() {
    let fake = start();
    let mut psa = connector(settings(&fake));
    let [open, closed, merged, parent] = self::open(&fake, 4)[..] else { panic!("four") };
    fake.world(|world| {
        let by = (Author::Technician(GRACE), world.now());
        world.set(closed, Deed::Status, Some(fake::COMPLETE), by);
        world.merge(merged, parent, by);
    });
    let text = mark_own_note("For others.", 1);
    let others = Act::Note { text, visible: true, customer: "northgate clinic".to_owned(), status: None };
    for (id, act, why) in [
        (open, others, "the ticket is another customer's"),
        (closed, note("Too late.", true), "the ticket is closed"),
        (closed, fields([(Field::Priority, "Critical")]), "the ticket is closed"),
        (merged, note("Too late.", true), "the ticket is closed"),
    ] {
        let done = psa.apply(&id.to_string(), &act, &none()).unwrap();
        assert_eq!(done, Done::Changed { what: why.to_owned() }, "{act:?}");
    }
    assert_eq!(writes(&fake), 0);
}
