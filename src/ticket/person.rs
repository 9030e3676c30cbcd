//! Names of people: which of them a reader takes for the same.
//!
//! A person signs once, however their name is capitalised, spaced or spelled with letters of another script that look the same. Must
//! never be used to write a name: what people are called stays as they write it.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// Whether a reader can't tell two names apart: they differ by capitals, spaces around or between words, characters that nobody sees,
/// or letters that look alike (Unicode TR 39). Accents tell names apart.
pub fn is_same_person(a: &str, b: &str) -> bool {
    a == b || !looks(a).is_disjoint(&looks(b))
}

/// Whether a name has characters that nobody sees: controls, marks of direction, joiners, spaces of other kinds than the usual one.
pub fn has_unseen(name: &str) -> bool {
    let unseen = |c: char| {
        c.is_control()
            || (c.is_whitespace() && c != ' ')
            || skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
    };
    name.chars().any(unseen)
}

/// How a name looks. Capitals and small letters have look-alikes of their own, so both orders of folding count.
fn looks(name: &str) -> BTreeSet<String> {
    let name: String = name.nfkc().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    let name = name.replace(['ß', 'ẞ'], "ss");
    let small: String = skeleton(&name.to_lowercase()).collect();
    let large: String = skeleton(&name).collect();
    [small, large].iter().map(|look| folded(look)).collect()
}

/// Without capitals, and with one space between words. A capital I looks like a small l, and a small i is the same letter.
fn folded(look: &str) -> String {
    let words: Vec<&str> = look.split_whitespace().collect();
    words.join(" ").to_lowercase().replace('i', "l")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one_persons() {
        for (a, b) in [
            ("ada", "Ada"),
            ("ada", "ADA"),
            ("ada", " ada "),
            ("ada", "ada\n"),
            ("ada", "\u{430}da"),
            ("Ada", "\u{410}da"),
            ("ada", "a\u{200b}da"),
            ("ada", "\u{202e}ada\u{202c}"),
            ("ada", "ad\u{ad}a"),
            ("ada", "ａｄａ"),
            ("Ben", "\u{412}en"),
            ("BEN", "\u{412}EN"),
            ("olga", "Οlga"),
            ("alice", "aIice"),
            ("irene", "IRENE"),
            ("bob", "b0b"),
            ("Ada Byron", "ada  byron"),
            ("Ada Byron", "ada\u{a0}byron"),
            ("Нина", "НИНА"),
            ("Weiß", "WEISS"),
            ("José", "Jose\u{301}"),
            ("Ελένη", "ελένη"),
            ("Σάκης", "ΣΆΚΗΣ"),
        ] {
            assert!(is_same_person(a, b) && is_same_person(b, a), "{a:?} {b:?}");
        }
    }

    #[test]
    fn names_that_readers_tell_apart_are_two_persons() {
        for (a, b) in [
            ("ada", "ida"),
            ("ada", "adam"),
            ("ada", "ada b"),
            ("adab", "ada b"),
            ("ada", "ada2"),
            ("Zoë", "Zoe"),
            ("José", "Jose"),
            ("Нина", "Инна"),
            ("Иван", "Ivan"),
            ("李雷", "李蕾"),
            ("山田", "山口"),
            ("محمد", "محمود"),
            ("Müller", "Muller"),
            ("a.byron", "a-byron"),
        ] {
            assert!(!is_same_person(a, b) && !is_same_person(b, a), "{a:?} {b:?}");
        }
    }

    #[test]
    fn characters_that_nobody_sees_are_found_in_names_of_any_script() {
        for name in
            ["a\u{200b}da", "ada\u{202e}", "a\tda", "ada\u{a0}b", "\u{feff}ada", "ad\u{ad}a", "Не\u{200d}т"]
        {
            assert!(has_unseen(name), "{name:?}");
        }
        for name in [
            "ada",
            "Ada Byron",
            "O'Brien-Smith, J. (2nd)",
            "Нина",
            "李雷",
            "José",
            "Jose\u{301}",
            "محمد",
            "ada@desk_1",
        ] {
            assert!(!has_unseen(name), "{name:?}");
        }
    }

    #[test]
    fn the_longest_name_is_compared_at_once() {
        let long = "\u{fdfa}".repeat(85);
        assert!(is_same_person(&long, &long.clone()) && !is_same_person(&long, "ada"));
    }
}
