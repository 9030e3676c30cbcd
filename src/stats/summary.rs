//! Means, medians and quantiles of durations, whose tails are long.

/// The value at rank `⌈share · n⌉` of `ascending`: the nearest rank. `None` of nothing.
pub fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied()
}

/// The same of values in any order, which it puts into another, at several shares, the least first: no sort, so that it takes linear
/// time. Each looks only at what lies above the one before. `None` of nothing.
pub fn select_quantiles<const N: usize>(values: &mut [f64], ascending: [f64; N]) -> [Option<f64>; N] {
    let (n, mut below) = (values.len(), 0);
    ascending.map(|share| {
        let rank = (share * n as f64).ceil() as usize;
        let place = rank.saturating_sub(1).max(below);
        let found = values.get_mut(below..)?;
        let found = (place < n).then(|| *found.select_nth_unstable_by(place - below, f64::total_cmp).1);
        below = place;
        found
    })
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The mean of `ascending` with every value above its quantile at `share` taken as that quantile (Winsor): one ticket that stood
/// open for a year does not carry the mean. `None` of nothing.
pub fn winsorised_mean(ascending: &[f64], share: f64) -> Option<f64> {
    let top = quantile(ascending, share)?;
    Some(ascending.iter().map(|value| value.min(top)).sum::<f64>() / ascending.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            [0.0, 0.25, 0.5, 0.95, 1.0].map(|s| quantile(&values, s)),
            [1.0, 1.0, 2.0, 4.0, 4.0].map(Some)
        );
        let mut mixed = [3.0, 1.0, 4.0, 2.0];
        assert_eq!(
            select_quantiles(&mut mixed, [0.0, 0.25, 0.5, 0.95, 1.0]),
            [1.0, 1.0, 2.0, 4.0, 4.0].map(Some)
        );
        assert_eq!(select_quantiles(&mut [], [0.5, 0.95]), [None, None]);
        let mut many: Vec<f64> = (0..1_000).map(|i| f64::from(i * 7_919 % 1_000)).collect();
        assert_eq!(select_quantiles(&mut many, [0.5, 0.5, 0.95]), [499.0, 499.0, 949.0].map(Some));
        assert_eq!((quantile(&[], 0.5), mean(&[]), winsorised_mean(&[], 0.99)), (None, None, None));
    }

    #[test]
    fn a_single_giant_does_not_carry_the_winsorised_mean() {
        let mut values: Vec<f64> = (1..=199).map(f64::from).collect();
        values.push(1e6);
        // The 99 % quantile is the 198th value; two lie above it.
        let by_hand = ((1..=198).sum::<i32>() + 2 * 198) as f64 / 200.0;
        assert_eq!(winsorised_mean(&values, 0.99), Some(by_hand));
        assert!(mean(&values).unwrap() > 5_000.0);
        assert_eq!(winsorised_mean(&values, 1.0), mean(&values));
    }
}
