//! Digests of rows, which the audit log keeps: what a row said when its entry was written.
//!
//! A digest covers what stays of a row. Words, which are deleted in time, have one of their own, looked at only while they are
//! there. Must never let a digest stand for something that can be guessed: each covers the decision's confidences, too, or a
//! key's hash, which go with the row and are not in the log.

mod events;

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fault::Result;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::db::{Row, Tx, Value, hex};

pub(crate) use events::{EVENT, rows_of_events};

/// Rows compared at a time.
const PAGE: usize = 1_000;
/// Rows that are named where there are more.
const NAMED: usize = 5;

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Decision,
    Ticket,
    /// That a ticket has left its customer: without it, its words are shown there again.
    Moved,
    Draft,
    Review,
    /// That a draft was reviewed, and how: without it nothing may be sent.
    Verdict,
    Outcome,
    Action,
    /// That an action was done: without it, it would be done again.
    Done,
    Key,
    Incident,
    Programme,
    Criteria,
    Signature,
    Grant,
    Week,
    /// What a gate found.
    Gate,
    /// All events of a ticket together.
    Events,
}

/// Where a kind's rows are.
struct Shape {
    kind: Kind,
    name: &'static str,
    /// What tells rows apart.
    key: &'static str,
    /// What stays.
    columns: &'static str,
    /// The same of columns that later versions added: a digest covers those that are not null, so that rows of before keep theirs.
    added: &'static [&'static str],
    /// What is deleted in time.
    words: &'static str,
    from: &'static str,
    /// Which rows, where not all.
    only: &'static str,
    /// Those that an entry about `$1` is about.
    about: &'static str,
}

const SHAPES: [Shape; 17] = [
    Shape {
        kind: Kind::Decision,
        name: "decision",
        key: "d.id",
        columns: "d.id, d.ticket_id, d.at, d.received_at, d.opened_at, d.input_hash, d.bundle, d.drafting, d.decision, d.route,
            d.storm, d.collapsed_into",
        added: &["d.phase", "d.blind", "d.board", "d.type", "d.own", "d.kind"],
        words: "NULL",
        from: "decisions d",
        only: "1 = 1",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Ticket,
        name: "ticket",
        key: "t.id",
        columns: "t.id, t.number, t.customer, t.received_at, t.decision_id, d.decision",
        added: &["t.source"],
        words: "NULL",
        from: "tickets t LEFT JOIN decisions d ON d.id = t.decision_id",
        only: "1 = 1",
        about: "t.decision_id = $1",
    },
    Shape {
        kind: Kind::Moved,
        name: "moved",
        key: "t.id",
        columns: "t.id",
        added: &[],
        words: "NULL",
        from: "tickets t",
        only: "t.moved_at IS NOT NULL",
        about: "t.decision_id = $1",
    },
    Shape {
        kind: Kind::Draft,
        name: "draft",
        key: "d.id",
        columns: "d.id, d.drafted_at, d.draft_confidence, d.drafted_bundle, d.drafted_by, d.decision",
        added: &[],
        words: "d.draft",
        from: "decisions d",
        only: "d.drafted_at IS NOT NULL",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Review,
        name: "review",
        key: "r.decision_id",
        columns: "r.decision_id, r.at, r.actor, r.reviewer, r.idempotency_key, r.digest, r.distance, r.claimed, d.decision",
        added: &["r.opened_at", "r.active_seconds"],
        words: "r.verdict",
        from: "reviews r LEFT JOIN decisions d ON d.id = r.decision_id",
        only: "1 = 1",
        about: "r.decision_id = $1",
    },
    Shape {
        kind: Kind::Verdict,
        name: "verdict",
        key: "d.id",
        columns: "d.id, d.draft_state",
        added: &[],
        words: "NULL",
        from: "decisions d",
        only: "d.draft_state IN ('approved', 'edited', 'rejected')",
        about: "d.id = $1",
    },
    Shape {
        kind: Kind::Outcome,
        name: "outcome",
        key: "o.ticket_id",
        columns: "o.ticket_id, o.decision_id, o.at, o.labels, o.first_response_at, o.resolved_at, o.reopened, o.escalated,
            o.customer_visible_error, o.handle_seconds, o.distance, o.source, o.actor, o.wide, d.decision",
        added: &[
            "o.first_response_basis",
            "o.acknowledged_at",
            "o.tier",
            "o.initial_labels",
            "o.initial_basis",
            "o.opened_by_technician",
            "o.project",
            "o.deleted",
            "o.merged_into",
            "o.history_known",
            "o.reported_at",
            "o.board",
            "o.type",
        ],
        words: "o.reply",
        from: "outcomes o LEFT JOIN decisions d ON d.id = o.decision_id",
        only: "1 = 1",
        about: "o.ticket_id IN (SELECT x.ticket_id FROM decisions x WHERE x.id = $1)",
    },
    Shape {
        kind: Kind::Action,
        name: "action",
        key: "a.idempotency_key",
        columns: "a.idempotency_key, a.kind, a.ticket_id, a.decision_id, a.created_at, d.decision",
        added: &["a.origin", "a.epoch"],
        words: "a.payload",
        from: "actions a LEFT JOIN decisions d ON d.id = a.decision_id",
        only: "1 = 1",
        about: "a.decision_id = $1",
    },
    Shape {
        kind: Kind::Done,
        name: "done",
        key: "a.idempotency_key",
        columns: "a.idempotency_key",
        added: &["a.done_at", "a.psa_ref"],
        words: "NULL",
        from: "actions a",
        only: "a.state = 'done'",
        about: "a.decision_id = $1",
    },
    Shape {
        kind: Kind::Key,
        name: "key",
        key: "k.id",
        columns: KEY,
        added: &["k.person"],
        words: "NULL",
        from: "api_keys k",
        only: "1 = 1",
        about: "k.id = $1",
    },
    Shape {
        kind: Kind::Incident,
        name: "incident",
        key: "i.id",
        columns: "i.id, i.ticket_id, i.decision_id, i.action_id, i.at, i.recorded_at, i.decided_at, i.kind, i.severity, i.sla_credit,
            i.state, i.actor, d.decision",
        added: &[],
        words: "i.reason",
        from: "incidents i LEFT JOIN decisions d ON d.id = i.decision_id",
        only: "1 = 1",
        about: "i.decision_id = $1",
    },
    Shape {
        kind: Kind::Programme,
        name: "programme",
        key: "CAST(p.id AS TEXT)",
        columns: "p.id, p.started_on, p.pilots, p.at, p.actor, p.nonce",
        from: "programmes p",
        about: "CAST(p.id AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Criteria,
        name: "criteria",
        key: "CAST(c.version AS TEXT)",
        columns: "c.version, c.text, c.sha, c.at, c.actor, c.nonce",
        from: "criteria c",
        about: "CAST(c.version AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Signature,
        name: "signature",
        key: "CAST(s.id AS TEXT)",
        columns: "s.id, s.version, s.person, s.typed_name, s.role, s.at, s.nonce",
        from: "signatures s",
        about: "CAST(s.id AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Grant,
        name: "grant",
        key: "CAST(g.epoch AS TEXT)",
        columns: "g.epoch, g.kind, g.customer, g.board, g.type, g.phase, g.threshold, g.bundle, g.evidence_sha, g.level, g.hold,
            g.figures, g.at, g.actor, g.reason, g.nonce",
        from: "grants g",
        about: "CAST(g.epoch AS TEXT) = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Week,
        name: "week",
        key: "w.id",
        columns: "w.id, w.scope, w.customer, w.week, w.state, w.figures, w.sha, w.at, w.actor, w.nonce",
        from: "weeks w",
        about: "w.id = $1",
        ..PLAIN
    },
    Shape {
        kind: Kind::Gate,
        name: "gate",
        key: "v.id",
        columns: "v.id, v.at, v.gate, v.passed, v.evidence_sha, v.figures, v.actor, v.nonce",
        from: "verdicts v",
        about: "v.id = $1",
        ..PLAIN
    },
];

/// A row without words that is about nothing else.
const PLAIN: Shape = Shape {
    kind: Kind::Gate,
    name: "",
    key: "",
    columns: "",
    added: &[],
    words: "NULL",
    from: "",
    only: "1 = 1",
    about: "",
};

/// The name under which the log tells of all events of a ticket.
const EVENTS: &str = "events";

/// The columns of an API key.
pub(crate) const KEY: &str =
    "k.id, k.name, k.hash, k.scopes, k.customers, k.created_at, k.expires_at, k.revoked_at";

/// The actions that say what an API key is, as the schema's index has them.
pub(crate) const KEY_ACTIONS: &str = "('key_add', 'key_adopt', 'key_change', 'key_revoke')";

impl Shape {
    fn all_columns(&self) -> String {
        [&[self.columns], self.added].concat().join(", ")
    }
}

/// The columns of an API key, those of later versions last.
pub(crate) fn key_columns() -> String {
    shape(Kind::Key).all_columns()
}

fn shape(kind: Kind) -> &'static Shape {
    &SHAPES[kind as usize]
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
        "feedback" => &[Kind::Outcome],
        "draft" => &[Kind::Draft],
        "act_retry" => &[Kind::Action],
        "incident" => &[Kind::Incident],
        "programme" => &[Kind::Programme],
        "criteria" => &[Kind::Criteria],
        "sign" => &[Kind::Signature],
        "grant" | "hold" | "release" => &[Kind::Grant],
        "week" => &[Kind::Week],
        "gate" => &[Kind::Gate],
        action if action.starts_with("key_") => &[Kind::Key],
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

/// Whether an API key with these columns is what the newest entry about it says.
pub(crate) fn is_key(columns: &[Value], id: &str, detail: Option<&str>) -> bool {
    let said = detail.and_then(|detail| serde_json::from_str::<Json>(detail).ok());
    let due = row(Kind::Key, id, columns);
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
            "forget" => {
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
