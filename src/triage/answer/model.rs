//! The classifier of replies that confirm, as a bundle carries it: a logistic regression on hashed words and letters, and what it is
//! certified for.
//!
//! It keeps no word of a reply. Must never certify itself: that is training's, on messages that it was not taught on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Said;
use super::tokens::Tokens;

/// Buckets that words and letters are hashed into.
const BUCKETS: u64 = 1 << 15;
/// Words that are read of a message.
const MOST_WORDS: usize = 60;
/// Without a certificate, from which confidence on a message that the grammar takes for a confirmation is believed to be one.
const EVEN: f64 = 0.5;

/// A classifier of replies, taught on one desk's history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerModel {
    /// The weight of each bucket that has one.
    pub weights: BTreeMap<u32, f32>,
    /// The weight of nothing.
    pub bias: f32,
    /// What it was taught on and tested with.
    pub certificate: AnswerCertificate,
}

/// What a classifier of replies was tested with, and from which confidence on a ticket may be closed on what it says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerCertificate {
    /// Messages that it was taught on.
    pub learnt: usize,
    /// Later messages that the grammar takes for confirmations: it was tested with them.
    pub tested: usize,
    /// The lowest confidence that may be trusted; `None` where none may.
    pub threshold: Option<f64>,
    /// Tested messages of at least that confidence; without a threshold, of the surest.
    pub accepted: usize,
    /// Wrong ones among them: the ticket went on at once.
    pub errors: usize,
    /// Those among them whose ticket was opened again later: a day after, or more.
    pub came_back: usize,
    /// Exact upper bound of the share of wrong ones.
    pub bound: Option<f64>,
    /// How many more messages of the kind are needed, where that can be told.
    pub missing: Option<usize>,
}

impl AnswerModel {
    /// How sure it is that a message confirms, from 0 to 1.
    pub fn confidence(&self, text: &str) -> f64 {
        self.confidence_in(&answer_buckets(text))
    }

    /// [`Self::confidence`] in a message with these buckets.
    pub fn confidence_in(&self, buckets: &[u32]) -> f64 {
        let scale = answer_scale(buckets.len());
        let sum: f64 =
            buckets.iter().filter_map(|bucket| self.weights.get(bucket)).map(|w| f64::from(*w)).sum();
        1.0 / (1.0 + (-(f64::from(self.bias) + scale * sum)).exp())
    }

    /// What is said by a message that the grammar takes for a confirmation, and whether a ticket may be closed on it.
    pub(super) fn judge(&self, confidence: f64) -> (Said, bool) {
        match self.certificate.threshold {
            Some(threshold) if confidence >= threshold.max(EVEN) => (Said::Confirmed, true),
            None if confidence >= EVEN => (Said::Confirmed, false),
            _ => (Said::Other, false),
        }
    }
}

/// What each of so many buckets of a message counts for: long messages are no surer than short ones.
pub fn answer_scale(buckets: usize) -> f64 {
    1.0 / (buckets.max(1) as f64).sqrt()
}

/// The buckets of a message, each once, sorted: its words, pairs of them, and three and four letters within them.
pub fn answer_buckets(text: &str) -> Vec<u32> {
    let mut tokens = Tokens::new(text);
    let (asks, digits) = (tokens.asks(), tokens.has_digits());
    tokens.list.truncate(MOST_WORDS);
    let words = tokens.words();
    let mut all = Vec::new();
    let mut add =
        |text: &str, kind: u64| all.push((xxh3_64_with_seed(text.as_bytes(), kind) % BUCKETS) as u32);
    for (word, next) in words.iter().zip(words.iter().skip(1).map(Some).chain([None])) {
        add(word, 1);
        if let Some(next) = next {
            add(&format!("{word} {next}"), 2);
        }
        let padded: Vec<char> = format!(" {} ", word.chars().take(24).collect::<String>()).chars().collect();
        for n in 3..=4 {
            padded.windows(n).for_each(|gram| add(&gram.iter().collect::<String>(), n as u64));
        }
    }
    if asks {
        add("?", 5);
    }
    if digits {
        add("0", 5);
    }
    add(if words.len() > super::MOST_WORDS { "long" } else { "short" }, 6);
    all.sort_unstable();
    all.dedup();
    all
}
