//! What several calls read in the same way from a request: headers, a number of tickets, a customer's name.

use axum::http::{HeaderMap, HeaderValue, header};
use firstline_fault::Code;
use firstline_store::{CustomerSet, DecisionRecord};
use firstline_triage::customer_key;

use crate::auth::Caller;
use crate::item::not_for_this_key;
use crate::problem::Problem;

/// Longest idempotency key.
const MOST_KEY: usize = 128;

/// The header `Idempotency-Key`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MOST_KEY).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let next = "Send 1 to 128 visible ASCII characters, the same for the same request";
        Problem::new(Code::Request, "Idempotency-Key", "no key that can be kept", next)
    })
}

/// The header `If-Match`: a draft's version, quoted or bare.
pub(super) fn version(headers: &HeaderMap) -> Result<i64, Problem> {
    let value = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let bare = |value: &str| {
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let digits = quoted.unwrap_or(value);
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    value.and_then(bare).ok_or_else(|| {
        let next = "Send the version that the queue shows, such as \"2\"";
        Problem::new(Code::Request, "If-Match", "missing, or no version", next)
    })
}

/// The header `ETag` of a draft at this version.
pub(super) fn etag(version: i64) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(Problem::internal)
}

/// Whether a call has a number of tickets that is allowed.
pub(super) fn count(tickets: usize, most: usize) -> Result<(), Problem> {
    match tickets {
        0 => Err(Problem::new(Code::Request, "tickets", "there is none", "Send at least one")),
        n if n > most => {
            let problem = format!("{n} tickets, but {most} are the most");
            Err(Problem::new(Code::Limit, "tickets", problem, "Send fewer at a time, or POST /v1/jobs"))
        }
        _ => Ok(()),
    }
}

/// Of the customers that a caller may see, the one that is named.
pub(crate) fn customers(caller: &Caller, named: Option<&str>) -> Result<CustomerSet, Problem> {
    let Some(named) = named else { return Ok(caller.customers.clone()) };
    let key = customer_key(named);
    if !caller.customers.has(&key) {
        return Err(not_for_this_key());
    }
    Ok(CustomerSet::Only([key].into()))
}

/// Refuses a decision that nobody is to see yet.
pub(crate) fn shown(record: DecisionRecord) -> Result<DecisionRecord, Problem> {
    if !record.is_hidden() {
        return Ok(record);
    }
    let place = format!("decision {}", record.id);
    let problem =
        "it belongs to the blind sample, and its ticket is open: nobody sees or reviews it until then";
    let next = "Handle the ticket as without Firstline; once it is closed, report that with POST /v1/feedback (resolved_at)";
    Err(Problem::new(Code::Blind, &place, problem, next))
}

/// What the path names is not there.
pub(crate) fn missing(what: &str) -> Problem {
    let problem = format!("no such {what}, or not for this key");
    Problem::new(Code::NotFound, "the path", problem, "Check the id")
}
