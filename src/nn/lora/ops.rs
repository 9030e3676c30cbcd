//! The decoder's operations and their derivatives, worked out by hand: candle's own fused ones have none, its graph would
//! make gradients for weights that are not learnt, and its sums of large tensors wait for threads that have other work.
//!
//! They work on float32 on the CPU alone, and are the same to the bit on any number of threads. What is cheap to make
//! again is made again for the derivative, not kept: a lesson holds nothing as large as the square of its length. They
//! must never be given tensors that candle tracks: no graph is wanted here.

use candle_core::{CpuStorage, Device, Storage, Tensor, bail};

pub(super) type Made<T> = candle_core::Result<T>;

/// Root mean square normalisation (Zhang and Sennrich, arXiv 1910.07467) of rows as long as the weight.
pub(super) struct Norm<'a> {
    pub(super) weight: &'a [f32],
    pub(super) eps: f32,
}

impl Norm<'_> {
    /// What a row is multiplied with before the weight.
    fn factor(&self, x: &[f32]) -> f64 {
        let mean = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / x.len() as f64;
        1.0 / (mean + f64::from(self.eps)).sqrt()
    }

    pub(super) fn forward(&self, x: &Tensor) -> Made<Tensor> {
        let mut y = values(x)?;
        for row in y.chunks_exact_mut(self.weight.len()) {
            let factor = self.factor(row) as f32;
            row.iter_mut().zip(self.weight).for_each(|(x, w)| *x *= factor * w);
        }
        Tensor::from_vec(y, x.shape(), &Device::Cpu)
    }

    /// The gradient for `x`, of `g`, that for what it made.
    pub(super) fn backward(&self, x: &Tensor, g: &Tensor) -> Made<Tensor> {
        let mut g = values(g)?;
        let n = self.weight.len();
        read(x, |x| {
            for (x, g) in x.chunks_exact(n).zip(g.chunks_exact_mut(n)) {
                let factor = self.factor(x);
                g.iter_mut().zip(self.weight).for_each(|(g, w)| *g *= w);
                let along: f64 = g.iter().zip(x).map(|(&g, &x)| f64::from(g) * f64::from(x)).sum();
                let back = (factor.powi(3) * along / n as f64) as f32;
                g.iter_mut().zip(x).for_each(|(g, x)| *g = factor as f32 * *g - back * x);
            }
        })?;
        Tensor::from_vec(g, x.shape(), &Device::Cpu)
    }
}

/// `silu(gate) * up` (Shazeer, arXiv 2002.05202), value by value.
pub(super) fn gated(gate: &Tensor, up: &Tensor) -> Made<Tensor> {
    let mut out = values(gate)?;
    read(up, |up| out.iter_mut().zip(up).for_each(|(g, u)| *g = *g / (1.0 + (-*g).exp()) * u))?;
    Tensor::from_vec(out, gate.shape(), &Device::Cpu)
}

/// The gradients for `gate` and `up`, of `g`, that for what [`gated`] made of them.
pub(super) fn gated_back(gate: &Tensor, up: &Tensor, g: &Tensor) -> Made<[Tensor; 2]> {
    let (mut of_gate, mut of_up) = (values(gate)?, values(up)?);
    read(g, |g| {
        for ((gate, up), g) in of_gate.iter_mut().zip(&mut of_up).zip(g) {
            let open = 1.0 / (1.0 + (-*gate).exp());
            let silu = *gate * open;
            (*gate, *up) = (g * *up * (open + silu * (1.0 - open)), g * silu);
        }
    })?;
    let tensor = |values| Tensor::from_vec(values, gate.shape(), &Device::Cpu);
    Ok([tensor(of_gate)?, tensor(of_up)?])
}

/// Causal attention of a whole sequence over itself: of queries, `n x (heads * size)`, and keys and values, `n x
/// (kept_heads * size)`, it turns queries and keys by their positions (Su et al., arXiv 2104.09864), and makes `n x
/// (heads * size)`. Neighbouring query heads share a head of keys (Ainslie et al., arXiv 2305.13245).
pub(super) struct Attend {
    pub(super) kept_heads: usize,
    pub(super) size: usize,
    /// Whether the pairs that are turned are neighbours; else they lie half a head apart.
    pub(super) interleaved: bool,
    /// Cosines and sines: for each position, of `size / 2` pairs.
    pub(super) angles: Vec<[f32; 2]>,
}

/// Queries, keys, values and who looks where, heads first. Rows of query heads that share keys lie one after the other.
struct Seen {
    /// Turned, and divided by the root of a head's size: `kept_heads x (heads / kept_heads * n) x size`.
    q: Tensor,
    /// Turned: `kept_heads x n x size`.
    k: Tensor,
    v: Tensor,
    /// `kept_heads x (heads / kept_heads * n) x n`, each row of sum 1.
    weights: Tensor,
}

impl Attend {
    fn positions(&self) -> usize {
        2 * self.angles.len() / self.size
    }

    fn per_root(&self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// The rows of `flat`, `n x (heads * size)`, as `kept_heads x (heads / kept_heads * n) x size`.
    fn heads_first(&self, flat: &[f32]) -> Vec<f32> {
        let (n, size) = (self.positions(), self.size);
        let heads = flat.len() / n / size;
        let mut x = Vec::with_capacity(flat.len());
        for h in 0..heads {
            (0..n).for_each(|i| x.extend_from_slice(&flat[(i * heads + h) * size..][..size]));
        }
        x
    }

    /// Undoes [`Self::heads_first`].
    fn rows_first(&self, x: &[f32]) -> Made<Tensor> {
        let (n, size) = (self.positions(), self.size);
        let heads = x.len() / n / size;
        let mut flat = Vec::with_capacity(x.len());
        for i in 0..n {
            (0..heads).for_each(|h| flat.extend_from_slice(&x[(h * n + i) * size..][..size]));
        }
        Tensor::from_vec(flat, (n, heads * size), &Device::Cpu)
    }

    /// Turns `x`, heads first, by its positions, times `by`; or `back`.
    fn turn(&self, x: &mut [f32], by: f32, back: bool) {
        let half = self.size / 2;
        let sign = if back { -1.0 } else { 1.0 };
        for (row, head) in x.chunks_exact_mut(self.size).enumerate() {
            let angles = &self.angles[row % self.positions() * half..][..half];
            for (i, [cos, sin]) in angles.iter().enumerate() {
                let (a, b) = if self.interleaved { (2 * i, 2 * i + 1) } else { (i, half + i) };
                let (cos, sin) = (by * cos, by * sign * sin);
                (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[b] * cos + head[a] * sin);
            }
        }
    }

    fn tensor(&self, x: Vec<f32>) -> Made<Tensor> {
        let rows = x.len() / self.kept_heads / self.size;
        Tensor::from_vec(x, (self.kept_heads, rows, self.size), &Device::Cpu)
    }

    fn seen(&self, [q, k, v]: [&Tensor; 3]) -> Made<Seen> {
        let n = self.positions();
        let turned = |x: &Tensor, by| {
            let mut x = read(x, |x| self.heads_first(x))?;
            self.turn(&mut x, by, false);
            self.tensor(x)
        };
        let (q, k) = (turned(q, self.per_root())?, turned(k, 1.0)?);
        let scores = q.matmul(&k.t()?)?;
        let mut weights = values(&scores)?;
        for (row, weights) in weights.chunks_exact_mut(n).enumerate() {
            let (seen, later) = weights.split_at_mut(row % n + 1);
            softmax(seen);
            later.fill(0.0);
        }
        let weights = Tensor::from_vec(weights, scores.shape(), &Device::Cpu)?;
        Ok(Seen { q, k, v: self.tensor(read(v, |v| self.heads_first(v))?)?, weights })
    }

    /// What it makes of queries, keys and values.
    pub(super) fn forward(&self, qkv: [&Tensor; 3]) -> Made<Tensor> {
        let Seen { v, weights, .. } = self.seen(qkv)?;
        read(&weights.matmul(&v)?, |mixed| self.rows_first(mixed))?
    }

    /// The gradients for queries, keys and values, of `g`, that for what it made of them.
    pub(super) fn backward(&self, qkv: [&Tensor; 3], g: &Tensor) -> Made<[Tensor; 3]> {
        let Seen { q, k, v, weights } = self.seen(qkv)?;
        let n = self.positions();
        let g = self.tensor(read(g, |g| self.heads_first(g))?)?;
        let of_v = weights.t()?.matmul(&g)?;
        let mut of_scores = values(&g.matmul(&v.t()?)?)?;
        read(&weights, |weights| {
            for (row, (g, weights)) in of_scores.chunks_exact_mut(n).zip(weights.chunks_exact(n)).enumerate()
            {
                let (g, later) = g.split_at_mut(row % n + 1);
                let mean: f32 = g.iter().zip(weights).map(|(g, w)| g * w).sum();
                g.iter_mut().zip(weights).for_each(|(g, w)| *g = w * (*g - mean));
                later.fill(0.0);
            }
        })?;
        let of_scores = Tensor::from_vec(of_scores, weights.shape(), &Device::Cpu)?;
        let back = |x: &Tensor, by| {
            let mut x = values(x)?;
            self.turn(&mut x, by, true);
            self.rows_first(&x)
        };
        let of_q = back(&of_scores.matmul(&k)?, self.per_root())?;
        let of_k = back(&of_scores.t()?.matmul(&q)?, 1.0)?;
        Ok([of_q, of_k, read(&of_v, |x| self.rows_first(x))??])
    }
}

/// The sum of tensors of one shape.
pub(super) fn sum(first: &Tensor, others: &[&Tensor]) -> Made<Tensor> {
    let mut sum = values(first)?;
    for other in others {
        read(other, |other| sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += x))?;
    }
    Tensor::from_vec(sum, first.shape(), &Device::Cpu)
}

/// `x`, `n x width`, with `bias` added to every row.
pub(super) fn biased(x: &Tensor, bias: &[f32]) -> Made<Tensor> {
    let mut y = values(x)?;
    for row in y.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
    }
    Tensor::from_vec(y, x.shape(), &Device::Cpu)
}

/// Makes logits into probabilities; returns the logarithm of the sum of their exponentials.
pub(super) fn softmax(x: &mut [f32]) -> f64 {
    let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    x.iter_mut().for_each(|x| *x = (*x - most).exp());
    let total: f64 = x.iter().map(|&x| f64::from(x)).sum();
    let share = (1.0 / total) as f32;
    x.iter_mut().for_each(|x| *x *= share);
    f64::from(most) + total.ln()
}

/// What `f` makes of all that a contiguous tensor holds.
fn read<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Made<R> {
    let (storage, layout) = x.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(all)), Some((from, to))) => Ok(f(&all[from..to])),
        _ => bail!("a tensor that is not contiguous float32 on the CPU"),
    }
}

/// What a contiguous tensor holds.
pub(super) fn values(x: &Tensor) -> Made<Vec<f32>> {
    read(x, <[f32]>::to_vec)
}
