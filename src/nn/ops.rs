//! Layer norm, softmax and bias with activation in one pass each on the CPU, where candle's own take several
//! passes, call a scalar `erf` or carry no gradient; on other devices candle's are used. Each carries its gradient.

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, D, DType, Device, Layout, Result, Shape, Storage, Tensor,
    bail,
};

use crate::config::Activation;

/// `x + bias` over the last dimension; `x` contiguous float32 on the CPU, `bias` of its last length.
///
/// # Errors
/// On shapes or layouts other than these.
pub(crate) fn biased(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    match on_cpu(x) {
        true => x.apply_op2(bias, Biased { gelu: false }),
        false => x.broadcast_add(bias),
    }
}

/// `activation(x + bias)`, as [`biased`].
///
/// # Errors
/// On shapes or layouts other than these.
pub(crate) fn biased_activation(x: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Gelu if on_cpu(x) => x.apply_op2(bias, Biased { gelu: true }),
        Activation::Gelu => x.broadcast_add(bias)?.gelu_erf(),
        Activation::GeluNew => x.broadcast_add(bias)?.gelu(),
        Activation::Relu => x.broadcast_add(bias)?.relu(),
    }
}

/// Layer norm over the last dimension; `x` contiguous float32, `weight` and `bias` of its last length.
///
/// # Errors
/// On shapes or layouts other than these.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    if on_cpu(x) {
        return x.apply_op3(weight, bias, LayerNorm { eps });
    }
    // Half precision is too coarse for a variance.
    let dtype = x.dtype();
    let [x, weight, bias] = [x, weight, bias].map(|t| t.to_dtype(DType::F32));
    let (x, weight, bias) = (x?, weight?, bias?);
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normed = centred.broadcast_div(&(variance + eps)?.sqrt()?)?;
    normed.broadcast_mul(&weight)?.broadcast_add(&bias)?.to_dtype(dtype)
}

/// Softmax of attention scores `(n, heads, t, t)` over the last dimension, of which sequence `i` has the first
/// `lengths[i]` places; the others get exactly 0. Contiguous float32 on the CPU.
///
/// # Errors
/// On shapes or layouts other than these.
pub(crate) fn attention_weights(scores: &Tensor, lengths: &Arc<[usize]>) -> Result<Tensor> {
    if on_cpu(scores) {
        return scores.apply_op1(Softmax { lengths: lengths.clone() });
    }
    let (n, _, _, t) = scores.dims4()?;
    let hidden = |&length: &usize| (0..t).map(move |i| if i < length { 0.0_f32 } else { -1e30 });
    let mask = Tensor::from_vec(lengths.iter().flat_map(hidden).collect(), (n, 1, 1, t), scores.device())?;
    let scores = scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?;
    match scores.track_op() {
        true => candle_nn::ops::softmax(&scores, D::Minus1),
        false => candle_nn::ops::softmax_last_dim(&scores),
    }
}

/// Whether the passes of this module apply: they are for float32 on the CPU.
fn on_cpu(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// The contiguous float32 values behind a storage and its layout.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("input has to be contiguous"),
    }
}

fn row_length(layout: &Layout, parameters: &[&[f32]]) -> Result<usize> {
    let n = layout.dims().last().copied().unwrap_or(0);
    if n == 0 || parameters.iter().any(|p| p.len() != n) {
        bail!("rows of {n} values do not fit their parameters");
    }
    Ok(n)
}

/// What `read` makes of the values of contiguous float32 tensors on the CPU.
fn with_values<const N: usize, R>(
    tensors: [&Tensor; N],
    read: impl FnOnce([&[f32]; N]) -> Result<R>,
) -> Result<R> {
    let tensors = tensors.map(Tensor::contiguous);
    let mut held = Vec::with_capacity(N);
    for tensor in &tensors {
        match tensor {
            Ok(tensor) => held.push(tensor.storage_and_layout()),
            Err(e) => bail!("{e}"),
        }
    }
    let mut slices = [&[][..]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&held) {
        match &**storage {
            Storage::Cpu(storage) => *slice = values(storage, layout)?,
            _ => bail!("values have to be on the CPU"),
        }
    }
    read(slices)
}

struct Biased {
    gelu: bool,
}

impl CustomOp2 for Biased {
    fn name(&self) -> &'static str {
        "biased"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, bias) = (values(x, lx)?, values(b, lb)?);
        let n = row_length(lx, &[bias])?;
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(n) {
            let sums = row.iter().zip(bias).map(|(x, b)| x + b);
            match self.gelu {
                true => out.extend(sums.map(gelu)),
                false => out.extend(sums),
            }
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        bias: &Tensor,
        _out: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let n = bias.elem_count();
        let (dx, db) = with_values([x, bias, grad], |[x, bias, grad]| {
            let mut db = vec![0.0; n];
            let mut dx = Vec::new();
            if self.gelu {
                dx.reserve_exact(x.len());
                for (x, grad) in x.chunks_exact(n).zip(grad.chunks_exact(n)) {
                    dx.extend(x.iter().zip(bias).zip(grad).map(|((x, b), g)| g * gelu_slope(x + b)));
                }
            }
            let by_row = if self.gelu { &dx } else { grad };
            by_row.chunks_exact(n).for_each(|row| db.iter_mut().zip(row).for_each(|(sum, g)| *sum += g));
            Ok((dx, db))
        })?;
        let dx = match self.gelu {
            true => Tensor::from_vec(dx, x.shape(), &Device::Cpu)?,
            false => grad.clone(),
        };
        Ok((Some(dx), Some(Tensor::from_vec(db, n, &Device::Cpu)?)))
    }
}

/// `d/dx (x * Phi(x)) = Phi(x) + x * phi(x)`.
fn gelu_slope(x: f32) -> f32 {
    const SCALE: f32 = 0.398_942_3; // 1 / sqrt(2 pi)
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)) + x * SCALE * (-0.5 * x * x).exp()
}

struct Softmax {
    lengths: Arc<[usize]>,
}

impl Softmax {
    /// The rows of a tensor of `dims` with the length that each has.
    fn lengths(&self, dims: &[usize]) -> Result<impl Iterator<Item = usize>> {
        match *dims {
            [n, heads, rows, t]
                if n == self.lengths.len() && self.lengths.iter().all(|l| (1..=t).contains(l)) =>
            {
                Ok(self.lengths.iter().flat_map(move |&length| std::iter::repeat_n(length, heads * rows)))
            }
            _ => bail!("scores of shape {dims:?} do not fit {} lengths", self.lengths.len()),
        }
    }
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "attention-weights"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(x, lx)?;
        let t = row_length(lx, &[])?;
        let mut out = vec![0.0; x.len()];
        for ((row, out), length) in
            x.chunks_exact(t).zip(out.chunks_exact_mut(t)).zip(self.lengths(lx.dims())?)
        {
            let max = row[..length].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (out, x) in out.iter_mut().zip(&row[..length]) {
                *out = (x - max).exp();
                sum += *out;
            }
            out.iter_mut().for_each(|p| *p /= sum);
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, p: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let t = p.dim(D::Minus1)?;
        let dx = with_values([p, grad], |[p, grad]| {
            let mut dx = Vec::with_capacity(p.len());
            for (p, grad) in p.chunks_exact(t).zip(grad.chunks_exact(t)) {
                let mean: f32 = p.iter().zip(grad).map(|(p, g)| p * g).sum();
                dx.extend(p.iter().zip(grad).map(|(p, g)| p * (g - mean)));
            }
            Ok(dx)
        })?;
        Ok(Some(Tensor::from_vec(dx, p.shape(), &Device::Cpu)?))
    }
}

/// `x * Phi(x)`, the Gaussian's distribution function by [`erf`].
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function, within 4e-7: a rational minimax approximation without branches, so that the compiler
/// can vectorise it. Coefficients as in Eigen's `generic_fast_erf_float`.
fn erf(x: f32) -> f32 {
    const P: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const Q: [f32; 5] = [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    // Beyond 4 the function is 1 in float32.
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let horner = |c: &[f32]| c.iter().fold(0.0, |sum, c| sum * square + c);
    x * horner(&P) / horner(&Q)
}

struct LayerNorm {
    eps: f64,
}

impl LayerNorm {
    /// The mean of a row, and one over its standard deviation.
    fn standard(&self, row: &[f32]) -> (f32, f32) {
        let n = row.len() as f32;
        // Two passes: the shorter E[x^2] - E[x]^2 loses its digits where the mean is large.
        let mean = sum(row, |x| x) / n;
        let variance = sum(row, |x| (x - mean) * (x - mean)) / n;
        (mean, ((f64::from(variance) + self.eps).sqrt().recip()) as f32)
    }
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight, bias) = (values(x, lx)?, values(w, lw)?, values(b, lb)?);
        let n = row_length(lx, &[weight, bias])?;
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(n) {
            let (mean, scale) = self.standard(row);
            out.extend(row.iter().zip(weight.iter().zip(bias)).map(|(x, (w, b))| (x - mean) * scale * w + b));
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    /// With `y = (x - mean) * scale` and `h = grad * w`: `dx = scale * (h - mean(h) - y * mean(h * y))`.
    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _out: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let n = weight.elem_count();
        let (dx, dw, db) = with_values([x, weight, grad], |[x, weight, grad]| {
            let (mut dx, mut dw, mut db) = (Vec::with_capacity(x.len()), vec![0.0; n], vec![0.0; n]);
            let (mut y, mut h) = (vec![0.0; n], vec![0.0; n]);
            for (row, grad) in x.chunks_exact(n).zip(grad.chunks_exact(n)) {
                let (mean, scale) = self.standard(row);
                for i in 0..n {
                    y[i] = (row[i] - mean) * scale;
                    h[i] = grad[i] * weight[i];
                    dw[i] += grad[i] * y[i];
                    db[i] += grad[i];
                }
                let mean_h = sum(&h, |h| h) / n as f32;
                let mean_hy = h.iter().zip(&y).map(|(h, y)| h * y).sum::<f32>() / n as f32;
                dx.extend(h.iter().zip(&y).map(|(h, y)| scale * (h - mean_h - y * mean_hy)));
            }
            Ok((dx, dw, db))
        })?;
        let vector = |values: Vec<f32>| Tensor::from_vec(values, n, &Device::Cpu);
        Ok((Some(Tensor::from_vec(dx, x.shape(), &Device::Cpu)?), Some(vector(dw)?), Some(vector(db)?)))
    }
}

/// Sum of `of(x)` in eight lanes, which is both faster and more exact than one running sum.
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (whole, rest) = row.as_chunks::<8>();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += of(x));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += of(x));
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// erf by its power series, exact in float64 for the arguments used here.
    fn erf_series(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            total += term / f64::from(2 * n + 1);
        }
        total * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn erf_is_within_4e7_of_the_series() {
        for i in -500..=500 {
            let x = f64::from(i) / 100.0;
            let got = f64::from(erf(x as f32));
            let want = if x.abs() > 4.5 { x.signum() } else { erf_series(x) };
            assert!((got - want).abs() < 4e-7, "erf({x}) = {got}, not {want}");
        }
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn both_agree_with_candles_own() {
        let x = Tensor::randn(0.5_f32, 2.0, (5, 3, 12), &Device::Cpu).unwrap();
        let w = Tensor::randn(0.0_f32, 1.0, 12, &Device::Cpu).unwrap();
        let b = Tensor::randn(0.0_f32, 1.0, 12, &Device::Cpu).unwrap();
        let worst = |a: Tensor, b: Tensor| {
            (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap()
        };
        let want = x.broadcast_add(&b).unwrap().gelu_erf().unwrap();
        assert!(worst(biased_activation(&x, &b, Activation::Gelu).unwrap(), want) < 2e-6);
        let want = candle_nn::ops::layer_norm_slow(&x, &w, &b, 1e-12).unwrap();
        assert!(worst(layer_norm(&x, &w, &b, 1e-12).unwrap(), want) < 1e-5);
    }

    /// The gradient of `sum(f(x) * t)` for a fixed random `t`, against central differences in float64 steps.
    fn check_gradient(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) {
        let var = candle_core::Var::from_tensor(x).unwrap();
        let out = f(&var);
        let t = Tensor::randn(0.0_f32, 1.0, out.shape(), &Device::Cpu).unwrap();
        let loss = |out: Tensor| (out * &t).unwrap().sum_all().unwrap();
        let grads = loss(out).backward().unwrap();
        let got = grads.get(&var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let base = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        const STEP: f32 = 1e-2;
        for i in 0..base.len() {
            let at = |step: f32| {
                let mut moved = base.clone();
                moved[i] += step;
                let out = f(&Tensor::from_vec(moved, x.shape(), &Device::Cpu).unwrap());
                f64::from(loss(out).to_scalar::<f32>().unwrap())
            };
            let want = (at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP));
            assert!(
                (f64::from(got[i]) - want).abs() < 2e-3 * (1.0 + want.abs()),
                "{i}: {} not {want}",
                got[i]
            );
        }
    }

    #[test]
    fn gradients_are_what_small_steps_show() {
        let normal = |shape: &[usize]| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let (x, w, b) = (normal(&[2, 3, 8]), normal(&[8]), normal(&[8]));
        check_gradient(&x, |x| layer_norm(x, &w, &b, 1e-12).unwrap());
        check_gradient(&w, |w| layer_norm(&x, w, &b, 1e-12).unwrap());
        check_gradient(&b, |b| layer_norm(&x, &w, b, 1e-12).unwrap());
        for gelu in [false, true] {
            let f = |x: &Tensor, b: &Tensor| match gelu {
                true => biased_activation(x, b, Activation::Gelu).unwrap(),
                false => biased(x, b).unwrap(),
            };
            check_gradient(&x, |x| f(x, &b));
            check_gradient(&b, |b| f(&x, b));
        }
        let lengths = Arc::from([3, 2]);
        check_gradient(&normal(&[2, 2, 3, 3]), |x| attention_weights(x, &lengths).unwrap());
    }

    #[test]
    fn weights_of_padding_are_zero_and_the_rest_sums_to_one() {
        let scores = Tensor::randn(0.0_f32, 3.0, (2, 2, 4, 4), &Device::Cpu).unwrap();
        let p = attention_weights(&scores, &Arc::from([4, 2])).unwrap();
        let p = p.reshape((16, 4)).unwrap().to_vec2::<f32>().unwrap();
        for (i, row) in p.iter().enumerate() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(i < 8 || row[2..] == [0.0, 0.0]);
        }
        assert!(attention_weights(&scores, &Arc::from([4])).is_err());
        assert!(attention_weights(&scores, &Arc::from([4, 5])).is_err());
    }

    #[test]
    fn a_constant_row_does_not_become_nan() {
        let x = Tensor::full(1e4_f32, (1, 384), &Device::Cpu).unwrap();
        let one = Tensor::ones(384, candle_core::DType::F32, &Device::Cpu).unwrap();
        let out = layer_norm(&x, &one, &one, 1e-12).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(out.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn parameters_of_another_length_are_refused() {
        let x = Tensor::ones((2, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
        let b = Tensor::ones(3, candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(biased_activation(&x, &b, Activation::Gelu).is_err());
        assert!(layer_norm(&x, &b, &b, 1e-5).is_err());
    }
}
