//! Dates as exports write them, without ever guessing.
//!
//! Read as they come: RFC 3339, ISO 8601 with or without a zone, `2026/3/5`, `5.3.2026` (dots are day
//! first wherever they are used), and anything with the month's name. Day and month as bare numbers
//! (`3/5/2026`) are refused: a file is of one locale, and a row that happens to be clear says nothing about
//! the next. With a format from the user, exactly that is read. Dates before 1981 are the empty dates of
//! service desks (1900-01-01 and the like) and count as absent.

use firstline_fault::{Code, Result, UserError};
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::fault::{Fault, clip};

/// The first year of a real ticket.
const FIRST_YEAR: i16 = 1981;

/// Unambiguous orders, each tried with each of [`TIMES`].
const DATES: [&str; 8] =
    ["%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"];
const TIMES: [&str; 7] = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %I:%M %p", ", %H:%M"];

/// Reader of one file's dates.
#[derive(Debug)]
pub(crate) struct Dates {
    format: Option<String>,
    zone: Option<TimeZone>,
    /// The form that fitted last, tried first on the next date: an index into dates times times.
    last: usize,
    read: u64,
    assumed_utc: u64,
}

/// A date before its zone is settled.
enum Found {
    Instant(Timestamp),
    Local(DateTime),
}

impl Dates {
    /// Checks `format` by writing a date with it and reading it back.
    ///
    /// # Errors
    /// [`Code::Date`] for a format that can't be read or says neither day nor instant.
    pub(crate) fn new(format: Option<String>, zone: Option<TimeZone>) -> Result<Self> {
        let dates = Self { format, zone, last: 0, read: 0, assumed_utc: 0 };
        if let Some(format) = &dates.format {
            let known = Zoned::default().with().year(2026).month(11).day(23).hour(17).build();
            let read_back = known
                .and_then(|known| strtime::format(format, &known))
                .is_ok_and(|text| with_format(format, &text).is_some());
            if !read_back {
                let problem = format!("{format:?} is no date format that can be read");
                let next = "Use strptime letters, for example \"%m/%d/%Y %I:%M %p\"";
                return Err(UserError::new(Code::Date, "--date-format", problem, next).into());
            }
        }
        Ok(dates)
    }

    /// Dates read so far.
    pub(crate) fn read_count(&self) -> u64 {
        self.read
    }

    /// Dates that had no zone and were taken as UTC because the user named none.
    pub(crate) fn assumed_utc(&self) -> u64 {
        self.assumed_utc
    }

    /// Reads one date; `None` when blank or an empty date.
    pub(crate) fn parse(&mut self, text: &str) -> std::result::Result<Option<Timestamp>, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let found = match &self.format {
            Some(format) => with_format(format, &plain_blanks(text)).ok_or_else(|| {
                let problem = format!("{:?} does not fit the format {format:?}", clip(text, 60));
                Fault::new(Code::Date, problem, "Correct --date-format or the row")
            })?,
            None => self.find(text)?,
        };
        if matches!(&found, Found::Local(local) if local.year() < FIRST_YEAR) {
            return Ok(None);
        }
        let instant = self.settle(&found).ok_or_else(|| {
            Fault::new(Code::Date, format!("{:?} is out of range", clip(text, 60)), "Correct the row")
        })?;
        if instant.to_zoned(TimeZone::UTC).year() < FIRST_YEAR {
            return Ok(None);
        }
        self.read += 1;
        self.assumed_utc += u64::from(self.zone.is_none() && matches!(found, Found::Local(_)));
        Ok(Some(instant))
    }

    /// The instant; in a gap or fold of daylight saving time the offset before the change counts.
    fn settle(&self, found: &Found) -> Option<Timestamp> {
        match found {
            Found::Instant(instant) => Some(*instant),
            Found::Local(local) => {
                let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
                zone.to_ambiguous_timestamp(*local).compatible().ok()
            }
        }
    }

    fn find(&mut self, text: &str) -> std::result::Result<Found, Fault> {
        // The longest date with its zone's name is far below this; longer text is not tried sixty times.
        if text.len() > 80 {
            return Err(unknown(text));
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Found::Instant(instant));
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Ok(Found::Instant(zoned.timestamp()));
        }
        if text.as_bytes().get(4) == Some(&b'-')
            && let Ok(local) = text.parse::<DateTime>()
        {
            return Ok(Found::Local(local));
        }
        if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
            return Ok(Found::Instant(zoned.timestamp()));
        }
        if is_ambiguous(text) {
            return Err(ambiguous(text));
        }
        self.try_forms(&plain_blanks(text)).ok_or_else(|| unknown(text))
    }

    fn try_forms(&mut self, text: &str) -> Option<Found> {
        let all = DATES.len() * TIMES.len();
        let form = |i: usize| format!("{}{}", DATES[i / TIMES.len()], TIMES[i % TIMES.len()]);
        let order = std::iter::once(self.last).chain(0..all);
        for i in order {
            if let Some(found) = with_format(&form(i), text) {
                self.last = i;
                return Some(found);
            }
        }
        None
    }
}

fn with_format(format: &str, text: &str) -> Option<Found> {
    let parts = BrokenDownTime::parse(format, text).ok()?;
    if let Some(year) = parts.year()
        && year < 100
        && format.contains("%Y")
    {
        return None;
    }
    if let Ok(instant) = parts.to_timestamp() {
        return Some(Found::Instant(instant));
    }
    let date = parts.to_date().ok()?;
    let time = parts.to_time().ok().or_else(|| parts.hour().is_none().then(jiff::civil::Time::midnight))?;
    Some(Found::Local(date.to_datetime(time)))
}

/// Day and month as two bare numbers before the year, parted by slashes or dashes.
fn is_ambiguous(text: &str) -> bool {
    let mut parts = text.split(['/', '-']);
    let short = |p: Option<&str>| {
        p.is_some_and(|p| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    short(parts.next())
        && short(parts.next())
        && parts.next().is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()))
}

fn ambiguous(text: &str) -> Fault {
    let mark = if text.contains('/') { '/' } else { '-' };
    let time = match (text.contains(':'), text.matches(':').count() > 1, text.ends_with(['M', 'm'])) {
        (false, ..) => "",
        (_, false, false) => " %H:%M",
        (_, true, false) => " %H:%M:%S",
        (_, false, true) => " %I:%M %p",
        (_, true, true) => " %I:%M:%S %p",
    };
    let next = format!(
        "Say which: --date-format \"%m{mark}%d{mark}%Y{time}\" or --date-format \"%d{mark}%m{mark}%Y{time}\""
    );
    let problem = format!("{:?} could be day first or month first", clip(text, 60));
    Fault { whole_file: true, ..Fault::new(Code::Date, problem, next) }
}

fn unknown(text: &str) -> Fault {
    let problem = format!("{:?} is no date that can be read without guessing", clip(text, 60));
    Fault::new(Code::Date, problem, "Give the format with --date-format, for Unix seconds \"%s\"")
}

/// Spreadsheets put no-break spaces before AM and PM.
fn plain_blanks(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(format: Option<&str>, zone: Option<&str>) -> Dates {
        Dates::new(format.map(String::from), zone.map(|z| TimeZone::get(z).unwrap())).unwrap()
    }

    fn read(format: Option<&str>, zone: Option<&str>, text: &str) -> String {
        match dates(format, zone).parse(text) {
            Ok(Some(t)) => t.to_string(),
            Ok(None) => "absent".into(),
            Err(fault) => fault.code.to_string(),
        }
    }

    #[test]
    fn clear_dates_are_read_without_a_flag() {
        for (text, expected) in [
            ("2016-02-29T06:58:00Z", "2016-02-29T06:58:00Z"),
            ("2016-02-29T06:58:00+02:00", "2016-02-29T04:58:00Z"),
            ("2016-02-29T06:58:00", "2016-02-29T06:58:00Z"),
            ("2016-02-29 06:58", "2016-02-29T06:58:00Z"),
            ("2016-02-29 06:58:00.25", "2016-02-29T06:58:00.25Z"),
            ("2016-02-29", "2016-02-29T00:00:00Z"),
            ("2016/2/9 06:58", "2016-02-09T06:58:00Z"),
            ("9.2.2016 06:58", "2016-02-09T06:58:00Z"),
            ("09-Feb-2016 6:58 PM", "2016-02-09T18:58:00Z"),
            ("Feb 9, 2016, 6:58\u{202f}PM", "2016-02-09T18:58:00Z"),
            ("9 February 2016", "2016-02-09T00:00:00Z"),
            ("Tue, 9 Feb 2016 06:58:00 +0100", "2016-02-09T05:58:00Z"),
            ("1900-01-01T00:00:00", "absent"),
            ("1900-01-01T00:00:00Z", "absent"),
            ("0001-01-01T00:00:00", "absent"),
            ("  ", "absent"),
        ] {
            assert_eq!(read(None, None, text), expected, "{text}");
        }
    }

    #[test]
    fn what_would_be_a_guess_is_refused() {
        for text in [
            "3/3/2026 8:14 AM",
            "13/3/2026",
            "03-04-2026",
            "03-Apr-26",
            "1457000000",
            "45000.5",
            "2026-02-30",
        ] {
            assert_eq!(read(None, None, text), "E_DATE", "{text}");
        }
        let fault = dates(None, None).parse("3/3/2026 8:14 AM").unwrap_err();
        assert!(fault.whole_file);
        assert!(fault.next.contains("--date-format \"%m/%d/%Y %I:%M %p\""), "{}", fault.next);
    }

    #[test]
    fn with_a_format_exactly_that_is_read() {
        let us = Some("%m/%d/%Y %I:%M %p");
        assert_eq!(read(us, None, "3/4/2026 8:14 AM"), "2026-03-04T08:14:00Z");
        assert_eq!(read(us, Some("America/New_York"), "3/4/2026 8:14 PM"), "2026-03-05T01:14:00Z");
        assert_eq!(read(us, None, "2026-03-04T08:14:00Z"), "E_DATE");
        assert_eq!(read(Some("%d/%m/%Y"), None, "3/4/2026"), "2026-04-03T00:00:00Z");
        assert_eq!(read(Some("%s"), None, "1457000000"), "2016-03-03T10:13:20Z");
        assert!(Dates::new(Some("%H:%M".into()), None).is_err());
    }

    #[test]
    fn daylight_saving_gaps_and_folds_have_one_answer() {
        let berlin = Some("Europe/Berlin");
        assert_eq!(read(None, berlin, "2026-03-29T02:30:00"), "2026-03-29T01:30:00Z");
        assert_eq!(read(None, berlin, "2026-10-25T02:30:00"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn assumed_zones_are_counted() {
        let mut none = dates(None, None);
        none.parse("2026-01-01T00:00:00").unwrap();
        none.parse("2026-01-01T00:00:00Z").unwrap();
        assert_eq!((none.assumed_utc(), none.read_count()), (1, 2));
        let mut given = dates(None, Some("UTC"));
        given.parse("2026-01-01T00:00:00").unwrap();
        assert_eq!(given.assumed_utc(), 0);
    }
}
