//! Fitting one multinomial logistic head.
//!
//! Mini-batch AdaGrad (Duchi, Hazan and Singer 2011) on the cross-entropy with decoupled weight decay, which
//! touches only the weights of features that occur: the cost of an epoch is `nonzeros x classes`.
//! Weights live in a fixed number of shards that are updated in parallel, each by one thread and always in
//! the same order, so that a seed gives the same head on any number of cores.

use std::ops::ControlFlow;

use firstline_triage::{Head, SparseRows, axpy, softmax};
use rayon::prelude::*;

use crate::prepare::shuffled;

const SHARDS: usize = 8;
const BATCH: usize = 64;
/// How the bias is learnt, whatever the blocks do.
const BIAS: Step = Step { rate: 0.1, damping: 1e-3, decay: 0.0 };

/// What a head is fitted on. `rows[i]` is a row of `sparse` and of `dense` whose label is `labels[i]`.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// N-gram and context features of all tickets.
    pub sparse: &'a SparseRows,
    /// Embeddings of all tickets, `n x dimensions` row-major.
    pub dense: &'a [f32],
    /// Width of an embedding.
    pub dimensions: usize,
    /// The tickets to fit on.
    pub rows: &'a [usize],
    /// Their class indices, below `classes`.
    pub labels: &'a [u32],
    /// Number of classes.
    pub classes: usize,
}

/// How a block of weights moves.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Step {
    /// Learning rate at the start; it falls linearly to zero.
    pub rate: f32,
    /// Start of AdaGrad's accumulators. A large one keeps rare features from being learnt by heart, which
    /// AdaGrad would otherwise do within an epoch: it regularises much as an L2 penalty.
    pub damping: f32,
    /// Decoupled weight decay, per epoch.
    pub decay: f32,
}

/// How a head is fitted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FitOptions {
    /// Sparse features read: those with an index below this; 0 for none.
    pub sparse_features: usize,
    /// Leading dimensions of the embedding read; 0 for none.
    pub embedding: usize,
    /// Factor on the centred embedding, to bring it to the size of the sparse features.
    pub embedding_scale: f32,
    /// Steps on the sparse weights.
    pub sparse_step: Step,
    /// Steps on the embedding's weights.
    pub embedding_step: Step,
    /// Passes over the examples.
    pub epochs: usize,
    /// Exponent of class balancing: an example weighs `(mean count / count of its class) ^ balance`.
    pub balance: f32,
    /// Seed of the order of the examples.
    pub seed: u64,
}

/// Fits a head; `on_epoch` is asked before each epoch and may stop the fit, which gives `None`.
pub fn fit(
    examples: Examples<'_>,
    options: FitOptions,
    on_epoch: &mut dyn FnMut() -> ControlFlow<()>,
) -> Option<Head> {
    let mut fit = Fit::new(examples, options);
    let batches = examples.rows.len().div_ceil(BATCH) * options.epochs;
    let mut step = 0;
    for epoch in 0..options.epochs {
        if on_epoch().is_break() {
            return None;
        }
        let order = shuffled(examples.rows.len(), options.seed.wrapping_add(epoch as u64));
        for batch in order.chunks(BATCH) {
            fit.step(batch, 1.0 - step as f32 / batches as f32);
            step += 1;
        }
    }
    Some(fit.into_head())
}

struct Fit<'a> {
    examples: Examples<'a>,
    options: FitOptions,
    /// `dimensions` wide; empty when the embedding is not read.
    mean: Vec<f32>,
    class_weight: Vec<f32>,
    shards: Vec<Shard>,
    bias: Vec<f32>,
    bias_accumulator: Vec<f32>,
    seen: u64,
}

/// The weights of features `f` with `f % SHARDS == id`, and their share of each example's features.
struct Shard {
    sparse: SparseRows,
    weights: Weights,
    dense_dims: std::ops::Range<usize>,
    dense: Weights,
}

struct Weights {
    step: Step,
    value: Vec<f32>,
    accumulator: Vec<f32>,
    /// Epochs that were behind us at the row's last update.
    clock: Vec<f32>,
}

impl Weights {
    fn new(rows: usize, k: usize, step: Step) -> Self {
        let accumulator = vec![step.damping; rows * k];
        Self { step, value: vec![0.0; rows * k], accumulator, clock: vec![0.0; rows] }
    }

    /// One AdaGrad step on row `j` for gradient `x * residual`, after the decay that row has missed. `left`
    /// is the share of the learning rate that is left, `clock` the epochs behind us.
    fn update(&mut self, j: usize, x: f32, residual: &[f32], left: f32, clock: f32) {
        let k = residual.len();
        let rate = self.step.rate * left;
        let keep = self.keep(j, clock);
        self.clock[j] = clock;
        let values = &mut self.value[j * k..(j + 1) * k];
        let accumulators = &mut self.accumulator[j * k..(j + 1) * k];
        for ((w, a), r) in values.iter_mut().zip(accumulators).zip(residual) {
            let g = x * r;
            *a += g * g;
            *w = *w * keep - rate * g / a.sqrt();
        }
    }

    /// The factor that row `j` has to shrink by since its last update.
    fn keep(&self, j: usize, clock: f32) -> f32 {
        (self.step.decay * (self.clock[j] - clock)).exp()
    }

    fn settle(&mut self, k: usize, clock: f32) {
        for j in 0..self.clock.len() {
            let keep = self.keep(j, clock);
            self.value[j * k..(j + 1) * k].iter_mut().for_each(|w| *w *= keep);
        }
    }
}

impl<'a> Fit<'a> {
    fn new(examples: Examples<'a>, options: FitOptions) -> Self {
        let k = examples.classes;
        let d = options.embedding;
        let shards = (0..SHARDS)
            .into_par_iter()
            .map(|id| {
                let mut sparse = SparseRows::default();
                for &row in examples.rows {
                    let row = examples.sparse.row(row);
                    let own = row.iter().filter(|(f, _)| *f < options.sparse_features && f % SHARDS == id);
                    sparse.push(&own.map(|(f, x)| ((f / SHARDS) as u32, x)).collect::<Vec<_>>());
                }
                let features = (options.sparse_features + SHARDS - 1 - id) / SHARDS;
                let dense_dims = d * id / SHARDS..d * (id + 1) / SHARDS;
                let dense = Weights::new(dense_dims.len(), k, options.embedding_step);
                Shard { sparse, weights: Weights::new(features, k, options.sparse_step), dense_dims, dense }
            })
            .collect();
        Self {
            mean: mean_row(&examples, d),
            class_weight: class_weights(&examples, options.balance),
            shards,
            bias: vec![0.0; k],
            bias_accumulator: vec![BIAS.damping; k],
            seen: 0,
            examples,
            options,
        }
    }

    fn step(&mut self, batch: &[usize], left: f32) {
        let clock = self.epochs();
        let residuals: Vec<Vec<f32>> = batch.par_iter().with_min_len(8).map(|&i| self.residual(i)).collect();
        let Self { examples, options, mean, shards, .. } = self;
        shards.par_iter_mut().for_each(|shard| {
            for (&i, residual) in batch.iter().zip(&residuals) {
                for (j, x) in shard.sparse.row(i).iter() {
                    shard.weights.update(j, x, residual, left, clock);
                }
                let embedding = &examples.dense[examples.rows[i] * examples.dimensions..];
                for (j, dim) in shard.dense_dims.clone().enumerate() {
                    let x = (embedding[dim] - mean[dim]) * options.embedding_scale;
                    shard.dense.update(j, x, residual, left, clock);
                }
            }
        });
        for residual in &residuals {
            for ((b, a), r) in self.bias.iter_mut().zip(&mut self.bias_accumulator).zip(residual) {
                *a += r * r;
                *b -= BIAS.rate * left * r / a.sqrt();
            }
        }
        self.seen += batch.len() as u64;
    }

    /// Epochs behind us, with their fraction.
    fn epochs(&self) -> f32 {
        self.seen as f32 / self.examples.rows.len() as f32
    }

    /// `weight * (p - onehot)` of example `i` under the current weights.
    fn residual(&self, i: usize) -> Vec<f32> {
        let k = self.examples.classes;
        let mut z = self.bias.clone();
        let embedding = &self.examples.dense[self.examples.rows[i] * self.examples.dimensions..];
        for shard in &self.shards {
            for (j, x) in shard.sparse.row(i).iter() {
                axpy(&mut z, x, &shard.weights.value[j * k..(j + 1) * k]);
            }
            for (j, dim) in shard.dense_dims.clone().enumerate() {
                let x = (embedding[dim] - self.mean[dim]) * self.options.embedding_scale;
                axpy(&mut z, x, &shard.dense.value[j * k..(j + 1) * k]);
            }
        }
        softmax(&mut z);
        let label = self.examples.labels[i] as usize;
        z[label] -= 1.0;
        let weight = self.class_weight[label];
        z.iter_mut().for_each(|r| *r *= weight);
        z
    }

    /// Gathers the shards; the embedding's centring and scale go into its weights and the bias.
    fn into_head(mut self) -> Head {
        let k = self.examples.classes;
        let clock = self.epochs();
        let mut head = Head {
            classes: k,
            sparse: vec![0.0; self.options.sparse_features * k],
            dense: vec![0.0; self.mean.len() * k],
            bias: self.bias,
        };
        for (id, shard) in self.shards.iter_mut().enumerate() {
            shard.weights.settle(k, clock);
            shard.dense.settle(k, clock);
            for (j, row) in shard.weights.value.chunks_exact(k).enumerate() {
                let f = j * SHARDS + id;
                head.sparse[f * k..(f + 1) * k].copy_from_slice(row);
            }
            for (row, dim) in shard.dense.value.chunks_exact(k).zip(shard.dense_dims.clone()) {
                for (c, w) in row.iter().enumerate() {
                    head.dense[dim * k + c] = w * self.options.embedding_scale;
                    head.bias[c] -= self.mean[dim] * w * self.options.embedding_scale;
                }
            }
        }
        head
    }
}

fn mean_row(examples: &Examples<'_>, d: usize) -> Vec<f32> {
    let mut sum = vec![0.0f64; d];
    for &row in examples.rows {
        let embedding = &examples.dense[row * examples.dimensions..];
        sum.iter_mut().zip(embedding).for_each(|(s, &e)| *s += f64::from(e));
    }
    sum.iter().map(|s| (s / examples.rows.len().max(1) as f64) as f32).collect()
}

/// `(mean count / count) ^ balance`, scaled so that the mean weight of an example is 1.
fn class_weights(examples: &Examples<'_>, balance: f32) -> Vec<f32> {
    let mut counts = vec![0.0f32; examples.classes];
    examples.labels.iter().for_each(|&l| counts[l as usize] += 1.0);
    let mut weights: Vec<f32> = counts.iter().map(|c| c.max(1.0).powf(-balance)).collect();
    let total: f32 = weights.iter().zip(&counts).map(|(w, c)| w * c).sum();
    let scale = examples.labels.len() as f32 / total.max(f32::MIN_POSITIVE);
    weights.iter_mut().for_each(|w| *w *= scale);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_triage::log_softmax;

    /// Three noisy classes: a sparse feature and a dense direction each, one label in five wrong.
    struct Toy {
        sparse: SparseRows,
        dense: Vec<f32>,
        rows: Vec<usize>,
        labels: Vec<u32>,
    }

    impl Toy {
        fn new(n: usize) -> Self {
            let mut toy = Self {
                sparse: SparseRows::default(),
                dense: Vec::new(),
                rows: (0..n).collect(),
                labels: Vec::new(),
            };
            for (i, r) in shuffled(n, 9).into_iter().enumerate() {
                let class = i % 3;
                toy.sparse.push(&[(class as u32, 1.0), (3 + (r % 20) as u32, 0.5)]);
                toy.dense.extend((0..2).map(|d| if d == class { 0.8 } else { 0.1 } + (r % 7) as f32 * 0.01));
                toy.labels.push(if r % 5 == 0 { (class as u32 + 1) % 3 } else { class as u32 });
            }
            toy
        }

        fn examples(&self) -> Examples<'_> {
            Examples {
                sparse: &self.sparse,
                dense: &self.dense,
                dimensions: 2,
                rows: &self.rows,
                labels: &self.labels,
                classes: 3,
            }
        }

        fn nll(&self, head: &Head) -> f32 {
            let loss = |i: usize| {
                -log_softmax(&head.logits(self.sparse.row(i), &self.dense[i * 2..]))[self.labels[i] as usize]
            };
            self.rows.iter().map(|&i| loss(i)).sum::<f32>() / self.rows.len() as f32
        }

        /// Plain full-batch gradient descent on the same loss, run until it no longer moves.
        fn optimum(&self) -> f32 {
            let mut head =
                Head { classes: 3, sparse: vec![0.0; 23 * 3], dense: vec![0.0; 6], bias: vec![0.0; 3] };
            for _ in 0..3_000 {
                let mut gradient =
                    Head { classes: 3, sparse: vec![0.0; 23 * 3], dense: vec![0.0; 6], bias: vec![0.0; 3] };
                for &i in &self.rows {
                    let mut p = head.logits(self.sparse.row(i), &self.dense[i * 2..]);
                    softmax(&mut p);
                    p[self.labels[i] as usize] -= 1.0;
                    self.sparse
                        .row(i)
                        .iter()
                        .for_each(|(j, x)| axpy(&mut gradient.sparse[j * 3..j * 3 + 3], x, &p));
                    (0..2)
                        .for_each(|d| axpy(&mut gradient.dense[d * 3..d * 3 + 3], self.dense[i * 2 + d], &p));
                    axpy(&mut gradient.bias, 1.0, &p);
                }
                let rate = -1.0 / self.rows.len() as f32;
                axpy(&mut head.sparse, rate, &gradient.sparse);
                axpy(&mut head.dense, rate, &gradient.dense);
                axpy(&mut head.bias, rate, &gradient.bias);
            }
            self.nll(&head)
        }
    }

    const STEP: Step = Step { rate: 0.3, damping: 1e-3, decay: 0.0 };

    fn options() -> FitOptions {
        FitOptions {
            sparse_features: 23,
            embedding: 2,
            embedding_scale: 2.0,
            sparse_step: STEP,
            embedding_step: STEP,
            epochs: 20,
            balance: 0.0,
            seed: 4,
        }
    }

    fn fitted(toy: &Toy, options: FitOptions) -> Head {
        fit(toy.examples(), options, &mut || ControlFlow::Continue(())).unwrap()
    }

    #[test]
    fn reaches_the_loss_of_plain_gradient_descent() {
        let toy = Toy::new(600);
        let (found, best) = (toy.nll(&fitted(&toy, options())), toy.optimum());
        assert!(found < best + 0.01, "found {found}, plain gradient descent {best}");
    }

    #[test]
    fn a_seed_gives_the_same_head_on_any_number_of_threads() {
        let toy = Toy::new(200);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fitted(&toy, options()))
        };
        assert_eq!(on(1), on(5));
        assert_ne!(on(1), fitted(&toy, FitOptions { seed: 5, ..options() }));
    }

    #[test]
    fn decay_shrinks_weights_and_blocks_that_are_not_read_stay_empty() {
        let toy = Toy::new(200);
        let size = |h: &Head| h.sparse.iter().map(|w| w * w).sum::<f32>();
        let decayed = fitted(&toy, FitOptions { sparse_step: Step { decay: 0.3, ..STEP }, ..options() });
        assert!(size(&decayed) < 0.5 * size(&fitted(&toy, options())));
        let ngram = fitted(&toy, FitOptions { embedding: 0, sparse_features: 3, ..options() });
        assert_eq!((ngram.dense.len(), ngram.sparse.len()), (0, 9));
        let dense = fitted(&toy, FitOptions { sparse_features: 0, ..options() });
        assert!(dense.sparse.is_empty() && toy.nll(&dense) < 3f32.ln());
    }

    #[test]
    fn balancing_weighs_rare_classes_more_and_examples_one_on_average() {
        let toy = Toy { labels: vec![0, 0, 0, 1], rows: (0..4).collect(), ..Toy::new(4) };
        assert_eq!(class_weights(&toy.examples(), 0.0)[..2], [1.0, 1.0]);
        let weights = class_weights(&toy.examples(), 1.0);
        assert!((weights[1] / weights[0] - 3.0).abs() < 1e-5);
        assert!((3.0 * weights[0] + weights[1] - 4.0).abs() < 1e-5);
    }

    #[test]
    fn a_fit_can_be_stopped() {
        let toy = Toy::new(60);
        let mut epochs = 0;
        let stop = &mut || {
            epochs += 1;
            if epochs > 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert!(fit(toy.examples(), options(), stop).is_none());
        assert_eq!(epochs, 3);
    }
}
