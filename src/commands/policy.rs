//! `firstline policy`: the built-in policy, as an example for one's own; and reading one.

use std::path::Path;

use firstline_fault::{Code, UserError};
use firstline_triage::{DEFAULT_POLICY, Policy};

use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Longest policy file read.
const MAX_BYTES: u64 = 1 << 20;

pub(super) fn run() -> Exit {
    print(DEFAULT_POLICY.trim_end());
    Exit::Success
}

/// The policy in the file `path`, or the built-in one.
pub(super) fn read(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::built_in()?) };
    let place = path.display().to_string();
    let io = |e: std::io::Error| UserError::io(&place, &e);
    if std::fs::metadata(path).map_err(io)?.len() > MAX_BYTES {
        let problem = "it is longer than a policy can be";
        return Err(UserError::new(Code::Config, place, problem, "Name a policy file").into());
    }
    Ok(Policy::parse(&std::fs::read_to_string(path).map_err(io)?, &place)?)
}
