//! A resolved ticket as the index keeps it: what it was about, what the desk answered, how it was resolved.
//!
//! Must never say of a sentence that others may see it where it holds something private by itself: that is decided here, once.
//! Whether enough customers were sent it for others to see it, the index says when it is opened.

use std::collections::HashSet;

use firstline_ticket::{Field, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::language::language_of;
use crate::mask::{Masker, Secret, has_unlisted_number, secrets, sentence_hash};
use crate::reply::{Endings, Reach, first_reply, open_up, sentences};
use crate::segmentation::sentences_of_line;
use crate::slots::{slots, without_marks};
use firstline_triage::Bundle;
use firstline_triage::normalize::normalize;

/// What a case keeps of a ticket's text, in characters: enough to compare words with, and to recognise it.
const PROBLEM: usize = 600;
/// What it keeps of the resolution, in characters.
const RESOLUTION: usize = 2_000;

/// A resolved ticket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResolvedCase {
    /// The ticket's id.
    pub id: String,
    /// [`Bundle::ticket_hash`].
    pub hash: u64,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// The customer; empty where that is not known.
    pub customer: String,
    /// Its language, ISO 639-1; empty where it can't be told.
    pub language: String,
    /// Board, type and subtype.
    pub category: [Option<String>; 3],
    /// What it was about, as the models read it, cut.
    pub problem: String,
    /// What the desk answered first, sentence by sentence.
    pub reply: Vec<ReplySentence>,
    /// How it was resolved, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// A sentence that a technician wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplySentence {
    /// The sentence, with slots for what belongs to its ticket.
    pub text: String,
    /// To whom it may be shown; on disk, to whom at most.
    pub reach: Reach,
    /// Whether it does not count as sent to its customer: the customer said it first, or a secret is spoken of beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
}

impl ResolvedCase {
    /// The case that `ticket` is, of which the models read `problem`; `None` where it was not resolved, or nobody wrote how.
    pub fn of(ticket: &Ticket, problem: &str, masker: &Masker, endings: &Endings) -> Option<Self> {
        let resolution = ticket.resolution.as_deref().map(|r| cut(&normalize(r).text, RESOLUTION));
        let reply = reply_of(ticket, problem, masker, endings);
        if reply.is_empty() && resolution.is_none() {
            return None;
        }
        let label = |field| ticket.label(field).map(str::to_owned);
        Some(Self {
            id: ticket.id.clone(),
            hash: Bundle::ticket_hash(ticket),
            opened_at: ticket.opened_at,
            customer: ticket.customer.as_deref().unwrap_or_default().trim().to_owned(),
            language: language_of(ticket, problem),
            category: [Field::Board, Field::Type, Field::Subtype].map(label),
            problem: cut(problem, PROBLEM),
            reply,
            resolution,
        })
    }
}

/// What the desk answered first, with slots for what belongs to the ticket.
fn reply_of(ticket: &Ticket, problem: &str, masker: &Masker, endings: &Endings) -> Vec<ReplySentence> {
    let Some(text) = first_reply(ticket) else { return Vec::new() };
    let slots = slots(ticket, problem, masker);
    let opened = |sentence: String| {
        let (text, reach) = open_up(&sentence, &slots, masker);
        ReplySentence { text, reach, uncounted: false }
    };
    let mut reply: Vec<ReplySentence> = sentences(text, ticket, endings).into_iter().map(opened).collect();
    let bare: Vec<String> = reply.iter().map(|said| without_marks(&said.text, " ")).collect();
    let own = own_words(ticket);
    for ((said, bare), secret) in reply.iter_mut().zip(&bare).zip(secrets(&bare, problem)) {
        if said.reach == Reach::Everybody && (secret == Secret::Told || has_unlisted_number(bare)) {
            said.reach = Reach::Customer;
        }
        said.uncounted = secret == Secret::Beside || own.contains(&sentence_hash(bare));
    }
    reply
}

/// The sentences that the customer wrote: said again by a technician they are the customer's all the same.
fn own_words(ticket: &Ticket) -> HashSet<u64> {
    let messages = ticket.messages.iter().filter(|m| m.from != "technician").map(|m| m.text.as_str());
    let written = [&ticket.subject, &ticket.body].into_iter().flatten().map(String::as_str).chain(messages);
    let sentences = written.flat_map(|text| {
        let text = normalize(text).text;
        text.lines()
            .flat_map(sentences_of_line)
            .map(|sentence| sentence_hash(&sentence))
            .collect::<Vec<u64>>()
    });
    sentences.collect()
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Message;

    use super::*;
    use crate::mask::KnownTermsBuilder;
    use crate::text_of;

    #[test]
    fn what_the_customer_said_or_may_be_a_secret_does_not_count() {
        let message = |from: &str, text: &str| Message {
            from: from.into(),
            text: text.into(),
            visible: Some(true),
            ..Message::default()
        };
        let ticket = |reply: &str, asked: &str| Ticket {
            id: "1".into(),
            customer: Some("Alder".into()),
            body: Some("The scanner of the back office makes a noise".into()),
            messages: vec![message("technician", reply), message("customer", asked)],
            ..Ticket::default()
        };
        let all = "The grey lamp is on. Please restart it. The wifi password is grey lamp. Sit 12 metres from Office 365.";
        let mut known = KnownTermsBuilder::default();
        for customer in ["Alder", "Birch", "Cedar"] {
            known.add(&Ticket { customer: Some(customer.into()), ..ticket(all, "") }, all);
        }
        let masker = Masker::new(known.finish()).unwrap();
        let reply = |reply: &str, asked: &str| {
            let ticket = ticket(reply, asked);
            let case = ResolvedCase::of(&ticket, &text_of(&ticket), &masker, &Endings::default()).unwrap();
            case.reply.into_iter().map(|said| (said.reach, said.uncounted)).collect::<Vec<_>>()
        };
        let open = (Reach::Everybody, false);
        assert_eq!(reply("Please restart it. The grey lamp is on.", "Thanks"), [open, open]);
        let echoed = reply("Please restart it. The grey lamp is on.", "The grey lamp is on!");
        assert_eq!(echoed, [open, (Reach::Everybody, true)]);
        assert!(reply("The wifi password is grey lamp. Please restart it.", "")[0].0 != Reach::Everybody);
        assert_eq!(reply("Sit 12 metres from Office 365.", ""), [open]);
    }
}
