//! The outbox: what is to be done in the PSA, what is being done, what is held back, and what failed.
//!
//! Plain values in, markup out. Shows no reply's words: those are on the review page, behind its rules.

use maud::{Markup, html};

use super::parts::{Said, button, named, or_dash, said, table};
use super::words::{self, Words};
use crate::table::Column;
use crate::text::label;
use crate::words::{Language, filled};

named! {
    /// How an action stands.
    Standing {
        /// Nobody has claimed it.
        Waiting "waiting" action_waiting,
        /// It is held back for a person.
        Held "held" action_held,
        /// Somebody is at it.
        InFlight "claimed" action_claimed,
        /// It was given up.
        Failed "failed" action_failed,
    }
}

named! {
    /// What is done.
    Doing {
        /// A reply is sent.
        Reply "reply" do_reply,
        /// Fields are set.
        SetFields "set_fields" do_fields,
        /// The ticket is closed.
        Close "close" do_close,
        /// It is opened again.
        Reopen "reopen" do_reopen,
        /// An automation runs.
        Run "run" do_run,
    }
}

impl Standing {
    fn about(self, words: &'static Words) -> &'static str {
        match self {
            Self::Waiting => words.waiting_about,
            Self::Held => words.held_about,
            Self::InFlight => words.claimed_about,
            Self::Failed => words.failed_about,
        }
    }
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionLine {
    /// Its id.
    pub id: i64,
    /// What is done.
    pub doing: Doing,
    /// In which ticket.
    pub ticket: String,
    /// Whose it is.
    pub customer: String,
    /// The decision that it follows from.
    pub decision: String,
    /// Whether nobody has approved it.
    pub alone: bool,
    /// How often it was claimed.
    pub attempts: i64,
    /// Until when the claim holds, with the zone.
    pub until: Option<String>,
    /// Why the last attempt failed, or why it is held back.
    pub fault: Option<String>,
}

/// Actions that stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionList {
    /// How they stand.
    pub standing: Standing,
    /// The newest of them.
    pub lines: Vec<ActionLine>,
    /// The action after which the next page begins.
    pub next: Option<i64>,
}

/// The page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxView {
    /// One list each.
    pub lists: Vec<ActionList>,
    /// Whether the reader may put actions back.
    pub may_retry: bool,
    /// Whether the reader may cancel what nobody approved.
    pub may_cancel: bool,
    /// What was done.
    pub said: Option<Said>,
}

/// The page: what stands between the landmarks.
pub fn outbox_page(view: &OutboxView, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.outbox_title) }
        (said(view.said.as_ref(), words))
        p.small { (words.outbox_about) }
        @for list in &view.lists { (actions(list, view, words)) }
    }
}

fn actions(list: &ActionList, view: &OutboxView, words: &'static Words) -> Markup {
    let title = list.standing.word(words);
    let columns = [
        Column::head(words.action),
        Column::text(words.ticket),
        Column::text(words.customer),
        Column::text(words.on_word_of),
        Column::number(words.attempts),
        Column::text(words.why),
        Column::text(words.to_do),
    ];
    html! {
        section {
            h2 { (title) }
            p.small { (list.standing.about(words)) }
            @if list.lines.is_empty() {
                p.empty { (words.no_actions) }
            } @else {
                (table(columns, title, list.lines.iter().map(|one| row(one, list.standing, view, words))))
            }
            @if let Some(next) = list.next {
                p { a.button href=(format!("/outbox?state={}&before={next}", list.standing.name())) { (words.more) } }
            }
        }
    }
}

fn row(one: &ActionLine, standing: Standing, view: &OutboxView, words: &'static Words) -> [Markup; 7] {
    let id = one.id.to_string();
    let about = filled(words.action_of, &[("id", &id), ("ticket", &one.ticket)]);
    let may_retry = view.may_retry && matches!(standing, Standing::Held | Standing::Failed);
    let may_cancel = view.may_cancel && one.alone && matches!(standing, Standing::Held | Standing::Waiting);
    [
        html! { (id) ": " (one.doing.word(words)) },
        html! { a href=(format!("/review/{}", one.decision)) { (label(&one.ticket)) } },
        label(&one.customer),
        html! { (if one.alone { words.nobody } else { words.a_person }) },
        html! { (one.attempts) },
        html! { (or_dash(one.fault.as_deref())) @if let Some(until) = &one.until { " " (filled(words.until, &[("at", until)])) } },
        html! {
            @if may_retry { (button(&format!("/outbox/{id}/retry"), &[], words.retry, None, &about)) }
            @if may_cancel { (button(&format!("/outbox/{id}/cancel"), &[], words.cancel, None, &about)) }
        },
    ]
}
