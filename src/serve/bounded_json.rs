//! Looks through JSON before anything is made of it: how deep it goes, how many values it has, how long its keys are.
//!
//! A byte of JSON can become fifty in memory, and what a caller puts under a key that nobody knows counts as well. One pass,
//! which stops at the first bound that is passed, and makes nothing but a list of the keys of open objects. It does not say whether
//! the JSON is right: what is read afterwards does, and reads no further than this has looked.

use std::borrow::Cow;

use firstline_fault::Code;

use crate::problem::Problem;

/// Levels of arrays and objects.
const DEPTH: usize = 16;
/// Keys of one object.
const MOST_KEYS: usize = 256;
/// Longest key, in bytes.
const KEY_BYTES: usize = 256;

/// What JSON may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Values, of every kind and at every level.
    pub(crate) values: usize,
    /// Elements of a list that stands at the top, such as `tickets`.
    pub(crate) items: usize,
}

/// An array or object that is open.
#[derive(Debug, Default)]
struct Level<'j> {
    is_object: bool,
    /// Whether a string that comes now is a key.
    key_next: bool,
    keys: Vec<Cow<'j, [u8]>>,
    elements: usize,
}

/// Looks through `json`; gives how many values it has.
///
/// # Errors
/// A problem that names the bound that is passed.
pub(crate) fn scan(json: &[u8], bounds: &Bounds) -> Result<usize, Problem> {
    let mut scan = Scan { json, at: 0, bounds, levels: Vec::new(), values: 0 };
    while let Some(&byte) = json.get(scan.at) {
        scan.token(byte)?;
    }
    Ok(scan.values)
}

struct Scan<'j> {
    json: &'j [u8],
    at: usize,
    bounds: &'j Bounds,
    levels: Vec<Level<'j>>,
    values: usize,
}

impl<'j> Scan<'j> {
    /// Looks at what begins with `byte`, and goes behind it.
    fn token(&mut self, byte: u8) -> Result<(), Problem> {
        match byte {
            b'{' | b'[' => {
                self.value()?;
                if self.levels.len() == DEPTH {
                    let problem = format!("it goes deeper than {DEPTH} levels");
                    return Err(Problem::new(Code::Request, "the body", problem, "Send plainer JSON"));
                }
                let is_object = byte == b'{';
                self.levels.push(Level { is_object, key_next: is_object, ..Level::default() });
            }
            b'}' | b']' => drop(self.levels.pop()),
            b',' => {
                if let Some(level) = self.levels.last_mut() {
                    level.key_next = level.is_object;
                }
            }
            b':' => {
                if let Some(level) = self.levels.last_mut() {
                    level.key_next = false;
                }
            }
            b'"' => return self.string(),
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                self.value()?;
                let ends = |b: &u8| b"{}[],:\"".contains(b) || b.is_ascii_whitespace();
                let rest = &self.json[self.at..];
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                return Ok(());
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A string: a key, or a value.
    fn string(&mut self) -> Result<(), Problem> {
        let start = self.at + 1;
        let (mut end, mut is_plain) = (start, true);
        loop {
            let rest = self.json.get(end..).unwrap_or_default();
            match rest.iter().position(|b| matches!(b, b'"' | b'\\')) {
                Some(n) if rest[n] == b'"' => {
                    end += n;
                    break;
                }
                Some(n) => {
                    is_plain = false;
                    end += n + 2;
                }
                None => {
                    end = self.json.len();
                    break;
                }
            }
        }
        self.at = end + 1;
        match self.levels.last_mut() {
            Some(level) if level.key_next => {
                let raw = &self.json[start.min(end)..end];
                level.key(if is_plain { Cow::Borrowed(raw) } else { plain(raw) })
            }
            _ => self.value(),
        }
    }

    /// One more value.
    fn value(&mut self) -> Result<(), Problem> {
        self.values += 1;
        let too_many = |what: String| {
            let next = "Send fewer at a time, without what is not asked for";
            Err(Problem::new(Code::Limit, "the body", what, next))
        };
        if self.values > self.bounds.values {
            return too_many(format!("it has more than {} values", self.bounds.values));
        }
        if let [top, list] = &mut self.levels[..]
            && !list.is_object
        {
            list.elements += 1;
            if list.elements > self.bounds.items {
                let name = top.keys.last().map_or(Cow::Borrowed("items"), |key| String::from_utf8_lossy(key));
                return too_many(format!("more than {} {}", self.bounds.items, name.escape_debug()));
            }
        }
        Ok(())
    }
}

impl<'j> Level<'j> {
    fn key(&mut self, key: Cow<'j, [u8]>) -> Result<(), Problem> {
        let fault = |code, problem: String, next| Err(Problem::new(code, "the body", problem, next));
        if key.len() > KEY_BYTES {
            let problem = format!("a key is longer than {KEY_BYTES} bytes");
            return fault(Code::Limit, problem, "Send long text as a value");
        }
        if self.keys.len() == MOST_KEYS {
            let problem = format!("an object has more than {MOST_KEYS} keys");
            return fault(Code::Limit, problem, "Leave out what is not asked for");
        }
        if self.keys.contains(&key) {
            let name = String::from_utf8_lossy(&key);
            let problem = format!("the key {name:?} stands twice in one object");
            return fault(Code::Request, problem, "Send each key once");
        }
        self.keys.push(key);
        Ok(())
    }
}

/// A key without its escapes.
fn plain(raw: &[u8]) -> Cow<'_, [u8]> {
    let quoted = [b"\"", raw, b"\""].concat();
    let text: Option<String> = serde_json::from_slice(&quoted).ok();
    text.map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const BOUNDS: Bounds = Bounds { values: 1_000, items: 10 };

    fn code(json: &str) -> &'static str {
        scan(json.as_bytes(), &BOUNDS).map_or_else(|problem| problem.code, |_| "")
    }

    #[test]
    fn what_is_in_bounds_is_counted_and_passes() {
        for (json, values) in [
            ("", 0),
            ("null", 1),
            (r#"{"a":1,"b":[true,"x\"]",null],"c":{"a":-1.5e3}}"#, 8),
            (r#" [ {"a" : "}{][,:"} , [ ] ] "#, 4),
            (r#"{"é":1,"\u00e9x":2,"":3}"#, 4),
        ] {
            assert_eq!(scan(json.as_bytes(), &BOUNDS).unwrap(), values, "{json}");
        }
        assert_eq!(code(&format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH))), "");
        // Ten of a list, and as many as one likes in a list within.
        let ten = ["[1,2,3,4,5,6,7,8,9,10,11]"; 10].join(",");
        assert_eq!(code(&format!(r#"{{"tickets":[{ten}]}}"#)), "");
    }

    #[test]
    fn every_bound_is_one() {
        let list = |n: usize, of: &str| vec![of; n].join(",");
        let keys: Vec<String> = (0..=MOST_KEYS).map(|n| format!("\"k{n}\":1")).collect();
        for (json, expected) in [
            (format!(r#"{{"tickets":[{{"x":[[{}]]}}]}}"#, list(1_000, "1")), "E_LIMIT"),
            (format!(r#"{{"tickets":[{}]}}"#, list(11, "{}")), "E_LIMIT"),
            (format!(r#"{{"input":[{}]}}"#, list(11, "\"\"")), "E_LIMIT"),
            (format!("{{{}}}", keys.join(",")), "E_LIMIT"),
            (format!(r#"{{"{}":1}}"#, "k".repeat(KEY_BYTES + 1)), "E_LIMIT"),
            ("[".repeat(100_000), "E_REQUEST"),
            (r#"{"a":"#.repeat(100_000), "E_REQUEST"),
            (r#"{"id":1,"id":2}"#.to_owned(), "E_REQUEST"),
            (r#"{"id":1,"\u0069d":2}"#.to_owned(), "E_REQUEST"),
            (r#"{"tickets":[{"a":{"b":1,"c":2,"b":3}}]}"#.to_owned(), "E_REQUEST"),
        ] {
            assert_eq!(code(&json), expected, "{}", &json[..json.len().min(80)]);
        }
        let names = scan(format!(r#"{{"a":1,"tickets":[{}]}}"#, list(11, "1")).as_bytes(), &BOUNDS);
        assert!(names.unwrap_err().detail.contains("more than 10 tickets"));
    }

    #[test]
    fn what_is_read_afterwards_has_no_more_values_than_were_counted() {
        fn count(value: &Value) -> usize {
            1 + match value {
                Value::Array(list) => list.iter().map(count).sum(),
                Value::Object(map) => map.values().map(count).sum(),
                _ => 0,
            }
        }
        let whole =
            br#"{"a":[1,{"b":"\\\"","c":[[],{}]},"x"],"d\n":[null,true,false,0.5],"e":{"f":{"g":"[{"}}}"#;
        let mut text = whole.to_vec();
        let mut read = 0;
        // Every cut, and every byte put in place of every other: nothing panics, and what reads was counted right.
        for at in 0..whole.len() {
            let _broken = scan(&whole[..at], &BOUNDS);
            for byte in br#"{}[]",:\ 0a"# {
                text[at] = *byte;
                if let (Ok(value), Ok(values)) =
                    (serde_json::from_slice::<Value>(&text), scan(&text, &BOUNDS))
                {
                    assert_eq!(count(&value), values, "{}", String::from_utf8_lossy(&text));
                    read += 1;
                }
            }
            text[at] = whole[at];
        }
        assert!(read > 100, "{read}");
    }
}
