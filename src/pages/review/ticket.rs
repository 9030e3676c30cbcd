//! The ticket: who, what, when, and its text as plain text.
//!
//! Must never print a ticket's markup as markup, nor a link that can be clicked.

use maud::{Markup, html};

use super::view::{OpenReview, TicketView};
use crate::plain::plain_text;
use crate::text::label;
use crate::words::{Words, filled};

/// Attachments and messages that are listed.
const MOST: usize = 50;

/// The ticket that is open.
pub(super) fn ticket(review: &OpenReview, words: &Words) -> Markup {
    let TicketView {
        number,
        subject,
        customer,
        contact,
        opened,
        source,
        text,
        raw,
        removed,
        thread,
        attachments,
        all,
    } = &review.ticket;
    let whole = format!("/review/{}?all=1", review.id);
    html! {
        section #ticket aria-labelledby="subject" {
            h1 #subject tabindex="-1" { (label(subject)) }
            p.about {
                span { (filled(words.ticket_of, &[("number", &crate::text::plain(number))])) }
                @for one in [customer, contact] { @if !one.is_empty() { span { (label(one)) } } }
                @if !opened.is_empty() { span { (words.opened) " " (label(opened)) } }
                @if !source.is_empty() { span { (words.source_of) ": " (label(source)) } }
                @if let Some(link) = &review.psa_link {
                    a #psa href=(link) target="_blank" rel="noreferrer noopener" { (words.in_psa) }
                }
            }
            @match text {
                Some(text) => (plain_text(text, *all, &whole, words)),
                None => { p.empty { (words.no_words) } },
            }
            @if let Some(raw) = raw {
                details {
                    summary { (words.as_it_came) }
                    @if !removed.is_empty() { p.small { (filled(words.removed, &[("what", &reasons(removed))])) } }
                    (plain_text(raw, *all, &whole, words))
                }
            }
            @for (head, text) in thread.iter().take(MOST) {
                details { summary { (label(head)) } (plain_text(text, *all, &whole, words)) }
            }
            @if !attachments.is_empty() {
                p.small { (words.attachments) ": "
                    @for (i, name) in attachments.iter().take(MOST).enumerate() {
                        @if i > 0 { ", " }
                        (label(name))
                    }
                }
            }
        }
    }
}

fn reasons(removed: &[(String, usize)]) -> String {
    let one = |(reason, n): &(String, usize)| format!("{} ({n})", crate::text::plain(reason));
    removed.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ")
}
