//! SQLite: one file, one writer, readers that never wait for it.
//!
//! Knows no table. Never makes a file that others may read, and never writes to one that is not a store.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use firstline_fault::{Error, InternalError, Result, UserError};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::audit::bring_up;
use crate::db::{Body, Db, Row, Tx, Value, fault, token};
use crate::file::{StoreFile, private, sync_folder};
use crate::pool::Pool;

/// How long a statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(15);
/// Readers at a time.
const READERS: usize = 4;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 128;
/// How a column that counts up by itself is written; no number ever comes again.
const IDENTITY: &str = "INTEGER PRIMARY KEY AUTOINCREMENT";
/// Names this copy of the database: a backup gets another, so that a log of the original is not taken for its own.
const NAME_COPY: &str = "INSERT INTO meta (name, setting) VALUES ('copy', $1) ON CONFLICT (name) DO NOTHING";

/// A store in a file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Pool<Connection>,
    readers: Pool<Connection>,
    // Closed last: the lock that it may hold outlives every connection.
    file: StoreFile,
}

impl Sqlite {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::begin(StoreFile::open(path)?, |_| Ok(None))
    }

    /// Opens the file for the one process that serves from it, and reads all of it first: a damaged store is not served from.
    pub(crate) fn open_alone(path: &Path) -> Result<Self> {
        let file = StoreFile::open_alone(path)?;
        // After a crash the tables and their indexes are compared, too.
        let check = if file.was_cut_off() { "integrity_check" } else { "quick_check" };
        Self::begin(file, |connection| sound(connection, check))
    }

    /// Opens a copy of `backup`, and reads all of it first.
    pub(crate) fn open_whole(copy: &Path, backup: &Path) -> Result<Self> {
        let file = StoreFile::open(copy)?;
        let store = Self::begin(file, |connection| sound(connection, "integrity_check"));
        // The copy's name would tell nobody anything.
        store.map_err(|error| match error {
            Error::User(user) => UserError { place: backup.display().to_string(), ..user }.into(),
            other => other,
        })
    }

    fn begin(
        file: StoreFile,
        check: impl FnOnce(&Connection) -> rusqlite::Result<Option<String>>,
    ) -> Result<Self> {
        let store = Self { writer: Pool::new(1), readers: Pool::new(READERS), file };
        let place = store.file.place();
        store.examine(check)?;
        let (copy, mut mark) = (token()?, 0);
        store.write(&mut |tx| {
            bring_up(tx, IDENTITY, &place)?;
            tx.execute(NAME_COPY, &[copy.as_str().into()])?;
            mark = tx.first("PRAGMA application_id", &[])?.map_or(Ok(0), |mut row| row.int())?;
            if mark == 0 {
                mark = new_mark()?.into();
                tx.batch(&format!("PRAGMA application_id = {mark}"))?;
            }
            Ok(())
        })?;
        store.file.marked(u32::try_from(mark).unwrap_or_default());
        Ok(store)
    }

    /// Looks whether the file is a store, or empty, before anything is written to it.
    fn examine(&self, check: impl FnOnce(&Connection) -> rusqlite::Result<Option<String>>) -> Result<()> {
        let place = self.file.place();
        let told = |e: &rusqlite::Error| told(&place, e);
        let connection = Connection::open_with_flags(self.file.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|e| told(&e))?;
        // What is found not to belong here must not be written into the database when this connection ends.
        let look = || {
            connection.busy_timeout(PATIENCE)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            let sql = "SELECT COUNT(*) > 0 AND COUNT(*) FILTER (WHERE name = 'meta') = 0 FROM sqlite_schema";
            connection.query_row(sql, [], |row| row.get(0))
        };
        if look().map_err(|e| told(&e))? {
            return Err(fault(&place, "it is another program's database", "Name another file"));
        }
        if self.file.has_log() && !self.is_own_log(&connection) {
            let wal = self.file.sidecar("-wal");
            let problem = format!("the write-ahead log beside it is another database's: {}", wal.display());
            let next =
                "Run `firstline store restore BACKUP`; where the database is right as it is, delete the log";
            return Err(fault(&place, problem, next));
        }
        match check(&connection).map_err(|e| told(&e))? {
            None => Ok(()),
            Some(found) => Err(damaged(&place, &found)),
        }
    }

    /// Whether SQLite's log continues this database: what the database says of itself without the log still holds with it.
    fn is_own_log(&self, with: &Connection) -> bool {
        let says = |connection: &Connection, name: &str| -> rusqlite::Result<String> {
            connection.query_row("SELECT setting FROM meta WHERE name = ?1", [name], |row| row.get(0))
        };
        let path = self.file.sidecar("").to_string_lossy().into_owned();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        let written = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
        let uri = format!("file:{}?immutable=1", path.bytes().map(written).collect::<String>());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let alone = Connection::open_with_flags(uri, flags)
            .and_then(|alone| Ok((says(&alone, "copy")?, says(&alone, "head")?)));
        // Cut off while the log was being written into it, the database may say nothing without the log.
        let Ok((copy, head)) = alone else { return true };
        let continues = |head: &str| {
            let Some((seq, hash)) = head.split_once(':') else { return Ok(true) };
            let sql = "SELECT COUNT(*) > 0 FROM audit_log WHERE seq = CAST(?1 AS INTEGER) AND hash = ?2";
            with.query_row(sql, [seq, hash], |row| row.get(0))
        };
        says(with, "copy").is_ok_and(|now| now == copy) && continues(&head).unwrap_or(true)
    }

    fn place(&self) -> String {
        self.file.place()
    }

    fn connect(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(self.file.path(), flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // In this order: WAL first. FULL: what was accepted survives a power cut. Deleted words are overwritten.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
            )?;
            Ok(connection)
        };
        let connection = open().map_err(|e| told(&self.place(), &e))?;
        // What was opened is what is there.
        self.file.check()?;
        Ok(connection)
    }
}

impl Db for Sqlite {
    fn write(&self, body: Body<'_>) -> Result<()> {
        self.file.check()?;
        let mut writer = self.writer.lend(|| self.connect())?;
        in_tx(&mut writer, &self.place(), TransactionBehavior::Immediate, body)?;
        // While this connection is open, nobody else takes SQLite's files away.
        self.file.settled();
        // What was written to a file that is gone is not on record.
        self.file.check()
    }

    fn read(&self, body: Body<'_>) -> Result<()> {
        self.file.check()?;
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

    fn has_room(&self) -> Result<()> {
        self.file.has_room()
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
                Err(_) => std::fs::rename(&partial, to).and_then(|()| sync_folder(to)),
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
    /// In one step: a reader's view of one moment, while writers go on. Both are read through: a damaged copy is no backup.
    fn copy(&self, to: &Path) -> Result<()> {
        self.file.check()?;
        let from = self.readers.lend(|| self.connect())?;
        let place = self.place();
        if let Some(found) = sound(&from, "quick_check").map_err(|e| told(&place, &e))? {
            return Err(damaged(&place, &found));
        }
        let (name, mark) = (token()?, new_mark()?);
        let copy = || {
            let mut to = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let backup = rusqlite::backup::Backup::new(&from, &mut to)?;
            backup.run_to_completion(i32::MAX, Duration::from_millis(50), None)?;
            drop(backup);
            // One file, with nothing beside it.
            to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
            to.execute("UPDATE meta SET setting = ?1 WHERE name = 'copy'", [&name])?;
            to.pragma_update(None, "application_id", mark)?;
            sound(&to, "integrity_check")
        };
        match copy().map_err(|e| told(&to.display().to_string(), &e))? {
            None => self.file.check(),
            Some(found) => Err(damaged(&place, &found)),
        }
    }
}

/// Where the store's file is gone, what is left of it is not written into what is there now.
impl Drop for Sqlite {
    fn drop(&mut self) {
        if self.file.check().is_err() {
            for connection in self.writer.take_idle().into_iter().chain(self.readers.take_idle()) {
                let _kept = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            }
        }
    }
}

/// Reads of a store that is about to be replaced, with what its log holds, and changes nothing of either.
pub(crate) fn look(path: &Path, body: Body<'_>) -> Result<()> {
    let place = path.display().to_string();
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| told(&place, &e))?;
    in_tx(&mut connection, &place, TransactionBehavior::Deferred, body)
}

/// A number for a database's header that no other copy has; neither 0, which all others have, nor negative.
pub(crate) fn new_mark() -> Result<i32> {
    let digits = token()?;
    Ok(i32::from_str_radix(&digits[..7], 16).unwrap_or_default() | 1)
}

/// Reads the whole database; gives the first thing that is wrong with it.
fn sound(connection: &Connection, check: &str) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row(&format!("PRAGMA {check}(1)"), [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// What SQLite found may quote a row.
fn damaged(place: &str, found: &str) -> Error {
    let what = found.lines().find(|line| !line.starts_with("***")).unwrap_or_default();
    let problem = format!("it is damaged: {}", what.chars().take(120).collect::<String>());
    fault(place, problem, RESTORE)
}

/// What to do about a damaged store.
const RESTORE: &str = "Restore a backup: `firstline store restore BACKUP --store FILE`";

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
            "It is no store, or a damaged one: name another file, or run `firstline store restore BACKUP`"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "Another process writes to it: wait for that to end, then try again"
        }
        Some(ErrorCode::DiskFull) => "Make room on the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "Check that you may write it and its folder"
        }
        Some(ErrorCode::SystemIoFailure) => "Check the disk, and whether a quota is used up",
        _ => return InternalError::new(format!("using the store {place}: {e}")).into(),
    };
    fault(place, e.to_string(), next)
}
