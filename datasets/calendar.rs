//! Days, weekdays, zones and shifts in plain seconds since 1970 (UTC). The rules of clock changes are written out here, so that no
//! machine's time-zone data can change a history.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;

/// Arrivals a weekday, Monday first.
const WEEK: [f64; 7] = [1.28, 1.08, 1.02, 1.0, 0.86, 0.09, 0.06];
/// Arrivals an hour of a business day.
const HOURS: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.2, 0.9, 2.2, 2.6, 2.2, 1.8, 1.1, 1.5, 1.9, 1.6, 1.2, 0.6, 0.15, 0.05,
    0.0, 0.0, 0.0, 0.0,
];

/// Monday is 0.
pub(crate) fn weekday(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// The span of a history: days since 1970, the end exclusive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) first_day: i64,
    pub(crate) days: i64,
}

impl Span {
    pub(crate) fn ending(end: Date, days: u32) -> Self {
        let last = day_of(end);
        Self { first_day: last - i64::from(days), days: i64::from(days) }
    }

    pub(crate) fn start(self) -> i64 {
        self.first_day * DAY
    }

    pub(crate) fn end(self) -> i64 {
        self.start() + self.days * DAY
    }

    /// Keeps an instant within the span.
    pub(crate) fn clamp(self, at: i64) -> i64 {
        at.clamp(self.start(), self.end() - 1)
    }

    /// The day of the history on which `at` falls.
    pub(crate) fn day_of(self, at: i64) -> i64 {
        at.div_euclid(DAY) - self.first_day
    }
}

/// The day of a date, since 1970.
pub(crate) fn day_of(date: Date) -> i64 {
    date.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |z| z.timestamp().as_second() / DAY)
}

/// When clocks are put forward in spring and back in autumn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clocks {
    Never,
    /// On the second Sunday of March and the first of November, at 2 in the morning.
    American,
    /// On the last Sundays of March and October, at 1 in the morning of UTC.
    European,
}

/// A time zone: how far its clocks are from UTC, and when they change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zone {
    /// Seconds from UTC in winter.
    standard: i64,
    clocks: Clocks,
}

impl Zone {
    /// The zone that is `standard` seconds from UTC in winter: of America west of UTC, of Europe otherwise.
    pub(crate) fn new(standard: i64, clock_changes: bool) -> Self {
        let clocks = match clock_changes {
            false => Clocks::Never,
            true if standard < 0 => Clocks::American,
            true => Clocks::European,
        };
        Self { standard, clocks }
    }

    /// Seconds from UTC at the instant `at`.
    pub(crate) fn offset(self, at: i64) -> i64 {
        let summer = |(from, to): (i64, i64)| (from..to).contains(&at);
        let changes = self.changes(year_of(at.div_euclid(DAY)));
        self.standard + if changes.is_some_and(summer) { HOUR } else { 0 }
    }

    /// The instants between which summer time holds.
    fn changes(self, year: i16) -> Option<(i64, i64)> {
        let sunday = |month, nth| {
            let first = jiff::civil::date(year, month, 1);
            first.nth_weekday_of_month(nth, Weekday::Sunday).map_or(0, day_of) * DAY
        };
        match self.clocks {
            Clocks::Never => None,
            Clocks::American => {
                Some((sunday(3, 2) + 2 * HOUR - self.standard, sunday(11, 1) + HOUR - self.standard))
            }
            Clocks::European => Some((sunday(3, -1) + HOUR, sunday(10, -1) + HOUR)),
        }
    }

    /// Seconds since 1970 as the zone's clocks show them.
    pub(crate) fn local(self, at: i64) -> i64 {
        at + self.offset(at)
    }

    /// The instant at which the zone's clocks show `local`.
    pub(crate) fn instant(self, local: i64) -> i64 {
        local - self.offset(local - self.standard)
    }
}

fn year_of(day: i64) -> i16 {
    jiff::Timestamp::from_second(day * DAY).map_or(1970, |at| jiff::tz::Offset::UTC.to_datetime(at).year())
}

/// The desk's zone and the days on which it is closed.
#[derive(Debug, Clone)]
pub(crate) struct DeskCalendar {
    pub(crate) zone: Zone,
    /// Days since 1970.
    pub(crate) closed: BTreeSet<i64>,
}

impl DeskCalendar {
    pub(crate) fn new(zone: Zone, holidays: &[Date]) -> Self {
        Self { zone, closed: holidays.iter().map(|date| day_of(*date)).collect() }
    }

    fn works_on(&self, day: i64) -> bool {
        weekday(day) < 5 && !self.closed.contains(&day)
    }
}

/// How many people's tickets a day of the history brings, relative to others: week, season, holidays.
pub(crate) fn day_weight(span: Span, day: i64, holidays: &BTreeSet<i64>) -> f64 {
    let absolute = span.first_day + day;
    let season = 1.0 + 0.12 * (day as f64 / span.days as f64);
    let holiday = if holidays.contains(&absolute) { 0.25 } else { 1.0 };
    WEEK[weekday(absolute)] * season * holiday
}

/// Weights of the hours of a business day.
pub(crate) fn hour_weights() -> [f64; 24] {
    HOURS
}

/// A technician's working hours, Monday to Friday except holidays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift<'a> {
    /// Seconds of the local day.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) calendar: &'a DeskCalendar,
}

impl Shift<'_> {
    pub(crate) fn covers(&self, at: i64) -> bool {
        self.open(at) == at
    }

    /// The first working instant at or after `at`.
    pub(crate) fn open(&self, at: i64) -> i64 {
        let local = self.calendar.zone.local(at);
        let mut day = local.div_euclid(DAY);
        if self.calendar.works_on(day) && local.rem_euclid(DAY) < self.to {
            return at.max(self.starts(day));
        }
        day += 1;
        while !self.calendar.works_on(day) {
            day += 1;
        }
        self.starts(day)
    }

    fn starts(&self, day: i64) -> i64 {
        self.calendar.zone.instant(day * DAY + self.from)
    }

    /// The instant at which `work` seconds begun at `at` are done, nights, weekends and holidays left out.
    pub(crate) fn advance(&self, at: i64, mut work: i64) -> i64 {
        let mut now = self.open(at);
        loop {
            let zone = self.calendar.zone;
            let closes = zone.instant(zone.local(now).div_euclid(DAY) * DAY + self.to);
            if work <= closes - now {
                return now + work;
            }
            work -= closes - now;
            now = self.open(closes);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;

    use super::*;

    /// A calendar in UTC without holidays.
    pub(crate) fn plain() -> DeskCalendar {
        DeskCalendar::new(Zone::new(0, false), &[])
    }

    fn shift(calendar: &DeskCalendar) -> Shift<'_> {
        Shift { from: 8 * HOUR, to: 16 * HOUR, calendar }
    }

    #[test]
    fn weekdays_and_span() {
        assert_eq!(weekday(0), 3, "1970-01-01 was a Thursday");
        let span = Span::ending(date(1970, 1, 11), 3);
        assert_eq!((span.first_day, span.end()), (7, 10 * DAY));
    }

    #[test]
    fn work_stops_at_night_and_over_the_weekend() {
        let calendar = plain();
        let shift = shift(&calendar);
        // Day 1 is a Friday, day 4 a Monday.
        let friday = DAY + 15 * HOUR;
        assert_eq!(shift.advance(friday, HOUR), DAY + 16 * HOUR);
        assert_eq!(shift.advance(friday, 2 * HOUR), 4 * DAY + 9 * HOUR);
        assert_eq!(shift.open(2 * DAY), 4 * DAY + 8 * HOUR);
        assert!(shift.covers(friday) && !shift.covers(DAY + 16 * HOUR));
    }

    #[test]
    fn nobody_works_on_a_holiday() {
        // Day 4 is a Monday.
        let calendar = DeskCalendar::new(Zone::new(0, false), &[date(1970, 1, 5)]);
        let shift = shift(&calendar);
        assert_eq!(shift.advance(DAY + 15 * HOUR, 2 * HOUR), 5 * DAY + 9 * HOUR);
        assert!(!shift.covers(4 * DAY + 10 * HOUR) && shift.covers(5 * DAY + 10 * HOUR));
    }

    #[test]
    fn shifts_are_local_and_follow_the_clocks() {
        let west = DeskCalendar::new(Zone::new(-5 * HOUR, true), &[]);
        assert_eq!(shift(&west).open(0), 13 * HOUR);
        // Friday and Monday around the change of 8 March 2026.
        let friday = day_of(date(2026, 3, 6)) * DAY;
        assert_eq!(shift(&west).open(friday), friday + 13 * HOUR);
        let monday = friday + 3 * DAY;
        assert_eq!(shift(&west).open(friday + 22 * HOUR), monday + 12 * HOUR);
    }

    #[test]
    fn clocks_change_on_the_days_of_america_and_europe() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let hours = |zone: Zone, text: &str| zone.offset(at(text)) / HOUR;
        let east = Zone::new(-5 * HOUR, true);
        for (text, wanted) in [
            ("2026-03-08T06:59:59Z", -5),
            ("2026-03-08T07:00:00Z", -4),
            ("2026-11-01T05:59:59Z", -4),
            ("2026-11-01T06:00:00Z", -5),
        ] {
            assert_eq!(hours(east, text), wanted, "{text}");
        }
        let berlin = Zone::new(HOUR, true);
        for (text, wanted) in [
            ("2026-03-29T00:59:59Z", 1),
            ("2026-03-29T01:00:00Z", 2),
            ("2026-10-25T00:59:59Z", 2),
            ("2026-10-25T01:00:00Z", 1),
        ] {
            assert_eq!(hours(berlin, text), wanted, "{text}");
        }
        assert_eq!(hours(Zone::new(-5 * HOUR, false), "2026-06-01T00:00:00Z"), -5);
        assert_eq!(east.instant(east.local(at("2026-06-01T12:00:00Z"))), at("2026-06-01T12:00:00Z"));
    }
}
