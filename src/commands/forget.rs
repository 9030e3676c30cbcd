//! `firstline forget`: deletes all that the store has of a customer.

use std::io::{IsTerminal, Write};

use firstline_fault::{Code, UserError};
use firstline_triage::customer_key;
use jiff::Timestamp;

use crate::cli::ForgetArgs;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::print;

pub(super) fn run(args: &ForgetArgs) -> Result<Exit, Failure> {
    let customer = customer_key(&args.customer);
    if customer.is_empty() {
        return Err(UserError::new(Code::Config, "--customer", "no name", "Name a customer").into());
    }
    let store = config::existing_store(&args.settings)?;
    if !args.yes && !confirmed(&args.customer)? {
        let next = "Give --yes, or answer with the name";
        return Err(UserError::new(Code::Config, "--customer", "nothing was deleted", next).into());
    }
    let gone = store.forget(&customer, "command:forget", Timestamp::now())?;
    if args.json {
        print(serde_json::to_string(&gone)?);
    } else {
        print(format_args!(
            "deleted: {} tickets, {} decisions with their drafts and outcomes, {} pieces of work",
            gone.tickets, gone.decisions, gone.work
        ));
        print(
            "Bundles learn from histories, not from the store: where this customer's tickets are in one, take them out of it, \
             train anew, and delete old bundles and backups.",
        );
    }
    Ok(Exit::Success)
}

/// Whether a person at a terminal has typed the customer's name.
fn confirmed(name: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("This deletes all tickets, decisions and drafts of {name:?}. Type the name to go on: ");
    let io = |e: std::io::Error| UserError::io("standard input", &e);
    std::io::stderr().flush().map_err(io)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(io)?;
    Ok(customer_key(&answer) == customer_key(name))
}
