//! The bytes of an import: metered as they are read, unpacked when they are gzip.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;

use firstline_fault::{Code, Error, UserError};
use flate2::read::MultiGzDecoder;

/// How often progress is told, in bytes read.
const STEP: u64 = 1 << 20;

/// Told the number of bytes read so far; may stop the import.
pub(crate) type Progress<'p> = dyn FnMut(u64) -> ControlFlow<()> + 'p;

/// The input as unpacked bytes.
pub(crate) struct Source<'a> {
    pub(crate) bytes: Box<dyn Read + 'a>,
    pub(crate) gzip: bool,
    /// Whether it is a zip archive, as workbooks are.
    pub(crate) zip: bool,
}

/// Looks at the first bytes, never at the name.
///
/// # Errors
/// The input can't be read, or it is a workbook that can't be read here.
pub(crate) fn open<'a>(
    input: impl Read + 'a,
    name: &str,
    progress: &'a mut Progress<'_>,
) -> Result<Source<'a>, Error> {
    let mut input = Metered { input, read: 0, told: 0, progress };
    let mut head = Vec::with_capacity(4);
    (&mut input).take(4).read_to_end(&mut head).map_err(|e| read_error(name, &e))?;
    if head.starts_with(b"\xd0\xcf\x11\xe0") {
        let problem = "this is a workbook in Excel's old binary form, not text";
        let next = "Save the sheet as .xlsx or CSV (UTF-8)";
        return Err(UserError::new(Code::Encoding, name, problem, next).into());
    }
    let zip = head.starts_with(b"PK\x03\x04");
    let gzip = head.starts_with(b"\x1f\x8b");
    let whole = Cursor::new(head).chain(input);
    let bytes: Box<dyn Read + 'a> = if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    Ok(Source { bytes, gzip, zip })
}

/// What a failed read means to the user.
pub(crate) fn read_error(name: &str, error: &io::Error) -> Error {
    if matches!(error.get_ref(), Some(inner) if inner.is::<Stopped>()) {
        let next = "What was written so far is incomplete; run the import again";
        return UserError::new(Code::Interrupted, name, "stopped before the end", next).into();
    }
    let damaged = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput, io::ErrorKind::UnexpectedEof];
    if damaged.contains(&error.kind()) {
        let problem = format!("the gzip data is damaged or cut off ({error})");
        return UserError::new(Code::Io, name, problem, "Fetch the file again").into();
    }
    UserError::io(name, error).into()
}

struct Metered<'p, 'q, R> {
    input: R,
    read: u64,
    told: u64,
    progress: &'p mut Progress<'q>,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.read += n as u64;
        if self.read - self.told >= STEP || n == 0 {
            self.told = self.read;
            if (self.progress)(self.read).is_break() {
                return Err(io::Error::other(Stopped));
            }
        }
        Ok(n)
    }
}

/// Marks the error with which a stopped read ends.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}
