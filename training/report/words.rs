//! Figures in plain words, for a reader who runs a service desk and not a laboratory.

use firstline_pages::{label, thousands};
use maud::{Markup, html};

use super::FieldReport;
use crate::metrics::Accepted;

/// Below this many tickets, the sentence says that they are few.
const FEW: usize = 200;

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

/// The headline of one field: how often right, what its confidence is worth, what else could be had.
pub(super) fn headline(f: &FieldReport) -> Markup {
    let m = &f.metrics;
    if m.n == 0 {
        return html! { "There was no ticket to judge the " (f.field) " on." };
    }
    let (low, high) = (m.accuracy_ci95.lo * 100.0, m.accuracy_ci95.hi * 100.0);
    html! {
        "On " (tickets(m.n)) " it had never seen, Firstline chose the right " (f.field) " for "
        strong { (of_hundred(m.accuracy)) " of 100" }
        (format_args!(" ({low:.0} to {high:.0}). "))
        (sure(&f.sure))
        (beside(f))
        @if m.n < FEW { " These are few tickets: take the figures as rough." }
    }
}

fn sure(a: &Accepted) -> Markup {
    let bar = a.threshold * 100.0;
    if a.n == 0 {
        return html! { (format_args!("It was never as much as {bar:.0}\u{a0}% sure.")) };
    }
    html! {
        (format_args!("When it says it is at least {bar:.0}\u{a0}% sure – which it is for "))
        (of_hundred(a.coverage)) " of 100 tickets – it is right "
        strong { (of_hundred(a.precision)) " of 100" } " times."
    }
}

fn beside(f: &FieldReport) -> Markup {
    html! {
        " Always giving the most common answer"
        @if let Some(name) = f.most_common() { " (“" (label(name)) "”)" }
        " would be right for " (of_hundred(f.metrics.majority)) " of 100"
        @if let Some(share) = f.metrics.ngram_accuracy {
            "; a model that only counts words and letter groups, for " (of_hundred(share)) " of 100"
        }
        "."
    }
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
