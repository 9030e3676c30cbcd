//! The command line of the service and of what it keeps.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use firstline_serve::Scope;

use super::ModelOptions;

/// Where settings come from: what is given here goes before the environment (FIRSTLINE_STORE and so on), that before the file,
/// that before the defaults.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// A TOML file that sets some of what `firstline serve --print-config` prints.
    #[arg(long, env = "FIRSTLINE_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Where decisions are kept: a file, or postgres://user:password@host/database [default: firstline.db].
    #[arg(long, value_name = "STORE", global = true)]
    pub(crate) store: Option<String>,

    /// Any other setting, such as --set limits.queue_ms=500. May be given many times.
    #[arg(long, value_name = "NAME=VALUE", global = true)]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// The bundle that decides [default: bundle].
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,

    /// Address and port [default: 127.0.0.1:8484].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,

    /// Print the settings that hold, as a file for --config, and do nothing else.
    #[arg(long)]
    pub(crate) print_config: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key. It is printed once; the store keeps a hash of it.
    Create {
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may do: triage (tickets, feedback), review (drafts, key figures), act (the outbox), admin (all).
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE,...")]
        scopes: Vec<Scope>,
        /// Only for tickets of this customer; may be given many times [default: everybody's].
        #[arg(long = "customer", value_name = "NAME")]
        customers: Vec<String>,
        /// Days that it holds [default: until it is revoked].
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_660))]
        days: Option<u32>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The keys there are; their secrets are nowhere.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take a key back: within seconds nobody can use it any more.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditLogArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    #[command(subcommand)]
    pub(crate) command: AuditLogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditLogCommand {
    /// Check that no entry was changed, taken out or put in, and print the last one's number and hash: keep it elsewhere.
    Verify {
        /// The number and hash of an entry, as an earlier `verify` printed them: the log must still have it.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
        /// Check this exported log instead; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Write the log as JSONL. It holds ids, labels and hashes, nobody's words.
    Export {
        /// Where it goes [default: standard output].
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// The file to be made; it must not be there.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// The customer, by name; upper and lower case are one.
    #[arg(long, value_name = "NAME")]
    pub(crate) customer: String,

    /// Do it without asking.
    #[arg(long)]
    pub(crate) yes: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OutcomesArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// Closed tickets, canonical JSONL, plain or .gz: their labels, first replies and times are joined to what was decided.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
