//! Tickets that a webhook told of: read by their numbers and sent on at once, without the list of changes.
//!
//! A shortcut: what is read here is listed and read once more by the next round, which decides nothing twice. Must never move the watermark,
//! since it knows of no changes but these.

use std::collections::BTreeSet;

use firstline_fault::Result;

use super::api::{Leased, Service};
use super::round::{Asked, PART, Round, RoundSettings, due, is_id, read, renew};
use crate::connector::{Connector, Seen};

/// Reads the tickets of `ids` and sends them on, as long as `go_on`.
///
/// # Errors
/// When the PSA or the service can't be asked. What was done stands, and the next round finds the rest.
pub fn hinted(
    psa: &mut dyn Connector,
    service: &mut Service,
    settings: &RoundSettings,
    ids: &BTreeSet<String>,
    go_on: &dyn Fn() -> bool,
) -> Result<Round> {
    let mut done = Round::default();
    let todo: Vec<Seen> = ids.iter().filter(|id| is_id(id)).map(|id| due(id)).collect();
    let mut cursor = match service.lease(&settings.name, &settings.owner, settings.lease_seconds, None)? {
        Leased::Held(cursor) => *cursor,
        Leased::Other(who) => return Ok(Round { other: Some(who), ..done }),
    };
    done.changed = todo.len();
    for part in todo.chunks(PART) {
        if !go_on() {
            return Ok(done);
        }
        let latest = cursor.watermark;
        let asked = Asked { settings, part, latest, go_on };
        let result = read(psa, service, &asked, &mut cursor, &mut done);
        if let Some(other) = renew(service, settings, Some(&mut cursor))? {
            return Ok(Round { other: Some(other), ..done });
        }
        result?;
    }
    Ok(done)
}
