//! Days that are kept ready say what the rows say, whatever happened in between.

use super::*;
use crate::{Feedback, JobFault};
use firstline_ticket::{JudgedTicket, Outcome, Verdict};

on_both!(a_day_is_what_its_rows_say, a_window_is_cut_at_its_ends);

/// Both ways, of all customers and of one.
fn compare(home: &Home, step: &str) -> Vec<JudgedTicket> {
    let (from, to) = (at(-999_999), at(999_999));
    let mut found = Vec::new();
    for customers in [only(&["acme"]), CustomerSet::All] {
        let rows = home.judged(from, to, &customers).unwrap();
        let mut due: Vec<JudgedTicket> = rows.iter().map(JudgedTicket::from).collect();
        found = home.judged_tickets(from, to, &customers).unwrap();
        for all in [&mut due, &mut found] {
            all.sort_by_key(|ticket| format!("{ticket:?}"));
        }
        assert_eq!(found, due, "after {step}");
    }
    found
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
    assert_eq!(compare(home, "a draft that is asked for").iter().filter(|t| t.draft_due).count(), 2);
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
    let verdicts = &found.iter().find(|ticket| ticket.reported).unwrap().verdicts;
    let due = [
        Verdict::Other("Mail \"x\"".to_owned()),
        Verdict::Undecided("Spam".to_owned()),
        Verdict::Open,
        Verdict::Same,
        Verdict::Open,
    ];
    assert_eq!(verdicts, &due);
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
        let found = home.judged_tickets(from, to, &CustomerSet::All).unwrap();
        found.into_iter().map(|ticket| ticket.received_at).collect()
    };
    assert_eq!(within(at(40_000), at(120_000)), [at(40_000), at(80_000)]);
    assert_eq!(within(at(40_000), at(120_001)), [at(40_000), at(80_000), at(120_000)]);
    assert_eq!(within(at(5), at(5)), []);
    assert_eq!(within(Timestamp::MIN, Timestamp::MAX).len(), 4);
}
