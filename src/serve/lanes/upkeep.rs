//! The lane of upkeep: reads keys and the backlog, renews the claims of work that is under way, signs the audit log's head, deletes
//! old words and sessions that are over, keeps the days that figures are read from ready, makes void what was held back for a day.

use std::sync::Weak;
use std::time::{Duration, Instant};

use firstline_fault::Error;
use firstline_store::{CustomerSet, Purged};
use jiff::{Timestamp, ToSpan};

use crate::accounts::IDLE_HOURS;
use crate::leases::LEASE;
use crate::shared::Shared;

/// How often keys and the backlog are read, and claims renewed.
const REFRESH: Duration = Duration::from_secs(2);
/// How often the store is written to, to see whether it can be.
const CHECK: Duration = Duration::from_secs(10);
/// How often what was held back for too long is looked for.
const HELD: Duration = Duration::from_secs(600);
/// How often the last days are made ready for figures.
const DAYS: Duration = Duration::from_secs(60);
/// Hours of those days: most news is of tickets that came in within two months.
const READY_HOURS: i64 = 60 * 24;
/// Hours after which what is held back is never done.
const STALE_HOURS: i64 = 24;
/// How often old words are deleted.
const PURGE: Duration = Duration::from_secs(3_600);

/// Works until the service stops.
pub(super) fn run(shared: &Weak<Shared>) {
    let (mut last_check, mut last_days): (Option<Instant>, Option<Instant>) = (None, None);
    // By the clock that words have their times from.
    let (mut last_held, mut last_purge): (Option<Duration>, Option<Duration>) = (None, None);
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.is_stopping()) {
        let ran = shared.clock.elapsed();
        let since = |last: Option<Duration>| last.map(|at| ran.saturating_sub(at));
        sign(&shared);
        refresh(&shared);
        // Whether anybody asks or not: a store that is gone is to be noticed.
        if last_check.is_none_or(|at| at.elapsed() >= CHECK) {
            last_check = Some(Instant::now());
            let checked = shared.readiness.check(shared.store.as_ref());
            shared.metrics.alarm("store_not_writable", checked.is_err());
            if let Err(error) = checked {
                failed("writing to the store", &error);
            }
        }
        if since(last_held).is_none_or(|passed| passed >= HELD) {
            last_held = Some(ran);
            held(&shared);
            sessions(&shared);
        }
        if last_days.is_none_or(|at| at.elapsed() >= DAYS) {
            last_days = Some(Instant::now());
            days(&shared);
        }
        if shared.settings.retain_days > 0 && since(last_purge).is_none_or(|passed| passed >= PURGE) {
            purge(&shared, since(last_purge).unwrap_or_default());
            last_purge = Some(ran);
        }
        drop(shared);
        std::thread::sleep(REFRESH);
    }
}

fn sign(shared: &Shared) {
    match shared.anchoring.sign(shared.store.as_ref(), shared.clock.now(), false) {
        Ok(anchored) => shared.metrics.alarm("audit_not_anchored", !anchored),
        Err(error) => {
            shared.metrics.alarm("audit_not_anchored", true);
            failed("signing the audit log", &error);
        }
    }
}

fn refresh(shared: &Shared) {
    if let Err(error) = shared.keys.reload(shared.store.as_ref()) {
        failed("reading keys", &error);
    }
    let now = shared.clock.now();
    let (held, until) = (shared.leases.all(), now.checked_add(LEASE.seconds()).unwrap_or(now));
    if !held.is_empty()
        && let Err(error) = shared.store.renew(&held, &shared.owner, until)
    {
        failed("renewing claims of work", &error);
    }
    match shared.store.backlog() {
        Ok(backlog) => shared.metrics.set_backlog(&backlog),
        Err(error) => failed("reading the backlog", &error),
    }
}

/// Makes the last days ready, so that who asks for figures does not wait for it: each report of how a ticket ended makes one stale.
fn days(shared: &Shared) {
    let now = shared.clock.now();
    let from = now.checked_sub(READY_HOURS.hours()).unwrap_or(Timestamp::MIN);
    if let Err(error) = shared.store.judged_tickets(from, now, &CustomerSet::All, &mut |_| {}) {
        failed("making days ready for figures", &error);
    }
}

/// Makes void what was held back for too long.
fn held(shared: &Shared) {
    let now = shared.clock.now();
    let before = now.checked_sub(STALE_HOURS.hours()).unwrap_or(Timestamp::MIN);
    match shared.store.drop_held(before, now) {
        Ok(0) => {}
        Ok(n) => tracing::warn!(n, "actions that were held back for a day are void"),
        Err(error) => failed("making void what was held back", &error),
    }
}

/// Removes sessions that are over, and forgets tries to sign in that are.
fn sessions(shared: &Shared) {
    let now = shared.clock.now();
    let seen = now.checked_sub(IDLE_HOURS.hours()).unwrap_or(Timestamp::MIN);
    if let Err(error) = shared.store.purge_sessions(seen, now) {
        failed("removing sessions that are over", &error);
    }
    shared.signing_in.attempts.tidy();
}

/// Deletes old words, by a time that a clock which jumps does not set; `ran` is how long ago that was last done.
fn purge(shared: &Shared, ran: Duration) {
    let now = shared.clock.now();
    let time = match shared.store.trusted_time(now, ran) {
        Ok(time) => time,
        Err(error) => return failed("asking the store for the time", &error),
    };
    shared.metrics.alarm("clock_ahead", time.held);
    if time.held {
        tracing::warn!(
            clock = %now,
            trusted = %time.at,
            "the clock is far ahead of the records: until it has run so for a day, words are deleted by the trusted time"
        );
    }
    let days = i64::from(shared.settings.retain_days);
    let before = time.at.checked_sub((days * 24).hours()).unwrap_or(Timestamp::MIN);
    match shared.store.purge(before, now) {
        Ok(purged) if purged != Purged::default() => {
            tracing::info!(tickets = purged.tickets, texts = purged.texts, "old words are deleted");
        }
        Ok(_) => {}
        Err(error) => failed("deleting old words", &error),
    }
}

/// What fails here is tried again in a while.
fn failed(what: &str, error: &Error) {
    tracing::error!(%error, "{what}");
}
