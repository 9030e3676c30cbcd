//! The audit trail: free text, of which what says "from A to B" is understood.
//!
//! Its wording is nowhere written down and may change: a line that is not understood is counted and kept as it came, never guessed at.

use firstline_ticket::{ActorKind, Changed, Event, Happening};
use xxhash_rust::xxh3::xxh3_64;

use super::members::{By, Members};
use super::wire::{AuditEntry, at};
use crate::wording::{from_to, given, has_word};

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// A change of a value that counts.
    Event(Event),
    /// Something that does not count: it was opened, a note was added.
    Nothing,
    /// Something that was not understood.
    Unread(String),
}

/// Names of values as lines begin with them or have in them, the longer first.
const VALUES: [(&str, Changed); 13] = [
    ("service subtype", Changed::Subtype),
    ("service sub-type", Changed::Subtype),
    ("subtype", Changed::Subtype),
    ("sub-type", Changed::Subtype),
    ("sub type", Changed::Subtype),
    ("service type", Changed::Type),
    ("service board", Changed::Board),
    ("status", Changed::Status),
    ("board", Changed::Board),
    ("type", Changed::Type),
    ("priority", Changed::Priority),
    ("owner", Changed::Owner),
    ("company", Changed::Customer),
];

/// Lines with one of these say nothing that counts.
const PASSED: [&str; 12] = [
    "created",
    "note",
    "added",
    "time entry",
    "email",
    "e-mail",
    "contact",
    "summary",
    "site",
    "closed by",
    "sla",
    "merged",
];

/// What an entry says. Entries have no ids: a hash of what they say is their key, which stays when others come.
pub(super) fn event(entry: &AuditEntry, members: &Members) -> Told {
    let Some(text) = entry.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return Told::Nothing;
    };
    let lower = text.to_lowercase();
    if let Some(into) = merged_into(&lower).filter(|_| !lower.starts_with("note")) {
        let Some(at) = at(entry.entered_date.as_deref()) else { return Told::Unread(text.to_owned()) };
        let (actor, actor_kind) = actor(entry, members);
        let what = Happening::Merge { into };
        return Told::Event(Event { psa_key: key(entry), at, actor, actor_kind, what });
    }
    let subject = [" from ", " has been set to ", " was set to ", " has been removed", " was removed"]
        .iter()
        .find_map(|end| lower.split_once(end))
        .map_or(lower.as_str(), |(subject, _)| subject);
    let subject = subject.split(['"', '“']).next().unwrap_or(subject);
    let value = VALUES.iter().find(|(name, _)| has_word(subject, name)).map(|(_, value)| *value);
    match (value, from_to(text), at(entry.entered_date.as_deref())) {
        (Some(of), Some((from, to)), Some(at)) => {
            let (actor, actor_kind) = actor(entry, members);
            let what = Happening::Change { of, from: given(from), to: given(to) };
            Told::Event(Event { psa_key: key(entry), at, actor, actor_kind, what })
        }
        _ if PASSED.iter().any(|word| lower.contains(word)) => Told::Nothing,
        _ => Told::Unread(text.chars().take(300).collect()),
    }
}

fn key(entry: &AuditEntry) -> String {
    let parts =
        [&entry.entered_date, &entry.entered_by, &entry.text].map(|part| part.as_deref().unwrap_or_default());
    format!("audit-{:016x}", xxh3_64(parts.join("\n").as_bytes()))
}

/// The name of the person who made an entry, unless a program did by what the entry says.
pub(super) fn person(entry: &AuditEntry) -> Option<&str> {
    let source = entry.audit_source.as_deref().unwrap_or_default().to_lowercase();
    let machine =
        ["workflow", "system", "rule", "api", "email", "connector"].iter().any(|word| source.contains(word));
    entered_by(entry).filter(|_| !machine)
}

fn entered_by(entry: &AuditEntry) -> Option<&str> {
    entry.entered_by.as_deref().map(str::trim).filter(|by| !by.is_empty())
}

fn actor(entry: &AuditEntry, members: &Members) -> (Option<String>, ActorKind) {
    let by = || entered_by(entry).map(str::to_owned);
    match person(entry).map(|name| members.who(name)) {
        Some(By::Member(name)) => (Some(name), ActorKind::Technician),
        // Somebody new, or out of sight: what a person may have set is never taken for the system's.
        Some(By::Unknown) => (by(), ActorKind::Technician),
        Some(By::Machine | By::Customers) | None => (by(), ActorKind::System),
    }
}

/// The number of the ticket that a line says it was merged into.
fn merged_into(lower: &str) -> Option<String> {
    let rest = lower.split_once("merged into ")?.1;
    let number: String =
        rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectwise::wire::Member;

    fn members() -> Members {
        let mut members = Members::default();
        for (identifier, first, last, class) in [("jlee", "Jo", "Lee", "F"), ("RmmSync", "RMM", "Sync", "A")]
        {
            let [identifier, first_name, last_name, license_class] =
                [identifier, first, last, class].map(|text| Some(text.to_owned()));
            members.add(&Member { identifier, first_name, last_name, license_class, ..Member::default() });
        }
        members
    }

    fn told(text: &str) -> Told {
        let entry = AuditEntry {
            text: Some(text.to_owned()),
            entered_date: Some("2026-03-03T08:31:05Z".to_owned()),
            entered_by: Some("JLee".to_owned()),
            audit_source: None,
        };
        event(&entry, &members())
    }

    #[test]
    fn a_change_is_read_however_it_is_worded() {
        for (line, of, from, to) in [
            (
                "Status has been changed from \"New\" to \"In Progress\".",
                Changed::Status,
                Some("New"),
                Some("In Progress"),
            ),
            (
                "The Service Board was changed from Help Desk to Network.",
                Changed::Board,
                Some("Help Desk"),
                Some("Network"),
            ),
            ("Ticket owner changed from 'None' to 'Jo Lee'", Changed::Owner, None, Some("Jo Lee")),
            (
                "Sub-Type updated from Move to Site to Other",
                Changed::Subtype,
                Some("Move to Site"),
                Some("Other"),
            ),
            ("Priority changed from “P3” to “P1”", Changed::Priority, Some("P3"), Some("P1")),
            ("Priority has been set to \"P1 - Critical\".", Changed::Priority, None, Some("P1 - Critical")),
            ("Ticket Owner \"Jo Lee\" has been removed.", Changed::Owner, Some("Jo Lee"), None),
            (
                "Type from \"Email to go\" to \"Printing\"",
                Changed::Type,
                Some("Email to go"),
                Some("Printing"),
            ),
        ] {
            let Told::Event(event) = told(line) else { panic!("{line}") };
            let names = (from.map(str::to_owned), to.map(str::to_owned));
            assert_eq!(event.what, Happening::Change { of, from: names.0, to: names.1 }, "{line}");
            assert_eq!((event.actor.as_deref(), event.actor_kind), (Some("Jo Lee"), ActorKind::Technician));
        }
    }

    #[test]
    fn a_merge_names_the_ticket_that_goes_on() {
        let Told::Event(event) = told("Ticket has been merged into ticket #4711.") else {
            panic!("no event")
        };
        assert_eq!(event.what, Happening::Merge { into: "4711".to_owned() });
    }

    #[test]
    fn a_name_that_nobody_knows_is_a_persons_and_a_machines_is_none() {
        for (by, source, actor, kind) in [
            ("JLee", Some("PSA"), "Jo Lee", ActorKind::Technician),
            ("jlee", Some("Workflow"), "jlee", ActorKind::System),
            ("nnowak", Some("PSA"), "nnowak", ActorKind::Technician),
            ("nnowak", None, "nnowak", ActorKind::Technician),
            ("François", None, "François", ActorKind::Technician),
            ("rmmsync", None, "rmmsync", ActorKind::System),
            ("Email Connector", None, "Email Connector", ActorKind::System),
            ("EmailConnector", None, "EmailConnector", ActorKind::System),
            ("System", Some("PSA"), "System", ActorKind::System),
            ("systema", None, "systema", ActorKind::Technician),
            ("WorkFlow Rule", None, "WorkFlow Rule", ActorKind::System),
            ("nnowak", Some("Email Connector"), "nnowak", ActorKind::System),
        ] {
            let entry = AuditEntry {
                text: Some("Status changed from New to Open".to_owned()),
                entered_date: Some("2026-03-03T08:31:05Z".to_owned()),
                entered_by: Some(by.to_owned()),
                audit_source: source.map(str::to_owned),
            };
            let Told::Event(event) = event(&entry, &members()) else { panic!("{by}") };
            assert_eq!((event.actor.as_deref(), event.actor_kind), (Some(actor), kind), "{by} {source:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_kept_and_never_guessed_at() {
        assert_eq!(told("The ticket was created."), Told::Nothing);
        assert_eq!(told(" "), Told::Nothing);
        assert_eq!(told("Status is now Done"), Told::Unread("Status is now Done".to_owned()));
        assert_eq!(
            told("Prototype changed from a to b"),
            Told::Unread("Prototype changed from a to b".to_owned())
        );
    }
}
