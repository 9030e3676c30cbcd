//! Halo's HTML as text, and text as HTML.
//!
//! One pass, linear in its input. What is no tag stays as it is.

/// Elements that end a line.
const LINES: [&str; 10] = ["br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote", "pre"];
/// Elements whose content nobody reads.
const SKIPPED: [&str; 3] = ["style", "script", "head"];
/// Entities that are read; others stay as they are.
const ENTITIES: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];

/// Text as HTML, with its lines.
pub(super) fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace("\r\n", "\n").replace('\n', "<br>")
}

/// HTML as text: elements that end a line do, tags are left out.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let mut skipped: Option<&str> = None;
    while let Some((before, after)) = rest.split_once('<') {
        if skipped.is_none() {
            text.push_str(before);
        }
        // A tag that holds the beginning of another is none: each byte is looked at once.
        let end = after.find(['<', '>']).filter(|end| after[*end..].starts_with('>') && is_tag(after));
        let Some((tag, tail)) = end.map(|end| (&after[..end], &after[end + 1..])) else {
            if skipped.is_none() {
                text.push('<');
            }
            rest = after;
            continue;
        };
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        match (skipped, tag.starts_with('/')) {
            (Some(open), true) if open == name => skipped = None,
            (None, false) => skipped = SKIPPED.into_iter().find(|one| *one == name),
            _ => {}
        }
        if skipped.is_none() && LINES.contains(&name.as_str()) && !text.is_empty() && !text.ends_with("\n\n")
        {
            text.push('\n');
        }
        rest = tail;
    }
    if skipped.is_none() {
        text.push_str(rest);
    }
    let read = ENTITIES.iter().fold(text, |text, (entity, read)| text.replace(entity, read));
    read.trim().to_owned()
}

/// Whether what follows an angle bracket is a tag: it begins with a letter, or ends an element.
fn is_tag(tag: &str) -> bool {
    tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!')
}

/// Whether two texts say the same, whatever their spaces.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// Whether a text has another in it, whatever their spaces.
pub(super) fn holds(text: &str, part: &str) -> bool {
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    spaced(text).contains(&spaced(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_the_text_that_it_shows() {
        for (markup, text) in [
            ("<p>Guten Tag,<br>der Drucker &amp; der Scanner</p>", "Guten Tag,\nder Drucker & der Scanner"),
            ("<style>p{margin:0}</style><p class=\"x\">Bonjour&nbsp;!</p>", "Bonjour !"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("plain", "plain"),
            ("<ul><li>één</li><li>twee</li></ul>", "één\n\ntwee"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
        let said = "a < b\nand & so on";
        assert_eq!(plain(&html(said)), said);
    }
}
