//! Means, medians and quantiles of durations, whose tails are long.

/// The value at rank `⌈share · n⌉` of `ascending`: the nearest rank. `None` of nothing.
pub fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied()
}

/// The same of values in any order, which it puts into another: no sort, so that it takes linear time. `None` of nothing.
pub fn select_quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let rank = (share * values.len() as f64).ceil() as usize;
    let place = rank.saturating_sub(1);
    (place < values.len()).then(|| *values.select_nth_unstable_by(place, f64::total_cmp).1)
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
            [0.0, 0.25, 0.5, 0.95, 1.0].map(|s| select_quantile(&mut mixed, s)),
            [1.0, 1.0, 2.0, 4.0, 4.0].map(Some)
        );
        assert_eq!(select_quantile(&mut [], 0.5), None);
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
