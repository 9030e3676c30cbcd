//! Where the figures come from: bundle, data, split, model, and what to know before believing them.

use firstline_pages::{Column, Table, label, thousands};
use maud::{Markup, html};

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

/// The notes, which belong above the figures.
pub(super) fn notes(facts: &Facts) -> Markup {
    firstline_pages::notes("Before you read the figures", &facts.notes)
}

/// The section on bundle, data and split.
pub(super) fn provenance(facts: &Facts) -> Markup {
    let mut pairs = vec![
        ("Bundle", with_hash(&facts.bundle, &facts.bundle_sha256)),
        ("Data", with_hash(&facts.data, &facts.data_sha256)),
        ("Encoder", label(&facts.model)),
        ("Seed", html! { (facts.seed) }),
        ("Split", label(&facts.split)),
    ];
    pairs.extend(facts.trimmed.map(|cut| ("Text left out", html! { (left_out(cut)) })));
    html! {
        section.facts {
            h2 { "What was evaluated" }
            (firstline_pages::facts(&pairs))
            @if !facts.parts.is_empty() { (parts(&facts.parts)) }
        }
    }
}

fn with_hash(name: &str, hash: &str) -> Markup {
    html! { (label(name)) @if !hash.is_empty() { " " code { "sha256 " (label(hash)) } } }
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

fn parts(parts: &[Part]) -> Markup {
    let columns = [Column::head("Part"), Column::number("Tickets"), Column::text("From"), Column::text("To")];
    let mut table = Table::new(columns);
    let day = |d: &Option<String>| label(d.as_deref().unwrap_or("no dates"));
    for part in parts {
        table.row([&label(&part.name), &thousands(part.tickets), &day(&part.from), &day(&part.to)]);
    }
    html! { (table) }
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
