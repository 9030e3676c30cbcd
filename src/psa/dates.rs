//! Dates as exports write them, without ever guessing.
//!
//! What can be read in one way only is read as it comes (`clear`). Day and month as bare numbers that could change places
//! (`3/5/2026`) are refused: a file is of one locale, and a row that happens to be clear (`29/2/2016`) only tells which format to
//! ask for. With a format from the user, exactly that is read. Dates before 1981 are the empty dates of service desks (1900-01-01
//! and the like) and count as absent.

mod clear;

use firstline_fault::{Code, Result, UserError};
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::fault::{Fault, clip};
use clear::{Clear, Unread};

/// The first year of a real ticket.
const FIRST_YEAR: i16 = 1981;

/// Reader of one file's dates.
#[derive(Debug)]
pub(crate) struct Dates {
    format: Option<String>,
    zone: Option<TimeZone>,
    /// Dates read whose form has one reading, whatever the numbers.
    read: u64,
    assumed_utc: u64,
    /// A date that is clear by its numbers, and whether its day stands first.
    telling: Option<(String, bool)>,
}

/// A date before its zone is settled.
#[derive(Debug, Clone, Copy)]
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
        let dates = Self { format, zone, read: 0, assumed_utc: 0, telling: None };
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

    /// Whether a date was read whose form has one reading.
    pub(crate) fn any_clear(&self) -> bool {
        self.read > 0
    }

    /// Dates that had no zone and were taken as UTC because the user named none.
    pub(crate) fn assumed_utc(&self) -> u64 {
        self.assumed_utc
    }

    /// Reads one date; `None` when blank or an empty date.
    pub(crate) fn parse(&mut self, text: &str) -> std::result::Result<Option<Timestamp>, Fault> {
        let text = text.trim();
        // "0000-00-00 00:00:00" is how databases write that there is none.
        if text.bytes().all(|b| b == b'0' || b.is_ascii_punctuation() || b.is_ascii_whitespace()) {
            return Ok(None);
        }
        let clear: Clear = match &self.format {
            Some(format) => with_format(format, &plain_blanks(text)).map(Clear::from).ok_or_else(|| {
                let problem = format!("{:?} does not fit the format {format:?}", clip(text, 60));
                Fault::new(Code::Date, problem, "Correct --date-format or the row")
            })?,
            None => self.find(text)?,
        };
        self.settled(text, clear)
    }

    /// Reads a date that a workbook keeps as one, in the form that [`crate::workbook`] writes.
    pub(crate) fn parse_native(&mut self, text: &str) -> std::result::Result<Option<Timestamp>, Fault> {
        match text.parse::<DateTime>() {
            Ok(local) => self.settled(text, Found::Local(local).into()),
            Err(_) => self.parse(text),
        }
    }

    fn settled(&mut self, text: &str, clear: Clear) -> std::result::Result<Option<Timestamp>, Fault> {
        let found = clear.found;
        if matches!(&found, Found::Local(local) if local.year() < FIRST_YEAR) {
            return Ok(None);
        }
        let instant = self.settle(found).ok_or_else(|| {
            Fault::new(Code::Date, format!("{:?} is out of range", clip(text, 60)), "Correct the row")
        })?;
        if instant.to_zoned(TimeZone::UTC).year() < FIRST_YEAR {
            return Ok(None);
        }
        self.read += u64::from(!clear.by_numbers);
        if let (Some(day_first), None) = (clear.day_first, &self.telling) {
            self.telling = Some((text.to_owned(), day_first));
        }
        self.assumed_utc += u64::from(self.zone.is_none() && matches!(found, Found::Local(_)));
        Ok(Some(instant))
    }

    /// The instant; in a gap or fold of daylight saving time the offset before the change counts.
    fn settle(&self, found: Found) -> Option<Timestamp> {
        match found {
            Found::Instant(instant) => Some(instant),
            Found::Local(local) => {
                let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
                zone.to_ambiguous_timestamp(local).compatible().ok()
            }
        }
    }

    fn find(&self, text: &str) -> std::result::Result<Clear, Fault> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Found::Instant(instant).into());
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Ok(Found::Instant(zoned.timestamp()).into());
        }
        if text.as_bytes().get(4) == Some(&b'-')
            && let Ok(local) = text.parse::<DateTime>()
        {
            return Ok(Found::Local(local).into());
        }
        if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
            return Ok(Found::Instant(zoned.timestamp()).into());
        }
        clear::read(text).map_err(|unread| match unread {
            Unread::Ambiguous(formats) => self.ambiguous(text, formats),
            Unread::Unknown => unknown(text),
        })
    }

    fn ambiguous(&self, text: &str, mut formats: Vec<String>) -> Fault {
        let mut problem = format!("{:?} can be read in several ways", clip(text, 60));
        if let Some((telling, day_first)) = &self.telling {
            let order = if *day_first { "day" } else { "month" };
            problem.push_str(&format!(", but {:?} stands before it and is {order} first", clip(telling, 60)));
            formats.sort_by_key(|format| (format.find("%d") < format.find("%m")) != *day_first);
        }
        let options: Vec<String> =
            formats.iter().map(|format| format!("--date-format \"{format}\"")).collect();
        let next = format!("Say which it is: {}", options.join(" or "));
        Fault { whole_file: true, ..Fault::new(Code::Date, problem, next) }
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
            ("2016-2-9 6:58", "2016-02-09T06:58:00Z"),
            ("20160209T065800Z", "2016-02-09T06:58:00Z"),
            ("20160209", "2016-02-09T00:00:00Z"),
            ("2016-02-09T06:58:00.5+0100", "2016-02-09T05:58:00.5Z"),
            ("2016-02-09 06:58:00 -11:30", "2016-02-09T18:28:00Z"),
            ("2016-02-09 06:58:00 UTC", "2016-02-09T06:58:00Z"),
            ("Tue Feb 09 2016 06:58:00 GMT+0100 (CET)", "2016-02-09T05:58:00Z"),
            ("09/Feb/16 6:58 PM", "2016-02-09T18:58:00Z"),
            ("09-Feb-16", "2016-02-09T00:00:00Z"),
            ("29/2/2016 12:05 a.m.", "2016-02-29T00:05:00Z"),
            ("2/29/2016 12:05 PM", "2016-02-29T12:05:00Z"),
            ("3/3/2016", "2016-03-03T00:00:00Z"),
            ("31/12/99", "1999-12-31T00:00:00Z"),
            ("9. Februar 2016 06:58 Uhr", "2016-02-09T06:58:00Z"),
            ("mardi 9 février 2016 à 06:58", "2016-02-09T06:58:00Z"),
            ("9 de febrero de 2016, 6:58 p. m.", "2016-02-09T18:58:00Z"),
            ("9 lutego 2016", "2016-02-09T00:00:00Z"),
            ("9 февраля 2016 г., 06:58", "2016-02-09T06:58:00Z"),
            ("2016年2月9日 06:58", "2016-02-09T06:58:00Z"),
            ("2016년 2월 9일 06:58", "2016-02-09T06:58:00Z"),
            ("0000-00-00", "absent"),
            ("00/00/0000 00:00:00", "absent"),
            ("-", "absent"),
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
            "3/4/2026 8:14 AM",
            "13/13/2026",
            "03-04-2026",
            "03-04-26",
            "31/12/15",
            "1457000000",
            "45000.5",
            "2026-02-30",
            "5 listopada 2026",
            "2026-03-04 09:12 CET",
            "3 days ago",
            "00:18:00",
            "2026-03-04 25:10",
        ] {
            assert_eq!(read(None, None, text), "E_DATE", "{text}");
        }
        let fault = dates(None, None).parse("3/4/2026 8:14 AM").unwrap_err();
        assert!(fault.whole_file);
        assert!(fault.next.contains("--date-format \"%m/%d/%Y %I:%M %p\""), "{}", fault.next);
    }

    #[test]
    fn a_clear_date_tells_which_format_to_ask_for() {
        let mut american = dates(None, None);
        american.parse("2/29/2016").unwrap();
        assert!(!american.any_clear());
        let fault = american.parse("3/4/2026").unwrap_err();
        assert!(fault.whole_file && fault.problem.contains("month first"), "{}", fault.problem);
        assert!(fault.next.starts_with("Say which it is: --date-format \"%m/%d/%Y\""), "{}", fault.next);
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
        assert_eq!((none.assumed_utc(), none.any_clear()), (1, true));
        let mut given = dates(None, Some("UTC"));
        given.parse("2026-01-01T00:00:00").unwrap();
        assert_eq!(given.assumed_utc(), 0);
    }
}
