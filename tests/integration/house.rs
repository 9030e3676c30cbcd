//! The rules of the house: which room may import which, and what may not stand in a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Room, and the rooms it may import. The walls of ARCHITECTURE.md.
const WALLS: &[(&str, &[&str])] = &[
    ("firstline-fault", &[]),
    ("firstline-ticket", &["firstline-fault"]),
    ("firstline-kernels", &[]),
    ("firstline-nn", &["firstline-fault", "firstline-kernels"]),
    ("firstline-triage", &["firstline-fault", "firstline-ticket", "firstline-nn"]),
    ("firstline-drafts", &["firstline-fault", "firstline-ticket", "firstline-nn", "firstline-triage"]),
    ("firstline-psa", &["firstline-fault", "firstline-ticket"]),
    ("firstline-rollout", &["firstline-ticket"]),
    ("firstline-store", &["firstline-fault", "firstline-ticket"]),
    ("firstline-serve", &["firstline-fault", "firstline-ticket", "firstline-triage", "firstline-drafts", "firstline-rollout", "firstline-store"]),
    ("firstline-datasets", &["firstline-fault", "firstline-ticket"]),
    ("firstline-training", &["firstline-fault", "firstline-ticket", "firstline-nn", "firstline-triage", "firstline-drafts"]),
    (
        "firstline-benches",
        &[
            "firstline-datasets",
            "firstline-drafts",
            "firstline-kernels",
            "firstline-nn",
            "firstline-ticket",
            "firstline-triage",
        ],
    ),
    (
        "firstline",
        &[
            "firstline-fault",
            "firstline-ticket",
            "firstline-nn",
            "firstline-triage",
            "firstline-drafts",
            "firstline-psa",
            "firstline-store",
            "firstline-serve",
            "firstline-datasets",
            "firstline-training",
        ],
    ),
];

/// Crates from outside that only the named rooms may import.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("candle-core", &["firstline-nn"]),
    ("hf-hub", &["firstline-nn"]),
    ("tokenizers", &["firstline-nn"]),
    ("minijinja", &["firstline-nn"]),
    ("criterion", &["firstline-benches"]),
    ("csv", &["firstline-psa"]),
    ("html5gum", &["firstline-triage"]),
    ("plotters", &["firstline-training"]),
    ("clap", &["firstline"]),
    ("indicatif", &["firstline"]),
    ("tokio", &["firstline-serve"]),
    ("axum", &["firstline-serve"]),
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

#[test]
fn rooms_import_only_what_their_walls_allow() {
    let imports = imports();
    let rooms: BTreeSet<&str> = WALLS.iter().map(|w| w.0).collect();
    assert_eq!(
        imports.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        rooms,
        "rooms without a line in WALLS"
    );
    for (room, allowed) in WALLS {
        let found: BTreeSet<&str> =
            imports[*room].iter().map(String::as_str).filter(|d| rooms.contains(d)).collect();
        assert_eq!(found, allowed.iter().copied().collect(), "{room} imports other rooms than its walls say");
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
