//! The gates of the play, asked as a desk asks them: with evidence that was measured on the tickets which the desk has closed since, in
//! shadow, where nobody had seen what Firstline decides.
//!
//! Must never grant anything by itself: where a gate does not pass, the desk stays where it is.

use std::io::Write;
use std::path::{Path, PathBuf};

use firstline_fault::UserError;
use firstline_serve::rollout::{
    AutonomousVerdict, Categories, GateCheck, GateRequest, GateVerdict, InServiceNow, Listed, ListedTicket,
    coverage, gate, gate_autonomous,
};
use firstline_triage::bundle::layout;
use firstline_triage::{Bundle, Policy, sha256_file};
use jiff::Timestamp;

use super::Files;
use super::people::Past;
use super::stage::Stage;
use crate::commands::bench;
use crate::commands::demo::psa::Desk;
use crate::failure::Failure;
use crate::files;
use crate::ui::Ui;

/// What the gates said.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Of the gate to assist.
    pub(super) assist: Option<GateVerdict>,
    /// Of the gate to autonomous.
    pub(super) autonomous: Option<AutonomousVerdict>,
}

/// Tells the service which tickets the PSA lists of a week.
pub(super) fn list(stage: &Stage, desk: &Desk, (from, to): (Timestamp, Timestamp)) -> Result<(), Failure> {
    let opened = |at: Option<Timestamp>| at.is_some_and(|at| (from..to).contains(&at));
    let of_week = desk.played.iter().filter(|ticket| opened(ticket.opened_at));
    let tickets: Vec<ListedTicket> = of_week
        .map(|ticket| ListedTicket { ticket_id: ticket.id.clone(), customer: ticket.customer.clone() })
        .collect();
    if !tickets.is_empty() {
        let listed = Listed { from, to, tickets };
        coverage(stage.store.as_ref(), &listed, ("command:demo", None), stage.clock.now())?;
    }
    Ok(())
}

/// Measures the bundle on the tickets that were opened before `shadow_ends` and closed since.
fn measure(
    files: &Files,
    (stage, desk): (&Stage, &Desk),
    (shadow_ends, seed): (Timestamp, u64),
    ui: &Ui,
) -> Result<(Vec<u8>, PathBuf), Failure> {
    let now = stage.clock.now();
    let place = files.closed.display().to_string();
    let mut file = files::Whole::create(&files.closed)?;
    let mut writer = file.writer();
    let ended = |ticket: &&firstline_ticket::Ticket| {
        ticket.opened_at.is_some_and(|at| at < shadow_ends) && ticket.resolved_at.is_some_and(|at| at < now)
    };
    for ticket in desk.played.iter().filter(ended) {
        serde_json::to_writer(&mut writer, ticket)?;
        writer.write_all(b"\n").map_err(|e| UserError::io(&place, &e))?;
    }
    writer.flush().map_err(|e| UserError::io(&place, &e))?;
    drop(writer);
    file.publish()?;
    let of = (files.bundle.as_path(), files.closed.as_path(), files.criteria.as_path());
    let path = bench::evidence_at(of, &files.evidence, (seed, now), ui)?;
    let text = std::fs::read(&path).map_err(|e| UserError::io(path.display(), &e))?;
    Ok((text, path))
}

fn in_service(bundle: &Path) -> Result<InServiceNow, Failure> {
    let sha256 = sha256_file(&bundle.join(layout::INFO))?;
    Ok(InServiceNow::of(&Bundle::load(bundle)?.info, &sha256, &Policy::built_in()?)?)
}

/// Asks the gate to assist.
pub(super) fn assist(
    files: &Files,
    (stage, desk, past): (&Stage, &Desk, &Past),
    when: (Timestamp, u64),
    ui: &Ui,
) -> Result<GateVerdict, Failure> {
    let (evidence, path) = measure(files, (stage, desk), when, ui)?;
    let request = GateRequest { evidence, reason: "four weeks of shadow".to_owned() };
    let (zone, now) = (stage.rules.zone(), stage.clock.now());
    let found =
        gate(stage.store.as_ref(), zone, &request, &in_service(&files.bundle)?, (&past.manager, now))?;
    tell(ui, "The gate to assist", found.passed, &found.checks);
    found.refused.iter().for_each(|why| ui.say(format!("      the evidence does not count: {why}")));
    ui.say(format!("      evidence: {}", path.display()));
    Ok(found)
}

/// Asks the gate to autonomous: the manager first, and the owner with the same evidence.
pub(super) fn autonomous(
    files: &Files,
    (stage, desk, past): (&Stage, &Desk, &Past),
    when: (Timestamp, u64),
    ui: &Ui,
) -> Result<AutonomousVerdict, Failure> {
    let (evidence, path) = measure(files, (stage, desk), when, ui)?;
    let request = GateRequest { evidence, reason: "four weeks of reviews".to_owned() };
    let (asked, service) = ((&request, &Categories::default()), in_service(&files.bundle)?);
    let ask = |person| {
        gate_autonomous(stage.store.as_ref(), &stage.rules, asked, &service, (person, stage.clock.now()))
    };
    let first = ask(&past.manager)?;
    let found = if first.second_person_needed { ask(&past.owner)? } else { first };
    for category in found.categories.iter().filter(|category| !category.thresholds.is_empty()) {
        let name = format!("{} > {}", category.board, category.ticket_type);
        tell(ui, &name, category.passed, &category.checks);
    }
    let granted = found.categories.iter().filter(|category| category.granted).count();
    ui.say(format!(
        "   The gate to autonomous: {granted} of {} categories are granted. Evidence: {}",
        found.categories.len(),
        path.display()
    ));
    Ok(found)
}

fn tell(ui: &Ui, what: &str, passed: bool, checks: &[GateCheck]) {
    ui.say(format!("   {what}: {}", if passed { "passed" } else { "not passed" }));
    for check in checks.iter().filter(|check| !check.passed) {
        let found = check.found.map_or_else(|| "not measured".to_owned(), |found| format!("{found:.3}"));
        let side = if check.at_least { "at least" } else { "at most" };
        let missing = check.missing.as_deref().map_or_else(String::new, |missing| format!("; {missing}"));
        ui.say(format!("      {}: {found}, {side} {:.3} is needed{missing}", check.name, check.needed));
    }
}
