//! A rule that stands above the models, and the tickets that it fires for. It must never be met by a part of a word.

use firstline_ticket::Ticket;
use serde::{Deserialize, Serialize};

/// A rule that makes some tickets' decisions more careful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it is called where it fires.
    pub name: String,
    /// It fires when one of these stands in subject or body, as whole words.
    #[serde(default)]
    pub words: Vec<String>,
    /// It fires for tickets of these contacts.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// It fires for tickets of these customers.
    #[serde(default)]
    pub customers: Vec<String>,
    /// It fires only for tickets opened outside the hours.
    #[serde(default)]
    pub after_hours: bool,
    /// It fires only where the priority has come to at least this rank. It also fires where a priority was decided that has no
    /// rank, and then a person decides.
    #[serde(default)]
    pub when_at_least: Option<String>,
    /// The rank, by any of its names, that the priority is raised to.
    #[serde(default)]
    pub at_least: Option<String>,
    /// Whether a person decides. One does in any case where it is not known that the priority is what the rule wants.
    #[serde(default)]
    pub person: bool,
    /// Whether the sender's identity has to be verified before anything is sent. Words that a ticket only reports, what a
    /// phishing mail asks for, ask for no such step.
    #[serde(default)]
    pub verify_identity: bool,
}

impl Rule {
    /// Whether the rule fires by its words alone, and all of them are only reported, as `only_report` tells of phrases.
    pub(super) fn is_only_reported(&self, ticket: &Ticket, only_report: impl Fn(&[String]) -> bool) -> bool {
        let by_name = Self { words: Vec::new(), ..self.clone() };
        let named = (!self.contacts.is_empty() || !self.customers.is_empty()) && by_name.fires(ticket, " ");
        let phrases: Vec<String> = self.words.iter().map(|phrase| words(&[phrase])).collect();
        !named && only_report(&phrases)
    }

    /// Whether the ticket is one that the rule names; a rule that names none is for all that it is narrowed down to.
    pub(super) fn fires(&self, ticket: &Ticket, text: &str) -> bool {
        let named = |value: &Option<String>, names: &[String]| {
            let value = value.as_deref().unwrap_or_default().trim().to_lowercase();
            !value.is_empty() && names.iter().any(|name| name.trim().to_lowercase() == value)
        };
        let Self { words: phrases, contacts, customers, .. } = self;
        if phrases.is_empty() && contacts.is_empty() && customers.is_empty() {
            return self.after_hours || self.when_at_least.is_some();
        }
        named(&ticket.contact, contacts)
            || named(&ticket.customer, customers)
            || phrases.iter().any(|phrase| text.contains(&words(&[phrase])))
    }
}

/// The words of some texts in lower case, each between single spaces: a phrase's words stand in a text's exactly where
/// it holds the phrase as whole words.
pub(super) fn words(texts: &[&str]) -> String {
    let mut all = String::from(" ");
    for text in texts {
        // A fragment of HTML without a tag comes through as it is: the commonest entity in one is no word.
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && *w != "nbsp") {
            all.extend(word.chars().flat_map(char::to_lowercase));
            all.push(' ');
        }
    }
    all
}
