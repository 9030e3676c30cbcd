//! Every name that a bundle's folder can hold, or that belongs to a bundle and stands beside it, and which command writes it.
//!
//! ```text
//! BUNDLE/bundle.json            train                format, model, fields, label names, mixtures, hashes of the files below
//! BUNDLE/bundle.sha256          train                the hash of bundle.json
//! BUNDLE/weights.safetensors    train                vocabulary, heads, vectors and labels of the history, its tickets' hashes
//! BUNDLE/habits.json            train, drafts index  what senders put around every mail: salted hashes of lines, no words
//! BUNDLE/answers.json           train                what customers' replies that confirm look like here: hashes of words, and a test
//! BUNDLE/encoder/               train                the encoder's files, each by its path in the manifest
//! BUNDLE/encoder/manifest.toml  train                which files they are, and how they are used
//! BUNDLE/encoder/int8-ISA.pack  first opening        the encoder in 8 bits for an instruction set; made again where it is missing
//! BUNDLE/tuned/                 train                the same three, of what fine-tuning made of the encoder, where it did
//! BUNDLE/index/desk.json        train, drafts index  names, companies, the desk's usual sentences: customers' words
//! BUNDLE/index/files.json       train, drafts index  which files the index consists of, with their hashes
//! BUNDLE/index/000001.cases     train, drafts index  resolved tickets with their replies: customers' words; then 000002 ...
//! BUNDLE/writer/tuned.gguf      drafts tune          the language model that was taught on the history, where it writes better
//! BUNDLE/writer/tuned.gguf.pack first opening        its weights as the kernels read them; made again where it is missing
//! BUNDLE/writer/writer.json     drafts tune          which model writes, and how that was found out
//!
//! BUNDLE.templates.toml         train, drafts index  reply templates, which people approve; outlives the bundle
//! BUNDLE.reviews.json           drafts learn-reviews what people's reviews of drafts taught; outlives the bundle
//! BUNDLE.training/              train                what a training that was stopped needs to go on; removed at its end
//! .firstline-bundle-*/          train                a bundle that is being written; removed at its end
//! .firstline-index-*/           drafts index         an index that is being rebuilt; removed at its end
//! .BUNDLE.index.lock            train, drafts index  held while the index is written, so that no two do it at once
//! ```
//!
//! A folder that holds any other name than those under `BUNDLE/` is no bundle: it must never be replaced.

use std::path::{Path, PathBuf};

/// What the bundle says about itself.
pub const INFO: &str = "bundle.json";
/// The sha256 of what the bundle says about itself.
pub const INFO_HASH: &str = "bundle.sha256";
/// Weights and the history's vectors.
pub const WEIGHTS: &str = "weights.safetensors";
/// The habits of senders. A bundle of before has none.
pub const HABITS: &str = "habits.json";
/// What customers' replies that confirm look like. A bundle of before has none, nor one whose history has too few.
pub const ANSWERS: &str = "answers.json";
/// The encoder's folder.
pub const ENCODER: &str = "encoder";
/// The folder of what fine-tuning made of the encoder.
pub const TUNED: &str = "tuned";
/// An encoder's manifest, in its folder.
pub const MANIFEST: &str = "manifest.toml";
/// The folder of resolved tickets.
pub const INDEX: &str = "index";
/// What is known of the desk, in the folder of resolved tickets.
pub const DESK: &str = "desk.json";
/// The files of the folder of resolved tickets with their hashes, in the same folder.
pub const INDEX_FILES: &str = "files.json";
/// Ending of a segment's name, in the folder of resolved tickets.
pub const SEGMENT: &str = "cases";
/// The folder of the language model that was taught on the history.
pub const WRITER: &str = "writer";
/// The language model, in its folder.
pub const WRITER_MODEL: &str = "tuned.gguf";
/// Which model writes, in the same folder.
pub const WRITER_CHOICE: &str = "writer.json";

/// Every name that can stand in a bundle's folder.
pub const ALL: [&str; 9] = [INFO, INFO_HASH, WEIGHTS, HABITS, ANSWERS, ENCODER, TUNED, INDEX, WRITER];

/// Ending of the reply templates' file, [`beside`] the bundle.
pub const TEMPLATES: &str = "templates.toml";
/// Ending of the file with what reviews taught, [`beside`] the bundle.
pub const REVIEWS: &str = "reviews.json";
/// Ending of the folder of a training that was stopped, [`beside`] the bundle.
pub const TRAINING: &str = "training";
/// How the name of a folder begins that a bundle is being written into.
pub(super) const STAGING: &str = ".firstline-bundle-";

/// The path `BUNDLE.ending` beside the bundle in `dir`, however `dir` names it.
pub fn beside(dir: &Path, ending: &str) -> PathBuf {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_bundle_is_named_after_it_however_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().canonicalize().unwrap().join("desk");
        std::fs::create_dir(&bundle).unwrap();
        for named in [bundle.clone(), bundle.join("."), bundle.join("../desk/")] {
            assert_eq!(beside(&named, REVIEWS), bundle.with_file_name("desk.reviews.json"), "{named:?}");
        }
        assert_eq!(beside(Path::new("not/there"), TRAINING), Path::new("not/there.training"));
    }
}
