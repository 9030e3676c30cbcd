//! `firstline connect`: the process between a PSA and the service.
//!
//! PSA credentials live in this process alone. It is a client of the batch API like anybody's glue, and may run on another machine.

mod check;
mod hints;
mod listen;
mod map;
mod psa_settings;
mod unread;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_psa::connector::{Connector, Finding, was_asked};
use firstline_psa::hook::Standing;
use firstline_psa::sync::{Round, RoundSettings, Service, hinted, round};
use jiff::Timestamp;
use serde_json::json;

use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print, stopping};
use hints::{Hints, Way};
use listen::Listener;
pub(super) use psa_settings::PsaSettings;
use unread::Unread;

/// Longest pause after rounds that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Connect a PSA: triage its tickets, report outcomes, write approved actions.
///
/// It polls the PSA for changes and keeps its progress in the service's store. Of several processes one runs a connection; another takes
/// over where it stopped. Nothing is written to the PSA without a `[write]` section. With a `[webhook]` section the PSA can report changes,
/// and a ticket is read at once; polling finds what no webhook reports.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// The settings file, TOML; --example prints one.
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    config: Option<PathBuf>,

    /// Print an example settings file and exit.
    #[arg(long)]
    example: bool,

    /// Check that everything the connection needs is in place; exit with status 1 if anything is missing.
    #[arg(long)]
    check: bool,

    /// Poll once and exit.
    #[arg(long, conflicts_with = "check")]
    once: bool,

    /// Register this address of the `[webhook]` listener with the PSA and exit.
    #[arg(long, value_name = "URL", conflicts_with_all = ["check", "once", "dry_run"])]
    register: Option<String>,

    /// Write nothing to the PSA, even with a [write] section.
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
    if let Some(url) = &args.register {
        return register(&settings, url, args.output.json);
    }
    let _alone = PsaSettings::alone(path)?;
    keep(&settings, path, args, ui)
}

/// Runs a connection until it is stopped. A round that fails is done again, later and later.
fn keep(one: &PsaSettings, path: &Path, args: &ConnectArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut service = one.service()?;
    let mut psa = one.connector(pause(), false)?;
    let mut settings = one.round()?;
    if args.dry_run {
        settings.write = None;
    }
    let hints = Arc::<Hints>::default();
    let webhook = if args.once { None } else { one.webhook()? };
    let listener = webhook.map(|webhook| Listener::start(webhook, Arc::clone(&hints))).transpose()?;
    if let Some(listener) = &listener {
        ui.say(format_args!("{}: listening for webhooks on {}", one.name, listener.address));
    }
    let mut unread = Unread::beside(path, &one.name);
    let mut failed: u32 = 0;
    let mut whole = Instant::now();
    while !stopping() {
        let began = Instant::now();
        hints.clear();
        if settings.closing.is_empty() {
            // Not known in this round, where it can't be had: whether tickets were opened again, and nothing else.
            settings.closing = psa.reference().map(|found| found.closing()).unwrap_or_default();
        }
        let way = Way::new(&hints, began, whole);
        match round(psa.as_mut(), &mut service, &settings, &|| !stopping() && !way.is_given(Instant::now())) {
            Ok(done) => {
                failed = 0;
                unread.keep(&done.unread_lines, ui);
                report(&settings, &done, None, args.output.json, ui);
            }
            Err(_) if stopping() => {}
            Err(error) if args.once => return Err(error.into()),
            Err(error) => {
                failed += 1;
                ui.say(format_args!("{}: {error}", one.name));
            }
        }
        hints.said().iter().for_each(|said| ui.say(format_args!("{}: {said}", one.name)));
        if args.once {
            break;
        }
        let wanted = one.poll() * 2_u32.saturating_pow(failed.min(6));
        let until = way.until(began + wanted.min(LONGEST_PAUSE.max(one.poll())));
        if !way.was_given() {
            whole = Instant::now();
        }
        // A PSA or a service that does not answer is left alone.
        if failed == 0 {
            follow(psa.as_mut(), &mut service, (&settings, args.output.json, ui), &hints, until);
        }
        rest(until.saturating_duration_since(Instant::now()));
    }
    Ok(if stopping() { Exit::Interrupted } else { Exit::Success })
}

/// Reads what webhooks tell of until the next round is due, or something does not answer.
fn follow(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, json, ui): (&RoundSettings, bool, &Ui),
    hints: &Hints,
    until: Instant,
) {
    while let Some(ids) = hints.wait(until, &stopping) {
        match hinted(psa, service, settings, &ids, &|| !stopping()) {
            // Where another process has the lease, its rounds say so.
            Ok(done) if done.other.is_some() => {}
            Ok(done) => report(settings, &done, Some(ids.len()), json, ui),
            Err(error) => return ui.say(format_args!("{}: {error}", settings.name)),
        }
    }
}

/// Says what a round did, or a reading of so many tickets that webhooks told of.
fn report(settings: &RoundSettings, done: &Round, told: Option<usize>, json: bool, ui: &Ui) {
    let happened = done.changed + done.written + done.returned + done.faults.len();
    let quiet = happened == 0 && done.listed.is_none();
    if json {
        print(json!({
            "at": Timestamp::now(), "connection": settings.name, "other": done.other, "changed": done.changed,
            "decided": done.decided, "ended": done.ended, "gone": done.gone, "written": done.written,
            "returned": done.returned, "unread": done.unread, "faults": done.faults, "told": told,
            "listed": done.listed.map(|(of, missing)| json!({"tickets": of, "without_decision": missing})),
        }));
    } else if let Some(other) = &done.other {
        ui.say(format_args!("{}: {other}", settings.name));
    } else if !quiet {
        let how = if told.is_some() { "reported by webhooks" } else { "changed" };
        ui.say(format_args!(
            "{}: {} {how}, {} sent to triage, {} closed, {} written, {} returned",
            settings.name, done.changed, done.decided, done.ended, done.written, done.returned
        ));
        if let Some((of, missing)) = done.listed {
            ui.say(format_args!(
                "{}: compared with the PSA's list of opened tickets: {of} tickets, {missing} without a decision",
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
    let (mut found, service) = check::of_service(settings);
    let mut notes = Vec::new();
    match settings.connector(pause(), false) {
        Ok(mut psa) => {
            found.extend(psa.check());
            if was_asked(&found) {
                let labels = check::of_labels(psa.as_mut(), service);
                if settings.writes() { &mut found } else { &mut notes }.extend(labels);
                found.push(webhooks(settings, psa.as_mut()));
            }
        }
        Err(error) => found.push(check::finding("settings", &error)),
    }
    found.push(settings.writing());
    found.push(settings.running());
    let missing = check::show(settings, &found, &notes, json);
    Ok(if missing { Exit::UserFault } else { Exit::Success })
}

/// How the connection's webhook stands in the PSA.
fn webhooks(settings: &PsaSettings, psa: &mut dyn Connector) -> Finding {
    let what = "webhooks";
    let standing = match settings.webhook() {
        Ok(None) => {
            let found = "not used: changes are found by polling".to_owned();
            return Finding { what: what.to_owned(), found, next: None };
        }
        Ok(Some(webhook)) => psa.webhook(&webhook.wanted),
        Err(error) => Err(error),
    };
    standing.map_or_else(|error| check::finding(what, &error), |standing| told(what, &standing))
}

fn told(what: &str, standing: &Standing) -> Finding {
    let next =
        "Run firstline connect --config FILE --register URL with the address at which the PSA reaches it";
    let (found, next) = match standing {
        Standing::Active => ("registered, active".to_owned(), None),
        Standing::Off { why } => (format!("registered, but disabled: {why}"), Some(next.to_owned())),
        Standing::Missing => ("not registered".to_owned(), Some(next.to_owned())),
    };
    Finding { what: what.to_owned(), found, next }
}

/// Has the PSA post changes to `url`.
fn register(settings: &PsaSettings, url: &str, json: bool) -> Result<Exit, Failure> {
    let webhook = settings.webhook()?.ok_or_else(|| {
        let next = "Add the section; firstline connect --example shows one";
        UserError::new(Code::Config, "--register", "the settings have no [webhook] section", next)
    })?;
    let wanted = webhook.at(url)?;
    let Finding { what, found, next } =
        told("webhooks", &settings.connector(pause(), false)?.webhook(&wanted)?);
    let good = next.is_none();
    if json {
        print(json!({"connection": settings.name, "what": what, "found": found, "next": next, "good": good}));
    } else {
        print(format_args!("{}: {what}: {found}", settings.name));
    }
    Ok(if good { Exit::Success } else { Exit::UserFault })
}
