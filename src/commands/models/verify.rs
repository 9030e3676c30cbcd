//! `firstline models verify`: checks a model's files against its manifest.

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_nn::ModelStore;

use super::{ModelArg, manifest};
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Check every file of a model against its sha256.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    model: ModelArg,
}

pub(super) fn run(args: &VerifyArgs, store: &ModelStore) -> Result<Exit, Failure> {
    let manifest = &manifest(&args.model.name)?;
    let reports = store.verify(manifest)?;
    let good = reports.iter().all(firstline_nn::FileReport::is_good);
    let row = |r: &firstline_nn::FileReport| {
        let state = r.problem(manifest).unwrap_or_else(|| "good".into());
        vec![r.path.clone(), state]
    };
    print(table(&["file", "state"], reports.iter().map(row)));
    if good {
        return Ok(Exit::Success);
    }
    let place = store.path(manifest).display().to_string();
    let next = format!("Fetch it again with `firstline models pull {}`", manifest.name);
    Err(UserError::new(Code::ModelHash, place, "some files differ from the manifest", next).into())
}
