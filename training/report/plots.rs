//! The two plots of a field: is the confidence true, and what would each bar of confidence cost.

use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::FieldReport;
use super::svg::{Area, BLUE, Drawn, GREY, VERMILION, figure, font, plain, tick, tick_fine};
use crate::metrics::RiskPoint;

/// Points drawn of a curve: more than a printed page can tell apart.
const POINTS: usize = 200;

/// Accuracy against stated confidence, with intervals, above a histogram of the confidences.
pub(super) fn reliability(f: &FieldReport) -> String {
    let caption = "Reliability. Each dot is about a fifteenth of the tickets with its 95&nbsp;% interval; on \
                   the dashed line, the stated confidence is what came true; below the line, it promises \
                   too much, above too little. Bars: where the tickets lie.";
    figure(430, "Reliability diagram", caption, |area| {
        let (upper, lower) = area.split_vertically(310);
        diagram(&upper, f)?;
        histogram(&lower, f)
    })
}

fn diagram(area: &Area<'_>, f: &FieldReport) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(26)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    plain(&mut chart.configure_mesh()).x_label_formatter(&tick).y_desc("was right").draw()?;
    chart.draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 5, 4, GREY.into()))?;
    let line: Vec<_> = f.reliability.iter().map(|b| (b.mean_confidence, b.accuracy)).collect();
    let bars = f.reliability.iter().map(|b| {
        PathElement::new(
            [(b.mean_confidence, b.interval.lo), (b.mean_confidence, b.interval.hi)],
            BLUE.stroke_width(2),
        )
    });
    chart.draw_series(bars)?;
    chart.draw_series(line.iter().map(|p| Circle::new(*p, 4, BLUE.filled())))?;
    Ok(())
}

fn histogram(area: &Area<'_>, f: &FieldReport) -> Drawn {
    let n = f.metrics.n.max(1) as f64;
    let slices = f.histogram.len().max(1) as f64;
    let top = f.histogram.iter().copied().max().unwrap_or(0).max(1) as f64 / n * 1.08;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_top(4)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..1.0, 0.0..top)?;
    plain(&mut chart.configure_mesh())
        .disable_mesh()
        .x_label_formatter(&tick)
        .y_labels(3)
        .x_desc("stated confidence")
        .y_desc("tickets")
        .draw()?;
    let bars = f.histogram.iter().enumerate().map(|(i, count)| {
        let (from, to) = (i as f64 / slices, (i + 1) as f64 / slices);
        let mut bar = Rectangle::new([(from, 0.0), (to, *count as f64 / n)], BLUE.mix(0.55).filled());
        bar.set_margin(0, 0, 1, 1);
        bar
    });
    chart.draw_series(bars)?;
    Ok(())
}

/// Errors among the accepted against the share accepted, beside the n-gram baseline where there is one.
pub(super) fn risk_coverage(f: &FieldReport) -> String {
    let caption = "Risk and coverage. Taking the most confident tickets first: the share taken (across) and \
                   the share of errors among them (up). Lower is better; the right end is the error on all \
                   tickets.";
    figure(430, "Risk-coverage curve", caption, |area| curves(area, f))
}

fn curves(area: &Area<'_>, f: &FieldReport) -> Drawn {
    let ours = thin(&f.risk_coverage, POINTS);
    let base = f.ngram.as_ref().map_or_else(Vec::new, |b| thin(&b.risk_coverage, POINTS));
    let top = ceiling(&[&ours, &base]);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..1.0, 0.0..top)?;
    plain(&mut chart.configure_mesh())
        .x_label_formatter(&tick)
        .y_label_formatter(&if top < 0.1 { tick_fine } else { tick })
        .x_desc("tickets taken")
        .y_desc("errors among them")
        .draw()?;
    if !base.is_empty() {
        let dashes = DashedLineSeries::new(base, 7, 4, VERMILION.stroke_width(2));
        chart
            .draw_series(dashes)?
            .label("words and letter groups only")
            .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 18, y)], 7, 4, VERMILION.stroke_width(2)));
    }
    chart
        .draw_series(LineSeries::new(ours, BLUE.stroke_width(2)))?
        .label("Firstline")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .label_font(font(15))
        .draw()?;
    Ok(())
}

/// The top of the risk axis. The first few tickets make a curve jump, so the axis follows it only from a
/// twentieth of coverage on; what is above is cut off.
fn ceiling(curves: &[&[(f64, f64)]]) -> f64 {
    let settled = curves.iter().copied().flatten().filter(|p| p.0 >= 0.05).map(|p| p.1);
    (settled.fold(0.0, f64::max) * 1.1).clamp(0.02, 1.0)
}

/// The curve's coverage and risk; of a curve with more than `limit` points (three at least), only points
/// that are a step of coverage apart, and the last one.
fn thin(curve: &[RiskPoint], limit: usize) -> Vec<(f64, f64)> {
    let step = if curve.len() <= limit { 0.0 } else { 1.0 / (limit - 2) as f64 };
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(limit.min(curve.len()));
    for (i, p) in curve.iter().enumerate() {
        if i + 1 == curve.len() || out.last().is_none_or(|last| p.coverage >= last.0 + step) {
            out.push((p.coverage, p.risk));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_end_and_the_limit() {
        let curve: Vec<RiskPoint> = (1..=10_000)
            .map(|i| RiskPoint { threshold: 0.0, coverage: f64::from(i) / 10_000.0, risk: 0.1 })
            .collect();
        let thinned = thin(&curve, POINTS);
        assert!(thinned.len() > POINTS / 2 && thinned.len() <= POINTS, "{}", thinned.len());
        assert_eq!(thinned.last(), Some(&(1.0, 0.1)));
        assert!(thin(&[], POINTS).is_empty());
        assert_eq!(thin(&curve[..3], POINTS).len(), 3);
    }

    #[test]
    fn the_axis_ignores_the_first_jumps() {
        let curve = [(0.001, 1.0), (0.5, 0.1), (1.0, 0.2)];
        assert!((ceiling(&[&curve, &[]]) - 0.22).abs() < 1e-12);
        assert_eq!(ceiling(&[]), 0.02);
    }
}
