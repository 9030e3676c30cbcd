//! How much of an agreement is more than chance.

use std::collections::BTreeMap;

use crate::share;

/// Cohen's kappa (Educational and Psychological Measurement 20, 1960): `(a - e) / (1 - e)`, where `a` is the share of pairs
/// whose two labels are the same and `e = Σ_c first_c · second_c / n²` what independent raters with the same habits would
/// show. `0` where kappa is not defined: no pair, or a single label throughout, which shows nothing beyond chance.
pub fn kappa<L: Ord>(pairs: impl IntoIterator<Item = (L, L)>) -> f64 {
    let mut counts: BTreeMap<L, (u64, u64)> = BTreeMap::new();
    let (mut same, mut n) = (0usize, 0usize);
    for (first, second) in pairs {
        n += 1;
        same += usize::from(first == second);
        counts.entry(first).or_default().0 += 1;
        counts.entry(second).or_default().1 += 1;
    }
    let square = (n as u128).pow(2);
    let by_chance: u128 = counts.values().map(|(a, b)| u128::from(*a) * u128::from(*b)).sum();
    if by_chance == square {
        return 0.0;
    }
    let expected = by_chance as f64 / square as f64;
    (share(same, n) - expected) / (1.0 - expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_cohens_of_1960() {
        // His two judges and three categories: .70 alike, .41 by chance.
        let table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]];
        let cells = (0..9).flat_map(|i| std::iter::repeat_n((i / 3, i % 3), table[i / 3][i % 3]));
        assert!((kappa(cells) - 0.29 / 0.59).abs() < 1e-12);
        assert_eq!(kappa([("a", "a"); 3]), 0.0);
        assert_eq!(kappa::<u8>([]), 0.0);
        assert_eq!(kappa([(1, 2), (2, 1)]), -1.0);
    }
}
