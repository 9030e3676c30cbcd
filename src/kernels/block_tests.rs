//! Layers of blocks on every instruction set of this CPU against float64.

use crate::tests::{ROUNDING, bearable, numbers};
use crate::*;

/// A packed layer that looks random, its bytes at an even address.
struct Layer {
    form: Form,
    inputs: usize,
    outputs: usize,
    bytes: Vec<u8>,
    start: usize,
}

impl Layer {
    fn new(form: Form, inputs: usize, outputs: usize) -> Self {
        let n = form.packed_bytes(inputs, outputs);
        let mut bytes = vec![0; n + 1];
        let start = bytes.as_ptr().align_offset(2);
        let size = n / (padded(outputs) / 16);
        let random = numbers(1_000, 7);
        // The greatest numbers are frequent: sums of 16 bits must bear them all together.
        let top = u8::MAX >> (8 - form.bits());
        let q = |x: f32| if x > 0.5 { top } else { ((x + 1.0) / 1.5 * top as f32) as u8 };
        for (panel, to) in bytes[start..start + n].chunks_exact_mut(size).enumerate() {
            pack_panel(form, inputs, outputs, panel, to, |output, group| {
                let at = |k: usize| random[(output * 131 + group * 37 + k * 7) % 1_000];
                let full = output % 5 == 0;
                Block {
                    q: std::array::from_fn(|k| if full { top } else { q(at(k)) }),
                    scales: [at(40), at(if form.scales() == 2 { 41 } else { 40 })],
                    low: if form.has_low() { at(42) } else { 0.0 },
                }
            });
        }
        Self { form, inputs, outputs, bytes, start }
    }

    fn view(&self) -> BlockLinear<'_> {
        let n = self.form.packed_bytes(self.inputs, self.outputs);
        let bytes = &self.bytes[self.start..self.start + n];
        BlockLinear::new(self.form, self.inputs, self.outputs, bytes).unwrap()
    }
}

/// All rows of `x` quantised.
fn grouped(isa: Isa, x: &[f32], width: usize, before: Before<'_>) -> GroupedRows {
    let mut rows = GroupedRows::default();
    rows.reset(x.len() / width, width);
    for mut part in rows.parts(3) {
        let of = part.first() * width..(part.first() + part.rows()) * width;
        let before = match before {
            Before::SwiGlu { up } => Before::SwiGlu { up: &up[of.clone()] },
            other => other,
        };
        quantise_groups(isa, &x[of], before, &mut part);
    }
    rows
}

#[test]
fn layers_of_blocks_give_what_their_quantised_parts_multiply_to() {
    for form in Form::ALL {
        for (rows, inputs, outputs) in [(1, 32, 1), (2, 64, 17), (3, 96, 32), (7, 288, 40), (15, 512, 48)]
            .into_iter()
            .filter(|(rows, inputs, outputs)| bearable(rows * inputs * outputs))
        {
            let layer = Layer::new(form, inputs, outputs);
            let mut x = numbers(rows * inputs, 3);
            // A row at the ends of its range, all of one sign.
            x[..inputs].iter_mut().for_each(|x| *x = x.signum().abs());
            for isa in Isa::available() {
                let activations = grouped(isa, &x, inputs, Before::Nothing);
                let width = padded(outputs);
                let before = numbers(rows * width, 4);
                for epilogue in [Epilogue::Store, Epilogue::Add] {
                    let mut out = before.clone();
                    for part in &mut Columns::new(&mut out, width).parts(32) {
                        block_linear(isa, &activations, layer.view(), epilogue, part);
                    }
                    for r in 0..rows {
                        for c in 0..outputs {
                            let mut row = vec![0.0; inputs];
                            layer.view().row(c, &mut row);
                            let terms =
                                (0..inputs).map(|k| f64::from(activations.get(r, k)) * f64::from(row[k]));
                            let (sum, size) =
                                terms.fold((0.0, 1.0), |(sum, size), t| (sum + t, size + t.abs()));
                            let first = if epilogue == Epilogue::Add { before[r * width + c] } else { 0.0 };
                            let (got, want) = (f64::from(out[r * width + c]), sum + f64::from(first));
                            // Numbers and zero, of opposite signs, are summed apart.
                            assert!(
                                (got - want).abs() <= 4.0 * ROUNDING * size,
                                "{isa} {form:?} {epilogue:?} {rows}x{inputs}x{outputs} at {r},{c}: {got}, not {want}"
                            );
                        }
                    }
                    // A row alone gives the same.
                    let last = grouped(isa, &x[(rows - 1) * inputs..], inputs, Before::Nothing);
                    let mut alone = before[(rows - 1) * width..].to_vec();
                    block_linear(isa, &last, layer.view(), epilogue, &mut Columns::new(&mut alone, width));
                    assert_eq!(alone, out[(rows - 1) * width..], "{isa} {form:?}");
                }
            }
        }
    }
}

#[test]
fn groups_are_quantised_to_the_nearest_after_norm_or_gate() {
    let (rows, width) = (5, 96);
    let x: Vec<f32> = numbers(rows * width, 9).iter().map(|x| 4.0 * x).collect();
    let up = numbers(rows * width, 10);
    let weight = numbers(width, 8);
    let eps = 1e-5;
    for isa in Isa::available() {
        for before in [Before::Nothing, Before::RmsNorm { weight: &weight, eps }, Before::SwiGlu { up: &up }]
        {
            let got = grouped(isa, &x, width, before);
            assert_eq!((got.len(), got.width()), (rows, width));
            for (r, row) in x.chunks_exact(width).enumerate() {
                let square = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / width as f64;
                let exact = |k: usize| match before {
                    Before::Nothing => f64::from(row[k]),
                    Before::RmsNorm { .. } => {
                        f64::from(row[k]) * f64::from(weight[k]) / (square + f64::from(eps)).sqrt()
                    }
                    Before::SwiGlu { .. } => {
                        let gate = f64::from(row[k]);
                        gate / (1.0 + (-gate).exp()) * f64::from(up[r * width + k])
                    }
                };
                for group in 0..width / GROUP {
                    let of = group * GROUP..(group + 1) * GROUP;
                    let most = of.clone().map(|k| exact(k).abs()).fold(0.0, f64::max);
                    for k in of {
                        let error = (f64::from(got.get(r, k)) - exact(k)).abs();
                        assert!(error <= most * (0.5 / 127.0 + 2e-5), "{isa} {before:?} at {r},{k}: {error}");
                    }
                }
            }
        }
        // What is no number is not hidden, and leaves other groups alone.
        let mut bad = x[..width].to_vec();
        (bad[3], bad[40]) = (f32::NAN, f32::INFINITY);
        let got = grouped(isa, &bad, width, Before::Nothing);
        assert!(got.get(0, 0).is_nan() && !got.get(0, 33).is_finite() && got.get(0, 70).is_finite(), "{isa}");
    }
}

#[test]
fn kept_keys_and_values_are_attended_to_up_to_each_rows_limit() {
    /// float16 keeps 11 bits; weights sum to 1.
    const HALF: f64 = 1e-3;
    for (size, tokens, rows) in [(16_usize, 1_usize, 1), (32, 15, 2), (48, 17, 3), (64, 50, 7), (32, 40, 13)]
    {
        let room = tokens.next_multiple_of(KEY_BLOCK) * size;
        let (keys, values) = (numbers(tokens * size, 1), numbers(tokens * size, 2));
        let queries: Vec<f32> = numbers(rows * size, 3).iter().map(|q| 3.0 * q).collect();
        let limits: Vec<usize> = (0..rows).map(|r| tokens - (r * 5) % tokens).collect();
        for isa in Isa::available() {
            let mut kept = (vec![0; room], vec![0; room]);
            for t in 0..tokens {
                let of = t * size..(t + 1) * size;
                keep(isa, &mut kept.0, &mut kept.1, t, &keys[of.clone()], &values[of]);
            }
            let mut out = vec![0.0; rows * size];
            let mut scratch = vec![f32::NAN; 3];
            attend(isa, size, &queries, &limits, &kept.0, &kept.1, &mut scratch, &mut out);
            for (r, &limit) in limits.iter().enumerate() {
                let query = &queries[r * size..][..size];
                let dot = |t: usize| {
                    let key = &keys[t * size..][..size];
                    query.iter().zip(key).map(|(&q, &k)| f64::from(q) * f64::from(k)).sum::<f64>()
                };
                let scores: Vec<f64> = (0..limit).map(|t| dot(t) / (size as f64).sqrt()).collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..size {
                    let want: f64 = weights
                        .iter()
                        .enumerate()
                        .map(|(t, w)| w / total * f64::from(values[t * size + d]))
                        .sum();
                    let got = f64::from(out[r * size + d]);
                    assert!((got - want).abs() < HALF, "{isa} {size} {tokens} at {r},{d}: {got}, not {want}");
                }
                let mut alone = vec![0.0; size];
                attend(isa, size, query, &[limit], &kept.0, &kept.1, &mut scratch, &mut alone);
                assert_eq!(alone, out[r * size..][..size], "{isa}");
            }
        }
    }
}
