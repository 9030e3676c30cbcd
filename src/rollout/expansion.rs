//! Where to go next (R81): one step a settled week, none while anything is on hold. A plan: a person takes each step.
//!
//! Must never grant anything, nor name a step whose evidence is missing.

use serde::Serialize;

/// What a plan is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpansionFacts {
    /// Whether a programme runs and the gate to assist has been passed.
    pub assisting: bool,
    /// Settled weeks that began after the last grant.
    pub settled_since_grant: u64,
    /// Of the newest settled week: whether the agreement was high enough and no error limit was broken; `None` where nobody knows.
    pub week_was_good: Option<bool>,
    /// Holds in force, in words.
    pub holds: Vec<String>,
    /// The pilots, and customers that are none yet, the best first, with their score of 0 to 100.
    pub customers: Vec<Candidate>,
    /// Categories, with what they could save.
    pub categories: Vec<CategoryState>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub customer: String,
    /// Its score as a pilot; `None` where it has none.
    pub score: Option<f64>,
    /// Tickets a week.
    pub per_week: Option<f64>,
    /// Whether Firstline may act for it.
    pub granted: bool,
    /// Why it is none, where that is known: few tickets, VIP, leaving.
    pub excluded: Option<String>,
}

/// A category.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryState {
    /// The board.
    pub board: String,
    /// The type.
    pub r#type: String,
    /// Minutes a week that could be saved; `None` where nobody knows.
    pub minutes_per_week: Option<f64>,
    /// Tickets a week.
    pub per_week: Option<f64>,
    /// Whether a certificate of the bundle in service covers its replies.
    pub certified: bool,
    /// Whether Firstline may act alone there for any pilot.
    pub autonomous: bool,
    /// Whether it is barred until another bundle was trained.
    pub barred: bool,
}

/// A step that a person may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ExpansionStep {
    /// Let Firstline act alone in a category.
    Category {
        /// The board.
        board: String,
        /// The type.
        #[serde(rename = "type")]
        r#type: String,
        /// Why this one.
        because: String,
    },
    /// Add a customer.
    Customer {
        /// The customer.
        customer: String,
        /// Why this one.
        because: String,
    },
}

/// The plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expansion {
    /// The step that may be taken now; `None` where none may.
    pub now: Option<ExpansionStep>,
    /// Why none may; empty where one may.
    pub waits_for: Vec<String>,
    /// What comes after it, one step a settled week, the best first.
    pub then: Vec<ExpansionStep>,
    /// What is left out, and why.
    pub left_out: Vec<String>,
}

/// Steps that are named beyond the first.
const AHEAD: usize = 5;

/// The plan that follows from `facts`. Categories come before customers: what is certified is known to work, and each customer more
/// brings all of them along.
pub fn expansion(facts: &ExpansionFacts) -> Expansion {
    let waits_for = waits_for(facts);
    let mut categories: Vec<&CategoryState> =
        facts.categories.iter().filter(|one| one.certified && !one.autonomous && !one.barred).collect();
    // The most minutes first; what is not known comes last, by its tickets.
    let known = |value: Option<f64>| value.unwrap_or(-1.0);
    categories.sort_by(|a, b| {
        known(b.minutes_per_week)
            .total_cmp(&known(a.minutes_per_week))
            .then(known(b.per_week).total_cmp(&known(a.per_week)))
            .then_with(|| (&a.board, &a.r#type).cmp(&(&b.board, &b.r#type)))
    });
    let mut customers: Vec<&Candidate> =
        facts.customers.iter().filter(|one| !one.granted && one.excluded.is_none()).collect();
    customers
        .sort_by(|a, b| known(b.score).total_cmp(&known(a.score)).then_with(|| a.customer.cmp(&b.customer)));
    let mut steps = categories
        .into_iter()
        .map(category_step)
        .chain(customers.into_iter().map(customer_step))
        .take(AHEAD + 1);
    let now = if waits_for.is_empty() { steps.next() } else { None };
    let then: Vec<ExpansionStep> = steps.take(AHEAD).collect();
    let nothing = waits_for.is_empty() && now.is_none();
    let waits_for = if nothing {
        vec!["no further category is certified, and no further customer is ranked".to_owned()]
    } else {
        waits_for
    };
    Expansion { now, waits_for, then, left_out: left_out(facts) }
}

fn waits_for(facts: &ExpansionFacts) -> Vec<String> {
    let mut why: Vec<String> = facts.holds.iter().map(|hold| format!("a hold is in force: {hold}")).collect();
    if !facts.assisting {
        why.push("the gate from shadow to assist has not been passed: firstline rollout gate".to_owned());
        return why;
    }
    if facts.settled_since_grant == 0 {
        why.push(
            "no week that began after the last grant has settled: one step is taken a settled week"
                .to_owned(),
        );
    }
    match facts.week_was_good {
        Some(true) => {}
        Some(false) => {
            why.push("the newest settled week was not good enough: agreement or errors".to_owned());
        }
        None => {
            why.push("nobody knows how good the newest settled week was: outcomes are missing".to_owned());
        }
    }
    why
}

fn category_step(of: &CategoryState) -> ExpansionStep {
    let because = match (of.minutes_per_week, of.per_week) {
        (Some(minutes), _) => format!("certified, and {minutes:.0} minutes a week could be saved there"),
        (None, Some(tickets)) => {
            format!("certified, with {tickets:.1} tickets a week; what it could save is not known")
        }
        (None, None) => "certified; what it could save is not known".to_owned(),
    };
    ExpansionStep::Category { board: of.board.clone(), r#type: of.r#type.clone(), because }
}

fn customer_step(of: &Candidate) -> ExpansionStep {
    let volume = of.per_week.map_or_else(String::new, |tickets| format!(", {tickets:.1} tickets a week"));
    let because = match of.score {
        Some(score) => format!("the best of those left, with a score of {score:.0} of 100{volume}"),
        None => format!("it has no rank: firstline rollout pilots{volume}"),
    };
    ExpansionStep::Customer { customer: of.customer.clone(), because }
}

fn left_out(facts: &ExpansionFacts) -> Vec<String> {
    let barred = facts.categories.iter().filter(|one| one.barred);
    let barred = barred.map(|one| {
        format!(
            "{} > {}: backed out three times in 90 days, barred until another bundle is trained",
            one.board, one.r#type
        )
    });
    let uncertified =
        facts.categories.iter().filter(|one| !one.certified && !one.autonomous && !one.barred).count();
    let uncertified = (uncertified > 0).then(|| {
        let n = crate::counted(uncertified as u64, "category has", "categories have");
        format!("{n} no certificate of the bundle in service: firstline certify")
    });
    let excluded = facts.customers.iter().filter(|one| !one.granted);
    let excluded = excluded.filter_map(|one| Some(format!("{}: {}", one.customer, one.excluded.as_deref()?)));
    barred.chain(uncertified).chain(excluded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(name: &str, minutes: Option<f64>) -> CategoryState {
        CategoryState {
            board: "Desk".to_owned(),
            r#type: name.to_owned(),
            minutes_per_week: minutes,
            per_week: Some(10.0),
            certified: true,
            autonomous: false,
            barred: false,
        }
    }

    fn customer(name: &str, score: Option<f64>) -> Candidate {
        Candidate { customer: name.to_owned(), score, per_week: Some(8.0), granted: false, excluded: None }
    }

    fn ready() -> ExpansionFacts {
        ExpansionFacts {
            assisting: true,
            settled_since_grant: 1,
            week_was_good: Some(true),
            holds: Vec::new(),
            customers: vec![
                Candidate { granted: true, ..customer("acme", Some(90.0)) },
                customer("bolt", Some(60.0)),
                customer("crow", Some(70.0)),
                customer("dune", None),
                Candidate { excluded: Some("leaving".to_owned()), ..customer("elm", Some(99.0)) },
            ],
            categories: vec![
                category("Mail", Some(20.0)),
                category("Reset", Some(50.0)),
                category("Print", None),
                CategoryState { autonomous: true, ..category("VPN", Some(80.0)) },
                CategoryState { certified: false, ..category("Phone", Some(70.0)) },
                CategoryState { barred: true, ..category("Quota", Some(60.0)) },
            ],
        }
    }

    fn names(plan: &Expansion) -> Vec<&str> {
        plan.now
            .iter()
            .chain(&plan.then)
            .map(|step| match step {
                ExpansionStep::Category { r#type, .. } => r#type.as_str(),
                ExpansionStep::Customer { customer, .. } => customer.as_str(),
            })
            .collect()
    }

    #[test]
    fn r81_certified_categories_come_first_by_what_they_save_and_then_customers_by_rank() {
        let plan = expansion(&ready());
        assert_eq!(names(&plan), ["Reset", "Mail", "Print", "crow", "bolt", "dune"]);
        assert_eq!(plan.waits_for, Vec::<String>::new());
        let said = plan.left_out.join("\n");
        assert!(
            said.contains("Quota")
                && said.contains("1 category has no certificate")
                && said.contains("elm: leaving"),
            "{said}"
        );
        let mut turned = ready();
        turned.categories.reverse();
        turned.customers.reverse();
        assert_eq!(names(&expansion(&turned)), names(&plan));
    }

    #[test]
    fn r81_no_step_while_anything_is_on_hold_or_no_good_week_has_settled() {
        let cases = [
            (
                ExpansionFacts { holds: vec!["3 (pause_expansion)".to_owned()], ..ready() },
                "3 (pause_expansion)",
            ),
            (ExpansionFacts { settled_since_grant: 0, ..ready() }, "one step is taken a settled week"),
            (ExpansionFacts { week_was_good: Some(false), ..ready() }, "not good enough"),
            (ExpansionFacts { week_was_good: None, ..ready() }, "nobody knows"),
            (ExpansionFacts { assisting: false, ..ready() }, "has not been passed"),
        ];
        for (facts, why) in cases {
            let plan = expansion(&facts);
            assert_eq!(plan.now, None, "{why}");
            assert!(plan.waits_for.iter().any(|text| text.contains(why)), "{why}: {:?}", plan.waits_for);
            // It still says what would come.
            assert!(!plan.then.is_empty(), "{why}");
        }
    }

    #[test]
    fn r81_where_nothing_is_left_it_says_so() {
        let plan = expansion(&ExpansionFacts { customers: Vec::new(), categories: Vec::new(), ..ready() });
        assert_eq!((plan.now, plan.then.len()), (None, 0));
        assert!(plan.waits_for[0].contains("no further category"));
    }
}
