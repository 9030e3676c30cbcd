//! Notes: what is said on a ticket, on the Discussion, Internal and Resolution tabs, and what is mailed of it.

use serde_json::{Map, Value, json};

use super::refusals::{self, Wrong};
use super::shapes::{login, member, time, without_nulls};
use super::{API_MEMBER_ID, Answer, Connectwise, tickets};
use crate::http::{Reply, Request};
use crate::world::{Author, Id, Mail, Note, Ticket, TimeEntry, World};

/// Fields that notes may have.
pub(super) const FIELDS: &[&str] = &[
    "ticketId",
    "ticket",
    "text",
    DETAIL,
    INTERNAL,
    RESOLUTION,
    "issueFlag",
    "member",
    "contact",
    "customerUpdatedFlag",
    "dateCreated",
    "createdBy",
    "internalFlag",
    "externalFlag",
    "noteType",
    "bundledFlag",
    "mergedFlag",
    "isMarkdownFlag",
    "originalAuthor",
    "timeStart",
    "timeEnd",
];
const DETAIL: &str = "detailDescriptionFlag";
const INTERNAL: &str = "internalAnalysisFlag";
const RESOLUTION: &str = "resolutionFlag";

impl Connectwise {
    /// The notes of a ticket.
    pub(super) fn notes(&self, world: &World, ticket: Id) -> Vec<Value> {
        world.notes_of(ticket, false).into_iter().map(|note| self.note(world, note)).collect()
    }

    /// The conversation as a technician sees it: notes, those of merged tickets, and notes of time entries.
    pub(super) fn all_notes(&self, world: &World, ticket: Id) -> Vec<Value> {
        let notes = world.notes_of(ticket, true);
        let mut shown: Vec<_> =
            notes.into_iter().map(|note| (note.at, self.ticket_note(world, note, ticket))).collect();
        let times = world.times.values().filter(|entry| entry.ticket == ticket && !entry.notes.is_empty());
        shown.extend(times.map(|entry| (entry.from, self.time_note(world, entry))));
        shown.sort_by_key(|(at, _)| *at);
        shown.into_iter().map(|(_, note)| note).collect()
    }

    /// Who wrote a note: a contact, a member, or neither where the PSA itself or a connector did.
    ///
    /// Whether notes of an API member name it as `member` is UNCONFIRMED: by default they don't, with a setting they do.
    fn authors(&self, world: &World, note: &Note) -> [Value; 2] {
        let api = self.settings.notes_name_member.then_some(API_MEMBER_ID);
        let (contact, member) = match note.by {
            Author::Contact(id) => (Some(id), None),
            Author::Technician(id) => (None, Some(id)),
            Author::Api => (note.kept.get("contact").and_then(Value::as_i64), note.as_technician.or(api)),
            Author::System => (None, None),
        };
        let member = member.filter(|_| contact.is_none());
        [self.contact_ref(world, contact), self.member_ref(world, member)]
    }

    fn note(&self, world: &World, note: &Note) -> Value {
        let [contact, member] = self.authors(world, note);
        let by = login(world, note.by);
        let mut shown = json!({
            "id": note.id,
            "ticketId": note.ticket,
            "text": note.text,
            "issueFlag": note.kept.get("issueFlag").cloned().unwrap_or(false.into()),
            "member": member,
            "contact": contact,
            "customerUpdatedFlag": matches!(note.by, Author::Contact(_)),
            "dateCreated": time(note.at),
            "createdBy": by,
            // These two are no measure of who can see a note: recorded bodies show them so on customer-visible ones.
            "internalFlag": true,
            "externalFlag": false,
            "_info": self.info(note.at, by),
        });
        flags(&mut shown, note);
        without_nulls(&mut shown);
        shown
    }

    fn ticket_note(&self, world: &World, note: &Note, of: Id) -> Value {
        let [contact, member] = self.authors(world, note);
        let mut shown = json!({
            "id": note.id,
            "noteType": "TicketNote",
            "ticket": self.ticket_ref(world, note.ticket),
            "text": note.text,
            "bundledFlag": false,
            "mergedFlag": note.ticket != of,
            "isMarkdownFlag": false,
            "issueFlag": false,
            "originalAuthor": name(world, note.by),
            "member": member,
            "contact": contact,
            "_info": self.info(note.at, login(world, note.by)),
        });
        shown["_info"]["sortByDate"] = time(note.at).into();
        flags(&mut shown, note);
        without_nulls(&mut shown);
        shown
    }

    fn time_note(&self, world: &World, entry: &TimeEntry) -> Value {
        let end = super::times::end(entry);
        let by = login(world, Author::Technician(entry.technician));
        let mut shown = json!({
            "id": entry.id,
            "noteType": "TimeEntryNote",
            "ticket": self.ticket_ref(world, entry.ticket),
            "text": entry.notes,
            DETAIL: entry.visible,
            INTERNAL: !entry.visible,
            RESOLUTION: entry.kept.get("addToResolutionFlag") == Some(&json!(true)),
            "bundledFlag": false,
            "mergedFlag": false,
            "isMarkdownFlag": false,
            "issueFlag": false,
            "originalAuthor": name(world, Author::Technician(entry.technician)),
            "member": self.member_ref(world, Some(entry.technician)),
            "timeStart": time(entry.from),
            "timeEnd": time(end),
            "_info": self.info(end, by),
        });
        shown["_info"]["sortByDate"] = time(entry.from).into();
        without_nulls(&mut shown);
        shown
    }

    /// Adds a note.
    pub(super) fn post_note(&self, world: &mut World, request: &Request, ticket: &str) -> Answer {
        self.may("tickets.edit")?;
        let ticket = tickets::named(world, ticket)?.clone();
        let body = request.json().ok_or_else(|| refusals::unreadable("The body is not JSON."))?;
        let mut note = Note { by: Author::Api, ..Note::default() };
        read(world, &mut note, &body).map_err(|wrong| refusals::invalid("serviceNote", &wrong))?;
        let asked = body.get("processNotifications") == Some(&json!(true)) && mails(&ticket);
        note.mailed = asked && note.visible;
        let (internal, at) = (asked && !note.visible, world.now());
        note.at = at;
        let id = world.note(ticket.id, note);
        if internal && self.settings.unsafe_mail {
            world.mails.push(Mail { ticket: ticket.id, note: id, at });
        }
        world.wrote(ticket.id, &format!("{} {}", request.method, request.path));
        Ok(Reply::json(201, &world.notes.get(&id).map_or(Value::Null, |note| self.note(world, note))))
    }

    /// Changes a note, by JSON-Patch or as a whole.
    pub(super) fn change_note(
        &self,
        world: &mut World,
        request: &Request,
        [ticket, note]: [&str; 2],
    ) -> Answer {
        self.may("tickets.edit")?;
        let found = found(world, ticket, note)?.clone();
        let before = self.note(world, &found);
        let after = super::patch::after(request, &before)?;
        let mut changed = found.clone();
        read(world, &mut changed, &after).map_err(|wrong| refusals::invalid("serviceNote", &wrong))?;
        let by = (Author::Api, world.now());
        if after != before {
            world.edit_note(found.id, |note| *note = changed, by);
            world.wrote(found.ticket, &format!("{} {}", request.method, request.path));
        }
        Ok(Reply::json(200, &world.notes.get(&found.id).map_or(Value::Null, |note| self.note(world, note))))
    }

    /// Deletes a note.
    pub(super) fn delete_note(
        &self,
        world: &mut World,
        request: &Request,
        [ticket, note]: [&str; 2],
    ) -> Answer {
        self.may("tickets.edit")?;
        let (id, ticket) = found(world, ticket, note).map(|note| (note.id, note.ticket))?;
        let by = (Author::Api, world.now());
        world.remove_note(id, by);
        world.wrote(ticket, &format!("{} {}", request.method, request.path));
        Ok(Reply::empty(204))
    }
}

fn found<'a>(world: &'a World, ticket: &str, note: &str) -> Result<&'a Note, Reply> {
    let of = tickets::named(world, ticket)?.id;
    let found = note.parse().ok().and_then(|id: Id| world.notes.get(&id));
    found.filter(|found| found.ticket == of).ok_or_else(|| refusals::not_found("ServiceNote", note))
}

/// Whether the ticket's own flags let notifications reach its contact.
fn mails(ticket: &Ticket) -> bool {
    let flag = ticket.kept.get("automaticEmailContactFlag").and_then(Value::as_bool).unwrap_or(true);
    flag && ticket.contact.is_some()
}

fn name(world: &World, by: Author) -> Option<String> {
    match by {
        Author::Contact(id) => world.contacts.get(&id).map(|c| c.name.clone()),
        Author::Technician(id) => member(world, id).map(|(_, name)| name.to_owned()),
        Author::Api => member(world, API_MEMBER_ID).map(|(_, name)| name.to_owned()),
        Author::System => None,
    }
}

/// The tabs on which a note stands.
fn flags(shown: &mut Value, note: &Note) {
    let kept = note.kept.get(INTERNAL).and_then(Value::as_bool);
    shown[DETAIL] = note.visible.into();
    shown[INTERNAL] = kept.unwrap_or(!note.visible && !note.resolution).into();
    shown[RESOLUTION] = note.resolution.into();
}

/// Reads a note from a body.
fn read(world: &World, note: &mut Note, body: &Value) -> Result<(), Vec<Wrong>> {
    let mut wrong = Vec::new();
    match body.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
        Some(text) => text.clone_into(&mut note.text),
        None => wrong.push(Wrong::missing("text")),
    }
    let [detail, internal, resolution] =
        [DETAIL, INTERNAL, RESOLUTION].map(|flag| body.get(flag) == Some(&json!(true)));
    if !(detail || internal || resolution) {
        wrong
            .push(Wrong::object(DETAIL, "Select where to display the note: at least one flag must be true."));
    }
    (note.visible, note.resolution) = (detail, resolution);
    let issue = body.get("issueFlag").cloned().unwrap_or(false.into());
    note.kept = Map::from_iter([(INTERNAL.to_owned(), internal.into()), ("issueFlag".to_owned(), issue)]);
    if note.by == Author::Api {
        let id = |key: &str| body.get(key).and_then(|who| who.get("id")).and_then(Value::as_i64);
        let own = |id: &Id| *id != API_MEMBER_ID;
        note.as_technician = id("member").filter(own);
        if note.as_technician.is_some_and(|id| !world.technicians.get(&id).is_some_and(|t| t.active)) {
            wrong.push(Wrong::field("member", "The member does not exist or is inactive."));
        }
        if let Some(contact) = id("contact") {
            note.kept.insert("contact".to_owned(), contact.into());
            if !world.contacts.contains_key(&contact) {
                wrong.push(Wrong::field("contact", "The contact does not exist."));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
