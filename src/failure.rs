//! How a run ends: the exit status, and the fault that is printed.

use std::fmt;
use std::process::ExitCode;

use firstline_fault::{Code, Error, InternalError, UserError};

/// Exit status of the program, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// An error that the user can fix: a file, a flag, the data.
    UserFault = 1,
    /// Done, but some lines or rows were unusable; each is reported. (Status 2 is clap's, for an invalid command line.)
    SomeFailed = 3,
    /// An internal error.
    Internal = 70,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A fault that ends the run.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self.0.code() {
            Some(Code::Interrupted) => Exit::Interrupted,
            Some(_) => Exit::UserFault,
            None => Exit::Internal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self(error.into())
    }
}

impl From<InternalError> for Failure {
    fn from(error: InternalError) -> Self {
        Self(error.into())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        InternalError::new(format!("writing JSON: {error}")).into()
    }
}
