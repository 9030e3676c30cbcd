//! What was decided, field by field, with the choices that may stand beside each other.

use maud::{Markup, html};

use super::queue::sureness;
use super::view::{FieldView, Kept, OpenReview};
use crate::parts::bar;
use crate::text::{label, plain};
use crate::words::{Words, filled};

/// Labels that are offered of a field.
const MOST_OPTIONS: usize = 500;

/// The decision of the ticket that is open.
pub(super) fn decision(review: &OpenReview, words: &Words) -> Markup {
    html! {
        fieldset #decision {
            legend { (words.decision) }
            @if review.fields.is_empty() { p.empty { (words.no_fields) } }
            div.strip { @for field in &review.fields { (one(review, field, words)) } }
            @if !review.fields.is_empty() { (how_sure(&review.fields, words)) }
            @if review.is_open && review.fields.len() > 1 {
                // Without a script, the choices of a field follow those before it when they are asked for.
                button.quiet type="submit" name="action" value="choices" formnovalidate { (words.update_choices) }
            }
        }
    }
}

fn one(review: &OpenReview, field: &FieldView, words: &Words) -> Markup {
    let name = format!("field_{}", field.key);
    let changed = field.chosen != field.decided;
    html! {
        div.field.changed[changed] {
            label for=(name) { (title(field.key, words)) }
            select id=(name) name=(name) disabled[!review.is_open]
                hx-post=(format!("/review/{}/choices", review.id)) hx-trigger="change" hx-target="#decision" hx-swap="outerHTML"
                hx-include="closest form" {
                @if !field.options.contains(&field.chosen) {
                    option value=(field.chosen) selected { (label(&field.chosen)) }
                }
                @for option in field.options.iter().take(MOST_OPTIONS) {
                    option value=(option) selected[*option == field.chosen] { (label(option)) }
                }
            }
            @if changed {
                p.small { strong { (words.changed) } ", " (filled(words.was, &[("label", &plain(&field.decided))])) }
            }
            (bar(field.confidence, true))
            p.small {
                (sureness(field.confidence, words))
                @if let Some(kept) = field.kept {
                    " (" (match kept { Kept::Person => words.kept_person, Kept::Standing => words.kept_standing }) ")"
                }
            }
        }
    }
}

/// What each confidence means, and what else was likely.
fn how_sure(fields: &[FieldView], words: &Words) -> Markup {
    html! {
        details.how {
            summary { (words.how_sure) }
            dl { @for field in fields {
                dt { (title(field.key, words)) }
                dd { (meaning(field, words)) " " (alternatives(field, words)) }
            } }
        }
    }
}

/// What a confidence means: by the desk's own count, where there are enough tickets.
fn meaning(field: &FieldView, words: &Words) -> String {
    const ENOUGH: u64 = 30;
    match field.counted {
        Some((right, all)) if all >= ENOUGH => {
            let n = (100.0 * right as f64 / all as f64).round();
            filled(words.of_100_counted, &[("n", &n.to_string()), ("all", &crate::thousands(all as usize))])
        }
        _ => filled(words.of_100, &[("n", &(100.0 * field.confidence).round().to_string())]),
    }
}

fn alternatives(field: &FieldView, words: &Words) -> String {
    let one = |(name, p): &(String, f64)| format!("{} {:.0}\u{a0}%", plain(name), 100.0 * p);
    let likely = field.alternatives.iter().take(3).filter(|(_, p)| *p >= 0.005);
    let all: Vec<String> = likely.map(one).collect();
    if all.is_empty() { String::new() } else { filled(words.alternatives, &[("labels", &all.join(", "))]) }
}

fn title(key: &str, words: &Words) -> &'static str {
    match key {
        "board" => words.field_board,
        "type" => words.field_type,
        "subtype" => words.field_subtype,
        "priority" => words.field_priority,
        _ => words.field_technician,
    }
}
