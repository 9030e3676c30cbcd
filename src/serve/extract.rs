//! How a request is read: its caller, its JSON body, its query. What can't be read is a problem of the documented form.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, Query, Request};
use axum::http::request::Parts;
use firstline_fault::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::accounts::signed_in;
use crate::auth::Caller;
use crate::body;
use crate::bounded_json::{Bounds, scan};
use crate::memory::{Held, VALUE_BYTES};
use crate::problem::Problem;
use crate::shared::Shared;
use crate::wording::{self, brief, kind, plain};

/// Bodies above this are read from JSON away from the threads that answer.
pub(crate) const LONG_BODY: usize = 128 << 10;

/// A JSON body. Its media type is not looked at. It is read only where the caller is known: extract it after [`Caller`].
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let held = Held::current().filter(Held::has_key).ok_or_else(|| {
            let next = "Send Authorization: Bearer fl_...";
            Problem::new(Code::Auth, "Authorization", "no API key that holds", next)
        })?;
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let room = body::room(path, &shared.settings.limits);
        let bytes = body::read(request.into_body(), room.bytes, &held).await?;
        if bytes.len() <= LONG_BODY {
            return parse(&bytes, &room.json, &held).map(Body);
        }
        // A key that will be refused anyway does not have long bodies parsed.
        if let Some(seconds) = shared.shares.key().and_then(|key| shared.queue.is_full_for(&key)) {
            return Err(Problem::overload("this key", seconds));
        }
        let end = shared.compute_deadline();
        shared.reading(end, move |_| parse(&bytes, &room.json, &held)).await.map(Body)
    }
}

/// Reads JSON that is in bounds; what it becomes is counted first.
fn parse<T: DeserializeOwned>(bytes: &[u8], bounds: &Bounds, held: &Held) -> Result<T, Problem> {
    let values = scan(bytes, bounds)?;
    held.grow(values * VALUE_BYTES)?;
    let fault = |place: &str, problem: String| {
        let next = "Send JSON as /openapi.json describes it";
        Problem::new(Code::Request, if place.is_empty() { "the body" } else { place }, problem, next)
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|e| fault("", plain(&e.to_string())))?;
    // What serde derives would take the elements of a list for fields.
    if !value.is_object() {
        return Err(fault("", format!("it is {} where an object belongs", kind(&value))));
    }
    wording::read(value).map_err(|misfit| fault(&brief(&misfit.key), misfit.problem))
}

/// The id in the path.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl FromRequestParts<Arc<Shared>> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let Path(id) = Path::from_request_parts(parts, shared).await.map_err(|_: PathRejection| {
            Problem::new(Code::NotFound, "the path", "it is no text", "Check the id")
        })?;
        Ok(Self(id))
    }
}

/// The query.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Shared>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let Query(query) = Query::from_request_parts(parts, shared).await.map_err(|rejection| {
            let next = "Give it as /openapi.json describes it";
            let text = rejection.body_text();
            let (key, problem) = text
                .split_once("query string: ")
                .and_then(|(_, text)| text.split_once(": "))
                .unwrap_or(("", &text));
            let place = if key.is_empty() { "the query".to_owned() } else { brief(key) };
            Problem::new(Code::Request, &place, plain(problem), next)
        })?;
        Ok(Self(query))
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let caller = match signed_in(shared, parts).await? {
            Some(person) => person.caller,
            None => shared.keys.caller(&parts.headers, shared.clock.now())?,
        };
        enter(shared, &caller)?;
        Ok(caller)
    }
}

/// Counts the request that is being answered among those of its caller.
pub(crate) fn enter(shared: &Shared, caller: &Caller) -> Result<(), Problem> {
    Held::current().map_or(Ok(()), |held| held.is_of(&caller.key))?;
    shared.shares.enter(&caller.key)
}
