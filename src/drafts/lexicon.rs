//! What a sentence says, told by its words in each language: credentials, promises, claims of work done, and how it hangs
//! together with the sentences around it.
//!
//! These are lists of patterns and what reads them. Must never know a ticket, a bundle or a draft.

mod claims;
mod coherence;
mod credentials;
mod promises;

use regex::Regex;

pub(crate) use claims::{claim, claims};
pub(crate) use coherence::{addresses_reader, is_mail_header, leans_on_previous};
pub(crate) use credentials::{credential, names_secret};
pub(crate) use promises::{promise, promises};

/// Patterns that are fixed in the source, compiled.
fn compiled<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Vec<Regex> {
    patterns.into_iter().map(|p| Regex::new(p.as_ref()).expect("tested")).collect()
}

/// Whether the sentence that `rest` is the end of is a question.
fn is_question(rest: &str) -> bool {
    rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'))
}
