//! `/v1/outbox`: what people approved, to be done in the PSA by whoever is connected to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{Action, ActionClaim, ActionKind, ActionState};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::missing;
use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::problem::Problem;

/// Actions of a call.
const MOST: usize = 100;
/// How often an action is claimed before a person has to look.
const ATTEMPTS: i64 = 10;
/// Seconds before a failed action is tried again.
const PAUSE: i64 = 30;

/// An action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionView {
    id: i64,
    /// `reply`: send `payload.text`; `set_fields`: set the labels of `payload.fields`.
    #[schema(value_type = String)]
    kind: ActionKind,
    ticket_id: String,
    decision_id: String,
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    /// Always the same for this action, never for another: before doing it again, ask the PSA whether it has it.
    idempotency_key: String,
    /// `waiting`, `claimed`, `done`, `failed`.
    #[schema(value_type = String)]
    state: ActionState,
    /// How often it was claimed. Above 1 it may have been done.
    attempts: i64,
    /// Until when the claim holds.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        Self {
            id: action.id,
            kind: action.kind,
            ticket_id: action.ticket_id,
            decision_id: action.decision_id,
            payload: action.payload,
            idempotency_key: action.idempotency_key,
            state: action.state,
            attempts: action.attempts,
            lease_until: action.lease_until,
            error: action.fault,
        }
    }
}

/// Actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionsView {
    actions: Vec<ActionView>,
}

impl From<Vec<Action>> for ActionsView {
    fn from(actions: Vec<Action>) -> Self {
        Self { actions: actions.into_iter().map(Into::into).collect() }
    }
}

/// A claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// Who claims, such as a host and a process: the same name settles what it claimed.
    #[schema(min_length = 1, max_length = 128)]
    owner: String,
    /// How many at most.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
    /// How long the claim holds.
    #[serde(default = "minute")]
    #[schema(minimum = 1, maximum = 3600, default = 60)]
    lease_seconds: u32,
}

fn ten() -> usize {
    10
}

fn minute() -> u32 {
    60
}

/// What became of an action.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettleRequest {
    /// Who claimed it.
    #[schema(min_length = 1, max_length = 128)]
    owner: String,
    /// Why it could not be done; without it, it was done.
    #[serde(default)]
    error: Option<String>,
}

/// Whether it is on record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettledView {
    settled: bool,
}

/// Which, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Many {
    /// `waiting`, `claimed`, `done`, `failed`; all by default.
    #[param(value_type = Option<String>)]
    state: Option<ActionState>,
    /// How many at most.
    #[serde(default = "ten")]
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
}

/// Actions in the outbox, the newest first.
#[utoipa::path(
    get, path = "/v1/outbox", tag = "outbox", security(("key" = [])), params(Many),
    responses(
        (status = 200, description = "Actions", body = ActionsView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(many): Params<Many>,
) -> Result<Json<ActionsView>, Problem> {
    caller.may(Scope::Act)?;
    let limit = many.limit.clamp(1, MOST);
    let actions =
        app.blocking(move |app| Ok(app.store.actions(many.state, &caller.customers, limit)?)).await?;
    Ok(Json(actions.into()))
}

/// Claims actions, oldest first and one of a ticket at a time: nobody else gets them while the claim holds.
#[utoipa::path(
    post, path = "/v1/outbox/claim", tag = "outbox", security(("key" = [])),
    request_body = ClaimRequest,
    responses(
        (status = 200, description = "What was claimed", body = ActionsView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ActionsView>, Problem> {
    caller.may(Scope::Act)?;
    let owner = owner(&caller, &request.owner)?;
    if !(1..=MOST).contains(&request.limit) || !(1..=3_600).contains(&request.lease_seconds) {
        let next = "Give a limit of 1 to 100 and a lease of 1 to 3600 seconds";
        return Err(Problem::new(Code::Request, "limit, lease_seconds", "out of their range", next));
    }
    let now = Timestamp::now();
    let until = now.checked_add(i64::from(request.lease_seconds).seconds()).map_err(Problem::internal)?;
    let actions = app.blocking(move |app| {
        let (owner, customers, limit) = (owner.as_str(), &caller.customers, request.limit);
        let claim = ActionClaim { owner, customers, limit, most: ATTEMPTS, now, until };
        Ok(app.store.claim_actions(&claim)?)
    });
    Ok(Json(actions.await?.into()))
}

/// Says that a claimed action was done, or why it could not be. Saying so again changes nothing.
#[utoipa::path(
    post, path = "/v1/outbox/{id}", tag = "outbox", security(("key" = [])),
    params(("id" = i64, Path, description = "The action's id")),
    request_body = SettleRequest,
    responses(
        (status = 200, description = "It is on record", body = SettledView),
        (status = 409, description = "The claim no longer holds", body = Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn settle(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<SettleRequest>,
) -> Result<Json<SettledView>, Problem> {
    caller.may(Scope::Act)?;
    let id: i64 = id.parse().map_err(|_| missing("action"))?;
    let owner = owner(&caller, &request.owner)?;
    let settled = app.blocking(move |app| {
        let now = Timestamp::now();
        let retry = now.checked_add(PAUSE.seconds()).map_err(Problem::internal)?;
        let error = request.error.as_deref().map(|error| error.chars().take(500).collect::<String>());
        let failed = error.as_deref().map(|error| (error, retry));
        Ok(app.store.settle_action(id, &owner, &caller.customers, failed, now)?)
    });
    match settled.await? {
        true => Ok(Json(SettledView { settled: true })),
        false => {
            let problem = "the claim is not, or no longer, this owner's";
            Err(Problem::new(
                Code::Conflict,
                "the action",
                problem,
                "Claim it again, and ask the PSA whether it was done",
            ))
        }
    }
}

/// A claim's owner, apart from those of other keys.
fn owner(caller: &Caller, name: &str) -> Result<String, Problem> {
    if name.trim().is_empty() || name.len() > 128 {
        return Err(Problem::new(
            Code::Request,
            "owner",
            "empty, or longer than 128 bytes",
            "Name who claims",
        ));
    }
    Ok(format!("{}/{}", caller.key, name.trim()))
}
