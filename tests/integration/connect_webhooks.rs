//! `firstline connect` with a [webhook] section against the three fakes: what is posted is read at once, and polling finds the rest.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use firstline_fakes::{Fake, HookTrouble, Which, connectwise};
use serde_json::{Value, json};
use ureq::Agent;

use crate::connect::{PSAS, open, settings, start};
use crate::served::Service;

const PATH: &str = "/firstline/0123456789abcdefghij";
const SECRET: &str = "a-secret-of-webhooks";
const OWNER: &str = "a-desk";

/// A connection that runs, with what it has said.
struct Connection {
    child: Child,
    rounds: Arc<Mutex<Vec<Value>>>,
    said: Arc<Mutex<String>>,
    url: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Writes the settings of a connection that polls every so many seconds and takes webhooks.
fn with_webhooks(service: &Service, which: Which, fake: &Fake, poll_seconds: u32) -> String {
    let file = settings(service, (which, fake), "");
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = if which == Which::Connectwise { "" } else { "secret_file = \"webhook.key\"\n" };
    service.dir.file("webhook.key", SECRET);
    let webhook = format!("[webhook]\nlisten = \"127.0.0.1:0\"\npath = {PATH:?}\n{secret}");
    service.dir.file("psa.toml", format!("poll_seconds = {poll_seconds}\nowner = {OWNER:?}\n{text}{webhook}"))
}

impl Connection {
    /// Runs one, waits for its first round, and has the PSA post to it.
    fn start(service: &Service, which: Which, fake: &Fake, poll_seconds: u32) -> Self {
        let file = with_webhooks(service, which, fake, poll_seconds);
        let mut command = service.dir.command(&["connect", "--config", &file, "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = words.next().expect("a first line").unwrap();
        let (_, address) =
            first.split_once("listening for webhooks on ").unwrap_or_else(|| panic!("{first}"));
        let url = format!("http://{address}{PATH}");
        let (rounds, said) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Mutex<String>>::default());
        let told = Arc::clone(&said);
        std::thread::spawn(move || {
            words.map_while(Result::ok).for_each(|line| told.lock().unwrap().push_str(&format!("{line}\n")));
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = Arc::clone(&rounds);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let connection = Self { child, rounds, said, url };
        service.wait_for(|| !connection.rounds.lock().unwrap().is_empty());
        service.dir.ok(&["connect", "--config", &file, "--register", &connection.url]);
        connection
    }

    /// The sum of a figure over rounds, or over readings that webhooks caused.
    fn sum(&self, key: &str, told: bool) -> u64 {
        let rounds = self.rounds.lock().unwrap();
        rounds.iter().filter(|r| r["told"].is_null() != told).filter_map(|r| r[key].as_u64()).sum()
    }
}

/// How far the connection has come.
fn cursor(service: &Service) -> Value {
    let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
    let lease = json!({"owner": OWNER, "lease_seconds": 3_600});
    let kept = service.post("/v1/connections/main", key.trim(), &lease).ok();
    serde_json::from_str(kept["cursor"].as_str().unwrap()).unwrap()
}

#[test]
fn a_ticket_is_decided_by_its_webhook_and_a_forged_one_wakes_nobody() {
    for which in PSAS {
        let (service, fake) = (Service::start(&[]), start(which));
        let connection = Connection::start(&service, which, &fake, 3_600);
        open(&fake, 1);
        service.wait_for(|| service.decisions() == 1);
        assert_eq!(connection.sum("changed", false), 0, "{which:?}: no round has found it");
        assert_eq!(fake.world(|world| world.writes.len()), 0);
        // What the round has come to is as it was, but for the ticket.
        service.wait_for(|| cursor(&service)["open"].as_object().is_some_and(|open| open.len() == 1));
        assert!(cursor(&service)["watermark"].is_null(), "{which:?}");

        // Only forged deliveries of the second ticket are posted. Deliveries come one after the other, so that those of the third
        // say when they have.
        let read = |id: i64| fake.log().iter().any(|one| one.path.contains(&id.to_string()));
        fake.hook_trouble(HookTrouble { drop_every: 1, forged_every: 1, ..HookTrouble::default() });
        let second = open(&fake, 1)[0];
        service.wait_for(|| fake.world(|world| world.happened.is_empty()));
        fake.hook_trouble(HookTrouble::default());
        open(&fake, 1);
        service.wait_for(|| service.decisions() >= 2);
        assert_eq!(service.decisions(), 2, "{which:?}");
        assert!(!read(second), "{which:?}: what is forged is not read");
        assert_eq!(connection.rounds.lock().unwrap().iter().filter(|r| r["told"].is_null()).count(), 1);
    }
}

#[test]
fn what_comes_twice_is_decided_once_and_what_is_lost_by_the_next_poll() {
    for which in PSAS {
        let (service, fake) = (Service::start(&[]), start(which));
        let connection = Connection::start(&service, which, &fake, 2);
        fake.hook_trouble(HookTrouble { drop_every: 3, twice_every: 2, forged_every: 2, reversed: true });
        for _ in 0..4 {
            open(&fake, 5);
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let key = std::fs::read_to_string(service.dir.path("service.key")).unwrap();
        let tickets = || service.get("/v1/kpis", key.trim()).ok()["total"]["tickets"].as_u64().unwrap();
        service.wait_for(|| tickets() == 20);
        // The rounds after that find nothing new, and say what was refused.
        let before = connection.rounds.lock().unwrap().len();
        service.wait_for(|| connection.rounds.lock().unwrap().len() > before + 3);
        assert_eq!((tickets(), service.decisions()), (20, 20), "{which:?}");
        assert!(connection.sum("decided", true) > 0, "{which:?}: some came by webhooks");
        let said = connection.said.lock().unwrap().clone();
        assert!(said.contains("refused, with") && !said.contains("error"), "{which:?}: {said}");
        for secret in [SECRET, connectwise::PRIVATE_KEY, key.trim()] {
            assert!(!said.contains(secret), "{which:?}");
        }
        assert_eq!(fake.world(|world| world.writes.len()), 0);
    }
}

#[test]
fn a_webhook_is_registered_once_and_a_check_says_how_it_stands() {
    for which in PSAS {
        let (service, fake) = (Service::start(&[]), start(which));
        open(&fake, 1);
        let row = |file: &str| {
            let rows = service.dir.run(&["connect", "--config", file, "--check", "--json"]).lines();
            rows.into_iter().find(|row| row["what"] == "webhooks").unwrap()
        };
        let plain = settings(&service, (which, &fake), "");
        let unused = row(&plain);
        assert!(
            unused["good"] == true && unused["found"].to_string().contains("not used"),
            "{which:?} {unused}"
        );
        let url = format!("https://hooks.example{PATH}");
        let args = ["connect", "--config", plain.as_str(), "--register", url.as_str()];
        assert!(service.dir.fails(&args, "E_CONFIG").stderr.contains("[webhook]"));

        let file = with_webhooks(&service, which, &fake, 30);
        let missing = row(&file);
        assert!(missing["good"] == false && missing["next"].to_string().contains("--register"), "{missing}");
        for bad in ["http://hooks.example/firstline/0123456789abcdefghij", "https://hooks.example/other"] {
            service.dir.fails(&["connect", "--config", &file, "--register", bad], "E_CONFIG");
        }
        for _ in 0..2 {
            let made = service.dir.ok(&["connect", "--config", &file, "--register", &url]);
            assert!(
                made.stdout.contains("registered, active") && !made.stdout.contains(SECRET),
                "{}",
                made.stdout
            );
        }
        let found = row(&file);
        assert!(found["good"] == true && found["found"] == "registered, active", "{which:?} {found}");
        if which == Which::Autotask {
            fake.set(&json!({"deactivate": [1]})).unwrap();
            open(&fake, 1);
            service.wait_for(|| row(&file)["good"] == false);
            let off = row(&file);
            assert!(off["found"].to_string().contains("disabled: isActive"), "{off}");
        }
    }
}

#[test]
fn what_is_no_delivery_is_turned_away() {
    let (service, fake) = (Service::start(&[]), start(Which::Halo));
    let connection = Connection::start(&service, Which::Halo, &fake, 3_600);
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let post = |url: &str, token: &str, body: &[u8]| {
        let answer = agent.post(url).header("token", token).send(body).unwrap();
        let (status, mut text) = (answer.status().as_u16(), String::new());
        answer.into_body().into_reader().read_to_string(&mut text).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        status
    };
    let body = br#"{"ticket": {"id": 1}}"#;
    assert_eq!(post(&connection.url, "d3Jvbmc=", body), 401);
    assert_eq!(post(&connection.url, "", body), 401);
    assert_eq!(post(&format!("{}x", connection.url), "d3Jvbmc=", body), 404);
    assert_eq!(agent.get(&connection.url).call().unwrap().status(), 405);
    assert_eq!(post(&connection.url, "d3Jvbmc=", &vec![b' '; (1 << 20) + 1]), 413);
    // Connections that say nothing keep no place from those that do.
    let address = connection.url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let silent: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(post(&connection.url, "d3Jvbmc=", body), 401);
    drop(silent);
    assert_eq!(service.decisions(), 0);
}
