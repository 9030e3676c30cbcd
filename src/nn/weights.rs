//! Reads tensors from a safetensors file by name and shape. The file is read into memory first.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::safetensors::{BufferedSafetensors, Load};
use candle_core::{DType, Device, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::fault;
use firstline_fault::{Error, Result};

/// Prefixes under which BERT's tensors are found: as saved from the encoder alone, or from a model around it.
const PREFIXES: [&str; 2] = ["", "bert."];
/// Ends of names as they were once called.
const OLD_NAMES: [(&str, &str); 2] =
    [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")];

/// An open safetensors file.
pub(crate) struct Weights {
    path: PathBuf,
    tensors: Arc<BufferedSafetensors>,
    dtype: DType,
    device: Device,
}

impl Weights {
    /// Opens the file at `path`; tensors will be made on `device`.
    ///
    /// # Errors
    /// `E_IO` when it can't be read, `E_MODEL` when it is no safetensors file.
    pub(crate) fn open(path: &Path, device: &Device) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| fault::io(path.display(), &e))?;
        let tensors = BufferedSafetensors::new(bytes)
            .map_err(|e| fault::model(path.display(), format_args!("not a safetensors file: {e}")))?;
        Ok(Self {
            path: path.to_owned(),
            tensors: Arc::new(tensors),
            dtype: DType::F32,
            device: device.clone(),
        })
    }

    /// The same file, its tensors given as `dtype`.
    pub(crate) fn with_dtype(&self, dtype: DType) -> Self {
        let Self { path, tensors, device, .. } = self;
        Self { path: path.clone(), tensors: tensors.clone(), dtype, device: device.clone() }
    }

    /// The tensor `name`, which must have `shape`.
    ///
    /// # Errors
    /// `E_MODEL` naming the tensor when it is missing, of another shape or no float.
    pub(crate) fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.view(name, shape)?.load(&self.device);
        tensor.and_then(|tensor| tensor.to_dtype(self.dtype)).map_err(fault::tensor)
    }

    /// The values of the tensor `name`, which must have `shape`, as float32.
    ///
    /// # Errors
    /// As [`Weights::get`], and when a value is no finite number.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>> {
        let view = self.view(name, shape)?;
        let bytes = view.data();
        let floats = match view.dtype() {
            Dtype::F16 => Cow::Owned(halves::<f16>(bytes).to_f32_vec()),
            Dtype::BF16 => Cow::Owned(halves::<bf16>(bytes).to_f32_vec()),
            _ => match bytemuck::try_cast_slice(bytes) {
                Ok(floats) => Cow::Borrowed(floats),
                Err(_) => Cow::Owned(bytemuck::allocation::pod_collect_to_vec(bytes)),
            },
        };
        // Sums of magnitudes instead of a test of each: this reads all weights of a model at once.
        match floats.chunks(1 << 16).all(|some| some.iter().fold(0.0, |sum, x| sum + 0.0 * x) == 0.0) {
            true => Ok(floats),
            false => Err(self.wrong(name, "holds values that are no finite numbers")),
        }
    }

    /// The shape of the tensor `name`.
    ///
    /// # Errors
    /// `E_MODEL` naming the tensor when it is missing.
    pub(crate) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        Ok(self.find(name)?.shape().to_vec())
    }

    fn find(&self, name: &str) -> Result<TensorView<'_>> {
        names(name)
            .find_map(|name| self.tensors.get(&name).ok())
            .ok_or_else(|| self.wrong(name, "is missing"))
    }

    fn view(&self, name: &str, shape: &[usize]) -> Result<TensorView<'_>> {
        let view = self.find(name)?;
        if view.shape() != shape {
            return Err(self.wrong(name, format_args!("has shape {:?}, not {shape:?}", view.shape())));
        }
        if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(self.wrong(name, format_args!("is {:?}, not F32, F16 or BF16", view.dtype())));
        }
        Ok(view)
    }

    fn wrong(&self, name: &str, problem: impl std::fmt::Display) -> Error {
        fault::model(self.path.display(), format_args!("tensor {name} {problem}"))
    }
}

/// Bytes as 16-bit floats, wherever they lie.
fn halves<T: bytemuck::Pod>(bytes: &[u8]) -> Vec<T> {
    bytemuck::allocation::pod_collect_to_vec(bytes)
}

/// The names to try for `name`.
fn names(name: &str) -> impl Iterator<Item = String> {
    let old = OLD_NAMES.iter().find_map(|(new, old)| Some(format!("{}{old}", name.strip_suffix(new)?)));
    let stems = [Some(name.to_owned()), old];
    stems.into_iter().flatten().flat_map(|stem| PREFIXES.map(|prefix| format!("{prefix}{stem}")))
}

#[cfg(test)]
mod tests {
    use firstline_fault::Code;

    use super::*;

    fn open(bytes: &[u8]) -> Result<Weights> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.safetensors");
        fs::write(&path, bytes).unwrap();
        Weights::open(&path, &Device::Cpu)
    }

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn hostile_headers_are_refused() {
        let lies_about_length = u64::MAX.to_le_bytes().to_vec();
        let beyond_the_end = file(r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, 8);
        let overflows = file(
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}}"#,
            8,
        );
        let backwards = file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8);
        let deep = file(&"[".repeat(100_000), 0);
        for bytes in [Vec::new(), vec![1, 2], lies_about_length, beyond_the_end, overflows, backwards, deep] {
            let e = open(&bytes).err().unwrap();
            assert_eq!(e.code(), Some(Code::Model), "{e}");
        }
    }

    #[test]
    fn tensors_are_found_under_prefix_and_old_name_and_checked() {
        let header = r#"{"bert.x.LayerNorm.gamma":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            "n":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}"#;
        let weights = open(&file(header, 16)).unwrap();
        assert_eq!(weights.get("x.LayerNorm.weight", &[2]).unwrap().dims(), [2]);
        let says = |name: &str, shape: &[usize]| weights.get(name, shape).unwrap_err().to_string();
        assert!(says("x.LayerNorm.weight", &[3]).contains("has shape [2], not [3]"));
        assert!(says("x.LayerNorm.bias", &[2]).contains("tensor x.LayerNorm.bias is missing"));
        assert!(says("n", &[1]).contains("is I64"));
    }
}
