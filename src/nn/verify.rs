//! Whether a folder holds what its manifest says. A marker file remembers what was hashed (size, time of
//! change, sha256), so that a start need not hash 90 MB again while a changed file is still noticed. The
//! marker only saves work: it can never make a file good whose hash was not the manifest's.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::{Manifest, ModelFile, fault, hash};
use firstline_fault::Result;

/// Name of the marker inside a model's folder.
const MARKER: &str = ".verified.json";
/// Longest marker read.
const MAX_MARKER_BYTES: u64 = 1 << 20;

/// What was found for one file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The file's path inside the model's folder.
    pub path: String,
    /// What was found.
    pub state: FileState,
}

/// State of one file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Size and sha256 are the manifest's.
    Good,
    /// It is not there.
    Missing,
    /// Its content is not what the manifest says.
    Wrong {
        /// Length found, in bytes.
        bytes: u64,
        /// sha256 found; `None` where the length alone told.
        sha256: Option<String>,
    },
}

impl FileReport {
    /// Whether the file is what the manifest says.
    pub fn is_good(&self) -> bool {
        self.state == FileState::Good
    }

    /// What is wrong with the file, compared with what `manifest` says of it; `None` when it is good.
    pub fn problem(&self, manifest: &Manifest) -> Option<String> {
        let wanted = manifest.files.iter().find(|f| f.path == self.path);
        match (&self.state, wanted) {
            (FileState::Good, _) => None,
            (FileState::Missing, _) => Some(format!("{} is missing", self.path)),
            (FileState::Wrong { bytes, sha256 }, wanted) => {
                Some(mismatch(&self.path, wanted, *bytes, sha256.as_deref()))
            }
        }
    }
}

/// Says in which way a file differs from the manifest's entry.
pub(crate) fn mismatch(path: &str, wanted: Option<&ModelFile>, bytes: u64, sha256: Option<&str>) -> String {
    match (wanted, sha256) {
        (Some(w), Some(got)) if w.bytes == bytes => format!("{path} has sha256 {got}, not {}", w.sha256),
        (Some(w), _) => format!("{path} has {bytes} bytes, not {}", w.bytes),
        (None, _) => format!("{path} is not in the manifest"),
    }
}

/// What is known of a file that was hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u128,
    sha256: String,
}

type Marker = BTreeMap<String, Stamp>;

/// Checks the files in `dir`, hashing only those that the marker does not know as they are now, or all of
/// them where `full`. Leaves a fresh marker behind where all are good and the folder can be written.
///
/// # Errors
/// `E_IO` when a file is there but can't be read.
pub(crate) fn check(dir: &Path, manifest: &Manifest, full: bool) -> Result<Vec<FileReport>> {
    let known = if full { Marker::new() } else { read_marker(dir) };
    let mut seen = Marker::new();
    let mut reports = Vec::with_capacity(manifest.files.len());
    for file in &manifest.files {
        let state = check_file(dir, file, &known, &mut seen)?;
        reports.push(FileReport { path: file.path.clone(), state });
    }
    if seen != known && reports.iter().all(FileReport::is_good) {
        write_marker(dir, &seen);
    }
    Ok(reports)
}

fn check_file(dir: &Path, file: &ModelFile, known: &Marker, seen: &mut Marker) -> Result<FileState> {
    let path = dir.join(&file.path);
    let io_error = |e: &io::Error| fault::io(path.display(), e);
    let metadata = match fs::metadata(&path) {
        Ok(m) if m.is_file() => m,
        Ok(_) => return Ok(FileState::Missing),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(FileState::Missing),
        Err(e) => return Err(io_error(&e)),
    };
    let bytes = metadata.len();
    if bytes != file.bytes {
        return Ok(FileState::Wrong { bytes, sha256: None });
    }
    let modified = modified(&metadata);
    let sha256 = match known.get(&file.path) {
        Some(stamp) if stamp.bytes == bytes && stamp.modified == modified => stamp.sha256.clone(),
        _ => hash::of_file(&path).map_err(|e| io_error(&e))?,
    };
    if sha256 != file.sha256 {
        return Ok(FileState::Wrong { bytes, sha256: Some(sha256) });
    }
    seen.insert(file.path.clone(), Stamp { bytes, modified, sha256 });
    Ok(FileState::Good)
}

fn modified(metadata: &Metadata) -> u128 {
    metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

/// The marker of `dir`; an unreadable one counts as none.
fn read_marker(dir: &Path) -> Marker {
    let path = dir.join(MARKER);
    let fits = fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_MARKER_BYTES);
    let text = if fits { fs::read(&path).ok() } else { None };
    text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
}

/// A folder that can't be written only costs the next start its hashing, so failures are passed over.
fn write_marker(dir: &Path, marker: &Marker) {
    let temporary = dir.join(format!("{MARKER}.{}", std::process::id()));
    if let Ok(json) = serde_json::to_vec(marker)
        && fs::write(&temporary, json).is_ok()
        && fs::rename(&temporary, dir.join(MARKER)).is_err()
    {
        let _ = fs::remove_file(&temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_tiny;

    fn states(dir: &Path, manifest: &Manifest) -> Vec<bool> {
        check(dir, manifest, false).unwrap().iter().map(FileReport::is_good).collect()
    }

    #[test]
    fn a_changed_file_is_noticed_though_its_size_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write_tiny(dir.path(), 1).unwrap();
        assert_eq!(states(dir.path(), &manifest), [true, true, true]);
        assert!(dir.path().join(MARKER).exists());
        let path = dir.path().join("config.json");
        let mut text = fs::read(&path).unwrap();
        text[0] = b' ';
        fs::write(&path, text).unwrap();
        // Coarse file clocks could give the rewritten file the old time.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let reports = check(dir.path(), &manifest, false).unwrap();
        assert!(reports[0].problem(&manifest).unwrap().starts_with("config.json has sha256 "));
        fs::remove_file(&path).unwrap();
        assert_eq!(check(dir.path(), &manifest, false).unwrap()[0].state, FileState::Missing);
    }

    #[test]
    fn the_marker_saves_hashing_but_never_makes_a_file_good() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write_tiny(dir.path(), 1).unwrap();
        assert_eq!(states(dir.path(), &manifest), [true, true, true]);
        let mut other = manifest.clone();
        other.files[0].sha256 = "0".repeat(64);
        assert_eq!(states(dir.path(), &other), [false, true, true]);
        fs::write(dir.path().join(MARKER), b"{ not json").unwrap();
        assert_eq!(states(dir.path(), &manifest), [true, true, true]);
        assert_eq!(read_marker(dir.path()).len(), 3, "a damaged marker is written anew");
    }

    #[test]
    fn a_full_check_trusts_no_marker() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write_tiny(dir.path(), 1).unwrap();
        let path = dir.path().join("config.json");
        let mut text = fs::read(&path).unwrap();
        text[0] = b' ';
        fs::write(&path, text).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let stamp = Stamp {
            bytes: metadata.len(),
            modified: modified(&metadata),
            sha256: manifest.files[0].sha256.clone(),
        };
        write_marker(dir.path(), &Marker::from([("config.json".to_owned(), stamp)]));
        assert_eq!(states(dir.path(), &manifest), [true, true, true], "a forged marker is believed at start");
        assert!(!check(dir.path(), &manifest, true).unwrap()[0].is_good());
    }
}
