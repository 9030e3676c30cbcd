//! Tickets come in: each is read, checked and prepared by itself, so that a bad one harms no other; a ticket that was decided as
//! it is gets the decision that it has.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_fault::Code;
use firstline_ticket::Ticket;
use firstline_triage::sha256_hex;
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::app::App;
use crate::auth::Caller;
use crate::desk::Desk;
use crate::item::{Answer, Asked, Item, not_for_this_key};
use crate::problem::Problem;

/// Longest id of a ticket, and longest name of its customer, in bytes.
const MOST_ID: usize = 256;
/// Longest text of a ticket, in bytes: attachments are no text.
const MOST_TEXT: usize = 1 << 20;
/// Bytes of text that are about a token.
const BYTES_PER_TOKEN: usize = 4;

/// What the sender of some tickets wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) drafts: bool,
    /// Whether text that is too long for the encoder may be cut.
    pub(crate) truncate: bool,
    pub(crate) deadline: Duration,
}

/// A ticket that has been read.
enum Slot {
    Known(Box<Answer>),
    Waiting(oneshot::Receiver<Result<Answer, Problem>>),
    Bad(Problem),
}

/// Decides tickets; one result for each, in their order.
pub(crate) async fn triage(
    app: &Arc<App>,
    caller: &Caller,
    tickets: Vec<Value>,
    wanted: Wanted,
) -> Result<Vec<Result<Answer, Problem>>, Problem> {
    let received_at = Timestamp::now();
    let came = Instant::now();
    let deadline = came + wanted.deadline;
    let desk = app.desk.load_full();
    let most = desk.engine.encoders().max_tokens();
    let tokens = tickets.iter().map(|ticket| (text_bytes(ticket) / BYTES_PER_TOKEN).clamp(1, most)).sum();
    let _place = app.queue.place(tokens).map_err(|seconds| {
        app.metrics.refused.get_or_create(&"E_OVERLOAD".into()).inc_by(tickets.len() as u64);
        Problem::overload("tickets", seconds)
    })?;
    let caller = caller.clone();
    let slots = app.blocking(move |app| {
        let slots = read(app, &desk, &caller, tickets, (wanted, received_at, came, deadline))?;
        app.metrics.stage_seconds.get_or_create(&"prepare".into()).observe(came.elapsed().as_secs_f64());
        Ok(slots)
    });
    let mut results = Vec::new();
    for slot in slots.await? {
        results.push(match slot {
            Slot::Known(answer) => Ok(*answer),
            Slot::Bad(problem) => Err(problem),
            // Whoever decides gives up what is late by itself; a little more, and something is stuck.
            Slot::Waiting(answer) => {
                match tokio::time::timeout_at((deadline + Duration::from_secs(1)).into(), answer).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(_)) => Err(Problem::internal("a ticket was lost on its way")),
                    Err(_) => Err(late()),
                }
            }
        });
    }
    for problem in results.iter().filter_map(|result| result.as_ref().err()) {
        app.metrics.refused.get_or_create(&problem.code.into()).inc();
    }
    Ok(results)
}

fn late() -> Problem {
    let next = "Send it again: where it was decided meanwhile, it gets that decision";
    Problem::new(Code::Deadline, "the ticket", "it was not decided within the deadline", next)
}

fn text_bytes(ticket: &Value) -> usize {
    ["subject", "body"].iter().filter_map(|key| ticket.get(key)?.as_str()).map(str::len).sum()
}

/// Reads tickets and puts those into the queue that have to be decided.
fn read(
    app: &App,
    desk: &Arc<Desk>,
    caller: &Caller,
    tickets: Vec<Value>,
    (wanted, received_at, came, deadline): (Wanted, Timestamp, Instant, Instant),
) -> Result<Vec<Slot>, Problem> {
    let mut ids = HashSet::new();
    let checked: Vec<Result<Ticket, Problem>> = tickets
        .into_iter()
        .enumerate()
        .map(|(i, value)| {
            let ticket = check(&format!("tickets[{i}]"), value, caller)?;
            match ids.insert(ticket.id.clone()) {
                true => Ok(ticket),
                false => Err(twice(&format!("tickets[{i}]"))),
            }
        })
        .collect();
    let known: Vec<&str> = checked.iter().flatten().map(|ticket| ticket.id.as_str()).collect();
    let mut standing = if known.is_empty() { Default::default() } else { app.store.standing(&known)? };
    let mut items = Vec::new();
    let mut slots = Vec::new();
    let prepared: Vec<_> = checked
        .into_par_iter()
        .map(|ticket| {
            let ticket = ticket?;
            let prepared = desk.engine.prepare(&ticket)?;
            if prepared.tokens_cut() > 0 && !wanted.truncate {
                return Err(too_long(&ticket.id, prepared.tokens_cut()));
            }
            let hash = input_hash(&ticket)?;
            Ok((ticket, prepared, hash))
        })
        .collect();
    for read in prepared {
        let (ticket, prepared, input_hash) = match read {
            Ok(read) => read,
            Err(problem) => {
                slots.push(Slot::Bad(problem));
                continue;
            }
        };
        let standing = standing.remove(&ticket.id);
        let asked = Asked {
            received_at,
            actor: caller.key.clone(),
            customer: ticket.customer_key(),
            customers: caller.customers.clone(),
            storm: desk.engine.storm_key(&ticket, &prepared),
            draft: wanted.drafts,
            work: None,
            input_hash,
        };
        let (reply, answer) = oneshot::channel();
        let desk = Arc::clone(desk);
        let item = Item { desk, ticket, prepared, asked, standing, came, deadline, tries: 0, reply };
        slots.push(if let Some(problem) = item.refused() {
            Slot::Bad(problem)
        } else if let Some(known) = item.again(app.store.as_ref(), &app.bell) {
            Slot::Known(Box::new(known?))
        } else {
            items.push(item);
            Slot::Waiting(answer)
        });
    }
    match app.queue.push(items) {
        Ok(()) => Ok(slots),
        Err(_) => Err(Problem::overload("the service is stopping", 5)),
    }
}

/// A ticket that may be decided, of a JSON value; `place` is where it stands.
pub(crate) fn check(place: &str, value: Value, caller: &Caller) -> Result<Ticket, Problem> {
    if !value.is_object() {
        return Err(Problem::new(
            Code::TicketJson,
            place,
            "no JSON object",
            "Send tickets in the canonical form",
        ));
    }
    let ticket: Ticket = serde_json::from_value(value).map_err(|e| {
        Problem::new(Code::TicketJson, place, e.to_string(), "Send tickets in the canonical form")
    })?;
    ticket.check(place)?;
    let too_long = |what: &str| {
        let problem = format!("its {what} is longer than {MOST_ID} bytes");
        Problem::new(Code::TicketId, place, problem, "Send it as the PSA has it")
    };
    if ticket.id.len() > MOST_ID {
        return Err(too_long("id"));
    }
    if ticket.customer.as_ref().is_some_and(|customer| customer.len() > MOST_ID) {
        return Err(too_long("customer"));
    }
    let text = [&ticket.subject, &ticket.body].into_iter().flatten().map(String::len).sum::<usize>();
    if text > MOST_TEXT {
        let problem = format!("its text is longer than {MOST_TEXT} bytes");
        return Err(Problem::new(Code::Limit, place, problem, "Send it without attachments"));
    }
    match caller.customers.has(&ticket.customer_key()) {
        true => Ok(ticket),
        false => Err(not_for_this_key()),
    }
}

pub(crate) fn twice(place: &str) -> Problem {
    let next = "Send each ticket once in a call";
    Problem::new(Code::TicketId, place, "its id stands before in this call", next)
}

fn too_long(id: &str, tokens: usize) -> Problem {
    let problem = format!("{tokens} tokens of its text do not fit the encoder");
    let next = "Set \"truncate\": true, and its middle is cut out of the embedding; the answer says how much";
    Problem::new(Code::Input, &format!("ticket {id}"), problem, next)
}

/// Hash of what a ticket says.
pub(crate) fn input_hash(ticket: &Ticket) -> Result<String, Problem> {
    Ok(sha256_hex(&serde_json::to_vec(ticket).map_err(Problem::internal)?))
}
