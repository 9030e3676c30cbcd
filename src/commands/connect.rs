//! `firstline connect`: the process between a PSA and the service.
//!
//! PSA credentials live in this process alone. It is a client of the batch API like anybody's glue, and may run on another machine.

mod psa_settings;
mod unread;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use firstline_fault::Error;
use firstline_psa::connector::Finding;
use firstline_psa::sync::{Round, RoundSettings, round};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::{Ui, print, stopping};
pub(super) use psa_settings::PsaSettings;
use unread::Unread;

/// Longest pause after rounds that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Connect a PSA: tickets go to triage, ends to feedback, approved actions to the PSA.
///
/// It asks the PSA for what changed, again and again, and keeps how far it has come in the service's store: of several processes one
/// runs a connection, and another goes on where it stopped. Nothing is written to the PSA without a [write] section.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// The settings, TOML; --example prints some.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    config: Option<PathBuf>,

    /// Print an example of the settings and exit.
    #[arg(long)]
    example: bool,

    /// Look whether all is there that the connection needs, and exit with status 1 where something is missing.
    #[arg(long)]
    check: bool,

    /// Do one round and exit.
    #[arg(long, conflicts_with = "check")]
    once: bool,

    /// Write nothing to the PSA, whatever the settings say.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    output: JsonArg,
}

pub(super) fn run(args: &ConnectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Some(path) = args.config.as_ref().filter(|_| !args.example) else {
        print(psa_settings::EXAMPLE.trim_end());
        return Ok(Exit::Success);
    };
    let settings = PsaSettings::read(path)?;
    if args.check {
        return check(&settings, args.output.json);
    }
    let _alone = PsaSettings::alone(path)?;
    keep(&settings, path, args, ui)
}

/// Runs a connection until it is stopped. A round that fails is done again, later and later.
fn keep(one: &PsaSettings, path: &Path, args: &ConnectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut service = one.service()?;
    let mut psa = one.connector(pause(), false)?;
    let mut settings = one.round();
    if args.dry_run {
        settings.write = None;
    }
    let mut unread = Unread::beside(path, &one.name);
    let mut failed: u32 = 0;
    while !stopping() {
        let began = Instant::now();
        if settings.closing.is_empty() {
            // Not known in this round, where it can't be had: whether tickets were opened again, and nothing else.
            settings.closing = psa.reference().map(|found| found.closing()).unwrap_or_default();
        }
        match round(psa.as_mut(), &mut service, &settings, &|| !stopping()) {
            Ok(done) => {
                failed = 0;
                unread.keep(&done.unread_lines, ui);
                report(&settings, &done, args.output.json, ui);
            }
            Err(_) if stopping() => {}
            Err(error) if args.once => return Err(error.into()),
            Err(error) => {
                failed += 1;
                ui.say(format_args!("{}: {error}", one.name));
            }
        }
        if args.once {
            break;
        }
        let wanted = one.poll() * 2_u32.saturating_pow(failed.min(6));
        rest(wanted.min(LONGEST_PAUSE.max(one.poll())).saturating_sub(began.elapsed()));
    }
    Ok(if stopping() { Exit::Interrupted } else { Exit::Success })
}

fn report(settings: &RoundSettings, done: &Round, json: bool, ui: &Ui) {
    let happened = done.changed + done.written + done.returned + done.faults.len();
    let quiet = happened == 0 && done.listed.is_none();
    if json {
        print(json!({
            "at": Timestamp::now(), "connection": settings.name, "other": done.other, "changed": done.changed,
            "decided": done.decided, "ended": done.ended, "gone": done.gone, "written": done.written,
            "returned": done.returned, "unread": done.unread, "faults": done.faults,
            "listed": done.listed.map(|(of, missing)| json!({"tickets": of, "without_decision": missing})),
        }));
    } else if let Some(other) = &done.other {
        ui.say(format_args!("{}: {other}", settings.name));
    } else if !quiet {
        ui.say(format_args!(
            "{}: {} changed, {} to triage, {} ended, {} written, {} returned",
            settings.name, done.changed, done.decided, done.ended, done.written, done.returned
        ));
        if let Some((of, missing)) = done.listed {
            ui.say(format_args!(
                "{}: the PSA's list of opened tickets was sent: {of}, {missing} of them without a decision",
                settings.name
            ));
        }
        done.faults.iter().for_each(|fault| ui.say(format_args!("{}: {fault}", settings.name)));
    }
}

/// Waits, and not on once Ctrl-C was pressed: `false` then.
fn rest(pause: Duration) -> bool {
    let until = Instant::now() + pause;
    while !stopping() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100).min(until.saturating_duration_since(Instant::now())));
    }
    !stopping()
}

pub(super) fn pause() -> firstline_psa::http::Wait {
    Arc::new(rest)
}

fn check(settings: &PsaSettings, json: bool) -> Result<Exit, Failure> {
    let mut found = vec![service_finding(settings)];
    match settings.connector(pause(), false) {
        Ok(mut psa) => found.extend(psa.check()),
        Err(error) => found.push(finding("settings", &error)),
    }
    let writing = settings.what_may_be_written().to_owned();
    found.push(Finding { what: "writing".to_owned(), found: writing, next: None });
    if json {
        for Finding { what, found, next } in &found {
            let good = next.is_none();
            print(
                json!({"connection": settings.name, "what": what, "found": found, "next": next, "good": good}),
            );
        }
    } else {
        let row = |finding: &Finding| {
            let state = if finding.next.is_none() { "good" } else { "MISSING" };
            let next = finding.next.clone().unwrap_or_default();
            vec![finding.what.clone(), state.to_owned(), finding.found.clone(), next]
        };
        print(format_args!("{} ({})", settings.name, settings.psa_name()));
        print(table(&["what", "", "found", "next"], found.iter().map(row)));
    }
    let missing = found.iter().any(|finding| finding.next.is_some());
    Ok(if missing { Exit::UserFault } else { Exit::Success })
}

fn service_finding(settings: &PsaSettings) -> Finding {
    match settings.service().and_then(|mut service| service.look()) {
        Ok(found) => Finding { what: "the service".to_owned(), found, next: None },
        Err(error) => finding("the service", &error),
    }
}

fn finding(what: &str, error: &Error) -> Finding {
    let (found, next) = match error {
        Error::User(fault) => (fault.problem.clone(), fault.next.clone()),
        fault => (fault.to_string(), "Please report it".to_owned()),
    };
    Finding { what: what.to_owned(), found, next: Some(next) }
}
