//! How long from a ticket to its decision?
//!
//! One ticket, batches, a burst of 64 tickets that arrive at once, each in a call of its own; then how many tickets a
//! second each stage takes. The engine has learnt from 5,000 made-up tickets; 1,024 others, seed 2, are decided.
//! Run with `cargo bench -p firstline-benches --bench triage`; `FIRSTLINE_BENCH_BUNDLE=DIR` decides with a bundle of yours, such as one whose
//! encoder was fine-tuned, which embeds every ticket twice.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firstline_benches as common;
use firstline_ticket::Ticket;
use firstline_triage::{Input, Reader, ngram_buckets};

const BURST: usize = 64;

fn questions(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = common::engine(dir.path()) else { return };
    let tickets: Vec<Ticket> = common::tickets(1024).collect();
    let decide = |tickets: &[Ticket]| engine.decide(tickets, 3).expect("these tickets can be decided");

    let mut group = c.benchmark_group("decide");
    let mut runs: Vec<Duration> = Vec::new();
    group.bench_function("one ticket", |b| {
        b.iter_custom(|n| {
            let each = tickets.iter().cycle().skip(runs.len() % tickets.len()).take(n as usize);
            let run = |ticket| {
                let start = Instant::now();
                black_box(decide(std::slice::from_ref(ticket)));
                start.elapsed()
            };
            runs.extend(each.map(run));
            runs[runs.len() - n as usize..].iter().sum()
        });
    });
    for size in [32, 256, 1024] {
        group.throughput(Throughput::Elements(size as u64)).sample_size(10);
        group.bench_function(format!("a batch of {size}"), |b| b.iter(|| decide(&tickets[..size])));
    }
    // As a service would: each request on a thread of its own.
    let waits = Mutex::new(Vec::new());
    let burst = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for ticket in &tickets[..BURST] {
                scope.spawn(|| {
                    black_box(decide(std::slice::from_ref(ticket)));
                    waits.lock().expect("no thread failed").push(start.elapsed());
                });
            }
        });
    };
    group.throughput(Throughput::Elements(BURST as u64));
    group.bench_function("a burst of 64", |b| b.iter(burst));
    let mut waits = waits.into_inner().expect("no thread failed");
    group.finish();

    let reader = Reader::default();
    let inputs: Vec<Input> = tickets.iter().map(|ticket| reader.compose(ticket)).collect();
    let texts: Vec<String> = inputs.iter().map(Input::text).collect();
    let Some(encoder) = common::encoder() else { return };
    let mut group = c.benchmark_group("stages");
    group.throughput(Throughput::Elements(tickets.len() as u64)).sample_size(10);
    group.bench_function("normalise", |b| {
        b.iter(|| tickets.iter().map(|ticket| reader.compose(ticket)).collect::<Vec<_>>());
    });
    let ngrams = || inputs.iter().map(|i| ngram_buckets(&i.subject, &i.body)).collect::<Vec<_>>();
    group.bench_function("n-grams", |b| b.iter(ngrams));
    group.bench_function("tokenize", |b| {
        b.iter(|| texts.iter().map(|t| encoder.tokenize(t)).collect::<Vec<_>>());
    });
    group.bench_function("embed", |b| b.iter(|| encoder.embed(&texts, &mut |_| ControlFlow::Continue(()))));
    let features = engine.features(&tickets).expect("these tickets have features");
    group.bench_function("nearest tickets", |b| b.iter(|| engine.nearest(&features)));
    group.finish();
    if let Some((p50, p95)) = common::p50_p95(&mut runs) {
        println!("\none ticket: p50 {p50:.2} ms, p95 {p95:.2} ms");
    }
    if let Some((p50, p95)) = common::p50_p95(&mut waits) {
        println!("one of a burst of {BURST}, from the burst's start: p50 {p50:.2} ms, p95 {p95:.2} ms");
    }
}

criterion_group!(benches, questions);
criterion_main!(benches);
