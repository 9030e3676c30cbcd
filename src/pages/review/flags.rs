//! Why to look closely: an icon and a sentence each, always in the same order.

use maud::{Markup, html};

use super::view::Flag;
use crate::text::plain;
use crate::words::{Words, filled};

/// Longest reason that is printed of it, in flags.
const MOST: usize = 20;

/// A drawing of 16 by 16: no font has to have it.
fn icon(flag: &Flag) -> Markup {
    let path = match flag {
        Flag::Person(_) => "M8 7.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.5 14.5a5.5 5 0 0 1 11 0",
        Flag::Verify(_) => {
            "M1.5 3.5h13v9h-13zM5 8.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3M3 11h4M9 6.5h4M9 9.5h4"
        }
        Flag::Raised { .. } => "M8 14V2.5M3.5 7 8 2.5 12.5 7",
        Flag::Storm(_) => {
            "M1.5 5q2.2-3 4.3 0t4.3 0 4.4 0M1.5 9q2.2-3 4.3 0t4.3 0 4.4 0M1.5 13q2.2-3 4.3 0t4.3 0 4.4 0"
        }
        Flag::Cut(_) => "M2 4h12M2 8h3M6.5 8h3M11 8h3M2 12h7",
        Flag::Language(_) => {
            "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M1.5 8h13M8 1.5q-5 6.5 0 13q5-6.5 0-13"
        }
        Flag::Returned(_) => "M6 3 2.5 6.5 6 10M2.5 6.5h7a4 4 0 0 1 0 7H6",
    };
    html! { svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { path d=(path) {} } }
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
                            (icon(flag)) " " (sentence(flag, words))
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
                span role="img" aria-label=(sentence(flag, words)) title=(sentence(flag, words)) { (icon(flag)) }
            }
        }
    }
}
