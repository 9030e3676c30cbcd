//! Credentials, codebases, rights, limits and paths.

use super::*;

#[test]
fn companyinfo_needs_no_credentials_and_is_null_for_others() {
    let mut desk = Desk::new();
    let mut bare = request("GET", "/login/companyinfo/acme", None);
    bare.headers.clear();
    let told = desk.raw(&bare);
    assert_eq!((told.status, &told.body["Codebase"]), (200, &json!("v2025_1/")));
    assert_eq!((&told.body["CompanyID"], &told.body["IsCloud"]), (&json!("acme"), &json!(true)));
    bare.path = "/login/companyinfo/nobody".to_owned();
    let reply = desk.cw.answer(&mut desk.world, &bare);
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"null"[..]));
    desk.set(&json!({"unknown_company_404": true}));
    assert_eq!(desk.raw(&bare).status, 404);
}

#[test]
fn bad_credentials_and_a_missing_client_id_are_401() {
    let mut desk = Desk::new();
    for (user, status) in [
        ("acme+PublicKeyOfAFake:PrivateKeyOfAFake", 200),
        ("ACME+PublicKeyOfAFake:PrivateKeyOfAFake", 200),
        ("other+PublicKeyOfAFake:PrivateKeyOfAFake", 401),
        ("acme+PublicKeyOfAFake:wrong", 401),
        ("acme+wrong:PrivateKeyOfAFake", 401),
        ("PublicKeyOfAFake:PrivateKeyOfAFake", 401),
    ] {
        let mut asked = request("GET", "service/boards", None);
        asked.headers.insert("authorization".to_owned(), basic(user));
        assert_eq!(desk.raw(&asked).status, status, "{user}");
    }
    for client in [None, Some("00000000-0000-4000-8000-000000000001")] {
        let mut asked = request("GET", "service/boards", None);
        asked.headers.remove("clientid");
        asked.headers.extend(client.map(|id| ("clientid".to_owned(), id.to_owned())));
        let told = desk.raw(&asked);
        assert_eq!((told.status, told.code()), (401, "UserNotAuthenticated"));
    }
}

#[test]
fn the_codebase_moves_and_the_old_one_is_gone() {
    let mut desk = Desk::new();
    assert_eq!(desk.get("service/boards").status, 200);
    assert_eq!(desk.get("/v4_6_release/apis/3.0/service/boards").status, 200);
    desk.set(&json!({"codebase": "v2025_2", "generic_codebase": false}));
    assert_eq!(desk.get("service/boards").status, 404);
    assert_eq!(desk.get("/v4_6_release/apis/3.0/service/boards").status, 404);
    assert_eq!(desk.get("/v2025_2/apis/3.0/service/boards").status, 200);
    assert_eq!(desk.get("/login/companyinfo/acme").body["Codebase"], "v2025_2/");
}

#[test]
fn missing_records_and_missing_endpoints_are_told_apart() {
    let mut desk = Desk::new();
    for path in ["service/nothing", "nothing", "service/tickets/x/y/z", "service/boards/1/2/3/4"] {
        let told = desk.get(path);
        assert_eq!((told.status, told.code()), (404, "ConnectWiseApi"), "{path}");
    }
    for path in ["service/tickets/1", "service/tickets/1/notes", "service/boards/1", "system/callbacks/1"] {
        let told = desk.get(path);
        assert_eq!((told.status, told.code()), (404, "NotFound"), "{path}");
    }
    assert_eq!(desk.ask("DELETE", "service/boards", None).status, 405);
    assert_eq!(desk.ask("POST", "service/nothing", Some(json!({}))).code(), "ConnectWiseApi");
}

#[test]
fn an_old_server_has_no_all_notes() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    assert_eq!(desk.get(&format!("service/tickets/{id}/allNotes")).status, 200);
    desk.set(&json!({"all_notes": false}));
    let told = desk.get(&format!("service/tickets/{id}/allNotes"));
    assert_eq!((told.status, told.code()), (404, "ConnectWiseApi"));
    assert_eq!(desk.get(&format!("service/tickets/{id}/notes")).status, 200);
}

#[test]
fn each_right_is_refused_alone() {
    let note = json!({"text": "x", "internalAnalysisFlag": true});
    let rights: [(&str, &str, &str, Option<Value>); 9] = [
        ("tickets.inquire", "GET", "service/tickets", None),
        ("tickets.inquire", "GET", "service/tickets/ID", None),
        ("tickets.edit", "PATCH", "service/tickets/ID", Some(replace("summary", json!("New")))),
        ("tickets.edit", "POST", "service/tickets/ID/notes", Some(note)),
        ("tickets.delete", "DELETE", "service/tickets/ID", None),
        ("setup.inquire", "GET", "service/boards", None),
        ("members.inquire", "GET", "system/members", None),
        ("time.inquire", "GET", "time/entries", None),
        ("audit.inquire", "GET", "system/audittrail?type=Ticket&id=ID", None),
    ];
    for (right, method, path, body) in rights {
        let mut desk = Desk::new();
        let id = desk.mail("Printer");
        let path = path.replace("ID", &id.to_string());
        desk.set(&json!({"denied": [right]}));
        let told = desk.ask(method, &path, body.clone());
        assert_eq!((told.status, told.code()), (403, "Forbidden"), "{right}");
        assert_eq!(desk.writes(id), 0, "{right}");
        desk.set(&json!({"denied": []}));
        assert!(desk.ask(method, &path, body).status < 300, "{right}");
    }
}

#[test]
fn only_closing_needs_the_right_to_close() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    desk.set(&json!({"denied": ["tickets.close"]}));
    let board = desk.ticket(id).board;
    let (closed, open) = (desk.world.closed_status(board).unwrap(), desk.world.status(board, "In Progress"));
    assert_eq!(desk.patch(id, replace("status", json!({"id": closed}))).status, 403);
    assert_eq!(desk.patch(id, replace("status", json!({"id": open}))).status, 200);
    assert_eq!(desk.writes(id), 1);
}

#[test]
fn the_quota_is_counted_over_a_rolling_minute() {
    let mut desk = Desk::new();
    desk.set(&json!({"quota": 3}));
    for _ in 0..3 {
        assert_eq!(desk.get("service/boards").status, 200);
        desk.later(10);
    }
    let told = desk.get("service/boards");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("5")));
    assert!(told.body.is_object());
    desk.set(&json!({"retry_after": null, "quota_page": true}));
    let told = desk.get("service/boards");
    assert_eq!((told.status, told.header("retry-after")), (429, None));
    assert!(told.header("content-type").unwrap().starts_with("text/html"));
    desk.later(31);
    assert_eq!(desk.get("service/boards").status, 200);
    assert_eq!(desk.get("service/boards").status, 429);
}

#[test]
fn the_pinned_version_and_the_desks_time_are_told() {
    let mut desk = Desk::new();
    assert_eq!(desk.get("service/boards").header("api-current-version"), Some("2025.1"));
    assert_eq!(desk.get("service/boards").header("date"), Some("Mon, 02 Mar 2026 08:00:00 GMT"));
    for accept in [
        "application/vnd.connectwise.com+json; version=2021.1, application/json",
        "application/vnd.connectwise.com+json; version=2021.1",
    ] {
        let mut asked = request("GET", "service/boards", None);
        asked.headers.insert("accept".to_owned(), accept.to_owned());
        assert_eq!(desk.raw(&asked).header("api-current-version"), Some("2021.1"));
    }
}

#[test]
fn settings_that_do_not_exist_are_refused() {
    let mut desk = Desk::new();
    assert!(desk.cw.set(&json!({"codebass": "v2025_2"})).is_err());
    assert!(desk.cw.set(&json!({"quota": "many"})).is_err());
    assert!(desk.cw.set(&json!(["quota"])).is_err());
    assert_eq!(desk.cw.settings, Settings::default());
}

#[test]
fn tickets_on_a_hidden_board_look_deleted() {
    let mut desk = Desk::new();
    let (id, board) = (desk.mail("Printer"), *desk.world.boards.keys().next().unwrap());
    desk.world.boards.entry(board).and_modify(|board| board.hidden = true);
    assert_eq!(desk.get(&format!("service/tickets/{id}")).status, 404);
    assert!(desk.list("service/tickets").is_empty());
    assert_eq!(desk.get(&format!("service/boards/{board}/statuses")).status, 404);
    assert_eq!(desk.list("service/boards").len(), 2);
}
