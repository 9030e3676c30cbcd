//! The programme on a store, with a clock of the tests' own: two persons sign, shadow acts on nothing, weeks settle, the gate asks.

mod incidents;

use std::collections::BTreeMap;

use firstline_fault::Code;
use firstline_rollout::evidence::TrainedOn;
use firstline_rollout::{Criteria, Share};
use firstline_store::{
    Cell, CustomerSet, Decided, DraftResult, EventResult, Feedback, Location, NewEvent, Recorded, Route,
    Store, WorkKind, open,
};
use firstline_ticket::{
    ActorKind, Basis, Changed, Confidence, Decision, Draft, Event, Field, FieldDecision, Happening, Kind,
    Origin, Outcome, Phase, Ticket,
};
use firstline_triage::{Policy, sha256_hex};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::*;
use crate::auth::{NewKey, Person, Scope};

mod day90;
mod edges;
mod lists;
mod watch;

/// Monday, a week before the programme's first.
const START: &str = "2026-09-07T00:00:00Z";
/// The bundle in service.
const BUNDLE: &str = "aaaaaaaaaaaa.bbbb";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `days` and `hours` after the start.
fn day(days: i64, hours: i64) -> Timestamp {
    at(START) + (days * 24 + hours).hours()
}

struct Home {
    store: Box<dyn Store>,
    rules: DeskRules,
    _dir: tempfile::TempDir,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&Location::Sqlite(dir.path().join("firstline.db"))).unwrap();
    let settings = crate::Rollout {
        blind_share: 0.05,
        settle_days: 7,
        tiers: "".into(),
        aliases: "".into(),
        best_technicians: "ada".to_owned(),
    };
    let rules = DeskRules::read(&Policy::built_in().unwrap(), &settings).unwrap();
    Home { store, rules, _dir: dir }
}

impl Home {
    fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    fn person(&self, name: &str, rights: &[Scope]) -> Person {
        let rights = rights.iter().copied().collect();
        let key = NewKey::new(name, &rights, CustomerSet::All, None, at(START)).unwrap().of_person(name);
        self.store.add_key(&key.record, "test", at(START)).unwrap();
        Person::of_token(self.store(), key.token.expose(), at(START)).unwrap()
    }

    /// Someone who may do everything.
    fn boss(&self) -> Person {
        self.person("boss", &[Scope::Admin])
    }

    fn cells(&self, most: Phase) -> Vec<Phase> {
        let cells = ["acme", "bolt"]
            .map(|customer| (Cell { customer, board: Some("Desk"), ticket_type: Some("Mail") }, BUNDLE));
        allowed(self.store(), most, &cells).unwrap().into_iter().map(|found| found.phase).collect()
    }

    /// Criteria that two have signed, and a programme with the pilot acme.
    fn started(&self, boss: &Person) {
        add_criteria(self.store(), Criteria::EXAMPLE, boss, at(START)).unwrap();
        sign(self.store(), &signature("Boss"), boss, at(START)).unwrap();
        let other = self.person("lea", &[Scope::Manage]);
        assert!(sign(self.store(), &signature("Lea"), &other, at(START)).unwrap().in_force);
        start(self.store(), self.rules.zone(), &begin(), boss, at(START)).unwrap();
    }

    fn close(&self, now: Timestamp) -> CloseReport {
        close_weeks(self.store(), &self.rules, "test", now).unwrap()
    }

    /// A ticket that is decided as Desk, Mail, P2 a minute after it was opened.
    fn decide(&self, id: &str, customer: &str, opened_at: Timestamp) {
        let received = opened_at + 30.seconds();
        self.decide_in(id, customer, (opened_at, received), Phase::Shadow);
    }

    fn decide_in(&self, id: &str, customer: &str, (opened, received): (Timestamp, Timestamp), phase: Phase) {
        let field = |label: &str| FieldDecision {
            label: label.to_owned(),
            confidence: Confidence::new(0.9),
            alternatives: Vec::new(),
        };
        let fields = [(Field::Board, "Desk"), (Field::Type, "Mail"), (Field::Priority, "P2")];
        let decided = Decided {
            id: format!("d-{customer}-{id}-{received}"),
            ticket: Ticket {
                id: id.to_owned(),
                subject: Some("Mail is slow".to_owned()),
                customer: Some(customer.to_owned()),
                opened_at: Some(opened),
                ..Ticket::default()
            },
            customer: customer.to_owned(),
            // By a key of that customer's: numbers are a customer's own.
            sees: CustomerSet::Only([customer.to_owned()].into()),
            expected: 0,
            input_hash: "h".to_owned(),
            bundle: BUNDLE.to_owned(),
            drafting: None,
            decision: Decision {
                id: id.to_owned(),
                kind: Kind::Person,
                fields: fields.map(|(name, label)| (name, field(label))).into(),
                rules: Vec::new(),
                kept: BTreeMap::new(),
                tokens_cut: 0,
            },
            route: Route::Review,
            storm: None,
            collapsed_into: None,
            draft: phase == Phase::Shadow && id.starts_with('w'),
            phase: Some(phase),
            blind: false,
            received_at: received,
            actor: "test".to_owned(),
            work: None,
        };
        let drafts = decided.draft;
        assert_eq!(self.store.record(&[decided], received).unwrap(), [Recorded::Stored]);
        if drafts {
            self.draft(received + 5.seconds());
        }
    }

    /// Writes the draft that waits.
    fn draft(&self, now: Timestamp) {
        let work = self.store.claim(WorkKind::Draft, "drafter", 1, now, now + 1.minutes()).unwrap().remove(0);
        let draft = Draft {
            text: "We look into it.".to_owned(),
            language: "en".to_owned(),
            origin: Origin::Template,
            sources: Vec::new(),
            confidence: Confidence::new(0.5),
            basis: Basis::Prior,
            prior: Confidence::new(0.5),
            verify_identity: false,
            verdicts: Vec::new(),
            rejected: Vec::new(),
            timings_ms: BTreeMap::new(),
        };
        let (work, bundle, draft) = (work.id, BUNDLE, Some(&draft));
        let result = DraftResult { work, owner: "drafter", draft, bundle, drafting: None };
        assert!(self.store.drafted(&result, now).unwrap());
    }

    /// How a ticket ended, reported at `told`.
    fn close_ticket(&self, id: &str, labels: [&str; 3], resolved: Timestamp, told: Timestamp) {
        let labels = [Field::Board, Field::Type, Field::Priority].into_iter().zip(labels);
        let mut labels: BTreeMap<Field, String> =
            labels.map(|(field, label)| (field, label.to_owned())).collect();
        labels.insert(Field::Technician, "ada".to_owned());
        let outcome = Outcome {
            labels,
            resolved_at: Some(resolved),
            first_response_at: Some(resolved),
            history_known: Some(true),
            ..Outcome::default()
        };
        self.tell(id, outcome, told);
    }

    fn tell(&self, id: &str, outcome: Outcome, told: Timestamp) {
        let news = Feedback {
            ticket_id: Some(id.to_owned()),
            outcome,
            source: "feedback".to_owned(),
            actor: "test".to_owned(),
            ..Feedback::default()
        };
        let joined = self.store.feedback(&[news], &CustomerSet::All, told).unwrap();
        assert!(matches!(joined[0], firstline_store::Joined::To(_)), "{id}: {joined:?}");
    }

    fn week(&self, number: u32, settled: bool) -> WeekView {
        let all = weeks(self.store(), self.rules.zone(), 70).unwrap();
        let found =
            all.into_iter().find(|w| w.scope == "all" && w.sheet.number == number && w.settled == settled);
        found.unwrap()
    }
}

fn signature(typed_name: &str) -> SignRequest {
    SignRequest {
        version: None,
        sha256: None,
        typed_name: typed_name.to_owned(),
        role: "service manager".to_owned(),
    }
}

fn begin() -> StartRequest {
    let baseline = json!({"history": "h.jsonl", "history_sha256": "e".repeat(64), "baseline": {
        "from": "2026-06-09T00:00:00Z", "to": "2026-09-07T00:00:00Z", "days": 90,
        "people": {"tickets": 900}, "alerts": {"tickets": 100}, "left_out": {"storm": 3},
        "segments": {"customer": [["Acme", {"tickets": 40}]]}, "warnings": []}});
    StartRequest {
        on: None,
        pilots: vec!["Acme".to_owned()],
        baseline: baseline.to_string(),
        reason: "The desk agreed to it on Monday".to_owned(),
    }
}

fn figure(week: &WeekView, name: &str) -> (Option<u64>, u64) {
    week.sheet.figures.get(name).map(|figure| (figure.count, figure.n)).unwrap_or_default()
}

fn code(fault: &firstline_fault::Error) -> Option<Code> {
    fault.code()
}

#[test]
fn r11_two_different_persons_sign_and_a_change_needs_signatures_of_its_own() {
    let home = home();
    let (ada, ben) = (home.person("ada", &[Scope::Manage]), home.person("ben", &[Scope::ApproveRollout]));
    let store = home.store();
    let missing = sign(store, &signature("Ada A."), &ada, at(START)).unwrap_err();
    assert_eq!(code(&missing), Some(Code::NotFound));
    assert_eq!(
        code(&add_criteria(store, Criteria::EXAMPLE, &ben, at(START)).unwrap_err()),
        Some(Code::Scope)
    );
    let version = add_criteria(store, Criteria::EXAMPLE, &ada, at(START)).unwrap();
    assert_eq!((version.version, &version.sha256), (1, &sha256_hex(Criteria::EXAMPLE.as_bytes())));
    let first = sign(store, &signature("Ada A."), &ada, at(START)).unwrap();
    assert_eq!((first.missing, first.in_force), (1, false));
    // Under whatever name: one person is one.
    for name in ["Ada A.", "Ben B.", "Somebody Else"] {
        assert_eq!(code(&sign(store, &signature(name), &ada, day(0, 1)).unwrap_err()), Some(Code::Conflict));
    }
    let other = SignRequest { sha256: Some("0".repeat(64)), ..signature("Ben") };
    assert_eq!(code(&sign(store, &other, &ben, day(0, 1)).unwrap_err()), Some(Code::Conflict));
    for empty in ["", "  ", "\u{7}", &"x".repeat(300)] {
        assert_eq!(code(&sign(store, &signature(empty), &ben, day(0, 1)).unwrap_err()), Some(Code::Request));
    }
    let second = sign(store, &signature("Ben B."), &ben, day(0, 2)).unwrap();
    assert_eq!((second.missing, second.in_force), (0, true));
    // A change is another version; until it is signed, the first holds.
    let changed = Criteria::EXAMPLE.replace("day90 = 0.85", "day90 = 0.90");
    assert_eq!(add_criteria(store, &changed, &ada, day(1, 0)).unwrap().version, 2);
    sign(store, &signature("Ada A."), &ada, day(1, 0)).unwrap();
    assert_eq!(criteria(store, day(1, 1)).unwrap().in_force, Some(1));
    sign(store, &signature("Ben B."), &ben, day(2, 0)).unwrap();
    assert_eq!(criteria(store, day(2, 1)).unwrap().in_force, Some(2));
    // One that asks for one signature alone is told that it needs as many as what it replaces.
    let alone = changed.replace("signatures = 2", "signatures = 1");
    assert_ne!(alone, changed);
    assert_eq!(add_criteria(store, &alone, &ada, day(3, 0)).unwrap().needed, 2);
    let third = sign(store, &signature("Ada A."), &ada, day(3, 0)).unwrap();
    assert_eq!((third.missing, third.in_force), (1, false));
    store.audit_check(&[]).unwrap();
}

#[test]
fn r11_signing_takes_the_right_to_manage_or_to_approve_for_all_customers() {
    let home = home();
    let boss = home.boss();
    add_criteria(home.store(), Criteria::EXAMPLE, &boss, at(START)).unwrap();
    let too_little: [(&str, &[Scope]); 3] = [
        ("rae", &[Scope::Review]),
        ("sam", &[Scope::Stop]),
        ("kim", &[Scope::Review, Scope::Stop, Scope::Feedback]),
    ];
    for (name, rights) in too_little {
        let person = home.person(name, rights);
        let refused = sign(home.store(), &signature("Rae"), &person, at(START)).unwrap_err();
        assert_eq!(code(&refused), Some(Code::Scope), "{rights:?}");
    }
    let some = CustomerSet::Only(["acme".to_owned()].into());
    let held = NewKey::new("cem", &[Scope::Admin].into(), some, None, at(START)).unwrap().of_person("cem");
    home.store.add_key(&held.record, "test", at(START)).unwrap();
    let held = Person::of_token(home.store(), held.token.expose(), at(START)).unwrap();
    assert_eq!(
        code(&sign(home.store(), &signature("Cem"), &held, at(START)).unwrap_err()),
        Some(Code::Scope)
    );
    let approves = home.person("app", &[Scope::ApproveRollout]);
    assert_eq!(sign(home.store(), &signature("App"), &approves, at(START)).unwrap().missing, 1);
}

#[test]
fn r24_a_ticket_decided_after_it_was_closed_is_no_agreement() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    home.decide("open", "acme", day(8, 0));
    home.decide_in("late", "acme", (day(8, 0), day(9, 1)), Phase::Shadow);
    home.decide_in("at_once", "acme", (day(8, 0), day(9, 0)), Phase::Shadow);
    for id in ["open", "late", "at_once"] {
        home.close_ticket(id, ["Desk", "Mail", "P2"], day(9, 0), day(9, 2));
    }
    home.close(day(15, 0));
    assert_eq!(figure(&home.week(1, false), "agreement"), (Some(1), 1));
    let status = status(home.store(), &home.rules.hours, Phase::Shadow, day(15, 0)).unwrap();
    assert_eq!((status.agreement.count, status.agreement.n), (Some(1), 1));
}

#[test]
fn r25_days_of_shadow_begin_with_the_first_decision() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    let days = |now| {
        let verdict = ask(&home, &evidence('a', now, Criteria::EXAMPLE), 'a', (&boss, now));
        verdict.checks.iter().find(|check| check.name == "days of shadow").unwrap().found
    };
    assert_eq!(days(day(40, 0)), Some(0.0));
    home.decide("t1", "acme", day(40, 0));
    assert_eq!((days(day(43, 1)), days(day(54, 1))), (Some(3.0), Some(14.0)));
}

#[test]
fn a_key_that_is_nobodys_own_or_no_longer_holds_is_no_person() {
    let home = home();
    let machine = NewKey::new("glue", &[Scope::Admin].into(), CustomerSet::All, None, at(START)).unwrap();
    home.store.add_key(&machine.record, "test", at(START)).unwrap();
    let refused = Person::of_token(home.store(), machine.token.expose(), at(START)).unwrap_err();
    assert_eq!(code(&refused), Some(Code::Scope));
    let own =
        NewKey::new("ada", &[Scope::Stop].into(), CustomerSet::All, Some(day(1, 0)), at(START)).unwrap();
    let own = own.of_person("ada");
    home.store.add_key(&own.record, "test", at(START)).unwrap();
    let token = own.token.expose().to_owned();
    let person = Person::of_token(home.store(), &format!(" {token}\n"), at(START)).unwrap();
    assert!(person.may(Scope::Stop).is_ok() && person.may(Scope::Manage).is_err());
    for (bad, now) in [(token.as_str(), day(2, 0)), ("fl_x_y", at(START)), ("", at(START))] {
        assert_eq!(code(&Person::of_token(home.store(), bad, now).unwrap_err()), Some(Code::Auth), "{bad}");
    }
    home.store.revoke_key(&own.record.id, "test", at(START)).unwrap();
    assert!(Person::of_token(home.store(), &token, at(START)).is_err());
    // Someone held to some customers does nothing that is for all.
    let some = CustomerSet::Only(["acme".to_owned()].into());
    let held = NewKey::new("cem", &[Scope::Admin].into(), some, None, at(START)).unwrap().of_person("cem");
    home.store.add_key(&held.record, "test", at(START)).unwrap();
    let held = Person::of_token(home.store(), held.token.expose(), at(START)).unwrap();
    assert_eq!(code(&held.may(Scope::Manage).unwrap_err()), Some(Code::Scope));
}

#[test]
fn r12_shadow_starts_on_signed_criteria_and_a_baseline_and_lets_nothing_be_done() {
    let home = home();
    let boss = home.boss();
    let (store, zone) = (home.store(), home.rules.zone());
    // Without a programme the settings decide.
    assert_eq!(home.cells(Phase::Assist), [Phase::Assist; 2]);
    let cell = Cell { customer: "acme", board: None, ticket_type: None };
    let granted = || allowed(store, Phase::Assist, &[(cell, BUNDLE)]).unwrap()[0].granted;
    assert!(!granted());
    let unsigned = start(store, zone, &begin(), &boss, at(START)).unwrap_err();
    assert_eq!(code(&unsigned), Some(Code::Conflict));
    add_criteria(store, Criteria::EXAMPLE, &boss, at(START)).unwrap();
    sign(store, &signature("Boss"), &boss, at(START)).unwrap();
    let one_short = start(store, zone, &begin(), &boss, at(START)).unwrap_err().to_string();
    assert!(one_short.contains("1 of the 2 signatures"), "{one_short}");
    let lea = home.person("lea", &[Scope::Manage]);
    sign(store, &signature("Lea"), &lea, at(START)).unwrap();
    assert_eq!(code(&start(store, zone, &begin(), &lea, at(START)).unwrap_err()), Some(Code::Scope));
    for (broken, expected) in [
        (StartRequest { baseline: "{}".to_owned(), ..begin() }, Code::Config),
        (
            StartRequest { baseline: begin().baseline.replace("\"days\":90", "\"days\":12"), ..begin() },
            Code::Config,
        ),
        (StartRequest { pilots: Vec::new(), ..begin() }, Code::Request),
        (StartRequest { reason: " ".to_owned(), ..begin() }, Code::Request),
        (StartRequest { on: Some("2025-01-01".parse().unwrap()), ..begin() }, Code::Conflict),
    ] {
        assert_eq!(code(&start(store, zone, &broken, &boss, at(START)).unwrap_err()), Some(expected));
    }
    let started = start(store, zone, &begin(), &boss, at(START)).unwrap();
    assert!(granted());
    assert_eq!((started.criteria, started.programme.day, started.programme.week), (1, 1, 0));
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Shadow; 2]);
    assert_eq!(installation_phase(store, Phase::Autonomous).unwrap(), Phase::Shadow);
    // Settings can only lower what is granted. The same start again changes nothing; other pilots do.
    assert_eq!(home.cells(Phase::Baseline), [Phase::Baseline; 2]);
    let again = start(store, zone, &begin(), &boss, day(3, 0)).unwrap();
    assert_eq!((again.programme.day, store.grants(false).unwrap().len()), (4, 1));
    let two = StartRequest { pilots: vec!["Acme".into(), "Bolt".into(), "ACME".into()], ..begin() };
    assert_eq!(start(store, zone, &two, &boss, day(9, 0)).unwrap().programme.pilots, ["acme", "bolt"]);
    let other = StartRequest { baseline: begin().baseline.replace("900", "901"), ..begin() };
    assert_eq!(code(&start(store, zone, &other, &boss, day(9, 0)).unwrap_err()), Some(Code::Conflict));
    // No customer's name is kept of a baseline.
    let rows = store.weeks(
        Some("baseline"),
        "2026-01-01".parse().unwrap(),
        "2027-01-01".parse().unwrap(),
        &CustomerSet::All,
    );
    assert!(!format!("{:?}", rows.unwrap()).contains("Acme"));
    store.audit_check(&[]).unwrap();
}

#[test]
fn a_settled_week_never_changes_whatever_comes_later() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    // Week 1 begins on day 7. Reported in time, in the settling week, three weeks late, and never.
    for (i, id) in ["t1", "t2", "t3", "t4"].into_iter().enumerate() {
        home.decide(id, if i % 2 == 0 { "acme" } else { "bolt" }, day(8, i as i64));
    }
    home.close_ticket("t1", ["Desk", "Mail", "P2"], day(9, 0), day(9, 0));
    assert_eq!(home.close(day(13, 23)), CloseReport::default());
    // All, the pilots, and one pilot.
    assert_eq!(home.close(day(14, 0)), CloseReport { closed: 3, settled: 0 });
    assert_eq!(home.close(day(14, 1)), CloseReport::default());
    home.close_ticket("t2", ["Net", "Mail", "P1"], day(15, 0), day(15, 0));
    home.close_ticket("t3", ["Desk", "Mail", "P2"], day(10, 0), day(31, 0));
    assert_eq!(home.close(day(35, 0)), CloseReport { closed: 9, settled: 9 });
    let (closed, settled) = (home.week(1, false), home.week(1, true));
    assert_eq!((closed.week.as_str(), figure(&closed, "tickets").1), ("2026-W38", 4));
    assert_eq!((figure(&closed, "agreement"), figure(&settled, "agreement")), ((Some(1), 1), (Some(1), 2)));
    assert_eq!(figure(&settled, "agreement_best"), (Some(1), 2));
    assert_eq!(
        (figure(&settled, "priority_under"), figure(&settled, "missed_most_urgent").1),
        ((Some(1), 2), 1)
    );
    assert_eq!(figure(&settled, "intake_late"), (Some(0), 4));
    assert_eq!(settled.sheet.by_bundle[BUNDLE].n, 2);
    // Reopened, relabelled, moved, renamed, deleted, criteria changed: all of it later.
    let later = day(36, 0);
    home.tell("t1", Outcome { reopened: Some(true), deleted: Some(true), ..Outcome::default() }, later);
    home.close_ticket("t3", ["Elsewhere", "Other", "P1"], day(35, 5), later);
    home.decide_in("t4", "acme", (day(8, 3), later), Phase::Shadow);
    let change = Event {
        psa_key: "c1".to_owned(),
        at: day(9, 1),
        actor: None,
        actor_kind: ActorKind::Technician,
        what: Happening::Change { of: Changed::Board, from: Some("Net".into()), to: Some("Desk".into()) },
    };
    let event = NewEvent { ticket_id: "t2".to_owned(), customer: None, event: change };
    let told = home.store.record_events(&[event.clone(), event], &CustomerSet::All, "test", later).unwrap();
    assert_eq!(told, [EventResult::Stored, EventResult::Known]);
    add_criteria(home.store(), &Criteria::EXAMPLE.replace("0.85", "0.95"), &boss, later).unwrap();
    let renamed =
        crate::Rollout { best_technicians: "ben".into(), settle_days: 3, ..rollout_settings(&home) };
    let rules = DeskRules::read(&Policy::built_in().unwrap(), &renamed).unwrap();
    close_weeks(home.store(), &rules, "test", day(40, 0)).unwrap();
    assert_eq!((home.week(1, false), home.week(1, true)), (closed, settled));
    // What is known now is told beside it.
    let window = ShadowWindow { from: day(7, 0), to: day(14, 0), customers: CustomerSet::All };
    let now = shadow(home.store(), &home.rules, &window, later).unwrap();
    assert_eq!((now.agreement.n, now.missed_most_urgent.len()), (2, 2), "{now:?}");
    home.store.audit_check(&[]).unwrap();
}

fn rollout_settings(_: &Home) -> crate::Rollout {
    crate::Rollout {
        blind_share: 0.05,
        settle_days: 7,
        tiers: "".into(),
        aliases: "".into(),
        best_technicians: String::new(),
    }
}

#[test]
fn r24_renamed_labels_agree_and_what_people_saw_is_kept() {
    let mut home = home();
    let alias = ((Field::Board, "Desk".to_owned()), "Service Desk".to_owned());
    home.rules.aliases = [alias].into();
    for (id, phase) in [("t1", Phase::Shadow), ("t2", Phase::Shadow), ("t3", Phase::Assist)] {
        home.decide_in(id, "acme", (day(8, 0), day(8, 1)), phase);
        home.close_ticket(id, ["Service Desk", "Mail", "P3"], day(9, 0), day(9, 0));
    }
    let window = ShadowWindow { from: day(7, 0), to: day(14, 0), customers: CustomerSet::All };
    let found = shadow(home.store(), &home.rules, &window, day(20, 0)).unwrap();
    assert_eq!((found.agreement.count, found.agreement.n, found.left_as_seen.n), (Some(2), 2, 1));
    assert_eq!((found.priority_over.count, found.by_priority.len()), (Some(2), 1));
    assert_eq!(found.intake_late.count, Some(3));
    let other = ShadowWindow { customers: CustomerSet::Only(["bolt".to_owned()].into()), ..window.clone() };
    assert_eq!(shadow(home.store(), &home.rules, &other, day(20, 0)).unwrap().tickets, 0);
    let backwards = ShadowWindow { from: day(9, 0), to: day(9, 0), ..window };
    assert_eq!(
        code(&shadow(home.store(), &home.rules, &backwards, day(20, 0)).unwrap_err()),
        Some(Code::Request)
    );
}

fn service(digit: char) -> InServiceNow {
    InServiceNow {
        bundle_id: BUNDLE.to_owned(),
        bundle_sha256: digit.to_string().repeat(64),
        policy_sha: "b".repeat(64),
        trained_on: trained(),
    }
}

fn trained() -> TrainedOn {
    TrainedOn {
        from: "2026-01-05".parse().ok(),
        to: "2026-06-30".parse().ok(),
        n: 5_000,
        split: "time".to_owned(),
        sha256: "e".repeat(64),
    }
}

/// What agrees, with the figures that follow.
fn agreed(right: u64, n: u64) -> Value {
    let share = Share::new(right, n);
    json!({"n": n, "right": right, "share": share.share, "low": share.low, "high": share.high})
}

/// Calibration that is off by two points.
fn calibration() -> Value {
    let mut bin = agreed(270, 300);
    bin["confidence"] = json!(0.92);
    json!({"n": 300, "ece": 0.02, "brier": 0.1, "nll": 0.3, "bins": [bin]})
}

/// An evidence file made at `made_at` of a bundle.
fn evidence(digit: char, made_at: Timestamp, criteria: &str) -> Value {
    let sha = |digit: char| digit.to_string().repeat(64);
    json!({
        "format": "firstline-evidence/1", "id": "e1", "made_at": made_at, "seed": 0,
        "program": {"version": "0.1.0"}, "machine": {"isa": "avx2", "cores": 2},
        "bundle": {"id": BUNDLE, "sha256": sha(digit), "seed": 1,
            "trained_on": trained()},
        "policy_sha": sha('b'), "criteria_sha": sha256_hex(criteria.as_bytes()),
        "data": {"sha256": sha('d'), "from": "2026-07-01", "to": "2026-08-28", "tickets": 300, "customers": 12, "left_out": {}},
        "joint": {"board_type": agreed(270, 300)},
        "calibration": {"board": calibration(), "type": calibration()},
        "drafts": {"n": 250, "due": 250, "made": 240, "within_60s": 238, "p95": 1.5},
        "safety": {"attacks": {"n": 192, "passed": 192}, "canaries": {"n": 400, "leaked": 0, "own": 300}},
    })
}

fn ask(home: &Home, evidence: &Value, digit: char, (boss, now): (&Person, Timestamp)) -> GateVerdict {
    let request =
        GateRequest { evidence: evidence.to_string().into_bytes(), reason: "Weeks of shadow".to_owned() };
    gate(home.store(), home.rules.zone(), &request, &service(digit), (boss, now)).unwrap()
}

/// The PSA's list of the first `n` tickets of a week, as [`a_week`] makes them.
fn listed(week: i64, n: usize) -> Vec<ListedTicket> {
    let customer = |i: usize| if i.is_multiple_of(3) { "Acme" } else { "Bolt" };
    let one = |i| ListedTicket { ticket_id: format!("w{week}-{i}"), customer: Some(customer(i).to_owned()) };
    (0..n).map(one).collect()
}

/// Counts a list over some days of the programme.
fn count(home: &Home, (from, to): (i64, i64), tickets: Vec<ListedTicket>, now: Timestamp) -> Coverage {
    let list = Listed { from: day(from, 0), to: day(to, 0), tickets };
    coverage(home.store(), &list, ("test", None), now).unwrap()
}

/// Tickets of a week, each decided and closed the next day, `right` of them as decided.
fn a_week(home: &Home, week: i64, n: usize, right: usize) {
    for i in 0..n {
        let id = format!("w{week}-{i}");
        let opened = day(7 * week, 1) + (i as i64 % 100).minutes();
        home.decide(&id, if i % 3 == 0 { "acme" } else { "bolt" }, opened);
        let board = if i < right { "Desk" } else { "Net" };
        home.close_ticket(&id, [board, "Mail", "P2"], opened + 24.hours(), opened + 24.hours());
    }
}

#[test]
fn r25_the_gate_names_what_is_missing_and_pauses_for_a_clean_up_until_another_bundle_passes() {
    let home = home();
    let boss = home.boss();
    let early = GateRequest { evidence: b"{}".to_vec(), reason: "r".to_owned() };
    let nothing = gate(home.store(), home.rules.zone(), &early, &service('a'), (&boss, at(START)));
    assert_eq!(code(&nothing.unwrap_err()), Some(Code::Conflict));
    home.started(&boss);
    a_week(&home, 1, 160, 120);
    let now = day(21, 1);
    home.close(now);
    let file = evidence('a', now, Criteria::EXAMPLE);
    let low = ask(&home, &file, 'a', (&boss, now));
    let check = |verdict: &GateVerdict, name: &str| {
        verdict.checks.iter().find(|check| check.name.contains(name)).unwrap().clone()
    };
    let agreement = check(&low, "agreement on board and type");
    assert_eq!((low.passed, agreement.n, agreement.found, agreement.needed), (false, 160, Some(0.75), 0.85));
    assert!((agreement.short_by.unwrap() - 0.10).abs() < 1e-9);
    assert_eq!(check(&low, "of the PSA").missing.as_deref(), Some("not measured"));
    let plan = low.plan.unwrap().steps.join(" ");
    assert!(plan.contains("audit-labels") && plan.contains("learning-curve"), "{plan}");
    assert_eq!(low.on_hold[0].level, HoldLevel::Cleanup);
    assert!(low.granted.is_empty() && low.verdict.is_some());
    // A file that was changed by hand does not count.
    let changed = |path: &str, value: Value| {
        let mut file = evidence('a', now, Criteria::EXAMPLE);
        *file.pointer_mut(path).unwrap() = value;
        let refused = ask(&home, &file, 'a', (&boss, now));
        assert!(!refused.passed && refused.verdict.is_none(), "{path}");
        refused.refused.join(" ")
    };
    for (path, value, why) in [
        ("/bundle/trained_on/to", json!("2026-03-01"), "trained_on (to)"),
        ("/bundle/trained_on/n", json!(50_000), "trained_on (n)"),
        ("/safety/attacks", json!({"n": 3, "passed": 3}), "of 192 attacks"),
        ("/safety/canaries", json!({"n": 3, "leaked": 0, "own": 3}), "canaries"),
        ("/joint/board_type/share", json!(0.99), "joint.board_type"),
        ("/calibration/type/ece", json!(0.001), "calibration.type"),
    ] {
        let said = changed(path, value);
        assert!(said.contains(why), "{path}: {said}");
    }
    // Evidence of another bundle, too old, or on other criteria does not count, and is no verdict.
    for (file, why) in [
        (evidence('f', now, Criteria::EXAMPLE), "another bundle"),
        (evidence('f', now, Criteria::EXAMPLE), "about bundle"),
        (evidence('a', day(1, 0), Criteria::EXAMPLE), "days old"),
        (evidence('a', now, "other"), "criteria"),
    ] {
        let refused = ask(&home, &file, 'a', (&boss, now));
        assert!(!refused.passed && refused.verdict.is_none() && !refused.refused.is_empty(), "{why}");
    }
    assert_eq!(home.store.verdicts(Some("shadow_to_assist")).unwrap().len(), 1);
    // The counts of the PSA's lists, and better weeks.
    assert!(count(&home, (7, 14), listed(1, 160), now).enough);
    for week in 3..6 {
        a_week(&home, week, 150, 148);
    }
    let then = day(56, 0);
    home.close(then);
    let later = (3..6).flat_map(|week| listed(week, 150)).collect();
    assert!(count(&home, (14, 42), later, then).enough);
    // The same bundle again is asked, and the clean-up stays; another that passes ends it.
    let better = evidence('c', then, Criteria::EXAMPLE);
    let passed = ask(&home, &better, 'c', (&boss, then));
    let failing: Vec<_> = passed.checks.iter().filter(|check| !check.passed).collect();
    assert!(passed.passed, "{failing:?}");
    assert_eq!((passed.granted.as_slice(), passed.on_hold.len()), (&["acme".to_owned()][..], 0));
    assert_eq!(home.cells(Phase::Autonomous), [Phase::Assist, Phase::Shadow]);
    assert_eq!(home.cells(Phase::Shadow), [Phase::Shadow; 2]);
    let grants = home.store.grants(true).unwrap();
    let sha = sha256_hex(better.to_string().as_bytes());
    assert!(grants.iter().all(|grant| grant.evidence_sha.as_deref() == Some(sha.as_str())), "{grants:?}");
    // Passing again grants nothing twice.
    assert!(ask(&home, &better, 'c', (&boss, then)).granted.is_empty());
    assert_eq!(home.store.grants(false).unwrap().len(), 3);
    let status = status(home.store(), &home.rules.hours, Phase::Autonomous, then).unwrap();
    assert_eq!((status.phase.as_str(), status.last_verdict.unwrap().passed), ("assist", true));
    home.store.audit_check(&[]).unwrap();
}

#[test]
fn r74_holds_name_a_person_with_the_right_and_a_reason_and_end_on_evidence() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    let (manager, guard) = (home.person("mia", &[Scope::Manage]), home.person("gus", &[Scope::Stop]));
    let ask =
        |level, reason: &str| HoldRequest { level, scope: Scoped::default(), reason: reason.to_owned() };
    let store = home.store();
    let refused =
        |request: HoldRequest, person: &Person| code(&hold(store, &request, person, day(1, 0)).unwrap_err());
    assert_eq!(refused(ask(HoldLevel::Stop, "x"), &manager), Some(Code::Scope));
    assert_eq!(refused(ask(HoldLevel::Pause, "x"), &guard), Some(Code::Scope));
    assert_eq!(refused(ask(HoldLevel::Pause, "  "), &manager), Some(Code::Request));
    let pause =
        hold(store, &ask(HoldLevel::PauseExpansion, "Agreement fell twice"), &manager, day(1, 0)).unwrap();
    let scope = Scoped { customer: Some("ACME".to_owned()), ..Scoped::default() };
    let back = HoldRequest { scope, ..ask(HoldLevel::BackOut, "Wrong replies at one customer") };
    // Nobody has such a ticket: more likely a name is misspelt than that nothing is to be held.
    let odd = Scoped { board: Some("desk".to_owned()), ..Scoped::default() };
    let odd = HoldRequest { scope: odd, ..ask(HoldLevel::BackOut, "Wrong replies on one board") };
    assert_eq!(code(&hold(store, &odd, &manager, day(1, 0)).unwrap_err()), Some(Code::NotFound));
    let back = hold(store, &back, &manager, day(1, 0)).unwrap();
    let stop = hold(store, &ask(HoldLevel::Stop, "Everything is wrong"), &guard, day(1, 1)).unwrap();
    assert_eq!(installation_phase(store, Phase::Autonomous).unwrap(), Phase::Shadow);
    assert_eq!(back.scope.customer.as_deref(), Some("acme"));
    let end = |hold, person: &Person, now| resume(store, hold, "The cause is found and mended", person, now);
    assert_eq!(code(&end(pause.hold, &manager, day(2, 0)).unwrap_err()), Some(Code::Scope));
    assert_eq!(code(&resume(store, pause.hold, "", &boss, day(2, 0)).unwrap_err()), Some(Code::Request));
    assert_eq!(end(pause.hold, &boss, day(2, 0)).unwrap().level, HoldLevel::PauseExpansion);
    assert_eq!(code(&end(pause.hold, &boss, day(2, 0)).unwrap_err()), Some(Code::NotFound));
    // A stop ends on no less than a back-out.
    let lacks = end(stop.hold, &boss, day(2, 0)).unwrap_err();
    assert!(code(&lacks) == Some(Code::Conflict) && lacks.to_string().contains("the gate has not passed"));
    assert_eq!(code(&end(9_999, &boss, day(2, 0)).unwrap_err()), Some(Code::NotFound));
    // A back-out takes the gate passed since, and a week of later on the right side.
    let lacks = end(back.hold, &boss, day(2, 0)).unwrap_err().to_string();
    assert!(lacks.contains("the gate has not passed"), "{lacks}");
    for week in 1..3 {
        a_week(&home, week, 150, 147);
    }
    let both = (1..3).flat_map(|week| listed(week, 150)).collect();
    assert_eq!(count(&home, (7, 21), both, day(21, 0)).missing, Vec::<String>::new());
    let now = day(28, 0);
    home.close(now);
    let passed = super::tests::ask(&home, &evidence('a', now, Criteria::EXAMPLE), 'a', (&boss, now));
    assert!(passed.passed && passed.granted.is_empty(), "{passed:?}");
    assert_eq!(passed.on_hold[0].hold, stop.hold);
    assert_eq!(code(&end(stop.hold, &manager, now).unwrap_err()), Some(Code::Scope));
    assert_eq!(code(&resume(store, stop.hold, " ", &boss, now).unwrap_err()), Some(Code::Request));
    assert_eq!(end(stop.hold, &boss, now).unwrap().level, HoldLevel::Stop);
    let passed = super::tests::ask(&home, &evidence('a', now, Criteria::EXAMPLE), 'a', (&boss, now));
    assert!(passed.passed && passed.granted.is_empty(), "{passed:?}");
    assert_eq!(passed.on_hold[0].hold, back.hold);
    assert_eq!(end(back.hold, &boss, now).unwrap().level, HoldLevel::BackOut);
    store.audit_check(&[]).unwrap();
}

#[test]
fn a_customer_that_is_forgotten_leaves_the_desks_weeks_and_takes_its_own() {
    let home = home();
    let boss = home.boss();
    home.started(&boss);
    a_week(&home, 1, 30, 30);
    home.close(day(21, 0));
    let (before, settled) = (weeks(home.store(), home.rules.zone(), 70).unwrap(), home.week(1, true));
    assert_eq!(before.iter().filter(|week| week.customer.as_deref() == Some("acme")).count(), 3);
    let gone = home.store.forget(&["acme".to_owned()], "test", day(22, 0)).unwrap();
    assert_eq!((gone.weeks, gone.tickets), (3, 10));
    let after = weeks(home.store(), home.rules.zone(), 70).unwrap();
    assert!(after.iter().all(|week| week.customer.is_none()) && after.len() == before.len() - 3);
    assert_eq!(home.week(1, true), settled);
    home.store.audit_check(&[]).unwrap();
}
