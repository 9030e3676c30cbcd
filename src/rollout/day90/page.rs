//! The report as a page to print on A4: three numbers first.

use firstline_pages::{Column, Table, facts, label, note, notes, page, spark};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::tables::{self, Number};
use super::{Day90, Day90Week};
use crate::Sheet;
use crate::page::sheet;

impl Day90 {
    /// One HTML file, which loads nothing; days are in the desk's zone.
    pub fn html(&self, zone: &TimeZone) -> String {
        let about: Vec<(&str, Markup)> =
            tables::facts(self, zone).iter().map(|(name, value)| (*name, note(value))).collect();
        let title = format!("Report of day 90, {}", tables::days(self, zone));
        page(
            &title,
            &html! {
                div.numbers { @for one in tables::numbers(self) { (number(&one)) } }
                p.headline { b { (tables::outcome(self.verdict.outcome)) } ": " (note(after_word(&self.verdict.text))) }
                div.facts { (facts(&about)) }
                @for (heading, texts) in tables::notes(self) { (notes(heading, &texts)) }
                (courses(&self.weeks))
                @for table in tables::figures(self) { (sheet(&table)) }
                (rollbacks(&tables::rollbacks(&self.rollbacks)))
                @for table in tables::records(self) { (sheet(&table)) }
            },
        )
    }
}

/// The sentence without the word that stands before it already.
fn after_word(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, rest)| rest)
}

fn number(one: &Number) -> Markup {
    html! {
        section.number {
            h2 { (one.name) }
            p.value { (label(&one.value)) }
            @if one.estimate { p.mark { "ESTIMATE" } }
            ul.small { @for text in &one.about { li { (note(text)) } } }
        }
    }
}

/// Holds with their causes, which are sentences: nothing of them is cut.
fn rollbacks(holds: &Sheet) -> Markup {
    let (names, texts) =
        (["hold", "scope"].map(Column::name), ["since", "by whom and why", "ended"].map(Column::text));
    let mut table = Table::new([names[0], names[1], texts[0], texts[1], texts[2]]);
    for row in &holds.rows {
        let [hold, scope, since, why, ended] =
            std::array::from_fn(|i| note(row.get(i).map_or("", String::as_str)));
        table.row([&hold, &scope, &since, &why, &ended]);
    }
    html! {
        @if !table.is_empty() {
            section {
                h2 { (holds.heading) }
                p.small { (holds.about) }
                (table)
            }
        }
    }
}

/// Fewest weeks that have a course.
const FEWEST: usize = 2;

/// What is drawn of each week: a name, and the figure.
type Course = (&'static str, fn(&Day90Week) -> Option<f64>, fn(f64) -> String);

fn courses(weeks: &[Day90Week]) -> Markup {
    let errors = |week: &Day90Week| {
        let [errors, actions] = week.customer_visible_error;
        (actions > 0).then(|| errors as f64 / actions as f64)
    };
    let minutes = |minutes: f64| format!("{minutes:.0} min");
    let all: [Course; 5] = [
        ("Agreement", |week| week.agreement, crate::percent),
        ("Errors of actions", errors, crate::percent),
        ("First response, median", |week| week.frt_p50, crate::spoken),
        ("Drafts within 60 s", |week| week.drafted_in_time, crate::percent),
        ("Minutes a ticket", |week| week.minutes_per_ticket, minutes),
    ];
    html! {
        @if weeks.len() >= FEWEST {
            section.courses {
                h2 { "The course of the weeks" }
                div.sparks {
                    @for (name, of, say) in all {
                        @let values: Vec<Option<f64>> = weeks.iter().map(of).collect();
                        @let known: Vec<f64> = values.iter().copied().flatten().collect();
                        @if let (Some(first), Some(last)) = (known.first(), known.last()) {
                            figure {
                                (spark(&values, name))
                                figcaption { (name) ": " (say(*first)) " \u{2192} " (say(*last)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
