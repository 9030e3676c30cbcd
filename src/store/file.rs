//! The file that a SQLite store is in: whether it may be one, whether it is still the one that was opened, and whether another
//! process serves from it.
//!
//! Knows no SQL. Must never open the file for a moment only: the system drops SQLite's own locks when any handle of it is closed.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firstline_fault::{Code, Error, Result, UserError};

use crate::db::fault;

/// How long a start waits for a process that is about to end to let go of the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that must be free beside the store for the service to be ready: what SQLite's log grows to between checkpoints.
const LEAST_FREE: u64 = 4 << 20;
/// Files that SQLite keeps beside an open store.
const BESIDE: [&str; 2] = ["-wal", "-shm"];
/// All files that may lie beside a store.
pub(crate) const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Which file it is, by whatever name.
type FileId = (u64, u64);

#[cfg(unix)]
fn id_of(meta: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn id_of(_: &Metadata) -> FileId {
    (0, 0)
}

#[cfg(unix)]
fn names(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(meta)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

/// A store's file.
#[derive(Debug)]
pub(crate) struct StoreFile {
    /// As it was named.
    path: PathBuf,
    /// Where it is, links resolved: SQLite's own files lie beside this one.
    real: PathBuf,
    id: FileId,
    /// The files of [`BESIDE`], once they are there.
    beside: OnceLock<[Option<FileId>; 2]>,
    /// The lock of the process that serves, through which it looks at the file, too.
    lock: Option<File>,
    /// The number that stands in the database's header, which another copy does not have.
    mark: OnceLock<u32>,
    /// Whether the mark has been written into the file itself.
    marked: AtomicBool,
    /// Whether the file was once found written over: from then on nothing in it can be relied on.
    lost: AtomicBool,
}

/// What every SQLite database begins with, and where the number is that programs may choose.
const MAGIC: &[u8] = b"SQLite format 3\0";
const MARK: std::ops::Range<usize> = 68..72;

impl StoreFile {
    /// Finds the file, or makes it, for its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // SQLite takes some names, such as `:memory:`, for something else than a file.
        let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
        if path.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            not_orphaned(&path)?;
            not_half_restored(&path)?;
            private(&path, OpenOptions::new().create_new(true)).or_else(|e| match e.kind() {
                std::io::ErrorKind::AlreadyExists => Ok(()),
                _ => Err(unusable(&path, &e)),
            })?;
        }
        let meta = path.metadata().map_err(|e| unusable(&path, &e))?;
        regular(&path, &meta)?;
        if names(&meta) > 1 {
            let problem =
                "it has several names (hard links), of which each would get a write-ahead log of its own";
            return Err(fault(&path.display().to_string(), problem, "Copy it, and remove the other names"));
        }
        let real = path.canonicalize().map_err(|e| unusable(&path, &e))?;
        if meta.len() == 0 {
            not_orphaned(&real)?;
        }
        for name in SIDECARS {
            let beside = sidecar(&real, name);
            if let Ok(meta) = beside.symlink_metadata() {
                regular(&beside, &meta)?;
            }
        }
        not_rolled_back(&real)?;
        Ok(Self {
            path,
            real,
            id: id_of(&meta),
            beside: OnceLock::new(),
            lock: None,
            mark: OnceLock::new(),
            marked: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        })
    }

    /// The same, for the one process that serves from it; waits a while for another that is about to end.
    pub(crate) fn open_alone(path: &Path) -> Result<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut found = Self::open(path)?;
            let io = |e: std::io::Error| unusable(&found.path, &e);
            let file = OpenOptions::new().read(true).write(true).open(found.lock_path()).map_err(io)?;
            if file.try_lock().is_ok() {
                // It may have been replaced meanwhile: then the lock is another file's.
                if cfg!(not(unix)) || file.metadata().is_ok_and(|meta| id_of(&meta) == found.id) {
                    found.check()?;
                    found.lock = Some(file);
                    return Ok(found);
                }
            } else if Instant::now() >= end {
                return Err(busy(path).into());
            }
            drop(file);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The store's file itself: a lock that nobody can delete beside it. Where locks bind everybody, as on Windows, it would shut
    /// SQLite out.
    #[cfg(unix)]
    fn lock_path(&self) -> PathBuf {
        self.real.clone()
    }

    #[cfg(not(unix))]
    fn lock_path(&self) -> PathBuf {
        let lock = sidecar(&self.real, ".lock");
        let _made = OpenOptions::new().create(true).append(true).open(&lock);
        lock
    }

    /// Its path, for SQLite.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name in messages.
    pub(crate) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// The name of a file beside it.
    pub(crate) fn sidecar(&self, suffix: &str) -> PathBuf {
        sidecar(&self.real, suffix)
    }

    /// Whether the last process that used the store may have been killed.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.has_log() || self.sidecar("-journal").metadata().is_ok_and(|meta| meta.len() > 0)
    }

    /// Whether SQLite's log holds anything: the store is in use, or its last process was killed.
    pub(crate) fn has_log(&self) -> bool {
        self.sidecar("-wal").metadata().is_ok_and(|meta| meta.len() > 0)
    }

    /// SQLite has its files open: from now on they must stay the same.
    pub(crate) fn settled(&self) {
        self.beside.get_or_init(|| BESIDE.map(|name| Some(id_of(&self.sidecar(name).metadata().ok()?))));
    }

    /// The number that stands in the database's header, from now on.
    pub(crate) fn marked(&self, mark: u32) {
        self.mark.get_or_init(|| mark);
    }

    /// Whether another file was copied over this one, under the same name and in its place.
    fn is_overwritten(&self) -> bool {
        // Elsewhere the lock is another file.
        let (true, Some(file), Some(mark)) = (cfg!(unix), &self.lock, self.mark.get()) else { return false };
        if self.lost.load(Ordering::Relaxed) {
            return true;
        }
        let mut header = [0; 100];
        let read = read_start(file, &mut header);
        let found = u32::from_be_bytes(header[MARK].try_into().unwrap_or_default());
        let same = read && header.starts_with(MAGIC) && found == *mark;
        if same {
            self.marked.store(true, Ordering::Relaxed);
        }
        // A new store's is in SQLite's log first.
        let waits = read && found == 0 && !self.marked.load(Ordering::Relaxed);
        let lost = !same && !waits;
        self.lost.fetch_or(lost, Ordering::Relaxed);
        lost
    }

    /// Whether the store is still where it was, so that what is written to it is found there.
    pub(crate) fn check(&self) -> Result<()> {
        let same = |path: &Path, id| path.metadata().is_ok_and(|meta| id_of(&meta) == id);
        let mut whole = same(&self.path, self.id);
        if let Some(beside) = self.beside.get() {
            let mut pairs = BESIDE.iter().zip(beside);
            whole &= pairs.all(|(name, id)| id.is_none_or(|id| same(&self.sidecar(name), id)));
        }
        if whole && !self.is_overwritten() {
            return Ok(());
        }
        let problem =
            "it, or a file that SQLite keeps beside it, was removed or replaced while it was in use";
        let next =
            "Stop Firstline, put the store back (`firstline store restore BACKUP`), then start it again";
        Err(fault(&self.place(), problem, next))
    }

    /// Whether the disk has room for what is to come.
    pub(crate) fn has_room(&self) -> Result<()> {
        match fs4::available_space(self.real.parent().unwrap_or(&self.real)) {
            Ok(free) if free < LEAST_FREE => {
                let problem = format!("the disk is full: {} KiB are free", free >> 10);
                Err(fault(&self.place(), problem, "Make room on the disk"))
            }
            // Where the system doesn't say, the write itself tells.
            _ => Ok(()),
        }
    }
}

/// Reads the beginning of a file without moving in it.
#[cfg(unix)]
fn read_start(file: &File, into: &mut [u8]) -> bool {
    std::os::unix::fs::FileExt::read_exact_at(file, into, 0).is_ok()
}

#[cfg(not(unix))]
fn read_start(_: &File, _: &mut [u8]) -> bool {
    false
}

/// `path` with `suffix` after its name.
pub(crate) fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Makes a file, for its owner alone.
pub(crate) fn private(path: &Path, options: &mut OpenOptions) -> std::io::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path).map(drop)
}

/// Names of files are on the disk only when their folder is.
pub(crate) fn sync_folder(of: &Path) -> std::io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A pipe would be waited for without end, a device is no store.
pub(crate) fn regular(path: &Path, meta: &Metadata) -> Result<()> {
    if meta.is_file() {
        return Ok(());
    }
    let problem = match meta.is_dir() {
        true => "it is a folder",
        false => "it is not a regular file, but a pipe, a device, a socket or a link",
    };
    Err(fault(&path.display().to_string(), problem, "Name a file"))
}

/// A log without the database that it belongs to must not become part of a new one.
fn not_orphaned(path: &Path) -> Result<()> {
    let wal = sidecar(path, "-wal");
    if wal.metadata().is_ok_and(|meta| meta.len() > 0) {
        let problem = format!("the database is gone, and its write-ahead log is left: {}", wal.display());
        let next = "Put the database back, or run `firstline store restore BACKUP`";
        return Err(fault(&path.display().to_string(), problem, next));
    }
    Ok(())
}

/// What a restored backup's predecessor is called, behind the store's name.
pub(crate) const KEPT: &str = ".before-restore";

/// A restore that was stopped between its two renames must not become an empty store.
fn not_half_restored(path: &Path) -> Result<()> {
    let kept = sidecar(path, KEPT);
    if kept.symlink_metadata().is_ok() {
        let problem =
            format!("the database is gone, and the one from before a restore is left: {}", kept.display());
        let next = "Move it back, or move it away and run `firstline store restore BACKUP`";
        return Err(fault(&path.display().to_string(), problem, next));
    }
    Ok(())
}

/// A store has no rollback journal once it is made: SQLite would put one that lies there, and is another's, into the database.
fn not_rolled_back(path: &Path) -> Result<()> {
    let journal = sidecar(path, "-journal");
    if !journal.metadata().is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    // Bytes 18 and 19 of the header are 2 where changes go to a write-ahead log.
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    if read.is_ok() && header[18..] == [2, 2] {
        let problem = format!("a rollback journal of another database lies beside it: {}", journal.display());
        let next =
            "Run `firstline store restore BACKUP`; where the database is right as it is, delete the journal";
        return Err(fault(&path.display().to_string(), problem, next));
    }
    Ok(())
}

/// The store is locked by another process.
pub(crate) fn busy(path: &Path) -> UserError {
    let problem = "another process serves from this store";
    let next = "Stop it, or use PostgreSQL, which several processes can share";
    UserError::new(Code::Store, path.display().to_string(), problem, next)
}

fn unusable(path: &Path, e: &std::io::Error) -> Error {
    let linked = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
    let problem = match e.kind() {
        std::io::ErrorKind::NotFound if linked => "it is a link to a file that is not there".to_owned(),
        _ => e.to_string(),
    };
    let next = "Check that its folder exists and that you may write there, or name another file";
    fault(&path.display().to_string(), problem, next)
}
