//! Errors of this room. It does not know the ticket vocabulary, so it carries codes as text; the caller maps
//! them onto its own table.

use std::fmt;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault that the user can mend: what kind, where, what is wrong, what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// `E_MODEL`, `E_MODEL_SOURCE`, `E_MODEL_HASH`, `E_IO`, `E_CONFIG` or `E_INTERRUPTED`.
    pub code: &'static str,
    /// Where: a file, a folder, a setting.
    pub place: String,
    /// What is wrong, without a full stop.
    pub problem: String,
    /// What to do about it, without a full stop.
    pub next: String,
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}. {}", self.code, self.place, self.problem, self.next)
    }
}

impl std::error::Error for UserError {}

/// A fault of ours: a promise inside the program that did not hold. Displays as its context alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{context}")]
pub struct InternalError {
    /// What was being done, and what went wrong.
    pub context: String,
}

/// Either kind of fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The user can mend it.
    #[error(transparent)]
    User(#[from] UserError),
    /// We have to.
    #[error("E_INTERNAL: {0}. This is a fault of Firstline's: please report it with this line")]
    Internal(#[from] InternalError),
}

impl Error {
    /// The code as printed, `E_...`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::User(e) => e.code,
            Error::Internal(_) => "E_INTERNAL",
        }
    }

    /// Whether the user can mend it.
    pub fn is_user(&self) -> bool {
        matches!(self, Error::User(_))
    }

    /// A fault of the user's at `place`.
    pub(crate) fn user(
        code: &'static str,
        place: impl fmt::Display,
        problem: impl fmt::Display,
        next: impl fmt::Display,
    ) -> Self {
        UserError { code, place: place.to_string(), problem: problem.to_string(), next: next.to_string() }
            .into()
    }

    /// A model file that is not usable.
    pub(crate) fn model(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::user("E_MODEL", place, problem, "Pull the model again, or use one of a kind that is supported")
    }

    /// A file or folder that the system would not read or write.
    pub(crate) fn io(place: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::user("E_IO", place, error, "Check that it exists and that you may read and write it")
    }

    /// The caller asked to stop.
    pub(crate) fn interrupted(place: impl fmt::Display) -> Self {
        Self::user("E_INTERRUPTED", place, "stopped before the end", "Start it again to go on")
    }

    /// A fault of ours while doing `context`.
    pub(crate) fn internal(context: impl fmt::Display) -> Self {
        InternalError { context: context.to_string() }.into()
    }
}

/// Tensor operations on shapes that were checked can't fail: when one does, it is our fault.
impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Error::internal(format_args!("tensor operation: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_faults_and_ours_read_differently() {
        let user = Error::user("E_MODEL_HASH", "a.bin", "wrong sha256", "Pull it again");
        assert_eq!(user.to_string(), "E_MODEL_HASH: a.bin: wrong sha256. Pull it again");
        assert!(user.is_user());
        let ours = Error::internal("pooling");
        assert_eq!(ours.code(), "E_INTERNAL");
        assert!(!ours.is_user());
        assert!(ours.to_string().starts_with("E_INTERNAL: pooling."));
    }
}
