//! `firstline models`: the models that are known, which of them are here, and fetching them.

mod list;
mod pull;
mod tiny;
mod verify;

use std::path::Path;

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_nn::{Manifest, ModelStore, default_cache};

use crate::arguments::ModelOptions;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

pub(super) use pull::{decoder, ensure};

/// List, fetch and verify models.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,

    #[command(flatten)]
    models: ModelOptions,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    List(list::ListArgs),
    Pull(pull::PullArgs),
    Verify(verify::VerifyArgs),
    Tiny(tiny::TinyArgs),
}

/// The model that a command works on.
#[derive(Debug, Args)]
struct ModelArg {
    /// Model: its name, or a manifest file.
    #[arg(default_value = Manifest::DEFAULT)]
    name: String,
}

pub(super) fn run(args: &ModelsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let models = &args.models;
    match &args.command {
        ModelsCommand::List(args) => list::run(args, &store(models)),
        ModelsCommand::Pull(args) => pull::run(args, models, ui),
        ModelsCommand::Verify(args) => verify::run(args, &store(models)),
        ModelsCommand::Tiny(args) => tiny::run(args),
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
    let next = format!("Known: {}. Any other BERT encoder needs a manifest, a .toml file", names.join(", "));
    Err(UserError::new(Code::Model, name, "no model has this name", next).into())
}
