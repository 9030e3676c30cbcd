//! `firstline keys`: who may call the service, and for what.

use firstline_fault::{Code, UserError};
use firstline_serve::NewKey;
use firstline_store::{CustomerSet, KeyRecord};
use firstline_triage::customer_key;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::table::table;
use crate::cli::{KeysArgs, KeysCommand};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Who did it, in the audit log.
const ACTOR: &str = "command:keys";

pub(super) fn run(args: &KeysArgs) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    match &args.command {
        KeysCommand::Create { name, scopes, customers, days, json } => {
            // The first key may come before the first start.
            let store = config::store(&config::settings(&args.settings, &[])?)?;
            let customers = match customers.as_slice() {
                [] => CustomerSet::All,
                names => CustomerSet::Only(names.iter().map(|name| customer_key(name)).collect()),
            };
            let end = days.and_then(|days| now.checked_add((i64::from(days) * 24).hours()).ok());
            let key = NewKey::new(name, &scopes.iter().copied().collect(), customers, end, now)?;
            store.add_key(&key.record, ACTOR, now)?;
            if *json {
                let mut shown = shown(&key.record);
                shown["key"] = key.token.expose().into();
                print(shown);
            } else {
                eprintln!("key {} ({name}); it is shown this once:", key.record.id);
                print(key.token.expose());
            }
        }
        KeysCommand::List { json } => {
            let keys = config::existing_store(&args.settings)?.keys()?;
            match json {
                true => keys.iter().for_each(|key| print(shown(key))),
                false => print(listed(&keys, now)),
            }
        }
        KeysCommand::Revoke { id } => {
            if !config::existing_store(&args.settings)?.revoke_key(id, ACTOR, now)? {
                let next = "`firstline keys list` shows those there are";
                return Err(
                    UserError::new(Code::NotFound, id, "there is no such key that holds", next).into()
                );
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
    })
}

fn listed(keys: &[KeyRecord], now: Timestamp) -> String {
    let rows = keys.iter().map(|key| {
        let customers = match &key.customers {
            CustomerSet::All => "all".to_owned(),
            CustomerSet::Only(these) => these.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {at:.0}"),
            (None, Some(at)) if at <= now => format!("expired {at:.0}"),
            (None, Some(at)) => format!("until {at:.0}"),
            (None, None) => "holds".to_owned(),
        };
        vec![key.id.clone(), key.name.clone(), key.scopes.join(", "), customers, state]
    });
    table(&["id", "name", "scopes", "customers", "state"], rows)
}
