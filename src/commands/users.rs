//! `firstline users`: people with rights, who sign in on pages and have an API key of their own for commands.
//!
//! What a person signs, grants and holds is on record under their name.

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_serve::{NewKey, NewLink, Scope, person_name};
use firstline_store::{CustomerSet, KeyRecord, NewUser, Store, UserRecord};
use firstline_triage::customer_key;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::arguments::{JsonArg, RightChoice, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// Add, list and disable people: each has rights, signs in on pages, and has a key.
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
    /// Add a person. Their key and their link are printed once: the store has hashes.
    ///
    /// The link is a path on the service. Within 24 hours it sets the person's password, once. The key is for commands.
    Add {
        /// The person's name, by which they are known on record.
        name: String,
        /// What the person may do.
        #[arg(long = "right", required = true, value_delimiter = ',', value_name = "RIGHT,...")]
        rights: Vec<RightChoice>,
        /// What pages show of the name [default: the name].
        #[arg(long, value_name = "TEXT")]
        display: Option<String>,
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
    /// Print a new link with which a person sets their password, once, within 24 hours.
    ///
    /// It takes the place of the link before. The password of before holds until then.
    Link {
        /// The person's name.
        name: String,
        #[command(flatten)]
        output: JsonArg,
    },
    /// Disable a person: their sessions end, and their key is refused within seconds.
    Disable {
        /// The person's name.
        name: String,
    },
}

/// The actor in the audit log.
const ACTOR: &str = "command:users";

pub(super) fn run(args: &UsersArgs) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let settings = &args.settings;
    match &args.command {
        UsersCommand::Add { name, rights, display, customers, days, output } => {
            let customers = match customers.as_slice() {
                [] => CustomerSet::All,
                names => CustomerSet::Only(names.iter().map(|name| customer_key(name)).collect()),
            };
            let (name, link) = (person_name(name)?, NewLink::new(now)?);
            let user = NewUser {
                display: display.as_deref().map_or_else(|| Ok(name.clone()), person_name)?,
                rights: rights.iter().map(|right| Scope::from(*right).name().to_owned()).collect(),
                name,
                customers,
                link: Some(link.link.clone()),
            };
            // The first person may be added before the service first starts.
            let store = config::store(&config::settings(settings, &[])?)?;
            add(store.as_ref(), &user, &link, (*days, output.json), now)?;
        }
        UsersCommand::List { output } => {
            let store = config::existing_store(settings)?;
            let (users, keys) = (store.users()?, store.keys()?);
            let people = users.iter().map(|user| (user, key_of(user, &keys)));
            match output.json {
                true => people.for_each(|(user, key)| print(shown(user, key, now))),
                false => print(listed(people, now)),
            }
        }
        UsersCommand::Link { name, output } => {
            let store = config::existing_store(settings)?;
            let (user, link) = (enabled(store.as_ref(), name)?, NewLink::new(now)?);
            if !store.set_link(&user.id, &link.link, ACTOR, now)? {
                return Err(nobody(name).into());
            }
            if output.json {
                let until = link.link.until;
                print(json!({"name": user.name, "link": link.path.expose(), "link_until": until}));
            } else {
                eprintln!("{}'s link holds for 24 hours and can be used once:", user.name);
                print(link.path.expose());
            }
        }
        UsersCommand::Disable { name } => {
            let store = config::existing_store(settings)?;
            let user = enabled(store.as_ref(), name)?;
            if !store.disable_user(&user.id, ACTOR, now)? {
                return Err(nobody(name).into());
            }
            print(format_args!("{} is disabled", user.name));
        }
    }
    Ok(Exit::Success)
}

/// Adds a person with a key of their own, and prints both secrets this once.
fn add(
    store: &dyn Store,
    user: &NewUser,
    link: &NewLink,
    (days, json): (Option<u32>, bool),
    now: Timestamp,
) -> Result<(), Failure> {
    let end = days.and_then(|days| now.checked_add((i64::from(days) * 24).hours()).ok());
    let rights = user.rights.iter().map(|right| right.parse()).collect::<Result<_, UserError>>()?;
    let key = NewKey::new(&user.name, &rights, user.customers.clone(), end, now)?.of_person(&user.name);
    let id = store.add_user(user, Some(&key.record), ACTOR, now)?;
    if json {
        let added =
            store.users()?.into_iter().find(|added| added.id == id).ok_or_else(|| nobody(&user.name))?;
        let mut shown = shown(&added, Some(&key.record), now);
        shown["key"] = key.token.expose().into();
        shown["link"] = link.path.expose().into();
        print(shown);
    } else {
        eprintln!("{} signs in within 24 hours, once, on the service's {}", user.name, link.path.expose());
        eprintln!("{}'s own key {}. It is shown only this once:", user.name, key.record.id);
        print(key.token.expose());
    }
    Ok(())
}

/// The person of this name who is not disabled. The name is as it was recorded: earlier versions allowed more names.
fn enabled(store: &dyn Store, name: &str) -> Result<UserRecord, Failure> {
    let name = name.trim();
    let is_meant = |user: &UserRecord| user.name.trim() == name && user.disabled_at.is_none();
    Ok(store.users()?.into_iter().find(is_meant).ok_or_else(|| nobody(name))?)
}

fn nobody(name: &str) -> UserError {
    let next = "`firstline users list` shows the people";
    UserError::new(Code::NotFound, name, "there is no enabled person of this name", next)
}

/// A person's own key: the one that was made last.
fn key_of<'k>(user: &UserRecord, keys: &'k [KeyRecord]) -> Option<&'k KeyRecord> {
    keys.iter().rev().find(|key| key.person.as_ref() == Some(&user.name))
}

/// What holds of a person and their key.
fn state(user: &UserRecord, key: Option<&KeyRecord>, now: Timestamp) -> String {
    let key = key.map(|key| (key.altered, key.revoked_at, key.expires_at));
    match (user.disabled_at, key) {
        _ if user.altered => "changed in the database: refused".to_owned(),
        (Some(at), _) => format!("disabled {at:.0}"),
        (None, None) => "valid, no key".to_owned(),
        (None, Some((true, ..))) => "key changed in the database: refused".to_owned(),
        (None, Some((_, Some(at), _))) => format!("key revoked {at:.0}"),
        (None, Some((_, None, Some(at)))) if at <= now => format!("key expired {at:.0}"),
        (None, Some((_, None, Some(at)))) => format!("until {at:.0}"),
        (None, Some((_, None, None))) => "valid".to_owned(),
    }
}

fn shown(user: &UserRecord, key: Option<&KeyRecord>, now: Timestamp) -> Value {
    json!({
        "name": user.name,
        "display": user.display,
        "key_id": key.map(|key| &key.id),
        "rights": user.rights,
        "customers": user.customers,
        "created_at": user.created_at,
        "expires_at": key.and_then(|key| key.expires_at),
        "disabled_at": user.disabled_at,
        "state": state(user, key, now),
        "has_password": user.hash.is_some(),
        "link_until": user.link.as_ref().map(|link| link.until),
    })
}

/// How a person signs in.
fn way_in(user: &UserRecord, now: Timestamp) -> String {
    match (&user.hash, &user.link) {
        _ if !user.is_enabled() => String::new(),
        (_, Some(link)) if now < link.until => format!("link until {:.0}", link.until),
        (Some(_), _) => "password".to_owned(),
        (None, _) => "needs a link".to_owned(),
    }
}

fn listed<'p>(
    people: impl Iterator<Item = (&'p UserRecord, Option<&'p KeyRecord>)>,
    now: Timestamp,
) -> String {
    let rows = people.map(|(user, key)| {
        let customers = match &user.customers {
            CustomerSet::All => "all".to_owned(),
            CustomerSet::Only(these) => these.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let key_id = key.map(|key| key.id.clone()).unwrap_or_default();
        vec![
            user.name.clone(),
            user.rights.join(", "),
            customers,
            key_id,
            way_in(user, now),
            state(user, key, now),
        ]
    });
    table(&["name", "rights", "customers", "key", "signs in by", "state"], rows)
}
