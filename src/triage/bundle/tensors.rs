//! Flat named arrays in a safetensors file, little-endian.

use std::borrow::Cow;

use firstline_fault::{InternalError, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Named arrays, to be written or as read.
#[derive(Debug, Default)]
pub(super) struct Tensors<'a> {
    entries: Vec<(String, Dtype, Cow<'a, [u8]>)>,
}

impl<'a> Tensors<'a> {
    pub(super) fn put_f32(&mut self, name: &str, values: &[f32]) {
        self.put(name, Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    pub(super) fn put_u32(&mut self, name: &str, values: &[u32]) {
        self.put(name, Dtype::U32, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    pub(super) fn put_u64(&mut self, name: &str, values: &[u64]) {
        self.put(name, Dtype::U64, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn put(&mut self, name: &str, dtype: Dtype, bytes: Vec<u8>) {
        self.entries.push((name.to_owned(), dtype, Cow::Owned(bytes)));
    }

    pub(super) fn serialize(&self) -> Result<Vec<u8>> {
        let fault = |e: safetensors::SafeTensorError| InternalError::new(format!("writing the weights: {e}"));
        let mut views = Vec::new();
        for (name, dtype, bytes) in &self.entries {
            let length = bytes.len() * 8 / dtype.bitsize();
            views.push((name.clone(), TensorView::new(*dtype, vec![length], bytes).map_err(fault)?));
        }
        Ok(safetensors::serialize(views, None).map_err(fault)?)
    }

    pub(super) fn parse(bytes: &'a [u8]) -> std::result::Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let entries =
            file.tensors().into_iter().map(|(n, t)| (n, t.dtype(), Cow::Borrowed(t.data()))).collect();
        Ok(Self { entries })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(n, ..)| n == name)
    }

    pub(super) fn f32(&self, name: &str) -> std::result::Result<Vec<f32>, String> {
        let values: Vec<f32> = chunks(self.get(name, Dtype::F32)?).map(f32::from_le_bytes).collect();
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(values),
            false => Err(format!("{name}: a value that is not finite")),
        }
    }

    pub(super) fn u32(&self, name: &str) -> std::result::Result<Vec<u32>, String> {
        Ok(chunks(self.get(name, Dtype::U32)?).map(u32::from_le_bytes).collect())
    }

    pub(super) fn u64(&self, name: &str) -> std::result::Result<Vec<u64>, String> {
        Ok(chunks(self.get(name, Dtype::U64)?).map(u64::from_le_bytes).collect())
    }

    fn get(&self, name: &str, dtype: Dtype) -> std::result::Result<&[u8], String> {
        let (_, found, bytes) = self
            .entries
            .iter()
            .find(|(n, ..)| n == name)
            .ok_or_else(|| format!("{name}: not in the file"))?;
        match *found == dtype {
            true => Ok(bytes),
            false => Err(format!("{name}: {found:?} where {dtype:?} is expected")),
        }
    }
}

/// The fixed-size pieces of `bytes`; safetensors has checked that the length is a multiple.
fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).filter_map(|c| c.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_and_the_wrong_type_is_refused() {
        let mut out = Tensors::default();
        out.put_f32("a", &[1.5, -2.0]);
        out.put_u64("b", &[u64::MAX]);
        out.put_u32("empty", &[]);
        let bytes = out.serialize().unwrap();
        let back = Tensors::parse(&bytes).unwrap();
        assert_eq!(back.f32("a").unwrap(), [1.5, -2.0]);
        assert_eq!(back.u64("b").unwrap(), [u64::MAX]);
        assert!(back.u32("empty").unwrap().is_empty());
        assert!(back.u32("a").is_err() && back.f32("c").is_err());
        assert!(Tensors::parse(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn values_that_are_not_finite_are_refused() {
        let mut out = Tensors::default();
        out.put_f32("a", &[f32::NAN]);
        let bytes = out.serialize().unwrap();
        assert!(Tensors::parse(&bytes).unwrap().f32("a").is_err());
    }
}
