//! The connector against a ConnectWise that is not one, over HTTP.

mod pitfalls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firstline_fakes::{
    Author, Clock, Deed, Fake, FakeOptions, Fault, NewTicket, Note, Trouble, TroubleBody, Which,
    connectwise as fake,
};
use firstline_fault::Code;
use firstline_ticket::{ActorKind, Changed, Field, Happening, mark_own_note};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Connectwise, ConnectwiseSettings};
use crate::connector::{Act, Connector, Done};
use crate::http::agent;
use crate::secret::Secret;

fn start() -> Fake {
    Fake::start(FakeOptions { which: Which::Connectwise, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

fn settings(fake: &Fake) -> ConnectwiseSettings {
    ConnectwiseSettings {
        url: fake.url(),
        company: fake::COMPANY_ID.to_owned(),
        public_key: fake::PUBLIC_KEY.to_owned(),
        private_key: Secret::new(fake::PRIVATE_KEY),
        client_id: Secret::new(fake::CLIENT_ID),
        codebase: None,
        requests_per_minute: 10_000,
    }
}

/// A connector that never waits long.
fn connector(settings: ConnectwiseSettings) -> Connectwise {
    Connectwise::new(
        settings,
        agent(),
        Arc::new(|pause| {
            std::thread::sleep(pause.min(Duration::from_millis(5)));
            true
        }),
    )
}

/// Opens `n` tickets and gives their ids.
fn open(fake: &Fake, n: usize) -> Vec<i64> {
    fake.world(|world| {
        let (board, company) = (world.board("Service Desk"), world.company("Halden Logistics"));
        let contact = world.contact(company, "Ruth Meier");
        (0..n)
            .map(|i| {
                let (summary, description) =
                    (format!("Printer {i} is offline"), "Since this morning.".to_owned());
                let new = NewTicket {
                    summary,
                    description,
                    company,
                    contact: Some(contact),
                    board,
                    ..NewTicket::default()
                };
                world.open(new, Author::Contact(contact))
            })
            .collect()
    })
}

fn changed(psa: &mut Connectwise) -> Vec<String> {
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    let mut ids = Vec::new();
    psa.changed_since(since, &mut |seen| {
        ids.push(seen.id);
        Ok(())
    })
    .unwrap();
    ids.sort();
    ids.dedup();
    ids
}

fn fault(method: &str, path: &str, times: u32, what: Trouble) -> Fault {
    Fault { method: Some(method.to_owned()), path: path.to_owned(), skip: 0, times, what }
}

#[test]
fn every_change_is_listed_though_rows_move_and_requests_fail() {
    let fake = start();
    let opened = open(&fake, 600);
    let busy = Trouble::Status { status: 503, retry_after: None, body: TroubleBody::Html };
    let many = Trouble::Status { status: 429, retry_after: Some(1), body: TroubleBody::Html };
    fake.faults(|faults| {
        faults.list.push(fault("GET", "/service/tickets", 1, Trouble::MoveRows));
        faults.list.push(fault("GET", "/service/tickets", 1, busy));
        faults.list.push(fault("GET", "/service/tickets", 1, many));
        faults.list.push(fault("GET", "/service/tickets", 1, Trouble::LostReply));
        faults.list.push(fault("GET", "/service/tickets", 1, Trouble::MoveRows));
    });
    let listed = changed(&mut connector(settings(&fake)));
    let mut wanted: Vec<String> = opened.iter().map(ToString::to_string).collect();
    wanted.sort();
    assert_eq!(listed, wanted);
}

#[test]
fn a_release_that_moves_the_codebase_is_followed() {
    let fake = start();
    open(&fake, 1);
    let mut psa = connector(settings(&fake));
    assert_eq!(changed(&mut psa).len(), 1);
    fake.set(&json!({"codebase": "v2025_2"})).unwrap();
    assert_eq!(changed(&mut psa).len(), 1);
}

#[test]
fn a_ticket_is_read_with_its_words_its_people_and_its_history() {
    let fake = start();
    let id = open(&fake, 1)[0];
    fake.world(|world| {
        let at = world.now();
        let technician = world.technician("Mara Lindqvist");
        let by = (Author::Technician(technician), at);
        let contact = world.tickets[&id].contact.unwrap();
        world.note(id, Note { by: by.0, ..Note::said("Which floor is it on?", true) });
        world.note(id, Note { by: by.0, ..Note::said("Toner was ordered last week.", false) });
        world.note(id, Note { by: Author::Contact(contact), ..Note::said("The second.", true) });
        world.change(id, Changed::Owner, Some("Mara Lindqvist"), by);
        world.change(id, Changed::Status, Some("In Progress"), by);
    });
    let mut psa = connector(settings(&fake));
    let record = psa.ticket(&id.to_string()).unwrap().unwrap();
    let ticket = &record.ticket;
    assert_eq!(ticket.body.as_deref(), Some("Since this morning."));
    assert_eq!(
        (ticket.customer.as_deref(), ticket.contact.as_deref()),
        (Some("Halden Logistics"), Some("Ruth Meier"))
    );
    let said: Vec<(&str, &str, Option<bool>)> =
        ticket.messages.iter().map(|m| (m.from.as_str(), m.text.as_str(), m.visible)).collect();
    assert_eq!(
        said,
        [
            ("technician", "Which floor is it on?", Some(true)),
            ("technician", "Toner was ordered last week.", Some(false)),
            ("customer", "The second.", Some(true)),
        ]
    );
    assert_eq!((record.status.as_deref(), record.closed), (Some("In Progress"), false));

    let history = psa.history(&id.to_string()).unwrap();
    assert_eq!((history.unread.len(), history.complete), (0, true), "{:?}", history.unread);
    let status = history
        .events
        .iter()
        .find(|e| matches!(&e.what, Happening::Change { of: Changed::Status, .. }))
        .unwrap();
    assert_eq!(status.actor_kind, ActorKind::Technician);
    assert_eq!(
        status.what,
        Happening::Change { of: Changed::Status, from: Some("New".into()), to: Some("In Progress".into()) }
    );
    assert_eq!(psa.ticket("999999999").unwrap(), None);
}

#[test]
fn an_old_server_tells_notes_too() {
    let fake = start();
    let id = open(&fake, 1)[0];
    fake.set(&json!({"all_notes": false})).unwrap();
    let record = connector(settings(&fake)).ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!(record.ticket.body.as_deref(), Some("Since this morning."));
}

#[test]
fn a_note_is_written_once_though_replies_are_lost() {
    let fake = start();
    let id = open(&fake, 1)[0];
    let lost = [
        Trouble::LostReply,
        Trouble::Status { status: 503, retry_after: None, body: TroubleBody::Html },
        Trouble::Status { status: 429, retry_after: Some(1), body: TroubleBody::Text },
        Trouble::Refused,
    ];
    for (i, trouble) in lost.into_iter().enumerate() {
        let act = Act::Note {
            text: mark_own_note(&format!("Answer number {i}, from us."), i as i64),
            visible: i % 2 == 0,
            customer: "halden logistics".to_owned(),
            status: None,
        };
        fake.faults(|faults| faults.list.push(fault("POST", "/notes", 1, trouble)));
        let mut psa = connector(settings(&fake));
        // Whether the first attempt is known to be done or not: the second finds it, or does it.
        let _first = psa.apply(&id.to_string(), &act, &BTreeMap::new());
        let second = psa.apply(&id.to_string(), &act, &BTreeMap::new()).unwrap();
        assert!(matches!(second, Done::WasThere { .. } | Done::Written { .. }));
        let (written, mails) = fake.world(|world| (world.writes.len(), world.mails.len()));
        assert_eq!(written, i + 1);
        assert_eq!(mails, i / 2 + 1, "an internal note is never mailed");
    }
}

#[test]
fn what_the_apis_member_changes_beside_a_note_of_ours_is_firstlines() {
    let fake = start();
    let [id, other] = open(&fake, 2)[..] else { unreachable!() };
    let mut psa = connector(settings(&fake));
    let note = Act::Note {
        text: mark_own_note("It is done.", 1),
        visible: true,
        customer: firstline_ticket::customer_key("Halden Logistics"),
        status: None,
    };
    assert!(matches!(psa.apply(&id.to_string(), &note, &BTreeMap::new()).unwrap(), Done::Written { .. }));
    let set = Act::SetFields(BTreeMap::from([(Field::Board, "Network".to_owned())]));
    for id in [id, other] {
        let labels = BTreeMap::from([(Field::Board, Some("Service Desk".to_owned()))]);
        assert!(matches!(psa.apply(&id.to_string(), &set, &labels).unwrap(), Done::Written { .. }));
    }
    let mut by = |id: i64| -> Vec<ActorKind> {
        let events = psa.history(&id.to_string()).unwrap().events;
        let changes =
            events.into_iter().filter(|e| matches!(e.what, Happening::Change { of: Changed::Board, .. }));
        changes.map(|event| event.actor_kind).collect()
    };
    assert_eq!((by(id), by(other)), (vec![ActorKind::Firstline], vec![ActorKind::System]));
}

#[test]
fn labels_are_set_by_the_boards_own_ids_and_never_over_a_persons() {
    let fake = start();
    let id = open(&fake, 1)[0];
    let mut psa = connector(settings(&fake));
    let labels: BTreeMap<Field, Option<String>> = {
        let record = psa.ticket(&id.to_string()).unwrap().unwrap();
        Field::ALL.into_iter().map(|field| (field, record.ticket.label(field).map(str::to_owned))).collect()
    };
    let wanted = [
        (Field::Board, "Network"),
        (Field::Type, "Connectivity"),
        (Field::Subtype, "VPN"),
        (Field::Technician, "Aiko Brandt"),
    ];
    let fields: BTreeMap<Field, String> =
        wanted.into_iter().map(|(field, to)| (field, to.to_owned())).collect();
    let set = Act::SetFields(fields);
    assert!(matches!(psa.apply(&id.to_string(), &set, &labels).unwrap(), Done::Written { .. }));
    let record = psa.ticket(&id.to_string()).unwrap().unwrap();
    for (field, to) in wanted {
        assert_eq!(record.ticket.label(field), Some(to));
    }
    // The same again, as after a crash, changes nothing; and one that a person has changed since stays.
    assert!(matches!(
        psa.apply(&id.to_string(), &set, &labels).unwrap(),
        Done::Written { .. } | Done::WasThere { .. }
    ));
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Samir Novak")), world.now());
        let to = world.technician("Samir Novak");
        world.set(id, Deed::Owner, Some(to), by);
    });
    let before = fake.world(|world| world.writes.len());
    assert!(matches!(psa.apply(&id.to_string(), &set, &labels).unwrap(), Done::Changed { .. }));
    assert_eq!(fake.world(|world| world.writes.len()), before);
    let (id, labels) = (open(&fake, 1)[0], BTreeMap::new());
    let unknown = Act::SetFields(BTreeMap::from([(Field::Type, "No such type".to_owned())]));
    let error = psa.apply(&id.to_string(), &unknown, &labels).unwrap_err();
    assert_eq!(error.code(), Some(Code::PsaRefused), "it would be refused again");
    let error = error.to_string();
    assert!(error.contains("no type \"No such type\""), "{error}");
}

#[test]
fn a_check_tells_what_is_wrong_and_what_to_do() {
    let fake = start();
    open(&fake, 2);
    let good = connector(settings(&fake)).check();
    assert!(good.iter().all(|finding| finding.next.is_none()), "{good:?}");
    let wrong: [(&str, ConnectwiseSettings); 4] = [
        ("company", ConnectwiseSettings { company: "nobody".to_owned(), ..settings(&fake) }),
        ("401", ConnectwiseSettings { private_key: Secret::new("wrong"), ..settings(&fake) }),
        ("clientId", ConnectwiseSettings { client_id: Secret::default(), ..settings(&fake) }),
        ("ection", ConnectwiseSettings { url: "http://127.0.0.1:9".to_owned(), ..settings(&fake) }),
    ];
    for (told, settings) in wrong {
        let found = connector(settings).check();
        let first = &found[0];
        assert!(first.next.is_some() && found.len() == 1, "{found:?}");
        assert!(format!("{first:?}").to_lowercase().contains(&told.to_lowercase()), "{told}: {first:?}");
    }
    fake.set(&json!({"denied": ["audit.inquire"]})).unwrap();
    let found = connector(settings(&fake)).check();
    let denied: Vec<&str> = found.iter().filter(|f| f.next.is_some()).map(|f| f.what.as_str()).collect();
    assert_eq!(denied, ["history (audit trail)"], "{found:?}");
    fake.set(&json!({"denied": []})).unwrap();
    fake.world(|world| world.clock.set(Timestamp::now() + SignedDuration::from_mins(10)));
    let found = connector(settings(&fake)).check();
    assert!(found.iter().any(|f| f.what == "clock" && f.next.is_some()), "{found:?}");
}

#[test]
fn the_rules_that_route_are_found_with_what_they_set() {
    let fake = start();
    let found = connector(settings(&fake)).rules().unwrap();
    let workflows: Vec<_> = found.iter().filter(|rule| rule.source == "workflow").collect();
    assert!(
        workflows.len() >= 3 && workflows.iter().any(|rule| rule.set.contains_key(&Field::Board)),
        "{found:#?}"
    );
    let parsing: Vec<_> = found.iter().filter(|rule| rule.source == "parsing rule").collect();
    assert!(parsing.len() == 1 && !parsing[0].when["words"].is_empty(), "{parsing:#?}");
    assert!(
        parsing[0].set.contains_key(&Field::Board) && parsing[0].set.contains_key(&Field::Priority),
        "{parsing:#?}"
    );
}

#[test]
fn a_busy_server_is_no_unknown_company() {
    let fake = start();
    open(&fake, 1);
    let busy = |status| Trouble::Status { status, retry_after: None, body: TroubleBody::Html };
    for (status, part) in
        [(503, "just now (status 503)"), (429, "just now (status 429)"), (403, "does not say where")]
    {
        fake.faults(|faults| {
            faults.list.clear();
            faults.list.push(fault("GET", "/login/companyinfo", 100, busy(status)));
        });
        let told = format!("{:?}", connector(settings(&fake)).check());
        assert!(told.contains(part) && !told.contains("does not know the company"), "{status}: {told}");
    }
    fake.faults(|faults| faults.list.clear());
    for missing in [true, false] {
        fake.set(&json!({"unknown_company_404": missing})).unwrap();
        let unknown = ConnectwiseSettings { company: "nobody".to_owned(), ..settings(&fake) };
        let told = format!("{:?}", connector(unknown).check());
        assert!(told.contains("does not know the company"), "{told}");
    }
}

#[test]
fn a_check_names_each_right_that_is_missing_and_the_board_that_never_closes() {
    let fake = start();
    open(&fake, 2);
    let bad = |fake: &Fake| -> Vec<(String, String)> {
        let found = connector(settings(fake)).check();
        found.into_iter().filter_map(|row| Some((row.what, row.next?))).collect()
    };
    for (denied, rows, right) in [
        ("time.inquire", &["time entries"][..], "Time Entry"),
        ("tickets.inquire", &["tickets", "notes"], "Inquire All"),
        (
            "members.inquire",
            &["members", "boards, types, statuses, priorities", "statuses that close"],
            "Member",
        ),
    ] {
        fake.set(&json!({"denied": [denied]})).unwrap();
        let found = bad(&fake);
        assert_eq!(found.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), rows, "{denied}");
        assert!(found[0].1.contains(right), "{found:?}");
    }
    fake.set(&json!({"denied": []})).unwrap();
    fake.world(|world| {
        let alerts = world.board("Alerts");
        let closing: Vec<i64> = world.statuses_of(alerts).filter(|s| s.closed).map(|s| s.id).collect();
        closing.iter().for_each(|id| world.statuses.get_mut(id).unwrap().closed = false);
    });
    let found = connector(settings(&fake)).check();
    let row = found.iter().find(|row| row.what == "statuses that close").unwrap();
    assert!(
        row.found.contains("\"Alerts\"") && !row.found.contains("Network") && row.next.is_some(),
        "{row:?}"
    );
    let templates = found.iter().find(|row| row.what == "templates").unwrap();
    assert!(
        templates.found.contains("\"New starter\" sets board")
            && templates.found.contains("mails the contact")
    );
    assert_eq!(fake.world(|world| world.writes.len()), 0);
}

#[test]
fn rules_that_are_not_understood_stay_raw_and_those_that_reach_customers_are_marked() {
    let fake = start();
    let rule = |id: i64, priority: i64, term: Option<&str>| json!({"id": id, "priority": priority, "searchTerm": term, "serviceBoard": {"id": 1, "name": "Alerts"}});
    fake.set(&json!({"parsing_rules": [rule(2, 2, Some("Störung")), rule(1, 1, Some("[ALERT]")), rule(3, 3, None), rule(4, 4, Some("***"))]}))
        .unwrap();
    let found = connector(settings(&fake)).rules().unwrap();
    let parsing: Vec<_> = found.iter().filter(|rule| rule.source == "parsing rule").collect();
    let told: Vec<_> = parsing.iter().map(|rule| (rule.when.get("words"), rule.raw.is_some())).collect();
    let words = |word: &str| vec![word.to_owned()];
    assert_eq!(
        told,
        [(Some(&words("[ALERT]")), false), (Some(&words("Störung")), false), (None, true), (None, true)]
    );
    let acting: Vec<&str> = found.iter().filter(|r| r.acts_on_customers).map(|r| r.name.as_str()).collect();
    assert_eq!(acting, ["Acknowledge new tickets"]);
    let assigned = found.iter().find(|rule| rule.source == "automatic assignment").unwrap();
    assert!(assigned.raw.is_some() && assigned.when["board"].len() == 1, "{assigned:?}");
    assert!(found.iter().filter(|rule| rule.source == "workflow").all(|rule| rule.raw.is_some()));
}

#[test]
fn a_reply_sets_the_status_of_its_board_once_and_never_one_that_closes() {
    let fake = start();
    let status = |fake: &Fake, id: i64| {
        fake.world(|world| {
            world.tickets[&id].status.and_then(|status| world.name_of(Deed::Status, status)).unwrap()
        })
    };
    for (to, stands) in
        [("waiting ON customer", "Waiting on customer"), ("Closed", "New"), ("Nowhere", "New")]
    {
        let id = open(&fake, 1)[0];
        let text = mark_own_note(&format!("Is it back? {to}"), 1);
        let act = Act::Note {
            text,
            visible: true,
            customer: "halden logistics".to_owned(),
            status: Some(to.to_owned()),
        };
        let Done::Written { cut, .. } =
            connector(settings(&fake)).apply(&id.to_string(), &act, &BTreeMap::new()).unwrap()
        else {
            panic!("{to}");
        };
        assert_eq!(status(&fake, id), stands);
        assert_eq!(cut.is_some(), stands == "New", "{to}: {cut:?}");
        let notes = fake.world(|world| {
            world.notes_of(id, false).iter().filter(|n| n.text.contains("Is it back")).count()
        });
        assert_eq!(notes, 1);
    }
}

#[test]
fn members_are_read_again_once_a_write_was_refused() {
    let fake = start();
    let id = open(&fake, 1)[0].to_string();
    let mut psa = connector(settings(&fake));
    let read = |fake: &Fake| fake.log().iter().filter(|asked| asked.path.contains("/system/members")).count();
    psa.history(&id).unwrap();
    psa.history(&id).unwrap();
    assert_eq!(read(&fake), 1);
    let unknown = Act::SetFields(BTreeMap::from([(Field::Priority, "No such priority".to_owned())]));
    psa.apply(&id, &unknown, &BTreeMap::new()).unwrap_err();
    psa.history(&id).unwrap();
    assert_eq!(read(&fake), 2);
}
