//! Legal notes, external-sender banners and virus-scan footers, found sentence by sentence.
//!
//! Must never cut a sentence that merely speaks of such a note: a phrase counts only where a sentence starts, and above the sender's
//! name only with strong evidence, with nothing but notes below. The rest of a note's paragraph goes while it goes on in that tone;
//! what follows a banner is the mail.

use std::ops::Range;

use super::contact_data::starts_with_name;
use super::lines::{fold, has_substance};
use super::removed::{Kind, Removed};
use super::signature;
use super::text::{Editor, Text};
use super::topics::{self, Evidence, Read};
use super::words::{NOTE_OPENERS, WORDS, Words, is_greeting, without_accents};

/// Bytes of a sentence that are looked at.
const MAX_FOLD: usize = 600;
/// Bytes at the start of a sentence that tell whether it may be a note.
const MAX_OPENER: usize = 160;
/// Words of a sentence that asks for care and says of what elsewhere, at most.
const FEW_WORDS: usize = 6;
/// Longest banner without a full stop.
const MAX_OPEN_BANNER: usize = 300;
/// Sentences of a paragraph that are looked at with those after them, at most.
const MAX_LOOKS: usize = 3;
/// Shortest line of entries in registers that is small print wherever it stands, in bytes.
const SHORT_ENTRY: usize = 60;
/// Letters of an abbreviation, at most.
const ABBREVIATION: usize = 2;
/// Words of a note of one short sentence, at most.
const SHORT_WORDS: usize = 7;
/// Signs of a rule, at least.
const RULE: usize = 3;
/// Lines above a note in which words announce it.
const ANNOUNCED: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Legal,
    Banner,
}

/// Where a sentence stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Below the sender's name, where less makes a note.
    below: bool,
    /// After a banner, which a warning goes on.
    warned: bool,
    /// At the start of a line, with words above it.
    later: bool,
    /// After a label such as "CAUTION:".
    labelled: bool,
}

/// A sentence, and what it is.
struct Found {
    range: Range<usize>,
    note: Option<Note>,
    evidence: Evidence,
    /// Whether it starts its paragraph.
    first: bool,
    /// Whether the sender's words stand above it.
    above: bool,
    /// Whether it holds words that are not a note's.
    tells: bool,
}

/// Cuts notes and banners, or gives `None` where there are none or where nothing but a greeting would be left, unless that
/// `may_be_empty`.
pub(super) fn cut(text: &Text, may_be_empty: bool, removed: &mut Removed) -> Option<Text> {
    let whole = text.as_str();
    let signed = signed_at(whole);
    let found = find(whole, signed);
    let mut cut = chosen(whole, &found, signed, may_be_empty);
    if cut.is_empty() {
        return None;
    }
    let mut editor = Editor::new(text);
    let mut kept = 0;
    for unit in &mut cut {
        *unit = with_rules(whole, unit.clone());
        unit.start = unit.start.max(kept);
        unit.end = unit.end.max(unit.start);
        editor.keep(kept..unit.start);
        kept = unit.end;
    }
    editor.keep(kept..whole.len());
    let out = editor.finish();
    if !may_be_empty && !out.as_str().lines().any(tells) {
        return None;
    }
    for unit in cut {
        removed.cut(Kind::Disclaimer, unit.len(), text.source(unit));
    }
    Some(out)
}

/// Where the sender's name begins. A closing phrase with no words above it and no name below signs nothing.
fn signed_at(whole: &str) -> usize {
    let signed = signature::signed_at(whole);
    let above = whole[..signed].trim_end();
    let above = &above[..above.rfind('\n').unwrap_or_default()];
    let below = whole[signed..].lines().find(|line| !line.trim().is_empty());
    let is_named = || below.is_none_or(|line| line.len() <= SHORT_ENTRY && starts_with_name(line.trim()));
    if above.lines().any(tells) || is_named() { signed } else { whole.len() }
}

/// Whether a line holds more than a greeting.
fn tells(line: &str) -> bool {
    if !has_substance(line) {
        return false;
    }
    if !WORDS.greetings.may_start(line) {
        return true;
    }
    let folded = fold(&line[..line.floor_char_boundary(MAX_OPENER)]);
    let greets = folded.len() <= SHORT_ENTRY
        && folded.ends_with([',', '!', '，', '、'])
        && WORDS.greetings.after_start(&folded).is_some();
    !greets && !is_greeting(&folded)
}

/// All sentences. A note among them is one by its wording, whatever stands round it.
fn find(whole: &str, signed: usize) -> Vec<Found> {
    let mut all = Vec::new();
    let (mut start, mut warned, mut above) = (0, false, false);
    for paragraph in whole.split_inclusive("\n\n") {
        let (mut legal, mut looked) = (false, 0);
        let led_to = start < signed && is_led_to(&whole[..start]);
        for unit in units(whole, start..start + paragraph.len()) {
            let folded =
                fold(&whole[unit.start..whole.floor_char_boundary(unit.end.min(unit.start + MAX_FOLD))]);
            let below = unit.start >= signed && WORDS.postscripts.after_start(&folded).is_none();
            // What a mail starts with, or a paragraph goes on with, is its sender's.
            let later = above && (legal || whole[..unit.start].ends_with('\n') || unit.start == start);
            let last = later && whole[unit.end..].trim_start().is_empty();
            let apart = || last || stands_apart(&whole[unit.end..]);
            let line = unlabelled(&folded);
            let read = topics::read(line);
            let label = &folded[..folded.len() - line.len()];
            let labelled = !label.is_empty();
            let outside = labelled && read.warns() && !line.contains('"') && topics::read(label).is_outside();
            let mut note = match is_banner_line(&folded) {
                true => Some(Note::Banner),
                false => note(line, &read, Place { below, warned, later, labelled }, &apart).or_else(|| {
                    (outside || (read.is_outside() && warns(&whole[unit.end..]))).then_some(Note::Banner)
                }),
            };
            let starts = || read.starts_note() && !WORDS.doubts.within(&folded);
            if note.is_none() && later && looked < MAX_LOOKS && starts() {
                looked += 1;
                note = whole_note(&whole[unit.start..start + paragraph.len()]);
            }
            let short = || later && labelled && is_short(line) && read.is_secret_message();
            let returned = || below && read.is_secret() && returns(&whole[unit.end..]);
            if note.is_none() && (short() || returned() || (legal && goes_on(&folded, below))) {
                note = Some(Note::Legal);
            }
            legal = note == Some(Note::Legal);
            warned = note == Some(Note::Banner) || (warned && folded.is_empty());
            let note = note.filter(|_| !led_to);
            let tells = note.is_none() && whole[unit.clone()].lines().any(tells);
            let evidence = match note {
                Some(Note::Legal) if is_sites(line) => Evidence::told(),
                Some(Note::Legal) => read.evidence(labelled && (says_secret(label) || is_short(line))),
                Some(Note::Banner) => read.warning(),
                None => Evidence::default(),
            };
            all.push(Found { first: unit.start == start, range: unit, note, evidence, above, tells });
            above |= tells;
        }
        start += paragraph.len();
    }
    all
}

/// Whether a label names a note on what is secret, and not whatever is important.
fn says_secret(label: &str) -> bool {
    topics::read(label).is_secret()
}

/// Whether a sentence is so short that nobody can have added what he asks for.
fn is_short(line: &str) -> bool {
    line.split_whitespace().count() <= SHORT_WORDS
        && line.chars().count() <= SHORT_ENTRY
        && !line
            .trim_end_matches(|c: char| !c.is_alphanumeric())
            .contains([',', ';', ':', '，', '、', '،', '。'])
}

/// Whether a sentence is a note by a site's own phrases alone.
fn is_sites(line: &str) -> bool {
    let is_note = |words: &Words| words.note.iter().any(|sentence| sentence.is(line));
    is_note(&WORDS) && !is_note(WORDS.built_in())
}

/// Whether a sentence goes on with the legal note before it.
fn goes_on(folded: &str, below: bool) -> bool {
    let read = topics::read(folded);
    let is_link = (folded.starts_with("www.") || folded.starts_with("http")) && !folded.contains(' ');
    let noted = || WORDS.note_words.within(&without_accents(folded)) && !read.asks();
    is_link || read.goes_on() || (below && noted())
}

/// The notes that go. Above the sender's name a legal note goes where it is strong, nothing but notes stands below it, and no words
/// above it speak of it.
fn chosen(whole: &str, found: &[Found], signed: usize, may_be_empty: bool) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let mut ends = true;
    let mut end = found.len();
    while end > 0 {
        let last = &found[end - 1];
        let start = found[..end].iter().rposition(|unit| unit.note != last.note || unit.first).unwrap_or(0);
        let same = found[start].note == last.note;
        let run = if same { start..end } else { start + 1..end };
        end = run.start;
        let units = &found[run];
        let named = units[0].range.start >= signed;
        let announced = || is_announced(whole, &found[..end]);
        let (first, above) = (units[0].first, units[0].above);
        let says = || units.iter().fold(Evidence::default(), |all, unit| all.with(unit.evidence));
        let goes = match last.note {
            None => false,
            _ if named => true,
            Some(Note::Banner) => !above || !(says().reports() || announced()),
            Some(Note::Legal) if ends => (above || may_be_empty) && says().is_strong(first) && !announced(),
            Some(Note::Legal) => above && first && says().is_complete() && !announced(),
        };
        if goes {
            cut.extend(units.iter().rev().map(|unit| without_break(whole, unit.range.clone())));
        } else if !named {
            ends &= last.note.is_none() && !units.iter().any(|unit| unit.tells);
        }
    }
    cut.reverse();
    cut
}

/// A sentence without the line ends after it.
fn without_break(whole: &str, unit: Range<usize>) -> Range<usize> {
    let text = &whole[unit.clone()];
    let words = text.trim_end().len();
    match text[words..].contains('\n') && words > 0 {
        true => unit.start..unit.start + words,
        false => unit,
    }
}

/// A sentence with the rules that are drawn around its note: one above it, and the same below or one that ends the text.
fn with_rules(whole: &str, unit: Range<usize>) -> Range<usize> {
    let above = whole[..unit.start].trim_end();
    let start = above.rfind('\n').map_or(0, |at| at + 1);
    let starts = whole[..unit.start].ends_with('\n') && is_drawn(&above[start..]);
    let below = &whole[unit.end..];
    let gap = below.len() - below.trim_start().len();
    let rule = below[gap..].split('\n').next().unwrap_or_default();
    let end = unit.end + gap + rule.len();
    let ends = below[..gap].contains('\n')
        && is_drawn(rule)
        && (whole[end..].trim_start().is_empty() || (starts && above[start..] == *rule));
    (if starts { start } else { unit.start })..(if ends { end } else { unit.end })
}

/// A line of one sign, as of asterisks.
fn is_drawn(line: &str) -> bool {
    let sign = line.chars().next().filter(|c| !c.is_alphanumeric() && !"|.,;:!?()[]{}<>'\"".contains(*c));
    line.len() >= RULE && sign.is_some_and(|sign| line.chars().all(|c| c == sign))
}

/// Whether one of the sender's last sentences above speaks of a note or announces what follows.
fn is_announced(whole: &str, above: &[Found]) -> bool {
    above.iter().rev().filter(|unit| unit.tells).take(ANNOUNCED).any(|unit| {
        let text = &whole[unit.range.clone()];
        let folded = fold(&text[text.ceil_char_boundary(text.len().saturating_sub(MAX_FOLD))..]);
        WORDS.introducers.within(&folded) || topics::read(&folded).announces()
    })
}

/// Whether the words above announce what follows, save where they are the label of a note.
fn is_led_to(above: &str) -> bool {
    let above = above.trim_end();
    let last = &above[above.rfind('\n').map_or(0, |at| at + 1)..];
    last.ends_with([':', '：'])
        && last.len() <= MAX_OPENER
        && !{
            let folded = fold(last);
            WORDS.note_labels.is(folded.trim_matches(|c: char| !c.is_alphanumeric()))
        }
}

/// Sentences of a paragraph. A sentence ends at its sign, and at a line end below which another note starts
/// or above which one line is a banner.
fn units(whole: &str, paragraph: Range<usize>) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut start = paragraph.start;
    let text = &whole[paragraph.clone()];
    let may_end =
        |c: char| matches!(c, '.' | '!' | '?' | '\n' | ']') || (!c.is_ascii() && "。！？।؟۔".contains(c));
    for (at, sign) in text.match_indices(may_end) {
        let end = paragraph.start + at + sign.len();
        let rest = &whole[end..paragraph.end];
        let ends = match sign {
            "\n" => ends_at_line(&whole[start..end], rest),
            "]" => is_banner_line(&whole[start..end]),
            "。" | "！" | "？" | "।" | "؟" | "۔" => true,
            _ => {
                rest.starts_with(char::is_whitespace)
                    && !is_abbreviated(&text[..at], rest)
                    && !is_label(&whole[start..end])
            }
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

/// Whether a sentence is no more than the label of the one after it: `OBS!`
fn is_label(unit: &str) -> bool {
    unit.len() <= SHORT_ENTRY
        && unit.ends_with('!')
        && WORDS.note_labels.is(fold(unit).trim_matches(|c: char| !c.is_alphanumeric()))
}

/// Whether a full stop ends a short word in the middle of a sentence: `el. laiškas`.
fn is_abbreviated(before: &str, rest: &str) -> bool {
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    (1..=ABBREVIATION).contains(&word.chars().count())
        && rest.strip_prefix(' ').is_some_and(|rest| rest.starts_with(char::is_lowercase))
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
        && rest.starts_with(|c: char| c.is_alphanumeric() && !c.is_lowercase())
        && (is_banner_line(unit) || is_open_banner(&fold(unit)))
}

fn is_open_banner(folded: &str) -> bool {
    let line = unlabelled(folded);
    let read = topics::read(line);
    let opens = NOTE_OPENERS.start(line) || read.opens();
    opens && note(line, &read, Place::default(), &|| true) == Some(Note::Banner)
}

fn is_banner_line(line: &str) -> bool {
    if line.len() > 60 {
        return false;
    }
    let words = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    if !WORDS.banner_lines.may_start(words) && !WORDS.note_labels.may_start(words) {
        return false;
    }
    let folded = fold(line);
    let bracketed = folded.starts_with(['[', '(', '{', '-', '_', '=']);
    let words = folded.trim_matches(|c: char| !c.is_alphanumeric());
    let line = unlabelled(&folded).trim_end_matches(|c: char| !c.is_alphanumeric());
    if line.len() < words.len() && line.contains(' ') && WORDS.banner_lines.is(line) {
        return true;
    }
    WORDS.banner_lines.is(words) && (bracketed || words.contains(' ') || words == "caution")
}

/// Whether a line could be the start of a note.
fn opens_note(folded: &str) -> bool {
    let line = unlabelled(folded);
    let read = topics::read(line);
    NOTE_OPENERS.start(line) || read.opens() || (line.len() < folded.len() && read.is_secret())
}

/// Whether a line that was not folded yet could be the start of a note.
pub(super) fn may_be_note(line: &str) -> bool {
    opens_note(&fold(&line[..line.floor_char_boundary(MAX_OPENER)]))
}

/// What a sentence that only starts like a legal note is with those after it in its paragraph.
fn whole_note(rest: &str) -> Option<Note> {
    let folded = fold(&rest[..rest.floor_char_boundary(MAX_FOLD)]);
    topics::read(unlabelled(&folded)).is_note().then_some(Note::Legal)
}

/// Whether a sentence ends a line above others, or one that warns comes next, as below a banner.
fn stands_apart(rest: &str) -> bool {
    let next = rest.trim_start();
    let ends_line = rest[..rest.len() - next.len()].contains('\n') && !next.is_empty();
    ends_line || warns(rest)
}

/// Whether the sentence that comes next says what to do with a mail that came by mistake.
fn returns(rest: &str) -> bool {
    let next = rest.trim_start();
    topics::read(&fold(&next[..next.floor_char_boundary(MAX_OPENER)])).returns()
}

/// Whether the sentence that comes next warns of links, or asks for care in a few words.
fn warns(rest: &str) -> bool {
    let next = rest.trim_start();
    let next = fold(&next[..next.floor_char_boundary(MAX_OPENER)]);
    let first = next.split(['.', '!', '。']).next().unwrap_or_default();
    let short = first.split_whitespace().count() <= FEW_WORDS;
    let read = topics::read(&next);
    read.warns() || (short && topics::read(first).is_careful())
}

/// What a sentence is at its place: folded, without its label, and read. `apart`: at the end of a line, with words below it or, where it
/// starts one, above.
fn note(line: &str, read: &Read<'_>, place: Place, apart: &dyn Fn() -> bool) -> Option<Note> {
    let Place { below, warned, later, labelled } = place;
    let talks = || read.starts_note() && !read.warns() && !apart();
    let is_outside = || {
        let outside = read.is_banner() || (labelled && read.is_labelled_outside());
        outside && !WORDS.doubts.within(line) && !talks()
    };
    if NOTE_OPENERS.start(line) {
        if WORDS.banner.iter().any(|sentence| sentence.is(line))
            && !WORDS.doubts.within(line)
            && !talks()
            && !read.speaks_first()
        {
            return Some(Note::Banner);
        }
        // One short entry in a register may be what the ticket is about.
        let registers = !below && line.len() < SHORT_ENTRY && WORDS.registers.after_start(line).is_some();
        if !registers && WORDS.note.iter().any(|sentence| sentence.is(line)) {
            return Some(if is_outside() { Note::Banner } else { Note::Legal });
        }
    }
    let few = line.split_whitespace().count() <= FEW_WORDS;
    let cautions = warned && (read.warns() || (few && read.is_careful()));
    if is_outside() || cautions {
        return Some(Note::Banner);
    }
    let legal = (later && read.is_note() && !WORDS.doubts.within(line)) || (below && read.is_small_print());
    legal.then_some(Note::Legal)
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
        let label = label.or_else(|| {
            let rest = WORDS.banner_lines.after_start(line)?.trim_start().strip_prefix(':')?;
            Some(rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
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
