//! When somebody is at the desk. It must never look at the clock: it is the ticket that says when it was opened.

use firstline_ticket::Ticket;
use jiff::civil::{Time, Weekday};
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

    /// Whether `ticket` was opened at another time.
    pub(super) fn are_over(&self, ticket: &Ticket) -> bool {
        let zone = TimeZone::get(&self.time_zone);
        let (Some(at), Ok(zone)) = (ticket.opened_at, zone) else { return false };
        let at = at.to_zoned(zone);
        let (day, time) = (at.weekday(), at.time());
        let is_open = |day: Weekday| self.days.iter().any(|name| weekday(name) == Some(day));
        let at_desk = match self.from < self.to {
            true => is_open(day) && time >= self.from && time < self.to,
            false => (is_open(day) && time >= self.from) || (is_open(day.previous()) && time < self.to),
        };
        !at_desk
    }
}

/// The day of the week by its English name.
fn weekday(name: &str) -> Option<Weekday> {
    strtime::parse("%A", name.trim()).ok()?.weekday()
}
