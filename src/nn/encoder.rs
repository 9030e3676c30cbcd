//! The sentence encoder: texts in, vectors out. Texts are sorted by length and batched by their tokens; the
//! results come back in the order of the texts. Memory is bounded by the batches, not by the number of texts,
//! but for the result itself.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use candle_core::Device;
use rayon::prelude::*;

use crate::bert::Bert;
use crate::config::Config;
use crate::int8::Int8Bert;
use crate::weights::Weights;
use crate::{Architecture, Manifest, Precision, Tokenizer, Tokens, device, fault};
use firstline_fault::{Code, Result};

/// Texts tokenised and sorted at a time.
const WINDOW: usize = 2048;
/// Most tokens of one batch in float, padding included. Memory grows with it; no budget between 128 and 4096
/// was clearly faster than the others.
const FLOAT_BATCH_TOKENS: usize = 1024;
/// Most tokens of one int8 batch: what one thread works on stays in its second-level cache.
const INT8_BATCH_TOKENS: usize = 256;
/// Batches for each thread before the caller hears of them.
const WAVE: usize = 32;
/// Longest `config.json` read.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Embeddings of a list of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// `n x dim`, row-major, in the order of the texts.
    pub data: Vec<f32>,
    /// Length of one embedding.
    pub dim: usize,
    /// Tokens of each text that did not fit and were left out.
    pub cut: Vec<usize>,
}

/// A loaded sentence encoder.
#[derive(Debug)]
pub struct Encoder {
    tokenizer: Tokenizer,
    network: Network,
    vocabulary: usize,
    dimensions: usize,
    normalise: bool,
    id: String,
}

#[derive(Debug)]
enum Network {
    /// candle, on the device that the flag says is the CPU or not.
    Float { bert: Bert, on_cpu: bool },
    /// Our own kernels.
    Int8(Int8Bert),
}

impl Network {
    /// What decides embeddings beside the model: of int8, the scheme and the instruction set.
    fn variant(&self) -> String {
        match self {
            Network::Float { .. } => String::new(),
            Network::Int8(bert) => format!("-{}", bert.scheme()),
        }
    }
}

impl Encoder {
    /// Loads the model in `dir`, whose files [`crate::ModelStore::ensure`] has checked: in int8 for the CPU, in
    /// any other precision on the best device. The int8 form is kept in the folder beside the files where that
    /// can be written, which makes the next start fast.
    ///
    /// # Errors
    /// `E_IO` when a file can't be read, `E_MODEL` when the files don't make the encoder that the manifest
    /// describes, `E_CONFIG` when the environment asks for an instruction set that is not there.
    pub fn load(dir: &Path, manifest: &Manifest) -> Result<Self> {
        Self::load_on(dir, manifest, &device())
    }

    fn load_on(dir: &Path, manifest: &Manifest, device: &Device) -> Result<Self> {
        let (config, tokenizer) = open_parts(dir, manifest)?;
        let fingerprint = manifest.fingerprint();
        let network = match manifest.precision {
            Precision::Int8 => {
                let frame = tokenizer.frame();
                Network::Int8(Int8Bert::load(dir, &config, manifest.pooling, &fingerprint, frame)?)
            }
            precision => {
                let weights = Weights::open(&dir.join("model.safetensors"), device)?;
                let bert = Bert::load(&weights, &config, manifest.pooling, precision.dtype(), device)?;
                Network::Float { bert, on_cpu: device.is_cpu() }
            }
        };
        Ok(Self {
            tokenizer,
            id: format!("{}@{}{}", manifest.name, &fingerprint[..16], network.variant()),
            network,
            vocabulary: config.vocab_size,
            dimensions: manifest.dimensions,
            normalise: manifest.normalise,
        })
    }

    /// Length of an embedding.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Longest input in tokens, the two special ones included.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// The model's name and the start of a hash over all that decides its embeddings.
    pub fn model_id(&self) -> &str {
        &self.id
    }

    /// Tokenizes one text.
    ///
    /// # Errors
    /// `E_MODEL` when the tokenizer fails on it.
    pub fn tokenize(&self, text: &str) -> Result<Tokens> {
        self.tokenizer.tokenize(text)
    }

    /// Embeds token sequences, any number of them: `n x dimensions`, row-major.
    ///
    /// # Errors
    /// `E_MODEL` on ids outside the vocabulary, on empty or too long sequences, and on weights that give no
    /// finite numbers.
    pub fn embed_tokens(&self, tokens: &[Tokens]) -> Result<Vec<f32>> {
        let mut out = vec![0.0; tokens.len() * self.dimensions];
        self.embed_window(tokens, &mut out, &mut |_| ControlFlow::Continue(()))?;
        Ok(out)
    }

    /// Embeds `texts`. `on_batch` hears how many are done and stops the work by `Break`.
    ///
    /// # Errors
    /// `E_INTERRUPTED` when stopped; `E_MODEL` as [`Encoder::embed_tokens`].
    pub fn embed<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        on_batch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Embeddings> {
        let dim = self.dimensions;
        let mut all =
            Embeddings { data: vec![0.0; texts.len() * dim], dim, cut: Vec::with_capacity(texts.len()) };
        let windows = texts.chunks(WINDOW).zip(all.data.chunks_mut(WINDOW * dim));
        let mut done = 0;
        for (texts, out) in windows {
            let tokens: Vec<Tokens> =
                texts.par_iter().map(|t| self.tokenize(t.as_ref())).collect::<Result<_>>()?;
            all.cut.extend(tokens.iter().map(|t| t.cut));
            self.embed_window(&tokens, out, &mut |n| {
                done += n;
                on_batch(done)
            })?;
        }
        Ok(all)
    }

    /// Embeds one window into `out`; `on_batch` hears how many more are done.
    fn embed_window(
        &self,
        tokens: &[Tokens],
        out: &mut [f32],
        on_batch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(tokens[i].ids.len()));
        let threads = rayon::current_num_threads();
        let (budget, width) = match &self.network {
            Network::Int8(_) => {
                let total: usize = tokens.iter().map(|t| t.ids.len()).sum();
                (INT8_BATCH_TOKENS.min(total.div_ceil(threads)), WAVE * threads)
            }
            Network::Float { on_cpu: true, .. } => (FLOAT_BATCH_TOKENS, 2 * threads),
            Network::Float { .. } => (FLOAT_BATCH_TOKENS, 1),
        };
        let lengths: Vec<usize> = order.iter().map(|&i| tokens[i].ids.len()).collect();
        let batches = batches(&lengths, budget);
        // Fewer batches than threads: each is split among those it has.
        let share = threads / batches.len().clamp(1, threads);
        for wave in batches.chunks(width) {
            let embed = |range: &Range<usize>| {
                let ids: Vec<&[u32]> =
                    order[range.clone()].iter().map(|&i| tokens[i].ids.as_slice()).collect();
                self.embed_batch(&ids, share)
            };
            let rows: Vec<Vec<f32>> = match wave {
                [one] => vec![embed(one)?],
                wave => wave.par_iter().with_max_len(1).map(embed).collect::<Result<_>>()?,
            };
            for (range, rows) in wave.iter().zip(rows) {
                for (&i, row) in order[range.clone()].iter().zip(rows.chunks_exact(self.dimensions)) {
                    out[i * self.dimensions..(i + 1) * self.dimensions].copy_from_slice(row);
                }
            }
            if on_batch(wave.iter().map(Range::len).sum()).is_break() {
                return Err(fault::interrupted("embedding"));
            }
        }
        Ok(())
    }

    fn embed_batch(&self, batch: &[&[u32]], threads: usize) -> Result<Vec<f32>> {
        let fault = |problem: String| fault::model(&self.id, problem);
        for ids in batch {
            if ids.is_empty() || ids.len() > self.max_tokens() {
                return Err(fault(format!("{} tokens, not 1 to {}", ids.len(), self.max_tokens())));
            }
            if let Some(id) = ids.iter().find(|&&id| id as usize >= self.vocabulary) {
                return Err(fault(format!("token id {id}, but the vocabulary has {}", self.vocabulary)));
            }
        }
        let mut rows = match &self.network {
            Network::Float { bert, .. } => bert.forward(batch).map_err(crate::fault::tensor)?,
            Network::Int8(bert) => bert.forward(batch, threads)?,
        };
        if !rows.iter().all(|v| v.is_finite()) {
            return Err(fault("its weights give embeddings that are no numbers".to_owned()));
        }
        if self.normalise {
            rows.chunks_exact_mut(self.dimensions).for_each(normalise);
        }
        Ok(rows)
    }
}

/// Scales `row` to unit length; a row of zeros stays.
fn normalise(row: &mut [f32]) {
    let length = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt().max(1e-12);
    row.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
}

/// Ranges of texts whose `lengths` fall, each of at most `budget` tokens when padded to its longest, or of one.
pub(crate) fn batches(lengths: &[usize], budget: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let longest = lengths[start].max(1);
        let end = lengths.len().min(start + (budget / longest).max(1));
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Reads a model's configuration and its tokenizer, and checks that they and the manifest agree.
pub(crate) fn open_parts(dir: &Path, manifest: &Manifest) -> Result<(Config, Tokenizer)> {
    if manifest.architecture != Architecture::Bert {
        let next = format!("Name an encoder, such as {}", Manifest::DEFAULT);
        return Err(fault::user(Code::Model, &manifest.name, "a decoder: it makes no embeddings", next));
    }
    let path = dir.join("config.json");
    let config = read_config(&path)?;
    let disagree = |what: &str, manifest: usize, model: usize| {
        fault::model(
            path.display(),
            format_args!("{what} {manifest} in the manifest, but {model} in the model"),
        )
    };
    if config.hidden_size != manifest.dimensions {
        return Err(disagree("dimensions are", manifest.dimensions, config.hidden_size));
    }
    if config.max_position_embeddings < manifest.max_tokens {
        return Err(disagree("max_tokens is", manifest.max_tokens, config.max_position_embeddings));
    }
    let path = dir.join("tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path, manifest.max_tokens, &manifest.prompt)?;
    let largest = tokenizer.largest_id() as usize;
    if largest >= config.vocab_size {
        let problem = format!("token id {largest}, but the model knows only {}", config.vocab_size);
        return Err(fault::model(path.display(), problem));
    }
    Ok((config, tokenizer))
}

fn read_config(path: &Path) -> Result<Config> {
    let io_error = |e: std::io::Error| fault::io(path.display(), &e);
    let bytes = fs::metadata(path).map_err(io_error)?.len();
    if bytes > MAX_CONFIG_BYTES {
        return Err(fault::model(
            path.display(),
            format_args!("{bytes} bytes, too long for a configuration"),
        ));
    }
    Config::from_json(&fs::read(path).map_err(io_error)?).map_err(|e| fault::model(path.display(), e))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{Pooling, write_tiny};

    fn tiny() -> (TempDir, Manifest, Encoder) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write_tiny(dir.path(), 5).unwrap();
        let encoder = Encoder::load(dir.path(), &manifest).unwrap();
        (dir, manifest, encoder)
    }

    fn texts() -> Vec<String> {
        (0..40).map(|i| format!("ticket {i} {}", "printer is down ".repeat(i * 7 % 23))).collect()
    }

    fn embed(encoder: &Encoder, texts: &[String]) -> Embeddings {
        encoder.embed(texts, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    fn swap(dir: &Path, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        assert!(text.contains(from));
        fs::write(dir.join(file), text.replace(from, to)).unwrap();
    }

    fn load_fault(dir: &Path, manifest: &Manifest) -> String {
        let e = Encoder::load(dir, manifest).unwrap_err();
        assert_eq!(e.code(), Some(Code::Model));
        e.to_string()
    }

    #[test]
    fn a_batch_gives_what_each_text_alone_gives_in_order() {
        let (_dir, manifest, encoder) = tiny();
        let texts = texts();
        let all = embed(&encoder, &texts);
        assert_eq!((all.dim, all.data.len()), (manifest.dimensions, 40 * manifest.dimensions));
        for (text, row) in texts.iter().zip(all.data.chunks_exact(all.dim)) {
            let alone = encoder.embed_tokens(&[encoder.tokenize(text).unwrap()]).unwrap();
            assert_eq!(alone, row, "{text}");
            let length: f32 = row.iter().map(|v| v * v).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
        assert_ne!(all.data[..all.dim], all.data[all.dim..2 * all.dim]);
    }

    #[test]
    fn more_texts_than_one_window_are_counted_and_placed() {
        let (_dir, _, encoder) = tiny();
        let mut texts = vec!["vpn"; WINDOW];
        texts.extend(["printer", "vpn"]);
        let mut heard = Vec::new();
        let all = encoder.embed(&texts, &mut |done| {
            heard.push(done);
            ControlFlow::Continue(())
        });
        let all = all.unwrap();
        assert!(heard.is_sorted() && heard.len() >= 2);
        assert_eq!((heard.last(), all.cut.len()), (Some(&texts.len()), texts.len()));
        let rows: Vec<&[f32]> = all.data.chunks_exact(all.dim).collect();
        assert!(rows[0].iter().zip(rows[WINDOW + 1]).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(rows[0].iter().zip(rows[WINDOW]).any(|(a, b)| (a - b).abs() > 1e-3));
    }

    #[test]
    fn company_changes_nothing_with_either_pooling() {
        let (dir, mut manifest, mean) = tiny();
        manifest.pooling = Pooling::Cls;
        let cls = Encoder::load(dir.path(), &manifest).unwrap();
        assert_ne!(mean.model_id(), cls.model_id());
        for encoder in [mean, cls] {
            let tokens =
                ["vpn", "the printer on the second floor is on fire"].map(|t| encoder.tokenize(t).unwrap());
            let both = encoder.embed_tokens(&tokens).unwrap();
            let alone = encoder.embed_tokens(&tokens[..1]).unwrap();
            assert_eq!(alone, both[..alone.len()]);
        }
    }

    #[test]
    fn what_was_cut_is_reported_for_each_text() {
        let (_dir, _, encoder) = tiny();
        let all = embed(&encoder, &["short".to_owned(), "a ".repeat(500)]);
        assert_eq!(all.cut, [0, 500 - (encoder.max_tokens() - 2)]);
        assert!(embed(&encoder, &[]).data.is_empty());
    }

    #[test]
    fn break_stops_with_its_code() {
        let (_dir, _, encoder) = tiny();
        let e = encoder.embed(&texts(), &mut |_| ControlFlow::Break(())).unwrap_err();
        assert_eq!(e.code(), Some(Code::Interrupted));
    }

    #[test]
    fn ids_and_lengths_out_of_range_are_refused() {
        let (_dir, _, encoder) = tiny();
        for ids in [vec![], vec![u32::MAX], vec![1; encoder.max_tokens() + 1]] {
            assert_eq!(
                encoder.embed_tokens(&[Tokens { ids, cut: 0 }]).unwrap_err().code(),
                Some(Code::Model)
            );
        }
    }

    #[test]
    fn a_model_unlike_its_manifest_is_refused() {
        let (dir, manifest, _) = tiny();
        let mut other = manifest.clone();
        other.dimensions += 1;
        assert!(load_fault(dir.path(), &other).contains("dimensions are"));
        other = manifest.clone();
        other.max_tokens = 4096;
        assert!(load_fault(dir.path(), &other).contains("max_tokens is 4096"));
    }

    #[test]
    fn missing_and_misshapen_tensors_are_named() {
        let (dir, manifest, _) = tiny();
        swap(dir.path(), "config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
        assert!(
            load_fault(dir.path(), &manifest)
                .contains("tensor encoder.layer.2.attention.self.query.weight is missing")
        );
        swap(dir.path(), "config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 65");
        assert!(load_fault(dir.path(), &manifest).contains("has shape [64, 32], not [65, 32]"));
    }

    #[test]
    fn a_vocabulary_larger_than_the_models_is_refused() {
        let (dir, manifest, _) = tiny();
        let text = fs::read_to_string(dir.path().join("tokenizer.json")).unwrap();
        fs::write(
            dir.path().join("tokenizer.json"),
            text.replace("\"##zz\":", "\"##zz\": 99999, \"##zzz\":"),
        )
        .unwrap();
        assert!(load_fault(dir.path(), &manifest).contains("token id 99999"));
    }

    #[test]
    fn weights_that_are_no_numbers_are_noticed() {
        let (dir, manifest, _) = tiny();
        let path = dir.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len();
        bytes[end - 40_000..].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let e = Encoder::load(dir.path(), &manifest).unwrap_err();
        assert!(e.to_string().contains("no finite numbers"), "{e}");
        let manifest = Manifest { precision: Precision::F32, ..manifest };
        let encoder = Encoder::load(dir.path(), &manifest).unwrap();
        let e = encoder.embed(&texts(), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(e.to_string().contains("no numbers"), "{e}");
    }

    #[test]
    fn it_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Encoder>();
    }
}
