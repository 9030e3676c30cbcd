//! Whether the service lives, is ready, what it counts; the table of errors; putting another bundle in service.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::problem::{Problem, table};

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    status: &'static str,
}

/// Lives: the process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, description = "It lives", body = HealthView)))]
pub(crate) async fn healthz() -> Json<HealthView> {
    Json(HealthView { status: "ok" })
}

/// Ready: the store answers, a bundle is in service, and the service is not about to stop.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses(
        (status = 200, description = "It is ready", body = HealthView),
        (status = 503, description = "It is not", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<HealthView>, Problem> {
    if app.is_stopping() {
        return Err(
            Problem::overload("the service is stopping", 5).with_status(StatusCode::SERVICE_UNAVAILABLE)
        );
    }
    app.blocking(|app| Ok(app.store.ping()?)).await?;
    Ok(Json(HealthView { status: "ready" }))
}

/// Figures in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses((status = 200, description = "Figures", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = app.metrics.text(&app.desk.load().id).map_err(Problem::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Every code that a problem can have, its status and what it means.
#[utoipa::path(get, path = "/errors", tag = "service", responses((status = 200, description = "The table", body = Vec<Problem>)))]
pub(crate) async fn errors() -> Json<Vec<Problem>> {
    Json(table())
}

/// A bundle to be put in service.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReloadRequest {
    /// The name of a folder beside the one in service; without it, that one is read anew.
    #[serde(default)]
    bundle: Option<String>,
}

/// The bundle in service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReloadResponse {
    bundle: String,
}

/// Reads the bundle anew, or another one, and puts it in service without dropping a request.
#[utoipa::path(
    post, path = "/v1/bundle", tag = "service", security(("key" = [])),
    request_body = ReloadRequest,
    responses(
        (status = 200, description = "It is in service", body = ReloadResponse),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It can't be used; the one before stays", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<ReloadRequest>,
) -> Result<Json<ReloadResponse>, Problem> {
    caller.may(Scope::Admin)?;
    let folder = request.bundle.map(|name| beside(&app, &name)).transpose()?;
    let bundle = app.blocking(move |app| {
        let swapped = app.swap(folder);
        Ok(swapped.inspect_err(|error| tracing::error!(%error, "a bundle was not put in service"))?)
    });
    Ok(Json(ReloadResponse { bundle: bundle.await? }))
}

/// A folder beside the bundle in service: no key may make the service read elsewhere.
fn beside(app: &App, name: &str) -> Result<PathBuf, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        let next = "Name a folder that lies beside the bundle in service";
        return Err(Problem::new(Code::Request, "bundle", "no plain name", next));
    }
    let folder = app.desk.load().folder.with_file_name(name);
    if !folder.join("bundle.json").is_file() {
        let next = "Name a folder that lies beside the bundle in service";
        return Err(Problem::new(Code::NotFound, "bundle", "there is no such bundle", next));
    }
    Ok(folder)
}
