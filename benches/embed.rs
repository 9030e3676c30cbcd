//! How long does an embedding take, and how near is that to what this CPU could do at best?
//!
//! all-MiniLM-L6-v2 (pulled first where it is not here), 32, 128 and 256 tokens alone on 1 and 2 threads; 512 made-up
//! tickets, seed 2, in bulk, from text; loading. The floor is the time that the forward's multiplications alone would
//! take at the rate of `firstline_kernels::multiply`, measured in the same run; attention's, which is no int8, counts as
//! often as its multiplications take more instructions than those. Run with `cargo bench -p firstline-benches --bench embed`.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use firstline_benches as common;
use firstline_kernels::{Isa, multiply};
use firstline_nn::Tokens;
use firstline_triage::Reader;
use rayon::{ThreadPool, ThreadPoolBuilder};

const LAYERS: usize = 6;
const HIDDEN: usize = 384;
const WIDE: usize = 1536;

/// Multiplications of one forward, in those of int8.
fn multiplications(tokens: usize, isa: Isa) -> f64 {
    // Of bfloat16 half as many fit into an instruction as of int8, of float32 a quarter; but AVX2 alone takes three
    // instructions for what VNNI does in one, and plain code multiplies one by one.
    let attention = match isa.name() {
        "scalar" => 1.0,
        "avx2" => 4.0 / 3.0,
        "avx512bf16" => 2.0,
        _ => 4.0,
    };
    let layers = 4 * HIDDEN * HIDDEN + 2 * HIDDEN * WIDE;
    (LAYERS * tokens) as f64 * (layers as f64 + attention * (2 * tokens * HIDDEN) as f64)
}

/// Multiplications a second on all threads of the pool: the best of some spells, long enough that waking the threads
/// does not count.
fn rate(pool: &ThreadPool, isa: Isa) -> f64 {
    let spell = |least: u64| {
        let start = Instant::now();
        let done: u64 = pool.broadcast(|_| multiply(isa, least)).into_iter().sum();
        (done as f64, start.elapsed().as_secs_f64())
    };
    let mut least = 10_000_000;
    while spell(least).1 < 0.03 {
        least *= 2;
    }
    (0..9).map(|_| spell(least)).map(|(done, seconds)| done / seconds).fold(0.0, f64::max)
}

fn questions(c: &mut Criterion) {
    let isa = Isa::chosen().expect("FIRSTLINE_ISA names an instruction set of this CPU");
    let Some(encoder) = common::encoder() else { return };
    let texts: Vec<String> =
        common::tickets(512).map(|ticket| Reader::default().compose(&ticket).text()).collect();
    let tokens: Vec<Tokens> =
        texts.iter().map(|t| encoder.tokenize(t).expect("these texts tokenize")).collect();
    let all: usize = tokens.iter().map(|t| t.ids.len()).sum();
    let mut lines =
        vec![format!("{isa}; {} tickets of {:.1} tokens", texts.len(), all as f64 / texts.len() as f64)];
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        let rate = rate(&pool, isa);
        lines.push(format!("{threads} threads: at most {:.0} GMAC/s", rate / 1e9));
        let mut group = c.benchmark_group(format!("embed, {threads} threads"));
        for count in [32, 128, 256] {
            let ids = tokens.iter().flat_map(|t| &t.ids).copied().take(count).collect();
            let one = [Tokens { ids, cut: 0 }];
            let mut runs: Vec<Duration> = Vec::new();
            group.bench_function(format!("{count} tokens"), |b| {
                b.iter_custom(|n| {
                    let run = |_| {
                        let start = Instant::now();
                        pool.install(|| encoder.embed_tokens(&one)).expect("these tokens embed");
                        start.elapsed()
                    };
                    runs.extend((0..n).map(run));
                    runs[runs.len() - n as usize..].iter().sum()
                });
            });
            let Some((p50, p95)) = common::p50_p95(&mut runs) else { continue };
            let floor = multiplications(count, isa) / rate * 1e3;
            lines.push(format!(
                "  {count:3} tokens: p50 {p50:.2} ms, p95 {p95:.2} ms; {:.0} % of the floor",
                floor / p50 * 100.0
            ));
        }
        let mut runs = Vec::new();
        group.throughput(Throughput::Elements(texts.len() as u64)).sample_size(10);
        group.bench_function("512 tickets", |b| {
            b.iter_custom(|n| {
                let run = |_| {
                    let start = Instant::now();
                    pool.install(|| encoder.embed(&texts, &mut |_| ControlFlow::Continue(())))
                        .expect("these texts embed");
                    start.elapsed()
                };
                runs.extend((0..n).map(run));
                runs[runs.len() - n as usize..].iter().sum()
            });
        });
        group.finish();
        let Some((p50, _)) = common::p50_p95(&mut runs) else { continue };
        let seconds = p50 / 1e3;
        let floor: f64 = tokens.iter().map(|t| multiplications(t.ids.len(), isa)).sum::<f64>() / rate;
        lines.push(format!(
            "  in bulk: {:.0} tickets/s, {:.0} tokens/s; {:.0} % of the floor, tokenizer included",
            texts.len() as f64 / seconds,
            all as f64 / seconds,
            floor / seconds * 100.0
        ));
    }
    c.bench_function("load", |b| b.iter(common::encoder));
    println!("\n{}", lines.join("\n"));
}

criterion_group!(benches, questions);
criterion_main!(benches);
