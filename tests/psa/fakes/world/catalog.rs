//! Names and ids: what the desk has of each, found by name and made where it is missing.

use super::World;
use super::parts::{Board, Company, Contact, Id, Kind, Priority, Source, Stage, Status, Subkind, Technician};
use crate::deed::Deed;

/// The statuses of a board, in their order.
const STATUSES: [(&str, bool, Stage); 5] = [
    ("New", false, Stage::New),
    ("In Progress", false, Stage::Responded),
    ("Waiting on customer", false, Stage::Waiting),
    ("Resolved", true, Stage::Resolved),
    ("Closed", true, Stage::Resolved),
];

impl World {
    /// The customer of that name.
    pub fn company(&mut self, name: &str) -> Id {
        if let Some(found) = self.companies.values().find(|c| c.name == name) {
            return found.id;
        }
        let id = self.id();
        let identifier = name.chars().filter(char::is_ascii_alphanumeric).take(25).collect();
        self.companies.insert(id, Company { id, identifier, name: name.to_owned() });
        id
    }

    /// The person of that name at a customer.
    pub fn contact(&mut self, company: Id, name: &str) -> Id {
        let is = |c: &&Contact| c.company == company && c.name == name;
        if let Some(found) = self.contacts.values().find(is) {
            return found.id;
        }
        let id = self.id();
        let host = self.companies.get(&company).map(|c| c.identifier.to_lowercase()).unwrap_or_default();
        let local: String = name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(".");
        let email = format!("{local}@{host}.example");
        self.contacts.insert(id, Contact { id, company, name: name.to_owned(), email });
        id
    }

    /// The technician of that name.
    pub fn technician(&mut self, name: &str) -> Id {
        if let Some(found) = self.technicians.values().find(|t| t.name == name) {
            return found.id;
        }
        let id = self.id();
        let identifier: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        self.technicians
            .insert(id, Technician { id, identifier, name: name.to_owned(), role: 8, active: true });
        id
    }

    /// The board of that name, with its statuses.
    pub fn board(&mut self, name: &str) -> Id {
        if let Some(found) = self.boards.values().find(|b| b.name == name) {
            return found.id;
        }
        let id = self.id();
        self.boards.insert(id, Board { id, name: name.to_owned(), hidden: false });
        for (status, closed, stage) in STATUSES {
            self.status_of(id, status, closed, stage);
        }
        id
    }

    fn status_of(&mut self, board: Id, name: &str, closed: bool, stage: Stage) -> Id {
        let board = self.shape.statuses_by_board.then_some(board);
        if let Some(&known) = self.status_names.get(&name.to_lowercase()) {
            return known;
        }
        if let Some(found) = self.statuses.values().find(|s| s.board == board && s.name == name) {
            return found.id;
        }
        let id = self.id();
        self.statuses.insert(id, Status { id, board, name: name.to_owned(), closed, stage });
        id
    }

    /// The status of that name on a board.
    pub fn status(&mut self, board: Id, name: &str) -> Id {
        let lower = name.to_lowercase();
        let closed = lower.starts_with("clos") || lower.starts_with("resolv") || lower.starts_with("complet");
        let stage = match () {
            () if closed => Stage::Resolved,
            () if lower.starts_with("wait") => Stage::Waiting,
            () if lower == "new" => Stage::New,
            () => Stage::Responded,
        };
        self.status_of(board, name, closed, stage)
    }

    /// The type of that name on a board.
    pub fn kind(&mut self, board: Id, name: &str) -> Id {
        let board = self.shape.kinds_by_board.then_some(board);
        if let Some(found) = self.kinds.values().find(|k| k.board == board && k.name == name) {
            return found.id;
        }
        let id = self.id();
        self.kinds.insert(id, Kind { id, board, name: name.to_owned() });
        id
    }

    /// The subtype of that name of a type.
    pub fn subkind(&mut self, kind: Id, name: &str) -> Id {
        if let Some(found) = self.subkinds.values().find(|s| s.kind == kind && s.name == name) {
            return found.id;
        }
        let id = self.id();
        self.subkinds.insert(id, Subkind { id, kind, name: name.to_owned() });
        id
    }

    /// The priority of that name.
    pub fn priority(&mut self, name: &str) -> Id {
        if let Some(found) = self.priorities.values().find(|p| p.name == name) {
            return found.id;
        }
        let id = self.id();
        self.priorities.insert(id, Priority { id, name: name.to_owned() });
        id
    }

    /// The source of that name.
    pub fn source(&mut self, name: &str) -> Id {
        if let Some(found) = self.sources.values().find(|s| s.name == name) {
            return found.id;
        }
        let id = self.id();
        self.sources.insert(id, Source { id, name: name.to_owned() });
        id
    }

    /// Statuses that hold on a board, in their order.
    pub fn statuses_of(&self, board: Id) -> impl Iterator<Item = &Status> {
        let board = self.shape.statuses_by_board.then_some(board);
        self.statuses.values().filter(move |s| s.board == board)
    }

    /// Types that hold on a board.
    pub fn kinds_of(&self, board: Id) -> impl Iterator<Item = &Kind> {
        let board = self.shape.kinds_by_board.then_some(board);
        self.kinds.values().filter(move |k| k.board == board)
    }

    pub(super) fn first_status(&self, board: Id) -> Option<Id> {
        self.statuses_of(board).next().map(|s| s.id)
    }

    pub(super) fn open_status(&self, board: Id) -> Option<Id> {
        self.statuses_of(board).find(|s| s.stage == Stage::Responded && !s.closed).map(|s| s.id)
    }

    /// The last status of a board in which tickets are closed.
    pub fn closed_status(&self, board: Id) -> Option<Id> {
        self.statuses_of(board).filter(|s| s.closed).last().map(|s| s.id)
    }

    pub(super) fn default_priority(&self) -> Option<Id> {
        let mut ids = self.priorities.values();
        ids.nth(self.priorities.len() / 2).map(|p| p.id)
    }

    /// The name of a value.
    pub fn name_of(&self, of: Deed, id: Id) -> Option<String> {
        let name = match of {
            Deed::Status => &self.statuses.get(&id)?.name,
            Deed::Board => &self.boards.get(&id)?.name,
            Deed::Kind => &self.kinds.get(&id)?.name,
            Deed::Subkind => &self.subkinds.get(&id)?.name,
            Deed::Priority => &self.priorities.get(&id)?.name,
            Deed::Owner => &self.technicians.get(&id)?.name,
            Deed::Company => &self.companies.get(&id)?.name,
            Deed::Contact => &self.contacts.get(&id)?.name,
            Deed::Opened | Deed::Summary | Deed::Merged | Deed::Deleted => return None,
        };
        Some(name.clone())
    }
}
