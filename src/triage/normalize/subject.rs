//! What a subject says of its mail: an answer, a mail that is passed on, or neither.
//!
//! Must never take a word before a colon for a prefix where people write one: `Printer: jammed`.

use super::lines::fold;
use super::words::{Ambiguous, WORDS};

/// Longest prefix, in bytes.
const MAX_PREFIX: usize = 32;
/// Tags such as `[EXTERNAL]` that may stand before a prefix.
const MAX_TAGS: usize = 4;

/// What a subject says of the mail under it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hint {
    /// Nothing.
    #[default]
    None,
    /// It answers a mail.
    Answer,
    /// It passes a mail on.
    Forward,
    /// One or the other, by language: an index into the ambiguous prefixes.
    Either(usize),
}

impl Hint {
    /// What `subject` says.
    pub(super) fn of(subject: &str) -> Self {
        let folded = fold(&subject[..subject.floor_char_boundary(400)]);
        let mut rest = folded.as_str();
        for _ in 0..MAX_TAGS {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '-');
            let Some((tag, after)) = rest.strip_prefix('[').and_then(|tag| tag.split_once(']')) else {
                break;
            };
            if tag.len() > MAX_PREFIX {
                break;
            }
            rest = after;
        }
        let Some((prefix, _)) = rest.split_once(':').filter(|(prefix, _)| prefix.len() <= MAX_PREFIX) else {
            return Self::None;
        };
        // `RE[2]:`, `AW (3):`
        let prefix = prefix.split(['[', '(']).next().unwrap_or_default().trim().trim_end_matches('.');
        if let Some(either) = WORDS.ambiguous_prefix.iter().position(|either| either.prefix == prefix) {
            Self::Either(either)
        } else if WORDS.forward_prefixes.is(prefix) {
            Self::Forward
        } else if WORDS.reply_prefixes.is(prefix) {
            Self::Answer
        } else {
            Self::None
        }
    }

    /// What the hint says above an old mail whose own subject says `old`, and whose header block starts with `key`. Few words
    /// above a mail that is an answer itself are an answer to it.
    pub(super) fn above(self, old: Self, key: &str, is_short: bool) -> Self {
        let Self::Either(either) = self else { return self };
        let names_key = |e: &Ambiguous| e.answer_under.iter().any(|k| k == key);
        let answers = WORDS.ambiguous_prefix.get(either).is_some_and(names_key);
        if answers || (old == Self::Answer && is_short) { Self::Answer } else { Self::Forward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_in_many_languages() {
        for subject in [
            "RE: a",
            "Re[2]: a",
            "AW: a",
            "SV: a",
            "Odp: a",
            "R: a",
            "RES: a",
            "回复：a",
            "[EXTERNAL] RE: a",
            "Antw.: a",
            "YNT: a",
            "Vá: a",
        ] {
            assert_eq!(Hint::of(subject), Hint::Answer, "{subject}");
        }
        for subject in [
            "FW: a",
            "Fwd: a",
            "WG: a",
            "TR: a",
            "ENC: a",
            "I: a",
            "VB: a",
            "转发: a",
            "İLT: a",
            "[ext] Fw: a",
        ] {
            assert_eq!(Hint::of(subject), Hint::Forward, "{subject}");
        }
        for subject in ["Printer: jammed", "Error: 5", "real problem", "", "Reset: password"] {
            assert_eq!(Hint::of(subject), Hint::None, "{subject}");
        }
        assert_eq!(Hint::of("VS: a").above(Hint::None, "lähettäjä", false), Hint::Answer);
        assert_eq!(Hint::of("VS: a").above(Hint::None, "fra", true), Hint::Forward);
        assert_eq!(Hint::of("RV: a").above(Hint::Answer, "de", true), Hint::Answer);
    }
}
