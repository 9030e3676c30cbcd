//! People who sign in.
//!
//! The audit log keeps who was added, changed and disabled, and never a name. A row that is not as the log says is told as altered.

use std::collections::BTreeSet;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::is_same_person;
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, keys, sessions};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, json, token};
use crate::digests::{Kind, PEOPLE_ACTIONS, columns_of, is_told};
use crate::{CustomerSet, KeyRecord, Link, NewUser, Proof, UserRecord, Users};

impl<D: Db> Users for Shelf<D> {
    fn add_user(
        &self,
        user: &NewUser,
        key: Option<&KeyRecord>,
        actor: &str,
        now: Timestamp,
    ) -> Result<String> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            refuse_same(&all(tx)?, &user.name)?;
            let id = put(tx, &mut log, user, ("user_add", actor, now))?;
            if let Some(key) = key {
                keys::add(tx, &mut log, key, actor)?;
            }
            Ok(id)
        })
    }

    fn users(&self) -> Result<Vec<UserRecord>> {
        self.read(all)
    }

    fn set_link(&self, user: &str, link: &Link, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            if enabled(tx, user)?.is_none() {
                return Ok(false);
            }
            let sql = "UPDATE users SET link_hash = $2, link_until = $3 WHERE id = $1";
            tx.execute(sql, &[user.into(), (&link.hash).into(), link.until.into()])?;
            log.add(tx, Note { actor, action: "user_link", subject: user, detail: json!({}) })?;
            Ok(true)
        })
    }

    fn set_password(&self, user: &str, hash: &str, proof: Proof<'_>, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let Some(found) = enabled(tx, user)?.filter(|found| holds(found, proof, now)) else {
                return Ok(false);
            };
            let sql = "UPDATE users SET hash = $2, link_hash = NULL, link_until = NULL WHERE id = $1";
            tx.execute(sql, &[user.into(), hash.into()])?;
            let actor = format!("user:{}", found.id);
            let by = if matches!(proof, Proof::Link(_)) { "link" } else { "password" };
            let detail = json!({ "by": by });
            log.add(tx, Note { actor: &actor, action: "user_password", subject: user, detail })?;
            sessions::end_all_of(tx, &mut log, user, &actor)?;
            Ok(true)
        })
    }

    fn disable_user(&self, user: &str, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let found = all(tx)?.into_iter().find(|found| found.id == user && found.disabled_at.is_none());
            let Some(found) = found else { return Ok(false) };
            disable(tx, &mut log, user, (actor, now))?;
            for key in keys::all(tx)? {
                let is_theirs = key.person.as_ref() == Some(&found.name) && key.revoked_at.is_none();
                if is_theirs {
                    keys::revoke(tx, &mut log, &key.id, actor, now)?;
                }
            }
            Ok(true)
        })
    }
}

/// Whether what lets a person set a password still holds.
fn holds(user: &UserRecord, proof: Proof<'_>, now: Timestamp) -> bool {
    match proof {
        Proof::Link(hash) => user.link.as_ref().is_some_and(|link| link.hash == hash && now < link.until),
        Proof::Password(hash) => user.hash.as_deref() == Some(hash),
    }
}

/// Writes a person, new or of before; gives their id. What is done is `action`, by an actor, at a time.
fn put(
    tx: &mut dyn Tx,
    log: &mut Log,
    user: &NewUser,
    (action, actor, now): (&str, &str, Timestamp),
) -> Result<String> {
    let before = some(tx, "u.name = $1", &[(&user.name).into()])?.pop();
    let (rights, customers) = (json(&user.rights)?, json(&user.customers)?);
    let id = match before {
        Some(before) => before.id,
        None => token()?[..12].to_owned(),
    };
    // As it was added by then; a password of before does not come back.
    let sql =
        "INSERT INTO users (id, name, display, rights, customers, created_at, link_hash, link_until, nonce)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET display = excluded.display, hash = NULL, rights = excluded.rights,
            customers = excluded.customers, disabled_at = NULL, link_hash = excluded.link_hash,
            link_until = excluded.link_until, nonce = excluded.nonce";
    let values = [
        (&id).into(),
        (&user.name).into(),
        (&user.display).into(),
        Value::Text(rights),
        Value::Text(customers.clone()),
        now.into(),
        user.link.as_ref().map(|link| &link.hash).into(),
        user.link.as_ref().map(|link| link.until).into(),
        Value::Text(token()?),
    ];
    tx.execute(sql, &values)?;
    let (customers, person) = (log.salted(&customers), log.salted(&user.name));
    let detail = json!({"rights": user.rights, "customers": customers, "person": person});
    log.add(tx, Note { actor, action, subject: &id, detail })?;
    Ok(id)
}

/// Refuses a second enabled person of a name, and one of a name that readers would take for theirs. The head of the audit log is locked:
/// no two are added at once.
fn refuse_same(known: &[UserRecord], name: &str) -> Result<()> {
    for other in known.iter().filter(|known| known.disabled_at.is_none()) {
        if other.name == name {
            let problem = format!("{name} has an account already");
            let next =
                "`firstline users link` makes a new link for them; disable them first to add them anew";
            return Err(UserError::new(Code::Conflict, "the person", problem, next).into());
        }
        if is_same_person(&other.name, name) {
            let problem = format!("nobody can tell that name from {:?}, who has an account", other.name);
            let next =
                "Give this person a name that differs in more than capitals, spaces and look-alike letters";
            return Err(UserError::new(Code::Conflict, "the person", problem, next).into());
        }
    }
    Ok(())
}

/// Makes the person whose own key this is a user, where they are none.
pub(super) fn of_key(tx: &mut dyn Tx, log: &mut Log, key: &KeyRecord, actor: &str) -> Result<()> {
    let Some(person) = &key.person else { return Ok(()) };
    if all(tx)?.iter().any(|user| user.name == *person && user.disabled_at.is_none()) {
        return Ok(());
    }
    refuse_same(&all(tx)?, person)?;
    put(tx, log, &holder(key, person), ("user_add", actor, key.created_at)).map(drop)
}

fn holder(key: &KeyRecord, person: &str) -> NewUser {
    NewUser {
        name: person.to_owned(),
        display: person.to_owned(),
        rights: key.scopes.clone(),
        customers: key.customers.clone(),
        link: None,
    }
}

/// Takes over the people of a store from before there were users, who had keys alone: those without a key that holds are disabled.
/// Keys that were altered make nobody a user. Names that look the same are kept: earlier versions allowed them.
pub(crate) fn adopt(tx: &mut dyn Tx, log: &mut Log) -> Result<()> {
    let mut keys: Vec<KeyRecord> = keys::all(tx)?.into_iter().filter(|key| !key.altered).collect();
    // Those that hold come first: they say what a person may do.
    let now = log.at();
    let ended = |key: &KeyRecord| key.revoked_at.or(key.expires_at.filter(|end| *end <= now));
    keys.sort_by_key(|key| (ended(key).is_some(), key.created_at));
    let mut seen = BTreeSet::new();
    for key in &keys {
        let Some(person) = key.person.clone().filter(|person| seen.insert(person.clone())) else { continue };
        let id = put(tx, log, &holder(key, &person), ("user_adopt", "firstline", key.created_at))?;
        if let Some(at) = ended(key) {
            disable(tx, log, &id, ("firstline", at))?;
        }
    }
    Ok(())
}

/// Disables a person and ends their sessions.
fn disable(tx: &mut dyn Tx, log: &mut Log, user: &str, (actor, at): (&str, Timestamp)) -> Result<()> {
    let sql =
        "UPDATE users SET disabled_at = $2, hash = NULL, link_hash = NULL, link_until = NULL WHERE id = $1";
    tx.execute(sql, &[user.into(), at.into()])?;
    log.add(tx, Note { actor, action: "user_disable", subject: user, detail: json!({}) })?;
    sessions::end_all_of(tx, log, user, actor)
}

/// All people, oldest first.
pub(super) fn all(tx: &mut dyn Tx) -> Result<Vec<UserRecord>> {
    some(tx, "1 = 1", &[])
}

/// The people of whom `only` holds.
pub(super) fn some(tx: &mut dyn Tx, only: &str, values: &[Value]) -> Result<Vec<UserRecord>> {
    let sql = format!(
        "SELECT (SELECT a.detail FROM audit_log a WHERE a.subject = u.id AND a.action IN {PEOPLE_ACTIONS}
            ORDER BY a.seq DESC LIMIT 1), {} FROM users u WHERE {only} ORDER BY u.created_at, u.id",
        columns_of(Kind::User)
    );
    tx.query(&sql, values)?.into_iter().map(read).collect()
}

fn enabled(tx: &mut dyn Tx, id: &str) -> Result<Option<UserRecord>> {
    Ok(some(tx, "u.id = $1", &[id.into()])?.pop().filter(UserRecord::is_enabled))
}

/// A row of the newest entry's detail and the columns of a user.
fn read(mut row: Row) -> Result<UserRecord> {
    let detail = row.maybe_text()?;
    let columns = row.values();
    let mut row = Row::new(columns.clone());
    let id = row.text()?;
    let altered = !is_told(Kind::User, &columns, &id, detail.as_deref());
    let (name, display, hash) = (row.text()?, row.text()?, row.maybe_text()?);
    let (rights, customers) = (row.json(), row.json());
    // Of one that was altered, nothing needs to make sense: the others are read all the same.
    let (rights, customers) = if altered {
        (rights.unwrap_or_default(), customers.unwrap_or_else(|_| CustomerSet::Only(BTreeSet::new())))
    } else {
        (rights?, customers?)
    };
    let (created_at, disabled_at) = (row.time()?, row.maybe_time()?);
    let link = row.maybe_text()?.zip(row.maybe_time()?).map(|(hash, until)| Link { hash, until });
    Ok(UserRecord { id, name, display, hash, rights, customers, created_at, disabled_at, link, altered })
}

/// Takes `customer` out of the people who are held to it; one who is held to nobody else is disabled.
pub(super) fn forget(
    tx: &mut dyn Tx,
    log: &mut Log,
    customer: &str,
    actor: &str,
    now: Timestamp,
) -> Result<()> {
    for mut user in all(tx)? {
        let CustomerSet::Only(these) = &mut user.customers else { continue };
        if !these.remove(customer) {
            continue;
        }
        let (customers, is_last) = (json(&these)?, these.is_empty());
        let sql = "UPDATE users SET customers = $2 WHERE id = $1";
        tx.execute(sql, &[(&user.id).into(), Value::from(&customers)])?;
        let detail = json!({"rights": user.rights, "customers": log.salted(&customers)});
        log.add(tx, Note { actor, action: "user_change", subject: &user.id, detail })?;
        // One whose row was altered is not let in because of this entry.
        if (is_last || user.altered) && user.disabled_at.is_none() {
            disable(tx, log, &user.id, (actor, now))?;
        }
    }
    Ok(())
}

/// Voids all links that were not used: of a backup, nobody knows whether they were used since.
pub(crate) fn void_links(tx: &mut dyn Tx, log: &mut Log, actor: &str) -> Result<()> {
    for user in some(tx, "u.link_hash IS NOT NULL", &[])?.iter().filter(|user| !user.altered) {
        let sql = "UPDATE users SET link_hash = NULL, link_until = NULL WHERE id = $1";
        tx.execute(sql, &[(&user.id).into()])?;
        log.add(tx, Note { actor, action: "user_change", subject: &user.id, detail: json!({}) })?;
    }
    Ok(())
}
