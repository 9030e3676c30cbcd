//! API keys.
//!
//! The audit log keeps who was given one and who lost it, and never the customers' names.

use std::collections::BTreeSet;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::is_same_person;
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, users};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, json};
use crate::digests::{KEY_ACTIONS, Kind, columns_of, is_told};
use crate::{CustomerSet, KeyRecord, Keys};

impl<D: Db> Keys for Shelf<D> {
    fn add_key(&self, key: &KeyRecord, actor: &str, now: Timestamp) -> Result<()> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            add(tx, &mut log, key, actor)
        })
    }

    fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.read(all)
    }

    fn revoke_key(&self, id: &str, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            revoke(tx, &mut log, id, actor, now)
        })
    }
}

/// Adds a key. The person whose own it is becomes a user, where they are none.
pub(super) fn add(tx: &mut dyn Tx, log: &mut Log, key: &KeyRecord, actor: &str) -> Result<()> {
    one_each(tx, key)?;
    users::of_key(tx, log, key, actor)?;
    let sql =
        "INSERT INTO api_keys (id, name, hash, scopes, customers, created_at, expires_at, revoked_at, person)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let customers = json(&key.customers)?;
    let values = [
        (&key.id).into(),
        (&key.name).into(),
        (&key.hash).into(),
        Value::Text(json(&key.scopes)?),
        Value::Text(customers.clone()),
        key.created_at.into(),
        key.expires_at.into(),
        key.revoked_at.into(),
        key.person.as_ref().into(),
    ];
    tx.execute(sql, &values)?;
    let person = key.person.as_deref().map(|person| log.salted(person));
    let detail = json!({"scopes": key.scopes, "customers": log.salted(&customers), "person": person});
    log.add(tx, Note { actor, action: "key_add", subject: &key.id, detail })
}

/// Takes a key back; `false` where there is no such key that holds.
pub(super) fn revoke(tx: &mut dyn Tx, log: &mut Log, id: &str, actor: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    let revoked = tx.execute(sql, &[id.into(), now.into()])? > 0;
    if revoked {
        log.add(tx, Note { actor, action: "key_revoke", subject: id, detail: json!({}) })?;
    }
    Ok(revoked)
}

/// Refuses a second key of a person whose first holds, and one of a name that readers would take for theirs. The head of the audit log
/// is locked: no two are added at once.
fn one_each(tx: &mut dyn Tx, key: &KeyRecord) -> Result<()> {
    let Some(person) = &key.person else { return Ok(()) };
    let sql = "SELECT id, person FROM api_keys WHERE person IS NOT NULL AND revoked_at IS NULL ORDER BY created_at, id";
    for mut row in tx.query(sql, &[])? {
        let (id, other) = (row.text()?, row.text()?);
        if other == *person {
            let problem = format!("{other} has a key already: {id}");
            return Err(UserError::new(Code::Conflict, "the person", problem, "Revoke that key first").into());
        }
        if is_same_person(&other, person) {
            let problem = format!("nobody can tell that name from {other:?}, who has the key {id}");
            let next =
                "Give this person a name that differs in more than capitals, spaces and look-alike letters";
            return Err(UserError::new(Code::Conflict, "the person", problem, next).into());
        }
    }
    Ok(())
}

/// All API keys, oldest first.
pub(super) fn all(tx: &mut dyn Tx) -> Result<Vec<KeyRecord>> {
    let sql = format!(
        "SELECT (SELECT a.detail FROM audit_log a WHERE a.subject = k.id AND a.action IN {KEY_ACTIONS}
            ORDER BY a.seq DESC LIMIT 1), {} FROM api_keys k ORDER BY k.created_at, k.id",
        columns_of(Kind::Key)
    );
    tx.query(&sql, &[])?.into_iter().map(read).collect()
}

/// A row of the newest entry's detail and the columns of a key.
fn read(mut row: Row) -> Result<KeyRecord> {
    let detail = row.maybe_text()?;
    let columns = row.values();
    let mut row = Row::new(columns.clone());
    let id = row.text()?;
    let altered = !is_told(Kind::Key, &columns, &id, detail.as_deref());
    let (name, hash) = (row.text()?, row.text()?);
    let (scopes, customers) = (row.json(), row.json());
    // Of one that was altered, nothing needs to make sense: the other keys are read all the same.
    let (scopes, customers) = if altered {
        (scopes.unwrap_or_default(), customers.unwrap_or_else(|_| CustomerSet::Only(BTreeSet::new())))
    } else {
        (scopes?, customers?)
    };
    Ok(KeyRecord {
        altered,
        id,
        name,
        hash,
        scopes,
        customers,
        created_at: row.time()?,
        expires_at: row.maybe_time()?,
        revoked_at: row.maybe_time()?,
        person: row.maybe_text()?,
    })
}

/// Takes `customer` out of the keys that are held to it; a key that is held to nobody else is revoked and loses its name, in
/// which the customer's often stands. Gives how many keys that were.
pub(super) fn forget(
    tx: &mut dyn Tx,
    log: &mut Log,
    customer: &str,
    actor: &str,
    now: Timestamp,
) -> Result<u64> {
    let mut changed = 0;
    for key in all(tx)? {
        let CustomerSet::Only(mut these) = key.customers else { continue };
        if !these.remove(customer) {
            continue;
        }
        changed += 1;
        let last = these.is_empty();
        let customers = json(&these)?;
        let sql = "UPDATE api_keys SET customers = $2, revoked_at = COALESCE(revoked_at, $3), name = $4 WHERE id = $1";
        let revoked_at = if last { Some(now) } else { None };
        let name = if last { "of a forgotten customer" } else { &key.name };
        let values = [(&key.id).into(), Value::from(&customers), revoked_at.into(), name.into()];
        tx.execute(sql, &values)?;
        let action = if last { "key_revoke" } else { "key_change" };
        let detail = json!({"scopes": key.scopes, "customers": log.salted(&customers)});
        log.add(tx, Note { actor, action, subject: &key.id, detail })?;
    }
    Ok(changed)
}
