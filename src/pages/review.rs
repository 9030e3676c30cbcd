//! The technician's page: the queue, the ticket, what was decided, the draft, and what can be done.
//!
//! Plain data in, markup out. Works without a script: every action is a form. Must never print a ticket's words unescaped.

mod actions;
mod decision;
mod diff;
mod draft;
mod flags;
mod queue;
mod ticket;
mod view;

#[cfg(test)]
mod tests;

use maud::{Markup, html};

pub use actions::REASONS;
pub use queue::MOST_BATCH;
pub use view::{
    ConflictView, Done, DraftOrigin, DraftView, EditView, FieldView, Filters, Finding, Flag, Kept,
    OpenReview, QueueLine, QueueView, ReviewView, Sends, SentenceSource, Standing, Tab, TicketView, Toast,
};

use crate::text::{note, plain};
use crate::words::{Language, Words, filled};

/// The page: what stands between the landmarks.
pub fn review_page(view: &ReviewView, language: Language) -> Markup {
    let words = language.words();
    let back = queue::address(&view.queue.filters);
    html! {
        (actions::toast(view.toast.as_ref(), &back, words))
        @if let Some(alert) = &view.alert { div.notes role="alert" { strong { (words.problem) ": " } (note(alert)) } }
        div.panes.chosen[view.open.is_some()] {
            (queue::queue(&view.queue, words))
            div.work {
                @match &view.open {
                    Some(open) => (open_review(open, &back, words)),
                    None => { h1 { (words.review) } p.empty { (words.choose_one) } },
                }
            }
        }
        (keys(words))
    }
}

/// What names the window: the ticket's number, which an address may hold, and no more of it.
pub fn title(view: &ReviewView, language: Language) -> &str {
    view.open.as_ref().map_or(language.words().review, |open| &open.ticket.number)
}

/// What an address says of the filters, such as `?tab=mine`; empty where nothing is narrowed. It holds no words that are looked for.
pub fn address(filters: &Filters) -> String {
    queue::address(filters)
}

/// The lines of the queue, for a page that is open.
pub fn queue_lines(view: &QueueView, language: Language) -> Markup {
    queue::queue_lines(view, language.words())
}

/// What was decided, with the choices that fit what was chosen, for a page that is open.
pub fn decision_part(open: &OpenReview, language: Language) -> Markup {
    decision::decision(open, language.words())
}

/// What was found in a person's text, for a page that is open.
pub fn edit_part(draft: &DraftView, edit: &EditView, language: Language) -> Markup {
    draft::edit_part(draft, Some(edit), language.words())
}

/// Who else looks at a ticket, for a page that is open.
pub fn presence_part(id: &str, others: &[String], language: Language) -> Markup {
    presence(id, others, language.words())
}

/// What the loser of two reviewers is shown: what stands, and their own text.
pub fn conflict_page(view: &ConflictView, language: Language) -> Markup {
    let words = language.words();
    let name = plain(&view.winner);
    let name = if name.is_empty() { "–" } else { &name };
    let told = filled(words.conflict_text, &[("name", name), ("state", view.standing.word(words))]);
    html! {
        div.message {
            h1 { (words.conflict) }
            p role="alert" { (told) }
            @if let Some(text) = &view.stands {
                h2 { (words.winner_text) }
                div.plain dir="auto" { (crate::plain::lines(text, words)) }
            }
            @if !view.own.is_empty() {
                label for="own" { (words.own_text) }
                textarea #own rows="10" readonly dir="auto" { (view.own) }
            }
            p { a.button href=(format!("/review/{}", view.id)) { (words.look_again) } " "
                a.button href="/review" { (words.back) } }
        }
    }
}

/// What is said where something could not be done: the problem, what to do next, and the text that would be lost.
pub fn problem_page(code: &str, detail: &str, own: &str, may_review: bool, language: Language) -> Markup {
    let words = language.words();
    html! {
        div.message {
            h1 { (words.problem) }
            p role="alert" { (note(detail)) }
            @if code == "E_BLIND" { p { (words.blind_text) } }
            @if code == "E_AUTH" { p { (words.expired) " " a.button href="/login" { (words.sign_in) } } }
            @if !own.is_empty() {
                label for="own" { (words.own_text) }
                textarea #own rows="10" readonly dir="auto" { (own) }
            }
            p { code { (code) } }
            @if may_review { p { a.button href="/review" { (words.back) } } }
        }
    }
}

fn open_review(open: &OpenReview, back: &str, words: &Words) -> Markup {
    html! {
        form #review method="post" action=(format!("/review/{}{back}", open.id)) autocomplete="off" data-id=(open.id)
            data-version=(open.version) data-not-saved=(words.not_saved) data-expired=(words.expired) {
            // Enter in a field checks the text; it decides nothing.
            button.first type="submit" name="action" value="check" formnovalidate tabindex="-1" aria-hidden="true" {}
            input type="hidden" name="version" value=(open.version);
            input type="hidden" name="opened_at" value=(open.opened_at);
            input #active type="hidden" name="active_seconds" value="";
            (presence(&open.id, &open.others, words))
            div.columns {
                (ticket::ticket(open, words))
                div.answer {
                    @if !open.is_open {
                        p.notes { (filled(words.reviewed_state, &[("state", open.standing.word(words))])) }
                    }
                    (flags::flags(&open.flags, words))
                    (decision::decision(open, words))
                    (draft::draft(open, words))
                }
            }
            @if open.is_open { (actions::actions(open, words)) }
            nav.steps aria-label=(words.next) {
                @if let Some(id) = &open.previous { a #previous href=(format!("/review/{id}{back}")) rel="prev" { "← " (words.previous) } }
                @if let Some(id) = &open.next { a #next href=(format!("/review/{id}{back}")) rel="next" { (words.next) " →" } }
                span #clock.small data-words=(words.active_time) {}
            }
        }
    }
}

fn presence(id: &str, others: &[String], words: &Words) -> Markup {
    html! {
        p #presence.others hx-post=(format!("/review/{id}/presence")) hx-trigger="every 15s" hx-swap="outerHTML"
            hx-params="none" role="status" {
            @if !others.is_empty() { (queue::looking(others, words)) }
        }
    }
}

/// What each key does. The script reads the table, and keeps what a person changes in this browser.
fn keys(words: &Words) -> Markup {
    let all = [
        ("approve", "a", words.key_approve),
        ("edit", "e", words.key_edit),
        ("reject", "r", words.key_reject),
        ("fields", "s", words.key_fields),
        ("undo", "u", words.key_undo),
        ("next", "j", words.key_next),
        ("previous", "k", words.key_previous),
        ("search", "/", words.key_search),
        ("psa", "o", words.key_psa),
        ("problem", "!", words.key_problem),
        ("help", "?", words.key_help),
    ];
    html! {
        details #keys {
            summary { (words.keys) }
            p.small { (words.keys_note) }
            label.check { input #keys-on type="checkbox" checked; " " (words.keys_on) }
            table {
                tbody { @for (name, key, title) in all { tr {
                    td { label for=(format!("key-{name}")) { (title) } }
                    td { input id=(format!("key-{name}")) data-key=(name) value=(key) maxlength="1" size="2" autocomplete="off"; }
                } } }
            }
            p.small { (words.key_send) }
        }
    }
}
