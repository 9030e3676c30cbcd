//! `/v1/rollout`: the programme, for people and for the connector that counts what came in.
//!
//! What changes the programme is done by a person, with a key of their own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::requests::customers;
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Params};
use crate::problem::Problem;
use crate::rollout::{
    self, AutonomousVerdict, Categories, Coverage, CriteriaList, CriteriaVersion, GateRequest, GateVerdict,
    HoldLevel, HoldRequest, HoldView, InServiceNow, Listed, Scoped, Shadow, ShadowWindow, SignRequest,
    Signed, StartRequest, Started, Status, WeekView,
};
use crate::shared::Shared;

/// Weeks that are given by default, and at most.
const WEEKS: usize = 13;
const MOST_WEEKS: usize = 70;

/// How the programme stands: its day and week, what is granted and on hold, agreement so far, and what to do next.
#[utoipa::path(
    get, path = "/v1/rollout", tag = "rollout", security(("key" = ["review"])),
    responses((status = 200, description = "How it stands", body = Status))
)]
pub(crate) async fn get_rollout(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Status>, Problem> {
    caller.may_for_all(Scope::Review)?;
    let status = shared.blocking(move |shared| {
        let hours = shared.desk()?.hours;
        Ok(rollout::status(shared.store.as_ref(), &hours, shared.settings.phase, shared.clock.now())?)
    });
    Ok(Json(status.await?))
}

/// All versions of the criteria with their signatures, and which is in force.
#[utoipa::path(
    get, path = "/v1/rollout/criteria", tag = "rollout", security(("key" = ["review"])),
    responses((status = 200, description = "The versions, the oldest first", body = CriteriaList))
)]
pub(crate) async fn get_criteria(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<CriteriaList>, Problem> {
    caller.may_for_all(Scope::Review)?;
    let list =
        shared.blocking(move |shared| Ok(rollout::criteria(shared.store.as_ref(), shared.clock.now())?));
    Ok(Json(list.await?))
}

/// Criteria.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CriteriaBody {
    /// The criteria file, TOML, as `firstline rollout criteria --example` prints one.
    text: String,
}

/// Puts criteria on record. A change is a new version, which needs signatures of its own; until then the one before holds.
#[utoipa::path(
    post, path = "/v1/rollout/criteria", tag = "rollout", security(("key" = ["manage"])),
    request_body = CriteriaBody,
    responses((status = 200, description = "The version", body = CriteriaVersion))
)]
pub(crate) async fn post_criteria(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<CriteriaBody>,
) -> Result<Json<CriteriaVersion>, Problem> {
    let person = caller.person()?;
    let version = shared.blocking(move |shared| {
        Ok(rollout::add_criteria(shared.store.as_ref(), &body.text, &person, shared.clock.now())?)
    });
    Ok(Json(version.await?))
}

/// A signature.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignBody {
    /// The version.
    version: u32,
    /// The sha256 of what was read.
    sha256: String,
    /// The name of the person who signs.
    #[schema(min_length = 1, max_length = 256)]
    typed_name: String,
    /// As what they sign.
    #[schema(min_length = 1, max_length = 256)]
    role: String,
}

/// Signs a version of the criteria. A person signs once, whatever name they type; it takes effect once enough different persons have.
#[utoipa::path(
    post, path = "/v1/rollout/sign", tag = "rollout",
    security(("key" = ["manage"]), ("key" = ["approve_rollout"])),
    request_body = SignBody,
    responses(
        (status = 200, description = "It is signed", body = Signed),
        (status = 409, description = "It says something else, or was signed by this person", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<SignBody>,
) -> Result<Json<Signed>, Problem> {
    let person = caller.person()?;
    let SignBody { version, sha256, typed_name, role } = body;
    let request = SignRequest { version: Some(version), sha256: Some(sha256), typed_name, role };
    let signed = shared.blocking(move |shared| {
        Ok(rollout::sign(shared.store.as_ref(), &request, &person, shared.clock.now())?)
    });
    Ok(Json(signed.await?))
}

/// The start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    /// The day on which it starts, in the desk's time zone; today by default.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date")]
    on: Option<Date>,
    /// The pilot customers: only their tickets may ever be acted on.
    #[schema(min_items = 1, max_items = 50)]
    pilots: Vec<String>,
    /// What `firstline rollout baseline --json` has printed, as text.
    baseline: String,
    /// Why it may start.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// Starts the programme in shadow, on signed criteria and a baseline; or changes the pilots of the one that runs.
#[utoipa::path(
    post, path = "/v1/rollout/start", tag = "rollout", security(("key" = ["approve_rollout"])),
    request_body = StartBody,
    responses(
        (status = 200, description = "It has started", body = Started),
        (status = 409, description = "No criteria are signed, or another baseline is on record", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<StartBody>,
) -> Result<Json<Started>, Problem> {
    let person = caller.person()?;
    let StartBody { on, pilots, baseline, reason } = body;
    let request = StartRequest { on, pilots, baseline, reason };
    let started = shared.blocking(move |shared| {
        let zone = shared.live.load().zone.clone();
        Ok(rollout::start(shared.store.as_ref(), &zone, &request, &person, shared.clock.now())?)
    });
    Ok(Json(started.await?))
}

/// The evidence that a gate is asked with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateBody {
    /// The `evidence.json` that `firstline bench` has written, as text.
    evidence: String,
    /// Why the desk may go on.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// Asks the gate from shadow to assist, of the bundle in service. Passing puts the verdict and the grants on record.
///
/// 409 where a check fails or the evidence does not count: the answer has each check with what was needed and found. Where the
/// agreement itself is too low, it has the plan of a week of cleaning up.
#[utoipa::path(
    post, path = "/v1/rollout/gate", tag = "rollout", security(("key" = ["approve_rollout"])),
    request_body = GateBody,
    responses(
        (status = 200, description = "It was passed", body = GateVerdict),
        (status = 409, description = "It was not passed", body = GateAnswer),
    )
)]
pub(crate) async fn gate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<GateBody>,
) -> Result<Response, Problem> {
    caller.person()?;
    let request = GateRequest { evidence: body.evidence.into_bytes(), reason: body.reason };
    let verdict = shared.blocking(move |shared| ask_assist(shared, &caller, &request)).await?;
    let status = if verdict.passed { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, Json(verdict)).into_response())
}

/// Asks the gate from shadow to assist of the bundle in service, once the weeks that are over are on record.
pub(crate) fn ask_assist(
    shared: &Shared,
    caller: &Caller,
    request: &GateRequest,
) -> Result<GateVerdict, Problem> {
    let (person, live) = (caller.person()?, shared.live.load_full());
    let service = InServiceNow::of(&live.engine.bundle().info, &live.info_sha256, &live.policy)?;
    let now = shared.clock.now();
    rollout::close_weeks(shared.store.as_ref(), &shared.desk()?, &caller.key, now)?;
    Ok(rollout::gate(shared.store.as_ref(), &live.zone, request, &service, (&person, now))?)
}

/// The same of the gate from assist to autonomous, for some categories.
pub(crate) fn ask_autonomous(
    shared: &Shared,
    caller: &Caller,
    asked: (&GateRequest, &Categories),
) -> Result<AutonomousVerdict, Problem> {
    let (person, live) = (caller.person()?, shared.live.load_full());
    let service = InServiceNow::of(&live.engine.bundle().info, &live.info_sha256, &live.policy)?;
    let (now, rules) = (shared.clock.now(), shared.desk()?);
    rollout::close_weeks(shared.store.as_ref(), &rules, &caller.key, now)?;
    Ok(rollout::gate_autonomous(shared.store.as_ref(), &rules, asked, &service, (&person, now))?)
}

/// The evidence that the gate to autonomous is asked with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutonomousBody {
    /// The `evidence.json` that `firstline bench` has written, as text.
    evidence: String,
    /// Why these categories may be acted on without a person.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// Categories of this board alone.
    #[serde(default)]
    board: Option<String>,
    /// Categories of this type alone.
    #[serde(default, rename = "type")]
    ticket_type: Option<String>,
}

/// Asks the gate from assist to autonomous, category by category.
///
/// Categories that pass are granted; for the first ones two different persons have to ask with the same evidence.
///
/// 409 where no category passes or the evidence does not count: the answer has each check with what was needed and found.
#[utoipa::path(
    post, path = "/v1/rollout/gate/autonomous", tag = "rollout", security(("key" = ["approve_rollout"])),
    request_body = AutonomousBody,
    responses(
        (status = 200, description = "Categories passed", body = AutonomousVerdict),
        (status = 409, description = "None passed", body = AutonomousAnswer),
    )
)]
pub(crate) async fn gate_autonomous(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<AutonomousBody>,
) -> Result<Response, Problem> {
    caller.person()?;
    let request = GateRequest { evidence: body.evidence.into_bytes(), reason: body.reason };
    let which = Categories { board: body.board, ticket_type: body.ticket_type };
    let verdict = shared.blocking(move |shared| ask_autonomous(shared, &caller, (&request, &which))).await?;
    let status = if verdict.passed { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, Json(verdict)).into_response())
}

/// A verdict on categories, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents the answers")]
pub(crate) enum AutonomousAnswer {
    /// None passed.
    Verdict(AutonomousVerdict),
    /// It can't be asked.
    Problem(Problem),
}

/// A verdict, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the form of two answers, for the document")]
pub(crate) enum GateAnswer {
    /// What was needed and found.
    Verdict(GateVerdict),
    /// Nothing has started, or nothing is signed.
    Problem(Problem),
}

/// A hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldBody {
    /// How far it goes.
    level: HoldLevel,
    /// What it is about; everything by default.
    #[serde(default)]
    scope: Scoped,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// Puts a scope on hold, at once. To stop takes the right to stop, everything milder the right to manage.
#[utoipa::path(
    post, path = "/v1/rollout/hold", tag = "rollout", security(("key" = ["manage"]), ("key" = ["stop"])),
    request_body = HoldBody,
    responses((status = 200, description = "It is on hold", body = HoldView))
)]
pub(crate) async fn hold(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<HoldBody>,
) -> Result<Json<HoldView>, Problem> {
    let person = caller.person()?;
    let HoldBody { level, scope, reason } = body;
    let request = HoldRequest { level, scope, reason };
    let held = shared.blocking(move |shared| {
        Ok(rollout::hold(shared.store.as_ref(), &request, &person, shared.clock.now())?)
    });
    Ok(Json(held.await?))
}

/// The end of a hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeBody {
    /// The hold's number.
    hold: i64,
    /// The cause, and why it may go on.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// Ends a hold. After a back-out or a stop the gate must have passed since, and a week of later have settled on the right side.
#[utoipa::path(
    post, path = "/v1/rollout/resume", tag = "rollout", security(("key" = ["approve_rollout"])),
    request_body = ResumeBody,
    responses(
        (status = 200, description = "It has ended", body = HoldView),
        (status = 409, description = "Evidence of later is missing", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<ResumeBody>,
) -> Result<Json<HoldView>, Problem> {
    let person = caller.person()?;
    let ended = shared.blocking(move |shared| {
        let store = shared.store.as_ref();
        Ok(rollout::resume(store, body.hold, &body.reason, &person, shared.clock.now())?)
    });
    Ok(Json(ended.await?))
}

/// How many weeks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Newest {
    /// The newest so many.
    #[serde(default = "newest")]
    #[param(minimum = 1, maximum = 70, default = 13)]
    limit: usize,
}

fn newest() -> usize {
    WEEKS
}

/// Weeks on record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeekList {
    /// In order of time; of a week that has settled both rows.
    weeks: Vec<WeekView>,
}

/// The weeks of the programme with their figures, as they are on record: when each was over, and when it had settled.
#[utoipa::path(
    get, path = "/v1/rollout/weeks", tag = "rollout", security(("key" = ["review"])), params(Newest),
    responses((status = 200, description = "The weeks", body = WeekList))
)]
pub(crate) async fn get_weeks(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(newest): Params<Newest>,
) -> Result<Json<WeekList>, Problem> {
    caller.may_for_all(Scope::Review)?;
    let limit = newest.limit.clamp(1, MOST_WEEKS);
    let weeks = shared.blocking(move |shared| {
        let zone = shared.live.load().zone.clone();
        Ok(rollout::weeks(shared.store.as_ref(), &zone, limit)?)
    });
    Ok(Json(WeekList { weeks: weeks.await? }))
}

/// Of which time, and whose.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// Tickets opened from this moment, RFC 3339; by default in the last four weeks.
    #[param(value_type = Option<String>, format = "date-time")]
    from: Option<Timestamp>,
    /// To before this one; now by default.
    #[param(value_type = Option<String>, format = "date-time")]
    to: Option<Timestamp>,
    /// Of one customer.
    customer: Option<String>,
}

/// What shadow shows of a time, as known now.
///
/// Agreement with all and with the best technicians, priorities called wrong with every missed one, drafts that could have been sent as
/// they were, how tickets come in. At most 92 days.
#[utoipa::path(
    get, path = "/v1/rollout/shadow", tag = "rollout", security(("key" = ["review"])), params(Window),
    responses((status = 200, description = "What shadow shows", body = Shadow))
)]
pub(crate) async fn get_shadow(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(window): Params<Window>,
) -> Result<Json<Shadow>, Problem> {
    caller.may(Scope::Review)?;
    let customers = customers(&caller, window.customer.as_deref())?;
    let now = shared.clock.now();
    let to = window.to.unwrap_or(now);
    let from = window.from.unwrap_or_else(|| to.checked_sub((28 * 24).hours()).unwrap_or(Timestamp::MIN));
    let window = ShadowWindow { from, to, customers };
    let one = super::kpis::one_at_a_time().await?;
    let shown = shared.blocking(move |shared| {
        let _one = one;
        Ok(rollout::shadow(shared.store.as_ref(), &shared.desk()?, &window, now)?)
    });
    Ok(Json(shown.await?))
}

/// The report of day 90, whose parts the reference of `firstline rollout report --day90 --json` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Day90Report(serde_json::Value);

impl PartialSchema for Day90Report {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true))).into()
    }
}

impl ToSchema for Day90Report {}

/// The report of day 90, as known now.
///
/// Hours redirected, first response before and after, net new capacity; then the signed thresholds, the verdict, and what is not known. It is what `firstline rollout report --day90 --json` prints. A figure without its facts is null, and `not_known` says why.
#[utoipa::path(
    get, path = "/v1/rollout/day90", tag = "rollout", security(("key" = ["review"])),
    responses(
        (status = 200, description = "The report", body = Day90Report),
        (status = 404, description = "No programme has begun its first week", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_day90(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Day90Report>, Problem> {
    caller.may_for_all(Scope::Review)?;
    let one = super::kpis::one_at_a_time().await?;
    let report = shared.blocking(move |shared| {
        let _one = one;
        let report = rollout::report_day90(shared.store.as_ref(), &shared.desk()?, shared.clock.now())?;
        report.map(serde_json::to_value).transpose().map_err(Problem::internal)
    });
    report.await?.map(Day90Report).map(Json).ok_or_else(none_begun)
}

/// There is nothing yet to report of.
pub(crate) fn none_begun() -> Problem {
    let next = "Start a programme: firstline rollout start; its first week begins on the next Monday";
    Problem::new(Code::NotFound, "the programme", "none has begun its first week", next)
}

/// Counts how completely the PSA's tickets came in: its list of those opened in a time, against the tickets with a decision.
///
/// The counts stay on record and are what the gate compares; the ids that are missing are told here alone.
#[utoipa::path(
    post, path = "/v1/rollout/coverage", tag = "rollout", security(("key" = ["feedback"])),
    request_body = Listed,
    responses((status = 200, description = "The counts, and the ids without a decision", body = Coverage))
)]
pub(crate) async fn post_coverage(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(listed): Body<Listed>,
) -> Result<Json<Coverage>, Problem> {
    caller.may_for_all(Scope::Feedback)?;
    let one = super::kpis::one_at_a_time().await?;
    let counted = shared.blocking(move |shared| {
        let _one = one;
        let person = caller.person().ok();
        let by = (caller.key.as_str(), person.as_ref());
        Ok(rollout::coverage(shared.store.as_ref(), &listed, by, shared.clock.now())?)
    });
    Ok(Json(counted.await?))
}
