//! Which customers count as one when it is counted how many were told a sentence: those of near-identical names, and those
//! whose contacts share a mail domain.
//!
//! It errs to one customer too few. Must never be used to show one customer what another was told: that goes by the
//! [key](firstline_ticket::customer_key) alone.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use firstline_ticket::Ticket;
use serde::Deserialize;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::folding::folded;
use crate::segmentation::words;

/// Letters from which on a name is long enough to be one of two spellings, or a part of a longer name.
const TELLING: usize = 4;
const PART: usize = 5;
/// Longest name that is compared, in letters.
const LONGEST: usize = 100;

/// Groups of customers, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Customers(HashMap<String, u32>);

impl Customers {
    /// Puts those of `keys` together that are likely one customer, by their names and by `domains`: keys with the hash of a mail
    /// domain that their contacts write from.
    pub(crate) fn merged<'k>(
        keys: impl IntoIterator<Item = &'k str>,
        domains: impl IntoIterator<Item = &'k (String, u64)>,
    ) -> Self {
        let domains: Vec<(&str, u64)> =
            domains.into_iter().map(|(key, domain)| (key.as_str(), *domain)).collect();
        let all: BTreeSet<&str> = keys.into_iter().chain(domains.iter().map(|(key, _)| *key)).collect();
        let all: Vec<&str> = all.into_iter().filter(|key| !key.is_empty()).collect();
        let mut sets = Sets((0..all.len()).collect());
        let names: Vec<Name> = all.iter().map(|key| Name::of(key)).collect();
        for (i, a) in names.iter().enumerate() {
            for (j, b) in names.iter().enumerate().skip(i + 1) {
                if a.is_like(b) {
                    sets.join(i, j);
                }
            }
        }
        let mut first: HashMap<u64, usize> = HashMap::new();
        for (key, domain) in domains {
            if let Ok(at) = all.binary_search(&key) {
                let other = *first.entry(domain).or_insert(at);
                sets.join(at, other);
            }
        }
        let group = |(i, key): (usize, &&str)| ((*key).to_owned(), sets.find(i) as u32);
        Self(all.iter().enumerate().map(group).collect())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The group of the customer of this key; `None` where nobody knows who that is.
    pub(crate) fn group(&self, key: &str) -> Option<u32> {
        self.0.get(key).copied()
    }
}

/// Sets that are joined: each points to another one of its set, the first to itself.
struct Sets(Vec<usize>);

impl Sets {
    fn find(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// A customer's name as it is compared.
#[derive(Debug)]
struct Name {
    words: HashSet<String>,
    /// The first word, where it tells a company from others: its sites have that in common.
    first: Option<String>,
    /// All of its letters, without legal form and blanks.
    letters: Vec<char>,
    digits: String,
    /// Which of the letters a to z it has.
    has: u32,
    /// Whether its digits tell it from others.
    numbered: bool,
}

/// Whether many companies' names begin with this word.
fn is_usual(word: &str) -> bool {
    LISTS.usual.contains(word) || LISTS.numbered.contains(word)
}

impl Name {
    fn of(key: &str) -> Self {
        let text = folded(key);
        let all: Vec<String> = words(&text).map(|(_, word)| word).collect();
        let letters_of = |word: &String| word.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        let telling = |word: &&String| word.chars().count() > 1 && !LISTS.forms.contains(*word);
        let mut kept: Vec<String> =
            all.iter().filter(telling).map(letters_of).filter(|w| !w.is_empty()).collect();
        if kept.is_empty() {
            kept = all.iter().map(letters_of).filter(|w| !w.is_empty()).collect();
        }
        let letters: Vec<char> = kept.concat().chars().take(LONGEST).collect();
        let bit = |c: &char| if c.is_ascii_lowercase() { 1 << (*c as u32 - 'a' as u32) } else { 1 << 26 };
        Self {
            digits: text.chars().filter(|c| c.is_numeric()).collect(),
            has: letters.iter().map(bit).fold(0, |all, bit| all | bit),
            numbered: letters.len() < TELLING || kept.iter().all(|word| LISTS.numbered.contains(word)),
            first: kept.first().filter(|word| word.chars().count() >= TELLING && !is_usual(word)).cloned(),
            words: kept.into_iter().collect(),
            letters,
        }
    }

    /// Whether both are likely names of one customer.
    fn is_like(&self, other: &Self) -> bool {
        if self.numbered || other.numbered {
            return self.letters == other.letters && self.digits == other.digits;
        }
        let (short, long) =
            if self.letters.len() <= other.letters.len() { (self, other) } else { (other, self) };
        let site = || short.first.is_some() && short.first == long.first;
        short.is_part_of(long) || short.is_spelling_of(long) || site()
    }

    fn is_part_of(&self, long: &Self) -> bool {
        self.has & !long.has == 0
            && (self.words.is_subset(&long.words)
                || (self.letters.len() >= PART
                    && (long.letters.starts_with(&self.letters) || long.letters.ends_with(&self.letters))))
    }

    fn is_spelling_of(&self, long: &Self) -> bool {
        let most = match self.letters.len() {
            n if n < 8 => 1,
            n if n < 12 => 2,
            n => n / 5,
        };
        long.letters.len() - self.letters.len() <= most
            && (self.has ^ long.has).count_ones() as usize <= 2 * most
            && distance(&self.letters, &long.letters) <= most
    }
}

/// The least number of letters to change, add, leave out or exchange with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<usize>>(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        let [before, last, row] = &mut rows;
        row[0] = i;
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j - 1] + other).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

/// Hashes of the mail domains that a ticket's contact writes from, without those of free mail providers.
pub(crate) fn mail_domains(ticket: &Ticket) -> BTreeSet<u64> {
    let mut hosts: Vec<String> = Vec::new();
    let mut add = |text: &str| hosts.extend(hosts_in(text));
    if let Some(contact) = &ticket.contact {
        add(contact);
    }
    // A customer that is named by its domain.
    if let Some(customer) = ticket.customer.as_deref().filter(|c| !c.trim().contains(char::is_whitespace)) {
        add(customer);
    }
    strings(&ticket.extra, false, &mut add);
    for message in ticket.messages.iter().filter(|m| m.from == "customer") {
        strings(&message.extra, false, &mut add);
    }
    hosts.iter().filter_map(|host| own_domain(host)).map(|domain| xxh3_64(domain.as_bytes())).collect()
}

/// Hands over what stands under keys that say from which address somebody writes, and in all that is `within` one.
fn strings(map: &Map<String, Value>, within: bool, take: &mut dyn FnMut(&str)) {
    for (key, value) in map {
        let key: String = key.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        if within || LISTS.keys.contains(&key) {
            match value {
                Value::String(text) => take(text),
                Value::Object(map) => strings(map, true, take),
                Value::Array(all) => all.iter().filter_map(Value::as_str).for_each(&mut *take),
                _ => {}
            }
        }
    }
}

/// The hosts of mail addresses in `text`; the text itself where it is nothing but a host.
fn hosts_in(text: &str) -> Vec<String> {
    let text = text.trim().to_lowercase();
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "@.-_+".contains(c)));
    let hosts: Vec<String> = parts.filter_map(|part| Some(part.rsplit_once('@')?.1.to_owned())).collect();
    let bare = || text.contains('.') && text.chars().all(|c| c.is_alphanumeric() || ".-".contains(c));
    if hosts.is_empty() && bare() { vec![text] } else { hosts }
}

/// The part of a host that one owner has; `None` where anybody can have an address there.
fn own_domain(host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let [.., second, last] = labels.as_slice() else { return None };
    let ending = format!("{second}.{last}");
    let more = LISTS.hosted.contains(&ending) || (last.len() == 2 && LISTS.second_level.contains(*second));
    let own = labels.len().checked_sub(if more { 3 } else { 2 })?;
    let domain = labels[own..].join(".");
    let free = LISTS.freemail.contains(&domain) || LISTS.freemail_names.contains(labels[own]);
    (!free && last.chars().all(char::is_alphabetic)).then_some(domain)
}

/// What names and addresses are read by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    #[serde(deserialize_with = "list")]
    forms: HashSet<String>,
    #[serde(deserialize_with = "list")]
    numbered: HashSet<String>,
    #[serde(deserialize_with = "list")]
    usual: HashSet<String>,
    #[serde(deserialize_with = "list")]
    freemail_names: HashSet<String>,
    #[serde(deserialize_with = "list")]
    freemail: HashSet<String>,
    #[serde(deserialize_with = "list")]
    hosted: HashSet<String>,
    #[serde(deserialize_with = "list")]
    second_level: HashSet<String>,
    #[serde(deserialize_with = "list")]
    keys: HashSet<String>,
}

/// A list as a text with blanks between its words.
fn list<'d, D: serde::Deserializer<'d>>(read: D) -> Result<HashSet<String>, D::Error> {
    Ok(String::deserialize(read)?.split_whitespace().map(str::to_owned).collect())
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| toml::from_str(include_str!("customers.toml")).expect("tested"));

#[cfg(test)]
mod tests {
    use firstline_ticket::customer_key;

    use super::*;

    fn groups(names: &[&str]) -> usize {
        let keys: Vec<String> = names.iter().map(|name| customer_key(name)).collect();
        let merged = Customers::merged(keys.iter().map(String::as_str), []);
        keys.iter().filter_map(|key| merged.group(key)).collect::<BTreeSet<u32>>().len()
    }

    #[test]
    fn spellings_of_one_customer_are_one() {
        for spelt in [
            &["Harborgate", "Harborgate Ltd", "Harbor-Gate GmbH", "HARBORGATE", "Hárbourgate S.à r.l."][..],
            &[
                "Harborgate",
                "The Harborgate Group",
                "Harborgate (old)",
                "Harborgate Berlin",
                "harborgate.com",
            ],
            &["Müller & Söhne GmbH & Co. KG", "Muller und Sohne", "Müller Söhne"],
            &["Ridgeway Family Health", "Ridgway Family Health Inc.", "Ridgeway Familiy Health"],
            &["Łódź Optyka sp. z o.o.", "Lodz Optyka"],
            &["Harborgate", "Наrborgate", "Harborgtae", "Harborgate 2"],
            &["3M", "3M Ltd"],
            &["Customer 7", "customer  7 GmbH"],
        ] {
            assert_eq!(groups(spelt), 1, "{spelt:?}");
        }
    }

    #[test]
    fn other_customers_are_others() {
        let apart = [
            "Ridgeway Family Health",
            "Calloway & Stern LLP",
            "Tamarack Manufacturing",
            "Brightwater Credit Union",
            "Larkspur School District",
            "Hollis Freight Lines",
            "Kessler Antriebstechnik",
            "Northfield Builders",
            "Steinbach & Partner",
            "Alder Clinic",
            "Cedar Clinic",
            "Birch & Sons",
            "Dogwood",
            "Customer 1",
            "Customer 2",
            "C1",
            "C2",
            "3M",
            "Kunde 12",
            "Kunde 13",
            "1001",
            "1002",
        ];
        assert_eq!(groups(&apart), apart.len());
        assert_eq!(groups(&[""]), 0, "nobody knows whose it is");
    }

    #[test]
    fn one_mail_domain_is_one_customer_and_freemail_is_none() {
        let of = |contact: &str, extra: Value| {
            let Value::Object(extra) = extra else { unreachable!() };
            mail_domains(&Ticket { contact: Some(contact.into()), extra, ..Ticket::default() })
        };
        let alder = of("Eva <eva@alder.example>", serde_json::json!({}));
        assert_eq!(alder.len(), 1);
        for same in [
            of("eva@MAIL.Alder.example", serde_json::json!({})),
            of("Eva", serde_json::json!({ "contact_email": "x@alder.example" })),
            of("Eva", serde_json::json!({ "requester": { "name": "Eva", "address": "x@alder.example" } })),
        ] {
            assert_eq!(same, alder);
        }
        for none in
            ["eva@gmail.com", "eva@gmx.net", "eva@web.de", "eva@yahoo.co.uk", "Eva Stone", "eva@localhost"]
        {
            assert!(
                of(none, serde_json::json!({ "technician_email": "t@desk.example" })).is_empty(),
                "{none}"
            );
        }
        let tenant = |name: &str| of(&format!("eva@{name}.onmicrosoft.com"), serde_json::json!({}));
        assert!(!tenant("alder").is_empty() && tenant("alder") != tenant("birch"));
        assert_ne!(of("a@alder.co.uk", serde_json::json!({})), of("a@birch.co.uk", serde_json::json!({})));
        let pairs: Vec<(String, u64)> =
            ["birch", "alder"].iter().map(|key| ((*key).to_owned(), *alder.first().unwrap())).collect();
        let merged = Customers::merged(["alder", "birch", "cedar"], &pairs);
        assert_eq!(merged.group("alder"), merged.group("birch"));
        assert_ne!(merged.group("alder"), merged.group("cedar"));
        assert_eq!(merged.group("dogwood"), None);
    }
}
