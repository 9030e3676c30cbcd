//! The style sheet, and the colours that plots share with it.

use plotters::style::RGBColor;

/// The style sheet of every page, for light and dark screens and for paper.
pub const STYLE: &str = include_str!("style.css");

/// Text and axes of plots.
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Grid lines.
pub(crate) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Helper lines.
pub(crate) const GREY: RGBColor = RGBColor(0x77, 0x77, 0x77);
/// What legends stand on.
pub(crate) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Firstline. Blue and vermilion of Okabe and Ito stay apart for colour-blind readers and in grey.
pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// What Firstline is compared with.
pub(crate) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable that is missing from either theme would leave an element without a colour, or with the other's.
    #[test]
    fn both_themes_set_the_same_variables() {
        let set = |css: &str| -> Vec<String> {
            let block = css.split_once(":root {").unwrap().1.split_once('}').unwrap().0;
            block.split(';').filter_map(|d| Some(d.trim().split_once(": ")?.0.to_owned())).collect()
        };
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        assert_eq!(set(light), set(dark));
        for used in STYLE.split("var(").skip(1) {
            let name = used.split_once(')').unwrap().0;
            assert!(set(light).iter().any(|v| v == name), "{name} is not set");
        }
    }
}
