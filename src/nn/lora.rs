//! Fine-tuning of a decoder by low-rank adapters (Hu et al., arXiv 2106.09685): the model stays as it is, in float32, and
//! beside every matrix of its upper layers a small change of it is learnt from texts, on the CPU. What was learnt is
//! written as a GGUF file of its own, which [`crate::Decoder`] opens as any other. Which texts, in what order and for how
//! long is the caller's to say.
//!
//! It must never change the file that it read, nor leave half a step or half a file behind: what fails has changed
//! nothing. The same texts and the same seed give the same weights, on any number of threads.

mod network;
mod ops;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use rayon::prelude::*;

use crate::decoder::parts::{self, MatrixIn, Parts};
use crate::gguf::{Gguf, Kind, TensorAt, blocks};
use crate::random::SplitMix;
use crate::tune::adam::{self, Parameter};
use crate::vocabulary::Vocabulary;
use crate::{FileCopy, fault, write_private_file};
use firstline_fault::{Code, Error, Result};
use network::{Adapter, Matrix, Network, matrices};

/// Names of a layer's matrices in the file, in the order in which they are made and learnt.
const MATRICES: [&str; 7] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
/// Largest rank: beyond it the change would hardly be smaller than the matrix.
const MOST_RANK: usize = 256;
/// Tokens of the longest lesson: the time and memory of attention grow with the square.
const MOST_TOKENS: usize = 2048;
/// Share of the way on which the learning rate grows from nothing; it falls back to nothing on the rest.
const WARM_UP: f64 = 0.1;

/// How a [`LoraTuner`] learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoraOptions {
    /// Rank of the change of each matrix, in `1..=256`.
    pub rank: usize,
    /// The change is multiplied with `alpha / rank`.
    pub alpha: f64,
    /// Learning rate at its height.
    pub rate: f64,
    /// Longest gradient; a longer one is shortened to it.
    pub clip: f64,
    /// How many layers learn, counted from the top; 0 for all. Those below cost a forward only.
    pub layers: usize,
}

impl Default for LoraOptions {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0, rate: 2e-4, clip: 1.0, layers: 0 }
    }
}

/// A text to learn.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Its tokens: at least 2, at most 2048 and no more than the model's context.
    pub tokens: &'a [u32],
    /// The first token that counts, which is to be told from those before it: at least 1, and below their number. In a
    /// conversation, where the reply begins.
    pub from: usize,
}

/// A decoder that learns.
#[derive(Debug)]
pub struct LoraTuner {
    /// The model's file: embeddings are read from it, and all that does not change is copied from it.
    file: FileCopy,
    gguf: Gguf,
    place: String,
    vocabulary: Vocabulary,
    embedding: TensorAt,
    network: Network,
    /// All that is learnt: for each layer from the bottom and each of its matrices, `a` and `b`.
    parameters: Vec<Parameter>,
    options: LoraOptions,
    steps: u64,
}

impl LoraTuner {
    /// Opens the GGUF file at `path` for learning, its weights made float32, which takes four bytes each. `seed` decides
    /// where the adapters begin: their `a` at random, their `b` at 0, so that at first they change nothing.
    ///
    /// # Errors
    /// `E_IO` when the file can't be read; `E_MODEL` as [`crate::Decoder::open`]; `E_CONFIG` for options that can't be.
    pub fn open(path: &Path, options: LoraOptions, seed: u64) -> Result<Self> {
        check_options(&options)?;
        let place = path.display().to_string();
        let file = FileCopy::read(path).map_err(|e| fault::io(&place, &e))?;
        let gguf = Gguf::parse(&file, &place)?;
        let Parts { shape, weights, embedding } = Parts::read(&gguf, &file, &place)?;
        // Tensors that share their bytes would ask for more memory than the file is worth.
        let sizes = gguf.names().filter_map(|name| gguf.tensor(name)).map(|tensor| tensor.bytes.len());
        if sizes.sum::<usize>() > file.len() {
            return Err(fault::model(&place, "its tensors overlap"));
        }
        let vocabulary = parts::vocabulary(&gguf, &shape, &place)?;
        let learning = if options.layers == 0 { shape.layers } else { options.layers.min(shape.layers) };
        let frozen = shape.layers - learning;
        let mut random = SplitMix::new(seed);
        let (mut parameters, mut made) = (Vec::new(), 0);
        let matrix = |at: MatrixIn| {
            let layer = made / MATRICES.len();
            made += 1;
            let (outputs, inputs) = (at.tensor.shape[0], at.tensor.shape[1]);
            let weight = Tensor::from_vec(floats(&at.tensor, &file), (outputs, inputs), &Device::Cpu)
                .map_err(fault::tensor)?;
            // What comes after the layers is the head.
            let adapter = if (frozen..shape.layers).contains(&layer) {
                let deviation = 1.0 / (inputs as f32).sqrt();
                let a = (0..options.rank * inputs).map(|_| deviation * random.normal()).collect();
                let mut variable = |values: Vec<f32>, shape: (usize, usize)| -> Result<Tensor> {
                    let variable = Var::from_vec(values, shape, &Device::Cpu).map_err(fault::tensor)?;
                    let tensor = variable.as_tensor().clone();
                    parameters.push(Parameter::new(variable, options.rate));
                    Ok(tensor)
                };
                let a = variable(a, (options.rank, inputs))?;
                let b = variable(vec![0.0; outputs * options.rank], (outputs, options.rank))?;
                Some(Adapter { a, b, scale: options.alpha / options.rank as f64 })
            } else {
                None
            };
            Ok(Matrix { weight, adapter })
        };
        let weights = weights.map(matrix, Ok)?;
        let network = Network { shape, weights, frozen };
        Ok(Self { file, gguf, place, vocabulary, embedding, network, parameters, options, steps: 0 })
    }

    /// The model's tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Tokens of the longest lesson that it takes.
    pub fn longest(&self) -> usize {
        self.network.shape.context.min(MOST_TOKENS)
    }

    /// Takes one step of Adam on `batch`, `share` of the way through the training, in `0..=1`: the learning rate grows from
    /// nothing over the first tenth of it, and falls back to nothing over the rest. Returns the mean negative log
    /// likelihood of a token that counts, in nats, before the step. Lessons are worked on side by side, as many as there
    /// are threads; each holds about a megabyte a token while all layers of a model of 135 million weights learn.
    ///
    /// # Errors
    /// `E_INPUT` when there is no lesson, or one is too long, counts nothing, or has a token that is not in the vocabulary;
    /// `E_MODEL` when what the model computes is no number. Nothing has changed then.
    pub fn step(&mut self, batch: &[Lesson<'_>], share: f64) -> Result<f64> {
        let counted = self.check(batch)? as f64;
        let learn = |lesson: &Lesson<'_>| {
            let x = self.embed(lesson);
            self.network.gradients(x, lesson.tokens, lesson.from, 1.0 / counted).map_err(fault::tensor)
        };
        let mut loss = 0.0;
        let mut gradients: Vec<Vec<f32>> = Vec::new();
        // No more at once, so that a thread that waits for a part of its own product takes up no further lesson.
        for wave in batch.chunks(rayon::current_num_threads()) {
            let learnt: Vec<(f64, Vec<Vec<f32>>)> = wave.par_iter().map(learn).collect::<Result<_>>()?;
            for (of_lesson, more) in learnt {
                loss += of_lesson / counted;
                if gradients.is_empty() {
                    gradients = more;
                    continue;
                }
                gradients
                    .par_iter_mut()
                    .zip(more)
                    .for_each(|(sum, part)| sum.iter_mut().zip(part).for_each(|(sum, g)| *sum += g));
            }
        }
        // One that is no number would make all weights none.
        let sound = gradients.par_iter().all(|g| g.iter().all(|g| g.is_finite()));
        if !(sound && loss.is_finite()) {
            return Err(self.no_number());
        }
        self.steps += 1;
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        let share = (share / WARM_UP).min((1.0 - share) / (1.0 - WARM_UP));
        adam::step(&mut self.parameters, &gradients, self.steps, share, self.options.clip, 0.0)
            .map_err(fault::tensor)?;
        Ok(loss)
    }

    /// The mean negative log likelihood of a token that counts, in nats, with what was learnt so far.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn loss(&self, lessons: &[Lesson<'_>]) -> Result<f64> {
        let counted = self.check(lessons)? as f64;
        let mut sum = 0.0;
        for wave in lessons.chunks(rayon::current_num_threads()) {
            let loss = |lesson: &Lesson<'_>| {
                self.network.loss(self.embed(lesson), lesson.tokens, lesson.from).map_err(fault::tensor)
            };
            sum += wave.par_iter().map(loss).collect::<Result<Vec<f64>>>()?.iter().sum::<f64>();
        }
        let mean = sum / counted;
        if mean.is_finite() { Ok(mean) } else { Err(self.no_number()) }
    }

    /// Writes the model with what was learnt into `path`, whole or not at all: the matrices that learnt in 8 bits (`Q8_0`),
    /// all else as in the file that was opened, byte for byte.
    ///
    /// # Errors
    /// `E_IO` when it can't be written; `E_MODEL` when a weight became too large to be.
    pub fn export(&self, path: &Path) -> Result<()> {
        let frozen = self.network.frozen;
        let of_layer = |(i, layer): (usize, &network::Layer)| {
            let mut changed = Vec::with_capacity(MATRICES.len());
            for (part, matrix) in MATRICES.into_iter().zip(matrices(layer)) {
                let name = format!("blk.{}.{part}.weight", frozen + i);
                let merged =
                    matrix.merged().and_then(|merged| ops::values(&merged)).map_err(fault::tensor)?;
                let bytes = blocks::q8_0(&merged);
                let bytes = bytes.ok_or_else(|| {
                    fault::model(&self.place, format!("{name} was trained to what can't be written"))
                })?;
                changed.push((name, (Kind::Q8_0, bytes)));
            }
            Ok(changed)
        };
        let layers = self.network.weights.layers[frozen..].par_iter().enumerate();
        let changed: Vec<Vec<_>> = layers.map(of_layer).collect::<Result<_>>()?;
        let changed: HashMap<_, _> = changed.into_iter().flatten().collect();
        write_private_file(&self.gguf.rewritten(&self.file, &changed), path)
            .map_err(|e| fault::io(path.display(), &e))
    }

    /// The embeddings of all tokens of `lesson` but the last, after which nothing is to be told.
    fn embed(&self, lesson: &Lesson<'_>) -> Vec<f32> {
        let hidden = self.network.shape.hidden;
        let table = &self.file[self.embedding.bytes.clone()];
        let row = table.len() / self.network.shape.vocabulary;
        let tokens = &lesson.tokens[..lesson.tokens.len() - 1];
        let mut x = vec![0.0; tokens.len() * hidden];
        for (to, &token) in x.chunks_exact_mut(hidden).zip(tokens) {
            self.embedding.kind.values(&table[token as usize * row..][..row], to);
        }
        x
    }

    /// How many tokens of `lessons` count.
    fn check(&self, lessons: &[Lesson<'_>]) -> Result<usize> {
        let fault = |problem: String, next| Err(fault::user(Code::Input, "lesson", problem, next));
        if lessons.is_empty() {
            return fault("none is there".to_owned(), "Give one");
        }
        let (most, vocabulary) = (self.longest(), self.network.shape.vocabulary);
        for Lesson { tokens, from } in lessons {
            let n = tokens.len();
            if n > most {
                return fault(format!("{n} tokens, {most} are the limit"), "Shorten it");
            }
            if !(1..n).contains(from) {
                let problem = format!(
                    "of {n} tokens, those from number {from} on count, which must be 1 to {n}, not included"
                );
                return fault(problem, "Let some of them count, and the first not");
            }
            if let Some(token) = tokens.iter().find(|&&t| t as usize >= vocabulary) {
                let problem = format!("token {token} of {vocabulary} known");
                return fault(problem, "Use the model's own tokenizer");
            }
        }
        Ok(lessons.iter().map(|lesson| lesson.tokens.len() - lesson.from).sum())
    }

    fn no_number(&self) -> Error {
        let next = "Use a lower learning rate, or another model where none was learnt yet";
        fault::user(Code::Model, &self.place, "its loss is no number", next)
    }
}

fn check_options(options: &LoraOptions) -> Result<()> {
    let fault = |problem: String| Err(fault::user(Code::Config, "LoRA", problem, "Choose another"));
    if !(1..=MOST_RANK).contains(&options.rank) {
        return fault(format!("a rank of {}, not 1 to {MOST_RANK}", options.rank));
    }
    for (name, value) in [("alpha", options.alpha), ("rate", options.rate), ("clip", options.clip)] {
        if !(value.is_finite() && value > 0.0) {
            return fault(format!("{name} {value}, not above 0"));
        }
    }
    Ok(())
}

/// All values of a matrix in `file`.
fn floats(at: &TensorAt, file: &[u8]) -> Vec<f32> {
    let (outputs, inputs) = (at.shape[0], at.shape[1]);
    let rows = &file[at.bytes.clone()];
    let mut values = vec![0.0; outputs * inputs];
    values
        .par_chunks_exact_mut(inputs)
        .zip(rows.par_chunks_exact(rows.len() / outputs))
        .for_each(|(to, row)| at.kind.values(row, to));
    values
}
