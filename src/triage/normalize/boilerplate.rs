//! Lines that portals and service desks put round a message.
//!
//! Must never cut a long line: a notice is short, a report that starts like one is not.

use super::lines::Page;
use super::removed::Kind;
use super::words::WORDS;

/// Longest notice, in bytes.
const MAX_LENGTH: usize = 180;

/// Marks portal boilerplate for cutting.
pub(super) fn mark(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live()
            && page.lines[line].len() <= MAX_LENGTH
            && is_portal(&page.lines[line].folded)
        {
            page.cut(line..line + 1, Kind::Boilerplate);
        }
    }
}

fn is_portal(folded: &str) -> bool {
    let line = folded.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.portal_lines.start(line) || is_notice(line)
}

/// "Your ticket #1234 has been created." The number tells it from talk about a ticket.
fn is_notice(line: &str) -> bool {
    WORDS.notice_subjects.start(line)
        && WORDS.notice_verbs.within(line)
        && line.contains(|c: char| c.is_ascii_digit())
        && !WORDS.doubts.within(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_told_from_talk() {
        for line in [
            "ticket #1234 has been created.",
            "your request #55-1 has been received",
            "please do not reply to this email.",
            "*** this is an automated message ***",
            "ihr ticket 4711 wurde erstellt",
        ] {
            assert!(is_portal(line), "{line}");
        }
        for line in [
            "ticket has been created but nobody called",
            "ticket 12 has been created but nobody called",
            "requests to the server time out",
            "i view tickets and see an error",
        ] {
            assert!(!is_portal(line), "{line}");
        }
    }
}
