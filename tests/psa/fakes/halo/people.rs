//! Clients, their one site each, their users, and agents.

use serde_json::{Value, json};

use super::tables::Table;
use super::{API_AGENT, API_AGENT_NAME, UNASSIGNED, input, show};
use crate::http::Request;
use crate::world::{Id, World};

/// The name of the client that means nobody's.
pub(super) const UNKNOWN: &str = "Unknown";

/// How far a site's id is from its client's, so that the two are never the same.
const SITE: Id = 6;

/// The site of a client.
pub(super) fn site(client: Id) -> Id {
    client + SITE
}

/// The client of a site.
pub(super) fn client_of_site(site: Id) -> Id {
    site - SITE
}

/// The tables of people.
pub(super) fn table(world: &World, request: &Request, resource: &str) -> Option<Table> {
    let (key, rows) = match resource {
        "client" => (Some("clients"), clients(world)),
        "site" => (Some("sites"), sites(world, request)),
        "users" => (Some("users"), users(world, request)),
        // UNCONFIRMED: when agents come back as an object. One client reads an array, one `results` of a page.
        "agent" => (input::yes(request, "pageinate").then_some("results"), agents(world, request)),
        _ => return None,
    };
    Some(Table { key, rows })
}

fn clients(world: &World) -> Vec<Value> {
    let rows = world.companies.values().map(|client| {
        json!({
            "id": client.id, "name": client.name, "toplevel_id": 1, "toplevel_name": "Customers", "inactive": false,
            "colour": "", "main_site_id": site(client.id), "main_phonenumber": "", "use": "clients",
        })
    });
    rows.collect()
}

fn sites(world: &World, request: &Request) -> Vec<Value> {
    let of = wanted(request);
    let rows = world.companies.values().filter(|client| of.is_none_or(|of| of == client.id)).map(|client| {
        json!({
            // A decimal, as one client reports.
            "id": site(client.id), "name": "Main", "client_id": client.id as f64, "client_name": client.name,
            "sla_id": 1, "colour": "", "active": true, "inactive": false, "phonenumber": "", "use": "sites",
            "delivery_address_line1": "1 Example Street", "delivery_address_line2": "", "delivery_address_line3": "",
            "delivery_address_line4": "", "delivery_address_line5": "",
        })
    });
    rows.collect()
}

fn users(world: &World, request: &Request) -> Vec<Value> {
    let of = wanted(request);
    let search = request.asked("search").unwrap_or_default().to_lowercase();
    let found =
        world.contacts.values().filter(|user| of.is_none_or(|of| of == user.company)).filter(|user| {
            user.name.to_lowercase().contains(&search) || user.email.to_lowercase().contains(&search)
        });
    let rows = found.map(|user| {
        let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
        json!({
            "id": user.id, "name": user.name, "firstname": first, "surname": last, "emailaddress": user.email,
            "client_id": user.company, "client_name": world.companies.get(&user.company).map(|c| &c.name),
            "site_id": site(user.company), "site_name": "Main", "inactive": false, "linked_agent_id": 0,
            "isimportantcontact": false, "neversendemails": false, "use": "user", "phonenumber": "",
        })
    });
    rows.collect()
}

fn wanted(request: &Request) -> Option<Id> {
    request.asked("client_id").and_then(|id| id.parse().ok()).filter(|&id: &Id| id > 0)
}

/// Agents who work here, those who left with `includedisabled`, nobody with `includeunassigned`, the application's own with
/// `includeapiagents` or by its id (UNCONFIRMED).
fn agents(world: &World, request: &Request) -> Vec<Value> {
    let by_id = request.parts().len() > 2;
    let asked = |key: &str| by_id || input::yes(request, key);
    let (disabled, enabled) = (asked("includedisabled"), !input::no(request, "includeenabled"));
    let known = world.technicians.values().filter(|agent| if agent.active { enabled } else { disabled });
    let mut rows: Vec<Value> =
        known.map(|agent| agent_row(world, agent.id, &agent.name, (agent.active, false))).collect();
    if asked("includeapiagents") {
        rows.insert(0, agent_row(world, API_AGENT, API_AGENT_NAME, (true, true)));
    }
    if asked("includeunassigned") {
        rows.insert(0, agent_row(world, UNASSIGNED, "Unassigned", (true, false)));
    }
    rows
}

fn agent_row(world: &World, id: Id, name: &str, (active, of_api): (bool, bool)) -> Value {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let initials: String = name.split(' ').filter_map(|word| word.chars().next()).collect();
    let local: String = name.to_lowercase().replace(' ', ".");
    let team = world.boards.values().find(|board| !board.hidden);
    json!({
        "id": id, "guid": show::guid(8, id), "name": name, "firstname": first, "surname": last,
        "email": format!("{local}@desk.example"), "initials": initials, "isdisabled": !active,
        "isapiagent": of_api, "colour": "", "use": "agent", "team": team.map(|team| &team.name),
        "teams": team.map_or_else(Vec::new, |team| vec![json!({"team_id": team.id, "team_name": team.name})]),
    })
}
