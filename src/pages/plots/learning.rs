//! What more history would buy.

use maud::Markup;
use plotters::prelude::{Circle, Color, LineSeries};

use super::Estimate;
use super::canvas::{Area, Drawn, axes, chart, interval, stroke, svg};
use crate::numbers::thousands;
use crate::style::{BLUE, VERMILION};

/// How good a model gets as it learns from more tickets.
#[derive(Debug, Clone, Default)]
pub struct LearningCurve {
    /// Share of right answers; `x` is the number of tickets learnt from, at least one, in rising order.
    pub right: Vec<Estimate>,
    /// Number of tickets learnt from, and the share that may act alone.
    pub alone: Vec<(f64, f64)>,
}

impl LearningCurve {
    /// The plot.
    pub fn svg(&self, title: &str) -> Markup {
        svg(310, title, |area| self.draw(area))
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        let (first, last) = self.ends();
        let mut chart = chart(area, 44).build_cartesian_2d(first - 0.05..last + 0.05, 0.0..1.0)?;
        axes(&mut chart.configure_mesh())
            .x_label_formatter(&|x| rounded(*x))
            .x_labels(5)
            .x_desc("tickets learnt from")
            .draw()?;
        let right: Vec<_> = self.right.iter().map(|e| Estimate { x: e.x.log10(), ..*e }).collect();
        chart.draw_series(right.iter().map(interval))?;
        let right = right.iter().map(|e| (e.x, e.y)).collect();
        let alone = self.alone.iter().map(|(x, y)| (x.log10(), *y)).collect();
        for (colour, points) in [(BLUE, right), (VERMILION, alone)] {
            let points: Vec<(f64, f64)> = points;
            chart.draw_series(points.iter().map(|p| Circle::new(*p, 3, colour.filled())))?;
            chart.draw_series(LineSeries::new(points, stroke(colour)))?;
        }
        Ok(())
    }

    /// The ends of the axis, as decimal logarithms.
    fn ends(&self) -> (f64, f64) {
        let at = |e: &Estimate| e.x.log10();
        (self.right.first().map_or(1.0, at), self.right.last().map_or(2.0, at))
    }
}

/// A number of tickets, of which `x` is the decimal logarithm, to two digits.
fn rounded(x: f64) -> String {
    let digit = 10f64.powf(x.floor() - 1.0);
    thousands(((10f64.powf(x) / digit).round() * digit) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shares_are_drawn_with_one_interval_a_point() {
        let right = |x, y| Estimate { x, y, low: y - 0.02, high: y + 0.02 };
        let plot = LearningCurve {
            right: vec![right(250.0, 0.7), right(1_000.0, 0.8)],
            alone: vec![(250.0, 0.3), (1_000.0, 0.4)],
        };
        let html = plot.svg("Learning curve").into_string();
        assert_eq!(html.matches("<circle").count(), 4);
        assert!(html.contains("tickets learnt from") && !html.contains("NaN"));
        assert!(!LearningCurve::default().svg("Learning curve").into_string().contains("could not"));
    }

    #[test]
    fn the_axis_counts_in_round_numbers() {
        assert_eq!([2.4, 3.0, 4.56].map(rounded), ["250", "1,000", "36,000"]);
    }
}
