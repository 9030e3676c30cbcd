//! Folds texts to what a reader sees: format characters are dropped, styled letters and letters of other scripts that look
//! like Latin ones become these.
//!
//! What is checked is the folded text, so that no check is passed by a spelling that only a machine tells apart. Must never be
//! used to write a draft: a Russian text would not survive it.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton;

/// Latin letters that look like Cyrillic ones, and these.
const CYRILLIC_TWINS: [(char, char); 30] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('j', 'ј'),
    ('k', 'к'),
    ('m', 'м'),
    ('n', 'п'),
    ('o', 'о'),
    ('p', 'р'),
    ('r', 'г'),
    ('s', 'ѕ'),
    ('t', 'т'),
    ('u', 'и'),
    ('x', 'х'),
    ('y', 'у'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Y', 'У'),
    ('3', 'З'),
];

/// `text` as a reader sees it, with look-alikes of Latin letters as these.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_unseen(*c)).nfkc() {
        match c {
            '\n' | ' '..='~' => out.push(c),
            _ if c.is_whitespace() => out.push(' '),
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{ff07}' => out.push('\''),
            '\u{201c}'..='\u{201f}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            _ => push_latin(&mut out, c),
        }
    }
    Cow::Owned(out)
}

/// Adds the ASCII letters that look like `c`, else `c` itself.
fn push_latin(out: &mut String, c: char) {
    let mut bytes = [0; 4];
    let mut twin = skeleton(c.encode_utf8(&mut bytes));
    match (twin.next(), twin.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => {
            // The table has one twin for both cases of some letters.
            let lower = c.is_lowercase() && letter.is_ascii_uppercase();
            out.push(if lower { letter.to_ascii_lowercase() } else { letter });
        }
        _ => match small_capital(c) {
            Some(letter) => out.push(letter),
            None => out.push(c),
        },
    }
}

/// Small capitals, which no table of look-alikes has.
fn small_capital(c: char) -> Option<char> {
    const ALL: &str = "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz";
    let mut all = ALL.chars();
    std::iter::from_fn(|| Some((all.next()?, all.next()?))).find(|(odd, _)| *odd == c).map(|(_, plain)| plain)
}

/// The readings of `text` that word lists are held against: folded, in lower case, without accents, words that are spelt letter
/// by letter put together. A text with Cyrillic letters has a second one, in which Latin look-alikes are Cyrillic.
pub(crate) fn readings(text: &str) -> Vec<String> {
    let mut all = vec![spelt_out(plain(&fold(text)))];
    if text.chars().any(|c| c.script() == Script::Cyrillic) {
        all.push(cyrillic(text));
    }
    all
}

/// `text` with "p a s s w o r d" and "p-a-s-s-w-o-r-d" as words.
fn spelt_out(text: String) -> String {
    static SPELT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:[a-z][ ._*-]){4,}[a-z]\b").expect("tested"));
    match SPELT.replace_all(&text, |hit: &Captures<'_>| hit[0].replace([' ', '.', '_', '*', '-'], "")) {
        Cow::Borrowed(_) => text,
        Cow::Owned(joined) => joined,
    }
}

/// The Cyrillic reading of `text`.
fn cyrillic(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_unseen(*c)).nfkc().collect();
    let mut out = String::with_capacity(seen.len());
    // A word without a Cyrillic letter is Latin.
    for piece in seen.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let odd = piece.chars().any(|c| c.script() == Script::Cyrillic);
        let twin =
            |c: char| CYRILLIC_TWINS.iter().find(|(latin, _)| *latin == c).map_or(c, |(_, twin)| *twin);
        out.extend(piece.chars().map(|c| if odd { twin(c) } else { c }));
    }
    plain(&out)
}

/// `text` as it is compared, however it is written: folded, in lower case, without accents.
pub(crate) fn folded(text: &str) -> String {
    plain(&fold(text))
}

/// `text` in lower case, without accents.
pub(crate) fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase).nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            '’' | '‘' => out.push('\''),
            _ => out.push(c),
        }
    }
    out
}

/// What in `text` only deceives a reader: a character that nobody sees, a letter that is styled, a word of two scripts.
pub(crate) fn deceptive(text: &str) -> Option<String> {
    let odd = text.chars().find(|c| (*c != '\n' && is_unseen(*c)) || is_styled(*c));
    let code = |c: char| format!("U+{:04X}", c as u32);
    odd.map(code).or_else(|| mixed_word(text).map(str::to_owned))
}

/// A word whose letters are of two scripts that have look-alikes.
fn mixed_word(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).find(|word| is_mixed(word))
}

/// Whether letters of `word` are of two scripts that have look-alikes. "Outlookを" is no such word.
pub(crate) fn is_mixed(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let alike = |c: char| match c.script() {
        script @ (Script::Latin
        | Script::Cyrillic
        | Script::Greek
        | Script::Armenian
        | Script::Cherokee
        | Script::Coptic
        | Script::Georgian
        | Script::Lisu) => Some(script),
        _ => None,
    };
    let mut scripts = word.chars().filter_map(alike);
    scripts.next().is_some_and(|first| scripts.any(|script| script != first))
}

/// Letters that stand for others: mathematical, fullwidth, circled ones.
fn is_styled(c: char) -> bool {
    matches!(u32::from(c), 0x1d400..=0x1d7ff | 0xff21..=0xff5a | 0x24b6..=0x24e9 | 0x1f130..=0x1f189)
}

/// Whether nobody sees `c`.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_of_a_word_reads_alike() {
        for disguised in [
            "password",
            "PASSWORD",
            "pass\u{ad}word",
            "p\u{200b}assword",
            "pass\u{2060}word",
            "pass\u{202e}word",
            "pass\u{fe0f}word",
            "pass\u{e0041}word",
            "p\u{308}assword",
            "раѕѕwоrd",
            "ｐａｓｓｗｏｒｄ",
            "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝",
            "ⓟⓐⓢⓢⓦⓞⓡⓓ",
            "ρassword",
            "pässwörd",
            "ᴘᴀꜱꜱᴡᴏʀᴅ",
        ] {
            assert_eq!(readings(disguised)[0], "password", "{disguised:?}");
            if !["password", "PASSWORD", "pässwörd", "p\u{308}assword", "ᴘᴀꜱꜱᴡᴏʀᴅ"].contains(&disguised)
            {
                assert!(deceptive(disguised).is_some(), "{disguised:?}");
            }
        }
        // Latin letters in a Cyrillic word.
        assert_eq!(readings("Bаш пapoль")[1], "ваш пароль");
    }

    #[test]
    fn honest_texts_deceive_nobody() {
        for honest in [
            "Пожалуйста, перезагрузите компьютер и SQL-сервер.",
            "Παρακαλώ επανεκκινήστε τον υπολογιστή.",
            "Grüße aus Łódź, Ødegård – “so” it’s 5 µs…",
            "Outlookを再起動してください。",
            "Lütfen bilgisayarı yeniden başlatın.",
        ] {
            assert_eq!(deceptive(honest), None, "{honest}");
        }
        assert_eq!(plain("Straße Łódź Ødegård é"), "strasse lodz odegard e");
    }

    #[test]
    fn letters_are_alike_however_they_are_written() {
        assert_eq!(folded("Hárbour\u{ad}GATE Straße Łódź"), "harbourgate strasse lodz");
        assert_eq!(folded("Наrbоrgаte"), "harborgate");
        assert_eq!(folded("Contraseña’s Ⅷ"), "contrasena's viii");
    }
}
