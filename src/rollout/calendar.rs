//! Calendar weeks as a desk lives them: from Monday 00:00 in its time zone to the next, 167 to 169 hours of it.
//!
//! Civil arithmetic, never multiples of seconds: a week in which clocks change is an hour shorter or longer.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A calendar week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// The year that ISO 8601 counts the week in: that of its Thursday.
    pub year: i16,
    /// Its ISO 8601 number, 1 to 53.
    pub number: i8,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment of the next.
    pub end: Timestamp,
}

impl Week {
    /// The week of `zone` that `at` lies in.
    ///
    /// # Errors
    /// At the first and the last week that a calendar can hold.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Result<Self, jiff::Error> {
        let day = at.to_zoned(zone.clone()).date();
        Self::from_monday(day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days())?, zone)
    }

    fn from_monday(monday: Date, zone: &TimeZone) -> Result<Self, jiff::Error> {
        let iso = monday.iso_week_date();
        let midnight = |day: Date| Ok::<_, jiff::Error>(day.to_zoned(zone.clone())?.timestamp());
        let end = midnight(monday.checked_add(7.days())?)?;
        Ok(Self { year: iso.year(), number: iso.week(), start: midnight(monday)?, end })
    }

    /// The first week of a programme that starts at `start`: the one that begins on the first Monday after that day.
    ///
    /// # Errors
    /// As for [`Week::of`].
    pub fn first_after(start: Timestamp, zone: &TimeZone) -> Result<Self, jiff::Error> {
        Self::of(Self::of(start, zone)?.end, zone)
    }

    /// Which week of a programme this is, 1 for `first`; `None` for one before it.
    pub fn number_since(&self, first: &Self, zone: &TimeZone) -> Option<u32> {
        let monday = |week: &Self| week.start.to_zoned(zone.clone()).date();
        let days = monday(first).until(monday(self)).ok()?.get_days();
        u32::try_from(days).ok().map(|days| days / 7 + 1)
    }

    /// The moment from which its figures are settled: `days` after it ended, by the desk's clock. What comes in later changes the live
    /// figure only.
    ///
    /// # Errors
    /// As for [`Week::of`].
    pub fn settles_at(&self, days: u16, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        let end = self.end.to_zoned(zone.clone()).date();
        Ok(end.checked_add(i64::from(days).days())?.to_zoned(zone.clone())?.timestamp())
    }

    /// Whether it ended at least `days` ago.
    pub fn is_settled(&self, days: u16, zone: &TimeZone, now: Timestamp) -> bool {
        self.settles_at(days, zone).is_ok_and(|at| at <= now)
    }

    /// Whether `at` lies in it.
    pub fn has(&self, at: Timestamp) -> bool {
        (self.start..self.end).contains(&at)
    }
}

impl fmt::Display for Week {
    /// As ISO 8601 writes it: `2026-W48`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.number)
    }
}

/// The weeks of `zone` that share a moment with `from..to`, in order. The first may begin before `from`, the last may end
/// after `to`.
///
/// # Errors
/// As for [`Week::of`].
pub fn weeks(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Result<Vec<Week>, jiff::Error> {
    let mut weeks = Vec::new();
    if from >= to {
        return Ok(weeks);
    }
    let mut week = Week::of(from, zone)?;
    while week.start < to {
        weeks.push(week);
        week = Week::of(week.end, zone)?;
    }
    Ok(weeks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_begins_on_monday_at_midnight_in_the_desks_zone() {
        // A Sunday evening in New York is a Monday morning in Berlin.
        let sunday = at("2026-11-29T23:30:00Z");
        let berlin = Week::of(sunday, &zone("Europe/Berlin")).unwrap();
        assert_eq!((berlin.to_string().as_str(), berlin.start), ("2026-W49", at("2026-11-29T23:00:00Z")));
        let york = Week::of(sunday, &zone("America/New_York")).unwrap();
        assert_eq!((york.to_string().as_str(), york.end), ("2026-W48", at("2026-11-30T05:00:00Z")));
        assert!(york.has(sunday) && york.has(york.start) && !york.has(york.end));
    }

    #[test]
    fn weeks_in_which_clocks_change_have_167_or_169_hours() {
        let hours = |name: &str, day: &str| {
            let week = Week::of(at(day), &zone(name)).unwrap();
            week.end.duration_since(week.start).as_hours()
        };
        assert_eq!(hours("Europe/Berlin", "2026-03-25T12:00:00Z"), 167);
        assert_eq!(hours("Europe/Berlin", "2026-10-21T12:00:00Z"), 169);
        assert_eq!(hours("America/New_York", "2026-03-05T12:00:00Z"), 167);
        assert_eq!(hours("America/New_York", "2026-10-28T12:00:00Z"), 169);
        assert_eq!(hours("UTC", "2026-03-25T12:00:00Z"), 168);
        // Here Monday had no midnight: clocks went from 00:00 to 01:00.
        let tehran = Week::of(at("2021-03-24T12:00:00Z"), &zone("Asia/Tehran")).unwrap();
        assert_eq!(tehran.start, at("2021-03-21T20:30:00Z"));
        assert_eq!(hours("Asia/Tehran", "2021-03-20T12:00:00Z"), 168);
    }

    #[test]
    fn weeks_follow_one_another_without_gaps_over_the_year() {
        let berlin = zone("Europe/Berlin");
        let found = weeks(at("2020-12-20T00:00:00Z"), at("2022-01-05T00:00:00Z"), &berlin).unwrap();
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
        let names: Vec<String> = found.iter().map(Week::to_string).collect();
        // 2020 has 53 weeks, and its last reaches into January 2021.
        assert_eq!(names[..4], ["2020-W51", "2020-W52", "2020-W53", "2021-W01"]);
        assert_eq!(names[names.len() - 2..], ["2021-W52", "2022-W01"]);
        assert_eq!(names.len(), 3 + 52 + 1);
    }

    #[test]
    fn the_first_week_begins_on_the_first_monday_after_the_start() {
        let berlin = zone("Europe/Berlin");
        let first = |start: &str| Week::first_after(at(start), &berlin).unwrap().start;
        assert_eq!(first("2026-11-25T10:00:00Z"), at("2026-11-29T23:00:00Z"));
        // A start on a Monday leaves a partial week, which has no number.
        assert_eq!(first("2026-11-30T07:00:00Z"), at("2026-12-06T23:00:00Z"));
        let one = Week::first_after(at("2026-10-14T10:00:00Z"), &berlin).unwrap();
        let number = |day: &str| Week::of(at(day), &berlin).unwrap().number_since(&one, &berlin);
        // Clocks change in week 1; the year ends in week 11, which ISO calls 53.
        let found =
            ["2026-10-18T12:00:00Z", "2026-10-25T12:00:00Z", "2026-10-26T12:00:00Z", "2027-01-03T12:00:00Z"];
        assert_eq!(found.map(number), [None, Some(1), Some(2), Some(11)]);
        assert_eq!(Week::of(at("2027-01-03T12:00:00Z"), &berlin).unwrap().to_string(), "2026-W53");
    }

    #[test]
    fn a_week_settles_a_week_after_its_end_by_the_desks_clock() {
        let berlin = zone("Europe/Berlin");
        // It ends at midnight in summer time, and settles at midnight in winter time.
        let week = Week::of(at("2026-10-14T12:00:00Z"), &berlin).unwrap();
        assert_eq!(
            (week.end, week.settles_at(7, &berlin).unwrap()),
            (at("2026-10-18T22:00:00Z"), at("2026-10-25T23:00:00Z"))
        );
        assert!(!week.is_settled(7, &berlin, at("2026-10-25T22:59:59Z")));
        assert!(
            week.is_settled(7, &berlin, at("2026-10-25T23:00:00Z")) && week.is_settled(0, &berlin, week.end)
        );
    }

    #[test]
    fn a_span_touches_the_weeks_that_it_has_a_moment_of() {
        let utc = TimeZone::UTC;
        let monday = at("2026-11-30T00:00:00Z");
        assert_eq!(weeks(monday, monday, &utc).unwrap(), []);
        assert_eq!(weeks(at("2026-11-29T23:59:59Z"), monday, &utc).unwrap().len(), 1);
        assert_eq!(weeks(at("2026-11-29T23:59:59Z"), at("2026-11-30T00:00:01Z"), &utc).unwrap().len(), 2);
        assert!(Week::of(Timestamp::MAX, &utc).is_err() && Week::of(Timestamp::MIN, &utc).is_err());
    }
}
