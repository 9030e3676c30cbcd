//! Tickets come in: each is read and checked by itself, so that a bad one harms no other; an unchanged ticket keeps its decision.
//! Calls and jobs come in the same way.
//!
//! Texts are read here, on threads of which one key has few: the queue gets what is ready, and nobody waits there for another key's
//! long text. Must never read for a caller that is gone.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use firstline_fault::{Code, Result as OrFault};
use firstline_store::{CustomerSet, Standing, TicketRef};
use firstline_ticket::Ticket;
use firstline_triage::{sha256_hex, what_is_read};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::auth::Caller;
use crate::extract::LONG_BODY;
use crate::item::{Answer, Item, Order, not_for_this_key};
use crate::live_bundle::LiveBundle;
use crate::memory::Held;
use crate::problem::Problem;
use crate::queue::{Work, cost_of, encoding_cost};
use crate::rollout::{may_correct, note_correction, written};
use crate::shared::Shared;
use crate::ticket_bounds;
use crate::wording::{self, Misfit, brief};

/// Tickets whose texts are read before the first of them is decided.
const READ_TOGETHER: usize = 16;

/// What the sender of some tickets wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) drafts: bool,
    /// Whether text that is too long for the encoder may be cut.
    pub(crate) truncate: bool,
    pub(crate) deadline: Duration,
}

/// A ticket that was read, and what its sender wants.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) ticket: Ticket,
    pub(crate) order: Order,
}

/// What becomes of a ticket that came in.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It was decided before, just as it is.
    Known(Box<Answer>),
    /// It has to be decided: this hears how.
    Waiting(oneshot::Receiver<Result<Answer, Problem>>),
    /// It can't be decided.
    Refused(Problem),
}

/// Decides tickets; one result for each, in their order.
pub(crate) async fn triage(
    shared: &Arc<Shared>,
    caller: &Caller,
    tickets: Vec<Value>,
    wanted: Wanted,
) -> Result<Vec<Result<Answer, Problem>>, Problem> {
    let came = Instant::now();
    let order = Order {
        received_at: shared.clock.now(),
        actor: caller.key.clone(),
        customers: caller.customers.clone(),
        draft: wanted.drafts,
        truncate: wanted.truncate,
        came,
        deadline: came + wanted.deadline,
        work: None,
        _held: Held::current(),
    };
    let deadline = order.deadline;
    let live = shared.live.load_full();
    let most = live.engine.encoders().max_tokens();
    let cost = tickets.iter().map(|ticket| cost_of(text_bytes(ticket), most)).sum();
    let is_long = tickets.iter().map(text_bytes).sum::<usize>() > LONG_BODY;
    let place = shared.queue.place(&caller.key, cost).map_err(|seconds| {
        shared.metrics.refused.get_or_create(&"E_OVERLOAD".into()).inc_by(tickets.len() as u64);
        Problem::overload("tickets", seconds)
    })?;
    let caller = place.caller();
    let work = move |shared: &Shared| {
        let (admitted, items) = admit(shared, &live, read(tickets, &order))?;
        read_texts(shared, &order.actor, &caller, items)?;
        Ok(admitted)
    };
    let admitted = if is_long { shared.reading(deadline, work).await } else { shared.blocking(work).await };
    let mut results = Vec::new();
    for admitted in admitted? {
        results.push(answer(admitted, deadline).await);
    }
    place.finish();
    for problem in results.iter().filter_map(|result| result.as_ref().err()) {
        shared.metrics.refused.get_or_create(&problem.code.into()).inc();
    }
    Ok(results)
}

/// Reads what the tickets say and puts them into the queue, some at a time: the first are decided while the next are read.
fn read_texts(shared: &Shared, key: &str, caller: &Weak<()>, items: Vec<Item>) -> Result<(), Problem> {
    let start = Instant::now();
    let mut items = items.into_iter().take_while(|_| caller.strong_count() > 0).peekable();
    while items.peek().is_some() {
        let some = items.by_ref().take(READ_TOGETHER);
        let some: Vec<Work> = some.filter_map(Item::read).map(|item| Work::Ticket(Box::new(item))).collect();
        shared.queue.push(key, some).map_err(|_| Problem::overload("the service is stopping", 5))?;
    }
    shared.metrics.stage("prepare", start);
    Ok(())
}

/// Waits for the answer. The lane that decides gives up by itself what is late; a little more, and something is stuck.
async fn answer(admitted: Admitted, deadline: Instant) -> Result<Answer, Problem> {
    let waiting = match admitted {
        Admitted::Known(answer) => return Ok(*answer),
        Admitted::Refused(problem) => return Err(problem),
        Admitted::Waiting(waiting) => waiting,
    };
    match tokio::time::timeout_at((deadline + Duration::from_secs(1)).into(), waiting).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Problem::internal("a ticket was lost on its way")),
        Err(_) => Err(Problem::late("the ticket")),
    }
}

fn text_bytes(ticket: &Value) -> usize {
    ["subject", "body"].iter().filter_map(|key| ticket.get(key)?.as_str()).map(str::len).sum()
}

/// Reads the tickets of a call, each once.
fn read(tickets: Vec<Value>, order: &Order) -> Vec<Result<Incoming, Problem>> {
    let mut ids = HashSet::new();
    let incoming = |(i, value): (usize, Value)| {
        let place = format!("tickets[{i}]");
        let ticket = check(&place, value, &order.customers)?;
        match ids.insert(ticket.id.clone()) {
            true => Ok(Incoming { ticket, order: order.clone() }),
            false => Err(twice(&place)),
        }
    };
    tickets.into_iter().enumerate().map(incoming).collect()
}

/// Makes items of tickets; gives the outcome of each, in order, and the items that are to be pushed.
///
/// # Errors
/// The store could not be asked. A ticket that is bad by itself is [refused](Admitted::Refused).
pub(crate) fn admit(
    shared: &Shared,
    live: &Arc<LiveBundle>,
    incoming: Vec<Result<Incoming, Problem>>,
) -> OrFault<(Vec<Admitted>, Vec<Item>)> {
    let customers: Vec<String> =
        incoming.iter().flatten().map(|incoming| incoming.ticket.customer_key()).collect();
    let named = incoming.iter().flatten().zip(&customers);
    let named: Vec<TicketRef<'_>> =
        named.map(|(one, customer)| TicketRef { number: &one.ticket.id, customer }).collect();
    let standing = if named.is_empty() { Vec::new() } else { shared.store.standing(&named)? };
    note_corrections(shared, &incoming, &standing)?;
    let mut known = customers.into_iter().zip(standing);
    let (mut admitted, mut items) = (Vec::with_capacity(incoming.len()), Vec::new());
    let now = shared.clock.now();
    for incoming in incoming {
        let made = incoming.and_then(|incoming| item(live, incoming, known.next().unwrap_or_default()));
        let (item, answer) = match made {
            Ok(made) => made,
            Err(problem) => {
                admitted.push(Admitted::Refused(problem));
                continue;
            }
        };
        admitted.push(if let Some(problem) = item.refused() {
            Admitted::Refused(problem)
        } else if let Some(known) = item.known(shared.store.as_ref(), &shared.draft_bell, now) {
            Admitted::Known(Box::new(known?))
        } else {
            items.push(item);
            Admitted::Waiting(answer)
        });
    }
    Ok((admitted, items))
}

/// Notes what technicians took back of what Firstline had said in tickets that are known.
fn note_corrections(
    shared: &Shared,
    incoming: &[Result<Incoming, Problem>],
    standing: &[Option<Standing>],
) -> OrFault<()> {
    for (incoming, standing) in incoming.iter().flatten().zip(standing) {
        let Some(standing) = standing else { continue };
        let written = written(&incoming.ticket);
        if may_correct(&written) {
            let (hours, now) = (shared.desk()?.hours, shared.clock.now());
            let told = (standing.decision_id.as_str(), &written[..]);
            if note_correction(shared.store.as_ref(), &hours, told, now)? {
                shared.rollout_bell.ring();
            }
        }
    }
    Ok(())
}

/// A ticket on its way, and where its sender hears of it.
type Sent = (Item, oneshot::Receiver<Result<Answer, Problem>>);

/// The item of a ticket, whose customer in the form that customers are compared in, and how the ticket stands there, is `known`.
fn item(
    live: &Arc<LiveBundle>,
    incoming: Incoming,
    known: (String, Option<Standing>),
) -> Result<Sent, Problem> {
    let Incoming { ticket, order } = incoming;
    let (customer, standing) = known;
    let json = serde_json::to_vec(&what_is_read(&ticket)).map_err(Problem::internal)?;
    let bytes = [&ticket.subject, &ticket.body].into_iter().flatten().map(String::len).sum();
    let (reply, answer) = oneshot::channel();
    let item = Item {
        live: Arc::clone(live),
        customer,
        storm_key: None,
        standing,
        cost: encoding_cost(bytes, live.engine.encoders().max_tokens()),
        ticket,
        prepared: None,
        input_hash: sha256_hex(&json),
        order,
        tries: 0,
        reply,
    };
    Ok((item, answer))
}

/// A ticket that may be decided, of a JSON value; `place` is where it stands, `customers` are those that the sender may see.
pub(crate) fn check(place: &str, value: Value, customers: &CustomerSet) -> Result<Ticket, Problem> {
    let not_canonical = |problem: String| {
        Problem::new(Code::TicketJson, place, problem, "Send tickets in the canonical form")
    };
    if !value.is_object() {
        return Err(not_canonical("no JSON object".to_owned()));
    }
    let mut ticket: Ticket = wording::read(value).map_err(|misfit| {
        let Misfit { key, problem } = misfit;
        let place = if key.is_empty() { place.to_owned() } else { format!("{place}.{}", brief(&key)) };
        Problem::new(Code::TicketJson, &place, problem, "Send tickets in the canonical form")
    })?;
    ticket.drop_own_notes();
    ticket.check(place)?;
    ticket_bounds::check(place, &ticket)?;
    match customers.has(&ticket.customer_key()) {
        true => Ok(ticket),
        false => Err(not_for_this_key()),
    }
}

pub(crate) fn twice(place: &str) -> Problem {
    let next = "Send each ticket once in a call";
    Problem::new(Code::TicketId, place, "its id stands before in this call", next)
}
