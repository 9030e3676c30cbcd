//! Reviews: one wins, once, and what follows is in the outbox.

use super::*;
use crate::{
    ActionClaim, ActionKind, ActionState, CustomerSet, DecisionRecord, DraftState, Feedback, Holder,
    QueueList, QueueQuery, ReviewResult, Undo,
};
use firstline_ticket::Outcome;
use serde_json::json;

on_both!(
    an_approved_draft_is_to_be_sent,
    an_edit_sends_the_persons_words,
    what_is_turned_down_is_not_sent,
    the_same_review_is_one_review,
    a_review_of_what_has_changed_is_a_conflict,
    values_can_be_reviewed_without_a_draft,
    of_two_reviewers_one_wins,
    the_queue_has_an_order_and_walls,
    reviews_are_there_to_learn_from,
    pages_end_by_bytes,
    nobody_sees_drafts_or_reviews_what_is_blind_before_it_is_closed,
    what_a_version_before_let_be_approved_of_the_blind_is_not_done,
    a_review_can_be_taken_back_before_anything_comes_of_it,
    what_was_claimed_or_is_old_is_not_taken_back,
    each_list_has_what_belongs_in_it,
);

fn done(reviewed: ReviewResult) -> DecisionRecord {
    match reviewed {
        ReviewResult::Done(record) => *record,
        other => panic!("{other:?}"),
    }
}

fn conflict(reviewed: ReviewResult) -> DecisionRecord {
    match reviewed {
        ReviewResult::Conflict(record) => *record,
        other => panic!("{other:?}"),
    }
}

/// Kind, key and payload of each action, the oldest first.
fn outbox(home: &Home) -> Vec<(ActionKind, String, serde_json::Value)> {
    let actions = home.actions(None, &CustomerSet::All, None, 99).unwrap().items;
    actions.into_iter().rev().map(|a| (a.kind, a.idempotency_key, a.payload)).collect()
}

fn an_approved_draft_is_to_be_sent(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let mut said = review("d1", Review::Accepted, "k1");
    said.fields = labels(&[(Field::Priority, "P1")]);
    let record = done(home.review(&said, at(3)).unwrap());
    assert_eq!((record.draft_state, record.version), (DraftState::Approved, 3));
    assert_eq!(record.outcome, said.fields);
    let standing = standing(&**home, "t1").unwrap();
    assert_eq!((standing.locked, standing.version), (said.fields, 2));
    let fields = json!({"fields": {"board": "Network", "priority": "P1"}});
    let due = [
        (ActionKind::Reply, "d1:reply".to_owned(), json!({"text": "We look into it.", "language": "en"})),
        (ActionKind::SetFields, "d1:fields".to_owned(), fields),
    ];
    assert_eq!(outbox(home), due);
    let last = home.audit_entries(0, 99).unwrap().pop().unwrap();
    assert_eq!((last.action.as_str(), last.subject.as_str()), ("review", "d1"));
    assert!(!last.detail.contains("look into"), "{}", last.detail);
    audited(&**home);
}

fn an_edit_sends_the_persons_words(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    // What people said before stands above what was decided.
    let news = Feedback {
        ticket_id: Some("t1".to_owned()),
        outcome: Outcome { labels: labels(&[(Field::Board, "Mail")]), ..Outcome::default() },
        ..Feedback::default()
    };
    home.feedback(&[news], &CustomerSet::All, at(2)).unwrap();
    let mut said = review("d1", Review::Edited("Done.".to_owned()), "k1");
    said.distance = 0.9;
    assert_eq!(done(home.review(&said, at(3)).unwrap()).draft_state, DraftState::Edited);
    let found = outbox(home);
    assert_eq!(found[0].2, json!({"text": "Done.", "language": "en"}));
    assert_eq!(found[1].2, json!({"fields": {"board": "Mail", "priority": "P2"}}));
    let judged = home.judged(at(-9), at(9), &CustomerSet::All).unwrap();
    assert_eq!((judged[0].outcome.distance, judged[0].draft_confidence), (Some(0.9), Some(0.5)));
}

fn what_is_turned_down_is_not_sent(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let said = review("d1", Review::Rejected("wrong".to_owned()), "k1");
    assert_eq!(done(home.review(&said, at(3)).unwrap()).draft_state, DraftState::Rejected);
    assert_eq!(outbox(home), []);
    drafted(&**home, "d2", "t2", 0);
    let mut said = review("d2", Review::Rejected("wrong".to_owned()), "k2");
    said.fields = labels(&[(Field::Board, "Mail")]);
    done(home.review(&said, at(3)).unwrap());
    let due = [(ActionKind::SetFields, "d2:fields".to_owned(), json!({"fields": {"board": "Mail"}}))];
    assert_eq!(outbox(home), due);
    drafted(&**home, "d3", "t3", 0);
    let mut said = review("d3", Review::Accepted, "k3");
    said.act = false;
    done(home.review(&said, at(3)).unwrap());
    assert_eq!(outbox(home).len(), 1);
}

fn the_same_review_is_one_review(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    drafted(&**home, "d2", "t2", 0);
    let said = review("d1", Review::Accepted, "k1");
    let first = done(home.review(&said, at(3)).unwrap());
    let before = home.counts().unwrap();
    assert_eq!(done(home.review(&said, at(4)).unwrap()), first);
    let other_verdict = ReviewRequest { verdict: Review::Rejected("no".to_owned()), ..said.clone() };
    assert_eq!(conflict(home.review(&other_verdict, at(4)).unwrap()), first);
    let other_decision = ReviewRequest { decision_id: "d2".to_owned(), ..said.clone() };
    assert_eq!(conflict(home.review(&other_decision, at(4)).unwrap()).draft_state, DraftState::Pending);
    assert_eq!(home.counts().unwrap(), before);
    // Another's key of the same name is another key.
    let other_actor = ReviewRequest { actor: "key-2".to_owned(), ..other_decision };
    done(home.review(&other_actor, at(5)).unwrap());
}

fn a_review_of_what_has_changed_is_a_conflict(home: &Home) {
    assert_eq!(home.review(&review("d0", Review::Accepted, "k"), at(0)).unwrap(), ReviewResult::Missing);
    drafted(&**home, "d1", "t1", 0);
    for version in [1, 3] {
        let seen = ReviewRequest { version, ..review("d1", Review::Accepted, "k") };
        assert_eq!(conflict(home.review(&seen, at(3)).unwrap()).version, 2);
    }
    record(&**home, decided("d2", "t1", 1));
    let void = ReviewRequest { version: 3, ..review("d1", Review::Accepted, "k") };
    assert_eq!(conflict(home.review(&void, at(4)).unwrap()).draft_state, DraftState::Superseded);
    let unwritten = ReviewRequest { version: 1, ..review("d2", Review::Accepted, "k") };
    assert_eq!(conflict(home.review(&unwritten, at(4)).unwrap()).draft_state, DraftState::Writing);
    assert_eq!(outbox(home), []);
    assert_eq!(home.counts().unwrap()["reviews"], 0);
}

fn values_can_be_reviewed_without_a_draft(home: &Home) {
    let mut one = decided("d1", "t1", 0);
    one.draft = false;
    record(&**home, one);
    let mut said = ReviewRequest { version: 1, ..review("d1", Review::Edited("Hi".to_owned()), "k1") };
    conflict(home.review(&said, at(3)).unwrap());
    (said.verdict, said.fields) = (Review::Accepted, labels(&[(Field::Board, "Mail")]));
    let record = done(home.review(&said, at(3)).unwrap());
    assert_eq!((record.draft_state, record.version), (DraftState::None, 2));
    let fields = json!({"fields": {"board": "Mail", "priority": "P2"}});
    assert_eq!(outbox(home), [(ActionKind::SetFields, "d1:fields".to_owned(), fields)]);
    // Once: what is to be set later comes as feedback.
    let again = ReviewRequest { version: 2, idempotency_key: "k2".to_owned(), ..said };
    conflict(home.review(&again, at(4)).unwrap());
}

fn of_two_reviewers_one_wins(home: &Home) {
    let other = home.again();
    for n in 0..50 {
        let id = format!("d{n}");
        drafted(&**home, &id, &format!("t{n}"), 0);
        let race = |store: &dyn Store, key: &str| {
            let said = review(&id, Review::Edited(key.to_owned()), &format!("{key}{n}"));
            matches!(store.review(&said, at(3)).unwrap(), ReviewResult::Done(_))
        };
        let won = std::thread::scope(|scope| {
            let one = scope.spawn(|| race(&**home, "one"));
            let two = scope.spawn(|| race(&*other, "two"));
            [one.join().unwrap(), two.join().unwrap()]
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
        let text = if won[0] { "one" } else { "two" };
        let reply = outbox(home).into_iter().rev().find(|a| a.0 == ActionKind::Reply).unwrap();
        assert_eq!((reply.1, &reply.2["text"]), (format!("{id}:reply"), &json!(text)));
    }
    assert_eq!(home.counts().unwrap()["actions"], 100);
    audited(&**home);
}

fn the_queue_has_an_order_and_walls(home: &Home) {
    for n in 0..4 {
        let (id, mut one) = (format!("d{n}"), decided(&format!("d{n}"), &format!("t{n}"), 0));
        one.customer = if n % 2 == 0 { "acme" } else { "bolt" }.to_owned();
        record(&**home, one);
        let work = claim(&**home, WorkKind::Draft, "w", 1).remove(0);
        assert!(home.drafted(&result(work.id, "w", Some(&draft(&id))), at(2)).unwrap());
    }
    let ids = |customers: &CustomerSet, after: Option<&str>, limit| -> Vec<String> {
        let items = home.reviews(DraftState::Pending, customers, after, limit).unwrap().items;
        items.into_iter().map(|item| item.record.id).collect()
    };
    let only = |names: &[&str]| CustomerSet::Only(names.iter().map(|n| (*n).to_owned()).collect());
    assert_eq!(ids(&CustomerSet::All, None, 3), ["d0", "d1", "d2"]);
    assert_eq!(ids(&CustomerSet::All, Some("d2"), 3), ["d3"]);
    assert_eq!(ids(&only(&["bolt"]), None, 9), ["d1", "d3"]);
    assert_eq!(ids(&only(&["acme", "bolt"]), Some("d0"), 2), ["d1", "d2"]);
    assert_eq!(ids(&only(&["bolt"]), Some("d1"), 9), ["d3"]);
    assert_eq!(ids(&only(&[]), None, 9), [""; 0]);
    done(home.review(&review("d0", Review::Accepted, "k"), at(3)).unwrap());
    assert_eq!(ids(&CustomerSet::All, None, 1), ["d1"]);
    let approved = home.reviews(DraftState::Approved, &CustomerSet::All, None, 9).unwrap().items;
    assert_eq!((&approved[0].ticket, approved.len()), (&ticket("t0"), 1));
    assert_eq!(home.backlog().unwrap().reviews, 3);
}

fn reviews_are_there_to_learn_from(home: &Home) {
    let said = [
        Review::Accepted,
        Review::Edited("Other".to_owned()),
        Review::Edited("We look into it.".to_owned()),
        Review::Rejected("wrong".to_owned()),
    ];
    for (n, verdict) in said.into_iter().enumerate() {
        drafted(&**home, &format!("d{n}"), &format!("t{n}"), 0);
        done(home.review(&review(&format!("d{n}"), verdict, &format!("k{n}")), at(3)).unwrap());
    }
    drafted(&**home, "d9", "t9", 0);
    let found = home.reviewed().unwrap();
    assert!(found.iter().all(|r| r.origin == Origin::Template && r.prior == Confidence::new(0.25)));
    let reviews: Vec<_> = found.into_iter().map(|r| r.review).collect();
    let edited = Review::Edited("Other".to_owned());
    let rejected = Review::Rejected("wrong".to_owned());
    assert_eq!(reviews, [Review::Accepted, edited, Review::Accepted, rejected]);
}

fn pages_end_by_bytes(home: &Home) {
    let long = "x".repeat(1 << 20);
    for n in 0..9 {
        let (id, mut one) = (format!("d{n}"), decided(&format!("d{n}"), &format!("t{n}"), 0));
        one.ticket.body = Some(long.clone());
        record(&**home, one);
        let work = claim(&**home, WorkKind::Draft, "w", 1).remove(0);
        assert!(home.drafted(&result(work.id, "w", Some(&draft(&id))), at(2)).unwrap());
    }
    let (mut seen, mut sizes, mut after) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let page = home.reviews(DraftState::Pending, &CustomerSet::All, after.as_deref(), 200).unwrap();
        sizes.push(page.items.len());
        seen.extend(page.items.into_iter().map(|item| item.record.id));
        after = seen.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!((seen.len(), sizes), (9, vec![3, 3, 3]), "each once, on pages of less than 4 MiB");
    // What is longer than a page is a page.
    home.meddle("UPDATE tickets SET ticket = replace(ticket, 'xxxx', 'xxxxxxxxxxxxxxxxxxxxxxxx')");
    let page = home.reviews(DraftState::Pending, &CustomerSet::All, None, 200).unwrap();
    assert_eq!((page.items.len(), page.more), (1, true));
    // Work is handed out in pages too.
    let tickets = (0..9).map(|n| Ticket { body: Some(long.clone()), ..ticket(&format!("j{n}")) });
    home.add_job(&job("j1", tickets), at(0)).unwrap();
    assert_eq!(claim(&**home, WorkKind::Triage, "w", 64).len(), 3);
}

/// A decision of the blind sample, without a draft.
fn blind(home: &Home, id: &str, of: &str) {
    let mut one = decided(id, of, 0);
    (one.blind, one.draft) = (true, false);
    record(&**home, one);
}

fn tell(home: &Home, of: &str, outcome: Outcome) {
    let (source, actor) = ("feedback".to_owned(), "key-1".to_owned());
    let news = Feedback { ticket_id: Some(of.to_owned()), outcome, source, actor, ..Feedback::default() };
    home.feedback(&[news], &CustomerSet::All, at(9)).unwrap();
}

fn nobody_sees_drafts_or_reviews_what_is_blind_before_it_is_closed(home: &Home) {
    let closing = [
        Outcome { resolved_at: Some(at(8)), ..Outcome::default() },
        Outcome { merged_into: Some("t9".to_owned()), ..Outcome::default() },
        Outcome { deleted: Some(true), ..Outcome::default() },
    ];
    let mut plain = decided("seen", "seen", 0);
    plain.draft = false;
    record(&**home, plain);
    let listed = || {
        let all = home.reviews(DraftState::None, &CustomerSet::All, None, 99).unwrap().items;
        all.into_iter().map(|item| item.record.id).collect::<Vec<_>>()
    };
    for (n, outcome) in closing.into_iter().enumerate() {
        let (id, of) = (format!("d{n}"), format!("t{n}"));
        blind(home, &id, &of);
        let said = ReviewRequest { version: 1, ..review(&id, Review::Accepted, &id) };
        let hidden = || home.decision(&id).unwrap().unwrap().is_hidden();
        let asked = [TicketRef { number: &of, customer: "acme" }];
        let closed = || home.standing(&asked).unwrap()[0].as_ref().unwrap().closed;
        assert!(hidden() && !closed() && !listed().contains(&id));
        assert!(!home.want_draft(&id, "kim").unwrap());
        assert_eq!(conflict(home.review(&said, at(3)).unwrap()).id, id);
        // That somebody answered, or set a label, closes nothing.
        let before = Outcome {
            labels: labels(&[(Field::Board, "Mail")]),
            first_response_at: Some(at(4)),
            reopened: Some(false),
            deleted: Some(false),
            ..Outcome::default()
        };
        tell(home, &of, before);
        assert!(hidden() && !closed(), "{outcome:?}");
        conflict(home.review(&said, at(5)).unwrap());
        assert!(outbox(home).iter().all(|(_, key, _)| !key.starts_with(&id)));
        tell(home, &of, outcome);
        assert!(!hidden() && closed() && listed().contains(&id) && !home.want_draft(&id, "kim").unwrap());
        done(home.review(&said, at(10)).unwrap());
    }
    assert!(listed().contains(&"seen".to_owned()));
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn what_a_version_before_let_be_approved_of_the_blind_is_not_done(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    drafted(&**home, "d2", "t2", 0);
    for id in ["d1", "d2"] {
        done(home.review(&review(id, Review::Accepted, id), at(3)).unwrap());
    }
    home.meddle("UPDATE decisions SET blind = 1 WHERE id = 'd1'");
    let holder = crate::Holder { key: "glue", owner: "a", customers: &CustomerSet::All };
    let take = |now| {
        let claim = crate::ActionClaim {
            holder,
            limit: 99,
            most: 9,
            now: at(now),
            until: at(now + 5),
            alone: Some("bundle-1"),
        };
        let claimed = home.claim_actions(&claim).unwrap().into_iter();
        claimed.map(|action| action.decision_id).collect::<Vec<_>>()
    };
    assert_eq!(take(10), ["d2"]);
    assert!(outbox(home).iter().all(|(_, key, _)| key.starts_with("d2")));
    tell(home, "t1", Outcome { resolved_at: Some(at(8)), ..Outcome::default() });
    assert_eq!(take(11), ["d1"]);
}

fn claimed(home: &Home, now: i64) -> usize {
    let holder = Holder { key: "glue", owner: "glue", customers: &CustomerSet::All };
    let claim = ActionClaim { holder, limit: 9, most: 9, now: at(now), until: at(now + 60), alone: None };
    home.claim_actions(&claim).unwrap().len()
}

fn undo(id: &str, version: i64, since: i64) -> Undo<'_> {
    Undo { decision_id: id, version, actor: "key-1", since: at(since) }
}

fn a_review_can_be_taken_back_before_anything_comes_of_it(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let said = ReviewRequest { undo_seconds: 20, ..review("d1", Review::Accepted, "k1") };
    let approved = done(home.review(&said, at(3)).unwrap());
    let given = home.review_of("d1").unwrap().unwrap();
    assert_eq!((given.at, given.actor.as_str(), given.verdict), (at(3), "key-1", Some(Review::Accepted)));
    assert_eq!(claimed(home, 4), 0, "it waits for its undo");

    let back = done(home.undo_review(&undo("d1", approved.version, 2), at(4)).unwrap());
    assert_eq!((back.draft_state, back.version), (DraftState::Pending, 4));
    let states: Vec<ActionState> =
        home.actions(None, &CustomerSet::All, None, 9).unwrap().items.iter().map(|a| a.state).collect();
    assert_eq!(states, [ActionState::Void; 2]);
    assert_eq!(home.review_of("d1").unwrap(), None);
    audited(&**home);

    // It is reviewed again as any other, and what follows has keys of its own.
    let again = ReviewRequest { version: 4, idempotency_key: "k2".to_owned(), ..said };
    done(home.review(&again, at(5)).unwrap());
    let keys: Vec<String> = outbox(home).into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, ["d1:reply", "d1:fields", "d1:reply:again-1", "d1:fields:again-1"]);
    audited(&**home);
}

fn what_was_claimed_or_is_old_is_not_taken_back(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    let approved = done(home.review(&review("d1", Review::Accepted, "k1"), at(3)).unwrap());
    for other in [
        undo("d1", approved.version, 3),
        undo("d1", approved.version - 1, 2),
        Undo { actor: "key-2", ..undo("d1", approved.version, 2) },
    ] {
        conflict(home.undo_review(&other, at(4)).unwrap());
    }
    assert_eq!(home.undo_review(&undo("none", 1, 0), at(4)).unwrap(), ReviewResult::Missing);
    assert_eq!(claimed(home, 4), 1);
    conflict(home.undo_review(&undo("d1", approved.version, 2), at(4)).unwrap());
    assert_eq!(home.decision("d1").unwrap().unwrap().draft_state, DraftState::Approved);
}

fn each_list_has_what_belongs_in_it(home: &Home) {
    for (i, id) in ["d1", "d2", "d3", "d4"].into_iter().enumerate() {
        drafted(&**home, id, &format!("t{i}"), 0);
    }
    let mut bare = decided("d5", "t5", 0);
    bare.draft = false;
    record(&**home, bare);
    let all = CustomerSet::All;
    let query = QueueQuery {
        list: QueueList::Waiting,
        actor: "key-1",
        customers: &all,
        board: None,
        ticket_type: None,
        words: None,
        newest: false,
        after: None,
    };
    let ids = |query: &QueueQuery<'_>| -> Vec<String> {
        let found = home.queue(query, 99).unwrap().items;
        found.into_iter().map(|item| item.record.id).collect()
    };
    let of = |list| ids(&QueueQuery { list, ..query });
    assert_eq!(of(QueueList::Waiting), ["d1", "d2", "d3", "d4"]);
    assert_eq!((of(QueueList::Fields), of(QueueList::Mine)), (vec!["d5".to_owned()], Vec::new()));
    let said = ReviewRequest { undo_seconds: 9, ..review("d2", Review::Accepted, "k1") };
    done(home.review(&said, at(3)).unwrap());
    done(home.undo_review(&undo("d2", 3, 2), at(4)).unwrap());
    done(home.review(&review("d3", Review::Accepted, "k2"), at(5)).unwrap());
    assert_eq!((of(QueueList::Undone), of(QueueList::Mine)), (vec!["d2".to_owned()], vec!["d3".to_owned()]));
    assert_eq!(ids(&QueueQuery { newest: true, ..query }), ["d4", "d2", "d1"]);
    assert_eq!(ids(&QueueQuery { after: Some("d1"), ..query }), ["d2", "d4"]);
    assert_eq!(ids(&QueueQuery { board: Some("Network"), ..query }), ["d1", "d2", "d4"]);
    assert_eq!(ids(&QueueQuery { ticket_type: Some("none"), ..query }), Vec::<String>::new());
    assert_eq!(ids(&QueueQuery { words: Some("t3"), ..query }), ["d4"]);
    assert_eq!(ids(&QueueQuery { words: Some("no % such"), ..query }), Vec::<String>::new());
    let nobody = CustomerSet::Only(["another".to_owned()].into());
    assert_eq!(ids(&QueueQuery { customers: &nobody, ..query }), Vec::<String>::new());
}
