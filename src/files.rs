//! Opens input files, and writes output files that appear only when complete.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use firstline_fault::{Code, UserError};
use firstline_ticket::Lines;
use flate2::bufread::MultiGzDecoder;

use crate::failure::Failure;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens `path` for reading, `-` being standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|e| UserError::io(path.display(), &e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(UserError::io(path.display(), &io::Error::from(io::ErrorKind::IsADirectory)).into());
    }
    Ok(Box::new(file))
}

/// Opens canonical JSONL, unpacking gzip by its first bytes.
pub(crate) fn tickets(path: &Path) -> Result<Lines<Box<dyn BufRead>>, Failure> {
    let mut reader = BufReader::with_capacity(1 << 18, open(path)?);
    let packed = reader.fill_buf().map_err(|e| UserError::io(path.display(), &e))?.starts_with(&GZIP);
    let reader: Box<dyn BufRead> = match packed {
        true => Box::new(BufReader::new(MultiGzDecoder::new(reader))),
        false => Box::new(reader),
    };
    Ok(Lines::new(reader, name_of(path)))
}

/// The name of a file in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

/// The path with its folder resolved, to tell whether two names are one file.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = |dir: PathBuf| path.file_name().map(|name| dir.join(name));
    path.canonicalize().ok().or_else(|| named(dir.canonicalize().ok()?)).unwrap_or_else(|| path.to_owned())
}

/// A file that appears under its name only when it is complete.
pub(crate) struct Whole {
    path: PathBuf,
    temp: tempfile::NamedTempFile,
}

impl Whole {
    /// Starts writing `path`; creates its folder if needed.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io = |e: io::Error| UserError::io(path.display(), &e);
        // A rename would replace a device or a link with a plain file.
        if std::fs::symlink_metadata(path).is_ok_and(|m| !m.is_file()) {
            let problem = "it exists and is not a regular file";
            return Err(UserError::new(Code::Io, path.display().to_string(), problem, "Name a file").into());
        }
        std::fs::create_dir_all(dir).map_err(io)?;
        let mut builder = tempfile::Builder::new();
        // As readable as any file the user makes: the umask decides.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temp = builder.prefix(".firstline-").tempfile_in(dir).map_err(io)?;
        Ok(Self { path: path.to_owned(), temp })
    }

    /// A buffered writer into it.
    pub(crate) fn writer(&mut self) -> BufWriter<&mut File> {
        BufWriter::with_capacity(1 << 18, self.temp.as_file_mut())
    }

    /// Its path until it is published.
    pub(crate) fn temporary(&self) -> &Path {
        self.temp.path()
    }

    /// Whether nothing has been written to it.
    pub(crate) fn is_empty(&self) -> bool {
        self.temp.as_file().metadata().is_ok_and(|m| m.len() == 0)
    }

    /// Moves it to its path.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let Self { path, temp } = self;
        let io = |e: io::Error| UserError::io(path.display(), &e);
        temp.as_file().sync_all().map_err(io)?;
        temp.persist(&path).map_err(|e| io(e.error))?;
        Ok(())
    }
}

/// Writes `bytes` to `path`, completely or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = Whole::create(path)?;
    file.writer().write_all(bytes).map_err(|e| UserError::io(path.display(), &e))?;
    file.publish()
}
