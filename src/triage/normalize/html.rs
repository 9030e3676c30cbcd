//! Tells HTML from plain text, cautiously.
//!
//! Must never take `value < 5 and > 3`, `<server01>` or `<john@example.com>` for markup: a wrong yes loses
//! words, a wrong no only leaves tags in.

use super::elements::{ELEMENTS, OFFICE_PREFIXES};

/// Longest element name worth looking up.
const MAX_NAME: usize = 16;

/// Whether the text is HTML: the start of a document, two signs of it, or a start that is a tag and one more sign. A sign is a line
/// break, an end tag whose start tag came before, or a tag with an attribute.
pub(super) fn is_html(text: &str) -> bool {
    if starts_document(text.trim_start()) {
        return true;
    }
    let mut opened = vec![false; ELEMENTS.len()];
    let (mut tags, mut signs) = (0, 0);
    for tag in text.split('<').skip(1) {
        let Some((inner, _)) = tag.split_once('>') else { continue };
        let (name, closing) = tag_name(inner);
        let Ok(element) = ELEMENTS.binary_search(&name.to_ascii_lowercase().as_str()) else { continue };
        tags += 1;
        signs += usize::from(closing && opened[element]);
        signs += usize::from(!closing && (name.eq_ignore_ascii_case("br") || has_attribute(inner)));
        opened[element] |= !closing;
        if signs >= 2 {
            return true;
        }
    }
    starts_with_tag(text.trim_start()) && (signs >= 1 || tags >= 2)
}

fn has_attribute(inner: &str) -> bool {
    inner.contains("=\"") || inner.contains("='")
}

fn starts_document(text: &str) -> bool {
    let starts = |with: &str| text.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with));
    starts("<!doctype html") || starts("<html>") || starts("<html ")
}

fn starts_with_tag(text: &str) -> bool {
    text.starts_with("<!--") || text.strip_prefix('<').is_some_and(|t| is_element(tag_name(t).0))
}

/// Whether markup, rather than something in angle brackets, has this name.
pub(super) fn is_element(name: &str) -> bool {
    // Most tags of a mail.
    if matches!(name, "p" | "span" | "o:p" | "div" | "br" | "b" | "a" | "tr" | "td") {
        return true;
    }
    if name.contains(|c: char| c.is_ascii_uppercase()) {
        return is_element(&name.to_ascii_lowercase());
    }
    match name.split_once(':') {
        Some((space, rest)) => OFFICE_PREFIXES.contains(&space) && !rest.is_empty(),
        None => ELEMENTS.binary_search(&name).is_ok(),
    }
}

/// The name at the start of `inner`, what stands between `<` and `>`, and whether it is an end tag. Empty
/// where a name is followed by what no tag has after its name.
pub(super) fn tag_name(inner: &str) -> (&str, bool) {
    let (inner, closing) = inner.strip_prefix('/').map_or((inner, false), |rest| (rest, true));
    let sign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-'));
    let end = inner.find(sign).unwrap_or(inner.len());
    let next = inner[end..].chars().next();
    let ends = next.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    if ends && end <= MAX_NAME { (&inner[..end], closing) } else { ("", closing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_recognised() {
        for html in [
            "<html><body>Hi</body></html>",
            "<!DOCTYPE html><p>Hi",
            "<div>Hello</div>",
            "<p>Hello<p>World",
            "Hello,<br>my printer<br/>is broken",
            "Please see <a href=\"https://example.com\">this</a>",
            "  <DIV class='x'>Hi</DIV>",
        ] {
            assert!(is_html(html), "{html}");
        }
    }

    #[test]
    fn plain_text_with_angle_brackets_is_not() {
        for text in [
            "value < 5 and > 3",
            "cannot reach <server01> from <server02>, tried </server01>",
            "John <john@example.com> and <https://example.com/a>",
            "the page shows <div> instead of text",
            "it prints <b>Error</b> literally",
            "if a<b and b>c then a<b is > false",
            "<server01> is down </server01>",
            "<3 this tool",
            "",
        ] {
            assert!(!is_html(text), "{text}");
        }
    }

    #[test]
    fn the_table_of_elements_is_sorted() {
        assert!(ELEMENTS.is_sorted());
    }
}
