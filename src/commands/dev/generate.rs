//! `firstline dev generate`: a generated history and the card that says so.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_datasets::Settings;
use firstline_fault::{Code, UserError};
use firstline_training::Progress;

use crate::arguments::SeedArg;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// Generate the realistic ticket history of an invented MSP.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Number of tickets.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    tickets: u32,

    #[command(flatten)]
    seed: SeedArg,

    /// Settings to use instead of the built-in ones (datasets/generator.toml).
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// File to write, JSONL; its card (.card.md), tiers and rules (.toml) go beside it.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &GenerateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = match &args.settings {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| UserError::io(path.display(), &e))?;
            Settings::from_toml(&text, &path.display().to_string())?
        }
        None => Settings::default(),
    };
    let card = write(&settings, args.tickets as usize, args.seed.seed, &args.out, ui)?;
    ui.say(format!("{} tickets: {}\nCard: {}", args.tickets, args.out.display(), card.display()));
    Ok(Exit::Success)
}

/// Writes the history to `out`, and its card and the desk's tiers and rules beside it; returns the card's path.
pub(in crate::commands) fn write(
    settings: &Settings,
    tickets: usize,
    seed: u64,
    out: &Path,
    ui: &Ui,
) -> Result<PathBuf, Failure> {
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
    files::write_whole(&out.with_extension("tiers.toml"), firstline_datasets::tiers_file().as_bytes())?;
    files::write_whole(&out.with_extension("rules.toml"), firstline_datasets::rules_file().as_bytes())?;
    Ok(card)
}
