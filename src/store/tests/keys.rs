//! API keys: what is added comes back, and what is taken back stays so.

use super::*;
use crate::{CustomerSet, KeyRecord};
use firstline_fault::Code;

on_both!(keys_come_back_and_are_taken_back, a_person_has_one_key_that_holds);

fn keys_come_back_and_are_taken_back(home: &Home) {
    let key = |id: &str, customers: CustomerSet| KeyRecord {
        id: id.to_owned(),
        name: "the PSA's".to_owned(),
        hash: "sha256:00".to_owned(),
        scopes: vec!["triage".to_owned(), "review".to_owned()],
        customers,
        created_at: at(0),
        expires_at: Some(at(99)),
        revoked_at: None,
        person: None,
        altered: false,
    };
    let both = [
        key("k1", CustomerSet::All),
        key("k2", CustomerSet::Only(["acme".to_owned(), "bolt".to_owned()].into())),
    ];
    for key in &both {
        home.add_key(key, "cli", at(0)).unwrap();
    }
    assert!(home.add_key(&both[0], "cli", at(0)).is_err());
    assert_eq!(home.keys().unwrap(), both);
    assert!(!home.revoke_key("k9", "cli", at(1)).unwrap());
    assert!(home.revoke_key("k1", "cli", at(1)).unwrap());
    assert!(!home.revoke_key("k1", "cli", at(2)).unwrap());
    assert_eq!(home.keys().unwrap()[0].revoked_at, Some(at(1)));
    assert_eq!(audited(&**home), ["key_add", "key_add", "key_revoke"]);
}

fn a_person_has_one_key_that_holds(home: &Home) {
    let key = |id: &str, person: Option<&str>| KeyRecord {
        id: id.to_owned(),
        name: "Kim's".to_owned(),
        hash: format!("hash of {id}"),
        scopes: vec!["review".to_owned(), "approve_rollout".to_owned()],
        customers: CustomerSet::All,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        person: person.map(str::to_owned),
        altered: false,
    };
    home.add_key(&key("k1", Some("kim")), "cli", at(0)).unwrap();
    // Machines have as many as they like.
    home.add_key(&key("k2", None), "cli", at(0)).unwrap();
    home.add_key(&key("k3", None), "cli", at(0)).unwrap();
    let second = home.add_key(&key("k4", Some("kim")), "cli", at(1)).unwrap_err();
    assert_eq!(second.code(), Some(Code::Conflict));
    assert!(second.to_string().contains("k1"), "{second}");
    home.add_key(&key("k5", Some("tom")), "cli", at(1)).unwrap();
    // Nor is one who looks the same somebody else.
    for name in ["Kim", "KIM", "kim ", "k\u{456}m", "ki\u{200b}m", "ｋｉｍ", "Kim\u{a0}"] {
        let same = home.add_key(&key("k6", Some(name)), "cli", at(1)).unwrap_err();
        assert_eq!(same.code(), Some(Code::Conflict), "{name:?}");
        assert!(same.to_string().contains("\"kim\""), "{same}");
    }
    for (id, name) in [("k7", "tim"), ("k8", "Kim Lee"), ("k9", "Ким"), ("k10", "金")] {
        home.add_key(&key(id, Some(name)), "cli", at(1)).unwrap();
        assert!(home.revoke_key(id, "cli", at(1)).unwrap());
    }
    assert!(home.revoke_key("k1", "cli", at(2)).unwrap());
    home.add_key(&key("k4", Some("kim")), "cli", at(3)).unwrap();
    let people: Vec<_> = home.keys().unwrap().into_iter().filter_map(|key| key.person).collect();
    assert_eq!(people, ["kim", "金", "kim", "tom", "tim", "Kim Lee", "Ким"]);
    assert!(home.audit_entries(0, 99).unwrap().iter().all(|entry| !entry.detail.contains("kim")));
    assert!(home.audit_check(&[]).unwrap().findings.is_empty());
    // Who makes a machine's key a person's own is found out.
    home.meddle("UPDATE api_keys SET person = 'eve' WHERE id = 'k2'");
    assert!(home.keys().unwrap().iter().any(|key| key.id == "k2" && key.altered));
    assert!(home.audit_check(&[]).unwrap().findings[0].starts_with("key: 1 not"));
}
