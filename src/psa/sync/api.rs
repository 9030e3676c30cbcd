//! The service's batch API, as a client sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Field, Ticket};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::cursor::Cursor;
use crate::http::{Answer, Call, Http};
use crate::secret::Secret;
use crate::url::encoded;

/// Tickets and outcomes of a call.
pub(super) const MOST_ITEMS: usize = 256;
/// Seconds that a claim holds, and those at its end in which nothing is begun.
const CLAIM: u32 = 180;
const SPARE: u32 = 30;
/// Bytes of a call's items, as they are sent: what a customer writes may be six times as long then.
const MOST_BYTES: usize = 4 << 20;
/// Events of a call.
const MOST_EVENTS: usize = 1_000;

/// A Firstline service.
pub struct Service {
    http: Http,
    url: String,
    key: Secret,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An action that was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Its id.
    pub id: i64,
    /// The ticket.
    pub ticket_id: String,
    /// Whose it was when it was approved, in lower case.
    pub customer: String,
    /// The decision that it follows from.
    pub decision_id: String,
    /// What it is known by, always the same for it.
    pub key: String,
    /// How often it was claimed: above 1 it may have been done.
    pub attempts: i64,
    /// When this process claimed it.
    pub since: Instant,
    /// What it is.
    pub what: What,
    /// What must not have happened in the ticket.
    pub quiet: Quiet,
}

/// Since when nothing may have happened in a ticket that is acted on without a person: else a person decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Quiet {
    /// Since when nobody may have done anything, neither the desk nor the customer.
    pub as_of: Option<Timestamp>,
    /// Since when no technician may have; the same where it is missing.
    pub untouched_since: Option<Timestamp>,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled<'a> {
    /// It was done.
    Done {
        /// The PSA's id of what came of it.
        psa_ref: Option<&'a str>,
        /// What an automation answered.
        result: Option<&'a Value>,
    },
    /// It was not, and is tried again.
    Failed(&'a str),
    /// A person has changed the ticket meanwhile: a person decides.
    Returned(&'a str),
}

impl Claimed {
    /// Until when something may be begun with it: the claim, less a little for what was sent last.
    pub(super) fn ends(&self) -> Instant {
        self.since + Duration::from_secs(u64::from(CLAIM - SPARE))
    }
}

/// What an action does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A reply to the customer.
    Reply(String),
    /// Labels.
    SetFields(BTreeMap<Field, String>),
    /// The ticket is closed.
    Close(Wanted),
    /// The ticket is opened again.
    Reopen(Wanted),
    /// The desk's own automation runs, with this as its input.
    Run(Value),
}

/// How a ticket is closed, or opened again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The status that it gets; else the one of the settings.
    pub status: Option<String>,
    /// Whom it is assigned to where nobody owns it.
    pub technician: Option<String>,
}

#[derive(Deserialize)]
struct WireAction {
    id: i64,
    kind: String,
    ticket_id: String,
    customer: String,
    decision_id: String,
    idempotency_key: String,
    attempts: i64,
    payload: Option<Value>,
}

#[derive(Deserialize)]
struct Kept {
    cursor: Option<String>,
}

/// What the service said to a lease.
#[derive(Debug)]
pub(super) enum Leased {
    /// It is this process', with what was kept.
    Held(Box<Cursor>),
    /// Another process has it.
    Other(String),
}

impl Service {
    /// The service at `url`, asked with `key` by `http`.
    pub fn new(url: &str, key: Secret, http: Http) -> Self {
        Self { http, url: url.trim_end_matches('/').to_owned(), key }
    }

    /// Sends tickets to be decided and drafted, and gives the errors of those that were refused, by their place.
    ///
    /// # Errors
    /// When the service does not have them.
    pub fn triage(&mut self, tickets: &[Ticket]) -> Result<Vec<(usize, String)>> {
        let tickets: Vec<Value> = tickets.iter().map(|ticket| json!(ticket)).collect();
        self.in_parts(
            &tickets,
            MOST_ITEMS,
            "/v1/triage",
            |part| json!({"tickets": part, "drafts": true, "truncate": true}),
        )
    }

    /// Tells how tickets ended; gives the errors of items that were refused.
    ///
    /// # Errors
    /// When the service does not have them.
    pub fn feedback(&mut self, items: &[Value]) -> Result<Vec<(usize, String)>> {
        self.in_parts(items, MOST_ITEMS, "/v1/feedback", |part| json!({"items": part}))
    }

    /// Tells what customers wrote after a reply; gives the errors of items that were refused.
    ///
    /// # Errors
    /// When the service does not have them.
    pub fn answers(&mut self, answers: &[Value]) -> Result<Vec<(usize, String)>> {
        self.in_parts(answers, MOST_ITEMS, "/v1/answers", |part| json!({"answers": part}))
    }

    /// Tells what happened to tickets; gives the errors of events that were refused.
    ///
    /// # Errors
    /// When the service does not have them.
    pub fn events(&mut self, events: &[Value]) -> Result<Vec<(usize, String)>> {
        self.in_parts(events, MOST_EVENTS, "/v1/events", |part| json!({"events": part}))
    }

    /// Sends items in calls of `most` at most that the service takes; gives the errors of those that were refused, by their place.
    fn in_parts(
        &mut self,
        items: &[Value],
        most: usize,
        path: &str,
        body: impl Fn(&[Value]) -> Value,
    ) -> Result<Vec<(usize, String)>> {
        let (mut refused, mut first) = (Vec::new(), 0);
        while first < items.len() {
            let mut bytes = 0;
            let fits = items[first..].iter().take(most).take_while(|item| {
                bytes += item.to_string().len();
                bytes <= MOST_BYTES
            });
            // One that is longer alone is for the service to refuse.
            let part = &items[first..first + fits.count().max(1)];
            let told = self.post(path, &body(part))?;
            refused.extend(faults(&told).map(|(i, text)| (first + i, text)));
            first += part.len();
        }
        Ok(refused)
    }

    /// Sends the PSA's list of the tickets that were opened in a time; gives those without a decision, the first thousand.
    ///
    /// # Errors
    /// When the service can't be asked, or the key is held to some customers.
    pub fn coverage<'a>(
        &mut self,
        (from, to): (Timestamp, Timestamp),
        ids: impl Iterator<Item = &'a String>,
    ) -> Result<Vec<String>> {
        let tickets: Vec<Value> = ids.map(|id| json!({"ticket_id": id})).collect();
        let told = self.post("/v1/rollout/coverage", &json!({"from": from, "to": to, "tickets": tickets}))?;
        let missing = told["missing"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(missing.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
    }

    /// Claims actions that wait.
    ///
    /// # Errors
    /// When the service can't be asked.
    pub fn claim(&mut self, owner: &str, limit: usize) -> Result<Vec<Claimed>> {
        let since = Instant::now();
        let told =
            self.post("/v1/outbox/claim", &json!({"owner": owner, "limit": limit, "lease_seconds": CLAIM}))?;
        let actions: Vec<WireAction> = part(told, "actions")?;
        Ok(actions.into_iter().filter_map(|action| claimed(action, since)).collect())
    }

    /// Whether a claimed action is to be done still: it is void once its ticket has moved, and another's once the claim has expired.
    ///
    /// # Errors
    /// When the service can't be asked.
    pub fn is_claimed(&mut self, action: &Claimed) -> Result<bool> {
        let answer = self.ask(Method::GET, &format!("/v1/outbox/{}", action.id), None)?;
        let told = answer.json().unwrap_or_default();
        let lasts = Instant::now() < action.ends();
        Ok(told["state"] == "claimed" && told["attempts"] == action.attempts && lasts)
    }

    /// Says what became of an action; gives what the service says where that is not this owner's to say: the claim has expired, or the
    /// action is void.
    ///
    /// # Errors
    /// When the service can't be asked.
    pub fn settle(&mut self, id: i64, owner: &str, settled: &Settled<'_>) -> Result<Option<String>> {
        let body = match settled {
            Settled::Done { psa_ref, result: None } => json!({"owner": owner, "psa_ref": psa_ref}),
            Settled::Done { psa_ref, result } => {
                json!({"owner": owner, "psa_ref": psa_ref, "result": result})
            }
            Settled::Failed(why) => json!({"owner": owner, "error": why}),
            Settled::Returned(why) => json!({"owner": owner, "returned": why}),
        };
        let path = format!("/v1/outbox/{id}");
        let answer = self.send(Method::POST, &path, Some(&body))?;
        if answer.status == 409 {
            let told = answer.json().unwrap_or_default();
            let words = ["detail", "next"].iter().filter_map(|key| told[*key].as_str());
            return Ok(Some(words.collect::<Vec<_>>().join(". ")));
        }
        if let (400 | 413 | 422, Settled::Done { psa_ref, result: Some(_) }) = (answer.status, settled) {
            // It was done, whatever its answer looks like.
            let unread = json!({"unread": "the service does not take the answer"});
            let body = json!({"owner": owner, "psa_ref": psa_ref, "result": unread});
            return self.post(&path, &body).map(|_| None);
        }
        self.judged(answer, &path).map(|_| None)
    }

    /// Takes or renews the lease on a connection's cursor, and keeps `cursor` there if one is given.
    pub(super) fn lease(
        &mut self,
        name: &str,
        owner: &str,
        seconds: u32,
        cursor: Option<&mut Cursor>,
    ) -> Result<Leased> {
        let path = format!("/v1/connections/{}", encoded(name));
        let mut body = json!({"owner": owner, "lease_seconds": seconds});
        if let Some(cursor) = cursor {
            body["cursor"] = json!(cursor.kept());
        }
        let answer = self.send(Method::POST, &path, Some(&body))?;
        if answer.status == 409 {
            return Ok(Leased::Other(answer.text()));
        }
        let told = self.judged(answer, &path)?.json().unwrap_or_default();
        let kept: Kept = serde_json::from_value(told).map_err(|e| unexpected(&e.to_string()))?;
        let cursor = kept.cursor.as_deref().map(serde_json::from_str).transpose();
        Ok(Leased::Held(Box::new(cursor.map_err(|e| unexpected(&e.to_string()))?.unwrap_or_default())))
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.ask(Method::POST, path, Some(body))?;
        answer.json().ok_or_else(|| unexpected("no JSON").into())
    }

    fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = self.send(method, path, body)?;
        self.judged(answer, path)
    }

    /// All calls of the batch API may be repeated without harm.
    pub(super) fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let headers = vec![("authorization", format!("Bearer {}", self.key.shown()))];
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let call = Call { method, url: format!("{}{path}", self.url), headers, body, safe: true };
        self.http.send(&call).map_err(|failure| {
            let next = "Look whether the service runs and \"service\" in the settings is its address";
            UserError::new(Code::Psa, "the service", failure.to_string(), next).into()
        })
    }

    pub(super) fn judged(&self, answer: Answer, path: &str) -> Result<Answer> {
        if answer.is_good() {
            return Ok(answer);
        }
        let told = answer.json().unwrap_or_default();
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        let problem = text("detail").or_else(|| text("title")).unwrap_or_else(|| answer.text());
        let next = text("next").unwrap_or_else(|| "Check the key's scopes: triage, feedback, act".to_owned());
        Err(UserError::new(
            Code::Psa,
            format!("the service, {path}"),
            format!("status {}: {problem}", answer.status),
            next,
        )
        .into())
    }
}

fn claimed(action: WireAction, since: Instant) -> Option<Claimed> {
    let payload = action.payload?;
    // What an automation is told is the desk's own.
    let quiet = match action.kind.as_str() {
        "run" => Quiet::default(),
        _ => serde_json::from_value(payload.clone()).ok()?,
    };
    let what = match action.kind.as_str() {
        "reply" => What::Reply(payload["text"].as_str()?.to_owned()),
        "set_fields" => What::SetFields(serde_json::from_value(payload["fields"].clone()).ok()?),
        "close" => What::Close(serde_json::from_value(payload).ok()?),
        "reopen" => What::Reopen(serde_json::from_value(payload).ok()?),
        "run" => What::Run(payload),
        _ => return None,
    };
    Some(Claimed {
        id: action.id,
        decision_id: action.decision_id,
        key: action.idempotency_key,
        ticket_id: action.ticket_id,
        customer: action.customer,
        attempts: action.attempts,
        since,
        what,
        quiet,
    })
}

/// The places of results that are faults, and what they say.
fn faults(told: &Value) -> impl Iterator<Item = (usize, String)> + '_ {
    let results = told["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    results.iter().enumerate().filter_map(|(i, result)| {
        let error = result.get("error")?;
        let text = ["detail", "title"].iter().find_map(|key| error[*key].as_str());
        Some((i, text.map_or_else(|| error.to_string(), str::to_owned)))
    })
}

fn part<T: serde::de::DeserializeOwned>(mut told: Value, key: &str) -> Result<T> {
    let part = told.get_mut(key).map(Value::take).unwrap_or_default();
    Ok(serde_json::from_value(part).map_err(|e| unexpected(&e.to_string()))?)
}

fn unexpected(what: &str) -> UserError {
    let problem = format!("a reply is not of the expected form: {what}");
    UserError::new(Code::Psa, "the service", problem, "Use a connector of the service's own version")
}
