//! `firstline rollout sign`: criteria on record, and a person's signature under them.

use std::path::PathBuf;

use clap::Args;
use firstline_serve::rollout::{SignRequest, Signed, add_criteria, sign};
use firstline_triage::sha256_hex;

use super::history::read_text;
use super::person::{PersonArg, Place};
use crate::arguments::{JsonArg, SettingsArgs};
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Sign the criteria: what the rollout must reach, and when it turns back.
///
/// Takes the right to manage or to approve the rollout, of all customers. A person signs a version once, with a key of their own,
/// whatever name they type. It takes effect once as many different persons have signed as it says, and as the version before it took;
/// until then that one holds.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// Criteria file that you sign. One that is not on record yet is put there as a new version, which takes the right to manage
    /// [default: the newest version on record].
    #[arg(long, value_name = "FILE")]
    criteria: Option<PathBuf>,

    /// The name that stands under the criteria.
    #[arg(long)]
    name: String,

    /// As what you sign, such as "service manager".
    #[arg(long)]
    role: String,

    #[command(flatten)]
    person: PersonArg,

    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &SignArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Place { store, now, .. } = Place::open(&args.settings)?;
    let person = args.person.person(store.as_ref(), now)?;
    let mut request =
        SignRequest { version: None, sha256: None, typed_name: args.name.clone(), role: args.role.clone() };
    if let Some(path) = &args.criteria {
        let text = read_text(path)?;
        let sha = sha256_hex(text.as_bytes());
        let newest = store.criteria()?.pop();
        let version = match newest.filter(|newest| newest.sha == sha) {
            Some(newest) => newest.version,
            None => {
                let added = add_criteria(store.as_ref(), &text, &person, now)?;
                ui.say(format_args!("Version {} is on record.", added.version));
                added.version
            }
        };
        (request.version, request.sha256) = (Some(version), Some(sha));
    }
    let signed = sign(store.as_ref(), &request, &person, now)?;
    match args.output.json {
        true => print(serde_json::to_string(&signed)?),
        false => print(told(&signed)),
    }
    Ok(Exit::Success)
}

fn told(signed: &Signed) -> String {
    let Signed { criteria, missing, in_force } = signed;
    let under = criteria.signatures.iter().map(|one| {
        format!("  {} ({}), by the key of {}, {:.0}", one.typed_name, one.role, one.person, one.at)
    });
    let state = match (missing, in_force) {
        (0, true) => "It is in force.".to_owned(),
        (0, false) => {
            "It is signed, and takes force later: it loosens what held when a trigger fired.".to_owned()
        }
        (1, _) => "It needs 1 more signature, of another person.".to_owned(),
        (n, _) => format!("It needs {n} more signatures, each of another person."),
    };
    let lines: Vec<String> = under.collect();
    format!(
        "criteria, version {}, sha256 {}\n{}\n{state}",
        criteria.version,
        criteria.sha256,
        lines.join("\n")
    )
}
