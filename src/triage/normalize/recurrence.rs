//! Text that an earlier message of the ticket holds: a quotation, in any language and layout.
//!
//! Must never cut the sender's own words because somebody quoted them later: of an earlier message the start recurs too.

use std::collections::HashSet;

use super::lines::{Page, fold};
use super::removed::Kind;
use super::words::is_greeting;

/// Bytes of messages, and of one line, that are looked at.
const MAX_BYTES: usize = 128 << 10;
const MAX_LINE: usize = 400;
/// Messages that are looked at.
const MAX_MESSAGES: usize = 64;
/// Letters of a line that tell where it is from.
const TELLING: usize = 12;

/// The lines of a ticket's other messages.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    first: String,
    lines: HashSet<String>,
}

impl Earlier {
    /// The lines of `texts`, which are plain or HTML.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut left = MAX_BYTES;
        let mut messages = Vec::new();
        for text in texts.take(MAX_MESSAGES) {
            let text = &text[..text.floor_char_boundary(left)];
            left -= text.len();
            let own = text.split('\n').filter(|line| !line.trim_start().starts_with('>'));
            let lines = own.map(|line| line.split('<').fold(String::new(), without_tag));
            let lines: Vec<String> = lines.map(|line| folded(&line)).filter(|line| tells(line)).collect();
            let Some(first) = lines.iter().find(|line| !is_greeting(line)).cloned() else { continue };
            messages.push(Message { first, lines: lines.into_iter().collect() });
        }
        Self { messages }
    }
}

/// Adds what stands behind a tag.
fn without_tag(mut line: String, part: &str) -> String {
    line.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    line
}

fn folded(line: &str) -> String {
    let line = line.trim_start_matches(['>', ' ']);
    fold(line[..line.floor_char_boundary(MAX_LINE)].trim())
}

fn tells(folded: &str) -> bool {
    folded.chars().filter(|c| c.is_alphanumeric()).count() >= TELLING
}

/// Marks the end of a text for cutting where all of it that tells stands in one earlier message, its start included.
pub(super) fn mark(page: &mut Page<'_>, earlier: &Earlier) {
    if earlier.messages.is_empty() {
        return;
    }
    let live: Vec<usize> = page.live().filter(|&i| !is_greeting(&page.lines[i].folded)).collect();
    let Some((_, below)) = live.split_first() else { return };
    let below: Vec<(usize, String)> = below.iter().map(|&line| (line, folded(page.raw(line)))).collect();
    for message in &earlier.messages {
        let (mut start, mut whole) = (None, false);
        for (line, text) in below.iter().rev() {
            let recurs = message.lines.contains(text);
            if !recurs && tells(text) {
                break;
            }
            start = if recurs { Some(*line) } else { start };
            whole |= *text == message.first;
        }
        if let Some(start) = start.filter(|_| whole) {
            page.cut(start..page.lines.len(), Kind::Quote);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut(text: &str, messages: &[&str]) -> String {
        let text = Text::new(text);
        let mut page = Page::new(&text);
        page.attempt(|page| mark(page, &Earlier::of(messages.iter().copied())));
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn what_an_earlier_message_says_is_a_quotation() {
        let old = "Buen día,\n\nreinicie el escáner y díganos qué muestra.\n\nAna";
        let new = "Sigue igual, ahora en rojo.\n\nreinicie el escáner y díganos qué muestra.\n\nAna";
        assert_eq!(cut(new, &[old]), "Sigue igual, ahora en rojo.");
        assert_eq!(
            cut(new, &["<p>reinicie el escáner y díganos qué muestra.</p>"]),
            "Sigue igual, ahora en rojo."
        );
    }

    #[test]
    fn own_words_that_others_quote_later_stay() {
        let own = "The plotter on floor 4 is jammed.\nIt shows a red light since Monday.";
        assert_eq!(
            cut(
                own,
                &[
                    "Please open the lid.\n> The plotter on floor 4 is jammed.\n> It shows a red light since Monday."
                ]
            ),
            own
        );
        assert_eq!(cut(own, &["Something else entirely here"]), own);
    }
}
