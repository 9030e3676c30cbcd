//! Acting without a person: on what is granted, within its bounds, and as long as nobody is at the ticket.

use firstline_ticket::{ActorKind, Assertion, Event, Happening, Outcome};

use super::*;
use crate::{
    ActingBounds, ActingPlan, ActingResult, Action, ActionClaim, ActionOrigin, ActionState, DraftState,
    Feedback, GrantScope, Hold, Holder, NewEvent, NewGrant, NewHold, ReviewResult,
};

on_both!(
    what_is_granted_goes_out_alone_after_its_time,
    what_has_changed_meanwhile_is_looked_at_again,
    no_more_goes_out_than_the_bounds_allow,
    anybody_can_stop_it_and_it_goes_to_review,
    a_reviewer_takes_it_over_before_it_is_claimed,
    where_a_person_is_at_the_ticket_nothing_goes_out,
    a_pause_gives_drafts_back_to_review_and_nothing_is_sent_twice,
    another_bundle_and_a_lower_phase_let_nothing_out,
    a_ticket_that_changes_takes_what_waits_along,
    what_a_person_tries_again_is_not_offered_for_review,
    what_a_person_was_faster_with_comes_back_for_review,
    what_may_have_been_sent_is_reviewed_with_a_word_of_it,
    labels_are_set_on_a_ticket_that_was_answered_alone,
    one_that_stays_open_stands_in_no_others_way,
);

pub(super) fn granted(home: &Home) -> i64 {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let mut last = 0;
    for [customer, board] in [["", ""], ["acme", ""], ["acme", "Network"]] {
        let new = NewGrant {
            scope: GrantScope { customer: named(customer), board: named(board), ticket_type: None },
            phase: Phase::Autonomous,
            thresholds: [(Assertion::Reply, 0.7), (Assertion::Board, 0.7)].into(),
            bundle: Some("bundle-1".to_owned()),
            evidence_sha: None,
            by: author("kim"),
            reason: "certified".to_owned(),
        };
        last = home.grant(&new, at(0)).unwrap();
    }
    last
}

/// The decision `d{n}` about `t{n}` that Firstline may act on, its draft ready.
pub(super) fn ready(home: &Home, n: usize) {
    let (id, of) = (format!("d{n}"), format!("t{n}"));
    let one = Decided { route: Route::Auto, phase: Some(Phase::Autonomous), ..decided(&id, &of, 0) };
    record(&**home, one);
    let work = claim(&**home, WorkKind::Draft, "drafter", 1).remove(0);
    assert!(home.drafted(&result(work.id, "drafter", Some(&draft("We look into it."))), at(2)).unwrap());
}

pub(super) const BOUNDS: ActingBounds = ActingBounds { replies_per_hour: 60, replies_per_customer_day: 20 };

/// Acts on the oldest decision that may be acted on, at second 10: what may be claimed from second 100 on.
pub(super) fn act(home: &Home, epoch: i64, bounds: ActingBounds) -> ActingResult {
    let seen = home.to_act(None, 9).unwrap().remove(0);
    let plan = ActingPlan {
        record: &seen.record,
        epoch,
        reply: true,
        fields: labels(&[(Field::Board, "Network")]),
        reasons: vec!["priority is not certified".to_owned()],
        not_before: at(100),
        bounds,
    };
    home.act_alone(&plan, at(10)).unwrap()
}

pub(super) const GLUE: Holder<'static> = Holder { key: "glue", owner: "a", customers: &CustomerSet::All };

pub(super) fn take(home: &Home, now: i64) -> Vec<Action> {
    let claim = ActionClaim {
        holder: GLUE,
        limit: 99,
        most: 9,
        now: at(now),
        until: at(now + 10),
        alone: Some("bundle-1"),
    };
    home.claim_actions(&claim).unwrap()
}

fn keys(actions: &[Action]) -> Vec<&str> {
    actions.iter().map(|action| action.idempotency_key.as_str()).collect()
}

fn draft_state(home: &Home, id: &str) -> DraftState {
    home.decision(id).unwrap().unwrap().draft_state
}

fn states(home: &Home) -> Vec<ActionState> {
    let mut all = home.actions(None, &CustomerSet::All, None, 99).unwrap().items;
    all.sort_by_key(|action| action.id);
    all.iter().map(|action| action.state).collect()
}

fn what_is_granted_goes_out_alone_after_its_time(home: &Home) {
    let epoch = granted(home);
    ready(home, 1);
    assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts);
    assert!(home.to_act(None, 9).unwrap().is_empty(), "it is looked at once");
    let found = home.decision("d1").unwrap().unwrap();
    let told = found.acting.clone().unwrap();
    assert_eq!((found.draft_state, told.reply, told.fields), (DraftState::Auto, true, vec![Field::Board]));
    assert_eq!(told.reasons, ["priority is not certified"]);
    assert!(take(home, 99).is_empty(), "until then anybody can stop it");
    let first = take(home, 100);
    assert_eq!(keys(&first), ["d1:auto_reply"]);
    assert_eq!(
        (first[0].origin, first[0].payload["text"].as_str()),
        (ActionOrigin::Auto, Some("We look into it."))
    );
    home.settle_action(first[0].id, &GLUE, &report(None), at(101)).unwrap();
    assert!(standing(&**home, "t1").unwrap().answered, "no other first response is due");
    assert_eq!(keys(&take(home, 102)), ["d1:auto_fields"], "our own reply is no person at the ticket");
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
    assert!(audited(&**home).contains(&"act_alone".to_owned()));
}

fn what_has_changed_meanwhile_is_looked_at_again(home: &Home) {
    let epoch = granted(home);
    ready(home, 1);
    assert_eq!(act(home, epoch - 1, BOUNDS), ActingResult::Changed, "another grant");
    let pause = NewHold {
        level: Hold::Pause,
        scope: GrantScope::default(),
        by: author("kim"),
        reason: "r".to_owned(),
        figures: None,
        trigger_key: None,
    };
    let held = home.hold(&pause, at(5)).unwrap();
    assert_eq!(act(home, held.id, BOUNDS), ActingResult::Changed, "autonomous no longer");
    assert!(home.release_hold(held.id, &author("kim"), "fine", at(6)).unwrap());
    let released =
        home.effective(&[crate::Cell { customer: "acme", board: Some("Network"), ticket_type: None }]);
    assert_eq!(act(home, released.unwrap()[0].epoch, BOUNDS), ActingResult::Acts);
}

fn no_more_goes_out_than_the_bounds_allow(home: &Home) {
    let epoch = granted(home);
    (1..=3).for_each(|n| ready(home, n));
    let bounds = ActingBounds { replies_per_hour: 2, ..BOUNDS };
    for _ in 0..3 {
        assert_eq!(act(home, epoch, bounds), ActingResult::Acts, "labels have no such bound");
    }
    let of = |id| home.decision(id).unwrap().unwrap().acting.unwrap();
    assert!(of("d2").reply && !of("d3").reply);
    assert!(of("d3").reasons.iter().any(|why| why.contains("in an hour")), "{:?}", of("d3").reasons);
    assert_eq!(draft_state(home, "d3"), DraftState::Pending);
    ready(home, 4);
    let bounds = ActingBounds { replies_per_customer_day: 2, ..BOUNDS };
    assert_eq!(act(home, epoch, bounds), ActingResult::Acts);
    assert!(of("d4").reasons.iter().any(|why| why.contains("in a day")), "{:?}", of("d4").reasons);
}

fn anybody_can_stop_it_and_it_goes_to_review(home: &Home) {
    let epoch = granted(home);
    ready(home, 1);
    act(home, epoch, BOUNDS);
    let all = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    let reply = all.iter().find(|action| action.kind == crate::ActionKind::Reply).unwrap().id;
    assert_eq!(home.stop_action(reply, &only(&["bolt"]), "kim", at(20)).unwrap(), None, "another's customer");
    assert_eq!(home.stop_action(reply, &CustomerSet::All, "kim", at(20)).unwrap(), Some(true));
    assert_eq!(
        home.stop_action(reply, &CustomerSet::All, "kim", at(20)).unwrap(),
        Some(false),
        "it is stopped"
    );
    assert_eq!(draft_state(home, "d1"), DraftState::Pending);
    assert!(
        !home.retry_action(reply, &CustomerSet::All, "kim", at(21)).unwrap(),
        "its draft is reviewed instead"
    );
    let fields = take(home, 100);
    assert_eq!(keys(&fields), ["d1:auto_fields"], "labels go on");
    assert_eq!(
        home.stop_action(fields[0].id, &CustomerSet::All, "kim", at(101)).unwrap(),
        Some(false),
        "claimed"
    );
    let version = home.decision("d1").unwrap().unwrap().version;
    let review = ReviewRequest { version, ..review("d1", Review::Accepted, "r1") };
    assert!(matches!(home.review(&review, at(102)).unwrap(), ReviewResult::Done(_)));
    home.settle_action(fields[0].id, &GLUE, &report(None), at(103)).unwrap();
    assert_eq!(keys(&take(home, 104)), ["d1:reply"]);
    assert!(audited(&**home).contains(&"act_stop".to_owned()));
}

fn a_reviewer_takes_it_over_before_it_is_claimed(home: &Home) {
    let epoch = granted(home);
    ready(home, 1);
    act(home, epoch, BOUNDS);
    let version = home.decision("d1").unwrap().unwrap().version;
    let edit = ReviewRequest { version, ..review("d1", Review::Edited("In other words.".to_owned()), "r1") };
    assert!(matches!(home.review(&edit, at(20)).unwrap(), ReviewResult::Done(_)));
    let taken = take(home, 21);
    assert_eq!(keys(&taken), ["d1:reply"], "what waited to go out alone is void");
    assert_eq!(taken[0].payload["text"], "In other words.");
    // Once it is claimed nobody can: it may be sent already.
    ready(home, 2);
    act(home, epoch, BOUNDS);
    take(home, 100);
    let version = home.decision("d2").unwrap().unwrap().version;
    let late = ReviewRequest { version, ..review("d2", Review::Rejected("no".to_owned()), "r2") };
    assert!(matches!(home.review(&late, at(101)).unwrap(), ReviewResult::Conflict(_)));
}

fn where_a_person_is_at_the_ticket_nothing_goes_out(home: &Home) {
    let epoch = granted(home);
    (1..=3).for_each(|n| ready(home, n));
    (1..=3).for_each(|_| assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts));
    let note = Event {
        psa_key: "n1".to_owned(),
        at: at(30),
        actor: Some("mira".to_owned()),
        actor_kind: ActorKind::Technician,
        what: Happening::Message { visible: false, automatic: false, text_key: None },
    };
    let event = NewEvent { ticket_id: "t1".to_owned(), customer: None, event: note };
    home.record_events(&[event], &CustomerSet::All, "glue", at(31)).unwrap();
    let news = Feedback {
        decision_id: None,
        ticket_id: Some("t2".to_owned()),
        customer: None,
        outcome: Outcome { resolved_at: Some(at(32)), ..Outcome::default() },
        source: "psa".to_owned(),
        actor: "glue".to_owned(),
    };
    home.feedback(&[news], &CustomerSet::All, at(33)).unwrap();
    assert_eq!(keys(&take(home, 100)), ["d3:auto_reply"]);
    assert_eq!(draft_state(home, "d1"), DraftState::Pending, "a person has its draft to choose from");
    assert_eq!(draft_state(home, "d2"), DraftState::Superseded);
    // Nor is anything planned there.
    ready(home, 4);
    let version = standing(&**home, "t4").unwrap().version;
    let set = Feedback {
        decision_id: None,
        ticket_id: Some("t4".to_owned()),
        customer: None,
        outcome: Outcome { labels: labels(&[(Field::Board, "Sales")]), ..Outcome::default() },
        source: "psa".to_owned(),
        actor: "glue".to_owned(),
    };
    home.feedback(&[set], &CustomerSet::All, at(34)).unwrap();
    assert!(standing(&**home, "t4").unwrap().version > version);
    assert!(home.to_act(None, 9).unwrap()[0].touched);
    assert_eq!(act(home, epoch, BOUNDS), ActingResult::Changed);
}

fn a_pause_gives_drafts_back_to_review_and_nothing_is_sent_twice(home: &Home) {
    let epoch = granted(home);
    (1..=2).for_each(|n| ready(home, n));
    (1..=2).for_each(|_| assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts));
    let first = take(home, 100);
    assert_eq!(keys(&first), ["d1:auto_reply", "d2:auto_reply"]);
    let failed = Some(("the PSA is down", at(200)));
    home.settle_action(first[1].id, &GLUE, &report(failed), at(101)).unwrap();
    let pause = NewHold {
        level: Hold::Pause,
        scope: GrantScope::default(),
        by: author("firstline"),
        reason: "R70".to_owned(),
        figures: None,
        trigger_key: None,
    };
    let held = home.hold(&pause, at(102)).unwrap();
    assert_eq!(held.in_flight, [first[0].id]);
    use ActionState::{Claimed, Held};
    assert_eq!(states(home), [Claimed, Held, Held, Held]);
    // What was tried may have been done: a second reply is not offered.
    assert_eq!([draft_state(home, "d1"), draft_state(home, "d2")], [DraftState::Auto; 2]);
    assert!(take(home, 300).is_empty());
    ready(home, 3);
    assert_eq!(act(home, held.id, BOUNDS), ActingResult::Changed);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn another_bundle_and_a_lower_phase_let_nothing_out(home: &Home) {
    let epoch = granted(home);
    (1..=2).for_each(|n| ready(home, n));
    (1..=2).for_each(|_| assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts));
    for alone in [Some("bundle-2"), None] {
        let claim = ActionClaim { holder: GLUE, limit: 99, most: 9, now: at(100), until: at(110), alone };
        assert!(home.claim_actions(&claim).unwrap().is_empty(), "{alone:?}");
    }
    assert_eq!(states(home), [ActionState::Held; 4]);
    assert_eq!([draft_state(home, "d1"), draft_state(home, "d2")], [DraftState::Pending; 2]);
}

fn a_ticket_that_changes_takes_what_waits_along(home: &Home) {
    let epoch = granted(home);
    ready(home, 1);
    act(home, epoch, BOUNDS);
    let version = standing(&**home, "t1").unwrap().version;
    record(
        &**home,
        Decided { route: Route::Auto, phase: Some(Phase::Autonomous), ..decided("d1b", "t1", version) },
    );
    assert_eq!(draft_state(home, "d1"), DraftState::Superseded);
    assert_eq!(states(home), [ActionState::Void; 2]);
    assert!(take(home, 100).is_empty());
}

/// The reply of `d1`, claimed at second 100 until 110.
fn claimed_reply(home: &Home) -> Action {
    let epoch = granted(home);
    ready(home, 1);
    assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts);
    take(home, 100).remove(0)
}

fn pause(home: &Home, now: i64) -> i64 {
    let pause = NewHold {
        level: Hold::Pause,
        scope: GrantScope::default(),
        by: author("kim"),
        reason: "r".to_owned(),
        figures: None,
        trigger_key: None,
    };
    home.hold(&pause, at(now)).unwrap().id
}

fn accept(home: &Home, now: i64) -> ReviewResult {
    let version = home.decision("d1").unwrap().unwrap().version;
    home.review(&ReviewRequest { version, ..review("d1", Review::Accepted, "r1") }, at(now)).unwrap()
}

fn reasons(home: &Home) -> Vec<String> {
    home.decision("d1").unwrap().unwrap().acting.unwrap().reasons
}

fn what_a_person_tries_again_is_not_offered_for_review(home: &Home) {
    let reply = claimed_reply(home);
    home.settle_action(reply.id, &GLUE, &report(Some(("the PSA is down", at(200)))), at(101)).unwrap();
    let id = pause(home, 102);
    assert!(home.retry_action(reply.id, &CustomerSet::All, "kim", at(103)).unwrap());
    assert!(home.release_hold(id, &author("kim"), "fine", at(104)).unwrap());
    for now in [105, 106] {
        if let Some(again) = take(home, now).first() {
            assert_eq!((again.origin, again.attempts), (ActionOrigin::Person, 2));
            home.settle_action(again.id, &GLUE, &report(None), at(now)).unwrap();
        }
        assert_eq!(draft_state(home, "d1"), DraftState::Auto);
        assert!(matches!(accept(home, now), ReviewResult::Conflict(_)), "it would be sent twice");
    }
    assert_eq!(states(home)[0], ActionState::Done);
}

fn what_a_person_was_faster_with_comes_back_for_review(home: &Home) {
    let reply = claimed_reply(home);
    assert_eq!(
        reply.payload["as_of"].as_str(),
        Some(&*at(0).to_string()),
        "since then nobody may have written"
    );
    let why = "a technician has worked on it since";
    home.settle_action(reply.id, &GLUE, &crate::ActionReport::Returned { why }, at(101)).unwrap();
    assert_eq!((states(home)[0], draft_state(home, "d1")), (ActionState::Void, DraftState::Pending));
    assert_eq!(reasons(home), ["priority is not certified", why], "it was not sent: that is known");
    assert!(!home.retry_action(reply.id, &CustomerSet::All, "kim", at(102)).unwrap());
    assert!(matches!(accept(home, 103), ReviewResult::Done(_)));
    assert_eq!(keys(&take(home, 104)), ["d1:reply"]);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn what_may_have_been_sent_is_reviewed_with_a_word_of_it(home: &Home) {
    let reply = claimed_reply(home);
    // Its holder is gone, and a technician has come.
    let note = Event {
        psa_key: "n1".to_owned(),
        at: at(105),
        actor: Some("mira".to_owned()),
        actor_kind: ActorKind::Technician,
        what: Happening::Message { visible: false, automatic: false, text_key: None },
    };
    let event = NewEvent { ticket_id: "t1".to_owned(), customer: None, event: note };
    home.record_events(&[event], &CustomerSet::All, "glue", at(106)).unwrap();
    assert!(take(home, 200).is_empty(), "whether it was sent only the PSA knows");
    assert_eq!((states(home)[0], draft_state(home, "d1")), (ActionState::Held, DraftState::Auto));
    assert_eq!(home.stop_action(reply.id, &CustomerSet::All, "kim", at(201)).unwrap(), Some(true));
    assert_eq!(draft_state(home, "d1"), DraftState::Pending);
    assert!(reasons(home).last().unwrap().contains("may have been sent"), "{:?}", reasons(home));
    // The same where nobody decides for a day.
    ready(home, 2);
    let epoch =
        home.effective(&[crate::Cell { customer: "acme", board: Some("Network"), ticket_type: None }]);
    assert_eq!(act(home, epoch.unwrap()[0].epoch, BOUNDS), ActingResult::Acts);
    let reply = take(home, 300).remove(0);
    home.settle_action(reply.id, &GLUE, &report(Some(("down", at(400)))), at(301)).unwrap();
    pause(home, 302);
    home.drop_held(at(100_000), at(100_000)).unwrap();
    assert_eq!(draft_state(home, "d2"), DraftState::Pending);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn labels_are_set_on_a_ticket_that_was_answered_alone(home: &Home) {
    let reply = claimed_reply(home);
    home.settle_action(reply.id, &GLUE, &report(None), at(101)).unwrap();
    let version = standing(&**home, "t1").unwrap().version;
    let again = decided("d1b", "t1", version);
    record(&**home, Decided { route: Route::Auto, phase: Some(Phase::Autonomous), draft: false, ..again });
    let seen = home.to_act(None, 9).unwrap().remove(0);
    assert!(seen.answered);
    let cell = crate::Cell { customer: "acme", board: Some("Network"), ticket_type: None };
    let mut plan = ActingPlan {
        record: &seen.record,
        epoch: home.effective(&[cell]).unwrap()[0].epoch,
        reply: true,
        fields: labels(&[(Field::Board, "Network")]),
        reasons: Vec::new(),
        not_before: at(100),
        bounds: BOUNDS,
    };
    assert_eq!(home.act_alone(&plan, at(110)).unwrap(), ActingResult::Changed, "no second reply");
    plan.reply = false;
    assert_eq!(home.act_alone(&plan, at(110)).unwrap(), ActingResult::Acts);
}

fn one_that_stays_open_stands_in_no_others_way(home: &Home) {
    granted(home);
    (1..=3).for_each(|n| ready(home, n));
    let page = |after: Option<&str>| {
        let found = home.to_act(after, 2).unwrap().into_iter();
        found.map(|seen| seen.record.id).collect::<Vec<_>>()
    };
    assert_eq!(
        [page(None), page(Some("d2")), page(Some("d3"))].map(|ids| ids.join(" ")),
        ["d1 d2", "d3", ""]
    );
}
