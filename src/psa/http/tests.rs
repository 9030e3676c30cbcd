//! What is tried again, how long a write waits, and what messages repeat of a reply.

use std::sync::Mutex;

use firstline_fakes::{Clock, Fake, FakeOptions, Fault, Trouble, TroubleBody, Which};

use super::*;

const MANY: Pace = Pace { requests: 1_000, window: Duration::from_secs(60) };

/// A client that doesn't wait, and the waits that it was asked for.
fn client(pace: Pace) -> (Http, Arc<Mutex<Vec<Duration>>>) {
    let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let kept = waits.clone();
    let wait: Wait = Arc::new(move |pause| {
        kept.lock().unwrap().push(pause);
        true
    });
    (Http::new("the PSA", agent(), pace, wait), waits)
}

fn call(url: &str, safe: bool) -> Call<'static> {
    let method = if safe { Method::GET } else { Method::POST };
    Call { method, url: format!("{url}/any"), headers: Vec::new(), body: None, safe }
}

fn fake(times: u32, what: Trouble) -> Fake {
    let (which, clock) = (Which::Connectwise, Clock::real());
    let fake = Fake::start(FakeOptions { which, clock, port: 0, tls: None }).unwrap();
    let any = Fault { method: None, path: "/any".to_owned(), skip: 0, times, what };
    fake.faults(|faults| faults.list.push(any));
    fake
}

#[test]
fn a_write_that_was_answered_is_never_sent_again_nor_waited_for() {
    for status in [429, 502, 503, 504] {
        for retry_after in [Some(120), None] {
            let fake = fake(1, Trouble::Status { status, retry_after, body: TroubleBody::Text });
            let (mut http, waits) = client(MANY);
            assert_eq!(http.send(&call(&fake.url(), false)).unwrap().status, status);
            assert_eq!((fake.log().len(), waits.lock().unwrap().len()), (1, 0), "{status}");
        }
    }
    // A reading one waits as long as it is asked to.
    let fake = fake(1, Trouble::Status { status: 429, retry_after: Some(90), body: TroubleBody::Text });
    let (mut http, waits) = client(MANY);
    assert_eq!(http.send(&call(&fake.url(), true)).unwrap().status, 404);
    assert_eq!((fake.log().len(), waits.lock().unwrap()[..].to_vec()), (2, vec![Duration::from_secs(90)]));
}

#[test]
fn a_write_without_a_connection_is_tried_once_more_and_a_broken_one_is_not() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut http, waits) = client(MANY);
    let failed = http.send(&call(&format!("http://{closed}"), false)).unwrap_err();
    assert!(matches!(failed, Failure::NotDone(_)), "{failed:?}");
    assert_eq!(waits.lock().unwrap()[..], [PAUSE]);
    let (mut http, waits) = client(MANY);
    http.send(&call(&format!("http://{closed}"), true)).unwrap_err();
    assert_eq!(waits.lock().unwrap().len(), 4);
    let fake = fake(1, Trouble::LostReply);
    let (mut http, waits) = client(MANY);
    let failed = http.send(&call(&fake.url(), false)).unwrap_err();
    assert!(matches!(failed, Failure::Unknown(_)), "{failed:?}");
    assert_eq!((fake.log().len(), waits.lock().unwrap().len()), (1, 0));
}

#[test]
fn a_write_waits_for_its_turn_for_seconds_and_not_for_a_window() {
    let fake = fake(0, Trouble::LostReply);
    for (window, waits_for_it) in [(5, true), (19, true), (60, false), (300, false)] {
        let (mut http, waits) = client(Pace { requests: 2, window: Duration::from_secs(window) });
        http.send(&call(&fake.url(), true)).unwrap();
        http.send(&call(&fake.url(), true)).unwrap();
        let before = fake.log().len();
        let sent = http.send(&call(&fake.url(), false));
        assert_eq!(sent.is_ok(), waits_for_it, "{window}: {sent:?}");
        assert_eq!(waits.lock().unwrap().len(), usize::from(waits_for_it), "{window}");
        assert_eq!(fake.log().len() - before, usize::from(waits_for_it), "{window}");
        let Err(failed) = sent else { continue };
        assert_eq!(failed, Failure::NotDone("the pace of the settings is used up".to_owned()));
        let told = failed.at("the PSA").to_string();
        assert!(told.contains("tried again later") && !told.contains("is up"), "{told}");
        // A reading one waits for the window.
        http.send(&call(&fake.url(), true)).unwrap();
        assert!(waits.lock().unwrap()[0] > Duration::from_secs(window - 5));
    }
}

#[test]
fn what_is_said_of_a_pause_and_of_a_certificate() {
    let resting = Failure::Resting(Duration::from_secs(60)).to_string();
    assert_eq!(resting, "repeated failures; pausing requests for 60 s");
    let told = Failure::NotDone("invalid peer certificate".to_owned()).at("the PSA").to_string();
    assert!(told.contains("matches the host name") && told.contains("no other CA is trusted"), "{told}");
}

#[test]
fn a_web_page_is_told_by_its_title_and_anything_else_by_its_words() {
    let long = format!("<html><title>{}</title>", "x".repeat(500));
    let endless = format!("<html>{}<title>late</title>", "<p>".repeat(100_000));
    for (kind, body, told) in [
        (
            "text/html",
            "<html><head><TITLE lang=\"en\">502 Bad\n Gateway</TITLE></head><body>nginx",
            "a web page, \"502 Bad Gateway\"",
        ),
        (
            "",
            "\u{feff}\r\n <!DOCTYPE HTML PUBLIC \"-//W3C\"><title>Anmeldung – Größe</title>",
            "a web page, \"Anmeldung – Größe\"",
        ),
        ("text/html; charset=utf-8", "<b>İ no title</b>", "a web page"),
        ("application/xhtml+xml", "<?xml version=\"1.0\"?>", "a web page"),
        ("", "<html><title>İİ never closed", "a web page"),
        ("", "<html><title> </title>", "a web page"),
        ("", endless.as_str(), "a web page"),
        (
            "application/json",
            "{\"message\":  \"<html> is no value\"}",
            "{\"message\": \"<html> is no value\"}",
        ),
        ("text/plain", "Too many\n requests", "Too many requests"),
        ("", "<Error>xml of the PSA's own</Error>", "<Error>xml of the PSA's own</Error>"),
        ("", "", ""),
    ] {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        let answer = Answer { status: 502, headers, body: body.as_bytes().to_vec() };
        assert_eq!(answer.text(), told, "{kind} {:?}", body.get(..40));
    }
    let answer = Answer { status: 502, headers: Vec::new(), body: long.into_bytes() };
    assert_eq!(answer.text().chars().count(), "a web page, \"\"".len() + 100);
    let answer = Answer { status: 502, headers: Vec::new(), body: b"words ".repeat(100) };
    assert_eq!(answer.text().chars().count(), 300);
}

#[test]
fn a_write_waits_for_its_turn_until_its_claim_ends_and_is_not_sent_after() {
    let fake = fake(0, Trouble::Refused);
    let one = Pace { requests: 1, window: Duration::from_secs(60) };
    let (mut http, waits) = client(one);
    http.send(&call(&fake.url(), true)).unwrap();
    http.write_by(Some(Instant::now() + Duration::from_secs(150)));
    http.send(&call(&fake.url(), false)).unwrap();
    assert_eq!(waits.lock().unwrap().len(), 1, "longer than 20 s, since its claim is");
    http.write_by(Some(Instant::now()));
    let late = http.send(&call(&fake.url(), false)).unwrap_err();
    assert!(matches!(late, Failure::NotDone(_)), "{late:?}");
    let (mut http, _) = client(MANY);
    http.write_by(Some(Instant::now()));
    assert_eq!(
        http.send(&call(&fake.url(), false)).unwrap_err(),
        Failure::NotDone("its claim has expired".to_owned())
    );
    assert!(http.send(&call(&fake.url(), true)).is_ok(), "what only reads has no claim");
    assert_eq!(fake.log().len(), 3);
}
