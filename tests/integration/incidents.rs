//! Incidents as machines and people meet them: reported in batches, decided by a person, counted in the week in which they happened.

use serde_json::{Value, json};

use crate::served::{Service, tickets, triage};

fn incident(ticket: &str, key: &str, more: &Value) -> Value {
    let mut incident = json!({"ticket_id": ticket, "key": key, "at": "2026-05-04T10:00:00Z", "kind": "correction", "severity": "low"});
    for (key, value) in more.as_object().unwrap() {
        incident[key] = value.clone();
    }
    incident
}

/// A person's key that the service knows, and the file that it is in.
fn person(service: &Service, name: &str, rights: &str) -> (String, String) {
    let printed = service.dir.ok(&["users", "add", name, "--right", rights]).stdout;
    let key = printed.trim().to_owned();
    service.wait_for(|| service.get("/v1/models", &key).status != 401);
    (key, service.dir.file(&format!("{name}.key"), printed))
}

#[test]
fn r43_incidents_are_known_by_their_key_decided_by_a_person_and_counted_when_they_happened() {
    let service = Service::start(&[]);
    let (sender, machine) = (service.key("triage", &[]), service.key("feedback,review", &[]));
    let held = service.key("feedback,review", &["Elsewhere"]);
    let (ada, file) = person(&service, "ada", "review,manage");
    triage(&service, &sender, &tickets(3));
    let send = |key: &str, incidents: &[Value]| {
        service.post("/v1/incidents", key, &json!({"incidents": incidents})).ok()["results"].clone()
    };
    let words = |results: &Value| -> Vec<String> {
        let all = results.as_array().unwrap().iter();
        all.map(|r| r["result"].as_str().or(r["error"]["code"].as_str()).unwrap().to_owned()).collect()
    };
    let note = json!({"note": "La réponse nommait la mauvaise imprimante"});
    let first = incident("N0", "i1", &note);
    let late =
        json!({"kind": "late", "sla_credit": true, "sla_credit_amount": 120.5, "at": "2026-05-12T08:00:00Z"});
    let told = send(&machine, &[first.clone(), incident("N1", "i1", &late)]);
    assert_eq!(words(&told), ["stored", "stored"]);
    let id = told[0]["id"].as_str().unwrap().to_owned();
    assert_ne!(told[0]["id"], told[1]["id"]);
    // The same again, in other words; and what can't be.
    let long = "x".repeat(2_001);
    let all = [
        first.clone(),
        incident("N0", "i1", &json!({"kind": "reopened"})),
        json!("no object"),
        json!({}),
        incident("N0", "", &note),
        incident("N0", "b", &json!({"kind": "odd"})),
        incident("N0", "b", &json!({"severity": "awful"})),
        incident("N0", "b", &json!({"note": long})),
        incident("N0", "b", &json!({"sla_credit_amount": 5})),
        incident("N0", "b", &json!({"words": "Dear Ann"})),
        incident("N0", "b", &json!({"confirmed": true, "note": "sure"})),
        incident("N0", "b", &json!({"at": "1960-01-01T00:00:00Z"})),
        incident("nobody's", "b", &note),
        incident("N0", "b", &json!({"action_id": 99})),
        incident("N2", "b", &note),
    ];
    let told = send(&machine, &all);
    let due = [
        &["known", "E_CONFLICT"][..],
        &["E_REQUEST"; 8],
        &["E_SCOPE", "E_DATE", "E_NOT_FOUND", "E_NOT_FOUND", "stored"],
    ];
    assert_eq!(words(&told), due.concat());
    let third = told[14]["id"].as_str().unwrap();
    assert_eq!(words(&send(&held, &[first])), ["E_NOT_FOUND"]);
    service.post("/v1/incidents", &machine, &json!({"incidents": []})).problem(413, "E_LIMIT");
    service.post("/v1/incidents", &sender, &json!({"incidents": [all[14]]})).problem(403, "E_SCOPE");

    // Only a person decides, and says why.
    let path = format!("/v1/incidents/{id}");
    let ruling = json!({"state": "confirmed", "reason": "She has seen both mails"});
    service.post(&path, &machine, &ruling).problem(403, "E_SCOPE");
    service.post(&path, &sender, &ruling).problem(403, "E_SCOPE");
    service.post(&path, &ada, &json!({"state": "confirmed"})).problem(400, "E_REQUEST");
    service.post(&path, &ada, &json!({"state": "suspected", "reason": "x"})).problem(400, "E_REQUEST");
    service.post("/v1/incidents/none", &ada, &ruling).problem(404, "E_NOT_FOUND");
    let decided = service.post(&path, &ada, &ruling).ok();
    assert_eq!((&decided["state"], &decided["by"]), (&json!("confirmed"), &json!("ada")));
    assert_eq!(decided["note"], "She has seen both mails");
    let listed = service.get("/v1/incidents?state=suspected&limit=1", &ada).ok();
    assert_eq!(listed["incidents"].as_array().unwrap().len(), 1);
    let next = listed["next"].as_str().unwrap();
    let rest = service.get(&format!("/v1/incidents?state=suspected&before={next}"), &ada).ok();
    assert_eq!((rest["incidents"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(service.get("/v1/incidents", &held).ok()["incidents"], json!([]));
    service.get("/v1/incidents", &sender).problem(403, "E_SCOPE");

    // By the command, too: a credit that is entered long after counts in its own week.
    let dir = &service.dir;
    let credited = told_id(&service, &ada, "N1");
    let decide =
        ["incidents", "decide", &credited, "--reason", "Agreed with the customer", "--key-file", &file];
    assert_eq!(dir.run(&decide).code, 2);
    let confirmed = dir.ok(&[&decide[..], &["--confirm", "--json"]].concat()).json();
    assert_eq!((&confirmed["sla_credit"], &confirmed["sla_credit_amount"]), (&json!(true), &json!(120.5)));
    dir.ok(&["incidents", "decide", third, "--dismiss", "--reason", "A new fault", "--key-file", &file]);
    let add = ["incidents", "add", "--ticket", "N2", "--kind", "wrong_closing", "--note", "It was not done"];
    let add =
        [&add[..], &["--at", "2026-05-12T09:00:00Z", "--confirmed", "--key-file", &file, "--json"]].concat();
    assert_eq!(
        [dir.ok(&add).json(), dir.ok(&add).json()].map(|told| told["result"].clone()),
        ["stored", "known"]
    );
    dir.fails(
        &["incidents", "add", "--ticket", "N9", "--kind", "late", "--note", "x", "--key-file", &file],
        "E_NOT_FOUND",
    );
    dir.fails(&["incidents", "add", "--ticket", "N2", "--kind", "late", "--note", "x"], "E_AUTH");
    let lines = dir.ok(&["incidents", "list", "--json"]).lines();
    assert_eq!(lines.len(), 4);
    assert!(dir.ok(&["incidents", "list", "--state", "confirmed"]).stdout.contains("120.50"));

    let report = service.get("/v1/kpis?from=2026-05-01T00:00:00Z&to=2026-05-20T00:00:00Z", &machine).ok();
    let found = |figures: &Value| {
        let incidents = &figures["incidents"];
        (incidents["errors"]["count"].as_u64().unwrap(), incidents["sla_credits"].as_u64().unwrap())
    };
    assert_eq!(found(&report["total"]), (3, 1));
    assert_eq!(report["total"]["incidents"]["sla_credit_amount"], 120.5);
    let weeks = report["weeks"].as_array().unwrap().iter();
    let weeks: Vec<_> = weeks.map(|week| (week["week"].as_str().unwrap(), found(week))).collect();
    assert_eq!(
        weeks,
        [("2026-W18", (0, 0)), ("2026-W19", (1, 0)), ("2026-W20", (2, 1)), ("2026-W21", (0, 0))]
    );
    assert!(dir.ok(&["rollout", "status"]).stdout.contains("SLA credits"));
    dir.ok(&["store", "audit", "verify"]);
}

/// The incident of a ticket.
fn told_id(service: &Service, key: &str, ticket: &str) -> String {
    let listed = service.get("/v1/incidents", key).ok();
    let all = listed["incidents"].as_array().unwrap();
    all.iter().find(|one| one["ticket_id"] == ticket).unwrap()["id"].as_str().unwrap().to_owned()
}
