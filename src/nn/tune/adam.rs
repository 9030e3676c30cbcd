//! AdamW (Loshchilov and Hutter, arXiv 1711.05101) in one pass over each parameter, on the CPU whatever the
//! parameters' device.

use candle_core::{Result, Tensor, Var};
use rayon::prelude::*;

const BETA1: f64 = 0.9;
/// Below the usual .999: a fine-tuning takes only hundreds of steps.
const BETA2: f64 = 0.98;
const EPSILON: f64 = 1e-8;

/// One tensor that is learnt.
#[derive(Debug)]
pub(crate) struct Parameter {
    variable: Var,
    /// Learning rate at its height.
    rate: f64,
    /// Running means of the gradient and of its square.
    pub(crate) mean: Vec<f32>,
    pub(crate) square: Vec<f32>,
}

impl Parameter {
    pub(crate) fn new(variable: Var, rate: f64) -> Self {
        let n = variable.elem_count();
        Self { variable, rate, mean: vec![0.0; n], square: vec![0.0; n] }
    }

    pub(crate) fn tensor(&self) -> &Tensor {
        self.variable.as_tensor()
    }

    pub(crate) fn len(&self) -> usize {
        self.mean.len()
    }

    pub(crate) fn values(&self) -> Result<Vec<f32>> {
        self.variable.flatten_all()?.to_vec1()
    }

    pub(crate) fn set(&self, values: Vec<f32>) -> Result<()> {
        self.variable.set(&Tensor::from_vec(values, self.variable.shape(), self.variable.device())?)
    }

    fn step(
        &mut self,
        gradient: &[f32],
        shorten: f32,
        bias: (f64, f64),
        share: f64,
        decay: f64,
    ) -> Result<()> {
        let rate = self.rate * share;
        // Vectors are biases and norms, which are not to shrink.
        let keep = if self.variable.rank() > 1 { 1.0 - rate * decay } else { 1.0 } as f32;
        let (b1, b2) = (BETA1 as f32, BETA2 as f32);
        let (size, root) = ((rate / bias.0) as f32, (1.0 / bias.1) as f32);
        let mut values = self.values()?;
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((w, g), (mean, square)) in values.iter_mut().zip(gradient).zip(moments) {
            let g = g * shorten;
            *mean = b1 * *mean + (1.0 - b1) * g;
            *square = b2 * *square + (1.0 - b2) * g * g;
            *w = *w * keep - size * *mean / ((*square * root).sqrt() + EPSILON as f32);
        }
        self.set(values)
    }
}

/// Takes step number `step`, the first being 1, at `share` of each parameter's rate: gradients that together are longer
/// than `clip` are shortened to it, and matrices decay by `weight_decay`.
pub(crate) fn step(
    parameters: &mut [Parameter],
    gradients: &[Vec<f32>],
    step: u64,
    share: f64,
    clip: f64,
    weight_decay: f64,
) -> Result<()> {
    let squares: Vec<f64> =
        gradients.par_iter().map(|g| g.iter().map(|g| f64::from(g * g)).sum::<f64>()).collect();
    let length = squares.iter().sum::<f64>().sqrt();
    let shorten = (clip / length.max(f64::MIN_POSITIVE)).min(1.0) as f32;
    let bias = (1.0 - BETA1.powf(step as f64), 1.0 - BETA2.powf(step as f64));
    parameters
        .par_iter_mut()
        .zip(gradients)
        .try_for_each(|(p, g)| p.step(g, shorten, bias, share, weight_decay))
}
