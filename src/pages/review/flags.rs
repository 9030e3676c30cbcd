//! Why to look closely: an icon and a sentence each, always in the same order.

use maud::{Markup, html};

use super::view::Flag;
use crate::text::plain;
use crate::words::{Words, filled};

/// Longest reason that is printed of it, in flags.
const MOST: usize = 20;

fn icon(flag: &Flag) -> &'static str {
    match flag {
        Flag::Person(_) => "✋",
        Flag::Verify(_) => "🪪",
        Flag::Raised { .. } => "⬆",
        Flag::Storm(_) => "≋",
        Flag::Cut(_) => "✂",
        Flag::Language(_) => "🌐",
        Flag::Returned(_) => "↩",
    }
}

fn sentence(flag: &Flag, words: &Words) -> String {
    match flag {
        Flag::Person(rule) => filled(words.flag_person, &[("rule", &plain(rule))]),
        Flag::Verify(rule) => filled(words.flag_verify, &[("rule", &plain(rule))]),
        Flag::Raised { from, rule } => {
            filled(words.flag_raised, &[("label", &plain(from)), ("rule", &plain(rule))])
        }
        Flag::Storm(_) => words.flag_storm.to_owned(),
        Flag::Cut(n) => filled(words.flag_cut, &[("n", &n.to_string())]),
        Flag::Language(code) => filled(words.flag_language, &[("code", &plain(code))]),
        Flag::Returned(reason) => filled(words.flag_returned, &[("reason", &plain(reason))]),
    }
}

fn sorted(flags: &[Flag]) -> Vec<&Flag> {
    let mut all: Vec<&Flag> = flags.iter().collect();
    all.sort();
    all.truncate(MOST);
    all
}

/// All of them, in full.
pub(super) fn flags(flags: &[Flag], words: &Words) -> Markup {
    html! {
        @if !flags.is_empty() {
            section.flags aria-label=(words.flags) {
                ul {
                    @for flag in sorted(flags) {
                        li {
                            span.icon aria-hidden="true" { (icon(flag)) } " " (sentence(flag, words))
                            @if let Flag::Storm(Some(head)) = flag {
                                ": " a href=(format!("/review/{head}")) { (words.flag_storm_head) " " code { (plain(head)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Icons with their sentences for those who can't see icons.
pub(super) fn short(flags: &[Flag], words: &Words) -> Markup {
    html! {
        span.icons {
            @for flag in sorted(flags) {
                span.icon role="img" aria-label=(sentence(flag, words)) title=(sentence(flag, words)) { (icon(flag)) }
            }
        }
    }
}
