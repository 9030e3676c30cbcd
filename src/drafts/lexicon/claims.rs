//! Claims that something was done, or is known of this ticket.
//!
//! Must never take a question, a condition, or what the reader has done for a claim.

use super::{clause, in_any_language, is_of_another, is_question};

/// Claims in `text` that something was done: no questions, no conditions ("once we have called you back"), nothing that
/// the reader has done, nothing that is true when it is read ("We have received your request").
pub(crate) fn claims(text: &str) -> Vec<String> {
    in_any_language(text, |language, reading, found| {
        for hit in language.claims.find_iter(reading) {
            let harmless = language.harmless.as_ref().is_some_and(|h| h.is_match(hit.as_str()));
            let before = clause(&reading[..hit.start()]);
            let condition =
                language.conditions.is_match(language.statement(before)) || language.asks(before, &hit);
            let other = || is_of_another(&hit, reading, language.code);
            if !harmless && !condition && !is_question(&reading[hit.end()..]) && !other() {
                found.push(hit.as_str().to_owned());
            }
        }
    })
}

/// A claim in `text` that something was done.
pub(crate) fn claim(text: &str) -> Option<String> {
    claims(text).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_work_done_are_told_from_questions_and_conditions() {
        let claimed = [
            "I have reset your password.",
            "Thanks. I've just unlocked the account.",
            "I have successfully reset your password.",
            "I went ahead and reset it.",
            "We have given you access.",
            "We have increased your quota.",
            "You now have access.",
            "It's fixed now.",
            "All done.",
            "Your account is unlocked now.",
            "The licence is assigned to you.",
            "Thank you, we have assigned the licence.",
            "I confirm that your account is unlocked.",
            "There is a known outage.",
            "We are now restarting the server.",
            "I am revoking your sessions now.",
            "Your licence has been assigned.",
            "Please note that we have reset your password.",
            "Please be assured that the licence has been assigned.",
            "Please sign in again, I have reset your password.",
            "Please sign in again, your account is unlocked.",
            "We are happy to say that we have restored it.",
            "Then access was restored.",
            "Please sign in again, everything has been fixed.",
            "Please sign in again - your account is unlocked.",
            "Please sign in again as your account is unlocked.",
            "Bitte beachten Sie, dass wir das Konto entsperrt haben.",
            "Bitte beachten Sie, dass das Konto entsperrt wurde.",
            "Guten Tag, das Konto wurde entsperrt.",
            "Veuillez noter que nous avons réinitialisé le compte.",
            "Tenga en cuenta que hemos restablecido la cuenta.",
            "Graag laten we u weten dat we het account hebben hersteld.",
            "Prosimy pamiętać, że hasło zostało zresetowane.",
            "The update was installed.",
            "We are aware of the outage.",
            "Ich habe das Kennwort zurückgesetzt.",
            "Das Konto wurde entsperrt.",
            "Wir haben den Druckertreiber neu installiert.",
            "Ihr Konto ist wieder entsperrt.",
            "Die Lizenz ist Ihnen zugewiesen.",
            "J'ai réinitialisé votre compte.",
            "J'ai bien réinitialisé votre compte.",
            "Nous avons redémarré le serveur.",
            "Le service a été rétabli.",
            "Votre compte est débloqué.",
            "C'est réglé.",
            "Hemos restablecido la cuenta.",
            "Se ha restablecido el acceso.",
        ];
        let missed: Vec<_> = claimed.into_iter().filter(|text| claim(text).is_none()).collect();
        assert!(missed.is_empty(), "{missed:#?}");
        let plain = [
            "I have picked up your ticket.",
            "We have received your request and are looking into it.",
            "We unlock your account once we have called you back.",
            "Please tell us whether the update was installed.",
            "Please let us know as soon as you have restarted the computer.",
            "Please confirm that you have restarted it.",
            "Please make sure Windows has been updated.",
            "Bitte prüfen Sie, ob das Update installiert wurde.",
            "Bitte bestätigen Sie, dass das Update installiert wurde.",
            "If you know the account was unlocked, tell us.",
            "Please check the note that was created.",
            "Please remember which mails were moved.",
            "Before you restart, note which programs are updated.",
            "Please note that we unlock your account once we have called you back.",
            "Please send the steps you have already tried.",
            "Please forward the mail that was sent to you.",
            "Was it working before the update was installed?",
            "Have you restarted the computer?",
            "I am looking at this now.",
            "Do not save anything new in that folder until we have looked at the backup.",
            "Ich habe Ihre Nachricht.",
            "Ich habe noch eine Frage zu dem Gerät.",
            "Wir haben leider keinen Zugriff auf das Gerät.",
            "Wir haben Ihre Anfrage erhalten und melden uns.",
            "Ihre Anfrage ist bei uns eingegangen, und wir kümmern uns darum.",
            "Ich kümmere mich darum.",
            "J'ai bien reçu votre demande.",
            "Nous avons bien reçu votre demande et nous nous en occupons.",
            "This is a change of the plan.",
            "Reinicie el equipo, por favor.",
        ];
        let taken: Vec<_> = plain.into_iter().filter_map(claim).collect();
        assert!(taken.is_empty(), "{taken:#?}");
    }
}
