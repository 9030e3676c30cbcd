//! Characters: line ends, invisible characters, exotic spaces and Unicode NFC.
//!
//! Must never drop a character that a reader would see, save marks stacked beyond any language's need.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::text::{Change, Editor, Text};

/// Marks that one letter may carry. Real scripts need four or so; hostile text stacks thousands.
const MAX_MARKS: usize = 8;

/// CRLF and lone CR to LF, NUL dropped: what the HTML tokenizer would do, but with the map kept.
pub(super) fn line_ends(text: &Text) -> Option<Text> {
    if !text.as_str().contains('\r') && !text.as_str().contains('\0') {
        return None;
    }
    let mut rest = text.as_str().chars().skip(1).chain(['\0']);
    Some(text.map_chars(|c| {
        let next = rest.next();
        match c {
            '\r' if next == Some('\n') => Change::To(""),
            '\r' => Change::To("\n"),
            '\0' => Change::To(""),
            _ => Change::Keep,
        }
    }))
}

/// Invisible characters out, every kind of space to the plain one, marks bounded.
pub(super) fn visible(text: &Text) -> Option<Text> {
    if text.as_str().bytes().all(|b| is_plain(char::from(b))) {
        return None;
    }
    let (mut marks, mut before, mut end) = (0, '\0', 0);
    Some(text.map_chars(|c| {
        end += c.len_utf8();
        if is_plain(c) {
            (marks, before) = (0, c);
            return Change::Keep;
        }
        let next = || text.as_str()[end..].chars().next().unwrap_or_default();
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && is_joined(before) && is_joined(next());
        let change = if joins { Change::Keep } else { change(c) };
        before = c;
        if matches!(change, Change::Keep) {
            marks = if is_mark(c) { marks + 1 } else { 0 };
        }
        if marks > MAX_MARKS { Change::To("") } else { change }
    }))
}

/// What all texts are made of.
fn is_plain(c: char) -> bool {
    matches!(c, '\n' | ' '..='~')
}

/// Letters of scripts whose spelling has joiners: Persian `می‌شود` is not `میشود`.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6d5}' | '\u{750}'..='\u{77f}' | '\u{900}'..='\u{dff}')
}

fn change(c: char) -> Change {
    match c {
        '\t' => Change::To(" "),
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Change::To("\n"),
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Change::To(" ")
        }
        // The bullet that Word writes in its own symbol font.
        '\u{f0b7}' | '\u{f0a7}' => Change::To("-"),
        _ if is_invisible(c) => Change::To(""),
        _ => Change::Keep,
    }
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && canonical_combining_class(c) != 0
}

/// Unicode NFC, one cluster at a time so that the map stays fine. A cluster starts at a character that can
/// never join the one before, hence the pieces' NFC is the whole's.
pub(super) fn nfc(text: &Text) -> Option<Text> {
    let whole = text.as_str();
    if whole.is_ascii() || is_nfc_quick(whole.chars()) == IsNormalized::Yes {
        return None;
    }
    let mut editor = Editor::new(text);
    let mut start = 0;
    for (at, c) in whole.char_indices() {
        if at > start && starts_cluster(c) {
            cluster(&mut editor, whole, start, at);
            start = at;
        }
    }
    cluster(&mut editor, whole, start, whole.len());
    Some(editor.finish())
}

fn starts_cluster(c: char) -> bool {
    c.is_ascii() || (!is_mark(c) && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes)
}

fn cluster(editor: &mut Editor<'_>, whole: &str, start: usize, end: usize) {
    let old = &whole[start..end];
    if old.len() == 1 || is_nfc_quick(old.chars()) == IsNormalized::Yes {
        return editor.keep(start..end);
    }
    let mut marks = 0;
    let new: String = old
        .nfc()
        .filter(|&c| {
            marks = if is_mark(c) { marks + 1 } else { 0 };
            marks <= MAX_MARKS
        })
        .collect();
    if new == old { editor.keep(start..end) } else { editor.put(start..end, &new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pass: impl Fn(&Text) -> Option<Text>, text: &str) -> String {
        let text = Text::new(text);
        pass(&text).unwrap_or(text).as_str().to_owned()
    }

    #[test]
    fn every_line_end_is_a_newline() {
        assert_eq!(run(line_ends, "a\r\nb\rc\n\r\nd\0e\r"), "a\nb\nc\n\nde\n");
    }

    #[test]
    fn invisible_characters_go_and_spaces_become_plain() {
        assert_eq!(run(visible, "a\u{200b}b\u{a0}c\t\u{202e}d\u{7}\u{feff}e\u{2028}f"), "ab c de\nf");
        assert_eq!(run(visible, "日本語 👍 é ½"), "日本語 👍 é ½");
        assert_eq!(
            run(visible, "نمی\u{200c}شود a\u{200c}b \u{200c}ن\u{200c}\u{200c}ن"),
            "نمی\u{200c}شود ab نن"
        );
        assert_eq!(run(visible, &format!("e{}", "\u{301}".repeat(50))), format!("e{}", "\u{301}".repeat(8)));
    }

    #[test]
    fn nfc_equals_the_library_on_the_whole() {
        for text in
            ["cafe\u{301} ok", "\u{1112}\u{1161}\u{11ab}", "q\u{307}\u{323}x", "\u{212b}\u{2126}", "plain"]
        {
            assert_eq!(run(nfc, text), text.nfc().collect::<String>());
        }
        let text = nfc(&Text::new("cafe\u{301}!")).unwrap();
        assert_eq!(text.segments()[1].source, 3..6);
    }
}
