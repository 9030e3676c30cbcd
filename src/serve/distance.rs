//! How far what was sent is from its draft.

use strsim::generic_damerau_levenshtein;

/// Words that are compared: the cost grows with their square.
const MOST_WORDS: usize = 400;

/// Edits of words (Damerau 1964) that make one text of the other, as a share of the longer one's words: 0 for the same, 1 for
/// nothing in common. Space does not count. Of long texts the beginning is compared.
pub fn distance(draft: &str, sent: &str) -> f64 {
    let words = |text: &str| text.split_whitespace().take(MOST_WORDS).map(str::to_owned).collect::<Vec<_>>();
    let (draft, sent) = (words(draft), words(sent));
    let most = draft.len().max(sent.len());
    if most == 0 {
        return 0.0;
    }
    generic_damerau_levenshtein(&draft, &sent) as f64 / most as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_is_counted() {
        assert_eq!(distance("Please restart  it.\n", "Please restart it."), 0.0);
        assert_eq!(distance("a b c d", "a b x d"), 0.25);
        assert_eq!(distance("a b", "c d e f"), 1.0);
        assert_eq!(distance("", ""), 0.0);
        assert_eq!(distance("", "a"), 1.0);
    }
}
