//! The store itself: every statement is written once, here and below, for both engines.
//!
//! Knows no engine. `$1` stands for the first value; `rows($1)` for many rows in it; ` FOR UPDATE` and ` FOR UPDATE SKIP LOCKED`
//! are left out by the engine that has one writer. Every transaction that writes to the audit log locks its head first,
//! so that such transactions come one after another and never wait for each other in a circle.

mod acting;
mod answers;
mod clock;
mod connections;
pub(crate) mod days;
mod decisions;
mod events;
mod evidence;
mod facts;
mod grants;
mod jobs;
mod keys;
mod lanes;
mod meant;
mod outbox;
mod outcomes;
mod programme;
pub(crate) mod restored;
mod reviews;
mod seen_actions;
pub(crate) mod sessions;
mod upkeep;
pub(crate) mod users;

use firstline_fault::{InternalError, Result};

use crate::db::{Db, Tx, Value};
use crate::{CustomerSet, PAGE_BYTES};

#[cfg(test)]
pub(crate) use facts::statements;

/// A [`Store`](crate::Store) on any engine.
#[derive(Debug)]
pub(crate) struct Shelf<D> {
    pub(crate) db: D,
}

impl<D: Db> Shelf<D> {
    /// Runs `body` in a transaction.
    pub(crate) fn write<T>(&self, mut body: impl FnMut(&mut dyn Tx) -> Result<T>) -> Result<T> {
        let mut out = None;
        self.db.write(&mut |tx| {
            out = Some(body(tx)?);
            Ok(())
        })?;
        out.ok_or_else(|| InternalError::new("a transaction was not run").into())
    }

    /// Runs `body`, which changes nothing, in a transaction that waits for no writer.
    fn read<T>(&self, mut body: impl FnMut(&mut dyn Tx) -> Result<T>) -> Result<T> {
        let mut out = None;
        self.db.read(&mut |tx| {
            out = Some(body(tx)?);
            Ok(())
        })?;
        out.ok_or_else(|| InternalError::new("a transaction was not run").into())
    }
}

/// Adds to `sql` that `column` is one of `customers`, and to `values` who they are.
fn of_customers(sql: &mut String, values: &mut Vec<Value>, column: &str, customers: &CustomerSet) {
    let CustomerSet::Only(these) = customers else { return };
    if these.is_empty() {
        sql.push_str(" AND 1 = 0");
        return;
    }
    let places: Vec<_> = (1..=these.len()).map(|i| format!("${}", values.len() + i)).collect();
    sql.push_str(&format!(" AND {column} IN ({})", places.join(", ")));
    values.extend(these.iter().map(Value::from));
}

/// How many of the first rows of `sql` make a page of at most `limit`, and whether there are more. Its first column is a row's
/// bytes, its last value how many rows it looks at. A page has at least one row, where there is one.
fn page(tx: &mut dyn Tx, sql: &str, values: &[Value], limit: usize) -> Result<(usize, bool)> {
    let values = [values, &[limit.saturating_add(1).into()]].concat();
    let rows = tx.query(sql, &values)?;
    let (all, mut fits, mut bytes) = (rows.len(), 0, 0);
    for mut row in rows.into_iter().take(limit) {
        bytes += row.int()?.unsigned_abs() as usize;
        if fits > 0 && bytes > PAGE_BYTES {
            break;
        }
        fits += 1;
    }
    Ok((fits, all > fits))
}

/// The bytes of a page's rows: of `columns` together.
fn bytes_of(columns: &[&str]) -> String {
    let one = |column: &&str| format!("COALESCE(octet_length({column}), 0)");
    format!("CAST({} AS BIGINT)", columns.iter().map(one).collect::<Vec<_>>().join(" + "))
}

/// The name that serde writes an enum's variant as.
fn name(of: impl serde::Serialize) -> Result<Value> {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(text)) => Ok(Value::Text(text)),
        _ => Err(InternalError::new("naming a state for the store").into()),
    }
}
