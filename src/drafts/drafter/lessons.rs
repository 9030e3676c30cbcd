//! What a language model can learn from how technicians answered tickets: prompts as drafting makes them, with the answer.
//!
//! Must never hold a word of a customer's own in an answer: weights keep what they learn.

use firstline_fault::Result;
use firstline_nn::Message;
use firstline_ticket::{Decision, Ticket};

use super::Drafter;
use super::matter::Viewer;
use crate::consensus::{SHARED_WORDS, word_f1};
use crate::reply::{first_reply, sentences};
use crate::writer::prompt;

/// What a model can learn from a ticket that a technician has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// What the model is asked.
    pub prompt: Vec<Message>,
    /// What the technician said of the matter.
    pub answer: String,
}

impl Drafter<'_> {
    /// What the local model can learn from `tickets` and what technicians sent in answer to them; `None` where nothing can be
    /// learnt: nobody answered, nothing like it is in the index, or the answer says what no sentence found does. Nothing of
    /// a customer's own is in a lesson's answer.
    ///
    /// # Errors
    /// As for [`Self::draft`].
    pub fn lessons(&self, tickets: &[Ticket]) -> Result<Vec<Option<Lesson>>> {
        let features = self.engine.features(tickets)?;
        let decisions = self.engine.decide_features(tickets, &features, &[], 1)?;
        let d = features.embeddings.len() / tickets.len().max(1);
        let embedding = |i: usize| &features.embeddings[i * d..(i + 1) * d];
        let both = tickets.iter().zip(&decisions).enumerate();
        both.map(|(i, (ticket, decision))| self.lesson(ticket, decision, embedding(i))).collect()
    }

    fn lesson(&self, ticket: &Ticket, decision: &Decision, embedding: &[f32]) -> Result<Option<Lesson>> {
        let Some(reply) = first_reply(ticket) else { return Ok(None) };
        let found = self.found(ticket, &self.text(ticket), embedding)?;
        // Nothing that this ticket alone has is filled in: weights keep what they learn.
        let matter = self.matter(ticket, decision, &found, Viewer::default());
        let Some(past) = self.past(&matter)? else { return Ok(None) };
        let steps = matter.pool.texts(&matter.pool.steps(&past.chosen));
        let sent = sentences(reply, ticket, self.index.endings());
        let sent = sent.iter().filter(|s| !self.index.stock_sentences().contains(s));
        let same = |s: &String| steps.iter().find(|step| word_f1(s, step) >= SHARED_WORDS).copied();
        let answer: Option<Vec<&str>> = sent.map(same).collect();
        let answer = answer.map(|steps| steps.join(" ")).filter(|answer| !answer.is_empty());
        let prompt = prompt(&matter.text, &matter.language, self.voice.told(&matter.customer), &steps);
        Ok(answer.map(|answer| Lesson { prompt, answer }))
    }
}
