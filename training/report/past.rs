//! What the history itself tells: how good its labels are, and what more of it would buy.

use firstline_pages::{
    Column, Estimate, LearningCurve, Table, figure, label, percent, percent_range, thousands,
};
use maud::{Markup, html};

use super::FieldReport;
use crate::CurvePoint;
use crate::audit::FieldAudit;

/// Entries of each kind that are listed.
const LISTED: usize = 10;

/// How good the labels are.
pub(super) fn labels(f: &FieldReport) -> Markup {
    html! { @if let Some(audit) = &f.audit { (doubts(audit)) (lists(audit)) } }
}

fn doubts(audit: &FieldAudit) -> Markup {
    let n = audit.suspects.len();
    let ceiling = &audit.ceiling;
    html! {
        h3 { "How good the labels of the history are" }
        p {
            (thousands(n)) " of " (thousands(audit.tickets)) " labels (" (percent(n as f64 / audit.tickets.max(1) as f64))
            ") are doubtful: going by all other tickets, another is the more probable. With labels like these no program can \
             be seen to agree with more than about "
            strong { (percent(ceiling.estimate)) }
            " (" (percent_range(ceiling.interval.lo, ceiling.interval.hi)) ") of them, however good it is" (grounds(audit))
            ". " code { "firstline audit-labels" } " lists the doubtful ones for people to go through."
        }
    }
}

fn grounds(audit: &FieldAudit) -> Markup {
    html! {
        @if let (Some(people), true) = (&audit.people, audit.ceiling.from_people) {
            ": people themselves chose the same for near-identical tickets in " (percent(people.agree)) " of "
            (thousands(people.families)) " cases"
        }
    }
}

fn lists(audit: &FieldAudit) -> Markup {
    let confused = audit.confused.iter().map(|c| [label(&c.given), label(&c.meant), count(c.tickets)]);
    let dead = audit.dead.iter().map(|d| {
        let last = d.last.map_or_else(|| "no date".to_owned(), |t| t.to_string().chars().take(10).collect());
        [label(&d.label), html! { (last) }, count(d.tickets)]
    });
    let technicians = audit.technicians.iter().map(|t| [label(&t.name), count(t.tickets), count(t.differ)]);
    html! {
        (list(["Given", "Likely meant", "Tickets"], confused))
        (list(["Label hardly used any more", "Last ticket", "Tickets"], dead))
        (list(["Technician", "Tickets that others had, too", "Labelled otherwise"], technicians))
    }
}

fn count(n: usize) -> Markup {
    html! { (thousands(n)) }
}

/// The first rows, the last column being figures; nothing where there is no row.
fn list([a, b, c]: [&str; 3], rows: impl Iterator<Item = [Markup; 3]>) -> Markup {
    let mut table = Table::new([Column::text(a), Column::text(b), Column::number(c)]);
    for [a, b, c] in rows.take(LISTED) {
        table.row([&a, &b, &c]);
    }
    html! { @if !table.is_empty() { (table) } }
}

/// What more history would buy.
pub(super) fn curve(f: &FieldReport) -> Markup {
    let Some(last) = f.curve.last() else { return html! {} };
    // What twice the history has brought: the last point is compared with one of half its tickets or fewer.
    let half = f.curve.iter().rev().find(|p| 2 * p.tickets <= last.tickets).or(f.curve.first());
    let Some(before) = half.filter(|p| p.tickets < last.tickets) else { return html! {} };
    html! {
        h3 { "What more history would buy" }
        p {
            "From " (thousands(before.tickets)) " to " (thousands(last.tickets))
            " tickets, the share of right answers went from " (percent(before.accuracy)) " to " (percent(last.accuracy))
            ": " (trend(before, last)) "."
        }
        .plots { (plot(&f.curve)) (steps(&f.curve)) }
    }
}

fn trend(before: &CurvePoint, last: &CurvePoint) -> &'static str {
    if before.accuracy < last.accuracy_ci95.lo {
        "it is still rising, so more history will make it better"
    } else if before.accuracy > last.accuracy_ci95.hi {
        "it has fallen: older tickets may follow other rules than today's"
    } else {
        "no more than chance may move it, so more tickets of the same kind will change little"
    }
}

fn plot(curve: &[CurvePoint]) -> Markup {
    let caption = "Learning curve, without fine-tuning. Across: tickets learnt from, newest first. Blue: right answers on \
                   tickets kept apart, with 95\u{a0}% intervals; orange: share that could be certified to act alone.";
    let right = curve.iter().map(|p| Estimate {
        x: p.tickets as f64,
        y: p.accuracy,
        low: p.accuracy_ci95.lo,
        high: p.accuracy_ci95.hi,
    });
    let alone = curve.iter().map(|p| (p.tickets as f64, p.certified));
    let plot = LearningCurve { right: right.collect(), alone: alone.collect() };
    figure(&plot.svg("Learning curve"), caption)
}

fn steps(curve: &[CurvePoint]) -> Markup {
    let rows = curve.iter().map(|p| {
        let range = percent_range(p.accuracy_ci95.lo, p.accuracy_ci95.hi);
        [count(p.tickets), html! { (percent(p.accuracy)) " (" (range) ")" }, html! { (percent(p.certified)) }]
    });
    list(["Tickets learnt from", "Right", "May act alone"], rows)
}
