//! What `firstline normalize` and `explain` say that the models read of a ticket.

use serde_json::{Value, json};

use crate::served::Service;
use crate::tool::Dir;

/// Mails of many kinds and languages: subject, body, the kind of who wrote, what is read of the body, and each cut: its reason and
/// how it starts.
type Mail = (&'static str, &'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const MAILS: [Mail; 8] = [
    (
        "Plotter",
        "The plotter in room 3 prints stripes.\n\nKind regards\nMia Stone\nAlder Ltd\n+44 20 7946 0000",
        "person",
        "The plotter in room 3 prints stripes.",
        &[("signature", "Kind regards")],
    ),
    (
        "RE: Scanner",
        "Works now, thanks.\n\nVon: Desk <desk@msp.example>\nGesendet: Montag, 4. März 2024 10:12\nAn: Mia Stone\nBetreff: Scanner\n\nBitte starten Sie ihn neu.",
        "thanks",
        "Works now, thanks.",
        &[("quote", "Von: Desk")],
    ),
    (
        "WG: VPN",
        "Könnt ihr euch das bitte heute noch ansehen?\n\nVon: Jo Doe <jo@alder.example>\nGesendet: Montag, 4. März 2024 10:12\nAn: Mia Stone\nBetreff: VPN\n\nDas VPN bricht jede Stunde ab.",
        "person",
        "Könnt ihr euch das bitte heute noch ansehen?\n\nDas VPN bricht jede Stunde ab.",
        &[("header", "Von: Jo")],
    ),
    (
        "Connexion",
        "<p>L&rsquo;accès au partage est refusé.</p><div style=\"display:none\">Lisez notre lettre</div>",
        "person",
        "L’accès au partage est refusé.",
        &[("hidden", "Lisez")],
    ),
    (
        "Drucker",
        "Der Drucker im BÃ¼ro Ã¶ffnet die Klappe nicht.",
        "person",
        "Der Drucker im Büro öffnet die Klappe nicht.",
        &[],
    ),
    (
        "Server",
        "Error in the log:\n--\nFATAL disk full\n--\nPlease call +44 20 7946 0000.",
        "person",
        "Error in the log:\n--\nFATAL disk full\n--\nPlease call +44 20 7946 0000.",
        &[],
    ),
    (
        "Abwesenheitsnotiz: Ticket 77",
        "Ich bin bis 12. Mai nicht im Büro.",
        "auto_reply",
        "Ich bin bis 12. Mai nicht im Büro.",
        &[],
    ),
    (
        "Undelivered Mail Returned to Sender",
        "Your message to jo@alder.example could not be delivered. 550 5.1.1 User unknown",
        "bounce",
        "Your message to jo@alder.example could not be delivered. 550 5.1.1 User unknown",
        &[],
    ),
];

fn tickets() -> Vec<Value> {
    let ticket = |(i, mail): (usize, &Mail)| json!({"id": format!("M{i}"), "subject": mail.0, "body": mail.1, "source": "email"});
    MAILS.iter().enumerate().map(ticket).collect()
}

/// Checks a reading against its mail. `reading` is as the command and the service both give it.
fn check(reading: &Value, (subject, body, kind, text, cuts): &Mail) {
    assert_eq!(reading["kind"], *kind, "{subject}: {reading}");
    assert_eq!(reading["text"], *text, "{subject}: {reading}");
    let cut = reading["cut"].as_array().unwrap();
    let place = |cut: &Value, end: &str| usize::try_from(cut[end].as_u64().unwrap()).unwrap();
    for (reason, start) in *cuts {
        let is_that = |cut: &&Value| {
            let range = place(cut, "start")..place(cut, "end");
            cut["reason"] == *reason && cut["field"] == "body" && body[range].starts_with(start)
        };
        assert!(cut.iter().any(|cut| is_that(&cut)), "{subject}: {reason} {start:?} in {reading}");
    }
    assert!(!cuts.is_empty() || cut.is_empty(), "{subject}: {reading}");
}

#[test]
fn each_cut_of_a_mail_is_named_with_its_reason_and_its_place() {
    let dir = Dir::new();
    let lines: Vec<String> = tickets().iter().map(Value::to_string).collect();
    dir.file("t.jsonl", lines.join("\n"));
    let run = dir.ok(&["normalize", "--json", "t.jsonl"]);
    let read: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), MAILS.len());
    for (i, (reading, mail)) in read.iter().zip(&MAILS).enumerate() {
        assert_eq!(reading["id"], format!("M{i}"));
        check(reading, mail);
    }
    let text = dir.ok(&["normalize", "t.jsonl"]).stdout;
    assert!(text.starts_with("M0 (person)\n  subject: Plotter\n  | The plotter in room 3 prints stripes.\n  cut signature at body 39.."), "{text}");
}

#[test]
fn a_line_that_is_no_ticket_is_named_and_the_others_are_read() {
    let dir = Dir::new();
    dir.file(
        "t.jsonl",
        "{\"id\": \"1\", \"subject\": \"VPN\"}\nnot json\n{\"id\": \"3\", \"body\": \"\\u0000\"}\n",
    );
    let run = dir.run(&["normalize", "--json", "t.jsonl"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!([&lines[0]["id"], &lines[2]["id"]], ["1", "3"], "{}", run.stdout);
    assert!(lines[1]["error"]["code"].is_string(), "{}", run.stdout);
    dir.fails(&["normalize", "absent.jsonl"], "E_IO");
}

#[test]
fn the_service_explains_a_ticket_as_the_command_does() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let answer = service.post("/v1/triage", &key, &json!({"tickets": tickets(), "explain": true})).ok();
    for (result, mail) in answer["results"].as_array().unwrap().iter().zip(&MAILS) {
        check(&result["reading"], mail);
        assert_eq!(result["kind"], mail.2, "{result}");
    }
    let by_query = service.post("/v1/triage?explain=true", &key, &json!({"tickets": tickets()})).ok();
    assert_eq!(by_query["results"][0]["reading"], answer["results"][0]["reading"]);
    let plain = service.post("/v1/triage", &key, &json!({"tickets": tickets()})).ok();
    assert!(plain["results"][0]["reading"].is_null(), "{plain}");
    service
        .post("/v1/triage", &key, &json!({"tickets": tickets(), "explain": true, "mode": "async"}))
        .problem(400, "E_REQUEST");
}
