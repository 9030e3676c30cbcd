//! How long does a first response take, from the ticket to the guarded draft, alone and in bursts of 50, 100 and 500, without and
//! with a language model? Where does the time go? And how long does an exact search among a million cases take?
//!
//! The model is the GGUF file in `FIRSTLINE_DECODER`, or the default one. On the bundle in `FIRSTLINE_BENCH_BUNDLE`, or one that
//! has learnt from 5,000 made-up tickets. The search is criterion's. Drafts are timed by hand: every ticket is another one, and a
//! model has what is left of its time in the minute, so no call can be repeated. Run with `cargo bench -p firstline-benches
//! --bench first_response`. The last line is JSON.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use firstline_benches as common;
use firstline_drafts::{Drafter, Index, Templates, Voice, Writer};
use firstline_nn::Vectors;
use firstline_ticket::{Origin, Ticket};
use serde_json::{Value, json};

const ALONE: usize = 200;
/// Where a language model writes.
const ALONE_WRITTEN: usize = 60;
const BURSTS: [usize; 3] = [50, 100, 500];
/// What a model has of each minute, as in `firstline draft`.
const WRITING: Duration = Duration::from_secs(20);
/// Tickets drafted together in a burst.
const BATCH: usize = 64;
/// A first draft stands within this time.
const PROMISE: Duration = Duration::from_secs(60);
const CASES: usize = 1_000_000;
const DIMENSIONS: usize = 384;

fn main() {
    // `cargo test --benches` has no use for seconds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let search = search(&mut criterion);
    criterion.final_summary();
    let dir = tempfile::tempdir().expect("a folder");
    let Some(engine) = common::engine(dir.path()) else { return };
    let bundle =
        std::env::var_os("FIRSTLINE_BENCH_BUNDLE").map_or_else(|| dir.path().join("bundle"), PathBuf::from);
    let index = Index::open(&bundle, engine.bundle().info.dimensions).expect("the bundle's index");
    let (voice, templates) = (Voice::built_in().expect("a voice"), Templates::default());
    let begun = Instant::now();
    let clock = || begun.elapsed();
    let drafter = Drafter::new(&engine, &index, &voice, &templates).timed(&clock);
    let tickets: Vec<Ticket> =
        common::tickets(2 * BURSTS[2]).filter(|t| t.source.as_deref() != Some("monitoring")).collect();
    println!("{} cases to draft from", index.len());
    let without = first_responses(&drafter, &tickets, ALONE, &mut |_| {});
    let with = match common::decoder() {
        None => Value::Null,
        Some((name, path)) => {
            let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let writer = Writer::open(&path, threads).expect("a decoder");
            println!("with {name}, {} s of each minute", WRITING.as_secs());
            let since = Cell::new(Instant::now());
            let go_on = || match since.get().elapsed() < WRITING {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            };
            let drafter = drafter.clone().written_by(&writer, &go_on);
            let begin = &mut |anew: bool| {
                if anew || since.get().elapsed() >= PROMISE {
                    since.set(Instant::now());
                }
            };
            first_responses(&drafter, &tickets, ALONE_WRITTEN, begin)
        }
    };
    println!(
        "{}",
        json!({
            "without": without, "with_language_model": with, "cases": index.len(),
            "search_million_p50_ms": search.map(|s| s.0), "search_million_p95_ms": search.map(|s| s.1),
        })
    );
}

/// Drafts `alone` tickets one after the other, then bursts. Before each call of the drafter `begin` is told whether it is the
/// first of its kind, so that a language model's time is not what others have left of it.
fn first_responses(
    drafter: &Drafter<'_>,
    tickets: &[Ticket],
    alone: usize,
    begin: &mut dyn FnMut(bool),
) -> Value {
    let mut draft = |tickets: &[Ticket], anew: bool| {
        begin(anew);
        drafter.draft(tickets, 3).expect("drafts")
    };
    let (mut times, mut stages) = (Vec::new(), BTreeMap::<String, Vec<Duration>>::new());
    let mut written = 0;
    for (i, ticket) in tickets.iter().take(alone + 1).enumerate() {
        let start = Instant::now();
        let drafts = draft(std::slice::from_ref(ticket), true);
        // The first one finds caches cold.
        if i > 0 {
            times.push(start.elapsed());
            for draft in drafts.iter().filter_map(|(_, draft)| draft.as_ref()) {
                written += usize::from(draft.origin == Origin::Generated);
                for (stage, ms) in &draft.timings_ms {
                    stages.entry(stage.clone()).or_default().push(Duration::from_secs_f64(ms / 1e3));
                }
            }
        }
    }
    let n = times.len();
    let (p50, p95) = common::p50_p95(&mut times).expect("tickets were drafted");
    println!("one ticket: p50 {p50:.1} ms, p95 {p95:.1} ms; {written} of {n} written by a model");
    let mut of_stage = BTreeMap::new();
    for (stage, mut times) in stages {
        let (p50, p95) = common::p50_p95(&mut times).expect("tickets were drafted");
        println!("  {stage}: p50 {p50:.2} ms, p95 {p95:.2} ms");
        of_stage.insert(stage, json!({ "p50_ms": p50, "p95_ms": p95 }));
    }
    let mut bursts = Vec::new();
    for n in BURSTS {
        let burst = &tickets[..n.min(tickets.len())];
        let (start, mut times, mut drafted, mut written) = (Instant::now(), Vec::new(), 0, 0);
        for (i, batch) in burst.chunks(BATCH).enumerate() {
            for draft in draft(batch, i == 0).iter().filter_map(|(_, draft)| draft.as_ref()) {
                drafted += 1;
                written += usize::from(draft.origin == Origin::Generated);
            }
            times.extend(std::iter::repeat_n(start.elapsed(), batch.len()));
        }
        let within = times.iter().filter(|t| **t <= PROMISE).count() as f64 / times.len() as f64;
        let (p50, p95) = common::p50_p95(&mut times).expect("tickets were drafted");
        println!(
            "burst of {}: the half waits {p50:.0} ms, 95 % {p95:.0} ms; {:.1} % within 60 s; {drafted} drafts, {written} \
             written by a model",
            burst.len(),
            100.0 * within
        );
        bursts.push(json!({ "tickets": burst.len(), "p50_ms": p50, "p95_ms": p95, "within_60_s": within,
            "drafts": drafted, "written": written }));
    }
    let resident = common::resident_kib().map(|kib| kib * 1024.0 / 1e6);
    println!("{} MB resident", resident.map_or("?".into(), |mb| format!("{mb:.0}")));
    json!({ "p50_ms": p50, "p95_ms": p95, "stages": of_stage, "bursts": bursts, "rss_mb": resident })
}

/// Milliseconds of a search among a million vectors: p50 and p95; `None` where a filter leaves it out.
fn search(c: &mut Criterion) -> Option<(f64, f64)> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    // One block of rows again and again: the search does not know.
    let block: Vec<f32> = (0..10_000 * DIMENSIONS).map(|_| next()).collect();
    let packed = Vectors::pack(&block, DIMENSIONS);
    let bytes = packed.repeat(CASES / 10_000);
    let vectors = Vectors::new(&bytes, DIMENSIONS, CASES).expect("whole panels");
    let all = 0..CASES;
    let mut run = || {
        let query: Vec<f32> = (0..DIMENSIONS).map(|_| next()).collect();
        let start = Instant::now();
        let found = vectors.nearest(&query, std::slice::from_ref(&all), 64).expect("a search");
        let took = start.elapsed();
        assert_eq!(found[0].len(), 64);
        took
    };
    let mut times: Vec<Duration> = Vec::new();
    let mut group = c.benchmark_group("search");
    group.sampling_mode(SamplingMode::Flat).sample_size(40);
    group.bench_function("a million cases", |b| {
        b.iter_custom(|n| {
            times.extend((0..n).map(|_| run()));
            times[times.len() - n as usize..].iter().sum()
        });
    });
    group.finish();
    let (p50, p95) = common::p50_p95(&mut times)?;
    println!(
        "search among {CASES} cases of {DIMENSIONS} dimensions: p50 {p50:.1} ms, p95 {p95:.1} ms, {:.1} GB/s",
        bytes.len() as f64 / p50 / 1e6
    );
    Some((p50, p95))
}
