//! Fine-tuning: a BERT encoder and one linear head a task learn together from labelled texts.
//!
//! All tasks share the encoder; a text may lack the label of any task. The lower layers and the embeddings can be
//! held fixed. A batch is worked on in shards whose number depends on the batch alone, and their gradients are
//! summed in order: the same batches give the same weights on any number of threads. What is learnt is written as a
//! model of its own, which [`crate::Encoder`] opens as any other. Which texts, in what order and for how
//! long is the caller's to say.

pub(crate) mod adam;
mod checkpoint;
mod contrast;

use std::cmp::Reverse;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use candle_core::{D, DType, Device, Result as TensorResult, Tensor, Var};
use rayon::prelude::*;

use crate::bert::Bert;
use crate::encoder::{batches, open_parts};
use crate::weights::Weights;
use crate::{Manifest, Precision, Tokenizer, Tokens, device, fault};
use adam::Parameter;
use contrast::contrast;
use firstline_fault::Result;

/// Tokens of a shard: enough for products to run at full speed, few enough that a batch makes several.
const SHARD_TOKENS: usize = 256;
/// Most shards of a batch; each holds a gradient of all parameters.
const MOST_SHARDS: usize = 8;
/// Most tokens of a batch, padding included, where nothing is learnt.
const PREDICT_TOKENS: usize = 1024;

/// How a [`Tuner`] learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TuneOptions {
    /// Share of the layers, from the bottom, that stay as they are, in `0..=1`; the embeddings always do.
    pub frozen_share: f64,
    /// Learning rate of the top layer.
    pub rate: f64,
    /// Learning rate of the heads.
    pub head_rate: f64,
    /// Each layer learns this much slower than the one above it (Howard and Ruder, arXiv 1801.06146).
    pub layer_decay: f64,
    /// Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), of matrices alone.
    pub weight_decay: f64,
    /// Share of each label that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of the supervised contrastive loss between the pooled vectors of a batch, in `0..=1`; the rest is the
    /// heads' log loss. It asks for a manifest that normalises.
    pub contrast: f64,
    /// Factor on the pooled vector before the heads: where that has unit length, how sharp they can be.
    pub scale: f64,
    /// Longest gradient; a longer one is shortened to it.
    pub clip: f64,
}

/// A text to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Its token ids, as the tokenizer gives them.
    pub ids: &'a [u32],
    /// Its class in each task, below that task's classes.
    pub labels: &'a [Option<u32>],
}

/// An encoder that learns.
#[derive(Debug)]
pub struct Tuner {
    dir: PathBuf,
    manifest: Manifest,
    tokenizer: Tokenizer,
    vocabulary: usize,
    bert: Bert,
    heads: Vec<Head>,
    /// All that is learnt: the layers' parameters, then each head's weight and bias.
    parameters: Vec<Parameter>,
    options: TuneOptions,
    steps: u64,
    device: Device,
}

#[derive(Debug)]
struct Head {
    /// `(hidden, classes)`.
    weight: Tensor,
    bias: Tensor,
    /// Share of the loss.
    share: f64,
}

impl Tuner {
    /// Opens the model in `dir` for learning, in float32 on the best device, with a head of zeros for each of
    /// `tasks`: its classes and its share of the loss.
    ///
    /// # Errors
    /// As [`crate::Encoder::load`].
    pub fn open(
        dir: &Path,
        manifest: &Manifest,
        tasks: &[(usize, f64)],
        options: TuneOptions,
    ) -> Result<Self> {
        let device = device();
        let (config, tokenizer) = open_parts(dir, manifest)?;
        let weights = Weights::open(&dir.join("model.safetensors"), &device)?;
        let mut bert = Bert::load(&weights, &config, manifest.pooling, DType::F32, &device)?;
        let frozen = (bert.depth() as f64 * options.frozen_share) as usize;
        let top = bert.depth() - 1;
        let rate = |layer: usize| options.rate * options.layer_decay.powi((top - layer) as i32);
        let variables = bert.make_trainable(frozen).map_err(fault::tensor)?;
        let mut parameters: Vec<Parameter> =
            variables.into_iter().map(|(layer, variable)| Parameter::new(variable, rate(layer))).collect();
        let mut heads = Vec::new();
        for &(classes, share) in tasks {
            let mut zeros = |shape: &[usize]| -> Result<Tensor> {
                let variable = Var::zeros(shape, DType::F32, &device).map_err(fault::tensor)?;
                let tensor = variable.as_tensor().clone();
                parameters.push(Parameter::new(variable, options.head_rate));
                Ok(tensor)
            };
            heads.push(Head {
                weight: zeros(&[config.hidden_size, classes])?,
                bias: zeros(&[classes])?,
                share,
            });
        }
        Ok(Self {
            dir: dir.to_owned(),
            manifest: manifest.clone(),
            tokenizer,
            vocabulary: config.vocab_size,
            bert,
            heads,
            parameters,
            options,
            steps: 0,
            device,
        })
    }

    /// Tokenizes one text as the encoder will.
    ///
    /// # Errors
    /// `E_MODEL` when the tokenizer fails on it.
    pub fn tokenize(&self, text: &str) -> Result<Tokens> {
        self.tokenizer.tokenize(text)
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes one step on `batch` at `share` of the learning rates, and returns the loss before it: over the
    /// tasks, the mean loss of their labelled examples times the task's share. A batch without labels does nothing.
    ///
    /// # Errors
    /// `E_MODEL` on ids outside the vocabulary and labels outside the classes, internal when the device
    /// fails.
    pub fn step(&mut self, batch: &[Example<'_>], share: f64) -> Result<f64> {
        self.check(batch)?;
        let counts: Vec<usize> = (0..self.heads.len())
            .map(|task| batch.iter().filter(|e| e.labels[task].is_some()).count())
            .collect();
        if counts.iter().all(|&n| n == 0) {
            return Ok(0.0);
        }
        let tokens: usize = batch.iter().map(|e| e.ids.len()).sum();
        let shards = tokens.div_ceil(SHARD_TOKENS).clamp(1, MOST_SHARDS.min(batch.len()));
        let a_shard = batch.len().div_ceil(shards);
        let (apart, pulls) = self.pulls(batch, a_shard).map_err(fault::tensor)?;
        let learnt: Vec<(f64, Vec<Vec<f32>>)> = batch
            .par_chunks(a_shard)
            .zip(pulls.par_chunks(a_shard))
            .map(|(shard, pulls)| self.gradients(shard, &counts, pulls))
            .collect::<TensorResult<_>>()
            .map_err(fault::tensor)?;
        let loss = apart + learnt.iter().map(|(loss, _)| loss).sum::<f64>();
        let mut shards: Vec<Vec<Vec<f32>>> = learnt.into_iter().map(|(_, gradients)| gradients).collect();
        let mut gradients = shards.swap_remove(0);
        for shard in &shards {
            gradients
                .par_iter_mut()
                .zip(shard)
                .for_each(|(sum, part)| sum.iter_mut().zip(part).for_each(|(sum, g)| *sum += g));
        }
        self.steps += 1;
        let TuneOptions { clip, weight_decay, .. } = self.options;
        adam::step(&mut self.parameters, &gradients, self.steps, share, clip, weight_decay)
            .map_err(fault::tensor)?;
        Ok(loss)
    }

    /// The contrastive part of the loss, and its gradient for each pooled vector: empty ones where it has no share.
    fn pulls(&self, batch: &[Example<'_>], a_shard: usize) -> TensorResult<(f64, Vec<Vec<f32>>)> {
        let (scale, share) = (self.options.scale, self.options.contrast);
        if share == 0.0 {
            return Ok((0.0, vec![Vec::new(); batch.len()]));
        }
        let vectors = |shard: &[Example<'_>]| {
            let pooled = self.pooled(&shard.iter().map(|e| e.ids).collect::<Vec<_>>())?;
            (pooled / scale)?.to_vec2::<f32>()
        };
        let vectors: Vec<Vec<Vec<f32>>> =
            batch.par_chunks(a_shard).map(vectors).collect::<TensorResult<_>>()?;
        let shares: Vec<f64> = self.heads.iter().map(|head| share * head.share).collect();
        let (loss, mut pulls) = contrast(batch, &vectors.concat(), &shares);
        pulls.iter_mut().flatten().for_each(|x| *x /= scale as f32);
        Ok((loss, pulls))
    }

    /// The heads' part of the loss in one shard, and the gradient for each parameter of it and of what `pulls` at the
    /// pooled vectors.
    fn gradients(
        &self,
        shard: &[Example<'_>],
        counts: &[usize],
        pulls: &[Vec<f32>],
    ) -> TensorResult<(f64, Vec<Vec<f32>>)> {
        let pooled = self.pooled(&shard.iter().map(|e| e.ids).collect::<Vec<_>>())?;
        let mut loss: Option<Tensor> = None;
        for (task, (head, &count)) in self.heads.iter().zip(counts).enumerate() {
            let (rows, labels) = labelled(shard, task);
            if rows.is_empty() {
                continue;
            }
            let n = rows.len();
            let rows = Tensor::from_vec(rows, n, &self.device)?;
            let labels = Tensor::from_vec(labels, (n, 1), &self.device)?;
            let log_p = self.log_probabilities(head, &pooled.index_select(&rows, 0)?)?;
            let smoothing = self.options.label_smoothing;
            let mut nll = (log_p.gather(&labels, 1)?.sum_all()? * -(1.0 - smoothing))?;
            if smoothing > 0.0 {
                nll = (nll - (log_p.mean(1)?.sum_all()? * smoothing)?)?;
            }
            let part = (nll * ((1.0 - self.options.contrast) * head.share / count as f64))?;
            loss = Some(match loss {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        let Some(loss) = loss else {
            let zeros = self.parameters.iter().map(|p| vec![0.0; p.len()]).collect();
            return Ok((0.0, zeros));
        };
        let told = f64::from(loss.to_scalar::<f32>()?);
        let pulled = match pulls.concat() {
            none if none.is_empty() => loss,
            // Its value says nothing; its gradient is the pulls.
            pulls => {
                (loss + (&pooled * Tensor::from_vec(pulls, pooled.shape(), &self.device)?)?.sum_all()?)?
            }
        };
        let mut store = pulled.backward()?;
        let gradient = |p: &Parameter| match store.remove(p.tensor()) {
            Some(gradient) => gradient.flatten_all()?.to_vec1(),
            None => Ok(vec![0.0; p.len()]),
        };
        let gradients = self.parameters.iter().map(gradient).collect::<TensorResult<_>>()?;
        Ok((told, gradients))
    }

    /// The log-probabilities that the present weights give the classes of each task: `[task][text][class]`, in
    /// the order of `texts`. `on_batch` hears how many texts are done and may stop it.
    ///
    /// # Errors
    /// As [`Tuner::step`]; `E_INTERRUPTED` when stopped.
    pub fn predict(
        &self,
        texts: &[&[u32]],
        on_batch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<Vec<f32>>>> {
        texts.iter().try_for_each(|ids| self.check_ids(ids))?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| (Reverse(texts[i].len()), i));
        let lengths: Vec<usize> = order.iter().map(|&i| texts[i].len()).collect();
        let mut all = vec![vec![Vec::new(); texts.len()]; self.heads.len()];
        let mut done = 0;
        for wave in batches(&lengths, PREDICT_TOKENS).chunks(2 * rayon::current_num_threads()) {
            let predict = |range: &Range<usize>| {
                let pooled =
                    self.pooled(&order[range.clone()].iter().map(|&i| texts[i]).collect::<Vec<_>>())?;
                let rows = |head| self.log_probabilities(head, &pooled)?.to_vec2::<f32>();
                self.heads.iter().map(rows).collect::<TensorResult<Vec<_>>>()
            };
            let predicted: Vec<_> =
                wave.par_iter().map(predict).collect::<TensorResult<_>>().map_err(fault::tensor)?;
            for (range, tasks) in wave.iter().zip(predicted) {
                for (all, rows) in all.iter_mut().zip(tasks) {
                    order[range.clone()].iter().zip(rows).for_each(|(&i, row)| all[i] = row);
                }
                done += range.len();
            }
            if on_batch(done).is_break() {
                return Err(fault::interrupted("fine-tuning"));
            }
        }
        Ok(all)
    }

    /// The pooled vectors as the encoder gives them, times the scale: `(n, hidden)`.
    fn pooled(&self, batch: &[&[u32]]) -> TensorResult<Tensor> {
        let pooled = self.bert.pooled(batch)?;
        let pooled = match self.manifest.normalise {
            true => pooled.broadcast_div(&(pooled.sqr()?.sum_keepdim(D::Minus1)? + 1e-24)?.sqrt()?)?,
            false => pooled,
        };
        pooled * self.options.scale
    }

    fn log_probabilities(&self, head: &Head, pooled: &Tensor) -> TensorResult<Tensor> {
        let logits = pooled.matmul(&head.weight)?.broadcast_add(&head.bias)?;
        candle_nn::ops::log_softmax(&logits, D::Minus1)
    }

    fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let fault = |problem: String| Err(fault::model(&self.manifest.name, problem));
        if ids.is_empty() || ids.len() > self.tokenizer.max_tokens() {
            return fault(format!("{} tokens, not 1 to {}", ids.len(), self.tokenizer.max_tokens()));
        }
        match ids.iter().find(|&&id| id as usize >= self.vocabulary) {
            Some(id) => fault(format!("token id {id}, but the vocabulary has {}", self.vocabulary)),
            None => Ok(()),
        }
    }

    fn check(&self, examples: &[Example<'_>]) -> Result<()> {
        let fault = |problem: String| Err(fault::model(&self.manifest.name, problem));
        for e in examples {
            self.check_ids(e.ids)?;
            if e.labels.len() != self.heads.len() {
                return fault(format!("labels of {} tasks, not {}", e.labels.len(), self.heads.len()));
            }
            for (label, head) in e.labels.iter().zip(&self.heads) {
                let classes = head.bias.elem_count();
                if let Some(label) = label.filter(|&l| l as usize >= classes) {
                    return fault(format!("label {label} of {classes} classes"));
                }
            }
        }
        Ok(())
    }

    /// Writes the encoder as it is now into the folder `dir`, which is made: a model of float32 weights, to be
    /// computed in `precision`. Returns its manifest, which names no source, since there is none.
    ///
    /// # Errors
    /// `E_IO` when it can't be written.
    pub fn export(&self, dir: &Path, precision: Precision) -> Result<Manifest> {
        checkpoint::export(self, dir, precision)
    }

    /// Writes all that learning needs to go on from here into the file `path`, by atomic rename, with a `note` of
    /// the caller's.
    ///
    /// # Errors
    /// `E_IO` when it can't be written.
    pub fn save(&self, path: &Path, note: &str) -> Result<()> {
        checkpoint::save(self, path, note)
    }

    /// Goes on from what [`Tuner::save`] wrote at `path` for the same model, tasks and options, and returns the
    /// note.
    ///
    /// # Errors
    /// `E_IO` when it can't be read, `E_MODEL` when it is of another model, or damaged; nothing has changed
    /// then.
    pub fn restore(&mut self, path: &Path) -> Result<String> {
        checkpoint::restore(self, path)
    }
}

/// The rows of `examples` that have a label of `task`, and their labels.
fn labelled(examples: &[Example<'_>], task: usize) -> (Vec<u32>, Vec<u32>) {
    let of = |(row, e): (usize, &Example<'_>)| e.labels[task].map(|label| (row as u32, label));
    examples.iter().enumerate().filter_map(of).unzip()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use firstline_fault::Code;

    use super::*;
    use crate::{Encoder, write_tiny};

    const OPTIONS: TuneOptions = TuneOptions {
        frozen_share: 0.5,
        rate: 3e-3,
        head_rate: 1e-2,
        layer_decay: 0.9,
        weight_decay: 0.01,
        label_smoothing: 0.0,
        contrast: 0.0,
        scale: 10.0,
        clip: 1.0,
    };
    const TASKS: [(usize, f64); 2] = [(3, 0.7), (2, 0.3)];

    /// Texts whose class in the first task their last word says, and whether they are long in the second; every
    /// fifth lacks the first label.
    struct Toy {
        dir: TempDir,
        manifest: Manifest,
        tuner: Tuner,
        texts: Vec<(Tokens, [Option<u32>; 2])>,
    }

    impl Toy {
        fn new(options: TuneOptions) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let manifest = write_tiny(dir.path(), 5).unwrap();
            let tuner = Tuner::open(dir.path(), &manifest, &TASKS, options).unwrap();
            let text = |i: usize| {
                let class = i * 7 % 3;
                let text =
                    format!("{} {}", "please help ".repeat(1 + i % 11), ["printer", "vpn", "mail"][class]);
                let labels = [(!i.is_multiple_of(5)).then_some(class as u32), Some(u32::from(i % 11 > 5))];
                (tuner.tokenize(&text).unwrap(), labels)
            };
            let texts = (0..48).map(text).collect();
            Self { dir, manifest, texts, tuner }
        }

        fn examples(texts: &[(Tokens, [Option<u32>; 2])]) -> Vec<Example<'_>> {
            texts.iter().map(|(tokens, labels)| Example { ids: &tokens.ids, labels }).collect()
        }

        fn train(&mut self, epochs: usize) -> Vec<f64> {
            let examples = Self::examples(&self.texts);
            (0..epochs).flat_map(|_| examples.chunks(16)).map(|b| self.tuner.step(b, 1.0).unwrap()).collect()
        }

        /// Labelled texts, those whose label is the most probable, and their mean log loss, for each task.
        fn score(&self) -> Vec<(usize, usize, f64)> {
            let ids: Vec<&[u32]> = self.texts.iter().map(|(t, _)| t.ids.as_slice()).collect();
            let predicted = self.tuner.predict(&ids, &mut |_| ControlFlow::Continue(())).unwrap();
            let score = |(task, rows): (usize, &Vec<Vec<f32>>)| {
                let of = rows.iter().zip(&self.texts).filter_map(|(p, (_, l))| Some((p, l[task]? as usize)));
                let (mut n, mut hits, mut loss) = (0, 0, 0.0);
                for (log_p, label) in of {
                    n += 1;
                    hits += usize::from(log_p.iter().all(|&p| p <= log_p[label]));
                    loss -= f64::from(log_p[label]);
                }
                (n, hits, loss / n as f64)
            };
            predicted.iter().enumerate().map(score).collect()
        }

        fn values(&self) -> Vec<Vec<f32>> {
            self.tuner.parameters.iter().map(|p| p.values().unwrap()).collect()
        }
    }

    #[test]
    fn it_learns_both_tasks() {
        let mut toy = Toy::new(OPTIONS);
        let before = toy.score();
        assert!((before[0].2 - 3f64.ln()).abs() < 1e-5 && (before[1].2 - 2f64.ln()).abs() < 1e-5);
        assert_eq!((before[0].0, before[1].0), (38, 48));
        toy.train(40);
        let after = toy.score();
        assert!(after.iter().all(|&(n, hits, loss)| hits == n && loss < 0.1), "{after:?}");
    }

    #[test]
    fn the_first_loss_is_that_of_guessing_whatever_the_shards() {
        let mut toy = Toy::new(OPTIONS);
        let want = 0.7 * 3f64.ln() + 0.3 * 2f64.ln();
        let all = Toy::examples(&toy.texts);
        assert!(all.iter().map(|e| e.ids.len()).sum::<usize>() > 2 * SHARD_TOKENS);
        assert!((toy.tuner.step(&all, 1.0).unwrap() - want).abs() < 1e-5);
        let unlabelled: Vec<_> = all.iter().map(|e| Example { labels: &[None, None], ..*e }).collect();
        let before = toy.tuner.parameters.iter().map(|p| p.values().unwrap()).collect::<Vec<_>>();
        assert_eq!(toy.tuner.step(&unlabelled, 1.0).unwrap(), 0.0);
        assert_eq!(before, toy.values());
    }

    #[test]
    fn any_number_of_threads_gives_the_same_weights() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut toy = Toy::new(OPTIONS);
                (toy.train(3), toy.values())
            })
        };
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn what_is_exported_is_what_was_learnt() {
        let mut toy = Toy::new(OPTIONS);
        toy.train(10);
        let out = toy.dir.path().join("tuned");
        let manifest = toy.tuner.export(&out, Precision::F32).unwrap();
        assert_ne!(manifest.fingerprint(), toy.manifest.fingerprint());
        let encoder = Encoder::load(&out, &manifest).unwrap();
        let ids: Vec<&[u32]> = toy.texts.iter().map(|(t, _)| t.ids.as_slice()).collect();
        let want = toy.tuner.pooled(&ids).unwrap().to_vec2::<f32>().unwrap();
        let tokens: Vec<Tokens> = toy.texts.iter().map(|(t, _)| t.clone()).collect();
        let got = encoder.embed_tokens(&tokens).unwrap();
        for (got, want) in got.chunks_exact(manifest.dimensions).zip(&want) {
            assert!(got.iter().zip(want).all(|(g, w)| (g * OPTIONS.scale as f32 - w).abs() < 1e-4));
        }
        let old = Encoder::load(toy.dir.path(), &toy.manifest).unwrap().embed_tokens(&tokens).unwrap();
        assert!(got.iter().zip(&old).any(|(a, b)| (a - b).abs() > 0.05), "it learnt something");
    }

    #[test]
    fn contrast_draws_a_class_together() {
        let mut toy = Toy::new(TuneOptions { contrast: 0.5, ..OPTIONS });
        let near = |toy: &Toy| {
            let ids: Vec<&[u32]> = toy.texts.iter().map(|(t, _)| t.ids.as_slice()).collect();
            let vectors = (toy.tuner.pooled(&ids).unwrap() / OPTIONS.scale).unwrap().to_vec2().unwrap();
            contrast(&Toy::examples(&toy.texts), &vectors, &[1.0, 0.0]).0
        };
        let before = near(&toy);
        toy.train(20);
        let after = near(&toy);
        assert!(after < before - 0.5, "{before} {after}");
        let score = toy.score();
        assert!(score.iter().all(|&(n, hits, _)| hits == n), "the heads learn beside it: {score:?}");
    }

    #[test]
    fn frozen_layers_stay() {
        let mut toy = Toy::new(OPTIONS);
        let weights = |toy: &Toy| -> Vec<(String, Vec<f32>)> {
            let values = |t: Tensor| t.flatten_all().unwrap().to_vec1().unwrap();
            toy.tuner.bert.parameters().unwrap().into_iter().map(|(name, t)| (name, values(t))).collect()
        };
        let before = weights(&toy);
        toy.train(2);
        for ((name, old), (_, new)) in before.iter().zip(weights(&toy)) {
            assert_eq!(*old != new, name.starts_with("encoder.layer.1"), "{name}");
        }
    }

    #[test]
    fn a_restored_checkpoint_goes_on_as_if_never_stopped() {
        let mut whole = Toy::new(OPTIONS);
        whole.train(2);
        let path = whole.dir.path().join("checkpoint");
        whole.tuner.save(&path, "half way").unwrap();
        whole.train(2);
        let mut resumed = Toy::new(OPTIONS);
        assert_eq!(resumed.tuner.restore(&path).unwrap(), "half way");
        assert_eq!(resumed.tuner.steps(), 6);
        resumed.train(2);
        assert_eq!(whole.values(), resumed.values());

        let mut other = Toy::new(TuneOptions { rate: 1e-3, ..OPTIONS });
        assert!(
            other.tuner.restore(&path).unwrap_err().to_string().contains("another model, tasks or settings")
        );
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(resumed.tuner.restore(&path).unwrap_err().code(), Some(Code::Model));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut toy = Toy::new(OPTIONS);
        let bad: [(&[u32], &[Option<u32>]); 5] = [
            (&[], &[None, None]),
            (&[1; 1000], &[None, None]),
            (&[u32::MAX], &[None, None]),
            (&[1], &[None]),
            (&[1], &[Some(3), None]),
        ];
        for (ids, labels) in bad {
            assert_eq!(
                toy.tuner.step(&[Example { ids, labels }], 1.0).unwrap_err().code(),
                Some(Code::Model)
            );
        }
    }
}
