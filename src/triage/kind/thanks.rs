//! Tells a text that only says thanks, or that all is well again.
//!
//! Must never pass over a word that it does not know: in such a word somebody may want something.

use super::letter::Letter;
use super::words::{WORDS, fold};

/// Words of a text that only says thanks, at most, and its bytes.
const MOST: usize = 40;
const LONGEST: usize = 400;

/// Whether the whole text says thanks, in words that ask for nothing, and the subject says nothing new.
pub(super) fn is_all(letter: &Letter<'_>) -> bool {
    let body = letter.body();
    if body.trim().is_empty() {
        return is_thanks(letter.subject(), letter);
    }
    (letter.is_answer() || is_thanks(letter.subject(), letter)) && is_thanks(body, letter)
}

fn is_thanks(text: &str, letter: &Letter<'_>) -> bool {
    if text.len() > LONGEST || text.contains(['?', '？', '؟']) {
        return false;
    }
    let words = &WORDS.thanks;
    let folded = fold(text);
    if words.whole.is_in(&folded) {
        let unspaced: String = folded.chars().filter(|c| !c.is_whitespace()).collect();
        return unspaced.chars().count() <= 24;
    }
    let names = letter.names();
    let said: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let is_known = |(i, word): (usize, &&str)| {
        let addressed = i > 0 && words.solved.has(said[i - 1]) && is_name(text, word);
        words.solved.has(word) || words.filler.has(word) || names.contains(&format!(" {word} ")) || addressed
    };
    said.len() <= MOST
        && said.iter().any(|word| words.solved.has(word))
        && said.iter().enumerate().all(is_known)
}

/// Whether a word that follows thanks is a name and the end of a line: "Thanks Dana".
fn is_name(text: &str, folded: &str) -> bool {
    let ends = |line: &str| {
        let last = line
            .trim_end_matches(|c: char| !c.is_alphanumeric())
            .rsplit(|c: char| !c.is_alphanumeric())
            .next();
        last.is_some_and(|word| word.starts_with(char::is_uppercase) && fold(word).trim() == folded)
    };
    text.lines()
        .flat_map(|line| line.split(['.', '!', ',']))
        .any(|part| part.split_whitespace().count() <= 3 && ends(part))
}
