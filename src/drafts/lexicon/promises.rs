//! Promises of a time, a result, or money.
//!
//! Must never take a question, or what is asked of the reader, for a promise.

use super::{in_any_language, is_of_another, is_question};

/// Promises in `text`: no questions, and not what is asked of the reader ("Please try again in a few minutes").
pub(crate) fn promises(text: &str) -> Vec<String> {
    in_any_language(text, |language, reading, found| {
        for hit in language.promises.find_iter(reading) {
            let begins = reading[..hit.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
            let before = &reading[begins..hit.start()];
            let asked = is_question(&reading[hit.end()..])
                || language.asks(before, &hit)
                || language.is_next(before, &hit);
            if !asked && !is_of_another(&hit, reading, language.code) {
                found.push(hit.as_str().to_owned());
            }
        }
    })
}

/// A promise in `text`.
pub(crate) fn promise(text: &str) -> Option<String> {
    promises(text).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_no_promise() {
        for promised in [
            "It will be fixed within two hours.",
            "Please note that it will be fixed within two hours.",
            "Please try again, we will fix it by Friday.",
            "Then we will refund it.",
            "Please try again, it will be fixed by Friday.",
            "Sie haben es bis Freitag, versprochen.",
            "Bitte beachten Sie, dass wir es bis Freitag reparieren.",
            "Graag laten we u weten dat we het voor vrijdag oplossen.",
        ] {
            assert!(promise(promised).is_some(), "{promised}");
        }
        for plain in [
            "Please try again in a few minutes.",
            "Did this start this morning?",
            "Would a call tomorrow morning suit you?",
            "Brauchen Sie es bis Freitag?",
            "Please tell us by Friday which model it is.",
            "Je regarde cela tout de suite.",
            "Halten Sie die Taste bis zum Signalton.",
        ] {
            assert_eq!(promise(plain), None, "{plain}");
        }
    }
}
