//! What of Halo can be had otherwise: what tenants set, and what no source settles.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusals::ErrorBody;
use crate::world::Id;

/// What a webhook's `authentication_type` 3 means: sources contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeThree {
    /// The header is an HMAC of the body.
    Hmac,
    /// The header is the secret itself.
    ApiKey,
}

/// The unit of `timetaken`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Hours.
    Hours,
    /// Minutes.
    Minutes,
}

/// What a customer said about a ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The ticket.
    pub ticket_id: Id,
    /// From 1, very happy, to 4 in stock data. UNCONFIRMED.
    pub score: i64,
}

/// Settings of the fake.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Requests in a window; 0: any number. Sources say 300, 500 and 700.
    pub quota: usize,
    /// Seconds of the window.
    pub window_seconds: i64,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
    /// Seconds that a token lives.
    pub token_seconds: i64,
    /// A new token ends the one before. UNCONFIRMED.
    pub new_token_ends_old: bool,
    /// The `tenant` that the token's address must have.
    pub tenant: Option<String>,
    /// The status for a wrong id or secret: clients know 400 and 401.
    pub wrong_client_status: u16,
    /// What the application may ask for.
    pub scopes: Vec<String>,
    /// What the agent's role lacks, in words of scopes (`edit:tickets`).
    pub denied: Vec<String>,
    /// The form that all bodies of refusals have; each its own where not said.
    pub error_body: Option<ErrorBody>,
    /// Rows that come back without `pageinate`.
    pub default_rows: usize,
    /// Resources that give page 1 whatever page is asked for.
    pub repeats_page_one: Vec<String>,
    /// Whether `lastupdatefromdate` takes in the time itself. UNCONFIRMED.
    pub from_is_inclusive: bool,
    /// Whether an action moves `last_update`. UNCONFIRMED.
    pub actions_move_last_update: bool,
    /// Whether an outcome's visibility and mail win over those of the body: the unsafe variant. UNCONFIRMED.
    pub outcome_wins: bool,
    /// Whether actions of all tickets at once run into a time-out.
    pub all_actions_time_out: bool,
    /// The unit of `timetaken`. UNCONFIRMED.
    pub time_unit: TimeUnit,
    /// What `authentication_type` 3 of a webhook means.
    pub type_three: TypeThree,
    /// Whether `GET /Audit` heeds `ticket_id`, which Halo's API file does not list. UNCONFIRMED.
    pub audit_by_get: bool,
    /// Parameters that this version does not know, in lower case: they are ignored.
    pub ignored: Vec<String>,
    /// What customers said about tickets.
    pub feedback: Vec<Feedback>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota: 700,
            window_seconds: 300,
            retry_after: true,
            token_seconds: 3600,
            new_token_ends_old: false,
            tenant: None,
            wrong_client_status: 401,
            scopes: vec!["all".to_owned()],
            denied: Vec::new(),
            error_body: None,
            default_rows: 50,
            repeats_page_one: vec!["site".to_owned()],
            from_is_inclusive: true,
            actions_move_last_update: true,
            outcome_wins: false,
            all_actions_time_out: true,
            time_unit: TimeUnit::Hours,
            type_three: TypeThree::Hmac,
            audit_by_get: false,
            ignored: Vec::new(),
            feedback: Vec::new(),
        }
    }
}

impl Settings {
    /// Changes the settings that `given` names.
    ///
    /// # Errors
    /// When it names another, or a value that it can't have.
    pub(super) fn change(&mut self, given: &Value) -> Result<(), String> {
        let given = given.as_object().ok_or("settings are an object")?;
        let mut now = serde_json::to_value(&*self).map_err(|e| e.to_string())?;
        if let Some(now) = now.as_object_mut() {
            now.extend(given.clone());
        }
        *self = serde_json::from_value(now).map_err(|e| e.to_string())?;
        Ok(())
    }
}
