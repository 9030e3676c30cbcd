//! `POST /v1/answers`: what customers wrote after a reply, read, and what follows from it.
//!
//! The words are read and forgotten: the store keeps how they were read. Must never close a ticket on words that nothing is certified for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{AnswerSaid, Answered, Cell, Conversation, NewAnswer};
use firstline_ticket::{Field, Phase, customer_key};
use firstline_triage::{Answer, AnswerReading, Said};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::missing;
use super::wire::ItemFault;
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::problem::Problem;
use crate::rollout::allowed;
use crate::shared::Shared;

/// Answers of a call.
const MOST: usize = 256;
/// Bytes of a message, and of a name.
const MOST_TEXT: usize = 64 << 10;
const MOST_NAME: usize = 256;

/// Answers of customers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswersRequest {
    /// The answers, oldest first of each ticket.
    #[schema(min_items = 1, max_items = 256)]
    answers: Vec<AnswerItem>,
}

/// A message that a customer wrote after a reply.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerItem {
    /// The ticket.
    #[schema(min_length = 1, max_length = 256)]
    ticket_id: String,
    /// Whose it is: needed where several customers have one of that id.
    #[serde(default)]
    #[schema(max_length = 256)]
    customer: Option<String>,
    /// The PSA's id of the message, unique within the ticket: the same again is the same answer.
    #[schema(min_length = 1, max_length = 256)]
    key: String,
    /// When it was written, RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// The message as it came, text or HTML, with what it quotes.
    #[schema(max_length = 65_536)]
    text: String,
    /// Its subject.
    #[serde(default)]
    #[schema(max_length = 256)]
    subject: Option<String>,
    /// Who wrote it, as the PSA names them.
    #[serde(default)]
    #[schema(max_length = 256)]
    sender: Option<String>,
    /// Whether a program wrote it: an out-of-office note.
    #[serde(default)]
    automatic: bool,
    /// Whether something is attached to it.
    #[serde(default)]
    attached: bool,
}

/// What became of each, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswersResponse {
    results: Vec<AnswerResult>,
}

/// What became of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum AnswerResult {
    /// It was read.
    Read(AnswerRead),
    /// It could not be.
    Fault(ItemFault),
}

/// How an answer was read.
#[derive(Debug, Serialize, ToSchema)]
struct AnswerRead {
    ticket_id: String,
    /// What it says.
    said: AnswerMeaning,
    /// Its language, ISO 639-1, where its words are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Whether a ticket may be closed on it.
    certified: bool,
    /// What follows.
    follows: Follows,
}

/// What an answer says. `confirmed`: it is done; `contradicted`: it is not; `thanks`: nothing of the matter; `other`: anything else, for a
/// person to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnswerMeaning {
    /// It is done.
    Confirmed,
    /// It is not done.
    Contradicted,
    /// Thanks.
    Thanks,
    /// Anything else.
    Other,
}

/// What follows from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Follows {
    /// Nothing.
    Nothing,
    /// The ticket is to be closed.
    Close,
    /// It is to be opened again, and is a suspected incident.
    Reopen,
    /// It was told before: what followed then stands.
    Known,
}

/// Reads what customers wrote after a reply that Firstline has sent.
///
/// A ticket is closed only where acting alone is granted and switched on, Firstline's reply went out alone, nobody of the desk is at it, and
/// phrases and classifier both say that it is done. Where the customer says that it is not, a ticket that was answered alone, or is closed,
/// is opened again and given to a technician. Silence follows nothing.
#[utoipa::path(
    post, path = "/v1/answers", tag = "people", security(("key" = ["feedback"])),
    request_body = AnswersRequest,
    responses((status = 200, description = "How each was read", body = AnswersResponse))
)]
pub(crate) async fn send_answers(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<AnswersRequest>,
) -> Result<Json<AnswersResponse>, Problem> {
    caller.may(Scope::Feedback)?;
    if !(1..=MOST).contains(&request.answers.len()) {
        let problem = format!("{} answers", request.answers.len());
        return Err(Problem::new(Code::Limit, "answers", problem, "Send 1 to 256 at a time"));
    }
    let results = shared.blocking(move |shared| {
        let answers = request.answers.into_iter().enumerate();
        let results = answers.map(|(index, item)| match take(shared, &caller, index, &item) {
            Ok(read) => AnswerResult::Read(read),
            Err(error) => AnswerResult::Fault(ItemFault { index, error }),
        });
        Ok(results.collect())
    });
    Ok(Json(AnswersResponse { results: results.await? }))
}

fn take(shared: &Shared, caller: &Caller, index: usize, item: &AnswerItem) -> Result<AnswerRead, Problem> {
    check(shared, index, item)?;
    let customer = item.customer.as_deref().map(customer_key);
    let found = shared.store.conversation(&item.ticket_id, customer.as_deref(), &caller.customers)?;
    let conversation = found.ok_or_else(|| missing("ticket"))?;
    let nothing = |reading: &AnswerReading, follows| AnswerRead {
        ticket_id: item.ticket_id.clone(),
        said: meaning(reading.said),
        language: reading.language.map(str::to_owned),
        certified: reading.certified,
        follows,
    };
    let live = shared.live.load_full();
    let answer = Answer {
        text: &item.text,
        subject: item.subject.as_deref(),
        sender: item.sender.as_deref(),
        ticket: conversation.ticket.as_ref(),
        attached: item.attached,
        automatic: item.automatic,
    };
    let reading = live.engine.read_answer(&answer);
    // What was written before Firstline said anything is no answer to it.
    if conversation.replied.is_none_or(|reply| item.at <= reply.at) {
        return Ok(nothing(&reading, Follows::Nothing));
    }
    let now = shared.clock.now();
    let hold = i64::from(shared.settings.autonomous.hold_seconds).seconds();
    let new = NewAnswer {
        conversation: &conversation,
        key: &item.key,
        at: item.at,
        said: stored(reading.said),
        language: reading.language,
        confidence: reading.confidence,
        close: may_close(shared, &conversation, &reading)?.then(|| now.checked_add(hold).unwrap_or(now)),
        reopen: reading.said == Said::Contradicted && opens_again(&conversation),
        actor: &caller.key,
    };
    let follows = match shared.store.record_answer(&new, now)? {
        Answered::Noted => Follows::Nothing,
        Answered::Closes => Follows::Close,
        Answered::Reopens => Follows::Reopen,
        Answered::Known => Follows::Known,
    };
    Ok(nothing(&reading, follows))
}

fn check(shared: &Shared, index: usize, item: &AnswerItem) -> Result<(), Problem> {
    let place = format!("answers[{index}]");
    let fault = |problem: &str, next: &str| Err(Problem::new(Code::Request, &place, problem, next));
    if item.text.len() > MOST_TEXT {
        return fault("its text is longer than 64 KiB", "Send its beginning");
    }
    let names = [
        Some(&item.ticket_id),
        Some(&item.key),
        item.customer.as_ref(),
        item.subject.as_ref(),
        item.sender.as_ref(),
    ];
    if names.into_iter().flatten().any(|name| name.len() > MOST_NAME) || item.key.trim().is_empty() {
        return fault("a name or the key is empty or longer than 256 bytes", "Send them as the PSA has them");
    }
    if !(Timestamp::UNIX_EPOCH..=shared.clock.now() + 24.hours()).contains(&item.at) {
        return Err(Problem::new(
            Code::Date,
            &place,
            "a time that can't be",
            "Send when it was written, as RFC 3339",
        ));
    }
    Ok(())
}

/// Whether the ticket may be closed on what its customer has written.
fn may_close(shared: &Shared, conversation: &Conversation, reading: &AnswerReading) -> Result<bool, Problem> {
    let record = &conversation.record;
    let alone = conversation.replied.is_some_and(|reply| reply.alone);
    let confirmed = reading.said == Said::Confirmed && reading.certified;
    if !shared.settings.autonomous.close || !confirmed || !alone || conversation.touched || record.closed {
        return Ok(false);
    }
    let label = |field| record.decision.fields.get(&field).map(|decided| decided.label.as_str());
    let cell =
        Cell { customer: &record.customer, board: label(Field::Board), ticket_type: label(Field::Type) };
    let found = allowed(shared.store.as_ref(), shared.settings.phase, &[(cell, &record.bundle)])?;
    Ok(found.first().is_some_and(|allowed| allowed.phase == Phase::Autonomous))
}

/// Whether a contradiction opens it again: Firstline answered alone, or it is closed. To what a person approved customers say in the course
/// of things that it is not done yet.
fn opens_again(conversation: &Conversation) -> bool {
    conversation.record.closed || conversation.replied.is_some_and(|reply| reply.alone)
}

fn meaning(said: Said) -> AnswerMeaning {
    match said {
        Said::Confirmed => AnswerMeaning::Confirmed,
        Said::Contradicted => AnswerMeaning::Contradicted,
        Said::Thanks => AnswerMeaning::Thanks,
        Said::Other => AnswerMeaning::Other,
    }
}

fn stored(said: Said) -> AnswerSaid {
    match said {
        Said::Confirmed => AnswerSaid::Confirmed,
        Said::Contradicted => AnswerSaid::Contradicted,
        Said::Thanks => AnswerSaid::Thanks,
        Said::Other => AnswerSaid::Other,
    }
}
