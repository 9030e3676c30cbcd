//! Sparse feature rows in compressed row storage.

/// One row: parallel feature indices and values.
#[derive(Debug, Clone, Copy)]
pub struct SparseRow<'a> {
    /// Feature indices, ascending.
    pub index: &'a [u32],
    /// Their values.
    pub value: &'a [f32],
}

impl SparseRow<'_> {
    /// Iterates over `(index, value)`.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.index.iter().zip(self.value).map(|(&i, &v)| (i as usize, v))
    }
}

/// Rows of sparse features, appended one at a time (CSR: `offsets[r]..offsets[r + 1]` is row `r`).
#[derive(Debug, Clone)]
pub struct SparseRows {
    offsets: Vec<usize>,
    index: Vec<u32>,
    value: Vec<f32>,
}

impl Default for SparseRows {
    fn default() -> Self {
        Self { offsets: vec![0], index: Vec::new(), value: Vec::new() }
    }
}

impl SparseRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a row of `(index, value)` pairs, ascending by index.
    pub fn push(&mut self, row: &[(u32, f32)]) {
        debug_assert!(row.windows(2).all(|w| w[0].0 < w[1].0), "a row is ascending and without duplicates");
        self.index.extend(row.iter().map(|&(i, _)| i));
        self.value.extend(row.iter().map(|&(_, v)| v));
        self.offsets.push(self.index.len());
    }

    /// Appends a row of another table.
    pub fn push_row(&mut self, row: SparseRow<'_>) {
        self.index.extend_from_slice(row.index);
        self.value.extend_from_slice(row.value);
        self.offsets.push(self.index.len());
    }

    /// The row at `r`.
    ///
    /// # Panics
    /// When `r` is not below [`SparseRows::len`].
    pub fn row(&self, r: usize) -> SparseRow<'_> {
        let range = self.offsets[r]..self.offsets[r + 1];
        SparseRow { index: &self.index[range.clone()], value: &self.value[range] }
    }
}
