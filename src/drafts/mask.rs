//! Masking: what tells whose ticket a text came from is found before the text may serve anybody else.
//!
//! Two nets. Patterns and known names find mail addresses, telephone numbers, hosts, keys, passwords, people, companies.
//! What passes them is held against the words that technicians have written: a word that they wrote to fewer than
//! [`SHARED_BY`] customers is taken for private whatever it is, so that nothing that belongs to one customer can reach another
//! (in the manner of k-anonymity, Samarati and Sweeney 1998). What customers write does not count: nobody can make a word
//! common by mailing it. Must never let through what technicians have not written to several customers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use firstline_fault::{InternalError, Result};
use firstline_ticket::Ticket;
use regex::Regex;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::things::{Things, ThingsBuilder};
use firstline_triage::normalize::normalize;

/// To how many customers technicians must have written a word before others may see it.
pub const SHARED_BY: usize = 3;

/// Longest word that is counted, and longest company that is looked for, in bytes; a longer word is private.
const MAX_WORD: usize = 40;
const MAX_COMPANY: usize = 80;
/// Words of a person's name at most: a longer one is none.
const MAX_NAMES: usize = 4;

/// Kinds of what is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Private {
    /// A password, code or token that is named as one.
    Secret,
    /// A web address.
    Link,
    /// A mail address.
    Mail,
    /// An IP or hardware address.
    Address,
    /// A licence key.
    Key,
    /// A telephone number.
    Phone,
    /// A computer, share, account or domain.
    Host,
    /// A serial or inventory number.
    Serial,
    /// A company.
    Company,
    /// A person.
    Name,
    /// A word that technicians have written to too few customers.
    Word,
}

impl Private {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Link => "link",
            Self::Mail => "mail",
            Self::Address => "address",
            Self::Key => "key",
            Self::Phone => "phone",
            Self::Host => "host",
            Self::Serial => "serial",
            Self::Company => "company",
            Self::Name => "name",
            Self::Word => "word",
        }
    }
}

/// Something private in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What.
    pub kind: Private,
}

/// Patterns, the ones that decide first in front. Where one has a group, only that is private.
static PATTERNS: LazyLock<Vec<(Private, Regex)>> = LazyLock::new(|| {
    let secret = r"(?i)\b(?:pass(?:word|code|phrase|wort)|pwd|pin|kennwort|mot de passe|contraseña|senha|api[ _-]?key|secret|token|otp|(?:access|verification|recovery|temporary) (?:code|pass))\b(?:\s+(?:is|ist|est|es|to|lautet)|\s*[:=])\s*\W?([^\s,;]{3,})";
    let key = r"\b(?:[A-Z0-9]{4,8}-){2,}[A-Z0-9]{4,8}\b";
    let address = r"\b(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?\b|\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}\b";
    let host = r"\\\\[^\s\\]+(?:\\[^\s]*)?|\b[A-Za-z][\w.-]*\\[\w.-]+|\b[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]+)*-[A-Z]*\d+[A-Z0-9-]*\b|\b(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|io|de|fr|uk|eu|ch|at|ca|us|local|lan|internal|corp|intra|example|test|invalid)\b";
    let serial = r"(?i)\b(?:s/n|serial(?: (?:no|number))?|asset(?: tag)?|inventory(?: (?:no|number))?|seriennummer|numéro de série)\b[\s.:#]*([A-Z0-9][A-Z0-9-]{3,})|\b(?:[A-Z]+\d|\d+[A-Z])[A-Z0-9]{5,}\b";
    [
        (Private::Link, r#"(?i)\b(?:https?|ftp|file|ssh|rdp)://[^\s<>"']+|\bwww\.[^\s<>"']+"#),
        (Private::Mail, r"(?i)[\w.+'-]+@[\w-]+(?:\.[\w-]+)*"),
        (Private::Secret, secret),
        (Private::Key, key),
        (Private::Address, address),
        (Private::Phone, r"(?i)(?:\+|\b00)?\(?\d{1,5}\)?(?:[ ./-]?\(?\d{2,5}\)?){1,5}(?:\s*(?:ext|x|durchwahl|poste)\.?\s*\d{1,6})?"),
        (Private::Serial, serial),
        (Private::Host, host),
    ]
    .into_iter()
    .map(|(kind, pattern)| (kind, Regex::new(pattern).expect("the pattern is tested")))
    .collect()
});

/// What the history knows: names, companies, and the words that technicians write to everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Hashes of the words of people's names, sorted.
    names: Vec<u64>,
    /// Companies.
    companies: Vec<String>,
    /// Hashes of the words that technicians have written to at least [`SHARED_BY`] customers, sorted: as they were written,
    /// but for those that begin a sentence, which are in lower case.
    shared: Vec<u64>,
    /// Names that a sentence has and another ticket's answer would have otherwise, as technicians write them, sorted.
    #[serde(default)]
    things: Vec<String>,
}

impl Known {
    /// These, with the names and companies of `newer` too. Words stay as they are.
    pub fn with_names(mut self, newer: Self) -> Self {
        self.names.extend(newer.names);
        self.companies.extend(newer.companies);
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        for hashes in [&mut self.names, &mut self.shared] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        self.companies.sort_unstable();
        self.companies.dedup();
        self
    }
}

/// Reads tickets and learns what is known.
#[derive(Debug, Default)]
pub struct KnownBuilder {
    /// Customers that technicians have written to, by their folded names.
    customers: HashMap<String, u32>,
    companies: BTreeSet<String>,
    /// For each word, the first customers that it was written to.
    users: HashMap<u64, [u32; SHARED_BY]>,
    names: HashSet<u64>,
    things: ThingsBuilder,
}

const NOBODY: u32 = u32::MAX;

impl KnownBuilder {
    /// Learns from a ticket.
    pub fn add(&mut self, ticket: &Ticket) {
        let mut people = HashSet::new();
        for person in [&ticket.contact, &ticket.technician].into_iter().flatten() {
            let parts: Vec<String> = words(person).map(|(_, word)| word).take(MAX_NAMES + 1).collect();
            if parts.len() <= MAX_NAMES {
                people.extend(parts.into_iter().filter(|p| p.chars().count() > 1));
            }
        }
        self.names.extend(people.iter().map(hash));
        let Some(company) = &ticket.customer else { return };
        let company = company.trim();
        if (3..=MAX_COMPANY).contains(&company.len()) {
            self.companies.insert(company.to_owned());
        }
        let next = self.customers.len() as u32;
        let customer = ticket.customer_key();
        if customer.is_empty() {
            return;
        }
        let customer = *self.customers.entry(customer).or_insert(next);
        for text in replies(ticket) {
            let text = normalize(text).text;
            self.things.add(ticket, &text, customer);
            // Those who write to each other are named in every reply: that makes no word of a name.
            for word in written(&text).filter(|w| !people.contains(&w.to_lowercase())) {
                let users = self.users.entry(hash(word)).or_insert([NOBODY; SHARED_BY]);
                if let Some(free) = users.iter().position(|&u| u == customer || u == NOBODY) {
                    users[free] = customer;
                }
            }
        }
    }

    /// What was learnt.
    pub fn finish(self) -> Known {
        let shared = self.users.into_iter().filter(|(_, users)| users.iter().all(|&u| u != NOBODY));
        let shared = shared.map(|(word, _)| word).collect();
        // A person, or a numbered machine, is no product.
        let odd =
            |word: String| word.contains(|c: char| c.is_ascii_digit()) || self.names.contains(&hash(word));
        let mut things = self.things.finish();
        things.retain(|thing| !words(thing).any(|(_, word)| odd(word)));
        let (names, companies) = (self.names.into_iter().collect(), self.companies.into_iter().collect());
        Known { names, companies, shared, things }.sorted()
    }
}

/// The words of a text as they were written; those that begin a sentence in lower case, since nobody can tell.
fn written(text: &str) -> impl Iterator<Item = String> {
    words(text).map(|(range, word)| match begins(text, range.start) {
        true => word,
        false => text[range].to_owned(),
    })
}

/// Whether a sentence or a line begins at `at`.
pub(crate) fn begins(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '"', '\'', '(', '*', '-', '\u{201c}', '\u{2022}']);
    before.is_empty() || before.ends_with(['.', '!', '?', ':', '\n', ';'])
}

/// Finds what is private.
#[derive(Debug, Clone)]
pub struct Masker {
    known: Known,
    companies: AhoCorasick,
    things: Things,
}

impl Masker {
    /// Of what is known.
    ///
    /// # Errors
    /// An internal error when the companies are too many to be looked for.
    pub fn new(known: Known) -> Result<Self> {
        // From a file, whose order nobody has promised.
        let known = known.sorted();
        let companies = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&known.companies)
            .map_err(|e| InternalError::new(format!("companies to look for: {e}")))?;
        let shared = |word: &str| known.shared.binary_search(&hash(word)).is_ok();
        let things = Things::new(&known.things, shared);
        Ok(Self { known, companies, things })
    }

    /// Whether the history tells customers apart. Where it names none, it is one organisation's.
    pub fn has_customers(&self) -> bool {
        !self.known.companies.is_empty()
    }

    /// The programs, plans, products that `text` names, as technicians write them.
    pub(crate) fn things(&self, text: &str) -> BTreeSet<&str> {
        self.things.named(text)
    }

    /// Whether technicians write `word`, as it stands here, to everybody.
    pub(crate) fn is_shared(&self, word: &str) -> bool {
        word.len() <= MAX_WORD && self.known.shared.binary_search(&hash(word)).is_ok()
    }

    /// What patterns and known names find in `text`: ranges in their order, none over another.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Ranges::default();
        for (kind, pattern) in PATTERNS.iter() {
            for hit in pattern.captures_iter(text) {
                let Some(of) = hit.get(1).or_else(|| hit.get(0)) else { continue };
                if *kind != Private::Phone || is_phone(text, of.range()) {
                    found.add(of.range(), *kind);
                }
            }
        }
        for hit in self.companies.find_iter(text) {
            if is_word(text, &hit.range()) {
                found.add(hit.range(), Private::Company);
            }
        }
        for (range, word) in words(text) {
            let capital = text[range.clone()].starts_with(char::is_uppercase);
            // "Will you" begins a sentence with a word, not with a person.
            let plain = begins(text, range.start) && self.is_shared(&word);
            if capital && !plain && self.known.names.binary_search(&hash(word)).is_ok() {
                found.add(range, Private::Name);
            }
        }
        found.0
    }

    /// The same, and every word that technicians have written to too few customers.
    pub fn find_all(&self, text: &str) -> Vec<Found> {
        let mut found = Ranges(self.find(text));
        let all: Vec<(Range<usize>, String)> = words(text).collect();
        let digits = |i: usize| all.get(i).is_some_and(|(_, w)| w.bytes().all(|b| b.is_ascii_digit()));
        for (i, (range, word)) in all.iter().enumerate() {
            // One or two digits tell nothing, unless they are a part of more.
            let near = |j: usize| digits(j) && gap(range, &all[j].0) <= 3;
            let more = near(i + 1) || (i > 0 && near(i - 1));
            let small = word.len() <= 2 && digits(i) && !more;
            let as_written = if begins(text, range.start) { word.as_str() } else { &text[range.clone()] };
            if !small && !self.is_shared(as_written) {
                found.add(range.clone(), Private::Word);
            }
        }
        found.0
    }
}

/// Bytes between two ranges.
fn gap(a: &Range<usize>, b: &Range<usize>) -> usize {
    if a.start < b.start { b.start - a.end } else { a.start - b.end }
}

/// Finds in their order, none over another.
#[derive(Debug, Default)]
struct Ranges(Vec<Found>);

impl Ranges {
    /// Adds a find, unless it lies over one that was there.
    fn add(&mut self, range: Range<usize>, kind: Private) {
        let at = self.0.partition_point(|f| f.range.end <= range.start);
        let free = self.0.get(at).is_none_or(|f| range.end <= f.range.start);
        if free && !range.is_empty() {
            self.0.insert(at, Found { range, kind });
        }
    }
}

/// What technicians have written to a ticket: what they sent, or how they resolved it.
fn replies(ticket: &Ticket) -> impl Iterator<Item = &str> {
    let sent = ticket.messages.iter().filter(|m| m.from == "technician" && m.visible == Some(true));
    let told = ticket.resolution.as_deref().filter(|_| ticket.messages.is_empty());
    sent.map(|m| m.text.as_str()).chain(told)
}

/// Words of a text, in lower case, with their ranges: runs of letters and digits.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[start..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - start);
        rest = start + length;
        Some((start..rest, text[start..rest].to_lowercase()))
    })
}

fn hash(word: impl AsRef<str>) -> u64 {
    xxh3_64(word.as_ref().as_bytes())
}

/// Whether a hit begins and ends at the borders of words.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    ![before, after].into_iter().flatten().any(char::is_alphanumeric)
}

/// Whether digits are no date, no version, no error code and no amount.
fn is_phone(text: &str, range: Range<usize>) -> bool {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        // A day, and perhaps the hour after it.
        Regex::new(r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})(?: \d{1,2})?$")
            .expect("tested")
    });
    let hit = &text[range.clone()];
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let within =
        before.is_some_and(|c| c.is_alphanumeric() || c == '.') || after.is_some_and(char::is_alphanumeric);
    let digits = hit.bytes().filter(u8::is_ascii_digit).count();
    let dialled = hit.starts_with(['+', '0', '(']) || hit.contains([' ', '-', '/', '(']);
    (7..=18).contains(&digits) && dialled && !within && !DATE.is_match(hit)
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Message;

    use super::*;

    fn ticket(customer: &str, contact: &str, reply: &str) -> Ticket {
        let message = Message {
            from: "technician".into(),
            text: reply.into(),
            visible: Some(true),
            ..Message::default()
        };
        Ticket {
            id: "1".into(),
            customer: Some(customer.into()),
            contact: Some(contact.into()),
            body: Some("gorgonzola 4711".into()),
            messages: vec![message],
            ..Ticket::default()
        }
    }

    const COMMON: &str = "so please restart the computer and call us on at with is was your my password code from we sent to \
                          reset account for it now ask see serial mail connect key will you be there on your Outlook or M365";

    fn masker() -> Masker {
        let mut known = KnownBuilder::default();
        for (customer, contact) in [
            ("Alder Clinic", "Maria Xu"),
            ("Birch & Sons", "Tom Ødegård"),
            ("Cedar Foods", "Will Li"),
            ("Dogwood", "Bo Ek"),
        ] {
            known.add(&ticket(customer, contact, COMMON));
        }
        // One customer however it is spelt, and one that nobody can tell.
        for spelt in ["Alder Clinic", "ALDER CLINIC", "Alder  clinic ", ""] {
            known.add(&ticket(spelt, "Maria Xu", "so zebrafish"));
        }
        Masker::new(known.finish()).unwrap()
    }

    #[test]
    fn each_kind_is_found() {
        use Private::*;
        let masker = masker();
        let cases: &[(&str, &[Private])] = &[
            ("mail maria.xu@alder.example now", &[Mail]),
            ("call us on +44 20 7946 0958", &[Phone]),
            ("call us on (305) 555-0128 ext 235", &[Phone]),
            ("call us on 01 23 45 67 89.", &[Phone]),
            ("call us on 12 34 56 78.", &[Phone]),
            ("the code is 48 21 07", &[Word, Word, Word]),
            ("your password is Xy7!kk9 now", &[Secret]),
            ("see https://portal.alder.example/r?token=abc now", &[Link]),
            ("connect to 10.20.30.40", &[Address]),
            ("connect to 00:1A:2b:3C:4d:5E", &[Address]),
            ("restart TAM-SRV04 now", &[Host]),
            (r"see \\fs01\share now", &[Host]),
            (r"account ALDER\mxu", &[Host]),
            ("connect to fs01.alder.local", &[Host]),
            ("key VK7JG-NPHTM-C97JM-9MPGT-3V66T", &[Key]),
            ("serial 5CG1234XYZ", &[Serial]),
            ("ask Maria Xu at Birch & Sons", &[Name, Name, Company]),
            ("ask Ødegård", &[Name]),
            ("ask Will", &[Name]),
            ("Will you be there", &[]),
            ("the zebrafish", &[Word]),
            ("the gorgonzola", &[Word]),
            ("the Computer", &[Word]),
            ("Please restart the computer 12", &[]),
            ("on M365 or Outlook", &[]),
        ];
        for (text, want) in cases {
            let got: Vec<Private> = masker.find_all(text).into_iter().map(|f| f.kind).collect();
            assert_eq!(&got, want, "{text}");
        }
    }

    #[test]
    fn dates_codes_and_amounts_are_no_telephone_numbers() {
        for text in [
            "2026-11-26 09:30",
            "26.11.2026",
            "11/26/2026",
            "16.0.17328.20184",
            "0x80070005",
            "KB5034441",
            "1234567",
        ] {
            assert!(masker().find(text).iter().all(|f| f.kind != Private::Phone), "{text}");
        }
    }

    #[test]
    fn a_text_full_of_addresses_is_searched_in_its_own_time() {
        let text = "a1@b.de ".repeat(100_000);
        assert_eq!(masker().find(&text).len(), 100_000);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_one_customer_has_passes(secret in "[a-zA-Z]{5,12}[0-9]{0,6}", text in "\\PC{0,80}") {
            let masker = masker();
            proptest::prop_assume!(!words(COMMON).any(|(_, w)| w == secret.to_lowercase()));
            let whole = format!("{text} {secret} {text}");
            let at = text.len() + 1..text.len() + 1 + secret.len();
            let found = masker.find_all(&whole);
            proptest::prop_assert!(found.iter().any(|f| f.range.start < at.end && at.start < f.range.end), "{whole}");
        }
    }
}
