//! The routing rules of the invented desk, run over a ticket as it comes in: what its labels are before any person touches it.
//!
//! Must never look at what the ticket is really about: rules see what a PSA's rules see.

use std::collections::BTreeMap;

use firstline_ticket::Field;
use serde::Deserialize;

/// The rule set, in the form of `rules.toml`.
pub(crate) const SOURCE: &str = include_str!("catalog/rules.toml");

/// The board on which tickets come in.
pub(crate) const INBOX: &str = "Service Desk";
/// The priority that they come in with.
pub(crate) const PRIORITY: &str = "P3 - Medium";

/// A rule set, in the order in which it runs.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "source")]
    _source: String,
    order: i64,
    #[serde(default)]
    stop: bool,
    when: When,
    set: BTreeMap<Field, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    #[serde(default)]
    fields: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    words: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<Rule>,
}

impl Rules {
    /// Reads `source`; `Err` tells what is wrong in words.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let file: File = toml::from_str(source).map_err(|e| format!("rules.toml: {e}"))?;
        let mut rules = file.rule;
        rules.sort_by_key(|rule| rule.order);
        for rule in &mut rules {
            if let Some(name) = rule.when.fields.keys().find(|name| *name != "source") {
                return Err(format!("rules.toml: no rule here asks for {name:?}"));
            }
            rule.when.words.iter_mut().for_each(|phrase| *phrase = spaced(phrase));
        }
        Ok(Self(rules))
    }

    /// The labels that a ticket from `source` with this text has once the rules have run.
    pub(crate) fn route(&self, source: &str, text: &str) -> BTreeMap<Field, String> {
        let text = spaced(text);
        let mut labels =
            BTreeMap::from([(Field::Board, INBOX.to_owned()), (Field::Priority, PRIORITY.to_owned())]);
        for rule in &self.0 {
            let from = rule.when.fields.get("source").is_none_or(|all| all.iter().any(|s| s == source));
            let words = &rule.when.words;
            if from && (words.is_empty() || words.iter().any(|phrase| text.contains(phrase))) {
                labels.extend(rule.set.iter().map(|(field, label)| (*field, label.clone())));
                if rule.stop {
                    break;
                }
            }
        }
        labels
    }
}

/// The words of `text` in lower case, with one space before, between and behind them.
fn spaced(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut out = String::with_capacity(lower.len() + 2);
    out.push(' ');
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        out.push_str(word);
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::Catalog;
    use crate::history::PRIORITIES;

    #[test]
    fn the_last_rule_that_fires_has_the_last_word_and_words_are_whole() {
        let rules = Rules::parse(SOURCE).unwrap();
        let of = |source: &str, text: &str| {
            let labels = rules.route(source, text);
            [Field::Board, Field::Type, Field::Priority].map(|f| labels.get(&f).cloned().unwrap_or_default())
        };
        assert_eq!(of("email", "My chair is broken"), [INBOX, "", PRIORITY]);
        assert_eq!(of("email", "VPN: urgent!"), ["Network & Security", "", "P2 - High"]);
        assert_eq!(of("email", "Outlook does not print"), ["Service Desk", "Printing & Scanning", PRIORITY]);
        assert_eq!(of("monitoring", "Printer offline")[0], "Monitoring & Backup");
        assert_eq!(of("email", "We reordered the steams")[0], INBOX);
        assert_eq!(of("portal", "Mein Drucker ist kaputt")[1], "Printing & Scanning");
        assert!(Rules::parse("[[rule]]\nname = \"x\"").is_err());
    }

    #[test]
    fn rules_set_labels_that_the_picklists_have() {
        let catalog = Catalog::load();
        let boards: BTreeSet<&str> = catalog.places.iter().map(|p| p.board.as_str()).collect();
        let types: BTreeSet<&str> = catalog.places.iter().map(|p| p.kind.as_str()).collect();
        assert!(boards.contains(INBOX) && PRIORITIES.contains(&PRIORITY));
        for (field, label) in Rules::parse(SOURCE).unwrap().0.iter().flat_map(|rule| &rule.set) {
            match field {
                Field::Board => assert!(boards.contains(label.as_str()), "{label}"),
                Field::Type => assert!(types.contains(label.as_str()), "{label}"),
                Field::Priority => assert!(PRIORITIES.contains(&label.as_str()), "{label}"),
                other => panic!("{other}"),
            }
        }
    }
}
