//! Answers of customers: each is read once, and what follows is in the outbox with it.

use firstline_ticket::{ActorKind, Event, Happening};

use super::acting::{BOUNDS, GLUE, act, granted, ready, take};
use super::*;
use crate::{
    ActingResult, ActionKind, ActionOrigin, ActionState, AnswerSaid, Answered, Conversation, NewAnswer,
    NewEvent,
};

on_both!(
    a_confirmation_closes_once_and_what_is_said_later_withdraws_it,
    a_contradiction_opens_again_and_is_a_suspected_incident,
    nothing_is_closed_where_a_person_is_at_the_ticket,
    a_sender_whose_clock_is_ahead_hides_nothing,
);

/// A ticket whose draft was sent, and its board set, without a person.
fn answered(home: &Home, n: usize) -> Conversation {
    let epoch = granted(home);
    ready(home, n);
    assert_eq!(act(home, epoch, BOUNDS), ActingResult::Acts);
    for _ in 0..2 {
        for action in take(home, 100) {
            home.settle_action(action.id, &GLUE, &report(None), at(105)).unwrap();
        }
    }
    home.conversation(&format!("t{n}"), None, &CustomerSet::All).unwrap().unwrap()
}

fn said<'a>(conversation: &'a Conversation, key: &'a str, said: AnswerSaid, when: i64) -> NewAnswer<'a> {
    NewAnswer {
        conversation,
        key,
        at: at(when),
        said,
        language: Some("en"),
        confidence: Some(0.99),
        close: (said == AnswerSaid::Confirmed).then(|| at(when + 60)),
        reopen: said == AnswerSaid::Contradicted,
        actor: "glue",
    }
}

/// Kinds and states of the actions that followed from answers.
fn followed(home: &Home) -> Vec<(ActionKind, ActionState)> {
    let mut all = home.actions(None, &CustomerSet::All, None, 99).unwrap().items;
    all.sort_by_key(|action| action.id);
    let late = all.iter().filter(|action| !matches!(action.kind, ActionKind::Reply | ActionKind::SetFields));
    late.map(|action| (action.kind, action.state)).collect()
}

fn a_confirmation_closes_once_and_what_is_said_later_withdraws_it(home: &Home) {
    let talk = answered(home, 1);
    let reply = talk.replied.unwrap();
    assert_eq!((reply.at, reply.alone, talk.touched), (at(105), true, false));
    let yes = said(&talk, "m1", AnswerSaid::Confirmed, 200);
    assert_eq!(home.record_answer(&yes, at(201)).unwrap(), Answered::Closes);
    assert_eq!(home.record_answer(&yes, at(202)).unwrap(), Answered::Known);
    use ActionState::{Void, Waiting};
    assert_eq!(followed(home), [(ActionKind::Close, Waiting)]);
    let close = home.actions(Some(Waiting), &CustomerSet::All, None, 9).unwrap().items.remove(0);
    assert_eq!(
        (close.origin, close.payload["as_of"].as_str()),
        (ActionOrigin::Auto, Some(&*at(200).to_string()))
    );
    assert!(close.payload["untouched_since"].as_str().unwrap() <= &*at(105).to_string(), "{}", close.payload);
    let thanks = said(&talk, "m2", AnswerSaid::Thanks, 210);
    assert_eq!(home.record_answer(&thanks, at(211)).unwrap(), Answered::Noted);
    assert_eq!(followed(home), [(ActionKind::Close, Waiting)], "thanks change nothing");
    let other = said(&talk, "m3", AnswerSaid::Other, 220);
    assert_eq!(home.record_answer(&other, at(221)).unwrap(), Answered::Noted);
    assert_eq!(followed(home), [(ActionKind::Close, Void)]);
    // What else the customer has written waits for a person, whatever comes before or after it.
    for (key, when) in [("m0", 215), ("m4", 230)] {
        let again = said(&talk, key, AnswerSaid::Confirmed, when);
        assert_eq!(home.record_answer(&again, at(231)).unwrap(), Answered::Noted);
    }
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn a_contradiction_opens_again_and_is_a_suspected_incident(home: &Home) {
    let talk = answered(home, 1);
    let no = said(&talk, "m1", AnswerSaid::Contradicted, 200);
    assert_eq!(home.record_answer(&no, at(201)).unwrap(), Answered::Reopens);
    assert_eq!(home.record_answer(&no, at(202)).unwrap(), Answered::Known);
    assert_eq!(followed(home), [(ActionKind::Reopen, ActionState::Waiting)]);
    let found = home.incidents(at(0), at(1_000), &CustomerSet::All).unwrap();
    assert_eq!((found.len(), found[0].alone, found[0].at), (1, Some(true), at(200)));
    // From then on nothing is closed on what the customer writes.
    let yes = said(&talk, "m2", AnswerSaid::Confirmed, 300);
    assert_eq!(home.record_answer(&yes, at(301)).unwrap(), Answered::Noted);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
    assert!(audited(&**home).contains(&"answer".to_owned()));
}

fn nothing_is_closed_where_a_person_is_at_the_ticket(home: &Home) {
    let (talk, second) = (answered(home, 1), answered(home, 2));
    let note = |key: &str, ticket: &str| {
        let event = Event {
            psa_key: key.to_owned(),
            at: at(190),
            actor: Some("mira".to_owned()),
            actor_kind: ActorKind::Technician,
            what: Happening::Message { visible: false, automatic: false, text_key: None },
        };
        let event = NewEvent { ticket_id: ticket.to_owned(), customer: None, event };
        home.record_events(&[event], &CustomerSet::All, "glue", at(191)).unwrap();
    };
    note("n1", "t1");
    let yes = said(&talk, "m1", AnswerSaid::Confirmed, 200);
    assert_eq!(home.record_answer(&yes, at(201)).unwrap(), Answered::Noted);
    // Nor where a person comes to it before it is claimed.
    let yes = said(&second, "m1", AnswerSaid::Confirmed, 200);
    assert_eq!(home.record_answer(&yes, at(201)).unwrap(), Answered::Closes);
    note("n2", "t2");
    assert!(take(home, 1_000).is_empty());
    assert_eq!(followed(home), [(ActionKind::Close, ActionState::Void)]);
}

fn a_sender_whose_clock_is_ahead_hides_nothing(home: &Home) {
    let talk = answered(home, 1);
    let yes = said(&talk, "m1", AnswerSaid::Confirmed, 9_000);
    assert_eq!(home.record_answer(&yes, at(201)).unwrap(), Answered::Closes);
    let close = home.actions(Some(ActionState::Waiting), &CustomerSet::All, None, 9).unwrap().items.remove(0);
    assert_eq!(close.payload["as_of"].as_str(), Some(&*at(201).to_string()));
}
