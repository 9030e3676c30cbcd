//! Drawing with plotters into markup that can stand inside a page.

use std::error::Error;

use maud::{Markup, PreEscaped, html};
use plotters::chart::MeshStyle;
use plotters::coord::types::RangedCoordf64;
use plotters::element::PathElement;
use plotters::prelude::{
    ChartBuilder, DrawingArea, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, TRANSPARENT, TextStyle,
};

use super::Estimate;
use crate::style::{BLUE, GRID, INK};
use crate::text::plain;

/// Width of every plot, in CSS pixels.
const WIDTH: u32 = 460;

/// The area plots are drawn on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
/// Drawing into memory does not fail, but the crate's signatures say it may.
pub(super) type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// The plot that `draw` puts on an area of `WIDTH` x `height`.
pub(super) fn svg(height: u32, title: &str, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Markup {
    inside(height, draw).map_or_else(
        |_| html! { p { "This plot could not be drawn; the tables have its figures." } },
        |drawn| {
            html! {
                svg role="img" aria-label=(plain(title)) width=(WIDTH) height=(height)
                    viewBox={ "0 0 " (WIDTH) " " (height) } { (drawn) }
            }
        },
    )
}

/// What is drawn, without the outer element: that one would name a namespace and have no title.
fn inside(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn<PreEscaped<String>> {
    let mut whole = String::new();
    {
        let area = SVGBackend::with_string(&mut whole, (WIDTH, height)).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let after_tag = whole.split_once('>').map(|(_, rest)| rest.trim_end());
    let drawn = after_tag.and_then(|rest| rest.strip_suffix("</svg>")).ok_or("no <svg> was drawn")?;
    // plotters escapes the text that it draws.
    Ok(PreEscaped(drawn.to_owned()))
}

/// Font of axis labels.
pub(super) fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// The margins that all plots share.
pub(super) fn chart<'a, 'b>(area: &'a Area<'b>, below: u32) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin(8).margin_right(24).x_label_area_size(below).y_label_area_size(64);
    chart
}

/// The axes of a plot over two numbers.
type Mesh<'a, 'b, 'c> = MeshStyle<'a, 'b, RangedCoordf64, RangedCoordf64, SVGBackend<'c>>;

/// Gives axes the look that all plots share.
pub(super) fn axes<'m, 'a, 'b, 'c>(mesh: &'m mut Mesh<'a, 'b, 'c>) -> &'m mut Mesh<'a, 'b, 'c> {
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(font(15))
        .axis_desc_style(font(15))
        .y_label_formatter(&tick)
        .x_labels(6)
        .y_labels(6)
}

/// The interval of an estimate, as a line up and down.
pub(super) fn interval(e: &Estimate) -> PathElement<(f64, f64)> {
    PathElement::new([(e.x, e.low), (e.x, e.high)], stroke(BLUE))
}

/// A line in `colour`.
pub(super) fn stroke(colour: RGBColor) -> plotters::style::ShapeStyle {
    plotters::style::Color::stroke_width(&colour, 2)
}

/// A share as an axis label.
pub(super) fn tick(share: &f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A small share as an axis label.
pub(super) fn tick_fine(share: &f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use plotters::element::Text;

    use super::*;

    #[test]
    fn a_plot_is_inline_and_named() {
        let html = svg(100, "A \"plot\"", |area| {
            area.draw(&Text::new("in <words>", (10, 10), font(12)))?;
            Ok(())
        });
        let html = html.into_string();
        assert!(
            html.starts_with(
                "<svg role=\"img\" aria-label=\"A &quot;plot&quot;\" width=\"460\" height=\"100\""
            )
        );
        assert!(html.contains("viewBox=\"0 0 460 100\"") && html.contains("in &lt;words&gt;"), "{html}");
        assert!(!html.contains("http") && html.ends_with("</text>\n</svg>"), "{html}");
    }

    #[test]
    fn what_can_not_be_drawn_is_said() {
        assert!(svg(100, "A plot", |_| Err("no".into())).into_string().contains("could not be drawn"));
    }
}
