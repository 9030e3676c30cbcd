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
    /// It starts a thread: a program that answers puts a prefix before it.
    First,
    /// No prefix that is known. A word before a colon may be one of a language that nobody has told us of: the [trace] of the rest.
    Unknown(u64),
}

/// Letters of a prefix in a language that nobody has told us of, at most.
const MAX_UNKNOWN: usize = 20;

/// A number that equal texts share, whatever their case and signs.
pub(super) fn trace(text: &str) -> u64 {
    let letters: String = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
    xxhash_rust::xxh3::xxh3_64(letters.as_bytes())
}

impl Hint {
    /// What the subject of a ticket says: a word that is no known prefix may be one, which the old mail's subject tells.
    pub(super) fn of_ticket(subject: &str) -> Self {
        let (prefix, rest) = subject.split_once([':', '：']).unwrap_or_default();
        let is_word = prefix.chars().count() <= MAX_UNKNOWN && prefix.split_whitespace().count() <= 2;
        match Self::of(subject) {
            Self::None if is_word && rest.contains(char::is_alphabetic) => Self::Unknown(trace(rest)),
            Self::None if subject.contains(char::is_alphabetic) => Self::First,
            told => told,
        }
    }

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

impl Hint {
    /// What it says over old mails whose subjects have these traces, where `line` stands above them.
    pub(super) fn over(self, old: &[u64], mut lines: impl Iterator<Item = impl AsRef<str>>) -> Self {
        match self {
            Self::Unknown(rest) if old.contains(&rest) => Self::Forward,
            Self::Unknown(_) => Self::First,
            Self::Either(either) => {
                let below = WORDS.ambiguous_prefix.get(either).map(|either| &either.answer_below);
                let is_word = |line: &str| {
                    below.is_some_and(|words| words.is(line.trim_matches(|c: char| !c.is_alphanumeric())))
                };
                if lines.any(|line| is_word(line.as_ref())) { Self::Answer } else { self }
            }
            told => told,
        }
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
