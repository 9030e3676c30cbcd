//! Lines of histories that say what was changed "from A to B", however a PSA words them.
//!
//! Must never guess: what does not say both is not understood.

/// Whether `text` has `word` in it as a word, both in lower case.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let end = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        end(text[..at].chars().next_back()) && end(text[at + word.len()..].chars().next())
    })
}

/// What stands between "from" and "to", and after it, without quotes; what was set where nothing stood, or removed.
pub(crate) fn from_to(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    for set in [" has been set to ", " was set to "] {
        if let Some(at) = lower.find(set) {
            return Some(("", bare(&text[at + set.len()..])));
        }
    }
    if let Some(end) = lower.find(" has been removed").or_else(|| lower.find(" was removed")) {
        let quoted = text[..end].split(['"', '“', '”']).nth(1)?;
        return Some((quoted, ""));
    }
    let from = lower.find(" from ")? + " from ".len();
    let rest = &text[from..];
    if let Some(quote) = rest.chars().next().filter(|c| "\"'“‘".contains(*c)) {
        let close = match quote {
            '“' => '”',
            '‘' => '’',
            other => other,
        };
        let inner = &rest[quote.len_utf8()..];
        let closing = format!("{close} to ");
        let end = inner.find(&closing)?;
        return Some((&inner[..end], bare(&inner[end + closing.len()..])));
    }
    let to = rest.to_ascii_lowercase().rfind(" to ")?;
    Some((rest[..to].trim(), bare(&rest[to + " to ".len()..])))
}

/// `text` without quotes and a full stop.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches('.').trim_matches(|c| "\"'“”‘’".contains(c))
}

/// A value; `None` for the words that say that there is none.
pub(crate) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    let none = text.is_empty()
        || ["none", "(none)", "null", "unassigned", "blank"].contains(&text.to_lowercase().as_str());
    (!none).then(|| text.to_owned())
}
