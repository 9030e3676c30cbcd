//! Sentences that give a credential, ask for one, speak of one, or say that the desk will change one.
//!
//! Must never take "Please do not send us your password" for a request.

use std::borrow::Cow;

use super::evidence::told_by_words;
use super::pattern::Hit;
use super::words::Language;
use super::{in_any_language, language, languages};
use crate::folding::readings;

/// A credential in `text`, given or asked for, whatever the sources say.
pub(crate) fn credential(text: &str) -> Option<String> {
    let found = in_any_language(text, |language, reading, found| {
        let reading = without_harmless_codes(reading);
        // "The password is typed correctly" gives none.
        let is_state = |value: &Option<Hit<'_>>| {
            let word = value.as_ref().map(|value| value.as_str().trim_end_matches(['.', ',', '!', '?', ';']));
            word.is_some_and(|word| language.states.contains(word))
        };
        let value =
            language.value.captures_iter(&reading).find(|(_, value)| !is_state(value)).map(|(hit, _)| hit);
        let given = || language.given.find(&reading);
        let asked = || language.asked.find_iter(&reading).find(|hit| language.is_request(&reading, hit));
        found.extend(value.or_else(given).or_else(asked).map(|hit| hit.as_str().to_owned()));
    });
    found.into_iter().next()
}

/// Whether `text` speaks of credentials.
pub(crate) fn names_secret(text: &str) -> bool {
    any(text, |language, reading| language.secrets.is_match(&without_harmless_codes(reading)))
}

/// Whether `text` says that the desk changes a credential or grants access. The recipient then has to prove who they are.
pub(crate) fn changes_access(text: &str) -> bool {
    any(text, |language, reading| language.changes.is_match(reading))
}

/// Words from a secret on among which a "not" makes a warning of a request.
const BEHIND: usize = 5;

fn any(text: &str, holds: impl Fn(&Language, &str) -> bool) -> bool {
    readings(text).iter().any(|reading| languages().iter().any(|language| holds(language, reading)))
}

/// `reading` without codes that open no door.
fn without_harmless_codes(reading: &str) -> Cow<'_, str> {
    let all = languages().iter().filter_map(|language| language.harmless_codes.as_ref());
    all.fold(Cow::Borrowed(reading), |reading, codes| match codes.is_match(&reading) {
        true => Cow::Owned(codes.cut_out(&reading)),
        false => reading,
    })
}

impl Language {
    /// Whether `hit` asks for a secret, rather than warning of telling it.
    fn is_request(&self, reading: &str, hit: &Hit<'_>) -> bool {
        let begins = reading[..hit.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
        // What is typed into a page of the user's own is given to nobody.
        let typed = self.typed.as_ref().is_some_and(|typed| typed.is_match(hit.as_str()));
        let to_us = self.to_us.as_ref().is_some_and(|to_us| to_us.is_match(hit.as_str()));
        let own = typed && !to_us;
        // "Never send us your password", but "send us your password and the page that you were on".
        let asked = self.secrets.find(hit.as_str()).map(|secret| secret.start()).filter(|at| *at > 0);
        let asking = &reading[begins..asked.map_or(hit.end(), |at| hit.start() + at)];
        let behind = asked.map_or("", |at| &hit.as_str()[at..]);
        let denied = behind
            .split_whitespace()
            .take(BEHIND)
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .any(|word| languages().iter().any(|l| l.denials.contains(word)));
        // Words of one language may stand in a sentence of another, whose "not" counts.
        let whole = told_by_words(asking).and_then(language);
        let refused = |l: &Language| l.refusals.is_match(asking);
        !own && !denied && !refused(self) && !whole.is_some_and(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_open_no_door_are_no_secrets() {
        assert!(names_secret("Enter the code.") && names_secret("your verification code and the error code"));
        assert!(!names_secret("The error code in it tells us.") && !names_secret("a photo of the stop code"));
        assert!(!names_secret("Which of the pinned tabs is it?"));
    }

    #[test]
    fn credentials_are_neither_given_nor_asked_for() {
        for wrong in [
            "Your new password is Summer2026.",
            "The password is: hunter2",
            "Your new password is Summer. Please sign in again with it.",
            "Please confirm your card number.",
            "Use Summer as password.",
            "Please send us the code that you received by text.",
            "Please read us the code from the authenticator app.",
            "Reply with the verification code.",
            "What is your password?",
            "Can we have your password?",
            "We need your password to sign in.",
            "Please text us your password.",
            "Wie lautet Ihr Passwort?",
            "Bitte geben Sie uns Ihr Kennwort.",
            "Bitte schicken Sie uns Ihr aktuelles Kennwort.",
            "Quel est votre mot de passe ?",
            "Merci de nous envoyer le code reçu par SMS.",
            "Envíe su contraseña, por favor.",
        ] {
            assert!(credential(wrong).is_some(), "{wrong}");
        }
        for fine in [
            "Please do not send your password by mail.",
            "Never share your password with anyone.",
            "Please check that the password is typed correctly.",
            "Please send us the error code.",
            "Before we reset your password we call you back on the number in our records.",
            "Please enter your new password on the sign-in page.",
            "Bitte senden Sie uns das Passwort nicht per Mail.",
            "Ne communiquez jamais votre mot de passe.",
            "Please keep your phone at hand and do not send passwords by mail.",
        ] {
            assert_eq!(credential(fine), None, "{fine}");
        }
    }
}
