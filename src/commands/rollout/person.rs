//! Who acts, on which store, and the desk's own settings: what the commands of the programme have in common.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::{percent, spoken};
use firstline_serve::rollout::{DeskRules, Figure};
use firstline_serve::{Person, Settings};
use firstline_store::Store;
use firstline_triage::Policy;
use jiff::Timestamp;

use super::history::read_small;
use crate::arguments::{JsonArg, SettingsArgs};
use crate::commands::policy;
use crate::config;
use crate::failure::Failure;

/// The environment's name of a person's key.
const VARIABLE: &str = "FIRSTLINE_KEY";
/// Longest key file that is read, in bytes.
const MOST_BYTES: u64 = 4_096;

/// Who acts.
#[derive(Debug, Args)]
pub(in crate::commands) struct PersonArg {
    /// File with your own key, as `firstline users add` prints it [default: FIRSTLINE_KEY in the environment].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// What each step of the programme takes: a reason, a person and a store.
#[derive(Debug, Args)]
pub(super) struct StepArgs {
    /// The reason, which is kept on record.
    #[arg(long)]
    pub(super) reason: String,

    #[command(flatten)]
    pub(super) person: PersonArg,

    #[command(flatten)]
    pub(super) output: JsonArg,

    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

impl PersonArg {
    /// The person whose key is given, checked as the service does.
    pub(in crate::commands) fn person(&self, store: &dyn Store, now: Timestamp) -> Result<Person, Failure> {
        let token = match &self.key_file {
            Some(path) => read(path)?,
            None => std::env::var(VARIABLE).map_err(|_| {
                let next =
                    "Name a file with --key-file, or set FIRSTLINE_KEY; `firstline users add` makes a key";
                UserError::new(Code::Auth, "--key-file", "no key says who you are", next)
            })?,
        };
        Ok(Person::of_token(store, &token, now)?)
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read_small(path, MOST_BYTES)?);
    let next = "Name a file that holds one key";
    Ok(text.map_err(|_| UserError::new(Code::Auth, path.display().to_string(), "it is no key", next))?)
}

/// The store with the desk that it belongs to.
pub(super) struct Place {
    pub(super) settings: Settings,
    pub(super) policy: Policy,
    pub(super) rules: DeskRules,
    pub(super) store: Box<dyn Store>,
    pub(super) now: Timestamp,
}

impl Place {
    pub(super) fn open(args: &SettingsArgs) -> Result<Self, Failure> {
        let settings = config::settings(args, &[])?;
        let path = Some(&settings.policy).filter(|path| !path.as_os_str().is_empty());
        let policy = policy::read(path.map(PathBuf::as_path))?;
        let rules = DeskRules::read(&policy, &settings.rollout)?;
        let store = config::existing_store(args)?;
        Ok(Self { settings, policy, rules, store, now: Timestamp::now() })
    }
}

/// A share as people read it, with its interval and what it is over.
pub(super) fn share(figure: &Figure) -> String {
    let Some(value) = figure.value else { return "not known".to_owned() };
    let interval = figure.low.zip(figure.high);
    let interval =
        interval.map_or_else(String::new, |(low, high)| format!(" ({} to {})", percent(low), percent(high)));
    format!("{}{interval}, n {}", percent(value), figure.n)
}

/// A time as people read it.
pub(super) fn time(figure: &Figure) -> String {
    figure.value.map_or_else(|| "not known".to_owned(), |value| format!("{}, n {}", spoken(value), figure.n))
}
