//! The 95 % interval of a share.

use serde::{Deserialize, Serialize};

/// The normal deviate that leaves 2.5 % above it.
const Z: f64 = 1.959_963_984_540_054;

/// An interval of shares in `0..=1`, `[lo, hi]` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

impl From<[f64; 2]> for Interval {
    fn from([lo, hi]: [f64; 2]) -> Self {
        Self { lo, hi }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.lo, interval.hi]
    }
}

/// `part / n`; 0 for nothing of nothing.
pub fn share(part: usize, n: usize) -> f64 {
    if n == 0 { 0.0 } else { part as f64 / n as f64 }
}

/// Wilson's score interval (E. B. Wilson, JASA 22, 1927) of `hits / n` at 95 %:
/// `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`.
///
/// It takes the trials as independent draws. Those that repeat each other are not, so on data with many
/// near-duplicates the true interval is wider. `n = 0` gives `[0, 1]`: nothing is known. `hits`
/// above `n` count as `n`.
pub fn wilson95(hits: usize, n: usize) -> Interval {
    if n == 0 {
        return Interval { lo: 0.0, hi: 1.0 };
    }
    let size = n as f64;
    let p = hits.min(n) as f64 / size;
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * size);
    let half = Z * (p * (1.0 - p) / size + z2 / (4.0 * size * size)).sqrt();
    let scale = 1.0 + z2 / size;
    // At the ends the exact answer is 0 or 1, which rounding would miss by one bit.
    Interval {
        lo: if hits == 0 { 0.0 } else { ((centre - half) / scale).max(0.0) },
        hi: if hits >= n { 1.0 } else { ((centre + half) / scale).min(1.0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_ten_as_in_the_textbook() {
        let i = wilson95(5, 10);
        assert!((i.lo - 0.236_593).abs() < 1e-6 && (i.hi - 0.763_407).abs() < 1e-6, "{i:?}");
    }

    #[test]
    fn the_ends_stay_in_bounds_and_open_inwards() {
        assert_eq!(wilson95(0, 0), Interval { lo: 0.0, hi: 1.0 });
        let none = wilson95(0, 20);
        assert_eq!(none.lo, 0.0);
        assert!((none.hi - 0.161_125).abs() < 1e-6, "{none:?}");
        let all = wilson95(20, 20);
        assert_eq!(all.hi, 1.0);
        assert!((all.lo - (1.0 - none.hi)).abs() < 1e-12);
    }

    #[test]
    fn json_is_a_pair() {
        let json = serde_json::to_string(&Interval { lo: 0.25, hi: 0.5 }).unwrap();
        assert_eq!(json, "[0.25,0.5]");
        assert_eq!(serde_json::from_str::<Interval>(&json).unwrap(), Interval { lo: 0.25, hi: 0.5 });
    }
}
