//! What was approved, done in the PSA.
//!
//! Right before each write the service is asked whether it still holds, and the PSA whose the ticket is: words for one customer never go
//! to another.

use firstline_fault::{Error, Result};
use firstline_ticket::{customer_key, own_mark};

use super::api::{Claimed, Service, What};
use super::cursor::Cursor;
use super::round::{Round, RoundSettings, WriteSettings, expected, is_id, renew};
use crate::connector::{Act, Connector, Done};

/// Actions that are claimed at a time: they are done well within their claim.
const MOST: usize = 5;

pub(super) fn act(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, write): (&RoundSettings, WriteSettings),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let owner = settings.owner.as_str();
    loop {
        let claimed = service.claim(owner, MOST)?;
        if claimed.is_empty() {
            return Ok(());
        }
        for action in claimed {
            // A process that has lost its lease must not write.
            if let Some(other) = renew(service, settings, None)? {
                done.other = Some(other);
                return Ok(());
            }
            if !service.is_claimed(action.id)? {
                continue;
            }
            settle(psa, service, (&action, owner, write), cursor, done)?;
        }
    }
}

fn settle(
    psa: &mut dyn Connector,
    service: &mut Service,
    (action, owner, write): (&Claimed, &str, WriteSettings),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    match one(psa, action, write, cursor) {
        Ok(Done::Written { psa_ref, cut }) => {
            done.written += 1;
            done.faults.extend(cut.map(|cut| format!("action {}: {cut}", action.id)));
            if let (What::SetFields(fields), Some(open)) =
                (&action.what, cursor.open.get_mut(&action.ticket_id))
            {
                // From now on these are the labels that a person may change.
                open.labels.extend(fields.iter().map(|(field, label)| (*field, Some(label.clone()))));
            }
            service.settle(action.id, owner, None, psa_ref.as_deref())
        }
        Ok(Done::WasThere { psa_ref }) => service.settle(action.id, owner, None, psa_ref.as_deref()),
        Ok(Done::Changed { what }) => {
            done.returned += 1;
            service.settle(action.id, owner, Some(&format!("changed by a person meanwhile: {what}")), None)
        }
        Err(error) => {
            let why = told(&error);
            done.faults.push(format!("action {}: {why}", action.id));
            service.settle(action.id, owner, Some(&why), None)
        }
    }
}

fn one(psa: &mut dyn Connector, action: &Claimed, write: WriteSettings, cursor: &Cursor) -> Result<Done> {
    if !is_id(&action.ticket_id) {
        return Ok(Done::Changed { what: "its id is none of this PSA's".to_owned() });
    }
    let Some(record) = psa.ticket(&action.ticket_id)?.filter(|record| record.ticket.id == action.ticket_id)
    else {
        return Ok(Done::Changed { what: "the ticket is gone".to_owned() });
    };
    if customer_key(record.ticket.customer.as_deref().unwrap_or_default()) != action.customer {
        return Ok(Done::Changed { what: "the ticket is another customer's".to_owned() });
    }
    let act = match &action.what {
        What::Reply(text) => Act::Note { text: text.clone(), visible: write.visible_replies, status: None },
        What::SetFields(fields) => Act::SetFields(fields.clone()),
    };
    if let (Act::Note { text, .. }, true) = (&act, action.attempts > 1) {
        let mark = own_mark(text).unwrap_or(text);
        if let Some(psa_ref) = psa.find_mark(&action.ticket_id, mark)? {
            return Ok(Done::WasThere { psa_ref: Some(psa_ref) });
        }
    }
    if record.closed || record.merged_into.is_some() {
        return Ok(Done::Changed { what: "the ticket is closed".to_owned() });
    }
    psa.apply(&action.ticket_id, &act, &expected(cursor, &action.ticket_id))
}

fn told(error: &Error) -> String {
    match error {
        Error::User(fault) => format!("{}: {}", fault.place, fault.problem),
        fault => fault.to_string(),
    }
}
