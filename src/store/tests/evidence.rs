//! Incidents, weeks and verdicts: what is on record stays so, and what is not as the log says is found.

use super::*;
use crate::{
    Added, IncidentResult, IncidentState, NewIncident, NewVerdict, NewWeek, Ruling, WeekRecord, WeekState,
};
use serde_json::json;

on_both!(
    an_incident_finds_its_ticket_or_says_why_not,
    a_person_decides_an_incident,
    a_week_is_written_once_for_each_state,
    a_verdict_is_written_once,
    no_change_of_the_evidence_is_unseen,
);

fn incident(id: &str, of: &str) -> NewIncident {
    NewIncident {
        id: id.to_owned(),
        ticket_id: of.to_owned(),
        customer: None,
        action: None,
        at: at(10),
        kind: "contradiction".to_owned(),
        severity: "low".to_owned(),
        sla_credit: false,
        state: IncidentState::Suspected,
        by: author("firstline"),
        reason: Some("He says that it is back".to_owned()),
    }
}

fn an_incident_finds_its_ticket_or_says_why_not(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    for (id, customer) in [("d2", "acme"), ("d3", "bolt")] {
        let one = Decided { customer: customer.to_owned(), sees: only(&[customer]), ..decided(id, "t2", 0) };
        record(&**home, one);
    }
    let add = |new: NewIncident, customers: &CustomerSet| home.add_incident(&new, customers, at(20)).unwrap();
    let all = CustomerSet::All;
    assert_eq!(add(incident("i1", "t1"), &all), IncidentResult::Stored);
    assert_eq!(add(incident("i1", "t9"), &all), IncidentResult::Known);
    assert_eq!(add(incident("i2", "t9"), &all), IncidentResult::Unknown);
    assert_eq!(add(incident("i2", "t2"), &all), IncidentResult::Ambiguous);
    assert_eq!(add(incident("i2", "t1"), &only(&["bolt"])), IncidentResult::Unknown);
    let mut of_bolt = NewIncident { customer: Some("bolt".to_owned()), ..incident("i2", "t2") };
    assert_eq!(add(NewIncident { action: Some(7), ..of_bolt.clone() }, &all), IncidentResult::Unknown);
    of_bolt.at = at(5);
    assert_eq!(add(of_bolt, &all), IncidentResult::Stored);
    let ids = |from, to, customers: &CustomerSet| -> Vec<String> {
        let found = home.incidents(at(from), at(to), customers).unwrap();
        found.into_iter().map(|incident| incident.id).collect()
    };
    assert_eq!(
        (ids(0, 99, &all), ids(5, 10, &all)),
        (vec!["i2".to_owned(), "i1".to_owned()], vec!["i2".to_owned()])
    );
    assert_eq!((ids(0, 99, &only(&["acme"])), ids(11, 99, &all)), (vec!["i1".to_owned()], Vec::new()));
    let found = home.incidents(at(10), at(11), &all).unwrap().remove(0);
    assert_eq!(
        (found.ticket_id.as_str(), found.customer.as_str(), found.recorded_at),
        ("t1", "acme", at(20))
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
    home.add_incident(&incident("i1", "t1"), &CustomerSet::All, at(20)).unwrap();
    let ruling = |state, sla_credit, reason: Option<&str>| Ruling {
        state,
        sla_credit,
        severity: None,
        by: author("ada"),
        reason: reason.map(str::to_owned),
    };
    let judge = |ruling: &Ruling, customers: &CustomerSet, n| {
        home.judge_incident("i1", ruling, customers, at(n)).unwrap()
    };
    let confirmed = ruling(IncidentState::Confirmed, Some(true), None);
    assert_eq!(judge(&confirmed, &only(&["bolt"]), 21), None);
    // The ticket is decided again meanwhile: the incident hangs on what was decided when it was reported.
    record(&**home, decided("d2", "t1", 1));
    let found = judge(&confirmed, &only(&["acme"]), 22).unwrap();
    assert_eq!((found.state, found.sla_credit, found.by.as_str()), (IncidentState::Confirmed, true, "ada"));
    assert_eq!((found.decided_at, found.severity.as_str()), (Some(at(22)), "low"));
    assert_eq!(found.reason.as_deref(), Some("He says that it is back"));
    let found =
        judge(&ruling(IncidentState::Dismissed, None, Some("A new fault")), &CustomerSet::All, 23).unwrap();
    assert_eq!((found.state, found.sla_credit), (IncidentState::Dismissed, true));
    assert_eq!(found.reason.as_deref(), Some("A new fault"));
    assert_eq!(home.incidents(at(0), at(99), &CustomerSet::All).unwrap(), [found]);
    assert!(home.judge_incident("i9", &confirmed, &CustomerSet::All, at(24)).unwrap().is_none());
    assert_eq!(audited(&**home), ["decide", "incident", "decide", "incident", "incident"]);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
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
    home.add_incident(&incident("i1", "t1"), &CustomerSet::All, at(20)).unwrap();
    home.add_week(&week("all", None, "2026-11-02", WeekState::Closed, 7), at(5)).unwrap();
    home.add_verdict(&verdict("v1", false), at(5)).unwrap();
    let findings = || home.audit_check(&[]).unwrap().findings;
    let sound = home.audit_check(&[]).unwrap();
    assert_eq!((sound.findings, sound.compared, sound.undigested), (Vec::new(), 5, 0));
    for (change, back, said) in [
        ("incidents SET state = 'dismissed'", "incidents SET state = 'suspected'", "incident: 1 not"),
        ("incidents SET sla_credit = 1", "incidents SET sla_credit = 0", "incident: 1 not"),
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
