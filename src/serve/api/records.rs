//! `GET /v1/decisions/{id}`, `POST /v1/similar`, `GET /v1/kpis`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use firstline_drafts::{Case, Whose};
use firstline_fault::Code;
use firstline_rollout::{Kpis, Week, kpis as figures, weeks};
use firstline_store::CustomerSet;
use firstline_ticket::Ticket;
use firstline_triage::customer_key;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::jobs::missing;
use super::view::{DecisionView, TicketSchema};
use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::intake;
use crate::item::not_for_this_key;
use crate::problem::Problem;

/// Cases that are given at most.
const MOST_SIMILAR: usize = 50;
/// Hours of a week.
const WEEK: i64 = 7 * 24;
/// Weeks that figures are given for.
const MOST_WEEKS: i64 = 60;

/// Of the customers that a caller may see, the one that is named.
pub(super) fn customers(caller: &Caller, named: Option<&str>) -> Result<CustomerSet, Problem> {
    let Some(named) = named else { return Ok(caller.customers.clone()) };
    let key = customer_key(named);
    if !caller.customers.has(&key) {
        return Err(not_for_this_key());
    }
    Ok(CustomerSet::Only([key].into()))
}

/// A decision, its draft and what became of them.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "tickets", security(("key" = [])),
    params(("id" = String, Path, description = "The decision's id")),
    responses(
        (status = 200, description = "The decision; its ETag is the draft's version", body = DecisionView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decision(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    caller.may(Scope::Triage).or_else(|_| caller.may(Scope::Review))?;
    let record = app.blocking(move |app| Ok(app.store.decision(&id)?)).await?;
    let record =
        record.filter(|record| caller.customers.has(&record.customer)).ok_or_else(|| missing("decision"))?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", record.version)).map_err(Problem::internal)?;
    let mut view = DecisionView::from(record);
    view.hide(&caller);
    Ok(([(header::ETAG, tag)], Json(view)).into_response())
}

/// A ticket whose like is sought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimilarRequest {
    /// The ticket, in canonical form.
    #[schema(value_type = TicketSchema)]
    ticket: Value,
    /// How many at most.
    #[serde(default = "five")]
    #[schema(minimum = 1, maximum = 50, default = 5)]
    limit: usize,
    /// Only cases of this customer.
    #[serde(default)]
    customer: Option<String>,
}

fn five() -> usize {
    5
}

/// A resolved ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CaseView {
    id: String,
    customer: String,
    /// Cosine of the texts' embeddings.
    cosine: f32,
    /// The same with what shared words add.
    score: f32,
    /// Board, type, subtype.
    category: [Option<String>; 3],
    /// What it was about.
    problem: String,
    /// What was answered first.
    reply: String,
    /// How it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
}

/// Resolved tickets, the most alike first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarResponse {
    similar: Vec<CaseView>,
}

/// Finds the resolved tickets most like a ticket. A key that is held to some customers finds only theirs.
#[utoipa::path(
    post, path = "/v1/similar", tag = "tickets", security(("key" = [])),
    request_body = SimilarRequest,
    responses(
        (status = 200, description = "Resolved tickets", body = SimilarResponse),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn similar(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SimilarRequest>,
) -> Result<Json<SimilarResponse>, Problem> {
    caller.may(Scope::Triage).or_else(|_| caller.may(Scope::Review))?;
    let ticket = intake::check("ticket", request.ticket, &caller)?;
    let customers = customers(&caller, request.customer.as_deref())?;
    let limit = request.limit.clamp(1, MOST_SIMILAR);
    let found = app.blocking(move |app| search(app, &ticket, &customers, limit)).await?;
    Ok(Json(SimilarResponse { similar: found }))
}

fn search(
    app: &App,
    ticket: &Ticket,
    customers: &CustomerSet,
    limit: usize,
) -> Result<Vec<CaseView>, Problem> {
    let desk = app.desk.load_full();
    if desk.index.is_empty() {
        let next = "Add some: firstline index --bundle DIR --tickets FILE";
        return Err(Problem::new(Code::NotFound, "the bundle", "it has no resolved tickets", next));
    }
    let embedding = desk.engine.features(std::slice::from_ref(ticket))?.embeddings;
    let find = |whose| desk.index.similar(ticket, &embedding, whose, limit);
    let mut found = Vec::new();
    match customers {
        CustomerSet::All => found = find(Whose::All)?,
        CustomerSet::Only(these) => {
            for customer in these {
                found.extend(find(Whose::Only(customer))?);
            }
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(limit);
    let view = |(case, cosine, score): (Case, f32, f32)| CaseView {
        reply: case.reply.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" "),
        id: case.id,
        customer: case.customer,
        category: case.category,
        problem: case.problem,
        resolution: case.resolution,
        cosine,
        score,
    };
    Ok(found.into_iter().map(|near| view((near.case, near.cosine, near.score))).collect())
}

/// Of which time, and whose.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// From this moment, RFC 3339; by default from the Monday of four weeks ago on.
    #[param(value_type = Option<String>, format = "date-time")]
    from: Option<Timestamp>,
    /// To before this one; now by default.
    #[param(value_type = Option<String>, format = "date-time")]
    to: Option<Timestamp>,
    /// Of one customer.
    customer: Option<String>,
}

/// Figures of a calendar week.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeekView {
    /// Which, in ISO 8601: `2026-W48`.
    week: String,
    /// When it began: Monday 00:00 in the desk's time zone, or the `from` of the call where that is later.
    #[schema(value_type = String, format = "date-time")]
    from: Timestamp,
    /// When it ended: the Monday after, or the `to` of the call where that is earlier.
    #[schema(value_type = String, format = "date-time")]
    to: Timestamp,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    figures: Kpis,
}

/// Key figures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KpisView {
    #[schema(value_type = String, format = "date-time")]
    from: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    to: Timestamp,
    /// Of all of it.
    #[schema(value_type = Object)]
    total: Kpis,
    /// Calendar week by calendar week in the time zone of the policy's hours; the first and the last may be cut short.
    weeks: Vec<WeekView>,
}

/// Agreement with what people set, what became of drafts, first-response and resolution times, errors that customers saw: each
/// share with its count and 95 % interval.
#[utoipa::path(
    get, path = "/v1/kpis", tag = "people", security(("key" = [])), params(Window),
    responses(
        (status = 200, description = "Key figures", body = KpisView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn kpis(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(window): Params<Window>,
) -> Result<Json<KpisView>, Problem> {
    caller.may(Scope::Review)?;
    let customers = customers(&caller, window.customer.as_deref())?;
    let to = window.to.unwrap_or_else(Timestamp::now);
    let zone = app.desk.load().zone.clone();
    let early = || {
        let ago = to.to_zoned(zone.clone()).checked_sub(4.weeks())?.timestamp();
        Week::of(ago, &zone).map(|week| week.start)
    };
    let fault = |problem: &str| {
        let next = "Give from before to, at most 60 weeks apart";
        Problem::new(Code::Request, "from, to", problem, next)
    };
    let from = window.from.map_or_else(early, Ok).map_err(|_| fault("no time that can be"))?;
    let long = to.duration_since(from).as_hours();
    if from >= to || long > MOST_WEEKS * WEEK {
        return Err(fault("no such time"));
    }
    let judged = app.blocking(move |app| Ok(app.store.judged(from, to, &customers)?)).await?;
    let view = |week: Week| WeekView {
        week: week.to_string(),
        from: week.start.max(from),
        to: week.end.min(to),
        figures: figures(judged.iter().filter(|ticket| week.has(ticket.received_at))),
    };
    let weeks = weeks(from, to, &zone).map_err(|_| fault("no time that can be"))?;
    Ok(Json(KpisView { from, to, total: figures(&judged), weeks: weeks.into_iter().map(view).collect() }))
}
