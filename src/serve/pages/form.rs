//! A form that a page of ours has sent: its fields, bounded.
//!
//! Must never give the fields of a form that another site may have sent, nor read a long one of somebody who is not known.

use std::sync::Arc;

use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::header;
use firstline_fault::Code;

use super::PageProblem;
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
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field; empty where it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Arc<Shared>> for Form {
    type Rejection = PageProblem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, PageProblem> {
        origin::check(request.method(), request.headers())?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(KIND)) {
            let problem = Problem::new(Code::Request, "the body", "it is no form", "Send it from the page");
            return Err(problem.into());
        }
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let room = body::room(path, &shared.settings.limits).bytes;
        let held = Held::current().unwrap_or_else(|| Held::new(&shared.memory, &shared.places));
        let most = if held.has_key() { room } else { room.min(UNKNOWN) };
        held.is_of(SIGNING_IN)?;
        let bytes = body::read(request.into_body(), most, &held).await?;
        let fields: Vec<_> = form_urlencoded::parse(&bytes).into_owned().take(MOST_FIELDS).collect();
        Ok(Self(fields))
    }
}
