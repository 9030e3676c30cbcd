//! Exact search among many vectors by dot product: they are kept in 8 bits, a scale for every 32 values, in the panels of
//! the kernels for linear layers, the same on every machine, so that they may lie in a mapped file. Whoever searches names
//! the rows that may be found; nothing else is read but what shares a panel with them.

use std::ops::Range;

use firstline_kernels::{
    Before, BlockLinear, Columns, Epilogue, Form, GROUP, GroupedRows, Isa, block_linear, pack_panel, padded,
    quantise_groups,
};
use rayon::prelude::*;

use crate::fault;
use crate::gguf::blocks::rounded;
use firstline_fault::{Code, Result};

/// Rows of a panel: a range that is searched costs least where it begins at a multiple of it.
pub const VECTOR_PANEL: usize = 16;
/// Rows that one thread looks at in one go, and queries that look at them together.
const ROWS: usize = 64 * VECTOR_PANEL;
const QUERIES: usize = 32;

/// Packed vectors: a view of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Vectors<'a> {
    bytes: &'a [u8],
    dimensions: usize,
    rows: usize,
}

/// A row that was found, and its dot product with the query.
pub type Hit = (u32, f32);

impl<'a> Vectors<'a> {
    /// Bytes of `rows` vectors of `dimensions` values.
    pub fn packed_bytes(dimensions: usize, rows: usize) -> usize {
        if rows == 0 { 0 } else { Form::Q8.packed_bytes(dimensions.next_multiple_of(GROUP), rows) }
    }

    /// Packs `vectors`, `n x dimensions`, row-major: within 1/254 of the largest of its 32 neighbours a value is what it was.
    ///
    /// # Panics
    /// Unless they are whole vectors.
    pub fn pack(vectors: &[f32], dimensions: usize) -> Vec<u8> {
        assert!(dimensions > 0 && vectors.len().is_multiple_of(dimensions), "vectors of {dimensions} values");
        let rows = vectors.len() / dimensions;
        let mut bytes = vec![0; Self::packed_bytes(dimensions, rows)];
        let (inputs, panels) = (dimensions.next_multiple_of(GROUP), padded(rows) / VECTOR_PANEL);
        let size = bytes.len().checked_div(panels).unwrap_or(1);
        bytes.par_chunks_mut(size).enumerate().for_each(|(panel, to)| {
            pack_panel(Form::Q8, inputs, rows, panel, to, |row, group| {
                let of = &vectors[row * dimensions..][..dimensions];
                rounded(std::array::from_fn(|k| of.get(group * GROUP + k).copied().unwrap_or(0.0)))
            });
        });
        bytes
    }

    /// A view of `bytes`; `None` unless they are as many as [`Self::packed_bytes`], and begin at an even address.
    pub fn new(bytes: &'a [u8], dimensions: usize, rows: usize) -> Option<Self> {
        let fits = dimensions > 0
            && u32::try_from(rows).is_ok()
            && bytes.len() == Self::packed_bytes(dimensions, rows)
            && (rows == 0 || bytes.as_ptr().cast::<u16>().is_aligned());
        fits.then_some(Self { bytes, dimensions, rows })
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// For each of `queries` (`q x dimensions`, row-major) the `k` rows among `among` of the largest dot products, largest
    /// first, ties by row; fewer where there are fewer.
    ///
    /// # Errors
    /// An internal error when a range or the queries don't fit; `E_CONFIG` for an instruction set that is not there.
    pub fn nearest(&self, queries: &[f32], among: &[Range<usize>], k: usize) -> Result<Vec<Vec<Hit>>> {
        if !queries.len().is_multiple_of(self.dimensions) || among.iter().any(|r| r.end > self.rows) {
            return Err(fault::internal(format_args!("a search among {among:?} of {} vectors", self.rows)));
        }
        let isa = Isa::chosen().map_err(|e| {
            fault::user(Code::Config, firstline_kernels::ISA_VARIABLE, e, "Unset it, or name one of these")
        })?;
        let jobs: Vec<Range<usize>> = among.iter().flat_map(pieces).collect();
        let batches = queries.chunks(QUERIES * self.dimensions);
        Ok(batches.flat_map(|queries| self.batch(isa, queries, &jobs, k)).collect())
    }

    fn batch(&self, isa: Isa, queries: &[f32], jobs: &[Range<usize>], k: usize) -> Vec<Vec<Hit>> {
        let (n, inputs) = (queries.len() / self.dimensions, self.dimensions.next_multiple_of(GROUP));
        let mut wide = vec![0.0; n * inputs];
        for (to, from) in wide.chunks_exact_mut(inputs).zip(queries.chunks_exact(self.dimensions)) {
            to[..self.dimensions].copy_from_slice(from);
        }
        let mut rows = GroupedRows::default();
        rows.reset(n, inputs);
        rows.parts(n).iter_mut().for_each(|part| quantise_groups(isa, &wide, Before::Nothing, part));
        let empty = || (0..n).map(|_| Top::new(k)).collect::<Vec<_>>();
        let tops = jobs.par_iter().fold(empty, |mut tops, job| {
            self.look(isa, &rows, job, &mut tops);
            tops
        });
        let merged = tops.reduce(empty, |mut all, some| {
            all.iter_mut()
                .zip(some)
                .for_each(|(all, some)| some.best.into_iter().for_each(|hit| all.add(hit)));
            all
        });
        merged.into_iter().map(Top::finish).collect()
    }

    /// Looks at the rows of `job`, which lie in a row of panels.
    fn look(&self, isa: Isa, queries: &GroupedRows, job: &Range<usize>, tops: &mut [Top]) {
        let inputs = queries.width();
        let first = job.start / VECTOR_PANEL * VECTOR_PANEL;
        let count = job.end.min(self.rows) - first;
        let size = Form::Q8.packed_bytes(inputs, VECTOR_PANEL);
        let bytes = &self.bytes[first / VECTOR_PANEL * size..][..count.div_ceil(VECTOR_PANEL) * size];
        let Some(layer) = BlockLinear::new(Form::Q8, inputs, count, bytes) else { return };
        let width = padded(count);
        let mut scores = vec![0.0; tops.len() * width];
        block_linear(isa, queries, layer, Epilogue::Store, &mut Columns::new(&mut scores, width));
        for (scores, top) in scores.chunks_exact(width).zip(tops) {
            for row in job.clone() {
                top.add((row as u32, scores[row - first]));
            }
        }
    }
}

/// A range in pieces of [`ROWS`], cut between panels.
fn pieces(range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let (start, end) = (range.start, range.end);
    let first = start / VECTOR_PANEL * VECTOR_PANEL;
    (first..end)
        .step_by(ROWS)
        .map(move |at| at.max(start)..(at + ROWS).min(end))
        .filter(|piece| !piece.is_empty())
}

/// The best hits so far.
#[derive(Debug)]
struct Top {
    k: usize,
    best: Vec<Hit>,
    /// What a hit must be above once there are `k`.
    bar: f32,
}

impl Top {
    fn new(k: usize) -> Self {
        Self { k, best: Vec::new(), bar: f32::NEG_INFINITY }
    }

    fn add(&mut self, hit: Hit) {
        if hit.1 >= self.bar && self.k > 0 {
            self.best.push(hit);
            if self.best.len() >= 2 * self.k.max(8) {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        self.best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        self.best.truncate(self.k);
        if self.best.len() == self.k {
            self.bar = self.best[self.k - 1].1;
        }
    }

    fn finish(mut self) -> Vec<Hit> {
        self.cut();
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    /// What 8 bits of both sides cost a dot product of two vectors of unit length.
    const ERROR: f32 = 0.01;

    fn unit(n: usize, d: usize, seed: u64) -> Vec<f32> {
        let mut random = SplitMix::new(seed);
        let mut all: Vec<f32> = (0..n * d).map(|_| random.normal()).collect();
        for row in all.chunks_exact_mut(d) {
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= norm);
        }
        all
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "a range of rows is one of several")]
    fn the_nearest_are_found_among_those_that_may_be() {
        for (n, d) in [(1, 32), (15, 384), (16, 40), (3_000, 48)] {
            let (rows, queries) = (unit(n, d, 1), unit(37, d, 2));
            let bytes = Vectors::pack(&rows, d);
            let vectors = Vectors::new(&bytes, d, n).unwrap();
            let (half, quarter) = (n / 2, n / 4);
            for among in [vec![0..n], vec![quarter..half, half..n], vec![0..quarter], vec![]] {
                let got = vectors.nearest(&queries, &among, 5).unwrap();
                assert_eq!(got.len(), 37);
                for (query, got) in queries.chunks_exact(d).zip(got) {
                    let mut exact: Vec<f32> = among
                        .iter()
                        .cloned()
                        .flatten()
                        .map(|r| rows[r * d..][..d].iter().zip(query).map(|(a, b)| a * b).sum())
                        .collect();
                    exact.sort_by(|a, b| b.total_cmp(a));
                    assert_eq!(got.len(), exact.len().min(5));
                    for (&(row, score), want) in got.iter().zip(exact) {
                        assert!(among.iter().any(|r| r.contains(&(row as usize))));
                        assert!((score - want).abs() < ERROR, "{n} x {d}: {score}, {want}");
                    }
                }
            }
        }
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "a range of rows is one of several")]
    fn a_vector_finds_itself_and_what_does_not_fit_is_refused() {
        let rows = unit(200, 64, 3);
        let bytes = Vectors::pack(&rows, 64);
        let vectors = Vectors::new(&bytes, 64, 200).unwrap();
        let found = vectors.nearest(&rows, &[0..200], 1).unwrap();
        assert!(found.iter().enumerate().all(|(i, hits)| hits[0].0 as usize == i));
        assert!(Vectors::new(&bytes[1..], 64, 200).is_none() && Vectors::new(&bytes, 64, 300).is_none());
        assert!(vectors.nearest(&rows[..64], &[0..201], 1).is_err());
        assert!(vectors.nearest(&rows[..63], &[0..200], 1).is_err());
        assert!(Vectors::new(&[], 64, 0).unwrap().nearest(&rows[..64], &[], 3).unwrap()[0].is_empty());
    }
}
