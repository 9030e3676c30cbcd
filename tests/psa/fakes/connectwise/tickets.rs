//! Tickets as ConnectWise shows them. Null members are left out, times are whole seconds in UTC, and the first description is a note.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Connectwise;
use super::lists::Query;
use super::refusals;
use super::shapes::{login, member, time, without_nulls};
use super::times;
use crate::deed::Deed;
use crate::http::Reply;
use crate::world::{Author, Id, Stage, Ticket, World};

/// Fields that tickets may have.
pub(super) const FIELDS: &[&str] = &[
    "summary",
    "recordType",
    "board",
    "status",
    "company",
    "site",
    "siteName",
    "contact",
    "contactName",
    "contactEmailAddress",
    "contactPhoneNumber",
    "type",
    "subType",
    "item",
    "team",
    "owner",
    "resources",
    "priority",
    "serviceLocation",
    "source",
    "impact",
    "severity",
    "sla",
    "slaStatus",
    "isInSla",
    "dateResponded",
    "dateResplan",
    "dateResolved",
    "respondMinutes",
    "resPlanMinutes",
    "resolveMinutes",
    "requiredDate",
    "closedFlag",
    "closedDate",
    "closedBy",
    "parentTicketId",
    "hasChildTicket",
    "mergedParentTicket",
    "hasMergedChildTicketFlag",
    "automaticEmailContactFlag",
    "automaticEmailResourceFlag",
    "automaticEmailCcFlag",
    "automaticEmailCc",
    "processNotifications",
    "externalXRef",
    "integratorTags",
    "customFields",
    "budgetHours",
    "actualHours",
    "customerUpdatedFlag",
    "location",
    "department",
    "locationId",
    "businessUnitId",
    "agreement",
    "opportunity",
    "poNumber",
    "minutesBeforeWaiting",
    "escalationStartDateUTC",
    "escalationLevel",
    "approved",
    "billTime",
    "initialDescription",
    "initialInternalAnalysis",
    "initialResolution",
];

/// How long a service level gives for the first response, in minutes.
const RESPOND_MINUTES: i64 = 240;
/// And for the resolution.
const RESOLVE_MINUTES: i64 = 1_440;

/// What notes, times and other tickets say about a ticket, gathered once for a whole list.
#[derive(Debug, Default)]
pub(super) struct Facts {
    hours: BTreeMap<Id, f64>,
    parents: BTreeSet<Id>,
    customer_last: BTreeMap<Id, bool>,
}

impl Facts {
    /// Of these tickets.
    pub(super) fn of(world: &World, tickets: &[Id]) -> Self {
        let tickets: BTreeSet<Id> = tickets.iter().copied().collect();
        let is = |ticket: Id| tickets.contains(&ticket);
        let mut facts = Self::default();
        for entry in world.times.values().filter(|entry| is(entry.ticket)) {
            *facts.hours.entry(entry.ticket).or_default() += times::hours(entry.seconds);
        }
        facts.parents = world.tickets.values().filter_map(|t| t.merged_into).filter(|id| is(*id)).collect();
        for note in world.notes.values().filter(|n| is(n.ticket) && !n.first && !n.automatic) {
            facts.customer_last.insert(note.ticket, matches!(note.by, Author::Contact(_)));
        }
        facts
    }
}

/// The ticket, where the API member can see it.
pub(super) fn visible(world: &World, id: Id) -> Option<&Ticket> {
    let hidden = |ticket: &Ticket| world.boards.get(&ticket.board).is_some_and(|b| b.hidden);
    world.tickets.get(&id).filter(|ticket| !ticket.deleted && !hidden(ticket))
}

/// The ticket that a path names.
pub(super) fn named<'a>(world: &'a World, id: &str) -> Result<&'a Ticket, Reply> {
    let number = id.parse().map_err(|_| refusals::no_endpoint())?;
    visible(world, number).ok_or_else(|| refusals::not_found("Ticket", id))
}

impl Connectwise {
    /// Tickets that the API member can see, without those that a query leaves out at first sight.
    pub(super) fn tickets(&self, world: &World, query: &Query) -> Vec<Value> {
        // Times are shown in whole seconds, so that one second of doubt is kept.
        let since = query.since().and_then(|at| at.checked_sub(SignedDuration::from_secs(1)).ok());
        let ids = query.ids("id");
        let changed = |ticket: &&Ticket| {
            since.is_none_or(|since| ticket.updated_at >= since)
                && ids.as_ref().is_none_or(|ids| ids.contains(&ticket.id))
        };
        let seen: Vec<&Ticket> = world
            .tickets
            .values()
            .filter(changed)
            .filter(|ticket| visible(world, ticket.id).is_some())
            .collect();
        let facts = Facts::of(world, &seen.iter().map(|ticket| ticket.id).collect::<Vec<_>>());
        seen.into_iter().map(|ticket| self.ticket(world, &facts, ticket)).collect()
    }

    /// A ticket as it is shown.
    pub(super) fn ticket(&self, world: &World, facts: &Facts, ticket: &Ticket) -> Value {
        let mut shown = self.core(world, ticket);
        let minutes =
            |at: Option<Timestamp>| at.map_or(0, |at| at.duration_since(ticket.entered_at).as_mins().max(0));
        let resources = ticket.owner.and_then(|id| member(world, id)).map(|(login, _)| login);
        let rest = json!({
            "resources": resources,
            "slaStatus": sla_status(world, ticket),
            "isInSla": in_sla(world, ticket),
            "dateResponded": ticket.responded_at.map(time),
            "dateResplan": ticket.resolved_at.map(time),
            "dateResolved": ticket.resolved_at.map(time),
            "respondMinutes": minutes(ticket.responded_at),
            "resPlanMinutes": minutes(ticket.resolved_at),
            "resolveMinutes": minutes(ticket.resolved_at),
            "closedFlag": ticket.closed_at.is_some(),
            "closedDate": ticket.closed_at.map(time),
            "closedBy": ticket.closed_by.map(|by| login(world, by)),
            "mergedParentTicket": ticket.merged_into.map(|id| self.ticket_ref(world, id)),
            "hasMergedChildTicketFlag": facts.parents.contains(&ticket.id),
            "customerUpdatedFlag": facts.customer_last.get(&ticket.id).copied().unwrap_or_default(),
            "actualHours": facts.hours.get(&ticket.id),
        });
        let parts = [rest.as_object(), Some(&ticket.kept)];
        if let Some(shown) = shown.as_object_mut() {
            for (key, value) in parts.into_iter().flatten().flatten() {
                shown.insert(key.clone(), value.clone());
            }
        }
        without_nulls(&mut shown);
        shown
    }

    /// What the world has words for.
    fn core(&self, world: &World, ticket: &Ticket) -> Value {
        let contact = ticket.contact.and_then(|id| world.contacts.get(&id));
        let of_board = |kind: &str, of: Deed, collection: &str| {
            let id = ticket.value(of)?;
            let path = format!("service/boards/{}/{collection}", ticket.board);
            Some(self.reference(kind, id, &world.name_of(of, id)?, &path))
        };
        let entered_by = match ticket.entered_by {
            Author::System => super::shapes::MAIL_CONNECTOR,
            by => login(world, by),
        };
        let priority = ticket.priority.and_then(|id| world.priorities.get(&id));
        let source = ticket.source.and_then(|id| world.sources.get(&id));
        json!({
            "id": ticket.id,
            "summary": ticket.summary,
            "recordType": if ticket.project { "ProjectTicket" } else { "ServiceTicket" },
            "board": self.board_ref(world, ticket.board),
            "status": of_board("status", Deed::Status, "statuses"),
            "company": self.company_ref(world, ticket.company),
            "contact": self.contact_ref(world, ticket.contact),
            "contactName": contact.map(|c| &c.name),
            "contactEmailAddress": contact.map(|c| &c.email),
            "type": of_board("type", Deed::Kind, "types"),
            "subType": of_board("subType", Deed::Subkind, "subtypes"),
            "owner": self.member_ref(world, ticket.owner),
            "priority": priority.map(|p| self.reference("priority", p.id, &p.name, "service/priorities")),
            "source": source.map(|s| self.reference("source", s.id, &s.name, "service/sources")),
            "severity": "Medium",
            "impact": "Medium",
            "sla": self.reference("sla", 1, "Standard SLA", "service/SLAs"),
            "hasChildTicket": false,
            "automaticEmailContactFlag": true,
            "automaticEmailResourceFlag": false,
            "automaticEmailCcFlag": false,
            "approved": true,
            "billTime": "NoDefault",
            "locationId": 1,
            "businessUnitId": 10,
            "customFields": [{"id": 7, "caption": "Asset tag", "type": "Text", "entryMethod": "EntryField",
                "numberOfDecimals": 0, "value": null}],
            "_info": {
                "dateEntered": time(ticket.entered_at),
                "enteredBy": entered_by,
                "lastUpdated": time(ticket.updated_at),
                "updatedBy": login(world, ticket.updated_by),
                "notes_href": self.href(&format!("service/tickets/{}/notes", ticket.id)),
                "timeentries_href": self.href(&format!("service/tickets/{}/timeentries", ticket.id)),
            },
        })
    }

    /// A reference to a ticket.
    pub(super) fn ticket_ref(&self, world: &World, id: Id) -> Value {
        let summary = world.tickets.get(&id).map_or("", |t| t.summary.as_str());
        json!({"id": id, "summary": summary, "_info": {"ticket_href": self.href(&format!("service/tickets/{id}"))}})
    }
}

fn stage(world: &World, ticket: &Ticket) -> Stage {
    ticket.status.and_then(|id| world.statuses.get(&id)).map(|s| s.stage).unwrap_or_default()
}

/// What the clock of the service level says, in words. The real wording is UNCONFIRMED.
fn sla_status(world: &World, ticket: &Ticket) -> String {
    let by = |minutes| {
        let due = ticket.entered_at.checked_add(SignedDuration::from_mins(minutes));
        due.unwrap_or(ticket.entered_at).strftime("%a %m/%d %I:%M %p").to_string()
    };
    match stage(world, ticket) {
        Stage::New => format!("Respond by {}", by(RESPOND_MINUTES)),
        Stage::Responded => format!("Resolve by {}", by(RESOLVE_MINUTES)),
        Stage::Waiting => "Waiting".to_owned(),
        Stage::Resolved => "Resolved".to_owned(),
    }
}

fn in_sla(world: &World, ticket: &Ticket) -> bool {
    let within = |at: Timestamp, most: i64| at.duration_since(ticket.entered_at).as_mins() <= most;
    let now = world.now();
    within(ticket.responded_at.unwrap_or(now), RESPOND_MINUTES)
        && within(ticket.resolved_at.unwrap_or(now), RESOLVE_MINUTES)
}
