//! ConnectWise PSA.
//!
//! Lists are read forward only, by id, so that rows which change meanwhile don't hide others. References are by the tenant's own ids,
//! and types and statuses by those of their board. Must never follow an address that the PSA gives.

mod ahead;
mod audit;
mod client;
mod hook;
mod look;
mod members;
mod read;
mod rules;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::collections::BTreeMap;
use std::time::Instant;

use firstline_fault::Result;
use firstline_ticket::Field;
use jiff::Timestamp;

pub use client::ConnectwiseSettings;
pub use hook::signing_keys;

use crate::connector::{Act, Connector, Done, Finding, FoundRule, History, Record, Reference, Seen};
use crate::hook::{Standing, Subscription};
use crate::http::{Http, Wait};
use ahead::Ahead;
use client::Client;
use members::Members;

/// A ConnectWise PSA.
#[derive(Debug)]
pub struct Connectwise {
    client: Client,
    members: Members,
    ahead: Ahead,
}

impl Connectwise {
    /// The PSA of `settings`, asked by `http`.
    pub fn new(settings: ConnectwiseSettings, agent: ureq::Agent, wait: Wait) -> Self {
        let http = Http::new("ConnectWise", agent, settings.pace(), wait);
        Self { client: Client::new(settings, http), members: Members::default(), ahead: Ahead::default() }
    }
}

impl Connector for Connectwise {
    fn changed_since(&mut self, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
        let conditions = format!("lastUpdated>=[{}]", client::time(since));
        let query = [("conditions", conditions.as_str())];
        self.client.each("service/tickets", &query, &mut |ticket: wire::Ticket| match read::seen(&ticket) {
            Some(seen) => each(seen),
            None => Ok(()),
        })
    }

    fn expect(&mut self, ids: &[String]) -> Result<()> {
        self.ahead = Ahead::read(&mut self.client, ids)?;
        Ok(())
    }

    fn ticket(&mut self, id: &str) -> Result<Option<Record>> {
        read::ticket((&mut self.client, &mut self.ahead), id, &mut self.members)
    }

    fn history(&mut self, id: &str) -> Result<History> {
        read::history((&mut self.client, &mut self.ahead), id, &mut self.members)
    }

    fn reference(&mut self) -> Result<Reference> {
        look::reference(&mut self.client)
    }

    fn rules(&mut self) -> Result<Vec<FoundRule>> {
        rules::rules(&mut self.client)
    }

    fn apply(&mut self, id: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done> {
        let done = write::apply(&mut self.client, id, act, labels);
        if done.is_err() {
            // Somebody may have come since.
            self.members.forget();
        }
        done
    }

    fn find_mark(&mut self, id: &str, mark: &str) -> Result<Option<String>> {
        write::find_mark(&mut self.client, id, mark)
    }

    fn webhook(&mut self, wanted: &Subscription) -> Result<Standing> {
        hook::webhook(&mut self.client, wanted)
    }

    fn write_by(&mut self, deadline: Option<Instant>) {
        self.client.http.write_by(deadline);
    }

    fn check(&mut self) -> Vec<Finding> {
        look::check(&mut self.client)
    }
}
