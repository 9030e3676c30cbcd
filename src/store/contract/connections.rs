//! Connections to service desks: how far each has come, and which process runs it.

use firstline_fault::Result;
use jiff::Timestamp;

/// Connections and their leases.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Connections {
    /// Takes or renews the lease on a connection, and keeps `cursor` if one is given; gives the connection as it stands then. Where
    /// somebody else has a lease that holds, nothing changes, and the connection that is given is theirs.
    fn lease_connection(&self, lease: &ConnectionLease<'_>, now: Timestamp) -> Result<Connection>;

    /// All connections, by name.
    fn connections(&self) -> Result<Vec<Connection>>;
}

/// A process that wants to run a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLease<'a> {
    /// The connection.
    pub name: &'a str,
    /// The process.
    pub owner: &'a str,
    /// Until when it wants to have it.
    pub until: Timestamp,
    /// How far it has come, as JSON; what was kept stays where it says nothing.
    pub cursor: Option<&'a str>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// The process that runs it, or ran it last.
    pub owner: String,
    /// Until when it is that process' own.
    pub lease_until: Timestamp,
    /// How far it has come, as JSON.
    pub cursor: Option<String>,
    /// When anything of this changed last.
    pub updated_at: Timestamp,
}
