//! A service desk's automatic acknowledgements among the messages of its tickets: they are no technician's words.
//!
//! They are known by recurrence, in any language: one sentence, the ticket's own names and numbers left out, that opens many
//! tickets of different matters within minutes and comes at no other time. Where a history is too short to tell, words do, as far
//! as `kind/words.toml` knows them. Must never keep a word: what is learnt are hashes.

use std::collections::{BTreeSet, HashMap};

use firstline_ticket::{Field, Message, Ticket};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::kind::{fold, is_acknowledgement};

/// Time from a ticket's opening within which a machine answers.
const SOON: SignedDuration = SignedDuration::from_mins(5);
/// Tickets, and among them different matters, in which a sentence opens the conversation.
const LEAST: u32 = 5;
const MATTERS: usize = 3;
/// Share of a sentence's messages that have to come at once.
const AT_ONCE: f64 = 0.9;
/// Share of a message's words that stand in such sentences.
const COVERED: f64 = 0.6;
/// Words of a sentence that is counted at least: a greeting is everybody's.
const WORDS: usize = 3;
/// Bytes of a message that are read, and sentences that are counted at most.
const READ: usize = 4_000;
const COUNTED: usize = 1 << 19;

/// The sentences of a desk's automatic acknowledgements, as hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Acknowledgements(BTreeSet<u64>);

/// Reads a history and learns which sentences acknowledge tickets by themselves.
#[derive(Debug, Default)]
pub struct AcknowledgementsBuilder {
    counts: HashMap<u64, Count>,
}

#[derive(Debug, Default)]
struct Count {
    at_once: u32,
    later: u32,
    matters: Vec<u64>,
}

impl AcknowledgementsBuilder {
    /// Learns from a ticket.
    pub fn add(&mut self, ticket: &Ticket) {
        let matter = matter(ticket);
        let own = OwnWords::of(ticket);
        let mut seen = BTreeSet::new();
        for message in ticket.messages.iter().filter(|message| is_sent(message)) {
            let Some(soon) = comes_soon(ticket, message) else { continue };
            for (hash, _) in sentences(&message.text, &own) {
                // Twice in a ticket is once.
                if !seen.insert(hash) {
                    continue;
                }
                let count = self.counts.entry(hash).or_default();
                match soon {
                    true => count.at_once += 1,
                    false => count.later += 1,
                }
                if soon && count.matters.len() < MATTERS && !count.matters.contains(&matter) {
                    count.matters.push(matter);
                }
            }
        }
        if self.counts.len() > COUNTED {
            self.counts.retain(|_, count| count.at_once > 1);
        }
    }

    /// What was learnt.
    pub fn finish(self) -> Acknowledgements {
        let is_automatic = |count: &Count| {
            let all = f64::from(count.at_once + count.later);
            count.at_once >= LEAST
                && count.matters.len() >= MATTERS
                && f64::from(count.at_once) >= AT_ONCE * all
        };
        let automatic = self.counts.into_iter().filter(|(_, count)| is_automatic(count));
        Acknowledgements(automatic.map(|(hash, _)| hash).collect())
    }
}

impl Acknowledgements {
    /// These with those of `newer`.
    #[must_use]
    pub fn with(mut self, newer: Self) -> Self {
        self.0.extend(newer.0);
        self
    }

    /// How many sentences are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `text`, said to be a technician's reply to nobody knows which ticket at which time, acknowledges by itself.
    pub fn is_one(&self, text: &str) -> bool {
        self.covers(text, &OwnWords::default()) || is_acknowledgement(text)
    }

    /// Gives the automatic acknowledgements among the messages of `ticket` to `system`, and takes the first response from the first
    /// message that a technician sent, where the PSA had stamped an acknowledgement.
    pub fn set_aside(&self, ticket: &mut Ticket) {
        let own = OwnWords::of(ticket);
        let is_one = |message: &Message| {
            let by_words = comes_soon(ticket, message).unwrap_or(true) && is_acknowledgement(&message.text);
            is_sent(message) && (by_words || self.covers(&message.text, &own))
        };
        let found: Vec<usize> = (0..ticket.messages.len()).filter(|&i| is_one(&ticket.messages[i])).collect();
        if found.is_empty() {
            return;
        }
        for i in found {
            "system".clone_into(&mut ticket.messages[i].from);
        }
        let replies = ticket.messages.iter().filter(|message| is_sent(message));
        ticket.first_response_at = replies.filter_map(|message| message.at).min();
    }

    fn covers(&self, text: &str, own: &OwnWords) -> bool {
        let (mut all, mut known) = (0, 0);
        for (hash, words) in if self.0.is_empty() { Vec::new() } else { sentences(text, own) } {
            all += words;
            known += if self.0.contains(&hash) { words } else { 0 };
        }
        all > 0 && known as f64 >= COVERED * all as f64
    }
}

/// What a ticket is about: its category, or its subject where nobody has filed it. A quick answer to one matter is no acknowledgement.
fn matter(ticket: &Ticket) -> u64 {
    let labels =
        [Field::Board, Field::Type, Field::Subtype].map(|field| ticket.label(field).unwrap_or_default());
    match labels.iter().all(|label| label.is_empty()) {
        true => xxh3_64(fold(ticket.subject.as_deref().unwrap_or_default()).as_bytes()),
        false => xxh3_64(labels.join("\0").as_bytes()),
    }
}

/// Whether the customer saw it as a technician's.
fn is_sent(message: &Message) -> bool {
    message.from == "technician" && message.visible == Some(true) && !message.text.trim().is_empty()
}

/// Whether a message came within minutes of the ticket's opening; `None` where that is not known.
fn comes_soon(ticket: &Ticket, message: &Message) -> Option<bool> {
    let after = message.at?.duration_since(ticket.opened_at?);
    Some(after <= SOON)
}

/// What a text has of its ticket: an acknowledgement names it, and is the same without.
#[derive(Debug, Default)]
struct OwnWords {
    subject: String,
    words: BTreeSet<String>,
}

impl OwnWords {
    fn of(ticket: &Ticket) -> Self {
        let named = [&ticket.contact, &ticket.customer, &ticket.technician];
        let named = named.into_iter().flatten().map(|name| fold(name));
        let subject = ticket.subject.as_deref().map(fold).unwrap_or_default();
        Self {
            subject,
            words: named.flat_map(|name| name.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect(),
        }
    }
}

/// The sentences of a text as hashes, without what its ticket has of its own, and with how many words.
fn sentences(text: &str, own: &OwnWords) -> Vec<(u64, usize)> {
    let text = &text[..text.floor_char_boundary(READ)];
    let parts = text.split(['\n', '.', '!', '?', '。', '！', '？']).map(fold);
    let hashed = parts.filter_map(|part| {
        let part = if own.subject.trim().len() > 3 { part.replace(&own.subject, " ") } else { part };
        let telling = |word: &&str| {
            !word.is_empty() && !word.contains(|c: char| c.is_numeric()) && !own.words.contains(*word)
        };
        let words: Vec<&str> = part.split(' ').filter(telling).collect();
        let unspaced = words.iter().map(|word| word.chars().count()).sum::<usize>() >= 4 * WORDS;
        (words.len() >= WORDS || unspaced).then(|| (xxh3_64(words.join(" ").as_bytes()), words.len()))
    });
    hashed.collect()
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::*;

    const SUBJECTS: [&str; 4] = ["Printer offline", "VPN drops", "New laptop", "Phone silent"];

    fn ticket(i: usize, acknowledged: Option<&str>, reply: &str) -> Ticket {
        let opened: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let said = |seconds: i64, text: String| Message {
            at: Some(opened + seconds.seconds()),
            from: "technician".into(),
            text,
            visible: Some(true),
            ..Message::default()
        };
        let subject = SUBJECTS[i % SUBJECTS.len()];
        let first = acknowledged.map(|text| {
            let text = text.replace("{id}", &format!("T{i:04}")).replace("{subject}", subject);
            said(4 + i as i64, text.replace("{name}", ["Mia", "Bob", "Zoe"][i % 3]))
        });
        Ticket {
            id: format!("T{i:04}"),
            opened_at: Some(opened),
            subject: Some(subject.into()),
            contact: Some(["Mia Stone", "Bob Reed", "Zoe Hart"][i % 3].into()),
            first_response_at: Some(opened + 4.seconds()),
            messages: first.into_iter().chain([said(1_200, reply.to_owned())]).collect(),
            ..Ticket::default()
        }
    }

    fn learnt(text: &str) -> Acknowledgements {
        let mut builder = AcknowledgementsBuilder::default();
        (0..20).for_each(|i| {
            builder.add(&ticket(i, (i % 5 < 3).then_some(text), "Please restart it and try again now."));
        });
        builder.finish()
    }

    #[test]
    fn what_recurs_at_once_is_no_reply_in_any_language() {
        for text in [
            "Hello {name},\n\nthank you for writing to us. Your ticket {id} \"{subject}\" is in our queue.\n\nThe desk of Alder IT",
            "Tere {name}! Teie pöördumine {id} on registreeritud. Vastame teile esimesel võimalusel.",
            "Þakka þér fyrir póstinn. Beiðni {id} hefur verið skráð hjá okkur.",
            "{name}様\nこの度はご連絡いただき誠に恐れ入ります。番号は{id}です。順番に拝見しております。",
        ] {
            let known = learnt(text);
            assert!(!known.is_empty(), "{text}");
            let mut new = ticket(42, Some(text), "Swap the cable.");
            known.set_aside(&mut new);
            let from: Vec<&str> = new.messages.iter().map(|message| message.from.as_str()).collect();
            assert_eq!(from, ["system", "technician"], "{text}");
            assert_eq!(new.first_response_at, new.messages[1].at, "{text}");
        }
    }

    #[test]
    fn replies_that_recur_stay_replies() {
        let mut builder = AcknowledgementsBuilder::default();
        (0..20).for_each(|i| builder.add(&ticket(i, None, "Please restart it and try again now.")));
        // Quick now and then, but not always; and quick, but always about one thing.
        for i in 0..20 {
            builder.add(&ticket(
                i,
                (i % 2 == 0).then_some("Please check the cable behind the desk."),
                "Please check the cable behind the desk.",
            ));
            builder.add(&ticket(4 * i, Some("I unlock your account at once for you."), "Done"));
        }
        // Always quick, of different subjects, but all of one category.
        for i in 0..20 {
            let quick = ticket(i, Some("We have set a new password, try it."), "Done");
            builder.add(&Ticket { kind: Some("Password".into()), ..quick });
        }
        let known = builder.finish();
        assert!(known.is_empty(), "{known:?}");
        let mut new = ticket(7, None, "Please restart it and try again now.");
        let before = new.clone();
        known.set_aside(&mut new);
        assert_eq!(new, before);
    }

    #[test]
    fn a_single_acknowledgement_is_known_by_its_words_if_it_comes_at_once() {
        let known = Acknowledgements::default();
        let text =
            "Thank you for contacting us. Your request {id} has been received and we will get back to you.";
        let mut one = ticket(1, Some(text), "Swap the cable.");
        known.set_aside(&mut one);
        assert_eq!(one.messages[0].from, "system");
        assert!(known.is_one("Ihre Anfrage ist bei uns eingegangen. Wir melden uns so schnell wie möglich."));
        // A person's answer an hour later is one, whatever it says; and so is a question.
        let mut late =
            ticket(1, None, "Thank you for contacting us. We will get back to you as soon as possible.");
        known.set_aside(&mut late);
        assert_eq!(late.messages[0].from, "technician");
        assert!(!known.is_one("Thank you for contacting us. Which printer is it? We will get back to you."));
        assert!(!known.is_one("Please restart the spooler. It will be fine then."));
    }
}
