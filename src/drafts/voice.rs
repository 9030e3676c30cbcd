//! How drafts begin and end, by language: data, in TOML. The built-in voice is `voice.toml`.
//!
//! Must never hold a phrase that asks for a credential or gives one.

use std::collections::{BTreeMap, HashMap};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::customer_key;
use serde::{Deserialize, Serialize};

use crate::lexicon::credential;
use crate::slots::{Slot, fill};

/// The built-in voice, as TOML.
pub const DEFAULT_VOICE: &str = include_str!("voice.toml");

/// Greetings, signatures, and sentences of last resort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// The language of tickets that are too short to tell, from people who have not written before.
    pub default: String,
    /// What ends every draft; empty for none.
    #[serde(default)]
    pub signature: String,
    /// What a language model is told beside its task for every customer; empty for nothing.
    #[serde(default)]
    pub instructions: String,
    /// What holds for one customer, by its name.
    #[serde(default)]
    pub customers: BTreeMap<String, ForCustomer>,
    /// Sentences of each language, by ISO 639-1.
    #[serde(flatten)]
    pub languages: BTreeMap<String, Phrases>,
}

/// What holds for one customer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForCustomer {
    /// What a language model is told, in place of what it is told for everybody.
    #[serde(default)]
    pub instructions: String,
    /// A sentence at the end of each draft; empty for none.
    #[serde(default)]
    pub closing: String,
}

/// Sentences of one language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    /// The first line, with `{contact}`.
    pub greeting: String,
    /// The first line where nobody knows who wrote.
    pub greeting_without_name: String,
    /// A polite sentence, in front of all others.
    pub opening: String,
    /// That the ticket was received.
    pub acknowledgement: String,
    /// What to ask where nothing is known.
    pub question: String,
    /// That the contact has to be identified first.
    pub identity: String,
}

impl Voice {
    /// Reads a voice; `place` names it in errors.
    ///
    /// # Errors
    /// [`Code::Config`] when it is no TOML of this form, or its default language is not in it.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fault = |problem: String| {
            let next = "Begin with the built-in one: firstline draft --print-voice";
            UserError::new(Code::Config, place, problem, next)
        };
        let voice: Self = toml::from_str(text).map_err(|e| fault(e.message().to_owned()))?;
        match voice.problem() {
            Some(problem) => Err(fault(problem).into()),
            None => Ok(voice),
        }
    }

    /// What is wrong with a voice, where anything is.
    fn problem(&self) -> Option<String> {
        if !self.languages.contains_key(&self.default) {
            return Some(format!("no phrases of its default language {:?}", self.default));
        }
        let closings = || self.customers.values().map(|c| &c.closing);
        if let Some(odd) = closings().find(|c| c.contains(['{', '}'])) {
            return Some(format!("{odd:?} has a slot; only a greeting has, {{contact}}"));
        }
        let said =
            self.languages.values().flat_map(|p| [&p.opening, &p.acknowledgement, &p.question, &p.identity]);
        if let Some((said, found)) = said.chain(closings()).find_map(|s| Some((s, credential(s)?))) {
            return Some(format!("{said:?} asks for a credential or gives one: {found:?}"));
        }
        self.languages.iter().find_map(|(language, phrases)| {
            phrases.problem(&self.signature).map(|problem| format!("{language}: {problem}"))
        })
    }

    /// What a language model is told for the customer of this [key](firstline_ticket::customer_key).
    pub(crate) fn told(&self, customer: &str) -> &str {
        let own = self.customer(customer).map_or("", |c| &c.instructions);
        if own.is_empty() { &self.instructions } else { own }
    }

    /// What ends the drafts for the customer of this [key](firstline_ticket::customer_key); empty for nothing.
    pub(crate) fn closing(&self, customer: &str) -> &str {
        self.customer(customer).map_or("", |c| &c.closing)
    }

    fn customer(&self, key: &str) -> Option<&ForCustomer> {
        self.customers.iter().find(|(name, _)| !key.is_empty() && customer_key(name) == key).map(|(_, c)| c)
    }

    /// The built-in voice.
    ///
    /// # Errors
    /// None but a fault of ours.
    pub fn built_in() -> Result<Self> {
        Self::parse(DEFAULT_VOICE, "voice.toml").map_err(|e| InternalError::new(e.to_string()).into())
    }

    /// The phrases of `language`; `None` where the voice does not speak it.
    pub fn phrases(&self, language: &str) -> Option<&Phrases> {
        self.languages.get(language)
    }
}

impl Phrases {
    /// Those of a language that the voice does not speak: none.
    pub(crate) const NONE: &'static Self = &Self {
        greeting: String::new(),
        greeting_without_name: String::new(),
        opening: String::new(),
        acknowledgement: String::new(),
        question: String::new(),
        identity: String::new(),
    };

    /// What is wrong with these phrases, which end with `signature`.
    fn problem(&self, signature: &String) -> Option<String> {
        let needed = [&self.greeting_without_name, &self.acknowledgement, &self.identity];
        if needed.into_iter().any(|phrase| phrase.trim().is_empty()) {
            let problem = "greeting_without_name, acknowledgement and identity must not be empty";
            return Some(problem.to_owned());
        }
        let greeting = self.greeting.replace(Slot::Contact.mark(), "");
        let bare = [
            &self.greeting_without_name,
            &self.opening,
            &self.acknowledgement,
            &self.question,
            &self.identity,
            &greeting,
            signature,
        ];
        let odd = bare.into_iter().find(|s| s.contains(['{', '}']))?;
        Some(format!("{odd:?} has a slot; only a greeting has, {{contact}}"))
    }

    /// The first line.
    pub fn greet(&self, slots: &HashMap<Slot, String>) -> String {
        fill(&self.greeting, slots).unwrap_or_else(|| self.greeting_without_name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_voice_greets_in_the_tickets_language() {
        let voice = Voice::built_in().unwrap();
        let slots = HashMap::from([(Slot::Contact, "Eva".to_owned())]);
        assert_eq!(voice.phrases("de").unwrap().greet(&slots), "Hallo Eva,");
        assert_eq!(voice.phrases("fi"), None);
        assert_eq!(voice.phrases("fr").unwrap().greet(&HashMap::new()), "Bonjour,");
        let error = Voice::parse("default = \"xx\"", "v.toml").unwrap_err().to_string();
        assert!(error.contains("v.toml") && error.contains("\"xx\""), "{error}");
    }
}
