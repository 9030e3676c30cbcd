//! Whom a text speaks to, and what a sentence or a line stands on, in the languages that desks write in.
//!
//! Must never take a technician's note to colleagues for an answer to a customer.

use std::sync::LazyLock;

use regex::Regex;

/// Whether a text speaks to its reader.
pub(crate) fn addresses_reader(text: &str) -> bool {
    static YOU: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:you|your|ihnen|ihre?[rnms]?|vous|votre|vos|usted|ustedes|você|vocês|prezad[oa])\b|\bSie\b|\bestimad[oa]\b").expect("tested")
    });
    YOU.is_match(text)
}

/// Whether a line belongs to a mail's head.
pub(crate) fn is_mail_header(line: &str) -> bool {
    static HEADER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:subject|betreff|objet|asunto|assunto|re|aw)\s*:").expect("tested")
    });
    HEADER.is_match(line)
}

/// Whether a sentence goes on with the one before it.
pub(crate) fn leans_on_previous(sentence: &str) -> bool {
    static LEANS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:then|after (?:that|this)|afterwards|next|it|this|that|these|those|they|and|also|otherwise|if (?:that|this|it|not)|dann|danach|anschließend|dies(?:e[srmn]?)?|das|sonst|falls nicht|wenn (?:das|nicht)|und|ensuite|puis|sinon|cela|ceci|et|luego|después|si no|esto|y|poi|altrimenti|depois|senão|daarna|anders|dan|potem|następnie)\b|^\W*(?:[2-9]|[1-9]\d)[.)](?:\s|$)").expect("tested")
    });
    LEANS.is_match(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_stands_alone_leans_on_none() {
        for leaning in [
            "Then restart it.",
            "Danach starten Sie neu.",
            "Ensuite, redémarrez.",
            "2. Close it.",
            "3) Call us",
            "12. Done",
        ] {
            assert!(leans_on_previous(leaning), "{leaning}");
        }
        for alone in
            ["Restart the printer.", "1. Open Outlook", "Thenceforth it works.", "2.5 volts are enough."]
        {
            assert!(!leans_on_previous(alone), "{alone}");
        }
    }

    #[test]
    fn notes_to_colleagues_address_nobody() {
        assert!(
            addresses_reader("Please restart your computer") && addresses_reader("Bitte starten Sie neu")
        );
        assert!(!addresses_reader("User error, card declined"));
        assert!(is_mail_header("Betreff: AW: Drucker") && !is_mail_header("Reset it:"));
    }
}
