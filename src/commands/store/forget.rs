//! `firstline store forget`: deletes everything that the store holds about a customer.

use std::io::{IsTerminal, Write};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_triage::customer_key;
use jiff::Timestamp;

use crate::arguments::{JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Delete everything that the store holds about a customer.
#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// The customer's name; case does not matter.
    #[arg(long, value_name = "NAME")]
    customer: String,

    /// Delete without asking.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    output: JsonArg,
}

pub(super) fn run(args: &ForgetArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    let customer = customer_key(&args.customer);
    if customer.is_empty() {
        return Err(UserError::new(Code::Config, "--customer", "the name is empty", "Name a customer").into());
    }
    let store = config::existing_store(settings)?;
    if !args.yes && !confirmed(&args.customer)? {
        let next = "Give --yes, or type the name when asked";
        return Err(UserError::new(Code::Config, "--customer", "nothing was deleted", next).into());
    }
    let gone = store.forget(&customer, "command:forget", Timestamp::now())?;
    if args.output.json {
        print(serde_json::to_string(&gone)?);
    } else {
        print(format_args!(
            "deleted: {} tickets, {} decisions with their drafts and outcomes, {} pieces of work",
            gone.tickets, gone.decisions, gone.work
        ));
        print(
            "Bundles learn from a history, not from the store. If it holds tickets of this customer, remove them from it, train \
             again, and delete old bundles and backups.",
        );
    }
    Ok(Exit::Success)
}

/// Whether a person at a terminal has typed the customer's name.
fn confirmed(name: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("This deletes all tickets, decisions and drafts of {name:?}. Type the name to continue: ");
    let io = |e: std::io::Error| UserError::io("standard input", &e);
    std::io::stderr().flush().map_err(io)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(io)?;
    Ok(customer_key(&answer) == customer_key(name))
}
