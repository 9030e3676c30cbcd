//! How fast this machine is with this bundle: one ticket by itself, and all cores busy.
//!
//! Measured in the process, through the engine that a service uses; no network, no queue, no store.

use std::time::{Duration, Instant};

use firstline_rollout::evidence::{Latency, Load, Quantiles};
use firstline_ticket::Ticket;
use firstline_training::{Progress, interrupted};
use firstline_triage::Engine;

use super::Extent;
use super::assemble::Measured;
use super::material::{as_it_came, drawn};
use crate::failure::Failure;

/// Tokens, and tickets, of a batch: as a service decides them together by default.
const BATCH_TOKENS: usize = 4_096;
const BATCH_TICKETS: usize = 256;
/// Labels of a field that a service keeps.
const TOP: usize = 5;
/// Tickets that are decided before any is timed.
const WARM_UP: usize = 4;

impl Measured<'_> {
    /// Times single tickets, then batch after batch.
    pub(super) fn speed(
        &mut self,
        engine: &Engine,
        extent: &Extent,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        let tickets = &self.material.tickets;
        let places = drawn(tickets.len(), extent.alone, extent.seed);
        let fresh: Vec<Ticket> = places.iter().map(|&i| as_it_came(&tickets[i])).collect();
        engine.decide(&fresh[..fresh.len().min(WARM_UP)], TOP)?;
        bars.stage("timing single tickets", fresh.len() as u64);
        let mut times = Vec::with_capacity(fresh.len());
        for (done, ticket) in fresh.iter().enumerate() {
            let start = Instant::now();
            engine.decide(std::slice::from_ref(ticket), TOP)?;
            times.push(1e3 * start.elapsed().as_secs_f64());
            if bars.done(done as u64 + 1).is_break() {
                return Err(interrupted("timing single tickets").into());
            }
        }
        self.latency = Quantiles::of(times).map(|triage_ms| Latency { triage_ms, draft_s: None });
        self.load = Some(self.under_load(engine, extent, bars)?);
        Ok(())
    }

    fn under_load(
        &self,
        engine: &Engine,
        extent: &Extent,
        bars: &mut impl Progress,
    ) -> Result<Load, Failure> {
        let tickets: Vec<Ticket> = self.material.tickets.iter().map(as_it_came).collect();
        let batches = batches(engine, tickets)?;
        let longest = Duration::from_secs_f64(extent.load);
        bars.stage("all cores busy", (1e3 * extent.load) as u64);
        let (start, mut n, mut times) = (Instant::now(), 0, Vec::new());
        let mut next = batches.iter().cycle();
        while let Some(batch) = next.next().filter(|_| start.elapsed() < longest) {
            let began = Instant::now();
            engine.decide(batch, TOP)?;
            let took = 1e3 * began.elapsed().as_secs_f64();
            times.extend(std::iter::repeat_n(took, batch.len()));
            n += batch.len() as u64;
            if bars.done(start.elapsed().as_millis() as u64).is_break() {
                return Err(interrupted("measuring under load").into());
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let p99_ms = Quantiles::of(times).map_or(0.0, |found| found.p99);
        Ok(Load {
            n,
            seconds,
            per_second: n as f64 / seconds.max(1e-9),
            p99_ms,
            how: format!(
                "Measured in the process through the engine, with no network, queue or store. With all cores busy, tickets come in batches \
                 of up to {BATCH_TOKENS} tokens, as a service decides them together; a ticket's time is that of its batch."
            ),
        })
    }
}

/// The tickets in batches as a service makes them.
fn batches(engine: &Engine, tickets: Vec<Ticket>) -> Result<Vec<Vec<Ticket>>, Failure> {
    let mut batches: Vec<Vec<Ticket>> = Vec::new();
    let mut tokens = usize::MAX;
    for ticket in tickets {
        let cost = engine.prepare(&ticket)?.tokens();
        match batches.last_mut().filter(|batch| batch.len() < BATCH_TICKETS && tokens + cost <= BATCH_TOKENS)
        {
            Some(batch) => {
                tokens += cost;
                batch.push(ticket);
            }
            None => {
                tokens = cost;
                batches.push(vec![ticket]);
            }
        }
    }
    Ok(batches)
}
