//! Dates that can be read in one way only, in any usual spelling.
//!
//! A text is cut into numbers, words and marks; time, offset and date are found by their form, whatever the order. Must never
//! choose between two readings: where day and month could change places, the text is [ambiguous](Unread::Ambiguous), and what is
//! left over when all is read makes it [unknown](Unread::Unknown).

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::Found;

/// Longer text is no date.
const LONGEST: usize = 80;
/// The month of each name, from 1.
static MONTHS: LazyLock<HashMap<&str, i8>> = LazyLock::new(|| {
    let lines = include_str!("months.txt").lines().filter(|line| !line.starts_with('#'));
    lines.zip(1..).flat_map(|(line, month)| line.split_whitespace().map(move |name| (name, month))).collect()
});

/// Why a text is no date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// Several readings: the formats that read it, the likeliest first.
    Ambiguous(Vec<String>),
    /// None.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Word,
    Mark,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    /// Where it begins, in bytes.
    at: usize,
    /// Part of the time or the offset, or without meaning.
    used: bool,
}

impl Token<'_> {
    fn number(&self) -> Option<i64> {
        (self.kind == Kind::Number && self.text.len() <= 9).then(|| self.text.parse().ok()).flatten()
    }

    fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    fn month(&self) -> Option<i8> {
        MONTHS.get(self.text).copied()
    }
}

/// A date that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clear {
    pub(super) found: Found,
    /// Whether other dates of this form can be read in several ways: `29/2/2016` is clear by its numbers alone.
    pub(super) by_numbers: bool,
    /// Of a date that is clear by its numbers, whether the day stands before the month.
    pub(super) day_first: Option<bool>,
}

impl From<Found> for Clear {
    fn from(found: Found) -> Self {
        Self { found, by_numbers: false, day_first: None }
    }
}

/// A number or month of the date, and where it stands.
type Part<'t> = Token<'t>;

/// Reads `text`.
pub(super) fn read(text: &str) -> Result<Clear, Unread> {
    if text.len() > LONGEST {
        return Err(Unread::Unknown);
    }
    let plain = plain(text);
    if let Some(found) = packed(&plain) {
        return Ok(found.into());
    }
    let mut tokens = tokens(&plain);
    let (time, time_format) = take_time(&mut tokens).ok_or(Unread::Unknown)?;
    let offset = take_offset(&mut tokens);
    skip_fillers(&mut tokens);
    let parts: Vec<Part<'_>> = tokens.iter().filter(|t| !t.used && t.kind != Kind::Mark).copied().collect();
    let marks: Vec<&str> =
        tokens.iter().filter(|t| !t.used && t.kind == Kind::Mark).map(|t| t.text).collect();
    if !marks.iter().all(|mark| "/-.,".contains(mark)) {
        return Err(Unread::Unknown);
    }
    let day = date(&parts, &marks).map_err(|readings| match readings.len() {
        0 => Unread::Unknown,
        _ => {
            let format = |names: &Names| format_of(&plain, &parts, *names, &time_format);
            Unread::Ambiguous(readings.iter().map(format).collect())
        }
    })?;
    let local = day.date.to_datetime(time);
    let found = match offset {
        None => Found::Local(local),
        Some(offset) => Found::Instant(instant(local, offset).ok_or(Unread::Unknown)?),
    };
    Ok(Clear { found, by_numbers: day.by_numbers, day_first: day.day_first })
}

fn instant(local: DateTime, offset: Offset) -> Option<Timestamp> {
    offset.to_timestamp(local).ok()
}

/// In lower case, with plain blanks, without what stands in parentheses, and with marks for the words of Chinese, Japanese and
/// Korean dates.
fn plain(text: &str) -> String {
    let text = match (text.find('('), text.ends_with(')')) {
        (Some(open), true) => &text[..open],
        _ => text,
    };
    let text = text.to_lowercase().replace("a. m.", "am").replace("p. m.", "pm");
    let text = text.replace("a.m.", "am").replace("p.m.", "pm");
    let replaced = text.chars().map(|c| match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '日' | '일' => ' ',
        '年' | '月' | '년' | '월' => '-',
        '：' => ':',
        '／' => '/',
        c => c,
    });
    replaced.collect::<String>().trim().to_owned()
}

/// `20240304`, `20240304T0912`, `20240304T091233Z`.
fn packed(text: &str) -> Option<Found> {
    let (date, rest) = text.split_at_checked(8)?;
    if !date.bytes().all(|b| b.is_ascii_digit()) || !matches!(date.get(..2), Some("19" | "20")) {
        return None;
    }
    let number = |digits: &str| digits.parse::<i8>().ok();
    let day = Date::new(date[..4].parse().ok()?, number(&date[4..6])?, number(&date[6..])?).ok()?;
    if rest.is_empty() {
        return Some(Found::Local(day.to_datetime(Time::midnight())));
    }
    let (rest, is_utc) = match rest.strip_suffix('z') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let clock = rest.strip_prefix(['t', ' '])?;
    if !matches!(clock.len(), 4 | 6) || !clock.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let second = clock.get(4..).filter(|s| !s.is_empty()).map_or(Some(0), number)?;
    let local = day.to_datetime(Time::new(number(&clock[..2])?, number(&clock[2..4])?, second, 0).ok()?);
    match is_utc {
        true => instant(local, Offset::UTC).map(Found::Instant),
        false => Some(Found::Local(local)),
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let kind = |c: char| match c {
        _ if c.is_ascii_digit() => Some(Kind::Number),
        _ if c.is_alphabetic() => Some(Kind::Word),
        _ if c.is_whitespace() => None,
        _ => Some(Kind::Mark),
    };
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut last = None;
    for (at, c) in text.char_indices() {
        let this = kind(c);
        let goes_on = this == last && this != Some(Kind::Mark);
        last = this;
        let Some(kind) = this else { continue };
        match tokens.last_mut() {
            Some(token) if goes_on => token.text = &text[token.at..at + c.len_utf8()],
            _ => tokens.push(Token { kind, text: &text[at..at + c.len_utf8()], at, used: false }),
        }
    }
    tokens
}

/// Finds `9:12`, `09:12:33.5`, `9:12 pm`, `9 am`, `9h12`; midnight where there is none. Gives the time, and its form in
/// `strptime` letters by the token at which each number stands. `None` where there is no such time of day.
fn take_time(tokens: &mut [Token<'_>]) -> Option<(Time, Vec<(usize, &'static str)>)> {
    let (mut numbers, mut form) = (Vec::new(), Vec::new());
    let clock = tokens.windows(3).position(|w| {
        let between = w[1].is(":") || matches!(w[1].text, "h" | "u");
        w[0].kind == Kind::Number && between && w[2].kind == Kind::Number && w[2].text.len() == 2
    });
    let meridiem = |token: Option<&Token<'_>>| match token.map(|t| t.text) {
        Some("am") => Some(false),
        Some("pm") => Some(true),
        _ => None,
    };
    let mut end;
    let start = match clock {
        Some(start) => {
            numbers.extend([tokens[start].number()?, tokens[start + 2].number()?]);
            end = start + 3;
            if let [colon, second, ..] = &tokens[end..]
                && colon.is(":")
            {
                numbers.push(second.number()?);
                end += 2;
                if let [point, fraction, ..] = &tokens[end..]
                    && (point.is(".") || point.is(","))
                    && fraction.kind == Kind::Number
                    && fraction.at == point.at + 1
                {
                    end += 2;
                }
            }
            start
        }
        // "9 am", a number of its own before it.
        None => match tokens.windows(2).position(|w| w[0].number().is_some() && meridiem(w.get(1)).is_some())
        {
            Some(start) => {
                numbers.push(tokens[start].number()?);
                end = start + 1;
                start
            }
            None => return Some((Time::midnight(), form)),
        },
    };
    let half = meridiem(tokens.get(end));
    let hour = match (half, numbers[0]) {
        (None, hour) => hour,
        (Some(is_pm), hour @ 1..=12) => hour % 12 + if is_pm { 12 } else { 0 },
        // "13:05 PM" is written by programs that know no better.
        (Some(true), hour @ 13..=23) => hour,
        _ => return None,
    };
    let names = [if half.is_some() { "%I" } else { "%H" }, "%M", "%S"];
    form.extend(numbers.iter().zip(names).enumerate().map(|(i, (_, name))| (tokens[start + 2 * i].at, name)));
    if half.is_some() {
        form.push((tokens[end].at, "%p"));
        end += 1;
    }
    tokens[start..end].iter_mut().for_each(|token| token.used = true);
    let at = |i: usize| numbers.get(i).copied().unwrap_or(0).try_into().ok();
    Some((Time::new(i8::try_from(hour).ok()?, at(1)?, at(2)?, 0).ok()?, form))
}

/// Finds `Z`, `UTC`, `GMT`, `+0100`, `-11:00`, `GMT+1` behind the time.
fn take_offset(tokens: &mut [Token<'_>]) -> Option<Offset> {
    let after = tokens.iter().rposition(|token| token.used)? + 1;
    let rest = &mut tokens[after..];
    let name = usize::from(rest.first().is_some_and(|t| matches!(t.text, "z" | "utc" | "gmt")));
    let sign = rest.get(name).and_then(|t| match t.text {
        "+" => Some(1),
        "-" | "\u{2212}" => Some(-1),
        _ => None,
    });
    let Some(sign) = sign else {
        rest[..name].iter_mut().for_each(|token| token.used = true);
        return (name > 0).then_some(Offset::UTC);
    };
    let hours = rest.get(name + 1)?;
    let (hour, minute, length) = match (hours.text.len(), rest.get(name + 2), rest.get(name + 3)) {
        (1 | 2, Some(colon), Some(minute)) if colon.is(":") => (hours.number()?, minute.number()?, 4),
        (1 | 2, ..) => (hours.number()?, 0, 2),
        (4, ..) => (hours.number()? / 100, hours.number()? % 100, 2),
        _ => return None,
    };
    let seconds = i32::try_from(sign * (hour * 3600 + minute * 60)).ok().filter(|_| minute < 60)?;
    let offset = Offset::from_seconds(seconds).ok()?;
    rest[..name + length].iter_mut().for_each(|token| token.used = true);
    Some(offset)
}

/// Words that stand in dates and say nothing: days of the week in words that end in one way, and what joins date and time.
fn skip_fillers(tokens: &mut [Token<'_>]) {
    const FILLERS: [&str; 26] = [
        "t", "at", "um", "uhr", "on", "à", "a", "de", "del", "of", "th", "st", "nd", "rd", "er", "le", "den",
        "der", "kl", "klo", "om", "alle", "ore", "o", "г", "р",
    ];
    for i in 0..tokens.len() {
        let token = tokens[i];
        let is_word = token.kind == Kind::Word && !token.used;
        // A first word that is no month is the day of the week.
        let is_weekday = i == 0 && token.month().is_none() && token.text.chars().count() > 1;
        let follows = tokens.get(i + 1).is_some_and(|next| matches!(next.text, "." | ","));
        if is_word && (FILLERS.contains(&token.text) || (is_weekday && (follows || is_named_day(token.text))))
        {
            tokens[i].used = true;
            if follows {
                tokens[i + 1].used = true;
            }
        }
    }
}

fn is_named_day(word: &str) -> bool {
    const DAYS: [&str; 14] =
        ["mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "mo", "di", "mi", "do"];
    DAYS.contains(&word)
        || ["day", "tag", "woch", "di", "dag"].iter().any(|end| word.len() > 4 && word.ends_with(end))
}

/// What the three parts of a date are, in `strptime` letters.
type Names = [&'static str; 3];

/// A day, and how it was told.
struct Day {
    date: Date,
    by_numbers: bool,
    day_first: Option<bool>,
}

/// The date of three parts; else the ways in which they can be read, none where there is no way.
fn date(parts: &[Part<'_>], marks: &[&str]) -> Result<Day, Vec<Names>> {
    let &[a, b, c] = parts else { return Err(Vec::new()) };
    let is_year = |part: Part<'_>| part.kind == Kind::Number && part.text.len() == 4;
    let ways: Vec<Names> = match (a.month(), b.month()) {
        (Some(_), None) => vec![["%b", "%d", year(c)]],
        (None, Some(_)) if is_year(a) => vec![["%Y", "%b", "%d"]],
        (None, Some(_)) => vec![["%d", "%b", year(c)]],
        _ if is_year(a) => vec![["%Y", "%m", "%d"]],
        // Dots are day first wherever they are used with a year of four digits.
        _ if is_year(c) && marks.iter().all(|mark| *mark == ".") => vec![["%d", "%m", "%Y"]],
        _ if is_year(c) => vec![["%d", "%m", "%Y"], ["%m", "%d", "%Y"]],
        _ => vec![["%d", "%m", "%y"], ["%m", "%d", "%y"], ["%y", "%m", "%d"]],
    };
    let by_numbers = ways.len() > 1;
    let dates: Vec<(Date, Names)> =
        ways.into_iter().filter_map(|names| Some((as_date([a, b, c], names)?, names))).collect();
    match &dates[..] {
        [(date, names), rest @ ..] if rest.iter().all(|(other, _)| other == date) => {
            let day_first = (by_numbers && rest.is_empty() && names[0] != "%y").then_some(names[0] == "%d");
            Ok(Day { date: *date, by_numbers, day_first })
        }
        _ => Err(dates.into_iter().map(|(_, names)| names).collect()),
    }
}

fn year(part: Part<'_>) -> &'static str {
    if part.text.len() == 2 { "%y" } else { "%Y" }
}

fn as_date(parts: [Part<'_>; 3], names: Names) -> Option<Date> {
    let (mut day, mut month, mut year) = (0, 0, 0);
    for (part, name) in parts.iter().zip(names) {
        let length = part.text.len();
        match name {
            "%d" if length <= 2 => day = i8::try_from(part.number()?).ok()?,
            "%m" if length <= 2 => month = i8::try_from(part.number()?).ok()?,
            "%b" => month = part.month()?,
            "%Y" if length == 4 => year = i16::try_from(part.number()?).ok()?,
            "%y" if length == 2 => {
                let short = i16::try_from(part.number()?).ok()?;
                year = short + if short < 69 { 2000 } else { 1900 };
            }
            _ => return None,
        }
    }
    Date::new(year, month, day).ok()
}

/// The text with a `strptime` letter in place of each number: the format that reads it, and those like it.
fn format_of(text: &str, parts: &[Part<'_>], names: Names, time: &[(usize, &'static str)]) -> String {
    let dates = parts.iter().map(|part| part.at).zip(names);
    let mut places: Vec<(usize, &str)> = dates.chain(time.iter().copied()).collect();
    places.sort_unstable();
    let (mut format, mut at) = (String::new(), 0);
    for (place, name) in places {
        format.push_str(&text[at..place]);
        format.push_str(name);
        let is_piece = |c: &char| c.is_ascii_digit() || c.is_alphabetic();
        at = place + text[place..].chars().take_while(is_piece).map(char::len_utf8).sum::<usize>();
        // "9:41am": the number ends where the word begins.
        if text[place..].starts_with(|c: char| c.is_ascii_digit()) {
            at = place + text[place..].bytes().take_while(u8::is_ascii_digit).count();
        }
    }
    format.push_str(&text[at..]);
    format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_month_stands_twice() {
        let lines: Vec<&str> = include_str!("months.txt").lines().filter(|l| !l.starts_with('#')).collect();
        let mut names: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
        assert_eq!(lines.len(), 12);
        assert!(names.iter().all(|name| name.to_lowercase() == **name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn an_ambiguous_date_names_the_formats_that_read_it() {
        for (text, formats) in [
            ("3/4/2026", &["%d/%m/%Y", "%m/%d/%Y"][..]),
            ("03-04-2026 18:05:09", &["%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"]),
            ("3/4/2026 8:14 AM", &["%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"]),
            ("3/4/2026, 8:14am", &["%d/%m/%Y, %I:%M%p", "%m/%d/%Y, %I:%M%p"]),
            ("05/06/07", &["%d/%m/%y", "%m/%d/%y", "%y/%m/%d"]),
            ("24.03.04", &["%d.%m.%y", "%y.%m.%d"]),
        ] {
            let found = read(text).err();
            assert_eq!(
                found,
                Some(Unread::Ambiguous(formats.iter().map(|f| (*f).to_owned()).collect())),
                "{text}"
            );
        }
    }
}
