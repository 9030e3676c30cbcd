//! `/v1/review`: drafts that wait for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use firstline_store::{Paged, ReviewItem, ReviewResult};
use firstline_ticket::Review;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::requests::{customers, etag, idempotency_key, missing, shown, version};
use super::wire::{CheckResult, Decision, DraftState, FieldName, Ticket, labels};
use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id, Params};
use crate::memory::{self, PAGE_MEMORY};
use crate::problem::Problem;
use crate::reviewing::{Asked, MOST_TEXT, RunAsked, put};
use crate::shared::Shared;

/// Drafts of a page.
const PAGE: usize = 200;

/// Which drafts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `pending` by default.
    #[serde(default)]
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
    #[schema(value_type = Ticket)]
    ticket: Value,
    #[serde(flatten)]
    decision: Decision,
}

/// Drafts, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewQueue {
    items: Vec<QueueItem>,
    /// What `after` is for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What a person decided. `edit`: `text` is sent in place of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReviewAction {
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
    action: ReviewAction,
    /// What is sent in place of the draft; with `edit`.
    #[serde(default)]
    text: Option<String>,
    /// Why it is not sent; with `reject`.
    #[serde(default)]
    reason: Option<String>,
    /// Who the reviewer says to be: a note for the record beside the key, whose name says who it is.
    #[serde(default)]
    reviewer: Option<String>,
    /// Whether `text` is to be sent in spite of what the guard found in it that has to be confirmed: a credential, somebody whom
    /// neither ticket nor draft names, characters that nobody sees.
    #[serde(default, rename = "override")]
    confirmed: bool,
    /// Whether the reviewer has verified who the writer is: needed to send a reply where a rule or the draft asks for it.
    #[serde(default)]
    identity_verified: bool,
    /// When the person first saw what they review, RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    opened_at: Option<Timestamp>,
    /// Seconds for which they were at it, pauses left out: at most half an hour counts.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_800)]
    active_seconds: Option<f64>,
    /// The desk's own automation that is to run for this ticket, where the settings allow it: `firstline connect` passes it on.
    #[serde(default)]
    run: Option<RunRequest>,
    /// Labels that the person sets; Firstline does not decide these of this ticket from then on.
    #[serde(default)]
    #[schema(value_type = BTreeMap<FieldName, String>)]
    fields: BTreeMap<String, String>,
}

/// What the desk's own automation is to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// Its name, as the automation knows it, such as `unlock-account`.
    #[schema(min_length = 1, max_length = 128)]
    automation: String,
    /// Whether the reviewer has verified who the writer is: needed where a rule asks for it. No model and no message stands in for that.
    #[serde(default)]
    identity_verified: bool,
}

/// A reviewed decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reviewed {
    /// What the guard found in `text`; none of it kept the text from being sent.
    findings: Vec<CheckResult>,
    #[serde(flatten)]
    decision: Decision,
}

/// Drafts in the queue, oldest first, with their tickets.
#[utoipa::path(
    get, path = "/v1/review", tag = "people", security(("key" = ["review"])), params(Which),
    responses(
        (status = 200, description = "Drafts", body = ReviewQueue),
    )
)]
pub(crate) async fn list_reviews(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<ReviewQueue>, Problem> {
    caller.may(Scope::Review)?;
    let customers = customers(&caller, which.customer.as_deref())?;
    let (state, limit) = (which.state.unwrap_or(DraftState::Pending), which.limit.clamp(1, PAGE));
    memory::grow(PAGE_MEMORY)?;
    let found = shared.blocking(move |shared| {
        Ok(shared.store.reviews(state.into(), &customers, which.after.as_deref(), limit)?)
    });
    let Paged { items, more } = found.await?;
    let next = items.last().filter(|_| more).map(|item| item.record.id.clone());
    let view = |ReviewItem { ticket, record }| {
        let mut decision = Decision::from(record);
        decision.hide(&caller);
        Ok(QueueItem { ticket: serde_json::to_value(ticket).map_err(Problem::internal)?, decision })
    };
    Ok(Json(ReviewQueue { items: items.into_iter().map(view).collect::<Result<_, Problem>>()?, next }))
}

/// Approves, edits or rejects a draft.
///
/// `If-Match` carries the version that the person saw: of two reviewers one wins, and the other is told so with 409 and how it
/// stands. The same review again (same Idempotency-Key, or the same key and version where there is none) is the same.
///
/// What `edit` sends passes the guard that drafts pass: `findings` shows what it found. Where it gives or asks for a credential, names
/// somebody whom neither ticket nor draft names, or has hidden characters, the answer is 422 `E_GUARD` until `override` is true.
#[utoipa::path(
    post, path = "/v1/review/{decision_id}", tag = "people", security(("key" = ["review"])),
    params(
        ("decision_id" = String, Path, description = "The decision whose draft it is"),
        ("If-Match" = String, Header, description = "The draft's version, such as 2"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same review"),
    ),
    request_body = ReviewBody,
    responses(
        (status = 200, description = "It holds", body = Reviewed),
        (status = 409, description = "Somebody else was first, or its ticket is of the blind sample and open", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn review(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(decision_id): Id,
    headers: HeaderMap,
    Body(body): Body<ReviewBody>,
) -> Result<Response, Problem> {
    caller.may(Scope::Review)?;
    let asked = asked(body, decision_id, version(&headers)?, idempotency_key(&headers)?)?;
    let held = caller.clone();
    let reviewed = shared.blocking(move |shared| put(shared, &caller, asked)).await?;
    let (reviewed, findings) = reviewed;
    let record = match reviewed {
        ReviewResult::Done(record) => *record,
        ReviewResult::Conflict(record) => {
            let record = shown(*record)?;
            let problem = format!(
                "the draft is at version {} and {}",
                record.version,
                standing(record.draft_state.into())
            );
            return Err(Problem::new(Code::Conflict, "If-Match", problem, "Look at it again"));
        }
        ReviewResult::Missing => return Err(missing("decision")),
    };
    let tag = etag(record.version)?;
    let mut decision = Decision::from(record);
    decision.hide(&held);
    let findings = findings.into_iter().map(Into::into).collect();
    Ok(([(header::ETAG, tag)], Json(Reviewed { findings, decision })).into_response())
}

/// The review that a request asks for. Its actions can be claimed at once: the API has no undo window.
fn asked(body: ReviewBody, decision_id: String, version: i64, key: Option<String>) -> Result<Asked, Problem> {
    Ok(Asked {
        verdict: verdict(&body)?,
        fields: labels(&body.fields, "fields")?,
        run: body
            .run
            .map(|run| RunAsked { automation: run.automation, identity_verified: run.identity_verified }),
        reviewer: body.reviewer,
        confirmed: body.confirmed,
        opened_at: body.opened_at,
        active_seconds: body.active_seconds,
        identity_verified: body.identity_verified,
        undo_seconds: 0,
        decision_id,
        version,
        key,
    })
}

fn verdict(body: &ReviewBody) -> Result<Review, Problem> {
    let fault =
        |place: &str, problem: &str, next: &str| Err(Problem::new(Code::Request, place, problem, next));
    let text = body.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    match (body.action, text) {
        (_, Some(text)) if text.len() > MOST_TEXT => {
            fault("text", "longer than 64 KiB", "Send a shorter one")
        }
        (ReviewAction::Edit, Some(text)) => Ok(Review::Edited(text.to_owned())),
        (ReviewAction::Edit, None) => fault("text", "there is none", "Send what is to be sent, or approve"),
        (_, Some(_)) => fault("text", "it goes with edit only", "Use edit, or leave it out"),
        (ReviewAction::Approve, None) => Ok(Review::Accepted),
        (ReviewAction::Reject, None) => {
            let reason = body.reason.as_deref().unwrap_or_default().trim();
            if reason.len() > 4_096 {
                return fault("reason", "longer than 4 KiB", "Send a shorter one");
            }
            Ok(Review::Rejected(reason.to_owned()))
        }
    }
}

fn standing(state: DraftState) -> &'static str {
    match state {
        DraftState::None => "there is none",
        DraftState::Writing => "being written",
        DraftState::Pending => "pending",
        DraftState::Auto => "sent without a person, or about to be",
        DraftState::Approved => "approved",
        DraftState::Edited => "edited",
        DraftState::Rejected => "rejected",
        DraftState::Superseded => "superseded",
    }
}
