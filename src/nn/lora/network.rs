//! A decoder in float32 with adapters on its upper layers: the forward, and the gradients of one lesson, handed down by hand
//! from layer to layer.
//!
//! Nothing is checked here: tokens and lengths are the caller's to check. It must never make a gradient that nobody asks
//! for: not of a frozen weight, nor below the lowest layer that learns.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::ops::{Attend, Made, Norm, biased, gated, gated_back, softmax, sum, values};
use crate::decoder::parts;
use crate::decoder::shape::Shape;

/// Rows that get their logits together: those of a large vocabulary still fit the last-level cache.
const HEAD_ROWS: usize = 64;

pub(super) type Layer = parts::Layer<Matrix, Vec<f32>>;
pub(super) type Weights = parts::Weights<Matrix, Vec<f32>>;

/// A frozen matrix, and what is learnt of it.
#[derive(Debug)]
pub(super) struct Matrix {
    /// `outputs x inputs`.
    pub(super) weight: Tensor,
    pub(super) adapter: Option<Adapter>,
}

/// A low-rank change of a matrix: `scale b a`.
#[derive(Debug)]
pub(super) struct Adapter {
    /// `rank x inputs`.
    pub(super) a: Tensor,
    /// `outputs x rank`.
    pub(super) b: Tensor,
    pub(super) scale: f64,
}

#[derive(Debug)]
pub(super) struct Network {
    pub(super) shape: Shape,
    pub(super) weights: Weights,
    /// Layers below the first that learns.
    pub(super) frozen: usize,
}

/// What a layer's derivative needs of its forward: `n` rows each.
struct Kept {
    x: Tensor,
    /// `x`, normalised.
    h: Tensor,
    qkv: [Tensor; 3],
    mixed: Tensor,
    /// `x` after attention, and that normalised.
    middle: Tensor,
    wide_h: Tensor,
    gate: Tensor,
    up: Tensor,
    wide: Tensor,
}

impl Matrix {
    /// `x w^T + scale (x a^T) b^T` of rows `x`, `n x inputs`: `n x outputs`.
    fn forward(&self, x: &Tensor) -> Made<Tensor> {
        let y = x.matmul(&self.weight.t()?)?;
        match &self.adapter {
            None => Ok(y),
            Some(Adapter { a, b, scale }) => {
                let narrow = (x.matmul(&a.detach().t()?)? * *scale)?;
                sum(&y, &[&narrow.matmul(&b.detach().t()?)?])
            }
        }
    }

    /// The gradient for rows `x`, of `g`, that for what it made of them; those of the adapter's `a` and `b` go into `to`.
    fn backward(&self, x: &Tensor, g: &Tensor, to: &mut [Vec<f32>; 2]) -> Made<Tensor> {
        let of_x = g.matmul(&self.weight)?;
        let Some(narrow) = self.learn(x, g, to)? else { return Ok(of_x) };
        sum(&of_x, &[&narrow])
    }

    /// The gradients of the adapter's `a` and `b` go into `to`; returns its part of that for `x`.
    fn learn(&self, x: &Tensor, g: &Tensor, to: &mut [Vec<f32>; 2]) -> Made<Option<Tensor>> {
        let Some(Adapter { a, b, scale }) = &self.adapter else { return Ok(None) };
        let (a, b) = (a.detach(), b.detach());
        let narrow = (g.matmul(&b)? * *scale)?;
        let of_b = g.t()?.matmul(&(x.matmul(&a.t()?)? * *scale)?)?;
        *to = [values(&narrow.t()?.matmul(x)?)?, values(&of_b)?];
        narrow.matmul(&a).map(Some)
    }

    /// The matrix with its change, `outputs x inputs`.
    pub(super) fn merged(&self) -> Made<Tensor> {
        match &self.adapter {
            None => Ok(self.weight.clone()),
            Some(Adapter { a, b, scale }) => &self.weight + (b.detach().matmul(&a.detach())? * *scale)?,
        }
    }
}

/// The matrices of a layer in the order of [`super::MATRICES`].
pub(super) fn matrices<M, V>(layer: &parts::Layer<M, V>) -> [&M; 7] {
    let [q, k, v] = &layer.qkv;
    [q, k, v, &layer.output, &layer.gate, &layer.up, &layer.down]
}

impl Network {
    /// The sum of the negative log likelihoods of `tokens[from..]`, whose tokens before the last have the embeddings `x`.
    pub(super) fn loss(&self, x: Vec<f32>, tokens: &[u32], from: usize) -> Made<f64> {
        let n = tokens.len() - 1;
        let attend = self.attend(n);
        let mut x = self.rows(x)?;
        for layer in &self.weights.layers {
            x = self.layer(layer, x, &attend)?.0;
        }
        Ok(self.head(&x.narrow(0, from - 1, n + 1 - from)?, &tokens[from..], None)?.0)
    }

    /// The same, and `share` times the gradients of that sum: for each layer that learns, from the bottom, and each of its
    /// matrices, the adapter's `a` and `b`.
    pub(super) fn gradients(
        &self,
        x: Vec<f32>,
        tokens: &[u32],
        from: usize,
        share: f64,
    ) -> Made<(f64, Vec<Vec<f32>>)> {
        let n = tokens.len() - 1;
        let attend = self.attend(n);
        let mut x = self.rows(x)?;
        let mut kept = Vec::new();
        for (i, layer) in self.weights.layers.iter().enumerate() {
            let (y, of_layer) = self.layer(layer, x, &attend)?;
            x = y;
            kept.extend((i >= self.frozen).then_some(of_layer));
        }
        let (loss, last) = self.head(&x.narrow(0, from - 1, n + 1 - from)?, &tokens[from..], Some(share))?;
        let mut g = vec![0.0; (from - 1) * self.shape.hidden];
        g.extend(last);
        let mut g = self.rows(g)?;
        let mut gradients = Vec::new();
        for (i, (layer, kept)) in self.weights.layers[self.frozen..].iter().zip(kept).enumerate().rev() {
            let mut of_layer = Default::default();
            // Below the lowest layer that learns nothing asks for it.
            if let Some(below) = self.layer_back(layer, &kept, &g, &attend, i > 0, &mut of_layer)? {
                g = below;
            }
            gradients.push(of_layer);
        }
        Ok((loss, gradients.into_iter().rev().flatten().flatten().collect()))
    }

    fn rows(&self, x: Vec<f32>) -> Made<Tensor> {
        let (n, hidden) = (x.len() / self.shape.hidden, self.shape.hidden);
        Tensor::from_vec(x, (n, hidden), &Device::Cpu)
    }

    /// Attention over the first `n` positions.
    fn attend(&self, n: usize) -> Attend {
        let Shape { kept_heads, size, interleaved, .. } = self.shape;
        Attend { kept_heads, size, interleaved, angles: self.shape.angles(0..n).collect() }
    }

    fn norm<'a>(&self, weight: &'a [f32]) -> Norm<'a> {
        Norm { weight, eps: self.shape.eps }
    }

    /// `x` after `layer`.
    fn layer(&self, layer: &Layer, x: Tensor, attend: &Attend) -> Made<(Tensor, Kept)> {
        let h = self.norm(&layer.norm).forward(&x)?;
        let linear = |i: usize| {
            let y = layer.qkv[i].forward(&h)?;
            match &layer.bias {
                Some(bias) => biased(&y, &bias[i]),
                None => Ok(y),
            }
        };
        let qkv = [linear(0)?, linear(1)?, linear(2)?];
        let mixed = attend.forward(qkv.each_ref())?;
        let middle = sum(&x, &[&layer.output.forward(&mixed)?])?;
        let wide_h = self.norm(&layer.wide_norm).forward(&middle)?;
        let (gate, up) = (layer.gate.forward(&wide_h)?, layer.up.forward(&wide_h)?);
        let wide = gated(&gate, &up)?;
        let y = sum(&middle, &[&layer.down.forward(&wide)?])?;
        Ok((y, Kept { x, h, qkv, mixed, middle, wide_h, gate, up, wide }))
    }

    /// Of `g`, the gradient for what came out of `layer`: those of its adapters, into `to`, and where it is `asked` for the
    /// one for what went in.
    fn layer_back(
        &self,
        layer: &Layer,
        kept: &Kept,
        g: &Tensor,
        attend: &Attend,
        asked: bool,
        to: &mut [[Vec<f32>; 2]; 7],
    ) -> Made<Option<Tensor>> {
        let [to_q, to_k, to_v, to_output, to_gate, to_up, to_down] = to;
        let of_wide = layer.down.backward(&kept.wide, g, to_down)?;
        let [of_gate, of_up] = gated_back(&kept.gate, &kept.up, &of_wide)?;
        let of_gate = layer.gate.backward(&kept.wide_h, &of_gate, to_gate)?;
        let of_wide_h = sum(&of_gate, &[&layer.up.backward(&kept.wide_h, &of_up, to_up)?])?;
        let g = sum(g, &[&self.norm(&layer.wide_norm).backward(&kept.middle, &of_wide_h)?])?;
        let of_mixed = layer.output.backward(&kept.mixed, &g, to_output)?;
        let of_qkv = attend.backward(kept.qkv.each_ref(), &of_mixed)?;
        let mut of_h = Vec::new();
        for ((matrix, g), to) in layer.qkv.iter().zip(&of_qkv).zip([to_q, to_k, to_v]) {
            match asked {
                true => of_h.push(matrix.backward(&kept.h, g, to)?),
                false => drop(matrix.learn(&kept.h, g, to)?),
            }
        }
        let [q, k, v] = of_h.as_slice() else { return Ok(None) };
        let of_h = sum(q, &[k, v])?;
        sum(&g, &[&self.norm(&layer.norm).backward(&kept.x, &of_h)?]).map(Some)
    }

    /// The sum of the negative log likelihoods of `targets`, one for each of the rows `x` that come out of the last layer;
    /// and with a share the gradient of that sum for `x`, times the share. Logits live for some rows at a time alone.
    fn head(&self, x: &Tensor, targets: &[u32], share: Option<f64>) -> Made<(f64, Vec<f32>)> {
        let weight = &self.weights.head.weight;
        let norm = self.norm(&self.weights.norm);
        let width = self.shape.vocabulary;
        let (mut loss, mut gradient) = (0.0, Vec::new());
        for (i, targets) in targets.chunks(HEAD_ROWS).enumerate() {
            let rows = x.narrow(0, i * HEAD_ROWS, targets.len())?;
            let logits = norm.forward(&rows)?.matmul(&weight.t()?)?;
            let mut all = values(&logits)?;
            let told: Vec<f64> = all
                .par_chunks_exact_mut(width)
                .zip(targets)
                .map(|(row, &target)| {
                    let logit = f64::from(row[target as usize]);
                    let total = softmax(row);
                    row[target as usize] -= 1.0;
                    total - logit
                })
                .collect();
            loss += told.iter().sum::<f64>();
            if let Some(share) = share {
                let of_logits = Tensor::from_vec(all, logits.shape(), &Device::Cpu)?;
                gradient.extend(values(&norm.backward(&rows, &(of_logits.matmul(weight)? * share)?)?)?);
            }
        }
        Ok((loss, gradient))
    }
}
