//! Greetings, titles and sign-offs in the languages that desks write in.
//!
//! Must never take a sentence that goes on for a greeting.

use super::languages;
use crate::folding::plain;

/// How many of `words`, the first of a text, are a greeting by themselves.
pub(crate) fn salutation(words: &[&str]) -> Option<usize> {
    let greets = |n: usize| {
        let said = plain(&words.get(..n)?.join(" "));
        languages().iter().any(|l| l.greetings.is_match(&said)).then_some(n)
    };
    (1..=3).rev().find_map(greets)
}

/// Whether `word` stands for people in a greeting: "all".
pub(crate) fn is_people(word: &str) -> bool {
    let word = plain(word);
    languages().iter().any(|l| l.people.is_match(&word))
}

/// Whether `word` is a title in front of a name.
pub(crate) fn is_title(word: &str) -> bool {
    let word = plain(word);
    let word = word.trim_end_matches('.');
    languages().iter().any(|l| l.titles.is_match(word))
}

/// The bytes of the sign-off that `text` begins with.
pub(crate) fn is_sign_off(text: &str) -> Option<usize> {
    let said = plain(text);
    let longest = languages().iter().filter_map(|l| Some(l.signoffs.find(&said)?.end())).max()?;
    // In the text itself accents take more bytes than in its plain reading: count words.
    let n = said[..longest].split_whitespace().count();
    let mut end = 0;
    for word in text.split_whitespace().take(n) {
        end += text[end..].find(word)? + word.len();
    }
    Some(end)
}
