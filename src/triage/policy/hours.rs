//! When somebody is at the desk. It must never look at the clock: it is the ticket that says when it was opened.

use firstline_ticket::Ticket;
use jiff::civil::{Date, Time, Weekday};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// When somebody is at the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// An IANA name such as `Europe/Berlin`.
    pub time_zone: String,
    /// Days of the week, by their English names.
    pub days: Vec<String>,
    /// When the day begins, as `08:00`.
    pub from: Time,
    /// When it ends; at or before `from`, on the morning after.
    pub to: Time,
    /// Days on which the desk stays closed, and so does the morning after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Date>,
    /// Further hours: of other days, or after a break.
    #[serde(default, rename = "shift", skip_serializing_if = "Vec::is_empty")]
    pub shifts: Vec<Shift>,
}

/// Hours that are the same on several days of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Days of the week, by their English names.
    pub days: Vec<String>,
    /// When the shift begins.
    pub from: Time,
    /// When it ends; at or before `from`, on the morning after.
    pub to: Time,
}

impl Hours {
    /// What is wrong with them.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        TimeZone::get(&self.time_zone).map_err(|_| format!("no time zone {:?} is known", self.time_zone))?;
        if let Some(day) = self.all_shifts().flat_map(|(days, ..)| days).find(|day| weekday(day).is_none()) {
            return Err(format!("{day:?} is no day of the week"));
        }
        Ok(())
    }

    /// The desk's time zone; `None` where no such zone is known.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.time_zone).ok()
    }

    /// All shifts, the first among them: days, from and to.
    pub fn all_shifts(&self) -> impl Iterator<Item = (&[String], Time, Time)> {
        let first = (&self.days[..], self.from, self.to);
        [first].into_iter().chain(self.shifts.iter().map(|shift| (&shift.days[..], shift.from, shift.to)))
    }

    /// Each opening of a week: the day on which it begins, from and to which time.
    pub fn openings(&self) -> impl Iterator<Item = (Weekday, Time, Time)> {
        self.all_shifts()
            .flat_map(|(days, from, to)| days.iter().filter_map(move |name| Some((weekday(name)?, from, to))))
    }

    /// Whether `ticket` was opened at another time.
    pub(super) fn are_over(&self, ticket: &Ticket) -> bool {
        let (Some(at), Some(zone)) = (ticket.opened_at, self.zone()) else { return false };
        let at = at.to_zoned(zone);
        let (today, time) = (at.date(), at.time());
        let begins = |on: Weekday, day: Date| on == day.weekday() && !self.holidays.contains(&day);
        let is_open = |(on, from, to): (Weekday, Time, Time)| match from < to {
            true => begins(on, today) && time >= from && time < to,
            false => {
                let evening_before = today.yesterday().is_ok_and(|day| begins(on, day));
                (begins(on, today) && time >= from) || (evening_before && time < to)
            }
        };
        !self.openings().any(is_open)
    }
}

/// The day of the week by its English name.
fn weekday(name: &str) -> Option<Weekday> {
    strtime::parse("%A", name.trim()).ok()?.weekday()
}
