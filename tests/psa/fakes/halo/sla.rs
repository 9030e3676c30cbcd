//! Service levels: targets by priority, and what cleared them.
//!
//! A response is an agent's mail or an action whose outcome counts as one, not a status.

use jiff::{SignedDuration, Timestamp};

use super::numbers::Numbers;
use super::outcomes;
use crate::deed::Deed;
use crate::world::{Author, Id, Note, Stage, Ticket, World};

/// Hours to respond and to fix, from the most urgent priority on.
const HOURS: [(i64, i64); 4] = [(1, 4), (2, 8), (4, 24), (8, 72)];

/// The hours of a priority.
pub(super) fn hours(world: &World, priority: Option<Id>) -> (i64, i64) {
    let place = world.priorities.keys().position(|id| Some(*id) == priority);
    HOURS[place.unwrap_or(HOURS.len() - 1).min(HOURS.len() - 1)]
}

/// When it is to be responded to, and when fixed.
pub(super) fn targets(world: &World, ticket: &Ticket) -> [Option<Timestamp>; 2] {
    let (respond, fix) = hours(world, ticket.priority);
    [respond, fix].map(|hours| ticket.entered_at.checked_add(SignedDuration::from_hours(hours)).ok())
}

/// When an agent first responded.
pub(super) fn responded(world: &World, ticket: &Ticket, numbers: &Numbers) -> Option<Timestamp> {
    let own = numbers.of(ticket.id).iter().filter(|action| action.from.is_none());
    own.filter_map(|action| match action.what {
        super::numbers::What::Note(id) => world.notes.get(&id),
        _ => None,
    })
    .filter(|note| responds(note))
    .map(|note| note.at)
    .min()
}

/// Whether a note is a response.
pub(super) fn responds(note: &Note) -> bool {
    let agent = matches!(note.by, Author::Technician(_) | Author::Api);
    let outcome = note.kept.get("outcome_id").and_then(serde_json::Value::as_i64).and_then(outcomes::by_id);
    agent && !note.automatic && (note.mailed || outcome.is_some_and(|outcome| outcome.responds))
}

/// The state of a target: UNCONFIRMED letters, `I` inside and `O` outside.
pub(super) fn state(by: Option<Timestamp>, done: Option<Timestamp>, now: Timestamp) -> &'static str {
    if by.is_some_and(|by| done.unwrap_or(now) > by) { "O" } else { "I" }
}

/// Hours that the clock stood still: while the status waits for somebody. UNCONFIRMED: the unit.
pub(super) fn held(world: &World, ticket: &Ticket, numbers: &Numbers) -> f64 {
    let waits = |name: Option<&String>| {
        world.statuses.values().any(|status| Some(&status.name) == name && status.stage == Stage::Waiting)
    };
    let (mut since, mut held) = (None, SignedDuration::ZERO);
    let changes = numbers.changes(world, ticket.id);
    for change in changes.filter(|change| change.deed == Deed::Status) {
        if let Some(from) = since.take() {
            held += change.at.duration_since(from);
        }
        since = waits(change.to.as_ref()).then_some(change.at);
    }
    held += since.map_or(SignedDuration::ZERO, |from| world.now().duration_since(from));
    (held.as_secs_f64() / 36.0).round() / 100.0
}
