//! `POST /v1/feedback`: how tickets ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{Feedback, Joined};
use firstline_ticket::{Draft, Field, Outcome, Ticket, customer_key, unmarked};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{FieldName, InitialBasis, ItemFault, ResponseBasis, labels};
use crate::auth::{Caller, Scope};
use crate::distance::reply_distance;
use crate::extract::Body;
use crate::problem::Problem;
use crate::rollout::{Written, may_correct, note_correction};
use crate::shared::Shared;

/// Items of a call.
const MOST: usize = 256;
/// Longest id, in bytes.
const MOST_ID: usize = 256;
/// Longest reply, in bytes.
const MOST_REPLY: usize = 64 << 10;

/// How tickets ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackRequest {
    /// 1 to 256 of them.
    #[schema(min_items = 1, max_items = 256)]
    items: Vec<FeedbackItem>,
}

/// How one ticket ended, as far as known; later news is added to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackItem {
    /// The decision. This or `ticket_id` is needed.
    #[serde(default)]
    decision_id: Option<String>,
    /// The ticket, whose newest decision it is.
    #[serde(default)]
    ticket_id: Option<String>,
    /// Whose ticket it is: needed where several customers have one of that id.
    #[serde(default)]
    customer: Option<String>,
    /// What people set, or left as decided, when they closed it: `board`, `type`, `subtype`, `priority`, `technician`. From then
    /// on Firstline does not decide these of this ticket.
    #[serde(default, rename = "final")]
    #[schema(value_type = BTreeMap<FieldName, String>)]
    labels: BTreeMap<String, String>,
    /// What the technician sent first. An automatic acknowledgement does not count, nor does its time.
    #[serde(default)]
    reply: Option<String>,
    /// When, RFC 3339.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    first_response_at: Option<Timestamp>,
    /// How that moment is known.
    #[serde(default)]
    first_response_basis: Option<ResponseBasis>,
    /// When an automatic acknowledgement went out: no first response.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    acknowledged_at: Option<Timestamp>,
    /// When it was resolved.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    resolved_at: Option<Timestamp>,
    /// Whether it was opened again.
    #[serde(default)]
    reopened: Option<bool>,
    /// Whether it went to a higher tier.
    #[serde(default)]
    escalated: Option<bool>,
    /// The highest tier that worked on it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3)]
    tier: Option<u8>,
    /// The labels that it had before any person touched it, by field.
    #[serde(default, rename = "initial")]
    #[schema(value_type = Option<BTreeMap<FieldName, String>>)]
    initial_labels: Option<BTreeMap<String, String>>,
    /// How those labels are known.
    #[serde(default)]
    initial_basis: Option<InitialBasis>,
    /// Whether a technician opened it, as on the phone.
    #[serde(default)]
    opened_by_technician: Option<bool>,
    /// Whether it belongs to a project.
    #[serde(default)]
    project: Option<bool>,
    /// Whether it was deleted in the PSA.
    #[serde(default)]
    deleted: Option<bool>,
    /// The ticket that it was merged into.
    #[serde(default)]
    #[schema(max_length = 256)]
    merged_into: Option<String>,
    /// Whether all that happened to it was sent to `/v1/events`.
    #[serde(default)]
    history_known: Option<bool>,
    /// Whether the customer saw something wrong that Firstline did.
    #[serde(default)]
    customer_visible_error: Option<bool>,
    /// Seconds of work on it.
    #[serde(default)]
    #[schema(minimum = 0)]
    handle_seconds: Option<f64>,
}

/// What each item was joined to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackResponse {
    results: Vec<FeedbackResult>,
}

/// The decision that an item was joined to, or why it was not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FeedbackResult {
    /// It was.
    Joined(JoinedTo),
    /// It was not.
    Fault(ItemFault),
}

/// What an item was joined to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinedTo {
    /// The decision.
    decision_id: String,
}

/// Tells how tickets ended. Agreement, first-response times and what drafts are worth are computed from it.
///
/// A key for all customers stands above one that is held to some: that one adds what is still open, and overwrites nothing that
/// the other has told.
#[utoipa::path(
    post, path = "/v1/feedback", tag = "people", security(("key" = ["feedback"])),
    request_body = FeedbackRequest,
    responses(
        (status = 200, description = "What each was joined to, in order", body = FeedbackResponse),
    )
)]
pub(crate) async fn send_feedback(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<FeedbackRequest>,
) -> Result<Json<FeedbackResponse>, Problem> {
    caller.may(Scope::Feedback)?;
    if !(1..=MOST).contains(&request.items.len()) {
        let problem = format!("{} items", request.items.len());
        return Err(Problem::new(Code::Limit, "items", problem, "Send 1 to 256 at a time"));
    }
    let results = shared.blocking(move |shared| join(shared, &caller, request.items)).await?;
    Ok(Json(FeedbackResponse { results }))
}

fn join(shared: &Shared, caller: &Caller, items: Vec<FeedbackItem>) -> Result<Vec<FeedbackResult>, Problem> {
    let news: Vec<Result<Feedback, Problem>> =
        items.into_iter().enumerate().map(|(i, item)| read(shared, caller, i, item)).collect();
    let good: Vec<Feedback> = news.iter().flatten().cloned().collect();
    let joined = shared.store.feedback(&good, &caller.customers, shared.clock.now())?;
    corrections(shared, &good, &joined)?;
    shared.rollout_bell.ring();
    let mut joined = joined.into_iter();
    let view = |(index, item): (usize, Result<Feedback, Problem>)| match item.map(|_| joined.next()) {
        Ok(Some(Joined::To(decision_id))) => FeedbackResult::Joined(JoinedTo { decision_id }),
        Ok(Some(Joined::Ambiguous)) => {
            let problem = "several customers have a ticket of this id";
            let next = "Send its customer, or the decision_id that triage gave";
            let error = Problem::new(Code::Conflict, &format!("items[{index}]"), problem, next);
            FeedbackResult::Fault(ItemFault { index, error })
        }
        Ok(_) => {
            let problem = "no decision is known of it";
            let next = "Send the decision_id that triage gave, or a ticket that was sent to triage";
            let error = Problem::new(Code::NotFound, &format!("items[{index}]"), problem, next);
            FeedbackResult::Fault(ItemFault { index, error })
        }
        Err(error) => FeedbackResult::Fault(ItemFault { index, error }),
    };
    Ok(news.into_iter().enumerate().map(view).collect())
}

/// Notes replies of technicians that take back what Firstline had said.
fn corrections(shared: &Shared, news: &[Feedback], joined: &[Joined]) -> Result<(), Problem> {
    let now = shared.clock.now();
    for (one, joined) in news.iter().zip(joined) {
        let (Some(reply), Joined::To(decision)) = (&one.outcome.reply, joined) else { continue };
        let written = [Written { at: one.outcome.first_response_at.unwrap_or(now), text: reply }];
        if may_correct(&written) {
            let hours = shared.desk()?.hours;
            note_correction(shared.store.as_ref(), &hours, (decision, &written), now)?;
        }
    }
    Ok(())
}

fn read(shared: &Shared, caller: &Caller, i: usize, mut item: FeedbackItem) -> Result<Feedback, Problem> {
    let place = format!("items[{i}]");
    let fault = |problem: &str, next: &str| Problem::new(Code::Request, &place, problem, next);
    if item.decision_id.is_none() && item.ticket_id.is_none() {
        return Err(fault("neither decision_id nor ticket_id", "Send one of them"));
    }
    if item.handle_seconds.is_some_and(|seconds| !(0.0..=1e8).contains(&seconds)) {
        return Err(fault("handle_seconds is no time", "Send seconds, 0 or more"));
    }
    if item.reply.as_ref().is_some_and(|reply| reply.len() > MOST_REPLY) {
        return Err(fault(
            "the reply is longer than 64 KiB",
            "Send what was written, without what it quotes",
        ));
    }
    let (first, last) = (Timestamp::UNIX_EPOCH, shared.clock.now() + 24.hours());
    if item.tier.is_some_and(|tier| !(1..=3).contains(&tier)) {
        return Err(fault("tier is none of 1, 2, 3", "Send the highest tier that worked on it"));
    }
    if item.merged_into.as_ref().is_some_and(|into| into.trim().is_empty() || into.len() > MOST_ID) {
        return Err(fault(
            "merged_into is empty or longer than 256 bytes",
            "Send the id of the ticket that goes on",
        ));
    }
    if [item.first_response_at, item.resolved_at, item.acknowledged_at]
        .into_iter()
        .flatten()
        .any(|at| !(first..=last).contains(&at))
    {
        return Err(Problem::new(
            Code::Date,
            &place,
            "a time that can't be",
            "Send when it was, as RFC 3339",
        ));
    }
    item.reply = item.reply.map(|reply| unmarked(&reply));
    // A machine's acknowledgement is no reply, and the time that it was sent at is no response's.
    let acknowledges = |reply: &String| shared.live.load().index.acknowledgements().is_one(reply);
    if item.reply.as_ref().is_some_and(acknowledges) {
        item.acknowledged_at = item.acknowledged_at.or(item.first_response_at);
        (item.reply, item.first_response_at, item.first_response_basis) = (None, None, None);
    }
    let final_labels = labels(&item.labels, &place)?;
    let initial_labels = item.initial_labels.as_ref().map(|named| labels(named, &place)).transpose()?;
    let customer = item.customer.as_deref().map(customer_key);
    let distance = match &item.reply {
        Some(reply) => {
            let record = match (&item.decision_id, &item.ticket_id) {
                (Some(id), _) => shared.store.decision(id)?.filter(|record| caller.sees(record)),
                (None, Some(number)) => {
                    shared.store.decision_of(number, customer.as_deref(), &caller.customers)?
                }
                (None, None) => None,
            };
            let closed =
                Ticket { technician: final_labels.get(&Field::Technician).cloned(), ..Ticket::default() };
            let live = shared.live.load();
            let (signature, endings) = (&live.voice.signature, live.index.endings());
            let far = |draft: Draft| reply_distance(&draft.text, signature, reply, &closed, endings);
            record.and_then(|record| record.draft).map(far)
        }
        None => None,
    };
    Ok(Feedback {
        decision_id: item.decision_id,
        ticket_id: item.ticket_id,
        customer,
        outcome: Outcome {
            labels: final_labels,
            reply: item.reply,
            first_response_at: item.first_response_at,
            resolved_at: item.resolved_at,
            reopened: item.reopened,
            escalated: item.escalated,
            customer_visible_error: item.customer_visible_error,
            handle_seconds: item.handle_seconds,
            distance,
            first_response_basis: item.first_response_basis.map(Into::into),
            acknowledged_at: item.acknowledged_at,
            tier: item.tier,
            initial_basis: item.initial_basis.filter(|_| initial_labels.is_some()).map(Into::into),
            initial_labels,
            opened_by_technician: item.opened_by_technician,
            project: item.project,
            deleted: item.deleted,
            merged_into: item.merged_into,
            history_known: item.history_known,
        },
        source: "feedback".to_owned(),
        actor: caller.key.clone(),
    })
}
