//! Jobs, their items and drafts to be written: nothing lost, nothing done twice.

use std::collections::BTreeSet;

use firstline_fault::Code;

use super::*;
use crate::{DraftState, JobFault, JobState, Joined};

on_both!(
    a_job_goes_from_given_to_done,
    items_recorded_together_are_each_done_once,
    a_job_given_twice_is_one,
    a_job_called_off_does_no_more,
    what_a_living_process_holds_on_to_is_nobody_elses,
    what_a_killed_process_held_is_taken_over,
    one_keys_jobs_have_a_bound,
    what_was_given_back_or_lapsed_is_claimed_again,
    work_that_kills_is_given_up,
    drafts_that_can_t_be_are_no_drafts,
    no_work_is_claimed_twice,
    work_is_claimed_from_all_actors_alike,
    writers_of_all_kinds_leave_the_log_whole,
);

fn fault(message: &str) -> JobFault {
    JobFault { code: "E_INPUT".to_owned(), message: message.to_owned() }
}

fn a_job_goes_from_given_to_done(home: &Home) {
    let mut new = job("j1", ["t0", "t1", "t2"].map(ticket));
    new.items.insert(1, Err(crate::RefusedItem { customer: None, fault: fault("no text") }));
    new.drafts = true;
    assert_eq!(home.add_job(&new, at(0)).unwrap(), "j1");
    let found = home.job("j1").unwrap().unwrap();
    assert_eq!((found.state, found.total, found.done, found.failed), (JobState::Running, 4, 0, 1));
    assert_eq!((found.actor.as_str(), found.created_at), ("key-1", at(0)));
    assert!(home.job("j2").unwrap().is_none());
    let work = claim(&**home, WorkKind::Triage, "w", 9);
    let ids: Vec<_> = work.iter().map(|w| w.ticket.id.as_str()).collect();
    assert_eq!(ids, ["t0", "t1", "t2"]);
    assert_eq!((work[0].job.as_deref(), work[0].drafts, work[0].attempts), (Some("j1"), true, 1));
    assert_eq!((&work[0].ticket, work[0].received_at, &work[0].decision), (&ticket("t0"), at(0), &None));
    assert!(claim(&**home, WorkKind::Triage, "other", 9).is_empty());
    let mut first = decided("d0", "t0", 0);
    first.work = Some((work[0].id, "other".to_owned()));
    assert_eq!(home.record(std::slice::from_ref(&first), at(2)).unwrap(), [Recorded::Lost]);
    first.work = Some((work[0].id, "w".to_owned()));
    assert_eq!(home.record(std::slice::from_ref(&first), at(2)).unwrap(), [Recorded::Stored]);
    // Done is done.
    first.id = "d9".to_owned();
    assert_eq!(home.record(&[first], at(2)).unwrap(), [Recorded::Lost]);
    assert!(!home.fail(work[1].id, "other", &fault("odd"), at(3)).unwrap());
    assert!(home.fail(work[1].id, "w", &fault("odd"), at(3)).unwrap());
    assert_eq!(home.job("j1").unwrap().unwrap().state, JobState::Running);
    let mut last = decided("d2", "t2", 0);
    last.work = Some((work[2].id, "w".to_owned()));
    assert_eq!(home.record(&[last], at(4)).unwrap(), [Recorded::Stored]);
    let found = home.job("j1").unwrap().unwrap();
    assert_eq!((found.state, found.done, found.failed, found.updated_at), (JobState::Done, 2, 2, at(4)));
    let items = home.job_items("j1", 1, 9).unwrap();
    assert_eq!(items.iter().map(|i| i.place).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(items[0].fault, Some(fault("no text")));
    assert_eq!((&items[1].fault, &items[1].decision), (&Some(fault("odd")), &None));
    assert_eq!(items[2].decision.as_ref().unwrap().id, "d2");
    assert_eq!(home.job_items("j1", 0, 2).unwrap().len(), 2);
    let nothing = job("j3", []);
    home.add_job(&nothing, at(5)).unwrap();
    assert_eq!(home.job("j3").unwrap().unwrap().state, JobState::Done);
}

fn items_recorded_together_are_each_done_once(home: &Home) {
    home.add_job(&job("j1", ["t0", "t1", "t2"].map(ticket)), at(0)).unwrap();
    home.add_job(&job("j2", ["t3"].map(ticket)), at(0)).unwrap();
    let work = claim(&**home, WorkKind::Triage, "w", 9);
    let one = |id: &str, n: usize, owner: &str| {
        let mut one = decided(id, &format!("t{n}"), 0);
        one.work = Some((work[n].id, owner.to_owned()));
        one
    };
    // The second's is another's, the fourth's is done, the last comes of no job.
    let mut again = one("d3", 0, "w");
    again.ticket.id = "t9".to_owned();
    let all = [
        one("d0", 0, "w"),
        one("d1", 1, "x"),
        one("d2", 2, "w"),
        again,
        one("d4", 3, "w"),
        decided("d5", "t5", 0),
    ];
    let (stored, lost) = (Recorded::Stored, Recorded::Lost);
    assert_eq!(home.record(&all, at(7)).unwrap(), [stored, lost, stored, lost, stored, stored]);
    let found = |id: &str| home.job(id).unwrap().unwrap();
    assert_eq!((found("j1").state, found("j1").done, found("j1").updated_at), (JobState::Running, 2, at(7)));
    assert_eq!((found("j2").state, found("j2").done), (JobState::Done, 1));
    let items = home.job_items("j1", 0, 9).unwrap();
    let ids: Vec<_> = items.iter().map(|i| i.decision.as_ref().map(|d| d.id.as_str())).collect();
    assert_eq!(ids, [Some("d0"), None, Some("d2")]);
    assert!(home.known(work[1].id, "w", "d0", at(8)).unwrap());
    assert!(!home.known(work[1].id, "w", "d0", at(8)).unwrap());
    assert_eq!((found("j1").state, found("j1").done), (JobState::Done, 3));
}

fn a_job_given_twice_is_one(home: &Home) {
    let mut new = job("j1", [ticket("t1")]);
    new.idempotency_key = Some("k".to_owned());
    assert_eq!(home.add_job(&new, at(0)).unwrap(), "j1");
    new.id = "j2".to_owned();
    assert_eq!(home.add_job(&new, at(1)).unwrap(), "j1");
    assert_eq!(home.counts().unwrap()["work"], 1);
    // Another's key is another's; no key is no key.
    (new.id, new.actor) = ("j3".to_owned(), "key-2".to_owned());
    assert_eq!(home.add_job(&new, at(2)).unwrap(), "j3");
    for id in ["j4", "j5"] {
        (new.id, new.idempotency_key) = (id.to_owned(), None);
        assert_eq!(home.add_job(&new, at(3)).unwrap(), id);
    }
    assert_eq!(audited(&**home), ["job"; 4]);
}

fn one_keys_jobs_have_a_bound(home: &Home) {
    let mut first = job("j1", (0..20).map(|i| ticket(&format!("t{i}"))));
    (first.idempotency_key, first.most_waiting) = (Some("k".to_owned()), 9);
    assert_eq!(home.add_job(&first, at(0)).unwrap(), "j1");
    let mut more = job("j2", [ticket("t1")]);
    more.most_waiting = 9;
    assert_eq!(home.add_job(&more, at(1)).unwrap_err().code(), Some(Code::Overload));
    assert!(home.job("j2").unwrap().is_none());
    // What was taken in before is no more; another's are another's.
    first.id = "j3".to_owned();
    assert_eq!(home.add_job(&first, at(2)).unwrap(), "j1");
    more.actor = "key-2".to_owned();
    assert_eq!(home.add_job(&more, at(3)).unwrap(), "j2");
    home.cancel_job("j1", "kim", at(4)).unwrap();
    more = job("j4", [ticket("t1")]);
    assert_eq!(home.add_job(&more, at(5)).unwrap(), "j4");
}

fn a_job_called_off_does_no_more(home: &Home) {
    home.add_job(&job("j1", ["t0", "t1", "t2"].map(ticket)), at(0)).unwrap();
    let held = claim(&**home, WorkKind::Triage, "w", 2);
    assert!(home.cancel_job("j9", "kim", at(2)).unwrap().is_none());
    assert_eq!(home.cancel_job("j1", "kim", at(2)).unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(home.cancel_job("j1", "kim", at(3)).unwrap().unwrap().updated_at, at(2));
    // What is being done may be finished; what comes back is not done again.
    let mut one = decided("d0", "t0", 0);
    (one.work, one.draft) = (Some((held[0].id, "w".to_owned())), false);
    assert_eq!(home.record(&[one], at(3)).unwrap(), [Recorded::Stored]);
    assert_eq!(home.release("w").unwrap(), 1);
    assert!(claim(&**home, WorkKind::Triage, "w", 9).is_empty());
    let found = home.job("j1").unwrap().unwrap();
    assert_eq!((found.state, found.done, found.failed), (JobState::Cancelled, 1, 0));
    assert_eq!(home.backlog().unwrap().triage, 0);
    assert_eq!(audited(&**home), ["job", "job_cancel", "decide"]);
}

fn what_a_living_process_holds_on_to_is_nobody_elses(home: &Home) {
    home.add_job(&job("j1", ["t0", "t1"].map(ticket)), at(0)).unwrap();
    let held = home.claim(WorkKind::Triage, "a", 1, at(0), at(10)).unwrap()[0].id;
    let renew = |work, owner, until| home.renew(&[work], owner, at(until)).unwrap();
    assert_eq!((renew(held, "a", 30), renew(held, "b", 99), renew(held + 1, "a", 99)), (1, 0, 0));
    let all = [held, held + 1, held + 2];
    assert_eq!((home.renew(&all, "a", at(30)).unwrap(), home.renew(&[], "a", at(30)).unwrap()), (1, 0));
    let theirs = home.claim(WorkKind::Triage, "b", 9, at(20), at(40)).unwrap();
    assert_eq!(theirs.iter().map(|work| work.ticket.id.as_str()).collect::<Vec<_>>(), ["t1"]);
    assert_eq!(home.claim(WorkKind::Triage, "b", 9, at(31), at(40)).unwrap().len(), 1);
}

fn what_a_killed_process_held_is_taken_over(home: &Home) {
    home.add_job(&job("j1", ["t0", "t1"].map(ticket)), at(0)).unwrap();
    let held = claim(&**home, WorkKind::Triage, "killed", 2);
    assert!(claim(&**home, WorkKind::Triage, "w", 2).is_empty());
    assert_eq!(home.take_over().unwrap(), 2);
    let again = claim(&**home, WorkKind::Triage, "w", 2);
    let ids = |work: &[Work]| work.iter().map(|work| work.id).collect::<Vec<_>>();
    assert_eq!((ids(&again), again[0].attempts), (ids(&held), 2));
}

fn what_was_given_back_or_lapsed_is_claimed_again(home: &Home) {
    home.add_job(&job("j1", ["t0", "t1"].map(ticket)), at(0)).unwrap();
    let first = home.claim(WorkKind::Triage, "a", 1, at(0), at(10)).unwrap();
    assert_eq!(first[0].ticket.id, "t0");
    assert!(home.claim(WorkKind::Triage, "b", 9, at(9), at(20)).unwrap().iter().all(|w| w.ticket.id == "t1"));
    let again = home.claim(WorkKind::Triage, "c", 9, at(10), at(30)).unwrap();
    assert_eq!((again[0].id, again[0].attempts), (first[0].id, 2));
    let mut late = decided("d0", "t0", 0);
    late.work = Some((first[0].id, "a".to_owned()));
    assert_eq!(home.record(&[late], at(11)).unwrap(), [Recorded::Lost]);
    assert!(standing(&**home, "t0").is_none());
    assert_eq!(
        (home.release("a").unwrap(), home.release("b").unwrap(), home.release("c").unwrap()),
        (0, 1, 1)
    );
    // Given back in good order is no failed attempt.
    let back = home.claim(WorkKind::Triage, "d", 9, at(12), at(40)).unwrap();
    assert_eq!(back.iter().map(|w| w.attempts).collect::<Vec<_>>(), [2, 1]);
}

fn work_that_kills_is_given_up(home: &Home) {
    home.add_job(&job("j1", ["bad"].map(ticket)), at(0)).unwrap();
    record(&**home, decided("d1", "t1", 0));
    for n in 1..=20 {
        for kind in [WorkKind::Triage, WorkKind::Draft] {
            let work = home.claim(kind, "w", 9, at(n * 10), at(n * 10 + 10)).unwrap();
            assert_eq!((work.len(), work[0].attempts), (1, n));
        }
    }
    for kind in [WorkKind::Triage, WorkKind::Draft] {
        assert!(home.claim(kind, "w", 9, at(209), at(220)).unwrap().is_empty());
        assert!(home.claim(kind, "w", 9, at(210), at(220)).unwrap().is_empty());
    }
    let found = home.job("j1").unwrap().unwrap();
    assert_eq!((found.state, found.failed), (JobState::Done, 1));
    let fault = home.job_items("j1", 0, 1).unwrap().remove(0).fault.unwrap();
    assert_eq!((fault.code.as_str(), fault.message.as_str()), ("E_INTERNAL", "given up after 20 attempts"));
    let decision = home.decision("d1").unwrap().unwrap();
    assert_eq!((decision.draft_state, decision.version), (DraftState::None, 2));
    assert_eq!(home.backlog().unwrap(), crate::Backlog::default());
}

fn drafts_that_can_t_be_are_no_drafts(home: &Home) {
    for id in ["1", "2", "3"] {
        record(&**home, decided(&format!("d{id}"), &format!("t{id}"), 0));
    }
    let work = claim(&**home, WorkKind::Draft, "w", 9);
    let of = |n: usize| work[n].decision.clone().unwrap();
    assert_eq!((of(0).0.as_str(), of(0).1), ("d1", decided("d1", "t1", 0).decision));
    assert_eq!((&work[2].ticket, work[2].received_at), (&ticket("t3"), at(0)));
    assert!(!home.drafted(&result(work[0].id, "other", None), at(2)).unwrap());
    assert!(home.drafted(&result(work[0].id, "w", None), at(2)).unwrap());
    assert!(!home.drafted(&result(work[0].id, "w", None), at(2)).unwrap());
    assert!(home.fail(work[1].id, "w", &fault("odd"), at(2)).unwrap());
    assert!(home.drafted(&result(work[2].id, "w", Some(&draft("Yes."))), at(2)).unwrap());
    for (id, state) in [("d1", DraftState::None), ("d2", DraftState::None), ("d3", DraftState::Pending)] {
        let found = home.decision(id).unwrap().unwrap();
        assert_eq!((found.draft_state, found.version), (state, 2));
    }
    let found = home.decision("d3").unwrap().unwrap();
    assert_eq!((found.draft, found.drafted_at), (Some(draft("Yes.")), Some(at(2))));
    let entries = home.audit_entries(0, 99).unwrap();
    assert!(entries.iter().all(|entry| !entry.detail.contains("Yes.")));
    assert_eq!(entries.last().unwrap().subject, "d3");
}

fn no_work_is_claimed_twice(home: &Home) {
    let tickets = (0..500).map(|n| ticket(&format!("t{n}")));
    home.add_job(&job("j1", tickets), at(0)).unwrap();
    let other = home.again();
    let claimed: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let store: &dyn Store = if n % 2 == 0 { &**home } else { &*other };
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    // Work that another is just claiming is passed by, so that none found is not yet the end.
                    while store.backlog().unwrap().triage > 0 {
                        let work = claim(store, WorkKind::Triage, &format!("w{n}"), 7);
                        for one in &work {
                            assert!(store.fail(one.id, &format!("w{n}"), &fault("x"), at(2)).unwrap());
                        }
                        mine.extend(work.into_iter().map(|w| w.id));
                    }
                    mine
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claimed.len(), 500);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 500);
    let found = home.job("j1").unwrap().unwrap();
    assert_eq!((found.state, found.failed), (JobState::Done, 500));
}

fn writers_of_all_kinds_leave_the_log_whole(home: &Home) {
    let other = home.again();
    let four = ["t0", "t1", "t2", "t3"].map(|number| crate::TicketRef { number, customer: "acme" });
    std::thread::scope(|scope| {
        for n in 0..4 {
            let store: &dyn Store = if n % 2 == 0 { &**home } else { &*other };
            scope.spawn(move || {
                for round in 0..12_i64 {
                    // All write about the same tickets, in different orders.
                    let order = |k: i64| if n < 2 { k } else { 3 - k };
                    let versions = store.standing(&four).unwrap();
                    let all: Vec<_> = (0..4)
                        .map(|k| {
                            let of = format!("t{}", order(k));
                            let known = versions[order(k) as usize].as_ref().map_or(0, |s| s.version);
                            decided(&format!("d{n}-{round}-{k}"), &of, known)
                        })
                        .collect();
                    store.record(&all, at(round)).unwrap();
                    for work in claim(store, WorkKind::Draft, &format!("w{n}"), 2) {
                        store
                            .drafted(&result(work.id, &format!("w{n}"), Some(&draft("Hi"))), at(round))
                            .unwrap();
                    }
                    let news = crate::Feedback {
                        ticket_id: Some(format!("t{}", round % 4)),
                        outcome: firstline_ticket::Outcome {
                            labels: labels(&[(Field::Board, "Mail")]),
                            ..Default::default()
                        },
                        ..crate::Feedback::default()
                    };
                    let joined = store.feedback(&[news], &crate::CustomerSet::All, at(round)).unwrap();
                    assert!(matches!(joined[0], Joined::To(_)));
                }
            });
        }
    });
    let actions = audited(&**home);
    let count = |action: &str| actions.iter().filter(|a| *a == action).count() as u64;
    assert_eq!(count("decide"), home.counts().unwrap()["decisions"]);
    assert_eq!(count("feedback"), 48);
    // Each decision and each label moved its ticket on by one, none unseen.
    let moved: i64 = home.standing(&four).unwrap().into_iter().flatten().map(|s| s.version).sum();
    assert_eq!(moved as u64, count("decide") + 48);
}

fn work_is_claimed_from_all_actors_alike(home: &Home) {
    let of = |id: &str, actor: &str, n: usize| {
        let items = (0..n).map(|i| ticket(&format!("{id}-{i}"))).collect::<Vec<_>>();
        let mut new = job(id, items);
        new.actor = actor.to_owned();
        home.add_job(&new, at(0)).unwrap();
    };
    of("n1", "noisy", 300);
    of("q1", "quiet", 5);
    of("n2", "noisy", 300);
    of("o1", "other", 40);
    of("q2", "quiet", 3);
    let taken = |work: &[Work], actor: &str| work.iter().filter(|work| work.actor == actor).count();
    let claim = |kind, limit, n| home.claim(kind, "w", limit, at(n), at(600)).unwrap();
    let work = claim(WorkKind::Triage, 24, 1);
    assert_eq!(
        ["noisy", "other", "quiet"].map(|actor| taken(&work, actor)),
        [8, 8, 8],
        "both of quiet's jobs"
    );
    let first = work.iter().find(|work| work.actor == "noisy").unwrap();
    assert_eq!(first.ticket.id, "n1-0", "each actor's oldest first");
    // What quiet does not use is the others'.
    let work = claim(WorkKind::Triage, 60, 2);
    assert_eq!(
        (taken(&work, "quiet"), taken(&work, "other") >= 20, taken(&work, "noisy") >= 20),
        (0, true, true)
    );
    // Drafts: a few at a time, of more actors than that.
    let mut wanted = Vec::new();
    for (actor, n) in [("a", 200), ("b", 30), ("c", 30), ("d", 30), ("e", 30)] {
        for i in 0..n {
            let mut one = decided(&format!("d-{actor}-{i}"), &format!("{actor}-{i}"), 0);
            (one.draft, one.actor) = (true, actor.to_owned());
            wanted.push(one);
        }
    }
    wanted.chunks(100).for_each(|some| drop(home.record(some, at(3)).unwrap()));
    let mut all = Vec::new();
    for n in 0..50 {
        // A claim each millisecond.
        let now = Timestamp::from_millisecond(1_700_000_010_000 + n).unwrap();
        let work = home.claim(WorkKind::Draft, "w", 2, now, at(600)).unwrap();
        assert_eq!(work.len(), 2);
        assert!(work[0].actor != work[1].actor);
        all.extend(work);
    }
    assert_eq!(["a", "b", "c", "d", "e"].map(|actor| taken(&all, actor)), [20; 5]);
}
