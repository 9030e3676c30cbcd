//! What the API says of its own entities: fields, picklists, what may be done. Picklist values are strings there and numbers in records.

use serde_json::{Value, json};

use super::fields::{Entity, Field, May, entity};
use super::records::{DUPLICATE_NOTE, UDF, View, WORKFLOW_NOTE};
use super::rows::CATEGORIES;
use super::settings::Settings;
use crate::world::Id;

/// A value of a picklist.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub(super) value: Id,
    label: String,
    pub(super) parent: Option<Id>,
    system: bool,
}

impl Pick {
    fn new(value: Id, label: impl Into<String>) -> Self {
        Self { value, label: label.into(), parent: None, system: false }
    }
}

fn fixed(picks: &[(Id, &str)]) -> Vec<Pick> {
    picks.iter().map(|(value, label)| Pick { system: true, ..Pick::new(*value, *label) }).collect()
}

impl View<'_> {
    /// The values of a picklist.
    pub(super) fn picks(&self, of: &Entity, field: &Field) -> Vec<Pick> {
        let world = self.world;
        match (of.name, field.name) {
            (_, "status") => {
                let statuses = world.statuses.values();
                statuses.map(|s| Pick { system: s.id <= 5, ..Pick::new(s.id, &s.name) }).collect()
            }
            (_, "priority") => world.priorities.values().map(|p| Pick::new(p.id, &p.name)).collect(),
            (_, "queueID") => {
                let seen = world.boards.values().filter(|board| !board.hidden);
                seen.map(|board| Pick::new(board.id, &board.name)).collect()
            }
            (_, "source") => world.sources.values().map(|s| Pick::new(s.id, &s.name)).collect(),
            (_, "issueType") => world.kinds.values().map(|k| Pick::new(k.id, &k.name)).collect(),
            (_, "subIssueType") => {
                let child =
                    |s: &crate::world::Subkind| Pick { parent: Some(s.kind), ..Pick::new(s.id, &s.name) };
                world.subkinds.values().map(child).collect()
            }
            (_, "ticketType") => {
                fixed(&[(1, "Service Request"), (2, "Incident"), (3, "Problem"), (4, "Change Request")])
            }
            (_, "ticketCategory") => fixed(&CATEGORIES),
            (_, "creatorType" | "lastActivityPersonType") => fixed(&[(1, "Resource"), (2, "Contact")]),
            (_, "serviceLevelAgreementID") => fixed(&[(1, "Gold"), (2, "Standard")]),
            (_, "publish") => self.publish(),
            (_, "noteType") => fixed(&[
                (1, "Task Summary"),
                (2, "Task Detail"),
                (3, "Task Notes"),
                (WORKFLOW_NOTE, "Workflow Rule Note - Task"),
                (DUPLICATE_NOTE, "Duplicate Ticket Note"),
                (18, "Client Portal Note"),
            ]),
            (_, "timeEntryType") => fixed(&[(2, "ITServiceRequest")]),
            (_, "licenseType") => fixed(&[(1, "Full"), (7, "API User (API-only)")]),
            (_, "companyType") => fixed(&[(1, "Customer"), (2, "Lead")]),
            (_, "displayColorRGB") => fixed(&[(1, "White")]),
            (name, "fieldID") => hookable(name).iter().map(|(id, f)| Pick::new(*id, f.name)).collect(),
            _ => Vec::new(),
        }
    }

    /// Whom a note is for. Labels beyond 1 and 2, and the values 3 and 4 of co-managed desks, are UNCONFIRMED.
    fn publish(&self) -> Vec<Pick> {
        let mut picks = fixed(&[(1, "All Autotask Users"), (2, "Internal Project Team")]);
        if self.settings.comanaged {
            picks.extend(fixed(&[(3, "Internal Only"), (4, "Internal & Co-managed")]));
        }
        picks
    }

    /// `entityInformation/fields`.
    pub(super) fn fields(&self, of: &Entity) -> Value {
        let fields: Vec<Value> = of.fields.iter().map(|field| self.field(of, field)).collect();
        json!({"fields": fields})
    }

    fn field(&self, of: &Entity, field: &Field) -> Value {
        let picks = field.picklist.then(|| {
            let each = self.picks(of, field).into_iter().zip(1..).map(|(pick, order)| {
                json!({
                    "value": pick.value.to_string(), "label": pick.label, "isDefaultValue": false,
                    "sortOrder": order, "isActive": true, "isSystem": pick.system,
                    "parentValue": pick.parent.map_or_else(String::new, |id| id.to_string()),
                })
            });
            each.collect::<Vec<_>>()
        });
        let length = match field.name {
            "description" if of.name == "TicketNotes" => self.settings.note_length,
            _ => field.length,
        };
        json!({
            "name": field.name, "dataType": field.data_type(), "length": length, "isRequired": field.required,
            "isReadOnly": field.read_only, "isQueryable": field.queryable, "isReference": !field.refers.is_empty(),
            "referenceEntityType": field.refers, "isPickList": field.picklist, "picklistValues": picks,
            "picklistParentValueField": field.parent, "isSupportedWebhookField": field.hook,
        })
    }
}

/// Fields that webhooks can tell of, by the ids that they are subscribed by; `name` is the entity of the subscription.
pub(super) fn hookable(name: &str) -> Vec<(Id, &'static Field)> {
    let of = if name.starts_with("TicketNote") { "TicketNotes" } else { "Tickets" };
    let fields = entity(of).map_or(&[] as &[Field], |entity| entity.fields);
    (101..).zip(fields).filter(|(_, field)| field.hook).collect()
}

/// `entityInformation`: what the entity takes, and what the API user may do with it. Its wrapper and the names beside the four rights are
/// UNCONFIRMED.
pub(super) fn information(of: &Entity, settings: &Settings) -> Value {
    let access = |may: bool| if may { "All" } else { "None" };
    let (write, delete) = (of.may != May::Read, of.may == May::Delete);
    let may = match of.name {
        "Tickets" => settings.may_write_tickets,
        "TicketNotes" => settings.may_write_notes,
        _ => true,
    };
    json!({"info": {
        "name": of.single, "canCreate": write, "canUpdate": write, "canQuery": true, "canDelete": delete,
        "userAccessForCreate": access(write && may), "userAccessForUpdate": access(write && may), "userAccessForQuery": "All",
        "userAccessForDelete": access(delete), "hasUserDefinedFields": of.has_udf(),
        "supportsWebhookCallouts": matches!(of.name, "Tickets" | "TicketNotes"),
    }})
}

/// `entityInformation/userDefinedFields`.
pub(super) fn udf_fields(of: &Entity) -> Value {
    if of.name != "Tickets" {
        return json!({"fields": []});
    }
    json!({"fields": [{
        "name": UDF, "label": UDF, "dataType": "string", "length": 100, "isRequired": false, "isReadOnly": false,
        "isQueryable": true, "isReference": false, "referenceEntityType": "", "isPickList": false,
        "picklistValues": null, "picklistParentValueField": "", "isSupportedWebhookField": true,
    }]})
}
