//! The gate to autonomous: two persons, certificates, and what people did with drafts.

use super::incidents::report;
use super::*;

impl Home {
    /// A started programme in assist for acme, with 60 replies that people approved and that were sent, and criteria without handle time.
    /// The other person who signs.
    fn in_assist(&self, boss: &Person) -> Person {
        add_criteria(self.store(), &criteria(), boss, at(START)).unwrap();
        let sha256 = sha256_hex(criteria().as_bytes());
        let sign_by = |person: &Person, name: &str| {
            let request = SignRequest { sha256: Some(sha256.clone()), ..signature(name) };
            sign(self.store(), &request, person, at(START)).unwrap();
        };
        sign_by(boss, "Boss");
        let lea = self.person("lea", &[Scope::Manage, Scope::ApproveRollout]);
        sign_by(&lea, "Lea");
        start(self.store(), self.rules.zone(), &begin(), boss, at(START)).unwrap();
        self.assist(day(8, 0));
        for n in 0..60 {
            self.sends(&format!("w{n}"), day(9, 0) + (n * 10).minutes(), day(9, 12) + (n * 10).minutes());
        }
        lea
    }

    fn ask_for_autonomy(&self, evidence: &Value, person: &Person, now: Timestamp) -> AutonomousVerdict {
        let request =
            GateRequest { evidence: evidence.to_string().into_bytes(), reason: "it is certified".to_owned() };
        let asked = (&request, &Categories::default());
        gate_autonomous(self.store(), &self.rules, asked, &service('a'), (person, now)).unwrap()
    }

    fn thresholds(&self) -> BTreeMap<String, f64> {
        let cell = Cell { customer: "acme", board: Some("Desk"), ticket_type: Some("Mail") };
        let found = allowed(self.store(), Phase::Autonomous, &[(cell, BUNDLE)]).unwrap().remove(0);
        found.thresholds.iter().map(|(of, threshold)| (of.name().to_owned(), *threshold)).collect()
    }
}

/// Criteria of a desk that logs no time: another KPI stands in the place of handle time.
fn criteria() -> String {
    Criteria::EXAMPLE.replace(
        "name = \"handle_time\"\ndirection = \"at_most\"\nday90 = -0.40",
        "name = \"verbatim\"\ndirection = \"at_least\"\nday90 = 0.60",
    )
}

/// Evidence of 300 tested tickets of Desk > Mail.
fn certified(now: Timestamp) -> Value {
    let mut evidence = evidence('a', now, &criteria());
    let of = |assertion: &str, threshold: Option<f64>| {
        let bound = threshold.map(|_| firstline_stats::upper_bound(0, 250, 0.95));
        json!({"board": "Desk", "type": "Mail", "assertion": assertion, "threshold": threshold, "tested": 300,
            "accepted": 250, "errors": 0, "bound": bound, "confidence": 0.95, "coverage": 250.0 / 300.0})
    };
    evidence["certificates"] = json!([of("reply", Some(0.93)), of("board", Some(0.9)), of("priority", None)]);
    evidence
}

#[test]
fn r44_two_persons_ask_with_the_same_evidence_and_what_is_certified_is_granted() {
    let home = home();
    let boss = home.boss();
    let lea = home.in_assist(&boss);
    let now = day(11, 0);
    let first = home.ask_for_autonomy(&certified(now), &boss, now);
    assert!(first.passed && first.second_person_needed, "{first:?}");
    assert_eq!((first.categories.len(), first.categories[0].granted), (1, false));
    let again = home.ask_for_autonomy(&certified(now), &boss, now);
    assert!(again.second_person_needed, "the same person is no second one");
    assert_eq!(home.thresholds(), BTreeMap::new());
    let other = home.ask_for_autonomy(&certified(day(11, 1)), &lea, day(11, 1));
    assert!(other.second_person_needed, "other evidence is seconded by nobody");
    let granted = home.ask_for_autonomy(&certified(now), &lea, day(11, 1));
    assert!(granted.categories[0].granted && !granted.second_person_needed, "{granted:?}");
    assert_eq!(home.thresholds(), [("board".to_owned(), 0.9), ("reply".to_owned(), 0.93)].into());
    // Another bundle acts alone by none of it, and bolt is no pilot.
    let other = Cell { customer: "bolt", board: Some("Desk"), ticket_type: Some("Mail") };
    assert_eq!(allowed(home.store(), Phase::Autonomous, &[(other, BUNDLE)]).unwrap()[0].phase, Phase::Shadow);
    assert!(home.store.audit_check(&[]).unwrap().findings.is_empty());
}

#[test]
fn r44_a_second_person_seconds_only_what_the_first_asked_for() {
    let home = home();
    let boss = home.boss();
    let lea = home.in_assist(&boss);
    let now = day(11, 0);
    let mut evidence = certified(now);
    let mut more = evidence["certificates"].clone();
    more.as_array_mut().unwrap().iter_mut().for_each(|one| one["type"] = json!("Fax"));
    evidence["certificates"].as_array_mut().unwrap().extend(more.as_array().unwrap().clone());
    let ask = |kind: Option<&str>, person: &Person| {
        let request = GateRequest { evidence: evidence.to_string().into_bytes(), reason: "r".to_owned() };
        let which = Categories { board: None, ticket_type: kind.map(str::to_owned) };
        gate_autonomous(home.store(), &home.rules, (&request, &which), &service('a'), (person, now)).unwrap()
    };
    assert!(!ask(Some("Fax"), &boss).passed, "nobody has sent any of these");
    let other = ask(Some("Mail"), &lea);
    assert!(other.passed && other.second_person_needed && !other.categories[0].granted, "{other:?}");
    assert_eq!(home.thresholds(), BTreeMap::new());
    let both = ask(None, &boss);
    let granted: Vec<(&str, bool)> =
        both.categories.iter().map(|one| (one.ticket_type.as_str(), one.granted)).collect();
    assert_eq!(granted, [("Fax", false), ("Mail", true)], "{both:?}");
}

#[test]
fn r44_errors_too_few_reviews_and_holds_keep_a_category_with_people() {
    let home = home();
    let boss = home.boss();
    let early =
        GateRequest { evidence: certified(day(8, 0)).to_string().into_bytes(), reason: "r".to_owned() };
    let refused = |code: Code| {
        let asked = (&early, &Categories::default());
        let found = gate_autonomous(home.store(), &home.rules, asked, &service('a'), (&boss, day(8, 0)));
        assert_eq!(found.unwrap_err().code(), Some(code));
    };
    refused(Code::Conflict);
    let lea = home.in_assist(&boss);
    let now = day(11, 0);
    let stranger = evidence('c', now, &criteria());
    let verdict = home.ask_for_autonomy(&stranger, &boss, now);
    assert!(!verdict.passed && !verdict.refused.is_empty() && verdict.verdict.is_none());
    let id = home.enters(report("late", "w3", day(10, 0)), day(10, 0));
    let verdict = home.ask_for_autonomy(&certified(now), &boss, now);
    assert!(verdict.passed, "suspected for less than three business days");
    home.rule(&id, IncidentState::Confirmed, day(10, 1));
    let failing = |verdict: &AutonomousVerdict| {
        let checks = verdict.categories[0].checks.iter().filter(|check| !check.passed);
        checks.map(|check| check.name.clone()).collect::<Vec<_>>()
    };
    let verdict = home.ask_for_autonomy(&certified(now), &lea, now);
    assert_eq!(failing(&verdict), ["upper 95 % bound of errors in all categories"], "1 of 60");
    home.rule(&id, IncidentState::Dismissed, day(10, 2));
    let hold_it = HoldRequest {
        level: HoldLevel::PauseExpansion,
        scope: Scoped { customer: None, board: Some("Desk".to_owned()), ticket_type: None },
        reason: "a look first".to_owned(),
    };
    hold(home.store(), &hold_it, &boss, now).unwrap();
    let verdict = home.ask_for_autonomy(&certified(now), &lea, now);
    assert!(verdict.passed && !verdict.categories[0].granted && verdict.on_hold.len() == 1, "{verdict:?}");
    assert_eq!(home.thresholds(), BTreeMap::new());
}
