//! Words by which a sentence gives a credential, asks for one, or speaks of one, in the languages that desks write in.
//!
//! Must never take "Please do not send us your password" for a request.

use std::sync::LazyLock;

use regex::Regex;

use super::compiled;

/// Words for what opens doors.
const SECRETS: &str = r"(?:passwords?|passcodes?|passphrases?|pins?|codes?|tokens?|otps?|credit card|card number|kennw(?:ort|örter)|passw(?:ort|örter)|mots? de passe|contraseñas?|senhas?)";

/// A credential given: never, whatever the sources say.
static GIVEN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    compiled([
        r"(?i)\b(?:your|the|a|new|temporary)\s+(?:new |temporary |initial |alarm |door |access |recovery )?(?:password|passcode|pin|code|token)\s*(?:\bis\s*[:=]|\bis\s+(\S+)|\bwill be\b|:|=)",
        r"(?i)\b(?:password|passcode|pin|code|kennwort|passwort)\b[^.?!]{0,20}\b(?:set|reset|changed?)\b[^.?!]{0,10}\bto\s+\S*[\d_!#$%]",
        r"(?i)\bas (?:the |your )?(?:new |temporary )?(?:password|passcode|pin)\b",
        r"(?i)\b(?:ihr|das|neues?)\s+(?:neues |vorläufiges )?(?:passwort|kennwort)\s+(?:ist|lautet)\b",
        r"(?i)\b(?:votre|le)\s+(?:nouveau )?mot de passe\s+est\b",
        r"(?i)\b(?:su|la)\s+(?:nueva )?contraseña\s+es\b",
    ])
});

/// What a credential may be said to be.
const STATES: [&str; 20] = [
    "typed", "correct", "wrong", "expired", "needed", "required", "accepted", "rejected", "refused",
    "locked", "changed", "stored", "saved", "still", "not", "asked", "too", "case", "shown", "sent",
];

/// A credential asked for.
static ASKED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    compiled([
        format!(
            r"(?i)\b(?:send|tell|give|e?-?mail|text|read|share|reply|answer|forward|provide|confirm|write|enter|type|schicken|senden|geben|nennen|teilen|mailen|envoyer|envoyez|donner|donnez|communiquer|communiquez|indiquez|envíe|envíen|díganos|dígame|indique|envie|informe)\b[^.?!]{{0,50}}\b{SECRETS}\b[^.?!]*"
        ),
        format!(
            r"(?i)\b(?:what is|what['’]s|what was|can we have|may we have|we need|i need|wie lautet|wie ist|wir brauchen|ich brauche|wir benötigen|quel est|il nous faut|cuál es|necesitamos|qual é)\b[^.?!]{{0,15}}\b(?:your|the|ihr|ihre|ihren|das|den|votre|le|su|la|tu|sua|a)\s+(?:\w+ ){{0,2}}{SECRETS}\b[^.?!]*"
        ),
    ])
});

/// Codes that open no door: "The error code".
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:error|stop|status|exit|result|post|postal|zip|country|area|colou?r|source|order)[ -]codes?\b").expect("tested")
});

/// A credential in `text`, given or asked for.
pub(crate) fn credential(text: &str) -> Option<String> {
    static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:not|never|nobody|no one|don['’]t|nicht|niemals|nie|keinem|keine|ne|pas|jamais|nunca|não|whether|where|how|which message|page|screen)\b").expect("tested")
    });
    // What is typed into a page of the user's own is given to nobody.
    static TYPED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)^(?:enter|type)\b").expect("tested"));
    static TO_US: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:us|me|uns|mir|nous|nos|reply|answer|here)\b").expect("tested")
    });
    let text = HARMLESS.replace_all(text, " ");
    let asked = |m: &regex::Match<'_>| {
        let clause = text[..m.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
        let own = TYPED.is_match(m.as_str()) && !TO_US.is_match(m.as_str());
        !own && !REFUSED.is_match(&text[clause..m.end()])
    };
    // "The password is typed correctly" gives none.
    let state = |c: &regex::Captures<'_>| {
        c.get(1).is_some_and(|word| STATES.contains(&word.as_str().trim_end_matches(['.', ',', '!'])))
    };
    let given = GIVEN.iter().find_map(|p| p.captures_iter(&text).find(|c| !state(c)).and_then(|c| c.get(0)));
    let hit = given.or_else(|| ASKED.iter().flat_map(|p| p.find_iter(&text)).find(asked));
    hit.map(|m| m.as_str().to_owned())
}

/// Whether `text` speaks of credentials: whoever it is for has to be known.
pub(crate) fn names_secret(text: &str) -> bool {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:password|passcode|passphrase|pin|code|mfa|2fa|two[- ]factor|authenticator|one[- ]time|token|passwort|kennwort|zweiter faktor|mot de passe|contraseña|senha)s?\b").expect("tested")
    });
    SECRET.is_match(&HARMLESS.replace_all(text, " "))
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
