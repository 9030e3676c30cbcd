//! What must not be written, and who somebody is that the PSA names.

use super::*;

fn note(text: &str, customer: &str) -> Act {
    let customer = customer.to_owned();
    Act::Note { text: mark_own_note(text, 1), visible: true, customer, status: None }
}

#[test]
fn nothing_is_written_to_a_ticket_that_closed_or_changed_hands_meanwhile() {
    let fake = start();
    let mut psa = connector(settings(&fake));
    let labels = BTreeMap::new();
    let [open, closed, merged, parent] = self::open(&fake, 4)[..] else { panic!("four") };
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Samir Novak")), world.now());
        let board = world.board("Service Desk");
        let status = world.closed_status(board);
        world.set(closed, Deed::Status, status, by);
        world.merge(merged, parent, by);
    });
    let set = Act::SetFields(BTreeMap::from([(Field::Priority, "Priority 1 - Emergency".to_owned())]));
    for (id, act, why) in [
        (open, note("For others.", "northgate clinic"), "the ticket is another customer's"),
        (open, note("For nobody.", ""), "the ticket is another customer's"),
        (closed, note("Too late.", "halden logistics"), "the ticket is closed"),
        (closed, set.clone(), "the ticket is closed"),
        (merged, note("Too late.", "halden logistics"), "the ticket is closed"),
        (merged, set, "the ticket is closed"),
    ] {
        let done = psa.apply(&id.to_string(), &act, &labels).unwrap();
        assert_eq!(done, Done::Changed { what: why.to_owned() }, "{act:?}");
    }
    assert_eq!(fake.world(|world| world.writes.len()), 0);
    // One that stood before the ticket was closed is no change.
    let act = note("In time.", "halden logistics");
    assert!(matches!(psa.apply(&open.to_string(), &act, &labels).unwrap(), Done::Written { .. }));
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Samir Novak")), world.now());
        let board = world.board("Service Desk");
        let status = world.closed_status(board);
        world.set(open, Deed::Status, status, by);
    });
    assert!(matches!(psa.apply(&open.to_string(), &act, &labels).unwrap(), Done::WasThere { .. }));
}

#[test]
fn a_write_that_the_psa_is_too_busy_for_is_tried_again_later() {
    let fake = start();
    let id = open(&fake, 1)[0].to_string();
    let waits: Arc<std::sync::Mutex<Vec<Duration>>> = Arc::default();
    let kept = waits.clone();
    let wait = Arc::new(move |pause| {
        kept.lock().unwrap().push(pause);
        true
    });
    let mut psa = Connectwise::new(settings(&fake), agent(), wait);
    let set = Act::SetFields(BTreeMap::from([(Field::Technician, "Aiko Brandt".to_owned())]));
    let said = note("It is on its way.", "halden logistics");
    for (method, act) in [("PATCH", set), ("POST", said)] {
        let busy = Trouble::Status { status: 429, retry_after: Some(90), body: TroubleBody::Text };
        let before = fake.world(|world| world.writes.len());
        fake.faults(|faults| faults.list.push(fault(method, "/service/tickets", 1, busy)));
        let error = psa.apply(&id, &act, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("429"), "{error}");
        assert_eq!((waits.lock().unwrap().len(), fake.world(|world| world.writes.len())), (0, before));
        assert!(matches!(psa.apply(&id, &act, &BTreeMap::new()).unwrap(), Done::Written { .. }));
    }
}

#[test]
fn who_entered_a_ticket_is_told_where_members_tell_it() {
    let fake = start();
    let mut psa = connector(settings(&fake));
    let opened = fake.world(|world| {
        let (board, company) = (world.board("Service Desk"), world.company("Halden Logistics"));
        let (contact, technician) =
            (world.contact(company, "Ruth Meier"), world.technician("Mara Lindqvist"));
        let by = [Author::Contact(contact), Author::Technician(technician), Author::System, Author::Api];
        by.map(|by| {
            let new = NewTicket {
                summary: "Monitor flickers".to_owned(),
                company,
                contact: Some(contact),
                board,
                ..NewTicket::default()
            };
            world.open(new, by)
        })
    });
    let told = opened.map(|id| psa.ticket(&id.to_string()).unwrap().unwrap().opened_by_technician);
    assert_eq!(told, [Some(false), Some(true), Some(false), None]);
    let members = fake.log().iter().filter(|asked| asked.path.contains("/system/members")).count();
    assert_eq!(members, 1);
    // Without the right to see members a ticket comes in all the same.
    fake.set(&json!({"denied": ["members.inquire"]})).unwrap();
    let mut psa = connector(settings(&fake));
    let told = opened.map(|id| psa.ticket(&id.to_string()).unwrap().unwrap().opened_by_technician);
    assert_eq!(told, [Some(false), None, Some(false), None]);
    psa.history(&opened[0].to_string()).unwrap_err();
}

#[test]
fn somebody_who_came_this_morning_is_a_person_and_soon_known() {
    let fake = start();
    let id = open(&fake, 1)[0];
    let mut psa = connector(settings(&fake));
    psa.history(&id.to_string()).unwrap();
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Nele Nowak")), world.now());
        world.change(id, Changed::Status, Some("In Progress"), by);
    });
    let read = |fake: &Fake| fake.log().iter().filter(|asked| asked.path.contains("/system/members")).count();
    let actor = |psa: &mut Connectwise| {
        let events = psa.history(&id.to_string()).unwrap().events;
        let of_status = |event: &&firstline_ticket::Event| {
            matches!(event.what, Happening::Change { of: Changed::Status, .. })
        };
        let event = events.iter().find(of_status).unwrap().clone();
        (event.actor.unwrap(), event.actor_kind)
    };
    for _ in 0..3 {
        assert_eq!(actor(&mut psa), ("nelenowak".to_owned(), ActorKind::Technician));
    }
    assert_eq!(read(&fake), 1, "members are not read for each name that nobody knows");
    psa.members.holds_without = Duration::ZERO;
    for _ in 0..3 {
        assert_eq!(actor(&mut psa), ("Nele Nowak".to_owned(), ActorKind::Technician));
    }
    assert_eq!(read(&fake), 2);
}

#[test]
fn what_somebody_sets_while_names_are_looked_up_stays() {
    let fake = start();
    let id = open(&fake, 1)[0].to_string();
    let mut psa = connector(settings(&fake));
    let record = psa.ticket(&id).unwrap().unwrap();
    let labels: BTreeMap<Field, Option<String>> =
        BTreeMap::from([(Field::Priority, record.ticket.label(Field::Priority).map(str::to_owned))]);
    let wanted = fake.world(|world| world.priorities.values().last().unwrap().name.clone());
    let set = Act::SetFields(BTreeMap::from([(Field::Priority, wanted.clone())]));
    fake.faults(|faults| faults.list.push(fault("GET", "/service/tickets/", 1, Trouble::EditAfter)));
    let done = psa.apply(&id, &set, &labels).unwrap();
    let now = psa.ticket(&id).unwrap().unwrap().ticket.label(Field::Priority).map(str::to_owned);
    assert_ne!(now, Some(wanted));
    assert_eq!(done, Done::Changed { what: format!("priority is {:?} by now", now.unwrap()) });
    assert_eq!(fake.world(|world| world.writes.len()), 0);
}
