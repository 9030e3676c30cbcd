//! `/v1/jobs`: many tickets, decided when there is time.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use firstline_store::{Job, JobFault, JobItem, JobState, NewJob};
use firstline_ticket::Ticket;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::triage::count;
use super::view::{DecisionView, TicketSchema};
use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::intake;
use crate::problem::Problem;

/// Longest idempotency key.
const MOST_KEY: usize = 128;
/// Items of a page.
const PAGE: usize = 1_000;

/// Tickets to be decided when there is time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    /// Tickets in canonical form; how many a job may have is a setting, 10,000 by default.
    #[schema(value_type = Vec<TicketSchema>, min_items = 1)]
    tickets: Vec<Value>,
    /// Whether first responses are drafted too.
    #[serde(default)]
    drafts: bool,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    pub(crate) id: String,
    /// `running`, `done`, `cancelled`.
    #[schema(value_type = String)]
    state: JobState,
    total: i64,
    /// Of them decided.
    done: i64,
    /// Of them failed.
    failed: i64,
    /// From 0 to 1.
    progress: f64,
    /// Seconds that are left, by how fast it went so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<f64>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let ended = job.done + job.failed;
        let share = if job.total > 0 { ended as f64 / job.total as f64 } else { 1.0 };
        let spent = job.updated_at.duration_since(job.created_at).as_secs_f64();
        let left = (job.state == JobState::Running && ended > 0).then(|| spent * (1.0 - share) / share);
        Self {
            id: job.id,
            state: job.state,
            total: job.total,
            done: job.done,
            failed: job.failed,
            progress: share,
            seconds_left: left,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// An item of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemView {
    /// Its place, counted from 0.
    index: i64,
    /// Its decision, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    /// What went wrong.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JobFault>,
}

/// Items of a job, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemsView {
    items: Vec<ItemView>,
    /// Where the next page begins; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// The first, counted from 0.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    from: u32,
    /// How many.
    #[serde(default = "page")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
}

fn page() -> usize {
    100
}

/// Takes a job in: once this is answered, its tickets are on record and are decided, whatever happens to the process.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "tickets", security(("key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same job")),
    request_body = JobRequest,
    responses(
        (status = 202, description = "It is on record", body = JobView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<JobRequest>,
) -> Result<Response, Problem> {
    caller.may(Scope::Triage)?;
    count(request.tickets.len(), app.settings.limits.job_tickets)?;
    let job = add(&app, &caller, &headers, request.tickets, request.drafts).await?;
    let place = format!("/v1/jobs/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(job)).into_response())
}

/// Puts a job on record.
pub(super) async fn add(
    app: &Arc<App>,
    caller: &Caller,
    headers: &HeaderMap,
    tickets: Vec<Value>,
    drafts: bool,
) -> Result<JobView, Problem> {
    if app.is_stopping() {
        return Err(Problem::overload("the service is stopping", 5));
    }
    let idempotency_key = idempotency_key(headers)?;
    let caller = caller.clone();
    let job = app.blocking(move |app| {
        let mut ids = HashSet::new();
        let item = |(i, value)| {
            let place = format!("tickets[{i}]");
            let ticket: Ticket = intake::check(&place, value, &caller)?;
            if ids.insert(ticket.id.clone()) { Ok(ticket) } else { Err(intake::twice(&place)) }
        };
        let items = tickets.into_iter().enumerate().map(item);
        let items =
            items.map(|item: Result<Ticket, Problem>| item.map_err(|problem| problem.fault())).collect();
        let id = Uuid::now_v7().to_string();
        let job = NewJob { id, items, drafts, actor: caller.key, idempotency_key };
        let id = app.store.add_job(&job, Timestamp::now())?;
        app.store.job(&id)?.ok_or_else(|| Problem::internal("a job that was added is not there"))
    });
    let job = job.await?;
    app.jobs.bell.ring();
    Ok(job.into())
}

/// The header `Idempotency-Key`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MOST_KEY).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let next = "Send 1 to 128 visible ASCII characters, the same for the same request";
        Problem::new(Code::Request, "Idempotency-Key", "no key that can be kept", next)
    })
}

/// The job, where the caller gave it, or may do all.
async fn own(app: &Arc<App>, caller: &Caller, id: String) -> Result<Job, Problem> {
    caller.may(Scope::Triage)?;
    let job = app.blocking(move |app| Ok(app.store.job(&id)?)).await?;
    let own = |job: &Job| job.actor == caller.key || (!caller.is_held() && caller.may(Scope::Admin).is_ok());
    job.filter(own).ok_or_else(|| missing("job"))
}

pub(super) fn missing(what: &str) -> Problem {
    let problem = format!("no such {what}, or not for this key");
    Problem::new(Code::NotFound, "the path", problem, "Check the id")
}

/// How a job stands.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "tickets", security(("key" = [])),
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = JobView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(own(&app, &caller, id).await?.into()))
}

/// Calls a job off: what is decided by then stays, the rest is not done.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "tickets", security(("key" = [])),
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job as it stands", body = JobView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<JobView>, Problem> {
    let job = own(&app, &caller, id).await?;
    let job =
        app.blocking(move |app| Ok(app.store.cancel_job(&job.id, &caller.key, Timestamp::now())?)).await?;
    Ok(Json(job.ok_or_else(|| missing("job"))?.into()))
}

/// The items of a job, page by page, decided or not.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/results", tag = "tickets", security(("key" = [])),
    params(("id" = String, Path, description = "The job's id"), Page),
    responses(
        (status = 200, description = "Items, in order", body = ItemsView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn results(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(page): Params<Page>,
) -> Result<Json<ItemsView>, Problem> {
    let job = own(&app, &caller, id).await?;
    let (from, limit) = (i64::from(page.from), page.limit.clamp(1, PAGE));
    let items = app.blocking(move |app| Ok(app.store.job_items(&job.id, from, limit)?)).await?;
    let end = from + items.len() as i64;
    let view = |item: JobItem| {
        let mut decision = item.decision.map(DecisionView::from);
        decision.iter_mut().for_each(|decision| decision.hide(&caller));
        ItemView { index: item.place, decision, error: item.fault }
    };
    let next = (end < job.total && !items.is_empty()).then_some(end);
    Ok(Json(ItemsView { items: items.into_iter().map(view).collect(), next }))
}
