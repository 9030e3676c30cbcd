//! Gates and criteria: what was needed and found, who signed what, and the forms for both.
//!
//! What is signed or asked with is shown by its sha256 before a name is typed.

use maud::{Markup, html};

use super::parts::{Level, Phase, decimal, hash, line, table, words_for};
use super::rollout::typed_name;
use super::words::{self, Words};
use crate::numbers::DASH;
use crate::table::Column;
use crate::text::{label, note};
use crate::words::{Language, filled};

/// A gate with its last verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct GateView {
    /// The phase that it leads to.
    pub to: Phase,
    /// Its last verdict; `None` where nobody has asked.
    pub asked: Option<VerdictView>,
    /// Whether it can be asked now.
    pub is_next: bool,
}

/// A gate's verdict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VerdictView {
    /// Whether it was passed.
    pub passed: bool,
    /// When it was asked, and by whom.
    pub at: String,
    /// By whom.
    pub by: String,
    /// The sha256 of the evidence.
    pub sha256: String,
    /// What was needed and found.
    pub checks: Vec<CheckView>,
    /// The same of categories.
    pub categories: Vec<CategoryChecks>,
    /// Why the evidence does not count.
    pub refused: Vec<String>,
    /// What was granted.
    pub granted: Vec<String>,
    /// Whether another person has to ask with the same evidence.
    pub second_person: bool,
    /// Holds that keep anything from being granted: number and level.
    pub on_hold: Vec<(i64, Level)>,
    /// What to do about the training data.
    pub plan: Vec<String>,
}

/// The verdict on a category.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryChecks {
    /// Board and type.
    pub category: String,
    /// Whether all checks hold.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<CheckView>,
}

/// One thing that a gate asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckView {
    /// What is asked.
    pub name: String,
    /// Whether it has to be at least `needed`.
    pub at_least: bool,
    /// The threshold.
    pub needed: f64,
    /// What was found; `None` where it is not known.
    pub found: Option<f64>,
    /// Over how many.
    pub n: u64,
    /// Whether it holds.
    pub passed: bool,
    /// By how much it is missed.
    pub short_by: Option<f64>,
    /// What is missing, in words.
    pub missing: Option<String>,
}

/// A version of the criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionView {
    /// Its number.
    pub version: u32,
    /// The criteria, TOML.
    pub text: String,
    /// Their sha256: what is signed.
    pub sha256: String,
    /// When it was put on record, and by whom.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Persons who have to sign.
    pub needed: usize,
    /// Who has signed.
    pub signatures: Vec<SignedView>,
    /// Whether it is in force.
    pub in_force: bool,
    /// Whether the reader has signed it.
    pub by_reader: bool,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedView {
    /// The person.
    pub person: String,
    /// The name that they typed.
    pub typed: String,
    /// As what they signed.
    pub role: String,
    /// When.
    pub at: String,
}

/// Evidence that a gate is to be asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceView {
    /// The phase that the gate leads to.
    pub to: Phase,
    /// The sha256 of the file.
    pub sha256: String,
    /// When it was measured.
    pub made_at: String,
    /// The bundle that it is about.
    pub bundle: String,
    /// The file.
    pub text: String,
    /// Only categories of this board and this type; empty: all.
    pub board: String,
    /// The type.
    pub category: String,
}

/// The gates, and the form that asks one.
pub(super) fn gates(gates: &[GateView], may_ask: bool, words: &'static Words, language: Language) -> Markup {
    html! {
        section {
            h2 { (words.h_gates) }
            @for gate in gates {
                h3 { (filled(words.gate_to, &[("phase", gate.to.word(words))])) }
                @match &gate.asked {
                    None => p.empty { (words.never_asked) " " code { (format!("firstline rollout gate --to {}", gate.to.name())) } },
                    Some(of) => (verdict(of, words, language)),
                }
                @if gate.is_next && may_ask { (ask(gate.to, words)) }
            }
        }
    }
}

fn verdict(of: &VerdictView, words: &'static Words, language: Language) -> Markup {
    html! {
        p {
            @if of.passed { strong.met { "✓ " (words.passed) } } @else { strong.missed { "✗ " (words.not_passed) } }
            @if !of.at.is_empty() { " " span.small { (label(&of.at)) " · " (words.by) ": " (label(&of.by)) } }
        }
        p.small { (words.evidence) " sha256 " (hash(&of.sha256)) }
        @if !of.refused.is_empty() {
            p { (words.refused) }
            ul lang="en" { @for why in &of.refused { li { (note(why)) } } }
        }
        @if !of.checks.is_empty() { (checks(&of.checks, words.h_checks, words, language)) }
        @for one in &of.categories {
            details {
                summary { (if one.passed { "✓ " } else { "✗ " }) (label(&one.category)) ": " (if one.passed { words.passed } else { words.not_passed }) }
                (checks(&one.checks, &one.category, words, language))
            }
        }
    }
}

fn checks(all: &[CheckView], caption: &str, words: &'static Words, language: Language) -> Markup {
    let number = |of: f64| {
        let digits = if of.fract() == 0.0 { 0 } else { 3 };
        decimal(of, digits, language)
    };
    let row = |one: &CheckView| {
        [
            html! { span lang="en" { (label(&one.name)) } },
            html! { (if one.at_least { "≥ " } else { "≤ " }) (number(one.needed)) },
            html! { @match one.found { Some(found) => (number(found)), None => (words.not_known) } },
            html! { (one.n) },
            html! { @if one.passed { "✓ " (words.holds) } @else { strong.missed { "✗ " (words.missed) } } },
            html! {
                @match (one.short_by, &one.missing) {
                    (Some(by), _) => (number(by)),
                    (None, Some(_)) => {},
                    (None, None) => (DASH),
                }
                @if let Some(missing) = &one.missing { " " span lang="en" { (note(missing)) } }
            },
        ]
    };
    let columns = [
        Column::head(words.check),
        Column::number(words.needed),
        Column::number(words.found),
        Column::number(words.n),
        Column::text(words.standing),
        Column::text(words.short_by),
    ];
    table(columns, caption, all.iter().map(row))
}

fn ask(to: Phase, words: &'static Words) -> Markup {
    html! {
        details {
            summary { (filled(words.ask_gate, &[("phase", to.word(words))])) }
            form.fields method="post" action="/rollout/gate" {
                input type="hidden" name="to" value=(to.name());
                p.small { (words.ask_about) " " code { "firstline bench" } }
                label { (words.evidence_text) " " textarea name="evidence" rows="6" required spellcheck="false" {} }
                @if to == Phase::Autonomous {
                    label { (words.board) " " span.small { (words.empty_is_all) } " " input name="board" maxlength="256" autocomplete="off"; }
                    label { (words.type_word) " " span.small { (words.empty_is_all) } " " input name="type" maxlength="256" autocomplete="off"; }
                }
                button type="submit" { (words.see_evidence) }
            }
        }
    }
}

/// The evidence by its hash, before the gate is asked with it.
pub fn evidence_page(view: &EvidenceView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        div.message {
            h1 { (filled(words.gate_to, &[("phase", view.to.word(words))])) }
            p { (words.nothing_yet) }
            dl.facts {
                div { dt { "sha256" } dd { (hash(&view.sha256)) } }
                div { dt { (words.measured) } dd { (label(&view.made_at)) } }
                div { dt { (words.bundle) } dd { (label(&view.bundle)) } }
            }
            form.fields method="post" action="/rollout/promote" {
                input type="hidden" name="to" value=(view.to.name());
                input type="hidden" name="sha256" value=(view.sha256);
                input type="hidden" name="board" value=(view.board);
                input type="hidden" name="type" value=(view.category);
                textarea name="evidence" hidden readonly { (view.text) }
                (words_for("reason", words.why_go_on))
                (typed_name(words))
                div.row {
                    button.main type="submit" { (words.promote) }
                    a.button href="/rollout" { (words.back) }
                }
            }
        }
    }
}

/// What came of asking a gate.
pub fn verdict_page(to: Phase, view: &VerdictView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (filled(words.gate_to, &[("phase", to.word(words))])) }
        (verdict(view, words, language))
        @if !view.granted.is_empty() {
            h2 { (words.h_granted) }
            ul { @for one in &view.granted { li { (label(one)) } } }
        }
        @if view.second_person { p.notes role="status" { (words.second_person) } }
        @if !view.on_hold.is_empty() {
            p { (words.kept_by_hold) }
            ul { @for (id, level) in &view.on_hold {
                li { a href=(format!("/rollout/holds/{id}")) { (filled(words.hold_number, &[("n", &id.to_string())])) } ": " (level.word(words)) }
            } }
        }
        @if !view.plan.is_empty() {
            h2 { (words.h_plan) }
            ol lang="en" { @for one in &view.plan { li { (note(one)) } } }
        }
        p { a.button href="/rollout" { (words.to_rollout) } }
    }
}

/// The criteria with their signatures, and the form that signs the newest.
pub(super) fn criteria(versions: &[VersionView], may_sign: bool, words: &'static Words) -> Markup {
    html! {
        section {
            h2 { (words.h_criteria) }
            @if versions.is_empty() { p.empty { (words.no_criteria) " " code { "firstline rollout sign --criteria FILE" } } }
            @for (i, one) in versions.iter().enumerate() { (version(one, i == 0 && may_sign, words)) }
        }
    }
}

fn version(one: &VersionView, may_sign: bool, words: &'static Words) -> Markup {
    let missing = one.needed.saturating_sub(one.signatures.len());
    let row = |of: &SignedView| [label(&of.typed), label(&of.role), label(&of.person), label(&of.at)];
    let columns = [
        Column::head(words.typed_name),
        Column::text(words.role),
        Column::text(words.person),
        Column::text(words.when),
    ];
    html! {
        article.card {
            h3 { (filled(words.version, &[("n", &one.version.to_string())])) ": "
                @if one.in_force { "✓ " (words.version_in_force) } @else if missing > 0 { "○ " (words.version_waits) } @else { (words.version_past) } }
            p.small { (label(&one.at)) " · " (words.by) ": " (label(&one.by)) " · sha256 " (hash(&one.sha256)) }
            p { (filled(words.signed_of, &[("n", &one.signatures.len().to_string()), ("all", &one.needed.to_string())])) }
            @if !one.signatures.is_empty() { (table(columns, words.signatures, one.signatures.iter().map(row))) }
            details {
                summary { (words.read_criteria) }
                pre tabindex="0" lang="en" { (one.text) }
            }
            @if may_sign && one.by_reader { p { "✓ " (words.you_signed) } }
            @if may_sign && !one.by_reader {
                form.fields method="post" action="/rollout/sign" {
                    h4 { (words.sign) }
                    input type="hidden" name="version" value=(one.version);
                    input type="hidden" name="sha256" value=(one.sha256);
                    p { (words.you_sign) " " (hash(&one.sha256)) }
                    (typed_name(words))
                    (line("role", words.role, 256))
                    button type="submit" { (words.sign) }
                }
            }
        }
    }
}
