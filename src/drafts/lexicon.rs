//! What a sentence says, told by its words in each language: credentials, promises, claims of work done, somebody's own
//! circumstances, a link, and how it hangs together with the sentences around it.
//!
//! The words are data, one file a language (`lexicon/words/`); the code says how they make patterns. Texts are folded before
//! any word is looked for. Must never know a ticket, a bundle or a draft.

mod circumstances;
mod claims;
mod coherence;
mod credentials;
mod links;
mod pattern;
mod promises;
mod salutations;
mod words;

use crate::folding::readings;
use words::{Language, languages};

pub(crate) use circumstances::{circumstance, is_common, is_third_person};
pub(crate) use claims::{claim, claims};
pub(crate) use coherence::{addresses_reader, is_mail_header, leans_on_previous};
pub(crate) use credentials::{changes_access, credential, names_secret};
pub(crate) use links::dangling_link;
pub(crate) use promises::{promise, promises};
pub(crate) use salutations::{is_people, is_sign_off, is_title, salutation};
pub(crate) use words::common_words;

/// Whether there are word lists for this language, ISO 639-1: what has none can't be guarded.
pub(crate) fn knows(language: &str) -> bool {
    languages().iter().any(|l| l.code == language)
}

/// The lists of one language.
fn language(code: &str) -> Option<&'static Language> {
    languages().iter().find(|l| l.code == code)
}

/// Whether the sentence that `rest` is the end of is a question.
fn is_question(rest: &str) -> bool {
    rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'))
}

/// What of a text stands in front of a hit within its sentence.
fn clause(before: &str) -> &str {
    before.rfind(['.', '?', '!', ';', ':', '\n']).map_or(before, |at| &before[at + 1..])
}

/// All that `find` finds in the readings of `text`, in any language.
fn in_any_language(text: &str, find: impl Fn(&Language, &str, &mut Vec<String>)) -> Vec<String> {
    let mut found = Vec::new();
    for reading in readings(text) {
        for language in languages() {
            find(language, &reading, &mut found);
        }
    }
    found
}
