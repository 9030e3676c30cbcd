//! `firstline models tiny`: a small encoder for tests.

use std::path::PathBuf;

use clap::Args;
use firstline_nn::write_tiny;

use crate::arguments::SeedArg;
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Make the tiny encoder with random weights that tests use.
#[derive(Debug, Args)]
pub(crate) struct TinyArgs {
    /// Folder to write it into.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    seed: SeedArg,
}

pub(super) fn run(args: &TinyArgs) -> Result<Exit, Failure> {
    let manifest = write_tiny(&args.dir, args.seed.seed)?;
    print(format_args!(
        "{}: {} bytes in {} files",
        args.dir.display(),
        manifest.total_bytes(),
        manifest.files.len()
    ));
    Ok(Exit::Success)
}
