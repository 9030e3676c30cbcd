//! What a contact, a customer or the whole desk puts at the end or the beginning of its mails: signatures, disclaimers, banners.
//!
//! Known by recurrence, in any language: a line that closes (or opens) mails of different content, ticket after ticket. What is learnt
//! are salted hashes of lines with a count, no words: nobody can read them, though who has the bundle can check a guess. Must never cut
//! all that a mail says, a question, a request, the field of a form, a number that was not there before, or what a colon announces.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::kind::fold;
use crate::normalize::{Reading, is_request};

/// Lines that are looked at, at the end and at the beginning of a mail.
const AT_END: usize = 24;
const AT_START: usize = 6;
/// Bytes of a line that are hashed.
const LONGEST: usize = 2_000;
/// Different contents, and different writers, that a line has to go with.
const DIFFERENT: usize = 3;
/// Days on which a line has to be written, where these are known: what twelve people write on one day is an outage.
const DAYS: usize = 3;
/// Digits of a telephone number, at least.
const PHONE_DIGITS: usize = 6;
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

    /// Tickets of the scope at least, and the share of them that has the line.
    fn least(self) -> (u32, f64) {
        match self {
            Self::Contact => (5, 0.6),
            Self::Customer => (20, 0.25),
            Self::Desk => (100, 0.1),
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
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
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
    tickets: HashMap<u64, u32>,
}

#[derive(Debug, Default)]
struct Count {
    /// The scope's key.
    of: u64,
    tickets: u32,
    contents: Vec<u64>,
    writers: Vec<u64>,
    /// Days since the epoch; empty where no ticket says when it was opened.
    days: Vec<u64>,
}

impl Count {
    fn is_varied(&self, scope: Scope) -> bool {
        self.contents.len() >= DIFFERENT
            && (scope == Scope::Contact || self.writers.len() >= DIFFERENT)
            && (self.days.is_empty() || self.days.len() >= DAYS)
    }
}

impl HabitsBuilder {
    /// A builder whose hashes are salted with `salt`, so that those of two bundles can't be compared.
    pub fn new(salt: u64) -> Self {
        Self { salt, counts: Default::default(), tickets: HashMap::new() }
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
            for line in candidates(self.salt, of, lines) {
                let count = counts.entry(line).or_default();
                count.of = of;
                count.tickets += 1;
                note(&mut count.contents, content);
                note(&mut count.writers, wrote);
                if let Some(at) = writer.opened_at {
                    note(&mut count.days, at.as_second().div_euclid(86_400).cast_unsigned());
                }
            }
            if counts.len() > COUNTED {
                counts.retain(|_, count| count.tickets > 1);
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
                let of = self.tickets.get(&count.of).copied().unwrap_or_default();
                of >= least && f64::from(count.tickets) >= share * f64::from(of) && count.is_varied(scope)
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
        let kept = self.kept(contact, customer, &lines, read.body_may_be_empty);
        if kept.len() == lines.len() {
            return;
        }
        let bytes = |lines: &[&str]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
        let (start, end) = (bytes(&lines[..kept.start]), bytes(&lines[..kept.end]));
        let kept = start.min(text.len())..end.min(text.len());
        read.keep_of_body(kept, contact);
    }

    /// The lines of a mail that stay: all between the block at its beginning and the block at its end that are habits of its
    /// contact, its customer or the desk. All of them where nothing would be left, unless that `may_be_empty` and others write it too.
    fn kept(&self, contact: &str, customer: &str, lines: &[&str], may_be_empty: bool) -> Range<usize> {
        let writer = Writer { contact, customer, subject: "", opened_at: None };
        let key = |scope| key(self.salt, scope, &writer);
        let [own, others] = [vec![key(Scope::Contact)], vec![key(Scope::Customer), key(Scope::Desk)]];
        let is_habit = |keys: &[Option<u64>], end: End, line: &str| {
            keys.iter().flatten().any(|&of| self.lines.contains_key(&line_hash(self.salt, of, end, line)))
        };
        let all = [own, others.clone()].concat();
        // Nobody puts banners over his own mails.
        let first = telling(lines).take(AT_START).take_while(|(_, line)| is_habit(&others, End::First, line));
        let head = first.last().map_or(0, |(at, _)| at + 1);
        let last = |keys: &[Option<u64>]| {
            let last =
                telling(lines).rev().take(AT_END).take_while(|(_, line)| is_habit(keys, End::Last, line));
            last.last().map(|(at, _)| at)
        };
        // What one person always writes may be what they always want, unless it is signed.
        let shared = last(&others);
        let tail = last(&all).filter(|&at| is_signed(&lines[at..], contact)).or(shared);
        let says = |end: usize| lines.get(head..end)?.iter().rposition(|line| has_words(line));
        match says(tail.unwrap_or(lines.len())) {
            Some(said) if tail.is_some() => head..after_announcement(lines, head + said),
            Some(_) => head..lines.len(),
            None if may_be_empty && shared.is_some_and(|end| says(end).is_none()) => 0..0,
            None => 0..lines.len(),
        }
    }
}

/// Whether lines hold the name of the contact, or contact data.
fn is_signed(lines: &[&str], contact: &str) -> bool {
    let contact = fold(contact);
    let is_name = |word: &str| word.chars().count() > 2 && contact.split(' ').any(|name| name == word);
    lines.iter().any(|line| has_contact_data(line) || folded(line).split(' ').any(is_name))
}

fn has_contact_data(line: &str) -> bool {
    line.contains(['@', '＠'])
        || line.contains("www.")
        || line.chars().filter(|c| c.is_numeric()).count() >= PHONE_DIGITS
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

/// The hashes of a mail's lines that may be habits, each once. The first line is what the mail is about, unless a banner stands there.
fn candidates(salt: u64, of: u64, lines: &[&str]) -> HashSet<u64> {
    let told: Vec<(usize, String)> = telling(lines).collect();
    let last = told.iter().skip(1).rev().take(AT_END).map(|line| (End::Last, line));
    let first = told.iter().take(told.len().saturating_sub(1).min(AT_START)).map(|line| (End::First, line));
    let found = last.chain(first).filter(|(_, (at, _))| !wants(lines[*at]) && !is_field(lines[*at]));
    found.map(|(end, (_, line))| line_hash(salt, of, end, line)).collect()
}

/// Whether a line asks for something.
fn wants(line: &str) -> bool {
    line.contains('¿') || is_request(&line[..line.floor_char_boundary(LONGEST)])
}

/// Whether a line is the field of a form: a pair of name and value, without contact data.
fn is_field(line: &str) -> bool {
    let pair = line.split_once([':', '：']);
    pair.is_some_and(|(name, value)| name.len() <= LONGEST_NAME && has_words(name) && has_words(value))
        && !has_contact_data(line)
}

/// The lines that say something, with their places, in the form in which they are compared.
fn telling<'l>(lines: &'l [&str]) -> impl DoubleEndedIterator<Item = (usize, String)> + 'l {
    lines.iter().enumerate().filter(|(_, line)| has_words(line)).map(|(at, line)| (at, folded(line)))
}

fn has_words(line: &str) -> bool {
    line.contains(char::is_alphanumeric)
}

/// A line without case, accents and signs.
fn folded(line: &str) -> String {
    fold(&line[..line.floor_char_boundary(LONGEST)])
}

fn numberless(folded: &str) -> String {
    let words: Vec<&str> = folded.split(' ').filter(|word| word.contains(char::is_alphabetic)).collect();
    words.join(" ")
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

    /// A day of its own for each of some tickets.
    fn day(i: usize) -> Option<Timestamp> {
        Timestamp::from_second(i as i64 * 86_400).ok()
    }

    fn learnt(mails: impl IntoIterator<Item = (String, String, String)>) -> Habits {
        let mut builder = HabitsBuilder::new(7);
        for (i, (contact, customer, body)) in mails.into_iter().enumerate() {
            let subject = format!("{} {}", WANTS[i % WANTS.len()], ["again", "please", "soon"][i % 3]);
            builder.add(
                &Writer { contact: &contact, customer: &customer, subject: &subject, opened_at: day(i) },
                &body,
            );
        }
        builder.finish()
    }

    fn left(habits: &Habits, contact: &str, customer: &str, body: &str) -> String {
        let lines: Vec<&str> = body.lines().collect();
        let kept = habits.kept(contact, customer, &lines, false);
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
            "Με εκτίμηση\nΜία Στόουν\nΤμήμα Πωλήσεων 210 555 0101",
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
        let desk = (0..120).map(|i| {
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
                builder.add(
                    &Writer { contact: "Mia", customer: "Alder", subject: "Reset", opened_at: None },
                    body,
                );
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
            assert_eq!(left(&habits, "Mia", "Alder", &new), new);
        }
    }

    #[test]
    fn what_a_contact_always_wants_stays() {
        for wish in [
            "Please reset the password and send it by text message.",
            "Bitte das Passwort zurücksetzen.",
            "The account is locked again.",
            "Membership in group Finance\nApproved by manager",
            "Tills that are down 0\nErrors on all tills together 0",
        ] {
            let habits =
                learnt(WANTS.iter().cycle().take(24).map(|want| of("Mia Stone", format!("{want}\n{wish}"))));
            for new in [
                format!("For Nora\n{wish}"),
                wish.to_owned(),
                format!("For Nora\n{}", wish.replace('0', "240")),
            ] {
                assert_eq!(left(&habits, "Mia Stone", "Alder", &new), new);
            }
        }
    }

    #[test]
    fn what_many_write_on_one_day_is_no_habit_of_theirs() {
        let outage = "The tunnel has been down since this morning.";
        let mut builder = HabitsBuilder::new(7);
        for i in 0..200 {
            let (contact, customer) = (format!("Person {i}"), ["Alder", "Birch", "Cedar"][i % 3]);
            let (subject, at) = (format!("{} {i}", WANTS[i % 6]), if i < 120 { 0 } else { i });
            let body = if i < 120 { format!("{subject}\n{outage}") } else { format!("{subject}\nSeen {i}") };
            builder
                .add(&Writer { contact: &contact, customer, subject: &subject, opened_at: day(at) }, &body);
        }
        assert!(builder.finish().is_empty());
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
            other.add(
                &Writer { contact: &contact, customer: &customer, subject: WANTS[i], opened_at: None },
                &body,
            );
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
            builder.add(&Writer { contact: "Mia", customer: "Alder", subject, opened_at: None }, &text);
        }
        let habits = builder.finish();
        assert!(habits.kept("Mia", "Alder", &lines, true).end <= lines.len());
    }
}
