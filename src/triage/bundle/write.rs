//! Writes a bundle into its folder.
//!
//! What stood there before goes as a whole: nothing of an old bundle must survive in a new one.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::{Error, InternalError, UserError};
use firstline_ticket::Field;
use serde::Serialize;

use super::info::{FieldFile, InfoFile};
use super::layout::{ANSWERS, ENCODER, HABITS, INFO, INFO_HASH, MANIFEST, TUNED, WEIGHTS};
use super::read::read_info;
use super::tensors::Tensors;
use super::{Bundle, EncoderFiles, kept, place};
use crate::habits::Habits;
use crate::model::FieldModel;

impl Bundle {
    /// Checks that a bundle may be written into `dir`, so that hours of training are not lost on it.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when `dir` holds something else;
    /// [`Code::Io`](firstline_fault::Code::Io) when nothing can be written there.
    pub fn check_place(dir: &Path) -> firstline_fault::Result<()> {
        place::staging(dir).map(drop)
    }

    /// Writes the bundle into `dir` with the files of its encoder and of what fine-tuning made of it, by atomic
    /// rename. `complete` may add to the folder before it appears, such as its index. A bundle that stands there is replaced, with
    /// its index and its writer, which belong to the old one; a folder that is no bundle is refused.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when `dir` holds something else;
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written; whatever `complete` returns.
    pub fn publish<E: From<Error>>(
        &self,
        dir: &Path,
        encoder: &EncoderFiles,
        tuned: Option<&EncoderFiles>,
        complete: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        place::publish(dir, |staging| {
            self.write(staging, encoder, tuned)?;
            complete(staging)
        })
    }

    fn write(
        &self,
        staging: &Path,
        encoder: &EncoderFiles,
        tuned: Option<&EncoderFiles>,
    ) -> firstline_fault::Result<()> {
        let mut files = BTreeMap::new();
        for (name, encoder) in [(ENCODER, Some(encoder)), (TUNED, tuned)] {
            let Some(encoder) = encoder else { continue };
            let sha256 = write_encoder(encoder, &staging.join(name))?;
            files.insert(format!("{name}/{MANIFEST}"), sha256);
        }
        files.insert(WEIGHTS.into(), place::write(&staging.join(WEIGHTS), &self.tensors()?)?);
        if let Some(habits) = &self.habits {
            files.insert(HABITS.into(), write_json(habits.as_ref(), &staging.join(HABITS))?);
        }
        if let Some(answers) = &self.answers {
            files.insert(ANSWERS.into(), write_json(answers.as_ref(), &staging.join(ANSWERS))?);
        }
        let info = InfoFile {
            info: self.info.clone(),
            fields: self.field_files(),
            hierarchy: self.hierarchy.clone(),
            files,
            sealed: true,
        };
        write_info(&info, staging)
    }

    /// Gives the bundle in `dir` other habits, by atomic rename; all else of it stays as it is.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when `dir` holds something else;
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written.
    pub fn publish_habits(dir: &Path, habits: &Habits) -> firstline_fault::Result<()> {
        // However the bundle is named: a link to it stays one.
        let dir = &dir.canonicalize().map_err(|e| UserError::io(dir.display(), &e))?;
        place::publish(dir, |staging| {
            let written = [INFO, INFO_HASH, HABITS];
            place::link(dir, staging, &|name| !written.iter().any(|ours| name == *ours))?;
            let mut info = read_info(dir)?;
            info.files.insert(HABITS.into(), write_json(habits, &staging.join(HABITS))?);
            write_info(&InfoFile { sealed: true, ..info }, staging)
        })
    }

    fn field_files(&self) -> BTreeMap<Field, FieldFile> {
        let file = |m: &FieldModel| FieldFile {
            space: m.space.clone(),
            members: m.members.iter().map(|m| m.name().to_owned()).collect(),
            mixture: m.mixture.clone(),
            calibrator: m.calibrator.clone(),
            correctness: m.correctness.clone(),
            ordinal: m.ordinal.clone(),
            retired: m.retired.clone(),
            rare: m.rare.clone(),
        };
        self.fields.iter().map(|(&field, model)| (field, file(model))).collect()
    }

    fn tensors(&self) -> firstline_fault::Result<Vec<u8>> {
        let mut out = Tensors::default();
        let (ngrams, context, idf) = self.vocabulary.parts();
        out.put_u32("vocabulary.ngrams", ngrams);
        out.put_u32("vocabulary.context", context);
        out.put_f32("vocabulary.idf", idf);
        out.put_f32("history.embeddings", &self.history);
        out.put_u64("seen", &self.seen);
        for (field, model) in &self.fields {
            put_field(&mut out, *field, model);
        }
        kept::put(&mut out, &self.reserve);
        out.serialize()
    }
}

/// Writes a part of a bundle as JSON; its sha256.
fn write_json(part: &impl Serialize, path: &Path) -> firstline_fault::Result<String> {
    let json =
        serde_json::to_vec(part).map_err(|e| InternalError::new(format!("{}: {e}", path.display())))?;
    place::write(path, &json)
}

/// Writes what a bundle says about itself into its folder.
fn write_info(info: &InfoFile, staging: &Path) -> firstline_fault::Result<()> {
    let json = serde_json::to_vec_pretty(info).map_err(|e| InternalError::new(format!("{INFO}: {e}")))?;
    let sha256 = place::write(&staging.join(INFO), &json)?;
    place::write(&staging.join(INFO_HASH), sha256.as_bytes())?;
    Ok(())
}

/// Copies an encoder's files and writes its manifest into the folder `place`; the manifest's sha256.
fn write_encoder(encoder: &EncoderFiles, place: &Path) -> firstline_fault::Result<String> {
    place::make_folder(place)?;
    for file in &encoder.manifest.files {
        place::copy(&encoder.dir.join(&file.path), &place.join(&file.path))?;
    }
    place::write(&place.join(MANIFEST), encoder.manifest.to_toml()?.as_bytes())
}

fn put_field(out: &mut Tensors<'_>, field: Field, model: &FieldModel) {
    out.put_f32(&format!("{field}.prior"), &model.prior);
    out.put_u32(&format!("{field}.history"), &model.history_labels);
    for member in &model.members {
        if let Some(head) = member.head() {
            let key = format!("{field}.{}", member.name());
            out.put_f32(&format!("{key}.sparse"), &head.sparse);
            out.put_f32(&format!("{key}.dense"), &head.dense);
            out.put_f32(&format!("{key}.bias"), &head.bias);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use firstline_nn::{Manifest, ModelFile};

    use super::super::layout;
    use super::*;
    use crate::answer::AnswerModel;
    use crate::bundle::{BUNDLE_FORMAT, BundleInfo, SplitFacts, sha256_hex};
    use crate::features::Vocabulary;
    use crate::habits::{HabitsBuilder, Writer};
    use crate::model::Reserve;
    use crate::site_words::SiteWords;

    /// A bundle without a field, trained with `seed`.
    fn bundle(seed: u64) -> Bundle {
        let info = BundleInfo {
            format: BUNDLE_FORMAT,
            trained_by: "test".to_owned(),
            model: "m".to_owned(),
            tuned: false,
            dimensions: 2,
            seed,
            data_sha256: String::new(),
            config_sha256: String::new(),
            split: SplitFacts::default(),
            words: SiteWords::default(),
        };
        let vocabulary = Vocabulary::from_parts(Vec::new(), Vec::new(), Vec::new());
        let (history, seen) = (vec![1.0, 0.0], vec![7]);
        let (fields, reserve) = (BTreeMap::new(), Reserve::default());
        Bundle {
            info,
            vocabulary,
            history,
            seen,
            fields,
            hierarchy: None,
            habits: None,
            reserve,
            answers: None,
        }
    }

    /// An encoder of one file, which lies in a folder of its own and which everybody may read.
    fn encoder(dir: &Path) -> EncoderFiles {
        let folder = dir.join("model");
        fs::create_dir_all(folder.join("onnx")).unwrap();
        fs::write(folder.join("onnx/model"), b"weights").unwrap();
        let mut manifest = Manifest::find("all-minilm-l6-v2").unwrap();
        manifest.files =
            vec![ModelFile { path: "onnx/model".to_owned(), bytes: 7, sha256: sha256_hex(b"weights") }];
        EncoderFiles { dir: folder, manifest }
    }

    fn alone(_: &Path) -> firstline_fault::Result<()> {
        Ok(())
    }

    /// All that lies in `dir`, by its path.
    fn tree(dir: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                found.extend(tree(&path));
            }
            found.push(path);
        }
        found
    }

    #[test]
    fn a_new_training_replaces_a_bundle_with_its_index_and_its_writer() {
        let home = tempfile::tempdir().unwrap();
        let (dir, encoder) = (home.path().join("desk"), encoder(home.path()));
        bundle(1).publish(&dir, &encoder, None, alone).unwrap();
        for (folder, file) in [(layout::INDEX, layout::DESK), (layout::WRITER, layout::WRITER_CHOICE)] {
            fs::create_dir(dir.join(folder)).unwrap();
            fs::write(dir.join(folder).join(file), b"{}").unwrap();
        }
        Bundle::check_place(&dir).unwrap();
        bundle(2).publish(&dir, &encoder, None, alone).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().info.seed, 2);
        assert!(!dir.join(layout::WRITER).exists() && !dir.join(layout::INDEX).exists());
        let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the bundle and its model, and nothing half-written: {left:?}");
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_bundle_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let (dir, mut encoder) = (home.path().join("desk"), encoder(home.path()));
        bundle(1).publish(&dir, &encoder, None, alone).unwrap();
        encoder.manifest.files[0].path = "missing".to_owned();
        bundle(2).publish(&dir, &encoder, None, alone).unwrap_err();
        assert_eq!(Bundle::load(&dir).unwrap().info.seed, 1);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
        fs::write(dir.join("notes.txt"), b"mine").unwrap();
        let refused = Bundle::check_place(&dir).unwrap_err().to_string();
        assert!(refused.starts_with("E_BUNDLE") && refused.contains("notes.txt"), "{refused}");
    }

    #[test]
    fn a_bundle_appears_when_it_is_complete() {
        let home = tempfile::tempdir().unwrap();
        let (dir, encoder) = (home.path().join("desk"), encoder(home.path()));
        let complete = |staging: &Path| {
            assert!(!dir.exists() && staging.join(layout::INFO).exists());
            fs::create_dir(staging.join(layout::INDEX)).unwrap();
            Ok::<(), Error>(())
        };
        bundle(1).publish(&dir, &encoder, None, complete).unwrap();
        assert!(dir.join(layout::INDEX).exists());
        let fails = |_: &Path| {
            assert_eq!(Bundle::load(&dir).unwrap().info.seed, 1);
            Err(Error::from(InternalError::new("no index")))
        };
        bundle(2).publish(&dir, &encoder, None, fails).unwrap_err();
        assert_eq!(Bundle::load(&dir).unwrap().info.seed, 1);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "nothing half-written is left");
    }

    fn habits(customer: &str) -> Habits {
        let mut builder = HabitsBuilder::new(9);
        for (i, contact) in ["Ann", "Bob", "Mia", "Kim", "Zoe", "Lee"].iter().cycle().take(24).enumerate() {
            let writer = Writer { contact, customer, subject: &format!("matter {contact}"), opened_at: None };
            builder.add(&writer, &format!("Number {i} hums, says {contact}.\nThe mill by the brook"));
        }
        builder.finish()
    }

    #[test]
    fn habits_lie_in_the_bundle_and_can_be_replaced_alone() {
        let home = tempfile::tempdir().unwrap();
        let (dir, encoder) = (home.path().join("desk"), encoder(home.path()));
        bundle(1).publish(&dir, &encoder, None, alone).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().habits, None, "a bundle without habits is one");
        let (first, second) = (habits("Alder"), habits("Birch"));
        assert!(!first.is_empty() && first != second);
        let with = Bundle { habits: Some(Arc::new(first.clone())), ..bundle(1) };
        with.publish(&dir, &encoder, None, alone).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().habits.as_deref(), Some(&first));
        fs::create_dir(dir.join(layout::INDEX)).unwrap();
        fs::write(dir.join(layout::INDEX).join(layout::DESK), b"{}").unwrap();
        let both = first.clone().with(second);
        Bundle::publish_habits(&dir, &both).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().habits, Some(Arc::new(both)));
        assert!(dir.join(layout::INDEX).join(layout::DESK).exists(), "the index stays");
        assert!(dir.join(layout::ENCODER).join("onnx/model").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "nothing half-written is left");
        // What is not as it was written is not believed.
        fs::write(dir.join(layout::HABITS), serde_json::to_vec(&first).unwrap()).unwrap();
        for refused in [Bundle::load(&dir).err(), Bundle::read_reader(&dir).err()] {
            let refused = refused.unwrap().to_string();
            assert!(refused.starts_with("E_BUNDLE") && refused.contains("habits.json"), "{refused}");
        }
    }

    #[test]
    fn what_was_learnt_of_replies_lies_in_the_bundle_and_is_believed_as_it_was_written() {
        let home = tempfile::tempdir().unwrap();
        let (dir, encoder) = (home.path().join("desk"), encoder(home.path()));
        bundle(1).publish(&dir, &encoder, None, alone).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().answers, None, "a bundle without it is one");
        let learnt =
            AnswerModel { bias: 1.5, weights: [(7, -0.25), (9, 2.0)].into(), ..AnswerModel::default() };
        let with = Bundle { answers: Some(Arc::new(learnt.clone())), ..bundle(1) };
        with.publish(&dir, &encoder, None, alone).unwrap();
        assert_eq!(Bundle::load(&dir).unwrap().answers.as_deref(), Some(&learnt));
        Bundle::publish_habits(&dir, &habits("Alder")).unwrap();
        assert_eq!(
            Bundle::load(&dir).unwrap().answers.as_deref(),
            Some(&learnt),
            "new habits leave it as it is"
        );
        fs::write(dir.join(layout::ANSWERS), b"{}").unwrap();
        let refused = Bundle::load(&dir).unwrap_err().to_string();
        assert!(refused.starts_with("E_BUNDLE") && refused.contains("answers.json"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_reads_a_bundle() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (dir, encoder) = (home.path().join("desk"), encoder(home.path()));
        bundle(1).publish(&dir, &encoder, Some(&encoder), alone).unwrap();
        let all = tree(&dir);
        assert_eq!(all.len(), 11, "three files, and twice a folder, a manifest, a folder, a file: {all:?}");
        for path in all.into_iter().chain([dir]) {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}: {mode:o}", path.display());
        }
    }
}
