//! A decoder's matrices in the kernels' layout, made once from a GGUF file and kept beside it in one file: a start costs
//! reading that. The layout is the same for every instruction set. The hash tells damage,
//! not malice: whoever can write into the model's folder decides what the model says.

use std::ops::Range;
use std::path::{Path, PathBuf};

use firstline_kernels::{BlockLinear, Form, pack_panel};
use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::shape::Shape;
use crate::fault;
use crate::file_copy::{FileCopy, write_file};
use crate::gguf::{Gguf, TensorAt};
use firstline_fault::Result;

/// Counts up whenever a pack made before can't be read any more.
const SCHEME: u64 = 2;
const MAGIC: &[u8; 8] = b"FLBLOCKS";
/// Magic, scheme, key, length, hash of the data; data begins here.
const HEAD: usize = 64;

/// A pack.
#[derive(Debug)]
pub(crate) struct Pack {
    bytes: FileCopy,
}

/// A matrix in the pack.
#[derive(Debug, Clone)]
pub(crate) struct MatrixAt {
    form: Form,
    inputs: usize,
    outputs: usize,
    bytes: Range<usize>,
}

/// Where all matrices lie, in the order of a forward.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    matrices: Vec<(TensorAt, MatrixAt, Option<usize>)>,
    end: usize,
}

impl Plan {
    /// Adds the matrix that is `tensor`, `outputs x inputs`; with a size of heads, their neighbouring rows become rows
    /// half a head apart.
    pub(crate) fn add(&mut self, tensor: &TensorAt, heads_of: Option<usize>) -> MatrixAt {
        let (outputs, inputs) = (tensor.shape[0], tensor.shape[1]);
        let form = tensor.kind.form();
        let start = self.end.max(HEAD);
        self.end = start + form.packed_bytes(inputs, outputs);
        let at = MatrixAt { form, inputs, outputs, bytes: start..self.end };
        self.matrices.push((tensor.clone(), at.clone(), heads_of));
        at
    }
}

impl Pack {
    /// The pack of the file at `source`, whose content is `file`, made first where there is none of it.
    ///
    /// # Errors
    /// `E_IO` when there is no memory for it.
    pub(crate) fn open(source: &Path, file: &[u8], plan: &Plan, shape: &Shape) -> Result<Self> {
        let path = beside(source);
        let key = key(file, plan, shape);
        let sound = |bytes: &FileCopy| is_sound(bytes, plan.end, key);
        if let Some(bytes) = FileCopy::read(&path).ok().filter(sound) {
            return Ok(Self { bytes });
        }
        let made = FileCopy::filled(plan.end, |bytes| fill(bytes, file, plan, key));
        let bytes = made.map_err(|e| fault::io(path.display(), &e))?;
        // Where the folder can't be written, the next process makes it again.
        let _kept = write_file(&[&*bytes], &path);
        Ok(Self { bytes })
    }

    /// The matrix at `at`.
    ///
    /// # Errors
    /// Internal, when it is not of this pack.
    pub(crate) fn matrix(&self, at: &MatrixAt) -> Result<BlockLinear<'_>> {
        self.bytes
            .get(at.bytes.clone())
            .and_then(|bytes| BlockLinear::new(at.form, at.inputs, at.outputs, bytes))
            .ok_or_else(|| fault::internal(format_args!("{at:?} is not in the pack")))
    }
}

/// Where the pack of the file at `source` lies.
pub(crate) fn beside(source: &Path) -> PathBuf {
    let mut name = source.file_name().unwrap_or_default().to_owned();
    name.push(".pack");
    source.with_file_name(name)
}

/// What a pack is made for: what the file holds, by its length and the ends of every tensor, and what was made of it.
fn key(file: &[u8], plan: &Plan, shape: &Shape) -> u64 {
    const SAMPLE: usize = 4096;
    let mut hash = Xxh3::new();
    hash.update(format!("{} {plan:?} {shape:?}", file.len()).as_bytes());
    for (tensor, ..) in &plan.matrices {
        let bytes = &file[tensor.bytes.clone()];
        hash.update(&bytes[..SAMPLE.min(bytes.len())]);
        hash.update(&bytes[bytes.len().saturating_sub(SAMPLE)..]);
    }
    hash.digest()
}

fn word(head: &[u8], i: usize) -> u64 {
    head[8 * i..8 * i + 8].try_into().map_or(0, u64::from_le_bytes)
}

fn is_sound(map: &[u8], end: usize, key: u64) -> bool {
    map.len() == end
        && end >= HEAD
        && &map[..8] == MAGIC
        && [word(map, 1), word(map, 2), word(map, 3)] == [SCHEME, key, end as u64]
        && word(map, 4) == xxh3_64(&map[HEAD..])
}

/// Writes the pack of what `file` holds into `map`.
fn fill(map: &mut [u8], file: &[u8], plan: &Plan, key: u64) {
    for (tensor, at, heads_of) in &plan.matrices {
        let rows = &file[tensor.bytes.clone()];
        let row_bytes = rows.len() / at.outputs;
        let panels = at.outputs.div_ceil(16);
        map[at.bytes.clone()].par_chunks_mut(at.bytes.len() / panels).enumerate().for_each(|(panel, to)| {
            pack_panel(at.form, at.inputs, at.outputs, panel, to, |output, group| {
                let row = match heads_of {
                    // Values 2 i and 2 i + 1 of a head, neighbours in the file, become values i and size / 2 + i.
                    Some(size) => {
                        let (head, i) = (output / size * size, output % size);
                        head + if i < size / 2 { 2 * i } else { 2 * (i - size / 2) + 1 }
                    }
                    None => output,
                };
                tensor.kind.group(&rows[row * row_bytes..][..row_bytes], group)
            });
        });
    }
    let sum = xxh3_64(&map[HEAD..]);
    map[..HEAD].fill(0);
    map[..8].copy_from_slice(MAGIC);
    for (i, word) in [SCHEME, key, plan.end as u64, sum].into_iter().enumerate() {
        map[8 * (i + 1)..8 * (i + 2)].copy_from_slice(&word.to_le_bytes());
    }
}

/// The tensor `name` of `gguf`, `shape` the one it must have.
///
/// # Errors
/// `E_MODEL` when it is missing or has another shape.
pub(crate) fn tensor<'a>(gguf: &'a Gguf, name: &str, shape: &[usize], place: &str) -> Result<&'a TensorAt> {
    match gguf.tensor(name) {
        Some(tensor) if tensor.shape == shape => Ok(tensor),
        Some(tensor) => Err(fault::model(place, format!("{name} is {:?}, not {shape:?}", tensor.shape))),
        None => Err(fault::model(place, format!("no tensor {name}"))),
    }
}
