//! Marks that stand for an image, and the addresses that programs write behind a link's words.
//!
//! Must never cut what people put in brackets, nor an address that stands by itself.

use std::ops::Range;

use encoding_rs::UTF_8;

use super::lines::fold;
use super::removed::{Kind, Removed};
use super::text::{Editor, Text};
use super::words::WORDS;

/// Longest mark in brackets, and longest address, in bytes.
const MAX_MARK: usize = 200;
const MAX_LINK: usize = 4_000;
/// Mail filters that put addresses of their own in the place of links, and where their names stand.
const FILTERS: &[&str] = &["safelinks.", "urldefense."];
const MAX_HOST: usize = 48;
/// Names of image files end so.
const IMAGES: &[&str] = &[".png", ".jpg", ".jpeg", ".gif", ".bmp", ".svg", ".webp", ".tif", ".emz", ".heic"];

/// What becomes of a stretch of the text.
enum Change {
    Cut,
    To(String),
}

/// The text without marks, or `None` where there are none, or where nothing else would be left unless that `may_be_empty`.
pub(super) fn cut(text: &Text, may_be_empty: bool, removed: &mut Removed) -> Option<Text> {
    let whole = text.as_str();
    if !whole.contains(['[', '<', '!']) && !whole.contains("://") {
        return None;
    }
    let mut editor = Editor::new(text);
    let mut cuts = Vec::new();
    let mut kept = 0;
    for (at, sign) in whole.match_indices(['[', '<', '!', 'h', 'H']) {
        if at < kept {
            continue;
        }
        let Some((length, change)) = change(whole, at, sign) else { continue };
        editor.keep(kept..at);
        kept = at + length;
        match change {
            Change::To(new) => editor.put(at..kept, &new),
            Change::Cut => cuts.push(at..kept),
        }
    }
    if kept == 0 {
        return None;
    }
    editor.keep(kept..whole.len());
    let out = editor.finish();
    if !may_be_empty && !out.as_str().contains(char::is_alphanumeric) {
        return None;
    }
    cuts.into_iter().for_each(|range: Range<usize>| removed.cut(Kind::Mark, range.len(), text.source(range)));
    Some(out)
}

fn change(whole: &str, at: usize, sign: &str) -> Option<(usize, Change)> {
    let rest = &whole[at..];
    match sign {
        "[" => {
            let inner = enclosed(rest, ']', MAX_MARK)?;
            let address =
                inner.strip_prefix("mailto:").filter(|address| whole[..at].trim_end().ends_with(address));
            (address.is_some() || is_image(inner)).then_some((inner.len() + 2, Change::Cut))
        }
        "<" => {
            let inner = enclosed(rest, '>', MAX_LINK)?;
            angle(whole, at, inner).map(|change| (inner.len() + 2, change))
        }
        "!" => jira_image(rest).map(|length| (length, Change::Cut)),
        _ => {
            let head = &rest[..rest.floor_char_boundary(MAX_HOST)];
            let starts = head.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
            if !starts || !FILTERS.iter().any(|filter| head.contains(filter)) {
                return None;
            }
            let rest = &rest[..rest.floor_char_boundary(MAX_LINK)];
            let link = rest.split(|c: char| c.is_whitespace() || "<>\"".contains(c)).next()?;
            let real = unwrapped(link)?;
            Some((link.len(), Change::To(real)))
        }
    }
}

/// What stands between the bracket that `rest` starts with and its end, in one line.
fn enclosed(rest: &str, end: char, most: usize) -> Option<&str> {
    let inner = &rest[1..rest.floor_char_boundary(most)];
    let opens = if end == '>' { '<' } else { '[' };
    let at = inner.find([end, '\n', opens])?;
    inner[at..].starts_with(end).then(|| &inner[..at])
}

/// `cid:image001.png@01DA`, `image: image.png`, `Bild1.png`.
fn is_image(inner: &str) -> bool {
    let folded = fold(inner);
    let file = IMAGES.iter().any(|end| folded.ends_with(end));
    folded.starts_with("cid:")
        || WORDS.image_words.is(&folded)
        || WORDS.image_captions.within(&folded)
        || folded.split_once(':').is_some_and(|(word, _)| WORDS.image_words.is(word.trim()))
        || (file && !folded.contains(['/', '\\']) && folded.split_whitespace().count() == 1)
        || (file && WORDS.image_words.after_start(&folded).is_some())
}

fn angle(whole: &str, at: usize, inner: &str) -> Option<Change> {
    let attached = whole[..at].chars().next_back().is_some_and(|c| !c.is_whitespace());
    let start =
        |scheme: &str| inner.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    if inner.contains(char::is_whitespace) {
        return None;
    }
    let address = inner.get("mailto:".len()..).filter(|_| start("mailto:") && !attached);
    if let Some(address) = address {
        return Some(Change::To(format!("<{address}>")));
    }
    let file =
        IMAGES.iter().any(|end| inner.to_ascii_lowercase().ends_with(end)) && !inner.contains(['/', '\\']);
    if start("cid:")
        || file
        || (attached && (start("mailto:") || start("tel:") || start("http://") || start("https://")))
    {
        return Some(Change::Cut);
    }
    let real = start("https://").then(|| unwrapped(inner)).flatten()?;
    Some(Change::To(format!("<{real}>")))
}

/// `!image-20240304.png|thumbnail!`, as Jira writes it.
fn jira_image(rest: &str) -> Option<usize> {
    let inner = enclosed(rest, '!', MAX_MARK)?;
    let file = inner.split('|').next().unwrap_or_default().to_ascii_lowercase();
    (IMAGES.iter().any(|end| file.ends_with(end)) && !file.contains(' ')).then_some(inner.len() + 2)
}

/// The address behind one that a mail filter put in its place.
fn unwrapped(link: &str) -> Option<String> {
    let host = link.get(8..)?.split(['/', '?']).next()?.to_ascii_lowercase();
    if host.ends_with(".safelinks.protection.outlook.com") {
        let url = link.split(['?', '&']).find_map(|part| part.strip_prefix("url="))?;
        return Some(unescaped(url));
    }
    if host == "urldefense.com" || host.ends_with(".urldefense.com") {
        let (_, real) = link.split_once("/__")?;
        return Some(real.split("__;").next().unwrap_or(real).to_owned());
    }
    if host == "urldefense.proofpoint.com" {
        let url = link.split(['?', '&']).find_map(|part| part.strip_prefix("u="))?;
        return Some(unescaped(&url.replace('-', "%").replace('_', "/")));
    }
    None
}

fn unescaped(url: &str) -> String {
    let bytes = url.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let pair = url.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => out.push(byte),
            None => out.push(bytes[at]),
        }
        at += if pair.is_some_and(|pair| u8::from_str_radix(pair, 16).is_ok()) { 3 } else { 1 };
    }
    UTF_8.decode_without_bom_handling(&out).0.replace(char::is_whitespace, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        let text = Text::new(text);
        cut(&text, false, &mut Removed::default()).unwrap_or(text).as_str().to_owned()
    }

    #[test]
    fn marks_go_and_words_stay() {
        for (marked, plain) in [
            ("see [cid:image002.jpg@01DA.4C] here", "see  here"),
            ("[image: shot.png]\nbroken", "\nbroken"),
            ("[Bild: Logo] kaputt", " kaputt"),
            ("!screen-2024.png|thumbnail! is black", " is black"),
            ("write to ann@acme.example<mailto:ann@acme.example> now", "write to ann@acme.example now"),
            ("ann@acme.example [mailto:ann@acme.example] called", "ann@acme.example  called"),
            ("Ann <mailto:ann@acme.example> called", "Ann <ann@acme.example> called"),
            ("dark <image003.png> screen", "dark  screen"),
            ("[A screenshot of a computer Description automatically generated] fails", " fails"),
            ("call +44 20<tel:+4420> now", "call +44 20 now"),
            ("the guide<https://a.example/b?c=d> says", "the guide says"),
            (
                "at <https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fb&data=05%7C>",
                "at <https://a.example/b>",
            ),
            ("at https://urldefense.com/v3/__https://a.example/b__;!!Ab$ now", "at https://a.example/b now"),
        ] {
            assert_eq!(run(marked), plain, "{marked}");
        }
    }

    #[test]
    fn what_people_put_in_brackets_stays() {
        for text in [
            "[urgent] the image is missing",
            "error [0x80040115] in a[1]",
            "the server <srv01> and <https://a.example/b>",
            "Help! The file x.png is gone! Now!",
            "path [C:\\pics\\a.png]",
            "[image: a.png]",
        ] {
            assert_eq!(run(text), text);
        }
    }
}
