//! `firstline rollout gate`: whether the desk may go from shadow to assist, or categories from assist to autonomous.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use firstline_rollout::Evidence;
use firstline_serve::rollout::{
    AutonomousVerdict, Categories, GateCheck, GateRequest, GateVerdict, InServiceNow, close_weeks, gate,
    gate_autonomous,
};
use firstline_triage::bundle::layout;
use firstline_triage::{Bundle, sha256_file};

use super::history::read_small;
use super::person::{Place, StepArgs};
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Ask a gate, to assist or to autonomous; the exit status is 1 where it is not passed.
///
/// It compares the evidence file of the bundle in service, and what the service has shown so far, with the signed criteria.
/// Each check says what was needed and found, over how many, and how much is missing. Passing the gate to assist grants it to the pilots.
/// The gate to autonomous judges each category by its certificates, by what people did with its drafts, and by errors; those that pass
/// are granted, the first of them once a second person has asked with the same evidence.
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The `evidence.json` that `firstline bench` wrote.
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,

    /// The phase that is asked for.
    #[arg(long, value_enum, default_value = "assist")]
    to: To,

    /// With --to autonomous: categories of this board alone.
    #[arg(long)]
    board: Option<String>,

    /// With --to autonomous: categories of this type alone.
    #[arg(long = "type")]
    ticket_type: Option<String>,

    /// Bundle in service [default: the settings' bundle].
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,

    #[command(flatten)]
    step: StepArgs,
}

/// What a gate leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// What people approve is done.
    Assist,
    /// Certified categories are acted on without a person.
    Autonomous,
}

pub(super) fn run(args: &GateArgs) -> Result<Exit, Failure> {
    let Place { settings, policy, rules, store, now } = Place::open(&args.step.settings)?;
    let person = args.step.person.person(store.as_ref(), now)?;
    let bundle = args.bundle.as_ref().unwrap_or(&settings.bundle);
    let bundle_sha256 = sha256_file(&bundle.join(layout::INFO))?;
    let service = InServiceNow::of(&Bundle::load(bundle)?.info, &bundle_sha256, &policy)?;
    let evidence = read_small(&args.evidence, Evidence::MOST_BYTES as u64)?;
    close_weeks(store.as_ref(), &rules, "command:rollout", now)?;
    let request = GateRequest { evidence, reason: args.step.reason.clone() };
    if args.to == To::Autonomous {
        let which = Categories { board: args.board.clone(), ticket_type: args.ticket_type.clone() };
        let verdict = gate_autonomous(store.as_ref(), &rules, (&request, &which), &service, (&person, now))?;
        match args.step.output.json {
            true => print(serde_json::to_string(&verdict)?),
            false => show_categories(&verdict),
        }
        return Ok(if verdict.passed { Exit::Success } else { Exit::UserFault });
    }
    let verdict = gate(store.as_ref(), rules.zone(), &request, &service, (&person, now))?;
    match args.step.output.json {
        true => print(serde_json::to_string(&verdict)?),
        false => show(&verdict),
    }
    Ok(if verdict.passed { Exit::Success } else { Exit::UserFault })
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Shows checks, and in words what is missing.
fn show_checks(checks: &[GateCheck]) {
    let maybe = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let row = |check: &GateCheck| {
        let side = if check.at_least { "at least" } else { "at most" };
        let bound = if check.at_least { check.low } else { check.high };
        vec![
            check.name.clone(),
            format!("{side} {}", number(check.needed)),
            check.found.map_or_else(|| "not measured".to_owned(), number),
            maybe(bound),
            check.n.to_string(),
            maybe(check.short_by),
            if check.passed { "holds".to_owned() } else { "fails".to_owned() },
        ]
    };
    let header = ["check", "needed", "found", "95 % bound", "n", "short by", "verdict"];
    print(table(&header, checks.iter().map(row)));
    for check in checks.iter().filter(|check| !check.passed) {
        if let Some(missing) = &check.missing {
            print(format_args!("{}: {missing}", check.name));
        }
    }
}

fn show_categories(verdict: &AutonomousVerdict) {
    for category in &verdict.categories {
        let certified: Vec<String> = category
            .thresholds
            .iter()
            .map(|(of, threshold)| format!("{of} from {}", number(*threshold)))
            .collect();
        let certified =
            if certified.is_empty() { "nothing certified".to_owned() } else { certified.join(", ") };
        print(format_args!("{} > {}: {certified}", category.board, category.ticket_type));
        show_checks(&category.checks);
        let state = match (category.passed, category.granted) {
            (true, true) => "PASSED and granted",
            (true, false) if category.barred => {
                "PASSED, not granted: backed out three times, train another bundle first"
            }
            (true, false) => "PASSED, not granted",
            (false, _) => "NOT PASSED",
        };
        print(format_args!("{state}\n"));
    }
    verdict.refused.iter().for_each(|why| print(format_args!("The evidence does not count: {why}")));
    for hold in &verdict.on_hold {
        print(format_args!("On hold {} ({}): {}", hold.hold, hold.level.name(), hold.reason));
    }
    if verdict.second_person_needed {
        print(
            "A second person has to ask for the same with this evidence within 14 days; what nobody has seconded is not granted.",
        );
    }
    let passed = verdict.categories.iter().filter(|category| category.passed).count();
    let of = verdict.categories.len();
    print(format_args!("{passed} of {of} categories pass. Evidence sha256 {}", verdict.evidence_sha256));
}

fn show(verdict: &GateVerdict) {
    show_checks(&verdict.checks);
    verdict.refused.iter().for_each(|why| print(format_args!("The evidence does not count: {why}")));
    for hold in &verdict.on_hold {
        print(format_args!("On hold {} ({}): {}", hold.hold, hold.level.name(), hold.reason));
    }
    if let Some(plan) = &verdict.plan {
        print("A week of cleaning up:");
        for (i, step) in plan.steps.iter().enumerate() {
            print(format_args!("  {}. {step}", i + 1));
        }
        plan.tickets.iter().for_each(|text| print(format_args!("  Tickets: {text}")));
    }
    let state = match (verdict.passed, verdict.granted.is_empty()) {
        (true, false) => format!("PASSED. Assist is granted to {}", verdict.granted.join(", ")),
        (true, true) => "PASSED. Nothing new is granted".to_owned(),
        (false, _) => "NOT PASSED".to_owned(),
    };
    print(format_args!("{state}. Evidence sha256 {}", verdict.evidence_sha256));
}
