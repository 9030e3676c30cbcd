//! What the history itself tells: how good its labels are, and what more of it would buy.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::FieldReport;
use super::escape::short;
use super::svg::{Area, BLUE, Drawn, VERMILION, figure, plain};
use super::words::{percent, percent_range, thousands};
use crate::CurvePoint;
use crate::audit::FieldAudit;

/// Entries of each kind that are listed.
const LISTED: usize = 10;

/// How good the labels are.
pub(super) fn labels(out: &mut String, f: &FieldReport) {
    let Some(audit) = &f.audit else { return };
    let n = audit.suspects.len();
    let _ = writeln!(
        out,
        "<h3>How good the labels of the history are</h3>\n<p>{} of {} labels ({}) are doubtful: going by all other \
         tickets, another is the more probable. With labels like these no program can be seen to agree with more than about \
         <strong>{}</strong> ({}) of them, however good it is{}. <code>firstline audit-labels</code> lists the doubtful ones for people to go through.</p>",
        thousands(n),
        thousands(audit.tickets),
        percent(n as f64 / audit.tickets.max(1) as f64),
        percent(audit.ceiling.estimate),
        percent_range(audit.ceiling.interval),
        grounds(audit),
    );
    list(
        out,
        ["Given", "Likely meant", "Tickets"],
        audit.confused.iter().map(|c| [short(&c.given), short(&c.meant), thousands(c.tickets)]),
    );
    list(
        out,
        ["Label hardly used any more", "Last ticket", "Tickets"],
        audit.dead.iter().map(|d| {
            let last =
                d.last.map_or_else(|| "no date".to_owned(), |t| t.to_string().chars().take(10).collect());
            [short(&d.label), last, thousands(d.tickets)]
        }),
    );
    list(
        out,
        ["Technician", "Tickets that others had, too", "Labelled otherwise"],
        audit.technicians.iter().map(|t| [short(&t.name), thousands(t.tickets), thousands(t.differ)]),
    );
}

fn grounds(audit: &FieldAudit) -> String {
    match (&audit.people, audit.ceiling.from_people) {
        (Some(people), true) => format!(
            ": people themselves chose the same for near-identical tickets in {} of {} cases",
            percent(people.agree),
            thousands(people.families)
        ),
        _ => String::new(),
    }
}

fn list(out: &mut String, header: [&str; 3], rows: impl Iterator<Item = [String; 3]>) {
    let mut rows = rows.take(LISTED).peekable();
    if rows.peek().is_none() {
        return;
    }
    let [a, b, c] = header;
    let _ = writeln!(
        out,
        "<table><thead><tr><th scope=\"col\">{a}</th><th scope=\"col\">{b}</th>\
         <th scope=\"col\" class=\"n\">{c}</th></tr></thead>\n<tbody>"
    );
    for [a, b, c] in rows {
        let _ = writeln!(out, "<tr><td>{a}</td><td>{b}</td><td class=\"n\">{c}</td></tr>");
    }
    out.push_str("</tbody></table>\n");
}

/// What more history would buy.
pub(super) fn curve(out: &mut String, f: &FieldReport) {
    let Some(last) = f.curve.last() else { return };
    // Of half the history or less: what doubling it has brought.
    let half = f.curve.iter().rev().find(|p| 2 * p.tickets <= last.tickets).or(f.curve.first());
    let Some(before) = half.filter(|p| p.tickets < last.tickets) else { return };
    let verdict = if before.accuracy < last.accuracy_ci95.lo {
        "it is still rising, so more history will make it better"
    } else if before.accuracy > last.accuracy_ci95.hi {
        "it has fallen: older tickets may follow other rules than today's"
    } else {
        "no more than chance may move it, so more tickets of the same kind will change little"
    };
    let _ = write!(
        out,
        "<h3>What more history would buy</h3>\n<p>From {} to {} tickets, the share of right answers went from {} to {}: \
         {verdict}.</p>\n<div class=\"plots\">\n",
        thousands(before.tickets),
        thousands(last.tickets),
        percent(before.accuracy),
        percent(last.accuracy),
    );
    let caption = "Learning curve, without fine-tuning. Across: tickets learnt from, newest first. Blue: right answers on \
                   tickets kept apart, with 95&nbsp;% intervals; orange: share that could be certified to act alone.";
    out.push_str(&figure(310, "Learning curve", caption, |area| draw(area, &f.curve)));
    list(
        out,
        ["Tickets learnt from", "Right", "May act alone"],
        f.curve.iter().map(|p| {
            let right = format!("{} ({})", percent(p.accuracy), percent_range(p.accuracy_ci95));
            [thousands(p.tickets), right, percent(p.certified)]
        }),
    );
    out.push_str("</div>\n");
}

fn draw(area: &Area<'_>, curve: &[CurvePoint]) -> Drawn {
    let at = |p: &CurvePoint| (p.tickets as f64).log10();
    let (first, last) = (curve.first().map_or(1.0, at), curve.last().map_or(2.0, at));
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(first - 0.05..last + 0.05, 0.0..1.0)?;
    plain(&mut chart.configure_mesh())
        .x_label_formatter(&|x| {
            let tickets = 10f64.powf(*x);
            let digit = 10f64.powf(x.floor() - 1.0);
            thousands(((tickets / digit).round() * digit) as usize)
        })
        .x_labels(5)
        .x_desc("tickets learnt from")
        .draw()?;
    chart.draw_series(curve.iter().map(|p| {
        PathElement::new([(at(p), p.accuracy_ci95.lo), (at(p), p.accuracy_ci95.hi)], BLUE.stroke_width(2))
    }))?;
    for (colour, value) in
        [(BLUE, (|p| p.accuracy) as fn(&CurvePoint) -> f64), (VERMILION, |p: &CurvePoint| p.certified)]
    {
        let points: Vec<_> = curve.iter().map(|p| (at(p), value(p))).collect();
        chart.draw_series(points.iter().map(|p| Circle::new(*p, 3, colour.filled())))?;
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    Ok(())
}
