//! Tickets written: an array, whose objects with an id change what they name and those without one open a ticket.
//!
//! All objects are looked at before the first is written. Keys that Halo does not know are ignored, `team_id` among them: a team is
//! written by its name.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::{self, Item};
use super::refusals::{Outcome, Refusal};
use super::show::{self, Look};
use super::times::Spelling;
use super::{Halo, UNASSIGNED, UNKNOWN_CLIENT, people};
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, NewTicket, Ticket, World};

/// Fields that a ticket keeps as they were given.
const KEPT: [&str; 19] = [
    "details",
    "details_html",
    "impact",
    "urgency",
    "itil_requesttype_id",
    "sla_id",
    "third_party_id",
    "parent_id",
    "flagged",
    "estimate",
    "startdate",
    "targetdate",
    "deadlinedate",
    "reportedby",
    "category_2",
    "category_3",
    "category_4",
    "enduserstatus",
    "excludefromsla",
];

/// What an object asks for.
#[derive(Debug, Default)]
struct Plan {
    ticket: Option<Id>,
    summary: Option<String>,
    sets: Vec<(Deed, Option<Id>)>,
    kept: Item,
    at: Option<Timestamp>,
    quiet: bool,
    only_looks: bool,
}

impl Plan {
    fn value(&self, of: Deed) -> Option<Option<Id>> {
        self.sets.iter().rev().find(|(deed, _)| *deed == of).map(|(_, value)| *value)
    }
}

/// `POST /Tickets`: one ticket comes back as an object, more as an array.
pub(super) fn post(halo: &mut Halo, world: &mut World, request: &Request) -> Outcome<Reply> {
    let items = input::items(request)?;
    let plans: Outcome<Vec<Plan>> = items.iter().map(|item| plan(world, item)).collect();
    let mut written = Vec::new();
    for (plan, item) in plans?.into_iter().zip(&items) {
        if plan.only_looks {
            // UNCONFIRMED: what a validation replies; here the object as it was sent.
            written.push(Err(json!(item)));
            continue;
        }
        let id = match plan.ticket {
            Some(id) => change(world, id, plan),
            None => open(world, plan),
        };
        written.push(Ok(id));
    }
    halo.numbers.follow(world);
    let look = Look { spelling: Spelling::Written, detail: true, custom: true };
    let shown = written.into_iter().map(|written| match written {
        Ok(id) => {
            world.tickets.get(&id).map_or(Value::Null, |ticket| show::ticket(halo, world, ticket, look))
        }
        Err(item) => item,
    });
    let mut shown: Vec<Value> = shown.collect();
    let body = if shown.len() == 1 { shown.remove(0) } else { json!(shown) };
    Ok(Reply::json(201, &body))
}

fn plan(world: &World, item: &Item) -> Outcome<Plan> {
    let ticket = input::number(item, "id")?.filter(|&id| id > 0);
    let known = match ticket {
        None => None,
        Some(id) => {
            let found = world.tickets.get(&id).filter(|ticket| show::visible(world, ticket));
            Some(found.ok_or_else(|| Refusal::unknown("Ticket", id))?)
        }
    };
    let summary = input::text(item, "summary").map(str::to_owned);
    if summary.as_ref().map_or(ticket.is_none(), |summary| summary.trim().is_empty()) {
        return Err(Refusal::invalid("A summary is required"));
    }
    let yes = |key: &str| input::flag(item, key) == Some(true);
    let mut plan = Plan { ticket, summary, only_looks: yes("_validate_only"), ..Plan::default() };
    plan.quiet = yes("dont_do_rules") || yes("_isimport");
    plan.at = input::text(item, "dateoccurred").and_then(super::times::read);
    people_of(world, item, (known, &mut plan))?;
    values(world, item, &mut plan)?;
    category(world, item, (known, &mut plan))?;
    let kept = item.iter().filter(|(key, value)| KEPT.contains(&key.as_str()) && !value.is_null());
    plan.kept = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    custom(item, &mut plan);
    Ok(plan)
}

/// The customer: by user, site or client. A user brings their client along, another client loses the user.
fn people_of(world: &World, item: &Item, (known, plan): (Option<&Ticket>, &mut Plan)) -> Outcome<()> {
    let user = input::number(item, "user_id")?.filter(|&id| id > 0);
    let user = match user {
        None => None,
        Some(id) => Some(world.contacts.get(&id).ok_or_else(|| Refusal::unknown("User", id))?),
    };
    let site = input::number(item, "site_id")?.filter(|&id| id > 0).map(people::client_of_site);
    let client = input::number(item, "client_id")?.filter(|&id| id > 0);
    let wanted = user.map(|user| user.company).or(client).or(site);
    if let Some(unknown) = wanted.filter(|id| !world.companies.contains_key(id)) {
        return Err(Refusal::unknown("Client", unknown));
    }
    // UNCONFIRMED: a user of another client, or a client and a site that do not belong together, are refused.
    let others = [client, site].into_iter().flatten();
    if others.into_iter().any(|other| Some(other) != wanted) {
        return Err(Refusal::invalid("The user, the site and the client do not belong together"));
    }
    if let Some(wanted) = wanted {
        let moved = known.is_some_and(|ticket| ticket.company != wanted);
        plan.sets.push((Deed::Company, Some(wanted)));
        if moved && user.is_none() {
            plan.sets.push((Deed::Contact, None));
        }
    }
    plan.sets.extend(user.map(|user| (Deed::Contact, Some(user.id))));
    Ok(())
}

fn values(world: &World, item: &Item, plan: &mut Plan) -> Outcome<()> {
    if let Some(id) = input::number(item, "tickettype_id")? {
        known("Ticket type", id, world.kinds.contains_key(&id))?;
        plan.sets.push((Deed::Kind, Some(id)));
    }
    if let Some(id) = input::number(item, "status_id")? {
        known("Status", id, world.statuses.contains_key(&id))?;
        plan.sets.push((Deed::Status, Some(id)));
    }
    if let Some(id) = input::number(item, "priority_id")? {
        known("Priority", id, world.priorities.contains_key(&id))?;
        plan.sets.push((Deed::Priority, Some(id)));
    }
    if let Some(id) = input::number(item, "agent_id")? {
        let nobody = id == UNASSIGNED || id == 0;
        let active = world.technicians.get(&id).is_some_and(|technician| technician.active);
        known("Agent", id, nobody || active)?;
        plan.sets.push((Deed::Owner, (!nobody).then_some(id)));
    }
    if let Some(name) = input::text(item, "team").filter(|name| !name.is_empty()) {
        let team = world.boards.values().find(|board| board.name == name && !board.hidden);
        let team = team.ok_or_else(|| Refusal::unknown("Team", name))?;
        plan.sets.push((Deed::Board, Some(team.id)));
    }
    Ok(())
}

fn known(what: &str, id: Id, is: bool) -> Outcome<()> {
    if is { Ok(()) } else { Err(Refusal::unknown(what, id)) }
}

/// The category, by id or by its full value. UNCONFIRMED: one that is not of the ticket's type is refused, as is a value that is none.
fn category(world: &World, item: &Item, (known, plan): (Option<&Ticket>, &mut Plan)) -> Outcome<()> {
    let of_ticket =
        || known.and_then(|ticket| show::kind(world, ticket)).or_else(|| world.kinds.keys().next().copied());
    let kind = plan.value(Deed::Kind).flatten().or_else(of_ticket);
    let id = input::number(item, "categoryid_1")?;
    let text = ["category_1", "category1"].into_iter().find_map(|key| input::text(item, key));
    let found = match (id, text) {
        (None, None) => return Ok(()),
        (Some(0), _) | (None, Some("")) => None,
        (Some(id), _) => Some(world.subkinds.get(&id).ok_or_else(|| Refusal::unknown("Category", id))?),
        (None, Some(text)) => {
            let of_kind = world.subkinds.values().find(|sub| sub.name == text && Some(sub.kind) == kind);
            Some(of_kind.ok_or_else(|| Refusal::unknown("Category", text))?)
        }
    };
    if found.is_some_and(|sub| Some(sub.kind) != kind) {
        return Err(Refusal::invalid("The category is not one of the ticket type"));
    }
    plan.sets.push((Deed::Subkind, found.map(|sub| sub.id)));
    Ok(())
}

/// Custom fields are given by id or name, and the others stay. UNCONFIRMED: fields that are not known are ignored.
fn custom(item: &Item, plan: &mut Plan) {
    let mut fields = item.get("customfields").and_then(Value::as_array).into_iter().flatten();
    let is = |field: &&Value| field["id"] == super::ASSET_TAG || field["name"] == "CFassetTag";
    if let Some(field) = fields.rfind(is) {
        let field = json!([{"id": super::ASSET_TAG, "value": field["value"]}]);
        plan.kept.insert("customfields".to_owned(), field);
    }
}

fn change(world: &mut World, id: Id, plan: Plan) -> Id {
    let by = (Author::Api, world.now());
    let before = world.changes.len();
    for (of, to) in plan.sets {
        match (of, to) {
            (Deed::Board, Some(board)) => {
                if world.tickets.get(&id).is_some_and(|ticket| ticket.board != board) {
                    world.move_board(id, board, by);
                }
            }
            // The type that is shown for none is no change.
            (Deed::Kind, kind)
                if world.tickets.get(&id).is_some_and(|now| show::kind(world, now) == kind) => {}
            _ => world.set(id, of, to, by),
        }
    }
    let now = world.tickets.get(&id);
    if let Some(summary) = plan.summary.filter(|summary| now.is_some_and(|now| now.summary != *summary)) {
        world.rename(id, &summary, by);
    }
    let now = world.tickets.get(&id);
    let new: Item = plan
        .kept
        .into_iter()
        .filter(|(key, value)| now.is_none_or(|now| now.kept.get(key) != Some(value)))
        .collect();
    let keeps = !new.is_empty();
    world.keep(id, new, by);
    if keeps || world.changes.len() > before {
        world.wrote(id, "POST /Tickets");
    }
    id
}

/// Opens a ticket. Rules and the acknowledgement run unless the body says not to.
fn open(world: &mut World, mut plan: Plan) -> Id {
    let value = |of: Deed| plan.value(of).flatten();
    let details = input::text(&plan.kept, "details").map(str::to_owned);
    let html = input::text(&plan.kept, "details_html").map(show::plain);
    let new = NewTicket {
        at: plan.at,
        summary: plan.summary.clone().unwrap_or_default(),
        description: details.or(html).unwrap_or_default(),
        company: value(Deed::Company).unwrap_or(UNKNOWN_CLIENT),
        contact: value(Deed::Contact),
        board: value(Deed::Board).or_else(|| world.boards.keys().next().copied()).unwrap_or_default(),
        kind: value(Deed::Kind),
        subkind: value(Deed::Subkind),
        priority: value(Deed::Priority),
        status: value(Deed::Status),
        owner: value(Deed::Owner),
        routed: !plan.quiet,
        ..NewTicket::default()
    };
    let id = world.open(new, Author::Api);
    plan.kept.remove("details");
    let by = (Author::Api, world.now());
    world.keep(id, plan.kept, by);
    world.wrote(id, "POST /Tickets");
    id
}
