//! `firstline serve`: the HTTP API.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use firstline_drafts::Index;
use firstline_fault::{Code, Error, InternalError, UserError};
use firstline_serve::{App, Parts, ReadParts, Settings, log, serve};
use firstline_store::{Location, Store};
use fs4::FileExt;

use super::draft::outdated;
use super::drafts::writer;
use super::{draft, policy};
use crate::arguments::{ModelOptions, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

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
    let settings = config::settings(&args.settings, &[("bundle", bundle), ("listen", args.listen.clone())])?;
    if args.print_config {
        let text = toml::to_string(&settings).map_err(|e| InternalError::new(format!("settings: {e}")))?;
        print(text.trim_end());
        return Ok(Exit::Success);
    }
    settings.check()?;
    log(&settings)?;
    let (_alone, store) = open(&settings)?;
    let has_keys = store.keys()?.iter().any(|key| key.revoked_at.is_none());
    let (parts, bundle) = (parts(&settings, &args.models, ui), settings.bundle.clone());
    let app = App::start(settings, store, parts)?;
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
    ui.say("Stopped. Everything that was accepted is on record.");
    Ok(Exit::Success)
}

/// Opens the store. A lock keeps a store file to one process, which restarts the work that a killed one had begun.
fn open(settings: &Settings) -> Result<(Option<File>, Arc<dyn Store>), Failure> {
    let Location::Sqlite(path) = config::location(settings)? else {
        return Ok((None, Arc::from(config::store(settings)?)));
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let lock = path.with_file_name(name);
    let file = File::create(&lock).map_err(|e| UserError::io(lock.display(), &e))?;
    if FileExt::try_lock(&file).is_err() {
        let problem = "another process serves from this store";
        let next = "Stop it, or use PostgreSQL, which several processes can share";
        return Err(UserError::new(Code::Store, path.display().to_string(), problem, next).into());
    }
    let store = config::store(settings)?;
    store.take_over()?;
    Ok((Some(file), Arc::from(store)))
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
