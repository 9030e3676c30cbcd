//! Small parts that pages share.

use maud::{Markup, html};

use crate::text::{note, plain};

/// What the reader must know before the figures; nothing where there are no notes.
pub fn notes(heading: &str, notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            aside.notes {
                h2 { (heading) }
                ul { @for text in notes { li { (note(text)) } } }
            }
        }
    }
}

/// Names and values, one pair a line.
pub fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! {
        dl { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } }
    }
}

/// A share of 0 to 1 as a bar; `ours` is drawn in Firstline's colour. It needs neither a script nor an inline style.
pub fn bar(share: f64, ours: bool) -> Markup {
    html! {
        svg.bar.ours[ours] viewBox="0 0 100 6" preserveAspectRatio="none" {
            rect width=(format_args!("{:.1}", share * 100.0)) height="6" {}
        }
    }
}

/// Width and height of a [`spark`], and its rim.
const SPARK: [f64; 3] = [120.0, 28.0, 3.0];

/// The course of some figures as a line without axes, from 0 to their highest; a gap where one is not known. `name` is what a screen
/// reader says.
pub fn spark(values: &[Option<f64>], name: &str) -> Markup {
    let [width, height, rim] = SPARK;
    let top = values.iter().flatten().copied().fold(0.0, f64::max);
    let top = if top > 0.0 { top } else { 1.0 };
    let step = (width - 2.0 * rim) / (values.len().max(2) - 1) as f64;
    let point = |(i, value): (usize, Option<f64>)| {
        let y = height - rim - (height - 2.0 * rim) * (value? / top).clamp(0.0, 1.0);
        Some((rim + step * i as f64, y))
    };
    let points: Vec<Option<(f64, f64)>> = values.iter().copied().enumerate().map(point).collect();
    let line = |points: &[Option<(f64, f64)>]| {
        points.iter().flatten().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
    };
    html! {
        svg.spark viewBox=(format_args!("0 0 {width} {height}")) role="img" aria-label=(plain(name)) {
            line x1=(rim) x2=(width - rim) y1=(height - rim) y2=(height - rim) {}
            @for run in points.split(Option::is_none).filter(|run| !run.is_empty()) {
                polyline points=(line(run)) {}
            }
            @if let Some((x, y)) = points.iter().copied().flatten().last() {
                circle cx=(format_args!("{x:.1}")) cy=(format_args!("{y:.1}")) r="2" {}
            }
        }
    }
}

/// A plot with its caption.
pub fn figure(plot: &Markup, caption: &str) -> Markup {
    html! { figure { (plot) figcaption { (caption) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_notes_leave_no_trace() {
        assert_eq!(notes("Before you read", &[]).into_string(), "");
        let html = notes("Before you read", &["a < b".to_owned()]).into_string();
        assert!(html.contains("<h2>Before you read</h2><ul><li>a &lt; b</li></ul>"), "{html}");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let html = bar(0.25, true).into_string();
        assert!(html.starts_with("<svg class=\"bar ours\"") && html.contains("width=\"25.0\""), "{html}");
        assert!(bar(0.25, false).into_string().starts_with("<svg class=\"bar\""));
    }

    #[test]
    fn a_spark_has_gaps_where_nothing_is_known_and_ends_in_a_dot() {
        let html = spark(&[Some(1.0), Some(0.5), None, Some(0.0)], "a < b").into_string();
        assert!(
            html.contains("aria-label=\"a &lt; b\"") && html.contains("points=\"3.0,3.0 41.0,14.0\""),
            "{html}"
        );
        assert!(html.contains("points=\"117.0,25.0\"") && html.contains("cx=\"117.0\""), "{html}");
        assert!(!spark(&[None, None], "x").into_string().contains("polyline"));
        // One week, and figures that are all 0, are no fault.
        assert!(spark(&[Some(0.0)], "x").into_string().contains("points=\"3.0,25.0\""));
    }

    #[test]
    fn a_figure_has_its_caption_below() {
        let html = figure(&html! { svg {} }, "Its caption.").into_string();
        assert_eq!(html, "<figure><svg></svg><figcaption>Its caption.</figcaption></figure>");
    }
}
