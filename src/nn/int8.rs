//! A BERT encoder on the int8 kernels: the serving path. The same mathematics as the reference, with
//! quantised linear layers and, where the CPU has it, bfloat16 attention. Sequences lie one after the other
//! without padding. Working memory is kept between calls: once it has grown, a forward allocates nothing but
//! its result.

use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use firstline_kernels::{
    Activation, Epilogue, Heads, Isa, QuantisedRows, Scratch, attention, layer_norm, linear, padded, quantise,
};
use rayon::prelude::*;

use crate::config::Config;
use crate::pack::{LinearAt, Pack, SCHEME, layer_name};
use crate::{Pooling, fault};
use firstline_fault::{Code, Result};

/// Rows that go through a feed-forward layer together: few enough that what lies between its two products
/// stays in the second-level cache.
const FEED_FORWARD_ROWS: usize = 64;
/// Fewer rows than this are not split among threads: handing them over would cost more than it saves.
const LEAST_ROWS: usize = 8;

/// A loaded encoder.
#[derive(Debug)]
pub(crate) struct Int8Bert {
    pack: Pack,
    isa: Isa,
    words: Range<usize>,
    positions: Range<usize>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: Heads,
    wide: usize,
    activation: Activation,
    eps: f32,
    pooling: Pooling,
    arenas: Mutex<Vec<Arena>>,
    /// Forwards under way.
    busy: AtomicUsize,
}

#[derive(Debug)]
struct Layer {
    qkv: LinearAt,
    output: LinearAt,
    norm: Norm,
    up: LinearAt,
    down: LinearAt,
    last_norm: Norm,
}

#[derive(Debug)]
struct Norm {
    weight: Range<usize>,
    bias: Range<usize>,
}

/// Working memory of one forward.
#[derive(Debug, Default)]
struct Arena {
    /// The first row of each sequence, and the end.
    starts: Vec<usize>,
    qkv: Vec<f32>,
    parts: Vec<Part>,
}

/// Working memory of some rows.
#[derive(Debug, Default)]
struct Part {
    rows: Range<usize>,
    hidden: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
    quantised: QuantisedRows,
    scratch: Scratch,
}

impl Int8Bert {
    /// Loads the model in `dir` by its pack, which is made first where it is not there.
    ///
    /// # Errors
    /// `E_MODEL` naming the first tensor that is missing or of another shape; `E_CONFIG` when the environment
    /// asks for an instruction set that is not there.
    pub(crate) fn load(
        dir: &Path,
        config: &Config,
        pooling: Pooling,
        fingerprint: &str,
        frame: [u32; 2],
    ) -> Result<Self> {
        let isa = Isa::chosen().map_err(|problem| {
            let next = "Unset it, and the best is taken";
            fault::user(Code::Config, firstline_kernels::ISA_VARIABLE, problem, next)
        })?;
        Self::load_on(isa, dir, config, pooling, fingerprint, frame)
    }

    fn load_on(
        isa: Isa,
        dir: &Path,
        config: &Config,
        pooling: Pooling,
        fingerprint: &str,
        frame: [u32; 2],
    ) -> Result<Self> {
        let pack = Pack::open(isa, dir, config, fingerprint, frame)?;
        let (h, wide) = (config.hidden_size, config.intermediate_size);
        let norm = |name: String| -> Result<Norm> {
            Ok(Norm {
                weight: pack.floats_at(&format!("{name}.weight"), h)?,
                bias: pack.floats_at(&format!("{name}.bias"), h)?,
            })
        };
        let layer = |i: usize| -> Result<Layer> {
            Ok(Layer {
                qkv: pack.linear_at(&layer_name(i, "qkv"), h, 3 * h)?,
                output: pack.linear_at(&layer_name(i, "output"), h, h)?,
                norm: norm(format!("{i}.norm"))?,
                up: pack.linear_at(&layer_name(i, "up"), h, wide)?,
                down: pack.linear_at(&layer_name(i, "down"), wide, h)?,
                last_norm: norm(format!("{i}.last_norm"))?,
            })
        };
        Ok(Self {
            isa,
            words: pack.halves_at("words", config.vocab_size * padded(h))?,
            positions: pack.floats_at("positions", config.max_position_embeddings * padded(h))?,
            norm: norm("norm".to_owned())?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            heads: Heads { count: config.num_attention_heads, size: config.head_size() },
            wide,
            activation: config.hidden_act.kernel(),
            eps: config.layer_norm_eps as f32,
            pooling,
            arenas: Mutex::new(Vec::new()),
            busy: AtomicUsize::new(0),
            pack,
        })
    }

    /// What embeddings depend on beside the model.
    pub(crate) fn scheme(&self) -> String {
        format!("{SCHEME}{}", self.isa)
    }

    /// Embeds a batch of token sequences, none empty, all within vocabulary and positions: `n x hidden`,
    /// row-major, not normalised. The rows are split among `threads` threads, unless another forward is under way:
    /// then the threads have work enough, and one that waits for the other's share would take up a third forward
    /// before it goes on with the first.
    ///
    /// # Errors
    /// Internal, when the pack's layers are not those that were found at load.
    pub(crate) fn forward(&self, batch: &[&[u32]], threads: usize) -> Result<Vec<f32>> {
        let alone = self.busy.fetch_add(1, Ordering::Relaxed) == 0;
        let out = match threads {
            // Into the pool once, not at each of the steps that are split.
            2.. if alone => rayon::scope(|_| self.with_arena(batch, threads)),
            _ => self.with_arena(batch, 1),
        };
        self.busy.fetch_sub(1, Ordering::Relaxed);
        out
    }

    /// One forward in working memory that is kept for the next, though not more of it than there are threads.
    fn with_arena(&self, batch: &[&[u32]], threads: usize) -> Result<Vec<f32>> {
        let kept = || self.arenas.lock().map_err(|_| fault::internal("an arena's lock"));
        let mut arena = kept()?.pop().unwrap_or_default();
        let out = self.forward_in(&mut arena, batch, threads);
        let mut kept = kept()?;
        if kept.len() < rayon::current_num_threads() {
            kept.push(arena);
        }
        out
    }

    fn forward_in(&self, arena: &mut Arena, batch: &[&[u32]], threads: usize) -> Result<Vec<f32>> {
        let h = padded(self.heads.width());
        let qkv_width = padded(3 * self.heads.width());
        let mut total = 0;
        arena.starts.clear();
        arena.starts.push(0);
        arena.starts.extend(batch.iter().map(|ids| {
            total += ids.len();
            total
        }));
        let threads = threads.min(total / LEAST_ROWS).max(1);
        let share = total.div_ceil(threads);
        let count = total.div_ceil(share);
        arena.qkv.resize(total * qkv_width, 0.0);
        if arena.parts.len() < count {
            arena.parts.resize_with(count, Part::default);
        }
        let Arena { starts, qkv, parts } = arena;
        let parts = &mut parts[..count];
        for (i, part) in parts.iter_mut().enumerate() {
            part.rows = i * share..total.min((i + 1) * share);
            part.hidden.resize(part.rows.len() * h, 0.0);
            part.mixed.resize(part.rows.len() * h, 0.0);
        }
        let first = &self.layers[0];
        each(parts, qkv, share * qkv_width, |part, qkv| {
            self.embed(part, batch, starts)?;
            self.project(part, first, qkv)
        })?;
        for (i, layer) in self.layers.iter().enumerate() {
            let mixed = |part: &mut Part| self.mix(part, qkv, starts);
            match &mut *parts {
                [part] => mixed(part),
                parts => parts.par_iter_mut().for_each(mixed),
            }
            let next = self.layers.get(i + 1);
            each(parts, qkv, share * qkv_width, |part, qkv| {
                self.feed(part, layer)?;
                next.map_or(Ok(()), |next| self.project(part, next, qkv))
            })?;
        }
        Ok(self.pool(parts, share, starts))
    }

    /// Word and position embeddings, normed.
    fn embed(&self, part: &mut Part, batch: &[&[u32]], starts: &[usize]) -> Result<()> {
        let h = padded(self.heads.width());
        let positions = self.pack.floats(&self.positions);
        for (sequence, rows) in overlaps(starts, &part.rows) {
            for row in rows {
                let at = row - starts[sequence];
                let to = &mut part.hidden[(row - part.rows.start) * h..][..h];
                self.pack.halves(&self.words, batch[sequence][at] as usize, to);
                to.iter_mut().zip(&positions[at * h..(at + 1) * h]).for_each(|(x, p)| *x += p);
            }
        }
        self.layer_norm(&mut part.hidden, &self.norm);
        Ok(())
    }

    fn layer_norm(&self, x: &mut [f32], norm: &Norm) {
        layer_norm(self.isa, x, self.pack.floats(&norm.weight), self.pack.floats(&norm.bias), self.eps);
    }

    /// `out = epilogue(activation(x) . layer)`, `x` of `n` values a row.
    fn linear(
        &self,
        (x, n, activation): (&[f32], usize, Activation),
        layer: &LinearAt,
        quantised: &mut QuantisedRows,
        epilogue: Epilogue,
        out: &mut [f32],
    ) -> Result<()> {
        quantise(self.isa, x, n, activation, self.pack.factors(layer), quantised);
        linear(self.isa, quantised, 0..quantised.len(), self.pack.linear(layer)?, epilogue, out);
        Ok(())
    }

    /// Queries, keys and values of the part's rows.
    fn project(&self, part: &mut Part, layer: &Layer, qkv: &mut [f32]) -> Result<()> {
        let h = self.heads.width();
        self.linear(
            (&part.hidden, h, Activation::Identity),
            &layer.qkv,
            &mut part.quantised,
            Epilogue::Store,
            qkv,
        )
    }

    /// Attention of the part's rows, each over its own sequence.
    fn mix(&self, part: &mut Part, qkv: &[f32], starts: &[usize]) {
        let (h, width) = (padded(self.heads.width()), padded(3 * self.heads.width()));
        for (sequence, rows) in overlaps(starts, &part.rows) {
            let (start, end) = (starts[sequence], starts[sequence + 1]);
            let out = &mut part.mixed[(rows.start - part.rows.start) * h..(rows.end - part.rows.start) * h];
            let own = rows.start - start..rows.end - start;
            attention(self.isa, &qkv[start * width..end * width], self.heads, own, &mut part.scratch, out);
        }
    }

    /// Attention's output layer and the feed-forward layers, each with its residual and norm.
    fn feed(&self, part: &mut Part, layer: &Layer) -> Result<()> {
        let (n, h, wide) = (self.heads.width(), padded(self.heads.width()), padded(self.wide));
        let Part { hidden, mixed, quantised, wide: between, .. } = part;
        self.linear((mixed, n, Activation::Identity), &layer.output, quantised, Epilogue::Add, hidden)?;
        self.layer_norm(hidden, &layer.norm);
        for rows in hidden.chunks_mut(FEED_FORWARD_ROWS * h) {
            between.resize(rows.len() / h * wide, 0.0);
            self.linear((rows, n, Activation::Identity), &layer.up, quantised, Epilogue::Store, between)?;
            self.linear((between, self.wide, self.activation), &layer.down, quantised, Epilogue::Add, rows)?;
            self.layer_norm(rows, &layer.last_norm);
        }
        Ok(())
    }

    /// One vector a sequence.
    fn pool(&self, parts: &[Part], share: usize, starts: &[usize]) -> Vec<f32> {
        let (n, h) = (self.heads.width(), padded(self.heads.width()));
        let row = |row: usize| {
            let part = &parts[row / share];
            &part.hidden[(row - part.rows.start) * h..][..n]
        };
        let mut out = vec![0.0; (starts.len() - 1) * n];
        for (out, bounds) in out.chunks_exact_mut(n).zip(starts.windows(2)) {
            match self.pooling {
                Pooling::Cls => out.copy_from_slice(row(bounds[0])),
                Pooling::Mean => {
                    for i in bounds[0]..bounds[1] {
                        out.iter_mut().zip(row(i)).for_each(|(sum, x)| *sum += x);
                    }
                    let factor = 1.0 / (bounds[1] - bounds[0]) as f32;
                    out.iter_mut().for_each(|x| *x *= factor);
                }
            }
        }
        out
    }
}

/// Does `work` for each part with its own rows of `rows`, on as many threads as there are parts.
fn each(
    parts: &mut [Part],
    rows: &mut [f32],
    share: usize,
    work: impl Fn(&mut Part, &mut [f32]) -> Result<()> + Sync,
) -> Result<()> {
    match parts {
        [part] => work(part, rows),
        parts => {
            parts.par_iter_mut().zip(rows.par_chunks_mut(share)).try_for_each(|(part, rows)| work(part, rows))
        }
    }
}

/// The sequences that `rows` touches, each with the rows it has there; sequence `i` has the rows
/// `starts[i]..starts[i + 1]`.
fn overlaps<'a>(
    starts: &'a [usize],
    rows: &Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>)> + use<'a> {
    let (from, to) = (rows.start, rows.end);
    let first = starts.partition_point(|&start| start <= from).max(1) - 1;
    let touching = starts.windows(2).enumerate().skip(first).take_while(move |(_, w)| w[0] < to);
    touching.map(move |(i, w)| (i, w[0].max(from)..w[1].min(to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Precision, write_tiny};

    fn load(dir: &Path, isa: Isa) -> Int8Bert {
        let config = Config::from_json(&std::fs::read(dir.join("config.json")).unwrap()).unwrap();
        Int8Bert::load_on(isa, dir, &config, Pooling::Mean, "fingerprint", [2, 3]).unwrap()
    }

    fn sequences() -> Vec<Vec<u32>> {
        (0..9).map(|n| (0..1 + n * 7 % 31).map(|i| (i * 5 + n) % 60).collect()).collect()
    }

    fn worst_cosine(a: &[f32], b: &[f32], n: usize) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = |(a, b): (&[f32], &[f32])| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        a.chunks_exact(n).zip(b.chunks_exact(n)).map(cosine).fold(1.0, f32::min)
    }

    #[test]
    fn any_split_among_threads_gives_the_same_and_every_instruction_set_nearly() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write_tiny(dir.path(), 5).unwrap();
        let sequences = sequences();
        let batch: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
        let reference = load(dir.path(), Isa::SCALAR).forward(&batch, 1).unwrap();
        let config = Config::from_json(&std::fs::read(dir.path().join("config.json")).unwrap()).unwrap();
        let weights =
            crate::weights::Weights::open(&dir.path().join("model.safetensors"), &candle_core::Device::Cpu);
        let float = crate::bert::Bert::load(
            &weights.unwrap(),
            &config,
            Pooling::Mean,
            Precision::F32.dtype(),
            &candle_core::Device::Cpu,
        );
        let float = float.unwrap().forward(&batch).unwrap();
        let n = manifest.dimensions;
        assert!(worst_cosine(&reference, &float, n) > 0.99, "{}", worst_cosine(&reference, &float, n));
        for isa in Isa::available() {
            let bert = load(dir.path(), isa);
            let whole = bert.forward(&batch, 1).unwrap();
            let worst = worst_cosine(&whole, &reference, n);
            assert!(worst > 0.999, "{isa}: {worst}");
            for threads in [2, 3, 7] {
                assert_eq!(bert.forward(&batch, threads).unwrap(), whole, "{isa}, {threads} threads");
            }
        }
    }

    #[test]
    fn arenas_do_not_remember() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        let bert = load(dir.path(), Isa::best());
        let sequences = sequences();
        let short = bert.forward(&[&sequences[1]], 1).unwrap();
        bert.forward(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>(), 2).unwrap();
        assert_eq!(bert.forward(&[&sequences[1]], 1).unwrap(), short);
        assert_eq!(bert.arenas.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_burst_gives_what_each_gives_alone_and_leaves_no_more_memory_than_there_are_threads() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        let bert = load(dir.path(), Isa::best());
        let sequences = sequences();
        let alone: Vec<_> = sequences.iter().map(|s| bert.forward(&[s], 1).unwrap()).collect();
        std::thread::scope(|scope| {
            for (i, alone) in alone.iter().enumerate().cycle().take(64) {
                let (bert, sequences) = (&bert, &sequences);
                scope.spawn(move || assert_eq!(bert.forward(&[&sequences[i]], 2).unwrap(), *alone));
            }
        });
        assert!(bert.arenas.lock().unwrap().len() <= rayon::current_num_threads());
        assert_eq!(bert.busy.load(Ordering::Relaxed), 0);
    }
}
