//! GGUF files as somebody hostile would write them: opened, laid out, read with, talked to. Must not panic, must not run out
//! of memory, must not take long, whatever stands in the head.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use firstline_nn::{Decoder, Message};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Zeros behind the head, for its tensors to lie in.
const WEIGHTS: usize = 256 << 10;

static FOLDER: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("fuzzed.gguf");
    (dir, path)
});

fuzz_target!(|head: &[u8]| {
    let path = &FOLDER.1;
    let mut file = head.to_vec();
    file.resize(head.len() + WEIGHTS, 0);
    std::fs::write(path, file).expect("room for a file");
    if let Ok(decoder) = Decoder::open(path, 1) {
        let logits = decoder.read(&mut [(&mut decoder.sequence(4), &[0, 1])]).expect("two tokens");
        assert!(!logits.is_empty());
        let _ = decoder.vocabulary().encode_chat(&[Message { role: "user", content: "hello".into() }]);
        let _ = decoder.vocabulary().decode(&[0, 1]);
    }
});
