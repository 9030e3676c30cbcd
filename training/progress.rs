//! How long work tells what it does, and how it is asked to stop. Nothing here draws.

use std::ops::ControlFlow;

use firstline_fault::{Code, Error, UserError};

/// Listens to a long piece of work.
pub trait Progress {
    /// A stage begins that has `total` steps; 0 when nobody knows.
    fn stage(&mut self, name: &str, total: u64);

    /// Something to show beside the stage's name, such as the loss.
    fn note(&mut self, _text: &str) {}

    /// `done` steps of the stage are behind us. `Break` asks the work to stop, leaving nothing behind.
    fn done(&mut self, done: u64) -> ControlFlow<()>;
}

/// The fault of work that was asked to stop.
pub fn interrupted(what: &str) -> Error {
    UserError::new(Code::Interrupted, what, "stopped before the end", "Nothing was written; run it again")
        .into()
}
