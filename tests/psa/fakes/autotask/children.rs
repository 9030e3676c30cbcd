//! Writes to what hangs on a ticket: notes, below their ticket, and time entries.
//!
//! UNCONFIRMED, decided here: what is longer than the documented 3200 characters is refused (longer ones have been seen), and mail is
//! the work of two rules of the tenant, since the API has no flag for it.

use serde_json::{Map, Value, json};

use super::fields::{Entity, entity};
use super::query::{look, number};
use super::records::Row;
use super::refusals::{NO_RECORD, broken, forbidden, refused};
use super::times;
use super::writes::{Desk, Values, acting, values};
use crate::http::{Reply, Request};
use crate::world::{Author, Id, Mail, Note, TimeEntry};

fn body(request: &Request) -> Result<Map<String, Value>, Reply> {
    let body = request.json().and_then(|body| body.as_object().cloned());
    body.ok_or_else(|| refused(400, "The body is no JSON object."))
}

fn of(name: &str) -> Result<Entity, Reply> {
    entity(name).ok_or_else(|| broken(name))
}

fn words(values: &Values, name: &str) -> String {
    values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What a write must have, and has not.
fn lacks(values: &Values, names: &[&str]) -> Result<(), Reply> {
    let missing = |name: &&&str| values.get(**name).is_none_or(|value| value.is_null() || value == "");
    match names.iter().find(missing) {
        Some(name) => Err(broken(&format!("{name} is required."))),
        None => Ok(()),
    }
}

impl Desk<'_> {
    /// `POST`, `PATCH` and `PUT` on `/Tickets/{id}/Notes`.
    pub(super) fn note(&mut self, request: &Request, ticket: Id) -> Result<Reply, Reply> {
        let technician = acting(self.world, self.settings, request)?;
        if !self.settings.may_write_notes {
            return Err(forbidden());
        }
        let found = self.view().ticket(ticket).map(|ticket| ticket.company);
        let company = found.ok_or_else(|| broken("No matching records found for the parent."))?;
        let (sent, of) = (body(request)?, of("TicketNotes")?);
        let values = values(self.view(), &of, &sent, request.method == "PUT")?;
        let old = match request.method.as_str() {
            "POST" => None,
            _ => Some(self.own_note(ticket, &sent)?),
        };
        let needed: &[&str] = if self.settings.note_title_required {
            &["title", "description", "noteType", "publish"]
        } else {
            &["description", "noteType", "publish"]
        };
        let given: Vec<&str> =
            needed.iter().copied().filter(|name| old.is_none() || values.contains_key(name)).collect();
        lacks(&values, &given)?;
        let contact = values.get("createdByContactID").and_then(Value::as_i64);
        if let Some(contact) = contact {
            let theirs = self.world.contacts.get(&contact).is_some_and(|c| c.company == company);
            if !theirs || values.get("publish") != Some(&json!(1)) {
                return Err(broken("createdByContactID is a contact of the company, and needs publish 1."));
            }
        }
        let id = match old {
            None => self.add_note(ticket, &values, (technician, contact)),
            Some(id) => {
                self.change_note(id, &values, technician);
                id
            }
        };
        self.world.wrote(ticket, &format!("{} /Tickets/{ticket}/Notes", request.method));
        Ok(Reply::json(200, &json!({"itemId": id})))
    }

    /// The note that a body names; it must hang on the ticket.
    fn own_note(&self, ticket: Id, sent: &Map<String, Value>) -> Result<Id, Reply> {
        let id = look(sent, "id").and_then(number).map(|n| n as Id);
        let id = id.ok_or_else(|| broken("The id is required in the body of an update."))?;
        let own = |note: &&Note| note.ticket == ticket && !note.first;
        let found = self.world.notes.get(&id).filter(own).map(|note| note.id);
        found.ok_or_else(|| broken("No matching records found."))
    }

    fn add_note(
        &mut self,
        ticket: Id,
        values: &Values,
        (as_technician, contact): (Option<Id>, Option<Id>),
    ) -> Id {
        let visible = values.get("publish") == Some(&json!(1));
        let note = Note {
            by: contact.map_or(Author::Api, Author::Contact),
            as_technician,
            title: words(values, "title"),
            text: words(values, "description"),
            visible,
            mailed: visible && self.settings.mails_public_notes,
            kept: kept(values),
            at: self.world.now(),
            ..Note::default()
        };
        let id = self.world.note(ticket, note);
        if !visible && self.settings.mails_internal_notes {
            let at = self.world.now();
            self.world.mails.push(Mail { ticket, note: id, at });
        }
        id
    }

    fn change_note(&mut self, id: Id, values: &Values, technician: Option<Id>) {
        let at = self.world.now();
        let change = |note: &mut Note| {
            if values.contains_key("title") {
                note.title = words(values, "title");
            }
            if values.contains_key("description") {
                note.text = words(values, "description");
            }
            if let Some(publish) = values.get("publish") {
                note.visible = *publish == json!(1);
            }
            note.kept.extend(kept(values));
            note.kept.insert("lastActivityDate".to_owned(), json!(times::shown(at)));
        };
        self.world.edit_note(id, change, (technician.map_or(Author::Api, Author::Technician), at));
    }

    /// `POST`, `PATCH` and `PUT` on `/TimeEntries`.
    pub(super) fn time(&mut self, request: &Request) -> Result<Reply, Reply> {
        acting(self.world, self.settings, request)?;
        let (sent, of) = (body(request)?, of("TimeEntries")?);
        let mut new = values(self.view(), &of, &sent, request.method == "PUT")?;
        let old = match request.method.as_str() {
            "POST" => None,
            _ => Some(self.own_time(&sent)?),
        };
        if let Some(row) = old.and_then(|id| self.view().row(&of, id)) {
            let before: Values =
                of.fields.iter().map(|field| (field.name, field_of(&row, &of, field.name))).collect();
            let changed = new;
            new = before;
            new.extend(changed);
        }
        let entry = self.entry(&new)?;
        let (ticket, at) = (entry.ticket, self.world.now());
        let id = match old {
            None => self.world.time(entry),
            Some(id) => {
                let change = |time: &mut TimeEntry| *time = TimeEntry { id, by: time.by, ..entry };
                self.world.edit_time(id, change, (Author::Api, at));
                id
            }
        };
        self.world.wrote(ticket, &format!("{} /TimeEntries", request.method));
        Ok(Reply::json(200, &json!({"itemId": id})))
    }

    fn own_time(&self, sent: &Map<String, Value>) -> Result<Id, Reply> {
        let id = look(sent, "id").and_then(number).map(|n| n as Id);
        let id = id.ok_or_else(|| broken("The id is required in the body of an update."))?;
        let found = self.world.times.get(&id).map(|entry| entry.id);
        found.ok_or_else(|| broken("No matching records found."))
    }

    /// The entry that values make, or what is wrong with them.
    fn entry(&self, values: &Values) -> Result<TimeEntry, Reply> {
        lacks(values, &["ticketID", "resourceID", "roleID"])?;
        let whole = |name: &str| values.get(name).and_then(Value::as_i64).unwrap_or_default();
        let time = |name: &str| values.get(name).and_then(Value::as_str).and_then(times::read);
        let ticket = self.view().ticket(whole("ticketID")).map(|ticket| ticket.id);
        let ticket = ticket.ok_or_else(|| broken("ticketID does not reference a Ticket."))?;
        if !self.may_own(whole("resourceID"), whole("roleID"))? {
            return Err(broken("resourceID and roleID are no valid pair."));
        }
        let from = time("startDateTime").or_else(|| time("dateWorked"));
        let from =
            from.ok_or_else(|| broken("dateWorked, or startDateTime and endDateTime, are required."))?;
        let span = time("endDateTime").map(|end| end.duration_since(from).as_secs_f64() / 3600.0);
        let hours = values.get("hoursWorked").and_then(Value::as_f64).or(span).unwrap_or_default();
        if hours <= 0.0 || hours > 24.0 {
            return Err(broken("hoursWorked is more than 0 and at most 24."));
        }
        let (summary, internal) = (words(values, "summaryNotes"), words(values, "internalNotes"));
        let visible = !summary.is_empty();
        let names =
            ["roleID", "isNonBillable", "showOnInvoice", "offsetHours", "billingCodeID", "contractID"];
        let mut kept = Map::new();
        for name in names {
            kept.extend(values.get(name).filter(|v| !v.is_null()).map(|v| (name.to_owned(), v.clone())));
        }
        // The world has one text for an entry: what else is said internally is kept beside it.
        kept.extend((visible && !internal.is_empty()).then(|| ("internalNotes".to_owned(), json!(internal))));
        kept.entry("isNonBillable").or_insert(json!(false));
        let at = self.world.now();
        kept.insert("lastModifiedDateTime".to_owned(), json!(times::shown(at)));
        let notes = if visible { summary } else { internal };
        let technician = whole("resourceID");
        let seconds = hours * 3600.0;
        Ok(TimeEntry {
            ticket,
            technician,
            from,
            seconds,
            notes,
            visible,
            by: Author::Api,
            kept,
            ..TimeEntry::default()
        })
    }

    /// `DELETE /TimeEntries/{id}`.
    pub(super) fn delete_time(&mut self, id: Id) -> Result<Reply, Reply> {
        let ticket = self.world.times.get(&id).map(|entry| entry.ticket).ok_or_else(|| broken(NO_RECORD))?;
        let at = self.world.now();
        self.world.remove_time(id, (Author::Api, at));
        self.world.wrote(ticket, &format!("DELETE /TimeEntries/{id}"));
        Ok(Reply::json(200, &json!({"itemId": id})))
    }
}

fn field_of(row: &Row<'_>, of: &Entity, name: &str) -> Value {
    use super::query::Record;
    of.field(name).map_or(Value::Null, |field| row.value(field))
}

/// The picklist values of a note, as they were set.
fn kept(values: &Values) -> Map<String, Value> {
    let picked = ["noteType", "publish"].into_iter().filter_map(|name| Some((name, values.get(name)?)));
    picked
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}
