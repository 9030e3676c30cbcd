//! What a [`Tuner`] leaves on disk: a model, and what it needs to go on after a stop.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::Tuner;
use crate::weights::Weights;
use crate::{Manifest, ModelFile, Precision, Sources, fault, hash};
use firstline_fault::{Error, Result};

const MODEL: &str = "model.safetensors";
/// The embeddings' tensors, which stay as they were.
const EMBEDDINGS: [&str; 5] = [
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "embeddings.LayerNorm.bias",
];

type Named = (String, Vec<usize>, Vec<f32>);

pub(super) fn export(tuner: &Tuner, dir: &Path, precision: Precision) -> Result<Manifest> {
    fs::create_dir_all(dir).map_err(|e| fault::io(dir.display(), &e))?;
    let old = Weights::open(&tuner.dir.join(MODEL), &candle_core::Device::Cpu)?;
    let mut tensors: Vec<Named> = Vec::new();
    for name in EMBEDDINGS {
        let shape = old.shape(name)?;
        tensors.push((name.to_owned(), shape.clone(), old.floats(name, &shape)?.into_owned()));
    }
    for (name, tensor) in tuner.bert.parameters().map_err(fault::tensor)? {
        tensors.push((
            name,
            tensor.dims().to_vec(),
            tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(fault::tensor)?,
        ));
    }
    let mut files = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(|e| fault::io(path.display(), &e))?;
        files.push(ModelFile {
            path: name.to_owned(),
            bytes: bytes.len() as u64,
            sha256: hash::of_bytes(bytes),
        });
        Ok::<(), Error>(())
    };
    for name in ["config.json", "tokenizer.json"] {
        let path = tuner.dir.join(name);
        put(name, &fs::read(&path).map_err(|e| fault::io(path.display(), &e))?)?;
    }
    put(MODEL, &serialize(&tensors, None)?)?;
    Ok(Manifest { files, precision, sources: Sources::default(), ..tuner.manifest.clone() })
}

pub(super) fn save(tuner: &Tuner, path: &Path, note: &str) -> Result<()> {
    let mut tensors = Vec::new();
    for (i, p) in tuner.parameters.iter().enumerate() {
        let shape = vec![p.len()];
        tensors.push((format!("{i}.value"), shape.clone(), p.values().map_err(fault::tensor)?));
        tensors.push((format!("{i}.mean"), shape.clone(), p.mean.clone()));
        tensors.push((format!("{i}.square"), shape, p.square.clone()));
    }
    let about =
        [("identity", identity(tuner)), ("steps", tuner.steps.to_string()), ("note", note.to_owned())];
    let about = about.map(|(key, value)| (key.to_owned(), value)).into();
    let bytes = serialize(&tensors, Some(about))?;
    let io = |e: std::io::Error| fault::io(path.display(), &e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    fs::write(file.path(), bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}

pub(super) fn restore(tuner: &mut Tuner, path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|e| fault::io(path.display(), &e))?;
    let wrong = |problem: &dyn std::fmt::Display| {
        fault::model(path.display(), format_args!("not a checkpoint of this training: {problem}"))
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e))?;
    let about = header.metadata().as_ref();
    let said = |key: &str| about.and_then(|m| m.get(key)).map(String::as_str).unwrap_or_default();
    if said("identity") != identity(tuner) {
        return Err(wrong(&"another model, tasks or settings"));
    }
    let steps = said("steps").parse().map_err(|e| wrong(&e))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| wrong(&e))?;
    let mut read = Vec::new();
    for (i, p) in tuner.parameters.iter().enumerate() {
        let floats = |part: &str| {
            let view = tensors.tensor(&format!("{i}.{part}")).map_err(|e| wrong(&e))?;
            if view.dtype() != Dtype::F32 || view.shape() != [p.len()] {
                return Err(wrong(&"a tensor of another shape"));
            }
            Ok(bytemuck::allocation::pod_collect_to_vec::<u8, f32>(view.data()))
        };
        read.push([floats("value")?, floats("mean")?, floats("square")?]);
    }
    for (p, [value, mean, square]) in tuner.parameters.iter_mut().zip(read) {
        p.set(value).map_err(fault::tensor)?;
        (p.mean, p.square) = (mean, square);
    }
    tuner.steps = steps;
    Ok(said("note").to_owned())
}

/// What has to be the same for a checkpoint to be gone on from.
fn identity(tuner: &Tuner) -> String {
    let heads: Vec<_> = tuner.heads.iter().map(|h| (h.bias.elem_count(), h.share)).collect();
    hash::of_bytes(format!("{}\0{:?}\0{heads:?}", tuner.manifest.fingerprint(), tuner.options).as_bytes())
}

fn serialize(tensors: &[Named], about: Option<HashMap<String, String>>) -> Result<Vec<u8>> {
    let fault = |e: safetensors::SafeTensorError| fault::internal(format_args!("weights: {e}"));
    // Little-endian, as the format has it and as every platform that this builds for.
    let mut views = Vec::new();
    for (name, shape, values) in tensors {
        views.push((
            name,
            TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(values)).map_err(fault)?,
        ));
    }
    safetensors::serialize(views, about).map_err(fault)
}
