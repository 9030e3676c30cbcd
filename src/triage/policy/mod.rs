//! What no model decides: how priorities rank and what a wrong one costs, and rules that stand above every decision.
//!
//! All of it is data, in TOML; the built-in policy is `policy.toml`. A rule only ever makes a decision more careful: it must
//! never lower a priority, nor replace one whose rank is not known.

mod hours;
mod names;
mod order;
mod ranks;
mod reports;
mod rule;

use std::cmp::Reverse;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{
    Candidate, Confidence, Decision, Field, FieldDecision, FiredRule, LabelSpace, Ticket,
};
use serde::{Deserialize, Serialize};

use crate::features::Input;
use crate::reader::Reader;
use crate::site_words::SiteWords;

pub use hours::{Hours, Shift};
use order::Level;
pub use ranks::Ranks;
use reports::Reports;
pub use rule::Rule;
use rule::words;

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
    /// What tells a report from a request; the built-in words where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reports: Option<Reports>,
    /// Words that the site adds to the built-in ones by which tickets are read.
    #[serde(default, skip_serializing_if = "SiteWords::is_empty")]
    pub words: SiteWords,
    /// The rules, which are tried in their order.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
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
        if !ranks.is_sound() {
            return Err(fault("the costs of [priority] must be 0 to a million".to_owned()).into());
        }
        if let Some(hours) = &policy.hours {
            hours.check().map_err(|problem| fault(format!("[hours]: {problem}")))?;
        }
        if let Some(phrase) = policy.reports.as_ref().and_then(Reports::odd_phrase) {
            let problem = format!("[reports]: {phrase:?} must be words in lower case, a space between them");
            return Err(fault(problem).into());
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

    /// Whether rules keep `ticket`, at the priority that it has, with a person, or ask who its writer is before anything is sent. `input`
    /// is its text as `reader` composes it.
    pub fn blocks(&self, ticket: &Ticket, input: &Input, reader: &Reader) -> bool {
        let mut decision = Decision::default();
        if let Some(label) = ticket.label(Field::Priority) {
            let field = FieldDecision {
                label: label.to_owned(),
                confidence: Confidence::new(1.0),
                alternatives: Vec::new(),
            };
            decision.fields.insert(Field::Priority, field);
        }
        self.apply_read(&Seen { ticket, words: &words_of(input), reader }, None, &mut decision);
        decision.rules.iter().any(|rule| rule.person || rule.verify_identity)
    }

    /// Applies the rules to what was decided about a ticket: raises its priority to a label of `priorities`, and notes
    /// which rules fired. Where it is not sure that the priority is what a rule wants at least, a person decides.
    pub(crate) fn apply_read(
        &self,
        seen: &Seen<'_>,
        priorities: Option<&LabelSpace>,
        decision: &mut Decision,
    ) {
        let &Seen { ticket, words: text, reader } = seen;
        // Only where somebody would be asked who they are does it matter what the ticket says of it.
        let is_request = |rule: &Rule| {
            let Input { subject, body, .. } = reader.compose(ticket);
            let reports = self.reports.as_ref().unwrap_or_else(|| Reports::built_in());
            !rule.is_only_reported(ticket, |phrases| reports.only_report(&[&subject, &body], phrases))
        };
        let after_hours = self.hours.as_ref().is_some_and(|hours| hours.are_over(ticket));
        for rule in &self.rules {
            let decided = decision.fields.get(&Field::Priority);
            let may_be_urgent = rule.when_at_least.iter().all(|name| self.may_be_urgent(name, decided));
            let holds = (!rule.after_hours || after_hours) && may_be_urgent;
            if !holds || !rule.fires(ticket, text) {
                continue;
            }
            let is_unranked = decided.is_some_and(|decided| self.priority.rank(&decided.label).is_none());
            let is_unsure = is_unranked && rule.when_at_least.is_some();
            let wanted = rule.at_least.as_ref().and_then(|name| self.priority.rank(name));
            let outcome = match (wanted, decision.fields.get_mut(&Field::Priority)) {
                (Some(wanted), Some(decided)) => self.raise(wanted, priorities, decided),
                _ => Raise::Needless,
            };
            decision.rules.push(FiredRule {
                name: rule.name.clone(),
                person: rule.person || is_unsure || outcome == Raise::Unsure,
                raised_priority_from: match outcome {
                    Raise::From(label) => Some(label),
                    Raise::Needless | Raise::Unsure => None,
                },
                verify_identity: rule.verify_identity && is_request(rule),
            });
        }
    }

    /// Whether the decided priority may be of at least the rank that the rule asks for: it is, or has no rank. Without a
    /// decided priority it may not.
    fn may_be_urgent(&self, name: &str, decided: Option<&FieldDecision>) -> bool {
        decided.is_some_and(|decided| {
            self.priority.rank(&decided.label).is_none_or(|rank| Some(rank) <= self.priority.rank(name))
        })
    }

    /// Raises a priority to rank `wanted`: to the least urgent label of `priorities` that is known to be urgent enough.
    fn raise(&self, wanted: usize, priorities: Option<&LabelSpace>, decided: &mut FieldDecision) -> Raise {
        // It might be more urgent than any label that has a rank.
        let Some(rank) = self.priority.rank(&decided.label) else { return Raise::Unsure };
        let labels = priorities.map_or(&[][..], LabelSpace::labels);
        let levels = self.priority.levels(labels);
        let known = levels.iter().zip(labels).filter_map(|(level, label)| Some(((*level)?, label)));
        let enough = enough(wanted, known.collect());
        let is_enough = match labels.contains(&decided.label) {
            true => enough.iter().any(|(_, label)| **label == decided.label),
            false => rank <= wanted,
        };
        if is_enough {
            return Raise::Needless;
        }
        // Of two labels of one level the plainer: "High" rather than "High - board members".
        let plainness = |label: &String| Reverse(label.split_whitespace().count());
        let Some((_, label)) = enough.into_iter().max_by_key(|(level, label)| (*level, plainness(label)))
        else {
            return Raise::Unsure;
        };
        // The confidence stays the model's own in the label that stands there: nobody has measured the rule.
        let known = decided.alternatives.iter().position(|candidate| candidate.label == *label);
        let of_label = known.map(|i| decided.alternatives.remove(i).confidence);
        let was = Candidate {
            label: std::mem::replace(&mut decided.label, label.clone()),
            confidence: std::mem::replace(&mut decided.confidence, of_label.unwrap_or(Confidence::new(0.0))),
        };
        decided.alternatives.insert(0, was.clone());
        Raise::From(was.label)
    }
}

/// A ticket as the rules see it.
pub(crate) struct Seen<'a> {
    /// The ticket.
    pub(crate) ticket: &'a Ticket,
    /// Its [words](words_of).
    pub(crate) words: &'a str,
    /// What reads it.
    pub(crate) reader: &'a Reader,
}

/// The words that rules look for: of what the sender wrote, as people see it. Neither markup nor a hidden character takes a word out
/// of reach; what is no reader's, a footer's, a signature's or an answered mail's is not looked at.
pub(crate) fn words_of(seen: &Input) -> String {
    words(&[&seen.subject, &seen.body, &seen.left_out])
}

/// Those of `labels` that are of rank `wanted` or above. Where a desk tells labels of that rank apart, only the first are.
fn enough(wanted: usize, labels: Vec<(Level, &String)>) -> Vec<(Level, &String)> {
    let first = labels.iter().map(|(level, _)| *level).filter(|level| level.rank == wanted).min();
    let is_enough = |level: Level| level.rank < wanted || Some(level) == first;
    labels.into_iter().filter(|(level, _)| is_enough(*level)).collect()
}

/// What became of a rule's wish for a priority.
#[derive(Debug, PartialEq)]
enum Raise {
    /// The priority is urgent enough as it is.
    Needless,
    /// It was raised from this label.
    From(String),
    /// The decided label has no rank, or none of the desk's labels is known to be urgent enough.
    Unsure,
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::FieldDecision;

    impl Policy {
        /// Applies the rules to a ticket without anything that was learnt.
        pub(super) fn apply(
            &self,
            ticket: &Ticket,
            priorities: Option<&LabelSpace>,
            decision: &mut Decision,
        ) {
            let reader = Reader::default();
            let words = words_of(&reader.compose(ticket));
            self.apply_read(&Seen { ticket, words: &words, reader: &reader }, priorities, decision);
        }
    }

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
    fn rules_read_the_start_and_the_end_of_a_long_body_and_what_is_visible_of_it() {
        let fires = |body: String| {
            let ticket = Ticket { body: Some(body), ..Ticket::default() };
            let mut decision = decided("Low");
            Policy::built_in().unwrap().apply(&ticket, None, &mut decision);
            !decision.rules.is_empty()
        };
        let fill = "some text here. ".repeat(60_000);
        assert!(fires(format!("phishing {fill}")) && fires(format!("{fill} phishing")));
        assert!(!fires(fill.clone()));
        // Markup does not push what people see out of reach.
        let style = format!("<html><style>{}</style>", "p{a:b}".repeat(12_000));
        assert!(fires(format!("{style}<p>phishing</p>{style}</html>")));
    }

    #[test]
    fn rules_read_what_the_sender_wrote() {
        let fired = |subject: &str, body: &str| {
            let (subject, body) = (Some(subject.to_owned()), Some(body.to_owned()));
            let ticket = Ticket { subject, body, ..Ticket::default() };
            let mut decision = decided("Low");
            Policy::built_in().unwrap().apply(&ticket, None, &mut decision);
            decision.rules.len()
        };
        let old =
            "From: Desk <desk@msp.example>\nSent: Monday\nTo: Ann\nSubject: news\n\nBeware of phishing.";
        for (subject, body) in [
            ("RE: news", format!("All good.\n\n{old}")),
            ("Keyboard broken", "The keyboard is broken.\n\nVirus-free. www.avg.example".to_owned()),
            ("Keyboard broken", "Virus-free. www.avg.example".to_owned()),
            (
                "Toner",
                "Please order toner.\n\nRegards\nAnn\nMalware Labs Ltd\nTel: +44 20 7946 0001".to_owned(),
            ),
            ("Toner", "<p>Please order toner.</p><p style='display:none'>ransomware</p>".to_owned()),
        ] {
            assert_eq!(fired(subject, &body), 0, "{body}");
        }
        for body in
            ["I clicked on a phishing mail.", "<p>ransom<b>ware</b> on my PC</p>", "phi\u{200b}shing mail"]
        {
            assert_eq!(fired("Help", body), 1, "{body}");
        }
        assert_eq!(fired("FW: strange", &format!("Is this real?\n\n{old}")), 1);
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
        // Nobody knows whether it is critical.
        assert_eq!(fired("odd", night, "Project"), ["critical after hours"]);
        assert!(fired("odd", noon, "Project").is_empty());
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
        // Saturday morning beside the week's days, and a second shift of Monday.
        let further = "to = \"18:00\"\n[[hours.shift]]\ndays = [\"saturday\"]\nfrom = \"09:00\"\nto = \"12:00\"\n\
            [[hours.shift]]\ndays = [\"monday\"]\nfrom = \"20:00\"\nto = \"22:00\"";
        let hours =
            Policy::parse(&DEFAULT_POLICY.replace("to = \"18:00\"", further), "p").unwrap().hours.unwrap();
        let over = ["28T08", "28T10", "28T13", "29T10", "30T19", "30T21"]
            .map(|at| hours.are_over(&ticket(&format!("2026-11-{at}:00:00Z"))));
        assert_eq!(over, [true, false, true, true, true, false]);
        let odd = further.replace("saturday", "sabbath");
        assert!(Policy::parse(&DEFAULT_POLICY.replace("to = \"18:00\"", &odd), "p").is_err());
        // A holiday is closed, and so is the morning after its evening.
        let closed = |policy: &str, at: &str| {
            let with = policy.replace("\n[reports]", "\nholidays = [\"2026-11-27\"]\n[reports]");
            Policy::parse(&with, "p")
                .unwrap()
                .hours
                .unwrap()
                .are_over(&ticket(&format!("2026-11-{at}:00:00Z")))
        };
        let days = ["26T12", "27T12", "30T12"].map(|at| closed(DEFAULT_POLICY, at));
        assert_eq!(days, [false, true, false]);
        let nights = ["26T21", "27T05", "27T21", "28T05"].map(|at| closed(&night, at));
        assert_eq!(nights, [false, false, true, true]);
    }

    #[test]
    fn rules_block_what_a_person_decides_or_an_identity_is_asked_for() {
        let reader = Reader::default();
        let blocked = |subject: &str, priority: &str| {
            let ticket = Ticket {
                subject: Some(subject.to_owned()),
                priority: Some(priority.to_owned()),
                opened_at: Some("2026-11-25T12:00:00Z".parse().unwrap()),
                ..Ticket::default()
            };
            Policy::built_in().unwrap().blocks(&ticket, &reader.compose(&ticket), &reader)
        };
        assert!(blocked("Phishing mail received", "Low") && blocked("Please reset my password", "Low"));
        assert!(!blocked("The toner is empty", "Low") && !blocked("The toner is empty", "Critical"));
    }

    #[test]
    fn a_person_decides_where_a_rule_needs_a_rank_that_is_not_known() {
        let rule = "[[rule]]\nname = \"loud\"\nwhen_at_least = \"high\"\nat_least = \"critical\"\n";
        let text = format!("{}\n{rule}", &DEFAULT_POLICY[..DEFAULT_POLICY.find("[[rule]]").unwrap()]);
        let policy = Policy::parse(&text, "p").unwrap();
        let space = LabelSpace::new(["Critical", "High", "Low", "Project"].map(String::from));
        let applied = |decision: &mut Decision| policy.apply(&Ticket::default(), Some(&space), decision);
        for (label, to, person) in [("High", "Critical", false), ("Project", "Project", true)] {
            let mut decision = decided(label);
            applied(&mut decision);
            assert_eq!(decision.fields[&Field::Priority].label, to);
            assert_eq!(decision.rules[0].person, person, "{label}");
        }
        let mut without = Decision::default();
        applied(&mut without);
        assert!(without.rules.is_empty(), "no priority was decided");
    }

    /// What became of a priority of the desk whose labels are `labels`: the label, what it was raised from, whether a person
    /// decides. The rule that fires wants "critical" and asks for nothing else.
    fn raised(labels: &[&str], from: &str) -> (String, Option<String>, bool) {
        let person = "at_least = \"critical\"\nperson = true";
        let policy = DEFAULT_POLICY.replace(person, "at_least = \"critical\"");
        let space = LabelSpace::new(labels.iter().map(|label| (*label).to_owned()));
        let ticket = Ticket { body: Some("The network is down".to_owned()), ..Ticket::default() };
        let mut decision = decided(from);
        Policy::parse(&policy, "p").unwrap().apply(&ticket, Some(&space), &mut decision);
        let rule = decision.rules.remove(0);
        assert_eq!(rule.name, "outage");
        (decision.fields.remove(&Field::Priority).unwrap().label, rule.raised_priority_from, rule.person)
    }

    #[test]
    fn a_rule_raises_in_the_desks_own_spelling() {
        let raise = |labels: &[&str], from: &str, to: &str| {
            assert_eq!(raised(labels, from), (to.to_owned(), Some(from.to_owned()), false), "{labels:?}");
        };
        raise(&["P1 - Critical", "P2 - High", "P3 - Medium", "P4 - Low"], "P4 - Low", "P1 - Critical");
        let (emergency, normal) = ("Priority 1 - Emergency Response", "Priority 3 - Normal Response");
        raise(&[emergency, normal, "Do Not Respond"], normal, emergency);
        raise(&["Sehr hoch", "Hoch", "Niedrig"], "Hoch", "Sehr hoch");
        raise(&["1 - High", "2 - Low", "4 - Critical"], "2 - Low", "4 - Critical");
        raise(&["Critical", "Critical - plant 2 only", "Low"], "Low", "Critical");
        // Both names say the first rank; the places tell them apart.
        let both = ["P1 - Emergency", "P2 - Critical", "P3 - Normal"];
        raise(&both, "P3 - Normal", "P1 - Emergency");
        raise(&both, "P2 - Critical", "P1 - Emergency");
        raise(&["P2 - Critical", "P3 - High"], "P3 - High", "P2 - Critical");
    }

    #[test]
    fn no_desks_order_has_a_rule_lower_anything() {
        let priority = Policy::built_in().unwrap().priority;
        for labels in [
            ["P1 - High", "P2 - Critical", "P3 - Normal", "P4 - Planned", "P5 - Low", "No SLA"],
            ["P1 - Low", "P2 - Planned", "P3 - Urgent", "P4 - Critical", "Critical", "Project"],
            ["P1 - Critical", "P2 - High", "P3 - Medium", "P4 - Urgent", "Emergency", "Low"],
        ] {
            let levels = priority.levels(&labels.map(String::from));
            let level = |label: &str| levels[labels.iter().position(|other| *other == label).unwrap()];
            for from in labels {
                let (to, raised_from, person) = raised(&labels, from);
                assert!(level(&to) <= level(from), "{labels:?}: {from} to {to}");
                assert_eq!(raised_from.is_some(), to != from);
                assert_eq!(person, level(from).is_none(), "{from}");
            }
        }
    }

    #[test]
    fn a_priority_that_may_be_urgent_enough_is_left_to_a_person() {
        let stays = |labels: &[&str], label: &str, person: bool| {
            assert_eq!(raised(labels, label), (label.to_owned(), None, person), "{labels:?} {label}");
        };
        stays(&["P1 - Critical", "P4 - Low"], "P1 - Critical", false);
        // Autotask's numbers: 4 is Critical, 1 is High.
        for number in ["1", "2", "3", "4"] {
            stays(&["1", "2", "3", "4"], number, true);
            stays(&["1", "2", "3", "4", "P1"], number, true);
        }
        stays(&["Critical", "Low", "Project"], "Project", true);
        stays(&["High", "Low"], "Low", true);
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
        assert!(fault(&DEFAULT_POLICY.replace("\"phishy\"", "\"Phishy\"")).contains("\"Phishy\""));
    }
}
