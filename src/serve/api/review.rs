//! `/v1/review`: drafts that wait for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use firstline_store::{DecisionRecord, DraftState, ReviewItem, ReviewRequest, ReviewResult};
use firstline_ticket::{Phase, Review};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::jobs::{idempotency_key, missing};
use super::view::{DecisionView, TicketSchema, labels};
use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::distance::distance;
use crate::extract::{Body, Id, Params};
use crate::problem::Problem;

/// Longest text that is sent, in bytes.
const MOST_TEXT: usize = 64 << 10;
/// Drafts of a page, and bytes of their tickets.
const PAGE: usize = 200;
const PAGE_BYTES: usize = 4 << 20;

/// Which drafts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `pending` by default; `approved`, `edited`, `rejected`, `superseded`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    state: Option<DraftState>,
    /// Of one customer.
    customer: Option<String>,
    /// After the decision of this id.
    after: Option<String>,
    /// How many.
    #[serde(default = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

fn limit() -> usize {
    50
}

/// A draft with its ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueItem {
    /// The ticket as it came.
    #[schema(value_type = TicketSchema)]
    ticket: Value,
    #[serde(flatten)]
    decision: DecisionView,
}

/// Drafts, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueView {
    items: Vec<QueueItem>,
    /// What `after` is for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    /// It may be sent as it is.
    Approve,
    /// `text` is sent in its place.
    Edit,
    /// It is not sent.
    Reject,
}

/// A person's review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewBody {
    action: Choice,
    /// What is sent in place of the draft; with `edit`.
    #[serde(default)]
    text: Option<String>,
    /// Why it is not sent; with `reject`.
    #[serde(default)]
    reason: Option<String>,
    /// Who reviews, for the record; without it the key's id.
    #[serde(default)]
    reviewer: Option<String>,
    /// Labels that the person sets; Firstline does not decide these of this ticket from then on.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// Drafts in the queue, oldest first, with their tickets.
#[utoipa::path(
    get, path = "/v1/review", tag = "people", security(("key" = [])), params(Which),
    responses(
        (status = 200, description = "Drafts", body = QueueView),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<QueueView>, Problem> {
    caller.may(Scope::Review)?;
    let customers = super::records::customers(&caller, which.customer.as_deref())?;
    let (state, limit) = (which.state.unwrap_or(DraftState::Pending), which.limit.clamp(1, PAGE));
    let found =
        app.blocking(move |app| Ok(app.store.reviews(state, &customers, which.after.as_deref(), limit)?));
    let found = found.await?;
    let next = (found.len() == limit).then(|| found.last().map(|item| item.record.id.clone())).flatten();
    let mut view = QueueView { items: Vec::new(), next };
    let mut bytes = 0;
    for ReviewItem { ticket, record } in found {
        // A page has an end in bytes too; the next one begins after it.
        if bytes > PAGE_BYTES {
            view.next = view.items.last().map(|item: &QueueItem| item.decision.decision_id.clone());
            break;
        }
        bytes += [&ticket.subject, &ticket.body].into_iter().flatten().map(String::len).sum::<usize>();
        let ticket = serde_json::to_value(ticket).map_err(Problem::internal)?;
        let mut decision = DecisionView::from(record);
        decision.hide(&caller);
        view.items.push(QueueItem { ticket, decision });
    }
    Ok(Json(view))
}

/// Approves, edits or rejects a draft.
///
/// `If-Match` carries the version that the person saw: of two reviewers one wins, and the other is told so with 409 and how it
/// stands. The same review again (same Idempotency-Key, or the same key and version where there is none) is the same.
#[utoipa::path(
    post, path = "/v1/review/{decision_id}", tag = "people", security(("key" = [])),
    params(
        ("decision_id" = String, Path, description = "The decision whose draft it is"),
        ("If-Match" = String, Header, description = "The draft's version, such as 2"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same review"),
    ),
    request_body = ReviewBody,
    responses(
        (status = 200, description = "It holds", body = DecisionView),
        (status = 409, description = "Somebody else was first", body = Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "A problem of the request", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "A problem of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn review(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(decision_id): Id,
    headers: HeaderMap,
    Body(body): Body<ReviewBody>,
) -> Result<Response, Problem> {
    caller.may(Scope::Review)?;
    let version = version(&headers)?;
    let key = idempotency_key(&headers)?;
    let held = caller.clone();
    let reviewed = app.blocking(move |app| put(app, &caller, decision_id, (version, key), body)).await?;
    let record = match reviewed {
        ReviewResult::Done(record) => *record,
        ReviewResult::Conflict(record) => {
            let problem =
                format!("the draft is at version {} and {}", record.version, state(record.draft_state));
            return Err(Problem::new(Code::Conflict, "If-Match", problem, "Look at it again"));
        }
        ReviewResult::Missing => return Err(missing("decision")),
    };
    let tag = HeaderValue::from_str(&format!("\"{}\"", record.version)).map_err(Problem::internal)?;
    let mut view = DecisionView::from(record);
    view.hide(&held);
    Ok(([(header::ETAG, tag)], Json(view)).into_response())
}

fn put(
    app: &App,
    caller: &Caller,
    decision_id: String,
    (version, key): (i64, Option<String>),
    body: ReviewBody,
) -> Result<ReviewResult, Problem> {
    let record = app.store.decision(&decision_id)?.filter(|record| caller.customers.has(&record.customer));
    let Some(record) = record else { return Ok(ReviewResult::Missing) };
    let verdict = verdict(&body)?;
    let reviewer = body.reviewer.unwrap_or_else(|| caller.key.clone());
    if reviewer.len() > 256 {
        return Err(Problem::new(Code::Request, "reviewer", "longer than 256 bytes", "Send a name or an id"));
    }
    let request = ReviewRequest {
        idempotency_key: key.unwrap_or_else(|| format!("{decision_id}:{version}:{reviewer}")),
        distance: far(&record, &verdict),
        fields: labels(&body.fields, "fields")?,
        act: app.settings.phase == Phase::Assist,
        actor: caller.key.clone(),
        decision_id,
        version,
        verdict,
        reviewer,
    };
    let reviewed = app.store.review(&request, Timestamp::now())?;
    if matches!(reviewed, ReviewResult::Done(_)) {
        let verdict = match request.verdict {
            Review::Accepted => "approve",
            Review::Edited(_) => "edit",
            Review::Rejected(_) => "reject",
        };
        app.metrics.reviews.get_or_create(&verdict.into()).inc();
    }
    Ok(reviewed)
}

fn verdict(body: &ReviewBody) -> Result<Review, Problem> {
    let fault =
        |place: &str, problem: &str, next: &str| Err(Problem::new(Code::Request, place, problem, next));
    let text = body.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    match (body.action, text) {
        (_, Some(text)) if text.len() > MOST_TEXT => {
            fault("text", "longer than 64 KiB", "Send a shorter one")
        }
        (Choice::Edit, Some(text)) => Ok(Review::Edited(text.to_owned())),
        (Choice::Edit, None) => fault("text", "there is none", "Send what is to be sent, or approve"),
        (_, Some(_)) => fault("text", "it goes with edit only", "Use edit, or leave it out"),
        (Choice::Approve, None) => Ok(Review::Accepted),
        (Choice::Reject, None) => {
            let reason = body.reason.as_deref().unwrap_or_default().trim();
            if reason.len() > 4_096 {
                return fault("reason", "longer than 4 KiB", "Send a shorter one");
            }
            Ok(Review::Rejected(reason.to_owned()))
        }
    }
}

/// How far what is sent is from the draft.
fn far(record: &DecisionRecord, verdict: &Review) -> f64 {
    match (verdict, &record.draft) {
        (Review::Accepted, _) => 0.0,
        (Review::Edited(text), Some(draft)) => distance(&draft.text, text),
        _ => 1.0,
    }
}

fn state(state: DraftState) -> &'static str {
    match state {
        DraftState::None => "there is none",
        DraftState::Writing => "being written",
        DraftState::Pending => "pending",
        DraftState::Approved => "approved",
        DraftState::Edited => "edited",
        DraftState::Rejected => "rejected",
        DraftState::Superseded => "superseded",
    }
}

/// The header `If-Match`.
fn version(headers: &HeaderMap) -> Result<i64, Problem> {
    let value = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let bare = |value: &str| {
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let digits = quoted.unwrap_or(value);
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let version = value.and_then(bare);
    version.ok_or_else(|| {
        let problem = "missing, or no version";
        Problem::new(
            Code::Request,
            "If-Match",
            problem,
            "Send the version that the queue shows, such as \"2\"",
        )
    })
}
