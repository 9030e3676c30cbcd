//! A megabyte of one thing. Each case would take minutes, or the stack, if any pass were worse than linear. What is visible of it
//! is cut before the passes that cost most.

use super::super::{Kind, normalize};

const MEGABYTE: usize = 1 << 20;
/// Bytes that are kept of what is visible.
const KEPT: usize = 32 << 10;

fn megabyte(of: &str) -> String {
    of.repeat(MEGABYTE / of.len())
}

#[test]
fn a_megabyte_of_markup() {
    for markup in ["<div>", "<blockquote>", "</div>", "<xml>", "<div class=gmail_quote>", "<p a=b>", "<!--"] {
        let out = normalize(&format!("<br><br>start{}end", megabyte(markup)));
        assert!(out.is_html && out.text.contains("start"), "{markup}");
        assert!(out.text.len() < 100, "{markup}");
    }
    for attribute in ["a=\"b\" ", "a=\"\"", "a='b' ", "a ", "/", "="] {
        let out = normalize(&format!("<br><br>x<div {}>y", attribute.repeat(900_000 / attribute.len())));
        assert!(out.text.starts_with('x') && out.text.ends_with('y') && out.text.len() <= 3, "{attribute}");
    }
    assert!(normalize(&megabyte("<")).text.starts_with("<<<"));
}

#[test]
fn a_megabyte_of_entities() {
    let out = normalize(&format!("<p>{}</p><br>", "&amp;".repeat(MEGABYTE / 5 - 10)));
    assert!(out.text.chars().all(|c| "&amp;\n".contains(c)) && out.text.len() < 20, "{}", out.text);
    assert!(out.removed.bytes(Kind::Truncated) > MEGABYTE / 2);
    let out = normalize(&format!("<p>{}</p><br>", "&eacute;".repeat(10_000)));
    assert_eq!(out.text, "é".repeat(10_000));
    let out = normalize(&format!("<p>&#{};</p><br>x", megabyte("0")));
    assert!(out.text.ends_with('x'));
}

#[test]
fn a_megabyte_without_a_space() {
    let stub = format!("{}…", "a".repeat(48));
    assert_eq!(normalize(&megabyte("a")).text, format!("{stub}\n{stub}"));
    assert!((KEPT / 3 - 2..=KEPT / 3 + 2).contains(&normalize(&megabyte("漢")).text.chars().count()));
    assert_eq!(normalize(&megabyte("=")).text, "===\n===");
}

#[test]
fn a_megabyte_of_quoted_lines() {
    let out = normalize(&format!("My answer is here\n{}", "> old text\n".repeat(90_000)));
    assert_eq!(out.text, "My answer is here");
    assert!(out.removed.bytes(Kind::Quote) + out.removed.bytes(Kind::Truncated) > 900_000);
    assert_eq!(normalize(&megabyte("> ")).text, "");
    assert!(normalize(&megabyte("> a\n")).text.starts_with("a\na"));
}

#[test]
fn a_megabyte_of_marks() {
    let out = normalize(&format!("e{}", "\u{316}\u{301}".repeat(200_000)));
    assert!(out.text.chars().count() <= 18);
    let out = normalize(&megabyte("\u{1161}"));
    assert!((KEPT / 3 - 2..=KEPT / 3 + 2).contains(&out.text.chars().count()));
    assert!((KEPT / 4 - 2..=KEPT / 4 + 2).contains(&normalize(&megabyte("Ã©")).text.chars().count()));
}

#[test]
fn a_megabyte_of_lines_that_almost_match() {
    for line in [
        "On 4 Mar 2024\n",
        "From: a@b.example\n",
        "To: a@b.example;\n",
        "Thanks,\n",
        "--\n",
        "This email\n",
        "[EXTERNAL]\n",
        "X-A: b=c;\n",
        "Host: a\n",
        "This email. ",
        "jo@example.com\n",
        "https://a.example/b\n",
        "\n",
        "- \n",
        "Sent from my phone\n",
        "CAUTION: ",
        "Ticket 1 has been created\n",
        "-----Original Message-----\n",
        "--- Forwarded message ---\n",
    ] {
        let out = normalize(&megabyte(line));
        let words = line.contains(char::is_alphanumeric);
        assert_eq!(out.text.contains(char::is_alphanumeric), words, "{line}");
    }
}

#[test]
fn more_than_the_limit_keeps_head_and_tail() {
    let text = format!("first words {} last words", "some text ".repeat(400_000));
    let out = normalize(&text);
    assert!(out.text.starts_with("first words") && out.text.ends_with("last words"));
    assert_eq!(out.removed.bytes(Kind::Truncated), text.len() - KEPT + 1);
    let words = format!("first words\n{}> quoted\nlast words", "> some text\n".repeat(400_000));
    assert_eq!(
        normalize(&words).text.split_whitespace().collect::<Vec<_>>().join(" "),
        "first words last words"
    );
    assert_eq!(out.source_range(out.text.len() - 10..out.text.len()), text.len() - 10..text.len());
    let wide = format!("a{}", "é".repeat(MEGABYTE));
    assert!(normalize(&wide).text.ends_with('é'));
}

#[test]
fn what_reaches_the_costly_passes_is_bounded_whatever_the_text() {
    for line in [
        "a\n",
        "-- \n",
        "> ",
        "> a\n",
        "Thanks,\n",
        "a. ",
        "e\u{301}",
        "<b>x</b>",
        "<p a=b>x",
        "&amp;a ",
        "a@b.c d\n",
    ] {
        for size in [1, 4, 16] {
            let out = normalize(&format!("<br><br>{}", line.repeat(size * MEGABYTE / line.len())));
            assert!(out.text.len() <= KEPT, "{line}: {}", out.text.len());
        }
    }
    // What is visible of a long document is what counts, not the markup around it.
    let styled = format!("<html><style>{}</style><p>The printer is broken.</p>", "p{a:b}".repeat(20_000));
    let out = normalize(&styled);
    assert_eq!((out.text.as_str(), out.removed.bytes(Kind::Truncated)), ("The printer is broken.", 0));
}
