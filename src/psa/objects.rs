//! The objects of a JSON document, one at a time, in bounded memory: the elements of its lists of tickets, in an envelope such as
//! `{"tickets": [...]}` or not, pages of them one after the other, and objects that stand alone.
//!
//! Looks at brackets and strings only: its caller checks that an object is valid JSON. Must never hold more than
//! [`MAX_RECORD_BYTES`].

use std::io::{self, BufRead};

use crate::MAX_RECORD_BYTES;
use crate::lines::feed;

/// Keys under which APIs list tickets. Lists under other keys are found as well, where their envelope is short.
pub(crate) const LISTS: [&str; 18] = [
    "tickets",
    "items",
    "issues",
    "results",
    "result",
    "data",
    "values",
    "value",
    "records",
    "requests",
    "incidents",
    "cases",
    "rows",
    "entries",
    "list",
    "nodes",
    "objects",
    "response",
];
/// Keys that a ticket has and an envelope has not.
const OWN: [&str; 7] = ["id", "subject", "summary", "description", "body", "key", "number"];
/// Levels at which a list of tickets may stand.
const LIST_LEVELS: usize = 4;
/// Brackets deeper than this are only counted.
const DEPTH: usize = 128;
/// A longer key is no name.
const KEY_BYTES: usize = 64;

/// Reader of objects.
pub(crate) struct Objects<R> {
    input: R,
    scan: Scan,
}

/// One object that was read; its text is [`Objects::bytes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object {
    /// Counted from 1.
    pub(crate) number: u64,
    /// The line of the file on which it begins.
    pub(crate) line: u64,
    /// Over the limit: only its beginning was held.
    pub(crate) too_long: bool,
}

impl<R: BufRead> Objects<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, scan: Scan { line: 1, ..Scan::default() } }
    }

    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// The object read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.scan.held
    }

    /// Bytes between objects that belong to none.
    pub(crate) fn stray(&self) -> u64 {
        self.scan.stray
    }

    /// The line on which the bracket stands that never closes, once all is read.
    pub(crate) fn unclosed(&self) -> Option<u64> {
        self.scan.levels.first().map(|level| level.line)
    }

    /// The next object, `None` at the end.
    pub(crate) fn read(&mut self) -> io::Result<Option<Object>> {
        if !feed(&mut self.input, |byte| self.scan.step(byte))? {
            return Ok(None);
        }
        self.scan.number += 1;
        let Scan { number, start: line, too_long, .. } = self.scan;
        Ok(Some(Object { number, line, too_long }))
    }
}

/// Whether a list of tickets opens in `head`, the beginning of a document.
pub(crate) fn opens_list(head: &[u8]) -> bool {
    let mut scan = Scan::default();
    head.iter().any(|byte| {
        scan.step(*byte);
        scan.list.is_some()
    })
}

/// A bracket that is open.
#[derive(Debug, Default)]
struct Level {
    is_object: bool,
    /// Whether a string that comes now is a key.
    key_next: bool,
    key: Vec<u8>,
    /// Whether a key was met that only a ticket has.
    is_ticket: bool,
    line: u64,
}

#[derive(Debug, Default)]
struct Scan {
    levels: Vec<Level>,
    /// Open brackets beyond [`DEPTH`].
    deeper: usize,
    in_string: bool,
    escaped: bool,
    /// How many levels are open in a list of tickets, outside its elements.
    list: Option<usize>,
    /// How many levels were open where the object that is held begins.
    holds: Option<usize>,
    held: Vec<u8>,
    start: u64,
    too_long: bool,
    number: u64,
    line: u64,
    stray: u64,
}

impl Scan {
    /// Takes one byte: whether an object is complete with it.
    fn step(&mut self, byte: u8) -> bool {
        self.line += u64::from(byte == b'\n');
        if self.in_string {
            self.hold(byte);
            self.string(byte);
            return false;
        }
        match byte {
            b'{' | b'[' => {
                self.open(byte == b'{');
                self.hold(byte);
                false
            }
            b'}' | b']' => {
                self.hold(byte);
                self.close()
            }
            _ => {
                self.hold(byte);
                self.between(byte);
                false
            }
        }
    }

    fn between(&mut self, byte: u8) {
        let Some(level) = self.levels.last_mut() else {
            self.stray += u64::from(!byte.is_ascii_whitespace() && byte != b',');
            return;
        };
        match byte {
            b'"' => {
                self.in_string = true;
                if level.key_next {
                    level.key.clear();
                }
            }
            b',' => level.key_next = level.is_object && self.deeper == 0,
            b':' => {
                level.key_next = false;
                level.is_ticket |= OWN.iter().any(|own| own.as_bytes() == level.key);
            }
            _ => {}
        }
    }

    fn string(&mut self, byte: u8) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match byte {
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {
                if let Some(level) =
                    self.levels.last_mut().filter(|level| level.key_next && level.key.len() < KEY_BYTES)
                {
                    level.key.push(byte);
                }
            }
        }
    }

    fn open(&mut self, is_object: bool) {
        let depth = self.levels.len();
        if depth == DEPTH {
            self.deeper += 1;
            return;
        }
        let is_element = self.list == Some(depth) && is_object;
        if is_element || (self.list.is_none() && self.holds.is_none() && is_object && depth == 0) {
            self.held.clear();
            (self.holds, self.start, self.too_long) = (Some(depth), self.line.max(1), false);
        } else if !is_object && self.list.is_none() && self.is_list() {
            (self.list, self.holds) = (Some(depth + 1), None);
            self.held.clear();
        }
        self.levels.push(Level {
            is_object,
            key_next: is_object,
            line: self.line.max(1),
            ..Level::default()
        });
    }

    /// Whether a list that opens now holds tickets: at the top, or under such a key in objects that are no tickets.
    fn is_list(&self) -> bool {
        let names_one = |level: &Level| LISTS.iter().any(|name| name.as_bytes() == level.key);
        self.levels.len() < LIST_LEVELS
            && self.levels.iter().all(|level| level.is_object && !level.is_ticket)
            && self.levels.last().is_none_or(names_one)
    }

    fn close(&mut self) -> bool {
        if self.deeper > 0 {
            self.deeper -= 1;
            return false;
        }
        self.levels.pop();
        let depth = self.levels.len();
        if self.list.is_some_and(|list| list > depth) {
            self.list = None;
        }
        let complete = self.holds == Some(depth);
        if complete {
            self.holds = None;
        }
        complete
    }

    fn hold(&mut self, byte: u8) {
        if self.holds.is_some() {
            self.too_long |= self.held.len() >= MAX_RECORD_BYTES;
            if !self.too_long {
                self.held.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str, chunk: usize) -> Vec<String> {
        let mut objects = Objects::new(io::BufReader::with_capacity(chunk, text.as_bytes()));
        let mut all = Vec::new();
        while let Some(object) = objects.read().unwrap() {
            assert_eq!(object.number, all.len() as u64 + 1);
            all.push(String::from_utf8(objects.bytes().to_vec()).unwrap());
        }
        all
    }

    #[test]
    fn lists_of_tickets_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("[{\"a\":1}, {\"b\":[{}]}]", &["{\"a\":1}", "{\"b\":[{}]}"][..]),
            (
                "{\"count\":2,\"tickets\":[{\"a\":\"}]\"},{\"b\":{}}],\"next\":{\"x\":[{}]}}",
                &["{\"a\":\"}]\"}", "{\"b\":{}}"],
            ),
            ("{\"data\":{\"issues\":[{\"a\":1}]}}", &["{\"a\":1}"]),
            ("{\"items\":[{\"a\":1}]}\n{\"items\":[{\"a\":2}]}", &["{\"a\":1}", "{\"a\":2}"]),
            // A ticket's own lists are no tickets.
            ("{\"id\":1,\"items\":[{\"a\":1}]}", &["{\"id\":1,\"items\":[{\"a\":1}]}"]),
            ("{\"x\":[{\"a\":1}]}", &["{\"x\":[{\"a\":1}]}"]),
            ("{\n\"id\": 1\n}\n{\n\"id\": 2\n}", &["{\n\"id\": 1\n}", "{\n\"id\": 2\n}"]),
            ("[]", &[]),
            ("]}{\"a\":1}", &["{\"a\":1}"]),
        ] {
            for chunk in [1, 7, 4096] {
                assert_eq!(read_all(text, chunk), expected, "{text}");
            }
        }
    }

    #[test]
    fn what_is_too_long_or_never_closes_is_said() {
        let text = format!("[{{\"a\":\"{}\"}},{{\"b\":1}}\n", "x".repeat(MAX_RECORD_BYTES));
        let mut objects = Objects::new(io::BufReader::new(text.as_bytes()));
        assert!(objects.read().unwrap().unwrap().too_long);
        assert!(!objects.read().unwrap().unwrap().too_long);
        assert!(objects.bytes() == b"{\"b\":1}" && objects.read().unwrap().is_none());
        assert_eq!(objects.unclosed(), Some(1));
    }

    #[test]
    fn deep_brackets_take_little_memory() {
        let text = "[".repeat(1 << 20);
        let mut objects = Objects::new(io::BufReader::new(text.as_bytes()));
        assert!(objects.read().unwrap().is_none());
    }
}
