//! The place of a bundle on disk: a folder that appears whole or not at all.
//!
//! What a bundle holds was learnt from customers' tickets: on Unix, only the user who trained it may read it. It must never
//! replace a folder that is no bundle.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use firstline_fault::{Code, Result, UserError};
use tempfile::TempDir;

use super::hashes::sha256_hex;
use super::layout;

/// Makes the staging folder beside `dir`, once it is clear that a bundle may stand there. Dropping it removes
/// it, whichever way we leave.
pub(super) fn staging(dir: &Path) -> Result<TempDir> {
    let io = |e: io::Error| UserError::io(dir.display(), &e);
    if dir.exists() {
        for entry in fs::read_dir(dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            if !layout::ALL.iter().any(|ours| name == *ours) {
                let problem = format!("the folder holds {name:?}, which is no part of a bundle");
                let place = dir.display().to_string();
                return Err(UserError::new(Code::Bundle, place, problem, "Name a new folder").into());
            }
        }
    }
    let parent = match dir.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io)?;
    // A temporary folder is its user's alone on any system.
    Ok(tempfile::Builder::new().prefix(layout::STAGING).tempdir_in(parent).map_err(io)?)
}

/// Fills a staging folder beside `dir` and renames it into place; on any fault nothing is left behind.
pub(super) fn publish(dir: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let io = |e: io::Error| UserError::io(dir.display(), &e);
    let staging = staging(dir)?;
    let (fresh, old) = (staging.path().join("new"), staging.path().join("old"));
    make_folder(&fresh)?;
    fill(&fresh)?;
    if dir.exists() {
        fs::rename(dir, &old).map_err(io)?;
    }
    if let Err(error) = fs::rename(&fresh, dir) {
        if old.exists() && fs::rename(&old, dir).is_err() {
            // The old bundle must not go down with the staging folder.
            let kept = staging.keep();
            let problem = format!("{error}; the old bundle is kept in {}", kept.display());
            return Err(
                UserError::new(Code::Io, dir.display().to_string(), problem, "Move it back by hand").into()
            );
        }
        return Err(io(error).into());
    }
    Ok(())
}

/// Makes a folder of a bundle, and those above it that are missing.
pub(super) fn make_folder(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir).map_err(|e| UserError::io(dir.display(), &e))?)
}

/// Writes a file through to the disk and returns its sha256 in hex.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<String> {
    let io = |e: io::Error| UserError::io(path.display(), &e);
    let mut file = make_file(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    Ok(sha256_hex(bytes))
}

/// Copies a file through to the disk, making the folders above it. Not a link: what happens to the bundle must not happen to
/// the model cache.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    let mut source = File::open(from).map_err(|e| UserError::io(from.display(), &e))?;
    let io = |e: io::Error| UserError::io(to.display(), &e);
    let mut file = make_file(to).map_err(io)?;
    io::copy(&mut source, &mut file).and_then(|_| file.sync_all()).map_err(io)?;
    Ok(())
}

fn make_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
