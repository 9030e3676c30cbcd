//! What a GGUF file holds of a decoder, found and held against the shape that the file says: where its matrices lie, and
//! its vectors' values.
//!
//! It must never take a part of the file that no check has seen, and never leave out a tensor in silence: what is not
//! known is an error, since a model without it would compute something else.

use std::cell::RefCell;
use std::collections::HashSet;

use super::pack::tensor;
use super::shape::Shape;
use crate::fault;
use crate::gguf::{Gguf, Kind, TensorAt, shown};
use crate::vocabulary::Vocabulary;
use firstline_fault::Result;

/// A decoder's shape and weights in its file.
pub(crate) struct Parts {
    pub(crate) shape: Shape,
    pub(crate) weights: Weights<MatrixIn, Vec<f32>>,
    pub(crate) embedding: TensorAt,
}

/// All weights but the embeddings, matrices as `M` and vectors as `V`.
#[derive(Debug)]
pub(crate) struct Weights<M, V> {
    pub(crate) layers: Vec<Layer<M, V>>,
    pub(crate) norm: V,
    pub(crate) head: M,
}

#[derive(Debug)]
pub(crate) struct Layer<M, V> {
    pub(crate) norm: V,
    /// Queries, keys, values.
    pub(crate) qkv: [M; 3],
    pub(crate) bias: Option<[V; 3]>,
    pub(crate) output: M,
    pub(crate) wide_norm: V,
    pub(crate) gate: M,
    pub(crate) up: M,
    pub(crate) down: M,
}

/// A matrix in the file; with a size of heads, whose pairs to turn are neighbouring rows.
pub(crate) struct MatrixIn {
    pub(crate) tensor: TensorAt,
    pub(crate) heads_of: Option<usize>,
}

impl<M, V> Weights<M, V> {
    /// The same weights in another form, made in the order of a forward.
    pub(crate) fn map<N, W>(
        self,
        mut matrix: impl FnMut(M) -> Result<N>,
        mut vector: impl FnMut(V) -> Result<W>,
    ) -> Result<Weights<N, W>> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in self.layers {
            let [q, k, v] = layer.qkv;
            layers.push(Layer {
                norm: vector(layer.norm)?,
                qkv: [matrix(q)?, matrix(k)?, matrix(v)?],
                bias: match layer.bias {
                    Some([q, k, v]) => Some([vector(q)?, vector(k)?, vector(v)?]),
                    None => None,
                },
                output: matrix(layer.output)?,
                wide_norm: vector(layer.wide_norm)?,
                gate: matrix(layer.gate)?,
                up: matrix(layer.up)?,
                down: matrix(layer.down)?,
            });
        }
        Ok(Weights { layers, norm: vector(self.norm)?, head: matrix(self.head)? })
    }
}

impl Parts {
    /// Reads them from `file`, whose head is `gguf`.
    ///
    /// # Errors
    /// `E_MODEL` when one is missing, has another shape than the file says, or is not supported.
    pub(crate) fn read(gguf: &Gguf, file: &[u8], place: &str) -> Result<Self> {
        let asked = RefCell::new(HashSet::new());
        let ask = |name: &str, shape: &[usize]| {
            asked.borrow_mut().insert(name.to_owned());
            tensor(gguf, name, shape, place)
        };
        let floats = |name: &str, n: usize| -> Result<Vec<f32>> {
            floats(ask(name, &[n])?, file)
                .ok_or_else(|| fault::model(place, format!("{name} is not float32")))
        };
        let factors = match gguf.tensor("rope_freqs.weight") {
            Some(tensor) => Some(floats("rope_freqs.weight", tensor.shape.iter().product())?),
            None => None,
        };
        let shape = Shape::read(gguf, factors.as_deref(), place)?;
        let Shape { hidden, wide, heads, kept_heads, size, vocabulary, .. } = shape;
        let matrix = |name: &str, outputs, inputs, heads_of| -> Result<MatrixIn> {
            Ok(MatrixIn { tensor: ask(name, &[outputs, inputs])?.clone(), heads_of })
        };
        let turned = shape.interleaved.then_some(size);
        let (all, kept) = (heads * size, kept_heads * size);
        let mut layers = Vec::new();
        for i in 0..shape.layers {
            let name = |part: &str| format!("blk.{i}.{part}.weight");
            let bias = |part: &str, n: usize| floats(&format!("blk.{i}.{part}.bias"), n);
            layers.push(Layer {
                norm: floats(&name("attn_norm"), hidden)?,
                qkv: [
                    matrix(&name("attn_q"), all, hidden, turned)?,
                    matrix(&name("attn_k"), kept, hidden, turned)?,
                    matrix(&name("attn_v"), kept, hidden, None)?,
                ],
                bias: match gguf.tensor(&format!("blk.{i}.attn_q.bias")) {
                    Some(_) if turned.is_some() => {
                        return Err(fault::model(place, "biases of a llama are not supported"));
                    }
                    Some(_) => Some([bias("attn_q", all)?, bias("attn_k", kept)?, bias("attn_v", kept)?]),
                    None => None,
                },
                output: matrix(&name("attn_output"), hidden, all, None)?,
                wide_norm: floats(&name("ffn_norm"), hidden)?,
                gate: matrix(&name("ffn_gate"), wide, hidden, None)?,
                up: matrix(&name("ffn_up"), wide, hidden, None)?,
                down: matrix(&name("ffn_down"), hidden, wide, None)?,
            });
        }
        let embedding = ask("token_embd.weight", &[vocabulary, hidden])?.clone();
        let tied = gguf.tensor("output.weight").is_none();
        let head = if tied { "token_embd.weight" } else { "output.weight" };
        let head = matrix(head, vocabulary, hidden, None)?;
        let norm = floats("output_norm.weight", hidden)?;
        // What is left over would be left out of what the model computes.
        if let Some(name) = gguf.names().find(|name| !asked.borrow().contains(*name)) {
            return Err(fault::model(place, format!("tensor {} is not supported", shown(name))));
        }
        Ok(Self { weights: Weights { layers, norm, head }, shape, embedding })
    }
}

/// The tokens of `gguf`, each of which has an embedding.
///
/// # Errors
/// `E_MODEL` as [`Vocabulary::read`], and when a token has none.
pub(crate) fn vocabulary(gguf: &Gguf, shape: &Shape, place: &str) -> Result<Vocabulary> {
    let read = Vocabulary::read(gguf, place)?;
    if read.len() > shape.vocabulary {
        let problem = format!("{} tokens, {} of them with an embedding", read.len(), shape.vocabulary);
        return Err(fault::model(place, problem));
    }
    Ok(read)
}

/// The float32 values of a tensor.
fn floats(tensor: &TensorAt, file: &[u8]) -> Option<Vec<f32>> {
    let bytes = &file[tensor.bytes.clone()];
    let floats = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    (tensor.kind == Kind::F32).then(|| floats.collect())
}
