//! The audit log: a chain of entries, each with a hash over itself and the one before.
//!
//! `hash = sha256(seq | previous hash | at | actor | action | subject | detail)`, each part with its length before it, so that
//! nothing can move from one part to the next. To change, remove or insert an entry is to write all later hashes again, which
//! shows against any older head that was kept. The number and hash of the last entry are kept beside the log, too: a log that was
//! cut shows. Entries hold digests of the rows that they tell of. The log holds ids and hashes, never anybody's words, so that
//! it can outlive them.

use std::collections::{BTreeMap, HashSet};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::Field;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::db::{STEPS, Tx, Value, clean, execute_rows, hex, json, migrate, version};
use crate::digests::{Claims, rows_of, untold};
use crate::sql::{days, users};

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
    salt: String,
    seq: i64,
    hash: String,
    at: Timestamp,
}

impl Log {
    /// Locks the end of the log. Before anything else in a transaction, so that no two wait for each other.
    pub(crate) fn open(tx: &mut dyn Tx, now: Timestamp) -> Result<Self> {
        // The head comes first: it is what is waited for.
        let sql = "SELECT setting FROM meta WHERE name IN ('head', 'salt') ORDER BY name FOR UPDATE";
        let mut rows = tx.query(sql, &[])?.into_iter().map(|mut row| row.text());
        let (seq, hash) = parse_head(rows.next().transpose()?)?.unwrap_or_else(|| (0, GENESIS.to_owned()));
        let salt = rows.next().transpose()?.unwrap_or_default();
        // The store keeps microseconds; what is hashed must be what is kept.
        let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        Ok(Self { salt, seq, hash, at })
    }

    /// When the transaction writes.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// What stands in the log for words that could be guessed: a name, a label. Only with this store's salt can a guess be tried.
    pub(crate) fn salted(&self, words: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.as_bytes());
        hasher.update(clean(words).as_bytes());
        hex(&hasher.finalize())
    }

    /// Labels of fields, each as its salted hash.
    pub(crate) fn salted_labels(&self, labels: &BTreeMap<Field, String>) -> BTreeMap<Field, String> {
        labels.iter().map(|(field, label)| (*field, self.salted(label))).collect()
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
        let (mut rows, mut subjects) = (Vec::new(), Vec::new());
        for mut note in notes {
            let told = rows_of(tx, note.action, note.subject)?;
            if let (false, Some(detail)) = (told.is_empty(), note.detail.as_object_mut()) {
                detail.insert("rows".to_owned(), told.into());
            }
            rows.push(self.chain(&note)?);
            subjects.push(note.subject);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO audit_log (seq, at, actor, action, subject, detail, previous, hash)
            SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4,
            value ->> 5, value ->> 6, value ->> 7 FROM rows($1)";
        execute_rows(tx, sql, &rows, &[])?;
        days::stale(tx, subjects)?;
        let head = format!("{}:{}", self.seq, self.hash);
        tx.execute("UPDATE meta SET setting = $1 WHERE name = 'head'", &[head.as_str().into()]).map(drop)
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

/// The number and hash of the last entry, as they are kept beside the log.
pub(crate) fn head(tx: &mut dyn Tx) -> Result<Option<(i64, String)>> {
    let kept = tx.first("SELECT setting FROM meta WHERE name = 'head'", &[])?;
    parse_head(kept.map(|mut row| row.text()).transpose()?)
}

fn parse_head(kept: Option<String>) -> Result<Option<(i64, String)>> {
    let Some(kept) = kept.filter(|kept| !kept.is_empty()) else { return Ok(None) };
    let parsed = kept.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.to_owned())));
    let odd = || UserError::new(Code::Audit, "the head of the audit log", "it can't be read", RESTORE);
    parsed.ok_or_else(|| odd().into()).map(Some)
}

/// Brings a store to this version. The API keys of one from before digests were kept are taken over as they are,
/// and people who had keys alone become users.
pub(crate) fn bring_up(tx: &mut dyn Tx, identity: &str, place: &str) -> Result<()> {
    let before = version(tx, place)?;
    migrate(tx, STEPS, identity, place)?;
    if !(1..USERS_SINCE).contains(&before) {
        return Ok(());
    }
    let mut log = Log::open(tx, Timestamp::now())?;
    if before < DIGESTS_SINCE {
        adopt_rows(tx, &mut log)?;
    }
    users::adopt(tx, &mut log)
}

/// Takes the rows of before digests were kept for what they are.
fn adopt_rows(tx: &mut dyn Tx, log: &mut Log) -> Result<()> {
    let actor = "firstline";
    let detail = serde_json::json!({"untold": untold(tx)?});
    log.add(tx, Note { actor, action: "adopt", subject: "rows", detail })?;
    for mut row in tx.query("SELECT id FROM api_keys ORDER BY created_at, id", &[])? {
        let (subject, detail) = (row.text()?, serde_json::json!({}));
        log.add(tx, Note { actor, action: "key_adopt", subject: &subject, detail })?;
    }
    Ok(())
}

/// The version of the schema from which on people are users.
const USERS_SINCE: usize = 9;
/// The version of the schema from which on entries hold digests.
const DIGESTS_SINCE: usize = 4;
/// What to do about a log that is not what it was.
const RESTORE: &str = "Compare with a backup or an exported log";

/// A log that was checked, with the rows that it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries.
    pub entries: i64,
    /// The hash of the last one.
    pub hash: String,
    /// Of the heads that were asked for, the numbers of those that the log does not hold.
    pub unmet: Vec<i64>,
    /// What is not as the log says: rows that were changed, added or removed.
    pub findings: Vec<String>,
    /// Rows that are as the log says.
    pub compared: u64,
    /// Rows whose entries are from before digests were kept: nothing to compare them with.
    pub undigested: u64,
}

/// Checks the whole log, whether it still holds `heads`, and all rows against it, as of one moment.
pub(crate) fn check(tx: &mut dyn Tx, heads: &[(i64, String)]) -> Result<Verified> {
    const PAGE: usize = 10_000;
    let (mut last, mut claims, mut met) = (None, Claims::default(), HashSet::new());
    loop {
        let page = entries(tx, last.as_ref().map_or(0, |(seq, _)| *seq), PAGE)?;
        last = verify(&page, last)?;
        page.iter().for_each(|entry| claims.take(&entry.action, &entry.subject, &entry.detail));
        let held = |(seq, hash): &&(i64, String)| {
            page.binary_search_by_key(seq, |entry| entry.seq).is_ok_and(|i| page[i].hash == *hash)
        };
        met.extend(heads.iter().filter(held));
        if page.len() < PAGE {
            break;
        }
    }
    let wrong = |problem: String| UserError::new(Code::Audit, "the audit log", problem, RESTORE);
    let kept = head(tx)?;
    let Some((entries, hash)) = last.clone() else {
        let problem = match kept {
            Some((seq, _)) => format!("it is empty, and once had {seq} entries"),
            None => "it is empty: nothing was ever recorded, or it was emptied".to_owned(),
        };
        return Err(wrong(problem).into());
    };
    if kept != last {
        let due = kept.map_or(0, |(seq, _)| seq);
        return Err(wrong(format!(
            "it ends with entry {entries}, and should with {due}: it was cut or rewritten"
        ))
        .into());
    }
    let unmet = heads.iter().filter(|head| !met.contains(head)).map(|(seq, _)| *seq).collect();
    let compared = claims.compare(tx)?;
    let (findings, undigested) = (compared.findings, compared.undigested);
    Ok(Verified { entries, hash, unmet, findings, compared: compared.compared, undigested })
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
