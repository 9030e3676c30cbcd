//! Files that are written whole and then mapped into memory: packs of weights, and whatever else is too large to read.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// A file in memory, read from the disk as it is needed. Its bytes begin at a multiple of 64.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps the file at `path`, which must only ever be replaced, as [`write_file`] does, never changed in place.
    ///
    /// # Errors
    /// Whatever the system says; `InvalidInput` for what is no file.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        // SAFETY: as the caller promises; whoever else may write into our folders may replace all that is in them.
        unsafe { Mmap::map(&File::open(path)?) }.map(Self)
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps the file at `path`; `None` where it can't be, or is no file: a pipe would block whoever opens it.
pub(crate) fn mapped(path: &Path) -> Option<Mmap> {
    MappedFile::open(path).ok().map(|file| file.0)
}

/// Writes `parts`, one after the other, into `path`, whole or not at all, readable by whom the user's umask allows.
///
/// # Errors
/// Whatever the system says.
pub fn write_file(parts: &[impl AsRef<[u8]>], path: &Path) -> io::Result<()> {
    write_with_mode(parts, path, 0o666)
}

/// Writes `parts` as [`write_file`] does, but readable by the owner alone, on Unix: for what holds customers' words.
///
/// # Errors
/// Whatever the system says.
pub fn write_private_file(parts: &[impl AsRef<[u8]>], path: &Path) -> io::Result<()> {
    write_with_mode(parts, path, 0o600)
}

fn write_with_mode(parts: &[impl AsRef<[u8]>], path: &Path, mode: u32) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new();
    file.prefix(".firstline-");
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = file.tempfile_in(dir)?;
    parts.iter().try_for_each(|part| file.write_all(part.as_ref()))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|e| e.error)
}
