//! What Firstline may do where, and what is on hold.
//!
//! Grants, holds and releases are rows of one table, only ever added: the number of the last that concerns a scope is its epoch.
//! Must never let an action be claimed that was decided before a hold that concerns it, nor one that was approved more than a day before
//! a grant that concerns it.

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fault::Result;
use firstline_ticket::{Assertion, Phase};
use jiff::Timestamp;
use serde_json::json;

use super::{acting, name};
use crate::audit::{Log, Note};
use crate::db::{Row, Tx, Value, json, token};
use crate::{
    Author, Cell, Effective, GrantRecord, GrantScope, Held, Hold, HoldRecord, NewGrant, NewHold, Release,
};

const COLUMNS: &str = "epoch, kind, customer, board, type, phase, threshold, bundle, evidence_sha, level, hold, figures, at, actor,
    reason, thresholds, trigger_key";

/// A row of the table.
struct Entry {
    epoch: i64,
    kind: String,
    scope: GrantScope,
    phase: Option<Phase>,
    thresholds: BTreeMap<Assertion, f64>,
    bundle: Option<String>,
    evidence_sha: Option<String>,
    level: Option<Hold>,
    /// Of a release: its hold.
    hold: Option<i64>,
    figures: Option<serde_json::Value>,
    at: Timestamp,
    by: String,
    reason: String,
    /// Of a hold: what fired.
    trigger_key: Option<String>,
}

fn read(mut row: Row) -> Result<Entry> {
    let mut entry = Entry {
        epoch: row.int()?,
        kind: row.text()?,
        scope: GrantScope {
            customer: row.maybe_text()?,
            board: row.maybe_text()?,
            ticket_type: row.maybe_text()?,
        },
        phase: row.maybe_name()?,
        // Grants of before had one threshold, of a reply.
        thresholds: row.maybe_real()?.map(|threshold| (Assertion::Reply, threshold)).into_iter().collect(),
        bundle: row.maybe_text()?,
        evidence_sha: row.maybe_text()?,
        level: row.maybe_name()?,
        hold: row.maybe_int()?,
        figures: row.maybe_json()?,
        at: row.time()?,
        by: row.text()?,
        reason: row.text()?,
        trigger_key: None,
    };
    entry.thresholds.extend(row.maybe_json::<BTreeMap<Assertion, f64>>()?.unwrap_or_default());
    entry.trigger_key = row.maybe_text()?;
    Ok(entry)
}

fn entries(tx: &mut dyn Tx) -> Result<Vec<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM grants ORDER BY epoch");
    tx.query(&sql, &[])?.into_iter().map(read).collect()
}

impl Entry {
    /// What a hold, or the end of one, does to actions: nothing, where it only keeps new grants away.
    fn bears_on_actions(&self) -> bool {
        self.level.is_none_or(|level| level >= Hold::Pause)
    }

    fn grant(self) -> Option<GrantRecord> {
        let phase = self.phase.filter(|_| self.kind == "grant")?;
        Some(GrantRecord {
            epoch: self.epoch,
            scope: self.scope,
            phase,
            thresholds: self.thresholds,
            bundle: self.bundle,
            evidence_sha: self.evidence_sha,
            since: self.at,
            by: self.by,
            reason: self.reason,
        })
    }
}

impl GrantScope {
    fn has(&self, cell: &Cell<'_>) -> bool {
        let fits = |named: &Option<String>, found: Option<&str>| {
            named.as_deref().is_none_or(|named| found == Some(named))
        };
        fits(&self.customer, Some(cell.customer))
            && fits(&self.board, cell.board)
            && fits(&self.ticket_type, cell.ticket_type)
    }
}

/// Adds a row, whose columns are the [`COLUMNS`] but the number, and its entry in the audit log. Gives its number.
fn add(
    tx: &mut dyn Tx,
    log: &mut Log,
    (entry, actor): (&Entry, &str),
    more: serde_json::Value,
) -> Result<i64> {
    let sql = "INSERT INTO grants (kind, customer, board, type, phase, thresholds, bundle, evidence_sha, level, hold, figures, at,
        actor, reason, nonce, trigger_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        RETURNING epoch";
    let GrantScope { customer, board, ticket_type } = &entry.scope;
    let figures = entry.figures.as_ref().map(json).transpose()?;
    let values = [
        (&entry.kind).into(),
        customer.as_ref().into(),
        board.as_ref().into(),
        ticket_type.as_ref().into(),
        entry.phase.map(name).transpose()?.unwrap_or(Value::Null),
        if entry.thresholds.is_empty() { Value::Null } else { Value::Text(json(&entry.thresholds)?) },
        entry.bundle.as_ref().into(),
        entry.evidence_sha.as_ref().into(),
        entry.level.map(name).transpose()?.unwrap_or(Value::Null),
        entry.hold.into(),
        figures.map_or(Value::Null, Value::Text),
        entry.at.into(),
        (&entry.by).into(),
        (&entry.reason).into(),
        (&token()?).into(),
        entry.trigger_key.as_ref().into(),
    ];
    let epoch = tx.first(sql, &values)?.map_or(Ok(0), |mut row| row.int())?;
    let salted = |part: &Option<String>| part.as_deref().map(|part| log.salted(part));
    let mut detail = json!({
        "customer": salted(customer),
        "board": salted(board),
        "type": salted(ticket_type),
        "phase": entry.phase,
        "level": entry.level,
        "hold": entry.hold,
        "bundle": entry.bundle,
        "evidence_sha": entry.evidence_sha,
    });
    if let (Some(detail), serde_json::Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    let subject = epoch.to_string();
    log.add(tx, Note { actor, action: &entry.kind, subject: &subject, detail })?;
    Ok(epoch)
}

pub(super) fn grant(tx: &mut dyn Tx, grant: &NewGrant, now: Timestamp) -> Result<i64> {
    let mut log = Log::open(tx, now)?;
    let entry = Entry {
        epoch: 0,
        kind: "grant".to_owned(),
        scope: grant.scope.clone(),
        phase: Some(grant.phase),
        thresholds: grant.thresholds.clone(),
        bundle: grant.bundle.clone(),
        evidence_sha: grant.evidence_sha.clone(),
        level: None,
        hold: None,
        figures: None,
        at: now,
        by: grant.by.person.clone(),
        reason: grant.reason.clone(),
        trigger_key: None,
    };
    let epoch = add(tx, &mut log, (&entry, &grant.by.actor), json!({}))?;
    let which = format!("a.state IN ('waiting', 'failed', 'held') AND {}", outdated());
    let dropped = drop_stale(tx, &which, "approved more than a day before what is granted now", &[])?;
    if dropped > 0 {
        let (actor, subject) = (&grant.by.actor, epoch.to_string());
        let detail = json!({"actions": dropped});
        log.add(tx, Note { actor, action: "drop_outdated", subject: &subject, detail })?;
    }
    Ok(epoch)
}

/// Makes void what `which` says of the action `a`, `$2` being the first of `values`: it is never done, and `why` stays on record. A draft
/// that was to go out alone by it goes to review. Gives how many.
pub(super) fn drop_stale(tx: &mut dyn Tx, which: &str, why: &str, values: &[Value]) -> Result<u64> {
    let sql = format!(
        "UPDATE actions AS a SET state = 'void', payload = NULL, fault = $1 WHERE {which} RETURNING decision_id"
    );
    let dropped = acting::ids(tx, &sql, &[&[why.into()], values].concat())?;
    acting::to_review(tx, &dropped, why, false)?;
    Ok(dropped.len() as u64)
}

/// Of each scope the newest grant, oldest first.
fn newest(entries: Vec<Entry>) -> Vec<GrantRecord> {
    let grants = entries.into_iter().filter_map(Entry::grant);
    let newest: HashMap<GrantScope, GrantRecord> = grants.map(|grant| (grant.scope.clone(), grant)).collect();
    let mut newest: Vec<GrantRecord> = newest.into_values().collect();
    newest.sort_by_key(|grant| grant.epoch);
    newest
}

pub(super) fn grants(tx: &mut dyn Tx, newest_only: bool) -> Result<Vec<GrantRecord>> {
    let entries = entries(tx)?;
    Ok(if newest_only { newest(entries) } else { entries.into_iter().filter_map(Entry::grant).collect() })
}

pub(super) fn effective(tx: &mut dyn Tx, cells: &[Cell<'_>]) -> Result<Vec<Effective>> {
    let entries = entries(tx)?;
    let released: HashSet<i64> = entries.iter().filter_map(|entry| entry.hold).collect();
    let holds: Vec<(GrantScope, Hold)> = entries
        .iter()
        .filter(|entry| entry.kind == "hold" && !released.contains(&entry.epoch))
        .filter_map(|entry| Some((entry.scope.clone(), entry.level?)))
        .collect();
    let mut epochs: HashMap<GrantScope, i64> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.bears_on_actions()) {
        epochs.insert(entry.scope.clone(), entry.epoch);
    }
    let grants = newest(entries);
    let in_force = |cell: &Cell<'_>| {
        let here: Vec<&GrantRecord> = grants.iter().filter(|grant| grant.scope.has(cell)).collect();
        let hold = holds.iter().filter(|(scope, _)| scope.has(cell)).map(|(_, level)| *level).max();
        let of_category = here.iter().rev().find(|grant| grant.scope.board.is_some());
        Effective {
            phase: phase(&here).min(ceiling(hold)),
            thresholds: thresholds(&here, of_category.copied()),
            bundle: of_category.and_then(|grant| grant.bundle.clone()),
            evidence_sha: of_category.and_then(|grant| grant.evidence_sha.clone()),
            since: here.last().map(|grant| grant.since),
            epoch: epochs.iter().filter(|(scope, _)| scope.has(cell)).map(|(_, n)| *n).max().unwrap_or(0),
            may_expand: hold.is_none(),
            hold,
        }
    };
    Ok(cells.iter().map(in_force).collect())
}

/// What the grant of the category certifies, each from the highest score that any of these grants asks for.
fn thresholds(grants: &[&GrantRecord], of_category: Option<&GrantRecord>) -> BTreeMap<Assertion, f64> {
    let certified = of_category.into_iter().flat_map(|grant| grant.thresholds.keys());
    let highest = |assertion: &Assertion| {
        let asked = grants.iter().filter_map(|grant| grant.thresholds.get(assertion).copied());
        (*assertion, asked.fold(0.0, f64::max))
    };
    certified.map(highest).collect()
}

/// The least of what these grants allow. Where none is for all, nothing is; where none names the customer, nothing is shown; where
/// none names a category, nothing is done alone.
fn phase(grants: &[&GrantRecord]) -> Phase {
    let names = |what: fn(&GrantScope) -> bool| grants.iter().any(|grant| what(&grant.scope));
    let missing = [
        (Phase::Baseline, names(|scope| *scope == GrantScope::default())),
        (Phase::Shadow, names(|scope| scope.customer.is_some())),
        (Phase::Assist, names(|scope| scope.board.is_some())),
    ];
    let ceilings = missing.into_iter().filter(|(_, is_there)| !is_there).map(|(phase, _)| phase);
    let least = grants.iter().map(|grant| grant.phase).chain(ceilings).min();
    least.unwrap_or(Phase::Baseline)
}

/// The most that is allowed under a hold.
fn ceiling(hold: Option<Hold>) -> Phase {
    match hold {
        None | Some(Hold::PauseExpansion | Hold::Cleanup) => Phase::Autonomous,
        Some(Hold::Pause) => Phase::Assist,
        Some(Hold::BackOut | Hold::Stop) => Phase::Shadow,
    }
}

/// That the row `g` concerns the action `a` with its ticket `t` and decision `d`. A decision whose category nobody kept is in every
/// category.
const CONCERNS: &str = "(g.customer IS NULL OR g.customer = t.customer)
    AND (g.board IS NULL OR d.board IS NULL OR g.board = d.board)
    AND (g.type IS NULL OR d.type IS NULL OR g.type = d.type)";

/// Microseconds after which what waits is out of date.
const DAY: i64 = 86_400_000_000;

/// That the action `a` was approved more than a day before a grant that concerns it: it was written for another time, and what is
/// granted now was not meant for it. A person who puts it back in view of the grant approves it anew.
pub(super) fn outdated() -> String {
    format!(
        "EXISTS (SELECT 1 FROM grants g JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
            WHERE g.kind = 'grant' AND g.epoch > COALESCE(a.epoch, 0) AND g.at - a.created_at > {DAY} AND {CONCERNS})"
    )
}

/// That the action `a` must not be done: since it was decided, something has changed that bears on it.
pub(super) fn fenced() -> String {
    format!(
        "EXISTS (SELECT 1 FROM grants g JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
            WHERE g.epoch > COALESCE(a.epoch, 0) AND {CONCERNS}
            AND ((g.kind = 'hold' AND g.level IN ('back_out', 'stop'))
                OR (g.kind = 'grant' AND g.at - a.created_at > {DAY})
                OR (a.origin = 'auto' AND a.kind <> 'reopen' AND (g.kind = 'grant' OR g.level = 'pause'))))"
    )
}

/// That a hold is in force that keeps the action `a` from being done even though a person approved it.
pub(super) fn stopped() -> String {
    format!(
        "EXISTS (SELECT 1 FROM grants g JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
            WHERE g.kind = 'hold' AND g.level IN ('back_out', 'stop') AND {CONCERNS}
            AND NOT EXISTS (SELECT 1 FROM grants x WHERE x.hold = g.epoch))"
    )
}

/// The number of the newest row: what is decided now is decided in view of all there are.
pub(super) fn epoch(tx: &mut dyn Tx) -> Result<i64> {
    let newest = tx.first("SELECT COALESCE(MAX(epoch), 0) FROM grants", &[])?;
    newest.map_or(Ok(0), |mut row| row.int())
}

pub(super) fn hold(tx: &mut dyn Tx, hold: &NewHold, now: Timestamp) -> Result<Held> {
    // The log's head is locked from here on: of two that fire the same at once, the second finds the first's key.
    let mut log = Log::open(tx, now)?;
    if let Some(id) = fired(tx, hold)? {
        return Ok(Held { id, held: 0, in_flight: Vec::new(), is_known: true });
    }
    let GrantScope { customer, board, ticket_type } = &hold.scope;
    let scope = [customer.as_ref().into(), board.as_ref().into(), ticket_type.as_ref().into()];
    // The scope stands in `$1` to `$3`, null for all.
    let here = "id IN (SELECT a.id FROM actions a JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
        WHERE a.state IN ('waiting', 'claimed', 'failed') AND (CAST($1 AS TEXT) IS NULL OR t.customer = $1)
        AND (CAST($2 AS TEXT) IS NULL OR d.board IS NULL OR d.board = $2)
        AND (CAST($3 AS TEXT) IS NULL OR d.type IS NULL OR d.type = $3))";
    let which = match hold.level {
        Hold::PauseExpansion | Hold::Cleanup => "1 = 0",
        // A ticket whose customer has contradicted is opened again whatever is paused: nobody would look at it otherwise.
        Hold::Pause => "origin = 'auto' AND kind <> 'reopen'",
        Hold::BackOut | Hold::Stop => "1 = 1",
    };
    let sql = format!(
        "UPDATE actions SET state = 'held', held_at = $4, owner = NULL, lease_until = NULL
        WHERE state IN ('waiting', 'failed') AND {which} AND {here} RETURNING decision_id"
    );
    let decisions = acting::ids(tx, &sql, &[&scope[..], &[now.into()]].concat())?;
    acting::to_review(tx, &decisions, acting::ON_HOLD, false)?;
    let held = decisions.len() as u64;
    let sql = format!("SELECT id FROM actions WHERE state = 'claimed' AND {which} AND {here} ORDER BY id");
    let in_flight = tx.query(&sql, &scope)?.into_iter().map(|mut row| row.int());
    let in_flight = in_flight.collect::<Result<Vec<_>>>()?;
    let entry = Entry {
        epoch: 0,
        kind: "hold".to_owned(),
        scope: hold.scope.clone(),
        phase: None,
        thresholds: BTreeMap::new(),
        bundle: None,
        evidence_sha: None,
        level: Some(hold.level),
        hold: None,
        figures: hold.figures.clone(),
        at: now,
        by: hold.by.person.clone(),
        reason: hold.reason.clone(),
        trigger_key: hold.trigger_key.clone(),
    };
    let id = add(tx, &mut log, (&entry, &hold.by.actor), json!({"held": held, "in_flight": in_flight}))?;
    Ok(Held { id, held, in_flight, is_known: false })
}

/// The number of the hold that the same trigger has fired before.
fn fired(tx: &mut dyn Tx, hold: &NewHold) -> Result<Option<i64>> {
    let Some(key) = &hold.trigger_key else { return Ok(None) };
    let row = tx.first("SELECT epoch FROM grants WHERE trigger_key = $1", &[key.into()])?;
    row.map(|mut row| row.int()).transpose()
}

pub(super) fn release(
    tx: &mut dyn Tx,
    hold: i64,
    (by, reason): (&Author, &str),
    now: Timestamp,
) -> Result<bool> {
    let mut log = Log::open(tx, now)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM grants g WHERE epoch = $1 AND kind = 'hold'
        AND NOT EXISTS (SELECT 1 FROM grants x WHERE x.hold = g.epoch)"
    );
    let Some(row) = tx.first(&sql, &[hold.into()])? else { return Ok(false) };
    let entry = Entry {
        kind: "release".to_owned(),
        hold: Some(hold),
        figures: None,
        at: now,
        by: by.person.clone(),
        reason: reason.to_owned(),
        trigger_key: None,
        ..read(row)?
    };
    add(tx, &mut log, (&entry, &by.actor), json!({}))?;
    Ok(true)
}

pub(super) fn holds(tx: &mut dyn Tx, in_force_only: bool) -> Result<Vec<HoldRecord>> {
    let entries = entries(tx)?;
    let ends: BTreeMap<i64, Release> = entries
        .iter()
        .filter_map(|entry| {
            let end = Release { at: entry.at, by: entry.by.clone(), reason: entry.reason.clone() };
            Some((entry.hold?, end))
        })
        .collect();
    let records = entries.into_iter().filter(|entry| entry.kind == "hold").filter_map(|entry| {
        Some(HoldRecord {
            released: ends.get(&entry.epoch).cloned(),
            id: entry.epoch,
            level: entry.level?,
            scope: entry.scope,
            at: entry.at,
            by: entry.by,
            reason: entry.reason,
            figures: entry.figures,
            trigger_key: entry.trigger_key,
        })
    });
    Ok(records.filter(|hold| !in_force_only || hold.released.is_none()).collect())
}
