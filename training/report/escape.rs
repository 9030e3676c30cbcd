//! Text of others, made safe to stand in the page.

/// Labels and names are cut after this many characters.
pub(super) const SHORT: usize = 80;
/// Notes are cut after this many characters.
const LONG: usize = 2000;

/// `s` as HTML text, cut to [`SHORT`] characters.
pub(super) fn short(s: &str) -> String {
    clean(s, SHORT)
}

/// `s` as HTML text, cut at a length no honest note has.
pub(super) fn text(s: &str) -> String {
    clean(s, LONG)
}

/// Escapes what HTML gives a meaning, shows control characters and bidirectional overrides as U+FFFD (they
/// could make one label look like another), and isolates the direction of what is not plain ASCII.
fn clean(s: &str, limit: usize) -> String {
    let mut out = String::with_capacity(s.len().min(limit * 4));
    for (i, c) in s.chars().enumerate() {
        if i == limit {
            out.push('…');
            break;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || is_invisible_direction(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    if out.is_ascii() { out } else { format!("<bdi>{out}</bdi>") }
}

fn is_invisible_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            short("<script>alert(\"x\" & 'y')"),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)"
        );
    }

    #[test]
    fn invisible_characters_become_visible() {
        assert_eq!(short("a\u{202e}b\0"), "<bdi>a\u{fffd}b\u{fffd}</bdi>");
        assert_eq!(short("a\r\nb"), "a  b");
        assert_eq!(short("Störung"), "<bdi>Störung</bdi>");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let cut = short(&"é".repeat(10_000));
        assert_eq!(cut.chars().filter(|c| *c == 'é').count(), SHORT);
        assert!(cut.contains('…'));
    }
}
