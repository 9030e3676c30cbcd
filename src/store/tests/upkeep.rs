//! Deletion, the audit log and what is counted.

use super::*;
use crate::{ActionClaim, Backlog, CustomerSet, DraftState, Feedback, Forgotten, JobState, Purged};
use firstline_fault::Code;

on_both!(
    an_audit_log_that_was_changed_is_found_out,
    a_forgotten_customer_leaves_no_words,
    old_words_go_and_figures_stay,
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
                let text = format!("{customer}-edit-words");
                home.review(&review(&id, Review::Edited(text), &id), at(3)).unwrap();
                let mut news = Feedback { ticket_id: Some(of), ..Feedback::default() };
                news.outcome.reply = Some(format!("{customer}-reply-words"));
                news.outcome.labels = labels(&[(Field::Board, "Mail")]);
                home.feedback(&[news], &CustomerSet::All, at(4)).unwrap();
            }
        }
        let mut item = ticket(&format!("item{n}"));
        item.customer = Some(format!(" {}  ", customer.to_uppercase()));
        item.body = Some(format!("{customer}-item-words"));
        home.add_job(&job(&format!("j{n}"), [item]), at(5)).unwrap();
    }
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
    let forgotten = home.forget("acme", "cli", at(9)).unwrap();
    assert_eq!(forgotten, Forgotten { tickets: 3, decisions: 3, work: 3 });
    // Not even its name.
    assert_eq!(words_left(home, "acme"), 0);
    assert!(words_left(home, "bolt-") > 0);
    let mut late = decided("d99", "item0", 0);
    late.work = Some((held.id, "w".to_owned()));
    assert_eq!(home.record(&[late], at(10)).unwrap(), [Recorded::Lost]);
    let found = home.job("j0").unwrap().unwrap();
    assert_eq!((found.state, found.failed), (JobState::Done, 1));
    assert!(home.decision("d00").unwrap().is_none() && home.standing(&["t00"]).unwrap().is_empty());
    assert_eq!(
        (home.decision("d10").unwrap(), home.job("j1").unwrap().unwrap().state),
        (other, JobState::Running)
    );
    let due = Backlog { triage: 1, drafts: 1, reviews: 1, actions: 2, failed_actions: 0 };
    assert_eq!(home.backlog().unwrap(), due);
    audited(&**home);
    let last = home.audit_entries(0, 99).unwrap().pop().unwrap();
    assert_eq!((last.action.as_str(), last.subject.len()), ("forget", 64));
    assert!(!format!("{last:?}").contains("acme"));
    assert_eq!(home.forget("acme", "cli", at(9)).unwrap(), Forgotten::default());
}

fn old_words_go_and_figures_stay(home: &Home) {
    busy(home);
    assert_eq!(home.purge(at(0), at(50)).unwrap(), Purged::default());
    // The actions of what is done wait: so do their words.
    assert_eq!(home.purge(at(1), at(50)).unwrap(), Purged { tickets: 0, texts: 2 });
    assert_eq!(words_left(home, "acme-reply-words"), 0);
    for now in [60, 61] {
        let customers = &CustomerSet::All;
        let claim = ActionClaim { owner: "a", customers, limit: 9, most: 3, now: at(now), until: at(99) };
        for action in home.claim_actions(&claim).unwrap() {
            assert!(home.settle_action(action.id, "a", &CustomerSet::All, None, at(now)).unwrap());
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
        (Some(0.5), 1, DraftState::Edited)
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
