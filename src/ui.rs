//! Progress and advice on standard error, results on standard output, and Ctrl-C.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firstline_training::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Exit;

static STOP: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed.
pub(crate) fn stopping() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// `Break` once Ctrl-C was pressed.
pub(crate) fn go_on() -> ControlFlow<()> {
    if stopping() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Makes the first Ctrl-C ask the work to stop cleanly, and the second one end the program at once.
pub(crate) fn catch_ctrl_c() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        eprintln!("\nStopping cleanly. Press Ctrl-C again to stop at once.");
    };
    if ctrlc::set_handler(handler).is_err() {
        eprintln!("warning: Ctrl-C can't be caught here: it will stop the program at once");
    }
}

/// Prints a result. A reader that stops early, such as `head`, is no fault.
pub(crate) fn print(result: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{result}")
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("error: E_IO: standard output: {error}. The result was not written in full");
        std::process::exit(Exit::UserFault as i32);
    }
}

/// Messages to the person at the terminal, on standard error.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    quiet: bool,
    terminal: bool,
}

impl Ui {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// Prints a message that is not a result.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            // A closed standard error must not stop a service.
            let _unread = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Progress bars for work with stages; nothing is drawn without a terminal.
    pub(crate) fn bars(&self) -> Bars {
        Bars { draw: self.terminal && !self.quiet, name: String::new(), bar: ProgressBar::hidden() }
    }
}

/// One progress bar per stage.
pub(crate) struct Bars {
    draw: bool,
    name: String,
    bar: ProgressBar,
}

impl Bars {
    /// A bar that counts bytes.
    pub(crate) fn bytes(&mut self, name: &str, total: u64) {
        self.begin(name, total, "{bytes}/{total_bytes} {bytes_per_sec}");
    }

    fn begin(&mut self, name: &str, total: u64, counts: &str) {
        self.bar.finish_and_clear();
        let target = if self.draw { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        self.bar = ProgressBar::with_draw_target((total > 0).then_some(total), target);
        let template = match total {
            0 => format!(
                "{{spinner}} {{msg}} {} {{elapsed}}",
                counts.replace("/{total_bytes}", "").replace("/{len}", "")
            ),
            _ => format!("{{msg:28}} {{bar:30}} {counts}  {{eta}} left"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            self.bar.set_style(style);
        }
        name.clone_into(&mut self.name);
        self.bar.set_message(name.to_owned());
        if self.draw {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    /// Sets the progress of the stage.
    pub(crate) fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Clears the last bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bars {
    fn stage(&mut self, name: &str, total: u64) {
        self.begin(name, total, "{pos}/{len}");
    }

    fn note(&mut self, text: &str) {
        self.bar.set_message(format!("{}, {text}", self.name));
    }

    fn done(&mut self, done: u64) -> ControlFlow<()> {
        self.set(done);
        go_on()
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}
