//! Who has a place, whose turn it is, and what is left out: counted, never timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::turns::Turns;
use super::*;

/// Pieces of one key's call, all of one cost.
struct Call {
    alive: Arc<()>,
    deadline: Instant,
}

impl Call {
    fn new() -> Self {
        Self { alive: Arc::default(), deadline: Instant::now() + Duration::from_secs(3_600) }
    }

    /// `n` pieces that write `key` into `log` when they run.
    fn pieces(&self, (key, log): (char, &Log), n: usize, cost: usize) -> Vec<Work> {
        let piece = |_| {
            let log = Arc::clone(log);
            let run = move || log.lock().unwrap_or_else(PoisonError::into_inner).push(key);
            Work::Piece(Piece::new(cost, self.deadline, &self.alive, run))
        };
        (0..n).map(piece).collect()
    }
}

type Log = Arc<Mutex<String>>;

fn queue(batch_tokens: usize, queue_tokens: usize) -> Arc<Queue> {
    Queue::of(batch_tokens, queue_tokens, Duration::from_secs(2), Arc::new(Metrics::new()))
}

/// Runs all that waits, batch by batch; gives each batch's keys.
fn run_all(queue: &Queue, log: &Log) -> Vec<String> {
    queue.close();
    let mut batches = Vec::new();
    while let Some(batch) = queue.take() {
        batch.pieces.into_iter().for_each(Piece::run);
        batches.push(std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner)));
    }
    batches
}

fn of(keys: &str, key: char) -> usize {
    keys.chars().filter(|k| *k == key).count()
}

#[test]
fn keys_share_by_cost_whatever_they_ask_for() {
    // Many small pieces, few large ones, and sizes between: after any number of rounds, each had about the same.
    let (call, log) = (Call::new(), Log::default());
    let queue = queue(1 << 20, 1 << 20);
    for (key, n, cost) in [('a', 4_000, 4), ('b', 40, 400), ('c', 250, 64)] {
        queue.push(&key.to_string(), call.pieces((key, &log), n, cost)).unwrap();
    }
    let batches = run_all(&queue, &log);
    let cost = |keys: &str| [('a', 4), ('b', 400), ('c', 64)].map(|(key, cost)| of(keys, key) * cost);
    let mut had = [0; 3];
    for batch in &batches[..batches.len() - 40] {
        cost(batch).iter().zip(&mut had).for_each(|(cost, had)| *had += cost);
        let (most, least) = (had.iter().max().unwrap(), had.iter().min().unwrap());
        assert!(most - least <= 1_024, "{had:?}");
    }
    assert_eq!(batches.iter().map(|batch| cost(batch).iter().sum::<usize>()).sum::<usize>(), 48_000);
}

#[test]
fn a_key_with_one_ticket_overtakes_another_keys_backlog() {
    for (n, cost) in [(10_000, 4), (2_000, 64), (500, 500)] {
        let (call, log) = (Call::new(), Log::default());
        let queue = queue(1_024, 1 << 20);
        queue.push("noisy", call.pieces(('n', &log), n, cost)).unwrap();
        let first = queue.take().unwrap();
        assert!(first.cost <= 1_024);
        queue.push("quiet", call.pieces(('q', &log), 1, 100)).unwrap();
        let second = queue.take().unwrap();
        second.pieces.into_iter().for_each(Piece::run);
        let keys = log.lock().unwrap().clone();
        assert!(keys.starts_with('q'), "{keys}");
    }
}

#[test]
fn a_key_that_asks_again_and_again_waits_for_one_turn_of_each_other_key_at_most() {
    let (call, log) = (Call::new(), Log::default());
    let queue = queue(64, 1 << 20);
    queue.push("noisy", call.pieces(('n', &log), 5_000, 8)).unwrap();
    queue.push("other", call.pieces(('o', &log), 5_000, 8)).unwrap();
    for _ in 0..50 {
        queue.push("quiet", call.pieces(('q', &log), 1, 60)).unwrap();
        let mut others = 0;
        loop {
            queue.take().unwrap().pieces.into_iter().for_each(Piece::run);
            let keys = std::mem::take(&mut *log.lock().unwrap());
            others += keys.len() - of(&keys, 'q');
            if keys.contains('q') {
                break;
            }
        }
        assert!(others * 8 <= 4 * 64, "{others}");
    }
}

#[test]
fn nobody_starves_where_small_calls_keep_coming() {
    let (call, log) = (Call::new(), Log::default());
    let queue = queue(64, 1 << 20);
    queue.push("bulk", call.pieces(('b', &log), 400, 64)).unwrap();
    for round in 0..600 {
        let key = char::from_digit(round % 10, 10).unwrap();
        queue.push(&key.to_string(), call.pieces((key, &log), 1, 60)).unwrap();
        queue.take().unwrap().pieces.into_iter().for_each(Piece::run);
    }
    let bulk = of(&log.lock().unwrap(), 'b');
    assert!((30..=300).contains(&bulk), "{bulk}");
}

#[test]
fn a_newcomer_always_has_a_place_and_nobody_more_than_a_share() {
    let queue = queue(1_024, 10_000);
    // Alone, a key may have all of the queue, and a call that is longer where it has nothing waiting.
    let long = queue.place("noisy", 50_000).unwrap();
    assert!(queue.place("noisy", 1).is_err());
    drop(long);
    let mut noisy: Vec<Place> = std::iter::from_fn(|| queue.place("noisy", 500).ok()).collect();
    assert_eq!(noisy.len() * 500, 10_000);
    // The queue is full, and yet each newcomer gets in; then its share is what it may have.
    let newcomers: Vec<Place> = (0..20).map(|i| queue.place(&format!("new{i}"), 100).unwrap()).collect();
    assert!(queue.place("noisy", 1).is_err());
    assert_eq!(std::iter::from_fn(|| queue.place("new0", 100).ok()).take(50).count(), 50, "places come back");
    let held: Vec<Place> = std::iter::from_fn(|| queue.place("new0", 100).ok()).collect();
    assert_eq!(held.len(), 10_000 / 21 / 100 - 1);
    // The noisy key gets in again when it has less than a share.
    noisy.truncate(1);
    assert!(queue.place("noisy", 1).is_err());
    drop((newcomers, held));
    assert!(queue.place("noisy", 500).is_ok());
}

#[test]
fn the_wait_of_a_key_counts_its_own_backlog_and_its_share_of_the_speed() {
    // 5,000 a second at first, two seconds at most: 10,000 alone, 5,000 beside another key.
    let queue = queue(1_024, 1 << 26);
    let alone = queue.place("noisy", 10_000).unwrap();
    assert_eq!((queue.is_full_for("noisy"), queue.is_full_for("other")), (None, None));
    let second = queue.place("noisy", 1_000).unwrap();
    assert_eq!(queue.place("noisy", 1).unwrap_err(), 2);
    assert_eq!((queue.is_full_for("noisy"), queue.is_full_for("other")), (Some(2), None));
    // Another key's wait is not the noisy one's.
    let other = queue.place("other", 4_000).unwrap();
    assert!(queue.place("other", 1_000).is_ok());
    let more = queue.place("other", 2_000).unwrap();
    assert_eq!(queue.place("other", 1).unwrap_err(), 2);
    drop((alone, second, other, more));
    assert_eq!(queue.lock().places.len(), 0);
}

#[test]
fn work_leaves_the_queue_with_its_caller() {
    let log = Log::default();
    let queue = queue(1_024, 1 << 20);
    let place = queue.place("noisy", 1_000).unwrap();
    let call =
        Call { alive: place.alive.clone().unwrap(), deadline: Instant::now() + Duration::from_secs(60) };
    let stays = Call::new();
    queue.push("noisy", call.pieces(('n', &log), 1_000, 1)).unwrap();
    queue.push("noisy", stays.pieces(('s', &log), 2, 1)).unwrap();
    drop(call);
    assert_eq!(queue.lock().calls.len(), 1_002);
    drop(place);
    assert_eq!(queue.lock().calls.len(), 2, "it was taken out at once");
    // One that was taken out by the lane just before is not begun either.
    let late = Call::new();
    queue.push("noisy", late.pieces(('l', &log), 3, 1)).unwrap();
    let batch = queue.take().unwrap();
    drop(late);
    batch.pieces.into_iter().for_each(Piece::run);
    assert_eq!(*log.lock().unwrap(), "ss");
}

#[test]
fn what_is_too_late_is_left_out() {
    let (log, start) = (Log::default(), Instant::now());
    let mut turns = Turns::default();
    let call = Call { alive: Arc::default(), deadline: start + Duration::from_secs(1) };
    turns.push("a", call.pieces(('a', &log), 100, 1));
    let mut batch = Batch::default();
    turns.fill(&mut batch, 50, start);
    assert_eq!((batch.pieces.len(), turns.len()), (50, 50));
    let mut batch = Batch::default();
    turns.fill(&mut batch, 50, start + Duration::from_secs(1));
    assert_eq!((batch.pieces.len(), turns.len(), turns.keys()), (0, 0, 0));
}

#[test]
fn batches_are_short_where_several_keys_ask() {
    let (call, log) = (Call::new(), Log::default());
    let queue = queue(4_096, 1 << 20);
    queue.push("a", call.pieces(('a', &log), 1_000, 8)).unwrap();
    let alone = queue.take().unwrap().cost;
    queue.push("b", call.pieces(('b', &log), 1_000, 8)).unwrap();
    let shared = queue.take().unwrap().cost;
    assert!(alone <= 1_250 && shared <= 64, "{alone} {shared}");
    // As fast as it turns out to be, up to what the settings allow.
    (0..100).for_each(|_| queue.took(100_000, Duration::from_millis(100)));
    assert!(queue.take().unwrap().cost > 4_000);
}

#[tokio::test]
async fn a_call_hears_of_its_first_fault_and_nothing_more_is_begun() {
    let queue = queue(64, 1 << 20);
    let place = queue.place("a", 100).unwrap();
    let lane = std::thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            let mut ran = 0;
            while let Some(batch) = queue.take() {
                ran += batch.pieces.len();
                batch.pieces.into_iter().for_each(Piece::run);
            }
            ran
        }
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    let part = |i: usize| -> Part<usize> {
        (64, Box::new(move || if i == 2 { Err(Problem::overload("2", 1)) } else { Ok(i) }))
    };
    assert_eq!(place.compute(deadline, vec![part(0), part(1)]).await.unwrap(), [0, 1]);
    let fault = place.compute(deadline, (0..1_000).map(part).collect()).await.unwrap_err();
    assert_eq!(fault.code, "E_OVERLOAD");
    drop(place);
    queue.close();
    assert!(lane.join().unwrap() <= 1_002);
    assert_eq!(queue.lock().calls.len(), 0);
    let stopped = queue.place("a", 1).unwrap_err();
    assert!(stopped >= 1);
}
