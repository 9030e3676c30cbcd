//! How Autotask says no, and what that means: a 500 may be a missing right, a wrong value or too many requests, by its text.

use firstline_fault::{Code, Error, UserError};
use serde_json::Value;

use crate::http::Answer;

/// What a refusal says.
#[derive(Debug)]
pub(super) enum Refused {
    /// The record is not there.
    Missing,
    /// The path is not there, or does not take the method.
    NoEndpoint,
    /// The API user may not do this.
    Forbidden(Error),
    /// The credentials, or the zone, are wrong.
    Credentials(Error),
    /// Too many requests at once: this one was not done.
    Busy(Error),
    /// Another refusal.
    Other(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => fault(
                "the record is not there",
                "It may have been deleted, or moved out of the API user's sight",
            ),
            Refused::NoEndpoint => fault("the endpoint does not exist", "Check \"url\" in the settings"),
            Refused::Forbidden(error)
            | Refused::Credentials(error)
            | Refused::Busy(error)
            | Refused::Other(error) => error,
        }
    }
}

/// Why a request that changes something has no reply.
#[derive(Debug)]
pub(super) enum Sent {
    /// It was not done.
    NotDone(Error),
    /// It may have been done.
    Unknown(Error),
}

impl From<Sent> for Error {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::NotDone(error) | Sent::Unknown(error) => error,
        }
    }
}

/// An error of this PSA.
pub(super) fn fault(problem: &str, next: &str) -> Error {
    UserError::new(Code::Psa, "Autotask", problem, next).into()
}

/// What a refusal says, where it is of Autotask's form: a list of texts or of objects with one.
pub(super) fn reason(answer: &Answer) -> Option<String> {
    let body = answer.json()?;
    let errors = body.get("errors").or_else(|| body.get("Errors"));
    let text = |error: &Value| {
        let told = error.as_str().or_else(|| error.get("message").and_then(Value::as_str));
        told.map_or_else(|| error.to_string(), str::to_owned)
    };
    let told: Vec<String> = match errors {
        Some(Value::Array(errors)) => errors.iter().map(text).collect(),
        Some(error) => vec![text(error)],
        None => body.get("Message").and_then(Value::as_str).map(str::to_owned).into_iter().collect(),
    };
    let told = told.join("; ").chars().take(500).collect::<String>();
    (!told.is_empty()).then_some(told)
}

/// What a refusal means: a 500 by its text.
pub(super) fn refused(status: u16, told: &str) -> Refused {
    let lower = told.to_lowercase();
    let has = |word: &str| lower.contains(word);
    match status {
        401 => Refused::Credentials(fault(
            &format!("it refuses the credentials (401): {told}"),
            "Check \"user\", \"secret_file\" and \"integration_code\" in the settings; the API user may be locked",
        )),
        404 | 405 => Refused::NoEndpoint,
        _ if has("thread threshold") => Refused::Busy(fault(
            &format!("too many requests at once: {told}"),
            "It goes on by itself; give this integration a tracking identifier of its own",
        )),
        _ if has("no matching record") => Refused::Missing,
        _ if status == 403 || has("permission") => Refused::Forbidden(fault(
            &format!("the API user may not do this ({status}): {told}"),
            "Widen the API user's security level: tickets, notes, time entries, companies, contacts, resources",
        )),
        _ if status == 429 || has("threshold") => Refused::Other(fault(
            &format!("too many requests ({status}): {told}"),
            "Lower \"requests_per_minute\" in the settings; it goes on by itself",
        )),
        _ => Refused::Other(fault(
            &format!("status {status}: {told}"),
            "See what the text names; a picklist may have changed",
        )),
    }
}
