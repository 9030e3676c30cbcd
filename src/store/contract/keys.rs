//! API keys, without their secrets.

use firstline_fault::Result;
use jiff::Timestamp;

use super::CustomerSet;

/// API keys, their hashes and what they may do.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Keys {
    /// Adds an API key. A person has one key that is not revoked: a second is a
    /// [`Code::Conflict`](firstline_fault::Code::Conflict), and so is one of a name that [looks the
    /// same](firstline_ticket::is_same_person).
    fn add_key(&self, key: &KeyRecord, actor: &str, now: Timestamp) -> Result<()>;

    /// All API keys.
    fn keys(&self) -> Result<Vec<KeyRecord>>;

    /// Takes a key back; `false` where there is no such key that holds.
    fn revoke_key(&self, id: &str, actor: &str, now: Timestamp) -> Result<bool>;
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public part.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// The person whose own key it is: their unique name, with which they sign. `None` for a machine's key.
    pub person: Option<String>,
    /// Hash of the secret, a PHC string.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whose tickets it may see.
    pub customers: CustomerSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// Whether it is not what the audit log says of it: changed in the database itself. Such a key must not be accepted.
    pub altered: bool,
}
