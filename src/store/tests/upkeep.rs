//! Deletion, the audit log and what is counted.

use super::*;
use crate::{
    ActionClaim, Backlog, DraftState, EventResult, Feedback, Forgotten, GrantScope, Hold, IncidentState,
    JobFault, JobState, NewEvent, NewGrant, NewHold, NewIncident, NewWeek, Purged, WeekState,
};
use firstline_fault::Code;
use firstline_ticket::{ActorKind, Event, Happening};
use std::collections::BTreeMap;

on_both!(
    an_audit_log_that_was_changed_is_found_out,
    a_forgotten_customer_leaves_no_words,
    old_words_go_and_figures_stay,
    only_a_part_is_deleted_at_once,
    a_clock_that_jumps_does_not_make_everything_old,
    a_store_opened_again_has_what_it_had,
    a_newer_store_is_left_alone,
);

fn an_audit_log_that_was_changed_is_found_out(home: &Home) {
    for n in 0..5 {
        let detail = serde_json::json!({"n": n, "z": 1, "a": [null, "\u{1F9E8}\0"]});
        home.audit("kim", "test", &format!("s{n}"), &detail, at(n)).unwrap();
    }
    audited(&**home);
    // In parts, as a long log is read.
    let parts = [home.audit_entries(0, 2).unwrap(), home.audit_entries(2, 99).unwrap()];
    let end = parts.iter().try_fold(None, |after, part| crate::verify(part, after)).unwrap();
    assert_eq!(end.unwrap().0, 5);
    let broken = |sql: &str, at_entry: &str| {
        home.meddle(sql);
        let fault = crate::verify(&home.audit_entries(0, 99).unwrap(), None).unwrap_err();
        assert_eq!(fault.code(), Some(Code::Audit));
        assert!(fault.to_string().contains(at_entry), "{fault}");
    };
    broken("UPDATE audit_log SET actor = 'tim' WHERE seq = 3", "entry 3");
    home.meddle("UPDATE audit_log SET actor = 'kim' WHERE seq = 3");
    audited(&**home);
    broken("UPDATE audit_log SET actor = 'kimt', action = 'est' WHERE seq = 2", "entry 2");
    home.meddle("UPDATE audit_log SET actor = 'kim', action = 'test' WHERE seq = 2");
    broken("DELETE FROM audit_log WHERE seq = 4", "entry 5");
    broken("UPDATE audit_log SET seq = 4 WHERE seq = 5", "entry 4");
    // What was cut off at the end is found by whoever kept the head.
    let kept = crate::verify(&parts[1], crate::verify(&parts[0], None).unwrap()).unwrap();
    home.meddle("DELETE FROM audit_log WHERE seq > 3");
    assert_ne!(crate::verify(&home.audit_entries(0, 99).unwrap(), None).unwrap(), kept);
}

/// Two customers, each with a ticket at every stage.
fn busy(home: &Home) {
    for (n, customer) in ["acme", "bolt"].into_iter().enumerate() {
        for (k, stage) in ["done", "pending", "writing"].into_iter().enumerate() {
            let (id, of) = (format!("d{n}{k}"), format!("t{n}{k}"));
            let mut one = decided(&id, &of, 0);
            one.customer = customer.to_owned();
            one.ticket.body = Some(format!("{customer}-ticket-words"));
            record(&**home, one);
            if stage == "writing" {
                continue;
            }
            let work = claim(&**home, WorkKind::Draft, "w", 9);
            let mine = work.iter().find(|w| w.ticket.id == of).unwrap();
            assert!(
                home.drafted(&result(mine.id, "w", Some(&draft(&format!("{customer}-draft-words")))), at(2))
                    .unwrap()
            );
            home.release("w").unwrap();
            if stage == "done" {
                let mut said = review(&id, Review::Edited(format!("{customer}-edit-words")), &id);
                said.claimed = Some(format!("{customer}-reviewer-words"));
                let found = format!("{customer}-finding-words");
                said.findings = vec![CheckResult { check: "names".to_owned(), passed: false, found }];
                said.fields = labels(&[(Field::Type, &format!("{customer}-label-words"))]);
                home.review(&said, at(3)).unwrap();
                let mut news = Feedback { ticket_id: Some(of), ..Feedback::default() };
                news.outcome.reply = Some(format!("{customer}-reply-words"));
                news.outcome.labels = labels(&[(Field::Board, "Mail")]);
                home.feedback(&[news], &CustomerSet::All, at(4)).unwrap();
            }
        }
        let mut item = ticket(&format!("item{n}"));
        item.customer = Some(format!(" {}  ", customer.to_uppercase()));
        item.body = Some(format!("{customer}-item-words"));
        let mut all = job(&format!("j{n}"), [item]);
        all.idempotency_key = Some(format!("{customer}-key-words"));
        // One that could not be read, and says so in the words that were sent.
        for whose in [customer, customer] {
            let fault = JobFault {
                code: "E_TICKET_JSON".to_owned(),
                message: format!("{customer}-fault-words is no time"),
            };
            all.items.push(Err(crate::RefusedItem { customer: Some(whose.to_owned()), fault }));
        }
        home.add_job(&all, at(5)).unwrap();
    }
    for (n, customer) in ["acme", "bolt"].into_iter().enumerate() {
        programme_of(home, n, customer);
    }
    home.start_programme(
        &crate::NewProgramme {
            started_on: "2026-11-02".parse().unwrap(),
            pilots: vec!["acme".to_owned(), "bolt".to_owned()],
            by: author("kim"),
        },
        at(5),
    )
    .unwrap();
    for (id, names) in [("k1", &["acme"][..]), ("k2", &["acme", "bolt"])] {
        let key = crate::KeyRecord {
            id: id.to_owned(),
            name: if names.len() == 1 { "acme-key-words" } else { "two" }.to_owned(),
            hash: "sha256:00".to_owned(),
            scopes: vec!["triage".to_owned()],
            customers: only(names),
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
            person: None,
            altered: false,
        };
        home.add_key(&key, "cli", at(0)).unwrap();
    }
}

/// What a programme has of a customer: events, an incident, a week, a grant and a hold.
fn programme_of(home: &Home, n: usize, customer: &str) {
    let what = Happening::TimeEntry { seconds: 60.0, visible: false };
    let event = Event {
        psa_key: "e1".to_owned(),
        at: at(4),
        actor: Some(format!("{customer}-actor-words")),
        actor_kind: ActorKind::Technician,
        what,
    };
    let told = NewEvent { ticket_id: format!("t{n}0"), customer: Some(customer.to_owned()), event };
    assert_eq!(home.record_events(&[told], &CustomerSet::All, "k", at(5)).unwrap(), [EventResult::Stored]);
    let incident = NewIncident {
        key: format!("i{n}"),
        ticket_id: Some(format!("t{n}0")),
        customer: None,
        decision: None,
        action: None,
        at: at(4),
        kind: "correction".to_owned(),
        severity: "low".to_owned(),
        sla_credit: true,
        credit_amount: Some(120.5),
        state: IncidentState::Confirmed,
        by: author("kim"),
        reason: Some(format!("{customer}-reason-words")),
    };
    home.add_incidents(&[incident], &CustomerSet::All, at(0)).unwrap();
    let week = NewWeek {
        scope: "customer".to_owned(),
        customer: Some(customer.to_owned()),
        week: "2026-11-02".parse().unwrap(),
        state: WeekState::Closed,
        figures: serde_json::json!({"name": format!("{customer}-week-words")}),
        by: author("kim"),
    };
    home.add_week(&week, at(5)).unwrap();
    let scope = GrantScope { customer: Some(customer.to_owned()), ..GrantScope::default() };
    let reason = format!("{customer}-grant-words");
    let grant = NewGrant {
        scope: scope.clone(),
        phase: Phase::Assist,
        thresholds: BTreeMap::new(),
        bundle: None,
        evidence_sha: None,
        by: author("kim"),
        reason: reason.clone(),
    };
    home.grant(&grant, at(5)).unwrap();
    let hold = NewHold {
        level: Hold::PauseExpansion,
        scope,
        by: author("kim"),
        reason,
        figures: None,
        trigger_key: None,
    };
    home.hold(&hold, at(5)).unwrap();
}

/// How often the words stand in the files, or in a dump of all tables.
fn words_left(home: &Home, words: &str) -> usize {
    match &home.location {
        crate::Location::Sqlite(path) => {
            let wal = path.with_extension("db-wal");
            let all =
                [path.clone(), wal].iter().map(|p| std::fs::read(p).unwrap_or_default()).collect::<Vec<_>>();
            let text = String::from_utf8_lossy(&all.concat()).into_owned();
            text.matches(words).count()
        }
        crate::Location::Postgres(url) => {
            let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            let mut count = 0;
            for table in home.counts().unwrap().keys() {
                let sql = format!("SELECT row_to_json(t)::text FROM {table} t");
                let rows = client.query(&sql, &[]).unwrap();
                count += rows.iter().filter(|row| row.get::<_, String>(0).contains(words)).count();
            }
            count
        }
    }
}

fn a_forgotten_customer_leaves_no_words(home: &Home) {
    busy(home);
    assert!(words_left(home, "acme-") > 0);
    let other = home.decision("d10").unwrap();
    // An item that is being decided just now.
    let held = claim(&**home, WorkKind::Triage, "w", 1).remove(0);
    let forgotten = home.forget(&["acme".to_owned()], "cli", at(9)).unwrap();
    let due = Forgotten {
        tickets: 3,
        decisions: 3,
        reviews: 1,
        outcomes: 1,
        actions: 2,
        events: 1,
        incidents: 1,
        weeks: 1,
        // One grant, one hold, one programme.
        grants: 3,
        drafts: 1,
        job_items: 3,
        jobs: 1,
        keys: 2,
        readable_audit_entries: 0,
        wiped: matches!(home.location, crate::Location::Sqlite(_)),
    };
    assert_eq!(forgotten, due);
    // Not even its name.
    assert_eq!(words_left(home, "acme"), 0);
    assert!(words_left(home, "bolt-") > 0);
    let mut late = decided("d99", "item0", 0);
    late.work = Some((held.id, "w".to_owned()));
    assert_eq!(home.record(&[late], at(10)).unwrap(), [Recorded::Lost]);
    let found = home.job("j0").unwrap().unwrap();
    assert_eq!((found.state, found.failed), (JobState::Done, 3));
    assert!(home.decision("d00").unwrap().is_none() && standing(&**home, "t00").is_none());
    assert_eq!(
        (home.decision("d10").unwrap(), home.job("j1").unwrap().unwrap().state),
        (other, JobState::Running)
    );
    let due = Backlog { triage: 1, drafts: 1, reviews: 1, actions: 2, failed_actions: 0, held_actions: 0 };
    assert_eq!(home.backlog().unwrap(), due);
    audited(&**home);
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
    assert_eq!(home.programme().unwrap().unwrap().pilots, ["bolt"]);
    assert_eq!((home.grants(false).unwrap().len(), home.holds(false).unwrap().len()), (1, 1));
    let last = home.audit_entries(0, 99).unwrap().pop().unwrap();
    assert_eq!((last.action.as_str(), last.subject.len()), ("forget", 64));
    assert!(!format!("{last:?}").contains("acme"));
    let again = home.forget(&["acme".to_owned()], "cli", at(9)).unwrap();
    assert_eq!(again, Forgotten { wiped: again.wiped, ..Forgotten::default() });
    // Who was held to it alone may do nothing any more; the others keep what is theirs.
    let keys = home.keys().unwrap();
    assert_eq!((keys[0].revoked_at, &keys[0].customers), (Some(at(9)), &only(&[])));
    assert_eq!((keys[1].revoked_at, &keys[1].customers), (None, &only(&["bolt"])));
    assert_eq!(home.customers().unwrap().into_iter().collect::<Vec<_>>(), [("bolt".to_owned(), 3)]);
}

fn old_words_go_and_figures_stay(home: &Home) {
    busy(home);
    assert_eq!(home.purge(at(0), at(50)).unwrap(), Purged::default());
    // The actions of what is done wait: so do their words.
    assert_eq!(home.purge(at(1), at(50)).unwrap(), Purged { tickets: 0, texts: 4 });
    assert_eq!(words_left(home, "acme-reason-words"), 0);
    assert_eq!(words_left(home, "acme-reply-words"), 0);
    let whole = NewGrant {
        scope: GrantScope::default(),
        phase: Phase::Assist,
        thresholds: BTreeMap::new(),
        bundle: None,
        evidence_sha: None,
        by: author("kim"),
        reason: "the gate has passed".to_owned(),
    };
    home.grant(&whole, at(55)).unwrap();
    for now in [60, 61] {
        let customers = &CustomerSet::All;
        let holder = crate::Holder { key: "k", owner: "a", customers };
        let claim =
            ActionClaim { holder, limit: 9, most: 3, now: at(now), until: at(99), alone: Some("bundle-1") };
        for action in home.claim_actions(&claim).unwrap() {
            home.settle_action(action.id, &holder, &report(None), at(now)).unwrap();
        }
    }
    assert_eq!(home.purge(at(1), at(70)).unwrap(), Purged { tickets: 2, texts: 2 });
    assert_eq!(words_left(home, "acme-edit-words"), 0);
    // What is to be drafted and reviewed has its words still; so has what is to be decided.
    assert!(words_left(home, "acme-ticket-words") > 0 && words_left(home, "acme-item-words") > 0);
    assert_eq!(home.reviews(DraftState::Pending, &CustomerSet::All, None, 9).unwrap().items.len(), 2);
    assert_eq!(claim(&**home, WorkKind::Draft, "w", 9)[0].ticket.body.as_deref(), Some("acme-ticket-words"));
    let judged = home.judged(at(0), at(1), &CustomerSet::All).unwrap();
    let done = judged.iter().find(|j| j.decision_id == "d00").unwrap();
    assert_eq!(
        (done.draft_confidence, done.outcome.labels.len(), done.draft_state),
        (Some(0.5), 2, DraftState::Edited)
    );
    let edited = home.reviews(DraftState::Edited, &CustomerSet::All, None, 9).unwrap().items;
    assert_eq!(
        (edited[0].ticket.id.as_str(), &edited[0].ticket.body, &edited[0].record.draft),
        ("t00", &None, &None)
    );
    assert!(home.reviewed().unwrap().is_empty());
    assert_eq!(home.purge(at(1), at(80)).unwrap(), Purged::default());
    audited(&**home);
}

fn a_store_opened_again_has_what_it_had(home: &Home) {
    busy(home);
    home.ping().unwrap();
    let again = home.again();
    assert_eq!(again.counts().unwrap(), home.counts().unwrap());
    assert_eq!(again.decision("d00").unwrap(), home.decision("d00").unwrap());
    // Each sees what the other does, at once.
    record(&*again, decided("new", "new", 0));
    assert!(home.decision("new").unwrap().is_some());
    audited(&*again);
}

fn a_newer_store_is_left_alone(home: &Home) {
    home.meddle("UPDATE meta SET setting = '99' WHERE name = 'version'");
    let fault = open(&home.location).unwrap_err();
    assert_eq!(fault.code(), Some(Code::Store));
    assert!(fault.to_string().contains("newer"), "{fault}");
}

fn only_a_part_is_deleted_at_once(home: &Home) {
    let all: Vec<_> = (0..1_500)
        .map(|n| {
            let mut one = decided(&format!("d{n}"), &format!("t{n}"), 0);
            (one.draft, one.received_at) = (false, at(n / 2));
            one
        })
        .collect();
    home.record(&all, at(800)).unwrap();
    // Of those that came in at the same time all or none.
    assert_eq!(home.purge(at(10_000), at(10_000)).unwrap().tickets, 1_002);
    assert_eq!(home.purge(at(10_000), at(10_001)).unwrap().tickets, 498);
    assert_eq!(home.purge(at(10_000), at(10_002)).unwrap(), Purged::default());
}

fn a_clock_that_jumps_does_not_make_everything_old(home: &Home) {
    const DAY: i64 = 86_400;
    let hour = std::time::Duration::from_secs(3_600);
    let none = std::time::Duration::ZERO;
    record(&**home, decided("d1", "t1", 0));
    let time = |store: &dyn Store, now: i64, ran| {
        let time = store.trusted_time(at(now), ran).unwrap();
        (time.at.duration_since(at(0)).as_secs(), time.held)
    };
    // The first start ever, with the clock ahead: what is on record knows better.
    assert_eq!(time(&**home, 400 * DAY, none), (0, true));
    // Right again.
    assert_eq!(time(&**home, 100, none), (100, false));
    assert_eq!(time(&**home, DAY, hour), (DAY, false));
    // A weekend off is no jump; a year is, and time goes on from the last that is believed.
    assert_eq!(time(&**home, 3 * DAY, none), (3 * DAY, false));
    assert_eq!(time(&**home, 403 * DAY, none), (3 * DAY, true));
    assert_eq!(time(&*home.again(), 403 * DAY, none), (3 * DAY, true));
    assert_eq!(time(&**home, 403 * DAY + 3_600, hour), (3 * DAY + 3_600, true));
    // What came in meanwhile proves nothing.
    let mut late = decided("d2", "t2", 0);
    late.received_at = at(403 * DAY);
    record(&**home, late);
    assert_eq!(time(&**home, 403 * DAY + 7_200, hour), (3 * DAY + 7_200, true));
    // A clock that jumps on starts over.
    assert_eq!(time(&**home, 800 * DAY, hour), (3 * DAY + 3 * 3_600, true));
    for n in 1..24 {
        assert_eq!(time(&**home, 800 * DAY + n * 3_600, hour), (3 * DAY + (3 + n) * 3_600, true));
    }
    // After a day of running with it, it is believed.
    assert_eq!(time(&**home, 801 * DAY, hour), (801 * DAY, false));
    // Set back, everything is younger.
    assert_eq!(time(&**home, DAY, hour), (DAY, false));
}
