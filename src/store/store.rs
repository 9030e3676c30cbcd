//! The whole contract in one trait, and opening a store that keeps it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use firstline_fault::{Code, Error, Result, UserError};

use crate::audit::hash_of;
use crate::postgres::Postgres;
use crate::sql::Shelf;
use crate::sqlite::Sqlite;
use crate::{
    Acting, Answers, Connections, Decisions, Evidence, Facts, Jobs, Keys, Outbox, Outcomes, Programmes,
    ReviewQueue, Sessions, Upkeep, Users,
};

/// Everything that outlives the process. Calls block; each is one transaction, and may be made from any thread.
///
/// Each subject has a trait of its own; whatever has them all is a store.
pub trait Store:
    Acting
    + Answers
    + Connections
    + Decisions
    + Jobs
    + ReviewQueue
    + Outbox
    + Outcomes
    + Facts
    + Programmes
    + Evidence
    + Keys
    + Users
    + Sessions
    + Upkeep
    + Send
    + Sync
    + fmt::Debug
{
}

impl<T> Store for T where
    T: Acting
        + Answers
        + Connections
        + Decisions
        + Jobs
        + ReviewQueue
        + Outbox
        + Outcomes
        + Facts
        + Programmes
        + Evidence
        + Keys
        + Users
        + Sessions
        + Upkeep
        + Send
        + Sync
        + fmt::Debug
{
}

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database`. It is a secret.
    Postgres(String),
}

impl Location {
    /// A short name of the place, the same each time, without what is secret: for files about the store that lie elsewhere.
    pub fn id(&self) -> String {
        let name = match self {
            Self::Sqlite(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
                let named = folder.zip(path.file_name()).map(|(folder, name)| folder.join(name));
                let real = path.canonicalize().ok().or(named).unwrap_or_else(|| path.clone());
                real.to_string_lossy().into_owned()
            }
            Self::Postgres(url) => url.rsplit('@').next().unwrap_or_default().to_owned(),
        };
        hash_of(&name)[..16].to_owned()
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    /// Reads where a store is. What looks like the address of a database, and is none that can be used, is never taken for a
    /// file's name: it may hold a password, which a file's name is printed with.
    fn from_str(text: &str) -> Result<Self> {
        let lower = text.to_lowercase();
        if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
            let (_, rest) = text.split_once("://").unwrap_or_default();
            return Ok(Self::Postgres(format!("postgres://{rest}")));
        }
        if lower.contains("://") || lower.contains("password=") || lower.contains("host=") || text.is_empty()
        {
            let problem = "neither a file nor an address that begins with postgres://";
            let next = "Name a file, or write postgres://user:password@host/database";
            return Err(UserError::new(Code::Store, "store", problem, next).into());
        }
        Ok(Self::Sqlite(text.into()))
    }
}

/// Opens a store, makes it where it is not there, and brings an older one to this version.
///
/// # Errors
/// [`Code::Store`] when it can't be opened, is no store, or was written by a newer version.
pub fn open(location: &Location) -> Result<Box<dyn Store>> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(Shelf { db: Sqlite::open(path)? }),
        Location::Postgres(url) => Box::new(Shelf { db: Postgres::open(url)? }),
    })
}

/// Opens a store for the process that serves from it. A file is locked for as long as the store is open, and read through first:
/// two processes never serve from one, and none serves from a damaged one. PostgreSQL is shared by many.
///
/// # Errors
/// As for [`open`]; [`Code::Store`] where another process serves from the file, or it is damaged.
pub fn open_alone(location: &Location) -> Result<Box<dyn Store>> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(Shelf { db: Sqlite::open_alone(path)? }),
        Location::Postgres(_) => open(location)?,
    })
}
