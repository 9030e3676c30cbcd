//! What may be left to the machine, category by category, and for whom its confidence holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::FieldReport;
use super::escape::short;
use super::words::{percent, percent_range, thousands};
use crate::metrics::{GroupMetrics, LEAST_GROUP};
use crate::{Certification, CertificationStatus};

/// Categories and groups listed; a space may have thousands.
const LISTED: usize = 40;

/// What was certified for the field, whether it held here, and which categories may act alone.
pub(super) fn promises(out: &mut String, f: &FieldReport) {
    out.push_str("<h3>What it may decide alone</h3>\n");
    let _ = match &f.metrics.certified {
        Some(c) => writeln!(
            out,
            "<p>Certified beforehand, with 95&nbsp;% probability: from a confidence of {:.3} on, no more than {} are wrong. \
             Here that let {} of the tickets act alone, and {} of them were wrong.</p>",
            c.threshold,
            percent(c.target_error),
            percent(c.coverage),
            percent(c.error)
        ),
        None => writeln!(
            out,
            "<p>No confidence could be certified to keep errors under 2&nbsp;% of all {} decisions together.</p>",
            f.field
        ),
    };
    let Some(verdicts) = &f.verdicts else { return };
    let mut rows: Vec<(&String, &Certification)> = verdicts.categories.iter().collect();
    rows.sort_by_key(|(_, v)| (v.standing != CertificationStatus::Certified, std::cmp::Reverse(v.tickets)));
    let certified = rows.iter().filter(|(_, v)| v.standing == CertificationStatus::Certified).count();
    let _ = writeln!(
        out,
        "<p>Category by category, all promised together, {} of {} may act alone. A category is certified on its own \
         tickets, at least 149 of them, and on more where others are certified beside it.</p>",
        thousands(certified),
        thousands(rows.len())
    );
    out.push_str(
        "<table><caption>Categories and what they may do</caption>\n<thead><tr><th scope=\"col\">Category</th>\
         <th scope=\"col\" class=\"n\">Tickets tested</th><th scope=\"col\" class=\"n\">Wrong</th>\
         <th scope=\"col\">May act alone</th><th scope=\"col\" class=\"n\">Share that may</th>\
         <th scope=\"col\" class=\"n\">Wrong at most</th>\
         <th scope=\"col\" class=\"n\">Least left to people</th></tr></thead>\n<tbody>\n",
    );
    for (name, v) in rows.iter().take(LISTED) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            short(name),
            thousands(v.tickets),
            thousands(v.errors),
            v.in_words(),
            v.threshold.map_or_else(|| "&ndash;".to_owned(), |_| percent(v.coverage)),
            v.error_bound.map_or_else(|| "&ndash;".to_owned(), percent),
            percent(v.least_left_to_people),
        );
    }
    out.push_str("</tbody></table>\n");
    more(out, rows.len(), "categories");
}

/// Where labels have an order, in which direction they are wrong.
pub(super) fn calls(out: &mut String, f: &FieldReport) {
    let Some(c) = f.metrics.calls else { return };
    out.push_str("<table><caption>How far the decisions are from the right rank</caption>\n<tbody>\n");
    let rows = [
        ("Two ranks or more too low", c.far_under),
        ("One rank too low", c.under),
        ("Right", c.right),
        ("One rank too high", c.over),
        ("Two ranks or more too high", c.far_over),
    ];
    for (name, n) in rows {
        let _ = writeln!(out, "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td></tr>", thousands(n));
    }
    out.push_str("</tbody></table>\n");
}

/// Whether the confidence holds for each customer and each decision.
pub(super) fn groups(out: &mut String, f: &FieldReport) {
    let all = [("customer", &f.metrics.by_customer), ("decision", &f.metrics.by_decision)];
    if all.iter().all(|(_, groups)| groups.is_empty()) {
        return;
    }
    out.push_str("<h3>For whom the confidence holds</h3>\n");
    for (what, groups) in all {
        let off: Vec<String> =
            groups.iter().filter(|(_, g)| is_off(g)).map(|(name, _)| short(name)).take(LISTED).collect();
        let _ = match (groups.len(), off.is_empty()) {
            (0, _) => continue,
            (n, true) => writeln!(
                out,
                "<p>For each {what} with {LEAST_GROUP} tickets or more ({n}), the stated confidence lies within what \
                 chance allows around what came true.</p>"
            ),
            (_, false) => writeln!(
                out,
                "<p>By {what}, the stated confidence is off by more than chance allows for {}.</p>",
                off.join(", ")
            ),
        };
        table(out, what, groups);
    }
}

/// One group in twenty is off by chance alone; the table says so.
fn is_off(g: &GroupMetrics) -> bool {
    g.mean_confidence < g.accuracy_ci95.lo || g.mean_confidence > g.accuracy_ci95.hi
}

fn table(out: &mut String, what: &str, groups: &BTreeMap<String, GroupMetrics>) {
    let _ = write!(
        out,
        "<table><caption>By {what}</caption>\n<thead><tr><th scope=\"col\">Name</th>\
         <th scope=\"col\" class=\"n\">Tickets</th><th scope=\"col\" class=\"n\">Said</th>\
         <th scope=\"col\" class=\"n\">Came true</th><th scope=\"col\" class=\"n\">95&nbsp;% interval</th>\
         <th scope=\"col\" class=\"n\">ECE</th><th scope=\"col\" class=\"n\">Brier</th>\
         <th scope=\"col\" class=\"n\">NLL</th></tr></thead>\n<tbody>\n"
    );
    let mut rows: Vec<(&String, &GroupMetrics)> = groups.iter().collect();
    rows.sort_by_key(|(_, g)| std::cmp::Reverse(g.n));
    for (name, g) in rows.iter().take(LISTED) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td><td class=\"n\">{:.3}</td></tr>",
            short(name),
            thousands(g.n),
            percent(g.mean_confidence),
            percent(g.accuracy),
            percent_range(g.accuracy_ci95),
            g.ece,
            g.brier,
            g.nll,
        );
    }
    out.push_str("</tbody></table>\n");
    more(out, rows.len(), "groups");
    out.push_str("<p class=\"small\">Of twenty groups, one is outside its interval by chance.</p>\n");
}

fn more(out: &mut String, n: usize, what: &str) {
    if let Some(left @ 1..) = n.checked_sub(LISTED) {
        let _ = writeln!(out, "<p class=\"small\">Further {what} not listed: {}.</p>", thousands(left));
    }
}
