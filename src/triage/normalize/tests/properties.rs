//! What holds for any text.

use proptest::prelude::*;

use super::super::{Normalized, normalize};

/// Pieces that the passes look for, in any order.
const PIECES: &[&str] = &[
    "<div>",
    "</div>",
    "<br>",
    "<p>",
    "</p>",
    "<blockquote>",
    "</blockquote>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<server01>",
    "&amp;",
    "&eacute;",
    "&#x41;",
    "&",
    "<",
    ">",
    "\n> ",
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "\t",
    "\u{a0}",
    "\u{200b}",
    "\u{301}",
    "e\u{301}",
    "Ã©",
    "â€™",
    "Ã",
    "é",
    "日本",
    "\0",
    "=====",
    "-- \n",
    "\nThanks,\n",
    "Jo Doe",
    "\nOn 4 Mar 2024 at 10:12 Jo wrote:\n",
    "\n-----Original Message-----\n",
    "\nFrom: jo@example.com\nSubject: x\n\n",
    "\nHost: a\nState: b\nService: c\n",
    "Nagios",
    "\nThis e-mail is confidential. ",
    "[EXTERNAL]\n",
    "The printer is broken",
    "please help?",
    "Tel: 020 7946 0000\nwww.a.example\n",
    "<div class=\"gmail_quote\">",
    "\n---------- Forwarded message ---------\n",
    "Sent from my iPhone",
    "Ticket #1 has been created\n",
];

fn composed() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// Every segment is in bounds, in order, on character borders; verbatim ones equal their source.
fn assert_mapped(original: &str, out: &Normalized) {
    let (mut written, mut read) = (0, 0);
    for segment in out.segments() {
        assert_eq!(segment.output.start, written);
        assert!(segment.source.start >= read, "{segment:?} goes back before {read}");
        let source = original.get(segment.source.clone()).expect("a source range slices the original");
        let text = out.text.get(segment.output.clone()).expect("an output range slices the text");
        assert!(!text.is_empty());
        assert!(!segment.verbatim || source == text);
        assert_eq!(out.source_range(segment.output.clone()), segment.source);
        written = segment.output.end;
        // A character that became several shares its source with all of them.
        read = if segment.verbatim { segment.source.end } else { segment.source.start };
    }
    assert_eq!(written, out.text.len());
    let whole = out.source_range(0..usize::MAX);
    assert!(whole.start <= whole.end && whole.end <= original.len());
}

fn assert_tidy(text: &str) {
    assert!(!text.contains(['\r', '\t', '\0', '\u{a0}', '\u{200b}']), "{text:?}");
    assert!(!text.contains("\n\n\n") && !text.contains("  ") && text == text.trim(), "{text:?}");
    assert!(text.lines().all(|line| line == line.trim()), "{text:?}");
}

fn assert_idempotent(out: &Normalized) {
    let again = normalize(&out.text);
    assert_eq!(again.text, out.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_mapped_and_tidy(original in "\\PC{0,200}|(.|\\s){0,200}") {
        let out = normalize(&original);
        assert_mapped(&original, &out);
        assert_tidy(&out.text);
    }

    #[test]
    fn mail_like_text_is_mapped_and_tidy(original in composed()) {
        let out = normalize(&original);
        assert_mapped(&original, &out);
        assert_tidy(&out.text);
    }

    #[test]
    fn plain_text_is_idempotent_and_never_emptied(original in composed()) {
        // Markup may show markup, and damaged letters may hide behind an invisible one: see the module's head.
        let plain = original.replace(['<', '&', '\u{200b}'], "");
        let out = normalize(&plain);
        assert_idempotent(&out);
        let had_words = plain.contains(|c: char| c.is_ascii_alphanumeric());
        prop_assert!(!had_words || out.text.contains(char::is_alphanumeric));
    }
}
