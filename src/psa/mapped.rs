//! A PSA under the desk's own names: labels are mapped on the way in and back on the way out, boards are left out, more statuses close.
//!
//! No vendor's code knows of it. Must never write a label that stands for two of the PSA's, nor anything to a board that is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Instant;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Changed, Event, Field, Happening};
use jiff::Timestamp;

use crate::connector::{
    Act, CLOSING, Connector, Done, Finding, FoundRule, History, Record, Reference, Seen, Turn, was_asked,
};
use crate::findings::{closing, fault, finding, folded, missing, some};
use crate::hook::{Standing, Subscription};

/// Names of one kind: Firstline's and the PSA's, one to one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    /// The PSA's name by Firstline's, folded.
    out: BTreeMap<String, String>,
    /// Firstline's name by the PSA's, folded.
    into: BTreeMap<String, String>,
}

impl Names {
    /// The names of `given`, Firstline's to the PSA's; `kind` names the section.
    fn new(kind: &str, given: &BTreeMap<String, String>) -> Result<Self> {
        let mut names = Self::default();
        for (ours, theirs) in given {
            let (ours, theirs) = (ours.trim(), theirs.trim());
            if ours.is_empty() || theirs.is_empty() {
                return Err(refused(kind, "a name is empty".to_owned()));
            }
            if names.out.insert(folded(ours), theirs.to_owned()).is_some() {
                return Err(refused(kind, format!("{ours:?} is there twice")));
            }
            if let Some(other) = names.into.insert(folded(theirs), ours.to_owned()) {
                let problem = format!("{other:?} and {ours:?} would both be {theirs:?} in the PSA");
                return Err(refused(kind, problem));
            }
        }
        Ok(names)
    }

    /// Firstline's name for one of the PSA's.
    fn read(&self, theirs: &str) -> String {
        self.into.get(&folded(theirs)).cloned().unwrap_or_else(|| theirs.to_owned())
    }

    /// The PSA's name for one of Firstline's.
    fn write(&self, ours: &str) -> String {
        self.out.get(&folded(ours)).cloned().unwrap_or_else(|| ours.to_owned())
    }

    /// The other name that stands for the same one of the PSA's as `ours` does by itself.
    fn clash(&self, ours: &str) -> Option<&str> {
        let key = folded(ours);
        if self.out.contains_key(&key) { None } else { self.into.get(&key).map(String::as_str) }
    }
}

fn refused(kind: &str, problem: String) -> firstline_fault::Error {
    let next = "Map each Firstline name to exactly one PSA name, and each PSA name to exactly one Firstline name: \"Firstline name\" = \"PSA name\"";
    UserError::new(Code::Config, format!("[map.{kind}]"), problem, next).into()
}

/// What the desk calls otherwise than its PSA, and what it leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelMap {
    labels: BTreeMap<Field, Names>,
    statuses: Names,
    /// The PSA's names.
    ignored: Vec<String>,
    /// The PSA's names.
    close: Vec<String>,
    status_after_reply: Option<String>,
    close_status: Option<String>,
    reopen_status: Option<String>,
}

impl LabelMap {
    /// Firstline's names to the PSA's, by field.
    ///
    /// # Errors
    /// [`Code::Config`] where a map is not one to one.
    pub fn new(labels: &BTreeMap<Field, BTreeMap<String, String>>) -> Result<Self> {
        let names = |(field, given): (&Field, &BTreeMap<String, String>)| {
            Ok((*field, Names::new(field.name(), given)?))
        };
        let labels = labels.iter().filter(|(_, given)| !given.is_empty()).map(names);
        Ok(Self { labels: labels.collect::<Result<_>>()?, ..Self::default() })
    }

    /// Names of statuses, as events and histories tell them.
    ///
    /// # Errors
    /// [`Code::Config`] where the map is not one to one.
    pub fn statuses(self, given: &BTreeMap<String, String>) -> Result<Self> {
        Ok(Self { statuses: Names::new("status", given)?, ..self })
    }

    /// Boards that are left out, by the PSA's names.
    #[must_use]
    pub fn ignoring(self, boards: &[String]) -> Self {
        Self { ignored: boards.to_vec(), ..self }
    }

    /// Statuses that end a ticket beside those that close it in the PSA, by the PSA's names.
    #[must_use]
    pub fn closing(self, statuses: &[String]) -> Self {
        Self { close: statuses.to_vec(), ..self }
    }

    /// The status that a ticket gets with a reply to the customer, by the PSA's name.
    #[must_use]
    pub fn status_after_reply(self, status: Option<String>) -> Self {
        Self { status_after_reply: status, ..self }
    }

    /// The statuses with which tickets are closed and opened again, by the PSA's names, so that a check looks whether they can be.
    #[must_use]
    pub fn turning(self, close: Option<String>, reopen: Option<String>) -> Self {
        Self { close_status: close, reopen_status: reopen, ..self }
    }

    /// Whether it changes anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn read(&self, field: Field, theirs: &str) -> String {
        self.labels.get(&field).map_or_else(|| theirs.to_owned(), |names| names.read(theirs))
    }

    fn write(&self, field: Field, ours: &str) -> String {
        self.labels.get(&field).map_or_else(|| ours.to_owned(), |names| names.write(ours))
    }

    /// The labels of `fields` as the PSA has them.
    fn to_write(&self, fields: &BTreeMap<Field, String>) -> Result<BTreeMap<Field, String>> {
        let one = |(field, ours): (&Field, &String)| {
            if let Some(other) = self.labels.get(field).and_then(|names| names.clash(ours)) {
                let problem = format!("{other:?} and {ours:?} would both be {ours:?} in the PSA");
                return Err(refused(field.name(), problem));
            }
            Ok((*field, self.write(*field, ours)))
        };
        fields.iter().map(one).collect()
    }

    fn leaves_out(&self, board: &str) -> bool {
        holds(&self.ignored, board)
    }

    fn closes(&self, status: &str) -> bool {
        holds(&self.close, status)
    }

    fn event(&self, event: Event) -> Event {
        let Happening::Change { of, from, to } = event.what else { return event };
        let name = |theirs: Option<String>| {
            theirs.map(|theirs| match of {
                Changed::Status => self.statuses.read(&theirs),
                Changed::Board => self.read(Field::Board, &theirs),
                Changed::Type => self.read(Field::Type, &theirs),
                Changed::Subtype => self.read(Field::Subtype, &theirs),
                Changed::Priority => self.read(Field::Priority, &theirs),
                Changed::Owner => self.read(Field::Technician, &theirs),
                Changed::Customer => theirs,
            })
        };
        let what = Happening::Change { of, from: name(from), to: name(to) };
        Event { what, ..event }
    }

    fn reference(&self, found: Reference) -> Reference {
        let here = |board: &Option<String>| board.as_ref().is_none_or(|board| !self.leaves_out(board));
        let board = |board: Option<String>| board.map(|board| self.read(Field::Board, &board));
        let names = |field: Field, names: Vec<String>| -> Vec<String> {
            names.iter().map(|name| self.read(field, name)).collect()
        };
        let of_boards = |field: Field, all: Vec<(Option<String>, String)>| {
            let kept = all.into_iter().filter(|(of, _)| here(of));
            kept.map(|(of, name)| (board(of), self.read(field, &name))).collect()
        };
        let boards = found.boards.into_iter().filter(|board| !self.leaves_out(board)).collect();
        let statuses = found.statuses.into_iter().filter(|(of, _, _)| here(of)).map(|(of, name, closes)| {
            let closes = closes || self.closes(&name);
            (board(of), self.statuses.read(&name), closes)
        });
        Reference {
            boards: names(Field::Board, boards),
            types: of_boards(Field::Type, found.types),
            subtypes: of_boards(Field::Subtype, found.subtypes),
            statuses: statuses.collect(),
            priorities: names(Field::Priority, found.priorities),
            technicians: names(Field::Technician, found.technicians),
        }
    }

    fn rule(&self, mut rule: FoundRule) -> FoundRule {
        for (key, values) in &mut rule.when {
            if let Ok(field) = key.parse::<Field>() {
                values.iter_mut().for_each(|value| *value = self.read(field, value));
            }
        }
        rule.set.iter_mut().for_each(|(field, value)| *value = self.read(*field, value));
        rule
    }
}

fn holds(names: &[String], wanted: &str) -> bool {
    names.iter().any(|name| folded(name) == folded(wanted))
}

/// A PSA as the desk calls things.
pub struct Mapped {
    inner: Box<dyn Connector>,
    map: LabelMap,
    /// The ticket that was read last, where its board is left out.
    left_out: Option<String>,
    /// A history that was read to learn when its ticket ended.
    held: Option<(String, History)>,
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("map", &self.map).finish_non_exhaustive()
    }
}

impl Mapped {
    /// `inner` by the names of `map`.
    pub fn new(inner: Box<dyn Connector>, map: LabelMap) -> Self {
        Self { inner, map, left_out: None, held: None }
    }

    /// When the ticket came to a status that ends it here and not in the PSA.
    fn ended_at(&mut self, id: &str) -> Result<Option<Timestamp>> {
        let history = self.inner.history(id)?;
        let closes = |event: &&Event| match &event.what {
            Happening::Change { of: Changed::Status, to: Some(to), .. } => self.map.closes(to),
            _ => false,
        };
        let at = history.events.iter().rev().find(closes).map(|event| event.at);
        self.held = Some((id.to_owned(), history));
        Ok(at)
    }
}

impl Connector for Mapped {
    fn changed_since(&mut self, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
        self.inner.changed_since(since, each)
    }

    fn expect(&mut self, ids: &[String]) -> Result<()> {
        self.inner.expect(ids)
    }

    fn ticket(&mut self, id: &str) -> Result<Option<Record>> {
        (self.held, self.left_out) = (None, None);
        let Some(mut record) = self.inner.ticket(id)? else { return Ok(None) };
        record.left_out = record.ticket.label(Field::Board).is_some_and(|board| self.map.leaves_out(board));
        self.left_out = record.left_out.then(|| id.to_owned());
        let ends = record.status.as_deref().is_some_and(|status| self.map.closes(status));
        if ends && !record.closed {
            record.closed = true;
            record.resolved_at = record.resolved_at.or(self.ended_at(id)?);
            record.ticket.resolved_at = record.ticket.resolved_at.or(record.resolved_at);
        }
        record.status = record.status.map(|status| self.map.statuses.read(&status));
        for field in Field::ALL {
            if let Some(ours) = record.ticket.label(field).map(|theirs| self.map.read(field, theirs)) {
                record.ticket.set_label(field, ours);
            }
        }
        Ok(Some(record))
    }

    fn history(&mut self, id: &str) -> Result<History> {
        let mut history = match self.held.take().filter(|(of, _)| of == id) {
            Some((_, history)) => history,
            None => self.inner.history(id)?,
        };
        history.events = history.events.into_iter().map(|event| self.map.event(event)).collect();
        Ok(history)
    }

    fn reference(&mut self) -> Result<Reference> {
        Ok(self.map.reference(self.inner.reference()?))
    }

    fn rules(&mut self) -> Result<Vec<FoundRule>> {
        Ok(self.inner.rules()?.into_iter().map(|rule| self.map.rule(rule)).collect())
    }

    fn apply(&mut self, id: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done> {
        if self.left_out.as_deref() == Some(id) {
            return Ok(Done::Changed { what: "it is on a board that is left out".to_owned() });
        }
        let act = match act {
            Act::Note { text, visible, customer, status } => {
                let after = || self.map.status_after_reply.clone().filter(|_| *visible);
                let (text, customer) = (text.clone(), customer.clone());
                Act::Note { text, visible: *visible, customer, status: status.clone().or_else(after) }
            }
            Act::SetFields(fields) => Act::SetFields(self.map.to_write(fields)?),
            Act::Turn(turn) => Act::Turn(Turn {
                ends: self.map.closes(&turn.status),
                technician: turn.technician.as_deref().map(|ours| self.map.write(Field::Technician, ours)),
                ..turn.clone()
            }),
        };
        let theirs = |(field, ours): (&Field, &Option<String>)| {
            (*field, ours.as_ref().map(|ours| self.map.write(*field, ours)))
        };
        let labels = labels.iter().map(theirs).collect();
        self.inner.apply(id, &act, &labels)
    }

    fn find_mark(&mut self, id: &str, mark: &str) -> Result<Option<String>> {
        self.inner.find_mark(id, mark)
    }

    fn webhook(&mut self, wanted: &Subscription) -> Result<Standing> {
        self.inner.webhook(wanted)
    }

    fn write_by(&mut self, deadline: Option<Instant>) {
        self.inner.write_by(deadline);
    }

    fn check(&mut self) -> Vec<Finding> {
        let mut found = self.inner.check();
        if !was_asked(&found) {
            return found;
        }
        let reference = match self.inner.reference() {
            Ok(reference) => reference,
            Err(error) => {
                found.push(finding("[map]", Err(error)));
                return found;
            }
        };
        // By the PSA's own names: that is where somebody looks.
        let left = LabelMap {
            ignored: self.map.ignored.clone(),
            close: self.map.close.clone(),
            ..LabelMap::default()
        };
        let closes = closing(&left.reference(reference.clone()));
        for row in found.iter_mut().filter(|row| row.what == CLOSING) {
            *row = finding(CLOSING, closes.clone());
        }
        found.extend(self.map.check(&reference));
        found
    }
}

impl LabelMap {
    /// Whether the PSA has what the map names.
    fn check(&self, found: &Reference) -> Vec<Finding> {
        let mut rows = Vec::new();
        for (field, names) in &self.labels {
            rows.push(finding(
                &format!("[map.{field}]"),
                there(names, field.name(), &names_of(found, *field)),
            ));
        }
        let statuses: Vec<&str> = found.statuses.iter().map(|(_, name, _)| name.as_str()).collect();
        if self.statuses != Names::default() {
            rows.push(finding("[map.status]", there(&self.statuses, "status", &statuses)));
        }
        let listed = |what: &str, given: &[String], names: &[&str]| {
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let gone = not_among(&given, names);
            if gone.is_empty() {
                return Ok(some(&given));
            }
            let problem = format!("the PSA does not have {}", missing(&gone, names));
            Err(fault("[map]", &problem, &format!("Write {what:?} of [map] as the PSA has them")))
        };
        if !self.ignored.is_empty() {
            let boards = names_of(found, Field::Board);
            rows.push(finding("boards that are left out", listed("ignore_boards", &self.ignored, &boards)));
        }
        if !self.close.is_empty() {
            rows.push(finding("statuses that end here", listed("close", &self.close, &statuses)));
        }
        if let Some(status) = &self.status_after_reply {
            let told = self.on_every_board(found, ("status_after_reply", status), false);
            let told = told.map(|()| format!("{status:?}, once a reply was sent that the customer sees"));
            rows.push(finding("status after a reply", told));
        }
        if let Some(status) = &self.close_status {
            let told = self.on_every_board(found, ("close_status", status), true);
            let told = told.map(|()| format!("{status:?}, once the customer has confirmed that it is done"));
            rows.push(finding("status that closes", told));
        }
        if let Some(status) = &self.reopen_status {
            let told = self.on_every_board(found, ("reopen_status", status), false);
            let told = told.map(|()| format!("{status:?}, once the customer says that it is not done"));
            rows.push(finding("status that opens again", told));
        }
        rows
    }

    /// Whether each board that is not left out has the status of the setting `name`, and that it closes, or does not, as is wanted.
    fn on_every_board(&self, found: &Reference, (name, status): (&str, &str), closes: bool) -> Result<()> {
        let next = |near: &str| {
            let kind = if closes { "closes" } else { "is open" };
            format!("Set {name:?} of [write] to a status that {kind} on every board{near}")
        };
        let is = |name: &str| folded(name) == folded(status);
        let by_board = found.statuses.iter().any(|(of, _, _)| of.is_some());
        let kept: Vec<&String> = found.boards.iter().filter(|board| !self.leaves_out(board)).collect();
        let mut without: Vec<&str> = Vec::new();
        for board in if by_board { kept.into_iter().map(Some).collect() } else { vec![None] } {
            let here = found.statuses.iter().filter(|(of, _, _)| of.as_ref() == board);
            match here.into_iter().find(|(_, name, _)| is(name)) {
                Some((_, name, ends)) if (*ends || self.closes(name)) != closes => {
                    let told = if closes { "does not close" } else { "closes" };
                    return Err(fault("[write]", &format!("{status:?} {told} tickets"), &next("")));
                }
                Some(_) => {}
                None => without.push(board.map_or("it", String::as_str)),
            }
        }
        if without.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> =
            found.statuses.iter().filter(|of| of.2 == closes).map(|(_, name, _)| name.as_str()).collect();
        let near = crate::findings::nearest(status, names);
        let near = if near.is_empty() { String::new() } else { format!(": such as {}", some(&near)) };
        let problem = if by_board {
            format!("boards without the status {status:?}: {}", some(&without))
        } else {
            format!("the PSA has no status {status:?}")
        };
        Err(fault("[write]", &problem, &next(&near)))
    }
}

/// The names that a field can have in the PSA.
pub(crate) fn names_of(found: &Reference, field: Field) -> Vec<&str> {
    let mut names: Vec<&str> = match field {
        Field::Board => found.boards.iter().map(String::as_str).collect(),
        Field::Type => found.types.iter().map(|(_, name)| name.as_str()).collect(),
        Field::Subtype => found.subtypes.iter().map(|(_, name)| name.as_str()).collect(),
        Field::Priority => found.priorities.iter().map(String::as_str).collect(),
        Field::Technician => found.technicians.iter().map(String::as_str).collect(),
    };
    names.sort_unstable();
    names.dedup();
    names
}

/// Those of `wanted` that are not among `names`, whatever their case.
fn not_among<'a>(wanted: &[&'a str], names: &[&str]) -> Vec<&'a str> {
    let there: BTreeSet<String> = names.iter().map(|name| folded(name)).collect();
    wanted.iter().filter(|name| !there.contains(&folded(name))).copied().collect()
}

/// Whether the PSA has all names of a map, and none beside them that would be the same here.
fn there(map: &Names, kind: &str, names: &[&str]) -> Result<String> {
    let wanted: Vec<&str> = map.out.values().map(String::as_str).collect();
    let gone = not_among(&wanted, names);
    let place = format!("[map.{kind}]");
    if !gone.is_empty() {
        let problem = format!("the PSA has no {kind} {}", missing(&gone, names));
        return Err(fault(
            &place,
            &problem,
            &format!("Write the names on the right of {place} as the PSA has them"),
        ));
    }
    // One of the PSA's own that is called as another of its names is here.
    let twice = names
        .iter()
        .find(|name| map.out.contains_key(&folded(name)) && !map.into.contains_key(&folded(name)));
    if let Some(name) = twice {
        let other = map.write(name);
        let problem = format!("the PSA's {other:?} and its {name:?} would both be {name:?} here");
        return Err(fault(
            &place,
            &problem,
            &format!("Give {name:?} of the PSA another name in {place}, too"),
        ));
    }
    Ok(format!("{} mapped, all there", wanted.len()))
}

#[cfg(test)]
mod tests;
