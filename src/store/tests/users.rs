//! People and their sessions: who is let in, and that whatever ends a session ends it for good.

use super::*;
use crate::{KeyRecord, Link, NewSession, NewUser, Proof, UserRecord};
use firstline_fault::Code;

on_both!(
    people_come_back_as_they_were_added,
    names_that_look_the_same_are_one_person,
    a_link_sets_a_password_once,
    sessions_end_by_every_way_that_there_is,
    a_person_has_a_bounded_number_of_sessions,
    what_was_changed_behind_the_store_lets_nobody_in,
    a_forgotten_customers_people_lose_it,
    a_key_of_a_persons_own_makes_them_a_user,
);

fn new(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        display: format!("{name} of the desk"),
        rights: vec!["review".to_owned()],
        customers: CustomerSet::All,
        link: Some(link("code")),
    }
}

fn link(code: &str) -> Link {
    Link { hash: format!("hash of {code}"), until: at(100) }
}

fn key_of(id: &str, person: &str) -> KeyRecord {
    KeyRecord {
        id: id.to_owned(),
        name: person.to_owned(),
        person: Some(person.to_owned()),
        hash: format!("hash of {id}"),
        scopes: vec!["review".to_owned()],
        customers: CustomerSet::All,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        altered: false,
    }
}

fn user(home: &Home, id: &str) -> UserRecord {
    home.users().unwrap().into_iter().find(|user| user.id == id).unwrap()
}

/// A person with a password whose hash is `argon`.
fn known(home: &Home, name: &str) -> String {
    let id = home.add_user(&new(name), None, "cli", at(0)).unwrap();
    assert!(home.set_password(&id, "argon", Proof::Link("hash of code"), at(1)).unwrap());
    id
}

fn open_session(home: &Home, user: &str, token: &str) -> Option<String> {
    let session = NewSession { hash: token, user, expires_at: at(1_000), agent: "a browser" };
    home.add_session(&session, "argon", at(2)).unwrap()
}

fn whose(home: &Home, token: &str) -> Option<String> {
    home.session(token).unwrap().map(|(_, user)| user.name)
}

fn findings(home: &Home) -> Vec<String> {
    home.audit_check(&[]).unwrap().findings
}

fn people_come_back_as_they_were_added(home: &Home) {
    let held = NewUser { customers: only(&["acme"]), ..new("kim") };
    let id = home.add_user(&held, Some(&key_of("k1", "kim")), "cli", at(0)).unwrap();
    let found = user(home, &id);
    assert_eq!((found.name.as_str(), found.display.as_str()), ("kim", "kim of the desk"));
    assert_eq!((found.hash.as_deref(), found.disabled_at, found.created_at), (None, None, at(0)));
    assert_eq!((&found.rights, &found.customers), (&held.rights, &held.customers));
    assert_eq!((found.link.clone(), found.altered), (held.link, false));
    assert_eq!(home.keys().unwrap()[0].person.as_deref(), Some("kim"));
    assert_eq!(audited(&**home), ["user_add", "key_add"]);

    // Both or neither.
    let twice = home.add_user(&new("tom"), Some(&key_of("k1", "tom")), "cli", at(1));
    assert!(twice.is_err() && home.users().unwrap().len() == 1);

    assert!(home.disable_user(&id, "cli", at(3)).unwrap());
    assert!(!home.disable_user(&id, "cli", at(4)).unwrap());
    let found = user(home, &id);
    assert_eq!((found.disabled_at, found.link.is_some(), found.is_enabled()), (Some(at(3)), false, false));
    assert_eq!(home.keys().unwrap()[0].revoked_at, Some(at(3)));
    // Added once more, it is the same person, with other rights and no password.
    let again = NewUser { rights: vec!["manage".to_owned()], ..new("kim") };
    assert_eq!(home.add_user(&again, None, "cli", at(5)).unwrap(), id);
    let found = user(home, &id);
    assert_eq!((found.rights, found.customers, found.hash), (again.rights, CustomerSet::All, None));
    assert_eq!((found.disabled_at, found.created_at), (None, at(0)));
    assert_eq!(findings(home), [""; 0]);
    assert!(home.audit_entries(0, 99).unwrap().iter().all(|entry| !entry.detail.contains("kim")));
}

fn names_that_look_the_same_are_one_person(home: &Home) {
    let id = home.add_user(&new("kim"), None, "cli", at(0)).unwrap();
    for name in ["kim", "Kim", "KIM", "k\u{456}m", "ｋｉｍ"] {
        let refused = home.add_user(&new(name), None, "cli", at(1)).unwrap_err();
        assert_eq!(refused.code(), Some(Code::Conflict), "{name:?}");
        assert!(refused.to_string().contains("kim"), "{refused}");
        // Nor does a key of such a name make a second person.
        let refused = name != "kim" && home.add_key(&key_of("k9", name), "cli", at(1)).is_ok();
        assert!(!refused, "{name:?}");
    }
    home.disable_user(&id, "cli", at(2)).unwrap();
    home.add_user(&new("Kim"), None, "cli", at(3)).unwrap();
}

fn a_link_sets_a_password_once(home: &Home) {
    let id = home.add_user(&new("kim"), None, "cli", at(0)).unwrap();
    let set = |proof: Proof<'_>, now: i64| home.set_password(&id, "argon", proof, at(now)).unwrap();
    assert!(!set(Proof::Link("hash of another"), 1), "another code");
    assert!(!set(Proof::Link("hash of code"), 100), "too late");
    assert!(!set(Proof::Password("argon"), 1), "there is none yet");
    assert!(set(Proof::Link("hash of code"), 99));
    assert!(!set(Proof::Link("hash of code"), 99), "once");
    assert_eq!((user(home, &id).hash.as_deref(), user(home, &id).link), (Some("argon"), None));

    // A new link takes the place of the one before.
    assert!(home.set_link(&id, &link("first"), "cli", at(3)).unwrap());
    assert!(home.set_link(&id, &link("second"), "cli", at(3)).unwrap());
    assert!(!set(Proof::Link("hash of first"), 4));
    assert!(set(Proof::Link("hash of second"), 4));
    assert!(home.set_password(&id, "other", Proof::Password("argon"), at(5)).unwrap());
    assert!(!set(Proof::Password("argon"), 6), "the one before");
    assert!(!home.set_link("nobody", &link("x"), "cli", at(6)).unwrap());
    home.disable_user(&id, "cli", at(7)).unwrap();
    assert!(!home.set_link(&id, &link("x"), "cli", at(8)).unwrap());
    assert_eq!(findings(home), [""; 0]);
}

fn sessions_end_by_every_way_that_there_is(home: &Home) {
    let (kim, tom) = (known(home, "kim"), known(home, "tom"));
    let fresh = |token: &str| open_session(home, &kim, token).unwrap();
    let id = fresh("t1");
    let (session, person) = home.session("t1").unwrap().unwrap();
    assert_eq!((session.id.as_str(), session.user.as_str(), person.name.as_str()), (&*id, &*kim, "kim"));
    assert_eq!((session.created_at, session.seen_at, session.expires_at), (at(2), at(2), at(1_000)));
    assert_eq!((session.agent.as_str(), whose(home, "t2")), ("a browser", None));
    home.touch_session(&id, at(9)).unwrap();
    home.touch_session(&id, at(5)).unwrap();
    assert_eq!(home.session("t1").unwrap().unwrap().0.seen_at, at(9), "time does not go back");
    assert_eq!(findings(home), [""; 0], "when it was seen is in no digest");

    // Signed out, and by nobody but the person.
    assert!(!home.end_session(&tom, &id, "user:x", at(10)).unwrap());
    assert!(home.end_session(&kim, &id, "user:x", at(10)).unwrap());
    assert!(!home.end_session(&kim, &id, "user:x", at(10)).unwrap() && whose(home, "t1").is_none());
    // A new password.
    fresh("t2");
    open_session(home, &tom, "t3").unwrap();
    assert!(home.set_password(&kim, "argon2", Proof::Password("argon"), at(11)).unwrap());
    assert_eq!((whose(home, "t2"), whose(home, "t3").as_deref()), (None, Some("tom")));
    // One whose password was verified before it was changed gets none.
    assert_eq!(open_session(home, &kim, "t4"), None);
    assert!(home.set_password(&kim, "argon", Proof::Password("argon2"), at(12)).unwrap());
    // Disabled.
    fresh("t5");
    home.disable_user(&kim, "cli", at(13)).unwrap();
    assert_eq!((whose(home, "t5"), open_session(home, &kim, "t6")), (None, None));
    // Out of time: last seen too long ago, or over.
    assert_eq!(home.purge_sessions(at(1), at(20)).unwrap(), 0);
    assert_eq!(home.purge_sessions(at(3), at(20)).unwrap(), 1);
    open_session(home, &tom, "t7").unwrap();
    assert_eq!(home.purge_sessions(at(0), at(1_000)).unwrap(), 1);
    assert!(home.sessions(&tom).unwrap().is_empty());
    assert_eq!(findings(home), [""; 0]);
}

fn a_person_has_a_bounded_number_of_sessions(home: &Home) {
    let kim = known(home, "kim");
    for n in 0..60 {
        open_session(home, &kim, &format!("t{n}")).unwrap();
    }
    assert_eq!(home.sessions(&kim).unwrap().len(), 50);
    assert!(whose(home, "t59").is_some());
    assert_eq!(findings(home), [""; 0]);
}

fn what_was_changed_behind_the_store_lets_nobody_in(home: &Home) {
    let (kim, tom) = (known(home, "kim"), known(home, "tom"));
    open_session(home, &kim, "t1").unwrap();
    home.meddle("UPDATE users SET rights = '[\"admin\"]' WHERE name = 'kim'");
    assert!(user(home, &kim).altered && !user(home, &tom).altered);
    assert!(home.session("t1").unwrap().is_some_and(|(_, user)| !user.is_enabled()));
    assert!(!home.set_link(&kim, &link("x"), "cli", at(3)).unwrap());
    assert_eq!(open_session(home, &kim, "t2"), None);
    assert!(findings(home)[0].starts_with("user: 1 not"), "{:?}", findings(home));
    home.meddle("UPDATE users SET rights = '[\"review\"]' WHERE name = 'kim'");
    assert!(whose(home, "t1").is_some() && findings(home).is_empty());
    // A session that nobody opened, one given to somebody else, one that lasts longer, and one that had ended.
    let insert = |id: &str, token: &str, whose: &str| {
        let us = at(2).as_microsecond();
        home.meddle(&format!(
            "INSERT INTO sessions (id, hash, user_id, created_at, expires_at, seen_at, agent)
            VALUES ('{id}', '{token}', '{whose}', {us}, {}, {us}, 'a browser')",
            at(1_000).as_microsecond()
        ));
    };
    insert("x", "t3", &kim);
    assert_eq!(whose(home, "t3"), None);
    assert!(findings(home)[0].starts_with("session: 1 that the log does not"), "{:?}", findings(home));
    home.meddle("DELETE FROM sessions WHERE id = 'x'");
    home.meddle(&format!("UPDATE sessions SET user_id = '{tom}'"));
    assert_eq!(whose(home, "t1"), None);
    home.meddle(&format!("UPDATE sessions SET user_id = '{kim}', expires_at = expires_at + 1"));
    assert_eq!(whose(home, "t1"), None);
    home.meddle("UPDATE sessions SET expires_at = expires_at - 1");
    let id = home.session("t1").unwrap().unwrap().0.id;
    home.end_session(&kim, &id, "user:x", at(4)).unwrap();
    insert(&id, "t1", &kim);
    assert_eq!(whose(home, "t1"), None);
}

fn a_forgotten_customers_people_lose_it(home: &Home) {
    let held = |name: &str, customers: &[&str]| {
        let user = NewUser { customers: only(customers), ..new(name) };
        home.add_user(&user, Some(&key_of(name, name)), "cli", at(0)).unwrap()
    };
    let (kim, tom) = (held("kim", &["acme", "bolt"]), held("tom", &["acme"]));
    assert_eq!(home.customers().unwrap().keys().collect::<Vec<_>>(), ["acme", "bolt"]);
    home.forget(&["acme".to_owned()], "cli", at(5)).unwrap();
    assert_eq!((user(home, &kim).customers, user(home, &kim).is_enabled()), (only(&["bolt"]), true));
    assert_eq!((user(home, &tom).customers, user(home, &tom).disabled_at), (only(&[]), Some(at(5))));
    assert_eq!(findings(home), [""; 0]);
}

fn a_key_of_a_persons_own_makes_them_a_user(home: &Home) {
    home.add_key(&key_of("k1", "kim"), "cli", at(0)).unwrap();
    home.add_key(&KeyRecord { person: None, ..key_of("k2", "glue") }, "cli", at(0)).unwrap();
    home.revoke_key("k1", "cli", at(1)).unwrap();
    // Another key of the same person's makes nobody else.
    home.add_key(&key_of("k3", "kim"), "cli", at(2)).unwrap();
    let users = home.users().unwrap();
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["kim"]);
    assert!(users[0].hash.is_none() && users[0].link.is_none() && users[0].is_enabled());
    assert_eq!(audited(&**home), ["user_add", "key_add", "key_add", "key_revoke", "key_add"]);
}
