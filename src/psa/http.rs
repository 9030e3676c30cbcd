//! Requests to a PSA: paced, tried again where that is safe, and stopped for a while where nothing gets through.
//!
//! A request that may have been done is never sent again here: its caller looks first whether it was. One that writes never waits long,
//! since the lease that it is written under ends meanwhile. Must never follow a redirect to
//! another host with credentials, and never print a header.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_fault::{Code, Error, UserError};
use serde_json::Value;
use ureq::Agent;
use ureq::config::Config;
pub use ureq::http::Uri;
use ureq::http::{Method, Request as HttpRequest};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Longest reply that is read, in bytes.
const MOST_REPLY: u64 = 32 << 20;
/// Bytes of a reply that are looked at for a message.
const MOST_TEXT: usize = 64 << 10;
/// Times that a safe request is tried.
const TRIES: u32 = 5;
/// Times that any other is tried, where no connection was made.
const TRIES_TO_WRITE: u32 = 2;
/// Longest wait for the pace of a request that is not safe.
const MOST_WAIT_TO_WRITE: Duration = Duration::from_secs(20);
/// First pause between two tries; each one after is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause, whatever the PSA asks for.
const MOST_PAUSE: Duration = Duration::from_secs(120);
/// Requests that fail in a row before the PSA is left alone.
const STRIKES: u32 = 5;
/// How long it is left alone.
const REST: Duration = Duration::from_secs(60);

/// What is said where a write would have to wait long for its turn.
const PACE_USED_UP: &str = "the pace of the settings is used up";

/// How fast requests may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests of a window.
    pub requests: u32,
    /// The window.
    pub window: Duration,
}

/// Waits, and says whether it did: `false` once the process is to end. Tests put a clock of their own in its place.
pub type Wait = Arc<dyn Fn(Duration) -> bool + Send + Sync>;

/// A client of one PSA.
pub struct Http {
    agent: Agent,
    name: String,
    pace: Pace,
    sent: Vec<Instant>,
    wait: Wait,
    strikes: u32,
    resting_until: Option<Instant>,
    deadline: Option<Instant>,
    /// Requests so far.
    pub requests: u64,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("name", &self.name)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

/// A request.
#[derive(Clone)]
pub struct Call<'a> {
    /// Its method.
    pub method: Method,
    /// Its address, with the query.
    pub url: String,
    /// Its headers: credentials are among them.
    pub headers: Vec<(&'a str, String)>,
    /// Its body, and what it is.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Whether it may be sent twice without harm, as a reading one.
    pub safe: bool,
}

/// A reply.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The beginning of the body as text, for messages; of a web page, which a proxy may answer with, its title.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.body.get(..MOST_TEXT).unwrap_or(&self.body));
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if !kind.contains("html") && !is_page(&text) {
            return line(&text, 300);
        }
        match title(&text).map(|title| line(title, 100)).filter(|title| !title.is_empty()) {
            Some(title) => format!("a web page, {title:?}"),
            None => "a web page".to_owned(),
        }
    }

    /// Whether it is a success.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The words of a text on one line, `most` characters of it.
fn line(text: &str, most: usize) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}

/// Whether a text begins as a web page does.
fn is_page(text: &str) -> bool {
    let start: String =
        text.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).chars().take(15).collect();
    let start = start.to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<!--", "<title"].iter().any(|tag| start.starts_with(tag))
}

/// What stands between a page's title tags.
fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    page.get(start..end)
}

/// Why there is no reply that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was not sent, or surely not done.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
    /// The PSA is left alone for a while, since nothing got through.
    Resting(Duration),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone(why) => write!(f, "{why}"),
            Self::Unknown(why) => write!(f, "{why}; it may have been done"),
            Self::Resting(left) => {
                write!(f, "repeated failures; pausing requests for {} s", left.as_secs().max(1))
            }
        }
    }
}

impl Failure {
    /// It as an error; `place` names the PSA.
    pub fn at(&self, place: &str) -> Error {
        let told = self.to_string();
        let next = match self {
            Self::NotDone(why) if why == PACE_USED_UP => {
                "It is tried again later; raise the requests of the settings where the PSA allows more"
            }
            _ if told.contains("certificate") => {
                "Check that the certificate matches the host name and was issued by a public CA; no other CA is trusted"
            }
            _ => "Look whether the PSA is up and its address right: firstline connect --check",
        };
        UserError::new(Code::Psa, place, told, next).into()
    }
}

/// Why a request to a PSA has no reply: a [`Failure`] as a caller tells it.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It was not done.
    NotDone(Error),
    /// It may have been done.
    Unknown(Error),
}

impl Sent {
    /// What `failure` is to the caller; `place` names the PSA.
    pub(crate) fn of(failure: &Failure, place: &str) -> Self {
        match failure {
            Failure::Unknown(_) => Self::Unknown(failure.at(place)),
            Failure::NotDone(_) | Failure::Resting(_) => Self::NotDone(failure.at(place)),
        }
    }
}

impl From<Sent> for Error {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::NotDone(error) | Sent::Unknown(error) => error,
        }
    }
}

impl Http {
    /// A client that calls itself `name` in messages.
    pub fn new(name: &str, agent: Agent, pace: Pace, wait: Wait) -> Self {
        let name = name.to_owned();
        Self {
            agent,
            name,
            pace,
            sent: Vec::new(),
            wait,
            strikes: 0,
            resting_until: None,
            deadline: None,
            requests: 0,
        }
    }

    /// The PSA's name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes are sent before `deadline` or not at all: the claim on what is written ends then. `None` sets no such time.
    pub(crate) fn write_by(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Sends a request. A safe one is tried again after what passes: a broken connection, too many requests, a server that is busy.
    /// One that is not safe is tried again once, and only where no connection was made; it waits for its turn until the
    /// deadline, or 20 s, at most. Where the
    /// process is to end, nothing is tried again.
    ///
    /// # Errors
    /// Why there is no reply. Refusals of the PSA are replies.
    pub fn send(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        if let Some(until) = self.resting_until {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(Failure::Resting(left));
            }
        }
        let mut pause = PAUSE;
        let tries = if call.safe { TRIES } else { TRIES_TO_WRITE };
        for attempt in 1.. {
            self.keep_pace(call.safe)?;
            let result = self.once(call);
            let (again, asked) = after(&result, call.safe);
            if !again || attempt == tries {
                return self.judged(result);
            }
            if !(self.wait)(asked.unwrap_or(pause).min(MOST_PAUSE)) {
                return result;
            }
            pause *= 2;
        }
        Err(Failure::NotDone("not tried".to_owned()))
    }

    /// Waits: a limit of the PSA's own is reached. `false` once the process is to end.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        (self.wait)(pause.min(MOST_PAUSE))
    }

    /// The PSA is up, whatever the status of its last reply says: some tell every refusal by a 500.
    pub(crate) fn is_up(&mut self) {
        (self.strikes, self.resting_until) = (0, None);
    }

    fn judged(&mut self, result: Result<Answer, Failure>) -> Result<Answer, Failure> {
        let down = match &result {
            Ok(answer) => answer.status >= 500 || answer.status == 429,
            Err(_) => true,
        };
        self.strikes = if down { self.strikes + 1 } else { 0 };
        self.resting_until = (self.strikes >= STRIKES).then(|| Instant::now() + REST);
        if self.resting_until.is_some() {
            self.strikes = STRIKES - 1;
        }
        result
    }

    fn keep_pace(&mut self, safe: bool) -> Result<(), Failure> {
        let now = Instant::now();
        self.sent.retain(|at| now.duration_since(*at) < self.pace.window);
        if self.sent.len() >= self.pace.requests as usize {
            let oldest = self.sent.first().copied().unwrap_or(now);
            let left = self.pace.window.saturating_sub(now.duration_since(oldest));
            let most =
                self.deadline.map_or(MOST_WAIT_TO_WRITE, |deadline| deadline.saturating_duration_since(now));
            if !safe && left > most {
                return Err(Failure::NotDone(PACE_USED_UP.to_owned()));
            }
            if !(self.wait)(left) {
                return Err(Failure::NotDone("stopped".to_owned()));
            }
        }
        if !safe && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Failure::NotDone("its claim has expired".to_owned()));
        }
        self.sent.push(Instant::now());
        self.requests += 1;
        Ok(())
    }

    fn once(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let mut request = HttpRequest::builder().method(call.method.clone()).uri(&call.url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some((kind, _)) = &call.body {
            request = request.header("content-type", *kind);
        }
        let body = call.body.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        let bad = |e: &dyn fmt::Display| Failure::NotDone(format!("the request can't be made: {e}"));
        let request = request.body(body).map_err(|e| bad(&e))?;
        let response = self.agent.run(request).map_err(|e| failure(&e))?;
        let status = response.status().as_u16();
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        let headers = headers.collect();
        let mut body = Vec::new();
        let read = response.into_body().into_reader().take(MOST_REPLY + 1).read_to_end(&mut body);
        read.map_err(|e| Failure::Unknown(format!("the reply broke off: {e}")))?;
        if body.len() as u64 > MOST_REPLY {
            return Err(Failure::Unknown(format!("the reply is longer than {} MiB", MOST_REPLY >> 20)));
        }
        Ok(Answer { status, headers, body })
    }
}

/// What an error of the connection means for what was asked.
fn failure(error: &ureq::Error) -> Failure {
    let text = error.to_string();
    let not_sent = matches!(
        error,
        ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::BadUri(_)
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect)
    ) || matches!(error, ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::ConnectionRefused);
    if not_sent { Failure::NotDone(text) } else { Failure::Unknown(text) }
}

/// Whether to try again, and after what pause where the PSA says so. Nothing that writes is sent again once there was an answer: a busy
/// server may have done it, and too many requests mean a longer wait than it has.
fn after(result: &Result<Answer, Failure>, safe: bool) -> (bool, Option<Duration>) {
    match result {
        Err(Failure::NotDone(why)) => (!why.starts_with("the request can't be made"), None),
        Err(Failure::Unknown(_)) => (safe, None),
        Err(Failure::Resting(_)) => (false, None),
        Ok(answer) => {
            let passes = matches!(answer.status, 429 | 502..=504);
            (passes && safe, answer.header("retry-after").and_then(pause_of))
        }
    }
}

/// A pause as a header gives it: seconds, or the date until which to wait.
fn pause_of(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Duration::try_from(until.duration_since(jiff::Timestamp::now())).ok()
}

/// An agent for PSAs: its time is bounded, refusals are replies, and it goes to no other host by itself.
pub fn agent() -> Agent {
    agent_within(Duration::from_secs(90))
}

/// The same, whose requests take `most` at most.
pub(crate) fn agent_within(most: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(most))
        .user_agent(concat!("firstline/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Addresses::default())
}

/// Looks up names only: an address is taken as it stands. The library looks up before every request, and starts a thread for it.
#[derive(Debug, Default)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let named = uri.scheme().zip(uri.authority());
        let address = named.and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority));
        let Some(address) = address.and_then(|text| text.parse::<SocketAddr>().ok()) else {
            return self.0.resolve(uri, config, timeout);
        };
        let mut found = self.empty();
        found.push(address);
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
