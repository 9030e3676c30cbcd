//! ConnectWise PSA on the wire: paths, credentials, rights, limits, and who answers.
//!
//! What the real one does where no source says so is marked UNCONFIRMED where it is decided. Must never accept what the real one refuses.

mod audit;
mod callbacks;
mod conditions;
mod desk;
mod draft;
mod lists;
mod notes;
mod patch;
mod reference;
mod refusals;
mod routing;
mod settings;
mod shapes;
#[cfg(test)]
mod tests;
mod tickets;
mod times;
mod writes;

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Id, World};
use lists::{Query, Rows};

pub use desk::desk;
pub use settings::{Forged, Settings};

/// The company that API users log in to.
pub const COMPANY_ID: &str = "acme";
/// The public key of the API member.
pub const PUBLIC_KEY: &str = "PublicKeyOfAFake";
/// The private key of the API member.
pub const PRIVATE_KEY: &str = "PrivateKeyOfAFake";
/// The client id of the integration.
pub const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c1d0";
/// The login of the API member.
pub const API_MEMBER: &str = "FirstlineAPI";
/// The id of the API member.
pub const API_MEMBER_ID: Id = 39_000;

/// The codebase that is no release.
const GENERIC_CODEBASE: &str = "v4_6_release";

type Answer = Result<Reply, Reply>;

/// How ConnectWise PSA talks.
#[derive(Debug, Default)]
pub struct Connectwise {
    /// What kind of server it is.
    pub settings: Settings,
    callbacks: Vec<callbacks::Callback>,
    /// The messages sent so far.
    messages: u64,
    /// Where requests came to last, which deliveries point to.
    origin: String,
    /// When requests came, as far back as the quota counts.
    asked: VecDeque<Timestamp>,
}

impl Dialect for Connectwise {
    fn answer(&mut self, world: &mut World, request: &Request) -> Reply {
        self.origin.clone_from(&request.origin);
        let reply = self.respond(world, request).unwrap_or_else(|refusal| refusal);
        let date = world.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        reply.with("date", date).with("api-current-version", self.version(request))
    }

    fn deliveries(&mut self, world: &World, happened: &[Happened]) -> Vec<Delivery> {
        self.told(world, happened)
    }

    fn set(&mut self, settings: &Value) -> Result<(), String> {
        self.settings = self.settings.with(settings)?;
        Ok(())
    }
}

impl Connectwise {
    fn respond(&mut self, world: &mut World, request: &Request) -> Answer {
        let parts = request.parts();
        if let ["login", "companyinfo", company] = parts.as_slice() {
            return self.company_info(company);
        }
        // The page of a path outside the codebase is UNCONFIRMED: here it is one of the web server, not of the API.
        let nowhere = || Reply::html(404, "404 - File or directory not found.");
        let (codebase, rest) = parts.split_first().ok_or_else(nowhere)?;
        let generic = self.settings.generic_codebase && *codebase == GENERIC_CODEBASE;
        if *codebase != self.settings.codebase && !generic {
            return Err(nowhere());
        }
        match rest {
            ["system", "callbackkey", "index.rails"] => self.signing_key(request),
            ["apis", "3.0", rest @ ..] => {
                self.within_quota(world.now())?;
                self.authorized(request)?;
                self.route(world, request, rest)
            }
            _ => Err(nowhere()),
        }
    }

    /// What anybody may know of a company.
    fn company_info(&self, company: &str) -> Answer {
        if !company.eq_ignore_ascii_case(COMPANY_ID) {
            let missing = self.settings.unknown_company_404;
            return Ok(if missing { Reply::html(404, "Not found") } else { Reply::json(200, &Value::Null) });
        }
        let codebase = &self.settings.codebase;
        Ok(Reply::json(
            200,
            &json!({
                "CompanyName": "Acme Managed Services",
                "Codebase": format!("{codebase}/"),
                "VersionCode": codebase.replacen('_', ".", 1),
                "VersionNumber": "v4.6.101234",
                "CompanyID": COMPANY_ID,
                "IsCloud": self.settings.is_cloud,
            }),
        ))
    }

    /// The version that serves: the one that is pinned, or the newest.
    fn version(&self, request: &Request) -> String {
        let accept = request.header("accept").unwrap_or_default();
        let pinned = accept.split([';', ',']).find_map(|part| part.trim().strip_prefix("version="));
        pinned.unwrap_or(&self.settings.version).trim().to_owned()
    }

    /// No quota is published; that of a proxy in front is counted in the last 60 s. The body of the real 429 is UNCONFIRMED.
    fn within_quota(&mut self, now: Timestamp) -> Result<(), Reply> {
        if self.settings.quota == 0 {
            return Ok(());
        }
        let minute = SignedDuration::from_secs(60);
        while self.asked.front().is_some_and(|at| now.duration_since(*at) >= minute) {
            self.asked.pop_front();
        }
        if self.asked.len() < self.settings.quota {
            self.asked.push_back(now);
            return Ok(());
        }
        let refusal = if self.settings.quota_page {
            Reply::html(429, "Error 1015: you are being rate limited")
        } else {
            refusals::refusal(429, "TooManyRequests", "Too many requests, try again later.")
        };
        Err(match self.settings.retry_after {
            Some(seconds) => refusal.with("retry-after", seconds.to_string()),
            None => refusal,
        })
    }

    /// Basic credentials and a client id; both are needed.
    fn authorized(&self, request: &Request) -> Result<(), Reply> {
        let basic = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
        let said = basic.and_then(|text| STANDARD.decode(text.trim()).ok());
        let said = said.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let company = said.split('+').next().unwrap_or_default();
        let rest = said.get(company.len()..).unwrap_or_default();
        let keys = format!("+{PUBLIC_KEY}:{PRIVATE_KEY}");
        if !company.eq_ignore_ascii_case(COMPANY_ID) || rest != keys {
            return Err(refusals::refusal(401, "Unauthorized", "The credentials are not valid."));
        }
        match request.header("clientid") {
            Some(id) if id.eq_ignore_ascii_case(CLIENT_ID) => Ok(()),
            _ => Err(refusals::refusal(401, "UserNotAuthenticated", "A valid clientId header is required.")),
        }
    }

    /// Whether the API member's security role has a right.
    fn may(&self, right: &str) -> Result<(), Reply> {
        if self.settings.denied.contains(right) { Err(refusals::forbidden(right)) } else { Ok(()) }
    }

    fn route(&mut self, world: &mut World, request: &Request, parts: &[&str]) -> Answer {
        match (request.method.as_str(), parts) {
            ("GET", _) => self.read(world, request, parts),
            ("POST", ["service", "tickets", "search"]) => self.read(world, request, &["service", "tickets"]),
            ("POST", ["service", "tickets"]) => self.post_ticket(world, request),
            ("PATCH" | "PUT", ["service", "tickets", id]) => self.change_ticket(world, request, id),
            ("DELETE", ["service", "tickets", id]) => self.delete_ticket(world, request, id),
            ("POST", ["service", "tickets", id, "merge"]) => self.merge(world, request, id),
            ("POST", ["service", "tickets", id, "notes"]) => self.post_note(world, request, id),
            ("PATCH" | "PUT", ["service", "tickets", id, "notes", note]) => {
                self.change_note(world, request, [id, note])
            }
            ("DELETE", ["service", "tickets", id, "notes", note]) => {
                self.delete_note(world, request, [id, note])
            }
            ("POST", ["time", "entries"]) => self.post_time(world, request),
            ("PATCH" | "PUT", ["time", "entries", id]) => self.change_time(world, request, id),
            ("DELETE", ["time", "entries", id]) => self.delete_time(world, request, id),
            ("POST", ["system", "callbacks"]) => self.post_callback(world, request),
            ("PATCH" | "PUT", ["system", "callbacks", id]) => self.change_callback(world, request, id),
            ("DELETE", ["system", "callbacks", id]) => self.delete_callback(id),
            _ => self.no_method(world, request, parts),
        }
    }

    /// A method that a path does not have. The real answer is UNCONFIRMED.
    fn no_method(&self, world: &World, request: &Request, parts: &[&str]) -> Answer {
        let whole = self.rows(world, parts, &Query::default())?;
        let one = parts
            .split_last()
            .map(|(_, parts)| self.rows(world, parts, &Query::default()))
            .transpose()?
            .flatten();
        if whole.is_none() && one.is_none() {
            return Err(refusals::no_endpoint());
        }
        let message = format!("The requested resource does not support http method '{}'.", request.method);
        Err(refusals::refusal(405, "ConnectWiseApi", &message))
    }

    /// Reads: a list, the number of its records, or one record.
    fn read(&self, world: &World, request: &Request, parts: &[&str]) -> Answer {
        match parts {
            ["system", "info"] => return Ok(Reply::json(200, &self.system_info())),
            ["system", "audittrail"] => {
                let query = Query::read(request, &self.settings)?;
                return self.audit(world, request, &query);
            }
            ["service" | "project", "tickets", id] if *id != "count" => {
                self.may("tickets.inquire")?;
                let ticket = tickets::named(world, id)?;
                let query = Query::read(request, &self.settings)?;
                let shown = self.ticket(world, &tickets::Facts::of(world, &[ticket.id]), ticket);
                return Ok(Reply::json(200, &query.shown(shown)));
            }
            _ => {}
        }
        let query = Query::read(request, &self.settings)?;
        let (last, way) = parts.split_last().ok_or_else(refusals::no_endpoint)?;
        if let Some(rows) = self.rows(world, parts, &query)? {
            self.may(rows.right)?;
            return lists::page(request, rows, &query, &self.settings);
        }
        let rows = self.rows(world, way, &query)?.ok_or_else(refusals::no_endpoint)?;
        self.may(rows.right)?;
        if *last == "count" {
            return lists::count(rows, &query);
        }
        let id: Id = last.parse().map_err(|_| refusals::no_endpoint())?;
        let found = rows.rows.into_iter().find(|row| row.get("id") == Some(&json!(id)));
        let found = found.ok_or_else(|| refusals::not_found(rows.what, last))?;
        Ok(Reply::json(200, &query.shown(found)))
    }

    /// The records of a path, where it is one of a list.
    fn rows(&self, world: &World, parts: &[&str], query: &Query) -> Result<Option<Rows>, Reply> {
        let of_tickets = |what, rows, known| Some(Rows { right: "tickets.inquire", what, rows, known });
        Ok(match parts {
            ["service", "tickets"] => of_tickets("Ticket", self.tickets(world, query), tickets::FIELDS),
            ["project", "tickets"] => {
                let mut rows = self.tickets(world, query);
                rows.retain(|row| row["recordType"] == "ProjectTicket");
                of_tickets("Ticket", rows, tickets::FIELDS)
            }
            ["service", "tickets", id, kind] => {
                let id = tickets::named(world, id)?.id;
                match *kind {
                    "notes" => of_tickets("ServiceNote", self.notes(world, id), notes::FIELDS),
                    "allNotes" if self.settings.all_notes => {
                        of_tickets("ServiceTicketNote", self.all_notes(world, id), notes::FIELDS)
                    }
                    "timeentries" => of_tickets("TimeEntryReference", self.time_refs(world, id), &[]),
                    "tasks" | "configurations" => of_tickets("Record", Vec::new(), &[]),
                    _ => None,
                }
            }
            ["service", rest @ ..] => self.service(world, rest)?,
            ["company", rest @ ..] => self.company(world, rest)?,
            ["schedule", rest @ ..] => self.schedule(rest)?,
            ["time", "entries"] => {
                let rows = self.time_entries(world, query);
                Some(Rows { right: "time.inquire", what: "TimeEntry", rows, known: times::FIELDS })
            }
            ["system", "members"] => Some(self.members(world)),
            ["system", "callbacks"] => {
                let rows = self.callback_rows();
                Some(Rows { right: "setup.inquire", what: "CallbackEntry", rows, known: callbacks::FIELDS })
            }
            ["system", "workflows", rest @ ..] => self.workflows(world, rest)?,
            ["system", "emailConnectors", rest @ ..] => self.email_connectors(world, rest)?,
            _ => None,
        })
    }

    fn system_info(&self) -> Value {
        json!({"version": "v2025.1.101234", "isCloud": self.settings.is_cloud, "cloudRegion": "NA",
            "serverTimeZone": "Eastern Standard Time", "licenseBits": []})
    }
}
