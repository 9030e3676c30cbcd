//! Where an encoder's files lie, and what they are. Must never take them for whole: their hashes are checked where they are read.

use std::path::{Path, PathBuf};

use firstline_fault::Result;
use firstline_nn::Manifest;

use super::layout::{ENCODER, MANIFEST};

/// An encoder's files.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderFiles {
    /// The folder that they are in.
    pub dir: PathBuf,
    /// What they are.
    pub manifest: Manifest,
}

impl EncoderFiles {
    /// The encoder, not fine-tuned, of the bundle in `bundle`.
    ///
    /// # Errors
    /// [`Code::Model`](firstline_fault::Code::Model) when there is none.
    pub fn of_bundle(bundle: &Path) -> Result<Self> {
        Self::in_folder(bundle.join(ENCODER))
    }

    pub(super) fn in_folder(dir: PathBuf) -> Result<Self> {
        let manifest = Manifest::from_file(&dir.join(MANIFEST))?;
        Ok(Self { dir, manifest })
    }
}
