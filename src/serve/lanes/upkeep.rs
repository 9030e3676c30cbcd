//! The lane of upkeep: reads keys and the backlog, renews the claims of work that is under way, deletes old words.

use std::sync::Weak;
use std::time::Duration;

use firstline_fault::Error;
use firstline_store::Purged;
use jiff::{Timestamp, ToSpan};

use crate::leases::LEASE;
use crate::shared::Shared;

/// How often keys and the backlog are read, and claims renewed.
const REFRESH: Duration = Duration::from_secs(2);
/// How often old words are deleted.
const PURGE: Duration = Duration::from_secs(3_600);

/// Works until the service stops.
pub(super) fn run(shared: &Weak<Shared>) {
    let mut since_purge = PURGE;
    while let Some(shared) = shared.upgrade().filter(|shared| !shared.is_stopping()) {
        refresh(&shared);
        since_purge += REFRESH;
        if since_purge >= PURGE && shared.settings.retain_days > 0 {
            since_purge = Duration::ZERO;
            purge(&shared);
        }
        drop(shared);
        std::thread::sleep(REFRESH);
    }
}

fn refresh(shared: &Shared) {
    if let Err(error) = shared.keys.reload(shared.store.as_ref()) {
        failed("reading keys", &error);
    }
    let now = Timestamp::now();
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

fn purge(shared: &Shared) {
    let now = Timestamp::now();
    let days = i64::from(shared.settings.retain_days);
    let before = now.checked_sub((days * 24).hours()).unwrap_or(Timestamp::MIN);
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
