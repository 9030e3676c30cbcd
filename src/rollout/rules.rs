//! The desk's routing rules before Firstline, in one form whatever PSA they come from, and what they would have done.
//!
//! A rule whose condition nobody could read is kept as it was and never replayed: a rule set is not judged by guesses.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_stats::{McNemar, mcnemar};
use firstline_ticket::Field;
use serde::{Deserialize, Serialize};

use crate::Share;

/// A rule set, `rules.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// The rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RoutingRule>,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingRule {
    /// Its name.
    pub name: String,
    /// Where it stands: a PSA's workflow, its mail parser, learnt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Its place: lower ones come first, equal ones as they stand in the file.
    #[serde(default)]
    pub order: i64,
    /// Whether no further rule is looked at once it has fired.
    #[serde(default)]
    pub stop: bool,
    /// When it fires: always where nothing is asked; `None` where its condition could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What it sets. A later rule that fires has the last word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<Field, String>,
    /// Whether it also acts on customers: replies, closes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acts_on_customers: bool,
    /// The rule as the PSA has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// When a rule fires: every field has one of its values, and one of the words stands in the subject or the body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Values by field: `source`, `customer`, `contact`, `domain` or a label. Case and blanks around them don't count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Vec<String>>,
    /// Words or phrases, met as whole words in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// A ticket as rules see it when it comes in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleTicket {
    fields: BTreeMap<String, String>,
    text: String,
}

impl RuleTicket {
    /// A ticket with these fields and this text.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, text: &str) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), folded(value)));
        Self { fields: fields.filter(|(_, value)| !value.is_empty()).collect(), text: spaced(text) }
    }

    /// Its fields, in order of their names, values in lower case.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Its words, in lower case.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_ascii_whitespace()
    }
}

fn folded(value: &str) -> String {
    value.trim().to_lowercase()
}

/// The words of `text` in lower case, with one space before, between and behind them.
fn spaced(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut spaced = String::with_capacity(lower.len() + 2);
    spaced.push(' ');
    for word in words {
        spaced.push_str(word);
        spaced.push(' ');
    }
    spaced
}

impl Condition {
    fn holds(&self, ticket: &RuleTicket) -> bool {
        let field = |(name, values): (&String, &Vec<String>)| {
            let value = ticket.fields.get(name);
            value.is_some_and(|value| values.iter().any(|wanted| folded(wanted) == *value))
        };
        let word = |phrase: &String| {
            let phrase = spaced(phrase);
            phrase.len() > 1 && ticket.text.contains(&phrase)
        };
        self.fields.iter().all(field) && (self.words.is_empty() || self.words.iter().any(word))
    }
}

impl RuleSet {
    /// Reads `rules.toml`; `place` names it in errors.
    ///
    /// # Errors
    /// [`Code::Config`] when it is not of that form, or a rule has neither a condition nor the PSA's own text.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fault = |problem: String| {
            let next = "Give each [[rule]] a name, `when` with fields or words, and `set`; or `raw` where it can't be read";
            UserError::new(Code::Config, place, problem, next)
        };
        let set: Self = toml::from_str(text)
            .map_err(|e| fault(e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
        match set.rules.iter().find(|rule| rule.when.is_none() && rule.raw.is_none()) {
            Some(rule) => Err(fault(format!("rule {:?} has neither `when` nor `raw`", rule.name)).into()),
            None => Ok(set),
        }
    }

    /// It as a file, in order, so that equal sets have equal bytes.
    ///
    /// # Errors
    /// None in practice: every set can be written.
    pub fn to_toml(&self) -> Result<String> {
        let ordered = Self { rules: self.ordered().into_iter().cloned().collect() };
        let internal =
            |e: toml::ser::Error| firstline_fault::InternalError::new(format!("writing rules: {e}"));
        Ok(toml::to_string_pretty(&ordered).map_err(internal)?)
    }

    /// Rules whose condition could not be read: what they do is not replayed.
    pub fn unread(&self) -> usize {
        self.rules.iter().filter(|rule| rule.when.is_none()).count()
    }

    fn ordered(&self) -> Vec<&RoutingRule> {
        let mut rules: Vec<&RoutingRule> = self.rules.iter().collect();
        rules.sort_by_key(|rule| rule.order);
        rules
    }

    /// The labels that the rules give each of `tickets`.
    pub fn replay<'a>(&'a self, tickets: &[RuleTicket]) -> Vec<BTreeMap<Field, &'a str>> {
        let rules = self.ordered();
        let one = |ticket: &RuleTicket| {
            let mut labels = BTreeMap::new();
            for rule in &rules {
                if rule.when.as_ref().is_some_and(|when| when.holds(ticket)) {
                    labels.extend(rule.set.iter().map(|(field, label)| (*field, label.as_str())));
                    if rule.stop {
                        break;
                    }
                }
            }
            labels
        };
        tickets.iter().map(one).collect()
    }
}

/// One ticket's board by rules and by the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Routed<'a> {
    /// The board that stood before any person touched it.
    pub initial: Option<&'a str>,
    /// The board that replayed rules give it.
    pub replayed: Option<&'a str>,
    /// The board that the model decided.
    pub model: Option<&'a str>,
    /// The board at closing.
    pub closing: &'a str,
}

/// Rules beside the model, on the same tickets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RulesBeside {
    /// Tickets that the rules sent where they ended.
    pub rules: Share,
    /// Tickets that the model did.
    pub model: Share,
    /// The difference, rules less model, with its interval and exact test.
    pub test: McNemar,
    /// Tickets judged by the board that they had before any person touched them; the others by replaying rules.
    pub by_initial_label: u64,
    /// Tickets without an end or without a decision of the model: left out.
    pub left_out: u64,
}

/// Compares rules and model. A ticket that no rule gives a board is one that the rules got wrong: somebody had to route it.
pub fn rules_beside<'a>(tickets: impl IntoIterator<Item = Routed<'a>>) -> RulesBeside {
    let (mut pairs, mut by_initial_label, mut left_out) = (Vec::new(), 0, 0);
    for ticket in tickets {
        let closing = ticket.closing.trim();
        let Some(model) = ticket.model.filter(|_| !closing.is_empty()) else {
            left_out += 1;
            continue;
        };
        by_initial_label += u64::from(ticket.initial.is_some());
        let rules = ticket.initial.or(ticket.replayed);
        pairs.push((rules.is_some_and(|rules| rules.trim() == closing), model.trim() == closing));
    }
    RulesBeside {
        rules: Share::of(pairs.iter().map(|pair| pair.0)),
        model: Share::of(pairs.iter().map(|pair| pair.1)),
        test: mcnemar(pairs),
        by_initial_label,
        left_out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [[rule]]
        name = "everything else"
        source = "default"
        order = 99
        when = {}
        set = { board = "Service Desk" }

        [[rule]]
        name = "vpn"
        order = 20
        stop = true
        when = { words = ["VPN", "remote access"] }
        set = { board = "Network", priority = "P2" }

        [[rule]]
        name = "monitoring"
        order = 10
        stop = true
        when = { fields = { source = ["Monitoring"], customer = ["Corvid Ltd", "Osprey GmbH"] }, words = ["backup"] }
        set = { board = "Alerts" }

        [[rule]]
        name = "nobody knows"
        order = 5
        stop = true
        set = { board = "Nowhere" }
        raw = "[company] = 7 AND ([x] CONTAINS 'y')"
    "#;

    #[test]
    fn r7_rules_fire_in_their_order_until_one_stops() {
        let rules = RuleSet::parse(RULES, "rules.toml").unwrap();
        let ticket = |source, text| RuleTicket::new([("source", source), ("customer", " corvid ltd")], text);
        let tickets = [
            ticket("monitoring", "Backup failed on SRV-2"),
            ticket("email", "No Remote  Access since Monday"),
            ticket("email", "the avpn tool"),
            ticket("email", "backup, please"),
        ];
        let found = rules.replay(&tickets);
        let boards: Vec<&str> = found.iter().map(|labels| labels[&Field::Board]).collect();
        assert_eq!(boards, ["Alerts", "Network", "Service Desk", "Service Desk"]);
        assert_eq!((found[1][&Field::Priority], rules.unread()), ("P2", 1));
    }

    #[test]
    fn r7_a_file_is_read_as_it_was_written() {
        let rules = RuleSet::parse(RULES, "rules.toml").unwrap();
        let written = rules.to_toml().unwrap();
        let again = RuleSet::parse(&written, "rules.toml").unwrap();
        assert_eq!(again.to_toml().unwrap(), written);
        let names: Vec<&str> = again.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["nobody knows", "monitoring", "vpn", "everything else"]);
        let wrong = |text: &str| RuleSet::parse(text, "rules.toml").unwrap_err().to_string();
        assert!(wrong("[[rule]]\nname = \"a\"").contains("\"a\" has neither"));
        assert!(wrong("[[rule]]\nname = \"a\"\nthen = 1").contains("then"));
    }

    #[test]
    fn r8_rules_and_model_are_compared_on_the_same_tickets() {
        let routed = |initial, replayed, model| Routed { initial, replayed, model, closing: "Network" };
        let net = Some("Network");
        let mut tickets = vec![routed(Some("Service Desk"), net, net); 12];
        tickets.extend(vec![routed(None, net, Some("Service Desk")); 5]);
        tickets.extend(vec![routed(None, None, net); 3]);
        tickets.extend([routed(net, None, None), Routed { closing: " ", ..routed(net, None, net) }]);
        let found = rules_beside(tickets);
        assert_eq!((found.rules, found.model), (Share::new(5, 20), Share::new(15, 20)));
        assert_eq!((found.by_initial_label, found.left_out), (12, 2));
        assert_eq!((found.test.first_only, found.test.second_only), (5, 15));
        assert!(found.test.p < 0.05 && found.test.interval.hi < 0.0);
    }
}
