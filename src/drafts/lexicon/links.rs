//! Sentences that point at a link, a page or an attachment, and what is left of a link where it was taken out.
//!
//! Must never take "Please do not open the link in that mail" for one.

use std::sync::LazyLock;

use regex::Regex;

use super::{language, languages};
use crate::folding::readings;

/// What in `sentence`, of this language, points at a link that does not stand in it, or is a piece of one. All languages
/// count where its own has no lists.
pub(crate) fn dangling_link(sentence: &str, code: &str) -> Option<String> {
    let own = language(code);
    let pointing = |reading: &String| {
        let list = own.map_or_else(|| languages().iter().collect(), |own| vec![own]);
        let hit = list.into_iter().find_map(|l| {
            let hit = l.links.find(reading)?;
            // "Do not click here" speaks of somebody else's link.
            let about = &reading[..hit.start()];
            (!l.refusals.is_match(about)).then(|| hit.as_str().to_owned())
        });
        hit.or_else(|| fragment(reading))
    };
    readings(sentence).iter().find_map(pointing)
}

/// A piece of a web address.
fn fragment(reading: &str) -> Option<String> {
    static FRAGMENT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:^|[\s(\[])(?:(?:https?|ftp)\b\S*|\S*://\S*|www\b\S*|/[\w%.-]+(?:/\S*)?|[\w-]+(?:/[\w.%-]+){2,}/?|\S*\?\w+=\S*|\w+=\S+&\S*|\S*%[0-9a-f]{2}\S*|\.(?:com|net|org|io|de|fr|es|it|pt|nl|pl|example)\b\S*|\S+\.(?:html?|php|aspx?|jsp)\b\S*)",
        )
        .expect("tested")
    });
    FRAGMENT.find(reading).map(|hit| hit.as_str().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_points_at_a_link_is_told_from_one_that_warns_of_it() {
        for (code, pointing) in [
            ("en", "Please use the link below."),
            ("en", "Click here: "),
            ("en", "Please follow the steps in the attached guide."),
            ("en", "See www."),
            ("en", "https"),
            ("en", "/reset?id=4 for the steps."),
            ("en", "portal/help/articles/42"),
            ("en", "You can download it from:"),
            ("de", "Bitte nutzen Sie den folgenden Link."),
            ("de", "Klicken Sie hier."),
            ("de", "Die Anleitung finden Sie im Anhang."),
            ("fr", "Cliquez ici."),
            ("fr", "Veuillez utiliser le lien ci-dessous."),
            ("es", "Haga clic aquí."),
            ("it", "Clicchi qui per continuare."),
            ("pt", "Clique aqui para continuar."),
            ("nl", "Klik hier om verder te gaan."),
            ("pl", "Kliknij tutaj."),
            ("ru", "Перейдите по ссылке."),
        ] {
            assert!(dangling_link(pointing, code).is_some(), "{pointing}");
        }
        for (code, plain) in [
            ("en", "Please do not open links or attachments of the mail."),
            ("en", "Tell us whether anybody has opened the link or typed a password."),
            ("en", "Did anyone click the link or open the attachment?"),
            ("en", "Please send us the bounce message as an attachment."),
            ("en", "Please send us the full address and a picture of the block page."),
            ("en", "We check the category before we release a page."),
            ("en", "Please print and/or save it, 24/7."),
            ("en", "Which address shows the warning, and who hosts it?"),
            ("en", "Does it work with input/output error codes?"),
            ("de", "Bitte öffnen Sie den Anhang der Mail nicht."),
            ("fr", "N'ouvrez pas la pièce jointe."),
        ] {
            assert_eq!(dangling_link(plain, code), None, "{plain}");
        }
    }
}
