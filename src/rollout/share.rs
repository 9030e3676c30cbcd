//! A share and how sure it is.

use serde::Serialize;

/// The standard normal's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many, with Wilson's interval (Wilson 1927) at 95 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// Those that are counted.
    pub count: u64,
    /// Of so many.
    pub of: u64,
    /// `count / of`; `None` of nothing.
    pub share: Option<f64>,
    /// The interval's lower end.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

impl Share {
    /// `count` of `of`.
    pub fn new(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self { count, of, ..Self::default() };
        }
        let (k, n) = (count as f64, of as f64);
        let p = k / n;
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
        Self { count, of, share: Some(p), low: Some(low), high: Some(high) }
    }

    /// How many of `these` are true.
    pub fn of(these: impl Iterator<Item = bool>) -> Self {
        let (count, of) = these.fold((0, 0), |(count, of), holds| (count + u64::from(holds), of + 1));
        Self::new(count, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // 81 of 263: Newcombe 1998, table I.
        let share = Share::new(81, 263);
        assert!((share.low.unwrap() - 0.2553).abs() < 5e-5 && (share.high.unwrap() - 0.3662).abs() < 5e-5);
        assert_eq!(Share::new(0, 0).share, None);
        assert_eq!(Share::new(0, 20).low, Some(0.0));
        assert_eq!(Share::of([true, false].into_iter()), Share::new(1, 2));
    }
}
