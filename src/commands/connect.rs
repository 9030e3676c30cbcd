//! `firstline connect`: the process between a PSA and the service.
//!
//! PSA credentials live in this process alone. It is a client of the batch API like anybody's glue, and may run on another machine.

mod check;
mod map;
mod psa_settings;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use firstline_psa::connector::was_asked;
use firstline_psa::sync::{Round, RoundSettings, round};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print, stopping};
pub(super) use psa_settings::PsaSettings;

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
    keep(&settings, args, ui)
}

/// Runs a connection until it is stopped. A round that fails is done again, later and later.
fn keep(one: &PsaSettings, args: &ConnectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut service = one.service()?;
    let mut psa = one.connector(pause(), false)?;
    let mut settings = one.round();
    if args.dry_run {
        settings.write = None;
    }
    let mut failed: u32 = 0;
    while !stopping() {
        let began = Instant::now();
        match round(psa.as_mut(), &mut service, &settings, &|| !stopping()) {
            Ok(done) => {
                failed = 0;
                report(&settings, &done, args.output.json, ui);
            }
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
    let quiet = done.changed == 0 && done.written == 0 && done.returned == 0 && done.faults.is_empty();
    if json {
        print(json!({
            "at": Timestamp::now(), "connection": settings.name, "other": done.other, "changed": done.changed,
            "decided": done.decided, "ended": done.ended, "gone": done.gone, "written": done.written,
            "returned": done.returned, "unread": done.unread, "faults": done.faults,
        }));
    } else if let Some(other) = &done.other {
        ui.say(format_args!("{}: {other}", settings.name));
    } else if !quiet {
        ui.say(format_args!(
            "{}: {} changed, {} to triage, {} ended, {} written, {} returned",
            settings.name, done.changed, done.decided, done.ended, done.written, done.returned
        ));
        done.faults.iter().for_each(|fault| ui.say(format_args!("{}: {fault}", settings.name)));
    }
}

/// Waits, and less long once Ctrl-C was pressed.
fn rest(pause: Duration) {
    let until = Instant::now() + pause;
    while !stopping() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100).min(until.saturating_duration_since(Instant::now())));
    }
}

pub(super) fn pause() -> firstline_psa::http::Wait {
    Arc::new(rest)
}

fn check(settings: &PsaSettings, json: bool) -> Result<Exit, Failure> {
    let (mut found, service) = check::of_service(settings);
    let mut notes = Vec::new();
    match settings.connector(pause(), false) {
        Ok(mut psa) => {
            found.extend(psa.check());
            if was_asked(&found) {
                let labels = check::of_labels(psa.as_mut(), service);
                if settings.writes() { &mut found } else { &mut notes }.extend(labels);
            }
        }
        Err(error) => found.push(check::finding("settings", &error)),
    }
    found.push(settings.writing());
    let missing = check::show(settings, &found, &notes, json);
    Ok(if missing { Exit::UserFault } else { Exit::Success })
}
