//! Autotask's records, as far as they are read. Unknown keys, missing keys and nulls are all the same; ids come as numbers or as text.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Where a user's zone is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Zone {
    #[serde(deserialize_with = "text")]
    pub(super) url: Option<String>,
}

/// A record by its id.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    pub(super) item: Option<Value>,
}

/// A page of a query.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) items: Option<Vec<Value>>,
    pub(super) page_details: Option<PageDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PageDetails {
    #[serde(deserialize_with = "text")]
    pub(super) next_page_url: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Count {
    #[serde(deserialize_with = "int")]
    pub(super) query_count: Option<i64>,
}

/// The reply to a write.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Written {
    #[serde(deserialize_with = "int")]
    pub(super) item_id: Option<i64>,
}

/// The requests of a rolling time that the tenant may make, and has made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Threshold {
    #[serde(deserialize_with = "int")]
    pub(super) external_request_threshold: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) current_timeframe_request_count: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Ticket {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) description: Option<String>,
    #[serde(rename = "companyID", deserialize_with = "int")]
    pub(super) company: Option<i64>,
    #[serde(rename = "contactID", deserialize_with = "int")]
    pub(super) contact: Option<i64>,
    #[serde(rename = "queueID", deserialize_with = "int")]
    pub(super) queue: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) issue_type: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) sub_issue_type: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) priority: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) status: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) source: Option<i64>,
    #[serde(rename = "assignedResourceID", deserialize_with = "int")]
    pub(super) resource: Option<i64>,
    #[serde(rename = "assignedResourceRoleID", deserialize_with = "int")]
    pub(super) role: Option<i64>,
    #[serde(rename = "creatorResourceID", deserialize_with = "int")]
    pub(super) creator: Option<i64>,
    #[serde(rename = "createdByContactID", deserialize_with = "int")]
    pub(super) created_by_contact: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) create_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) completed_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) last_activity_date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) first_response_date_time: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) resolved_date_time: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) resolution: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Note {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(rename = "ticketID", deserialize_with = "int")]
    pub(super) ticket: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) title: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) note_type: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) publish: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) create_date_time: Option<String>,
    #[serde(rename = "creatorResourceID", deserialize_with = "int")]
    pub(super) creator: Option<i64>,
    #[serde(rename = "createdByContactID", deserialize_with = "int")]
    pub(super) contact: Option<i64>,
    #[serde(rename = "impersonatorCreatorResourceID", deserialize_with = "int")]
    pub(super) impersonator: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TimeEntry {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(rename = "ticketID", deserialize_with = "int")]
    pub(super) ticket: Option<i64>,
    #[serde(rename = "resourceID", deserialize_with = "int")]
    pub(super) resource: Option<i64>,
    #[serde(deserialize_with = "decimal")]
    pub(super) hours_worked: Option<f64>,
    #[serde(deserialize_with = "text")]
    pub(super) start_date_time: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) date_worked: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) create_date_time: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) summary_notes: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) internal_notes: Option<String>,
}

impl TimeEntry {
    /// From when on somebody worked: the day, where the entry says no more.
    pub(super) fn started(&self) -> Option<Timestamp> {
        [&self.start_date_time, &self.date_worked, &self.create_date_time]
            .iter()
            .find_map(|time| at(time.as_deref()))
    }
}

/// A line of a ticket's history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Line {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) action: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) detail: Option<String>,
    #[serde(rename = "resourceID", deserialize_with = "int")]
    pub(super) resource: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Resource {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) user_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) email: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) first_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) last_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_active: Option<bool>,
    #[serde(deserialize_with = "int")]
    pub(super) license_type: Option<i64>,
    #[serde(rename = "defaultServiceDeskRoleID", deserialize_with = "int")]
    pub(super) default_role: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DeskRole {
    #[serde(rename = "roleID", deserialize_with = "int")]
    pub(super) role: Option<i64>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_active: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_default: Option<bool>,
}

/// Whose a role on the service desk is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RoleOf {
    #[serde(rename = "resourceID", deserialize_with = "int")]
    pub(super) resource: Option<i64>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_active: Option<bool>,
}

/// A company or a contact, by its name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Named {
    #[serde(deserialize_with = "text")]
    company_name: Option<String>,
    #[serde(deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(deserialize_with = "text")]
    last_name: Option<String>,
}

impl Named {
    pub(super) fn name(&self) -> Option<String> {
        self.company_name.clone().or_else(|| whole_name(&self.first_name, &self.last_name))
    }
}

/// First and last name together.
pub(super) fn whole_name(first: &Option<String>, last: &Option<String>) -> Option<String> {
    let whole = [first.as_deref(), last.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(whole.trim().to_owned()).filter(|name| !name.is_empty())
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) fields: Option<Vec<FieldInfo>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FieldInfo {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) length: Option<i64>,
    pub(super) picklist_values: Option<Vec<Pick>>,
}

/// A value of a picklist: text there, a number in records.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pick {
    #[serde(deserialize_with = "int")]
    pub(super) value: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) label: Option<String>,
    #[serde(deserialize_with = "flag")]
    is_active: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_default_value: Option<bool>,
    #[serde(deserialize_with = "int")]
    parent_value: Option<i64>,
}

impl Pick {
    pub(super) fn is_active(&self) -> bool {
        self.is_active != Some(false)
    }

    /// Whether it is a value below `parent`, or below none.
    pub(super) fn fits(&self, parent: Option<i64>) -> bool {
        self.parent_value.is_none() || self.parent_value == parent
    }
}

fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(whole(&Value::deserialize(deserializer)?))
}

/// A whole number, also from text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A flag: of some records it is a number.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Some(flag),
        Value::Number(n) => n.as_i64().map(|n| n != 0),
        Value::String(word) => Some(word.eq_ignore_ascii_case("true") || word == "1"),
        _ => None,
    })
}

/// A text; blanks alone are none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    })
}

/// A time: UTC, with `Z` or without, or a bare date. Years before Autotask are none.
pub(super) fn at(text: Option<&str>) -> Option<Timestamp> {
    let text = text?.trim();
    let utc = |naive: jiff::civil::DateTime| Some(naive.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    let at = text.parse().ok().or_else(|| utc(text.parse().ok()?));
    at.filter(|at| *at > Timestamp::UNIX_EPOCH)
}
