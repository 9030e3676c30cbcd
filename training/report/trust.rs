//! What may be left to the machine, category by category, and for whom its confidence holds.

use std::collections::BTreeMap;

use firstline_pages::{Column, DASH, Table, label, percent, percent_range, thousands};
use maud::{Markup, html};

use super::FieldReport;
use super::tables::listed;
use crate::metrics::{GroupMetrics, LEAST_GROUP};
use crate::{CategoryCertification, CertificationStatus};

/// Categories and groups listed; a space may have thousands.
const LISTED: usize = 40;

/// What was certified for the field, whether it held here, and which categories may act alone.
pub(super) fn promises(f: &FieldReport) -> Markup {
    html! {
        h3 { "What it may decide alone" }
        p {
            @if let Some(c) = &f.metrics.certified {
                "Certified beforehand, with 95\u{a0}% probability: from a confidence of "
                (format_args!("{:.3}", c.threshold)) " on, no more than " (percent(c.target_error))
                " are wrong. Here that let " (percent(c.coverage)) " of the tickets act alone, and " (percent(c.error))
                " of them were wrong."
            } @else {
                "No confidence could be certified to keep errors under 2\u{a0}% of all " (f.field) " decisions together."
            }
        }
        @if let Some(verdicts) = &f.verdicts { (categories(&verdicts.categories)) }
    }
}

fn categories(verdicts: &[CategoryCertification]) -> Markup {
    let mut rows: Vec<&CategoryCertification> = verdicts.iter().collect();
    let is_certified =
        |one: &CategoryCertification| one.certification.standing == CertificationStatus::Certified;
    rows.sort_by_key(|one| (!is_certified(one), std::cmp::Reverse(one.certification.tickets)));
    let certified = rows.iter().filter(|one| is_certified(one)).count();
    let mut table = Table::new([
        Column::head("Category"),
        Column::number("Tickets tested"),
        Column::number("Wrong"),
        Column::text("May act alone"),
        Column::number("Share that may"),
        Column::number("Wrong at most"),
        Column::number("Least left to people"),
    ])
    .caption("Categories and what they may do");
    for CategoryCertification { category, certification: v } in rows.iter().take(LISTED) {
        table.row([
            &label(&category.to_string()),
            &thousands(v.tickets),
            &thousands(v.errors),
            &v.in_words(),
            &v.threshold.map_or_else(|| DASH.to_owned(), |_| percent(v.coverage)),
            &v.error_bound.map_or_else(|| DASH.to_owned(), percent),
            &percent(v.least_left_to_people),
        ]);
    }
    html! {
        p {
            "Category by category, all promised together, " (thousands(certified)) " of " (thousands(rows.len()))
            " may act alone. A category is a board and a type that are decided together. It is certified on its own tickets, at \
             least 149 of them, and on more where others are certified beside it. A priority errs where it is less urgent than the \
             closing one."
        }
        (table)
        (more(rows.len(), "categories"))
    }
}

/// Where labels have an order, in which direction they are wrong.
pub(super) fn calls(f: &FieldReport) -> Markup {
    let mut table = Table::new([Column::head(""), Column::number("")])
        .caption("How far the decisions are from the right rank");
    let rows = f.metrics.calls.map(|c| {
        [
            ("Two ranks or more too low", c.far_under),
            ("One rank too low", c.under),
            ("Right", c.right),
            ("One rank too high", c.over),
            ("Two ranks or more too high", c.far_over),
        ]
    });
    for (name, n) in rows.into_iter().flatten() {
        table.row([&name, &thousands(n)]);
    }
    html! { @if !table.is_empty() { (table) } }
}

/// Whether the confidence holds for each customer and each decision.
pub(super) fn groups(f: &FieldReport) -> Markup {
    let all = [("customer", &f.metrics.by_customer), ("decision", &f.metrics.by_decision)];
    html! {
        @if all.iter().any(|(_, groups)| !groups.is_empty()) { h3 { "For whom the confidence holds" } }
        @for (what, groups) in all {
            @if !groups.is_empty() { (verdict(what, groups)) (table(what, groups)) }
        }
    }
}

fn verdict(what: &str, groups: &BTreeMap<String, GroupMetrics>) -> Markup {
    let mut off = groups.iter().filter(|(_, g)| is_off(g)).map(|(name, _)| name).take(LISTED).peekable();
    html! {
        p {
            @if off.peek().is_none() {
                "For each " (what) " with " (LEAST_GROUP) " tickets or more (" (groups.len())
                "), the stated confidence lies within what chance allows around what came true."
            } @else {
                "By " (what) ", the stated confidence is off by more than chance allows for " (listed(off)) "."
            }
        }
    }
}

/// One group in twenty is off by chance alone; the table says so.
fn is_off(g: &GroupMetrics) -> bool {
    g.mean_confidence < g.accuracy_ci95.lo || g.mean_confidence > g.accuracy_ci95.hi
}

fn table(what: &str, groups: &BTreeMap<String, GroupMetrics>) -> Markup {
    let mut table = Table::new([
        Column::head("Name"),
        Column::number("Tickets"),
        Column::number("Said"),
        Column::number("Came true"),
        Column::number("95\u{a0}% interval"),
        Column::number("ECE"),
        Column::number("Brier"),
        Column::number("NLL"),
    ])
    .caption(format!("By {what}"));
    let mut rows: Vec<(&String, &GroupMetrics)> = groups.iter().collect();
    rows.sort_by_key(|(_, g)| std::cmp::Reverse(g.n));
    for (name, g) in rows.iter().take(LISTED) {
        table.row([
            &label(name),
            &thousands(g.n),
            &percent(g.mean_confidence),
            &percent(g.accuracy),
            &percent_range(g.accuracy_ci95.lo, g.accuracy_ci95.hi),
            &format_args!("{:.3}", g.ece),
            &format_args!("{:.3}", g.brier),
            &format_args!("{:.3}", g.nll),
        ]);
    }
    html! {
        (table)
        (more(rows.len(), "groups"))
        p.small { "Of twenty groups, one is outside its interval by chance." }
    }
}

fn more(n: usize, what: &str) -> Markup {
    html! {
        @if let Some(left @ 1..) = n.checked_sub(LISTED) {
            p.small { "Further " (what) " not listed: " (thousands(left)) "." }
        }
    }
}
