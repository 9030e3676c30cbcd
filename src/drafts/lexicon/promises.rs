//! Words that promise something, in the languages that desks write in: a time, a result, money.
//!
//! Must never take a question, or what is asked of the reader, for a promise.

use std::sync::LazyLock;

use regex::Regex;

use super::{compiled, is_question};

/// What only a person may promise.
static PROMISES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    compiled([
        r"(?i)\b(?:guarantee\w*|promise[sd]?|refund\w*|compensat\w+|free of charge|at no cost|credit your account|sla credit)\b",
        r"(?i)\b(?:will|shall|is going to)\s+be\s+(?:fixed|resolved|done|ready|back|working|restored|completed)\b",
        r"(?i)\b(?:within|in)\s+(?:the next\s+)?(?:\d+(?:\s?(?:-|to)\s?\d+)?|one|two|three|four|half an?|an?|a few|a couple of)\s+(?:minutes?|hours?|days?|business days?|weeks?)\b",
        r"(?i)\b(?:tomorrow (?:morning|afternoon)|later today|this (?:morning|afternoon|evening)|right away|first thing)\b",
        r"(?i)\bby\s+(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|end of (?:day|business)|eod|cob)\b",
        r"(?i)\b(?:garantier\w+|versprech\w+|erstatt\w+|kostenlos|gratis|innerhalb von|bis (?:heute|morgen|montag|dienstag|mittwoch|donnerstag|freitag))\b",
        r"(?i)\b(?:garanti\w*|promet\w+|rembours\w+|gratuit\w*|d'ici (?:demain|lundi|mardi|mercredi|jeudi|vendredi)|garantiz\w+|reembols\w+|antes del? (?:lunes|martes|miércoles|jueves|viernes))",
    ])
});

/// Promises in `text`: no questions, and not what is asked of the reader ("Please try again in a few minutes").
pub(crate) fn promises(text: &str) -> impl Iterator<Item = &str> {
    static ASKED_OF_READER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:please|kindly|then|bitte|danach|veuillez|merci de|por favor)\b")
            .expect("tested")
    });
    let plain = |hit: &regex::Match<'_>| {
        let begins = text[..hit.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
        !is_question(&text[hit.end()..]) && !ASKED_OF_READER.is_match(&text[begins..])
    };
    PROMISES.iter().flat_map(move |p| p.find_iter(text)).filter(plain).map(|m| m.as_str())
}

/// A promise in `text`.
pub(crate) fn promise(text: &str) -> Option<&str> {
    promises(text).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_no_promise() {
        for promised in ["It will be fixed within two hours.", "Sie haben es bis Freitag, versprochen."] {
            assert!(promise(promised).is_some(), "{promised}");
        }
        for plain in [
            "Please try again in a few minutes.",
            "Did this start this morning?",
            "Would a call tomorrow morning suit you?",
            "Brauchen Sie es bis Freitag?",
            "Please tell us by Friday which model it is.",
        ] {
            assert_eq!(promise(plain), None, "{plain}");
        }
    }
}
