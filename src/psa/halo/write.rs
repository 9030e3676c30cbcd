//! What is written: a note with its mark under an outcome, labels by the tenant's own ids.
//!
//! Halo ignores keys that it does not know and lets outcomes do things of their own: what was written is read back.

use std::collections::BTreeMap;

use firstline_fault::{Error, Result};
use firstline_ticket::{Field, Ticket, own_mark};
use serde_json::{Map, Value, json};

use super::client::{self, Client, Refused, fault, refuses};
use super::tables::{self, Table, UNASSIGNED};
use super::wire::{self, Row};
use super::{Halo, look, read, text};
use crate::connector::{Act, Done, Left, Stands, Turn, halted, not_assigned, not_set};
use crate::http::{Answer, Sent};

/// Rows to choose from, by field.
type Choices = BTreeMap<Field, Vec<Row>>;

pub(super) fn apply(
    psa: &mut Halo,
    id: &str,
    act: &Act,
    labels: &BTreeMap<Field, Option<String>>,
) -> Result<Done> {
    match act {
        Act::Note { text, visible, status, .. } => {
            // Before the note: once it stands, nothing is asked that could fail.
            let (to, unset) = match status.as_deref().map(|status| (status, open_status(psa, status))) {
                None => (None, None),
                Some((_, Ok(to))) => (Some(to), None),
                Some((status, Err(error))) => (None, Some(not_set(status, &error))),
            };
            let done = note(psa, id, act, (text, *visible, to))?;
            Ok(match done {
                Done::Written { psa_ref, cut } if unset.is_some() => {
                    let cut = cut.into_iter().chain(unset).collect::<Vec<_>>().join("; ");
                    Done::Written { psa_ref, cut: Some(cut) }
                }
                done => done,
            })
        }
        Act::SetFields(fields) => {
            // What names mean comes first: nothing is asked between the look at the ticket and the write.
            let mut choices: Choices = BTreeMap::new();
            for field in fields.keys() {
                choices.insert(*field, tables::rows(&mut psa.client, table_of(*field))?);
            }
            let found = read::found(&mut psa.client, id)?.ok_or(Refused::Missing)?;
            if let Some(halted) = halted_at(&found, act) {
                return Ok(halted);
            }
            let now = read::labelled(psa, &found)?;
            let wanted = wanted((&found, &now), fields, &choices)?;
            match changed(&now, &wanted, labels) {
                Some(what) => Ok(Done::Changed { what }),
                None => set(psa, id, &found, &wanted),
            }
        }
        Act::Turn(turn) => turned(psa, id, turn),
    }
}

/// What of a turn is still to be done to the ticket as it stands now.
fn left<'a>(
    psa: &mut Halo,
    found: &wire::Ticket,
    turn: &'a Turn,
) -> Result<std::result::Result<Left<'a>, Done>> {
    if is_merged(found) {
        return Ok(Err(Done::Changed { what: "the ticket was merged into another".to_owned() }));
    }
    let status = psa.tables.name(&mut psa.client, Table::Status, found.status_id)?;
    Ok(turn.left(&Stands {
        closed: found.closed_at().is_some(),
        customer: found.customer().as_deref(),
        status: status.or_else(|| found.status_name.clone()).as_deref(),
        unowned: found.agent_id.is_none_or(|id| id <= 0 || id == UNASSIGNED),
    }))
}

/// Closes a ticket, or opens it again, and looks whether it is: Halo lets workflows have a say.
fn turned(psa: &mut Halo, id: &str, turn: &Turn) -> Result<Done> {
    // What names mean comes first: nothing is asked between the look at the ticket and the write.
    let status = status_of(psa, turn)?;
    let technician = turn.technician.as_deref().map(|name| (name, agent(psa, name)));
    let found = read::found(&mut psa.client, id)?.ok_or(Refused::Missing)?;
    let todo = match left(psa, &found, turn)? {
        Ok(todo) => todo,
        Err(done) => return Ok(done),
    };
    let (mut body, mut cut) = (Map::from_iter([("id".to_owned(), json!(found.id))]), None);
    if todo.status.is_some() {
        body.insert("status_id".to_owned(), json!(status));
    }
    match technician.filter(|_| todo.technician.is_some()) {
        Some((_, Ok(agent))) => drop(body.insert("agent_id".to_owned(), json!(agent))),
        Some((name, Err(error))) => cut = Some(not_assigned(name, &error)),
        None => {}
    }
    if body.len() == 1 {
        return Ok(Done::WasThere { psa_ref: None });
    }
    let error = match psa.client.post("Tickets", Value::Object(body)) {
        Ok(answer) if answer.is_good() => None,
        Ok(answer) if answer.status < 500 => return Err(refusal(&psa.client, answer)),
        Ok(answer) => Some(refusal(&psa.client, answer)),
        Err(Sent::Unknown(error)) => Some(error),
        Err(Sent::NotDone(error)) => return Err(error),
    };
    let now = read::found(&mut psa.client, id)?.ok_or(Refused::Missing)?;
    let is_left = match left(psa, &now, turn)? {
        Ok(Left { status, .. }) => status.is_some(),
        Err(done) => !matches!(done, Done::WasThere { .. }),
    };
    match (is_left, error) {
        (false, _) => Ok(Done::Written { psa_ref: Some(id.to_owned()), cut }),
        (true, Some(error)) => Err(error),
        (true, None) => {
            // Not tried again: a workflow or a person has set another by now.
            let stands = now.status_name.unwrap_or_default();
            Ok(Done::Changed { what: format!("the status was set to {:?} and is {stands:?}", turn.status) })
        }
    }
}

/// The id of the status of a turn, of those of tickets. The stock one closes, and others that tickets show to be closed with.
fn status_of(psa: &mut Halo, turn: &Turn) -> Result<i64> {
    let closing = look::closing(psa)?;
    let rows = psa.tables.rows(&mut psa.client, Table::Status)?;
    let fits = |row: &&Row| {
        row.is_active()
            && is(row.name.as_deref(), &turn.status)
            && row.kind.unwrap_or(0) == 0
            && turn.fits(row.id.is_some_and(|id| closing.contains(&id)))
    };
    rows.iter().find(fits).and_then(|row| row.id).ok_or_else(|| {
        let problem = format!("it has no status {:?} {}", turn.status, turn.wanted());
        refuses(&problem, "Name one that it has in [write]")
    })
}

/// The id of an agent by name.
fn agent(psa: &mut Halo, name: &str) -> Result<i64> {
    let rows = tables::rows(&mut psa.client, Table::Agent)?;
    let row = row_of(&rows, Table::Agent, (name, None))?;
    let unknown = || refuses(&format!("it has no agent {name:?}"), "Name them so in the PSA");
    row.and_then(|row| row.id).ok_or_else(unknown)
}

fn is_merged(found: &wire::Ticket) -> bool {
    found.merged_into_id.is_some_and(|into| into > 0)
}

/// The ticket and number of the action with that mark: a number alone names none.
pub(super) fn find_mark(psa: &mut Halo, id: &str, mark: &str) -> Result<Option<String>> {
    let actions = read::actions(&mut psa.client, id)?;
    let found = actions.rows.iter().find(|action| action.has(mark)).and_then(|action| action.id);
    if found.is_none() && !actions.whole {
        return Err(fault(
            "not all actions of the ticket can be seen: the note may be among them",
            "Look at the ticket in Halo, and write the note by hand if it is not there",
        ));
    }
    Ok(found.map(|action| reference(id, action)))
}

/// The id of a status of tickets, which must not be the stock one that closes; whether another closes is what a check tells.
fn open_status(psa: &mut Halo, status: &str) -> Result<i64> {
    let rows = psa.tables.rows(&mut psa.client, Table::Status)?;
    let fits = |row: &&Row| row.is_active() && is(row.name.as_deref(), status) && row.kind.unwrap_or(0) == 0;
    let to = rows.iter().find(fits).and_then(|row| row.id).filter(|&id| id != look::CLOSED);
    to.ok_or_else(|| fault("it has no such status that is open", "Name one that it has"))
}

fn reference(ticket: &str, action: i64) -> String {
    format!("{ticket}/{action}")
}

/// Why nothing is written to the ticket as it stands now.
fn halted_at(found: &wire::Ticket, act: &Act) -> Option<Done> {
    halted(act, is_merged(found) || found.closed_at().is_some(), found.customer().as_deref())
}

/// Posts a note once: where it is not known whether it arrived, it is looked for.
fn note(
    psa: &mut Halo,
    id: &str,
    act: &Act,
    (text, visible, status): (&str, bool, Option<i64>),
) -> Result<Done> {
    let mark = own_mark(text).ok_or_else(|| fault("a note without a mark", "Please report it"))?;
    if let Some(psa_ref) = find_mark(psa, id, mark)? {
        return Ok(Done::WasThere { psa_ref: Some(psa_ref) });
    }
    let outcome = outcome(psa, visible)?;
    let found = read::found(&mut psa.client, id)?.ok_or(Refused::Missing)?;
    if let Some(halted) = halted_at(&found, act) {
        return Ok(halted);
    }
    let mut body = json!({"ticket_id": found.id, "outcome_id": outcome, "note_html": text::html(text), "hiddenfromuser": !visible,
        "sendemail": visible});
    if let Some(status) = status {
        // UNCONFIRMED: that it wins over a status that the outcome sets.
        body["new_status"] = json!(status);
    }
    if !visible {
        // No rule is to act on what only technicians read.
        body["dont_do_rules"] = json!(true);
    }
    match psa.client.post("Actions", body) {
        Ok(answer) if answer.status < 500 => written(psa, id, mark, (answer, visible)),
        // A proxy's error may hide that it was done.
        Ok(answer) => {
            let error = refusal(&psa.client, answer);
            sought(psa, id, mark, error)
        }
        Err(Sent::Unknown(error)) => sought(psa, id, mark, error),
        Err(Sent::NotDone(error)) => Err(error),
    }
}

/// What became of a note that was taken. The reply is the newest action, which another's may be.
fn written(psa: &mut Halo, id: &str, mark: &str, (answer, visible): (Answer, bool)) -> Result<Done> {
    let answer = match psa.client.judged(answer) {
        Ok(answer) => answer,
        Err(refused) => {
            // The outcome may have been changed since it was read.
            psa.tables.forget(Table::Outcome);
            return Err(refused.into());
        }
    };
    let rows = match client::body(&answer).unwrap_or_default() {
        Value::Array(rows) => rows,
        row => vec![row],
    };
    let actions = rows.into_iter().filter(Value::is_object).filter_map(|row| client::read(row).ok());
    let own = actions.into_iter().find(|action: &wire::Action| action.has(mark));
    let (psa_ref, shown) = match own {
        Some(action) => (action.id.map(|action| reference(id, action)), action.hiddenfromuser == Some(false)),
        None => (find_mark(psa, id, mark)?, false),
    };
    let mut cut = Vec::new();
    if psa_ref.is_none() {
        cut.push(
            "the note was taken, and its end with the mark is not there: Halo may have cut it".to_owned(),
        );
    }
    if shown && !visible {
        cut.push(
            "the internal note is visible to users: its outcome overrides what was asked for".to_owned(),
        );
    }
    Ok(Done::Written { psa_ref, cut: (!cut.is_empty()).then(|| cut.join("; ")) })
}

fn refusal(client: &Client, answer: Answer) -> Error {
    client.judged(answer).map_or_else(Into::into, |_| fault("a reply that is none", "Please report it"))
}

fn sought(psa: &mut Halo, id: &str, mark: &str, error: Error) -> Result<Done> {
    match find_mark(psa, id, mark)? {
        Some(psa_ref) => Ok(Done::Written { psa_ref: Some(psa_ref), cut: None }),
        None => Err(error),
    }
}

/// The outcome of a note. Outcomes may show, mail and close by themselves, whatever the body says: an internal note's must not.
fn outcome(psa: &mut Halo, visible: bool) -> Result<i64> {
    let wanted =
        if visible { psa.client.settings.reply_outcome } else { Some(psa.client.settings.note_outcome) };
    let outcomes = psa.tables.rows(&mut psa.client, Table::Outcome)?;
    match look::outcome_fault(outcomes, wanted, visible) {
        None => Ok(wanted.unwrap_or_default()),
        Some((problem, next)) => {
            psa.tables.forget(Table::Outcome);
            Err(fault(&problem, &next))
        }
    }
}

fn is(found: Option<&str>, wanted: &str) -> bool {
    found.is_some_and(|found| found.trim().to_lowercase() == wanted.trim().to_lowercase())
}

/// What somebody has changed of the fields that are to be set: they stand neither as expected nor as wanted.
fn changed(
    now: &Ticket,
    wanted: &BTreeMap<Field, Wanted>,
    labels: &BTreeMap<Field, Option<String>>,
) -> Option<String> {
    wanted.iter().find_map(|(field, to)| {
        let expected = labels.get(field)?;
        let stands = now.label(*field);
        let as_expected = match expected {
            Some(expected) => is(stands, expected),
            None => stands.is_none(),
        };
        let kept = as_expected || is(stands, &to.name);
        (!kept).then(|| format!("{field} is {:?} by now", stands.unwrap_or_default()))
    })
}

/// A value that a label is to have.
struct Wanted {
    /// Its name as the tenant has it.
    name: String,
    key: &'static str,
    value: Value,
}

/// The values of the labels that stand otherwise than they should.
fn wanted(
    (found, now): (&wire::Ticket, &Ticket),
    fields: &BTreeMap<Field, String>,
    choices: &Choices,
) -> Result<BTreeMap<Field, Wanted>> {
    let mut wanted = BTreeMap::new();
    for (field, name) in fields.iter().filter(|(field, name)| !is(now.label(**field), name)) {
        let rows = choices.get(field).map_or(&[][..], Vec::as_slice);
        let value = value(rows, found, *field, name)?;
        if !is(now.label(*field), &value.name) {
            wanted.insert(*field, value);
        }
    }
    Ok(wanted)
}

/// Sets labels, and looks whether they stand then.
fn set(psa: &mut Halo, id: &str, found: &wire::Ticket, wanted: &BTreeMap<Field, Wanted>) -> Result<Done> {
    if wanted.is_empty() {
        return Ok(Done::WasThere { psa_ref: None });
    }
    let mut body = Map::from_iter([("id".to_owned(), json!(found.id))]);
    body.extend(wanted.values().map(|one| (one.key.to_owned(), one.value.clone())));
    let error = match psa.client.post("Tickets", Value::Object(body)) {
        Ok(answer) if answer.is_good() => None,
        Ok(answer) if answer.status < 500 => return Err(refusal(&psa.client, answer)),
        Ok(answer) => Some(refusal(&psa.client, answer)),
        Err(Sent::Unknown(error)) => Some(error),
        Err(Sent::NotDone(error)) => return Err(error),
    };
    let found = read::found(&mut psa.client, id)?.ok_or(Refused::Missing)?;
    let now = read::labelled(psa, &found)?;
    let differs = wanted.iter().find(|(field, to)| !is(now.label(**field), &to.name));
    match (differs, error) {
        (None, _) => Ok(Done::Written { psa_ref: Some(id.to_owned()), cut: None }),
        (Some(_), Some(error)) => Err(error),
        (Some((field, Wanted { name, .. })), None) => {
            let stands = now.label(*field).unwrap_or_default();
            // Not tried again: it may be a person's by now.
            let what = format!("{field} was set to {name:?} and is {stands:?}");
            Ok(Done::Changed { what })
        }
    }
}

fn table_of(field: Field) -> Table {
    match field {
        Field::Board => Table::Team,
        Field::Type => Table::Kind,
        Field::Subtype => Table::Category,
        Field::Priority => Table::Priority,
        Field::Technician => Table::Agent,
    }
}

/// What sets a field: a team by its name, all else by the tenant's id.
fn value(rows: &[Row], found: &wire::Ticket, field: Field, name: &str) -> Result<Wanted> {
    let (what, key) = match field {
        Field::Board => ("team", "team"),
        Field::Type => ("ticket type", "tickettype_id"),
        Field::Subtype => ("category", "categoryid_1"),
        Field::Priority => ("priority", "priority_id"),
        Field::Technician => ("agent", "agent_id"),
    };
    let table = table_of(field);
    let unknown = || {
        refuses(&format!("it has no {what} {name:?}"), "Name it so in the PSA, or train on its present names")
    };
    let row = row_of(rows, table, (name, found.sla_id))?.ok_or_else(unknown)?;
    let name = table.name_of(row).ok_or_else(unknown)?;
    let value =
        if field == Field::Board { json!(name) } else { json!(table.id_of(row).ok_or_else(unknown)?) };
    Ok(Wanted { name, key, value })
}

/// The row of that name. A priority is one of the ticket's service level; a category may go by its last part where only one has it.
fn row_of<'a>(rows: &'a [Row], table: Table, (name, level): (&str, Option<i64>)) -> Result<Option<&'a Row>> {
    let used = || {
        let nobody = |row: &Row| table == Table::Agent && row.id == Some(UNASSIGNED);
        rows.iter().filter(move |row| row.is_active() && row.isapiagent != Some(true) && !nobody(row))
    };
    let mut named: Vec<&Row> = used().filter(|row| is(table.name_of(row).as_deref(), name)).collect();
    if table == Table::Priority && named.iter().any(|row| row.slaid == level) {
        named.retain(|row| row.slaid == level);
    }
    if table == Table::Category && named.is_empty() {
        named = used().filter(|row| is(row.category_name.as_deref(), name)).collect();
    }
    match named.as_slice() {
        [] => Ok(None),
        [row] => Ok(Some(row)),
        [first, rest @ ..] if rest.iter().all(|row| table.id_of(row) == table.id_of(first)) => {
            Ok(Some(first))
        }
        [_, ..] => {
            let problem = format!("{} rows of it are called {name:?}", named.len());
            Err(refuses(&problem, "Give each a name of its own in the PSA"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, level: i64, name: &str) -> Row {
        Row { priorityid: Some(id), slaid: Some(level), name: Some(name.to_owned()), ..Row::default() }
    }

    #[test]
    fn a_priority_is_the_one_of_the_tickets_service_level() {
        let rows = [row(1, 1, "Hoch"), row(5, 2, "Hoch"), row(6, 2, "Tief")];
        let of = |name: &str, level| row_of(&rows, Table::Priority, (name, level)).map(|row| row?.priorityid);
        assert_eq!(of("hoch", Some(2)).unwrap(), Some(5));
        assert_eq!(of("Hoch", Some(1)).unwrap(), Some(1));
        assert_eq!(of("Tief", Some(1)).unwrap(), Some(6));
        assert_eq!(of("Mittel", Some(1)).unwrap(), None);
        assert!(of("Hoch", Some(3)).is_err(), "two are called so, and neither is of the ticket's level");
    }
}
