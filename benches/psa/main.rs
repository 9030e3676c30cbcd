//! Does a connection to a PSA keep what it promises for a whole day, though requests fail, processes are killed and the PSA is down?
//!
//! The program itself serves and connects, as processes; the PSA is a fake in this one. A day of a generated desk, 800 tickets with
//! replies, edits and merges, is played in minutes: the desk's time is compressed, and every lag is told in real seconds, so that the load
//! is many times that of a real day. Scenarios, for each of the three PSAs:
//!
//! - `--day`: in shadow, with faults of every kind on: every ticket decided once, every end joined, nothing written.
//! - `--webhook`: the same by webhooks, of which some are lost, come twice, are forged or in reverse order, with the program's own polls.
//! - `--kill`: in assist, with a reviewer who approves: `connect` is killed at random moments and right after it has written. What was
//!   approved is written once, or there is a word why not.
//! - `--outage`: the PSA answers nothing for a while, then a proxy's 503, then it is back.
//! - `--pull`: closed tickets are pulled: a sample at the pace of the settings and within the vendor's limits, all of them faster, after
//!   being stopped in between.
//!
//! `cargo bench -p firstline-benches --bench psa -- [connectwise|autotask|halo] [--day] ...`; an unknown argument prints them all. Without
//! a release build at hand: `FIRSTLINE_BENCH_PROGRAM=target/debug/firstline cargo bench --profile dev ...`. `FIRSTLINE_BENCH_BUNDLE=DIR`
//! decides with a bundle of yours, instead of one that learns from the 5,000 tickets before the day. The exit status is 1 where a promise
//! is broken; times are told, and fail nothing.

mod day;
mod desk;
mod kill;
mod ledger;
mod options;
mod outage;
mod pull;
mod running;
mod score;
mod troubles;

use std::path::PathBuf;
use std::process::ExitCode;

use firstline_benches as common;
use firstline_fakes::{Clock, Fake, FakeOptions, Which};
use serde_json::{Value, json};

use desk::Desk;
use options::{Options, Scenario};

/// What scenarios share.
struct Stage {
    options: Options,
    desk: Desk,
    bundle: PathBuf,
}

fn main() -> ExitCode {
    // `cargo test --benches` has no use for minutes.
    if !std::env::args().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let desk = Desk::new(options.tickets, options.seed);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let history = desk.write_history(dir.path());
    let Some(bundle) = common::bundle(dir.path(), &history) else { return ExitCode::SUCCESS };
    let stage = Stage { options, desk, bundle };
    let (mut told, mut kept): (Vec<Value>, bool) = (Vec::new(), true);
    for which in &stage.options.psas {
        for scenario in &stage.options.scenarios {
            let score = match scenario {
                Scenario::Day => day::run(&stage, *which, false),
                Scenario::Webhook => day::run(&stage, *which, true),
                Scenario::Kill => kill::run(&stage, *which),
                Scenario::Outage => outage::run(&stage, *which),
                Scenario::Pull => pull::run(&stage, *which),
            };
            score.print();
            kept &= score.is_kept();
            told.push(score.json());
        }
    }
    if stage.options.json {
        println!("{}", json!({ "kept": kept, "scenarios": told }));
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A PSA that has the desk's boards, types, priorities and technicians, and no ticket. Its limits are lifted: a vendor's requests of an hour
/// are meant for an hour of the desk, which here takes seconds.
fn furnished(stage: &Stage, which: Which) -> Fake {
    let fake = fake(which);
    unlimited(which, &fake);
    stage.desk.furnish(&fake);
    fake
}

/// A PSA with nothing in it.
fn fake(which: Which) -> Fake {
    Fake::start(FakeOptions { which, clock: Clock::real(), port: 0, tls: None }).expect("a free port")
}

/// Lifts the limits of a PSA.
fn unlimited(which: Which, fake: &Fake) {
    let set = match which {
        Which::Connectwise | Which::Halo => json!({"quota": 0}),
        Which::Autotask => json!({"quota": 10_000_000, "throttled": false}),
    };
    fake.set(&set).expect("settings of the fake");
}
