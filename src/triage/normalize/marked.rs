//! Signatures that HTML marks as such from their start to their end.
//!
//! Must never cut the only words of a sender, nor a signature that the words above lead to or speak of.

use super::disclaimer;
use super::lines::{ENDED, MARKED, fold, has_substance};
use super::removed::{Kind, Removed};
use super::text::{Editor, Text};
use super::words::{WORDS, is_greeting};

/// Where a signature starts, and what stands above it.
struct Open {
    start: usize,
    /// Where its first line starts.
    first: usize,
    /// Whether words of the same sender stand above it that it signs.
    signs: bool,
}

/// Cuts what stands between a start and its end, or gives `None` where no signature has an end. A start without one stays, and so does
/// that of a signature which a note may follow: plain rules go by it.
pub(super) fn cut(text: &Text, removed: &mut Removed) -> Option<Text> {
    let whole = text.as_str();
    if !whole.contains(ENDED) {
        return None;
    }
    let mut editor = Editor::new(text);
    let (mut kept, mut at) = (0, 0);
    let (mut own, mut any, mut last) = (false, false, "");
    let mut open: Option<Open> = None;
    for line in whole.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let quoted = line.starts_with('>');
        let words = line.trim_start_matches(['>', ' ']).trim();
        if words == MARKED {
            let signs = (own || (quoted && any)) && !speaks_of_signature(last);
            open = Some(Open { start, first: at, signs });
        } else if words == ENDED {
            let signature = open.take().filter(|open| open.signs).map(|open| {
                let start = if leads_to_note(&whole[at..]) { open.first } else { open.start };
                removed.cut(Kind::Signature, at - start, text.source(start..at));
                start
            });
            editor.keep(kept..signature.unwrap_or(start));
            kept = at;
        } else if open.is_none() && has_substance(words) && !is_greeting(&fold(words)) {
            (own, any, last) = (own || !quoted, true, words);
        }
    }
    editor.keep(kept..whole.len());
    Some(editor.finish())
}

/// Whether a line leads to a signature's wording, or is about it.
fn speaks_of_signature(line: &str) -> bool {
    line.ends_with([':', '：']) || WORDS.signature_words.within_as_words(&fold(line))
}

/// Whether what comes next may be a note.
fn leads_to_note(rest: &str) -> bool {
    let next = rest.lines().map(str::trim).find(|line| !line.is_empty());
    next.is_some_and(disclaimer::may_be_note)
}
