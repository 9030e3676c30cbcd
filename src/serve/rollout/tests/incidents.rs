//! Incidents: what is counted against what was done, who may say what, and weeks that stay as they were put on record.

use firstline_store::{
    ActionClaim, ActionReport, Author, GrantScope, Holder, IncidentResult, NewGrant, ReviewRequest,
};
use firstline_ticket::Review;
use std::collections::BTreeMap;

use super::*;

/// A report about a ticket, as a machine sends one.
pub(super) fn report(key: &str, ticket: &str, at: Timestamp) -> IncidentReport {
    IncidentReport {
        key: key.to_owned(),
        ticket_id: Some(ticket.to_owned()),
        customer: None,
        decision_id: None,
        action_id: None,
        at,
        kind: IncidentKind::Correction,
        severity: IncidentSeverity::Low,
        sla_credit: false,
        sla_credit_amount: None,
        confirmed: false,
        note: Some("Der Kunde bittet um Klärung".to_owned()),
    }
}

impl Home {
    /// Puts a report of boss's on record; gives the incident's id.
    pub(super) fn enters(&self, report: IncidentReport, now: Timestamp) -> String {
        let by = Author { person: "boss".to_owned(), actor: "key".to_owned() };
        let new = report.checked("incidents[0]", &by, true, now).unwrap();
        match self.store.add_incidents(&[new], &CustomerSet::All, now).unwrap().remove(0) {
            IncidentResult::Stored(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn rule(&self, id: &str, state: IncidentState, now: Timestamp) -> IncidentView {
        let ruling = IncidentRuling {
            state,
            reason: "Looked at it with the technician".to_owned(),
            sla_credit: None,
            sla_credit_amount: None,
            severity: None,
        };
        let by = Author { person: "boss".to_owned(), actor: "key".to_owned() };
        decide_incident(self.store(), id, &ruling, (&by, &CustomerSet::All), now).unwrap()
    }

    pub(super) fn status(&self, now: Timestamp) -> Status {
        status(self.store(), &self.rules.hours, Phase::Assist, now).unwrap()
    }

    /// Grants assist to acme.
    pub(super) fn assist(&self, now: Timestamp) {
        for customer in [Some("acme".to_owned()), None] {
            let grant = NewGrant {
                scope: GrantScope { customer, ..GrantScope::default() },
                phase: Phase::Assist,
                thresholds: BTreeMap::new(),
                bundle: None,
                evidence_sha: None,
                by: Author { person: "boss".to_owned(), actor: "key".to_owned() },
                reason: "test".to_owned(),
            };
            self.store.grant(&grant, now).unwrap();
        }
    }

    /// A ticket of acme's whose reply is approved, and sent at `sent`.
    pub(super) fn sends(&self, id: &str, opened: Timestamp, sent: Timestamp) {
        self.sends_to("acme", id, opened, sent);
    }

    /// The same of another customer's ticket.
    pub(super) fn sends_to(&self, customer: &str, id: &str, opened: Timestamp, sent: Timestamp) {
        self.decide(id, customer, opened);
        let number = Some(customer);
        let record = self.store.decision_of(id, number, &CustomerSet::All).unwrap().unwrap();
        let review = ReviewRequest {
            decision_id: record.id,
            version: record.version,
            verdict: Review::Accepted,
            reviewer: "boss".to_owned(),
            claimed: None,
            findings: Vec::new(),
            wide: true,
            fields: BTreeMap::new(),
            idempotency_key: format!("k-{id}"),
            act: true,
            undo_seconds: 0,
            run: None,
            distance: 0.0,
            opened_at: None,
            active_seconds: None,
            actor: "key".to_owned(),
        };
        self.store.review(&review, sent - 1.minutes()).unwrap();
        let customers = CustomerSet::All;
        let holder = Holder { key: "psa", owner: "psa", customers: &customers };
        let claim = ActionClaim {
            holder,
            limit: 9,
            most: 3,
            now: sent,
            until: sent + 1.minutes(),
            alone: Some("bundle-1"),
        };
        // The reply, and then the labels.
        for _ in 0..2 {
            for action in self.store.claim_actions(&claim).unwrap() {
                let done = ActionReport::Done { psa_ref: None, result: None };
                self.store.settle_action(action.id, &holder, &done, sent).unwrap();
            }
        }
    }
}

#[test]
fn edge_an_sla_credit_for_week_3_that_is_entered_in_week_9_shows_now_and_in_week_3() {
    let home = home();
    home.started(&home.boss());
    for week in 1..=9 {
        home.decide(&format!("t{week}"), "acme", day(7 * week, 9));
    }
    let entered = day(7 * 9, 12);
    home.close(entered);
    let before = weeks(home.store(), home.rules.zone(), 70).unwrap();
    assert_eq!(home.status(entered).errors_by_week, []);
    let happened = day(7 * 3 + 1, 10);
    let credit = IncidentReport {
        kind: IncidentKind::Late,
        sla_credit: true,
        sla_credit_amount: Some(249.99),
        confirmed: true,
        ..report("credit 17", "t3", happened)
    };
    home.enters(credit, entered);
    let now = entered + 1.seconds();
    let status = home.status(now);
    assert_eq!((status.errors.sla_credits, status.errors.sla_credit_amount), (1, Some(249.99)));
    assert_eq!((status.errors.errors.count, status.errors.errors.n), (Some(1), 0));
    let [week] = status.errors_by_week.as_slice() else { panic!("{:?}", status.errors_by_week) };
    assert_eq!((week.week.as_str(), week.number, week.found.sla_credits), ("2026-W40", Some(3), 1));
    let all = CustomerSet::All;
    assert_eq!(week_errors(home.store(), &home.rules.hours, &all, now).unwrap(), status.errors_by_week);
    let other = CustomerSet::Only(["bolt".to_owned()].into());
    assert_eq!(week_errors(home.store(), &home.rules.hours, &other, now).unwrap(), []);
    // What is on record stays; week 9 has none of it.
    home.close(day(7 * 12, 0));
    let after = weeks(home.store(), home.rules.zone(), 70).unwrap();
    assert!(before.iter().all(|row| after.contains(row)));
    assert_eq!(figure(&home.week(3, true), "sla_credits"), (None, 0));
    assert_eq!(figure(&home.week(9, true), "sla_credits"), (None, 0));
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn r43_errors_are_counted_against_what_customers_could_see_in_the_week_it_was_done() {
    let home = home();
    home.started(&home.boss());
    home.assist(day(1, 0));
    // Opened in week 1; two replies go out in that week, one in the next.
    home.sends("w1", day(8, 9), day(8, 10));
    home.sends("w2", day(8, 9), day(8, 11));
    home.sends("w3", day(13, 9), day(14, 9));
    let wrong = home.enters(report("c1", "w1", day(8, 12)), day(8, 13));
    let open = home.enters(report("c2", "w2", day(8, 12)), day(8, 13));
    home.rule(&wrong, IncidentState::Confirmed, day(9, 14));
    // At the end of the week one is overdue; by the time that it settles a person has found no error.
    home.close(day(14, 0));
    home.rule(&open, IncidentState::Dismissed, day(15, 0));
    home.close(day(28, 0));
    let of = |number, settled, name| figure(&home.week(number, settled), name);
    assert_eq!((of(1, false, "errors"), of(1, true, "errors")), ((Some(2), 2), (Some(1), 2)));
    assert_eq!(of(1, true, "errors_approved"), (Some(1), 2));
    assert_eq!((of(1, true, "errors_autonomous"), of(2, true, "errors")), ((Some(0), 0), (Some(0), 1)));
    let pilots = weeks(home.store(), home.rules.zone(), 70).unwrap();
    let pilots = pilots.iter().find(|row| row.customer.as_deref() == Some("acme") && row.settled).unwrap();
    assert_eq!(figure(pilots, "errors"), (Some(1), 2));
    let status = home.status(day(28, 1));
    assert_eq!((status.errors.errors.count, status.errors.errors.n), (Some(1), 3));
    assert_eq!((status.errors.approved.n, status.errors.autonomous.n, status.errors.undecided), (3, 0, 0));
    assert!(!status.next.iter().any(|next| next.contains("incidents")), "{:?}", status.next);
    home.enters(report("c3", "w3", day(14, 10)), day(28, 2));
    let next = home.status(day(28, 3)).next;
    assert!(next.iter().any(|next| next.contains("firstline incidents list")), "{next:?}");
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn r43_what_is_reported_is_bounded_and_only_a_person_confirms() {
    let now = day(30, 0);
    let by = Author { person: "key k1".to_owned(), actor: "k1".to_owned() };
    let check = |report: IncidentReport, may: bool| report.checked("incidents[4]", &by, may, now);
    let good = report("k", "t1", day(29, 0));
    assert!(check(good.clone(), false).is_ok());
    let named = |text: &str| IncidentReport { key: text.to_owned(), ..good.clone() };
    let credit =
        |sla_credit, amount| IncidentReport { sla_credit, sla_credit_amount: amount, ..good.clone() };
    let noted = |text: &str| IncidentReport { note: Some(text.to_owned()), ..good.clone() };
    for (bad, expected) in [
        (named(" "), Code::Request),
        (named(&"é".repeat(129)), Code::Request),
        (IncidentReport { ticket_id: None, ..good.clone() }, Code::Request),
        (IncidentReport { ticket_id: Some(String::new()), ..good.clone() }, Code::Request),
        (IncidentReport { customer: Some("x".repeat(257)), ..good.clone() }, Code::Request),
        (IncidentReport { at: at("1969-12-31T23:59:59Z"), ..good.clone() }, Code::Date),
        (IncidentReport { at: now + 25.hours(), ..good.clone() }, Code::Date),
        (credit(false, Some(1.0)), Code::Request),
        (credit(true, Some(-0.01)), Code::Request),
        (credit(true, Some(f64::NAN)), Code::Request),
        (credit(true, Some(f64::INFINITY)), Code::Request),
        (noted(""), Code::Request),
        (noted("\u{1b}[2J"), Code::Request),
        (noted(&"障".repeat(700)), Code::Request),
        (IncidentReport { confirmed: true, ..good.clone() }, Code::Scope),
    ] {
        let fault = check(bad.clone(), false).unwrap_err();
        assert_eq!(code(&fault), Some(expected), "{bad:?}");
    }
    let silent = IncidentReport { confirmed: true, note: None, ..good.clone() };
    assert_eq!(code(&check(silent, true).unwrap_err()), Some(Code::Request));
    for fine in [
        credit(true, None),
        credit(true, Some(0.0)),
        IncidentReport { note: None, ..good.clone() },
        IncidentReport { ticket_id: None, decision_id: Some("d1".to_owned()), ..good.clone() },
        noted("Le client s'est plaint.\nIl attend une réponse."),
    ] {
        assert!(check(fine.clone(), false).is_ok(), "{fine:?}");
    }
    assert!(check(IncidentReport { confirmed: true, ..good }, true).is_ok());
}

#[test]
fn r43_a_ruling_has_a_reason_and_an_incident() {
    let home = home();
    home.decide("t1", "acme", day(8, 0));
    let id = home.enters(report("k", "t1", day(8, 1)), day(8, 2));
    let by = Author { person: "boss".to_owned(), actor: "key".to_owned() };
    let ruling = |state, reason: &str| IncidentRuling {
        state,
        reason: reason.to_owned(),
        sla_credit: Some(true),
        sla_credit_amount: Some(80.0),
        severity: Some(IncidentSeverity::High),
    };
    let decide = |id: &str, ruling: IncidentRuling, customers: &CustomerSet| {
        decide_incident(home.store(), id, &ruling, (&by, customers), day(9, 0))
    };
    let all = CustomerSet::All;
    let bolt = CustomerSet::Only(["bolt".to_owned()].into());
    let fault = |found: firstline_fault::Result<IncidentView>| code(&found.unwrap_err());
    let confirmed = |reason| ruling(IncidentState::Confirmed, reason);
    assert_eq!(fault(decide(&id, confirmed(" "), &all)), Some(Code::Request));
    assert_eq!(fault(decide(&id, ruling(IncidentState::Suspected, "x"), &all)), Some(Code::Request));
    assert_eq!(fault(decide("none", confirmed("x"), &all)), Some(Code::NotFound));
    assert_eq!(fault(decide(&id, confirmed("x"), &bolt)), Some(Code::NotFound));
    let odd = IncidentRuling { sla_credit: Some(false), ..confirmed("x") };
    assert_eq!(fault(decide(&id, odd, &all)), Some(Code::Request));
    let found = decide(&id, confirmed("The reply named the wrong printer"), &all).unwrap();
    assert_eq!(
        (found.state, found.severity, found.by.as_str()),
        (IncidentState::Confirmed, IncidentSeverity::High, "boss")
    );
    assert_eq!((found.sla_credit, found.sla_credit_amount), (true, Some(80.0)));
    assert_eq!(found.note.as_deref(), Some("The reply named the wrong printer"));
}
