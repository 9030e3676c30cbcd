//! Signatures: a name block at the end, below the delimiter `--`, below a closing phrase, or above telephone numbers and addresses.
//!
//! Must never cut a line that reads like a request, nor what follows a colon: a number, an address or a name may be what the ticket
//! is about.

use std::ops::Range;

use super::contact_data::{
    MAX_CLOSING, MAX_LENGTH, PARTS, has_phone, is_closing, is_closing_text, is_contact, is_firm, is_register,
    is_request, is_short, items, phones, starts_with_name,
};
use super::facts::{digits, is_prose, is_sentence, is_uncased};
use super::headers;
use super::lines::{Fate, MARKED, Page};
use super::name_block::{self, Signer};
use super::removed::Kind;
use super::topics;
use super::words::{WORDS, is_greeting};

/// Lines at the end of a text among which a signature is looked for.
const MAX_LINES: usize = 20;
/// Characters of small print below a name block, at least.
const SMALL_PRINT: usize = 60;
/// Words of a closing phrase that nobody has told us of, at most.
const CLOSING_WORDS: usize = 5;
/// Lines of a name block without a closing phrase, at most.
const MAX_BLOCK: usize = 12;
/// Lines of a slogan, at most.
const SLOGAN: usize = 2;
/// Words of a title, at most.
const TITLE_WORDS: usize = 7;
/// Words of a postal address in one line, at most.
const PLACE_WORDS: usize = 12;
/// As many numbers without a mail address are a list.
const MANY_PHONES: usize = 3;
/// Parts of a line that is a signature by itself, at least.
const SIGNED_PARTS: usize = 3;
/// Characters of a name in a script without capitals, at most.
const UNCASED_NAME: usize = 6;
/// Lines above a name block in which words announce it.
const ANNOUNCED: usize = 3;

/// Marks signatures for cutting.
pub(super) fn mark(page: &mut Page<'_>, signer: &Signer<'_>) {
    let mut tail: Vec<usize> = page.live().rev().take(MAX_LINES + 1).collect();
    tail.reverse();
    let whole = |start: usize| start..page.lines.len();
    let block = delimited(page, &tail, signer)
        .or_else(|| closed(page, &tail, signer))
        .or_else(|| above_mail(page))
        .or_else(|| ruled(page, &tail).map(whole))
        .or_else(|| contacts(page, &tail, signer).map(whole));
    if let Some(block) = block.filter(|block| is_ones_own(page, block.start, signer)) {
        page.cut(block, Kind::Signature);
    }
}

/// Whether a block stands below words that it signs, which neither lead to it nor are about it.
fn is_ones_own(page: &Page<'_>, start: usize, signer: &Signer<'_>) -> bool {
    let is_led_to = page.live_before(start).is_some_and(|i| page.lines[i].folded.ends_with(':'));
    !is_led_to
        && !name_block::is_on_signatures(page, start)
        && (name_block::has_words_above(page, start)
            || (signer.may_be_empty && is_plainly_closed(page, start)))
}

/// A closing phrase with a capital, a name below it.
fn is_plainly_closed(page: &Page<'_>, start: usize) -> bool {
    let capital = page.raw(start).chars().find(|c| c.is_alphabetic()).is_none_or(|c| !c.is_lowercase());
    let below = page.live().find(|&i| i > start);
    capital && below.is_none_or(|i| starts_with_name(page.raw(i)) || is_contact(page, i))
}

/// Below the last delimiter stands a name block. A line `--` in a log, a list or a query has none below it.
fn delimited(page: &Page<'_>, tail: &[usize], signer: &Signer<'_>) -> Option<Range<usize>> {
    let is_delimiter = |i: &usize| matches!(page.lines[*i].folded.as_str(), "--" | MARKED);
    let at = tail.iter().rposition(is_delimiter)?;
    let (below, end) = name_block::above_data(page, &tail[at + 1..]);
    let marked = page.lines[tail[at]].folded == MARKED;
    let repeated = tail[..at].iter().any(is_delimiter);
    let named = below.first().is_none_or(|&i| starts_with_name(page.raw(i)));
    let contacts = below.iter().any(|&i| is_contact(page, i));
    let fits = below.iter().all(|&i| may_be_signed(page, i)) || is_block(page, tail[at], below, signer);
    // In a query, `--` starts a comment.
    let apart = contacts || end < page.lines.len() || stands_apart(page, tail[at]);
    (fits && (marked || (named && apart && (!repeated || contacts)))).then(|| tail[at]..end)
}

/// Below a blank line, a closing phrase or a whole sentence.
fn stands_apart(page: &Page<'_>, line: usize) -> bool {
    line == 0
        || page.lines[line - 1].is_blank()
        || !page.lines[line - 1].is_live()
        || is_closing(page, line - 1)
        || page.raw(line - 1).ends_with(|c: char| ".!?…。！？؟।".contains(c))
}

/// Below the last closing phrase stands a name block; what an unknown phrase closes shows a name and contact data below.
fn closed(page: &Page<'_>, tail: &[usize], signer: &Signer<'_>) -> Option<Range<usize>> {
    if let Some(at) = tail.iter().rposition(|&line| is_closing(page, line)) {
        let (below, end) = name_block::above_data(page, &tail[at + 1..]);
        return is_block(page, tail[at], below, signer).then(|| tail[at]..end);
    }
    let at = (1..tail.len().saturating_sub(1)).rev().find(|&at| {
        let block = &tail[at + 1..];
        starts_with_name(page.raw(block[0]))
            && block.iter().any(|&i| items(page, i) > 0)
            && may_close(page, tail[at])
    })?;
    let start = if ends_with_closing(page, tail[at]) { at + 1 } else { at };
    let (below, end) = name_block::above_data(page, &tail[at + 1..]);
    is_block(page, tail[at], below, signer).then(|| tail[start]..end)
}

/// Whether a line may be the closing phrase of a language that nobody has told us of, or ends with one that is known.
fn may_close(page: &Page<'_>, line: usize) -> bool {
    let raw = page.raw(line);
    let comma = raw.ends_with([',', '،', '、', '，']) && raw.split_whitespace().count() <= CLOSING_WORDS;
    (comma && !is_greeting(&page.lines[line].folded) && !is_request(&page.lines[line].folded))
        || ends_with_closing(page, line)
}

fn ends_with_closing(page: &Page<'_>, line: usize) -> bool {
    let folded = page.lines[line].folded.trim_end_matches(|c: char| !c.is_alphanumeric());
    folded.len() > MAX_CLOSING / 4 && WORDS.closings.end_as_words(folded) && !is_closing(page, line)
}

/// Whether lines below a closing phrase are the sender's name block, and small print at most below it.
fn is_block(page: &Page<'_>, closing: usize, below: &[usize], signer: &Signer<'_>) -> bool {
    let Some(&first) = below.first() else { return true };
    let own = signer.agrees(page.raw(first)) == Some(true);
    if !may_name(page, first) {
        return false;
    }
    if signer.noted && name_block::is_office(page, closing, below) {
        return true;
    }
    if !own && name_block::is_list(page, closing, below) {
        return false;
    }
    // Between a name and its numbers, a title or an address may look like running text.
    let named = starts_with_name(page.raw(first));
    let last = below.iter().rposition(|&i| named && items(page, i) > 0).map_or(0, |at| at + 1);
    let (block, rest) = below.split_at(last);
    block.iter().all(|&i| may_stand_in_block(page, i))
        && (rest.iter().all(|&i| may_be_signed(page, i) || (named && is_short_title(page.raw(i))))
            || (last > 0 && (is_small_print(page, rest) || is_slogan(page, block, rest))))
}

fn may_stand_in_block(page: &Page<'_>, line: usize) -> bool {
    is_short(page, line)
        && !is_request(&page.lines[line].folded)
        && (items(page, line) > 0 || is_firm(&page.lines[line].folded) || !is_sentence(page.raw(line)))
}

/// A title of few words in a script without capitals.
fn is_short_title(raw: &str) -> bool {
    raw.split_whitespace().count() <= 3 && !is_sentence(raw) && !raw.ends_with(['.', '!', '。', '।', '！'])
}

/// Prose below a whole name block that asks nothing, and in which nobody speaks of himself: a slogan or a notice.
fn is_small_print(page: &Page<'_>, lines: &[usize]) -> bool {
    let Some(&first) = lines.first() else { return true };
    let chars: usize = lines.iter().map(|&i| page.raw(i).chars().count()).sum();
    let apart = first > 0 && (page.lines[first - 1].is_blank() || chars > MAX_LENGTH);
    let speaks = |&i: &usize| {
        let folded = &page.lines[i].folded;
        is_request_of_ones_own(folded) || WORDS.postscripts.start(folded)
    };
    apart
        && chars >= SMALL_PRINT
        && !lines.iter().any(speaks)
        && lines.iter().any(|&i| is_legal(&page.lines[i].folded))
}

/// Small print by itself, or the start of a note that goes on as one and tells of no number.
fn is_legal(folded: &str) -> bool {
    let read = topics::read(folded);
    read.is_small_print() || (read.opens() && read.goes_on() && digits(folded) == 0)
}

/// A line or two right below at least two pieces of contact data in which nobody asks or speaks of himself.
fn is_slogan(page: &Page<'_>, block: &[usize], rest: &[usize]) -> bool {
    let Some((&last, &end)) = block.last().zip(rest.last()) else { return false };
    let found: usize = block.iter().map(|&i| items(page, i)).sum();
    let says = |&i: &usize| {
        let folded = &page.lines[i].folded;
        is_request(folded)
            || is_request_of_ones_own(folded)
            || WORDS.postscripts.start(folded)
            || wants(folded)
    };
    found >= 2 && end - last == rest.len() && rest.len() <= SLOGAN && !rest.iter().any(says)
}

/// Whether a line below a name block names a thing that people ask for.
fn wants(folded: &str) -> bool {
    WORDS.wanted.within(&format!(" {folded} "))
}

fn is_request_of_ones_own(folded: &str) -> bool {
    topics::read(folded).is_personal()
}

/// Where the sender's name begins: the byte after the last closing phrase or delimiter.
pub(super) fn signed_at(whole: &str) -> usize {
    let mut end = whole.len();
    for line in whole.split_inclusive('\n').rev() {
        let raw = line.trim();
        if raw == "--" || raw == MARKED || (raw.len() <= MAX_CLOSING && is_closing_text(raw)) {
            return end;
        }
        end -= line.len();
    }
    whole.len()
}

/// Whether a line may stand right below a closing phrase: a name, a short form of one, or contact data.
fn may_name(page: &Page<'_>, line: usize) -> bool {
    let raw = page.raw(line);
    let one_word = raw.split_whitespace().count() == 1 && raw.chars().count() <= 20;
    let capital = raw.chars().find(|c| c.is_alphabetic()).is_none_or(|c| !c.is_lowercase());
    starts_with_name(raw)
        || is_contact(page, line)
        || (one_word && !raw.ends_with(['.', '!']))
        || (capital && raw.split_whitespace().count() <= 6)
}

/// Between rules, as Japanese programs draw them, or below one, stands a name block with contact data.
fn ruled(page: &Page<'_>, tail: &[usize]) -> Option<usize> {
    let closing = tail.iter().rev().take_while(|&&i| is_drawn_rule(page.raw(i))).count();
    let body = &tail[..tail.len() - closing];
    let at = body.iter().rposition(|&i| is_drawn_rule(page.raw(i)))?;
    let block = &body[at + 1..];
    let inner: Vec<usize> = block.iter().copied().filter(|&i| !is_drawn_rule(page.raw(i))).collect();
    let found: usize = inner.iter().map(|&i| items(page, i)).sum();
    let short = inner.first().is_some_and(|&i| !is_sentence(page.raw(i)) && items(page, i) == 0);
    (found > 0 && (closing > 0 || found > 1) && short && inner.iter().all(|&i| may_stand_in_block(page, i)))
        .then(|| body[at])
}

/// Right above another mail's head stands the block of the person to whom that mail went, or one with a firm and a labelled number.
fn above_mail(page: &Page<'_>) -> Option<Range<usize>> {
    let is_mail = |fate| matches!(fate, Fate::Cut(Kind::Quote | Kind::Header));
    let head = page.lines.iter().position(|line| is_mail(line.fate) && line.substance > 0)?;
    let end = (0..head).rev().find(|&i| !page.lines[i].is_blank())? + 1;
    let above = (0..end).rev().take(MAX_BLOCK).take_while(|&i| !page.lines[i].is_blank());
    let start = above.last()?;
    let whose = headers::recipient(page, head);
    let named = (start..end).find(|&i| whose.is_some_and(|whose| whose == page.raw(i)));
    let firm =
        || (start..end).any(|i| is_firm(&page.lines[i].folded)) && (start..end).any(|i| has_phone(page, i));
    let name = page.raw(start);
    let unnamed = || is_uncased(name) && name.chars().count() <= UNCASED_NAME && firm();
    let start = named.or_else(|| unnamed().then_some(start))?;
    let fits = |i: usize| {
        let raw = page.raw(i);
        raw.chars().count() <= MAX_LENGTH
            && !is_request(&page.lines[i].folded)
            && !is_sentence(raw)
            && !raw.ends_with([':', '：', '?', '？', '!', '！', '。'])
            && !name_block::is_data(page, i)
    };
    (start + 1 < end && (start..end).all(fits)).then_some(start..end)
}

/// One sign or several, drawn as a line: `━━━`, `***`, `◆◇◆`.
fn is_drawn_rule(raw: &str) -> bool {
    raw.chars().count() >= 3 && raw.chars().all(|c| !c.is_alphanumeric() && !"|.,;:!?()[]{}<>'\"".contains(c))
}

/// A name, its titles, then two pieces of contact data or more at the very end, one of them a telephone number. Where a signature
/// was cut below, this is somebody else's.
fn contacts(page: &Page<'_>, tail: &[usize], signer: &Signer<'_>) -> Option<usize> {
    if signer.signed {
        return None;
    }
    let fits = |&&i: &&usize| {
        !name_block::is_data(page, i)
            && (items(page, i) > 0 || starts_with_name(page.raw(i)) || is_title(page.raw(i)))
    };
    let block: Vec<usize> = tail.iter().rev().take(MAX_BLOCK).take_while(fits).copied().collect();
    let last = block.iter().position(|&i| items(page, i) > 0).filter(|&at| at <= 1)?;
    // What somebody says below is no part of it.
    let below = block[0];
    let apart = below > 0 && page.lines[below - 1].is_blank();
    if last == 1 && (wants(&page.lines[below].folded) || (apart && is_prose(page.raw(below)))) {
        return None;
    }
    let (mut found, mut phone, mut entry) = (0, false, false);
    for &line in &block[last..] {
        let has_phone = has_phone(page, line);
        if entry && has_phone {
            // A list of several people's numbers.
            return None;
        }
        found += items(page, line);
        phone |= has_phone;
        let whole = page.raw(line).split(['|', '·', '•']).count() >= SIGNED_PARTS && items(page, line) > 0;
        found += usize::from(whole);
        phone |= whole;
        let named = (whole || items(page, line) == 0) && starts_with_name(page.raw(line));
        entry |= named && phone;
        if found < 2 || !phone || !named || is_firm(&page.lines[line].folded) {
            continue;
        }
        let Some(start) = apart_from(page, line) else { continue };
        return is_writers(page, start..line, signer).then_some(start);
    }
    None
}

/// Whether the block whose name is at the end of `lead` is the writer's, and not what the ticket is about.
fn is_writers(page: &Page<'_>, lead: Range<usize>, signer: &Signer<'_>) -> bool {
    let mut known = (lead.start..=lead.end).filter_map(|i| signer.agrees(page.raw(i))).peekable();
    let told = known.peek().is_some();
    if is_announced(page, lead.start) || (told && !known.any(|agrees| agrees)) {
        return false;
    }
    let below = lead.end..page.lines.len();
    let numbers: usize = below.clone().map(|i| phones(page, i)).sum();
    let mail = below.into_iter().any(|i| page.lines[i].folded.contains('@'));
    told || ((numbers < MANY_PHONES || mail) && !name_block::is_heading(page, lead.start))
}

/// Where the block of a name begins: at its line, or at the line above it where that closes. What no full stop ends leads to the
/// name: `an account for the new colleague`.
fn apart_from(page: &Page<'_>, line: usize) -> Option<usize> {
    // Thai has no full stop.
    let is_end = |c: char| ".!?…。！？؟।)".contains(c) || ('\u{e00}'..='\u{e7f}').contains(&c);
    let ends = |line: usize| page.raw(line).ends_with(is_end);
    let above = page.live_before(line)?;
    let short = page.raw(above).split_whitespace().count() <= CLOSING_WORDS && !is_sentence(page.raw(above));
    let closes = !page.lines[above].folded.ends_with(':')
        && !is_greeting(&page.lines[above].folded)
        && !is_request(&page.lines[above].folded)
        && (may_close(page, above) || (short && above + 1 == line))
        && page.live_before(above).is_some_and(ends);
    if closes && !ends_with_closing(page, above) {
        return Some(above);
    }
    (ends(above) || ends_with_closing(page, above)).then_some(line)
}

/// A line such as "Head of Sales" or "1 High Street, London" between a name and its numbers.
fn is_title(raw: &str) -> bool {
    let place = digits(raw) > 0 && raw.contains(PARTS);
    let most = if place { PLACE_WORDS } else { TITLE_WORDS };
    raw.split_whitespace().count() <= most && !is_sentence(raw) && !raw.ends_with([':', '?', '!', '。'])
}

/// Whether words above a name block say that it is about that person.
fn is_announced(page: &Page<'_>, start: usize) -> bool {
    let above = (0..start).rev().filter(|&i| page.lines[i].is_live() && !page.lines[i].is_blank());
    above.take(ANNOUNCED).any(|i| WORDS.introducers.within(&page.lines[i].folded))
}

/// A short line that asks for nothing and reports nothing.
fn may_be_signed(page: &Page<'_>, line: usize) -> bool {
    is_short(page, line)
        && !is_request(&page.lines[line].folded)
        && (!is_prose(page.raw(line)) || is_register(&page.lines[line].folded))
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut(text: &str) -> String {
        let text = Text::new(text);
        let mut page = Page::new(&text);
        page.attempt(super::super::phone_lines::mark);
        page.attempt(|page| mark(page, &Signer::default()));
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    #[test]
    fn closings_take_the_block_below() {
        for closing in [
            "Kind regards,\nJo Doe\nOffice Manager\nAcme Ltd\n+44 20 7946 0000",
            "Thanks, Jo",
            "Thanks!",
            "Mit freundlichen Grüßen\n\nMax Muster\nMusterfirma GmbH\nHauptstr. 1, 10115 Berlin",
            "Cordialement,\nJeanne Dupont",
            "Saludos,\nAna",
            "Met vriendelijke groet,\nJan",
            "-- \nJo Doe | Acme | www.acme.example",
            "Sent from my iPhone",
            "Von meinem iPhone gesendet",
            "\nJo Doe\nTel: 020 7946 0000\nwww.acme.example",
        ] {
            assert_eq!(
                cut(&format!("The printer is broken.\n{closing}")),
                "The printer is broken.",
                "{closing}"
            );
        }
    }

    #[test]
    fn requests_are_never_cut() {
        for text in [
            "Thanks for looking at the printer\nIt fails on floor 2",
            "Hi\nThanks,\nCan you also reset my password?",
            "Printer broken\nRegards\nJo\nPS the scanner does not work",
            "Best laptop for video work",
            "See\n-- \nplease call me, the VPN is down",
            "Servers down:\n10.0.0.1\n10.0.0.2",
            "This link fails:\nhttps://example.com/a",
            "Thanks",
        ] {
            assert_eq!(cut(text), text);
        }
    }
}
