//! What is Autotask's own: zones, 500s, pages of 500, the hour's requests, ids in two forms, the desk's own company.

use std::sync::Mutex;

use super::*;
use crate::connector::Act;

/// Requests whose path has `part` in it.
fn asked(fake: &Fake, part: &str) -> usize {
    fake.log().iter().filter(|logged| logged.path.contains(part)).count()
}

/// A connector with the pauses that it makes; `each` is told of them.
fn counted(fake: &Arc<Fake>, each: fn(&Fake)) -> (Autotask, Arc<Mutex<Vec<Duration>>>) {
    let (pauses, world) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(fake));
    let kept = Arc::clone(&pauses);
    let wait: Wait = Arc::new(move |pause| {
        kept.lock().unwrap().push(pause);
        each(&world);
        true
    });
    (waiting(settings(fake), wait), pauses)
}

#[test]
fn a_tenant_that_moves_to_another_zone_is_followed() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    assert_eq!(changed(&mut psa).len(), 1);
    fake.set(&json!({"zone": "zone7"})).unwrap();
    assert_eq!(changed(&mut psa).len(), 1);
    // A write that another zone refuses is sent once to the right one.
    fake.set(&json!({"zone": "zone8"})).unwrap();
    let act = Act::SetFields(BTreeMap::from([(Field::Priority, "Critical".to_owned())]));
    psa.ticket(&id).unwrap();
    fake.set(&json!({"zone": "zone9"})).unwrap();
    psa.apply(&id, &act, &BTreeMap::new()).unwrap();
    assert_eq!(fake.world(|world| world.writes.len()), 1);
}

#[test]
fn credentials_that_are_refused_are_not_sent_again() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(AutotaskSettings { secret: Secret::new("old"), ..settings(&fake) });
    let first = psa.ticket(&id).unwrap_err().to_string();
    assert!(first.contains("401") && first.contains("secret_file"), "{first}");
    for _ in 0..20 {
        let error = psa.ticket(&id).unwrap_err().to_string();
        assert!(error.contains("would lock the API user"), "{error}");
    }
    assert_eq!(asked(&fake, "/Tickets/"), 1);
    assert!(connector(settings(&fake)).ticket(&id).unwrap().is_some(), "the user is locked out");
}

#[test]
fn a_missing_right_is_a_500_that_is_neither_retried_nor_an_outage() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    fake.set(&json!({"may_write_tickets": false})).unwrap();
    let act = Act::SetFields(BTreeMap::from([(Field::Priority, "Critical".to_owned())]));
    for _ in 0..8 {
        let error = psa.apply(&id, &act, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("may not do this (500)") && error.contains("security level"), "{error}");
    }
    let patched = fake.log().iter().filter(|logged| logged.method == "PATCH").count();
    assert_eq!((patched, fake.world(|world| world.writes.len())), (8, 0));
    assert!(psa.ticket(&id).unwrap().is_some());
}

#[test]
fn pages_hold_500_rows_and_no_link_has_to_hold() {
    let fake = start();
    open(&fake, 999);
    fake.set(&json!({"page_seconds": 1})).unwrap();
    assert_eq!(changed(&mut connector(settings(&fake))).len(), 999);
    assert_eq!((asked(&fake, "/Tickets/query"), asked(&fake, "paging=")), (2, 0));
}

#[test]
fn a_history_of_many_lines_is_read_by_links_since_it_takes_one_condition() {
    let fake = start();
    let id = open(&fake, 1)[0];
    fake.world(|world| {
        let by = (Author::Technician(GRACE), world.now());
        for i in 0..1_200 {
            world.set(id, Deed::Priority, Some(1 + i % 3), by);
        }
    });
    let history = connector(settings(&fake)).history(&id.to_string()).unwrap();
    let changes =
        history.events.iter().filter(|event| matches!(event.what, Happening::Change { .. })).count();
    assert!(changes >= 1_199 && history.complete, "{changes}");
    assert_eq!(asked(&fake, "/TicketHistory/query/next"), 2);
}

#[test]
fn too_many_requests_at_once_are_waited_for() {
    let fake = Arc::new(start());
    let id = one(&fake);
    for status in [500, 429] {
        fake.set(&json!({"threads": 0, "thread_status": status})).unwrap();
        let (mut psa, pauses) = counted(&fake, |fake| fake.set(&json!({"threads": 3})).unwrap());
        assert!(psa.ticket(&id).unwrap().is_some());
        assert!(!pauses.lock().unwrap().is_empty());
    }
    // A write waits for its turn, too: it was surely not done.
    let (mut psa, _) = counted(&fake, |fake| fake.set(&json!({"threads": 3})).unwrap());
    psa.ticket(&id).unwrap();
    fake.set(&json!({"threads": 0, "thread_status": 500})).unwrap();
    let act = Act::SetFields(BTreeMap::from([(Field::Priority, "Critical".to_owned())]));
    psa.apply(&id, &act, &BTreeMap::new()).unwrap();
    assert_eq!(fake.world(|world| world.writes.len()), 1);
}

#[test]
fn half_of_the_hours_requests_are_left_to_others() {
    let fake = Arc::new(start());
    let id = one(&fake);
    fake.set(&json!({"used_elsewhere": 5_500})).unwrap();
    // History waits until there are enough again.
    let (psa, pauses) = counted(&fake, |fake| fake.set(&json!({"used_elsewhere": 100})).unwrap());
    let mut psa = psa.patient(60);
    psa.history(&id).unwrap();
    assert_eq!(*pauses.lock().unwrap(), [Duration::from_secs(60)]);
    psa.history(&id).unwrap();
    assert_eq!(asked(&fake, "/ThresholdInformation"), 2, "the count is believed for a while");
    // What comes in waits once, and goes on.
    fake.set(&json!({"used_elsewhere": 6_000})).unwrap();
    let (mut psa, pauses) = counted(&fake, |_| {});
    assert_eq!(changed(&mut psa).len(), 1);
    assert_eq!(pauses.lock().unwrap().len(), 1);
    // The last tenth is not touched.
    fake.set(&json!({"used_elsewhere": 9_500})).unwrap();
    let (psa, pauses) = counted(&fake, |_| {});
    let mut psa = psa.patient(60);
    let error = psa.history(&id).unwrap_err().to_string();
    assert!(error.contains("of the hour's 10000 requests") && error.contains("goes on by itself"), "{error}");
    assert_eq!(pauses.lock().unwrap().len(), 60);
    // A quota that is spent is told as what it is.
    fake.set(&json!({"used_elsewhere": 10_000, "quota_status": 500})).unwrap();
    let error = connector(settings(&fake)).ticket(&id).unwrap_err().to_string();
    assert!(error.contains("too many requests (500)"), "{error}");
}

#[test]
fn tickets_that_are_read_next_are_read_together() {
    let fake = start();
    let ids: Vec<String> = open(&fake, 40).iter().map(ToString::to_string).collect();
    fake.world(|world| {
        for id in &ids {
            let by = Author::Technician(GRACE);
            world.note(id.parse().unwrap(), Note { by, ..Note::said(&format!("About {id}."), true) });
        }
    });
    let mut psa = connector(settings(&fake));
    psa.names = Some(super::super::names::Names::read(&mut psa.client).unwrap());
    let alone: Vec<_> = ids.iter().map(|id| psa.ticket(id).unwrap().unwrap()).collect();
    let before = psa.client.http.requests;
    let wanted: Vec<String> = ids.iter().cloned().chain(["999999999".to_owned()]).collect();
    psa.expect(&wanted).unwrap();
    let together: Vec<_> = ids.iter().map(|id| psa.ticket(id).unwrap().unwrap()).collect();
    assert_eq!((psa.client.http.requests - before, &together), (3, &alone));
    for id in &ids {
        let history = psa.history(id).unwrap();
        assert!(history.complete && history.events.len() == 1);
    }
    // One of each history, and one that counts the hour's.
    assert_eq!(psa.client.http.requests - before, 3 + 40 + 1);
    // A prefetched ticket is used once; asking again reads it again.
    fake.world(|world| {
        world.rename(ids[0].parse().unwrap(), "New words", (Author::Technician(GRACE), Timestamp::now()));
    });
    let again = psa.ticket(&ids[0]).unwrap().unwrap();
    assert_eq!(again.ticket.subject.as_deref(), Some("New words"));
    assert_eq!(psa.ticket("999999999").unwrap(), None);
}

#[test]
fn a_history_that_may_not_be_read_is_not_complete() {
    let fake = start();
    let id = one(&fake);
    fake.world(|world| {
        world.note(id.parse().unwrap(), Note { by: Author::Technician(GRACE), ..Note::said("On it.", true) })
    });
    let denied = status(404, None, TroubleBody::Json);
    fake.faults(|faults| faults.list.push(fault("POST", "/TicketHistory/query", 1, denied)));
    let history = connector(settings(&fake)).history(&id).unwrap();
    assert!(!history.complete && !history.events.is_empty());
}

#[test]
fn the_desks_own_company_is_a_customer_like_any() {
    let fake = start();
    let id = fake.world(|world| {
        let new = NewTicket {
            summary: "Our own server".to_owned(),
            company: fake::OWN_COMPANY,
            board: fake::SERVICE_DESK,
            ..NewTicket::default()
        };
        world.open(new, Author::Technician(GRACE))
    });
    let record = connector(settings(&fake)).ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!(record.ticket.customer.as_deref(), Some("Our own desk"));
    assert_eq!((record.opened_by_technician, record.ticket.contact), (Some(true), None));
}

#[test]
fn what_is_out_of_sight_is_gone() {
    let fake = start();
    let id = one(&fake);
    let mut psa = connector(settings(&fake));
    fake.world(|world| world.boards.get_mut(&fake::SERVICE_DESK).unwrap().hidden = true);
    assert_eq!((psa.ticket(&id).unwrap(), changed(&mut psa).len()), (None, 0));
}

#[test]
fn records_are_read_whatever_is_missing_null_or_in_another_form() {
    use super::super::wire::{Note, Page, Pick, Resource, Ticket, at};
    let told = json!({"id": "118204", "companyID": 0, "queueID": null, "status": 1.0, "priority": "3", "title": " ",
        "createDate": "2026-03-03T08:14:22.56", "somethingNew": {"deep": [1]}});
    let ticket: Ticket = serde_json::from_value(told).unwrap();
    assert_eq!(
        (ticket.id, ticket.company, ticket.queue, ticket.priority),
        (Some(118_204), Some(0), None, Some(3))
    );
    assert_eq!((ticket.title, ticket.last_activity_date), (None, None));
    assert!(at(ticket.create_date.as_deref()).is_some() && at(Some("1900-01-01T00:00:00Z")).is_none());
    let note: Note = serde_json::from_value(json!({"publish": "1", "ticketID": 7})).unwrap();
    assert_eq!(note.publish, Some(1));
    let page: Page = serde_json::from_value(json!({"items": null, "pageDetails": null})).unwrap();
    assert!(page.items.is_none() && page.page_details.is_none());
    let pick: Pick =
        serde_json::from_value(json!({"value": "10", "label": "Email", "parentValue": ""})).unwrap();
    assert_eq!(
        (pick.value, pick.is_active(), pick.fits(None), pick.fits(Some(9))),
        (Some(10), true, true, true)
    );
    let child: Pick =
        serde_json::from_value(json!({"value": 136, "parentValue": "10", "isActive": false})).unwrap();
    assert_eq!(
        (child.is_active(), child.fits(Some(10)), child.fits(Some(11)), child.fits(None)),
        (false, true, false, false)
    );
    let one: Resource = serde_json::from_value(json!({"isActive": 0})).unwrap();
    assert_eq!(one.is_active, Some(false));
}

#[test]
fn a_write_that_autotask_is_too_busy_for_is_tried_again_later() {
    let fake = Arc::new(start());
    let id = one(&fake);
    let (mut psa, waits) = counted(&fake, |_| {});
    let act = Act::SetFields(BTreeMap::from([(Field::Priority, "Critical".to_owned())]));
    let busy = status(429, Some(90), TroubleBody::Text);
    fake.faults(|faults| faults.list.push(fault("PATCH", "/Tickets", 1, busy)));
    let error = psa.apply(&id, &act, &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("429"), "{error}");
    let writes = || fake.world(|world| world.writes.len());
    assert_eq!((waits.lock().unwrap().len(), writes()), (0, 0));
    psa.apply(&id, &act, &BTreeMap::new()).unwrap();
    assert_eq!(writes(), 1);
}
