//! The tables of the page: overview, baselines, figures, labels.

use firstline_pages::{Column, DASH, Table, bar, label, percent, percent_range, thousands};
use maud::{Markup, html};

use super::FieldReport;
use super::words::calibration;

/// Labels listed; a space may have thousands.
const LISTED: usize = 500;

/// All fields at a glance.
pub(super) fn overview(fields: &[FieldReport]) -> Markup {
    let mut table = Table::new([
        Column::name("Field"),
        Column::number("Tickets"),
        Column::number("Right"),
        Column::number("95\u{a0}% interval"),
        Column::number("Words only"),
        Column::number("Most common"),
        Column::number("ECE"),
        Column::number("At 95\u{a0}% precision"),
    ])
    .caption("All fields at a glance");
    for f in fields {
        let m = &f.metrics;
        table.row([
            &html! { a href={ "#" (f.field) } { (f.field) } },
            &thousands(m.n),
            &html! { strong { (percent(m.accuracy)) } },
            &percent_range(m.accuracy_ci95.lo, m.accuracy_ci95.hi),
            &m.ngram_accuracy.map_or_else(|| DASH.to_owned(), percent),
            &percent(m.majority),
            &format_args!("{:.3}", m.ece),
            &percent(m.coverage_at_95),
        ]);
    }
    html! { (table) }
}

/// Accuracy beside what it must beat, with bars.
pub(super) fn baselines(f: &FieldReport) -> Markup {
    let columns = [
        Column::name("Model"),
        Column::number("Right"),
        Column::number("95\u{a0}% interval"),
        Column::picture(),
    ];
    let mut table = Table::new(columns).class("bars").caption("Right answers, beside what they must beat");
    let m = &f.metrics;
    let range = percent_range(m.accuracy_ci95.lo, m.accuracy_ci95.hi);
    table.row([&"Firstline", &percent(m.accuracy), &range, &bar(m.accuracy, true)]);
    let mut beside = |name: &str, share, range: &str| {
        table.row([&name, &percent(share), &range, &bar(share, false)]);
    };
    if let Some(b) = &f.ngram {
        let (accuracy, interval) = (b.metrics.accuracy, b.metrics.accuracy_ci95);
        beside("Words and letter groups only", accuracy, &percent_range(interval.lo, interval.hi));
    }
    for (name, share) in &m.members_alone {
        let name = match name.as_str() {
            "embedding" => "Meaning of the text only",
            "joint" => "One model of text and context",
            "original" => "The same without fine-tuning",
            "neighbours" => "Vote of the nearest past tickets only",
            _ => continue,
        };
        beside(name, *share, DASH);
    }
    beside("Always the most common label", m.majority, DASH);
    html! { (table) }
}

/// Every figure with its meaning.
pub(super) fn figures(f: &FieldReport) -> Markup {
    let m = &f.metrics;
    let mut table = Table::new([Column::head(""), Column::number(""), Column::text("")])
        .class("figures")
        .caption("Figures");
    let mut row = |name: &str, value: String, meaning: &str| table.row([&name, &value, &meaning]);
    row("Top 3", percent(m.top3), "the right label is among the three most probable");
    row(
        "Macro-F1",
        format!("{:.3}", m.macro_f1),
        "mean F1 of all labels, rare ones counting as much as common ones",
    );
    row("Kappa", format!("{:.3}", m.kappa), "agreement beyond chance: 0 is chance, 1 is perfect");
    let ece =
        format!("{}; 95\u{a0}% interval {:.3} to {:.3}", calibration(m.ece), m.ece_ci95.lo, m.ece_ci95.hi);
    row("ECE", format!("{:.3}", m.ece), &ece);
    row("Brier", format!("{:.3}", m.brier), "squared error of the probabilities, 0 to 2: lower is better");
    row("NLL", format!("{:.3}", m.nll), "surprise at the right label, in nats: lower is better");
    let base = f.ngram.as_ref().map_or_else(String::new, |b| format!("; words only: {:.4}", b.metrics.aurc));
    let meaning = format!(
        "mean error share over all bars of confidence: lower is better; by the label's probability alone: {:.4}{base}",
        m.aurc_by_probability
    );
    row("AURC", format!("{:.4}", m.aurc), &meaning);
    for (at, share) in [("90", m.coverage_at_90), ("95", m.coverage_at_95), ("98", m.coverage_at_98)] {
        let meaning = format!("of tickets stand above some bar of confidence with {at}\u{a0}% of them right");
        row(&format!("Coverage at {at}\u{a0}%"), percent(share), &meaning);
    }
    html! {
        (table)
        p.small {
            "The bars of coverage are found on these very tickets; a bar fixed beforehand will hold a little less."
        }
    }
}

/// The pairs most often confused.
pub(super) fn confused(f: &FieldReport) -> Markup {
    let columns = [Column::text("It was"), Column::text("Firstline said"), Column::number("Tickets")];
    let mut table = Table::new(columns).caption("Most frequent confusions");
    for (truth, predicted, n) in &f.confused {
        let truth = truth.as_deref().map_or_else(|| html! { i { "a label not in training" } }, label);
        table.row([&truth, &label(predicted), &thousands(*n)]);
    }
    html! { @if !table.is_empty() { (table) } }
}

/// Every label's own figures.
pub(super) fn classes(f: &FieldReport) -> Markup {
    let mut table = Table::new([
        Column::head("Label"),
        Column::number("Tickets"),
        Column::number("Predicted"),
        Column::number("Precision"),
        Column::number("Recall"),
        Column::number("F1"),
    ])
    .caption("Label by label, most frequent first");
    let share = |s: Option<f64>| s.map_or_else(|| DASH.to_owned(), |s| format!("{s:.2}"));
    for row in f.classes.iter().take(LISTED) {
        let s = &row.score;
        let [precision, recall, f1] = [s.precision(), s.recall(), s.f1()].map(share);
        table.row([
            &label(&row.label),
            &thousands(s.support),
            &thousands(s.predicted),
            &precision,
            &recall,
            &f1,
        ]);
    }
    html! {
        (table)
        p.small {
            "Precision: of the tickets given this label, the share that was right. Recall: of the tickets of this label, \
             the share that got it. –: no ticket to judge by."
        }
        @if let Some(left @ 1..) = f.classes.len().checked_sub(LISTED) {
            p.small { "Rarer labels not listed: " (thousands(left)) "." }
        }
    }
}

/// What the model can't know: labels too rare, labels never seen.
pub(super) fn blind_spots(f: &FieldReport) -> Markup {
    html! {
        @if f.unseen > 0 {
            p {
                "Tickets whose label did not occur in training: " (thousands(f.unseen))
                ". They count as wrong in every figure."
            }
        }
        @if !f.rare.is_empty() {
            p {
                "Labels too rare to learn (" (thousands(f.rare.len())) "): "
                (listed(f.rare.iter().take(LISTED))) "."
            }
        }
    }
}

/// Labels, one after the other.
pub(super) fn listed<'a>(labels: impl Iterator<Item = &'a String>) -> Markup {
    html! { @for (i, name) in labels.enumerate() { @if i > 0 { ", " } (label(name)) } }
}
