//! What several benches need: a bundle to decide with, and figures of many runs. Must never report a run that did
//! not happen.
#![allow(dead_code, reason = "no bench needs all of it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use firstline_datasets::Settings;
use firstline_nn::{Encoder, Manifest, ModelStore};
use firstline_ticket::Ticket;
use firstline_triage::Engine;

/// The default encoder; `None`, with a word, where its model can't be had.
pub(crate) fn encoder() -> Option<Encoder> {
    let dir = model()?;
    Some(Encoder::load(&dir, &manifest()).expect("the model was verified"))
}

fn manifest() -> Manifest {
    Manifest::find(Manifest::DEFAULT).expect("the default model is known")
}

fn model() -> Option<PathBuf> {
    let found = ModelStore::open_default().ensure(&manifest(), &mut |_| std::ops::ControlFlow::Continue(()));
    found.inspect_err(|e| println!("skipped, the model is not here ({e})")).ok()
}

/// The decoder that `FIRSTLINE_DECODER` names, a model or a GGUF file, else the default one; `None`, with a word, where it
/// can't be had.
pub(crate) fn decoder() -> Option<(String, PathBuf)> {
    let named = std::env::var("FIRSTLINE_DECODER").unwrap_or(Manifest::DEFAULT_DECODER.to_owned());
    if named.ends_with(".gguf") {
        return Some((named.clone(), named.into()));
    }
    let manifest = Manifest::find(&named).expect("a model's name");
    let found = ModelStore::open_default().ensure(&manifest, &mut |_| std::ops::ControlFlow::Continue(()));
    let dir = found.inspect_err(|e| println!("{named}: skipped, the model is not here ({e})")).ok()?;
    Some((named, manifest.gguf(&dir).expect("a decoder")))
}

/// Made-up tickets that the bundle of [`engine`] has not seen.
pub(crate) fn tickets(count: usize) -> impl Iterator<Item = Ticket> {
    firstline_datasets::generate(&Settings::default(), count, 2)
}

/// The engine of the bundle that `FIRSTLINE_BENCH_BUNDLE` names, such as a fine-tuned one; else one that has learnt from
/// 5,000 made-up tickets with the default encoder, as it is, by the program's own commands, in the folder `dir`.
pub(crate) fn engine(dir: &Path) -> Option<Engine> {
    if let Some(bundle) = std::env::var_os("FIRSTLINE_BENCH_BUNDLE") {
        println!("deciding with {}", bundle.display());
        return Some(Engine::open(Path::new(&bundle)).expect("a bundle"));
    }
    model()?;
    println!("learning from 5,000 tickets");
    let run = |args: &[&str]| {
        let done =
            Command::new(env!("CARGO_BIN_EXE_firstline")).arg("--quiet").args(args).current_dir(dir).output();
        let done = done.expect("the program starts");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["dev", "generate", "--tickets", "5000", "--seed", "1", "--out", "history.jsonl"]);
    run(&["train", "--tickets", "history.jsonl", "--bundle", "bundle", "--fine-tune", "never"]);
    Some(Engine::open(&dir.join("bundle")).expect("the bundle was just published"))
}

/// Milliseconds of the run that half of all runs, and of the one that 95 in 100, were faster than; `None` without runs,
/// as where a filter leaves a question out.
pub(crate) fn p50_p95(runs: &mut [Duration]) -> Option<(f64, f64)> {
    runs.sort_unstable();
    let at = |percent: usize| runs.get(runs.len() * percent / 100).map(|run| run.as_secs_f64() * 1e3);
    Some((at(50)?, at(95)?))
}

/// Memory that is resident now, in KiB, where the system tells.
pub(crate) fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
