//! The page around the parts.

use std::fmt::Write as _;

use super::escape::short;
use super::words::headline;
use super::{FieldReport, Report, facts, past, plots, tables, trust};

/// Writes the page: HTML, one file, no script, nothing loaded.
pub fn render(report: &Report) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = short(&report.title);
    // The policy is a second wall behind the escaping: even markup that slipped through could load nothing.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        plain(&title),
        include_str!("style.css"),
    );
    facts::notes(&mut out, &report.facts);
    if report.fields.len() > 1 {
        tables::overview(&mut out, &report.fields);
    }
    for f in &report.fields {
        field(&mut out, f);
    }
    facts::provenance(&mut out, &report.facts);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Escaped text without the element that isolates its direction: a title holds no elements.
fn plain(escaped: &str) -> String {
    escaped.replace("<bdi>", "").replace("</bdi>", "")
}

fn field(out: &mut String, f: &FieldReport) {
    let _ = write!(
        out,
        "<section class=\"field\" id=\"{}\">\n<h2>{}</h2>\n<p class=\"headline\">{}</p>\n",
        f.field,
        capital(f.field.name()),
        headline(f)
    );
    if f.metrics.n > 0 {
        tables::baselines(out, f);
        trust::promises(out, f);
        trust::calls(out, f);
        let _ = write!(
            out,
            "<div class=\"plots\">\n{}{}</div>\n",
            plots::reliability(f),
            plots::risk_coverage(f)
        );
        tables::figures(out, f);
        trust::groups(out, f);
        past::labels(out, f);
        past::curve(out, f);
        tables::blind_spots(out, f);
        let _ = write!(
            out,
            "<h3>Which labels are taken for which</h3>\n<div class=\"wide\">\n{}</div>\n",
            f.matrix.html()
        );
        tables::confused(out, f);
        tables::classes(out, f);
    }
    out.push_str("</section>\n");
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
