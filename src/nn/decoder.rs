//! A decoder of the Llama family: Llama (Touvron et al., arXiv 2302.13971) and Qwen2 (arXiv 2407.10671), read from a GGUF
//! file. On the CPU it runs on the kernels for quantised blocks: weights stay quantised as the file has them, activations
//! are quantised row by row, keys and values are kept in float16, all else is float32. On a GPU, where this build can use
//! one, it runs on candle (`decoder/tensors.rs`).
//!
//! On the CPU a row's logits do not depend on what else is computed beside it: reading a prompt in pieces of any size,
//! alone or with other sequences, on any number of threads, gives the same to the bit. On a GPU last digits may differ.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use candle_core::Device;
use firstline_kernels::{
    Before, BlockLinear, Columns, Epilogue, GROUP, GroupedRows, Isa, KEY_BLOCK, Team, attend, block_linear,
    keep, padded, quantise_groups,
};

use crate::file_copy::FileCopy;
use crate::gguf::{Gguf, TensorAt};
use crate::vocabulary::Vocabulary;
use crate::{device, fault, hash};
use firstline_fault::{Code, Result};

mod clock;
mod pack;
pub(crate) mod parts;
pub(crate) mod shape;
mod tensors;
#[cfg(test)]
mod tests;

use clock::{Clock, Stage};
use pack::{MatrixAt, Pack, Plan};
use parts::{MatrixIn, Parts, Weights};
use shape::Shape;
use tensors::Tensors;

/// Rows that go through the model together at most: their activations stay in the second-level cache.
const ROWS: usize = 192;
/// Bytes of keys and values that a sequence may have room for.
const MOST_KEPT: usize = 16 << 30;

/// A loaded decoder.
#[derive(Debug)]
pub struct Decoder {
    /// Of its own in this process: sequences carry it.
    id: u64,
    /// sha256 of the GGUF file.
    sha256: String,
    /// The embeddings as the file has them, which is let go.
    embeddings: Box<[u8]>,
    vocabulary: Vocabulary,
    shape: Shape,
    embedding: TensorAt,
    network: Network,
}

#[derive(Debug)]
enum Network {
    /// Our own kernels, on the CPU.
    Kernels(Box<Kernels>),
    /// candle, on a GPU; in tests on the CPU.
    Tensors(Tensors),
}

/// What a [`Network`] is made for.
enum Target {
    Kernels { isa: Isa, threads: usize },
    Tensors(Device),
}

/// The model on the kernels.
#[derive(Debug)]
struct Kernels {
    pack: Pack,
    isa: Isa,
    shape: Shape,
    weights: Weights<MatrixAt, Vec<f32>>,
    workspace: Mutex<Workspace>,
}

/// What was read so far: a sequence of tokens and what the model keeps of them.
#[derive(Debug, Clone)]
pub struct Sequence {
    decoder: u64,
    tokens: Vec<u32>,
    limit: usize,
    /// For each layer, keys and values: for each head, of `room` tokens. Empty where the decoder runs on tensors.
    kept: Vec<[Vec<u16>; 2]>,
    room: usize,
    /// The same on tensors. Empty where the decoder runs on the kernels.
    kept_tensors: tensors::Kept,
}

impl Sequence {
    /// The tokens read so far.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many tokens it can hold.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Forgets all tokens after the first `n`.
    pub fn truncate(&mut self, n: usize) {
        self.tokens.truncate(n);
    }

    /// Keeps of what was read the longest beginning that `prompt` begins with too, but for `prompt`'s last token, and
    /// returns what is still to be read of `prompt`: nothing that two prompts share is read twice.
    pub fn reuse<'a>(&mut self, prompt: &'a [u32]) -> &'a [u32] {
        self.truncate(self.shared(prompt));
        &prompt[self.tokens.len()..]
    }

    /// How many tokens of `prompt` need not be read again.
    pub fn shared(&self, prompt: &[u32]) -> usize {
        let same = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        same.min(prompt.len().saturating_sub(1))
    }
}

/// Room that is kept between forwards, and the threads.
#[derive(Debug)]
struct Workspace {
    clock: Clock,
    team: Team,
    x: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    mixed: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    rows: GroupedRows,
    /// For each row, cosines and sines of its position's angles.
    angles: Vec<[f32; 2]>,
    /// As many as threads attend at once.
    scratch: Mutex<Vec<Scratch>>,
}

/// What one thread needs to attend.
#[derive(Debug, Default)]
struct Scratch {
    q: Vec<f32>,
    out: Vec<f32>,
    scores: Vec<f32>,
}

impl Decoder {
    /// Opens the GGUF file at `path` on the best device. On the CPU it runs on `threads` threads; the first time its
    /// weights are laid out for the kernels, which takes seconds, and kept beside it as a `.pack` where the folder can be
    /// written. On a GPU they are copied into its memory at each start. That path was tested on the CPU only.
    ///
    /// # Errors
    /// `E_IO` when it can't be read; `E_MODEL` when it is damaged, or of an architecture or form that is not supported,
    /// which is named, or the GPU does not take it; `E_CONFIG` for an instruction set that is not there.
    pub fn open(path: &Path, threads: usize) -> Result<Self> {
        let device = device();
        if !device.is_cpu() {
            return Self::open_on(path, Target::Tensors(device));
        }
        let isa = Isa::chosen().map_err(|e| {
            fault::user(Code::Config, firstline_kernels::ISA_VARIABLE, e, "Unset it, or name one of these")
        })?;
        Self::open_on(path, Target::Kernels { isa, threads })
    }

    fn open_on(path: &Path, target: Target) -> Result<Self> {
        let place = path.display().to_string();
        let io = |e: std::io::Error| fault::io(&place, &e);
        let file = FileCopy::read(path).map_err(io)?;
        let gguf = Gguf::parse(&file, &place)?;
        let Parts { shape, weights, embedding } = Parts::read(&gguf, &file, &place)?;
        let (vocabulary_read, sha256, network) = std::thread::scope(|scope| {
            let sha256 = scope.spawn(|| hash::of_bytes(&file));
            let vocabulary = scope.spawn(|| parts::vocabulary(&gguf, &shape, &place));
            let network = match target {
                Target::Kernels { isa, threads } => {
                    Kernels::open(path, &file, weights, &shape, (isa, threads))
                        .map(|kernels| Network::Kernels(Box::new(kernels)))
                }
                Target::Tensors(device) => {
                    Tensors::load(&file, weights, &shape, device).map(Network::Tensors)
                }
            };
            let sha256 = sha256.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
            (vocabulary.join().unwrap_or_else(|e| std::panic::resume_unwind(e)), sha256, network)
        });
        let (vocabulary, network) = (vocabulary_read?, network?);
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let embeddings = file[embedding.bytes.clone()].into();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self { id, sha256, embeddings, vocabulary, shape, embedding, network })
    }

    /// sha256 of the file that it was read from, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Tokens that it was trained to read at most.
    pub fn context(&self) -> usize {
        self.shape.context
    }

    /// Time that all reading so far took, part by part; nothing of a GPU, which works behind the clock's back.
    pub fn spent(&self) -> Vec<(&'static str, Duration)> {
        match &self.network {
            Network::Kernels(kernels) => {
                kernels.workspace.lock().unwrap_or_else(PoisonError::into_inner).clock.spent()
            }
            Network::Tensors(_) => Vec::new(),
        }
    }

    /// An empty sequence for at most `limit` tokens, and no more than [`Self::context`], or than 16 GiB hold what is kept
    /// of. Its memory is taken as it fills.
    pub fn sequence(&self, limit: usize) -> Sequence {
        let values = 2 * self.shape.layers * self.shape.kept_heads * self.shape.size;
        let each = match self.network {
            Network::Kernels(_) => values * size_of::<u16>(),
            Network::Tensors(_) => values * size_of::<f32>(),
        };
        let limit = limit.min(self.shape.context).min(MOST_KEPT / each).max(1);
        let mut sequence = Sequence {
            decoder: self.id,
            tokens: Vec::new(),
            limit,
            kept: Vec::new(),
            room: limit.next_multiple_of(KEY_BLOCK),
            kept_tensors: tensors::Kept::default(),
        };
        if let Network::Kernels(_) = self.network {
            let n = sequence.room * self.shape.kept_heads * self.shape.size;
            sequence.kept = (0..self.shape.layers).map(|_| [vec![0; n], vec![0; n]]).collect();
        }
        sequence
    }

    /// Reads more tokens of each sequence and returns the logits that follow the last token of each:
    /// `sequences x vocabulary`.
    ///
    /// # Errors
    /// `E_INPUT` when nothing is to be read of a sequence, a token is not in the vocabulary, or a sequence has no room for
    /// what is to be read; nothing was read then.
    pub fn read(&self, batch: &mut [(&mut Sequence, &[u32])]) -> Result<Vec<f32>> {
        for (sequence, tokens) in &*batch {
            self.check(sequence, sequence.tokens.len(), tokens)?;
        }
        match &self.network {
            Network::Kernels(kernels) => self.read_together(kernels, batch),
            Network::Tensors(tensors) => self.read_in_turn(tensors, batch),
        }
    }

    /// [`Self::read`] on tensors: one sequence after the other.
    fn read_in_turn(&self, tensors: &Tensors, batch: &mut [(&mut Sequence, &[u32])]) -> Result<Vec<f32>> {
        let hidden = self.shape.hidden;
        let mut logits = Vec::with_capacity(batch.len() * self.shape.vocabulary);
        for (sequence, tokens) in batch {
            let mut last = None;
            for part in tokens.chunks(tensors::ROWS) {
                let mut x = vec![0.0; part.len() * hidden];
                self.embed(part, &mut x);
                last = Some(tensors.forward(x, sequence)?);
                sequence.tokens.extend(part);
            }
            if let Some(x) = last {
                logits.extend(tensors.logits(&x)?);
            }
        }
        Ok(logits)
    }

    /// [`Self::read`] on the kernels: the sequences side by side.
    fn read_together(&self, kernels: &Kernels, batch: &mut [(&mut Sequence, &[u32])]) -> Result<Vec<f32>> {
        let mut workspace = kernels.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        let mut logits = vec![0.0; batch.len() * self.shape.vocabulary];
        let mut left: Vec<&[u32]> = batch.iter().map(|(_, tokens)| *tokens).collect();
        while left.iter().any(|tokens| !tokens.is_empty()) {
            // Fair shares of the rows, so that several sequences are read side by side.
            let open = left.iter().filter(|tokens| !tokens.is_empty()).count();
            let share = (ROWS / open).max(1);
            let mut part = Vec::new();
            for (i, ((sequence, _), left)) in batch.iter_mut().zip(&mut left).enumerate() {
                let taken: usize = part.iter().map(|p: &Part<'_>| p.tokens.len()).sum();
                let n = share.min(left.len()).min(ROWS.saturating_sub(taken));
                if n > 0 {
                    let (now, later) = left.split_at(n);
                    *left = later;
                    part.push(Part { sequence, tokens: now, logits_of: later.is_empty().then_some(i) });
                }
            }
            let rows = part.iter().map(|p| p.tokens.len()).sum::<usize>();
            workspace.clock.start();
            workspace.x.resize(rows * self.shape.hidden, 0.0);
            self.embed(part.iter().flat_map(|p| p.tokens), &mut workspace.x);
            kernels.forward(&mut workspace, &mut part, &mut logits)?;
        }
        Ok(logits)
    }

    /// Whether `tokens` can be read after the first `n` of `sequence`.
    pub(crate) fn check(&self, sequence: &Sequence, n: usize, tokens: &[u32]) -> Result<()> {
        let fault = |problem: String, next| Err(fault::user(Code::Input, "prompt", problem, next));
        if sequence.decoder != self.id {
            return fault("a sequence of another decoder".to_owned(), "Ask this one for a sequence");
        }
        if tokens.is_empty() {
            return fault("no token to read".to_owned(), "Give a text");
        }
        if let Some(token) = tokens.iter().find(|&&t| t as usize >= self.shape.vocabulary) {
            let problem = format!("token {token} of {} known", self.shape.vocabulary);
            return fault(problem, "Use the model's own tokenizer");
        }
        let all = n + tokens.len();
        if all > sequence.limit {
            let problem = format!("{all} tokens, {} are the limit", sequence.limit);
            return fault(problem, "Shorten it, or allow more where the model can read more");
        }
        Ok(())
    }

    /// Writes the embeddings of `tokens` into `x`, `tokens x hidden`.
    fn embed<'a>(&self, tokens: impl IntoIterator<Item = &'a u32>, x: &mut [f32]) {
        let (table, kind) = (&self.embeddings, self.embedding.kind);
        let bytes = table.len() / self.shape.vocabulary;
        for (row, &token) in x.chunks_exact_mut(self.shape.hidden).zip(tokens) {
            let from = &table[token as usize * bytes..][..bytes];
            for (group, to) in row.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
                *to = kind.group(from, group).weights(kind.form());
            }
        }
    }
}

impl Kernels {
    /// Lays `weights`, which lie in `file`, the content of the file at `path`, out for the kernels, or maps what was laid
    /// out before.
    fn open(
        path: &Path,
        file: &[u8],
        weights: Weights<MatrixIn, Vec<f32>>,
        shape: &Shape,
        (isa, threads): (Isa, usize),
    ) -> Result<Self> {
        let mut plan = Plan::default();
        let weights = weights.map(|at| Ok(plan.add(&at.tensor, at.heads_of)), Ok)?;
        let pack = Pack::open(path, file, &plan, shape)?;
        let team = Team::new(threads.max(1));
        let workspace = Workspace {
            clock: Clock::default(),
            scratch: Mutex::default(),
            team,
            x: Vec::new(),
            q: Vec::new(),
            k: Vec::new(),
            v: Vec::new(),
            mixed: Vec::new(),
            gate: Vec::new(),
            up: Vec::new(),
            rows: GroupedRows::default(),
            angles: Vec::new(),
        };
        Ok(Self { pack, isa, shape: shape.clone(), weights, workspace: Mutex::new(workspace) })
    }

    /// Reads the parts, whose embeddings are in the workspace and whose clock has started, and writes the logits that are asked for.
    fn forward(&self, w: &mut Workspace, parts: &mut [Part<'_>], logits: &mut [f32]) -> Result<()> {
        let Shape { hidden, wide, heads, kept_heads, size, vocabulary, eps, .. } = self.shape;
        let rows: usize = parts.iter().map(|p| p.tokens.len()).sum();
        let Workspace { clock, team, x, q, k, v, mixed, gate, up, rows: grouped, angles, scratch } = w;
        let isa = self.isa;
        let resize = |to: &mut Vec<f32>, width: usize| to.resize(rows * width, 0.0);
        for to in [&mut *gate, &mut *up] {
            resize(to, wide);
        }
        for (to, width) in
            [(&mut *q, heads), (&mut *mixed, heads), (&mut *k, kept_heads), (&mut *v, kept_heads)]
        {
            resize(to, width * size);
        }
        angles.clear();
        for part in &*parts {
            let read = part.sequence.tokens.len();
            angles.extend(self.shape.angles(read..read + part.tokens.len()));
        }
        clock.lap(Stage::Embed);
        for (i, layer) in self.weights.layers.iter().enumerate() {
            quantise(isa, team, x, Before::RmsNorm { weight: &layer.norm, eps }, hidden, grouped);
            clock.lap(Stage::Quantise);
            let [of_q, of_k, of_v] = &layer.qkv;
            self.linear(team, grouped, [(of_q, &mut *q), (of_k, &mut *k), (of_v, &mut *v)], Epilogue::Store)?;
            if let Some(bias) = &layer.bias {
                for (to, bias) in [&mut *q, &mut *k, &mut *v].into_iter().zip(bias) {
                    to.chunks_exact_mut(bias.len()).for_each(|row| {
                        row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
                    });
                }
            }
            clock.lap(Stage::Qkv);
            self.keep(parts, i, [&mut *q, &mut *k, &mut *v], angles);
            clock.lap(Stage::Keep);
            self.attend(team, parts, i, q, mixed, scratch);
            clock.lap(Stage::Attend);
            quantise(isa, team, mixed, Before::Nothing, heads * size, grouped);
            clock.lap(Stage::Quantise);
            self.linear(team, grouped, [(&layer.output, &mut *x)], Epilogue::Add)?;
            clock.lap(Stage::Output);
            quantise(isa, team, x, Before::RmsNorm { weight: &layer.wide_norm, eps }, hidden, grouped);
            clock.lap(Stage::Quantise);
            self.linear(team, grouped, [(&layer.gate, &mut *gate), (&layer.up, &mut *up)], Epilogue::Store)?;
            clock.lap(Stage::Wide);
            quantise(isa, team, gate, Before::SwiGlu { up }, wide, grouped);
            clock.lap(Stage::Quantise);
            self.linear(team, grouped, [(&layer.down, &mut *x)], Epilogue::Add)?;
            clock.lap(Stage::Down);
        }
        // The last rows of those that are read to their end.
        let (mut row, mut last, mut to) = (0, Vec::new(), Vec::new());
        for part in &mut *parts {
            row += part.tokens.len();
            part.sequence.tokens.extend(part.tokens);
            if let Some(i) = part.logits_of {
                last.extend_from_slice(&x[(row - 1) * hidden..row * hidden]);
                to.push(i);
            }
        }
        if !to.is_empty() {
            quantise(isa, team, &last, Before::RmsNorm { weight: &self.weights.norm, eps }, hidden, grouped);
            let width = padded(vocabulary);
            let mut out = vec![0.0; to.len() * width];
            self.linear(team, grouped, [(&self.weights.head, &mut out)], Epilogue::Store)?;
            for (row, i) in out.chunks_exact(width).zip(to) {
                logits[i * vocabulary..][..vocabulary].copy_from_slice(&row[..vocabulary]);
            }
        }
        clock.lap(Stage::Head);
        Ok(())
    }

    /// Products of the rows with several matrices at once.
    fn linear<const N: usize>(
        &self,
        team: &mut Team,
        rows: &GroupedRows,
        products: [(&MatrixAt, &mut Vec<f32>); N],
        epilogue: Epilogue,
    ) -> Result<()> {
        let mut parts: Vec<(BlockLinear<'_>, Columns<'_>)> = Vec::new();
        for (at, out) in products {
            let layer = self.pack.matrix(at)?;
            let width = padded(layer.outputs());
            // Several parts a thread, so that none waits long for another.
            let share = (width / 16).div_ceil(4 * team.threads()).max(2) * 16;
            parts.extend(Columns::new(out, width).parts(share).into_iter().map(|part| (layer, part)));
        }
        team.run(&mut parts, |(layer, out)| block_linear(self.isa, rows, *layer, epilogue, out));
        Ok(())
    }

    /// Turns queries and keys by their positions, and keeps keys and values.
    fn keep(&self, parts: &mut [Part<'_>], layer: usize, [q, k, v]: [&mut [f32]; 3], angles: &[[f32; 2]]) {
        let Shape { heads, kept_heads, size, .. } = self.shape;
        let (all, kept) = (heads * size, kept_heads * size);
        for (row, (q, k)) in q.chunks_exact_mut(all).zip(k.chunks_exact_mut(kept)).enumerate() {
            let angles = &angles[row * size / 2..][..size / 2];
            q.chunks_exact_mut(size).chain(k.chunks_exact_mut(size)).for_each(|head| turned(head, angles));
        }
        let mut row = 0;
        for part in &mut *parts {
            let room = part.sequence.room * size;
            let [keys, values] = &mut part.sequence.kept[layer];
            for i in 0..part.tokens.len() {
                let position = part.sequence.tokens.len() + i;
                for head in 0..kept_heads {
                    let (keys, values) =
                        (&mut keys[head * room..][..room], &mut values[head * room..][..room]);
                    let of = (row + i) * kept + head * size..(row + i) * kept + (head + 1) * size;
                    keep(self.isa, keys, values, position, &k[of.clone()], &v[of]);
                }
            }
            row += part.tokens.len();
        }
    }

    /// Attends to what is kept.
    fn attend(
        &self,
        team: &mut Team,
        parts: &[Part<'_>],
        layer: usize,
        q: &[f32],
        mixed: &mut [f32],
        scratch: &Mutex<Vec<Scratch>>,
    ) {
        let Shape { heads, kept_heads, size, .. } = self.shape;
        let (all, group) = (heads * size, heads / kept_heads);
        // Work: a head of keys, and some rows of a sequence.
        let (mut work, mut first) = (Vec::new(), 0);
        let mut columns = Columns::new(mixed, all).parts(group * size);
        let mut left: Vec<_> = columns.drain(..).map(|c| c.row_parts(1)).collect();
        for part in parts {
            let n = part.tokens.len();
            for (head, left) in left.iter_mut().enumerate() {
                let mut out: Vec<Columns<'_>> = left.drain(..n).collect();
                let mut at = 0;
                while !out.is_empty() {
                    let rows = ATTENDED.min(out.len());
                    let out: Vec<Columns<'_>> = out.drain(..rows).collect();
                    work.push(Heads { part, head, first: first + at, from: at, out });
                    at += rows;
                }
            }
            first += n;
        }
        team.run(&mut work, |work| {
            let room = work.part.sequence.room * size;
            let [keys, values] = &work.part.sequence.kept[layer];
            let (keys, values) = (&keys[work.head * room..][..room], &values[work.head * room..][..room]);
            let free = || scratch.lock().unwrap_or_else(PoisonError::into_inner);
            let mut room_of_mine = free().pop().unwrap_or_default();
            let Scratch { q: mine, out, scores } = &mut room_of_mine;
            mine.clear();
            let mut limits = Vec::with_capacity(work.out.len() * group);
            for r in 0..work.out.len() {
                let at = (work.first + r) * all + work.head * group * size;
                mine.extend_from_slice(&q[at..at + group * size]);
                limits
                    .extend(std::iter::repeat_n(work.part.sequence.tokens.len() + work.from + r + 1, group));
            }
            out.resize(mine.len(), 0.0);
            attend(self.isa, size, mine, &limits, keys, values, scores, out);
            for (to, from) in work.out.iter_mut().zip(out.chunks_exact(group * size)) {
                to.row(0).copy_from_slice(from);
            }
            free().push(room_of_mine);
        });
    }
}

/// Rows that one thread attends to at a time.
const ATTENDED: usize = 16;

/// A sequence, what is read of it now, and which logits are asked for.
struct Part<'a> {
    sequence: &'a mut Sequence,
    tokens: &'a [u32],
    logits_of: Option<usize>,
}

/// Some rows of a sequence and the query heads that share a head of keys.
struct Heads<'a> {
    part: &'a Part<'a>,
    head: usize,
    /// The first row of all rows, and of the sequence's.
    first: usize,
    from: usize,
    out: Vec<Columns<'a>>,
}

/// Turns a head's pairs of values, half a head apart (Su et al., arXiv 2104.09864).
fn turned(head: &mut [f32], angles: &[[f32; 2]]) {
    let (a, b) = head.split_at_mut(angles.len());
    for ((a, b), [cos, sin]) in a.iter_mut().zip(b).zip(angles) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

/// Quantises all rows of `x`, on several threads where there are many.
fn quantise(isa: Isa, team: &mut Team, x: &[f32], before: Before<'_>, width: usize, out: &mut GroupedRows) {
    let rows = x.len() / width;
    out.reset(rows, width);
    let mut parts = out.parts(rows.div_ceil(2 * team.threads()).max(4));
    team.run(&mut parts, |part| {
        let of = part.first() * width..(part.first() + part.rows()) * width;
        let before = match before {
            Before::SwiGlu { up } => Before::SwiGlu { up: &up[of.clone()] },
            other => other,
        };
        quantise_groups(isa, &x[of], before, part);
    });
}
