//! How fast does a decoder read a prompt and write an answer, and how near does writing come to the memory's speed?
//!
//! A prompt of 512 tokens, then 128 greedy ones, `FIRSTLINE_ROUNDS` times (5) on `FIRSTLINE_THREADS` threads (2); medians,
//! where the time of each went, and what is written from a short prompt: 200 tokens read and 80 written. Run with
//! `cargo bench --bench decode`, and a GGUF file or a model's name in `FIRSTLINE_DECODER`. The last line is JSON.

use std::time::Instant;

use firstline_nn::Decoder;

mod common;

const PROMPT: usize = 512;
const ANSWER: usize = 128;

fn main() {
    // `cargo test --benches` has no use for seconds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let number = |name: &str, otherwise: usize| {
        std::env::var(name).map_or(otherwise, |n| n.parse().unwrap_or_else(|_| panic!("{name}: {n:?}")))
    };
    let (threads, rounds) = (number("FIRSTLINE_THREADS", 2), number("FIRSTLINE_ROUNDS", 5).max(1));
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
    let (mut prefill, mut decode, mut short) = (Vec::new(), Vec::new(), Vec::new());
    let mut profile = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let (read, written) = run(&decoder, &prompt, ANSWER, &mut profile);
        prefill.push(PROMPT as f64 / read);
        decode.push(ANSWER as f64 / written);
        let (read, written) = run(&decoder, &prompt[..200], 80, &mut [Vec::new(), Vec::new()]);
        short.push(read + written);
    }
    let [prefill, decode, short] = [prefill, decode, short].map(median);
    let resident = common::resident_kib().map(|kib| kib * 1024.0 / 1e6);
    let bytes = std::fs::metadata(format!("{}.pack", path.display())).map_or(0, |m| m.len());
    let memory = [1, threads].map(memory_gb_per_s);
    println!("{named}, {threads} threads, medians of {rounds}");
    println!(
        "load {load_seconds:.3} s (laid out before), {} MB",
        resident.map_or("?".into(), |mb| format!("{mb:.0}"))
    );
    println!("prefill of {PROMPT}: {prefill:.0} tokens/s");
    println!(
        "decode of {ANSWER} after it: {decode:.1} tokens/s, {:.1} GB/s of weights; memory is read at {:.1} GB/s by 1 thread, {:.1} by {threads}",
        decode * bytes as f64 / 1e9,
        memory[0],
        memory[1]
    );
    for (of, what) in profile.iter().zip(["prefill", "decode"]) {
        let all: f64 = of.iter().map(|(_, s)| s).sum();
        let shares: Vec<String> =
            of.iter().map(|(name, s)| format!("{name} {:.1} %", 100.0 * s / all)).collect();
        println!("{what}: {}", shares.join(", "));
    }
    println!("200 tokens read and 80 written: {short:.2} s");
    println!(
        "{}",
        serde_json::json!({
            "prefill_tokens_per_s": prefill, "decode_tokens_per_s": decode, "decoder_rss_mb": resident,
            "load_s": load_seconds, "short_s": short, "memory_gb_per_s": memory[1], "threads": threads
        })
    );
}

/// Seconds of each part.
type Profile = Vec<(&'static str, f64)>;

/// Seconds to read `prompt`, and to write `n` tokens after it; what each part took of both is added to `profile`.
fn run(decoder: &Decoder, prompt: &[u32], n: usize, profile: &mut [Profile; 2]) -> (f64, f64) {
    let mut sequence = decoder.sequence(prompt.len() + n);
    let mut before = decoder.spent();
    let mut add = |to: &mut Profile| {
        let now = decoder.spent();
        to.resize(now.len(), ("", 0.0));
        for ((to, now), before) in to.iter_mut().zip(&now).zip(&before) {
            *to = (now.0, to.1 + (now.1 - before.1).as_secs_f64());
        }
        before = now;
    };
    let start = Instant::now();
    let mut token = best(&decoder.read(&mut [(&mut sequence, prompt)]).expect("a prompt"));
    let read = start.elapsed().as_secs_f64();
    add(&mut profile[0]);
    let start = Instant::now();
    for _ in 0..n {
        token = best(&decoder.read(&mut [(&mut sequence, &[token])]).expect("a token"));
    }
    let written = start.elapsed().as_secs_f64();
    add(&mut profile[1]);
    (read, written)
}

fn best(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i as u32)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
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
