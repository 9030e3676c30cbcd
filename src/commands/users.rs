//! `firstline users`: people with rights, each with a key of their own.
//!
//! A person is a key that is theirs alone: what they sign, grant and hold is on record under their name.

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_serve::{NewKey, Scope};
use firstline_store::{CustomerSet, KeyRecord};
use firstline_ticket::{has_unseen, is_same_person};
use firstline_triage::customer_key;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::arguments::{JsonArg, RightChoice, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Add, list and disable people: each has rights and a key of their own.
///
/// Signatures, grants and holds of the rollout name a person. No machine's key can make them.
#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(subcommand)]
    command: UsersCommand,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Add a person and print their key once: the store keeps only a hash.
    Add {
        /// The person's name, by which they are known on record.
        name: String,
        /// What the person may do.
        #[arg(long = "right", required = true, value_delimiter = ',', value_name = "RIGHT,...")]
        rights: Vec<RightChoice>,
        /// Limit the person to this customer's tickets; repeatable [default: all customers].
        #[arg(long = "customer", value_name = "NAME")]
        customers: Vec<String>,
        /// Days until the key expires [default: it does not].
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_660))]
        days: Option<u32>,
        #[command(flatten)]
        output: JsonArg,
    },
    /// List the people with their rights.
    List {
        #[command(flatten)]
        output: JsonArg,
    },
    /// Disable a person: the service refuses their key within seconds.
    Disable {
        /// The person's name.
        name: String,
    },
}

/// The actor in the audit log.
const ACTOR: &str = "command:users";
/// Longest name, in bytes.
const MOST_NAME: usize = 256;

pub(super) fn run(args: &UsersArgs) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let settings = &args.settings;
    match &args.command {
        UsersCommand::Add { name, rights, customers, days, output } => {
            let name = person(name)?;
            // The first person may be added before the service first starts.
            let store = config::store(&config::settings(settings, &[])?)?;
            let customers = match customers.as_slice() {
                [] => CustomerSet::All,
                names => CustomerSet::Only(names.iter().map(|name| customer_key(name)).collect()),
            };
            let end = days.and_then(|days| now.checked_add((i64::from(days) * 24).hours()).ok());
            let rights = rights.iter().copied().map(Scope::from).collect();
            let key = NewKey::new(&name, &rights, customers, end, now)?.of_person(&name);
            store.add_key(&key.record, ACTOR, now)?;
            if output.json {
                let mut shown = shown(&key.record, now);
                shown["key"] = key.token.expose().into();
                print(shown);
            } else {
                eprintln!("{name}'s own key {}. It is shown only this once:", key.record.id);
                print(key.token.expose());
            }
        }
        UsersCommand::List { output } => {
            let keys = config::existing_store(settings)?.keys()?;
            let people: Vec<&KeyRecord> = keys.iter().filter(|key| key.person.is_some()).collect();
            match output.json {
                true => people.iter().for_each(|key| print(shown(key, now))),
                false => print(listed(&people, now)),
            }
        }
        UsersCommand::Disable { name } => {
            // The name as it was recorded: earlier versions allowed more names.
            let (name, store) = (name.trim(), config::existing_store(settings)?);
            let holds = |key: &&KeyRecord| {
                key.person.as_deref().map(str::trim) == Some(name) && key.revoked_at.is_none()
            };
            let key = store.keys()?.iter().find(holds).map(|key| key.id.clone());
            let revoked = key.map(|id| store.revoke_key(&id, ACTOR, now)).transpose()?;
            if revoked != Some(true) {
                let next = "`firstline users list` shows the people";
                let problem = "nobody of this name has a key that holds";
                return Err(UserError::new(Code::NotFound, name, problem, next).into());
            }
            print(format_args!("{name} is disabled"));
        }
    }
    Ok(Exit::Success)
}

/// Checks that a name is fit for the record.
fn person(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    if name.is_empty() || name.len() > MOST_NAME || has_unseen(name) || is_same_person(name, "firstline") {
        let problem = "it is empty, longer than 256 bytes, has characters that nobody sees, or reads as Firstline's own";
        return Err(UserError::new(Code::Config, "the name", problem, "Give the person's name").into());
    }
    Ok(name.to_owned())
}

fn state(key: &KeyRecord, now: Timestamp) -> String {
    match (key.revoked_at, key.expires_at) {
        _ if key.altered => "changed in the database: refused".to_owned(),
        (Some(at), _) => format!("disabled {at:.0}"),
        (None, Some(at)) if at <= now => format!("expired {at:.0}"),
        (None, Some(at)) => format!("until {at:.0}"),
        (None, None) => "valid".to_owned(),
    }
}

fn shown(key: &KeyRecord, now: Timestamp) -> Value {
    json!({
        "name": key.person,
        "key_id": key.id,
        "rights": key.scopes,
        "customers": key.customers,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "disabled_at": key.revoked_at,
        "state": state(key, now),
    })
}

fn listed(people: &[&KeyRecord], now: Timestamp) -> String {
    let rows = people.iter().map(|key| {
        let customers = match &key.customers {
            CustomerSet::All => "all".to_owned(),
            CustomerSet::Only(these) => these.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let name = key.person.clone().unwrap_or_default();
        vec![name, key.scopes.join(", "), customers, key.id.clone(), state(key, now)]
    });
    table(&["name", "rights", "customers", "key", "state"], rows)
}
