//! `/v1/incidents`: what a customer could see and that may have been wrong, and what people decide about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{Author, IncidentResult, NewIncident};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::requests::customers;
use super::wire::ItemFault;
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::problem::Problem;
use crate::rollout::{
    IncidentReport, IncidentRuling, IncidentState, IncidentView, decide_incident as decide,
};
use crate::shared::Shared;
use crate::wording;

/// Incidents of a call.
const MOST: usize = 256;
/// Incidents of a page.
const MOST_PAGE: usize = 100;

/// Incidents.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentsRequest {
    /// 1 to 256 of them.
    #[schema(min_items = 1, max_items = 256, value_type = Vec<IncidentReport>)]
    incidents: Vec<Value>,
}

/// What became of each incident.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentsResponse {
    /// Incidents that are on record now, and were not before.
    recorded: usize,
    /// What became of each, in order.
    results: Vec<IncidentOutcome>,
}

/// What became of an incident, or why it is not on record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum IncidentOutcome {
    /// It is on record.
    Recorded(IncidentOnRecord),
    /// It is not.
    Fault(ItemFault),
}

/// An incident that is on record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentOnRecord {
    /// Its id, by which it is decided.
    id: String,
    result: IncidentAdded,
}

/// How an incident came on record. `stored`: now; `known`: it was, and stands as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IncidentAdded {
    /// Now.
    Stored,
    /// It was.
    Known,
}

/// Reports incidents: replies that needed a correction or an apology, tickets closed that were not done, credits.
///
/// One is known by its ticket and `key`: the same again changes nothing. What a machine reports is suspected until a person decides;
/// after three business days without a decision it counts as an error. A bad one harms no other.
#[utoipa::path(
    post, path = "/v1/incidents", tag = "people", security(("key" = ["feedback"]), ("key" = ["review"])),
    request_body = IncidentsRequest,
    responses(
        (status = 200, description = "What became of each, in order", body = IncidentsResponse),
    )
)]
pub(crate) async fn send_incidents(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<IncidentsRequest>,
) -> Result<Json<IncidentsResponse>, Problem> {
    if caller.may(Scope::Review).is_err() {
        caller.may(Scope::Feedback)?;
    }
    if !(1..=MOST).contains(&request.incidents.len()) {
        let problem = format!("{} incidents", request.incidents.len());
        return Err(Problem::new(Code::Limit, "incidents", problem, "Send 1 to 256 at a time"));
    }
    Ok(Json(shared.blocking(move |shared| record(shared, &caller, request.incidents)).await?))
}

impl IncidentsResponse {
    /// What became of the only one that was sent.
    pub(crate) fn into_one(self) -> Result<(), Problem> {
        match self.results.into_iter().next() {
            Some(IncidentOutcome::Fault(fault)) => Err(fault.error),
            Some(IncidentOutcome::Recorded(_)) | None => Ok(()),
        }
    }
}

/// Puts incidents on record, each as far as it is one.
pub(crate) fn record(
    shared: &Shared,
    caller: &Caller,
    all: Vec<Value>,
) -> Result<IncidentsResponse, Problem> {
    let now = shared.clock.now();
    let read: Vec<Result<NewIncident, Problem>> =
        all.into_iter().enumerate().map(|(i, one)| read(&place(i), one, caller, now)).collect();
    let good: Vec<NewIncident> = read.iter().flatten().cloned().collect();
    let results = shared.store.add_incidents(&good, &caller.customers, now)?;
    shared.rollout_bell.ring();
    let recorded = results.iter().filter(|result| matches!(result, IncidentResult::Stored(_))).count();
    let mut results = results.into_iter();
    let outcome = |(index, one): (usize, Result<NewIncident, Problem>)| {
        let fault = |error| IncidentOutcome::Fault(ItemFault { index, error });
        let on_record = |id, result| IncidentOutcome::Recorded(IncidentOnRecord { id, result });
        let refused =
            |code, problem: &str, next: &str| fault(Problem::new(code, &place(index), problem, next));
        match one.map(|_| results.next()) {
            Ok(Some(IncidentResult::Stored(id))) => on_record(id, IncidentAdded::Stored),
            Ok(Some(IncidentResult::Known(id))) => on_record(id, IncidentAdded::Known),
            Ok(Some(IncidentResult::Other(id))) => {
                let problem =
                    format!("incident {id} of this ticket has the key, and another time, kind or action");
                let next = "Send a key of its own, or decide that one: POST /v1/incidents/{id}";
                refused(Code::Conflict, &problem, next)
            }
            Ok(Some(IncidentResult::Ambiguous)) => {
                let problem = "several customers have a ticket of this id";
                refused(Code::Conflict, problem, "Send its customer, or the decision_id that triage gave")
            }
            Ok(Some(IncidentResult::Unknown) | None) => {
                let problem = "no such ticket, decision or action of that ticket, or it is not for this key";
                refused(Code::NotFound, problem, "Send the ids that triage and the outbox gave")
            }
            Err(error) => fault(error),
        }
    };
    let results = read.into_iter().enumerate().map(outcome).collect();
    Ok(IncidentsResponse { recorded, results })
}

fn place(index: usize) -> String {
    format!("incidents[{index}]")
}

/// One incident, checked by itself.
fn read(place: &str, one: Value, caller: &Caller, now: Timestamp) -> Result<NewIncident, Problem> {
    let fault =
        |problem: &str| Problem::new(Code::Request, place, problem, "Send it as /openapi.json describes it");
    if !one.is_object() {
        return Err(fault("it is no object"));
    }
    let report: IncidentReport = wording::read(one).map_err(|misfit| match misfit.key.is_empty() {
        true => fault(&misfit.problem),
        false => fault(&format!("{}: {}", wording::brief(&misfit.key), misfit.problem)),
    })?;
    let may_confirm = caller.person.is_some() && caller.may(Scope::Manage).is_ok();
    Ok(report.checked(place, &author(caller), may_confirm, now)?)
}

/// Who the record names: the person, or the machine's key.
fn author(caller: &Caller) -> Author {
    let person = caller.person.clone().unwrap_or_else(|| format!("key {}", caller.key));
    Author { person, actor: caller.key.clone() }
}

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Those that stand so; all by default.
    state: Option<IncidentState>,
    /// Of one customer.
    customer: Option<String>,
    /// Those before this one: `next` of the page before.
    before: Option<String>,
    /// How many at most.
    #[serde(default = "most")]
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: usize,
}

fn most() -> usize {
    MOST_PAGE
}

/// A page of incidents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    incidents: Vec<IncidentView>,
    /// What `before` is for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Incidents on record, those that were entered last first.
#[utoipa::path(
    get, path = "/v1/incidents", tag = "people", security(("key" = ["review"])), params(Which),
    responses(
        (status = 200, description = "Incidents", body = IncidentPage),
    )
)]
pub(crate) async fn list_incidents(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<IncidentPage>, Problem> {
    caller.may(Scope::Review)?;
    let customers = customers(&caller, which.customer.as_deref())?;
    let limit = which.limit.clamp(1, MOST_PAGE);
    let page = shared.blocking(move |shared| {
        let state = which.state.map(Into::into);
        Ok(shared.store.incident_list(state, &customers, which.before.as_deref(), limit)?)
    });
    let page = page.await?;
    let next = page.more.then(|| page.items.last().map(|last| last.id.clone())).flatten();
    Ok(Json(IncidentPage { incidents: page.items.into_iter().map(Into::into).collect(), next }))
}

/// Decides an incident, or decides it again: a person confirms the error or dismisses it, with a reason.
#[utoipa::path(
    post, path = "/v1/incidents/{id}", tag = "people", security(("key" = ["manage"])),
    params(("id" = String, Path, description = "The incident's id")),
    request_body = IncidentRuling,
    responses(
        (status = 200, description = "The incident as it stands now", body = IncidentView),
    )
)]
pub(crate) async fn decide_incident(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
    Body(ruling): Body<IncidentRuling>,
) -> Result<Json<IncidentView>, Problem> {
    caller.may(Scope::Manage)?;
    caller.person()?;
    Ok(Json(shared.blocking(move |shared| rule(shared, &caller, &id, &ruling)).await?))
}

/// Decides an incident; what may follow from it is looked at right away.
pub(crate) fn rule(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    ruling: &IncidentRuling,
) -> Result<IncidentView, Problem> {
    let by = caller.person()?.author();
    let decided = decide(shared.store.as_ref(), id, ruling, (&by, &caller.customers), shared.clock.now())?;
    shared.rollout_bell.ring();
    Ok(decided)
}
