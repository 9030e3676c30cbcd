//! What ids mean: statuses, types, priorities, agents, outcomes, as the tenant has them. Each table is read again where it
//! lacks an id, or was read a while ago.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use firstline_fault::Result;
use serde_json::Value;

use super::client::{Client, Refused};
use super::wire::{Row, given};

/// How long a table is trusted: people rename, and give outcomes other effects.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// The agent that means nobody.
pub(super) const UNASSIGNED: i64 = 1;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Status,
    Kind,
    Priority,
    Agent,
    Team,
    Category,
    Outcome,
}

impl Table {
    fn path(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Status => ("Status", &[]),
            Self::Kind => ("TicketType", &[]),
            Self::Priority => ("Priority", &[]),
            // Those who left have written, too.
            Self::Agent => ("Agent", &[("includedisabled", "true"), ("includeapiagents", "true")]),
            Self::Team => ("Team", &[]),
            Self::Category => ("Category", &[("type_id", "1")]),
            Self::Outcome => ("Outcome", &[("showhidden", "true")]),
        }
    }

    /// The id by which others name a row: a priority's own is another.
    pub(super) fn id_of(self, row: &Row) -> Option<i64> {
        if self == Self::Priority { row.priorityid } else { row.id }
    }

    /// The name by which people know a row: a category's is its whole path.
    pub(super) fn name_of(self, row: &Row) -> Option<String> {
        match self {
            Self::Category => given(row.value.as_ref()).or_else(|| given(row.category_name.as_ref())),
            Self::Outcome => given(row.outcome.as_ref()).or_else(|| given(row.name.as_ref())),
            _ => given(row.name.as_ref()),
        }
    }
}

/// Tables that were read.
#[derive(Debug, Default)]
pub(super) struct Tables {
    read: BTreeMap<Table, (Instant, Vec<Row>)>,
    missing: BTreeSet<(Table, i64)>,
    me: Option<Option<i64>>,
}

impl Tables {
    /// The rows of a table, from the PSA where they are not known yet, or were read a while ago.
    pub(super) fn rows(&mut self, client: &mut Client, table: Table) -> Result<&[Row]> {
        if self.read.get(&table).is_some_and(|(at, _)| at.elapsed() > FRESH) {
            self.forget(table);
            self.missing.retain(|(of, _)| *of != table);
        }
        let (_, rows) = match self.read.entry(table) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(place) => place.insert((Instant::now(), rows(client, table)?)),
        };
        Ok(rows)
    }

    /// Forgets a table: what was not found there may have been made since.
    pub(super) fn forget(&mut self, table: Table) {
        self.read.remove(&table);
    }

    /// The name of an id; `None` where the PSA knows none, which it is asked once.
    pub(super) fn name(
        &mut self,
        client: &mut Client,
        table: Table,
        id: Option<i64>,
    ) -> Result<Option<String>> {
        let Some(id) = id.filter(|&id| id > 0 && !(table == Table::Agent && id == UNASSIGNED)) else {
            return Ok(None);
        };
        let named = |rows: &[Row]| {
            let row = rows.iter().find(|row| table.id_of(row) == Some(id))?;
            table.name_of(row)
        };
        if let Some(name) = named(self.rows(client, table)?) {
            return Ok(Some(name));
        }
        if !self.missing.insert((table, id)) {
            return Ok(None);
        }
        self.forget(table);
        Ok(named(self.rows(client, table)?))
    }

    /// The agent that the application logs in as, where the PSA says it.
    pub(super) fn me(&mut self, client: &mut Client) -> Result<Option<i64>> {
        if self.me.is_none() {
            let row = match client.get("Agent/me", &[]) {
                Err(Refused::Missing | Refused::Denied(_)) => Value::Null,
                row => row?,
            };
            self.me = Some(serde_json::from_value::<Row>(row).ok().and_then(|row| row.id));
        }
        Ok(self.me.flatten())
    }
}

/// The rows of a table, each once.
pub(super) fn rows(client: &mut Client, table: Table) -> Result<Vec<Row>> {
    let (path, query) = table.path();
    let mut rows: Vec<Row> = Vec::new();
    let mut ids = BTreeSet::new();
    client.each(path, query, &mut |row: Row| {
        // Priorities are those of a service level each: their numbers come again.
        if ids.insert((row.slaid, table.id_of(&row), table.name_of(&row))) {
            rows.push(row);
        }
        Ok(())
    })?;
    Ok(rows)
}
