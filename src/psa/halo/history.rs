//! What happened to a ticket: its messages, its time, and its changes as far as the PSA tells them.
//!
//! Changes come from the audit where it can be narrowed to a ticket; else from the actions about them, which leave out changes of type,
//! category and customer: a history without the audit is never said to be whole.

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Changed, Event, Happening};
use jiff::Timestamp;

use super::client::Refused;
use super::lines::{self, Told};
use super::read::{self, Held, Who};
use super::tables::Table;
use super::{Halo, wire};
use crate::connector::History;

/// The id of no ticket.
const NO_TICKET: &str = "2147483647";
/// Longest line that is kept, in characters.
const LINE: usize = 300;
/// How far a span may be from what was entered, as a share.
const NEAR: f64 = 0.1;
/// Most hours that one entry holds.
const MOST_HOURS: f64 = 24_000.0;

/// What is known of a ticket when its actions are read.
struct Scene {
    who: Who,
    /// The address of the customer's user.
    mail: Option<String>,
    /// The number of the action that says what the ticket was opened with.
    opening: Option<i64>,
    /// The audit tells the changes.
    audited: bool,
}

pub(super) fn history(psa: &mut Halo, id: &str) -> Result<History> {
    if psa.held.as_ref().is_none_or(|held| held.id != id) {
        read::ticket(psa, id)?;
    }
    let held = psa.held.take().filter(|held| held.id == id);
    let Some(Held { mail, opening, actions, .. }) = held else { return Ok(History::default()) };
    let who = read::who(psa)?;
    let mut history = History { complete: actions.whole, ..History::default() };
    let audited = audit(psa, id, who.agent, &mut history)?;
    history.complete &= audited;
    let scene = Scene { who, mail, opening, audited };
    for action in &actions.rows {
        count_units(psa, action);
    }
    for action in &actions.rows {
        of_action(psa, action, &scene, &mut history)?;
    }
    history.complete &= history.unread.is_empty();
    history.events.sort_by(|a, b| (a.at, &a.psa_key).cmp(&(b.at, &b.psa_key)));
    Ok(history)
}

/// Whether the audit can be narrowed to a ticket: one that is not there has no rows. Halo's description gives the audit no parameters,
/// and one that is not known is ignored, so that rows of all tickets come back.
pub(super) fn is_narrowed(psa: &mut Halo) -> Result<bool> {
    if let Some(known) = psa.audit {
        return Ok(known);
    }
    let query = [("ticket_id", NO_TICKET), ("pageinate", "true"), ("page_size", "1"), ("page_no", "1")];
    let narrowed = match psa.client.page("Audit", &query) {
        Err(Refused::Missing | Refused::Denied(_)) => false,
        page => page?.rows.is_empty(),
    };
    psa.audit = Some(narrowed);
    Ok(narrowed)
}

/// Reads the audit of a ticket; `false` where there is none to be had.
fn audit(psa: &mut Halo, id: &str, me: Option<i64>, history: &mut History) -> Result<bool> {
    if !is_narrowed(psa)? {
        return Ok(false);
    }
    let own: Option<i64> = id.parse().ok();
    let mut rows: Vec<wire::Audit> = Vec::new();
    psa.client.each("Audit", &[("ticket_id", id)], &mut |row: wire::Audit| {
        rows.push(row);
        Ok(())
    })?;
    if rows.is_empty() || rows.iter().any(|row| row.ticket_id != own) {
        return Ok(false);
    }
    for row in rows {
        of_audit(psa, &row, me, history)?;
    }
    Ok(true)
}

fn of_audit(psa: &mut Halo, row: &wire::Audit, me: Option<i64>, history: &mut History) -> Result<()> {
    let name = row.field_name.clone().or_else(|| row.fieldname.clone()).unwrap_or_default();
    let line = || {
        let value = |text: &Option<String>| text.clone().unwrap_or_default();
        let line = format!("{name}: {} -> {}", value(&row.from), value(&row.to));
        line.chars().take(LINE).collect::<String>()
    };
    let merged = name.trim().eq_ignore_ascii_case("merged");
    let into = row.to.as_deref().map(|to| lines::merged_into(&format!("merged into {to}")));
    let (Some(key), Some(at)) = (row.id, wire::at(row.date.as_deref())) else {
        history.unread.push(line());
        return Ok(());
    };
    let what = match (lines::field(&name), into.flatten()) {
        (_, Some(into)) if merged => Happening::Merge { into },
        (Told::Value(of), _) => {
            let from = value_of(psa, of, row.from.as_deref())?;
            Happening::Change { of, from, to: value_of(psa, of, row.to.as_deref())? }
        }
        (Told::Nothing, _) => return Ok(()),
        (Told::Unread, _) => {
            history.unread.push(line());
            return Ok(());
        }
    };
    let actor = psa.tables.name(&mut psa.client, Table::Agent, row.agent_id)?;
    let actor_kind = match row.agent_id.filter(|&agent| agent > 0) {
        None => ActorKind::System,
        agent if agent == me => ActorKind::Firstline,
        Some(_) => ActorKind::Technician,
    };
    history.events.push(Event { psa_key: format!("audit-{key}"), at, actor, actor_kind, what });
    Ok(())
}

/// A value of the audit: its name where an id stands there.
fn value_of(psa: &mut Halo, of: Changed, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.and_then(lines::value) else { return Ok(None) };
    let table = match of {
        Changed::Status => Table::Status,
        Changed::Type => Table::Kind,
        Changed::Priority => Table::Priority,
        Changed::Owner => Table::Agent,
        Changed::Board => Table::Team,
        Changed::Subtype => Table::Category,
        Changed::Customer => return Ok(Some(text)),
    };
    let Ok(id) = text.parse::<i64>() else { return Ok(Some(text)) };
    if table == Table::Agent && id == super::tables::UNASSIGNED {
        return Ok(None);
    }
    Ok(Some(psa.tables.name(&mut psa.client, table, Some(id))?.unwrap_or(text)))
}

fn of_action(psa: &mut Halo, action: &wire::Action, scene: &Scene, history: &mut History) -> Result<()> {
    let Some((id, at)) = action.id.zip(action.at()) else {
        history.unread.push(shortened(action));
        return Ok(());
    };
    let actor_kind = scene.who.kind(action);
    let mut told = said(psa, action, scene, actor_kind);
    if !scene.audited {
        let is_line = read::is_line(action);
        let change = if is_line { line_of(psa, action)? } else { status_change(psa, action)? };
        let unread = is_line && change.is_none() && !is_opening(action);
        history.unread.extend(unread.then(|| shortened(action)));
        told.extend(change.map(|change| ("change", change)));
    }
    for (key, what) in told {
        let actor = wire::given(action.who.as_ref());
        history.events.push(Event { psa_key: format!("{key}-{id}"), at, actor, actor_kind, what });
    }
    Ok(())
}

/// The message that an action is, and the time that it took.
fn said(
    psa: &Halo,
    action: &wire::Action,
    scene: &Scene,
    actor_kind: ActorKind,
) -> Vec<(&'static str, Happening)> {
    // What is not known to be visible is not.
    let visible = read::visible(action, scene.mail.as_deref()) == Some(true);
    let time = seconds(psa, action).map(|seconds| ("time", Happening::TimeEntry { seconds, visible }));
    let automatic = actor_kind == ActorKind::System;
    // A technician's own words of opening, as on the phone, answer nobody.
    let opens = action.id == scene.opening && actor_kind != ActorKind::Customer;
    let message = (!opens && !read::is_line(action) && action.text().is_some())
        .then_some(("action", Happening::Message { visible, automatic, text_key: None }));
    time.into_iter().chain(message).collect()
}

/// What an action says, for the lines that were not understood.
fn shortened(action: &wire::Action) -> String {
    action.text().unwrap_or_default().chars().take(LINE).collect()
}

/// What a line of the PSA's own says.
fn line_of(psa: &mut Halo, action: &wire::Action) -> Result<Option<Happening>> {
    if let Some(status) = status_change(psa, action)? {
        return Ok(Some(status));
    }
    let text = action.text().unwrap_or_default();
    if let Some(into) = lines::merged_into(&text) {
        return Ok(Some(Happening::Merge { into }));
    }
    Ok(lines::change(&text).map(|(of, from, to)| Happening::Change { of, from, to }))
}

/// Whether a line only says that the ticket was opened.
fn is_opening(action: &wire::Action) -> bool {
    let text = action.text().unwrap_or_default().trim().to_lowercase();
    text.is_empty() || text == "ticket logged" || text == "ticket created"
}

fn status_change(psa: &mut Halo, action: &wire::Action) -> Result<Option<Happening>> {
    let given = |id: Option<i64>| id.filter(|&id| id > 0);
    let (Some(from), Some(to)) = (given(action.old_status), given(action.new_status)) else {
        return Ok(None);
    };
    if from == to {
        return Ok(None);
    }
    let mut name = |id: i64| -> Result<Option<String>> {
        let name = psa.tables.name(&mut psa.client, Table::Status, Some(id))?;
        Ok(Some(name.unwrap_or_else(|| format!("status {id}"))))
    };
    Ok(Some(Happening::Change { of: Changed::Status, from: name(from)?, to: name(to)? }))
}

/// The span of an entry of time, in seconds.
fn span(action: &wire::Action) -> Option<f64> {
    let time = |text: &Option<String>| -> Option<Timestamp> { wire::at(text.as_deref()) };
    let (from, to) = (time(&action.actionarrivaldate)?, time(&action.actioncompletiondate)?);
    Some(to.duration_since(from).as_secs_f64()).filter(|seconds| *seconds > 0.0)
}

/// Counts what an entry's span says about the unit: no source names it, its neighbours count hours.
pub(super) fn count_units(psa: &mut Halo, action: &wire::Action) {
    let Some((taken, span)) = action.timetaken.filter(|taken| *taken > 0.0).zip(span(action)) else { return };
    let near = |seconds: f64| (taken * seconds - span).abs() <= NEAR * span;
    psa.units.0 += u32::from(near(3_600.0));
    psa.units.1 += u32::from(near(60.0));
}

fn seconds(psa: &Halo, action: &wire::Action) -> Option<f64> {
    let taken = action.timetaken.filter(|taken| *taken > 0.0)?;
    let unit = if psa.units.1 > psa.units.0 { 60.0 } else { 3_600.0 };
    Some(taken * unit).filter(|seconds| *seconds <= MOST_HOURS * 3_600.0)
}
