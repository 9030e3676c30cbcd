//! Edges of the programme that the store answers for: what happens between an approval and the act.

use super::*;
use crate::{Action, ActionClaim, ActionState, EventResult, Feedback, Holder, NewEvent, Settlement};
use firstline_ticket::{ActorKind, Changed, Event, Happening, Outcome};

on_both!(
    edge_a_ticket_that_moves_between_approval_and_act_is_not_acted_on,
    edge_a_technician_edits_while_an_action_is_claimed,
    edge_actions_outlast_two_days_without_the_psa_and_are_done_once,
);

const GLUE: Holder<'static> = Holder { key: "glue", owner: "a", customers: &CustomerSet::All };

/// A reply and labels, approved at second 3.
fn approved(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    home.review(&review("d1", Review::Accepted, "k1"), at(3)).unwrap();
}

fn take(home: &Home, now: i64) -> Vec<Action> {
    let claim = ActionClaim {
        holder: GLUE,
        limit: 9,
        most: 99,
        now: at(now),
        until: at(now + 60),
        alone: Some("bundle-1"),
    };
    home.claim_actions(&claim).unwrap()
}

fn states(home: &Home) -> Vec<ActionState> {
    let all = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    all.into_iter().rev().map(|action| action.state).collect()
}

fn edge_a_ticket_that_moves_between_approval_and_act_is_not_acted_on(home: &Home) {
    approved(home);
    let mut moved = decided("d2", "t1", 0);
    (moved.customer, moved.received_at) = ("bolt".to_owned(), at(5));
    record(&**home, moved);
    assert!(take(home, 6).is_empty());
    assert_eq!(states(home), [ActionState::Void; 2]);
    let all = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    assert!(all.iter().all(|action| action.payload.is_null()), "no word goes to the other customer: {all:?}");
    assert!(all.iter().all(|action| !home.retry_action(action.id, &CustomerSet::All, "kim", at(7)).unwrap()));
}

fn edge_a_technician_edits_while_an_action_is_claimed(home: &Home) {
    approved(home);
    let reply = take(home, 10).remove(0);
    let change = Event {
        psa_key: "c1".to_owned(),
        at: at(11),
        actor: Some("mira".to_owned()),
        actor_kind: ActorKind::Technician,
        what: Happening::Change { of: Changed::Board, from: Some("Network".into()), to: Some("Mail".into()) },
    };
    let event = NewEvent { ticket_id: "t1".to_owned(), customer: None, event: change };
    assert_eq!(
        home.record_events(&[event], &CustomerSet::All, "glue", at(12)).unwrap(),
        [EventResult::Stored]
    );
    let outcome = Outcome { labels: labels(&[(Field::Board, "Mail")]), ..Outcome::default() };
    let news = Feedback {
        ticket_id: Some("t1".to_owned()),
        outcome,
        source: "feedback".to_owned(),
        actor: "glue".to_owned(),
        ..Feedback::default()
    };
    home.feedback(&[news], &CustomerSet::All, at(12)).unwrap();
    // Nobody else gets it meanwhile, it settles once, and what the technician set stands.
    let other = Holder { owner: "b", ..GLUE };
    let claim = ActionClaim {
        holder: other,
        limit: 9,
        most: 99,
        now: at(13),
        until: at(60),
        alone: Some("bundle-1"),
    };
    assert!(home.claim_actions(&claim).unwrap().is_empty());
    assert_eq!(home.settle_action(reply.id, &other, &report(None), at(14)).unwrap(), Settlement::NotHeld);
    assert_eq!(home.settle_action(reply.id, &GLUE, &report(None), at(14)).unwrap(), Settlement::Settled);
    assert_eq!(standing(&**home, "t1").unwrap().locked, labels(&[(Field::Board, "Mail")]));
}

fn edge_actions_outlast_two_days_without_the_psa_and_are_done_once(home: &Home) {
    const DAY: i64 = 86_400;
    approved(home);
    let key = take(home, 10).remove(0).idempotency_key;
    // Every attempt fails, or its lease ends, for two days.
    for hour in 1..48 {
        let again = take(home, hour * 3_600);
        assert_eq!(again.iter().map(|action| &action.idempotency_key).collect::<Vec<_>>(), [&key]);
        if hour % 2 == 0 {
            let failed = report(Some(("the PSA does not answer", at(hour * 3_600 + 60))));
            assert_eq!(
                home.settle_action(again[0].id, &GLUE, &failed, at(hour * 3_600 + 1)).unwrap(),
                Settlement::Settled
            );
        }
    }
    let back = take(home, 2 * DAY).remove(0);
    assert_eq!(
        home.settle_action(back.id, &GLUE, &report(None), at(2 * DAY + 1)).unwrap(),
        Settlement::Settled
    );
    assert_eq!(take(home, 2 * DAY + 2).remove(0).idempotency_key, "d1:fields");
    assert_eq!(states(home), [ActionState::Done, ActionState::Claimed]);
}
