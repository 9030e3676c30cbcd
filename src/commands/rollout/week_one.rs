//! Week 1 on a history: the reports of `baseline`, `pilots` and `replay` as their commands make them, for `firstline demo`.
//!
//! Must never compute a figure of its own.

use std::path::{Path, PathBuf};

use firstline_rollout::Report;
use jiff::ToSpan;
use jiff::civil::Date;

use super::history::{AutomationArg, DAYS, DeskArgs, DeskHistory};
use super::pilots::NoPilotsArgs;
use super::replay::ReplayArgs;
use super::{baseline, pilots, replay};
use crate::arguments::{EncoderArgs, PolicyArg};
use crate::failure::Failure;
use crate::ui::Ui;

/// Whole weeks that are replayed: enough to settle more than the two that the gate asks for.
pub(in crate::commands) const WEEKS: i64 = 6;

/// A desk's history with its tiers.
pub(in crate::commands) struct WeekOne {
    desk: DeskHistory,
    automation: AutomationArg,
    tickets: PathBuf,
    tiers: PathBuf,
}

impl WeekOne {
    /// Reads the history; `automation` is the file of what was measured of each category.
    pub(in crate::commands) fn read(
        tickets: &Path,
        tiers: &Path,
        automation: Option<PathBuf>,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let policy = PolicyArg { policy: None };
        let args = DeskArgs { days: DAYS, start: None, tiers: Some(tiers.to_owned()), policy };
        let desk = DeskHistory::read(tickets, &args, ui)?;
        let automation = AutomationArg { automation };
        Ok(Self { desk, automation, tickets: tickets.to_owned(), tiers: tiers.to_owned() })
    }

    /// Where the desk stands, with its largest categories and without segments.
    pub(in crate::commands) fn baseline(&self) -> Result<Report, Failure> {
        Ok(baseline::measure(&self.desk, &self.automation, (&[], 0))?.report)
    }

    /// The customers to begin with.
    pub(in crate::commands) fn pilots(&self) -> Result<Report, Failure> {
        Ok(pilots::rank(&self.desk, &self.automation, &NoPilotsArgs::default())?.report)
    }

    /// The last [`WEEKS`] whole weeks, decided by one bundle that knows what came before them.
    pub(in crate::commands) fn replay(
        &self,
        encoder: &EncoderArgs,
        seed: u64,
        ui: &Ui,
    ) -> Result<Report, Failure> {
        let args = ReplayArgs::once(&self.tickets, &self.tiers, self.train_until(), encoder, seed);
        Ok(replay::rehearse(&args, ui)?.report(&args))
    }

    /// The first Monday after it is at least [`WEEKS`] weeks before the end, and less than one more.
    fn train_until(&self) -> Date {
        let end = self.desk.start.to_zoned(self.desk.hours.zone().clone()).date();
        end.saturating_sub((7 * (WEEKS + 1)).days())
    }
}
