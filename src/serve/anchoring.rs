//! Signs the head of the audit log and appends it to a file outside of the store: at the start, every few minutes and at the end.
//!
//! Where the settings name no key and none can be made, the service runs without, and says so. Must never go on signing a log that
//! no longer holds what it signed before.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use firstline_fault::Result;
use firstline_store::{AnchorKey, Store, anchor};
use jiff::Timestamp;

use crate::settings::Settings;

/// How often the head is signed.
const EVERY: Duration = Duration::from_secs(300);

/// The key and the file.
#[derive(Debug, Default)]
pub(crate) struct Anchoring {
    with: Option<(AnchorKey, PathBuf)>,
    /// When the head was last signed.
    last: Mutex<Option<Instant>>,
}

impl Anchoring {
    /// Reads the key that the settings name. They name both or none: what is not set has been filled in.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let unset = |path: &Path| path.as_os_str().is_empty() || path == Path::new("none");
        if unset(&settings.audit_key) || unset(&settings.audit_anchor) {
            tracing::warn!("the audit log is not anchored: set audit_key and audit_anchor");
            return Ok(Self::default());
        }
        let with = Some((AnchorKey::read(&settings.audit_key)?, settings.audit_anchor.clone()));
        Ok(Self { with, last: Mutex::default() })
    }

    /// Signs the head where that is due, or the service ends; gives whether the log is anchored.
    pub(crate) fn sign(&self, store: &dyn Store, now: Timestamp, ends: bool) -> Result<bool> {
        let Some((key, path)) = &self.with else { return Ok(false) };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !ends && last.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(true);
        }
        let signed = anchor(store, key, path, now, false);
        // A log without entries is looked at again soon.
        if !matches!(signed, Ok(None)) {
            *last = Some(Instant::now());
        }
        signed.map(|anchor| anchor.is_some())
    }
}
