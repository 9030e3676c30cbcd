//! The programme: when it started, what was signed, what was granted, what is on hold.
//!
//! Rows are only ever added. Every change locks the audit log's head first, so that no two are made in view of the same state.

use firstline_fault::Result;
use firstline_ticket::is_same_person;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use super::{Shelf, grants};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, fault, json, list, token};
use crate::{
    Author, Cell, CriteriaRecord, Effective, GrantRecord, GrantScope, Held, HoldRecord, NewGrant, NewHold,
    NewProgramme, NewSignature, ProgrammeRecord, Programmes, SignatureRecord, Signing,
};

impl<D: Db> Programmes for Shelf<D> {
    fn start_programme(&self, programme: &NewProgramme, now: Timestamp) -> Result<ProgrammeRecord> {
        let nonce = token()?;
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql =
                "INSERT INTO programmes (started_on, pilots, at, actor, nonce) VALUES ($1, $2, $3, $4, $5)
                RETURNING id, started_on, pilots, at, actor";
            let pilots = json(&programme.pilots)?;
            let values = [
                (&programme.started_on.to_string()).into(),
                Value::Text(pilots.clone()),
                now.into(),
                (&programme.by.person).into(),
                nonce.as_str().into(),
            ];
            let record = tx.first(sql, &values)?.map(read).transpose()?;
            let record = record.ok_or_else(|| fault("the store", "it gave no number", "Report this"))?;
            let detail = json!({"started_on": record.started_on, "pilots": log.salted(&pilots)});
            let subject = record.id.to_string();
            log.add(tx, Note { actor: &programme.by.actor, action: "programme", subject: &subject, detail })?;
            Ok(record)
        })
    }

    fn programme(&self) -> Result<Option<ProgrammeRecord>> {
        let sql = "SELECT id, started_on, pilots, at, actor FROM programmes ORDER BY id DESC LIMIT 1";
        self.read(|tx| tx.first(sql, &[])?.map(read).transpose())
    }

    fn add_criteria(&self, text: &str, sha: &str, by: &Author, now: Timestamp) -> Result<u32> {
        let nonce = token()?;
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql = "SELECT version, sha FROM criteria ORDER BY version DESC LIMIT 1";
            let mut version = 1;
            if let Some(mut row) = tx.first(sql, &[])? {
                let newest = row.int()?;
                if row.text()? == sha {
                    return number(newest);
                }
                version = newest + 1;
            }
            let sql =
                "INSERT INTO criteria (version, text, sha, at, actor, nonce) VALUES ($1, $2, $3, $4, $5, $6)";
            let values = [
                version.into(),
                text.into(),
                sha.into(),
                now.into(),
                (&by.person).into(),
                nonce.as_str().into(),
            ];
            tx.execute(sql, &values)?;
            let (subject, detail) = (version.to_string(), json!({"sha": sha}));
            log.add(tx, Note { actor: &by.actor, action: "criteria", subject: &subject, detail })?;
            number(version)
        })
    }

    fn criteria(&self) -> Result<Vec<CriteriaRecord>> {
        let sql = "SELECT version, text, sha, at, actor FROM criteria ORDER BY version";
        let signed = "SELECT version, person, typed_name, role, at FROM signatures ORDER BY at, id";
        self.read(|tx| {
            let rows = tx.query(sql, &[])?.into_iter().map(|mut row| {
                Ok(CriteriaRecord {
                    version: number(row.int()?)?,
                    text: row.text()?,
                    sha: row.text()?,
                    at: row.time()?,
                    by: row.text()?,
                    signatures: Vec::new(),
                })
            });
            let mut versions = rows.collect::<Result<Vec<CriteriaRecord>>>()?;
            for mut row in tx.query(signed, &[])? {
                let version = number(row.int()?)?;
                let (person, typed_name) = (row.text()?, row.text()?);
                let signature = SignatureRecord { person, typed_name, role: row.text()?, at: row.time()? };
                let of = versions.iter_mut().find(|criteria| criteria.version == version);
                of.into_iter().for_each(|criteria| criteria.signatures.push(signature.clone()));
            }
            Ok(versions)
        })
    }

    fn sign(&self, signature: &NewSignature, now: Timestamp) -> Result<Signing> {
        let nonce = token()?;
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let NewSignature { version, sha, by, typed_name, role } = signature;
            let version = i64::from(*version);
            let sql = "SELECT version FROM criteria WHERE version = $1 AND sha = $2";
            if tx.first(sql, &[version.into(), sha.into()])?.is_none() {
                return Ok(Signing::Missing);
            }
            let others = tx.query("SELECT person FROM signatures WHERE version = $1", &[version.into()])?;
            for mut row in others {
                if is_same_person(&row.text()?, &by.person) {
                    return Ok(Signing::Already);
                }
            }
            let sql = "INSERT INTO signatures (version, person, typed_name, role, at, nonce) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (version, person) DO NOTHING RETURNING id";
            let values = [
                version.into(),
                (&by.person).into(),
                typed_name.into(),
                role.into(),
                now.into(),
                nonce.as_str().into(),
            ];
            let Some(mut row) = tx.first(sql, &values)? else { return Ok(Signing::Already) };
            let subject = row.int()?.to_string();
            let detail = json!({"version": version, "sha": sha, "person": log.salted(&by.person)});
            log.add(tx, Note { actor: &by.actor, action: "sign", subject: &subject, detail })?;
            Ok(Signing::Signed)
        })
    }

    fn grant(&self, grant: &NewGrant, now: Timestamp) -> Result<i64> {
        self.write(|tx| grants::grant(tx, grant, now))
    }

    fn grants(&self, newest_only: bool) -> Result<Vec<GrantRecord>> {
        self.read(|tx| grants::grants(tx, newest_only))
    }

    fn effective(&self, cells: &[Cell<'_>]) -> Result<Vec<Effective>> {
        self.read(|tx| grants::effective(tx, cells))
    }

    fn is_known(&self, scope: &GrantScope) -> Result<bool> {
        let mut sql = "SELECT 1 FROM decisions d JOIN tickets t ON t.id = d.ticket_id WHERE 1 = 1".to_owned();
        let named =
            [("t.customer", &scope.customer), ("d.board", &scope.board), ("d.type", &scope.ticket_type)];
        let mut values = Vec::new();
        for (column, name) in named {
            if let Some(name) = name {
                values.push(name.into());
                sql.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        sql.push_str(" LIMIT 1");
        Ok(values.is_empty() || self.read(|tx| tx.first(&sql, &values))?.is_some())
    }

    fn hold(&self, hold: &NewHold, now: Timestamp) -> Result<Held> {
        self.write(|tx| grants::hold(tx, hold, now))
    }

    fn release_hold(&self, hold: i64, by: &Author, reason: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| grants::release(tx, hold, (by, reason), now))
    }

    fn holds(&self, in_force_only: bool) -> Result<Vec<HoldRecord>> {
        self.read(|tx| grants::holds(tx, in_force_only))
    }
}

fn number(version: i64) -> Result<u32> {
    let odd = |_| fault("the store", "a version's number can't be read", "Restore a backup");
    u32::try_from(version).map_err(odd)
}

fn read(mut row: Row) -> Result<ProgrammeRecord> {
    let (id, started_on) = (row.int()?, date(&row.text()?)?);
    Ok(ProgrammeRecord { id, started_on, pilots: row.json()?, at: row.time()?, by: row.text()? })
}

/// A day as the store keeps it.
pub(super) fn date(text: &str) -> Result<Date> {
    text.parse().map_err(|_| fault("the store", "a day can't be read", "Restore a backup"))
}

/// All customers that ever were pilots.
pub(super) fn pilots(tx: &mut dyn Tx) -> Result<Vec<String>> {
    let rows = tx.query("SELECT pilots FROM programmes", &[])?;
    let pilots = rows.into_iter().map(|mut row| row.json::<Vec<String>>());
    Ok(pilots.collect::<Result<Vec<_>>>()?.concat())
}

/// Takes `customer` out of the pilots. Gives how many programmes that were.
pub(super) fn forget(tx: &mut dyn Tx, log: &mut Log, customer: &str, actor: &str) -> Result<u64> {
    let mut changed = 0;
    for mut row in tx.query("SELECT id, started_on, pilots FROM programmes ORDER BY id", &[])? {
        let (id, started_on, mut pilots) = (row.int()?, row.text()?, row.json::<Vec<String>>()?);
        let before = pilots.len();
        pilots.retain(|pilot| pilot != customer);
        if pilots.len() == before {
            continue;
        }
        changed += 1;
        let pilots = json(&pilots)?;
        let sql = "UPDATE programmes SET pilots = $2 WHERE id = $1";
        tx.execute(sql, &[id.into(), Value::Text(pilots.clone())])?;
        let detail = json!({"started_on": started_on, "pilots": log.salted(&pilots)});
        log.add(tx, Note { actor, action: "programme", subject: &id.to_string(), detail })?;
    }
    Ok(changed)
}

/// Deletes the rows of `table` that are about `customer` alone. Gives how the audit log names them.
pub(super) fn forget_rows(
    tx: &mut dyn Tx,
    (table, key, name): (&str, &str, &str),
    customer: &str,
) -> Result<Vec<serde_json::Value>> {
    let sql = format!("SELECT {key} FROM {table} WHERE customer = $1 ORDER BY {key}");
    let rows = tx.query(&sql, &[customer.into()])?;
    let keys = rows.into_iter().map(|mut row| row.text()).collect::<Result<Vec<_>>>()?;
    let sql = format!("DELETE FROM {table} WHERE {key} IN (SELECT value ->> 0 FROM rows($1))");
    tx.execute(&sql, &[list(&keys)?])?;
    Ok(keys.into_iter().map(|key| json!([name, key])).collect())
}
