//! What was approved, done in the PSA.
//!
//! Right before each write the service is asked whether it still holds, and the PSA whose the ticket is: words for one customer never go
//! to another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firstline_fault::{Code, Error, Result};
use firstline_ticket::{Field, customer_key, own_mark};

use super::api::{Claimed, Service, Settled, What};
use super::cursor::Cursor;
use super::round::{Round, RoundSettings, WriteSettings, expected, is_id, renew};
use crate::connector::{Act, Connector, Done};

/// Actions that fail in a row before the rest waits for the next round: each that is claimed and fails uses up an attempt.
const STRIKES: u32 = 2;
/// How long actions are done before the PSA is asked for changes again, and how long a backlog is read before actions are done.
pub(super) const EVERY: Duration = Duration::from_secs(30);

pub(super) fn act(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, write, go_on): (&RoundSettings, WriteSettings, &dyn Fn() -> bool),
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
        let is_done = result
            .as_ref()
            .is_ok_and(|what| matches!(what, Some((Done::Written { .. } | Done::WasThere { .. }, _))));
        if is_done && matches!(action.what, What::SetFields(_)) {
            if let Ok(Some((_, set))) = &result {
                remember(cursor, &action.ticket_id, set);
            }
            // Before anybody hears of it: after a crash these labels must not be taken for a person's.
            renew(service, settings, Some(cursor))?;
        }
        settle(service, (&action, owner), result.map(|done| done.map(|(done, _)| done)), done)?;
    }
    Ok(())
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
    result: Result<Option<Done>>,
    done: &mut Round,
) -> Result<()> {
    let told_of = match result {
        Ok(Some(Done::Written { psa_ref, cut })) => {
            done.written += 1;
            done.faults.extend(cut.map(|cut| format!("action {}: {cut}", action.id)));
            service.settle(action.id, owner, &Settled::Done(psa_ref.as_deref()))
        }
        Ok(Some(Done::WasThere { psa_ref })) => {
            service.settle(action.id, owner, &Settled::Done(psa_ref.as_deref()))
        }
        Ok(Some(Done::Changed { what })) => {
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

/// Does an action, and gives the labels that stand by it and not by a person before; `None` where it is no longer this process' to do.
fn one(
    psa: &mut dyn Connector,
    service: &mut Service,
    (action, settings, write): (&Claimed, &RoundSettings, WriteSettings),
    cursor: &Cursor,
) -> Result<Option<(Done, BTreeMap<Field, String>)>> {
    let returned = |what: &str| Ok(Some((Done::Changed { what: what.to_owned() }, BTreeMap::new())));
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
    let act = match &action.what {
        What::Reply(text) => Act::Note {
            text: text.clone(),
            visible: write.visible_replies,
            customer: action.customer.clone(),
            status: None,
        },
        What::SetFields(fields) => Act::SetFields(fields.clone()),
    };
    if let (Act::Note { text, .. }, true) = (&act, action.attempts > 1) {
        let mark = own_mark(text).unwrap_or(text);
        if let Some(psa_ref) = psa.find_mark(&action.ticket_id, mark)? {
            return Ok(Some((Done::WasThere { psa_ref: Some(psa_ref) }, BTreeMap::new())));
        }
    }
    if record.closed || record.merged_into.is_some() {
        return returned("the ticket is closed");
    }
    // A slow PSA may have cost the claim or the lease.
    if !service.is_claimed(action)? || renew(service, settings, None)?.is_some() {
        return Ok(None);
    }
    // What stands already is somebody else's, unless an earlier attempt has set it.
    let stands =
        |field: Field, wanted: &str| record.ticket.label(field) == Some(wanted) && action.attempts == 1;
    let set = match &action.what {
        What::SetFields(fields) => fields.iter().filter(|(field, wanted)| !stands(**field, wanted)),
        What::Reply(_) => {
            return Ok(Some((psa.apply(&action.ticket_id, &act, &BTreeMap::new())?, BTreeMap::new())));
        }
    };
    let set = set.map(|(field, wanted)| (*field, wanted.clone())).collect();
    Ok(Some((psa.apply(&action.ticket_id, &act, &expected(cursor, &action.ticket_id))?, set)))
}

fn told(error: &Error) -> String {
    match error {
        Error::User(fault) => format!("{}: {}", fault.place, fault.problem),
        fault => fault.to_string(),
    }
}
