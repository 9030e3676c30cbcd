//! The draft: its sources, the guard's findings, and the reviewer's edit.

use maud::{Markup, html};

use super::diff::word_diff;
use super::view::{DraftView, EditView, Finding, OpenReview, SentenceSource};
use crate::plain::lines;
use crate::text::{label, note, plain};
use crate::words::{Words, filled};

/// The draft of the ticket that is open, in a box to be edited.
pub(super) fn draft(review: &OpenReview, words: &Words) -> Markup {
    let Some(draft) = &review.draft else { return html! { p.empty { (words.no_draft) } } };
    let text = review.edit.as_ref().map_or(&draft.text, |edit| &edit.text);
    html! {
        section #draft aria-labelledby="draft-title" lang=[(!draft.language.is_empty()).then_some(&draft.language)] {
            h2 #draft-title { (words.draft) }
            p.small {
                (draft.origin.word(words)) ". "
                (filled(words.unchanged, &[("n", &(100.0 * draft.confidence).round().to_string())])) " ("
                (if draft.learnt { words.basis_feedback } else { words.basis_prior }) ")."
            }
            (verdicts(draft, words))
            label for="text" { (words.your_text) }
            textarea #text name="text" rows="10" dir="auto" spellcheck="true" readonly[!review.is_open]
                hx-post=(format!("/review/{}/edit", review.id)) hx-trigger="input changed delay:2s" hx-target="#edit"
                hx-swap="outerHTML" hx-include="closest form" { (newline(text)) }
            @if review.is_open {
                button.quiet type="submit" name="action" value="check" formnovalidate { (words.check_text) }
            }
            (edit_part(draft, review.edit.as_ref(), words))
            (sources(draft, words))
        }
    }
}

/// A browser leaves out the first line end of a text area.
fn newline(text: &str) -> String {
    if text.starts_with('\n') { format!("\n{text}") } else { text.to_owned() }
}

/// What was found in a person's text, beside the draft.
pub(super) fn edit_part(draft: &DraftView, edit: Option<&EditView>, words: &Words) -> Markup {
    html! {
        div #edit role="status" {
            @if let Some(edit) = edit {
                p.small { span.saved { (words.saved) } ". "
                    (filled(words.distance, &[("n", &(100.0 * edit.distance).round().to_string())])) }
                (found(&edit.findings, words))
                details open { summary { (words.difference) } (word_diff(&draft.text, &edit.text, words)) }
            }
        }
    }
}

fn found(findings: &[Finding], words: &Words) -> Markup {
    html! {
        @if findings.is_empty() {
            p.small { (words.findings_none) }
        } @else {
            div.notes {
                p { (words.new_facts) ":" }
                ul { @for one in findings { li { strong { (label(&one.check)) } ": " mark { (note(&one.found)) } } } }
                @if findings.iter().any(|one| one.hard) {
                    label.check { input type="checkbox" name="override" value="1"; " " (words.confirm_findings) }
                }
            }
        }
    }
}

fn verdicts(draft: &DraftView, words: &Words) -> Markup {
    let line = |one: &Finding| {
        html! { strong { (filled(words.check_failed, &[("check", &plain(&one.check))])) } " " (note(&one.found)) }
    };
    html! {
        @if !draft.failed.is_empty() {
            ul.failed { @for one in &draft.failed { li { (line(one)) } } }
        }
        @for (origin, because) in &draft.replaced {
            details.failed {
                summary { (filled(words.stands_instead, &[("origin", origin.word(words))])) }
                ul { @for one in because { li { (line(one)) } } }
            }
        }
        p.small { (filled(words.checks_passed, &[("n", &draft.passed.to_string())])) }
    }
}

fn sources(draft: &DraftView, words: &Words) -> Markup {
    html! {
        @if !draft.sentences.is_empty() {
            details #sources {
                summary { (words.sentences_from) }
                ol { @for (text, source) in &draft.sentences { li tabindex="0" {
                    span.plain { (lines(text.trim(), words)) } " "
                    span.source { (from(source, words)) }
                } } }
            }
        }
    }
}

fn from(source: &SentenceSource, words: &Words) -> String {
    match source {
        SentenceSource::Ticket(id) => filled(words.source_ticket, &[("id", &plain(id))]),
        SentenceSource::Template(id) => filled(words.source_template, &[("id", &plain(id))]),
        SentenceSource::Shared => words.source_shared.to_owned(),
        SentenceSource::None => words.source_none.to_owned(),
    }
}
