//! `firstline connect` between a service and a ConnectWise that is not one.

use firstline_fakes::{
    Author, Clock, Fake, FakeOptions, NewTicket, Note, Which, autotask, connectwise, halo,
};
use firstline_ticket::Changed;
use serde_json::{Value, json};

use crate::served::Service;

/// The three, each with the section of settings that reaches it, as far as it does not depend on where it runs.
const PSAS: [Which; 3] = [Which::Connectwise, Which::Autotask, Which::Halo];

fn start(which: Which) -> Fake {
    Fake::start(FakeOptions { which, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

fn section(which: Which, fake: &Fake) -> (&'static str, String) {
    let url = fake.url();
    match which {
        Which::Connectwise => (
            connectwise::PRIVATE_KEY,
            format!(
                "[connection.connectwise]\nurl = {url:?}\ncompany = {:?}\npublic_key = {:?}\nprivate_key_file = \"psa.key\"\n\
                client_id = {:?}\nrequests_per_minute = 60000\n",
                connectwise::COMPANY_ID,
                connectwise::PUBLIC_KEY,
                connectwise::CLIENT_ID
            ),
        ),
        Which::Autotask => (
            autotask::API_SECRET,
            format!(
                "[connection.autotask]\nurl = {url:?}\nuser = {:?}\nsecret_file = \"psa.key\"\nintegration_code = {:?}\n\
                requests_per_minute = 60000\n",
                autotask::API_USER,
                autotask::INTEGRATION_CODE
            ),
        ),
        Which::Halo => (
            halo::CLIENT_SECRET,
            format!(
                "[connection.halo]\nurl = {url:?}\nclient_id = {:?}\nclient_secret_file = \"psa.key\"\nnote_outcome = {}\n\
                reply_outcome = {}\nrequests_per_five_minutes = 60000\n",
                halo::CLIENT_ID,
                halo::PRIVATE_NOTE,
                halo::EMAIL_USER
            ),
        ),
    }
}

/// Writes the settings of a connection to `fake` into the service's folder; gives the file.
fn settings(service: &Service, (which, fake): (Which, &Fake), write: &str) -> String {
    let key = service.key("triage,feedback,act,review", &[]);
    service.dir.file("service.key", key);
    let (secret, section) = section(which, fake);
    service.dir.file("psa.key", secret);
    let text = format!(
        "service = {:?}\nkey_file = \"service.key\"\n[[connection]]\nname = \"main\"\n{section}{write}",
        service.base(),
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
    for which in PSAS {
        a_day(which);
    }
}

fn a_day(which: Which) {
    let (service, fake) = (Service::start(&[]), start(which));
    let settings = settings(&service, (which, &fake), "[connection.write]\nreplies = \"visible\"\n");
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
    assert_eq!(
        (&ended["changed"], &ended["ended"], &ended["faults"]),
        (&json!(20), &json!(20), &json!([])),
        "{which:?}"
    );
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let kpis = service.get("/v1/kpis", key.trim()).ok();
    let total = &kpis["total"];
    assert_eq!(
        (&total["tickets"], &total["agreement"]["all"]["of"]),
        (&json!(40), &json!(20)),
        "{which:?}: {kpis}"
    );
    assert_eq!(fake.world(|world| world.writes.len()), 0, "shadow writes nothing");
}

#[test]
fn a_process_that_has_no_lease_does_nothing() {
    let (service, fake) = (Service::start(&[]), start(Which::Connectwise));
    let settings = settings(&service, (Which::Connectwise, &fake), "");
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
    let (service, fake) = (Service::start(&[]), start(Which::Connectwise));
    let settings = settings(&service, (Which::Connectwise, &fake), "");
    let good = service.dir.ok(&["connect", "--config", &settings, "--check"]).stdout;
    assert!(
        good.contains("nothing: there is no [connection.write] section") && !good.contains("MISSING"),
        "{good}"
    );
    let wrong = "not-the-private-key";
    service.dir.file("psa.key", wrong);
    let bad = service.dir.run(&["connect", "--config", &settings, "--check"]);
    assert_eq!(bad.code, 1);
    let told = format!("{}{}", bad.stdout, bad.stderr);
    assert!(told.contains("MISSING") && told.contains("401") && told.contains("private_key_file"), "{told}");
    assert!(!told.contains(wrong) && !told.contains(connectwise::CLIENT_ID));
    service.dir.fails(&["connect", "--config", "nowhere.toml"], "E_CONFIG");
}
