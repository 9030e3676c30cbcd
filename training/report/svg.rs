//! Drawing with plotters into a string that can stand inside an HTML page.

use std::error::Error;

use plotters::chart::MeshStyle;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Width of every plot, in CSS pixels.
pub(super) const WIDTH: u32 = 460;
/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Firstline. Blue and vermilion of Okabe and Ito stay apart for colour-blind readers and in grey.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// The baseline.
pub(super) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Helper lines.
pub(super) const GREY: RGBColor = RGBColor(0x77, 0x77, 0x77);

/// The area plots are drawn on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
/// Drawing into memory does not fail, but the crate's signatures say it may.
pub(super) type Drawn = Result<(), Box<dyn Error>>;

/// A figure with caption: what `draw` puts on an area `WIDTH x height`.
pub(super) fn figure(
    height: u32,
    title: &str,
    caption: &str,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> String {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&area).and_then(|()| area.present().map_err(Into::into))
    };
    let body = match drawn {
        Ok(()) => inline(&svg, title),
        Err(_) => "<p>This plot could not be drawn; the tables have its figures.</p>".to_owned(),
    };
    format!("<figure>\n{body}<figcaption>{caption}</figcaption></figure>\n")
}

/// Makes a stand-alone SVG inline: no namespace, a name for screen readers.
fn inline(svg: &str, title: &str) -> String {
    svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "").replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{title}\" "),
        1,
    )
}

/// Font of axis labels.
pub(super) fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// The axes of a plot over two numbers.
type Mesh<'a, 'b, 'c> = MeshStyle<'a, 'b, RangedCoordf64, RangedCoordf64, SVGBackend<'c>>;

/// Gives axes the look that all plots share.
pub(super) fn plain<'m, 'a, 'b, 'c>(mesh: &'m mut Mesh<'a, 'b, 'c>) -> &'m mut Mesh<'a, 'b, 'c> {
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(font(15))
        .axis_desc_style(font(15))
        .y_label_formatter(&tick)
        .x_labels(6)
        .y_labels(6)
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
    use super::*;

    #[test]
    fn a_figure_is_inline_and_named() {
        let html = figure(100, "A plot", "Its caption.", |area| {
            area.draw(&Text::new("in words", (10, 10), font(12)))?;
            Ok(())
        });
        assert!(html.contains("role=\"img\" aria-label=\"A plot\"") && html.contains("in words"), "{html}");
        assert!(!html.contains("http") && html.ends_with("<figcaption>Its caption.</figcaption></figure>\n"));
    }

    #[test]
    fn what_can_not_be_drawn_is_said() {
        let html = figure(100, "A plot", "Its caption.", |_| Err("no".into()));
        assert!(html.contains("could not be drawn"));
    }
}
