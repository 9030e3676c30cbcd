//! What no model decides: how priorities rank and what a wrong one costs, and rules that stand above every decision.
//! All of it is data, in TOML; the built-in policy is `policy.toml`. A rule only ever makes a decision more careful.

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Candidate, Confidence, Decision, Field, FiredRule, LabelSpace, Ticket};
use jiff::civil::{Time, Weekday};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{Ordinal, compose};

/// The policy that holds where no other is given.
pub const DEFAULT_POLICY: &str = include_str!("policy.toml");

/// Ranks of priorities, and rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How priorities rank and what a wrong one costs.
    pub priority: Ranks,
    /// When somebody is at the desk; without it no ticket is after hours.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// The rules, which are tried in their order.
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

/// When somebody is at the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// An IANA name such as `Europe/Berlin`.
    pub time_zone: String,
    /// Days of the week, by their English names.
    pub days: Vec<String>,
    /// When the day begins, as `08:00`.
    pub from: Time,
    /// When it ends; at or before `from`, on the morning after.
    pub to: Time,
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
    /// It fires only for tickets opened outside the hours.
    #[serde(default)]
    pub after_hours: bool,
    /// It fires only where the priority has come to at least this rank.
    #[serde(default)]
    pub when_at_least: Option<String>,
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
        if let Some(hours) = &policy.hours {
            hours.check().map_err(|problem| fault(format!("[hours]: {problem}")))?;
        }
        for rule in &policy.rules {
            if let Some(phrase) = rule.words.iter().find(|phrase| !phrase.contains(char::is_alphanumeric)) {
                return Err(fault(format!("rule {:?}: no word in {phrase:?}", rule.name)).into());
            }
            let mut named = [&rule.at_least, &rule.when_at_least].into_iter().flatten();
            if let Some(name) = named.find(|name| ranks.rank(name).is_none()) {
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
        // As it was sent, and as people see it: neither markup nor a hidden character takes a word out of reach.
        let seen = compose(ticket);
        let text = words(&[&ticket.subject, &ticket.body, &Some(seen.subject), &Some(seen.body)]);
        let after_hours = self.hours.as_ref().is_some_and(|hours| hours.are_over(ticket));
        for rule in &self.rules {
            let decided = decision.fields.get(&Field::Priority).and_then(|f| self.priority.rank(&f.label));
            let is_urgent =
                |name: &String| decided.is_some_and(|rank| Some(rank) <= self.priority.rank(name));
            let holds = (!rule.after_hours || after_hours) && rule.when_at_least.iter().all(is_urgent);
            if !holds || !rule.fires(ticket, &text) {
                continue;
            }
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
        // The confidence stays the model's own in the label that stands there: nobody has measured the rule.
        let known = field.alternatives.iter().position(|candidate| candidate.label == *label);
        let of_label = known.map(|i| field.alternatives.remove(i).confidence);
        let was = Candidate {
            label: std::mem::replace(&mut field.label, label.clone()),
            confidence: std::mem::replace(&mut field.confidence, of_label.unwrap_or(Confidence::new(0.0))),
        };
        field.alternatives.insert(0, was.clone());
        Some(was.label)
    }
}

impl Ranks {
    /// The rank of a label by its name.
    pub fn rank(&self, name: &str) -> Option<usize> {
        let name = name.trim().to_lowercase();
        self.ranks.iter().position(|names| names.iter().any(|n| n.trim().to_lowercase() == name))
    }

    /// The labels of `space` that have no rank. One is enough for there to be no order ([`Ranks::ordinal`]).
    pub fn unranked<'a>(&self, space: &'a LabelSpace) -> Vec<&'a str> {
        space.labels().iter().filter(|label| self.rank(label).is_none()).map(String::as_str).collect()
    }

    /// The order of the labels of `space`; `None` where one of them has no rank.
    pub fn ordinal(&self, space: &LabelSpace) -> Option<Ordinal> {
        let ranks = space.labels().iter().map(|label| self.rank(label)).collect::<Option<Vec<_>>>()?;
        Some(Ordinal { ranks, under_call: self.under_call, over_call: self.over_call, step: self.step })
    }
}

impl Hours {
    fn check(&self) -> std::result::Result<(), String> {
        TimeZone::get(&self.time_zone).map_err(|_| format!("no time zone {:?} is known", self.time_zone))?;
        if let Some(day) = self.days.iter().find(|day| weekday(day).is_none()) {
            return Err(format!("{day:?} is no day of the week"));
        }
        Ok(())
    }

    /// Whether `ticket` was opened at another time.
    fn are_over(&self, ticket: &Ticket) -> bool {
        let zone = TimeZone::get(&self.time_zone);
        let (Some(at), Ok(zone)) = (ticket.opened_at, zone) else { return false };
        let at = at.to_zoned(zone);
        let (day, time) = (at.weekday(), at.time());
        let is_open = |day: Weekday| self.days.iter().any(|name| weekday(name) == Some(day));
        let at_desk = match self.from < self.to {
            true => is_open(day) && time >= self.from && time < self.to,
            false => (is_open(day) && time >= self.from) || (is_open(day.previous()) && time < self.to),
        };
        !at_desk
    }
}

/// The day of the week by its English name.
fn weekday(name: &str) -> Option<Weekday> {
    strtime::parse("%A", name.trim()).ok()?.weekday()
}

impl Rule {
    /// Whether the ticket is one that the rule names; a rule that names none is for all that it is narrowed down to.
    fn fires(&self, ticket: &Ticket, text: &str) -> bool {
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
            || phrases.iter().any(|phrase| text.contains(&words(&[&Some(phrase.clone())])))
    }
}

/// The words of some texts in lower case, each between single spaces: a phrase's words stand in a text's exactly where
/// it holds the phrase as whole words.
fn words(texts: &[&Option<String>]) -> String {
    let mut all = String::from(" ");
    for text in texts.iter().filter_map(|t| t.as_deref()) {
        // A fragment of HTML without a tag comes through as it is: the commonest entity in one is no word.
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && *w != "nbsp") {
            all.extend(word.chars().flat_map(char::to_lowercase));
            all.push(' ');
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::FieldDecision;

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
        let priority = &d.fields[&Field::Priority];
        let others: Vec<_> = priority.alternatives.iter().map(|c| c.label.as_str()).collect();
        assert_eq!((priority.confidence.get(), others), (Confidence::new(0.2).get(), vec!["High", "Medium"]));
    }

    #[test]
    fn whole_words_only_and_several_rules_may_fire() {
        assert!(apply("antivirus renewal", "Low").rules.is_empty());
        assert!(apply("calibrating the pump", "Low").rules.is_empty(), "no iban in it");
        for hidden in [
            "The server&nbsp;is&nbsp;down",
            "<p><b>server</b> is down</p>",
            "<div>server is<span> down</span></div>",
            "phi\u{200b}shing",
        ] {
            let ticket = Ticket { body: Some(hidden.to_owned()), ..Ticket::default() };
            let mut decision = decided("Low");
            Policy::built_in().unwrap().apply(&ticket, None, &mut decision);
            assert_eq!(decision.rules.len(), 1, "{hidden:?}");
        }
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
    fn what_is_critical_after_hours_goes_to_a_person() {
        let space = LabelSpace::new(["Critical", "Low"].map(String::from));
        let fired = |subject: &str, at: Option<&str>, priority: &str| -> Vec<String> {
            let opened_at = at.map(|at| at.parse().unwrap());
            let ticket = Ticket { subject: Some(subject.to_owned()), opened_at, ..Ticket::default() };
            let mut decision = decided(priority);
            Policy::built_in().unwrap().apply(&ticket, Some(&space), &mut decision);
            decision.rules.into_iter().map(|r| r.name).collect()
        };
        let (night, noon, sunday) =
            (Some("2026-11-25T22:00:00Z"), Some("2026-11-25T12:00:00Z"), Some("2026-11-29T12:00:00Z"));
        assert_eq!(fired("odd", night, "Critical"), ["critical after hours"]);
        assert_eq!(fired("odd", sunday, "Critical"), ["critical after hours"]);
        for (at, priority) in [(noon, "Critical"), (None, "Critical"), (night, "Low")] {
            assert!(fired("odd", at, priority).is_empty(), "{at:?} {priority}");
        }
        // Raised by another rule first.
        assert_eq!(fired("server down", night, "Low"), ["outage", "critical after hours"]);
        let zone = DEFAULT_POLICY.replace("\"UTC\"", "\"Asia/Tokyo\"");
        let ticket = |at: &str| Ticket { opened_at: Some(at.parse().unwrap()), ..Ticket::default() };
        let hours = Policy::parse(&zone, "p").unwrap().hours.unwrap();
        assert!(
            !hours.are_over(&ticket("2026-11-25T00:00:00Z"))
                && hours.are_over(&ticket("2026-11-25T12:00:00Z"))
        );
        // A night shift: from Friday evening to Saturday morning, and no Saturday evening.
        let day = "from = \"08:00\"\nto = \"18:00\"";
        let night = DEFAULT_POLICY.replace(day, "from = \"20:00\"\nto = \"06:00\"");
        let hours = Policy::parse(&night, "p").unwrap().hours.unwrap();
        let over = ["27T19", "27T21", "28T05", "28T07", "28T21", "29T05"]
            .map(|at| hours.are_over(&ticket(&format!("2026-11-{at}:00:00Z"))));
        assert_eq!(over, [true, false, false, true, true, true]);
    }

    #[test]
    fn labels_are_ranked_by_name_or_not_at_all() {
        let ranks = Policy::built_in().unwrap().priority;
        let of = |labels: &[&str]| ranks.ordinal(&LabelSpace::new(labels.iter().map(|l| (*l).to_owned())));
        assert_eq!(of(&["high", "low", "medium"]).unwrap().ranks, [1, 3, 2]);
        assert!(of(&["High", "Whenever"]).is_none());
        let space = LabelSpace::new(["High".to_owned(), "Whenever".to_owned()]);
        assert_eq!(ranks.unranked(&space), ["Whenever"]);
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
        assert!(fault(&DEFAULT_POLICY.replace("\"UTC\"", "\"Mars\"")).contains("\"Mars\""));
        assert!(fault(&DEFAULT_POLICY.replace("\"friday\"", "\"fryday\"")).contains("\"fryday\""));
        assert!(fault(&DEFAULT_POLICY.replace("\"iban\"", "\"!!\"")).contains("no word in"));
    }
}
