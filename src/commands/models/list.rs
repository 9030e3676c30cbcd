//! `firstline models list`: the known models, and which are here.

use clap::Args;
use firstline_nn::ModelStore;
use serde::Serialize;

use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// List the known models, and which are here.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    output: JsonArg,
}

/// One model, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    description: String,
    licence: String,
    dimensions: usize,
    bytes: u64,
    /// The folder it is in, or would be.
    path: String,
    here: bool,
}

pub(super) fn run(args: &ListArgs, store: &ModelStore) -> Result<Exit, Failure> {
    let listed: Vec<Listed> = store
        .list()?
        .into_iter()
        .map(|(m, here)| Listed {
            bytes: m.total_bytes(),
            path: store.path(&m).display().to_string(),
            name: m.name,
            description: m.description,
            licence: m.licence,
            dimensions: m.dimensions,
            here,
        })
        .collect();
    if args.output.json {
        print(serde_json::to_string(&listed)?);
        return Ok(Exit::Success);
    }
    let row = |m: &Listed| {
        let size = format!("{:.1} MB", m.bytes as f64 / 1e6);
        let here = if m.here { "yes" } else { "no" };
        vec![
            m.name.clone(),
            here.into(),
            if m.dimensions > 0 { m.dimensions.to_string() } else { "-".into() },
            size,
            m.licence.clone(),
            m.description.clone(),
        ]
    };
    print(format_args!(
        "{}",
        table(&["model", "here", "dimensions", "size", "licence", "what it is"], listed.iter().map(row))
    ));
    print(format_args!("Kept in {}", store.root.display()));
    Ok(Exit::Success)
}
