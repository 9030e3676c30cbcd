//! How often does each trigger fire where nothing is wrong, and how soon where something is?
//!
//! 1,000 simulated programmes of 13 weeks for each of some desks, looked at as each week ends, by the rules that fire for real. A line a
//! desk: the share of programmes in which each trigger fired, the median week of those in which it did, and how the programmes ended.
//!
//! Run with `cargo bench -p firstline-benches --bench programmes`; it takes seconds. `-- --json` prints one object a line.

use std::time::Instant;

use firstline_rollout::{FALLS, Truth, World, simulate};
use serde_json::json;

const RUNS: usize = 1_000;
const SEED: u64 = 23;

/// What is shown, by its heading.
const SHOWN: [(&str, &str); 9] = [
    ("R70", "errors"),
    ("R70 e", "errors_risen"),
    ("R71", "agreement"),
    ("R71 e", "agreement_refuted"),
    ("R72", "savings"),
    ("R62 agr", FALLS[0]),
    ("tested", FALLS[1]),
    ("R62 time", FALLS[2]),
    ("tested", FALLS[3]),
];

fn main() {
    // `cargo test --benches` has no use for it.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let as_json = std::env::args().any(|arg| arg == "--json");
    let start = Instant::now();
    if !as_json {
        print!("{:<36}", "share of programmes (median week)");
        SHOWN.iter().for_each(|(heading, _)| print!("{heading:>11}"));
        println!("{:>8}{:>8}{:>8}", "clean", "paused", "backed");
    }
    for (desk, world) in worlds() {
        let found = simulate(&world, RUNS, SEED);
        if as_json {
            let fired: serde_json::Map<String, serde_json::Value> = SHOWN
                .iter()
                .map(|(_, name)| {
                    (
                        name.replace([' ', ','], "_"),
                        json!({"share": found.share(name), "median_week": found.median(name)}),
                    )
                })
                .collect();
            let [clean, paused, backed_out] = found.ended;
            let ended = json!({"clean": clean, "paused": paused, "backed_out": backed_out});
            println!(
                "{}",
                json!({"desk": desk, "world": world, "runs": found.runs, "fired": fired, "ended": ended})
            );
            continue;
        }
        print!("{desk:<36}");
        for (_, name) in SHOWN {
            let week = found.median(name).map_or_else(String::new, |week| format!(" ({week})"));
            print!("{:>11}", format!("{:.3}{week}", found.share(name)));
        }
        println!("{:>8}{:>8}{:>8}", found.ended[0], found.ended[1], found.ended[2]);
    }
    if !as_json {
        println!("{RUNS} programmes each, {:.1} s", start.elapsed().as_secs_f64());
    }
}

fn worlds() -> Vec<(&'static str, World)> {
    let world = World::default();
    let first = world.first;
    let at = |change: &dyn Fn(&mut World)| {
        let mut other = world;
        change(&mut other);
        other
    };
    let errors = |rate: f64| at(&|world| world.first.errors = rate);
    let agreement = |share: f64| at(&|world| world.first.agreement = share);
    let fall = |n: usize| {
        at(&|world| {
            (world.unseen, world.first.agreement) = (n, 0.85);
            world.then = Some((10, Truth { agreement: 0.70, ..first }));
        })
    };
    vec![
        ("as promised", world),
        ("7 weeks", at(&|world| world.weeks = 7)),
        ("20 actions a week", at(&|world| world.actions = 20)),
        ("errors 2 %", errors(0.02)),
        ("errors 5 %", errors(0.05)),
        ("errors 10 %", errors(0.10)),
        ("errors 10 % from week 11", at(&|world| world.then = Some((11, Truth { errors: 0.10, ..first })))),
        ("agreement 75 %", agreement(0.75)),
        ("agreement 65 %", agreement(0.65)),
        ("agreement 85 to 70 % in week 10, n 25", fall(25)),
        ("the same, n 50", fall(50)),
        ("the same, n 100", fall(100)),
        ("nothing saved", at(&|world| world.saved = Some((0.0, 0.02)))),
        ("nobody logs time", at(&|world| world.saved = None)),
    ]
}
