//! Text from other people's data: bounded in length, and with nothing in it that can't be seen.

use maud::{Markup, html};

/// Labels and names are cut after this many characters.
const LABEL: usize = 80;
/// Notes are cut after this many characters.
const NOTE: usize = 2000;

/// A label or a name, cut to 80 characters.
pub fn label(s: &str) -> Markup {
    isolated(&clean(s, LABEL))
}

/// A note, cut at a length no honest note has.
pub fn note(s: &str) -> Markup {
    isolated(&clean(s, NOTE))
}

/// A label where no element can stand: in a title, an attribute, a plot.
pub(crate) fn plain(s: &str) -> String {
    clean(s, LABEL)
}

/// Isolates the direction of what is not plain ASCII from the text around it.
fn isolated(s: &str) -> Markup {
    html! { @if s.is_ascii() { (s) } @else { bdi { (s) } } }
}

/// Shows control characters and bidirectional overrides as U+FFFD, since they could make one label look like another.
fn clean(s: &str, limit: usize) -> String {
    let mut out = String::with_capacity(s.len().min(limit * 4));
    for (i, c) in s.chars().enumerate() {
        if i == limit {
            out.push('…');
            break;
        }
        out.push(match c {
            '\t' | '\n' | '\r' => ' ',
            c if c.is_control() || is_invisible_direction(c) => '\u{fffd}',
            c => c,
        });
    }
    out
}

pub(crate) fn is_invisible_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let html = label("<script>alert(\"x\" & 'y')").into_string();
        assert_eq!(html, "&lt;script&gt;alert(&quot;x&quot; &amp; 'y')");
    }

    #[test]
    fn invisible_characters_become_visible() {
        assert_eq!(label("a\u{202e}b\0").into_string(), "<bdi>a\u{fffd}b\u{fffd}</bdi>");
        assert_eq!(label("a\r\nb").into_string(), "a  b");
        assert_eq!(label("Störung").into_string(), "<bdi>Störung</bdi>");
        assert_eq!(plain("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let long = "é".repeat(10_000);
        for (cut, limit) in [(label(&long), LABEL), (note(&long), NOTE)] {
            let cut = cut.into_string();
            assert_eq!(cut.chars().filter(|c| *c == 'é').count(), limit);
            assert!(cut.contains('…'));
        }
    }
}
