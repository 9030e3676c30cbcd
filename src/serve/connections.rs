//! Which connections are open, what each is at and since when, and which one gives way to a new one.
//!
//! A connection that waits for its client gives way before a new one is refused: first those that never sent a request, of the
//! address that has most of them, then those whose client does not read, then those that are kept open. Some places beyond the
//! most are spare, so that health checks are answered even when every other place has work. Must never end a connection whose
//! request is being answered, nor read or write one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// From the start of a connection, its handshake included, to the end of the first request's headers; and from the first byte
/// of every later request to the end of its headers.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For the client to close its side after the last answer: what it still sends is read, so that it can read the answer.
pub(crate) const LEAVING_TIME: Duration = Duration::from_secs(2);
/// A client that has not read for so long may have to give way.
const STALLED: Duration = Duration::from_secs(1);
/// Places beyond the most: for health checks.
pub(crate) const SPARE: usize = 32;

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// It has sent no request yet.
    Fresh,
    /// A request's headers come, after others were answered.
    Head,
    /// A request is being read or answered.
    Busy,
    /// An answer can't be written: the client does not read.
    Stalled,
    /// It is kept open for the next request.
    Idle,
    /// The last answer is written, or there is nothing but the rest of a refused body.
    Leaving,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Fresh, Self::Head, Self::Busy, Self::Stalled, Self::Idle, Self::Leaving];

    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Busy)
    }
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct Slot {
    id: u64,
    peer: IpAddr,
    opened: Instant,
    phase: AtomicU8,
    /// Milliseconds after `opened`.
    since: AtomicU64,
    /// Requests so far.
    requests: AtomicU32,
    /// Whether it has a spare place: only health checks are answered.
    pub(crate) is_spare: bool,
    /// Told when it has to give way.
    pub(crate) gives_way: Notify,
}

impl Slot {
    fn set(&self, phase: Phase) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::Relaxed))
    }

    fn since(&self) -> Instant {
        self.opened + Duration::from_millis(self.since.load(Ordering::Relaxed))
    }

    /// The address at the other end.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A request is there; it is answered when what this gives is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.set(Phase::Busy);
        Turn(Arc::clone(self))
    }

    /// Bytes came.
    pub(crate) fn reads(&self) {
        if self.phase() == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    /// Bytes were written.
    pub(crate) fn writes(&self) {
        if self.phase() == Phase::Stalled {
            self.set(Phase::Busy);
        }
    }

    /// The client does not read.
    pub(crate) fn stalls(&self) {
        if self.phase() == Phase::Busy {
            self.set(Phase::Stalled);
        }
    }

    /// The last answer is written, or what is left of a refused body is read: it may give way.
    pub(crate) fn leaves(&self) {
        self.set(Phase::Leaving);
    }

    /// What was left of a body is read, and the answer goes out.
    pub(crate) fn returns(&self) {
        self.set(Phase::Busy);
    }

    /// Whether it has waited too long for its client; if not, when to look again.
    fn overdue(&self, idle: Duration, now: Instant) -> Option<Instant> {
        let most = match self.phase() {
            Phase::Fresh | Phase::Head => HEAD_TIME,
            Phase::Idle => idle,
            Phase::Leaving => LEAVING_TIME,
            Phase::Busy | Phase::Stalled => return Some(now + HEAD_TIME.min(idle)),
        };
        let end = self.since() + most;
        // It may go on to something with less patience meanwhile.
        (end > now).then(|| end.min(now + HEAD_TIME.min(idle)))
    }

    /// Ends when it has waited too long for its client.
    pub(crate) async fn is_overdue(&self, idle: Duration) {
        while let Some(next) = self.overdue(idle, Instant::now()) {
            tokio::time::sleep_until(next.into()).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Slot>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.set(Phase::Idle);
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    open: Mutex<HashMap<u64, Arc<Slot>>>,
    next: AtomicU64,
    none: Notify,
}

/// An open connection: its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    all: Arc<Connections>,
    pub(crate) slot: Arc<Slot>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.all.lock();
        open.remove(&self.slot.id);
        if open.is_empty() {
            self.all.none.notify_waiters();
        }
    }
}

impl Connections {
    /// `most` of them, and the spare places.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default(), next: AtomicU64::new(0), none: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Slot>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `peer`: `None` where every place, spare ones included, has work.
    pub(crate) fn open(self: &Arc<Self>, peer: IpAddr) -> Option<Open> {
        let mut open = self.lock();
        let mut is_spare = false;
        if open.len() >= self.most {
            if let Some(gone) = victim(&open, Instant::now()) {
                open.remove(&gone.id);
                gone.gives_way.notify_one();
            } else if open.len() < self.most + SPARE {
                is_spare = true;
            } else {
                return None;
            }
        }
        let slot = Arc::new(Slot {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            peer,
            opened: Instant::now(),
            phase: AtomicU8::new(Phase::Fresh as u8),
            since: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            is_spare,
            gives_way: Notify::new(),
        });
        open.insert(slot.id, Arc::clone(&slot));
        Some(Open { all: Arc::clone(self), slot })
    }

    /// Waits until there is none any more.
    pub(crate) async fn ended(&self) {
        loop {
            let none = self.none.notified();
            if self.lock().is_empty() {
                return;
            }
            none.await;
        }
    }
}

/// The connection that gives way to a new one.
fn victim(open: &HashMap<u64, Arc<Slot>>, now: Instant) -> Option<Arc<Slot>> {
    let mut peers: HashMap<IpAddr, usize> = HashMap::new();
    open.values().for_each(|slot| *peers.entry(slot.peer).or_default() += 1);
    let oldest = |which: &dyn Fn(&Slot) -> bool| {
        let waits = open.values().filter(|slot| which(slot));
        // Of the address with the most connections first, then by age.
        waits.min_by_key(|slot| (usize::MAX - peers[&slot.peer], slot.since(), slot.id)).cloned()
    };
    let is = |phases: &'static [Phase]| move |slot: &Slot| phases.contains(&slot.phase());
    let stalled = |slot: &Slot| slot.phase() == Phase::Stalled && now.duration_since(slot.since()) >= STALLED;
    oldest(&is(&[Phase::Fresh, Phase::Leaving]))
        .or_else(|| oldest(&is(&[Phase::Head])))
        .or_else(|| oldest(&stalled))
        .or_else(|| oldest(&is(&[Phase::Idle])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn ids(all: &Connections) -> Vec<u64> {
        let mut ids: Vec<u64> = all.lock().keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn thousands_of_silent_connections_leave_a_place_for_each_new_one() {
        let all = Connections::new(8);
        let honest = all.open(peer(1)).unwrap();
        let turn = honest.slot.begin();
        let silent: Vec<Open> = (0..5_000).map(|_| all.open(peer(2)).unwrap()).collect();
        let late = all.open(peer(3)).unwrap();
        // The one with work and the newest are there, and nobody has a spare place.
        let left = ids(&all);
        assert_eq!((left.len(), left[0], left[7]), (8, honest.slot.id, late.slot.id));
        assert!(silent.iter().all(|open| !open.slot.is_spare));
        drop(turn);
        drop(silent);
        assert_eq!(ids(&all), [honest.slot.id, late.slot.id]);
    }

    #[test]
    fn those_that_never_sent_anything_go_first_and_those_with_work_never() {
        let all = Connections::new(5);
        let opened: Vec<Open> = (0..5).map(|n| all.open(peer(n)).unwrap()).collect();
        let mut turns: Vec<Turn> = opened.iter().map(|open| open.slot.begin()).collect();
        drop(turns.remove(4)); // Idle.
        opened[3].slot.stalls();
        opened[3].slot.since.store(0, Ordering::Relaxed);
        let soon = Instant::now() + STALLED * 2;
        let gone = |now| victim(&all.lock(), now).map(|slot| slot.id);
        assert_eq!(gone(soon), Some(opened[3].slot.id), "a client that does not read");
        opened[3].slot.writes();
        assert_eq!(gone(soon), Some(opened[4].slot.id), "one that is kept open");
        let _fresh = all.open(peer(9)).unwrap();
        let newest = gone(soon);
        assert!(newest.is_some_and(|id| id > opened[4].slot.id), "one that never sent anything");
    }

    #[test]
    fn of_silent_connections_the_address_with_most_of_them_loses_one() {
        let all = Connections::new(4);
        let first = all.open(peer(1)).unwrap();
        let _flood: Vec<Open> = (0..20).map(|_| all.open(peer(2)).unwrap()).collect();
        assert!(ids(&all).contains(&first.slot.id), "the oldest, but the only one of its address");
    }

    #[test]
    fn where_all_have_work_spare_places_are_left_and_then_none() {
        let all = Connections::new(3);
        let opened: Vec<Open> = (0..3).map(|_| all.open(peer(1)).unwrap()).collect();
        let turns: Vec<Turn> = opened.iter().map(|open| open.slot.begin()).collect();
        let spare: Vec<Open> = (0..SPARE)
            .map(|_| {
                let open = all.open(peer(1)).unwrap();
                assert!(open.slot.is_spare);
                drop(open.slot.begin());
                open.slot.set(Phase::Busy);
                open
            })
            .collect();
        assert!(all.open(peer(1)).is_none());
        drop(turns);
        assert!(!all.open(peer(1)).unwrap().slot.is_spare || spare.is_empty());
    }

    #[test]
    fn every_wait_for_a_client_ends() {
        let all = Connections::new(1);
        let open = all.open(peer(1)).unwrap();
        let (slot, idle) = (&open.slot, Duration::from_secs(75));
        let late = |after: Duration| slot.overdue(idle, slot.since() + after).is_none();
        assert!(!late(HEAD_TIME / 2) && late(HEAD_TIME), "no request yet");
        let turn = slot.begin();
        assert!(!late(HEAD_TIME * 100), "a request has bounds of its own");
        slot.stalls();
        assert!(!late(HEAD_TIME * 100), "and so has an answer");
        drop(turn);
        assert!(!late(HEAD_TIME) && late(idle), "kept open");
        slot.reads();
        assert!(!late(HEAD_TIME / 2) && late(HEAD_TIME), "the next request's headers");
        slot.leaves();
        assert!(late(LEAVING_TIME));
    }
}
