//! The invented desk of a run: the days that are played, and the tickets before them, which are learnt from.
//!
//! Must never let training see a ticket that was open when the days began.

use std::io::Write;
use std::path::Path;

use firstline_datasets::Settings;
use firstline_fault::{Code, UserError};
use firstline_ticket::Ticket;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::DemoArgs;
use crate::commands::dev::generate;
use crate::failure::Failure;
use crate::files;
use crate::ui::Ui;

/// A desk, cut where the days begin.
pub(in crate::commands::demo) struct Desk {
    /// The zone that its days begin in.
    pub(in crate::commands::demo) zone: TimeZone,
    /// Days that are played.
    pub(in crate::commands::demo) days: u16,
    /// Their beginning.
    pub(in crate::commands::demo) from: Timestamp,
    /// Their end.
    pub(in crate::commands::demo) to: Timestamp,
    /// Tickets that were opened in them.
    pub(in crate::commands::demo) played: Vec<Ticket>,
    /// Tickets that were resolved before them.
    pub(in crate::commands::demo) learnt: usize,
    /// Tickets that were open when they began: neither learnt from nor played.
    pub(in crate::commands::demo) left_out: usize,
}

impl Desk {
    /// Generates one by these settings more, of which so many days before a day are played, and writes all of it and the part to learn from to these files.
    pub(in crate::commands::demo) fn generate(
        args: &DemoArgs,
        (days, until, more): (u16, Option<Date>, &str),
        (history, learnt): (&Path, &Path),
        zone: &TimeZone,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let until = match until {
            Some(until) => until,
            // What is played lies in the past, so that commands which ask the machine's clock find it there.
            None => monday(Timestamp::now().to_zoned(zone.clone()).date()),
        };
        let odd = |e: jiff::Error| {
            UserError::new(Code::Config, "--until", e.to_string(), "Name a day such as 2026-06-29")
        };
        let begin = until.checked_sub(i64::from(days).days()).map_err(odd)?;
        let at = |date: Date| Ok::<_, UserError>(date.to_zoned(zone.clone()).map_err(odd)?.timestamp());
        let (from, to) = (at(begin)?, at(until)?);
        // A day more, since its days are those of UTC.
        let end = until.tomorrow().map_err(odd)?;
        // As a file of settings would be, so that the date is checked.
        let settings = Settings::from_toml(&format!("end = \"{end}\"\n{more}"), "--until")?;
        generate::write(&settings, args.tickets as usize, args.seed, history, ui)?;
        let mut desk =
            Self { zone: zone.clone(), days, from, to, played: Vec::new(), learnt: 0, left_out: 0 };
        desk.cut(history, learnt)?;
        if desk.learnt == 0 || desk.played.is_empty() {
            let next = "Increase --tickets, or reduce --days";
            let problem = "no tickets before the days to learn from, or none during them";
            return Err(UserError::new(Code::Config, "--tickets", problem, next).into());
        }
        Ok(desk)
    }

    /// Cuts the history where the days begin.
    fn cut(&mut self, history: &Path, learnt: &Path) -> Result<(), Failure> {
        let place = learnt.display().to_string();
        let mut file = files::Whole::create(learnt)?;
        let mut writer = file.writer();
        for ticket in files::tickets(history)?.filter_map(|line| line.ticket.ok()) {
            let Some(opened) = ticket.opened_at.filter(|at| *at < self.to) else { continue };
            if opened >= self.from {
                self.played.push(ticket);
            } else if ticket.resolved_at.is_some_and(|at| at < self.from) {
                serde_json::to_writer(&mut writer, &ticket)?;
                writer.write_all(b"\n").map_err(|e| UserError::io(&place, &e))?;
                self.learnt += 1;
            } else {
                self.left_out += 1;
            }
        }
        writer.flush().map_err(|e| UserError::io(&place, &e))?;
        drop(writer);
        file.publish()
    }

    /// The day on which `at` lies.
    pub(in crate::commands::demo) fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The week on which `at` lies, 1 for the first that is played; 0 before it.
    pub(in crate::commands::demo) fn week(&self, at: Timestamp) -> u32 {
        let days = self.first_day().until(self.day(at)).map_or(-1, |span| span.get_days());
        u32::try_from(days.div_euclid(7) + 1).unwrap_or(0)
    }

    /// The beginning of a week, 1 for the first that is played.
    pub(in crate::commands::demo) fn week_begins(&self, number: u32) -> Option<Timestamp> {
        let day = self.first_day().checked_add((7 * (i64::from(number) - 1)).days()).ok()?;
        Some(day.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    /// The first day that is played.
    pub(in crate::commands::demo) fn first_day(&self) -> Date {
        self.day(self.from)
    }
}

/// The Monday of the week that `day` is in.
fn monday(day: Date) -> Date {
    day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_its_monday() {
        for (day, wanted) in
            [("2026-06-29", "2026-06-29"), ("2026-07-05", "2026-06-29"), ("2027-01-01", "2026-12-28")]
        {
            let date = |text: &str| text.parse::<Date>().unwrap();
            assert_eq!(monday(date(day)), date(wanted));
        }
    }
}
