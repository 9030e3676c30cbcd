//! What a test can change of the fake: limits, permissions of the API user, and which of the ways known or guessed it goes.

use serde::{Deserialize, Serialize};

use crate::world::Id;

/// Settings, as `POST /_fake/set` names them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The zone that the tenant lives in: a first part of the path, since all zones share this port; none where empty. Requests to
    /// another zone get 401.
    pub zone: String,
    /// The API user is locked out.
    pub locked: bool,
    /// So many wrong secrets in a row lock the API user out; 0: never. The real number is not known.
    pub lock_after: u32,
    /// Requests in a rolling hour.
    pub quota: usize,
    /// Requests that other integrations make of them in each hour.
    pub used_elsewhere: usize,
    /// Whether requests are held back as the quota runs out: half a second from 50 %, a second from 75 %, of the desk's time.
    pub throttled: bool,
    /// Whether a request over the quota says `Retry-After`. Not known of the real one.
    pub retry_after: bool,
    /// The status of a request over the quota. Not known of the real one.
    pub quota_status: u16,
    /// Requests at once to one entity.
    pub threads: usize,
    /// The status of a request that is one too many at once: an error text, not always a 429.
    pub thread_status: u16,
    /// Each request takes so many milliseconds.
    pub latency_ms: u64,
    /// Seconds that the link to the next page holds; 0: for ever. Not known of the real one.
    pub page_seconds: i64,
    /// The API user may create and edit tickets.
    pub may_write_tickets: bool,
    /// The API user may write notes.
    pub may_write_notes: bool,
    /// The API user may act as a technician.
    pub may_impersonate: bool,
    /// The API user sees time that is not billed.
    pub sees_nonbillable_time: bool,
    /// Notes need a title, as the ticket's category says.
    pub note_title_required: bool,
    /// Longest text of a note, in characters.
    pub note_length: usize,
    /// The status of a `POST /TicketNotes`, which only its parent takes: 404 or 405.
    pub child_only_status: u16,
    /// The service level that tickets have where none is set; without one no response is stamped.
    pub service_level: Option<i64>,
    /// A rule of the tenant mails public notes to the contact.
    pub mails_public_notes: bool,
    /// A rule of the tenant mails internal notes, too: what must never happen to a draft.
    pub mails_internal_notes: bool,
    /// Values of `publish` for co-managed help desks exist beside 1 and 2.
    pub comanaged: bool,
    /// How webhooks are signed.
    pub signature: Signature,
    /// Webhooks that the fake is to switch off, as after 25 failures; each is told once, unsigned.
    pub deactivate: Vec<Id>,
}

/// What the digest of a webhook is computed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// The bytes that are sent.
    Raw,
    /// The body with `& < > ' " \` +` and whatever is not ASCII escaped as .NET does it, while the bytes sent are not.
    Escaped,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: String::new(),
            locked: false,
            lock_after: 5,
            quota: 10_000,
            used_elsewhere: 0,
            throttled: true,
            retry_after: false,
            quota_status: 429,
            threads: 3,
            thread_status: 500,
            latency_ms: 0,
            page_seconds: 0,
            may_write_tickets: true,
            may_write_notes: true,
            may_impersonate: true,
            sees_nonbillable_time: true,
            note_title_required: true,
            note_length: 3200,
            child_only_status: 404,
            service_level: Some(2),
            mails_public_notes: true,
            mails_internal_notes: false,
            comanaged: false,
            signature: Signature::Raw,
            deactivate: Vec::new(),
        }
    }
}

impl Settings {
    /// These with some of them changed.
    pub(super) fn with(&self, changes: &serde_json::Value) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|e| e.to_string())?;
        let (Some(all_now), Some(changes)) = (all.as_object_mut(), changes.as_object()) else {
            return Err("settings are an object".to_owned());
        };
        all_now.extend(changes.clone());
        serde_json::from_value(all).map_err(|e| e.to_string())
    }
}
