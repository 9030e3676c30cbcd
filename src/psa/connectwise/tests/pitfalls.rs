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
