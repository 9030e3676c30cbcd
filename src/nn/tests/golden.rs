//! The real model against embeddings that PyTorch made (`tests/tools/reference_embeddings.py`): float32 to
//! rounding, the other precisions within their budgets. The model is pulled once into this user's cache.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::ops::ControlFlow;
use std::process::Command;

use firstline_nn::{Encoder, ISA_VARIABLE, Isa, Manifest, ModelStore, Precision, Tokens};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    weights_sha256: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    tokens: Vec<u32>,
    embedding: Vec<f32>,
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/all-minilm-l6-v2.json")).unwrap()
}

fn encoder(golden: &Golden, precision: Precision) -> Encoder {
    let manifest = Manifest { precision, ..Manifest::find(Manifest::DEFAULT).unwrap() };
    assert!(manifest.files.iter().any(|f| f.sha256 == golden.weights_sha256));
    let dir = ModelStore::open_default().ensure(&manifest, &mut |_| ControlFlow::Continue(())).unwrap();
    Encoder::load(&dir, &manifest).unwrap()
}

#[test]
fn embeddings_are_those_of_pytorch_alone_and_in_a_batch() {
    let golden = golden();
    let encoder = encoder(&golden, Precision::F32);
    let texts: Vec<&str> = golden.rows.iter().map(|row| row.text.as_str()).collect();
    let batch = encoder.embed(&texts, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(batch.cut, vec![0; texts.len()]);
    for (row, batched) in golden.rows.iter().zip(batch.data.chunks_exact(batch.dim)) {
        let tokens = encoder.tokenize(&row.text).unwrap();
        assert_eq!(tokens.ids, row.tokens, "{:?}", row.text);
        let alone = encoder.embed_tokens(&[tokens]).unwrap();
        let got = cosine(&alone, &row.embedding);
        assert!(got >= 0.9999, "cosine {got} for {:?}", row.text);
        let worst = alone.iter().zip(&row.embedding).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "differs by {worst} for {:?}", row.text);
        assert!(alone.iter().zip(batched).all(|(a, b)| (a - b).abs() < 1e-5), "{:?}", row.text);
    }
}

/// Mean and worst cosine over the texts, which include an empty one and single words: the hardest.
fn stays_within(precision: Precision, mean: f64, worst: f64) {
    let golden = golden();
    let encoder = encoder(&golden, precision);
    let tokens: Vec<Tokens> =
        golden.rows.iter().map(|row| Tokens { ids: row.tokens.clone(), cut: 0 }).collect();
    let got = encoder.embed_tokens(&tokens).unwrap();
    let rows = golden.rows.iter().zip(got.chunks_exact(encoder.dimensions()));
    let cosines: Vec<f64> = rows.map(|(row, got)| cosine(got, &row.embedding)).collect();
    let average = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(1.0, f64::min);
    assert!(average >= mean && least >= worst, "{precision:?}: mean {average}, worst {least}");
}

/// What [`int8_stays_within_its_budget`] says holds on every instruction set of this CPU, not only on the one that is
/// chosen: once in a process, so each has a process of its own. Floats don't use our kernels.
#[test]
fn every_instruction_set_stays_within_the_budget() {
    for isa in Isa::available() {
        let test = "int8_stays_within_its_budget";
        let done = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--test-threads=1"])
            .env(ISA_VARIABLE, isa.name())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && said.contains("1 passed"), "{isa}: {said}");
    }
}

#[test]
fn int8_stays_within_its_budget() {
    stays_within(Precision::Int8, 0.999, 0.998);
}

#[test]
fn floats_of_16_bits_stay_within_their_budgets() {
    stays_within(Precision::F16, 0.9999, 0.9998);
    stays_within(Precision::Bf16, 0.999, 0.998);
}
