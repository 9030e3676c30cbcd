//! Writing a folder so that it appears whole or not at all, and checking its files' hashes.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use firstline_ticket::{Code, Result, UserError};
use sha2::{Digest, Sha256};

/// Fills a staging folder beside `dir` and renames it into place; on any fault nothing is left behind.
pub(super) fn publish(dir: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let is_empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if dir.exists() && !dir.join(super::INFO).exists() && !is_empty() {
        let problem = "the folder holds something that is no bundle";
        return Err(
            UserError::new(Code::Bundle, dir.display().to_string(), problem, "Name a new folder").into()
        );
    }
    let io = |e: std::io::Error| UserError::io(dir.display(), &e);
    let parent = match dir.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
        _ => ".".into(),
    };
    fs::create_dir_all(&parent).map_err(io)?;
    // Dropping the temporary folder removes it, whichever way we leave.
    let staging = tempfile::Builder::new().prefix(".firstline-bundle-").tempdir_in(&parent).map_err(io)?;
    let fresh = staging.path().join("new");
    fs::create_dir(&fresh).map_err(io)?;
    fill(&fresh)?;
    let old = staging.path().join("old");
    if dir.exists() {
        fs::rename(dir, &old).map_err(io)?;
    }
    if let Err(error) = fs::rename(&fresh, dir) {
        // Put back what stood there; if even that fails, the first error is the one to tell.
        let _ = fs::rename(&old, dir);
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

/// Links `from` to `to`, or copies it where the file systems differ.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).map_err(|e| UserError::io(from.display(), &e))?;
    }
    Ok(())
}

/// Checks that `dir/name` has the sha256 that the bundle states.
pub(super) fn check(dir: &Path, name: &str, sha256: &str) -> Result<()> {
    let path = dir.join(name);
    // A bundle may come from anywhere: its names must not lead out of it.
    if name.split('/').any(|part| part == ".." || part.is_empty()) || Path::new(name).is_absolute() {
        return Err(super::damaged(&path, "the file name leads out of the bundle").into());
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
