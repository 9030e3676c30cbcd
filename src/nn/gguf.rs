//! GGUF files (version 2 and 3): what a file says of its model, and where its tensors lie. Nothing in a file is believed:
//! every count is held against the bytes that are left before anything is allocated for it, and every tensor against
//! the end of the file.

use std::collections::HashMap;
use std::ops::Range;

use crate::fault;
use firstline_fault::Result;

pub(crate) mod blocks;
mod rewrite;

pub(crate) use blocks::Kind;

/// What a file may have at most of tensors and of things it says.
const MAX_ENTRIES: u64 = 1 << 16;
/// Dimensions that a tensor may have.
const MAX_DIMENSIONS: u32 = 4;
/// Where tensors begin is a multiple of this unless the file says otherwise.
const ALIGNMENT: u64 = 32;

/// The head of a GGUF file.
#[derive(Debug)]
pub(crate) struct Gguf {
    values: HashMap<String, Value>,
    tensors: HashMap<String, TensorAt>,
    /// Bytes up to the end of what the file says; after it come the tensors' names and places.
    said: usize,
    /// Where a tensor begins is a multiple of this after the head.
    alignment: u64,
}

/// Something that a file says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    /// A list that no decoder here asks for.
    Other,
}

/// A tensor: its shape, the row's length last, and where it lies in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TensorAt {
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) bytes: Range<usize>,
}

impl Gguf {
    /// Reads the head of the file that is `bytes`; `place` names it in errors.
    ///
    /// # Errors
    /// `E_MODEL` when it is no GGUF file, or says what can't be.
    pub(crate) fn parse(bytes: &[u8], place: &str) -> Result<Self> {
        let mut reader = Reader { bytes, at: 0 };
        reader.file().map_err(|problem| {
            fault::model(place, format!("no usable GGUF file: {problem} (before byte {})", reader.at))
        })
    }

    /// What the file says of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The names of all tensors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensor called `name`.
    pub(crate) fn tensor(&self, name: &str) -> Option<&TensorAt> {
        self.tensors.get(name)
    }
}

impl Value {
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn texts(&self) -> Option<&[String]> {
        if let Self::Texts(texts) = self { Some(texts) } else { None }
    }

    pub(crate) fn size(&self) -> Option<usize> {
        if let Self::Int(n) = self { usize::try_from(*n).ok() } else { None }
    }

    pub(crate) fn float(&self) -> Option<f32> {
        if let Self::Float(x) = self { Some(*x as f32) } else { None }
    }
}

type Parsed<T> = std::result::Result<T, String>;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: u64) -> Parsed<&'a [u8]> {
        let left = &self.bytes[self.at..];
        let n = usize::try_from(n).ok().filter(|&n| n <= left.len());
        let n = n.ok_or_else(|| "it ends too early".to_owned())?;
        self.at += n;
        Ok(&left[..n])
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let bytes = self.take(N as u64)?;
        bytes.try_into().map_err(|_| "it ends too early".to_owned())
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Parsed<String> {
        let n = self.u64()?;
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// A count of things of at least `least` bytes each.
    fn count(&mut self, least: u64, most: u64) -> Parsed<u64> {
        let n = self.u64()?;
        let left = (self.bytes.len() - self.at) as u64;
        let fits = n <= most && n.checked_mul(least).is_some_and(|bytes| bytes <= left);
        if fits { Ok(n) } else { Err(format!("it counts {n} entries where {left} bytes are left")) }
    }

    fn file(&mut self) -> Parsed<Gguf> {
        if self.take(4).ok() != Some(b"GGUF") {
            return Err("it does not begin with GGUF".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("version {version}; 2 and 3 are read"));
        }
        let tensors = self.count(24, MAX_ENTRIES)?;
        let entries = self.count(13, MAX_ENTRIES)?;
        let mut values = HashMap::new();
        for _ in 0..entries {
            let key = self.text()?;
            let kind = self.u32()?;
            let value = self.value(kind).map_err(|e| format!("{}: {e}", shown(&key)))?;
            if values.insert(key.clone(), value).is_some() {
                return Err(format!("{} stands there twice", shown(&key)));
            }
        }
        let alignment = match values.get("general.alignment") {
            None => ALIGNMENT,
            Some(value) => {
                let n = value.size().filter(|n| n.is_power_of_two() && (8..=1 << 20).contains(n));
                n.ok_or_else(|| "general.alignment is no usable one".to_owned())? as u64
            }
        };
        let said = self.at;
        let mut found = Vec::new();
        for _ in 0..tensors {
            let name = self.text()?;
            let tensor = self.tensor().map_err(|e| format!("{}: {e}", shown(&name)))?;
            found.push((name, tensor));
        }
        let start = (self.at as u64).next_multiple_of(alignment);
        let mut tensors = HashMap::new();
        for (name, (shape, kind, offset)) in found {
            let place = || -> Option<Range<usize>> {
                let rows = shape[..shape.len() - 1].iter().try_fold(1_usize, |n, &d| n.checked_mul(d))?;
                let length = kind.row_bytes(*shape.last()?)?.checked_mul(rows)?;
                let from = usize::try_from(start.checked_add(offset)?).ok()?;
                let to = from.checked_add(length)?;
                (offset.is_multiple_of(alignment) && to <= self.bytes.len()).then_some(from..to)
            };
            let bytes = place().ok_or_else(|| {
                format!("{}: {shape:?} of {kind:?} at {offset} is not in the file", shown(&name))
            })?;
            if tensors.insert(name.clone(), TensorAt { shape, kind, bytes }).is_some() {
                return Err(format!("{} stands there twice", shown(&name)));
            }
        }
        Ok(Gguf { values, tensors, said, alignment })
    }

    /// Shape, kind and offset of a tensor.
    fn tensor(&mut self) -> Parsed<(Vec<usize>, Kind, u64)> {
        let dimensions = self.u32()?;
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(format!("{dimensions} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let n = self.u64()?;
            shape.push(usize::try_from(n).ok().filter(|&n| n > 0).ok_or_else(|| format!("{n} values"))?);
        }
        // The file names the row's length first.
        shape.reverse();
        let kind = self.u32()?;
        let kind = Kind::of(kind).ok_or_else(|| format!("weights of kind {kind} are not read"))?;
        Ok((shape, kind, self.u64()?))
    }

    fn value(&mut self, kind: u32) -> Parsed<Value> {
        Ok(match kind {
            0 => Value::Int(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Int(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Int(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Int(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Int(self.u32()?.into()),
            5 => Value::Int(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            9 => {
                let kind = self.u32()?;
                self.values(kind)?
            }
            10 => Value::Int(self.u64()?.into()),
            11 => Value::Int(i64::from_le_bytes(self.array()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(format!("a value of kind {kind}")),
        })
    }

    /// A list of values of one kind; lists of lists are not read.
    fn values(&mut self, kind: u32) -> Parsed<Value> {
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => return Err(format!("a list of values of kind {kind}")),
        };
        let n = self.count(size, u64::MAX)? as usize;
        match kind {
            6 | 7 | 12 => self.take(size * n as u64).map(|_| Value::Other),
            8 => (0..n).map(|_| self.text()).collect::<Parsed<_>>().map(Value::Texts),
            _ => {
                let mut all = Vec::with_capacity(n);
                for _ in 0..n {
                    if let Value::Int(x) = self.value(kind)? {
                        all.push(i64::try_from(x).map_err(|_| format!("{x} in a list"))?);
                    }
                }
                Ok(Value::Ints(all))
            }
        }
    }
}

/// A name from a file, fit for an error.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(80).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small file, made by hand: two entries, one tensor of 2 x 32 values in 4 bits.
    fn file() -> Vec<u8> {
        let text = |s: &str| [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat();
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        bytes.extend([text("a.count"), 4_u32.to_le_bytes().to_vec(), 7_u32.to_le_bytes().to_vec()].concat());
        bytes.extend([text("a.words"), 9_u32.to_le_bytes().to_vec(), 8_u32.to_le_bytes().to_vec()].concat());
        bytes.extend([2_u64.to_le_bytes().to_vec(), text("to"), text("be")].concat());
        bytes.extend([text("w"), 2_u32.to_le_bytes().to_vec()].concat());
        bytes.extend([32_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat());
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(32) + 36, 1);
        bytes
    }

    #[test]
    fn a_file_says_what_was_written() {
        let gguf = Gguf::parse(&file(), "f").unwrap();
        assert_eq!(gguf.get("a.count").unwrap().size(), Some(7));
        assert_eq!(gguf.get("a.words").unwrap().texts().unwrap(), ["to", "be"]);
        let w = gguf.tensor("w").unwrap();
        assert_eq!((w.shape.as_slice(), w.kind, w.bytes.len()), (&[2, 32][..], Kind::Q4_0, 36));
        assert_eq!(w.bytes.end, file().len());
    }

    #[test]
    fn whatever_a_file_says_it_is_read_or_refused() {
        let whole = file();
        for n in 0..whole.len() {
            assert!(Gguf::parse(&whole[..n], "f").is_err(), "{n} bytes");
        }
        // Any byte may be anything: no panic, no allocation beyond the file's own size.
        for at in 0..whole.len() - 36 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let _ = Gguf::parse(&bytes, "f");
                bytes[at..].iter_mut().take(8).for_each(|b| *b = value);
                let _ = Gguf::parse(&bytes, "f");
            }
        }
        let error = Gguf::parse(b"GGML....", "f").unwrap_err().to_string();
        assert!(error.contains("GGUF") && error.contains('f'), "{error}");
    }
}
