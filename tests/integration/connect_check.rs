//! What an engineer sees who connects a PSA: `connect --check` on good and on bad set-ups, `[map]`, and the rules as they stand.

use std::collections::BTreeMap;

use firstline_fakes::{
    Author, Certificates, Clock, Fake, FakeOptions, Fault, NewTicket, Trouble, TroubleBody, Which, autotask,
    connectwise, halo,
};
use firstline_ticket::Changed;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::connect::{PSAS, section, start};
use crate::served::Service;
use crate::tool::{Dir, Run, TRAINED};

/// Secrets that no output may have.
const SECRETS: [&str; 6] = [
    connectwise::PRIVATE_KEY,
    connectwise::CLIENT_ID,
    autotask::API_SECRET,
    autotask::INTEGRATION_CODE,
    halo::CLIENT_SECRET,
    "not-the-secret",
];
const WRITE: &str = "[write]\nreplies = \"visible\"\n";

/// The board that a desk of each PSA has of itself.
fn board_of(which: Which) -> &'static str {
    if which == Which::Halo { "1st Line Support" } else { "Service Desk" }
}

/// A connection to a fake, set up well: what a test does not change is as it should be.
struct SetUp<'a> {
    service: &'a Service,
    which: Which,
    fake: Fake,
    /// The PSA's secret, and the service's key.
    secret: String,
    key: String,
    section: String,
    more: String,
    address: String,
}

impl<'a> SetUp<'a> {
    fn new(service: &'a Service, key: &str, which: Which) -> Self {
        let fake = start(which);
        fake.world(|world| {
            let (board, company) = (world.board(board_of(which)), world.company("Halden Logistics"));
            let contact = world.contact(company, "Ruth Meier");
            let (summary, description) = ("Printer is offline".to_owned(), "Since this morning.".to_owned());
            let contact = Some(contact);
            world.open(
                NewTicket { summary, description, company, contact, board, ..NewTicket::default() },
                Author::System,
            );
        });
        let (secret, section) = section(which, &fake);
        // More than the vendor's quota is a finding; the fake of a test has none to lose.
        let section = section.replace("requests_per_five_minutes = 60000", "requests_per_five_minutes = 300");
        let (secret, key) = (secret.to_owned(), key.to_owned());
        let (more, address) = (WRITE.to_owned(), service.base());
        Self { service, which, fake, secret, key, section, more, address }
    }

    /// Gives the desk the labels that the service decides.
    fn with_labels(self) -> Self {
        let labels: BTreeMap<&str, Vec<String>> = ["board", "type", "priority", "technician", "subtype"]
            .map(|field| (field, self.labels(field)))
            .into();
        self.fake.world(|world| {
            labels["priority"].iter().for_each(|name| {
                world.priority(name);
            });
            labels["technician"].iter().for_each(|name| {
                world.technician(name);
            });
            let boards: Vec<i64> = labels["board"].iter().map(|name| world.board(name)).collect();
            let first = *boards.first().unwrap();
            let kinds: Vec<i64> = labels["type"].iter().map(|name| world.kind(first, name)).collect();
            labels["subtype"].iter().for_each(|name| {
                world.subkind(kinds[0], name);
            });
        });
        self
    }

    fn labels(&self, field: &str) -> Vec<String> {
        let key = self.service.key("triage", &[]);
        let told = self.service.post("/predict", &key, &json!({"inputs": "a ticket", "field": field})).json();
        let labels = told.as_array().into_iter().flatten();
        labels.map(|one| one["label"].as_str().unwrap().to_owned()).collect()
    }

    /// The folder with the settings, and their file.
    fn written(&self) -> (Dir, String) {
        let dir = Dir::new();
        dir.file("psa.key", &self.secret);
        dir.file("service.key", &self.key);
        let text = format!(
            "service = {:?}\nkey_file = \"service.key\"\n{}{}",
            self.address, self.section, self.more
        );
        let file = dir.file("psa.toml", text);
        (dir, file)
    }

    fn run(&self, more: &[&str]) -> Run {
        let (dir, file) = self.written();
        let run = dir.run(&[&["connect", "--config", &file, "--check"], more].concat());
        let told = format!("{}{}", run.stdout, run.stderr);
        for secret in SECRETS.into_iter().chain([self.key.as_str(), self.secret.as_str()]) {
            assert!(!told.contains(secret), "{:?}: {told}", self.which);
        }
        assert_eq!(self.fake.world(|world| world.writes.len()), 0, "a check writes nothing");
        run
    }

    /// The rows: what, what was found, and the next step where there is one.
    fn rows(&self) -> (i32, Vec<[String; 3]>) {
        let run = self.run(&["--json"]);
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let rows = run.lines();
        let rows = rows.iter().map(|row| {
            // What matters once something is written is no fault before.
            let noted =
                row["what"].as_str().unwrap().ends_with("labels of the bundle") && row["good"] == true;
            assert!(noted || row["good"] == row["next"].is_null(), "{row}");
            ["what", "found", "next"]
                .map(|key| if noted && key == "next" { String::new() } else { text(row, key) })
        });
        (run.code, rows.collect())
    }

    /// Expects these rows to be missing, no other, each with these words in what was found and in the next step.
    fn misses(&self, wanted: &[(&str, &str, &str)]) {
        let (code, rows) = self.rows();
        let missing: Vec<&[String; 3]> = rows.iter().filter(|row| !row[2].is_empty()).collect();
        let names: Vec<&str> = missing.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(
            names,
            wanted.iter().map(|(what, ..)| *what).collect::<Vec<_>>(),
            "{:?}: {rows:#?}",
            self.which
        );
        for ([what, found, next], (_, part, step)) in missing.into_iter().zip(wanted) {
            assert!(found.contains(part), "{what}: {part:?} in {found:?}");
            assert!(next.contains(step), "{what}: {step:?} in {next:?}");
        }
        assert_eq!(code, 1);
    }
}

fn all(service: &Service) -> String {
    service.key("triage,feedback,act", &[])
}

#[test]
fn a_good_set_up_of_each_psa_misses_nothing() {
    let service = Service::start(&[]);
    let key = all(&service);
    for which in PSAS {
        let mut good = SetUp::new(&service, &key, which).with_labels();
        // One of the bundle's boards has another name in the PSA, and one of the PSA's is left out.
        let ours = good.labels("board").pop().unwrap();
        good.fake.world(|world| {
            let renamed = world.boards.values_mut().find(|board| board.name == ours);
            renamed.unwrap().name = "The second line".to_owned();
            world.board("Quotes");
        });
        let waiting = if which == Which::Autotask { "waiting customer" } else { "Waiting on customer" };
        good.more = format!(
            "{WRITE}status_after_reply = {waiting:?}\n[map]\nignore_boards = [\"quotes\"]\n[map.board]\n{ours:?} = \"The second line\"\n"
        );
        let (code, rows) = good.rows();
        assert!(code == 0 && rows.iter().all(|row| row[2].is_empty()), "{which:?}: {rows:#?}");
        for what in [
            "clock",
            "tickets",
            "statuses that close",
            "rules",
            "quota",
            "the service",
            "the service's scope act",
        ] {
            assert!(rows.iter().any(|row| row[0] == what), "{which:?} {what}: {rows:#?}");
        }
        for what in [
            "board labels of the bundle",
            "priority labels of the bundle",
            "[map.board]",
            "status after a reply",
        ] {
            assert!(rows.iter().any(|row| row[0] == what), "{which:?} {what}: {rows:#?}");
        }
        let text = good.run(&[]).stdout;
        assert!(text.contains("checks, all passed") && !text.contains("MISSING"), "{text}");
    }
}

#[test]
fn bad_set_ups_of_connectwise_are_told_with_what_to_do() {
    let service = Service::start(&[]);
    let key = all(&service);
    let new = || {
        let mut one = SetUp::new(&service, &key, Which::Connectwise);
        one.more = String::new();
        one
    };
    let bad = SetUp { secret: "not-the-secret".to_owned(), ..new() };
    bad.misses(&[("address and key", "401", "\"private_key_file\"")]);
    let mut bad = new();
    bad.section = bad.section.replace(connectwise::COMPANY_ID, "somebody-else");
    bad.misses(&[("address and key", "does not know the company \"somebody-else\"", "\"company\"")]);
    let bad = new();
    bad.fake.set(&json!({"denied": ["audit.inquire"]})).unwrap();
    bad.misses(&[("history (audit trail)", "403", "audit trail")]);
    let bad = new();
    bad.fake.world(|world| world.clock.set(Timestamp::now() + SignedDuration::from_mins(10)));
    bad.misses(&[("clock", "behind", "time synchronisation")]);
    let bad = new();
    bad.fake.world(|world| {
        let board = world.board("Network");
        let closing: Vec<i64> = world.statuses_of(board).filter(|s| s.closed).map(|s| s.id).collect();
        closing.iter().for_each(|id| world.statuses.get_mut(id).unwrap().closed = false);
    });
    bad.misses(&[("statuses that close", "\"Network\"", "closing status")]);
    let more =
        "[map]\nignore_boards = [\"Alarms\"]\n[map.board]\n\"Erste Hilfe\" = \"Servicedesk\"\n".to_owned();
    SetUp { more, ..new() }.misses(&[
        ("[map.board]", "\"Servicedesk\" (near it: \"Service Desk\")", "[map.board]"),
        ("boards that are left out", "\"Alarms\" (near it: \"Alerts\")", "ignore_boards"),
    ]);
    // The bundle's boards are not there: to read is no harm, to write is.
    let mut bad = new();
    bad.more = "[write]\nreplies = \"internal\"\nstatus_after_reply = \"Warten\"\n".to_owned();
    let (code, rows) = bad.rows();
    let next = |what: &str| rows.iter().find(|row| row[0] == what).unwrap()[2].clone();
    assert!(code == 1 && next("board labels of the bundle").contains("[map.board]"), "{rows:#?}");
    assert!(
        next("status after a reply").contains("status_after_reply") && next("writing").contains("visible")
    );
    let text = bad.run(&[]).stdout;
    assert!(text.contains("MISSING") && text.contains("Next: "), "{text}");
    let text = new().run(&[]).stdout;
    let told = text.contains("note ")
        && text.contains("[map.priority]")
        && text.contains("to fix before anything is written");
    assert!(told && !text.contains("MISSING"), "{text}");
}

#[test]
fn bad_set_ups_of_autotask_are_told_with_what_to_do() {
    let service = Service::start(&[]);
    let key = all(&service);
    let new = || SetUp { more: String::new(), ..SetUp::new(&service, &key, Which::Autotask) };
    let mut bad = new();
    bad.section = bad.section.replace(autotask::API_USER, "nobody@desk.example");
    bad.misses(&[("address, user and zone", "does not know the user", "\"user\"")]);
    let bad = SetUp { secret: "not-the-secret".to_owned(), ..new() };
    bad.misses(&[("credentials, requests of the hour", "401", "\"secret_file\"")]);
    let bad = new();
    bad.fake.set(&json!({"may_write_notes": false})).unwrap();
    bad.misses(&[("writing notes", "may not", "security level")]);
    let mut bad = new();
    bad.section.push_str("act_as = 12\n");
    bad.misses(&[("who writes", "no resource 12", "\"act_as\"")]);
    // A map that is not one to one says so before anything is asked.
    let more = "[map.priority]\nP1 = \"High\"\nP2 = \"high\"\n".to_owned();
    SetUp { more, ..new() }.misses(&[("settings", "would both be \"high\"", "exactly one PSA name")]);
}

#[test]
fn bad_set_ups_of_halo_are_told_with_what_to_do() {
    let service = Service::start(&[]);
    let key = all(&service);
    let new = || SetUp::new(&service, &key, Which::Halo).with_labels();
    let bad = new();
    bad.fake.set(&json!({"tenant": "acme"})).unwrap();
    bad.misses(&[("address and key", "500", "\"tenant\"")]);
    let bad = new();
    bad.fake.set(&json!({"denied": ["admin"]})).unwrap();
    bad.misses(&[("rules", "403", "role of its agent")]);
    // Notes for technicians under an outcome that mails them to the customer.
    let mut bad = new();
    bad.more = bad.more.replace("visible", "internal");
    let quiet = format!("note_outcome = {}", halo::PRIVATE_NOTE);
    bad.section = bad.section.replace(&quiet, &format!("note_outcome = {}", halo::EMAIL_USER));
    bad.misses(&[("outcome of internal notes", "(Email User) shows internal notes", "\"note_outcome\"")]);
    let mut bad = new();
    bad.section = bad.section.replace(&format!("reply_outcome = {}", halo::EMAIL_USER), "");
    bad.misses(&[("writing", "\"reply_outcome\" is not set", "\"reply_outcome\"")]);
    let mut bad = new();
    bad.section = bad.section.replace("five_minutes = 300", "five_minutes = 900");
    bad.misses(&[("quota", "900 requests", "\"requests_per_five_minutes\"")]);
}

#[test]
fn a_services_key_that_lacks_a_scope_is_told_by_the_scope() {
    let service = Service::start(&[]);
    let set_up = |key: &str| SetUp::new(&service, key, Which::Connectwise).with_labels();
    let bad = set_up(&service.key("triage,feedback", &[]));
    bad.misses(&[("the service's scope act", "\"act\"", "--scope triage,feedback,act")]);
    // It is needed where something may be written only.
    let bad = SetUp { more: String::new(), ..bad };
    assert_eq!(bad.rows().0, 0);
    let bad = set_up(&service.key("act,feedback", &[]));
    bad.misses(&[("the service's scope triage", "\"triage\"", "firstline store keys create")]);
    let bad = set_up("fl_unknown_unknown");
    bad.misses(&[("the service", "401", "Check the key")]);
}

#[test]
fn what_can_not_be_reached_safely_or_at_all_is_told() {
    let service = Service::start(&[]);
    let key = all(&service);
    let new = || SetUp { more: String::new(), ..SetUp::new(&service, &key, Which::Halo) };
    let mut clear = new();
    clear.section = clear.section.replace(&clear.fake.url(), "http://psa.example");
    clear.misses(&[("settings", "in clear", "https://")]);
    let tls = Certificates::new(&["127.0.0.1"]).unwrap();
    let secure =
        Fake::start(FakeOptions { which: Which::Halo, clock: Clock::real(), port: 0, tls: Some(tls) })
            .unwrap();
    let mut own = new();
    own.section = own.section.replace(&own.fake.url(), &secure.url());
    own.misses(&[("address and key", "certificate", "public CA")]);
    let mut gone = new();
    gone.address = "http://127.0.0.1:9".to_owned();
    gone.misses(&[("the service", "onnection", "\"service\"")]);
    // A proxy's page is no unknown company.
    let busy = SetUp { more: String::new(), ..SetUp::new(&service, &key, Which::Connectwise) };
    let what = Trouble::Status { status: 503, retry_after: Some(0), body: TroubleBody::Html };
    let path = "/login/companyinfo".to_owned();
    busy.fake.faults(|faults| faults.list.push(Fault { method: None, path, skip: 0, times: 1_000, what }));
    busy.misses(&[("address and key", "status 503", "goes on by itself")]);
}

/// One round.
fn once(dir: &Dir, file: &str) -> Value {
    dir.ok(&["connect", "--config", file, "--once", "--json"]).json()
}

#[test]
fn boards_that_are_left_out_never_reach_triage_and_ends_are_told_by_the_desks_names() {
    let service = Service::start(&[]);
    let key = all(&service);
    for which in PSAS {
        let mut one = SetUp::new(&service, &key, which);
        let (own, closed) = (board_of(which), "Closed");
        one.more = format!("name = \"{which:?}\"\n");
        let (opened, left) = one.fake.world(|world| {
            let company = world.company("Halden Logistics");
            let contact = world.contact(company, "Ruth Meier");
            let (desk, sales) = (world.board(own), world.board("Sales"));
            let mut open = |board, i: usize| {
                let summary = format!("Ticket {i} of {which:?}");
                let new =
                    NewTicket { summary, company, contact: Some(contact), board, ..NewTicket::default() };
                world.open(
                    NewTicket { description: "It is slow.".to_owned(), ..new },
                    Author::Contact(contact),
                )
            };
            ([open(desk, 1), open(desk, 2)], [open(sales, 3), open(sales, 4)])
        });
        let settings =
            format!("[map]\nignore_boards = [\"sales\"]\n[map.board]\n\"The {which:?} line\" = {own:?}\n");
        // The name comes before the sections.
        let section = std::mem::take(&mut one.section);
        one.section = format!("{}{section}{settings}", std::mem::take(&mut one.more));
        let (dir, file) = one.written();
        let first = once(&dir, &file);
        assert_eq!(
            (&first["changed"], &first["decided"], &first["faults"]),
            (&json!(5), &json!(3), &json!([])),
            "{which:?}"
        );
        one.fake.world(|world| {
            let technician = Author::Technician(world.technician("Mara Lindqvist"));
            let by = (technician, world.now());
            world.change(opened[0], Changed::Board, Some("Sales"), by);
            for id in [opened[0], opened[1], left[0]] {
                world.change(id, Changed::Status, Some(closed), by);
            }
        });
        let ended = once(&dir, &file);
        assert_eq!(ended["ended"], 2, "{which:?}: {ended}");
        let reader = service.key("triage,review", &[]);
        // Feedback that says nothing tells which decision it was joined to.
        let joined = |id: i64| {
            let item = json!({"items": [{"ticket_id": id.to_string(), "customer": "Halden Logistics"}]});
            service.post("/v1/feedback", &key, &item).ok()["results"][0]["decision_id"]
                .as_str()
                .map(str::to_owned)
        };
        assert_eq!(left.map(joined), [None, None], "{which:?}: they never reached triage");
        let board = |id: i64| {
            let decision = joined(id).unwrap();
            service.get(&format!("/v1/decisions/{decision}"), &reader).ok()["outcome"]["board"].clone()
        };
        assert_eq!(board(opened[1]), format!("The {which:?} line"), "{which:?}");
        assert_eq!(board(opened[0]), "Sales", "{which:?}");
    }
}

#[test]
fn the_rules_of_a_psa_are_written_as_they_stand_and_replayed() {
    let rules = |which: Which, more: &str| {
        let fake = start(which);
        let dir = Dir::new();
        let (secret, section) = section(which, &fake);
        dir.file("psa.key", secret);
        let text = format!("service = \"http://127.0.0.1:1\"\nkey_file = \"psa.key\"\n{section}{more}");
        let file = dir.file("psa.toml", text);
        (dir, fake, file)
    };
    let history = TRAINED.path("history.jsonl").display().to_string();
    for (which, raw, acting) in [
        (Which::Connectwise, "Summary contains", &["Acknowledge new tickets"][..]),
        (Which::Halo, "fieldname", &["Delivery reports", "Acknowledge mails"]),
    ] {
        let (dir, fake, file) = rules(which, "");
        let args = ["rollout", "rules", "--psa", &file, "--out", "rules.toml"];
        let text = dir.ok(&args).stdout;
        assert!(
            text.contains("also act on customers") && acting.iter().all(|name| text.contains(name)),
            "{text}"
        );
        let told = dir.ok(&[&args[..], &["--json"]].concat()).json();
        let all = told["rules"].as_array().unwrap();
        let customers: Vec<&str> = all
            .iter()
            .filter(|r| r["acts_on_customers"] == true)
            .map(|r| r["name"].as_str().unwrap())
            .collect();
        assert_eq!(customers, acting);
        let count = |key: &str| told["total"][key].as_u64().unwrap();
        assert_eq!((count("rules"), count("read") + count("raw")), (all.len() as u64, all.len() as u64));
        assert_eq!(count("act_on_customers"), acting.len() as u64);
        let orders: Vec<i64> = all.iter().map(|rule| rule["order"].as_i64().unwrap()).collect();
        assert_eq!(orders, (1..=all.len() as i64).collect::<Vec<_>>());
        let written = std::fs::read_to_string(dir.path("rules.toml")).unwrap();
        assert!(written.contains(raw) && written.contains("acts_on_customers = true"), "{written}");
        assert!(!SECRETS.iter().any(|secret| written.contains(secret)));
        let replay = ["rollout", "rules", "--tickets", &history, "--replay", "rules.toml", "--json"];
        let found = dir.ok(&replay).json();
        assert_eq!(
            (&found["rules"], &found["unread"]),
            (&told["total"]["rules"], &told["total"]["raw"]),
            "{which:?}"
        );
        // What was understood stands as a comment: without its # the rule fires.
        let opened = written.replace("# when = ", "when = ");
        let commented = opened.matches("when = ").count();
        assert!(commented > 0 && opened != written);
        dir.file("rules.toml", opened);
        let found = dir.ok(&replay).json();
        assert!(found["unread"].as_u64() < told["total"]["raw"].as_u64(), "{found}");
        assert_eq!(fake.world(|world| world.writes.len()), 0);
    }
    // By the desk's names, as the history has them.
    let (dir, _fake, file) = rules(Which::Connectwise, "[map.board]\n\"Netze\" = \"Network\"\n");
    let told = dir.ok(&["rollout", "rules", "--psa", &file, "--json"]).json();
    let vpn = told["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "VPN to Network").unwrap();
    assert_eq!(vpn["set"]["board"], "Netze");
    // Autotask tells none, and says what to do instead.
    let (dir, fake, file) = rules(Which::Autotask, "");
    let none = dir.fails(&["rollout", "rules", "--psa", &file, "--out", "rules.toml"], "E_EMPTY");
    assert!(none.stderr.contains("Autotask") && none.stderr.contains("--learn") && fake.log().is_empty());
    assert!(!dir.path("rules.toml").exists());
    for wrong in [
        &["--tickets", &history, "--psa", &file][..],
        &["--psa", &file, "--learn", "r.toml"],
        &["--psa", &file, "--replay", "r.toml"],
        &["--out", "r.toml", "--tickets", &history, "--learn", "l.toml"],
        &["--psa", &file, "--out", &file],
        &[],
    ] {
        let run = dir.run(&[&["rollout", "rules"], wrong].concat());
        assert!(run.code != 0, "{wrong:?}");
    }
}
