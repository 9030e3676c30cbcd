//! Names of people: which one a draft may greet, and which one in a sentence belongs to somebody else.
//!
//! Who writes a ticket chooses the name that it comes with. Must never let a sentence, an address or a word of command pass for
//! a name.

use std::ops::Range;

use firstline_ticket::Ticket;
use unicode_script::{Script, UnicodeScript};

use crate::folding::{deceptive, is_mixed, plain};
use crate::lexicon::{is_common, is_people, is_third_person, is_title, salutation};
use crate::mask::{Masker, PrivateKind};
use crate::segmentation::{begins_sentence, words};

/// Characters of one name, and words of a whole one, at most.
const LONGEST: usize = 20;
const MOST_WORDS: usize = 4;

/// What no name has: words of addresses, commands and bait, in the languages that such mail is written in.
const NO_NAMES: &str = "dot com net org info biz www http https mailto html url link click visit open call go goto login log sign \
    signin password passwort kennwort contraseña senha pin code account konto compte cuenta conta bank iban pay payment paypal zahlen \
    send reply verify confirm update reset urgent dringend urgente sofort now jetzt free gratis win winner prize offer bonus invoice \
    rechnung factura facture security sicherheit admin administrator support helpdesk service system server noreply no-reply \
    postmaster mailer daemon root user benutzer customer client kunde test null undefined none unknown anonymous download install \
    klick klicken besuchen öffnen cliquez visitez ouvrez haga visite abra clique clicca visita kliknij klik evil hack virus \
    microsoft google apple amazon office outlook teams dear hello team all everyone reception info sales order shop attention \
    important alert warning notice ignore execute print delete select drop script prompt assistant";

/// Words with a capital that name no person: programs, keys, days, months, languages; in lower case without accents.
const THINGS: &str = "windows outlook teams excel word powerpoint onenote office onedrive sharepoint chrome edge firefox safari \
    mac macos ios iphone ipad android linux ubuntu bluetooth wifi internet ethernet ctrl alt esc enter shift tab del delete start settings \
    control panel task manager device finder explorer desktop word adobe acrobat reader microsoft google apple intune azure entra \
    defender exchange authenticator zoom citrix vmware cisco dell lenovo logitech help options menu view tools file edit home insert \
    account about security privacy network sound display update about general advanced \
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october \
    november december english german french spanish italian portuguese dutch polish swedish danish norwegian czech russian ukrainian \
    turkish montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar marz april mai juni juli august september \
    oktober november dezember europe america einstellungen systemsteuerung taskmanager netzwerk strg entf eingabetaste";

/// The first name of who wrote `ticket`, if it is shaped like one and fits what else is known of them.
pub(crate) fn greeting_name<'t>(ticket: &'t Ticket, masker: &Masker) -> Option<&'t str> {
    let contact = ticket.contact.as_deref()?.trim();
    let all: Vec<&str> = contact.split_whitespace().collect();
    let first = *all.first()?;
    let plausible = (1..=MOST_WORDS).contains(&all.len())
        && deceptive(contact).is_none()
        && one_script(contact)
        && all.iter().all(|word| is_shaped(word.trim_end_matches([',', '.'])) || is_initial(word))
        && is_shaped(first)
        && first.starts_with(char::is_uppercase)
        // "Will" or "Office" is a word as well as a name: it would be replaced wherever it stands.
        && !masker.is_shared(&first.to_lowercase());
    (plausible && fits_mail(ticket, &all)).then_some(first)
}

/// Whether `word` is shaped like a name: letters, with apostrophes and one hyphen within, and nothing that is a command or a
/// part of an address.
fn is_shaped(word: &str) -> bool {
    let apart: Vec<&str> = word.split('-').collect();
    let letters = |part: &str| {
        let n = part.chars().filter(|c| c.is_alphabetic()).count();
        let marks = part.chars().filter(|c| "'’".contains(*c)).count();
        n >= 1 && marks <= 1 && n + marks == part.chars().count() && !part.ends_with(['\'', '’'])
    };
    (2..=LONGEST).contains(&word.chars().count())
        && apart.len() <= 2
        && apart.iter().all(|part| letters(part) && !is_no_name(part))
        && word.chars().filter(|c| c.is_alphabetic()).count() >= 2
}

fn is_no_name(word: &str) -> bool {
    let word = plain(word);
    NO_NAMES.split_whitespace().any(|odd| plain(odd) == word)
}

/// Whether `word` abbreviates a middle name.
fn is_initial(word: &str) -> bool {
    word.trim_end_matches('.').chars().count() == 1 && word.starts_with(char::is_alphabetic)
}

/// Whether all letters of `text` are of one script.
fn one_script(text: &str) -> bool {
    let mut scripts = text.chars().filter(|c| c.is_alphabetic()).map(|c| c.script());
    let first = scripts.next();
    !is_mixed(text) && scripts.all(|s| Some(s) == first || matches!(s, Script::Common | Script::Inherited))
}

/// Whether the name fits the address that the ticket came from, where one is known and names a person.
fn fits_mail(ticket: &Ticket, name: &[&str]) -> bool {
    let known = ["contact_email", "email", "from", "requester_email", "contact_mail"];
    let mail = known.iter().find_map(|key| ticket.extra_str(key)).filter(|mail| mail.contains('@'));
    let Some(local) = mail.and_then(|mail| mail.rsplit_once('@')).map(|(local, _)| plain(local)) else {
        return true;
    };
    let local = local.rsplit(['<', ' ', '"']).next().unwrap_or_default().to_owned();
    // "info@" says nothing of who wrote; neither does a name in letters that no address has.
    if is_no_name(&local) || !name.iter().all(|word| plain(word).is_ascii()) {
        return true;
    }
    let letters: String = local.chars().filter(|c| c.is_alphabetic()).collect();
    name.iter().map(|word| plain(word)).any(|word| {
        let word: String = word.chars().filter(|c| c.is_alphabetic()).collect();
        word.len() >= 2 && (letters.contains(&word) || (letters.len() >= 3 && word.starts_with(&letters)))
    }) || initials(name, &letters)
}

/// Whether an address consists of the name's initials.
fn initials(name: &[&str], local: &str) -> bool {
    let all: String = name.iter().filter_map(|word| plain(word).chars().next()).collect();
    !local.is_empty() && local.len() <= 3 && all.starts_with(local)
}

/// What a ticket knows of people: the words of its own text and of its contact's name.
pub(crate) struct Known<'k> {
    /// Whether the ticket has this word, in lower case without accents.
    pub(crate) has: &'k dyn Fn(&str) -> bool,
    /// The language of the sentences.
    pub(crate) language: &'k str,
    pub(crate) masker: &'k Masker,
}

/// A name in `sentence` of somebody whom the ticket doesn't know.
pub(crate) fn stranger(sentence: &str, known: &Known<'_>) -> Option<String> {
    let all: Vec<(Range<usize>, String)> = words(sentence).collect();
    let word = |i: usize| &sentence[all[i].0.clone()];
    let new = |i: usize| !(known.has)(&plain(word(i)));
    let named = known.masker.find(sentence).into_iter().filter(|f| f.kind == PrivateKind::Name);
    let mut named = named.map(|f| sentence[f.range].to_owned()).filter(|name| !(known.has)(&plain(name)));
    if let Some(name) = named.next() {
        return Some(name);
    }
    let products: Vec<String> = known.masker.products(sentence).into_iter().map(plain).collect();
    let thing = |i: usize| {
        let word = plain(word(i));
        THINGS.split_whitespace().any(|thing| thing == word)
            || products.iter().any(|p| p.split(' ').any(|part| part == word))
    };
    let odd = (0..all.len()).find(|&i| new(i) && !thing(i) && is_name_here(sentence, &all, i, known));
    odd.map(|i| word(i).to_owned()).or_else(|| initials_at_end(sentence))
}

/// Whether word `i` of `sentence` stands where a name does: behind a title, where somebody is spoken to, or with a capital that
/// nothing else explains.
fn is_name_here(sentence: &str, all: &[(Range<usize>, String)], i: usize, known: &Known<'_>) -> bool {
    let word = &sentence[all[i].0.clone()];
    let shared = known.masker.is_shared(&all[i].1) || known.masker.is_shared(word);
    let capital = word.starts_with(char::is_uppercase) && word.chars().skip(1).any(char::is_lowercase);
    if word.chars().count() < 2 || word.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    let before = || i.checked_sub(1).map(|j| &sentence[all[j].0.clone()]);
    if capital && before().is_some_and(|title| is_title(title) && !is_common(title, known.language)) {
        return true;
    }
    if shared || is_common(word, known.language) || is_people(word) {
        return false;
    }
    let rest = &sentence[all[i].0.end..];
    let gap = |text: &str| text.trim_start().chars().next();
    if begins_sentence(sentence, all[i].0.start) {
        let next = all.get(i + 1).map(|(range, _)| &sentence[range.clone()]);
        let acts = next.is_some_and(|next| is_third_person(next, known.language));
        return capital && (rest.starts_with(',') || acts || gap(rest).is_none_or(|c| "-–—:!".contains(c)));
    }
    let start = &sentence[..all[i].0.start];
    let spoken_to = start.trim_end().ends_with(',')
        && rest.trim_end().chars().all(|c| ".!?,".contains(c))
        && all.len() == i + 1;
    spoken_to || (capital && !is_noun(before(), known.language))
}

/// Whether a word with a capital is a noun of a language that writes all of them so, by what stands in front of it.
fn is_noun(before: Option<&str>, language: &str) -> bool {
    let article = |word: &str| {
        let word = plain(word);
        let stems = [
            "der", "die", "das", "den", "dem", "des", "ein", "kein", "mein", "dein", "sein", "ihr", "unser",
            "euer", "dies", "jed", "welch", "zum", "zur", "im", "am", "vom", "beim", "ins", "ans", "alle",
            "viel", "mehr", "ohne", "per", "pro", "und", "oder", "auf", "in", "unter", "aus", "neu",
        ];
        stems.iter().any(|stem| word == *stem || (stem.len() > 3 && word.starts_with(stem)))
            || ["ein", "den", "ihr"].iter().any(|stem| word.starts_with(stem) && word.len() <= stem.len() + 2)
            // An adjective between article and noun.
            || (word.len() > 3 && (word.ends_with("en") || word.ends_with("er") || word.ends_with("es") || word.ends_with("em")) && !is_common(&word, "de"))
    };
    language == "de" && before.is_some_and(article)
}

/// Initials or a first name behind a dash, an asterisk or a stroke, with which a sentence ends.
fn initials_at_end(sentence: &str) -> Option<String> {
    let end = sentence.trim_end_matches([' ', '.', ')']);
    let at = end.rfind(|c: char| "-–—*/~".contains(c))?;
    let mark = end[at..].chars().next()?.len_utf8();
    let (before, name) = (&end[..at], end[at + mark..].trim());
    let open = before.is_empty() || before.ends_with([' ', '.', '!', '?', ',', '-', '*', '–', '—', '/', '~']);
    let signed = (1..=12).contains(&name.chars().count())
        && name.starts_with(char::is_uppercase)
        && name.chars().all(|c| c.is_alphabetic() || c == '.');
    (open && signed).then(|| name.to_owned())
}

/// Whether `text` greets somebody.
pub(crate) fn greets(text: &str) -> bool {
    let said: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || "'’".contains(c)))
        .filter(|w| !w.is_empty())
        .take(3)
        .collect();
    let Some(found) = salutation(&said) else { return false };
    // "Morning backups are fine" and "Dear me" greet nobody.
    let mut rest = text;
    for word in &said[..found] {
        let Some(at) = rest.find(word) else { return false };
        rest = &rest[at + word.len()..];
    }
    let next = rest.trim_start();
    let spoken = |word: &str| word.starts_with(char::is_uppercase) || is_people(word);
    next.is_empty()
        || next.starts_with([',', '.', '!', ':', ';', '-', '–', '—', '{', '('])
        || next.split_whitespace().next().is_some_and(spoken)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mask::KnownTerms;

    fn masker() -> Masker {
        Masker::new(KnownTerms::default()).unwrap()
    }

    fn from(contact: &str, mail: Option<&str>) -> Ticket {
        let mut ticket = Ticket { contact: Some(contact.into()), ..Ticket::default() };
        if let Some(mail) = mail {
            ticket.extra.insert("contact_email".into(), json!(mail));
        }
        ticket
    }

    #[test]
    fn only_what_is_shaped_like_a_name_is_greeted() {
        let masker = masker();
        let named = |contact: &str, mail| greeting_name(&from(contact, mail), &masker).map(str::to_owned);
        for (contact, name) in [
            ("Eva Stone", "Eva"),
            ("Jean-Pierre Dupont", "Jean-Pierre"),
            ("D'Arcy O’Neill", "D'Arcy"),
            ("Ödön von Horváth", "Ödön"),
            ("Łukasz Żak", "Łukasz"),
            ("Иван Петров", "Иван"),
            ("Eva", "Eva"),
            ("Anna M. Lee", "Anna"),
        ] {
            assert_eq!(named(contact, None).as_deref(), Some(name), "{contact}");
        }
        for hostile in [
            "Visit-Evil-Dot-Com",
            "Visit Evil Dot Com",
            "Evil.Example",
            "Evilcom Dot Com",
            "https://x.example",
            "Eva1 Stone",
            "Call 555",
            "Eva Visit evil.example Now Please Friend",
            "Reset-Password",
            "Password Expired",
            "Еva Stone",
            "E\u{200b}va Stone",
            "𝐄va Stone",
            "EvaEvaEvaEvaEvaEvaEvaEva",
            "Eva'",
            "-Eva",
            "Eva--Maria",
            "mallory",
            "Urgent",
            "Support Team",
            "Click Here",
            "E",
        ] {
            assert_eq!(named(hostile, None), None, "{hostile}");
        }
        // A name that the address belies is none.
        for (contact, mail, fits) in [
            ("Eva Stone", "eva.stone@amaro.example", true),
            ("Eva Stone", "estone@amaro.example", true),
            ("Eva Stone", "es@amaro.example", true),
            ("Eva Stone", "info@amaro.example", true),
            ("Eva Stone", "Eva <eva@amaro.example>", true),
            ("Eva Stone", "mallory@evil.example", false),
        ] {
            assert_eq!(named(contact, Some(mail)).is_some(), fits, "{contact} {mail}");
        }
    }

    #[test]
    fn names_that_a_ticket_does_not_know_are_found_wherever_they_stand() {
        let masker = masker();
        let has = |word: &str| ["eva", "printer"].contains(&word);
        let of =
            |sentence: &str, language| stranger(sentence, &Known { has: &has, language, masker: &masker });
        for (sentence, language) in [
            ("Please restart it again, Sierra.", "en"),
            ("Sierra, please restart it.", "en"),
            ("Please ask Sierra to call us.", "en"),
            ("Sierra will call you.", "en"),
            ("Please tell us, sierra.", "en"),
            ("Please restart it. -Jo", "en"),
            ("Please restart it *MS", "en"),
            ("Please restart it. /JK", "en"),
            ("Please ask Mr. Quill.", "en"),
            ("Bitte fragen Sie Sierra.", "de"),
            ("Bitte wenden Sie sich an Frau Quill.", "de"),
            ("Demandez à Sierra.", "fr"),
        ] {
            assert!(of(sentence, language).is_some(), "{sentence}");
        }
        for (sentence, language) in [
            ("Please restart it again, Eva.", "en"),
            ("Eva, please restart it.", "en"),
            ("Please restart the printer and try again.", "en"),
            ("Does the VPN work, and what do you see?", "en"),
            ("Please press Ctrl-C / Esc.", "en"),
            ("Bitte schalten Sie den Drucker aus.", "de"),
        ] {
            let found = of(sentence, language).filter(|f| !["Ctrl", "C", "Esc"].contains(&f.as_str()));
            assert_eq!(found, None, "{sentence}");
        }
    }

    #[test]
    fn greetings_are_told_from_sentences() {
        for greeting in [
            "Hi Sierra.",
            "Hello,",
            "Good morning Eva",
            "Dear all -",
            "Hallo Frau Quill,",
            "Bonjour,",
            "Hola Eva:",
            "Hi {contact},",
            "Sehr geehrte Frau Quill,",
        ] {
            assert!(greets(greeting), "{greeting}");
        }
        for sentence in
            ["High load on it.", "Please say hello to it.", "Morning backups run.", "Hidden files too."]
        {
            assert!(!greets(sentence), "{sentence}");
        }
    }
}
