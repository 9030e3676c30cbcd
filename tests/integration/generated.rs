//! The generated history as the rollout reads it: what its PSA keeps is known, and nothing is guessed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use firstline_datasets::{Settings, generate, tiers_file};
use firstline_rollout::{
    Basis, HandleBasis, OpenHours, Opening, Response, TicketFacts, Tiers, first_response, recurring_texts,
};
use firstline_ticket::{ActorKind, Field, Happening, Kind, Ticket};
use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::tool::Dir;

/// The facts of two generated histories.
static FACTS: LazyLock<[Vec<(Ticket, TicketFacts)>; 2]> = LazyLock::new(|| {
    [5, 6].map(|seed| {
        let read = |ticket: Ticket| {
            let kind = if ticket.contact.is_some() { Kind::Person } else { Kind::Alert };
            let facts = TicketFacts::of_ticket(&ticket, kind, &ticket.id).unwrap().unwrap();
            (ticket, facts)
        };
        generate(&Settings::default(), 3_000, seed).map(read).collect()
    })
});

fn all() -> impl Iterator<Item = &'static (Ticket, TicketFacts)> {
    FACTS.iter().flatten()
}

static TIERS: LazyLock<Tiers> = LazyLock::new(|| Tiers::parse(&tiers_file(), "tiers.toml").unwrap());

#[test]
fn r4_the_tier_is_known_and_the_events_say_it_as_the_flag_does() {
    let mut by_tier: BTreeMap<u8, usize> = BTreeMap::new();
    for (ticket, facts) in all() {
        let told = TIERS.handled_by(facts);
        let silent = TicketFacts { escalated: None, ..facts.clone() };
        assert!(told.is_some() && TIERS.handled_by(&silent) == told, "{}", ticket.id);
        *by_tier.entry(told.unwrap()).or_default() += 1;
    }
    assert!(by_tier[&1] > 10 * by_tier[&2] && by_tier[&2] > 100, "{by_tier:?}");
}

#[test]
fn r3_reopened_and_waiting_are_known_from_the_statuses_alone() {
    let (mut reopened, mut waited) = (0, 0);
    for (ticket, facts) in all() {
        let silent = TicketFacts { reopened: None, ..facts.clone() };
        assert_eq!(TIERS.reopened(&silent), ticket.reopened, "{}", ticket.id);
        reopened += usize::from(ticket.reopened == Some(true));
        let Some(resolved) = facts.resolved_at else { continue };
        let took = resolved.duration_since(facts.opened_at).as_secs_f64();
        let waits = TIERS.waited(facts).unwrap();
        assert!((0.0..=took).contains(&waits), "{}: {waits} of {took}", ticket.id);
        waited += usize::from(waits > 0.0);
    }
    assert!(reopened > 100 && waited > 1_000, "{reopened}, {waited}");
}

#[test]
fn r8_the_initial_labels_are_those_that_the_events_tell() {
    let mut moved = 0;
    for (ticket, facts) in all() {
        let silent = TicketFacts { initial: None, ..facts.clone() };
        for field in Field::ALL {
            assert_eq!(silent.initial_label(field), facts.initial_label(field), "{} {field}", ticket.id);
        }
        assert!(
            facts.initial_label(Field::Board).is_some() && facts.initial_label(Field::Priority).is_some()
        );
        assert_eq!(facts.closing_label(Field::Board), ticket.label(Field::Board));
        moved += usize::from(facts.initial_label(Field::Board) != facts.label(Field::Board));
    }
    let share = moved as f64 / all().count() as f64;
    assert!((0.2..0.5).contains(&share), "{share} were moved");
}

#[test]
fn r40_handle_time_is_known_by_both_bases_of_what_people_wrote() {
    for (ticket, facts) in all() {
        let done = facts.resolved_at.is_some() && facts.merged_into.is_none();
        assert_eq!(facts.handle_time_by(HandleBasis::Reported).is_some(), done, "{}", ticket.id);
        if done && facts.kind == Kind::Person {
            let [entries, reported] = HandleBasis::LOGGED.map(|basis| facts.handle_time_by(basis).unwrap());
            assert_eq!(facts.handle_time(), Some(entries));
            // At most two entries, each off by less than a quarter of an hour.
            assert!((entries - reported).abs() < 1_800.0, "{}: {entries} for {reported}", ticket.id);
        }
    }
}

#[test]
fn r5_acknowledgements_are_no_first_response_with_a_header_or_without() {
    let (mut with_header, mut recurring) = (0, 0);
    for facts in FACTS.each_ref() {
        let people: Vec<&TicketFacts> =
            facts.iter().map(|(_, facts)| facts).filter(|facts| facts.kind == Kind::Person).collect();
        let texts = recurring_texts(&people);
        assert!(!texts.is_empty());
        for facts in people.into_iter().filter(|facts| !facts.opened_by_technician) {
            let soon = |at: jiff::Timestamp| at.duration_since(facts.opened_at).as_secs() <= 45;
            for event in facts.events.iter().filter(|event| soon(event.at)) {
                let Happening::Message { automatic, text_key, .. } = event.what else { continue };
                assert!(automatic || text_key.is_some_and(|key| texts.contains(&key)) || is_rare(facts));
                with_header += usize::from(automatic);
                recurring += usize::from(!automatic);
            }
            if let Response::Answered { at, basis: Basis::Message } = first_response(facts, &texts) {
                assert!(!soon(at) || is_rare(facts), "{}", facts.id);
            }
        }
    }
    assert!(with_header > 200 && recurring > 200, "{with_header}, {recurring}");
}

/// Whether the desk's acknowledgement in this customer's language is on too few tickets to be told by recurrence.
fn is_rare(facts: &TicketFacts) -> bool {
    ["Kessler Antriebstechnik", "Steinbach & Partner", "Atelier Beaulac"].contains(&facts.customer.as_str())
}

#[test]
fn each_message_counts_once_and_customers_programs_are_automatic() {
    let mut away = 0;
    for (ticket, facts) in all() {
        let spoken = facts.events.iter().filter(|e| matches!(e.what, Happening::Message { .. })).count();
        assert_eq!(spoken, ticket.messages.len(), "{}", ticket.id);
        let is_note = |event: &&firstline_ticket::Event| {
            let automatic = matches!(event.what, Happening::Message { automatic: true, .. });
            automatic && event.actor_kind == ActorKind::Customer
        };
        away += facts.events.iter().filter(is_note).count();
    }
    assert!(away > 50, "{away}");
}

#[test]
fn what_is_reported_or_credited_weeks_later_is_not_known_before() {
    let (mut late, mut credits) = (0, 0);
    for (_, facts) in all() {
        if let (Some(reported), Some(resolved)) = (facts.outcome_reported_at, facts.resolved_at) {
            assert!(facts.as_of(resolved).resolved_at.is_none());
            assert_eq!(facts.as_of(reported).resolved_at, Some(resolved));
            late += 1;
        }
        if let Some(at) = facts.sla_credit_at {
            assert!(facts.as_of(at - jiff::SignedDuration::from_secs(1)).sla_credit_at.is_none());
            credits += 1;
        }
    }
    assert!(late > 50 && credits > 3, "{late}, {credits}");
}

#[test]
fn the_desk_works_when_its_policy_says_that_it_is_open() {
    let weekdays =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let openings = weekdays.map(|day| Opening { day, from: time(6, 0, 0, 0), to: time(21, 0, 0, 0) });
    let holidays = [date(2026, 1, 1), date(2026, 5, 25)];
    let hours = OpenHours::new(TimeZone::get("America/New_York").unwrap(), openings.into(), holidays);
    for (ticket, facts) in all() {
        // What is not urgent waits for the shift: somebody begins in open hours, winter and summer.
        if ticket.priority.as_deref() == Some("P1 - Critical") {
            continue;
        }
        for event in &facts.events {
            let begun = matches!(&event.what, Happening::Change { of: firstline_ticket::Changed::Status, to, .. }
                if to.as_deref() == Some("In Progress") && event.actor_kind == ActorKind::Technician);
            let vendor =
                matches!(&event.what, Happening::Change { from, .. } if from.as_deref() != Some("New"));
            let second = jiff::SignedDuration::from_secs(1);
            assert!(
                !begun || vendor || hours.seconds(event.at, event.at + second) > 0.0,
                "{}: {}",
                ticket.id,
                event.at
            );
        }
    }
}

#[test]
fn the_rollout_can_say_what_it_refuses_to_say_of_a_bare_export() {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "2000", "--seed", "21", "--out", "h.jsonl"]);
    let policy = dir.ok(&["policy"]).stdout;
    dir.file("p.toml", policy.replace("time_zone = \"UTC\"", "time_zone = \"America/New_York\""));
    let args =
        ["rollout", "baseline", "--tickets", "h.jsonl", "--tiers", "h.tiers.toml", "--policy", "p.toml"];
    let found = dir.ok(&[&args[..], &["--json"]].concat()).json();
    assert_eq!(found["refused"], json!([]), "{}", found["refused"]);
    let people = &found["baseline"]["people"];
    for figure in ["level_one", "reopened", "single_touch", "handed_off"] {
        assert!(people[figure]["share"].is_number() && people[figure]["of"].as_u64() > Some(500), "{figure}");
    }
    assert_eq!(people["level_one_unknown"], 0);
    assert!(people["resolution_without_waiting"]["n"].as_u64() > Some(500));
    assert!(people["handle"]["mean"].as_f64() > Some(300.0));
    assert!(found["baseline"]["left_out"]["merged"].as_u64() > Some(0));
    let checked = ["rollout", "tiers", "--tickets", "h.jsonl", "--check", "h.tiers.toml", "--json"];
    let checked = dir.ok(&checked).json();
    assert_eq!((&checked["unknown"], &checked["without"]), (&json!(0), &json!([])));
    let replay = ["rollout", "rules", "--tickets", "h.jsonl", "--replay", "h.rules.toml", "--json"];
    let rules = dir.ok(&replay).json();
    assert!(rules["fidelity"]["share"].as_f64() > Some(0.8), "{rules}");
}
