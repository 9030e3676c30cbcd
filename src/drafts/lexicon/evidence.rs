//! What the common words of each language say of the language of a text.
//!
//! Must never tell a language by a single word that several have.

use super::words::common_words;
use crate::folding::plain;
use crate::segmentation::words;

/// Common words of one language alone that tell a short text.
const FEWEST_WORDS: f32 = 1.5;
/// Lead over the next language, as a factor.
const LEAD: f32 = 1.25;

/// The language of `text`, where its words alone tell it.
pub(super) fn told_by_words(text: &str) -> Option<&'static str> {
    Evidence::of(text).best()
}

/// Words of a text, by the languages that have them among their common ones.
pub(crate) struct Evidence {
    /// For each word that any language has, the languages' bits.
    bits: Vec<u32>,
    words: usize,
}

impl Evidence {
    pub(crate) fn of(text: &str) -> Self {
        let all = common_words();
        let said: Vec<String> = words(&plain(text)).map(|(_, word)| word).collect();
        let bits = said.iter().filter_map(|word| all.words.get(word).copied()).collect();
        Self { bits, words: said.len() }
    }

    fn bit(language: &str) -> Option<u32> {
        common_words().codes.iter().position(|code| *code == language).map(|i| 1 << i)
    }

    pub(crate) fn has_lists(&self, language: &str) -> bool {
        Self::bit(language).is_some()
    }

    /// The share of the words that `language` has.
    pub(crate) fn share(&self, language: &str) -> f32 {
        let bit = Self::bit(language).unwrap_or_default();
        self.bits.iter().filter(|bits| **bits & bit > 0).count() as f32 / self.words.max(1) as f32
    }

    /// Each language's words: one that several have counts a part for each.
    fn score(&self, bit: u32) -> f32 {
        self.bits.iter().filter(|bits| **bits & bit > 0).map(|bits| 1.0 / bits.count_ones() as f32).sum()
    }

    /// The language that clearly has most of the words.
    pub(crate) fn best(&self) -> Option<&'static str> {
        let codes = &common_words().codes;
        let mut scores: Vec<(f32, usize)> = (0..codes.len()).map(|i| (self.score(1 << i), i)).collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let [(first, best), (second, _), ..] = scores[..] else { return None };
        (first >= FEWEST_WORDS && first >= LEAD * second).then(|| codes[best])
    }

    /// Whether another language has words that `language` lacks, and more of them than the other way round.
    pub(crate) fn against(&self, language: &str) -> bool {
        let Some(own) = Self::bit(language) else { return false };
        let alone =
            |one: u32, other: u32| self.bits.iter().filter(|b| **b & one > 0 && **b & other == 0).count();
        (0..common_words().codes.len()).map(|i| 1 << i).filter(|other| *other != own).any(|other| {
            let (theirs, ours) = (alone(other, own), alone(own, other));
            theirs > ours && (theirs > 1 || ours == 0)
        })
    }
}
