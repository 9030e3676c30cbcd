//! Layer norm and GELU in one pass each on the CPU, where candle's own take several passes or call a scalar
//! `erf`; on other devices candle's are used. Inference only: neither carries a gradient.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};

use crate::config::Activation;

/// `activation(x + bias)` over the last dimension; `x` contiguous float32, `bias` of its last length.
///
/// # Errors
/// On shapes or layouts other than these.
pub(crate) fn biased_activation(x: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Gelu if on_cpu(x) => x.apply_op2_no_bwd(bias, &BiasedGelu),
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
        return x.apply_op3_no_bwd(weight, bias, &LayerNorm { eps });
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

struct BiasedGelu;

impl CustomOp2 for BiasedGelu {
    fn name(&self) -> &'static str {
        "biased-gelu"
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
            out.extend(row.iter().zip(bias).map(|(x, b)| gelu(x + b)));
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
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
            // Two passes: the shorter E[x^2] - E[x]^2 loses its digits where the mean is large.
            let mean = sum(row, |x| x) / n as f32;
            let variance = sum(row, |x| (x - mean) * (x - mean)) / n as f32;
            let scale = ((f64::from(variance) + self.eps).sqrt().recip()) as f32;
            out.extend(row.iter().zip(weight.iter().zip(bias)).map(|(x, (w, b))| (x - mean) * scale * w + b));
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
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
