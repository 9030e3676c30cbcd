//! ConnectWise's records, as far as they are read. Unknown keys, missing keys and nulls are all the same.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompanyInfo {
    #[serde(rename = "Codebase")]
    pub(super) codebase: Option<String>,
    #[serde(rename = "VersionNumber")]
    pub(super) version: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Callback {
    pub(super) id: Option<i64>,
    pub(super) url: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) level: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive_flag: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) code: Option<String>,
    message: Option<String>,
    errors: Option<Vec<RefusedField>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RefusedField {
    message: Option<String>,
    field: Option<String>,
}

impl Refusal {
    /// What it says, with the fields that it names.
    pub(super) fn told(&self) -> Option<String> {
        let field = |one: &RefusedField| match (&one.field, &one.message) {
            (Some(field), Some(message)) => format!("{field}: {message}"),
            (field, message) => field.clone().or_else(|| message.clone()).unwrap_or_default(),
        };
        let fields: Vec<String> =
            self.errors.iter().flatten().map(field).filter(|text| !text.is_empty()).collect();
        match (&self.message, fields.is_empty()) {
            (Some(message), true) => Some(message.clone()),
            (Some(message), false) => Some(format!("{message} ({})", fields.join("; "))),
            (None, false) => Some(fields.join("; ")),
            (None, true) => None,
        }
    }
}

/// A reference to another record; some lists give only its id, or only its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Named {
    pub(super) id: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) identifier: Option<String>,
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = |key: &str| value.get(key).and_then(|text| text.as_str()).map(str::to_owned);
        Ok(Self {
            id: value.as_i64().or_else(|| value.get("id")?.as_i64()),
            name: value.as_str().map(str::to_owned).or_else(|| text("name")),
            identifier: text("identifier"),
        })
    }
}

impl Named {
    /// Its name, else its identifier.
    pub(super) fn text(&self) -> Option<String> {
        let given = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        given(&self.name).or_else(|| given(&self.identifier))
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    #[serde(rename = "lastUpdated")]
    pub(super) last_updated: Option<String>,
    #[serde(rename = "dateEntered")]
    pub(super) date_entered: Option<String>,
    #[serde(rename = "enteredBy")]
    pub(super) entered_by: Option<String>,
    #[serde(rename = "updatedBy")]
    pub(super) updated_by: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Ticket {
    pub(super) id: Option<i64>,
    pub(super) summary: Option<String>,
    pub(super) record_type: Option<String>,
    pub(super) board: Option<Named>,
    pub(super) status: Option<Named>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Named>,
    pub(super) sub_type: Option<Named>,
    pub(super) priority: Option<Named>,
    pub(super) owner: Option<Named>,
    pub(super) company: Option<Named>,
    pub(super) contact: Option<Named>,
    pub(super) contact_name: Option<String>,
    pub(super) source: Option<Named>,
    #[serde(deserialize_with = "flag")]
    pub(super) closed_flag: bool,
    pub(super) closed_date: Option<String>,
    pub(super) date_responded: Option<String>,
    pub(super) date_resolved: Option<String>,
    pub(super) date_entered: Option<String>,
    pub(super) merged_parent_ticket: Option<Named>,
    #[serde(rename = "_info")]
    pub(super) info: Option<Info>,
}

impl Ticket {
    pub(super) fn info(&self) -> Info {
        self.info.clone().unwrap_or_default()
    }

    pub(super) fn entered_at(&self) -> Option<Timestamp> {
        at(self.info().date_entered.as_deref()).or_else(|| at(self.date_entered.as_deref()))
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) id: Option<i64>,
    pub(super) text: Option<String>,
    pub(super) note_type: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) detail_description_flag: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) resolution_flag: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) merged_flag: bool,
    pub(super) member: Option<Named>,
    pub(super) contact: Option<Named>,
    pub(super) created_by: Option<String>,
    pub(super) date_created: Option<String>,
    #[serde(rename = "_info")]
    pub(super) info: Option<Info>,
}

impl Note {
    pub(super) fn created_at(&self) -> Option<Timestamp> {
        let info = self.info.clone().unwrap_or_default();
        at(self.date_created.as_deref())
            .or_else(|| at(info.date_entered.as_deref()))
            .or_else(|| at(info.last_updated.as_deref()))
    }

    pub(super) fn is_time_entry(&self) -> bool {
        self.note_type.as_deref() == Some("TimeEntryNote")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) id: Option<i64>,
    pub(super) identifier: Option<String>,
    pub(super) name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive_flag: bool,
    pub(super) license_class: Option<String>,
}

impl Member {
    /// Whether it is a program's: such a member is no technician.
    pub(super) fn is_api(&self) -> bool {
        self.license_class.as_deref().is_some_and(|class| class.eq_ignore_ascii_case("A"))
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TimeEntry {
    pub(super) id: Option<i64>,
    pub(super) charge_to_id: Option<i64>,
    pub(super) actual_hours: Option<f64>,
    pub(super) hours_deduct: Option<f64>,
    pub(super) time_start: Option<String>,
    pub(super) time_end: Option<String>,
    pub(super) member: Option<Named>,
    #[serde(deserialize_with = "flag")]
    pub(super) add_to_detail_description_flag: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Board {
    pub(super) id: Option<i64>,
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive_flag: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) project_flag: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) send_to_contact_flag: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OfBoard {
    pub(super) id: Option<i64>,
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive_flag: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) closed_status: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) default_flag: bool,
    pub(super) type_association_ids: Option<Vec<i64>>,
}

impl OfBoard {
    pub(super) fn is_active(&self) -> bool {
        !self.inactive && !self.inactive_flag
    }
}

/// A service template: what tickets that are made from it begin with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Template {
    name: Option<String>,
    board: Option<Named>,
    #[serde(rename = "type")]
    kind: Option<Named>,
    sub_type: Option<Named>,
    priority: Option<Named>,
    impact: Option<Named>,
    severity: Option<Named>,
    #[serde(deserialize_with = "flag")]
    email_contact_flag: bool,
}

impl Template {
    /// Its name, what it sets, and whether it mails the contact.
    pub(super) fn told(&self) -> String {
        let sets = [
            ("board", &self.board),
            ("type", &self.kind),
            ("subtype", &self.sub_type),
            ("priority", &self.priority),
            ("impact", &self.impact),
            ("severity", &self.severity),
        ];
        let sets =
            sets.into_iter().filter_map(|(what, to)| Some(format!("{what} {:?}", to.as_ref()?.text()?)));
        let sets = sets.collect::<Vec<_>>().join(", ");
        let sets = if sets.is_empty() { "no label".to_owned() } else { sets };
        let mails = if self.email_contact_flag { ", mails the contact" } else { "" };
        format!("{:?} sets {sets}{mails}", self.name.as_deref().unwrap_or_default())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AuditEntry {
    pub(super) text: Option<String>,
    pub(super) entered_date: Option<String>,
    pub(super) entered_by: Option<String>,
    pub(super) audit_source: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Workflow {
    pub(super) id: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) activate_flag: Option<bool>,
    pub(super) board: Option<Named>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WorkflowEvent {
    pub(super) id: Option<i64>,
    pub(super) event_condition: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WorkflowAction {
    pub(super) notify_type: Option<Named>,
    pub(super) notify_who: Option<Named>,
    pub(super) board: Option<Named>,
    pub(super) board_status: Option<Named>,
    pub(super) service_type: Option<Named>,
    pub(super) service_sub_type: Option<Named>,
    pub(super) service_priority: Option<Named>,
    pub(super) specific_member_to: Option<Named>,
    pub(super) email_template: Option<Named>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ParsingStyle {
    pub(super) id: Option<i64>,
    /// What of a mail its rules look at, and how.
    pub(super) parse_rule: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(super) priority: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ParsingRule {
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(super) priority: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) search_term: Option<String>,
    pub(super) service_priority: Option<Named>,
    pub(super) service_type: Option<Named>,
    pub(super) service_sub_type: Option<Named>,
    pub(super) service_board: Option<Named>,
}

/// A number; anything else is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_i64())
}

/// A flag that may be missing, null or a word.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value
        .as_bool()
        .unwrap_or_else(|| value.as_str().is_some_and(|word| word.eq_ignore_ascii_case("true"))))
}

/// A time as ConnectWise writes it: UTC, with `Z` or without.
pub(super) fn at(text: Option<&str>) -> Option<Timestamp> {
    let text = text?.trim();
    text.parse().ok().or_else(|| {
        let naive: jiff::civil::DateTime = text.parse().ok()?;
        Some(naive.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}
