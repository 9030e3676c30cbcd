//! What a GGUF file says of its decoder's shape, checked.

use std::ops::Range;

use crate::fault;
use crate::gguf::{Gguf, Value};
use firstline_fault::Result;

/// Most of anything that a shape counts.
const MOST: usize = 1 << 20;

/// A decoder's sizes and constants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) wide: usize,
    /// Query heads.
    pub(crate) heads: usize,
    /// Heads of keys and values.
    pub(crate) kept_heads: usize,
    /// Values of a head.
    pub(crate) size: usize,
    pub(crate) vocabulary: usize,
    /// Tokens that it was trained to read at most.
    pub(crate) context: usize,
    pub(crate) eps: f32,
    /// Angle by which each pair of a head's values is turned from one position to the next.
    pub(crate) turns: Vec<f64>,
    /// Pairs are neighbours in the file; here the first half is paired with the second.
    pub(crate) interleaved: bool,
}

impl Shape {
    /// Reads it.
    ///
    /// # Errors
    /// `E_MODEL` when the architecture is not supported, by its name, or a size is missing or can't be.
    pub(crate) fn read(gguf: &Gguf, factors: Option<&[f32]>, place: &str) -> Result<Self> {
        let fault = |problem: String| fault::model(place, problem);
        let name = gguf.get("general.architecture").and_then(Value::text);
        let interleaved = match name {
            Some("llama") => true,
            Some("qwen2") => false,
            Some(other) => {
                return Err(fault(format!("architecture {other:?}; llama and qwen2 are supported")));
            }
            None => return Err(fault("no general.architecture".to_owned())),
        };
        let name = name.unwrap_or_default();
        let key = |part: &str| format!("{name}.{part}");
        let optional = |part: &str| -> Result<Option<usize>> {
            match gguf.get(&key(part)) {
                None => Ok(None),
                Some(value) => match value.size() {
                    Some(n) if (1..=MOST).contains(&n) => Ok(Some(n)),
                    _ => Err(fault(format!("{} is no usable number", key(part)))),
                },
            }
        };
        let size = |part: &str| optional(part)?.ok_or_else(|| fault(format!("no {}", key(part))));
        let float = |part: &str, least: f32, most: f32| match gguf.get(&key(part)).map(Value::float) {
            None => Ok(None),
            Some(Some(x)) if (least..=most).contains(&x) => Ok(Some(x)),
            _ => Err(fault(format!("{} is no usable number", key(part)))),
        };
        if let Some(kind) = gguf.get(&key("rope.scaling.type")).and_then(Value::text)
            && kind != "none"
        {
            return Err(fault(format!("rope scaling {kind:?} is not supported")));
        }
        for part in ["expert_count", "rope.scale_linear"] {
            if !matches!(gguf.get(&key(part)), None | Some(Value::Int(0))) {
                return Err(fault(format!("{} is not supported", key(part))));
            }
        }
        let (hidden, heads) = (size("embedding_length")?, size("attention.head_count")?);
        let head = optional("attention.key_length")?.unwrap_or(hidden / heads);
        let kept_heads = optional("attention.head_count_kv")?.unwrap_or(heads);
        let vocabulary = gguf
            .tensor("token_embd.weight")
            .and_then(|t| t.shape.first().copied())
            .ok_or_else(|| fault("no token_embd.weight".to_owned()))?;
        let base = f64::from(float("rope.freq_base", 1.0, 1e9)?.unwrap_or(10_000.0));
        let turn = |i: usize| {
            let factor = factors.and_then(|f| f.get(i)).map_or(1.0, |&f| f64::from(f));
            base.powf(-2.0 * i as f64 / head as f64) / factor
        };
        let shape = Self {
            layers: size("block_count")?,
            hidden,
            wide: size("feed_forward_length")?,
            heads,
            kept_heads,
            size: head,
            vocabulary,
            context: size("context_length")?,
            eps: float("attention.layer_norm_rms_epsilon", 0.0, 1.0)?
                .ok_or_else(|| fault(format!("no {}", key("attention.layer_norm_rms_epsilon"))))?,
            turns: (0..head / 2).map(turn).collect(),
            interleaved,
        };
        let turned = optional("rope.dimension_count")?.unwrap_or(head);
        let whole = |n: usize, of: usize| n > 0 && n.is_multiple_of(of);
        let fits = whole(shape.hidden, 32)
            && whole(shape.wide, 32)
            && whole(head, 16)
            && head <= 512
            && whole(heads, kept_heads)
            && whole(heads * head, 32)
            && (2..=MOST).contains(&vocabulary)
            && shape.layers <= 512
            && turned == head
            && factors.is_none_or(|f| f.len() == head / 2 && f.iter().all(|f| *f > 0.0))
            && optional("attention.value_length")?.is_none_or(|n| n == head);
        if fits { Ok(shape) } else { Err(fault(format!("sizes that are not supported: {shape:?}"))) }
    }

    /// Cosine and sine of the angle of each pair of a head's values, for one position after the other.
    pub(crate) fn angles(&self, positions: Range<usize>) -> impl Iterator<Item = [f32; 2]> {
        positions.flat_map(|position| {
            self.turns.iter().map(move |turn| {
                let (sin, cos) = (position as f64 * turn).sin_cos();
                [cos as f32, sin as f32]
            })
        })
    }
}
