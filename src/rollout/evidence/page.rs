//! Evidence as a page to print, with its reliability diagrams.

use firstline_pages::{Estimate, Reliability, figure};
use maud::{Markup, html};

use super::{Calibration, Evidence};

/// Slices of the histogram below a diagram.
const SLICES: usize = 20;

impl Evidence {
    /// One HTML file, which loads nothing.
    pub fn html(&self) -> String {
        self.report().html_with(&self.diagrams())
    }

    fn diagrams(&self) -> Markup {
        html! {
            @if !self.calibration.is_empty() {
                section {
                    h2 { "Stated confidence and what came true" }
                    div.plots { @for (field, found) in &self.calibration { (diagram(field.name(), found)) } }
                }
            }
        }
    }
}

fn diagram(field: &str, found: &Calibration) -> Markup {
    let bins = found.bins.iter().filter(|bin| bin.n > 0);
    let estimate = |bin: &super::CalibrationBin| Estimate {
        x: bin.confidence,
        y: bin.right as f64 / bin.n as f64,
        low: bin.low,
        high: bin.high,
    };
    let mut slices = vec![0.0; SLICES];
    for bin in bins.clone() {
        let slice = ((bin.confidence * SLICES as f64) as usize).min(SLICES - 1);
        slices[slice] += bin.n as f64 / found.n.max(1) as f64;
    }
    let caption = format!(
        "{field}: each dot is about a fifteenth of the tickets with its 95\u{a0}% interval. On the dashed line the stated confidence is what \
         came true; below it, it promises too much. Bars: where these groups of tickets lie."
    );
    let plot = Reliability { bins: bins.map(estimate).collect(), slices };
    figure(&plot.svg(&format!("Reliability of {field}")), &caption)
}
