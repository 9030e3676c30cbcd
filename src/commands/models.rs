//! `firstline models`: what is known, what is here, and fetching it.

use std::path::{Path, PathBuf};

use firstline_fault::{Code, UserError};
use firstline_nn::{Manifest, ModelStore, Progress, default_cache, write_tiny};
use serde::Serialize;

use super::table::table;
use crate::cli::{ModelOptions, ModelsAction, ModelsArgs};
use crate::failure::{Exit, Failure};
use crate::ui::{Bars, Ui, go_on, print};

/// What `list --json` prints of one model.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    description: String,
    licence: String,
    dimensions: usize,
    bytes: u64,
    /// Its folder, when it is here.
    path: String,
    here: bool,
}

pub(super) fn run(args: &ModelsArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &args.action {
        ModelsAction::List { json } => list(&store(&args.models), *json),
        ModelsAction::Pull { name } => {
            let (_, dir) = ensure(name, &args.models, ui)?;
            print(dir.display());
            Ok(Exit::Success)
        }
        ModelsAction::Verify { name } => verify(&store(&args.models), &manifest(name)?),
        ModelsAction::Tiny { dir, seed } => {
            let manifest = write_tiny(dir, *seed)?;
            print(format_args!(
                "{}: {} bytes in {} files",
                dir.display(),
                manifest.total_bytes(),
                manifest.files.len()
            ));
            Ok(Exit::Success)
        }
    }
}

/// The store that the options describe.
pub(super) fn store(options: &ModelOptions) -> ModelStore {
    let cache = options.model_cache.clone().unwrap_or_else(default_cache);
    let mut store = ModelStore::new(cache.join("models"));
    store.offline.clone_from(&options.models_from);
    store
}

/// The manifest of that name, or in that file.
pub(super) fn manifest(name: &str) -> Result<Manifest, Failure> {
    let known = Manifest::embedded()?;
    if let Some(manifest) = known.iter().find(|m| m.name == name) {
        return Ok(manifest.clone());
    }
    if Path::new(name).extension().is_some_and(|e| e == "toml") {
        return Ok(Manifest::from_file(Path::new(name))?);
    }
    let names: Vec<&str> = known.iter().map(|m| m.name.as_str()).collect();
    let next =
        format!("Known are {}; any other BERT encoder by its manifest, a .toml file", names.join(", "));
    Err(UserError::new(Code::Model, name, "no model of that name", next).into())
}

/// The model's manifest and its folder, pulled first where it is not here.
pub(super) fn ensure(name: &str, options: &ModelOptions, ui: &Ui) -> Result<(Manifest, PathBuf), Failure> {
    let manifest = manifest(name)?;
    let store = store(options);
    let mut bars = ui.bars();
    let mut asking = String::new();
    let dir = store.ensure(&manifest, &mut |progress| {
        show(progress, &manifest, &mut asking, &mut bars, ui);
        go_on()
    });
    bars.finish();
    Ok((manifest, dir?))
}

/// The file of a decoder: a GGUF file as it is, else of the model of that name, pulled first where it is not here.
pub(super) fn decoder(name: &str, options: &ModelOptions, ui: &Ui) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
        return Ok(path.to_owned());
    }
    // Asked before it is fetched: an encoder can't write.
    manifest(name)?.gguf(path)?;
    let (manifest, dir) = ensure(name, options, ui)?;
    Ok(manifest.gguf(&dir)?)
}

fn show(progress: Progress<'_>, manifest: &Manifest, asking: &mut String, bars: &mut Bars, ui: &Ui) {
    let mut begin = |source: &str, bars: &mut Bars| {
        if asking != source {
            source.clone_into(asking);
            bars.bytes(&format!("{} from {source}", manifest.name), manifest.total_bytes());
        }
    };
    match progress {
        Progress::Waiting => begin("another process", bars),
        Progress::Trying { source } => begin(source, bars),
        Progress::Bytes { source, done, .. } => {
            begin(source, bars);
            bars.set(done);
        }
        Progress::Failed { source, reason } => {
            bars.finish();
            ui.say(format!("{}: not from the {source}: {reason}", manifest.name));
        }
        _ => {}
    }
}

fn list(store: &ModelStore, json: bool) -> Result<Exit, Failure> {
    let listed: Vec<Listed> = store
        .list()?
        .into_iter()
        .map(|(m, here)| Listed {
            bytes: m.total_bytes(),
            path: store.path(&m).display().to_string(),
            name: m.name,
            description: m.description,
            licence: m.licence,
            dimensions: m.dimensions,
            here,
        })
        .collect();
    if json {
        print(serde_json::to_string(&listed)?);
        return Ok(Exit::Success);
    }
    let row = |m: &Listed| {
        let size = format!("{:.1} MB", m.bytes as f64 / 1e6);
        let here = if m.here { "yes" } else { "no" };
        vec![
            m.name.clone(),
            here.into(),
            if m.dimensions > 0 { m.dimensions.to_string() } else { "-".into() },
            size,
            m.licence.clone(),
            m.description.clone(),
        ]
    };
    print(format_args!(
        "{}",
        table(&["model", "here", "dimensions", "size", "licence", "what it is"], listed.iter().map(row))
    ));
    print(format_args!("Kept in {}", store.root.display()));
    Ok(Exit::Success)
}

fn verify(store: &ModelStore, manifest: &Manifest) -> Result<Exit, Failure> {
    let reports = store.verify(manifest)?;
    let good = reports.iter().all(firstline_nn::FileReport::is_good);
    let row = |r: &firstline_nn::FileReport| {
        let state = r.problem(manifest).unwrap_or_else(|| "good".into());
        vec![r.path.clone(), state]
    };
    print(table(&["file", "state"], reports.iter().map(row)));
    if good {
        return Ok(Exit::Success);
    }
    let place = store.path(manifest).display().to_string();
    let next = format!("Fetch it anew with `firstline models pull {}`", manifest.name);
    Err(UserError::new(Code::ModelHash, place, "not all files are those of the manifest", next).into())
}
