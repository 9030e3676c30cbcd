//! Whether a sentence that somebody sent before fits the ticket that is asked about: its language, the people it names, what it
//! says of them, what it points at.
//!
//! Must never let through what was true of another person.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::folding::{deceptive, plain};
use crate::language::is_foreign;
use crate::lexicon::{circumstance, dangling_link, is_common};
use crate::mask::Masker;
use crate::names::{Known, greets, stranger};
use crate::segmentation::words;

/// Letters that two words must begin with to be forms of one.
const STEM: usize = 5;

/// What is known of a ticket for telling whether a sentence fits it.
pub(crate) struct Fitting<'t> {
    /// The words of the ticket, in lower case without accents.
    words: HashSet<String>,
    /// The first letters of its longer words.
    stems: HashSet<String>,
    /// The language to answer in, ISO 639-1.
    language: String,
    masker: &'t Masker,
    /// Sentences that were looked at: many replies share theirs.
    seen: RefCell<HashMap<String, bool>>,
}

impl<'t> Fitting<'t> {
    /// Knows what `texts`, the ticket's own, say.
    pub(crate) fn new<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        language: &str,
        masker: &'t Masker,
    ) -> Self {
        let said =
            texts.into_iter().flat_map(|text| words(&plain(text)).map(|(_, word)| word).collect::<Vec<_>>());
        let words: HashSet<String> = said.collect();
        let stems = words.iter().filter_map(|word| stem(word)).collect();
        Self { words, stems, language: language.to_owned(), masker, seen: RefCell::default() }
    }

    /// Whether `sentence` fits.
    pub(crate) fn fits(&self, sentence: &str) -> bool {
        if let Some(known) = self.seen.borrow().get(sentence) {
            return *known;
        }
        let fits = self.problems(sentence).next().is_none();
        self.seen.borrow_mut().insert(sentence.to_owned(), fits);
        fits
    }

    /// The checks that `sentence` fails, each with what fails it.
    pub(crate) fn problems<'s>(
        &'s self,
        sentence: &'s str,
    ) -> impl Iterator<Item = (&'static str, String)> + 's {
        type Check<'t> = fn(&Fitting<'t>, &str) -> Option<String>;
        const NAMES: [&str; 6] =
            ["hidden characters", "language", "greeting", "links", "circumstances", "people"];
        let checks: [Check<'t>; 6] = [
            |_, sentence| deceptive(sentence),
            |this, sentence| {
                is_foreign(sentence, &this.language).then(|| format!("{sentence:?} is not {}", this.language))
            },
            |_, sentence| greets(sentence).then(|| sentence.to_owned()),
            |this, sentence| dangling_link(sentence, &this.language),
            Self::others_circumstance,
            Self::stranger,
        ];
        NAMES.into_iter().zip(checks).filter_map(move |(name, check)| Some((name, check(self, sentence)?)))
    }

    fn stranger(&self, sentence: &str) -> Option<String> {
        let has = |word: &str| self.words.contains(word);
        stranger(sentence, &Known { has: &has, language: &self.language, masker: self.masker })
    }

    /// What `sentence` says of the reader's past or circumstances, unless the ticket says the same.
    fn others_circumstance(&self, sentence: &str) -> Option<String> {
        let said = circumstance(sentence, &self.language)?;
        let sentence = plain(sentence);
        let telling = words(&sentence).map(|(_, word)| word).filter(|word| !is_common(word, &self.language));
        let mut telling = telling.peekable();
        let same = telling.peek().is_some() && telling.all(|word| self.says(&word));
        (!same).then_some(said)
    }

    /// Whether the ticket has `word`, or another form of it.
    fn says(&self, word: &str) -> bool {
        self.words.contains(word) || stem(word).is_some_and(|stem| self.stems.contains(&stem))
    }
}

/// The first letters of a word that is long enough to have other forms.
fn stem(word: &str) -> Option<String> {
    (word.chars().count() >= STEM).then(|| word.chars().take(STEM).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::KnownTerms;

    #[test]
    fn a_sentence_about_the_reader_fits_where_the_ticket_says_the_same() {
        let masker = Masker::new(KnownTerms::default()).unwrap();
        let moved = "As I said, we moved to the new office last week, and the printer is offline.";
        let fitting = |text: &'static str| Fitting::new([text, "Eva Stone"], "en", &masker);
        let sentence = "As you said, you moved to the new office last week.";
        assert!(fitting(moved).fits(sentence));
        let other = fitting("The printer is offline.");
        for (check, sentence) in [
            ("circumstances", sentence),
            ("circumstances", "Since you are on holiday until Monday, we wait."),
            ("people", "Please restart it again, Sierra."),
            ("greeting", "Hi Eva, please restart it."),
            ("links", "Please use the link below."),
            ("language", "Per favore riavvii il computer."),
            ("hidden characters", "Please re\u{ad}start it."),
        ] {
            assert!(other.problems(sentence).any(|p| p.0 == check), "{sentence}");
            assert!(!other.fits(sentence) && !other.fits(sentence));
        }
        for sentence in ["Please restart the printer, Eva.", "Which printer do you stand next to?"] {
            assert_eq!(other.problems(sentence).next(), None);
        }
    }
}
