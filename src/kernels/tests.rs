//! Every kernel on every instruction set of this CPU against a plain reference in float64, at sizes around the
//! widths of vectors, tiles and panels.

use crate::simd::GELU_ERROR;
use crate::*;

/// Relative to the size of the terms summed: float32's rounding of a few operations.
pub(crate) const ROUNDING: f64 = 3e-6;
/// bfloat16 keeps 8 bits; errors of the terms partly cancel.
const BF16_ERROR: f64 = 8e-3;

/// Numbers that look random: a multiplicative generator is enough here.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1_u32 << 23) as f32) - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

/// Rows of `n` values laid `padded(n)` apart.
fn spread(x: &[f32], n: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let mut row = row.to_vec();
        row.resize(padded(n), 0.0);
        row
    };
    x.chunks_exact(n).flat_map(row).collect()
}

fn view(packed: &Packed, inputs: usize, outputs: usize) -> PackedLinear<'_> {
    let parts = [packed.steps.as_slice(), &packed.sums, &packed.bias];
    PackedLinear::new(inputs, outputs, packed.grid, &packed.weights, parts).unwrap()
}

/// The weight of output `c` and input `k`, of `height` inputs.
fn weight_at(packed: &Packed, height: usize, c: usize, k: usize) -> i8 {
    packed.weights[c / 16 * 16 * height + k / 4 * 64 + c % 16 * 4 + k % 4]
}

/// Whether a case of so many steps is worth its time: miri takes thousands of times as long.
pub(crate) fn bearable(steps: usize) -> bool {
    !cfg!(miri) || steps <= 10_000
}

#[test]
fn packed_weights_are_the_nearest_that_their_grid_allows() {
    let sizes = [(1, 1), (5, 17), (40, 16), (384, 33), (1520, 20)];
    for (inputs, outputs) in sizes.into_iter().filter(|(inputs, outputs)| bearable(inputs * outputs)) {
        let mut weight = numbers(inputs * outputs, 2);
        // A channel of which all weights have one sign is the hardest to keep small.
        weight[..inputs].iter_mut().for_each(|w| *w = w.abs());
        let height = padded(inputs);
        let mut turned = spread(&weight, inputs);
        for row in turned.chunks_exact_mut(height) {
            let share = 1.0 / turn(row) as f32;
            row.iter_mut().for_each(|w| *w *= share);
        }
        for isa in Isa::available() {
            let packed = pack(isa, &weight, &vec![0.0; outputs], inputs);
            for c in 0..outputs {
                let step = packed.steps[c];
                let q: Vec<i32> = (0..height).map(|k| weight_at(&packed, height, c, k).into()).collect();
                let wrong = |k: usize| (q[k] as f32 * step - turned[c * height + k]).abs() / step.max(1e-30);
                let worst = (0..height).map(wrong).fold(0.0, f32::max);
                if packed.grid == Grid::Wide {
                    assert!(worst < 0.501, "{isa} {inputs} at {c}: {worst}");
                    continue;
                }
                // Rounding takes at most half a step from each of a pair, one of which may have to give both.
                assert!(worst < 1.501, "{isa} {inputs} at {c}: {worst}");
                for (i, pair) in q.as_chunks::<2>().0.iter().enumerate() {
                    let of = |sign: i32| pair.iter().map(|q| (sign * q).max(0)).sum::<i32>();
                    assert!(
                        of(1).max(of(-1)) * 190 <= i32::from(i16::MAX),
                        "{isa} {inputs} at {c}, pair {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn int8_layers_give_what_their_quantised_parts_multiply_to() {
    for (rows, inputs, outputs) in [
        (1, 1, 1),
        (2, 4, 15),
        (3, 5, 16),
        (4, 31, 17),
        (5, 64, 47),
        (6, 65, 48),
        (7, 33, 49),
        (8, 384, 64),
        (9, 16, 96),
        (17, 100, 97),
        (23, 1536, 50),
    ]
    .into_iter()
    .filter(|(rows, inputs, outputs)| bearable(rows * inputs * outputs))
    {
        let x: Vec<f32> = numbers(rows * inputs, 1).iter().map(|x| 3.0 * x + 1.0).collect();
        let (weight, bias) = (numbers(inputs * outputs, 2), numbers(outputs, 3));
        // Each instruction set multiplies numbers of its own grid; plain code those of all.
        let all = Isa::available();
        for (packer, isa) in all.iter().flat_map(|&isa| [(isa, isa), (isa, Isa::SCALAR)]) {
            let packed = pack(packer, &weight, &bias, inputs);
            let same = all.iter().find(|other| other.grid() == packer.grid());
            assert_eq!(pack(*same.unwrap(), &weight, &bias, inputs), packed, "{packer}");
            let layer = view(&packed, inputs, outputs);
            let mut quantised = QuantisedRows::default();
            quantise(packer, &spread(&x, inputs), inputs, Activation::Identity, None, &mut quantised);
            let width = padded(outputs);
            let before = numbers(rows * width, 4);
            for epilogue in [Epilogue::Store, Epilogue::Add] {
                let mut out = before.clone();
                linear(isa, &quantised, 0..rows, layer, epilogue, &mut out);
                // Any part of the rows alone gives the same.
                let (from, to) = (rows / 3, rows - rows / 4);
                let mut part = before[from * width..to * width].to_vec();
                linear(isa, &quantised, from..to, layer, epilogue, &mut part);
                assert_eq!(part, out[from * width..to * width]);
                for r in 0..rows {
                    for c in 0..outputs {
                        let step = f64::from(packed.steps[c]);
                        let (mut sum, mut size) = (f64::from(bias[c]), 1.0);
                        for k in 0..padded(inputs) {
                            let q = f64::from(weight_at(&packed, padded(inputs), c, k));
                            let term = f64::from(quantised.get(r, k)) * q * step;
                            sum += term;
                            size += term.abs();
                        }
                        let want = match epilogue {
                            Epilogue::Store => sum,
                            Epilogue::Add => sum + f64::from(before[r * width + c]),
                        };
                        let got = f64::from(out[r * width + c]);
                        assert!(
                            (got - want).abs() <= ROUNDING * size,
                            "{isa} {epilogue:?} {rows}x{inputs}x{outputs} at {r},{c}: {got}, not {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn int8_layers_come_near_what_float_gives() {
    for inputs in [16, 48, 384, 1536].into_iter().filter(|inputs| bearable(132 * inputs)) {
        let (mut x, weight, bias) = (numbers(4 * inputs, 1), numbers(33 * inputs, 2), numbers(33, 3));
        x[inputs / 2] = 30.0;
        let factor: Vec<f32> = numbers(inputs, 4).iter().map(|f| 1.5 + f).collect();
        let smoothed: Vec<f32> = weight.iter().zip(factor.iter().cycle()).map(|(w, f)| w / f).collect();
        for isa in Isa::available() {
            for factor in [None, Some(spread(&factor, inputs))] {
                let packed = pack(isa, if factor.is_some() { &smoothed } else { &weight }, &bias, inputs);
                let layer = view(&packed, inputs, 33);
                let mut quantised = QuantisedRows::default();
                quantise(
                    isa,
                    &spread(&x, inputs),
                    inputs,
                    Activation::Identity,
                    factor.as_deref(),
                    &mut quantised,
                );
                let mut out = vec![0.0; 4 * padded(33)];
                linear(isa, &quantised, 0..4, layer, Epilogue::Store, &mut out);
                for (row, out) in x.chunks_exact(inputs).zip(out.chunks_exact(padded(33))) {
                    let size = row.iter().map(|x| x * x).sum::<f32>().sqrt();
                    for (c, got) in out[..33].iter().enumerate() {
                        let weight = &weight[c * inputs..(c + 1) * inputs];
                        let want = bias[c] + weight.iter().zip(row).map(|(w, x)| w * x).sum::<f32>();
                        assert!((got - want).abs() < 0.06 * size, "{isa} {inputs} at {c}: {got}, not {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn turning_keeps_products_but_for_the_size_of_a_group() {
    for (n, group) in [(16, 1), (32, 2), (48, 1), (64, 4), (384, 8), (512, 16), (768, 16), (1536, 16)] {
        let (mut a, mut b) = (numbers(n, 1), numbers(n, 2));
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let before = product(&a, &b);
        assert_eq!((turn(&mut a), turn(&mut b)), (group, group));
        let after = product(&a, &b) / group as f64;
        assert!((after - before).abs() < 1e-4, "{n}: {after}, not {before}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of products")]
fn the_largest_bytes_do_not_saturate() {
    // 95 times 16: an odd number is not turned, so that all bytes are as large as can be.
    let inputs = 1520;
    let mut x = vec![1.0; inputs * 8];
    x.iter_mut().step_by(inputs).for_each(|x| *x = 0.0);
    for isa in Isa::available() {
        let packed = pack(isa, &vec![-1.0; inputs * 48], &[0.0; 48], inputs);
        let layer = view(&packed, inputs, 48);
        let mut quantised = QuantisedRows::default();
        quantise(isa, &x, inputs, Activation::Identity, None, &mut quantised);
        let mut out = vec![0.0; 8 * 48];
        linear(isa, &quantised, 0..8, layer, Epilogue::Store, &mut out);
        assert!(out.iter().all(|y| (y + (inputs - 1) as f32).abs() < 0.01), "{isa}: {out:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of products")]
fn the_largest_sums_of_each_sign_do_not_overflow() {
    // Not turned either. Row `r` has the largest byte where weights of column `r` are positive, the next one where
    // they are negative.
    let (inputs, outputs) = (720, 16);
    let weight: Vec<f32> = numbers(inputs * outputs, 9).iter().map(|w| w.signum() * w.abs().sqrt()).collect();
    let rows = weight.chunks_exact(inputs);
    let signs =
        rows.flat_map(|row| [1.0, -1.0].into_iter().flat_map(move |sign| row.iter().map(move |w| w * sign)));
    let x: Vec<f32> = signs.map(|w| if w > 0.0 { 1.0 } else { 0.0 }).collect();
    for isa in Isa::available() {
        let packed = pack(isa, &weight, &[0.0; 16], inputs);
        let mut quantised = QuantisedRows::default();
        quantise(isa, &x, inputs, Activation::Identity, None, &mut quantised);
        let mut out = vec![0.0; 2 * outputs * outputs];
        linear(isa, &quantised, 0..2 * outputs, view(&packed, inputs, outputs), Epilogue::Store, &mut out);
        for (c, row) in weight.chunks_exact(inputs).enumerate() {
            for (sign, got) in [(1.0, out[2 * c * outputs + c]), (-1.0, out[(2 * c + 1) * outputs + c])] {
                let want: f32 = row.iter().filter(|&w| w * sign > 0.0).sum();
                assert!((got - want).abs() < 0.01 * want.abs(), "{isa} at {c}: {got}, not {want}");
            }
        }
        // Scalar sums have 32 bits throughout: one product that saturates shows.
        let mut exact = vec![0.0; out.len()];
        let layer = view(&packed, inputs, outputs);
        linear(Isa::SCALAR, &quantised, 0..2 * outputs, layer, Epilogue::Store, &mut exact);
        for (got, want) in out.iter().zip(&exact) {
            assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{isa}: {got}, exactly {want}");
        }
    }
}

#[test]
fn numbers_that_would_overflow_are_refused() {
    for isa in Isa::available().into_iter().filter(|isa| isa.grid() == Grid::Narrow) {
        let wide = pack(Isa::SCALAR, &[1.0; 256], &[0.0; 16], 16);
        let narrow = pack(isa, &[1.0; 256], &[0.0; 16], 16);
        for (quantiser, packed) in [(isa, &wide), (Isa::SCALAR, &narrow)] {
            let mut quantised = QuantisedRows::default();
            quantise(quantiser, &[1.0; 16], 16, Activation::Identity, None, &mut quantised);
            let multiply =
                || linear(isa, &quantised, 0..1, view(packed, 16, 16), Epilogue::Store, &mut [0.0; 16]);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(multiply)).is_err(), "{isa}");
        }
    }
}

#[test]
fn quantised_rows_are_within_half_a_step() {
    type Reference = fn(f64) -> f64;
    let activations: [(Activation, Reference, f32); 4] = [
        (Activation::Identity, |x| x, 0.0),
        (Activation::Gelu, gelu, GELU_ERROR),
        (Activation::GeluTanh, gelu_tanh, 1e-5),
        (Activation::Relu, |x| x.max(0.0), 0.0),
    ];
    for n in [1, 2, 15, 16, 17, 31, 33, 64, 100, 128, 384, 512].into_iter().filter(|n| bearable(100 * n)) {
        let x: Vec<f32> =
            numbers(5 * n, 7).iter().enumerate().map(|(i, x)| 2.0 * x * (i / n) as f32 - 0.3).collect();
        let factor = numbers(n, 8);
        let padded_factor = spread(&factor, n);
        for isa in Isa::available() {
            for ((activation, reference, error), smooth) in
                activations.into_iter().flat_map(|a| [(a, false), (a, true)])
            {
                let mut out = QuantisedRows::default();
                let smoothing = smooth.then_some(padded_factor.as_slice());
                quantise(isa, &spread(&x, n), n, activation, smoothing, &mut out);
                assert_eq!((out.len(), out.width()), (5, padded(n)));
                for (r, row) in x.chunks_exact(n).enumerate() {
                    let active = row.iter().map(|&x| reference(f64::from(x)) as f32);
                    let mut want: Vec<f32> =
                        active.zip(&factor).map(|(x, f)| if smooth { x * f } else { x }).collect();
                    want.resize(padded(n), 0.0);
                    let group = turn(&mut want) as f32;
                    let least = want.iter().copied().fold(f32::INFINITY, f32::min);
                    let most = want.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let bound =
                        (most - least) / isa.grid().levels() * 0.501 + 2.0 * group * error + 1e-6 * group;
                    for (c, want) in want.iter().enumerate() {
                        let got = out.get(r, c);
                        assert!(
                            (got - want).abs() <= bound,
                            "{isa} {activation:?} {n} at {r},{c}: {got}, not {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn layer_norm_has_its_mean_and_variance() {
    for n in [1, 2, 15, 16, 17, 31, 32, 33, 63, 100, 384, 385] {
        let x: Vec<f32> = numbers(3 * n, 5).iter().map(|x| 2.0 * x + 7.0).collect();
        let (w, b) = (numbers(n, 6), numbers(n, 7));
        for isa in Isa::available() {
            let mut out = spread(&x, n);
            layer_norm(isa, &mut out, &w, &b, 1e-6);
            for (row, out) in x.chunks_exact(n).zip(out.chunks_exact(padded(n))) {
                let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
                let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n as f64;
                for c in 0..n {
                    let normed = (f64::from(row[c]) - mean) / (variance + 1e-6).sqrt();
                    let want = normed * f64::from(w[c]) + f64::from(b[c]);
                    let slack = 2e-5 * (1.0 + normed.abs());
                    assert!(
                        (f64::from(out[c]) - want).abs() < slack,
                        "{isa} {n} at {c}: {} not {want}",
                        out[c]
                    );
                }
                assert!(out[n..].iter().all(|&x| x == 0.0), "{isa}: padding was touched");
            }
        }
    }
}

#[test]
fn one_value_that_is_no_number_spoils_its_row_and_no_other() {
    let (inputs, weight) = (40, numbers(16 * 40, 3));
    for isa in Isa::available() {
        let packed = pack(isa, &weight, &[0.0; 16], inputs);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![0.5; 3 * padded(inputs)];
            x[padded(inputs) + 7] = bad;
            let mut quantised = QuantisedRows::default();
            quantise(isa, &x, inputs, Activation::Identity, None, &mut quantised);
            let mut out = vec![0.0; 3 * 16];
            linear(isa, &quantised, 0..3, view(&packed, inputs, 16), Epilogue::Store, &mut out);
            let finite: Vec<bool> = out.chunks(16).map(|row| row.iter().all(|y| y.is_finite())).collect();
            assert_eq!(finite, [true, false, true], "{isa}, {bad}");
            assert!(out[16..32].iter().all(|y| y.is_nan()), "{isa}, {bad}: {out:?}");
        }
    }
}

#[test]
fn a_constant_row_does_not_become_nan() {
    for isa in Isa::available() {
        let mut row = vec![1e4; 384];
        layer_norm(isa, &mut row, &[1.0; 384], &[0.5; 384], 1e-12);
        assert!(row.iter().all(|x| x.is_finite()));
        let mut out = QuantisedRows::default();
        quantise(isa, &[0.25; 32], 16, Activation::Identity, None, &mut out);
        assert_eq!(out.get(1, 15), 0.25);
        // So far from zero that the byte, too, is rounded by more than its range, to either side. The values ascend:
        // a byte that wrapped around would be less than its neighbour.
        for start in [1e7, -1e7, 1.5e7, -1.5e7] {
            let far: Vec<f32> = (0..16_u8).map(|i| start + f32::from(i.min(13))).collect();
            quantise(isa, &far, 16, Activation::Identity, None, &mut out);
            let bytes = out.parts().0;
            assert!(bytes.iter().all(|&byte| f32::from(byte) <= isa.grid().levels()), "{isa}");
            assert!(bytes.is_sorted(), "{isa}: {bytes:?}");
        }
    }
}

#[test]
fn attention_is_the_softmax_of_scores_times_values() {
    for (t, count, size) in [
        (1, 1, 16),
        (2, 2, 32),
        (3, 1, 8),
        (7, 3, 32),
        (15, 1, 64),
        (16, 2, 24),
        (17, 1, 32),
        (31, 1, 40),
        (33, 2, 32),
        (65, 1, 16),
        (130, 2, 32),
    ]
    .into_iter()
    .filter(|(t, count, size)| bearable(t * t * count * size))
    {
        let heads = Heads { count, size };
        let h = heads.width();
        let qkv: Vec<f32> = numbers(t * 3 * h, t as u64).iter().map(|x| 2.0 * x).collect();
        let laid = spread(&qkv, 3 * h);
        let part = |row: usize, part: usize, head: usize| {
            let at = row * 3 * h + part * h + head * size;
            &qkv[at..at + size]
        };
        let mut scratch = Scratch::default();
        for isa in Isa::available() {
            let bound = if isa.name().ends_with("bf16") { BF16_ERROR } else { 5e-6 };
            let mut out = vec![0.0; t * padded(h)];
            attention(isa, &laid, heads, 0..t, &mut scratch, &mut out);
            let (from, to) = (t / 3, t - t / 4);
            let mut some = vec![0.0; (to - from) * padded(h)];
            attention(isa, &laid, heads, from..to, &mut scratch, &mut some);
            assert_eq!(some, out[from * padded(h)..to * padded(h)], "{isa}: a part of the rows differs");
            for row in 0..t {
                for head in 0..count {
                    let dot = |j: usize| -> f64 {
                        let pairs = part(row, 0, head).iter().zip(part(j, 1, head));
                        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (size as f64).sqrt()
                    };
                    let scores: Vec<f64> = (0..t).map(dot).collect();
                    let most = scores.iter().copied().fold(f64::MIN, f64::max);
                    let weights: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    for c in 0..size {
                        let want: f64 =
                            (0..t).map(|j| weights[j] / total * f64::from(part(j, 2, head)[c])).sum();
                        let got = f64::from(out[row * padded(h) + head * size + c]);
                        assert!(
                            (got - want).abs() < 2.0 * bound,
                            "{isa} t {t}, {count} x {size}, at {row},{head},{c}: {got}, not {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn scores_far_apart_neither_overflow_nor_vanish() {
    let heads = Heads { count: 1, size: 16 };
    let mut qkv = vec![0.0; 40 * 48];
    for (i, row) in qkv.chunks_exact_mut(48).enumerate() {
        row[0] = 60.0;
        row[16] = i as f32 * 3.0;
        row[32] = i as f32;
    }
    for isa in Isa::available() {
        let mut out = vec![0.0; 40 * 16];
        attention(isa, &qkv, heads, 0..40, &mut Scratch::default(), &mut out);
        assert!(out.chunks_exact(16).all(|row| (row[0] - 39.0).abs() < 0.2), "{isa}: {:?}", &out[..16]);
    }
}

#[test]
fn views_of_other_lengths_are_refused() {
    let packed = pack(Isa::SCALAR, &[1.0; 32], &[0.0; 2], 16);
    let parts = [packed.steps.as_slice(), &packed.sums, &packed.bias];
    let view =
        |inputs, outputs, weights, parts| PackedLinear::new(inputs, outputs, packed.grid, weights, parts);
    assert!(view(16, 2, &packed.weights[..], parts).is_some());
    assert!(view(17, 2, &packed.weights, parts).is_none());
    assert!(view(16, 17, &packed.weights, parts).is_none());
    assert!(view(16, 2, &packed.weights[1..], parts).is_none());
    assert!(view(16, 2, &packed.weights, [&parts[0][1..], parts[1], parts[2]]).is_none());
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of products")]
fn the_probe_multiplies_at_least_as_often_as_asked() {
    for isa in Isa::available() {
        assert!(multiply(isa, 1_000_000) >= 1_000_000);
    }
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

/// erf by its power series; exact to 1e-9 for the arguments below 5.
fn erf(x: f64) -> f64 {
    if x.abs() > 5.0 {
        return x.signum();
    }
    let (mut term, mut total) = (x, x);
    for n in 1..120 {
        term *= -x * x / f64::from(n);
        total += term / f64::from(2 * n + 1);
    }
    total * 2.0 / std::f64::consts::PI.sqrt()
}
