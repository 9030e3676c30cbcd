//! Numbers as people write them. A no-break space keeps a number and its sign on one line.

/// Stands where there is no figure.
pub const DASH: &str = "\u{2013}";

/// `1204` as `1,204`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The share `0.873` as `87.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", share * 100.0)
}

/// The shares `0.852` and `0.89` as `85.2 to 89.0 %`.
pub fn percent_range(low: f64, high: f64) -> String {
    format!("{:.1} to {:.1}\u{a0}%", low * 100.0, high * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let got: Vec<_> = [0, 999, 1000, 1_234_567].map(thousands).to_vec();
        assert_eq!(got, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn shares_have_one_decimal_and_stay_on_one_line() {
        assert_eq!(percent(0.8731), "87.3\u{a0}%");
        assert_eq!(percent_range(0.8523, 0.89), "85.2 to 89.0\u{a0}%");
    }
}
