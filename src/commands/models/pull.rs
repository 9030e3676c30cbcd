//! `firstline models pull`: fetches a model, and other commands' way to the models they need.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_nn::{Manifest, Progress};

use super::{ModelArg, manifest, store};
use crate::arguments::ModelOptions;
use crate::failure::{Exit, Failure};
use crate::ui::{Bars, Ui, go_on, print};

/// Fetch a model, check it, and print its folder.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    model: ModelArg,
}

pub(super) fn run(args: &PullArgs, models: &ModelOptions, ui: &Ui) -> Result<Exit, Failure> {
    let (_, dir) = ensure(&args.model.name, models, ui)?;
    print(dir.display());
    Ok(Exit::Success)
}

/// The model's manifest and its folder; fetches the model if it is not here.
pub(in crate::commands) fn ensure(
    name: &str,
    options: &ModelOptions,
    ui: &Ui,
) -> Result<(Manifest, PathBuf), Failure> {
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

/// The file of a decoder: a GGUF file as it is, or that of the named model, fetched if it is not here.
pub(in crate::commands) fn decoder(name: &str, options: &ModelOptions, ui: &Ui) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) {
        return Ok(path.to_owned());
    }
    // Checked before it is fetched: an encoder can't write.
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
