//! Writes a tiny BERT with random weights, so that tests need no download. Its embeddings mean nothing; its
//! files have the shape of a real model's. Same seed, same bytes, on every platform.

pub(crate) mod decoder;

use std::fs;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};

use crate::random::SplitMix;
use crate::source::{Pull, Refusal};
use crate::{Architecture, Manifest, ModelFile, Pooling, Precision, Sources, fault, hash};
use firstline_fault::Result;

const HIDDEN: usize = 32;
const LAYERS: usize = 2;
const WIDE: usize = 64;
const POSITIONS: usize = 128;
/// Special tokens, in the order of their ids.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// Whole words of the vocabulary.
const WORDS: &str = "the and for not can is are was has have with from this that you your my our please thanks hello \
    hi dear best regards new user users account password reset login sign in out email mail outlook inbox \
    calendar shared mailbox printer print paper jam toner scanner scan network wifi vpn connect connection internet slow \
    down server disk space full backup failed alert warning critical error code file folder drive access \
    denied permission request install software update license laptop desktop monitor screen keyboard mouse \
    phone mobile call teams meeting office excel word windows mac boot crash freeze frozen restart blue \
    security phishing suspicious link virus spam firewall certificate expired domain dns backup restore \
    database application app website page browser chrome order ticket issue problem help support urgent \
    asap today yesterday tomorrow morning employee starting leaving team floor room second first on off \
    it to of at by be as an or if but we he she they me us after before again still since when where how why";
const ENDINGS: [&str; 8] = ["ing", "ed", "er", "ion", "ly", "ment", "able", "ness"];

/// Writes the model into `dir` and returns its manifest, hashes included.
///
/// # Errors
/// `E_IO` when the folder can't be written.
pub fn write_tiny(dir: &Path, seed: u64) -> Result<Manifest> {
    fs::create_dir_all(dir).map_err(|e| fault::io(dir.display(), &e))?;
    let files = generate(seed)?;
    for (name, bytes) in &files {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(|e| fault::io(path.display(), &e))?;
    }
    let entry = |(name, bytes): &(&str, Vec<u8>)| ModelFile {
        path: (*name).to_owned(),
        bytes: bytes.len() as u64,
        sha256: hash::of_bytes(bytes),
    };
    Ok(Manifest {
        name: "tiny-random".into(),
        description: "Random weights, for tests: its embeddings mean nothing".into(),
        licence: "Apache-2.0".into(),
        architecture: Architecture::Bert,
        dimensions: HIDDEN,
        max_tokens: POSITIONS,
        pooling: Pooling::Mean,
        normalise: true,
        precision: Precision::default(),
        prompt: String::new(),
        files: files.iter().map(entry).collect(),
        sources: Sources { generated: Some(seed), ..Sources::default() },
    })
}

/// The generator as a source of the store.
pub(crate) fn pull(pull: &mut Pull<'_>) -> std::result::Result<(), Refusal> {
    let manifest = pull.manifest;
    let Some(seed) = manifest.sources.generated else {
        return Err(Refusal::Absent("the manifest names no seed".into()));
    };
    let made = generate(seed)?;
    let mut before = 0;
    for file in &manifest.files {
        let Some((_, bytes)) = made.iter().find(|(name, _)| *name == file.path) else {
            return Err(Refusal::Absent(format!("{} is not among the files made", file.path)));
        };
        pull.take(file, &mut bytes.as_slice(), before)?;
        before += file.bytes;
    }
    Ok(())
}

fn generate(seed: u64) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let vocabulary = vocabulary();
    let text = |value: &Value| {
        serde_json::to_vec_pretty(value).map_err(|e| fault::internal(format_args!("tiny model: {e}")))
    };
    Ok(vec![
        ("config.json", text(&config(vocabulary.len()))?),
        ("model.safetensors", weights(vocabulary.len(), seed)?),
        ("tokenizer.json", text(&tokenizer(&vocabulary))?),
    ])
}

/// Special tokens, single characters, their continuations, words, endings, continuations of two letters.
fn vocabulary() -> Vec<String> {
    let characters: Vec<String> = ('a'..='z').chain('0'..='9').map(String::from).collect();
    let pairs = ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| format!("##{a}{b}")));
    let all = SPECIAL
        .iter()
        .map(|s| (*s).to_owned())
        .chain(PUNCTUATION.chars().map(String::from))
        .chain(characters.iter().cloned())
        .chain(characters.iter().map(|c| format!("##{c}")))
        .chain(WORDS.split_whitespace().map(str::to_owned))
        .chain(ENDINGS.iter().map(|e| format!("##{e}")))
        .chain(pairs);
    let mut seen = std::collections::BTreeSet::new();
    all.filter(|token| seen.insert(token.clone())).collect()
}

fn config(vocabulary: usize) -> Value {
    json!({
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": WIDE,
        "hidden_act": "gelu",
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
    })
}

fn tokenizer(vocabulary: &[String]) -> Value {
    let ids: Map<String, Value> = vocabulary.iter().enumerate().map(|(i, t)| (t.clone(), json!(i))).collect();
    let added: Vec<Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        })
        .collect();
    let special = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
    let named = |id: &str, n: usize| json!({"id": id, "ids": [n], "tokens": [id]});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]")],
            "pair": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]"),
                {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {"[CLS]": named("[CLS]", 2), "[SEP]": named("[SEP]", 3)},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
    })
}

fn weights(vocabulary: usize, seed: u64) -> Result<Vec<u8>> {
    let mut random = SplitMix::new(seed);
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes(vocabulary)
        .into_iter()
        .map(|(name, shape)| {
            let n = shape.iter().product();
            let bytes = (0..n).flat_map(|_| initial(&name, &shape, &mut random).to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
    let views = views.collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let fault = |e: safetensors::SafeTensorError| fault::internal(format_args!("tiny model: {e}"));
    safetensors::serialize(views.map_err(fault)?, None).map_err(fault)
}

/// Layer norms begin as the identity, biases at nearly nothing, all else of a size that keeps signals alive.
fn initial(name: &str, shape: &[usize], random: &mut SplitMix) -> f32 {
    match (name.contains("LayerNorm"), name.ends_with("bias")) {
        (true, false) => 1.0,
        (true, true) => 0.0,
        (false, true) => 0.02 * random.normal(),
        (false, false) => random.normal() / (shape[shape.len() - 1] as f32).sqrt(),
    }
}

fn shapes(vocabulary: usize) -> Vec<(String, Vec<usize>)> {
    let mut all: Vec<(String, Vec<usize>)> =
        [("word", vocabulary), ("position", POSITIONS), ("token_type", 2)]
            .into_iter()
            .map(|(name, rows)| (format!("embeddings.{name}_embeddings.weight"), vec![rows, HIDDEN]))
            .collect();
    let mut pair = |name: String, weight: Vec<usize>| {
        let bias = vec![weight[0]];
        all.push((format!("{name}.weight"), weight));
        all.push((format!("{name}.bias"), bias));
    };
    pair("embeddings.LayerNorm".into(), vec![HIDDEN]);
    for layer in 0..LAYERS {
        let at = |name: &str| format!("encoder.layer.{layer}.{name}");
        for name in ["self.query", "self.key", "self.value", "output.dense"] {
            pair(at(&format!("attention.{name}")), vec![HIDDEN, HIDDEN]);
        }
        pair(at("attention.output.LayerNorm"), vec![HIDDEN]);
        pair(at("intermediate.dense"), vec![WIDE, HIDDEN]);
        pair(at("output.dense"), vec![HIDDEN, WIDE]);
        pair(at("output.LayerNorm"), vec![HIDDEN]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifest_is_what_its_seed_makes() {
        let dir = tempfile::tempdir().unwrap();
        let shipped = Manifest::find("tiny-random").unwrap();
        let made = write_tiny(dir.path(), shipped.sources.generated.unwrap()).unwrap();
        assert_eq!(made, shipped, "models/tiny-random.toml should read:\n{}", made.to_toml().unwrap());
        assert!(made.total_bytes() < 400_000);
    }

    #[test]
    fn another_seed_makes_other_weights_only() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (write_tiny(dir.path(), 1).unwrap(), write_tiny(dir.path(), 2).unwrap());
        let same: Vec<bool> = a.files.iter().zip(&b.files).map(|(a, b)| a.sha256 == b.sha256).collect();
        assert_eq!(same, [true, false, true]);
    }
}
