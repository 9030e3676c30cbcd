//! The audit log against whoever writes to the database itself: whatever was changed, cut off, added or put back is found.

use super::*;
use crate::{
    ActionClaim, AnchorKey, CustomerSet, Feedback, Holder, KeyRecord, Settlement, Verified, anchor, anchors,
    public_keys,
};
use firstline_fault::Code;

on_both!(
    rows_are_compared_with_their_entries,
    whatever_is_changed_in_a_row_is_found,
    a_log_that_was_emptied_cut_or_rewritten_is_found,
    a_key_that_was_changed_is_not_accepted,
    forgetting_and_deletion_leave_a_log_that_fits,
    a_ticket_that_moved_stays_moved,
    rows_of_a_store_of_before_are_counted_and_its_keys_kept,
);

fn key(id: &str, scopes: &[&str]) -> KeyRecord {
    KeyRecord {
        id: id.to_owned(),
        name: "the PSA's".to_owned(),
        hash: format!("hash of {id}"),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        customers: CustomerSet::Only(["acme".to_owned()].into()),
        created_at: at(0),
        expires_at: Some(at(99)),
        revoked_at: None,
        person: None,
        altered: false,
    }
}

/// A store in which everything has happened once: decisions, a review with fields, an action done, an outcome, keys.
fn lived(home: &Home) {
    home.add_key(&key("k1", &["triage"]), "cli", at(0)).unwrap();
    home.add_key(&key("k2", &["review"]), "cli", at(0)).unwrap();
    home.revoke_key("k2", "cli", at(1)).unwrap();
    drafted(&**home, "d1", "t1", 0);
    let mut request = review("d1", Review::Edited("Hello".to_owned()), "r1");
    request.fields = labels(&[(Field::Board, "Mail")]);
    home.review(&request, at(3)).unwrap();
    drafted(&**home, "d2", "t2", 0);
    record(&**home, decided("d3", "t3", 0));
    record(&**home, decided("d4", "t3", 1));
    let mut news = Feedback { ticket_id: Some("t3".to_owned()), ..Feedback::default() };
    news.outcome.reply = Some("All is well again".to_owned());
    news.outcome.labels = labels(&[(Field::Priority, "P1")]);
    news.outcome.handle_seconds = Some(12.5);
    home.feedback(&[news], &CustomerSet::All, at(4)).unwrap();
    let holder = Holder { key: "glue", owner: "a", customers: &CustomerSet::All };
    let claim = ActionClaim { holder, limit: 1, most: 3, now: at(5), until: at(99), alone: Some("bundle-1") };
    let action = home.claim_actions(&claim).unwrap().remove(0);
    assert_eq!(home.settle_action(action.id, &holder, &report(None), at(6)).unwrap(), Settlement::Settled);
}

fn checked(home: &Home) -> Verified {
    home.audit_check(&[]).unwrap()
}

fn rows_are_compared_with_their_entries(home: &Home) {
    assert!(home.audit_check(&[]).unwrap_err().to_string().contains("empty"));
    lived(home);
    let found = checked(home);
    assert_eq!((found.findings.as_slice(), found.undigested), (&[][..], 0));
    // Two keys, four decisions, three tickets, two drafts, review, verdict, two outcomes, two actions, one of them done.
    assert_eq!(found.compared, 2 + 4 + 3 + 2 + 1 + 1 + 2 + 2 + 1);
    assert_eq!(home.audit_head().unwrap().unwrap(), (found.entries, found.hash.clone()));
    let head = (found.entries, found.hash);
    assert!(home.audit_check(std::slice::from_ref(&head)).unwrap().unmet.is_empty());
    let others = [(1, "ab".to_owned()), head.clone(), (head.0 + 1, head.1)];
    assert_eq!(home.audit_check(&others).unwrap().unmet, [1, others[2].0]);
}

fn whatever_is_changed_in_a_row_is_found(home: &Home) {
    lived(home);
    // Each is undone by the next statement: what, how, what is said of it.
    let changes = [
        ("UPDATE decisions SET route = 'auto' WHERE id = 'd3'", "decision: 1 not"),
        ("UPDATE decisions SET route = 'review' WHERE id = 'd3'", ""),
        ("UPDATE decisions SET bundle = 'other' WHERE id = 'd1'", "decision: 1 not"),
        ("UPDATE decisions SET bundle = 'bundle-1' WHERE id = 'd1'", ""),
        ("UPDATE tickets SET customer = 'bolt' WHERE number = 't1'", "ticket: 1 not"),
        ("UPDATE tickets SET customer = 'acme' WHERE number = 't1'", ""),
        ("UPDATE tickets SET number = 't7' WHERE number = 't1'", "ticket: 1 not"),
        ("UPDATE tickets SET number = 't1' WHERE number = 't7'", ""),
        ("UPDATE tickets SET moved_at = 9 WHERE number = 't1'", "moved: 1 that the log does not"),
        ("UPDATE tickets SET moved_at = NULL", ""),
        ("UPDATE decisions SET draft_state = 'approved' WHERE id = 'd2'", "verdict: 1 that the log does not"),
        ("UPDATE decisions SET draft_state = 'pending' WHERE id = 'd2'", ""),
        ("UPDATE decisions SET draft_state = 'rejected' WHERE id = 'd1'", "verdict: 1 not"),
        ("UPDATE decisions SET draft_state = 'edited' WHERE id = 'd1'", ""),
        ("UPDATE decisions SET draft_confidence = 0.75 WHERE id = 'd2'", "draft: 1 not"),
        ("UPDATE decisions SET draft_confidence = 0.5 WHERE id = 'd2'", ""),
        ("UPDATE reviews SET reviewer = 'tim'", "review: 1 not"),
        ("UPDATE reviews SET reviewer = 'kim'", ""),
        ("UPDATE outcomes SET source = 'tim' WHERE ticket_id = 'd3'", "outcome: 1 not"),
        ("UPDATE outcomes SET source = '' WHERE ticket_id = 'd3'", ""),
        ("UPDATE outcomes SET handle_seconds = 1 WHERE ticket_id = 'd3'", "outcome: 1 not"),
        ("UPDATE outcomes SET handle_seconds = 12.5 WHERE ticket_id = 'd3'", ""),
        ("UPDATE actions SET kind = 'reply' WHERE kind = 'set_fields'", "action: 1 not"),
        ("UPDATE actions SET kind = 'set_fields' WHERE idempotency_key = 'd1:fields'", ""),
        ("UPDATE actions SET state = 'waiting' WHERE state = 'done'", "done: 1 that the log tells of"),
        ("UPDATE actions SET state = 'done'", "done: 1 that the log does not"),
        ("UPDATE actions SET state = 'waiting' WHERE idempotency_key = 'd1:fields'", ""),
        ("UPDATE api_keys SET scopes = '[\"admin\"]' WHERE id = 'k1'", "key: 1 not"),
        ("UPDATE api_keys SET scopes = '[\"triage\"]' WHERE id = 'k1'", ""),
        ("UPDATE api_keys SET expires_at = NULL WHERE id = 'k1'", "key: 1 not"),
    ];
    for (sql, said) in changes {
        home.meddle(sql);
        let found = checked(home).findings;
        match said {
            "" => assert!(found.is_empty(), "{sql}: {found:?}"),
            said => assert!(found.len() == 1 && found[0].starts_with(said), "{sql}: {found:?}"),
        }
    }
    for (sql, said) in [
        (
            "UPDATE actions SET payload = '{\"text\":\"Pay here\"}' WHERE idempotency_key = 'd1:reply'",
            "action: 1",
        ),
        ("UPDATE decisions SET draft = '{}' WHERE id = 'd2'", "draft: 1"),
        ("UPDATE outcomes SET reply = '\"No\"' WHERE ticket_id = 'd3'", "outcome: 1"),
        ("DELETE FROM reviews", "review: 1 that the log tells of"),
        ("DELETE FROM api_keys WHERE id = 'k2'", "key: 1 that the log tells of"),
        ("DELETE FROM outcomes WHERE ticket_id = 'd3'", "outcome: 1 that the log tells of"),
        (
            "INSERT INTO api_keys VALUES ('k9', '', '', '[]', 'null', 0, NULL, NULL, NULL)",
            "key: 1 that the log does not",
        ),
    ] {
        let before = checked(home).findings;
        home.meddle(sql);
        let found = checked(home).findings;
        assert!(found.iter().any(|f| f.starts_with(said) && !before.contains(f)), "{sql}: {found:?}");
    }
    home.meddle("DELETE FROM actions WHERE decision_id = 'd2'; DELETE FROM decisions WHERE id = 'd2'");
    assert!(checked(home).findings.contains(&"decisions: 1 are gone, and 0 were forgotten".to_owned()));
}

fn a_log_that_was_emptied_cut_or_rewritten_is_found(home: &Home) {
    let dir = tempfile::tempdir().unwrap();
    let (file, secret) = (dir.path().join("on/anchors"), dir.path().join("on/key"));
    let signing = AnchorKey::create(&secret).unwrap();
    assert!(AnchorKey::create(&secret).is_err());
    assert!(anchor(&**home, &signing, &file, at(0), false).unwrap().is_none());
    lived(home);
    let first = anchor(&**home, &signing, &file, at(1), false).unwrap().unwrap();
    // What is signed already is not signed again.
    assert_eq!(anchor(&**home, &signing, &file, at(2), false).unwrap().unwrap(), first);
    let keys = public_keys(&secret).unwrap();
    let heads = || -> Vec<_> {
        let held = anchors(&file, &keys).unwrap();
        held.into_iter().map(|anchor| (anchor.seq, anchor.hash)).collect()
    };
    assert!(home.audit_check(&heads()).unwrap().unmet.is_empty());
    // Cut off at the end.
    let all = home.audit_entries(0, 99).unwrap();
    home.meddle("DELETE FROM audit_log WHERE seq > 5");
    let fault = home.audit_check(&[]).unwrap_err();
    assert!(fault.code() == Some(Code::Audit) && fault.to_string().contains("cut"), "{fault}");
    // The next entry leaves a gap.
    home.audit("kim", "test", "s", &serde_json::json!({}), at(7)).unwrap();
    assert!(home.audit_check(&[]).unwrap_err().to_string().contains("missing"));
    // With the head beside it rewritten as well, the log follows on: only what was signed elsewhere tells.
    let head = format!("UPDATE meta SET setting = '5:{}' WHERE name = 'head'", all[4].hash);
    home.meddle(&format!("DELETE FROM audit_log WHERE seq > 5; {head}"));
    assert_eq!(home.audit_check(&heads()).unwrap().unmet, [first.seq]);
    for n in 0..20 {
        home.audit("kim", "test", "s", &serde_json::json!({"n": n}), at(7)).unwrap();
    }
    assert_eq!(home.audit_check(&heads()).unwrap().unmet, [first.seq]);
    // The service signs no more of it, until a person accepts what is gone.
    let fault = anchor(&**home, &signing, &file, at(8), false).unwrap_err();
    assert_eq!(fault.code(), Some(Code::Audit));
    assert_eq!(anchor(&**home, &signing, &file, at(8), true).unwrap().unwrap().accepted, Some(0));
    home.audit("kim", "test", "s", &serde_json::json!({}), at(9)).unwrap();
    assert!(anchor(&**home, &signing, &file, at(9), false).is_ok());
    assert_eq!((home.audit_check(&heads()).unwrap().unmet.as_slice(), heads().len()), (&[][..], 2));
    // A new key goes on only where the old one is known beside it.
    let renewed = dir.path().join("renewed");
    AnchorKey::create(&renewed).unwrap();
    let signs = |at: Timestamp| anchor(&**home, &AnchorKey::read(&renewed).unwrap(), &file, at, false);
    assert_eq!(signs(at(10)).unwrap_err().code(), Some(Code::Audit));
    std::fs::rename(renewed.with_extension("pub"), dir.path().join("aside")).unwrap();
    assert_eq!(signs(at(10)).unwrap_err().code(), Some(Code::Audit));
    assert_eq!(public_keys(&renewed).unwrap(), [AnchorKey::read(&renewed).unwrap().public()]);
    std::fs::rename(dir.path().join("aside"), renewed.with_extension("pub")).unwrap();
    let public = |path: &std::path::Path| std::fs::read_to_string(path.with_extension("pub")).unwrap();
    std::fs::write(renewed.with_extension("pub"), public(&renewed) + &public(&secret)).unwrap();
    home.audit("kim", "test", "s", &serde_json::json!({}), at(10)).unwrap();
    assert_ne!(signs(at(10)).unwrap().unwrap().key, signing.public());
    let keys = public_keys(&renewed).unwrap();
    // Emptied, and emptied with the head beside it.
    home.meddle("DELETE FROM audit_log");
    assert!(home.audit_check(&[]).unwrap_err().to_string().contains("once had"));
    home.meddle("UPDATE meta SET setting = '' WHERE name = 'head'");
    assert!(home.audit_check(&[]).unwrap_err().to_string().contains("empty"));
    assert!(signs(at(11)).is_err());
    // Signed by another, or not at all.
    let other = AnchorKey::create(&dir.path().join("other")).unwrap();
    assert!(anchors(&file, &[other.public()]).is_err());
    let text =
        std::fs::read_to_string(&file).unwrap().replace(&format!("\"seq\":{}", first.seq), "\"seq\":2");
    std::fs::write(&file, text).unwrap();
    assert_eq!(anchors(&file, &keys).unwrap_err().code(), Some(Code::Audit));
    assert!(!format!("{signing:?}").contains(std::fs::read_to_string(&secret).unwrap().trim()));
}

fn a_key_that_was_changed_is_not_accepted(home: &Home) {
    lived(home);
    let altered = || -> Vec<String> {
        home.keys().unwrap().into_iter().filter(|key| key.altered).map(|key| key.id).collect()
    };
    assert!(altered().is_empty());
    for change in [
        "scopes = '[\"admin\"]'",
        "customers = 'null'",
        "hash = 'mine'",
        "expires_at = NULL",
        "expires_at = expires_at + 1",
        "id = 'k9'",
    ] {
        let sql = format!("UPDATE api_keys SET {change} WHERE id = 'k1'");
        let before = home.keys().unwrap().remove(0);
        home.meddle(&sql);
        let id = if change.starts_with("id") { "k9" } else { "k1" };
        assert_eq!(altered(), [id], "{sql}");
        home.meddle(&format!("DELETE FROM api_keys WHERE id = '{id}'"));
        home.add_key(&before, "cli", at(0)).unwrap();
        assert!(altered().is_empty());
    }
    // Taken back, and given back in the database.
    home.meddle("UPDATE api_keys SET revoked_at = NULL WHERE id = 'k2'");
    assert_eq!(altered(), ["k2"]);
    // One that nobody has made.
    home.meddle("INSERT INTO api_keys VALUES ('k8', '', '', '[\"admin\"]', 'null', 0, NULL, NULL, NULL)");
    assert_eq!(altered(), ["k8", "k2"]);
}

fn a_ticket_that_moved_stays_moved(home: &Home) {
    lived(home);
    // Of the one both a sent field and a reply that waits were approved, the other has a draft that nobody has seen.
    for (id, number) in [("d7", "t1"), ("d8", "t2")] {
        let mut elsewhere = decided(id, number, 0);
        elsewhere.customer = "bolt".to_owned();
        elsewhere.received_at = at(9);
        record(&**home, elsewhere);
    }
    assert_eq!(checked(home).findings, [""; 0]);
    home.meddle("UPDATE tickets SET moved_at = NULL WHERE id = 'd1'");
    let found = checked(home).findings;
    assert!(found.len() == 1 && found[0].starts_with("moved: 1 that the log tells of"), "{found:?}");
    home.meddle("UPDATE tickets SET moved_at = 9 WHERE id = 'd1'");
    // Whom it left is forgotten, with all that was closed there.
    home.forget(&["acme".to_owned()], "cli", at(20)).unwrap();
    assert_eq!(checked(home).findings, [""; 0]);
}

fn forgetting_and_deletion_leave_a_log_that_fits(home: &Home) {
    lived(home);
    let mut other = decided("d9", "t9", 0);
    other.customer = "bolt".to_owned();
    record(&**home, other);
    home.purge(at(50), at(60)).unwrap();
    assert!(checked(home).findings.is_empty());
    home.forget(&["acme".to_owned()], "cli", at(61)).unwrap();
    let found = checked(home);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    // One more than was forgotten.
    home.meddle("DELETE FROM work; DELETE FROM tickets WHERE number = 't9'");
    assert_eq!(checked(home).findings.len(), 1);
}

/// What takes a step of the schema back: what it added, the last first.
fn undone(step: &str) -> String {
    let undo = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..] => {
                format!("ALTER TABLE {table} DROP COLUMN {column};")
            }
            ["CREATE", "TABLE", table, ..] => format!("DROP TABLE {table};"),
            ["CREATE", "INDEX", index, ..] | ["CREATE", "UNIQUE", "INDEX", index, ..] => {
                format!("DROP INDEX {index};")
            }
            _ => String::new(),
        }
    };
    step.lines().rev().map(undo).collect()
}

fn rows_of_a_store_of_before_are_counted_and_its_keys_kept(home: &Home) {
    lived(home);
    // As the program before this one would have left it: entries without digests, no head beside the log.
    let entries = home.audit_entries(0, 99).unwrap();
    let mut previous = crate::audit::GENESIS.to_owned();
    for mut entry in entries {
        let mut detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
        for name in ["rows", "done_at", "psa_ref"] {
            detail.as_object_mut().unwrap().remove(name);
        }
        // A ticket's row had the ticket's number for a name; here it has its first decision's.
        if let Some(ticket) = detail["ticket"].as_str().map(|ticket| ticket.replace('t', "d")) {
            detail["ticket"] = ticket.into();
        }
        entry.detail = detail.to_string();
        entry.previous = previous;
        entry.hash = entry.due();
        let (seq, detail) = (entry.seq, entry.detail.replace('\'', "''"));
        let (before, hash) = (&entry.previous, &entry.hash);
        home.meddle(&format!(
            "UPDATE audit_log SET detail = '{detail}', previous = '{before}', hash = '{hash}' WHERE seq = {seq}"
        ));
        previous = entry.hash;
    }
    crate::db::STEPS[4..].iter().rev().for_each(|step| home.meddle(&undone(step)));
    home.meddle(
        "DROP INDEX audit_log_keys; UPDATE meta SET setting = '3' WHERE name = 'version';
        UPDATE meta SET setting = '' WHERE name = 'head'",
    );
    let again = home.again();
    let found = again.audit_check(&[]).unwrap();
    assert_eq!(found.findings, [""; 0]);
    assert!(found.undigested > 10 && found.compared >= 2, "{found:?}");
    assert!(again.keys().unwrap().iter().all(|key| !key.altered));
    // From now on they are compared; no row comes in without an entry.
    home.meddle("UPDATE api_keys SET scopes = '[\"admin\"]' WHERE id = 'k1'");
    assert!(again.keys().unwrap().iter().any(|key| key.altered));
    home.meddle(
        "INSERT INTO reviews (decision_id, at, actor, reviewer, idempotency_key, digest, distance)
        VALUES ('d2', 1, 'a', 'b', 'c', 'd', 0)",
    );
    let found = again.audit_check(&[]).unwrap().findings;
    assert!(found.iter().any(|f| f.starts_with("review: 1 that the log does not")), "{found:?}");
}
