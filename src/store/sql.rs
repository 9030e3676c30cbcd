//! The store itself: every statement is written once, here and below, for both engines.
//!
//! Knows no engine. `$1` stands for the first value; ` FOR UPDATE` and ` FOR UPDATE SKIP LOCKED` are left out by the engine
//! that has one writer. Whatever writes to the audit log locks its head before anything else, so that such transactions come
//! one after another and never wait for each other in a circle.

mod decisions;
mod jobs;
mod outbox;
mod outcomes;
mod reviews;
mod upkeep;

use std::collections::HashMap;
use std::path::Path;

use firstline_fault::{InternalError, Result};
use firstline_ticket::Draft;
use jiff::Timestamp;

use crate::audit::{self, Log};
use crate::db::{Db, Tx, Value};
use crate::{
    Action, ActionState, AuditEntry, Backlog, CustomerSet, Decided, DecisionRecord, DraftState, Feedback,
    Forgotten, Job, JobFault, JobItem, Joined, Judged, KeyRecord, NewJob, Purged, Recorded, ReviewItem,
    ReviewRequest, Reviewed, Standing, Store, StormHead, Work, WorkKind,
};

/// A [`Store`] on any engine.
#[derive(Debug)]
pub(crate) struct Shelf<D> {
    pub(crate) db: D,
}

impl<D: Db> Shelf<D> {
    pub(crate) fn write<T>(&self, mut body: impl FnMut(&mut dyn Tx) -> Result<T>) -> Result<T> {
        let mut out = None;
        self.db.write(&mut |tx| {
            out = Some(body(tx)?);
            Ok(())
        })?;
        out.ok_or_else(|| InternalError::new("a transaction was not run").into())
    }

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

impl<D: Db> Store for Shelf<D> {
    fn standing(&self, tickets: &[&str]) -> Result<HashMap<String, Standing>> {
        self.read(|tx| decisions::standing(tx, tickets))
    }

    fn record(&self, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>> {
        self.write(|tx| decisions::record(tx, decided, now))
    }

    fn storm_heads(&self, storms: &[&str], since: Timestamp) -> Result<HashMap<String, StormHead>> {
        self.read(|tx| decisions::storm_heads(tx, storms, since))
    }

    fn decision(&self, id: &str) -> Result<Option<DecisionRecord>> {
        self.read(|tx| decisions::decision(tx, id))
    }

    fn decision_of(&self, ticket: &str) -> Result<Option<DecisionRecord>> {
        self.read(|tx| decisions::decision_of(tx, ticket))
    }

    fn add_job(&self, job: &NewJob, now: Timestamp) -> Result<String> {
        self.write(|tx| jobs::add(tx, job, now))
    }

    fn job(&self, id: &str) -> Result<Option<Job>> {
        self.read(|tx| jobs::job(tx, id))
    }

    fn job_items(&self, id: &str, place: i64, limit: usize) -> Result<Vec<JobItem>> {
        self.read(|tx| jobs::items(tx, id, place, limit))
    }

    fn cancel_job(&self, id: &str, actor: &str, now: Timestamp) -> Result<Option<Job>> {
        self.write(|tx| jobs::cancel(tx, id, actor, now))
    }

    fn claim(
        &self,
        kind: WorkKind,
        owner: &str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Work>> {
        self.write(|tx| jobs::claim(tx, kind, owner, limit, now, until))
    }

    fn drafted(&self, work: i64, owner: &str, draft: Option<&Draft>, now: Timestamp) -> Result<bool> {
        self.write(|tx| jobs::drafted(tx, work, owner, draft, now))
    }

    fn fail(&self, work: i64, owner: &str, fault: &JobFault, now: Timestamp) -> Result<bool> {
        self.write(|tx| jobs::fail(tx, work, owner, fault, now))
    }

    fn release(&self, owner: &str) -> Result<u64> {
        self.write(|tx| jobs::release(tx, owner))
    }

    fn want_draft(&self, decision: &str, actor: &str) -> Result<bool> {
        self.write(|tx| decisions::want_draft(tx, decision, actor))
    }

    fn known(&self, work: i64, owner: &str, decision: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| jobs::known(tx, work, owner, decision, now))
    }

    fn renew(&self, work: &[i64], owner: &str, until: Timestamp) -> Result<u64> {
        self.write(|tx| jobs::renew(tx, work, owner, until))
    }

    fn take_over(&self) -> Result<u64> {
        self.write(jobs::take_over)
    }

    fn reviews(
        &self,
        state: DraftState,
        customers: &CustomerSet,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ReviewItem>> {
        self.read(|tx| reviews::queue(tx, state, customers, after, limit))
    }

    fn review(&self, review: &ReviewRequest, now: Timestamp) -> Result<Reviewed> {
        self.write(|tx| reviews::review(tx, review, now))
    }

    fn reviewed(&self) -> Result<Vec<firstline_ticket::Reviewed>> {
        self.read(reviews::reviewed)
    }

    fn feedback(&self, news: &[Feedback], customers: &CustomerSet, now: Timestamp) -> Result<Vec<Joined>> {
        self.write(|tx| outcomes::feedback(tx, news, customers, now))
    }

    fn judged(&self, from: Timestamp, to: Timestamp, customers: &CustomerSet) -> Result<Vec<Judged>> {
        self.read(|tx| outcomes::judged(tx, from, to, customers))
    }

    fn claim_actions(
        &self,
        owner: &str,
        customers: &CustomerSet,
        limit: usize,
        most: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Action>> {
        self.write(|tx| outbox::claim(tx, owner, customers, limit, most, now, until))
    }

    fn settle_action(
        &self,
        id: i64,
        owner: &str,
        customers: &CustomerSet,
        failed: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(|tx| outbox::settle(tx, id, owner, customers, failed, now))
    }

    fn actions(
        &self,
        state: Option<ActionState>,
        customers: &CustomerSet,
        limit: usize,
    ) -> Result<Vec<Action>> {
        self.read(|tx| outbox::actions(tx, state, customers, limit))
    }

    fn add_key(&self, key: &KeyRecord, actor: &str, now: Timestamp) -> Result<()> {
        self.write(|tx| upkeep::add_key(tx, key, actor, now))
    }

    fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.read(upkeep::keys)
    }

    fn revoke_key(&self, id: &str, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| upkeep::revoke_key(tx, id, actor, now))
    }

    fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| Log::open(tx, now)?.add(tx, actor, action, subject, detail))
    }

    fn audit_entries(&self, seq: i64, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read(|tx| audit::entries(tx, seq, limit))
    }

    fn forget(&self, customer: &str, actor: &str, now: Timestamp) -> Result<Forgotten> {
        let forgotten = self.write(|tx| upkeep::forget(tx, customer, actor, now))?;
        self.db.wipe()?;
        Ok(forgotten)
    }

    fn purge(&self, before: Timestamp, now: Timestamp) -> Result<Purged> {
        let purged = self.write(|tx| upkeep::purge(tx, before, now))?;
        self.db.wipe()?;
        Ok(purged)
    }

    fn backlog(&self) -> Result<Backlog> {
        self.read(upkeep::backlog)
    }

    fn ping(&self) -> Result<()> {
        self.write(upkeep::ping)
    }

    fn backup(&self, to: &Path) -> Result<()> {
        self.db.backup(to)
    }

    #[cfg(test)]
    fn counts(&self) -> Result<std::collections::BTreeMap<String, u64>> {
        self.read(upkeep::counts)
    }
}
