//! What the heads of every field learn from, and which labels its tickets carry.
//!
//! Its rows must never name a ticket of the test window.

use firstline_ticket::{Field, LabelSpace};
use firstline_triage::SparseRows;

use super::history::HistoryTicket;

/// What all fields learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Material<'a> {
    pub(crate) tickets: &'a [HistoryTicket],
    pub(crate) sparse: &'a SparseRows,
    pub(crate) dense: &'a [f32],
    pub(crate) dimensions: usize,
    /// Of those, the leading ones that are of the encoder as it was: all where nothing is fine-tuned.
    pub(crate) original: usize,
    /// N-gram features, then all sparse features.
    pub(crate) ngrams: usize,
    pub(crate) features: usize,
    pub(crate) train: &'a [usize],
    pub(crate) calibrate: &'a [usize],
    /// Nearest train tickets of each calibrate ticket, as positions in `train`.
    pub(crate) nearest: &'a [Vec<(u32, f32)>],
    pub(crate) seed: u64,
}

/// Tickets of one window that carry a label, and their label indices.
pub(crate) struct Labelled {
    pub(crate) rows: Vec<usize>,
    pub(crate) labels: Vec<u32>,
}

impl Material<'_> {
    /// The embedding of ticket `row`.
    pub(crate) fn embedding(&self, row: usize) -> &[f32] {
        &self.dense[row * self.dimensions..(row + 1) * self.dimensions]
    }
}

/// Those of `rows` that carry a label of `space`.
pub(crate) fn labelled(
    tickets: &[HistoryTicket],
    rows: &[usize],
    field: Field,
    space: &LabelSpace,
) -> Labelled {
    let of = rows.iter().filter_map(|&r| Some((r, space.index(tickets[r].labels.get(&field)?)? as u32)));
    let (mut rows, labels): (Vec<usize>, Vec<u32>) = of.unzip();
    rows.shrink_to_fit();
    Labelled { rows, labels }
}

/// The label index of each row, `u32::MAX` where it has none.
pub(crate) fn label_column(m: Material<'_>, rows: &[usize], field: Field, space: &LabelSpace) -> Vec<u32> {
    let index = |&r: &usize| m.tickets[r].labels.get(&field).and_then(|l| space.index(l));
    rows.iter().map(|r| index(r).map_or(u32::MAX, |i| i as u32)).collect()
}

/// The share of each of `k` labels.
pub(crate) fn prior(labels: &[u32], k: usize) -> Vec<f32> {
    let mut counts = vec![0.0f32; k];
    labels.iter().for_each(|&l| counts[l as usize] += 1.0);
    counts.iter().map(|c| c / labels.len().max(1) as f32).collect()
}
