//! Legal notes, external-sender banners and virus-scan footers, found sentence by sentence.
//!
//! Must never cut a sentence that merely speaks of such a note: a phrase counts only where a sentence
//! starts. Below a legal note the rest of its paragraph goes while it goes on in that tone; what follows a
//! banner is the mail.

use std::ops::Range;

use super::lines::{fold, substance};
use super::removed::{Kind, Removed};
use super::text::{Editor, Text};
use super::words::{NOTE_OPENERS, WORDS, without_accents};

/// Bytes of a sentence that are looked at.
const MAX_FOLD: usize = 600;
/// Bytes at the start of a sentence that tell whether it may be a note.
const MAX_OPENER: usize = 160;
/// Longest banner without a full stop.
const MAX_OPEN_BANNER: usize = 300;
/// Words and characters within which a legal note names the message that it is about.
const NAMES_MESSAGE: usize = 4;
const MAX_HEAD: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Legal,
    Banner,
}

/// Cuts notes and banners, or gives `None` where there are none or where nothing else would be left, unless that `may_be_empty`.
pub(super) fn cut(text: &Text, may_be_empty: bool, removed: &mut Removed) -> Option<Text> {
    let whole = text.as_str();
    let mut editor = Editor::new(text);
    let (mut kept, mut start) = (0, 0);
    let mut cut = Vec::new();
    for paragraph in whole.split_inclusive("\n\n") {
        let mut legal = false;
        for unit in units(whole, start..start + paragraph.len()) {
            let folded =
                fold(&whole[unit.start..whole.floor_char_boundary(unit.end.min(unit.start + MAX_FOLD))]);
            let note = note(&folded);
            let lead = whole[unit.clone()].len() - whole[unit.clone()].trim_start().len();
            let breaks =
                whole[..unit.start].ends_with('\n') || whole[unit.start..unit.start + lead].contains('\n');
            let same_line = !breaks && !folded.contains('?');
            legal = note == Some(Note::Legal)
                || (legal && (same_line || WORDS.note_words.within(&without_accents(&folded))));
            if legal || note.is_some() {
                editor.keep(kept..unit.start);
                kept = unit.end;
                cut.push(unit);
            }
        }
        start += paragraph.len();
    }
    editor.keep(kept..whole.len());
    let out = editor.finish();
    if cut.is_empty() || (substance(out.as_str()) == 0 && !may_be_empty) {
        return None;
    }
    for unit in cut {
        removed.cut(Kind::Disclaimer, unit.len(), text.source(unit));
    }
    Some(out)
}

/// Sentences of a paragraph. A sentence ends at its sign, and at a line end below which another note starts
/// or above which one line is a banner.
fn units(whole: &str, paragraph: Range<usize>) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut start = paragraph.start;
    let text = &whole[paragraph.clone()];
    for (at, sign) in text.match_indices(['.', '!', '?', '\n', ']', '。', '！', '？']) {
        let end = paragraph.start + at + sign.len();
        let rest = &whole[end..paragraph.end];
        let ends = match sign {
            "\n" => ends_at_line(&whole[start..end], rest),
            "]" => is_banner_line(&whole[start..end]),
            "。" | "！" | "？" => true,
            _ => rest.starts_with(char::is_whitespace),
        };
        if ends && end > start {
            units.push(start..end);
            start = end;
        }
    }
    if start < paragraph.end {
        units.push(start..paragraph.end);
    }
    units
}

fn ends_at_line(unit: &str, rest: &str) -> bool {
    if rest.trim_start().is_empty() {
        return false;
    }
    let next = rest.split('\n').next().unwrap_or_default();
    let next = fold(&next[..next.floor_char_boundary(MAX_OPENER)]);
    opens_note(&next) || is_banner_line(unit) || is_banner_line(&next) || ends_banner(unit, rest)
}

/// Whether a banner without a full stop ends here: the next line starts a sentence.
fn ends_banner(unit: &str, rest: &str) -> bool {
    unit.len() <= MAX_OPEN_BANNER
        && rest.starts_with(char::is_uppercase)
        && (is_banner_line(unit) || opens_note(&fold(&unit[..unit.floor_char_boundary(MAX_OPENER)])))
        && note(&fold(unit)) == Some(Note::Banner)
}

fn is_banner_line(line: &str) -> bool {
    if line.len() > 60 {
        return false;
    }
    let folded = fold(line);
    let bracketed = folded.starts_with(['[', '(', '{', '-', '_', '=']);
    let words = folded.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.banner_lines.is(words) && (bracketed || words.contains(' ') || words == "caution")
}

/// Whether a line could be the start of a note.
fn opens_note(folded: &str) -> bool {
    NOTE_OPENERS.start(unlabelled(folded))
}

fn note(folded: &str) -> Option<Note> {
    if is_banner_line(folded) {
        return Some(Note::Banner);
    }
    let line = unlabelled(folded);
    if NOTE_OPENERS.start(line) {
        if WORDS.banner.iter().any(|sentence| sentence.is(line)) && !WORDS.doubts.within(line) {
            return Some(Note::Banner);
        }
        if WORDS.note.iter().any(|sentence| sentence.is(line)) {
            return Some(Note::Legal);
        }
    }
    is_confidential(line).then_some(Note::Legal)
}

/// "This message is confidential and for its recipient": a sentence that names the message first, then says so, in any language
/// whose roots are known.
fn is_confidential(line: &str) -> bool {
    let words = line.match_indices(' ').nth(NAMES_MESSAGE - 1).map_or(line, |(end, _)| &line[..end]);
    let head = words.char_indices().nth(MAX_HEAD).map_or(words, |(end, _)| &words[..end]);
    if !WORDS.message_roots.within(&without_accents(head)) {
        return false;
    }
    let bare = without_accents(line);
    WORDS.note_roots.within(&bare) && WORDS.recipient_roots.within(&bare) && !WORDS.doubts.within(line)
}

/// The sentence without "CAUTION:", brackets and the like before it.
fn unlabelled(folded: &str) -> &str {
    let mut line = folded.trim_start_matches(|c: char| !c.is_alphanumeric());
    for _ in 0..3 {
        let label = WORDS.note_labels.after_start(line).and_then(|rest| {
            rest.trim_start()
                .starts_with([':', '-', ']', '!', '|', '.', ';'])
                .then(|| rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
        });
        match label {
            Some(rest) if !rest.is_empty() => line = rest,
            _ => break,
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> String {
        let text = Text::new(text);
        cut(&text, false, &mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn notes_and_banners_go() {
        for note in [
            "This e-mail and any attachments are confidential and intended solely for\nthe addressee. If you are not the intended recipient, delete it.",
            "CONFIDENTIALITY NOTICE: This message may contain confidential information.",
            "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, vernichten Sie diese Mail.",
            "Ce message et ses pièces jointes sont confidentiels. Si vous avez reçu ce message par erreur, merci de le détruire.",
            "Este mensaje es confidencial y va dirigido a su destinatario.",
            "Esta mensagem é confidencial e destina-se ao destinatário.",
            "Questo messaggio è riservato ai destinatari indicati.",
            "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde.",
            "Please consider the environment before printing this email.",
            "This email has been scanned by the Example Email Security service.",
        ] {
            assert_eq!(run(&format!("The printer is broken.\n\n{note}")), "The printer is broken.", "{note}");
        }
        for banner in [
            "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless you recognize the sender and know the content is safe.",
            "[EXTERNAL EMAIL]",
            "*** External Email ***",
            "You don't often get email from jo@example.com. Learn why this is important",
        ] {
            for gap in ["\n\n", "\n"] {
                assert_eq!(
                    run(&format!("{banner}{gap}The printer is broken.")),
                    "The printer is broken.",
                    "{banner}"
                );
            }
        }
    }

    #[test]
    fn talk_about_notes_stays() {
        for text in [
            "My colleague's mail says this email originated from outside of the organization, why?",
            "This email is not delivered to the intended recipient.",
            "This message appears when I open Outlook: disk full",
            "This email may contain a virus, please check.",
            "External monitor does not work",
            "Caution tape is needed in the server room",
            "This e-mail is confidential.",
        ] {
            assert_eq!(run(text), text);
        }
    }
}
