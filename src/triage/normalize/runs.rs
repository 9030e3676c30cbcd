//! Runs: spaces, blank lines, repeated signs, endless tokens.
//!
//! Must never touch a run of letters or digits short of a blob: `0x80000000` is what the ticket is about.

use super::text::{Editor, Text};

/// Longest run of one sign that stays, as in `!!!`.
const MAX_REPEAT: usize = 3;
/// A token longer than this says nothing to a reader: base64, a tracking link.
const MAX_TOKEN: usize = 200;
/// What stays of such a token.
const STUB: usize = 48;

/// Runs of one sign to three, as `=====` to `===`. Lines below the fold of a mail are made of them.
pub(super) fn repeats(text: &Text) -> Text {
    let mut editor = Editor::new(text);
    let (mut kept, mut count, mut last) = (0, 0, '\0');
    for (at, c) in text.as_str().char_indices() {
        count = if c == last { count + 1 } else { 1 };
        last = c;
        if count > MAX_REPEAT && !c.is_alphanumeric() && !c.is_whitespace() {
            editor.keep(kept..at);
            kept = at + c.len_utf8();
        }
    }
    editor.keep(kept..text.as_str().len());
    editor.finish()
}

/// Cuts tokens beyond 200 bytes to a stub. Only the signs of links and encodings count as a token, so that
/// neither a language without spaces nor a comma-separated list is taken for one.
pub(super) fn tokens(text: &Text) -> Text {
    let bytes = text.as_str().as_bytes();
    let mut editor = Editor::new(text);
    let (mut kept, mut start) = (0, 0);
    while start < bytes.len() {
        let length = bytes[start..].iter().take_while(|&&b| is_token(b)).count();
        let end = start + length;
        if length > MAX_TOKEN {
            editor.keep(kept..start + STUB);
            editor.put(start + STUB..end, "…");
            kept = end;
        }
        start = end + 1;
    }
    editor.keep(kept..bytes.len());
    editor.finish()
}

fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'&' | b'*' | b'+' | b'-'..=b':' | b'=' | b'?'..=b'Z' | b'\\' | b'_' | b'a'..=b'z' | b'~')
}

/// One space between words, none at the ends of a line, one blank line between paragraphs, none at the ends
/// of the text.
pub(super) fn space(text: &Text) -> Text {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    let (mut word, mut gap) = (None, None);
    for (at, c) in whole.char_indices().chain([(whole.len(), ' ')]) {
        if !c.is_whitespace() {
            if word.is_none() {
                word = Some(at);
                if let Some(from) = gap.take().filter(|_| !editor.written().is_empty()) {
                    bridge(&mut editor, whole, from, at);
                }
            }
        } else if let Some(from) = word.take() {
            editor.keep(from..at);
            gap = Some(at);
        }
    }
    editor.finish()
}

/// Writes the least white space that means the same as what stands between two words.
fn bridge(editor: &mut Editor<'_>, whole: &str, from: usize, to: usize) {
    let gap = &whole[from..to];
    let means = match gap.bytes().filter(|&b| b == b'\n').take(2).count() {
        0 => " ",
        1 => "\n",
        _ => "\n\n",
    };
    if gap == means { editor.keep(from..to) } else { editor.put(from..to, means) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pass: impl Fn(&Text) -> Text, text: &str) -> String {
        pass(&Text::new(text)).as_str().to_owned()
    }

    #[test]
    fn signs_collapse_letters_and_digits_stay() {
        assert_eq!(
            run(repeats, "=====\nHelp!!!!!! .... 0x80000000 nooooo"),
            "===\nHelp!!! ... 0x80000000 nooooo"
        );
        assert_eq!(run(repeats, "🔥🔥🔥🔥🔥"), "🔥🔥🔥");
    }

    #[test]
    fn blobs_become_stubs() {
        let out = run(tokens, &format!("see {} end", "QUJD".repeat(100)));
        assert_eq!(out, format!("see {}… end", "QUJD".repeat(12)));
        for fine in ["a".repeat(200), "a,b ".repeat(300), "漢字".repeat(300)] {
            assert_eq!(run(tokens, &fine), fine);
        }
    }

    #[test]
    fn space_is_least_and_idempotent() {
        let out = run(space, "\n\n  Hi   there \n  \n\n\n you  \n and me \n");
        assert_eq!(out, "Hi there\n\nyou\nand me");
        assert_eq!(run(space, &out), out);
        assert_eq!(run(space, " \n "), "");
    }
}
