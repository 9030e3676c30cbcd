//! Connections to service desks, and their leases.

use firstline_fault::{InternalError, Result};
use jiff::Timestamp;

use super::Shelf;
use crate::db::{Db, Row, Tx};
use crate::{Connection, ConnectionLease, Connections};

const COLUMNS: &str = "name, owner, lease_until, cursor, updated_at";

impl<D: Db> Connections for Shelf<D> {
    fn lease_connection(&self, lease: &ConnectionLease<'_>, now: Timestamp) -> Result<Connection> {
        self.write(|tx| {
            // One statement takes it, renews it or leaves it: two processes that ask at once can't both have it.
            let sql = "INSERT INTO connections (name, owner, lease_until, cursor, updated_at) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until,
                    cursor = COALESCE(excluded.cursor, connections.cursor), updated_at = excluded.updated_at
                WHERE connections.owner = excluded.owner OR connections.lease_until <= excluded.updated_at";
            let values =
                [lease.name.into(), lease.owner.into(), lease.until.into(), lease.cursor.into(), now.into()];
            tx.execute(sql, &values)?;
            let sql = format!("SELECT {COLUMNS} FROM connections WHERE name = $1");
            let row = tx.first(&sql, &[lease.name.into()])?;
            read(row.ok_or_else(|| InternalError::new("a connection is gone that was just written"))?)
        })
    }

    fn connections(&self) -> Result<Vec<Connection>> {
        self.read(|tx: &mut dyn Tx| {
            let sql = format!("SELECT {COLUMNS} FROM connections ORDER BY name");
            tx.query(&sql, &[])?.into_iter().map(read).collect()
        })
    }
}

fn read(mut row: Row) -> Result<Connection> {
    Ok(Connection {
        name: row.text()?,
        owner: row.text()?,
        lease_until: row.time()?,
        cursor: row.maybe_text()?,
        updated_at: row.time()?,
    })
}
