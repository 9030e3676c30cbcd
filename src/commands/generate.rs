//! `firstline generate`: a made-up history and the card that says so.

use std::io::Write;
use std::path::Path;

use firstline_datasets::Settings;
use firstline_fault::{Code, UserError};
use firstline_training::Progress;

use crate::cli::GenerateArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

pub(super) fn run(args: &GenerateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = match &args.settings {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| UserError::io(path.display(), &e))?;
            Settings::from_toml(&text, &path.display().to_string())?
        }
        None => Settings::default(),
    };
    let card = write(&settings, args.tickets as usize, args.seed, &args.out, ui)?;
    ui.say(format!("{} tickets: {}\nCard: {}", args.tickets, args.out.display(), card.display()));
    Ok(Exit::Success)
}

/// Writes the history to `out` and its card beside it; returns the card's path.
pub(super) fn write(
    settings: &Settings,
    tickets: usize,
    seed: u64,
    out: &Path,
    ui: &Ui,
) -> Result<std::path::PathBuf, Failure> {
    let mut bars = ui.bars();
    bars.stage("generating tickets", 0);
    let history = firstline_datasets::generate(settings, tickets, seed);
    let mut file = files::Whole::create(out)?;
    let mut writer = file.writer();
    bars.stage("writing tickets", tickets as u64);
    for (i, ticket) in history.enumerate() {
        serde_json::to_writer(&mut writer, &ticket)?;
        writer.write_all(b"\n").map_err(|e| UserError::io(out.display(), &e))?;
        if i % 1_000 == 0 && bars.done(i as u64).is_break() {
            let place = out.display().to_string();
            return Err(UserError::new(
                Code::Interrupted,
                place,
                "stopped before the end",
                "Nothing was written",
            )
            .into());
        }
    }
    writer.flush().map_err(|e| UserError::io(out.display(), &e))?;
    drop(writer);
    file.publish()?;
    let card = out.with_extension("card.md");
    files::write_whole(&card, firstline_datasets::card(settings, tickets, seed).as_bytes())?;
    Ok(card)
}
