//! Clients that say nothing, never end, don't read, or send what grows: nobody else notices, and memory stays in bounds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::served::{Service, call, tickets, triage};

/// A connection of a client that has its own ideas.
fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn head(path: &str, key: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{more}\r\n\r\n")
}

/// Sends all of it, then reads the answer, as most clients do.
fn exchange(service: &Service, parts: &[&[u8]]) -> String {
    let mut stream = connect(service);
    for part in parts {
        // Where the service has closed its side already, the answer is there all the same.
        if stream.write_all(part).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn silent_connections_stop_nobody_and_are_closed() {
    let service = Service::start(&["limits.connections=32"]);
    let key = service.key("triage", &[]);
    let partial = b"POST /v1/triage HTTP/1.1\r\nhost: x\r\nx-slow: ";
    let mut silent: Vec<TcpStream> = Vec::new();
    for n in 0..300 {
        let mut stream = connect(&service);
        if n % 3 == 0 {
            // Some begin a request.
            let _closed = stream.write_all(partial);
        }
        silent.push(stream);
        if n % 100 == 50 {
            assert_eq!(service.get("/healthz", "").status, 200);
        }
    }
    assert!(triage(&service, &key, &tickets(1))[0]["decision_id"].is_string());
    assert_eq!(service.get("/readyz", "").status, 200);
    // Those that had to give way are closed at once, the others when their time is over.
    for stream in &mut silent {
        let mut rest = Vec::new();
        let _reset = stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn where_every_place_has_work_health_checks_are_answered() {
    let service = Service::start(&["limits.connections=8"]);
    let key = service.key("triage", &[]);
    let open = || {
        let mut stream = connect(&service);
        stream.write_all(head("/v1/triage", &key, "content-length: 1000").as_bytes()).unwrap();
        stream
    };
    // All of them are being read. On a busy machine one may give way before its headers are: then all are opened again.
    let all_read = |patience: u64| {
        let busy: Vec<TcpStream> = (0..8).map(|_| open()).collect();
        std::thread::sleep(Duration::from_millis(200 * patience));
        service.get("/metrics", "").text.contains("firstline_requests_in_flight 9").then_some(busy)
    };
    let mut busy = (1..=10).find_map(all_read).expect("eight requests that are being read");
    assert_eq!((service.get("/healthz", "").status, service.get("/readyz", "").status), (200, 200));
    let refused = service.get("/v1/jobs/none", &key);
    assert_eq!((refused.status, refused.header("connection")), (429, "close"));
    // They hold their places no longer than a body may be silent.
    for stream in &mut busy {
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        assert_eq!(status(&answer), "408", "{answer}");
    }
    service.get("/v1/jobs/none", &key).problem(404, "E_NOT_FOUND");
}

#[test]
fn one_version_of_http_is_spoken() {
    let service = Service::start(&[]);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let answer = exchange(&service, &[preface]);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{answer:?}");
    let upgrade = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n";
    assert_eq!(status(&exchange(&service, &[upgrade])), "200");
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    assert_eq!(status(&exchange(&service, &[many.as_bytes()])), "431");
    let long = format!("GET /healthz?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "q".repeat(5_000));
    assert_eq!(status(&exchange(&service, &[long.as_bytes()])), "414");
}

#[test]
fn a_refused_client_reads_why() {
    let service = Service::start(&["limits.body_bytes=1000000"]);
    let key = service.key("triage", &[]);
    let body = |n: usize| vec![b' '; n];
    let sized = |n: usize| format!("content-length: {n}");
    for (path, key, more, body, expected) in [
        ("/v1/triage", "", sized(1_000), body(1_000), "401"),
        ("/v1/triage", "", sized(200_000), body(200_000), "401"),
        ("/v1/triage", "", sized(3_000_000), body(3_000_000), "401"),
        ("/v1/triage", "", "transfer-encoding: chunked".into(), b"5\r\n     \r\n0\r\n\r\n".to_vec(), "401"),
        ("/v1/triage", &*key, sized(3_000_000), body(3_000_000), "413"),
        ("/v1/nothing", &*key, sized(100_000), body(100_000), "404"),
        ("/healthz", &*key, sized(100_000), body(100_000), "405"),
        ("/v1/review/x", &*key, sized(100_000), body(100_000), "400"),
    ] {
        let more = format!("{more}\r\nconnection: close");
        let answer = exchange(&service, &[head(path, key, &more).as_bytes(), &body]);
        assert_eq!(status(&answer), expected, "{path}, {} bytes: {answer}", body.len());
        assert!(answer.contains("\"code\":\"E_"), "the whole answer: {answer}");
    }
    // Where little is left of a body, the connection can be used again.
    let mut stream = connect(&service);
    stream.write_all(head("/v1/triage", "", &sized(5)).as_bytes()).unwrap();
    stream.write_all(b"{\"a\":GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut both = String::new();
    stream.read_to_string(&mut both).unwrap();
    assert!(both.starts_with("HTTP/1.1 401") && both.contains("HTTP/1.1 200"), "{both}");
    // A client that waits to be told to send is told no.
    let waits = head("/v1/triage", "", "content-length: 5\r\nexpect: 100-continue");
    let answer = exchange(&service, &[waits.as_bytes()]);
    assert_eq!(status(&answer), "401", "{answer}");
}

#[test]
fn uploads_take_what_has_come_and_not_what_may_come() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let mut drips: Vec<TcpStream> = Vec::new();
    for n in 0..60 {
        let mut stream = connect(&service);
        let more = if n % 2 == 0 { "transfer-encoding: chunked" } else { "content-length: 16000000" };
        stream.write_all(head("/v1/triage", &key, more).as_bytes()).unwrap();
        stream.write_all(b"64\r\n{\"tickets\":[").unwrap();
        drips.push(stream);
    }
    // Of the same key, and of another.
    let bulk = tickets(64);
    for key in [key.clone(), service.key("triage", &[])] {
        assert!(triage(&service, &key, &bulk).iter().all(|result| result["decision_id"].is_string()));
    }
}

#[test]
fn what_grows_when_it_is_read_is_not_read() {
    let service = Service::start(&[]);
    let key = service.key("triage,review,act", &[]);
    let ticket = |more: &str| format!(r#"{{"tickets":[{{"id":"1","subject":"Printer"{more}}}]}}"#);
    let before = service.peak_memory();
    let numbers = "1,".repeat(8_000_000);
    for (path, body, expected) in [
        ("/v1/triage", ticket(&format!(r#","odd":[{numbers}1]"#)), (413, "E_LIMIT")),
        ("/v1/triage", format!(r#"{{"tickets":[{numbers}1]}}"#), (413, "E_LIMIT")),
        ("/v1/jobs", format!(r#"{{"tickets":[{numbers}1]}}"#), (413, "E_LIMIT")),
        ("/v1/jobs", format!(r#"{{"odd":{{"a":[{numbers}1]}}}}"#), (413, "E_LIMIT")),
        ("/v1/feedback", format!(r#"{{"items":[{numbers}1]}}"#), (413, "E_LIMIT")),
        ("/v1/similar", format!(r#"{{"ticket":[{numbers}1]}}"#), (413, "E_LIMIT")),
        ("/v1/outbox/claim", format!(r#"{{"owner":"{}"}}"#, "x".repeat(2 << 20)), (413, "E_LIMIT")),
        (
            "/v1/triage",
            ticket(&format!(r#","odd":{}1{}"#, "[".repeat(50), "]".repeat(50))),
            (400, "E_REQUEST"),
        ),
        ("/v1/triage", ticket(&format!(r#","{}":1"#, "k".repeat(20 << 20))), (413, "E_LIMIT")),
        ("/v1/triage", ticket(r#","id":"2""#), (400, "E_REQUEST")),
        ("/v1/review/x", format!(r#"{{"action":"{}"}}"#, "x".repeat(900_000)), (400, "E_REQUEST")),
    ] {
        let answer = service.send("POST", path, &key, &[("if-match", "1")], Some(&body));
        answer.problem(expected.0, expected.1);
        assert!(answer.text.len() < 2_000, "{path}: what was sent is not sent back");
    }
    for path in ["/v1/embeddings", "/embed", "/predict"] {
        let name = if path == "/v1/embeddings" { "input" } else { "inputs" };
        let body = format!(r#"{{"{name}":"x","odd":[{numbers}1]}}"#);
        let answer =
            call(&service.agent, "POST", &format!("{}{path}", service.base()), &key, &[], Some(&body));
        assert!([400, 413].contains(&answer.unwrap().status), "{path}");
    }
    // A hundred times the length of the longest body would be 3 GB.
    let grown = service.peak_memory() - before;
    assert!(grown < 200 << 20, "{grown} bytes");
}

#[test]
fn every_part_of_a_ticket_has_a_bound_and_only_its_own_ticket_fails() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let huge = "x".repeat(1_500_000);
    let mut sent = tickets(1);
    let bad = [
        json!({"contact": huge}),
        json!({"source": huge}),
        json!({"board": huge}),
        json!({"body": huge}),
        json!({"messages": [{"text": huge}]}),
        json!({"messages": vec![json!({"text": "x"}); 300]}),
        json!({"resolution": huge}),
        json!({"unknown": huge}),
        json!({"unknown": vec!["x"; 30_000]}),
        json!({"opened_at": huge}),
    ];
    for (n, change) in bad.iter().enumerate() {
        let mut ticket = json!({"id": format!("H{n}"), "subject": "Printer offline"});
        change.as_object().unwrap().iter().for_each(|(key, value)| ticket[key] = value.clone());
        sent.push(ticket);
    }
    let results = triage(&service, &key, &sent);
    assert!(results[0]["decision_id"].is_string());
    for (result, change) in results[1..].iter().zip(&bad) {
        let code = result["error"]["code"].as_str().unwrap_or("none");
        let name = change.as_object().unwrap().keys().next().unwrap();
        assert!(["E_LIMIT", "E_TICKET_JSON"].contains(&code), "{name}: {code}");
        assert!(result.to_string().len() < 2_000, "{name}: what was sent is not sent back");
    }
    // A job says so item by item.
    let job = service.post("/v1/jobs", &key, &json!({"tickets": sent})).ok();
    assert_eq!((&job["total"], &job["failed"]), (&json!(bad.len() + 1), &json!(bad.len())));
}

#[test]
fn a_page_has_an_end_in_bytes() {
    let service = Service::start(&[]);
    let key = service.key("triage,review", &[]);
    let long: Vec<Value> = tickets(7)
        .into_iter()
        .map(|mut ticket| {
            let text = ticket["body"].as_str().unwrap().to_owned();
            ticket["body"] = json!(format!("{text}\n\n{}", "We have tried that. ".repeat(45_000)));
            ticket
        })
        .collect();
    let job = service.post("/v1/jobs", &key, &json!({"tickets": long, "drafts": true})).ok();
    assert_eq!(job["failed"], 0);
    // How many are in the queue, and on how many pages.
    let walk = || {
        let (mut seen, mut pages, mut path) = (0, 0, "/v1/review?limit=200".to_owned());
        loop {
            let answer = service.get(&path, &key);
            assert!(answer.text.len() < 6 << 20, "{} bytes", answer.text.len());
            let page = answer.ok();
            seen += page["items"].as_array().unwrap().len();
            pages += 1;
            let Some(next) = page["next"].as_str() else { return (seen, pages) };
            path = format!("/v1/review?limit=200&after={next}");
        }
    };
    service.wait_for(|| walk().0 >= 5);
    let (seen, pages) = walk();
    assert!(seen >= 5 && pages > 1, "{seen} on {pages} pages");
}
