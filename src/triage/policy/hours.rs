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
}

impl Hours {
    /// What is wrong with them.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        TimeZone::get(&self.time_zone).map_err(|_| format!("no time zone {:?} is known", self.time_zone))?;
        if let Some(day) = self.days.iter().find(|day| weekday(day).is_none()) {
            return Err(format!("{day:?} is no day of the week"));
        }
        Ok(())
    }

    /// The desk's time zone; `None` where no such zone is known.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.time_zone).ok()
    }

    /// The days of the week on which hours begin.
    pub fn weekdays(&self) -> impl Iterator<Item = Weekday> {
        self.days.iter().filter_map(|name| weekday(name))
    }

    /// Whether `ticket` was opened at another time.
    pub(super) fn are_over(&self, ticket: &Ticket) -> bool {
        let (Some(at), Some(zone)) = (ticket.opened_at, self.zone()) else { return false };
        let at = at.to_zoned(zone);
        let (day, time) = (at.date(), at.time());
        let is_open =
            |day: Date| self.weekdays().any(|open| open == day.weekday()) && !self.holidays.contains(&day);
        let at_desk = match self.from < self.to {
            true => is_open(day) && time >= self.from && time < self.to,
            false => {
                let evening_before = day.yesterday().is_ok_and(is_open);
                (is_open(day) && time >= self.from) || (evening_before && time < self.to)
            }
        };
        !at_desk
    }
}

/// The day of the week by its English name.
fn weekday(name: &str) -> Option<Weekday> {
    strtime::parse("%A", name.trim()).ok()?.weekday()
}
