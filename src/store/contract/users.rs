//! People: who they are, what they may do, and how they prove it. Passwords and codes come here hashed.

use firstline_fault::Result;
use jiff::Timestamp;

use super::CustomerSet;
use crate::KeyRecord;

/// People who sign in.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Users {
    /// Adds a person, with an API key of their own where there is one, and gives their id. A person who was disabled comes back with
    /// these rights and without a password. A second enabled person of the same name is a
    /// [`Code::Conflict`](firstline_fault::Code::Conflict), and so is one of a name that [looks the
    /// same](firstline_ticket::is_same_person).
    fn add_user(
        &self,
        user: &NewUser,
        key: Option<&KeyRecord>,
        actor: &str,
        now: Timestamp,
    ) -> Result<String>;

    /// All people, oldest first.
    fn users(&self) -> Result<Vec<UserRecord>>;

    /// Gives an enabled person a new link, which takes the place of the one before; `false` where there is no such person.
    fn set_link(&self, user: &str, link: &Link, actor: &str, now: Timestamp) -> Result<bool>;

    /// Sets an enabled person's password, voids their link and ends their sessions; `false` where there is no such person, or what
    /// `proof` names no longer holds.
    fn set_password(&self, user: &str, hash: &str, proof: Proof<'_>, now: Timestamp) -> Result<bool>;

    /// Disables a person: their sessions end, and their keys are revoked. `false` where there is no such enabled person.
    fn disable_user(&self, user: &str, actor: &str, now: Timestamp) -> Result<bool>;
}

/// What lets a person set a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof<'a> {
    /// The hash of a link's code.
    Link(&'a str),
    /// The hash of the password of before, which was verified.
    Password(&'a str),
}

/// A person to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Their unique name, with which they sign.
    pub name: String,
    /// What pages show.
    pub display: String,
    /// What they may do.
    pub rights: Vec<String>,
    /// Whose tickets they may see.
    pub customers: CustomerSet,
    /// The link with which they set their first password.
    pub link: Option<Link>,
}

/// A link with which a password can be set, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// sha256 of its code.
    pub hash: String,
    /// Until when it holds.
    pub until: Timestamp,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Their id: the audit log has no names.
    pub id: String,
    /// Their unique name, with which they sign.
    pub name: String,
    /// What pages show.
    pub display: String,
    /// Argon2id hash of the password, a PHC string; `None` before the first.
    pub hash: Option<String>,
    /// What they may do.
    pub rights: Vec<String>,
    /// Whose tickets they may see.
    pub customers: CustomerSet,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were disabled.
    pub disabled_at: Option<Timestamp>,
    /// The link that was not used yet.
    pub link: Option<Link>,
    /// Whether the row is not what the audit log says of it: changed in the database itself. Such a person must not be let in.
    pub altered: bool,
}

impl UserRecord {
    /// Whether the person may be let in at all.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none() && !self.altered
    }
}
