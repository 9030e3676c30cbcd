//! How near do the kernels come to what this CPU can multiply?
//!
//! At the shapes of all-MiniLM-L6-v2, one thread, on the instruction set that `FIRSTLINE_ISA` names (the best
//! without it). `multiply` is the floor: int8 products from the first-level cache. Elements are multiplications,
//! for the two kernels without any they are rows. Run with `cargo bench -p firstline-benches --bench kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use firstline_kernels::{
    Activation, Epilogue, Heads, Isa, PackedLinear, QuantisedRows, Scratch, attention, layer_norm, linear,
    multiply, pack, quantise,
};

const HEADS: Heads = Heads { count: 12, size: 32 };
const HIDDEN: usize = 384;
const WIDE: usize = 1536;

/// Values with something to round.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 7919 % 1009) as f32 / 500.0 - 1.0).collect()
}

fn products(c: &mut Criterion) {
    let isa = Isa::chosen().expect("FIRSTLINE_ISA names an instruction set of this CPU");
    let mut group = c.benchmark_group(format!("{isa}, multiplications"));
    group.sample_size(20);

    let least = 50_000_000;
    group.throughput(Throughput::Elements(multiply(isa, least)));
    group.bench_function("multiply", |b| b.iter(|| multiply(isa, black_box(least))));

    for (name, inputs, outputs) in [
        ("qkv", HIDDEN, 3 * HIDDEN),
        ("output", HIDDEN, HIDDEN),
        ("up", HIDDEN, WIDE),
        ("down", WIDE, HIDDEN),
    ] {
        let packed = pack(isa, &values(inputs * outputs), &values(outputs), inputs);
        let parts = [packed.steps.as_slice(), &packed.sums, &packed.bias];
        let layer = PackedLinear::new(inputs, outputs, packed.grid, &packed.weights, parts)
            .expect("it was packed for this");
        for rows in [8, 64, 128] {
            let mut x = QuantisedRows::default();
            quantise(isa, &values(rows * inputs), inputs, Activation::Identity, None, &mut x);
            let mut out = vec![0.0; rows * outputs];
            group.throughput(Throughput::Elements((rows * inputs * outputs) as u64));
            group.bench_function(BenchmarkId::new(name, rows), |b| {
                b.iter(|| linear(isa, &x, 0..rows, layer, Epilogue::Store, &mut out));
            });
        }
    }
    for tokens in [32, 128, 256] {
        let qkv = values(tokens * 3 * HIDDEN);
        let (mut scratch, mut out) = (Scratch::default(), vec![0.0; tokens * HIDDEN]);
        group.throughput(Throughput::Elements((2 * tokens * tokens * HIDDEN) as u64));
        group.bench_function(BenchmarkId::new("attention", tokens), |b| {
            b.iter(|| attention(isa, &qkv, HEADS, 0..tokens, &mut scratch, &mut out));
        });
    }
    group.finish();
}

fn rows(c: &mut Criterion) {
    const ROWS: usize = 64;
    let isa = Isa::chosen().expect("FIRSTLINE_ISA names an instruction set of this CPU");
    let mut group = c.benchmark_group(format!("{isa}, rows"));
    group.sample_size(20).throughput(Throughput::Elements(ROWS as u64));
    for (width, activation) in [(HIDDEN, Activation::Identity), (WIDE, Activation::Gelu)] {
        let (x, mut out) = (values(ROWS * width), QuantisedRows::default());
        group.bench_function(format!("quantise {width}, {activation:?}"), |b| {
            b.iter(|| quantise(isa, &x, width, activation, None, &mut out));
        });
    }
    let (weight, bias, mut x) = (values(HIDDEN), values(HIDDEN), values(ROWS * HIDDEN));
    group.bench_function("layer norm 384", |b| b.iter(|| layer_norm(isa, &mut x, &weight, &bias, 1e-12)));
    group.finish();
}

criterion_group!(benches, products, rows);
criterion_main!(benches);
