//! One technician's queue: the ticket that is due first is worked on first, in working hours, one at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::calendar::{HOUR, MINUTE, Shift};

/// How long a ticket of P1 to P4 may wait before it counts as more urgent than a new P1.
const DUE: [i64; 4] = [0, 3 * HOUR, 12 * HOUR, 36 * HOUR];

/// Work for a technician.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) arrival: i64,
    /// 0 for P1.
    pub(crate) priority: usize,
    /// Seconds.
    pub(crate) work: i64,
    /// Somebody takes it at once, whatever the hour and the queue, after this many seconds.
    pub(crate) on_call: Option<i64>,
}

/// When work on a ticket began and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Works off `jobs`, which are in order of arrival, and returns one result a job.
pub(crate) fn serve(jobs: &[Job], shift: &Shift<'_>) -> Vec<Served> {
    let mut served = vec![Served { start: 0, end: 0 }; jobs.len()];
    let mut waiting = BinaryHeap::new();
    let mut next = 0;
    let mut clock = i64::MIN;
    loop {
        if waiting.is_empty() {
            match jobs.get(next) {
                None => return served,
                Some(job) => clock = clock.max(job.arrival),
            }
        }
        clock = shift.open(clock);
        while let Some(job) = jobs.get(next).filter(|j| j.arrival <= clock) {
            match job.on_call {
                Some(delay) => served[next] = called(job, delay),
                None => waiting.push(Reverse((job.arrival + DUE[job.priority.min(3)], next))),
            }
            next += 1;
        }
        if let Some(Reverse((_, index))) = waiting.pop() {
            let end = shift.advance(clock, jobs[index].work.max(MINUTE));
            served[index] = Served { start: clock, end };
            clock = end;
        }
    }
}

fn called(job: &Job, delay: i64) -> Served {
    let start = job.arrival + delay;
    Served { start, end: start + job.work.max(MINUTE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::DAY;
    use crate::calendar::tests::plain;

    fn served(jobs: &[Job]) -> Vec<Served> {
        serve(jobs, &Shift { from: 8 * HOUR, to: 16 * HOUR, calendar: &plain() })
    }

    fn job(hour: i64, priority: usize) -> Job {
        // Day 4 is a Monday.
        Job { arrival: 4 * DAY + hour * HOUR, priority, work: HOUR, on_call: None }
    }

    #[test]
    fn the_urgent_overtake_those_who_wait() {
        let served = served(&[job(6, 3), job(6, 3), job(9, 0)]);
        let starts: Vec<i64> = served.iter().map(|s| (s.start - 4 * DAY) / HOUR).collect();
        assert_eq!(starts, [8, 10, 9]);
    }

    #[test]
    fn nobody_starves_and_nothing_starts_before_it_arrives() {
        let mut jobs: Vec<Job> = (0..60).map(|h| job(h, 0)).collect();
        jobs.insert(0, job(0, 3));
        let served = served(&jobs);
        assert!(jobs.iter().zip(&served).all(|(j, s)| s.start >= j.arrival && s.end > s.start));
        // Without ageing it would come last, after 60 hours of work.
        assert!(served[0].start < 9 * DAY);
    }

    #[test]
    fn the_one_on_call_comes_at_night() {
        let night = Job { on_call: Some(600), ..job(2, 0) };
        assert_eq!(served(&[night])[0].start, night.arrival + 600);
    }
}
