//! Which language model writes drafts: the bundle's own, one that was named, or none.

use std::path::Path;

use firstline_drafts::Writer;
use firstline_training::WriterChoice;

use super::models;
use crate::cli::{ModelOptions, WriterArgs};
use crate::failure::Failure;
use crate::ui::Ui;

/// The writer that `args` ask for, for drafts of `bundle`.
pub(super) fn open(
    args: &WriterArgs,
    bundle: &Path,
    models: &ModelOptions,
    ui: &Ui,
) -> Result<Option<Writer>, Failure> {
    let path = match args.writer.as_str() {
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
