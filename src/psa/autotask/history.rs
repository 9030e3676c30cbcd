//! A ticket's history: the lines of `TicketHistory`, of which what says "from A to B" is understood, its notes without their words, and
//! time.
//!
//! The wording of the lines is nowhere written down and may change: one that is not understood is counted and kept as it came.

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Changed, Event, Happening};
use xxhash_rust::xxh3::xxh3_64;

use super::client::{Client, HISTORY};
use super::names::Names;
use super::read::{self, key, merged_into, ticket_of};
use super::refusal::Refused;
use super::talk::{self, Talk};
use super::wire::{Line, Note, TimeEntry, at};
use crate::connector::History;
use crate::wording::{from_to, given};

/// What a line says.
#[derive(Debug, PartialEq)]
enum Told {
    /// A change of a value that counts, or a merge.
    Happened(Happening),
    /// Something that does not count: it was opened, a date was moved.
    Nothing,
    /// Something that was not understood.
    Unread(String),
}

/// Names of values as lines begin with them, the longer first.
const VALUES: [(&str, Changed); 14] = [
    ("sub-issue type", Changed::Subtype),
    ("sub issue type", Changed::Subtype),
    ("subissue type", Changed::Subtype),
    ("subissuetype", Changed::Subtype),
    ("issue type", Changed::Type),
    ("issuetype", Changed::Type),
    ("queue", Changed::Board),
    ("status", Changed::Status),
    ("priority", Changed::Priority),
    ("primary resource", Changed::Owner),
    ("assigned resource", Changed::Owner),
    ("company", Changed::Customer),
    ("account", Changed::Customer),
    ("organization", Changed::Customer),
];

/// Lines that begin so say nothing that counts.
const PASSED: [&str; 12] = [
    "created",
    "note",
    "time entry",
    "attachment",
    "title",
    "contact",
    "due date",
    "sla",
    "service level",
    "secondary resource",
    "checklist",
    "deleted",
];

/// The history of a ticket.
pub(super) fn history(client: &mut Client, names: &Names, id: &str, talk: &Talk) -> Result<History> {
    let mut history = History { complete: talk.timed, ..History::default() };
    let mut lines: Vec<Line> = Vec::new();
    let told = client.each(HISTORY, &[talk::of_ticket(id)], &[], &mut |line: Line| {
        lines.push(line);
        Ok(())
    });
    match told {
        // Without the right to it, what else is known still counts.
        Err(Refused::NoEndpoint | Refused::Forbidden(_)) => history.complete = false,
        told => told?,
    }
    for line in &lines {
        match (told_by(line, names), at(line.date.as_deref())) {
            (Told::Happened(what), Some(_)) => history.events.extend(event(client, names, line, what)?),
            (Told::Nothing, _) => {}
            (Told::Unread(text), _) => history.unread.push(text),
            (Told::Happened(_), None) => history.unread.push(text_of(line)),
        }
    }
    history.events.extend(talk.notes.iter().filter_map(|note| of_note(note, names)));
    history.events.extend(talk.times.iter().filter_map(|entry| of_time(entry, names)));
    history.complete &= history.unread.is_empty();
    history.events.sort_by(|a, b| (a.at, &a.psa_key).cmp(&(b.at, &b.psa_key)));
    Ok(history)
}

fn event(client: &mut Client, names: &Names, line: &Line, what: Happening) -> Result<Option<Event>> {
    let what = match what {
        Happening::Merge { into } => Happening::Merge { into: ticket_of(client, &into)?.unwrap_or(into) },
        what => what,
    };
    let Some(at) = at(line.date.as_deref()) else { return Ok(None) };
    let (actor, by) = names.actor(line.resource);
    let actor_kind = if names.is_us(line.resource) { ActorKind::Firstline } else { by };
    let hash = || format!("{:016x}", xxh3_64(format!("{line:?}").as_bytes()));
    let psa_key = format!("history-{}", line.id.map_or_else(hash, |id| id.to_string()));
    Ok(Some(Event { psa_key, at, actor, actor_kind, what }))
}

fn text_of(line: &Line) -> String {
    let parts = [line.action.as_deref(), line.detail.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ").chars().take(300).collect()
}

/// What a line says: its detail, of the value that the detail or else the action names.
fn told_by(line: &Line, names: &Names) -> Told {
    let action = line.action.as_deref().unwrap_or_default().trim();
    let detail = line.detail.as_deref().unwrap_or_default().trim();
    if action.is_empty() && detail.is_empty() {
        return Told::Nothing;
    }
    if let Some(into) = merged_into(detail) {
        return Told::Happened(Happening::Merge { into: into.to_owned() });
    }
    let (subject, in_action) = (subject(detail), subject(action));
    let value = value(&subject).or_else(|| value(&in_action).filter(|_| !names.have_field(&subject)));
    let whole = format!("{action} {detail}");
    match (value, change(detail).or_else(|| change(&whole))) {
        (Some(of), Some((from, to))) => {
            Told::Happened(Happening::Change { of, from: given(from), to: given(to) })
        }
        (Some(_), None) => Told::Unread(text_of(line)),
        (None, _) => {
            let passed =
                |text: &str| PASSED.iter().any(|word| text.starts_with(word)) || names.have_field(text);
            let none = passed(&subject) || passed(&in_action);
            if none { Told::Nothing } else { Told::Unread(text_of(line)) }
        }
    }
}

/// What a line is about: its words before the change, in lower case.
fn subject(text: &str) -> String {
    let lower = format!(" {}", text.to_lowercase());
    let ends =
        [" changed", " has been", " was ", " updated", " set to", " removed", " from ", ":", " modified"];
    let end = ends.iter().filter_map(|end| lower.find(end)).min().unwrap_or(lower.len());
    let mut subject = lower.get(..end).unwrap_or_default().trim();
    for start in ["the ", "ticket "] {
        subject = subject.strip_prefix(start).unwrap_or(subject);
    }
    subject.to_owned()
}

fn value(subject: &str) -> Option<Changed> {
    let ends = |rest: &str| rest.chars().next().is_none_or(|c| "\"'“ (".contains(c)) || rest == "id";
    let names = |name: &str| {
        subject.strip_prefix(name).is_some_and(|rest| ends(rest) && rest.split_whitespace().count() < 2)
    };
    VALUES.iter().find(|(name, _)| names(name)).map(|(_, value)| *value)
}

/// What stood there and what stands there: in words, or on both sides of an arrow.
fn change(text: &str) -> Option<(&str, &str)> {
    from_to(text).or_else(|| {
        let (from, to) = text.split_once("->").or_else(|| text.split_once('→'))?;
        let from = from.split_once(':').map_or(from, |(_, from)| from);
        Some((from.trim().trim_matches('"'), to.trim().trim_matches('"')))
    })
}

fn of_note(note: &Note, names: &Names) -> Option<Event> {
    let (actor, actor_kind) = read::who(note, names);
    let what = Happening::Message {
        visible: note.publish == Some(read::PUBLIC),
        automatic: read::is_automatic(note, names),
        text_key: None,
    };
    Some(Event { psa_key: key(note)?, at: at(note.create_date_time.as_deref())?, actor, actor_kind, what })
}

fn of_time(entry: &TimeEntry, names: &Names) -> Option<Event> {
    let seconds = 3_600.0 * entry.hours_worked.filter(|hours| (0.0..=24_000.0).contains(hours))?;
    let (actor, actor_kind) = names.actor(entry.resource);
    let what = Happening::TimeEntry { seconds, visible: entry.summary_notes.is_some() };
    Some(Event { psa_key: format!("time-{}", entry.id?), at: entry.started()?, actor, actor_kind, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(action: &str, detail: &str) -> Line {
        let text = |text: &str| Some(text.to_owned());
        Line {
            id: Some(7),
            action: text(action),
            detail: text(detail),
            date: text("2026-03-03T08:14:22.56Z"),
            resource: None,
        }
    }

    fn names() -> Names {
        Names::known(&["dueDateTime", "Asset tag", "ticketCategory", "purchaseOrderNumber"])
    }

    #[test]
    fn a_change_is_read_however_it_is_worded() {
        let lines = [
            (
                "Edited",
                "Status changed from \"New\" to \"In Progress\"",
                Changed::Status,
                Some("New"),
                Some("In Progress"),
            ),
            ("Status", "from New to Complete", Changed::Status, Some("New"), Some("Complete")),
            (
                "Edited",
                "The Queue was changed from Level I to Level II.",
                Changed::Board,
                Some("Level I"),
                Some("Level II"),
            ),
            (
                "Edited",
                "Sub-Issue Type: Printer -> Laptop",
                Changed::Subtype,
                Some("Printer"),
                Some("Laptop"),
            ),
            (
                "Edited",
                "Ticket Priority changed from 'Low' to 'High'",
                Changed::Priority,
                Some("Low"),
                Some("High"),
            ),
            (
                "Assigned",
                "Primary Resource changed from \"(none)\" to \"Grace Okafor\"",
                Changed::Owner,
                None,
                Some("Grace Okafor"),
            ),
            ("Edited", "Issue Type has been set to \"Network\".", Changed::Type, None, Some("Network")),
        ];
        for (action, detail, of, from, to) in lines {
            let wanted = Happening::Change { of, from: from.map(str::to_owned), to: to.map(str::to_owned) };
            assert_eq!(told_by(&line(action, detail), &names()), Told::Happened(wanted), "{detail}");
        }
    }

    #[test]
    fn what_does_not_count_is_passed_and_what_is_not_understood_is_kept() {
        for detail in [
            "Ticket created",
            "dueDateTime changed to \"2026-03-04T17:00:00Z\"",
            "Asset tag changed to \"NB\"",
            "Note added",
        ] {
            assert_eq!(told_by(&line("Edited", detail), &names()), Told::Nothing, "{detail}");
        }
        for detail in [
            "Status is Complete by now",
            "Approval status changed from A to B",
            "Etwas wurde geändert",
            "Status Complete",
        ] {
            let told = told_by(&line("Edited", detail), &names());
            assert_eq!(told, Told::Unread(format!("Edited: {detail}")), "{detail}");
        }
    }

    #[test]
    fn a_merge_names_the_ticket_that_goes_on() {
        for (detail, into) in [
            ("Ticket merged into 118204", "118204"),
            ("Merged into ticket T20260303.0012.", "T20260303.0012"),
        ] {
            let merge = Happening::Merge { into: into.to_owned() };
            assert_eq!(told_by(&line("Merged", detail), &names()), Told::Happened(merge));
        }
    }
}
