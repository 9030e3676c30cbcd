//! `POST /v1/events`: what happened to tickets, as the PSA reports it. No words.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{EventResult, NewEvent};
use firstline_ticket::{Event, Happening, customer_key};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{ActorKind, Changed, ItemFault};
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::problem::Problem;
use crate::shared::Shared;
use crate::wording;

/// Events of a call.
pub(crate) const MOST: usize = 1_000;
/// Longest id, name or label, in bytes.
const MOST_NAME: usize = 256;
/// Longest time entry, in seconds: three years.
const MOST_SECONDS: f64 = 1e8;

/// What happened to tickets.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsRequest {
    /// 1 to 1,000 of them.
    #[schema(min_items = 1, max_items = 1_000, value_type = Vec<EventItem>)]
    events: Vec<Value>,
}

/// Something that happened to a ticket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventItem {
    /// The ticket.
    #[schema(min_length = 1, max_length = 256)]
    ticket_id: String,
    /// Whose ticket it is: needed where several customers have one of that id.
    #[serde(default)]
    #[schema(max_length = 256)]
    customer: Option<String>,
    /// The PSA's id of what is reported, unique within the ticket: the same again is the same event.
    #[schema(min_length = 1, max_length = 256)]
    psa_key: String,
    /// When it happened, RFC 3339.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Who did it, as the PSA names them.
    #[serde(default)]
    #[schema(max_length = 256)]
    actor: Option<String>,
    /// Who or what that is.
    actor_kind: ActorKind,
    /// What happened.
    event: EventKind,
    /// Of a message, or a time entry's notes: whether the customer can see it.
    #[serde(default)]
    visible: Option<bool>,
    /// Of a message: whether nobody wrote it, as an acknowledgement.
    #[serde(default)]
    automatic: Option<bool>,
    /// Of a message: a hash of its text without what differs from ticket to ticket, by which texts that recur are known.
    #[serde(default)]
    text_key: Option<u64>,
    /// Of a time entry: seconds of work.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000_000)]
    seconds: Option<f64>,
    /// Of a change: the value that was changed.
    #[serde(default)]
    of: Option<Changed>,
    /// Of a change: what stood there.
    #[serde(default)]
    #[schema(max_length = 256)]
    from: Option<String>,
    /// Of a change: what stands there now.
    #[serde(default)]
    #[schema(max_length = 256)]
    to: Option<String>,
    /// Of a merge: the ticket that goes on.
    #[serde(default)]
    #[schema(max_length = 256)]
    into: Option<String>,
}

/// What happened. `message`: one was written; `time_entry`: somebody worked; `change`: a value was changed; `merge`: the ticket was
/// merged into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// A message was written.
    Message,
    /// Somebody worked.
    TimeEntry,
    /// A value was changed.
    Change,
    /// The ticket was merged into another.
    Merge,
}

/// What became of each event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsResponse {
    /// Events that are on record now, and were not before, or with other content.
    recorded: usize,
    /// What became of each, in order.
    results: Vec<EventOutcome>,
}

/// What became of an event, or why it is not on record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EventOutcome {
    /// It is on record.
    Recorded(EventOnRecord),
    /// It is not.
    Fault(ItemFault),
}

/// An event that is on record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventOnRecord {
    result: OnRecord,
}

/// How an event came on record. `stored`: now; `known`: it was, the same; `changed`: it was with other content, which it has
/// replaced; `kept`: it is with other content that a key for all customers has told, which stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnRecord {
    /// Now.
    Stored,
    /// It was, the same.
    Known,
    /// It has replaced other content.
    Changed,
    /// Other content stands.
    Kept,
}

/// Tells what happened to tickets: messages, changes of status, board and owner, merges, time entries.
///
/// An event is known by its ticket and `psa_key`: the same again changes nothing, in whatever order events come. One of a ticket that
/// was not sent to triage yet is not kept: send it again later. A bad event harms no other.
#[utoipa::path(
    post, path = "/v1/events", tag = "people", security(("key" = ["feedback"])),
    request_body = EventsRequest,
    responses(
        (status = 200, description = "What became of each, in order", body = EventsResponse),
    )
)]
pub(crate) async fn send_events(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<EventsRequest>,
) -> Result<Json<EventsResponse>, Problem> {
    caller.may(Scope::Feedback)?;
    if !(1..=MOST).contains(&request.events.len()) {
        let problem = format!("{} events", request.events.len());
        return Err(Problem::new(Code::Limit, "events", problem, "Send 1 to 1,000 at a time"));
    }
    Ok(Json(shared.blocking(move |shared| record(shared, &caller, request.events)).await?))
}

fn record(shared: &Shared, caller: &Caller, events: Vec<Value>) -> Result<EventsResponse, Problem> {
    let now = shared.clock.now();
    let read: Vec<Result<NewEvent, Problem>> =
        events.into_iter().enumerate().map(|(i, event)| read(i, event, now)).collect();
    let good: Vec<NewEvent> = read.iter().flatten().cloned().collect();
    let results = shared.store.record_events(&good, &caller.customers, &caller.key, now)?;
    let is_new = |result: &&EventResult| matches!(result, EventResult::Stored | EventResult::Changed);
    let recorded = results.iter().filter(is_new).count();
    let mut results = results.into_iter();
    let outcome = |(index, event): (usize, Result<NewEvent, Problem>)| {
        let fault = |error| EventOutcome::Fault(ItemFault { index, error });
        let on_record = |result| EventOutcome::Recorded(EventOnRecord { result });
        match event.map(|_| results.next()) {
            Ok(Some(EventResult::Stored)) => on_record(OnRecord::Stored),
            Ok(Some(EventResult::Known)) => on_record(OnRecord::Known),
            Ok(Some(EventResult::Changed)) => on_record(OnRecord::Changed),
            Ok(Some(EventResult::Kept)) => on_record(OnRecord::Kept),
            Ok(Some(EventResult::Ambiguous)) => {
                let problem = "several customers have a ticket of this id";
                fault(Problem::new(Code::Conflict, &place(index), problem, "Send its customer"))
            }
            Ok(Some(EventResult::Unknown) | None) => {
                let problem = "no ticket of this id was sent to triage yet, or it is not for this key";
                let next = "Send the ticket to triage, and then the event again";
                fault(Problem::new(Code::NotFound, &place(index), problem, next))
            }
            Err(error) => fault(error),
        }
    };
    let results = read.into_iter().enumerate().map(outcome).collect();
    Ok(EventsResponse { recorded, results })
}

fn place(index: usize) -> String {
    format!("events[{index}]")
}

/// One event, checked by itself.
fn read(index: usize, event: Value, now: Timestamp) -> Result<NewEvent, Problem> {
    let fault = |problem: &str, next: &str| Problem::new(Code::Request, &place(index), problem, next);
    if !event.is_object() {
        return Err(fault("it is no object", "Send it as /openapi.json describes it"));
    }
    let item: EventItem = wording::read(event).map_err(|misfit| {
        let problem = match misfit.key.is_empty() {
            true => misfit.problem,
            false => format!("{}: {}", wording::brief(&misfit.key), misfit.problem),
        };
        fault(&problem, "Send it as /openapi.json describes it")
    })?;
    let EventItem { ticket_id, customer, psa_key, at, actor, actor_kind, .. } = &item;
    let needed = [("ticket_id", ticket_id), ("psa_key", psa_key)];
    let texts = [
        ("customer", customer),
        ("actor", actor),
        ("from", &item.from),
        ("to", &item.to),
        ("into", &item.into),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
    if let Some((name, _)) = needed.into_iter().find(|(_, text)| text.trim().is_empty()) {
        return Err(fault(&format!("{name} is empty"), "Send it as the PSA has it"));
    }
    if let Some((name, _)) = needed.into_iter().chain(texts).find(|(_, text)| text.len() > MOST_NAME) {
        return Err(fault(
            &format!("{name} is longer than 256 bytes"),
            "Send an id, a name or a label: no words",
        ));
    }
    if !(Timestamp::UNIX_EPOCH..=now + 24.hours()).contains(at) {
        return Err(Problem::new(
            Code::Date,
            &place(index),
            "a time that can't be",
            "Send when it was, as RFC 3339",
        ));
    }
    Ok(NewEvent {
        ticket_id: ticket_id.clone(),
        customer: customer.as_deref().map(customer_key),
        event: Event {
            psa_key: psa_key.clone(),
            at: *at,
            actor: actor.clone(),
            actor_kind: (*actor_kind).into(),
            what: happening(&item)
                .map_err(|problem| fault(&problem, "Send it as /openapi.json describes it"))?,
        },
    })
}

/// What happened; keys of another kind of event are a fault.
fn happening(item: &EventItem) -> Result<Happening, String> {
    let given = [
        ("visible", item.visible.is_some()),
        ("automatic", item.automatic.is_some()),
        ("text_key", item.text_key.is_some()),
        ("seconds", item.seconds.is_some()),
        ("of", item.of.is_some()),
        ("from", item.from.is_some()),
        ("to", item.to.is_some()),
        ("into", item.into.is_some()),
    ];
    let (kind, allowed): (&str, &[&str]) = match item.event {
        EventKind::Message => ("message", &["visible", "automatic", "text_key"]),
        EventKind::TimeEntry => ("time_entry", &["visible", "seconds"]),
        EventKind::Change => ("change", &["of", "from", "to"]),
        EventKind::Merge => ("merge", &["into"]),
    };
    if let Some((name, _)) = given.into_iter().find(|(name, given)| *given && !allowed.contains(name)) {
        return Err(format!("{name} does not go with a {kind}"));
    }
    let missing = |name: &str| format!("a {kind} needs {name}");
    match item.event {
        EventKind::Message => Ok(Happening::Message {
            visible: item.visible.ok_or_else(|| missing("visible"))?,
            automatic: item.automatic.unwrap_or(false),
            text_key: item.text_key,
        }),
        EventKind::TimeEntry => {
            let seconds = item.seconds.ok_or_else(|| missing("seconds"))?;
            match (0.0..=MOST_SECONDS).contains(&seconds) {
                true => Ok(Happening::TimeEntry { seconds, visible: item.visible.unwrap_or(false) }),
                false => Err("seconds is no time".to_owned()),
            }
        }
        EventKind::Change => Ok(Happening::Change {
            of: item.of.ok_or_else(|| missing("of"))?.into(),
            from: item.from.clone(),
            to: item.to.clone(),
        }),
        EventKind::Merge => {
            let into = item.into.as_deref().map(str::trim).filter(|into| !into.is_empty());
            Ok(Happening::Merge { into: into.ok_or_else(|| missing("into"))?.to_owned() })
        }
    }
}
