//! `/v1/outbox`: what people approved, to be done in the PSA by the process that is connected to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{ActionClaim, ActionKind, ActionReport, Holder, Paged, Settlement};
use firstline_ticket::{Phase, mark_own_note};
use jiff::{Timestamp, ToSpan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::requests::missing;
use super::wire::{ActionOrigin, ActionState, FieldName};
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::memory::{self, PAGE_MEMORY};
use crate::problem::Problem;
use crate::rollout::installation_phase;
use crate::shared::Shared;

/// Longest answer of an automation, in bytes.
const MOST_RESULT: usize = 64 << 10;
/// Actions of a call.
const MOST: usize = 100;
/// How often one key claims an action before a person has to look.
const ATTEMPTS: i64 = 10;
/// Seconds before an action that failed for the first time is tried again; each time after twice as long, up to an hour. So ten attempts
/// outlast a PSA that is down for an afternoon.
const PAUSE: i64 = 30;
const LONGEST_PAUSE: i64 = 3_600;

/// An action, of the kind that `kind` says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "kind", mapping(
    ("reply" = "#/components/schemas/ReplyAction"),
    ("set_fields" = "#/components/schemas/SetFieldsAction"),
    ("close" = "#/components/schemas/CloseAction"),
    ("reopen" = "#/components/schemas/ReopenAction"),
    ("run" = "#/components/schemas/RunAction"),
)))]
pub(crate) enum Action {
    /// Send a reply to the customer.
    Reply(ReplyAction),
    /// Set fields of the ticket.
    SetFields(SetFieldsAction),
    /// Close the ticket.
    Close(CloseAction),
    /// Open the ticket again.
    Reopen(ReopenAction),
    /// Have an automation run.
    Run(RunAction),
}

/// Sends a reply to the customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplyAction {
    kind: ReplyKind,
    /// What is sent; null once its words are deleted for their age, and when the action is void.
    payload: Option<Reply>,
    #[serde(flatten)]
    about: ActionHead,
}

/// Sets fields of the ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetFieldsAction {
    kind: SetFieldsKind,
    /// What is set; null once it is deleted for its age, and when the action is void.
    payload: Option<SetFields>,
    #[serde(flatten)]
    about: ActionHead,
}

/// Closes a ticket, since its customer has confirmed that it is done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CloseAction {
    kind: CloseKind,
    /// How it is closed; null once it is deleted for its age, and when the action is void.
    payload: Option<Turn>,
    #[serde(flatten)]
    about: ActionHead,
}

/// Opens a ticket again, since its customer says that it is not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReopenAction {
    kind: ReopenKind,
    /// How it is opened; null once it is deleted for its age, and when the action is void.
    payload: Option<Turn>,
    #[serde(flatten)]
    about: ActionHead,
}

/// Has the desk's own automation run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAction {
    kind: RunKind,
    /// What the automation is given; null once it is deleted for its age, and when the action is void.
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>, additional_properties)]
    payload: Option<serde_json::Value>,
    /// What the automation answered.
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>, additional_properties)]
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<serde_json::Value>,
    #[serde(flatten)]
    about: ActionHead,
}

/// The kind of a reply.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReplyKind {
    /// A reply.
    Reply,
}

/// The kind of labels that are set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SetFieldsKind {
    /// Labels.
    SetFields,
}

/// The kind of what closes a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CloseKind {
    /// A ticket is closed.
    Close,
}

/// The kind of what opens a ticket again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReopenKind {
    /// A ticket is opened again.
    Reopen,
}

/// The kind of what an automation does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RunKind {
    /// An automation runs.
    Run,
}

/// What actions of every kind have.
#[derive(Debug, Serialize, ToSchema)]
struct ActionHead {
    id: i64,
    ticket_id: String,
    /// Whose the ticket was when this was approved, in lower case: where the PSA says otherwise by now, don't do it.
    customer: String,
    decision_id: String,
    /// Always the same for this action, never for another: before doing it again, ask the PSA whether it has it.
    idempotency_key: String,
    state: ActionState,
    /// On whose word it is done.
    origin: ActionOrigin,
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

/// Since when nothing may have happened in a ticket, where nobody has approved what is done to it. Look in the PSA right before it is done.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Quiet {
    /// Since when neither the desk nor the customer may have done anything: where they have, return the action.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<Timestamp>,
    /// Since when no technician may have.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untouched_since: Option<Timestamp>,
}

/// A reply.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reply {
    /// What is sent. Its last line is a mark, such as `[ref FL-42-9f3a2b1c-17]`, by which it is known when it comes back with a ticket:
    /// send it as it is.
    text: String,
    /// Its language, ISO 639-1.
    language: Option<String>,
    #[serde(flatten)]
    quiet: Quiet,
}

/// Labels.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SetFields {
    /// The label of each field that is set.
    fields: BTreeMap<FieldName, String>,
    #[serde(flatten)]
    quiet: Quiet,
}

/// How a ticket is closed, or opened again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Turn {
    /// The status that it gets, by the PSA's name; else the one of the connector's settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Whom it is assigned to where nobody owns it; only where it is opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    technician: Option<String>,
    #[serde(flatten)]
    quiet: Quiet,
}

impl TryFrom<firstline_store::Action> for Action {
    type Error = Problem;

    fn try_from(action: firstline_store::Action) -> Result<Self, Problem> {
        let about = ActionHead {
            id: action.id,
            ticket_id: action.ticket_id,
            customer: action.customer,
            decision_id: action.decision_id,
            idempotency_key: action.idempotency_key,
            state: action.state.into(),
            origin: action.origin.into(),
            attempts: action.attempts,
            lease_until: action.lease_until,
            error: action.fault,
        };
        let payload = action.payload;
        Ok(match action.kind {
            ActionKind::Reply => {
                let reply: Option<Reply> = read(payload)?;
                let payload =
                    reply.map(|reply| Reply { text: mark_own_note(&reply.text, about.id), ..reply });
                Self::Reply(ReplyAction { kind: ReplyKind::Reply, payload, about })
            }
            ActionKind::SetFields => {
                let kind = SetFieldsKind::SetFields;
                Self::SetFields(SetFieldsAction { kind, payload: read(payload)?, about })
            }
            ActionKind::Close => {
                Self::Close(CloseAction { kind: CloseKind::Close, payload: read(payload)?, about })
            }
            ActionKind::Reopen => {
                Self::Reopen(ReopenAction { kind: ReopenKind::Reopen, payload: read(payload)?, about })
            }
            ActionKind::Run => {
                let (kind, payload) = (RunKind::Run, Some(payload).filter(|payload| !payload.is_null()));
                Self::Run(RunAction { kind, payload, result: action.result, about })
            }
        })
    }
}

/// What the store has of an action, in the form of its kind.
fn read<P: DeserializeOwned>(payload: serde_json::Value) -> Result<P, Problem> {
    serde_json::from_value(payload).map_err(Problem::internal)
}

/// Actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionList {
    actions: Vec<Action>,
}

/// A page of actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionPage {
    actions: Vec<Action>,
    /// What `before` is for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

impl TryFrom<Vec<firstline_store::Action>> for ActionList {
    type Error = Problem;

    fn try_from(actions: Vec<firstline_store::Action>) -> Result<Self, Problem> {
        Ok(Self { actions: actions.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()? })
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
    /// Why it could not be done: it is tried again. Without this and `returned`, it was done.
    #[serde(default)]
    error: Option<String>,
    /// Why it must not be done: a person has changed the ticket meanwhile. It is held back for a person, and void after a day.
    #[serde(default)]
    returned: Option<String>,
    /// The PSA's id of what came of it, such as a note's.
    #[serde(default)]
    #[schema(max_length = 256)]
    psa_ref: Option<String>,
    /// What an automation answered, at most 64 KiB as JSON.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>, additional_properties)]
    result: Option<serde_json::Value>,
}

/// Whether it is on record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Settled {
    settled: bool,
}

/// Which, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Many {
    /// All by default.
    state: Option<ActionState>,
    /// Only those before the action of this id.
    before: Option<i64>,
    /// How many at most; a page may end before that, by its length.
    #[serde(default = "ten")]
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: usize,
}

/// Actions in the outbox, the newest first.
#[utoipa::path(
    get, path = "/v1/outbox", tag = "outbox", security(("key" = ["act"])), params(Many),
    responses(
        (status = 200, description = "Actions", body = ActionPage),
    )
)]
pub(crate) async fn list_actions(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(many): Params<Many>,
) -> Result<Json<ActionPage>, Problem> {
    caller.may(Scope::Act)?;
    let (state, limit) = (many.state.map(Into::into), many.limit.clamp(1, MOST));
    memory::grow(PAGE_MEMORY)?;
    let page = shared
        .blocking(move |shared| Ok(shared.store.actions(state, &caller.customers, many.before, limit)?));
    let Paged { items, more } = page.await?;
    let next = items.last().filter(|_| more).map(|action| action.id);
    Ok(Json(ActionPage { actions: ActionList::try_from(items)?.actions, next }))
}

/// Claims actions, oldest first and one of a ticket at a time: nobody else gets them while the claim holds.
///
/// In shadow there is nothing to claim.
#[utoipa::path(
    post, path = "/v1/outbox/claim", tag = "outbox", security(("key" = ["act"])),
    request_body = ClaimRequest,
    responses(
        (status = 200, description = "What was claimed", body = ActionList),
    )
)]
pub(crate) async fn claim_actions(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ActionList>, Problem> {
    caller.may(Scope::Act)?;
    let owner = owner(&caller, &request.owner)?;
    if !(1..=MOST).contains(&request.limit) || !(1..=3_600).contains(&request.lease_seconds) {
        let next = "Give a limit of 1 to 100 and a lease of 1 to 3600 seconds";
        return Err(Problem::new(Code::Request, "limit, lease_seconds", "out of their range", next));
    }
    let now = shared.clock.now();
    let until = now.checked_add(i64::from(request.lease_seconds).seconds()).map_err(Problem::internal)?;
    let actions = shared.blocking(move |shared| {
        let holder = holder(&caller, &owner);
        // In shadow nothing is done, whatever lies in the outbox.
        if installation_phase(shared.store.as_ref(), shared.settings.phase)? < Phase::Assist {
            return Ok(Vec::new());
        }
        let live = shared.live.load();
        let alone = (shared.settings.phase >= Phase::Autonomous).then_some(live.id.as_str());
        let claim = ActionClaim { holder, limit: request.limit, most: ATTEMPTS, now, until, alone };
        Ok(shared.store.claim_actions(&claim)?)
    });
    Ok(Json(actions.await?.try_into()?))
}

/// Says that a claimed action was done, or why it could not be, or must not. Saying so again changes nothing.
///
/// After a failure it waits for 30 seconds, each time twice as long, up to an hour. After 10 attempts a key may not claim the action any
/// more; other keys may.
#[utoipa::path(
    post, path = "/v1/outbox/{id}", tag = "outbox", security(("key" = ["act"])),
    params(("id" = i64, Path, description = "The action's id")),
    request_body = SettleRequest,
    responses(
        (status = 200, description = "It is on record", body = Settled),
        (status = 409, description = "The claim no longer holds, or the action is void", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn settle_action(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
    Body(request): Body<SettleRequest>,
) -> Result<Json<Settled>, Problem> {
    caller.may(Scope::Act)?;
    let id: i64 = id.parse().map_err(|_| missing("action"))?;
    let owner = owner(&caller, &request.owner)?;
    if request.result.as_ref().is_some_and(|result| result.to_string().len() > MOST_RESULT) {
        let next = "Report less of it, such as its id in the automation's own log";
        return Err(Problem::new(Code::Request, "result", "longer than 64 KiB", next));
    }
    let settled = shared.blocking(move |shared| {
        let now = shared.clock.now();
        let cut = |text: &Option<String>, most| {
            text.as_deref().map(|text| text.chars().take(most).collect::<String>())
        };
        let (psa_ref, error, returned) =
            (cut(&request.psa_ref, 256), cut(&request.error, 500), cut(&request.returned, 500));
        let holder = holder(&caller, &owner);
        let report = match (returned.as_deref(), error.as_deref()) {
            (Some(why), _) => ActionReport::Returned { why },
            (None, Some(why)) => {
                let attempts = shared.store.action(id, &holder)?.map_or(1, |action| action.attempts);
                let retry_at = now.checked_add(pause(attempts).seconds()).map_err(Problem::internal)?;
                ActionReport::Failed { why, retry_at }
            }
            (None, None) => {
                ActionReport::Done { psa_ref: psa_ref.as_deref(), result: request.result.as_ref() }
            }
        };
        Ok(shared.store.settle_action(id, &holder, &report, now)?)
    });
    let (problem, next) = match settled.await? {
        Settlement::Settled => return Ok(Json(Settled { settled: true })),
        Settlement::NotHeld => (
            "this owner does not hold the claim, or no longer does",
            "Claim it again, and ask the PSA whether it was done",
        ),
        Settlement::Void => (
            "it is void: its ticket moved to another customer while it was claimed",
            "Don't do it; where it was done already, tell a person, since the words were another customer's",
        ),
    };
    Err(Problem::new(Code::Conflict, "the action", problem, next))
}

/// An action as it stands. Ask right before doing what was claimed some time ago: `void` says that its ticket moved meanwhile.
#[utoipa::path(
    get, path = "/v1/outbox/{id}", tag = "outbox", security(("key" = ["act"])),
    params(("id" = i64, Path, description = "The action's id")),
    responses(
        (status = 200, description = "The action", body = Action),
    )
)]
pub(crate) async fn get_action(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Action>, Problem> {
    caller.may(Scope::Act)?;
    let id: i64 = id.parse().map_err(|_| missing("action"))?;
    let action = shared.blocking(move |shared| Ok(shared.store.action(id, &holder(&caller, ""))?)).await?;
    Ok(Json(action.ok_or_else(|| missing("action"))?.try_into()?))
}

/// Puts back an action that failed, or that has been held for less than a day: every key may claim it again, as often as the first time.
///
/// Putting back one that was held approves it anew.
#[utoipa::path(
    post, path = "/v1/outbox/{id}/retry", tag = "outbox", security(("key" = ["act"])),
    params(("id" = i64, Path, description = "The action's id")),
    responses(
        (status = 200, description = "It is on record", body = Settled),
        (status = 409, description = "It is in another state, was held for a day, or its approval no longer stands", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn retry_action(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Settled>, Problem> {
    caller.may(Scope::Act)?;
    shared.blocking(move |shared| put_back(shared, &caller, &id)).await?;
    Ok(Json(Settled { settled: true }))
}

/// Puts back an action that failed, or that is held.
pub(crate) fn put_back(shared: &Shared, caller: &Caller, id: &str) -> Result<(), Problem> {
    let id: i64 = id.parse().map_err(|_| missing("action"))?;
    let store = &shared.store;
    let found = store.action(id, &holder(caller, ""))?.ok_or_else(|| missing("action"))?;
    if store.retry_action(found.id, &caller.customers, &caller.key, shared.clock.now())? {
        return Ok(());
    }
    let next = "Only an action that failed, or that has been held for less than a day, can be put back: GET /v1/outbox?state=failed \
                or state=held";
    Err(Problem::new(Code::Conflict, "the action", "it can't be put back", next))
}

/// Stops what was to be done without a person, before anybody has claimed it. A reply goes to review.
#[utoipa::path(
    post, path = "/v1/outbox/{id}/stop", tag = "outbox", security(("key" = ["review"])),
    params(("id" = i64, Path, description = "The action's id")),
    responses(
        (status = 200, description = "It is never done", body = Settled),
        (status = 409, description = "Somebody has claimed it, or it is settled", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stop_action(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Settled>, Problem> {
    caller.may(Scope::Review)?;
    shared.blocking(move |shared| stop(shared, &caller, &id)).await?;
    Ok(Json(Settled { settled: true }))
}

/// Stops an action that nobody approved, and that nobody has claimed.
pub(crate) fn stop(shared: &Shared, caller: &Caller, id: &str) -> Result<(), Problem> {
    let id: i64 = id.parse().map_err(|_| missing("action"))?;
    match shared.store.stop_action(id, &caller.customers, &caller.key, shared.clock.now())? {
        Some(true) => Ok(()),
        Some(false) => {
            let next =
                "Look at the ticket in the PSA; what was wrong there is an incident: POST /v1/incidents";
            Err(Problem::new(Code::Conflict, "the action", "it has been claimed, or is settled", next))
        }
        None => Err(missing("action")),
    }
}

/// Seconds before the next attempt after so many.
fn pause(attempts: i64) -> i64 {
    let doubled = u32::try_from(attempts - 1).unwrap_or_default().min(12);
    (PAUSE << doubled).min(LONGEST_PAUSE)
}

fn holder<'a>(caller: &'a Caller, owner: &'a str) -> Holder<'a> {
    Holder { key: &caller.key, owner, customers: &caller.customers }
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
