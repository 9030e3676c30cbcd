//! What the tenant's ids stand for: picklists, resources, companies and contacts, read once and again after some hours.
//!
//! Picklist values are text there and numbers in records. A name that is asked for is only what is in use.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Field};
use serde_json::json;

use super::client::{Client, is};
use super::refusal::{Refused, refuses};
use super::wire::{self, DeskRole, FieldInfo, Fields, Named, Pick, Resource};

/// How long names are believed.
const HOLDS: Duration = Duration::from_secs(6 * 3_600);
/// How long they are believed though one is missing.
const HOLDS_WITHOUT: Duration = Duration::from_secs(60);
/// Companies and contacts that are remembered.
const MOST_NAMES: usize = 50_000;
/// The stock status of what is done: the only one with a completion date.
pub(super) const COMPLETE: i64 = 5;
/// The stock resource that the system writes as. UNCONFIRMED for every tenant.
const SYSTEM: i64 = 4;
/// The license of an API user. UNCONFIRMED: the user's own name is compared, too.
const API_LICENSE: i64 = 7;
/// The stock type of a note that a workflow rule wrote.
const WORKFLOW_NOTE: i64 = 13;

/// The names of a tenant's ids.
#[derive(Debug)]
pub(super) struct Names {
    fields: BTreeMap<String, FieldInfo>,
    note_fields: BTreeMap<String, FieldInfo>,
    /// Names of fields in lower case, letters and digits only: the tenant's own, too.
    known_fields: Vec<String>,
    resources: BTreeMap<i64, Resource>,
    companies: BTreeMap<i64, String>,
    contacts: BTreeMap<i64, Option<String>>,
    user: String,
    read_at: Instant,
}

/// A picklist's field by the label that it is here.
pub(super) fn field_of(field: Field) -> &'static str {
    match field {
        Field::Board => "queueID",
        Field::Type => "issueType",
        Field::Subtype => "subIssueType",
        Field::Priority => "priority",
        Field::Technician => "assignedResourceID",
    }
}

impl Names {
    /// Reads them.
    pub(super) fn read(client: &mut Client) -> Result<Self> {
        let fields = fields_by_name(client.get("Tickets/entityInformation/fields")?);
        let note_fields = fields_of_notes(client)?;
        let own: Fields = match client.get("Tickets/entityInformation/userDefinedFields") {
            Err(Refused::NoEndpoint | Refused::Missing | Refused::Forbidden(_)) => Fields::default(),
            told => told?,
        };
        let known = fields.keys().cloned().chain(fields_by_name(own).into_keys());
        let known_fields = known.map(|name| bare(&name)).collect();
        let mut resources = BTreeMap::new();
        let all = [json!({"op": "gte", "field": "id", "value": 0})];
        client.each("Resources", &all, &[], &mut |one: Resource| {
            resources.extend(one.id.map(|id| (id, one)));
            Ok(())
        })?;
        let (companies, contacts) = (BTreeMap::new(), BTreeMap::new());
        let (user, read_at) = (client.settings.user.to_lowercase(), Instant::now());
        Ok(Self { fields, note_fields, known_fields, resources, companies, contacts, user, read_at })
    }

    /// Names of fields and no more.
    #[cfg(test)]
    pub(super) fn known(fields: &[&str]) -> Self {
        Self {
            fields: BTreeMap::new(),
            note_fields: BTreeMap::new(),
            known_fields: fields.iter().map(|name| bare(name)).collect(),
            resources: BTreeMap::new(),
            companies: BTreeMap::new(),
            contacts: BTreeMap::new(),
            user: String::new(),
            read_at: Instant::now(),
        }
    }

    /// Whether they have to be read again: after hours, or where one is `missing`.
    pub(super) fn are_old(&self, missing: bool) -> bool {
        self.read_at.elapsed() >= if missing { HOLDS_WITHOUT } else { HOLDS }
    }

    /// Whether the labels of a ticket have names.
    pub(super) fn know(&self, ticket: &wire::Ticket) -> bool {
        let picks = [
            ("queueID", ticket.queue),
            ("issueType", ticket.issue_type),
            ("subIssueType", ticket.sub_issue_type),
            ("priority", ticket.priority),
            ("status", ticket.status),
            ("source", ticket.source),
        ];
        let known = |(field, id): &(&str, Option<i64>)| id.is_none() || self.label(field, *id).is_some();
        let owner = ticket.resource.is_none_or(|id| self.resources.contains_key(&id));
        picks.iter().all(known) && owner
    }

    /// The label of a ticket's picklist value.
    pub(super) fn label(&self, field: &str, id: Option<i64>) -> Option<String> {
        label(self.picks(field), id?)
    }

    /// The values of a ticket's picklist, those out of use too.
    pub(super) fn picks(&self, field: &str) -> &[Pick] {
        picks(&self.fields, field)
    }

    /// Those of a note's.
    pub(super) fn note_picks(&self, field: &str) -> &[Pick] {
        picks(&self.note_fields, field)
    }

    /// The longest text of a note's field, in characters.
    pub(super) fn note_length(&self, field: &str) -> Option<usize> {
        let length = self.note_fields.get(field).and_then(|field| field.length);
        length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length > 0)
    }

    /// Whether a line of the history that begins so is of a field that exists.
    pub(super) fn have_field(&self, subject: &str) -> bool {
        let subject = bare(subject);
        !subject.is_empty() && self.known_fields.contains(&subject)
    }

    /// The name of a value of a ticket's label.
    pub(super) fn value(&self, ticket: &wire::Ticket, field: Field) -> Option<String> {
        let id = match field {
            Field::Board => ticket.queue,
            Field::Type => ticket.issue_type,
            Field::Subtype => ticket.sub_issue_type,
            Field::Priority => ticket.priority,
            Field::Technician => return self.resource(ticket.resource?),
        };
        self.label(field_of(field), id)
    }

    /// A resource's name.
    pub(super) fn resource(&self, id: i64) -> Option<String> {
        let found = self.resources.get(&id).and_then(|one| {
            wire::whole_name(&one.first_name, &one.last_name).or_else(|| one.user_name.clone())
        });
        found.or_else(|| Some(format!("resource {id}")))
    }

    /// Those who work there.
    pub(super) fn technicians(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values().filter(|one| one.is_active != Some(false) && !self.is_program(one))
    }

    /// Whether someone of that name no longer works there.
    pub(super) fn is_inactive(&self, wanted: &str) -> bool {
        let gone = self.resources.values().filter(|one| one.is_active == Some(false));
        gone.filter_map(|one| self.resource(one.id?)).any(|name| same(Some(&name), wanted))
    }

    fn is_program(&self, one: &Resource) -> bool {
        one.id == Some(SYSTEM) || one.license_type == Some(API_LICENSE) || self.is_user(one)
    }

    fn is_user(&self, one: &Resource) -> bool {
        [&one.user_name, &one.email]
            .iter()
            .any(|name| name.as_deref().is_some_and(|name| name.to_lowercase() == self.user))
    }

    /// Whether a resource is the API user.
    pub(super) fn is_us(&self, id: Option<i64>) -> bool {
        id.and_then(|id| self.resources.get(&id)).is_some_and(|one| self.is_user(one))
    }

    /// Who a resource is; none is the system.
    pub(super) fn actor(&self, id: Option<i64>) -> (Option<String>, ActorKind) {
        let Some(id) = id else { return (None, ActorKind::System) };
        let program = id == SYSTEM || self.resources.get(&id).is_some_and(|one| self.is_program(one));
        (self.resource(id), if program { ActorKind::System } else { ActorKind::Technician })
    }

    /// Whether a note of that type was written by a workflow rule.
    pub(super) fn is_automatic(&self, note_type: Option<i64>) -> bool {
        let label = note_type.and_then(|id| label(self.note_picks("noteType"), id)).unwrap_or_default();
        note_type == Some(WORKFLOW_NOTE) || label.to_lowercase().contains("workflow rule")
    }

    /// A company's name; of one out of sight, its id. 0 is the desk's own company.
    pub(super) fn company(&mut self, client: &mut Client, id: i64) -> Result<String> {
        if let Some(name) = self.companies.get(&id) {
            return Ok(name.clone());
        }
        let found: Option<Named> = client.item("Companies", &id.to_string())?;
        let name = found.and_then(|one| one.name()).unwrap_or_else(|| format!("company {id}"));
        room(&mut self.companies);
        self.companies.insert(id, name.clone());
        Ok(name)
    }

    /// A contact's name; `None` for one out of sight.
    pub(super) fn contact(&mut self, client: &mut Client, id: i64) -> Result<Option<String>> {
        if let Some(name) = self.contacts.get(&id) {
            return Ok(name.clone());
        }
        let found: Option<Named> = client.item("Contacts", &id.to_string())?;
        let name = found.and_then(|one| one.name());
        room(&mut self.contacts);
        self.contacts.insert(id, name.clone());
        Ok(name)
    }

    /// The value in use of a ticket's picklist that has that label, below `parent` where values have one.
    pub(super) fn pick(&self, field: Field, wanted: &str, parent: Option<i64>) -> Option<i64> {
        let fits = |pick: &&Pick| {
            pick.is_active()
                && same(pick.label.as_deref(), wanted)
                && (field != Field::Subtype || pick.fits(parent))
        };
        self.picks(field_of(field)).iter().find(fits).and_then(|pick| pick.value)
    }

    /// The technician in use of that name, login or address.
    pub(super) fn technician(&self, wanted: &str) -> Result<Option<&Resource>> {
        let is = |one: &&Resource| {
            let name = wire::whole_name(&one.first_name, &one.last_name);
            [&name, &one.user_name, &one.email].iter().any(|text| same(text.as_deref(), wanted))
        };
        let mut found = self.technicians().filter(is);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => {
                let problem = format!("more than one technician is {wanted:?}");
                Err(refuses(&problem, "Give each technician a name of their own in the PSA"))
            }
            (found, _) => Ok(found),
        }
    }
}

/// The role in which a resource works on the service desk: the two are valid together only.
pub(super) fn role(client: &mut Client, resource: &Resource) -> Result<Option<i64>> {
    let mut roles: Vec<DeskRole> = Vec::new();
    let of = [is("resourceID", resource.id.unwrap_or_default())];
    client.each("ResourceServiceDeskRoles", &of, &[], &mut |one: DeskRole| {
        if one.is_active != Some(false) && one.role.is_some() {
            roles.push(one);
        }
        Ok(())
    })?;
    let marked = roles.iter().find(|one| one.is_default == Some(true));
    let default = roles.iter().find(|one| one.role == resource.default_role);
    Ok(marked.or(default).or(roles.first()).and_then(|one| one.role))
}

fn fields_of_notes(client: &mut Client) -> Result<BTreeMap<String, FieldInfo>> {
    match client.get("TicketNotes/entityInformation/fields") {
        Err(Refused::NoEndpoint | Refused::Missing | Refused::Forbidden(_)) => Ok(BTreeMap::new()),
        told => Ok(fields_by_name(told?)),
    }
}

fn fields_by_name(told: Fields) -> BTreeMap<String, FieldInfo> {
    told.fields.into_iter().flatten().filter_map(|field| Some((field.name.clone()?, field))).collect()
}

fn picks<'a>(fields: &'a BTreeMap<String, FieldInfo>, field: &str) -> &'a [Pick] {
    fields.get(field).and_then(|field| field.picklist_values.as_deref()).unwrap_or_default()
}

fn label(picks: &[Pick], id: i64) -> Option<String> {
    picks.iter().find(|pick| pick.value == Some(id)).and_then(|pick| pick.label.clone())
}

/// Makes room for one more.
fn room<T>(names: &mut BTreeMap<i64, T>) {
    if names.len() >= MOST_NAMES {
        names.clear();
    }
}

/// A field's name as histories and lists share it.
fn bare(name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    name.strip_suffix("id").map(str::to_owned).unwrap_or(name)
}

/// Whether two names are the same, whatever their case.
pub(super) fn same(found: Option<&str>, wanted: &str) -> bool {
    found.is_some_and(|found| found.trim().to_lowercase() == wanted.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_a_name_has_the_names_read_again() {
        let names = Names::known(&[]);
        assert!(names.know(&wire::Ticket::default()));
        let ticket = |id| wire::Ticket { source: Some(id), ..wire::Ticket::default() };
        assert!(!names.know(&ticket(7)), "else the source comes later, and the ticket is decided anew");
        assert!(!names.know(&wire::Ticket { status: Some(7), ..wire::Ticket::default() }));
    }
}
