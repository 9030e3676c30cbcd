//! Time passes: what happens on the desk is played in its order, and the connect loop asks every half a minute, as it does in earnest.
//!
//! Time in which nobody works is skipped; work takes the time that it takes on this machine, and while drafts are to be written the
//! clock only runs. Must never skip over work that is under way.

use std::time::{Duration, Instant};

use firstline_fakes::Script;
use firstline_fault::InternalError;
use firstline_psa::sync::Round;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::stage::Stage;
use crate::failure::Failure;
use crate::ui::stopping;

/// Seconds between two rounds of the loop: as `firstline connect` has it.
pub(super) const POLL_SECONDS: i64 = 30;
/// How often it is looked whether drafts are still to be written.
const LOOK: Duration = Duration::from_millis(5);
/// For how long drafts may be under way, by the machine's time.
const PATIENCE: Duration = Duration::from_secs(300);
/// Rounds that may fail one after the other.
pub(in crate::commands::demo) const MOST_FAILED: usize = 20;
/// Faults that are kept.
const MOST_FAULTS: usize = 20;

/// What the loop did.
#[derive(Debug, Default, Serialize)]
pub(in crate::commands::demo) struct Played {
    /// Steps of the desk.
    pub(in crate::commands::demo) steps: usize,
    /// Rounds.
    pub(in crate::commands::demo) rounds: usize,
    /// Rounds that failed, and were done again.
    pub(in crate::commands::demo) failed_rounds: usize,
    /// Changes that were listed and not known.
    pub(in crate::commands::demo) changed: usize,
    /// Tickets that were sent to triage, some several times.
    pub(in crate::commands::demo) sent: usize,
    /// Ends that were told, some several times.
    pub(in crate::commands::demo) ended: usize,
    /// Lines of histories that were not understood.
    pub(in crate::commands::demo) unread: usize,
    /// Seconds that it took, by the machine's clock.
    pub(in crate::commands::demo) seconds: f64,
    /// The first faults of single tickets and of rounds.
    pub(in crate::commands::demo) faults: Vec<String>,
}

impl Played {
    /// Counts a round; `false` where it failed.
    pub(in crate::commands::demo) fn add(&mut self, round: firstline_fault::Result<Round>) -> bool {
        self.rounds += 1;
        match round {
            Ok(done) => {
                self.changed += done.changed;
                self.sent += done.decided;
                self.ended += done.ended;
                self.unread += done.unread;
                done.faults.into_iter().chain(done.other).for_each(|fault| self.note(fault));
                true
            }
            Err(error) => {
                self.failed_rounds += 1;
                self.note(error.to_string());
                false
            }
        }
    }

    fn note(&mut self, fault: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// Plays what happens before `until`, and lets the clock pass it; `left` hears of the steps that are left.
pub(super) fn until(
    stage: &mut Stage,
    script: &mut Script,
    until: Timestamp,
    left: &mut dyn FnMut(usize),
) -> Result<Played, Failure> {
    let (began, start) = (Instant::now(), stage.clock.now());
    let (mut played, mut failed) = (Played::default(), 0);
    loop {
        let step = script.next_at().filter(|at| *at < until);
        // One round more at the end: what was read right after its change is read again.
        let next = poll_after(start, stage.clock.now().max(step.unwrap_or(until)));
        if rest(stage, next)? == Rest::Idle {
            stage.clock.skip_to(next);
        }
        if stopping() {
            return Ok(played);
        }
        played.steps += stage.desk.fake.play(script);
        failed = if played.add(stage.round()) { 0 } else { failed + 1 };
        if failed > MOST_FAILED {
            let why = played.faults.last().cloned().unwrap_or_default();
            return Err(InternalError::new(format!("no round of the loop gets through: {why}")).into());
        }
        left(script.steps.len());
        if step.is_none() && failed == 0 && stage.drafts_due()? == 0 {
            played.seconds = began.elapsed().as_secs_f64();
            return Ok(played);
        }
    }
}

/// Why a rest is over.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing is under way.
    Idle,
    /// The time has come, with drafts still to be written.
    Due,
}

/// Lets the clock run as long as drafts are to be written, until the next round is due.
fn rest(stage: &Stage, next: Timestamp) -> Result<Rest, Failure> {
    let began = Instant::now();
    while stage.drafts_due()? > 0 && !stopping() {
        if stage.clock.now() >= next {
            return Ok(Rest::Due);
        }
        if began.elapsed() > PATIENCE {
            return Err(InternalError::new("drafts that are to be written do not come").into());
        }
        std::thread::sleep(LOOK);
    }
    Ok(Rest::Idle)
}

/// The first moment after `at` at which the loop asks, which it began to do at `start`.
pub(in crate::commands::demo) fn poll_after(start: Timestamp, at: Timestamp) -> Timestamp {
    let polls = at.duration_since(start).as_secs().div_euclid(POLL_SECONDS) + 1;
    start.checked_add(SignedDuration::from_secs(polls * POLL_SECONDS)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_asks_every_half_a_minute_after_what_happens() {
        let at = |millis: i64| Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap();
        for (happens, asks) in
            [(0, 30_000), (1, 30_000), (29_999, 30_000), (30_000, 60_000), (3_600_500, 3_630_000)]
        {
            assert_eq!(poll_after(at(0), at(happens)), at(asks), "{happens}");
        }
    }
}
