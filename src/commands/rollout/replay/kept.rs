//! The folder that keeps finished weeks. A week's file appears whole or not at all, so a run that was stopped goes on where it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use firstline_fault::{Code, UserError};
use firstline_rollout::{Week, WeekDecisions};
use firstline_ticket::Field;
use firstline_training::Decays;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// The form of the files.
const FORMAT: &str = "firstline-replay/1";
/// Longest file of a week that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What the weeks of a folder were computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    format: String,
    history_sha256: String,
    settings_sha256: String,
    seed: u64,
}

impl Key {
    pub(super) fn new(history_sha256: &str, settings_sha256: String, seed: u64) -> Self {
        Self { format: FORMAT.to_owned(), history_sha256: history_sha256.to_owned(), settings_sha256, seed }
    }
}

/// A week that is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Done {
    /// The week's name.
    pub(super) week: String,
    /// The decays that the first bundle chose for its heads.
    pub(super) decays: BTreeMap<Field, Decays>,
    /// What was decided.
    pub(super) decisions: WeekDecisions,
}

/// A folder with finished weeks, or none.
pub(super) struct Kept(Option<PathBuf>);

impl Kept {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// [`Code::Config`] when it holds weeks of another history or other settings.
    pub(super) fn open(dir: Option<&Path>, key: &Key) -> Result<Self, Failure> {
        let Some(dir) = dir else { return Ok(Self(None)) };
        let name = dir.join("replay.json");
        match read::<Key>(&name)? {
            Some(found) if found == *key => {}
            Some(_) => {
                let problem = "it holds the weeks of another history, of other settings or of another seed";
                let next = "Name another folder, or delete this one";
                return Err(UserError::new(Code::Config, dir.display().to_string(), problem, next).into());
            }
            None => files::write_whole(&name, &serde_json::to_vec(key)?)?,
        }
        Ok(Self(Some(dir.to_owned())))
    }

    fn path(&self, number: u32) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("week-{number:03}.json")))
    }

    /// Week `number`, where it is done.
    pub(super) fn week(&self, number: u32, week: &Week) -> Result<Option<Done>, Failure> {
        let Some(path) = self.path(number) else { return Ok(None) };
        let Some(done) = read::<Done>(&path)? else { return Ok(None) };
        if done.week == week.to_string() {
            return Ok(Some(done));
        }
        Err(damaged(&path, format!("it is of {}, not of {week}", done.week)).into())
    }

    /// Keeps week `number`.
    pub(super) fn keep(&self, number: u32, done: &Done) -> Result<(), Failure> {
        let Some(path) = self.path(number) else { return Ok(()) };
        files::write_whole(&path, &serde_json::to_vec(done)?)
    }
}

fn damaged(path: &Path, problem: String) -> UserError {
    UserError::new(
        Code::Config,
        path.display().to_string(),
        problem,
        "Delete it and run the same command again",
    )
}

/// What the file holds; `None` where there is none.
fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, Failure> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e).into()),
        Ok(found) if found.len() > MAX_BYTES => return Err(damaged(path, "it is too long".to_owned()).into()),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(io)?;
    Ok(Some(serde_json::from_slice(&bytes).map_err(|e| damaged(path, e.to_string()))?))
}
