//! A history out of a PSA: each ticket as a canonical line, with its messages, its events, and the labels that it had at first.
//!
//! Must never read a ticket twice that it has, nor call labels first ones that a person may have set.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use firstline_fault::{Error, Result};
use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Ticket};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::connector::{Connector, History, Record, Seen};

/// Tickets that are told of before they are read one by one: what is read ahead is held for a minute.
const PART: usize = 50;
/// Tickets in a row that can't be read: the fault is the PSA's then, not the tickets'.
const IN_A_ROW: usize = 5;
/// Lines of a list that are kept.
const LISTED: usize = 20;

/// What a pull did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Tickets that were read.
    pub tickets: usize,
    /// Tickets that were there already, from a pull that was stopped.
    pub there: usize,
    /// Tickets that were listed and are gone, or out of sight.
    pub gone: usize,
    /// Tickets of boards that are left out.
    pub left_out: usize,
    /// Tickets that could not be read.
    pub failed: usize,
    /// The first 20 of them, each with why.
    pub failures: Vec<String>,
    /// Tickets of which not all that happened could be read.
    pub incomplete: usize,
    /// Lines of histories that were not understood, the first 20.
    pub unread: Vec<String>,
    /// How many there were.
    pub unread_lines: usize,
    /// Whether it came to its end.
    pub whole: bool,
}

/// The tickets that changed at `since` or later, by their ids.
///
/// # Errors
/// When the PSA can't be asked.
pub fn listed(psa: &mut dyn Connector, since: Timestamp) -> Result<Vec<Seen>> {
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    psa.changed_since(since, &mut |seen| {
        found.insert(seen.id.clone(), seen);
        Ok(())
    })?;
    Ok(found.into_values().collect())
}

/// Key of a line's state in the PSA: a pull that goes on reads again what has another one by now.
pub const VERSION: &str = "psa_version";

/// Reads the listed tickets except those that are `there` in the state that the list tells, and passes each to `keep`, which can stop
/// the pull. Of one that is not to be kept, or can't be, it gets `None`: a ticket that can't be read stops nothing, 5 in a row do.
///
/// # Errors
/// When the PSA can't be asked, or a ticket not be kept. What was kept stands.
pub fn pull(
    psa: &mut dyn Connector,
    listed: &[Seen],
    there: &BTreeMap<String, String>,
    keep: &mut dyn FnMut(Option<&Ticket>) -> Result<ControlFlow<()>>,
) -> Result<Pulled> {
    let todo = missing(listed, there);
    let mut done = Pulled { there: listed.len() - todo.len(), ..Pulled::default() };
    // Where it can't be had, nobody says whether tickets were opened again.
    let closing = psa.reference().map(|found| found.closing()).unwrap_or_default();
    let mut in_a_row = 0;
    for part in todo.chunks(PART) {
        let ids: Vec<String> = part.iter().map(|seen| seen.id.clone()).collect();
        // What can't be read together may be read one by one.
        let _together = psa.expect(&ids);
        for seen in part {
            let read = read(psa, (seen, &closing), &mut done);
            in_a_row = if read.is_err() { in_a_row + 1 } else { 0 };
            if keep(read.as_ref().ok().and_then(Option::as_ref))?.is_break() {
                return Ok(done);
            }
            let Err(error) = read else { continue };
            if in_a_row == IN_A_ROW {
                return Err(error);
            }
            done.failed += 1;
            if done.failures.len() < LISTED {
                done.failures.push(format!("{}: {}", seen.id, why(&error)));
            }
        }
    }
    done.whole = true;
    Ok(done)
}

/// A listed ticket with its history; `None` where it is gone or left out.
fn read(
    psa: &mut dyn Connector,
    (Seen { id, version, .. }, closing): (&Seen, &BTreeSet<String>),
    done: &mut Pulled,
) -> Result<Option<Ticket>> {
    let Some(record) = psa.ticket(id)? else {
        done.gone += 1;
        return Ok(None);
    };
    if record.left_out {
        done.left_out += 1;
        return Ok(None);
    }
    let history = psa.history(id)?;
    done.incomplete += usize::from(!history.complete);
    done.unread_lines += history.unread.len();
    let room = LISTED.saturating_sub(done.unread.len());
    done.unread.extend(history.unread.iter().take(room).cloned());
    done.tickets += 1;
    Ok(Some(line(&record, &history, (version, closing))))
}

/// Why a ticket can't be read, on one line.
fn why(error: &Error) -> String {
    match error {
        Error::User(fault) => format!("{}: {}", fault.place, fault.problem),
        fault => fault.to_string(),
    }
}

/// The listed tickets that are not `there` in that state.
pub fn missing<'a>(listed: &'a [Seen], there: &BTreeMap<String, String>) -> Vec<&'a Seen> {
    listed.iter().filter(|seen| there.get(&seen.id) != Some(&seen.version)).collect()
}

/// The canonical ticket of a record, with what its history tells.
fn line(record: &Record, history: &History, (version, closing): (&str, &BTreeSet<String>)) -> Ticket {
    let reopened = reopened(&history.events, closing).filter(|_| history.complete);
    let mut ticket = Ticket { first_response_at: record.response_stamp, reopened, ..record.ticket.clone() };
    ticket.resolved_at = record.resolved_at.or(ticket.resolved_at);
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            ticket.extra.insert(key.to_owned(), value);
        }
    };
    put(VERSION, json!(version));
    put("status", json!(record.status));
    put("merged_into", json!(record.merged_into));
    put("opened_by_technician", json!(record.opened_by_technician));
    put("project", json!(record.project.then_some(true)));
    put("handle_seconds", json!(worked(&history.events)));
    put("events", json!(history.events));
    if history.complete {
        let first = initial(&record.ticket, &history.events);
        put("initial_labels", json!((!first.is_empty()).then_some(first)));
    } else {
        put("history_known", json!(false));
    }
    ticket
}

/// Whether a ticket was opened again after it had been closed; `None` where nobody knows which statuses close.
pub(crate) fn reopened(events: &[Event], closing: &BTreeSet<String>) -> Option<bool> {
    let closes = |status: Option<&String>| {
        status.is_some_and(|status| closing.contains(&status.trim().to_lowercase()))
    };
    let again = |event: &Event| matches!(&event.what, Happening::Change { of: Changed::Status, from, to } if closes(from.as_ref()) && !closes(to.as_ref()));
    (!closing.is_empty()).then(|| events.iter().any(again))
}

/// Seconds that people worked, where any is on record.
fn worked(events: &[Event]) -> Option<f64> {
    let seconds: Vec<f64> = events
        .iter()
        .filter_map(|event| match event.what {
            Happening::TimeEntry { seconds, .. } => Some(seconds),
            _ => None,
        })
        .collect();
    (!seconds.is_empty()).then(|| seconds.iter().sum())
}

/// The labels that a ticket had before any person changed them.
pub(crate) fn initial(ticket: &Ticket, events: &[Event]) -> BTreeMap<Field, String> {
    let mut first: BTreeMap<Field, Option<String>> =
        Field::ALL.into_iter().map(|field| (field, ticket.label(field).map(str::to_owned))).collect();
    let mut begun: BTreeSet<Field> = BTreeSet::new();
    let mut touched: BTreeSet<Field> = BTreeSet::new();
    for event in events {
        let Happening::Change { of, from, to } = &event.what else { continue };
        let Some(field) = field_of(*of).filter(|field| !touched.contains(field)) else { continue };
        if begun.insert(field) {
            first.insert(field, from.clone());
        }
        if event.actor_kind == ActorKind::Technician {
            touched.insert(field);
        } else {
            first.insert(field, to.clone());
        }
    }
    first.into_iter().filter_map(|(field, label)| Some((field, label?))).collect()
}

pub(crate) fn field_of(changed: Changed) -> Option<Field> {
    match changed {
        Changed::Board => Some(Field::Board),
        Changed::Type => Some(Field::Type),
        Changed::Subtype => Some(Field::Subtype),
        Changed::Priority => Some(Field::Priority),
        Changed::Owner => Some(Field::Technician),
        Changed::Status | Changed::Customer => None,
    }
}

#[cfg(test)]
mod tests {
    use firstline_fault::{Code, InternalError, UserError};

    use super::*;
    use crate::connector::{Act, Done, Finding, FoundRule, Reference};

    /// A PSA whose tickets of these ids can't be read, and whose histories are whole or not.
    struct Desk {
        broken: Vec<&'static str>,
        complete: bool,
    }

    impl Connector for Desk {
        fn changed_since(&mut self, _: Timestamp, _: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
            Ok(())
        }

        fn expect(&mut self, _: &[String]) -> Result<()> {
            Err(InternalError::new("not together").into())
        }

        fn ticket(&mut self, id: &str) -> Result<Option<Record>> {
            if self.broken.contains(&id) {
                return Err(UserError::new(Code::Psa, "the PSA", "500", "Look whether it is up").into());
            }
            let ticket = Ticket { id: id.to_owned(), board: Some("Network".into()), ..Ticket::default() };
            Ok(Some(Record { ticket, ..Record::default() }))
        }

        fn history(&mut self, _: &str) -> Result<History> {
            let what = Happening::TimeEntry { seconds: 60.0, visible: false };
            let (at, actor_kind) = (Timestamp::UNIX_EPOCH, ActorKind::Technician);
            let events = vec![Event { psa_key: "t1".to_owned(), at, actor: None, actor_kind, what }];
            Ok(History { events, complete: self.complete, unread: Vec::new() })
        }

        fn reference(&mut self) -> Result<Reference> {
            Ok(Reference::default())
        }

        fn rules(&mut self) -> Result<Vec<FoundRule>> {
            Ok(Vec::new())
        }

        fn apply(&mut self, _: &str, _: &Act, _: &BTreeMap<Field, Option<String>>) -> Result<Done> {
            Ok(Done::Written { psa_ref: None, cut: None })
        }

        fn find_mark(&mut self, _: &str, _: &str) -> Result<Option<String>> {
            Ok(None)
        }

        fn write_by(&mut self, _: Option<std::time::Instant>) {}

        fn check(&mut self) -> Vec<Finding> {
            Vec::new()
        }
    }

    fn pulled(desk: &mut Desk) -> (Result<Pulled>, Vec<Ticket>, usize) {
        let seen = |id: &str| Seen {
            id: id.to_owned(),
            version: "1".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            opened_at: None,
            customer: None,
        };
        let listed: Vec<Seen> = ["1", "2", "3", "4", "5", "6", "7", "8"].map(seen).into();
        let (mut kept, mut steps) = (Vec::new(), 0);
        let done = pull(desk, &listed, &BTreeMap::new(), &mut |ticket| {
            steps += 1;
            kept.extend(ticket.cloned());
            Ok(ControlFlow::Continue(()))
        });
        (done, kept, steps)
    }

    #[test]
    fn tickets_that_cant_be_read_are_listed_and_five_in_a_row_end_the_pull() {
        let mut desk = Desk { broken: vec!["1", "2", "3", "4", "6", "7", "8"], complete: true };
        let (done, kept, steps) = pulled(&mut desk);
        let done = done.unwrap();
        assert_eq!((done.tickets, done.failed, kept.len(), steps, done.whole), (1, 7, 1, 8, true));
        assert_eq!(done.failures[4..], ["6: the PSA: 500", "7: the PSA: 500", "8: the PSA: 500"]);
        desk.broken = vec!["2", "3", "4", "5", "6"];
        let (done, kept, steps) = pulled(&mut desk);
        assert_eq!((done.unwrap_err().code(), kept.len(), steps), (Some(Code::Psa), 1, 6));
    }

    #[test]
    fn events_of_an_incomplete_history_are_written_and_said_to_be_incomplete() {
        for complete in [false, true] {
            let (done, kept, _) = pulled(&mut Desk { broken: Vec::new(), complete });
            assert_eq!(done.unwrap().incomplete, if complete { 0 } else { 8 });
            let extra = &kept[0].extra;
            assert_eq!(extra["events"].as_array().unwrap().len(), 1);
            assert_eq!(extra["handle_seconds"], 60.0);
            assert_eq!(extra.get("history_known"), (!complete).then_some(&json!(false)));
            assert_eq!(extra.contains_key("initial_labels"), complete);
        }
    }

    fn change(of: Changed, from: Option<&str>, to: Option<&str>, actor_kind: ActorKind) -> Event {
        let what = Happening::Change { of, from: from.map(str::to_owned), to: to.map(str::to_owned) };
        Event { psa_key: format!("{of:?}{to:?}"), at: Timestamp::UNIX_EPOCH, actor: None, actor_kind, what }
    }

    #[test]
    fn first_labels_are_those_that_rules_left_before_any_person() {
        let ticket = Ticket {
            board: Some("Network".into()),
            kind: Some("VPN".into()),
            priority: Some("P2".into()),
            technician: Some("Kim".into()),
            ..Ticket::default()
        };
        let events = [
            change(Changed::Board, Some("Service Desk"), Some("Alerts"), ActorKind::System),
            change(Changed::Board, Some("Alerts"), Some("Network"), ActorKind::Technician),
            change(Changed::Board, Some("Network"), Some("Cloud"), ActorKind::System),
            change(Changed::Type, None, Some("VPN"), ActorKind::Technician),
            change(Changed::Owner, None, Some("Kim"), ActorKind::Firstline),
        ];
        let first = initial(&ticket, &events);
        assert_eq!(first.get(&Field::Board).map(String::as_str), Some("Alerts"));
        assert_eq!(first.get(&Field::Type), None, "a person set it first");
        assert_eq!(first.get(&Field::Priority).map(String::as_str), Some("P2"), "nobody has changed it");
        assert_eq!(first.get(&Field::Technician).map(String::as_str), Some("Kim"), "no person did");
    }
}
