//! The sha256 of files and texts, and whether a bundle's files have the ones that it states. It must never
//! follow a name out of the bundle.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use firstline_fault::{Code, Result, UserError};
use sha2::{Digest, Sha256};

/// What is wrong with the bundle's file or folder at `place`.
pub(super) fn damaged(place: &Path, problem: impl Into<String>) -> UserError {
    UserError::new(
        Code::Bundle,
        place.display().to_string(),
        problem,
        "The bundle is damaged: train it again or copy it again",
    )
}

/// Checks that `dir/name` has the sha256 that the bundle states.
pub(super) fn check(dir: &Path, name: &str, sha256: &str) -> Result<()> {
    let path = dir.join(name);
    // A bundle may come from anywhere: its names must not lead out of it.
    if name.split('/').any(|part| part == ".." || part.is_empty()) || Path::new(name).is_absolute() {
        return Err(damaged(&path, "the file name leads out of the bundle").into());
    }
    // A link to a device would be hashed for ever.
    let regular = fs::symlink_metadata(&path).map_err(|e| damaged(&path, e.to_string()))?.is_file();
    if !regular {
        return Err(damaged(&path, "not a regular file").into());
    }
    let found = hash_file(&path).map_err(|e| damaged(&path, e.to_string()))?;
    if found != sha256 {
        return Err(damaged(&path, format!("sha256 is {found}, not {sha256}")).into());
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
