//! `firstline store keys`: who may call the service, and for what.

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_serve::{NewKey, Scope};
use firstline_store::{CustomerSet, KeyRecord};
use firstline_triage::customer_key;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::arguments::{JsonArg, ScopeChoice, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Create, list and revoke API keys.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Create a key and print it once: the store keeps only a hash.
    Create {
        /// What the key is for.
        #[arg(long)]
        name: String,
        /// What the key may do.
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE,...")]
        scopes: Vec<ScopeChoice>,
        /// Limit the key to this customer's tickets; repeatable [default: all customers].
        #[arg(long = "customer", value_name = "NAME")]
        customers: Vec<String>,
        /// Days until the key expires [default: it does not].
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_660))]
        days: Option<u32>,
        #[command(flatten)]
        output: JsonArg,
    },
    /// List the keys, without their secrets.
    List {
        #[command(flatten)]
        output: JsonArg,
    },
    /// Revoke a key: the service refuses it within seconds.
    Revoke {
        /// The key's id.
        id: String,
    },
}

/// The actor in the audit log.
const ACTOR: &str = "command:keys";

pub(super) fn run(args: &KeysArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    match &args.command {
        KeysCommand::Create { name, scopes, customers, days, output } => {
            // The first key may be created before the service first starts.
            let store = config::store(&config::settings(settings, &[])?)?;
            let customers = match customers.as_slice() {
                [] => CustomerSet::All,
                names => CustomerSet::Only(names.iter().map(|name| customer_key(name)).collect()),
            };
            let end = days.and_then(|days| now.checked_add((i64::from(days) * 24).hours()).ok());
            let scopes = scopes.iter().copied().map(Scope::from).collect();
            let key = NewKey::new(name, &scopes, customers, end, now)?;
            store.add_key(&key.record, ACTOR, now)?;
            if output.json {
                let mut shown = shown(&key.record);
                shown["key"] = key.token.expose().into();
                print(shown);
            } else {
                eprintln!("Key {} ({name}). It is shown only this once:", key.record.id);
                print(key.token.expose());
            }
        }
        KeysCommand::List { output } => {
            let keys = config::existing_store(settings)?.keys()?;
            match output.json {
                true => keys.iter().for_each(|key| print(shown(key))),
                false => print(listed(&keys, now)),
            }
        }
        KeysCommand::Revoke { id } => {
            if !config::existing_store(settings)?.revoke_key(id, ACTOR, now)? {
                let next = "`firstline store keys list` shows the keys";
                return Err(UserError::new(Code::NotFound, id, "no valid key has this id", next).into());
            }
            print(format_args!("key {id} is revoked"));
        }
    }
    Ok(Exit::Success)
}

fn shown(key: &KeyRecord) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "customers": key.customers,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "current": NewKey::is_current(key),
        "altered": key.altered,
    })
}

fn listed(keys: &[KeyRecord], now: Timestamp) -> String {
    let rows = keys.iter().map(|key| {
        let customers = match &key.customers {
            CustomerSet::All => "all".to_owned(),
            CustomerSet::Only(these) => these.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let state = match (key.revoked_at, key.expires_at) {
            _ if key.altered => "changed in the database: refused".to_owned(),
            (Some(at), _) => format!("revoked {at:.0}"),
            _ if !NewKey::is_current(key) => "of an older version: create it again".to_owned(),
            (None, Some(at)) if at <= now => format!("expired {at:.0}"),
            (None, Some(at)) => format!("until {at:.0}"),
            (None, None) => "valid".to_owned(),
        };
        vec![key.id.clone(), key.name.clone(), key.scopes.join(", "), customers, state]
    });
    table(&["id", "name", "scopes", "customers", "state"], rows)
}
