//! Days, weekdays and shifts in plain seconds since 1970 (UTC). Zones are fixed offsets, so that no machine's
//! time-zone data can change a history.

use jiff::civil::Date;

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
        let last = end.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |z| z.timestamp().as_second() / DAY);
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

/// How many people's tickets a day of the history brings, relative to others: week, season, a few holidays.
pub(crate) fn day_weight(span: Span, day: i64) -> f64 {
    let absolute = span.first_day + day;
    let season = 1.0 + 0.12 * (day as f64 / span.days as f64);
    let holiday = if absolute.rem_euclid(61) == 17 { 0.25 } else { 1.0 };
    WEEK[weekday(absolute)] * season * holiday
}

/// Weights of the hours of a business day.
pub(crate) fn hour_weights() -> [f64; 24] {
    HOURS
}

/// A technician's working hours, Monday to Friday.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift {
    /// Seconds of the local day.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Seconds from UTC.
    pub(crate) offset: i64,
}

impl Shift {
    pub(crate) fn covers(&self, at: i64) -> bool {
        self.open(at) == at
    }

    /// The first working instant at or after `at`.
    pub(crate) fn open(&self, at: i64) -> i64 {
        let local = at + self.offset;
        let mut day = local.div_euclid(DAY);
        let second = local.rem_euclid(DAY);
        if weekday(day) < 5 && second < self.to {
            return at.max(day * DAY + self.from - self.offset);
        }
        day += 1;
        while weekday(day) >= 5 {
            day += 1;
        }
        day * DAY + self.from - self.offset
    }

    /// The instant at which `work` seconds begun at `at` are done, nights and weekends left out.
    pub(crate) fn advance(&self, at: i64, mut work: i64) -> i64 {
        let mut now = self.open(at);
        loop {
            let closes = (now + self.offset).div_euclid(DAY) * DAY + self.to - self.offset;
            if work <= closes - now {
                return now + work;
            }
            work -= closes - now;
            now = self.open(closes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: Shift = Shift { from: 8 * HOUR, to: 16 * HOUR, offset: 0 };

    #[test]
    fn weekdays_and_span() {
        assert_eq!(weekday(0), 3, "1970-01-01 was a Thursday");
        let span = Span::ending(jiff::civil::date(1970, 1, 11), 3);
        assert_eq!((span.first_day, span.end()), (7, 10 * DAY));
    }

    #[test]
    fn work_stops_at_night_and_over_the_weekend() {
        // Day 1 is a Friday, day 4 a Monday.
        let friday = DAY + 15 * HOUR;
        assert_eq!(SHIFT.advance(friday, HOUR), DAY + 16 * HOUR);
        assert_eq!(SHIFT.advance(friday, 2 * HOUR), 4 * DAY + 9 * HOUR);
        assert_eq!(SHIFT.open(2 * DAY), 4 * DAY + 8 * HOUR);
        assert!(SHIFT.covers(friday) && !SHIFT.covers(DAY + 16 * HOUR));
    }

    #[test]
    fn shifts_are_local() {
        let west = Shift { offset: -5 * HOUR, ..SHIFT };
        assert_eq!(west.open(0), 13 * HOUR);
    }
}
