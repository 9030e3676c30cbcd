//! The programme: what was signed, what is granted where, and what a hold keeps from being done.

use firstline_ticket::Assertion;

use super::*;
use crate::{
    Action, ActionClaim, ActionOrigin, ActionState, Cell, Effective, GrantScope, Hold, Holder, NewGrant,
    NewHold, NewProgramme, NewSignature, Settlement, Signing,
};

on_both!(
    the_newest_programme_holds,
    criteria_have_versions_and_each_person_signs_one_once,
    the_least_of_what_is_granted_is_in_force,
    the_newest_grant_of_a_scope_holds,
    holds_cap_what_is_granted_until_they_end,
    a_hold_holds_back_what_it_concerns_and_nothing_else,
    what_was_decided_before_a_change_is_not_claimed,
    what_no_grant_allows_is_held_back,
    what_is_known_has_a_ticket,
    what_was_approved_long_before_a_grant_is_never_done,
    a_claim_that_ends_after_a_grant_of_much_later_is_not_given_out_again,
    what_is_approved_under_a_hold_waits_for_a_person,
    what_is_held_back_is_put_back_within_a_day_or_never,
    what_is_done_says_when_and_as_what,
    no_change_of_the_programme_is_unseen,
    a_trigger_fires_once_whatever_became_of_its_hold,
    a_trigger_that_fails_half_way_changes_nothing,
    what_customers_could_see_is_told_action_by_action,
    a_lane_has_one_owner_until_its_time_is_over,
    who_acts_gets_nothing_past_a_trigger,
);

fn scope(customer: &str, board: &str, ticket_type: &str) -> GrantScope {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    GrantScope { customer: named(customer), board: named(board), ticket_type: named(ticket_type) }
}

fn grant_of(scope: GrantScope, phase: Phase, threshold: Option<f64>) -> NewGrant {
    NewGrant {
        bundle: Some(format!("bundle for {phase:?}")),
        evidence_sha: Some("ab".repeat(32)),
        by: author("kim"),
        reason: "it is time".to_owned(),
        scope,
        phase,
        thresholds: threshold.map(|one| (Assertion::Reply, one)).into_iter().collect(),
    }
}

fn grant(home: &Home, scope: GrantScope, phase: Phase) -> i64 {
    home.grant(&grant_of(scope, phase, None), at(5)).unwrap()
}

fn hold(home: &Home, level: Hold, scope: GrantScope, now: i64) -> crate::Held {
    let figures = Some(serde_json::json!({"errors": 3, "of": 40}));
    let hold = NewHold {
        level,
        scope,
        by: author("firstline"),
        reason: "R70".to_owned(),
        figures,
        trigger_key: None,
    };
    home.hold(&hold, at(now)).unwrap()
}

fn cell<'a>(customer: &'a str, board: &'a str, ticket_type: &'a str) -> Cell<'a> {
    Cell { customer, board: Some(board), ticket_type: Some(ticket_type) }
}

fn effective(home: &Home, cell: Cell<'_>) -> Effective {
    home.effective(&[cell]).unwrap().remove(0)
}

fn the_newest_programme_holds(home: &Home) {
    assert_eq!(home.programme().unwrap(), None);
    let mut new = NewProgramme {
        started_on: "2026-11-02".parse().unwrap(),
        pilots: vec!["acme".to_owned()],
        by: author("kim"),
    };
    let first = home.start_programme(&new, at(1)).unwrap();
    assert_eq!(home.programme().unwrap().as_ref(), Some(&first));
    new.pilots.push("bolt".to_owned());
    let second = home.start_programme(&new, at(2)).unwrap();
    assert_eq!((first.started_on, first.by.as_str(), first.at), (new.started_on, "kim", at(1)));
    assert!(second.id > first.id && second.pilots == ["acme", "bolt"]);
    assert_eq!(home.programme().unwrap(), Some(second));
    // A pilot may have no ticket yet.
    assert_eq!(home.customers().unwrap().keys().collect::<Vec<_>>(), ["acme", "bolt"]);
    assert_eq!(audited(&**home), ["programme", "programme"]);
}

fn criteria_have_versions_and_each_person_signs_one_once(home: &Home) {
    let add = |text: &str, sha: &str| home.add_criteria(text, sha, &author("kim"), at(1)).unwrap();
    assert_eq!(
        [add("a = 1", "s1"), add("a = 1", "s1"), add("a = 2", "s2"), add("a = 1", "s1")],
        [1, 1, 2, 3]
    );
    let sign = |version: u32, sha: &str, person: &str, n: i64| {
        let signature = NewSignature {
            version,
            sha: sha.to_owned(),
            by: author(person),
            typed_name: format!("{person} Smith"),
            role: "owner".to_owned(),
        };
        home.sign(&signature, at(n)).unwrap()
    };
    assert_eq!([sign(1, "s1", "ben", 9), sign(1, "s1", "ada", 8)], [Signing::Signed; 2]);
    for name in ["ben", "Ben", "BEN", "ben ", "b\u{435}n", "be\u{200d}n", "ｂｅｎ"] {
        assert_eq!(sign(1, "s1", name, 10), Signing::Already, "{name:?}");
    }
    // Who signs has read something else, or what is not there.
    assert_eq!([sign(1, "s2", "eve", 10), sign(4, "s1", "eve", 10)], [Signing::Missing; 2]);
    assert_eq!(sign(2, "s2", "ben", 11), Signing::Signed);
    let criteria = home.criteria().unwrap();
    let signed: Vec<Vec<(&str, Timestamp)>> = criteria
        .iter()
        .map(|version| version.signatures.iter().map(|s| (s.person.as_str(), s.at)).collect())
        .collect();
    assert_eq!(signed, [vec![("ada", at(8)), ("ben", at(9))], vec![("ben", at(11))], vec![]]);
    assert_eq!(
        (criteria[1].text.as_str(), criteria[1].sha.as_str(), criteria[1].version),
        ("a = 2", "s2", 2)
    );
    assert_eq!(criteria[0].signatures[0].typed_name, "ada Smith");
    assert_eq!(audited(&**home), ["criteria", "criteria", "criteria", "sign", "sign", "sign"]);
    let log = home.audit_entries(0, 99).unwrap();
    // Hashes are hexadecimal: these names can't stand in one by chance.
    let named = |detail: &str| ["kim", "ben", "Smith"].iter().any(|name| detail.contains(name));
    assert!(log.iter().all(|entry| !named(&entry.detail) && entry.actor == "key of 3"));
}

fn the_least_of_what_is_granted_is_in_force(home: &Home) {
    let phases = || {
        ["acme", "bolt"].map(|customer| {
            [("Net", "VPN"), ("Net", "WLAN")]
                .map(|(board, kind)| effective(home, cell(customer, board, kind)).phase)
        })
    };
    use Phase::{Assist, Autonomous, Baseline, Shadow};
    assert_eq!(phases(), [[Baseline; 2]; 2]);
    assert_eq!(effective(home, cell("acme", "Net", "VPN")).epoch, 0);
    grant(home, scope("acme", "", ""), Autonomous);
    assert_eq!(phases(), [[Baseline; 2]; 2]);
    grant(home, scope("", "", ""), Autonomous);
    // Only pilots, and nothing alone that is no certified category.
    assert_eq!(phases(), [[Assist; 2], [Shadow; 2]]);
    let certified = grant_of(scope("acme", "Net", "VPN"), Autonomous, Some(0.93));
    let epoch = home.grant(&certified, at(6)).unwrap();
    assert_eq!(phases(), [[Autonomous, Assist], [Shadow; 2]]);
    let found = effective(home, cell("acme", "Net", "VPN"));
    assert_eq!(
        (found.thresholds.get(&Assertion::Reply).copied(), found.epoch, found.hold, found.may_expand),
        (Some(0.93), epoch, None, true)
    );
    assert_eq!((found.bundle, found.since), (certified.bundle, Some(at(6))));
    // What is granted to all caps what is granted to one.
    home.grant(&grant_of(scope("", "Net", ""), Assist, Some(0.97)), at(7)).unwrap();
    let found = effective(home, cell("acme", "Net", "VPN"));
    assert_eq!((found.phase, found.thresholds.get(&Assertion::Reply).copied()), (Assist, Some(0.97)));
    grant(home, scope("", "Net", ""), Autonomous);
    assert_eq!(phases(), [[Autonomous, Autonomous], [Shadow; 2]]);
    grant(home, scope("bolt", "Net", "WLAN"), Assist);
    assert_eq!(phases(), [[Autonomous, Autonomous], [Shadow, Assist]]);
    grant(home, scope("", "", ""), Shadow);
    assert_eq!(phases(), [[Shadow; 2]; 2]);
    // Nobody knows the category: what is granted to one is not granted here.
    grant(home, scope("", "", ""), Autonomous);
    let unknown = Cell { customer: "acme", board: None, ticket_type: None };
    assert_eq!(effective(home, unknown).phase, Assist);
    let cells = [cell("bolt", "Net", "WLAN"), unknown, cell("acme", "Net", "VPN")];
    let phases: Vec<Phase> = home.effective(&cells).unwrap().into_iter().map(|e| e.phase).collect();
    assert_eq!(phases, [Assist, Assist, Autonomous]);
}

fn the_newest_grant_of_a_scope_holds(home: &Home) {
    let first = grant(home, scope("acme", "", ""), Phase::Assist);
    let other = grant(home, scope("bolt", "", ""), Phase::Assist);
    let second = grant(home, scope("acme", "", ""), Phase::Shadow);
    let epochs = |newest| home.grants(newest).unwrap().iter().map(|grant| grant.epoch).collect::<Vec<_>>();
    assert_eq!((epochs(false), epochs(true)), (vec![first, other, second], vec![other, second]));
    let newest = home.grants(true).unwrap().remove(1);
    let due = grant_of(scope("acme", "", ""), Phase::Shadow, None);
    assert_eq!((newest.scope, newest.phase, newest.bundle), (due.scope, due.phase, due.bundle));
    assert_eq!((newest.by.as_str(), newest.reason.as_str(), newest.since), ("kim", "it is time", at(5)));
    assert_eq!(newest.evidence_sha, due.evidence_sha);
    assert_eq!(audited(&**home), ["grant"; 3]);
    let log = home.audit_entries(0, 99).unwrap();
    assert!(log.iter().all(|entry| !entry.detail.contains("acme") && !entry.detail.contains("time")));
}

fn holds_cap_what_is_granted_until_they_end(home: &Home) {
    let here = cell("acme", "Net", "VPN");
    for scope in [scope("", "", ""), scope("acme", "", ""), scope("acme", "Net", "VPN")] {
        grant(home, scope, Phase::Autonomous);
    }
    let before = effective(home, here).epoch;
    let seen = |home: &Home| {
        let found = effective(home, here);
        (found.phase, found.hold, found.may_expand)
    };
    let mild = hold(home, Hold::PauseExpansion, scope("", "", ""), 10).id;
    assert_eq!(seen(home), (Phase::Autonomous, Some(Hold::PauseExpansion), false));
    // What only keeps new grants away changes nothing for what is to be done.
    assert_eq!(effective(home, here).epoch, before);
    let pause = hold(home, Hold::Pause, scope("acme", "Net", ""), 11).id;
    assert_eq!(seen(home), (Phase::Assist, Some(Hold::Pause), false));
    assert_eq!(effective(home, here).epoch, pause);
    hold(home, Hold::Stop, scope("bolt", "", ""), 12);
    assert_eq!(seen(home).1, Some(Hold::Pause));
    let back = hold(home, Hold::BackOut, scope("", "", ""), 13).id;
    assert_eq!(seen(home), (Phase::Shadow, Some(Hold::BackOut), false));
    let release = |id| home.release_hold(id, &author("ada"), "the cause is mended", at(20)).unwrap();
    assert!(release(back) && !release(back) && !release(999) && !release(before));
    assert_eq!(seen(home).0, Phase::Assist);
    assert!(effective(home, here).epoch > back);
    assert!(release(pause) && release(mild));
    assert_eq!(seen(home), (Phase::Autonomous, None, true));
    let holds = home.holds(false).unwrap();
    assert_eq!((holds.len(), home.holds(true).unwrap().len()), (4, 1));
    assert_eq!(
        (holds[1].level, holds[1].id, &holds[1].scope),
        (Hold::Pause, pause, &scope("acme", "Net", ""))
    );
    assert_eq!(holds[1].figures.as_ref().unwrap()["errors"], 3);
    let end = holds[1].released.as_ref().unwrap();
    assert_eq!((end.by.as_str(), end.reason.as_str(), end.at), ("ada", "the cause is mended", at(20)));
}

/// A reply and labels for each ticket, approved: the first of acme, the second of bolt, on boards of their own.
fn approved(home: &Home) -> Vec<Action> {
    for (n, customer) in ["acme", "bolt"].into_iter().enumerate() {
        let id = format!("d{n}");
        let mut one = decided(&id, &format!("t{n}"), 0);
        one.customer = customer.to_owned();
        if let Some(board) = one.decision.fields.get_mut(&Field::Board) {
            board.label = format!("Board of {customer}");
        }
        record(&**home, one);
        let work = claim(&**home, WorkKind::Draft, "w", 1).remove(0);
        assert!(home.drafted(&result(work.id, "w", Some(&draft("Yes."))), at(2)).unwrap());
        home.review(&review(&id, Review::Accepted, &id), at(3)).unwrap();
    }
    home.actions(None, &CustomerSet::All, None, 99).unwrap().items
}

fn states(home: &Home) -> Vec<(String, ActionState)> {
    let all = home.actions(None, &CustomerSet::All, None, 99).unwrap().items;
    let mut all: Vec<_> = all.into_iter().map(|a| (a.idempotency_key, a.state)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The states in the order of `d0:fields`, `d0:reply`, `d1:fields`, `d1:reply`.
fn are(home: &Home, due: [ActionState; 4]) {
    let found: Vec<ActionState> = states(home).into_iter().map(|(_, state)| state).collect();
    assert_eq!(found, due);
}

const GLUE: Holder<'static> = Holder { key: "glue", owner: "a", customers: &CustomerSet::All };

fn take(home: &Home, now: i64) -> Vec<String> {
    let claim = ActionClaim {
        holder: GLUE,
        limit: 99,
        most: 9,
        now: at(now),
        until: at(now + 10),
        alone: Some("bundle-1"),
    };
    home.claim_actions(&claim).unwrap().into_iter().map(|action| action.idempotency_key).collect()
}

/// Makes all actions such that nobody has approved, each tried once before.
fn automatic(home: &Home) {
    home.meddle("UPDATE actions SET origin = 'auto', attempts = 1; UPDATE decisions SET draft_state = 'auto'; DELETE FROM reviews");
}

use ActionState::{Claimed, Held, Void, Waiting};

fn a_hold_holds_back_what_it_concerns_and_nothing_else(home: &Home) {
    let all = approved(home);
    assert!(all.iter().all(|action| action.origin == ActionOrigin::Person && action.epoch == 0));
    // What a person approved goes on under a pause.
    let found = hold(home, Hold::Pause, scope("", "", ""), 10);
    assert_eq!((found.held, found.in_flight.len()), (0, 0));
    are(home, [Waiting; 4]);
    assert_eq!(take(home, 11), ["d0:reply", "d1:reply"]);
    are(home, [Waiting, Claimed, Waiting, Claimed]);
    let found = hold(home, Hold::BackOut, scope("acme", "", ""), 12);
    let of_acme = all.iter().find(|action| action.idempotency_key == "d0:reply").unwrap().id;
    assert_eq!((found.held, found.in_flight), (1, vec![of_acme]));
    are(home, [Held, Claimed, Waiting, Claimed]);
    assert_eq!(home.backlog().unwrap().held_actions, 1);
    // What is in flight settles.
    assert_eq!(home.settle_action(of_acme, &GLUE, &report(None), at(13)).unwrap(), Settlement::Settled);
    let found = hold(home, Hold::Stop, scope("", "Board of bolt", "Printer"), 14);
    // Nobody decided a type there: it is held back to be safe.
    assert_eq!((found.held, found.in_flight.len()), (1, 1));
    are(home, [Held, ActionState::Done, Held, Claimed]);
    assert!(take(home, 15).is_empty());
    // Where the lease has ended nobody claims it again.
    assert!(take(home, 99).is_empty());
    are(home, [Held, ActionState::Done, Held, Held]);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn what_no_grant_allows_is_held_back(home: &Home) {
    approved(home);
    // Where nothing was ever granted, the settings decide, which the store does not know.
    assert_eq!(take(home, 11), ["d0:reply", "d1:reply"]);
    home.meddle("UPDATE actions SET state = 'waiting', owner = NULL");
    grant(home, scope("", "", ""), Phase::Assist);
    grant(home, scope("acme", "", ""), Phase::Assist);
    // bolt is no pilot: what a person approved there waits.
    assert_eq!(take(home, 30), ["d0:reply"]);
    are(home, [Waiting, Claimed, Held, Held]);
    // A pilot that is taken back.
    home.meddle("UPDATE actions SET state = 'waiting', owner = NULL");
    grant(home, scope("acme", "", ""), Phase::Shadow);
    assert!(take(home, 40).is_empty());
}

const DAY: i64 = 86_400;

fn grant_at(home: &Home, customer: &str, phase: Phase, now: i64) -> i64 {
    home.grant(&grant_of(scope(customer, "", ""), phase, None), at(now)).unwrap()
}

fn what_was_approved_long_before_a_grant_is_never_done(home: &Home) {
    // Approved at second 3, before there was a programme.
    approved(home);
    grant_at(home, "", Phase::Assist, 3 + DAY);
    are(home, [Waiting; 4]);
    grant_at(home, "acme", Phase::Assist, 4 + DAY);
    are(home, [Void, Void, Waiting, Waiting]);
    let void = home.actions(Some(Void), &CustomerSet::All, None, 9).unwrap().items;
    assert!(void.iter().all(|action| action.payload.is_null()));
    assert!(void.iter().all(|action| action.fault.as_ref().unwrap().contains("more than a day")), "{void:?}");
    // bolt is no pilot yet: its actions wait for a person, and are too old for the grant that comes.
    assert!(take(home, 5 + DAY).is_empty());
    are(home, [Void, Void, Held, Held]);
    grant_at(home, "bolt", Phase::Assist, 20 * DAY);
    are(home, [Void; 4]);
    let all = home.actions(None, &CustomerSet::All, None, 9).unwrap().items;
    assert!(all.iter().all(|a| !home.retry_action(a.id, &CustomerSet::All, "key-1", at(20 * DAY)).unwrap()));
    let dropped: Vec<String> =
        audited(&**home).into_iter().filter(|action| action == "drop_outdated").collect();
    assert_eq!(dropped.len(), 2);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn a_claim_that_ends_after_a_grant_of_much_later_is_not_given_out_again(home: &Home) {
    let all = approved(home);
    assert_eq!(take(home, 10), ["d0:reply", "d1:reply"]);
    for customer in ["", "acme", "bolt"] {
        grant_at(home, customer, Phase::Assist, 4 + DAY);
    }
    // What somebody is at can't be called back; the rest is void.
    are(home, [Void, Claimed, Void, Claimed]);
    let first = all.iter().find(|action| action.idempotency_key == "d0:reply").unwrap().id;
    assert_eq!(home.settle_action(first, &GLUE, &report(None), at(5 + DAY)).unwrap(), Settlement::Settled);
    assert!(take(home, 6 + DAY).is_empty());
    are(home, [Void, ActionState::Done, Void, Held]);
    let second = all.iter().find(|action| action.idempotency_key == "d1:reply").unwrap().id;
    assert!(!home.retry_action(second, &CustomerSet::All, "key-1", at(7 + DAY)).unwrap());
    // A person who puts back in time what was held in view of a grant has approved it for that grant.
    let fresh = "UPDATE actions SET state = 'held', held_at = created_at, payload = '{}', fault = NULL";
    home.meddle(&format!("{fresh}, epoch = 99 WHERE id = {second}"));
    assert!(home.retry_action(second, &CustomerSet::All, "key-1", at(DAY)).unwrap());
}

fn what_is_known_has_a_ticket(home: &Home) {
    approved(home);
    let known = |scope| home.is_known(&scope).unwrap();
    assert!(
        known(scope("", "", "")) && known(scope("acme", "", "")) && known(scope("bolt", "Board of bolt", ""))
    );
    assert!(!known(scope("bolt", "board of bolt", "")) && !known(scope("acme", "Board of bolt", "")));
    assert!(!known(scope("nobody", "", "")));
}

fn what_was_decided_before_a_change_is_not_claimed(home: &Home) {
    for customer in ["", "acme", "bolt"] {
        grant(home, scope(customer, "", ""), Phase::Assist);
    }
    approved(home);
    automatic(home);
    hold(home, Hold::PauseExpansion, scope("", "", ""), 10);
    // A grant elsewhere changes nothing here.
    grant(home, scope("cargo", "", ""), Phase::Assist);
    assert_eq!(take(home, 11), ["d0:reply", "d1:reply"]);
    let epoch = grant(home, scope("acme", "", ""), Phase::Assist);
    // Behind the back of whoever writes with what it saw before: the action is newer than the grant, and in view of an older.
    home.meddle("UPDATE actions SET state = 'waiting'");
    assert_eq!(take(home, 30), ["d1:reply"]);
    are(home, [Held, Held, Waiting, Claimed]);
    // In view of it, it may be done.
    home.meddle(&format!("UPDATE actions SET state = 'waiting', epoch = {epoch}"));
    assert_eq!(take(home, 50), ["d0:reply", "d1:reply"]);
    // The end of a hold is a change as well: what was decided before the hold stays where it is.
    let pause = hold(home, Hold::Pause, scope("acme", "", ""), 51);
    assert_eq!((pause.held, pause.in_flight.len()), (1, 1));
    home.release_hold(pause.id, &author("ada"), "mended", at(52)).unwrap();
    home.meddle("UPDATE actions SET state = 'waiting'");
    assert_eq!(take(home, 70), ["d1:reply"]);
    // A person's word stands through all of this.
    home.meddle("UPDATE actions SET state = 'waiting', origin = 'person'");
    assert_eq!(take(home, 90), ["d0:reply", "d1:reply"]);
    // And that of a store from before.
    home.meddle("UPDATE actions SET state = 'waiting', origin = NULL, epoch = NULL");
    assert_eq!(take(home, 110), ["d0:reply", "d1:reply"]);
    hold(home, Hold::BackOut, scope("bolt", "", ""), 120);
    home.meddle("UPDATE actions SET state = 'waiting'");
    assert_eq!(take(home, 130), ["d0:reply"]);
}

fn what_is_approved_under_a_hold_waits_for_a_person(home: &Home) {
    let back = hold(home, Hold::BackOut, scope("acme", "", ""), 1);
    approved(home);
    are(home, [Held, Held, Waiting, Waiting]);
    let first = home.actions(Some(Held), &CustomerSet::All, None, 9).unwrap().items.remove(0);
    assert_eq!(first.epoch, back.id);
    let retry = |now| home.retry_action(first.id, &CustomerSet::All, "key-1", at(now)).unwrap();
    assert!(!retry(5));
    home.release_hold(back.id, &author("ada"), "mended", at(6)).unwrap();
    assert!(retry(7) && !retry(8));
    assert_eq!(take(home, 9), ["d0:fields", "d1:reply"]);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
}

fn what_is_held_back_is_put_back_within_a_day_or_never(home: &Home) {
    approved(home);
    automatic(home);
    let pause = hold(home, Hold::Pause, scope("", "", ""), 10);
    assert_eq!(pause.held, 4);
    let all = home.actions(Some(Held), &CustomerSet::All, None, 9).unwrap().items;
    let retry = |i: usize, customers: &CustomerSet, now| {
        home.retry_action(all[i].id, customers, "key-1", at(now)).unwrap()
    };
    // Newest first: the fields and reply of bolt, then those of acme. Others' are not there.
    assert!(!retry(0, &only(&["acme"]), 11));
    assert!(retry(0, &only(&["bolt"]), 11) && retry(3, &CustomerSet::All, 10 + DAY - 1));
    assert!(!retry(1, &CustomerSet::All, 10 + DAY));
    let back = home.actions(Some(Waiting), &CustomerSet::All, None, 9).unwrap().items;
    // On a person's word from now on.
    assert!(back.iter().all(|action| action.origin == ActionOrigin::Person && action.epoch == pause.id));
    assert_eq!(home.drop_held(at(10), at(DAY)).unwrap(), 0);
    assert_eq!(home.drop_held(at(11), at(DAY)).unwrap(), 2);
    assert_eq!(home.drop_held(at(11), at(DAY)).unwrap(), 0);
    are(home, [ActionState::Void, Waiting, Waiting, ActionState::Void]);
    assert!(!retry(1, &CustomerSet::All, 12));
    let void = home.actions(Some(ActionState::Void), &CustomerSet::All, None, 9).unwrap().items;
    assert!(void.iter().all(|action| action.payload.is_null()));
    assert_eq!(audited(&**home).iter().filter(|action| *action == "drop_held").count(), 1);
}

fn what_is_done_says_when_and_as_what(home: &Home) {
    let all = approved(home);
    let first = all.iter().find(|action| action.idempotency_key == "d0:reply").unwrap();
    assert_eq!((first.done_at, &first.psa_ref), (None, &None));
    assert_eq!(take(home, 10), ["d0:reply", "d1:reply"]);
    let done = crate::ActionReport::Done { psa_ref: Some("note-17"), result: None };
    assert_eq!(home.settle_action(first.id, &GLUE, &done, at(12)).unwrap(), Settlement::Settled);
    // Said again it stays as it was.
    assert_eq!(home.settle_action(first.id, &GLUE, &report(None), at(15)).unwrap(), Settlement::Settled);
    let found = home.action(first.id, &GLUE).unwrap().unwrap();
    assert_eq!((found.done_at, found.psa_ref.as_deref()), (Some(at(12)), Some("note-17")));
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
    for (change, back) in [
        ("psa_ref = 'note-18'", "psa_ref = 'note-17'"),
        ("psa_ref = NULL", "psa_ref = 'note-17'"),
        ("done_at = done_at + 1", "done_at = done_at - 1"),
        ("epoch = 7", "epoch = 0"),
        ("origin = 'auto'", "origin = 'person'"),
    ] {
        let meddle =
            |set: &str| home.meddle(&format!("UPDATE actions SET {set} WHERE idempotency_key = 'd0:reply'"));
        meddle(change);
        assert_eq!(home.audit_check(&[]).unwrap().findings.len(), 1, "{change}");
        meddle(back);
        assert!(home.audit_check(&[]).unwrap().findings.is_empty(), "{back}");
    }
}

fn no_change_of_the_programme_is_unseen(home: &Home) {
    let new = NewProgramme {
        started_on: "2026-11-02".parse().unwrap(),
        pilots: vec!["acme".to_owned()],
        by: author("kim"),
    };
    home.start_programme(&new, at(1)).unwrap();
    home.add_criteria("a = 1", "s1", &author("kim"), at(1)).unwrap();
    let (version, sha, by) = (1, "s1".to_owned(), author("ada"));
    let signature = NewSignature { version, sha, by, typed_name: "Ada".to_owned(), role: "owner".to_owned() };
    assert_eq!(home.sign(&signature, at(2)).unwrap(), Signing::Signed);
    home.grant(&grant_of(scope("acme", "Net", "VPN"), Phase::Assist, Some(0.875)), at(3)).unwrap();
    let pause = hold(home, Hold::Pause, scope("", "", ""), 4);
    home.release_hold(pause.id, &author("ada"), "mended", at(5)).unwrap();
    let findings = || home.audit_check(&[]).unwrap().findings;
    assert!(findings().is_empty());
    for (change, back, said) in [
        ("programmes SET pilots = '[]'", "programmes SET pilots = '[\"acme\"]'", "programme: 1 not"),
        ("criteria SET text = 'a = 2'", "criteria SET text = 'a = 1'", "criteria: 1 not"),
        ("signatures SET person = 'eve'", "signatures SET person = 'ada'", "signature: 1 not"),
        ("signatures SET role = 'temp'", "signatures SET role = 'owner'", "signature: 1 not"),
        (
            "grants SET phase = 'autonomous' WHERE phase = 'assist'",
            "grants SET phase = 'assist' WHERE kind = 'grant'",
            "grant: 1 not",
        ),
        (
            r#"grants SET thresholds = '{"reply":0.5}' WHERE kind = 'grant'"#,
            r#"grants SET thresholds = '{"reply":0.875}' WHERE kind = 'grant'"#,
            "grant: 1 not",
        ),
        (
            "grants SET level = 'cleanup' WHERE kind = 'hold'",
            "grants SET level = 'pause' WHERE kind = 'hold'",
            "grant: 1 not",
        ),
        (
            "grants SET hold = 99 WHERE kind = 'release'",
            "grants SET hold = 2 WHERE kind = 'release'",
            "grant: 1 not",
        ),
    ] {
        home.meddle(&format!("UPDATE {change}"));
        let found = findings();
        assert!(found.len() == 1 && found[0].starts_with(said), "{change}: {found:?}");
        home.meddle(&format!("UPDATE {back}"));
        assert!(findings().is_empty(), "{back}");
    }
    home.meddle("DELETE FROM signatures; DELETE FROM grants WHERE kind = 'release'");
    let found = findings();
    assert!(found.contains(&"signature: 1 that the log tells of are not there".to_owned()), "{found:?}");
    assert!(found.contains(&"grant: 1 that the log tells of are not there".to_owned()), "{found:?}");
}

fn fires(home: &Home, level: Hold, key: &str, now: i64) -> firstline_fault::Result<crate::Held> {
    let hold = NewHold {
        level,
        scope: GrantScope::default(),
        by: author("firstline"),
        reason: "R70: 3 of 40 actions were errors".to_owned(),
        figures: Some(serde_json::json!({"found": 0.075})),
        trigger_key: Some(key.to_owned()),
    };
    home.hold(&hold, at(now))
}

fn a_trigger_fires_once_whatever_became_of_its_hold(home: &Home) {
    approved(home);
    automatic(home);
    let first = fires(home, Hold::Pause, "errors/9", 10).unwrap();
    assert_eq!((first.held, first.is_known), (4, false));
    let entries = audited(&**home).len();
    let again = fires(home, Hold::Stop, "errors/9", 11).unwrap();
    assert_eq!((again.id, again.held, again.is_known), (first.id, 0, true));
    let other = fires(home, Hold::BackOut, "errors/10", 12).unwrap();
    assert!(!other.is_known && other.id > first.id);
    assert!(home.release_hold(first.id, &author("kim"), "the cause is found", at(13)).unwrap());
    assert!(fires(home, Hold::Pause, "errors/9", 14).unwrap().is_known);
    let holds = home.holds(false).unwrap();
    let keys: Vec<Option<&str>> = holds.iter().map(|hold| hold.trigger_key.as_deref()).collect();
    assert_eq!(keys, [Some("errors/9"), Some("errors/10")]);
    assert_eq!(home.holds(true).unwrap().len(), 1);
    assert_eq!(audited(&**home).len(), entries + 2, "the second hold and the release");
}

fn a_trigger_that_fails_half_way_changes_nothing(home: &Home) {
    approved(home);
    automatic(home);
    // The actions are held back before the entry in the log is written: that is where the process ends, as it were.
    home.meddle("ALTER TABLE audit_log RENAME TO away");
    fires(home, Hold::BackOut, "errors/9", 10).unwrap_err();
    are(home, [Waiting; 4]);
    assert_eq!(home.holds(false).unwrap(), []);
    home.meddle("ALTER TABLE away RENAME TO audit_log");
    // What fires again does all of it.
    let held = fires(home, Hold::BackOut, "errors/9", 11).unwrap();
    assert_eq!((held.held, held.is_known), (4, false));
    are(home, [Held; 4]);
    assert_eq!(audited(&**home).iter().filter(|action| *action == "hold").count(), 1);
}

fn what_customers_could_see_is_told_action_by_action(home: &Home) {
    let all = approved(home);
    assert_eq!(home.seen_actions(at(0), at(99)).unwrap(), []);
    take(home, 11);
    for action in all.iter().filter(|action| action.idempotency_key.ends_with("reply")) {
        home.settle_action(action.id, &GLUE, &report(None), at(12)).unwrap();
    }
    let seen = home.seen_actions(at(12), at(13)).unwrap();
    let found: Vec<(&str, &str, bool)> =
        seen.iter().map(|one| (one.decision.as_str(), one.customer.as_str(), one.alone)).collect();
    assert_eq!(found, [("d0", "acme", false), ("d1", "bolt", false)]);
    assert_eq!((home.seen_actions(at(0), at(12)).unwrap().len(), seen[0].at), (0, at(12)));
    let tickets = home.acted_tickets(at(12)).unwrap();
    assert_eq!(tickets.len(), 2);
    assert!(tickets.iter().all(|ticket| ticket.actions.len() == 1 && ticket.reopened.is_none()));
    assert_eq!(home.acted_tickets(at(13)).unwrap(), []);
    assert_eq!(home.acted_ticket("d0").unwrap().unwrap().actions, seen[..1]);
    assert_eq!(home.acted_ticket("none").unwrap(), None);
}

fn a_lane_has_one_owner_until_its_time_is_over(home: &Home) {
    let take = |owner: &str, now: i64| {
        home.take_lane("rollout", owner, at(now), jiff::SignedDuration::from_secs(15)).unwrap()
    };
    assert_eq!([take("a", 100), take("b", 101), take("a", 110), take("b", 124)], [true, false, true, false]);
    // a was killed.
    assert_eq!([take("b", 125), take("a", 126)], [true, false]);
    home.leave_lane("rollout", "a").unwrap();
    assert!(!take("a", 127));
    home.leave_lane("rollout", "b").unwrap();
    assert!(take("a", 127));
    // Clocks that differ by less than a minute keep the owner; one that was set back by more is not waited for.
    assert_eq!([take("b", 100), take("b", 40)], [false, true]);
}

fn who_acts_gets_nothing_past_a_trigger(home: &Home) {
    let all = approved(home);
    // A lease that will be stale, of one that waits for its moment.
    assert_eq!(take(home, 10).len(), 2);
    fires(home, Hold::BackOut, "errors/9", 12).unwrap();
    let claim = |owner: &'static str, now: i64, until: i64| {
        let holder = Holder { owner, ..GLUE };
        let claim = ActionClaim {
            holder,
            limit: 99,
            most: 99,
            now: at(now),
            until: at(until),
            alone: Some("bundle-1"),
        };
        home.claim_actions(&claim).unwrap().len()
    };
    // The same claim again, by the same owner and by others, later, and with a clock that is set back before the trigger.
    for (owner, now, until) in
        [("a", 13, 23), ("b", 13, 9_999), ("a", 1, 11), ("b", -500, 9_999), ("a", 30, 40)]
    {
        assert_eq!(claim(owner, now, until), 0, "{owner} at {now}");
    }
    // The leases have ended meanwhile: what was claimed is held back as well, and nobody settles it.
    for action in &all {
        for owner in ["a", "b"] {
            let holder = Holder { owner, ..GLUE };
            let settled = home.settle_action(action.id, &holder, &report(None), at(31)).unwrap();
            assert_eq!(settled, Settlement::NotHeld, "{}", action.idempotency_key);
        }
        assert!(!home.retry_action(action.id, &CustomerSet::All, "glue", at(32)).unwrap());
    }
    are(home, [Held; 4]);
}
