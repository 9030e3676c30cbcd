//! Reference data, workflows and what else routes.

use super::*;

#[test]
fn statuses_types_and_associations_belong_to_their_board() {
    let mut desk = Desk::new();
    let boards = desk.list("service/boards");
    assert_eq!(
        boards.iter().map(|b| b["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Service Desk", "Network", "Alerts"]
    );
    let mut seen = Vec::new();
    for board in &boards {
        let id = &board["id"];
        for kind in ["statuses", "types", "subtypes"] {
            let rows = desk.list(&format!("service/boards/{id}/{kind}"));
            assert!(!rows.is_empty() && rows.iter().all(|row| row["board"]["id"] == *id), "{kind}");
            seen.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
        }
        let statuses = desk.list(&format!("service/boards/{id}/statuses"));
        let stages: Vec<&str> = statuses.iter().map(|s| s["escalationStatus"].as_str().unwrap()).collect();
        assert_eq!(stages, ["NotResponded", "Responded", "NoEscalation", "Resolved", "Resolved"]);
        assert!(statuses[3]["closedStatus"] == true && statuses[0]["inactive"] == false);
        let pairs = desk.list(&format!("service/boards/{id}/typeSubTypeItemAssociations"));
        assert_eq!(pairs.len(), 4);
        let team = &desk.list(&format!("service/boards/{id}/teams"))[0];
        assert_eq!((team["boardId"] == *id, team["members"].as_array().unwrap().len()), (true, 5));
    }
    let n = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), n);
}

#[test]
fn members_customers_and_lists_of_the_set_up_are_there() {
    let mut desk = Desk::new();
    let members = desk.list("system/members");
    assert_eq!(members.iter().filter(|m| m["inactiveFlag"] == true).count(), 1);
    assert_eq!((members.len(), desk.get("system/members/count").body["count"].as_i64()), (7, Some(7)));
    for field in [
        "identifier",
        "firstName",
        "licenseClass",
        "defaultEmail",
        "defaultPhone",
        "agreementInvoicingDisplayOptions",
        "invoicingDisplayOptions",
        "invoiceScreenDefaultTabFormat",
    ] {
        assert!(members.iter().all(|member| member[field].is_string()), "{field}");
    }
    for (path, n) in [
        ("service/priorities", 4),
        ("service/sources", 4),
        ("service/SLAs", 1),
        ("service/locations", 1),
        ("company/companies", 3),
        ("company/contacts", 6),
        ("schedule/calendars", 1),
        ("schedule/holidayLists/1/holidays", 3),
        ("service/surveys/1/results", 0),
    ] {
        assert_eq!(desk.list(path).len(), n, "{path}");
    }
    let id = desk.world.companies.keys().next().copied().unwrap();
    assert_eq!(desk.get(&format!("company/companies/{id}")).body["name"], "Brightwater Dental");
    assert_eq!(desk.list(&format!("company/contacts?conditions=company/id={id}")).len(), 2);
    assert_eq!(desk.get("system/info").body["isCloud"], true);
    assert!(desk.list("service/priorities")[0].get("color").is_some());
    desk.set(&json!({"limited_priorities": true}));
    assert!(desk.list("service/priorities")[0].get("color").is_none());
}

#[test]
fn workflows_are_the_rules_that_act() {
    let mut desk = Desk::new();
    let workflows = desk.list("system/workflows");
    let names: Vec<&str> = workflows.iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["VPN to Network", "Backups to Alerts", "Outages to the lead", "Acknowledge new tickets"]
    );
    let mut boards = Vec::new();
    for workflow in &workflows {
        let events = desk.list(&format!("system/workflows/{}/events", workflow["id"]));
        assert!(events[0]["eventCondition"].is_string());
        let path = format!("system/workflows/{}/events/{}/actions", workflow["id"], events[0]["id"]);
        let actions = desk.list(&path);
        assert!(actions[0]["notifyType"]["name"].is_string());
        boards.push(actions[0]["board"]["name"].as_str().map(str::to_owned));
        assert_eq!(desk.list(&format!("system/workflows/{}/triggers", workflow["id"])).len(), 1);
    }
    assert_eq!(boards, [Some("Network".to_owned()), Some("Alerts".to_owned()), None, None]);
    assert_eq!(desk.get("system/workflows/77/events").code(), "NotFound");
    assert_eq!(desk.get("system/workflows/1/events/5/actions").status, 404);
    // A mail that the first rule takes is on the board of that rule, and was on another.
    let id = desk.mail("VPN drops every hour");
    assert_eq!(desk.get(&format!("service/tickets/{id}")).body["board"]["name"], "Network");
}

#[test]
fn other_routing_is_shown_and_never_written() {
    let mut desk = Desk::new();
    let board = *desk.world.boards.keys().next().unwrap();
    assert_eq!(desk.list(&format!("service/boards/{board}/autoAssignResources")).len(), 1);
    assert!(desk.list(&format!("service/boards/{board}/autoTemplates")).is_empty());
    let rules = "system/emailConnectors/1/parsingStyles/1/parsingRules";
    assert_eq!(desk.list("system/emailConnectors/1/parsingStyles")[0]["id"], json!(1));
    assert_eq!(desk.list(rules)[0]["searchTerm"], "[ALERT]");
    assert_eq!(desk.list("service/templates")[0]["board"]["id"], json!(board));
    for path in ["9/parsingStyles", "9/parsingStyles/1/parsingRules", "1/parsingStyles/2/parsingRules"] {
        assert_eq!(desk.get(&format!("system/emailConnectors/{path}")).code(), "NotFound", "{path}");
    }
    desk.set(&json!({"parsing_rules": []}));
    assert!(desk.list(rules).is_empty());
    for path in ["system/workflows", "service/templates", "service/boards"] {
        assert_eq!(desk.ask("POST", path, Some(json!({"name": "x"}))).status, 405, "{path}");
    }
}
