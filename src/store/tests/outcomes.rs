//! Feedback: joined to the right decision, and what people set is locked.

use super::*;
use crate::{CustomerSet, DraftState, Feedback, Joined};
use firstline_ticket::Outcome;

on_both!(
    news_is_added_value_by_value,
    a_reply_makes_the_open_draft_void,
    news_of_what_may_not_be_seen_is_of_nothing,
    the_decision_that_is_judged_was_made_before,
    labels_of_a_review_are_no_report,
    a_draft_is_due_until_none_may_be_sent,
);

fn news(of: &str, pairs: &[(Field, &str)]) -> Feedback {
    Feedback {
        ticket_id: Some(of.to_owned()),
        outcome: Outcome { labels: labels(pairs), ..Outcome::default() },
        source: "feedback".to_owned(),
        actor: "key-1".to_owned(),
        ..Feedback::default()
    }
}

fn tell(home: &Home, news: Feedback) -> Joined {
    home.feedback(&[news], &CustomerSet::All, at(9)).unwrap().remove(0)
}

fn news_is_added_value_by_value(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    let before = home.judged(at(0), at(1), &CustomerSet::All).unwrap().remove(0);
    assert_eq!((&before.outcome, before.reported), (&Outcome::default(), false));
    assert_eq!(before.opened_at, Some(at(-60)));
    let mut first = news("t1", &[(Field::Board, "Mail"), (Field::Type, "Spam")]);
    let outcome = &mut first.outcome;
    (outcome.first_response_at, outcome.reopened, outcome.handle_seconds) =
        (Some(at(7)), Some(false), Some(90.5));
    outcome.escalated = Some(true);
    assert_eq!(tell(home, first), Joined::To("d1".to_owned()));
    let mut second = news("t1", &[(Field::Board, "Phones")]);
    (second.ticket_id, second.decision_id) = (None, Some("d1".to_owned()));
    let outcome = &mut second.outcome;
    (outcome.resolved_at, outcome.reopened, outcome.distance) = (Some(at(8)), Some(true), Some(0.25));
    outcome.customer_visible_error = Some(false);
    assert_eq!(tell(home, second), Joined::To("d1".to_owned()));
    let judged = home.judged(at(0), at(1), &CustomerSet::All).unwrap().remove(0);
    assert!(judged.reported);
    let found = judged.outcome;
    let known = labels(&[(Field::Board, "Phones"), (Field::Type, "Spam")]);
    assert_eq!(
        (&found.labels, found.first_response_at, found.resolved_at),
        (&known, Some(at(7)), Some(at(8)))
    );
    assert_eq!((found.reopened, found.customer_visible_error), (Some(true), Some(false)));
    assert_eq!((found.handle_seconds, found.distance, found.escalated), (Some(90.5), Some(0.25), Some(true)));
    let standing = standing(&**home, "t1").unwrap();
    assert_eq!((standing.version, &standing.locked), (3, &known));
    assert_eq!(home.decision("d1").unwrap().unwrap().outcome, known);
    // Decided again, what people set stays.
    assert_eq!(home.record(&[decided("d2", "t1", 1)], at(9)).unwrap(), [Recorded::Stale]);
    record(&**home, decided("d2", "t1", 3));
    assert_eq!(crate::tests::standing(&**home, "t1").unwrap().locked, known);
    assert_eq!(audited(&**home), ["decide", "feedback", "feedback", "decide"]);
}

fn a_reply_makes_the_open_draft_void(home: &Home) {
    drafted(&**home, "d1", "t1", 0);
    record(&**home, decided("d2", "t2", 0));
    drafted_after(home);
    let state = |id: &str| home.decision(id).unwrap().unwrap().draft_state;
    for of in ["t1", "t2", "t3"] {
        tell(home, news(of, &[]));
    }
    assert_eq!([state("d1"), state("d2")], [DraftState::Pending, DraftState::Writing]);
    for of in ["t1", "t2", "t3"] {
        let mut answered = news(of, &[]);
        answered.outcome.reply = Some("Hello there".to_owned());
        tell(home, answered);
    }
    let due = [DraftState::Superseded, DraftState::Superseded, DraftState::Approved];
    assert_eq!([state("d1"), state("d2"), state("d3")], due);
    assert_eq!(home.backlog().unwrap().drafts, 0);
    let log = home.audit_entries(0, 99).unwrap();
    assert!(log.iter().all(|entry| !entry.detail.contains("Hello")));
}

/// A third decision, its draft approved; the second's stays to be written.
fn drafted_after(home: &Home) {
    record(&**home, decided("d3", "t3", 0));
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    let third = work.iter().find(|w| w.ticket.id == "t3").unwrap();
    assert!(home.drafted(&result(third.id, "w", Some(&draft("Yes."))), at(2)).unwrap());
    home.review(&review("d3", Review::Accepted, "k"), at(3)).unwrap();
}

fn news_of_what_may_not_be_seen_is_of_nothing(home: &Home) {
    record(&**home, decided("d1", "t1", 0));
    let only = |name: &str| CustomerSet::Only([name.to_owned()].into());
    let all = [news("t1", &[(Field::Board, "Mail")]), news("t9", &[]), Feedback::default()];
    assert_eq!(
        home.feedback(&all, &only("bolt"), at(1)).unwrap(),
        [Joined::Unknown, Joined::Unknown, Joined::Unknown]
    );
    assert_eq!((home.counts().unwrap()["outcomes"], audited(&**home).len()), (0, 1));
    assert!(home.judged(at(0), at(1), &only("bolt")).unwrap().is_empty());
    let due = [Joined::To("d1".to_owned()), Joined::Unknown, Joined::Unknown];
    assert_eq!(home.feedback(&all, &only("acme"), at(1)).unwrap(), due);
    assert_eq!(home.judged(at(0), at(1), &only("acme")).unwrap().len(), 1);
}

fn the_decision_that_is_judged_was_made_before(home: &Home) {
    let judged = |from, to| -> Vec<String> {
        let found = home.judged(at(from), at(to), &CustomerSet::All).unwrap();
        found.into_iter().map(|j| j.decision_id).collect()
    };
    let again = |id: &str, version, received: i64| {
        let mut one = decided(id, "t1", version);
        one.received_at = at(received);
        record(&**home, one);
    };
    again("d1", 0, 10);
    again("d2", 1, 20);
    assert_eq!(judged(0, 99), ["d2"]);
    // Answered, but how it ends is open: the next is judged by that as well.
    let mut answered = news("t1", &[]);
    (answered.outcome.first_response_at, answered.outcome.distance) = (Some(at(22)), Some(0.5));
    tell(home, answered);
    again("d3", 2, 30);
    assert_eq!(judged(0, 99), ["d2"]);
    tell(home, news("t1", &[(Field::Board, "Mail")]));
    assert_eq!(judged(0, 99), ["d3"]);
    let found = home.judged(at(0), at(99), &CustomerSet::All).unwrap().remove(0).outcome;
    // How far the reply was from the draft was said of another draft.
    assert_eq!((found.first_response_at, found.distance), (Some(at(22)), None));
    again("d4", 4, 40);
    tell(home, news("t1", &[(Field::Type, "Spam")]));
    assert_eq!(judged(0, 99), ["d3"]);
    assert_eq!(judged(30, 31), ["d3"]);
    assert_eq!((judged(0, 30).len(), judged(31, 99).len()), (0, 0));
}

fn labels_of_a_review_are_no_report(home: &Home) {
    let judged = || home.judged(at(0), at(99), &CustomerSet::All).unwrap().remove(0);
    drafted(&**home, "d1", "t1", 0);
    let mut said = review("d1", Review::Accepted, "k");
    said.fields = labels(&[(Field::Board, "Mail")]);
    home.review(&said, at(3)).unwrap();
    assert_eq!((judged().reported, judged().outcome.labels), (false, said.fields));
    tell(home, news("t1", &[]));
    assert!(judged().reported);
    // A review after the report hides nothing.
    drafted(&**home, "d2", "t1", 2);
    let mut said = review("d2", Review::Accepted, "k2");
    said.fields = labels(&[(Field::Board, "Phones")]);
    assert!(matches!(home.review(&said, at(4)).unwrap(), crate::ReviewResult::Done(_)));
    assert!(judged().reported);
}

fn a_draft_is_due_until_none_may_be_sent(home: &Home) {
    let due = || home.judged(at(0), at(99), &CustomerSet::All).unwrap().remove(0).draft_due;
    record(&**home, Decided { draft: false, ..decided("d1", "t1", 0) });
    assert!(!due());
    assert!(home.want_draft("d1", "kim").unwrap() && due());
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    let fault = crate::JobFault { code: "E_INTERNAL".to_owned(), message: "odd".to_owned() };
    // What failed is due still: somebody waits for it.
    assert!(home.fail(work[0].id, "w", &fault, at(2)).unwrap() && due());
    assert!(home.want_draft("d1", "kim").unwrap());
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    assert!(home.drafted(&result(work[0].id, "w", None), at(2)).unwrap() && !due());
    drafted(&**home, "d2", "t1", 1);
    assert!(due());
}
