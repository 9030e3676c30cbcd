//! Files that are written whole and then mapped into memory: packs of weights, kept beside the models they were made of.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use memmap2::Mmap;

/// Maps the file at `path`; `None` where it can't be, or is no file: a pipe would block whoever opens it.
pub(crate) fn mapped(path: &Path) -> Option<Mmap> {
    if !fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let file = File::open(path).ok()?;
    // SAFETY: the file is only ever replaced by a rename, never changed in place, by this program; whoever else may
    // write into the model's folder may as well replace the model.
    unsafe { Mmap::map(&file) }.ok()
}

/// Writes `parts`, one after the other, into `path` whole, readable by whom the user's umask allows.
pub(crate) fn write(parts: &[impl AsRef<[u8]>], path: &Path) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new();
    file.prefix(".firstline-");
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = file.tempfile_in(dir)?;
    parts.iter().try_for_each(|part| file.write_all(part.as_ref()))?;
    file.persist(path).map(drop).map_err(|e| e.error)
}
