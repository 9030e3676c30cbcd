//! `firstline policy`: the built-in policy, a template for your own; and reading a policy file.

use std::path::Path;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_triage::{BUILT_IN_WORDS, DEFAULT_POLICY, Policy};

use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Print the built-in policy: priority order, costs of errors, overriding rules.
///
/// Change a copy and give it to `firstline train` (order, costs and words) and `firstline classify` or `draft` (rules and words) with
/// --policy.
#[derive(Debug, Args)]
pub(crate) struct PrintPolicyArgs {
    /// Print the built-in word lists instead, to which `[words]` of a policy adds.
    #[arg(long)]
    words: bool,
}

/// Longest policy file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

pub(super) fn run(args: &PrintPolicyArgs) -> Exit {
    match args.words {
        true => print(BUILT_IN_WORDS.join("\n").trim_end()),
        false => print(DEFAULT_POLICY.trim_end()),
    }
    Exit::Success
}

/// The policy in the file `path`, or the built-in one.
pub(super) fn read(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::built_in()?) };
    let place = path.display().to_string();
    let io = |e: std::io::Error| UserError::io(&place, &e);
    if std::fs::metadata(path).map_err(io)?.len() > MAX_BYTES {
        let problem = "the file is too long for a policy";
        return Err(UserError::new(Code::Config, place, problem, "Name a policy file").into());
    }
    Ok(Policy::parse(&std::fs::read_to_string(path).map_err(io)?, &place)?)
}
