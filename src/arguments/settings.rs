//! Where the service's settings and its store are.

use std::path::PathBuf;

use clap::Args;

/// Where settings come from. Precedence, highest first: flags, the environment (FIRSTLINE_STORE and so on), the file, the
/// defaults.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// TOML file with settings; `firstline serve --print-config` prints all of them.
    #[arg(long, env = "FIRSTLINE_CONFIG", value_name = "FILE", global = true, help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,

    /// Store of the decisions: a file, or postgres://user:password@host/database [default: firstline.db].
    #[arg(long, value_name = "STORE", global = true, help_heading = "Settings")]
    pub(crate) store: Option<String>,

    /// Any other setting, such as --set limits.queue_ms=500. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", global = true, help_heading = "Settings")]
    pub(crate) set: Vec<String>,
}
