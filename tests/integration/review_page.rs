//! The review page as a browser without a script meets it: pages, forms, redirects.

use firstline_store::{Author, GrantScope, Location, NewGrant, open};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::served::{Answer, Service, drafted, tickets};
use crate::tool::{Dir, TRAINED};

fn id(draft: &Value) -> &str {
    draft["decision_id"].as_str().unwrap()
}

fn text(draft: &Value) -> &str {
    draft["draft"]["text"].as_str().unwrap()
}

/// Whether a rule asks who the writer is: then the form has to say that they were verified.
fn decide(browser: &Browser, draft: &Value, form: &[(&str, &str)]) -> Answer {
    let version = draft["version"].to_string();
    let mut all = vec![("version", version.as_str()), ("identity", "1")];
    all.extend_from_slice(form);
    browser.post(&format!("/review/{}", id(draft)), &all)
}

fn state(service: &Service, key: &str, draft: &Value) -> Value {
    service.get(&format!("/v1/decisions/{}", id(draft)), key).ok()["draft_state"].clone()
}

fn claimed(service: &Service, key: &str) -> Vec<Value> {
    let body = json!({"owner": "glue", "limit": 100});
    service.post("/v1/outbox/claim", key, &body).ok()["actions"].as_array().unwrap().clone()
}

#[test]
fn a_form_decides_as_the_api_does_and_leads_to_the_next_ticket() {
    let service = Service::start(&["phase=assist", "review.undo_seconds=600"]);
    let key = service.key("admin", &[]);
    let drafts = drafted(&service, &key, 8);
    let jo = Browser::of(&service, "Jo", &[]);
    let queue = jo.get("/review");
    assert_eq!(queue.status, 200);
    assert!(
        queue.header("content-security-policy").contains("script-src 'self'")
            && !queue.text.contains("<style")
    );
    assert_eq!(queue.header("cache-control"), "no-store");
    assert!(drafts.iter().all(|draft| queue.text.contains(&format!("/review/{}", id(draft)))));
    let page = jo.get(&format!("/review/{}", id(&drafts[0])));
    assert!(
        page.text.contains(&format!("name=\"version\" value=\"{}\"", drafts[0]["version"])),
        "{}",
        page.text
    );

    let sent = decide(
        &jo,
        &drafts[0],
        &[("action", "approve"), ("text", text(&drafts[0])), ("active_seconds", "12.5")],
    );
    assert_eq!((sent.status, state(&service, &key, &drafts[0])), (303, json!("approved")), "{}", sent.text);
    let place = sent.header("location").to_owned();
    assert!(place.starts_with(&format!("/review/{}?done={}", id(&drafts[1]), id(&drafts[0]))), "{place}");
    assert!(jo.get(&place).text.contains(&format!("action=\"/review/{}/undo", id(&drafts[0]))));
    // What stands in the box is what is sent.
    let own = "Please restart the program and tell us whether it helps.";
    assert_eq!(decide(&jo, &drafts[1], &[("action", "approve"), ("text", own)]).status, 303);
    assert_eq!(state(&service, &key, &drafts[1]), "edited");
    let none = decide(&jo, &drafts[2], &[("action", "reject"), ("text", text(&drafts[2]))]);
    assert_eq!((none.status, state(&service, &key, &drafts[2])), (400, json!("pending")));
    assert!(none.text.contains("Choose why"), "{}", none.text);
    let why = [("action", "reject"), ("text", text(&drafts[2])), ("reason", "tone"), ("more", "too stiff")];
    assert_eq!(
        (decide(&jo, &drafts[2], &why).status, state(&service, &key, &drafts[2])),
        (303, json!("rejected"))
    );
    // All of it waits for its undo; then it is done.
    assert_eq!(claimed(&service, &key), Vec::<Value>::new());
    let back = [("version", "3")];
    assert_eq!(jo.post(&format!("/review/{}/undo", id(&drafts[1])), &back).status, 303);
    assert_eq!(state(&service, &key, &drafts[1]), "pending");
    assert!(
        jo.get(&format!("/review/{}", id(&drafts[1]))).text.contains(own),
        "what was written is there again"
    );
    assert!(jo.get("/review?tab=undone").text.contains(id(&drafts[1])));
    assert!(jo.get("/review?tab=mine").text.contains(id(&drafts[0])));
    assert_eq!(jo.post(&format!("/review/{}/undo", id(&drafts[1])), &back).status, 409, "once");
    let other = Browser::of(&service, "Kim", &[]);
    assert_eq!(other.post(&format!("/review/{}/undo", id(&drafts[0])), &back).status, 409, "another's");
    service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn without_a_window_nothing_can_be_taken_back() {
    let service = Service::start(&["phase=assist", "review.undo_seconds=0"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 4).remove(0);
    let jo = Browser::of(&service, "Jo", &[]);
    assert_eq!(decide(&jo, &draft, &[("action", "approve"), ("text", text(&draft))]).status, 303);
    assert_eq!(jo.post(&format!("/review/{}/undo", id(&draft)), &[("version", "3")]).status, 409);
    assert!(!claimed(&service, &key).is_empty());
}

#[test]
fn of_two_people_the_loser_sees_what_stands_and_keeps_their_text() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 4).remove(0);
    let (jo, kim) = (Browser::of(&service, "Jo", &[]), Browser::of(&service, "Kim", &[]));
    let words = ["Please restart the program, says Kim.", "Please restart the program, says Jo <b>."];
    assert_eq!(decide(&kim, &draft, &[("action", "edit"), ("text", words[0])]).status, 303);
    let lost = decide(&jo, &draft, &[("action", "edit"), ("text", words[1])]);
    assert_eq!(lost.status, 409);
    for part in ["Kim has decided", words[0], "says Jo &lt;b&gt;."] {
        assert!(lost.text.contains(part), "{part}: {}", lost.text);
    }
    assert_eq!(claimed(&service, &key), Vec::<Value>::new());
}

#[test]
fn walls_stand_on_pages_as_in_the_api() {
    let service = Service::start(&["phase=assist", "rollout.blind_share=0.5"]);
    let key = service.key("admin", &[]);
    let drafts = drafted(&service, &key, 10);
    let all = tickets(10);
    let of = |draft: &Value| {
        all.iter().find(|t| t["id"] == draft["ticket_id"]).unwrap()["customer"].as_str().unwrap().to_owned()
    };
    let own = of(&drafts[0]);
    let held = Browser::of(&service, "Jo", &[&own]);
    let (mine, theirs): (Vec<&Value>, Vec<&Value>) = drafts.iter().partition(|draft| of(draft) == own);
    assert!(!theirs.is_empty());
    let queue = held.get("/review").text;
    for draft in &theirs {
        assert!(!queue.contains(id(draft)));
        let path = format!("/review/{}", id(draft));
        for part in ["", "/edit", "/choices", "/presence", "/undo"] {
            let form = [("version", "2"), ("text", "x"), ("action", "approve")];
            assert_eq!(held.post(&format!("{path}{part}"), &form).status, 404, "{part}");
        }
        assert_eq!(held.get(&path).status, 404);
        assert_eq!(held.post("/review/batch", &[("item", &format!("{}:2", id(draft)))]).status, 404);
    }
    let page = held.get(&format!("/review/{}", id(mine[0])));
    assert_eq!(page.status, 200);
    // From which tickets a draft was made, a key that is held to some customers does not see.
    for source in mine[0]["draft"]["sources"].as_array().into_iter().flatten() {
        assert!(!page.text.contains(&format!("from ticket {}", source["id"].as_str().unwrap())));
    }
    let other = of(theirs[0]);
    assert_eq!(held.get(&format!("/review?customer={}", other.replace(' ', "%20"))).status, 403);
    // Nobody, and a program: pages are for people.
    let nobody = Browser::of_nobody(&service).get("/review");
    assert_eq!((nobody.status, nobody.header("location")), (303, "/login?next=%2Freview"));
    assert_eq!(service.get("/review", &key).status, 401);
    // What is no form decides nothing.
    let path = format!("/review/{}", id(mine[0]));
    assert_eq!(
        held.send("POST", &path, Some("text/plain"), "action=approve&version=2".to_owned()).status,
        400
    );
}

#[test]
fn what_is_blind_is_on_no_page() {
    let service = Service::start(&["phase=assist", "rollout.blind_share=0.5"]);
    let key = service.key("admin", &[]);
    let store = open(&Location::Sqlite(service.dir.path("firstline.db"))).unwrap();
    for customer in [None, Some("acme".to_owned())] {
        let grant = NewGrant {
            scope: GrantScope { customer, ..GrantScope::default() },
            phase: firstline_ticket::Phase::Assist,
            thresholds: std::collections::BTreeMap::new(),
            bundle: None,
            evidence_sha: None,
            by: Author { person: "kim".to_owned(), actor: "test".to_owned() },
            reason: "a test".to_owned(),
        };
        store.grant(&grant, jiff::Timestamp::now()).unwrap();
    }
    let mut sent = tickets(30);
    sent.iter_mut().for_each(|ticket| ticket["customer"] = json!("Acme"));
    let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    let blind: Vec<&Value> =
        answer["results"].as_array().unwrap().iter().filter(|one| one["blind"] == true).collect();
    assert!(blind.len() > 4);
    let jo = Browser::of(&service, "Jo", &[]);
    for tab in ["waiting", "mine", "person", "held", "undone", "fields"] {
        let page = jo.get(&format!("/review?tab={tab}")).text;
        assert!(blind.iter().all(|one| !page.contains(id(one))), "{tab}");
    }
    for one in &blind {
        let page = jo.get(&format!("/review/{}", id(one)));
        assert!(page.status == 409 && page.text.contains("blind sample"), "{}", page.status);
        assert_eq!(jo.post("/review/batch", &[("item", &format!("{}:1", id(one)))]).status, 409);
        assert_eq!(decide(&jo, one, &[("action", "fields")]).status, 409);
    }
}

#[test]
fn several_are_approved_together_but_no_reply() {
    let service = Service::start(&["phase=assist", "review.undo_seconds=0"]);
    let key = service.key("admin", &[]);
    let drafts = drafted(&service, &key, 6);
    let plain: Vec<Value> = (0..3).map(|i| json!({"id": format!("P{i}"), "customer": "Contoso", "subject": "Scanner", "body": "It jams."})).collect();
    let bare = crate::served::triage(&service, &key, &plain);
    let jo = Browser::of(&service, "Jo", &[]);
    let page = jo.get("/review?tab=fields").text;
    let item = |one: &Value| format!("{}:{}", id(one), one["version"]);
    assert!(bare.iter().all(|one| page.contains(&format!("value=\"{}\"", item(one)))), "{page}");
    assert!(drafts.iter().all(|one| !page.contains(&item(one))));
    let mixed = [("item", item(&bare[0])), ("item", item(&drafts[0]))];
    let mixed: Vec<(&str, &str)> = mixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(jo.post("/review/batch", &mixed).status, 400);
    assert_eq!(state(&service, &key, &drafts[0]), "pending");
    let (one, two, old) = (item(&bare[0]), item(&bare[1]), format!("{}:99", id(&bare[2])));
    let done = jo.post("/review/batch", &[("item", &one), ("item", &two), ("item", &old)]);
    assert_eq!((done.status, done.header("location")), (303, "/review?tab=fields&batch=2-3"));
    let kinds: Vec<Value> = claimed(&service, &key).iter().map(|action| action["kind"].clone()).collect();
    assert_eq!(kinds, [json!("set_fields"), json!("set_fields")]);
    assert_eq!(jo.post("/review/batch", &[]).status, 400);
}

#[test]
fn a_text_is_checked_on_the_page_and_stays_there() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 4).remove(0);
    let jo = Browser::of(&service, "Jo", &[]);
    let path = format!("/review/{}", id(&draft));
    let hard = "Please reply with your password so that we can test it for you.";
    let refused = decide(&jo, &draft, &[("action", "edit"), ("text", hard)]);
    assert_eq!((refused.status, state(&service, &key, &draft)), (422, json!("pending")));
    for part in ["name=\"override\"", hard, "role=\"alert\""] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    // Kept for the person who wrote it, and for nobody else.
    assert!(jo.get(&path).text.contains(hard));
    let kim = Browser::of(&service, "Kim", &[]);
    let theirs = kim.get(&path).text;
    assert!(!theirs.contains(hard) && theirs.contains("Jo also here"), "{theirs}");
    let part = kim.post(&format!("{path}/edit"), &[("version", "2"), ("text", "Other words <i>")]).text;
    assert!(part.contains("<ins>") && part.contains("&lt;i&gt;") && !part.contains("<html"), "{part}");
    assert_eq!(decide(&jo, &draft, &[("action", "edit"), ("text", hard), ("override", "1")]).status, 303);
    assert_eq!(state(&service, &key, &draft), "edited");
}

#[test]
fn files_are_kept_for_ever_and_settings_are_checked() {
    let service = Service::start(&[]);
    let jo = Browser::of(&service, "Jo", &[]);
    let page = jo.get("/review").text;
    let paths: Vec<&str> = page.split('"').filter(|value| value.starts_with("/assets/")).collect();
    assert_eq!(paths.len(), 4);
    for path in paths {
        let file = Browser::of_nobody(&service).get(path);
        assert!(file.status == 200 && file.header("cache-control").contains("immutable"), "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(jo.get("/assets/0000-app.css").status, 404);
    let chosen = jo.post("/look", &[("theme", "dark"), ("language", "fr"), ("back", "//evil.example")]);
    assert_eq!((chosen.status, chosen.header("location")), (303, "/review"));
    assert!(chosen.header("set-cookie").starts_with("fl_look=dark.fr; Path=/;"));
    for bad in [
        "review.undo_seconds=601",
        "review.look_seconds=61",
        "review.psa_link=javascript:{id}",
        "review.sends=fax",
    ] {
        let (dir, bundle) = (Dir::new(), TRAINED.path("bundle").display().to_string());
        dir.fails(&["serve", "--bundle", &bundle, "--listen", "127.0.0.1:0", "--set", bad], "E_CONFIG");
    }
}
