//! Leftovers of how mail travels: quoted-printable, base64, encoded words of subjects, and percent signs for letters.
//!
//! Must never decode what people write: `a=20`, a key, a web address. Each decoding asks for evidence that no text has by chance.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::lines::fold;
use super::text::{Editor, Text};
use super::words::WORDS;

/// Least length of a text in base64, in characters, and the width of its lines.
const MIN_BASE64: usize = 24;
const BASE64_WIDTHS: [usize; 4] = [60, 64, 72, 76];
/// Least number of letters written with percent signs.
const MIN_PERCENT: usize = 3;
/// Longest encoded word.
const MAX_WORD: usize = 400;
/// Bytes at a text's start among which words are looked for that talk of escapes.
const TALK: usize = 2000;

/// The text as it was before it travelled, or `None` where it did not suffer.
pub(super) fn decode(text: &Text) -> Option<Text> {
    if let Some(whole) = percent(text.as_str()).or_else(|| base64_text(text.as_str())) {
        let mut editor = Editor::new(text);
        editor.put(0..text.as_str().len(), &whole);
        return Some(editor.finish());
    }
    let words = encoded_words(text);
    let printable = quoted_printable(words.as_ref().unwrap_or(text));
    printable.or(words)
}

/// `%3Cp%3EBonjour%20...`: one token, with blanks or tags in it.
fn percent(whole: &str) -> Option<String> {
    let whole = whole.trim();
    if whole.contains(char::is_whitespace)
        || whole.contains("://")
        || whole.matches('%').count() < MIN_PERCENT
    {
        return None;
    }
    let bytes = whole.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let byte = if bytes[at] == b'%' { hex(bytes.get(at + 1..at + 3)?)? } else { bytes[at] };
        at += if bytes[at] == b'%' { 3 } else { 1 };
        out.push(byte);
    }
    String::from_utf8(out).ok().filter(|text| text.contains([' ', '<', '\n']))
}

fn hex(pair: &[u8]) -> Option<u8> {
    let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
    u8::from_str_radix(pair, 16).ok()
}

/// A whole text in base64 that holds words.
fn base64_text(whole: &str) -> Option<String> {
    let whole = whole.trim();
    let mut lines = whole.lines().map(str::trim_end);
    let first = lines.next()?;
    let one = whole.len() == first.len();
    let even = lines.clone().rev().skip(1).all(|line| line.len() == first.len());
    let last = lines.next_back().unwrap_or_default();
    let wide = one || (even && BASE64_WIDTHS.contains(&first.len()) && last.len() <= first.len());
    if whole.len() < MIN_BASE64 || !wide {
        return None;
    }
    let bytes = base64(whole.bytes().filter(|b| !b.is_ascii_whitespace()))?;
    let text = String::from_utf8(bytes).ok()?;
    let words = text.trim().contains(char::is_whitespace) || !text.is_ascii();
    let readable = !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    (words && readable).then_some(text)
}

fn base64(input: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let (mut out, mut held, mut bits, mut length, mut padding) = (Vec::new(), 0_u32, 0, 0, 0);
    for byte in input {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                (length, padding) = (length + 1, padding + 1);
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        length += 1;
        held = (held << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    (length % 4 == 0 && padding <= 2).then_some(out)
}

/// `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=`, as subjects have it.
fn encoded_words(text: &Text) -> Option<Text> {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    let mut kept = 0;
    for (at, _) in whole.match_indices("=?") {
        if at < kept {
            continue;
        }
        let Some((decoded, length)) = encoded_word(&whole[at..]) else { continue };
        // Blanks between two encoded words are none.
        let joins = kept > 0 && whole[kept..at].trim().is_empty();
        if !joins {
            editor.keep(kept..at);
        }
        editor.put(at..at + length, &decoded);
        kept = at + length;
    }
    if kept == 0 {
        return None;
    }
    editor.keep(kept..whole.len());
    Some(editor.finish())
}

fn encoded_word(text: &str) -> Option<(String, usize)> {
    let head = &text[..text.floor_char_boundary(MAX_WORD)];
    let mut parts = head.strip_prefix("=?")?.splitn(3, '?');
    let (charset, form, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (body, _) = rest.split_once("?=")?;
    let encoding = Encoding::for_label(charset.split('*').next()?.as_bytes())?;
    let bytes = match form {
        "B" | "b" => base64(body.bytes())?,
        "Q" | "q" => {
            let mut out = Vec::new();
            let mut bytes = body.bytes();
            while let Some(byte) = bytes.next() {
                out.push(match byte {
                    b'_' => b' ',
                    b'=' => hex(&[bytes.next()?, bytes.next()?])?,
                    byte if byte.is_ascii_graphic() => byte,
                    _ => return None,
                });
            }
            out
        }
        _ => return None,
    };
    let length = 2 + charset.len() + 1 + form.len() + 1 + body.len() + 2;
    Some((encoding.decode_without_bom_handling(&bytes).0.into_owned(), length))
}

/// Quoted-printable that nobody decoded. Letters beyond ASCII tell it, or a line that ends in `=20`.
fn quoted_printable(text: &Text) -> Option<Text> {
    let whole = text.as_str();
    if !has_escape(whole) || is_about_escapes(whole) {
        return None;
    }
    let evident = is_evident(whole);
    let mut editor = Editor::new(text);
    let (mut kept, mut at) = (0, 0);
    while let Some(next) = whole[at..].find('=') {
        at += next;
        let Some((decoded, length)) = escape(whole, at, evident) else {
            at += 1;
            continue;
        };
        editor.keep(kept..at);
        if !decoded.is_empty() {
            editor.put(at..at + length, &decoded);
        }
        at += length;
        kept = at;
    }
    if kept == 0 {
        return None;
    }
    editor.keep(kept..whole.len());
    Some(editor.finish())
}

/// Whether anything stands in the text that may be an escape; an equals sign in a link or in code is none.
fn has_escape(whole: &str) -> bool {
    whole.match_indices('=').any(|(at, _)| whole.as_bytes().get(at + 1..at + 3).and_then(upper_hex).is_some())
}

/// Whether the text talks of its one escaped word, or holds letters that the encoding would have escaped.
fn is_about_escapes(whole: &str) -> bool {
    let escaped = |word: &&str| word.match_indices('=').any(|(at, _)| letters(&word[at..]).is_some());
    let mut words = whole.split_whitespace().filter(escaped);
    let Some(word) = words.next() else { return false };
    let travelled = whole.contains("=\n") || whole.contains("=20\n");
    let quoted = word.starts_with(['"', '\'', '„', '“', '«', '(']) && !word.ends_with(char::is_alphanumeric);
    let talks = quoted || WORDS.misread_words.within(&fold(&whole[..whole.floor_char_boundary(TALK)]));
    !travelled
        && ((words.next().is_none() && talks) || whole.contains(|c: char| !c.is_ascii() && c.is_alphabetic()))
}

fn is_evident(whole: &str) -> bool {
    whole.match_indices('=').any(|(at, _)| {
        let rest = &whole[at..];
        letters(rest).is_some()
            || (rest.strip_prefix("=20").is_some_and(|rest| rest.starts_with('\n'))
                && !whole[..at].ends_with('='))
    })
}

/// What stands at `at`, and its length: letters, a soft line end, or, where there is evidence of the encoding, any escape.
fn escape(whole: &str, at: usize, evident: bool) -> Option<(String, usize)> {
    let rest = &whole[at..];
    if let Some(found) = letters(rest) {
        return Some(found);
    }
    let trailing = |length: usize| rest[length..].is_empty() || rest[length..].starts_with('\n');
    if let Some(byte) = rest.as_bytes().get(1..3).and_then(upper_hex) {
        let latin = byte >= 0xa0 && is_inside_word(whole, at);
        return match byte {
            b' ' if trailing(3) => Some((String::from(" "), 3)),
            b' '..=b'~' if evident => Some((char::from(byte).to_string(), 3)),
            b'\r' | b'\n' | b'\t' if evident => {
                Some((String::from(if byte == b'\n' { "\n" } else { "" }), 3))
            }
            0xa0.. if latin || evident => {
                Some((WINDOWS_1252.decode_without_bom_handling(&[byte]).0.into_owned(), 3))
            }
            _ => None,
        };
    }
    let soft = evident && rest.starts_with("=\n") && !whole[..at].ends_with('=');
    soft.then(|| (String::new(), 2))
}

fn upper_hex(pair: &[u8]) -> Option<u8> {
    pair.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b)).then(|| hex(pair)).flatten()
}

/// `M=FCller`: letters on the left, and a small letter on the right.
fn is_inside_word(whole: &str, at: usize) -> bool {
    let before = whole[..at].chars().next_back().is_some_and(char::is_alphabetic);
    let after = whole[at + 3..].chars().next().is_some_and(char::is_lowercase);
    let word = whole[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
    before && after && !word.contains(['?', '&', '/', '='])
}

/// Two escapes or more that are one UTF-8 character beyond ASCII, soft line ends between them left out.
fn letters(rest: &str) -> Option<(String, usize)> {
    let bytes = rest.as_bytes();
    let lead = upper_hex(bytes.get(1..3)?).filter(|_| bytes[0] == b'=')?;
    let size = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let (mut out, mut at) = (vec![lead], 3);
    while out.len() < size {
        if bytes.get(at..at + 2) == Some(b"=\n") {
            at += 2;
        }
        let escape = bytes.get(at..at + 3).filter(|escape| escape[0] == b'=')?;
        out.push(upper_hex(&escape[1..])?);
        at += 3;
    }
    Some((String::from_utf8(out).ok()?, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        let text = Text::new(text);
        decode(&text).unwrap_or(text).as_str().to_owned()
    }

    #[test]
    fn what_travelled_is_read_as_it_was_written() {
        for (sent, text) in [
            ("Gr=C3=BC=C3=9Fe aus M=C3=BCnchen", "Grüße aus München"),
            ("The scanner=20\nis dead", "The scanner \nis dead"),
            ("Der Drucker in M=FCnster", "Der Drucker in Münster"),
            ("caf=C3=A9 is clo=\nsed, a=3Db", "café is closed, a=b"),
            ("=?utf-8?Q?L=C3=B6schen_bitte?=", "Löschen bitte"),
            ("=?iso-8859-1?B?RHJ1Y2tlciBm5GxsdCBhdXM=?=", "Drucker fällt aus"),
            ("VGhlIHBsb3R0ZXIgaW4gcm9vbSA0IGlzIGphbW1lZC4=", "The plotter in room 4 is jammed."),
            ("%3Cb%3EHola%3C%2Fb%3E%20a%20todos", "<b>Hola</b> a todos"),
        ] {
            assert_eq!(decoded(sent), text);
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for text in [
            "set a=20 and b=3D in the form",
            "https://a.example/?q=C3&id=3D20",
            "x == y\n=====\n=",
            "aGVsbG8",
            "0123456789abcdef0123456789abcdef",
            "100%25 and 5%20",
            "https://a.example/%3Cb%3E%20%20",
            "the key is 4F3A==",
            "Labels come out as M=C3=BCnze since noon",
            "Auf der Rechnung steht M=C3=BCnze statt Münze",
        ] {
            assert_eq!(decoded(text), text);
        }
    }
}
