//! `firstline serve`: the HTTP API.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use firstline_drafts::Index;
use firstline_fault::{Code, Error, InternalError, UserError};
use firstline_serve::{App, Parts, ReadParts, Settings, log, serve};
use firstline_store::{Location, Store};
use firstline_ticket::Clock;

use super::draft::outdated;
use super::drafts::writer;
use super::{draft, policy};
use crate::arguments::{ModelOptions, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Size of a store, in MiB, from which on reading it through takes a while.
const LARGE: u64 = 256;

/// Serve the HTTP API: decisions, drafts, review queue and feedback, all on record.
///
/// Precedence of settings, highest first: flags, environment (FIRSTLINE_LISTEN, FIRSTLINE_LIMITS_QUEUE_MS), --config file,
/// defaults.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    /// The bundle that decides [default: bundle].
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,

    /// Address and port to listen on [default: 127.0.0.1:8484].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Print the settings in effect, as a file for --config, and exit.
    #[arg(long)]
    print_config: bool,

    #[command(flatten)]
    models: ModelOptions,
}

pub(super) fn run(args: &ServeArgs, ui: &Ui) -> Result<Exit, Failure> {
    let bundle = args.bundle.as_ref().map(|path| path.display().to_string());
    let mut settings =
        config::settings(&args.settings, &[("bundle", bundle), ("listen", args.listen.clone())])?;
    if args.print_config {
        let text = toml::to_string(&settings).map_err(|e| InternalError::new(format!("settings: {e}")))?;
        print(text.trim_end());
        return Ok(Exit::Success);
    }
    settings.check()?;
    log(&settings)?;
    config::anchoring(&mut settings, true)?;
    let store = open(&settings, ui)?;
    let has_keys = store.keys()?.iter().any(|key| key.revoked_at.is_none());
    let (parts, bundle) = (parts(&settings, &args.models, ui), settings.bundle.clone());
    let app = App::start(settings, Arc::clone(&store), parts, Clock::real())?;
    serve(&app, |address| {
        ui.say(format_args!("firstline {} listens on {address}; see /docs", env!("CARGO_PKG_VERSION")));
        if !Index::is_there(&bundle) {
            ui.say(format_args!(
                "The bundle has no index: drafts only acknowledge the ticket. To add one: firstline drafts index --bundle {} \
                 --tickets FILE",
                bundle.display()
            ));
        }
        if let Ok(Some(warning)) = outdated(&bundle) {
            ui.say(format_args!("Warning: {warning}"));
        }
        if !has_keys {
            ui.say("There is no API key yet. To create one: firstline store keys create --name NAME --scope triage");
        }
    })?;
    store.ping()?;
    ui.say("Stopped. Everything that was accepted is on record.");
    Ok(Exit::Success)
}

/// Opens the store, a file for this process alone, which restarts the work that a killed one had begun.
fn open(settings: &Settings, ui: &Ui) -> Result<Arc<dyn Store>, Failure> {
    let location = config::location(settings)?;
    if let Location::Sqlite(path) = &location
        && !path.exists()
        && settings.audit_anchor.metadata().is_ok_and(|meta| meta.len() > 0)
    {
        let problem =
            format!("the store is gone; its audit log was signed in {}", settings.audit_anchor.display());
        let next = "Run `firstline store restore BACKUP`; to begin another store, move the signed heads away";
        return Err(UserError::new(Code::Store, path.display().to_string(), problem, next).into());
    }
    if let Location::Sqlite(path) = &location
        && let Some(size) = path.metadata().ok().map(|meta| meta.len() >> 20).filter(|mib| *mib >= LARGE)
    {
        ui.say(format_args!("Reading the store through ({size} MiB)"));
    }
    let store = firstline_store::open_alone(&location)?;
    if matches!(location, Location::Sqlite(_)) {
        store.take_over()?;
    }
    Ok(Arc::from(store))
}

/// Reads the policy, the voice and the writer for a bundle, at the start and at each swap.
fn parts(settings: &Settings, models: &ModelOptions, ui: &Ui) -> ReadParts {
    let (settings, models, ui) = (settings.clone(), models.clone(), ui.clone());
    Arc::new(move |bundle: &Path| {
        let given = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        let read = || -> Result<Parts, Failure> {
            Ok(Parts {
                policy: policy::read(given(&settings.policy).as_deref())?,
                voice: draft::voice(given(&settings.voice).as_deref())?,
                writer: writer::open(&settings.writer, bundle, &models, &ui)?,
            })
        };
        read().map_err(|Failure(error)| -> Error { error })
    })
}
