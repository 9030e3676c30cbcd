//! Short ways to the faults of this room. The types are [`firstline_fault`]'s; only how each kind is mended is said here.

use std::fmt;

use firstline_fault::{Code, Error, InternalError, UserError};

/// A fault of the user's at `place`.
pub(crate) fn user(
    code: Code,
    place: impl fmt::Display,
    problem: impl fmt::Display,
    next: impl fmt::Display,
) -> Error {
    UserError::new(code, place.to_string(), problem.to_string(), next.to_string()).into()
}

/// A model file that is not usable.
pub(crate) fn model(place: impl fmt::Display, problem: impl fmt::Display) -> Error {
    user(Code::Model, place, problem, "Pull the model again, or use one of a kind that is supported")
}

/// A file or folder that the system would not read or write.
pub(crate) fn io(place: impl fmt::Display, error: &std::io::Error) -> Error {
    UserError::io(place, error).into()
}

/// The caller asked to stop.
pub(crate) fn interrupted(place: impl fmt::Display) -> Error {
    user(Code::Interrupted, place, "stopped before the end", "Start it again to go on")
}

/// A fault of ours while doing `context`.
pub(crate) fn internal(context: impl fmt::Display) -> Error {
    InternalError::new(context.to_string()).into()
}

/// Tensor operations on shapes that were checked can't fail: when one does, it is our fault.
pub(crate) fn tensor(error: impl std::error::Error) -> Error {
    internal(format_args!("tensor operation: {error}"))
}
