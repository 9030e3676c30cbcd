//! How many tickets a second does each stage of a decision take, on this machine?
//!
//! Stages: normalising, n-gram hashing, embedding (all-MiniLM-L6-v2, pulled first where it is not here), and
//! the search for the nearest of 20,000 tickets. Input: 256 generated tickets, seed 1.
//! Run with `cargo bench --bench classify`. A figure of one run says little on a busy machine: compare
//! figures of the same run.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firstline_datasets::Settings;
use firstline_nn::{Encoder, Manifest, ModelStore};
use firstline_ticket::Ticket;
use firstline_triage::{Input, Neighbours, compose, ngram_buckets};

const TICKETS: usize = 256;
const HISTORY: usize = 20_000;

fn stages(c: &mut Criterion) {
    let tickets: Vec<Ticket> = firstline_datasets::generate(&Settings::default(), TICKETS, 1).collect();
    let inputs: Vec<Input> = tickets.iter().map(compose).collect();
    let texts: Vec<String> = inputs.iter().map(Input::text).collect();

    let mut group = c.benchmark_group("tickets");
    group.throughput(Throughput::Elements(TICKETS as u64)).sample_size(10);
    group.bench_function("normalize", |b| b.iter(|| tickets.iter().map(compose).collect::<Vec<_>>()));
    let ngrams = || inputs.iter().map(|i| ngram_buckets(&i.subject, &i.body)).collect::<Vec<_>>();
    group.bench_function("ngrams", |b| b.iter(ngrams));

    let manifest = Manifest::find(Manifest::DEFAULT).expect("the default model is known");
    let dir = match ModelStore::open_default().ensure(&manifest, &mut |_| ControlFlow::Continue(())) {
        Ok(dir) => dir,
        Err(e) => return println!("embed, neighbours: skipped, the model is not here ({e})"),
    };
    let encoder = Encoder::load(&dir, &manifest).expect("the model was verified");
    let embed = || encoder.embed(&texts, &mut |_| ControlFlow::Continue(())).expect("these texts embed").data;
    group.bench_function("embed", |b| b.iter(embed));

    let queries = embed();
    let history: Vec<f32> = queries.iter().copied().cycle().take(HISTORY * encoder.dimensions()).collect();
    let neighbours = Neighbours::new(&history, encoder.dimensions()).expect("whole rows");
    group.bench_function("neighbours of 20,000", |b| b.iter(|| neighbours.nearest(black_box(&queries))));
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
