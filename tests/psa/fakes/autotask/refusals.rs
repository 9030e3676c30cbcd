//! How Autotask says no: `{"errors": [...]}` for what it understands, ASP.NET's `{"Message": ...}` for paths and methods that it has not.

use serde_json::json;

use crate::http::{Reply, Request};

/// What the API user, or who it acts as, may not do: the one text of these that clients look for.
pub(super) const FORBIDDEN: &str = "The logged in Resource does not have the adequate permissions";
/// What is said where a record to be deleted is not there: HTTP 500, not 404.
pub(super) const NO_RECORD: &str = "No message. No matching records found. The logged in Resource may not have the required permissions to delete the data.";

/// A refusal with a reason.
pub(super) fn refused(status: u16, reason: &str) -> Reply {
    Reply::json(status, &json!({"errors": [reason]}))
}

/// What a business error is: HTTP 500, so that a status alone never says whether to try again.
pub(super) fn broken(reason: &str) -> Reply {
    refused(500, reason)
}

/// A permission that is missing: HTTP 500, too.
pub(super) fn forbidden() -> Reply {
    refused(500, &format!("{FORBIDDEN} to perform this action."))
}

/// No such path. The body is ASP.NET's: UNCONFIRMED for Autotask.
pub(super) fn no_path(request: &Request) -> Reply {
    let address = format!("{}{}", request.origin, request.path);
    let text = format!("No HTTP resource was found that matches the request URI '{address}'.");
    Reply::json(404, &json!({"Message": text}))
}

/// A path that does not take the method. The body is ASP.NET's: UNCONFIRMED for Autotask.
pub(super) fn no_method(request: &Request) -> Reply {
    let text = format!("The requested resource does not support http method '{}'.", request.method);
    Reply::json(405, &json!({"Message": text}))
}
