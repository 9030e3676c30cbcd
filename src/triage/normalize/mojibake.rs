//! UTF-8 that somebody read as Windows-1252 or Latin-1, put right: `donâ€™t` to `don’t`, `Ã©` to `é`.
//!
//! Must never touch text that is right as it stands: `NÃO` and `AÇÃO` are Portuguese, not damage. Hence a
//! sequence is repaired only if its bytes are valid UTF-8 for a character that such damage plausibly hides.

use std::sync::LazyLock;

use encoding_rs::WINDOWS_1252;

use super::text::{Editor, Text};

/// The characters of bytes 0x80 to 0x9F in Windows-1252, as the web reads it.
static HIGH: LazyLock<[char; 32]> = LazyLock::new(|| {
    let bytes: Vec<u8> = (0x80..=0x9f).collect();
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
    let mut high = ['\0'; 32];
    text.chars().zip(&mut high).for_each(|(c, slot)| *slot = c);
    high
});

/// A double fault needs two rounds; each round at least halves what it touches.
const MAX_ROUNDS: usize = 4;

/// Repairs the text, or gives `None` where nothing is to be done.
pub(super) fn repair(text: &Text) -> Option<Text> {
    let mut repaired = None;
    for _ in 0..MAX_ROUNDS {
        let Some(next) = round(repaired.as_ref().unwrap_or(text)) else { break };
        repaired = Some(next);
    }
    repaired
}

fn round(text: &Text) -> Option<Text> {
    let whole = text.as_str();
    if whole.is_ascii() {
        return None;
    }
    let mut editor = Editor::new(text);
    let (mut kept, mut at, mut before) = (0, 0, None);
    let mut repaired_to = usize::MAX;
    while let Some(c) = whole[at..].chars().next() {
        let found = sequence(&whole[at..]).filter(|found| {
            let after = whole[at + found.length..].chars().next();
            let in_run = at == repaired_to || sequence(&whole[at + found.length..]).is_some();
            plausible(found, c, before, after, in_run)
        });
        let Some(found) = found else {
            before = Some(c);
            at += c.len_utf8();
            continue;
        };
        editor.keep(kept..at);
        kept = at + found.length;
        editor.put(at..kept, found.hidden.encode_utf8(&mut [0; 4]));
        (at, before, repaired_to) = (kept, None, kept);
    }
    if kept == 0 {
        return None;
    }
    editor.keep(kept..whole.len());
    Some(editor.finish())
}

/// Characters that are the bytes of one UTF-8 character.
struct Sequence {
    /// The character those bytes are.
    hidden: char,
    /// Length of the damaged text, in bytes as it stands.
    length: usize,
    /// Whether everything after the first character may as well be punctuation after a word.
    punctuation: bool,
}

fn sequence(text: &str) -> Option<Sequence> {
    let mut chars = text.chars();
    let lead = byte(chars.next()?)?;
    let size = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut bytes = [lead, 0, 0, 0];
    let mut punctuation = true;
    for slot in &mut bytes[1..size] {
        let c = chars.next()?;
        *slot = byte(c).filter(|b| (0x80..=0xbf).contains(b))?;
        punctuation &= "\u{a0}»«’‘”“„‚…–—›‹°ªº".contains(c);
    }
    let hidden = std::str::from_utf8(&bytes[..size]).ok()?.chars().next()?;
    Some(Sequence { hidden, length: text.len() - chars.as_str().len(), punctuation })
}

/// The byte that `c` was read from, if one of the upper half.
fn byte(c: char) -> Option<u8> {
    match c {
        '\u{80}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        '\u{152}'..='\u{2122}' => HIGH.iter().position(|&h| h == c).and_then(|i| u8::try_from(i + 0x80).ok()),
        _ => None,
    }
}

fn plausible(found: &Sequence, lead: char, before: Option<char>, after: Option<char>, in_run: bool) -> bool {
    let hidden_fits = match found.hidden {
        // C1 controls come out of a second round, never out of a first.
        '\u{80}'..='\u{9f}' => in_run,
        '\u{a0}'..='\u{17f}' | 'Ș'..='ț' => true,
        '\u{2010}'..='\u{2044}' | '\u{20a0}'..='\u{20bf}' | '\u{2100}'..='\u{22ff}' => true,
        '\u{2000}'..='\u{200f}' | '\u{2500}'..='\u{27bf}' | '\u{feff}' | '\u{fffd}' => true,
        '\u{fe0f}' | '\u{1f000}'..='\u{1faff}' => true,
        // Other scripts come as words: one sequence alone is chance.
        _ => in_run,
    };
    // `“AMANHÔ` ends in a letter and a quotation mark; only a letter after it, or a lead of the wrong case
    // (`déjÃ `), tells damage from Portuguese.
    let same_case = before.is_some_and(|b| b.is_alphabetic() && b.is_uppercase() == lead.is_uppercase());
    let ends_word = !after.is_some_and(char::is_alphabetic);
    hidden_fits && !(found.punctuation && same_case && ends_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(text: &str) -> String {
        let text = Text::new(text);
        repair(&text).unwrap_or(text).as_str().to_owned()
    }

    /// Reads the UTF-8 bytes of `text` as Windows-1252.
    fn damaged(text: &str) -> String {
        WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn damage_is_undone() {
        for text in [
            "I don’t know – “really” it’s 5 € or £4…",
            "Müller kann sich nicht anmelden, größer als 20 °C",
            "Le problème est déjà signalé à l’équipe où ça",
            "Não consigo abrir a aplicação",
            "Proszę o pomoc, łączność się zrywa",
            "Не работает принтер",
            "プリンターが動かない",
            "crash 🔥 again",
            "CAFÉ CÔTE ÉCOLE",
        ] {
            assert_eq!(repaired(&damaged(text)), text);
            assert_eq!(repaired(&damaged(&damaged(text))), text, "twice");
        }
        // Latin-1 leaves control characters where Windows-1252 has signs.
        assert_eq!(repaired("don\u{e2}\u{80}\u{99}t"), "don’t");
    }

    #[test]
    fn right_text_is_left_alone() {
        for text in [
            "NÃO FUNCIONA A IMPRESSÃO, AÇÃO JÁ!",
            "“AMANHÔ e «IRMû, MANHÃ…",
            "CAFÉ\u{a0}» et ÉTÉ\u{a0}: voilà",
            "È possibile? È\u{a0}urgente",
            "Ärger mit Öl, Übung, ß",
            "GERÄT “PÅ” “TÄÄLLÔ",
            "naïve façade Ångström 5\u{a0}°C ±2 ½",
            "Ñandú ¿qué? ¡Âncora!",
            "Привет, 日本語, ไทย, עברית",
        ] {
            assert_eq!(repaired(text), text);
        }
    }

    #[test]
    fn the_map_covers_the_damage() {
        let text = repair(&Text::new("a Ã© b")).unwrap();
        assert_eq!(text.segments()[1].source, 2..6);
    }
}
