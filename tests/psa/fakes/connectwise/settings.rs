//! What a ConnectWise fake can be told to be: an older server, a stricter role, a release later, a dangerous one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings, each with the value of a well server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The codebase in the path, without slashes. The one before answers 404.
    pub codebase: String,
    /// Whether `v4_6_release` is served too.
    pub generic_codebase: bool,
    /// The version that serves where a request pins none.
    pub version: String,
    /// Whether it says that it is a cloud.
    pub is_cloud: bool,
    /// Unknown companies are answered with 404 rather than `null`.
    pub unknown_company_404: bool,
    /// Requests in 60 s of the desk's time before 429; 0: no limit.
    pub quota: usize,
    /// Seconds of `Retry-After` with a 429; `None`: the header is missing.
    pub retry_after: Option<u64>,
    /// Whether a 429 is a page of the proxy in front rather than JSON.
    pub quota_page: bool,
    /// Rights that the API member lacks, such as `tickets.close`.
    pub denied: BTreeSet<String>,
    /// Whether `allNotes` exists; it does not on old servers.
    pub all_notes: bool,
    /// Whether lists can be ordered by `lastUpdated`.
    pub order_by_last_updated: bool,
    /// Times with `+00:00` are taken in conditions. One client saw them misbehave, yet sends them in one place still.
    pub offset_times: bool,
    /// A `pageSize` above the maximum is cut rather than refused.
    pub caps_page_size: bool,
    /// Priorities show only id and name, as to a limited role.
    pub limited_priorities: bool,
    /// Notes of the API user name its member.
    pub notes_name_member: bool,
    /// Internal notes with `processNotifications` are mailed to the contact too.
    pub unsafe_mail: bool,
    /// The key that deliveries are signed with.
    pub signing_key: String,
    /// Whether reading the key needs credentials.
    pub key_needs_auth: bool,
    /// Each delivery is followed by a forged one.
    pub forged: Option<Forged>,
    /// Rules of the mail connector that are shown; `None`: one that routes alerts.
    pub parsing_rules: Option<Vec<Value>>,
    /// Answers of customers to the survey.
    pub survey_results: Vec<Value>,
}

/// A delivery by somebody else, well signed with a key of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forged {
    /// Where it says that the key is.
    pub key_url: String,
    /// The key that it is signed with.
    pub key: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            codebase: "v2025_1".to_owned(),
            generic_codebase: true,
            version: "2025.1".to_owned(),
            is_cloud: true,
            unknown_company_404: false,
            quota: 0,
            retry_after: Some(5),
            quota_page: false,
            denied: BTreeSet::new(),
            all_notes: true,
            order_by_last_updated: true,
            offset_times: false,
            caps_page_size: false,
            limited_priorities: false,
            notes_name_member: false,
            unsafe_mail: false,
            signing_key: "a-public-signing-key-of-a-fake".to_owned(),
            key_needs_auth: false,
            forged: None,
            parsing_rules: None,
            survey_results: Vec::new(),
        }
    }
}

impl Settings {
    /// These with some changed by name.
    pub(super) fn with(&self, changes: &Value) -> Result<Self, String> {
        let changes = changes.as_object().ok_or("settings are an object of names and values")?;
        let mut all = serde_json::to_value(self).map_err(|e| e.to_string())?;
        if let Some(all) = all.as_object_mut() {
            all.extend(changes.clone());
        }
        serde_json::from_value(all).map_err(|e| e.to_string())
    }
}
