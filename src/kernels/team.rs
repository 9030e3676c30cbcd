//! Threads that stay together: work in parts so small that waking a thread, or handing over through a queue, would cost
//! more than the part. Helpers wait awake for the next piece of work, and go to sleep when none comes.
//!
//! Whoever asks works along and is done when every part is; a helper that the system has put aside delays only the part
//! it holds.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// For how long a helper without work stays awake.
const AWAKE: Duration = Duration::from_millis(2);
/// Looks at whether there is work between two looks at the clock.
const LOOKS: usize = 2_000;

/// Of the lower half of `next`: no part can be taken.
const CLOSED: u32 = u32::MAX;

fn word(number: u32, part: u32) -> u64 {
    u64::from(number) << 32 | u64::from(part)
}

fn number_of(next: u64) -> u32 {
    (next >> 32) as u32
}

/// A caller and its helper threads, which end when it is dropped.
#[derive(Debug)]
pub struct Team {
    shared: Arc<Shared>,
    helpers: Vec<(Thread, Option<JoinHandle<()>>)>,
}

/// Calls the closure behind the first pointer on one part of those behind the second.
type Call = unsafe fn(*const (), *mut (), usize);

#[derive(Debug, Default)]
struct Shared {
    /// Number of the piece of work in the upper half, first part that nobody has taken in the lower; [`CLOSED`] while
    /// the next piece is written down.
    next: AtomicU64,
    /// How many parts it has.
    count: AtomicUsize,
    /// Parts that are done.
    done: AtomicUsize,
    closure: AtomicPtr<()>,
    parts: AtomicPtr<()>,
    /// A [`Call`].
    call: AtomicPtr<()>,
    panicked: AtomicBool,
    asleep: AtomicUsize,
    stop: AtomicBool,
}

impl Team {
    /// A team of `threads`, the caller among them; at least one. Where the system gives fewer, it is smaller.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let helper = |i: usize| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("team-{i}")).spawn(move || shared.help()).ok()
        };
        let helpers = (1..threads).filter_map(helper).map(|h| (h.thread().clone(), Some(h))).collect();
        Self { shared, helpers }
    }

    /// Threads, the caller among them.
    pub fn threads(&self) -> usize {
        1 + self.helpers.len()
    }

    /// Does `work` on each of `parts`, in any order and on any thread.
    ///
    /// # Panics
    /// When `work` does on any part.
    pub fn run<T: Send, F: Fn(&mut T) + Sync>(&mut self, parts: &mut [T], work: F) {
        unsafe fn call<T, F: Fn(&mut T)>(work: *const (), parts: *mut (), i: usize) {
            // SAFETY: `Team::run` gave pointers of these types, and waits until all parts are done before it lets go of
            // either; each part is taken once.
            unsafe { (*work.cast::<F>())(&mut *parts.cast::<T>().add(i)) }
        }
        if self.helpers.is_empty() || parts.len() < 2 {
            parts.iter_mut().for_each(work);
            return;
        }
        let s = &*self.shared;
        assert!(parts.len() < CLOSED as usize, "{} parts", parts.len());
        let number = number_of(s.next.load(Ordering::Relaxed)).wrapping_add(2);
        // Whoever reads any of what follows (acquire) knows of this too (release), and can't take a part of the last work.
        s.next.store(word(number.wrapping_sub(1), CLOSED), Ordering::Relaxed);
        let all = parts.len();
        s.closure.store(ptr::from_ref(&work).cast_mut().cast(), Ordering::Release);
        s.parts.store(parts.as_mut_ptr().cast(), Ordering::Release);
        s.call.store(call::<T, F> as Call as *mut (), Ordering::Release);
        s.count.store(all, Ordering::Release);
        s.done.store(0, Ordering::Relaxed);
        s.next.store(word(number, 0), Ordering::SeqCst);
        if s.asleep.load(Ordering::SeqCst) > 0 {
            self.helpers.iter().for_each(|(thread, _)| thread.unpark());
        }
        s.take(number);
        let mut looks = 0;
        // `parts` is not looked at while others hold parts of it.
        while s.done.load(Ordering::Acquire) < all {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { thread::yield_now() }
        }
        assert!(!s.panicked.swap(false, Ordering::Relaxed), "a part of the work panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for (thread, handle) in &mut self.helpers {
            thread.unpark();
            if let Some(handle) = handle.take() {
                let _ = handle.join();
            }
        }
    }
}

impl Shared {
    /// Does parts of work `number` until none is left.
    fn take(&self, number: u32) {
        loop {
            let next = self.next.load(Ordering::Acquire);
            let i = (next & u64::from(u32::MAX)) as usize;
            if number_of(next) != number || i >= self.count.load(Ordering::Acquire) {
                return;
            }
            let (closure, parts) = (self.closure.load(Ordering::Acquire), self.parts.load(Ordering::Acquire));
            let call = self.call.load(Ordering::Acquire);
            // Only if this is still the same work was what was read its own, and it stays so until this part is
            // counted as done.
            if self.next.compare_exchange(next, next + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            // SAFETY: `call` was stored from a `Call`.
            let call = unsafe { std::mem::transmute::<*mut (), Call>(call) };
            // SAFETY: pointers and number of parts belong together, as told above, and part `i` is nobody else's.
            let part = AssertUnwindSafe(|| unsafe { call(closure, parts, i) });
            if let Err(payload) = catch_unwind(part) {
                // What was thrown might throw again when it is dropped; nothing may keep this part from being counted.
                std::mem::forget(payload);
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// What a helper does: parts of whatever comes.
    fn help(&self) {
        let mut last = 0;
        let mut idle: Option<Instant> = None;
        let mut looks = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let number = number_of(self.next.load(Ordering::Acquire));
            if number != last {
                self.take(number);
                (last, idle, looks) = (number, None, 0);
                continue;
            }
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
                continue;
            }
            looks = 0;
            thread::yield_now();
            if idle.get_or_insert_with(Instant::now).elapsed() < AWAKE {
                continue;
            }
            // Whoever stores new work looks at `asleep` after that, and this looks for work after it has counted itself.
            self.asleep.fetch_add(1, Ordering::SeqCst);
            while number_of(self.next.load(Ordering::SeqCst)) == last && !self.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            self.asleep.fetch_sub(1, Ordering::SeqCst);
            idle = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_whoever_does_it() {
        for threads in [1, 2, 5] {
            let mut team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for round in 0..if cfg!(miri) { 5 } else { 2_000 } {
                let mut parts = vec![0_usize; round % 9];
                let more = round + 1;
                team.run(&mut parts, |part| *part += more);
                assert!(parts.iter().all(|&part| part == more), "{threads} threads, round {round}");
            }
            // Helpers go to sleep and wake up again.
            thread::sleep(3 * AWAKE);
            let mut parts = [1; 7];
            team.run(&mut parts, |part| *part *= 2);
            assert_eq!(parts, [2; 7]);
        }
    }

    #[test]
    fn a_part_that_panics_tells_the_caller_and_the_team_works_on() {
        let mut team = Team::new(2);
        let mut parts: Vec<usize> = (0..8).collect();
        let run = AssertUnwindSafe(|| team.run(&mut parts, |part| assert!(*part != 5, "five")));
        assert!(catch_unwind(run).is_err());
        team.run(&mut parts, |part| *part = 1);
        assert_eq!(parts, [1; 8]);
    }
}
