//! HaloPSA.
//!
//! Lists are read page by page in the order of ids, and begun again where they shrink. Actions are known by ticket and number. Times are
//! UTC though they don't say so. Must never follow an address that the PSA gives, nor trust that a parameter was heeded.

mod client;
mod history;
mod hook;
mod lines;
mod look;
mod read;
mod rules;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod wire;
mod write;

use std::collections::BTreeMap;
use std::time::Instant;

use firstline_fault::Result;
use firstline_ticket::Field;
use jiff::Timestamp;

pub use client::HaloSettings;

use crate::connector::{Act, Connector, Done, Finding, FoundRule, History, Record, Reference, Seen};
use crate::hook::{Standing, Subscription};
use crate::http::{Http, Wait};
use client::Client;
use read::Held;
use tables::Tables;

/// A HaloPSA.
#[derive(Debug)]
pub struct Halo {
    client: Client,
    tables: Tables,
    /// The ticket that was read last, for its history: each reading of its actions is a request of the quota.
    held: Option<Held>,
    /// Whether actions leave the time of update as it is, so that changes are looked for among them too; looked at once.
    still: Option<bool>,
    /// Whether the audit can be narrowed to a ticket; looked at once.
    audit: Option<bool>,
    /// Entries of time whose span says that they count hours, and those that count minutes.
    units: (u32, u32),
}

impl Halo {
    /// The PSA of `settings`, asked by an agent.
    pub fn new(settings: HaloSettings, agent: ureq::Agent, wait: Wait) -> Self {
        let http = Http::new("HaloPSA", agent, settings.pace(), wait);
        Self {
            client: Client::new(settings, http),
            tables: Tables::default(),
            held: None,
            still: None,
            audit: None,
            units: (0, 0),
        }
    }
}

impl Connector for Halo {
    fn changed_since(&mut self, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
        read::changed(self, since, each)
    }

    fn ticket(&mut self, id: &str) -> Result<Option<Record>> {
        read::ticket(self, id)
    }

    fn history(&mut self, id: &str) -> Result<History> {
        history::history(self, id)
    }

    fn reference(&mut self) -> Result<Reference> {
        look::reference(self)
    }

    fn rules(&mut self) -> Result<Vec<FoundRule>> {
        rules::rules(self)
    }

    fn apply(&mut self, id: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done> {
        write::apply(self, id, act, labels)
    }

    fn find_mark(&mut self, id: &str, mark: &str) -> Result<Option<String>> {
        write::find_mark(self, id, mark)
    }

    fn webhook(&mut self, wanted: &Subscription) -> Result<Standing> {
        hook::webhook(&mut self.client, wanted)
    }

    fn write_by(&mut self, deadline: Option<Instant>) {
        self.client.http.write_by(deadline);
    }

    fn check(&mut self) -> Vec<Finding> {
        look::check(self)
    }
}
