//! What a desk knows about itself: hours, tiers, priorities, its best technicians, labels that were renamed.

use std::collections::BTreeSet;

use firstline_fault::{Code, Result, UserError};
use firstline_rollout::{Aliases, Desk, OpenHours, Opening, Tiers, read_aliases};
use firstline_triage::{Policy, Ranks};
use jiff::tz::TimeZone;

use crate::settings::Rollout;

/// Longest tiers or aliases file that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// What figures of a desk are computed with.
#[derive(Debug, Clone)]
pub struct DeskRules {
    /// When it is open, and its time zone.
    pub hours: OpenHours,
    /// How its priorities rank.
    pub ranks: Ranks,
    /// Its tiers; none where nobody has confirmed any.
    pub tiers: Tiers,
    /// Its best technicians, as somebody has named them: in the settings, else in the tiers.
    pub best: BTreeSet<String>,
    /// Labels that were renamed in the PSA.
    pub aliases: Aliases,
    /// Days after a week's end after which its figures are settled.
    pub settle_days: u16,
}

impl DeskRules {
    /// By the policy in force and the settings, whose files are read.
    ///
    /// # Errors
    /// [`Code::Config`] or [`Code::Io`] where a file that the settings name can't be used.
    pub fn read(policy: &Policy, settings: &Rollout) -> Result<Self> {
        let text = |path: &std::path::Path| -> Result<Option<(String, String)>> {
            if path.as_os_str().is_empty() {
                return Ok(None);
            }
            let place = path.display().to_string();
            let io = |e: std::io::Error| UserError::io(&place, &e);
            if std::fs::metadata(path).map_err(io)?.len() > MOST_BYTES {
                let problem = "the file is longer than 4 MiB";
                return Err(UserError::new(Code::Config, place, problem, "Name a TOML file").into());
            }
            Ok(Some((std::fs::read_to_string(path).map_err(io)?, place.clone())))
        };
        let tiers = text(&settings.tiers)?.map(|(text, place)| Tiers::parse(&text, &place)).transpose()?;
        let aliases =
            text(&settings.aliases)?.map(|(text, place)| read_aliases(&text, &place)).transpose()?;
        let tiers = tiers.unwrap_or_default();
        let names = settings.best_technicians.split(',').map(str::trim).filter(|name| !name.is_empty());
        let named: BTreeSet<String> = names.map(str::to_owned).collect();
        Ok(Self {
            hours: open_hours(policy),
            ranks: policy.priority.clone(),
            best: if named.is_empty() { tiers.best.clone() } else { named },
            tiers,
            aliases: aliases.unwrap_or_default(),
            settle_days: settings.settle_days,
        })
    }

    /// Its time zone, in which days and weeks begin.
    pub fn zone(&self) -> &TimeZone {
        self.hours.zone()
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { hours: &self.hours, tiers: &self.tiers, basis: None }
    }
}

/// The policy's hours; closed throughout, in UTC, where it names none.
fn open_hours(policy: &Policy) -> OpenHours {
    let Some((hours, zone)) = policy.hours.as_ref().and_then(|hours| Some((hours, hours.zone()?))) else {
        return OpenHours::new(TimeZone::UTC, Vec::new(), []);
    };
    let openings = hours.openings().map(|(day, from, to)| Opening { day, from, to }).collect();
    OpenHours::new(zone, openings, hours.holidays.iter().copied())
}
