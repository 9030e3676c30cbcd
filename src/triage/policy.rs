//! What no model decides: how priorities rank and what a wrong one costs, and rules that stand above every decision.
//! All of it is data, in TOML; the built-in policy is `policy.toml`. A rule only ever makes a decision more careful.

use firstline_ticket::{Code, Confidence, Decision, Field, FiredRule, LabelSpace, Result, Ticket, UserError};
use serde::{Deserialize, Serialize};

use crate::Ordinal;

/// The policy that holds where no other is given.
pub const DEFAULT_POLICY: &str = include_str!("policy.toml");

/// Ranks of priorities, and rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How priorities rank and what a wrong one costs.
    pub priority: Ranks,
    /// The rules, all of which are tried.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// How priorities rank and what a wrong one costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranks {
    /// Most urgent first: the names that a label of each rank may have.
    pub ranks: Vec<Vec<String>>,
    /// Cost of a label one rank too low.
    pub under_call: f64,
    /// Cost of a label one rank too high.
    pub over_call: f64,
    /// What each further rank adds, as a share of that.
    pub step: f64,
}

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
    /// The rank, by any of its names, that the priority is raised to.
    #[serde(default)]
    pub at_least: Option<String>,
    /// Whether a person decides.
    #[serde(default)]
    pub person: bool,
    /// Whether the sender's identity has to be verified before anything is sent.
    #[serde(default)]
    pub verify_identity: bool,
}

impl Policy {
    /// Reads a policy; `place` names it in errors.
    ///
    /// # Errors
    /// [`Code::Config`] when it is no policy.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fault = |problem: String| {
            UserError::new(
                Code::Config,
                place,
                problem,
                "`firstline policy` prints the built-in one as an example",
            )
        };
        let policy: Self = toml::from_str(text)
            .map_err(|e| fault(e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
        let ranks = &policy.priority;
        if ![ranks.under_call, ranks.over_call, ranks.step].iter().all(|c| (0.0..=1e6).contains(c)) {
            return Err(fault("the costs of [priority] must be 0 to a million".to_owned()).into());
        }
        for rule in &policy.rules {
            if let Some(name) = rule.at_least.as_ref().filter(|name| ranks.rank(name).is_none()) {
                return Err(
                    fault(format!("rule {:?}: {name:?} is in no rank of [priority]", rule.name)).into()
                );
            }
        }
        Ok(policy)
    }

    /// The built-in policy.
    ///
    /// # Errors
    /// None in practice: it is part of the program, and tested.
    pub fn built_in() -> Result<Self> {
        Self::parse(DEFAULT_POLICY, "the built-in policy")
    }

    /// Applies the rules to what was decided about `ticket`: raises its priority to a label of `priorities`, and notes
    /// which rules fired.
    pub fn apply(&self, ticket: &Ticket, priorities: Option<&LabelSpace>, decision: &mut Decision) {
        let text = words(&[&ticket.subject, &ticket.body]);
        for rule in self.rules.iter().filter(|rule| rule.fires(ticket, &text)) {
            let wanted = rule.at_least.as_ref().and_then(|name| self.priority.rank(name));
            let raised_from = wanted.and_then(|rank| self.raise(rank, priorities, decision));
            decision.rules.push(FiredRule {
                name: rule.name.clone(),
                raised_priority_from: raised_from,
                person: rule.person,
                verify_identity: rule.verify_identity,
            });
        }
    }

    /// Raises the priority to `rank`, to the least urgent label that is urgent enough; returns what it was.
    fn raise(&self, rank: usize, priorities: Option<&LabelSpace>, decision: &mut Decision) -> Option<String> {
        let field = decision.fields.get_mut(&Field::Priority)?;
        if self.priority.rank(&field.label)? <= rank {
            return None;
        }
        let ranked = priorities?.labels().iter().filter_map(|l| Some((self.priority.rank(l)?, l)));
        let (_, label) = ranked.filter(|(r, _)| *r <= rank).max_by_key(|(r, _)| *r)?;
        field.alternatives.retain(|candidate| candidate.label != *label);
        // The rule is certain of itself, whatever the model thought.
        field.confidence = Confidence::new(1.0);
        Some(std::mem::replace(&mut field.label, label.clone()))
    }
}

impl Ranks {
    /// The rank of a label by its name.
    pub fn rank(&self, name: &str) -> Option<usize> {
        let name = name.trim().to_lowercase();
        self.ranks.iter().position(|names| names.iter().any(|n| n.trim().to_lowercase() == name))
    }

    /// The order of the labels of `space`; `None` where one of them has no rank.
    pub fn ordinal(&self, space: &LabelSpace) -> Option<Ordinal> {
        let ranks = space.labels().iter().map(|label| self.rank(label)).collect::<Option<Vec<_>>>()?;
        Some(Ordinal { ranks, under_call: self.under_call, over_call: self.over_call, step: self.step })
    }
}

impl Rule {
    fn fires(&self, ticket: &Ticket, text: &str) -> bool {
        let named = |value: &Option<String>, names: &[String]| {
            let value = value.as_deref().unwrap_or_default().trim().to_lowercase();
            !value.is_empty() && names.iter().any(|name| name.trim().to_lowercase() == value)
        };
        named(&ticket.contact, &self.contacts)
            || named(&ticket.customer, &self.customers)
            || self.words.iter().any(|phrase| text.contains(&words(&[&Some(phrase.clone())])))
    }
}

/// The words of some texts in lower case, each between single spaces: a phrase's words stand in a text's exactly where
/// it holds the phrase as whole words.
fn words(texts: &[&Option<String>]) -> String {
    let mut all = String::from(" ");
    for text in texts.iter().filter_map(|t| t.as_deref()) {
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            all.extend(word.chars().flat_map(char::to_lowercase));
            all.push(' ');
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{Candidate, FieldDecision};

    fn decided(priority: &str) -> Decision {
        let candidate = |label: &str| Candidate { label: label.to_owned(), confidence: Confidence::new(0.2) };
        let field = FieldDecision {
            label: priority.to_owned(),
            confidence: Confidence::new(0.6),
            alternatives: vec![candidate("Critical"), candidate("Medium")],
        };
        Decision { fields: [(Field::Priority, field)].into(), ..Decision::default() }
    }

    fn apply(subject: &str, priority: &str) -> Decision {
        let space = LabelSpace::new(["Critical", "High", "Medium", "Low"].map(String::from));
        let ticket = Ticket { subject: Some(subject.to_owned()), ..Ticket::default() };
        let mut decision = decided(priority);
        Policy::built_in().unwrap().apply(&ticket, Some(&space), &mut decision);
        decision
    }

    #[test]
    fn a_rule_raises_and_never_lowers() {
        let d = apply("RE: Phishing-Mail received", "Low");
        let priority = &d.fields[&Field::Priority];
        assert_eq!(
            (priority.label.as_str(), d.rules[0].raised_priority_from.as_deref()),
            ("High", Some("Low"))
        );
        assert!(d.rules[0].person && d.rules[0].name == "security");
        let d = apply("phishing", "Critical");
        assert_eq!(
            (d.fields[&Field::Priority].label.as_str(), &d.rules[0].raised_priority_from),
            ("Critical", &None)
        );
        let d = apply("the server is down", "High");
        assert_eq!(d.fields[&Field::Priority].label, "Critical");
        assert!(d.fields[&Field::Priority].alternatives.iter().all(|c| c.label != "Critical"));
    }

    #[test]
    fn whole_words_only_and_several_rules_may_fire() {
        assert!(apply("antivirus renewal", "Low").rules.is_empty());
        assert!(apply("calibrating the pump", "Low").rules.is_empty(), "no iban in it");
        let d = apply("Reset my password please, I was hacked", "Low");
        let names: Vec<_> = d.rules.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["security", "credentials"]);
        assert!(d.rules[1].verify_identity && !d.rules[1].person);
    }

    #[test]
    fn people_are_known_by_name_and_an_empty_list_names_nobody() {
        let policy = "[priority]\nranks=[[\"a\"],[\"b\"]]\nunder_call=1\nover_call=1\nstep=0\n[[rule]]\nname=\"vip\"\ncontacts=[\"Ann Lee\"]\n";
        let policy = Policy::parse(policy, "p").unwrap();
        let fired = |contact: Option<&str>| {
            let ticket = Ticket { contact: contact.map(str::to_owned), ..Ticket::default() };
            let mut decision = decided("b");
            policy.apply(&ticket, None, &mut decision);
            decision.rules.len()
        };
        assert_eq!([fired(Some(" ann lee")), fired(Some("bob")), fired(None)], [1, 0, 0]);
    }

    #[test]
    fn labels_are_ranked_by_name_or_not_at_all() {
        let ranks = Policy::built_in().unwrap().priority;
        let of = |labels: &[&str]| ranks.ordinal(&LabelSpace::new(labels.iter().map(|l| (*l).to_owned())));
        assert_eq!(of(&["high", "low", "medium"]).unwrap().ranks, [1, 3, 2]);
        assert!(of(&["High", "Whenever"]).is_none());
    }

    #[test]
    fn what_is_no_policy_is_named() {
        let fault = |text: &str| Policy::parse(text, "p.toml").unwrap_err().to_string();
        assert!(fault("[priority]").contains("p.toml"));
        assert!(
            fault(&DEFAULT_POLICY.replace("at_least = \"critical\"", "at_least = \"now\""))
                .contains("\"now\"")
        );
        assert!(fault(&DEFAULT_POLICY.replace("under_call = 1.25", "under_call = -1")).contains("costs"));
        assert!(fault(&DEFAULT_POLICY.replace("person = true", "persons = true")).contains("persons"));
    }
}
