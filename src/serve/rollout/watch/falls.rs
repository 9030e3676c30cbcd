//! Figures that fall in two closed weeks running (R62): expansion pauses until a person says why it may go on.
//!
//! Shares are those on record as of each week's end, so that all weeks are of the same age; times are as known by then. What a person
//! has answered for is not asked again: two weeks that ended since have to fall.

use std::collections::BTreeSet;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{Kpi, Series, TicketFacts, TwoFallsFound, Week, two_falls, week_times};
use firstline_stats::Count;
use firstline_store::{CustomerSet, GrantScope, Hold, HoldRecord, Store};
use jiff::Timestamp;
use serde_json::json;

use super::super::desk::DeskRules;
use super::super::weeks::seen;
use super::scene::{Scene, count};
use super::{Firing, key};

/// The trigger's name on record.
const NAME: &str = "two_falls";
/// Weeks that times are read of: the six that are compared, and some that have too few tickets.
const TIMED: usize = 9;

/// What fires of the figures that are watched: the agreement, and those that were signed.
pub(super) fn fired(store: &dyn Store, rules: &DeskRules, scene: &Scene) -> Result<Vec<Firing>> {
    let Some(last) = scene.last_closed() else { return Ok(Vec::new()) };
    let signed = scene.criteria.iter().flat_map(|criteria| &criteria.kpi).map(|criterion| criterion.name);
    let watched: BTreeSet<Kpi> = [Kpi::Agreement].into_iter().chain(signed).collect();
    let mut facts = None;
    let mut firings = Vec::new();
    for kpi in watched {
        let of_kpi = |hold: &&HoldRecord| {
            let is = |name: &str, value: &str| {
                hold.figures.as_ref().is_some_and(|figures| figures[name].as_str() == Some(value))
            };
            hold.trigger_key.is_some() && is("trigger", NAME) && is("kpi", kpi.name())
        };
        if scene.holds.iter().filter(of_kpi).any(|hold| hold.released.is_none()) {
            continue;
        }
        let released =
            scene.holds.iter().filter(of_kpi).filter_map(|hold| Some(hold.released.as_ref()?.at)).max();
        let series = match share(kpi) {
            Some(share) => share.series(scene, released),
            None => {
                let facts = match &mut facts {
                    Some(facts) => facts,
                    none => none.insert(lately(store, scene)?),
                };
                times(kpi, facts, rules, scene, released)
            }
        };
        let found = two_falls(&series).filter(|found| found.week == last);
        if let Some(found) = found.filter(|found| scene.two_falls().pauses(found)) {
            firings.push(firing(kpi, &found)?);
        }
    }
    Ok(firings)
}

fn firing(kpi: Kpi, found: &TwoFallsFound) -> Result<Firing> {
    let scope = GrantScope::default();
    let mut figures = serde_json::to_value(found).map_err(|e| InternalError::new(e.to_string()))?;
    if let Some(figures) = figures.as_object_mut() {
        figures.extend([("trigger".to_owned(), json!(NAME)), ("kpi".to_owned(), json!(kpi.name()))]);
    }
    Ok(Firing {
        key: key(NAME, &scope, (kpi.name(), found.week))?,
        level: Hold::PauseExpansion,
        reason: found.in_words(&kpi.name().replace('_', " ")),
        scope,
        figures,
    })
}

/// A share of the weekly figures.
struct OnRecord {
    name: &'static str,
    more_is_better: bool,
}

/// The weekly figure of a KPI; `None` for a time.
fn share(kpi: Kpi) -> Option<OnRecord> {
    let (name, more_is_better) = match kpi {
        Kpi::Agreement => ("agreement", true),
        Kpi::L1Autonomous => ("l1_autonomous", true),
        Kpi::L1Share => ("level_one", true),
        Kpi::Verbatim => ("usable_verbatim", true),
        Kpi::DraftedInTime => ("drafted_in_time", true),
        Kpi::Reopened => ("reopened", false),
        Kpi::Errors => ("errors", false),
        Kpi::HandleTime | Kpi::FirstResponse | Kpi::Resolution => return None,
    };
    Some(OnRecord { name, more_is_better })
}

impl OnRecord {
    fn series(&self, scene: &Scene, released: Option<Timestamp>) -> Series {
        let weeks = since(scene, released).filter_map(|(number, _)| {
            let row = scene.closed.iter().find(|row| row.sheet.number == *number)?;
            Some((*number, count(row.sheet.figures.get(self.name)?)))
        });
        let weeks: Vec<(u32, Count)> = weeks.collect();
        if self.more_is_better { Series::HigherShare(weeks) } else { Series::LowerShare(weeks) }
    }
}

/// The weeks that count: all, or those that ended after a release and the one before them.
fn since(scene: &Scene, released: Option<Timestamp>) -> impl Iterator<Item = &(u32, Week)> {
    let later = |(_, week): &&(u32, Week)| released.is_none_or(|released| week.end > released);
    let first = scene.weeks.iter().position(|week| later(&week)).unwrap_or(scene.weeks.len());
    let last = scene.last_closed().unwrap_or(0);
    scene.weeks[first.saturating_sub(1)..].iter().filter(move |(number, _)| *number <= last)
}

/// The facts of the last weeks' tickets.
fn lately(store: &dyn Store, scene: &Scene) -> Result<Vec<TicketFacts>> {
    let weeks: Vec<&(u32, Week)> = since(scene, None).collect();
    let timed = &weeks[weeks.len().saturating_sub(TIMED)..];
    let (Some((_, first)), Some((_, last))) = (timed.first(), timed.last()) else { return Ok(Vec::new()) };
    let tickets = seen(store, (first.start, last.end), &CustomerSet::All)?;
    Ok(tickets.into_iter().map(|ticket| ticket.facts).collect())
}

fn times(
    kpi: Kpi,
    facts: &[TicketFacts],
    rules: &DeskRules,
    scene: &Scene,
    released: Option<Timestamp>,
) -> Series {
    let weeks: Vec<&(u32, Week)> = since(scene, released).collect();
    let timed = weeks[weeks.len().saturating_sub(TIMED)..].iter();
    let desk = rules.desk();
    Series::Times(
        timed.map(|(number, week)| (*number, week_times(kpi, facts, &desk, (week, week.end)))).collect(),
    )
}
