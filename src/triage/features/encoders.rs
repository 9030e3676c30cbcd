//! The encoders of a bundle: one, or one and what fine-tuning made of it.
//!
//! Two embeddings of a text stand side by side in one of unit length: the fine-tuned encoder knows the desk's
//! categories, the other what it knew before, and they err apart.

use std::ops::ControlFlow;

use firstline_fault::Result;
use firstline_nn::{Embeddings, Encoder, Tokens};

/// One encoder or two.
#[derive(Debug)]
pub struct Encoders {
    first: Encoder,
    tuned: Option<Encoder>,
}

impl Encoders {
    /// `first`, and what fine-tuning made of it where there is such.
    pub fn new(first: Encoder, tuned: Option<Encoder>) -> Self {
        Self { first, tuned }
    }

    /// Length of an embedding.
    pub fn dimensions(&self) -> usize {
        self.first.dimensions() + self.tuned.as_ref().map_or(0, Encoder::dimensions)
    }

    /// Longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.first.max_tokens()
    }

    /// The tokens of a text: the same for both, since fine-tuning leaves the tokenizer as it is.
    ///
    /// # Errors
    /// A fault of the tokenizer.
    pub fn tokenize(&self, text: &str) -> Result<Tokens> {
        self.first.tokenize(text)
    }

    /// Embeds what [`Self::tokenize`] made of texts: `n x dimensions`, each of unit length.
    ///
    /// # Errors
    /// A fault of an encoder.
    pub fn embed_tokens(&self, tokens: &[Tokens]) -> Result<Vec<f32>> {
        let embed = |encoder: &Encoder| -> Result<Embeddings> {
            let data = encoder.embed_tokens(tokens)?;
            Ok(Embeddings { data, dim: encoder.dimensions(), cut: vec![0; tokens.len()] })
        };
        let first = embed(&self.first)?;
        match &self.tuned {
            Some(tuned) => Ok(side_by_side(&first, &embed(tuned)?).data),
            None => Ok(first.data),
        }
    }

    /// Embeds `texts`: `n x dimensions`, each of unit length.
    ///
    /// # Errors
    /// A fault of an encoder.
    pub fn embed(&self, texts: &[String]) -> Result<Embeddings> {
        let embed = |encoder: &Encoder| encoder.embed(texts, &mut |_| ControlFlow::Continue(()));
        let first = embed(&self.first)?;
        match &self.tuned {
            Some(tuned) => Ok(side_by_side(&first, &embed(tuned)?)),
            None => Ok(first),
        }
    }
}

/// Two embeddings of each text, of unit length each, as one of unit length. What was cut is the first's.
pub fn side_by_side(first: &Embeddings, second: &Embeddings) -> Embeddings {
    let dim = first.dim + second.dim;
    let mut data = Vec::with_capacity(first.cut.len() * dim);
    for (a, b) in first.data.chunks_exact(first.dim).zip(second.data.chunks_exact(second.dim)) {
        data.extend(a.iter().chain(b).map(|x| x * std::f32::consts::FRAC_1_SQRT_2));
    }
    Embeddings { data, dim, cut: first.cut.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_of_both_is_the_mean_of_the_two() {
        let of = |data: &[f32]| Embeddings { data: data.to_vec(), dim: 2, cut: vec![0, 3] };
        let both = side_by_side(&of(&[1.0, 0.0, 0.6, 0.8]), &of(&[0.0, 1.0, 0.0, 1.0]));
        assert_eq!((both.dim, both.cut), (4, vec![0, 3]));
        let cosine: f32 = both.data[..4].iter().zip(&both.data[4..]).map(|(a, b)| a * b).sum();
        assert!((cosine - f32::midpoint(0.6, 1.0)).abs() < 1e-6);
    }
}
