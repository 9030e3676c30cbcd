//! Writes a tiny decoder with random weights, in every form that weights come in, so that tests need no download. What it
//! says means nothing; its file has the shape of a real one. Same bytes, on every platform.

use std::fs::File;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use crate::fault;
use firstline_fault::Result;

pub(crate) const HIDDEN: usize = 256;
const WIDE: usize = 512;
pub(crate) const HEADS: usize = 4;
pub(crate) const KEPT: usize = 2;
pub(crate) const SIZE: usize = 64;
pub(crate) const LAYERS: usize = 2;
pub(crate) const CONTEXT: usize = 4096;
const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe<'a> {
    /// `llama`, `qwen2`, or one that is not supported.
    pub(crate) architecture: &'a str,
    /// The name of a tensor more.
    pub(crate) more: Option<&'a str>,
    /// With a head of its own, and all matrices but the embeddings in float32.
    pub(crate) floats: bool,
}

/// Names, shapes and values of tensors.
type Made = Vec<(String, Vec<usize>, QTensor)>;

/// Writes a GGUF file of a tiny decoder, `llama` or `qwen2`, to `path`.
///
/// # Errors
/// `E_IO` when it can't be written.
pub fn write_tiny_decoder(path: &Path, architecture: &str) -> Result<()> {
    match write(path, &Recipe { architecture, more: None, floats: false }) {
        Ok(_) => Ok(()),
        Err(candle_core::Error::Io(e)) => Err(fault::io(path.display(), &e)),
        Err(e) => Err(fault::tensor(e)),
    }
}

/// Tokens: every byte, one merge, two special ones.
fn tokens() -> (Vec<String>, Vec<String>, Vec<i32>) {
    let printable = |b: u32| (33..127).contains(&b) || (161..173).contains(&b) || (174..256).contains(&b);
    let mut other = 256;
    let mut texts: Vec<String> = (0..256)
        .filter_map(|b| {
            if printable(b) {
                return char::from_u32(b);
            }
            other += 1;
            char::from_u32(other - 1)
        })
        .map(String::from)
        .collect();
    texts.extend(["he", "<|im_start|>", "<|im_end|>"].map(String::from));
    let kinds = (0..texts.len()).map(|i| if i > 256 { 3 } else { 1 }).collect();
    (texts, vec!["h e".to_owned()], kinds)
}

/// Writes it to `path`, and returns what was written.
pub(crate) fn write(path: &Path, recipe: &Recipe<'_>) -> candle_core::Result<Made> {
    let Recipe { architecture, more, floats } = *recipe;
    let llama = architecture != "qwen2";
    let (texts, merges, kinds) = tokens();
    let vocabulary = texts.len() + 5;
    let texts_of = |v: Vec<String>| Value::Array(v.into_iter().map(Value::String).collect());
    let key = |part: &str| format!("{architecture}.{part}");
    let metadata = [
        ("general.architecture".to_owned(), Value::String(architecture.to_owned())),
        (key("block_count"), Value::U32(LAYERS as u32)),
        (key("context_length"), Value::U32(CONTEXT as u32)),
        (key("embedding_length"), Value::U32(HIDDEN as u32)),
        (key("feed_forward_length"), Value::U32(WIDE as u32)),
        (key("attention.head_count"), Value::U32(HEADS as u32)),
        (key("attention.head_count_kv"), Value::U32(KEPT as u32)),
        (key("attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
        (key("rope.freq_base"), Value::F32(10_000.0)),
        ("tokenizer.ggml.model".to_owned(), Value::String("gpt2".to_owned())),
        ("tokenizer.ggml.pre".to_owned(), Value::String("qwen2".to_owned())),
        ("tokenizer.ggml.tokens".to_owned(), texts_of(texts)),
        ("tokenizer.ggml.merges".to_owned(), texts_of(merges)),
        ("tokenizer.ggml.token_type".to_owned(), Value::Array(kinds.into_iter().map(Value::I32).collect())),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(258)),
        ("tokenizer.chat_template".to_owned(), Value::String(TEMPLATE.to_owned())),
    ];
    let mut shapes: Vec<(String, Vec<usize>, GgmlDType, f32)> = vec![
        ("token_embd.weight".into(), vec![vocabulary, HIDDEN], GgmlDType::Q8_0, 1.0),
        ("output_norm.weight".into(), vec![HIDDEN], GgmlDType::F32, 1.0),
    ];
    if !llama || floats {
        shapes.push(("output.weight".into(), vec![vocabulary, HIDDEN], GgmlDType::F16, 1.0));
    }
    for i in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize], kind| {
            let size = if shape.len() == 1 { 1.0 } else { 3.0 / (shape[1] as f32).sqrt() };
            shapes.push((format!("blk.{i}.{name}"), shape.to_vec(), kind, size));
        };
        add("attn_norm.weight", &[HIDDEN], GgmlDType::F32);
        add("ffn_norm.weight", &[HIDDEN], GgmlDType::F32);
        add("attn_q.weight", &[HEADS * SIZE, HIDDEN], GgmlDType::Q4K);
        add("attn_k.weight", &[KEPT * SIZE, HIDDEN], GgmlDType::Q5_0);
        add("attn_v.weight", &[KEPT * SIZE, HIDDEN], GgmlDType::Q8_0);
        add("attn_output.weight", &[HIDDEN, HEADS * SIZE], GgmlDType::Q4_1);
        add("ffn_gate.weight", &[WIDE, HIDDEN], GgmlDType::Q5K);
        add("ffn_up.weight", &[WIDE, HIDDEN], GgmlDType::Q4_0);
        add("ffn_down.weight", &[HIDDEN, WIDE], GgmlDType::Q6K);
        if !llama {
            add("attn_q.bias", &[HEADS * SIZE], GgmlDType::F32);
            add("attn_k.bias", &[KEPT * SIZE], GgmlDType::F32);
            add("attn_v.bias", &[KEPT * SIZE], GgmlDType::F32);
        }
    }
    shapes.extend(more.map(|name| (name.to_owned(), vec![32], GgmlDType::F32, 1.0)));
    let mut random = crate::random::SplitMix::new(11);
    let made: Made = shapes
        .into_iter()
        .map(|(name, shape, kind, size)| {
            let n = shape.iter().product();
            let base = if name.ends_with("norm.weight") { 1.0 } else { 0.0 };
            let values: Vec<f32> = (0..n).map(|_| base + 0.5 * size * random.normal()).collect();
            let tensor = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?;
            let kind = if floats && name != "token_embd.weight" { GgmlDType::F32 } else { kind };
            let made = QTensor::quantize(&tensor, kind)?;
            Ok((name, shape, made))
        })
        .collect::<candle_core::Result<_>>()?;
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let tensors: Vec<(&str, &QTensor)> = made.iter().map(|(name, _, q)| (name.as_str(), q)).collect();
    gguf_file::write(&mut File::create(path)?, &metadata, &tensors)?;
    Ok(made)
}
