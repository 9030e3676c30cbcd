//! `firstline rollout tiers`: which tier boards, technicians and statuses are, as a file that a person confirms.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use firstline_rollout::{Tiers, suggested_tier};
use firstline_ticket::{Changed, Field, Happening};
use serde::Serialize;

use super::history::{History, Wanted, read_text};
use crate::arguments::{HistoryArg, JsonArg, PolicyArg};
use crate::commands::policy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Propose the tiers of boards, technicians and statuses, or check a file of them.
///
/// The share that first level resolves is counted by these tiers where the export does not say what was escalated. A person has to
/// confirm them: names alone prove nothing.
#[derive(Debug, Args)]
pub(crate) struct TiersArgs {
    #[command(flatten)]
    history: HistoryArg,

    /// Print a tiers file to complete: names that say their tier have it, all others are left to you.
    #[arg(long, conflicts_with = "check", required_unless_present = "check")]
    suggest: bool,

    /// Tiers file to check against the history: names without a tier, tickets whose tier is known.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    output: JsonArg,
}

/// A name of the history.
#[derive(Debug, Serialize)]
struct Name {
    /// `boards`, `technicians` or `statuses`.
    table: &'static str,
    name: String,
    tickets: u64,
    /// The tier that it says, or has in the file.
    tier: Option<u8>,
}

/// The result of a check, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Checked {
    /// Resolved tickets whose tier is known, by the highest tier that handled them.
    known: BTreeMap<u8, u64>,
    /// Resolved tickets whose tier is not known.
    unknown: u64,
    /// Names of the history without a tier.
    without: Vec<Name>,
    /// Names of the file that no ticket has.
    unused: Vec<String>,
}

pub(super) fn run(args: &TiersArgs, ui: &Ui) -> Result<Exit, Failure> {
    let policy = policy::read(args.policy.policy.as_deref())?;
    let file = match &args.check {
        Some(path) => Some(Tiers::parse(&read_text(path)?, &files::name_of(path))?),
        None => None,
    };
    let history = History::read(&args.history.tickets, &policy, Wanted::default(), ui)?;
    let names = names(&history);
    match file {
        Some(tiers) => check(&tiers, names, &history, args.output.json)?,
        None if args.output.json => print(serde_json::to_string(&names)?),
        None => print(proposal(&names)?.trim_end()),
    }
    Ok(history.exit())
}

/// The names of the history, those on most tickets first in each table.
fn names(history: &History) -> Vec<Name> {
    let mut counts: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
    for ticket in &history.facts {
        let mut own: Vec<(&'static str, &str)> = Vec::new();
        own.extend(ticket.label(Field::Board).map(|name| ("boards", name)));
        own.extend(ticket.label(Field::Technician).map(|name| ("technicians", name)));
        for event in &ticket.events {
            let Happening::Change { of, from, to } = &event.what else { continue };
            let table = match of {
                Changed::Board => "boards",
                Changed::Owner => "technicians",
                Changed::Status => "statuses",
                _ => continue,
            };
            let values =
                [from, to].into_iter().flatten().map(|name| name.trim()).filter(|name| !name.is_empty());
            own.extend(values.map(|name| (table, name)));
        }
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|(table, name)| *counts.entry((table, name.to_owned())).or_insert(0) += 1);
    }
    let name = |((table, name), tickets): ((&'static str, String), u64)| Name {
        table,
        tier: suggested_tier(&name),
        name,
        tickets,
    };
    let mut names: Vec<Name> = counts.into_iter().map(name).collect();
    names.sort_by_key(|name| (name.table, std::cmp::Reverse(name.tickets)));
    names
}

/// A name as a TOML key: quoted as in JSON, except for one control character.
fn quoted(name: &str) -> Result<String, Failure> {
    Ok(serde_json::to_string(name)?.replace('\u{7f}', "\\u007F"))
}

/// A tiers file to complete.
fn proposal(names: &[Name]) -> Result<String, Failure> {
    let mut text = String::from(
        "# Tiers of this desk. Check each line, take the # off lines that hold and correct their number: 1 for first level, 2, 3.\n\
         # A name without a tier makes the tickets that it handled unknown; it is never guessed.\n\n\
         # Statuses that end a ticket, and those in which the desk waits for others; they need the history of statuses.\n\
         # closed = [\"Closed\"]\n# waiting = [\"Waiting for customer\"]\n",
    );
    for (table, about) in [
        ("boards", "Boards, queues, teams."),
        ("technicians", "Technicians."),
        (
            "statuses",
            "The tier that a ticket has come to when it gets a status: such as \"Escalated\" = 2. Most have none.",
        ),
    ] {
        text.push_str(&format!("\n# {about}\n[{table}]\n"));
        for name in names.iter().filter(|name| name.table == table) {
            let mark = if name.tier.is_some() { "" } else { "# " };
            let tier = name.tier.unwrap_or(1);
            text.push_str(&format!("{mark}{} = {tier}  # {} tickets\n", quoted(&name.name)?, name.tickets));
        }
    }
    Ok(text)
}

fn check(tiers: &Tiers, names: Vec<Name>, history: &History, json: bool) -> Result<(), Failure> {
    let table_of = |name: &str| match name {
        "boards" => &tiers.boards,
        "technicians" => &tiers.technicians,
        _ => &tiers.statuses,
    };
    let in_file = ["boards", "technicians", "statuses"]
        .into_iter()
        .flat_map(|table| table_of(table).keys().map(move |name| (table, name)));
    let unused = in_file
        .filter(|(table, name)| !names.iter().any(|found| found.table == *table && found.name == **name));
    let unused = unused.map(|(table, name)| format!("{table}: {name}")).collect();
    let mut checked = Checked { known: BTreeMap::new(), unknown: 0, without: Vec::new(), unused };
    for ticket in history.facts.iter().filter(|ticket| ticket.resolved_at.is_some()) {
        match tiers.handled_by(ticket) {
            Some(tier) => *checked.known.entry(tier).or_insert(0) += 1,
            None => checked.unknown += 1,
        }
    }
    // A status without a tier changes nothing; a table that is empty is not used.
    let wanted = |name: &Name| name.table != "statuses" && !table_of(name.table).is_empty();
    checked.without = names
        .into_iter()
        .filter(|name| wanted(name) && !table_of(name.table).contains_key(&name.name))
        .collect();
    if json {
        print(serde_json::to_string(&checked)?);
        return Ok(());
    }
    let known = checked.known.iter().map(|(tier, tickets)| vec![format!("tier {tier}"), tickets.to_string()]);
    let rows = known.chain([vec!["not known".to_owned(), checked.unknown.to_string()]]);
    print(table(&["resolved tickets", "tickets"], rows));
    if !checked.without.is_empty() {
        let rows = checked
            .without
            .iter()
            .map(|name| vec![name.name.clone(), name.table.to_owned(), name.tickets.to_string()]);
        print(table(&["name without a tier", "table", "tickets"], rows));
    }
    for name in &checked.unused {
        print(format_args!("No ticket has {name}"));
    }
    Ok(())
}
