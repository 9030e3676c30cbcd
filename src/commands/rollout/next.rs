//! `firstline rollout next`: where to go next, one step a settled week.

use std::collections::BTreeMap;

use clap::Args;
use firstline_rollout::{CustomerNotes, Expansion, ExpansionStep, Report, Sheet, read_automation};
use firstline_serve::rollout::{DeskRules, NextRequest, close_weeks, next, step_in_words};
use firstline_store::Store;
use firstline_triage::customer_key;
use jiff::Timestamp;

use super::ReportArgs;
use super::history::{AutomationArg, read_text};
use super::person::Place;
use crate::arguments::SettingsArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// Show the next customer or category for Firstline, and what it waits for.
///
/// One step is taken a settled week, none while anything is on hold. Categories come first, by the minutes that they could save: those
/// that a certificate covers, as `firstline bench` measured it. Then customers, by their rank as pilots. A person takes the step; this
/// command grants nothing.
#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    #[command(flatten)]
    automation: AutomationArg,

    /// Customer that asks for people or for compliance: none to add. Repeatable.
    #[arg(long, value_name = "CUSTOMER")]
    vip: Vec<String>,

    /// Customer that is leaving: none to add. Repeatable.
    #[arg(long, value_name = "CUSTOMER")]
    leaving: Vec<String>,

    #[command(flatten)]
    output: ReportArgs,

    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &NextArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Place { rules, store, now, .. } = Place::open(&args.settings)?;
    close_weeks(store.as_ref(), &rules, "command:rollout", now)?;
    let plan = plan(args, store.as_ref(), &rules, now)?;
    args.output.put(&report(&plan, args.automation.automation.is_some()), &plan, ui)?;
    Ok(Exit::Success)
}

fn plan(args: &NextArgs, store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Expansion, Failure> {
    let automation = match &args.automation.automation {
        Some(path) => read_automation(&read_text(path)?, &files::name_of(path))?,
        None => BTreeMap::new(),
    };
    let mut notes: BTreeMap<String, CustomerNotes> = BTreeMap::new();
    for name in &args.vip {
        notes.entry(customer_key(name)).or_default().vip = true;
    }
    for name in &args.leaving {
        notes.entry(customer_key(name)).or_default().leaving = true;
    }
    Ok(next(store, rules, &NextRequest { automation, notes }, now)?)
}

fn report(plan: &Expansion, measured: bool) -> Report {
    let now = plan.now.as_ref().map_or_else(|| "none".to_owned(), step_in_words);
    let unmeasured = "which categories a certificate covers: give the `automation.toml` that `firstline bench` writes with --automation";
    let not_known = if measured { Vec::new() } else { vec![unmeasured.to_owned()] };
    let rows = plan.then.iter().map(row).collect();
    let later = Sheet {
        heading: "After that".to_owned(),
        about: "One step a settled week, in this order as far as anybody knows now.".to_owned(),
        columns: vec!["what", "name", "because"],
        rows,
    };
    Report {
        title: "The next step of the rollout".to_owned(),
        facts: vec![("Now", now)],
        notes: vec![
            ("It waits for", plan.waits_for.clone()),
            ("Left out", plan.left_out.clone()),
            ("Not known", not_known),
        ],
        tables: vec![later].into_iter().filter(|sheet| !sheet.rows.is_empty()).collect(),
    }
}

fn row(step: &ExpansionStep) -> Vec<String> {
    match step {
        ExpansionStep::Category { board, r#type, because } => {
            vec!["category".to_owned(), [board.as_str(), r#type].join(" > "), because.clone()]
        }
        ExpansionStep::Customer { customer, because } => {
            vec!["customer".to_owned(), customer.clone(), because.clone()]
        }
    }
}
