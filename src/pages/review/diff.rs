//! A person's text beside the draft, word by word.
//!
//! The cost is bounded: long texts are not compared.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use crate::words::Words;

/// Words of each text that are compared at most.
const MOST_WORDS: usize = 2_000;

/// The difference, what was taken out struck through, what was put in underlined.
pub(super) fn word_diff(draft: &str, text: &str, words: &Words) -> Markup {
    if draft.trim() == text.trim() {
        return html! { p.small { (words.nothing_differs) } };
    }
    if [draft, text].iter().any(|text| text.split_whitespace().count() > MOST_WORDS) {
        return html! { p.small { (words.too_long_to_compare) } };
    }
    let diff = TextDiff::configure().diff_words(draft, text);
    html! {
        div.plain.diff dir="auto" {
            @for change in diff.iter_all_changes() {
                @match change.tag() {
                    ChangeTag::Equal => (change.value()),
                    ChangeTag::Delete => { del { (change.value()) } },
                    ChangeTag::Insert => { ins { (change.value()) } },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn shown(draft: &str, text: &str) -> String {
        word_diff(draft, text, Language::English.words()).into_string()
    }

    #[test]
    fn words_that_changed_are_marked() {
        let html = shown("Please restart the router.", "Please restart the <b>spooler.");
        assert!(html.contains("Please restart the "), "{html}");
        assert!(
            html.contains("<del>router.</del>") && html.contains("<ins>&lt;b&gt;spooler.</ins>"),
            "{html}"
        );
        assert!(shown("a b", " a b\n").contains("Your text is the draft."));
        assert!(shown(&"a ".repeat(2_001), "b").contains("Too long"));
    }
}
