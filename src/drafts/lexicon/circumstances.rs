//! Sentences about the reader's past or circumstances, which hold for one person alone.
//!
//! Must never take a question or a condition for a statement.

use super::common_words;
use super::{clause, is_question, language};
use crate::folding::{plain, readings};
use crate::segmentation::words;

/// What in `sentence`, of this language, is said of one person's past or circumstances.
pub(crate) fn circumstance(sentence: &str, code: &str) -> Option<String> {
    let language = language(code)?;
    readings(sentence).iter().find_map(|reading| {
        let told = language.told.find(reading);
        let past = || {
            language.past.find_iter(reading).find(|hit| {
                let before = clause(&reading[..hit.start()]);
                let condition = language.conditions.is_match(before) || language.asks(before, hit);
                !condition && !is_question(&reading[hit.end()..])
            })
        };
        told.or_else(past).map(|hit| hit.as_str().trim().to_owned())
    })
}

/// Whether `word` is one of the common words of the language.
pub(crate) fn is_common(word: &str, code: &str) -> bool {
    let all = common_words();
    let bit = all.codes.iter().position(|c| *c == code).map_or(0, |i| 1 << i);
    word.chars().all(char::is_numeric)
        || words(&plain(word)).all(|(_, w)| all.words.get(&w).is_some_and(|bits| bits & bit > 0))
}

/// Whether `word` behind a name says that somebody else does something.
pub(crate) fn is_third_person(word: &str, code: &str) -> bool {
    language(code).is_some_and(|l| l.third.is_match(&plain(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebodys_circumstances_are_told_from_advice() {
        for (code, personal) in [
            ("en", "As you said, you moved to the new office last week."),
            ("en", "Since you are on holiday until Monday, we wait."),
            ("en", "As discussed on the phone, please restart it."),
            ("en", "Your new laptop arrived yesterday."),
            ("en", "You spilled coffee on it."),
            ("en", "Enjoy your vacation!"),
            ("en", "You mentioned that the scanner broke."),
            ("en", "Your manager has agreed."),
            ("en", "You are still on the old plan."),
            ("de", "Wie besprochen starten Sie bitte neu."),
            ("de", "Sie sind letzte Woche umgezogen."),
            ("de", "Da Sie bis Montag im Urlaub sind, warten wir."),
            ("de", "Ihr neuer Laptop ist gestern angekommen."),
            ("fr", "Comme vous l'avez dit, vous avez déménagé."),
            ("fr", "Puisque vous êtes en vacances, nous attendons."),
            ("es", "Como comentaste, te mudaste la semana pasada."),
            ("it", "Come ha detto, si è trasferito la settimana scorsa."),
            ("pt", "Como mencionou, mudou-se na semana passada."),
            ("nl", "Zoals besproken kunt u het opnieuw starten."),
            ("pl", "Jak Pan wspomniał, drukarka stoi w biurze."),
            ("sv", "Som du sa, starta om datorn."),
            ("ru", "Как вы сказали, принтер стоит в офисе."),
        ] {
            assert!(circumstance(personal, code).is_some(), "{personal}");
        }
        for (code, plain) in [
            ("en", "Please send the steps you have already tried."),
            ("en", "Did you approve a prompt or type your password anywhere today?"),
            ("en", "When did you last restart it fully, and is it slow with Excel closed too?"),
            ("en", "Please tell us the folder, the name of the file and when you last saw it."),
            ("en", "Tell us whether you have opened the link."),
            ("en", "Please restart the computer and try the VPN again."),
            ("en", "Did it begin after an update or a new docking station?"),
            ("en", "Please leave the computer switched on and plugged in, even if the screen looks frozen."),
            ("en", "Until then, please sign out on every other device, your phone too."),
            ("en", "Do you have a phone or tablet that still uses the old password?"),
            ("de", "Haben Sie den Rechner schon neu gestartet?"),
            ("de", "Bitte sagen Sie uns, seit wann das so ist."),
            ("fr", "Avez-vous déjà redémarré l'ordinateur ?"),
            ("es", "¿Ha reiniciado ya el equipo?"),
        ] {
            assert_eq!(circumstance(plain, code), None, "{plain}");
        }
    }
}
