//! Writes to tickets: `POST`, `PATCH` and `PUT` on `/Tickets`, with the id in the body. All is checked before anything is done.
//!
//! UNCONFIRMED, decided here: unknown keys and read-only ones are passed over (a client sends whole records back); an issue type that
//! leaves the old sub-issue type behind, and a company that leaves the old contact behind, are refused; a write that changes nothing
//! moves no date.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fields::{Entity, Field, Holds, entity};
use super::query::{Record, look, number};
use super::records::{Edit, UDF, View, udfs as udfs_of};
use super::refusals::{broken, forbidden, refused};
use super::settings::Settings;
use super::times;
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, NewTicket, Note, World};

/// What writes work on.
pub(super) struct Desk<'a> {
    pub(super) world: &'a mut World,
    pub(super) settings: &'a Settings,
    pub(super) edits: &'a mut Vec<Edit>,
}

/// Values to set, by field; all of them fit.
pub(super) type Values = BTreeMap<&'static str, Value>;

/// The values that a body sets. `whole`: what it leaves out is set to null.
pub(super) fn values(
    view: View<'_>,
    of: &Entity,
    body: &Map<String, Value>,
    whole: bool,
) -> Result<Values, Reply> {
    let mut values = Values::new();
    for field in of.fields.iter().filter(|field| !field.read_only) {
        match look(body, field.name) {
            Some(value) => {
                values.insert(field.name, fitting(view, of, field, value)?);
            }
            None if whole => {
                values.insert(field.name, Value::Null);
            }
            None => {}
        }
    }
    Ok(values)
}

/// A value as the field holds it, or the refusal. Numbers may come as text; an empty text is null for all but texts.
fn fitting(view: View<'_>, of: &Entity, field: &Field, value: &Value) -> Result<Value, Reply> {
    let wrong = || broken(&format!("The value {value} is not valid for {}.", field.name));
    let value = match (field.holds, value) {
        (Holds::Text, Value::String(text)) => {
            let most = if of.name == "TicketNotes" && field.name == "description" {
                view.settings.note_length
            } else {
                field.length
            };
            if text.chars().count() > most {
                return Err(broken(&format!("{} is longer than {most} characters.", field.name)));
            }
            value.clone()
        }
        (Holds::Text, Value::Null) => Value::Null,
        (_, Value::Null) => Value::Null,
        (_, Value::String(text)) if text.is_empty() => Value::Null,
        (Holds::Whole, value) => {
            let n = number(value).filter(|n| n.fract() == 0.0 && !value.is_boolean()).ok_or_else(wrong)?;
            json!(n as i64)
        }
        (Holds::Decimal, value) => json!(number(value).ok_or_else(wrong)?),
        (Holds::Flag, value) => json!(number(value).ok_or_else(wrong)? != 0.0),
        (Holds::Time, value) => {
            json!(times::shown(value.as_str().and_then(times::read).ok_or_else(wrong)?))
        }
        (Holds::Text, _) => return Err(wrong()),
    };
    let picked = value.as_i64().filter(|_| field.picklist);
    match picked.map(|picked| view.picks(of, field).iter().any(|pick| pick.value == picked)) {
        Some(false) => Err(broken(&format!("The picklist of {} has no value {value}.", field.name))),
        _ => Ok(value),
    }
}

/// Who writes: the API user, or the technician that it acts as.
pub(super) fn acting(world: &World, settings: &Settings, request: &Request) -> Result<Option<Id>, Reply> {
    let Some(named) = request.header("impersonationresourceid").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let known = named.parse::<Id>().ok().and_then(|id| world.technicians.get(&id));
    match known {
        Some(technician) if technician.active && settings.may_impersonate => Ok(Some(technician.id)),
        _ => Err(forbidden()),
    }
}

impl Desk<'_> {
    pub(super) fn view(&self) -> View<'_> {
        View { world: self.world, settings: self.settings, edits: self.edits }
    }

    /// A write to `/Tickets`.
    pub(super) fn ticket(&mut self, request: &Request) -> Result<Reply, Reply> {
        let acting = acting(self.world, self.settings, request)?;
        if !self.settings.may_write_tickets {
            return Err(forbidden());
        }
        let body = request.json().and_then(|body| body.as_object().cloned());
        let body = body.ok_or_else(|| refused(400, "The body is no JSON object."))?;
        let by = (acting.map_or(Author::Api, Author::Technician), self.world.now());
        let id = if request.method == "POST" { None } else { Some(self.named(&body)?) };
        let of = entity("Tickets").ok_or_else(|| broken("Tickets"))?;
        let mut values = values(self.view(), &of, &body, request.method == "PUT")?;
        let udfs = look(&body, "userDefinedFields").map(|udfs| self.udfs(id, udfs)).transpose()?;
        self.check(id, &values, &of)?;
        let id = match id {
            Some(id) => {
                self.keep_changes(id, &mut values, &of);
                id
            }
            None => self.open(&mut values, by),
        };
        let kept = udfs.filter(|udfs| self.world.tickets.get(&id).is_some_and(|t| udfs_of(t) != *udfs));
        if request.method == "POST" || !values.is_empty() || kept.is_some() {
            self.apply(id, values, kept, by);
            self.world.wrote(id, &format!("{} /Tickets", request.method));
        }
        Ok(Reply::json(200, &json!({"itemId": id})))
    }

    /// The ticket that a body names.
    fn named(&self, body: &Map<String, Value>) -> Result<Id, Reply> {
        let id = look(body, "id").and_then(number).map(|n| n as Id);
        let id = id.ok_or_else(|| broken("The id is required in the body of an update."))?;
        self.view().ticket(id).map(|ticket| ticket.id).ok_or_else(|| broken("No matching records found."))
    }

    /// The user-defined fields of a ticket as they will be.
    fn udfs(&self, id: Option<Id>, sent: &Value) -> Result<Value, Reply> {
        let known = |udf: &Value| udf["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(UDF));
        let sent = sent.as_array().ok_or_else(|| broken("userDefinedFields is an array."))?;
        if let Some(other) = sent.iter().find(|udf| !known(udf)) {
            return Err(broken(&format!("There is no user-defined field {}.", other["name"])));
        }
        let old = id.and_then(|id| self.world.tickets.get(&id)).map(udfs_of);
        let new = sent.last().map(|udf| json!([{"name": UDF, "value": udf["value"].as_str()}]));
        Ok(new.or(old).unwrap_or_else(|| json!([{"name": UDF, "value": null}])))
    }

    /// Checks what holds between values, as they will be.
    fn check(&self, id: Option<Id>, values: &Values, of: &Entity) -> Result<(), Reply> {
        let view = self.view();
        let row = id.and_then(|id| view.row(of, id));
        let will = |name: &str| match (values.get(name), &row) {
            (Some(value), _) => value.clone(),
            (None, Some(row)) => of.field(name).map_or(Value::Null, |field| row.value(field)),
            (None, None) => Value::Null,
        };
        for field in of.fields.iter().filter(|field| field.required && !field.read_only) {
            if matches!(will(field.name), Value::Null) || will(field.name) == "" {
                return Err(broken(&format!("{} is required.", field.name)));
            }
        }
        let company = will("companyID").as_i64();
        if !company.is_some_and(|id| self.world.companies.contains_key(&id)) {
            return Err(broken("companyID does not reference a Company."));
        }
        if let Some(contact) = will("contactID").as_i64() {
            let found = self.world.contacts.get(&contact);
            if found.map(|contact| contact.company) != company {
                return Err(broken("contactID does not reference a Contact of the Company."));
            }
        }
        if will("queueID").is_null() && will("assignedResourceID").is_null() {
            return Err(broken("A queue or a primary resource is required."));
        }
        if let Some(sub) = will("subIssueType").as_i64() {
            let parent = self.world.subkinds.get(&sub).map(|sub| sub.kind);
            if parent != will("issueType").as_i64() {
                return Err(broken("subIssueType is no child of issueType."));
            }
        }
        self.check_owner(values)
    }

    /// A resource comes with a role, and the pair must be one of the service desk's.
    fn check_owner(&self, values: &Values) -> Result<(), Reply> {
        let (owner, role) = (values.get("assignedResourceID"), values.get("assignedResourceRoleID"));
        let (Some(owner), Some(role)) = (owner, role) else {
            let text = "assignedResourceID and assignedResourceRoleID are set together.";
            return if owner.is_none() && role.is_none() { Ok(()) } else { Err(broken(text)) };
        };
        let pair = (owner.as_i64(), role.as_i64());
        let valid = match pair {
            (None, None) => true,
            (Some(owner), Some(role)) => self.may_own(owner, role)?,
            _ => false,
        };
        let text =
            "assignedResourceID and assignedResourceRoleID are no valid pair for a service desk queue.";
        if valid { Ok(()) } else { Err(broken(text)) }
    }

    /// Whether a resource has a role; inactive ones are refused.
    pub(super) fn may_own(&self, resource: Id, role: Id) -> Result<bool, Reply> {
        match self.world.technicians.get(&resource) {
            Some(technician) if !technician.active => Err(broken("The resource is inactive.")),
            found => Ok(found.is_some_and(|technician| technician.role == role)),
        }
    }

    /// Leaves of the values those that change something.
    fn keep_changes(&self, id: Id, values: &mut Values, of: &Entity) {
        let view = self.view();
        let Some(row) = view.row(of, id) else { return };
        let empty = |value: &Value| value.is_null() || value == "";
        values.retain(|name, value| {
            let has = of.field(name).map_or(Value::Null, |field| row.value(field));
            has != *value && !(empty(&has) && empty(value))
        });
    }

    fn open(&mut self, values: &mut Values, by: (Author, Timestamp)) -> Id {
        let mut take = |name: &str| values.remove(name).and_then(|value| value.as_i64());
        let board = take("queueID");
        let mut new = NewTicket {
            at: Some(by.1),
            company: take("companyID").unwrap_or_default(),
            contact: take("contactID"),
            board: board.unwrap_or(super::desk::SERVICE_DESK),
            kind: take("issueType"),
            subkind: take("subIssueType"),
            priority: take("priority"),
            status: take("status"),
            owner: take("assignedResourceID"),
            source: take("source"),
            ..NewTicket::default()
        };
        let words =
            |value: Option<Value>| value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        new.summary = words(values.remove("title"));
        new.description = words(values.remove("description"));
        values.retain(|_, value| !value.is_null());
        if board.is_none() {
            values.insert("queueID", Value::Null);
        }
        self.world.open(new, by.0)
    }

    fn apply(&mut self, id: Id, values: Values, udfs: Option<Value>, by: (Author, Timestamp)) {
        let mut kept = Map::new();
        for (name, value) in values {
            let text = value.as_str().unwrap_or_default();
            match (name, deed(name)) {
                ("assignedResourceRoleID", _) => {}
                ("title", _) => self.world.rename(id, text, by),
                ("description", _) => self.describe(id, text, by),
                ("queueID", _) => {
                    kept.insert("noQueue".to_owned(), json!(value.is_null()));
                    if let Some(board) = value.as_i64() {
                        self.world.move_board(id, board, by);
                    }
                }
                (_, Some(deed)) => self.world.set(id, deed, value.as_i64(), by),
                (name, None) => {
                    if let Some(ticket) = self.world.tickets.get_mut(&id).filter(|_| name == "source") {
                        ticket.source = value.as_i64();
                    }
                    self.edited(id, name, &value, by);
                    kept.insert(name.to_owned(), value);
                }
            }
        }
        if let Some(udfs) = udfs {
            self.edited(id, UDF, &udfs[0]["value"], by);
            kept.insert("userDefinedFields".to_owned(), udfs);
        }
        self.world.keep(id, kept, by);
    }

    fn describe(&mut self, id: Id, text: &str, by: (Author, Timestamp)) {
        let first = self.view().notes(id).find(|note| note.first).map(|note| note.id);
        match first {
            Some(note) => self.world.edit_note(note, |note| text.clone_into(&mut note.text), by),
            None => {
                let note = Note { by: by.0, at: by.1, first: true, ..Note::said(text, true) };
                self.world.note(id, note);
            }
        }
        self.edited(id, "description", &json!(text), by);
    }

    fn edited(&mut self, ticket: Id, name: &str, value: &Value, (by, at): (Author, Timestamp)) {
        let detail = format!("{name} changed to {value}");
        self.edits.push(Edit { ticket, at, by, detail });
    }
}

/// What the world calls a field.
fn deed(name: &str) -> Option<Deed> {
    Some(match name {
        "status" => Deed::Status,
        "issueType" => Deed::Kind,
        "subIssueType" => Deed::Subkind,
        "priority" => Deed::Priority,
        "assignedResourceID" => Deed::Owner,
        "companyID" => Deed::Company,
        "contactID" => Deed::Contact,
        _ => return None,
    })
}
