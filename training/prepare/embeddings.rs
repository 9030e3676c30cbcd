//! Embeddings of a history's tickets, and which of them lie nearest to each other.
//!
//! Must never embed a ticket that nobody asked for: reading the text is nearly all of training's time.

use std::path::Path;

use firstline_fault::Result;
use firstline_nn::{Embeddings, Encoder, Manifest};
use firstline_triage::Neighbours;

use super::cache::EmbeddingCache;
use super::history::History;
use crate::Progress;

/// Tickets embedded between two looks at the cache.
const EMBED_CHUNK: usize = 2_048;
/// Queries whose neighbours are looked for together.
const QUERIES: usize = 256;

/// Opens the encoder in `dir`.
///
/// # Errors
/// A fault of the model's files.
pub fn open_encoder(dir: &Path, manifest: &Manifest) -> Result<Encoder> {
    Encoder::load(dir, manifest)
}

/// Embeds `rows`: one embedding for each ticket of the history, zero for the others.
///
/// # Errors
/// As [`EmbeddingCache::embed`].
pub(crate) fn embed(
    history: &History,
    rows: &[usize],
    encoder: &Encoder,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<Embeddings> {
    let d = encoder.dimensions();
    let n = history.tickets.len();
    let mut all = Embeddings { data: vec![0.0; n * d], dim: d, cut: vec![0; n] };
    progress.stage("embedding tickets", rows.len() as u64);
    // Longest first within the whole history: batches of near-equal length, and an estimate of the time
    // left that errs on the long side.
    let mut order = rows.to_vec();
    order.sort_by_key(|&r| (std::cmp::Reverse(history.tickets[r].input.len()), r));
    let mut behind = 0;
    for chunk in order.chunks(EMBED_CHUNK) {
        let texts: Vec<String> = chunk.iter().map(|&r| history.tickets[r].input.text()).collect();
        let embedded = cache.embed(encoder, &texts, &mut |done| progress.done(behind + done as u64))?;
        for (i, &r) in chunk.iter().enumerate() {
            all.data[r * d..(r + 1) * d].copy_from_slice(&embedded.data[i * d..(i + 1) * d]);
            all.cut[r] = embedded.cut[i] + history.tickets[r].input.tokens_cut();
        }
        behind += chunk.len() as u64;
    }
    Ok(all)
}

/// The embeddings of `rows`, one after the other, out of `dense` with `d` numbers to a ticket.
pub(crate) fn gather(dense: &[f32], d: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|&r| &dense[r * d..(r + 1) * d]).copied().collect()
}

/// The nearest of the embeddings `train` to each of `queries`, which are rows of `dense`: positions in `train` and
/// their cosines.
///
/// # Errors
/// When `train` does not consist of embeddings of `d` numbers.
pub(crate) fn nearest_of(
    train: &[f32],
    dense: &[f32],
    d: usize,
    queries: &[usize],
) -> Result<Vec<Vec<(u32, f32)>>> {
    let index = Neighbours::new(train, d)?;
    let mut out = Vec::with_capacity(queries.len());
    for chunk in queries.chunks(QUERIES) {
        out.extend(index.nearest(&gather(dense, d, chunk))?);
    }
    Ok(out)
}
