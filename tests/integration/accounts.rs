//! People as they meet the service: a link, a password, sessions, what each right allows, and what another site can't do in their name.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ureq::Agent;

use crate::served::{Answer, Service, tickets, triage};

const PASSWORD: &str = "tulpe fass regen knopf";

/// A browser: it keeps the cookie that it is given, and says where its requests come from.
struct Browser<'s> {
    service: &'s Service,
    agent: Agent,
    cookie: String,
}

/// What a browser sends with a form of the same site.
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

impl<'s> Browser<'s> {
    fn new(service: &'s Service) -> Self {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .build()
            .into();
        Self { service, agent, cookie: String::new() }
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: (&str, &str)) -> Answer {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.service.base()));
        if !self.cookie.is_empty() {
            request = request.header("cookie", format!("other=1; {}", self.cookie));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = if ["GET", "HEAD"].contains(&method) {
            self.agent.run(request.body(()).unwrap()).unwrap()
        } else {
            self.agent.run(request.header("content-type", body.0).body(body.1.to_owned()).unwrap()).unwrap()
        };
        let text = response.body_mut().read_to_string().unwrap();
        let answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), text };
        if let Some(set) = answer.headers.get("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(set.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="), "{set}");
            let pair = set.split(';').next().unwrap();
            self.cookie = if pair.ends_with('=') { String::new() } else { pair.to_owned() };
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], ("", ""))
    }

    fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        self.send("POST", path, &[SAME], ("application/x-www-form-urlencoded", &pairs.join("&")))
    }

    fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.form("/login", &[("name", name), ("password", password)])
    }

    /// Whether the account's page opens.
    fn is_in(&mut self) -> bool {
        self.get("/me").status == 200
    }
}

fn quoted(value: &str) -> String {
    value
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
        .collect()
}

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

/// A person who has set a password and signed in.
fn person<'s>(service: &'s Service, name: &str, rights: &str, customers: &[&str]) -> Browser<'s> {
    let code = added(service, name, rights, customers);
    let mut browser = Browser::new(service);
    let set = browser.form("/password", &[("code", &code), ("password", PASSWORD), ("repeat", PASSWORD)]);
    // Many people come from this one address.
    if set.status == 429 {
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        let set = browser.form("/password", &[("code", &code), ("password", PASSWORD), ("repeat", PASSWORD)]);
        assert_eq!(leads(&set), (303, "/me"), "{}", set.text);
    } else {
        assert_eq!(leads(&set), (303, "/me"), "{}", set.text);
    }
    browser
}

#[test]
fn a_person_sets_a_password_signs_in_and_out_and_is_disabled() {
    let service = Service::start(&[]);
    let code = added(&service, "ada", "review,approve_rollout", &[]);
    let mut browser = Browser::new(&service);
    assert_eq!(leads(&browser.get("/me")), (303, "/login?next=%2Fme"));
    let page = browser.get("/password");
    assert!(page.status == 200 && page.text.contains("name=\"code\""), "{}", page.text);

    // A bad password leaves the link as it was; so does another code.
    let set = |browser: &mut Browser<'_>, code: &str, password: &str, repeat: &str| {
        browser.form("/password", &[("code", code), ("password", password), ("repeat", repeat)])
    };
    let weak = set(&mut browser, &code, "password1234", "password1234");
    assert!(
        weak.status == 422 && weak.text.contains("guessed first") && weak.text.contains(&code),
        "{}",
        weak.text
    );
    assert_eq!(set(&mut browser, &code, PASSWORD, "something else").status, 422);
    assert_eq!(set(&mut browser, &"0".repeat(64), PASSWORD, PASSWORD).status, 401);
    let good = set(&mut browser, &code, PASSWORD, PASSWORD);
    assert_eq!(leads(&good), (303, "/me"), "{}", good.text);
    let page = browser.get("/me");
    assert!(page.status == 200 && page.text.contains("approve_rollout") && page.text.contains("(this one)"));
    let mut other = Browser::new(&service);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(set(&mut other, &code, PASSWORD, PASSWORD).status, 401, "once");

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
    assert!(other.get("/accounts.js").header("content-type").starts_with("text/javascript"));
    assert!(other.get("/accounts.css").header("content-type").starts_with("text/css"));

    // The same person elsewhere; a session is not another's, and signing in again takes another token.
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    let wrong = other.sign_in("ada", "wrong wrong wrong");
    assert!(wrong.status == 401 && wrong.text.contains("one of them is wrong"), "{}", wrong.text);
    let nobody = other.sign_in("nobody", PASSWORD);
    assert!(nobody.status == 401 && nobody.text.contains("one of them is wrong"));
    let fields = [("name", " Ada "), ("password", PASSWORD), ("next", "/v1/rollout")];
    assert_eq!(leads(&other.form("/login", &fields)), (303, "/v1/rollout"));
    let before = other.cookie.clone();
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    assert_eq!(
        leads(&other.form("/login", &[("name", "ada"), ("password", PASSWORD), ("next", "//evil.example")])),
        (303, "/me")
    );
    assert_ne!(other.cookie, before);
    let now = std::mem::replace(&mut other.cookie, before);
    assert!(!other.is_in(), "the session of before has ended");
    other.cookie = now;
    assert!(other.is_in() && browser.is_in());

    // The API, in the person's name.
    let status = browser.get("/v1/rollout");
    assert_eq!(status.status, 200, "{}", status.text);
    // A key beside the cookie: the call is the key's.
    let key = service.key("triage", &[]);
    let bearer = format!("Bearer {key}");
    let keys = browser.send("GET", "/v1/rollout", &[("authorization", &bearer)], ("", ""));
    assert_eq!(keys.problem(403, "E_SCOPE")["status"], 403);
    let page = browser.send("GET", "/me", &[("authorization", &bearer)], ("", ""));
    assert!(page.status == 401 && page.text.contains("pages are for people"), "an API key is no sign-in");

    // A new password ends every session but the one that it begins.
    let next = "regen knopf tulpe fass";
    let fields = [("current", PASSWORD), ("password", next), ("repeat", next)];
    let changed = browser.form("/me/password", &fields);
    assert_eq!(leads(&changed), (303, "/me"), "{}", changed.text);
    assert!(browser.is_in() && !other.is_in());
    std::thread::sleep(std::time::Duration::from_millis(3_000));
    assert_eq!(other.sign_in("ada", PASSWORD).status, 401);
    assert_eq!(leads(&other.sign_in("ada", next)), (303, "/me"));

    // One's own sessions can be ended.
    let page = browser.get("/me").text;
    let ids: Vec<&str> = page.split("name=\"id\" value=\"").skip(1).map(|rest| &rest[..12]).collect();
    assert_eq!(ids.len(), 2, "{page}");
    assert_eq!(leads(&browser.form("/me/sessions", &[("id", ids[0])])), (303, "/me"));
    assert!(browser.is_in() && !other.is_in());

    // Signed out, the cookie is gone and worth nothing.
    let cookie = browser.cookie.clone();
    assert_eq!(leads(&browser.form("/logout", &[])), (303, "/login"));
    assert_eq!(browser.cookie, "");
    browser.cookie = cookie;
    assert!(!browser.is_in());
    assert_eq!(leads(&browser.get("/people")), (303, "/login?next=%2Fpeople"));
    let refused = browser.send("POST", "/v1/rollout/hold", &[SAME], ("application/json", "{}"));
    refused.problem(401, "E_AUTH");

    // Another link, by the command; disabled, a session ends at once.
    let link = service.dir.ok(&["users", "link", "ada"]).stdout;
    let code = link.trim().strip_prefix("/password#").unwrap().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(2_000));
    assert_eq!(leads(&set(&mut browser, &code, PASSWORD, PASSWORD)), (303, "/me"));
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
    let mut ada = person(&service, "ada", "admin", &[]);
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
    let form = ("application/x-www-form-urlencoded", "id=none");
    let triage = json!({"tickets": [{"id": "1", "subject": "VPN down"}]}).to_string();
    for (headers, passes) in table {
        for (path, body, due) in [
            ("/me/sessions", form, 303),
            ("/people/link", form, 404),
            ("/v1/triage", ("application/json", triage.as_str()), 200),
        ] {
            let answer = ada.send("POST", path, headers, body);
            let refused = answer.status == 403 && answer.text.contains("E_ORIGIN");
            assert_eq!(
                (answer.status, refused),
                (if passes { due } else { 403 }, !passes),
                "{path} {headers:?} {}",
                answer.text
            );
            // A key says by itself that it is no form of another site's, whatever cookie comes with it.
            if path.starts_with("/v1") {
                let headers = [&[("authorization", bearer.as_str())], headers].concat();
                assert_eq!(ada.send("POST", path, &headers, body).status, 200, "{headers:?}");
            }
        }
        // Nor does another site sign somebody in, or out.
        if !passes {
            let fields = format!("name=ada&password={}", quoted(PASSWORD));
            let answer = Browser::new(&service).send("POST", "/login", headers, (form.0, &fields));
            assert!(answer.status == 403 && answer.header("set-cookie").is_empty());
            assert_eq!(ada.send("POST", "/logout", headers, form).status, 403);
        }
    }
    assert!(ada.is_in());
    // A GET of what changes something does nothing.
    for path in ["/logout", "/people/link", "/people/disable", "/me/sessions", "/me/password"] {
        assert_eq!(ada.get(path).status, 405, "{path}");
    }
    // Only forms of pages are forms.
    let odd = ada.send("POST", "/me/sessions", &[SAME], ("text/plain", "id=none"));
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
        let mut browser = person(&service, &format!("has {right}"), right, &[]);
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
                let answer = browser.send(&method.to_uppercase(), &url, &[SAME], ("application/json", &body));
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
            let answer = browser.send("POST", "/v1/rollout/hold", &[SAME], ("application/json", &hold));
            let lacks = !admin && right != takes;
            assert_eq!(answer.status == 403, lacks, "{right}: {level}: {}", answer.text);
            looked.entry(right).or_default()[usize::from(lacks)] += 1;
        }
        assert_eq!(browser.get("/me").status, 200);
        assert_eq!(browser.get("/people").status, if admin { 200 } else { 403 }, "{right}");
        for path in ["/people", "/people/link", "/people/disable"] {
            let status = browser.form(path, &[("id", "none")]).status;
            assert_eq!(status == 403, !admin, "{right}: {path}: {status}");
        }
    }
    assert!(looked.values().all(|[opened, _]| *opened > 0) && looked["review"][1] > 5, "{looked:?}");
}

#[test]
fn administrators_add_people_on_the_page_and_disable_them() {
    let service = Service::start(&[]);
    let mut boss = person(&service, "boss", "admin", &[]);
    let page = boss.form(
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
    let taken = boss.form("/people", &[("name", "BEN"), ("right", "review")]);
    assert!(taken.status == 409 && taken.text.contains("ben"), "{}", taken.text);
    assert_eq!(boss.form("/people", &[("name", "cem")]).status, 400, "no right");
    assert_eq!(boss.form("/people", &[("name", "Firstline"), ("right", "review")]).status, 400);
    assert_eq!(boss.form("/people", &[("name", "cem"), ("right", "root")]).status, 400);

    let mut ben = Browser::new(&service);
    let fields = [("code", code.as_str()), ("password", PASSWORD), ("repeat", PASSWORD)];
    assert_eq!(leads(&ben.form("/password", &fields)), (303, "/me"));
    assert!(ben.get("/me").text.contains("acme, bolt"));
    // Held to customers, an administrator is none of all.
    let list = service.dir.ok(&["users", "list", "--json"]).lines();
    let ids = boss.get("/people").text;
    assert_eq!(list.len(), 2);
    assert_eq!((&list[1]["name"], &list[1]["has_password"]), (&json!("ben"), &json!(true)));
    let id = ids.rsplit("name=\"id\" value=\"").next().unwrap()[..12].to_owned();
    let own = ids.split("name=\"id\" value=\"").nth(1).unwrap()[..12].to_owned();
    assert_eq!(boss.form("/people/disable", &[("id", &own)]).status, 409, "not oneself");
    let link = boss.form("/people/link", &[("id", &id)]);
    assert!(link.status == 200 && link.text.contains("/password#"));
    assert_eq!(leads(&boss.form("/people/disable", &[("id", &id)])), (303, "/people"));
    assert!(!ben.is_in());
    assert_eq!(boss.form("/people/disable", &[("id", &id)]).status, 404);
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
    let mut held = person(&service, "held", "admin", &[&own]);
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
    let job = held.send("POST", "/v1/jobs", &[SAME], ("application/json", &body));
    assert!(job.status == 202 || job.status == 403 || job.status == 200, "{} {}", job.status, job.text);
}

#[test]
fn who_guesses_waits() {
    let service = Service::start(&[]);
    added(&service, "ada", "review", &[]);
    let guess = |n: usize| Browser::new(&service).sign_in("ada", &format!("guess number {n}")).status;
    // All at once: a busy machine takes its time for each.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|n| scope.spawn(move || guess(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |due: u16| statuses.iter().filter(|status| **status == due).count();
    assert!(count(401) >= 5 && count(429) >= 4 && count(401) + count(429) == 16, "{statuses:?}");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let mut browser = Browser::new(&service);
    assert_eq!(browser.sign_in("ada", "another guess").status, 401, "not for good");
}

#[test]
fn a_proxy_that_is_named_says_who_it_is_and_nobody_else_does() {
    let user = |name: &'static str| [("x-forwarded-user", name)];
    let named = Service::start(&["login.header=X-Forwarded-User", "login.proxies=127.0.0.1/32, ::1"]);
    added(&named, "ada", "review,manage", &[]);
    let mut browser = Browser::new(&named);
    let mut get = |path: &str, name| browser.send("GET", path, &user(name), ("", ""));
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
    let cross = browser.send("POST", "/v1/rollout/hold", &user("ada"), ("application/json", &hold));
    cross.problem(403, "E_ORIGIN");
    named.dir.ok(&["users", "disable", "ada"]);
    assert_eq!(browser.send("GET", "/me", &user("ada"), ("", "")).status, 403);

    let open = Service::start(&[
        "login.header=X-Forwarded-User",
        "login.proxies=127.0.0.1",
        "login.auto_create=true",
    ]);
    let mut browser = Browser::new(&open);
    let mut get = |name| browser.send("GET", "/me", &user(name), ("", ""));
    assert!(get("eve").text.contains("review"));
    assert_eq!(get("Eve").status, 409, "nobody can tell that name from hers");
    assert_eq!(get("Firstline").status, 400);
    open.dir.ok(&["users", "disable", "eve"]);
    assert_eq!(get("eve").status, 403, "nor does she come back by herself");

    let other = Service::start(&["login.header=X-Forwarded-User", "login.proxies=10.9.9.9"]);
    added(&other, "ada", "manage", &[]);
    let mut browser = Browser::new(&other);
    assert_eq!(leads(&browser.send("GET", "/me", &user("ada"), ("", ""))), (303, "/login?next=%2Fme"));
    browser.send("GET", "/v1/rollout", &user("ada"), ("", "")).problem(401, "E_AUTH");
}
