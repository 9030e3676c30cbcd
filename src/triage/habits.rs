//! What a contact, a customer or the whole desk puts at the end or the beginning of its mails: signatures, disclaimers, banners.
//!
//! Known by recurrence, in any language: a line that closes (or opens) mails of different content, ticket after ticket. What is learnt
//! are salted hashes of lines with a count, no words. Must never cut all that a mail says, a question, or what a colon announces.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::kind::fold;
use crate::normalize::Reading;

/// Lines that are looked at, at the end and at the beginning of a mail.
const AT_END: usize = 24;
const AT_START: usize = 6;
/// Bytes of a line that are hashed.
const LONGEST: usize = 2_000;
/// Different contents, and different writers, that a line has to go with.
const DIFFERENT: usize = 3;
/// Tickets in which the name of a pair stands with other values: then it is the field of a form, and its value content.
const OTHER_VALUES: u32 = 3;
/// Words of a line without its numbers, below which these tell it from others: "Room 12" is a place.
const NUMBERLESS: usize = 3;
/// Bytes of the name of a pair.
const LONGEST_NAME: usize = 60;
/// Lines of a scope that are counted while learning, and that are kept.
const COUNTED: usize = 1 << 19;
const KEPT: usize = 100_000;

/// Whose habit a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    Contact,
    Customer,
    Desk,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Contact, Self::Customer, Self::Desk];

    /// Tickets with the line at least, and their share of the scope's tickets.
    fn least(self) -> (u32, f64) {
        match self {
            Self::Contact => (3, 0.5),
            Self::Customer => (6, 0.25),
            Self::Desk => (12, 0.1),
        }
    }
}

/// The end of a mail that a line stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// Who wrote a mail, and about what.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The contact; empty where it is not known.
    pub contact: &'a str,
    /// The customer; empty where it is not known.
    pub customer: &'a str,
    /// The subject.
    pub subject: &'a str,
}

/// The lines that are habits, as salted hashes, with the number of tickets that had them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habits {
    salt: u64,
    lines: BTreeMap<u64, u32>,
}

/// Reads a history and learns habits.
#[derive(Debug)]
pub struct HabitsBuilder {
    salt: u64,
    counts: [HashMap<u64, Count>; 3],
    /// Tickets with a pair of this name, by scope and end.
    named: HashMap<u64, u32>,
    tickets: HashMap<u64, u32>,
}

#[derive(Debug, Default)]
struct Count {
    /// The scope's key.
    of: u64,
    tickets: u32,
    /// The name, where the line is a pair of name and value.
    name: Option<u64>,
    contents: Vec<u64>,
    writers: Vec<u64>,
}

impl Count {
    fn is_varied(&self, scope: Scope) -> bool {
        self.contents.len() >= DIFFERENT && (scope == Scope::Contact || self.writers.len() >= DIFFERENT)
    }
}

impl HabitsBuilder {
    /// A builder whose hashes are salted with `salt`, so that those of two bundles can't be compared.
    pub fn new(salt: u64) -> Self {
        Self { salt, counts: Default::default(), named: HashMap::new(), tickets: HashMap::new() }
    }

    /// Learns from a mail that a person wrote: `body` is what is read of it without habits.
    pub fn add(&mut self, writer: &Writer<'_>, body: &str) {
        let lines: &[&str] = &body.lines().collect::<Vec<_>>();
        let content = self.content(writer, lines);
        for scope in Scope::ALL {
            let Some(of) = key(self.salt, scope, writer) else { continue };
            *self.tickets.entry(of).or_default() += 1;
            let wrote = match scope {
                Scope::Contact | Scope::Customer => hash(self.salt, &["contact", writer.contact]),
                Scope::Desk => hash(self.salt, &["customer", writer.customer]),
            };
            let counts = &mut self.counts[scope as usize];
            let found = candidates(self.salt, of, lines);
            for name in found.values().flatten().collect::<HashSet<_>>() {
                *self.named.entry(*name).or_default() += 1;
            }
            for (line, name) in found {
                let count = counts.entry(line).or_default();
                count.of = of;
                count.name = name;
                count.tickets += 1;
                note(&mut count.contents, content);
                note(&mut count.writers, wrote);
            }
            if counts.len() > COUNTED {
                counts.retain(|_, count| count.tickets > 1);
            }
            if self.named.len() > COUNTED {
                self.named.retain(|_, tickets| *tickets > 1);
            }
        }
    }

    /// What a mail is about, as far as tells it from others: its subject and its first line.
    fn content(&self, writer: &Writer<'_>, lines: &[&str]) -> u64 {
        let first = lines.iter().find(|line| has_words(line)).copied().unwrap_or_default();
        hash(self.salt, &["content", &numberless(&folded(writer.subject)), &numberless(&folded(first))])
    }

    /// What was learnt.
    pub fn finish(self) -> Habits {
        let mut lines = BTreeMap::new();
        for (scope, counts) in Scope::ALL.into_iter().zip(self.counts) {
            let (least, share) = scope.least();
            let is_habit = |count: &Count| {
                let of = f64::from(self.tickets.get(&count.of).copied().unwrap_or_default());
                let named = count.name.and_then(|name| self.named.get(&name)).copied().unwrap_or_default();
                let is_field = named >= count.tickets + OTHER_VALUES;
                let often = count.tickets >= least && f64::from(count.tickets) >= share * of;
                often && !is_field && count.is_varied(scope)
            };
            let habits = counts.into_iter().filter(|(_, count)| is_habit(count));
            let mut habits: Vec<(u64, u32)> = habits.map(|(line, count)| (line, count.tickets)).collect();
            habits.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            habits.truncate(KEPT);
            lines.extend(habits);
        }
        Habits { salt: self.salt, lines }
    }
}

impl Habits {
    /// What the hashes are salted with: those of a [builder](HabitsBuilder) with the same salt can be added.
    pub fn salt(&self) -> u64 {
        self.salt
    }

    /// These with those of `newer`, which has the same salt.
    #[must_use]
    pub fn with(mut self, newer: Self) -> Self {
        for (line, tickets) in newer.lines {
            let known = self.lines.entry(line).or_default();
            *known = tickets.max(*known);
        }
        self
    }

    /// How many lines are known.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Cuts of the body of `read` what is a habit of its contact, its customer or the desk. Something of the ticket stays.
    pub fn cut(&self, contact: &str, customer: &str, read: &mut Reading) {
        if self.is_empty() {
            return;
        }
        let text = &read.body.text;
        let lines: Vec<&str> = text.split('\n').collect();
        let kept = self.kept(&Writer { contact, customer, subject: "" }, &lines, read.body_may_be_empty);
        if kept.len() == lines.len() {
            return;
        }
        let bytes = |lines: &[&str]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
        let (start, end) = (bytes(&lines[..kept.start]), bytes(&lines[..kept.end]));
        let kept = start.min(text.len())..end.min(text.len());
        read.keep_of_body(kept, contact);
    }

    /// The lines of a mail that stay: all between the block at its beginning and the block at its end that are habits of its
    /// contact, its customer or the desk. All of them where nothing would be left, unless that `may_be_empty`.
    fn kept(&self, writer: &Writer<'_>, lines: &[&str], may_be_empty: bool) -> Range<usize> {
        let keys: Vec<u64> = Scope::ALL.iter().filter_map(|&scope| key(self.salt, scope, writer)).collect();
        let is_habit = |end: End, line: &str| {
            keys.iter().any(|&of| self.lines.contains_key(&line_hash(self.salt, of, end, line)))
        };
        let first = telling(lines).take(AT_START).take_while(|(_, line)| is_habit(End::First, line)).last();
        let last = telling(lines).rev().take(AT_END).take_while(|(_, line)| is_habit(End::Last, line)).last();
        let head = first.as_ref().map_or(0, |(at, _)| at + 1);
        let tail = last.as_ref().map_or(lines.len(), |(at, _)| *at);
        let said = lines.get(head..tail).and_then(|lines| lines.iter().rposition(|line| has_words(line)));
        match said {
            Some(said) if last.is_some() => head..after_announcement(lines, head + said),
            Some(_) => head..lines.len(),
            None if may_be_empty && (first.is_some() || last.is_some()) => 0..0,
            None => 0..lines.len(),
        }
    }
}

/// The first line to cut below the line `kept`. What a colon announces is content, up to the next blank line.
fn after_announcement(lines: &[&str], kept: usize) -> usize {
    let start = kept + 1;
    match lines[kept].trim_end().ends_with([':', '：', '?', '？']) {
        true => {
            let said = lines[start..].iter().skip_while(|line| line.trim().is_empty());
            let blank = lines[start..].len() - said.clone().count();
            start + blank + said.take_while(|line| !line.trim().is_empty()).count()
        }
        false => start,
    }
}

/// The hashes of a mail's lines that may be habits, each once, with that of its name where it is a pair. The first line is what the
/// mail is about, unless a banner stands there.
fn candidates(salt: u64, of: u64, lines: &[&str]) -> HashMap<u64, Option<u64>> {
    let told: Vec<(usize, String)> = telling(lines).collect();
    let asks = |at: usize| lines[at].contains(['?', '？', '؟', '¿']);
    let last = told.iter().skip(1).rev().take(AT_END).map(|line| (End::Last, line));
    let first = told.iter().take(told.len().saturating_sub(1).min(AT_START)).map(|line| (End::First, line));
    let found = last.chain(first).filter(|(_, (at, _))| !asks(*at)).map(|(end, (at, line))| {
        let name = name(lines[*at]).map(|name| line_hash(salt, of, end, &format!("{}:", folded(name))));
        (line_hash(salt, of, end, line), name)
    });
    found.collect()
}

/// The lines that say something, with their places, in the form in which they are compared.
fn telling<'l>(lines: &'l [&str]) -> impl DoubleEndedIterator<Item = (usize, String)> + 'l {
    lines.iter().enumerate().filter(|(_, line)| has_words(line)).map(|(at, line)| (at, plain(line)))
}

fn has_words(line: &str) -> bool {
    line.contains(char::is_alphanumeric)
}

/// A line without case, accents and signs, and without numbers where it is long: a date or an extension changes, the habit stays.
fn plain(line: &str) -> String {
    let all = folded(line);
    let words = numberless(&all);
    if words.split(' ').count() < NUMBERLESS || name(line).is_some() { all } else { words }
}

fn folded(line: &str) -> String {
    fold(&line[..line.floor_char_boundary(LONGEST)])
}

fn numberless(folded: &str) -> String {
    let words: Vec<&str> = folded.split(' ').filter(|word| word.contains(char::is_alphabetic)).collect();
    words.join(" ")
}

/// The name of a line that is a pair of name and value.
fn name(line: &str) -> Option<&str> {
    let (name, value) = line.split_once([':', '：'])?;
    let is_name = name.len() <= LONGEST_NAME && has_words(name) && has_words(value);
    is_name.then_some(name)
}

/// The key of a scope; `None` where nobody knows whose mail it is.
fn key(salt: u64, scope: Scope, writer: &Writer<'_>) -> Option<u64> {
    let name = |name: &str| fold(name).trim().to_owned();
    let (contact, customer) = (name(writer.contact), name(writer.customer));
    match scope {
        Scope::Contact => (!contact.is_empty()).then(|| hash(salt, &["contact", &customer, &contact])),
        Scope::Customer => (!customer.is_empty()).then(|| hash(salt, &["customer", &customer])),
        Scope::Desk => Some(hash(salt, &["desk"])),
    }
}

fn line_hash(salt: u64, of: u64, end: End, line: &str) -> u64 {
    let end = match end {
        End::First => "first",
        End::Last => "last",
    };
    hash(salt ^ of, &[end, line])
}

fn hash(salt: u64, parts: &[&str]) -> u64 {
    let mut hasher = Xxh3::with_seed(salt);
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.digest()
}

/// Notes a value among the first few that differ.
fn note(seen: &mut Vec<u64>, value: u64) {
    if seen.len() < DIFFERENT && !seen.contains(&value) {
        seen.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTS: [&str; 6] = [
        "The till prints nothing.",
        "Outlook does not open.",
        "Mein Bildschirm bleibt schwarz.",
        "La ligne est coupée.",
        "Nowy pracownik zaczyna w poniedziałek.",
        "共有フォルダーが開きません。",
    ];

    fn learnt(mails: impl IntoIterator<Item = (String, String, String)>) -> Habits {
        let mut builder = HabitsBuilder::new(7);
        for (i, (contact, customer, body)) in mails.into_iter().enumerate() {
            let subject = format!("{} {}", WANTS[i % WANTS.len()], ["again", "please", "soon"][i % 3]);
            builder.add(&Writer { contact: &contact, customer: &customer, subject: &subject }, &body);
        }
        builder.finish()
    }

    fn left(habits: &Habits, contact: &str, customer: &str, body: &str) -> String {
        let lines: Vec<&str> = body.lines().collect();
        let kept = habits.kept(&Writer { contact, customer, subject: "" }, &lines, false);
        lines[kept].join("\n").trim().to_owned()
    }

    fn of(contact: &str, body: String) -> (String, String, String) {
        (contact.to_owned(), "Alder".to_owned(), body)
    }

    #[test]
    fn a_contacts_signature_is_cut_in_any_language_and_only_theirs() {
        for signature in [
            "Kind regards\n\nMia Stone\nHead of Sales\nT 555 0101",
            "Lugupidamisega\nMia Stone\nMüügijuht | Tel 555 0101",
            "Με εκτίμηση\nΜία Στόουν\nΤμήμα Πωλήσεων",
            "ミア・ストーン\n営業部\n電話 555-0101",
        ] {
            let habits = learnt(WANTS.iter().map(|want| of("Mia Stone", format!("{want}\n\n{signature}"))));
            let new = format!("My mouse is dead.\nIt was dropped.\n\n{signature}");
            assert_eq!(left(&habits, "mia stone", "ALDER", &new), "My mouse is dead.\nIt was dropped.");
            assert_eq!(left(&habits, "Bob Reed", "Alder", &new), new, "not Bob's habit");
            assert_eq!(left(&habits, "Mia Stone", "Birch", &new), new, "another Mia");
            assert_eq!(left(&habits, "Mia Stone", "Alder", signature), signature, "never all of it");
        }
    }

    #[test]
    fn banners_and_disclaimers_of_a_customer_and_of_the_desk_are_cut() {
        let people = ["Mia", "Bob", "Zoe", "Ana", "Kim"];
        let note = "This message is meant for its reader alone; Alder Group, Reg. 4711";
        let banner = "EXTERNER ABSENDER - Vorsicht bei Anlagen";
        let mails = (0..20).map(|i| {
            let body = format!("{banner}\n\n{} Nr. {}\n\n{note}", WANTS[i % 6], ["a", "b", "c", "d"][i % 4]);
            of(people[i % 5], body)
        });
        let habits = learnt(mails);
        let new = format!("{banner}\nThe door opener is broken.\n{note}");
        assert_eq!(left(&habits, "Somebody New", "Alder", &new), "The door opener is broken.");
        assert_eq!(left(&habits, "Somebody", "Else", &new), new);
        let desk = (0..40).map(|i| {
            let customer = ["Alder", "Birch", "Cedar", "Dogwood"][i % 4].to_owned();
            (people[i % 5].to_owned(), customer, format!("{}\nLogged by the web form", WANTS[i % 6]))
        });
        let habits = learnt(desk);
        assert_eq!(left(&habits, "New", "Elm", "Door open\nLogged by the web form"), "Door open");
    }

    #[test]
    fn what_people_want_stays_however_often_they_want_it() {
        // A request that recurs is not a signature.
        let same = |body: &str| {
            let mut builder = HabitsBuilder::new(7);
            for _ in 0..10 {
                builder.add(&Writer { contact: "Mia", customer: "Alder", subject: "Reset" }, body);
            }
            builder.finish()
        };
        assert!(same("Hello,\nplease reset my password.\nMia").is_empty());
        // A question is never a habit, and what a colon announces stays.
        let asked = learnt(
            WANTS.iter().map(|want| of("Mia", format!("{want}\nCan you call me back?\nT 555 Mia Stone"))),
        );
        assert_eq!(
            left(&asked, "Mia", "Alder", "Dead mouse.\nCan you call me back?"),
            "Dead mouse.\nCan you call me back?"
        );
        let body = "Dead mouse.\nThe number to call:\nT 555 Mia Stone";
        assert_eq!(left(&asked, "Mia", "Alder", body), body);
        let now_and_then = WANTS.iter().cycle().take(30).enumerate().map(|(i, want)| {
            let more = if i % 5 == 0 { "Please call my deputy.".to_owned() } else { format!("Seen {want}") };
            of("Mia", format!("{want}\n{more}"))
        });
        assert!(learnt(now_and_then).is_empty());
    }

    #[test]
    fn the_fields_of_a_form_and_places_stay() {
        let urgency = ["high", "low", "high", "medium", "low", "high"];
        for (field, fixed) in [("Urgency", "Desk: front office"), ("Dringlichkeit", "Büro: Empfang")] {
            let form = |want: &str, i: usize| {
                format!("{field}: {}\nUsers: {}\nRoom {}\n{want}\n{fixed}", urgency[i % 6], i % 2, i % 3)
            };
            let mails = (0..18).map(|i| of("Mia", form(WANTS[i % 6], i)));
            let habits = learnt(mails);
            let new = form("The door opener is broken.", 0);
            assert_eq!(left(&habits, "Mia", "Alder", &new), new.replace(&format!("\n{fixed}"), ""));
        }
    }

    #[test]
    fn habits_hold_no_words_and_are_salted() {
        let mails = || WANTS.iter().map(|want| of("Mia", format!("{want}\nMia Stone")));
        let habits = learnt(mails());
        let json = serde_json::to_string(&habits).unwrap();
        assert!(!json.to_lowercase().contains("mia") && !json.contains("stone"), "{json}");
        assert_eq!(serde_json::from_str::<Habits>(&json).unwrap(), habits);
        let mut other = HabitsBuilder::new(8);
        for (i, (contact, customer, body)) in mails().enumerate() {
            other.add(&Writer { contact: &contact, customer: &customer, subject: WANTS[i] }, &body);
        }
        let other = other.finish();
        assert_eq!(other.len(), habits.len());
        assert!(other.lines.keys().all(|line| !habits.lines.contains_key(line)));
    }

    #[test]
    fn hostile_mails_are_read_in_bounded_time() {
        let text = "a\n".repeat(200_000);
        let lines: Vec<&str> = text.lines().collect();
        let mut builder = HabitsBuilder::new(7);
        for subject in ["a", "b", "c", "d"] {
            builder.add(&Writer { contact: "Mia", customer: "Alder", subject }, &text);
        }
        let habits = builder.finish();
        let writer = Writer { contact: "Mia", customer: "Alder", subject: "" };
        assert!(habits.kept(&writer, &lines, true).end <= lines.len());
    }
}
