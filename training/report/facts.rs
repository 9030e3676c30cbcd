//! Where the figures come from: bundle, data, split, model, and what to know before believing them.

use std::fmt::Write as _;

use super::escape::{short, text};
use super::words::thousands;

/// What was evaluated on what. Every string is shown as text, whatever it holds.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Name of the bundle.
    pub bundle: String,
    /// Its hash, hexadecimal.
    pub bundle_sha256: String,
    /// Name of the evaluated file.
    pub data: String,
    /// Its sha256, hexadecimal.
    pub data_sha256: String,
    /// The encoder's name.
    pub model: String,
    /// The seed the bundle was trained with.
    pub seed: u64,
    /// How the history was split: `by time`, `random`, `as given in the data`.
    pub split: String,
    /// The parts of the split, in order.
    pub parts: Vec<Part>,
    /// What the reader must know, one sentence each, such as "The data has no dates, so the split is
    /// random: expect less in practice."
    pub notes: Vec<String>,
    /// Tickets whose text did not fit the encoder.
    pub trimmed: Option<Trimmed>,
}

/// One part of the split.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// `train`, `calibrate`, `test`.
    pub name: String,
    /// Number of tickets.
    pub tickets: usize,
    /// First day, as shown; `None` where the data has no dates.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
}

/// How much text did not fit the encoder and was left out of the embedding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trimmed {
    /// Tickets cut.
    pub tickets: usize,
    /// Tickets in all.
    pub of: usize,
    /// Tokens left out in all.
    pub tokens: u64,
}

/// Adds the notes, which belong above the figures.
pub(super) fn notes(out: &mut String, facts: &Facts) {
    if facts.notes.is_empty() {
        return;
    }
    out.push_str("<aside class=\"notes\"><h2>Before you read the figures</h2>\n<ul>\n");
    for note in &facts.notes {
        let _ = writeln!(out, "<li>{}</li>", text(note));
    }
    out.push_str("</ul></aside>\n");
}

/// Adds the section on bundle, data and split.
pub(super) fn provenance(out: &mut String, facts: &Facts) {
    out.push_str("<section class=\"facts\"><h2>What was evaluated</h2>\n<dl>\n");
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    fact("Bundle", with_hash(&facts.bundle, &facts.bundle_sha256));
    fact("Data", with_hash(&facts.data, &facts.data_sha256));
    fact("Encoder", short(&facts.model));
    fact("Seed", facts.seed.to_string());
    fact("Split", short(&facts.split));
    if let Some(cut) = facts.trimmed {
        fact("Text left out", left_out(cut));
    }
    out.push_str("</dl>\n");
    parts(out, &facts.parts);
    out.push_str("</section>\n");
}

fn with_hash(name: &str, hash: &str) -> String {
    let name = short(name);
    if hash.is_empty() { name } else { format!("{name} <code>sha256 {}</code>", short(hash)) }
}

fn left_out(cut: Trimmed) -> String {
    if cut.tickets == 0 {
        return "none: every ticket fitted the encoder".to_owned();
    }
    format!(
        "{} tokens of {} of {} tickets, beyond the encoder's limit",
        thousands(cut.tokens as usize),
        thousands(cut.tickets),
        thousands(cut.of)
    )
}

fn parts(out: &mut String, parts: &[Part]) {
    if parts.is_empty() {
        return;
    }
    out.push_str(
        "<table><thead><tr><th scope=\"col\">Part</th><th scope=\"col\" class=\"n\">Tickets</th>\
         <th scope=\"col\">From</th><th scope=\"col\">To</th></tr></thead><tbody>\n",
    );
    for part in parts {
        let day = |d: &Option<String>| d.as_deref().map_or_else(|| "no dates".to_owned(), short);
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
            short(&part.name),
            thousands(part.tickets),
            day(&part.from),
            day(&part.to)
        );
    }
    out.push_str("</tbody></table>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_is_said_in_full() {
        assert!(left_out(Trimmed::default()).starts_with("none"));
        let cut = left_out(Trimmed { tickets: 12, of: 1204, tokens: 34_567 });
        assert!(cut.starts_with("34,567 tokens of 12 of 1,204 tickets"), "{cut}");
    }
}
