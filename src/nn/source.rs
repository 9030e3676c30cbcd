//! What the sources of model files share: progress, refusals, and the one door into the store through which
//! every byte passes its hash. A source never decides whether a file is good.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::verify::mismatch;
use crate::{Manifest, ModelFile, fault, hash};
use firstline_fault::{Error, Result};

pub(crate) mod folder;
pub(crate) mod hub;
pub(crate) mod package;

/// What happens while a model is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is pulling the same model.
    Waiting,
    /// A source is asked.
    Trying {
        /// The source.
        source: &'a str,
    },
    /// Bytes came in.
    Bytes {
        /// The source.
        source: &'a str,
        /// Bytes so far.
        done: u64,
        /// Bytes expected.
        total: u64,
    },
    /// A source did not have it; the next one is asked.
    Failed {
        /// The source.
        source: &'a str,
        /// Why, in one line.
        reason: &'a str,
    },
}

/// Called on progress; `Break` stops the pull with `E_INTERRUPTED`.
pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// Why a source did not deliver.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It does not have the files; the next source is asked.
    Absent(String),
    /// It has other content than the manifest says; the next source is asked.
    Mismatch(String),
    /// No other source would help.
    Stop(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Stop(error)
    }
}

/// One source at work for one model.
pub(crate) struct Pull<'a> {
    /// The model.
    pub(crate) manifest: &'a Manifest,
    /// Folder for what is half done; it outlives an interruption.
    pub(crate) partial: &'a Path,
    /// Name of the source.
    pub(crate) source: &'static str,
    /// Who is told.
    pub(crate) on_progress: OnProgress<'a>,
}

impl Pull<'_> {
    /// Where checked files are laid until the model is complete.
    pub(crate) fn ready(&self) -> PathBuf {
        self.partial.join("ready")
    }

    /// Tells how many bytes have come in.
    pub(crate) fn bytes(&mut self, done: u64, total: u64) -> Result<()> {
        match (self.on_progress)(Progress::Bytes { source: self.source, done: done.min(total), total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(fault::interrupted(&self.manifest.name)),
        }
    }

    /// Copies one file into the ready folder and checks it on the way. `before` bytes were done before it.
    pub(crate) fn take(
        &mut self,
        file: &ModelFile,
        from: &mut dyn Read,
        before: u64,
    ) -> std::result::Result<(), Refusal> {
        let path = self.ready().join(&file.path);
        let mut to = create(&path)?;
        let total = self.manifest.total_bytes();
        let mut stopped = None;
        let copied = hash::copy(from, &mut to, file.bytes, &mut |done| {
            self.bytes(before + done, total).map_err(|e| {
                stopped = Some(e);
                io::Error::other("stopped")
            })
        });
        if let Some(error) = stopped {
            return Err(Refusal::Stop(error));
        }
        let (bytes, sha256) = match copied {
            Ok(copied) => copied,
            Err(e) if e.kind() == io::ErrorKind::FileTooLarge => {
                return Err(Refusal::Mismatch(format!("{} is longer than {} bytes", file.path, file.bytes)));
            }
            Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                return Err(fault::io(path.display(), &e).into());
            }
            Err(e) => return Err(Refusal::Absent(format!("{}: {e}", file.path))),
        };
        if sha256 != file.sha256 {
            return Err(Refusal::Mismatch(mismatch(&file.path, Some(file), bytes, Some(&sha256))));
        }
        to.sync_all().map_err(|e| fault::io(path.display(), &e).into())
    }

    /// Takes every file of the manifest from where `locate` says it lies.
    pub(crate) fn take_all(
        &mut self,
        locate: &dyn Fn(&ModelFile) -> Option<PathBuf>,
    ) -> std::result::Result<(), Refusal> {
        let manifest = self.manifest;
        let mut before = 0;
        for file in &manifest.files {
            let Some(path) = locate(file) else {
                return Err(Refusal::Absent(format!("{} is not there", file.path)));
            };
            let mut from =
                File::open(&path).map_err(|e| Refusal::Absent(format!("{}: {e}", path.display())))?;
            self.take(file, &mut from, before)?;
            before += file.bytes;
        }
        Ok(())
    }
}

/// Creates a file and the folders above it.
fn create(path: &Path) -> Result<File> {
    let io_error = |e: io::Error| fault::io(path.display(), &e);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io_error)?;
    }
    File::create(path).map_err(io_error)
}

/// One line of at most 300 characters without credentials, fit for an error message.
pub(crate) fn reason(text: impl std::fmt::Display) -> String {
    let mut line = String::new();
    for word in text.to_string().split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        match (word.find("://"), word.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => {
                line.push_str(&word[..scheme + 3]);
                line.push_str("***");
                line.push_str(&word[at..]);
            }
            _ => line.push_str(word),
        }
    }
    line.chars().take(300).collect::<String>().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_short_single_lines_without_credentials() {
        assert_eq!(
            reason("could not\n reach https://me:secret@host/x."),
            "could not reach https://***@host/x"
        );
        assert_eq!(reason("y".repeat(1000)).len(), 300);
    }
}
