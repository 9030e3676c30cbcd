//! What routes tickets as they come in: the first rule whose word the title has.

use super::World;
use super::parts::{Author, Id};
use crate::deed::Deed;

/// A rule: a word, and what it sets.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The word that it looks for in the title, in lower case.
    pub word: String,
    /// The board that it sets.
    pub board: Option<Id>,
    /// The type that it sets.
    pub kind: Option<Id>,
    /// The priority that it sets.
    pub priority: Option<Id>,
    /// The owner that it sets.
    pub owner: Option<Id>,
}

impl World {
    /// Routes a ticket that has just come in.
    pub(super) fn route(&mut self, ticket: Id) {
        let Some(now) = self.tickets.get(&ticket) else { return };
        let (title, at) = (now.summary.to_lowercase(), now.entered_at);
        let Some(rule) = self.rules.iter().find(|rule| title.contains(&rule.word)).cloned() else { return };
        let by = (Author::System, at);
        if let Some(board) = rule.board.filter(|board| self.boards.contains_key(board)) {
            self.move_board(ticket, board, by);
        }
        for (of, to) in [(Deed::Kind, rule.kind), (Deed::Priority, rule.priority), (Deed::Owner, rule.owner)]
        {
            if to.is_some() {
                self.set(ticket, of, to, by);
            }
        }
    }

    /// Moves a ticket to another board, where statuses and types are others: the status of the same name there, and no type.
    pub fn move_board(&mut self, ticket: Id, board: Id, by: (Author, jiff::Timestamp)) {
        let Some(now) = self.tickets.get(&ticket) else { return };
        let name =
            now.status.and_then(|id| self.name_of(Deed::Status, id)).unwrap_or_else(|| "New".to_owned());
        self.set(ticket, Deed::Board, Some(board), by);
        if self.shape.statuses_by_board {
            let status = self.status(board, &name);
            self.set(ticket, Deed::Status, Some(status), by);
        }
        if self.shape.kinds_by_board {
            self.set(ticket, Deed::Kind, None, by);
            self.set(ticket, Deed::Subkind, None, by);
        }
    }
}
