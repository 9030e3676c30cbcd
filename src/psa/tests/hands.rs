//! What is done in a PSA beside notes and labels: tickets are closed and opened again, the desk's own automation runs.

// Helpers of tests stand outside `#[test]`, where the manifest's exception does not reach.
#![allow(clippy::unwrap_used)]

#[path = "hands/listener.rs"]
mod listener;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use firstline_fakes::{
    Author, Clock, Deed, Fake, FakeOptions, Fault, NewTicket, Note, Trouble, TroubleBody, Which, autotask,
    connectwise, halo,
};
use firstline_psa::automation::{Automation, Order, Ran};
use firstline_psa::autotask::{Autotask, AutotaskSettings};
use firstline_psa::connector::{Act, Connector, Done, Turn};
use firstline_psa::connectwise::{Connectwise, ConnectwiseSettings};
use firstline_psa::halo::{Halo, HaloSettings};
use firstline_psa::http::{Http, Pace, Wait, agent};
use firstline_psa::mapped::{LabelMap, Mapped};
use firstline_psa::secret::Secret;
use firstline_psa::sync::{Round, RoundSettings, Service, WriteSettings, round};
use jiff::{SignedDuration, Timestamp};
use listener::{Heard, Listener};
use serde_json::{Value, json};

const PSAS: [Which; 3] = [Which::Connectwise, Which::Autotask, Which::Halo];
const SECRET: &str = "a secret of the automation";

/// A PSA, and its names: a status that closes, one that is open, one of a technician.
struct Desk {
    fake: Fake,
    psa: Box<dyn Connector>,
    closes: &'static str,
    open: &'static str,
    technician: &'static str,
    /// A board and a customer.
    place: (&'static str, &'static str),
}

fn wait() -> Wait {
    Arc::new(|pause| {
        std::thread::sleep(pause.min(std::time::Duration::from_millis(2)));
        true
    })
}

fn connector(which: Which, fake: &Fake) -> Box<dyn Connector> {
    let url = fake.url();
    match which {
        Which::Connectwise => Box::new(Connectwise::new(
            ConnectwiseSettings {
                url,
                company: connectwise::COMPANY_ID.to_owned(),
                public_key: connectwise::PUBLIC_KEY.to_owned(),
                private_key: Secret::new(connectwise::PRIVATE_KEY),
                client_id: Secret::new(connectwise::CLIENT_ID),
                codebase: None,
                requests_per_minute: 10_000,
            },
            agent(),
            wait(),
        )),
        Which::Autotask => Box::new(Autotask::new(
            AutotaskSettings {
                url,
                user: autotask::API_USER.to_owned(),
                secret: Secret::new(autotask::API_SECRET),
                integration_code: Secret::new(autotask::INTEGRATION_CODE),
                note_type: None,
                act_as: None,
                requests_per_minute: 10_000,
            },
            agent(),
            wait(),
        )),
        Which::Halo => Box::new(Halo::new(
            HaloSettings {
                url,
                auth_url: None,
                tenant: None,
                client_id: halo::CLIENT_ID.to_owned(),
                client_secret: Secret::new(halo::CLIENT_SECRET),
                scope: "all".to_owned(),
                note_outcome: halo::PRIVATE_NOTE,
                reply_outcome: Some(halo::EMAIL_USER),
                requests_per_five_minutes: 300,
            },
            agent(),
            wait(),
        )),
    }
}

fn desk(which: Which) -> Desk {
    let fake = Fake::start(FakeOptions { which, clock: Clock::real(), port: 0, tls: None }).unwrap();
    let (closes, open, technician) = match which {
        Which::Connectwise => ("Closed", "In Progress", "Aiko Brandt"),
        Which::Autotask => {
            fake.set(&json!({"throttled": false})).unwrap();
            ("Complete", "In Progress", "Grace Okafor")
        }
        Which::Halo => {
            fake.set(&json!({"quota": 0})).unwrap();
            ("Closed", "In Progress", "Noor Pascoe")
        }
    };
    let place = match which {
        Which::Connectwise => ("Service Desk", "Halden Logistics"),
        Which::Autotask => ("Service Desk", "Harbour Veterinary Group"),
        Which::Halo => ("1st Line Support", "Larkspur Dental"),
    };
    let psa = connector(which, &fake);
    Desk { fake, psa, closes, open, technician, place }
}

impl Desk {
    /// Opens a ticket; gives its id.
    fn ticket(&self) -> i64 {
        self.fake.world(|world| {
            let (board, company) = (world.board(self.place.0), world.company(self.place.1));
            let contact = world.contact(company, "Ruth Meier");
            let new = NewTicket {
                summary: "The printer is offline".to_owned(),
                description: "Since this morning.".to_owned(),
                company,
                contact: Some(contact),
                board,
                ..NewTicket::default()
            };
            world.open(new, Author::Contact(contact))
        })
    }

    fn customer(&mut self, id: i64) -> String {
        let record = self.psa.ticket(&id.to_string()).unwrap().unwrap();
        record.ticket.customer.unwrap().to_lowercase()
    }

    fn turn(&mut self, id: i64, closes: bool, technician: Option<&str>) -> Act {
        let status = if closes { self.closes } else { self.open }.to_owned();
        let (customer, technician) = (self.customer(id), technician.map(str::to_owned));
        Act::Turn(Turn { closes, status, ends: false, customer, technician })
    }

    fn apply(&mut self, id: i64, act: &Act) -> Done {
        self.psa.apply(&id.to_string(), act, &BTreeMap::new()).unwrap()
    }

    fn status(&self, id: i64) -> String {
        self.fake.world(|world| {
            let status = world.tickets[&id].status.unwrap();
            world.statuses[&status].name.clone()
        })
    }

    fn owner(&self, id: i64) -> Option<String> {
        self.fake.world(|world| {
            let owner = world.tickets[&id].owner?;
            Some(world.technicians[&owner].name.clone())
        })
    }

    fn writes(&self) -> usize {
        self.fake.world(|world| world.writes.len())
    }
}

#[test]
fn a_ticket_is_closed_and_opened_again_each_once() {
    for which in PSAS {
        let mut desk = desk(which);
        let (id, closes, open, technician) = (desk.ticket(), desk.closes, desk.open, desk.technician);
        let close = desk.turn(id, true, None);
        assert!(matches!(desk.apply(id, &close), Done::Written { cut: None, .. }), "{which:?}");
        assert_eq!((desk.status(id).as_str(), desk.writes()), (closes, 1), "{which:?}");
        assert!(desk.psa.ticket(&id.to_string()).unwrap().unwrap().closed, "{which:?}");
        assert_eq!(desk.apply(id, &close), Done::WasThere { psa_ref: None }, "{which:?}");
        let reopen = desk.turn(id, false, Some(technician));
        assert!(matches!(desk.apply(id, &reopen), Done::Written { cut: None, .. }), "{which:?}");
        assert_eq!(
            (desk.status(id).as_str(), desk.owner(id).as_deref()),
            (open, Some(technician)),
            "{which:?}"
        );
        assert_eq!(desk.apply(id, &reopen), Done::WasThere { psa_ref: None }, "{which:?}");
        assert_eq!(desk.writes(), 2, "{which:?}");
    }
}

#[test]
fn a_ticket_is_closed_once_though_replies_are_lost() {
    for which in PSAS {
        let (method, path) = match which {
            Which::Connectwise => ("PATCH", "/service/tickets"),
            Which::Autotask => ("PATCH", "/Tickets"),
            Which::Halo => ("POST", "/Tickets"),
        };
        let busy = Trouble::Status { status: 503, retry_after: None, body: TroubleBody::Html };
        for (closes, trouble) in
            [(true, Trouble::LostReply), (true, busy.clone()), (false, Trouble::LostReply)]
        {
            let mut desk = desk(which);
            let id = desk.ticket();
            if !closes {
                let close = desk.turn(id, true, None);
                desk.apply(id, &close);
            }
            let (act, before) = (desk.turn(id, closes, None), desk.writes());
            let fault = Fault {
                method: Some(method.to_owned()),
                path: path.to_owned(),
                skip: 0,
                times: 1,
                what: trouble,
            };
            desk.fake.faults(|faults| faults.list.push(fault));
            let _first = desk.psa.apply(&id.to_string(), &act, &BTreeMap::new());
            let second = desk.apply(id, &act);
            assert!(matches!(second, Done::Written { .. } | Done::WasThere { .. }), "{which:?}: {second:?}");
            let wanted = if closes { desk.closes } else { desk.open };
            assert_eq!((desk.status(id).as_str(), desk.writes()), (wanted, before + 1), "{which:?}");
        }
    }
}

#[test]
fn what_a_person_has_done_stands() {
    for which in PSAS {
        let mut desk = desk(which);
        let technician = desk.technician;
        // Somebody owns it: it stays theirs.
        let id = desk.ticket();
        desk.fake.world(|world| {
            let own = world.technicians.values().find(|one| one.active && one.name != technician).unwrap().id;
            let by = (Author::Technician(own), world.now());
            world.set(id, Deed::Owner, Some(own), by);
        });
        let close = desk.turn(id, true, None);
        desk.apply(id, &close);
        let (owner, reopen) = (desk.owner(id), desk.turn(id, false, Some(technician)));
        assert!(matches!(desk.apply(id, &reopen), Done::Written { .. }), "{which:?}");
        assert_eq!((desk.owner(id), owner.as_deref() == Some(technician)), (owner, false), "{which:?}");
        // Another customer's ticket, or one that was merged, is left alone.
        let (other, merged, parent) = (desk.ticket(), desk.ticket(), desk.ticket());
        let before = desk.writes();
        let Act::Turn(turn) = desk.turn(other, true, None) else { panic!("no turn") };
        let theirs = Act::Turn(Turn { customer: "somebody else".to_owned(), ..turn });
        let told = desk.apply(other, &theirs);
        assert_eq!(told, Done::Changed { what: "the ticket is another customer's".to_owned() }, "{which:?}");
        if which != Which::Autotask {
            let close = desk.turn(merged, true, None);
            desk.fake.world(|world| {
                let by = (Author::Technician(*world.technicians.keys().next().unwrap()), world.now());
                world.merge(merged, parent, by);
            });
            assert!(matches!(desk.apply(merged, &close), Done::Changed { .. }), "{which:?}");
        }
        assert_eq!(desk.writes(), before, "{which:?}");
    }
}

#[test]
fn a_status_that_does_the_opposite_is_never_set() {
    for which in PSAS {
        let mut desk = desk(which);
        let (id, open, closes) = (desk.ticket(), desk.open, desk.closes);
        let Act::Turn(turn) = desk.turn(id, true, None) else { panic!("no turn") };
        for (closing, status) in
            [(true, open), (true, "No such status"), (false, closes), (false, "No such status")]
        {
            let act = Act::Turn(Turn { closes: closing, status: status.to_owned(), ..turn.clone() });
            if !closing {
                let close = desk.turn(id, true, None);
                desk.apply(id, &close);
            }
            let before = (desk.status(id), desk.writes());
            let told = desk.psa.apply(&id.to_string(), &act, &BTreeMap::new());
            let named = told.as_ref().is_err_and(|e| e.to_string().contains(status));
            assert!(named || told == Ok(Done::WasThere { psa_ref: None }), "{which:?} {status}: {told:?}");
            assert_eq!((desk.status(id), desk.writes()), before, "{which:?} {status}");
        }
    }
}

#[test]
fn an_unknown_technician_keeps_no_ticket_closed() {
    for which in PSAS {
        let mut desk = desk(which);
        let id = desk.ticket();
        let close = desk.turn(id, true, None);
        desk.apply(id, &close);
        let reopen = desk.turn(id, false, Some("Nobody Knows"));
        let Done::Written { cut: Some(cut), .. } = desk.apply(id, &reopen) else { panic!("{which:?}") };
        assert!(cut.contains("Nobody Knows"), "{cut}");
        assert_eq!((desk.status(id).as_str(), desk.owner(id)), (desk.open, None), "{which:?}");
    }
}

#[test]
fn a_status_that_ends_tickets_here_closes_them_though_the_psa_does_not() {
    for which in PSAS {
        let Desk { fake, psa, technician, place, .. } = desk(which);
        // An open one that the desk takes for the end.
        let ends = match which {
            Which::Connectwise => "Waiting for customer",
            Which::Autotask => "Waiting Customer",
            Which::Halo => "Waiting on Customer",
        };
        let names: Vec<String> =
            fake.world(|world| world.statuses.values().map(|one| one.name.clone()).collect());
        let ends = names.iter().find(|name| name.eq_ignore_ascii_case(ends)).unwrap_or(&names[1]).clone();
        let map = LabelMap::default().closing(std::slice::from_ref(&ends)).turning(Some(ends.clone()), None);
        let psa = Box::new(Mapped::new(psa, map));
        let mut desk = Desk { fake, psa, closes: "", open: "", technician, place };
        let id = desk.ticket();
        let customer = desk.customer(id);
        let turn = Turn { closes: true, status: ends.clone(), ends: false, customer, technician: None };
        assert!(matches!(desk.apply(id, &Act::Turn(turn.clone())), Done::Written { .. }), "{which:?}");
        assert_eq!((desk.status(id), desk.writes()), (ends, 1), "{which:?}");
        let again =
            desk.psa.apply(&id.to_string(), &Act::Turn(Turn { closes: false, ..turn }), &BTreeMap::new());
        assert!(again.is_err(), "{which:?}: it would end it and not open it: {again:?}");
    }
}

#[test]
fn a_check_tells_whether_each_board_has_the_statuses() {
    for which in PSAS {
        let rows = |close: &str, reopen: &str| {
            let Desk { psa, fake: _fake, .. } = desk(which);
            let map = LabelMap::default().turning(Some(close.to_owned()), Some(reopen.to_owned()));
            let found = Mapped::new(psa, map).check();
            let row = |what: &str| found.iter().find(|row| row.what == what).map(|row| row.next.is_none());
            (row("status that closes"), row("status that opens again"))
        };
        let Desk { closes, open, .. } = desk(which);
        assert_eq!(rows(open, closes), (Some(false), Some(false)), "{which:?}");
        assert_eq!(rows("No such status", "None"), (Some(false), Some(false)), "{which:?}");
        assert_eq!(rows(closes, open), (Some(true), Some(true)), "{which:?}");
    }
}

/// A service that has these actions, each to be claimed once; and what it was told of them.
struct Stub {
    listener: Listener,
    told: Arc<Mutex<Vec<(i64, Value)>>>,
}

impl Stub {
    fn new(actions: Vec<Value>) -> Self {
        let told: Arc<Mutex<Vec<(i64, Value)>>> = Arc::default();
        let (kept, waiting) = (Arc::clone(&told), Mutex::new(actions.into_iter().rev().collect::<Vec<_>>()));
        let listener =
            Listener::start(move |heard: &Heard| match (heard.method.as_str(), heard.path.as_str()) {
                (_, path) if path.starts_with("/v1/connections/") => {
                    (200, json!({"cursor": null}).to_string())
                }
                (_, "/v1/outbox/claim") => {
                    let next: Vec<Value> = waiting.lock().unwrap().pop().into_iter().collect();
                    (200, json!({"actions": next}).to_string())
                }
                ("GET", path) if path.starts_with("/v1/outbox/") => {
                    (200, json!({"state": "claimed", "attempts": 1}).to_string())
                }
                ("POST", path) if path.starts_with("/v1/outbox/") => {
                    let id = path.rsplit('/').next().unwrap().parse().unwrap();
                    let body: Value = serde_json::from_slice(&heard.body).unwrap();
                    let long = body["result"].to_string().contains("not for the service");
                    kept.lock().unwrap().push((id, body));
                    if long {
                        (400, json!({"detail": "no"}).to_string())
                    } else {
                        (200, json!({"settled": true}).to_string())
                    }
                }
                _ => (200, json!({"results": [], "missing": []}).to_string()),
            });
        Self { listener, told }
    }

    fn round(&self, psa: &mut dyn Connector, write: WriteSettings) -> Round {
        let pace = Pace { requests: 6_000, window: std::time::Duration::from_secs(60) };
        let http = Http::new("the service", agent(), pace, wait());
        let mut service = Service::new(&self.listener.url, Secret::new("key"), http);
        let settings = RoundSettings {
            name: "main".to_owned(),
            owner: "test".to_owned(),
            // Nothing is listed: only what was approved is done.
            start: Timestamp::now() + SignedDuration::from_hours(1),
            overlap: SignedDuration::ZERO,
            lease_seconds: 60,
            write: Some(write),
            closing: [].into(),
            clock: firstline_ticket::Clock::real(),
        };
        round(psa, &mut service, &settings, &|| true).unwrap()
    }

    /// What the service was told of an action.
    fn of(&self, id: i64) -> Value {
        let told = self.told.lock().unwrap();
        told.iter().rev().find(|(of, _)| *of == id).map(|(_, body)| body.clone()).unwrap_or_default()
    }
}

fn action(n: i64, kind: &str, ticket: i64, customer: &str, payload: &Value) -> Value {
    json!({"id": n, "kind": kind, "ticket_id": ticket.to_string(), "customer": customer, "decision_id": "d1",
        "idempotency_key": format!("d1:{kind}:{n}"), "state": "claimed", "attempts": 1, "payload": payload})
}

#[test]
fn approved_turns_are_done_and_those_that_a_person_overtook_go_back() {
    for which in PSAS {
        let mut desk = desk(which);
        let ids: Vec<i64> = (0..5).map(|_| desk.ticket()).collect();
        let customer = desk.customer(ids[0]);
        let opened = Timestamp::now();
        desk.fake.world(|world| {
            let technician =
                Author::Technician(*world.technicians.iter().find(|(_, one)| one.active).unwrap().0);
            let contact = Author::Contact(world.tickets[&ids[1]].contact.unwrap());
            let later = opened + SignedDuration::from_mins(1);
            let said = |by: Author| Note { by, at: later, ..Note::said("Oh wait, it is back.", true) };
            world.note(ids[1], said(contact));
            world.note(ids[2], said(technician));
        });
        let of = |as_of: Timestamp| json!({"as_of": as_of, "technician": desk.technician});
        let stub = Stub::new(vec![
            action(1, "close", ids[0], &customer, &of(opened)),
            action(2, "close", ids[1], &customer, &of(opened)),
            action(3, "close", ids[2], &customer, &of(opened)),
            action(4, "reopen", ids[3], &customer, &json!({"technician": desk.technician})),
            action(5, "close", ids[4], "somebody else", &json!({})),
        ]);
        let write = WriteSettings {
            visible_replies: true,
            close_status: Some(desk.closes.to_owned()),
            reopen_status: Some(desk.open.to_owned()),
            automation: None,
        };
        let done = stub.round(desk.psa.as_mut(), write);
        assert_eq!((done.written, done.returned), (2, 3), "{which:?}: {done:?}");
        assert_eq!(
            (desk.status(ids[0]).as_str(), stub.of(1)["psa_ref"].is_string()),
            (desk.closes, true),
            "{which:?}"
        );
        for (n, why) in
            [(2, "the customer wrote again"), (3, "a technician has worked"), (5, "another customer's")]
        {
            let told = stub.of(n)["returned"].to_string();
            assert!(told.contains(why), "{which:?} {n}: {told}");
            assert_ne!(desk.status(ids[n as usize - 1]), desk.closes, "{which:?}");
        }
        assert_eq!(
            (desk.status(ids[3]).as_str(), desk.owner(ids[3]).as_deref()),
            (desk.open, Some(desk.technician))
        );
    }
}

#[test]
fn what_nobody_approved_goes_back_where_anybody_was_at_the_ticket() {
    for which in PSAS {
        let mut desk = desk(which);
        let ids: Vec<i64> = (0..4).map(|_| desk.ticket()).collect();
        let customer = desk.customer(ids[0]);
        let opened = Timestamp::now();
        desk.fake.world(|world| {
            let technician =
                Author::Technician(*world.technicians.iter().find(|(_, one)| one.active).unwrap().0);
            let contact = Author::Contact(world.tickets[&ids[2]].contact.unwrap());
            let said = |by: Author, minutes: i64| Note {
                by,
                at: opened + SignedDuration::from_mins(minutes),
                ..Note::said("Let me see.", true)
            };
            // A technician before it was decided, a customer after.
            world.note(ids[1], said(technician, 1));
            world.note(ids[2], said(contact, 3));
        });
        let decided = opened + SignedDuration::from_mins(2);
        let quiet = json!({"text": "We look into it.\n[ref FL-7-00000000-1]", "as_of": decided, "untouched_since": opened});
        let fields = json!({"fields": {"priority": "P1"}, "as_of": decided, "untouched_since": opened});
        let again =
            json!({"text": "Once more.\n[ref FL-7-00000000-5]", "as_of": decided, "untouched_since": opened});
        let stub = Stub::new(vec![
            action(1, "reply", ids[0], &customer, &quiet),
            action(2, "reply", ids[1], &customer, &quiet),
            action(3, "reply", ids[2], &customer, &quiet),
            action(4, "set_fields", ids[1], &customer, &fields),
            action(5, "reply", ids[0], &customer, &again),
            // A person approved this one, so others at the ticket do not matter.
            action(6, "reply", ids[1], &customer, &json!({"text": "Approved.\n[ref FL-7-00000000-6]"})),
        ]);
        let write = WriteSettings { visible_replies: true, ..WriteSettings::default() };
        let done = stub.round(desk.psa.as_mut(), write);
        assert_eq!((done.written, done.returned), (2, 4), "{which:?}: {done:?}");
        for (n, why) in [
            (2, "a technician has worked"),
            (3, "the customer wrote again"),
            (4, "a technician has worked"),
            (5, "Firstline has answered already"),
        ] {
            let told = stub.of(n)["returned"].to_string();
            assert!(told.contains(why), "{which:?} {n}: {told}");
        }
    }
}

#[test]
fn nothing_is_turned_or_run_that_the_settings_do_not_allow() {
    for which in PSAS {
        let mut desk = desk(which);
        let id = desk.ticket();
        let customer = desk.customer(id);
        let (closes, open) = (json!({"status": desk.closes}), json!({"status": desk.open}));
        let stub = Stub::new(vec![
            action(1, "close", id, &customer, &closes),
            action(2, "reopen", id, &customer, &open),
            action(3, "run", id, &customer, &json!({"what": "reset"})),
        ]);
        let done = stub.round(desk.psa.as_mut(), WriteSettings::default());
        assert_eq!((done.written, done.returned, desk.writes()), (0, 3, 0), "{which:?}");
        for (n, setting) in [(1, "close_status"), (2, "reopen_status"), (3, "[run]")] {
            let told = stub.of(n)["returned"].to_string();
            assert!(told.contains(setting), "{told}");
        }
    }
}

#[test]
fn a_run_is_signed_and_its_answer_recorded() {
    let mut desk = desk(Which::Connectwise);
    let id = desk.ticket();
    let customer = desk.customer(id);
    let automation = Listener::start(|heard: &Heard| {
        let order: Value = serde_json::from_slice(&heard.body).unwrap();
        match order["payload"]["what"].as_str().unwrap() {
            "refuse" => (422, "no such job".to_owned()),
            "busy" => (503, "later".to_owned()),
            "odd" => (200, json!({"note": "not for the service"}).to_string()),
            what => (200, json!({"did": what}).to_string()),
        }
    });
    let input = |what: &str| json!({"what": what, "slots": {"mailbox": "info@example.com"}});
    let stub = Stub::new(vec![
        action(1, "run", id, &customer, &input("more space")),
        action(2, "run", id, &customer, &input("refuse")),
        action(3, "run", id, &customer, &input("odd")),
        action(4, "run", id, "somebody else", &input("more space")),
        action(5, "run", id, &customer, &input("busy")),
    ]);
    let automation_of = Automation::new(&automation.url, Secret::new(SECRET), 5);
    let write = WriteSettings { automation: Some(automation_of), ..WriteSettings::default() };
    let done = stub.round(desk.psa.as_mut(), write);
    assert_eq!((done.written, done.returned), (2, 2), "{done:?}");
    assert_eq!(stub.of(1)["result"], json!({"did": "more space"}));
    assert!(stub.of(2)["returned"].to_string().contains("422: no such job"));
    assert!(stub.of(3)["result"]["unread"].is_string(), "{}", stub.of(3));
    assert!(stub.of(4)["returned"].is_string());
    assert!(stub.of(5)["error"].to_string().contains("503"));
    let heard = automation.heard();
    assert_eq!(heard.len(), 4, "another customer's ticket is not told to it");
    for one in &heard {
        let time = one.header("firstline-timestamp");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        let signed = [time.as_bytes(), b".", &one.body].concat();
        let tag: String =
            ring::hmac::sign(&key, &signed).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(one.header("firstline-signature"), format!("sha256={tag}"));
        assert!((Timestamp::now().as_second() - time.parse::<i64>().unwrap()).abs() < 60);
        let order: Value = serde_json::from_slice(&one.body).unwrap();
        assert_eq!(one.header("idempotency-key"), order["idempotency_key"].as_str().unwrap());
        assert_eq!((&order["kind"], &order["customer"]), (&json!("run"), &json!(customer)));
        assert!(!String::from_utf8_lossy(&one.body).contains(SECRET));
    }
}

#[test]
fn an_automation_is_believed_in_its_answer_alone() {
    let input = json!({});
    let order = Order {
        key: "d1:run",
        action: 1,
        ticket: "7",
        customer: "acme",
        decision: "d1",
        attempts: 1,
        input: &input,
    };
    let run = |status: u16, body: String| {
        let listener = Listener::start(move |_: &Heard| (status, body.clone()));
        let ran = Automation::new(&listener.url, Secret::new(SECRET), 5).run(&order);
        (ran, listener.heard().len())
    };
    let nested = |deep: usize| format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
    for (body, kept) in [
        (json!({"ok": true}).to_string(), true),
        (nested(12), true),
        (nested(13), false),
        (nested(100_000), false),
        (String::new(), false),
        ("done".to_owned(), false),
        (format!("\"{}\"", "x".repeat((64 << 10) - 2)), true),
        (format!("\"{}\"", "x".repeat(64 << 10)), false),
    ] {
        let (Ok(Ran::Answered(answer)), 1) = run(200, body.clone()) else { panic!("{}", body.len()) };
        assert_eq!(answer.get("unread").is_none(), kept, "{} bytes", body.len());
    }
    for status in [301, 302, 307, 400, 401, 404, 409, 422] {
        assert!(matches!(run(status, "why".to_owned()), (Ok(Ran::Refused(_)), 1)), "{status}");
    }
    for status in [408, 425, 429, 500, 502, 503] {
        assert!(matches!(run(status, "why".to_owned()), (Err(_), 1)), "{status}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Automation::new(&format!("http://{closed}"), Secret::new(SECRET), 5).run(&order);
    assert!(gone.is_err_and(|e| !e.to_string().contains(SECRET)));
}
