//! Lines of a text, one at a time, in bounded memory.

use std::io::{self, BufRead};

use crate::MAX_RECORD_BYTES;

/// Feeds `step` the input byte by byte until it finds something; `false` at the end of the input.
pub(crate) fn feed(input: &mut impl BufRead, mut step: impl FnMut(u8) -> bool) -> io::Result<bool> {
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if chunk.is_empty() {
            return Ok(false);
        }
        let found = chunk.iter().position(|byte| step(*byte));
        let used = found.map_or(chunk.len(), |at| at + 1);
        input.consume(used);
        if found.is_some() {
            return Ok(true);
        }
    }
}

/// Reader of lines that are not blank.
pub(crate) struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

/// One line that was read; its text is [`LineReader::bytes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextLine {
    /// Counted from 1, blank lines too.
    pub(crate) number: u64,
    /// Over the limit: only its beginning was held.
    pub(crate) too_long: bool,
}

impl<R: BufRead> LineReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// The line read last, without its line feed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The next line that is not blank, `None` at the end.
    pub(crate) fn read(&mut self) -> io::Result<Option<TextLine>> {
        loop {
            let Some(too_long) = self.read_one()? else { return Ok(None) };
            if too_long || !self.buffer.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(TextLine { number: self.number, too_long }));
            }
        }
    }

    /// Reads one line: whether it was too long, `None` at the end.
    fn read_one(&mut self) -> io::Result<Option<bool>> {
        self.buffer.clear();
        self.number += 1;
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                return Ok(any.then_some(too_long));
            }
            any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            too_long |= self.buffer.len() + piece.len() > MAX_RECORD_BYTES;
            if !too_long {
                self.buffer.extend_from_slice(piece);
            }
            let used = piece.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(too_long));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_bounded() {
        let text = format!("a\n\n{}\r\nb", "x".repeat(MAX_RECORD_BYTES + 1));
        let mut lines = LineReader::new(io::BufReader::new(text.as_bytes()));
        let mut seen = Vec::new();
        while let Some(line) = lines.read().unwrap() {
            assert!(lines.bytes().len() <= MAX_RECORD_BYTES);
            seen.push((line.number, line.too_long));
        }
        assert_eq!(seen, [(1, false), (3, true), (4, false)]);
    }
}
