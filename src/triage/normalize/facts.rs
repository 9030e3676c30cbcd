//! What a line holds whatever its language: an address, a date, a telephone number, a name.
//!
//! Must never know a word of any language.

/// Longest name, in words and in characters.
const NAME_WORDS: usize = 5;
const NAME_CHARS: usize = 48;

/// Longest abbreviation before a name, and letters of a name in a script without capitals.
const MAX_ABBREVIATION: usize = 12;
const UNCASED_NAME: usize = 28;
/// More words than this are a sentence; so are as many letters of the script in which Japanese is inflected.
const SENTENCE_WORDS: usize = 12;
const SPOKEN: usize = 9;

/// How a mail address stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// In brackets, as programs write it beside a name.
    Bracketed,
    Bare,
}

/// The first mail address of a folded line.
pub(super) fn address(text: &str) -> Option<Address> {
    let mut found = None;
    for (at, _) in text.match_indices('@') {
        let before = text[..at].rsplit(|c: char| c.is_whitespace() || "<>[]()\",;:".contains(c)).next()?;
        let after = text[at + 1..].split(|c: char| !(c.is_alphanumeric() || ".-_".contains(c))).next()?;
        if before.is_empty() || after.trim_matches('.').is_empty() {
            continue;
        }
        let opened =
            text[..at - before.len()].trim_end_matches("mailto:").trim_end().ends_with(['<', '[', '(']);
        let closed = text[at + 1 + after.len()..].trim_start().starts_with(['>', ']', ')', ';', '<']);
        if opened && closed {
            return Some(Address::Bracketed);
        }
        found = Some(Address::Bare);
    }
    found
}

/// Whether a point in time stands in the line: a date with its year, three numbers as dates have them, or a clock time beside another
/// number.
pub(super) fn is_dated(text: &str) -> bool {
    let count = numbers(text).count();
    let year = numbers(text).any(|number| number.chars().count() == 4);
    (count >= 2 && (year || has_clock(text))) || (count >= 3 && has_slashed(text))
}

/// Whether the line says to the minute when.
pub(super) fn has_clock(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(5).any(|w| {
        w[0].is_numeric()
            && matches!(w[1], ':' | '.' | 'h')
            && w[2].is_numeric()
            && w[3].is_numeric()
            && !w[4].is_numeric()
            && (w[1] != '.' || w[4] != '.')
    }) || chars.len() >= 4 && {
        let w = &chars[chars.len() - 4..];
        w[0].is_numeric() && w[1] == ':' && w[2].is_numeric() && w[3].is_numeric()
    }
}

/// Two of the same sign between three numbers: `3/4/24`, `2024-03-04`.
fn has_slashed(text: &str) -> bool {
    text.split(|c: char| !(c.is_numeric() || "/-.".contains(c))).any(|part| {
        ['/', '-', '.'].iter().any(|&sign| {
            let mut parts = part.trim_matches('.').split(sign);
            parts.clone().count() == 3
                && parts.all(|p| (1..=4).contains(&p.chars().count()) && p.chars().all(char::is_numeric))
        })
    })
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty())
}

/// Digits in a text, of any script.
pub(super) fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

/// Whether a line, as it was written, may be the name of a person or a firm: few words, each with a capital. Where letters have no
/// case, few letters.
pub(super) fn is_name(raw: &str) -> bool {
    let raw = raw.trim_matches(|c: char| c.is_whitespace() || ",;|-–—*_".contains(c));
    let words: Vec<&str> = raw.split_whitespace().collect();
    let letters = raw.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 2 || words.len() > NAME_WORDS || raw.chars().count() > NAME_CHARS {
        return false;
    }
    if raw.contains(|c: char| !(c.is_alphabetic() || is_mark(c) || " .,'’-&()/".contains(c))) {
        return false;
    }
    if !raw.chars().any(|c| c.is_lowercase() || c.is_uppercase()) {
        return letters <= 12 && words.len() <= 4;
    }
    let capital = |word: &&str| word.chars().find(|c| c.is_alphabetic()).is_none_or(char::is_uppercase);
    let ends = [words.first(), words.last()];
    ends.into_iter().flatten().all(capital)
        && words.iter().all(|word| capital(word) || word.chars().count() <= 3)
        && !(raw.ends_with('.') && words.last().is_some_and(|word| word.chars().count() > 5))
}

fn is_mark(c: char) -> bool {
    // Some marks of Thai have no class.
    unicode_normalization::char::canonical_combining_class(c) != 0 || matches!(c, '\u{e47}'..='\u{e4e}')
}

/// As [`is_name`], after the abbreviations that stand before a name, as in `i. A. Jo Doe`; of scripts without capitals, a name may
/// have more letters where other signs tell that one stands here.
pub(super) fn is_titled_name(raw: &str) -> bool {
    let raw = raw.trim_start();
    let short = |word: &&str| word.ends_with('.') && word.chars().count() <= MAX_ABBREVIATION;
    let prefix: usize =
        raw.split_inclusive(' ').take_while(|word| short(&word.trim_end())).map(str::len).sum();
    let name = &raw[prefix..];
    is_name(name) || is_uncased_name(name)
}

fn is_uncased_name(raw: &str) -> bool {
    let letters = raw.chars().filter(|c| c.is_alphabetic()).count();
    let words = raw.split_whitespace().count();
    let plain = |c: char| c.is_alphabetic() || is_mark(c) || " .'’\"״׳-\u{200c}".contains(c);
    is_uncased(raw)
        && (2..=UNCASED_NAME).contains(&letters)
        && (2..=4).contains(&words)
        && raw.chars().all(plain)
}

/// Whether no letter of a line has a case.
pub(super) fn is_uncased(raw: &str) -> bool {
    !raw.chars().any(|c| c.is_lowercase() || c.is_uppercase())
}

/// Whether a line is a whole sentence, and not the lower-case title or the address that may stand between a name and its numbers.
pub(super) fn is_sentence(raw: &str) -> bool {
    let words = raw.split_whitespace().count();
    let ends = raw.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।']) && !ends_abbreviated(raw);
    let spoken = raw.chars().filter(|c| ('\u{3041}'..='\u{309f}').contains(c)).count();
    (ends && words >= 4) || words > SENTENCE_WORDS || spoken >= SPOKEN || (words == 1 && raw.contains('。'))
}

/// Whether the last word is an abbreviation: `s.r.o.`, `Ltd.`
fn ends_abbreviated(raw: &str) -> bool {
    raw.split_whitespace()
        .last()
        .is_some_and(|word| word.matches('.').count() > 1 || word.chars().count() <= 4)
}

/// Whether a line, as it was written, reads like running text.
pub(super) fn is_prose(raw: &str) -> bool {
    if raw.contains(['@', '|', '·', '•']) || raw.contains("www.") || raw.contains("://") || digits(raw) >= 6
    {
        return false;
    }
    let words: Vec<&str> = raw.split_whitespace().collect();
    let ends = raw.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।']);
    if is_uncased(raw) {
        return raw.chars().filter(|c| c.is_alphabetic()).count() > 16 || (ends && raw.chars().count() > 8);
    }
    let lower = words.iter().filter(|word| word.chars().next().is_some_and(char::is_lowercase)).count();
    let abbreviated =
        words.last().is_some_and(|word| word.matches('.').count() > 1 || word.chars().count() <= 5);
    let inner = words.iter().filter(|word| word.matches('.').count() > 1 || word.chars().count() < 3).count();
    words.len() >= 11
        || (words.len() >= 4 && lower * 5 >= words.len() * 3)
        || (words.len() >= 3 && ends && lower >= 1 && !(abbreviated && lower < 2 + inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_dates_are_seen_in_any_language() {
        for line in ["help desk <help@a.example>:", "desk [mailto:help@a.example]", "x (<h@a.example>)"] {
            assert_eq!(address(line), Some(Address::Bracketed), "{line}");
        }
        assert_eq!(address("write to h@a.example today"), Some(Address::Bare));
        assert_eq!([address("meet @ noon"), address("a@ b"), address("none")], [None; 3]);
        for date in [
            "4 march 2024",
            "3/4/24",
            "04.03.24 10:12",
            "2024年3月4日(月) 10:12",
            "po 4. 3. 2024 v 10:12",
            "4/03/2024",
        ] {
            assert!(is_dated(date), "{date}");
        }
        for none in ["room 12", "error 0x80040115", "version 1.2", "monday", "2 of 3 printers"] {
            assert!(!is_dated(none), "{none}");
        }
    }

    #[test]
    fn names_are_told_from_words() {
        for name in [
            "Jo Doe",
            "Max Muster",
            "Jan de Vries",
            "Dr. Anna-Maria Ó Brien",
            "山田 太郎",
            "Иван Петров",
            "ACME Ltd.",
            "Müller & Söhne GmbH",
        ] {
            assert!(is_name(name), "{name}");
        }
        for none in [
            "VPN drops hourly",
            "Keyboard broken",
            "works now",
            "and it deleted my folder",
            "/dev/sda1 50G",
            "SRV-01 up",
            "SELECT 1 FROM t",
            "",
        ] {
            assert!(!is_name(none), "{none}");
        }
    }

    #[test]
    fn prose_is_told_from_titles() {
        for prose in [
            "The printer does not work",
            "Der Drucker geht nicht.",
            "it is broken again",
            "принтер на втором этаже не печатает",
        ] {
            assert!(is_prose(prose), "{prose}");
        }
        for title in [
            "Office Manager",
            "Head of Sales",
            "1 High Street, London",
            "Acme Widgets Ltd.",
            "Tel: 020 7946 0000",
        ] {
            assert!(!is_prose(title), "{title}");
        }
    }
}
