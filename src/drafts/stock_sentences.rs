//! Stock sentences: what a desk says whatever the matter, such as "Thank you for getting in touch."
//!
//! They are learnt from the history, where they stand in replies of many categories, and are left out when replies are
//! compared: an answer is right or wrong by what it says of the matter. Must never hold a sentence that technicians wrote to
//! too few customers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use firstline_ticket::{Field, Ticket};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::language::language_of;
use crate::mask::SHARED_BY;
use crate::reply::first_reply;
use crate::segmentation::sentences_of_line;
use firstline_triage::normalize::normalize;

/// A sentence in replies of so many categories is a stock sentence, if no category has more than this share of them: labels are
/// wrong now and then, so that what belongs to one category is seen in others too.
const CATEGORIES: usize = 5;
const MOST: f64 = 0.4;
/// Categories that are counted one by one.
const COUNTED: usize = 64;
/// Longest sentence that is counted, in bytes.
const LONGEST: usize = 200;

/// The stock sentences of a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockSentences {
    /// All of them, in lower case.
    sentences: BTreeSet<String>,
    /// The one with which most replies begin, by language.
    openings: BTreeMap<String, String>,
}

/// Reads replies and learns the desk's stock sentences.
#[derive(Debug, Default)]
pub struct StockSentencesBuilder {
    /// By hash: most sentences stand in one reply only.
    counts: HashMap<u64, Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// From the second category on.
    text: String,
    categories: Vec<(u64, u32)>,
    customers: Vec<u64>,
    /// Replies that begin with it, by language.
    first: BTreeMap<String, usize>,
}

impl Count {
    /// Whether it is said whatever the matter, and whoever asks.
    fn is_stock(&self) -> bool {
        let all: u32 = self.categories.iter().map(|(_, n)| n).sum();
        let most = self.categories.iter().map(|(_, n)| *n).max().unwrap_or(0);
        self.categories.len() >= CATEGORIES
            && f64::from(most) <= MOST * f64::from(all)
            && self.customers.len() >= SHARED_BY
    }
}

impl StockSentencesBuilder {
    /// Learns from the reply to a ticket, of which the models read `text`.
    pub fn add(&mut self, ticket: &Ticket, text: &str) {
        let Some(reply) = first_reply(ticket) else { return };
        let reply = normalize(reply).text;
        let category =
            [Field::Board, Field::Type, Field::Subtype].map(|f| ticket.label(f).unwrap_or_default());
        let category = xxh3_64(category.join("\u{0}").as_bytes());
        let customer = xxh3_64(ticket.customer_key().as_bytes());
        let language = language_of(ticket, text);
        let lines = reply.lines().map(str::trim).filter(|l| !l.is_empty());
        // The first line after the greeting is where a reply begins.
        let mut greeted = false;
        for (i, line) in lines.enumerate() {
            greeted |= i == 0 && line.ends_with([',', '!', ':']);
            for (j, sentence) in
                sentences_of_line(line).into_iter().enumerate().filter(|(_, s)| s.len() <= LONGEST)
            {
                let count = self.counts.entry(xxh3_64(folded(&sentence).as_bytes())).or_default();
                match count.categories.iter().position(|(c, _)| *c == category) {
                    Some(at) => count.categories[at].1 += 1,
                    None if count.categories.len() < COUNTED => count.categories.push((category, 1)),
                    None => {}
                }
                if count.customers.len() < SHARED_BY && !count.customers.contains(&customer) {
                    count.customers.push(customer);
                }
                if i == 1 && j == 0 && greeted {
                    *count.first.entry(language.clone()).or_default() += 1;
                }
                if count.categories.len() > 1 {
                    count.text = sentence;
                }
            }
        }
    }

    /// What was learnt.
    pub fn finish(self) -> StockSentences {
        let stock: BTreeMap<String, Count> = self
            .counts
            .into_values()
            .filter(Count::is_stock)
            .map(|count| (folded(&count.text), count))
            .collect();
        let mut openings: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for count in stock.values() {
            // A sentence belongs to the language that it mostly begins in: tickets in others are told wrongly now and then.
            let all: usize = count.first.values().sum();
            let own = count.first.iter().find(|(language, n)| !language.is_empty() && 2 * **n > all);
            if let Some((language, &n)) = own.filter(|(_, n)| **n > CATEGORIES)
                && openings.get(language).is_none_or(|(most, _)| n > *most)
            {
                openings.insert(language.clone(), (n, count.text.clone()));
            }
        }
        let openings = openings.into_iter().map(|(language, (_, text))| (language, text)).collect();
        StockSentences { sentences: stock.into_keys().collect(), openings }
    }
}

impl StockSentences {
    /// Whether `sentence` is one of them.
    pub fn contains(&self, sentence: &str) -> bool {
        self.sentences.contains(&folded(sentence))
    }

    /// How the desk's replies in `language` begin, as a rule.
    pub fn opening(&self, language: &str) -> Option<&str> {
        self.openings.get(language).map(String::as_str)
    }
}

fn folded(sentence: &str) -> String {
    sentence.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Message;

    use super::*;
    use crate::text_of;

    #[test]
    fn what_is_said_whatever_the_matter_is_a_stock_sentence() {
        let mut stock = StockSentencesBuilder::default();
        for i in 0..8 {
            let text =
                format!("Hi Eva,\n\nThanks for your message. Please try number {i}. Does webmail work?");
            let message =
                Message { from: "technician".into(), text, visible: Some(true), ..Message::default() };
            let kind = if i < 6 { Some(format!("type {i}")) } else { Some("type 0".into()) };
            let one = Ticket {
                id: i.to_string(),
                customer: Some(format!("customer {}", i % 3)),
                kind,
                body: Some("The mail program does not open any more since this morning.".into()),
                messages: if i < 6 {
                    vec![message]
                } else {
                    vec![Message { text: "Please hold.".into(), ..message }]
                },
                ..Ticket::default()
            };
            stock.add(&one, &text_of(&one));
        }
        let stock = stock.finish();
        assert!(stock.contains("thanks for your message.") && stock.contains("Does webmail work?"));
        assert!(!stock.contains("Please try number 1.") && !stock.contains("Please hold."));
        assert_eq!(stock.opening("en"), Some("Thanks for your message."));
        assert_eq!(stock.opening("de"), None);
    }
}
