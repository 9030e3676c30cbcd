//! Writes what fuzzing begins with: the heads of small sound files.

use std::fs;
use std::path::Path;

use firstline_nn::write_tiny_decoder;

/// More than the head of a tiny decoder has, and little of its weights.
const HEAD: usize = 12 << 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/gguf");
    fs::create_dir_all(&corpus)?;
    for architecture in ["llama", "qwen2"] {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("tiny.gguf");
        write_tiny_decoder(&path, architecture)?;
        let bytes = fs::read(&path)?;
        fs::write(corpus.join(architecture), &bytes[..HEAD.min(bytes.len())])?;
    }
    Ok(())
}
