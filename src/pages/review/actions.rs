//! What can be done with a draft: every button says what follows.

use maud::{Markup, html};

use super::view::{Done, Flag, OpenReview, Sends, Toast};
use crate::text::plain;
use crate::words::{Words, filled};

/// Reasons to turn a draft down, as they are recorded.
pub const REASONS: [&str; 6] = ["wrong category", "wrong answer", "tone", "not needed", "unsafe", "other"];

/// The bar of actions, and the sentence above it.
pub(super) fn actions(review: &OpenReview, words: &Words) -> Markup {
    let verify = review.flags.iter().any(|flag| matches!(flag, Flag::Verify(_)));
    html! {
        div.actions {
            @if review.draft.is_some() { p.small { (sends(review, words)) } }
            @if verify {
                label.check { input #identity type="checkbox" name="identity" value="1"; " " (words.identity_checked) }
            }
            div.row {
                @if review.draft.is_some() {
                    button.main #approve type="submit" name="action" value="approve"
                        data-look=(format_args!("{:.1}", review.look_seconds)) data-wait=(words.wait_read)
                        { (if review.shadow { words.approve_shadow } else { words.approve }) }
                    button #send type="submit" name="action" value="edit"
                        { (if review.shadow { words.send_edited_shadow } else { words.send_edited }) }
                }
                button #fields type="submit" name="action" value="fields" { (words.set_fields) }
            }
            @if review.draft.is_some() { (reject(review, words)) }
        }
    }
}

fn reject(review: &OpenReview, words: &Words) -> Markup {
    let names = [
        words.reason_category,
        words.reason_answer,
        words.reason_tone,
        words.reason_needless,
        words.reason_unsafe,
        words.reason_other,
    ];
    html! {
        details #reject {
            summary { (if review.shadow { words.reject_shadow } else { words.reject }) }
            div.row {
                label { (words.reason) " "
                    select #reason name="reason" {
                        option value="" { "–" }
                        @for (value, name) in REASONS.iter().zip(names) { option value=(value) { (name) } }
                    }
                }
                label { (words.reason_more) " " input name="more" maxlength="1000" autocomplete="off"; }
                button type="submit" name="action" value="reject" { (words.reject) }
            }
        }
    }
}

/// What follows from an approval, in one sentence.
fn sends(review: &OpenReview, words: &Words) -> String {
    if review.shadow {
        return words.send_shadow.to_owned();
    }
    let contact = &review.ticket.contact;
    let contact = if contact.is_empty() { &review.ticket.customer } else { contact };
    let template = match review.sends {
        Sends::Unknown => words.send_unknown,
        Sends::Note => words.send_note,
        Sends::Mail => words.send_mail,
        Sends::Internal => words.send_internal,
    };
    let sentence = filled(template, &[("contact", &plain(contact))]);
    match review.undo_seconds {
        0 => sentence,
        n => format!("{sentence} {}", filled(words.undo_note, &[("n", &n.to_string())])),
    }
}

/// What was done last, with a way back.
pub(super) fn toast(toast: Option<&Toast>, back: &str, words: &Words) -> Markup {
    html! {
        div #toast role="status" aria-live="polite" {
            @if let Some(Toast { done, undo }) = toast {
                p {
                    (said(*done, words))
                }
                @if let Some((id, version, seconds)) = undo {
                    form method="post" action=(format!("/review/{id}/undo{back}")) {
                        input type="hidden" name="version" value=(version);
                        button #undo type="submit" { (words.undo) }
                        " " span.left data-left=(seconds) data-words=(words.undo_left)
                            { (filled(words.undo_left, &[("n", &seconds.to_string())])) }
                    }
                }
            }
        }
    }
}

fn said(done: Done, words: &Words) -> String {
    match done {
        Done::Approved => words.done_approved.to_owned(),
        Done::Edited => words.done_edited.to_owned(),
        Done::Rejected => words.done_rejected.to_owned(),
        Done::Fields => words.done_fields.to_owned(),
        Done::Undone => words.undone_now.to_owned(),
        Done::Batch(n, all) => filled(words.batch_done, &[("n", &n.to_string()), ("all", &all.to_string())]),
    }
}
