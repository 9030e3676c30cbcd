//! Figures in plain words, for a reader who runs a service desk and not a laboratory.

use super::FieldReport;
use super::escape::short;
use crate::metrics::{Accepted, Interval};

/// Below this many tickets, the sentence says that they are few.
const FEW: usize = 200;

/// `1204` as `1,204`.
pub(super) fn thousands(n: usize) -> String {
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

/// A share as `87.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}&nbsp;%", share * 100.0)
}

/// `85.2 to 89.0 %`.
pub(super) fn percent_range(i: Interval) -> String {
    format!("{:.1} to {:.1}&nbsp;%", i.lo * 100.0, i.hi * 100.0)
}

/// A share as "87", "more than 99" or "fewer than 1", to be followed by "of 100": neither all nor none is
/// claimed unless it is so.
fn of_hundred(share: f64) -> String {
    let rounded = (share * 100.0).round() as u32;
    match rounded {
        100 if share < 1.0 => "more than 99".to_owned(),
        0 if share > 0.0 => "fewer than 1".to_owned(),
        n => n.to_string(),
    }
}

/// "1 ticket", "1,204 tickets".
pub(super) fn tickets(n: usize) -> String {
    if n == 1 { "1 ticket".to_owned() } else { format!("{} tickets", thousands(n)) }
}

/// The headline of one field, HTML: how often right, what its confidence is worth, what else could be had.
pub(super) fn headline(f: &FieldReport) -> String {
    let m = &f.metrics;
    if m.n == 0 {
        return format!("There was no ticket to judge the {} on.", f.field);
    }
    let mut out = format!(
        "On {} it had never seen, Firstline chose the right {} for <strong>{} of 100</strong> ({:.0} to \
         {:.0}). ",
        tickets(m.n),
        f.field,
        of_hundred(m.accuracy),
        m.accuracy_ci95.lo * 100.0,
        m.accuracy_ci95.hi * 100.0,
    );
    out.push_str(&sure(&f.sure));
    out.push_str(&beside(f));
    if m.n < FEW {
        out.push_str(" These are few tickets: take the figures as rough.");
    }
    out
}

fn sure(a: &Accepted) -> String {
    let bar = a.threshold * 100.0;
    if a.n == 0 {
        return format!("It was never as much as {bar:.0}&nbsp;% sure.");
    }
    format!(
        "When it says it is at least {bar:.0}&nbsp;% sure &ndash; which it is for {} of 100 tickets &ndash; \
         it is right <strong>{} of 100</strong> times.",
        of_hundred(a.coverage),
        of_hundred(a.precision),
    )
}

fn beside(f: &FieldReport) -> String {
    let constant = of_hundred(f.metrics.majority);
    let words = f.metrics.ngram_accuracy.map(of_hundred);
    let label = f.most_common().map_or_else(String::new, |l| format!(" (&ldquo;{}&rdquo;)", short(l)));
    let baseline = words.map_or_else(String::new, |w| {
        format!("; a model that only counts words and letter groups, for {w} of 100")
    });
    format!(" Always giving the most common answer{label} would be right for {constant} of 100{baseline}.")
}

/// What the calibration error means.
pub(super) fn calibration(ece: f64) -> String {
    let points = ece * 100.0;
    let verdict = match points {
        p if p <= 3.0 => "the stated confidence can be taken at its word",
        p if p <= 6.0 => "the stated confidence is a fair guide",
        _ => "the stated confidence should not be relied on yet",
    };
    format!("{points:.1} points between stated confidence and what came true, on average: {verdict}")
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
    fn neither_all_nor_none_is_claimed_by_rounding() {
        let got = [0.0, 0.001, 0.004_9, 0.5, 0.996, 1.0].map(of_hundred);
        assert_eq!(got, ["0", "fewer than 1", "fewer than 1", "50", "more than 99", "100"]);
    }

    #[test]
    fn calibration_is_judged_by_its_size() {
        assert!(calibration(0.018).contains("1.8 points") && calibration(0.018).contains("at its word"));
        assert!(calibration(0.2).contains("not be relied on"));
    }
}
