//! A report as a page to print.

use firstline_pages::{facts, label, note, notes, page};
use maud::{Markup, html};

use crate::report::{Report, Sheet};

impl Report {
    /// One HTML file, which loads nothing.
    pub fn html(&self) -> String {
        self.html_with(&html! {})
    }

    /// The same with `more` at its end.
    pub(crate) fn html_with(&self, more: &Markup) -> String {
        let pairs: Vec<(&str, Markup)> =
            self.facts.iter().map(|(name, value)| (*name, note(value))).collect();
        page(
            &self.title,
            &html! {
                div.facts { (facts(&pairs)) }
                @for (heading, texts) in &self.notes { (notes(heading, texts)) }
                @for table in &self.tables { (sheet(table)) }
                (more)
            },
        )
    }
}

/// Rows of a table that stays on one page.
const FEW: usize = 14;

/// Characters of a row's name that stays on one line.
const SHORT: usize = 40;

pub(crate) fn sheet(sheet: &Sheet) -> Markup {
    let class = |column: usize| (column > 0).then_some("n");
    // Short names stay on one line; long ones would push the figures off the page.
    let short = sheet.rows.iter().all(|row| row.first().is_none_or(|name| name.chars().count() <= SHORT));
    let few = sheet.rows.len() <= FEW;
    html! {
        section class=[few.then_some("few")] {
            h2 { (sheet.heading) }
            p.small { (sheet.about) }
            div.wide {
                table {
                    thead { tr { @for (i, name) in sheet.columns.iter().enumerate() { th scope="col" class=[class(i)] { (name) } } } }
                    tbody {
                        @for row in &sheet.rows {
                            "\n"
                            tr {
                                @for (i, cell) in row.iter().enumerate() {
                                    @if i == 0 { th scope="row" class=[short.then_some("name")] { (label(cell)) } } @else { td class=[class(i)] { (label(cell)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_page_and_names_of_others_are_text() {
        let table = Sheet {
            heading: "By customer".to_owned(),
            about: "People's tickets.".to_owned(),
            columns: vec!["group", "tickets"],
            rows: vec![vec!["<b>Corvid & Co</b>".to_owned(), "12".to_owned()]],
        };
        let report = Report {
            title: "Baseline".to_owned(),
            facts: vec![("Time", "90 days".to_owned())],
            notes: vec![("Mind", vec!["a < b".to_owned()]), ("Left out", Vec::new())],
            tables: vec![table],
        };
        let html = report.html();
        assert!(
            html.contains("<th scope=\"row\" class=\"name\">&lt;b&gt;Corvid &amp; Co&lt;/b&gt;</th><td class=\"n\">12</td>"),
            "{html}"
        );
        assert!(
            html.contains("a &lt; b") && !html.contains("Left out") && html.contains("<h1>Baseline</h1>")
        );
    }
}
