//! Embeddings that are kept from one training to the next, since they cost nearly all of its time.
//!
//! A header, then flat records `hash of model and text (16 bytes) | tokens cut (4) | d x f32`, little-endian,
//! append-only; one program may write it at a time. It holds no text, but what it holds is made from customers' tickets:
//! it must never be written where the user did not ask for it.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use firstline_fault::{Code, Result, UserError};
use firstline_nn::{Embeddings, Encoder};
use xxhash_rust::xxh3::xxh3_128;

/// What [`EmbeddingCache::embed`] calls as it goes on, with the number of texts that are done.
pub type OnEmbedded<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// What a cache begins with: a name, the version of the format, and the dimensions.
fn header(dimensions: usize) -> Vec<u8> {
    format!("firstline embeddings 1 {dimensions:>6}\n").into_bytes()
}

/// A cache in a file, or none.
#[derive(Debug, Default)]
pub struct EmbeddingCache {
    path: Option<PathBuf>,
    known: HashMap<u128, Record>,
}

#[derive(Debug, Clone)]
struct Record {
    cut: u32,
    values: Vec<f32>,
}

impl EmbeddingCache {
    /// Opens the cache at `path`, or one in memory where there is none. A file that is not there yet is an empty cache; a
    /// last record that a stopped run left half-written is dropped.
    ///
    /// # Errors
    /// [`firstline_fault::Code::Io`] when the file can't be read.
    pub fn open(path: Option<&Path>, dimensions: usize) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let mut known = HashMap::new();
        let io = |e: std::io::Error| UserError::io(path.display(), &e);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(io(e).into()),
        };
        let header = header(dimensions);
        if bytes.is_empty() {
            // Embeddings give away what a text was about.
            firstline_nn::write_private_file(&[&header], path).map_err(io)?;
        } else if !bytes.starts_with(&header) {
            let problem = format!("it is no embedding cache of {dimensions} dimensions");
            let next = "Name a new file; this one was left as it is";
            return Err(UserError::new(Code::Config, path.display().to_string(), problem, next).into());
        }
        let records = bytes.get(header.len()..).unwrap_or_default();
        let size = 20 + 4 * dimensions;
        for record in records.chunks_exact(size) {
            let (key, rest) = record.split_at(16);
            let words: Vec<[u8; 4]> = rest.chunks_exact(4).filter_map(|c| c.try_into().ok()).collect();
            let values = words[1..].iter().map(|&w| f32::from_le_bytes(w)).collect();
            let key = u128::from_le_bytes(key.try_into().unwrap_or_default());
            known.insert(key, Record { cut: u32::from_le_bytes(words[0]), values });
        }
        let torn = records.len() % size;
        if torn > 0 {
            let file = OpenOptions::new().write(true).open(path).map_err(io)?;
            file.set_len((bytes.len() - torn) as u64).map_err(io)?;
        }
        Ok(Self { path: Some(path.to_owned()), known })
    }

    /// Embeds `texts`, taking from the cache what it knows and adding what it does not.
    ///
    /// # Errors
    /// A fault of the encoder, [`firstline_fault::Code::Interrupted`] when `on_batch` asks to stop, or a
    /// cache that can't be written.
    pub fn embed(
        &mut self,
        encoder: &Encoder,
        texts: &[String],
        on_batch: OnEmbedded<'_>,
    ) -> Result<Embeddings> {
        let d = encoder.dimensions();
        let key = |text: &String| xxh3_128(format!("{}\0{text}", encoder.model_id()).as_bytes());
        let keys: Vec<u128> = texts.iter().map(key).collect();
        let missing: Vec<usize> = (0..texts.len()).filter(|&i| !self.known.contains_key(&keys[i])).collect();
        let known = texts.len() - missing.len();
        let wanted: Vec<&str> = missing.iter().map(|&i| texts[i].as_str()).collect();
        let fresh = encoder.embed(&wanted, &mut |done| on_batch(known + done))?;
        let mut out = Embeddings { data: vec![0.0; texts.len() * d], dim: d, cut: vec![0; texts.len()] };
        for (n, &i) in missing.iter().enumerate() {
            out.data[i * d..(i + 1) * d].copy_from_slice(&fresh.data[n * d..(n + 1) * d]);
            out.cut[i] = fresh.cut[n];
        }
        for (i, key) in keys.iter().enumerate() {
            if let Some(record) = self.known.get(key) {
                out.data[i * d..(i + 1) * d].copy_from_slice(&record.values);
                out.cut[i] = record.cut as usize;
            }
        }
        self.append(&missing, &keys, &out)?;
        Ok(out)
    }

    fn append(&mut self, rows: &[usize], keys: &[u128], embeddings: &Embeddings) -> Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let mut bytes = Vec::new();
        for &i in rows {
            let values = embeddings.data[i * embeddings.dim..(i + 1) * embeddings.dim].to_vec();
            let cut = u32::try_from(embeddings.cut[i]).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&keys[i].to_le_bytes());
            bytes.extend_from_slice(&cut.to_le_bytes());
            values.iter().for_each(|v| bytes.extend_from_slice(&v.to_le_bytes()));
            self.known.insert(keys[i], Record { cut, values });
        }
        let io = |e: std::io::Error| UserError::io(path.display(), &e);
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(io)?;
        Ok(file.write_all(&bytes).map_err(io)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_embedded_once_comes_from_the_file_and_a_torn_record_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = firstline_nn::write_tiny(&dir.path().join("tiny"), 1).unwrap();
        let encoder = Encoder::load(&dir.path().join("tiny"), &manifest).unwrap();
        let path = dir.path().join("cache");
        let texts = ["the printer is down", "vpn", "the printer is down"].map(String::from);
        let go = &mut |_: usize| ControlFlow::Continue(());

        let plain = EmbeddingCache::default().embed(&encoder, &texts, go).unwrap();
        let mut cache = EmbeddingCache::open(Some(&path), encoder.dimensions()).unwrap();
        assert_eq!(cache.embed(&encoder, &texts[..1], go).unwrap().data, plain.data[..encoder.dimensions()]);
        let whole = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"torn").unwrap();

        let mut again = EmbeddingCache::open(Some(&path), encoder.dimensions()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
        assert_eq!(again.known.len(), 1);
        let foreign = dir.path().join("foreign");
        std::fs::write(&foreign, "somebody's thesis").unwrap();
        assert!(EmbeddingCache::open(Some(&foreign), encoder.dimensions()).is_err());
        assert_eq!(std::fs::read(&foreign).unwrap(), b"somebody's thesis");

        let got = again.embed(&encoder, &texts, go).unwrap();
        assert!(got.data.iter().zip(&plain.data).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
