//! Over HTTP: troubles, the control requests, a delivery that arrives.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;
use crate::{Fake, FakeOptions, Fault, Trouble, Which};

fn start() -> (Fake, Id) {
    let clock = Clock::new(START.parse().unwrap(), 0.0);
    let fake = Fake::start(FakeOptions { which: Which::Connectwise, clock, port: 0, tls: None }).unwrap();
    let id = fake.world(|world| {
        let (&company, &board) =
            (world.companies.keys().next().unwrap(), world.boards.keys().next().unwrap());
        let new = NewTicket { summary: "Printer".to_owned(), company, board, ..NewTicket::default() };
        world.open(new, crate::Author::System)
    });
    (fake, id)
}

/// The status and the body of a reply; `None` where none came.
fn ask(fake: &Fake, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, String)> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/v4_6_release/apis/3.0/{path}") };
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", fake.url()))
        .header("authorization", basic(&format!("acme+{PUBLIC_KEY}:{PRIVATE_KEY}")))
        .header("clientId", CLIENT_ID)
        .body(body.map(Value::to_string).unwrap_or_default())
        .unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut reply = agent.run(request).ok()?;
    Some((reply.status().as_u16(), reply.body_mut().read_to_string().unwrap()))
}

fn fault(method: &str, path: &str, what: Trouble) -> Fault {
    Fault { method: Some(method.to_owned()), path: path.to_owned(), skip: 0, times: 1, what }
}

#[test]
fn a_lost_reply_leaves_one_note_that_can_be_found() {
    let (fake, id) = start();
    let path = format!("service/tickets/{id}/notes");
    fake.faults(|faults| faults.list.push(fault("POST", "/notes", Trouble::LostReply)));
    let note =
        json!({"text": "Draft [mark 17]", "internalAnalysisFlag": true, "processNotifications": false});
    assert_eq!(ask(&fake, "POST", &path, Some(&note)), None);
    let (status, notes) = ask(&fake, "GET", &path, None).unwrap();
    assert_eq!((status, notes.matches("[mark 17]").count()), (200, 1));
    assert_eq!(fake.world(|world| world.write_counts()[&id]), 1);
}

#[test]
fn a_technician_may_edit_between_a_read_and_a_write() {
    let (fake, id) = start();
    fake.faults(|faults| faults.list.push(fault("GET", "/tickets/", Trouble::EditAfter)));
    let path = format!("service/tickets/{id}?fields=priority,_info/updatedBy");
    let before = ask(&fake, "GET", &path, None).unwrap();
    let after = ask(&fake, "GET", &path, None).unwrap();
    assert_ne!(before, after);
    assert!(fake.world(|world| world.writes.is_empty()));
}

#[test]
fn a_proxy_may_answer_with_a_page() {
    let (fake, _) = start();
    let (status, body) = {
        let busy = json!({"path": "/service/", "times": 1,
            "what": {"trouble": "status", "status": 503, "body": "html", "retry_after": 2}});
        assert_eq!(ask(&fake, "POST", "/_fake/fault", Some(&busy)).unwrap().0, 204);
        ask(&fake, "GET", "service/boards", None).unwrap()
    };
    assert!(status == 503 && body.starts_with("<html>"));
    assert_eq!(ask(&fake, "GET", "service/boards", None).unwrap().0, 200);
}

#[test]
fn settings_are_told_over_http_and_from_code() {
    let (fake, _) = start();
    let set = json!({"codebase": "v2026_1"});
    assert_eq!(ask(&fake, "POST", "/_fake/set", Some(&set)).unwrap().0, 204);
    let info = ask(&fake, "GET", "/login/companyinfo/acme", None).unwrap();
    assert!(info.1.contains("v2026_1/"));
    assert_eq!(ask(&fake, "POST", "/_fake/set", Some(&json!({"colour": "red"}))).unwrap().0, 400);
    assert!(fake.set(&json!({"generic_codebase": false})).is_ok() && fake.set(&json!({"x": 1})).is_err());
    assert_eq!(ask(&fake, "GET", "service/boards", None).unwrap().0, 404);
}

#[test]
fn a_delivery_arrives_at_its_listener() {
    let (fake, id) = start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cw?recordId=", listener.local_addr().unwrap());
    let hook = json!({"url": url, "type": "ticket", "level": "ticket", "objectId": id});
    // What happened before is told to nobody.
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(ask(&fake, "POST", "system/callbacks", Some(&hook)).unwrap().0, 201);
    let note = json!({"text": "Seen", "internalAnalysisFlag": true});
    assert_eq!(ask(&fake, "POST", &format!("service/tickets/{id}/notes"), Some(&note)).unwrap().0, 201);
    let (mut stream, _) = listener.accept().unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains("\"Type\":\"ticket\"") {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert!(text.starts_with(&format!("POST /cw?recordId={id} HTTP/1.1")), "{text}");
    assert!(text.to_lowercase().contains("x-content-signature: "));
}
