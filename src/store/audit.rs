//! The audit log: a chain of entries, each with a hash over itself and the one before.
//!
//! `hash = sha256(seq | previous hash | at | actor | action | subject | detail)`, each part with its length before it, so that
//! nothing can move from one part to the next. To change, remove or insert an entry is to write all later hashes anew, which
//! shows against any older head that was kept. The log holds ids, labels and hashes, never anybody's words, so that it can outlive
//! them.

use firstline_fault::{Code, InternalError, Result, UserError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::db::{Tx, Value, clean, execute_rows, json};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, counted from 1, without gaps.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it: an API key's id, a command, or `firstline`.
    pub actor: String,
    /// What was done, such as `decide`, `review`, `forget`.
    pub action: String,
    /// To what: a decision's id, a key's.
    pub subject: String,
    /// More of it, as JSON text.
    pub detail: String,
    /// The hash of the entry before, hexadecimal; 64 zeros before the first.
    pub previous: String,
    /// This entry's, hexadecimal.
    pub hash: String,
}

/// What stands for the hash before the first entry.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl AuditEntry {
    /// The hash that the entry must have.
    pub(crate) fn due(&self) -> String {
        let mut hasher = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at.as_microsecond().to_string());
        let parts = [&seq, &self.previous, &at, &self.actor, &self.action, &self.subject, &self.detail];
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands in the log for words.
pub(crate) fn hash_of(words: &str) -> String {
    hex(&Sha256::digest(words))
}

/// The same of what `data` is in JSON, which is never held as a whole.
pub(crate) fn hash_of_json(data: &impl Serialize) -> Result<String> {
    struct Words(Sha256);
    impl std::io::Write for Words {
        fn write(&mut self, words: &[u8]) -> std::io::Result<usize> {
            self.0.update(words);
            Ok(words.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut words = Words(Sha256::new());
    serde_json::to_writer(&mut words, data)
        .map_err(|e| InternalError::new(format!("hashing for the store: {e}")))?;
    Ok(hex(&words.0.finalize()))
}

/// What an entry is to say.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) detail: serde_json::Value,
}

/// The end of the log, held until the transaction ends: other writers wait.
#[derive(Debug)]
pub(crate) struct Log {
    seq: i64,
    hash: String,
    at: Timestamp,
}

impl Log {
    /// Locks the end of the log. Before anything else in a transaction, so that no two wait for each other.
    pub(crate) fn open(tx: &mut dyn Tx, now: Timestamp) -> Result<Self> {
        tx.query("SELECT name FROM meta WHERE name = 'head' FOR UPDATE", &[])?;
        let last = tx.first("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1", &[])?;
        let (seq, hash) = match last {
            Some(mut row) => (row.int()?, row.text()?),
            None => (0, GENESIS.to_owned()),
        };
        // The store keeps microseconds; what is hashed must be what is kept.
        let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        Ok(Self { seq, hash, at })
    }

    /// Adds an entry.
    pub(crate) fn add(&mut self, tx: &mut dyn Tx, note: Note<'_>) -> Result<()> {
        self.add_all(tx, [note])
    }

    /// Adds entries, in order.
    pub(crate) fn add_all<'n>(
        &mut self,
        tx: &mut dyn Tx,
        notes: impl IntoIterator<Item = Note<'n>>,
    ) -> Result<()> {
        let rows = notes.into_iter().map(|note| self.chain(&note)).collect::<Result<Vec<_>>>()?;
        let sql = "INSERT INTO audit_log (seq, at, actor, action, subject, detail, previous, hash)
            SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4,
            value ->> 5, value ->> 6, value ->> 7 FROM rows($1)";
        execute_rows(tx, sql, &rows, &[]).map(drop)
    }

    /// The row of an entry at the end of the chain, which it becomes.
    fn chain(&mut self, note: &Note<'_>) -> Result<Vec<Value>> {
        let mut entry = AuditEntry {
            seq: self.seq + 1,
            at: self.at,
            actor: clean(note.actor),
            action: clean(note.action),
            subject: clean(note.subject),
            detail: json(&note.detail)?,
            previous: std::mem::take(&mut self.hash),
            hash: String::new(),
        };
        entry.hash = entry.due();
        let AuditEntry { seq, at, actor, action, subject, detail, previous, hash } = entry;
        (self.seq, self.hash) = (seq, hash.clone());
        let texts = [actor, action, subject, detail, previous, hash].map(Value::Text);
        Ok([seq.into(), at.into()].into_iter().chain(texts).collect())
    }
}

/// Entries after `seq`, in order.
pub(crate) fn entries(tx: &mut dyn Tx, seq: i64, limit: usize) -> Result<Vec<AuditEntry>> {
    let sql = "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit_log
        WHERE seq > $1 ORDER BY seq LIMIT $2";
    let rows = tx.query(sql, &[seq.into(), limit.into()])?;
    rows.into_iter()
        .map(|mut row| {
            Ok(AuditEntry {
                seq: row.int()?,
                at: row.time()?,
                actor: row.text()?,
                action: row.text()?,
                subject: row.text()?,
                detail: row.text()?,
                previous: row.text()?,
                hash: row.text()?,
            })
        })
        .collect()
}

/// Checks that `entries` follow on one whose number and hash are `after`, `None` at the beginning, and gives the last one's.
///
/// # Errors
/// [`Code::Audit`] names the first entry that is not what it was.
pub fn verify<'a>(
    entries: impl IntoIterator<Item = &'a AuditEntry>,
    after: Option<(i64, String)>,
) -> Result<Option<(i64, String)>> {
    let mut last = after;
    for entry in entries {
        let (seq, previous) = last.as_ref().map_or((0, GENESIS), |(seq, hash)| (*seq, hash.as_str()));
        let fault = |problem: &str| {
            let place = format!("audit entry {}", entry.seq);
            UserError::new(Code::Audit, place, problem, "Compare with a backup or an exported log")
        };
        if entry.seq != seq + 1 {
            return Err(fault(&format!("it follows on entry {seq}: entries are missing")).into());
        }
        if entry.previous != previous || entry.hash != entry.due() {
            return Err(fault("its hash does not fit: it, or an entry before it, was changed").into());
        }
        last = Some((entry.seq, entry.hash.clone()));
    }
    Ok(last)
}
