//! What Halo shows late, in part, or otherwise than it was asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use firstline_fakes::Note;

use super::*;
use crate::connector::{Act, Done};

/// A Halo that gives the same reply to each path, for what the fake never does: its address, and how many tickets were posted.
fn canned(replies: &'static [(&'static str, &'static str)]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let posts: Arc<AtomicUsize> = Arc::default();
    let counted = posts.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some((_, n)) = line.to_ascii_lowercase().split_once("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            counted.fetch_add(usize::from(first.starts_with("POST /api/Tickets")), Ordering::SeqCst);
            let reply = replies.iter().find(|(path, _)| first.contains(path)).map_or("[]", |(_, body)| body);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{reply}", reply.len()).unwrap();
        }
    });
    (url, posts)
}

fn at(url: String) -> Halo {
    let fake = start();
    connector(HaloSettings { url, ..settings(&fake) })
}

const TOKEN: (&str, &str) = ("/auth/token", r#"{"access_token": "t", "expires_in": 3600}"#);

#[test]
fn what_stands_otherwise_after_a_write_is_handed_back_and_not_written_again() {
    let (url, posts) = canned(&[
        TOKEN,
        ("/api/Team", r#"[{"id": 1, "name": "Network"}, {"id": 2, "name": "Service"}]"#),
        ("/api/Tickets", r#"{"id": 7, "team": "Service", "client_id": 4, "client_name": "Larkspur Dental"}"#),
    ]);
    let mut psa = at(url);
    let set = Act::SetFields(BTreeMap::from([(Field::Board, "Network".to_owned())]));
    let done = psa.apply("7", &set, &BTreeMap::new()).unwrap();
    let what = "board was set to \"Network\" and is \"Service\"".to_owned();
    assert_eq!((done, posts.load(Ordering::SeqCst)), (Done::Changed { what }, 1));
}

#[test]
fn actions_that_come_in_part_are_an_error_and_no_end() {
    let (url, _) = canned(&[
        TOKEN,
        (
            "/api/Actions",
            r#"{"record_count": 3, "actions": [{"id": 1, "ticket_id": 7, "datetime": "2026-03-03T09:00:00"}]}"#,
        ),
        (
            "/api/Tickets",
            r#"{"record_count": 1, "tickets": [{"id": 7, "dateoccurred": "2026-03-03T07:00:00",
            "last_update": "2026-03-03T07:00:00", "lastactiondate": "2026-03-03T09:00:00"}]}"#,
        ),
    ]);
    let since: Timestamp = "2026-03-03T08:30:00Z".parse().unwrap();
    let error = at(url).changed_since(since, &mut |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("1 of 3 actions"), "{error}");
}

#[test]
fn tickets_that_nobody_has_worked_on_say_nothing_of_what_actions_move() {
    let fake = start();
    fake.set(&json!({"actions_move_last_update": false})).unwrap();
    let mut psa = connector(settings(&fake));
    let id = fake.world(|world| {
        let (board, company) = (world.board("1st Line Support"), world.company("Hollowell Freight"));
        let at = Some(Timestamp::now() - SignedDuration::from_hours(3));
        let new = NewTicket { summary: "Old one".into(), at, company, board, ..NewTicket::default() };
        world.open(new, Author::System)
    });
    let since = Timestamp::now() - SignedDuration::from_mins(10);
    assert!(changed_since(&mut psa, since).is_empty());
    fake.world(|world| {
        let by = Author::Technician(world.technician("Noor Pascoe"));
        world.note(id, Note { by, ..Note::said("On it.", true) });
    });
    assert_eq!(changed_since(&mut psa, since), words(&[id]));
}

#[test]
fn one_ticket_that_shows_it_is_enough() {
    let row = |acted: &str, updated: &str| super::super::wire::Ticket {
        dateoccurred: Some("2026-03-03T07:00:00".to_owned()),
        lastactiondate: Some(format!("2026-03-03T{acted}")),
        last_update: Some(format!("2026-03-03T{updated}")),
        ..Default::default()
    };
    for (acted, updated, shown) in [
        ("09:00:00", "08:00:00", Some(true)),
        ("07:00:20", "07:00:00", Some(true)),
        ("09:00:00", "09:00:00", Some(false)),
        ("09:00:03", "09:00:00", Some(false)),
        ("07:00:00", "07:00:00", None),
        ("07:00:00", "09:00:00", None),
        ("08:00:00", "09:00:00", None),
    ] {
        assert_eq!(super::super::read::shows_still(&row(acted, updated)), shown, "{acted} {updated}");
    }
}

#[test]
fn a_write_that_halo_is_too_busy_for_is_tried_again_later() {
    let fake = start();
    let id = one(&fake);
    let waits: Arc<std::sync::Mutex<Vec<Duration>>> = Arc::default();
    let kept = waits.clone();
    let wait = Arc::new(move |pause| {
        kept.lock().unwrap().push(pause);
        true
    });
    let mut psa = Halo::new(settings(&fake), agent(), wait);
    let set = Act::SetFields(BTreeMap::from([(Field::Board, "Monitoring".to_owned())]));
    fake.faults(|faults| {
        faults.list.push(fault("POST", "/api/Tickets", status(429, Some(90), TroubleBody::Text)));
    });
    let error = psa.apply(&id, &set, &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("429"), "{error}");
    assert_eq!((waits.lock().unwrap().len(), writes(&fake)), (0, 0));
    assert!(matches!(psa.apply(&id, &set, &BTreeMap::new()).unwrap(), Done::Written { .. }));
}
