//! What several benches need: a bundle to decide with, and figures of many runs. Must never report a run that did
//! not happen.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use firstline_datasets::Settings;
use firstline_nn::{Encoder, Manifest, ModelStore};
use firstline_ticket::Ticket;
use firstline_triage::Engine;

/// The default encoder; `None`, with a word, where its model can't be had.
///
/// # Panics
/// When a model that was verified can't be loaded.
pub fn encoder() -> Option<Encoder> {
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
///
/// # Panics
/// When the variable names no model.
pub fn decoder() -> Option<(String, PathBuf)> {
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
pub fn tickets(count: usize) -> impl Iterator<Item = Ticket> {
    firstline_datasets::generate(&Settings::default(), count, 2)
}

/// The engine of the bundle that `FIRSTLINE_BENCH_BUNDLE` names, such as a fine-tuned one; else one that has learnt from
/// 5,000 made-up tickets with the default encoder, as it is, by the program's own commands, in the folder `dir`.
///
/// # Panics
/// When the program fails, or there is no bundle where the variable says.
pub fn engine(dir: &Path) -> Option<Engine> {
    if let Some(bundle) = std::env::var_os("FIRSTLINE_BENCH_BUNDLE") {
        println!("deciding with {}", bundle.display());
        return Some(Engine::open(Path::new(&bundle)).expect("a bundle"));
    }
    model()?;
    println!("learning from 5,000 tickets");
    ran(dir, &["dev", "generate", "--tickets", "5000", "--seed", "1", "--out", "history.jsonl"]);
    ran(dir, &["train", "--tickets", "history.jsonl", "--bundle", "bundle", "--fine-tune", "never"]);
    Some(Engine::open(&dir.join("bundle")).expect("the bundle was just published"))
}

/// The bundle that `FIRSTLINE_BENCH_BUNDLE` names; else one that learns from the file `history` with the default encoder, as it is, in the
/// folder `dir`. `None`, with a word, where the encoder's model can't be had.
///
/// # Panics
/// When the program fails, or there is no bundle where the variable says.
pub fn bundle(dir: &Path, history: &Path) -> Option<PathBuf> {
    if let Some(bundle) = std::env::var_os("FIRSTLINE_BENCH_BUNDLE") {
        return Some(Path::new(&bundle).canonicalize().expect("a bundle"));
    }
    model()?;
    let history = history.display().to_string();
    ran(dir, &["train", "--tickets", &history, "--bundle", "bundle", "--fine-tune", "never"]);
    Some(dir.join("bundle"))
}

/// Runs the program in the folder `dir`, quietly, and gives what it prints.
///
/// # Panics
/// When it fails.
pub fn ran(dir: &Path, args: &[&str]) -> String {
    let done = program().arg("--quiet").args(args).current_dir(dir).output().expect("the program starts");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text").trim().to_owned()
}

/// A command of the program itself: the one that `FIRSTLINE_BENCH_PROGRAM` names, such as a debug build; else the release build, which is
/// built first where it is not up to date: it belongs to another package, and cargo builds it only for that one's own benches.
///
/// # Panics
/// When it can't be built, or is not where the variable says.
pub fn program() -> Command {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(named) = std::env::var_os("FIRSTLINE_BENCH_PROGRAM") {
            // From the workspace's root too, as cargo runs benches in their package's folder.
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&named);
            return Path::new(&named).canonicalize().or_else(|_| root.canonicalize()).expect("a program");
        }
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--locked", "--package", "firstline"]);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().expect("cargo starts").success(), "the program can't be built");
        // A bench lies in `deps/`, the program beside that folder.
        let bench = std::env::current_exe().expect("a bench knows where it lies");
        let folder = bench.ancestors().nth(2).expect("a bench lies in deps/");
        folder.join(format!("firstline{}", std::env::consts::EXE_SUFFIX))
    });
    Command::new(&*BUILT)
}

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// Its address, without a path.
    pub url: String,
}

impl Serving {
    /// Starts `command`, a `serve` on a free port, and waits until it listens.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let line = lines.find_map(|line| Some(line.ok()?.split_once(" listens on ")?.1.to_owned()));
        let address = line.expect("it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://{}", address.split(';').next().expect("an address")) }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Milliseconds of the run that half of all runs, and of the one that 95 in 100, were faster than; `None` without runs,
/// as where a filter leaves a question out.
pub fn p50_p95(runs: &mut [Duration]) -> Option<(f64, f64)> {
    runs.sort_unstable();
    let at = |percent: usize| runs.get(runs.len() * percent / 100).map(|run| run.as_secs_f64() * 1e3);
    Some((at(50)?, at(95)?))
}

/// Memory that is resident now, in KiB, where the system tells.
pub fn resident_kib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
