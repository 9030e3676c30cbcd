//! Autotask.
//!
//! Lists are read from id to id, so that rows which change meanwhile hide no others. Labels are by the tenant's own picklists. Must never
//! go to a host that is not the vendor's of the settings, nor use up the requests of the tenant's other integrations.

mod ahead;
mod client;
mod history;
mod hook;
mod look;
mod names;
mod read;
mod refusal;
mod talk;
#[cfg(test)]
mod tests;
mod wire;
mod write;
mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use firstline_fault::Result;
use firstline_ticket::Field;
use jiff::Timestamp;
use serde_json::json;

pub use client::AutotaskSettings;

use crate::connector::{Act, Connector, Done, Finding, FoundRule, History, Record, Reference, Seen};
use crate::hook::{Standing, Subscription};
use crate::http::{Http, Wait};
use ahead::Ahead;
use client::Client;
use names::Names;
use refusal::{Refused, fault};
use talk::Talk;

/// An Autotask.
#[derive(Debug)]
pub struct Autotask {
    client: Client,
    names: Option<Names>,
    ahead: Ahead,
    /// Minutes that a history waits at most while half of the hour's requests are used.
    minutes: u32,
}

impl Autotask {
    /// The PSA of `settings`, asked by `agent`.
    pub fn new(settings: AutotaskSettings, agent: ureq::Agent, wait: Wait) -> Self {
        let http = Http::new("Autotask", agent, settings.pace(), wait);
        Self { client: Client::new(settings, http), names: None, ahead: Ahead::default(), minutes: 1 }
    }

    /// The same, whose histories wait up to `minutes` while half of the tenant's hourly requests are used: an hour where a past is
    /// pulled, and one minute where nothing is said, since what comes in waits with them.
    #[must_use]
    pub fn patient(self, minutes: u32) -> Self {
        Self { minutes, ..self }
    }

    /// The client, and the names as they are remembered; read again where they are old, or lack one.
    fn parts(&mut self, lacks: impl Fn(&Names) -> bool) -> Result<(&mut Client, &mut Names)> {
        let old = self.names.as_ref().is_none_or(|names| names.are_old(lacks(names)));
        if old {
            self.names = Some(Names::read(&mut self.client)?);
        }
        let names = self.names.as_mut().ok_or_else(|| fault("no names", "Please report it"))?;
        Ok((&mut self.client, names))
    }
}

impl Connector for Autotask {
    fn changed_since(&mut self, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()> {
        // What comes in is due within a minute: it waits for others once, and not until they are done.
        self.client.spare(1)?;
        let since = json!({"op": "gte", "field": "lastActivityDate", "value": client::time(since)});
        let told = self.client.each("Tickets", &[since], &read::LISTED, &mut |ticket: wire::Ticket| {
            read::seen(&ticket).map_or(Ok(()), &mut *each)
        });
        Ok(told?)
    }

    fn expect(&mut self, ids: &[String]) -> Result<()> {
        self.ahead = Ahead::read(&mut self.client, ids)?;
        Ok(())
    }

    fn ticket(&mut self, id: &str) -> Result<Option<Record>> {
        let ahead = self.ahead.ticket(id).zip(self.ahead.talk(id));
        let (found, talk) = match ahead {
            Some(ahead) => ahead,
            None => match self.client.item::<wire::Ticket>("Tickets", id)? {
                Some(found) => (found, Arc::new(Talk::of(&mut self.client, id)?)),
                None => return Ok(None),
            },
        };
        let (client, names) = self.parts(|names| !names.know(&found))?;
        read::record(client, names, &found, &talk).map(Some)
    }

    fn history(&mut self, id: &str) -> Result<History> {
        self.client.spare(self.minutes)?;
        let talk = match self.ahead.take_talk(id) {
            Some(talk) => talk,
            None => Arc::new(Talk::of(&mut self.client, id)?),
        };
        let (client, names) = self.parts(|_| false)?;
        history::history(client, names, id, &talk)
    }

    fn reference(&mut self) -> Result<Reference> {
        self.names = None;
        let (_, names) = self.parts(|_| false)?;
        Ok(look::reference(names))
    }

    fn rules(&mut self) -> Result<Vec<FoundRule>> {
        // The API has no entity for workflow rules.
        Ok(Vec::new())
    }

    fn apply(&mut self, id: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done> {
        // First what takes long: nothing but the ticket itself is asked for right before the write.
        if let Some(there) = write::was_there(&mut self.client, id, act)? {
            return Ok(there);
        }
        self.parts(|names| write::is_unknown(names, act))?;
        let found: Option<wire::Ticket> = self.client.item("Tickets", id)?;
        let found = found.ok_or(Refused::Missing)?;
        let (client, names) = self.parts(|names| !names.know(&found))?;
        let done = write::apply(client, names, &found, act, labels);
        if done.is_err() {
            // Picklists may have changed.
            self.names = None;
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
        look::check(self)
    }
}
