//! How far Firstline may go: the least of what the settings, the grants and the holds allow.
//!
//! What acts alone does so by the certificate of the very bundle and policy in service: another's allows no more than assist.
//! A desk that has never started a programme has no grants: there the settings and the holds alone decide.

use firstline_fault::Result;
use firstline_store::{Cell, Effective, GrantScope, Hold, Store};
use firstline_ticket::Phase;

/// What is allowed in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// How far Firstline may go.
    pub phase: Phase,
    /// Whether grants say so: a programme runs, and what it shows is measured.
    pub granted: bool,
}

/// What is allowed in each of these cells, in their order, where the settings allow `most`: each with the name in records of the bundle
/// and policy that decide there. One query, however many they are.
///
/// # Errors
/// As for [`Programmes::effective`](firstline_store::Programmes::effective).
pub fn allowed(store: &dyn Store, most: Phase, cells: &[(Cell<'_>, &str)]) -> Result<Vec<Allowed>> {
    let places: Vec<Cell<'_>> = cells.iter().map(|(cell, _)| *cell).collect();
    let found = store.effective(&places)?;
    Ok(found.iter().zip(cells).map(|(found, (_, bundle))| of(found, bundle, most)).collect())
}

fn of(found: &Effective, bundle: &str, most: Phase) -> Allowed {
    let granted = found.since.is_some();
    let certified = found.bundle.as_deref() == Some(bundle);
    let phase = match granted {
        true if certified => found.phase,
        true => found.phase.min(Phase::Assist),
        false => ceiling(found.hold),
    };
    Allowed { phase: phase.min(most), granted }
}

/// The phase of the whole installation: no cell is above it.
///
/// # Errors
/// As for [`Programmes::grants`](firstline_store::Programmes::grants).
pub fn installation_phase(store: &dyn Store, most: Phase) -> Result<Phase> {
    Ok(recorded_phase(store, most)?.min(most))
}

/// The same as the store alone says it, by grants and holds: where nothing was ever granted, what `otherwise` allows.
pub(super) fn recorded_phase(store: &dyn Store, otherwise: Phase) -> Result<Phase> {
    let whole = GrantScope::default();
    let grants = store.grants(true)?;
    let granted = match grants.iter().find(|grant| grant.scope == whole) {
        Some(grant) => grant.phase,
        None if grants.is_empty() => otherwise,
        None => Phase::Baseline,
    };
    let held = store.holds(true)?.into_iter().filter(|hold| hold.scope == whole).map(|hold| hold.level);
    Ok(granted.min(ceiling(held.max())))
}

/// The most that is allowed under a hold.
pub(super) fn ceiling(hold: Option<Hold>) -> Phase {
    match hold {
        None | Some(Hold::PauseExpansion | Hold::Cleanup) => Phase::Autonomous,
        Some(Hold::Pause) => Phase::Assist,
        Some(Hold::BackOut | Hold::Stop) => Phase::Shadow,
    }
}
