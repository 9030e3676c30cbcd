//! What there is to choose from, and whether all is there that a connector needs.

use firstline_fault::{Error, Result};
use serde_json::Value;

use super::client::{AUDIT_TRAIL, Client, Refused};
use super::wire::{Board, Member, Named, OfBoard};
use crate::connector::{Finding, Reference, clock};

/// Boards of tickets that are in use.
pub(super) fn boards(client: &mut Client) -> Result<Vec<Board>> {
    let mut boards = Vec::new();
    client.each("service/boards", &[], &mut |board: Board| {
        if !board.inactive_flag && !board.project_flag {
            boards.push(board);
        }
        Ok(())
    })?;
    Ok(boards)
}

pub(super) fn reference(client: &mut Client) -> Result<Reference> {
    let mut found = Reference::default();
    for board in boards(client)? {
        let (Some(id), Some(name)) = (board.id, board.name) else { continue };
        client.each(&format!("service/boards/{id}/types"), &[], &mut |one: OfBoard| {
            if let Some(kind) = one.name.clone().filter(|_| one.is_active()) {
                found.types.push((Some(name.clone()), kind));
            }
            Ok(())
        })?;
        client.each(&format!("service/boards/{id}/statuses"), &[], &mut |one: OfBoard| {
            if let Some(status) = one.name.clone().filter(|_| one.is_active()) {
                found.statuses.push((Some(name.clone()), status, one.closed_status));
            }
            Ok(())
        })?;
        found.boards.push(name);
    }
    client.each("service/priorities", &[], &mut |one: Named| {
        found.priorities.extend(one.name);
        Ok(())
    })?;
    members(client, &mut |member| found.technicians.extend(name(&member)))?;
    Ok(found)
}

fn members(client: &mut Client, each: &mut dyn FnMut(Member)) -> Result<()> {
    client.each("system/members", &[], &mut |member: Member| {
        if !member.inactive_flag && !member.is_api() {
            each(member);
        }
        Ok(())
    })
}

/// A member's name as tickets show it.
pub(super) fn name(member: &Member) -> Option<String> {
    let parts = [member.first_name.as_deref(), member.last_name.as_deref()];
    let whole = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    member
        .name
        .clone()
        .or(Some(whole))
        .filter(|name| !name.trim().is_empty())
        .or_else(|| member.identifier.clone())
}

/// The id of the member of that name or identifier.
pub(super) fn member(client: &mut Client, wanted: &str) -> Result<Option<i64>> {
    let mut found = None;
    let is = |text: Option<&str>| {
        text.is_some_and(|text| text.trim().to_lowercase() == wanted.trim().to_lowercase())
    };
    members(client, &mut |member| {
        if is(name(&member).as_deref()) || is(member.identifier.as_deref()) {
            found = member.id;
        }
    })?;
    Ok(found)
}

pub(super) fn check(client: &mut Client) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut look = |what: &str, result: std::result::Result<String, Error>| {
        let (found_text, next) = match result {
            Ok(text) => (text, None),
            Err(Error::User(fault)) => (fault.problem, Some(fault.next)),
            Err(fault) => (fault.to_string(), Some("Please report it".to_owned())),
        };
        let good = next.is_none();
        found.push(Finding { what: what.to_owned(), found: found_text, next });
        good
    };
    let reached =
        look("address and key", client.clock().map(|(version, _)| format!("API version {version}")));
    if !reached {
        return found;
    }
    look("clock", client.clock().and_then(|(_, server)| clock(server, "ConnectWise")));
    let count =
        client.count("service/tickets", "closedFlag=False").map(|n| format!("{n} open tickets in sight"));
    look("tickets", count);
    let listed = reference(client).map(|reference| {
        let closing = reference.statuses.iter().filter(|(_, _, closes)| *closes).count();
        format!(
            "{} boards, {} types, {} statuses ({closing} close), {} priorities, {} technicians",
            reference.boards.len(),
            reference.types.len(),
            reference.statuses.len(),
            reference.priorities.len(),
            reference.technicians.len()
        )
    });
    look("boards, types, statuses, priorities, members", listed);
    // No ticket has the id 0: that it is not there says that the trail may be read.
    let trail = match client.list(AUDIT_TRAIL, &[("type", "Ticket"), ("id", "0")], &mut |_: Value| Ok(())) {
        Ok(()) | Err(Refused::Missing) => Ok("can be read".to_owned()),
        Err(refused) => Err(refused.into()),
    };
    look("history (audit trail)", trail);
    let time = client.count_rows("time/entries", &[("conditions", "chargeToId=0")]);
    look("time entries", time.map(|_| "can be read".to_owned()));
    let rules = client.count_rows("system/workflows", &[]).map(|n| format!("{n} workflow rules in sight"));
    look("rules", rules);
    found
}
