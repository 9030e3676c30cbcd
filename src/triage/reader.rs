//! Reads tickets, for the model and for everybody who wants to know what the model reads.
//!
//! The one way from a ticket to its text: training, deciding, drafting and explaining go through it, so that they read alike. Must
//! never look at anything but the ticket, the words that the site has added and the habits that were learnt.

use std::sync::Arc;

use firstline_ticket::{Kind, Ticket};

use crate::explain::Explanation;
use crate::features::{Input, compose};
use crate::habits::Habits;
use crate::kind::kind_of;
use crate::normalize::{self, Reading};
use crate::site_words::SiteWords;

/// Reads tickets.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    words: SiteWords,
    habits: Arc<Habits>,
}

impl Reader {
    /// A reader that knows the site's `words` and the senders' `habits`.
    pub fn new(words: SiteWords, habits: Arc<Habits>) -> Self {
        Self { words, habits }
    }

    /// The same reader with a site's words, where there are any.
    #[must_use]
    pub fn under(self, words: &SiteWords) -> Self {
        Self { words: words.or(&self.words).clone(), ..self }
    }

    /// The same reader with other habits.
    #[must_use]
    pub fn with_habits(&self, habits: Arc<Habits>) -> Self {
        Self { words: self.words.clone(), habits }
    }

    /// Reads a ticket: its own words, what was cut and why.
    pub fn read(&self, ticket: &Ticket) -> Reading {
        let mut read = self.words.under(|| normalize::read(ticket));
        let [contact, customer] =
            [&ticket.contact, &ticket.customer].map(|name| name.as_deref().unwrap_or_default());
        self.habits.cut(contact, customer, &mut read);
        read
    }

    /// The text of a ticket.
    pub fn compose(&self, ticket: &Ticket) -> Input {
        compose(&self.read(ticket))
    }

    /// Who or what a ticket comes from.
    pub fn kind(&self, ticket: &Ticket) -> Kind {
        self.kind_of(ticket, &self.compose(ticket))
    }

    /// [`Self::kind`] of a ticket whose text is `input`.
    pub fn kind_of(&self, ticket: &Ticket, input: &Input) -> Kind {
        self.words.under(|| kind_of(ticket, input))
    }

    /// Explains how a ticket is read.
    pub fn explain(&self, ticket: &Ticket) -> Explanation {
        let read = self.read(ticket);
        let kind = self.kind_of(ticket, &compose(&read));
        Explanation::new(ticket, kind, read)
    }
}
