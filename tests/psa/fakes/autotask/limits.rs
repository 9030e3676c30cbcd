//! Limits: requests of a rolling hour, with the latency that grows before it is spent, and requests at once to one entity.
//!
//! UNCONFIRMED: the statuses and texts of both refusals, and whether `Retry-After` is sent; all are settings.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::refusals::refused;
use super::settings::Settings;
use crate::clock::Clock;
use crate::http::Reply;

/// The minutes that requests are counted over.
const MINUTES: i64 = 60;

/// What was used.
#[derive(Debug, Default)]
pub(super) struct Limits {
    counted: VecDeque<Timestamp>,
    inside: BTreeMap<String, usize>,
}

impl Limits {
    fn used(&mut self, now: Timestamp, settings: &Settings) -> usize {
        let hour = SignedDuration::from_mins(MINUTES);
        while self.counted.front().is_some_and(|at| now.duration_since(*at) >= hour) {
            self.counted.pop_front();
        }
        self.counted.len() + settings.used_elsewhere
    }

    /// Counts a request, or refuses it. What is refused is not counted.
    pub(super) fn count(&mut self, now: Timestamp, settings: &Settings) -> Result<(), Reply> {
        if self.used(now, settings) < settings.quota {
            self.counted.push_back(now);
            return Ok(());
        }
        let text = "The number of requests of this database exceeds the threshold of its timeframe.";
        let reply = refused(settings.quota_status, text);
        let left = self.counted.front().map_or(60, |at| MINUTES * 60 - now.duration_since(*at).as_secs());
        Err(if settings.retry_after { reply.with("retry-after", left.max(1).to_string()) } else { reply })
    }

    /// How long a request is held back.
    pub(super) fn delay(&mut self, clock: &Clock, settings: &Settings) -> Duration {
        let (used, quota) = (self.used(clock.now(), settings), settings.quota);
        let seconds = match () {
            () if !settings.throttled => 0.0,
            () if 4 * used >= 3 * quota => 1.0,
            () if 2 * used >= quota => 0.5,
            () => 0.0,
        };
        clock.wait(seconds) + Duration::from_millis(settings.latency_ms)
    }

    /// A request to an entity begins; the refusal where it is one too many.
    pub(super) fn begin(&mut self, entity: &str, settings: &Settings) -> Option<Reply> {
        let inside = self.inside.entry(entity.to_owned()).or_default();
        *inside += 1;
        let text = "The thread threshold of this tracking identifier is exceeded for this object endpoint.";
        (*inside > settings.threads).then(|| refused(settings.thread_status, text))
    }

    /// It has ended.
    pub(super) fn end(&mut self, entity: &str) {
        if let Some(inside) = self.inside.get_mut(entity) {
            *inside = inside.saturating_sub(1);
        }
    }

    /// `ThresholdInformation`, the request itself counted.
    pub(super) fn told(&mut self, now: Timestamp, settings: &Settings) -> Value {
        json!({
            "externalRequestThreshold": settings.quota, "requestThresholdTimeframe": MINUTES,
            "currentTimeframeRequestCount": self.used(now, settings),
        })
    }
}
