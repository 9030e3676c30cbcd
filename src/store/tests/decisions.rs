//! Tickets and decisions: what is put on record, and what is not.

use super::*;
use crate::{DraftState, Standing};
use firstline_fault::Error;

on_both!(
    a_draft_can_be_asked_for_later_and_once,
    what_is_put_comes_back,
    a_ticket_that_has_changed_is_stale,
    an_id_used_twice_records_nothing,
    a_ticket_that_comes_twice_in_one_call_is_decided_in_order,
    many_in_one_call_keep_their_order,
    what_shaped_a_draft_is_on_record,
    a_newer_decision_makes_the_older_draft_void,
    a_storm_has_its_first_alert_as_head,
    hostile_text_is_text,
);

fn what_is_put_comes_back(home: &Home) {
    let mut one = decided("d1", "t1", 0);
    one.storm = Some("s".to_owned());
    one.route = Route::Storm;
    one.collapsed_into = Some("d0".to_owned());
    let now = at(5) + jiff::SignedDuration::from_nanos(1_234_567);
    assert_eq!(home.record(std::slice::from_ref(&one), now).unwrap(), [Recorded::Stored]);
    let kept = Timestamp::from_microsecond(at(5).as_microsecond() + 1234).unwrap();
    let found = home.decision("d1").unwrap().unwrap();
    assert_eq!(found, home.decision_of("t1", None, &CustomerSet::All).unwrap().unwrap());
    assert_eq!((found.at, found.received_at), (kept, at(0)));
    assert_eq!((found.id.as_str(), found.ticket_id.as_str(), found.customer.as_str()), ("d1", "t1", "acme"));
    assert_eq!((found.route, found.collapsed_into.as_deref()), (Route::Storm, Some("d0")));
    assert_eq!((&found.decision, found.version), (&one.decision, 1));
    assert_eq!((found.draft_state, &found.draft), (DraftState::Writing, &None));
    assert_eq!((found.input_hash, found.bundle), (one.input_hash.clone(), one.bundle.clone()));
    assert_eq!((found.drafting, found.drafted_bundle, found.drafted_by), (one.drafting.clone(), None, None));
    let asked = ["t1", "unknown"].map(|number| TicketRef { number, customer: "acme" });
    let mut found_standing = home.standing(&asked).unwrap();
    assert_eq!((found_standing.len(), found_standing.pop()), (2, Some(None)));
    let due = Standing {
        version: 1,
        decision_id: "d1".to_owned(),
        input_hash: one.input_hash,
        bundle: one.bundle,
        drafting: one.drafting,
        decision: one.decision,
        route: Route::Storm,
        at: kept,
        collapsed_into: one.collapsed_into,
        draft_state: DraftState::Writing,
        draft_version: 1,
        answered: false,
        closed: false,
        locked: BTreeMap::new(),
        phase: one.phase,
        blind: one.blind,
    };
    assert_eq!(found_standing.pop(), Some(Some(due)));
    assert!(
        home.decision("d2").unwrap().is_none()
            && home.decision_of("t2", None, &CustomerSet::All).unwrap().is_none()
    );
    assert_eq!(audited(&**home), ["decide"]);
    let entry = home.audit_entries(0, 1).unwrap().remove(0);
    assert_eq!((entry.at, entry.subject.as_str()), (kept, "d1"));
    // Labels may be names: the log has their salted hashes.
    assert!(!entry.detail.contains("Network") && !entry.detail.contains("VPN"), "{}", entry.detail);
    assert!(entry.detail.contains("label_hashes"), "{}", entry.detail);
}

fn what_shaped_a_draft_is_on_record(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let found = home.decision("d1").unwrap().unwrap();
    assert_eq!((found.bundle.as_str(), found.drafting.as_deref()), ("bundle-1", Some("drafting-1")));
    assert_eq!(
        (found.drafted_bundle.as_deref(), found.drafted_by.as_deref()),
        (Some("bundle-2"), Some("drafting-2"))
    );
    let log = home.audit_entries(0, 9).unwrap();
    let ids = |n: usize| {
        let detail: serde_json::Value = serde_json::from_str(&log[n].detail).unwrap();
        (log[n].action.clone(), detail["bundle"].clone(), detail["drafting"].clone())
    };
    assert_eq!(ids(0), ("decide".to_owned(), "bundle-1".into(), "drafting-1".into()));
    assert_eq!(ids(1), ("draft".to_owned(), "bundle-2".into(), "drafting-2".into()));
    // Whoever does not know it says nothing.
    let mut unsaid = decided("d2", "t2", 0);
    unsaid.drafting = None;
    record(&**home, unsaid);
    assert_eq!(home.decision("d2").unwrap().unwrap().drafting, None);
}

fn a_ticket_that_comes_twice_in_one_call_is_decided_in_order(home: &Home) {
    drafted(&**home, "d0", "t1", 0);
    // Each in view of the one before; between them a ticket of its own.
    let mut all =
        [decided("d1", "t1", 1), decided("d2", "t2", 0), decided("d3", "t1", 2), decided("d4", "t1", 2)];
    all[2].draft = false;
    let due = [Recorded::Stored, Recorded::Stored, Recorded::Stored, Recorded::Stale];
    assert_eq!(home.record(&all, at(9)).unwrap(), due);
    let state = |id: &str| {
        let found = home.decision(id).unwrap().unwrap();
        (found.draft_state, found.version)
    };
    assert_eq!(state("d0"), (DraftState::Superseded, 3));
    assert_eq!(state("d1"), (DraftState::Superseded, 2));
    assert_eq!([state("d2"), state("d3")], [(DraftState::Writing, 1), (DraftState::None, 1)]);
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    assert_eq!(work.iter().map(|w| w.ticket.id.as_str()).collect::<Vec<_>>(), ["t2"]);
    let first = standing(&**home, "t1").unwrap();
    assert_eq!((first.version, first.decision_id.as_str()), (3, "d3"));
    assert_eq!(standing(&**home, "t2").unwrap().version, 1);
    audited(&**home);
    let log = home.audit_entries(0, 9).unwrap();
    assert_eq!(log.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["d0", "d0", "d1", "d2", "d3"]);
}

fn many_in_one_call_keep_their_order(home: &Home) {
    let of = |n: usize| format!("t{:04}", 9_999 - n);
    let mut all: Vec<Decided> = (0..2_500).map(|n| decided(&format!("d{n}"), &of(n), 0)).collect();
    all[700].expected = 7;
    let recorded = home.record(&all, at(9)).unwrap();
    assert_eq!(recorded.iter().filter(|r| **r == Recorded::Stored).count(), 2_499);
    assert_eq!(recorded[700], Recorded::Stale);
    let drafts = claim(&**home, WorkKind::Draft, "w", 9_999);
    let due: Vec<&str> =
        all.iter().filter(|one| one.expected == 0).map(|one| one.ticket.id.as_str()).collect();
    assert_eq!(drafts.iter().map(|w| w.ticket.id.as_str()).collect::<Vec<_>>(), due);
    let tickets: Vec<TicketRef<'_>> =
        all.iter().map(|one| TicketRef { number: &one.ticket.id, customer: "acme" }).collect();
    assert_eq!(home.standing(&tickets).unwrap().into_iter().flatten().count(), 2_499);
    let log = home.audit_entries(0, 9_999).unwrap();
    assert!(
        log.iter()
            .map(|entry| &entry.subject)
            .eq(all.iter().filter(|one| one.expected == 0).map(|one| &one.id))
    );
    audited(&**home);
    assert!(home.standing(&[]).unwrap().is_empty() && home.record(&[], at(9)).unwrap().is_empty());
}

fn a_ticket_that_has_changed_is_stale(home: &Home) {
    // The second of one call is in view of what the first changed.
    let both = [decided("d1", "t1", 0), decided("d2", "t1", 0)];
    assert_eq!(home.record(&both, at(0)).unwrap(), [Recorded::Stored, Recorded::Stale]);
    assert_eq!(home.record(&[decided("d3", "t2", 1)], at(0)).unwrap(), [Recorded::Stale]);
    assert_eq!(home.counts().unwrap()["decisions"], 1);
    assert_eq!(audited(&**home), ["decide"]);
    record(&**home, decided("d4", "t1", 1));
    assert_eq!(standing(&**home, "t1").unwrap().version, 2);
}

fn an_id_used_twice_records_nothing(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    let before = (home.counts().unwrap(), home.audit_entries(0, 10).unwrap());
    let fault = home.record(&[decided("d2", "t2", 0), decided("d1", "t3", 0)], at(1)).unwrap_err();
    assert!(matches!(fault, Error::Internal(_)), "{fault}");
    assert_eq!((home.counts().unwrap(), home.audit_entries(0, 10).unwrap()), before);
    assert!(standing(&**home, "t2").is_none() && standing(&**home, "t3").is_none());
    // The store is as usable as before.
    record(&**home, decided("d2", "t2", 0));
}

fn a_newer_decision_makes_the_older_draft_void(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    record(&**home, decided("d2", "t1", 1));
    let older = home.decision("d1").unwrap().unwrap();
    assert_eq!((older.draft_state, older.version), (DraftState::Superseded, 3));
    // The draft of the second is being written when the third comes.
    let work = claim(&**home, WorkKind::Draft, "drafter", 9);
    assert_eq!(work.len(), 1);
    let mut third = decided("d3", "t1", 2);
    third.draft = false;
    record(&**home, third);
    assert!(!home.drafted(&result(work[0].id, "drafter", Some(&draft("Late"))), at(3)).unwrap());
    let second = home.decision("d2").unwrap().unwrap();
    assert_eq!((second.draft_state, second.draft), (DraftState::Superseded, None));
    assert_eq!(home.decision("d3").unwrap().unwrap().draft_state, DraftState::None);
    assert_eq!(home.backlog().unwrap(), crate::Backlog::default());
}

fn a_storm_has_its_first_alert_as_head(home: &Home) {
    for (n, (id, storm, into)) in
        [("d1", "s", None), ("d2", "s", Some("d1")), ("d3", "s", None), ("d4", "z", Some("d1"))]
            .into_iter()
            .enumerate()
    {
        let mut one = decided(id, &format!("t{n}"), 0);
        (one.storm, one.collapsed_into) = (Some(storm.to_owned()), into.map(str::to_owned));
        home.record(&[one], at(n as i64)).unwrap();
    }
    let heads = home.storm_heads(&["s", "z", "?"], at(0)).unwrap();
    assert_eq!(heads.len(), 1);
    assert_eq!((heads["s"].decision_id.as_str(), heads["s"].at), ("d1", at(0)));
    assert_eq!(home.storm_heads(&["s"], at(1)).unwrap()["s"].decision_id, "d3");
    assert!(home.storm_heads(&["s"], at(3)).unwrap().is_empty());
}

fn hostile_text_is_text(home: &Home) {
    let nasty = "a\0b\u{2028}'); DROP TABLE tickets; -- \u{1F9E8} \\u0000 \u{FFFE} $1 ?1 \"";
    let mut one = decided(nasty, nasty, 0);
    one.ticket.body = Some(format!("{nasty}{}", "x".repeat(1 << 20)));
    one.ticket.extra.insert(nasty.to_owned(), nasty.into());
    (one.customer, one.actor, one.input_hash) = (nasty.to_owned(), nasty.to_owned(), nasty.to_owned());
    (one.storm, one.bundle) = (Some(nasty.to_owned()), nasty.to_owned());
    record(&**home, one.clone());
    assert_eq!(standing_at(&**home, nasty, nasty).unwrap().version, 1);
    assert_eq!(home.storm_heads(&[nasty], at(0)).unwrap().len(), 1);
    let found = home.decision(nasty).unwrap().unwrap();
    assert_eq!((&found.ticket_id, found.decision), (&nasty.replace('\0', "\u{2400}"), one.decision));
    // Without the escape it would be another ticket's id.
    assert!(standing_at(&**home, "ab", nasty).is_none());
    let work = claim(&**home, WorkKind::Draft, nasty, 1).remove(0);
    assert_eq!(work.ticket, one.ticket);
    assert!(home.drafted(&result(work.id, nasty, Some(&draft(nasty))), at(2)).unwrap());
    let mut said = review(nasty, Review::Edited(nasty.to_owned()), nasty);
    (said.reviewer, said.fields) = (nasty.to_owned(), labels(&[(Field::Board, nasty)]));
    assert!(matches!(home.review(&said, at(3)).unwrap(), crate::ReviewResult::Done(_)));
    assert!(matches!(home.review(&said, at(4)).unwrap(), crate::ReviewResult::Done(_)));
    let holder = crate::Holder { key: nasty, owner: nasty, customers: &CustomerSet::All };
    let claim =
        crate::ActionClaim { holder, limit: 9, most: 3, now: at(5), until: at(9), alone: Some("bundle-1") };
    let action = home.claim_actions(&claim).unwrap().remove(0);
    assert_eq!(action.payload["text"], nasty);
    let settled = home.settle_action(action.id, &holder, &report(Some((nasty, at(9)))), at(6)).unwrap();
    assert_eq!(settled, crate::Settlement::Settled);
    let news = crate::Feedback {
        ticket_id: Some(nasty.to_owned()),
        outcome: firstline_ticket::Outcome { reply: Some(nasty.to_owned()), ..Default::default() },
        source: nasty.to_owned(),
        actor: nasty.to_owned(),
        ..crate::Feedback::default()
    };
    let only = crate::CustomerSet::Only([found.customer.clone()].into());
    assert_eq!(home.feedback(&[news], &only, at(7)).unwrap(), [crate::Joined::To(found.id.clone())]);
    home.audit(nasty, nasty, nasty, &serde_json::json!({nasty: nasty}), at(8)).unwrap();
    audited(&**home);
    assert_eq!(home.forget(&[found.customer], nasty, at(9)).unwrap().tickets, 1);
}

fn a_draft_can_be_asked_for_later_and_once(home: &Home) {
    record(&**home, Decided { draft: false, ..decided("d1", "t1", 0) });
    assert!(home.want_draft("d1", "kim").unwrap());
    assert!(!home.want_draft("d1", "kim").unwrap() && !home.want_draft("none", "kim").unwrap());
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    assert_eq!((work.len(), work[0].actor.as_str(), work[0].received_at), (1, "kim", at(0)));
    assert!(home.drafted(&result(work[0].id, "w", None), at(3)).unwrap());
    assert!(!home.want_draft("d1", "kim").unwrap());
    // An older decision's is of no use.
    record(&**home, Decided { draft: false, ..decided("d2", "t2", 0) });
    record(&**home, Decided { draft: false, ..decided("d3", "t2", 1) });
    assert!(!home.want_draft("d2", "kim").unwrap());
    assert_eq!(home.backlog().unwrap().drafts, 0);
}
