//! What the finished bundle decides on the tickets that were kept for certifying, kept in it.
//!
//! Nothing may be fitted to it or chosen by it afterwards.

use firstline_fault::Result;
use firstline_ticket::Field;
use firstline_triage::{Bundle, Closing, Features, FieldModel, Judgement, Reserve, Reserved, SparseRows};

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
    let reserved = |field: Field, model: &FieldModel| {
        let closing = |row: usize| match m.tickets[row].labels.get(&field) {
            Some(label) => model.space.index(label).map_or(Closing::Unlearnt, |i| Closing::Label(i as u32)),
            None => Closing::Empty,
        };
        let one = |(judged, &row): (&Judgement, &usize)| {
            let Judgement { label, confidence, .. } = *judged;
            Reserved { label: label as u32, confidence, closing: closing(row) }
        };
        judged.get(&field).into_iter().flatten().zip(rows).map(one).collect()
    };
    bundle.reserve = Reserve {
        wants_answer: rows.iter().map(|&row| m.tickets[row].by_person).collect(),
        fields: bundle.fields.iter().map(|(&field, model)| (field, reserved(field, model))).collect(),
    };
    Ok(())
}
