//! The audit log, deletion, and how much there is.
//!
//! The audit log keeps what was deleted and when, and never the words.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;

use super::{Shelf, clock, days, jobs, keys, lanes, programme, users};
use crate::audit::{self, AuditEntry, Log, Note, Verified};
use crate::db::{Db, Tx, Value, fault, json, token};
use crate::{Backlog, CustomerSet, Forgotten, JobFault, Keys, Purged, TrustedTime, Upkeep, Users};

impl<D: Db> Upkeep for Shelf<D> {
    fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|tx| {
            let note = Note { actor, action, subject, detail: detail.clone() };
            Log::open(tx, now)?.add(tx, note)
        })
    }

    fn audit_entries(&self, seq: i64, limit: usize) -> Result<Vec<AuditEntry>> {
        self.read(|tx| audit::entries(tx, seq, limit))
    }

    fn audit_check(&self, heads: &[(i64, String)]) -> Result<Verified> {
        self.read(|tx| audit::check(tx, heads))
    }

    fn audit_head(&self) -> Result<Option<(i64, String)>> {
        self.read(|tx| audit::head(tx))
    }

    fn forget(&self, customers: &[String], actor: &str, now: Timestamp) -> Result<Forgotten> {
        let mut gone = self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let mut gone = Forgotten::default();
            for customer in customers {
                let keys = keys::forget(tx, &mut log, customer, actor, now)?;
                users::forget(tx, &mut log, customer, actor, now)?;
                let pilots = programme::forget(tx, &mut log, customer, actor)?;
                let (of_one, rows) = forget(tx, &log, customer, now)?;
                let of_one = Forgotten { grants: of_one.grants + pilots, ..of_one };
                let (subject, mut detail) = (log.salted(customer), json!(of_one));
                detail["gone"] = rows.into();
                log.add(tx, Note { actor, action: "forget", subject: &subject, detail })?;
                gone = sum(gone, Forgotten { keys, ..of_one });
            }
            Ok(gone)
        })?;
        gone.wiped = self.db.wipe()?;
        Ok(gone)
    }

    fn customers(&self) -> Result<BTreeMap<String, u64>> {
        let sql = "SELECT customer, COUNT(*) FROM tickets GROUP BY customer";
        let without = ["work", "grants", "weeks"].map(|table| {
            format!("SELECT customer, CAST(0 AS BIGINT) FROM {table} WHERE customer IS NOT NULL")
        });
        let without = without.join(" UNION ");
        let mut all = self.read(|tx| {
            let rows = [tx.query(sql, &[])?, tx.query(&without, &[])?].into_iter().flatten();
            let mut all = BTreeMap::new();
            for mut row in rows {
                let (customer, tickets) = (row.text()?, row.int()?);
                *all.entry(customer).or_insert(0) += u64::try_from(tickets).unwrap_or_default();
            }
            for pilot in programme::pilots(tx)? {
                all.entry(pilot).or_default();
            }
            Ok(all)
        })?;
        let held = self.keys()?.into_iter().map(|key| key.customers);
        for customers in held.chain(self.users()?.into_iter().map(|user| user.customers)) {
            let CustomerSet::Only(these) = customers else { continue };
            these.into_iter().for_each(|customer| {
                all.entry(customer).or_default();
            });
        }
        Ok(all)
    }

    fn trusted_time(&self, now: Timestamp, ran: Duration) -> Result<TrustedTime> {
        self.write(|tx| clock::tick(tx, now, ran))
    }

    fn purge(&self, before: Timestamp, now: Timestamp) -> Result<Purged> {
        let purged = self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let before = capped(tx, before)?;
            let purged = purge(tx, before)?;
            if purged != Purged::default() {
                let (subject, detail) = (before.to_string(), json!(purged));
                log.add(tx, Note { actor: "firstline", action: "purge", subject: &subject, detail })?;
            }
            Ok(purged)
        })?;
        self.db.wipe()?;
        Ok(purged)
    }

    fn take_lane(&self, name: &str, owner: &str, now: Timestamp, time: SignedDuration) -> Result<bool> {
        self.write(|tx| lanes::take(tx, (name, owner), now, time))
    }

    fn leave_lane(&self, name: &str, owner: &str) -> Result<()> {
        self.write(|tx| lanes::leave(tx, name, owner))
    }

    fn backlog(&self) -> Result<Backlog> {
        let work = "SELECT COUNT(*) FROM work WHERE kind = $1 AND state IN ('waiting', 'claimed')
            AND (job IS NULL OR job NOT IN (SELECT id FROM jobs WHERE state = 'cancelled'))";
        let actions = "SELECT COUNT(*) FROM actions WHERE state";
        self.read(|tx| {
            Ok(Backlog {
                triage: number(tx, work, &["triage".into()])?,
                drafts: number(tx, work, &["draft".into()])?,
                reviews: number(tx, "SELECT COUNT(*) FROM decisions WHERE draft_state = 'pending'", &[])?,
                actions: number(tx, &format!("{actions} IN ('waiting', 'claimed')"), &[])?,
                failed_actions: number(tx, &format!("{actions} = 'failed'"), &[])?,
                held_actions: number(tx, &format!("{actions} = 'held'"), &[])?,
            })
        })
    }

    fn ping(&self) -> Result<()> {
        self.db.has_room()?;
        // Another value each time: an engine need not write what is there already.
        let (sql, value) = ("UPDATE meta SET setting = $1 WHERE name = 'ping'", token()?);
        let written = self.write(|tx| tx.execute(sql, &[value.as_str().into()]))?;
        if written == 1 {
            return Ok(());
        }
        let next = "Restore a backup: `firstline store restore BACKUP --store FILE`";
        Err(fault("the store", "a row that every store has is gone", next))
    }

    fn backup(&self, to: &Path) -> Result<()> {
        self.db.backup(to)
    }

    #[cfg(test)]
    fn counts(&self) -> Result<BTreeMap<String, u64>> {
        self.read(|tx| {
            let count = |&table: &&str| {
                Ok((table.to_owned(), number(tx, &format!("SELECT COUNT(*) FROM {table}"), &[])?))
            };
            TABLES.iter().map(count).collect()
        })
    }
}

/// How many the query counts.
fn number(tx: &mut dyn Tx, sql: &str, values: &[Value]) -> Result<u64> {
    let counted = tx.first(sql, values)?.map_or(Ok(0), |mut row| row.int())?;
    Ok(u64::try_from(counted).unwrap_or_default())
}

fn sum(a: Forgotten, b: Forgotten) -> Forgotten {
    Forgotten {
        tickets: a.tickets + b.tickets,
        decisions: a.decisions + b.decisions,
        reviews: a.reviews + b.reviews,
        outcomes: a.outcomes + b.outcomes,
        actions: a.actions + b.actions,
        events: a.events + b.events,
        incidents: a.incidents + b.incidents,
        weeks: a.weeks + b.weeks,
        grants: a.grants + b.grants,
        drafts: a.drafts + b.drafts,
        job_items: a.job_items + b.job_items,
        jobs: a.jobs + b.jobs,
        keys: a.keys + b.keys,
        readable_audit_entries: a.readable_audit_entries + b.readable_audit_entries,
        wiped: a.wiped && b.wiped,
    }
}

/// Deletes what there is of a customer. Gives how much that was, and the rows that went with no decision.
fn forget(
    tx: &mut dyn Tx,
    log: &Log,
    customer: &str,
    now: Timestamp,
) -> Result<(Forgotten, Vec<serde_json::Value>)> {
    let whose = [Value::from(customer)];
    let (job_items, jobs) = forget_items(tx, log, &whose, now)?;
    let tickets = "(SELECT id FROM tickets WHERE customer = $1)";
    let decisions = format!("(SELECT id FROM decisions WHERE ticket_id IN {tickets})");
    let mut count = |of: &str| number(tx, &format!("SELECT COUNT(*) FROM {of}"), &whose);
    let mut gone = Forgotten {
        decisions: count(&format!("decisions WHERE ticket_id IN {tickets}"))?,
        reviews: count(&format!("reviews WHERE decision_id IN {decisions}"))?,
        outcomes: count(&format!("outcomes WHERE ticket_id IN {tickets}"))?,
        actions: count(&format!("actions WHERE ticket_id IN {tickets}"))?,
        events: count(&format!("events WHERE ticket_id IN {tickets}"))?,
        incidents: count(&format!("incidents WHERE ticket_id IN {tickets}"))?,
        readable_audit_entries: count(&format!(
            "audit_log WHERE subject IN {decisions} AND (detail LIKE '%\"labels\":{{%' OR detail LIKE '%\"reviewer\":%')"
        ))?,
        ..Forgotten { job_items, jobs, ..Forgotten::default() }
    };
    let sql = format!("DELETE FROM work WHERE kind = 'draft' AND decision_id IN {decisions}");
    gone.drafts = tx.execute(&sql, &whose)?;
    // Decisions, reviews, outcomes, actions, events and incidents go with their tickets.
    gone.tickets = tx.execute("DELETE FROM tickets WHERE customer = $1", &whose)?;
    days::all_stale(tx)?;
    let weeks = programme::forget_rows(tx, ("weeks", "id", "week"), customer)?;
    let grants = programme::forget_rows(tx, ("grants", "CAST(epoch AS TEXT)", "grant"), customer)?;
    (gone.weeks, gone.grants) = (weeks.len() as u64, grants.len() as u64);
    Ok((gone, [weeks, grants].concat()))
}

/// Items of jobs: what is open has failed, and of all of them neither words nor names stay. Gives how many items and jobs.
fn forget_items(tx: &mut dyn Tx, log: &Log, whose: &[Value], now: Timestamp) -> Result<(u64, u64)> {
    let fault = JobFault { code: "E_NOT_FOUND".to_owned(), message: "its customer was forgotten".to_owned() };
    let sql = "SELECT id FROM work WHERE customer = $1 AND state IN ('waiting', 'claimed') FOR UPDATE";
    for mut row in tx.query(sql, whose)? {
        jobs::give_up(tx, row.int()?, &fault, now)?;
    }
    // The hash of what was asked tells of words, too: salted, the same tickets again are the same job no longer.
    let sql = "SELECT id, digest FROM jobs WHERE id IN (SELECT job FROM work WHERE customer = $1)";
    let mut changed = 0;
    for mut row in tx.query(sql, whose)? {
        let (id, digest) = (row.text()?, row.text()?);
        let sql = "UPDATE jobs SET idempotency_key = NULL, digest = $2 WHERE id = $1";
        changed += tx.execute(sql, &[(&id).into(), (&log.salted(&digest)).into()])?;
    }
    let sql = "UPDATE work SET customer = NULL, ticket = NULL, fault = CASE WHEN fault IS NULL THEN NULL ELSE $2 END
        WHERE customer = $1";
    let items = tx.execute(sql, &[whose[0].clone(), Value::Text(json(&fault)?)])?;
    Ok((items, changed))
}

/// Tickets that lose their words at once at least, where there are so many that are old.
const LEAST_PURGED: u64 = 1_000;

/// An earlier time than `before` where too many tickets would lose their words at once: what is deleted by mistake is to be little
/// until somebody sees it.
fn capped(tx: &mut dyn Tx, before: Timestamp) -> Result<Timestamp> {
    let all = number(tx, "SELECT COUNT(*) FROM tickets WHERE ticket IS NOT NULL", &[])?;
    let most = i64::try_from((all / 10).max(LEAST_PURGED)).unwrap_or(i64::MAX);
    let sql = "SELECT received_at FROM tickets WHERE ticket IS NOT NULL AND received_at < $1
        ORDER BY received_at LIMIT 1 OFFSET $2";
    let Some(mut row) = tx.first(sql, &[before.into(), most.into()])? else { return Ok(before) };
    // Those that came in together go together, or none ever would.
    let next = row.time()?;
    Ok(next.checked_add(1.microsecond()).unwrap_or(next))
}

fn purge(tx: &mut dyn Tx, before: Timestamp) -> Result<Purged> {
    let when = [Value::from(before)];
    let live = "FROM actions WHERE state IN ('waiting', 'claimed', 'held')";
    let old = format!(
        "received_at < $1 AND draft_state NOT IN ('writing', 'pending') AND id NOT IN (SELECT decision_id {live})"
    );
    let of_old = format!("decision_id IN (SELECT id FROM decisions WHERE {old})");
    let sql = format!(
        "UPDATE actions SET payload = NULL, fault = NULL, result = NULL WHERE payload IS NOT NULL AND {of_old}"
    );
    tx.execute(&sql, &when)?;
    tx.execute(
        &format!("UPDATE reviews SET verdict = NULL, findings = NULL WHERE verdict IS NOT NULL AND {of_old}"),
        &when,
    )?;
    let drafts =
        tx.execute(&format!("UPDATE decisions SET draft = NULL WHERE draft IS NOT NULL AND {old}"), &when)?;
    let sql = "UPDATE outcomes SET reply = NULL WHERE reply IS NOT NULL
        AND ticket_id IN (SELECT id FROM tickets WHERE received_at < $1)";
    let replies = tx.execute(sql, &when)?;
    let sql = format!(
        "UPDATE tickets SET ticket = NULL WHERE ticket IS NOT NULL AND received_at < $1
        AND id NOT IN (SELECT ticket_id FROM decisions WHERE draft_state IN ('writing', 'pending'))
        AND id NOT IN (SELECT ticket_id {live})"
    );
    let tickets = tx.execute(&sql, &when)?;
    let sql = "UPDATE incidents SET reason = NULL WHERE reason IS NOT NULL AND recorded_at < $1 AND state <> 'suspected'";
    let reasons = tx.execute(sql, &when)?;
    // Items of jobs lose their words when they are decided, but for those that were held when their job was called off.
    let sql = "UPDATE work SET ticket = NULL WHERE ticket IS NOT NULL AND received_at < $1
        AND job IN (SELECT id FROM jobs WHERE state = 'cancelled')";
    tx.execute(sql, &when)?;
    Ok(Purged { tickets, texts: drafts + replies + reasons })
}

/// The tables that hold something.
#[cfg(test)]
const TABLES: [&str; 19] = [
    "tickets",
    "decisions",
    "reviews",
    "outcomes",
    "jobs",
    "work",
    "actions",
    "action_claims",
    "events",
    "programmes",
    "criteria",
    "signatures",
    "grants",
    "incidents",
    "weeks",
    "verdicts",
    "connections",
    "api_keys",
    "audit_log",
];
