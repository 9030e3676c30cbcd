//! A hostile text of many lines as plain text: line ends stay, what nobody would see is shown, links are text.
//!
//! Must never make a link that can be clicked, nor let a character turn the text around it.

use maud::{Markup, html};

use crate::text::is_invisible_direction;
use crate::words::{Words, filled};

/// Characters that are shown of a text unless all is asked for.
pub(crate) const SHORT: usize = 6_000;
/// Characters that are shown of it at most.
pub(crate) const MOST: usize = 200_000;
/// Characters of a link's host that are shown.
const HOST: usize = 120;

/// The text, cut at [`SHORT`] or [`MOST`] characters; `more` is the address of the whole.
pub(crate) fn plain_text(text: &str, all: bool, more: &str, words: &Words) -> Markup {
    let limit = if all { MOST } else { SHORT };
    let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
    let (shown, is_cut) = (text.get(..end).unwrap_or_default(), end < text.len());
    html! {
        div.plain dir="auto" tabindex="0" { (lines(shown, words)) }
        @if is_cut {
            p.small {
                (filled(words.cut_here, &[("n", &limit.to_string()), ("all", &text.chars().count().to_string())]))
                @if !all { " " a href=(more) { (words.show_all) } }
            }
        }
    }
}

/// The text with its marks and hosts.
pub(crate) fn lines(text: &str, words: &Words) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Hidden(c) => { span.mark { (format!("U+{:04X}", u32::from(c))) } },
                Piece::Link(link) => {
                    span.link { (link) }
                    span.host { " [" (filled(words.host, &[("host", &host(link))])) "]" }
                }
            }
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    /// A character that nobody would see.
    Hidden(char),
    Link(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut from) = (Vec::new(), 0);
    for (at, c) in text.char_indices().filter(|(_, c)| is_hidden(*c)) {
        links(&text[from..at], &mut found);
        found.push(Piece::Hidden(c));
        from = at + c.len_utf8();
    }
    links(&text[from..], &mut found);
    found
}

/// The links of a text without hidden characters, and what is between them.
fn links<'a>(text: &'a str, found: &mut Vec<Piece<'a>>) {
    let mut rest = text;
    while let Some((from, to)) = link_in(rest) {
        found.push(Piece::Text(&rest[..from]));
        found.push(Piece::Link(&rest[from..to]));
        rest = &rest[to..];
    }
    found.push(Piece::Text(rest));
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || is_invisible_direction(c)
}

/// The first link's bytes.
fn link_in(text: &str) -> Option<(usize, usize)> {
    let from = text.match_indices("://").find_map(|(at, _)| {
        ["http", "https"].iter().find_map(|scheme| {
            let from = at.checked_sub(scheme.len())?;
            text.get(from..at).is_some_and(|found| found.eq_ignore_ascii_case(scheme)).then_some(from)
        })
    })?;
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
    let to = text[from..].find(ends).map_or(text.len(), |length| from + length);
    Some((from, to))
}

/// Where a link leads: behind the name that may stand before `@`.
fn host(link: &str) -> String {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    // Browsers read a backslash as a slash.
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.chars().take(HOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn shown(text: &str) -> String {
        lines(text, Language::English.words()).into_string()
    }

    #[test]
    fn a_link_is_text_and_tells_its_host() {
        let html = shown("See https://bank.example@evil.example:8443/login?x=1 now");
        assert!(html.contains("[host: evil.example:8443]") && !html.contains("<a"), "{html}");
        assert!(shown("HTTP://a.example\\@b.example").contains("[host: a.example]"));
        assert!(!shown("ftp://a.example ://x").contains("host:"));
    }

    #[test]
    fn what_nobody_would_see_is_shown_and_line_ends_stay() {
        assert_eq!(
            shown("a\u{202e}b\nc\u{0}"),
            "a<span class=\"mark\">U+202E</span>b\nc<span class=\"mark\">U+0000</span>"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let words = Language::English.words();
        let long = "é<".repeat(1 << 19);
        let html = plain_text(&long, false, "/review/x?all=1", words).into_string();
        assert!(html.len() < 60_000 && html.contains("Cut here: 6000 of 1048576"), "{}", html.len());
        assert!(html.contains("href=\"/review/x?all=1\""));
        let all = plain_text(&long, true, "", words).into_string();
        assert!(all.contains("Cut here: 200000") && !all.contains("<a"));
        assert!(!plain_text("short", false, "", words).into_string().contains("Cut"));
    }
}
