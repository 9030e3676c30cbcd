//! The language model that writes drafts: the bundle's own, a named one, or none.

use std::path::Path;

use firstline_drafts::Writer;
use firstline_fault::{Code, UserError};
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
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let choice = match name {
        "none" => return Ok(None),
        "auto" => WriterChoice::read(bundle)?,
        name => return Ok(Some(Writer::open(&models::decoder(name, models, ui)?, threads)?)),
    };
    let Some((sha256, better)) = choice.and_then(|choice| Some((choice.sha256, choice.better?))) else {
        return Ok(None);
    };
    if better != WriterChoice::TUNED {
        return Ok(Some(Writer::open(&models::decoder(&better, models, ui)?, threads)?));
    }
    let path = WriterChoice::tuned(bundle);
    if !path.exists() {
        ui.say(format_args!("{} is gone: drafts are made without a model", path.display()));
        return Ok(None);
    }
    let writer = Writer::open(&path, threads)?;
    match sha256 {
        Some(sha256) if sha256 != writer.id() => {
            let problem = format!("sha256 is {}, not {sha256}", writer.id());
            let next = "Teach it again: firstline drafts tune";
            Err(UserError::new(Code::Bundle, path.display().to_string(), problem, next).into())
        }
        _ => Ok(Some(writer)),
    }
}
