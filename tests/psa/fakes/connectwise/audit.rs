//! The audit trail: each change of a ticket as a sentence.
//!
//! There are no fields for old and new values. The real wording, the names of the sources and the order are UNCONFIRMED: here are sentences,
//! newest first.

use serde_json::{Value, json};

use super::lists::Rows;
use super::refusals;
use super::shapes::{login, time};
use super::{Answer, Connectwise, lists, tickets};
use crate::deed::Deed;
use crate::http::Request;
use crate::world::{Author, Change, Id, World};

/// Types that an audit trail can be asked of.
const TYPES: [&str; 5] = ["Ticket", "ProductCatalog", "Configuration", "PurchaseOrder", "Expense"];

impl Connectwise {
    /// The audit trail of one record.
    pub(super) fn audit(&self, world: &World, request: &Request, query: &lists::Query) -> Answer {
        self.may("audit.inquire")?;
        let kind = request.asked("type").unwrap_or_default();
        let id: Option<Id> = request.asked("id").and_then(|id| id.parse().ok());
        let known = TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind));
        let (true, Some(id)) = (known, id) else {
            return Err(refusals::unreadable("The audit trail needs a type and an id."));
        };
        if kind.eq_ignore_ascii_case("Ticket") && tickets::visible(world, id).is_none() {
            return Err(refusals::not_found("Ticket", &id.to_string()));
        }
        let of =
            world.changes.iter().filter(|change| change.ticket == id && kind.eq_ignore_ascii_case("Ticket"));
        let mut changes: Vec<&Change> = of.collect();
        changes.sort_by_key(|change| change.at);
        let rows = changes.into_iter().rev().map(|change| entry(world, change)).collect();
        let rows = Rows { right: "audit.inquire", what: "AuditTrailEntry", rows, known: &[] };
        lists::page(request, rows, query, &self.settings)
    }
}

fn entry(world: &World, change: &Change) -> Value {
    let source = match change.by {
        Author::System => "Workflow",
        Author::Contact(_) => "Email Connector",
        Author::Technician(_) => "PSA",
        Author::Api => "API",
    };
    json!({
        "text": text(world, change), "enteredDate": time(change.at), "enteredBy": login(world, change.by),
        "auditType": "Ticket", "auditSubType": subject(change.deed), "auditSource": source,
    })
}

fn subject(deed: Deed) -> &'static str {
    match deed {
        Deed::Opened | Deed::Deleted | Deed::Merged => "Ticket",
        Deed::Summary => "Summary",
        Deed::Status => "Status",
        Deed::Board => "Service Board",
        Deed::Kind => "Type",
        Deed::Subkind => "Subtype",
        Deed::Priority => "Priority",
        Deed::Owner => "Ticket Owner",
        Deed::Company => "Company",
        Deed::Contact => "Contact",
    }
}

fn text(world: &World, change: &Change) -> String {
    let subject = subject(change.deed);
    let (from, to) = (change.from.as_deref(), change.to.as_deref());
    match (change.deed, from, to) {
        (Deed::Opened, ..) => {
            let summary = world.tickets.get(&change.ticket).map_or("", |ticket| ticket.summary.as_str());
            format!("Ticket \"{summary}\" has been created.")
        }
        (Deed::Merged, _, to) => format!("Ticket has been merged into ticket #{}.", to.unwrap_or_default()),
        (Deed::Deleted, ..) => "Ticket has been deleted.".to_owned(),
        (_, Some(from), Some(to)) => format!("{subject} has been updated from \"{from}\" to \"{to}\"."),
        (_, None, to) => format!("{subject} has been set to \"{}\".", to.unwrap_or_default()),
        (_, Some(from), None) => format!("{subject} \"{from}\" has been removed."),
    }
}
