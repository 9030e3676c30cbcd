//! Files that are written whole and then read whole, into memory of our own: packs of weights, models, segments of an index.
//!
//! Must never map a file itself: whoever writes into a mapped file changes what was checked, and whoever cuts it short ends the
//! process.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapMut};

/// A copy of a file, in memory that belongs to no file: what becomes of the file later changes nothing here. Its bytes begin at
/// a multiple of 64.
#[derive(Debug)]
pub struct FileCopy {
    map: Mmap,
    length: usize,
}

impl FileCopy {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Whatever the system says; `InvalidInput` for what is no file; `UnexpectedEof` for one that is cut short meanwhile.
    pub fn read(path: &Path) -> io::Result<Self> {
        // A pipe would block whoever opens it.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let mut file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // There is no map of no bytes.
        let mut map = MmapMut::map_anon(length.max(1))?;
        file.read_exact(&mut map[..length])?;
        Ok(Self { map: map.make_read_only()?, length })
    }

    /// What a file of `length` bytes, all 0, holds once `fill` has written into it.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn filled(length: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(length.max(1))?;
        fill(&mut map[..length]);
        Ok(Self { map: map.make_read_only()?, length })
    }
}

impl Deref for FileCopy {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[..self.length]
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_the_file_changes_no_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights");
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let copy = FileCopy::read(&path).unwrap();
        // Mapped, the first would be seen, and the second would end the process at the next read.
        fs::write(&path, vec![8; 1 << 20]).unwrap();
        assert!(copy.iter().all(|&byte| byte == 7));
        File::options().write(true).open(&path).unwrap().set_len(10).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(copy.len() == 1 << 20 && copy.iter().all(|&byte| byte == 7));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path(), &dir.path().join("missing")] {
            assert!(FileCopy::read(path).is_err(), "{}", path.display());
        }
        let empty = dir.path().join("empty");
        fs::write(&empty, "").unwrap();
        assert!(FileCopy::read(&empty).unwrap().is_empty());
    }
}
