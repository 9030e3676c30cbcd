//! Which language model writes drafts: the bundle's own, one that was named, or none.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use firstline_training::WriterChoice;
use firstline_triage::Writer;

use super::models;
use crate::cli::{ModelOptions, WriterArgs};
use crate::failure::Failure;
use crate::ui::{Ui, go_on};

const MINUTE: Duration = Duration::from_secs(60);

/// A language model with the time that it has.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) writer: Writer,
    seconds: f64,
    since: Cell<Instant>,
}

impl Timed {
    /// Its time begins anew each minute, so that a burst of tickets does not wait for it again and again.
    pub(super) fn begin(&self) {
        if self.since.get().elapsed() >= MINUTE {
            self.since.set(Instant::now());
        }
    }

    /// Whether it may still write.
    pub(super) fn go_on(&self) -> ControlFlow<()> {
        if self.since.get().elapsed() >= Duration::from_secs_f64(self.seconds) {
            return ControlFlow::Break(());
        }
        go_on()
    }
}

/// The writer that `args` ask for, for drafts of `bundle`.
pub(super) fn open(
    args: &WriterArgs,
    seconds: f64,
    bundle: &Path,
    models: &ModelOptions,
    ui: &Ui,
) -> Result<Option<Timed>, Failure> {
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
    let writer = Writer::open(&path, threads)?;
    Ok(Some(Timed { writer, seconds, since: Cell::new(Instant::now()) }))
}
