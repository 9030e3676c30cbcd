//! Refusals in ConnectWise's words: `{code, message, errors: [{code, message, resource, field}]}`.

use serde_json::{Value, json};

use crate::http::Reply;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    code: &'static str,
    field: String,
    message: String,
}

impl Wrong {
    /// A field that must be there.
    pub(super) fn missing(field: &str) -> Self {
        let message = format!("The {field} field is required.");
        Self { code: "MissingRequiredField", field: field.to_owned(), message }
    }

    /// A value that can't be.
    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Self { code: "InvalidField", field: field.to_owned(), message: message.into() }
    }

    /// A value that doesn't go with the rest of the record.
    pub(super) fn object(field: &str, message: impl Into<String>) -> Self {
        Self { code: "InvalidObject", field: field.to_owned(), message: message.into() }
    }

    /// A record that is there already.
    pub(super) fn exists(field: &str, message: impl Into<String>) -> Self {
        Self { code: "ObjectExists", field: field.to_owned(), message: message.into() }
    }

    /// A text that is too long. The real code of this is UNCONFIRMED.
    pub(super) fn long(field: &str, most: usize) -> Self {
        Self::field(field, format!("The field {field} must be a string with a maximum length of {most}."))
    }
}

/// A refusal without fields.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "message": message}))
}

/// A record that is not valid.
pub(super) fn invalid(resource: &str, wrong: &[Wrong]) -> Reply {
    let errors: Vec<Value> = wrong
        .iter()
        .map(|w| json!({"code": w.code, "message": w.message, "resource": resource, "field": w.field}))
        .collect();
    let message = format!("{resource} object is invalid");
    Reply::json(400, &json!({"code": "InvalidObject", "message": message, "errors": errors}))
}

/// A body that can't be read. The real code is UNCONFIRMED.
pub(super) fn unreadable(message: &str) -> Reply {
    refusal(400, "InvalidObject", message)
}

/// A list that can't be made of what was asked.
pub(super) fn conditions(message: &str) -> Reply {
    refusal(400, "ApiFindCondition", message)
}

/// A record that does not exist, or that the API member can't see.
pub(super) fn not_found(what: &str, id: &str) -> Reply {
    refusal(404, "NotFound", &format!("{what} {id} not found"))
}

/// A path that does not exist.
pub(super) fn no_endpoint() -> Reply {
    refusal(404, "ConnectWiseApi", "The endpoint does not exist.")
}

/// A right that the API member's security role lacks.
pub(super) fn forbidden(right: &str) -> Reply {
    refusal(403, "Forbidden", &format!("The security role of this member does not permit {right}."))
}
