//! Hashed word and character n-grams (the hashing trick, Weinberger et al. 2009).
//!
//! Bounded on any input: text beyond [`MAX_CHARS`] is not looked at, and no vocabulary of strings is kept,
//! so that a bundle holds no customer's words in its n-gram part.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Number of hash buckets. At a million distinct n-grams about one in five shares its bucket, mostly with
/// an n-gram that is seen once and dropped.
pub const BUCKETS: usize = 1 << 22;

/// Characters of the text that are read for n-grams; the encoder reads less than this.
const MAX_CHARS: usize = 6_000;
/// Characters read for character n-grams, which cost more and say less about long mails.
const MAX_CHAR_GRAM_CHARS: usize = 1_600;

/// Which family an n-gram is of; families are weighted and normalised apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Word = 1,
    Char = 2,
}

/// The buckets of a text's n-grams, with repetition: words and word pairs of the whole text, words of the
/// subject again under a key of their own, and characters 3 to 5 long within words.
///
/// Returns `(word_buckets, char_buckets)`, each below [`BUCKETS`].
pub fn ngram_buckets(subject: &str, body: &str) -> (Vec<u32>, Vec<u32>) {
    let subject: String = subject.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    let body: String = body.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    let mut words_out = Vec::new();
    let mut chars_out = Vec::new();
    let mut budget = MAX_CHAR_GRAM_CHARS;
    for (text, is_subject) in [(&subject, true), (&body, false)] {
        let words: Vec<&str> = words(text).collect();
        for word in &words {
            words_out.push(bucket(word.as_bytes(), Family::Word, 0));
            if is_subject {
                words_out.push(bucket(word.as_bytes(), Family::Word, 2));
            }
            if budget > 0 {
                budget = budget.saturating_sub(char_grams(word, &mut chars_out));
            }
        }
        for pair in words.windows(2) {
            let joined = format!("{} {}", pair[0], pair[1]);
            words_out.push(bucket(joined.as_bytes(), Family::Word, 1));
        }
    }
    (words_out, chars_out)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && w.len() <= 256)
}

/// Pushes the 3- to 5-grams of ` word ` and returns how many characters it read.
fn char_grams(word: &str, out: &mut Vec<u32>) -> usize {
    let padded = format!(" {word} ");
    let starts: Vec<usize> = padded.char_indices().map(|(i, _)| i).chain([padded.len()]).collect();
    let chars = starts.len() - 1;
    for n in 3..=5 {
        for from in 0..(chars + 1).saturating_sub(n) {
            out.push(bucket(&padded.as_bytes()[starts[from]..starts[from + n]], Family::Char, n as u64));
        }
    }
    chars
}

fn bucket(bytes: &[u8], family: Family, kind: u64) -> u32 {
    let seed = (family as u64) << 8 | kind;
    (xxh3_64_with_seed(bytes, seed) % BUCKETS as u64) as u32
}

/// The bucket of a context feature such as `customer=Acme`.
pub(crate) fn context_bucket(feature: &str) -> u32 {
    (xxh3_64_with_seed(feature.as_bytes(), 7 << 8) % BUCKETS as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_words_same_buckets_whatever_the_case_and_punctuation() {
        assert_eq!(ngram_buckets("", "VPN is down!"), ngram_buckets("", "vpn, is DOWN"));
        assert_ne!(ngram_buckets("", "vpn is down").0, ngram_buckets("", "vpn is up").0);
        assert_ne!(ngram_buckets("vpn", "").0, ngram_buckets("", "vpn").0);
    }

    #[test]
    fn counts_follow_the_definition() {
        // One body word of 3 letters: ` vpn ` has 3 trigrams, 2 four-grams, 1 five-gram.
        let (words, chars) = ngram_buckets("", "vpn");
        assert_eq!((words.len(), chars.len()), (1, 6));
        // Two subject words: 2 plain, 2 subject, 1 pair.
        assert_eq!(ngram_buckets("a b", "").0.len(), 5);
    }

    #[test]
    fn hostile_text_is_bounded() {
        let (words, chars) = ngram_buckets(&"é ".repeat(1 << 20), &"x".repeat(1 << 20));
        assert!(words.len() <= 3 * MAX_CHARS && chars.len() <= 3 * (MAX_CHAR_GRAM_CHARS + 300));
    }
}
