//! How a request is read: its caller, its JSON body, its query. What can't be read is a problem of the documented form.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use firstline_fault::Code;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::shared::Shared;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Bytes of a body that is parsed at once; what is longer does not keep a thread from answering others meanwhile.
const AT_ONCE: usize = 32 << 10;

/// A JSON body. Its media type is not looked at.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let read = tokio::time::timeout(BODY_TIME, Bytes::from_request(request, shared));
        let late = |_| Problem::new(Code::Request, "the body", "it did not come in time", "Send it at once");
        let bytes = read.await.map_err(late)?.map_err(|rejection| {
            let most = shared.settings.limits.body_bytes;
            match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => too_long(most),
                _ => Problem::new(Code::Request, "the body", rejection.body_text(), "Send it whole"),
            }
        })?;
        match bytes.len() {
            ..=AT_ONCE => parse(&bytes).map(Body),
            _ => {
                // A key that will be refused anyway does not have long bodies read.
                let full = shared.shares.key().and_then(|key| shared.queue.is_full_for(&key));
                match full {
                    Some(seconds) => Err(Problem::overload("this key", seconds)),
                    None => shared.blocking(move |_| parse(&bytes).map(Body)).await,
                }
            }
        }
    }
}

fn too_long(most: usize) -> Problem {
    let problem = format!("it is longer than {most} bytes");
    Problem::new(Code::Limit, "the body", problem, "Send fewer tickets at a time, without attachments")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| {
        Problem::new(Code::Request, "the body", e.to_string(), "Send JSON as /openapi.json describes it")
    })
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
            Problem::new(Code::Request, "the query", rejection.body_text(), next)
        })?;
        Ok(Self(query))
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let caller = shared.keys.caller(&parts.headers, Timestamp::now()).await?;
        shared.shares.enter(&caller.key)?;
        Ok(caller)
    }
}
