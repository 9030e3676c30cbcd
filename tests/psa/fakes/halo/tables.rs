//! Reference data, and how tables come back: bare arrays that know no pages, or objects with a count that do.

use serde_json::{Value, json};

use super::refusals::{Outcome, Refusal};
use super::settings::Settings;
use super::{input, outcomes, show, sla};
use crate::http::{Reply, Request};
use crate::world::{Stage, World};

/// Most rows of a page; a longer one is cut without a word.
const MOST: usize = 100;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// The key of the rows; without one a bare array is given.
    pub(super) key: Option<&'static str>,
    /// Its rows.
    pub(super) rows: Vec<Value>,
}

/// The rows that are given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    start: usize,
    size: usize,
    number: Option<usize>,
}

impl Pages {
    /// The rows of the page.
    pub(super) fn of<T>(self, rows: &[T]) -> &[T] {
        let start = self.start.min(rows.len());
        &rows[start..self.start.saturating_add(self.size).min(rows.len())]
    }

    /// The number and the size, where there are pages.
    pub(super) fn told(self) -> Option<(usize, usize)> {
        self.number.map(|number| (number, self.size))
    }
}

/// The rows that a request asks for: a page with `pageinate` and `page_no`, else `count` rows or as many as the agent's list has.
pub(super) fn pages(settings: &Settings, request: &Request, resource: &str) -> Outcome<Pages> {
    let asked = |key: &str| -> Outcome<Option<usize>> {
        Ok(input::asked(request, key)?.map(|value| usize::try_from(value).unwrap_or(0)))
    };
    let number = asked("page_no")?;
    if let Some(number) = number.filter(|_| input::yes(request, "pageinate")) {
        let size = asked("page_size")?.filter(|&size| size > 0).unwrap_or(settings.default_rows).min(MOST);
        let number = number.max(1);
        let repeats = settings.repeats_page_one.iter().any(|name| name.eq_ignore_ascii_case(resource));
        let start = if repeats { 0 } else { (number - 1).saturating_mul(size) };
        return Ok(Pages { start, size, number: Some(number) });
    }
    // UNCONFIRMED: `count` without pages has no upper bound.
    let size = asked("count")?.filter(|&count| count > 0).unwrap_or(settings.default_rows);
    Ok(Pages { start: 0, size, number: None })
}

impl Table {
    /// A bare array.
    pub(super) fn bare(rows: Vec<Value>) -> Self {
        Self { key: None, rows }
    }

    /// The table, or a page of it.
    pub(super) fn page(self, settings: &Settings, request: &Request, resource: &str) -> Outcome<Reply> {
        let Some(key) = self.key else { return Ok(Reply::json(200, &json!(self.rows))) };
        let page = pages(settings, request, resource)?;
        let mut body = json!({"record_count": self.rows.len(), key: page.of(&self.rows)});
        if let Some((number, size)) = page.told() {
            body["page_no"] = json!(number);
            body["page_size"] = json!(size);
        }
        Ok(Reply::json(200, &body))
    }

    /// A row by its id. Priorities are found by their GUID only.
    pub(super) fn row(self, id: &str) -> Outcome<Reply> {
        let is = |row: &&Value| match &row["id"] {
            Value::String(text) => text.eq_ignore_ascii_case(id),
            other => other.as_i64().is_some_and(|own| id.parse() == Ok(own)),
        };
        let row = self.rows.iter().find(is);
        row.map(|row| Reply::json(200, row)).ok_or_else(|| Refusal::missing("The record was not found"))
    }
}

/// The tables that mean the same to every ticket.
pub(super) fn table(world: &World, request: &Request, resource: &str) -> Option<Table> {
    let rows = match resource {
        "status" => statuses(world),
        "tickettype" => types(world),
        "priority" => priorities(world),
        "team" => teams(world),
        "category" => categories(world, request),
        "sla" => levels(world, request),
        "outcome" => all_outcomes(request),
        "cannedtext" => {
            vec![json!({"id": 1, "name": "Greeting", "text": "Thank you for your mail.", "group_id": 0})]
        }
        "fieldinfo" => vec![json!({
            "id": super::ASSET_TAG, "name": "CFassetTag", "label": "Asset tag", "type": 0, "usage": 1, "tab_id": 0,
        })],
        "lookup" => lookup(world, request),
        _ => return None,
    };
    Some(Table::bare(rows))
}

/// Statuses, and one of approvals: `type` 0 is tickets', and the parameter `type` does nothing.
fn statuses(world: &World) -> Vec<Value> {
    let of_tickets = (1..).zip(world.statuses.values()).map(|(sequence, status)| {
        json!({
            "id": status.id, "guid": show::guid(1, status.id), "name": status.name, "shortname": status.name,
            "type": 0, "sequence": sequence, "colour": "#2a7f9e",
            // UNCONFIRMED letters: H holds the clock, R lets it run.
            "slaaction": if status.stage == Stage::Waiting { "H" } else { "R" },
        })
    });
    let of_approvals = json!({
        "id": 31, "guid": show::guid(1, 31), "name": "Awaiting Approval", "shortname": "Approval",
        "type": 3, "sequence": 90, "colour": "#888888", "slaaction": "R",
    });
    of_tickets.chain([of_approvals]).collect()
}

fn types(world: &World) -> Vec<Value> {
    let rows = (1..).zip(world.kinds.values()).map(|(sequence, kind)| {
        json!({
            "id": kind.id, "guid": show::guid(2, kind.id), "name": kind.name, "use": "tickettype",
            "sequence": sequence, "itilrequesttype": 1, "active": true, "visible": true, "cancreate": true,
            "agentscanselect": true, "enduserscanselect": true, "group_id": 1, "description": "", "colour": "#aa5500",
        })
    });
    rows.collect()
}

/// The row's `id` is a GUID; tickets name its `priorityid`.
fn priorities(world: &World) -> Vec<Value> {
    let rows = world.priorities.values().map(|priority| {
        let (respond, fix) = sla::hours(world, Some(priority.id));
        json!({
            "id": show::guid(3, priority.id), "slaid": 1, "priorityid": priority.id, "name": priority.name,
            "fixtime": fix, "fixunits": "H", "responsetime": respond, "responseunits": "H",
            "ishidden": false, "enterslaexcuse": false, "colour": "#cc3333", "workdaysoverride": 0,
        })
    });
    rows.collect()
}

fn teams(world: &World) -> Vec<Value> {
    let rows = (1..).zip(world.boards.values().filter(|board| !board.hidden)).map(|(sequence, board)| {
        let open = |ticket: &&crate::world::Ticket| ticket.board == board.id && ticket.closed_at.is_none();
        json!({
            "id": board.id, "guid": show::guid(4, board.id), "name": board.name, "sequence": sequence,
            "forrequests": true, "foropps": false, "forprojects": false, "department_id": 1,
            "department_name": "Service", "inactive": false,
            "ticket_count": world.tickets.values().filter(|ticket| !ticket.deleted).filter(open).count(),
        })
    });
    rows.collect()
}

/// Categories of the first level; the other levels are empty here. UNCONFIRMED: that `tickettype_id` narrows them to a type's.
fn categories(world: &World, request: &Request) -> Vec<Value> {
    let level = request.asked("type_id").unwrap_or("1");
    let kind: Option<i64> = request.asked("tickettype_id").and_then(|id| id.parse().ok());
    let own = world.subkinds.values().filter(|sub| kind.is_none_or(|kind| sub.kind == kind));
    let rows = own.filter(|_| level == "1" || level == "0").map(|category| {
        let last = category.name.rsplit('>').next().unwrap_or_default();
        json!({
            "id": category.id, "guid": show::guid(5, category.id), "value": category.name, "category_name": last,
            "type_id": 1, "sla_id": -1, "priority_id": -1, "chargerate": 0, "category_group_id": 0,
        })
    });
    rows.collect()
}

fn levels(world: &World, request: &Request) -> Vec<Value> {
    let mut level = json!({
        "id": 1, "guid": show::guid(6, 1), "name": "Standard", "hoursaretechslocaltime": false, "workday_id": 1,
        "workday_name": "Office hours", "responsereset": false, "trackslaresponsetime": true,
        "trackslafixbytime": true, "autoreleaseoption": false, "autoreleaselimit": 0,
    });
    if input::yes(request, "showpriorities") {
        level["priorities"] = json!(priorities(world));
    }
    vec![level]
}

/// Outcomes; hidden ones and the system's where they are asked for.
fn all_outcomes(request: &Request) -> Vec<Value> {
    let (hidden, system) = (input::yes(request, "showhidden"), input::yes(request, "showsystemactions"));
    let no_system = input::yes(request, "excludesystemactions");
    let shown = outcomes::ALL.iter().filter(|kind| match kind.system {
        0 => !kind.hidden || hidden,
        _ => (hidden || system) && !no_system,
    });
    let rows = (1..).zip(shown).map(|(sequence, kind)| {
        json!({
            "id": kind.id, "guid": show::guid(7, kind.id), "outcome": kind.name, "buttonname": kind.button,
            "labellong": kind.name, "sequence": sequence, "hidden": kind.hidden, "systemid": kind.system,
            "hidefromuser": kind.private, "sendemail": i64::from(kind.mails), "newstatus": kind.status,
            "respondtype": i64::from(kind.responds), "defaultmanhrs": 0.0, "mustaddnote": true, "icon": "",
        })
    });
    rows.collect()
}

/// Sources of tickets, under their number among the look-ups (22, UNCONFIRMED).
fn lookup(world: &World, request: &Request) -> Vec<Value> {
    let sources = world.sources.values().filter(|_| request.asked("lookupid") == Some("22"));
    sources.map(|source| json!({"id": source.id, "lookupid": 22, "name": source.name})).collect()
}
