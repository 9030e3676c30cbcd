//! Letters as they are compared, however they are written: without case, accents and look-alikes.
//!
//! Must never be used on a text that is shown.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters that no decomposition takes apart, and letters of other scripts that look like Latin ones.
const ALIKE: [(&str, &str); 8] = [
    ("ß", "ss"),
    ("æä", "a"),
    ("œøö", "o"),
    ("łⅼ", "l"),
    ("đðԁ", "d"),
    ("ıіΙι", "i"),
    ("\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}", ""),
    ("’‘`´", "'"),
];
/// Cyrillic and Greek letters, each in front of the Latin one that it looks like.
const SCRIPTS: &str = "аaвbеeкkмmнhоoрpсcтtуyхxѕsјjһhгrпnαaβbεeκkνvοoρpτtυuχxζzηn";

/// `text` in lower case, without accents, look-alikes as Latin letters.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        let plain = std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c));
        for c in plain.flat_map(char::to_lowercase) {
            match ALIKE.iter().find(|(from, _)| from.contains(c)) {
                Some((_, to)) => out.push_str(to),
                None => out.push(latin(c)),
            }
        }
    }
    out
}

fn latin(c: char) -> char {
    let mut scripts = SCRIPTS.chars();
    std::iter::from_fn(|| Some((scripts.next()?, scripts.next()?)))
        .find(|(from, _)| *from == c)
        .map_or(c, |(_, to)| to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_alike_however_they_are_written() {
        assert_eq!(folded("Hárbour\u{ad}GATE Straße Łódź"), "harbourgate strasse lodz");
        assert_eq!(folded("Наrbоrgаte"), "harborgate");
        assert_eq!(folded("Contraseña’s Ⅷ"), "contrasena's viii");
    }
}
