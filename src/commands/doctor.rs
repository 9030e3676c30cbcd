//! `firstline doctor`: reports what this machine offers and what is missing.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_nn::{Isa, Manifest};
use firstline_rollout::evidence::Machine;
use firstline_triage::BUNDLE_FORMAT;
use serde::Serialize;

use super::models;
use crate::arguments::{JsonArg, ModelOptions};
use crate::failure::{Exit, Failure};
use crate::table::pairs;
use crate::ui::print;

/// Show what this machine offers and what is missing.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    models: ModelOptions,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    bundle_format: u32,
    target: String,
    /// The processor, where the system names it.
    cpu: Option<String>,
    /// Bytes of memory, where the system tells.
    memory: Option<u64>,
    threads: u64,
    /// The instruction set that the kernels run on; `FIRSTLINE_ISA` selects another.
    instruction_set: String,
    instruction_sets: Vec<&'static str>,
    device: String,
    model_cache: PathBuf,
    disk_free_bytes: Option<u64>,
    models: Vec<Model>,
}

#[derive(Debug, Serialize)]
struct Model {
    name: String,
    state: &'static str,
}

pub(super) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let store = models::store(&args.models);
    let model = |(m, here): (Manifest, bool)| Model {
        state: if here { "here" } else { "not pulled: `firstline models pull` fetches it" },
        name: m.name,
    };
    let Machine { cpu, isa, cores, memory } = machine();
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        bundle_format: BUNDLE_FORMAT,
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        cpu,
        memory,
        threads: cores,
        instruction_set: isa,
        instruction_sets: Isa::available().into_iter().map(Isa::name).collect(),
        device: format!("{:?}", firstline_nn::device().location()),
        disk_free_bytes: disk_free(&store.root),
        models: store.list()?.into_iter().filter(|(m, _)| m.sources.generated.is_none()).map(model).collect(),
        model_cache: store.root.clone(),
    };
    match args.output.json {
        true => print(serde_json::to_string(&report)?),
        false => print(text(&report)),
    }
    Ok(Exit::Success)
}

fn text(r: &Report) -> String {
    let free = r
        .disk_free_bytes
        .map_or_else(|| "unknown".into(), |b| format!("{:.1} GiB free", b as f64 / f64::from(1 << 30)));
    let memory =
        r.memory.map(|b| format!(", {:.1} GiB of memory", b as f64 / f64::from(1 << 30))).unwrap_or_default();
    let mut rows = vec![
        ("firstline".to_owned(), format!("{}, bundle format {}", r.version, r.bundle_format)),
        ("machine".to_owned(), format!("{}, {} threads{memory}", r.target, r.threads)),
        ("processor".to_owned(), r.cpu.clone().unwrap_or_else(|| "unknown".to_owned())),
        (
            "instruction set".to_owned(),
            format!("{} (this CPU has {})", r.instruction_set, r.instruction_sets.join(", ")),
        ),
        ("device".to_owned(), r.device.clone()),
        ("model cache".to_owned(), format!("{} ({free})", r.model_cache.display())),
    ];
    rows.extend(r.models.iter().map(|m| (format!("model {}", m.name), m.state.to_owned())));
    pairs(rows)
}

/// This machine, as times on it depend on it.
pub(super) fn machine() -> Machine {
    Machine {
        cpu: system_value("/proc/cpuinfo", "model name"),
        isa: Isa::chosen().map_or_else(|problem| problem, |isa| isa.to_string()),
        cores: std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64),
        memory: system_value("/proc/meminfo", "MemTotal")
            .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map(|kib| kib << 10),
    }
}

/// The value that the system gives under `name`, where there is such a file.
fn system_value(path: &str, name: &str) -> Option<String> {
    let pairs = std::fs::read_to_string(path).ok()?;
    let value = pairs.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.filter(|value| !value.is_empty())
}

/// Free bytes on the disk of the model cache, or of the folder it would be in.
fn disk_free(dir: &Path) -> Option<u64> {
    let existing = dir.ancestors().find(|a| a.exists())?;
    fs4::available_space(existing).ok()
}
