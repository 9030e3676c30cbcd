//! `firstline connect` between a service and a ConnectWise that is not one.

use firstline_fakes::{Author, Clock, Fake, FakeOptions, NewTicket, Note, Which, connectwise as fake};
use firstline_ticket::Changed;
use serde_json::{Value, json};

use crate::served::Service;

fn start() -> Fake {
    Fake::start(FakeOptions { which: Which::Connectwise, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

/// Writes the settings of a connection to `fake` into the service's folder; gives the file.
fn settings(service: &Service, fake: &Fake, write: &str) -> String {
    let key = service.key("triage,feedback,act,review", &[]);
    service.dir.file("service.key", key);
    service.dir.file("private.key", fake::PRIVATE_KEY);
    let text = format!(
        "service = {:?}\nkey_file = \"service.key\"\n[[connection]]\nname = \"main\"\n[connection.connectwise]\nurl = {:?}\n\
        company = {:?}\npublic_key = {:?}\nprivate_key_file = \"private.key\"\nclient_id = {:?}\nrequests_per_minute = 60000\n{write}",
        service.base(),
        fake.url(),
        fake::COMPANY_ID,
        fake::PUBLIC_KEY,
        fake::CLIENT_ID,
    );
    service.dir.file("psa.toml", text)
}

/// Opens `n` tickets of people; gives their ids.
fn open(fake: &Fake, n: usize) -> Vec<i64> {
    fake.world(|world| {
        let (board, company) = (world.board("Service Desk"), world.company("Halden Logistics"));
        let contact = world.contact(company, "Ruth Meier");
        let new = |i: usize| NewTicket {
            summary: format!("Printer {i} is offline"),
            description: "It says offline since this morning, can you have a look?".to_owned(),
            company,
            contact: Some(contact),
            board,
            ..NewTicket::default()
        };
        (0..n).map(|i| world.open(new(i), Author::Contact(contact))).collect()
    })
}

/// One round; gives what it did.
fn once(service: &Service, settings: &str) -> Value {
    service.dir.ok(&["connect", "--config", settings, "--once", "--json"]).json()
}

#[test]
fn tickets_are_decided_once_their_ends_are_joined_and_shadow_writes_nothing() {
    let (service, fake) = (Service::start(&[]), start());
    let settings = settings(&service, &fake, "[connection.write]\nreplies = \"visible\"\n");
    let opened = open(&fake, 40);
    let first = once(&service, &settings);
    assert_eq!(
        (&first["changed"], &first["decided"], &first["faults"]),
        (&json!(40), &json!(40), &json!([]))
    );
    // What was read right after its change is read once more, since the PSA tells whole seconds; then no more.
    std::thread::sleep(std::time::Duration::from_secs(3));
    once(&service, &settings);
    let again = once(&service, &settings);
    assert_eq!(
        (&again["changed"], &again["decided"]),
        (&json!(0), &json!(0)),
        "what did not change is not read again"
    );

    // Half of them are worked on and closed.
    fake.world(|world| {
        let technician = Author::Technician(world.technician("Mara Lindqvist"));
        for id in opened.iter().take(20) {
            world.note(*id, Note { by: technician, ..Note::said("It is back, the cable was loose.", true) });
            let by = (technician, world.now());
            world.change(*id, Changed::Type, Some("Access"), by);
            world.change(*id, Changed::Owner, Some("Mara Lindqvist"), by);
            world.change(*id, Changed::Status, Some("Closed"), by);
        }
    });
    let ended = once(&service, &settings);
    assert_eq!((&ended["changed"], &ended["ended"], &ended["faults"]), (&json!(20), &json!(20), &json!([])));
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let kpis = service.get("/v1/kpis", key.trim()).ok();
    assert_eq!(kpis["decisions"], 40, "{kpis}");
    assert_eq!(fake.world(|world| world.writes.len()), 0, "shadow writes nothing");
}

#[test]
fn a_process_that_has_no_lease_does_nothing() {
    let (service, fake) = (Service::start(&[]), start());
    let settings = settings(&service, &fake, "");
    open(&fake, 3);
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let lease = json!({"owner": "another", "lease_seconds": 600});
    // Leases are told apart by key and owner.
    service.post("/v1/connections/main", key.trim(), &lease).ok();
    let round = once(&service, &settings);
    assert!(round["other"].as_str().unwrap().contains("another"), "{round}");
    assert_eq!(round["decided"], 0);
    assert_eq!(service.post("/v1/connections/main", key.trim(), &json!({"owner": "third"})).status, 409);
}

#[test]
fn a_check_names_what_is_missing_and_tells_no_secret() {
    let (service, fake) = (Service::start(&[]), start());
    let settings = settings(&service, &fake, "");
    let good = service.dir.ok(&["connect", "--config", &settings, "--check"]).stdout;
    assert!(
        good.contains("nothing: there is no [connection.write] section") && !good.contains("MISSING"),
        "{good}"
    );
    let wrong = "not-the-private-key";
    service.dir.file("private.key", wrong);
    let bad = service.dir.run(&["connect", "--config", &settings, "--check"]);
    assert_eq!(bad.code, 1);
    let told = format!("{}{}", bad.stdout, bad.stderr);
    assert!(told.contains("MISSING") && told.contains("401") && told.contains("private_key_file"), "{told}");
    assert!(!told.contains(wrong) && !told.contains(fake::CLIENT_ID));
    service.dir.fails(&["connect", "--config", "nowhere.toml"], "E_CONFIG");
}
