//! Words that claim that something was done, or is known of this ticket, in the languages that desks write in.
//!
//! Must never take a question, a condition, or what the reader has done for a claim.

use std::sync::LazyLock;

use regex::Regex;

use super::{compiled, is_question};

/// That something was done, or is known of this ticket: nothing has been when a first response is drafted.
static CLAIMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let adverb = r"(?:\s+(?:\w+ly|also|just|now|already|since|all|again|back))*";
    let done = r"(?:\w+ed|reset|sent|found|made|put|set|given|taken|rebuilt|rerun|run|tried|done|gone ahead)";
    let state = r"(?:activated|added|applied|approved|assigned|blocked|cleared|closed|created|deleted|deployed|disabled|done|enabled|extended|fixed|granted|installed|moved|ordered|released|removed|renewed|replaced|reset|resolved|restarted|restored|solved|sorted|unblocked|unlocked|updated|upgraded)";
    let german = r"(?:\w*(?:iert|gewiesen|gefügt|ledigt|sperrt|gesetzt|geschaltet|gerichtet|behoben|gelöst|gestartet|ersetzt|erneuert|gelöscht|bestellt|geändert|geprüft|getauscht|entfernt|erstellt|angelegt|freigegeben))";
    let french = r"(?:ajouté|activé|bloqué|changé|corrigé|créé|débloqué|désactivé|installé|modifié|réactivé|redémarré|réglé|réinitialisé|remplacé|résolu|rétabli|supprimé|vérifié)(?:e|s|es)?";
    let spanish = r"(?:activad|añadid|asignad|cambiad|cread|desactivad|desbloquead|eliminad|instalad|modificad|reiniciad|restablecid|resuelt|solucionad)[oa]s?";
    let doing = r"(?:add|assign|block|chang|clear|creat|delet|deploy|disabl|enabl|install|isolat|mov|order|reboot|recover|releas|remov|renew|replac|resett|restart|restor|revok|send|unblock|unlock|updat|upgrad)ing";
    compiled([
        format!(r"(?i)\b(?:i|we)(?:['’]ve| have| had|['’]d){adverb}\s+{done}\b"),
        format!(r"(?i)\b(?:i|we){adverb}\s+(?:went ahead|{state})\b"),
        format!(r"(?i)\b(?:i|we)(?:['’]m|['’]re| am| are)(?: currently)?{adverb}\s+{doing}\b"),
        format!(r"(?i)\b(?:has|have|had)(?: not)?{adverb} been{adverb}\s+{state}\b"),
        format!(r"(?i)\b(?:is|are|was|were|it['’]s|that['’]s){adverb}\s+{state}\b"),
        r"(?i)\ball done\b|\byou now have\b|\bshould (?:now )?be (?:working|back|fixed|resolved)\b".into(),
        r"(?i)\bthere is (?:a|an) (?:known |general |major )?(?:outage|incident|disruption)\b".into(),
        r"(?i)\b(?:we are|we['’]re|i am|i['’]m) (?:already |currently |now )?aware of\b".into(),
        format!(r"(?i)\b(?:habe|haben|wurden?|ist|sind)\b[^.?!]{{0,60}}\b{german}\b"),
        format!(
            r"(?i)\b(?:ai|avons|a été|ont été|est|sont|c['’]est)(?:\s+(?:bien|déjà|aussi|maintenant|de nouveau|à nouveau))?\s+{french}\b"
        ),
        format!(
            r"(?i)\b(?:he|hemos|se ha|se han|ha sido|han sido|está|están)(?:\s+(?:ya|ahora|nuevo))?\s+{spanish}\b"
        ),
    ])
});

/// Claims in `text` that something was done: no questions, no conditions ("once we have called you back"), nothing that
/// the reader has done, nothing that is true when it is read ("We have received your request").
pub(crate) fn claims(text: &str) -> impl Iterator<Item = &str> {
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:once|until|till|after|when|if|whether|unless|before|what|as soon as|may|might|sobald|bis|nachdem|wenn|falls|ob|bevor|quand|si|dès que|après que|avant|cuando|hasta que)\b|\b(?:that|which|who|qui)\s*$|,\s*(?:die|der|das|welche[rsnm]?)\b|^\W*(?:please|kindly|make sure|bitte|veuillez|merci de|por favor)\b").expect("tested")
    });
    static TRUE_ANYWAY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:received|noted|picked|looked|recorded|registered|logged|asked|needed|wanted|listed|attached)$").expect("tested")
    });
    let plain = |hit: &regex::Match<'_>| {
        let before = &text[..hit.start()];
        let clause = before.rfind(['.', '?', '!', ';', ':', '\n']).map_or(before, |at| &before[at + 1..]);
        !is_question(&text[hit.end()..]) && !CONDITION.is_match(clause) && !TRUE_ANYWAY.is_match(hit.as_str())
    };
    CLAIMS.iter().flat_map(move |p| p.find_iter(text)).filter(plain).map(|m| m.as_str())
}

/// A claim in `text` that something was done.
pub(crate) fn claim(text: &str) -> Option<&str> {
    claims(text).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_work_done_are_told_from_questions_and_conditions() {
        for claimed in [
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
        ] {
            assert!(claim(claimed).is_some(), "{claimed}");
        }
        for plain in [
            "I have picked up your ticket.",
            "We have received your request and are looking into it.",
            "We unlock your account once we have called you back.",
            "Please tell us whether the update was installed.",
            "Please let us know as soon as you have restarted the computer.",
            "Please confirm that you have restarted it.",
            "Please make sure Windows has been updated.",
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
        ] {
            assert_eq!(claim(plain), None, "{plain}");
        }
    }
}
