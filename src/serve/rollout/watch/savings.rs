//! The time that is saved (R72), judged once the signed week is over, and again as later news of that time comes in.
//!
//! Where nobody knows, or there are only estimates, a person decides.

use firstline_fault::Result;
use firstline_rollout::savings_trigger;
use firstline_store::{GrantScope, Store};

use super::super::day90::saved_so_far;
use super::super::desk::DeskRules;
use super::Firing;
use super::scene::Scene;

/// What fires, where the week is over by which time must be saved. Each reaction once.
pub(super) fn fired(store: &dyn Store, rules: &DeskRules, scene: &Scene) -> Result<Option<Firing>> {
    let Some(last) = scene.last_closed() else { return Ok(None) };
    let limits = scene.limits(last);
    let end =
        scene.weeks.iter().find(|(number, _)| *number == limits.savings_by_week).map(|(_, week)| week.end);
    let Some(end) = end.filter(|_| last >= limits.savings_by_week) else { return Ok(None) };
    let saved = saved_so_far(store, rules, end)?;
    let Some(fired) = savings_trigger(last, saved, limits) else { return Ok(None) };
    let mut firing = Firing::of(&fired, &GrantScope::default(), (fired.week, fired.reaction))?;
    let until = scene.rows.iter().rev().filter(|row| row.sheet.number <= limits.savings_by_week);
    let basis = until.filter_map(|row| row.sheet.basis.get("saved")).next();
    if let Some(basis) = basis.filter(|_| saved.is_some()) {
        firing.reason += &format!(", known by {}", basis.replace('_', " "));
        firing.figures["basis"] = basis.as_str().into();
    }
    Ok(Some(firing))
}
