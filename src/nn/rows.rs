//! A matrix of row vectors that is searched by dot product, many queries at a time.

use candle_core::{Device, Tensor};

use firstline_fault::Result;

use crate::fault;

/// Row vectors (`n x d`, float32, on the CPU), kept transposed for one matrix product a query batch.
#[derive(Debug, Clone)]
pub struct Rows {
    transposed: Option<Tensor>,
    rows: usize,
    dimensions: usize,
}

impl Rows {
    /// Takes `n x d` row-major values.
    ///
    /// # Errors
    /// An internal error when the length is not a multiple of `dimensions`.
    pub fn new(data: &[f32], dimensions: usize) -> Result<Self> {
        let rows = data.len().checked_div(dimensions).unwrap_or(0);
        let transposed = match rows {
            0 => None,
            _ => Some(
                Tensor::from_slice(data, (rows, dimensions), &Device::Cpu)
                    .and_then(|t| t.t())
                    .map_err(fault::tensor)?,
            ),
        };
        Ok(Self { transposed, rows, dimensions })
    }

    /// Number of rows, `n`.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Dot products of each query (`q x d`, row-major) with each row: `q x n`, row-major.
    ///
    /// # Errors
    /// An internal error when the queries' length is not a multiple of the dimensions.
    pub fn dot(&self, queries: &[f32]) -> Result<Vec<f32>> {
        let Some(transposed) = &self.transposed else { return Ok(Vec::new()) };
        let q = queries.len() / self.dimensions;
        if q == 0 {
            return Ok(Vec::new());
        }
        let queries = Tensor::from_slice(queries, (q, self.dimensions), &Device::Cpu);
        let products = queries.and_then(|queries| queries.matmul(transposed)?.flatten_all()?.to_vec1());
        products.map_err(fault::tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_row_by_row() {
        let rows = Rows::new(&[1.0, 0.0, 0.0, 2.0, 1.0, 1.0], 2).unwrap();
        assert_eq!(rows.dot(&[3.0, 4.0, 0.0, 1.0]).unwrap(), [3.0, 8.0, 7.0, 0.0, 2.0, 1.0]);
        assert!(Rows::new(&[], 2).unwrap().dot(&[1.0, 1.0]).unwrap().is_empty());
        assert!(rows.dot(&[]).unwrap().is_empty());
    }
}
