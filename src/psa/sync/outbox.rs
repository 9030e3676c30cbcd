//! What was approved, done in the PSA.
//!
//! Right before each write the service is asked whether it still holds, and the PSA whose the ticket is: words for one customer never go
//! to another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firstline_fault::{Code, Error, Result};
use firstline_ticket::{ActorKind, Event, Field, Happening, customer_key, own_mark};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::api::{Claimed, Service, Settled, Wanted, What};
use super::cursor::Cursor;
use super::round::{Round, RoundSettings, WriteSettings, expected, is_id, renew};
use crate::automation::{Automation, Order, Ran};
use crate::connector::{Act, Connector, Done, Turn};

/// Actions that fail in a row before the rest waits for the next round: each that is claimed and fails uses up an attempt.
const STRIKES: u32 = 2;
/// How long actions are done before the PSA is asked for changes again, and how long a backlog is read before actions are done.
pub(super) const EVERY: Duration = Duration::from_secs(30);

pub(super) fn act(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, write, go_on): (&RoundSettings, &WriteSettings, &dyn Fn() -> bool),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let owner = settings.owner.as_str();
    let mut failed = 0;
    let began = Instant::now();
    while failed < STRIKES && began.elapsed() < EVERY && go_on() {
        // A process that has lost its lease must not write.
        if let Some(other) = renew(service, settings, None)? {
            done.other = Some(other);
            return Ok(());
        }
        let Some(action) = service.claim(owner, 1)?.pop() else { return Ok(()) };
        psa.write_by(Some(action.ends()));
        let result = one(psa, service, (&action, settings, write), cursor);
        psa.write_by(None);
        failed = if result.is_err() { failed + 1 } else { 0 };
        if let Ok(Some(Did { done: Done::Written { .. } | Done::WasThere { .. }, set, .. })) = &result
            && matches!(action.what, What::SetFields(_))
        {
            remember(cursor, &action.ticket_id, set);
            // Before anybody hears of it: after a crash these labels must not be taken for a person's.
            renew(service, settings, Some(cursor))?;
        }
        settle(service, (&action, owner), result, done)?;
    }
    Ok(())
}

/// What came of an action.
struct Did {
    done: Done,
    /// The labels that stand by it and not by a person before.
    set: BTreeMap<Field, String>,
    /// What an automation answered.
    answer: Option<Value>,
}

impl From<Done> for Did {
    fn from(done: Done) -> Self {
        Self { done, set: BTreeMap::new(), answer: None }
    }
}

/// From now on these are the labels that a person may change.
fn remember(cursor: &mut Cursor, ticket: &str, set: &BTreeMap<Field, String>) {
    if let Some(open) = cursor.open.get_mut(ticket) {
        open.labels.extend(set.iter().map(|(field, label)| (*field, Some(label.clone()))));
    }
}

fn settle(
    service: &mut Service,
    (action, owner): (&Claimed, &str),
    result: Result<Option<Did>>,
    done: &mut Round,
) -> Result<()> {
    let told_of = match result {
        Ok(Some(Did { done: Done::Written { psa_ref, cut }, answer, .. })) => {
            done.written += 1;
            done.faults.extend(cut.map(|cut| format!("action {}: {cut}", action.id)));
            let settled = Settled::Done { psa_ref: psa_ref.as_deref(), result: answer.as_ref() };
            service.settle(action.id, owner, &settled)
        }
        Ok(Some(Did { done: Done::WasThere { psa_ref }, .. })) => {
            service.settle(action.id, owner, &Settled::Done { psa_ref: psa_ref.as_deref(), result: None })
        }
        Ok(Some(Did { done: Done::Changed { what }, .. })) => {
            done.returned += 1;
            service.settle(action.id, owner, &Settled::Returned(&what))
        }
        // It is void, or another's: nobody here has a word in it.
        Ok(None) => Ok(None),
        // What the PSA does not take it will never take; the first time its lists may have been read too long ago.
        Err(error) if error.code() == Some(Code::PsaRefused) && action.attempts > 1 => {
            done.returned += 1;
            service.settle(action.id, owner, &Settled::Returned(&told(&error)))
        }
        Err(error) => {
            let why = told(&error);
            done.faults.push(format!("action {}: {why}", action.id));
            service.settle(action.id, owner, &Settled::Failed(&why))
        }
    };
    done.faults.extend(told_of?.map(|why| format!("action {}: {why}", action.id)));
    Ok(())
}

/// What is done for an action.
enum Deed<'a> {
    Act(Act),
    Run(&'a Automation, &'a Value),
}

impl Deed<'_> {
    fn is_turn(&self) -> bool {
        matches!(self, Self::Act(Act::Turn(_)))
    }
}

/// What an action asks for, as the settings allow it; else why it is not done.
fn deed<'a>(action: &'a Claimed, write: &'a WriteSettings) -> std::result::Result<Deed<'a>, &'static str> {
    let customer = action.customer.clone();
    let turn = |wanted: &Wanted, closes, allowed: Option<&String>| {
        let status = wanted.status.as_ref().or(allowed)?.clone();
        let technician = wanted.technician.clone();
        allowed.map(|_| {
            Deed::Act(Act::Turn(Turn { closes, status, ends: false, customer: customer.clone(), technician }))
        })
    };
    match &action.what {
        What::Reply(text) => {
            let (text, visible) = (text.clone(), write.visible_replies);
            Ok(Deed::Act(Act::Note { text, visible, customer, status: None }))
        }
        What::SetFields(fields) => Ok(Deed::Act(Act::SetFields(fields.clone()))),
        What::Close(wanted) => turn(wanted, true, write.close_status.as_ref())
            .ok_or("tickets are not closed from here: set \"close_status\" in [write]"),
        What::Reopen(wanted) => turn(wanted, false, write.reopen_status.as_ref())
            .ok_or("tickets are not opened again from here: set \"reopen_status\" in [write]"),
        What::Run(input) => write
            .automation
            .as_ref()
            .map(|automation| Deed::Run(automation, input))
            .ok_or("no automation is run from here: add a [run] section"),
    }
}

/// Seconds by which a message and what the PSA keeps of it may be apart.
const APART: SignedDuration = SignedDuration::from_secs(5);

/// What has happened in a ticket that keeps an action from being done without a person. An attempt that was cut off may be among it: that
/// is Firstline's, and no person's.
fn overtaken(psa: &mut dyn Connector, action: &Claimed) -> Result<Option<String>> {
    let Some(as_of) = action.quiet.as_of else { return Ok(None) };
    let untouched_since = action.quiet.untouched_since.unwrap_or(as_of);
    let is_reply = matches!(action.what, What::Reply(_));
    let later = |event: &Event, since: Timestamp| event.at.duration_since(since) > APART;
    let told = |event: &Event| match (event.actor_kind, &event.what) {
        (ActorKind::Technician, _) if later(event, untouched_since) => {
            Some(format!("a technician has worked on it since: at {}", event.at))
        }
        (ActorKind::Customer, Happening::Message { automatic: false, .. }) if later(event, as_of) => {
            Some(format!("the customer wrote again at {}", event.at))
        }
        // Before a store was restored, for one.
        (ActorKind::Firstline, Happening::Message { .. }) if is_reply => {
            Some(format!("Firstline has answered already, at {}", event.at))
        }
        _ => None,
    };
    Ok(psa.history(&action.ticket_id)?.events.iter().find_map(told))
}

/// Does an action; `None` where it is no longer this process' to do.
fn one(
    psa: &mut dyn Connector,
    service: &mut Service,
    (action, settings, write): (&Claimed, &RoundSettings, &WriteSettings),
    cursor: &Cursor,
) -> Result<Option<Did>> {
    let returned = |what: &str| Ok(Some(Done::Changed { what: what.to_owned() }.into()));
    if !is_id(&action.ticket_id) {
        return returned("its id is none of this PSA's");
    }
    let Some(record) = psa.ticket(&action.ticket_id)?.filter(|record| record.ticket.id == action.ticket_id)
    else {
        return returned("the ticket is gone");
    };
    if customer_key(record.ticket.customer.as_deref().unwrap_or_default()) != action.customer {
        return returned("the ticket is another customer's");
    }
    let deed = match deed(action, write) {
        Ok(deed) => deed,
        Err(why) => return returned(why),
    };
    if let (Deed::Act(Act::Note { text, .. }), true) = (&deed, action.attempts > 1) {
        let mark = own_mark(text).unwrap_or(text);
        if let Some(psa_ref) = psa.find_mark(&action.ticket_id, mark)? {
            return Ok(Some(Done::WasThere { psa_ref: Some(psa_ref) }.into()));
        }
    }
    if record.merged_into.is_some() || record.closed && !deed.is_turn() {
        return returned("the ticket is closed");
    }
    if record.closed && matches!(action.what, What::Close(_)) {
        return Ok(Some(Done::WasThere { psa_ref: None }.into()));
    }
    if let Some(what) = overtaken(psa, action)? {
        return returned(&what);
    }
    // A slow PSA may have cost the claim or the lease.
    if !service.is_claimed(action)? || renew(service, settings, None)?.is_some() {
        return Ok(None);
    }
    let act = match &deed {
        Deed::Act(act) => act,
        Deed::Run(automation, input) => return Ok(Some(run(automation, action, input)?)),
    };
    let Act::SetFields(fields) = act else {
        return Ok(Some(psa.apply(&action.ticket_id, act, &BTreeMap::new())?.into()));
    };
    // What stands already is somebody else's, unless an earlier attempt has set it.
    let stands =
        |field: Field, wanted: &str| record.ticket.label(field) == Some(wanted) && action.attempts == 1;
    let set = fields.iter().filter(|(field, wanted)| !stands(**field, wanted));
    let set = set.map(|(field, wanted)| (*field, wanted.clone())).collect();
    let done = psa.apply(&action.ticket_id, act, &expected(cursor, &action.ticket_id))?;
    Ok(Some(Did { done, set, answer: None }))
}

/// Has an automation run. It knows by the key what it has done before.
fn run(automation: &Automation, action: &Claimed, input: &Value) -> Result<Did> {
    let order = Order {
        key: &action.key,
        action: action.id,
        ticket: &action.ticket_id,
        customer: &action.customer,
        decision: &action.decision_id,
        attempts: action.attempts,
        input,
    };
    Ok(match automation.run(&order)? {
        Ran::Answered(answer) => Did {
            done: Done::Written { psa_ref: None, cut: None },
            set: BTreeMap::new(),
            answer: Some(answer),
        },
        Ran::Refused(what) => Done::Changed { what }.into(),
    })
}

fn told(error: &Error) -> String {
    match error {
        Error::User(fault) => format!("{}: {}", fault.place, fault.problem),
        fault => fault.to_string(),
    }
}
