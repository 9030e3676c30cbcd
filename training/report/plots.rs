//! The two plots of a field: is the confidence true, and what would each bar of confidence cost.

use firstline_pages::{Estimate, Line, Reliability, RiskCoverage, figure};
use maud::Markup;

use super::FieldReport;
use crate::metrics::RiskPoint;

/// Accuracy against stated confidence, with intervals, above a histogram of the confidences.
pub(super) fn reliability(f: &FieldReport) -> Markup {
    let caption = "Reliability. Each dot is about a fifteenth of the tickets with its 95\u{a0}% interval; on \
                   the dashed line, the stated confidence is what came true; below the line, it promises \
                   too much, above too little. Bars: where the tickets lie.";
    let n = f.metrics.n.max(1) as f64;
    let bins = f.reliability.iter().map(|b| Estimate {
        x: b.mean_confidence,
        y: b.accuracy,
        low: b.interval.lo,
        high: b.interval.hi,
    });
    let slices = f.histogram.iter().map(|count| *count as f64 / n);
    let plot = Reliability { bins: bins.collect(), slices: slices.collect() };
    figure(&plot.svg("Reliability diagram"), caption)
}

/// Errors among the accepted against the share accepted, beside the n-gram baseline where there is one.
pub(super) fn risk_coverage(f: &FieldReport) -> Markup {
    let caption = "Risk and coverage. Taking the most confident tickets first: the share taken (across) and \
                   the share of errors among them (up). Lower is better; the right end is the error on all \
                   tickets.";
    let baseline = f.ngram.as_ref().map(|b| line("words and letter groups only", &b.risk_coverage));
    let plot = RiskCoverage { ours: line("Firstline", &f.risk_coverage), baseline };
    figure(&plot.svg("Risk-coverage curve"), caption)
}

fn line(name: &str, curve: &[RiskPoint]) -> Line {
    Line { name: name.to_owned(), points: curve.iter().map(|p| (p.coverage, p.risk)).collect() }
}
