//! Whether a technician takes back, or apologises for, what a customer was told before.
//!
//! The phrases are data, a table a language; all languages are tried, since nobody says which one a message is in. A question, a
//! condition and what is quoted correct nothing. Finds what a person should look at; must never decide that something was wrong.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::folding::readings;
use crate::lexicon::{folded_pattern, is_cyrillic};

/// The phrases of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    message: String,
    earlier: String,
    wrong: String,
    #[serde(rename = "if")]
    condition: String,
    patterns: Vec<String>,
}

/// A language's patterns.
struct Language {
    code: String,
    corrects: Regex,
    condition: Regex,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let all: BTreeMap<String, Phrases> = toml::from_str(include_str!("corrections.toml")).expect("tested");
    all.into_iter().map(|(code, phrases)| phrases.compiled(code)).collect()
});

impl Phrases {
    fn compiled(self, code: String) -> Language {
        let Self { message, earlier, wrong, condition, patterns } = self;
        let all = patterns.join("|");
        let all =
            all.replace("{message}", &message).replace("{earlier}", &earlier).replace("{wrong}", &wrong);
        // What is read is plain ASCII in Latin letters; Cyrillic ones need Unicode's tables to tell where a word ends.
        let unicode = is_cyrillic(&code);
        let compile = |pattern: &str| {
            let pattern = folded_pattern(pattern);
            RegexBuilder::new(&pattern).unicode(unicode).size_limit(64 << 20).build().expect("tested")
        };
        Language {
            corrects: compile(&format!(r"(?:^|\W)(?:{all})(?:\W|$)")),
            condition: compile(&format!(r"(?:^|\W){condition}\W")),
            code,
        }
    }
}

/// Longest text that is read, in bytes: what a technician takes back stands at the beginning.
const MOST_BYTES: usize = 16 << 10;

/// The language, ISO 639-1, in which `text` takes back what its reader was told before; `None` where it does not.
pub fn takes_back(text: &str) -> Option<&'static str> {
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    let own: Vec<&str> = text.lines().take_while(|line| !begins_quote(line)).collect();
    // Tags say nothing, and stand between words.
    let readings = readings(&own.join("\n").replace('\t', " "));
    // The first reading turns Cyrillic look-alikes into Latin letters; the second is for phrases in Cyrillic ones.
    let mut all = readings.iter().enumerate();
    all.find_map(|(i, reading)| in_reading(&without_tags(reading), i > 0))
}

/// The language in which a text takes something back, as one of its readings has it.
fn in_reading(plain: &str, cyrillic: bool) -> Option<&'static str> {
    let languages = || LANGUAGES.iter().filter(|language| is_cyrillic(&language.code) == cyrillic);
    sentences(plain).find_map(|sentence| {
        languages().find_map(|language| {
            let hit = language.corrects.find(sentence.as_bytes())?;
            let conditional =
                language.condition.is_match(&sentence.as_bytes()[..=hit.start().min(sentence.len() - 1)]);
            (!conditional).then_some(language.code.as_str())
        })
    })
}

/// Whether a quotation begins with this line: what follows are others' words.
fn begins_quote(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('>') || line.starts_with("-----") || line.starts_with("_____")
}

/// The sentences that are no questions, with blanks as one.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '?', '!', '\n', ';'])
        .filter(|sentence| !sentence.trim_end().ends_with('?'))
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
}

/// Adds a blank, of several in a row one.
fn blank(out: &mut String) {
    if !out.ends_with(' ') {
        out.push(' ');
    }
}

fn without_tags(text: &str) -> String {
    let (mut out, mut inside) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                blank(&mut out);
            }
            _ if inside => {}
            ' ' | '\t' => blank(&mut out),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_back_an_earlier_message_is_found_in_each_language() {
        for (language, text) in [
            ("en", "Hi Ana,\n\nplease disregard our previous message, it was meant for another ticket."),
            ("en", "Sorry for the mix-up, the printer you need is on the second floor."),
            ("en", "I gave you the wrong link yesterday. Here is the right one."),
            ("en", "Correction: the update runs on Thursday."),
            ("en", "This ticket was closed by mistake, we have opened it again."),
            ("en", "We misread your request. You asked for two licences."),
            ("en", "My last reply was not quite right."),
            ("de", "Guten Tag,\nbitte ignorieren Sie unsere vorherige Nachricht."),
            ("de", "Entschuldigen Sie bitte das Missverständnis, das Postfach ist ein anderes."),
            ("de", "Das Ticket wurde versehentlich geschlossen."),
            ("de", "Meine letzte Antwort war leider falsch, es ist der zweite Anschluss."),
            ("de", "Wir müssen unsere Auskunft korrigieren."),
            ("fr", "Veuillez ignorer mon message précédent, il ne vous concernait pas."),
            ("fr", "Toutes nos excuses pour la confusion, voici le bon lien."),
            ("fr", "Le ticket a été clôturé par erreur."),
            ("fr", "Je me suis trompé de procédure."),
            ("es", "Por favor, no tenga en cuenta nuestro mensaje."),
            ("es", "Disculpe la confusión, el puerto correcto es otro."),
            ("es", "El caso se cerró por error."),
            ("es", "Nos equivocamos con la fecha."),
            ("pt", "Por favor, desconsidere a nossa mensagem."),
            ("pt", "Pedimos desculpa pelo equívoco."),
            ("pt", "O pedido foi encerrado por engano."),
            ("nl", "Negeer alstublieft mijn vorige bericht."),
            ("nl", "Excuses voor de verwarring, het gaat om de andere printer."),
            ("nl", "De melding is per ongeluk gesloten."),
            ("it", "La preghiamo di scusarci per il malinteso."),
            ("it", "Ignori il nostro messaggio, riguardava un altro utente."),
            ("it", "La richiesta è stata chiusa per errore."),
            ("it", "Mi sono sbagliato: la porta è la seconda."),
            ("sv", "Bortse från vårt förra mejl."),
            ("da", "Du skal se bort fra vores forrige mail."),
            ("nb", "Jeg sendte deg feil lenke."),
            ("pl", "Proszę zignorować naszą poprzednią wiadomość."),
            ("cs", "Ignorujte prosím naši předchozí zprávu."),
            ("ru", "Не обращайте внимания на наше прошлое письмо."),
            ("uk", "Не зважайте на наш попередній лист."),
            ("tr", "Önceki mesajımızı dikkate almayın."),
        ] {
            assert_eq!(takes_back(text), Some(language), "{text}");
        }
    }

    #[test]
    fn what_is_said_every_day_takes_nothing_back() {
        for text in [
            "Sorry for the delay, we had a lot to do.",
            "We are sorry to hear that the error is still there.",
            "Please ignore the warning message and click on Continue.",
            "If the mail was sent by mistake, use Recall in Outlook.",
            "Was this ticket closed by mistake?",
            "The wrong password was entered five times, so the account was locked.",
            "The customer's error message says that the link is wrong.",
            "Your previous mailbox was moved to the new server.",
            "Please send us the correct address.",
            "Thanks for the correction you sent.",
            "Es tut uns leid, dass der Fehler weiterhin auftritt.",
            "Entschuldigen Sie die Wartezeit.",
            "Bitte ignorieren Sie die Warnung des Browsers.",
            "Falls die Mail versehentlich verschickt wurde, rufen Sie sie zurück.",
            "Der Fehler liegt am Treiber.",
            "Désolé pour l'attente, nous regardons.",
            "Si le message a été envoyé par erreur, rappelez-le.",
            "Le message d'erreur vient du pilote.",
            "Lamentamos las molestias, seguimos trabajando en ello.",
            "Si el correo se envió por error, se puede recuperar.",
            "Lamentamos a demora na resposta.",
            "Se o e-mail foi enviado por engano, pode recolhê-lo.",
            "Sorry voor het wachten, we kijken ernaar.",
            "Als de mail per ongeluk is verstuurd, kunt u hem intrekken.",
            "Ci scusiamo per l'attesa.",
            "Se la mail è stata inviata per errore, si può richiamare.",
            "Bortse från varningen och klicka på Fortsätt.",
            "Se bort fra advarslen, og klik på Fortsæt.",
            "Feilen ligger i driveren.",
            "Proszę zignorować ostrzeżenie przeglądarki.",
            "Pokud byl e-mail odeslán omylem, vezměte ho zpět.",
            "Если письмо отправлено по ошибке, его можно отозвать.",
            "Якщо лист надіслано помилково, його можна відкликати.",
            "Tarayıcının uyarısını dikkate almayın.",
            "> please disregard our previous message",
            "Done.\n> Sorry for the mix-up",
            "",
        ] {
            assert_eq!(takes_back(text), None, "{text}");
        }
    }

    #[test]
    fn spelling_and_markup_hide_nothing_and_a_long_text_is_read_in_bounded_time() {
        for text in [
            "PLEASE DISREGARD OUR PREVIOUS MESSAGE",
            "<p>Please&nbsp;see below.</p><p>My <b>mistake</b>, it is port 2.</p>",
            "please   disregard\tour  previous   message",
        ] {
            assert_eq!(takes_back(text), Some("en"), "{text}");
        }
        let long = "sorry my our the a b c d ".repeat(40_000);
        assert_eq!(takes_back(&long), None);
    }
}
