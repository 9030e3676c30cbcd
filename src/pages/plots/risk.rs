//! What each bar of confidence would cost.

use maud::Markup;
use plotters::element::DashedPathElement;
use plotters::prelude::{Color, DashedLineSeries, LineSeries, PathElement, SeriesLabelPosition};

use super::canvas::{Area, Drawn, axes, chart, font, stroke, svg, tick, tick_fine};
use crate::style::{BLUE, PAPER, VERMILION};
use crate::text::plain;

/// Points drawn of a curve: more than a printed page can tell apart.
const POINTS: usize = 200;

/// One curve.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Share of tickets taken, the most confident first, and share of errors among them; in rising order.
    pub points: Vec<(f64, f64)>,
}

/// Errors among the tickets taken against the share taken.
#[derive(Debug, Clone, Default)]
pub struct RiskCoverage {
    /// Firstline.
    pub ours: Line,
    /// What it is compared with, where there is something.
    pub baseline: Option<Line>,
}

impl RiskCoverage {
    /// The plot.
    pub fn svg(&self, title: &str) -> Markup {
        svg(430, title, |area| self.draw(area))
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        let ours = thin(&self.ours.points, POINTS);
        let baseline = self.baseline.as_ref().map(|line| (plain(&line.name), thin(&line.points, POINTS)));
        let top = ceiling(&[&ours, baseline.as_ref().map_or(&[], |b| &b.1)]);
        let mut chart = chart(area, 44).build_cartesian_2d(0.0..1.0, 0.0..top)?;
        axes(&mut chart.configure_mesh())
            .x_label_formatter(&tick)
            .y_label_formatter(&if top < 0.1 { tick_fine } else { tick })
            .x_desc("tickets taken")
            .y_desc("errors among them")
            .draw()?;
        if let Some((name, points)) = baseline {
            chart
                .draw_series(DashedLineSeries::new(points, 7, 4, stroke(VERMILION)))?
                .label(name)
                .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 18, y)], 7, 4, stroke(VERMILION)));
        }
        chart
            .draw_series(LineSeries::new(ours, stroke(BLUE)))?
            .label(plain(&self.ours.name))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke(BLUE)));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(PAPER.mix(0.85))
            .label_font(font(15))
            .draw()?;
        Ok(())
    }
}

/// The top of the risk axis. The first few tickets make a curve jump, so the axis follows it only from a
/// twentieth of coverage on; what is above is cut off.
fn ceiling(curves: &[&[(f64, f64)]]) -> f64 {
    let settled = curves.iter().copied().flatten().filter(|p| p.0 >= 0.05).map(|p| p.1);
    (settled.fold(0.0, f64::max) * 1.1).clamp(0.02, 1.0)
}

/// The curve itself; of a curve with more than `limit` points (three at least), only points that are a step of coverage
/// apart, and the last one.
fn thin(curve: &[(f64, f64)], limit: usize) -> Vec<(f64, f64)> {
    let step = if curve.len() <= limit { 0.0 } else { 1.0 / (limit - 2) as f64 };
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(limit.min(curve.len()));
    for (i, p) in curve.iter().enumerate() {
        if i + 1 == curve.len() || out.last().is_none_or(|last| p.0 >= last.0 + step) {
            out.push(*p);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_end_and_the_limit() {
        let curve: Vec<_> = (1..=10_000).map(|i| (f64::from(i) / 10_000.0, 0.1)).collect();
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

    #[test]
    fn the_baseline_is_named_where_there_is_one() {
        let line = |name: &str| Line { name: name.to_owned(), points: vec![(0.5, 0.1), (1.0, 0.2)] };
        let alone = RiskCoverage { ours: line("Firstline"), baseline: None };
        let beside = RiskCoverage { baseline: Some(line("words only")), ..alone.clone() };
        let [alone, beside] = [alone, beside].map(|plot| plot.svg("Risk").into_string());
        assert!(alone.contains("Firstline") && !alone.contains("words only"));
        assert!(beside.contains("Firstline") && beside.contains("words only"));
    }
}
