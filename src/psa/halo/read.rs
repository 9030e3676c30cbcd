//! Tickets and their actions.

use std::collections::BTreeSet;

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Message, Ticket, without_own_notes};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::client::{self, Client, Refused, fault};
use super::tables::{Table, UNASSIGNED};
use super::wire::{self, given};
use super::{Halo, text};
use crate::connector::{Record, Seen};
use crate::url::encoded;

/// A filter that is off by so much was not heeded: zones of time differ by less.
const HEEDED: SignedDuration = SignedDuration::from_hours(26);
/// What a ticket was opened with is logged with it, or in the minute after.
const WITH_TICKET: SignedDuration = SignedDuration::from_secs(60);
/// An action moves the time of update at once, or not at all.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);

/// The actions of a ticket, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Actions {
    pub(super) rows: Vec<wire::Action>,
    /// Whether they are all that there are.
    pub(super) whole: bool,
}

/// The ticket that was read last.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: String,
    /// The address of the customer's user.
    pub(super) mail: Option<String>,
    /// The number of the action that says what the ticket was opened with.
    pub(super) opening: Option<i64>,
    pub(super) actions: Actions,
}

pub(super) fn changed(
    psa: &mut Halo,
    since: Timestamp,
    each: &mut dyn FnMut(Seen) -> Result<()>,
) -> Result<()> {
    let from = client::time(since);
    let query = [("lastupdatefromdate", from.as_str()), ("order", "id")];
    let mut told = BTreeSet::new();
    psa.client.each("Tickets", &query, &mut |ticket: wire::Ticket| {
        if !is_heeded(&ticket, since) {
            return Err(fault(
                "it does not heed \"lastupdatefromdate\": the whole tenant came back",
                "Please report it, with the version of Halo",
            ));
        }
        let Some(seen) = seen(&ticket) else { return Ok(()) };
        told.insert(seen.id.clone());
        each(seen)
    })?;
    if leaves_still(psa)? {
        acted(&mut psa.client, since, &mut |seen| {
            if told.insert(seen.id.clone()) { each(seen) } else { Ok(()) }
        })?;
    }
    Ok(())
}

/// Whether a row can be one that was asked for: parameters that the PSA does not know are ignored.
pub(super) fn is_heeded(ticket: &wire::Ticket, since: Timestamp) -> bool {
    let changed = ticket.updated_at().max(ticket.acted_at());
    changed.is_none_or(|changed| since.duration_since(changed) < HEEDED)
}

pub(super) fn seen(ticket: &wire::Ticket) -> Option<Seen> {
    Some(Seen {
        id: ticket.id?.to_string(),
        // One that nobody has touched since may have no time but that of its opening.
        at: ticket.updated_at().max(ticket.acted_at()).max(ticket.opened_at())?,
        version: ticket.version()?,
        opened_at: ticket.opened_at(),
        customer: ticket.customer(),
    })
}

/// Whether actions leave their tickets' time of update as it is here, as the newest tickets show. No source says what Halo does.
pub(super) fn leaves_still(psa: &mut Halo) -> Result<bool> {
    if psa.still.is_none() {
        let rows = newest(&mut psa.client)?;
        let shown: Vec<bool> = rows.iter().filter_map(shows_still).collect();
        // Tickets that show neither are looked at again the next time.
        psa.still = shown.iter().copied().reduce(|one, other| one || other);
    }
    Ok(psa.still.unwrap_or_default())
}

/// Whether a ticket shows that its last action left the time of update as it was, or moved it; `None` where it shows neither: what it was
/// opened with has the time of its opening, and a later update hides what the action did.
pub(super) fn shows_still(row: &wire::Ticket) -> Option<bool> {
    let (acted, updated) = row.acted_at().zip(row.updated_at())?;
    let after = acted.duration_since(updated);
    let later = || row.opened_at().is_some_and(|opened| acted.duration_since(opened) > WITH_TICKET);
    match after > AT_ONCE {
        true => Some(true),
        false => (after >= -AT_ONCE && later()).then_some(false),
    }
}

/// The newest tickets, a page of them.
pub(super) fn newest(client: &mut Client) -> Result<Vec<wire::Ticket>> {
    let newest = [
        ("order", "id"),
        ("orderdesc", "true"),
        ("pageinate", "true"),
        ("page_size", "100"),
        ("page_no", "1"),
    ];
    client.page("Tickets", &newest)?.rows.into_iter().map(client::read).collect()
}

/// Tickets whose actions are newer than `since`.
fn acted(client: &mut Client, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
    let from = client::time(since);
    let query = [("startdate", from.as_str())];
    let mut page = client.page("Actions", &query)?;
    if let Some(count) = page.count.filter(|_| page.is_short()).map(|count| count.to_string()) {
        page = client.page("Actions", &[query[0], ("count", count.as_str())])?;
        if page.is_short() {
            let problem = format!(
                "it gives {} of {count} actions: changes that only actions tell stay unseen",
                page.rows.len()
            );
            return Err(fault(&problem, "Please report it, with the version of Halo"));
        }
    }
    for row in page.rows {
        let action: wire::Action = client::read(row)?;
        let (Some(ticket), Some(at)) = (action.ticket_id, action.at()) else { continue };
        if since.duration_since(at) >= HEEDED {
            return Err(fault(
                "it does not heed \"startdate\" of actions: changes that only actions tell stay unseen",
                "Please report it, with the version of Halo",
            ));
        }
        let version = format!("action {}", action.datetime.unwrap_or_default());
        each(Seen { id: ticket.to_string(), version, at, opened_at: None, customer: None })?;
    }
    Ok(())
}

/// The ticket as the PSA has it; `None` where it is gone, or out of sight.
pub(super) fn found(client: &mut Client, id: &str) -> Result<Option<wire::Ticket>> {
    let path = format!("Tickets/{}", encoded(id));
    let row = match client.get(&path, &[("includedetails", "true")]) {
        Err(Refused::Missing) => return Ok(None),
        row => row?,
    };
    let ticket: wire::Ticket = client::read(if row.is_object() { row } else { json!({}) })?;
    Ok((ticket.id.is_some() && ticket.deleted != Some(true)).then_some(ticket))
}

pub(super) fn ticket(psa: &mut Halo, id: &str) -> Result<Option<Record>> {
    let Some(found) = found(&mut psa.client, id)? else { return Ok(None) };
    let actions = actions(&mut psa.client, id)?;
    let body = given(found.details.as_ref())
        .or_else(|| found.details_html.as_deref().map(text::plain).filter(|text| !text.is_empty()));
    let first = opening(&actions.rows, body.as_deref(), found.opened_at());
    let body = body.or_else(|| first.and_then(|at| actions.rows.get(at)?.text()));
    let mut record = record(psa, &found, (&actions, first))?;
    record.ticket.body = body;
    let opening = first.and_then(|at| actions.rows.get(at)?.id);
    let mail = given(found.user_email.as_ref());
    psa.held = Some(Held { id: id.to_owned(), mail, opening, actions });
    Ok(Some(record))
}

/// The actions of a ticket. Those that came with a merge are another conversation's.
pub(super) fn actions(client: &mut Client, id: &str) -> Result<Actions> {
    let query = [("ticket_id", id), ("includehtmlnote", "true"), ("includehtmlemail", "true")];
    let mut page = client.page("Actions", &query)?;
    if let Some(count) = page.count.filter(|_| page.is_short()).map(|count| count.to_string()) {
        page = client.page("Actions", &[&query[..], &[("count", count.as_str())]].concat())?;
    }
    let whole = !page.is_short();
    let own: Option<i64> = id.parse().ok();
    let mut rows: Vec<wire::Action> = Vec::new();
    for row in page.rows {
        let action: wire::Action = client::read(row)?;
        if own.is_some() && action.ticket_id.is_some() && action.ticket_id != own {
            return Err(fault(
                "it gives actions of other tickets than the one asked for",
                "Please report it, with the version of Halo",
            ));
        }
        let merged = action.merged_from_ticketid.is_some_and(|from| from > 0 && Some(from) != own);
        if !merged {
            rows.push(action);
        }
    }
    rows.sort_by_key(|action| (action.at(), action.id));
    rows.dedup_by_key(|action| action.id);
    Ok(Actions { rows, whole })
}

/// The labels of a ticket: names that it does not have come from the tables.
pub(super) fn labelled(psa: &mut Halo, found: &wire::Ticket) -> Result<Ticket> {
    let Halo { client, tables, .. } = psa;
    let mut name = |own: &Option<String>, table: Table, id: Option<i64>| match given(own.as_ref()) {
        Some(name) => Ok(Some(name)),
        None => tables.name(client, table, id),
    };
    let owner = found.agent_id.filter(|&id| id != UNASSIGNED);
    Ok(Ticket {
        board: given(found.team.as_ref()),
        kind: name(&found.tickettype_name, Table::Kind, found.tickettype_id)?,
        subtype: given(found.category_1.as_ref()),
        priority: name(&found.priority_name, Table::Priority, found.priority_id)?,
        technician: match owner {
            Some(_) => name(&found.agent_name, Table::Agent, owner)?,
            None => None,
        },
        ..Ticket::default()
    })
}

fn record(
    psa: &mut Halo,
    found: &wire::Ticket,
    (actions, first): (&Actions, Option<usize>),
) -> Result<Record> {
    let labels = labelled(psa, found)?;
    let who = who(psa)?;
    let mail = given(found.user_email.as_ref());
    let messages = actions.rows.iter().enumerate().filter(|(at, _)| Some(*at) != first);
    let messages = messages.filter_map(|(_, action)| message(action, &who, mail.as_deref())).collect();
    let closed_at = found.closed_at();
    let status = match given(found.status_name.as_ref()) {
        Some(name) => Some(name),
        None => psa.tables.name(&mut psa.client, Table::Status, found.status_id)?,
    };
    let ticket = Ticket {
        id: found.id.map(|id| id.to_string()).unwrap_or_default(),
        opened_at: found.opened_at(),
        subject: found.summary.clone(),
        customer: found.customer(),
        contact: given(found.user_name.as_ref()),
        resolved_at: closed_at,
        messages,
        ..labels
    };
    Ok(Record {
        ticket,
        changed_at: found.updated_at().max(found.acted_at()),
        version: found.version().unwrap_or_default(),
        status,
        closed: closed_at.is_some(),
        project: found.is_project == Some(true),
        left_out: false,
        opened_by_technician: actions.rows.first().and_then(|first| by_technician(first, &who)),
        merged_into: found.merged_into_id.filter(|&into| into > 0).map(|into| into.to_string()),
        response_stamp: wire::at(found.responsedate.as_deref()),
        resolved_at: closed_at,
    })
}

/// The action that says what the ticket was opened with: the first one that people wrote, where it holds the ticket's text. A mail that
/// opened the ticket may hold more than that, such as a signature.
fn opening(actions: &[wire::Action], body: Option<&str>, opened: Option<Timestamp>) -> Option<usize> {
    let at = actions.iter().position(|action| !is_system(action) && action.text().is_some())?;
    let action = actions.get(at)?;
    let said = action.text()?;
    let Some(body) = body else { return Some(at) };
    let with_ticket =
        action.at().zip(opened).is_some_and(|(at, opened)| at.duration_since(opened) <= WITH_TICKET);
    (text::same(body, &said) || with_ticket && text::holds(&said, body)).then_some(at)
}

/// Whether the first action is a technician's who logged the ticket; unknown where a program did.
fn by_technician(first: &wire::Action, who: &Who) -> Option<bool> {
    match who.kind(first) {
        ActorKind::Customer => Some(false),
        ActorKind::Technician => Some(true),
        ActorKind::System | ActorKind::Firstline => None,
    }
}

/// Who this application is, as far as the PSA says it.
pub(super) fn who(psa: &mut Halo) -> Result<Who> {
    let agent = psa.tables.me(&mut psa.client)?;
    Ok(Who { application: psa.client.settings.client_id.clone(), agent })
}

/// Who this application is among the writers of actions.
#[derive(Debug, Clone)]
pub(super) struct Who {
    pub(super) application: String,
    pub(super) agent: Option<i64>,
}

impl Who {
    pub(super) fn kind(&self, action: &wire::Action) -> ActorKind {
        if action.is_mail('I') {
            return ActorKind::Customer;
        }
        let words = action.text().unwrap_or_default();
        let ours = without_own_notes(&words).is_some_and(|rest| rest.trim().is_empty());
        let agent = action.who_agentid.filter(|&agent| agent > 0);
        match given(action.actionby_application_id.as_ref()) {
            Some(application) if application.eq_ignore_ascii_case(&self.application) => ActorKind::Firstline,
            _ if ours || agent.is_some() && agent == self.agent => ActorKind::Firstline,
            Some(_) => ActorKind::System,
            None if is_system(action) && agent.is_none() => ActorKind::System,
            None if is_system(action) && !is_line(action) => ActorKind::System,
            None if agent.is_some() => ActorKind::Technician,
            None if given(action.who.as_ref()).is_some_and(|who| !who.eq_ignore_ascii_case("system")) => {
                ActorKind::Customer
            }
            None => ActorKind::System,
        }
    }
}

/// Whether the PSA's own program made an action.
pub(super) fn is_system(action: &wire::Action) -> bool {
    action.action_systemid.is_some_and(|id| id > 0)
}

/// Whether an action is a line of the PSA's own about a change, which is nobody's message.
pub(super) fn is_line(action: &wire::Action) -> bool {
    let mailed = action.is_mail('I') || action.is_mail('O');
    is_system(action) && !mailed && action.hiddenfromuser != Some(false)
}

/// Whether the customer sees an action, where that is known: what was mailed to them they have seen, hidden or not.
pub(super) fn visible(action: &wire::Action, mail: Option<&str>) -> Option<bool> {
    let to = action.emailto.as_deref().unwrap_or_default().to_lowercase();
    let mailed = action.is_mail('O') && mail.is_some_and(|mail| to.contains(&mail.to_lowercase()));
    if mailed { Some(true) } else { action.hiddenfromuser.map(|hidden| !hidden) }
}

fn message(action: &wire::Action, who: &Who, mail: Option<&str>) -> Option<Message> {
    if is_line(action) {
        return None;
    }
    let kind = who.kind(action);
    let mut extra = Map::new();
    extra.insert("psa_key".to_owned(), Value::String(format!("action-{}", action.id?)));
    if kind == ActorKind::System {
        extra.insert("automatic".to_owned(), json!(true));
    }
    if let Some(who) = given(action.who.as_ref()).filter(|_| kind == ActorKind::Customer) {
        extra.insert("author".to_owned(), json!(who));
    }
    let from = match kind {
        ActorKind::Customer => "customer",
        ActorKind::Technician | ActorKind::Firstline => "technician",
        ActorKind::System => "system",
    };
    let text = action.text()?;
    Some(Message { at: action.at(), from: from.to_owned(), text, visible: visible(action, mail), extra })
}
