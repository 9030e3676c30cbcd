//! API keys, deletion, and how much there is.
//!
//! Whatever is deleted, the audit log keeps that it was, and never the words.

use firstline_fault::Result;
use jiff::Timestamp;
use serde_json::json;

use super::jobs;
use crate::audit::{Log, hash_of};
use crate::db::{Tx, Value, clean, json};
use crate::{Backlog, Forgotten, JobFault, KeyRecord, Purged};

pub(super) fn add_key(tx: &mut dyn Tx, key: &KeyRecord, actor: &str, now: Timestamp) -> Result<()> {
    let mut log = Log::open(tx, now)?;
    let sql = "INSERT INTO api_keys (id, name, hash, scopes, customers, created_at, expires_at, revoked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
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
    ];
    tx.execute(sql, &values)?;
    let detail = json!({"scopes": key.scopes, "customers": hash_of(&customers)});
    log.add(tx, actor, "key_add", &key.id, &detail)
}

pub(super) fn keys(tx: &mut dyn Tx) -> Result<Vec<KeyRecord>> {
    let sql = "SELECT id, name, hash, scopes, customers, created_at, expires_at, revoked_at FROM api_keys
        ORDER BY created_at, id";
    let rows = tx.query(sql, &[])?;
    rows.into_iter()
        .map(|mut row| {
            Ok(KeyRecord {
                id: row.text()?,
                name: row.text()?,
                hash: row.text()?,
                scopes: row.json()?,
                customers: row.json()?,
                created_at: row.time()?,
                expires_at: row.maybe_time()?,
                revoked_at: row.maybe_time()?,
            })
        })
        .collect()
}

pub(super) fn revoke_key(tx: &mut dyn Tx, id: &str, actor: &str, now: Timestamp) -> Result<bool> {
    let mut log = Log::open(tx, now)?;
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    let revoked = tx.execute(sql, &[id.into(), now.into()])? > 0;
    if revoked {
        log.add(tx, actor, "key_revoke", id, &json!({}))?;
    }
    Ok(revoked)
}

/// How many the query counts.
fn number(tx: &mut dyn Tx, sql: &str, values: &[Value]) -> Result<u64> {
    let counted = tx.first(sql, values)?.map_or(Ok(0), |mut row| row.int())?;
    Ok(u64::try_from(counted).unwrap_or_default())
}

pub(super) fn forget(tx: &mut dyn Tx, customer: &str, actor: &str, now: Timestamp) -> Result<Forgotten> {
    let mut log = Log::open(tx, now)?;
    let whose = [Value::from(customer)];
    let fault = JobFault { code: "E_NOT_FOUND".to_owned(), message: "its customer was forgotten".to_owned() };
    let sql = "SELECT id FROM work WHERE customer = $1 AND state IN ('waiting', 'claimed') FOR UPDATE";
    let items = tx.query(sql, &whose)?;
    let mut work = items.len() as u64;
    for mut row in items {
        jobs::give_up(tx, row.int()?, &fault, now)?;
    }
    tx.execute("UPDATE work SET customer = NULL, ticket = NULL WHERE customer = $1", &whose)?;
    let tickets = "(SELECT id FROM tickets WHERE customer = $1)";
    let sql = format!("SELECT COUNT(*) FROM decisions WHERE ticket_id IN {tickets}");
    let decisions = number(tx, &sql, &whose)?;
    let sql = format!(
        "SELECT COUNT(*) FROM actions WHERE state IN ('waiting', 'claimed') AND ticket_id IN {tickets}"
    );
    work += number(tx, &sql, &whose)?;
    let sql = format!(
        "DELETE FROM work WHERE kind = 'draft'
        AND decision_id IN (SELECT id FROM decisions WHERE ticket_id IN {tickets})"
    );
    tx.execute(&sql, &whose)?;
    // Decisions, reviews, outcomes and actions go with their tickets.
    let tickets = tx.execute("DELETE FROM tickets WHERE customer = $1", &whose)?;
    let forgotten = Forgotten { tickets, decisions, work };
    log.add(tx, actor, "forget", &hash_of(&clean(customer)), &json!(forgotten))?;
    Ok(forgotten)
}

pub(super) fn purge(tx: &mut dyn Tx, before: Timestamp, now: Timestamp) -> Result<Purged> {
    let mut log = Log::open(tx, now)?;
    let when = [Value::from(before)];
    let live = "FROM actions WHERE state IN ('waiting', 'claimed')";
    let old = format!(
        "received_at < $1 AND draft_state NOT IN ('writing', 'pending') AND id NOT IN (SELECT decision_id {live})"
    );
    let of_old = format!("decision_id IN (SELECT id FROM decisions WHERE {old})");
    let sql =
        format!("UPDATE actions SET payload = NULL, fault = NULL WHERE payload IS NOT NULL AND {of_old}");
    tx.execute(&sql, &when)?;
    tx.execute(&format!("UPDATE reviews SET verdict = NULL WHERE verdict IS NOT NULL AND {of_old}"), &when)?;
    let drafts =
        tx.execute(&format!("UPDATE decisions SET draft = NULL WHERE draft IS NOT NULL AND {old}"), &when)?;
    let sql = "UPDATE outcomes SET reply = NULL WHERE reply IS NOT NULL
        AND ticket_id IN (SELECT id FROM tickets WHERE received_at < $1)";
    let replies = tx.execute(sql, &when)?;
    let sql = format!(
        "UPDATE tickets SET ticket = NULL WHERE ticket IS NOT NULL AND received_at < $1
        AND id NOT IN (SELECT ticket_id FROM decisions WHERE draft_state IN ('writing', 'pending'))
        AND id NOT IN (SELECT ticket_id {live})"
    );
    let tickets = tx.execute(&sql, &when)?;
    // Items of jobs lose their words when they are decided, but for those that were held when their job was called off.
    let sql = "UPDATE work SET ticket = NULL WHERE ticket IS NOT NULL AND received_at < $1
        AND job IN (SELECT id FROM jobs WHERE state = 'cancelled')";
    tx.execute(sql, &when)?;
    let purged = Purged { tickets, texts: drafts + replies };
    if purged != Purged::default() {
        log.add(tx, "firstline", "purge", &before.to_string(), &json!(purged))?;
    }
    Ok(purged)
}

pub(super) fn backlog(tx: &mut dyn Tx) -> Result<Backlog> {
    let work = "SELECT COUNT(*) FROM work WHERE kind = $1 AND state IN ('waiting', 'claimed')
        AND (job IS NULL OR job NOT IN (SELECT id FROM jobs WHERE state = 'cancelled'))";
    let actions = "SELECT COUNT(*) FROM actions WHERE state";
    Ok(Backlog {
        triage: number(tx, work, &["triage".into()])?,
        drafts: number(tx, work, &["draft".into()])?,
        reviews: number(tx, "SELECT COUNT(*) FROM decisions WHERE draft_state = 'pending'", &[])?,
        actions: number(tx, &format!("{actions} IN ('waiting', 'claimed')"), &[])?,
        failed_actions: number(tx, &format!("{actions} = 'failed'"), &[])?,
    })
}

pub(super) fn ping(tx: &mut dyn Tx) -> Result<()> {
    tx.execute("UPDATE meta SET setting = '' WHERE name = 'ping'", &[]).map(drop)
}

/// The tables that hold something.
#[cfg(test)]
const TABLES: [&str; 9] =
    ["tickets", "decisions", "reviews", "outcomes", "jobs", "work", "actions", "api_keys", "audit_log"];

#[cfg(test)]
pub(super) fn counts(tx: &mut dyn Tx) -> Result<std::collections::BTreeMap<String, u64>> {
    let mut counts = std::collections::BTreeMap::new();
    for table in TABLES {
        counts.insert(table.to_owned(), number(tx, &format!("SELECT COUNT(*) FROM {table}"), &[])?);
    }
    Ok(counts)
}
