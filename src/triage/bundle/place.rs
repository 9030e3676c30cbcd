//! The place of a bundle on disk: a folder that appears whole or not at all.
//!
//! What a bundle holds was learnt from customers' tickets: on Unix, only the user who trained it may read it. It must never
//! replace a folder that is no bundle.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use firstline_fault::{Code, Error, UserError};
use tempfile::TempDir;

use super::hashes::sha256_hex;
use super::layout;

/// Makes the staging folder beside `dir`, once it is clear that a bundle may stand there. Dropping it removes
/// it, whichever way we leave.
pub(super) fn staging(dir: &Path) -> firstline_fault::Result<TempDir> {
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

/// Fills a staging folder beside `dir` and puts it into place; on any fault nothing is left behind.
pub(super) fn publish<E: From<Error>>(
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let staging = staging(dir)?;
    let fresh = staging.path().join("new");
    make_folder(&fresh)?;
    fill(&fresh)?;
    Ok(replace_folder(dir, &fresh)?)
}

/// Puts the folder `fresh` in the place of the folder `dir`, which need not be there; what was there is at `fresh` then. Where the
/// system can exchange two names at once, there is a whole folder at `dir` at every instant.
///
/// # Errors
/// [`Code::Io`] when they can't be renamed.
pub fn replace_folder(dir: &Path, fresh: &Path) -> firstline_fault::Result<()> {
    let io = |e: io::Error| UserError::io(dir.display(), &e).into();
    if !dir.exists() {
        return fs::rename(fresh, dir).map_err(io);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, fresh, CWD, dir, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    // A file system that knows no exchange: for an instant there is none.
    let aside = fresh.with_extension("old");
    fs::rename(dir, &aside).map_err(io)?;
    if let Err(error) = fs::rename(fresh, dir) {
        // The old one must not go down with what was to replace it.
        fs::rename(&aside, dir).map_err(io)?;
        return Err(io(error));
    }
    fs::rename(&aside, fresh).map_err(io)
}

/// Makes a folder of a bundle, and those above it that are missing.
pub(super) fn make_folder(dir: &Path) -> firstline_fault::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir).map_err(|e| UserError::io(dir.display(), &e))?)
}

/// Writes a file through to the disk and returns its sha256 in hex.
pub(super) fn write(path: &Path, bytes: &[u8]) -> firstline_fault::Result<String> {
    let io = |e: io::Error| UserError::io(path.display(), &e);
    let mut file = make_file(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    Ok(sha256_hex(bytes))
}

/// Copies a file through to the disk, making the folders above it. Not a link: what happens to the bundle must not happen to
/// the model cache.
pub(super) fn copy(from: &Path, to: &Path) -> firstline_fault::Result<()> {
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    let mut source = File::open(from).map_err(|e| UserError::io(from.display(), &e))?;
    let io = |e: io::Error| UserError::io(to.display(), &e);
    let mut file = make_file(to).map_err(io)?;
    io::copy(&mut source, &mut file).and_then(|_| file.sync_all()).map_err(io)?;
    Ok(())
}

/// Gives the folder `to` the files of the folder `from` with a `wanted` name, and all below its folders: links, or copies where the
/// system can't link. A bundle's files never change in place.
pub(super) fn link(from: &Path, to: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> firstline_fault::Result<()> {
    let io = |e: io::Error| UserError::io(from.display(), &e);
    for entry in fs::read_dir(from).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, new) = (entry.path(), to.join(entry.file_name()));
        if !wanted(&entry.file_name()) {
            continue;
        }
        if entry.file_type().map_err(io)?.is_dir() {
            make_folder(&new)?;
            link(&path, &new, &|_| true)?;
        } else if fs::hard_link(&path, &new).is_err() {
            copy(&path, &new)?;
        }
    }
    Ok(())
}

fn make_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_whole_folder_at_every_instant() {
        let home = tempfile::tempdir().unwrap();
        let (dir, fresh) = (home.path().join("dir"), home.path().join("fresh"));
        for path in [&dir, &fresh] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), "x").unwrap();
        }
        std::thread::scope(|scope| {
            let replacing = scope.spawn(|| (0..2_000).for_each(|_| replace_folder(&dir, &fresh).unwrap()));
            while !replacing.is_finished() {
                assert!(cfg!(not(target_os = "linux")) || dir.join("file").exists());
            }
        });
        fs::remove_dir_all(&dir).unwrap();
        replace_folder(&dir, &fresh).unwrap();
        assert!(dir.exists() && !fresh.exists(), "where there was none, it is renamed");
    }
}
