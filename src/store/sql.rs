//! The store itself: every statement is written once, here and below, for both engines.
//!
//! Knows no engine. `$1` stands for the first value; `rows($1)` for many rows in it; ` FOR UPDATE` and ` FOR UPDATE SKIP LOCKED`
//! are left out by the engine that has one writer. Every transaction that writes to the audit log locks its head first,
//! so that such transactions come one after another and never wait for each other in a circle.

mod clock;
mod decisions;
mod jobs;
mod keys;
mod outbox;
mod outcomes;
mod reviews;
mod upkeep;

use firstline_fault::{InternalError, Result};

use crate::CustomerSet;
use crate::db::{Db, Tx, Value};

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

/// The name that serde writes an enum's variant as.
fn name(of: impl serde::Serialize) -> Result<Value> {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(text)) => Ok(Value::Text(text)),
        _ => Err(InternalError::new("naming a state for the store").into()),
    }
}
