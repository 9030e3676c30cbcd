//! The lane of the rollout: closes weeks and lets triggers fire, on what is reported and at a week's end, on one replica at a time.
//!
//! Nothing is looked at while the audit log stands still, but once in ten minutes: business days pass by themselves. What this lane does
//! is done once by keys of its own, so that two that look at once, as after a pause of the machine, do no harm.

use std::time::{Duration, Instant};

use firstline_fault::{Error, Result};
use firstline_rollout::Week;
use jiff::{SignedDuration, Timestamp};

use crate::rollout::Watcher;
use crate::shared::Shared;

/// The lane's name among those that one replica has.
const NAME: &str = "rollout";
/// For how long the lane is taken,
const TAKEN: SignedDuration = SignedDuration::from_secs(20);
/// and how often it is taken again.
const TAKE: Duration = Duration::from_secs(5);
/// How often the audit log is read for what may matter.
const READ: Duration = Duration::from_secs(2);
/// How long what does not ring may wait: labels at closing, messages.
const SETTLE: Duration = Duration::from_secs(30);
/// How often it is looked whatever happened.
const ANYWAY: Duration = Duration::from_secs(600);
/// Entries of the audit log that are read at a time.
const ENTRIES: usize = 1_000;

/// What an entry of the audit log may be about for a look to be due: at once,
const AT_ONCE: [&str; 5] = ["incident", "hold", "release", "grant", "sign"];
/// or within half a minute.
const SOON: [&str; 5] = ["act", "events", "feedback", "week", "programme"];
/// Of the time, one part in so many is spent on looking.
const REST: u32 = 10;

/// Works until the service stops.
pub(super) fn run(shared: &Shared) {
    let mut lane = Lane::default();
    loop {
        let rung = shared.rollout_bell.rings();
        if shared.rollout_bell.is_stopped() {
            break;
        }
        if let Err(error) = lane.turn(shared, rung) {
            failed("watching the rollout", &error);
        }
    }
    if lane.taken_at.is_some()
        && let Err(error) = shared.store.leave_lane(NAME, &shared.owner)
    {
        failed("leaving the lane of the rollout", &error);
    }
}

/// Where this replica's lane stands. Times are the clock's, how long it has run; but a look takes the machine's time, and rests by it.
#[derive(Default)]
struct Lane {
    watcher: Watcher,
    /// When the lane was last taken; `None` while another replica has it.
    taken_at: Option<Duration>,
    asked_at: Option<Duration>,
    read_at: Option<Duration>,
    /// The last entry of the audit log that was read; `None` before the first look.
    read: Option<i64>,
    /// Since when a look is due by what was read; at once, or soon.
    due: Option<(Duration, bool)>,
    looked_at: Option<Duration>,
    /// When the last look ended, and how long it took.
    last: Option<(Instant, Duration)>,
    /// The end of the week in which it was last looked.
    week_ends: Option<Timestamp>,
}

impl Lane {
    fn turn(&mut self, shared: &Shared, rung: bool) -> Result<()> {
        let (ran, now) = (shared.clock.elapsed(), shared.clock.now());
        if !self.take(shared, ran, now)? {
            return Ok(());
        }
        if rung || since(self.read_at, ran).is_none_or(|passed| passed >= READ) {
            self.read_at = Some(ran);
            self.read(shared, ran)?;
        }
        let due = self.due.is_some_and(|(at, at_once)| at_once || ran.saturating_sub(at) >= SETTLE);
        let anyway = since(self.looked_at, ran).is_none_or(|passed| passed >= ANYWAY);
        let over = self.week_ends.is_some_and(|end| now >= end);
        let rested = self.last.is_none_or(|(ended, took)| ended.elapsed() >= took * REST);
        if rested && (due || anyway || over) {
            let start = Instant::now();
            self.look(shared, ran, now)?;
            self.last = Some((Instant::now(), start.elapsed()));
        }
        Ok(())
    }

    /// Takes the lane, or keeps it. What another replica did meanwhile is looked at anew.
    fn take(&mut self, shared: &Shared, ran: Duration, now: Timestamp) -> Result<bool> {
        if since(self.asked_at, ran).is_some_and(|passed| passed < TAKE) {
            return Ok(self.taken_at.is_some());
        }
        self.asked_at = Some(ran);
        let taken = shared.store.take_lane(NAME, &shared.owner, now, TAKEN)?;
        if taken != self.taken_at.is_some() {
            *self = Self { asked_at: self.asked_at, ..Self::default() };
        }
        self.taken_at = taken.then_some(ran);
        Ok(taken)
    }

    /// Reads what the audit log has gained.
    fn read(&mut self, shared: &Shared, ran: Duration) -> Result<()> {
        let head = shared.store.audit_head()?.map_or(0, |(seq, _)| seq);
        let Some(mut last) = self.read.filter(|read| *read <= head) else {
            // The first look, or another store in its place: all is new.
            (self.read, self.due) = (Some(head), Some((ran, true)));
            return Ok(());
        };
        while last < head {
            let entries = shared.store.audit_entries(last, ENTRIES)?;
            let Some(newest) = entries.last().map(|entry| entry.seq) else { break };
            for entry in entries {
                let at_once = AT_ONCE.contains(&entry.action.as_str());
                if at_once || SOON.contains(&entry.action.as_str()) {
                    let (since, sooner) = self.due.unwrap_or((ran, false));
                    self.due = Some((since, sooner || at_once));
                }
            }
            last = newest;
        }
        self.read = Some(last);
        Ok(())
    }

    fn look(&mut self, shared: &Shared, ran: Duration, now: Timestamp) -> Result<()> {
        let rules = shared.desk()?;
        let report = self.watcher.look(shared.store.as_ref(), &rules, now)?;
        (self.due, self.looked_at) = (None, Some(ran));
        self.week_ends = Week::of(now, rules.zone()).ok().map(|week| week.end);
        if report.weeks.closed + report.weeks.settled > 0 {
            let (closed, settled) = (report.weeks.closed, report.weeks.settled);
            tracing::info!(closed, settled, "figures of weeks are on record");
        }
        if report.suspected > 0 {
            tracing::warn!(n = report.suspected, "incidents are suspected: a person has to decide");
        }
        Ok(())
    }
}

/// How long ago that was.
fn since(last: Option<Duration>, ran: Duration) -> Option<Duration> {
    last.map(|at| ran.saturating_sub(at))
}

/// What fails here is tried again in a while.
fn failed(what: &str, error: &Error) {
    tracing::error!(%error, "{what}");
}
