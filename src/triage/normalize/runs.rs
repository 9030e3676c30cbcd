//! Runs: spaces, blank lines, repeated signs, endless tokens.
//!
//! Must never touch a run of letters or digits short of a blob: `0x80000000` is what the ticket is about.

use std::ops::Range;

use super::text::{Editor, Text};

/// Longest run of one sign that stays, as in `!!!`.
const MAX_REPEAT: usize = 3;
/// A token longer than this says nothing to a reader: base64, a tracking link.
const MAX_TOKEN: usize = 200;
/// What stays of such a token.
const STUB: usize = 48;

/// Runs of one sign to three, as `=====` to `===`; `None` where there is none longer. Lines below the fold of a mail are made of them.
pub(super) fn repeats(text: &Text) -> Option<Text> {
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
    if kept == 0 {
        return None;
    }
    editor.keep(kept..text.as_str().len());
    Some(editor.finish())
}

/// Cuts tokens beyond 200 bytes to a stub. Only the signs of links and encodings count as a token, so that
/// neither a language without spaces nor a comma-separated list is taken for one. `None` where there is none.
pub(super) fn tokens(text: &Text) -> Option<Text> {
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
    if kept == 0 {
        return None;
    }
    editor.keep(kept..bytes.len());
    Some(editor.finish())
}

fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'&' | b'*' | b'+' | b'-'..=b':' | b'=' | b'?'..=b'Z' | b'\\' | b'_' | b'a'..=b'z' | b'~')
}

/// One space between words, none at the ends of a line, one blank line between paragraphs, none at the ends
/// of the text.
pub(super) fn space(text: &Text) -> Text {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    // Words that stay with what stands between them.
    let mut kept: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(gap) = whole[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + gap;
        let end = whole[start..].find(char::is_whitespace).map_or(whole.len(), |length| start + length);
        kept = Some(match kept {
            None => start..end,
            Some(before) => {
                let gap = &whole[before.end..start];
                let means = least(gap);
                if gap == means {
                    before.start..end
                } else {
                    editor.keep(before.clone());
                    editor.put(before.end..start, means);
                    start..end
                }
            }
        });
        at = end;
    }
    if let Some(kept) = kept {
        editor.keep(kept);
    }
    editor.finish()
}

/// The least white space that means the same as what stands between two words.
fn least(gap: &str) -> &'static str {
    match gap.bytes().filter(|&b| b == b'\n').take(2).count() {
        0 => " ",
        1 => "\n",
        _ => "\n\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pass: impl Fn(&Text) -> Option<Text>, text: &str) -> String {
        let text = Text::new(text);
        pass(&text).unwrap_or(text).as_str().to_owned()
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
        let out = run(|text| Some(space(text)), "\n\n  Hi   there \n  \n\n\n you  \n and me \n");
        assert_eq!(out, "Hi there\n\nyou\nand me");
        assert_eq!(run(|text| Some(space(text)), &out), out);
        assert_eq!(run(|text| Some(space(text)), " \n "), "");
    }
}
