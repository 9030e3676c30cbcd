//! What technicians have written: the first reply to a ticket, without greeting, name and signature, sentence by sentence,
//! with what belongs to that ticket alone (whose it is, which machine) taken out as slots.
//!
//! Must never keep a value that another ticket could not fill: a sentence is either whole for every ticket or has slots.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use firstline_ticket::{Message, Ticket};
use regex::Regex;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::guard::{claim, credential, names_secret, promise};
use crate::mask::{Found, Masker, Private, words};
use firstline_triage::compose;
use firstline_triage::normalize::normalize;

/// Longest reply that is taken apart, in bytes.
const MAX_REPLY: usize = 16 << 10;
/// Most sentences of a reply.
const MAX_SENTENCES: usize = 40;
/// A line that ends so many replies belongs to the desk's signature.
const ENDING_SHARE: f64 = 0.02;
const ENDING_LEAST: usize = 3;
/// Longest first name, in characters, and company, in bytes, that are put into a reply.
const LONGEST_NAME: usize = 20;
const LONGEST_COMPANY: usize = 80;
/// Words of a greeting or a signature's line at most.
const SHORT: usize = 8;

/// What a ticket fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first name of who wrote.
    Contact,
    /// The company.
    Customer,
    /// The machine that the ticket names. Never an address or a number: who asks may be somebody else, and would be written
    /// or called back on what they gave.
    Host,
    /// The one program, plan or product that the ticket names, of those that technicians write about.
    Product,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Contact, Self::Customer, Self::Host, Self::Product];

    /// How it stands in a text.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Contact => "{contact}",
            Self::Customer => "{customer}",
            Self::Host => "{host}",
            Self::Product => "{product}",
        }
    }
}

/// What a ticket can fill slots with; a ticket that names two machines fills in none. Whoever writes a ticket chooses these
/// words: only what looks like a name, a company, a machine is put into a reply.
pub fn slots(ticket: &Ticket, masker: &Masker) -> HashMap<Slot, String> {
    static MACHINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]{1,8}){0,2}-[A-Z]{0,6}\d{1,6}$").expect("tested")
    });
    let mut slots = HashMap::new();
    let first = ticket.contact.as_deref().and_then(|c| c.split_whitespace().next()).unwrap_or_default();
    let is_name = (2..=LONGEST_NAME).contains(&first.chars().count())
        && first.chars().all(|c| c.is_alphabetic() || "-'’".contains(c))
        && first.starts_with(char::is_uppercase)
        // "Will", "Office": a word as well as a name would be taken for it wherever it stands.
        && !masker.is_shared(&first.to_lowercase());
    if is_name {
        slots.insert(Slot::Contact, first.to_owned());
    }
    let company = ticket.customer.as_deref().map(str::trim).unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || " &.,'’-".contains(c);
    if (3..=LONGEST_COMPANY).contains(&company.len()) && company.chars().all(plain) {
        let found = masker.find(company);
        if found.iter().all(|f| matches!(f.kind, Private::Company | Private::Name)) {
            slots.insert(Slot::Customer, company.to_owned());
        }
    }
    let text = compose(ticket).text();
    let named = masker.find(&text).into_iter().filter(|f| f.kind == Private::Host).map(|f| &text[f.range]);
    let machines: BTreeSet<&str> = named.filter(|host| MACHINE.is_match(host)).collect();
    if let (1, Some(machine)) = (machines.len(), machines.first()) {
        slots.insert(Slot::Host, (*machine).to_owned());
    }
    let things = masker.things(&text);
    if let (1, Some(thing)) = (things.len(), things.first()) {
        slots.insert(Slot::Product, (*thing).to_owned());
    }
    slots
}

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
    static SPEAKS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:you|your|ihnen|ihre?[rnms]?|vous|votre|vos|usted|ustedes|você|vocês|prezad[oa])\b|\bSie\b|\bestimad[oa]\b").expect("tested")
    });
    let sent = |m: &&Message| m.from == "technician" && m.visible == Some(true) && !m.text.trim().is_empty();
    let first = ticket.messages.iter().find(sent).map(|m| m.text.as_str());
    let told = || ticket.resolution.as_deref().filter(|r| ticket.messages.is_empty() && SPEAKS.is_match(r));
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
    static HEADER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:subject|betreff|objet|asunto|assunto|re|aw)\s*:").expect("tested")
    });
    while lines.len() > 1 && lines.first().is_some_and(|l| HEADER.is_match(l)) {
        lines.remove(0);
    }
    let first = lines.first().copied().unwrap_or_default();
    let greeted = first.ends_with([',', '!', ':', ';'])
        || words(first).any(|(_, w)| names.contains(&w))
        || first.contains("<name>");
    if lines.len() > 1 && is_short(first) && greeted {
        lines.remove(0);
    }
    let mut all: Vec<String> = lines.into_iter().flat_map(split).collect();
    all.truncate(MAX_SENTENCES);
    all
}

/// The sentences of a line.
pub(crate) fn split(line: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for piece in line.split_sentence_bounds().map(str::trim).filter(|p| !p.is_empty()) {
        // A number of a list, or an abbreviation, is no sentence.
        let open = all.last().is_some_and(|s| is_open(s));
        match all.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(piece);
            }
            None => all.push(piece.to_owned()),
        }
    }
    all
}

/// Whether what follows belongs to it still.
fn is_open(sentence: &str) -> bool {
    let last = sentence.rsplit(' ').next().unwrap_or_default();
    let stem = last.trim_end_matches(['.', ')']);
    (stem.len() < last.len() && stem.len() <= 3 && sentence.split(' ').count() == 1)
        || ["e.g.", "i.e.", "Mr.", "Mrs.", "Ms.", "Dr.", "No.", "z.B.", "bzw."].contains(&last)
}

fn is_short(line: &str) -> bool {
    line.len() <= LONGEST_COMPANY && line.split_whitespace().count() <= SHORT
}

fn folded(line: &str) -> String {
    line.trim().to_lowercase()
}

/// To whom a sentence may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// To nobody else: it names somebody or something of its ticket that no slot stands for.
    Nobody,
    /// To those of the same customer: it has words that technicians have written to too few others.
    Customer,
    /// To everybody.
    Everybody,
}

/// `sentence` with what belongs to its ticket as slots, and to whom it may be shown then.
pub fn open_up(sentence: &str, slots: &HashMap<Slot, String>, masker: &Masker) -> (String, Reach) {
    let mut text = sentence.to_owned();
    for slot in Slot::ALL {
        if let Some(value) = slots.get(&slot) {
            text = replace_words(&text, value, slot.mark());
        }
    }
    let bare = Slot::ALL.iter().fold(text.clone(), |t, s| t.replace(s.mark(), " "));
    // Only a person may promise or say what was done, and nobody is told a secret by somebody else's words.
    let personal = promise(&bare).is_some() || claim(&bare).is_some() || credential(&bare).is_some();
    // Text that looks like a slot or a placeholder would be filled, or sent as it is.
    let odd = sentence.contains(['{', '}', '<', '>', '[', ']']);
    let found = masker.find_all(&bare);
    let secret = names_secret(&bare);
    let odd_word = |word: &str| secret || word.contains(|c: char| c.is_ascii_digit());
    let nobody = |f: &Found| f.kind != Private::Word || odd_word(&bare[f.range.clone()]);
    let reach = match found.is_empty() {
        _ if odd || personal || found.iter().any(nobody) => Reach::Nobody,
        true => Reach::Everybody,
        false => Reach::Customer,
    };
    (text, reach)
}

/// `text` with `value` as `mark`, wherever it stands as whole words.
fn replace_words(text: &str, value: &str, mark: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(value) {
        let (before, after) = (
            rest[..at].chars().next_back().or(out.chars().next_back()),
            rest[at + value.len()..].chars().next(),
        );
        let whole = ![before, after].into_iter().flatten().any(char::is_alphanumeric);
        out += &rest[..at];
        out += if whole { mark } else { value };
        rest = &rest[at + value.len()..];
    }
    out + rest
}

/// `text` with its slots filled; `None` where the ticket has no value for one.
pub fn fill(text: &str, slots: &HashMap<Slot, String>) -> Option<String> {
    let mut out = text.to_owned();
    for slot in Slot::ALL {
        if out.contains(slot.mark()) {
            out = out.replace(slot.mark(), slots.get(&slot)?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::KnownBuilder;

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
        let mut known = KnownBuilder::default();
        for i in 0..4 {
            known.add(&ticket(&format!("C{i} Ltd"), REPLY));
        }
        known.add(&ticket("C9 Ltd", "Our reply about zebrafish"));
        let masker = Masker::new(known.finish()).unwrap();
        let from = |contact: &str, body: &str| Ticket {
            contact: Some(contact.into()),
            body: Some(body.into()),
            ..ticket("C1 Ltd", REPLY)
        };
        let of = slots(&from("Zach Chavez", "It crashes"), &masker);
        assert_eq!((of[&Slot::Host].as_str(), of[&Slot::Contact].as_str()), ("CAL-LT060", "Zach"));
        for contact in ["Open Office", "evil.example", "https://x.example", "A", "mallory"] {
            assert_eq!(slots(&from(contact, "It crashes"), &masker).get(&Slot::Contact), None, "{contact}");
        }
        assert_eq!(slots(&from("Zach", "and TAM-PC1 too"), &masker).get(&Slot::Host), None);
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
