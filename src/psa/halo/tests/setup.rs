//! What a check finds, what there is to choose from, and what refusals say.

use firstline_fakes::Trouble;
use jiff::{SignedDuration, Timestamp};

use super::*;

fn bad(found: &[crate::connector::Finding]) -> Vec<&str> {
    found.iter().filter(|one| one.next.is_some()).map(|one| one.what.as_str()).collect()
}

#[test]
fn a_check_of_a_good_set_up_finds_nothing_to_do() {
    let fake = start();
    open(&fake, 2);
    let found = connector(settings(&fake)).check();
    assert_eq!(bad(&found), [""; 0], "{found:?}");
    assert!(found[0].found.contains(fake::API_AGENT_NAME), "{:?}", found[0]);
    assert_eq!(found.len(), 13, "{found:?}");
    assert_eq!(writes(&fake), 0);
}

#[test]
fn a_check_that_can_not_sign_in_says_why() {
    let fake = start();
    let wrong: [(&str, HaloSettings); 5] = [
        ("client_secret_file", HaloSettings { client_secret: Secret::new("wrong"), ..settings(&fake) }),
        ("client_id", HaloSettings { client_id: "nobody".to_owned(), ..settings(&fake) }),
        ("\"scope\"", HaloSettings { scope: "everything".to_owned(), ..settings(&fake) }),
        ("auth_url", HaloSettings { auth_url: Some(format!("{}/elsewhere", fake.url())), ..settings(&fake) }),
        ("ection", HaloSettings { url: "http://127.0.0.1:9".to_owned(), ..settings(&fake) }),
    ];
    for (told, settings) in wrong {
        let found = connector(settings).check();
        assert!(found[0].next.is_some() && found.len() == 1, "{found:?}");
        let said = format!("{} {}", found[0].found, found[0].next.as_deref().unwrap_or_default());
        assert!(said.contains(told), "{told}: {said}");
        assert!(!format!("{found:?}").contains("halo-fake-secret"));
    }
    fake.set(&json!({"tenant": "acme"})).unwrap();
    let found = connector(settings(&fake)).check();
    let next = found[0].next.as_deref().unwrap();
    assert!(next.contains("tenant") && next.contains("acme"), "{next}");
    let named = HaloSettings { tenant: Some("acme".to_owned()), ..settings(&fake) };
    assert_eq!(bad(&connector(named).check()), [""; 0]);
}

#[test]
fn a_check_names_each_right_clock_outcome_and_quota_that_is_not_as_it_should_be() {
    let fake = start();
    open(&fake, 2);
    let check = |settings: HaloSettings| {
        let found = connector(settings).check();
        bad(&found).join(", ")
    };
    fake.set(&json!({"denied": ["admin"]})).unwrap();
    assert_eq!(check(settings(&fake)), "rules");
    fake.set(&json!({"denied": [], "scopes": ["read:tickets", "read:customers", "admin"]})).unwrap();
    let reads = HaloSettings { scope: "read:tickets admin".to_owned(), ..settings(&fake) };
    assert_eq!(check(reads), "right to write");
    fake.set(&json!({"scopes": ["all"]})).unwrap();
    let mails = HaloSettings { note_outcome: fake::EMAIL_USER, ..settings(&fake) };
    assert_eq!(check(mails), "outcome of internal notes");
    let hides = HaloSettings { reply_outcome: Some(fake::PRIVATE_NOTE), ..settings(&fake) };
    assert_eq!(check(hides), "outcome of replies");
    let fast = HaloSettings { requests_per_five_minutes: 900, ..settings(&fake) };
    assert_eq!(check(fast), "quota");
    fake.world(|world| world.clock.set(Timestamp::now() + SignedDuration::from_mins(10)));
    assert_eq!(check(settings(&fake)), "clock");
}

#[test]
fn what_a_refusal_says_is_read_in_every_form() {
    let fake = start();
    fake.set(&json!({"denied": ["read:tickets"]})).unwrap();
    for form in ["text", "error", "described", "class", "result", "one_key"] {
        fake.set(&json!({"error_body": form})).unwrap();
        let error = connector(settings(&fake)).ticket("1").unwrap_err().to_string();
        let said = "(403): You do not have permission to do this";
        assert!(error.contains(said) && error.contains("role of its agent"), "{form}: {error}");
    }
}

#[test]
fn what_there_is_to_choose_from_is_told_and_closed_tickets_show_what_closes() {
    let fake = start();
    let id = open(&fake, 1)[0];
    fake.world(|world| {
        let by = (Author::System, world.now());
        world.change(id, firstline_ticket::Changed::Status, Some("Resolved"), by);
    });
    fake.faults(|faults| faults.list.push(fault("GET", "/api/Team", Trouble::LostReply)));
    let found = connector(settings(&fake)).reference().unwrap();
    assert_eq!(found.boards, ["1st Line Support", "Projects", "Monitoring"]);
    let closes: Vec<&str> = found.statuses.iter().filter(|one| one.2).map(|one| one.1.as_str()).collect();
    assert_eq!(closes, ["Resolved", "Closed"]);
    assert_eq!(found.statuses.len(), 5, "those of approvals are none of tickets");
    assert_eq!(found.priorities, ["Critical", "High", "Medium", "Low"]);
    assert_eq!((found.types.len(), found.technicians.len()), (4, 5), "who left can't be assigned");
}

#[test]
fn rules_are_told_as_they_stand_and_those_that_act_on_customers_marked() {
    let fake = start();
    let found = connector(settings(&fake)).rules().unwrap();
    let moves = found.iter().find(|rule| rule.name == "Moves to projects").unwrap();
    assert_eq!(moves.when["words"], ["office move"]);
    assert_eq!(moves.set[&Field::Board], "Projects");
    assert_eq!(moves.set[&Field::Technician], "Idris Vane");
    assert!(moves.stops && !moves.acts_on_customers && moves.raw.is_some());
    let acting: Vec<&str> = found.iter().filter(|r| r.acts_on_customers).map(|r| r.name.as_str()).collect();
    assert_eq!(acting, ["Delivery reports", "Acknowledge mails"]);
    fake.set(&json!({"denied": ["admin"]})).unwrap();
    let error = connector(settings(&fake)).rules().unwrap_err().to_string();
    assert!(error.contains("403"), "{error}");
}

#[test]
fn requests_keep_the_pace_and_wait_as_long_as_the_psa_asks() {
    let fake = start();
    let id = one(&fake);
    fake.faults(|faults| {
        let busy = status(429, Some(7), firstline_fakes::TroubleBody::Text);
        faults.list.push(fault("GET", "/api/Tickets", busy));
    });
    let pauses = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = pauses.clone();
    let wait = Arc::new(move |pause| {
        kept.lock().unwrap().push(pause);
        true
    });
    let slow = HaloSettings { requests_per_five_minutes: 3, ..settings(&fake) };
    let mut psa = Halo::new(slow, agent(), wait);
    psa.ticket(&id).unwrap().unwrap();
    let pauses = pauses.lock().unwrap();
    assert_eq!(pauses.first(), Some(&Duration::from_secs(7)));
    let sent = fake.log().len();
    let paced = pauses.iter().filter(|pause| **pause > Duration::from_secs(200)).count();
    assert_eq!(paced, sent - 3, "each request after the third waits for the window: {pauses:?}");
}
