//! Shapes that all records share: times in whole seconds, references with links, no nulls, people by login.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{API_MEMBER, API_MEMBER_ID, Connectwise};
use crate::world::{Author, Id, World};

/// The host in links and deliveries: the one for people, which is not the API's. It resolves nowhere.
pub(super) const UI_HOST: &str = "na.myconnectwise.example";
/// Who the PSA's own mail connector is.
pub(super) const MAIL_CONNECTOR: &str = "EmailConnector";
/// Who the PSA's own rules are. UNCONFIRMED.
pub(super) const WORKFLOW: &str = "Workflow";

/// A time as records show it: UTC, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Leaves out members that are null, as ConnectWise does.
pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// `_info` of reference data, which nobody has changed for long.
pub(super) fn long_standing() -> Value {
    json!({"lastUpdated": "2025-01-06T09:00:00Z", "updatedBy": "Admin"})
}

/// The login and the name of a member.
pub(super) fn member(world: &World, id: Id) -> Option<(&str, &str)> {
    if id == API_MEMBER_ID {
        return Some((API_MEMBER, "Firstline API"));
    }
    world.technicians.get(&id).map(|t| (t.identifier.as_str(), t.name.as_str()))
}

/// The login of who did something.
pub(super) fn login(world: &World, by: Author) -> &str {
    match by {
        Author::System => WORKFLOW,
        Author::Contact(_) => MAIL_CONNECTOR,
        Author::Api => API_MEMBER,
        Author::Technician(id) => member(world, id).map_or(WORKFLOW, |(login, _)| login),
    }
}

/// The board whose team has that id.
pub(super) fn board_of_team(world: &World, team: Id) -> Option<Id> {
    let board = team - TEAMS;
    world.boards.contains_key(&board).then_some(board)
}

/// The board whose item has that id.
pub(super) fn board_of_item(world: &World, item: Id) -> Option<Id> {
    let board = item - ITEMS;
    world.boards.contains_key(&board).then_some(board)
}

/// The name of the team of a board.
pub(super) fn team_name(world: &World, board: Id) -> String {
    format!("{} Team", world.boards.get(&board).map_or("", |board| board.name.as_str()))
}

/// The name of the item of a board.
pub(super) const ITEM_NAME: &str = "Standard";
/// The team of a board has this more than the board's id.
pub(super) const TEAMS: Id = 500_000;
/// The item of a board has this more than the board's id.
pub(super) const ITEMS: Id = 600_000;

impl Connectwise {
    /// A link as records carry them: the host for people, and a slash too many.
    pub(super) fn href(&self, path: &str) -> String {
        format!("https://{UI_HOST}/{}//apis/3.0/{path}", self.settings.codebase)
    }

    /// A reference: id, name and link.
    pub(super) fn reference(&self, kind: &str, id: Id, name: &str, path: &str) -> Value {
        let mut info = serde_json::Map::new();
        info.insert(format!("{kind}_href"), self.href(&format!("{path}/{id}")).into());
        json!({"id": id, "name": name, "_info": info})
    }

    /// A reference to a board.
    pub(super) fn board_ref(&self, world: &World, id: Id) -> Value {
        let name = world.boards.get(&id).map_or("", |b| b.name.as_str());
        self.reference("board", id, name, "service/boards")
    }

    /// A reference to a customer.
    pub(super) fn company_ref(&self, world: &World, id: Id) -> Value {
        let Some(found) = world.companies.get(&id) else { return Value::Null };
        let mut shown = self.reference("company", id, &found.name, "company/companies");
        shown["identifier"] = found.identifier.as_str().into();
        shown
    }

    /// A reference to a person of a customer.
    pub(super) fn contact_ref(&self, world: &World, id: Option<Id>) -> Value {
        let Some(found) = id.and_then(|id| world.contacts.get(&id)) else { return Value::Null };
        self.reference("contact", found.id, &found.name, "company/contacts")
    }

    /// A reference to a member.
    pub(super) fn member_ref(&self, world: &World, id: Option<Id>) -> Value {
        let Some((id, (login, name))) = id.and_then(|id| Some((id, member(world, id)?))) else {
            return Value::Null;
        };
        let mut shown = self.reference("member", id, name, "system/members");
        shown["identifier"] = login.into();
        shown
    }

    /// `_info` of a record that changed.
    pub(super) fn info(&self, at: Timestamp, by: &str) -> Value {
        json!({"lastUpdated": time(at), "updatedBy": by})
    }
}
