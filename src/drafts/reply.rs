//! What technicians have written: the first reply to a ticket, without greeting, name and signature, sentence by sentence,
//! with what belongs to that ticket alone (whose it is, which machine) taken out as slots.
//!
//! Must never keep a value that another ticket could not fill: a sentence is either whole for every ticket or has slots.

mod courtesies;

use std::collections::{BTreeSet, HashMap, HashSet};

use firstline_ticket::{Message, Ticket};
use serde::{Deserialize, Serialize};

use courtesies::{without_greeting, without_sign_off};

use crate::lexicon::{addresses_reader, claim, credential, is_mail_header, names_secret, promise};
use crate::mask::{Masker, PrivateKind, PrivateSpan};
use crate::segmentation::{sentences_of_line, words};
use crate::slots::{Slot, mark, without_marks};
use firstline_triage::normalize::normalize;

/// Longest reply that is taken apart, in bytes.
const MAX_REPLY: usize = 16 << 10;
/// Most sentences of a reply.
const MAX_SENTENCES: usize = 40;
/// A line that ends so many replies belongs to the desk's signature.
const ENDING_SHARE: f64 = 0.02;
const ENDING_LEAST: usize = 3;
/// Words, and bytes, of a greeting or a signature's line at most.
const SHORT: usize = 8;
const SHORT_BYTES: usize = 80;

/// Lines that end many replies: the desk's signature.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Endings(BTreeSet<String>);

/// Reads replies and learns how they end.
#[derive(Debug, Default)]
pub struct EndingsBuilder {
    counts: HashMap<String, usize>,
    replies: usize,
}

impl EndingsBuilder {
    /// Learns from a ticket's reply.
    pub fn add(&mut self, ticket: &Ticket) {
        let Some(text) = first_reply(ticket) else { return };
        self.replies += 1;
        let last = text.lines().rev().map(str::trim).filter(|l| !l.is_empty()).take(4);
        // Advice that is given often ends many replies too.
        let told = |line: &&str| {
            line.ends_with(['.', '?', '!', ':', ';']) || line.starts_with(|c: char| !c.is_alphabetic())
        };
        let lines: BTreeSet<String> = last.filter(|l| is_short(l) && !told(l)).map(folded).collect();
        for line in lines {
            *self.counts.entry(line).or_default() += 1;
        }
    }

    /// What was learnt.
    pub fn finish(self) -> Endings {
        let least = ((self.replies as f64 * ENDING_SHARE).ceil() as usize).max(ENDING_LEAST);
        Endings(self.counts.into_iter().filter(|(_, n)| *n >= least).map(|(line, _)| line).collect())
    }
}

/// The first text that the desk sent to the customer. Where the conversation is not there, its resolution, if that speaks to
/// somebody: a technician's note to colleagues is no reply.
pub fn first_reply(ticket: &Ticket) -> Option<&str> {
    let sent = |m: &&Message| m.from == "technician" && m.visible == Some(true) && !m.text.trim().is_empty();
    let first = ticket.messages.iter().find(sent).map(|m| m.text.as_str());
    let told = || ticket.resolution.as_deref().filter(|r| ticket.messages.is_empty() && addresses_reader(r));
    first.or_else(told).filter(|text| text.len() <= MAX_REPLY)
}

/// The sentences of a reply, without greeting, names and signature.
pub fn sentences(text: &str, ticket: &Ticket, endings: &Endings) -> Vec<String> {
    let text = normalize(text).text;
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let names: HashSet<String> = [&ticket.technician, &ticket.contact]
        .into_iter()
        .flatten()
        .flat_map(|n| words(n).map(|(_, w)| w).collect::<Vec<_>>())
        .collect();
    let named = |line: &str| words(line).all(|(_, w)| names.contains(&w));
    while lines.len() > 1 && lines.last().is_some_and(|l| endings.0.contains(&folded(l)) || named(l)) {
        lines.pop();
    }
    while lines.len() > 1 && lines.first().is_some_and(|l| is_mail_header(l)) {
        lines.remove(0);
    }
    let first = lines.first().copied().unwrap_or_default();
    let greeted = first.ends_with([',', '!', ':', ';'])
        || words(first).any(|(_, w)| names.contains(&w))
        || first.contains("<name>");
    if lines.len() > 1 && is_short(first) && greeted && !says_more(first, &names) {
        lines.remove(0);
    }
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    // A greeting may stand on a line with what it greets, and behind another.
    while let Some(first) = lines.first_mut() {
        *first = without_greeting(first, &names).to_owned();
        if !first.is_empty() {
            break;
        }
        lines.remove(0);
    }
    without_sign_off(&mut lines);
    let mut all: Vec<String> = lines.iter().flat_map(|line| sentences_of_line(line)).collect();
    all.truncate(MAX_SENTENCES);
    all
}

/// Whether a line that greets goes on with something else.
fn says_more(line: &str, names: &HashSet<String>) -> bool {
    let rest = without_greeting(line, names);
    rest.len() < line.len() && !rest.is_empty()
}

fn is_short(line: &str) -> bool {
    line.len() <= SHORT_BYTES && line.split_whitespace().count() <= SHORT
}

fn folded(line: &str) -> String {
    line.trim().to_lowercase()
}

/// To whom a sentence may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// To nobody else: it names a person or a thing of its own ticket that no slot stands for.
    Nobody,
    /// To those of the same customer: it has words that technicians have written to too few others.
    Customer,
    /// To everybody.
    Everybody,
}

/// `sentence` with what belongs to its ticket as slots, and to whom it may be shown then.
pub(crate) fn open_up(sentence: &str, slots: &HashMap<Slot, String>, masker: &Masker) -> (String, Reach) {
    let text = mark(sentence, slots);
    let bare = without_marks(&text, " ");
    // Only a person may promise or say what was done, and no reply passes on a secret that another one told.
    let personal = promise(&bare).is_some() || claim(&bare).is_some() || credential(&bare).is_some();
    // Text that looks like a slot or a placeholder would be filled, or sent as it is.
    let odd = sentence.contains(['{', '}', '<', '>', '[', ']']);
    let found = masker.find_all(&bare);
    let secret = names_secret(&bare);
    let odd_word = |word: &str| secret || word.contains(|c: char| c.is_ascii_digit());
    let nobody = |f: &PrivateSpan| f.kind != PrivateKind::Word || odd_word(&bare[f.range.clone()]);
    let reach = match found.is_empty() {
        _ if odd || personal || found.iter().any(nobody) => Reach::Nobody,
        true => Reach::Everybody,
        false => Reach::Customer,
    };
    (text, reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::KnownTermsBuilder;
    use crate::slots::{fill, slots};
    use crate::text_of;

    fn ticket(customer: &str, reply: &str) -> Ticket {
        Ticket {
            id: "1".into(),
            customer: Some(customer.into()),
            contact: Some("Zach Chavez".into()),
            technician: Some("Katrin Vogel".into()),
            subject: Some("Outlook on CAL-LT060".into()),
            body: Some("It crashes. Call (340) 555-0106.".into()),
            messages: vec![Message {
                from: "technician".into(),
                text: reply.into(),
                visible: Some(true),
                ..Message::default()
            }],
            ..Ticket::default()
        }
    }

    const REPLY: &str = "Hi Zach,\n\nThank you for the details. May I restart CAL-LT060 at 9 a.m.? Then:\n1. Open Outlook.\n\
                         2. Call us.\n\nKatrin\nBluefinch IT Service Desk";

    #[test]
    fn greeting_names_and_signature_are_left_out() {
        let tickets: Vec<Ticket> = (0..5).map(|i| ticket(&format!("C{i}"), REPLY)).collect();
        let mut endings = EndingsBuilder::default();
        tickets.iter().for_each(|t| endings.add(t));
        let endings = endings.finish();
        let got = sentences(first_reply(&tickets[0]).unwrap(), &tickets[0], &endings);
        assert_eq!(
            got,
            [
                "Thank you for the details.",
                "May I restart CAL-LT060 at 9 a.m.?",
                "Then:",
                "1. Open Outlook.",
                "2. Call us."
            ]
        );
        // A line that a mail's head has says nothing.
        assert_eq!(sentences("Subject: Re: Outlook\nDone.", &tickets[0], &endings), ["Done."]);
        // One line is the reply, whatever it looks like.
        assert_eq!(sentences("Done!", &tickets[0], &endings), ["Done!"]);
    }

    #[test]
    fn only_what_the_customer_saw_is_a_reply() {
        let mut t = ticket("C", REPLY);
        t.messages[0].visible = Some(false);
        t.resolution = Some("Please restart your computer".into());
        assert_eq!(first_reply(&t), None);
        t.messages.clear();
        assert_eq!(first_reply(&t), Some("Please restart your computer"));
        t.resolution = Some("User error, card declined".into());
        assert_eq!(first_reply(&t), None);
    }

    #[test]
    fn what_belongs_to_a_ticket_becomes_a_slot_and_is_filled_from_another() {
        let mut known = KnownTermsBuilder::default();
        for i in 0..4 {
            let one = ticket(&format!("C{i} Ltd"), REPLY);
            known.add(&one, &text_of(&one));
        }
        let one = ticket("C9 Ltd", "Our reply about zebrafish");
        known.add(&one, &text_of(&one));
        let masker = Masker::new(known.finish()).unwrap();
        let from = |contact: &str, body: &str| Ticket {
            contact: Some(contact.into()),
            body: Some(body.into()),
            ..ticket("C1 Ltd", REPLY)
        };
        let slots = |ticket: &Ticket| slots(ticket, &text_of(ticket), &masker);
        let of = slots(&from("Zach Chavez", "It crashes"));
        assert_eq!((of[&Slot::Host].as_str(), of[&Slot::Contact].as_str()), ("CAL-LT060", "Zach"));
        for contact in ["Open Office", "evil.example", "https://x.example", "A", "mallory"] {
            assert_eq!(slots(&from(contact, "It crashes")).get(&Slot::Contact), None, "{contact}");
        }
        assert_eq!(slots(&from("Zach", "and TAM-PC1 too")).get(&Slot::Host), None);
        let open = |text: &str| open_up(text, &of, &masker);
        let (text, reach) = open("May I restart CAL-LT060?");
        assert_eq!((text.as_str(), reach), ("May I restart {host}?", Reach::Everybody));
        assert_eq!(open("Thank you Zach.").0, "Thank you {contact}.");
        assert_eq!(open("Open zebrafish.").1, Reach::Customer);
        for private in [
            "Restart CAL-SRV01.",
            "Call Katrin.",
            "Open https://a.example/x.",
            "Open {host}.",
            "Open <name>.",
            "Open Winter2026!",
            "Your code: zebrafish.",
            "Call us within two hours.",
            "Then open 48213.",
        ] {
            assert_eq!(open(private).1, Reach::Nobody, "{private}");
        }
        let other: HashMap<Slot, String> = [(Slot::Host, "TAM-PC1".to_owned())].into();
        assert_eq!(fill(&text, &other).unwrap(), "May I restart TAM-PC1?");
        assert_eq!(fill("Thank you {contact}.", &other), None);
    }
}
