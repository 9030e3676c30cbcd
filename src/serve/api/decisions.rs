//! `GET /v1/decisions/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::requests::{etag, missing, shown};
use super::wire::Decision;
use crate::auth::{Caller, Scope};
use crate::extract::Id;
use crate::problem::Problem;
use crate::shared::Shared;

/// A decision, its draft and what became of them.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "tickets", security(("key" = ["triage"]), ("key" = ["review"])),
    params(("id" = String, Path, description = "The decision's id")),
    responses(
        (status = 200, description = "The decision; its ETag is the draft's version", body = Decision),
        (status = 409, description = "It belongs to the blind sample, and its ticket is open", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_decision(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    caller.may(Scope::Triage).or_else(|_| caller.may(Scope::Review))?;
    let record = shared.blocking(move |shared| Ok(shared.store.decision(&id)?)).await?;
    let record = record.filter(|record| caller.sees(record)).ok_or_else(|| missing("decision"))?;
    let record = shown(record)?;
    let tag = etag(record.version)?;
    let mut view = Decision::from(record);
    view.hide(&caller);
    Ok(([(header::ETAG, tag)], Json(view)).into_response())
}
