//! API keys: what is added comes back, and what is taken back stays so.

use super::*;
use crate::{CustomerSet, KeyRecord};

on_both!(keys_come_back_and_are_taken_back);

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
