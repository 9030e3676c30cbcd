//! `POST /v1/triage`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::jobs;
use super::requests::count;
use super::wire::{Decision, DraftState, ItemFault, Reading, Ticket};
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Params};
use crate::intake::{self, Wanted};
use crate::item::KEPT_LABELS;
use crate::problem::Problem;
use crate::settings::Limits;
use crate::shared::Shared;

/// How often a draft is looked for that another process writes.
const LOOK: Duration = Duration::from_millis(250);

/// How a call is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// With the decisions.
    #[default]
    Sync,
    /// At once, with a job to ask for them.
    Async,
}

/// Tickets to be decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriageRequest {
    /// 1 to 256 tickets in canonical form. A bad one gets an error in its place, and harms no other.
    #[schema(value_type = Vec<Ticket>, min_items = 1, max_items = 256)]
    tickets: Vec<Value>,
    /// Whether first responses are drafted too. A draft that is not ready within the service's patience is `writing`: ask for it
    /// with `GET /v1/decisions/{id}`.
    #[serde(default)]
    drafts: bool,
    /// Labels given a field: the decision and its alternatives.
    #[serde(default = "top")]
    #[schema(minimum = 1, maximum = 5, default = 3)]
    top: usize,
    /// Whether the middle of a text that is too long for the encoder may be left out of its embedding; `tokens_cut` says how
    /// much. Otherwise such a ticket is refused.
    #[serde(default = "yes")]
    #[schema(default = true)]
    truncate: bool,
    #[serde(default)]
    mode: Mode,
    /// Milliseconds within which a decision is of use; the service has a bound of its own.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 600_000)]
    deadline_ms: Option<u64>,
    /// Whether each decision says what the model reads of its ticket, and what was cut and why.
    #[serde(default)]
    explain: bool,
}

/// What the address may say of a call.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TriageQuery {
    /// The same as `explain` in the body.
    #[serde(default)]
    #[param(required = false)]
    explain: bool,
}

impl TriageRequest {
    /// Whether all of it goes together; the tickets are checked one by one.
    fn check(&self, limits: &Limits) -> Result<(), Problem> {
        let fault =
            |place: &str, problem: &str, next: &str| Err(Problem::new(Code::Request, place, problem, next));
        count(self.tickets.len(), limits.batch_tickets)?;
        if !(1..=KEPT_LABELS).contains(&self.top) {
            return fault("top", "out of its range", "Give 1 to 5");
        }
        if self.mode == Mode::Async && (!self.truncate || self.deadline_ms.is_some()) {
            let next = "Leave them out, or use mode sync";
            return fault("truncate, deadline_ms", "they do not go with mode async", next);
        }
        if self.mode == Mode::Async && self.explain {
            return fault("explain", "it does not go with mode async", "Leave it out, or use mode sync");
        }
        if self.deadline_ms.is_some_and(|ms| !(1..=600_000).contains(&ms)) {
            return fault("deadline_ms", "out of its range", "Give 1 to 600000");
        }
        Ok(())
    }
}

fn top() -> usize {
    3
}

fn yes() -> bool {
    true
}

/// Decisions, in the order of the tickets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriageResponse {
    results: Vec<TriageResult>,
}

/// A decision, or what is wrong with the ticket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TriageResult {
    /// It was decided.
    Decision(Box<Decision>),
    /// It was not.
    Fault(ItemFault),
}

/// Decides tickets, and drafts first responses where they are asked for.
///
/// A decision is on record before it is answered. The same ticket again gets the decision that it has (`repeated`); a ticket that
/// has changed is decided anew, with hysteresis, and never against what a person has set.
#[utoipa::path(
    post, path = "/v1/triage", tag = "tickets", security(("key" = ["triage"])),
    params(TriageQuery, ("Idempotency-Key" = Option<String>, Header, description = "With mode async: the same key again is the same job")),
    request_body = TriageRequest,
    responses(
        (status = 200, description = "Decisions, in order", body = TriageResponse),
        (status = 202, description = "The tickets are on record and will be decided", body = jobs::Job),
    )
)]
pub(crate) async fn triage(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Params(query): Params<TriageQuery>,
    Body(mut request): Body<TriageRequest>,
) -> Result<Response, Problem> {
    caller.may(Scope::Triage)?;
    request.explain |= query.explain;
    let limits = &shared.settings.limits;
    request.check(limits)?;
    if request.mode == Mode::Async {
        let job = jobs::add(&shared, &caller, &headers, request.tickets, request.drafts).await?;
        let place = format!("/v1/jobs/{}", job.id);
        return Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(job)).into_response());
    }
    let deadline = limits.deadline_ms.min(request.deadline_ms.unwrap_or(u64::MAX));
    let wanted = Wanted {
        drafts: request.drafts,
        truncate: request.truncate,
        deadline: Duration::from_millis(deadline),
    };
    let explained = if request.explain { request.tickets.clone() } else { Vec::new() };
    let answers = intake::triage(&shared, &caller, request.tickets, wanted).await?;
    let mut results = Vec::with_capacity(answers.len());
    for (index, answer) in answers.into_iter().enumerate() {
        results.push(match answer {
            Ok(answer) => TriageResult::Decision(Box::new(answer.into())),
            Err(error) => TriageResult::Fault(ItemFault { index, error }),
        });
    }
    if request.drafts {
        add_drafts(&shared, &mut results).await?;
    }
    if request.explain {
        add_readings(&shared, explained, &mut results).await?;
    }
    for result in &mut results {
        if let TriageResult::Decision(view) = result {
            view.cut(request.top);
            view.hide(&caller);
        }
    }
    // Where all went wrong in one way that is the service's, the call did.
    // A deadline that the caller set is no fault of the service's.
    let failed = all_failed(&results);
    match failed.filter(|problem| request.deadline_ms.is_none() || problem.code != Code::Deadline.as_str()) {
        Some(problem) => Err(problem),
        None => Ok(Json(TriageResponse { results }).into_response()),
    }
}

fn all_failed(results: &[TriageResult]) -> Option<Problem> {
    let problem = |result: &TriageResult| match result {
        TriageResult::Fault(ItemFault { error, .. }) if error.status >= 429 => Some(error.clone()),
        _ => None,
    };
    let first = problem(results.first()?)?;
    results.iter().all(|result| problem(result).is_some_and(|p| p.code == first.code)).then_some(first)
}

/// Adds to each decision how its ticket is read.
async fn add_readings(
    shared: &Arc<Shared>,
    tickets: Vec<Value>,
    results: &mut [TriageResult],
) -> Result<(), Problem> {
    let live = shared.live.load_full();
    let explain = move |ticket| live.engine.reader().explain(&ticket).into();
    let read = move |ticket: Value| serde_json::from_value(ticket).ok().map(&explain);
    let readings: Vec<Option<Reading>> =
        shared.blocking(move |_| Ok(tickets.into_iter().map(read).collect())).await?;
    for (result, reading) in results.iter_mut().zip(readings) {
        if let TriageResult::Decision(view) = result {
            view.reading = reading;
        }
    }
    Ok(())
}

/// Waits for the drafts of `results`, as long as the service has patience.
async fn add_drafts(shared: &Arc<Shared>, results: &mut [TriageResult]) -> Result<(), Problem> {
    // Who waits holds a place among the requests: too many of them would keep others out.
    let (Some(_share), Ok(_waits)) = (shared.shares.wait(), shared.waiting_calls.try_acquire()) else {
        return Ok(());
    };
    let end = Instant::now() + Duration::from_millis(shared.settings.limits.draft_wait_ms);
    for result in results {
        let TriageResult::Decision(view) = result else { continue };
        if view.draft_state == DraftState::None {
            continue;
        }
        loop {
            let ready = shared.draft_waiters.wait_for(&view.decision_id);
            let id = view.decision_id.clone();
            // What has moved to another customer since is no longer for whoever asked.
            let record = shared.blocking(move |shared| Ok(shared.store.decision(&id)?)).await?;
            let Some(record) = record.filter(|record| !record.moved) else { break };
            let repeated = view.repeated;
            **view = Decision::from(record);
            view.repeated = repeated;
            let left = end.saturating_duration_since(Instant::now());
            if view.draft_state != DraftState::Writing || left.is_zero() || shared.is_stopping() {
                break;
            }
            let _rung_or_not = tokio::time::timeout(left.min(LOOK), ready).await;
        }
    }
    Ok(())
}
