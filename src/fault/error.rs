//! Errors: a kind, a place and a next step. What the user can fix and what is our fault are two types.

use std::fmt;

use crate::Code;

/// Result of every room above this one.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault that the user can fix: what kind, where, what is wrong, what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// The kind.
    pub code: Code,
    /// Where: a file, a row, a flag.
    pub place: String,
    /// What is wrong, without a full stop.
    pub problem: String,
    /// What to do about it, without a full stop.
    pub next: String,
}

impl UserError {
    /// A fault of `code` at `place`.
    pub fn new(
        code: Code,
        place: impl Into<String>,
        problem: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { code, place: place.into(), problem: problem.into(), next: next.into() }
    }

    /// A file or folder that the system would not read or write.
    pub fn io(place: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(
            Code::Io,
            place.to_string(),
            error.to_string(),
            "Check that it exists and that you may read and write it",
        )
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}. {}", self.code, self.place, self.problem, self.next)
    }
}

impl std::error::Error for UserError {}

/// A fault of ours: a promise inside the program that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalError {
    /// What was being done.
    pub context: String,
}

impl InternalError {
    /// A fault while doing `context`.
    pub fn new(context: impl Into<String>) -> Self {
        Self { context: context.into() }
    }
}

impl fmt::Display for InternalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = "This is a fault of Firstline's: please report it with this line";
        write!(f, "E_INTERNAL: {}. {next}", self.context)
    }
}

impl std::error::Error for InternalError {}

/// Either kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The user can fix it.
    User(UserError),
    /// We have to.
    Internal(InternalError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::User(e) => e.fmt(f),
            Error::Internal(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Error::User(error)
    }
}

impl From<InternalError> for Error {
    fn from(error: InternalError) -> Self {
        Error::Internal(error)
    }
}

impl Error {
    /// The user's code, `None` for a fault of ours.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::User(e) => Some(e.code),
            Error::Internal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_faults_and_ours_read_differently() {
        let user = Error::from(UserError::new(Code::ModelHash, "a.bin", "wrong sha256", "Pull it again"));
        assert_eq!(user.to_string(), "E_MODEL_HASH: a.bin: wrong sha256. Pull it again");
        assert_eq!(user.code(), Some(Code::ModelHash));
        let ours = Error::from(InternalError::new("pooling"));
        assert!(ours.to_string().starts_with("E_INTERNAL: pooling."));
        assert_eq!(ours.code(), None);
    }

    #[test]
    fn a_user_error_reads_kind_place_problem_next() {
        let e = UserError::new(Code::CsvColumn, "row 12", "no column \"summary\"", "Map it with --map");
        assert_eq!(e.to_string(), "E_CSV_COLUMN: row 12: no column \"summary\". Map it with --map");
    }
}
