//! UTF-8 that somebody read in another code page, put right: `donâ€™t` to `don’t`, `Ã©` and `├⌐` to `é`.
//!
//! Must never touch text that is right as it stands: `NÃO` and `AÇÃO` are Portuguese, not damage. Hence a
//! sequence is repaired only if its bytes are valid UTF-8 for a character that such damage plausibly hides.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::Range;

use super::codepages::{CODEPAGES, Codepage, Name};
use super::lines::fold;
use super::text::{Editor, Text};
use super::words::WORDS;

/// A double fault needs two rounds; each round at least halves what it touches.
const MAX_ROUNDS: usize = 4;
/// Letters beyond ASCII that are words in some language.
const ONE_LETTER_WORDS: &str = "éèêàáâóòôíìúöåÉÈÊÀÁÂÓÒÔÍÌÚÖÅ";
/// Bytes of a line in which words are looked for that talk of damage.
const TALK: usize = 400;
/// Of the letters beyond ASCII, the share that must be damage before Cyrillic is read as Cyrillic misread, in tenths.
const CYRILLIC_DAMAGE: usize = 6;
/// Letters of a damaged word, at least; damaged characters of a text that is damaged throughout, at least; and of these, how many
/// there are to one letter that is sound.
const WORD: usize = 2;
const LEAST_DAMAGE: usize = 3;
const SOUND_LETTERS: usize = 10;
/// What a character whose last byte was lost starts with.
const LOST: [char; 2] = ['â', 'Ã'];

/// Repairs the text, or gives `None` where nothing is to be done.
pub(super) fn repair(text: &Text) -> Option<Text> {
    if text.as_str().is_ascii() {
        return None;
    }
    let alone = is_one_word(text.as_str());
    let mut repaired = None;
    let mut letters = letters_beyond_ascii(text.as_str());
    for page in CODEPAGES.iter() {
        for _ in 0..MAX_ROUNDS {
            if !has_lead(&letters, page) {
                break;
            }
            let Some(next) = round(repaired.as_ref().unwrap_or(text), page, alone) else { break };
            letters = letters_beyond_ascii(next.as_str());
            repaired = Some(next);
        }
    }
    if !letters.iter().any(|letter| LOST.contains(letter)) {
        return repaired;
    }
    let lost = lost_bytes(repaired.as_ref().unwrap_or(text), repaired.is_some(), alone);
    lost.or(repaired)
}

/// The characters beyond ASCII that stand in `whole`, each once.
fn letters_beyond_ascii(whole: &str) -> Vec<char> {
    let mut letters: Vec<char> = whole.chars().filter(|c| !c.is_ascii()).collect();
    letters.sort_unstable();
    letters.dedup();
    letters
}

/// The lines that are about damage. `alone`: one word of the text was damaged, and no more.
fn lines_about_damage(whole: &str, alone: bool) -> Vec<Range<usize>> {
    let mut end = 0;
    let lines = whole.split_inclusive('\n').map(|line| {
        end += line.len();
        (line, end - line.len()..end)
    });
    let about = |line: &str| is_about_damage(line) || (alone && quotes_damage(line));
    lines.filter(|(line, _)| !line.is_ascii() && about(line)).map(|(_, range)| range).collect()
}

/// Whether a word holds damaged letters, or currency signs.
fn damaged(word: &str) -> Option<Sequence> {
    let page = CODEPAGES.iter().find(|page| page.name == Name::Western)?;
    let starts = word.char_indices().filter(|(_, c)| !c.is_ascii());
    let mut found = starts.filter_map(|(at, _)| sequence(&word[at..], page));
    found.find(|found| is_letter(found.hidden))
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || ('\u{20a0}'..='\u{20bf}').contains(&c)
}

/// Whether one word of the text is damaged in whatever code page, and no more.
fn is_one_word(whole: &str) -> bool {
    let has_sequence = |word: &str| {
        let mut starts = word.char_indices().filter(|(_, c)| !c.is_ascii()).map(|(at, _)| &word[at..]);
        starts.any(|rest| CODEPAGES.iter().any(|page| sequence(rest, page).is_some()))
    };
    let suffers = |word: &&str| {
        !word.is_ascii()
            && (word.contains(['Ã', 'Γ', '├', '\u{fffd}']) || word.contains("â€") || has_sequence(word))
    };
    whole.split_whitespace().filter(suffers).take(2).count() == 1
}

/// Whether a line shows a damaged word among sound ones: it has sound letters beyond ASCII, talks of such damage, or shows a letter
/// that is no word by itself.
fn quotes_damage(line: &str) -> bool {
    let Some((word, found)) = line
        .split_whitespace()
        .filter(|word| !word.is_ascii())
        .find_map(|word| damaged(word).map(|found| (word, found)))
    else {
        return false;
    };
    let sound = |other: &str| other.contains(|c: char| !c.is_ascii() && c.is_alphabetic());
    let alone = word.len() == found.length && !ONE_LETTER_WORDS.contains(found.hidden);
    alone
        || line.split_whitespace().any(|other| other != word && sound(other))
        || WORDS.misread_words.within(&fold(&line[..line.floor_char_boundary(TALK)]))
}

fn holds(lines: &[Range<usize>], at: usize) -> bool {
    lines.get(lines.partition_point(|line| line.end <= at)).is_some_and(|line| line.start <= at)
}

/// Whether a line also holds a letter that its damage hides: `Ã¼ instead of ü`. Signs of a typographer's stand beside damaged ones
/// by themselves.
fn is_about_damage(whole: &str) -> bool {
    let Some(page) = CODEPAGES.iter().find(|page| page.name == Name::Western) else { return false };
    let (mut hidden, mut right, mut at) = (HashSet::new(), HashSet::new(), 0);
    while let Some(ascii) = beyond_ascii(&whole[at..]) {
        at += ascii;
        let Some(c) = whole[at..].chars().next() else { break };
        match sequence(&whole[at..], page) {
            Some(found) => {
                hidden.insert(found.hidden);
                at += found.length;
            }
            None => {
                right.insert(c);
                at += c.len_utf8();
            }
        }
    }
    let tells = |c: &char| c.is_alphabetic() || ('\u{20a0}'..='\u{20bf}').contains(c) || "£¥§°".contains(*c);
    hidden.iter().filter(|c| tells(c)).any(|c| right.contains(c))
}

fn round(text: &Text, page: &Codepage, alone: bool) -> Option<Text> {
    let whole = text.as_str();
    if page.name == Name::Cyrillic && !is_mostly_damage(whole, page) {
        return None;
    }
    let mut editor = Editor::new(text);
    let (mut kept, mut at, mut before) = (0, 0, None);
    let mut repaired_to = usize::MAX;
    let vietnamese = LazyCell::new(|| whole.contains(is_vietnamese));
    let about = LazyCell::new(|| lines_about_damage(whole, alone));
    let throughout = LazyCell::new(|| is_damaged_throughout(whole, page));
    while let Some(ascii) = beyond_ascii(&whole[at..]) {
        before = whole[at..at + ascii].chars().next_back().or(before);
        at += ascii;
        let Some(c) = whole[at..].chars().next() else { break };
        let found = sequence(&whole[at..], page).filter(|_| !holds(&about, at)).filter(|found| {
            let after = whole[at + found.length..].chars().next();
            let in_run = at == repaired_to || sequence(&whole[at + found.length..], page).is_some();
            let around = Around { lead: c, before, after, in_run, vietnamese: *vietnamese };
            plausible(page.name, found, &around) || (is_word_or_quote(found, &around) && *throughout)
        });
        let Some(found) = found else {
            before = Some(c);
            at += c.len_utf8();
            continue;
        };
        editor.keep(kept..at);
        kept = at + found.length;
        editor.put(at..kept, found.hidden.encode_utf8(&mut [0; 4]));
        (at, before, repaired_to) = (kept, Some(found.hidden).filter(|_| page.name != Name::Western), kept);
    }
    if kept == 0 {
        return None;
    }
    editor.keep(kept..whole.len());
    Some(editor.finish())
}

/// Whether one of the letters is one that a sequence may start with.
fn has_lead(letters: &[char], page: &Codepage) -> bool {
    letters.iter().any(|&c| page.byte(c).is_some_and(|byte| (0xc2..=0xf4).contains(&byte)))
}

/// Where the first character beyond ASCII is. Nothing else starts a sequence.
fn beyond_ascii(text: &str) -> Option<usize> {
    text.bytes().position(|byte| !byte.is_ascii())
}

/// Whether most letters beyond ASCII are damage. Some pairs of Cyrillic letters are valid UTF-8 by chance.
fn is_mostly_damage(whole: &str, page: &Codepage) -> bool {
    let (mut damaged, mut letters, mut at) = (0, 0, 0);
    while let Some(ascii) = beyond_ascii(&whole[at..]) {
        at += ascii;
        let Some(c) = whole[at..].chars().next() else { break };
        let found = sequence(&whole[at..], page);
        damaged += usize::from(found.is_some());
        letters += usize::from(found.is_some() || c.is_alphabetic());
        at += found.map_or(c.len_utf8(), |found| found.length);
    }
    damaged * 10 >= letters * CYRILLIC_DAMAGE
}

/// Whether hardly a letter beyond ASCII is sound, and words of another script stand there as damage. One letter is a word then too.
fn is_damaged_throughout(whole: &str, page: &Codepage) -> bool {
    let (mut damaged, mut sound, mut run, mut words, mut at) = (0, 0, 0, 0, 0);
    while let Some(ascii) = beyond_ascii(&whole[at..]) {
        run = if ascii > 0 { 0 } else { run };
        at += ascii;
        let Some(c) = whole[at..].chars().next() else { break };
        let found = sequence(&whole[at..], page);
        damaged += usize::from(found.is_some());
        sound += usize::from(found.is_none() && c.is_alphabetic());
        run = if found.as_ref().is_some_and(|found| is_foreign(found.hidden)) { run + 1 } else { 0 };
        words += usize::from(run == WORD);
        at += found.map_or(c.len_utf8(), |found| found.length);
    }
    words > 0 && damaged >= LEAST_DAMAGE && sound * SOUND_LETTERS <= damaged
}

/// Whether a sequence may be a word of one letter, or a sign beside a word, of a script of its own.
fn is_word_or_quote(found: &Sequence, around: &Around) -> bool {
    let parted = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let word = is_foreign(found.hidden) && parted(around.before) && parted(around.after);
    word || matches!(found.hidden, '«' | '»' | '\u{a0}')
}

/// Whether a letter is of a script beyond Latin's.
fn is_foreign(c: char) -> bool {
    c.is_alphabetic() && ('\u{370}'..'\u{1e00}').contains(&c)
}

/// Characters whose last byte was lost on the way: what is left of `”` is `â€`, and of `à`, before a blank, `Ã`.
fn lost_bytes(text: &Text, damaged: bool, alone: bool) -> Option<Text> {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    let mut kept = 0;
    let mut put = |range: std::ops::Range<usize>, new: &str| {
        editor.keep(kept..range.start);
        editor.put(range.clone(), new);
        kept = range.end;
    };
    let about = lines_about_damage(whole, alone);
    for (at, lead) in whole.match_indices(LOST).filter(|&(at, _)| !holds(&about, at)) {
        let rest = &whole[at + lead.len()..];
        match lead {
            "â" if rest.starts_with('€') => {
                let end = at + lead.len() + '€'.len_utf8();
                let lost = if whole[end..].starts_with('\u{fffd}') { '\u{fffd}'.len_utf8() } else { 0 };
                put(at..end + lost, "”");
            }
            "Ã" if rest.starts_with('\u{fffd}') => {
                put(at..at + lead.len() + '\u{fffd}'.len_utf8(), "\u{fffd}");
            }
            "Ã" if damaged && rest.starts_with(' ') && whole[..at].ends_with(' ') => {
                put(at..at + lead.len(), "à");
            }
            _ => {}
        }
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

impl Sequence {
    /// Whether it is of three bytes or four.
    fn is_long(&self) -> bool {
        self.hidden.len_utf8() > 2
    }
}

/// What stands around a sequence.
#[derive(Clone, Copy)]
struct Around {
    lead: char,
    before: Option<char>,
    after: Option<char>,
    /// Whether another sequence touches it.
    in_run: bool,
    /// Whether the text holds letters that Vietnamese alone has.
    vietnamese: bool,
}

fn sequence(text: &str, page: &Codepage) -> Option<Sequence> {
    let mut chars = text.chars();
    let lead = page.byte(chars.next().filter(|c| !c.is_ascii())?)?;
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
        *slot = page.byte(c).filter(|b| (0x80..=0xbf).contains(b))?;
        punctuation &= "\u{a0}»«’‘”“„‚…–—›‹°ªº".contains(c);
    }
    let hidden = std::str::from_utf8(&bytes[..size]).ok()?.chars().next()?;
    Some(Sequence { hidden, length: text.len() - chars.as_str().len(), punctuation })
}

fn is_vietnamese(c: char) -> bool {
    matches!(c, '\u{1ea0}'..='\u{1ef9}')
}

fn plausible(page: Name, found: &Sequence, around: &Around) -> bool {
    let &Around { lead, before, after, in_run, vietnamese } = around;
    // Its letters are three bytes, two of which may be quotation marks.
    if vietnamese && page == Name::Western && is_vietnamese(found.hidden) {
        return true;
    }
    let hidden_fits = match found.hidden {
        // C1 controls come out of a second round, never out of a first.
        '\u{80}'..='\u{9f}' => in_run && page == Name::Western,
        '\u{a0}'..='\u{17f}' | 'Ș'..='ț' => true,
        '\u{2010}'..='\u{2044}' | '\u{20a0}'..='\u{20bf}' | '\u{2100}'..='\u{22ff}' => true,
        '\u{2000}'..='\u{200f}' | '\u{2500}'..='\u{27bf}' | '\u{feff}' | '\u{fffd}' => true,
        '\u{fe0f}' | '\u{1f000}'..='\u{1faff}' => true,
        // Other scripts come as words: one pair alone is chance. Three characters of which two are signs are none.
        _ => in_run || (page == Name::Western && found.is_long() && !found.punctuation),
    };
    // Beyond Windows-1252, a letter alone is damage only inside a word, and in a word of letters that belong together.
    let letter = found.hidden.is_alphabetic() && !in_run;
    let beside = |c: Option<char>| {
        c.is_some_and(|c| if page == Name::Cyrillic { c.is_ascii_alphabetic() } else { c.is_alphabetic() })
    };
    let inside = page == Name::Western || !letter || beside(before) || beside(after);
    let sign = page == Name::Cyrillic && u32::from(found.hidden) < 0xc0;
    // `“AMANHÔ` ends in a letter and a quotation mark; only a letter after it, or a lead of the wrong case
    // (`déjÃ `), tells damage from Portuguese.
    let same_case = before.is_some_and(|b| b.is_alphabetic() && b.is_uppercase() == lead.is_uppercase());
    let ends_word = !after.is_some_and(char::is_alphabetic);
    hidden_fits && inside && !sign && !(found.punctuation && same_case && ends_word)
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

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
            "Chào anh chị, máy đứng, hỗ trợ giờ nghỉ",
            "Bàn phím bị kẹt, không gõ được chữ ấ",
            "ქსელი → არ მუშაობს, ₾ 5",
            "ปริ้น ก เสีย, ฿ 5",
            "कमरा 7 क में",
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
            "«Ya está»—dijo—. «Aquí está»… «Là»–«voilà»",
            "naïve façade Ångström 5\u{a0}°C ±2 ½",
            "Ñandú ¿qué? ¡Âncora!",
            "Привет, 日本語, ไทย, עברית",
        ] {
            assert_eq!(repaired(text), text);
        }
    }

    #[test]
    fn damage_beside_the_letter_that_it_hides_is_what_a_text_is_about() {
        for text in [
            "Im Bericht steht Ã¤ statt ä",
            "The list shows â‚¬ for €",
            "On voit Ã© au lieu de é",
            "La etiqueta dice aÃ±o y no año",
        ] {
            assert_eq!(repaired(text), text);
        }
        assert_eq!(repaired("Ã¤lter\nals ä"), "älter\nals ä");
        assert_eq!(repaired("Ã¤lter als “neu”, donâ€™t"), "älter als “neu”, don’t");
    }

    #[test]
    fn the_map_covers_the_damage() {
        let text = repair(&Text::new("a Ã© b")).unwrap();
        assert_eq!(text.segments()[1].source, 2..6);
    }

    /// Reads the UTF-8 bytes of `text` in another code page.
    fn misread(text: &str, name: Name) -> String {
        let page = CODEPAGES.iter().find(|page| page.name == name).unwrap();
        let chars: Vec<char> = ('\0'..'\u{ffff}').collect();
        let read = |byte: u8| match byte {
            ..0x80 => char::from(byte),
            _ => *chars.iter().find(|&&c| page.byte(c) == Some(byte)).unwrap_or(&'\u{fffd}'),
        };
        text.bytes().map(read).collect()
    }

    #[test]
    fn other_code_pages_are_undone() {
        for (name, texts) in [
            (Name::Turkish, &["Yazıcı bağlanmıyor, şifre yanlış", "crash 🔥 again"][..]),
            (
                Name::Central,
                &["Drukarka nie działa, proszę o pomoc", "Tiskárna nefunguje, děkuji", "Größe prüfen"],
            ),
            (Name::Cyrillic, &["Принтер не печатает", "Не можу увійти"]),
            (Name::Dos437, &["Müller’s café – größer", "Não funciona"]),
            (Name::Dos850, &["Müller’s café – größer", "Où est l’écran ?"]),
            (Name::Mac, &["Müller’s café – größer", "señal “débil”"]),
        ] {
            for text in texts {
                let damaged = misread(text, name);
                assert!(!damaged.contains('\u{fffd}'), "{damaged}");
                assert_eq!(repaired(&damaged), *text, "{name:?}");
            }
        }
    }

    #[test]
    fn text_of_those_pages_that_is_right_is_left_alone() {
        for text in [
            "СВІТЛО, СІРІ ПРИНТЕРИ, РІК, надії та лінії Марії",
            "Сёмга, Рёв, Съёмка; № 5 «Работа»",
            "├── src\n│   ├── main.rs\n└── Cargo.toml",
            "√2 ≈ 1,41 und „Äpfel‘ – über",
            "FAŢĂ” şi ÎNTÂI, Ďábel, Łódź, Ötödik",
            "Ağ bağlantısı yok, İstanbul’da",
        ] {
            assert_eq!(repaired(text), text);
        }
    }

    #[test]
    fn words_of_one_letter_are_undone_where_a_text_is_damaged_throughout() {
        for text in [
            "Я не вижу принтер в зале, и сканер к тому же с ошибкой",
            "Ошибка в «Складе», о чём я писал. А. Пример",
            "У мене немає друку в залі і я чекаю",
            "Ο εκτυπωτής ή η οθόνη σβήνει",
        ] {
            assert_eq!(repaired(&misread(text, Name::Cyrillic)), text);
            assert_eq!(repaired(&misread(text, Name::Western)), text);
        }
        for text in ["СВІТЛО у РІК", "РІ и РЅ в отчёте вместо букв", "Р/с 40702, С/ф 12", "РІ"]
        {
            assert_eq!(repaired(text), text);
        }
    }

    #[test]
    fn a_lost_byte_does_not_hide_the_rest() {
        assert_eq!(repaired("the â€œscannerâ€\u{fffd} at the cafÃ©"), "the “scanner” at the café");
        assert_eq!(repaired("le problÃ¨me Ã  l'accueil"), "le problème à  l'accueil");
        assert_eq!(repaired("NÃO Ã toa, problème"), "NÃO Ã toa, problème");
    }
}
