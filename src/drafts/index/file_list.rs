//! Which files an index consists of, with their sha256.
//!
//! Must never let pass an index of which a file is missing, is another, or was added by nobody.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_triage::bundle::layout::{DESK, INDEX_FILES};
use firstline_triage::{sha256_file, sha256_hex};

use super::{files, name_of};

/// The files of an index by name; `None` for an index of a version that did not list them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileList(Option<BTreeMap<String, String>>);

impl FileList {
    /// Those of an index that lists none.
    #[cfg(test)]
    pub(super) const UNLISTED: Self = Self(None);

    /// Whether nothing is listed.
    pub(super) fn is_unlisted(&self) -> bool {
        self.0.is_none()
    }

    /// What the index in `folder` lists.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(INDEX_FILES);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map(Self)
                .map_err(|e| damaged(&path, e.to_string()).into()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Self(None)),
            Err(e) => Err(UserError::io(path.display(), &e).into()),
        }
    }

    /// Checks that the file at `path` is the one that is listed, by the bytes that were read of it.
    pub(super) fn check(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let Some(listed) = &self.0 else { return Ok(()) };
        let found = sha256_hex(bytes);
        match listed.get(&name_of(path)) {
            Some(sha256) if *sha256 == found => Ok(()),
            Some(sha256) => Err(damaged(path, format!("sha256 is {found}, not {sha256}")).into()),
            None => Err(damaged(path, format!("{INDEX_FILES} does not list it")).into()),
        }
    }

    /// Checks that no listed file is missing; `present` are those that were checked.
    pub(super) fn complete(&self, folder: &Path, present: usize) -> Result<()> {
        match &self.0 {
            Some(listed) if listed.len() > present => {
                let missing = listed.keys().find(|name| !folder.join(name).exists());
                let missing = missing.map_or("a file", String::as_str);
                Err(damaged(folder, format!("{missing} is missing")).into())
            }
            _ => Ok(()),
        }
    }
}

/// Lists the files of the index in `folder` anew. Files are hashed again only where `changed` names them, or nothing is listed.
pub(super) fn write(folder: &Path, changed: &str) -> Result<()> {
    let before = FileList::read(folder)?.0.unwrap_or_default();
    let mut listed = BTreeMap::new();
    let desk = folder.join(DESK);
    for path in files(folder)?.into_iter().chain(desk.exists().then_some(desk)) {
        let name = name_of(&path);
        let sha256 = match before.get(&name).filter(|_| name != changed) {
            Some(sha256) => sha256.clone(),
            None => sha256_file(&path)?,
        };
        listed.insert(name, sha256);
    }
    let json =
        serde_json::to_vec_pretty(&listed).map_err(|e| InternalError::new(format!("{INDEX_FILES}: {e}")))?;
    let path = folder.join(INDEX_FILES);
    firstline_nn::write_private_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?;
    Ok(())
}

/// What is wrong with the index's file or folder at `path`.
pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> UserError {
    let next = "Remove the bundle's index folder and add the tickets again: firstline drafts index --bundle DIR --tickets FILE";
    UserError::new(Code::Bundle, path.display().to_string(), problem, next)
}
