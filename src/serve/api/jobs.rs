//! `/v1/jobs`: many tickets, decided when there is time.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_store::{JobFault, JobItem, NewJob, RefusedItem};
use firstline_ticket::customer_key;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::requests::{count, idempotency_key, missing};
use super::wire::{Decision, JobState, Ticket};
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::intake;
use crate::memory::{self, PAGE_MEMORY};
use crate::problem::Problem;
use crate::shared::Shared;

/// Items of a page.
const PAGE: usize = 1_000;

/// Tickets to be decided when there is time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    /// Tickets in canonical form; how many a job may have is a setting, 10,000 by default.
    #[schema(value_type = Vec<Ticket>, min_items = 1)]
    tickets: Vec<Value>,
    /// Whether first responses are drafted too.
    #[serde(default)]
    drafts: bool,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    pub(crate) id: String,
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

impl From<firstline_store::Job> for Job {
    fn from(job: firstline_store::Job) -> Self {
        let ended = job.done + job.failed;
        let share = if job.total > 0 { ended as f64 / job.total as f64 } else { 1.0 };
        let spent = job.updated_at.duration_since(job.created_at).as_secs_f64();
        let state = JobState::from(job.state);
        let left = (state == JobState::Running && ended > 0).then(|| spent * (1.0 - share) / share);
        Self {
            id: job.id,
            state,
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
pub(crate) struct JobResult {
    /// Its place, counted from 0.
    index: i64,
    /// Its decision, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JobError>,
}

/// What went wrong with an item of a job.
#[derive(Debug, Serialize, ToSchema)]
struct JobError {
    /// The code, `E_...`.
    #[schema(example = "E_TICKET_TEXT")]
    code: String,
    /// What is wrong, and what to do about it.
    message: String,
}

impl From<JobFault> for JobError {
    fn from(fault: JobFault) -> Self {
        let JobFault { code, message } = fault;
        Self { code, message }
    }
}

/// Items of a job, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobResults {
    items: Vec<JobResult>,
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
    post, path = "/v1/jobs", tag = "tickets", security(("key" = ["triage"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same job")),
    request_body = JobRequest,
    responses(
        (status = 202, description = "It is on record", body = Job),
    )
)]
pub(crate) async fn create_job(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<JobRequest>,
) -> Result<Response, Problem> {
    caller.may(Scope::Triage)?;
    count(request.tickets.len(), shared.settings.limits.job_tickets)?;
    let job = add(&shared, &caller, &headers, request.tickets, request.drafts).await?;
    let place = format!("/v1/jobs/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(job)).into_response())
}

/// Puts a job on record.
pub(super) async fn add(
    shared: &Arc<Shared>,
    caller: &Caller,
    headers: &HeaderMap,
    tickets: Vec<Value>,
    drafts: bool,
) -> Result<Job, Problem> {
    if shared.is_stopping() {
        return Err(Problem::overload("the service is stopping", 5));
    }
    let idempotency_key = idempotency_key(headers)?;
    let caller = caller.clone();
    let job = shared.blocking(move |shared| {
        let mut ids = HashSet::new();
        let item = |(i, value)| {
            let place = format!("tickets[{i}]");
            let customer = customer_of(&value, &caller);
            let ticket = intake::check(&place, value, &caller.customers);
            let once = |ticket: firstline_ticket::Ticket| match ids.insert(ticket.id.clone()) {
                true => Ok(ticket),
                false => Err(intake::twice(&place)),
            };
            ticket.and_then(once).map_err(|problem| refused(customer, &place, &problem))
        };
        let items = tickets.into_iter().enumerate().map(item).collect();
        let id = Uuid::now_v7().to_string();
        let job = NewJob {
            id,
            items,
            drafts,
            actor: caller.key,
            idempotency_key,
            most_waiting: shared.settings.limits.waiting_tickets,
        };
        let id = shared.store.add_job(&job, shared.clock.now())?;
        shared.store.job(&id)?.ok_or_else(|| Problem::internal("a job that was added is not there"))
    });
    let job = job.await?;
    shared.job_bell.ring();
    Ok(job.into())
}

/// Whose an item is, as far as can be read of one that may be no ticket. Another's customer is none of the caller's to name.
fn customer_of(value: &Value, caller: &Caller) -> Option<String> {
    let customer = customer_key(value.get("customer")?.as_str()?);
    caller.customers.has(&customer).then_some(customer)
}

/// An item that has failed from the start. What is said of it stays on record and may quote it: where nobody can tell whose it is,
/// it would outlive its customer, so it says no more than its code.
fn refused(customer: Option<String>, place: &str, problem: &Problem) -> RefusedItem {
    let mut fault = problem.fault();
    if customer.is_none() {
        fault.message =
            format!("{place}: it can't be read. Send it to /v1/triage by itself, which tells why");
    }
    RefusedItem { customer, fault }
}

/// The job, where the caller gave it, or may do all.
async fn own(shared: &Arc<Shared>, caller: &Caller, id: String) -> Result<firstline_store::Job, Problem> {
    caller.may(Scope::Triage)?;
    let job = shared.blocking(move |shared| Ok(shared.store.job(&id)?)).await?;
    let own = |job: &firstline_store::Job| {
        job.actor == caller.key || (!caller.is_held() && caller.may(Scope::Admin).is_ok())
    };
    job.filter(own).ok_or_else(|| missing("job"))
}

/// How a job stands.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "tickets", security(("key" = ["triage"])),
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = Job),
    )
)]
pub(crate) async fn get_job(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Job>, Problem> {
    Ok(Json(own(&shared, &caller, id).await?.into()))
}

/// Calls a job off: what is decided by then stays, the rest is not done.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "tickets", security(("key" = ["triage"])),
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job as it stands", body = Job),
    )
)]
pub(crate) async fn cancel_job(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Job>, Problem> {
    let job = own(&shared, &caller, id).await?;
    let job = shared
        .blocking(move |shared| Ok(shared.store.cancel_job(&job.id, &caller.key, shared.clock.now())?))
        .await?;
    Ok(Json(job.ok_or_else(|| missing("job"))?.into()))
}

/// The items of a job, page by page, decided or not.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/results", tag = "tickets", security(("key" = ["triage"])),
    params(("id" = String, Path, description = "The job's id"), Page),
    responses(
        (status = 200, description = "Items, in order", body = JobResults),
    )
)]
pub(crate) async fn get_job_results(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
    Params(page): Params<Page>,
) -> Result<Json<JobResults>, Problem> {
    let job = own(&shared, &caller, id).await?;
    let (from, limit) = (i64::from(page.from), page.limit.clamp(1, PAGE));
    memory::grow(PAGE_MEMORY)?;
    let items = shared.blocking(move |shared| Ok(shared.store.job_items(&job.id, from, limit)?)).await?;
    let end = from + items.len() as i64;
    let view = |item: JobItem| {
        // What was decided of a ticket that has left the caller's customers since is not for it any more.
        let (seen, gone) = match item.decision {
            Some(record) if !caller.sees(&record) => (None, Some(missing("ticket").fault())),
            decision => (decision, None),
        };
        let mut decision = seen.map(Decision::from);
        decision.iter_mut().for_each(|decision| decision.hide(&caller));
        JobResult { index: item.place, decision, error: item.fault.or(gone).map(Into::into) }
    };
    let next = (end < job.total && !items.is_empty()).then_some(end);
    Ok(Json(JobResults { items: items.into_iter().map(view).collect(), next }))
}
