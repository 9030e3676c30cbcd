//! Savings, the report of day 90 and the next step, from a store.

use firstline_rollout::{Before, Day90Outcome, ExpansionStep, SavingBasis};
use firstline_store::{Author, GrantScope, Hold, NewGrant, NewHold, NewIncident};

use super::*;

/// What 40 mails took before: 20 minutes, answered after an hour.
fn before() -> Value {
    let cell = |mean: f64| {
        json!([{"board": "Desk", "type": "Mail", "priority": "P2", "n": 40, "mean": mean, "deviation": mean / 4.0,
            "ranks": [mean / 2.0, mean, 2.0 * mean]}])
    };
    json!({"tickets": 40, "handled": 40, "handle": {"time_entries": cell(1_200.0)}, "quarter_hours": 0.1, "answered": 40,
        "first_response": {"message": {"wall": cell(3_600.0), "open_hours": cell(1_800.0)}}, "resolution": cell(14_400.0)})
}

fn begin_with(before: Option<Value>) -> StartRequest {
    let mut baseline: Value = serde_json::from_str(&begin().baseline).unwrap();
    if let Some(before) = before {
        baseline["baseline"]["before"] = before;
    }
    StartRequest { baseline: baseline.to_string(), ..begin() }
}

impl Home {
    fn started_with(&self, boss: &Person, before: Option<Value>) {
        add_criteria(self.store(), Criteria::EXAMPLE, boss, at(START)).unwrap();
        sign(self.store(), &signature("Boss"), boss, at(START)).unwrap();
        sign(self.store(), &signature("Lea"), &self.person("lea", &[Scope::Manage]), at(START)).unwrap();
        start(self.store(), self.rules.zone(), &begin_with(before), boss, at(START)).unwrap();
    }

    /// A mail of acme that was answered after `minutes` and took as long, in this phase.
    fn worked(&self, id: &str, opened: Timestamp, (phase, minutes): (Phase, i64)) {
        self.decide_in(id, "acme", (opened, opened + 30.seconds()), phase);
        let event = |key: &str, what| {
            let (actor, actor_kind) = (Some("ada".to_owned()), ActorKind::Technician);
            let event =
                Event { psa_key: key.to_owned(), at: opened + minutes.minutes(), actor, actor_kind, what };
            NewEvent { ticket_id: id.to_owned(), customer: None, event }
        };
        let events = [
            event("m", Happening::Message { visible: true, automatic: false, text_key: None }),
            event("t", Happening::TimeEntry { seconds: 60.0 * minutes as f64, visible: false }),
        ];
        let put = self.store.record_events(&events, &CustomerSet::All, "test", opened + 2.hours()).unwrap();
        assert_eq!(put, [EventResult::Stored; 2]);
        self.close_ticket(id, ["Desk", "Mail", "P2"], opened + 3.hours(), opened + 4.hours());
    }

    fn granted_up_to(&self, phase: Phase, now: Timestamp) {
        for customer in [Some("acme".to_owned()), None] {
            let grant = NewGrant {
                scope: GrantScope { customer, ..GrantScope::default() },
                phase,
                thresholds: BTreeMap::new(),
                bundle: Some(BUNDLE.to_owned()),
                evidence_sha: Some("f".repeat(64)),
                by: author(),
                reason: "the gate has passed".to_owned(),
            };
            self.store.grant(&grant, now).unwrap();
        }
    }

    fn held(&self, level: Hold, reason: &str, now: Timestamp) -> i64 {
        let hold = NewHold {
            level,
            scope: GrantScope::default(),
            by: Author { person: "firstline".to_owned(), actor: "test".to_owned() },
            reason: reason.to_owned(),
            figures: None,
            trigger_key: None,
        };
        self.store.hold(&hold, now).unwrap().id
    }

    fn day90(&self, now: Timestamp) -> firstline_rollout::Day90 {
        report_day90(self.store(), &self.rules, now).unwrap().unwrap()
    }
}

fn author() -> Author {
    Author { person: "boss".to_owned(), actor: "test".to_owned() }
}

#[test]
fn r80_a_programme_is_reported_from_what_is_on_record() {
    let home = home();
    home.started_with(&home.boss(), Some(before()));
    assert_eq!(report_day90(home.store(), &home.rules, day(3, 0)).unwrap(), None);
    assert_eq!(saved_so_far(home.store(), &home.rules, day(3, 0)).unwrap(), None);
    // Week 1 in shadow as before; from week 6 on Firstline helps: half the minutes, answered sooner.
    home.worked("s1", day(8, 9), (Phase::Shadow, 20));
    home.granted_up_to(Phase::Assist, day(41, 0));
    for i in 0..20 {
        home.worked(&format!("a{i}"), day(43 + 7 * (i % 7), 9) + (10 * i).minutes(), (Phase::Assist, 10));
    }
    let end = day(7 + 91, 0);
    home.close(end + (8 * 24).hours());
    let report = home.day90(end);
    let saving = report.hours_redirected.saving.unwrap();
    assert_eq!((saving.basis, saving.n, saving.saved), (SavingBasis::TimeEntries, 20, 200.0));
    assert_eq!(saved_so_far(home.store(), &home.rules, end).unwrap().map(|saved| saved.share), Some(0.5));
    let wall = report.first_response.wall.unwrap();
    assert_eq!((wall.before.mean, wall.after.mean, wall.after.median), (3_600.0, 600.0, Some(600.0)));
    // 200 minutes in eight weeks, 10 minutes a ticket, ada at work in the seven weeks with entries.
    let capacity = &report.capacity;
    assert_eq!(
        (capacity.weeks, capacity.technicians, capacity.tickets_per_week),
        (Some(8.0), Some(1.0), Some(2.5))
    );
    assert_eq!((report.verdict.outcome, report.weeks.len()), (Day90Outcome::Paused, 13));
    let phases: Vec<&str> = report.weeks.iter().map(|week| week.phase.as_str()).collect();
    assert_eq!((phases[0], phases[4], phases[12]), ("shadow", "assist", "assist"));
    assert_eq!(report.granted, ["acme: assist"]);
    let names: Vec<&str> = report.evidence.iter().map(|hash| hash.what.as_str()).collect();
    for name in ["the baseline", "what tickets took before", "the criteria, version 1", "evidence of a grant"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(
        names.iter().any(|name| name.starts_with("week 13"))
            && names.last().unwrap().starts_with("the audit log")
    );
    // The week's own sheet names how it knows.
    let week = home.week(6, true);
    assert_eq!(week.sheet.figures["saved"].value, Some(0.5));
    assert_eq!(week.sheet.figures["minutes_per_ticket"].value, Some(10.0));
    let basis = |name: &str| week.sheet.basis.get(name).map(String::as_str);
    assert_eq!((basis("saved"), basis("minutes_per_ticket")), (Some("time_entries"), Some("time_entries")));
    // A week before Firstline might act saved nothing that anybody knows.
    assert_eq!(home.week(1, true).sheet.figures["saved"].value, None);
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn r80_a_programme_of_before_says_what_is_not_on_record_and_can_add_it() {
    let home = home();
    let boss = home.boss();
    home.started_with(&boss, None);
    home.granted_up_to(Phase::Assist, day(8, 0));
    home.worked("a1", day(9, 9), (Phase::Assist, 10));
    let report = home.day90(day(40, 0));
    assert_eq!((report.hours_redirected.hours, report.verdict.outcome), (None, Day90Outcome::Running));
    assert!(report.not_known.iter().any(|why| why.contains("not on record")), "{:?}", report.not_known);
    assert_eq!(saved_so_far(home.store(), &home.rules, day(40, 0)).unwrap(), None);
    // The same baseline, printed by this version, adds it; what stands is not changed by another.
    let again = |request| start(home.store(), home.rules.zone(), &request, &boss, day(40, 0));
    again(begin_with(Some(before()))).unwrap();
    assert_eq!(home.day90(day(40, 0)).hours_redirected.hours, Some(10.0 / 60.0));
    let mut other = before();
    other["handled"] = json!(41);
    assert_eq!(code(&again(begin_with(Some(other))).unwrap_err()), Some(Code::Conflict));
    for bad in [json!(7), json!({"handle": {"guessed": []}}), json!({"tickets": "many"})] {
        assert_eq!(code(&again(begin_with(Some(bad))).unwrap_err()), Some(Code::Config));
    }
    let kept: Before = serde_json::from_value(before()).unwrap();
    assert_eq!(kept.handled, 40);
}

#[test]
fn r80_holds_and_errors_stand_in_the_report_with_their_cause() {
    let home = home();
    home.started_with(&home.boss(), Some(before()));
    home.granted_up_to(Phase::Assist, day(8, 0));
    home.worked("a1", day(9, 9), (Phase::Assist, 10));
    let incident = NewIncident {
        key: "i1".to_owned(),
        ticket_id: Some("a1".to_owned()),
        customer: None,
        decision: None,
        action: None,
        at: day(9, 10),
        kind: "correction".to_owned(),
        severity: "low".to_owned(),
        sla_credit: false,
        credit_amount: None,
        state: firstline_store::IncidentState::Suspected,
        by: author(),
        reason: None,
    };
    home.store.add_incidents(&[incident], &CustomerSet::All, day(9, 11)).unwrap();
    let hold = home.held(Hold::BackOut, "R70 errors: 3 of 50 in week 2", day(20, 0));
    let report = home.day90(day(40, 0));
    assert_eq!(report.verdict.outcome, Day90Outcome::BackedOut);
    assert_eq!((report.rollbacks.len(), report.rollbacks[0].hold), (1, hold));
    // Nobody has decided about it for three business days: it counts.
    assert_eq!(report.incidents.len(), 1);
    home.close(day(40, 0));
    let report = home.day90(day(40, 0));
    let week = report.weeks.iter().find(|week| !week.triggers.is_empty()).unwrap();
    assert_eq!(
        (week.week, week.triggers.as_slice(), week.phase.as_str()),
        (2, &["R70 back out".to_owned()][..], "shadow")
    );
    home.store.release_hold(hold, &author(), "the template was wrong", day(41, 0)).unwrap();
    let report = home.day90(day(42, 0));
    let (_, by, reason) = report.rollbacks[0].released.clone().unwrap();
    assert_eq!(
        (report.verdict.outcome, by.as_str(), reason.as_str()),
        (Day90Outcome::Running, "boss", "the template was wrong")
    );
}

#[test]
fn r81_the_next_step_waits_for_a_settled_week_and_for_every_hold() {
    let home = home();
    home.started_with(&home.boss(), Some(before()));
    let request = NextRequest::default();
    let plan = |now| next(home.store(), &home.rules, &request, now).unwrap();
    assert!(plan(day(10, 0)).waits_for[0].contains("has not been passed"));
    home.granted_up_to(Phase::Assist, day(12, 0));
    // Week 2 begins after the grant; the other customer has six tickets a week.
    for i in 0..24 {
        home.decide_in(
            &format!("b{i}"),
            "bolt",
            (day(14 + i, 9), day(14 + i, 9) + 30.seconds()),
            Phase::Shadow,
        );
        home.close_ticket(&format!("b{i}"), ["Desk", "Mail", "P2"], day(14 + i, 12), day(14 + i, 13));
    }
    assert!(plan(day(20, 0)).waits_for[0].contains("no week that began after"));
    home.close(day(28, 0));
    let found = plan(day(28, 0));
    let Some(ExpansionStep::Customer { customer, .. }) = &found.now else { panic!("{found:?}") };
    assert_eq!((customer.as_str(), found.waits_for.len()), ("bolt", 0));
    // A category that a certificate covers comes first.
    let coverage = firstline_rollout::Automation { coverage: Some(0.4), ..Default::default() };
    let covered = NextRequest {
        automation: [(("Desk".to_owned(), "Mail".to_owned()), coverage)].into(),
        ..NextRequest::default()
    };
    let found = next(home.store(), &home.rules, &covered, day(28, 0)).unwrap();
    assert!(
        matches!(&found.now, Some(ExpansionStep::Category { r#type, .. }) if r#type == "Mail"),
        "{found:?}"
    );
    let leaving = firstline_rollout::CustomerNotes { leaving: true, ..Default::default() };
    let noted = NextRequest { notes: [("bolt".to_owned(), leaving)].into(), ..NextRequest::default() };
    let found = next(home.store(), &home.rules, &noted, day(28, 0)).unwrap();
    assert!(found.now.is_none() && found.left_out.iter().any(|text| text == "bolt: leaving"), "{found:?}");
    let hold = home.held(Hold::PauseExpansion, "two falls of the agreement", day(28, 1));
    let held = plan(day(28, 2));
    assert!(held.now.is_none() && held.waits_for[0].contains("pause_expansion"), "{held:?}");
    home.store.release_hold(hold, &author(), "chance", day(28, 3)).unwrap();
    assert!(plan(day(28, 4)).now.is_some());
}
