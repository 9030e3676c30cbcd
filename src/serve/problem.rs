//! What a caller is told when something is wrong: RFC 9457 problem details, with one code from the table of errors.
//!
//! Faults of ours say nothing of what is inside; the log has it, under the request's id.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::{Code, Error, UserError};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of RFC 9457.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Where the code is explained: a reference relative to this service.
    #[serde(rename = "type")]
    kind: String,
    /// What the code means, the same each time.
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// The code, `E_...`.
    pub(crate) code: &'static str,
    /// What is wrong here, and what to do about it.
    pub(crate) detail: String,
    /// Seconds after which to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}

/// What the service says of faults of its own.
const INTERNAL: (&str, &str) = ("E_INTERNAL", "A fault of Firstline's.");

impl Problem {
    /// A problem of the caller's: where, what is wrong, what to do next.
    pub(crate) fn new(code: Code, place: &str, problem: impl Into<String>, next: &str) -> Self {
        Self::from(UserError::new(code, place, problem, next))
    }

    /// Too much to do: try again after so many seconds.
    pub(crate) fn overload(place: &str, retry_after: u64) -> Self {
        let next = "Send it again after Retry-After seconds, and fewer at a time";
        let problem = "more was asked for than can be answered in time";
        Self { retry_after: Some(retry_after.max(1)), ..Self::new(Code::Overload, place, problem, next) }
    }

    /// Something was not done within its deadline.
    pub(crate) fn late(place: &str) -> Self {
        let next = "Send it again, and fewer at a time; what was decided meanwhile keeps that decision";
        Self::new(Code::Deadline, place, "it was not done within the deadline", next)
    }

    /// The same problem with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status: status.as_u16(), ..self }
    }

    /// A fault of ours, which goes into the log.
    pub(crate) fn internal(context: impl std::fmt::Display) -> Self {
        tracing::error!(%context, "internal fault");
        let (code, title) = INTERNAL;
        let detail = "The request could not be done. The log tells more under this request's id".to_owned();
        Self { kind: kind(code), title, status: 500, code, detail, retry_after: None }
    }

    /// How it is told where several items share one answer.
    pub(crate) fn fault(&self) -> firstline_store::JobFault {
        firstline_store::JobFault { code: self.code.to_owned(), message: self.detail.clone() }
    }
}

fn kind(code: &str) -> String {
    format!("/errors#{code}")
}

/// The HTTP status of a code.
pub(crate) fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Auth => StatusCode::UNAUTHORIZED,
        Code::Scope | Code::Origin => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict | Code::Blind => StatusCode::CONFLICT,
        Code::Limit | Code::LineLength => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Overload => StatusCode::TOO_MANY_REQUESTS,
        Code::Store | Code::Io | Code::Bundle | Code::Model => StatusCode::SERVICE_UNAVAILABLE,
        Code::Deadline => StatusCode::GATEWAY_TIMEOUT,
        Code::TicketId | Code::TicketText | Code::TicketJson | Code::Field | Code::Input | Code::Guard => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        let status = status_of(error.code);
        let detail = match status.as_u16() {
            // What is wrong on this machine is no caller's business.
            503 => {
                tracing::error!(%error, "unavailable");
                "The service can't do this just now. Its log tells why".to_owned()
            }
            _ => format!("{}: {}. {}", error.place, error.problem, error.next),
        };
        let passes = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status);
        let retry_after = passes.then_some(5);
        let code = error.code.as_str();
        Self {
            kind: kind(code),
            title: error.code.meaning(),
            status: status.as_u16(),
            code,
            detail,
            retry_after,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::User(error) => error.into(),
            Error::Internal(error) => Self::internal(error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Every code with its status and meaning: the table of errors.
pub(crate) fn table() -> Vec<Problem> {
    let mut all: Vec<Problem> = Code::ALL
        .iter()
        .map(|&code| Problem {
            kind: kind(code.as_str()),
            title: code.meaning(),
            status: status_of(code).as_u16(),
            code: code.as_str(),
            detail: String::new(),
            retry_after: None,
        })
        .collect();
    let (code, title) = INTERNAL;
    all.push(Problem {
        kind: kind(code),
        title,
        status: 500,
        code,
        detail: String::new(),
        retry_after: None,
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_machine_tell_a_caller_nothing_of_it() {
        let inside = UserError::new(Code::Store, "/var/lib/firstline.db", "disk full", "Make room");
        let problem = Problem::from(inside);
        assert_eq!((problem.status, problem.code), (503, "E_STORE"));
        assert!(!problem.detail.contains("/var"));
        let problem = Problem::internal("secret");
        assert!(!problem.detail.contains("secret"));
    }
}
