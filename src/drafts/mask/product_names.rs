//! Names of products (programs, plans, devices): what a reply names, and the reply to another ticket would name something else.
//!
//! They are learnt from replies. Where technicians write the same sentence again and again with one name exchanged, and the
//! tickets have these names too, the names that fill the gap are products of one sort.
//!
//! Must never put a name into a sentence that the ticket does not have.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use firstline_ticket::Ticket;
use xxhash_rust::xxh3::xxh3_64;

use super::{KEPT, SHARED_BY};
use crate::language::language_of;
use crate::segmentation::{begins_sentence, sentences_of_line, words};

/// Words of a name at most.
const MOST_WORDS: usize = 3;
/// Names that fill the same gap of a sentence, before they are products of one sort.
const SORT: usize = 3;
/// The share of the replies whose ticket has the name, at least.
const ECHOED: f64 = 0.5;
/// Sentences with a gap that are remembered; beyond that, those that had one name only are forgotten.
const MOST_GAPS: usize = 1 << 20;
/// Names that are counted for one gap.
const COUNTED: usize = 64;

/// Reads tickets and learns which names fill the same gaps.
#[derive(Debug, Default)]
pub(super) struct ProductNamesBuilder {
    /// By the hash of a sentence but for one name: the names.
    gaps: HashMap<u64, Vec<Name>>,
}

#[derive(Debug)]
struct Name {
    written: String,
    replies: u32,
    echoed: u32,
    customers: Vec<u32>,
}

impl ProductNamesBuilder {
    /// Learns from what `customer` was written in answer to a ticket, of which the models read `text`.
    pub(super) fn add(&mut self, ticket: &Ticket, text: &str, reply: &str, customer: u32) {
        // In German every noun has a capital.
        if language_of(ticket, text) == "de" {
            return;
        }
        let asked = runs(text);
        for sentence in reply.lines().flat_map(sentences_of_line) {
            for range in names(&sentence) {
                let written = &sentence[range.clone()];
                let gap = [&sentence[..range.start], "\u{0}", &sentence[range.end..]].concat();
                if self.gaps.len() >= MOST_GAPS {
                    self.gaps.retain(|_, names| names.len() > 1);
                }
                let all = self.gaps.entry(xxh3_64(gap.as_bytes())).or_default();
                let at = all.iter().position(|name| name.written == written).unwrap_or_else(|| {
                    if all.len() < COUNTED {
                        let (written, customers) = (written.to_owned(), Vec::new());
                        all.push(Name { written, replies: 0, echoed: 0, customers });
                    }
                    all.len() - 1
                });
                let name = &mut all[at];
                if name.written == written {
                    name.replies += 1;
                    name.echoed += u32::from(asked.contains(&folded(written)));
                    if name.customers.len() < KEPT && !name.customers.contains(&customer) {
                        name.customers.push(customer);
                    }
                }
            }
        }
    }

    /// The products, as technicians write them, sorted; `distinct` says how many distinct customers some are.
    pub(super) fn finish(self, distinct: &dyn Fn(&[u32]) -> usize) -> Vec<String> {
        let mut customers: HashMap<String, BTreeSet<u32>> = HashMap::new();
        for all in self.gaps.into_values().filter(|all| all.len() >= SORT) {
            let sum = |of: fn(&Name) -> u32| all.iter().map(of).sum::<u32>();
            let (replies, echoed) = (sum(|n| n.replies), sum(|n| n.echoed));
            if f64::from(echoed) >= ECHOED * f64::from(replies) {
                // A name that no ticket had is none of the sort.
                for name in all.into_iter().filter(|name| name.echoed > 0) {
                    customers.entry(name.written).or_default().extend(name.customers);
                }
            }
        }
        let several = |customers: &BTreeSet<u32>| {
            distinct(&customers.iter().copied().collect::<Vec<u32>>()) >= SHARED_BY
        };
        let shared = customers.into_iter().filter(|(_, customers)| several(customers));
        let mut products: Vec<String> = shared.map(|(name, _)| name).collect();
        products.sort_unstable();
        products
    }
}

/// Finds products in texts.
#[derive(Debug, Clone, Default)]
pub(super) struct ProductNames(HashMap<String, Product>);

#[derive(Debug, Clone)]
struct Product {
    name: String,
    /// Whether it is an everyday word too: "Project" is a program, "project" is none.
    as_written: bool,
}

impl ProductNames {
    /// Finds products of these names; `ordinary` tells whether a lower-case word is an everyday one.
    pub(super) fn new(names: &[String], ordinary: impl Fn(&str) -> bool) -> Self {
        let product = |name: &String| {
            let word = folded(name);
            let as_written = ordinary(&word);
            (word, Product { name: name.clone(), as_written })
        };
        Self(names.iter().map(product).collect())
    }

    /// The products that `text` names, as technicians write them; the longest where one name has another.
    pub(super) fn named(&self, text: &str) -> BTreeSet<&str> {
        let (at, all): (Vec<Range<usize>>, Vec<String>) = words(text).unzip();
        let (mut found, mut i) = (BTreeSet::new(), 0);
        while i < all.len() {
            let longest = (1..=MOST_WORDS.min(all.len() - i)).rev();
            let named = |n: usize| {
                let product = self.0.get(&all[i..i + n].join(" "))?;
                let written = &text[at[i].start..at[i + n - 1].end];
                (!product.as_written || (written == product.name && !begins_sentence(text, at[i].start)))
                    .then_some((n, product))
            };
            let hit = longest.filter_map(named).next();
            if let Some((_, product)) = hit {
                found.insert(product.name.as_str());
            }
            i += hit.map_or(1, |(n, _)| n);
        }
        found
    }
}

/// All runs of up to [`MOST_WORDS`] words.
fn runs(text: &str) -> HashSet<String> {
    let all: Vec<String> = words(text).map(|(_, word)| word).collect();
    (1..=MOST_WORDS).flat_map(|n| all.windows(n).map(|run| run.join(" ")).collect::<Vec<_>>()).collect()
}

fn folded(name: &str) -> String {
    words(name).map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// Where a sentence has capitalised words that do not begin it: each run of them that is no longer than a name.
fn names(sentence: &str) -> Vec<Range<usize>> {
    let mut all: Vec<(Range<usize>, usize)> = Vec::new();
    for (range, _) in words(sentence) {
        if begins_sentence(sentence, range.start) || !sentence[range.clone()].starts_with(char::is_uppercase)
        {
            continue;
        }
        match all.last_mut().filter(|(last, _)| &sentence[last.end..range.start] == " ") {
            Some((last, n)) => (last.end, *n) = (range.end, *n + 1),
            None => all.push((range, 1)),
        }
    }
    all.into_iter().filter(|(_, n)| *n <= MOST_WORDS).map(|(range, _)| range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text_of;

    fn learnt() -> Vec<String> {
        let mut builder = ProductNamesBuilder::default();
        for i in 0..12 {
            let name = ["Excel", "Power BI", "Visio"][i % 3];
            let ticket = Ticket { body: Some(format!("please add {name} for me")), ..Ticket::default() };
            let reply = format!("Thanks. Has your manager approved {name} for you? Is the VPN on?");
            builder.add(&ticket, &text_of(&ticket), &reply, (i / 3) as u32);
        }
        builder.finish(&<[u32]>::len)
    }

    #[test]
    fn names_that_fill_one_gap_and_stand_in_the_tickets_are_products() {
        // The VPN is never anything else.
        assert_eq!(learnt(), ["Excel", "Power BI", "Visio"]);
        let products = ProductNames::new(&learnt(), |word| word == "visio");
        assert!(products.named("Visio is new. The visio of it").is_empty());
        assert_eq!(products.named("I need Visio").len(), 1);
        assert_eq!(
            products.named("my power bi and EXCEL, not excellent").into_iter().collect::<Vec<_>>(),
            ["Excel", "Power BI"]
        );
        assert!(products.named("a powerful printer").is_empty());
    }

    #[test]
    fn names_of_one_customer_or_of_no_ticket_are_none() {
        for (body, customers) in [("please add Excel Visio Word", 1), ("it is broken", 5)] {
            let mut builder = ProductNamesBuilder::default();
            for i in 0..15 {
                let ticket = Ticket { body: Some(body.into()), ..Ticket::default() };
                let reply = format!("We add {} now.", ["Excel", "Visio", "Word"][i % 3]);
                builder.add(&ticket, &text_of(&ticket), &reply, (i / 3 % customers) as u32);
            }
            assert!(builder.finish(&<[u32]>::len).is_empty());
        }
    }
}
