//! Thresholds of a rolling hour and of requests at once.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::Talk;
use crate::clock::Clock;
use crate::server::Dialect;

#[test]
fn the_threshold_is_of_a_rolling_hour_and_counts_itself() {
    let mut talk = Talk::new();
    talk.set(&json!({"quota": 5, "used_elsewhere": 1}));
    for n in 2..=3 {
        let told = talk.well("GET", "ThresholdInformation", None);
        assert_eq!(
            told,
            json!({"externalRequestThreshold": 5, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": n})
        );
    }
    let half = talk.world.now() + SignedDuration::from_mins(30);
    talk.world.clock.set(half);
    talk.well("GET", "Tickets/1", None);
    talk.well("GET", "Tickets/1", None);
    let ticket = talk.ticket("Outbox full");
    assert!(!talk.refused(429, "PATCH", "Tickets", json!({"id": ticket, "status": 8})).is_empty());
    let reply = talk.reply("GET", "/ATServicesRest/v1.0/Tickets/1", None);
    assert!(reply.headers.iter().all(|(name, _)| name != "retry-after"));
    talk.set(&json!({"retry_after": true, "quota_status": 500}));
    let reply = talk.reply("GET", "/ATServicesRest/v1.0/Tickets/1", None);
    assert_eq!(reply.status, 500);
    assert!(reply.headers.contains(&("retry-after".to_owned(), "1800".to_owned())));
    let hour = talk.world.now() + SignedDuration::from_mins(30);
    talk.world.clock.set(hour);
    assert_eq!(talk.well("GET", "ThresholdInformation", None)["currentTimeframeRequestCount"], 4);
}

#[test]
fn requests_are_held_back_as_the_quota_runs_out() {
    let mut talk = Talk::new();
    talk.world.clock = Clock::new(talk.world.now(), 10.0);
    for (used, ms) in [(0, 0), (49, 0), (50, 50), (74, 50), (75, 100), (100, 100)] {
        talk.set(&json!({"quota": 100, "used_elsewhere": used}));
        let request = talk.request("GET", "/ATServicesRest/v1.0/Tickets/1", None);
        assert_eq!(talk.at.enter(&talk.world, &request).delay, Duration::from_millis(ms), "{used}");
        talk.at.leave(&request);
    }
    talk.set(&json!({"throttled": false, "latency_ms": 7}));
    let request = talk.request("GET", "/ATServicesRest/v1.0/Tickets/1", None);
    assert_eq!(talk.at.enter(&talk.world, &request).delay, Duration::from_millis(7));
}

#[test]
fn three_requests_at_once_go_to_one_entity_and_the_fourth_is_refused() {
    let mut talk = Talk::new();
    let tickets = talk.request("POST", "/ATServicesRest/V1.0/Tickets/query", None);
    let again = talk.request("PATCH", "/atservicesrest/v1.0/tickets", None);
    let notes = talk.request("POST", "/ATServicesRest/v1.0/TicketNotes/query", None);
    for request in [&tickets, &again, &tickets] {
        assert!(talk.at.enter(&talk.world, request).refusal.is_none());
    }
    let refusal = talk.at.enter(&talk.world, &again).refusal.unwrap();
    assert_eq!(refusal.status, 500);
    assert!(String::from_utf8(refusal.body).unwrap().contains("thread threshold"));
    assert!(talk.at.enter(&talk.world, &notes).refusal.is_none());
    talk.at.leave(&again);
    talk.at.leave(&tickets);
    assert!(talk.at.enter(&talk.world, &again).refusal.is_none());
    let zone = talk.request("GET", "/ATServicesRest/v1.0/zoneInformation", None);
    (0..9).for_each(|_| assert!(talk.at.enter(&talk.world, &zone).refusal.is_none()));
}
