//! Seeded permutations and folds, the same on every platform.
//!
//! Must never draw from anything but the seed: the same one gives the same bundle.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A permutation of `0..n` that depends on `seed` alone.
pub(crate) fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

/// The fold, below `count`, of each of `rows`. Families of near-duplicates stay whole; the largest is placed first, and
/// each goes into the fold that is smallest by then. `families` has the family of every row there is.
pub(crate) fn folds(rows: &[usize], families: &[u32], count: usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    rows.iter().enumerate().for_each(|(i, &row)| members.entry(families[row]).or_default().push(i));
    let members: Vec<Vec<usize>> = members.into_values().collect();
    let mut sizes = vec![0; count];
    let mut fold = vec![0; rows.len()];
    let mut order: Vec<&Vec<usize>> =
        shuffled(members.len(), seed).into_iter().map(|i| &members[i]).collect();
    order.sort_by_key(|family| std::cmp::Reverse(family.len()));
    for family in order {
        let smallest = (0..count).min_by_key(|&f| sizes[f]).unwrap_or_default();
        sizes[smallest] += family.len();
        family.iter().for_each(|&i| fold[i] = smallest);
    }
    fold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_of_a_size_and_part_no_family() {
        let families: Vec<u32> = (0..100).map(|i| if i < 20 { 7 } else { 100 + i / 2 }).collect();
        let rows: Vec<usize> = (0..90).collect();
        let fold = folds(&rows, &families, 3, 3);
        let size = |f| fold.iter().filter(|&&g| g == f).count();
        assert!((0..3).all(|f| (28..=32).contains(&size(f))), "{fold:?}");
        for (a, &row_a) in rows.iter().enumerate() {
            for (b, &row_b) in rows.iter().enumerate() {
                assert!(families[row_a] != families[row_b] || fold[a] == fold[b]);
            }
        }
        assert_ne!(fold, folds(&rows, &families, 3, 4));
    }
}
