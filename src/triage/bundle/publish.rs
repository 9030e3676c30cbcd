//! Writing a folder so that it appears whole or not at all, and checking its files' hashes.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use firstline_fault::{Code, Result, UserError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Makes the staging folder beside `dir`, once it is clear that a bundle may stand there. Dropping it removes
/// it, whichever way we leave.
pub(super) fn staging(dir: &Path) -> Result<TempDir> {
    let io = |e: std::io::Error| UserError::io(dir.display(), &e);
    if dir.exists() {
        for entry in fs::read_dir(dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            if !super::layout::ALL.iter().any(|ours| name == *ours) {
                let problem = format!("the folder holds {name:?}, which is no part of a bundle");
                return Err(UserError::new(
                    Code::Bundle,
                    dir.display().to_string(),
                    problem,
                    "Name a new folder",
                )
                .into());
            }
        }
    }
    let parent = match dir.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io)?;
    Ok(tempfile::Builder::new().prefix(".firstline-bundle-").tempdir_in(parent).map_err(io)?)
}

/// Fills a staging folder beside `dir` and renames it into place; on any fault nothing is left behind.
pub(super) fn publish(dir: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let io = |e: std::io::Error| UserError::io(dir.display(), &e);
    let staging = staging(dir)?;
    let (fresh, old) = (staging.path().join("new"), staging.path().join("old"));
    fs::create_dir(&fresh).map_err(io)?;
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

/// Writes a file through to the disk and returns its sha256 in hex.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<String> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    let mut file = File::create(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    Ok(sha256_hex(bytes))
}

/// Copies a file, making the folders above it. Not a link: what happens to the bundle must not happen to the
/// model cache.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|e| UserError::io(parent.display(), &e))?;
    }
    fs::copy(from, to).map_err(|e| UserError::io(from.display(), &e))?;
    Ok(())
}

/// Checks that `dir/name` has the sha256 that the bundle states.
pub(super) fn check(dir: &Path, name: &str, sha256: &str) -> Result<()> {
    let path = dir.join(name);
    // A bundle may come from anywhere: its names must not lead out of it.
    if name.split('/').any(|part| part == ".." || part.is_empty()) || Path::new(name).is_absolute() {
        return Err(super::damaged(&path, "the file name leads out of the bundle").into());
    }
    // A link to a device would be hashed for ever.
    let regular = fs::symlink_metadata(&path).map_err(|e| super::damaged(&path, e.to_string()))?.is_file();
    if !regular {
        return Err(super::damaged(&path, "not a regular file").into());
    }
    let found = hash_file(&path).map_err(|e| super::damaged(&path, e.to_string()))?;
    if found != sha256 {
        return Err(super::damaged(&path, format!("sha256 is {found}, not {sha256}")).into());
    }
    Ok(())
}

/// The sha256 of `bytes` in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sha256 of a file in hex, read in pieces.
///
/// # Errors
/// [`Code::Io`] when it can't be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    Ok(hash_file(path).map_err(|e| UserError::io(path.display(), &e))?)
}

fn hash_file(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
