//! The lines that phones and mail programs add: "Sent from my phone", "Get Outlook for Android".
//!
//! Must never cut a line that asks for something, nor one in the middle of a paragraph.

use super::contact_data::is_request;
use super::lines::Page;
use super::removed::Kind;
use super::words::WORDS;

/// Longest such line, in bytes.
const MAX_LENGTH: usize = 110;
/// Words of such a line, of one in which no device is named, of one that offers a program, and of an excuse for its spelling, at most.
const MAX_WORDS: usize = 11;
const FEW_WORDS: usize = 5;
const OFFER_WORDS: usize = 8;
const APOLOGY_WORDS: usize = 12;
/// Words after the device, at most, and letters of such a word that only links.
const AFTER_DEVICE: usize = 2;
const CARRIER_WORDS: usize = 5;
const LINK_LETTERS: usize = 3;
/// Programs that are offered below a mail, and for what.
const PROGRAMS: [&str; 5] = ["outlook", "yahoo", "bluemail", "typeapp", "spark"];
const SYSTEMS: [&str; 2] = ["android", "ios"];

/// Marks the lines that phones add.
pub(super) fn mark(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live() && page.lines[line].len() <= MAX_LENGTH && is_mobile(page, line) {
            page.cut(line..line + 1, Kind::Signature);
        }
    }
}

/// "Sent from my phone": names a phone or a mail program, starts or ends with the word for sent, and says nothing more.
fn is_mobile(page: &Page<'_>, at: usize) -> bool {
    if !ends_paragraph(page, at) {
        return false;
    }
    let line = page.lines[at].folded.trim_matches(|c: char| !c.is_alphanumeric());
    let line =
        if line.contains('<') { line.split_once("<http").map_or(line, |(line, _)| line) } else { line };
    let line = line.trim_end();
    // "Please get Outlook for Android", as some languages say.
    let offer = is_offer(line);
    (offer || is_sent(page.raw(at), line) || is_program(line))
        && (!is_request(line) || (offer && !line.is_ascii()))
}

/// "Get Outlook for Android"; the system ends the line, or the verb does.
fn is_offer(line: &str) -> bool {
    let system = |text: &str| SYSTEMS.iter().any(|name| text.contains(name));
    let last = line.split_whitespace().next_back().unwrap_or_default();
    let verb = || WORDS.sent_words.after_start(line).is_some() || WORDS.mobile_lines.start(line);
    line.split_whitespace().nth(OFFER_WORDS).is_none()
        && system(line)
        && PROGRAMS.iter().any(|name| line.contains(name))
        && ((verb() && system(last)) || WORDS.sent_words.end_as_words(line))
}

/// Whether a line that starts as an offer does names a program for no system: "Download Outlook for the new laptop".
fn is_offered(line: &str) -> bool {
    !is_offer(line) && WORDS.get_words.after_start(line).is_some()
}

/// "Sent from my phone": a word that links follows, or the device does; or "from my phone sent".
fn is_sent(raw: &str, line: &str) -> bool {
    let words = line.split_whitespace().count();
    if words > MAX_WORDS {
        return false;
    }
    if WORDS.sent_words.end_as_words(line) && has_device(line) {
        return true;
    }
    let listed = line.len() <= 70
        && WORDS.mobile_lines.start(line)
        && (has_device(line)
            || (words <= FEW_WORDS
                && raw.split_whitespace().skip(1).any(|word| word.starts_with(char::is_uppercase))));
    let Some(rest) = WORDS.sent_words.after_start(line) else {
        return listed && !is_offered(line) && ends_with_device(raw, line);
    };
    if is_offered(line) {
        return false;
    }
    let rest = rest.trim_start();
    let first = rest.split([' ', '\'', '’']).next().unwrap_or_default();
    let cased = line.chars().next().is_some_and(char::is_lowercase);
    let linked = !cased || WORDS.sent_links.is(first) || WORDS.devices.start(rest) || has_device(first);
    (has_device(rest) || listed) && linked && ends_with_device(raw, line)
}

/// Whether nothing but the rest of a device's name follows the device: `Samsung Galaxy`, `my mobile device`.
fn ends_with_device(raw: &str, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some(last) = words.iter().rposition(|word| has_device(word)) else { return true };
    let after = &words[last + 1..];
    let written: Vec<&str> = raw.split_whitespace().collect();
    let small = |at: usize| {
        let word = written.get(at).copied().unwrap_or_default();
        word.starts_with(char::is_lowercase) && word.chars().count() > LINK_LETTERS
    };
    let small = (last + 1..words.len()).filter(|&at| small(at)).count();
    let cut_off = words[last].ends_with([':', ',', ';']);
    // "on the EE network"
    let carrier = after.first().is_some_and(|word| WORDS.sent_links.is(word))
        && after.len() <= CARRIER_WORDS
        && written.iter().skip(last + 2).any(|word| word.starts_with(char::is_uppercase));
    (carrier || after.len() <= AFTER_DEVICE) && small <= 1 && (after.is_empty() || !cut_off)
}

/// Other lines of mail programs: the phrase and little more.
fn is_program(line: &str) -> bool {
    let Some(rest) = WORDS.programs.after_start(line) else { return false };
    // "Yahoo Mail: Search, Organize, Conquer"
    let slogan =
        line.starts_with("yahoo mail") && line.matches(',').count() > 1 && !line.contains(['.', ';']);
    let named = rest.split_whitespace().count() <= 1 && !rest.trim_start().starts_with(char::is_alphabetic);
    let apology =
        !line.contains("windows") && !has_device(line) && line.split_whitespace().count() <= APOLOGY_WORDS;
    let sent = WORDS.sent_words.end_as_words(line) && has_device(line);
    slogan || named || apology || sent
}

/// Devices' names may be bent, as in `iPhonesta`, but start a word.
fn has_device(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || c == '"' || c == '-').any(|word| WORDS.devices.start(word))
        || ["iphone", "ipad", "android", "outlook", "手机", "휴대", "điện thoại"]
            .iter()
            .any(|name| line.contains(name))
}

/// Whether a line is the last of its paragraph, or a paragraph of its own.
fn ends_paragraph(page: &Page<'_>, at: usize) -> bool {
    page.lines.get(at + 1).is_none_or(|next| next.is_blank() || !next.is_live() || next.quoted)
        || at == 0
        || page.lines[at - 1].is_blank()
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut(line: &str) -> String {
        let text = Text::new(&format!("Two wishes.\n\n{line}"));
        let mut page = Page::new(&text);
        page.attempt(mark);
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn lines_of_phones_are_told_from_wishes_about_them() {
        for line in [
            "Sent from my Pixel",
            "Sent from my BlackBerry 10 smartphone on the O2 network.",
            "Gesendet mit der GMX Mail App",
            "Von meinem iPad gesendet",
            "Envoyé depuis mon téléphone Samsung avec K-9 Mail.",
            "Enviado desde mi móvil",
            "Inviato da Outlook per Android",
            "Lähetetty iPhonesta",
            "Wysłane z telefonu",
            "Отправлено с iPhone",
            "iPhoneから送信",
            "Get Outlook for iOS",
            "Outlook für Android beziehen",
            "Mail for Windows 10",
            "Yahoo Mail: Search, Organize, Conquer",
        ] {
            assert_eq!(cut(line), "Two wishes.", "{line}");
        }
        for line in [
            "Sent folder missing in Outlook",
            "Gesendet wird nichts vom Smartphone",
            "Get Outlook on the spare laptop",
            "Download Outlook for the second iPad",
            "Télécharger Outlook sur le poste neuf",
            "Descargar Outlook en el equipo nuevo",
            "Hämta Outlook till nya datorn",
            "Pobierz Outlook na nowy telefon",
            "Скачать Outlook на новый ноутбук",
            "Yahoo Mail: move to Outlook",
            "Mail for Windows must go from all PCs",
            "Verzonden items leeg in Outlook",
            "Отправлено но пусто в Outlook",
            "Enviado desde Outlook nunca llega nada",
        ] {
            assert!(cut(line).ends_with(line), "{line}");
        }
    }
}
