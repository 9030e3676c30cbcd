//! Halo's records, as far as they are read. Unknown keys, missing keys and nulls are all the same; a number may come as a string.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Dates up to this year stand for none.
const NO_DATE: i16 = 1980;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    #[serde(deserialize_with = "text")]
    pub(super) access_token: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) expires_in: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) scope: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) summary: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) details: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) details_html: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) status_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) status_name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) tickettype_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) tickettype_name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) priority_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) priority_name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) sla_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) client_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) client_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) user_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) user_email: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) team: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) agent_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) agent_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) category_1: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) merged_into_id: Option<i64>,
    #[serde(deserialize_with = "flag")]
    pub(super) is_project: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) deleted: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(super) dateoccurred: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) datecreated: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) responsedate: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) dateclosed: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) lastactiondate: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) last_update: Option<String>,
}

impl Ticket {
    pub(super) fn opened_at(&self) -> Option<Timestamp> {
        at(self.dateoccurred.as_deref()).or_else(|| at(self.datecreated.as_deref()))
    }

    pub(super) fn updated_at(&self) -> Option<Timestamp> {
        at(self.last_update.as_deref())
    }

    pub(super) fn acted_at(&self) -> Option<Timestamp> {
        at(self.lastactiondate.as_deref())
    }

    pub(super) fn closed_at(&self) -> Option<Timestamp> {
        at(self.dateclosed.as_deref())
    }

    /// The customer; the client that means nobody's is none.
    pub(super) fn customer(&self) -> Option<String> {
        given(self.client_name.as_ref()).filter(|_| self.client_id != Some(1))
    }

    /// What tells this state from any other: an action need not move the time of update.
    pub(super) fn version(&self) -> Option<String> {
        let times = [&self.last_update, &self.lastactiondate, &self.dateoccurred].map(Option::as_deref);
        let times: Vec<&str> = times.into_iter().flatten().collect();
        (!times.is_empty()).then(|| times.join(" "))
    }
}

/// An action. Its id is unique within its ticket only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    #[serde(deserialize_with = "int")]
    pub(super) ticket_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) who: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) who_agentid: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) action_systemid: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) actionby_application_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) note: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) note_html: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) emailbody: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) emailbody_html: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) emaildirection: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) emailto: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) hiddenfromuser: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(super) datetime: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) actiondatecreated: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) actionarrivaldate: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) actioncompletiondate: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) old_status: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) new_status: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(super) timetaken: Option<f64>,
    #[serde(deserialize_with = "int")]
    pub(super) merged_from_ticketid: Option<i64>,
}

impl Action {
    pub(super) fn at(&self) -> Option<Timestamp> {
        at(self.datetime.as_deref()).or_else(|| at(self.actiondatecreated.as_deref()))
    }

    /// What it says, as text.
    pub(super) fn text(&self) -> Option<String> {
        let html = |html: &Option<String>| html.as_deref().map(super::text::plain);
        let of =
            [self.note.clone(), html(&self.note_html), self.emailbody.clone(), html(&self.emailbody_html)];
        of.into_iter().flatten().find(|text| !text.trim().is_empty())
    }

    /// Whether any of its texts has `mark` in it.
    pub(super) fn has(&self, mark: &str) -> bool {
        [&self.note, &self.note_html, &self.emailbody, &self.emailbody_html]
            .into_iter()
            .flatten()
            .any(|text| text.contains(mark))
    }

    pub(super) fn is_mail(&self, direction: char) -> bool {
        let given = self.emaildirection.as_deref().unwrap_or_default().trim_start();
        given.chars().next().is_some_and(|first| first.eq_ignore_ascii_case(&direction))
    }
}

/// A row of a table: a status, a type, a team, an agent, a category, an outcome, a priority.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) outcome: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) value: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) category_name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) priorityid: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) slaid: Option<i64>,
    #[serde(rename = "type", deserialize_with = "int")]
    pub(super) kind: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) newstatus: Option<i64>,
    #[serde(deserialize_with = "flag")]
    pub(super) hidefromuser: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) sendemail: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) inactive: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) active: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) isdisabled: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) isapiagent: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) ishidden: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) hidden: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) forrequests: Option<bool>,
}

impl Row {
    pub(super) fn is_active(&self) -> bool {
        let off = [self.inactive, self.isdisabled, self.ishidden, self.hidden].contains(&Some(true));
        !off && self.active != Some(false)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Audit {
    #[serde(deserialize_with = "int")]
    pub(super) id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) ticket_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) agent_id: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub(super) date: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) field_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) fieldname: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) from: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) to: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) precedence: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) sequence: Option<i64>,
    #[serde(deserialize_with = "flag")]
    pub(super) active: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) stopmatching: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(super) subject: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) send_reply: Option<bool>,
    #[serde(deserialize_with = "text")]
    pub(super) new_team: Option<String>,
    #[serde(deserialize_with = "int")]
    pub(super) new_agent_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) new_priority_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) new_status_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) new_tickettype_id: Option<i64>,
    #[serde(deserialize_with = "int")]
    pub(super) new_category_1_id: Option<i64>,
    pub(super) criteria: Value,
}

/// A text that is not blank.
pub(super) fn given(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(match &value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        _ => None,
    })
}

/// A decimal that is a whole number.
fn whole(number: f64) -> Option<i64> {
    // Exact up to 2^53, which no id reaches.
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()))
}

/// A flag that may be missing, null, a word or a number.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Some(flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(word) if word.eq_ignore_ascii_case("true") || word == "1" => Some(true),
        Value::String(word) if word.eq_ignore_ascii_case("false") || word == "0" => Some(false),
        _ => None,
    })
}

/// A time as Halo writes it: UTC without a zone when read, with one in replies to a POST; the year 1900 for none.
pub(super) fn at(text: Option<&str>) -> Option<Timestamp> {
    let text = text?.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let naive: DateTime = text.parse().ok()?;
        Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    (at.to_zoned(TimeZone::UTC).year() > NO_DATE).then_some(at)
}
