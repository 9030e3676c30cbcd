//! Reading canonical JSONL one line at a time, in bounded memory, from any reader.

use std::io::{BufRead, Read};

use crate::Ticket;
use firstline_fault::{Code, Error, Result, UserError};

/// The longest line read, in bytes. A longer one is skipped to its end and reported, never held.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// One line of the input: its number, counted from 1, and the ticket or what is wrong with it.
#[derive(Debug)]
pub struct Line {
    /// Line number, counted from 1; blank lines are counted but not returned.
    pub number: u64,
    /// Length of the line in bytes, up to [`MAX_LINE_BYTES`].
    pub bytes: usize,
    /// The ticket, checked by [`Ticket::check`], or its fault.
    pub ticket: Result<Ticket>,
}

/// Iterator over the lines of a JSONL stream. Bad lines are items, not the end; only a reader that fails
/// ends the iteration, with that fault as its last item.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    name: String,
    number: u64,
    buffer: Vec<u8>,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads `reader`; `name` is the place that faults name.
    pub fn new(reader: R, name: impl Into<String>) -> Self {
        Self { reader, name: name.into(), number: 0, buffer: Vec::new(), failed: false }
    }

    /// Groups the lines into batches of at most `lines` lines and about `bytes` bytes, in order: what a
    /// stream of unknown length is worked through in.
    pub fn batches(mut self, lines: usize, bytes: usize) -> impl Iterator<Item = Vec<Line>> {
        std::iter::from_fn(move || {
            let mut batch = Vec::new();
            let mut held = 0;
            while batch.len() < lines && held < bytes {
                let Some(line) = self.next() else { break };
                held += line.bytes;
                batch.push(line);
            }
            (!batch.is_empty()).then_some(batch)
        })
    }

    fn line(&self, ticket: Result<Ticket>) -> Line {
        Line { number: self.number, bytes: self.buffer.len(), ticket }
    }

    fn parse(&self, too_long: bool) -> Result<Ticket> {
        let place = format!("{}, line {}", self.name, self.number);
        if too_long {
            let problem = format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20);
            return Err(UserError::new(
                Code::LineLength,
                place,
                problem,
                "Cut attachments out of the export",
            )
            .into());
        }
        let bytes = self.buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.buffer);
        let mut ticket: Ticket = serde_json::from_slice(bytes).map_err(|e| {
            let next = "Write one JSON object a line; `firstline import` makes them from a CSV";
            Error::from(UserError::new(Code::TicketJson, place.as_str(), e.to_string(), next))
        })?;
        ticket.drop_own_notes();
        ticket.check(&place)?;
        Ok(ticket)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while !self.failed {
            self.buffer.clear();
            self.number += 1;
            let limit = MAX_LINE_BYTES as u64 + 1;
            let read = match self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer) {
                Ok(read) => read,
                Err(error) => {
                    self.failed = true;
                    return Some(self.line(Err(UserError::io(&self.name, &error).into())));
                }
            };
            if read == 0 {
                return None;
            }
            let too_long = self.buffer.len() > MAX_LINE_BYTES && self.buffer.last() != Some(&b'\n');
            if too_long && let Err(error) = skip_line(&mut self.reader) {
                self.failed = true;
                return Some(self.line(Err(UserError::io(&self.name, &error).into())));
            }
            if !too_long && self.buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Some(self.line(self.parse(too_long)));
        }
        None
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        match chunk.iter().position(|&b| b == b'\n') {
            Some(at) => {
                reader.consume(at + 1);
                return Ok(());
            }
            None => {
                let n = chunk.len();
                reader.consume(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_items_and_the_good_ones_go_on() {
        let text = "\u{feff}{\"id\":\"1\",\"subject\":\"a\"}\n\nnot json\n{\"id\":\"2\"}\n{\"id\":\"3\",\"body\":\"b\"}";
        let got: Vec<_> =
            Lines::new(text.as_bytes(), "t").map(|l| (l.number, l.ticket.map(|t| t.id))).collect();
        assert!(matches!(&got[0], (1, Ok(id)) if id == "1"));
        assert!(matches!(&got[1], (3, Err(e)) if e.code() == Some(Code::TicketJson)));
        assert!(matches!(&got[2], (4, Err(e)) if e.code() == Some(Code::TicketText)));
        assert!(matches!(&got[3], (5, Ok(id)) if id == "3"));
        assert_eq!(got.len(), 4);
    }

    #[test]
    fn batches_hold_to_both_bounds_and_keep_the_order() {
        let text: String = (0..10).map(|i| format!("{{\"id\":\"{i}\",\"body\":\"b\"}}\n")).collect();
        let sizes = |lines, bytes| {
            Lines::new(text.as_bytes(), "t").batches(lines, bytes).map(|b| b.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(4, usize::MAX), [4, 4, 2]);
        assert_eq!(sizes(100, 1), [1; 10]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_not_held() {
        let mut text = vec![b'x'; MAX_LINE_BYTES + 10];
        text.extend_from_slice(b"\n{\"id\":\"2\",\"subject\":\"ok\"}\n");
        let got: Vec<_> = Lines::new(text.as_slice(), "t").map(|l| l.ticket.map(|t| t.id)).collect();
        assert!(matches!(&got[0], Err(e) if e.code() == Some(Code::LineLength)));
        assert!(matches!(&got[1], Ok(id) if id == "2"));
        assert_eq!(got.len(), 2);
    }
}
