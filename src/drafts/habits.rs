//! In which language contacts and customers write: what a ticket too short to tell is answered in.
//!
//! Must never outweigh what a ticket itself tells.

use std::collections::{BTreeMap, HashMap};

use firstline_ticket::Ticket;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::language::language_of;

/// The language that each contact, and each customer, mostly writes in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageHabits {
    /// Hashes of contacts with their customers, sorted, by language.
    contacts: BTreeMap<String, Vec<u64>>,
    /// Hashes of customers, sorted, by language.
    customers: BTreeMap<String, Vec<u64>>,
}

impl LanguageHabits {
    /// The language of the contact of `ticket`, else of its customer, ISO 639-1; `None` where neither has written before.
    pub fn of(&self, ticket: &Ticket) -> Option<&str> {
        let both = [(contact(ticket), &self.contacts), (customer(ticket), &self.customers)];
        both.into_iter().find_map(|(hash, all)| {
            let hash = hash?;
            let (language, _) = all.iter().find(|(_, hashes)| hashes.binary_search(&hash).is_ok())?;
            Some(language.as_str())
        })
    }

    /// These habits, with those of people and customers that only `newer` knows.
    #[must_use]
    pub fn with(mut self, newer: Self) -> Self {
        for (all, more) in [(&mut self.contacts, newer.contacts), (&mut self.customers, newer.customers)] {
            for (language, hashes) in more {
                let known = |hash: &u64| all.values().any(|known| known.binary_search(hash).is_ok());
                let new: Vec<u64> = hashes.into_iter().filter(|hash| !known(hash)).collect();
                let of = all.entry(language).or_default();
                of.extend(new);
                of.sort_unstable();
            }
        }
        self
    }
}

/// Reads a history and learns who writes in which language.
#[derive(Debug, Default)]
pub struct LanguageHabitsBuilder {
    contacts: HashMap<u64, BTreeMap<String, u32>>,
    customers: HashMap<u64, BTreeMap<String, u32>>,
}

impl LanguageHabitsBuilder {
    /// Learns from a ticket, of which the models read `text`.
    pub fn add(&mut self, ticket: &Ticket, text: &str) {
        let language = language_of(ticket, text);
        if language.is_empty() {
            return;
        }
        for (hash, all) in [(contact(ticket), &mut self.contacts), (customer(ticket), &mut self.customers)] {
            if let Some(hash) = hash {
                *all.entry(hash).or_default().entry(language.clone()).or_default() += 1;
            }
        }
    }

    /// What was learnt.
    pub fn finish(self) -> LanguageHabits {
        LanguageHabits { contacts: mostly(self.contacts), customers: mostly(self.customers) }
    }
}

/// The hashes by the language that each has most tickets in.
fn mostly(counts: HashMap<u64, BTreeMap<String, u32>>) -> BTreeMap<String, Vec<u64>> {
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (hash, languages) in counts {
        if let Some((language, _)) = languages.into_iter().max_by_key(|(_, n)| *n) {
            all.entry(language).or_default().push(hash);
        }
    }
    all.values_mut().for_each(|hashes| hashes.sort_unstable());
    all
}

fn customer(ticket: &Ticket) -> Option<u64> {
    let key = ticket.customer_key();
    (!key.is_empty()).then(|| xxh3_64(key.as_bytes()))
}

fn contact(ticket: &Ticket) -> Option<u64> {
    let name =
        ticket.contact.as_deref().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty())?;
    Some(xxh3_64(format!("{}\u{0}{name}", ticket.customer_key()).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text_of;

    fn add(builder: &mut LanguageHabitsBuilder, ticket: &Ticket) {
        builder.add(ticket, &text_of(ticket));
    }

    fn ticket(customer: &str, contact: &str, body: &str) -> Ticket {
        Ticket {
            customer: Some(customer.into()),
            contact: Some(contact.into()),
            body: Some(body.into()),
            ..Ticket::default()
        }
    }

    #[test]
    fn a_contacts_language_goes_before_the_customers() {
        let mut builder = LanguageHabitsBuilder::default();
        for (contact, body) in [
            ("Eva Stein", "Der Drucker druckt nicht, bitte helfen Sie uns."),
            ("Max Stein", "Bitte richten Sie mir das neue Telefon ein."),
            ("Joe Stone", "The printer does not print, please help."),
        ] {
            add(&mut builder, &ticket("Stein GmbH", contact, body));
        }
        add(&mut builder, &ticket("Stein GmbH", "Joe Stone", "VPN"));
        let habits = builder.finish();
        let of = |customer, contact| habits.of(&ticket(customer, contact, "VPN")).map(str::to_owned);
        assert_eq!(of("Stein GmbH", "Joe Stone").as_deref(), Some("en"));
        assert_eq!(of("stein gmbh", "eva stein").as_deref(), Some("de"));
        assert_eq!(of("Stein GmbH", "Somebody New").as_deref(), Some("de"));
        assert_eq!(of("Other", "Joe Stone"), None);
        let mut newer = LanguageHabitsBuilder::default();
        add(&mut newer, &ticket("Other", "Ana", "La impresora no funciona, por favor ayuda."));
        add(&mut newer, &ticket("Stein GmbH", "Joe Stone", "Der Drucker druckt schon wieder nicht."));
        let both = habits.with(newer.finish());
        assert_eq!(both.of(&ticket("Other", "Ana", "VPN")), Some("es"));
        assert_eq!(both.of(&ticket("Stein GmbH", "Joe Stone", "VPN")), Some("en"));
    }
}
