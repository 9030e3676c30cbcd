//! Puts a draft together: greeting, opening, identity check, content, closing, signature; and has it guarded.
//!
//! Must never give out a text that the guard refused.

use std::collections::BTreeMap;

use firstline_ticket::{Basis, CheckResult, Confidence, Draft, Origin};

use super::matter::{Attempt, Matter};
use crate::guard::{Grounds, guard};
use crate::lexicon::changes_access;
use crate::mask::Masker;
use crate::reviews::Reviews;

/// What stands around the content of every draft to a ticket.
pub(super) struct Frame<'m> {
    pub(super) matter: &'m Matter<'m>,
    /// A polite sentence in front of the content.
    pub(super) opening: &'m str,
    /// A sentence behind the content; empty for none.
    pub(super) closing: &'m str,
    /// What ends the draft; empty for nothing.
    pub(super) signature: &'m str,
    /// Whether the contact has to prove who they are, whatever the content.
    pub(super) verify_identity: bool,
    pub(super) masker: &'m Masker,
}

impl Frame<'_> {
    /// The draft that says what was attempted, or the checks that it failed. Confidences go by `reviews`, where there are
    /// any.
    pub(super) fn draft(
        &self,
        origin: Origin,
        attempt: Attempt,
        reviews: Option<&Reviews>,
    ) -> Result<Draft, Vec<CheckResult>> {
        // A word of warning about passwords changes nothing.
        let asks = self.verify_identity || attempt.content.iter().any(|s| changes_access(s));
        let identity = asks.then_some(self.matter.phrases.identity.as_str());
        let text = self.text(&attempt.content, identity);
        let verdicts = guard(&text, &self.grounds(&attempt, identity), self.masker);
        if verdicts.iter().any(|v| !v.passed) {
            return Err(verdicts.into_iter().filter(|v| !v.passed).collect());
        }
        let prior = Confidence::new(f64::from(attempt.same));
        let (confidence, basis) = reviews.map_or((prior, Basis::Prior), |r| r.confidence(origin, prior));
        Ok(Draft {
            text,
            language: self.matter.language.clone(),
            origin,
            sources: attempt.sources,
            confidence,
            basis,
            prior,
            verify_identity: identity.is_some(),
            verdicts,
            rejected: Vec::new(),
            timings_ms: BTreeMap::new(),
        })
    }

    fn text(&self, content: &[String], identity: Option<&str>) -> String {
        let said = [self.opening].into_iter().chain(identity).chain(content.iter().map(String::as_str));
        let said = said.chain((!self.closing.is_empty()).then_some(self.closing));
        let greeting = self.matter.phrases.greet(&self.matter.slots);
        let parts = [greeting, joined(said), self.signature.to_owned()];
        parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn grounds<'g>(&'g self, attempt: &'g Attempt, identity: Option<&'g str>) -> Grounds<'g> {
        let Matter { slots, language, phrases, text, known, .. } = self.matter;
        let phrases: [&str; 5] =
            [self.opening, &phrases.acknowledgement, &phrases.question, &phrases.identity, self.closing];
        Grounds {
            sentences: attempt.sources.iter().flat_map(|s| &s.sentences).map(String::as_str).collect(),
            approved: attempt.approved,
            phrases: phrases.into_iter().filter(|phrase| !phrase.is_empty()).collect(),
            slots,
            ticket: known,
            products: self.masker.products(text),
            language,
            identity,
            signature: self.signature,
        }
    }
}

/// Sentences as a text: a line of its own for what is a step of a list, and behind what has no end of its own.
fn joined<'s>(sentences: impl Iterator<Item = &'s str>) -> String {
    let mut text = String::new();
    for sentence in sentences.filter(|s| !s.is_empty()) {
        let digits = sentence.len() - sentence.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let step = sentence.starts_with(['-', '*', '•'])
            || (digits > 0 && sentence[digits..].starts_with(['.', ')']));
        if !text.is_empty() {
            text.push(if step || !text.ends_with(['.', '!', '?', ',', '…', '"', ')']) {
                '\n'
            } else {
                ' '
            });
        }
        text += sentence;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_on_lines_of_their_own() {
        let text = joined(
            ["Thanks.", "Please try this:", "1. Open Outlook", "2. Close it.", "Does it work?"].into_iter(),
        );
        assert_eq!(text, "Thanks. Please try this:\n1. Open Outlook\n2. Close it. Does it work?");
    }
}
