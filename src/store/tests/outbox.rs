//! The outbox: each action by one owner at a time, a ticket's in order, none for ever.

use std::collections::BTreeSet;

use super::*;
use crate::{Action, ActionClaim, ActionKind, ActionState, CustomerSet};

on_both!(
    a_tickets_actions_come_one_after_another,
    what_fails_waits_and_is_given_up_in_the_end,
    a_claim_that_lapsed_is_somebody_elses,
    walls_hold_in_the_outbox,
    no_action_is_claimed_twice,
);

fn take(store: &dyn Store, owner: &str, now: i64) -> Vec<Action> {
    let customers = &CustomerSet::All;
    let claim = ActionClaim { owner, customers, limit: 99, most: 3, now: at(now), until: at(now + 10) };
    store.claim_actions(&claim).unwrap()
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
    assert!(home.settle_action(first[0].id, "a", &CustomerSet::All, None, at(12)).unwrap());
    // Said again by who did it, it is no fault; by anybody else it is.
    assert!(home.settle_action(first[0].id, "a", &CustomerSet::All, None, at(12)).unwrap());
    assert!(
        !home.settle_action(first[0].id, "b", &CustomerSet::All, Some(("late", at(13))), at(12)).unwrap()
    );
    let next = take(&**home, "b", 13);
    assert_eq!(next.iter().map(|a| a.idempotency_key.as_str()).collect::<Vec<_>>(), ["d1:fields"]);
    assert!(!home.settle_action(next[0].id, "a", &CustomerSet::All, None, at(14)).unwrap());
    assert!(!home.settle_action(999, "a", &CustomerSet::All, None, at(14)).unwrap());
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
        assert!(
            home.settle_action(
                action.id,
                "a",
                &CustomerSet::All,
                Some(("the PSA is down", at(now + 50))),
                at(now)
            )
            .unwrap()
        );
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

fn a_claim_that_lapsed_is_somebody_elses(home: &Home) {
    approved(&**home, 1);
    let first = take(&**home, "a", 10).remove(0);
    assert!(take(&**home, "b", 19).is_empty());
    let second = take(&**home, "b", 20).remove(0);
    assert_eq!((second.id, &second.idempotency_key), (first.id, &first.idempotency_key));
    assert!(!home.settle_action(first.id, "a", &CustomerSet::All, None, at(21)).unwrap());
    assert_eq!(take(&**home, "c", 30)[0].attempts, 3);
    // Claimed as often as it may be and never heard of again: a person has to look.
    assert_eq!(take(&**home, "d", 40)[0].idempotency_key, "d1:fields");
    assert_eq!(home.actions(None, &CustomerSet::All, None, 9).unwrap().items[1].state, ActionState::Failed);
    assert!(!home.settle_action(first.id, "c", &CustomerSet::All, None, at(41)).unwrap());
}

fn walls_hold_in_the_outbox(home: &Home) {
    approved(&**home, 1);
    let only = |name: &str| CustomerSet::Only([name.to_owned()].into());
    let claimed = |customers: &CustomerSet| {
        let claim = ActionClaim { owner: "a", customers, limit: 9, most: 3, now: at(10), until: at(20) };
        home.claim_actions(&claim).unwrap().len()
    };
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
                        let (owner, customers) = (owner.as_str(), &CustomerSet::All);
                        let claim =
                            ActionClaim { owner, customers, limit: 5, most: 3, now: at(9), until: at(99) };
                        for action in store.claim_actions(&claim).unwrap() {
                            assert_eq!(action.attempts, 1);
                            assert!(
                                store
                                    .settle_action(action.id, owner, &CustomerSet::All, None, at(10))
                                    .unwrap()
                            );
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
