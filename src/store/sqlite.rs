//! SQLite: one file, one writer, readers that never wait for it.
//!
//! Knows no table. Never makes a file that others may read, and never writes to one that is not a store.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firstline_fault::{Error, InternalError, Result, UserError};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::db::{Body, Db, Row, STEPS, Tx, Value, fault, migrate};
use crate::pool::Pool;

/// How long a statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(15);
/// Readers at a time.
const READERS: usize = 4;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 128;
/// How a column that counts up by itself is written; no number ever comes again.
const IDENTITY: &str = "INTEGER PRIMARY KEY AUTOINCREMENT";

/// A store in a file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Pool<Connection>,
    readers: Pool<Connection>,
}

impl Sqlite {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // SQLite takes some names, such as `:memory:`, for something else than a file.
        let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
        private(&path, OpenOptions::new().create(true)).map_err(|e| unusable(&path, &e))?;
        let store = Self { path, writer: Pool::new(1), readers: Pool::new(READERS) };
        let place = store.place();
        store.examine()?;
        store.write(&mut |tx| migrate(tx, STEPS, IDENTITY, &place))?;
        Ok(store)
    }

    /// Looks whether the file is a store, or empty, before anything is written to it.
    fn examine(&self) -> Result<()> {
        let look = || {
            let file = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            file.busy_timeout(PATIENCE)?;
            let sql = "SELECT COUNT(*) > 0 AND COUNT(*) FILTER (WHERE name = 'meta') = 0 FROM sqlite_schema";
            file.query_row(sql, [], |row| row.get(0))
        };
        if look().map_err(|e| told(&self.place(), &e))? {
            return Err(fault(&self.place(), "it is another program's database", "Name another file"));
        }
        Ok(())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn connect(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // In this order: WAL first. FULL: what was accepted survives a power cut. Deleted words are overwritten.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
            )?;
            Ok(connection)
        };
        open().map_err(|e| told(&self.place(), &e))
    }
}

impl Db for Sqlite {
    fn write(&self, body: Body<'_>) -> Result<()> {
        let mut writer = self.writer.lend(|| self.connect())?;
        in_tx(&mut writer, &self.place(), TransactionBehavior::Immediate, body)
    }

    fn read(&self, body: Body<'_>) -> Result<()> {
        let mut reader = self.readers.lend(|| self.connect())?;
        in_tx(&mut reader, &self.place(), TransactionBehavior::Deferred, body)
    }

    fn wipe(&self) -> Result<bool> {
        let writer = self.writer.lend(|| self.connect())?;
        let wipe = || {
            // Where a reader holds it up for longer, a later checkpoint does it: nobody is to wait for that.
            writer.busy_timeout(Duration::from_secs(1))?;
            let wiped = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            let busy: i64 = writer.busy_timeout(PATIENCE).and(wiped)?;
            Ok(busy == 0)
        };
        wipe().map_err(|e| told(&self.place(), &e))
    }

    fn backup(&self, to: &Path) -> Result<()> {
        let exists = || UserError::io(to.display(), &std::io::ErrorKind::AlreadyExists.into());
        if to.symlink_metadata().is_ok() {
            return Err(exists().into());
        }
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = to.with_file_name(name);
        let io = |e: &std::io::Error| Error::from(UserError::io(partial.display(), e));
        private(&partial, OpenOptions::new().create_new(true)).map_err(|e| io(&e))?;
        let copied = self.copy(&partial).and_then(|()| {
            // Every byte is on the disk before the name says that it is a backup.
            let file = OpenOptions::new().write(true).open(&partial).and_then(|file| file.sync_all());
            let named = file.and_then(|()| match to.symlink_metadata() {
                Ok(_) => Err(std::io::ErrorKind::AlreadyExists.into()),
                Err(_) => std::fs::rename(&partial, to),
            });
            named.map_err(|e| UserError::io(to.display(), &e).into())
        });
        if copied.is_err() {
            let _ = std::fs::remove_file(&partial);
        }
        copied
    }
}

impl Sqlite {
    /// In one step: a reader's view of one moment, while writers go on.
    fn copy(&self, to: &Path) -> Result<()> {
        let from = self.readers.lend(|| self.connect())?;
        let copy = || {
            let mut to = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let backup = rusqlite::backup::Backup::new(&from, &mut to)?;
            backup.run_to_completion(i32::MAX, Duration::from_millis(50), None)
        };
        copy().map_err(|e| told(&to.display().to_string(), &e))
    }
}

/// Makes the file, for its owner alone.
fn private(path: &Path, options: &mut OpenOptions) -> std::io::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path).map(drop)
}

fn unusable(path: &Path, e: &std::io::Error) -> Error {
    let next = "Check that its folder exists and that you may write there, or name another file";
    fault(&path.display().to_string(), e.to_string(), next)
}

fn in_tx(
    connection: &mut Connection,
    place: &str,
    behavior: TransactionBehavior,
    body: Body<'_>,
) -> Result<()> {
    let tx = connection.transaction_with_behavior(behavior).map_err(|e| told(place, &e))?;
    // Dropped where the body fails or panics, it takes everything back.
    let mut tx = SqliteTx { tx, place };
    body(&mut tx)?;
    tx.tx.commit().map_err(|e| told(place, &e))
}

struct SqliteTx<'a> {
    tx: Transaction<'a>,
    place: &'a str,
}

/// SQLite has one writer: there is nobody to lock a row against.
fn dialect(sql: &str) -> String {
    // Of each row, `jsonb_each` gives bytes to look into, where `json_each` would write its text for every column.
    sql.replace("rows($1)", "jsonb_each($1)")
        .replace('$', "?")
        .replace(" FOR UPDATE SKIP LOCKED", "")
        .replace(" FOR UPDATE", "")
}

impl Tx for SqliteTx<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let run = || {
            let mut statement = self.tx.prepare_cached(&dialect(sql))?;
            statement.execute(rusqlite::params_from_iter(values))
        };
        run().map(|n| n as u64).map_err(|e| told(self.place, &e))
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let run = || {
            let mut statement = self.tx.prepare_cached(&dialect(sql))?;
            let width = statement.column_count();
            let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
                (0..width)
                    .map(|i| Ok(value(row.get_ref(i)?)))
                    .collect::<rusqlite::Result<Vec<_>>>()
                    .map(Row::new)
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        run().map_err(|e| told(self.place, &e))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.tx.execute_batch(sql).map_err(|e| told(self.place, &e))
    }
}

fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Int(n),
        ValueRef::Real(x) => Value::Real(x),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Real(x) => ValueRef::Real(*x),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// What SQLite says, with what to do about it.
fn told(place: &str, e: &rusqlite::Error) -> Error {
    let next = match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "It is no store, or a damaged one: name another file, or restore a backup"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "Another process writes to it: wait for that to end, then try again"
        }
        Some(ErrorCode::DiskFull) => "Make room on the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "Check that you may write it and its folder"
        }
        Some(ErrorCode::SystemIoFailure) => "Check the disk",
        _ => return InternalError::new(format!("using the store {place}: {e}")).into(),
    };
    fault(place, e.to_string(), next)
}
