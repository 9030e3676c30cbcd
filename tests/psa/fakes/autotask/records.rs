//! Records of tickets, notes, times and the history as Autotask shows them: every key present, null where there is nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::fields::{Entity, Field};
use super::query::Record;
use super::settings::Settings;
use super::times::{maybe, shown};
use super::{API_RESOURCE, SYSTEM_RESOURCE};
use crate::deed::Deed;
use crate::world::{Author, Change, Id, Note, Ticket, TimeEntry, World};

/// The type of a note that a workflow rule wrote.
pub(super) const WORKFLOW_NOTE: Id = 13;
/// The type of the note that a merge leaves.
pub(super) const DUPLICATE_NOTE: Id = 15;
/// What is added to a ticket's id for the note that its merge left.
const MERGE_NOTES: Id = 2_000_000_000;
/// The one user-defined field of tickets.
pub(super) const UDF: &str = "Asset tag";

/// A change of a value that the world has no word for.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) ticket: Id,
    pub(super) at: Timestamp,
    pub(super) by: Author,
    pub(super) detail: String,
}

/// The desk, and what of it is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a Settings,
    pub(super) edits: &'a [Edit],
}

/// A record that is not rendered yet.
#[derive(Debug)]
pub(super) enum Row<'a> {
    Ticket(View<'a>, &'a Ticket),
    Note(View<'a>, &'a Note),
    Merge(View<'a>, &'a Change),
    Time(&'a TimeEntry, Option<Id>),
    Made(Map<String, Value>),
}

/// The id of the resource that an author is; a contact is none.
pub(super) fn resource(by: Author) -> Option<Id> {
    match by {
        Author::System => Some(SYSTEM_RESOURCE),
        Author::Technician(id) => Some(id),
        Author::Contact(_) => None,
        Author::Api => Some(API_RESOURCE),
    }
}

fn contact(by: Author) -> Option<Id> {
    match by {
        Author::Contact(id) => Some(id),
        _ => None,
    }
}

/// What a record has of a field that nothing else gives: what was kept, or the empty value of that field.
fn kept(kept: &Map<String, Value>, field: &Field) -> Value {
    kept.get(field.name).cloned().unwrap_or_else(|| match field.name {
        "ticketCategory" => json!(3),
        "ticketType" => json!(2),
        "estimatedHours" | "hoursToBeScheduled" | "offsetHours" => json!(0.0),
        "isVisibleToComanaged" => json!(false),
        "showOnInvoice" => json!(true),
        "externalID" | "purchaseOrderNumber" | "resolution" => json!(""),
        name if name.starts_with("changeInfo") => json!(""),
        _ => Value::Null,
    })
}

impl Row<'_> {
    /// Its id.
    pub(super) fn id(&self) -> Id {
        match self {
            Row::Ticket(_, ticket) => ticket.id,
            Row::Note(_, note) => note.id,
            Row::Merge(_, change) => MERGE_NOTES + change.ticket,
            Row::Time(entry, _) => entry.id,
            Row::Made(record) => record.get("id").and_then(Value::as_i64).unwrap_or_default(),
        }
    }

    /// The record as it is shown.
    pub(super) fn record(&self, entity: &Entity) -> Map<String, Value> {
        let mut record: Map<String, Value> =
            entity.fields.iter().map(|field| (field.name.to_owned(), self.value(field))).collect();
        if entity.has_udf() {
            record.insert("userDefinedFields".to_owned(), self.udfs());
        }
        record
    }

    fn udfs(&self) -> Value {
        match self {
            Row::Ticket(_, ticket) => udfs(ticket),
            _ => json!([]),
        }
    }
}

/// The user-defined fields of a ticket.
pub(super) fn udfs(ticket: &Ticket) -> Value {
    let none = || json!([{"name": UDF, "value": null}]);
    ticket.kept.get("userDefinedFields").cloned().unwrap_or_else(none)
}

impl Record for Row<'_> {
    fn value(&self, field: &'static Field) -> Value {
        match self {
            Row::Ticket(view, ticket) => view.of_ticket(ticket, field),
            Row::Note(view, note) => view.of_note(note, field),
            Row::Merge(view, change) => view.of_merge(change, field),
            Row::Time(entry, role) => of_time(entry, *role, field),
            Row::Made(record) => record.get(field.name).cloned().unwrap_or(Value::Null),
        }
    }

    fn udf(&self, name: &str) -> Value {
        let udfs = self.udfs();
        let has = |udf: &&Value| udf["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name));
        udfs.as_array().and_then(|udfs| udfs.iter().find(has)).map_or(Value::Null, |udf| udf["value"].clone())
    }
}

impl View<'_> {
    /// The number of a ticket: its day, and which it was of that day.
    pub(super) fn number(&self, ticket: &Ticket) -> String {
        let day = |at: Timestamp| at.as_second().div_euclid(86_400);
        let of_day = |t: &&Ticket| day(t.entered_at) == day(ticket.entered_at);
        let nth = self.world.tickets.range(..=ticket.id).map(|(_, t)| t).filter(of_day).count();
        format!("T{}.{nth:04}", ticket.entered_at.strftime("%Y%m%d"))
    }

    /// The notes of a ticket, without what it was opened with: that is its description.
    pub(super) fn notes(&self, ticket: Id) -> impl Iterator<Item = &Note> {
        self.world.notes.range(ticket..).map(|(_, note)| note).filter(move |note| note.ticket == ticket)
    }

    fn description(&self, ticket: &Ticket) -> String {
        self.notes(ticket.id).find(|note| note.first).map(|note| note.text.clone()).unwrap_or_default()
    }

    fn service_level(&self, ticket: &Ticket) -> Option<i64> {
        match ticket.kept.get("serviceLevelAgreementID") {
            Some(level) => level.as_i64(),
            None => self.settings.service_level,
        }
    }

    /// A stamp of the service level: none without one, whatever the status says.
    fn stamp(&self, ticket: &Ticket, at: Option<Timestamp>) -> Value {
        maybe(at.filter(|_| self.service_level(ticket).is_some()))
    }

    fn due(&self, ticket: &Ticket, hours: i64) -> Value {
        self.stamp(ticket, ticket.entered_at.checked_add(SignedDuration::from_hours(hours)).ok())
    }

    fn of_ticket(&self, ticket: &Ticket, field: &Field) -> Value {
        let by_contact = |by| i64::from(contact(by).is_some()) + 1;
        match field.name {
            "id" => json!(ticket.id),
            "ticketNumber" => json!(self.number(ticket)),
            "title" => json!(ticket.summary),
            "description" => json!(self.description(ticket)),
            "companyID" => json!(ticket.company),
            "contactID" => json!(ticket.contact),
            "queueID" => json!(Some(ticket.board).filter(|_| !no_queue(ticket))),
            "assignedResourceID" => json!(ticket.owner),
            "assignedResourceRoleID" => {
                json!(ticket.owner.and_then(|id| self.world.technicians.get(&id)).map(|t| t.role))
            }
            "issueType" => json!(ticket.kind),
            "subIssueType" => json!(ticket.subkind),
            "priority" => json!(ticket.priority),
            "status" => json!(ticket.status),
            "source" => json!(ticket.source),
            "createDate" => json!(shown(ticket.entered_at)),
            "creatorResourceID" => json!(resource(ticket.entered_by)),
            "createdByContactID" => json!(contact(ticket.entered_by)),
            "creatorType" => json!(by_contact(ticket.entered_by)),
            "completedDate" => maybe(ticket.closed_at),
            "completedByResourceID" => json!(ticket.closed_by.and_then(resource)),
            "lastActivityDate" => json!(shown(ticket.updated_at)),
            "lastActivityResourceID" => json!(resource(ticket.updated_by)),
            "lastActivityPersonType" => json!(by_contact(ticket.updated_by)),
            _ => self.of_clocks(ticket, field),
        }
    }

    /// What the clocks of a ticket say: stamps by its status, and by when they should have come.
    fn of_clocks(&self, ticket: &Ticket, field: &Field) -> Value {
        match field.name {
            "serviceLevelAgreementID" => json!(self.service_level(ticket)),
            "firstResponseDateTime" => self.stamp(ticket, ticket.responded_at),
            "firstResponseDueDateTime" => self.due(ticket, 2),
            "resolutionPlanDueDateTime" => self.due(ticket, 8),
            "resolvedDateTime" => self.stamp(ticket, ticket.resolved_at),
            "resolvedDueDateTime" => self.due(ticket, 33),
            "dueDateTime" if !ticket.kept.contains_key("dueDateTime") => self.due(ticket, 33),
            "serviceLevelAgreementHasBeenMet" => {
                let late =
                    |at: Timestamp| at.duration_since(ticket.entered_at) > SignedDuration::from_hours(33);
                let met =
                    ticket.resolved_at.filter(|_| self.service_level(ticket).is_some()).map(|at| !late(at));
                json!(met)
            }
            "lastTrackedModificationDateTime" => {
                let changes = self.world.changes.iter().filter(|change| change.ticket == ticket.id);
                let edits = self.edits.iter().filter(|edit| edit.ticket == ticket.id).map(|edit| edit.at);
                maybe(changes.map(|change| change.at).chain(edits).max())
            }
            "lastCustomerVisibleActivityDateTime" => {
                maybe(self.notes(ticket.id).filter(|n| n.visible && !n.first).map(|n| n.at).max())
            }
            "lastCustomerNotificationDateTime" => maybe(
                self.world.mails.iter().filter(|mail| mail.ticket == ticket.id).map(|mail| mail.at).max(),
            ),
            _ => kept(&ticket.kept, field),
        }
    }

    fn of_note(&self, note: &Note, field: &Field) -> Value {
        let by = note.as_technician.map_or(note.by, Author::Technician);
        match field.name {
            "id" => json!(note.id),
            "ticketID" => json!(note.ticket),
            "title" if note.title.is_empty() && note.automatic => json!("Workflow Rule: acknowledgement"),
            "title" => json!(note.title),
            "description" => json!(note.text),
            "noteType" => note.kept.get("noteType").cloned().unwrap_or_else(|| match note.by {
                _ if note.automatic => json!(WORKFLOW_NOTE),
                Author::Contact(_) => json!(18),
                _ => json!(3),
            }),
            "publish" => {
                note.kept.get("publish").cloned().unwrap_or_else(|| json!(if note.visible { 1 } else { 2 }))
            }
            "createDateTime" => json!(shown(note.at)),
            "lastActivityDate" => {
                note.kept.get("lastActivityDate").cloned().unwrap_or_else(|| json!(shown(note.at)))
            }
            "creatorResourceID" => json!(resource(by)),
            "createdByContactID" => json!(contact(by)),
            "impersonatorCreatorResourceID" => {
                json!((note.by == Author::Api && note.as_technician.is_some()).then_some(API_RESOURCE))
            }
            _ => kept(&note.kept, field),
        }
    }

    /// The note that a merge leaves on the ticket that was merged. Its text, and that there is one, are UNCONFIRMED.
    fn of_merge(&self, change: &Change, field: &Field) -> Value {
        let into = change.to.as_deref().and_then(|id| id.parse().ok());
        let into = into.and_then(|id: Id| self.world.tickets.get(&id)).map(|parent| self.number(parent));
        match field.name {
            "id" => json!(MERGE_NOTES + change.ticket),
            "ticketID" => json!(change.ticket),
            "title" => json!("Merged"),
            "description" => json!(format!("This ticket was merged into {}.", into.unwrap_or_default())),
            "noteType" => json!(DUPLICATE_NOTE),
            "publish" => json!(2),
            "createDateTime" | "lastActivityDate" => json!(shown(change.at)),
            "creatorResourceID" => json!(resource(change.by)),
            _ => Value::Null,
        }
    }

    /// The history of a ticket, oldest first. The wording is UNCONFIRMED: a connector must not depend on it alone.
    pub(super) fn history(&self, ticket: Id) -> Vec<Map<String, Value>> {
        let changes = self.world.changes.iter().filter(|change| change.ticket == ticket);
        let mut rows: Vec<(Timestamp, Author, &str, String)> =
            changes.map(|change| (change.at, change.by, action(change.deed), detail(change))).collect();
        let edits = self.edits.iter().filter(|edit| edit.ticket == ticket);
        rows.extend(edits.map(|edit| (edit.at, edit.by, "Edited", edit.detail.clone())));
        rows.sort_by_key(|row| row.0);
        let mut records = Vec::new();
        for (n, (at, by, action, detail)) in (1..).zip(rows) {
            let by = resource(by);
            let id = ticket * 1000 + n;
            let record = json!({"id": id, "ticketID": ticket, "action": action, "date": shown(at), "detail": detail, "resourceID": by});
            records.extend(record.as_object().cloned());
        }
        records
    }
}

fn no_queue(ticket: &Ticket) -> bool {
    ticket.kept.get("noQueue") == Some(&Value::Bool(true))
}

fn action(deed: Deed) -> &'static str {
    match deed {
        Deed::Opened => "Created",
        Deed::Merged => "Merged",
        Deed::Deleted => "Deleted",
        _ => "Edited",
    }
}

fn detail(change: &Change) -> String {
    let what = match change.deed {
        Deed::Opened => return "Ticket created".to_owned(),
        Deed::Deleted => return "Ticket deleted".to_owned(),
        Deed::Merged => return format!("Ticket merged into {}", change.to.as_deref().unwrap_or("another")),
        Deed::Summary => "Title",
        Deed::Status => "Status",
        Deed::Board => "Queue",
        Deed::Kind => "Issue Type",
        Deed::Subkind => "Sub-Issue Type",
        Deed::Priority => "Priority",
        Deed::Owner => "Primary Resource",
        Deed::Company => "Company",
        Deed::Contact => "Contact",
    };
    let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "(none)".to_owned());
    format!("{what} changed from \"{}\" to \"{}\"", or_none(&change.from), or_none(&change.to))
}

/// The hours of an entry, to the fourth digit.
fn hours(entry: &TimeEntry) -> f64 {
    (entry.seconds / 3600.0 * 10_000.0).round() / 10_000.0
}

/// Whether an entry is not billed: as it says of itself, or where the customer can't see it.
pub(super) fn nonbillable(entry: &TimeEntry) -> bool {
    entry.kept.get("isNonBillable").and_then(Value::as_bool).unwrap_or(!entry.visible)
}

fn of_time(entry: &TimeEntry, role: Option<Id>, field: &Field) -> Value {
    let end = entry.from.checked_add(SignedDuration::from_millis((entry.seconds * 1000.0) as i64)).ok();
    let midnight = entry.from.as_second().div_euclid(86_400) * 86_400;
    match field.name {
        "id" => json!(entry.id),
        "ticketID" => json!(entry.ticket),
        "resourceID" => json!(entry.technician),
        "roleID" => entry.kept.get("roleID").cloned().unwrap_or_else(|| json!(role)),
        "dateWorked" => maybe(Timestamp::from_second(midnight).ok()),
        "startDateTime" | "createDateTime" => json!(shown(entry.from)),
        "endDateTime" => maybe(end),
        "lastModifiedDateTime" => entry.kept.get(field.name).cloned().unwrap_or_else(|| maybe(end)),
        "hoursWorked" => json!(hours(entry)),
        "hoursToBill" if nonbillable(entry) => json!(0.0),
        "hoursToBill" => json!((hours(entry) * 4.0).ceil() / 4.0),
        "summaryNotes" if entry.visible => json!(entry.notes),
        "internalNotes" if !entry.visible => json!(entry.notes),
        "isNonBillable" => json!(nonbillable(entry)),
        "timeEntryType" => json!(2),
        "creatorUserID" | "lastModifiedUserID" => {
            json!(if entry.by == Author::Api { API_RESOURCE } else { entry.technician })
        }
        "impersonatorCreatorResourceID" => Value::Null,
        _ => kept(&entry.kept, field),
    }
}
