//! Entities in text that is no HTML, or no longer: a service desk stored it escaped, once or twice.
//!
//! Must never decode in a text that talks about entities: `the form shows &amp;lt; instead`.

use super::entity::{decode, reference};
use super::text::{Editor, Text};

/// What the entities of a text tell.
#[derive(Debug, Default)]
struct Facts {
    /// How many there are, and how many of these are escaped twice.
    count: usize,
    doubled: usize,
    /// Inside a word: `can&#39;t`.
    inside: bool,
    /// Letters and blanks that stand as a word by themselves, as where somebody names one; and those of them written as numbers.
    named: usize,
    numbered: usize,
    /// One between quotation marks.
    quoted: bool,
    /// An ampersand that is none.
    raw: bool,
}

/// The text with its entities decoded; `None` where there are none, or where the text talks about them. In what was HTML a further
/// level is decoded only where an entity stands inside a word.
pub(super) fn unescape(text: &Text, was_html: bool) -> Option<Text> {
    let facts = facts(text.as_str());
    let mixed = facts.doubled > 0 && facts.doubled < facts.count;
    // A word of one letter, `&#224;`, stands beside others in what was stored escaped: nobody names letters there.
    let others = facts.inside || (facts.named == facts.numbered && facts.count > facts.numbered);
    let alone = facts.named > 0 && !others;
    let talk = facts.quoted || alone || mixed || (facts.raw && !facts.inside);
    if facts.count == 0 || talk || (was_html && !facts.inside) {
        return None;
    }
    Some(decoded(text))
}

/// The text with all entities decoded, whatever it talks about.
pub(super) fn decoded(text: &Text) -> Text {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    let mut kept = 0;
    for (at, length, new) in entities(whole) {
        editor.keep(kept..at);
        editor.put(at..at + length, &new);
        kept = at + length;
    }
    editor.keep(kept..whole.len());
    editor.finish()
}

fn facts(whole: &str) -> Facts {
    let mut facts = Facts::default();
    for (at, length, new) in entities(whole) {
        facts.count += 1;
        facts.doubled += usize::from(whole[at..].starts_with("&amp;") && length > "&amp;".len());
        let before = whole[..at].chars().next_back();
        let after = whole[at + length..].chars().next();
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let apart = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"'`“”„«»()".contains(c));
        facts.inside |= letter(before) && letter(after);
        let stands = apart(before) && apart(after) && new.chars().all(|c| c.is_alphabetic() || c == '\u{a0}');
        facts.named += usize::from(stands);
        facts.numbered += usize::from(stands && whole[at..].starts_with("&#"));
        facts.quoted |=
            before.is_some_and(|c| "\"'`“„".contains(c)) && after.is_some_and(|c| "\"'`”“".contains(c));
    }
    let ampersands = whole.matches('&').count();
    facts.raw =
        ampersands > entities(whole).map(|(at, length, _)| whole[at..at + length].matches('&').count()).sum();
    facts
}

/// Each entity: where it is, its length, and what it stands for. `&amp;#39;` is one.
fn entities(whole: &str) -> impl Iterator<Item = (usize, usize, String)> {
    let mut end = 0;
    whole.match_indices('&').filter_map(move |(at, _)| {
        if at < end {
            return None;
        }
        let (length, new) = entity(&whole[at..])?;
        end = at + length;
        Some((at, length, new))
    })
}

fn entity(text: &str) -> Option<(usize, String)> {
    let first = reference(text);
    if !first.ends_with(';') {
        return None;
    }
    let new = decode(first);
    if new == first {
        return None;
    }
    if new == "&" {
        // `&amp;lt;` is `<`, escaped twice.
        let inner = format!("&{}", &text[first.len()..text.floor_char_boundary(first.len() + 40)]);
        let second = reference(&inner);
        let twice = decode(second);
        if second.ends_with(';') && twice != second {
            return Some((first.len() + second.len() - 1, twice));
        }
    }
    Some((first.len(), new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let text = Text::new(text);
        unescape(&text, false).unwrap_or(text).as_str().to_owned()
    }

    #[test]
    fn stored_entities_are_decoded() {
        for (stored, text) in [
            ("I can&#39;t scan &amp; print", "I can't scan & print"),
            ("l&#039;&eacute;cran est noir", "l'écran est noir"),
            ("it says &quot;offline&quot;", "it says \"offline\""),
            ("caf&amp;eacute; &amp;amp; bar", "café & bar"),
            ("5 &lt; 6", "5 < 6"),
            ("M&uuml;ller", "Müller"),
            ("R&#233;union &#224; 14h &#8211; salle 2", "Réunion à 14h – salle 2"),
            ("Acc&egrave;s &agrave; l&#039;agenda", "Accès à l'agenda"),
        ] {
            assert_eq!(read(stored), text);
        }
    }

    #[test]
    fn talk_about_entities_stays() {
        for text in [
            "The shop shows &uuml; instead of the letter",
            "Typing &gt; in the field gives &amp;gt; on the page",
            "Every mail has &nbsp; in its subject",
            "The title shows &#233; for the letter",
            "R&D and P&L; AT&T",
            "the sign \"&amp;\" is printed",
        ] {
            assert_eq!(read(text), text);
        }
    }
}
