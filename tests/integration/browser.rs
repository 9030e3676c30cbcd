//! A browser without a script: it keeps the cookie that it is given, sends forms, and is shown where it is led.

use std::cell::RefCell;

use ureq::Agent;

use crate::served::{Answer, Service};

pub(crate) const PASSWORD: &str = "tulpe fass regen knopf";
/// What a browser says where a page of the same site sends a form.
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser; that of nobody until somebody signs in.
pub(crate) struct Browser {
    base: String,
    agent: Agent,
    cookie: RefCell<String>,
}

impl Browser {
    /// One at a service's address.
    pub(crate) fn at(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0);
        Self { base: base.to_owned(), agent: config.build().into(), cookie: RefCell::default() }
    }

    /// One of whom nobody knows anything.
    pub(crate) fn of_nobody(service: &Service) -> Self {
        Self::at(&service.base())
    }

    /// That of a new person with the right to review, of these customers or all.
    pub(crate) fn of(service: &Service, name: &str, customers: &[&str]) -> Self {
        Self::with(service, name, "review", customers)
    }

    /// That of a new person with these rights.
    pub(crate) fn with(service: &Service, name: &str, rights: &str, customers: &[&str]) -> Self {
        let mut args = vec!["users", "add", name, "--right", rights, "--json"];
        customers.iter().for_each(|customer| args.extend(["--customer", customer]));
        let added = service.dir.ok(&args).json();
        let browser = Self::of_nobody(service);
        browser.follow(added["link"].as_str().unwrap());
        browser
    }

    /// Sets the password by a link, which signs in, and gives where that leads.
    pub(crate) fn follow(&self, link: &str) -> String {
        let code = link.split_once("/password#").unwrap().1;
        let form = [("code", code), ("password", PASSWORD), ("repeat", PASSWORD)];
        let mut set = self.post("/password", &form);
        while set.status == 429 {
            // Many people come from this one address.
            std::thread::sleep(std::time::Duration::from_millis(300));
            set = self.post("/password", &form);
        }
        assert_eq!(set.status, 303, "{}", set.text);
        set.header("location").to_owned()
    }

    /// Sends a request as a page of the same site would.
    pub(crate) fn send(&self, method: &str, path: &str, media: Option<&str>, body: String) -> Answer {
        let media = media.map(|media| ("content-type", media));
        let headers: Vec<(&str, &str)> = [SAME].into_iter().chain(media).collect();
        self.send_with(method, path, &headers, body)
    }

    /// Sends a request with these headers, and the cookie.
    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("cookie", format!("other=1; {}", self.cookie.borrow()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), text };
        let set = answer.header("set-cookie");
        if set.starts_with("__Host-fl=") {
            assert!(set.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="), "{set}");
            self.keep(set.split(';').next().unwrap());
        }
        answer
    }

    /// The cookie that it keeps; empty where nobody is signed in.
    pub(crate) fn cookie(&self) -> String {
        self.cookie.borrow().clone()
    }

    /// Keeps another cookie, such as one of before.
    pub(crate) fn keep(&self, cookie: &str) {
        let cookie = if cookie.ends_with('=') { "" } else { cookie };
        cookie.clone_into(&mut self.cookie.borrow_mut());
    }

    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.post("/login", &[("name", name), ("password", password)])
    }

    /// Whether the account's page opens.
    pub(crate) fn is_in(&self) -> bool {
        self.get("/me").status == 200
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, String::new())
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        self.send("POST", path, Some("application/x-www-form-urlencoded"), pairs.join("&"))
    }
}

/// A value as a form sends it.
pub(crate) fn quoted(value: &str) -> String {
    value.bytes().map(|b| format!("%{b:02X}")).collect()
}
