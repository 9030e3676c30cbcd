//! The triggers, as they fire by themselves: every look closes the weeks that are over, notes what may have been wrong, and puts on
//! hold what the signed criteria say.
//!
//! A trigger fires once: its key, its hold, the figures that it was decided on and what it does to the outbox are one transaction. Two
//! looks at once, or one that is cut off, change nothing of that. Must never fire on what is not on record, and never end a hold.

mod falls;
mod renewals;
mod savings;
mod scene;
mod suspicions;

use std::collections::BTreeSet;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{Fired, Reaction};
use firstline_store::{Author, GrantScope, Hold, NewHold, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use self::scene::Scene;
pub(super) use self::suspicions::suspected;
use super::desk::DeskRules;
use super::holds::{self, HoldView};
use super::text::FIRSTLINE;
use super::weeks::{CloseReport, close_weeks};

/// Who the audit log names.
const ACTOR: &str = "service:triggers";

/// What came of a look.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WatchReport {
    /// Weeks whose figures were put on record.
    pub weeks: CloseReport,
    /// Incidents that were noticed, for a person to decide about.
    pub suspected: usize,
    /// What fired, the first first.
    pub fired: Vec<HoldView>,
}

/// Looks at everything that a trigger may fire on, and fires those that are due: [`Watcher::look`] of one that has never looked.
///
/// # Errors
/// As for the store's calls. What was put on record until then stands; the next look does the rest.
pub fn watch(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<WatchReport> {
    Watcher::default().look(store, rules, now)
}

/// What looks again and again: figures that only change when a week is over are computed once for each.
#[derive(Debug, Default)]
pub struct Watcher {
    /// The last closed week whose falls and savings were looked at, by its number, and the criteria that they were held against.
    week: Option<(u32, u32)>,
    /// What was noticed and is on record.
    noted: BTreeSet<String>,
}

impl Watcher {
    /// Looks, as [`watch`] does.
    ///
    /// # Errors
    /// As for [`watch`].
    pub fn look(&mut self, store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<WatchReport> {
        let weeks = close_weeks(store, rules, ACTOR, now)?;
        let suspected = suspicions::note(store, rules, &mut self.noted, now)?;
        let mut report = WatchReport { weeks, suspected, fired: Vec::new() };
        let Some(scene) = Scene::read(store, rules, now)? else { return Ok(report) };
        let mut firings = scene.credits()?;
        firings.extend(scene.errors()?);
        firings.extend(scene.agreement()?);
        let week = scene.last_closed().map(|last| (last, scene.version));
        if week != self.week {
            firings.extend(savings::fired(store, rules, &scene)?);
            firings.extend(falls::fired(store, rules, &scene)?);
            firings.extend(renewals::fired(store, rules, &scene)?);
        }
        for firing in firings.into_iter().filter(|firing| !scene.has_fired(&firing.key)) {
            report.fired.extend(firing.put(store, now)?);
        }
        self.week = week;
        Ok(report)
    }
}

/// A trigger that is due.
struct Firing {
    /// What tells it from all others, for ever.
    key: String,
    level: Hold,
    scope: GrantScope,
    reason: String,
    figures: Value,
}

impl Firing {
    /// Of what fired in a scope; `rest` is what its key has beside the scope.
    fn of(fired: &Fired, scope: &GrantScope, rest: impl Serialize) -> Result<Self> {
        let level = match fired.reaction {
            Reaction::PauseExpansion => Hold::PauseExpansion,
            Reaction::Pause => Hold::Pause,
            Reaction::BackOut => Hold::BackOut,
            Reaction::Stop => Hold::Stop,
        };
        let figures = serde_json::to_value(fired).map_err(|e| InternalError::new(e.to_string()))?;
        Ok(Self {
            key: key(fired.trigger.name(), scope, rest)?,
            level,
            scope: scope.clone(),
            reason: fired.in_words(),
            figures,
        })
    }

    /// Puts it on record with all that it does; `None` where it has fired before.
    fn put(self, store: &dyn Store, now: Timestamp) -> Result<Option<HoldView>> {
        let new = NewHold {
            level: self.level,
            scope: self.scope,
            by: Author { person: FIRSTLINE.to_owned(), actor: ACTOR.to_owned() },
            reason: self.reason,
            figures: Some(self.figures),
            trigger_key: Some(self.key),
        };
        let (view, is_known) = holds::put(store, &new, now)?;
        if is_known {
            return Ok(None);
        }
        tracing::warn!(hold = view.hold, level = view.level.name(), reason = %view.reason, "a trigger has fired");
        Ok(Some(view))
    }
}

/// The key of what fires once for a scope and the `rest`.
fn key(trigger: &str, scope: &GrantScope, rest: impl Serialize) -> Result<String> {
    let GrantScope { customer, board, ticket_type } = scope;
    let text = serde_json::to_string(&(trigger, customer, board, ticket_type, rest));
    Ok(text.map_err(|e| InternalError::new(format!("the key of a trigger: {e}")))?)
}
