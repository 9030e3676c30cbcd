//! What a check says of a good set-up, and of bad ones.

use super::*;
use crate::connector::Finding;

fn check(settings: AutotaskSettings) -> Vec<Finding> {
    connector(settings).check()
}

fn bad(found: &[Finding]) -> Vec<&str> {
    found.iter().filter(|finding| finding.next.is_some()).map(|finding| finding.what.as_str()).collect()
}

#[test]
fn a_good_set_up_has_nothing_to_do() {
    let fake = start();
    open(&fake, 2);
    let found = check(settings(&fake));
    assert!(bad(&found).is_empty() && found.len() > 10, "{found:?}");
    let told = format!("{found:?}");
    for part in [
        "2 open tickets",
        "3 queues",
        "\\\"Complete\\\"",
        "5 technicians",
        "Task Notes",
        "of the hour's 10000",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains(fake::API_SECRET) && !told.contains(fake::INTEGRATION_CODE));
    assert_eq!(fake.world(|world| world.writes.len()), 0);
}

#[test]
fn what_can_not_be_reached_is_told_first_and_alone() {
    let fake = start();
    open(&fake, 1);
    let user = "nobody@desk.example".to_owned();
    let wrong: [(&str, AutotaskSettings); 5] = [
        ("does not know the user", AutotaskSettings { user, ..settings(&fake) }),
        ("401", AutotaskSettings { secret: Secret::new("wrong"), ..settings(&fake) }),
        ("401", AutotaskSettings { integration_code: Secret::default(), ..settings(&fake) }),
        ("onnection", AutotaskSettings { url: "http://127.0.0.1:9".to_owned(), ..settings(&fake) }),
        ("tells no zone", AutotaskSettings { url: format!("{}/a/proxy", fake.url()), ..settings(&fake) }),
    ];
    for (told, settings) in wrong {
        let found = check(settings);
        assert_eq!(bad(&found).len(), 1, "{found:?}");
        let last = found.last().unwrap();
        assert!(last.next.is_some() && format!("{last:?}").contains(told), "{told}: {last:?}");
    }
    fake.set(&json!({"locked": true})).unwrap();
    let found = check(settings(&fake));
    assert!(found.last().unwrap().found.contains("locked"), "{found:?}");
}

#[test]
fn what_is_missing_is_told_with_a_next_step() {
    for (set, what) in [
        (json!({"may_write_tickets": false}), "writing tickets"),
        (json!({"may_write_notes": false}), "writing notes"),
        (json!({"used_elsewhere": 6000}), "credentials, requests of the hour"),
    ] {
        let fake = start();
        open(&fake, 1);
        fake.set(&set).unwrap();
        let found = check(settings(&fake));
        assert_eq!(bad(&found), [what], "{found:?}");
    }
    let fake = start();
    open(&fake, 1);
    let named = AutotaskSettings { note_type: Some("Diary".to_owned()), ..settings(&fake) };
    assert_eq!(bad(&check(named)), ["note type"]);
    fake.world(|world| world.clock.set(Timestamp::now() + SignedDuration::from_mins(10)));
    assert_eq!(bad(&check(settings(&fake))), ["clock"]);
}

#[test]
fn a_user_who_sees_no_tickets_is_told_of_it() {
    let fake = start();
    let found = check(settings(&fake));
    assert_eq!(bad(&found), ["tickets"], "{found:?}");
}
