//! Masking: what tells whose ticket a text came from is found, and replaced before the text may serve another customer.
//!
//! Two nets. Patterns and known names find mail addresses, telephone numbers, hosts, keys, passwords, people, companies.
//! What passes them is held against the words of the history: a word that fewer than [`SHARED_BY`] customers have used is
//! taken for private whatever it is, so that nothing that only one customer ever wrote can reach another (in the manner of
//! k-anonymity, Samarati and Sweeney 1998). Must never let through what it has not seen at several customers.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use firstline_ticket::{InternalError, Result, Ticket};
use regex::Regex;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// How many customers must have used a word before it may be shown to others.
pub const SHARED_BY: usize = 3;

/// Longest word that is counted, in bytes; a longer one is private.
const MAX_WORD: usize = 40;

/// Kinds of what is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// A word that too few customers have used.
    Word,
}

impl Private {
    /// What stands in its place, without brackets.
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
            Self::Word => "private",
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
    let host = r"\\\\[^\s\\]+(?:\\[^\s]*)?|\b[A-Za-z][\w.-]*\\[\w.-]+|\b[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]+)*-?[A-Z]*\d{2,}[A-Z0-9-]*\b|\b(?:[a-z0-9-]+\.)+(?:com|net|org|edu|gov|io|de|fr|uk|eu|ch|at|ca|us|local|lan|internal|corp|intra|example|test|invalid)\b|\b[A-Za-z]{2,}(?:-[A-Za-z0-9]+)*-[A-Za-z]*\d{2,}\b";
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

/// What the history knows: names, companies, and the words that several customers have used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Hashes of the words of people's names, sorted.
    names: Vec<u64>,
    /// Companies.
    companies: Vec<String>,
    /// Hashes of the words that at least [`SHARED_BY`] customers have used, sorted.
    shared: Vec<u64>,
}

/// Reads tickets and learns what is known.
#[derive(Debug, Default)]
pub struct KnownBuilder {
    customers: HashMap<String, u32>,
    /// For each word, the first customers that have used it.
    users: HashMap<u64, [u32; SHARED_BY]>,
    names: HashSet<u64>,
}

const NOBODY: u32 = u32::MAX;

impl KnownBuilder {
    /// Learns from a ticket.
    pub fn add(&mut self, ticket: &Ticket) {
        let next = self.customers.len() as u32;
        let customer = customer_of(ticket).to_owned();
        let customer = *self.customers.entry(customer).or_insert(next);
        let texts = [&ticket.subject, &ticket.body, &ticket.resolution];
        let messages = ticket.messages.iter().map(|m| &m.text);
        for text in texts.into_iter().flatten().chain(messages) {
            for (_, word) in words(text) {
                let users = self.users.entry(hash(word)).or_insert([NOBODY; SHARED_BY]);
                if let Some(free) = users.iter().position(|&u| u == customer || u == NOBODY) {
                    users[free] = customer;
                }
            }
        }
        for person in [&ticket.contact, &ticket.technician].into_iter().flatten() {
            self.names.extend(words(person).map(|(_, word)| hash(word)));
        }
    }

    /// What was learnt.
    pub fn finish(self) -> Known {
        let mut shared: Vec<u64> = self
            .users
            .into_iter()
            .filter(|(_, users)| users.iter().all(|&u| u != NOBODY))
            .map(|(word, _)| word)
            .collect();
        shared.sort_unstable();
        let mut names: Vec<u64> = self.names.into_iter().collect();
        names.sort_unstable();
        let mut companies: Vec<String> = self.customers.into_keys().filter(|c| c.len() > 2).collect();
        companies.sort_unstable();
        Known { names, companies, shared }
    }
}

/// Whose ticket it is; an empty name where it does not say.
pub fn customer_of(ticket: &Ticket) -> &str {
    ticket.customer.as_deref().map_or("", str::trim)
}

/// Finds and replaces what is private.
#[derive(Debug, Clone)]
pub struct Masker {
    known: Known,
    companies: AhoCorasick,
}

impl Masker {
    /// Of what is known.
    ///
    /// # Errors
    /// An internal error when the companies are too many to be looked for.
    pub fn new(known: Known) -> Result<Self> {
        let companies = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&known.companies)
            .map_err(|e| InternalError::new(format!("companies to look for: {e}")))?;
        Ok(Self { known, companies })
    }

    /// What it knows.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// What patterns and known names find in `text`: ranges in their order, none over another.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut add = |range: Range<usize>, kind| {
            if !range.is_empty()
                && found.iter().all(|f| f.range.end <= range.start || range.end <= f.range.start)
            {
                found.push(Found { range, kind });
            }
        };
        for (kind, pattern) in PATTERNS.iter() {
            for hit in pattern.captures_iter(text) {
                let Some(of) = hit.get(1).or_else(|| hit.get(0)) else { continue };
                if *kind != Private::Phone || is_phone(of.as_str()) {
                    add(of.range(), *kind);
                }
            }
        }
        for hit in self.companies.find_iter(text) {
            if is_word(text, &hit.range()) {
                add(hit.range(), Private::Company);
            }
        }
        for (range, word) in words(text) {
            let capital = text[range.clone()].starts_with(char::is_uppercase);
            if capital && self.known.names.binary_search(&hash(word)).is_ok() {
                add(range, Private::Name);
            }
        }
        found.sort_by_key(|f| f.range.start);
        found
    }

    /// The same, and every word that too few customers have used.
    pub fn find_all(&self, text: &str) -> Vec<Found> {
        let mut found = self.find(text);
        let known = found.len();
        for (range, word) in words(text) {
            let free =
                found[..known].iter().all(|f| f.range.end <= range.start || range.end <= f.range.start);
            let small = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit());
            let shared = word.len() <= MAX_WORD && self.known.shared.binary_search(&hash(word)).is_ok();
            if free && !small && !shared {
                found.push(Found { range, kind: Private::Word });
            }
        }
        found.sort_by_key(|f| f.range.start);
        found
    }

    /// `text` fit for another customer: whatever [`Self::find_all`] finds is a placeholder, `[mail]`, the same for the
    /// same value; a second value of its kind is `[mail 2]`.
    pub fn mask(&self, text: &str) -> String {
        let mut seen: HashMap<Private, Vec<&str>> = HashMap::new();
        let (mut out, mut at, mut last) = (String::with_capacity(text.len()), 0, None);
        for Found { range, kind } in self.find_all(text) {
            let between = &text[at..range.start];
            at = range.end;
            // First and last name are one person.
            let joined = last == Some(kind) && matches!(kind, Private::Name | Private::Word);
            if joined && between.chars().all(|c| matches!(c, ' ' | '-' | '.' | '\'')) {
                continue;
            }
            last = Some(kind);
            let values = seen.entry(kind).or_default();
            let value = &text[range];
            let i = values.iter().position(|v| *v == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            });
            out += between;
            out += &match i {
                0 => format!("[{}]", kind.name()),
                _ => format!("[{} {}]", kind.name(), i + 1),
            };
        }
        out + &text[at..]
    }
}

/// Words of a text, in lower case, with their ranges: runs of letters and digits, with what joins them.
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

/// Digits that are no date, no time and no amount.
fn is_phone(text: &str) -> bool {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4})").expect("tested")
    });
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (7..=18).contains(&digits) && !DATE.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(customer: &str, contact: &str, body: &str) -> Ticket {
        Ticket {
            id: "1".into(),
            customer: Some(customer.into()),
            contact: Some(contact.into()),
            body: Some(body.into()),
            ..Ticket::default()
        }
    }

    const COMMON: &str = "Hi thanks please restart the computer and call us on at with is was your my password code from \
                          we sent to reset account for it now ask see serial mail connect key install share open licence";

    fn masker() -> Masker {
        let mut known = KnownBuilder::default();
        for (customer, contact) in [
            ("Alder Clinic", "Maria Xu"),
            ("Birch & Sons", "Tom Ødegård"),
            ("Cedar Foods", "Ana Li"),
            ("Dogwood", "Bo Ek"),
        ] {
            known.add(&ticket(customer, contact, COMMON));
        }
        known.add(&ticket("Alder Clinic", "Maria Xu", "zebrafish zebrafish"));
        known.add(&ticket("Dogwood", "Bo Ek", "zebrafish"));
        Masker::new(known.finish()).unwrap()
    }

    #[test]
    fn each_kind_is_found() {
        let masker = masker();
        for (text, want) in [
            ("mail maria.xu@alder.example now", "mail [mail] now"),
            ("call us on +44 20 7946 0958", "call us on [phone]"),
            ("call us on (305) 555-0128 ext 235", "call us on [phone]"),
            ("your password is Xy7!kk9 now", "your password is [secret] now"),
            ("your code: 992817", "your code: [private]"),
            ("recovery code: 992817", "[private] code: [secret]"),
            ("see https://portal.alder.example/r?token=abc now", "see [link] now"),
            ("connect to 10.20.30.40", "connect to [address]"),
            ("connect to 00:1A:2b:3C:4d:5E", "connect to [address]"),
            ("restart TAM-SRV04 now", "restart [host] now"),
            (r"open \\fs01\share now", "open [host] now"),
            (r"account ALDER\mxu", "account [host]"),
            ("connect to fs01.alder.local", "connect to [host]"),
            ("key VK7JG-NPHTM-C97JM-9MPGT-3V66T", "key [key]"),
            ("serial 5CG1234XYZ", "serial [serial]"),
            ("ask Maria Xu at Birch & Sons", "ask [name] at [company]"),
            ("ask Ødegård", "ask [name]"),
            ("the zebrafish", "the [private]"),
            ("please restart the computer", "please restart the computer"),
            ("call 12 now", "call 12 now"),
        ] {
            assert_eq!(masker.mask(text), want, "{text}");
        }
    }

    #[test]
    fn the_same_value_keeps_its_placeholder() {
        assert_eq!(
            masker().mask("mail a@b.example or c@d.example, please a@b.example"),
            "mail [mail] [private] [mail 2], please [mail]"
        );
    }

    #[test]
    fn dates_and_amounts_are_no_telephone_numbers() {
        for text in ["2026-11-26 09:30", "26.11.2026", "11/26/2026", "version 4.2.1", "10 000", "1234"] {
            assert!(masker().find(text).iter().all(|f| f.kind != Private::Phone), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_one_customer_wrote_is_left(secret in "[a-z]{5,12}[0-9]{0,3}", text in "\\PC{0,80}") {
            let masker = masker();
            proptest::prop_assume!(!words(COMMON).any(|(_, w)| w == secret));
            let whole = format!("{text} {secret} {text}");
            let masked = masker.mask(&whole);
            proptest::prop_assert!(!words(&masked).any(|(_, w)| w == secret), "{masked}");
        }
    }
}
