//! The tables of the page: overview, baselines, figures, labels.

use std::fmt::Write as _;

use super::FieldReport;
use super::escape::short;
use super::words::{calibration, percent, percent_range, thousands};

/// Labels listed; a space may have thousands.
const LISTED: usize = 500;

/// All fields at a glance.
pub(super) fn overview(out: &mut String, fields: &[FieldReport]) {
    out.push_str(
        "<table><caption>All fields at a glance</caption>\n<thead><tr><th scope=\"col\" \
         class=\"name\">Field</th>\
         <th scope=\"col\" class=\"n\">Tickets</th><th scope=\"col\" class=\"n\">Right</th>\
         <th scope=\"col\" class=\"n\">95&nbsp;% interval</th><th scope=\"col\" class=\"n\">Words only</th>\
         <th scope=\"col\" class=\"n\">Most common</th><th scope=\"col\" class=\"n\">ECE</th>\
         <th scope=\"col\" class=\"n\">At 95&nbsp;% precision</th></tr></thead>\n<tbody>\n",
    );
    for f in fields {
        let m = &f.metrics;
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\" class=\"name\"><a href=\"#{0}\">{0}</a></th><td class=\"n\">{1}</td>\
             <td class=\"n\"><strong>{2}</strong></td><td class=\"n\">{3}</td><td class=\"n\">{4}</td>\
             <td class=\"n\">{5}</td><td class=\"n\">{6:.3}</td><td class=\"n\">{7}</td></tr>",
            f.field,
            thousands(m.n),
            percent(m.accuracy),
            percent_range(m.accuracy_ci95),
            m.ngram_accuracy.map_or_else(|| "&ndash;".to_owned(), percent),
            percent(m.majority),
            m.ece,
            percent(m.coverage_at_95),
        );
    }
    out.push_str("</tbody></table>\n");
}

/// Accuracy beside what it must beat, with bars.
pub(super) fn baselines(out: &mut String, f: &FieldReport) {
    out.push_str(
        "<table class=\"bars\"><caption>Right answers, beside what they must beat</caption>\n<thead><tr>\
         <th scope=\"col\">Model</th><th scope=\"col\" class=\"n\">Right</th>\
         <th scope=\"col\" class=\"n\">95&nbsp;% interval</th><th scope=\"col\" \
         aria-hidden=\"true\"></th></tr>\
         </thead>\n<tbody>\n",
    );
    let mut row = |name: &str, share: f64, range: String, class: &str| {
        // A progress-like bar needs no script and no inline style: an SVG of one rectangle.
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\" class=\"name\">{name}</th><td class=\"n\">{}</td><td \
             class=\"n\">{range}</td>\
             <td aria-hidden=\"true\"><svg class=\"bar {class}\" viewBox=\"0 0 100 6\" \
             preserveAspectRatio=\"none\"><rect width=\"{:.1}\" height=\"6\"/></svg></td></tr>",
            percent(share),
            share * 100.0
        );
    };
    let m = &f.metrics;
    row("Firstline", m.accuracy, percent_range(m.accuracy_ci95), "ours");
    if let Some(b) = &f.ngram {
        row("Words and letter groups only", b.metrics.accuracy, percent_range(b.metrics.accuracy_ci95), "");
    }
    for (name, share) in &m.members_alone {
        let name = match name.as_str() {
            "embedding" => "Meaning of the text only",
            "joint" => "One model of text and context",
            "original" => "The same without fine-tuning",
            "neighbours" => "Vote of the nearest past tickets only",
            _ => continue,
        };
        row(name, *share, "&ndash;".to_owned(), "");
    }
    row("Always the most common label", m.majority, "&ndash;".to_owned(), "");
    out.push_str("</tbody></table>\n");
}

/// Every figure with its meaning.
pub(super) fn figures(out: &mut String, f: &FieldReport) {
    let m = &f.metrics;
    out.push_str("<table class=\"figures\"><caption>Figures</caption>\n<tbody>\n");
    let mut row = |name: &str, value: String, meaning: &str| {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"n\">{value}</td><td>{meaning}</td></tr>"
        );
    };
    row("Top 3", percent(m.top3), "the right label is among the three most probable");
    row(
        "Macro-F1",
        format!("{:.3}", m.macro_f1),
        "mean F1 of all labels, rare ones counting as much as common ones",
    );
    row("Kappa", format!("{:.3}", m.kappa), "agreement beyond chance: 0 is chance, 1 is perfect");
    let ece =
        format!("{}; 95&nbsp;% interval {:.3} to {:.3}", calibration(m.ece), m.ece_ci95.lo, m.ece_ci95.hi);
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
        let meaning = format!("of tickets stand above some bar of confidence with {at}&nbsp;% of them right");
        row(&format!("Coverage at {at}&nbsp;%"), percent(share), &meaning);
    }
    out.push_str(
        "</tbody></table>\n<p class=\"small\">The bars of coverage are found on these very tickets; a \
         bar fixed beforehand will hold a little less.</p>\n",
    );
}

/// The pairs most often confused.
pub(super) fn confused(out: &mut String, f: &FieldReport) {
    if f.confused.is_empty() {
        return;
    }
    out.push_str(
        "<table><caption>Most frequent confusions</caption>\n<thead><tr><th scope=\"col\">It was</th>\
         <th scope=\"col\">Firstline said</th><th scope=\"col\" \
         class=\"n\">Tickets</th></tr></thead>\n<tbody>\n",
    );
    for (truth, predicted, n) in &f.confused {
        let truth = truth.as_deref().map_or_else(|| "<i>a label not in training</i>".to_owned(), short);
        let _ = writeln!(
            out,
            "<tr><td>{truth}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            short(predicted),
            thousands(*n)
        );
    }
    out.push_str("</tbody></table>\n");
}

/// Every label's own figures.
pub(super) fn classes(out: &mut String, f: &FieldReport) {
    out.push_str(
        "<table class=\"classes\"><caption>Label by label, most frequent first</caption>\n<thead><tr>\
         <th scope=\"col\">Label</th><th scope=\"col\" class=\"n\">Tickets</th>\
         <th scope=\"col\" class=\"n\">Predicted</th><th scope=\"col\" class=\"n\">Precision</th>\
         <th scope=\"col\" class=\"n\">Recall</th><th scope=\"col\" \
         class=\"n\">F1</th></tr></thead>\n<tbody>\n",
    );
    let share = |s: Option<f64>| s.map_or_else(|| "&ndash;".to_owned(), |s| format!("{s:.2}"));
    for row in f.classes.iter().take(LISTED) {
        let s = &row.score;
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            short(&row.label),
            thousands(s.support),
            thousands(s.predicted),
            share(s.precision()),
            share(s.recall()),
            share(s.f1())
        );
    }
    out.push_str(
        "</tbody></table>\n<p class=\"small\">Precision: of the tickets given this label, the \
    share that was right. Recall: of the tickets of this label, the \
         share that got it. &ndash;: no ticket to judge by.</p>\n",
    );
    if let Some(left @ 1..) = f.classes.len().checked_sub(LISTED) {
        let _ = writeln!(out, "<p class=\"small\">Rarer labels not listed: {}.</p>", thousands(left));
    }
}

/// What the model can't know: labels too rare, labels never seen.
pub(super) fn blind_spots(out: &mut String, f: &FieldReport) {
    if f.unseen > 0 {
        let _ = writeln!(
            out,
            "<p>Tickets whose label did not occur in training: {}. They count as wrong in every figure.</p>",
            thousands(f.unseen)
        );
    }
    if !f.rare.is_empty() {
        let listed: Vec<String> = f.rare.iter().take(LISTED).map(|l| short(l)).collect();
        let _ = writeln!(
            out,
            "<p>Labels too rare to learn ({}): {}.</p>",
            thousands(f.rare.len()),
            listed.join(", ")
        );
    }
}
