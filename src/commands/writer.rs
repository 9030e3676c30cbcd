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

/// The time that a language model has: so many seconds of each minute, so that a burst of tickets does not wait for it again
/// and again.
#[derive(Debug)]
pub(super) struct Time {
    each_minute: Duration,
    minute: Cell<Instant>,
    /// What of it is left, and since when it is being used.
    left: Cell<Duration>,
    since: Cell<Instant>,
}

impl Time {
    pub(super) fn new(seconds: f64) -> Self {
        let (each_minute, now) = (Duration::from_secs_f64(seconds), Instant::now());
        Self { each_minute, minute: Cell::new(now), left: Cell::new(each_minute), since: Cell::new(now) }
    }

    /// Does `work`, whose time counts.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let now = Instant::now();
        if self.minute.get() + MINUTE <= now {
            self.minute.set(now);
            self.left.set(self.each_minute);
        }
        self.since.set(now);
        let done = work();
        self.left.set(self.left.get().saturating_sub(now.elapsed()));
        done
    }

    /// Whether the model may still write.
    pub(super) fn go_on(&self) -> ControlFlow<()> {
        if self.since.get().elapsed() >= self.left.get() { ControlFlow::Break(()) } else { go_on() }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_of_a_minute_is_gone_and_waiting_uses_nothing() {
        let time = Time::new(3_600.0);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(time.left.get(), time.each_minute);
        assert!(time.during(|| time.go_on()).is_continue());
        assert!(time.left.get() < time.each_minute);
        assert!(Time::new(0.0).during(|| Time::new(0.0).go_on()).is_break());
    }
}
