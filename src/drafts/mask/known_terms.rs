//! What a history teaches masking: names, companies, products, and the words that technicians write to everybody.
//!
//! Must never count what customers write: nobody can make a word common by mailing it.

use std::collections::{BTreeSet, HashMap, HashSet};

use firstline_ticket::{Ticket, customer_key};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::product_names::ProductNamesBuilder;
use super::{KEPT, SHARED_BY};
use crate::customers::{Customers, mail_domains};
use crate::segmentation::{begins_sentence, words};
use firstline_triage::normalize::normalize;

/// Longest company that is looked for, in bytes.
const MAX_COMPANY: usize = 80;
/// Words of a person's name at most: a longer one is none.
const MAX_NAMES: usize = 4;

/// What the history knows: names, companies, and the words that technicians write to everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownTerms {
    /// Hashes of the words of people's names, sorted.
    names: Vec<u64>,
    /// Companies.
    companies: Vec<String>,
    /// Hashes of the words that technicians have written to at least [`SHARED_BY`] customers, sorted: as they were written,
    /// but for those that begin a sentence, which are in lower case.
    shared: Vec<u64>,
    /// Products: names of a reply that the answer to another ticket would replace, as technicians write them, sorted.
    #[serde(default, rename = "things")]
    products: Vec<String>,
    /// Keys of customers with hashes of the mail domains that their contacts write from, sorted.
    #[serde(default)]
    domains: Vec<(String, u64)>,
}

impl KnownTerms {
    /// These terms with the names, companies and mail domains of `newer` added. Shared words and products stay as they are.
    pub fn with_names(mut self, newer: Self) -> Self {
        self.names.extend(newer.names);
        self.companies.extend(newer.companies);
        self.domains.extend(newer.domains);
        self.sorted()
    }

    /// These terms without the companies of these [keys](firstline_ticket::customer_key). Hashes of people's names stay: nobody can
    /// tell whose they are.
    pub fn without_companies(mut self, customers: &BTreeSet<String>) -> Self {
        self.companies.retain(|company| !customers.contains(&customer_key(company)));
        self.domains.retain(|(key, _)| !customers.contains(key));
        self
    }

    pub(super) fn sorted(mut self) -> Self {
        for hashes in [&mut self.names, &mut self.shared] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        self.companies.sort_unstable();
        self.companies.dedup();
        self.domains.sort_unstable();
        self.domains.dedup();
        self
    }

    /// The customers among `keys` and those known, those put together that are likely one.
    pub(crate) fn customers(&self, keys: &[&str]) -> Customers {
        let known: Vec<String> = self.companies.iter().map(|name| customer_key(name)).collect();
        Customers::merged(keys.iter().copied().chain(known.iter().map(String::as_str)), &self.domains)
    }

    /// Whether technicians write `word`, as it stands here, to everybody.
    pub(super) fn is_shared(&self, word: &str) -> bool {
        self.shared.binary_search(&hash(word)).is_ok()
    }

    /// Whether `word`, in lower case, is part of a person's name.
    pub(super) fn is_name(&self, word: &str) -> bool {
        self.names.binary_search(&hash(word)).is_ok()
    }

    pub(super) fn companies(&self) -> &[String] {
        &self.companies
    }

    pub(super) fn products(&self) -> &[String] {
        &self.products
    }
}

/// Reads a history and learns its terms.
#[derive(Debug, Default)]
pub struct KnownTermsBuilder {
    /// Customers that technicians have written to, by their folded names.
    customers: HashMap<String, u32>,
    companies: BTreeSet<String>,
    /// For each word, the first customers that it was written to.
    users: HashMap<u64, [u32; KEPT]>,
    names: HashSet<u64>,
    products: ProductNamesBuilder,
    domains: BTreeSet<(String, u64)>,
}

const NOBODY: u32 = u32::MAX;

impl KnownTermsBuilder {
    /// Learns from a ticket, of which the models read `text`.
    pub fn add(&mut self, ticket: &Ticket, text: &str) {
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
        self.domains.extend(mail_domains(ticket).into_iter().map(|domain| (customer.clone(), domain)));
        let customer = *self.customers.entry(customer).or_insert(next);
        for reply in replies(ticket) {
            let reply = normalize(reply).text;
            self.products.add(ticket, text, &reply, customer);
            // Those who write to each other are named in every reply: that makes no word of a name.
            for word in written(&reply).filter(|w| !people.contains(&w.to_lowercase())) {
                let users = self.users.entry(hash(word)).or_insert([NOBODY; KEPT]);
                if let Some(free) = users.iter().position(|&u| u == customer || u == NOBODY) {
                    users[free] = customer;
                }
            }
        }
    }

    /// The terms that were learnt.
    pub fn finish(self) -> KnownTerms {
        let domains: Vec<(String, u64)> = self.domains.into_iter().collect();
        let merged = Customers::merged(self.customers.keys().map(String::as_str), &domains);
        let groups: HashMap<u32, u32> =
            self.customers.iter().filter_map(|(key, number)| Some((*number, merged.group(key)?))).collect();
        let distinct =
            |users: &[u32]| users.iter().filter_map(|user| groups.get(user)).collect::<HashSet<_>>().len();
        let shared = self.users.iter().filter(|(_, users)| distinct(&users[..]) >= SHARED_BY);
        let shared = shared.map(|(word, _)| *word).collect();
        // A person, or a numbered machine, is no product.
        let odd =
            |word: String| word.contains(|c: char| c.is_ascii_digit()) || self.names.contains(&hash(word));
        let mut products = self.products.finish(&distinct);
        products.retain(|product| !words(product).any(|(_, word)| odd(word)));
        let (names, companies) = (self.names.into_iter().collect(), self.companies.into_iter().collect());
        KnownTerms { names, companies, shared, products, domains }.sorted()
    }
}

/// The words of a text as they were written; lower case at the beginning of a sentence, where every word has a capital.
fn written(text: &str) -> impl Iterator<Item = String> {
    words(text).map(|(range, word)| match begins_sentence(text, range.start) {
        true => word,
        false => text[range].to_owned(),
    })
}

/// What technicians have written to a ticket: what they sent, or how they resolved it.
fn replies(ticket: &Ticket) -> impl Iterator<Item = &str> {
    let sent = ticket.messages.iter().filter(|m| m.from == "technician" && m.visible == Some(true));
    let told = ticket.resolution.as_deref().filter(|_| ticket.messages.is_empty());
    sent.map(|m| m.text.as_str()).chain(told)
}

fn hash(word: impl AsRef<str>) -> u64 {
    xxh3_64(word.as_ref().as_bytes())
}
