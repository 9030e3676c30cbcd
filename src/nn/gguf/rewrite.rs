//! A GGUF file written anew with some of its tensors replaced. All that the file says (names, tokenizer, chat template)
//! and all other tensors are copied byte for byte; only the tensors' places are written anew.
//!
//! It must never write what the reader beside it would not read, nor touch the file that it copies from.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Gguf, Kind};

impl Gguf {
    /// The parts, one after the other, of `file`, whose head this is, with each tensor that `changed` names in the kind
    /// and the bytes given there. Names that the file lacks are passed over.
    pub(crate) fn rewritten<'a>(
        &self,
        file: &'a [u8],
        changed: &'a HashMap<String, (Kind, Vec<u8>)>,
    ) -> Vec<Cow<'a, [u8]>> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        // In the file's order; tensors that share a place, which a hostile file may have, by their names.
        tensors.sort_by_key(|(name, at)| (at.bytes.start, *name));
        let mut head = file[..self.said].to_vec();
        let mut parts = vec![Cow::Borrowed(&file[..0])];
        let mut offset = 0;
        for (name, at) in tensors {
            let (kind, bytes) = match changed.get(name) {
                Some((kind, bytes)) => (*kind, bytes.as_slice()),
                None => (at.kind, &file[at.bytes.clone()]),
            };
            head.extend((name.len() as u64).to_le_bytes());
            head.extend(name.as_bytes());
            head.extend((at.shape.len() as u32).to_le_bytes());
            // The file names the row's length first.
            at.shape.iter().rev().for_each(|&n| head.extend((n as u64).to_le_bytes()));
            head.extend(kind.number().to_le_bytes());
            head.extend(u64::to_le_bytes(offset));
            let padding = padding(bytes.len(), self.alignment);
            offset += (bytes.len() + padding) as u64;
            parts.push(Cow::Borrowed(bytes));
            parts.push(Cow::Owned(vec![0; padding]));
        }
        head.resize(head.len() + padding(head.len(), self.alignment), 0);
        parts[0] = Cow::Owned(head);
        parts
    }
}

/// Bytes from `n` to the next multiple of `alignment`.
fn padding(n: usize, alignment: u64) -> usize {
    n.next_multiple_of(alignment as usize) - n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_tiny_decoder;

    #[test]
    fn what_is_not_changed_stays_and_the_rest_lies_where_it_is_said_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        write_tiny_decoder(&path, "qwen2").unwrap();
        let file = std::fs::read(&path).unwrap();
        let old = Gguf::parse(&file, "old").unwrap();
        let name = "blk.1.ffn_up.weight".to_owned();
        let bytes = vec![7; Kind::Q8_0.row_bytes(256).unwrap() * 512];
        let changed = HashMap::from([(name.clone(), (Kind::Q8_0, bytes.clone()))]);
        let whole = old.rewritten(&file, &changed).concat();
        let new = Gguf::parse(&whole, "new").unwrap();
        assert_eq!(whole[..new.said], file[..old.said]);
        assert_eq!(new.tensors.len(), old.tensors.len());
        for (at_name, at) in &old.tensors {
            let found = new.tensor(at_name).unwrap();
            assert_eq!(found.shape, at.shape);
            let want = match *at_name == name {
                true => (Kind::Q8_0, bytes.as_slice()),
                false => (at.kind, &file[at.bytes.clone()]),
            };
            assert_eq!((found.kind, &whole[found.bytes.clone()]), want, "{at_name}");
        }
        // With nothing changed it is read as the same again.
        let same = old.rewritten(&file, &HashMap::new()).concat();
        let again = Gguf::parse(&same, "same").unwrap();
        assert!(
            old.tensors.iter().all(|(name, at)| {
                same[again.tensor(name).unwrap().bytes.clone()] == file[at.bytes.clone()]
            })
        );
    }
}
