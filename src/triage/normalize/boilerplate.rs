//! Lines that portals and service desks put round a message.
//!
//! Must never cut a long line: a notice is short, a report that starts like one is not.

use super::lines::Page;
use super::removed::Kind;
use super::words::WORDS;

/// Longest notice, in bytes.
const MAX_LENGTH: usize = 180;
/// Longest tip on a sender, in bytes, and lines above it, at most.
const MAX_TIP: usize = 400;
const TIP_LINE: usize = 4;
/// The marks of a mail gateway's banner, and lines between them, at most.
const START: &str = "zjqcmqryfpfptbannerstart";
const END: &str = "zjqcmqryfpfptbannerend";
const MOST_BETWEEN: usize = 15;

/// Marks portal boilerplate for cutting.
pub(super) fn mark(page: &mut Page<'_>) {
    mark_between(page);
    for line in 0..page.lines.len() {
        let folded = page.lines[line].folded.as_str();
        let is_notice = || page.lines[line].len() <= MAX_LENGTH && is_portal(folded);
        if page.lines[line].is_live() && (is_notice() || is_first_contact(page, line)) {
            page.cut(line..line + 1, Kind::Boilerplate);
        }
    }
}

/// Whatever stands between the marks that a mail gateway hides round its banner.
fn mark_between(page: &mut Page<'_>) {
    let mut start = None;
    for line in 0..page.lines.len() {
        match page.lines[line].folded.as_str() {
            START => start = Some(line),
            END => {
                if let Some(start) = start.take().filter(|start| line - start <= MOST_BETWEEN) {
                    page.cut(start..line + 1, Kind::Boilerplate);
                }
            }
            _ => {}
        }
    }
}

/// What Outlook says above the first mail of a sender: the phrase and his address, or the link by itself. Nobody asks there.
fn is_first_contact(page: &Page<'_>, at: usize) -> bool {
    let line = &page.lines[at];
    let folded = line.folded.as_str();
    if line.len() > MAX_TIP || folded.contains(['"', '?', '？']) {
        return false;
    }
    let says = folded.contains('@') && WORDS.first_contact.within(folded);
    let text = folded.split(['[', '<']).next().unwrap_or_default();
    let links = WORDS.first_contact_links.is(text.trim_matches(|c: char| !c.is_alphanumeric()));
    let tips = says || links || folded.contains("aka.ms/learnaboutsenderidentification");
    tips && page.live().take_while(|&i| i < at).take(TIP_LINE + 1).count() <= TIP_LINE
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
