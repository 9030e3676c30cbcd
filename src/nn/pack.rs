//! The int8 form of a BERT, made once from its float32 weights and kept beside them in one file, which is
//! mapped into memory, so that a start costs no more than the pages it touches. The file is a safetensors
//! file; it is made anew when the model it was made from, or the scheme, is another.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use firstline_kernels::{PackedLinear, pack, packed_lengths, padded};
use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use xxhash_rust::xxh3::xxh3_64;

use crate::config::Config;
use crate::smooth;
use crate::weights::Weights;
use crate::{Error, Result};

/// Name of the file, beside the model's own.
const FILE: &str = "int8.pack";
/// Counts up whenever a pack made before would give other embeddings or can't be read any more.
const SCHEME: u32 = 1;
/// Where tensors begin is a multiple of this: a cache line, and as much as any vector load wants.
const ALIGNMENT: usize = 64;

/// A mapped pack.
#[derive(Debug)]
pub(crate) struct Pack {
    map: Mmap,
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
    /// written it is made in a temporary file for this process alone.
    ///
    /// # Errors
    /// As [`Weights::get`]; `E_IO` when no pack can be written anywhere.
    pub(crate) fn open(dir: &Path, config: &Config, fingerprint: &str, frame: [u32; 2]) -> Result<Self> {
        let path = dir.join(FILE);
        let source = dir.join("model.safetensors");
        let key = key(&source, config, fingerprint)?;
        if let Some(pack) = File::open(&path).ok().and_then(|file| Self::map(&file, &key)) {
            return Ok(pack);
        }
        let bytes =
            build(&Weights::open(&source, &candle_core::Device::Cpu)?, config, frame)?.finish(&key)?;
        let place = |e: std::io::Error| Error::io(path.display(), &e);
        let file = match tempfile::NamedTempFile::new_in(dir).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.persist(&path).map_err(|e| e.error)
        }) {
            Ok(file) => file,
            Err(_) => {
                let mut file = tempfile::tempfile().map_err(place)?;
                file.write_all(&bytes).map_err(place)?;
                file
            }
        };
        drop(bytes);
        Self::map(&file, &key).ok_or_else(|| Error::model(path.display(), "can't be read back"))
    }

    /// Maps `file` if it is a whole and sound pack made for `key`.
    fn map(file: &File, key: &str) -> Option<Self> {
        // SAFETY: the file is only ever replaced by a rename, never changed in place, by this program; whoever
        // else may write into the model's folder may as well replace the model.
        let map = unsafe { Mmap::map(file) }.ok()?;
        let (header, metadata) = SafeTensors::read_metadata(&map).ok()?;
        let start = 8 + header;
        let told = metadata.metadata().as_ref()?;
        let sum = format!("{:016x}", xxh3_64(map.get(start..)?));
        if told.get("made_for")? != key || *told.get("xxh3")? != sum || !start.is_multiple_of(ALIGNMENT) {
            return None;
        }
        let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let (from, to) = info.data_offsets;
            (name, (info.dtype, start + from..start + to))
        };
        let tensors = metadata.tensors().into_iter().map(place).collect();
        Some(Self { map, tensors })
    }

    fn find(&self, name: &str, dtype: Dtype, bytes: usize) -> Result<Range<usize>> {
        match self.tensors.get(name) {
            Some((found, range)) if *found == dtype && range.len() == bytes => Ok(range.clone()),
            _ => Err(Error::internal(format_args!("{FILE}: {name} is not {bytes} bytes of {dtype:?}"))),
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
        bytemuck::cast_slice(&self.map[at.clone()])
    }

    /// Row `row` of the float16 table at `at` into `to`.
    pub(crate) fn halves(&self, at: &Range<usize>, row: usize, to: &mut [f32]) {
        let n = to.len();
        let table: &[u16] = bytemuck::cast_slice(&self.map[at.clone()]);
        let halves: &[f16] = half::slice::HalfBitsSliceExt::reinterpret_cast(&table[row * n..(row + 1) * n]);
        halves.convert_to_f32_slice(to);
    }

    /// The layer at `at`.
    ///
    /// # Errors
    /// Internal, when the layer is larger than the kernels can sum.
    pub(crate) fn linear(&self, at: &LinearAt) -> Result<PackedLinear<'_>> {
        let weights = bytemuck::cast_slice(&self.map[at.weights.clone()]);
        let parts = at.parts.each_ref().map(|part| self.floats(part));
        PackedLinear::new(at.inputs, at.outputs, weights, parts)
            .ok_or_else(|| Error::internal(format_args!("{FILE}: a layer of {} inputs", at.inputs)))
    }

    /// What the layer's inputs are multiplied by before they are quantised.
    pub(crate) fn factors(&self, at: &LinearAt) -> Option<&[f32]> {
        at.factors.as_ref().map(|factors| self.floats(factors))
    }
}

/// What a pack is made for: scheme, manifest, configuration, and the weights' file by its length and time, so
/// that a model replaced in place does not go on by its old pack.
fn key(source: &Path, config: &Config, fingerprint: &str) -> Result<String> {
    let io = |e: std::io::Error| Error::io(source.display(), &e);
    let meta = fs::metadata(source).map_err(io)?;
    let modified = meta.modified().map_err(io)?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_nanos());
    let config = xxh3_64(format!("{config:?}").as_bytes());
    Ok(format!("{SCHEME} {fingerprint} {config:016x} {} {since}", meta.len()))
}

/// Tensors as they will stand in the file.
#[derive(Default)]
struct Builder {
    tensors: Vec<(String, Dtype, Vec<u8>)>,
}

impl Builder {
    fn floats(&mut self, name: String, values: &[f32]) {
        self.tensors.push((name, Dtype::F32, bytemuck::cast_slice(values).to_vec()));
    }

    /// One row a token, padded.
    fn table(values: &[f32], width: usize) -> Vec<f32> {
        let row = |row: &[f32]| {
            let mut row = row.to_vec();
            row.resize(padded(width), 0.0);
            row
        };
        values.chunks_exact(width).flat_map(row).collect()
    }

    /// float16 values.
    fn halves(&mut self, name: String, values: &[f32]) -> Result<()> {
        if values.iter().any(|x| x.is_finite() && x.abs() > f16::MAX.to_f32()) {
            return Err(Error::model("model.safetensors", format_args!("{name} exceed float16's range")));
        }
        let bytes = values.iter().flat_map(|x| f16::from_f32(*x).to_bits().to_ne_bytes()).collect();
        self.tensors.push((name, Dtype::F16, bytes));
        Ok(())
    }

    /// A layer, its inputs smoothed where their peaks are given.
    fn linear(&mut self, name: &str, (mut weight, bias): (Vec<f32>, Vec<f32>), peaks: Option<&[f32]>) {
        let inputs = weight.len() / bias.len();
        if let Some(peaks) = peaks {
            let factors = smooth::factors(peaks, &weight);
            smooth::fold_into(&factors, &mut weight);
            self.floats(format!("{name}.factors"), &Self::table(&factors, inputs));
        }
        let packed = pack(&weight, &bias, inputs);
        self.tensors.push((
            format!("{name}.weights"),
            Dtype::I8,
            bytemuck::cast_slice(&packed.weights).to_vec(),
        ));
        for (part, values) in [("steps", &packed.steps), ("sums", &packed.sums), ("bias", &packed.bias)] {
            self.floats(format!("{name}.{part}"), values);
        }
    }

    fn finish(self, key: &str) -> Result<Vec<u8>> {
        let fault = |e: safetensors::SafeTensorError| Error::internal(format_args!("{FILE}: {e}"));
        let write = |metadata: HashMap<String, String>| {
            let views = self.tensors.iter().map(|(name, dtype, bytes)| {
                let n = bytes.len() / (dtype.bitsize() / 8);
                TensorView::new(*dtype, vec![n], bytes).map(|view| (name, view))
            });
            let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(fault)?;
            safetensors::serialize(views, Some(metadata)).map_err(fault)
        };
        let header =
            |bytes: &[u8]| 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default()) as usize;
        let mut metadata = HashMap::from([
            ("made_for".to_owned(), key.to_owned()),
            ("xxh3".to_owned(), "0".repeat(16)),
            ("pad".to_owned(), String::new()),
        ]);
        let first = write(metadata.clone())?;
        let start = header(&first);
        metadata.insert("xxh3".to_owned(), format!("{:016x}", xxh3_64(&first[start..])));
        drop(first);
        // The header is padded to 8 bytes by the format: ask for as many more as the alignment wants.
        metadata.insert("pad".to_owned(), " ".repeat(start.next_multiple_of(ALIGNMENT) - start));
        write(metadata)
    }
}

/// Quantises the model; all of it in the order in which a forward goes through it.
fn build(weights: &Weights, config: &Config, frame: [u32; 2]) -> Result<Builder> {
    let (h, wide) = (config.hidden_size, config.intermediate_size);
    let values = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
        Ok(weights.get(name, shape)?.flatten_all()?.to_vec1()?)
    };
    let mut out = Builder::default();
    let table = |name: &str, rows| values(&format!("embeddings.{name}_embeddings.weight"), &[rows, h]);
    let peaks = smooth::peaks(weights, config, frame)?;
    out.halves("words".to_owned(), &Builder::table(&table("word", config.vocab_size)?, h))?;
    let types = table("token_type", config.type_vocab_size)?;
    let mut positions = table("position", config.max_position_embeddings)?;
    for row in positions.chunks_exact_mut(h) {
        row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
    }
    out.floats("positions".to_owned(), &Builder::table(&positions, h));
    let norm = |out: &mut Builder, name: &str, from: &str| -> Result<()> {
        for part in ["weight", "bias"] {
            out.floats(format!("{name}.{part}"), &values(&format!("{from}.{part}"), &[h])?);
        }
        Ok(())
    };
    norm(&mut out, "norm", "embeddings.LayerNorm")?;
    for (i, [attended, fed]) in peaks.iter().enumerate() {
        let at = |name: &str| format!("encoder.layer.{i}.{name}");
        let dense = |name: &str, inputs: usize, outputs: usize| -> Result<(Vec<f32>, Vec<f32>)> {
            let name = at(name);
            let weight = values(&format!("{name}.weight"), &[outputs, inputs])?;
            Ok((weight, values(&format!("{name}.bias"), &[outputs])?))
        };
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let (w, b) = dense(&format!("attention.self.{part}"), h, h)?;
            weight.extend(w);
            bias.extend(b);
        }
        out.linear(&format!("{i}.qkv"), (weight, bias), Some(attended));
        out.linear(&format!("{i}.output"), dense("attention.output.dense", h, h)?, None);
        norm(&mut out, &format!("{i}.norm"), &at("attention.output.LayerNorm"))?;
        out.linear(&format!("{i}.up"), dense("intermediate.dense", h, wide)?, Some(fed));
        out.linear(&format!("{i}.down"), dense("output.dense", wide, h)?, None);
        norm(&mut out, &format!("{i}.last_norm"), &at("output.LayerNorm"))?;
    }
    Ok(out)
}
