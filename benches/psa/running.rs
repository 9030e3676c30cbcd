//! The processes: a service with its store, and `connect`, which may be killed. What they say is kept.
//!
//! Must never leave one behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use firstline_benches as common;
use firstline_fakes::{Fake, Which, autotask, connectwise, halo};
use firstline_store::{Location, Store, open};
use serde_json::Value;
use ureq::Agent;

/// More than any day needs: the day is played faster than the vendors' quotas are meant for.
pub(crate) const UNPACED: &str = "60000";

/// The section of settings that reaches a fake, and the secret beside it. `pace` is the number of requests in the vendor's window; that of
/// the program where it says nothing.
pub(crate) fn section(which: Which, url: &str, pace: Option<&str>) -> (String, &'static str) {
    let paced = |key: &str| pace.map(|pace| format!("{key} = {pace}\n")).unwrap_or_default();
    match which {
        Which::Connectwise => (
            format!(
                "[connectwise]\nurl = {url:?}\ncompany = {:?}\npublic_key = {:?}\nprivate_key_file = \"psa.key\"\nclient_id = {:?}\n{}",
                connectwise::COMPANY_ID,
                connectwise::PUBLIC_KEY,
                connectwise::CLIENT_ID,
                paced("requests_per_minute")
            ),
            connectwise::PRIVATE_KEY,
        ),
        Which::Autotask => (
            format!(
                "[autotask]\nurl = {url:?}\nuser = {:?}\nsecret_file = \"psa.key\"\nintegration_code = {:?}\n{}",
                autotask::API_USER,
                autotask::INTEGRATION_CODE,
                paced("requests_per_minute")
            ),
            autotask::API_SECRET,
        ),
        Which::Halo => (
            format!(
                "[halo]\nurl = {url:?}\nclient_id = {:?}\nclient_secret_file = \"psa.key\"\nnote_outcome = {}\nreply_outcome = {}\n{}",
                halo::CLIENT_ID,
                halo::PRIVATE_NOTE,
                halo::EMAIL_USER,
                paced("requests_per_five_minutes")
            ),
            halo::CLIENT_SECRET,
        ),
    }
}

/// The PSA's name.
pub(crate) fn name(which: Which) -> &'static str {
    match which {
        Which::Connectwise => "ConnectWise PSA",
        Which::Autotask => "Autotask",
        Which::Halo => "HaloPSA",
    }
}

/// A service that runs.
pub(crate) struct Service {
    dir: PathBuf,
    serving: common::Serving,
    key: String,
    agent: Agent,
}

impl Service {
    /// Starts one on `bundle` with its store in the folder `dir`, in which the key of a connection lies.
    pub(crate) fn start(dir: &Path, bundle: &Path, phase: &str) -> Self {
        let key = |name: &str, scopes: &str| {
            common::ran(dir, &["store", "keys", "create", "--name", name, "--scope", scopes])
        };
        let connection = key("connect", "triage,feedback,act,review");
        std::fs::write(dir.join("service.key"), connection).expect("a file");
        let admin = key("desk", "admin");
        let phase = format!("phase={phase}");
        let mut serve = common::program();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=error", "--set", "writer=none"]);
        serve.args(["--set", &phase, "--bundle"]).arg(bundle);
        serve.current_dir(dir).env("XDG_STATE_HOME", dir.join("state"));
        let serving = common::Serving::start(serve);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self { dir: dir.to_owned(), serving, key: admin, agent }
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.serving.url
    }

    /// Its store, opened beside it.
    pub(crate) fn store(&self) -> Box<dyn Store> {
        open(&Location::Sqlite(self.dir.join("firstline.db"))).expect("the service's store")
    }

    /// What a call answers: status and JSON.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let request = self.agent.get(format!("{}{path}", self.serving.url));
        let answer = request.header("authorization", format!("Bearer {}", self.key)).call();
        let mut answer = answer.expect("the service answers");
        let text = answer.body_mut().read_to_string().expect("a whole answer");
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Sends a review; gives the status.
    pub(crate) fn review(&self, decision: &str, version: &Value, body: &Value) -> u16 {
        let request = self.agent.post(format!("{}/v1/review/{decision}", self.serving.url));
        let request = request
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{version}\""))
            .header("idempotency-key", decision);
        request.send(body.to_string()).expect("the service answers").status().as_u16()
    }
}

/// What `connect` said, over all its lives.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// A line of JSON for each round.
    pub(crate) rounds: Vec<Value>,
    /// What went wrong with a round, and when.
    pub(crate) faults: Vec<(Instant, String)>,
}

/// `firstline connect`.
pub(crate) struct Connect {
    dir: PathBuf,
    child: Option<Child>,
    said: Arc<Mutex<Said>>,
}

impl Drop for Connect {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Connect {
    /// Writes the settings of a connection between `service` and `fake` into the folder `dir`, with `more` sections, and starts it.
    pub(crate) fn start(
        dir: &Path,
        service: &Service,
        (which, fake): (Which, &Fake),
        (poll, more): (u32, &str),
    ) -> Self {
        let (section, secret) = section(which, &fake.url(), Some(UNPACED));
        std::fs::write(dir.join("psa.key"), secret).expect("a file");
        let text = format!(
            "service = {:?}\nkey_file = \"service.key\"\nowner = \"bench\"\npoll_seconds = {poll}\n\n{section}\n{more}\n",
            service.url()
        );
        std::fs::write(dir.join("psa.toml"), text).expect("a file");
        let mut connect = Self { dir: dir.to_owned(), child: None, said: Arc::default() };
        connect.again();
        connect
    }

    /// Starts it again.
    pub(crate) fn again(&mut self) {
        let mut child = common::program()
            .args(["connect", "--config", "psa.toml", "--json"])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let rounds = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let faults = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let said = Arc::clone(&self.said);
        std::thread::spawn(move || {
            for line in rounds.map_while(Result::ok) {
                let round = serde_json::from_str(&line).unwrap_or_else(|_| Value::String(line));
                said.lock().unwrap_or_else(PoisonError::into_inner).rounds.push(round);
            }
        });
        let said = Arc::clone(&self.said);
        std::thread::spawn(move || {
            for line in faults.map_while(Result::ok) {
                let fault = (Instant::now(), line);
                said.lock().unwrap_or_else(PoisonError::into_inner).faults.push(fault);
            }
        });
        self.child = Some(child);
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Looks at what it said.
    pub(crate) fn said<T>(&self, look: impl FnOnce(&Said) -> T) -> T {
        look(&self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
