//! The desk's own automation: a signed request to one address, whose answer is awaited.
//!
//! It is how something is done outside the PSA, by what the desk runs itself. Must never follow a redirect, go anywhere but to the address
//! of the settings, or read more of an answer than is kept.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use firstline_fault::{Code, Error, Result, UserError};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::http::agent_within;
use crate::secret::Secret;

/// Longest answer that is read, in bytes.
const MOST_ANSWER: u64 = 64 << 10;
/// Levels of an answer: the service takes no JSON that goes much deeper.
const DEPTH: usize = 12;
/// Seconds that an answer is awaited at most: the claim of an action must not end before.
pub const MOST_SECONDS: u32 = 120;
/// Characters of an answer that are shown with an error.
const SHOWN: usize = 200;

/// An automation at one address.
#[derive(Clone)]
pub struct Automation {
    agent: Agent,
    url: String,
    secret: Secret,
}

impl fmt::Debug for Automation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automation").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What an automation is to do.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Always the same for one action: an automation that has seen it before answers as it did then.
    pub key: &'a str,
    /// The action.
    pub action: i64,
    /// Its ticket.
    pub ticket: &'a str,
    /// Whose that is, in lower case.
    pub customer: &'a str,
    /// The decision that it follows from.
    pub decision: &'a str,
    /// How often it was tried, this time included: above 1 it may have been done.
    pub attempts: i64,
    /// What it is given.
    pub input: &'a Value,
}

/// What an automation said.
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// It was done, and this is its answer.
    Answered(Value),
    /// It refuses: trying again won't help.
    Refused(String),
}

impl Automation {
    /// The automation at `url`, which knows `secret` and is given `seconds` for an answer, at most [`MOST_SECONDS`].
    pub fn new(url: &str, secret: Secret, seconds: u32) -> Self {
        let within = Duration::from_secs(u64::from(seconds.clamp(1, MOST_SECONDS)));
        Self { agent: agent_within(within), url: url.trim().to_owned(), secret }
    }

    /// Has it do `order`, and waits for its answer.
    ///
    /// # Errors
    /// Where there is no answer in time, or it is that of a server that can't now: it may be tried again.
    pub fn run(&self, order: &Order<'_>) -> Result<Ran> {
        let body = json!({
            "kind": "run", "action_id": order.action, "idempotency_key": order.key, "ticket_id": order.ticket,
            "customer": order.customer, "decision_id": order.decision, "attempts": order.attempts, "payload": order.input,
        });
        let body = body.to_string();
        let timestamp = Timestamp::now().as_second().to_string();
        let request = Request::post(&self.url)
            .header("content-type", "application/json")
            .header("idempotency-key", order.key)
            .header("firstline-timestamp", &timestamp)
            .header("firstline-signature", signature(&self.secret, &timestamp, &body));
        let request = request.body(body).map_err(|e| fault(&format!("the request can't be made: {e}")))?;
        let response = self.agent.run(request).map_err(|e| fault(&format!("{e}; it may have been done")))?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(MOST_ANSWER + 1).read_to_end(&mut bytes);
        match (status, read) {
            (200..300, Ok(_)) => Ok(Ran::Answered(answer(&bytes))),
            // It was done, whatever came of its answer.
            (200..300, Err(e)) => Ok(Ran::Answered(unread(&format!("it broke off: {e}")))),
            (300..400, _) => {
                Ok(Ran::Refused(format!("the automation redirects ({status}), which is not followed")))
            }
            (408 | 425 | 429, _) | (..300 | 500.., _) => {
                Err(fault(&format!("status {status}{}", shown(&bytes))))
            }
            (400..500, _) => {
                Ok(Ran::Refused(format!("the automation refuses it: status {status}{}", shown(&bytes))))
            }
        }
    }
}

/// The signature of a request: an HMAC-SHA256, in hexadecimal, of its time, a dot and its body.
fn signature(secret: &Secret, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.shown().as_bytes());
    let tag = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// An answer as it is kept.
fn answer(bytes: &[u8]) -> Value {
    if bytes.len() as u64 > MOST_ANSWER {
        return unread("it is longer than 64 KiB");
    }
    if bytes.trim_ascii().is_empty() {
        return unread("it is empty");
    }
    match serde_json::from_slice(bytes) {
        Ok(answer) if depth(&answer) <= DEPTH => answer,
        Ok(_) => unread("it goes too deep"),
        Err(_) => unread("it is no JSON"),
    }
}

fn unread(why: &str) -> Value {
    json!({"unread": why})
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// The beginning of an answer on one line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { text } else { format!(": {}", text.chars().take(SHOWN).collect::<String>()) }
}

fn fault(problem: &str) -> Error {
    let next = "Look whether the automation runs and \"url\" in [run] is its address";
    UserError::new(Code::Psa, "the automation", problem, next).into()
}
