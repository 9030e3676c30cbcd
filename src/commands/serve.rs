//! `firstline serve`: the HTTP API.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use firstline_fault::{Code, Error, InternalError, UserError};
use firstline_serve::{App, Parts, ReadParts, Settings, log, serve};
use firstline_store::{Location, Store};
use fs4::FileExt;

use super::{draft, policy, writer};
use crate::cli::{ModelOptions, ServeArgs, WriterArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

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
    let parts = parts(&settings, &args.models, ui);
    let app = App::start(settings, store, parts)?;
    serve(&app, |address| {
        ui.say(format_args!(
            "firstline {} listens on {address}; /docs tells more",
            env!("CARGO_PKG_VERSION")
        ));
        if !has_keys {
            ui.say("there is no API key yet: firstline keys create --name NAME --scope triage");
        }
    })?;
    ui.say("stopped; all that was accepted is on record");
    Ok(Exit::Success)
}

/// Opens the store. One in a file is one process's: the lock says so, and what a killed one had begun is begun anew.
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
        let next = "Stop it, or take PostgreSQL, which several can share";
        return Err(UserError::new(Code::Store, path.display().to_string(), problem, next).into());
    }
    let store = config::store(settings)?;
    store.take_over()?;
    Ok((Some(file), Arc::from(store)))
}

/// Reads what a bundle is opened with, at the start and at each swap.
fn parts(settings: &Settings, models: &ModelOptions, ui: &Ui) -> ReadParts {
    let (settings, models, ui) = (settings.clone(), models.clone(), ui.clone());
    Arc::new(move |bundle: &Path| {
        let given = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        let read = || -> Result<Parts, Failure> {
            let writer = WriterArgs { writer: settings.writer.clone() };
            Ok(Parts {
                policy: policy::read(given(&settings.policy).as_deref())?,
                voice: draft::voice(given(&settings.voice).as_deref())?,
                writer: writer::open(&writer, bundle, &models, &ui)?,
            })
        };
        read().map_err(|Failure(error)| -> Error { error })
    })
}
