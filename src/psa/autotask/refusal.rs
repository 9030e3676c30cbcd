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
            Refused::NoEndpoint => fault(
                "the endpoint does not exist, or takes no such request (404 or 405)",
                "Check \"url\" in the settings",
            ),
            Refused::Forbidden(error)
            | Refused::Credentials(error)
            | Refused::Busy(error)
            | Refused::Other(error) => error,
        }
    }
}

/// An error of this PSA.
pub(super) fn fault(problem: &str, next: &str) -> Error {
    UserError::new(Code::Psa, "Autotask", problem, next).into()
}

/// An error of a write that this PSA would refuse again.
pub(super) fn refuses(problem: &str, next: &str) -> Error {
    UserError::new(Code::PsaRefused, "Autotask", problem, next).into()
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

/// What a refusal means: a 500 by its text, `told`, where it is Autotask's `own` and not a proxy's.
pub(super) fn refused(status: u16, told: &str, own: bool) -> Refused {
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
        // Autotask tells a value that it does not take by a 500, too.
        400 | 409 | 422 | 500 if own => Refused::Other(refuses(
            &format!("status {status}: {told}"),
            "See what the text names; a picklist may have changed",
        )),
        _ => Refused::Other(fault(
            &format!("status {status}: {told}"),
            "See the PSA's own log where it does not say",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_what_its_text_says_whatever_its_status() {
        let told = |status: u16, body: &str| {
            let answer = Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
            let reason = reason(&answer);
            match refused(status, reason.as_deref().unwrap_or(body), reason.is_some()) {
                Refused::Missing => "missing",
                Refused::NoEndpoint => "no endpoint",
                Refused::Forbidden(_) => "forbidden",
                Refused::Credentials(_) => "credentials",
                Refused::Busy(_) => "busy",
                Refused::Other(_) => "other",
            }
        };
        for (status, body, kind) in [
            (401, "", "credentials"),
            (404, r#"{"Message": "No HTTP resource was found."}"#, "no endpoint"),
            (405, "", "no endpoint"),
            (403, "<html>Forbidden</html>", "forbidden"),
            (
                500,
                r#"{"errors": ["The logged in Resource does not have the adequate permissions."]}"#,
                "forbidden",
            ),
            (
                500,
                r#"{"errors": ["No matching records found. The Resource may not have the permissions."]}"#,
                "missing",
            ),
            (
                500,
                r#"{"errors": [{"message": "The thread threshold of this identifier is exceeded."}]}"#,
                "busy",
            ),
            (429, r#"{"errors": ["Thread threshold reached"]}"#, "busy"),
            (429, "\"Too many requests\"", "other"),
            (500, r#"{"errors": ["The request threshold of this database is exceeded."]}"#, "other"),
            (500, r#"{"errors": ["The picklist of status has no value 99."]}"#, "other"),
            (503, "<html>Service unavailable</html>", "other"),
        ] {
            assert_eq!(told(status, body), kind, "{status} {body}");
        }
    }

    #[test]
    fn what_is_no_refusal_of_autotasks_has_no_reason() {
        for body in
            ["", "<html>Bad gateway</html>", "\"Too many\"", r#"{"message": "busy"}"#, r#"{"errors": []}"#]
        {
            let answer = Answer { status: 500, headers: Vec::new(), body: body.as_bytes().to_vec() };
            assert_eq!(reason(&answer), None, "{body}");
        }
    }
}
