//! Incidents, weeks and verdicts: what is on record stays so, and what is not as the log says is found.

use super::*;
use std::collections::BTreeSet;

use crate::{
    ActionClaim, ActionKind, Added, Holder, IncidentRecord, IncidentResult, IncidentState, NewIncident,
    NewVerdict, NewWeek, Ruling, WeekRecord, WeekState,
};
use serde_json::json;

on_both!(
    an_incident_finds_its_ticket_or_says_why_not,
    a_person_decides_an_incident,
    incidents_are_listed_in_pages,
    an_incident_is_the_action_that_is_named_or_the_last_that_was_seen,
    a_week_is_written_once_for_each_state,
    a_verdict_is_written_once,
    no_change_of_the_evidence_is_unseen,
);

fn incident(key: &str, of: &str) -> NewIncident {
    NewIncident {
        key: key.to_owned(),
        ticket_id: Some(of.to_owned()),
        customer: None,
        decision: None,
        action: None,
        at: at(10),
        kind: "contradiction".to_owned(),
        severity: "low".to_owned(),
        sla_credit: false,
        credit_amount: None,
        state: IncidentState::Suspected,
        by: author("firstline"),
        reason: Some("He says that it is back".to_owned()),
    }
}

/// Puts one on record, and gives what became of it.
fn add(home: &Home, new: NewIncident, customers: &CustomerSet) -> IncidentResult {
    home.add_incidents(&[new], customers, at(20)).unwrap().remove(0)
}

/// Puts one on record, and gives its id.
fn added(home: &Home, new: NewIncident) -> String {
    match add(home, new, &CustomerSet::All) {
        IncidentResult::Stored(id) => id,
        other => panic!("{other:?}"),
    }
}

fn listed(home: &Home, customers: &CustomerSet) -> Vec<IncidentRecord> {
    let all = home.incident_list(None, customers, None, 99).unwrap();
    assert!(!all.more);
    all.items
}

fn an_incident_finds_its_ticket_or_says_why_not(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    for (id, customer) in [("d2", "acme"), ("d3", "bolt")] {
        let one = Decided { customer: customer.to_owned(), sees: only(&[customer]), ..decided(id, "t2", 0) };
        record(&**home, one);
    }
    let all = CustomerSet::All;
    let first = added(home, incident("i1", "t1"));
    assert_eq!(first.len(), 32);
    assert_eq!(add(home, incident("i1", "t1"), &all), IncidentResult::Known(first.clone()));
    let reworded = NewIncident { reason: None, severity: "high".to_owned(), ..incident("i1", "t1") };
    assert_eq!(add(home, reworded, &all), IncidentResult::Known(first.clone()));
    for other in [
        NewIncident { at: at(11), ..incident("i1", "t1") },
        NewIncident { kind: "reopened".to_owned(), ..incident("i1", "t1") },
    ] {
        assert_eq!(add(home, other, &all), IncidentResult::Other(first.clone()));
    }
    // A name that another ticket's incident has is another.
    let named = NewIncident { customer: Some("acme".to_owned()), ..incident("i1", "t2") };
    assert!(matches!(add(home, named, &all), IncidentResult::Stored(id) if id != first));
    assert_eq!(add(home, incident("i2", "t9"), &all), IncidentResult::Unknown);
    assert_eq!(add(home, incident("i2", "t2"), &all), IncidentResult::Ambiguous);
    assert_eq!(add(home, incident("i2", "t1"), &only(&["bolt"])), IncidentResult::Unknown);
    let nothing = NewIncident { ticket_id: None, ..incident("i2", "t1") };
    assert_eq!(add(home, nothing, &all), IncidentResult::Unknown);
    let mut of_bolt = NewIncident { customer: Some("bolt".to_owned()), ..incident("i2", "t2") };
    assert_eq!(add(home, NewIncident { action: Some(7), ..of_bolt.clone() }, &all), IncidentResult::Unknown);
    of_bolt.at = at(5);
    added(home, of_bolt);
    // By its decision: what else is said must be true of it.
    let by = |ticket: Option<&str>, customer: Option<&str>| NewIncident {
        ticket_id: ticket.map(str::to_owned),
        customer: customer.map(str::to_owned),
        decision: Some("d3".to_owned()),
        ..incident("i3", "t2")
    };
    assert_eq!(add(home, by(Some("t1"), None), &all), IncidentResult::Unknown);
    assert_eq!(add(home, by(None, Some("acme")), &all), IncidentResult::Unknown);
    assert_eq!(add(home, by(None, None), &only(&["acme"])), IncidentResult::Unknown);
    assert!(matches!(add(home, by(Some("t2"), Some("bolt")), &only(&["bolt"])), IncidentResult::Stored(_)));
    let times = |from, to, customers: &CustomerSet| -> Vec<Timestamp> {
        let found = home.incidents(at(from), at(to), customers).unwrap();
        found.into_iter().map(|incident| incident.at).collect()
    };
    assert_eq!(times(0, 99, &all), [at(5), at(10), at(10), at(10)]);
    assert_eq!((times(5, 10, &all), times(11, 99, &all)), (vec![at(5)], Vec::new()));
    assert_eq!(times(0, 99, &only(&["bolt"])), [at(5), at(10)]);
    let found = listed(home, &only(&["acme"])).into_iter().find(|incident| incident.id == first).unwrap();
    assert_eq!(
        (found.ticket_id.as_str(), found.customer.as_str(), found.decision.as_str(), found.recorded_at),
        ("t1", "acme", "d1", at(20))
    );
    assert_eq!(
        (found.by.as_str(), found.state, found.decided_at),
        ("firstline", IncidentState::Suspected, None)
    );
    assert_eq!(found.reason.as_deref(), Some("He says that it is back"));
    assert!(home.audit_entries(0, 99).unwrap().iter().all(|entry| !entry.detail.contains("back")));
}

fn a_person_decides_an_incident(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    let id = added(home, incident("i1", "t1"));
    let ruling = |state, sla_credit, reason: Option<&str>| Ruling {
        state,
        sla_credit,
        credit_amount: sla_credit.filter(|yes| *yes).map(|_| 75.25),
        severity: None,
        by: author("ada"),
        reason: reason.map(str::to_owned),
    };
    let judge = |ruling: &Ruling, customers: &CustomerSet, n| {
        home.judge_incident(&id, ruling, customers, at(n)).unwrap()
    };
    let confirmed = ruling(IncidentState::Confirmed, Some(true), None);
    assert_eq!(judge(&confirmed, &only(&["bolt"]), 21), None);
    // The ticket is decided again meanwhile: the incident hangs on what was decided when it was reported.
    record(&**home, decided("d2", "t1", 1));
    let found = judge(&confirmed, &only(&["acme"]), 22).unwrap();
    assert_eq!((found.state, found.sla_credit, found.by.as_str()), (IncidentState::Confirmed, true, "ada"));
    assert_eq!((found.decided_at, found.severity.as_str()), (Some(at(22)), "low"));
    assert_eq!(
        (found.credit_amount, found.reason.as_deref()),
        (Some(75.25), Some("He says that it is back"))
    );
    // The same report again does not undo what was decided.
    assert_eq!(add(home, incident("i1", "t1"), &CustomerSet::All), IncidentResult::Known(id.clone()));
    let found =
        judge(&ruling(IncidentState::Dismissed, None, Some("A new fault")), &CustomerSet::All, 23).unwrap();
    assert_eq!((found.state, found.sla_credit), (IncidentState::Dismissed, true));
    assert_eq!((found.credit_amount, found.reason.as_deref()), (Some(75.25), Some("A new fault")));
    assert_eq!(listed(home, &CustomerSet::All), [found]);
    let found = judge(&ruling(IncidentState::Confirmed, Some(false), None), &CustomerSet::All, 24).unwrap();
    assert_eq!((found.sla_credit, found.credit_amount), (false, None));
    assert!(home.judge_incident("i9", &confirmed, &CustomerSet::All, at(25)).unwrap().is_none());
    assert_eq!(audited(&**home), ["decide", "incident", "decide", "incident", "incident", "incident"]);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn incidents_are_listed_in_pages(home: &Home) {
    for n in 0..5 {
        record(&**home, decided(&format!("d{n}"), &format!("t{n}"), 0));
        let new = NewIncident { reason: None, ..incident("i", &format!("t{n}")) };
        home.add_incidents(&[new], &CustomerSet::All, at(20 + n / 2)).unwrap();
    }
    let (mut found, mut before) = (Vec::new(), None::<String>);
    loop {
        let page = home.incident_list(None, &CustomerSet::All, before.as_deref(), 2).unwrap();
        before = page.items.last().map(|last| last.id.clone());
        found.extend(page.items.into_iter().map(|incident| (incident.recorded_at, incident.ticket_id)));
        if !page.more {
            break;
        }
    }
    let times: Vec<Timestamp> = found.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [at(22), at(21), at(21), at(20), at(20)]);
    let all: BTreeSet<String> = found.into_iter().map(|(_, ticket)| ticket).collect();
    assert_eq!(all.len(), 5);
    let of = |state| home.incident_list(Some(state), &CustomerSet::All, None, 9).unwrap().items.len();
    assert_eq!((of(IncidentState::Suspected), of(IncidentState::Confirmed)), (5, 0));
    assert!(home.incident_list(None, &only(&["bolt"]), None, 9).unwrap().items.is_empty());
}

fn an_incident_is_the_action_that_is_named_or_the_last_that_was_seen(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let holder = Holder { key: "psa", owner: "o", customers: &CustomerSet::All };
    home.review(&review("d1", Review::Accepted, "k"), at(3)).unwrap();
    let claim = ActionClaim { holder, limit: 9, most: 3, now: at(4), until: at(60), alone: Some("bundle-1") };
    let action = home.claim_actions(&claim).unwrap().remove(0);
    assert_eq!(action.kind, ActionKind::Reply);
    home.settle_action(action.id, &holder, &report(None), at(5)).unwrap();
    let alone = |key: &str, n: i64, action| {
        added(home, NewIncident { at: at(n), action, ..incident(key, "t1") });
        home.incidents(at(n), at(n + 1), &CustomerSet::All).unwrap()[0].alone
    };
    // Before anything was done nobody knows; then it is what was done last.
    assert_eq!((alone("a", 4, None), alone("b", 6, None)), (None, Some(false)));
    assert_eq!(alone("c", 2, Some(action.id)), Some(false));
    home.meddle("UPDATE actions SET origin = 'auto'");
    assert_eq!(alone("d", 7, None), Some(true));
}

fn week(scope: &str, customer: Option<&str>, week: &str, state: WeekState, n: i64) -> NewWeek {
    NewWeek {
        scope: scope.to_owned(),
        customer: customer.map(str::to_owned),
        week: week.parse().unwrap(),
        figures: json!({"tickets": n, "share": 0.25, "p50": null}),
        by: author("firstline"),
        state,
    }
}

fn a_week_is_written_once_for_each_state(home: &Home) {
    use WeekState::{Closed, Settled};
    let add = |new: NewWeek| home.add_week(&new, at(5)).unwrap();
    assert_eq!(add(week("all", None, "2026-11-02", Closed, 7)), Added::Stored);
    assert_eq!(add(week("all", None, "2026-11-02", Closed, 7)), Added::Known);
    assert_eq!(add(week("all", None, "2026-11-02", Closed, 8)), Added::Other);
    for new in [
        week("all", None, "2026-11-02", Settled, 8),
        week("all", None, "2026-11-09", Closed, 9),
        week("granted", None, "2026-11-02", Closed, 3),
        week("customer", Some("acme"), "2026-11-02", Closed, 2),
        week("customer", Some("bolt"), "2026-11-02", Closed, 1),
    ] {
        assert_eq!(add(new), Added::Stored);
    }
    let between = |scope, from: &str, to: &str, customers: &CustomerSet| -> Vec<(String, i64)> {
        let found = home.weeks(scope, from.parse().unwrap(), to.parse().unwrap(), customers).unwrap();
        found.into_iter().map(|w: WeekRecord| (w.scope, w.figures["tickets"].as_i64().unwrap())).collect()
    };
    let of = |scope: &str, numbers: &[i64]| -> Vec<(String, i64)> {
        numbers.iter().map(|n| (scope.to_owned(), *n)).collect()
    };
    let all = CustomerSet::All;
    assert_eq!(between(Some("all"), "2026-11-02", "2026-12-07", &all), of("all", &[7, 8, 9]));
    assert_eq!(between(Some("all"), "2026-11-03", "2026-11-10", &all), of("all", &[9]));
    assert_eq!(between(None, "2026-11-02", "2026-11-03", &all).len(), 5);
    // One who is held to some sees theirs alone, and nothing that others are in as well.
    assert_eq!(between(None, "2026-01-01", "2027-01-01", &only(&["acme"])), of("customer", &[2]));
    let first =
        home.weeks(Some("all"), "2026-11-02".parse().unwrap(), "2026-11-03".parse().unwrap(), &all).unwrap();
    assert_eq!((first[0].state, first[0].at, first[0].by.as_str()), (Closed, at(5), "firstline"));
    assert_eq!(first[0].sha.len(), 64);
    assert_eq!(audited(&**home).len(), 6);
    assert!(home.audit_entries(0, 99).unwrap().iter().all(|entry| !entry.detail.contains("acme")));
}

fn verdict(id: &str, passed: bool) -> NewVerdict {
    NewVerdict {
        id: id.to_owned(),
        gate: "shadow_to_assist".to_owned(),
        passed,
        evidence_sha: "cd".repeat(32),
        figures: json!({"agreement": {"needed": 0.85, "found": 0.9}}),
        by: author("kim"),
    }
}

fn a_verdict_is_written_once(home: &Home) {
    let add = |new: NewVerdict| home.add_verdict(&new, at(5)).unwrap();
    assert_eq!(
        [add(verdict("v1", false)), add(verdict("v1", false)), add(verdict("v1", true))],
        [Added::Stored, Added::Known, Added::Other]
    );
    assert_eq!(
        add(NewVerdict { gate: "assist_to_autonomous".to_owned(), ..verdict("v2", true) }),
        Added::Stored
    );
    let ids = |gate| home.verdicts(gate).unwrap().into_iter().map(|v| v.id).collect::<Vec<_>>();
    assert_eq!(
        (ids(None), ids(Some("shadow_to_assist"))),
        (vec!["v1".to_owned(), "v2".to_owned()], vec!["v1".to_owned()])
    );
    let first = home.verdicts(None).unwrap().remove(0);
    assert_eq!((first.passed, first.by.as_str(), first.at), (false, "kim", at(5)));
    assert_eq!((first.figures["agreement"]["found"].as_f64(), first.evidence_sha.len()), (Some(0.9), 64));
    let entry = home.audit_entries(0, 1).unwrap().remove(0);
    assert_eq!((entry.action.as_str(), entry.subject.as_str()), ("gate", "v1"));
    assert!(entry.detail.contains(&"cd".repeat(32)) && !entry.detail.contains("kim"));
}

fn no_change_of_the_evidence_is_unseen(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    added(home, incident("i1", "t1"));
    home.add_week(&week("all", None, "2026-11-02", WeekState::Closed, 7), at(5)).unwrap();
    home.add_verdict(&verdict("v1", false), at(5)).unwrap();
    let findings = || home.audit_check(&[]).unwrap().findings;
    let sound = home.audit_check(&[]).unwrap();
    assert_eq!((sound.findings, sound.compared, sound.undigested), (Vec::new(), 5, 0));
    for (change, back, said) in [
        ("incidents SET state = 'dismissed'", "incidents SET state = 'suspected'", "incident: 1 not"),
        ("incidents SET sla_credit = 1", "incidents SET sla_credit = 0", "incident: 1 not"),
        ("incidents SET credit_amount = 9", "incidents SET credit_amount = NULL", "incident: 1 not"),
        ("weeks SET figures = '{}'", "", "week: 1 not"),
        ("verdicts SET passed = 1", "verdicts SET passed = 0", "gate: 1 not"),
    ] {
        home.meddle(&format!("UPDATE {change}"));
        let found = findings();
        assert!(found.iter().any(|finding| finding.starts_with(said)), "{change}: {found:?}");
        if !back.is_empty() {
            home.meddle(&format!("UPDATE {back}"));
        }
    }
    // Words that are old go; others do not come.
    home.meddle("DELETE FROM weeks");
    assert_eq!(findings(), ["week: 1 that the log tells of are not there"]);
    home.meddle("UPDATE incidents SET reason = NULL");
    assert_eq!(findings().len(), 1);
    home.meddle("UPDATE incidents SET reason = 'other'");
    assert_eq!(findings().len(), 2);
    home.meddle("DELETE FROM incidents; DELETE FROM verdicts");
    assert_eq!(findings().len(), 3);
}
