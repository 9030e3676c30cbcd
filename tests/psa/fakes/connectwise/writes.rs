//! Writes of tickets: created, changed by JSON-Patch or as a whole, merged, deleted.
//!
//! A write is read against the record as it was shown; what the board, the type or the role does not allow is refused as a whole.

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::refusals::{self, Wrong};
use super::{Answer, Connectwise, patch, tickets};
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, NewTicket, Note, World};

/// Fields that nobody sets. Whether the real one ignores or refuses them in a patch is UNCONFIRMED: they are refused there, and ignored
/// in whole records, which carry them because they were read so.
const READ_ONLY: &[&str] = &[
    "id",
    "_info",
    "recordType",
    "closedFlag",
    "closedDate",
    "closedBy",
    "resources",
    "slaStatus",
    "isInSla",
    "dateResponded",
    "dateResplan",
    "dateResolved",
    "respondMinutes",
    "resPlanMinutes",
    "resolveMinutes",
    "hasChildTicket",
    "mergedParentTicket",
    "hasMergedChildTicketFlag",
    "actualHours",
    "approved",
    "sla",
    "initialDescription",
    "initialInternalAnalysis",
    "initialResolution",
];
/// Texts that a new ticket may bring along.
const INITIAL: [&str; 3] = ["initialDescription", "initialInternalAnalysis", "initialResolution"];

impl Connectwise {
    fn shown(&self, world: &World, id: Id, status: u16) -> Answer {
        let facts = tickets::Facts::of(world, &[id]);
        let ticket = world.tickets.get(&id).ok_or_else(|| refusals::not_found("Ticket", &id.to_string()))?;
        Ok(Reply::json(status, &self.ticket(world, &facts, ticket)))
    }

    /// Changes a ticket.
    pub(super) fn change_ticket(&self, world: &mut World, request: &Request, id: &str) -> Answer {
        self.may("tickets.edit")?;
        let ticket = tickets::named(world, id)?.clone();
        let before = self.ticket(world, &tickets::Facts::of(world, &[ticket.id]), &ticket);
        let after = patch::after(request, &before)?;
        let touched = patch::touched(request);
        let refused = touched.iter().filter(|field| READ_ONLY.contains(&field.as_str()));
        let mut wrong: Vec<Wrong> =
            refused.map(|field| Wrong::field(field, format!("{field} can't be set."))).collect();
        let old = Draft::of(&ticket);
        let mut draft = old.clone();
        wrong.extend(draft.read(world, &before, &after, READ_ONLY));
        wrong.extend(draft.check(world, &old));
        if !wrong.is_empty() {
            return Err(refusals::invalid("ticket", &wrong));
        }
        self.may_close(world, &old, &draft)?;
        if draft != old {
            draft.apply(world, ticket.id, &old);
            world.wrote(ticket.id, &format!("{} {}", request.method, request.path));
        }
        self.shown(world, ticket.id, 200)
    }

    /// Closing needs a right of its own.
    fn may_close(&self, world: &World, old: &Draft, new: &Draft) -> Result<(), Reply> {
        let closes =
            |draft: &Draft| draft.status.and_then(|id| world.statuses.get(&id)).is_some_and(|s| s.closed);
        if closes(new) && !closes(old) { self.may("tickets.close") } else { Ok(()) }
    }

    /// Opens a ticket. Whether workflow rules route tickets of API members is UNCONFIRMED: here they don't.
    pub(super) fn post_ticket(&self, world: &mut World, request: &Request) -> Answer {
        self.may("tickets.add")?;
        let Some(Value::Object(body)) = request.json() else {
            return Err(refusals::unreadable("The record is not an object."));
        };
        let given = |key: &str| body.get(key).is_some_and(|value| !value.is_null() && *value != json!(""));
        let required = ["summary", "board", "company"].into_iter().filter(|key| !given(key));
        let mut wrong: Vec<Wrong> = required.map(Wrong::missing).collect();
        let old = Draft::default();
        let mut draft = old.clone();
        let mut fields = body.clone();
        fields.retain(|key, value| !INITIAL.contains(&key.as_str()) && !value.is_null());
        wrong.extend(draft.read(world, &json!({}), &Value::Object(fields), READ_ONLY));
        if wrong.is_empty() {
            wrong.extend(draft.check(world, &old));
        }
        if !wrong.is_empty() {
            return Err(refusals::invalid("ticket", &wrong));
        }
        self.may_close(world, &old, &draft)?;
        let id = open(world, draft, &body);
        world.wrote(id, &format!("{} {}", request.method, request.path));
        self.shown(world, id, 201)
    }

    /// Merges tickets into one. The status and body of the real reply are UNCONFIRMED.
    pub(super) fn merge(&self, world: &mut World, request: &Request, parent: &str) -> Answer {
        self.may("tickets.edit")?;
        self.may("tickets.close")?;
        let parent = tickets::named(world, parent)?.id;
        let body = request.json().ok_or_else(|| refusals::unreadable("The body is not JSON."))?;
        let ids = body.get("mergeTicketIds").and_then(Value::as_array);
        let ids: Option<Vec<Id>> = ids.and_then(|ids| ids.iter().map(Value::as_i64).collect());
        let children = ids.filter(|ids| !ids.is_empty());
        let children =
            children.ok_or_else(|| refusals::invalid("ticketMerge", &[Wrong::missing("mergeTicketIds")]))?;
        let is_free = |id: &Id| {
            *id != parent && tickets::visible(world, *id).is_some_and(|ticket| ticket.merged_into.is_none())
        };
        if let Some(id) = children.iter().find(|id| !is_free(id)) {
            let wrong = Wrong::field("mergeTicketIds", format!("Ticket {id} can't be merged."));
            return Err(refusals::invalid("ticketMerge", &[wrong]));
        }
        let by = (Author::Api, world.now());
        for child in children {
            world.merge(child, parent, by);
            world.wrote(child, &format!("{} {}", request.method, request.path));
        }
        self.shown(world, parent, 200)
    }

    /// Deletes a ticket.
    pub(super) fn delete_ticket(&self, world: &mut World, request: &Request, id: &str) -> Answer {
        self.may("tickets.delete")?;
        let id = tickets::named(world, id)?.id;
        let by = (Author::Api, world.now());
        world.delete(id, by);
        world.wrote(id, &format!("{} {}", request.method, request.path));
        Ok(Reply::empty(204))
    }
}

fn open(world: &mut World, draft: Draft, body: &Map<String, Value>) -> Id {
    let [description, internal, resolution] =
        INITIAL.map(|key| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned());
    let kept = draft.kept;
    let new = NewTicket {
        summary: draft.summary,
        description,
        company: draft.company,
        contact: draft.contact,
        board: draft.board,
        kind: draft.kind,
        subkind: draft.subkind,
        priority: draft.priority,
        owner: draft.owner,
        source: draft.source,
        ..NewTicket::default()
    };
    let id = world.open(new, Author::Api);
    let by = (Author::Api, world.now());
    if draft.status.is_some() {
        world.set(id, Deed::Status, draft.status, by);
    }
    world.keep(id, kept, by);
    for (text, resolution) in [(internal, false), (resolution, true)] {
        if !text.is_empty() {
            world.note(id, Note { by: Author::Api, resolution, ..Note::said(&text, false) });
        }
    }
    id
}
