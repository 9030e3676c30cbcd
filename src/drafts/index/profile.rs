//! What a history teaches of its desk before any ticket of it is indexed: terms to mask by, signature, stock sentences,
//! languages.
//!
//! Must never hold whole replies: it says how to read them.

use firstline_ticket::Ticket;
use firstline_triage::Acknowledgements;
use serde::{Deserialize, Serialize};

use crate::habits::{LanguageHabits, LanguageHabitsBuilder};
use crate::mask::{KnownTerms, KnownTermsBuilder};
use crate::reply::{Endings, EndingsBuilder};
use crate::stock_sentences::{StockSentences, StockSentencesBuilder};

/// What is known of the desk that a history came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeskProfile {
    /// For masking.
    pub known: KnownTerms,
    /// For cutting signatures off.
    pub endings: Endings,
    /// Sentences that say nothing of the matter.
    #[serde(rename = "usual")]
    pub stock: StockSentences,
    /// In which language contacts and customers write.
    #[serde(default)]
    pub languages: LanguageHabits,
    /// What the desk's machines answer: no technician's words.
    #[serde(default)]
    pub acknowledgements: Acknowledgements,
}

/// Reads a history and learns the profile of its desk.
#[derive(Debug, Default)]
pub struct DeskProfileBuilder {
    acknowledgements: Acknowledgements,
    known: KnownTermsBuilder,
    endings: EndingsBuilder,
    stock: StockSentencesBuilder,
    languages: LanguageHabitsBuilder,
}

impl DeskProfileBuilder {
    /// A builder that knows which messages of the history are no technician's.
    pub fn knowing(acknowledgements: Acknowledgements) -> Self {
        Self { acknowledgements, ..Self::default() }
    }

    /// Learns from a ticket, of which the models read `text` and whose acknowledgements are
    /// [set aside](Acknowledgements::set_aside).
    pub fn add(&mut self, ticket: &Ticket, text: &str) {
        self.known.add(ticket, text);
        self.endings.add(ticket);
        self.stock.add(ticket, text);
        self.languages.add(ticket, text);
    }

    /// The profile that was learnt.
    pub fn finish(self) -> DeskProfile {
        DeskProfile {
            known: self.known.finish(),
            endings: self.endings.finish(),
            stock: self.stock.finish(),
            languages: self.languages.finish(),
            acknowledgements: self.acknowledgements,
        }
    }
}
