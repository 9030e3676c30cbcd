//! A BERT encoder on candle: embeddings, then layers of self-attention and feed-forward, each followed by a
//! residual sum and a layer norm (Devlin et al., arXiv 1810.04805). In float32 it is the reference for any faster
//! path and never approximates beyond rounding, and the network that is fine-tuned; in float16 and bfloat16 it is
//! the path of accelerators.

use std::sync::Arc;

use candle_core::{D, DType, Device, Result as TensorResult, Tensor, Var};

use firstline_fault::Result;

use crate::Pooling;
use crate::config::{Activation, Config};
use crate::fault;
use crate::ops::{attention_weights, biased, biased_activation, layer_norm};
use crate::weights::Weights;

/// A loaded BERT encoder.
#[derive(Debug)]
pub(crate) struct Bert {
    words: Tensor,
    /// Position embeddings plus the embedding of token type 0, `(max_positions, hidden)`.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    pooling: Pooling,
    device: Device,
}

#[derive(Debug)]
struct Layer {
    attention: Attention,
    attention_norm: Norm,
    up: Linear,
    activation: Activation,
    down: Linear,
    output_norm: Norm,
}

#[derive(Debug)]
struct Attention {
    /// Queries, keys and values in one product, `3 * hidden` wide.
    qkv: Linear,
    output: Linear,
    heads: usize,
    head_size: usize,
}

#[derive(Debug)]
struct Linear {
    /// `(in, out)`, contiguous: transposed once at load, since products read it so about a tenth faster.
    weight: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl Bert {
    /// Loads all tensors, each checked against the shape that `config` asks for.
    ///
    /// # Errors
    /// `E_MODEL` naming the first tensor that is missing or of another shape.
    pub(crate) fn load(
        weights: &Weights,
        config: &Config,
        pooling: Pooling,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let weights = &weights.with_dtype(dtype);
        let h = config.hidden_size;
        let table =
            |name: &str, rows| weights.get(&format!("embeddings.{name}_embeddings.weight"), &[rows, h]);
        let types = table("token_type", config.type_vocab_size)?;
        let positions = table("position", config.max_position_embeddings)?;
        let typed = types.narrow(0, 0, 1).and_then(|first| positions.broadcast_add(&first));
        Ok(Self {
            words: table("word", config.vocab_size)?,
            positions: typed.map_err(fault::tensor)?,
            norm: Norm::load(weights, "embeddings.LayerNorm", config)?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::load(weights, i, config))
                .collect::<Result<_>>()?,
            pooling,
            device: device.clone(),
        })
    }

    /// Embeds a batch of token sequences, none empty, all within vocabulary and positions: `n x hidden`,
    /// row-major, not normalised.
    ///
    /// # Errors
    /// When the device fails.
    pub(crate) fn forward(&self, batch: &[&[u32]]) -> TensorResult<Vec<f32>> {
        self.pooled(batch)?.flatten_all()?.to_vec1()
    }

    /// As [`Bert::forward`], as a float32 tensor `(n, hidden)` through which gradients flow.
    ///
    /// # Errors
    /// When the device fails.
    pub(crate) fn pooled(&self, batch: &[&[u32]]) -> TensorResult<Tensor> {
        let lengths: Arc<[usize]> = batch.iter().map(|ids| ids.len()).collect();
        let (n, longest) = (batch.len(), lengths.iter().copied().max().unwrap_or(0));
        let padded = |ids: &&[u32]| {
            let mut row = ids.to_vec();
            row.resize(longest, 0);
            row
        };
        let ids = Tensor::from_vec(batch.iter().flat_map(padded).collect(), n * longest, &self.device)?;
        let words = self.words.index_select(&ids, 0)?.reshape((n, longest, ()))?;
        let embedded = words.broadcast_add(&self.positions.narrow(0, 0, longest)?)?;
        let mut hidden = self.norm.forward(&embedded)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, &lengths)?;
        }
        let pooled = self.pool_weights(batch, longest)?.matmul(&hidden.to_dtype(DType::F32)?)?;
        pooled.squeeze(1)
    }

    /// Number of layers.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Makes the parameters of all layers from `first` on variables and hands them out with their layer's
    /// index, in the order of [`Bert::parameters`]. The layers below and the embeddings stay as they are.
    ///
    /// # Errors
    /// When the device fails.
    pub(crate) fn make_trainable(&mut self, first: usize) -> TensorResult<Vec<(usize, Var)>> {
        let mut variables = Vec::new();
        for (index, layer) in self.layers.iter_mut().enumerate().skip(first) {
            for tensor in layer.tensors_mut() {
                let variable = Var::from_tensor(tensor)?;
                *tensor = variable.as_tensor().clone();
                variables.push((index, variable));
            }
        }
        Ok(variables)
    }

    /// The parameters of all layers under their names in a file, in the shapes they have there.
    ///
    /// # Errors
    /// When the device fails.
    pub(crate) fn parameters(&self) -> TensorResult<Vec<(String, Tensor)>> {
        let mut named = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            let mut put =
                |name: &str, tensor: Tensor| named.push((format!("encoder.layer.{i}.{name}"), tensor));
            let qkv = &layer.attention.qkv;
            let h = layer.attention.heads * layer.attention.head_size;
            for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
                let weight = qkv.weight.narrow(1, part * h, h)?.t()?.contiguous()?;
                put(&format!("attention.self.{name}.weight"), weight);
                put(&format!("attention.self.{name}.bias"), qkv.bias.narrow(0, part * h, h)?);
            }
            let linears = [
                ("attention.output", &layer.attention.output),
                ("intermediate", &layer.up),
                ("output", &layer.down),
            ];
            for (name, linear) in linears {
                put(&format!("{name}.dense.weight"), linear.weight.t()?.contiguous()?);
                put(&format!("{name}.dense.bias"), linear.bias.clone());
            }
            for (name, norm) in [("attention.output", &layer.attention_norm), ("output", &layer.output_norm)]
            {
                put(&format!("{name}.LayerNorm.weight"), norm.weight.clone());
                put(&format!("{name}.LayerNorm.bias"), norm.bias.clone());
            }
        }
        Ok(named)
    }

    /// Weight of each token in the pooled vector, `(n, 1, longest)`.
    fn pool_weights(&self, batch: &[&[u32]], longest: usize) -> TensorResult<Tensor> {
        let weight = |ids: &[u32], i| match self.pooling {
            Pooling::Mean if i < ids.len() => 1.0 / ids.len() as f32,
            Pooling::Cls if i == 0 => 1.0,
            _ => 0.0,
        };
        let values: Vec<f32> =
            batch.iter().flat_map(|ids| (0..longest).map(move |i| weight(ids, i))).collect();
        Tensor::from_vec(values, (batch.len(), 1, longest), &self.device)
    }
}

impl Layer {
    fn load(weights: &Weights, index: usize, config: &Config) -> Result<Self> {
        let (h, wide) = (config.hidden_size, config.intermediate_size);
        let at = |name: &str| format!("encoder.layer.{index}.{name}");
        let part = |name: &str| Linear::load(weights, &at(&format!("attention.self.{name}")), h, h);
        let attention = Attention {
            qkv: Linear::stack(&[part("query")?, part("key")?, part("value")?]).map_err(fault::tensor)?,
            output: Linear::load(weights, &at("attention.output.dense"), h, h)?,
            heads: config.num_attention_heads,
            head_size: config.head_size(),
        };
        Ok(Self {
            attention,
            attention_norm: Norm::load(weights, &at("attention.output.LayerNorm"), config)?,
            up: Linear::load(weights, &at("intermediate.dense"), wide, h)?,
            activation: config.hidden_act,
            down: Linear::load(weights, &at("output.dense"), h, wide)?,
            output_norm: Norm::load(weights, &at("output.LayerNorm"), config)?,
        })
    }

    fn tensors_mut(&mut self) -> [&mut Tensor; 12] {
        let Self { attention: Attention { qkv, output, .. }, attention_norm, up, down, output_norm, .. } =
            self;
        [
            &mut qkv.weight,
            &mut qkv.bias,
            &mut output.weight,
            &mut output.bias,
            &mut attention_norm.weight,
            &mut attention_norm.bias,
            &mut up.weight,
            &mut up.bias,
            &mut down.weight,
            &mut down.bias,
            &mut output_norm.weight,
            &mut output_norm.bias,
        ]
    }

    /// `(n, t, hidden)` to the same; sequence `i` of the batch has `lengths[i]` tokens.
    fn forward(&self, x: &Tensor, lengths: &Arc<[usize]>) -> TensorResult<Tensor> {
        let x = self.attention_norm.forward(&(self.attention.forward(x, lengths)? + x)?)?;
        let wide = biased_activation(&self.up.product(&x)?, &self.up.bias, self.activation)?;
        self.output_norm.forward(&(self.down.forward(&wide)? + x)?)
    }
}

impl Attention {
    fn forward(&self, x: &Tensor, lengths: &Arc<[usize]>) -> TensorResult<Tensor> {
        let (n, t, h) = x.dims3()?;
        let qkv = self.qkv.forward(x)?.reshape((n, t, 3, self.heads, self.head_size))?;
        // (3, n, heads, t, head_size)
        let qkv = qkv.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (q, k, v) = (qkv.get(0)?, qkv.get(1)?, qkv.get(2)?);
        let scale = 1.0 / (self.head_size as f64).sqrt();
        let scores = (q * scale)?.matmul(&k.transpose(D::Minus2, D::Minus1)?)?;
        let mixed = attention_weights(&scores, lengths)?.matmul(&v)?;
        self.output.forward(&mixed.transpose(1, 2)?.reshape((n, t, h))?)
    }
}

impl Linear {
    fn load(weights: &Weights, name: &str, out: usize, input: usize) -> Result<Self> {
        let weight = weights.get(&format!("{name}.weight"), &[out, input])?;
        Ok(Self {
            weight: weight.t().and_then(|w| w.contiguous()).map_err(fault::tensor)?,
            bias: weights.get(&format!("{name}.bias"), &[out])?,
        })
    }

    /// One layer that computes what `parts` compute, one after the other.
    fn stack(parts: &[Linear]) -> TensorResult<Self> {
        let weights: Vec<_> = parts.iter().map(|p| &p.weight).collect();
        let biases: Vec<_> = parts.iter().map(|p| &p.bias).collect();
        Ok(Self { weight: Tensor::cat(&weights, 1)?.contiguous()?, bias: Tensor::cat(&biases, 0)? })
    }

    /// The product without the bias: `(n, t, in)` to `(n, t, out)`.
    fn product(&self, x: &Tensor) -> TensorResult<Tensor> {
        let (n, t, input) = x.dims3()?;
        x.reshape((n * t, input))?.matmul(&self.weight)?.reshape((n, t, ()))
    }

    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        biased(&self.product(x)?, &self.bias)
    }
}

impl Norm {
    fn load(weights: &Weights, name: &str, config: &Config) -> Result<Self> {
        let get = |part: &str| weights.get(&format!("{name}.{part}"), &[config.hidden_size]);
        Ok(Self { weight: get("weight")?, bias: get("bias")?, eps: config.layer_norm_eps })
    }

    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}
