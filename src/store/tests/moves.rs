//! Tickets that move to another customer, and numbers that two customers both use.

use super::*;
use crate::{
    Action, ActionClaim, ActionState, DraftState, Feedback, Holder, Joined, ReviewResult, Settlement,
};
use firstline_ticket::Outcome;

on_both!(
    numbers_are_a_customers_own,
    what_waits_is_void_when_a_ticket_moves,
    what_was_is_for_those_who_may_see_all,
    a_claimed_action_is_void_and_its_holder_hears_of_it,
    what_was_being_written_or_reviewed_comes_to_nothing,
    old_words_stay_void_when_a_ticket_moves_back,
    old_news_does_not_move_a_ticket_back,
    feedback_is_of_the_customer_at_that_time,
    a_number_that_a_held_key_uses_stands_in_nobodys_way,
    a_wider_keys_outcome_is_not_overwritten,
    a_move_takes_few_statements_and_one_entry,
);

/// The decision `id` about `number` at `customer`, by a key that may see `sees`.
fn sent(id: &str, number: &str, customer: &str, sees: CustomerSet) -> Decided {
    let mut one = decided(id, number, 0);
    one.customer = customer.to_owned();
    one.ticket.customer = Some(customer.to_owned());
    one.ticket.body = Some(format!("{customer}-words"));
    Decided { sees, ..one }
}

/// The same, later.
fn later(n: i64, one: Decided) -> Decided {
    Decided { received_at: at(n), ..one }
}

fn written(store: &dyn Store, id: &str) {
    let work = claim(store, WorkKind::Draft, "w", 99);
    let mine = work.iter().find(|work| work.decision.as_ref().unwrap().0 == id).unwrap();
    assert!(store.drafted(&result(mine.id, "w", Some(&draft("For acme alone."))), at(2)).unwrap());
    store.release("w").unwrap();
}

fn take(store: &dyn Store, customers: &CustomerSet) -> Vec<Action> {
    let holder = Holder { key: "glue", owner: "glue/1", customers };
    let claim =
        ActionClaim { holder, limit: 99, most: 9, now: at(10), until: at(20), alone: Some("bundle-1") };
    store.claim_actions(&claim).unwrap()
}

fn state(store: &dyn Store, id: &str) -> DraftState {
    store.decision(id).unwrap().unwrap().draft_state
}

fn numbers_are_a_customers_own(home: &Home) {
    record(&**home, sent("d1", "7", "acme", only(&["acme"])));
    // Another customer's key neither takes the number, nor is kept from it, nor learns that it is used.
    assert!(standing_at(&**home, "7", "bolt").is_none());
    record(&**home, sent("d2", "7", "bolt", only(&["bolt"])));
    assert_eq!((state(&**home, "d1"), state(&**home, "d2")), (DraftState::Writing, DraftState::Writing));
    let decision = |customers: &CustomerSet| home.decision_of("7", None, customers).unwrap().map(|d| d.id);
    assert_eq!(decision(&only(&["acme"])).as_deref(), Some("d1"));
    assert_eq!(decision(&only(&["bolt"])).as_deref(), Some("d2"));
    assert_eq!(decision(&only(&["crux"])), None);
    assert_eq!(standing(&**home, "7").unwrap().version, 1);
    // Both in one call: each in view of its own.
    let both = [
        Decided { expected: 1, ..sent("d3", "7", "acme", only(&["acme"])) },
        Decided { expected: 1, ..sent("d4", "7", "bolt", only(&["bolt"])) },
        Decided { expected: 1, ..sent("d5", "7", "bolt", only(&["bolt"])) },
    ];
    let due = [Recorded::Stored, Recorded::Stored, Recorded::Stale];
    assert_eq!(home.record(&both, at(5)).unwrap(), due);
    assert!(!audited(&**home).contains(&"move".to_owned()));
    assert_eq!(home.counts().unwrap()["tickets"], 2);
}

fn what_waits_is_void_when_a_ticket_moves(home: &Home) {
    // One is being written, one waits for a person, one is approved, one was edited, one was sent.
    for n in 1..=5 {
        record(&**home, sent(&format!("d{n}"), &n.to_string(), "acme", CustomerSet::All));
    }
    for n in 2..=5 {
        written(&**home, &format!("d{n}"));
    }
    for (n, verdict) in
        [(3, Review::Accepted), (4, Review::Edited("Other words".to_owned())), (5, Review::Accepted)]
    {
        home.review(&review(&format!("d{n}"), verdict, &format!("k{n}")), at(3)).unwrap();
    }
    for action in take(&**home, &CustomerSet::All).into_iter().filter(|a| a.ticket_id == "5") {
        let holder = Holder { key: "glue", owner: "glue/1", customers: &CustomerSet::All };
        assert_eq!(
            home.settle_action(action.id, &holder, &report(None), at(11)).unwrap(),
            Settlement::Settled
        );
    }
    let moved: Vec<Decided> = (1..=5)
        .map(|n| later(30, sent(&format!("e{n}"), &n.to_string(), "bolt", only(&["acme", "bolt"]))))
        .collect();
    assert_eq!(home.record(&moved, at(30)).unwrap(), [Recorded::Stored; 5]);
    let states: Vec<DraftState> = (1..=5).map(|n| state(&**home, &format!("d{n}"))).collect();
    let void = DraftState::Superseded;
    // What was sent was sent.
    assert_eq!(states, [void, void, void, void, DraftState::Approved]);
    let open = home.actions(None, &CustomerSet::All, None, 99).unwrap().items;
    let of = |state| open.iter().filter(|a| a.state == state).count();
    assert_eq!((of(ActionState::Void), of(ActionState::Done), open.len()), (5, 1, 6));
    assert!(open.iter().filter(|a| a.state == ActionState::Void).all(|a| a.payload.is_null()));
    assert!(take(&**home, &CustomerSet::All).is_empty());
    assert_eq!(home.backlog().unwrap(), crate::Backlog { drafts: 5, ..crate::Backlog::default() });
    // The drafts to be written are of the ticket as it came for the other customer.
    let work = claim(&**home, WorkKind::Draft, "w", 99);
    assert!(work.iter().all(|w| w.ticket.body.as_deref() == Some("bolt-words")), "{work:?}");
}

fn what_was_is_for_those_who_may_see_all(home: &Home) {
    record(&**home, sent("d1", "7", "acme", CustomerSet::All));
    written(&**home, "d1");
    let mut said = review("d1", Review::Edited("For acme.".to_owned()), "k");
    said.fields = labels(&[(Field::Board, "Acme board")]);
    home.review(&said, at(3)).unwrap();
    record(&**home, later(9, sent("e1", "7", "bolt", CustomerSet::All)));
    let (all, acme, bolt) = (CustomerSet::All, only(&["acme"]), only(&["bolt"]));
    let old = home.decision("d1").unwrap().unwrap();
    assert_eq!((old.customer.as_str(), old.moved, old.ticket_id.as_str()), ("acme", true, "7"));
    assert_eq!([old.is_for(&all), old.is_for(&acme), old.is_for(&bolt)], [true, false, false]);
    let new = home.decision("e1").unwrap().unwrap();
    assert_eq!((new.customer.as_str(), new.moved), ("bolt", false));
    assert_eq!([new.is_for(&all), new.is_for(&acme), new.is_for(&bolt)], [true, false, true]);
    // Values that were set for one customer are not the other's.
    assert_eq!((new.outcome.len(), standing_at(&**home, "7", "bolt").unwrap().locked.len()), (0, 0));
    assert!(standing(&**home, "7").is_none());
    assert_eq!(home.decision_of("7", None, &acme).unwrap(), None);
    let queue = |customers: &CustomerSet, state| home.reviews(state, customers, None, 9).unwrap().items.len();
    for state in [DraftState::Edited, DraftState::Superseded, DraftState::Pending] {
        assert_eq!((queue(&acme, state), queue(&bolt, state)), (0, 0), "{state:?}");
    }
    assert_eq!(queue(&all, DraftState::Superseded), 1);
    assert!(
        home.actions(None, &acme, None, 9).unwrap().items.is_empty()
            && home.actions(None, &bolt, None, 9).unwrap().items.is_empty()
    );
    assert_eq!(home.actions(None, &all, None, 9).unwrap().items.len(), 2);
    // It is one ticket: it counts once, for the customer that it is of.
    let judged = |customers: &CustomerSet| home.judged(at(0), at(99), customers).unwrap().len();
    assert_eq!([judged(&all), judged(&acme), judged(&bolt)], [1, 0, 1]);
    // A customer that is forgotten takes along what was its own, and nothing else.
    assert_eq!(home.forget(&["acme".to_owned()], "cli", at(20)).unwrap().decisions, 1);
    assert!(home.decision("d1").unwrap().is_none() && home.decision("e1").unwrap().is_some());
}

fn a_claimed_action_is_void_and_its_holder_hears_of_it(home: &Home) {
    let acme = only(&["acme"]);
    for n in ["1", "2"] {
        record(&**home, sent(&format!("d{n}"), n, "acme", CustomerSet::All));
        written(&**home, &format!("d{n}"));
        home.review(&review(&format!("d{n}"), Review::Accepted, n), at(3)).unwrap();
    }
    let held = take(&**home, &acme);
    assert_eq!(held.len(), 2);
    let moved = ["1", "2"].map(|n| later(9, sent(&format!("e{n}"), n, "bolt", CustomerSet::All)));
    home.record(&moved, at(12)).unwrap();
    let holder = Holder { key: "glue", owner: "glue/1", customers: &acme };
    // Before it sends, its holder can look; nobody else of that customer's may.
    let seen = home.action(held[0].id, &holder).unwrap().unwrap();
    assert_eq!((seen.state, &seen.payload), (ActionState::Void, &serde_json::Value::Null));
    let other = Holder { key: "other", ..holder };
    assert_eq!(home.action(held[0].id, &other).unwrap(), None);
    let no = Some(("not sent", at(40)));
    assert_eq!(home.settle_action(held[0].id, &holder, &report(no), at(13)).unwrap(), Settlement::Void);
    assert_eq!(home.settle_action(held[1].id, &holder, &report(None), at(13)).unwrap(), Settlement::Void);
    assert!(!home.retry_action(held[0].id, &CustomerSet::All, "kim", at(14)).unwrap());
    assert!(take(&**home, &CustomerSet::All).is_empty());
    // That it was sent in spite of that is on record.
    let log = home.audit_entries(0, 99).unwrap();
    let acts: Vec<&str> = log.iter().filter(|e| e.action == "act").map(|e| e.detail.as_str()).collect();
    assert!(acts.len() == 2 && acts[1].contains("done though void") && !acts[0].contains("done"), "{acts:?}");
}

fn what_was_being_written_or_reviewed_comes_to_nothing(home: &Home) {
    record(&**home, sent("d1", "1", "acme", CustomerSet::All));
    record(&**home, Decided { draft: false, ..sent("d2", "2", "acme", CustomerSet::All) });
    let work = claim(&**home, WorkKind::Draft, "w", 9).remove(0);
    let moved = ["1", "2"]
        .map(|n| Decided { draft: false, ..later(9, sent(&format!("e{n}"), n, "bolt", CustomerSet::All)) });
    home.record(&moved, at(9)).unwrap();
    assert!(!home.drafted(&result(work.id, "w", Some(&draft("Late"))), at(10)).unwrap());
    assert_eq!(
        (state(&**home, "d1"), home.decision("d1").unwrap().unwrap().draft),
        (DraftState::Superseded, None)
    );
    // Neither a draft can be asked for, nor values be set, of what was.
    assert!(!home.want_draft("d2", "kim").unwrap());
    for version in 1..=3 {
        let said = crate::ReviewRequest { version, ..review("d2", Review::Accepted, &version.to_string()) };
        assert!(matches!(home.review(&said, at(11)).unwrap(), ReviewResult::Conflict(_)));
    }
    assert!(home.actions(None, &CustomerSet::All, None, 9).unwrap().items.is_empty());
}

fn old_words_stay_void_when_a_ticket_moves_back(home: &Home) {
    record(&**home, sent("d1", "7", "acme", CustomerSet::All));
    written(&**home, "d1");
    home.review(&review("d1", Review::Accepted, "k"), at(3)).unwrap();
    record(&**home, later(9, sent("e1", "7", "bolt", CustomerSet::All)));
    record(&**home, later(19, sent("f1", "7", "acme", CustomerSet::All)));
    let acme = only(&["acme"]);
    let back = home.decision_of("7", None, &acme).unwrap().unwrap();
    assert_eq!((back.id.as_str(), back.version, back.draft_state), ("f1", 1, DraftState::Writing));
    assert_eq!(
        (state(&**home, "d1"), state(&**home, "e1")),
        (DraftState::Superseded, DraftState::Superseded)
    );
    assert!(!home.decision("d1").unwrap().unwrap().is_for(&acme));
    assert!(take(&**home, &CustomerSet::All).is_empty());
    assert_eq!(audited(&**home).iter().filter(|a| *a == "move").count(), 2);
    // Both moves in one call, too.
    let both = [
        later(30, sent("e2", "7", "bolt", CustomerSet::All)),
        later(31, sent("f2", "7", "acme", CustomerSet::All)),
    ];
    assert_eq!(home.record(&both, at(31)).unwrap(), [Recorded::Stored; 2]);
    assert_eq!((state(&**home, "e2"), state(&**home, "f2")), (DraftState::Superseded, DraftState::Writing));
    assert_eq!(claim(&**home, WorkKind::Draft, "w", 9).len(), 1);
}

fn old_news_does_not_move_a_ticket_back(home: &Home) {
    // An item of a job that came before the ticket moved, and is decided after.
    let items = job("j1", [ticket("7")]);
    home.add_job(&items, at(0)).unwrap();
    let work = claim(&**home, WorkKind::Triage, "w", 1).remove(0);
    record(&**home, later(9, sent("e1", "7", "bolt", CustomerSet::All)));
    let mut late = later(0, sent("d1", "7", "acme", CustomerSet::All));
    late.work = Some((work.id, "w".to_owned()));
    assert_eq!(home.record(&[late], at(12)).unwrap(), [Recorded::Moved]);
    assert_eq!(home.decision_of("7", None, &CustomerSet::All).unwrap().unwrap().id, "e1");
    let fault = crate::JobFault { code: "E_NOT_FOUND".to_owned(), message: "it moved".to_owned() };
    assert!(home.fail(work.id, "w", &fault, at(13)).unwrap());
    assert_eq!(home.job("j1").unwrap().unwrap().failed, 1);
    assert!(!audited(&**home).contains(&"move".to_owned()));
}

fn told(number: &str, board: &str) -> Feedback {
    let outcome = Outcome { labels: labels(&[(Field::Board, board)]), ..Outcome::default() };
    Feedback {
        ticket_id: Some(number.to_owned()),
        outcome,
        source: "feedback".to_owned(),
        actor: "key-1".to_owned(),
        ..Feedback::default()
    }
}

fn feedback_is_of_the_customer_at_that_time(home: &Home) {
    record(&**home, sent("d1", "7", "acme", CustomerSet::All));
    record(&**home, later(9, sent("e1", "7", "bolt", CustomerSet::All)));
    let tell = |news: Feedback, customers: &CustomerSet| {
        home.feedback(&[news], customers, at(20)).unwrap().remove(0)
    };
    let of = |id: &str| Feedback { ticket_id: None, decision_id: Some(id.to_owned()), ..told("", "Mail") };
    assert_eq!(tell(told("7", "Mail"), &only(&["acme"])), Joined::Unknown);
    assert_eq!(tell(of("d1"), &only(&["acme"])), Joined::Unknown);
    assert_eq!(tell(of("d1"), &only(&["bolt"])), Joined::Unknown);
    assert_eq!(tell(told("7", "Mail"), &only(&["bolt"])), Joined::To("e1".to_owned()));
    assert_eq!(tell(told("7", "Mail"), &CustomerSet::All), Joined::To("e1".to_owned()));
    // What was is told apart from what is.
    assert_eq!(tell(of("d1"), &CustomerSet::All), Joined::To("d1".to_owned()));
    assert_eq!(home.counts().unwrap()["outcomes"], 2);
}

fn a_number_that_a_held_key_uses_stands_in_nobodys_way(home: &Home) {
    record(&**home, sent("d1", "7", "acme", CustomerSet::All));
    // Another customer's key claims the number for itself.
    record(&**home, later(5, sent("x1", "7", "bolt", only(&["bolt"]))));
    assert_eq!(state(&**home, "d1"), DraftState::Writing);
    let tell = |news: Feedback, customers: &CustomerSet| {
        home.feedback(&[news], customers, at(20)).unwrap().remove(0)
    };
    // What it approves there is not done by who acts for all: that would be in the other's ticket.
    written(&**home, "x1");
    home.review(&review("x1", Review::Accepted, "k"), at(6)).unwrap();
    assert!(take(&**home, &CustomerSet::All).is_empty());
    assert_eq!(take(&**home, &only(&["bolt"])).len(), 1);
    assert_eq!(tell(told("7", "Mail"), &CustomerSet::All), Joined::To("d1".to_owned()));
    assert_eq!(home.decision("x1").unwrap().unwrap().outcome.len(), 0);
    let named = Feedback { customer: Some("bolt".to_owned()), ..told("7", "Phones") };
    assert_eq!(tell(named, &CustomerSet::All), Joined::To("x1".to_owned()));
    // Nor does it make old news of what was sent before, and is decided after, as items of jobs are.
    record(&**home, later(5, sent("x9", "9", "bolt", only(&["bolt"]))));
    record(&**home, later(1, sent("d9", "9", "acme", CustomerSet::All)));
    // Two that only held keys have sent: nobody can tell, unless the customer is named.
    for customer in ["acme", "bolt"] {
        record(&**home, sent(&format!("y-{customer}"), "8", customer, only(&[customer])));
    }
    assert_eq!(tell(told("8", "Mail"), &CustomerSet::All), Joined::Ambiguous);
    assert_eq!(home.decision_of("8", None, &CustomerSet::All).unwrap(), None);
    assert_eq!(home.decision_of("8", Some("acme"), &CustomerSet::All).unwrap().unwrap().id, "y-acme");
    // Whoever may see all says whose the ticket is: what a held key holds of that number waits for nothing any more.
    let claimed = Decided { expected: 1, ..later(30, sent("d2", "7", "acme", CustomerSet::All)) };
    // The labels that were told count as a change.
    let claimed = Decided { expected: standing(&**home, "7").unwrap().version, ..claimed };
    record(&**home, claimed);
    assert_eq!(state(&**home, "x1"), DraftState::Superseded);
}

fn a_wider_keys_outcome_is_not_overwritten(home: &Home) {
    record(&**home, sent("d1", "7", "acme", CustomerSet::All));
    let board = || home.decision("d1").unwrap().unwrap().outcome.get(&Field::Board).cloned();
    let tell = |news: Feedback, customers: &CustomerSet| {
        assert_eq!(home.feedback(&[news], customers, at(20)).unwrap(), [Joined::To("d1".to_owned())]);
    };
    let acme = only(&["acme"]);
    tell(told("7", "First"), &acme);
    // Newer news of equal standing wins, and so does that of higher.
    tell(told("7", "Second"), &acme);
    assert_eq!(board().as_deref(), Some("Second"));
    tell(told("7", "Third"), &CustomerSet::All);
    assert_eq!(board().as_deref(), Some("Third"));
    let mut fourth = Feedback { actor: "key-2".to_owned(), ..told("7", "Fourth") };
    fourth.outcome.labels.insert(Field::Type, "Spam".to_owned());
    (fourth.outcome.reopened, fourth.outcome.handle_seconds) = (Some(true), Some(5.0));
    tell(fourth, &acme);
    // It fills what is open, and changes nothing.
    let judged = home.judged(at(0), at(9), &CustomerSet::All).unwrap().remove(0).outcome;
    assert_eq!(judged.labels, labels(&[(Field::Board, "Third"), (Field::Type, "Spam")]));
    assert_eq!((judged.reopened, judged.handle_seconds), (Some(true), Some(5.0)));
    let log = home.audit_entries(0, 99).unwrap();
    let last: serde_json::Value = serde_json::from_str(&log.last().unwrap().detail).unwrap();
    assert_eq!((&last["over"], &last["yields"]), (&"key-1".into(), &true.into()));
    tell(told("7", "Fifth"), &CustomerSet::All);
    assert_eq!(board().as_deref(), Some("Fifth"));
}

fn a_move_takes_few_statements_and_one_entry(home: &Home) {
    let all: Vec<Decided> =
        (0..256).map(|n| sent(&format!("d{n}"), &n.to_string(), "acme", CustomerSet::All)).collect();
    home.record(&all, at(0)).unwrap();
    let moved: Vec<Decided> = (0..256)
        .map(|n| later(9, sent(&format!("e{n}"), &n.to_string(), "bolt", CustomerSet::All)))
        .collect();
    assert_eq!(home.record(&moved, at(9)).unwrap(), [Recorded::Stored; 256]);
    let log = home.audit_entries(0, 9_999).unwrap();
    let moves: Vec<_> = log.iter().filter(|entry| entry.action == "move").collect();
    assert_eq!(moves.len(), 256);
    assert!(moves.iter().all(|e| !e.detail.contains("acme") && !e.detail.contains("bolt")), "{moves:?}");
    audited(&**home);
}
