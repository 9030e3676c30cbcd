//! Tickets read: lists with filters and pages, one by its id.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::input;
use super::refusals::{Outcome, Refusal};
use super::show::{self, Look};
use super::tables::pages;
use super::times::Spelling;
use super::{Halo, UNASSIGNED, people};
use crate::http::{Reply, Request};
use crate::world::{Author, Id, Ticket, World};

/// `GET /Tickets`. Parameters that aren't known are ignored, so that a misspelt filter gives the whole tenant.
pub(super) fn list(halo: &Halo, world: &World, request: &Request) -> Outcome<Reply> {
    let mut rows: Vec<&Ticket> = Vec::new();
    for ticket in world.tickets.values().filter(|ticket| show::visible(world, ticket)) {
        if wanted(halo, world, request, ticket)? {
            rows.push(ticket);
        }
    }
    sort(halo, world, request, &mut rows);
    let page = pages(&halo.settings, request, "tickets")?;
    let (total, rows) = (rows.len(), page.of(&rows));
    let custom = request.asked("include_custom_fields").is_some_and(|ids| !ids.is_empty());
    let look = Look { spelling: Spelling::Read, detail: false, custom };
    let rows: Vec<Value> = rows.iter().map(|&ticket| row(halo, world, request, (ticket, look))).collect();
    let mut body = json!({"record_count": total, "tickets": rows});
    if let Some((number, size)) = page.told() {
        body["page_no"] = json!(number);
        body["page_size"] = json!(size);
    }
    Ok(Reply::json(200, &body))
}

fn row(halo: &Halo, world: &World, request: &Request, (ticket, look): (&Ticket, Look)) -> Value {
    if input::yes(request, "ticketidonly") {
        return json!({"id": ticket.id});
    }
    let mut row = show::ticket(halo, world, ticket, look);
    if input::yes(request, "includelastaction") {
        let last = halo.numbers.of(ticket.id).iter().max_by_key(|action| action.at);
        row["lastaction"] = json!(last.and_then(|last| super::actions::shown(
            halo,
            world,
            (ticket.id, last),
            Spelling::Read
        )));
    }
    row
}

fn wanted(halo: &Halo, world: &World, request: &Request, ticket: &Ticket) -> Outcome<bool> {
    let is = |key: &str, value: Option<Id>| -> Outcome<bool> {
        Ok(input::asked(request, key)?.is_none_or(|asked| asked <= 0 || Some(asked) == value))
    };
    let among = |key: &str, value: Option<Id>| -> Outcome<bool> {
        Ok(input::listed(request, key)?.is_none_or(|asked| value.is_some_and(|value| asked.contains(&value))))
    };
    let closed = ticket.closed_at.is_some();
    let owner = Some(ticket.owner.unwrap_or(UNASSIGNED));
    let kind = show::kind(world, ticket);
    Ok(!(input::yes(request, "open_only") && closed || input::yes(request, "closed_only") && !closed)
        && is("client_id", Some(ticket.company))?
        && is("site_id", Some(people::site(ticket.company)))?
        && is("user_id", ticket.contact)?
        && is("agent_id", owner)?
        && is("status_id", ticket.status)?
        && is("requesttype_id", kind)?
        && is("search_id", Some(ticket.id))?
        // No ticket has a parent here.
        && is("parent_id", Some(0))?
        && among("ticketids", Some(ticket.id))?
        && among("agent", owner)?
        && among("status", ticket.status)?
        && among("requesttype", kind)?
        && among("priority", ticket.priority)?
        && among("category_1", ticket.subkind)?
        && of_team(world, request, ticket)
        && searched(request, ticket)
        && dated(halo, world, request, ticket)?)
}

/// `team` takes names or ids.
fn of_team(world: &World, request: &Request, ticket: &Ticket) -> bool {
    let Some(asked) = request.asked("team").filter(|asked| !asked.is_empty()) else { return true };
    let name = world.boards.get(&ticket.board).map(|board| board.name.as_str());
    asked.split(',').map(str::trim).any(|team| Some(team) == name || team.parse() == Ok(ticket.board))
}

fn searched(request: &Request, ticket: &Ticket) -> bool {
    let within = |key: &str| {
        let word = request.asked(key).filter(|word| !word.is_empty());
        word.is_none_or(|word| ticket.summary.to_lowercase().contains(&word.to_lowercase()))
    };
    within("search") && within("search_summary")
}

fn dated(halo: &Halo, world: &World, request: &Request, ticket: &Ticket) -> Outcome<bool> {
    let updated = show::updated(halo, world, ticket);
    let from = input::time(request, "lastupdatefromdate")?;
    let from = from.is_none_or(|from| updated > from || updated == from && halo.settings.from_is_inclusive);
    let to = input::time(request, "lastupdatetodate")?.is_none_or(|to| updated <= to);
    let (start, end) = (input::time(request, "startdate")?, input::time(request, "enddate")?);
    // Spelled as Halo spells them; dates without a known word for which date are ignored.
    let date = match request.asked("datesearch") {
        Some("dateoccured") => Some(Some(ticket.entered_at)),
        Some("datecleared") => Some(ticket.closed_at),
        _ => None,
    };
    let within = date.is_none_or(|date| {
        date.is_some_and(|at| start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end))
    });
    Ok(from && to && within)
}

/// By `order`, or the newest first (UNCONFIRMED).
fn sort(halo: &Halo, world: &World, request: &Request, rows: &mut [&Ticket]) {
    let order = request.asked("order").unwrap_or("").to_lowercase();
    match order.as_str() {
        "" => rows.sort_by_key(|ticket| Reverse(ticket.id)),
        "dateoccurred" | "dateoccured" | "datecreated" => rows.sort_by_key(|t| (t.entered_at, t.id)),
        "last_update" | "lastupdate" => rows.sort_by_key(|t| (show::updated(halo, world, t), t.id)),
        "dateclosed" => rows.sort_by_key(|t| (t.closed_at, t.id)),
        _ => rows.sort_by_key(|ticket| ticket.id),
    }
    if !order.is_empty() && input::yes(request, "orderdesc") {
        rows.reverse();
    }
}

/// `GET /Tickets/{id}`.
pub(super) fn one(halo: &Halo, world: &World, request: &Request, id: &str) -> Outcome<Reply> {
    let id: Id = id.parse().map_err(|_| Refusal::missing("The ticket was not found"))?;
    let ticket = show::found(world, id)?;
    let detail = input::yes(request, "includedetails");
    let look = Look { spelling: Spelling::Read, detail, custom: detail };
    Ok(Reply::json(200, &row(halo, world, request, (ticket, look))))
}

/// `DELETE /Tickets/{id}`. UNCONFIRMED: the body of the reply.
pub(super) fn delete(world: &mut World, id: &str) -> Outcome<Reply> {
    let id: Id = id.parse().map_err(|_| Refusal::missing("The ticket was not found"))?;
    show::found(world, id)?;
    let by = (Author::Api, world.now());
    world.delete(id, by);
    world.wrote(id, "DELETE /Tickets");
    Ok(Reply::json(200, &json!({"id": id})))
}
