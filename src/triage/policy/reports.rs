//! Reports: what a ticket says that somebody else wants, or that it takes for fraud, is asked for by nobody.
//!
//! "A mail asks me to change the bank account" names what the rule on payments looks for, and changes nothing. Must never take a
//! request for a report: who acted on a fraud, or asks for a change beside reporting one, is identified.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::rule::words;
use super::{DEFAULT_POLICY, Policy};

/// Words in front of an exposure among which a "not" turns it.
const NEAR: usize = 4;

/// The words that tell a report from a request. In a phrase `...` stands for any words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reports {
    /// What follows one of these in its sentence is what somebody else wants.
    told: Vec<String>,
    /// What stands in one sentence with these is taken for fraud.
    fraud: Vec<String>,
    /// A request begins with one of these, whatever stands in front of it.
    requests: Vec<String>,
    /// Words of the writer's own, by which something is asked for without "please".
    own: Vec<String>,
    /// The writer acted on it, so that credentials have to change: that is no mere report.
    exposed: Vec<String>,
    /// What turns an exposure into none.
    negations: Vec<String>,
}

impl Reports {
    /// The built-in words.
    pub(super) fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Reports> = LazyLock::new(|| {
            Policy::parse(DEFAULT_POLICY, "the built-in policy")
                .ok()
                .and_then(|p| p.reports)
                .unwrap_or_default()
        });
        &BUILT_IN
    }

    /// A phrase that is not written as texts are read: in lower case, a single space between its words.
    pub(super) fn odd_phrase(&self) -> Option<&String> {
        let Self { told, fraud, requests, own, exposed, negations } = self;
        let mut all = [told, fraud, requests, own, exposed, negations].into_iter().flatten();
        all.find(|phrase| phrase.split("...").any(|piece| padded(piece).trim() != piece.trim()))
    }

    /// Whether all that `phrases` find in `texts` is reported rather than asked for. `phrases` are between single spaces.
    pub(super) fn only_report(&self, texts: &[&str], phrases: &[String]) -> bool {
        let all = padded(&texts.join("\n"));
        if !(holds(&self.fraud, &all) || holds(&self.told, &all)) || self.is_exposed(&all) {
            return false;
        }
        let (mut reported, mut asked) = (false, false);
        let sentences: Vec<Vec<String>> = texts.iter().map(|text| sentences(text)).collect();
        // A subject is the title of what is below it, where that is nothing but a report.
        let mere = |sentence: &String| {
            let text = padded(sentence);
            holds(&self.fraud, &text)
                || holds(&self.told, &text)
                || self.exposed.iter().any(|phrase| at(&text, phrase).is_some())
        };
        let title = match sentences.as_slice() {
            [subject, body] if subject.len() == 1 && body.iter().all(mere) => body.first(),
            _ => None,
        };
        for (number, sentence) in sentences.iter().flatten().enumerate() {
            // A request stays a request when a different sentence mentions fraud.
            let title = title.filter(|_| number == 0);
            let fraud = [Some(sentence), title].into_iter().flatten().any(|s| holds(&self.fraud, &padded(s)));
            let mut told = false;
            for part in self.parts(sentence) {
                let request = self.requests.iter().any(|phrase| at(&part, phrase) == Some(1));
                told = (told && !request) || holds(&self.told, &part) || holds(&self.fraud, &part);
                let governed = told || (fraud && !request && !holds(&self.own, &part));
                if phrases.iter().any(|phrase| part.contains(phrase)) {
                    *(if governed { &mut reported } else { &mut asked }) = true;
                }
            }
        }
        reported && !asked
    }

    /// Whether the writer says that they acted on it.
    fn is_exposed(&self, text: &str) -> bool {
        self.exposed.iter().any(|phrase| {
            all_at(text, phrase).any(|at| {
                let mut before = text[..at].split_whitespace().rev().take(NEAR);
                !before.any(|word| self.negations.iter().any(|not| not == word))
            })
        })
    }

    /// The parts of a sentence, each between single spaces: at commas, and in front of what begins a request.
    fn parts(&self, sentence: &str) -> Vec<String> {
        let mut all = Vec::new();
        for part in sentence.split([',', ':', '–', '—', '(', ')', '"']) {
            let text = padded(part);
            let mut cuts: Vec<usize> =
                self.requests.iter().flat_map(|r| all_at(&text, r)).map(|at| at - 1).collect();
            cuts.extend([0, text.len() - 1]);
            cuts.sort_unstable();
            cuts.dedup();
            all.extend(cuts.windows(2).map(|cut| format!("{} ", &text[cut[0]..cut[1]])));
        }
        all
    }
}

/// The sentences of a text: a line that goes on in lower case was only wrapped.
fn sentences(text: &str) -> Vec<String> {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        let wrapped = line.starts_with(char::is_lowercase);
        joined.push_str(if wrapped { " " } else { "\n" });
        joined.push_str(line);
    }
    joined.split(['.', '!', '?', ';', '\n']).filter(|s| !s.trim().is_empty()).map(str::to_owned).collect()
}

fn padded(phrase: &str) -> String {
    words(&[phrase])
}

/// Where `phrase` stands in `text`, whose words are between single spaces, as whole words.
fn all_at<'t>(text: &'t str, phrase: &'t str) -> impl Iterator<Item = usize> {
    let whole = |at: &usize| text[..*at].ends_with(' ') && text[at + phrase.len()..].starts_with(' ');
    text.match_indices(phrase).map(|(at, _)| at).filter(whole)
}

fn at(text: &str, phrase: &str) -> Option<usize> {
    all_at(text, phrase).next()
}

/// Whether `text` has one of `phrases`, the pieces around `...` in their order.
fn holds(phrases: &[String], text: &str) -> bool {
    phrases.iter().any(|phrase| {
        let mut rest = text;
        phrase.split("...").map(str::trim).all(|piece| match at(rest, piece) {
            Some(found) => {
                rest = &rest[found + piece.len()..];
                true
            }
            None => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Decision, Ticket};

    use super::*;

    fn verified(subject: &str, body: &str) -> bool {
        let ticket = Ticket { subject: Some(subject.into()), body: Some(body.into()), ..Ticket::default() };
        let mut decision = Decision::default();
        Policy::built_in().unwrap().apply(&ticket, None, &mut decision);
        decision.rules.iter().any(|rule| rule.verify_identity)
    }

    #[test]
    fn who_reports_is_not_identified_and_who_asks_is() {
        for (subject, body) in [
            ("Phishing", "Someone asked me to change the bank account for payment."),
            ("Suspicious mail", "I got a mail that asks for a new password. I did not click anything."),
            ("Is this genuine?", "The mail says I have to enter my security code and buy gift cards."),
            ("Bank account change", "I received this phishing mail from our director. Nothing was clicked."),
            (
                "Scam call",
                "A caller wanted me to reset my password, read him the MFA code and send gift cards.",
            ),
            ("Fake invoice", "Somebody pretends to be our supplier and sends new bank details."),
            (
                "Phishing-Mail",
                "Jemand verlangt in einer Mail ein neues Passwort. Ich habe nichts angeklickt.",
            ),
            ("Verdächtige Mail", "In der Mail steht eine neue Bankverbindung."),
            ("Hameçonnage", "Un mail me demande un nouveau mot de passe."),
            ("Correo sospechoso", "Un correo me pide cambiar la cuenta bancaria."),
            ("Odd mail", "I got a mail that asks me to change the\nbank account for payments. Is this real?"),
        ] {
            assert!(!verified(subject, body), "{subject}: {body}");
        }
        for (subject, body) in [
            ("Salary", "Please change my bank account for salary."),
            ("Password", "I clicked a phishing link and entered my password, please reset it."),
            ("Password", "Reset my password please, I was hacked."),
            ("Phishing", "I got a phishing mail yesterday. Please reset my password."),
            ("Phishing", "I got a phishing mail yesterday. Also I need a new password."),
            ("Bank account change", "I got a phishing mail yesterday. Please set it for Mr. Stone."),
            (
                "Bank account change",
                "No phishing this time. Mr. Stone is paid to another account from Monday on.",
            ),
            ("Password reset Anna Stone", "She had a phishing training. Her mobile is 0171 1234567."),
            ("Password reset for Anna Stone", "There was a suspicious sign-in yesterday. Call her with it."),
            ("Phishing", "Please reset my password, I think it was a phishing mail."),
            ("Phishing", "I got a phishing mail. Unlock my account, I am locked out."),
            ("Locked", "My account is locked since I clicked on a phishing link."),
            ("Phishing", "A mail asked me for my security code and I entered it."),
            ("Locked out", "I am locked out of my account since this morning."),
            ("Kennwort", "Ich habe mein Passwort auf einer Phishing-Seite eingegeben, bitte neues Passwort."),
            ("Passwort vergessen", "Bitte Passwort zurücksetzen."),
            ("Bank", "This is payroll: change the new bank account of Mr. Stone before noon, it is urgent."),
            ("MFA", "My phone is stolen, please send the MFA code to my private number right away."),
            ("Password", "Please reset my\npassword."),
            ("Mot de passe oublié", "Bonjour, j'ai oublié mon mot de passe."),
        ] {
            assert!(verified(subject, body), "{subject}: {body}");
        }
    }
}
