//! `firstline store forget`: deletes everything that the store holds about a customer, and says what it can't delete.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::Args;
use firstline_drafts::Index;
use firstline_fault::{Code, UserError};
use firstline_store::Forgotten;
use firstline_triage::bundle::layout;
use firstline_triage::customer_key;
use jiff::Timestamp;
use serde::Serialize;

use crate::arguments::{JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::spellings;
use crate::ui::print;

/// Delete everything that the store holds about a customer.
///
/// Customers whose names are spelt alike are listed, and stay unless --also names them. The report says what was deleted from each
/// table, and what the bundle and backups still hold.
#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// The customer's name; case does not matter.
    #[arg(long, value_name = "NAME")]
    customer: String,

    /// Another spelling of the same customer; repeatable.
    #[arg(long, value_name = "NAME")]
    also: Vec<String>,

    /// Delete without asking.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    output: JsonArg,
}

/// What was done, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    deleted: Forgotten,
    /// Customers that are spelt alike, and stay.
    similar: Vec<String>,
    /// What the bundle that the settings name still holds.
    bundle: Held,
}

/// What a bundle still holds of a customer.
#[derive(Debug, Default, Serialize)]
struct Held {
    /// The bundle's folder; empty where there is none.
    folder: String,
    /// Resolved tickets in the index; `drafts index --forget` removes them.
    index_cases: usize,
    /// Whether a label, or a reply template, has the name in it.
    named: bool,
    /// Whether weights, vectors and hashes of the history may tell of it: only a new training without its tickets ends that.
    weights: bool,
    /// Whether a fine-tuned encoder was taught on the history.
    tuned: bool,
    /// Whether a language model was taught on its replies.
    writer: bool,
}

pub(super) fn run(args: &ForgetArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    let names = [&args.customer].into_iter().chain(&args.also);
    let customers: BTreeSet<String> = names.map(|name| customer_key(name)).collect();
    if customers.contains("") {
        return Err(UserError::new(Code::Config, "--customer", "the name is empty", "Name a customer").into());
    }
    let bundle = config::settings(settings, &[])?.bundle;
    let store = config::existing_store(settings)?;
    let indexed = Index::customers(&bundle).unwrap_or_default();
    let known: BTreeSet<String> = store.customers()?.into_keys().chain(indexed.keys().cloned()).collect();
    let similar = spellings::similar(&customers, &known);
    if !args.yes && !confirmed(&args.customer, &similar)? {
        let alike = match similar.is_empty() {
            true => String::new(),
            false => format!("; spelt alike: {}", similar.join(", ")),
        };
        let next =
            "Give --yes, or type the name when asked; name other spellings of the same customer with --also";
        let problem = format!("nothing was deleted{alike}");
        return Err(UserError::new(Code::Config, "--customer", problem, next).into());
    }
    let all: Vec<String> = customers.iter().cloned().collect();
    let deleted = store.forget(&all, "command:forget", Timestamp::now())?;
    let index_cases = customers.iter().filter_map(|name| indexed.get(name)).sum();
    let report = Report { deleted, similar, bundle: held(&bundle, &customers, index_cases) };
    match args.output.json {
        true => print(serde_json::to_string(&report)?),
        false => tell(&report),
    }
    Ok(Exit::Success)
}

/// What the bundle in `folder` still holds.
fn held(folder: &Path, customers: &BTreeSet<String>, index_cases: usize) -> Held {
    let info = folder.join(layout::INFO);
    if !info.exists() {
        return Held::default();
    }
    let files = [info, layout::beside(folder, layout::TEMPLATES)];
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default().to_lowercase());
    Held {
        folder: folder.display().to_string(),
        index_cases,
        named: texts.into_iter().any(|text| customers.iter().any(|name| text.contains(name.as_str()))),
        weights: folder.join(layout::WEIGHTS).exists(),
        tuned: folder.join(layout::TUNED).exists(),
        writer: folder.join(layout::WRITER).exists(),
    }
}

fn tell(report: &Report) {
    let Forgotten { tickets, decisions, reviews, outcomes, actions, drafts, job_items, jobs, keys, .. } =
        report.deleted;
    print(format_args!(
        "deleted: {tickets} tickets, {decisions} decisions with their drafts, {reviews} reviews, {outcomes} outcomes, \
         {actions} actions, {drafts} drafts to be written, {job_items} items of {jobs} jobs"
    ));
    if keys > 0 {
        print(format_args!(
            "keys that were held to the customer: {keys}; those held to nobody else are revoked"
        ));
    }
    for name in &report.similar {
        print(format_args!("still there, and spelt alike: {name} (--also {name:?} deletes it)"));
    }
    if report.deleted.readable_audit_entries > 0 {
        print(format_args!(
            "{} entries of the audit log, written by earlier versions, hold labels or a reviewer's name. They can't be changed \
             without breaking the chain: export the log, and begin a new store where they must go.",
            report.deleted.readable_audit_entries
        ));
    }
    if !report.deleted.wiped {
        print(
            "The store's files may hold deleted words a little longer: run it again once no long query reads; on PostgreSQL run \
             VACUUM FULL.",
        );
    }
    let Held { folder, index_cases, named, weights, tuned, writer } = &report.bundle;
    if *index_cases > 0 {
        print(format_args!(
            "{folder}: {index_cases} resolved tickets are in the index. Remove them: firstline drafts index --forget NAME"
        ));
    }
    if *named {
        print(format_args!("{folder}: a label or a reply template has the name in it"));
    }
    let parts =
        [(weights, "weights, vectors and habits"), (tuned, "the fine-tuned encoder"), (writer, "the writer")];
    let taught: Vec<&str> = parts.iter().filter(|(there, _)| **there).map(|(_, name)| *name).collect();
    if !taught.is_empty() {
        print(format_args!(
            "{folder}: {} were taught on the history. If it has tickets of this customer, remove them from it and train again.",
            taught.join(", ")
        ));
    }
    print(
        "Backups, exported audit logs, histories and other bundles are not known to this command: delete old ones.",
    );
}

/// Whether a person at a terminal has typed the customer's name.
fn confirmed(name: &str, similar: &[String]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    for other in similar {
        eprintln!("Spelt alike, and not deleted without --also: {other}");
    }
    eprint!("This deletes all tickets, decisions and drafts of {name:?}. Type the name to continue: ");
    let io = |e: std::io::Error| UserError::io("standard input", &e);
    std::io::stderr().flush().map_err(io)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(io)?;
    Ok(customer_key(&answer) == customer_key(name))
}
