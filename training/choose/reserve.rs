//! What the finished bundle decides on the tickets that were kept for certifying, kept in it.
//!
//! Nothing may be fitted to it or chosen by it afterwards.

use firstline_fault::Result;
use firstline_triage::{Bundle, Features, SparseRows};

use crate::prepare::{Material, gather, nearest_of};

/// Has the finished bundle decide `rows`, the tickets kept for certifying, and keeps what came of it.
///
/// # Errors
/// As [`nearest_of`].
pub(crate) fn set_aside(bundle: &mut Bundle, m: Material<'_>, rows: &[usize]) -> Result<()> {
    let mut sparse = SparseRows::default();
    rows.iter().for_each(|&r| sparse.push_row(m.sparse.row(r)));
    let embeddings = gather(m.dense, m.dimensions, rows);
    let nearest = nearest_of(&bundle.history, m.dense, m.dimensions, rows)?;
    let features = Features {
        sparse,
        embeddings,
        tokens_cut: vec![0; rows.len()],
        words: Vec::new(),
        kinds: Vec::new(),
    };
    let judged = bundle.judge(&features, &nearest, &[]);
    for (field, model) in &mut bundle.fields {
        for (judged, &row) in judged.get(field).into_iter().flatten().zip(rows) {
            if let Some(label) = m.tickets[row].labels.get(field) {
                model.reserve.confidence.push(judged.confidence);
                model.reserve.label.push(judged.label as u32);
                model.reserve.correct.push(model.space.labels()[judged.label] == *label);
            }
        }
    }
    Ok(())
}
