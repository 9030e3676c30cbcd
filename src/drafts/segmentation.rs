//! Cuts texts into sentences and words.
//!
//! Must never change a letter of a sentence: what is cut out is compared and sent as it stands.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Abbreviations that don't end a sentence.
const ABBREVIATIONS: [&str; 9] = ["e.g.", "i.e.", "Mr.", "Mrs.", "Ms.", "Dr.", "No.", "z.B.", "bzw."];

/// The sentences of a line.
pub(crate) fn sentences_of_line(line: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for piece in line.split_sentence_bounds().map(str::trim).filter(|p| !p.is_empty()) {
        // A number of a list, or an abbreviation, is no sentence.
        let open = all.last().is_some_and(|s| is_open(s));
        match all.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(piece);
            }
            None => all.push(piece.to_owned()),
        }
    }
    all
}

/// Whether the next piece still belongs to this one.
fn is_open(sentence: &str) -> bool {
    let last = sentence.rsplit(' ').next().unwrap_or_default();
    let stem = last.trim_end_matches(['.', ')']);
    (stem.len() < last.len() && stem.len() <= 3 && sentence.split(' ').count() == 1)
        || ABBREVIATIONS.contains(&last)
}

/// The words of a text, in lower case, with their ranges in bytes: runs of letters and digits.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[start..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - start);
        rest = start + length;
        Some((start..rest, text[start..rest].to_lowercase()))
    })
}

/// Whether a sentence or a line begins at byte `at`.
pub(crate) fn begins_sentence(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '"', '\'', '(', '*', '-', '\u{201c}', '\u{2022}']);
    before.is_empty() || before.ends_with(['.', '!', '?', ':', '\n', ';'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_list_and_abbreviations_end_no_sentence() {
        let line = "1. Ask Mr. Smith, e.g. by chat. Then restart it.";
        assert_eq!(sentences_of_line(line), ["1. Ask Mr. Smith, e.g. by chat.", "Then restart it."]);
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let text = "Ödegård's M365: (OK)";
        let all: Vec<String> = words(text).map(|(_, word)| word).collect();
        assert_eq!(all, ["ödegård", "s", "m365", "ok"]);
        assert!(words(text).all(|(range, word)| text[range].to_lowercase() == word));
        assert!(begins_sentence("a. \"B", 4) && !begins_sentence("a b", 2));
    }
}
