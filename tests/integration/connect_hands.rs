//! `firstline connect` closes, opens again and runs what was approved, with the settings as an engineer writes them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use firstline_fakes::{Author, Fake, NewTicket, Which};
use serde_json::{Value, json};

use crate::connect::{PSAS, section, start};
use crate::tool::{Dir, Run};

/// A request: its path, its head and its body.
type Heard = (String, String, Value);

/// A server that answers each request with a status and JSON; gives its address, and what it has heard.
fn server(answer: impl Fn(&Heard) -> (u16, Value) + Send + 'static) -> (String, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = request(&stream) else { continue };
            let (status, body) = answer(&request);
            kept.lock().unwrap().push(request);
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} Told\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (url, heard)
}

fn request(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|n| *n > 0)?;
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((path, lower, serde_json::from_slice(&body).unwrap_or_default()))
}

/// A service that has these actions, each to be claimed once.
fn service(actions: Vec<Value>) -> (String, Arc<Mutex<Vec<Heard>>>) {
    let waiting = Mutex::new(actions);
    server(move |(path, head, _)| match path.as_str() {
        path if path.starts_with("/v1/connections/") => (200, json!({"cursor": null})),
        "/v1/outbox/claim" => {
            let mut waiting = waiting.lock().unwrap();
            let next: Vec<Value> = if waiting.is_empty() { Vec::new() } else { vec![waiting.remove(0)] };
            (200, json!({"actions": next}))
        }
        path if path.starts_with("/v1/outbox/") && head.starts_with("get") => {
            (200, json!({"state": "claimed", "attempts": 1}))
        }
        _ => (200, json!({"results": [], "missing": [], "settled": true})),
    })
}

fn ticket(which: Which, fake: &Fake) -> i64 {
    fake.world(|world| {
        let board = if which == Which::Halo { "1st Line Support" } else { "Service Desk" };
        let (board, company) = (world.board(board), world.company("Halden Logistics"));
        let contact = world.contact(company, "Ruth Meier");
        let (summary, description) = ("Printer is offline".to_owned(), "Since this morning.".to_owned());
        let contact = Some(contact);
        let new = NewTicket { summary, description, company, contact, board, ..NewTicket::default() };
        world.open(new, Author::System)
    })
}

fn run(which: Which, fake: &Fake, service: &str, more: &str, args: &[&str]) -> Run {
    let dir = Dir::new();
    let (secret, section) = section(which, fake);
    dir.file("psa.key", secret);
    dir.file("service.key", "fl_key");
    dir.file("run.key", "0123456789abcdef");
    let text = format!("service = {service:?}\nkey_file = \"service.key\"\n{section}{more}");
    let file = dir.file("psa.toml", text);
    dir.run(&[&["connect", "--config", &file], args].concat())
}

#[test]
fn what_was_approved_is_closed_and_run_with_the_settings_and_nothing_without() {
    for which in PSAS {
        let fake = start(which);
        let id = ticket(which, &fake);
        let closes = if which == Which::Autotask { "Complete" } else { "Closed" };
        let action = |n: i64, kind: &str, payload: Value| {
            json!({"id": n, "kind": kind, "ticket_id": id.to_string(), "customer": "halden logistics", "decision_id": "d1",
                "idempotency_key": format!("d1:{kind}"), "state": "claimed", "attempts": 1, "payload": payload})
        };
        let actions =
            || vec![action(1, "run", json!({"slots": {"user": "ruth"}})), action(2, "close", json!({}))];
        let (automation, ran) = server(|_| (200, json!({"job": 17})));
        let (desk, told) = service(actions());
        let plain = run(which, &fake, &desk, "[write]\nreplies = \"visible\"\n", &["--once", "--json"]);
        assert_eq!(plain.code, 0, "{}", plain.stderr);
        assert_eq!(
            (&plain.json()["returned"], &plain.json()["written"]),
            (&json!(2), &json!(0)),
            "{which:?}"
        );
        assert_eq!((fake.world(|world| world.writes.len()), ran.lock().unwrap().len()), (0, 0));
        assert!(
            told.lock().unwrap().iter().any(|(_, _, body)| body["returned"].to_string().contains("[run]"))
        );
        let (desk, told) = service(actions());
        let more = format!(
            "[write]\nreplies = \"visible\"\nclose_status = {closes:?}\n[run]\nurl = \"{automation}/hook\"\nsecret_file = \"run.key\"\n"
        );
        let done = run(which, &fake, &desk, &more, &["--once", "--json"]);
        assert_eq!(done.json()["written"], 2, "{which:?}: {}", done.stdout);
        let answer = told.lock().unwrap().iter().find_map(|(_, _, body)| body.get("result").cloned());
        assert_eq!(answer, Some(json!({"job": 17})));
        let heard = ran.lock().unwrap().clone();
        assert!(heard.len() == 1 && heard[0].1.contains("firstline-signature: sha256="), "{heard:?}");
        let status = fake.world(|world| {
            let status = world.tickets[&id].status.unwrap();
            world.statuses[&status].name.clone()
        });
        assert_eq!(status, closes, "{which:?}");
        // Without writing, nothing is taken; and an address that all can read on the way is refused.
        let dry = run(which, &fake, &service(actions()).0, &more, &["--once", "--json", "--dry-run"]);
        assert_eq!(dry.json()["returned"], 0, "{}", dry.stdout);
        let clear = more.replace(&automation, "http://automation.example");
        let refused = run(which, &fake, &desk, &clear, &["--once"]);
        assert!(refused.code == 1 && refused.stderr.contains("in clear"), "{}", refused.stderr);
    }
}
