//! Which hash buckets became features, and how a ticket turns into a row of them (TF-IDF).
//!
//! Feature indices: n-grams first, then context; so a head that reads only the first
//! [`Vocabulary::ngrams`] rows is the n-gram baseline.

use std::collections::BTreeMap;

use super::ngrams::{BUCKETS, context_bucket, ngram_buckets};

/// The weight of one context feature in a row. Text blocks are normalised to length 1 each.
const CONTEXT_VALUE: f32 = 0.5;
const ABSENT: u32 = u32::MAX;

/// Buckets seen often enough to learn from, with their inverse document frequency
/// `ln((1 + n) / (1 + df)) + 1`.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    ngram_of: Vec<u32>,
    context_of: Vec<u32>,
    ngram_buckets: Vec<u32>,
    context_buckets: Vec<u32>,
    idf: Vec<f32>,
}

/// Counts in how many tickets each bucket occurs, in fixed memory.
#[derive(Debug)]
pub struct VocabularyBuilder {
    tickets: u32,
    ngram_df: Vec<u32>,
    context_df: Vec<u32>,
}

impl Default for VocabularyBuilder {
    fn default() -> Self {
        Self { tickets: 0, ngram_df: vec![0; BUCKETS], context_df: vec![0; BUCKETS] }
    }
}

impl VocabularyBuilder {
    /// Counts one ticket: its subject and body as composed, and its context features.
    pub fn add(&mut self, subject: &str, body: &str, context: &[String]) {
        self.tickets += 1;
        let (words, chars) = ngram_buckets(subject, body);
        count(words, &mut self.ngram_df);
        count(chars, &mut self.ngram_df);
        count(context.iter().map(|c| context_bucket(c)).collect(), &mut self.context_df);
    }

    /// Keeps the buckets that occur in at least `min_df` tickets; where they are more than `max_ngrams`,
    /// the most frequent ones.
    pub fn build(self, min_df: u32, max_ngrams: usize) -> Vocabulary {
        let ngrams = keep(&self.ngram_df, min_df, max_ngrams);
        let context = keep(&self.context_df, min_df, max_ngrams);
        let n = 1.0 + self.tickets as f32;
        let idf = ngrams.iter().map(|&b| (n / (1.0 + self.ngram_df[b as usize] as f32)).ln() + 1.0).collect();
        Vocabulary::from_parts(ngrams, context, idf)
    }
}

fn count(mut buckets: Vec<u32>, df: &mut [u32]) {
    buckets.sort_unstable();
    buckets.dedup();
    for b in buckets {
        df[b as usize] += 1;
    }
}

fn keep(df: &[u32], min_df: u32, max: usize) -> Vec<u32> {
    let mut kept: Vec<u32> = (0..df.len() as u32).filter(|&b| df[b as usize] >= min_df.max(1)).collect();
    if kept.len() > max {
        kept.sort_unstable_by_key(|&b| (std::cmp::Reverse(df[b as usize]), b));
        kept.truncate(max);
        kept.sort_unstable();
    }
    kept
}

impl Vocabulary {
    /// Rebuilds a vocabulary from what [`Vocabulary::parts`] gave; buckets out of range are ignored by
    /// never being looked up.
    pub fn from_parts(ngram_buckets: Vec<u32>, context_buckets: Vec<u32>, idf: Vec<f32>) -> Self {
        let table = |buckets: &[u32], first: usize| {
            let mut of = vec![ABSENT; BUCKETS];
            for (i, &b) in buckets.iter().enumerate() {
                if let Some(slot) = of.get_mut(b as usize) {
                    *slot = (first + i) as u32;
                }
            }
            of
        };
        let ngram_of = table(&ngram_buckets, 0);
        let context_of = table(&context_buckets, ngram_buckets.len());
        Self { ngram_of, context_of, ngram_buckets, context_buckets, idf }
    }

    /// The n-gram buckets, the context buckets and the n-grams' idf: all that must be stored.
    pub fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.ngram_buckets, &self.context_buckets, &self.idf)
    }

    /// Number of n-gram features; they have the indices `0..ngrams()`.
    pub fn ngrams(&self) -> usize {
        self.ngram_buckets.len()
    }

    /// Number of all features.
    pub fn len(&self) -> usize {
        self.ngram_buckets.len() + self.context_buckets.len()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The features of one ticket: TF-IDF with sublinear counts, words and characters each normalised to
    /// length 1, and the context features, ascending by index.
    pub fn row(&self, subject: &str, body: &str, context: &[String]) -> Vec<(u32, f32)> {
        let (words, chars) = ngram_buckets(subject, body);
        let mut row = BTreeMap::new();
        for buckets in [words, chars] {
            for (feature, value) in self.block(buckets) {
                *row.entry(feature).or_insert(0.0) += value;
            }
        }
        for feature in context {
            let index = self.context_of[context_bucket(feature) as usize];
            if index != ABSENT {
                row.insert(index, CONTEXT_VALUE);
            }
        }
        row.into_iter().collect()
    }

    fn block(&self, mut buckets: Vec<u32>) -> Vec<(u32, f32)> {
        buckets.sort_unstable();
        let mut block: Vec<(u32, f32)> = buckets
            .chunk_by(|a, b| a == b)
            .filter_map(|same| {
                let feature = self.ngram_of[same[0] as usize];
                (feature != ABSENT)
                    .then(|| (feature, (1.0 + (same.len() as f32).ln()) * self.idf[feature as usize]))
            })
            .collect();
        let norm = block.iter().map(|(_, v)| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        block.iter_mut().for_each(|(_, v)| *v /= norm);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let mut builder = VocabularyBuilder::default();
        for text in ["printer jam", "printer offline", "vpn offline"] {
            builder.add("", text, &["customer=acme".into()]);
        }
        builder.build(2, 1000)
    }

    #[test]
    fn rare_ngrams_are_dropped_and_blocks_have_length_one() {
        let v = vocabulary();
        let norm = |row: &[(u32, f32)]| {
            row.iter().filter(|(i, _)| (*i as usize) < v.ngrams()).map(|(_, x)| x * x).sum::<f32>()
        };
        assert!(
            (norm(&v.row("", "printer jam", &[])) - 2.0).abs() < 1e-5,
            "a word block and a character block"
        );
        assert!(v.row("", "zebra", &[]).is_empty());
        assert_eq!(v.row("", "zebra", &["customer=acme".into()]), [(v.ngrams() as u32, CONTEXT_VALUE)]);
    }

    #[test]
    fn parts_rebuild_the_same_vocabulary() {
        let v = vocabulary();
        let (n, c, idf) = v.parts();
        let again = Vocabulary::from_parts(n.to_vec(), c.to_vec(), idf.to_vec());
        let context = ["customer=acme".to_string()];
        assert_eq!(v.row("a", "printer offline", &context), again.row("a", "printer offline", &context));
    }

    #[test]
    fn the_cap_keeps_the_most_frequent() {
        let mut builder = VocabularyBuilder::default();
        for text in ["a b", "a c", "a d"] {
            builder.add("", text, &[]);
        }
        assert_eq!(builder.build(1, 1).ngrams(), 1);
    }
}
