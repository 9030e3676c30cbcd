//! A form that a page of ours has sent: its fields, bounded.
//!
//! Must never give the fields of a form that another site may have sent, nor read a long one of somebody who is not known.

use std::sync::Arc;

use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::header;
use firstline_fault::Code;

use crate::attempts::network;
use crate::body;
use crate::memory::Held;
use crate::origin;
use crate::problem::Problem;
use crate::shared::Shared;

/// Bytes of a form that comes before anybody has signed in.
const UNKNOWN: usize = 16 << 10;
/// Fields of a form.
const MOST_FIELDS: usize = 1_000;
const KIND: &str = "application/x-www-form-urlencoded";
/// Whose memory such forms take.
const SIGNING_IN: &str = "signing in";

/// The fields of a form. Extract it after [`SignedIn`](crate::accounts::SignedIn), where the page wants that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body.
    pub(super) fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(MOST_FIELDS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// A field; empty where it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box of this name was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// The draft's version that the page was made of.
    pub(super) fn version(&self) -> Result<i64, Problem> {
        self.get("version").parse().map_err(|_| {
            let next = "Open the ticket again";
            Problem::new(Code::Request, "version", "the form does not say which draft was seen", next)
        })
    }
}

impl FromRequest<Arc<Shared>> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Problem> {
        origin::check(request.method(), request.headers())?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        let has_body = !axum::body::HttpBody::is_end_stream(request.body());
        if has_body && !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(KIND)) {
            let problem = Problem::new(Code::Request, "the body", "it is no form", "Send it from the page");
            return Err(problem);
        }
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let room = body::room(path, &shared.settings.limits).bytes;
        let held = Held::current().unwrap_or_else(|| Held::new(&shared.memory, &shared.places));
        let most = if held.has_key() { room } else { room.min(UNKNOWN) };
        let (parts, body) = request.into_parts();
        // Of each address its own: slow forms from one keep nobody elsewhere from signing in.
        let address = shared.signing_in.peers.address(&parts).map(network);
        held.is_of(&address.map_or_else(|| SIGNING_IN.to_owned(), |from| format!("{SIGNING_IN} {from}")))?;
        Ok(Self::read(&body::read(body, most, &held).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_within_bounds() {
        let form = Form::read(b"a=1&b=x+y%0D%0Az&a=2&empty=");
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), ("1", "x y\nz", ""));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(form.is_ticked("a") && !form.is_ticked("empty") && form.version().is_err());
        assert_eq!(Form::read(b"version=3").version().unwrap(), 3);
        assert_eq!(Form::read("a=1&".repeat(9_999).as_bytes()).0.len(), MOST_FIELDS);
    }
}
