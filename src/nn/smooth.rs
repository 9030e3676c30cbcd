//! Smoothing: what moves the difficulty of quantising from activations to weights (SmoothQuant, Xiao et al.,
//! arXiv 2211.10438). The activations' peaks come from the model itself, run over random tokens as far as it
//! is packed: no text is needed. What a layer norm alone tells of its channels does not help: outliers come
//! from what is fed into it.

use firstline_kernels::{
    Activation, Epilogue, Heads, Isa, Packed, PackedLinear, QuantisedRows, Scratch, attention, layer_norm,
    linear, pack, padded, quantise,
};

use crate::config::Config;
use crate::fault;
use crate::random::SplitMix;
use firstline_fault::Result;

/// Random sequences and their length. Four times as many change nothing.
const SEQUENCES: usize = 4;
const LENGTH: usize = 32;

/// A linear layer, smoothed where peaks are known, turned, quantised and packed.
pub(crate) struct Smoothed {
    pub(crate) packed: Packed,
    /// What inputs are multiplied by before they are quantised, padded.
    pub(crate) factors: Option<Vec<f32>>,
    inputs: usize,
}

impl Smoothed {
    /// The layer of `weight` (`outputs x inputs`) and `bias`, whose inputs have these peaks.
    pub(crate) fn new(isa: Isa, mut weight: Vec<f32>, bias: &[f32], peaks: Option<&[f32]>) -> Self {
        let inputs = weight.len() / bias.len();
        let factors = peaks.map(|peaks| {
            let mut factors = factors(&peaks[..inputs], &weight);
            fold_into(&factors, &mut weight);
            factors.resize(padded(inputs), 0.0);
            factors
        });
        Self { packed: pack(isa, &weight, bias, inputs), factors, inputs }
    }

    fn view(&self, outputs: usize) -> Result<PackedLinear<'_>> {
        let Packed { grid, weights, steps, sums, bias } = &self.packed;
        PackedLinear::new(self.inputs, outputs, *grid, weights, [steps, sums, bias])
            .ok_or_else(|| fault::internal(format_args!("a layer of {} x {outputs}", self.inputs)))
    }
}

/// What each input of a layer of `weight` (`outputs x inputs`) is multiplied by before it is quantised: the
/// geometric mean of its largest weight and the reciprocal of its peak.
fn factors(peaks: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut largest = vec![0.0_f32; peaks.len()];
    for row in weight.chunks_exact(peaks.len()) {
        largest.iter_mut().zip(row).for_each(|(most, w)| *most = most.max(w.abs()));
    }
    let factor = |(peak, weight): (&f32, &f32)| {
        let factor = (weight / peak).sqrt();
        if factor.is_finite() && factor > 1e-4 { factor } else { 1.0 }
    };
    peaks.iter().zip(&largest).map(factor).collect()
}

/// Divides the weights (`outputs x inputs`) by what their inputs are multiplied by.
fn fold_into(factors: &[f32], weight: &mut [f32]) {
    for row in weight.chunks_exact_mut(factors.len()) {
        row.iter_mut().zip(factors).for_each(|(w, factor)| *w /= factor);
    }
}

/// Weight and bias of a layer norm.
pub(crate) type Norm<'a> = [&'a [f32]; 2];

/// Random tokens on their way through the model while it is packed.
pub(crate) struct Trial<'a> {
    config: &'a Config,
    length: usize,
    hidden: Vec<f32>,
    products: Products,
}

/// What multiplies.
struct Products {
    isa: Isa,
    quantised: QuantisedRows,
}

impl<'a> Trial<'a> {
    /// Random tokens between the two of `frame`, embedded by the tables `words` and `positions`, whose rows are
    /// as wide as the model.
    pub(crate) fn new(
        isa: Isa,
        config: &'a Config,
        frame: [u32; 2],
        [words, positions]: [&[f32]; 2],
        norm: Norm<'_>,
    ) -> Self {
        let h = config.hidden_size;
        let length = LENGTH.min(config.max_position_embeddings);
        let mut random = SplitMix::new(1);
        let mut hidden = vec![0.0; SEQUENCES * length * padded(h)];
        for (i, row) in hidden.chunks_exact_mut(padded(h)).enumerate() {
            let id = match i % length {
                0 => frame[0] as usize,
                last if last == length - 1 => frame[1] as usize,
                _ => (random.bits() % config.vocab_size as u64) as usize,
            };
            let place = &positions[i % length * h..][..h];
            let word = &words[id * h..][..h];
            row.iter_mut().zip(word.iter().zip(place)).for_each(|(x, (w, p))| *x = w + p);
        }
        let products = Products { isa, quantised: QuantisedRows::default() };
        let mut trial = Self { config, length, hidden, products };
        trial.norm(norm);
        trial
    }

    /// Largest magnitude of each channel.
    pub(crate) fn peaks(&self) -> Vec<f32> {
        let mut peaks = vec![0.0_f32; padded(self.config.hidden_size)];
        for row in self.hidden.chunks_exact(peaks.len()) {
            peaks.iter_mut().zip(row).for_each(|(most, x)| *most = most.max(x.abs()));
        }
        peaks
    }

    /// Attention, residual, norm.
    ///
    /// # Errors
    /// Internal, when the layers are of other shapes than the model.
    pub(crate) fn attend(&mut self, qkv: &Smoothed, output: &Smoothed, norm: Norm<'_>) -> Result<()> {
        let h = self.config.hidden_size;
        let heads = Heads { count: self.config.num_attention_heads, size: self.config.head_size() };
        let wide = self.products.linear(&self.hidden, Activation::Identity, qkv, 3 * h)?;
        let (mut mixed, mut scratch) = (vec![0.0; self.hidden.len()], Scratch::default());
        let sequences = wide.chunks_exact(self.length * padded(3 * h));
        for (qkv, out) in sequences.zip(mixed.chunks_exact_mut(self.length * padded(h))) {
            attention(self.products.isa, qkv, heads, 0..self.length, &mut scratch, out);
        }
        self.add(&mixed, Activation::Identity, output, norm)
    }

    /// Feed-forward layers, residual, norm.
    ///
    /// # Errors
    /// Internal, when the layers are of other shapes than the model.
    pub(crate) fn feed(&mut self, up: &Smoothed, down: &Smoothed, norm: Norm<'_>) -> Result<()> {
        let wide = self.config.intermediate_size;
        let wide = self.products.linear(&self.hidden, Activation::Identity, up, wide)?;
        self.add(&wide, self.config.hidden_act.kernel(), down, norm)
    }

    fn add(&mut self, x: &[f32], before: Activation, layer: &Smoothed, norm: Norm<'_>) -> Result<()> {
        let sum = self.products.linear(x, before, layer, self.config.hidden_size)?;
        self.hidden.iter_mut().zip(sum).for_each(|(x, y)| *x += y);
        self.norm(norm);
        Ok(())
    }

    fn norm(&mut self, [weight, bias]: Norm<'_>) {
        layer_norm(self.products.isa, &mut self.hidden, weight, bias, self.config.layer_norm_eps as f32);
    }
}

impl Products {
    fn linear(
        &mut self,
        x: &[f32],
        before: Activation,
        layer: &Smoothed,
        outputs: usize,
    ) -> Result<Vec<f32>> {
        quantise(self.isa, x, layer.inputs, before, layer.factors.as_deref(), &mut self.quantised);
        let mut out = vec![0.0; self.quantised.len() * padded(outputs)];
        let rows = 0..self.quantised.len();
        linear(self.isa, &self.quantised, rows, layer.view(outputs)?, Epilogue::Store, &mut out);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smoothed_layer_gives_what_it_gave() {
        let plain = vec![1.0, -2.0, 0.5, 0.25, 3.0, 0.0];
        let mut weight = plain.clone();
        let factors = factors(&[4.0, 0.1, 0.0], &plain);
        assert_eq!(factors[0], 0.5);
        assert_eq!(factors[2], 1.0, "no peak, no factor");
        fold_into(&factors, &mut weight);
        for (plain, weight) in plain.chunks_exact(3).zip(weight.chunks_exact(3)) {
            let x = [0.7_f32, -1.5, 2.0];
            let want: f32 = plain.iter().zip(x).map(|(w, x)| w * x).sum();
            let got: f32 = weight.iter().zip(x).zip(&factors).map(|((w, x), f)| w * x * f).sum();
            assert!((got - want).abs() < 1e-5, "{got}, not {want}");
        }
    }
}
