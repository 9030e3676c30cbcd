//! Bytes of any encoding as UTF-8, piece by piece.
//!
//! The encoding is settled by the user, a byte-order mark, UTF-16's pattern of NULs, or else only when the
//! first byte beyond ASCII is met, from a sample that starts there: an export whose first umlaut stands in
//! row 50,000 is read like one with it in row 1. Bytes that don't fit become U+FFFD and are counted; NUL
//! characters are dropped and counted. Every piece handed out ends between characters.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use crate::encoding;

const CHUNK: usize = 64 << 10;
const SAMPLE: usize = 256 << 10;

/// Reader of decoded text.
pub(crate) struct Decode<'a> {
    input: Box<dyn Read + 'a>,
    /// Bytes read and not yet decoded.
    raw: Vec<u8>,
    /// The input has no more bytes.
    drained: bool,
    /// The last piece has been decoded.
    done: bool,
    /// `None` while all was ASCII.
    decoder: Option<Decoder>,
    text: Vec<u8>,
    at: usize,
    scratch: Vec<u8>,
    tally: Tally,
}

/// What was met on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Sequences that are no text in the encoding.
    pub(crate) replaced: u64,
    /// NUL characters left out.
    pub(crate) nuls: u64,
    /// Whether the encoding was guessed from the text rather than known.
    pub(crate) guessed: bool,
}

impl<'a> Decode<'a> {
    /// Reads the head of `input`; a byte-order mark is believed before `given`.
    pub(crate) fn new(input: Box<dyn Read + 'a>, given: Option<&'static Encoding>) -> io::Result<Self> {
        let mut this = Self {
            input,
            raw: Vec::with_capacity(CHUNK),
            drained: false,
            done: false,
            decoder: None,
            text: Vec::new(),
            at: 0,
            scratch: vec![0; CHUNK],
            tally: Tally::default(),
        };
        this.fill_raw(CHUNK)?;
        let known = match Encoding::for_bom(&this.raw) {
            Some((encoding, mark)) => {
                this.raw.drain(..mark);
                Some(encoding)
            }
            None => given.or_else(|| encoding::utf16_without_mark(&this.raw)),
        };
        this.decoder = known.map(Encoding::new_decoder_without_bom_handling);
        Ok(this)
    }

    /// Name of the encoding; pure ASCII counts as UTF-8.
    pub(crate) fn encoding(&self) -> &'static str {
        self.decoder.as_ref().map_or("UTF-8", |d| d.encoding().name())
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// At least `n` bytes of the text to come, all of it if there is less. Nothing is consumed.
    pub(crate) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        while self.text.len() - self.at < n && self.pump()? {}
        Ok(&self.text[self.at..])
    }

    fn fill_raw(&mut self, n: usize) -> io::Result<()> {
        while self.raw.len() < n && !self.drained {
            let start = self.raw.len();
            self.raw.resize(n, 0);
            let read = self.input.read(&mut self.raw[start..]);
            self.raw.truncate(start + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => self.drained = true,
                Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// Decodes one more piece; `false` at the end.
    fn pump(&mut self) -> io::Result<bool> {
        if self.done {
            return Ok(false);
        }
        self.text.drain(..self.at);
        self.at = 0;
        self.fill_raw(CHUNK)?;
        let start = self.text.len();
        self.take_ascii()?;
        self.decode();
        self.done = self.drained && self.raw.is_empty();
        self.drop_nuls(start);
        Ok(true)
    }

    /// While the encoding is open: passes ASCII on, and settles the encoding at the first byte beyond it.
    fn take_ascii(&mut self) -> io::Result<()> {
        if self.decoder.is_some() {
            return Ok(());
        }
        let ascii = Encoding::ascii_valid_up_to(&self.raw);
        self.text.extend(self.raw.drain(..ascii));
        if !self.raw.is_empty() {
            self.fill_raw(SAMPLE)?;
            let encoding = encoding::of_sample(&self.raw, self.drained);
            self.tally.guessed = encoding != encoding_rs::UTF_8;
            self.decoder = Some(encoding.new_decoder_without_bom_handling());
        }
        Ok(())
    }

    fn decode(&mut self) {
        let Some(decoder) = &mut self.decoder else { return };
        let mut rest = self.raw.as_slice();
        loop {
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(rest, &mut self.scratch, self.drained);
            self.text.extend_from_slice(&self.scratch[..written]);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.tally.replaced += 1;
                    self.text.extend_from_slice("\u{FFFD}".as_bytes());
                }
            }
        }
        self.raw.clear();
    }

    fn drop_nuls(&mut self, start: usize) {
        if !self.text[start..].contains(&0) {
            return;
        }
        let kept: Vec<u8> = self.text[start..].iter().copied().filter(|b| *b != 0).collect();
        self.tally.nuls += (self.text.len() - start - kept.len()) as u64;
        self.text.truncate(start);
        self.text.extend_from_slice(&kept);
    }
}

impl Read for Decode<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Decode<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], given: Option<&'static Encoding>) -> (String, &'static str, Tally) {
        let mut decode = Decode::new(Box::new(bytes), given).unwrap();
        let mut text = String::new();
        decode.read_to_string(&mut text).unwrap();
        (text, decode.encoding(), decode.tally())
    }

    #[test]
    fn the_first_odd_byte_may_come_late() {
        let mut bytes = vec![b'a'; 3 * CHUNK - 1];
        bytes.extend_from_slice(b"Stra\xdfe f\xfcr M\xfcller");
        let (text, name, tally) = decoded(&bytes, None);
        assert_eq!((name, tally.guessed), ("windows-1252", true));
        assert!(text.ends_with("aStraße für Müller"));

        let mut bytes = vec![b'a'; CHUNK - 1];
        bytes.extend_from_slice("ü".as_bytes());
        let (text, name, _) = decoded(&bytes, None);
        assert_eq!(name, "UTF-8");
        assert!(text.ends_with("aü"));
    }

    #[test]
    fn a_mark_wins_over_the_given_encoding() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend("zähl".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(decoded(&bytes, Some(encoding_rs::WINDOWS_1252)).0, "zähl");
        assert_eq!(decoded(b"\xef\xbb\xbfx", None).0, "x");
    }

    #[test]
    fn what_does_not_fit_is_replaced_and_counted() {
        let (text, _, tally) = decoded(b"a\xffb\0c\xc3", Some(encoding_rs::UTF_8));
        assert_eq!(text, "a\u{FFFD}bc\u{FFFD}");
        assert_eq!(tally, Tally { replaced: 2, nuls: 1, guessed: false });
    }
}
