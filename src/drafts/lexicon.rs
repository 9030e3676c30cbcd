//! What a sentence says, told by its words in each language: credentials, promises, claims of work done, somebody's own
//! circumstances, a link, and how it hangs together with the sentences around it.
//!
//! The words are data, one file a language (`lexicon/words/`); the code says how they make patterns. Texts are folded before
//! any word is looked for. Must never know a ticket, a bundle or a draft.

mod circumstances;
mod claims;
mod coherence;
mod credentials;
mod evidence;
mod links;
mod pattern;
mod promises;
mod salutations;
mod words;

use crate::folding::readings;
use evidence::told_by_words;
use pattern::Hit;
use words::{Language, languages};

pub(crate) use circumstances::{circumstance, is_common, is_third_person};
pub(crate) use claims::{claim, claims};
pub(crate) use coherence::{addresses_reader, is_mail_header, leans_on_previous};
pub(crate) use credentials::{changes_access, credential, names_secret};
pub(crate) use evidence::Evidence;
pub(crate) use links::dangling_link;
pub(crate) use pattern::folded as folded_pattern;
pub(crate) use promises::{promise, promises};
pub(crate) use salutations::{is_people, is_sign_off, is_title, salutation};
pub(crate) use words::{common_words, is_cyrillic};

/// Whether there are word lists for this language, ISO 639-1: what has none can't be guarded.
pub(crate) fn knows(language: &str) -> bool {
    languages().iter().any(|l| l.code == language)
}

/// The lists of one language.
fn language(code: &str) -> Option<&'static Language> {
    languages().iter().find(|l| l.code == code)
}

/// Whether the sentence that `rest` is the end of is a question.
fn is_question(rest: &str) -> bool {
    rest.find(['.', '?', '!', '\n']).is_some_and(|at| rest[at..].starts_with('?'))
}

/// What of a text stands in front of a hit within its sentence.
fn clause(before: &str) -> &str {
    before.rfind(['.', '?', '!', ';', ':', '\n']).map_or(before, |at| &before[at + 1..])
}

/// Whether `hit`, of a language's list, is no more than words of the language that its sentence is in: "a change" is French in
/// a French sentence alone.
fn is_of_another(hit: &Hit<'_>, reading: &str, code: &str) -> bool {
    let begins = reading[..hit.start()].rfind(['.', '?', '!', '\n']).map_or(0, |at| at + 1);
    let ends = reading[hit.end()..].find(['.', '?', '!', '\n']).map_or(reading.len(), |at| hit.end() + at);
    let whole = told_by_words(&reading[begins..ends]).filter(|whole| *whole != code);
    whole.is_some_and(|whole| is_common(hit.as_str(), whole))
}

/// All that `find` finds in the readings of `text`, in any language.
fn in_any_language(text: &str, find: impl Fn(&Language, &str, &mut Vec<String>)) -> Vec<String> {
    let mut found = Vec::new();
    for (i, reading) in readings(text).iter().enumerate() {
        // The first reading turns Cyrillic look-alikes into Latin letters; the second is for lists in Cyrillic ones.
        for language in languages().iter().filter(|language| is_cyrillic(language.code) == (i > 0)) {
            find(language, reading, &mut found);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_claims_and_requests_for_credentials_are_found_in_every_language() {
        for promised in [
            "Garantimos que não volta a acontecer.",
            "Será resolvido até amanhã.",
            "Wij garanderen dat het werkt.",
            "Het wordt binnen een uur opgelost.",
            "Das Gerät wird morgen früh ausgetauscht.",
            "Du bekommst das bis Freitag.",
            "Ce sera réglé dans les plus brefs délais.",
            "Lo solucionaremos hoy mismo.",
            "Sarà risolto entro domani.",
            "Naprawimy to do jutra.",
            "Det blir löst inom en timme.",
            "Det vil blive løst inden i morgen.",
            "Det vil bli løst innen i morgen.",
            "Bude to opraveno do zítřka.",
            "Мы решим это в течение часа.",
            "Ми вирішимо це протягом години.",
            "Bir saat içinde çözülecek.",
            "We guаrаntee it.",
            "G\u{ad}aranti\u{200b}mos isso.",
        ] {
            assert!(promise(promised).is_some(), "{promised}");
        }
        for claimed in [
            "Repusemos a sua senha.",
            "A conta foi desbloqueada.",
            "We hebben uw account gereset.",
            "Uw account is ontgrendeld.",
            "Du hast jetzt Zugriff.",
            "Abbiamo reimpostato la password.",
            "L'account è stato sbloccato.",
            "Odblokowaliśmy konto.",
            "Konto zostało odblokowane.",
            "Vi har återställt kontot.",
            "Vi har nulstillet din konto.",
            "Vi har tilbakestilt kontoen din.",
            "Účet byl odemčen.",
            "Учётная запись разблокирована.",
            "Ми розблокували обліковий запис.",
            "Hesabınız açıldı.",
        ] {
            assert!(claim(claimed).is_some(), "{claimed}");
        }
        for asked in [
            "Envie-nos a sua senha.",
            "Qual é a sua senha?",
            "Stuur ons uw wachtwoord.",
            "Kunt u ons uw wachtwoord doorgeven?",
            "Kannst du mir dein Passwort schicken?",
            "Ci comunichi la sua password.",
            "Proszę podać hasło.",
            "Skicka ditt lösenord.",
            "Send os din adgangskode.",
            "Send oss passordet ditt.",
            "Pošlete nám vaše heslo.",
            "Назовите ваш пароль.",
            "Надішліть нам ваш пароль.",
            "Şifrenizi bize yazın.",
            "Please send us your p a s s w o r d.",
            "Please send us your p-a-s-s-w-o-r-d.",
        ] {
            assert!(credential(asked).is_some(), "{asked}");
        }
    }

    #[test]
    fn plain_sentences_of_every_language_stay_allowed() {
        for plain in [
            "Recebemos o seu pedido e estamos a analisá-lo.",
            "Por favor, reinicie o computador.",
            "Em que dispositivo isto acontece?",
            "Nunca envie a sua senha por email.",
            "Wij hebben uw aanvraag ontvangen en bekijken deze.",
            "Start de computer opnieuw op en probeer het nog eens.",
            "Deel uw wachtwoord nooit met anderen.",
            "Bitte starten Sie den Rechner neu.",
            "Abbiamo ricevuto la Sua richiesta e la stiamo esaminando.",
            "Per favore riavvii il computer.",
            "Non comunichi mai la password.",
            "Otrzymaliśmy zgłoszenie i już się nim zajmujemy.",
            "Proszę ponownie uruchomić komputer.",
            "Starta om datorn och försök igen.",
            "Genstart computeren og prøv igen.",
            "Restartujte počítač a zkuste to znovu.",
            "Пожалуйста, перезагрузите компьютер и попробуйте снова.",
            "Будь ласка, перезавантажте комп'ютер.",
            "Lütfen bilgisayarı yeniden başlatın.",
            "Redémarrez l'ordinateur, puis réessayez.",
            "Reinicie el equipo y pruebe otra vez.",
        ] {
            let found = [promise(plain), claim(plain), credential(plain)].into_iter().flatten().next();
            assert_eq!(found, None, "{plain}");
        }
    }

    #[test]
    fn what_the_desk_changes_is_told_from_warnings() {
        for changing in [
            "Before we reset your password we call you back on the number in our records.",
            "Before we reset your sign-in method we call you back on the number in our records.",
            "We unlock your account once we have called you back on the number in our records.",
            "Bevor wir Ihr Kennwort zurücksetzen, rufen wir Sie an.",
            "Avant de réinitialiser votre mot de passe, nous vous appelons.",
        ] {
            assert!(changes_access(changing), "{changing}");
        }
        for warning in [
            "Tell us whether anybody has opened the link or typed a password.",
            "Please do not enter your password on that page.",
            "Did you approve a prompt or type your password anywhere today?",
            "Please keep your phone at hand and do not send passwords by mail.",
            "Geben Sie auf der Seite kein Kennwort ein.",
        ] {
            assert!(!changes_access(warning), "{warning}");
        }
    }
}
