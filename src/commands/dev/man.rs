//! `firstline dev man`: the man pages, made from the same tree as `--help`.

use std::path::PathBuf;

use clap::Args;
use firstline_fault::UserError;

use crate::cli;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Write man pages: firstline.1, and one for each command.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write them into, such as /usr/local/share/man/man1.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<Exit, Failure> {
    let io = |e: std::io::Error| UserError::io(args.out.display(), &e);
    std::fs::create_dir_all(&args.out).map_err(io)?;
    clap_mangen::generate_to(cli::command(), &args.out).map_err(io)?;
    ui.say(format_args!("Man pages: {0}. Read one: man {0}/firstline.1", args.out.display()));
    Ok(Exit::Success)
}
