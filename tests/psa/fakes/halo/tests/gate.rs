//! Tokens, scopes, the quota, and bodies of refusals.

use serde_json::{Value, json};

use super::{Bench, asked, read};
use crate::halo::{CLIENT_ID, CLIENT_SECRET};
use crate::server::Dialect;

#[test]
fn a_token_is_given_for_the_secret_and_for_nothing_else() {
    let mut bench = Bench::new();
    let (status, body) = bench.sign_in("all", CLIENT_SECRET);
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    let (status, body) = bench.sign_in("all", "wrong");
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    bench.halo.set(&json!({"wrong_client_status": 400})).unwrap();
    assert_eq!(bench.sign_in("all", "wrong").0, 400);
    let (status, body) = bench.sign_in("read:everything", CLIENT_SECRET);
    assert_eq!((status, &body["error"]), (400, &json!("invalid_scope")));
    for (body, kind) in [
        (
            format!("grant_type=password&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"),
            "application/x-www-form-urlencoded",
        ),
        (json!({"grant_type": "client_credentials", "client_id": CLIENT_ID}).to_string(), "application/json"),
    ] {
        let mut request = asked("POST", "/auth/token", body.into_bytes());
        request.headers.insert("content-type".into(), kind.into());
        let (status, body) = read(&bench.halo.answer(&mut bench.world, &request));
        assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
    }
}

#[test]
fn a_hosted_tenant_wants_its_name() {
    let mut bench = Bench::new();
    bench.halo.set(&json!({"tenant": "acme"})).unwrap();
    assert_eq!(bench.sign_in("all", CLIENT_SECRET).0, 500);
    let info = read(&bench.halo.answer(&mut bench.world, &asked("GET", "/api/authinfo", Vec::new()))).1;
    assert_eq!(info, json!({"auth_url": "http://fake/auth", "tenant_id": "acme"}));
    let body = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let mut request = asked("POST", "/auth/token?tenant=acme", body.into_bytes());
    request.headers.insert("content-type".into(), "application/x-www-form-urlencoded".into());
    assert_eq!(bench.halo.answer(&mut bench.world, &request).status, 200);
}

#[test]
fn tokens_end_by_the_desks_clock_and_where_set_with_the_next_token() {
    let mut bench = Bench::new();
    assert_eq!(bench.get("/api/Status").0, 200);
    bench.later(3600);
    let reply = bench.send("GET", "/api/Status", None);
    assert_eq!(reply.status, 401);
    assert!(reply.headers.iter().any(|(name, _)| name == "www-authenticate"));
    bench.renew();
    let old = bench.token.clone();
    bench.renew();
    let new = std::mem::replace(&mut bench.token, old);
    assert_eq!(bench.get("/api/Status").0, 200, "UNCONFIRMED: the old token lives on");
    bench.halo.set(&json!({"new_token_ends_old": true})).unwrap();
    bench.renew();
    bench.token = new;
    assert_eq!(bench.get("/api/Status").0, 401);
    bench.token = "guessed".to_owned();
    assert_eq!(bench.get("/api/Tickets").0, 401);
}

#[test]
fn the_application_and_the_agents_role_both_limit() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let note = json!([{"ticket_id": ticket, "outcome_id": 7, "note": "x"}]);
    let narrow = bench.sign_in("read:tickets read:customers", CLIENT_SECRET).1;
    bench.token = narrow["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get("/api/Tickets").0, 200);
    let (status, body) = bench.post("/api/Actions", note.clone());
    assert_eq!(status, 403);
    assert!(body["error"].is_string());
    assert_eq!(bench.get("/api/Webhook").0, 403);
    bench.renew();
    bench.halo.set(&json!({"denied": ["edit:tickets"]})).unwrap();
    assert_eq!(bench.post("/api/Actions", note.clone()).0, 403);
    assert_eq!(bench.post("/api/Tickets", json!([{"id": ticket, "priority_id": 1}])).0, 403);
    assert_eq!(bench.get(&format!("/api/Tickets/{ticket}")).0, 200);
    assert!(bench.world.writes.is_empty());
    bench.halo.set(&json!({"denied": [], "scopes": ["read:tickets"]})).unwrap();
    assert_eq!(bench.sign_in("all", CLIENT_SECRET).0, 400);
}

#[test]
fn the_quota_counts_a_rolling_window() {
    let mut bench = Bench::new();
    bench.halo.set(&json!({"quota": 3})).unwrap();
    for _ in 0..3 {
        assert_eq!(bench.get("/api/Status").0, 200);
        bench.later(60);
    }
    let reply = bench.send("GET", "/api/Status", None);
    assert_eq!(reply.status, 429);
    assert!(read(&reply).1.is_string());
    let wait =
        reply.headers.iter().find(|(name, _)| name == "retry-after").unwrap().1.parse::<i64>().unwrap();
    bench.halo.set(&json!({"retry_after": false})).unwrap();
    let bare = bench.send("GET", "/api/Status", None);
    assert!(bare.headers.iter().all(|(name, _)| name != "retry-after"));
    bench.later(wait);
    assert_eq!(bench.get("/api/Status").0, 200);
    assert_eq!(bench.get("/api/Status").0, 429);
}

#[test]
fn bodies_of_refusals_have_many_forms_or_the_one_that_is_set() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let shape = |body: &Value| match body {
        Value::String(_) => "text".to_owned(),
        Value::Object(body) => {
            let mut keys: Vec<String> = body.keys().cloned().collect();
            keys.sort();
            keys.join(",")
        }
        _ => panic!("{body}"),
    };
    let mut seen: Vec<String> = vec![
        shape(&bench.post("/api/Actions", json!([{"ticket_id": ticket, "note": "x"}])).1),
        shape(&bench.post("/api/Tickets", json!({"summary": "an object"})).1),
        shape(&bench.post("/api/Tickets", json!([{"id": ticket, "status_id": 777}])).1),
        shape(&bench.get("/api/Tickets/1").1),
    ];
    bench.token = String::new();
    seen.push(shape(&bench.get("/api/Tickets").1));
    seen.sort();
    assert_eq!(seen, ["ClassName,Data,Message", "error", "errorMessage,resultCode", "message", "text"]);
    for (name, key) in [("class", "ClassName,Data,Message"), ("text", "text"), ("one_key", "message")] {
        bench.halo.set(&json!({"error_body": name})).unwrap();
        assert_eq!(shape(&bench.get("/api/Tickets").1), key);
    }
}

#[test]
fn settings_are_checked() {
    let mut bench = Bench::new();
    assert!(bench.halo.set(&json!({"quotta": 5})).is_err());
    assert!(bench.halo.set(&json!({"quota": "many"})).is_err());
    assert!(bench.halo.set(&json!(["quota"])).is_err());
    bench.halo.set(&json!({"quota": 5})).unwrap();
    assert_eq!((bench.halo.settings.quota, bench.halo.settings.token_seconds), (5, 3600));
}
