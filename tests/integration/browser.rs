//! A browser without a script: it keeps the cookie that it is given, sends forms, and is shown where it is led.

use std::cell::RefCell;

use ureq::Agent;

use crate::served::{Answer, Service};

const PASSWORD: &str = "tulpe fass regen knopf";

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

    /// Sets the password by a link, which signs in.
    pub(crate) fn follow(&self, link: &str) {
        let code = link.split_once("/password#").unwrap().1;
        let form = [("code", code), ("password", PASSWORD), ("repeat", PASSWORD)];
        let mut set = self.post("/password", &form);
        while set.status == 429 {
            // Many people come from this one address.
            std::thread::sleep(std::time::Duration::from_millis(300));
            set = self.post("/password", &form);
        }
        assert_eq!(set.status, 303, "{}", set.text);
    }

    /// Sends a request as a page of the same site would.
    pub(crate) fn send(&self, method: &str, path: &str, media: Option<&str>, body: String) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("cookie", self.cookie.borrow().as_str())
            .header("sec-fetch-site", "same-origin");
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), text };
        let set = answer.header("set-cookie").split(';').next().unwrap_or_default();
        if set.starts_with("__Host-fl=") {
            set.clone_into(&mut self.cookie.borrow_mut());
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, String::new())
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.send("POST", path, Some("application/x-www-form-urlencoded"), pairs.join("&"))
    }
}
