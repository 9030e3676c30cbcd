//! The rules of the house: which room may import which, that no room's modules import one another in a circle, and what may
//! not stand in a file.

mod cycles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cycles::Modules;
use serde_json::Value;

/// Crates from outside that only the named rooms may import.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("candle-core", &["firstline-nn"]),
    ("hf-hub", &["firstline-nn"]),
    ("tokenizers", &["firstline-nn"]),
    ("minijinja", &["firstline-nn"]),
    ("criterion", &["firstline-benches"]),
    ("csv", &["firstline-psa"]),
    ("html5gum", &["firstline-triage"]),
    ("statrs", &["firstline-stats"]),
    ("maud", &["firstline-pages", "firstline-rollout", "firstline-serve", "firstline-training"]),
    ("plotters", &["firstline-pages"]),
    ("clap", &["firstline"]),
    ("indicatif", &["firstline"]),
    ("tokio", &["firstline", "firstline-fakes", "firstline-serve"]),
    ("axum", &["firstline", "firstline-serve"]),
    ("rusqlite", &["firstline-store"]),
    ("postgres", &["firstline-store"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What `cargo metadata` says: each package with its dependencies, but for those of tests and build scripts.
///
/// Without the crate `cargo_metadata`: it turns on a feature of serde_json, for which `cargo test` would build nearly everything
/// that `cargo run` has built a second time.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let normal = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap();
        all.iter().filter(|d| d["kind"].is_null()).map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|p| (name(p), normal(p))).collect()
}

/// The rooms of a table such as ARCHITECTURE.md's, by their crates' names, and the rooms that each imports.
fn table_of_rooms(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with("| room ")).skip(2);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let path = cells[0].trim_matches('`').trim_end_matches('/');
        let room = path.rsplit('/').next().unwrap_or_default();
        let crate_of = |room: &str| format!("firstline-{room}");
        let name = if room == "root" { "firstline".to_owned() } else { crate_of(room) };
        let imports = cells[2].split(',').map(|room| room.trim().trim_matches('`'));
        (name, imports.filter(|room| !["", "-"].contains(room)).map(crate_of).collect())
    };
    rows.take_while(|line| line.starts_with('|')).map(row).collect()
}

/// The table of ARCHITECTURE.md is the wall: a new edge between rooms is a change of design, made there first.
#[test]
fn rooms_import_what_the_table_of_rooms_says() {
    let imports = imports();
    let of_ours = |found: &BTreeSet<String>| {
        found.iter().filter(|name| imports.contains_key(*name)).cloned().collect::<BTreeSet<_>>()
    };
    let found: BTreeMap<_, _> = imports.iter().map(|(room, found)| (room.clone(), of_ours(found))).collect();
    let table = table_of_rooms(&std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap());
    assert_eq!(table, found);
}

#[test]
fn a_table_of_rooms_is_read_by_its_columns() {
    let text = "# Rooms\n| room | question | imports of ours |\n|---|---|---|\n| `src/fault` | What? | - |\n\
        | `training/` | How? | fault, ticket |\n| root | Who? | training |\n\n| `src/later` | Not of it | fault |\n";
    let of = |rooms: &[&str]| rooms.iter().map(|room| (*room).to_owned()).collect::<BTreeSet<String>>();
    let want = [
        ("firstline", of(&["firstline-training"])),
        ("firstline-fault", of(&[])),
        ("firstline-training", of(&["firstline-fault", "firstline-ticket"])),
    ];
    assert_eq!(table_of_rooms(text), want.map(|(room, imports)| (room.to_owned(), imports)).into());
}

#[test]
fn no_rooms_modules_import_one_another_in_a_circle() {
    for room in ["src/triage", "src/drafts", "src/serve", "training"] {
        let cycles = Modules::read(&root().join(room)).cycles();
        assert!(cycles.is_empty(), "{room}:\n{}", cycles.join("\n"));
    }
}

#[test]
fn heavy_crates_stay_in_their_rooms() {
    for (room, found) in imports() {
        for (name, keepers) in KEPT_TO {
            assert!(!found.contains(*name) || keepers.contains(&room.as_str()), "{room} imports {name}");
        }
    }
}

/// Markup that is not escaped is made in one room; everywhere else escaping can't be forgotten.
#[test]
fn only_pages_may_bypass_escaping() {
    let bypass = ["Pre", "Escaped"].concat();
    let users: BTreeSet<PathBuf> = files(&root(), "rs")
        .into_iter()
        .filter(|path| std::fs::read_to_string(path).unwrap().contains(&bypass))
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .collect();
    let allowed = ["src/pages/layout.rs", "src/pages/plots/canvas.rs"].map(PathBuf::from);
    assert_eq!(users, BTreeSet::from(allowed));
}

#[test]
fn every_source_file_opens_with_what_it_does_and_stays_readable() {
    let mut seen = 0;
    for path in files(&root(), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
        assert!(text.lines().count() <= 800, "{} is longer than 800 lines", path.display());
        seen += 1;
    }
    assert!(seen > 50, "only {seen} source files found");
}

#[test]
fn no_weights_or_data_sets_in_the_tree() {
    for kind in ["safetensors", "gguf", "gz", "onnx", "bin"] {
        assert_eq!(files(&root(), kind), Vec::<PathBuf>::new());
    }
}

/// All files with the ending `extension` under `dir`, but for build output and hidden folders.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "firstline-demo" {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
