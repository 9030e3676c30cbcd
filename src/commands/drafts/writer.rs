//! The language model that writes drafts: the bundle's own, a named one, or none.

use std::path::Path;

use firstline_drafts::Writer;
use firstline_training::WriterChoice;

use crate::arguments::ModelOptions;
use crate::commands::models;
use crate::failure::Failure;
use crate::ui::Ui;

/// The writer of that `name` (`auto`, `none`, a model, a GGUF file) for drafts of `bundle`.
pub(in crate::commands) fn open(
    name: &str,
    bundle: &Path,
    models: &ModelOptions,
    ui: &Ui,
) -> Result<Option<Writer>, Failure> {
    let path = match name {
        "none" => return Ok(None),
        "auto" => match WriterChoice::read(bundle)?.and_then(|choice| choice.better) {
            None => return Ok(None),
            Some(better) if better == WriterChoice::TUNED => {
                let path = WriterChoice::tuned(bundle);
                if !path.exists() {
                    ui.say(format_args!("{} is gone: drafts are made without a model", path.display()));
                    return Ok(None);
                }
                path
            }
            Some(model) => models::decoder(&model, models, ui)?,
        },
        name => models::decoder(name, models, ui)?,
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Some(Writer::open(&path, threads)?))
}
