//! `firstline connect` between a service and PSAs that are not the vendors'.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use firstline_fakes::{
    Author, Clock, Fake, FakeOptions, Fault, NewTicket, Note, Trouble, TroubleBody, Which, autotask,
    connectwise, halo,
};
use firstline_ticket::Changed;
use serde_json::{Value, json};

use crate::served::{Service, tickets};
use crate::tool::Dir;

/// The three, each with the section of settings that reaches it, as far as it does not depend on where it runs.
pub(crate) const PSAS: [Which; 3] = [Which::Connectwise, Which::Autotask, Which::Halo];

pub(crate) fn start(which: Which) -> Fake {
    Fake::start(FakeOptions { which, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

pub(crate) fn section(which: Which, fake: &Fake) -> (&'static str, String) {
    let url = fake.url();
    match which {
        Which::Connectwise => (
            connectwise::PRIVATE_KEY,
            format!(
                "[connectwise]\nurl = {url:?}\ncompany = {:?}\npublic_key = {:?}\nprivate_key_file = \"psa.key\"\n\
                client_id = {:?}\nrequests_per_minute = 60000\n",
                connectwise::COMPANY_ID,
                connectwise::PUBLIC_KEY,
                connectwise::CLIENT_ID
            ),
        ),
        Which::Autotask => (
            autotask::API_SECRET,
            format!(
                "[autotask]\nurl = {url:?}\nuser = {:?}\nsecret_file = \"psa.key\"\nintegration_code = {:?}\n\
                requests_per_minute = 60000\n",
                autotask::API_USER,
                autotask::INTEGRATION_CODE
            ),
        ),
        Which::Halo => (
            halo::CLIENT_SECRET,
            format!(
                "[halo]\nurl = {url:?}\nclient_id = {:?}\nclient_secret_file = \"psa.key\"\nnote_outcome = {}\n\
                reply_outcome = {}\nrequests_per_five_minutes = 60000\n",
                halo::CLIENT_ID,
                halo::PRIVATE_NOTE,
                halo::EMAIL_USER
            ),
        ),
    }
}

/// Writes the settings of a connection to `fake` into the service's folder; gives the file.
pub(crate) fn settings(service: &Service, (which, fake): (Which, &Fake), write: &str) -> String {
    let key = service.key("triage,feedback,act,review", &[]);
    service.dir.file("service.key", key);
    let (secret, section) = section(which, fake);
    service.dir.file("psa.key", secret);
    let text = format!("service = {:?}\nkey_file = \"service.key\"\n{section}{write}", service.base(),);
    service.dir.file("psa.toml", text)
}

/// Opens `n` tickets of people; gives their ids.
pub(crate) fn open(fake: &Fake, n: usize) -> Vec<i64> {
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
    let settings = settings(&service, (which, &fake), "[write]\nreplies = \"visible\"\n");
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
    assert!(good.contains("nothing: there is no [write] section") && !good.contains("MISSING"), "{good}");
    let wrong = "not-the-private-key";
    service.dir.file("psa.key", wrong);
    let bad = service.dir.run(&["connect", "--config", &settings, "--check"]);
    assert_eq!(bad.code, 1);
    let told = format!("{}{}", bad.stdout, bad.stderr);
    assert!(told.contains("MISSING") && told.contains("401") && told.contains("private_key_file"), "{told}");
    assert!(!told.contains(wrong) && !told.contains(connectwise::CLIENT_ID));
    service.dir.fails(&["connect", "--config", "nowhere.toml"], "E_CONFIG");
    let clear = std::fs::read_to_string(&settings).unwrap().replace(&fake.url(), "http://psa.example");
    service.dir.file("psa.toml", clear);
    let bad = service.dir.run(&["connect", "--config", &settings, "--check"]);
    assert!(bad.stdout.contains("in clear") && bad.code == 1, "{}", bad.stdout);
}

/// Opens the tickets of the history that the bundle knows, so that drafts can be made.
fn open_known(fake: &Fake, n: usize) -> Vec<i64> {
    let text = |ticket: &Value, key: &str| ticket[key].as_str().unwrap_or_default().to_owned();
    fake.world(|world| {
        let board = world.board("Service Desk");
        let mut opened = Vec::new();
        for ticket in tickets(n) {
            let company = world.company(&text(&ticket, "customer"));
            let contact = world.contact(company, &text(&ticket, "contact"));
            let (summary, description) = (text(&ticket, "subject"), text(&ticket, "body"));
            let new = NewTicket {
                summary,
                description,
                company,
                contact: Some(contact),
                board,
                ..NewTicket::default()
            };
            opened.push(world.open(new, Author::Contact(contact)));
        }
        opened
    })
}

/// Approves every draft that waits; gives the tickets, and makes sure that the desk has the labels that go with them.
fn approve(service: &Service, key: &str, fake: &Fake) -> Vec<String> {
    let listed = service.get("/v1/review", key).ok();
    let mut approved = Vec::new();
    for item in listed["items"].as_array().unwrap() {
        let id = item["decision_id"].as_str().unwrap();
        let version = format!("\"{}\"", item["version"]);
        let headers = [("if-match", version.as_str()), ("idempotency-key", id)];
        let body = json!({"action": "approve", "identity_verified": true}).to_string();
        service.send("POST", &format!("/v1/review/{id}"), key, &headers, Some(&body)).ok();
        let decision = service.get(&format!("/v1/decisions/{id}"), key).ok();
        let label = |field: &str| decision["fields"][field]["label"].as_str().map(str::to_owned);
        fake.world(|world| {
            let board = world.board(&label("board").unwrap());
            let kind = world.kind(board, &label("type").unwrap());
            label("subtype").map(|name| world.subkind(kind, &name));
            label("priority").map(|name| world.priority(&name));
            label("technician").map(|name| world.technician(&name));
        });
        approved.push(decision["ticket_id"].as_str().unwrap().to_owned());
    }
    approved
}

#[test]
fn what_was_approved_is_written_once_though_replies_are_lost() {
    for (which, path) in
        [(Which::Connectwise, "/notes"), (Which::Autotask, "/Notes"), (Which::Halo, "/Actions")]
    {
        written_once(which, path);
    }
}

fn written_once(which: Which, path: &str) {
    let (service, fake) = (Service::start(&["phase=assist"]), start(which));
    let write = "[write]\nreplies = \"visible\"\n";
    let settings = settings(&service, (which, &fake), write);
    let admin = service.key("admin", &[]);
    open_known(&fake, 8);
    once(&service, &settings);
    service.wait_for_drafts(&admin, 8);
    let approved = approve(&service, &admin, &fake);
    assert!(approved.len() >= 3, "{which:?}: {approved:?}");
    // The first two replies arrive, and nobody hears of it.
    let (lost, method) = (Trouble::LostReply, Some("POST".to_owned()));
    fake.faults(|faults| {
        faults.list.push(Fault { method, path: path.to_owned(), skip: 0, times: 2, what: lost });
    });
    let open = || {
        let all = ["waiting", "claimed"]
            .map(|state| service.get(&format!("/v1/outbox?state={state}"), &admin).ok());
        all.iter().map(|page| page["actions"].as_array().unwrap().len()).sum::<usize>()
    };
    // One action of a ticket comes at a time.
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(once(&service, &settings));
        if open() == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    assert_eq!(open(), 0, "{which:?}: {told:?}");
    let marked = |text: &str| text.contains("[ref FL-");
    let notes: Vec<String> = fake.world(|world| {
        let ours = world.notes.values().filter(|note| marked(&note.text) && note.visible);
        ours.map(|note| note.ticket.to_string()).collect()
    });
    let mut once_each = notes.clone();
    once_each.sort();
    let mut wanted = approved.clone();
    wanted.sort();
    assert_eq!(once_each, wanted, "{which:?}: {told:?}");
    // What is written comes back as a change, and is neither decided anew nor written again.
    let writes = fake.world(|world| world.writes.len());
    once(&service, &settings);
    assert_eq!(fake.world(|world| world.writes.len()), writes, "{which:?}");
}

#[test]
fn a_history_is_pulled_and_goes_on_where_it_was_stopped() {
    for which in PSAS {
        let fake = start(which);
        let (dir, settings) = for_pull((which, &fake));
        let opened = open(&fake, 30);
        fake.world(|world| {
            let by = (Author::Technician(world.technician("Mara Lindqvist")), world.now());
            for id in opened.iter().take(10) {
                world.note(*id, Note { by: by.0, ..Note::said("The cable was loose.", true) });
                world.change(*id, Changed::Priority, Some("Priority 2 - High"), by);
                world.change(*id, Changed::Status, Some("Closed"), by);
            }
        });
        let out = dir.path("history.jsonl").display().to_string();
        let args = ["pull", "--psa", settings.as_str(), "--days", "2", "--out", out.as_str()];
        let said = dir.ok(&args).stdout;
        assert!(said.contains("30 tickets"), "{which:?}: {said}");
        let whole = std::fs::read_to_string(&out).unwrap();
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 30);
        let answered =
            lines.iter().filter(|line| line["messages"].to_string().contains("The cable was loose.")).count();
        let closed = lines.iter().filter(|line| line["resolved_at"].is_string()).count();
        assert_eq!((answered, closed), (10, 10), "{which:?}");
        // What was there when it was stopped, in the middle of a line, is not asked for again.
        let cut: String = whole.chars().take(whole.len() / 2).collect();
        let had = cut.matches('\n').count();
        std::fs::remove_file(&out).unwrap();
        dir.file("history.jsonl.main.pulling", cut);
        let before = fake.log().len();
        // One of them changed meanwhile; a PSA tells whole seconds.
        std::thread::sleep(std::time::Duration::from_secs(2));
        fake.world(|world| {
            let by = (Author::Technician(world.technician("Mara Lindqvist")), world.now());
            world.change(opened[0], Changed::Priority, Some("Priority 1 - Emergency"), by);
        });
        dir.ok(&args);
        let again = std::fs::read_to_string(&out).unwrap();
        let ids = |text: &str| -> std::collections::BTreeSet<String> {
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string()).collect()
        };
        assert_eq!((ids(&again), again.lines().count()), (ids(&whole), 30), "{which:?}");
        assert!(fake.log().len() - before < before, "{which:?}: {had} were there");
        let changed = again.lines().filter(|line| line.contains("Priority 1 - Emergency")).count();
        assert_eq!(changed, 1, "{which:?}: what changed is read again, and stands once");
        // What came out is what the rest takes.
        let checked = dir.ok(&["import", &out, "--out", &dir.path("again.jsonl").display().to_string()]);
        assert!(checked.stdout.contains("30"), "{}", checked.stdout);
    }
}

/// The settings of a connection for a pull alone, in a folder of their own.
fn for_pull((which, fake): (Which, &Fake)) -> (Dir, String) {
    let dir = Dir::new();
    let (secret, section) = section(which, fake);
    dir.file("psa.key", secret);
    let text = format!("service = \"http://127.0.0.1:1\"\nkey_file = \"psa.key\"\n{section}");
    let settings = dir.file("psa.toml", text);
    (dir, settings)
}

/// A refusal of every request whose path has `path` in it, after `skip` of them, for so many `times`.
fn refuse(fake: &Fake, path: &str, (skip, times): (u32, u32)) {
    let what = Trouble::Status { status: 500, retry_after: None, body: TroubleBody::Json };
    fake.faults(|faults| {
        faults.list = vec![Fault { method: None, path: path.to_owned(), skip, times, what }];
    });
}

#[test]
fn a_pull_goes_on_without_a_ticket_that_cant_be_read_and_stops_after_five_in_a_row() {
    for (which, path) in [
        (Which::Connectwise, "/audittrail"),
        (Which::Autotask, "/TicketHistory/query"),
        (Which::Halo, "/Tickets/"),
    ] {
        let fake = start(which);
        let (dir, settings) = for_pull((which, &fake));
        open(&fake, 12);
        let args = ["pull", "--psa", settings.as_str(), "--days", "2", "--out", "history.jsonl"];
        let lines = || std::fs::read_to_string(dir.path("history.jsonl")).unwrap().lines().count();
        refuse(&fake, path, (3, 1));
        let run = dir.run(&[&args[..], &["--json"]].concat());
        let told = run.json();
        assert_eq!((run.code, &told["pulled"], &told["failed"]), (3, &json!(11), &json!(1)), "{which:?}");
        assert!(told["failures"][0].as_str().unwrap().contains(": "), "{which:?}: {told}");
        assert_eq!(lines(), 11);
        // The next one asks for that ticket alone, and what is missing no longer is not told.
        let again = dir.ok(&args).stdout;
        assert!(lines() == 12 && !again.contains("could not be read"), "{which:?}: {again}");
        assert!(!dir.path("history.jsonl.main.pulling").exists());
        // Where none can be read, the PSA is at fault.
        refuse(&fake, path, (3, u32::MAX));
        let run = dir.run(&args);
        assert!(run.code == 1 && run.stderr.contains("E_PSA"), "{which:?}: {} {}", run.code, run.stderr);
        let kept = std::fs::read_to_string(dir.path("history.jsonl.main.pulling")).unwrap();
        assert_eq!((kept.lines().count(), lines()), (3, 12), "{which:?}");
    }
}

#[test]
fn a_ticket_that_can_never_be_read_is_told_by_every_pull() {
    let fake = start(Which::Halo);
    let (dir, settings) = for_pull((Which::Halo, &fake));
    let opened = open(&fake, 12);
    refuse(&fake, &format!("/Tickets/{}", opened[4]), (0, u32::MAX));
    let args = ["pull", "--psa", settings.as_str(), "--days", "2", "--out", "history.jsonl"];
    for _ in 0..2 {
        let run = dir.run(&args);
        let told = run.stdout.contains("1 could not be read")
            && run.stdout.contains(&format!("    {}: ", opened[4]));
        assert!(run.code == 3 && told, "{} {}", run.code, run.stdout);
        let text = std::fs::read_to_string(dir.path("history.jsonl")).unwrap();
        assert_eq!(text.lines().count(), 11);
    }
}

#[test]
fn a_history_that_is_not_whole_is_pulled_as_such() {
    let fake = start(Which::Halo);
    let (dir, settings) = for_pull((Which::Halo, &fake));
    let opened = open(&fake, 2);
    fake.world(|world| {
        let by = Author::Technician(world.technician("Mara Lindqvist"));
        world.note(opened[0], Note { by, ..Note::said("The cable was loose.", true) });
    });
    let pull = |narrowed: bool| {
        fake.set(&json!({"audit_by_get": narrowed})).unwrap();
        let run = dir.ok(&["pull", "--psa", &settings, "--days", "2", "--out", "history.jsonl", "--json"]);
        let text = std::fs::read_to_string(dir.path("history.jsonl")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (run.json()["without_history"].clone(), lines[0].clone())
    };
    let (without, line) = pull(false);
    let events = |line: &Value| line["events"].as_array().unwrap().len();
    assert!(without == 2 && line["history_known"] == false && line["initial_labels"].is_null(), "{line}");
    assert!(events(&line) >= 1, "{line}");
    let (without, line) = pull(true);
    assert!(without == 0 && line["history_known"].is_null() && line["initial_labels"].is_object(), "{line}");
    assert!(events(&line) >= 1, "{line}");
}

#[test]
fn what_a_person_has_set_is_left_alone_and_goes_back_to_a_person() {
    for which in PSAS {
        left_alone(which);
    }
}

fn left_alone(which: Which) {
    let (service, fake) = (Service::start(&["phase=assist"]), start(which));
    let settings = settings(&service, (which, &fake), "[write]\nreplies = \"internal\"\n");
    let admin = service.key("admin", &[]);
    let opened = open_known(&fake, 8);
    let by = |fake: &Fake, name: &str| {
        fake.world(|world| (Author::Technician(world.technician(name)), world.now()))
    };
    // A technician is faster than the first round with the first, and closes the second before its reply is sent.
    std::thread::sleep(std::time::Duration::from_secs(6));
    let person = by(&fake, "Mara Lindqvist");
    fake.world(|world| world.change(opened[0], Changed::Owner, Some("Mara Lindqvist"), person));
    once(&service, &settings);
    service.wait_for_drafts(&admin, 8);
    let approved = approve(&service, &admin, &fake);
    let person = by(&fake, "Mara Lindqvist");
    let closed: Vec<i64> =
        opened[1..].iter().copied().filter(|id| approved.contains(&id.to_string())).take(1).collect();
    fake.world(|world| {
        closed.iter().for_each(|id| world.change(*id, Changed::Status, Some("Closed"), person));
    });
    for _ in 0..8 {
        once(&service, &settings);
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let owner = fake.world(|world| {
        let ticket = &world.tickets[&opened[0]];
        ticket.owner.map(|id| world.technicians[&id].name.clone())
    });
    assert_eq!(owner.as_deref(), Some("Mara Lindqvist"), "{which:?}");
    let held = service.get("/v1/outbox?state=held&limit=100", &admin).ok()["actions"].clone();
    let held: Vec<(&str, &str)> = held
        .as_array()
        .unwrap()
        .iter()
        .map(|action| (action["ticket_id"].as_str().unwrap(), action["error"].as_str().unwrap()))
        .collect();
    let of_closed = closed
        .iter()
        .map(i64::to_string)
        .all(|id| held.iter().any(|(ticket, why)| **ticket == id && why.contains("closed")));
    assert!(!closed.is_empty() && of_closed, "{which:?}: {held:?}");
    let first = opened[0].to_string();
    let told = held.iter().any(|(ticket, why)| *ticket == first && why.contains("by now"));
    assert!(told || !approved.contains(&first), "{which:?}: {held:?}");
    let notes = fake.world(|world| {
        world
            .notes
            .values()
            .filter(|note| closed.contains(&note.ticket) && note.text.contains("[ref FL-"))
            .count()
    });
    assert_eq!(notes, 0, "{which:?}");
    // What is held can be put back by a person, once.
    let held = service.get("/v1/outbox?state=held&limit=1", &admin).ok()["actions"][0]["id"].clone();
    let retry = || service.post(&format!("/v1/outbox/{held}/retry"), &admin, &json!({}));
    retry().ok();
    assert!(retry().problem(409, "E_CONFLICT").to_string().contains("held for less than a day"), "{which:?}");
}

#[test]
fn the_psas_list_of_the_day_finds_what_never_came_in() {
    for which in PSAS {
        listed(which);
    }
}

fn listed(which: Which) {
    let (service, fake) = (Service::start(&[]), start(which));
    let path = settings(&service, (which, &fake), "");
    let text = std::fs::read_to_string(&path).unwrap();
    service.dir.file("psa.toml", format!("owner = \"tester\"\n{text}"));
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let opened = open(&fake, 12);
    fake.world(|world| {
        // Opened an hour ago; one of them was merged into another since.
        for id in &opened {
            world.tickets.get_mut(id).unwrap().entered_at = hour_ago;
        }
        let by = (Author::System, world.now());
        world.merge(opened[11], opened[10], by);
    });
    // A connection that has come further than these tickets: it never saw them.
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(4);
    let cursor = json!({
        "watermark": later, "listed_to": hour_ago - jiff::SignedDuration::from_mins(1), "sweep_due": hour_ago,
    });
    let lease = json!({"owner": "tester", "lease_seconds": 600, "cursor": cursor.to_string()});
    service.post("/v1/connections/main", key.trim(), &lease).ok();
    let round = once(&service, &path);
    assert_eq!((&round["changed"], &round["faults"]), (&json!(0), &json!([])), "{which:?}: {round}");
    assert_eq!(round["listed"]["without_decision"], 0, "{which:?}: {round}");
    let tickets = round["listed"]["tickets"].as_u64().unwrap();
    assert!((11..=12).contains(&tickets), "{which:?}: {round}");
    let status = service.get("/v1/rollout", &service.key("admin", &[])).ok();
    assert_eq!(status["coverage"]["found"], tickets, "{which:?}: {status}");
    // A day later the next one is due, not sooner.
    assert!(once(&service, &path)["listed"].is_null());
}

/// Rounds of the example in one process, as `python3` runs it: one for each line that it is given.
const GLUE: &str = r#"
import base64, json, os, sys, urllib.request
url, company, public, private, examples = sys.argv[1:6]
told = json.load(urllib.request.urlopen(f"{url}/login/companyinfo/{company}"))
os.environ["PSA_URL"] = f"{url}/{told['Codebase']}apis/3.0"
os.environ["PSA_AUTH"] = base64.b64encode(f"{company}+{public}:{private}".encode()).decode()
sys.path.insert(0, examples)
sys.dont_write_bytecode = True
import connectwise_glue
since = "2020-01-01T00:00:00Z"
for line in sys.stdin:
    since = connectwise_glue.once(since)
    print(since, flush=True)
"#;

#[test]
fn the_example_of_the_batch_api_works() {
    let (service, fake) = (Service::start(&["phase=assist"]), start(Which::Connectwise));
    let (key, admin) = (service.key("triage,feedback,act", &[]), service.key("admin", &[]));
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let (company, public, private) =
        (connectwise::COMPANY_ID, connectwise::PUBLIC_KEY, connectwise::PRIVATE_KEY);
    let mut run = std::process::Command::new("python3")
        .args(["-c", GLUE, &fake.url(), company, public, private, examples])
        .envs([("PSA_CLIENT", connectwise::CLIENT_ID), ("FIRSTLINE_URL", &service.base())])
        .env("FIRSTLINE_KEY", key.trim())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut rounds = run.stdin.take().unwrap();
    let mut done = BufReader::new(run.stdout.take().unwrap()).lines();
    let mut glue = || {
        writeln!(rounds).unwrap();
        done.next().expect("a round").unwrap()
    };
    assert_eq!(glue(), "2020-01-01T00:00:00Z", "nothing was seen");
    let opened = open_known(&fake, 6);
    let newest = fake.world(|world| opened.iter().map(|id| world.tickets[id].updated_at).max().unwrap());
    // A note without a text is none that anybody reads.
    fake.world(|world| {
        let by = Author::Technician(world.technician("Mara Lindqvist"));
        world.note(opened[0], Note { by, ..Note::said("", false) });
    });
    let since: jiff::Timestamp = glue().parse().unwrap();
    let behind = newest.duration_since(since).as_secs();
    assert!((55..=61).contains(&behind), "the newest change less a minute: {behind}");
    service.wait_for_drafts(&admin, 6);
    let approved = approve(&service, &admin, &fake);
    // A person is faster with the board of the first.
    let taken = approved[0].clone();
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Mara Lindqvist")), world.now());
        world.change(taken.parse().unwrap(), Changed::Board, Some("Sales"), by);
    });
    for _ in 0..3 {
        glue();
    }
    let board = |id: &str| {
        fake.world(|world| world.boards[&world.tickets[&id.parse::<i64>().unwrap()].board].name.clone())
    };
    let held = service.get("/v1/outbox?state=held&limit=100", &admin).ok()["actions"].clone();
    let held: Vec<String> =
        held.as_array().unwrap().iter().map(|a| format!("{} {}", a["ticket_id"], a["error"])).collect();
    let label = "board is Sales by now";
    assert!(held.len() == 1 && held[0].contains(&taken) && held[0].contains(label), "{held:?}");
    assert_eq!(board(&taken), "Sales", "what a person has set stays");
    let decided = |id: &String| {
        let listed = service.get("/v1/outbox?state=done&limit=100", &admin).ok();
        let actions = listed["actions"].as_array().unwrap();
        let set = actions.iter().find(|a| a["kind"] == "set_fields" && a["ticket_id"] == **id)?;
        set["payload"]["fields"]["board"].as_str().map(str::to_owned)
    };
    let set: Vec<_> = approved[1..].iter().filter_map(|id| Some((decided(id)?, board(id)))).collect();
    assert!(!set.is_empty() && set.iter().all(|(wanted, is)| wanted == is), "{set:?}");
    let replies = |fake: &Fake| {
        fake.world(|world| world.notes.values().filter(|note| note.text.contains("[ref FL-")).count())
    };
    assert!(!approved.is_empty() && replies(&fake) == approved.len());
    fake.world(|world| {
        let by = (Author::Technician(world.technician("Mara Lindqvist")), world.now());
        opened.iter().for_each(|id| world.change(*id, Changed::Status, Some("Closed"), by));
    });
    glue();
    let kpis = service.get("/v1/kpis", &admin).ok();
    assert_eq!((&kpis["total"]["tickets"], replies(&fake)), (&json!(6), approved.len()), "{kpis}");
    assert_eq!(kpis["total"]["reported"], 6, "each end is joined: {kpis}");
    assert_eq!(kpis["total"]["first_response"]["count"], approved.len());
    drop(rounds);
    assert!(run.wait().unwrap().success());
}

#[test]
fn tickets_that_cannot_be_read_stop_no_other_and_come_again() {
    let (service, fake) = (Service::start(&[]), start(Which::Connectwise));
    let settings = settings(&service, (Which::Connectwise, &fake), "");
    let bad = open(&fake, 4);
    fake.faults(|faults| {
        let broken = Trouble::Status { status: 500, retry_after: None, body: TroubleBody::Json };
        faults.list.extend(bad.iter().map(|id| Fault {
            method: None,
            path: format!("/{id}/allNotes"),
            skip: 0,
            times: u32::MAX,
            what: broken.clone(),
        }));
    });
    // They fail in a row, which looks like a PSA that is out of order; then they stand aside.
    let first = service.dir.run(&["connect", "--config", &settings, "--once", "--json"]);
    assert!(first.code == 1 && first.stderr.contains("500"), "{}{}", first.stdout, first.stderr);
    open(&fake, 12);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let decided = || service.get("/v1/kpis", key.trim()).ok()["total"]["tickets"].as_u64().unwrap();
    let told = [(); 3].map(|()| {
        let run = service.dir.run(&["connect", "--config", &settings, "--once", "--json"]);
        format!("{}{}", run.stdout, run.stderr)
    });
    assert_eq!(decided(), 12, "the others are decided: {told:?}");
    fake.faults(|faults| faults.list.clear());
    // Their next attempt is due half a minute or more after the last.
    service.wait_for(|| {
        once(&service, &settings);
        decided() == 16
    });
}
