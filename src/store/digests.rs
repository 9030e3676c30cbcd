//! Digests of rows, which the audit log keeps: what a row said when its entry was written.
//!
//! A digest covers what stays of a row. Words, which are deleted in time, have one of their own, looked at only while they are
//! there. Must never let a digest stand for something that can be guessed: each covers the decision's confidences, too, or a
//! key's hash, which go with the row and are not in the log.

mod events;
mod shapes;

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fault::Result;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::db::{Row, Tx, Value, hex};

pub(crate) use events::{EVENT, rows_of_events};
pub(crate) use shapes::Kind;
use shapes::{EVENTS, SHAPES, Shape, shape};

/// Rows compared at a time.
const PAGE: usize = 1_000;
/// Rows that are named where there are more.
const NAMED: usize = 5;

/// The actions that say what an API key is, as the schema's index has them.
pub(crate) const KEY_ACTIONS: &str = "('key_add', 'key_adopt', 'key_change', 'key_revoke')";

/// The actions that say what a user or a session is, as the schema's index has them.
pub(crate) const PEOPLE_ACTIONS: &str = "('user_add', 'user_adopt', 'user_change', 'user_link', 'user_password', 'user_disable', 'session_add', 'session_end')";

/// The columns of a row of `kind` that its digest covers, those of later versions last.
pub(crate) fn columns_of(kind: Kind) -> String {
    shape(kind).all_columns()
}

fn add(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update([0]),
        Value::Int(n) => {
            hasher.update([1]);
            hasher.update(n.to_le_bytes());
        }
        Value::Real(x) => {
            hasher.update([2]);
            hasher.update(x.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            hasher.update([3]);
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
    }
}

/// The digest of a row of `kind` with these columns, those that were added last, and of its words where they are there.
fn digest(kind: Kind, columns: &[Value], words: &Value) -> String {
    let mut hasher = Sha256::new();
    let Shape { name, added, .. } = shape(kind);
    add(&mut hasher, &(*name).into());
    let (columns, later) = columns.split_at(columns.len().saturating_sub(added.len()));
    columns.iter().for_each(|value| add(&mut hasher, value));
    for (i, value) in later.iter().enumerate().filter(|(_, value)| **value != Value::Null) {
        hasher.update([4, i as u8]);
        add(&mut hasher, value);
    }
    if *words == Value::Null {
        return hex(&hasher.finalize());
    }
    let row = hex(&hasher.clone().finalize());
    add(&mut hasher, words);
    format!("{row}:{}", hex(&hasher.finalize()))
}

/// How an entry says what a row was: kind, key, digest.
pub(crate) fn row(kind: Kind, key: &str, columns: &[Value]) -> Json {
    json!([shape(kind).name, key, digest(kind, columns, &Value::Null)])
}

/// The kinds of rows that an action changes, as they can be read once it is done. What `decide` writes is digested before it is
/// written: there may be many.
fn changed(action: &str) -> &'static [Kind] {
    match action {
        "review" => &[Kind::Review, Kind::Outcome, Kind::Action],
        "undo" => &[Kind::Action],
        "feedback" => &[Kind::Outcome],
        "draft" => &[Kind::Draft],
        "act_retry" | "act_alone" | "answer" => &[Kind::Action],
        "incident" => &[Kind::Incident],
        "programme" => &[Kind::Programme],
        "criteria" => &[Kind::Criteria],
        "sign" => &[Kind::Signature],
        "grant" | "hold" | "release" => &[Kind::Grant],
        "week" => &[Kind::Week],
        "gate" => &[Kind::Gate],
        "session_add" => &[Kind::Session],
        action if action.starts_with("key_") => &[Kind::Key],
        action if action.starts_with("user_") => &[Kind::User],
        _ => &[],
    }
}

/// What the rows say that an entry is about, for its detail.
pub(crate) fn rows_of(tx: &mut dyn Tx, action: &str, subject: &str) -> Result<Vec<Json>> {
    let mut all = Vec::new();
    for &kind in changed(action) {
        let shape = shape(kind);
        let Shape { name, key, words, from, only, about, .. } = shape;
        let columns = shape.all_columns();
        let sql =
            format!("SELECT {key}, {words}, {columns} FROM {from} WHERE {only} AND {about} ORDER BY {key}");
        for row in tx.query(&sql, &[subject.into()])? {
            let (key, words, columns) = parts(row);
            all.push(json!([name, key, digest(kind, &columns, &words)]));
        }
    }
    Ok(all)
}

fn parts(row: Row) -> (String, Value, Vec<Value>) {
    let mut values = row.values();
    let columns = values.split_off(2);
    let words = values.pop().unwrap_or(Value::Null);
    let key = match values.pop() {
        Some(Value::Text(key)) => key,
        _ => String::new(),
    };
    (key, words, columns)
}

/// Whether a row of `kind` with these columns is what `detail`, the newest entry about it, says.
pub(crate) fn is_told(kind: Kind, columns: &[Value], id: &str, detail: Option<&str>) -> bool {
    let said = detail.and_then(|detail| serde_json::from_str::<Json>(detail).ok());
    let due = row(kind, id, columns);
    said.as_ref().and_then(|said| said["rows"].as_array()).is_some_and(|rows| rows.contains(&due))
}

/// How many rows there are that no entry tells of: outcomes and actions of a store from before digests were kept.
pub(crate) fn untold(tx: &mut dyn Tx) -> Result<Json> {
    let mut count = |kind| -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM {}", shape(kind).from);
        tx.first(&sql, &[])?.map_or(Ok(0), |mut row| row.int())
    };
    Ok(json!({"outcome": count(Kind::Outcome)?, "action": count(Kind::Action)?}))
}

/// The kind of rows that the log calls so.
fn kind_of(name: &str) -> Option<Kind> {
    if name == EVENTS {
        return Some(Kind::Events);
    }
    SHAPES.iter().find(|shape| shape.name == name).map(|shape| shape.kind)
}

/// A key of any length, in little room.
fn short(kind: Kind, key: &str) -> u128 {
    let mut hasher = Sha256::new();
    hasher.update([kind as u8]);
    hasher.update(key);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    u128::from_le_bytes(bytes)
}

/// What an entry says of a row.
#[derive(Debug)]
struct Claim {
    kind: Kind,
    /// `None` in entries from before digests were kept.
    digest: Option<Box<str>>,
    /// The decision that it goes with.
    of: u128,
}

/// What the log says of all rows: the newest entry counts.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    claims: HashMap<u128, Claim>,
    /// Rows that a store from before may have without an entry.
    untold: BTreeMap<&'static str, u64>,
    forgotten: u64,
}

impl Claims {
    /// Takes in the next entry of the log.
    pub(crate) fn take(&mut self, action: &str, subject: &str, detail: &str) {
        let detail: Json = serde_json::from_str(detail).unwrap_or_default();
        let rows = detail["rows"].as_array();
        for row in rows.into_iter().flatten() {
            let text = |i: usize| row[i].as_str().unwrap_or_default();
            if let Some(kind) = kind_of(text(0)) {
                // What an entry about many rows says of one goes with a decision of its own.
                self.claim(kind, text(1), Some(text(2)), row[3].as_str().unwrap_or(subject));
            }
        }
        let told = rows.is_some();
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        match action {
            "decide" if !told => {
                self.claim(Kind::Decision, subject, None, subject);
                self.claim(Kind::Ticket, text("ticket"), None, subject);
            }
            "draft" if !told && detail.as_object().is_some_and(|detail| !detail.is_empty()) => {
                self.claim(Kind::Draft, subject, None, subject);
            }
            "feedback" if !told => self.claim(Kind::Outcome, text("ticket"), None, subject),
            "review" => {
                if !told {
                    self.claim(Kind::Review, subject, None, subject);
                }
                let state = text("verdict");
                if ["approved", "edited", "rejected"].contains(&state) {
                    let due = digest(Kind::Verdict, &[subject.into(), state.into()], &Value::Null);
                    self.claim(Kind::Verdict, subject, Some(&due), subject);
                }
            }
            "undo" => {
                self.claims.remove(&short(Kind::Review, subject));
                self.claims.remove(&short(Kind::Verdict, subject));
            }
            "act" if text("state") == "done" => {
                let done_at = detail["done_at"].as_i64().into();
                let columns = [text("action").into(), done_at, detail["psa_ref"].as_str().into()];
                let due = digest(Kind::Done, &columns, &Value::Null);
                self.claim(Kind::Done, text("action"), Some(&due), subject);
            }
            "move" => {
                let due = digest(Kind::Moved, &[text("left").into()], &Value::Null);
                self.claim(Kind::Moved, text("left"), Some(&due), text("decided"));
                for decision in detail["void"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                    self.claims.remove(&short(Kind::Verdict, decision));
                }
            }
            "forget" | "session_end" => {
                self.forgotten += detail["decisions"].as_u64().unwrap_or_default();
                for row in detail["gone"].as_array().into_iter().flatten() {
                    let name = row[0].as_str().unwrap_or_default();
                    if let (Some(kind), Some(key)) = (kind_of(name), row[1].as_str()) {
                        self.claims.remove(&short(kind, key));
                    }
                }
            }
            "adopt" => {
                for name in ["outcome", "action"] {
                    self.untold.insert(name, detail["untold"][name].as_u64().unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    fn claim(&mut self, kind: Kind, key: &str, digest: Option<&str>, of: &str) {
        let claim = Claim { kind, digest: digest.map(Into::into), of: short(Kind::Decision, of) };
        self.claims.insert(short(kind, key), claim);
    }

    /// Compares all rows with what the log says of them.
    pub(crate) fn compare(mut self, tx: &mut dyn Tx) -> Result<Compared> {
        let mut found = Compared::default();
        for shape in &SHAPES {
            self.compare_kind(tx, shape, &mut found)?;
        }
        self.compare_events(tx, &mut found)?;
        let gone = |(id, claim): (&u128, &Claim)| (claim.kind == Kind::Decision).then_some(*id);
        let gone: HashSet<u128> = self.claims.iter().filter_map(gone).collect();
        if gone.len() as u64 != self.forgotten {
            let n = gone.len();
            found.findings.push(format!("decisions: {n} are gone, and {} were forgotten", self.forgotten));
        }
        let others = SHAPES.iter().map(|shape| (shape.kind, shape.name)).chain([(Kind::Events, EVENTS)]);
        for (kind, name) in others.filter(|(kind, _)| *kind != Kind::Decision) {
            let missing =
                |claim: &&Claim| claim.kind == kind && claim.digest.is_some() && !gone.contains(&claim.of);
            let missing = self.claims.values().filter(missing).count();
            if missing > 0 {
                found.findings.push(format!("{name}: {missing} that the log tells of are not there"));
            }
        }
        Ok(found)
    }

    fn compare_kind(&mut self, tx: &mut dyn Tx, shape: &Shape, found: &mut Compared) -> Result<()> {
        let Shape { kind, name, key, words, from, only, .. } = shape;
        let columns = shape.all_columns();
        let sql = format!(
            "SELECT {key}, {words}, {columns} FROM {from} WHERE {only} AND {key} > $1 ORDER BY {key} LIMIT {PAGE}"
        );
        let (mut last, mut changed, mut untold) = (String::new(), Vec::new(), Vec::new());
        loop {
            let rows = tx.query(&sql, &[last.as_str().into()])?;
            let n = rows.len();
            for (key, words, columns) in rows.into_iter().map(parts) {
                match self.claims.remove(&short(*kind, &key)).map(|claim| claim.digest) {
                    None => untold.push(key.clone()),
                    Some(None) => found.undigested += 1,
                    Some(Some(said)) if fits(&said, &digest(*kind, &columns, &words)) => found.compared += 1,
                    Some(Some(_)) => changed.push(key.clone()),
                }
                last = key;
            }
            if n < PAGE {
                break;
            }
        }
        if !changed.is_empty() {
            found.findings.push(format!("{name}: {} not as the log says: {}", changed.len(), some(&changed)));
        }
        let allowed = self.untold.get(name).copied().unwrap_or_default();
        match untold.len() as u64 {
            n if n > allowed => {
                found.findings.push(format!("{name}: {n} that the log does not tell of: {}", some(&untold)));
            }
            n => found.undigested += n,
        }
        Ok(())
    }
}

/// The first of them.
fn some(keys: &[String]) -> String {
    let more = if keys.len() > NAMED { ", ..." } else { "" };
    format!("{}{more}", keys[..keys.len().min(NAMED)].join(", "))
}

/// Whether a row has the digest that its entry has; words may have been deleted since, and none may have been added.
fn fits(said: &str, is: &str) -> bool {
    said == is || (!is.contains(':') && said.split_once(':').is_some_and(|(row, _)| row == is))
}

/// What came of comparing rows with the log.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) findings: Vec<String>,
    pub(crate) compared: u64,
    /// Rows whose entries are from before digests were kept.
    pub(crate) undigested: u64,
}
