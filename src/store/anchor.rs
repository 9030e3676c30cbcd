//! Anchors: signed heads of the audit log, in a file outside of the store.
//!
//! Somebody who can write the store can write a whole new log, with hashes that fit. He can't sign: the Ed25519 key lies elsewhere.
//! Anchors are only ever appended. Must never print a private key, and never anchor a log that no longer holds what was anchored
//! before, unless a person accepts it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use firstline_fault::{Code, InternalError, Result, UserError};
use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::hex;
use crate::file::{regular, sidecar, sync_folder};

/// What a file with a private key begins with, and one with a public key.
const PRIVATE: &str = "firstline-audit-private:";
const PUBLIC: &str = "firstline-audit-public:";
/// Longest key file, and longest line of a file of anchors, in bytes.
const MOST_KEY: u64 = 1 << 16;
const MOST_LINE: u64 = 4_096;

/// A head of the audit log, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The number of the log's last entry then.
    pub seq: i64,
    /// Its hash, hexadecimal.
    pub hash: String,
    /// When it was signed.
    pub at: Timestamp,
    /// The entry up to which earlier anchors still hold, where a person accepted that the log no longer has what was anchored after
    /// it, as after a restored backup.
    pub accepted: Option<i64>,
    /// The public key, hexadecimal.
    pub key: String,
    /// The signature, hexadecimal.
    pub signature: String,
}

impl Anchor {
    fn message(&self) -> String {
        let Self { seq, hash, at, accepted, .. } = self;
        format!("firstline audit anchor 1\n{seq}\n{hash}\n{}\n{accepted:?}", at.as_microsecond())
    }

    fn is_signed(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes(&self.key), bytes(&self.signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(self.message().as_bytes(), &signature).is_ok()
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()).collect()
}

/// A private key, and the public keys whose anchors count: its own, and those of the keys before it.
pub struct AnchorKey {
    pair: Ed25519KeyPair,
    known: Vec<String>,
}

impl fmt::Debug for AnchorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnchorKey").field(&self.public()).finish()
    }
}

impl AnchorKey {
    /// Makes a key: the private one in `path`, for its owner alone, the public one in `path` with `.pub` after it.
    ///
    /// # Errors
    /// [`Code::Io`] where a file is there already or can't be written.
    pub fn create(path: &Path) -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
        let key = Self::of_seed(&seed, path)?;
        let write = |path: &Path, mode: u32, text: String| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
            let _ = mode;
            let written = options.open(path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|e| UserError::io(path.display(), &e))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| UserError::io(folder.display(), &e))?;
        }
        write(path, 0o600, format!("{PRIVATE}{}\n", hex(&seed)))?;
        write(&sidecar(path, ".pub"), 0o644, format!("{PUBLIC}{}\n", key.public()))?;
        sync_folder(path).map_err(|e| UserError::io(path.display(), &e))?;
        Ok(key)
    }

    /// Reads a private key.
    ///
    /// # Errors
    /// [`Code::Io`], and [`Code::Config`] where the file holds none.
    pub fn read(path: &Path) -> Result<Self> {
        let mut key = Self::private(path)?;
        if sidecar(path, ".pub").exists() {
            key.known.extend(public_keys(path)?);
        }
        Ok(key)
    }

    fn private(path: &Path) -> Result<Self> {
        let text = key_text(path)?;
        let seed = text.trim().strip_prefix(PRIVATE).and_then(bytes);
        let odd = || {
            let next = "Name a key that `firstline store audit keygen` made";
            UserError::new(Code::Config, path.display().to_string(), "it holds no private key", next)
        };
        Self::of_seed(&seed.ok_or_else(odd)?, path)
    }

    fn of_seed(seed: &[u8], path: &Path) -> Result<Self> {
        let odd = |_| {
            let next = "Make another: `firstline store audit keygen --out FILE`";
            UserError::new(Code::Config, path.display().to_string(), "its key can't be used", next)
        };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(odd)?;
        Ok(Self { known: vec![hex(pair.public_key().as_ref())], pair })
    }

    /// The public key, hexadecimal.
    pub fn public(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    fn sign(&self, (seq, hash): (i64, String), at: Timestamp, accepted: Option<i64>) -> Anchor {
        let mut anchor = Anchor { seq, hash, at, accepted, key: self.public(), signature: String::new() };
        anchor.signature = hex(self.pair.sign(anchor.message().as_bytes()).as_ref());
        anchor
    }
}

fn key_text(path: &Path) -> Result<String> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    regular(path, &path.metadata().map_err(io)?)?;
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MOST_KEY).read_to_string(&mut text)).map_err(io)?;
    Ok(text)
}

/// The public keys in `path`, one a line: a key that is no longer used stays in the file for the anchors that it has signed. A
/// private key stands for its own, or for the file with `.pub` after its name.
///
/// # Errors
/// [`Code::Io`], and [`Code::Config`] where there is none.
pub fn public_keys(path: &Path) -> Result<Vec<String>> {
    let beside = sidecar(path, ".pub");
    let path: PathBuf = if beside.exists() { beside } else { path.to_owned() };
    let text = key_text(&path)?;
    if text.starts_with(PRIVATE) {
        return Ok(vec![AnchorKey::private(&path)?.public()]);
    }
    let keys: Vec<String> =
        text.lines().filter_map(|line| line.trim().strip_prefix(PUBLIC)).map(str::to_owned).collect();
    if keys.is_empty() {
        let next = "Name a key that `firstline store audit keygen` made, or its .pub file";
        let problem = "it holds no public key";
        return Err(UserError::new(Code::Config, path.display().to_string(), problem, next).into());
    }
    Ok(keys)
}

/// The anchors in `path` that still hold, oldest first; none where there is no file. What a person accepted sets those before aside
/// that were further on.
///
/// # Errors
/// [`Code::Io`], and [`Code::Audit`] where one is not signed by any of `keys`.
pub fn anchors(path: &Path, keys: &[String]) -> Result<Vec<Anchor>> {
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    match path.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        meta => regular(path, &meta.map_err(io)?)?,
    }
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut held: Vec<Anchor> = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        if reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line).map_err(io)? == 0 {
            break;
        }
        // A line that a full disk cut short says nothing.
        let Ok(anchor) = serde_json::from_slice::<Anchor>(&line) else { continue };
        if !keys.contains(&anchor.key) || !anchor.is_signed() {
            let place = format!("{}, line {number}", path.display());
            let next =
                "Add the line of the key that signed it to the .pub file, or compare with another copy";
            return Err(UserError::new(Code::Audit, place, "its signature is not this key's", next).into());
        }
        put(&mut held, anchor);
    }
    Ok(held)
}

/// Adds an anchor to those that hold.
fn put(held: &mut Vec<Anchor>, anchor: Anchor) {
    if let Some(last) = anchor.accepted {
        held.retain(|before| before.seq <= last);
    }
    held.push(anchor);
}

/// Whether the log has the entry that was anchored.
fn is_held(store: &dyn Store, Anchor { seq, hash, .. }: &Anchor) -> Result<bool> {
    let held = store.audit_entries(seq - 1, 1)?;
    Ok(held.first().is_some_and(|entry| entry.seq == *seq && entry.hash == *hash))
}

/// The newest entry that was anchored and that the log still has; 0 where there is none.
fn last_held(store: &dyn Store, key: &AnchorKey, path: &Path) -> Result<i64> {
    for anchor in anchors(path, &key.known)?.iter().rev() {
        if is_held(store, anchor)? {
            return Ok(anchor.seq);
        }
    }
    Ok(0)
}

/// The last anchor in `path` that a known key signed; `None` where the file has no anchor.
///
/// # Errors
/// As for [`anchors`]: a new key must not set aside what an earlier one has signed.
fn newest(path: &Path, key: &AnchorKey) -> Result<Option<Anchor>> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4 * MOST_LINE)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(String::from_utf8_lossy(&end).into_owned())
    };
    match path.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        meta => regular(path, &meta.map_err(|e| UserError::io(path.display(), &e))?)?,
    }
    let text = read().map_err(|e| UserError::io(path.display(), &e))?;
    let mut lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Anchor>(line).ok());
    match lines.find(|anchor| key.known.contains(&anchor.key) && anchor.is_signed()) {
        Some(newest) => Ok(Some(newest)),
        None => Ok(anchors(path, &key.known)?.pop()),
    }
}

/// Signs the log's head and appends it to `path`; gives the newest anchor, `None` where the log has no entry yet. `accept` sets aside
/// what was anchored before and is no longer in the log.
///
/// # Errors
/// [`Code::Audit`] where the log no longer holds the newest anchor; [`Code::Io`] and [`Code::Store`].
pub fn anchor(
    store: &dyn Store,
    key: &AnchorKey,
    path: &Path,
    now: Timestamp,
    accept: bool,
) -> Result<Option<Anchor>> {
    let (before, head) = (newest(path, key)?, store.audit_head()?);
    let mut accepted = None;
    if let Some(before) = &before
        && !is_held(store, before)?
    {
        if !accept {
            let place = format!("{}, entry {} of {}", path.display(), before.seq, before.at);
            let problem =
                "the audit log no longer holds what was anchored: it was cut, rewritten or replaced";
            let next =
                "Compare with a backup; after a restored one, run `firstline store audit anchor --accept`";
            return Err(UserError::new(Code::Audit, place, problem, next).into());
        }
        accepted = Some(last_held(store, key, path)?);
    }
    let Some(head) = head else { return Ok(None) };
    let is_newest = |before: &Anchor| accepted.is_none() && (before.seq, &before.hash) == (head.0, &head.1);
    if let Some(before) = before.filter(is_newest) {
        return Ok(Some(before));
    }
    let anchor = key.sign(head, now, accepted);
    append(path, &anchor).map_err(|e| UserError::io(path.display(), &e))?;
    Ok(Some(anchor))
}

fn append(path: &Path, anchor: &Anchor) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // On a line of its own, whatever a full disk left of the one before.
    let line = format!("{}{}\n", if is_new { "" } else { "\n" }, serde_json::to_string(anchor)?);
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    if is_new { sync_folder(path) } else { Ok(()) }
}
