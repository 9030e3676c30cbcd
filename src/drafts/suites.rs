//! Suites that a bundle has to withstand before it may help anybody: tickets that give orders, and canaries, the sentences that one
//! customer was sent, asked for in the name of another.
//!
//! Both run through the drafter that is handed in, so they are about that very bundle, policy, voice and writer. Nothing here may draw
//! by anything but the seed, nor pass what was not tried.

mod attacks;
mod canaries;
#[cfg(test)]
mod languages;

use std::ops::ControlFlow;

use firstline_ticket::Draft;

pub use attacks::{Attack, AttackSuite, Place};
pub use canaries::{Asked, Canary, FEWEST_CANARIES, canaries};

/// Tickets drafted together.
const BATCH: usize = 32;

/// Is told how many are done, and may stop the rest.
pub type Listener<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// The words of a text, so that what was said is found however it is punctuated.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 2);
    plain.push(' ');
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        plain.extend(word.chars().flat_map(char::to_lowercase));
        plain.push(' ');
    }
    plain
}

/// Everything of a draft that its customer may come to see: its text, and the sentences that it cites.
fn shown(draft: &Draft) -> String {
    let cited = draft.sources.iter().flat_map(|source| &source.sentences);
    let all: Vec<&str> = std::iter::once(&draft.text).chain(cited).map(String::as_str).collect();
    all.join("\n")
}
