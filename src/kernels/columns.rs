//! A matrix that several threads write into at once, each into columns of its own.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

/// Neighbouring columns of a row-major matrix of float32.
#[derive(Debug)]
pub struct Columns<'a> {
    /// The first row's first column.
    start: *mut f32,
    stride: usize,
    rows: usize,
    columns: Range<usize>,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a borrow of values that nobody else can reach: `split_off` hands out each column once.
unsafe impl Send for Columns<'_> {}

impl<'a> Columns<'a> {
    /// All columns of `matrix`, whose rows have `width` values.
    ///
    /// # Panics
    /// Unless it is whole rows.
    pub fn new(matrix: &'a mut [f32], width: usize) -> Self {
        assert!(width > 0 && matrix.len().is_multiple_of(width), "rows of {width} in {}", matrix.len());
        Self {
            start: matrix.as_mut_ptr(),
            stride: width,
            rows: matrix.len() / width,
            columns: 0..width,
            matrix: PhantomData,
        }
    }

    /// Takes the first columns away, at most `most` of them.
    fn split_off(&mut self, most: usize) -> Self {
        let end = self.columns.end.min(self.columns.start + most);
        let first = self.columns.start..end;
        self.columns.start = end;
        Self { columns: first, ..*self }
    }

    /// In parts of `width` columns, the last one of those that are left.
    ///
    /// # Panics
    /// When `width` is 0.
    pub fn parts(mut self, width: usize) -> Vec<Self> {
        assert!(width > 0, "parts without columns");
        let count = self.columns.len().div_ceil(width);
        (0..count).map(|_| self.split_off(width)).collect()
    }

    /// In parts of `rows` rows, the last one of those that are left.
    ///
    /// # Panics
    /// When `rows` is 0.
    pub fn row_parts(self, rows: usize) -> Vec<Self> {
        assert!(rows > 0, "parts without rows");
        let part = |first: usize| Self {
            // SAFETY: `first` is less than the matrix's rows.
            start: unsafe { self.start.add(first * self.stride) },
            rows: rows.min(self.rows - first),
            columns: self.columns.clone(),
            ..self
        };
        (0..self.rows).step_by(rows).map(part).collect()
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Which columns of the matrix these are.
    pub fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// These columns' values in row `row`.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row lies in the matrix, which is borrowed for as long as this lives, and its columns between
        // `columns` are handed out through this alone.
        unsafe {
            let at = self.start.add(row * self.stride + self.columns.start);
            std::slice::from_raw_parts_mut(at, self.columns.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_each_column_once() {
        let mut matrix = vec![0.0; 3 * 7];
        for (i, part) in Columns::new(&mut matrix, 7).parts(3).iter_mut().enumerate() {
            assert_eq!(part.columns(), [0..3, 3..6, 6..7][i]);
            for row in 0..part.rows() {
                part.row(row).iter_mut().for_each(|v| *v += (10 * row + i) as f32 + 1.0);
            }
        }
        let row = |r: f32| [r + 1.0, r + 1.0, r + 1.0, r + 2.0, r + 2.0, r + 2.0, r + 3.0];
        assert_eq!(matrix, [row(0.0), row(10.0), row(20.0)].concat());
        let corner = Columns::new(&mut matrix, 7).parts(5).pop().unwrap().row_parts(2).pop();
        let mut corner = corner.unwrap();
        assert_eq!((corner.rows(), corner.columns()), (1, 5..7));
        assert_eq!(corner.row(0), [22.0, 23.0]);
    }
}
