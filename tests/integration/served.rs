//! A running service for tests: the real program, a real socket, a real store.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::contract::Contract;
use crate::tool::{Dir, TRAINED};

/// How long anything is waited for before the test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of a success.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        self.json()
    }

    /// Expects a problem with this status and code.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(
            !problem["detail"].as_str().unwrap().is_empty()
                && problem["type"].as_str().unwrap().ends_with(code)
        );
        problem
    }
}

/// A running service in a folder of its own.
pub(crate) struct Service {
    pub(crate) dir: Dir,
    child: Child,
    base: String,
    pub(crate) agent: Agent,
    log: Arc<Mutex<String>>,
    args: Vec<String>,
    contract: Contract,
}

impl Service {
    /// Starts one with more settings.
    pub(crate) fn start(set: &[&str]) -> Self {
        Self::start_on(&TRAINED.path("bundle"), set)
    }

    /// Starts one on a bundle.
    pub(crate) fn start_on(bundle: &Path, set: &[&str]) -> Self {
        let (dir, bundle) = (Dir::new(), bundle.display().to_string());
        let mut args: Vec<String> =
            ["serve", "--bundle", &bundle, "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        args.extend(set.iter().flat_map(|set| ["--set".to_owned(), (*set).to_owned()]));
        // A connection for each call: where a request is refused before its body has come, the service closes it, and whether the
        // next call would still find it open is a race.
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0)
            .build()
            .into();
        let log = Arc::default();
        let (child, base) = spawn(&dir, &args, &log);
        let document = call(&agent, "GET", &format!("{base}/openapi.json"), "", &[], None).unwrap();
        let contract = Contract::new(document.ok());
        Self { dir, child, base, agent, log, args, contract }
    }

    /// Kills it, as a power cut would, and starts it again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        (self.child, self.base) = spawn(&self.dir, &self.args, &self.log);
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, after it has ended.
    pub(crate) fn again(mut self) -> Self {
        (self.child, self.base) = spawn(&self.dir, &self.args, &self.log);
        self
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// A key with these scopes, for these customers or all.
    pub(crate) fn key(&self, scopes: &str, customers: &[&str]) -> String {
        let mut args = vec!["store", "keys", "create", "--name", "test", "--scope", scopes];
        customers.iter().for_each(|customer| args.extend(["--customer", customer]));
        let key = self.dir.ok(&args).stdout.trim().to_owned();
        // The service reads its keys every two seconds.
        self.wait_for(|| self.get("/v1/models", &key).status != 401);
        key
    }

    /// Waits until `holds`.
    pub(crate) fn wait_for(&self, mut holds: impl FnMut() -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !holds() {
            assert!(std::time::Instant::now() < end, "it never came:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many decisions it has made.
    pub(crate) fn decisions(&self) -> u64 {
        let metrics = self.get("/metrics", "").text;
        let counts = metrics.lines().filter(|line| line.starts_with("firstline_decisions_total{"));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Waits until `n` tickets are decided and all their drafts are written: some of them, at least, wait for a review.
    pub(crate) fn wait_for_drafts(&self, key: &str, n: u64) {
        let drafts = |state: &str| {
            let page = self.get(&format!("/v1/review?state={state}"), key).ok();
            page["items"].as_array().unwrap().len()
        };
        self.wait_for(|| self.decisions() >= n && drafts("writing") == 0 && drafts("pending") > 0);
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The most memory that it has had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    pub(crate) fn base(&self) -> String {
        self.base.clone()
    }

    pub(crate) fn get(&self, path: &str, key: &str) -> Answer {
        self.send("GET", path, key, &[], None)
    }

    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send("POST", path, key, &[], Some(&body.to_string()))
    }

    /// Sends a request; the answer has to be as the OpenAPI document says.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let answer = call(&self.agent, method, &format!("{}{path}", self.base), key, headers, body).unwrap();
        self.contract.check(method, path, answer.status, &answer.text);
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spawn(dir: &Dir, args: &[String], log: &Arc<Mutex<String>>) -> (Child, String) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = dir.command(&args).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut base = None;
    for line in lines.by_ref() {
        let line = line.unwrap();
        log.lock().unwrap().push_str(&format!("{line}\n"));
        if let Some((_, rest)) = line.split_once(" listens on ") {
            base = Some(format!("http://{}", rest.split(';').next().unwrap()));
            break;
        }
    }
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            log.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    (child, base.expect("it listens"))
}

/// A request by any client; an error where the connection breaks.
pub(crate) fn call(
    agent: &Agent,
    method: &str,
    url: &str,
    key: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Result<Answer, ureq::Error> {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json").body(body.to_owned()).unwrap();
            agent.run(request)?
        }
        None => agent.run(request.body(()).unwrap())?,
    };
    let text = response.body_mut().read_to_string()?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
}

/// People's tickets of the history that the bundle has learnt from, under ids of their own.
pub(crate) fn tickets(n: usize) -> Vec<Value> {
    let text = std::fs::read_to_string(TRAINED.path("history.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let people = all.filter(|ticket| ticket["source"] == "email");
    let asked = people.take(n).enumerate().map(|(i, ticket)| {
        let mut new = json!({"id": format!("N{i}")});
        for key in ["subject", "body", "customer", "contact", "source", "opened_at"] {
            new[key] = ticket[key].clone();
        }
        new
    });
    asked.collect()
}

/// Sends tickets to triage and gives the results.
pub(crate) fn triage(service: &Service, key: &str, tickets: &[Value]) -> Vec<Value> {
    let answer = service.post("/v1/triage", key, &json!({"tickets": tickets})).ok();
    answer["results"].as_array().unwrap().clone()
}

/// Sends tickets and gives the decisions whose drafts are there.
pub(crate) fn drafted(service: &Service, key: &str, n: usize) -> Vec<Value> {
    let answer = service.post("/v1/triage", key, &json!({"tickets": tickets(n), "drafts": true})).ok();
    let ready = |r: &&Value| r["draft_state"] == "pending";
    answer["results"].as_array().unwrap().iter().filter(ready).cloned().collect()
}
