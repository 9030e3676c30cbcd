//! Whether the stated confidence is true.

use maud::Markup;
use plotters::prelude::{Circle, Color, DashedLineSeries, Rectangle};

use super::Estimate;
use super::canvas::{Area, Drawn, axes, chart, interval, svg, tick};
use crate::style::{BLUE, GREY};

/// What came true against stated confidence, above a histogram of the confidences.
#[derive(Debug, Clone, Default)]
pub struct Reliability {
    /// One bin each: its mean confidence, and the share that came true.
    pub bins: Vec<Estimate>,
    /// The share of all tickets in each of equally wide slices of confidence, from 0 to 1.
    pub slices: Vec<f64>,
}

impl Reliability {
    /// The plot.
    pub fn svg(&self, title: &str) -> Markup {
        svg(430, title, |area| {
            let (upper, lower) = area.split_vertically(310);
            self.diagram(&upper)?;
            self.histogram(&lower)
        })
    }

    fn diagram(&self, area: &Area<'_>) -> Drawn {
        let mut chart = chart(area, 26).build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        axes(&mut chart.configure_mesh()).x_label_formatter(&tick).y_desc("was right").draw()?;
        chart.draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 5, 4, GREY.into()))?;
        chart.draw_series(self.bins.iter().map(interval))?;
        chart.draw_series(self.bins.iter().map(|b| Circle::new((b.x, b.y), 4, BLUE.filled())))?;
        Ok(())
    }

    fn histogram(&self, area: &Area<'_>) -> Drawn {
        let slices = self.slices.len().max(1) as f64;
        let highest = self.slices.iter().copied().fold(0.0, f64::max);
        let top = if highest > 0.0 { highest * 1.08 } else { 1.0 };
        let mut chart = chart(area, 44).margin_top(4).build_cartesian_2d(0.0..1.0, 0.0..top)?;
        axes(&mut chart.configure_mesh())
            .disable_mesh()
            .x_label_formatter(&tick)
            .y_labels(3)
            .x_desc("stated confidence")
            .y_desc("tickets")
            .draw()?;
        let bars = self.slices.iter().enumerate().map(|(i, share)| {
            let (from, to) = (i as f64 / slices, (i + 1) as f64 / slices);
            let mut bar = Rectangle::new([(from, 0.0), (to, *share)], BLUE.mix(0.55).filled());
            bar.set_margin(0, 0, 1, 1);
            bar
        });
        chart.draw_series(bars)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_and_slice_is_drawn() {
        let bin = |x| Estimate { x, y: x, low: x - 0.1, high: x + 0.1 };
        let plot = Reliability { bins: vec![bin(0.3), bin(0.6), bin(0.9)], slices: vec![0.25; 4] };
        let html = plot.svg("Reliability diagram").into_string();
        assert_eq!((html.matches("<circle").count(), html.matches("<rect").count()), (3, 4));
    }

    #[test]
    fn nothing_can_be_drawn_too() {
        let html = Reliability::default().svg("Reliability diagram").into_string();
        assert!(html.starts_with("<svg") && !html.contains("NaN"), "{html}");
    }
}
