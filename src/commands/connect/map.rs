//! `[map]` in the settings of a connection: what the desk calls otherwise than its PSA, and what it leaves out.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_psa::mapped::LabelMap;
use firstline_ticket::Field;
use serde::Deserialize;

/// Firstline's names on the left, the PSA's on the right.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MapArgs {
    board: BTreeMap<String, String>,
    #[serde(rename = "type")]
    kind: BTreeMap<String, String>,
    subtype: BTreeMap<String, String>,
    priority: BTreeMap<String, String>,
    technician: BTreeMap<String, String>,
    status: BTreeMap<String, String>,
    /// Boards whose tickets never reach triage, by the PSA's names.
    ignore_boards: Vec<String>,
    /// Statuses that end a ticket beside those that close it in the PSA, by the PSA's names.
    close: Vec<String>,
}

impl MapArgs {
    /// The map.
    pub(super) fn labels(&self) -> Result<LabelMap> {
        let labels = BTreeMap::from([
            (Field::Board, self.board.clone()),
            (Field::Type, self.kind.clone()),
            (Field::Subtype, self.subtype.clone()),
            (Field::Priority, self.priority.clone()),
            (Field::Technician, self.technician.clone()),
        ]);
        Ok(LabelMap::new(&labels)?.statuses(&self.status)?.ignoring(&self.ignore_boards).closing(&self.close))
    }
}
