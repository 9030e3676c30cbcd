//! How fast does a decoder read a prompt and write an answer, and how near does writing come to the memory's speed?
//!
//! A prompt of 512 tokens, 128 greedy ones after it, and both from a short prompt (200 read, 80 written), on
//! `FIRSTLINE_THREADS` threads (2); medians, and where the time of each went. Run with
//! `cargo bench -p firstline-benches --bench decode`, and a GGUF file or a model's name in `FIRSTLINE_DECODER`. The last line
//! is JSON.

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use firstline_benches as common;
use firstline_nn::{Decoder, Sequence};

const PROMPT: usize = 512;
const ANSWER: usize = 128;
/// Tokens read and written from a short prompt.
const SHORT: (usize, usize) = (200, 80);

fn questions(c: &mut Criterion) {
    let threads: usize = std::env::var("FIRSTLINE_THREADS")
        .map_or(2, |n| n.parse().unwrap_or_else(|_| panic!("FIRSTLINE_THREADS: {n:?}")));
    let Some((named, path)) = common::decoder() else { return };
    let load = || {
        let start = Instant::now();
        (Decoder::open(&path, threads).expect("a decoder"), start.elapsed().as_secs_f64())
    };
    // The first time it is laid out for the kernels.
    drop(load());
    let (decoder, load_seconds) = load();
    // Any will do, their number decides.
    let prompt: Vec<u32> = (0..PROMPT as u32).map(|i| 1_000 + i * 7_919 % 20_000).collect();
    let mut profiles = [Profile::new(), Profile::new()];

    let mut group = c.benchmark_group(format!("{named}, {threads} threads"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let prefill = median(&mut group, &format!("read {PROMPT}"), PROMPT, || {
        let run = Run::new(&decoder, PROMPT);
        timed(&decoder, &mut profiles[0], || drop(run.read(&prompt)))
    });
    let decode = median(&mut group, &format!("write {ANSWER}"), ANSWER, || {
        let run = Run::new(&decoder, PROMPT + ANSWER).read(&prompt);
        timed(&decoder, &mut profiles[1], || run.write(ANSWER))
    });
    let (read, written) = SHORT;
    let short = median(&mut group, &format!("read {read}, write {written}"), read + written, || {
        let run = Run::new(&decoder, read + written);
        timed(&decoder, &mut Profile::new(), || run.read(&prompt[..read]).write(written))
    });
    group.finish();
    // A filter leaves questions out.
    let (Some(prefill), Some(decode), Some(short)) = (prefill, decode, short) else { return };
    let (prefill, decode) = (PROMPT as f64 / prefill, ANSWER as f64 / decode);

    let resident = common::resident_kib().map(|kib| kib * 1024.0 / 1e6);
    let bytes = std::fs::metadata(format!("{}.pack", path.display())).map_or(0, |m| m.len());
    let memory = [1, threads].map(memory_gb_per_s);
    println!(
        "\nload {load_seconds:.3} s (laid out before), {} MB",
        resident.map_or("?".into(), |mb| format!("{mb:.0}"))
    );
    println!("prefill of {PROMPT}: {prefill:.0} tokens/s");
    println!(
        "decode of {ANSWER} after it: {decode:.1} tokens/s, {:.1} GB/s of weights; memory is read at {:.1} GB/s by 1 thread, {:.1} by {threads}",
        decode * bytes as f64 / 1e9,
        memory[0],
        memory[1]
    );
    for (of, what) in profiles.iter().zip(["prefill", "decode"]) {
        let all: f64 = of.iter().map(|(_, s)| s).sum();
        let shares: Vec<String> =
            of.iter().map(|(name, s)| format!("{name} {:.1} %", 100.0 * s / all)).collect();
        println!("{what}: {}", shares.join(", "));
    }
    println!("{read} tokens read and {written} written: {short:.2} s");
    println!(
        "{}",
        serde_json::json!({
            "prefill_tokens_per_s": prefill, "decode_tokens_per_s": decode, "decoder_rss_mb": resident,
            "load_s": load_seconds, "short_s": short, "memory_gb_per_s": memory[1], "threads": threads
        })
    );
}

/// A sequence, and the token that comes next in it.
struct Run<'a> {
    decoder: &'a Decoder,
    sequence: Sequence,
    next: u32,
}

impl<'a> Run<'a> {
    fn new(decoder: &'a Decoder, tokens: usize) -> Self {
        Self { decoder, sequence: decoder.sequence(tokens), next: 0 }
    }

    fn read(mut self, tokens: &[u32]) -> Self {
        self.next = best(&self.decoder.read(&mut [(&mut self.sequence, tokens)]).expect("tokens are read"));
        self
    }

    fn write(mut self, n: usize) {
        for _ in 0..n {
            let token = self.next;
            self = self.read(&[token]);
        }
    }
}

/// Seconds of each part.
type Profile = Vec<(&'static str, f64)>;

/// How long `work` takes; what each part of the decoder took of that is added to `profile`.
fn timed(decoder: &Decoder, profile: &mut Profile, work: impl FnOnce()) -> Duration {
    let before = decoder.spent();
    let start = Instant::now();
    work();
    let took = start.elapsed();
    let now = decoder.spent();
    profile.resize(now.len(), ("", 0.0));
    for ((to, now), before) in profile.iter_mut().zip(&now).zip(&before) {
        *to = (now.0, to.1 + (now.1 - before.1).as_secs_f64());
    }
    took
}

/// The median of the seconds that `run` says of itself; `None` where a filter leaves it out.
fn median(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    tokens: usize,
    mut run: impl FnMut() -> Duration,
) -> Option<f64> {
    let mut runs: Vec<Duration> = Vec::new();
    group.throughput(Throughput::Elements(tokens as u64));
    group.bench_function(name, |b| {
        b.iter_custom(|n| {
            runs.extend((0..n).map(|_| run()));
            runs[runs.len() - n as usize..].iter().sum()
        });
    });
    common::p50_p95(&mut runs).map(|(p50, _)| p50 / 1e3)
}

fn best(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i as u32)
}

/// How fast `threads` read memory that no cache holds.
fn memory_gb_per_s(threads: usize) -> f64 {
    let words = vec![1_u64; 40_000_000];
    let once = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in words.chunks(words.len().div_ceil(threads)) {
                scope.spawn(move || {
                    let mut sums = [0_u64; 16];
                    for line in part.as_chunks::<16>().0 {
                        sums.iter_mut().zip(line).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
                    }
                    std::hint::black_box(sums);
                });
            }
        });
        8.0 * words.len() as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| once()).fold(0.0, f64::max)
}

criterion_group!(benches, questions);
criterion_main!(benches);
