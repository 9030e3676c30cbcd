//! `firstline incidents`: what a customer could see and that may have been wrong; listed, added and decided on by hand.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_serve::Scope;
use firstline_serve::rollout::{
    IncidentKind, IncidentReport, IncidentRuling, IncidentSeverity, IncidentState, IncidentView,
    decide_incident,
};
use firstline_store::{CustomerSet, IncidentResult};
use firstline_triage::customer_key;
use jiff::Timestamp;
use serde_json::json;

use super::rollout::person::PersonArg;
use crate::arguments::{JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Incidents that are read at a time.
const PAGE: usize = 100;

/// List, add and decide incidents: errors that customers saw, and credits for them.
///
/// A suspected incident that nobody decides on for three business days counts as an error. An incident counts in the week in which it
/// happened, whenever it is entered.
#[derive(Debug, Args)]
pub(crate) struct IncidentsArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(subcommand)]
    command: IncidentsCommand,
}

#[derive(Debug, Subcommand)]
enum IncidentsCommand {
    /// List incidents, those that were entered last first.
    List {
        /// Only those that stand so [default: all].
        #[arg(long, value_parser = PossibleValuesParser::new(IncidentState::NAMES).try_map(|name| IncidentState::named(&name).ok_or("no state")))]
        state: Option<IncidentState>,
        /// Only this customer's [default: all].
        #[arg(long)]
        customer: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        output: JsonArg,
    },
    /// Add an incident; takes a key of your own and the right to review.
    Add(AddArgs),
    /// Confirm or dismiss an incident; takes a key of your own and the right to review.
    Decide(DecideArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The ticket.
    #[arg(long)]
    ticket: String,
    /// Whose ticket it is, where several customers have one of that id.
    #[arg(long)]
    customer: Option<String>,
    /// The decision that was wrong [default: the ticket's newest].
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// The action of the outbox that was wrong [default: the ticket's last that the customer could see].
    #[arg(long, value_name = "NUMBER")]
    action: Option<i64>,
    /// When it happened, such as 2026-11-30T08:00:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// What went wrong.
    #[arg(long, value_parser = PossibleValuesParser::new(IncidentKind::NAMES).try_map(|name| IncidentKind::named(&name).ok_or("no kind")))]
    kind: IncidentKind,
    /// How bad it was.
    #[arg(long, default_value = "medium", value_parser = severity())]
    severity: IncidentSeverity,
    /// The customer gets a credit for it.
    #[arg(long)]
    sla_credit: bool,
    /// What the credit comes to, in your own currency.
    #[arg(long, value_name = "AMOUNT", requires = "sla_credit")]
    amount: Option<f64>,
    /// It is an error for certain [default: it is suspected].
    #[arg(long)]
    confirmed: bool,
    /// Your name of it, unique within the ticket: the same again is the same incident [default: kind and time].
    #[arg(long)]
    key: Option<String>,
    /// What is known of it, in words.
    #[arg(long)]
    note: String,
    #[command(flatten)]
    person: PersonArg,
    #[command(flatten)]
    output: JsonArg,
}

#[derive(Debug, Args)]
struct DecideArgs {
    /// The incident's id, as `firstline incidents list` shows it.
    id: String,
    /// It is an error.
    #[arg(long, required_unless_present = "dismiss", conflicts_with = "dismiss")]
    confirm: bool,
    /// It is none.
    #[arg(long)]
    dismiss: bool,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Whether the customer gets a credit for it [default: as it was].
    #[arg(long, value_name = "true|false")]
    sla_credit: Option<bool>,
    /// What the credit comes to, in your own currency.
    #[arg(long, value_name = "AMOUNT", requires = "sla_credit")]
    amount: Option<f64>,
    /// How bad it was [default: as it was].
    #[arg(long, value_parser = severity())]
    severity: Option<IncidentSeverity>,
    #[command(flatten)]
    person: PersonArg,
    #[command(flatten)]
    output: JsonArg,
}

fn severity() -> impl TypedValueParser<Value = IncidentSeverity> {
    PossibleValuesParser::new(IncidentSeverity::NAMES)
        .try_map(|name| IncidentSeverity::named(&name).ok_or("no severity"))
}

pub(super) fn run(args: &IncidentsArgs) -> Result<Exit, Failure> {
    let settings = &args.settings;
    match &args.command {
        IncidentsCommand::List { state, customer, limit, output } => {
            let customers = customer
                .as_ref()
                .map_or(CustomerSet::All, |name| CustomerSet::Only([customer_key(name)].into()));
            list(settings, (*state, &customers, *limit as usize), output)
        }
        IncidentsCommand::Add(args) => add(args, settings),
        IncidentsCommand::Decide(args) => decide(args, settings),
    }
}

fn list(
    settings: &SettingsArgs,
    (state, customers, limit): (Option<IncidentState>, &CustomerSet, usize),
    output: &JsonArg,
) -> Result<Exit, Failure> {
    let store = config::existing_store(settings)?;
    let (mut all, mut before): (Vec<IncidentView>, Option<String>) = (Vec::new(), None);
    while all.len() < limit {
        let most = PAGE.min(limit - all.len());
        let page = store.incident_list(state.map(Into::into), customers, before.as_deref(), most)?;
        all.extend(page.items.into_iter().map(IncidentView::from));
        before = all.last().map(|last| last.id.clone());
        if !page.more {
            break;
        }
    }
    match output.json {
        true => all.iter().try_for_each(|one| serde_json::to_string(one).map(print))?,
        false => print(shown(&all)),
    }
    Ok(Exit::Success)
}

fn shown(all: &[IncidentView]) -> String {
    let rows = all.iter().map(|one| {
        let credit = match (one.sla_credit, one.sla_credit_amount) {
            (false, _) => "no".to_owned(),
            (true, None) => "yes".to_owned(),
            (true, Some(amount)) => format!("{amount:.2}"),
        };
        vec![
            one.id.clone(),
            one.ticket_id.clone(),
            one.customer.clone(),
            format!("{:.0}", one.at),
            one.kind.name().to_owned(),
            one.severity.name().to_owned(),
            one.state.name().to_owned(),
            credit,
            one.by.clone(),
        ]
    });
    table(&["id", "ticket", "customer", "happened", "kind", "severity", "state", "SLA credit", "by"], rows)
}

fn add(args: &AddArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    let (store, now) = (config::existing_store(settings)?, Timestamp::now());
    let person = args.person.person(store.as_ref(), now)?;
    person.may(Scope::Review)?;
    let at = args.at.unwrap_or(now);
    let report = IncidentReport {
        key: args.key.clone().unwrap_or_else(|| format!("{} {at}", args.kind.name())),
        ticket_id: Some(args.ticket.clone()),
        customer: args.customer.clone(),
        decision_id: args.decision.clone(),
        action_id: args.action,
        at,
        kind: args.kind,
        severity: args.severity,
        sla_credit: args.sla_credit,
        sla_credit_amount: args.amount,
        confirmed: args.confirmed,
        note: Some(args.note.clone()),
    };
    let new = report.checked("the incident", &person.author(), true, now)?;
    let result = store.add_incidents(&[new], &CustomerSet::All, now)?.pop();
    let refused =
        |code, problem: &str, next: &str| Err(UserError::new(code, "the incident", problem, next).into());
    let (id, known) = match result {
        Some(IncidentResult::Stored(id)) => (id, false),
        Some(IncidentResult::Known(id)) => (id, true),
        Some(IncidentResult::Other(id)) => {
            let problem =
                format!("incident {id} of this ticket has the key, and another time, kind or action");
            return refused(Code::Conflict, &problem, "Give another --key, or decide that one");
        }
        Some(IncidentResult::Ambiguous) => {
            let problem = "several customers have a ticket of this id";
            return refused(Code::Conflict, problem, "Say whose it is: --customer");
        }
        Some(IncidentResult::Unknown) | None => {
            let problem = "no such ticket, decision or action of that ticket is on record";
            return refused(Code::NotFound, problem, "Check the ids");
        }
    };
    match args.output.json {
        true => print(json!({"id": id, "result": if known { "known" } else { "stored" }})),
        false if known => print(format_args!("incident {id} is on record already, and stands as it is")),
        false => print(format_args!("incident {id} is on record")),
    }
    Ok(Exit::Success)
}

fn decide(args: &DecideArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    let (store, now) = (config::existing_store(settings)?, Timestamp::now());
    let person = args.person.person(store.as_ref(), now)?;
    person.may(Scope::Review)?;
    let ruling = IncidentRuling {
        state: if args.confirm { IncidentState::Confirmed } else { IncidentState::Dismissed },
        reason: args.reason.clone(),
        sla_credit: args.sla_credit,
        sla_credit_amount: args.amount,
        severity: args.severity,
    };
    let by = (&person.author(), &CustomerSet::All);
    let decided = decide_incident(store.as_ref(), &args.id, &ruling, by, now)?;
    match args.output.json {
        true => print(serde_json::to_string(&decided)?),
        false => print(format_args!("incident {} is {}", decided.id, decided.state.name())),
    }
    Ok(Exit::Success)
}
