//! The rows of each entity: tickets and what hangs on them as the API user may see them, and the small ones that describe the desk.

use serde_json::{Map, Value, json};

use super::desk::ROLES;
use super::fields::Entity;
use super::query::Query;
use super::records::{Row, View, nonbillable};
use super::times::{maybe, shown};
use super::{API_RESOURCE, API_USER, SYSTEM_RESOURCE};
use crate::deed::Deed;
use crate::world::{Id, Technician, Ticket};

/// Ids of a technician's one role on the service desk start here.
const DESK_ROLES: Id = 1_000_000_000;

fn made(value: Value) -> Row<'static> {
    match value {
        Value::Object(record) => Row::Made(record),
        _ => Row::Made(Map::new()),
    }
}

impl<'a> View<'a> {
    /// Whether the API user sees a ticket: it is not deleted, and its queue is none that is kept from them.
    pub(super) fn sees(&self, ticket: &Ticket) -> bool {
        !ticket.deleted && self.world.boards.get(&ticket.board).is_none_or(|board| !board.hidden)
    }

    /// A ticket that the API user sees.
    pub(super) fn ticket(&self, id: Id) -> Option<&'a Ticket> {
        self.world.tickets.get(&id).filter(|ticket| self.sees(ticket))
    }

    /// The rows of an entity, in the order of their ids.
    pub(super) fn rows(&self, entity: &Entity, query: Option<&Query>) -> Vec<Row<'a>> {
        let mut rows: Vec<Row<'a>> = match entity.name {
            "Tickets" => {
                let seen = self.world.tickets.values().filter(|ticket| self.sees(ticket));
                seen.map(|ticket| Row::Ticket(*self, ticket)).collect()
            }
            "TicketNotes" => self.note_rows(),
            "TimeEntries" => self.time_rows(),
            "TicketHistory" => {
                let ticket = query.and_then(Query::ticket).filter(|id| self.ticket(*id).is_some());
                ticket.map(|id| self.history(id)).unwrap_or_default().into_iter().map(Row::Made).collect()
            }
            "Companies" => self.companies(),
            "Contacts" => self.contacts(),
            "Resources" => self.resources(),
            "Roles" => roles(),
            "ResourceServiceDeskRoles" => self.world.technicians.values().map(desk_role).collect(),
            "NotificationHistory" => self.notifications(),
            name => described(name),
        };
        rows.sort_by_key(Row::id);
        rows
    }

    /// The record of that id.
    pub(super) fn row(&self, entity: &Entity, id: Id) -> Option<Row<'a>> {
        match entity.name {
            "Tickets" => self.ticket(id).map(|ticket| Row::Ticket(*self, ticket)),
            "TicketHistory" => {
                let history = self.ticket(id / 1000).map(|ticket| self.history(ticket.id))?;
                history.into_iter().map(Row::Made).find(|row| row.id() == id)
            }
            _ => self.rows(entity, None).into_iter().find(|row| row.id() == id),
        }
    }

    fn note_rows(&self) -> Vec<Row<'a>> {
        let seen = |id: Id| self.ticket(id).is_some();
        let notes = self.world.notes.values().filter(|note| !note.first && seen(note.ticket));
        let merges = self.world.changes.iter().filter(|c| c.deed == Deed::Merged && seen(c.ticket));
        let notes = notes.map(|note| Row::Note(*self, note));
        notes.chain(merges.map(|change| Row::Merge(*self, change))).collect()
    }

    fn time_rows(&self) -> Vec<Row<'a>> {
        let all = self.settings.sees_nonbillable_time;
        let seen = self.world.times.values().filter(|entry| self.ticket(entry.ticket).is_some());
        let seen = seen.filter(|entry| all || !nonbillable(entry));
        let role = |id: &Id| self.world.technicians.get(id).map(|technician| technician.role);
        seen.map(|entry| Row::Time(entry, role(&entry.technician))).collect()
    }

    fn companies(&self) -> Vec<Row<'a>> {
        let companies = self.world.companies.values();
        companies
            .map(|company| {
                let last = self.world.tickets.values().filter(|t| t.company == company.id);
                made(json!({
                    "id": company.id, "companyName": company.name, "companyNumber": company.identifier,
                    "companyType": 1, "isActive": true, "phone": "",
                    "lastActivityDate": maybe(last.map(|t| t.updated_at).max()),
                }))
            })
            .collect()
    }

    fn contacts(&self) -> Vec<Row<'a>> {
        let contacts = self.world.contacts.values();
        contacts
            .map(|contact| {
                let (first, last) = names(&contact.name);
                // `isActive` of a contact is a number, of a resource a truth value.
                made(json!({
                    "id": contact.id, "companyID": contact.company, "firstName": first, "lastName": last,
                    "emailAddress": contact.email, "isActive": 1,
                }))
            })
            .collect()
    }

    fn resources(&self) -> Vec<Row<'a>> {
        let technicians = self.world.technicians.values().map(|technician| {
            let (first, last) = names(&technician.name);
            let email = format!("{}@desk.example", technician.identifier);
            made(json!({
                "id": technician.id, "userName": technician.identifier, "email": email, "firstName": first,
                "lastName": last, "isActive": technician.active, "licenseType": 1, "title": "",
                "defaultServiceDeskRoleID": technician.role,
            }))
        });
        let own = [
            (SYSTEM_RESOURCE, "administrator@desk.example", "Administrator", 1),
            (API_RESOURCE, API_USER, "API", 7),
        ];
        let own = own.map(|(id, email, last, license)| {
            made(json!({
                "id": id, "userName": email, "email": email, "firstName": "Autotask", "lastName": last,
                "isActive": true, "licenseType": license, "title": "", "defaultServiceDeskRoleID": null,
            }))
        });
        technicians.chain(own).collect()
    }

    /// Mails that customers got. The entity is known, its fields from SOAP's: UNCONFIRMED for REST.
    fn notifications(&self) -> Vec<Row<'a>> {
        let mails = (1..).zip(&self.world.mails).filter_map(|(id, mail)| {
            let ticket = self.ticket(mail.ticket)?;
            let contact = ticket.contact.and_then(|id| self.world.contacts.get(&id));
            Some(made(json!({
                "id": id, "ticketID": ticket.id, "companyID": ticket.company,
                "entityNumber": self.number(ticket), "entityTitle": ticket.summary,
                "recipientDisplayName": contact.map(|c| &c.name), "recipientEmailAddress": contact.map(|c| &c.email),
                "templateName": "Ticket - Note Created", "notificationSentTime": shown(mail.at),
                "notificationHistoryTypeID": 1, "initiatingResourceID": SYSTEM_RESOURCE,
            })))
        });
        mails.collect()
    }
}

/// First and last name.
fn names(name: &str) -> (String, String) {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    (first.to_owned(), last.to_owned())
}

fn roles() -> Vec<Row<'static>> {
    let roles = ROLES.map(|(id, name)| {
        let (rate, factor) = (90.0, 1.0);
        made(json!({
            "id": id, "name": name, "description": "", "isActive": true, "isSystemRole": false,
            "hourlyRate": rate, "hourlyFactor": factor,
        }))
    });
    roles.into()
}

fn desk_role(of: &Technician) -> Row<'static> {
    made(json!({
        "id": DESK_ROLES + of.id, "resourceID": of.id, "roleID": of.role, "isActive": of.active, "isDefault": true,
    }))
}

/// The ticket categories, as records and as a picklist.
pub(super) const CATEGORIES: [(Id, &str); 3] = [(1, "AEM Alert"), (2, "Datto Alert"), (3, "Standard")];

/// Rows that describe the desk, and none of what it has not.
fn described(name: &str) -> Vec<Row<'static>> {
    let rows: Vec<Value> = match name {
        "TicketCategories" => CATEGORIES
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name, "isActive": true, "isGlobalDefault": *id == 3, "displayColorRGB": 1}))
            .collect(),
        "HolidaySets" => {
            vec![json!({"id": 1, "holidaySetName": "Public holidays", "holidaySetDescription": ""})]
        }
        "Holidays" => [("New Year", "2026-01-01"), ("Spring holiday", "2026-05-04"), ("Winter holiday", "2026-12-25")]
            .iter()
            .zip(1..)
            .map(|((name, day), id)| {
                json!({"id": id, "holidaySetID": 1, "holidayName": name, "holidayDate": format!("{day}T00:00:00Z")})
            })
            .collect(),
        "InternalLocationWithBusinessHours" => vec![json!({
            "id": 1, "name": "Head office", "timeZoneID": 33, "holidaySetId": 1,
            "mondayBusinessHoursStartTime": "08:00", "mondayBusinessHoursEndTime": "18:00",
            "fridayBusinessHoursStartTime": "08:00", "fridayBusinessHoursEndTime": "16:00",
        })],
        _ => Vec::new(),
    };
    rows.into_iter().map(made).collect()
}
