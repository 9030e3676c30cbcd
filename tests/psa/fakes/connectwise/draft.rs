//! A ticket as a write wants it: what changed in the record is read, checked against the board, and done.

use serde_json::{Map, Value, json};

use super::refusals::Wrong;
use super::shapes::{ITEM_NAME, board_of_item, board_of_team, team_name};
use super::tickets;
use crate::deed::Deed;
use crate::world::{Author, Id, Ticket, World};

/// Longest texts, in characters.
const LONGEST: [(&str, usize); 6] = [
    ("summary", 100),
    ("contactName", 62),
    ("contactEmailAddress", 250),
    ("contactPhoneNumber", 20),
    ("automaticEmailCc", 1_000),
    ("externalXRef", 100),
];
/// Fields that have one of three values.
const LEVELS: [&str; 2] = ["impact", "severity"];

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) summary: String,
    pub(super) board: Id,
    pub(super) status: Option<Id>,
    pub(super) kind: Option<Id>,
    pub(super) subkind: Option<Id>,
    pub(super) priority: Option<Id>,
    pub(super) owner: Option<Id>,
    pub(super) company: Id,
    pub(super) contact: Option<Id>,
    pub(super) source: Option<Id>,
    pub(super) kept: Map<String, Value>,
}

impl Draft {
    /// A ticket as it stands.
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self {
            summary: ticket.summary.clone(),
            board: ticket.board,
            status: ticket.status,
            kind: ticket.kind,
            subkind: ticket.subkind,
            priority: ticket.priority,
            owner: ticket.owner,
            company: ticket.company,
            contact: ticket.contact,
            source: ticket.source,
            kept: ticket.kept.clone(),
        }
    }

    /// Takes over what differs between two records, the board first, since names of other values are those of the board.
    pub(super) fn read(
        &mut self,
        world: &World,
        before: &Value,
        after: &Value,
        ignored: &[&str],
    ) -> Vec<Wrong> {
        let empty = Map::new();
        let [old, new] = [before, after].map(|record| record.as_object().unwrap_or(&empty));
        let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
        keys.sort_by_key(|key| (rank(key), key.as_str()));
        keys.dedup();
        let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
        let changed = changed.filter(|key| !ignored.contains(&key.as_str()));
        changed.filter_map(|key| self.take(world, key, new.get(key)).err()).collect()
    }

    fn take(&mut self, world: &World, key: &str, value: Option<&Value>) -> Result<(), Wrong> {
        let value = value.filter(|value| !value.is_null() && value.as_str() != Some(""));
        let id = || value.map(|value| self.find(world, key, value)).transpose();
        match key {
            "summary" => match value.and_then(Value::as_str) {
                Some(text) => text.clone_into(&mut self.summary),
                None => return Err(Wrong::missing(key)),
            },
            "board" => self.board = id()?.ok_or_else(|| Wrong::missing(key))?,
            "company" => self.company = id()?.ok_or_else(|| Wrong::missing(key))?,
            "status" => self.status = Some(id()?.ok_or_else(|| Wrong::missing(key))?),
            "priority" => self.priority = Some(id()?.ok_or_else(|| Wrong::missing(key))?),
            "type" => self.kind = id()?,
            "subType" => self.subkind = id()?,
            "owner" => self.owner = id()?,
            "contact" => self.contact = id()?,
            "source" => self.source = id()?,
            "team" | "item" => {
                let named = id()?.map(|id| json!({"id": id, "name": place_name(world, key, id)}));
                self.keep(key, named.as_ref());
            }
            _ if LEVELS.contains(&key) => match value.and_then(Value::as_str) {
                Some("Low" | "Medium" | "High") => self.keep(key, value),
                None => drop(self.kept.remove(key)),
                _ => return Err(Wrong::field(key, format!("{key} is Low, Medium or High."))),
            },
            _ if tickets::FIELDS.contains(&key) => self.keep(key, value),
            _ => return Err(Wrong::field(key, format!("{key} is not a field of a ticket."))),
        }
        let text = value.and_then(Value::as_str).unwrap_or_default();
        match LONGEST.iter().find(|(field, most)| *field == key && text.chars().count() > *most) {
            Some((_, most)) => Err(Wrong::long(key, *most)),
            None => Ok(()),
        }
    }

    fn keep(&mut self, key: &str, value: Option<&Value>) {
        self.kept.insert(key.to_owned(), value.cloned().unwrap_or(Value::Null));
    }

    /// The id that a reference means: by its id, or else by its name or identifier.
    fn find(&self, world: &World, key: &str, value: &Value) -> Result<Id, Wrong> {
        let absent = || Wrong::field(key, format!("The {key} does not exist."));
        let id = value.get("id").and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()));
        let named = ["identifier", "name"].into_iter().find_map(|by| value.get(by)?.as_str());
        let found = match (id, named) {
            (Some(id), _) => Some(id).filter(|id| exists(world, key, *id)),
            (None, Some(name)) => self.by_name(world, key, name),
            (None, None) => return Err(Wrong::field(key, format!("The {key} is a reference with an id."))),
        };
        found.ok_or_else(absent)
    }

    fn by_name(&self, world: &World, key: &str, name: &str) -> Option<Id> {
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        match key {
            "board" => world.boards.values().find(|b| is(&b.name)).map(|b| b.id),
            "status" => world.statuses_of(self.board).find(|s| is(&s.name)).map(|s| s.id),
            "type" => world.kinds_of(self.board).find(|k| is(&k.name)).map(|k| k.id),
            "subType" => {
                world.subkinds.values().find(|s| Some(s.kind) == self.kind && is(&s.name)).map(|s| s.id)
            }
            "priority" => world.priorities.values().find(|p| is(&p.name)).map(|p| p.id),
            "source" => world.sources.values().find(|s| is(&s.name)).map(|s| s.id),
            "owner" => world.technicians.values().find(|t| is(&t.identifier) || is(&t.name)).map(|t| t.id),
            "company" => world.companies.values().find(|c| is(&c.identifier) || is(&c.name)).map(|c| c.id),
            "contact" => {
                world.contacts.values().find(|c| c.company == self.company && is(&c.name)).map(|c| c.id)
            }
            _ => None,
        }
    }

    /// What does not go together, as far as the write changed it. A move to another board must bring a status and a type of that board.
    pub(super) fn check(&self, world: &World, old: &Self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let moved = self.board != old.board;
        let of_board = |key: &str| Wrong::object(key, format!("The {key} does not belong to the board."));
        let board_of_status = self.status.and_then(|id| world.statuses.get(&id)).map(|s| s.board);
        if (moved || self.status != old.status) && board_of_status.is_some_and(|b| b != Some(self.board)) {
            wrong.push(of_board("status"));
        }
        let board_of_kind = self.kind.and_then(|id| world.kinds.get(&id)).map(|k| k.board);
        if (moved || self.kind != old.kind) && board_of_kind.is_some_and(|b| b != Some(self.board)) {
            wrong.push(of_board("type"));
        }
        let kind = self.subkind.and_then(|id| world.subkinds.get(&id)).map(|s| s.kind);
        if (self.kind, self.subkind) != (old.kind, old.subkind) && kind.is_some_and(|k| Some(k) != self.kind)
        {
            wrong.push(Wrong::object("subType", "The subType is not associated with the type."));
        }
        let id = |key: &str| self.kept.get(key).and_then(|value| value.get("id")).and_then(Value::as_i64);
        for (key, board) in [
            ("team", id("team").and_then(|id| board_of_team(world, id))),
            ("item", id("item").and_then(|id| board_of_item(world, id))),
        ] {
            let changed = moved || self.kept.get(key) != old.kept.get(key);
            if changed && board.is_some_and(|board| board != self.board) {
                wrong.push(of_board(key));
            }
        }
        wrong.extend(self.check_people(world, old));
        wrong
    }

    fn check_people(&self, world: &World, old: &Self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let works = |id: Id| world.technicians.get(&id).is_some_and(|t| t.active);
        if self.owner != old.owner && self.owner.is_some_and(|id| !works(id)) {
            wrong.push(Wrong::field("owner", "The member is inactive."));
        }
        let employer = self.contact.and_then(|id| world.contacts.get(&id)).map(|c| c.company);
        let changed = (self.company, self.contact) != (old.company, old.contact);
        if changed && employer.is_some_and(|employer| employer != self.company) {
            wrong.push(Wrong::object("contact", "The contact does not belong to the company."));
        }
        wrong
    }

    /// Does what differs from the ticket as it stands.
    pub(super) fn apply(&self, world: &mut World, id: Id, old: &Self) {
        let by = (Author::Api, world.now());
        if self.summary != old.summary {
            world.rename(id, &self.summary, by);
        }
        for (of, to) in [
            (Deed::Company, Some(self.company)),
            (Deed::Contact, self.contact),
            (Deed::Board, Some(self.board)),
            (Deed::Status, self.status),
            (Deed::Kind, self.kind),
            (Deed::Subkind, self.subkind),
            (Deed::Priority, self.priority),
            (Deed::Owner, self.owner),
        ] {
            world.set(id, of, to, by);
        }
        if self.source != old.source {
            world.set_source(id, self.source, by);
        }
        let changed = self.kept.iter().filter(|(key, value)| old.kept.get(*key) != Some(value));
        let kept: Map<String, Value> = changed.map(|(key, value)| (key.clone(), value.clone())).collect();
        world.keep(id, kept, by);
    }
}

/// The name of a team or an item.
fn place_name(world: &World, key: &str, id: Id) -> String {
    match board_of_team(world, id).filter(|_| key == "team") {
        Some(board) => team_name(world, board),
        None => ITEM_NAME.to_owned(),
    }
}

/// Boards and companies before what belongs to them.
fn rank(key: &str) -> u8 {
    match key {
        "board" | "company" => 0,
        "type" => 1,
        _ => 2,
    }
}

fn exists(world: &World, key: &str, id: Id) -> bool {
    match key {
        "board" => world.boards.get(&id).is_some_and(|b| !b.hidden),
        "status" => world.statuses.contains_key(&id),
        "type" => world.kinds.contains_key(&id),
        "subType" => world.subkinds.contains_key(&id),
        "priority" => world.priorities.contains_key(&id),
        "source" => world.sources.contains_key(&id),
        "owner" => world.technicians.contains_key(&id),
        "company" => world.companies.contains_key(&id),
        "contact" => world.contacts.contains_key(&id),
        "team" => board_of_team(world, id).is_some(),
        "item" => board_of_item(world, id).is_some(),
        _ => false,
    }
}
