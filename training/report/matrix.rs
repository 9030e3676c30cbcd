//! The confusion matrix of the most frequent labels, as a table that reads without colour.

use std::fmt::Write as _;

use firstline_pages::{label, thousands};
use firstline_ticket::LabelSpace;
use maud::{Markup, html};

use crate::metrics::{ClassTable, Confusion};

/// Labels with a row of their own.
const SHOWN: usize = 20;
/// Steps of shade, `s1` to `s5` in the style sheet.
const SHADES: usize = 5;

/// Counts of truth against prediction for the most frequent labels; the others are added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The labels with a row and a column of their own, most frequent first.
    pub labels: Vec<String>,
    /// Labels added up in the row and column "other".
    pub others: usize,
    /// One row a label, then "other", then the labels never seen in training; one column a label, then
    /// "other". A row or column that would be empty is left out.
    pub rows: Vec<Vec<usize>>,
    /// Whether the last row is that of labels never seen.
    pub has_unseen: bool,
}

impl Matrix {
    /// Lays out `confusion`; `table` gives the frequencies.
    pub(super) fn new(labels: &LabelSpace, table: &ClassTable, confusion: &Confusion) -> Self {
        let used = |i: &usize| table.classes[*i].support + table.classes[*i].predicted > 0;
        let mut order: Vec<usize> = (0..table.classes.len()).filter(used).collect();
        order.sort_by_key(|i| std::cmp::Reverse(table.classes[*i].support));
        let others = order.len().saturating_sub(SHOWN);
        order.truncate(SHOWN);

        let columns = order.len() + usize::from(others > 0);
        let has_unseen = table.unseen > 0;
        let mut place = vec![order.len(); table.classes.len()];
        for (at, i) in order.iter().enumerate() {
            place[*i] = at;
        }
        let mut rows = vec![vec![0; columns]; columns + usize::from(has_unseen)];
        for (truth, predicted, n) in confusion.entries() {
            let row = truth.map_or(columns, |t| place[t as usize]);
            rows[row][place[predicted as usize]] += n;
        }
        let labels = order.iter().map(|i| labels.label(*i).to_owned()).collect();
        Self { labels, others, rows, has_unseen }
    }

    /// The table, rows the truth and columns the prediction. Columns are named by number, as names would
    /// not fit a printed page.
    pub(super) fn html(&self) -> Markup {
        let grey = if self.others > 0 { ", grey is either" } else { "" };
        html! {
            table.matrix {
                caption {
                    "Rows: what it was. Columns: what Firstline said, by the numbers of the rows. Shade: share of the row; \
                     blue is right, orange is wrong" (grey) "."
                }
                thead {
                    tr {
                        th scope="col" { "It was" }
                        @for i in 1..=self.labels.len() { th.n scope="col" { (i) } }
                        @if self.others > 0 { th.n scope="col" { "other" } }
                        th.n.sum scope="col" { "all" }
                    }
                }
                tbody { @for (i, row) in self.rows.iter().enumerate() { "\n" (self.row(i, row)) } }
            }
        }
    }

    fn row(&self, i: usize, row: &[usize]) -> Markup {
        let total: usize = row.iter().sum();
        html! {
            tr {
                th scope="row" { (self.name(i)) }
                @for (j, n) in row.iter().enumerate() {
                    td class=(self.class(i, j, *n, total)) { @if *n > 0 { (thousands(*n)) } }
                }
                td.n.sum { (thousands(total)) }
            }
        }
    }

    fn name(&self, row: usize) -> Markup {
        match self.labels.get(row) {
            Some(name) => html! { b { (row + 1) } " " (label(name)) },
            None if row == self.labels.len() && self.others > 0 => {
                html! { "other labels (" (thousands(self.others)) ")" }
            }
            None => html! { "not in training" },
        }
    }

    /// `n`, then the cell's colour: `d` on the diagonal, and the shade of its share of the row. Where "other"
    /// meets "other" the two labels may or may not be the same, so that cell has no colour, `o`.
    fn class(&self, row: usize, column: usize, n: usize, total: usize) -> String {
        if row == column && column >= self.labels.len() {
            return "n o".to_owned();
        }
        let mut class = String::from(if row == column { "n d" } else { "n" });
        if n > 0 {
            let shade = (n * SHADES).div_ceil(total.max(1)).clamp(1, SHADES);
            let _ = write!(class, " s{shade}");
        }
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Predictions;

    fn matrix(k: usize, pairs: &[(Option<u32>, usize)]) -> Matrix {
        let space = LabelSpace::new((0..k).map(|i| format!("label {i:03}")));
        let mut probs = vec![0.0; k * pairs.len()];
        for (row, (_, predicted)) in pairs.iter().enumerate() {
            probs[row * k + predicted] = 1.0;
        }
        let p = Predictions::new(k, probs, pairs.iter().map(|p| p.0).collect()).unwrap();
        Matrix::new(&space, &ClassTable::new(&p), &Confusion::new(&p))
    }

    #[test]
    fn few_labels_stand_by_themselves() {
        let m = matrix(3, &[(Some(1), 1), (Some(1), 1), (Some(0), 1), (None, 0)]);
        assert_eq!(m.labels, ["label 001", "label 000"]);
        assert_eq!((m.rows, m.has_unseen, m.others), (vec![vec![2, 0], vec![1, 0], vec![0, 1]], true, 0));
    }

    #[test]
    fn many_labels_are_added_up_and_no_ticket_is_lost() {
        let pairs: Vec<_> = (0..100).map(|i| (Some(i % 50), ((i * 7) % 50) as usize)).collect();
        let m = matrix(50, &pairs);
        assert_eq!((m.labels.len(), m.others, m.rows.len(), m.has_unseen), (SHOWN, 30, SHOWN + 1, false));
        assert_eq!(m.rows.iter().flatten().sum::<usize>(), 100);
        assert!(m.html().into_string().contains("other labels (30)"));
    }

    #[test]
    fn shades_follow_the_share_of_the_row() {
        let m = Matrix { labels: vec!["a".to_owned(), "b".to_owned()], others: 3, ..Matrix::default() };
        assert_eq!(m.class(0, 0, 0, 10), "n d");
        assert_eq!(m.class(0, 1, 1, 1000), "n s1");
        assert_eq!(m.class(1, 1, 10, 10), "n d s5");
        assert_eq!(m.class(2, 2, 10, 10), "n o");
    }
}
