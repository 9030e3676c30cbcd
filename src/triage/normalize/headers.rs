//! The header block of a mail that is answered or passed on: lines `key: value` with a sender and a date.
//!
//! Four such lines tell themselves in any language; words of the usual languages are asked where a block has no address or no date.
//! Must never judge by a single line that people also type, such as `From:` alone, nor take a form about a person for a mail.

use super::contact_data::is_closing;
use super::facts::{Address, address, has_clock, is_dated};
use super::lines::{Line, Page, key_value};
use super::subject::{Hint, trace};
use super::words::{WORDS, is_greeting};

/// Lines of a header block, lists of recipients included.
const MAX_HEADERS: usize = 40;
/// Lines of a block in a language that nobody has told us of.
const MAX_UNKNOWN: usize = 9;
/// Headers that a mail program writes at least.
const COMPLETE: usize = 4;
/// A key's words and characters.
const KEY_WORDS: usize = 4;
const KEY_CHARS: usize = 28;
/// Fewer letters above a header block, as in "FYI", ask nothing about it.
const FEW_LETTERS: usize = 8;

/// A header block.
#[derive(Debug)]
pub(super) struct Headers {
    /// The line after its last.
    pub(super) end: usize,
    /// How many headers it has.
    pub(super) count: usize,
    /// What its own subject says.
    pub(super) hint: Hint,
    /// Its first key, folded.
    pub(super) first_key: String,
    /// The trace of its subject, or of each value where the keys are unknown.
    pub(super) subjects: Vec<u64>,
    seen: [bool; 6],
    address: bool,
    /// Whether only a mail program writes it so.
    certain: bool,
    /// Whether it names two senders, as a list does.
    twice: bool,
}

/// A "Key: value" of a mail's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    From,
    Date,
    To,
    Subject,
    Other,
    Raw,
}

fn header_key(folded: &str) -> Option<Key> {
    let (key, _) = key_value(folded)?;
    let words = &*WORDS;
    let tables = [
        (&words.from_keys, Key::From),
        (&words.date_keys, Key::Date),
        (&words.to_keys, Key::To),
        (&words.subject_keys, Key::Subject),
    ];
    if let Some((_, key)) = tables.iter().find(|(keys, _)| keys.is(key)) {
        return Some(*key);
    }
    if words.raw_keys.is(key) || (key.starts_with("x-") && !key.contains(' ')) {
        return Some(Key::Raw);
    }
    words.other_keys.is(key).then_some(Key::Other)
}

impl Headers {
    /// Whether sender, date, recipient and subject are all there.
    pub(super) fn is_complete(&self) -> bool {
        self.count >= COMPLETE
    }

    /// Whether this is a mail's head and no list of what a rule or a telephone shall do, nor the trace of a mail that is looked for:
    /// a subject that answers tells, a rule above, or a greeting below. Where no words stand above, a program's way to write a sender
    /// or a date tells too.
    pub(super) fn is_certain(&self, page: &Page<'_>, at: usize) -> bool {
        let (told, short) = (self.hint != Hint::None, words_above(page, at) < FEW_LETTERS);
        // Who has signed above is done.
        let signed = || page.live().take_while(|&i| i < at).any(|i| is_closing(page, i));
        is_led_in(page, at, self.end) || told || (self.certain && (short || signed()))
    }
}

/// Whether a rule above or a greeting below says that a mail starts.
fn is_led_in(page: &Page<'_>, at: usize, end: usize) -> bool {
    let ruled = at > 0 && is_rule(page, at - 1);
    let below = page.lines[end..].iter().find(|line| !line.is_blank());
    ruled || below.is_some_and(|line| is_greeting(&line.folded))
}

/// Letters above a line, greetings apart; as many as nobody has where the line right above leads to it.
fn words_above(page: &Page<'_>, at: usize) -> usize {
    let led_to = page.live_before(at).is_some_and(|i| page.lines[i].folded.ends_with(':'));
    let above = page.live().take_while(|&i| i < at).filter(|&i| !is_greeting(&page.lines[i].folded));
    if led_to { FEW_LETTERS } else { above.map(|i| page.lines[i].substance).sum() }
}

/// The name of whom a mail went to whose headers start at a line.
pub(super) fn recipient<'p>(page: &'p Page<'_>, at: usize) -> Option<&'p str> {
    let lines = page.lines.iter().enumerate().skip(at).take(MAX_UNKNOWN);
    let (to, _) = lines
        .take_while(|(_, line)| !line.is_blank())
        .find(|(_, l)| header_key(&l.folded) == Some(Key::To))?;
    let (_, value) = page.raw(to).split_once([':', '：'])?;
    let name = value.split(['<', '[', '(', ';']).next()?;
    Some(name.trim_matches(|c: char| c.is_whitespace() || "\"'*".contains(c))).filter(|name| !name.is_empty())
}

/// The header block that starts at a line, if one does.
pub(super) fn block(page: &Page<'_>, at: usize) -> Option<Headers> {
    let folded = &page.lines[at].folded;
    let (key, value) = key_value(folded)?;
    if let Some(headers) = in_one_line(folded, at) {
        return Some(headers);
    }
    let known = header_key(folded);
    if known.is_none() && !is_key(key, value) {
        return None;
    }
    // A number at the end of a name block right above a mail.
    if known.is_none() && WORDS.contact_labels.is(key) && page.lines.get(at + 1).is_none_or(Line::is_blank) {
        return None;
    }
    let starts = at == 0
        || !page.lines[at - 1].is_live()
        || key_value(&page.lines[at - 1].folded).is_none_or(|(key, value)| !is_key(key, value));
    if matches!(known, Some(Key::From | Key::Raw)) || starts {
        let headers = Headers::read(page, at);
        if headers.are_a_mails() {
            return Some(headers);
        }
    }
    if starts { unknown(page, at) } else { None }
}

/// A block that lost its line ends on the way: `From: ... Sent: ... To: ... Subject: ...`.
fn in_one_line(folded: &str, at: usize) -> Option<Headers> {
    let mut headers = Headers::empty(at);
    for (colon, _) in folded.match_indices(": ") {
        let before = &folded[..colon];
        let starts = before.rmatch_indices(' ').map(|(blank, _)| blank + 1).take(2).chain([0]);
        let known = starts.filter_map(|start| header_key(&folded[start..]).map(|key| (key, start))).next();
        if let Some((key, start)) = known.filter(|&(key, _)| headers.count > 0 || key == Key::From) {
            headers.take(key, &folded[start..]);
        }
    }
    headers.end = at + 1;
    headers.certain = true;
    (headers.count >= 3 && headers.are_a_mails() && is_dated(folded)).then_some(headers)
}

/// A block whose keys may be in any language: three lines or four, a sender with an address, and a date.
fn unknown(page: &Page<'_>, at: usize) -> Option<Headers> {
    let mut read = Headers::empty(at);
    let (mut bracketed, mut bare, mut dated, mut timed, mut known) = (false, false, false, false, 0);
    let mut open = false;
    for (i, line) in page.lines.iter().enumerate().skip(at).take(MAX_HEADERS) {
        if line.is_blank() {
            if blank_inside(page, i, read.count, |l| shaped(l).is_some()) {
                continue;
            }
            break;
        }
        let Some((key, value)) = shaped(line) else {
            if open && read.count > 0 && (line.folded.contains('@') || line.folded.ends_with(';')) {
                read.end = i + 1;
                open = line.folded.ends_with([';', ',']);
                continue;
            }
            break;
        };
        if read.count == 0 {
            // "We look for this mail:"
            if value.is_empty() {
                return None;
            }
            read.first_key = key.to_owned();
        }
        read.count += 1;
        let is_known = header_key(&line.folded).is_some();
        if !is_known && WORDS.alert_keys.is(key) {
            return None;
        }
        known += usize::from(is_known);
        let found = if read.count <= 3 && !WORDS.contact_labels.is(key) { address(value) } else { None };
        bracketed |= found == Some(Address::Bracketed);
        bare |= found.is_some();
        let is_date = found.is_none() && is_dated(value);
        dated |= is_date;
        timed |= is_date && has_clock(value);
        read.hint = Hint::of(value);
        read.subjects.push(trace(value));
        open = value.ends_with([';', ',']);
        read.end = i + 1;
    }
    let ruled = at > 0 && is_rule(page, at - 1);
    let enough = read.count >= 4 || (read.count == 3 && (ruled || known >= 2));
    let prefixed = read.count >= 4 && read.hint != Hint::None;
    let told = || known >= 2 || prefixed || is_led_in(page, at, read.end);
    let sender = bracketed || (bare && timed && told()) || (timed && (prefixed || (ruled && known > 0)));
    read.certain = bracketed || ruled || known >= 2;
    (enough && read.count <= MAX_UNKNOWN && sender && dated).then_some(read)
}

fn shaped(line: &Line) -> Option<(&str, &str)> {
    key_value(&line.folded).filter(|(key, value)| is_key(key, value))
}

/// Whether something may be the key of a header: a few words, no number, no path.
fn is_key(key: &str, value: &str) -> bool {
    !key.is_empty()
        && key.chars().count() <= KEY_CHARS
        && key.split_whitespace().count() <= KEY_WORDS
        && key.chars().any(char::is_alphabetic)
        && !key.contains(|c: char| c.is_numeric() || "@<>/\\?!.;,=".contains(c))
        && !value.starts_with("//")
}

/// A blank line between two headers, as HTML paragraphs leave it.
fn blank_inside(page: &Page<'_>, at: usize, count: usize, is_header: impl Fn(&Line) -> bool) -> bool {
    count > 0 && page.lines.get(at + 1).is_some_and(is_header)
}

/// A line of dashes or underscores.
pub(super) fn is_rule(page: &Page<'_>, at: usize) -> bool {
    let line = &page.lines[at].folded;
    line.len() >= 3 && line.bytes().all(|b| b"-_=".contains(&b))
}

impl Headers {
    fn empty(at: usize) -> Self {
        Self {
            end: at,
            count: 0,
            hint: Hint::None,
            first_key: String::new(),
            subjects: Vec::new(),
            seen: [false; 6],
            address: false,
            certain: false,
            twice: false,
        }
    }

    /// The headers at `start` whose keys are known.
    pub(super) fn read(page: &Page<'_>, start: usize) -> Self {
        let mut headers = Self::empty(start);
        let mut last = None;
        for (at, line) in page.lines.iter().enumerate().skip(start).take(MAX_HEADERS) {
            let key = header_key(&line.folded);
            let goes_on = match last {
                Some(Key::Raw) => {
                    !line.is_blank() && (line.folded.contains('=') || line.folded.contains(';'))
                }
                Some(Key::To | Key::Other) => line.folded.contains('@') || line.folded.ends_with(';'),
                _ => false,
            };
            if let Some(key) = key {
                headers.take(key, &line.folded);
                last = Some(key);
            } else if line.is_blank()
                && blank_inside(page, at, headers.count, |l| header_key(&l.folded).is_some())
            {
                continue;
            } else if !goes_on {
                break;
            }
            headers.end = at + 1;
        }
        headers
    }

    fn take(&mut self, key: Key, folded: &str) {
        let (name, value) = key_value(folded).unwrap_or_default();
        if self.count == 0 {
            self.first_key = name.to_owned();
        }
        if key == Key::Subject && self.hint == Hint::None {
            self.hint = Hint::of(value);
            self.subjects.push(trace(value));
        }
        self.certain |= match key {
            Key::From => address(value) == Some(Address::Bracketed),
            Key::Date => has_clock(value) || self.address,
            Key::Subject => self.hint != Hint::None,
            Key::Raw => true,
            Key::To | Key::Other => false,
        };
        self.twice |= key == Key::From && self.seen[Key::From as usize];
        self.seen[key as usize] = true;
        self.count += 1;
        self.address |= key == Key::From && folded.contains('@');
    }

    /// A sender and a subject with a date, recipients or an address; or a sender with an address and a date; or two headers of a raw
    /// mail. People ask for a shift "From: ... To: ..." too.
    fn are_a_mails(&self) -> bool {
        if self.twice {
            return false;
        }
        let seen = |key: Key| self.seen[key as usize];
        let subject = seen(Key::Subject) && (self.address || seen(Key::Date) || seen(Key::To));
        let read = seen(Key::From) && (subject || (seen(Key::Date) && self.address));
        read || (seen(Key::Raw) && self.count >= 2)
    }
}
