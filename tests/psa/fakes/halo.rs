//! HaloPSA on the wire, as `apis` of Halo's own OpenAPI file and of two clients show it: tokens, tickets, actions, webhooks.
//!
//! Paths are taken in any case, unknown parameters are ignored, bodies of refusals have no common form. Where no source says how Halo
//! behaves, a comment says UNCONFIRMED and [`Settings`] often has the other way. Must never change the desk for a request it refuses.

mod act;
mod actions;
mod desk;
mod gate;
mod hooks;
mod input;
mod numbers;
mod outcomes;
mod people;
mod refusals;
mod routing;
mod settings;
mod show;
mod sla;
mod tables;
mod tickets;
mod times;
mod upsert;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Id, World};

use gate::Gate;
use hooks::Hooks;
use numbers::Numbers;
use refusals::{Outcome, Refusal};

pub use desk::desk;
pub use refusals::ErrorBody;
pub use settings::{Feedback, Settings, TimeUnit, TypeThree};

/// The id of the application whose secret is [`CLIENT_SECRET`]; actions that it wrote carry it as `actionby_application_id`.
pub const CLIENT_ID: &str = "6b1f4a52-0c6d-4f6e-9a55-0d5b7c2e9f10";
/// The application's secret.
pub const CLIENT_SECRET: &str = "halo-fake-secret-0001";
/// The agent that the application logs in as: what it writes appears as theirs.
pub const API_AGENT: Id = 3;
/// That agent's name.
pub const API_AGENT_NAME: &str = "Firstline Connector";
/// The agent that means nobody.
pub const UNASSIGNED: Id = 1;
/// The client that means nobody's.
pub const UNKNOWN_CLIENT: Id = 1;
/// The outcome of an internal note.
pub const PRIVATE_NOTE: Id = 7;
/// The outcome of a mail to the customer.
pub const EMAIL_USER: Id = 2;
/// The outcome of a note that customers see and are not mailed.
pub const PUBLIC_NOTE: Id = 5;
/// The outcome that mails the customer and sets the status to waiting by itself.
pub const EMAIL_AND_WAIT: Id = 21;
/// The outcome that mails the customer and sets the status to resolved by itself.
pub const RESOLVE: Id = 22;
/// The custom field that tickets have.
pub const ASSET_TAG: Id = 151;

/// How Halo talks.
#[derive(Debug, Default)]
pub struct Halo {
    /// What can be had otherwise.
    pub settings: Settings,
    gate: Gate,
    numbers: Numbers,
    hooks: Hooks,
}

impl Dialect for Halo {
    fn answer(&mut self, world: &mut World, request: &Request) -> Reply {
        let mut known = request.clone();
        known.query.retain(|(name, _)| !self.settings.ignored.contains(&name.to_lowercase()));
        let reply = match self.reply(world, &known) {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply(self.settings.error_body),
        };
        reply.with("date", world.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    fn deliveries(&mut self, world: &World, happened: &[Happened]) -> Vec<Delivery> {
        self.numbers.follow(world);
        hooks::deliveries(self, world, happened)
    }

    fn set(&mut self, settings: &Value) -> Result<(), String> {
        self.settings.change(settings)
    }
}

impl Halo {
    fn reply(&mut self, world: &mut World, request: &Request) -> Outcome<Reply> {
        let lower: Vec<String> = request.parts().iter().map(|part| part.to_lowercase()).collect();
        let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["auth", "token"]) => self.gate.token(&self.settings, world.now(), request),
            ("GET", ["api", "authinfo"]) => Ok(gate::info(&self.settings, request)),
            (method, ["api", resource, rest @ ..]) => {
                self.gate.pass(&self.settings, world.now(), request, (method, resource))?;
                self.numbers.follow(world);
                let reply = self.route(world, request, (method, resource, rest));
                self.numbers.follow(world);
                reply
            }
            _ => Err(Refusal::missing("There is nothing at this address")),
        }
    }

    fn route(
        &mut self,
        world: &mut World,
        request: &Request,
        (method, resource, rest): (&str, &str, &[&str]),
    ) -> Outcome<Reply> {
        match (method, resource, rest) {
            ("GET", "tickets", []) => tickets::list(self, world, request),
            ("GET", "tickets", [id]) => tickets::one(self, world, request, id),
            ("POST", "tickets", []) => upsert::post(self, world, request),
            ("DELETE", "tickets", [id]) => tickets::delete(world, id),
            ("GET", "actions", []) => actions::list(self, world, request),
            ("GET", "actions", [id]) => actions::one(self, world, request, id),
            ("POST", "actions", []) => act::post(self, world, request),
            ("DELETE", "actions", [id]) => act::delete(self, world, request, id),
            ("POST", "timesheetevent", []) => act::timesheet(world, request),
            ("POST", "audit", []) => routing::audit(world, request),
            (_, "webhook" | "notification" | "webhookevent", _) => {
                self.hooks.answer(request, world.now(), (method, resource, rest))
            }
            ("GET", _, _) => self.table(world, request, resource, rest),
            _ => Err(Refusal::method(resource)),
        }
    }

    /// Reference data: a table, or a row of it.
    fn table(&self, world: &World, request: &Request, resource: &str, rest: &[&str]) -> Outcome<Reply> {
        let found = tables::table(world, request, resource)
            .or_else(|| people::table(world, request, resource))
            .or_else(|| routing::table(self, world, request, resource));
        let table = found.ok_or_else(|| Refusal::missing("There is nothing at this address"))?;
        match rest {
            [] => table.page(&self.settings, request, resource),
            ["me"] if resource == "agent" => table.row(&API_AGENT.to_string()),
            [id] => table.row(id),
            _ => Err(Refusal::missing("There is nothing at this address")),
        }
    }
}
