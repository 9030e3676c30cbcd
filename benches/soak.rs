//! Does memory grow while 200,000 tickets are decided?
//!
//! Made-up tickets, 256 a batch, as `classify` does it, but every tenth batch as a burst of 64 calls at once, each from a
//! thread of its own; resident memory every 20,000 tickets. Run with `cargo bench -p firstline-benches --bench soak`; it takes
//! minutes, and Linux. Fails when the last fifth needs over 1 % more than the first. Not criterion's: memory is measured, over
//! one long run.

use std::time::Instant;

use firstline_benches as common;
use firstline_ticket::Ticket;

const TICKETS: usize = 200_000;
const STEP: usize = 20_000;
const BATCH: usize = 256;
const BURST: usize = 64;

fn main() {
    // `cargo test --benches` has no use for minutes.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = common::engine(dir.path()) else { return };
    let mut tickets = common::tickets(TICKETS);
    let (start, mut done, mut resident) = (Instant::now(), 0, Vec::new());
    while done < TICKETS {
        let batch: Vec<Ticket> = tickets.by_ref().take(BATCH.min(TICKETS - done)).collect();
        let decide = |tickets: &[Ticket]| {
            assert_eq!(engine.decide(tickets, 3).expect("these tickets can be decided").len(), tickets.len());
        };
        match (done / BATCH).is_multiple_of(10) {
            true => std::thread::scope(|scope| {
                for part in batch.chunks(BATCH / BURST) {
                    scope.spawn(move || decide(part));
                }
            }),
            false => decide(&batch),
        }
        let before = done / STEP;
        done += batch.len();
        if done / STEP > before {
            let Some(kib) = common::resident_kib() else {
                return println!("skipped: this system does not tell its memory");
            };
            println!("{done:7} tickets, {:4.0} s: {:.1} MiB", start.elapsed().as_secs_f64(), kib / 1024.0);
            resident.push(kib);
        }
    }
    let fifth = resident.len() / 5;
    let most = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    let (first, last) = (most(&resident[..fifth]), most(&resident[resident.len() - fifth..]));
    println!(
        "{TICKETS} tickets at {:.0} a second; {:+.2} % from the first fifth to the last",
        TICKETS as f64 / start.elapsed().as_secs_f64(),
        (last / first - 1.0) * 100.0
    );
    assert!(last <= first * 1.01, "memory grows");
}
