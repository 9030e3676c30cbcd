//! Sentences that a desk sends to many: what one customer was told may be told to another only where technicians sent the same
//! sentence to several customers already (k-anonymity, by whole sentences).
//!
//! Must never count one customer twice, however it is spelt.

use std::collections::{BTreeSet, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::SHARED_BY;
use crate::customers::Customers;

/// What may stand around a word and is no part of it.
const AROUND: &str = ".,;:!?\"'()[]-–—…•·«»‹›„“”‘’¿¡`";
/// What a line of a list may begin with.
const BULLETS: [char; 4] = ['*', '-', '•', ' '];

/// Names a sentence, the same however it is punctuated and capitalised, and whatever fills its slots.
pub(crate) fn sentence_hash(text: &str) -> u64 {
    // Braces stand around slots alone: other sentences with braces are shown to nobody.
    let without_slots: Vec<&str> =
        text.split('{').enumerate().map(|(i, part)| if i > 0 { behind_slot(part) } else { part }).collect();
    let bare = without_slots.join(" ").to_lowercase().replace('’', "'");
    let words = bare.trim_start_matches(BULLETS).split_whitespace();
    let words = words.map(|word| word.trim_matches(|c| AROUND.contains(c))).filter(|word| !word.is_empty());
    xxh3_64(words.collect::<Vec<&str>>().join(" ").as_bytes())
}

fn behind_slot(part: &str) -> &str {
    part.split_once('}').map_or(part, |(_, rest)| rest)
}

/// The sentences that were sent to at least [`SHARED_BY`] distinct customers.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedSentences(Vec<u64>);

impl SharedSentences {
    /// Counts sentences by the key of the customer that they were sent to.
    pub(crate) fn count<'s>(
        sent: impl IntoIterator<Item = (&'s str, &'s [u64])>,
        customers: &Customers,
    ) -> Self {
        let (mut told, nothing) = (HashMap::<u64, BTreeSet<u32>>::new(), sentence_hash(""));
        for (key, sentences) in sent {
            // What nobody knows the customer of may have been told to one of those counted.
            let Some(group) = customers.group(key) else { continue };
            for sentence in sentences.iter().filter(|sentence| **sentence != nothing) {
                let groups = told.entry(*sentence).or_default();
                if groups.len() < SHARED_BY {
                    groups.insert(group);
                }
            }
        }
        let enough = told.into_iter().filter(|(_, groups)| groups.len() >= SHARED_BY);
        let mut all: Vec<u64> = enough.map(|(sentence, _)| sentence).collect();
        all.sort_unstable();
        Self(all)
    }

    /// Whether `text`, with its slots, is one of them.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.binary_search(&sentence_hash(text)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_the_same_however_it_is_dressed() {
        let same = sentence_hash("Please restart {host}, then tell us.");
        assert_eq!(sentence_hash("* please  restart: then tell us!"), same);
        assert_eq!(sentence_hash("Please restart {product} then “tell” us"), same);
        for other in [
            "Please restart, then tell us 2.",
            "Please restart then tell-us.",
            "Please restart *, then tell us.",
        ] {
            assert_ne!(sentence_hash(other), same, "{other}");
        }
    }

    #[test]
    fn a_sentence_is_shared_by_three_distinct_customers() {
        let keys = ["harborgate", "harborgate ltd", "harbor-gate gmbh", "alder clinic", "dogwood"];
        let customers = Customers::merged(keys, []);
        let (one, other) = ([sentence_hash("One.")], [sentence_hash("Other.")]);
        let sent = |to: &[&'static str]| -> SharedSentences {
            let all: Vec<(&str, &[u64])> = to.iter().map(|key| (*key, &one[..])).collect();
            SharedSentences::count(all.into_iter().chain([("dogwood", &other[..])]), &customers)
        };
        assert!(!sent(&keys[..3]).has("One.") && !sent(&keys[..4]).has("One."));
        assert!(!sent(&["harborgate", "alder clinic", "", "nobody knows"]).has("One."));
        assert!(sent(&keys[2..]).has("one") && !sent(&keys[2..]).has("Other."));
    }
}
