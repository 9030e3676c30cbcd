//! A decoder's forward on candle's tensors, for a GPU. Weights stay quantised as the file has them (floats become
//! float32), all else is float32; candle's quantised products round activations to 8 bits.
//!
//! It must never parse a file: what it takes are the ranges that `gguf.rs` has checked. Nor must it serve a CPU: that is the
//! kernels' work, which candle's quantised products are too slow for. It was tested on the CPU only.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

use super::Sequence;
use super::parts::{Layer, MatrixIn, Weights};
use super::shape::Shape;
use crate::fault;
use crate::gguf::Kind;
use firstline_fault::{Code, Error, Result};

/// Tokens of a sequence that go through the model together at most.
pub(super) const ROWS: usize = 512;
/// Tokens that a sequence has room for at first; the room doubles whenever it is full.
const FIRST_ROOM: usize = 256;

type Made<T> = candle_core::Result<T>;

/// The model on a device.
#[derive(Debug)]
pub(super) struct Tensors {
    device: Device,
    shape: Shape,
    weights: Weights<QMatMul, Tensor>,
}

/// What is kept of a sequence. Clones share it until one of them reads on.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// For each layer keys and values, `kept_heads x room x size`, of which only the tokens that were read count.
    layers: Arc<Vec<[Tensor; 2]>>,
    room: usize,
}

/// Where the rows of a forward stand in their sequence.
struct Rows {
    /// Tokens before the first row.
    from: usize,
    /// Cosines and sines, `rows x size / 2`.
    angles: [Tensor; 2],
    /// `rows x (from + rows)`: 0 where a row may look, negative infinity where it may not. A single row sees all.
    mask: Option<Tensor>,
}

impl Tensors {
    /// Copies `weights`, which lie in `file`, to `device`.
    ///
    /// # Errors
    /// `E_MODEL` when the device does not take them.
    pub(super) fn load(
        file: &[u8],
        weights: Weights<MatrixIn, Vec<f32>>,
        shape: &Shape,
        device: Device,
    ) -> Result<Self> {
        let matrix = |at: MatrixIn| {
            let bytes = Cow::Borrowed(&file[at.tensor.bytes]);
            let made = QStorage::from_data(bytes, &device, form(at.tensor.kind))
                .and_then(|storage| QTensor::new(storage, at.tensor.shape))
                .and_then(QMatMul::from_qtensor);
            made.map_err(fault)
        };
        let vector = |values: Vec<f32>| Tensor::new(values, &device).map_err(fault);
        let weights = weights.map(matrix, vector)?;
        Ok(Self { device, shape: shape.clone(), weights })
    }

    /// Reads the tokens after those of `sequence`: `x` holds their embeddings, `rows x hidden`. Returns what the layers make
    /// of them, `rows x hidden`, and keeps their keys and values; the sequence's tokens are the caller's to add.
    ///
    /// # Errors
    /// `E_MODEL` when the device fails, most likely for want of memory.
    pub(super) fn forward(&self, x: Vec<f32>, sequence: &mut Sequence) -> Result<Tensor> {
        self.layers(x, sequence).map_err(fault)
    }

    /// The logits that follow the last row of `x`, which is what [`Self::forward`] returned.
    ///
    /// # Errors
    /// `E_MODEL` when the device fails.
    pub(super) fn logits(&self, x: &Tensor) -> Result<Vec<f32>> {
        let logits = || {
            let last = x.narrow(0, x.dim(0)? - 1, 1)?;
            let last = rms_norm(&last, &self.weights.norm, self.shape.eps)?;
            self.weights.head.forward(&last)?.flatten_all()?.to_vec1()
        };
        logits().map_err(fault)
    }

    /// The layers' keys and values with room for `tokens` of at most `limit`, and for nobody else to write to.
    fn room<'a>(&self, kept: &'a mut Kept, tokens: usize, limit: usize) -> Made<&'a [[Tensor; 2]]> {
        if tokens > kept.room || Arc::get_mut(&mut kept.layers).is_none() {
            let Shape { kept_heads, size, .. } = self.shape;
            let more = if tokens > kept.room { tokens.max(2 * kept.room).max(FIRST_ROOM) } else { kept.room };
            let room = more.min(limit);
            let copy = |old: Option<&Tensor>| {
                let new = Tensor::zeros((kept_heads, room, size), DType::F32, &self.device)?;
                if let Some(old) = old {
                    new.slice_set(old, 1, 0)?;
                }
                Made::Ok(new)
            };
            let mut layers = Vec::with_capacity(self.shape.layers);
            for i in 0..self.shape.layers {
                let old = kept.layers.get(i);
                layers.push([copy(old.map(|[k, _]| k))?, copy(old.map(|[_, v]| v))?]);
            }
            *kept = Kept { layers: Arc::new(layers), room };
        }
        Ok(&kept.layers)
    }

    /// See [`Self::forward`].
    fn layers(&self, x: Vec<f32>, sequence: &mut Sequence) -> Made<Tensor> {
        let Shape { hidden, eps, .. } = self.shape;
        let (from, n) = (sequence.tokens.len(), x.len() / hidden);
        let kept = self.room(&mut sequence.kept_tensors, from + n, sequence.limit)?;
        let rows = self.rows(from, n)?;
        let mut x = Tensor::from_vec(x, (n, hidden), &self.device)?;
        for (layer, kept) in self.weights.layers.iter().zip(kept) {
            let h = rms_norm(&x, &layer.norm, eps)?;
            x = (x + layer.output.forward(&self.attend(layer, &h, &rows, kept)?)?)?;
            let h = rms_norm(&x, &layer.wide_norm, eps)?;
            let gated = (silu(&layer.gate.forward(&h)?)? * layer.up.forward(&h)?)?;
            x = (x + layer.down.forward(&gated)?)?;
        }
        Ok(x)
    }

    /// Angles and mask of `n` rows after `from` tokens.
    fn rows(&self, from: usize, n: usize) -> Made<Rows> {
        let (cos, sin): (Vec<f32>, Vec<f32>) =
            self.shape.angles(from..from + n).map(<(f32, f32)>::from).unzip();
        let angles = |values| Tensor::from_vec(values, (n, self.shape.size / 2), &self.device);
        let mask = || {
            let seen = |row, key| if key <= from + row { 0.0 } else { f32::NEG_INFINITY };
            let mask = (0..n).flat_map(|row| (0..from + n).map(move |key| seen(row, key))).collect();
            Tensor::from_vec(mask, (n, from + n), &self.device)
        };
        Ok(Rows { from, angles: [angles(cos)?, angles(sin)?], mask: (n > 1).then(mask).transpose()? })
    }

    /// Attention of a layer over `h`, `rows x hidden`, and what was kept: `rows x (heads * size)`.
    fn attend(
        &self,
        layer: &Layer<QMatMul, Tensor>,
        h: &Tensor,
        rows: &Rows,
        [keys, values]: &[Tensor; 2],
    ) -> Made<Tensor> {
        let Shape { heads, kept_heads, size, interleaved, .. } = self.shape;
        let n = h.dim(0)?;
        let split = |i: usize, heads: usize| {
            let mut x = layer.qkv[i].forward(h)?;
            if let Some(bias) = &layer.bias {
                x = x.broadcast_add(&bias[i])?;
            }
            x.reshape((1, n, heads, size))?.transpose(1, 2)?.contiguous()
        };
        let turned = |x: &Tensor| {
            let [cos, sin] = &rows.angles;
            if interleaved { rope_i(x, cos, sin) } else { rope(x, cos, sin) }
        };
        keys.slice_set(&turned(&split(1, kept_heads)?)?.squeeze(0)?, 1, rows.from)?;
        values.slice_set(&split(2, kept_heads)?.squeeze(0)?, 1, rows.from)?;
        let seen = rows.from + n;
        let [keys, values] = [keys, values].map(|kept| kept.narrow(1, 0, seen));
        // Query heads that share a head of keys lie one after the other, and so do their rows.
        let together = |width| (kept_heads, heads / kept_heads * n, width);
        let q = (turned(&split(0, heads)?)? / (size as f64).sqrt())?.reshape(together(size))?;
        let mut scores = q.matmul(&keys?.t()?)?;
        if let Some(mask) = &rows.mask {
            scores = scores.reshape((heads, n, seen))?.broadcast_add(mask)?.reshape(together(seen))?;
        }
        let mixed = softmax_last_dim(&scores)?.matmul(&values?)?;
        mixed.reshape((heads, n, size))?.transpose(0, 1)?.reshape((n, heads * size))
    }
}

/// The same kind by candle's name.
fn form(kind: Kind) -> GgmlDType {
    match kind {
        Kind::F32 => GgmlDType::F32,
        Kind::F16 => GgmlDType::F16,
        Kind::BF16 => GgmlDType::BF16,
        Kind::Q4_0 => GgmlDType::Q4_0,
        Kind::Q4_1 => GgmlDType::Q4_1,
        Kind::Q5_0 => GgmlDType::Q5_0,
        Kind::Q5_1 => GgmlDType::Q5_1,
        Kind::Q8_0 => GgmlDType::Q8_0,
        Kind::Q4_K => GgmlDType::Q4K,
        Kind::Q5_K => GgmlDType::Q5K,
        Kind::Q6_K => GgmlDType::Q6K,
    }
}

/// What a device complains of, as a rule that its memory is full, the user can mend; the rest is our fault.
pub(super) fn fault(error: candle_core::Error) -> Error {
    use candle_core::Error as E;
    match error {
        E::WithBacktrace { inner, .. } => fault(*inner),
        E::Cuda(_) | E::Metal(_) => {
            let next = "Use a smaller model or fewer tokens, or a build without the GPU";
            fault::user(Code::Model, "GPU", error, next)
        }
        _ => fault::tensor(error),
    }
}
