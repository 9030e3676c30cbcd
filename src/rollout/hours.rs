//! When somebody is at the desk: hours per day of the week, holidays, the desk's time zone. Durations are measured in them, beside the
//! clock on the wall.
//!
//! Civil arithmetic: a day on which clocks change has as many open hours as its own clock shows.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Open hours of one day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The day on which they begin.
    pub day: Weekday,
    /// When they begin.
    pub from: Time,
    /// When they end; at or before `from`, on the morning after.
    pub to: Time,
}

/// When a desk is open.
#[derive(Debug, Clone)]
pub struct OpenHours {
    zone: TimeZone,
    openings: Vec<Opening>,
    holidays: BTreeSet<Date>,
}

impl OpenHours {
    /// A desk in `zone`. A day may have several openings, as around noon. Hours that begin on one of `holidays` are closed, and so is
    /// their morning after.
    pub fn new(zone: TimeZone, mut openings: Vec<Opening>, holidays: impl IntoIterator<Item = Date>) -> Self {
        openings.sort_by_key(|opening| (opening.day.to_monday_zero_offset(), opening.from));
        Self { zone, openings, holidays: holidays.into_iter().collect() }
    }

    /// The desk's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether any hour of the day is open.
    pub fn is_open_on(&self, day: Date) -> bool {
        !self.holidays.contains(&day) && self.openings.iter().any(|opening| opening.day == day.weekday())
    }

    /// Days from the one of `from` to the one before that of `to` on which any hour is open.
    pub fn open_days(&self, from: Timestamp, to: Timestamp) -> usize {
        let date = |at: Timestamp| at.to_zoned(self.zone.clone()).date();
        let end = date(to);
        std::iter::successors(Some(date(from)), |day| day.tomorrow().ok())
            .take_while(|day| *day < end)
            .filter(|day| self.is_open_on(*day))
            .count()
    }

    /// One business day after `at`: the same time of day on the next open day. `None` where none of the next 30 days is open.
    pub fn a_day_after(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.to_zoned(self.zone.clone());
        let mut day = at.date();
        for _ in 0..30 {
            day = day.tomorrow().ok()?;
            if self.is_open_on(day) {
                let same_time = self.zone.to_ambiguous_timestamp(day.to_datetime(at.time()));
                return same_time.compatible().ok();
            }
        }
        None
    }

    /// Open seconds from `from` to `to`; 0 where `to` is not later. Hours that overlap count once. It takes a step a day, so the
    /// caller bounds the span.
    pub fn seconds(&self, from: Timestamp, to: Timestamp) -> f64 {
        if from >= to {
            return 0.0;
        }
        let date = |at: Timestamp| at.to_zoned(self.zone.clone()).date();
        let last = date(to);
        // Hours that began on the evening before may still be open.
        let mut day = date(from).yesterday().unwrap_or(Date::MIN);
        let (mut counted_to, mut open) = (from, 0.0);
        while day <= last {
            for (begin, end) in self.of_day(day) {
                let begin = begin.max(counted_to);
                let end = end.min(to);
                if begin < end {
                    open += end.duration_since(begin).as_secs_f64();
                    counted_to = end;
                }
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        open
    }

    /// The moments between which the desk is open, of hours that begin on `day`, in order.
    fn of_day(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let closed = self.holidays.contains(&day);
        let today = self.openings.iter().filter(move |o| !closed && o.day == day.weekday());
        let moment =
            |day: Date, time: Time| self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok();
        today.filter_map(move |opening| {
            let end_day = match opening.from < opening.to {
                true => day,
                false => day.checked_add(1.day()).ok()?,
            };
            Some((moment(day, opening.from)?, moment(end_day, opening.to)?))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::{date, time};

    use super::*;

    /// Monday to Friday 8 to 18 in Berlin, Saturday 9 to 13, closed at Christmas.
    pub(crate) fn desk() -> OpenHours {
        let weekdays =
            [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let mut openings: Vec<Opening> =
            weekdays.map(|day| Opening { day, from: time(8, 0, 0, 0), to: time(18, 0, 0, 0) }).into();
        openings.push(Opening { day: Weekday::Saturday, from: time(9, 0, 0, 0), to: time(13, 0, 0, 0) });
        OpenHours::new(TimeZone::get("Europe/Berlin").unwrap(), openings, [date(2026, 12, 25)])
    }

    fn hours(desk: &OpenHours, from: &str, to: &str) -> f64 {
        let at = |text: &str| format!("{text}[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp();
        desk.seconds(at(from), at(to)) / 3600.0
    }

    #[test]
    fn nights_and_sundays_are_closed() {
        let desk = desk();
        assert_eq!(hours(&desk, "2026-11-27T17:00", "2026-11-30T09:00"), 1.0 + 4.0 + 1.0);
        assert_eq!(hours(&desk, "2026-11-29T00:00", "2026-11-30T08:00"), 0.0);
        assert_eq!(hours(&desk, "2026-11-30T00:00", "2026-12-07T00:00"), 54.0);
        assert_eq!(hours(&desk, "2026-11-30T10:00", "2026-11-30T09:00"), 0.0);
        assert!(desk.is_open_on(date(2026, 11, 28)) && !desk.is_open_on(date(2026, 11, 29)));
    }

    #[test]
    fn a_business_day_later_is_the_same_time_on_the_next_open_day() {
        let at = |text: &str| format!("{text}[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp();
        let later = |from: &str| desk().a_day_after(at(from)).unwrap();
        assert_eq!(later("2026-11-27T17:00"), at("2026-11-28T17:00"));
        assert_eq!(later("2026-12-24T17:00"), at("2026-12-26T17:00"));
        assert_eq!(later("2026-12-05T10:00"), at("2026-12-07T10:00"));
        assert_eq!(OpenHours::new(TimeZone::UTC, vec![], []).a_day_after(at("2026-11-27T17:00")), None);
    }

    #[test]
    fn a_holiday_is_closed() {
        let desk = desk();
        assert_eq!(hours(&desk, "2026-12-24T17:00", "2026-12-26T10:00"), 2.0);
        assert!(!desk.is_open_on(date(2026, 12, 25)));
    }

    #[test]
    fn on_the_day_of_a_clock_change_the_desks_own_clock_counts() {
        let night = |day| Opening { day, from: time(22, 0, 0, 0), to: time(6, 0, 0, 0) };
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let desk = OpenHours::new(zone, vec![night(Weekday::Saturday)], [date(2026, 10, 31)]);
        // Clocks go forward: seven hours. Back: nine. An ordinary night: eight.
        assert_eq!(hours(&desk, "2026-03-28T12:00", "2026-03-29T12:00"), 7.0);
        assert_eq!(hours(&desk, "2026-10-24T12:00", "2026-10-25T12:00"), 9.0);
        assert_eq!(hours(&desk, "2026-11-07T23:00", "2026-11-08T12:00"), 7.0);
        // Begun on the evening before the span.
        assert_eq!(hours(&desk, "2026-11-08T05:00", "2026-11-08T12:00"), 1.0);
        // The night that begins on a holiday is closed to its end.
        assert_eq!(hours(&desk, "2026-10-31T12:00", "2026-11-01T12:00"), 0.0);
    }

    #[test]
    fn hours_that_overlap_count_once() {
        let opening =
            |from, to| Opening { day: Weekday::Monday, from: time(from, 0, 0, 0), to: time(to, 0, 0, 0) };
        let desk = OpenHours::new(TimeZone::UTC, vec![opening(10, 14), opening(8, 12), opening(9, 11)], []);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(desk.seconds(at("2026-11-30T00:00:00Z"), at("2026-12-01T00:00:00Z")), 6.0 * 3600.0);
    }
}
