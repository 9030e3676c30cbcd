//! People as they meet the service: a link, a password, sessions, what each right allows, and what another site can't do in their name.

use std::collections::BTreeMap;

use crate::browser::{Browser, PASSWORD, quoted};
use crate::served::{Answer, Service, tickets, triage};
use serde_json::{Value, json};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Where an answer sends the browser.
fn leads(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location"))
}

/// Adds a person by the command and gives the code of their link.
fn added(service: &Service, name: &str, rights: &str, customers: &[&str]) -> String {
    let mut args = vec!["users", "add", name, "--right", rights, "--json"];
    customers.iter().for_each(|customer| args.extend(["--customer", customer]));
    let shown = service.dir.ok(&args).json();
    assert!(shown["key"].as_str().unwrap().starts_with("fl_"), "{shown}");
    shown["link"].as_str().unwrap().strip_prefix("/password#").unwrap().to_owned()
}

#[test]
fn a_person_sets_a_password_signs_in_and_out_and_is_disabled() {
    let service = Service::start(&[]);
    let code = added(&service, "ada", "review,approve_rollout", &[]);
    let browser = Browser::of_nobody(&service);
    assert_eq!(leads(&browser.get("/me")), (303, "/login?next=%2Fme"));
    let page = browser.get("/password");
    assert!(page.status == 200 && page.text.contains("name=\"code\""), "{}", page.text);

    // A bad password leaves the link as it was; so does another code.
    let set = |browser: &Browser, code: &str, password: &str, repeat: &str| {
        browser.post("/password", &[("code", code), ("password", password), ("repeat", repeat)])
    };
    let weak = set(&browser, &code, "password1234", "password1234");
    assert!(
        weak.status == 422 && weak.text.contains("guessed first") && weak.text.contains(&code),
        "{}",
        weak.text
    );
    assert_eq!(set(&browser, &code, PASSWORD, "something else").status, 422);
    assert_eq!(set(&browser, &"0".repeat(64), PASSWORD, PASSWORD).status, 401);
    let good = set(&browser, &code, PASSWORD, PASSWORD);
    assert_eq!(leads(&good), (303, "/review"), "{}", good.text);
    let page = browser.get("/me");
    assert!(page.status == 200 && page.text.contains("approve_rollout") && page.text.contains("(this one)"));
    let other = Browser::of_nobody(&service);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(set(&other, &code, PASSWORD, PASSWORD).status, 401, "once");

    // The headers of a page.
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    // A page like all others: in the reader's language, with a menu and a way out.
    assert!(
        page.text.contains("action=\"/logout\"") && page.text.contains("aria-current=\"page\">Profile</a>")
    );
    let german = other.send_with("GET", "/login", &[("accept-language", "de-CH,de;q=0.9")], String::new());
    assert!(
        german.text.contains("<html lang=\"de\">") && german.text.contains("<h1>Anmelden</h1>"),
        "{}",
        german.text
    );
    assert!(!german.text.contains("<nav") && !german.text.contains("/logout"), "{}", german.text);

    // The same person elsewhere; a session is not another's, and signing in again takes another token.
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    let wrong = other.sign_in("ada", "wrong wrong wrong");
    assert!(wrong.status == 401 && wrong.text.contains("one of them is wrong"), "{}", wrong.text);
    let nobody = other.sign_in("nobody", PASSWORD);
    assert!(nobody.status == 401 && nobody.text.contains("one of them is wrong"));
    let fields = [("name", " Ada "), ("password", PASSWORD), ("next", "/v1/rollout")];
    assert_eq!(leads(&other.post("/login", &fields)), (303, "/v1/rollout"));
    let before = other.cookie();
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    assert_eq!(
        leads(&other.post("/login", &[("name", "ada"), ("password", PASSWORD), ("next", "//evil.example")])),
        (303, "/review")
    );
    let now = other.cookie();
    assert_ne!(now, before);
    other.keep(&before);
    assert!(!other.is_in(), "the session of before has ended");
    other.keep(&now);
    assert!(other.is_in() && browser.is_in());

    // The API, in the person's name.
    let status = browser.get("/v1/rollout");
    assert_eq!(status.status, 200, "{}", status.text);
    // A key beside the cookie: the call is the key's.
    let key = service.key("triage", &[]);
    let bearer = format!("Bearer {key}");
    let keys = browser.send_with("GET", "/v1/rollout", &[("authorization", &bearer)], String::new());
    assert_eq!(keys.problem(403, "E_SCOPE")["status"], 403);
    let page = browser.send_with("GET", "/me", &[("authorization", &bearer)], String::new());
    assert!(page.status == 401 && page.text.contains("pages are for people"), "an API key is no sign-in");

    // A new password ends every session but the one that it begins.
    let next = "regen knopf tulpe fass";
    let fields = [("current", PASSWORD), ("password", next), ("repeat", next)];
    let changed = browser.post("/me/password", &fields);
    assert_eq!(leads(&changed), (303, "/me"), "{}", changed.text);
    assert!(browser.is_in() && !other.is_in());
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    assert_eq!(other.sign_in("ada", PASSWORD).status, 401);
    assert_eq!(leads(&other.sign_in("ada", next)), (303, "/review"));

    // One's own sessions can be ended.
    let page = browser.get("/me").text;
    let ids: Vec<&str> = page.split("name=\"id\" value=\"").skip(1).map(|rest| &rest[..12]).collect();
    assert_eq!(ids.len(), 2, "{page}");
    assert_eq!(leads(&browser.post("/me/sessions", &[("id", ids[0])])), (303, "/me"));
    assert!(browser.is_in() && !other.is_in());

    // Signed out, the cookie is gone and worth nothing.
    let cookie = browser.cookie();
    assert_eq!(leads(&browser.post("/logout", &[])), (303, "/login"));
    assert_eq!(browser.cookie(), "");
    browser.keep(&cookie);
    assert!(!browser.is_in());
    assert_eq!(leads(&browser.get("/people")), (303, "/login?next=%2Fpeople"));
    let refused = browser.send("POST", "/v1/rollout/hold", Some(JSON.1), "{}".to_owned());
    refused.problem(401, "E_AUTH");

    // Another link, by the command; disabled, a session ends at once.
    let link = service.dir.ok(&["users", "link", "ada"]).stdout;
    let code = link.trim().strip_prefix("/password#").unwrap().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(2_000));
    assert_eq!(leads(&set(&browser, &code, PASSWORD, PASSWORD)), (303, "/review"));
    assert!(browser.is_in());
    service.dir.ok(&["users", "disable", "ada"]);
    assert!(!browser.is_in());
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(browser.sign_in("ada", PASSWORD).status, 401);
    service.dir.fails(&["users", "link", "ada"], "E_NOT_FOUND");
    let listed = service.dir.ok(&["users", "list", "--json"]).json();
    assert!(listed["state"].as_str().unwrap().starts_with("disabled"), "{listed}");
    service.dir.ok(&["store", "audit", "anchor"]);
    service.dir.ok(&["store", "audit", "verify"]);
    for secret in [&code, PASSWORD, next] {
        assert!(!service.log().contains(secret));
    }
}

#[test]
fn another_site_does_nothing_in_a_persons_name() {
    let service = Service::start(&[]);
    let ada = Browser::with(&service, "ada", "admin", &[]);
    let key = service.key("admin", &[]);
    let bearer = format!("Bearer {key}");
    let base = service.base();
    let (ours, host) = (base.as_str(), base.strip_prefix("http://").unwrap().to_owned());
    let table: [(&[(&str, &str)], bool); 10] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", ours)], false),
        (&[("origin", ours)], true),
        (&[("origin", "http://evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", &format!("http://x.{host}"))], false),
        (&[], false),
    ];
    let form = (FORM, "id=none");
    let triage = json!({"tickets": [{"id": "1", "subject": "VPN down"}]}).to_string();
    for (headers, passes) in table {
        for (path, (media, body), due) in [
            ("/me/sessions", form, 303),
            ("/people/link", form, 404),
            ("/v1/triage", (JSON, triage.as_str()), 200),
        ] {
            let sent = [headers, &[media]].concat();
            let answer = ada.send_with("POST", path, &sent, body.to_owned());
            let refused = answer.status == 403 && answer.text.contains("E_ORIGIN");
            assert_eq!(
                (answer.status, refused),
                (if passes { due } else { 403 }, !passes),
                "{path} {headers:?} {}",
                answer.text
            );
            // A key says by itself that it is no form of another site's, whatever cookie comes with it.
            if path.starts_with("/v1") {
                let sent = [&[("authorization", bearer.as_str())], &sent[..]].concat();
                assert_eq!(ada.send_with("POST", path, &sent, body.to_owned()).status, 200, "{sent:?}");
            }
        }
        // Nor does another site sign somebody in, or out.
        if !passes {
            let fields = format!("name=ada&password={}", quoted(PASSWORD));
            let sent = [headers, &[FORM]].concat();
            let answer = Browser::of_nobody(&service).send_with("POST", "/login", &sent, fields);
            assert!(answer.status == 403 && answer.header("set-cookie").is_empty());
            assert_eq!(ada.send_with("POST", "/logout", &sent, form.1.to_owned()).status, 403);
        }
    }
    assert!(ada.is_in());
    // A GET of what changes something does nothing.
    for path in ["/logout", "/people/link", "/people/disable", "/me/sessions", "/me/password"] {
        assert_eq!(ada.get(path).status, 405, "{path}");
    }
    // Only forms of pages are forms.
    let odd = ada.send("POST", "/me/sessions", Some("text/plain"), "id=none".to_owned());
    assert!(odd.status == 400 && odd.text.contains("E_REQUEST"));
}

/// What a call is asked with, so that only a right is missing.
fn body_of(path: &str) -> Option<Value> {
    Some(match path {
        "/v1/triage" | "/v1/jobs" => json!({"tickets": [{"id": "1", "subject": "VPN down"}]}),
        "/v1/similar" => json!({"ticket": {"id": "1", "subject": "VPN down"}}),
        "/v1/feedback" => json!({"items": []}),
        "/v1/events" => json!({"events": []}),
        "/v1/answers" => json!({"answers": []}),
        "/v1/outbox/claim" => json!({"owner": "glue"}),
        "/v1/connections/{name}" => json!({"owner": "glue"}),
        "/v1/embeddings" => json!({"input": "VPN down"}),
        "/embed" | "/predict" => json!({"inputs": "VPN down"}),
        "/v1/rollout/criteria" => json!({"text": ""}),
        "/v1/rollout/resume" => json!({"hold": 1, "reason": "r"}),
        _ => return None,
    })
}

#[test]
fn each_right_opens_what_it_is_for_and_nothing_else() {
    let service = Service::start(&[]);
    let document = service.get("/openapi.json", "").ok();
    let rights = ["review", "manage", "approve_rollout", "stop", "admin"];
    let mut looked: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for right in rights {
        let browser = Browser::of_nobody(&service);
        let home =
            browser.follow(&format!("/password#{}", added(&service, &format!("has {right}"), right, &[])));
        assert_eq!(home, if ["review", "admin"].contains(&right) { "/review" } else { "/me" }, "{right}");
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, call) in methods.as_object().unwrap() {
                let needs: Vec<&str> = call["security"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|one| one["key"].as_array())
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let body = body_of(path);
                if needs.is_empty() || (method != "get" && body.is_none()) || path == "/v1/bundle" {
                    continue;
                }
                let body = body.unwrap_or_default().to_string();
                let url = path.replace(['{', '}'], "");
                let answer = browser.send(&method.to_uppercase(), &url, Some(JSON.1), body);
                let lacks = right != "admin" && !needs.contains(&right);
                let refused = answer.status == 403;
                assert_eq!(
                    refused, lacks,
                    "{right}: {method} {path} needs {needs:?}: {} {}",
                    answer.status, answer.text
                );
                assert_ne!(answer.status, 401, "{right}: {method} {path}");
                looked.entry(right).or_default()[usize::from(lacks)] += 1;
            }
        }
        let admin = right == "admin";
        // What a hold takes is said by its level.
        for (level, takes) in [("stop", "stop"), ("pause_expansion", "manage")] {
            let hold = json!({"level": level, "reason": "r"}).to_string();
            let answer = browser.send("POST", "/v1/rollout/hold", Some(JSON.1), hold);
            let lacks = !admin && right != takes;
            assert_eq!(answer.status == 403, lacks, "{right}: {level}: {}", answer.text);
            looked.entry(right).or_default()[usize::from(lacks)] += 1;
        }
        let page = browser.get("/me");
        assert_eq!(page.status, 200);
        // A menu leads nowhere where its reader may not go.
        for place in ["/review", "/week", "/rollout", "/baseline", "/incidents", "/outbox", "/people", "/me"]
        {
            let is_listed = page.text.contains(&format!("<li><a href=\"{place}\""));
            assert_eq!(is_listed, browser.get(place).status == 200, "{right}: {place}");
        }
        assert_eq!(browser.get("/people").status, if admin { 200 } else { 403 }, "{right}");
        for path in ["/people", "/people/link", "/people/disable"] {
            let status = browser.post(path, &[("id", "none")]).status;
            assert_eq!(status == 403, !admin, "{right}: {path}: {status}");
        }
    }
    assert!(looked.values().all(|[opened, _]| *opened > 0) && looked["review"][1] > 5, "{looked:?}");
}

#[test]
fn administrators_add_people_on_the_page_and_disable_them() {
    let service = Service::start(&[]);
    let boss = Browser::with(&service, "boss", "admin", &[]);
    let page = boss.post(
        "/people",
        &[
            ("name", "ben"),
            ("display", "Ben B. <b>"),
            ("right", "review"),
            ("right", "stop"),
            ("customers", "Acme\r\n\r\n Bolt "),
        ],
    );
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("Ben B. &lt;b&gt;")
            && page.text.contains("acme, bolt")
            && page.text.contains("review, stop")
    );
    let code = page.text.split("/password#").nth(1).unwrap()[..64].to_owned();
    assert!(!boss.get("/people").text.contains(&code), "shown once");
    let taken = boss.post("/people", &[("name", "BEN"), ("right", "review")]);
    assert!(taken.status == 409 && taken.text.contains("ben"), "{}", taken.text);
    assert_eq!(boss.post("/people", &[("name", "cem")]).status, 400, "no right");
    assert_eq!(boss.post("/people", &[("name", "Firstline"), ("right", "review")]).status, 400);
    assert_eq!(boss.post("/people", &[("name", "cem"), ("right", "root")]).status, 400);

    let ben = Browser::of_nobody(&service);
    let fields = [("code", code.as_str()), ("password", PASSWORD), ("repeat", PASSWORD)];
    assert_eq!(leads(&ben.post("/password", &fields)), (303, "/review"));
    assert!(ben.get("/me").text.contains("acme, bolt"));
    // Held to customers, an administrator is none of all.
    let list = service.dir.ok(&["users", "list", "--json"]).lines();
    let ids = boss.get("/people").text;
    assert_eq!(list.len(), 2);
    assert_eq!((&list[1]["name"], &list[1]["has_password"]), (&json!("ben"), &json!(true)));
    let id = ids.rsplit("name=\"id\" value=\"").next().unwrap()[..12].to_owned();
    let own = ids.split("name=\"id\" value=\"").nth(1).unwrap()[..12].to_owned();
    assert_eq!(boss.post("/people/disable", &[("id", &own)]).status, 409, "not oneself");
    let link = boss.post("/people/link", &[("id", &id)]);
    assert!(link.status == 200 && link.text.contains("/password#"));
    assert_eq!(leads(&boss.post("/people/disable", &[("id", &id)])), (303, "/people"));
    assert!(!ben.is_in());
    assert_eq!(boss.post("/people/disable", &[("id", &id)]).status, 404);
    service.dir.ok(&["store", "audit", "anchor"]);
    service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn a_person_sees_their_customers_alone() {
    let service = Service::start(&[]);
    let key = service.key("admin", &[]);
    let sent = tickets(12);
    let own = sent[0]["customer"].as_str().unwrap().to_owned();
    let results = triage(&service, &key, &sent);
    let held = Browser::with(&service, "held", "admin", &[&own]);
    let mut seen = [0, 0];
    for (ticket, result) in sent.iter().zip(&results) {
        let path = format!("/v1/decisions/{}", result["decision_id"].as_str().unwrap());
        let is_own = ticket["customer"] == own.as_str();
        assert_eq!(held.get(&path).status, if is_own { 200 } else { 404 });
        seen[usize::from(is_own)] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    assert_eq!(held.get("/people").status, 403);
    // A job of theirs decides their customers' tickets alone.
    let mut other = sent.iter().find(|ticket| ticket["customer"] != own.as_str()).unwrap().clone();
    other["id"] = json!("J1");
    let body = json!({"tickets": [other]}).to_string();
    let job = held.send("POST", "/v1/jobs", Some(JSON.1), body);
    assert!(job.status == 202 || job.status == 403 || job.status == 200, "{} {}", job.status, job.text);
}

#[test]
fn who_guesses_waits() {
    let service = Service::start(&[]);
    added(&service, "ada", "review", &[]);
    let guess = |n: usize| Browser::of_nobody(&service).sign_in("ada", &format!("guess number {n}")).status;
    // All at once: a busy machine takes its time for each.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|n| scope.spawn(move || guess(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |due: u16| statuses.iter().filter(|status| **status == due).count();
    assert!(count(401) >= 5 && count(429) >= 4 && count(401) + count(429) == 16, "{statuses:?}");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let browser = Browser::of_nobody(&service);
    assert_eq!(browser.sign_in("ada", "another guess").status, 401, "not for good");
}

#[test]
fn a_proxy_that_is_named_says_who_it_is_and_nobody_else_does() {
    let user = |name: &'static str| [("x-forwarded-user", name)];
    let named = Service::start(&["login.header=X-Forwarded-User", "login.proxies=127.0.0.1/32, ::1"]);
    added(&named, "ada", "review,manage", &[]);
    let browser = Browser::of_nobody(&named);
    let get = |path: &str, name| browser.send_with("GET", path, &user(name), String::new());
    let page = get("/me", "ada");
    assert!(
        page.status == 200 && page.text.contains("manage") && !page.text.contains("/logout"),
        "{}",
        page.text
    );
    assert_eq!(get("/v1/rollout", "ada").status, 200);
    assert_eq!(leads(&get("/login?next=%2Fme", "ada")), (303, "/me"));
    for name in ["eve", "Ada", "\u{430}da"] {
        let refused = get("/me", name);
        assert!(refused.status == 403 && refused.text.contains("E_SCOPE"), "{name}: {}", refused.text);
    }
    let hold = json!({"level": "pause_expansion", "reason": "r"}).to_string();
    let cross = browser.send_with("POST", "/v1/rollout/hold", &[&user("ada")[..], &[JSON]].concat(), hold);
    cross.problem(403, "E_ORIGIN");
    named.dir.ok(&["users", "disable", "ada"]);
    assert_eq!(browser.send_with("GET", "/me", &user("ada"), String::new()).status, 403);

    let open = Service::start(&[
        "login.header=X-Forwarded-User",
        "login.proxies=127.0.0.1",
        "login.auto_create=true",
    ]);
    let browser = Browser::of_nobody(&open);
    let get = |name| browser.send_with("GET", "/me", &user(name), String::new());
    assert!(get("eve").text.contains("review"));
    assert_eq!(get("Eve").status, 409, "nobody can tell that name from hers");
    assert_eq!(get("Firstline").status, 400);
    open.dir.ok(&["users", "disable", "eve"]);
    assert_eq!(get("eve").status, 403, "nor does she come back by herself");

    let other = Service::start(&["login.header=X-Forwarded-User", "login.proxies=10.9.9.9"]);
    added(&other, "ada", "manage", &[]);
    let browser = Browser::of_nobody(&other);
    assert_eq!(
        leads(&browser.send_with("GET", "/me", &user("ada"), String::new())),
        (303, "/login?next=%2Fme")
    );
    browser.send_with("GET", "/v1/rollout", &user("ada"), String::new()).problem(401, "E_AUTH");
}
