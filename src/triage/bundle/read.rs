//! Reads a bundle. Its files are hostile: their version, hashes and shapes are checked before anything is believed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use firstline_fault::{Code, Result, UserError};
use firstline_nn::Encoder;
use firstline_ticket::Field;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::hashes::{check, damaged, sha256_hex};
use super::info::{BUNDLE_FORMAT, FieldFile, InfoFile};
use super::layout::{ANSWERS, ENCODER, HABITS, INFO, INFO_HASH, MANIFEST, TUNED, WEIGHTS};
use super::tensors::Tensors;
use super::{Bundle, EncoderFiles, kept};
use crate::features::{Encoders, Vocabulary};
use crate::model::{FieldModel, HIERARCHY, Head, Member};
use crate::reader::Reader;

impl Bundle {
    /// Loads the bundle in `dir`, checking version, hashes and shapes.
    ///
    /// # Errors
    /// [`Code::Bundle`] when it is missing, damaged or of another version.
    pub fn load(dir: &Path) -> Result<Self> {
        let (file, path) = (read_info(dir)?, dir.join(INFO));
        let tuned = file.info.tuned.then_some(TUNED);
        let manifests = [ENCODER].into_iter().chain(tuned).map(|name| format!("{name}/{MANIFEST}"));
        for needed in manifests.chain([WEIGHTS.to_owned()]) {
            if !file.files.contains_key(&needed) {
                return Err(damaged(&path, format!("it states no sha256 of {needed}")).into());
            }
        }
        for (name, sha256) in &file.files {
            check(dir, name, sha256)?;
        }
        let (habits, answers) = (listed(dir, &file, HABITS)?, listed(dir, &file, ANSWERS)?);
        Ok(Self { habits, answers, ..Self::from_files(file, &dir.join(WEIGHTS))? })
    }

    /// What reads tickets as the bundle in `dir` does, without the rest of the bundle.
    ///
    /// # Errors
    /// [`Code::Bundle`] when it is missing, damaged or of another version.
    pub fn read_reader(dir: &Path) -> Result<Reader> {
        let file = read_info(dir)?;
        let habits = listed(dir, &file, HABITS)?.unwrap_or_default();
        Ok(Reader::new(file.info.words, habits))
    }

    /// Loads the bundle's encoders from `dir` and checks their files against their manifests.
    ///
    /// # Errors
    /// [`Code::Model`] when the files don't make encoders of the bundle's dimensions.
    pub fn load_encoders(&self, dir: &Path) -> Result<Encoders> {
        let load = |name: &str| -> Result<Encoder> {
            let EncoderFiles { dir, manifest } = EncoderFiles::in_folder(dir.join(name))?;
            for file in &manifest.files {
                check(&dir, &file.path, &file.sha256)?;
            }
            Encoder::load(&dir, &manifest)
        };
        let encoders = Encoders::new(load(ENCODER)?, self.info.tuned.then(|| load(TUNED)).transpose()?);
        if encoders.dimensions() != self.info.dimensions {
            let problem = format!(
                "the encoders have {} dimensions, the heads {}",
                encoders.dimensions(),
                self.info.dimensions
            );
            return Err(damaged(dir, problem).into());
        }
        Ok(encoders)
    }

    fn from_files(file: InfoFile, weights: &Path) -> Result<Self> {
        let bytes = fs::read(weights).map_err(|e| UserError::io(weights.display(), &e))?;
        let tensors = Tensors::parse(&bytes).map_err(|e| damaged(weights, e))?;
        let read = || -> std::result::Result<Self, String> {
            let idf = tensors.f32("vocabulary.idf")?;
            let ngrams = tensors.u32("vocabulary.ngrams")?;
            if idf.len() != ngrams.len() {
                return Err("vocabulary and idf differ in length".into());
            }
            let vocabulary = Vocabulary::from_parts(ngrams, tensors.u32("vocabulary.context")?, idf);
            let history = tensors.f32("history.embeddings")?;
            let d = file.info.dimensions;
            if d == 0 || !history.len().is_multiple_of(d) {
                return Err("the history's embeddings do not fit the dimensions".into());
            }
            let sizes = Sizes { dimensions: d, history: history.len() / d };
            let mut fields = BTreeMap::new();
            for (field, described) in file.fields {
                fields.insert(field, field_model(&tensors, field, described, sizes)?);
            }
            let together = HIERARCHY.iter().filter_map(|f| fields.get(f));
            let sizes: Vec<usize> = together.map(|m: &FieldModel| m.space.len()).collect();
            if !file.hierarchy.as_ref().is_none_or(|h| h.is_sound(&sizes)) {
                return Err("the hierarchy does not fit the fields".into());
            }
            let (info, hierarchy) = (file.info, file.hierarchy);
            let seen = tensors.u64("seen")?;
            let reserve = kept::read(&tensors, &fields)?;
            Ok(Self {
                info,
                vocabulary,
                history,
                seen,
                fields,
                hierarchy,
                habits: None,
                reserve,
                answers: None,
            })
        };
        read().map_err(|e| damaged(weights, e).into())
    }
}

/// Reads what the bundle in `dir` says about itself.
pub(super) fn read_info(dir: &Path) -> Result<InfoFile> {
    let path = dir.join(INFO);
    let json = fs::read(&path).map_err(|e| {
        let next = "Train one with `firstline train --bundle DIR`, or name the folder that holds bundle.json";
        UserError::new(Code::Bundle, path.display().to_string(), e.to_string(), next)
    })?;
    let version: Version = serde_json::from_slice(&json).map_err(|e| damaged(&path, e.to_string()))?;
    if version.format != BUNDLE_FORMAT {
        let problem = format!("format {}, but this program reads format {BUNDLE_FORMAT}", version.format);
        return Err(
            UserError::new(Code::Bundle, path.display().to_string(), problem, "Train it again").into()
        );
    }
    let stated = fs::read_to_string(dir.join(INFO_HASH));
    if let Ok(stated) = &stated {
        let found = sha256_hex(&json);
        if stated.trim() != found {
            return Err(damaged(&path, format!("sha256 is {found}, not {}", stated.trim())).into());
        }
    }
    let file: InfoFile = serde_json::from_slice(&json).map_err(|e| damaged(&path, e.to_string()))?;
    if let (true, Err(e)) = (file.sealed, &stated) {
        return Err(damaged(&dir.join(INFO_HASH), e.to_string()).into());
    }
    Ok(file)
}

/// A part of the bundle in `dir` that it need not have, where its `file` lists it.
fn listed<T: DeserializeOwned>(dir: &Path, file: &InfoFile, name: &str) -> Result<Option<Arc<T>>> {
    let Some(sha256) = file.files.get(name) else { return Ok(None) };
    let path = dir.join(name);
    let json = fs::read(&path).map_err(|e| damaged(&path, e.to_string()))?;
    let found = sha256_hex(&json);
    if found != *sha256 {
        return Err(damaged(&path, format!("sha256 is {found}, not {sha256}")).into());
    }
    let part: T = serde_json::from_slice(&json).map_err(|e| damaged(&path, e.to_string()))?;
    Ok(Some(Arc::new(part)))
}

/// What is read of a `bundle.json` of any version.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// What a field's model has to fit.
#[derive(Clone, Copy)]
struct Sizes {
    /// Dimensions of an embedding.
    dimensions: usize,
    /// Tickets of the history.
    history: usize,
}

fn field_model(
    tensors: &Tensors<'_>,
    field: Field,
    file: FieldFile,
    sizes: Sizes,
) -> std::result::Result<FieldModel, String> {
    let model = FieldModel {
        members: members(tensors, field, &file, sizes.dimensions)?,
        prior: tensors.f32(&format!("{field}.prior"))?,
        history_labels: tensors.u32(&format!("{field}.history"))?,
        space: file.space,
        mixture: file.mixture,
        calibrator: file.calibrator,
        correctness: file.correctness,
        ordinal: file.ordinal,
        retired: file.retired,
        rare: file.rare,
    };
    match model.unfit(sizes.history) {
        Some(problem) => Err(format!("{field}: {problem}")),
        None => Ok(model),
    }
}

fn members(
    tensors: &Tensors<'_>,
    field: Field,
    file: &FieldFile,
    dimensions: usize,
) -> std::result::Result<Vec<Member>, String> {
    let member = |name: &String| {
        let key = format!("{field}.{name}");
        let head = match name.as_str() {
            "neighbours" => None,
            _ => Some(Head {
                classes: file.space.len(),
                sparse: tensors.f32(&format!("{key}.sparse"))?,
                dense: tensors.f32(&format!("{key}.dense"))?,
                bias: tensors.f32(&format!("{key}.bias"))?,
            }),
        };
        // Fine-tuning leaves an encoder's dimensions as they are: the original's are the leading half.
        let reads = if name == "original" { dimensions / 2 } else { dimensions };
        if head.as_ref().is_some_and(|h| !h.is_consistent(reads)) {
            return Err(format!("{key}: the weights' shapes do not fit"));
        }
        Member::from_name(name, head).ok_or_else(|| format!("{field}: no member {name:?}"))
    };
    file.members.iter().map(member).collect()
}
