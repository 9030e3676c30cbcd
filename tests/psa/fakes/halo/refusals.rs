//! Bodies of refusals: Halo has no common form, so each kind of refusal here has one that was seen.
//!
//! UNCONFIRMED: which refusal has which body; [`Settings::error_body`](super::Settings) makes them all alike.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::Reply;

/// An answer, or why there is none.
pub(super) type Outcome<T> = Result<T, Refusal>;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// A bare string of JSON.
    Text,
    /// `{"error": "..."}`.
    Error,
    /// `{"error": {"error_description": "..."}}`.
    Described,
    /// `{"ClassName": "...", "Message": "..."}`.
    Class,
    /// `{"resultCode": 1, "errorMessage": "..."}`.
    Result,
    /// An object of one key.
    OneKey,
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    body: ErrorBody,
    text: String,
    headers: Vec<(&'static str, String)>,
    page: bool,
}

impl Refusal {
    fn new(status: u16, body: ErrorBody, text: impl Into<String>) -> Self {
        Self { status, body, text: text.into(), headers: Vec::new(), page: false }
    }

    /// The request makes no sense.
    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(400, ErrorBody::Class, text)
    }

    /// A value is none that the desk has.
    pub(super) fn unknown(what: &str, value: impl std::fmt::Display) -> Self {
        Self::new(400, ErrorBody::Result, format!("{what} {value} was not found"))
    }

    /// A value that a parameter can't have.
    pub(super) fn parameter(name: &str, value: &str) -> Self {
        Self::new(400, ErrorBody::OneKey, format!("The value '{value}' is not valid for {name}."))
    }

    /// An action without an outcome, or without what its outcome asks for.
    pub(super) fn outcome(text: &str) -> Self {
        Self::new(400, ErrorBody::Text, text)
    }

    /// The token is none.
    pub(super) fn token(text: &str) -> Self {
        let mut refusal = Self::new(401, ErrorBody::Described, text);
        refusal.headers.push(("www-authenticate", "Bearer error=\"invalid_token\"".to_owned()));
        refusal
    }

    /// The application or the agent may not.
    pub(super) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(403, ErrorBody::Error, text)
    }

    /// It isn't there.
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self::new(404, ErrorBody::OneKey, text)
    }

    /// Nothing is there for this method.
    pub(super) fn method(resource: &str) -> Self {
        Self::new(405, ErrorBody::OneKey, format!("The requested resource {resource} does not support it"))
    }

    /// Too many requests, with the seconds to wait where they are said.
    pub(super) fn busy(wait: Option<i64>) -> Self {
        let mut refusal = Self::new(429, ErrorBody::Text, "You have exceeded the rate limit for this tenant");
        refusal.headers.extend(wait.map(|seconds| ("retry-after", seconds.to_string())));
        refusal
    }

    /// A query that takes more than a minute, as the proxy says it.
    pub(super) fn slow() -> Self {
        Self { page: true, ..Self::new(504, ErrorBody::Text, "504 Gateway Time-out") }
    }

    /// The reply, in a form that is asked for.
    pub(super) fn reply(self, forced: Option<ErrorBody>) -> Reply {
        let text = &self.text;
        let body = match forced.unwrap_or(self.body) {
            ErrorBody::Text => json!(text),
            ErrorBody::Error => json!({"error": text}),
            ErrorBody::Described => json!({"error": {"error_description": text}}),
            ErrorBody::Class => json!({"ClassName": "System.Exception", "Message": text, "Data": null}),
            ErrorBody::Result => json!({"resultCode": 1, "errorMessage": text}),
            ErrorBody::OneKey => json!({"message": text}),
        };
        let reply = if self.page { Reply::html(self.status, text) } else { Reply::json(self.status, &body) };
        self.headers.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }
}
