//! The page as a whole: which sections it has and in what order.

use firstline_pages::page;
use maud::{Markup, html};

use super::words::headline;
use super::{FieldReport, Report, facts, past, plots, tables, trust};

/// Writes the page: HTML, one file, no script, nothing loaded.
pub fn render(report: &Report) -> String {
    let main = html! {
        (facts::notes(&report.facts))
        @if report.fields.len() > 1 { (tables::overview(&report.fields)) }
        @for f in &report.fields { (field(f)) }
        (facts::provenance(&report.facts))
    };
    page(&report.title, &main)
}

fn field(f: &FieldReport) -> Markup {
    html! {
        section.field id=(f.field) {
            h2 { (capital(f.field.name())) }
            p.headline { (headline(f)) }
            @if f.metrics.n > 0 {
                (tables::baselines(f))
                (trust::promises(f))
                (trust::calls(f))
                .plots { (plots::reliability(f)) (plots::risk_coverage(f)) }
                (tables::figures(f))
                (trust::groups(f))
                (past::labels(f))
                (past::curve(f))
                (tables::blind_spots(f))
                h3 { "Which labels are taken for which" }
                .wide { (f.matrix.html()) }
                (tables::confused(f))
                (tables::classes(f))
            }
        }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
