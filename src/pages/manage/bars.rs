//! A figure week by week: bars with their intervals, the lines that they are held against, and the same as a table.
//!
//! A drawing has classes and attributes alone: the policy of the pages forbids inline style. What it shows stands in the table too.

use maud::{Markup, html};

use super::parts::{FigureView, Target, Unit, table, value};
use super::words::Words;
use crate::table::Column;
use crate::text::{label, plain};
use crate::words::{Language, filled};

/// The figure of a week.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bar {
    /// Its number in the programme.
    pub week: u32,
    /// In ISO 8601.
    pub iso: String,
    /// The figure.
    pub figure: FigureView,
    /// Whether later news can no longer change what counts.
    pub settled: bool,
    /// What happened in it: triggers, holidays.
    pub notes: Vec<String>,
}

/// Width of a week, height of the drawing, its rim.
const WIDTH: f64 = 20.0;
const HEIGHT: f64 = 90.0;
const RIM: f64 = 8.0;

/// The drawing, and its table.
pub(super) fn bars(
    (title, name): (&str, &str),
    bars: &[Bar],
    (target, trigger): (Option<Target>, Option<Target>),
    unit: Unit,
    (words, language): (&'static Words, Language),
) -> Markup {
    html! {
        @if bars.is_empty() {
            p.small { (words.no_weeks) }
        } @else {
            (drawing(title, bars, [target, trigger]))
            p.small {
                @for (line, word) in [(target, words.target_line), (trigger, words.trigger_line)] {
                    @if let Some(line) = line { (filled(word, &[("value", &value(line.value, unit, language))])) " " }
                }
                (words.bars_key)
            }
            details {
                summary { (filled(words.as_table, &[("title", name)])) }
                (rows(name, bars, unit, (words, language)))
            }
        }
    }
}

fn rows(title: &str, bars: &[Bar], unit: Unit, (words, language): (&'static Words, Language)) -> Markup {
    let columns = [
        Column::name(words.week),
        Column::number(words.value),
        Column::number(words.n),
        Column::text(words.interval_head),
        Column::text(words.standing),
        Column::text(words.notes),
    ];
    let row = |bar: &Bar| {
        let FigureView { value: known, n, .. } = bar.figure;
        [
            html! { @if bar.week > 0 { (filled(words.week_number, &[("n", &bar.week.to_string())])) " · " } (label(&bar.iso)) },
            html! { (bar.figure.show(unit, words, language)) },
            html! { (n) },
            html! { @if known.is_some() { (bar.figure.interval(unit, words, language)) } },
            html! { (if bar.settled { words.settled } else { words.closed }) },
            html! { @for (i, one) in bar.notes.iter().enumerate() { @if i > 0 { "; " } (label(one)) } },
        ]
    };
    table(columns, title, bars.iter().map(row))
}

/// A value's place on the page, 0 at the foot.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(bars: &[Bar], lines: [Option<Target>; 2]) -> Self {
        let figures = bars.iter().map(|bar| bar.figure);
        let values = figures.flat_map(|of| [of.value, of.low, of.high]).flatten();
        let all: Vec<f64> =
            values.chain(lines.iter().flatten().map(|line| line.value)).filter(|v| v.is_finite()).collect();
        let low = all.iter().copied().fold(0.0, f64::min);
        let high = all.iter().copied().fold(0.0, f64::max);
        Self { low, high: if high > low { high } else { low + 1.0 } }
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - RIM - (HEIGHT - 2.0 * RIM) * share
    }
}

fn drawing(title: &str, bars: &[Bar], lines: [Option<Target>; 2]) -> Markup {
    let scale = Scale::of(bars, lines);
    let width = WIDTH * bars.len() as f64;
    let foot = scale.y(0.0);
    let at = |n: f64| format!("{n:.1}");
    html! {
        svg.weeks viewBox=(format_args!("0 0 {width} {HEIGHT}")) role="img" aria-label=(plain(title)) preserveAspectRatio="none" {
            @for (i, bar) in bars.iter().enumerate() {
                @let left = WIDTH * i as f64;
                @if let Some(value) = bar.figure.value.filter(|value| value.is_finite()) {
                    @let y = scale.y(value);
                    rect.open[!bar.settled] x=(at(left + 3.0)) y=(at(y.min(foot))) width=(at(WIDTH - 6.0))
                        height=(at((y - foot).abs().max(0.5))) {}
                }
                @if let (Some(low), Some(high)) = (bar.figure.low, bar.figure.high) {
                    line.interval x1=(at(left + WIDTH / 2.0)) x2=(at(left + WIDTH / 2.0)) y1=(at(scale.y(low))) y2=(at(scale.y(high))) {}
                }
                @if !bar.notes.is_empty() {
                    path.note d=(format_args!("M{:.1} 0 l4 6 h-8 z", left + WIDTH / 2.0)) {}
                }
            }
            line.foot x1="0" x2=(width) y1=(at(foot)) y2=(at(foot)) {}
            @for (line, class) in lines.into_iter().zip(["target", "trigger"]) {
                @if let Some(line) = line {
                    line class=(class) x1="0" x2=(width) y1=(at(scale.y(line.value))) y2=(at(scale.y(line.value))) {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(week: u32, value: Option<f64>) -> Bar {
        Bar {
            week,
            iso: format!("2026-W{week:02}"),
            figure: FigureView { value, n: 20, ..FigureView::default() },
            ..Bar::default()
        }
    }

    #[test]
    fn a_bar_stands_on_the_foot_and_is_as_high_as_its_value() {
        let all = [bar(1, Some(0.5)), bar(2, None), bar(3, Some(1.0))];
        let html = drawing("x < y", &all, [None, None]).into_string();
        assert!(html.contains("aria-label=\"x &lt; y\"") && html.contains("viewBox=\"0 0 60 90\""), "{html}");
        assert_eq!(html.matches("<rect").count(), 2, "a week that nobody knows has no bar");
        assert!(html.contains("y=\"45.0\" width=\"14.0\" height=\"37.0\""), "{html}");
        assert!(html.contains("y=\"8.0\" width=\"14.0\" height=\"74.0\""), "{html}");
    }

    #[test]
    fn a_value_below_nothing_hangs_from_the_foot_and_lines_fit_in() {
        let target = Target { at_least: false, value: -0.4 };
        let html =
            drawing("x", &[bar(1, Some(-0.2)), bar(2, Some(f64::NAN))], [Some(target), None]).into_string();
        assert!(html.contains("y=\"8.0\" width=\"14.0\" height=\"37.0\""), "{html}");
        assert!(html.contains("class=\"target\" x1=\"0\" x2=\"40\" y1=\"82.0\""), "{html}");
        assert!(!html.contains("NaN") && !html.contains("style="), "{html}");
    }
}
