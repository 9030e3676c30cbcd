//! What stands for nothing: `?`, `-`, `None`, `Unassigned`. The words live in `blanks.txt`.
//!
//! Must never take a word for nothing within a longer text, nor a name that a board could have ("NA").

use std::collections::HashMap;
use std::sync::LazyLock;

/// Marks that say nothing by themselves.
const MARKS: &str = "?-._*/\\#<>()[]–—…？";
/// Longer text says something.
const LONGEST: usize = 60;

static WORDS: LazyLock<HashMap<&str, Blank>> = LazyLock::new(|| {
    let mut kind = Blank::Nothing;
    let mut words = HashMap::new();
    for line in include_str!("blanks.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
    {
        match line {
            "[nothing]" => kind = Blank::Nothing,
            "[no text]" => kind = Blank::NoText,
            "[states]" => kind = Blank::State,
            word => drop(words.insert(word, kind)),
        }
    }
    words
});

/// How a text says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blank {
    /// In any field.
    Nothing,
    /// As a body or a resolution.
    NoText,
    /// As a resolution: it names a state.
    State,
}

/// How `text` says nothing; `None` where it says something.
pub(crate) fn blank(text: &str) -> Option<Blank> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    if text.chars().all(|c| MARKS.contains(c) || c.is_whitespace()) {
        return Some(Blank::Nothing);
    }
    let is_mark = |c: char| c.is_ascii_punctuation() || MARKS.contains(c);
    let text = text.replace('\u{2019}', "'").to_lowercase();
    let bare = text.trim_matches(|c: char| (is_mark(c) && c != '#') || c.is_whitespace());
    // "(blank)" is no board, "Blank" could be.
    [text.as_str(), bare].iter().find_map(|text| WORDS.get(text).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nothing_is_known_and_what_says_something_stays() {
        for text in [
            "?",
            "-",
            " -- ",
            "None",
            "-- None --",
            "<none>",
            "N/A",
            "n.a.",
            "Unassigned",
            "(blank)",
            "#N/A",
            "k. A.",
            "Aucun",
            "Nicht zugewiesen",
            "Sin asignar",
            "未分配",
            "…",
        ] {
            assert_eq!(blank(text), Some(Blank::Nothing), "{text}");
        }
        for text in [
            "NA",
            "Nona",
            "C#",
            "Blank",
            "None of the printers work",
            "0",
            "?x",
            "No",
            "Nona / A",
            "無線",
            "!",
        ] {
            assert_eq!(blank(text), None, "{text}");
        }
        assert_eq!(blank("No Content"), Some(Blank::NoText));
        assert_eq!([blank("Done."), blank("Won\u{2019}t Do"), blank("Erledigt")], [Some(Blank::State); 3]);
        assert_eq!(blank("Done: replaced the toner"), None);
    }
}
