//! The line that an intake system puts on top of a ticket: `Ticket logged by service desk via email`, `Received from: ...`.
//!
//! The line is not the sender's: the text below it is the ticket. Must never cut a line that asks or reports something.

use super::contact_data::is_request;
use super::headers;
use super::lines::{Page, key_value};
use super::removed::Kind;
use super::words::{WORDS, is_greeting};

/// Lines on top that may be an intake system's.
const MAX_LINES: usize = 3;
/// Its length in bytes, and its words.
const MAX_LENGTH: usize = 160;
const MAX_WORDS: usize = 14;

/// Marks the lines of intake systems for cutting.
pub(super) fn mark(page: &mut Page<'_>) {
    for _ in 0..MAX_LINES {
        let mut live = page.live();
        let (Some(first), next) = (live.next(), live.next()) else { return };
        drop(live);
        let Some(next) = next else { return };
        if page.lines[first].quoted || !is_intake(page, first, next) {
            return;
        }
        page.cut(first..first + 1, Kind::Boilerplate);
    }
}

fn is_intake(page: &Page<'_>, first: usize, next: usize) -> bool {
    let line = page.lines[first].folded.trim_matches(|c: char| !c.is_alphanumeric());
    if page.lines[first].len() > MAX_LENGTH || is_request(line) || line.split_whitespace().count() > MAX_WORDS
    {
        return false;
    }
    if headers::block(page, first).is_some() {
        return false;
    }
    if key_value(line).is_some_and(|(key, value)| WORDS.intake_keys.is(key) && !value.is_empty()) {
        return true;
    }
    let says = WORDS.intake_things.within_as_words(line) && WORDS.intake_verbs.within(line);
    says && WORDS.intake_links.within_as_words(line)
        && (line.contains(" via ") || starts_mail(page, next) || line.contains('@'))
}

/// Whether a mail starts at a line, or right below one.
fn starts_mail(page: &Page<'_>, at: usize) -> bool {
    is_greeting(&page.lines[at].folded)
        || headers::block(page, at).is_some()
        || (page.lines[at].folded.starts_with("--") && WORDS.original_markers.within(&page.lines[at].folded))
        || WORDS.forward_markers.within(&page.lines[at].folded)
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut(text: &str) -> String {
        let text = Text::new(text);
        let mut page = Page::new(&text);
        page.attempt(mark);
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn lines_of_intake_systems_go() {
        for line in [
            "Ticket logged by the front desk via email",
            "Received from: Ann Example <ann@acme.example>",
            "Ticket erstellt durch Empfang via E-Mail",
            "Incident créé par le portail via courriel",
            "*** Email received from: ann@acme.example ***",
        ] {
            assert_eq!(cut(&format!("{line}\n\nThe plotter is jammed.")), "The plotter is jammed.", "{line}");
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in [
            "The ticket I created by mail yesterday was closed\n\nPlease open it again.",
            "Email received from our bank looks like phishing, can you check?\n\nThanks",
            "I received a call from Microsoft\n\nThey want access.",
        ] {
            assert_eq!(cut(text), text);
        }
    }
}
