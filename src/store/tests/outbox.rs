//! The outbox: each action by one owner at a time, a ticket's in order, none for ever.

use std::collections::BTreeSet;

use super::*;
use crate::{Action, ActionClaim, ActionKind, ActionState, Holder, Settlement};

on_both!(
    a_tickets_actions_come_one_after_another,
    what_fails_waits_and_is_given_up_in_the_end,
    what_an_automation_answered_is_kept_as_long_as_the_words_are,
    a_claim_that_lapsed_is_somebody_elses,
    what_a_person_has_overtaken_waits_for_a_person_for_a_day,
    walls_hold_in_the_outbox,
    no_action_is_claimed_twice,
    a_key_that_fails_all_it_claims_takes_nothing_from_the_others,
);

fn take(store: &dyn Store, owner: &str, now: i64) -> Vec<Action> {
    take_by(store, holder(owner), now)
}

fn take_by(store: &dyn Store, holder: Holder<'_>, now: i64) -> Vec<Action> {
    let claim = ActionClaim {
        holder,
        limit: 99,
        most: 3,
        now: at(now),
        until: at(now + 10),
        alone: Some("bundle-1"),
    };
    store.claim_actions(&claim).unwrap()
}

/// One of those that use the one key of a desk.
fn holder(owner: &str) -> Holder<'_> {
    Holder { key: "glue", owner, customers: &CustomerSet::All }
}

/// Whether the report of `owner` is on record.
fn settle(store: &dyn Store, id: i64, owner: &str, failed: Option<(&str, Timestamp)>, now: i64) -> bool {
    store.settle_action(id, &holder(owner), &report(failed), at(now)).unwrap() == Settlement::Settled
}

/// A reply and labels for the ticket.
fn approved(store: &dyn Store, n: usize) {
    let id = format!("d{n}");
    drafted(store, &id, &format!("t{n}"), 0);
    store.review(&review(&id, Review::Accepted, &id), at(3)).unwrap();
}

fn a_tickets_actions_come_one_after_another(home: &Home) {
    approved(&**home, 1);
    approved(&**home, 2);
    let first = take(&**home, "a", 10);
    let keys: Vec<_> = first.iter().map(|a| a.idempotency_key.as_str()).collect();
    assert_eq!(keys, ["d1:reply", "d2:reply"]);
    assert_eq!(
        (first[0].kind, first[0].state, first[0].attempts),
        (ActionKind::Reply, ActionState::Claimed, 1)
    );
    assert_eq!((first[0].lease_until, first[0].customer.as_str()), (Some(at(20)), "acme"));
    assert!(take(&**home, "b", 11).is_empty());
    assert!(settle(&**home, first[0].id, "a", None, 12));
    // Said again by who did it, it is no fault; by anybody else it is.
    assert!(settle(&**home, first[0].id, "a", None, 12));
    assert!(!settle(&**home, first[0].id, "b", Some(("late", at(13))), 12));
    let next = take(&**home, "b", 13);
    assert_eq!(next.iter().map(|a| a.idempotency_key.as_str()).collect::<Vec<_>>(), ["d1:fields"]);
    assert!(!settle(&**home, next[0].id, "a", None, 14));
    assert!(!settle(&**home, 999, "a", None, 14));
    let listed = home.actions(None, &CustomerSet::All, None, 3).unwrap().items;
    assert_eq!(
        listed.iter().map(|a| a.idempotency_key.as_str()).collect::<Vec<_>>(),
        ["d2:fields", "d2:reply", "d1:fields"]
    );
    assert_eq!(home.backlog().unwrap().actions, 3);
    // Whoever stops gives back work, not what may be half done outside: that ends with its lease.
    assert_eq!(home.release("b").unwrap(), 0);
    assert!(take(&**home, "c", 14).is_empty());
    assert_eq!(audited(&**home).iter().filter(|a| *a == "act").count(), 1);
}

fn what_fails_waits_and_is_given_up_in_the_end(home: &Home) {
    approved(&**home, 1);
    for n in 1..=3 {
        let now = n * 100;
        let action = take(&**home, "a", now).remove(0);
        assert_eq!((action.idempotency_key.as_str(), action.attempts), ("d1:reply", n));
        assert!(settle(&**home, action.id, "a", Some(("the PSA is down", at(now + 50))), now));
        // The labels wait for the reply, and that for its time.
        if n < 3 {
            assert!(take(&**home, "a", now + 49).is_empty());
        }
    }
    let listed = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    assert_eq!((listed[1].state, listed[0].state), (ActionState::Failed, ActionState::Waiting));
    assert_eq!(home.backlog().unwrap().failed_actions, 1);
    assert_eq!(take(&**home, "a", 400)[0].idempotency_key, "d1:fields");
}

fn what_an_automation_answered_is_kept_as_long_as_the_words_are(home: &Home) {
    approved(&**home, 1);
    let answer = serde_json::json!({"job": 7, "said": "the mailbox has 20 GB more \u{0} \u{1f600}"});
    for _ in 0..2 {
        let action = take(&**home, "a", 10).remove(0);
        let done = ActionReport::Done { psa_ref: None, result: Some(&answer) };
        home.settle_action(action.id, &holder("a"), &done, at(11)).unwrap();
        let kept = home.action(action.id, &holder("a")).unwrap().unwrap();
        assert_eq!((kept.state, kept.result.as_ref()), (ActionState::Done, Some(&answer)));
    }
    home.purge(at(1_000), at(1_001)).unwrap();
    let listed = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    assert_eq!(listed.iter().filter(|a| a.result.is_some() || !a.payload.is_null()).count(), 0);
}

fn what_a_person_has_overtaken_waits_for_a_person_for_a_day(home: &Home) {
    approved(&**home, 1);
    let reply = take(&**home, "a", 10).remove(0);
    let returned = ActionReport::Returned { why: "the ticket is closed" };
    assert_eq!(home.settle_action(reply.id, &holder("a"), &returned, at(11)).unwrap(), Settlement::Settled);
    let held = home.action(reply.id, &holder("a")).unwrap().unwrap();
    assert_eq!((held.state, held.fault.as_deref()), (ActionState::Held, Some("the ticket is closed")));
    // It is nobody's until a person says so, and keeps nothing else back.
    let next = take(&**home, "a", 12);
    assert_eq!(next.iter().map(|a| a.idempotency_key.as_str()).collect::<Vec<_>>(), ["d1:fields"]);
    assert!(home.retry_action(reply.id, &CustomerSet::All, "kim", at(13)).unwrap());
    settle(&**home, next[0].id, "a", None, 13);
    assert_eq!(take(&**home, "a", 14)[0].idempotency_key, "d1:reply");
    home.settle_action(reply.id, &holder("a"), &returned, at(15)).unwrap();
    assert_eq!(home.drop_held(at(16), at(17)).unwrap(), 1, "a day later it is void");
    assert_eq!(home.action(reply.id, &holder("a")).unwrap().unwrap().state, ActionState::Void);
}

fn a_claim_that_lapsed_is_somebody_elses(home: &Home) {
    approved(&**home, 1);
    let first = take(&**home, "a", 10).remove(0);
    assert!(take(&**home, "b", 19).is_empty());
    let second = take(&**home, "b", 20).remove(0);
    assert_eq!((second.id, &second.idempotency_key), (first.id, &first.idempotency_key));
    assert!(!settle(&**home, first.id, "a", None, 21));
    assert_eq!(take(&**home, "c", 30)[0].attempts, 3);
    // Claimed as often as it may be and never heard of again: a person has to look.
    assert_eq!(take(&**home, "d", 40)[0].idempotency_key, "d1:fields");
    assert_eq!(home.actions(None, &CustomerSet::All, None, 9).unwrap().items[1].state, ActionState::Failed);
    assert!(!settle(&**home, first.id, "c", None, 41));
}

fn walls_hold_in_the_outbox(home: &Home) {
    approved(&**home, 1);
    let only = |name: &str| only(&[name]);
    let claimed =
        |customers: &CustomerSet| take_by(&**home, Holder { key: "glue", owner: "a", customers }, 10).len();
    assert_eq!((claimed(&only("bolt")), claimed(&CustomerSet::Only([].into()))), (0, 0));
    assert_eq!((claimed(&only("acme")), claimed(&only("acme"))), (1, 0));
    let page = home.actions(None, &CustomerSet::All, None, 1).unwrap();
    let rest = home.actions(None, &CustomerSet::All, Some(page.items[0].id), 9).unwrap();
    assert!(page.more && !rest.more && rest.items.iter().all(|action| action.id < page.items[0].id));
    assert_eq!(home.actions(None, &only("acme"), None, 9).unwrap().items.len(), 2);
    assert!(home.actions(None, &only("bolt"), None, 9).unwrap().items.is_empty());
}

fn no_action_is_claimed_twice(home: &Home) {
    for n in 0..60 {
        approved(&**home, n);
    }
    let other = home.again();
    let claimed: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store: &dyn Store = if n % 2 == 0 { &**home } else { &*other };
                scope.spawn(move || {
                    let (owner, mut mine) = (format!("o{n}"), Vec::new());
                    while store.backlog().unwrap().actions > 0 {
                        let owner = owner.as_str();
                        let claim = ActionClaim {
                            holder: holder(owner),
                            limit: 5,
                            most: 3,
                            now: at(9),
                            until: at(99),
                            alone: Some("bundle-1"),
                        };
                        for action in store.claim_actions(&claim).unwrap() {
                            assert_eq!(action.attempts, 1);
                            assert!(settle(store, action.id, owner, None, 10));
                            mine.push(action.id);
                        }
                    }
                    mine
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!((claimed.len(), claimed.iter().collect::<BTreeSet<_>>().len()), (120, 120));
    assert_eq!(audited(&**home).iter().filter(|a| *a == "act").count(), 120);
}

fn a_key_that_fails_all_it_claims_takes_nothing_from_the_others(home: &Home) {
    approved(&**home, 1);
    let all = &CustomerSet::All;
    let rogue = Holder { key: "rogue", owner: "rogue/x", customers: all };
    let honest = Holder { key: "honest", owner: "honest/x", customers: all };
    for n in 1..=3 {
        let action = take_by(&**home, rogue, n * 100).remove(0);
        // Another key's report about it is none, whatever owner it names.
        let other = Holder { key: "honest", owner: "honest/x", customers: all };
        let no = Some(("no", at(n * 100)));
        assert_eq!(
            home.settle_action(action.id, &other, &report(no), at(n * 100)).unwrap(),
            Settlement::NotHeld
        );
        assert_eq!(
            home.settle_action(action.id, &rogue, &report(no), at(n * 100)).unwrap(),
            Settlement::Settled
        );
    }
    // It is out of attempts; the other has all of its own, and is not kept waiting.
    assert!(take_by(&**home, rogue, 400).iter().all(|action| action.idempotency_key != "d1:reply"));
    let reply = take_by(&**home, honest, 420).into_iter().find(|a| a.idempotency_key == "d1:reply").unwrap();
    assert_eq!((reply.state, reply.attempts), (ActionState::Claimed, 4));
    assert_eq!(home.settle_action(reply.id, &honest, &report(None), at(421)).unwrap(), Settlement::Settled);
    // What lapses in its hands, again and again, is no more lost than what it fails.
    approved(&**home, 2);
    for n in 0..3 {
        let mine = take_by(&**home, rogue, 1_000 + n * 20);
        assert!(mine.iter().any(|action| action.idempotency_key == "d2:reply"), "{n}: {mine:?}");
    }
    assert!(take_by(&**home, rogue, 1_100).iter().all(|action| action.idempotency_key != "d2:reply"));
    // What was given up is put back by a call, by who may see it.
    let listed = home.actions(Some(ActionState::Failed), all, None, 9).unwrap().items;
    let given_up = listed.iter().find(|action| action.idempotency_key == "d2:reply").unwrap().id;
    assert!(!home.retry_action(given_up, &only(&["bolt"]), "honest", at(1_200)).unwrap());
    assert!(home.retry_action(given_up, all, "honest", at(1_200)).unwrap());
    assert!(!home.retry_action(given_up, all, "honest", at(1_200)).unwrap());
    assert!(take_by(&**home, rogue, 1_201).iter().any(|action| action.idempotency_key == "d2:reply"));
    assert!(audited(&**home).contains(&"act_retry".to_owned()));
}
