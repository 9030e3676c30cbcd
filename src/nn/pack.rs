//! The int8 form of a BERT, made once from its float32 weights and kept beside them in one file: a start costs reading that.
//! The file is a safetensors file; it is made
//! anew when the model it was made from, or the scheme, is another. Its hash tells damage, not malice: whoever can
//! write into the model's folder decides what the model says.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use candle_core::Device;
use firstline_kernels::{Isa, Packed, PackedLinear, packed_lengths, padded};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use xxhash_rust::xxh3::xxh3_64;

use crate::config::Config;
use crate::fault;
use crate::file_copy::{FileCopy, write_file};
use crate::smooth::{Smoothed, Trial};
use crate::weights::Weights;
use firstline_fault::Result;

/// Name of the file, beside the model's own: one for each instruction set, since the peaks that smooth come from a
/// forward on it, and they decide last digits.
fn file(isa: Isa) -> String {
    format!("int8-{isa}.pack")
}
/// Counts up whenever a pack made before would give other embeddings or can't be read any more.
pub(crate) const SCHEME: u32 = 5;
/// Where tensors begin is a multiple of this: a cache line, and as much as any vector load wants.
const ALIGNMENT: usize = 64;

/// A pack.
#[derive(Debug)]
pub(crate) struct Pack {
    bytes: FileCopy,
    isa: Isa,
    tensors: HashMap<String, (Dtype, Range<usize>)>,
}

/// A layer in the pack.
#[derive(Debug, Clone)]
pub(crate) struct LinearAt {
    inputs: usize,
    outputs: usize,
    weights: Range<usize>,
    parts: [Range<usize>; 3],
    factors: Option<Range<usize>>,
}

impl Pack {
    /// The pack of the model in `dir`, made first where there is none of this model. Where the folder can't be
    /// written it is made in memory for this process alone.
    ///
    /// # Errors
    /// As [`Weights::get`]; `E_IO` when there is no memory for it.
    pub(crate) fn open(
        isa: Isa,
        dir: &Path,
        config: &Config,
        fingerprint: &str,
        frame: [u32; 2],
    ) -> Result<Self> {
        let path = dir.join(file(isa));
        let source = dir.join("model.safetensors");
        let key = format!("{isa} {}", key(&source, config, fingerprint)?);
        if let Some(pack) = FileCopy::read(&path).ok().and_then(|file| Self::of(file, isa, &key)) {
            return Ok(pack);
        }
        let parts = build(isa, &Weights::open(&source, &Device::Cpu)?, config, frame)?.finish(&key)?;
        // Where the folder can't be written, the next process makes it again.
        let _kept = write_file(&parts, &path);
        let made = FileCopy::filled(parts.iter().map(Vec::len).sum(), |bytes| {
            let (head, rest) = bytes.split_at_mut(parts[0].len());
            head.copy_from_slice(&parts[0]);
            rest.copy_from_slice(&parts[1]);
        });
        let made = made.map_err(|e| fault::io(path.display(), &e))?;
        drop(parts);
        Self::of(made, isa, &key).ok_or_else(|| fault::internal(format_args!("{}: made unsound", file(isa))))
    }

    /// The pack in `bytes`, if it is whole, sound and made for `key`.
    fn of(bytes: FileCopy, isa: Isa, key: &str) -> Option<Self> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes).ok()?;
        let start = 8 + header;
        let told = metadata.metadata().as_ref()?;
        // What was made for something else is not worth the time of its hash.
        if told.get("made_for")? != key || !start.is_multiple_of(ALIGNMENT) {
            return None;
        }
        if *told.get("xxh3")? != format!("{:016x}", xxh3_64(bytes.get(start..)?)) {
            return None;
        }
        let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let (from, to) = info.data_offsets;
            (name, (info.dtype, start + from..start + to))
        };
        let tensors = metadata.tensors().into_iter().map(place).collect();
        Some(Self { bytes, isa, tensors })
    }

    fn find(&self, name: &str, dtype: Dtype, bytes: usize) -> Result<Range<usize>> {
        let aligned = |range: &Range<usize>| range.start.is_multiple_of((dtype.bitsize() / 8).max(1));
        match self.tensors.get(name) {
            Some((found, range)) if *found == dtype && range.len() == bytes && aligned(range) => {
                Ok(range.clone())
            }
            _ => Err(fault::internal(format_args!(
                "{}: {name} is not {bytes} bytes of {dtype:?}",
                file(self.isa)
            ))),
        }
    }

    /// Where `n` float32 values called `name` lie.
    pub(crate) fn floats_at(&self, name: &str, n: usize) -> Result<Range<usize>> {
        self.find(name, Dtype::F32, 4 * n)
    }

    /// Where `n` float16 values called `name` lie.
    pub(crate) fn halves_at(&self, name: &str, n: usize) -> Result<Range<usize>> {
        self.find(name, Dtype::F16, 2 * n)
    }

    /// Where the layer called `name` lies.
    pub(crate) fn linear_at(&self, name: &str, inputs: usize, outputs: usize) -> Result<LinearAt> {
        let (n, each) = packed_lengths(inputs, outputs);
        let part = |part: &str| self.floats_at(&format!("{name}.{part}"), each);
        let factors = format!("{name}.factors");
        let smoothed = self.tensors.contains_key(&factors);
        Ok(LinearAt {
            inputs,
            outputs,
            weights: self.find(&format!("{name}.weights"), Dtype::I8, n)?,
            parts: [part("steps")?, part("sums")?, part("bias")?],
            factors: if smoothed { Some(self.floats_at(&factors, padded(inputs))?) } else { None },
        })
    }

    /// The float32 values at `at`.
    pub(crate) fn floats(&self, at: &Range<usize>) -> &[f32] {
        bytemuck::cast_slice(&self.bytes[at.clone()])
    }

    /// Row `row` of the float16 table at `at` into `to`.
    pub(crate) fn halves(&self, at: &Range<usize>, row: usize, to: &mut [f32]) {
        let n = to.len();
        let table: &[u16] = bytemuck::cast_slice(&self.bytes[at.clone()]);
        let halves: &[f16] = table[row * n..(row + 1) * n].reinterpret_cast();
        halves.convert_to_f32_slice(to);
    }

    /// The layer at `at`.
    ///
    /// # Errors
    /// Internal, when the layer is larger than the kernels can sum.
    pub(crate) fn linear(&self, at: &LinearAt) -> Result<PackedLinear<'_>> {
        let weights = bytemuck::cast_slice(&self.bytes[at.weights.clone()]);
        let parts = at.parts.each_ref().map(|part| self.floats(part));
        PackedLinear::new(at.inputs, at.outputs, self.isa.grid(), weights, parts).ok_or_else(|| {
            fault::internal(format_args!("{}: a layer of {} inputs", file(self.isa), at.inputs))
        })
    }

    /// What the layer's inputs are multiplied by before they are quantised.
    pub(crate) fn factors(&self, at: &LinearAt) -> Option<&[f32]> {
        at.factors.as_ref().map(|factors| self.floats(factors))
    }
}

/// The layer `name` of block `block`, by a name that sorts as a forward goes: the file is written by name, and behind
/// a layer's weights shall lie those that are needed next.
pub(crate) fn layer_name(block: usize, name: &str) -> String {
    let place = ["qkv", "output", "up", "down"].iter().position(|n| *n == name).unwrap_or(0);
    format!("{block:04}.{place}.{name}")
}

/// What a pack is made for: scheme, manifest, configuration, and the weights' file by its length and time, so
/// that a model replaced in place does not go on by its old pack.
fn key(source: &Path, config: &Config, fingerprint: &str) -> Result<String> {
    let io = |e: std::io::Error| fault::io(source.display(), &e);
    let meta = fs::metadata(source).map_err(io)?;
    let modified = meta.modified().map_err(io)?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_nanos());
    let config = xxh3_64(format!("{config:?}").as_bytes());
    Ok(format!("{SCHEME} {fingerprint} {config:016x} {} {since}", meta.len()))
}

/// Tensors as they will stand in the file.
#[derive(Default)]
struct Builder {
    tensors: Vec<(String, Values)>,
}

enum Values {
    Bytes(Vec<i8>),
    Halves(Vec<u16>),
    Floats(Vec<f32>),
}

impl Builder {
    fn floats(&mut self, name: String, values: Vec<f32>) {
        self.tensors.push((name, Values::Floats(values)));
    }

    fn layer(&mut self, name: &str, layer: Smoothed) {
        let Packed { grid: _, weights, steps, sums, bias } = layer.packed;
        self.tensors.push((format!("{name}.weights"), Values::Bytes(weights)));
        for (part, values) in [("steps", steps), ("sums", sums), ("bias", bias)] {
            self.floats(format!("{name}.{part}"), values);
        }
        if let Some(factors) = layer.factors {
            self.floats(format!("{name}.factors"), factors);
        }
    }

    /// What to write, one part after the other.
    fn finish(self, key: &str) -> Result<[Vec<u8>; 2]> {
        const NO_SUM: &str = "----------------";
        let fault = |e: &dyn std::fmt::Display| fault::internal(format_args!("the pack: {e}"));
        let views = self.tensors.iter().map(|(name, values)| {
            let (dtype, n, bytes): (_, _, &[u8]) = match values {
                Values::Bytes(v) => (Dtype::I8, v.len(), bytemuck::cast_slice(v)),
                Values::Halves(v) => (Dtype::F16, v.len(), bytemuck::cast_slice(v)),
                Values::Floats(v) => (Dtype::F32, v.len(), bytemuck::cast_slice(v)),
            };
            TensorView::new(dtype, vec![n], bytes).map(|view| (name, view))
        });
        let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(|e| fault(&e))?;
        let metadata = [("made_for".to_owned(), key.to_owned()), ("xxh3".to_owned(), NO_SUM.to_owned())];
        let mut bytes = safetensors::serialize(views, Some(metadata.into())).map_err(|e| fault(&e))?;
        drop(self);
        let (length, _) = bytes.split_first_chunk::<8>().ok_or_else(|| fault(&"no header"))?;
        let start = 8 + u64::from_le_bytes(*length) as usize;
        // The sum is known only now; and blanks after the header, which the format allows, move the data to
        // where it is aligned.
        let header = String::from_utf8_lossy(&bytes[8..start]);
        let header = header.replacen(NO_SUM, &format!("{:016x}", xxh3_64(&bytes[start..])), 1);
        let room = (8 + header.len()).next_multiple_of(ALIGNMENT) - 8;
        let mut head = (room as u64).to_le_bytes().to_vec();
        head.extend(format!("{header:room$}").into_bytes());
        bytes.drain(..start);
        Ok([head, bytes])
    }
}

/// Quantises the model; all of it in the order in which a forward goes through it.
fn build(isa: Isa, weights: &Weights, config: &Config, frame: [u32; 2]) -> Result<Builder> {
    let (h, wide) = (config.hidden_size, config.intermediate_size);
    let mut out = Builder::default();
    let table =
        |name: &str, rows| weights.floats(&format!("embeddings.{name}_embeddings.weight"), &[rows, h]);
    let words = table("word", config.vocab_size)?;
    let types = table("token_type", config.type_vocab_size)?;
    let mut positions = table("position", config.max_position_embeddings)?.into_owned();
    for row in positions.chunks_exact_mut(h) {
        row.iter_mut().zip(types.iter()).for_each(|(p, t)| *p += t);
    }
    let norm = |out: &mut Builder, name: &str, from: &str| -> Result<[Cow<'_, [f32]>; 2]> {
        let part = |part: &str| weights.floats(&format!("{from}.{part}"), &[h]);
        let both = [part("weight")?, part("bias")?];
        out.floats(format!("{name}.weight"), both[0].to_vec());
        out.floats(format!("{name}.bias"), both[1].to_vec());
        Ok(both)
    };
    let first = norm(&mut out, "norm", "embeddings.LayerNorm")?;
    let mut trial = Trial::new(isa, config, frame, [&words, &positions], first.each_ref().map(AsRef::as_ref));
    out.tensors.push(("words".to_owned(), Values::Halves(halves(&words, h)?)));
    out.floats("positions".to_owned(), spread(&positions, h));
    for i in 0..config.num_hidden_layers {
        let dense = |name: &str, inputs: usize, outputs: usize| -> Result<[Cow<'_, [f32]>; 2]> {
            let name = format!("encoder.layer.{i}.{name}");
            let weight = weights.floats(&format!("{name}.weight"), &[outputs, inputs])?;
            Ok([weight, weights.floats(&format!("{name}.bias"), &[outputs])?])
        };
        let layer = |[weight, bias]: [Cow<'_, [f32]>; 2], peaks: Option<&[f32]>| {
            Smoothed::new(isa, weight.into_owned(), &bias, peaks)
        };
        let parts = ["query", "key", "value"].map(|part| dense(&format!("attention.self.{part}"), h, h));
        let [q, k, v] = parts;
        let [q, k, v] = [q?, k?, v?];
        let all = [0, 1].map(|part| Cow::from([&q[part][..], &k[part], &v[part]].concat()));
        let qkv = layer(all, Some(&trial.peaks()));
        let output = layer(dense("attention.output.dense", h, h)?, None);
        let at = |name: &str| format!("encoder.layer.{i}.{name}.LayerNorm");
        let normed = norm(&mut out, &format!("{i}.norm"), &at("attention.output"))?;
        trial.attend(&qkv, &output, normed.each_ref().map(AsRef::as_ref))?;
        let up = layer(dense("intermediate.dense", h, wide)?, Some(&trial.peaks()));
        let down = layer(dense("output.dense", wide, h)?, None);
        let normed = norm(&mut out, &format!("{i}.last_norm"), &at("output"))?;
        trial.feed(&up, &down, normed.each_ref().map(AsRef::as_ref))?;
        for (name, layer) in [("qkv", qkv), ("output", output), ("up", up), ("down", down)] {
            out.layer(&layer_name(i, name), layer);
        }
    }
    Ok(out)
}

/// Rows of `n` values laid `padded(n)` apart.
fn spread(values: &[f32], n: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / n * padded(n)];
    out.chunks_exact_mut(padded(n))
        .zip(values.chunks_exact(n))
        .for_each(|(to, row)| to[..n].copy_from_slice(row));
    out
}

/// Rows of `n` values as float16, laid `padded(n)` apart.
fn halves(values: &[f32], n: usize) -> Result<Vec<u16>> {
    let mut out = vec![0; values.len() / n * padded(n)];
    for (to, row) in out.chunks_exact_mut(padded(n)).zip(values.chunks_exact(n)) {
        let to: &mut [f16] = to[..n].reinterpret_cast_mut();
        to.convert_from_f32_slice(row);
        if to.iter().any(|x| !x.is_finite()) {
            return Err(fault::model("model.safetensors", "word embeddings exceed float16's range"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::write_tiny;

    fn open(dir: &Path) -> Pack {
        let config = Config::from_json(&fs::read(dir.join("config.json")).unwrap()).unwrap();
        Pack::open(Isa::best(), dir, &config, "fingerprint", [2, 3]).unwrap()
    }

    fn path(dir: &Path) -> std::path::PathBuf {
        dir.join(file(Isa::best()))
    }

    fn inode(dir: &Path) -> u64 {
        fs::metadata(path(dir)).unwrap().ino()
    }

    #[test]
    fn a_pack_is_made_once_and_its_tensors_are_aligned() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        let pack = open(dir.path());
        let first = inode(dir.path());
        assert!(pack.tensors.values().all(|(_, range)| range.start.is_multiple_of(16)));
        open(dir.path());
        assert_eq!(inode(dir.path()), first);
        // The layers lie as a forward goes, and whoever may read the model may read its pack.
        let start = |block, name| pack.tensors[&format!("{}.weights", layer_name(block, name))].1.start;
        let starts = ["qkv", "output", "up", "down"].map(|name| start(0, name));
        assert!(starts.is_sorted() && start(0, "down") < start(1, "qkv"));
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().mode();
        assert_eq!(mode(&file(Isa::best())), mode("config.json"));
    }

    #[test]
    fn a_damaged_pack_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        open(dir.path());
        let path = path(dir.path());
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let mut long = whole.clone();
        long[..8].fill(0xff);
        for damaged in [Vec::new(), whole[..9].to_vec(), whole[..whole.len() / 2].to_vec(), flipped, long] {
            fs::write(&path, &damaged).unwrap();
            open(dir.path());
            let (again, half) = (fs::read(&path).unwrap(), whole.len() / 2);
            assert!(again.len() == whole.len() && again[half..] == whole[half..]);
        }
    }

    #[test]
    fn another_model_has_another_pack() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        open(dir.path());
        let before = fs::read(path(dir.path())).unwrap();
        write_tiny(dir.path(), 6).unwrap();
        open(dir.path());
        assert!(fs::read(path(dir.path())).unwrap() != before);
    }

    #[test]
    fn where_nothing_can_be_written_the_pack_is_this_processs_own() {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 5).unwrap();
        fs::create_dir(path(dir.path())).unwrap();
        assert!(!open(dir.path()).tensors.is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "nothing is left behind");
    }
}
