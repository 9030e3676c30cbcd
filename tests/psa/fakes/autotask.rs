//! Autotask on the wire: REST 1.0 with its three headers, envelopes, query language, picklists, child paths, thresholds and webhooks.
//!
//! Credentials are public constants; what a test can change is in [`Settings`]. Ids are those of the records: statuses, queues and
//! priorities are picklist values. Must never accept what the vendor's documents say is refused, and marks what no source says.
//!
//! UNCONFIRMED, decided here: an unknown path is ASP.NET's 404 and a method that a path does not take its 405; the body of a 401; that
//! five wrong secrets in a row lock the user out.

mod children;
mod desk;
mod fields;
mod limits;
mod meta;
mod pages;
mod query;
mod records;
mod refusals;
mod rows;
mod settings;
#[cfg(test)]
mod tests;
mod times;
mod webhooks;
mod writes;

use serde_json::{Value, json};

use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::server::{Dialect, Entry};
use crate::world::{Id, World};

pub use desk::{
    COMPLETE, IN_PROGRESS, MONITORING, NEW, OWN_COMPANY, PORTAL, ROLES, SERVICE_DESK, WAITING_CUSTOMER, desk,
};
pub use settings::{Settings, Signature};

use fields::{Entity, entity};
use limits::Limits;
use pages::{Asking, Place};
use query::Query;
use records::{Edit, Row, View};
use refusals::{no_method, no_path, refused};
use webhooks::Webhooks;
use writes::Desk;

/// The API user: `UserName`.
pub const API_USER: &str = "firstline-api@desk.example";
/// Their password: `Secret`.
pub const API_SECRET: &str = "a-secret-of-the-fake";
/// The tracking identifier: `ApiIntegrationCode`.
pub const INTEGRATION_CODE: &str = "FAKEFAKEFAKEFAKEFAKEFAKEFAK";
/// The resource that the API user is.
pub const API_RESOURCE: Id = 29_682_999;
/// The resource that the system writes as.
pub const SYSTEM_RESOURCE: Id = 4;

/// Longest query string of an address, in bytes. A longer one is IIS's 404 (UNCONFIRMED).
const MOST_QUERY: usize = 2048;

/// How Autotask talks.
#[derive(Debug, Default)]
pub struct Autotask {
    /// What a test can change.
    pub settings: Settings,
    wrong_secrets: u32,
    limits: Limits,
    edits: Vec<Edit>,
    webhooks: Webhooks,
}

/// A request below `ATServicesRest`.
struct Call<'a> {
    /// The zone that it was sent to.
    zone: &'a str,
    /// Its path after the version, in lower case; ids stay as they are.
    parts: Vec<String>,
}

impl<'a> Call<'a> {
    fn of(request: &'a Request) -> Option<Self> {
        let parts = request.parts();
        let at = parts.iter().position(|part| part.eq_ignore_ascii_case("ATServicesRest"))?;
        let zone = match &parts[..at] {
            [] => "",
            [zone] => zone,
            _ => return None,
        };
        let mut rest: Vec<String> = parts[at + 1..].iter().map(|part| part.to_ascii_lowercase()).collect();
        let versioned = rest.first().is_some_and(|part| part == "v1.0");
        if !versioned && rest.first().is_none_or(|part| part != "versioninformation") {
            return None;
        }
        rest.drain(..usize::from(versioned));
        Some(Self { zone, parts: rest })
    }

    fn parts(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// The entity endpoint that it counts for.
    fn endpoint(&self) -> Option<&str> {
        let open = ["zoneinformation", "versioninformation"];
        self.parts.first().map(String::as_str).filter(|part| !open.contains(part))
    }
}

impl Autotask {
    fn view<'a>(&'a self, world: &'a World) -> View<'a> {
        View { world, settings: &self.settings, edits: &self.edits }
    }

    /// The address of the tenant's zone.
    fn zone_url(&self, request: &Request) -> String {
        match self.settings.zone.as_str() {
            "" => format!("{}/ATServicesRest/", request.origin),
            zone => format!("{}/{zone}/ATServicesRest/", request.origin),
        }
    }

    /// Where a user's zone is; an unknown user is HTTP 500. No credentials.
    fn zone(&self, request: &Request) -> Reply {
        let user = request.asked("user").unwrap_or_default();
        if !user.eq_ignore_ascii_case(API_USER) {
            return refused(500, "The user does not exist, or is no API user.");
        }
        let url = self.zone_url(request);
        let told =
            json!({"zoneName": "Fake Zone", "url": url, "webUrl": format!("{}/", request.origin), "ci": 1});
        Reply::json(200, &told)
    }

    /// Checks the three headers, and that this is the tenant's zone.
    fn admit(&mut self, request: &Request, call: &Call<'_>) -> Result<(), Reply> {
        let is = |name: &str, value: &str| request.header(name) == Some(value);
        let user = request.header("username").is_some_and(|user| user.eq_ignore_ascii_case(API_USER));
        let secret = is("secret", API_SECRET);
        let lock = self.settings.lock_after;
        self.wrong_secrets = if user && !secret { self.wrong_secrets + 1 } else { self.wrong_secrets };
        self.settings.locked |= lock > 0 && self.wrong_secrets >= lock;
        if self.settings.locked {
            return Err(refused(401, "The API user is locked."));
        }
        if !user || !secret || !is("apiintegrationcode", INTEGRATION_CODE) || call.zone != self.settings.zone
        {
            return Err(refused(401, "Unauthorized: the credentials, or the zone, are wrong."));
        }
        self.wrong_secrets = 0;
        Ok(())
    }

    fn talk(&mut self, world: &mut World, request: &Request, call: &Call<'_>) -> Result<Reply, Reply> {
        let (method, parts) = (request.method.as_str(), call.parts());
        match (method, parts.as_slice()) {
            ("GET", ["versioninformation"]) => return Ok(Reply::json(200, &json!({"apiVersions": ["1.0"]}))),
            ("GET", ["zoneinformation"]) => return Ok(self.zone(request)),
            _ => {}
        }
        self.admit(request, call)?;
        if request.raw_query.len() > MOST_QUERY {
            return Err(Reply::html(404, "Not Found"));
        }
        self.limits.count(world.now(), &self.settings)?;
        match (method, parts.as_slice()) {
            ("GET", ["thresholdinformation"]) => {
                Ok(Reply::json(200, &self.limits.told(world.now(), &self.settings)))
            }
            ("GET", [of, "entityinformation", rest @ ..]) => self.about(world, request, (of, rest)),
            ("GET" | "POST", [of, "query", rest @ ..]) => self.asked(world, request, (of, rest)),
            (_, [of, ..]) if of.starts_with("ticketwebhook") || of.starts_with("ticketnotewebhook") => {
                let view = View { world, settings: &self.settings, edits: &self.edits };
                self.webhooks.answer(view, request, &parts)
            }
            ("GET", [of, id]) => self.one(world, request, (of, id)),
            ("GET", [of, id, child, rest @ ..]) => self.children(world, request, (of, id, child, rest)),
            _ => self.write(world, request, &parts),
        }
    }

    /// `entityInformation` and what is below it.
    fn about(&self, world: &World, request: &Request, (of, rest): (&str, &[&str])) -> Result<Reply, Reply> {
        let of = entity(of).ok_or_else(|| no_path(request))?;
        let told = match rest {
            [] => meta::information(&of, &self.settings),
            ["fields"] => self.view(world).fields(&of),
            ["userdefinedfields"] => meta::udf_fields(&of),
            _ => return Err(no_path(request)),
        };
        Ok(Reply::json(200, &told))
    }

    /// A query, a count, or another page of a query.
    fn asked(&self, world: &World, request: &Request, (of, rest): (&str, &[&str])) -> Result<Reply, Reply> {
        let entity = entity(of).ok_or_else(|| no_path(request))?;
        if !matches!(rest, [] | ["count" | "next" | "previous"]) {
            return Err(no_path(request));
        }
        let search =
            (request.method == "GET").then(|| request.asked("search").unwrap_or_default().to_owned());
        let sent: Option<Value> = match &search {
            Some(text) => serde_json::from_str(text).ok(),
            None => request.json(),
        };
        let sent = sent.ok_or_else(|| refused(400, "The query is no JSON."))?;
        let query = Query::read(&sent, &entity)?;
        let base = format!("{}V1.0/{}", self.zone_url(request), entity.name);
        let rows = self.rows(world, &entity, &query);
        let asking = Asking { view: self.view(world), entity, query, rows, base, search };
        match rest {
            [] => Ok(asking.page(&Place::default())),
            ["count"] => Ok(asking.count()),
            _ => {
                let now = world.now().as_second();
                Ok(asking.page(&Place::read(request, now, self.settings.page_seconds)?))
            }
        }
    }

    fn rows<'a>(&'a self, world: &'a World, of: &Entity, query: &Query) -> Vec<Row<'a>> {
        match of.name {
            "TicketWebhooks" | "TicketNoteWebhooks" => {
                let notes = of.name.starts_with("TicketNote");
                self.webhooks.records(notes).cloned().map(Row::Made).collect()
            }
            _ => self.view(world).rows(of, Some(query)),
        }
    }

    /// A record by its id; one that is not there is null, with 200.
    fn one(&self, world: &World, request: &Request, (of, id): (&str, &str)) -> Result<Reply, Reply> {
        let of = entity(of).ok_or_else(|| no_path(request))?;
        let id: Id = id.parse().map_err(|_| no_path(request))?;
        let record = self.view(world).row(&of, id).map(|row| row.record(&of));
        Ok(Reply::json(200, &json!({"item": record})))
    }

    /// Records below their parent: all of them, or one.
    fn children(
        &self,
        world: &World,
        request: &Request,
        (of, parent, child, rest): (&str, &str, &str, &[&str]),
    ) -> Result<Reply, Reply> {
        let (of, by) = match (of, child) {
            ("tickets", "notes") => ("TicketNotes", "ticketID"),
            ("holidaysets", "holidays") => ("Holidays", "holidaySetID"),
            ("companies", "contacts") => ("Contacts", "companyID"),
            ("resources", "servicedeskroles") => ("ResourceServiceDeskRoles", "resourceID"),
            _ => return Err(no_path(request)),
        };
        let of = entity(of).ok_or_else(|| no_path(request))?;
        let id = |text: &str| text.parse::<Id>().map_err(|_| no_path(request));
        let filter = json!({"filter": [{"op": "eq", "field": by, "value": id(parent)?}]});
        let query = Query::read(&filter, &of)?;
        let rows = self.rows(world, &of, &query);
        if let [child] = rest {
            let child = id(child)?;
            let found = rows.iter().find(|row| row.id() == child && query.filter.meets(*row));
            return Ok(Reply::json(200, &json!({"item": found.map(|row| row.record(&of))})));
        }
        if !rest.is_empty() {
            return Err(no_path(request));
        }
        let base = format!("{}V1.0/{}", self.zone_url(request), of.name);
        let search = Some(filter.to_string());
        Ok(Asking { view: self.view(world), entity: of, query, rows, base, search }.page(&Place::default()))
    }

    /// Whatever is no `GET` and no query.
    fn write(&mut self, world: &mut World, request: &Request, parts: &[&str]) -> Result<Reply, Reply> {
        let mut desk = Desk { world, settings: &self.settings, edits: &mut self.edits };
        match (request.method.as_str(), parts) {
            ("POST" | "PATCH" | "PUT", ["tickets"]) => desk.ticket(request),
            ("POST" | "PATCH" | "PUT", ["tickets", id, "notes"]) => {
                let id = id.parse().map_err(|_| no_path(request))?;
                desk.note(request, id)
            }
            ("POST" | "PATCH" | "PUT", ["timeentries"]) => desk.time(request),
            ("DELETE", ["timeentries", id]) => {
                let id = id.parse().map_err(|_| no_path(request))?;
                desk.delete_time(id)
            }
            // Notes are written below their ticket only.
            (_, ["ticketnotes"]) if self.settings.child_only_status == 404 => Err(no_path(request)),
            (_, [of] | [of, _]) if entity(of).is_some() => Err(no_method(request)),
            (_, ["tickets", _, "notes", ..]) => Err(no_method(request)),
            _ => Err(no_path(request)),
        }
    }
}

impl Dialect for Autotask {
    fn answer(&mut self, world: &mut World, request: &Request) -> Reply {
        let reply = match Call::of(request) {
            Some(call) => self.talk(world, request, &call).unwrap_or_else(|refusal| refusal),
            None => no_path(request),
        };
        reply.with("date", world.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    fn deliveries(&mut self, world: &World, happened: &[Happened]) -> Vec<Delivery> {
        let view = View { world, settings: &self.settings, edits: &self.edits };
        self.webhooks.deliveries(view, happened)
    }

    fn enter(&mut self, world: &World, request: &Request) -> Entry {
        let call = Call::of(request);
        let Some(endpoint) = call.as_ref().and_then(Call::endpoint) else { return Entry::default() };
        let delay = self.limits.delay(&world.clock, &self.settings);
        Entry { delay, refusal: self.limits.begin(endpoint, &self.settings) }
    }

    fn leave(&mut self, request: &Request) {
        let call = Call::of(request);
        if let Some(endpoint) = call.as_ref().and_then(Call::endpoint) {
            self.limits.end(endpoint);
        }
    }

    fn set(&mut self, settings: &Value) -> Result<(), String> {
        self.settings = self.settings.with(settings)?;
        if !self.settings.locked {
            self.wrong_secrets = 0;
        }
        Ok(())
    }
}
