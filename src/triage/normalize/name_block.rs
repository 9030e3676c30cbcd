//! What tells a signature's name block from the lines that people write where one may stand: lists of things or people, device names
//! and accounts below the name, and the block of somebody whom the ticket is about.
//!
//! Must never call a line a part of a block: it only says what is none.

use super::contact_data::{is_contact, is_firm, is_register, is_request, starts_with_name};
use super::facts::{digits, is_prose, is_sentence};
use super::lines::{Page, key_value};
use super::topics;
use super::words::{WORDS, is_greeting};

/// So many lines without contact data, a firm or a profession are a list; fewer are below a word of thanks.
const LIST: usize = 3;
const LIST_BELOW_THANKS: usize = 2;
/// Words above a block that are no more than its heading, and characters where words are not parted by blanks.
const HEADING: usize = 3;
const UNCASED_HEADING: usize = 8;
/// Letters of the device in a name such as `WS-0042`, at most, and digits, at least.
const DEVICE_LETTERS: usize = 6;
const DEVICE_DIGITS: usize = 2;
/// Letters of a country before a postal code, at most, and digits of the code, at least.
const COUNTRY_LETTERS: usize = 2;
const POSTAL_DIGITS: usize = 4;
/// Lines of the block of somebody at an office, and characters of such a line, at most; and of a number in a street.
const OFFICE: std::ops::RangeInclusive<usize> = 3..=7;
const OFFICE_CHARS: usize = 80;
const NUMBER: usize = 8;

/// Who signs, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signer<'a> {
    /// The contact of the ticket, if that is a name.
    pub(super) contact: Option<&'a str>,
    /// Whether a signature was cut already.
    pub(super) signed: bool,
    /// Whether nothing of the text has to be left.
    pub(super) may_be_empty: bool,
    /// Whether a legal note was cut below.
    pub(super) noted: bool,
}

impl Signer<'_> {
    /// Whether a line names who wrote; `None` where nobody knows. One name of two may be a relative's.
    pub(super) fn agrees(&self, raw: &str) -> Option<bool> {
        let contact = self.contact?.to_lowercase();
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        };
        let names: Vec<String> = words(&contact).into_iter().filter(|w| w.chars().count() > 1).collect();
        if !contact.contains(char::is_alphabetic) || names.is_empty() {
            return None;
        }
        let line = words(&raw.to_lowercase());
        if let [name] = names.as_slice() {
            return Some(line.iter().any(|word| word.chars().count() > 1 && name.contains(word.as_str())));
        }
        let whole = names.iter().filter(|name| line.contains(name)).count();
        let initials = names.iter().filter(|name| !line.contains(name)).filter(|name| {
            line.iter().any(|word| word.chars().count() == 1 && name.starts_with(word.as_str()))
        });
        Some(whole > 1 || (whole == 1 && initials.count() > 0))
    }
}

/// The lines above the first that is data, and where the block ends for that.
pub(super) fn above_data<'a>(page: &Page<'_>, below: &'a [usize]) -> (&'a [usize], usize) {
    match below.iter().position(|&i| is_data(page, i)) {
        Some(at) => (&below[..at], below[at]),
        None => (below, page.lines.len()),
    }
}

/// Whether a line is an account, a device or an order number: `Username jdoe`, `WS-0042`.
pub(super) fn is_data(page: &Page<'_>, line: usize) -> bool {
    let folded = page.lines[line].folded.as_str();
    if is_contact(page, line) || is_firm(folded) || is_register(folded) {
        return false;
    }
    let labelled = WORDS.data_labels.after_start(folded).is_some_and(|rest| !rest.trim().is_empty());
    let account = key_value(folded).is_some_and(|(key, value)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_\\".contains(c);
        !key.is_empty()
            && !WORDS.contact_labels.is(key.trim_end_matches('.'))
            && !value.is_empty()
            && value.chars().all(plain)
            && value.contains(|c: char| c.is_ascii_alphanumeric())
    });
    let raw = page.raw(line);
    labelled || account || (!is_place(raw) && raw.split_whitespace().next_back().is_some_and(is_device))
}

/// `1 Harbour Road, Ulm, DE-89073`: a number in the street, a comma, and a postal code.
fn is_place(raw: &str) -> bool {
    let Some((street, code)) = raw.rsplit_once(',') else { return false };
    let (country, code) = code.trim().split_once('-').unwrap_or_default();
    digits(street) > 0
        && country.len() <= COUNTRY_LETTERS
        && (POSTAL_DIGITS..=POSTAL_DIGITS + 2).contains(&code.len())
        && code.chars().all(|c| c.is_ascii_digit())
}

/// `WS-0042`, `PC0042`. Two letters may start a postal code, which a town follows.
fn is_device(word: &str) -> bool {
    let letters = word.chars().take_while(char::is_ascii_alphabetic).count();
    let rest = word[letters..].trim_start_matches(['-', '_']);
    (2..=DEVICE_LETTERS).contains(&letters)
        && digits(rest) >= DEVICE_DIGITS
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether lines below a closing phrase are things or people that the ticket is about: several without anything that only a signature
/// has.
pub(super) fn is_list(page: &Page<'_>, closing: usize, below: &[usize]) -> bool {
    let is_told = |&i: &usize| {
        let folded = page.lines[i].folded.as_str();
        is_contact(page, i) || is_firm(folded) || is_register(folded) || WORDS.professions.within(folded)
    };
    let &[first, ..] = below else { return false };
    if below.iter().any(is_told) {
        return false;
    }
    let thanks = WORDS.thank_words.start(page.lines[closing].folded.as_str());
    let one = page.raw(first).split_whitespace().count() == 1;
    below.len() >= LIST
        || (thanks && below.len() >= LIST_BELOW_THANKS)
        || (thanks && !one && !starts_with_name(page.raw(first)))
}

/// Whether a name stands below a closing phrase, and lines with a street, a firm or a number below it: with a legal note below all of
/// it, nobody's list.
pub(super) fn is_office(page: &Page<'_>, closing: usize, below: &[usize]) -> bool {
    let (Some(&first), Some(&last)) = (below.first(), below.last()) else { return false };
    let joined = last - first + 1 == below.len() && page.live().next_back() == Some(last);
    if !joined || !OFFICE.contains(&below.len()) || !starts_with_name(page.raw(first)) {
        return false;
    }
    let thanks = WORDS.thank_words.start(page.lines[closing].folded.as_str());
    let is_told = |i: usize| {
        let folded = page.lines[i].folded.as_str();
        is_contact(page, i) || is_firm(folded) || is_register(folded) || is_street(page.raw(i), thanks)
    };
    let fits = |&i: &usize| {
        let (raw, folded) = (page.raw(i), page.lines[i].folded.as_str());
        let ends = raw.ends_with(['?', '!', '！', '。', '？', ':', '：']) || is_sentence(raw);
        let labelled = raw.contains([':', '：']) && !is_contact(page, i);
        raw.chars().count() <= OFFICE_CHARS
            && !(ends || labelled || is_request(folded) || topics::read(folded).is_personal())
            && (i == first || is_told(i) || !is_prose(raw))
    };
    let others = &below[1..];
    let things = |&i: &usize| !is_told(i) && (is_person(page.raw(i)) || digits(page.raw(i)) > 0);
    let placed = others.iter().filter(|&&i| is_person_at(page.raw(i))).count();
    let listed = placed > 1 || (thanks && (placed > 0 || others.iter().any(things)));
    others.iter().any(|&i| is_told(i)) && below.iter().all(fits) && !listed
}

/// Two words with capitals, as a person's name.
fn is_person(raw: &str) -> bool {
    raw.split_whitespace().count() == 2 && raw.contains(char::is_lowercase) && starts_with_name(raw)
}

/// A person and a place: `Jo Doe, room 12`.
fn is_person_at(raw: &str) -> bool {
    raw.split_once(',').is_some_and(|(name, place)| is_person(name) && place.contains(char::is_alphabetic))
}

/// `Market Square, 1`, `12 High Street`, `the old yard 3`. Below a word of thanks, things are counted too: there, a comma parts the
/// number from its street.
fn is_street(raw: &str, thanks: bool) -> bool {
    let words: Vec<&str> = raw.split_whitespace().collect();
    let is_number = |word: &&str| {
        let word = word.trim_end_matches([',', '.']);
        word.starts_with(|c: char| c.is_ascii_digit())
            && digits(word) <= POSTAL_DIGITS + 2
            && word.len() <= NUMBER
    };
    let numbers = words.iter().filter(|word| is_number(word)).count();
    if numbers == 0 || words.len() - numbers == 0 || words.iter().any(|word| is_device(word)) {
        return false;
    }
    let parted = raw.split_once([',', '،', '、']).is_some_and(|(street, rest)| {
        let cased = street.contains(|c: char| c.is_lowercase() || c.is_uppercase());
        digits(rest) > 0
            && digits(street) == 0
            && (!cased || rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    });
    let capital =
        words.iter().filter(|word| !is_number(word)).all(|word| !word.starts_with(char::is_lowercase));
    parted || (!thanks && words.len() > 2 && (capital || !is_number(&words[0])))
}

/// Whether words above a block say that it is about signatures.
pub(super) fn is_on_signatures(page: &Page<'_>, start: usize) -> bool {
    let below = page.live().filter(|&i| i > start).count();
    below > 1
        && page
            .live_before(start)
            .is_some_and(|i| WORDS.signature_words.within_as_words(&page.lines[i].folded))
}

/// Whether words stand above a block, a greeting apart; or nothing at all does.
pub(super) fn has_words_above(page: &Page<'_>, start: usize) -> bool {
    let mut above = page.live().take_while(|&i| i < start).peekable();
    let says = |i: usize| {
        let line = &page.lines[i];
        (line.substance > 0 || !line.folded.is_ascii()) && !is_greeting(&line.folded)
    };
    above.peek().is_none() || above.any(says)
}

/// Whether the words above a block are so few that they are its heading: `Numbers to port.`
pub(super) fn is_heading(page: &Page<'_>, start: usize) -> bool {
    let says = |&i: &usize| !is_greeting(&page.lines[i].folded) && page.lines[i].substance > 0;
    let (mut words, mut uncased) = (0, 0);
    for i in page.live().take_while(|&i| i < start).filter(says) {
        let raw = page.raw(i);
        match raw.contains(|c: char| c.is_lowercase() || c.is_uppercase()) {
            true => words += raw.split_whitespace().count(),
            false => uncased += raw.chars().filter(|c| c.is_alphanumeric()).count(),
        }
    }
    words <= HEADING && uncased <= UNCASED_HEADING
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Ticket;

    use super::super::read;

    fn text(body: &str, contact: Option<&str>) -> String {
        let ticket = Ticket {
            id: "1".into(),
            body: Some(body.into()),
            contact: contact.map(str::to_owned),
            ..Ticket::default()
        };
        read(&ticket).body.text
    }

    #[test]
    fn lines_below_a_closing_that_are_no_name_block_stay() {
        for body in [
            "Hello,\n\nthank you\nNew phone Pat Sample",
            "Hi\n\nThanks\nScanner Epson 500 offline",
            "Please lock the people who left.\n\nThanks\nPat Sample\nKim Vale\nSam Reed",
            "We lack two things.\n\nThank you\nTwo Desk Lamps\nOne Wall Screen",
            "Bitte die Zugänge sperren.\n\nDanke\nPetra Beispiel\nKarl Vogel",
            "Il nous faut ceci.\n\nMerci\nDeux Lampes Bureau\nUn Ecran Mural",
            "Neem dit op.\n\nBedankt\nPiet Voorbeeld\nJan Vogel\nKees Smit",
        ] {
            assert_eq!(text(body, None), body);
        }
    }

    #[test]
    fn data_below_the_name_stays_without_the_name() {
        for (body, data) in [
            (
                "Regards\nAnn Example\nUsername aexample\nPC name LT-0815",
                "Username aexample\nPC name LT-0815",
            ),
            ("Regards\nAnn Example\nTeamviewer ID 987 654 321", "Teamviewer ID 987 654 321"),
            ("Gruß\nMax Muster\nRechner NB4711", "Rechner NB4711"),
            ("Cordialement\nAnne Exemple\nIdentifiant aexemple", "Identifiant aexemple"),
            ("Saludos\nAna Ejemplo\nUsuario: aejemplo", "Usuario: aejemplo"),
            ("Saluti\nAnna Esempio\nCentro di costo 4712", "Centro di costo 4712"),
            ("С уважением\nАнна Пример\nЛогин aprimer", "Логин aprimer"),
        ] {
            let read = text(&format!("The login fails since noon.\n\n{body}"), None);
            assert!(read.ends_with(data) && !read.contains("Ex") && !read.contains("Muster"), "{read}");
        }
    }

    #[test]
    fn somebody_elses_block_stays() {
        let pat = "Pat Sample\nBuyer\n+49 30 5550100\npat@a.example";
        for lead in [
            "Leaver today.",
            "Numbers to port.",
            "Please create an account.",
            "The emergency contact has changed since May.",
            "Bitte ein Konto anlegen für die Neue.",
            "Por favor, crear una cuenta nueva.",
        ] {
            let body = format!("{lead}\n\n{pat}");
            assert_eq!(text(&body, None), body);
        }
        let body = format!("The scanner on floor two is dead.\n\n{pat}");
        assert_eq!(text(&body, Some("Kim Sample")), body);
        assert_eq!(text(&body, Some("Pat Sample")), "The scanner on floor two is dead.");
        let both = format!("The new one has no mailbox yet.\n\n{pat}\n\nRegards\nKim Vale");
        assert!(text(&both, None).ends_with(pat));
        let numbers =
            "The lines of the hall are dead.\n\nMeeting Hall\n+49 30 5550100\n+49 30 5550101\n+49 30 5550102";
        assert_eq!(text(numbers, None), numbers);
    }

    #[test]
    fn the_wording_of_a_signature_and_a_query_stay() {
        for body in [
            "My signature shall be\n\n--\nAnn Example\nHead of Sales\nTel. +44 20 7946 0001",
            "Meine Signatur soll so sein\n\n--\nMax Muster\nVertrieb\nTel. 030 5550100",
            "The signature is wrong, it shall be like this.\n\nKind regards\nAnn Example\nTel. +44 20 7946 0001",
            "SELECT 1\n--\nDrop Table",
            "It stops.\n\nRegards\nAnn Example\n+49 30 5550100\nann@a.example\n\nThe scanner on floor four is dead too, it shows error 0815 since the delete of its driver on Monday.",
        ] {
            assert_eq!(text(body, None), body);
        }
    }

    #[test]
    fn signatures_go() {
        for signature in [
            "Thanks\nAnn Example\nOffice Manager",
            "Kind regards,\nAnn Example\nAcme Ltd\n+44 20 7946 0001",
            "Danke und Gruß\nMax Muster\nLeiter Einkauf",
            "Merci\nAnne Exemple",
            "-- \nAnn Example\nAcme Ltd\nwww.a.example",
            "Saludos\nAna Ejemplo\nVentas\nTel. 91 555 01 00",
            "С уважением\nАнна Пример\nОтдел продаж",
            "Ann Example\n+44 20 7946 0001\nann@a.example",
        ] {
            let body = format!("The scanner on floor two is dead.\n\n{signature}");
            assert_eq!(text(&body, Some("Ann Example")).lines().count(), 1, "{signature}");
        }
    }
}
