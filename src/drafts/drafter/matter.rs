//! What a ticket is about, seen through past replies, and what a draft could say of it.
//!
//! Must never write a sentence: those of past replies, of a template or of the voice are chosen.

use std::collections::HashMap;

use firstline_ticket::{Source, Ticket};

use super::pool::Pool;
use crate::consensus::{Consensus, agreement_of_others};
use crate::index::Index;
use crate::slots::{Slot, slots};
use crate::template::Template;
use crate::voice::Phrases;

/// An answer is expected to have at least this much of the right one.
pub(super) const WORTH: f32 = 0.35;
/// An approved template is taken even where so much more speaks for what past replies agree on.
pub(super) const LEAD: f32 = 0.1;

/// What of a ticket's own may stand in a draft to it. By default nothing.
#[derive(Default)]
pub(super) struct Viewer {
    /// The key of the customer whose own sentences may be shown; `None` where nobody's may.
    pub(super) customer: Option<String>,
    /// What slots are filled with.
    pub(super) slots: HashMap<Slot, String>,
}

impl Viewer {
    /// The customer who wrote `ticket`, of which the models read `text`. Where nobody knows who that is, only a desk of one organisation shows its own.
    pub(super) fn of(ticket: &Ticket, text: &str, index: &Index) -> Self {
        let key = ticket.customer_key();
        let customer = (!key.is_empty() || !index.has_customers()).then_some(key);
        Self { customer, slots: slots(ticket, text, index.masker()) }
    }
}

/// What is known of a ticket's matter before anything is written.
pub(super) struct Matter<'f> {
    /// The ticket, as the models read it.
    pub(super) text: String,
    /// The key of its customer.
    pub(super) customer: String,
    pub(super) slots: HashMap<Slot, String>,
    /// What the ticket knows: its text, who wrote it, for whom.
    pub(super) known: String,
    /// The language to answer in, and its phrases.
    pub(super) language: String,
    pub(super) phrases: &'f Phrases,
    pub(super) pool: Pool<'f>,
    /// What past replies agree on.
    pub(super) agreed: Consensus,
}

/// What a draft is to say of the matter.
pub(super) struct Attempt {
    pub(super) content: Vec<String>,
    pub(super) sources: Vec<Source>,
    /// The sentences of the pool that it consists of.
    pub(super) chosen: Vec<(usize, usize)>,
    /// Whether a person has approved what it says.
    pub(super) approved: bool,
    /// The share of the past replies, by weight, that say the same, but for one that it is taken from: a prior on the low
    /// side of its being sent unchanged.
    pub(super) same: f32,
}

/// A template with its slots filled.
pub(super) struct FilledTemplate<'t> {
    pub(super) template: &'t Template,
    pub(super) sentences: Vec<String>,
    /// The share of the past replies, by weight, that say the same.
    pub(super) same: f32,
}

impl Matter<'_> {
    /// Whether past replies agree on something.
    fn has_answer(&self) -> bool {
        self.agreed.firm && !self.agreed.chosen.is_empty() && self.agreed.expected >= WORTH
    }

    /// A template, unless past replies agree on something else.
    pub(super) fn template_attempt(&self, filled: &FilledTemplate<'_>) -> Option<Attempt> {
        let content = filled.sentences.clone();
        let sources = vec![Source { id: filled.template.id.clone(), sentences: content.clone() }];
        let agreed = self.past_attempt(self.agreed.chosen.clone());
        (agreed.chosen.is_empty() || filled.same + LEAD >= agreed.same).then(|| Attempt {
            content,
            sources,
            chosen: Vec::new(),
            approved: true,
            same: filled.same,
        })
    }

    /// What past replies agree on, as it stands in them.
    pub(super) fn retrieved(&self) -> Option<Attempt> {
        self.has_answer().then(|| self.past_attempt(self.agreed.chosen.clone()))
    }

    /// An attempt of these sentences of past replies.
    pub(super) fn past_attempt(&self, mut chosen: Vec<(usize, usize)>) -> Attempt {
        // "Please try this:" says nothing where what it announces may not be used.
        let announces = |place: &(usize, usize)| self.pool.texts(&[*place])[0].trim_end().ends_with(':');
        while chosen.last().is_some_and(announces) {
            chosen.pop();
        }
        let content: Vec<String> = self.pool.texts(&chosen).into_iter().map(str::to_owned).collect();
        let same = agreement_of_others(&content, &self.pool.replies);
        Attempt { content, sources: self.pool.sources(&chosen), chosen, approved: false, same }
    }

    /// Whether the voice speaks the language: where it does not, only an approved template is sent.
    pub(super) fn has_voice(&self) -> bool {
        !self.phrases.acknowledgement.is_empty()
    }

    /// Whether technicians say nothing of such a matter at first.
    pub(super) fn is_silent(&self) -> bool {
        self.agreed.chosen.is_empty() && self.agreed.expected >= WORTH
    }

    /// That the ticket was received, and a question, but for where technicians say nothing of the matter at first.
    pub(super) fn acknowledged(&self) -> Attempt {
        let phrases = [&self.phrases.acknowledgement, &self.phrases.question];
        let silent = self.is_silent();
        Attempt {
            content: phrases.into_iter().take(if silent { 1 } else { 2 }).cloned().collect(),
            sources: Vec::new(),
            chosen: Vec::new(),
            approved: true,
            same: if silent { agreement_of_others(&[], &self.pool.replies) } else { 0.0 },
        }
    }
}
