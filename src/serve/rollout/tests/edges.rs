//! Edges of the programme, one test each: what happens between two steps, out of order, or in a week unlike others.

use firstline_rollout::OpenHours;
use firstline_store::{GrantScope, NewGrant};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

use super::*;

impl Home {
    pub(super) fn started_on(&self, boss: &Person, on: &str, pilots: &[&str], now: Timestamp) {
        add_criteria(self.store(), Criteria::EXAMPLE, boss, now).unwrap();
        sign(self.store(), &signature("Boss"), boss, now).unwrap();
        let lea = self.person("lea", &[Scope::Manage]);
        sign(self.store(), &signature("Lea"), &lea, now).unwrap();
        let pilots = pilots.iter().map(|name| (*name).to_owned()).collect();
        let request = StartRequest { on: Some(on.parse().unwrap()), pilots, ..begin() };
        start(self.store(), self.rules.zone(), &request, boss, now).unwrap();
    }

    pub(super) fn grant(&self, scope: [&str; 3], phase: Phase, bundle: &str, now: Timestamp) {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let [customer, board, kind] = scope;
        let new = NewGrant {
            scope: GrantScope { customer: named(customer), board: named(board), ticket_type: named(kind) },
            phase,
            thresholds: BTreeMap::new(),
            bundle: named(bundle),
            evidence_sha: None,
            by: firstline_store::Author { person: "boss".to_owned(), actor: "test".to_owned() },
            reason: "a test".to_owned(),
        };
        self.store().grant(&new, now).unwrap();
    }

    /// Everything, both customers, and acme's mail alone, the last certified for [`BUNDLE`].
    pub(super) fn granted(&self, now: Timestamp) {
        for scope in [["", "", ""], ["acme", "", ""], ["bolt", "", ""], ["acme", "Desk", "Mail"]] {
            self.grant(scope, Phase::Autonomous, BUNDLE, now);
        }
    }

    fn phase_under(&self, bundle: &str) -> Phase {
        let cell = Cell { customer: "acme", board: Some("Desk"), ticket_type: Some("Mail") };
        allowed(self.store(), Phase::Autonomous, &[(cell, bundle)]).unwrap()[0].phase
    }

    /// Names and spans of the weeks of the whole desk, those that are over.
    fn over(&self) -> Vec<(String, u32, Option<u64>)> {
        let all = weeks(self.store(), self.rules.zone(), 70).unwrap();
        let closed = all.into_iter().filter(|week| week.scope == "all" && !week.settled);
        closed.map(|week| (week.week.clone(), week.sheet.number, Some(figure(&week, "tickets").1))).collect()
    }
}

fn named(weeks: &[(&str, u32, u64)]) -> Vec<(String, u32, Option<u64>)> {
    weeks.iter().map(|(name, number, n)| ((*name).to_owned(), *number, Some(*n))).collect()
}

#[test]
fn edge_a_merged_child_is_not_counted_and_its_parent_is() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    for id in ["parent", "child", "gone"] {
        home.decide(id, "acme", day(8, 0));
        home.close_ticket(id, ["Desk", "Mail", "P2"], day(9, 0), day(9, 0));
    }
    home.tell("child", Outcome { merged_into: Some("parent".into()), ..Outcome::default() }, day(9, 1));
    home.tell("gone", Outcome { deleted: Some(true), ..Outcome::default() }, day(9, 1));
    home.close(day(14, 0));
    let week = home.week(1, false);
    assert_eq!((figure(&week, "people").1, figure(&week, "agreement")), (1, (Some(1), 1)));
    assert_eq!((week.sheet.left_out["merged"], week.sheet.left_out["deleted"]), (1, 1));
}

#[test]
fn edge_another_bundle_or_policy_acts_alone_by_no_certificate_of_the_one_before() {
    let home = home();
    home.granted(day(0, 0));
    assert_eq!(home.phase_under(BUNDLE), Phase::Autonomous);
    // Another bundle, the same bundle under another policy, and one that nobody has named.
    for other in ["bbbbbbbbbbbb.bbbb", "aaaaaaaaaaaa.cccc", ""] {
        assert_eq!(home.phase_under(other), Phase::Assist, "{other:?}");
    }
    // A certificate of the new bundle is a grant of its own, and the old bundle's no longer counts.
    home.grant(["acme", "Desk", "Mail"], Phase::Autonomous, "bbbbbbbbbbbb.bbbb", day(3, 0));
    assert_eq!(home.phase_under("bbbbbbbbbbbb.bbbb"), Phase::Autonomous);
    assert_eq!(home.phase_under(BUNDLE), Phase::Assist);
    // What people approve does not depend on it, and nothing rises by a swap.
    home.grant(["acme", "", ""], Phase::Shadow, BUNDLE, day(4, 0));
    assert_eq!(home.phase_under("bbbbbbbbbbbb.bbbb"), Phase::Shadow);
}

#[test]
fn edge_a_duplicate_webhook_is_one_event_and_one_ticket_of_the_week() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    home.decide("t1", "acme", day(8, 0));
    home.close_ticket("t1", ["Desk", "Mail", "P2"], day(9, 0), day(9, 0));
    home.close_ticket("t1", ["Desk", "Mail", "P2"], day(9, 0), day(9, 5));
    let message = Event {
        psa_key: "m1".to_owned(),
        at: day(8, 1),
        actor: Some("ada".to_owned()),
        actor_kind: ActorKind::Technician,
        what: Happening::Message { visible: true, automatic: false, text_key: None },
    };
    let told = |now| {
        let event = NewEvent { ticket_id: "t1".to_owned(), customer: None, event: message.clone() };
        home.store.record_events(&[event], &CustomerSet::All, "test", now).unwrap()[0]
    };
    assert_eq!(
        [told(day(8, 1)), told(day(8, 1)), told(day(10, 0))],
        [EventResult::Stored, EventResult::Known, EventResult::Known]
    );
    home.close(day(14, 0));
    let week = home.week(1, false);
    assert_eq!((figure(&week, "tickets").1, figure(&week, "agreement")), (1, (Some(1), 1)));
    assert_eq!(figure(&week, "first_response_median").1, 1);
}

#[test]
fn edge_a_clock_that_is_set_back_undoes_nothing() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    home.granted(day(20, 0));
    let back_out = HoldRequest {
        level: HoldLevel::BackOut,
        scope: Scoped::default(),
        reason: "Wrong replies".to_owned(),
    };
    // A month earlier by the clock, and later all the same.
    let held = hold(home.store(), &back_out, &boss, day(-10, 0)).unwrap();
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow; 2]);
    home.close(day(21, 0));
    let before = weeks(home.store(), home.rules.zone(), 70).unwrap();
    assert_eq!(home.close(day(2, 0)), CloseReport::default());
    assert_eq!(weeks(home.store(), home.rules.zone(), 70).unwrap(), before);
    // Evidence from before the clock was set back is from the future, and counts again when its time has come.
    let file = evidence('a', day(21, 0), Criteria::EXAMPLE);
    let refused = ask(&home, &file, 'a', (&boss, day(19, 0)));
    assert!(refused.refused[0].contains("in the future"), "{:?}", refused.refused);
    let again = resume(home.store(), held.hold, "The cause is found", &boss, day(3, 0));
    assert_eq!(code(&again.unwrap_err()), Some(Code::Conflict));
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn edge_a_forgotten_customer_takes_its_cells_and_leaves_what_is_counted_of_all() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    a_week(&home, 1, 30, 30);
    home.close(day(21, 0));
    home.granted(day(21, 0));
    let whole = home.week(1, true);
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Autonomous, Phase::Assist]);
    let gone = home.store.forget(&["acme".to_owned()], "test", day(22, 0)).unwrap();
    assert_eq!(gone.grants, 3, "its two grants, and the pilots of the programme");
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow, Phase::Assist]);
    assert_eq!(home.week(1, true), whole);
    let status = status(home.store(), &home.rules.hours, Phase::Autonomous, day(22, 0)).unwrap();
    assert!(status.grants.iter().all(|grant| grant.scope.customer.as_deref() != Some("acme")));
    assert_eq!(status.programme.unwrap().pilots, Vec::<String>::new());
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn edge_criteria_that_change_in_the_middle_of_a_week_hold_from_their_last_signature() {
    let home = home();
    let boss = home.boss();
    let lea = home.person("lea2", &[Scope::Manage]);
    home.started(&boss);
    a_week(&home, 1, 40, 36);
    let stricter = Criteria::EXAMPLE.replace("day90 = 0.85", "day90 = 0.90");
    add_criteria(home.store(), &stricter, &boss, day(9, 0)).unwrap();
    sign(home.store(), &signature("Boss"), &boss, day(9, 1)).unwrap();
    let in_force = |now| criteria(home.store(), now).unwrap().in_force;
    assert_eq!(in_force(day(9, 2)), Some(1));
    sign(home.store(), &signature("Lea"), &lea, day(9, 12)).unwrap();
    assert_eq!(
        [in_force(day(9, 11)), in_force(day(9, 12)), in_force(day(14, 0))],
        [Some(1), Some(2), Some(2)]
    );
    home.close(day(21, 1));
    let now = day(21, 1);
    let old = ask(&home, &evidence('a', now, Criteria::EXAMPLE), 'a', (&boss, now));
    assert!(old.refused.iter().any(|why| why.contains("criteria")), "{:?}", old.refused);
    let new = ask(&home, &evidence('a', now, &stricter), 'a', (&boss, now));
    let agreement = new.checks.iter().find(|check| check.name == "agreement on board and type").unwrap();
    assert_eq!((new.refused.len(), agreement.needed, agreement.n), (0, 0.90, 40));
}

#[test]
fn edge_of_two_pilots_one_pauses_and_the_other_goes_on() {
    let home = home();
    let boss = home.boss();
    home.started_on(&boss, "2026-09-07", &["Acme", "Bolt"], at(START));
    home.granted(day(20, 0));
    home.grant(["bolt", "Desk", "Mail"], Phase::Autonomous, BUNDLE, day(20, 0));
    let on_hold = |level| {
        let scope = Scoped { customer: Some("Acme".to_owned()), ..Scoped::default() };
        hold(
            home.store(),
            &HoldRequest { level, scope, reason: "A wrong reply".to_owned() },
            &boss,
            day(21, 0),
        )
    };
    on_hold(HoldLevel::Pause).unwrap();
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Assist, Phase::Autonomous]);
    on_hold(HoldLevel::BackOut).unwrap();
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow, Phase::Autonomous]);
    let status = status(home.store(), &home.rules.hours, Phase::Autonomous, day(21, 0)).unwrap();
    assert_eq!((status.phase.as_str(), status.holds.len()), ("autonomous", 2));
}

#[test]
fn edge_week_53_comes_between_two_years() {
    let mut home = home();
    home.rules.hours = OpenHours::new(TimeZone::get("Europe/Vienna").unwrap(), Vec::new(), []);
    let boss = home.boss();
    // A Wednesday.
    home.started_on(&boss, "2026-12-16", &["Acme"], at("2026-12-16T08:00:00Z"));
    for (i, opened) in
        ["2026-12-31T22:30:00Z", "2027-01-01T10:00:00Z", "2027-01-03T22:59:00Z", "2027-01-03T23:00:00Z"]
            .iter()
            .enumerate()
    {
        home.decide(&format!("t{i}"), "acme", at(opened));
    }
    home.close(at("2027-01-10T23:00:00Z"));
    assert_eq!(home.over(), named(&[("2026-W52", 1, 0), ("2026-W53", 2, 3), ("2027-W01", 3, 1)]));
    let mondays: Vec<Date> =
        weeks(home.store(), home.rules.zone(), 70).unwrap().iter().map(|week| week.monday).collect();
    assert!(
        mondays.contains(&"2026-12-28".parse().unwrap()) && mondays.contains(&"2027-01-04".parse().unwrap())
    );
}

#[test]
fn edge_a_first_week_that_is_not_whole_is_not_counted() {
    let home = home();
    let boss = home.boss();
    // A Wednesday.
    home.started_on(&boss, "2026-09-09", &["Acme"], day(2, 9));
    for (i, days) in [2, 4, 6, 7, 13].into_iter().enumerate() {
        home.decide(&format!("t{i}"), "acme", day(days, 10));
    }
    let view = |now| status(home.store(), &home.rules.hours, Phase::Shadow, now).unwrap().programme.unwrap();
    assert_eq!((view(day(4, 0)).day, view(day(4, 0)).week, view(day(7, 0)).week), (3, 0, 1));
    home.close(day(14, 0));
    assert_eq!(home.over(), named(&[("2026-W38", 1, 2)]));
    assert_eq!((view(day(13, 23)).week, view(day(14, 0)).week), (1, 2));
}

#[test]
fn edge_a_clock_change_moves_no_ticket_to_another_week() {
    // Sunday: the clock goes forward in spring and back in autumn. Both weeks end at midnight of the desk.
    for (start, last, next, hours) in [
        ("2026-03-16", "2026-03-29T21:59:00Z", "2026-03-29T22:00:00Z", 167),
        ("2026-10-12", "2026-10-25T22:59:00Z", "2026-10-25T23:00:00Z", 169),
    ] {
        let mut home = home();
        home.rules.hours = OpenHours::new(TimeZone::get("Europe/Vienna").unwrap(), Vec::new(), []);
        let boss = home.boss();
        let zone = home.rules.zone().clone();
        let monday = start.parse::<Date>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
        home.started_on(&boss, start, &["Acme"], monday);
        home.decide("last", "acme", at(last));
        home.decide("next", "acme", at(next));
        assert_eq!(home.close(at(last)).closed, 0, "{start}");
        assert_eq!(home.close(at(next)).closed, 3, "{start}");
        assert_eq!(home.over().last().unwrap().2, Some(1), "{start}");
        home.close(at(next) + (7 * 24).hours());
        assert_eq!(home.over().last().unwrap().2, Some(1), "{start}");
        let begins = (start.parse::<Date>().unwrap() + 7.days()).to_zoned(zone).unwrap().timestamp();
        assert_eq!(at(next).duration_since(begins).as_hours(), hours);
    }
}

#[test]
fn edge_two_holds_at_once_both_stand_and_the_stronger_counts() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    home.granted(day(20, 0));
    let at_once = |level| {
        let request = HoldRequest { level, scope: Scoped::default(), reason: "Two triggers".to_owned() };
        hold(home.store(), &request, &boss, day(21, 0)).unwrap().hold
    };
    let (pause, back_out) = (at_once(HoldLevel::Pause), at_once(HoldLevel::BackOut));
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow; 2]);
    // The milder one ends, and nothing rises.
    resume(home.store(), pause, "The cause is found", &boss, day(22, 0)).unwrap();
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow; 2]);
    let standing: Vec<i64> = home.store.holds(true).unwrap().iter().map(|hold| hold.id).collect();
    assert_eq!(standing, [back_out]);
}

#[test]
fn edge_after_two_days_without_the_psa_tickets_are_late_and_counted_once() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    for i in 0..10 {
        // The PSA can't be reached from day 8 to day 10; then all of it comes in at once.
        let opened = day(8, 0) + (i * 5).hours();
        let received = if opened < day(10, 0) { day(10, 0) + i.seconds() } else { opened + 30.seconds() };
        home.decide_in(&format!("t{i}"), "acme", (opened, received), Phase::Shadow);
        home.close_ticket(&format!("t{i}"), ["Desk", "Mail", "P2"], day(11, 0), day(11, 0));
    }
    home.close(day(14, 0));
    let week = home.week(1, false);
    assert_eq!(figure(&week, "tickets").1, 10);
    assert_eq!((figure(&week, "intake_late"), figure(&week, "agreement")), ((Some(10), 10), (Some(10), 10)));
}

#[test]
fn edge_a_technician_who_leaves_takes_neither_signature_nor_figures() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    a_week(&home, 1, 30, 30);
    home.close(day(14, 0));
    let before = home.week(1, false);
    for key in home.store.keys().unwrap().iter().filter(|key| key.person.as_deref() == Some("lea")) {
        assert!(home.store.revoke_key(&key.id, "test", day(15, 0)).unwrap());
    }
    // What lea signed stands, and ada's tickets count as the best technician's, whoever closes the next.
    assert_eq!(criteria(home.store(), day(16, 0)).unwrap().in_force, Some(1));
    home.close(day(21, 0));
    assert_eq!(
        (home.week(1, false), figure(&home.week(1, true), "agreement_best")),
        (before, (Some(30), 30))
    );
}

#[test]
fn edge_a_label_that_is_retired_is_an_error_and_one_renamed_is_none() {
    let mut home = home();
    let boss = home.boss();
    home.started(&boss);
    home.rules.aliases = [((Field::Type, "Mail".to_owned()), "Messaging".to_owned())].into();
    for (id, kind) in [("same", "Mail"), ("renamed", "Messaging"), ("retired", "Calendar"), ("empty", " ")] {
        home.decide(id, "acme", day(8, 0));
        home.close_ticket(id, ["Desk", kind, "P2"], day(9, 0), day(9, 0));
    }
    home.close(day(14, 0));
    // Without a type at closing there is nothing to compare.
    assert_eq!(figure(&home.week(1, false), "agreement"), (Some(2), 3));
}

#[test]
fn status_tells_the_phase_of_the_store_and_names_settings_that_stay_below() {
    let home = home();
    let boss = home.boss();
    let of = |most| {
        let found = status(home.store(), &home.rules.hours, most, day(21, 0)).unwrap();
        (found.phase, found.settings_phase, found.capped_at)
    };
    let due = |phase: &str, settings: &str, cap: Option<&str>| {
        (phase.to_owned(), settings.to_owned(), cap.map(str::to_owned))
    };
    // Where nothing was ever granted, the settings alone decide.
    assert_eq!(of(Phase::Assist), due("assist", "assist", None));
    home.started(&boss);
    assert_eq!(of(Phase::Assist), due("shadow", "assist", None));
    assert_eq!(of(Phase::Baseline), due("shadow", "baseline", Some("baseline")));
    home.granted(day(20, 0));
    assert_eq!(of(Phase::Shadow), due("autonomous", "shadow", Some("shadow")));
    assert_eq!(of(Phase::Autonomous), due("autonomous", "autonomous", None));
    let stop = HoldRequest { level: HoldLevel::Stop, scope: Scoped::default(), reason: "Wrong".to_owned() };
    hold(home.store(), &stop, &boss, day(21, 0)).unwrap();
    assert_eq!(of(Phase::Shadow), due("shadow", "shadow", None));
}
