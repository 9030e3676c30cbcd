//! Near-duplicates: tickets whose texts say the same but for numbers and a few words.
//!
//! MinHash over word 3-shingles with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of
//! Massive Datasets", ch. 3). Digits are folded, so that alerts that differ in a counter fall together.
//! Memory is one signature per ticket; time is linear, since a bucket compares with its first few members only.

use std::collections::HashMap;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const HASHES: usize = 64;
const BANDS: usize = 16;
const ROWS: usize = HASHES / BANDS;
/// Share of equal signature entries, an estimate of the Jaccard similarity, from which two are duplicates.
const SIMILAR: f32 = 0.75;
/// Members of a bucket that a newcomer is compared with.
const COMPARED: usize = 4;
/// Words of a text that are looked at.
const MAX_WORDS: usize = 2_000;

type Signature = [u32; HASHES];

/// Collects texts and tells which are near-duplicates of each other.
#[derive(Debug, Default)]
pub struct NearDuplicates {
    signatures: Vec<Signature>,
    parent: Vec<u32>,
    buckets: HashMap<u64, Vec<u32>>,
}

impl NearDuplicates {
    /// Adds the next text.
    pub fn add(&mut self, text: &str) {
        let id = self.parent.len() as u32;
        let signature = signature(text);
        self.parent.push(id);
        for (band, rows) in signature.chunks_exact(ROWS).enumerate() {
            let bytes: Vec<u8> = rows.iter().flat_map(|r| r.to_le_bytes()).collect();
            let members = self.buckets.entry(xxh3_64_with_seed(&bytes, band as u64)).or_default();
            let similar: Vec<u32> = members
                .iter()
                .copied()
                .filter(|&other| similarity(&self.signatures[other as usize], &signature) >= SIMILAR)
                .collect();
            if members.len() < COMPARED {
                members.push(id);
            }
            for other in similar {
                join(&mut self.parent, id, other);
            }
        }
        self.signatures.push(signature);
    }

    /// Says that texts `a` and `b` belong together whatever their words.
    pub fn link(&mut self, a: usize, b: usize) {
        join(&mut self.parent, a as u32, b as u32);
    }

    /// The family of each text, in the order added: equal numbers are one family.
    pub fn families(mut self) -> Vec<u32> {
        (0..self.parent.len() as u32).map(|id| root(&mut self.parent, id)).collect()
    }

    /// How many texts have a near-duplicate before them.
    pub fn repeated(&self) -> usize {
        let mut parent = self.parent.clone();
        (0..parent.len() as u32).filter(|&id| root(&mut parent, id) != id).count()
    }
}

fn signature(text: &str) -> Signature {
    let folded: String = text
        .chars()
        .take(MAX_WORDS * 20)
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_numeric() { '0' } else { c })
        .collect();
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .take(MAX_WORDS)
        .map(fold_zeros)
        .collect();
    let mut signature = [u32::MAX; HASHES];
    let mut take = |shingle: &str| {
        let hash = xxh3_64(shingle.as_bytes());
        for (i, slot) in signature.iter_mut().enumerate() {
            *slot = (*slot).min(permuted(hash, i as u64));
        }
    };
    if words.len() < 3 {
        take(&words.join(" "));
    }
    words.windows(3).for_each(|w| take(&w.join(" ")));
    signature
}

/// A word that is all digits counts as one zero, whatever its length.
fn fold_zeros(word: &str) -> &str {
    if word.bytes().all(|b| b == b'0') { "0" } else { word }
}

/// The `i`-th hash of a shingle: multiply-shift with odd constants drawn from `i`.
fn permuted(hash: u64, i: u64) -> u32 {
    let odd = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    ((hash ^ odd.rotate_left(29)).wrapping_mul(odd) >> 32) as u32
}

fn similarity(a: &Signature, b: &Signature) -> f32 {
    a.iter().zip(b).filter(|(x, y)| x == y).count() as f32 / HASHES as f32
}

fn root(parent: &mut [u32], mut id: u32) -> u32 {
    while parent[id as usize] != id {
        parent[id as usize] = parent[parent[id as usize] as usize];
        id = parent[id as usize];
    }
    id
}

/// Joins two families under the one that came first.
fn join(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parent, a), root(parent, b));
    let (first, later) = (a.min(b), a.max(b));
    parent[later as usize] = first;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "Hello team, since this morning the printer on the second floor of our Leeds office does not \
                        print anything and shows a paper jam although there is none, please have a look at it today";

    fn families(texts: &[&str]) -> Vec<u32> {
        let mut near = NearDuplicates::default();
        texts.iter().for_each(|t| near.add(t));
        near.families()
    }

    #[test]
    fn the_same_but_for_numbers_case_and_a_word_is_one_family() {
        let other = MAIL.to_uppercase().replace("TODAY", "SOON");
        assert_eq!(families(&[MAIL, "something else entirely that nobody wrote before", &other]), [0, 1, 0]);
        assert_eq!(families(&["Backup job 1234 failed at 03:14", "backup job 77 failed at 11:02"]), [0, 0]);
    }

    #[test]
    fn different_texts_stay_apart() {
        assert_eq!(families(&["vpn down", "vpn up", "my vpn is down again today"]), [0, 1, 2]);
        assert_eq!(
            families(&[
                MAIL,
                &MAIL.replace("printer", "scanner").replace("jam", "cover open").replace("Leeds", "Bern")
            ]),
            [0, 1]
        );
    }

    #[test]
    fn links_join_families_and_repeats_are_counted() {
        let mut near = NearDuplicates::default();
        ["a b c d", "e f g h", "a b c d"].iter().for_each(|t| near.add(t));
        assert_eq!(near.repeated(), 1);
        near.link(1, 2);
        assert_eq!(near.families(), [0, 0, 0]);
    }

    #[test]
    fn a_storm_of_equal_texts_stays_linear() {
        let mut near = NearDuplicates::default();
        (0..5_000).for_each(|_| near.add(MAIL));
        assert_eq!(near.buckets.values().map(Vec::len).max(), Some(COMPARED));
        assert_eq!(near.repeated(), 4_999);
    }
}
