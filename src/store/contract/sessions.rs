//! Sessions of people who have signed in. The store has a hash of each token, the browser the only copy.

use firstline_fault::Result;
use jiff::Timestamp;

use crate::UserRecord;

/// Open sessions.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Sessions {
    /// Opens a session of an enabled person whose password has the hash `verified`, and gives its id; `None` where that no longer
    /// holds. Of too many sessions of one person the oldest ends.
    fn add_session(&self, session: &NewSession<'_>, verified: &str, now: Timestamp)
    -> Result<Option<String>>;

    /// The session of this token's hash with its person, whether or not it still holds. A row that the audit log does not tell of is
    /// no session.
    fn session(&self, hash: &str) -> Result<Option<(SessionRecord, UserRecord)>>;

    /// The sessions of a person, newest first.
    fn sessions(&self, user: &str) -> Result<Vec<SessionRecord>>;

    /// Notes that a session was used.
    fn touch_session(&self, id: &str, now: Timestamp) -> Result<()>;

    /// Ends a session of this person; `false` where there is none.
    fn end_session(&self, user: &str, id: &str, actor: &str, now: Timestamp) -> Result<bool>;

    /// Removes sessions that have expired, or were last seen before `seen`. Gives how many.
    fn purge_sessions(&self, seen: Timestamp, now: Timestamp) -> Result<u64>;
}

/// A session to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession<'a> {
    /// sha256 of its token.
    pub hash: &'a str,
    /// The person's id.
    pub user: &'a str,
    /// Until when it lasts at most.
    pub expires_at: Timestamp,
    /// The browser, as it names itself.
    pub agent: &'a str,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its public id.
    pub id: String,
    /// The person's id.
    pub user: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Until when it lasts at most.
    pub expires_at: Timestamp,
    /// When it was last used, to about a minute.
    pub seen_at: Timestamp,
    /// The browser, as it names itself.
    pub agent: String,
}
