//! Holds: what is on hold, how it is put there and ended, and the page after a stop.
//!
//! Plain values in, markup out. An end asks for the cause.

use maud::{Markup, html};

use super::parts::{Level, ScopeView, choice, words_for};
use super::rollout::Rights;
use super::words::{self, Words};
use crate::text::{label, note};
use crate::words::{Language, filled};

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldLine {
    /// Its number.
    pub id: i64,
    /// How far it goes.
    pub level: Level,
    /// What it is about.
    pub scope: ScopeView,
    /// Since when.
    pub at: String,
    /// Who; `firstline` where a trigger fired.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was ended, by whom, and why.
    pub released: Option<[String; 3]>,
}

/// Holds in force, and the form that puts something on hold.
pub(super) fn holds(holds: &[HoldLine], rights: Rights, words: &'static Words) -> Markup {
    html! {
        section {
            h2 { (words.h_holds) }
            @if holds.is_empty() { p.empty { (words.no_holds) } }
            @for one in holds {
                article.card id=(format!("hold-{}", one.id)) {
                    (hold(one, words))
                    p { a href=(format!("/rollout/holds/{}", one.id)) { (words.what_it_holds) } }
                    @if rights.approve { (resume(one.id, words)) }
                }
            }
            @if rights.hold { (put_on_hold(words)) }
        }
    }
}

fn hold(one: &HoldLine, words: &'static Words) -> Markup {
    html! {
        h3 { (filled(words.hold_number, &[("n", &one.id.to_string())])) ": " (one.level.word(words)) }
        p { (words.scope) ": " (one.scope.show(words)) }
        p lang=[(one.by == "firstline").then_some("en")] { (note(&one.reason)) }
        p.small { (words.since) ": " (label(&one.at)) " · " (words.by) ": " (label(&one.by)) }
        @if let Some([at, by, why]) = &one.released {
            p { "✓ " (words.was_ended) ": " (label(at)) " · " (label(by)) " · " (note(why)) }
        }
    }
}

fn resume(id: i64, words: &Words) -> Markup {
    html! {
        details {
            summary { (words.resume) }
            form.fields method="post" action="/rollout/resume" {
                input type="hidden" name="hold" value=(id);
                p.small { (words.resume_about) }
                (words_for("reason", words.cause))
                button type="submit" { (words.resume) }
            }
        }
    }
}

fn put_on_hold(words: &'static Words) -> Markup {
    let levels: Vec<(&str, &str)> = [Level::PauseExpansion, Level::Pause, Level::BackOut]
        .iter()
        .map(|level| (level.name(), level.word(words)))
        .collect();
    html! {
        details {
            summary { (words.put_on_hold) }
            form.fields method="post" action="/rollout/hold" {
                p.small { (words.hold_about) }
                (choice("level", words.level, &levels, Level::Pause.name()))
                @for (name, title) in [("customer", words.customer), ("board", words.board), ("type", words.type_word)] {
                    label { (title) " " span.small { (words.empty_is_all) } " " input name=(name) maxlength="256" autocomplete="off"; }
                }
                (words_for("reason", words.reason))
                button type="submit" { (words.put_on_hold) }
            }
        }
    }
}

/// What a hold holds back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldView {
    /// The hold.
    pub hold: HoldLine,
    /// Actions that are held back now, here or elsewhere.
    pub held: usize,
    /// Whether there are more than those.
    pub more_held: bool,
    /// Actions that somebody is at: they can't be called back.
    pub in_flight: Vec<i64>,
    /// What was done in the seven days before and customers could see, to look through.
    pub to_check: Vec<i64>,
    /// Whether the reader may end it.
    pub may_resume: bool,
}

/// What was held, and how to go on: the page after a stop.
pub fn held_page(view: &HeldView, language: Language) -> Markup {
    let words = words::of(language);
    let ids = |ids: &[i64]| html! { @for (i, id) in ids.iter().enumerate() { @if i > 0 { ", " } (id) } };
    html! {
        div.message {
            h1 { (if view.hold.released.is_some() { words.hold_ended } else if view.hold.level == Level::Stop { words.stopped } else { words.is_on_hold }) }
            (hold(&view.hold, words))
            ul {
                li { (filled(if view.more_held { words.held_more } else { words.held_now }, &[("n", &view.held.to_string())])) " "
                    a href="/outbox" { (words.to_outbox) } }
                li { @if view.in_flight.is_empty() { (words.none_in_flight) } @else { (words.in_flight) ": " (ids(&view.in_flight)) } }
                li { @if view.to_check.is_empty() { (words.none_to_check) } @else { (words.to_check) ": " (ids(&view.to_check)) } }
            }
            h2 { (words.how_to_resume) }
            p { (if view.hold.level >= Level::BackOut { words.resume_evidence } else { words.resume_about }) }
            p.small { (words.held_a_day) }
            @if view.may_resume && view.hold.released.is_none() { (resume(view.hold.id, words)) }
            p { a.button href="/rollout" { (words.to_rollout) } }
        }
    }
}
