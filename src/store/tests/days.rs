//! Days that are kept ready say what the rows say, whatever happened in between.

use super::*;
use crate::{ActionClaim, ActionKind, Feedback, Holder, JobFault};
use firstline_ticket::{Counted, JudgedDecision, JudgedTicket, Outcome, Verdict};

on_both!(
    a_day_is_what_its_rows_say,
    what_was_done_counts_on_its_own_day,
    a_window_is_cut_at_its_ends,
    a_day_that_was_cut_or_changed_is_made_again,
);

/// All that figures are given, as text.
fn counted(home: &Home, (from, to): (Timestamp, Timestamp), customers: &CustomerSet) -> Vec<String> {
    let mut found = Vec::new();
    home.judged_tickets(from, to, customers, &mut |one| found.push(format!("{one:?}"))).unwrap();
    found
}

/// Both ways, of all customers and of one. Gives the decisions.
fn compare(home: &Home, step: &str) -> Vec<JudgedDecision> {
    let (from, to) = (at(-999_999), at(999_999));
    let mut rows = Vec::new();
    for customers in [only(&["acme"]), CustomerSet::All] {
        rows = home.judged(from, to, &customers).unwrap();
        let due = rows.iter().map(|row| format!("{:?}", Counted::Ticket(&JudgedTicket::from(row))));
        let mut due: Vec<String> = due.collect();
        let mut found = counted(home, (from, to), &customers);
        found.retain(|one| one.starts_with("Ticket"));
        [&mut due, &mut found].into_iter().for_each(|all| all.sort());
        assert_eq!(found, due, "after {step}");
    }
    rows
}

fn a_day_is_what_its_rows_say(home: &Home) {
    assert_eq!(compare(home, "nothing"), []);
    record(&**home, decided("d1", "t1", 0));
    compare(home, "a decision");
    // The same ticket again, days later.
    record(&**home, Decided { received_at: at(200_000), ..decided("d2", "t1", 1) });
    assert_eq!(compare(home, "a newer decision").len(), 1);
    let quiet = Decided { draft: false, ..decided("d3", "t3", 0) };
    record(&**home, quiet);
    compare(home, "one without a draft");
    assert!(home.want_draft("d3", "key-1").unwrap());
    assert_eq!(compare(home, "a draft that is asked for").iter().filter(|one| one.draft_due).count(), 2);
    for work in claim(&**home, WorkKind::Draft, "w", 9) {
        if work.decision.as_ref().unwrap().0 == "d3" {
            let fault = JobFault { code: "E_ODD".to_owned(), message: "odd".to_owned() };
            assert!(home.fail(work.id, "w", &fault, at(2)).unwrap());
            compare(home, "a draft that was given up");
        } else {
            assert!(home.drafted(&result(work.id, "w", Some(&draft("Yes."))), at(2)).unwrap());
            compare(home, "a draft");
        }
    }
    home.review(&ReviewRequest { distance: 0.25, ..review("d2", Review::Accepted, "k") }, at(3)).unwrap();
    compare(home, "a review");
    let news = Feedback {
        ticket_id: Some("t1".to_owned()),
        outcome: Outcome {
            labels: labels(&[(Field::Board, "Mail \"x\""), (Field::Type, "Spam"), (Field::Priority, "P2")]),
            first_response_at: Some(at(7)),
            resolved_at: Some(at(9)),
            reopened: Some(true),
            escalated: Some(false),
            customer_visible_error: Some(false),
            handle_seconds: Some(90.5),
            ..Outcome::default()
        },
        source: "feedback".to_owned(),
        actor: "key-1".to_owned(),
        ..Feedback::default()
    };
    home.feedback(&[news], &CustomerSet::All, at(9)).unwrap();
    let found = compare(home, "feedback");
    let verdicts = JudgedTicket::from(found.iter().find(|one| one.reported).unwrap()).verdicts;
    let due = [
        Verdict::Other("Mail \"x\""),
        Verdict::Undecided("Spam"),
        Verdict::Open,
        Verdict::Same,
        Verdict::Open,
    ];
    assert_eq!(verdicts, due);
    let mut moved =
        Decided { customer: "bolt".to_owned(), received_at: at(300_000), ..decided("d4", "t1", 0) };
    moved.ticket.customer = Some("Bolt".to_owned());
    record(&**home, moved);
    compare(home, "a move");
    home.forget(&["bolt".to_owned()], "admin", at(400_000)).unwrap();
    assert_eq!(compare(home, "a customer that was forgotten").len(), 1);
}

fn a_window_is_cut_at_its_ends(home: &Home) {
    for n in 0..4 {
        record(
            &**home,
            Decided { received_at: at(n * 40_000), ..decided(&format!("d{n}"), &format!("t{n}"), 0) },
        );
    }
    let within = |from, to| -> Vec<Timestamp> {
        let mut found = Vec::new();
        home.judged_tickets(from, to, &CustomerSet::All, &mut |one| found.push(one.at())).unwrap();
        found
    };
    assert_eq!(within(at(40_000), at(120_000)), [at(40_000), at(80_000)]);
    assert_eq!(within(at(40_000), at(120_001)), [at(40_000), at(80_000), at(120_000)]);
    assert_eq!(within(at(5), at(5)), []);
    assert_eq!(within(Timestamp::MIN, Timestamp::MAX).len(), 4);
}

fn what_was_done_counts_on_its_own_day(home: &Home) {
    let customers = CustomerSet::All;
    let holder = Holder { key: "psa", owner: "o", customers: &customers };
    let claim =
        |n| ActionClaim { holder, limit: 9, most: 3, now: at(n), until: at(n + 60), alone: Some("bundle-1") };
    let done = |from, to, customers: &CustomerSet| -> Vec<(Timestamp, bool)> {
        let mut found = Vec::new();
        let mut each = |one: &Counted<'_>| {
            if let Counted::Action(action) = one {
                found.push((action.at, action.alone));
            }
        };
        home.judged_tickets(at(from), at(to), customers, &mut each).unwrap();
        found
    };
    drafted(&**home, "d1", "t1", 0);
    assert_eq!(done(-99, 999_999, &customers), []);
    home.review(&review("d1", Review::Accepted, "k"), at(3)).unwrap();
    // Made ready before it is done, the day of tomorrow too.
    assert_eq!(done(-99, 999_999, &customers), []);
    let mut kinds = Vec::new();
    for n in [200_000, 200_100] {
        for action in home.claim_actions(&claim(n)).unwrap() {
            assert_eq!(done(n, 999_999, &customers), []);
            kinds.push(action.kind);
            home.settle_action(action.id, &holder, &report(None), at(n + 5)).unwrap();
        }
    }
    // Labels are set where no customer sees them.
    assert_eq!(kinds, [ActionKind::Reply, ActionKind::SetFields]);
    let due = [(at(200_005), false)];
    assert_eq!(done(-99, 999_999, &customers), due);
    assert_eq!(
        (done(200_005, 200_006, &customers), done(0, 200_005, &customers)),
        (due.to_vec(), Vec::new())
    );
    assert_eq!(
        (done(-99, 999_999, &only(&["acme"])), done(-99, 999_999, &only(&["bolt"]))),
        (due.to_vec(), vec![])
    );
    home.forget(&["acme".to_owned()], "admin", at(400_000)).unwrap();
    assert_eq!(done(-99, 999_999, &customers), []);
}

fn a_day_that_was_cut_or_changed_is_made_again(home: &Home) {
    for n in 0..3 {
        let one = Decided { received_at: at(n * 90_000), ..decided(&format!("d{n}"), &format!("t{n}"), 0) };
        record(&**home, one);
    }
    let whole = (at(-999_999), at(999_999));
    let due = counted(home, whole, &CustomerSet::All);
    assert_eq!(due.len(), 3);
    let first = at(0).as_second() / 86_400;
    for meddling in [
        "UPDATE days SET block = substr(block, 1, length(block) - 1)".to_owned(),
        "UPDATE days SET block = ''".to_owned(),
        "UPDATE days SET block = block || '@'".to_owned(),
        "UPDATE days SET block = replace(block, 'acme', 'acmf')".to_owned(),
        // What the version before wrote.
        "UPDATE days SET block = '[[],[]]'".to_owned(),
        // The right text of another day.
        format!(
            "UPDATE days SET block = (SELECT e.block FROM days e WHERE e.day = {first}) WHERE day > {first}"
        ),
        "DELETE FROM days".to_owned(),
    ] {
        home.meddle(&meddling);
        assert_eq!(counted(home, whole, &CustomerSet::All), due, "{meddling}");
        assert_eq!(counted(home, whole, &only(&["acme"])), due, "{meddling}");
    }
}
