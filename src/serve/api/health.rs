//! Whether the service lives, is ready, what it counts; the table of errors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, table};
use crate::shared::Shared;

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: HealthStatus,
}

/// What is well. `ok`: the process answers; `ready`: it can do its work.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    /// The process answers.
    Ok,
    /// It can do its work.
    Ready,
}

/// Lives: the process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: HealthStatus::Ok })
}

/// Ready: the store was written within the last second, a bundle is in service, and the service is not about to stop.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses(
        (status = 200, description = "It is ready", body = Health),
        (status = 503, description = "It is not", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(shared): State<Arc<Shared>>) -> Result<Json<Health>, Problem> {
    if shared.is_stopping() {
        return Err(
            Problem::overload("the service is stopping", 5).with_status(StatusCode::SERVICE_UNAVAILABLE)
        );
    }
    shared.blocking(|shared| Ok(shared.readiness.check(shared.store.as_ref())?)).await?;
    Ok(Json(Health { status: HealthStatus::Ready }))
}

/// Figures in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses((status = 200, description = "Figures", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let text = shared.metrics.text(&shared.live.load().id).map_err(Problem::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Every code that a problem can have, its status and what it means.
#[utoipa::path(get, path = "/errors", tag = "service", responses((status = 200, description = "The table", body = Vec<Problem>)))]
pub(crate) async fn errors() -> Json<Vec<Problem>> {
    Json(table())
}
