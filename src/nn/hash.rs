//! sha256 of files and streams, in bounded memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes read at a time.
const CHUNK: usize = 1 << 18;

/// sha256 of `bytes`, lower-case hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// sha256 of the file at `path`, lower-case hexadecimal.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    copy(&mut File::open(path)?, &mut io::sink(), u64::MAX, &mut |_| Ok(())).map(|(_, sha256)| sha256)
}

/// Copies at most `limit` bytes (an error beyond), calling `on_bytes` with the bytes copied so far. Returns
/// the length and the sha256.
pub(crate) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    limit: u64,
    on_bytes: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<(u64, String)> {
    let mut chunk = vec![0_u8; CHUNK];
    let mut hasher = Sha256::new();
    let mut total = 0_u64;
    loop {
        let n = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        total += n as u64;
        if total > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
        }
        hasher.update(&chunk[..n]);
        to.write_all(&chunk[..n])?;
        on_bytes(total)?;
    }
    Ok((total, hex(&hasher.finalize())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn known_answer_and_limit() {
        assert_eq!(of_bytes(b"abc"), ABC);
        let mut out = Vec::new();
        let got = copy(&mut &b"abc"[..], &mut out, 3, &mut |_| Ok(())).unwrap();
        assert_eq!((got, out), ((3, ABC.to_owned()), b"abc".to_vec()));
        assert!(copy(&mut &b"abcd"[..], &mut io::sink(), 3, &mut |_| Ok(())).is_err());
    }
}
