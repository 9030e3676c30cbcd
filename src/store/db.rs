//! What the one SQL text needs of an engine: transactions, four kinds of values, and many rows in one of them.
//!
//! Knows no table. A [`Db`] never hands out a connection that another transaction is using.

use std::fmt;

use firstline_fault::{Code, InternalError, Result, UserError};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What goes into a statement and comes out of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

/// `text` without NUL characters, which PostgreSQL has no place for: the symbol for them stands instead, on both engines.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(clean(text))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        // SQLite takes not-a-number for null; so do we everywhere.
        if x.is_nan() { Self::Null } else { Self::Real(x) }
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.as_microsecond())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(maybe: Option<T>) -> Self {
        maybe.map_or(Self::Null, Into::into)
    }
}

/// JSON text of `data`, in which serde has escaped whatever an engine might not take.
pub(crate) fn json(data: &impl Serialize) -> Result<String> {
    serde_json::to_string(data)
        .map_err(|e| InternalError::new(format!("writing JSON for the store: {e}")).into())
}

/// Rows that one statement takes at most, and bytes of text in them: the last row may go beyond.
const MOST_ROWS: usize = 1_000;
const MOST_BYTES: usize = 8 << 20;

/// A list of one column, however long, as one value: `rows($1)` stands for it in a statement, `value ->> 0` for the column as
/// text. The statement's text is the same for any number, so that it is prepared once.
pub(crate) fn list<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Result<Value> {
    let rows: Vec<[Value; 1]> = values.into_iter().map(|value| [value.into()]).collect();
    Ok(Value::Text(json(&rows)?))
}

/// Runs `sql` on all `rows`, as few times as their size allows: `rows($1)` stands for them, `value ->> n` for a column as text,
/// and `$2` for the first of `others`. Gives how many rows it touched.
pub(crate) fn execute_rows(tx: &mut dyn Tx, sql: &str, rows: &[Vec<Value>], others: &[Value]) -> Result<u64> {
    let bytes = |row: &Vec<Value>| {
        row.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 8 }).sum::<usize>()
    };
    let (mut rest, mut touched) = (rows, 0);
    while !rest.is_empty() {
        let mut room = MOST_BYTES;
        let fits = rest.iter().take(MOST_ROWS).take_while(|row| {
            let before = room;
            room = room.saturating_sub(bytes(row));
            before > 0
        });
        let (these, after) = rest.split_at(fits.count());
        let mut values = vec![Value::Text(json(&these)?)];
        values.extend_from_slice(others);
        touched += tx.execute(sql, &values)?;
        rest = after;
    }
    Ok(touched)
}

/// A row, read from left to right.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// All that is left of it.
    pub(crate) fn values(self) -> Vec<Value> {
        self.0.collect()
    }

    fn odd<T>(found: &Value) -> Result<T> {
        // The value itself may be somebody's words.
        let kind = match found {
            Value::Null => "null",
            Value::Int(_) => "a number",
            Value::Real(_) => "a fraction",
            Value::Text(_) => "text",
        };
        Err(InternalError::new(format!("reading a row of the store: {kind} where something else was due"))
            .into())
    }

    fn take(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }

    pub(crate) fn maybe_int(&mut self) -> Result<Option<i64>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Int(n) => Ok(Some(n)),
            other => Self::odd(&other),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.maybe_int()?.map_or_else(|| Self::odd(&Value::Null), Ok)
    }

    pub(crate) fn maybe_real(&mut self) -> Result<Option<f64>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Real(x) => Ok(Some(x)),
            other => Self::odd(&other),
        }
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other => Self::odd(&other),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.maybe_text()?.map_or_else(|| Self::odd(&Value::Null), Ok)
    }

    pub(crate) fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        let time = |us| {
            Timestamp::from_microsecond(us)
                .map_err(|e| InternalError::new(format!("reading a time from the store: {e}")).into())
        };
        self.maybe_int()?.map(time).transpose()
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.maybe_time()?.map_or_else(|| Self::odd(&Value::Null), Ok)
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|e| {
                let context = format!("reading JSON from the store, column {}", e.column());
                InternalError::new(context).into()
            })
        };
        self.maybe_text()?.map(parse).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.maybe_json()?.map_or_else(|| Self::odd(&Value::Null), Ok)
    }

    /// A name of an enum whose variants serde writes as plain strings.
    pub(crate) fn name<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.maybe_name()?.map_or_else(|| Self::odd(&Value::Null), Ok)
    }

    pub(crate) fn maybe_name<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(text) = self.maybe_text()? else { return Ok(None) };
        serde_json::from_value(serde_json::Value::String(text)).map(Some).map_err(|_| {
            InternalError::new("reading a state of the store that this version does not know").into()
        })
    }
}

/// A transaction. `$1` stands for the first value; a text is prepared once and kept. `rows($1)` stands for what [`list`] and
/// [`execute_rows`] give.
pub(crate) trait Tx {
    /// Runs a statement and gives how many rows it touched.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64>;

    /// Runs a query.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>>;

    /// Runs statements that have no values.
    fn batch(&mut self, sql: &str) -> Result<()>;

    /// The first row of a query.
    fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, values)?.into_iter().next())
    }
}

/// What is done in a transaction. It may be called again where the engine gave up the first try, so it must not count on
/// what it saw then.
pub(crate) type Body<'a> = &'a mut dyn FnMut(&mut dyn Tx) -> Result<()>;

/// An engine.
pub(crate) trait Db: Send + Sync + fmt::Debug {
    /// Runs `body` in a transaction: all of it holds, or nothing where it fails.
    fn write(&self, body: Body<'_>) -> Result<()>;

    /// Runs `body`, which changes nothing, in a transaction that waits for no writer.
    fn read(&self, body: Body<'_>) -> Result<()>;

    /// Whether there is room for what is to come, as far as this can be known without writing.
    fn has_room(&self) -> Result<()> {
        Ok(())
    }

    /// After words were deleted: sees to it that no copy is left lying about. Gives whether none is.
    fn wipe(&self) -> Result<bool>;

    /// Copies everything into a new file.
    fn backup(&self, to: &std::path::Path) -> Result<()>;
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    bytes.iter().flat_map(digits).map(char::from).collect()
}

/// A name that nothing else has.
pub(crate) fn token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
    Ok(hex(&bytes))
}

/// A fault of the engine at `place`.
pub(crate) fn fault(
    place: &str,
    problem: impl Into<String>,
    next: impl Into<String>,
) -> firstline_fault::Error {
    UserError::new(Code::Store, place, problem, next).into()
}

/// The versions of the schema, oldest first. A version that was released never changes.
pub(crate) const STEPS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0008.sql"),
    include_str!("schema/0009.sql"),
    include_str!("schema/0010.sql"),
];

/// The version of a store's schema; 0 where there is nothing yet.
pub(crate) fn version(tx: &mut dyn Tx, place: &str) -> Result<usize> {
    tx.batch("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, setting TEXT NOT NULL)")?;
    let found = tx.first("SELECT setting FROM meta WHERE name = 'version'", &[])?;
    let unread = |_| fault(place, "its version can't be read", "Restore a backup, or name another store");
    found.map_or(Ok(0), |mut row| row.text()?.parse().map_err(unread))
}

/// Brings a store to the newest version. The caller sees to it that nobody else is migrating. `identity` is how the engine
/// writes a column that counts up by itself.
pub(crate) fn migrate(tx: &mut dyn Tx, steps: &[&str], identity: &str, place: &str) -> Result<()> {
    let version = version(tx, place)?;
    if version > steps.len() {
        let problem = format!("it is of version {version}, newer than this program's {}", steps.len());
        return Err(fault(place, problem, "Run the newer Firstline, or restore a backup made by this one"));
    }
    if version == steps.len() {
        return Ok(());
    }
    for step in &steps[version..] {
        tx.batch(&step.replace("IDENTITY", identity))?;
    }
    let sql = "INSERT INTO meta (name, setting) VALUES ('version', $1)
        ON CONFLICT (name) DO UPDATE SET setting = excluded.setting";
    tx.execute(sql, &[Value::Text(steps.len().to_string())])?;
    // What words are hashed with in the audit log: another store's hashes tell nothing of this one's.
    let sql = "INSERT INTO meta (name, setting) VALUES ('salt', $1) ON CONFLICT (name) DO NOTHING";
    tx.execute(sql, &[Value::Text(salt()?)])?;
    Ok(())
}

/// 256 random bits.
fn salt() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
